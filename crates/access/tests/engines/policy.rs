//! Rules of the institution: three persons, one digest, every node; and no way to lock oneself out.

use crate::house::{House, REMOTE, actor, home, patient, unhurried};
use std::time::Duration;
use yingdun_access::{LocalFault, NewPolicy, PolicyChangeError, PolicyRecord, PolicyState, Reason, Session};
use yingdun_audit::Outcome;
use yingdun_catalog::identity::policies;
use yingdun_catalog::{Sql, Statement};
use yingdun_model::{Action, ActorKind, Grade, Role};

crate::on_both_engines!(
    rules_take_three_persons_and_then_count_on_every_node,
    nobody_approves_the_own_proposal_another_text_or_twice,
    what_is_open_is_decided_anew_when_rules_change,
    a_rule_that_closes_the_way_back_is_refused_and_whatever_else_is_closed_can_be_opened_again,
    one_person_suspends_for_a_while_and_another_looks_at_it,
    rows_that_somebody_else_wrote_let_nothing_open,
    a_suspension_whose_row_is_gone_ends_and_a_number_that_comes_again_is_read,
    who_proposed_a_version_and_with_what_it_was_compared_is_what_was_sealed,
    a_proposal_that_was_compared_with_other_rules_goes_nowhere,
    steps_are_leaves_and_nobody_else_takes_part,
    what_a_version_would_change_is_told_from_the_log_and_with_examples,
    what_nobody_used_is_told_and_what_somebody_used_is_not,
);

const NO_EXPORT: &str = r#"@id("local-no-export")
forbid (principal is Person, action == Action::"export", resource);"#;
const NO_VIEW: &str = r#"@id("local-no-view")
forbid (principal is Person, action in [Action::"list", Action::"view"], resource)
when { principal.role == Role::"chief" };"#;

fn text(text: &str) -> NewPolicy {
    NewPolicy::Text(text.to_owned())
}

async fn propose(house: &House, policy: &str) -> PolicyRecord {
    house.access.propose_policy(&house.system_officer, text(policy), "a test").await.unwrap()
}

/// Proposed by one, approved by two others, in force.
async fn put_into_force(house: &House, policy: &str) -> PolicyRecord {
    let PolicyRecord { version, digest, .. } = propose(house, policy).await;
    for approver in [&house.security_officer, &house.audit_officer] {
        house.access.approve_policy(approver, version, &digest).await.unwrap();
    }
    house.access.activate_policy(&house.security_officer, version, &digest).await.unwrap()
}

async fn reason(house: &House, session: &Session, action: Action) -> Option<Reason> {
    match house.access.authorise(session, action, house.study(1, Grade::L4)).await {
        Ok(_) => None,
        Err(refusal) => refusal.reason(),
    }
}

async fn rules_take_three_persons_and_then_count_on_every_node(house: House) {
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let there = house.node(unhurried());
    let program = house.access.policy_set();
    let proposed = propose(&house, NO_EXPORT).await;
    assert_eq!((proposed.version, proposed.state), (1, PolicyState::Proposed));
    assert_eq!(proposed.text.as_deref(), Some(NO_EXPORT));
    let (version, digest) = (proposed.version, proposed.digest);
    let early = house.access.activate_policy(&house.security_officer, version, &digest).await;
    assert!(matches!(early, Err(PolicyChangeError::State(_))), "{early:?}");
    house.access.approve_policy(&house.security_officer, version, &digest).await.unwrap();
    let early = house.access.activate_policy(&house.security_officer, version, &digest).await;
    assert!(matches!(early, Err(PolicyChangeError::State(_))), "{early:?}");
    let approved = house.access.approve_policy(&house.audit_officer, version, &digest).await.unwrap();
    assert_eq!((approved.state, approved.approvals.len()), (PolicyState::Approved, 2));
    assert_eq!(reason(&house, &chief, Action::Export).await, None, "not in force yet");

    let active = house.access.activate_policy(&house.security_officer, version, &digest).await.unwrap();
    assert_eq!(active.state, PolicyState::InForce);
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule));
    assert_eq!(reason(&house, &chief, Action::View).await, None);
    let with_rules = house.access.policy_set();
    assert_ne!(with_rules, program);
    let leaf = house.leaves().pop().unwrap();
    assert_eq!(leaf.policy_set.unwrap().0, with_rules, "leaves name the whole set");

    assert!(there.authorise(&chief, Action::Export, house.study(1, Grade::L4)).await.is_ok());
    assert!(there.follow_policies().await.unwrap());
    assert_eq!(there.policy_set(), with_rules, "the same set, the same digest, on every node");
    let refused = there.authorise(&chief, Action::Export, house.study(1, Grade::L4)).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::LocalRule));
    let anew = house.node(unhurried());
    assert!(anew.follow_policies().await.unwrap());
    assert_eq!(anew.policy_set(), with_rules, "and after a restart");

    // Back to no rules: another version, approved like any other.
    let back = put_into_force(&house, "").await;
    assert_eq!((back.version, back.state), (2, PolicyState::InForce));
    assert_eq!(reason(&house, &chief, Action::Export).await, None);
    let first = house.access.policy(&house.audit_officer, 1).await.unwrap();
    assert_eq!(first.state, PolicyState::Replaced);
    // And forward again: the text of the first, as a third.
    let again =
        house.access.propose_policy(&house.system_officer, NewPolicy::Version(1), "again").await.unwrap();
    assert_eq!((again.version, again.copy_of, again.digest), (3, Some(1), digest));
    assert!(again.approvals.is_empty(), "what was approved once is approved anew");
}

async fn nobody_approves_the_own_proposal_another_text_or_twice(house: House) {
    let own = house.access.propose_policy(&house.security_officer, text(NO_EXPORT), "mine").await.unwrap();
    let same = house.access.approve_policy(&house.security_officer, own.version, &own.digest).await;
    assert!(matches!(same, Err(PolicyChangeError::SamePerson)), "{same:?}");
    let other = house.access.approve_policy(&house.audit_officer, own.version, &[0; 32]).await;
    assert!(matches!(other, Err(PolicyChangeError::OtherDigest)), "{other:?}");
    house.access.approve_policy(&house.audit_officer, own.version, &own.digest).await.unwrap();
    let twice = house.access.approve_policy(&house.audit_officer, own.version, &own.digest).await;
    assert!(matches!(twice, Err(PolicyChangeError::SamePerson)), "{twice:?}");
    let second = house.signed_in("aud2", Role::AuditAdministrator).await.session;
    let office = house.access.approve_policy(&second, own.version, &own.digest).await;
    assert!(matches!(office, Err(PolicyChangeError::State(_))), "{office:?}");
    let refused = house.access.approve_policy(&house.system_officer, own.version, &own.digest).await;
    assert!(matches!(refused, Err(PolicyChangeError::Admin(_))), "{refused:?}");
    let not_enough = house.access.activate_policy(&house.security_officer, own.version, &own.digest).await;
    assert!(matches!(not_enough, Err(PolicyChangeError::State(_))), "{not_enough:?}");
    let third = house.signed_in("sec2", Role::SecurityAdministrator).await.session;
    house.access.approve_policy(&third, own.version, &own.digest).await.unwrap();
    let mixed = house.access.activate_policy(&third, own.version, &[0; 32]).await;
    assert!(matches!(mixed, Err(PolicyChangeError::OtherDigest)), "{mixed:?}");
    house.access.activate_policy(&house.security_officer, own.version, &own.digest).await.unwrap();
    let over = house.access.reject_policy(&house.audit_officer, own.version).await;
    assert!(matches!(over, Err(PolicyChangeError::State(_))), "in force: {over:?}");
    let unknown = house.access.approve_policy(&house.audit_officer, 99, &[0; 32]).await;
    assert!(matches!(unknown, Err(PolicyChangeError::NotFound)), "{unknown:?}");
}

async fn what_is_open_is_decided_anew_when_rules_change(house: House) {
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let reader = house.signed_in("reader", Role::Radiologist).await.session;
    let view = |session| house.access.authorise(session, Action::View, house.study(1, Grade::L4));
    let (of_chief, of_reader) = (view(&chief).await.unwrap(), view(&reader).await.unwrap());
    let there = house.node(unhurried());
    let elsewhere = there.authorise(&chief, Action::View, house.study(1, Grade::L4)).await.unwrap();
    put_into_force(&house, NO_VIEW).await;
    let refused = house.access.still_valid(&chief, &of_chief).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::LocalRule), "with the next piece");
    let refused = house.access.still_valid(&reader, &of_reader).await.unwrap_err();
    assert_eq!(
        refused.reason(),
        Some(Reason::LeafWindowOver),
        "still permitted: by other policies, with a leaf of its own"
    );
    assert!(view(&reader).await.is_ok());
    there.still_valid(&chief, &elsewhere).await.unwrap();
    there.follow_policies().await.unwrap();
    assert_eq!(there.still_valid(&chief, &elsewhere).await.unwrap_err().reason(), Some(Reason::LocalRule));
    // The same rows once more change nothing: nobody decides anew for it.
    let still = there.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap();
    there.follow_policies().await.unwrap();
    there.still_valid(&reader, &still).await.unwrap();
}

async fn a_rule_that_closes_the_way_back_is_refused_and_whatever_else_is_closed_can_be_opened_again(
    house: House,
) {
    for action in [
        "propose-policy",
        "approve-policy",
        "activate-policy",
        "manage-rights",
        "manage-accounts",
        "read-audit",
    ] {
        let lock = format!(
            "@id(\"local-lock\") forbid (principal is Person, action == Action::\"{action}\", resource);"
        );
        let refused = house.access.propose_policy(&house.system_officer, text(&lock), "lock").await;
        let Err(PolicyChangeError::Text(error)) = refused else { panic!("{action}") };
        assert!(matches!(error.fault, LocalFault::Protected(_)), "{error}");
        assert_eq!(error.place.unwrap().line, 1);
    }
    // Everything that may be closed, with a condition that cannot be evaluated on top.
    let all: Vec<String> = Action::ALL
        .iter()
        .filter(|action| !yingdun_access::PROTECTED_ACTIONS.contains(action))
        .map(|action| format!("Action::\"{action}\""))
        .collect();
    let worst = format!(
        "@id(\"local-all\") forbid (principal is Person, action in [{0}], resource);\n\
         @id(\"local-bad\") forbid (principal is Person, action in [{0}], resource) \
         when {{ context.now * 9223372036854775807 > 0 }};",
        all.join(", ")
    );
    put_into_force(&house, &worst).await;
    let chief = house.signed_in("chief", Role::Chief).await.session;
    assert!(reason(&house, &chief, Action::View).await.is_some());
    put_into_force(&house, "").await;
    assert_eq!(reason(&house, &chief, Action::View).await, None);
}

async fn one_person_suspends_for_a_while_and_another_looks_at_it(house: House) {
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let none = house.access.suspend_policy(&house.security_officer, 60, "nothing").await;
    assert!(matches!(none, Err(PolicyChangeError::State(_))), "{none:?}");
    let PolicyRecord { version, digest, .. } = put_into_force(&house, NO_EXPORT).await;
    for (officer, minutes, words) in [
        (&house.security_officer, 0, "x"),
        (&house.security_officer, 1441, "x"),
        (&house.security_officer, 60, " "),
    ] {
        assert!(house.access.suspend_policy(officer, minutes, words).await.is_err());
    }
    for officer in [&house.system_officer, &house.audit_officer, &chief] {
        assert!(house.access.suspend_policy(officer, 60, "I want to").await.is_err());
    }
    let suspended =
        house.access.suspend_policy(&house.security_officer, 60, "export is needed").await.unwrap();
    assert_eq!(suspended.to_review.len(), 1);
    assert_eq!(suspended.to_review[0].3.as_deref(), Some("export is needed"));
    assert_eq!(reason(&house, &chief, Action::Export).await, None);
    let state = |record: PolicyRecord| record.state;
    assert_eq!(
        state(house.access.policy(&house.audit_officer, version).await.unwrap()),
        PolicyState::Suspended
    );
    let number = suspended.activation;
    let own = house.access.review_suspension(&house.security_officer, number).await;
    assert!(matches!(own, Err(PolicyChangeError::SamePerson)), "{own:?}");
    let reviewed = house.access.review_suspension(&house.audit_officer, number).await.unwrap();
    assert!(reviewed.to_review.is_empty());
    assert!(house.access.review_suspension(&house.audit_officer, number).await.is_err(), "once");

    house.clock.advance(Duration::from_secs(3600));
    house.access.follow_policies().await.unwrap();
    let chief = house.signed_in("chief2", Role::Chief).await.session;
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule), "it ends by itself");
    // And before its end, by whoever may put rules into force: what was approved stays approved.
    let security = house.signed_in("sec2", Role::SecurityAdministrator).await.session;
    let again = house.access.suspend_policy(&security, 60, "again").await.unwrap().activation;
    assert_eq!(reason(&house, &chief, Action::Export).await, None);
    house.access.activate_policy(&security, version, &digest).await.unwrap();
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule));
    assert!(house.access.activate_policy(&security, version, &digest).await.is_err(), "it is in force");
    // Not without end: the same person waits for the review, and nobody waits for that of somebody else.
    let waits = house.access.suspend_policy(&security, 60, "and again").await;
    assert!(matches!(waits, Err(PolicyChangeError::State(_))), "{waits:?}");
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule));
    let other = house.signed_in("sec3", Role::SecurityAdministrator).await.session;
    house.access.suspend_policy(&other, 60, "export is needed").await.unwrap();
    house.access.activate_policy(&other, version, &digest).await.unwrap();
    let auditor = house.signed_in("aud2", Role::AuditAdministrator).await.session;
    house.access.review_suspension(&auditor, again).await.unwrap();
    house.access.suspend_policy(&security, 60, "looked at").await.unwrap();
}

async fn a_suspension_whose_row_is_gone_ends_and_a_number_that_comes_again_is_read(house: House) {
    const TAKE_OUT: Sql = Sql::new("DELETE FROM policy_activation WHERE institution = $1 AND number = $2");
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let there = house.node(unhurried());
    let active = put_into_force(&house, NO_EXPORT).await;
    let suspended = house.access.suspend_policy(&house.security_officer, 60, "a day").await.unwrap();
    assert_eq!(reason(&house, &chief, Action::Export).await, None);
    let take_out = |number: u64| {
        let number = i64::try_from(number).unwrap();
        vec![Statement::new(TAKE_OUT, vec![(&home()).into(), number.into()]).expecting(1)]
    };
    house.identity.execute(take_out(suspended.activation)).await.unwrap();
    assert!(house.access.follow_policies().await.unwrap());
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule), "approved by two");

    // A database that was restored: what comes next has a number that nodes know already.
    let next = put_into_force(&house, NO_VIEW).await;
    there.follow_policies().await.unwrap();
    assert_eq!(there.policy_set(), house.access.policy_set());
    let newest = policies::activations(&house.identity, &home(), 1).await.unwrap().remove(0);
    assert_eq!(newest.version, next.version);
    house.identity.execute(take_out(newest.number)).await.unwrap();
    for access in [&house.access, &there] {
        assert!(!access.follow_policies().await.unwrap(), "what it closed stays closed");
    }
    assert_eq!(reason(&house, &chief, Action::View).await, Some(Reason::LocalRule));
    let other = put_into_force(&house, "").await;
    let numbered = policies::activations(&house.identity, &home(), 1).await.unwrap().remove(0);
    assert_eq!((numbered.number, numbered.version), (newest.number, other.version));
    assert!(there.follow_policies().await.unwrap());
    assert_eq!(there.policy_set(), house.access.policy_set());
    assert_eq!(reason(&house, &chief, Action::View).await, None);

    // Nor is an end put off in a row.
    put_into_force(&house, NO_EXPORT).await;
    let auditor = house.signed_in("aud2", Role::AuditAdministrator).await.session;
    house.access.review_suspension(&auditor, suspended.activation).await.unwrap_err();
    let suspended = house.access.suspend_policy(&house.security_officer, 1, "a minute").await.unwrap();
    const PUT_OFF: Sql = Sql::new(
        "UPDATE policy_activation SET until_ms = until_ms + 3600000 WHERE institution = $1 AND number = $2",
    );
    let number = i64::try_from(suspended.activation).unwrap();
    let put_off = Statement::new(PUT_OFF, vec![(&home()).into(), number.into()]).expecting(1);
    house.identity.execute(vec![put_off]).await.unwrap();
    assert!(!house.access.follow_policies().await.unwrap());
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule), "nothing is open");
    assert_eq!(active.version, 1);
}

async fn who_proposed_a_version_and_with_what_it_was_compared_is_what_was_sealed(house: House) {
    const BY: Sql =
        Sql::new("UPDATE policy_version SET proposed_by = $1 WHERE institution = $2 AND version = $3");
    const ANEW: Sql = Sql::new(
        "UPDATE policy_version SET activated_ms = NULL, base = $1, proposed_ms = $2 WHERE institution = $3 AND version = $4",
    );
    let changed = |error: PolicyChangeError| matches!(error, PolicyChangeError::State(what) if what.contains("changed its row"));
    // The security administrator proposes, and makes it somebody else's.
    let own = house.access.propose_policy(&house.security_officer, text(NO_EXPORT), "mine").await.unwrap();
    let number = |number: u64| i64::try_from(number).unwrap();
    let values = vec![(&actor("somebody")).into(), (&home()).into(), number(own.version).into()];
    house.identity.execute(vec![Statement::new(BY, values).expecting(1)]).await.unwrap();
    let approved = house.access.approve_policy(&house.security_officer, own.version, &own.digest).await;
    assert!(changed(approved.unwrap_err()));
    // What was in force goes back into force by its old approvals.
    let old = put_into_force(&house, "").await;
    put_into_force(&house, NO_EXPORT).await;
    let lasting = policies::lasting(&house.identity, &home()).await.unwrap().unwrap().number;
    let values =
        vec![number(lasting).into(), house.now().into(), (&home()).into(), number(old.version).into()];
    house.identity.execute(vec![Statement::new(ANEW, values).expecting(1)]).await.unwrap();
    let again = house.access.activate_policy(&house.security_officer, old.version, &old.digest).await;
    assert!(changed(again.unwrap_err()));
}

async fn rows_that_somebody_else_wrote_let_nothing_open(house: House) {
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let active = put_into_force(&house, NO_EXPORT).await;
    let rows = policies::activations(&house.identity, &home(), 10).await.unwrap();
    // An activation that nobody here wrote: nothing is open but the way back.
    let forged = policies::ActivationRow { number: rows[0].number + 1, version: 0, ..rows[0].clone() };
    house.identity.execute(vec![policies::activate(&home(), &forged)]).await.unwrap();
    assert!(!house.access.follow_policies().await.unwrap());
    assert!(!house.access.follow_policies().await.unwrap(), "as long as it stands there");
    for action in [Action::View, Action::Export] {
        assert_eq!(reason(&house, &chief, action).await, Some(Reason::LocalRule), "{action}");
    }
    assert!(house.access.policies(&house.audit_officer).await.unwrap().in_force.is_locked);
    // Approvals that nobody here gave are none.
    let next = propose(&house, "").await;
    for (office, name) in [(Role::SecurityAdministrator, "sec"), (Role::AuditAdministrator, "aud")] {
        let approval = policies::ApprovalRow {
            version: next.version,
            office,
            by: actor(name),
            at: house.now(),
            sealed: vec![1, 2, 3],
        };
        house.identity.execute(policies::approve(&home(), &next.digest, &approval)).await.unwrap();
    }
    assert!(house.access.policy(&house.audit_officer, next.version).await.unwrap().approvals.is_empty());
    let none = house.access.activate_policy(&house.security_officer, next.version, &next.digest).await;
    assert!(matches!(none, Err(PolicyChangeError::State(_))), "{none:?}");
    // The way back is open: what two officers approve is in force again.
    let again = house
        .access
        .propose_policy(&house.system_officer, NewPolicy::Version(active.version), "back")
        .await
        .unwrap();
    for approver in [&house.security_officer, &house.audit_officer] {
        house.access.approve_policy(approver, again.version, &again.digest).await.unwrap();
    }
    house.access.activate_policy(&house.security_officer, again.version, &again.digest).await.unwrap();
    assert_eq!(reason(&house, &chief, Action::View).await, None);
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule));
}

async fn a_proposal_that_was_compared_with_other_rules_goes_nowhere(house: House) {
    let late = propose(&house, NO_VIEW).await;
    for approver in [&house.security_officer, &house.audit_officer] {
        house.access.approve_policy(approver, late.version, &late.digest).await.unwrap();
    }
    put_into_force(&house, NO_EXPORT).await;
    let state = house.access.policy(&house.system_officer, late.version).await.unwrap().state;
    assert_eq!(state, PolicyState::Outdated);
    let none = house.access.activate_policy(&house.security_officer, late.version, &late.digest).await;
    assert!(matches!(none, Err(PolicyChangeError::State(_))), "{none:?}");

    let old = propose(&house, NO_VIEW).await;
    house.clock.advance(Duration::from_secs(30 * 24 * 3600));
    let system = house.access.system_session();
    let link =
        house.access.create_login_link(&system, &actor("aud"), Role::AuditAdministrator).await.unwrap();
    let auditor = house.access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap().session;
    let expired = house.access.approve_policy(&auditor, old.version, &old.digest).await;
    assert!(matches!(expired, Err(PolicyChangeError::State(_))), "{expired:?}");
}

async fn steps_are_leaves_and_nobody_else_takes_part(house: House) {
    let before = house.leaves().len();
    let one = propose(&house, NO_EXPORT).await;
    house.access.withdraw_policy(&house.system_officer, one.version).await.unwrap();
    let two = propose(&house, NO_EXPORT).await;
    let others = house.access.withdraw_policy(&house.security_officer, two.version).await;
    assert!(matches!(others, Err(PolicyChangeError::State(_))), "{others:?}");
    house.access.reject_policy(&house.audit_officer, two.version).await.unwrap();
    let gone = house.access.approve_policy(&house.security_officer, two.version, &two.digest).await;
    assert!(matches!(gone, Err(PolicyChangeError::State(_))), "{gone:?}");
    let said: Vec<(String, Outcome)> =
        house.leaves()[before..].iter().map(|leaf| (leaf.reason.to_string(), leaf.outcome)).collect();
    let expected = [
        ("propose-policy", Outcome::Permitted),
        ("propose-policy", Outcome::Succeeded),
        ("withdraw-policy", Outcome::Permitted),
        ("withdraw-policy", Outcome::Succeeded),
        ("propose-policy", Outcome::Permitted),
        ("propose-policy", Outcome::Succeeded),
        ("withdraw-policy", Outcome::Permitted),
        ("withdraw-policy", Outcome::Failed),
        ("reject-policy", Outcome::Permitted),
        ("reject-policy", Outcome::Succeeded),
        ("approve-policy", Outcome::Permitted),
        ("approve-policy", Outcome::Failed),
    ];
    assert_eq!(said, expected.map(|(word, outcome)| (word.to_owned(), outcome)));

    let chief = house.signed_in("chief", Role::Chief).await.session;
    for session in [&chief, &house.audit_officer] {
        let refused = house.access.propose_policy(session, text(NO_EXPORT), "mine").await;
        assert!(matches!(&refused, Err(PolicyChangeError::Admin(_))), "{refused:?}");
    }
    assert!(house.access.policies(&chief).await.is_err() && house.access.policy(&chief, 1).await.is_err());
    for n in 0..10 {
        propose(&house, &format!("// {n}\n{NO_EXPORT}")).await;
    }
    let full = house.access.propose_policy(&house.system_officer, text(NO_EXPORT), "one more").await;
    assert!(matches!(full, Err(PolicyChangeError::TooManyWait)), "{full:?}");
}

async fn what_a_version_would_change_is_told_from_the_log_and_with_examples(house: House) {
    let chief = house.signed_in("chief", Role::Chief).await.session;
    let reader = house.signed_in("reader", Role::Radiologist).await.session;
    for number in 1..=3 {
        house.access.authorise(&chief, Action::Export, house.study(number, Grade::L4)).await.unwrap();
        house.access.authorise(&reader, Action::View, house.study(number, Grade::L4)).await.unwrap();
    }
    let all = propose(&house, NO_EXPORT).await;
    let replay = house.access.replay_policy(&house.audit_officer, all.version, None).await.unwrap();
    assert!(replay.next.is_none() && replay.leaves > 6, "{replay:?}");
    assert_eq!(replay.changes.len(), 1, "{replay:?}");
    let change = &replay.changes[0];
    assert_eq!((change.role, change.action, change.refused), (Role::Chief, Action::Export, 3));
    assert_eq!((replay.decisions, replay.unknown, replay.actors), (3, 0, 1));
    assert_eq!(replay.examples.len(), 3);
    assert!(replay.examples.iter().all(|example| example.outlook == "refused" && example.study.is_some()));

    let somewhere = r#"@id("local-somewhere") forbid (principal is Person, action == Action::"export", resource)
        unless { context.address.isInRange(ip("10.0.0.0/8")) };"#;
    let some = propose(&house, somewhere).await;
    let replay = house.access.replay_policy(&house.system_officer, some.version, None).await.unwrap();
    assert_eq!(
        (replay.changes[0].refused, replay.changes[0].perhaps_refused),
        (0, 3),
        "no leaf tells the address"
    );
    let found = house.access.compare_policy(&house.audit_officer, some.version).await.unwrap();
    assert!(found.asked > 0 && found.questions >= found.asked, "{found:?}");
    assert!(found.changes.iter().all(|change| change.allowed == 0 && change.action == Action::Export));

    // What is in force and refused somebody is told of the version that takes it away.
    house.access.withdraw_policy(&house.system_officer, some.version).await.unwrap();
    for approver in [&house.security_officer, &house.audit_officer] {
        house.access.approve_policy(approver, all.version, &all.digest).await.unwrap();
    }
    house.access.activate_policy(&house.security_officer, all.version, &all.digest).await.unwrap();
    assert_eq!(reason(&house, &chief, Action::Export).await, Some(Reason::LocalRule));
    let none = propose(&house, "").await;
    let replay = house.access.replay_policy(&house.security_officer, none.version, None).await.unwrap();
    assert_eq!(replay.changes.len(), 1, "{replay:?}");
    assert_eq!((replay.changes[0].perhaps_allowed, replay.changes[0].refused), (1, 0));
    house.clock.advance(Duration::from_secs(3600));
    assert!(house.access.replay_policy(&chief, none.version, None).await.is_err());
    assert!(house.access.compare_policy(&chief, none.version).await.is_err());
    let said: Vec<String> = house.leaves().iter().map(|leaf| leaf.reason.to_string()).collect();
    assert_eq!(said.iter().filter(|word| *word == "replay-policy").count(), 3, "each reading is a leaf");
    assert_eq!(said.iter().filter(|word| *word == "compare-policy").count(), 1);
}

async fn what_nobody_used_is_told_and_what_somebody_used_is_not(house: House) {
    let busy = house.signed_in("busy", Role::Chief).await.session;
    house.person("idle", Role::Chief).await;
    house.access.authorise(&busy, Action::View, house.study(1, Grade::L4)).await.unwrap();
    house.treats("busy", 1, Duration::from_secs(3600)).await;
    house.treats("idle", 2, Duration::from_secs(3600)).await;
    let found = house.access.unused_rights(&house.audit_officer, 90).await.unwrap();
    assert!(found.is_whole && found.leaves > 0, "{found:?}");
    assert_eq!(found.accounts.first, [(ActorKind::Person, actor("idle"))]);
    assert_eq!(found.roles.first, [(actor("idle"), Role::Chief)]);
    assert_eq!(found.care.first, [(actor("idle"), patient(2))]);
    // Who tries the name of an account has not used it.
    assert!(house.login("idle", "not the password", None).await.is_err());
    let found = house.access.unused_rights(&house.audit_officer, 90).await.unwrap();
    assert_eq!(found.accounts.first, [(ActorKind::Person, actor("idle"))]);
    let of = |role| {
        let of_role = found.actions.iter().filter(|(other, ..)| *other == role);
        of_role.map(|(_, action, holders)| (*action, *holders)).collect::<Vec<_>>()
    };
    assert!(of(Role::Chief).contains(&(Action::Export, 2)), "{found:?}");
    assert!(!of(Role::Chief).iter().any(|(action, _)| *action == Action::View));
    assert!(!of(Role::SecurityAdministrator).iter().any(|(action, _)| *action == Action::ManageRights));
    assert!(of(Role::Clinician).is_empty(), "nobody holds it");
    // What is older than the period does not count.
    house.clock.advance(Duration::from_secs(2 * 24 * 3600));
    let system = house.access.system_session();
    let link =
        house.access.create_login_link(&system, &actor("aud"), Role::AuditAdministrator).await.unwrap();
    let auditor = house.access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap().session;
    let found = house.access.unused_rights(&auditor, 1).await.unwrap();
    assert!(found.accounts.first.contains(&(ActorKind::Person, actor("busy"))), "{found:?}");
    assert!(!found.accounts.first.contains(&(ActorKind::Person, actor("aud"))));
    assert!(house.access.unused_rights(&busy, 90).await.is_err());
    let reads = house.leaves().into_iter().filter(|leaf| leaf.action == Some(Action::ReviewRights));
    let said: Vec<Outcome> = reads.map(|leaf| leaf.outcome).collect();
    assert_eq!(said, [Outcome::Permitted, Outcome::Permitted, Outcome::Permitted, Outcome::Refused]);
}

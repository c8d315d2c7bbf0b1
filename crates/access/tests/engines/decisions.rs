//! Permits: their leaf, their life, their end.

use crate::house::{House, REMOTE, actor, home, patient};
use std::sync::atomic::Ordering;
use std::time::Duration;
use yingdun_access::{Help, Peer, Reason, Refusal, Resource, StudyFacts};
use yingdun_audit::{EventKind, Outcome};
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{Action, ActorKind, Grade, InstitutionId, PurposeOfUse, Role};

crate::on_both_engines!(
    a_permit_names_what_its_leaf_says,
    a_refusal_is_a_leaf_and_tells_what_would_help,
    a_care_relation_holds_from_its_first_to_its_last_millisecond,
    of_several_care_relations_the_one_that_holds_counts,
    a_permit_lives_five_seconds_and_is_renewed_within_its_minute,
    revoking_the_session_kills_the_permit_at_its_next_renewal,
    taking_the_role_kills_the_permit_at_its_next_renewal,
    ending_the_care_relation_kills_the_permit_at_its_next_renewal,
    disabling_the_account_kills_the_permit_at_its_next_renewal,
    a_permit_serves_its_own_session_and_purpose_only,
    without_a_durable_leaf_there_is_no_permit,
    a_closed_log_refuses_everything,
    nobody_crosses_institutions,
    a_list_is_decided_row_by_row,
    what_a_technician_sees_ends_at_midnight,
);

async fn a_permit_names_what_its_leaf_says(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    house.treats("wang", 1, Duration::from_secs(600)).await;
    let permit = house.access.authorise(&doctor, Action::View, house.study(1, Grade::L5)).await.unwrap();
    assert_eq!(permit.institution(), &home());
    assert_eq!(permit.patient(), Some(patient(1)));
    assert_eq!(permit.grade(), Some(Grade::L5));
    assert_eq!((permit.action(), permit.role()), (Action::View, Role::Clinician));
    assert_eq!((permit.actor(), permit.purpose()), (&actor("wang"), PurposeOfUse::Treatment));
    assert!(permit.take_unwrap(), "a permit is worth one unwrap");
    assert!(!permit.take_unwrap(), "and not two");

    let leaf = house.leaves().pop().unwrap();
    assert_eq!(leaf.sequence, permit.leaf_index());
    assert_eq!((leaf.kind, leaf.outcome), (EventKind::Access, Outcome::Permitted));
    assert_eq!((leaf.study, leaf.patient), (permit.study(), permit.patient()));
    assert_eq!(
        (leaf.actor, leaf.role, leaf.action),
        (actor("wang"), Some(Role::Clinician), Some(Action::View))
    );
    assert_eq!(leaf.reason.as_str(), "in-care");
    assert_eq!(*permit.policy_set(), house.access.policy_set());

    let search = Resource::Archive(home());
    let permit = house.access.authorise(&doctor, Action::Search, search).await.unwrap();
    assert!(!permit.take_unwrap(), "a search leads to no key");
    assert_eq!(house.last_leaf(), "query permitted searches-own-institution");
}

async fn a_refusal_is_a_leaf_and_tells_what_would_help(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let refusal = house.access.authorise(&doctor, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert!(
        matches!(refusal, Refusal::Denied { reason: Reason::NoRulePermits, help: Help::AskForCareRelation }),
        "{refusal:?}"
    );
    assert_eq!(house.last_leaf(), "access refused no-rule-permits");

    let emergency = doctor.for_purpose(PurposeOfUse::BreakTheGlass);
    let refusal =
        house.access.authorise(&emergency, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::BreakTheGlassNeedsCase));
    assert_eq!(house.leaves().pop().unwrap().purpose, Some(PurposeOfUse::BreakTheGlass));
}

async fn a_care_relation_holds_from_its_first_to_its_last_millisecond(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let ms = |n| house.now().after(Duration::from_millis(n));
    let (from, until) = (ms(1), ms(3));
    house.access.give_care(&house.security_officer, &actor("wang"), patient(1), from, until).await.unwrap();
    let study = house.study(1, Grade::L4);
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(house.access.decide(&doctor, Action::View, &study).await.unwrap().permitted);
        house.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(seen, [false, true, true, false, false]);
}

async fn of_several_care_relations_the_one_that_holds_counts(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let at = |n| house.now().after(Duration::from_secs(n));
    for (from, until) in [(0, 10), (20, 30), (5, 7), (40, 50)] {
        house
            .access
            .give_care(&house.security_officer, &actor("wang"), patient(1), at(from), at(until))
            .await
            .unwrap();
    }
    let study = house.study(1, Grade::L4);
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(house.access.decide(&doctor, Action::View, &study).await.unwrap().permitted);
        house.clock.advance(Duration::from_secs(9));
    }
    assert_eq!(seen, [true, true, false, true, false, true], "at 0, 9, 18, 27, 36 and 45 s");
}

async fn a_permit_lives_five_seconds_and_is_renewed_within_its_minute(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let permit = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap();
    let before = house.leaves().len();
    house.clock.advance(Duration::from_millis(4999));
    assert!(permit.holds_at(house.now()));
    house.clock.advance(Duration::from_millis(1));
    assert!(!permit.holds_at(house.now()));
    for _ in 0..10 {
        house.access.still_valid(&reader, &permit).await.unwrap();
        assert!(permit.holds_at(house.now()));
        house.clock.advance(Duration::from_secs(5));
    }
    assert_eq!(house.leaves().len(), before, "renewals within the minute make no leaf");
    let turned_back = yingdun_model::Timestamp::from_ms(house.now().as_ms() - 20_000);
    assert!(!permit.holds_at(turned_back), "a clock that is turned back does not lengthen a renewal");
    house.clock.advance(Duration::from_millis(4_999));
    house.access.still_valid(&reader, &permit).await.unwrap();
    assert!(permit.valid_until() <= house.now().after(Duration::from_millis(1)), "never beyond the minute");
    house.clock.advance(Duration::from_millis(1));
    let refusal = house.access.still_valid(&reader, &permit).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::LeafWindowOver));
    let again = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap();
    assert_eq!(house.leaves().len(), before + 1);
    assert!(again.leaf_index() > permit.leaf_index());
}

async fn revoking_the_session_kills_the_permit_at_its_next_renewal(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let permit = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap();
    house.access.revoke(&reader).await.unwrap();
    assert_eq!(house.access.renew(&reader, &permit).await.unwrap_err().reason(), Some(Reason::SessionEnded));
    assert_eq!(house.last_leaf(), "access refused session-ended");
    assert!(!permit.holds_at(house.now()), "it is dead at once, not in five seconds");
    assert!(!permit.take_unwrap(), "and worth nothing any more");
    let refusal = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::SessionEnded));
}

async fn taking_the_role_kills_the_permit_at_its_next_renewal(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let permit = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap();
    house.access.take_role(&house.security_officer, &actor("li"), Role::Radiologist).await.unwrap();
    house.clock.advance(Duration::from_secs(5));
    let refusal = house.access.still_valid(&reader, &permit).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::RoleWithdrawn));
    house.access.give_role(&house.security_officer, &actor("li"), Role::Radiologist).await.unwrap();
    assert!(house.access.renew(&reader, &permit).await.is_err(), "a dead permit stays dead");
}

async fn ending_the_care_relation_kills_the_permit_at_its_next_renewal(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    house.treats("wang", 1, Duration::from_secs(600)).await;
    let permit = house.access.authorise(&doctor, Action::View, house.study(1, Grade::L4)).await.unwrap();
    house.access.end_care(&house.security_officer, &actor("wang"), patient(1)).await.unwrap();
    assert_eq!(house.access.renew(&doctor, &permit).await.unwrap_err().reason(), Some(Reason::NoRulePermits));
}

async fn disabling_the_account_kills_the_permit_at_its_next_renewal(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await;
    let permit =
        house.access.authorise(&reader.session, Action::View, house.study(1, Grade::L4)).await.unwrap();
    house.access.set_person_disabled(&house.system_officer, &actor("li"), true).await.unwrap();
    assert!(house.access.renew(&reader.session, &permit).await.is_err());
    house.access.set_person_disabled(&house.system_officer, &actor("li"), false).await.unwrap();
    assert!(
        house.access.bearer(reader.token.expose(), REMOTE).await.is_err(),
        "enabling an account does not bring its old sessions back"
    );
}

async fn a_permit_serves_its_own_session_and_purpose_only(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await;
    let chief = house.signed_in("zhao", Role::Chief).await.session;
    let permit =
        house.access.authorise(&reader.session, Action::View, house.study(1, Grade::L4)).await.unwrap();
    let foreign = house.access.still_valid(&chief, &permit).await.unwrap_err();
    assert_eq!(foreign.reason(), Some(Reason::ForeignPermit));
    let other_purpose = reader.session.for_purpose(PurposeOfUse::HealthcareResearch);
    let foreign = house.access.renew(&other_purpose, &permit).await.unwrap_err();
    assert_eq!(foreign.reason(), Some(Reason::ForeignPermit));
    let same = house.access.bearer(reader.token.expose(), REMOTE).await.unwrap();
    house.clock.advance(Duration::from_secs(5));
    house.access.still_valid(&same, &permit).await.unwrap();
}

async fn without_a_durable_leaf_there_is_no_permit(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    house.disk.0.store(true, Ordering::SeqCst);
    let refusal = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::AuditUnavailable(_)), "{refusal:?}");
    house.disk.0.store(false, Ordering::SeqCst);
    let refusal = house.access.authorise(&reader, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::AuditUnavailable(_)), "a log that failed once is not trusted again");
}

async fn a_closed_log_refuses_everything(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await;
    house.log.shutdown().await.unwrap();
    assert!(matches!(
        house.access.authorise(&reader.session, Action::View, house.study(1, Grade::L4)).await,
        Err(Refusal::AuditUnavailable(_))
    ));
    assert!(house.access.create_person(&house.system_officer, &actor("new")).await.is_err());
    assert!(house.access.revoke(&reader.session).await.is_err());
    assert!(house.login("li", "whatever it is", None).await.is_err());
    assert_eq!(house.access.people(&house.system_officer).await.unwrap().len(), 4, "nobody was created");
}

async fn nobody_crosses_institutions(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let Resource::Study(own) = house.study(1, Grade::L4) else { unreachable!() };
    let foreign = StudyFacts { institution: InstitutionId::new("other").unwrap(), ..own };
    let refusal = house.access.authorise(&reader, Action::View, Resource::Study(foreign)).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::OtherInstitution));
    assert_eq!(
        house.leaves().pop().unwrap().institution,
        home(),
        "it is written down where the actor belongs"
    );
}

async fn a_list_is_decided_row_by_row(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    for number in [1, 3] {
        house.treats("wang", number, Duration::from_secs(600)).await;
    }
    let rows: Vec<_> = (0..5).map(|number| house.study(number, Grade::L4)).collect();
    let before = house.leaves().len();
    let decisions = house.access.decide_many(&doctor, Action::List, &rows).await.unwrap();
    let permitted: Vec<_> = decisions.iter().map(|decision| decision.permitted).collect();
    assert_eq!(permitted, [false, true, false, true, false]);
    assert_eq!(house.leaves().len(), before, "a row of a list is no leaf");
    assert!(house.access.decide_many(&doctor, Action::List, &[]).await.unwrap().is_empty());
    assert_eq!(
        house.access.visibility(&doctor).await.unwrap(),
        Visibility::CareRelation { actor: actor("wang"), at: house.now() }
    );
    house.access.revoke(&doctor).await.unwrap();
    let decisions = house.access.decide_many(&doctor, Action::List, &rows).await.unwrap();
    assert!(decisions.iter().all(|decision| decision.reason == Reason::SessionEnded));
}

async fn what_a_technician_sees_ends_at_midnight(house: House) {
    let technician = house.signed_in("sun", Role::Technician).await.session;
    let study = house.study(1, Grade::L4);
    assert!(house.access.decide(&technician, Action::View, &study).await.unwrap().permitted);
    let visibility = house.access.visibility(&technician).await.unwrap();
    let Visibility::ReceivedSince(midnight) = visibility else { unreachable!() };
    assert_eq!((midnight.as_ms() + 8 * 3_600_000) % 86_400_000, 0, "midnight in China");
    let Resource::Study(facts) = study else { unreachable!() };
    let last = yingdun_model::Timestamp::from_ms(midnight.as_ms() - 1);
    for (received, seen) in [(midnight, true), (last, false)] {
        let study = Resource::Study(StudyFacts { received, ..facts.clone() });
        assert_eq!(house.access.decide(&technician, Action::View, &study).await.unwrap().permitted, seen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_itself_recovers_and_does_nothing_else() {
    let house = House::on_sqlite().await;
    let system = house.access.system_session();
    assert_eq!((system.actor_kind(), system.peer()), (ActorKind::System, Peer::LOCAL));
    let permit = house.access.authorise(&system, Action::Recover, house.study(1, Grade::L5)).await.unwrap();
    assert!(permit.take_unwrap());
    for action in [Action::View, Action::List, Action::Store, Action::Destroy] {
        let decision = house.access.decide(&system, action, &house.study(1, Grade::L1)).await.unwrap();
        assert!(!decision.permitted, "{action}");
    }
}

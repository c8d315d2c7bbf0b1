//! 三员分立: three offices, three people, every change on the ledger before it is made.

use crate::house::{House, PASSWORD, REMOTE, actor, home, patient, secret};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use yingdun_access::{
    AdminError, ChangeDetail, DeviceHabits, DeviceRecord, NewClient, Officers, Reason, Refusal, Resource,
    Scope, SignInError, detail_context,
};
use yingdun_audit::{Detail, EventKind, Outcome};
use yingdun_crypto::Sealed;
use yingdun_model::{Action, ActorKind, AeTitle, Grade, InstitutionId, Role, Timestamp};

crate::on_both_engines!(
    each_officer_has_one_office_and_sees_no_image,
    an_officer_holds_no_other_role,
    two_roles_given_at_once_never_make_an_officer_with_two,
    an_installation_is_founded_once_by_three_people,
    a_change_is_written_down_before_and_after,
    a_change_whose_intent_cannot_be_written_down_is_not_made,
    names_are_never_given_twice,
    the_system_administrator_cannot_become_another_officer,
    what_does_not_exist_cannot_be_changed,
    only_the_archive_itself_founds_and_makes_login_links,
);

fn denied<T: std::fmt::Debug>(outcome: Result<T, AdminError>) -> Reason {
    match outcome {
        Err(AdminError::Refused(Refusal::Denied { reason, .. })) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

async fn each_officer_has_one_office_and_sees_no_image(house: House) {
    house.person("wang", Role::Clinician).await;
    let access = &house.access;
    let (wang, now) = (actor("wang"), house.now());
    let later = now.after(Duration::from_secs(60));
    let client = NewClient { client_id: actor("c"), confidential: true, redirect_uris: vec![] };
    let device = DeviceRecord {
        ae_title: AeTitle::new("CT01").unwrap(),
        called_ae: AeTitle::new("YINGDUN").unwrap(),
        certificate_sha256: None,
        addresses: "any".parse().unwrap(),
        plain_allowed: true,
        disabled: false,
        institution: home(),
        scopes: BTreeSet::new(),
        destination: None,
        habits: DeviceHabits::default(),
    };
    let doctor = house.signed_in("zhang", Role::Chief).await.session;
    for other in [&house.security_officer, &house.audit_officer, &doctor] {
        let refused = [
            denied(access.create_person(other, &actor("x")).await),
            denied(access.invite_again(other, &wang).await),
            denied(access.set_person_disabled(other, &wang, true).await),
            denied(access.end_sessions(other, &wang, ActorKind::Person).await),
            denied(access.create_client(other, &client).await),
            denied(access.register_device(other, &device).await),
            denied(access.update_device(other, &device).await),
        ];
        assert_eq!(refused, [Reason::NoRulePermits; 7], "{other:?}");
    }
    for other in [&house.system_officer, &house.audit_officer, &doctor] {
        let refused = [
            denied(access.give_role(other, &wang, Role::Chief).await),
            denied(access.take_role(other, &wang, Role::Clinician).await),
            denied(access.give_care(other, &wang, patient(1), now, later).await),
            denied(access.end_care(other, &wang, patient(1)).await),
            denied(access.grant_scopes(other, &actor("c"), &BTreeSet::from([Scope::View])).await),
            denied(
                access
                    .grant_device_scopes(
                        other,
                        &device.ae_title,
                        &device.called_ae,
                        &BTreeSet::from([Scope::View]),
                    )
                    .await,
            ),
        ];
        assert_eq!(refused, [Reason::NoRulePermits; 6], "{other:?}");
    }
    for (officer, may_read_audit, may_read_system) in [
        (&house.system_officer, false, true),
        (&house.security_officer, false, false),
        (&house.audit_officer, true, false),
    ] {
        let may = async |action, on: Resource| access.decide(officer, action, &on).await.unwrap().permitted;
        assert_eq!(may(Action::ReadAudit, Resource::AuditLog(home())).await, may_read_audit);
        assert_eq!(may(Action::ReadSystem, Resource::Archive(home())).await, may_read_system);
        for action in [Action::View, Action::List, Action::Store] {
            assert!(!may(action, house.study(1, Grade::L1)).await, "{action} by {officer:?}");
        }
    }
    assert!(access.people(&house.security_officer).await.is_ok(), "who gives rights sees to whom");
    denied(access.people(&house.audit_officer).await);
    denied(access.devices(&doctor).await);
}

async fn an_officer_holds_no_other_role(house: House) {
    house.person("wang", Role::Clinician).await;
    let give =
        async |name: &str, role| house.access.give_role(&house.security_officer, &actor(name), role).await;
    for officer in Role::OFFICERS {
        assert!(matches!(give("wang", officer).await, Err(AdminError::RoleConflict)), "{officer}");
    }
    for (name, own) in [
        ("sys", Role::SystemAdministrator),
        ("sec", Role::SecurityAdministrator),
        ("aud", Role::AuditAdministrator),
    ] {
        for role in Role::ALL {
            let outcome = give(name, *role).await;
            match role {
                Role::Device | Role::Service | Role::System => {
                    assert!(matches!(outcome, Err(AdminError::NotARoleOfPeople(_))), "{outcome:?}");
                }
                _ => assert!(matches!(outcome, Err(AdminError::RoleConflict)), "{name} {own} {role}"),
            }
        }
    }
    assert!(matches!(give("wang", Role::Clinician).await, Err(AdminError::RoleConflict)), "twice the same");
    assert!(give("wang", Role::Researcher).await.is_ok(), "two roles of which neither is an officer's");
}

async fn two_roles_given_at_once_never_make_an_officer_with_two(house: House) {
    for round in 0..5 {
        let name = actor(&format!("p{round}"));
        house.access.create_person(&house.system_officer, &name).await.unwrap();
        let roles = [Role::AuditAdministrator, Role::Clinician, Role::SecurityAdministrator, Role::Chief];
        let given: Vec<_> = roles
            .into_iter()
            .map(|role| {
                let (access, officer, name) =
                    (house.access.clone(), house.security_officer.clone(), name.clone());
                tokio::spawn(async move { access.give_role(&officer, &name, role).await.is_ok() })
            })
            .collect();
        for gift in given {
            gift.await.unwrap();
        }
        let people = house.access.people(&house.security_officer).await.unwrap();
        let roles = &people.iter().find(|person| person.actor == name).unwrap().roles;
        assert!(!roles.is_empty());
        assert!(roles.len() == 1 || !roles.iter().any(|role| role.is_officer()), "{roles:?}");
    }
}

async fn an_installation_is_founded_once_by_three_people(house: House) {
    let officers = Officers { system: actor("a"), security: actor("b"), audit: actor("c") };
    let system = house.access.system_session();
    assert!(matches!(house.access.found(&system, &officers).await, Err(AdminError::AlreadyFounded)));
    let two = Officers { audit: actor("a"), ..officers };
    assert!(matches!(house.access.found(&system, &two).await, Err(AdminError::OfficersNotDistinct)));
    let people = house.access.people(&house.system_officer).await.unwrap();
    let held: Vec<_> = people.iter().map(|person| (person.actor.as_str(), person.roles.as_slice())).collect();
    assert_eq!(
        held,
        [
            ("aud", &[Role::AuditAdministrator][..]),
            ("sec", &[Role::SecurityAdministrator]),
            ("sys", &[Role::SystemAdministrator]),
        ]
    );
}

async fn a_change_is_written_down_before_and_after(house: House) {
    let before = house.leaves().len();
    house.person("wang", Role::Clinician).await;
    let new: Vec<_> = house.leaves().split_off(before);
    let lines: Vec<_> = new
        .iter()
        .map(|leaf| format!("{} {} {} {}", leaf.kind, leaf.actor, leaf.outcome, leaf.reason))
        .collect();
    assert_eq!(
        lines,
        [
            "administration sys permitted create-person",
            "administration sys succeeded create-person",
            "administration sec permitted give-role",
            "administration sec succeeded give-role",
        ]
    );
    let index = new.last().unwrap().sequence;
    house.log.checkpoint().await.unwrap();
    let Detail::Sealed(sealed) = house.log.reader().detail(index).unwrap() else {
        panic!("the subject of a change lies beside its leaf")
    };
    let sealed = Sealed::<ChangeDetail>::from_bytes(sealed);
    let detail = sealed.open(&house.detail_key, &detail_context(&home())).unwrap();
    assert_eq!(detail, ChangeDetail { subject: "wang".into(), what: Some("clinician".into()) });

    house.access.take_role(&house.security_officer, &actor("wang"), Role::Chief).await.unwrap_err();
    let leaf = house.leaves().pop().unwrap();
    assert_eq!((leaf.kind, leaf.outcome), (EventKind::Administration, Outcome::Failed));
    denied(house.access.create_person(&house.audit_officer, &actor("x")).await);
    assert_eq!(house.last_leaf(), "administration refused no-rule-permits");
}

async fn a_change_whose_intent_cannot_be_written_down_is_not_made(house: House) {
    house.disk.0.store(true, Ordering::SeqCst);
    let outcome = house.access.create_person(&house.system_officer, &actor("wang")).await;
    assert!(matches!(outcome, Err(AdminError::Refused(Refusal::AuditUnavailable(_)))), "{outcome:?}");
    let people = house.access.people(&house.system_officer).await.unwrap();
    assert!(people.iter().all(|person| person.actor != actor("wang")));
}

async fn names_are_never_given_twice(house: House) {
    house.person("wang", Role::Clinician).await;
    house.access.set_person_disabled(&house.system_officer, &actor("wang"), true).await.unwrap();
    assert!(matches!(
        house.access.create_person(&house.system_officer, &actor("wang")).await,
        Err(AdminError::AlreadyExists)
    ));
    assert!(house.access.create_person(&house.system_officer, &actor("Wang")).await.is_ok(), "case counts");
    let uri =
        |uri: &str| NewClient { client_id: actor("c"), confidential: false, redirect_uris: vec![uri.into()] };
    let create = async |new| house.access.create_client(&house.system_officer, &new).await;
    assert!(matches!(create(uri("http://viewer.example/")).await, Err(AdminError::RedirectUri)));
    create(uri("https://viewer.example/")).await.unwrap();
    assert!(matches!(create(uri("https://viewer.example/")).await, Err(AdminError::AlreadyExists)));
}

async fn the_system_administrator_cannot_become_another_officer(house: House) {
    for name in ["sys", "sec", "aud"] {
        let outcome = house.access.invite_again(&house.system_officer, &actor(name)).await;
        assert!(matches!(outcome, Err(AdminError::OfficerAccount)), "{name}: {outcome:?}");
        assert_eq!(house.last_leaf(), "administration failed invite-person-again");
    }
    // An account with a pending invitation of which the creator knows the link: whoever accepts it first has it.
    let invitation = house.person("wang", Role::Clinician).await;
    house.access.accept_invitation(invitation.token.expose(), secret(PASSWORD), REMOTE).await.unwrap();
    let again = house.access.accept_invitation(invitation.token.expose(), secret(PASSWORD), REMOTE).await;
    assert!(matches!(again, Err(SignInError::Refused)), "a second taker is seen");
}

async fn what_does_not_exist_cannot_be_changed(house: House) {
    let (system, security, nobody) = (&house.system_officer, &house.security_officer, &actor("nobody"));
    let access = &house.access;
    let not_found = |outcome: Result<(), AdminError>| {
        assert!(matches!(outcome, Err(AdminError::NotFound)), "{outcome:?}")
    };
    not_found(access.invite_again(system, nobody).await.map(|_| ()));
    not_found(access.set_person_disabled(system, nobody, true).await);
    not_found(access.set_client_disabled(system, nobody, true).await);
    not_found(access.give_role(security, nobody, Role::Clinician).await);
    not_found(access.take_role(security, nobody, Role::Clinician).await);
    not_found(access.grant_scopes(security, nobody, &BTreeSet::new()).await);
    let title = AeTitle::new("CT01").unwrap();
    not_found(access.grant_device_scopes(security, &title, &title, &BTreeSet::new()).await);
    not_found(access.end_care(security, nobody, patient(1)).await);
    let (from, until) = (Timestamp::from_ms(0), Timestamp::from_ms(1));
    not_found(access.give_care(security, nobody, patient(1), from, until).await);
    assert!(matches!(
        access.give_care(security, nobody, patient(1), until, until).await,
        Err(AdminError::EmptyInterval)
    ));
    let foreign = DeviceRecord {
        ae_title: AeTitle::new("CT01").unwrap(),
        called_ae: AeTitle::new("YINGDUN").unwrap(),
        certificate_sha256: None,
        addresses: "any".parse().unwrap(),
        plain_allowed: true,
        disabled: false,
        institution: InstitutionId::new("other").unwrap(),
        scopes: BTreeSet::new(),
        destination: None,
        habits: DeviceHabits::default(),
    };
    not_found(access.register_device(system, &foreign).await);
    assert_eq!(access.end_sessions(system, nobody, ActorKind::Person).await.unwrap(), 0);
}

async fn only_the_archive_itself_founds_and_makes_login_links(house: House) {
    house.person("wang", Role::Clinician).await;
    let officers = Officers { system: actor("a"), security: actor("b"), audit: actor("c") };
    for officer in [&house.system_officer, &house.security_officer, &house.audit_officer] {
        assert!(matches!(house.access.found(officer, &officers).await, Err(AdminError::SystemOnly)));
        let link = house.access.create_login_link(officer, &actor("wang"), Role::Clinician).await;
        assert!(matches!(link, Err(AdminError::SystemOnly)));
    }
    let system = house.access.system_session();
    let link = house.access.create_login_link(&system, &actor("wang"), Role::Chief).await;
    assert!(matches!(link, Err(AdminError::NotFound)), "no link to a role that is not held");
}

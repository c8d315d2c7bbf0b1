//! Accounts of patients: bound to one record, which they see when it is released, and nothing else.

use crate::house::{House, actor, home, patient};
use crate::second_factor::outsider;
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, GRANT_DECISION_LIFETIME, GrantError, NewPatientAccount, PATIENT_ACCOUNT_TIME, Reason,
    Resource, Session,
};
use yingdun_catalog::catalogue::Visibility;
use yingdun_catalog::identity::grants;
use yingdun_model::{Action, ActorKind, Grade, Role};

crate::on_both_engines!(
    a_patient_sees_the_own_record_when_it_is_released_and_no_other,
    where_nothing_is_released_a_patient_sees_nothing,
    an_account_is_bound_to_one_record_by_an_officer_and_unbound_at_once,
    a_binding_is_looked_at_when_it_ends_and_not_before,
    a_patient_has_no_other_role,
    a_patient_is_told_who_looked_without_a_name,
);

const RELEASE: Duration = Duration::from_secs(3600);

fn account(name: &str, number: u8) -> NewPatientAccount {
    NewPatientAccount {
        actor: actor(name),
        patient: patient(number),
        is_known: true,
        checked: "identity card seen at the desk".to_owned(),
    }
}

async fn reason(access: &Access, who: &Session, action: Action, study: &Resource) -> Reason {
    access.decide(who, action, study).await.unwrap().reason
}

async fn a_patient_sees_the_own_record_when_it_is_released_and_no_other(house: House) {
    let access = house.releasing(RELEASE);
    let zhang = outsider(&house, "zhang", Role::Patient).await;
    let (own, other) = (house.study(1, Grade::L4S), house.study(2, Grade::L4));
    let special = house.study(1, Grade::L5);
    let bound = access.bind_patient_account(&house.security_officer, account("zhang", 1)).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded bind-patient-account");
    assert_eq!(bound.words.as_deref(), Some("identity card seen at the desk"));
    assert_eq!(bound.grant.valid_until, house.now().after(PATIENT_ACCOUNT_TIME));

    house.clock.advance(RELEASE - Duration::from_millis(1));
    assert_eq!(reason(&access, &zhang, Action::View, &own).await, Reason::NoRulePermits, "not yet released");
    house.clock.advance(Duration::from_millis(1));
    for action in [Action::List, Action::View] {
        assert_eq!(reason(&access, &zhang, action, &own).await, Reason::OwnRecord);
        assert_eq!(reason(&access, &zhang, action, &other).await, Reason::NoRulePermits);
        let refused = reason(&access, &zhang, action, &special).await;
        assert_eq!(refused, Reason::SpecialCareNeedsCareRelation, "that is told by a person");
    }
    assert_eq!(reason(&access, &zhang, Action::Export, &own).await, Reason::OutsidersOnlyLook);
    let Visibility::Granted { beside, patients, studies } = access.visibility(&zhang).await.unwrap() else {
        panic!("a patient finds the own record")
    };
    assert!(matches!(*beside, Visibility::Nothing));
    assert_eq!((patients, studies), (vec![patient(1)], vec![]));
    let permit = access.authorise(&zhang, Action::View, own.clone()).await.unwrap();
    assert_eq!(permit.grant(), Some(bound.grant.number));
    let ended = access.unbind_patient_account(&house.security_officer, bound.grant.number).await.unwrap();
    assert!(!ended.open);
    house.clock.advance(GRANT_DECISION_LIFETIME);
    assert!(access.still_valid(&zhang, &permit).await.is_err(), "an open stream ends");
    assert_eq!(reason(&access, &zhang, Action::View, &own).await, Reason::NoRulePermits);
}

async fn where_nothing_is_released_a_patient_sees_nothing(house: House) {
    let zhang = outsider(&house, "zhang", Role::Patient).await;
    house.access.bind_patient_account(&house.security_officer, account("zhang", 1)).await.unwrap();
    let own = house.study(1, Grade::L2);
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(reason(&house.access, &zhang, Action::View, &own).await, Reason::NoRulePermits);
}

async fn an_account_is_bound_to_one_record_by_an_officer_and_unbound_at_once(house: House) {
    let access = house.releasing(Duration::ZERO);
    let zhang = outsider(&house, "zhang", Role::Patient).await;
    let other = outsider(&house, "other", Role::Patient).await;
    house.person("wang", Role::Clinician).await;
    let office = &house.security_officer;
    for nobody in [&house.system_officer, &house.audit_officer, &zhang] {
        let refused = access.bind_patient_account(nobody, account("zhang", 1)).await;
        assert!(matches!(refused, Err(GrantError::Admin(AdminError::Refused(_)))), "{refused:?}");
    }
    let staff = access.bind_patient_account(office, account("wang", 1)).await;
    assert!(matches!(staff, Err(GrantError::NoPatient)), "{staff:?}");
    let unknown = NewPatientAccount { is_known: false, ..account("zhang", 1) };
    assert!(matches!(access.bind_patient_account(office, unknown).await, Err(GrantError::NotFound)));
    let unsaid = NewPatientAccount { checked: " ".to_owned(), ..account("zhang", 1) };
    assert!(matches!(access.bind_patient_account(office, unsaid).await, Err(GrantError::Words)));

    let first = access.bind_patient_account(office, account("zhang", 1)).await.unwrap().grant.number;
    let second = access.bind_patient_account(office, account("zhang", 2)).await;
    assert!(matches!(second, Err(GrantError::Bound)), "{second:?}");
    assert_eq!(reason(&access, &zhang, Action::View, &house.study(1, Grade::L4)).await, Reason::OwnRecord);
    let foreign = access.unbind_patient_account(&other, first).await;
    assert!(matches!(foreign, Err(GrantError::NotFound)), "{foreign:?}");
    assert!(access.patient_accounts(&other).await.unwrap().is_empty());
    assert_eq!(access.patient_accounts(&zhang).await.unwrap().len(), 1);

    // The wrong record, or one that was merged: unbound, and bound anew.
    access.unbind_patient_account(office, first).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded unbind-patient-account");
    assert_eq!(
        reason(&access, &zhang, Action::View, &house.study(1, Grade::L4)).await,
        Reason::NoRulePermits
    );
    access.bind_patient_account(office, account("zhang", 2)).await.unwrap();
    assert_eq!(reason(&access, &zhang, Action::View, &house.study(2, Grade::L4)).await, Reason::OwnRecord);
    assert_eq!(
        reason(&access, &zhang, Action::View, &house.study(1, Grade::L4)).await,
        Reason::NoRulePermits
    );
}

/// There are as many bindings as patients: none is read each second for a year.
async fn a_binding_is_looked_at_when_it_ends_and_not_before(house: House) {
    let access = house.releasing(Duration::ZERO);
    outsider(&house, "zhang", Role::Patient).await;
    let bound = access.bind_patient_account(&house.security_officer, account("zhang", 1)).await.unwrap();
    let day = Duration::from_secs(24 * 3600);
    let read = async |house: &House| {
        let before = house.now().after(day);
        grants::not_ended(&house.identity, &home(), before).await.unwrap().len()
    };
    assert_eq!((read(&house).await, access.end_grants().await.unwrap()), (0, 0));
    house.clock.advance(PATIENT_ACCOUNT_TIME - day / 2);
    assert_eq!((read(&house).await, access.end_grants().await.unwrap()), (1, 0));
    house.clock.advance(day / 2);
    assert_eq!((access.end_grants().await.unwrap(), read(&house).await), (1, 0));
    let ended = house.leaves().into_iter().filter(|leaf| leaf.reason.as_str() == "patient-account-ended");
    assert_eq!(ended.filter_map(|leaf| leaf.counts.get("grant")).collect::<Vec<_>>(), [bound.grant.number]);
}

async fn a_patient_has_no_other_role(house: House) {
    house.person("zhang", Role::Patient).await;
    let more = house.access.give_role(&house.security_officer, &actor("zhang"), Role::Radiologist).await;
    assert!(matches!(more, Err(AdminError::RoleConflict)), "{more:?}");
    house.person("wang", Role::Clinician).await;
    let more = house.access.give_role(&house.security_officer, &actor("wang"), Role::Patient).await;
    assert!(matches!(more, Err(AdminError::RoleConflict)), "{more:?}");
}

async fn a_patient_is_told_who_looked_without_a_name(house: House) {
    let access = house.releasing(Duration::ZERO);
    let zhang = outsider(&house, "zhang", Role::Patient).await;
    let other = outsider(&house, "other", Role::Patient).await;
    assert!(access.own_record(&zhang).await.is_err(), "bound to nothing");
    access.bind_patient_account(&house.security_officer, account("zhang", 1)).await.unwrap();
    access.bind_patient_account(&house.security_officer, account("other", 2)).await.unwrap();
    assert_eq!(access.own_record(&zhang).await.unwrap(), patient(1));
    for nobody in [&house.security_officer, &house.audit_officer] {
        assert!(access.own_record(nobody).await.is_err());
    }
    let (wang, person) = (actor("wang"), ActorKind::Person);
    let told = access.told_to_patient(&zhang, patient(1), &wang, person).await.unwrap();
    assert!(!told.pseudonym.contains("wang") && told.pseudonym.len() == 10 && !told.oneself);
    assert_eq!(
        access.told_to_patient(&zhang, patient(1), &wang, person).await.unwrap(),
        told,
        "always the same"
    );
    let elsewhere = access.told_to_patient(&other, patient(2), &wang, person).await.unwrap();
    assert_ne!(elsewhere.pseudonym, told.pseudonym, "two patients cannot compare");
    let program = access.told_to_patient(&zhang, patient(1), &wang, ActorKind::Service).await.unwrap();
    assert_ne!(program.pseudonym, told.pseudonym);
    assert!(access.told_to_patient(&zhang, patient(1), &actor("zhang"), person).await.unwrap().oneself);
}

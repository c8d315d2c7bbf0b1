//! Dissents: what they close, for whom, until when, and what broken glass passes.

use crate::house::{House, PASSWORD, REMOTE, actor, patient, secret};
use std::time::Duration;
use yingdun_access::{AdminError, Against, Department, NewBreakGlass, NewDissent, Resource, Session};
use yingdun_model::{Action, BreakGlassReason, DepartmentId, Grade, PurposeOfUse, Role, Unit};

crate::on_both_engines!(
    a_dissent_closes_the_patient_to_whom_it_names_and_ends_to_the_millisecond,
    a_seal_closes_the_patient_to_all_but_those_it_names,
    a_department_that_is_not_wanted_sees_nothing_in_any_role,
    broken_glass_passes_where_the_dissent_says_so_and_its_leaf_says_that_it_did,
    a_dissent_from_sharing_keeps_studies_in_the_archive,
    dissents_are_the_office_of_the_security_administrator,
);

fn new(number: u8, against: Against) -> NewDissent {
    NewDissent {
        patient: patient(number),
        is_known: true,
        against,
        break_glass: false,
        valid_from: None,
        valid_until: None,
    }
}

fn persons(names: &[&str]) -> Against {
    Against::AllBut(names.iter().map(|name| actor(name)).collect())
}

async fn may(house: &House, who: &Session, action: Action, study: &Resource) -> bool {
    house.access.decide(who, action, study).await.unwrap().permitted
}

/// Whether it opens; what is listed opens.
async fn opens(house: &House, who: &Session, study: &Resource) -> bool {
    let listed = may(house, who, Action::List, study).await;
    let opens = may(house, who, Action::View, study).await;
    assert_eq!(listed, opens);
    opens
}

async fn a_dissent_closes_the_patient_to_whom_it_names_and_ends_to_the_millisecond(house: House) {
    let li = house.signed_in("li", Role::Radiologist).await.session;
    let other = house.signed_in("zhao", Role::Radiologist).await.session;
    let study = house.study(1, Grade::L4);
    let permit = house.access.authorise(&li, Action::View, study.clone()).await.unwrap();
    let (from, until) =
        (house.now().after(Duration::from_millis(1)), house.now().after(Duration::from_millis(3)));
    let dissent = NewDissent {
        valid_from: Some(from),
        valid_until: Some(until),
        ..new(1, Against::Person(actor("li")))
    };
    house.access.enter_dissent(&house.security_officer, dissent).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        assert!(opens(&house, &other, &study).await, "another person");
        assert!(opens(&house, &li, &house.study(2, Grade::L4)).await, "another patient");
        seen.push(opens(&house, &li, &study).await);
        if seen.len() == 2 {
            house.access.renew(&li, &permit).await.unwrap_err();
            assert_eq!(house.last_leaf(), "access refused patient-dissents");
        }
        house.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(seen, [true, false, false, true]);
}

async fn a_seal_closes_the_patient_to_all_but_those_it_names(house: House) {
    let li = house.signed_in("li", Role::Radiologist).await.session;
    let chief = house.signed_in("qian", Role::Chief).await.session;
    house.person("wang", Role::Clinician).await;
    house.treats("wang", 1, Duration::from_secs(600)).await;
    let wang = house
        .access
        .create_login_link(&house.access.system_session(), &actor("wang"), Role::Clinician)
        .await
        .unwrap();
    let wang = house.access.redeem_login_link(wang.token.expose(), REMOTE).await.unwrap().session;
    let study = house.study(1, Grade::L4);
    let number =
        house.access.enter_dissent(&house.security_officer, new(1, persons(&["li"]))).await.unwrap().number;
    assert!(opens(&house, &li, &study).await);
    for closed in [&chief, &wang] {
        assert!(!opens(&house, closed, &study).await);
        for action in [Action::Export, Action::GiveGrant] {
            assert!(!may(&house, closed, action, &study).await, "{action}");
        }
    }
    assert!(!may(&house, &house.security_officer, Action::View, &study).await, "nor who sealed it");
    house.access.end_dissent(&house.security_officer, number).await.unwrap();
    assert!(opens(&house, &chief, &study).await && opens(&house, &wang, &study).await);
    let again = house.access.end_dissent(&house.security_officer, number).await.unwrap_err();
    assert!(matches!(again, AdminError::NotFound));
}

async fn a_department_that_is_not_wanted_sees_nothing_in_any_role(house: House) {
    let li = house.signed_in("li", Role::Radiologist).await.session;
    let surgery = DepartmentId::new("surgery").unwrap();
    let department = Department { id: surgery.clone(), name: "Surgery".to_owned() };
    house.access.enter_department(&house.security_officer, &department).await.unwrap();
    house
        .access
        .enter_dissent(&house.security_officer, new(1, Against::Department(surgery.clone())))
        .await
        .unwrap();
    let study = house.study(1, Grade::L4);
    assert!(opens(&house, &li, &study).await, "of no department");
    let (from, until) = (house.now(), house.now().after(Duration::from_secs(9)));
    let unit = Unit::Department(surgery);
    house.access.join_unit(&house.security_officer, &actor("li"), &unit, from, until).await.unwrap();
    assert!(!opens(&house, &li, &study).await);
    house.clock.advance(Duration::from_secs(9));
    assert!(opens(&house, &li, &study).await, "no longer of the department");
}

async fn broken_glass_passes_where_the_dissent_says_so_and_its_leaf_says_that_it_did(house: House) {
    house.person_with_password("li", Role::Radiologist).await;
    let li = house.login("li", PASSWORD, None).await.unwrap().session;
    for (number, break_glass) in [(1, true), (2, false)] {
        let dissent = NewDissent { break_glass, ..new(number, Against::Person(actor("li"))) };
        house.access.enter_dissent(&house.security_officer, dissent).await.unwrap();
        let emergency = NewBreakGlass {
            patient: patient(number),
            is_known: true,
            reason: BreakGlassReason::EmergencyTreatment,
            words: "unconscious".to_owned(),
            lasts: Duration::from_secs(600),
            password: Some(secret(PASSWORD)),
        };
        house.access.break_glass(&li, emergency).await.unwrap();
    }
    let passed = house.access.authorise(&li, Action::View, house.study(1, Grade::L4)).await.unwrap();
    assert_eq!(house.last_leaf(), "access permitted break-glass-against-dissent");
    assert!(passed.grant().is_some(), "the leaf names the case");
    assert!(!may(&house, &li, Action::Export, &house.study(1, Grade::L4)).await);
    house.access.authorise(&li, Action::View, house.study(2, Grade::L4)).await.unwrap_err();
    assert_eq!(house.last_leaf(), "access refused patient-dissents");
    house.clock.advance(Duration::from_secs(600));
    assert!(!opens(&house, &li, &house.study(1, Grade::L4)).await, "the glass is whole again");
}

async fn a_dissent_from_sharing_keeps_studies_in_the_archive(house: House) {
    let chief = house.signed_in("qian", Role::Chief).await.session;
    let study = house.study(1, Grade::L4);
    assert!(may(&house, &chief, Action::Export, &study).await);
    house.access.enter_dissent(&house.security_officer, new(1, Against::Sharing)).await.unwrap();
    house.access.enter_dissent(&house.security_officer, new(1, Against::Research)).await.unwrap();
    assert!(!may(&house, &chief, Action::Export, &study).await);
    assert!(opens(&house, &chief, &study).await);
    let research = chief.for_purpose(PurposeOfUse::HealthcareResearch);
    assert!(!opens(&house, &research, &house.study(1, Grade::L2)).await, "de-identified, too");
    assert!(opens(&house, &research, &house.study(2, Grade::L2)).await);
}

async fn dissents_are_the_office_of_the_security_administrator(house: House) {
    for officer in [&house.system_officer, &house.audit_officer] {
        let refused = house.access.enter_dissent(officer, new(1, Against::Research)).await.unwrap_err();
        assert!(matches!(refused, AdminError::Refused(_)), "{refused:?}");
        assert!(house.access.dissents(officer).await.is_err());
    }
    let officer = &house.security_officer;
    let unknown = house.access.enter_dissent(officer, new(1, persons(&["nobody"]))).await.unwrap_err();
    assert!(matches!(unknown, AdminError::NotFound));
    let over = NewDissent { valid_until: Some(house.now()), ..new(1, Against::Research) };
    assert!(matches!(house.access.enter_dissent(officer, over).await, Err(AdminError::EmptyInterval)));
    house.access.enter_dissent(officer, new(1, Against::Research)).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded enter-dissent");
    assert_eq!(house.leaves().pop().unwrap().patient, Some(patient(1)));
    assert_eq!(house.access.dissents(officer).await.unwrap().len(), 1);
}

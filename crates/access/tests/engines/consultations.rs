//! Consultations: what is assigned opens to the expert, is listed, and closes with the report.

use crate::house::{House, actor, patient};
use crate::second_factor::outsider;
use std::time::Duration;
use yingdun_access::{
    CONSULTATION_TIME, CONSULTATION_TIME_MAX, GRANT_DECISION_LIFETIME, GrantError, GrantedStudies,
    NewConsultation, Reason, Resource, Session, Stage, consultation_end,
};
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{Action, Grade, Role};

crate::on_both_engines!(
    what_is_assigned_opens_to_the_expert_until_its_last_millisecond,
    a_report_that_is_done_closes_the_study_within_a_second,
    who_assigned_it_takes_it_back_and_nobody_else_ends_it,
    it_is_assigned_by_who_may_look_and_to_experts_only,
    an_expert_does_nothing_without_a_second_factor,
);

fn on_study(house: &House, number: u8, expert: &str) -> NewConsultation {
    let Resource::Study(facts) = house.study(number, Grade::L4) else { unreachable!() };
    NewConsultation {
        expert: actor(expert),
        on: GrantedStudies::Study(facts),
        is_known: true,
        lasts: CONSULTATION_TIME,
        words: "what is this shadow".to_owned(),
    }
}

async fn reason(house: &House, who: &Session, action: Action, study: &Resource) -> Reason {
    house.access.decide(who, action, study).await.unwrap().reason
}

async fn what_is_assigned_opens_to_the_expert_until_its_last_millisecond(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let expert = outsider(&house, "expert", Role::RemoteExpert).await;
    let (study, other) = (house.study(1, Grade::L4), house.study(2, Grade::L4));
    assert!(matches!(house.access.visibility(&expert).await.unwrap(), Visibility::Nothing));
    assert_eq!(reason(&house, &expert, Action::View, &study).await, Reason::NoRulePermits);

    let new = NewConsultation { lasts: Duration::from_secs(600), ..on_study(&house, 1, "expert") };
    let assigned = house.access.assign_consultation(&reader, new).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded assign-consultation");
    assert_eq!(assigned.words.as_deref(), Some("what is this shadow"));
    for action in [Action::List, Action::View] {
        assert_eq!(reason(&house, &expert, action, &study).await, Reason::Consultation);
        assert_eq!(reason(&house, &expert, action, &other).await, Reason::NoRulePermits);
    }
    assert_eq!(reason(&house, &expert, Action::Export, &study).await, Reason::OutsidersOnlyLook);
    assert_eq!(reason(&house, &expert, Action::GiveGrant, &study).await, Reason::OutsidersOnlyLook);
    let Visibility::Granted { beside, patients, studies } = house.access.visibility(&expert).await.unwrap()
    else {
        panic!("an expert finds what was assigned")
    };
    assert!(matches!(*beside, Visibility::Nothing));
    assert_eq!((patients.len(), studies.len()), (0, 1));

    let permit = house.access.authorise(&expert, Action::View, study.clone()).await.unwrap();
    assert_eq!(permit.grant(), Some(assigned.grant.number), "the leaf names the consultation");
    house.clock.advance(Duration::from_secs(600) - Duration::from_millis(1));
    assert_eq!(reason(&house, &expert, Action::View, &study).await, Reason::Consultation);
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(reason(&house, &expert, Action::View, &study).await, Reason::NoRulePermits);
    assert!(house.access.still_valid(&expert, &permit).await.is_err());
    assert_eq!(house.access.end_grants().await.unwrap(), 1);
    assert_eq!(house.last_leaf(), "administration succeeded consultation-ended");
    let ended = house.access.consultation(&expert, assigned.grant.number).await.unwrap();
    assert_eq!(consultation_end(&ended), Some("time-over"));
}

async fn a_report_that_is_done_closes_the_study_within_a_second(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let expert = outsider(&house, "expert", Role::RemoteExpert).await;
    let study = house.study(7, Grade::L4);
    let new = NewConsultation { on: GrantedStudies::Patient(patient(7)), ..on_study(&house, 7, "expert") };
    let assigned = house.access.assign_consultation(&chief, new).await.unwrap();
    let number = assigned.grant.number;
    assert_eq!(consultation_end(&assigned), None);
    let permit = house.access.authorise(&expert, Action::View, study.clone()).await.unwrap();
    let early = house.access.complete_consultation(&chief, number).await;
    assert!(matches!(early, Err(GrantError::NotTheExpert)), "{early:?}");
    let done = house.access.complete_consultation(&expert, number).await.unwrap();
    assert_eq!(consultation_end(&done), Some("completed"));
    assert_eq!(house.last_leaf(), "administration succeeded complete-consultation");
    assert_eq!(reason(&house, &expert, Action::View, &study).await, Reason::NoRulePermits);
    house.clock.advance(GRANT_DECISION_LIFETIME);
    let refused = house.access.still_valid(&expert, &permit).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::NoRulePermits));
    let twice = house.access.complete_consultation(&expert, number).await;
    assert!(matches!(twice, Err(GrantError::State)), "{twice:?}");
}

async fn who_assigned_it_takes_it_back_and_nobody_else_ends_it(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    let expert = outsider(&house, "expert", Role::RemoteExpert).await;
    let study = house.study(1, Grade::L4);
    let number =
        house.access.assign_consultation(&reader, on_study(&house, 1, "expert")).await.unwrap().grant.number;
    let foreign = house.access.withdraw_consultation(&chief, number).await;
    assert!(matches!(foreign, Err(GrantError::NotFound)), "{foreign:?}");
    let own = house.access.withdraw_consultation(&expert, number).await;
    assert!(matches!(own, Err(GrantError::NotTheExpert)), "{own:?}");
    let withdrawn = house.access.withdraw_consultation(&reader, number).await.unwrap();
    assert_eq!(consultation_end(&withdrawn), Some("withdrawn"));
    assert_eq!(reason(&house, &expert, Action::List, &study).await, Reason::NoRulePermits);
    // An officer who gives rights takes it back, too; who reads the audit does not.
    let number =
        house.access.assign_consultation(&reader, on_study(&house, 1, "expert")).await.unwrap().grant.number;
    assert!(house.access.withdraw_consultation(&house.audit_officer, number).await.is_err());
    assert!(!house.access.withdraw_consultation(&house.security_officer, number).await.unwrap().open);
    assert_eq!(house.access.consultations(&house.audit_officer).await.unwrap().len(), 2);
    assert_eq!(house.access.consultations(&expert).await.unwrap().len(), 2);
    assert!(house.access.consultations(&chief).await.unwrap().is_empty(), "none of the chief's");
    assert!(house.access.grants(&expert).await.is_err(), "an expert has no grants to see");
}

async fn it_is_assigned_by_who_may_look_and_to_experts_only(house: House) {
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let technician = house.signed_in("sun", Role::Technician).await.session;
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    house.person("zhao", Role::Clinician).await;
    let expert = outsider(&house, "expert", Role::RemoteExpert).await;
    let assign = async |who: &Session, new: NewConsultation| house.access.assign_consultation(who, new).await;
    let to = |expert: &str| on_study(&house, 1, expert);

    assert!(matches!(assign(&doctor, to("expert")).await, Err(GrantError::NotFound)), "not in care");
    assert!(matches!(assign(&technician, to("expert")).await, Err(GrantError::Admin(_))));
    assert!(assign(&expert, to("expert")).await.is_err());
    assert!(assign(&house.security_officer, to("expert")).await.is_err());
    assert!(matches!(assign(&reader, to("zhao")).await, Err(GrantError::NoExpert)));
    assert!(matches!(assign(&reader, to("nobody")).await, Err(GrantError::NotFound)));
    let unknown = NewConsultation { is_known: false, ..to("expert") };
    assert!(matches!(assign(&reader, unknown).await, Err(GrantError::NotFound)));
    for lasts in [Duration::from_secs(59), CONSULTATION_TIME_MAX + Duration::from_secs(1)] {
        let new = NewConsultation { lasts, ..to("expert") };
        assert!(matches!(assign(&reader, new).await, Err(GrantError::ConsultationTime)));
    }
    let Resource::Study(special) = house.study(1, Grade::L5) else { unreachable!() };
    let special = NewConsultation { on: GrantedStudies::Study(special), ..to("expert") };
    assert!(matches!(assign(&reader, special).await, Err(GrantError::NotFound)));

    house.treats("wang", 1, Duration::from_secs(600)).await;
    let assigned = assign(&doctor, to("expert")).await.unwrap();
    assert_eq!(
        assigned.grant.valid_until,
        house.now().after(Duration::from_secs(600)),
        "it ends with the care"
    );
    house.access.set_person_disabled(&house.system_officer, &actor("expert"), true).await.unwrap();
    assert!(matches!(assign(&reader, to("expert")).await, Err(GrantError::NotFound)));
}

async fn an_expert_does_nothing_without_a_second_factor(house: House) {
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    house.person_with_password("expert", Role::RemoteExpert).await;
    house.access.assign_consultation(&reader, on_study(&house, 1, "expert")).await.unwrap();
    let half = house.login("expert", crate::house::PASSWORD, None).await.unwrap();
    assert_eq!(half.session.stage(), Stage::Enrol, "no rule of the installation is needed for it");
    let refused = reason(&house, &half.session, Action::View, &house.study(1, Grade::L4)).await;
    assert_eq!(refused, Reason::SignInNotFinished);
}

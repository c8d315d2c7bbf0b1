//! Consents: what they open, for whom, until when, and what they never open.

use crate::house::{House, actor, patient};
use crate::second_factor::outsider;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, Against, CONSULTATION_TIME, ConsentRules, ConsentTo, Department, GrantedStudies,
    NewConsent, NewConsultation, NewDissent, NewPatientAccount, Resource, Session,
};
use yingdun_model::{
    Action, ConsentForm, ConsentGiver, DepartmentId, Grade, PurposeOfUse, Role, StudyRef, Timestamp, Unit,
};

crate::on_both_engines!(
    a_researcher_sees_what_is_identifiable_of_the_own_project_while_its_patient_consents,
    a_consent_begins_and_ends_to_the_millisecond_and_its_leaf_names_it,
    a_consent_to_a_project_is_one_for_its_members,
    a_withdrawal_ends_what_is_open_within_a_second_and_is_written_down,
    research_carries_nothing_away_and_never_sees_special_care,
    a_dissent_beats_a_consent,
    the_institution_may_ask_for_one_where_research_is_on_the_de_identified,
    sharing_asks_for_one_where_the_institution_says_so_and_treatment_never_does,
    consents_are_the_office_of_the_security_administrator_and_say_what_shows_them,
    a_patient_lists_and_withdraws_the_own_consents_and_nobody_elses,
);

const SHARING: ConsentRules = ConsentRules { research: false, sharing: true };

fn new(number: u8, to: ConsentTo) -> NewConsent {
    NewConsent {
        patient: patient(number),
        is_known: true,
        to,
        form: ConsentForm::Paper,
        giver: ConsentGiver::Patient,
        reference: "folder 7, page 3".to_owned(),
        valid_from: None,
        valid_until: None,
    }
}

fn project(name: &str) -> DepartmentId {
    DepartmentId::new(name).unwrap()
}

async fn may(access: &Access, who: &Session, action: Action, study: &Resource) -> bool {
    access.decide(who, action, study).await.unwrap().permitted
}

/// Whether it opens; what is listed opens.
async fn opens(access: &Access, who: &Session, study: &Resource) -> bool {
    let listed = may(access, who, Action::List, study).await;
    let opens = may(access, who, Action::View, study).await;
    assert_eq!(listed, opens);
    opens
}

async fn joins(house: &House, name: &str, department: &str, until: Timestamp) {
    let unit = Unit::Department(project(department));
    house.access.join_unit(&house.security_officer, &actor(name), &unit, house.now(), until).await.unwrap();
}

/// A researcher of the project `lung`, of which the first two studies are.
async fn researcher(house: &House) -> Session {
    let sun = house.signed_in("sun", Role::Researcher).await.session;
    for name in ["lung", "heart"] {
        let department = Department { id: project(name), name: name.to_owned() };
        house.access.enter_department(&house.security_officer, &department).await.unwrap();
    }
    joins(house, "sun", "lung", house.now().after(Duration::from_secs(3600))).await;
    for number in [1, 2] {
        let (study, of) = (StudyRef::from_bytes([number; 16]), BTreeSet::from([project("lung")]));
        let officer = &house.security_officer;
        house.access.set_study_departments(officer, study, &of, &BTreeSet::new()).await.unwrap();
    }
    sun
}

async fn a_researcher_sees_what_is_identifiable_of_the_own_project_while_its_patient_consents(house: House) {
    let sun = researcher(&house).await;
    assert_eq!(sun.purpose(), PurposeOfUse::HealthcareResearch);
    for grade in [Grade::L1, Grade::L2] {
        assert!(opens(&house.access, &sun, &house.study(1, grade)).await, "de-identified {grade}");
        assert!(!opens(&house.access, &sun, &house.study(3, grade)).await, "of no project of sun");
    }
    for number in [1, 3] {
        house
            .access
            .enter_consent(&house.security_officer, new(number, ConsentTo::Research(None)))
            .await
            .unwrap();
    }
    for grade in [Grade::L3, Grade::L4, Grade::L4S] {
        assert!(opens(&house.access, &sun, &house.study(1, grade)).await, "{grade}");
        assert!(!opens(&house.access, &sun, &house.study(2, grade)).await, "another patient, {grade}");
        assert!(!opens(&house.access, &sun, &house.study(3, grade)).await, "a consent is no right, {grade}");
    }
    house.access.authorise(&sun, Action::View, house.study(2, Grade::L4)).await.unwrap_err();
    assert_eq!(house.last_leaf(), "access refused consent-needed");
    // In the same house a radiologist who treats is asked for nothing.
    let li = house.signed_in("li", Role::Radiologist).await.session;
    assert!(opens(&house.access, &li, &house.study(2, Grade::L4)).await);
    let li_for_research = li.for_purpose(PurposeOfUse::HealthcareResearch);
    assert!(!opens(&house.access, &li_for_research, &house.study(2, Grade::L4)).await);
    assert!(opens(&house.access, &li_for_research, &house.study(1, Grade::L4)).await);
}

async fn a_consent_begins_and_ends_to_the_millisecond_and_its_leaf_names_it(house: House) {
    let sun = researcher(&house).await;
    let (from, until) =
        (house.now().after(Duration::from_millis(1)), house.now().after(Duration::from_millis(3)));
    let consent =
        NewConsent { valid_from: Some(from), valid_until: Some(until), ..new(1, ConsentTo::Research(None)) };
    let entered = house.access.enter_consent(&house.security_officer, consent).await.unwrap();
    let study = house.study(1, Grade::L4);
    let mut seen = Vec::new();
    let mut permit = None;
    for _ in 0..4 {
        seen.push(opens(&house.access, &sun, &study).await);
        if seen.len() == 2 {
            permit = Some(house.access.authorise(&sun, Action::View, study.clone()).await.unwrap());
            let leaf = house.leaves().pop().unwrap();
            assert_eq!(leaf.counts.get("consent"), Some(entered.consent.number));
        }
        house.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(seen, [false, true, true, false]);
    assert_eq!(permit.unwrap().valid_until(), until, "not a millisecond beyond the consent");
}

async fn a_consent_to_a_project_is_one_for_its_members(house: House) {
    let sun = researcher(&house).await;
    let of = |name| ConsentTo::Research(Some(project(name)));
    let officer = &house.security_officer;
    house.access.enter_consent(officer, new(1, of("heart"))).await.unwrap();
    let study = house.study(1, Grade::L4);
    assert!(!opens(&house.access, &sun, &study).await, "sun belongs to another project");
    joins(&house, "sun", "heart", house.now().after(Duration::from_secs(9))).await;
    assert!(opens(&house.access, &sun, &study).await);
    house.clock.advance(Duration::from_secs(9));
    assert!(!opens(&house.access, &sun, &study).await, "no longer of the project");
    let unknown = house.access.enter_consent(officer, new(1, of("nothing"))).await.unwrap_err();
    assert!(matches!(unknown, AdminError::NotFound));
}

async fn a_withdrawal_ends_what_is_open_within_a_second_and_is_written_down(house: House) {
    let sun = researcher(&house).await;
    let officer = &house.security_officer;
    let entered = house.access.enter_consent(officer, new(1, ConsentTo::Research(None))).await.unwrap();
    let study = house.study(1, Grade::L4);
    let permit = house.access.authorise(&sun, Action::View, study.clone()).await.unwrap();
    house.access.withdraw_consent(officer, entered.consent.number).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded withdraw-consent");
    assert_eq!(house.leaves().pop().unwrap().patient, Some(patient(1)), "the leaf says of whom");
    house.clock.advance(Duration::from_secs(1));
    house.access.still_valid(&sun, &permit).await.unwrap_err();
    assert_eq!(house.last_leaf(), "access refused consent-needed");
    let again = house.access.withdraw_consent(officer, entered.consent.number).await.unwrap_err();
    assert!(matches!(again, AdminError::NotFound));
    assert!(house.access.consents(officer, false).await.unwrap().is_empty());
    let kept = house.access.consents(officer, true).await.unwrap();
    assert_eq!(kept[0].consent.withdrawn.as_ref().unwrap().1, actor("sec"), "the row stays");

    // Another consent lets in again, under a leaf that names it.
    let second = house.access.enter_consent(officer, new(1, ConsentTo::Research(None))).await.unwrap();
    let permit = house.access.authorise(&sun, Action::View, study.clone()).await.unwrap();
    house.access.enter_consent(officer, new(1, ConsentTo::Research(None))).await.unwrap();
    house.access.withdraw_consent(officer, second.consent.number).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    house.access.still_valid(&sun, &permit).await.unwrap_err();
    assert!(opens(&house.access, &sun, &study).await, "the third one holds, and a new leaf says so");
}

async fn research_carries_nothing_away_and_never_sees_special_care(house: House) {
    let sun = researcher(&house).await;
    let chief = house.signed_in("qian", Role::Chief).await.session;
    let chief = chief.for_purpose(PurposeOfUse::HealthcareResearch);
    let officer = &house.security_officer;
    for to in [ConsentTo::Research(None), ConsentTo::Sharing] {
        house.access.enter_consent(officer, new(1, to)).await.unwrap();
    }
    house.treats("qian", 1, Duration::from_secs(600)).await;
    for who in [&sun, &chief] {
        assert!(!may(&house.access, who, Action::Export, &house.study(1, Grade::L4)).await);
        assert!(!opens(&house.access, who, &house.study(1, Grade::L5)).await);
    }
    assert!(may(&house.access, &chief, Action::Export, &house.study(1, Grade::L2)).await, "de-identified");
    for action in [Action::GiveGrant, Action::AssignConsultation] {
        assert!(!may(&house.access, &sun, action, &house.study(1, Grade::L1)).await, "{action}");
    }
    let archive = Resource::Archive(sun.institution().clone());
    assert!(may(&house.access, &sun, Action::Search, &archive).await);
    assert!(!may(&house.access, &sun, Action::BreakGlass, &archive).await);
    // The role looks for research, and for nothing else.
    let treating = sun.for_purpose(PurposeOfUse::Treatment);
    assert!(!opens(&house.access, &treating, &house.study(1, Grade::L1)).await);
}

async fn a_dissent_beats_a_consent(house: House) {
    let sun = researcher(&house).await;
    let chief = house.signed_in("qian", Role::Chief).await.session;
    let asking = house.asking(SHARING);
    let officer = &house.security_officer;
    for to in [ConsentTo::Research(None), ConsentTo::Sharing] {
        house.access.enter_consent(officer, new(1, to)).await.unwrap();
    }
    let study = house.study(1, Grade::L4);
    assert!(opens(&asking, &sun, &study).await && may(&asking, &chief, Action::Export, &study).await);
    let mut dissents = Vec::new();
    for against in [Against::Research, Against::Sharing] {
        let dissent = NewDissent {
            patient: patient(1),
            is_known: true,
            against,
            break_glass: false,
            valid_from: None,
            valid_until: None,
        };
        dissents.push(house.access.enter_dissent(officer, dissent).await.unwrap().number);
    }
    assert!(!opens(&asking, &sun, &study).await && !may(&asking, &chief, Action::Export, &study).await);
    asking.authorise(&sun, Action::View, study.clone()).await.unwrap_err();
    assert_eq!(house.last_leaf(), "access refused patient-dissents");
    for dissent in dissents {
        house.access.end_dissent(officer, dissent).await.unwrap();
    }
    assert!(opens(&asking, &sun, &study).await && may(&asking, &chief, Action::Export, &study).await);
}

async fn the_institution_may_ask_for_one_where_research_is_on_the_de_identified(house: House) {
    let sun = researcher(&house).await;
    let asking = house.asking(ConsentRules { research: true, sharing: false });
    let study = |grade| house.study(1, grade);
    assert!(opens(&house.access, &sun, &study(Grade::L2)).await);
    assert!(!opens(&asking, &sun, &study(Grade::L2)).await);
    assert!(opens(&asking, &sun, &study(Grade::L1)).await, "what is public is of nobody");
    house.access.enter_consent(&house.security_officer, new(1, ConsentTo::Research(None))).await.unwrap();
    assert!(opens(&asking, &sun, &study(Grade::L2)).await);
    asking.authorise(&sun, Action::View, study(Grade::L2)).await.unwrap();
    assert!(house.leaves().pop().unwrap().counts.get("consent").is_some());
}

async fn sharing_asks_for_one_where_the_institution_says_so_and_treatment_never_does(house: House) {
    let chief = house.signed_in("qian", Role::Chief).await.session;
    let expert = outsider(&house, "expert", Role::RemoteExpert).await;
    let asking = house.asking(SHARING);
    let study = house.study(1, Grade::L4);
    let Resource::Study(facts) = study.clone() else { panic!("a study") };
    // Before anybody asked for consents it was assigned.
    let task = NewConsultation {
        expert: actor("expert"),
        on: GrantedStudies::Study(facts.clone()),
        is_known: true,
        lasts: CONSULTATION_TIME,
        words: "what is this shadow".to_owned(),
    };
    house.access.assign_consultation(&chief, task).await.unwrap();
    assert!(opens(&house.access, &expert, &study).await && !opens(&asking, &expert, &study).await);
    assert!(may(&house.access, &chief, Action::Export, &study).await, "as it was");
    for action in [Action::Export, Action::AssignConsultation] {
        assert!(!may(&asking, &chief, action, &study).await, "{action}");
        assert!(may(&asking, &chief, action, &house.study(1, Grade::L2)).await, "{action}");
    }
    assert!(opens(&asking, &chief, &study).await, "who treats looks");
    asking.may_send(&chief, &facts).await.unwrap_err();
    assert_eq!(house.last_leaf(), "access refused consent-needed");
    house.access.enter_consent(&house.security_officer, new(1, ConsentTo::Research(None))).await.unwrap();
    assert!(!may(&asking, &chief, Action::Export, &study).await, "a consent to something else");
    house.access.enter_consent(&house.security_officer, new(1, ConsentTo::Sharing)).await.unwrap();
    for action in [Action::Export, Action::AssignConsultation] {
        assert!(may(&asking, &chief, action, &study).await, "{action}");
    }
    asking.may_send(&chief, &facts).await.unwrap();
    assert!(opens(&asking, &expert, &study).await);
    asking.authorise(&chief, Action::Export, study.clone()).await.unwrap();
    assert!(house.leaves().pop().unwrap().counts.get("consent").is_some());
}

async fn consents_are_the_office_of_the_security_administrator_and_say_what_shows_them(house: House) {
    for officer in [&house.system_officer, &house.audit_officer] {
        let refused = house.access.enter_consent(officer, new(1, ConsentTo::Sharing)).await.unwrap_err();
        assert!(matches!(refused, AdminError::Refused(_)), "{refused:?}");
        assert!(house.access.consents(officer, true).await.is_err());
        assert!(matches!(house.access.withdraw_consent(officer, 1).await, Err(AdminError::Refused(_))));
    }
    let officer = &house.security_officer;
    for reference in ["", "  ", &"x".repeat(501)] {
        let empty = NewConsent { reference: reference.to_owned(), ..new(1, ConsentTo::Sharing) };
        let refused = house.access.enter_consent(officer, empty).await.unwrap_err();
        assert!(matches!(refused, AdminError::ConsentReference), "{refused:?}");
    }
    let over = NewConsent { valid_until: Some(house.now()), ..new(1, ConsentTo::Sharing) };
    assert!(matches!(house.access.enter_consent(officer, over).await, Err(AdminError::EmptyInterval)));
    let nobody = NewConsent { is_known: false, ..new(1, ConsentTo::Sharing) };
    assert!(matches!(house.access.enter_consent(officer, nobody).await, Err(AdminError::UnknownPatient)));
    assert_eq!(house.last_leaf(), "administration failed enter-consent");
    let guardian = NewConsent { giver: ConsentGiver::Guardian, ..new(1, ConsentTo::Sharing) };
    let entered = house.access.enter_consent(officer, guardian).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded enter-consent");
    assert_eq!(house.leaves().pop().unwrap().patient, Some(patient(1)));
    let kept = house.access.consents(officer, false).await.unwrap();
    assert_eq!(kept, [entered]);
    assert_eq!(kept[0].reference.as_deref(), Some("folder 7, page 3"));
    assert_eq!(kept[0].consent.giver, ConsentGiver::Guardian);
    let sealed = String::from_utf8_lossy(&kept[0].consent.reference).into_owned();
    assert!(!sealed.contains("folder"), "the words lie sealed");
}

async fn a_patient_lists_and_withdraws_the_own_consents_and_nobody_elses(house: House) {
    let (access, office) = (&house.access, &house.security_officer);
    let sun = researcher(&house).await;
    let zhang = outsider(&house, "zhang", Role::Patient).await;
    let enter = async |of| {
        access.enter_consent(office, new(of, ConsentTo::Research(None))).await.unwrap().consent.number
    };
    let (own, other) = (enter(1).await, enter(2).await);
    // An account that is bound to nothing, staff and officers have no record of their own.
    for nobody in [&zhang, &sun, office, &house.audit_officer, &house.system_officer] {
        assert!(matches!(access.own_consents(nobody, true).await, Err(AdminError::Refused(_))));
        assert!(matches!(access.withdraw_own_consent(nobody, own).await, Err(AdminError::Refused(_))));
    }
    let account = NewPatientAccount {
        actor: actor("zhang"),
        patient: patient(1),
        is_known: true,
        checked: "identity card seen at the desk".to_owned(),
    };
    let bound = access.bind_patient_account(office, account).await.unwrap().grant.number;
    let numbers = async |all| {
        let listed = access.own_consents(&zhang, all).await.unwrap();
        listed.into_iter().map(|consent| consent.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(false).await, [own], "the own ones");
    assert!(matches!(access.withdraw_own_consent(&zhang, other).await, Err(AdminError::NotFound)));
    assert_eq!(house.last_leaf(), "administration failed withdraw-consent");
    let (of_zhang, of_other) = (house.study(1, Grade::L4), house.study(2, Grade::L4));
    assert!(opens(access, &sun, &of_zhang).await && opens(access, &sun, &of_other).await);

    access.withdraw_own_consent(&zhang, own).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded withdraw-consent");
    assert!(!opens(access, &sun, &of_zhang).await && opens(access, &sun, &of_other).await);
    assert_eq!((numbers(false).await, numbers(true).await), (vec![], vec![own]));
    assert!(
        matches!(access.withdraw_own_consent(&zhang, own).await, Err(AdminError::NotFound)),
        "it is over"
    );
    let listed = access.consents(office, true).await.unwrap();
    let by = listed
        .iter()
        .find(|record| record.consent.number == own)
        .and_then(|record| record.consent.withdrawn.clone());
    assert_eq!(by.unwrap().1, actor("zhang"), "the officer sees who withdrew it");
    // Who is unbound has no say in it any more.
    let again = enter(1).await;
    access.unbind_patient_account(office, bound).await.unwrap();
    assert!(matches!(access.withdraw_own_consent(&zhang, again).await, Err(AdminError::Refused(_))));
}

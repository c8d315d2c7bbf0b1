//! What opens for a while: who gives it, what it opens, and when it is over, whatever the clock says.

use crate::house::{House, PASSWORD, actor, home, patient, secret};
use std::time::Duration;
use yingdun_access::{
    AdminError, GRANT_DECISION_LIFETIME, GrantError, GrantRecord, GrantedStudies, NewBreakGlass, NewGrant,
    Reason, Resource, ReviewsDue, Session,
};
use yingdun_catalog::catalogue::Visibility;
use yingdun_catalog::identity::grants::{self, Review};
use yingdun_model::{
    Action, BreakGlassReason, Grade, GrantKind, PurposeOfUse, ReviewVerdict, Role, Timestamp,
};

crate::on_both_engines!(
    a_grant_opens_one_study_to_its_last_millisecond_and_each_leaf_names_it,
    a_grant_of_a_patient_lists_what_it_opens_and_no_special_care,
    who_gives_must_hold_the_right_and_be_another_person,
    a_revoked_grant_ends_an_open_permit_within_a_second,
    a_clock_that_is_set_back_does_not_lengthen_a_grant,
    broken_glass_opens_one_patient_of_any_grade_after_the_password_and_is_reviewed_by_another,
    who_was_not_justified_has_less_and_one_patient_at_a_time_still_opens,
    sealed_words_open_in_their_own_place_only,
    cases_opened_at_the_same_time_share_no_quota,
    grants_given_at_the_same_time_share_no_limit,
);

const WORDS: &str = "a second look before the operation";

fn on_study(house: &House, number: u8, name: &str) -> NewGrant {
    let Resource::Study(facts) = house.study(number, Grade::L4) else { unreachable!() };
    NewGrant {
        actor: actor(name),
        on: GrantedStudies::Study(facts),
        is_known: true,
        export: false,
        purpose: PurposeOfUse::Treatment,
        from: None,
        lasts: Duration::from_secs(3600),
        words: WORDS.to_owned(),
    }
}

fn emergency(number: u8) -> NewBreakGlass {
    NewBreakGlass {
        patient: patient(number),
        is_known: true,
        reason: BreakGlassReason::UnconsciousPatient,
        words: "found in the street".to_owned(),
        lasts: Duration::from_secs(3600),
        password: Some(secret(PASSWORD)),
    }
}

/// The last two leaves of broken glass: that it was, and that officers hear of it.
fn told_of_broken_glass() -> [String; 2] {
    let leaf = |reason: &str| format!("administration succeeded {reason}");
    [leaf("break-glass-unconscious"), leaf("monitor-break-glass")]
}

async fn permitted(house: &House, session: &Session, action: Action, study: &Resource) -> bool {
    house.access.decide(session, action, study).await.unwrap().permitted
}

async fn a_grant_opens_one_study_to_its_last_millisecond_and_each_leaf_names_it(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let (study, other) = (house.study(1, Grade::L4), house.study(2, Grade::L4));
    assert!(!permitted(&house, &doctor, Action::View, &study).await);
    let given = house.access.give_grant(&chief, on_study(&house, 1, "wang")).await.unwrap();
    assert_eq!((given.words.as_deref(), given.open), (Some(WORDS), true));
    assert!(!given.grant.words.windows(WORDS.len()).any(|bytes| bytes == WORDS.as_bytes()), "sealed");
    assert_eq!(house.last_leaf(), "administration succeeded give-grant");

    let permit = house.access.authorise(&doctor, Action::View, study.clone()).await.unwrap();
    assert_eq!(permit.grant(), Some(given.grant.number));
    let leaf = house.leaves().pop().unwrap();
    assert_eq!(leaf.reason.as_str(), "timed-grant");
    assert_eq!(leaf.counts.get("grant"), Some(given.grant.number));
    assert!(!permitted(&house, &doctor, Action::View, &other).await, "one study");
    assert!(!permitted(&house, &doctor, Action::Export, &study).await, "nobody said so");
    assert!(!permitted(&house, &doctor, Action::Store, &study).await);
    let research = doctor.for_purpose(PurposeOfUse::HealthcareOperations);
    assert!(!permitted(&house, &research, Action::View, &study).await, "for another purpose");

    house.clock.advance(Duration::from_secs(3600) - Duration::from_millis(1));
    assert!(permitted(&house, &doctor, Action::View, &study).await);
    let last = house.access.authorise(&doctor, Action::View, study.clone()).await.unwrap();
    assert!(last.holds_at(house.now()));
    assert_eq!(last.valid_until(), given.grant.valid_until, "no permit outlives its grant");
    house.clock.advance(Duration::from_millis(1));
    assert!(!last.holds_at(house.now()));
    assert!(house.access.still_valid(&doctor, &last).await.is_err());
    assert!(!permitted(&house, &doctor, Action::View, &study).await);
    assert_eq!(house.access.end_grants().await.unwrap(), 1);
    assert_eq!(house.last_leaf(), "administration succeeded grant-ended");
    assert_eq!(house.access.end_grants().await.unwrap(), 0);
}

async fn a_grant_of_a_patient_lists_what_it_opens_and_no_special_care(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let mut new = on_study(&house, 1, "wang");
    new.on = GrantedStudies::Patient(patient(7));
    new.export = true;
    house.access.give_grant(&chief, new).await.unwrap();
    let granted = house.access.visibility(&doctor).await.unwrap();
    let Visibility::Granted { beside, patients, studies } = granted else { panic!("{granted:?}") };
    assert!(matches!(*beside, Visibility::CareRelation { .. }));
    assert_eq!((patients, studies), (vec![patient(7)], vec![]));
    for grade in Grade::ALL {
        let study = house.study(7, *grade);
        for action in [Action::List, Action::View, Action::Export] {
            let opens = permitted(&house, &doctor, action, &study).await;
            assert_eq!(opens, *grade != Grade::L5, "{action} {grade}");
        }
    }
    house.access.set_person_disabled(&house.system_officer, &actor("wang"), true).await.ok();
    assert!(!permitted(&house, &doctor, Action::View, &house.study(7, Grade::L4)).await, "disabled");
}

async fn who_gives_must_hold_the_right_and_be_another_person(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let reader = house.signed_in("li", Role::Radiologist).await.session;
    house.person("zhao", Role::Clinician).await;
    let give = async |who: &Session, new: NewGrant| house.access.give_grant(who, new).await;

    assert!(matches!(give(&chief, on_study(&house, 1, "chen")).await, Err(GrantError::Oneself)));
    assert!(matches!(give(&chief, on_study(&house, 1, "nobody")).await, Err(GrantError::NotFound)));
    assert!(matches!(give(&doctor, on_study(&house, 1, "zhao")).await, Err(GrantError::NotFound)));
    let refused = give(&reader, on_study(&house, 1, "zhao")).await;
    assert!(matches!(refused, Err(GrantError::Admin(AdminError::Refused(_)))), "{refused:?}");
    for grade in [Grade::L4, Grade::L5] {
        // A study of special care and one that is not there are the same to who may see neither.
        let Resource::Study(facts) = house.study(9, grade) else { unreachable!() };
        let on = GrantedStudies::Study(facts);
        let hidden = NewGrant { on, is_known: grade == Grade::L5, ..on_study(&house, 9, "zhao") };
        assert!(matches!(give(&reader, hidden).await, Err(GrantError::NotFound)), "{grade}");
    }
    let refused = give(&house.security_officer, on_study(&house, 1, "zhao")).await;
    assert!(matches!(refused, Err(GrantError::Admin(AdminError::Refused(_)))), "{refused:?}");
    let special = NewGrant {
        on: match house.study(1, Grade::L5) {
            Resource::Study(facts) => GrantedStudies::Study(facts),
            _ => unreachable!(),
        },
        ..on_study(&house, 1, "zhao")
    };
    assert!(matches!(give(&chief, special).await, Err(GrantError::NotFound)));
    for change in [
        |new: &mut NewGrant| new.lasts = Duration::from_secs(24 * 3600 + 1),
        |new: &mut NewGrant| new.lasts = Duration::from_secs(59),
        |new: &mut NewGrant| new.from = Some(Timestamp::from_ms(0)),
        |new: &mut NewGrant| new.words = "  ".to_owned(),
        |new: &mut NewGrant| new.purpose = PurposeOfUse::BreakTheGlass,
        |new: &mut NewGrant| new.purpose = PurposeOfUse::EmergencyTreatment,
        |new: &mut NewGrant| new.purpose = PurposeOfUse::HealthcareOperations,
    ] {
        let mut new = on_study(&house, 1, "zhao");
        change(&mut new);
        assert!(give(&chief, new).await.is_err());
    }

    // A clinician gives what is in care, and not what was granted, and no export.
    give(&chief, on_study(&house, 2, "wang")).await.unwrap();
    assert!(give(&doctor, on_study(&house, 2, "zhao")).await.is_err(), "what was granted is not passed on");
    house.treats("wang", 1, Duration::from_secs(600)).await;
    let export = NewGrant { export: true, ..on_study(&house, 1, "zhao") };
    assert!(give(&doctor, export).await.is_err());
    let given = give(&doctor, on_study(&house, 1, "zhao")).await.unwrap();
    assert_eq!(given.grant.given_by, actor("wang"));
    assert_eq!(given.grant.valid_until, house.now().after(Duration::from_secs(600)), "it ends with the care");
    let behind = house.now().after(Duration::from_secs(600));
    let later = NewGrant { from: Some(behind), ..on_study(&house, 1, "zhao") };
    assert!(matches!(give(&doctor, later).await, Err(GrantError::Time)), "and begins within it");
    let later = NewGrant { from: Some(behind), ..on_study(&house, 1, "zhao") };
    let lasting = give(&chief, later).await.unwrap().grant;
    assert_eq!(lasting.valid_until, behind.after(Duration::from_secs(3600)), "a chief's right has no end");

    // Who gave it, who has it and the officers see it; the others do not.
    assert!(house.access.grant(&house.audit_officer, given.grant.number).await.is_ok());
    assert!(house.access.grant(&doctor, given.grant.number).await.is_ok());
    assert!(matches!(house.access.grant(&reader, given.grant.number).await, Err(GrantError::NotFound)));
    let foreign = house.access.revoke_grant(&reader, GrantKind::Given, given.grant.number).await;
    assert!(matches!(foreign, Err(GrantError::NotFound)));
    let office = house.access.revoke_grant(&house.audit_officer, GrantKind::Given, given.grant.number).await;
    assert!(matches!(office, Err(GrantError::Admin(_))), "who reads the audit revokes nothing");
}

async fn a_revoked_grant_ends_an_open_permit_within_a_second(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let given = house.access.give_grant(&chief, on_study(&house, 1, "wang")).await.unwrap();
    let permit = house.access.authorise(&doctor, Action::View, house.study(1, Grade::L4)).await.unwrap();
    let number = given.grant.number;
    let ended = house.access.revoke_grant(&house.security_officer, GrantKind::Given, number).await.unwrap();
    assert!(!ended.open);
    assert_eq!(house.last_leaf(), "administration succeeded revoke-grant");
    let again = house.access.revoke_grant(&chief, GrantKind::Given, number).await;
    assert!(matches!(again, Err(GrantError::State)));
    house.clock.advance(GRANT_DECISION_LIFETIME);
    let refused = house.access.still_valid(&doctor, &permit).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::NoRulePermits));
}

async fn a_clock_that_is_set_back_does_not_lengthen_a_grant(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let doctor = house.signed_in("wang", Role::Clinician).await.session;
    let (start, study) = (house.now(), house.study(1, Grade::L4));
    house.access.give_grant(&chief, on_study(&house, 1, "wang")).await.unwrap();
    for _ in 0..6 {
        assert!(permitted(&house, &doctor, Action::View, &study).await);
        house.clock.advance(Duration::from_secs(600));
        house.clock.set(start);
    }
    assert!(!permitted(&house, &doctor, Action::View, &study).await, "an hour has passed");
    assert!(matches!(house.access.visibility(&doctor).await.unwrap(), Visibility::CareRelation { .. }));
    assert_eq!(house.access.end_grants().await.unwrap(), 1);
    assert!(!permitted(&house, &doctor, Action::View, &study).await, "and it stays over");
}

async fn broken_glass_opens_one_patient_of_any_grade_after_the_password_and_is_reviewed_by_another(
    house: House,
) {
    house.person_with_password("wang", Role::Clinician).await;
    let doctor = house.login("wang", PASSWORD, None).await.unwrap().session;
    let technician = house.signed_in("sun", Role::Technician).await.session;
    let refused = house.access.break_glass(&technician, emergency(1)).await;
    assert!(matches!(refused, Err(GrantError::Admin(_))), "{refused:?}");
    house.clock.advance(Duration::from_secs(300));
    let refused = house.access.break_glass(&doctor, NewBreakGlass { password: None, ..emergency(1) }).await;
    assert!(matches!(refused, Err(GrantError::StepUp)), "the sign-in is five minutes old: {refused:?}");
    let wrong = NewBreakGlass { password: Some(secret("wrong password")), ..emergency(1) };
    assert!(matches!(house.access.break_glass(&doctor, wrong).await, Err(GrantError::StepUp)));
    let unknown = NewBreakGlass { is_known: false, ..emergency(9) };
    assert!(matches!(house.access.break_glass(&doctor, unknown).await, Err(GrantError::NotFound)));

    let case = house.access.break_glass(&doctor, emergency(1)).await.unwrap().record;
    assert_eq!(house.last_leaves(), told_of_broken_glass());
    for grade in Grade::ALL {
        let study = house.study(1, *grade);
        assert!(permitted(&house, &doctor, Action::View, &study).await, "{grade}");
        assert!(permitted(&house, &doctor, Action::List, &study).await, "{grade}");
        assert!(!permitted(&house, &doctor, Action::Export, &study).await, "{grade}");
        assert!(!permitted(&house, &doctor, Action::View, &house.study(2, *grade)).await, "one patient");
    }
    let permit = house.access.authorise(&doctor, Action::View, house.study(1, Grade::L5)).await.unwrap();
    assert_eq!(permit.grant(), Some(case.grant.number));
    assert_eq!(house.leaves().pop().unwrap().reason.as_str(), "break-glass");
    let stated = doctor.for_purpose(PurposeOfUse::BreakTheGlass);
    assert!(permitted(&house, &stated, Action::View, &house.study(1, Grade::L4)).await);
    assert!(!permitted(&house, &stated, Action::View, &house.study(2, Grade::L4)).await);

    let review = async |who: &Session| {
        let verdict = ReviewVerdict::Justified;
        house.access.review_break_glass(who, case.grant.number, verdict, "brought in by ambulance").await
    };
    for who in [&doctor, &house.security_officer, &house.system_officer] {
        assert!(matches!(review(who).await, Err(GrantError::Admin(_))), "{who:?}");
    }
    assert_eq!(house.access.reviews_due().await.unwrap(), ReviewsDue { waiting: 1, overdue: 0 });
    let listed = house.access.broken_glass(&house.audit_officer).await.unwrap();
    assert_eq!(
        listed.iter().map(|case| case.words.as_deref()).collect::<Vec<_>>(),
        [Some("found in the street")]
    );
    let reviewed: GrantRecord = review(&house.audit_officer).await.unwrap();
    assert_eq!(reviewed.review_words.as_deref(), Some("brought in by ambulance"));
    assert_eq!(house.last_leaf(), "administration succeeded review-justified");
    assert!(matches!(review(&house.audit_officer).await, Err(GrantError::State)));
    assert_eq!(house.access.reviews_due().await.unwrap(), ReviewsDue::default());
    assert_eq!(case.grant.valid_until, case.grant.given.after(Duration::from_secs(3600)));
    house.clock.advance(Duration::from_secs(3600));
    assert!(!permitted(&house, &doctor, Action::View, &house.study(1, Grade::L4)).await, "an hour is over");
}

async fn who_was_not_justified_has_less_and_one_patient_at_a_time_still_opens(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let doctor = house.login("wang", PASSWORD, None).await.unwrap().session;
    let long = |number| NewBreakGlass { lasts: Duration::from_secs(4 * 3600), ..emergency(number) };
    let first = house.access.break_glass(&doctor, long(1)).await.unwrap();
    assert_eq!((first.quota.marks, first.quota.time_max), (0, Duration::from_secs(4 * 3600)));
    let number = first.record.grant.number;
    let verdict = ReviewVerdict::NotJustified;
    house.access.review_break_glass(&house.audit_officer, number, verdict, "a neighbour").await.unwrap();
    for number in 2..4 {
        let next = house.access.break_glass(&doctor, long(number)).await.unwrap();
        assert_eq!((next.quota.marks, next.quota.per_day, next.quota.ends_others), (1, 3, false));
        assert_eq!(next.record.grant.valid_until, house.now().after(Duration::from_secs(3600)));
    }
    let above = house.access.break_glass(&doctor, long(4)).await.unwrap();
    assert!(above.quota.ends_others);
    let leaves = house.leaves();
    for listed in house.access.broken_glass(&doctor).await.unwrap() {
        let number = listed.grant.number;
        let told: Vec<String> = leaves
            .iter()
            .filter(|leaf| {
                leaf.reason.as_str() == "end-break-glass" && leaf.counts.get("grant") == Some(number)
            })
            .map(|leaf| leaf.outcome.to_string())
            .collect();
        let ended = listed.grant.ended.is_some();
        assert_eq!(told, if ended { vec!["permitted", "succeeded"] } else { vec![] }, "{number}");
    }
    assert_eq!(house.last_leaves(), told_of_broken_glass());
    assert_eq!(above.record.grant.valid_until, house.now().after(Duration::from_secs(900)));
    assert!(permitted(&house, &doctor, Action::View, &house.study(4, Grade::L4)).await);
    for number in 1..4 {
        assert!(!permitted(&house, &doctor, Action::View, &house.study(number, Grade::L4)).await, "{number}");
    }
    house.clock.advance(Duration::from_secs(72 * 3600));
    assert_eq!(house.access.reviews_due().await.unwrap(), ReviewsDue { waiting: 3, overdue: 3 });
}

async fn sealed_words_open_in_their_own_place_only(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let doctor = house.login("wang", PASSWORD, None).await.unwrap().session;
    let case = house.access.break_glass(&doctor, emergency(1)).await.unwrap().record;
    let number = case.grant.number;
    // Who writes in the database puts the words of the doctor into the mouth of the reviewer.
    let verdict = ReviewVerdict::Justified;
    let review = Review { by: actor("aud"), at: house.now(), verdict, words: case.grant.words.clone() };
    house.identity.execute(vec![grants::review(&home(), number, &review)]).await.unwrap();
    let case = house.access.break_glass_case(&doctor, number).await.unwrap();
    assert_eq!((case.words.as_deref(), case.review_words), (Some("found in the street"), None));
    let open = grants::open_of(&home(), &actor("wang"), house.now()).alone(&house.identity).await.unwrap();
    assert_eq!(open.iter().map(|grant| grant.number).collect::<Vec<_>>(), [number]);
}

async fn cases_opened_at_the_same_time_share_no_quota(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let doctor = house.login("wang", PASSWORD, None).await.unwrap().session;
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (access, doctor) = (house.access.clone(), doctor.clone());
        let case = NewBreakGlass { password: None, ..emergency(number) };
        tries.spawn(async move { access.break_glass(&doctor, case).await });
    }
    let outcomes = tries.join_all().await;
    let mut used: Vec<u32> = outcomes.iter().flatten().map(|broken| broken.quota.used).collect();
    used.sort_unstable();
    assert_eq!(used, (0..50).collect::<Vec<u32>>(), "each saw those before it");
    let over = outcomes.iter().filter(|outcome| matches!(outcome, Err(GrantError::Quota))).count();
    assert_eq!(over, 14);
    let unknown = NewBreakGlass { is_known: false, password: None, ..emergency(99) };
    let refused = house.access.break_glass(&doctor, unknown).await;
    assert!(matches!(refused, Err(GrantError::Quota)), "nor is there a word of whom the archive knows");
}

async fn grants_given_at_the_same_time_share_no_limit(house: House) {
    let chief = house.signed_in("chen", Role::Chief).await.session;
    house.person("wang", Role::Clinician).await;
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..110 {
        let (access, chief, new) = (house.access.clone(), chief.clone(), on_study(&house, number, "wang"));
        tries.spawn(async move { access.give_grant(&chief, new).await });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 100);
    let over = outcomes.iter().filter(|outcome| matches!(outcome, Err(GrantError::TooMany))).count();
    assert_eq!(over, 10);
}

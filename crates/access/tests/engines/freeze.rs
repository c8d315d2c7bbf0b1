//! An account is frozen by who looks at its alert: nothing goes on, nothing begins, an emergency neither, and another office lifts it.

use crate::house::{House, PASSWORD, REMOTE, actor, patient, secret};
use std::time::Duration;
use yingdun_access::{AdminError, AlertError, NewBreakGlass, NoWatch, Reason, Refusal, SignInError};
use yingdun_model::{Action, BreakGlassReason, Grade, Role, Stop};

crate::on_both_engines!(
    everything_of_a_frozen_account_ends_and_nothing_begins_until_another_office_lifts_it,
    nobody_freezes_the_own_account_nor_the_last_who_can_lift_it_nor_without_saying_why,
);

async fn everything_of_a_frozen_account_ends_and_nothing_begins_until_another_office_lifts_it(house: House) {
    house.person_with_password("wang", Role::Chief).await;
    let there = house.watched(std::sync::Arc::new(NoWatch));
    let session = house.login("wang", PASSWORD, None).await.unwrap();
    let (token, chief) = (session.token, session.session);
    let other = house.signed_in("zhou", Role::Chief).await.session;
    there.follow_stops().await.unwrap();
    let study = house.study(1, Grade::L4);
    let here = house.access.authorise(&chief, Action::View, study.clone()).await.unwrap();
    let elsewhere = there.authorise(&chief, Action::View, study.clone()).await.unwrap();
    let of_other = house.access.authorise(&other, Action::View, study.clone()).await.unwrap();
    house.own_alert("wang", Role::Chief, 41).await;

    let frozen = house.access.freeze(&house.audit_officer, 41, "reads from two countries").await.unwrap();
    assert_eq!((frozen.kind.as_str(), frozen.stops), ("account-frozen", Some(Stop::Account)));
    assert_eq!(frozen.acknowledged.map(|(_, by)| by), Some(actor("aud")));
    let alert = house.access.alert(&house.audit_officer, 41).await.unwrap();
    assert_eq!(alert.acknowledged.map(|(_, by)| by), Some(actor("aud")), "who freezes has looked");
    assert_eq!(house.last_leaf(), "administration succeeded freeze-account");

    let refused = house.access.still_valid(&chief, &here).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::SessionEnded), "an open stream ends with its next piece");
    there.follow_stops().await.unwrap();
    assert!(there.still_valid(&chief, &elsewhere).await.is_err(), "and on another node");
    assert!(house.access.still_valid(&other, &of_other).await.is_ok(), "somebody else goes on");
    assert!(matches!(there.bearer(token.expose(), REMOTE).await, Err(SignInError::Refused)));
    for action in [Action::Search, Action::View, Action::BreakGlass] {
        let decision = there.decide(&chief, action, &study).await.unwrap();
        assert_eq!(decision.reason, Reason::SessionEnded, "{action}");
    }
    let emergency = NewBreakGlass {
        patient: patient(7),
        is_known: true,
        reason: BreakGlassReason::UnconsciousPatient,
        words: "found in the street".to_owned(),
        lasts: Duration::from_secs(600),
        password: Some(secret(PASSWORD)),
    };
    assert!(house.access.break_glass(&chief, emergency).await.is_err(), "frozen means frozen");

    assert!(matches!(house.login("wang", PASSWORD, None).await, Err(SignInError::Frozen)));
    assert_eq!(house.last_leaf(), "authentication refused account-frozen");
    let wrong = house.login("wang", "another password 1", None).await;
    assert!(matches!(wrong, Err(SignInError::Refused)), "a stranger is told nothing");
    let link =
        house.access.create_login_link(&house.access.system_session(), &actor("wang"), Role::Chief).await;
    let link = link.unwrap();
    let by_link = house.access.redeem_login_link(link.token.expose(), REMOTE).await;
    assert!(matches!(by_link, Err(SignInError::Frozen)), "{by_link:?}");
    let again = house.access.freeze(&house.audit_officer, 41, "again").await;
    assert!(matches!(again, Err(AlertError::Frozen)), "{again:?}");
    house.clock.advance(Duration::from_secs(31 * 60));
    assert!(
        matches!(house.login("wang", PASSWORD, None).await, Err(SignInError::Frozen)),
        "no end by itself"
    );
    let lifted = house.access.lift_stop(&house.security_officer, frozen.number).await.unwrap();
    assert_eq!(lifted.lifted.map(|(_, by)| by), Some(actor("sec")));
    let back = house.login("wang", PASSWORD, None).await.unwrap().session;
    house.access.authorise(&back, Action::View, study).await.unwrap();
    assert!(house.access.still_valid(&chief, &here).await.is_err(), "what was ended stays ended");
}

async fn nobody_freezes_the_own_account_nor_the_last_who_can_lift_it_nor_without_saying_why(house: House) {
    let access = &house.access;
    house.signed_in("chen", Role::Chief).await;
    house.own_alert("chen", Role::Chief, 51).await;
    house.own_alert("aud", Role::AuditAdministrator, 52).await;
    house.own_alert("sec", Role::SecurityAdministrator, 53).await;
    let freeze = async |number, words: &str| access.freeze(&house.audit_officer, number, words).await;
    for words in ["", "  ", &"x".repeat(501)] {
        assert!(matches!(freeze(51, words).await, Err(AlertError::Words)));
    }
    assert!(matches!(freeze(52, "own").await, Err(AlertError::SamePerson)));
    assert_eq!(house.last_leaf(), "administration failed freeze-account");
    assert!(matches!(freeze(53, "alone").await, Err(AlertError::LastLifter)));
    assert_eq!(house.last_leaf(), "administration failed freeze-account");
    assert!(matches!(freeze(54, "nobody").await, Err(AlertError::NotFound)));
    for officer in [&house.security_officer, &house.system_officer] {
        let denied = access.freeze(officer, 51, "not the office").await;
        let Err(AlertError::Admin(AdminError::Refused(Refusal::Denied { reason, .. }))) = denied else {
            panic!("{denied:?}")
        };
        assert_eq!(reason, Reason::NoRulePermits);
    }
    house.person("second", Role::SecurityAdministrator).await;
    let frozen = freeze(53, "with another beside").await.unwrap();
    assert_eq!(frozen.actor, actor("sec"));
    house.own_alert("second", Role::SecurityAdministrator, 55).await;
    assert!(
        matches!(freeze(55, "the last").await, Err(AlertError::LastLifter)),
        "a frozen one lifts nothing"
    );
}

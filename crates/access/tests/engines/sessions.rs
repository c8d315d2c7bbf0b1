//! Sessions as their owners and officers see them, and how long they may rest.

use crate::house::{House, PASSWORD, REMOTE, actor, login_of, unhurried};
use std::collections::BTreeMap;
use std::time::Duration;
use yingdun_access::{AdminError, IdleRules, IdleZone, Peer, Reason, SessionEnd, SignInError, SignInRules};
use yingdun_model::{Action, Grade, Role};

crate::on_both_engines!(
    one_sees_the_own_sessions_and_ends_them,
    the_officer_in_charge_sees_and_ends_the_sessions_of_others_and_that_is_on_the_ledger,
    a_session_that_rests_too_long_ends,
    a_zone_and_a_role_may_rest_longer,
    an_answer_that_is_read_is_no_rest,
);

const MINUTE: Duration = Duration::from_secs(60);

async fn one_sees_the_own_sessions_and_ends_them(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    house.person_with_password("li", Role::Clinician).await;
    let ward = Peer { address: [198, 51, 100, 7].into(), ..REMOTE };
    let desk = house.login("wang", PASSWORD, None).await.unwrap();
    house.clock.advance(MINUTE);
    let away = house.login_from(ward, "wang", PASSWORD, None).await.unwrap();
    let other = house.login("li", PASSWORD, None).await.unwrap();
    house.clock.advance(MINUTE);
    let session = house.access.bearer(desk.token.expose(), REMOTE).await.unwrap();

    let seen = house.access.own_sessions(&session).await.unwrap();
    let [newest, oldest] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((&newest.reference, &oldest.reference), (&away.session.reference(), &session.reference()));
    let origin = newest.origin.as_ref().unwrap();
    assert_eq!((origin.address, origin.program.as_deref()), (ward.address, Some("a browser")));
    assert_eq!((oldest.last_used, newest.last_used), (house.now(), newest.issued));

    assert!(
        !house.access.end_own_session(&session, &other.session.reference()).await.unwrap(),
        "not one's own"
    );
    assert!(house.access.end_own_session(&session, &newest.reference).await.unwrap());
    assert_eq!(house.last_leaf(), "authentication permitted own-session-ended");
    assert!(house.access.bearer(away.token.expose(), ward).await.is_err());
    assert!(house.access.bearer(other.token.expose(), REMOTE).await.is_ok());
    assert_eq!(house.access.own_sessions(&session).await.unwrap().len(), 1);
}

async fn the_officer_in_charge_sees_and_ends_the_sessions_of_others_and_that_is_on_the_ledger(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let one = house.login("wang", PASSWORD, None).await.unwrap();
    let two = house.login("wang", PASSWORD, None).await.unwrap();
    let study = house.study(1, Grade::L4);
    let permit = house.access.authorise(&one.session, Action::View, study).await.unwrap();
    for stranger in [&house.security_officer, &house.audit_officer, &two.session] {
        let refused = house.access.sessions_of(stranger, &actor("wang")).await;
        assert!(matches!(refused, Err(AdminError::Refused(_))));
    }
    let seen = house.access.sessions_of(&house.system_officer, &actor("wang")).await.unwrap();
    assert_eq!(house.last_leaf(), "administration permitted list-sessions");
    assert_eq!(seen.len(), 2);
    house.access.end_session(&house.system_officer, &actor("wang"), &one.session.reference()).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded end-session");
    house.clock.advance(Duration::from_secs(5));
    let ended = house.access.still_valid(&one.session, &permit).await.unwrap_err();
    assert_eq!(ended.reason(), Some(Reason::SessionEnded), "an open stream ends with it");
    assert!(house.access.bearer(two.token.expose(), REMOTE).await.is_ok());
    let gone =
        house.access.end_session(&house.system_officer, &actor("wang"), &one.session.reference()).await;
    assert!(matches!(gone, Err(AdminError::NotFound)));
    assert_eq!(house.last_leaf(), "administration failed end-session");
}

async fn a_session_that_rests_too_long_ends(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let node = house.node(SignInRules::default());
    let signed_in = node.login(login_of("wang", PASSWORD, None, REMOTE)).await.unwrap();
    for _ in 0..4 {
        house.clock.advance(MINUTE * 14);
        assert!(node.bearer(signed_in.token.expose(), REMOTE).await.is_ok());
    }
    house.clock.advance(MINUTE * 15 - Duration::from_millis(1));
    assert!(
        node.decide(&signed_in.session, Action::View, &house.study(1, Grade::L4)).await.unwrap().permitted
    );
    house.clock.advance(Duration::from_millis(1));
    let view = node.decide(&signed_in.session, Action::View, &house.study(1, Grade::L4)).await.unwrap();
    assert_eq!(view.reason, Reason::SessionEnded);
    let late = node.bearer(signed_in.token.expose(), REMOTE).await;
    assert!(matches!(late, Err(SignInError::Refused)));
    assert_eq!(house.last_leaf(), "authentication refused idle-token");
    let why = node.session_end(signed_in.token.expose(), REMOTE).await.unwrap();
    assert_eq!(why, Some(SessionEnd::Rested { minutes: 15 }));
    let fresh = node.login(login_of("wang", PASSWORD, None, REMOTE)).await.unwrap();
    assert_eq!(node.own_sessions(&fresh.session).await.unwrap().len(), 1, "one that rested is not shown");
}

async fn a_zone_and_a_role_may_rest_longer(house: House) {
    let rules = IdleRules {
        usual: MINUTE * 5,
        roles: BTreeMap::from([(Role::Radiologist, MINUTE * 10)]),
        zones: vec![IdleZone { networks: "198.51.100.0/24".parse().unwrap(), idle: MINUTE * 30 }],
    };
    let node = house.node(SignInRules { idle: rules, ..unhurried() });
    let reading_room = Peer { address: [198, 51, 100, 7].into(), ..REMOTE };
    for (name, role, peer, minutes) in [
        ("wang", Role::Clinician, REMOTE, 5),
        ("li", Role::Radiologist, REMOTE, 10),
        ("zhao", Role::Radiologist, reading_room, 30),
    ] {
        house.person_with_password(name, role).await;
        let signed_in = node.login(login_of(name, PASSWORD, None, peer)).await.unwrap();
        house.clock.advance(MINUTE * minutes - Duration::from_millis(1));
        assert!(node.bearer(signed_in.token.expose(), peer).await.is_ok(), "{name}");
        house.clock.advance(MINUTE * minutes);
        assert!(node.bearer(signed_in.token.expose(), peer).await.is_err(), "{name}");
    }
}

async fn an_answer_that_is_read_is_no_rest(house: House) {
    house.person_with_password("wang", Role::Radiologist).await;
    let node = house.node(SignInRules::default());
    let signed_in = node.login(login_of("wang", PASSWORD, None, REMOTE)).await.unwrap();
    for _ in 0..40 {
        let study = house.study(1, Grade::L4);
        let permit = node.authorise(&signed_in.session, Action::View, study).await.unwrap();
        for _ in 0..11 {
            house.clock.advance(Duration::from_secs(5));
            node.still_valid(&signed_in.session, &permit).await.unwrap();
        }
    }
    assert!(node.bearer(signed_in.token.expose(), REMOTE).await.is_ok());
}

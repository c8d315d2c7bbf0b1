//! Passwords, one-time links and bearer tokens.

use crate::house::{House, PASSWORD, REMOTE, START, actor, home, secret};
use std::time::Duration;
use yingdun_access::{SignIn, SignInError};
use yingdun_audit::EventKind;
use yingdun_model::{Clock, Role};

crate::on_both_engines!(
    a_person_signs_in_with_a_password_and_acts_in_one_role,
    five_failures_lock_an_account_for_fifteen_minutes,
    many_attempts_at_once_are_counted_like_attempts_in_a_row,
    who_holds_several_roles_must_name_one,
    an_invitation_sets_a_password_once,
    a_login_link_signs_in_once_and_expires,
    a_link_is_spent_by_exactly_one_of_many_at_once,
    a_bearer_token_dies_with_time_revocation_account_and_role,
    strangers_cannot_fill_the_log,
    what_expired_a_week_ago_is_forgotten,
);

fn refused<T: std::fmt::Debug>(outcome: Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

async fn a_person_signs_in_with_a_password_and_acts_in_one_role(house: House) {
    house.person_with_password("王医生", Role::Clinician).await;
    let signed_in = house.login("王医生", PASSWORD, None).await.unwrap();
    assert_eq!((signed_in.session.role(), signed_in.session.sign_in()), (Role::Clinician, SignIn::Password));
    assert_eq!(house.last_leaf(), "authentication permitted password");
    let same = house.access.bearer(signed_in.token.expose(), REMOTE).await.unwrap();
    assert_eq!(same.id(), signed_in.session.id());
    assert_eq!((same.actor(), same.institution()), (&actor("王医生"), &home()));

    assert!(refused(house.login("王医生", "wrong password", None).await));
    assert_eq!(house.last_leaf(), "authentication refused wrong-password");
    assert!(refused(house.login("nobody", PASSWORD, None).await));
    assert_eq!(house.last_leaf(), "authentication refused unknown-account");
    assert!(refused(house.login("sys", PASSWORD, None).await), "who has set no password has none");
}

async fn five_failures_lock_an_account_for_fifteen_minutes(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    for _ in 0..4 {
        assert!(refused(house.login("wang", "wrong password", None).await));
    }
    assert!(house.login("wang", PASSWORD, None).await.is_ok(), "four failures lock nothing");
    for _ in 0..5 {
        assert!(refused(house.login("wang", "wrong password", None).await));
    }
    assert!(refused(house.login("wang", PASSWORD, None).await), "now the right password does not help");
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    house.clock.advance(Duration::from_millis(15 * 60 * 1000 - 1));
    assert!(refused(house.login("wang", PASSWORD, None).await));
    house.clock.advance(Duration::from_millis(1));
    assert!(refused(house.login("wang", "wrong password", None).await), "one failure after the lock");
    assert!(house.login("wang", PASSWORD, None).await.is_ok(), "is one failure and not six");
}

async fn many_attempts_at_once_are_counted_like_attempts_in_a_row(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let house = std::sync::Arc::new(house);
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move { refused(house.login("wang", "wrong password", None).await) })
        })
        .collect();
    for attempt in attempts {
        assert!(attempt.await.unwrap());
    }
    let tried = house.leaves().iter().filter(|leaf| leaf.reason.as_str() == "wrong-password").count();
    assert_eq!(tried, 5, "the sixth and later ones found the account locked");
}

async fn who_holds_several_roles_must_name_one(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    house.access.give_role(&house.security_officer, &actor("wang"), Role::Researcher).await.unwrap();
    let Err(SignInError::ChooseRole { held }) = house.login("wang", PASSWORD, None).await else {
        panic!("a role has to be named")
    };
    assert_eq!(held, [Role::Clinician, Role::Researcher]);
    let session = house.login("wang", PASSWORD, Some(Role::Researcher)).await.unwrap().session;
    assert_eq!(session.role(), Role::Researcher);
    assert!(matches!(
        house.login("wang", PASSWORD, Some(Role::Chief)).await,
        Err(SignInError::ChooseRole { .. })
    ));
    assert!(
        refused(house.login("wang", "wrong password", Some(Role::Chief)).await),
        "strangers learn no roles"
    );
    house.access.create_person(&house.system_officer, &actor("roleless")).await.unwrap();
}

async fn an_invitation_sets_a_password_once(house: House) {
    let invitation = house.access.create_person(&house.system_officer, &actor("wang")).await.unwrap();
    let token = invitation.token.expose();
    let accept = async |token: &str, password: &str| {
        house.access.accept_invitation(token, secret(password), REMOTE).await
    };
    assert!(matches!(accept(token, "too short").await, Err(SignInError::PasswordLength)));
    assert_eq!(accept(token, PASSWORD).await.unwrap(), actor("wang"));
    assert!(refused(accept(token, "another password").await));
    assert_eq!(house.last_leaf(), "authentication refused used-link");
    assert!(refused(house.login("wang", PASSWORD, None).await), "an account without a role signs in nowhere");
    assert_eq!(house.last_leaf(), "authentication refused no-role-given");
    assert!(refused(accept("not a token", PASSWORD).await));

    let old = house.access.invite_again(&house.system_officer, &actor("wang")).await.unwrap();
    let new = house.access.invite_again(&house.system_officer, &actor("wang")).await.unwrap();
    assert!(
        refused(accept(old.token.expose(), PASSWORD).await),
        "a newer invitation withdraws the older one"
    );
    assert!(
        refused(house.access.redeem_login_link(new.token.expose(), REMOTE).await),
        "and is no login link"
    );
    house.clock.advance(Duration::from_secs(72 * 3600));
    assert!(refused(accept(new.token.expose(), PASSWORD).await));
    assert_eq!(house.last_leaf(), "authentication refused expired-link");
}

async fn a_login_link_signs_in_once_and_expires(house: House) {
    house.person("wang", Role::Clinician).await;
    let system = house.access.system_session();
    let link = house.access.create_login_link(&system, &actor("wang"), Role::Clinician).await.unwrap();
    let session = house.access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap().session;
    assert_eq!((session.role(), session.sign_in()), (Role::Clinician, SignIn::LoginLink));
    assert!(refused(house.access.redeem_login_link(link.token.expose(), REMOTE).await));

    let link = house.access.create_login_link(&system, &actor("wang"), Role::Clinician).await.unwrap();
    house.clock.advance(Duration::from_secs(600));
    assert!(refused(house.access.redeem_login_link(link.token.expose(), REMOTE).await));

    let link = house.access.create_login_link(&system, &actor("wang"), Role::Clinician).await.unwrap();
    house.access.take_role(&house.security_officer, &actor("wang"), Role::Clinician).await.unwrap();
    assert!(refused(house.access.redeem_login_link(link.token.expose(), REMOTE).await), "the role is gone");
}

async fn a_link_is_spent_by_exactly_one_of_many_at_once(house: House) {
    house.person("wang", Role::Clinician).await;
    let system = house.access.system_session();
    let link = house.access.create_login_link(&system, &actor("wang"), Role::Clinician).await.unwrap();
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let (access, token) = (house.access.clone(), link.token.expose().clone());
            tokio::spawn(async move { access.redeem_login_link(&token, REMOTE).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for attempt in attempts {
        won += u32::from(attempt.await.unwrap());
    }
    assert_eq!(won, 1);
}

async fn a_bearer_token_dies_with_time_revocation_account_and_role(house: House) {
    let bearer = async |token: &str| house.access.bearer(token, REMOTE).await;
    let first = house.signed_in("wang", Role::Clinician).await;
    assert!(bearer(first.token.expose()).await.is_ok());
    house.access.revoke(&first.session).await.unwrap();
    assert!(refused(bearer(first.token.expose()).await));
    assert_eq!(house.last_leaf(), "authentication refused revoked-token");

    let second = house.signed_in("li", Role::Radiologist).await;
    house.access.take_role(&house.security_officer, &actor("li"), Role::Radiologist).await.unwrap();
    assert!(refused(bearer(second.token.expose()).await));
    assert_eq!(house.last_leaf(), "authentication refused role-not-held");

    let third = house.signed_in("zhao", Role::Chief).await;
    house.clock.advance(third.expires_in - Duration::from_millis(1));
    assert!(bearer(third.token.expose()).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(refused(bearer(third.token.expose()).await));
    assert_eq!(house.last_leaf(), "authentication refused expired-token");

    for wrong in ["", "x", &"A".repeat(43), &"!".repeat(43), &"A".repeat(1 << 20)] {
        assert!(refused(bearer(wrong).await));
    }
    assert_eq!(house.clock.now(), START.after(third.expires_in));
}

async fn what_expired_a_week_ago_is_forgotten(house: House) {
    let signed_in = house.signed_in("wang", Role::Clinician).await;
    let week = Duration::from_secs(7 * 24 * 3600);
    house.clock.advance(signed_in.expires_in + week);
    assert_eq!(
        house.access.forget_expired().await.unwrap(),
        4,
        "the login links, which lived ten minutes only"
    );
    assert!(refused(house.access.bearer(signed_in.token.expose(), REMOTE).await));
    assert_eq!(house.last_leaf(), "authentication refused expired-token");
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(
        house.access.forget_expired().await.unwrap(),
        4,
        "the sessions of wang and the three officers"
    );
    assert!(refused(house.access.bearer(signed_in.token.expose(), REMOTE).await));
    assert_eq!(house.last_leaf(), "authentication refused unknown-token");
}

async fn strangers_cannot_fill_the_log(house: House) {
    let before = house.leaves().len();
    for _ in 0..200 {
        assert!(refused(house.access.bearer(&"A".repeat(43), REMOTE).await));
    }
    assert_eq!(house.leaves().len() - before, 20, "the first twenty are written down one by one");
    house.clock.advance(Duration::from_secs(10));
    assert!(refused(house.access.bearer(&"A".repeat(43), REMOTE).await));
    let last = house.leaves().pop().unwrap();
    assert_eq!(last.kind, EventKind::Authentication);
    assert_eq!(last.counts.get("suppressed"), Some(180), "and the rest are counted");
}

//! Passwords, one-time links and bearer tokens.

use crate::house::{House, PASSWORD, REMOTE, START, actor, home, secret};
use std::time::Duration;
use yingdun_access::{Peer, SignIn, SignInError};
use yingdun_audit::EventKind;
use yingdun_model::{Clock, Role};

crate::on_both_engines!(
    a_person_signs_in_with_a_password_and_acts_in_one_role,
    five_failures_stop_a_place_for_fifteen_minutes,
    a_stranger_cannot_lock_the_owner_out,
    a_strange_place_is_stopped_for_an_hour_and_many_of_them_wait_together,
    a_new_password_forgets_every_place_but_its_own,
    many_attempts_at_once_are_counted_like_attempts_in_a_row,
    places_of_strangers_are_bounded_and_forgotten,
    who_holds_several_roles_must_name_one,
    an_invitation_sets_a_password_once,
    who_knows_the_password_changes_it_and_ends_every_other_session,
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

async fn five_failures_stop_a_place_for_fifteen_minutes(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    for _ in 0..4 {
        assert!(refused(house.login("wang", "wrong password", None).await));
    }
    assert!(house.login("wang", PASSWORD, None).await.is_ok(), "four failures stop nothing");
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

/// A peer at an address of the documentation networks.
fn at(network: u8, host: u8) -> Peer {
    Peer { address: [198, 51, network, host].into(), ..REMOTE }
}

async fn a_stranger_cannot_lock_the_owner_out(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let open = house.login("wang", PASSWORD, None).await.unwrap();
    for round in 0..40_u8 {
        for host in 0..10 {
            assert!(refused(house.login_from(at(round, host), "wang", "wrong password", None).await));
        }
        house.clock.advance(Duration::from_secs(60));
        assert!(house.access.bearer(open.token.expose(), REMOTE).await.is_ok(), "an open session goes on");
        assert!(house.login("wang", PASSWORD, None).await.is_ok(), "and so does signing in at the own desk");
    }
    assert!(refused(house.login_from(at(100, 1), "wang", PASSWORD, None).await));
    assert_eq!(house.last_leaf(), "authentication refused held-back");
    house.clock.advance(Duration::from_secs(5 * 60));
    assert!(
        house.login_from(at(100, 1), "wang", PASSWORD, None).await.is_ok(),
        "a pause, and a new desk works"
    );
    assert!(refused(house.login_from(at(0, 1), "wang", "wrong password", None).await));
    assert!(
        house.login_from(at(100, 1), "wang", PASSWORD, None).await.is_ok(),
        "from now on it is the own one"
    );
}

async fn a_strange_place_is_stopped_for_an_hour_and_many_of_them_wait_together(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let minute = Duration::from_secs(60);
    for _ in 0..5 {
        assert!(refused(house.login_from(at(0, 1), "wang", "wrong password", None).await));
    }
    house.clock.advance(minute);
    assert!(refused(house.login_from(at(0, 1), "wang", PASSWORD, None).await));
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    assert!(refused(house.login_from(at(0, 2), "wang", "wrong password", None).await));
    assert_eq!(house.last_leaf(), "authentication refused wrong-password");
    assert!(
        refused(house.login_from(at(0, 3), "wang", PASSWORD, None).await),
        "the next one waits two seconds"
    );
    assert_eq!(house.last_leaf(), "authentication refused held-back");
    house.clock.advance(minute * 59);
    assert!(house.login_from(at(0, 1), "wang", PASSWORD, None).await.is_ok());
}

async fn a_new_password_forgets_every_place_but_its_own(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    for _ in 0..5 {
        assert!(refused(house.login("wang", "wrong password", None).await));
    }
    let link = house.access.invite_again(&house.system_officer, &actor("wang")).await.unwrap();
    house.access.accept_invitation(link.token.expose(), secret(PASSWORD), at(7, 7)).await.unwrap();
    for host in 0..10 {
        assert!(refused(house.login_from(at(0, host), "wang", "wrong password", None).await));
    }
    assert!(house.login_from(at(7, 7), "wang", PASSWORD, None).await.is_ok());
    assert!(refused(house.login("wang", PASSWORD, None).await), "the old desk is a strange one now");
    assert_eq!(house.last_leaf(), "authentication refused held-back");
}

async fn places_of_strangers_are_bounded_and_forgotten(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    for place in 0..100_u8 {
        assert!(refused(house.login_from(at(place, 1), "wang", "wrong password", None).await));
        house.clock.advance(Duration::from_secs(5 * 60));
    }
    house.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let forgotten = house.access.forget_expired().await.unwrap();
    let others = 8; // Links and sessions of the officers, the invitation of wang.
    assert!(forgotten <= 32 + others, "{forgotten}");
    assert!(forgotten > 20 + others, "{forgotten}");
    assert!(house.login("wang", PASSWORD, None).await.is_ok());
    assert_eq!(house.access.forget_expired().await.unwrap(), 0, "the own desk stays");
}

async fn many_attempts_at_once_are_counted_like_attempts_in_a_row(house: House) {
    house.person_with_password("wang", Role::Clinician).await;
    let house = std::sync::Arc::new(house);
    for peer_of in [(|_| REMOTE) as fn(u8) -> Peer, |n| at(0, n)] {
        let before = house.leaves().len();
        let attempts: Vec<_> = (0..20)
            .map(|n| {
                let (house, peer) = (house.clone(), peer_of(n));
                tokio::spawn(
                    async move { refused(house.login_from(peer, "wang", "wrong password", None).await) },
                )
            })
            .collect();
        for attempt in attempts {
            assert!(attempt.await.unwrap());
        }
        let leaves = house.leaves().split_off(before);
        let tried = leaves.iter().filter(|leaf| leaf.reason.as_str() == "wrong-password").count();
        assert_eq!(tried, 5, "the sixth and later ones were not tried");
    }
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

async fn who_knows_the_password_changes_it_and_ends_every_other_session(house: House) {
    const NEW: &str = "another long password";
    house.person_with_password("wang", Role::Clinician).await;
    let own = house.login("wang", PASSWORD, None).await.unwrap();
    let other = house.login("wang", PASSWORD, None).await.unwrap();
    let change = async |present: &str, new: &str| {
        house.access.change_password(&own.session, secret(present), secret(new)).await
    };
    assert!(matches!(change(PASSWORD, "too short").await, Err(SignInError::PasswordLength)));
    assert!(refused(change("wrong password", NEW).await));
    assert_eq!(house.last_leaf(), "authentication refused wrong-password");
    change(PASSWORD, NEW).await.unwrap();
    assert_eq!(house.last_leaf(), "authentication permitted password-changed");
    assert!(house.access.bearer(own.token.expose(), REMOTE).await.is_ok());
    assert!(refused(house.access.bearer(other.token.expose(), REMOTE).await));
    assert!(refused(house.login("wang", PASSWORD, None).await));
    assert!(house.login("wang", NEW, None).await.is_ok());

    for _ in 0..5 {
        assert!(refused(change("wrong password", PASSWORD).await));
    }
    assert!(refused(change(NEW, PASSWORD).await), "an open session is no way to guess");
    assert_eq!(house.last_leaf(), "authentication refused locked-out");
    assert!(refused(
        house.access.change_password(&house.access.system_session(), secret(NEW), secret(PASSWORD)).await
    ));
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

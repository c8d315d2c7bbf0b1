//! The first hour in a browser: one address, one browser, three officers, once.

use crate::house::{House, PASSWORD, REMOTE, actor, secret};
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, Officers, SETUP_ADDRESS_TIME, SETUP_BROWSER_TIME, Setup, SetupState, SignInError,
};
use yingdun_model::{InstitutionId, Role};

crate::on_both_engines!(
    an_address_opens_once_within_its_time,
    of_many_who_open_it_at_once_one_goes_on,
    officers_are_named_once_whatever_happens_at_the_same_time,
    an_invitation_is_for_who_has_no_password_yet,
    a_new_address_ends_the_old_way_until_the_three_have_their_accounts,
    the_first_hour_ends_with_its_time,
);

const MOMENT: Duration = Duration::from_millis(1);

/// An institution in which there is nobody yet, on the engine of a house.
fn empty(house: &House) -> Access {
    house.of_institution(InstitutionId::new("new").unwrap())
}

async fn offered(access: &Access) -> String {
    access.offer_setup(&access.system_session()).await.unwrap().0.expose().clone()
}

async fn opened(access: &Access) -> String {
    let token = offered(access).await;
    access.open_setup(&token, REMOTE).await.unwrap().expose().clone()
}

async fn setup(access: &Access, browser: &str) -> Setup {
    access.setup_of(browser).await.unwrap().unwrap()
}

fn officers(names: [&str; 3]) -> Officers {
    let [system, security, audit] = names.map(actor);
    Officers { system, security, audit }
}

async fn accept(access: &Access, browser: &str, role: Role) {
    let link = access.invite_officer(&setup(access, browser).await, role).await.unwrap();
    access.accept_invitation(link.token.expose(), secret(PASSWORD), REMOTE).await.unwrap();
}

async fn an_address_opens_once_within_its_time(house: House) {
    let access = empty(&house);
    let refused =
        async |token: &str| matches!(access.open_setup(token, REMOTE).await, Err(SignInError::Refused));
    assert!(refused("x").await && refused(&"A".repeat(43)).await);
    assert_eq!(house.last_leaf(), "authentication refused unknown-link");
    let token = offered(&access).await;
    house.clock.advance(SETUP_ADDRESS_TIME);
    assert!(refused(&token).await);
    assert_eq!(house.last_leaf(), "authentication refused expired-link");
    let token = offered(&access).await;
    house.clock.advance(SETUP_ADDRESS_TIME - MOMENT);
    let browser = access.open_setup(&token, REMOTE).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded open-setup");
    assert_eq!(setup(&access, browser.expose()).await.state, SetupState::Officers);
    assert!(refused(&token).await);
    assert_eq!(house.last_leaf(), "authentication refused used-link");
    assert!(access.setup_of(&token).await.unwrap().is_none(), "the address is not the browser's secret");
    assert!(access.bearer(browser.expose(), REMOTE).await.is_err(), "and that is no session");
    // Another institution of the same database has no part in it.
    assert!(house.access.setup_of(browser.expose()).await.unwrap().is_none());
}

async fn of_many_who_open_it_at_once_one_goes_on(house: House) {
    let access = empty(&house);
    let token = offered(&access).await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (access, token) = (access.clone(), token.clone());
            tokio::spawn(async move { access.open_setup(&token, REMOTE).await.is_ok() })
        })
        .collect();
    let mut let_in = 0;
    for one in tries {
        let_in += usize::from(one.await.unwrap());
    }
    assert_eq!(let_in, 1);
}

async fn officers_are_named_once_whatever_happens_at_the_same_time(house: House) {
    let access = empty(&house);
    let browser = opened(&access).await;
    let same = access.name_officers(&setup(&access, &browser).await, &officers(["li", "LI", "zhao"])).await;
    assert!(matches!(same, Err(AdminError::OfficersNotDistinct)));
    let present = setup(&access, &browser).await;
    let tries: Vec<_> = (0..4)
        .map(|round| {
            let (access, present) = (access.clone(), present.clone());
            let names = ["system", "security", "audit"].map(|office| format!("{office}-{round}"));
            tokio::spawn(async move {
                let [system, security, audit] = &names;
                access.name_officers(&present, &officers([system, security, audit])).await
            })
        })
        .collect();
    let mut named = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => named += 1,
            Err(error) => assert!(matches!(error, AdminError::AlreadyFounded), "{error}"),
        }
    }
    assert_eq!(named, 1);
    let state = setup(&access, &browser).await.state;
    let SetupState::Invitations(found) = state else { panic!("{state:?}") };
    assert_eq!(found.each_ref().map(|officer| officer.role), Role::OFFICERS);
    assert!(found.iter().all(|officer| !officer.has_password));
}

async fn an_invitation_is_for_who_has_no_password_yet(house: House) {
    let access = empty(&house);
    let browser = opened(&access).await;
    let early = access.invite_officer(&setup(&access, &browser).await, Role::AuditAdministrator).await;
    assert!(matches!(early, Err(AdminError::NotFound)));
    access.name_officers(&setup(&access, &browser).await, &officers(["li", "wang", "zhao"])).await.unwrap();
    let present = setup(&access, &browser).await;
    let first = access.invite_officer(&present, Role::SystemAdministrator).await.unwrap();
    let second = access.invite_officer(&present, Role::SystemAdministrator).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded invite-officer");
    assert_eq!((second.actor.as_str(), first.actor.as_str()), ("li", "li"));
    let late = access.accept_invitation(first.token.expose(), secret(PASSWORD), REMOTE).await;
    assert!(matches!(late, Err(SignInError::Refused)), "a new link ends the old one");
    access.accept_invitation(second.token.expose(), secret(PASSWORD), REMOTE).await.unwrap();
    // What the browser knew before it was accepted does not help it.
    let again = access.invite_officer(&present, Role::SystemAdministrator).await;
    assert!(matches!(again, Err(AdminError::NotFound)));
    assert_eq!(house.last_leaf(), "administration failed invite-officer");
    for other in [Role::Clinician, Role::System] {
        assert!(access.invite_officer(&present, other).await.is_err(), "{other}");
    }
}

async fn a_new_address_ends_the_old_way_until_the_three_have_their_accounts(house: House) {
    let access = empty(&house);
    let old = opened(&access).await;
    access.name_officers(&setup(&access, &old).await, &officers(["li", "wang", "zhao"])).await.unwrap();
    let known = setup(&access, &old).await;
    accept(&access, &old, Role::SystemAdministrator).await;
    let new = opened(&access).await;
    assert!(access.setup_of(&old).await.unwrap().is_none());
    assert!(access.invite_officer(&known, Role::AuditAdministrator).await.is_err(), "the old browser is out");
    assert!(!setup(&access, &new).await.is_done());
    accept(&access, &new, Role::SecurityAdministrator).await;
    accept(&access, &new, Role::AuditAdministrator).await;
    assert!(setup(&access, &new).await.is_done());
    let over = access.offer_setup(&access.system_session()).await;
    assert!(matches!(over, Err(AdminError::SetUp)));
    access.leave_setup(&setup(&access, &new).await).await.unwrap();
    assert!(access.setup_of(&new).await.unwrap().is_none());
    // An institution with invitations of `init` has no such way at all, and nobody but the archive offers one.
    assert!(matches!(house.access.offer_setup(&house.access.system_session()).await, Err(AdminError::SetUp)));
    assert!(matches!(house.access.offer_setup(&house.system_officer).await, Err(AdminError::SystemOnly)));
}

async fn the_first_hour_ends_with_its_time(house: House) {
    let access = empty(&house);
    let browser = opened(&access).await;
    let known = setup(&access, &browser).await;
    house.clock.advance(SETUP_BROWSER_TIME - MOMENT);
    assert!(access.setup_of(&browser).await.unwrap().is_some());
    house.clock.advance(MOMENT);
    assert!(access.setup_of(&browser).await.unwrap().is_none());
    let late = access.name_officers(&known, &officers(["li", "wang", "zhao"])).await;
    assert!(late.is_err(), "what it knew does not help it");
}

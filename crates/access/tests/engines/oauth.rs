//! Service clients and the authorization code with PKCE.

use crate::house::{House, REMOTE, actor, home, secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::{
    CodeExchange, CodeRequest, NewClient, Reason, Resource, Scope, SignIn, SignInError, SignedIn,
};
use yingdun_crypto::digest::sha256;
use yingdun_model::{Action, Grade, Role, Secret};

crate::on_both_engines!(
    a_service_acts_within_its_scopes_and_loses_them_at_once,
    a_service_proves_itself_with_its_secret,
    a_code_with_its_verifier_becomes_a_session_of_the_person,
    a_wrong_verifier_is_refused_and_spends_the_code,
    a_code_that_comes_twice_ends_the_session_it_opened,
    a_code_lives_sixty_seconds,
    a_code_serves_its_own_client_and_uri_only,
    a_code_dies_with_the_session_that_allowed_it,
);

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const URI: &str = "https://viewer.example/callback";

fn refused<T: std::fmt::Debug>(outcome: Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

async fn client(house: &House, name: &str, confidential: bool) -> Option<Secret<String>> {
    let new = NewClient { client_id: actor(name), confidential, redirect_uris: vec![URI.to_owned()] };
    house.access.create_client(&house.system_officer, &new).await.unwrap().0
}

async fn code(house: &House, person: &SignedIn, client: &str) -> Secret<String> {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let request = CodeRequest { client_id: actor(client), redirect_uri: URI.to_owned(), challenge };
    house.access.issue_code(&person.session, &request).await.unwrap()
}

fn exchange(client: &str, code: &Secret<String>) -> CodeExchange {
    CodeExchange {
        client_id: actor(client),
        client_secret: None,
        code: code.clone(),
        redirect_uri: URI.to_owned(),
        verifier: secret(VERIFIER),
        peer: REMOTE,
    }
}

async fn a_service_acts_within_its_scopes_and_loses_them_at_once(house: House) {
    let key = client(&house, "gateway", true).await.unwrap();
    let session = house.access.client_credentials(&actor("gateway"), &key, REMOTE).await.unwrap().session;
    let study = house.study(1, Grade::L4);
    let may = async |action: Action, on: &Resource| {
        house.access.decide(&session, action, on).await.unwrap().permitted
    };
    assert!(!may(Action::Store, &study).await, "a registered client has no right of its own");
    let grant = async |scopes: &[Scope]| {
        let scopes: BTreeSet<_> = scopes.iter().copied().collect();
        house.access.grant_scopes(&house.security_officer, &actor("gateway"), &scopes).await.unwrap();
    };
    grant(&[Scope::Store]).await;
    assert!(may(Action::Store, &study).await);
    assert!(!may(Action::View, &study).await && !may(Action::Search, &Resource::Archive(home())).await);
    grant(&[Scope::View]).await;
    assert!(!may(Action::Store, &study).await, "a grant replaces the one before");
    assert!(may(Action::View, &study).await && may(Action::List, &study).await);
    assert!(!may(Action::View, &house.study(1, Grade::L5)).await);
    grant(&[]).await;
    let refusal = house.access.authorise(&session, Action::View, study).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::NoRulePermits));
}

async fn a_service_proves_itself_with_its_secret(house: House) {
    let key = client(&house, "gateway", true).await.unwrap();
    client(&house, "viewer", false).await;
    let sign_in = async |name: &str, key: &Secret<String>| {
        house.access.client_credentials(&actor(name), key, REMOTE).await
    };
    assert!(refused(sign_in("gateway", &secret("wrong")).await));
    assert!(refused(sign_in("gateway", &secret(&"A".repeat(43))).await));
    assert_eq!(house.last_leaf(), "authentication refused wrong-client-secret");
    assert!(refused(sign_in("nobody", &key).await));
    assert!(refused(sign_in("viewer", &key).await), "a public client has no secret to prove");
    let session = sign_in("gateway", &key).await.unwrap();
    assert_eq!(session.session.role(), Role::Service);
    house.access.set_client_disabled(&house.system_officer, &actor("gateway"), true).await.unwrap();
    assert!(refused(sign_in("gateway", &key).await));
    assert!(refused(house.access.bearer(session.token.expose(), REMOTE).await));
}

async fn a_code_with_its_verifier_becomes_a_session_of_the_person(house: House) {
    client(&house, "viewer", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    assert!(house.access.accepts_redirect(&actor("viewer"), URI).await.unwrap());
    assert!(
        !house.access.accepts_redirect(&actor("viewer"), "https://viewer.example/callback2").await.unwrap()
    );
    let code = code(&house, &person, "viewer").await;
    let session = house.access.exchange_code(exchange("viewer", &code)).await.unwrap();
    assert_eq!((session.session.actor(), session.session.role()), (&actor("wang"), Role::Clinician));
    assert_eq!(session.session.sign_in(), SignIn::AuthorizationCode);
    assert_ne!(session.session.id(), person.session.id());
    assert!(house.access.bearer(session.token.expose(), REMOTE).await.is_ok());
}

async fn a_wrong_verifier_is_refused_and_spends_the_code(house: House) {
    client(&house, "viewer", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    let code = code(&house, &person, "viewer").await;
    let wrong = CodeExchange { verifier: secret(&"x".repeat(43)), ..exchange("viewer", &code) };
    assert!(refused(house.access.exchange_code(wrong).await));
    assert_eq!(house.last_leaf(), "authentication refused wrong-code-verifier");
    assert!(refused(house.access.exchange_code(exchange("viewer", &code)).await), "there is one try");
    let request =
        CodeRequest { client_id: actor("viewer"), redirect_uri: URI.into(), challenge: "short".into() };
    assert!(refused(house.access.issue_code(&person.session, &request).await), "no code without a challenge");
}

async fn a_code_that_comes_twice_ends_the_session_it_opened(house: House) {
    client(&house, "viewer", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    let code = code(&house, &person, "viewer").await;
    let session = house.access.exchange_code(exchange("viewer", &code)).await.unwrap();
    assert!(refused(house.access.exchange_code(exchange("viewer", &code)).await));
    assert_eq!(house.last_leaf(), "authentication refused replayed-code");
    assert!(refused(house.access.bearer(session.token.expose(), REMOTE).await));
    assert!(house.access.bearer(person.token.expose(), REMOTE).await.is_ok(), "the person stays signed in");
}

async fn a_code_lives_sixty_seconds(house: House) {
    client(&house, "viewer", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    let (first, second) = (code(&house, &person, "viewer").await, code(&house, &person, "viewer").await);
    house.clock.advance(Duration::from_millis(59_999));
    assert!(house.access.exchange_code(exchange("viewer", &first)).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(refused(house.access.exchange_code(exchange("viewer", &second)).await));
    assert_eq!(house.last_leaf(), "authentication refused expired-code");
}

async fn a_code_serves_its_own_client_and_uri_only(house: House) {
    client(&house, "viewer", false).await;
    client(&house, "other", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    let first = code(&house, &person, "viewer").await;
    assert!(refused(house.access.exchange_code(exchange("other", &first)).await));
    assert!(house.access.exchange_code(exchange("viewer", &first)).await.is_ok(), "others cannot spend it");
    let second = code(&house, &person, "viewer").await;
    let moved = CodeExchange { redirect_uri: "https://evil.example".into(), ..exchange("viewer", &second) };
    assert!(refused(house.access.exchange_code(moved).await));
    assert!(refused(house.access.exchange_code(exchange("viewer", &secret(&"A".repeat(43)))).await));
}

async fn a_code_dies_with_the_session_that_allowed_it(house: House) {
    client(&house, "viewer", false).await;
    let person = house.signed_in("wang", Role::Clinician).await;
    let code = code(&house, &person, "viewer").await;
    house.access.revoke(&person.session).await.unwrap();
    assert!(refused(house.access.exchange_code(exchange("viewer", &code)).await));
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let request = CodeRequest { client_id: actor("viewer"), redirect_uri: URI.to_owned(), challenge };
    assert!(refused(house.access.issue_code(&person.session, &request).await));
}

//! Certificates, proofs of keys and demands: what a token is bound to, on two nodes and through time.

use crate::house::{House, REMOTE, actor};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, ClientCertificate, ClientSignIn, CodeExchange, CredentialKind, Demand, NewClient,
    NewCredential, Presented, Scheme, Scope, ShownProof, SignInError, SignInRules, SignedIn,
};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{Clock as _, ManualClock, Secret, Timestamp};

crate::on_both_engines!(
    a_token_given_over_a_certificate_is_good_on_its_connections_only,
    a_token_ends_with_its_certificate_and_with_its_registration,
    a_credential_that_is_taken_away_ends_its_sessions,
    a_new_credential_and_a_weaker_demand_take_every_scope,
    a_proof_comes_once_on_all_nodes_and_its_nonce_lasts_minutes,
    a_client_has_so_many_credentials_and_no_more,
    who_shows_nothing_but_a_proof_uses_up_nothing,
    what_came_once_is_known_to_a_node_that_is_behind,
);

const HOUR: Duration = Duration::from_secs(3600);

fn certificate(house: &House, number: u8, lasts: Duration) -> ClientCertificate {
    let now = house.clock.now();
    let (sha256, key_sha256) = ([number; 32], [number + 100; 32]);
    ClientCertificate { sha256, key_sha256, valid_from: now, valid_until: now.after(lasts) }
}

fn over(certificate: ClientCertificate) -> Presented<'static> {
    Presented { certificate: Some(certificate), ..Presented::default() }
}

/// A client with scopes and registered certificates.
async fn client(house: &House, name: &str, certificates: &[ClientCertificate]) -> Secret<String> {
    let new = NewClient { client_id: actor(name), confidential: true, redirect_uris: Vec::new() };
    let secret = house.access.create_client(&house.system_officer, &new).await.unwrap().0.unwrap();
    for certificate in certificates {
        add(house, name, certificate.sha256, certificate.valid_until).await.unwrap();
    }
    let scopes = BTreeSet::from([Scope::Search]);
    house.access.grant_scopes(&house.security_officer, &actor(name), &scopes).await.unwrap();
    secret
}

async fn add(house: &House, name: &str, digest: [u8; 32], valid_until: Timestamp) -> Result<(), AdminError> {
    let new = NewCredential {
        kind: CredentialKind::Certificate,
        digest,
        public_key: None,
        external: None,
        valid_until,
    };
    house.access.add_credential(&house.system_officer, &actor(name), &new).await
}

async fn sign_in(
    access: &Access,
    name: &str,
    secret: Option<&Secret<String>>,
    presented: Presented<'_>,
) -> Result<SignedIn, SignInError> {
    let client_id = actor(name);
    access.sign_client_in(ClientSignIn { client_id: &client_id, secret, presented, peer: REMOTE }).await
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

async fn a_token_given_over_a_certificate_is_good_on_its_connections_only(house: House) {
    let (own, other) = (certificate(&house, 1, HOUR), certificate(&house, 2, HOUR));
    let secret = client(&house, "portal", &[own]).await;
    let signed_in = sign_in(&house.access, "portal", None, over(own)).await.unwrap();
    let token = signed_in.token.expose();
    let bearer =
        async |presented: Presented<'static>| house.access.bearer_with(token, REMOTE, &presented).await;
    assert!(bearer(over(own)).await.is_ok());
    assert!(refused(bearer(over(other)).await));
    assert!(refused(bearer(Presented::default()).await));
    assert!(refused(house.access.bearer(token, REMOTE).await), "who hands in nothing gets nothing");
    assert!(refused(sign_in(&house.access, "portal", None, over(other)).await));
    assert!(refused(sign_in(&house.access, "portal", None, Presented::default()).await));
    let demands = BTreeSet::from([Demand::Certificate]);
    let unbound = house.access.client_credentials(&actor("portal"), &secret, REMOTE).await.unwrap();
    house.access.set_demands(&house.system_officer, &actor("portal"), &demands).await.unwrap();
    assert!(refused(house.access.bearer(unbound.token.expose(), REMOTE).await), "more is demanded now");
    assert!(refused(sign_in(&house.access, "portal", Some(&secret), Presented::default()).await));
    assert!(sign_in(&house.access, "portal", Some(&secret), over(own)).await.is_ok());
}

async fn a_token_ends_with_its_certificate_and_with_its_registration(house: House) {
    let own = certificate(&house, 1, Duration::from_secs(60));
    client(&house, "brief", &[own]).await;
    let signed_in = sign_in(&house.access, "brief", None, over(own)).await.unwrap();
    assert_eq!(signed_in.expires_in, Duration::from_secs(60));
    let token = signed_in.token.expose();
    house.clock.advance(Duration::from_millis(59_999));
    assert!(house.access.bearer_with(token, REMOTE, &over(own)).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(refused(house.access.bearer_with(token, REMOTE, &over(own)).await));
    let renewed = ClientCertificate { valid_until: house.clock.now().after(HOUR), ..own };
    assert!(
        refused(sign_in(&house.access, "brief", None, over(renewed)).await),
        "its registration is over, too"
    );
}

async fn a_credential_that_is_taken_away_ends_its_sessions(house: House) {
    let (gone, stays) = (certificate(&house, 1, HOUR), certificate(&house, 2, HOUR));
    client(&house, "leaving", &[gone, stays]).await;
    let first = sign_in(&house.access, "leaving", None, over(gone)).await.unwrap();
    let second = sign_in(&house.access, "leaving", None, over(stays)).await.unwrap();
    let remove = async |digest: &[u8; 32]| {
        let kind = CredentialKind::Certificate;
        house.access.remove_credential(&house.system_officer, &actor("leaving"), kind, digest).await
    };
    remove(&gone.sha256).await.unwrap();
    assert!(matches!(remove(&gone.sha256).await, Err(AdminError::NotFound)));
    assert!(refused(house.access.bearer_with(first.token.expose(), REMOTE, &over(gone)).await));
    assert!(house.access.bearer_with(second.token.expose(), REMOTE, &over(stays)).await.is_ok());
    assert!(refused(sign_in(&house.access, "leaving", None, over(gone)).await));
}

async fn a_new_credential_and_a_weaker_demand_take_every_scope(house: House) {
    let (own, more) = (certificate(&house, 1, HOUR), certificate(&house, 2, HOUR));
    client(&house, "growing", &[own]).await;
    let scopes = async || {
        let clients = house.access.clients(&house.system_officer).await.unwrap();
        clients.into_iter().find(|client| client.client_id == actor("growing")).unwrap().scopes
    };
    let demand = async |demands: &[Demand]| {
        let demands = demands.iter().copied().collect();
        house.access.set_demands(&house.system_officer, &actor("growing"), &demands).await.unwrap();
    };
    demand(&[Demand::Certificate]).await;
    demand(&[Demand::Certificate, Demand::Signature]).await;
    assert_eq!(scopes().await, "search");
    demand(&[Demand::Dpop, Demand::Signature]).await;
    assert_eq!(scopes().await, "", "one that was there is demanded no longer");
    house
        .access
        .grant_scopes(&house.security_officer, &actor("growing"), &[Scope::Search].into())
        .await
        .unwrap();
    add(&house, "growing", more.sha256, more.valid_until).await.unwrap();
    assert_eq!(scopes().await, "");
    let twice = add(&house, "growing", more.sha256, more.valid_until).await;
    assert!(matches!(twice, Err(AdminError::AlreadyExists)));
    let stranger = add(&house, "nobody", more.sha256, more.valid_until).await;
    assert!(matches!(stranger, Err(AdminError::NotFound)));
    let past = add(&house, "growing", [9; 32], house.clock.now()).await;
    assert!(matches!(past, Err(AdminError::CredentialIsOver)));
    let kind = CredentialKind::Certificate;
    let by_other = NewCredential {
        kind,
        digest: [9; 32],
        public_key: None,
        external: None,
        valid_until: more.valid_until,
    };
    let by_other = house.access.add_credential(&house.security_officer, &actor("growing"), &by_other).await;
    assert!(matches!(by_other, Err(AdminError::Refused(_))));
}

async fn a_client_has_so_many_credentials_and_no_more(house: House) {
    client(&house, "many", &[]).await;
    let until = house.clock.now().after(HOUR);
    for number in 0..16 {
        add(&house, "many", [number; 32], until).await.unwrap();
    }
    assert!(matches!(add(&house, "many", [16; 32], until).await, Err(AdminError::TooManyCredentials)));
}

/// A proof by a key, written by hand.
fn proof(
    house: &House,
    key: &SigningKey,
    name: &str,
    method: &str,
    token: Option<&str>,
    nonce: Option<&str>,
) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let head = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
    let hash = token.map(|token| URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
    let claims = json!({
        "jti": name, "htm": method, "htu": "https://archive.example/x", "iat": house.clock.now().as_ms() / 1000,
        "ath": hash, "nonce": nonce,
    });
    let signed = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
}

fn shown<'a>(jwt: &'a str, method: &'a str) -> Presented<'a> {
    let proof = Some(ShownProof { jwt, method, uri: "https://archive.example/x" });
    Presented { certificate: None, proof, scheme: Scheme::Dpop }
}

async fn a_proof_comes_once_on_all_nodes_and_its_nonce_lasts_minutes(house: House) {
    let secret = client(&house, "prover", &[]).await;
    let (key, other) = (SigningKey::generate(), SigningKey::generate());
    let node = house.node(SignInRules::default());
    let asked = proof(&house, &key, "asked-without", "POST", None, None);
    let without = sign_in(&house.access, "prover", Some(&secret), shown(&asked, "POST")).await;
    assert!(matches!(without, Err(SignInError::NonceNeeded)));
    let nonce = house.access.proof_nonce().unwrap();
    let asked = proof(&house, &key, "asked-for-it", "POST", None, Some(&nonce));
    let signed_in = sign_in(&house.access, "prover", Some(&secret), shown(&asked, "POST")).await.unwrap();
    let again = sign_in(&node, "prover", Some(&secret), shown(&asked, "POST")).await;
    assert!(matches!(again, Err(SignInError::BadProof)), "at the other node");
    let token = signed_in.token.expose();
    let made = |key: &SigningKey, name: &str| proof(&house, key, name, "GET", Some(token), Some(&nonce));
    let first = made(&key, "first-use");
    assert!(node.bearer_with(token, REMOTE, &shown(&first, "GET")).await.is_ok(), "a nonce of another node");
    let replayed = house.access.bearer_with(token, REMOTE, &shown(&first, "GET")).await;
    assert!(matches!(replayed, Err(SignInError::BadProof)));
    let foreign = made(&other, "another-key");
    assert!(refused(house.access.bearer_with(token, REMOTE, &shown(&foreign, "GET")).await));
    let plain = Presented { scheme: Scheme::Bearer, ..shown(&foreign, "GET") };
    assert!(refused(house.access.bearer_with(token, REMOTE, &plain).await));
    assert!(refused(house.access.bearer(token, REMOTE).await));
    house.clock.advance(Duration::from_secs(240));
    let late = made(&key, "with-an-old-nonce");
    let late = house.access.bearer_with(token, REMOTE, &shown(&late, "GET")).await;
    assert!(matches!(late, Err(SignInError::NonceNeeded)));
    // Whatever is forgotten by then could not come again anyway.
    house.clock.advance(Duration::from_secs(120));
    let old = house.access.bearer_with(token, REMOTE, &shown(&first, "GET")).await;
    assert!(matches!(old, Err(SignInError::BadProof | SignInError::NonceNeeded)));
    assert!(house.access.end_token(token, REMOTE).await.is_ok(), "whoever finds it may end it");
}

async fn who_shows_nothing_but_a_proof_uses_up_nothing(house: House) {
    let redirect = "https://viewer.example/callback".to_owned();
    let new =
        NewClient { client_id: actor("viewer"), confidential: false, redirect_uris: vec![redirect.clone()] };
    house.access.create_client(&house.system_officer, &new).await.unwrap();
    let nonce = house.access.proof_nonce().unwrap();
    let jwt = proof(&house, &SigningKey::generate(), "of-a-stranger", "POST", None, Some(&nonce));
    let presented = Presented { scheme: Scheme::Bearer, ..shown(&jwt, "POST") };
    // The proof would be one that came before, had it been written down.
    for _ in 0..2 {
        let exchange = CodeExchange {
            client_id: actor("viewer"),
            client_secret: None,
            code: Secret::new("c".repeat(43)),
            redirect_uri: redirect.clone(),
            verifier: Secret::new("v".repeat(43)),
            peer: REMOTE,
        };
        assert!(refused(house.access.exchange_code_with(exchange, &presented).await));
        assert_eq!(house.last_leaf(), "authentication refused unknown-code");
        assert!(refused(sign_in(&house.access, "viewer", None, presented).await));
        assert_eq!(house.last_leaf(), "authentication refused public-client");
    }
}

async fn what_came_once_is_known_to_a_node_that_is_behind(house: House) {
    let secret = client(&house, "prover", &[]).await;
    let key = SigningKey::generate();
    // A node whose clock is ahead by all that is allowed gives a value, uses rows, and forgets by its own clock.
    let clock = Arc::new(ManualClock::at(house.clock.now().after(Duration::from_secs(60))));
    let ahead = house.node_by(clock.clone());
    let nonce = ahead.proof_nonce().unwrap();
    let jwt = proof(&house, &key, "asked-for-it", "POST", None, Some(&nonce));
    assert!(sign_in(&house.access, "prover", Some(&secret), shown(&jwt, "POST")).await.is_ok());
    house.clock.advance(Duration::from_secs(270));
    clock.advance(Duration::from_secs(270));
    let fresh = ahead.proof_nonce().unwrap();
    let other = proof(&house, &key, "sweeps-the-rows", "POST", None, Some(&fresh));
    assert!(sign_in(&ahead, "prover", Some(&secret), shown(&other, "POST")).await.is_ok());
    let again = sign_in(&house.access, "prover", Some(&secret), shown(&jwt, "POST")).await;
    assert!(matches!(again, Err(SignInError::BadProof)), "{again:?}");
}

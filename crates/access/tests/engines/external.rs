//! Tokens of another issuer, on both engines: whom they open something for, how much, and how it ends.

#![allow(clippy::indexing_slicing, reason = "a claim is changed by its name; tests fail by panicking")]

use crate::house::{House, REMOTE, actor};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, ClientCertificate, CredentialKind, Demand, ExternalName, IssuerKeys, NewClient,
    NewCredential, Presented, ProviderCall, ProviderError, ProviderKeys, Scope, Session, SignIn, SignInError,
    TokenAlgorithm, TokenIssuer, TokenIssuerRules, external_digest,
};
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{Action, ActorKind, Role, Secret};

crate::on_both_engines!(
    a_registered_program_has_what_is_granted_here_as_far_as_its_token_asks,
    who_is_not_registered_is_nobody_and_a_name_belongs_to_one_client,
    what_is_ended_here_is_over_at_once_whatever_the_token_says,
    what_is_demanded_here_is_demanded_of_these_tokens,
    keys_that_are_gone_open_nothing_and_an_issuer_that_is_away_is_no_refusal,
    one_token_is_one_sign_in_on_all_nodes,
    no_other_way_takes_such_a_token,
);

const ISSUER: &str = "https://sso.example";
const US: &str = "https://archive.example";
const HOUR: Duration = Duration::from_secs(3600);

/// Shows the keys that it is told to show.
struct MockIssuer(Mutex<Option<SigningKey>>);

impl IssuerKeys for MockIssuer {
    fn keys(&self, _: bool) -> ProviderCall<'_, Arc<ProviderKeys>> {
        let shown = self.0.lock().unwrap();
        let keys = shown.as_ref().map(|key| {
            let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
            let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x}]});
            Arc::new(ProviderKeys::parse(set.to_string().as_bytes()).unwrap())
        });
        Box::pin(async { keys.ok_or(ProviderError::Away("it does not answer".into())) })
    }
}

struct Scene {
    access: Access,
    issuer: Arc<MockIssuer>,
    key: SigningKey,
    now_s: i64,
}

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([7; 32]))
}

fn scene(house: &House) -> Scene {
    let issuer = Arc::new(MockIssuer(Mutex::new(Some(key()))));
    let rules = TokenIssuerRules {
        issuer: ISSUER.into(),
        audience: US.into(),
        algorithms: BTreeSet::from([TokenAlgorithm::EdDsa]),
        skew: Duration::from_secs(30),
        lifetime_max: HOUR,
    };
    let access = house.node_with_issuers(vec![TokenIssuer { rules, keys: issuer.clone() }]);
    Scene { access, issuer, key: key(), now_s: house.now().as_ms() / 1000 }
}

impl Scene {
    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": US, "sub": "there", "client_id": "there", "jti": "j", "scope": "search view export",
            "iat": self.now_s, "exp": self.now_s + 300,
        });
        change(&mut claims);
        let head = json!({"alg": "EdDSA", "kid": "a", "typ": "at+jwt"});
        let message = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())))
    }

    async fn shown(&self, token: &str) -> Result<Session, SignInError> {
        self.access.bearer_with(token, REMOTE, &Presented::default()).await
    }
}

fn named(client: &str, subject: &str) -> ExternalName {
    ExternalName { issuer: ISSUER.into(), client: client.into(), subject: subject.into() }
}

async fn register(house: &House, name: &str, external: ExternalName) -> Result<(), AdminError> {
    let new = NewCredential {
        kind: CredentialKind::ExternalToken,
        digest: external_digest(&external),
        public_key: None,
        external: Some(external),
        valid_until: house.now().after(HOUR),
    };
    house.access.add_credential(&house.system_officer, &actor(name), &new).await
}

/// A client without a secret that is known by its tokens of there, and may search and view.
async fn program(house: &House, name: &str, external: ExternalName) {
    let new = NewClient { client_id: actor(name), confidential: true, redirect_uris: Vec::new() };
    house.access.create_client(&house.system_officer, &new).await.unwrap();
    register(house, name, external).await.unwrap();
    grant(house, name, &[Scope::Search, Scope::View]).await;
}

async fn grant(house: &House, name: &str, scopes: &[Scope]) {
    let scopes = scopes.iter().copied().collect();
    house.access.grant_scopes(&house.security_officer, &actor(name), &scopes).await.unwrap();
}

fn refused<T>(outcome: &Result<T, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::Refused))
}

async fn a_registered_program_has_what_is_granted_here_as_far_as_its_token_asks(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    let token = scene.token(|_| {});
    let session = scene.shown(&token).await.unwrap();
    assert_eq!((session.actor(), session.actor_kind()), (&actor("portal"), ActorKind::Service));
    assert_eq!((session.role(), session.sign_in()), (Role::Service, SignIn::ExternalToken));
    assert_eq!(*session.scopes(), BTreeSet::from([Scope::Search, Scope::View]), "export is not granted here");
    assert_eq!(house.last_leaf(), "authentication permitted external-token");
    let less = scene.shown(&scene.token(|claims| claims["scope"] = json!("search worklist"))).await.unwrap();
    assert_eq!(*less.scopes(), BTreeSet::from([Scope::Search]), "as far as it asks, and no further");
    // Decisions look again, and see the same limit.
    let study = house.study(1, yingdun_model::Grade::L3);
    assert!(scene.access.decide(&session, Action::View, &study).await.unwrap().permitted);
    assert!(!scene.access.decide(&less, Action::View, &study).await.unwrap().permitted);
    grant(&house, "portal", &[Scope::View]).await;
    assert!(!scene.access.decide(&less, Action::View, &study).await.unwrap().permitted);
    let nothing =
        scene.shown(&scene.token(|claims| drop(claims.as_object_mut().unwrap().remove("scope")))).await;
    assert!(nothing.unwrap().scopes().is_empty());
}

async fn who_is_not_registered_is_nobody_and_a_name_belongs_to_one_client(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    for (claim, value) in [("client_id", "elsewhere"), ("sub", "dr-wang")] {
        let stranger = scene.shown(&scene.token(|claims| claims[claim] = json!(value))).await;
        assert!(refused(&stranger), "{claim}");
        assert_eq!(house.last_leaf(), "authentication refused external-program-not-registered", "{claim}");
    }
    let new = NewClient { client_id: actor("second"), confidential: true, redirect_uris: Vec::new() };
    house.access.create_client(&house.system_officer, &new).await.unwrap();
    let taken = register(&house, "second", named("there", "there")).await;
    assert!(matches!(taken, Err(AdminError::AlreadyExists)));
    // A service account whose subject has a name of its own.
    register(&house, "second", named("there", "5f2c")).await.unwrap();
    let own = scene.shown(&scene.token(|claims| claims["sub"] = json!("5f2c"))).await.unwrap();
    assert_eq!(own.actor(), &actor("second"));
    house.clock.advance(HOUR);
    let later = Scene { now_s: house.now().as_ms() / 1000, ..scene };
    assert!(refused(&later.shown(&later.token(|_| {})).await), "its registration is over");
}

async fn what_is_ended_here_is_over_at_once_whatever_the_token_says(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    let token = scene.token(|_| {});
    let session = scene.shown(&token).await.unwrap();
    let study = house.study(1, yingdun_model::Grade::L3);
    let view = async || scene.access.decide(&session, Action::View, &study).await.unwrap().permitted;
    assert!(view().await);
    let disable = async |disabled| {
        house.access.set_client_disabled(&house.system_officer, &actor("portal"), disabled).await.unwrap();
    };
    disable(true).await;
    assert!(!view().await, "also what is open already");
    assert!(refused(&scene.shown(&token).await));
    assert!(refused(&scene.shown(&scene.token(|claims| claims["jti"] = json!("k"))).await), "a new one, too");
    disable(false).await;
    assert!(refused(&scene.shown(&token).await), "what was ended stays so");
    let token = scene.token(|claims| claims["jti"] = json!("after"));
    let session = scene.shown(&token).await.unwrap();
    let view = async || scene.access.decide(&session, Action::View, &study).await.unwrap().permitted;
    assert!(view().await);
    let digest = external_digest(&named("there", "there"));
    let kind = CredentialKind::ExternalToken;
    house.access.remove_credential(&house.system_officer, &actor("portal"), kind, &digest).await.unwrap();
    assert!(!view().await);
    assert!(refused(&scene.shown(&token).await));
    // Registered again, the tokens of before stay dead; another writing of the same token is the same token.
    register(&house, "portal", named("there", "there")).await.unwrap();
    assert!(refused(&scene.shown(&token).await));
    assert_eq!(house.last_leaf(), "authentication refused revoked-token");
    let fresh = scene.token(|claims| claims["jti"] = json!("fresh"));
    assert!(scene.shown(&fresh).await.is_ok());
    house.clock.advance(Duration::from_secs(329));
    assert!(scene.shown(&fresh).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    assert!(refused(&scene.shown(&fresh).await), "its time and the skew are over");
}

async fn what_is_demanded_here_is_demanded_of_these_tokens(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    let now = house.now();
    let certificate = |number: u8| ClientCertificate {
        sha256: [number; 32],
        key_sha256: [number + 100; 32],
        valid_from: now,
        valid_until: now.after(HOUR),
    };
    let over = |number| Presented { certificate: Some(certificate(number)), ..Presented::default() };
    let bound = |number: u8| {
        let digest = URL_SAFE_NO_PAD.encode([number; 32]);
        scene.token(|claims| claims["cnf"] = json!({"x5t#S256": digest}))
    };
    let shown = async |token: &str, number| scene.access.bearer_with(token, REMOTE, &over(number)).await;
    assert!(shown(&bound(1), 1).await.is_ok(), "what nobody demands may be shown");
    assert!(refused(&shown(&bound(1), 2).await));
    assert!(refused(&scene.shown(&bound(1)).await));
    let prover = scene.token(|claims| claims["cnf"] = json!({"jkt": URL_SAFE_NO_PAD.encode([9; 32])}));
    assert!(refused(&scene.shown(&prover).await), "a token that is bound to a key is no bearer token");
    let demands = |demands: &[Demand]| demands.iter().copied().collect::<BTreeSet<_>>();
    let demand = async |of: &[Demand]| {
        house.access.set_demands(&house.system_officer, &actor("portal"), &demands(of)).await.unwrap();
    };
    demand(&[Demand::Certificate]).await;
    let plain = scene.token(|claims| claims["jti"] = json!("plain"));
    assert!(refused(&scene.shown(&plain).await));
    assert!(refused(&shown(&plain, 1).await), "shown, and not bound to it");
    let other = URL_SAFE_NO_PAD.encode([2; 32]);
    let unknown = scene.token(|claims| {
        claims["jti"] = json!("other");
        claims["cnf"] = json!({"x5t#S256": other});
    });
    assert!(refused(&shown(&unknown, 2).await), "bound, and to a certificate of nobody here");
    let new = NewCredential {
        kind: CredentialKind::Certificate,
        digest: [2; 32],
        public_key: None,
        external: None,
        valid_until: now.after(HOUR),
    };
    house.access.add_credential(&house.system_officer, &actor("portal"), &new).await.unwrap();
    let session = shown(&unknown, 2).await.unwrap();
    assert!(session.scopes().is_empty(), "a new credential takes the scopes");
    let kind = CredentialKind::Certificate;
    house.access.remove_credential(&house.system_officer, &actor("portal"), kind, &[2; 32]).await.unwrap();
    assert!(refused(&shown(&unknown, 2).await));
    demand(&[Demand::Dpop]).await;
    let plain = scene.token(|claims| claims["jti"] = json!("plain again"));
    assert!(refused(&scene.shown(&plain).await));
    assert_eq!(house.last_leaf(), "authentication refused demand-not-met");
}

async fn keys_that_are_gone_open_nothing_and_an_issuer_that_is_away_is_no_refusal(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    let token = scene.token(|_| {});
    assert!(scene.shown(&token).await.is_ok());
    *scene.issuer.0.lock().unwrap() = Some(SigningKey::generate());
    assert!(refused(&scene.shown(&token).await), "also a token that was good before");
    assert_eq!(house.last_leaf(), "authentication refused external-token-wrong-signature");
    *scene.issuer.0.lock().unwrap() = None;
    assert!(matches!(scene.shown(&token).await, Err(SignInError::DirectoryUnavailable(_))));
    let leaves = house.leaves().len();
    let foreign = scene.token(|claims| claims["iss"] = json!("https://other.example"));
    assert!(refused(&scene.shown(&foreign).await), "nobody is asked about an issuer that is none");
    assert_eq!(house.leaves().len(), leaves + 1);
}

async fn one_token_is_one_sign_in_on_all_nodes(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let (one, two) = (scene(&house), scene(&house));
    let token = one.token(|_| {});
    let before = house.leaves().len();
    let sessions = futures_of(&one, &token).await;
    assert!(sessions.iter().all(|session| session.id() == sessions[0].id()));
    assert_eq!(two.shown(&token).await.unwrap().id(), sessions[0].id());
    assert_eq!(house.leaves().len(), before + 1, "one leaf for all uses of a token");
}

async fn futures_of(scene: &Scene, token: &str) -> Vec<Session> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (access, token) = (scene.access.clone(), token.to_owned());
        tasks.spawn(async move { access.bearer_with(&token, REMOTE, &Presented::default()).await });
    }
    tasks.join_all().await.into_iter().map(Result::unwrap).collect()
}

async fn no_other_way_takes_such_a_token(house: House) {
    program(&house, "portal", named("there", "there")).await;
    let scene = scene(&house);
    let token = scene.token(|_| {});
    assert!(scene.shown(&token).await.is_ok());
    assert!(refused(&scene.access.bearer(&token, REMOTE).await), "the way of cookies");
    assert!(refused(&scene.access.bearer_in_part(&token, REMOTE).await));
    let shown = Presented::default();
    assert!(refused(&scene.access.bearer_in_part_with(&token, REMOTE, &shown).await));
    assert!(refused(&scene.access.end_token(&token, REMOTE).await));
    assert!(scene.shown(&token).await.is_ok(), "and nobody ended it");
    assert!(
        refused(&house.access.bearer_with(&token, REMOTE, &shown).await),
        "without issuers it is no token"
    );
    grant(&house, "portal", &[Scope::Introspect]).await;
    let asks = scene.token(|claims| {
        claims["jti"] = json!("asks");
        claims["scope"] = json!("introspect");
    });
    let asker = scene.shown(&asks).await.unwrap();
    assert_eq!(
        scene.access.introspect(&asker, &token).await.unwrap(),
        None,
        "its issuer tells of it, not we"
    );
}

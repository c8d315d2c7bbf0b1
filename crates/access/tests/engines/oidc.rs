//! People of a provider of OpenID Connect, on both engines: a stand-in signs what the test wants it to say.

#![allow(clippy::indexing_slicing, reason = "a claim is changed by its name; tests fail by panicking")]

use crate::house::{House, PASSWORD, REMOTE, actor, unhurried};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, OidcAnswer, OidcBegun, OidcJourney, OidcProvider, OidcRules, OidcSetup, ProviderCall,
    ProviderError, ProviderKeys, ProviderMetadata, SignIn, SignInError, SignInRules, SignedIn, Stage,
};
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{Clock, ManualClock, Role, Secret};

crate::on_both_engines!(
    a_person_gets_an_account_with_the_roles_of_the_mapping_and_only_those,
    a_sign_in_is_finished_by_the_browser_that_began_it_in_time,
    an_account_is_bound_by_the_system_administrator_and_never_that_of_an_officer,
    a_second_factor_there_counts_as_of_when_it_was_proved,
    what_the_provider_ends_is_over_and_what_comes_later_is_not,
    without_a_provider_nothing_of_this_is_there,
    two_first_sign_ins_at_the_same_time_make_one_account,
);

const ISSUER: &str = "https://sso.example";
const BACK: &str = "https://archive.example/oidc/callback";
const MINUTE: Duration = Duration::from_secs(60);

/// Says what it is told to say.
struct MockProvider {
    key: SigningKey,
    clock: Arc<ManualClock>,
    claims: Mutex<Value>,
    nonce: Mutex<String>,
}

impl MockProvider {
    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "a"})), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())))
    }

    fn now_s(&self) -> i64 {
        self.clock.now().as_ms() / 1000
    }

    fn logout(&self, of: &Value) -> String {
        let now = self.now_s();
        let mut claims = json!({
            "iss": ISSUER, "aud": "yingdun", "jti": "j", "iat": now, "exp": now + 120,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        claims.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        self.sign(&claims)
    }
}

impl OidcProvider for MockProvider {
    fn metadata(&self) -> ProviderCall<'_, Arc<ProviderMetadata>> {
        let said = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://sso.example/auth",
            "token_endpoint": "https://sso.example/token", "jwks_uri": "https://sso.example/keys",
        });
        let metadata = ProviderMetadata::parse(said.to_string().as_bytes(), ISSUER, false).map(Arc::new);
        Box::pin(async { metadata.map_err(ProviderError::Away) })
    }

    fn keys(&self, _: bool) -> ProviderCall<'_, Arc<ProviderKeys>> {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x}]});
        let keys = ProviderKeys::parse(keys.to_string().as_bytes()).map(Arc::new);
        Box::pin(async { keys.map_err(ProviderError::Away) })
    }

    fn exchange<'a>(
        &'a self,
        code: &'a str,
        _: &'a Secret<String>,
        redirect_uri: &'a str,
    ) -> ProviderCall<'a, Secret<String>> {
        assert_eq!((code, redirect_uri), ("code", BACK));
        let now = self.now_s();
        let mut claims = json!({
            "iss": ISSUER, "aud": "yingdun", "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": *self.nonce.lock().unwrap(),
        });
        claims.as_object_mut().unwrap().extend(self.claims.lock().unwrap().as_object().unwrap().clone());
        let token = Secret::new(self.sign(&claims));
        Box::pin(async { Ok(token) })
    }
}

struct Scene {
    access: Access,
    provider: Arc<MockProvider>,
}

fn scene(house: &House, provision: bool, rules: SignInRules) -> Scene {
    let provider = Arc::new(MockProvider {
        key: SigningKey::generate(),
        clock: Arc::clone(&house.clock),
        claims: Mutex::new(json!({})),
        nonce: Mutex::new(String::new()),
    });
    let words = |word: &str| BTreeSet::from([word.to_owned()]);
    let oidc = OidcRules {
        issuer: ISSUER.into(),
        client_id: "yingdun".into(),
        scopes: vec!["profile".into()],
        label: "SSO".into(),
        roles_claim: Some("groups".into()),
        roles: BTreeMap::from([
            ("doctors".to_owned(), Role::Clinician),
            ("readers".to_owned(), Role::Radiologist),
            // Configuration calls this an error; here it gives nothing.
            ("bosses".to_owned(), Role::SecurityAdministrator),
        ]),
        name_claim: "name".into(),
        provision,
        second_factor_amr: words("mfa"),
        second_factor_acr: words("urn:two"),
        age_max: 480 * MINUTE,
    };
    let setup = OidcSetup { rules: oidc, provider: provider.clone() };
    Scene { access: house.node_with_provider(rules, Some(setup)), provider }
}

impl Scene {
    async fn begin(&self, role: Option<Role>) -> (OidcJourney, String) {
        let begun = self.access.begin_oidc(role, false, Vec::new(), BACK).await.unwrap();
        let OidcBegun { parameters, cookie, .. } = begun;
        let of = |name: &str| parameters.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        *self.provider.nonce.lock().unwrap() = of("nonce");
        (self.access.oidc_journey(cookie.expose()).unwrap(), of("state"))
    }

    async fn finish(&self, journey: Option<&OidcJourney>, state: &str) -> Result<SignedIn, SignInError> {
        let answer = OidcAnswer {
            state: state.into(),
            code: Some("code".into()),
            issuer: Some(ISSUER.into()),
            redirect_uri: BACK.into(),
            peer: REMOTE,
            program: Some("a browser".into()),
        };
        self.access.finish_oidc(journey, answer).await
    }

    /// The whole way, of whom the provider says this.
    async fn sign_in(&self, claims: Value) -> Result<SignedIn, SignInError> {
        self.sign_in_as(claims, None).await
    }

    async fn sign_in_as(&self, claims: Value, role: Option<Role>) -> Result<SignedIn, SignInError> {
        *self.provider.claims.lock().unwrap() = claims;
        let (journey, state) = self.begin(role).await;
        self.finish(Some(&journey), &state).await
    }

    async fn lives(&self, signed_in: &SignedIn) -> bool {
        self.access.bearer(signed_in.token.expose(), REMOTE).await.is_ok()
    }
}

fn doctor(sub: &str) -> Value {
    json!({"sub": sub, "name": format!("dr-{sub}"), "groups": ["doctors"]})
}

async fn roles_of(house: &House, name: &str) -> Vec<Role> {
    let people = house.access.people(&house.system_officer).await.unwrap();
    people.into_iter().find(|person| person.actor == actor(name)).unwrap().roles
}

async fn a_person_gets_an_account_with_the_roles_of_the_mapping_and_only_those(house: House) {
    let scene = scene(&house, true, unhurried());
    let signed_in = scene.sign_in(doctor("li")).await.unwrap();
    assert_eq!(signed_in.session.role(), Role::Clinician);
    assert_eq!(
        (signed_in.session.sign_in(), signed_in.session.stage()),
        (SignIn::OpenIdConnect, Stage::Whole)
    );
    assert_eq!(signed_in.session.methods(), ["external"]);
    assert_eq!(house.last_leaf(), "authentication permitted openid-connect");
    // Another subject with the same name is somebody else.
    let mut other = doctor("li");
    other["sub"] = json!("another");
    assert!(matches!(scene.sign_in(other.clone()).await, Err(SignInError::NameTaken)));
    assert_eq!(house.last_leaf(), "authentication refused name-taken");
    // Nor is there an account beside it that differs by the case of letters only.
    other["name"] = json!("DR-Li");
    assert!(matches!(scene.sign_in(other).await, Err(SignInError::NameTaken)));
    // What the provider gives goes with its word; what an officer gave stays.
    house.access.give_role(&house.security_officer, &actor("dr-li"), Role::Technician).await.unwrap();
    let moved = json!({"sub": "li", "groups": ["readers", "bosses"]});
    let choice = scene.sign_in(moved.clone()).await;
    let Err(SignInError::ChooseRole { held }) = choice else { panic!("{choice:?}") };
    assert_eq!(held, [Role::Radiologist, Role::Technician]);
    assert!(!scene.lives(&signed_in).await, "its role was taken");
    assert!(scene.sign_in_as(moved, Some(Role::Radiologist)).await.is_ok());
    assert_eq!(roles_of(&house, "dr-li").await, [Role::Radiologist, Role::Technician]);
    scene.sign_in(json!({"sub": "li", "groups": []})).await.unwrap();
    assert_eq!(roles_of(&house, "dr-li").await, [Role::Technician]);
    // No role, no account; no account for an officer either.
    for groups in [json!([]), json!(["bosses"]), json!(null), json!({"doctors": true})] {
        let refused = scene.sign_in(json!({"sub": "guest", "name": "guest", "groups": groups})).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{groups}");
    }
    house.access.set_person_disabled(&house.system_officer, &actor("dr-li"), true).await.unwrap();
    assert!(matches!(scene.sign_in(doctor("li")).await, Err(SignInError::Refused)));
    assert_eq!(house.last_leaf(), "authentication refused account-disabled");
    assert_eq!(roles_of(&house, "dr-li").await, [Role::Technician], "nothing is given to who is disabled");
}

async fn a_sign_in_is_finished_by_the_browser_that_began_it_in_time(house: House) {
    let scene = scene(&house, true, unhurried());
    *scene.provider.claims.lock().unwrap() = doctor("li");
    let (journey, state) = scene.begin(None).await;
    for (with, of) in [(None, state.as_str()), (Some(&journey), "another"), (Some(&journey), "")] {
        assert!(matches!(scene.finish(with, of).await, Err(SignInError::Refused)));
        assert_eq!(house.last_leaf(), "authentication refused answer-to-another-browser");
    }
    // The nonce of a later sign-in is not that of this one.
    scene.begin(None).await;
    assert!(matches!(scene.finish(Some(&journey), &state).await, Err(SignInError::Refused)));
    assert_eq!(house.last_leaf(), "authentication refused provider-token-wrong-nonce");
    let begun = scene.access.begin_oidc(None, false, Vec::new(), BACK).await.unwrap();
    let cookie = begun.cookie.expose();
    assert!(scene.access.oidc_journey(cookie).is_some());
    let mut spoilt = cookie.clone();
    spoilt.replace_range(40..41, if &spoilt[40..41] == "A" { "B" } else { "A" });
    for wrong in [spoilt.as_str(), "", "!", &"A".repeat(5000)] {
        assert!(scene.access.oidc_journey(wrong).is_none());
    }
    house.clock.advance(15 * MINUTE);
    assert!(scene.access.oidc_journey(cookie).is_none(), "a quarter of an hour is over");
    let long = vec![("state".to_owned(), "x".repeat(4000))];
    assert!(matches!(scene.access.begin_oidc(None, false, long, BACK).await, Err(SignInError::Refused)));
}

async fn an_account_is_bound_by_the_system_administrator_and_never_that_of_an_officer(house: House) {
    let scene = scene(&house, false, unhurried());
    assert!(matches!(scene.sign_in(doctor("li")).await, Err(SignInError::Refused)));
    assert_eq!(house.last_leaf(), "authentication refused identity-not-bound");
    house.person_with_password("wang", Role::Radiologist).await;
    let bind = async |officer, name: &str, subject: &str| {
        scene.access.bind_person(officer, &actor(name), subject).await
    };
    assert!(matches!(bind(&house.security_officer, "wang", "li").await, Err(AdminError::Refused(_))));
    for officer in ["sys", "sec", "aud"] {
        assert!(matches!(bind(&house.system_officer, officer, "li").await, Err(AdminError::OfficerAccount)));
    }
    assert!(matches!(bind(&house.system_officer, "nobody", "li").await, Err(AdminError::NotFound)));
    assert!(matches!(bind(&house.system_officer, "wang", "").await, Err(AdminError::Subject)));
    bind(&house.system_officer, "wang", "li").await.unwrap();
    assert!(matches!(bind(&house.system_officer, "wang", "other").await, Err(AdminError::AlreadyExists)));
    let signed_in = scene.sign_in_as(doctor("li"), Some(Role::Clinician)).await.unwrap();
    assert_eq!(signed_in.session.actor(), &actor("wang"));
    assert!(house.login("wang", PASSWORD, Some(Role::Radiologist)).await.is_ok());
    scene.access.unbind_person(&house.system_officer, &actor("wang")).await.unwrap();
    assert!(!scene.lives(&signed_in).await);
    assert_eq!(roles_of(&house, "wang").await, [Role::Radiologist]);
    assert!(matches!(scene.sign_in(doctor("li")).await, Err(SignInError::Refused)));
}

async fn a_second_factor_there_counts_as_of_when_it_was_proved(house: House) {
    let rules = SignInRules { second_factor_for: BTreeSet::from([Role::Clinician]), ..unhurried() };
    let scene = scene(&house, true, rules);
    let mut claims = doctor("li");
    for (name, value) in [("amr", json!(["pwd", "mfa"])), ("acr", json!("urn:two")), ("amr", json!("mfa"))] {
        let mut claims = claims.clone();
        claims[name] = value;
        let signed_in = scene.sign_in(claims).await.unwrap();
        assert_eq!(
            (signed_in.session.stage(), signed_in.session.proved()),
            (Stage::Whole, Some(house.now()))
        );
    }
    for (name, value) in [("amr", json!(["otp"])), ("acr", json!(["urn:two"])), ("amr", json!({"mfa": 1}))] {
        let mut claims = claims.clone();
        claims[name] = value;
        let signed_in = scene.sign_in(claims).await.unwrap();
        assert_eq!((signed_in.session.stage(), signed_in.session.proved()), (Stage::Enrol, None));
    }
    // Proved an hour ago is proved an hour ago.
    house.clock.advance(120 * MINUTE);
    let hour_ago = scene.provider.now_s() - 3600;
    (claims["amr"], claims["auth_time"]) = (json!(["mfa"]), json!(hour_ago));
    let signed_in = scene.sign_in(claims.clone()).await.unwrap();
    assert_eq!(signed_in.session.proved().unwrap().as_ms(), hour_ago * 1000);
    // And no step-up: neither for a local app nor for anything else that asks who is there now.
    claims["amr"] = json!(["pwd"]);
    let waits = scene.sign_in(claims).await.unwrap();
    let none = || Secret::new(String::new());
    let refused = scene.access.begin_second_factor(&waits.session, none()).await;
    assert!(matches!(refused, Err(SignInError::Refused)));
    let fresh = scene.sign_in(doctor("li")).await.unwrap();
    assert!(scene.access.begin_second_factor(&fresh.session, none()).await.is_ok());
    // Who has a password and leaves it empty has not given it.
    house.person_with_password("wang", Role::Radiologist).await;
    let local = house.login("wang", PASSWORD, None).await.unwrap();
    assert!(scene.access.begin_second_factor(&local.session, none()).await.is_err());
}

async fn what_the_provider_ends_is_over_and_what_comes_later_is_not(house: House) {
    let scene = scene(&house, true, unhurried());
    let with_session = |sub: &str, sid: &str| {
        let mut claims = doctor(sub);
        claims["sid"] = json!(sid);
        claims
    };
    let one = scene.sign_in(with_session("li", "one")).await.unwrap();
    let two = scene.sign_in(with_session("li", "two")).await.unwrap();
    let other = scene.sign_in(with_session("wang", "three")).await.unwrap();
    let logout = async |token: &str| scene.access.oidc_logout(token, REMOTE).await;
    assert_eq!(logout(&scene.provider.logout(&json!({"sid": "one", "sub": "li"}))).await.unwrap(), 1);
    assert_eq!(house.last_leaf(), "authentication permitted provider-logout");
    assert!(!scene.lives(&one).await && scene.lives(&two).await && scene.lives(&other).await);
    // What came of an ID token without a session could rest on the one that is over.
    let unnamed = scene.sign_in(doctor("li")).await.unwrap();
    let of_other = scene.sign_in(doctor("wang")).await.unwrap();
    assert_eq!(logout(&scene.provider.logout(&json!({"sid": "gone"}))).await.unwrap(), 0);
    assert_eq!(logout(&scene.provider.logout(&json!({"sid": "gone", "sub": "li"}))).await.unwrap(), 1);
    assert!(!scene.lives(&unnamed).await && scene.lives(&two).await);
    assert!(scene.lives(&of_other).await && scene.lives(&other).await);
    let token = scene.provider.logout(&json!({"sub": "li"}));
    assert_eq!(logout(&token).await.unwrap(), 1);
    assert!(!scene.lives(&two).await && scene.lives(&other).await);
    // The same token again, within its time, ends nothing that was opened since.
    house.clock.advance(Duration::from_secs(61));
    let later = scene.sign_in(with_session("li", "four")).await.unwrap();
    assert_eq!(logout(&token).await.unwrap(), 0);
    assert!(scene.lives(&later).await);
    assert!(matches!(logout("x.y.z").await, Err(SignInError::Refused)));
    assert_eq!(house.last_leaf(), "authentication refused provider-token-malformed");
}

async fn without_a_provider_nothing_of_this_is_there(house: House) {
    assert!(house.access.oidc_label().is_none());
    let begun = house.access.begin_oidc(None, false, Vec::new(), BACK).await;
    assert!(matches!(begun, Err(SignInError::NoDirectory)));
    assert!(matches!(house.access.oidc_logout("x", REMOTE).await, Err(SignInError::NoDirectory)));
    let bound = house.access.bind_person(&house.system_officer, &actor("sys"), "x").await;
    assert!(matches!(bound, Err(AdminError::NoDirectory)));
}

async fn two_first_sign_ins_at_the_same_time_make_one_account(house: House) {
    let scene = scene(&house, true, unhurried());
    for number in 0..20 {
        let sub = format!("li-{number}");
        *scene.provider.claims.lock().unwrap() = doctor(&sub);
        let (journey, state) = scene.begin(None).await;
        let both = tokio::join!(scene.finish(Some(&journey), &state), scene.finish(Some(&journey), &state));
        assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        let people = house.access.people(&house.system_officer).await.unwrap();
        let made = actor(&format!("dr-{sub}"));
        assert_eq!(people.iter().filter(|person| person.actor == made).count(), 1);
    }
}

//! Tokens as an issuer signs them for a program, and as it does not.

#![allow(clippy::indexing_slicing, reason = "a claim is changed by its name; tests fail by panicking")]

use super::super::{EXTERNAL_LIFETIME_MAX, TokenAlgorithm};
use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use yingdun_crypto::sign::SigningKey;

const NOW_S: i64 = 1_800_000_000;
const ISSUER: &str = "https://sso.example";
const US: &str = "https://archive.example";

struct Signer(SigningKey);

impl Signer {
    fn new() -> Self {
        Self(SigningKey::generate())
    }

    fn keys(&self) -> ProviderKeys {
        let x = URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x, "use": "sig"}]});
        ProviderKeys::parse(set.to_string().as_bytes()).unwrap()
    }

    fn sign_text(&self, head: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes())))
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        self.sign_text(&head.to_string(), &claims.to_string())
    }

    fn with(&self, claim: &str, value: Value) -> String {
        let mut said = claims();
        said[claim] = value;
        self.sign(&head(), &said)
    }
}

fn head() -> Value {
    json!({"alg": "EdDSA", "kid": "a", "typ": "at+jwt"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": US, "sub": "portal", "client_id": "portal", "jti": "j", "scope": "search view openid",
        "iat": NOW_S, "exp": NOW_S + 300,
    })
}

fn rules() -> TokenIssuerRules {
    TokenIssuerRules {
        issuer: ISSUER.into(),
        audience: US.into(),
        algorithms: BTreeSet::from([TokenAlgorithm::EdDsa, TokenAlgorithm::Rs256]),
        skew: Duration::from_secs(30),
        lifetime_max: EXTERNAL_LIFETIME_MAX,
    }
}

fn judged(token: &str, keys: &ProviderKeys) -> Result<ExternalClaims, ExternalFault> {
    Unverified::read(token)?.judge(keys, &rules(), Timestamp::from_ms(NOW_S * 1000))
}

#[test]
fn a_token_tells_of_a_program_and_asks_for_some_of_what_there_is() {
    let signer = Signer::new();
    let told = judged(&signer.sign(&head(), &claims()), &signer.keys()).unwrap();
    let name = ExternalName { issuer: ISSUER.into(), client: "portal".into(), subject: "portal".into() };
    assert_eq!((told.name, told.bound), (name, Bound::default()));
    assert_eq!(told.scopes, BTreeSet::from([Scope::Search, Scope::View]));
    assert_eq!(told.ends, Timestamp::from_ms((NOW_S + 330) * 1000));
    for kind in ["AT+JWT", "application/at+jwt"] {
        let head = json!({"alg": "EdDSA", "kid": "a", "typ": kind});
        assert!(judged(&signer.sign(&head, &claims()), &signer.keys()).is_ok(), "{kind}");
    }
    let mut silent = claims();
    silent.as_object_mut().unwrap().remove("scope");
    let silent = judged(&signer.sign(&head(), &silent), &signer.keys()).unwrap();
    assert_eq!(silent.scopes, BTreeSet::new(), "who asks for nothing gets nothing");
}

#[test]
fn what_is_wrong_with_a_token_refuses_it() {
    use ExternalFault as Fault;
    let signer = Signer::new();
    let keys = signer.keys();
    let cases = [
        ("iss", json!("https://sso.example/"), Fault::UnknownIssuer),
        ("iss", json!([ISSUER]), Fault::UnknownIssuer),
        ("aud", json!("https://other.example"), Fault::Audience),
        ("aud", json!([]), Fault::Audience),
        ("aud", json!(["https://other.example"]), Fault::Audience),
        ("aud", json!({US: US}), Fault::Audience),
        ("aud", json!([US, "account"]), Fault::SharedAudience),
        ("exp", json!(NOW_S - 30), Fault::Expired),
        ("exp", json!(NOW_S + 3601), Fault::LongLived),
        ("exp", json!("1800000300"), Fault::Malformed),
        ("exp", json!(1.8e9), Fault::Malformed),
        ("iat", json!(NOW_S + 31), Fault::NotYet),
        ("nbf", json!(NOW_S + 31), Fault::NotYet),
        ("nbf", json!("soon"), Fault::Malformed),
        ("sub", json!(""), Fault::Incomplete),
        ("sub", json!(4711), Fault::Incomplete),
        ("client_id", json!(["portal"]), Fault::Incomplete),
        ("client_id", json!("x".repeat(256)), Fault::Incomplete),
        ("jti", json!(""), Fault::Incomplete),
        ("scope", json!(["search"]), Fault::Malformed),
        ("cnf", json!({}), Fault::Confirmation),
        ("cnf", json!("portal"), Fault::Confirmation),
        ("cnf", json!({"jkt": "short"}), Fault::Confirmation),
        ("cnf", json!({"jwk": {"kty": "OKP"}}), Fault::Confirmation),
        ("cnf", json!({"kid": URL_SAFE_NO_PAD.encode([7; 32])}), Fault::Confirmation),
    ];
    for (claim, value, fault) in cases {
        let told = format!("{claim} {value}");
        assert_eq!(judged(&signer.with(claim, value), &keys).unwrap_err(), fault, "{told}");
    }
    for (claim, fault) in [
        ("iss", Fault::UnknownIssuer),
        ("aud", Fault::Audience),
        ("exp", Fault::Incomplete),
        ("iat", Fault::Incomplete),
        ("sub", Fault::Incomplete),
        ("client_id", Fault::Incomplete),
        ("jti", Fault::Incomplete),
    ] {
        let mut said = claims();
        said.as_object_mut().unwrap().remove(claim);
        let token = signer.sign(&head(), &said);
        assert_eq!(judged(&token, &keys).unwrap_err(), fault, "without {claim}");
    }
}

#[test]
fn clocks_may_be_apart_as_far_as_is_configured() {
    let signer = Signer::new();
    for (claim, value) in [("exp", NOW_S - 29), ("iat", NOW_S + 30), ("nbf", NOW_S + 30)] {
        let mut said = claims();
        said["iat"] = json!(NOW_S - 100);
        said[claim] = json!(value);
        assert!(judged(&signer.sign(&head(), &said), &signer.keys()).is_ok(), "{claim}");
    }
}

#[test]
fn only_an_access_token_is_one() {
    let signer = Signer::new();
    for kind in
        [json!("JWT"), json!("logout+jwt"), json!("dpop+jwt"), json!(""), json!(null), json!(["at+jwt"])]
    {
        let head = json!({"alg": "EdDSA", "kid": "a", "typ": kind});
        let fault = judged(&signer.sign(&head, &claims()), &signer.keys()).unwrap_err();
        assert_eq!(fault, ExternalFault::WrongKind, "{kind}");
    }
    let without = signer.sign(&json!({"alg": "EdDSA", "kid": "a"}), &claims());
    assert_eq!(judged(&without, &signer.keys()).unwrap_err(), ExternalFault::WrongKind);
}

#[test]
fn a_token_chooses_nothing_of_how_it_is_verified() {
    use ExternalFault as Fault;
    let signer = Signer::new();
    let keys = signer.keys();
    for (algorithm, fault) in [
        (json!("none"), Fault::Algorithm),
        (json!("HS256"), Fault::Algorithm),
        (json!("ES256"), Fault::Algorithm),
        (json!(null), Fault::Algorithm),
        // Allowed, and the key under this name is none of it.
        (json!("RS256"), Fault::UnknownKey),
    ] {
        let token = signer.sign(&json!({"alg": algorithm, "kid": "a", "typ": "at+jwt"}), &claims());
        assert_eq!(judged(&token, &keys).unwrap_err(), fault, "{algorithm}");
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert_eq!(judged(&unsigned, &keys).unwrap_err(), fault, "{algorithm} without a signature");
    }
    let stranger = Signer::new();
    let x = URL_SAFE_NO_PAD.encode(stranger.0.verifying_key().as_bytes());
    let own = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x});
    let more = [
        ("jku", json!("https://stranger.example/keys")),
        ("x5u", json!("https://stranger.example/chain")),
        ("jwk", own),
        ("x5c", json!(["AAAA"])),
    ];
    for (name, value) in more {
        let mut head = head();
        head[name] = value;
        let fault = judged(&stranger.sign(&head, &claims()), &keys).unwrap_err();
        assert_eq!(fault, Fault::Signature, "the same key name, and {name}");
        assert!(judged(&signer.sign(&head, &claims()), &keys).is_ok(), "{name} is not looked at");
    }
    let mut critical = head();
    critical["crit"] = json!(["x"]);
    critical["x"] = json!(1);
    assert_eq!(judged(&signer.sign(&critical, &claims()), &keys).unwrap_err(), Fault::Malformed);
    let mut other = head();
    other["kid"] = json!("b");
    assert_eq!(judged(&signer.sign(&other, &claims()), &keys).unwrap_err(), Fault::UnknownKey);
}

#[test]
fn what_is_said_twice_is_not_said_at_whatever_depth() {
    let signer = Signer::new();
    let said = claims().to_string();
    let body = said.trim_end_matches('}');
    for twice in [
        format!("{body},\"sub\":\"portal\"}}"),
        format!("{body},\"client_id\":\"other\"}}"),
        format!("{body},\"x\":[{{\"a\":1,\"a\":1}}]}}"),
        format!("{body},\"cnf\":{{\"jkt\":\"a\",\"jkt\":\"a\"}}}}"),
    ] {
        let token = signer.sign_text(&head().to_string(), &twice);
        assert_eq!(judged(&token, &signer.keys()).unwrap_err(), ExternalFault::Malformed, "{twice}");
    }
    for twice in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"JWT","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt","x":1,"x":1}"#,
    ] {
        let token = signer.sign_text(twice, &said);
        assert_eq!(judged(&token, &signer.keys()).unwrap_err(), ExternalFault::Malformed, "{twice}");
    }
}

#[test]
fn what_a_token_is_bound_to_is_what_has_to_be_shown() {
    let signer = Signer::new();
    let text = |byte: u8| URL_SAFE_NO_PAD.encode([byte; 32]);
    let both = signer.with("cnf", json!({"jkt": text(1), "x5t#S256": text(2)}));
    let bound = judged(&both, &signer.keys()).unwrap().bound;
    assert_eq!((bound.key, bound.certificate, bound.credential), (Some([1; 32]), Some([2; 32]), None));
    // A bound token that others are given as well opens nothing for them.
    let mut shared = claims();
    shared["aud"] = json!([US, "account"]);
    shared["cnf"] = json!({"jkt": text(1)});
    assert!(judged(&signer.sign(&head(), &shared), &signer.keys()).is_ok());
}

#[test]
fn a_token_is_known_by_what_is_signed_and_is_not_too_long() {
    let signer = Signer::new();
    let one = judged(&signer.sign(&head(), &claims()), &signer.keys()).unwrap();
    let same = judged(&signer.sign(&head(), &claims()), &signer.keys()).unwrap();
    let other = judged(&signer.with("jti", json!("k")), &signer.keys()).unwrap();
    assert_eq!(one.digest, same.digest);
    assert_ne!(one.digest, other.digest);
    let long = signer.with("x", json!("y".repeat(EXTERNAL_TOKEN_BYTES_MAX)));
    assert_eq!(judged(&long, &signer.keys()).unwrap_err(), ExternalFault::Malformed);
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let said = claims().to_string();
    let deep =
        signer.sign_text(&head().to_string(), &format!("{},\"x\":{deep}}}", said.trim_end_matches('}')));
    assert_eq!(judged(&deep, &signer.keys()).unwrap_err(), ExternalFault::Malformed);
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_token_is_believed(at in 0_usize..10_000, flip in 1_u8..128) {
        let signer = Signer::new();
        let token = signer.sign(&head(), &claims());
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(changed) = String::from_utf8(bytes) {
            // The last character of a signature holds bits that are not read.
            prop_assume!(at != token.len() - 1);
            prop_assert!(judged(&changed, &signer.keys()).is_err());
        }
    }

    #[test]
    fn no_text_is_a_token_or_a_panic(text in "\\PC{0,80}") {
        prop_assert!(judged(&text, &Signer::new().keys()).is_err());
    }
}

//! Tokens as a provider signs them, and as it does not.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use yingdun_crypto::sign::SigningKey;

const NOW_S: i64 = 1_800_000_000;
const ISSUER: &str = "https://sso.example";
const AGE_MAX: Duration = Duration::from_secs(3600);

struct Signer(SigningKey);

impl Signer {
    fn new() -> Self {
        Self(SigningKey::generate())
    }

    fn jwk(&self, id: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x, "use": "sig"})
    }

    fn keys(&self) -> ProviderKeys {
        keys(vec![self.jwk("a")]).unwrap()
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(head), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// An ID token, with changes to what it says.
    fn id_token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": "yingdun", "sub": "4711", "nonce": "n", "sid": "s",
            "iat": NOW_S, "exp": NOW_S + 300, "auth_time": NOW_S - 10,
            "groups": ["a", "b"], "realm": {"x/y": ["c"]},
        });
        change(&mut claims);
        self.sign(&head(), &claims)
    }

    fn logout(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": "yingdun", "sub": "4711", "jti": "j", "iat": NOW_S, "exp": NOW_S + 120,
            "events": {LOGOUT_EVENT: {}},
        });
        change(&mut claims);
        self.sign(&json!({"alg": "EdDSA", "kid": "a", "typ": "logout+jwt"}), &claims)
    }
}

fn head() -> Value {
    json!({"alg": "EdDSA", "kid": "a", "typ": "JWT"})
}

fn keys(keys: Vec<Value>) -> Result<ProviderKeys, String> {
    ProviderKeys::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn expected() -> Expected<'static> {
    let now = Timestamp::from_ms(NOW_S * 1000);
    Expected { issuer: ISSUER, client_id: "yingdun", nonce: "n", age_max: AGE_MAX, now }
}

fn read(token: &str, keys: &ProviderKeys) -> Result<IdToken, TokenFault> {
    IdToken::read(token, keys, expected())
}

#[test]
fn a_token_says_who_it_is_and_what_the_provider_knows() {
    let signer = Signer::new();
    let token = read(&signer.id_token(|_| {}), &signer.keys()).unwrap();
    assert_eq!((token.subject.as_str(), token.session.as_deref()), ("4711", Some("s")));
    assert_eq!(token.authenticated, Timestamp::from_ms((NOW_S - 10) * 1000));
    assert_eq!(token.words("groups"), ["a", "b"]);
    assert_eq!(token.words("/realm/x~1y"), ["c"]);
    for nothing in ["realm", "/realm", "/realm/x", "/groups/0/0", "/", "absent", ""] {
        assert!(token.words(nothing).is_empty(), "{nothing}");
    }
    assert_eq!(token.words("/groups/0"), ["a"]);
    let alone = read(&signer.id_token(|claims| claims["aud"] = json!(["yingdun"])), &signer.keys());
    assert!(alone.is_ok());
}

#[test]
fn what_is_wrong_with_a_token_refuses_it() {
    let signer = Signer::new();
    let keys = signer.keys();
    let cases: [(&str, Value, TokenFault); 22] = [
        ("iss", json!("https://sso.example/"), TokenFault::Issuer),
        ("iss", json!([ISSUER]), TokenFault::Issuer),
        ("aud", json!("other"), TokenFault::Audience),
        ("aud", json!(["yingdun", "other"]), TokenFault::Audience),
        ("aud", json!([]), TokenFault::Audience),
        ("azp", json!("other"), TokenFault::Audience),
        ("azp", json!(null), TokenFault::Audience),
        ("exp", json!(NOW_S - 60), TokenFault::Expired),
        ("exp", json!(null), TokenFault::Malformed),
        ("exp", json!("1900000000"), TokenFault::Malformed),
        ("exp", json!(1.9e9), TokenFault::Malformed),
        ("iat", json!(NOW_S + 61), TokenFault::NotYet),
        ("iat", json!(NOW_S - 361), TokenFault::Expired),
        ("nbf", json!(NOW_S + 61), TokenFault::NotYet),
        ("nonce", json!("m"), TokenFault::Nonce),
        ("nonce", json!(["n"]), TokenFault::Nonce),
        ("sub", json!(""), TokenFault::Subject),
        ("sub", json!(4711), TokenFault::Subject),
        ("sid", json!(["s"]), TokenFault::Malformed),
        ("auth_time", json!(NOW_S - 3661), TokenFault::OldAuthentication),
        ("auth_time", json!(NOW_S + 61), TokenFault::NotYet),
        ("events", json!({}), TokenFault::WrongKind),
    ];
    for (claim, value, fault) in cases {
        let told = format!("{claim} {value}");
        let token = signer.id_token(|claims| claims[claim] = value);
        assert_eq!(read(&token, &keys).unwrap_err(), fault, "{told}");
    }
    for (claim, fault) in [
        ("iss", TokenFault::Issuer),
        ("aud", TokenFault::Audience),
        ("exp", TokenFault::Expired),
        ("iat", TokenFault::Expired),
        ("nonce", TokenFault::Nonce),
        ("sub", TokenFault::Subject),
        ("auth_time", TokenFault::OldAuthentication),
    ] {
        let token = signer.id_token(|claims| drop(claims.as_object_mut().unwrap().remove(claim)));
        assert_eq!(read(&token, &keys).unwrap_err(), fault, "without {claim}");
    }
}

#[test]
fn a_clock_may_be_a_minute_off_and_no_authentication_is_in_the_future() {
    let signer = Signer::new();
    let token = signer.id_token(|claims| {
        claims["exp"] = json!(NOW_S - 59);
        claims["iat"] = json!(NOW_S + 60);
        claims["auth_time"] = json!(NOW_S + 60);
    });
    let token = read(&token, &signer.keys()).unwrap();
    assert_eq!(token.authenticated, expected().now);
}

#[test]
fn a_token_chooses_nothing_of_how_it_is_verified() {
    let signer = Signer::new();
    let claims: Value = json!({"iss": ISSUER});
    for (algorithm, fault) in [
        ("none", TokenFault::Algorithm),
        ("None", TokenFault::Algorithm),
        ("HS256", TokenFault::Algorithm),
        ("HS512", TokenFault::Algorithm),
        // The key under this name is none of RSA.
        ("RS256", TokenFault::UnknownKey),
        ("ES256", TokenFault::UnknownKey),
    ] {
        let token = signer.sign(&json!({"alg": algorithm, "kid": "a"}), &claims);
        assert_eq!(read(&token, &signer.keys()).unwrap_err(), fault, "{algorithm}");
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert_eq!(read(&unsigned, &signer.keys()).unwrap_err(), fault, "{algorithm} without a signature");
    }
    let crit = signer.sign(&json!({"alg": "EdDSA", "kid": "a", "crit": ["x"], "x": 1}), &claims);
    assert_eq!(read(&crit, &signer.keys()).unwrap_err(), TokenFault::Malformed);
    // A key that it brings along is not looked at.
    let other = Signer::new();
    let brought = other.sign(&json!({"alg": "EdDSA", "kid": "a", "jwk": other.jwk("a")}), &claims);
    assert_eq!(read(&brought, &signer.keys()).unwrap_err(), TokenFault::Signature);
    let kind = signer.sign(&json!({"alg": "EdDSA", "kid": "a", "typ": "logout+jwt"}), &claims);
    assert_eq!(read(&kind, &signer.keys()).unwrap_err(), TokenFault::WrongKind);
}

#[test]
fn a_key_is_the_one_that_is_named_or_the_only_one() {
    let (one, two) = (Signer::new(), Signer::new());
    let both = keys(vec![one.jwk("a"), two.jwk("b")]).unwrap();
    assert!(read(&one.id_token(|_| {}), &both).is_ok());
    assert_eq!(read(&two.id_token(|_| {}), &both).unwrap_err(), TokenFault::Signature);
    let nameless = |signer: &Signer| {
        let named = signer.id_token(|_| {});
        let claims = URL_SAFE_NO_PAD.decode(named.split('.').nth(1).unwrap()).unwrap();
        signer.sign(&json!({"alg": "EdDSA"}), &serde_json::from_slice(&claims).unwrap())
    };
    assert!(read(&nameless(&one), &one.keys()).is_ok());
    assert_eq!(read(&nameless(&one), &both).unwrap_err(), TokenFault::UnknownKey);
    let twice = keys(vec![one.jwk("a"), two.jwk("a")]).unwrap();
    assert_eq!(read(&one.id_token(|_| {}), &twice).unwrap_err(), TokenFault::UnknownKey);
}

#[test]
fn key_sets_are_bounded_and_hold_keys_for_signatures() {
    let signer = Signer::new();
    assert_eq!(keys(vec![signer.jwk("a"); KEYS_MAX]).unwrap().count(), KEYS_MAX);
    assert!(keys(vec![signer.jwk("a"); KEYS_MAX + 1]).is_err());
    let mut encrypts = signer.jwk("a");
    encrypts["use"] = json!("enc");
    let shared = json!({"kty": "oct", "kid": "a", "k": "AAAA"});
    let curve = json!({"kty": "EC", "crv": "secp256k1", "kid": "a", "x": "AA", "y": "AA"});
    for none in [vec![], vec![encrypts], vec![shared], vec![curve], vec![json!("a")]] {
        assert!(keys(none).is_err());
    }
    assert!(ProviderKeys::parse(b"[]").is_err() && ProviderKeys::parse(b"").is_err());
}

#[test]
fn a_logout_token_says_whose_session_is_over_and_is_no_id_token() {
    let signer = Signer::new();
    let now = expected().now;
    let read = |token: &str| LogoutToken::read(token, &signer.keys(), ISSUER, "yingdun", now);
    let logout = read(&signer.logout(|_| {})).unwrap();
    assert_eq!((logout.subject.as_deref(), logout.session), (Some("4711"), None));
    let wrong = |claim: &str, value: Value| read(&signer.logout(|claims| claims[claim] = value)).unwrap_err();
    assert_eq!(wrong("nonce", json!("n")), TokenFault::WrongKind);
    assert_eq!(wrong("events", json!({})), TokenFault::WrongKind);
    assert_eq!(wrong("events", json!({LOGOUT_EVENT: true})), TokenFault::WrongKind);
    assert_eq!(wrong("jti", json!("")), TokenFault::Malformed);
    assert_eq!(wrong("aud", json!("other")), TokenFault::Audience);
    assert_eq!(wrong("exp", json!(NOW_S - 60)), TokenFault::Expired);
    let nobody = signer.logout(|claims| drop(claims.as_object_mut().unwrap().remove("sub")));
    assert_eq!(read(&nobody).unwrap_err(), TokenFault::Subject);
    assert_eq!(read(&signer.id_token(|_| {})).unwrap_err(), TokenFault::WrongKind);
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_token_is_believed(at in 0_usize..10_000, flip in 1_u8..128) {
        let signer = Signer::new();
        let token = signer.id_token(|_| {});
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(changed) = String::from_utf8(bytes) {
            // The last character of a signature holds bits that are not read.
            prop_assume!(at != token.len() - 1);
            prop_assert!(read(&changed, &signer.keys()).is_err());
        }
    }

    #[test]
    fn no_text_is_a_token_or_a_panic(text in "\\PC{0,80}") {
        let signer = Signer::new();
        prop_assert!(read(&text, &signer.keys()).is_err());
        prop_assert!(ProviderKeys::parse(text.as_bytes()).is_err());
    }
}

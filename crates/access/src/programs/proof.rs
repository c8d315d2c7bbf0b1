//! Proofs of possession (DPoP, RFC 9449): a token of the program's own making that says for which request it is. Pure functions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use yingdun_crypto::digest::{same, sha256};
use yingdun_crypto::public_key::PublicKey;
use yingdun_model::Timestamp;

/// The longest proof that is looked at: a key, a path, a nonce.
const PROOF_BYTES_MAX: usize = 4096;
/// How far the clock of a program may be from ours. That a proof is fresh says our nonce, which it has to carry; this only finds clocks
/// that are wrong.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// The shortest and longest name of a proof (`jti`).
const NAME_BYTES: std::ops::RangeInclusive<usize> = 8..=256;
/// What a proof says that it is (RFC 9449 §4.2).
const KIND: &str = "dpop+jwt";
/// Members of a JSON Web Key that are private, or of a secret shared by both.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a proof is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofFault {
    Malformed,
    Algorithm,
    Signature,
    Method,
    Address,
    Clock,
    Token,
}

impl ProofFault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::Malformed,
        Self::Algorithm,
        Self::Signature,
        Self::Method,
        Self::Address,
        Self::Clock,
        Self::Token,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "proof-of-key-malformed",
            Self::Algorithm => "proof-of-key-algorithm",
            Self::Signature => "proof-of-key-wrong-signature",
            Self::Method => "proof-of-key-other-method",
            Self::Address => "proof-of-key-other-address",
            Self::Clock => "proof-of-key-wrong-clock",
            Self::Token => "proof-of-key-other-token",
        }
    }
}

/// What a proof has to be for.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    /// The address of the request as programs reach it, without query.
    pub(crate) uri: &'a str,
    /// The token beside it; none where one is only asked for.
    pub(crate) token: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// A proof that is believed, as far as it can be without knowing what came before.
#[derive(Debug)]
pub(crate) struct Proved {
    /// The thumbprint of the key (RFC 7638).
    pub(crate) key: [u8; 32],
    /// A digest over key and name of the proof: what may come once.
    pub(crate) once: [u8; 32],
    /// The value of ours that it carries.
    pub(crate) nonce: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    typ: String,
    alg: String,
    jwk: Map<String, Value>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Verifies and judges a proof (RFC 9449 §4.3), but for its nonce and whether it came before.
pub(crate) fn judge(proof: &str, expected: Expected<'_>) -> Result<Proved, ProofFault> {
    let (key, claims) = verify(proof)?;
    if !NAME_BYTES.contains(&claims.jti.len()) {
        return Err(ProofFault::Malformed);
    }
    if claims.htm != expected.method {
        return Err(ProofFault::Method);
    }
    // What stands behind the path is not compared (§4.3 item 9).
    let address = claims.htu.split(['?', '#']).next().unwrap_or_default();
    if address != expected.uri {
        return Err(ProofFault::Address);
    }
    let issued = claims.iat.checked_mul(1000).map(Timestamp::from_ms).ok_or(ProofFault::Clock)?;
    if issued > expected.now.after(CLOCK_SKEW_MAX) || issued.after(CLOCK_SKEW_MAX) < expected.now {
        return Err(ProofFault::Clock);
    }
    match (expected.token, claims.ath) {
        (None, None) => {}
        (Some(token), Some(hash)) => {
            let hash = URL_SAFE_NO_PAD.decode(hash).ok().and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            if !hash.is_some_and(|hash| same(&hash, &sha256(token.as_bytes()))) {
                return Err(ProofFault::Token);
            }
        }
        // A proof for a token is none for asking for another one.
        (None, Some(_)) | (Some(_), None) => return Err(ProofFault::Token),
    }
    let thumbprint = key.jwk_thumbprint();
    let once = sha256(&[b"yingdun/dpop/v1".as_slice(), &thumbprint, claims.jti.as_bytes()].concat());
    Ok(Proved { key: thumbprint, once, nonce: claims.nonce })
}

// === helpers ===

/// Verifies the signature of a proof by the key that it carries.
fn verify(proof: &str) -> Result<(PublicKey, Claims), ProofFault> {
    let malformed = ProofFault::Malformed;
    if proof.len() > PROOF_BYTES_MAX {
        return Err(malformed);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(malformed)?;
    let (head, claims) = signed.split_once('.').ok_or(malformed)?;
    let head: Head = read(head).ok_or(malformed)?;
    // An extension that has to be understood (RFC 7515 §4.1.11), and none is.
    if head.typ != KIND || head.crit.is_some() || PRIVATE.iter().any(|member| head.jwk.contains_key(*member))
    {
        return Err(malformed);
    }
    let member = |name: &str| head.jwk.get(name).and_then(Value::as_str);
    let key = PublicKey::from_jwk(
        member("kty").unwrap_or_default(),
        member("crv").unwrap_or_default(),
        member("x").unwrap_or_default(),
        member("y"),
    );
    let key = key.ok_or(ProofFault::Algorithm)?;
    let algorithm = match key {
        PublicKey::Ed25519(_) => "EdDSA",
        PublicKey::P256(_) => "ES256",
    };
    if head.alg != algorithm {
        return Err(ProofFault::Algorithm);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err(ProofFault::Signature);
    }
    Ok((key, read(claims).ok_or(malformed)?))
}

fn read<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use yingdun_crypto::sign::SigningKey;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
    const URI: &str = "https://archive.example/dicom-web/studies";
    const TOKEN: &str = "a-token";

    struct Made {
        head: Value,
        claims: Value,
        key: SigningKey,
    }

    impl Made {
        fn new() -> Self {
            let key = SigningKey::generate();
            let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
            let head = json!({"typ": KIND, "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
            let hash = URL_SAFE_NO_PAD.encode(sha256(TOKEN.as_bytes()));
            let claims = json!({
                "jti": "a-name-of-its-own", "htm": "GET", "htu": format!("{URI}?limit=1#x"), "iat": 1_800_000_000,
                "ath": hash, "nonce": "n",
            });
            Self { head, claims, key }
        }

        fn text(&self) -> String {
            let [head, claims] =
                [&self.head, &self.claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let signed = format!("{head}.{claims}");
            let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
            format!("{signed}.{signature}")
        }
    }

    fn expected() -> Expected<'static> {
        Expected { method: "GET", uri: URI, token: Some(TOKEN), now: NOW }
    }

    fn fault(change: impl Fn(&mut Made)) -> Option<ProofFault> {
        let mut made = Made::new();
        change(&mut made);
        judge(&made.text(), expected()).err()
    }

    #[test]
    fn a_proof_is_for_one_key_one_token_and_one_request() {
        let made = Made::new();
        let proved = judge(&made.text(), expected()).unwrap();
        assert_eq!(proved.nonce.as_deref(), Some("n"));
        assert_eq!(proved.once, judge(&made.text(), expected()).unwrap().once);
        assert_ne!(proved.once, judge(&Made::new().text(), expected()).unwrap().once, "of another key");
        assert_eq!(fault(|made| made.claims["htm"] = "POST".into()), Some(ProofFault::Method));
        for other in [
            "https://archive.example/dicom-web/series",
            "https://other.example/dicom-web/studies",
            "http://archive.example/dicom-web/studies",
            "https://archive.example/dicom-web/studies/",
            "?https://archive.example/dicom-web/studies",
        ] {
            assert_eq!(fault(|made| made.claims["htu"] = other.into()), Some(ProofFault::Address), "{other}");
        }
        let other = URL_SAFE_NO_PAD.encode(sha256(b"another"));
        assert_eq!(fault(|made| made.claims["ath"] = other.as_str().into()), Some(ProofFault::Token));
        assert_eq!(fault(|made| made.claims["ath"] = Value::Null), Some(ProofFault::Token));
        let asking = Expected { token: None, ..expected() };
        assert_eq!(judge(&Made::new().text(), asking).err(), Some(ProofFault::Token));
    }

    #[test]
    fn a_clock_that_is_wrong_is_found() {
        for (seconds, outcome) in
            [(-301, Some(ProofFault::Clock)), (-300, None), (300, None), (301, Some(ProofFault::Clock))]
        {
            assert_eq!(
                fault(|made| made.claims["iat"] = (1_800_000_000 + seconds).into()),
                outcome,
                "{seconds}"
            );
        }
        assert_eq!(fault(|made| made.claims["iat"] = i64::MAX.into()), Some(ProofFault::Clock));
        assert_eq!(fault(|made| made.claims["iat"] = "now".into()), Some(ProofFault::Malformed));
    }

    #[test]
    fn nothing_that_a_proof_says_of_itself_chooses_how_it_is_verified() {
        for algorithm in ["none", "HS256", "ES256", "RS256", "eddsa"] {
            assert_eq!(fault(|made| made.head["alg"] = algorithm.into()), Some(ProofFault::Algorithm));
        }
        assert_eq!(fault(|made| made.head["typ"] = "JWT".into()), Some(ProofFault::Malformed));
        assert_eq!(fault(|made| made.head["crit"] = json!(["x"])), Some(ProofFault::Malformed));
        assert_eq!(fault(|made| made.head["jwk"]["d"] = "AA".into()), Some(ProofFault::Malformed));
        assert_eq!(fault(|made| made.head["jwk"]["kty"] = "oct".into()), Some(ProofFault::Algorithm));
        assert_eq!(fault(|made| made.key = SigningKey::generate()), Some(ProofFault::Signature));
        assert_eq!(fault(|made| made.claims["jti"] = "short".into()), Some(ProofFault::Malformed));
        let long = "x".repeat(PROOF_BYTES_MAX);
        assert_eq!(judge(&long, expected()).err(), Some(ProofFault::Malformed));
    }

    proptest! {
        #[test]
        fn a_proof_with_one_changed_character_is_none(at in 0_usize..400, with in "[A-Za-z0-9_.-]") {
            let mut text = Made::new().text();
            let at = at % text.len();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert!(judge(&text, expected()).is_err());
        }

        #[test]
        fn whatever_comes_is_refused_and_never_stops_us(text in ".{0,300}") {
            prop_assert!(judge(&text, expected()).is_err());
        }
    }
}

//! Signed tokens of a provider (JWT, RFC 7519): whose key signed, and what is claimed. Pure functions over bytes and a moment.
//!
//! The library verifies the signature; what is claimed is judged here, strictly: a claim of another type than the standard says is no claim,
//! and what must be there and is not refuses. Nothing that a token says of itself chooses how it is verified: the algorithm has to be one of
//! a short list of signatures by private keys (never `none`, never a shared secret), and has to fit the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use yingdun_model::Timestamp;

/// How far the clock of a provider may be from ours.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);
/// How old a token may be when it comes: it was made a moment ago.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// The longest token that is looked at: with all groups of a person, a few kilobytes.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Keys that a provider may have at a time: the present ones, the next and some old ones, of a few kinds.
const KEYS_MAX: usize = 32;
/// The longest subject (OpenID Connect Core §2).
const SUBJECT_BYTES_MAX: usize = 255;
/// The longest name of a session there.
const SESSION_BYTES_MAX: usize = 255;
/// Roles, groups and methods that are read of one claim.
const WORDS_MAX: usize = 1000;
/// What a logout token says that it is (OpenID Connect Back-Channel Logout §2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Malformed,
    Algorithm,
    UnknownKey,
    Signature,
    Issuer,
    Audience,
    Expired,
    NotYet,
    Nonce,
    Subject,
    OldAuthentication,
    WrongKind,
}

impl TokenFault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 12] = [
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYet,
        Self::Nonce,
        Self::Subject,
        Self::OldAuthentication,
        Self::WrongKind,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "provider-token-malformed",
            Self::Algorithm => "provider-token-algorithm",
            Self::UnknownKey => "provider-token-unknown-key",
            Self::Signature => "provider-token-wrong-signature",
            Self::Issuer => "provider-token-wrong-issuer",
            Self::Audience => "provider-token-wrong-audience",
            Self::Expired => "provider-token-expired",
            Self::NotYet => "provider-token-not-yet-valid",
            Self::Nonce => "provider-token-wrong-nonce",
            Self::Subject => "provider-token-without-subject",
            Self::OldAuthentication => "provider-token-old-sign-in",
            Self::WrongKind => "provider-token-of-another-kind",
        }
    }
}

/// The public keys of a provider.
#[derive(Clone)]
pub struct ProviderKeys(Vec<ProviderKey>);

#[derive(Clone)]
struct ProviderKey {
    id: Option<String>,
    kind: KeyKind,
    algorithm: Option<String>,
    key: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Shows how many there are.
impl fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderKeys({})", self.0.len())
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl ProviderKeys {
    /// Reads a key set (JWK Set, RFC 7517). Keys of other kinds than signatures are verified with are left out.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let set: KeySet = serde_json::from_slice(text).map_err(|_| "it is no JSON Web Key Set".to_owned())?;
        if set.keys.len() > KEYS_MAX {
            return Err(format!("there are {} keys, more than {KEYS_MAX}", set.keys.len()));
        }
        let keys: Vec<_> = set.keys.into_iter().filter_map(read_key).collect();
        if keys.is_empty() {
            return Err("there is no key in it by which a signature can be verified".into());
        }
        Ok(Self(keys))
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The key for a token: the one that is named, or the only one that fits when none is.
    fn find(&self, id: Option<&str>, kind: KeyKind, algorithm: &str) -> Option<&DecodingKey> {
        let fits = |key: &&ProviderKey| {
            key.kind == kind && key.algorithm.as_deref().is_none_or(|only| only == algorithm)
        };
        let mut fitting =
            self.0.iter().filter(fits).filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)));
        let first = fitting.next()?;
        // Two keys under one name, or none named among several: it would be a guess.
        fitting.next().is_none().then_some(&first.key)
    }
}

/// What an ID token says, once it is believed.
#[derive(Debug)]
pub(crate) struct IdToken {
    pub(crate) subject: String,
    /// The session at the provider, by its name there.
    pub(crate) session: Option<String>,
    /// When the person was authenticated, never in the future.
    pub(crate) authenticated: Timestamp,
    claims: Map<String, Value>,
}

/// What an ID token has to be for.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    /// The longest time since the person was authenticated.
    pub(crate) age_max: Duration,
    pub(crate) now: Timestamp,
}

/// What a logout token says, once it is believed: at least one of both is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogoutToken {
    pub(crate) subject: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) issued: Timestamp,
}

impl IdToken {
    /// Verifies and judges an ID token (OpenID Connect Core §3.1.3.7).
    pub(crate) fn read(token: &str, keys: &ProviderKeys, expected: Expected<'_>) -> Result<Self, TokenFault> {
        let (kind, claims) = verify(token, keys)?;
        if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("jwt")) || claims.contains_key("events") {
            return Err(TokenFault::WrongKind);
        }
        let issued = check_frame(&claims, expected.issuer, expected.client_id, expected.now)?;
        if text(&claims, "nonce") != Some(expected.nonce) {
            return Err(TokenFault::Nonce);
        }
        let subject = subject(&claims)?.ok_or(TokenFault::Subject)?;
        // It was asked for with `max_age`, so it has to be there.
        let authenticated = moment(&claims, "auth_time")?.ok_or(TokenFault::OldAuthentication)?;
        if authenticated > expected.now.after(CLOCK_SKEW_MAX) || authenticated > issued.after(CLOCK_SKEW_MAX)
        {
            return Err(TokenFault::NotYet);
        }
        if authenticated.after(expected.age_max).after(CLOCK_SKEW_MAX) < expected.now {
            return Err(TokenFault::OldAuthentication);
        }
        let session = session(&claims)?;
        Ok(Self { subject, session, authenticated: authenticated.min(expected.now), claims })
    }

    /// A claim that is one text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        found(&self.claims, claim)?.as_str()
    }

    /// A claim that is one word, or a list of words. What is anything else says nothing.
    pub(crate) fn words(&self, claim: &str) -> Vec<&str> {
        match found(&self.claims, claim) {
            Some(Value::String(word)) => vec![word],
            Some(Value::Array(words)) if words.len() <= WORDS_MAX => {
                words.iter().filter_map(Value::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl LogoutToken {
    /// Verifies and judges a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6).
    pub(crate) fn read(
        token: &str,
        keys: &ProviderKeys,
        issuer: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Self, TokenFault> {
        let (kind, claims) = verify(token, keys)?;
        let fits = |kind: String| kind.eq_ignore_ascii_case("logout+jwt") || kind.eq_ignore_ascii_case("jwt");
        if !kind.is_none_or(fits) || claims.contains_key("nonce") {
            return Err(TokenFault::WrongKind);
        }
        let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err(TokenFault::WrongKind);
        }
        if text(&claims, "jti").is_none_or(str::is_empty) {
            return Err(TokenFault::Malformed);
        }
        let issued = check_frame(&claims, issuer, client_id, now)?;
        let (subject, session) = (subject(&claims)?, session(&claims)?);
        if subject.is_none() && session.is_none() {
            return Err(TokenFault::Subject);
        }
        Ok(Self { subject, session, issued })
    }
}

// === helpers ===

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// Verifies the signature of a token by one of these keys, and gives its kind and what it claims.
pub(crate) fn verify(
    token: &str,
    keys: &ProviderKeys,
) -> Result<(Option<String>, Map<String, Value>), TokenFault> {
    if token.len() > TOKEN_BYTES_MAX || token.split('.').count() != 3 {
        return Err(TokenFault::Malformed);
    }
    let head = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    let head: Head = head.and_then(|head| serde_json::from_slice(&head).ok()).ok_or(TokenFault::Malformed)?;
    // An extension that has to be understood (RFC 7515 §4.1.11), and none is.
    if head.crit.is_some() {
        return Err(TokenFault::Malformed);
    }
    let (algorithm, kind) = match head.alg.as_str() {
        "RS256" => (Algorithm::RS256, KeyKind::Rsa),
        "PS256" => (Algorithm::PS256, KeyKind::Rsa),
        "ES256" => (Algorithm::ES256, KeyKind::P256),
        "ES384" => (Algorithm::ES384, KeyKind::P384),
        "EdDSA" => (Algorithm::EdDSA, KeyKind::Ed25519),
        _ => return Err(TokenFault::Algorithm),
    };
    let key = keys.find(head.kid.as_deref(), kind, &head.alg).ok_or(TokenFault::UnknownKey)?;
    let mut signature_only = Validation::new(algorithm);
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    signature_only.required_spec_claims = HashSet::new();
    let verified = jsonwebtoken::decode::<Map<String, Value>>(token, key, &signature_only);
    verified.map(|verified| (head.typ, verified.claims)).map_err(|_| TokenFault::Signature)
}

/// Whom a token is from, whom it is for, and when: what both kinds have in common. Gives when it was made.
fn check_frame(
    claims: &Map<String, Value>,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<Timestamp, TokenFault> {
    if text(claims, "iss") != Some(issuer) {
        return Err(TokenFault::Issuer);
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(only)) => only == client_id,
        // Somebody else who gets the same token could bring it here.
        Some(Value::Array(several)) => {
            matches!(several.as_slice(), [Value::String(only)] if only == client_id)
        }
        _ => false,
    };
    let party = claims.get("azp").is_none_or(|party| party.as_str() == Some(client_id));
    if !for_us || !party {
        return Err(TokenFault::Audience);
    }
    let expires = moment(claims, "exp")?.ok_or(TokenFault::Expired)?;
    if expires.after(CLOCK_SKEW_MAX) <= now {
        return Err(TokenFault::Expired);
    }
    let issued = moment(claims, "iat")?.ok_or(TokenFault::Expired)?;
    if issued.after(TOKEN_AGE_MAX).after(CLOCK_SKEW_MAX) <= now {
        return Err(TokenFault::Expired);
    }
    let latest = now.after(CLOCK_SKEW_MAX);
    if issued > latest || moment(claims, "nbf")?.is_some_and(|from| from > latest) {
        return Err(TokenFault::NotYet);
    }
    Ok(issued)
}

fn read_key(written: Value) -> Option<ProviderKey> {
    let written: WrittenKey = serde_json::from_value(written).ok()?;
    if written.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (kind, key) = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => (KeyKind::Rsa, DecodingKey::from_rsa_components(&written.n?, &written.e?)),
        ("EC", Some("P-256")) => (KeyKind::P256, DecodingKey::from_ec_components(&written.x?, &written.y?)),
        ("EC", Some("P-384")) => (KeyKind::P384, DecodingKey::from_ec_components(&written.x?, &written.y?)),
        ("OKP", Some("Ed25519")) => (KeyKind::Ed25519, DecodingKey::from_ed_components(&written.x?)),
        _ => return None,
    };
    Some(ProviderKey { id: written.kid, kind, algorithm: written.alg, key: key.ok()? })
}

/// A claim by its name, or by a JSON pointer (RFC 6901) into it.
fn found<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    let Some(path) = claim.strip_prefix('/') else { return claims.get(claim) };
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (path, String::new()),
    };
    claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(&rest)
}

fn text<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a str> {
    claims.get(claim)?.as_str()
}

/// A time in seconds since 1970, where there is one.
pub(crate) fn moment(claims: &Map<String, Value>, claim: &str) -> Result<Option<Timestamp>, TokenFault> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_i64().filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    seconds.map(|seconds| Some(Timestamp::from_ms(seconds * 1000))).ok_or(TokenFault::Malformed)
}

/// The year 9999: far enough below what would overflow.
const SECONDS_MAX: i64 = 253_402_300_799;

fn subject(claims: &Map<String, Value>) -> Result<Option<String>, TokenFault> {
    bounded(claims, "sub", SUBJECT_BYTES_MAX, TokenFault::Subject)
}

fn session(claims: &Map<String, Value>) -> Result<Option<String>, TokenFault> {
    bounded(claims, "sid", SESSION_BYTES_MAX, TokenFault::Malformed)
}

/// A text within bounds, where there is one.
fn bounded(
    claims: &Map<String, Value>,
    claim: &str,
    bytes_max: usize,
    fault: TokenFault,
) -> Result<Option<String>, TokenFault> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= bytes_max => Ok(Some(text.clone())),
        Some(_) => Err(fault),
    }
}

#[cfg(test)]
mod tests;

//! An access token of another issuer: whose key signed it, whom it is for, of whom it tells. Pure functions over bytes and a moment.
//!
//! Nothing that a token says of itself chooses how it is verified: the issuer chooses among those that are configured, and with it the keys
//! and algorithms. Headers that lead to other keys (`jku`, `jwk`, `x5u`, `x5c`) are not looked at. What is said twice is not said.

use super::{EXTERNAL_NAME_BYTES_MAX, EXTERNAL_TOKEN_BYTES_MAX, TokenIssuerRules};
use crate::decision::{Scope, parse_scopes};
use crate::oidc::{ProviderKeys, TokenFault, moment, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;
use yingdun_catalog::identity::credentials::ExternalName;
use yingdun_catalog::identity::sessions::Bound;
use yingdun_crypto::digest::sha256;
use yingdun_model::Timestamp;

/// Why a token of another issuer is not believed, or tells of nobody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExternalFault {
    Malformed,
    UnknownIssuer,
    WrongKind,
    Algorithm,
    UnknownKey,
    Signature,
    Audience,
    SharedAudience,
    Expired,
    NotYet,
    LongLived,
    Incomplete,
    Confirmation,
    Unregistered,
}

impl ExternalFault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 14] = [
        Self::Malformed,
        Self::UnknownIssuer,
        Self::WrongKind,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Audience,
        Self::SharedAudience,
        Self::Expired,
        Self::NotYet,
        Self::LongLived,
        Self::Incomplete,
        Self::Confirmation,
        Self::Unregistered,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "external-token-malformed",
            Self::UnknownIssuer => "external-token-unknown-issuer",
            Self::WrongKind => "external-token-of-another-kind",
            Self::Algorithm => "external-token-algorithm",
            Self::UnknownKey => "external-token-unknown-key",
            Self::Signature => "external-token-wrong-signature",
            Self::Audience => "external-token-wrong-audience",
            // Somebody else who is given the same string could bring it here.
            Self::SharedAudience => "external-token-for-several",
            Self::Expired => "external-token-expired",
            Self::NotYet => "external-token-not-yet-valid",
            Self::LongLived => "external-token-lasts-too-long",
            Self::Incomplete => "external-token-incomplete",
            Self::Confirmation => "external-token-bound-otherwise",
            Self::Unregistered => "external-program-not-registered",
        }
    }
}

/// A token that was taken apart, and of which nothing is believed yet.
pub(crate) struct Unverified<'a> {
    token: &'a str,
    head: Map<String, Value>,
    claims: Map<String, Value>,
}

/// What a token says that is believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExternalClaims {
    /// Of whom it tells.
    pub(crate) name: ExternalName,
    /// Which token it is: a digest over what is signed, so that another writing of the signature is no other token.
    pub(crate) digest: [u8; 32],
    /// From when on it is dead, the clock of the issuer allowed for.
    pub(crate) ends: Timestamp,
    /// What it asks for, of what there is here.
    pub(crate) scopes: BTreeSet<Scope>,
    /// What has to be shown with it.
    pub(crate) bound: Bound,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub(crate) fn read(token: &'a str) -> Result<Self, ExternalFault> {
        if token.len() > EXTERNAL_TOKEN_BYTES_MAX || token.split('.').count() != 3 {
            return Err(ExternalFault::Malformed);
        }
        let mut parts = token.split('.').map(object);
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(head), Some(claims)) => Ok(Self { token, head, claims }),
            _ => Err(ExternalFault::Malformed),
        }
    }

    /// From whom it says that it is.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Verifies it by the keys of an issuer, and judges what it says (RFC 9068 §4).
    pub(crate) fn judge(
        &self,
        keys: &ProviderKeys,
        rules: &TokenIssuerRules,
        now: Timestamp,
    ) -> Result<ExternalClaims, ExternalFault> {
        self.check_head(rules)?;
        verify(self.token, keys).map_err(of_token_fault)?;
        if self.issuer() != Some(rules.issuer.as_str()) {
            return Err(ExternalFault::UnknownIssuer);
        }
        let is_shared = self.check_audience(&rules.audience)?;
        let ends = self.check_times(rules, now)?;
        let bound = self.bound()?;
        if is_shared && bound == Bound::default() {
            return Err(ExternalFault::SharedAudience);
        }
        let name = ExternalName {
            issuer: rules.issuer.clone(),
            client: self.named("client_id")?,
            subject: self.named("sub")?,
        };
        // RFC 9068 §2.2 demands it; that a token is used again is no fault, so it is not compared.
        self.named("jti")?;
        let signed = self.token.rsplit_once('.').map_or(self.token, |(signed, _)| signed);
        let digest = sha256(&[b"yingdun/external-token/v1".as_slice(), signed.as_bytes()].concat());
        Ok(ExternalClaims { name, digest, ends, scopes: self.scopes()?, bound })
    }

    fn check_head(&self, rules: &TokenIssuerRules) -> Result<(), ExternalFault> {
        let word = |name: &str| self.head.get(name).and_then(Value::as_str);
        let is_access = |kind: &str| {
            kind.eq_ignore_ascii_case("at+jwt") || kind.eq_ignore_ascii_case("application/at+jwt")
        };
        if !word("typ").is_some_and(is_access) {
            return Err(ExternalFault::WrongKind);
        }
        let is_allowed = |word: &str| rules.algorithms.iter().any(|allowed| allowed.as_str() == word);
        if !word("alg").is_some_and(is_allowed) {
            return Err(ExternalFault::Algorithm);
        }
        Ok(())
    }

    /// Whom it is for: us. Gives whether it is for others, too.
    fn check_audience(&self, audience: &str) -> Result<bool, ExternalFault> {
        match self.claims.get("aud") {
            Some(Value::String(only)) if only == audience => Ok(false),
            Some(Value::Array(several)) if several.iter().any(|one| one.as_str() == Some(audience)) => {
                Ok(several.len() > 1)
            }
            _ => Err(ExternalFault::Audience),
        }
    }

    /// When it is good. Gives when it ends, the clock of the issuer allowed for.
    fn check_times(&self, rules: &TokenIssuerRules, now: Timestamp) -> Result<Timestamp, ExternalFault> {
        let at = |claim| moment(&self.claims, claim).map_err(|_| ExternalFault::Malformed);
        let expires = at("exp")?.ok_or(ExternalFault::Incomplete)?;
        let issued = at("iat")?.ok_or(ExternalFault::Incomplete)?;
        let ends = expires.after(rules.skew);
        if ends <= now {
            return Err(ExternalFault::Expired);
        }
        let latest = now.after(rules.skew);
        if issued > latest || at("nbf")?.is_some_and(|from| from > latest) {
            return Err(ExternalFault::NotYet);
        }
        if expires > issued.after(rules.lifetime_max) {
            return Err(ExternalFault::LongLived);
        }
        Ok(ends)
    }

    /// What has to be shown with it (RFC 7800). What is not known here cannot be looked at, so it refuses.
    fn bound(&self) -> Result<Bound, ExternalFault> {
        let mut bound = Bound::default();
        let Some(confirmation) = self.claims.get("cnf") else { return Ok(bound) };
        let members = confirmation.as_object().filter(|members| !members.is_empty());
        for (member, value) in members.ok_or(ExternalFault::Confirmation)? {
            let digest = value.as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            let digest = digest.and_then(|digest| <[u8; 32]>::try_from(digest).ok());
            let digest = Some(digest.ok_or(ExternalFault::Confirmation)?);
            match member.as_str() {
                "jkt" => bound.key = digest,
                "x5t#S256" => bound.certificate = digest,
                _ => return Err(ExternalFault::Confirmation),
            }
        }
        Ok(bound)
    }

    /// What it asks for. Where it says nothing it asks for nothing; words that are none of ours grant nothing.
    fn scopes(&self) -> Result<BTreeSet<Scope>, ExternalFault> {
        match self.claims.get("scope") {
            None => Ok(BTreeSet::new()),
            Some(Value::String(words)) => Ok(parse_scopes(words)),
            Some(_) => Err(ExternalFault::Malformed),
        }
    }

    /// A name that has to be there.
    fn named(&self, claim: &str) -> Result<String, ExternalFault> {
        match self.claims.get(claim) {
            Some(Value::String(name)) if (1..=EXTERNAL_NAME_BYTES_MAX).contains(&name.len()) => {
                Ok(name.clone())
            }
            _ => Err(ExternalFault::Incomplete),
        }
    }
}

// === helpers ===

const fn of_token_fault(fault: TokenFault) -> ExternalFault {
    match fault {
        TokenFault::Algorithm => ExternalFault::Algorithm,
        TokenFault::UnknownKey => ExternalFault::UnknownKey,
        TokenFault::Signature => ExternalFault::Signature,
        _ => ExternalFault::Malformed,
    }
}

/// An object of JSON in which nothing is said twice.
fn object(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    match serde_json::from_slice::<Once>(&text).ok()?.0 {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A value in which no object has two members of one name. How deep it may be, the reader of JSON bounds.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = members.next_entry::<String, Once>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member comes twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests;

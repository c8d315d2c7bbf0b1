//! Access tokens of other issuers (RFC 9068): an identity provider of the hospital knows its programs, and tells us of them in signed tokens.
//!
//! ```text
//!  token ─► which issuer? ─► its keys ─► signature, kind, audience, times (pure: `judge`)
//!                                           │
//!                                           ▼
//!            (issuer, client, subject) ─► a credential of a service client here ─► its scopes, as far as the token asks for them
//! ```
//!
//! A token makes no right. Who is not registered here is nobody, and who is has what is granted here and nothing that the token says more.
//! People are no programs: what an issuer says of a person is not taken here, but at the sign-in (`oidc`).

mod judge;

pub(crate) use judge::{ExternalClaims, ExternalFault, Unverified};

use crate::oidc::{ProviderCall, ProviderKeys};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use yingdun_catalog::identity::credentials::ExternalName;
use yingdun_crypto::digest::sha256;

/// How long a token of another issuer may be good at all: it cannot be taken back by the issuer.
pub const EXTERNAL_LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// The longest token that is looked at, in bytes. Those of programs have about one thousand.
pub const EXTERNAL_TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The longest name of a program, of its subject or of one token there.
pub const EXTERNAL_NAME_BYTES_MAX: usize = 255;

/// How a token may be signed: by private keys, never by a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum TokenAlgorithm {
    /// RSA, PKCS #1 v1.5, with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl TokenAlgorithm {
    /// The word in tokens and configurations (RFC 7518 §3.1, RFC 8037).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// What is made of the tokens of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuerRules {
    /// The issuer, exactly as it names itself.
    pub issuer: String,
    /// By what the issuer knows this archive; a token for anybody else is not taken.
    pub audience: String,
    /// How its tokens may be signed.
    pub algorithms: BTreeSet<TokenAlgorithm>,
    /// How far its clock may be from ours.
    pub skew: Duration,
    /// How long a token may be good, from its making to its end.
    pub lifetime_max: Duration,
}

/// How the keys of an issuer are asked for. Answers are bounded in size, time and number.
pub trait IssuerKeys: Send + Sync {
    /// Its public keys, from a while ago at most; with `again`, as of now, unless that was asked for a moment ago.
    fn keys(&self, again: bool) -> ProviderCall<'_, Arc<ProviderKeys>>;
}

/// An issuer whose tokens are taken from registered programs.
#[derive(Clone)]
pub struct TokenIssuer {
    /// What holds.
    pub rules: TokenIssuerRules,
    /// How it is asked.
    pub keys: Arc<dyn IssuerKeys>,
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// By what a program of another issuer is registered here: SHA-256 over its three names, each behind its length.
#[must_use]
pub fn external_digest(name: &ExternalName) -> [u8; 32] {
    let mut text = b"yingdun/external-program/v1".to_vec();
    for part in [&name.issuer, &name.client, &name.subject] {
        text.extend((part.len() as u64).to_be_bytes());
        text.extend(part.as_bytes());
    }
    sha256(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_share_a_digest_by_where_they_are_cut() {
        let name = |issuer: &str, client: &str, subject: &str| ExternalName {
            issuer: issuer.into(),
            client: client.into(),
            subject: subject.into(),
        };
        let digests = [
            external_digest(&name("https://a", "bc", "d")),
            external_digest(&name("https://a", "b", "cd")),
            external_digest(&name("https://ab", "c", "d")),
            external_digest(&name("https://a", "d", "bc")),
        ];
        assert_eq!(BTreeSet::from(digests).len(), digests.len());
    }
}

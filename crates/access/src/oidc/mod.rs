//! Signing in with a provider of OpenID Connect: we are the relying party, by authorization code with PKCE.
//!
//! ```text
//!  browser ─► begin ─► provider: who is there? ─► back with code and state ─► finish
//!              │                                                               │ state and cookie: the same browser
//!              └ sealed cookie: state, nonce, verifier, role wanted            │ code + verifier + secret ─► ID token
//!                                                                              │ signature, issuer, audience, nonce, times
//!                                                                              ▼
//!                                                        account by (issuer, subject) ─► session
//! ```
//!
//! What a sign-in needs to go on is in the sealed cookie of the browser that began it: nothing is kept here for strangers, any node can
//! finish it, and no other browser can. Calls to the provider are made by whoever implements [`OidcProvider`]; this room does nothing on a
//! network.

mod journey;
mod logout;
mod token;

pub use journey::{OidcAnswer, OidcBegun, OidcJourney};
pub use token::{CLOCK_SKEW_MAX, ProviderKeys};
pub(crate) use token::{TokenFault, moment, verify};

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use yingdun_model::{Role, Secret};

/// What a call to the provider gives.
pub type ProviderCall<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// How a provider is asked. Answers are bounded in size and time.
pub trait OidcProvider: Send + Sync {
    /// What the provider says of itself, from a while ago at most.
    fn metadata(&self) -> ProviderCall<'_, Arc<ProviderMetadata>>;

    /// Its public keys, from a while ago at most; with `again`, as of now, unless that was asked for a moment ago.
    fn keys(&self, again: bool) -> ProviderCall<'_, Arc<ProviderKeys>>;

    /// Exchanges a code for an ID token.
    fn exchange<'a>(
        &'a self,
        code: &'a str,
        verifier: &'a Secret<String>,
        redirect_uri: &'a str,
    ) -> ProviderCall<'a, Secret<String>>;
}

/// Why a provider gave nothing. Causes hold nothing of a person, and no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, or answers what cannot be used.
    #[error("the provider of sign-ins, or the issuer of tokens, cannot be used: {0}")]
    Away(String),
    /// It answers, and does not take this code.
    #[error("the provider does not take the code: {0}")]
    Refused(String),
}

/// A provider, and what is made of its word.
#[derive(Clone)]
pub struct OidcSetup {
    /// What holds.
    pub rules: OidcRules,
    /// How it is asked.
    pub provider: Arc<dyn OidcProvider>,
}

impl fmt::Debug for OidcSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcSetup").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// What is made of the word of a provider. What is not set gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcRules {
    /// The provider, exactly as it names itself.
    pub issuer: String,
    /// By what the provider knows us; no other audience is taken.
    pub client_id: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// How people call a sign-in with it.
    pub label: String,
    /// The claim that holds roles or groups: its name, or a JSON pointer into it.
    pub roles_claim: Option<String>,
    /// Which of them gives which role here.
    pub roles: BTreeMap<String, Role>,
    /// The claim that holds the name of an account which is made now.
    pub name_claim: String,
    /// Whether an account is made for somebody who has none and gets a role.
    pub provision: bool,
    /// Methods (`amr`, RFC 8176) of which one says that a second factor was proved.
    pub second_factor_amr: BTreeSet<String>,
    /// Contexts (`acr`) which say so.
    pub second_factor_acr: BTreeSet<String>,
    /// The longest time since the person was authenticated there.
    pub age_max: Duration,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProviderMetadata {
    /// Its name.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Whether it names itself in its answers (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// How a client may prove who it is.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Which challenges of PKCE it knows, where it says so.
    #[serde(default)]
    pub code_challenge_methods_supported: Option<Vec<String>>,
}

impl ProviderMetadata {
    /// Reads what a provider says of itself. Every address is one of HTTPS, or with `plain_on_loopback` one of this machine.
    ///
    /// # Errors
    /// What is wrong, in one sentence; another issuer than the one that is configured among it.
    pub fn parse(text: &[u8], issuer: &str, plain_on_loopback: bool) -> Result<Self, String> {
        let metadata: Self =
            serde_json::from_slice(text).map_err(|_| "it does not describe a provider".to_owned())?;
        if metadata.issuer != issuer {
            return Err("it names itself by another issuer than the one that is configured".into());
        }
        let addresses = [
            ("authorization_endpoint", &metadata.authorization_endpoint),
            ("token_endpoint", &metadata.token_endpoint),
            ("jwks_uri", &metadata.jwks_uri),
        ];
        for (name, address) in addresses {
            if !is_protected(address, plain_on_loopback) {
                return Err(format!("its {name} is not an https address"));
            }
        }
        let knows = |methods: &Option<Vec<String>>, method: &str| {
            methods.as_ref().is_none_or(|methods| methods.iter().any(|known| known == method))
        };
        if !knows(&metadata.code_challenge_methods_supported, "S256") {
            return Err("it does not know PKCE with S256".into());
        }
        let secret = ["client_secret_basic", "client_secret_post"];
        if !secret.iter().any(|method| knows(&metadata.token_endpoint_auth_methods_supported, method)) {
            return Err("it takes no client secret (client_secret_basic or client_secret_post)".into());
        }
        Ok(metadata)
    }

    /// Whether the client secret goes into the header; into the body otherwise.
    #[must_use]
    pub fn takes_basic(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        // Where nothing is said, it is this one (Discovery §3).
        methods.as_ref().is_none_or(|methods| methods.iter().any(|known| known == "client_secret_basic"))
    }
}

/// Whether nobody in between reads what goes to an address: HTTPS, or plain on this machine where that is spelled out.
#[must_use]
pub fn is_protected(address: &str, plain_on_loopback: bool) -> bool {
    let written = |rest: &str| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@')
    };
    let legal = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"'<>\\^`{|}".contains(&byte));
    let https = address.strip_prefix("https://").is_some_and(written);
    let plain = address.strip_prefix("http://").filter(|rest| written(rest)).is_some_and(|rest| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        matches!(name, "127.0.0.1" | "::1" | "localhost")
    });
    legal && (https || (plain && plain_on_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_of_this_machine_and_only_where_that_is_spelled_out() {
        for good in ["https://sso.example", "https://sso.example:8443/realms/a?b=c"] {
            assert!(is_protected(good, false) && is_protected(good, true), "{good}");
        }
        for loopback in ["http://127.0.0.1:3000", "http://[::1]:3000/a", "http://localhost/a"] {
            assert!(!is_protected(loopback, false) && is_protected(loopback, true), "{loopback}");
        }
        for wrong in [
            "http://sso.example",
            "http://127.0.0.1.example/",
            "http://localhost@sso.example/",
            "https://",
            "https://a b",
            "https://a#b",
            "ftp://127.0.0.1",
            "",
        ] {
            assert!(!is_protected(wrong, true), "{wrong}");
        }
    }

    #[test]
    fn a_provider_is_who_it_was_configured_to_be_and_answers_where_nobody_listens() {
        let said = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut said = serde_json::json!({
                "issuer": "https://sso.example",
                "authorization_endpoint": "https://sso.example/auth",
                "token_endpoint": "https://sso.example/token",
                "jwks_uri": "https://sso.example/keys",
            });
            change(&mut said);
            ProviderMetadata::parse(said.to_string().as_bytes(), "https://sso.example", false)
        };
        let plain = said(&|_| {}).unwrap();
        assert!(plain.takes_basic() && !plain.authorization_response_iss_parameter_supported);
        assert!(
            said(&|said| said["issuer"] = "https://sso.example/".into()).is_err(),
            "a slash is a difference"
        );
        for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            assert!(said(&|said| said[endpoint] = "http://sso.example/x".into()).is_err(), "{endpoint}");
        }
        assert!(said(&|said| said["code_challenge_methods_supported"] = vec!["plain"].into()).is_err());
        let methods = "token_endpoint_auth_methods_supported";
        assert!(said(&|said| said[methods] = vec!["private_key_jwt"].into()).is_err());
        assert!(!said(&|said| said[methods] = vec!["client_secret_post"].into()).unwrap().takes_basic());
    }
}

//! Keys of other issuers of access tokens: where they say that their keys are, and what is there.
//!
//! Everything is bounded in time and bytes, nothing is redirected, and only HTTPS with certificates of the configured authorities is taken.
//! Keys are believed for some minutes, and a little longer while the issuer does not answer. They are asked for anew when one is missing, but
//! not at every token of a stranger.

use super::error::{StartError, read};
use super::oidc::{bounded, failed};
use super::transit::without_url;
use crate::config;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, header};
use serde::Deserialize;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use yingdun_access::{IssuerKeys, ProviderCall, ProviderError, ProviderKeys, TokenIssuer, is_protected};

/// What is asked of an issuer, in the metric of calls that failed.
pub(super) const KEYS: &str = "token-issuer-keys";

/// How long it may take to reach the issuer.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// How long one call may take: a request waits for it.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long keys are believed without asking: a key that the issuer took away is dead after that.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long they are believed while the issuer does not answer.
const BELIEVED_MAX: Duration = Duration::from_secs(15 * 60);
/// How soon keys are asked for again, whatever the last answer was: strangers who send tokens make no more calls than that.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// An issuer of a configuration.
pub(crate) struct Issuer(Arc<Inner>);

struct Inner {
    client: Client,
    settings: config::TokenIssuer,
    kept: std::sync::Mutex<Kept>,
    /// Held by who asks, so that all others wait for that answer or go on with what is believed.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// What came last, and when.
#[derive(Default)]
struct Kept {
    keys: Option<(Instant, Arc<ProviderKeys>)>,
    asked: Option<Instant>,
    failure: Option<ProviderError>,
}

/// What there is without asking.
enum Known {
    /// Good as it is.
    Enough(Arc<ProviderKeys>),
    /// Better asked for; these are good meanwhile.
    Old(Arc<ProviderKeys>),
    /// None, and a moment ago none could be had.
    Failed(ProviderError),
    /// None, or not the one that is wanted.
    Missing,
}

impl Kept {
    /// What is known at a moment; with `again` what was asked for a moment ago counts, and nothing older.
    fn known(&self, again: bool, now: Instant) -> Known {
        let age = |since: Instant| now.saturating_duration_since(since);
        let was_asked = self.asked.is_some_and(|at| age(at) < ASKED_AGAIN);
        let believed = self.keys.as_ref().filter(|(since, _)| age(*since) < BELIEVED_MAX);
        match believed {
            Some((_, keys)) if was_asked => Known::Enough(Arc::clone(keys)),
            Some((since, keys)) if !again && age(*since) < FRESH => Known::Enough(Arc::clone(keys)),
            Some((_, keys)) if !again => Known::Old(Arc::clone(keys)),
            Some(_) => Known::Missing,
            None => match &self.failure {
                Some(failure) if was_asked => Known::Failed(failure.clone()),
                _ => Known::Missing,
            },
        }
    }

    /// Takes an answer in, and gives what is to be used now.
    fn take(
        &mut self,
        answer: Result<ProviderKeys, ProviderError>,
        now: Instant,
    ) -> Result<Arc<ProviderKeys>, ProviderError> {
        self.asked = Some(now);
        match answer {
            Ok(keys) => {
                let keys = Arc::new(keys);
                (self.keys, self.failure) = (Some((now, Arc::clone(&keys))), None);
                Ok(keys)
            }
            Err(failure) => {
                self.failure = Some(failure.clone());
                let believed = self
                    .keys
                    .as_ref()
                    .filter(|(since, _)| now.saturating_duration_since(*since) < BELIEVED_MAX);
                believed.map(|(_, keys)| Arc::clone(keys)).ok_or(failure)
            }
        }
    }
}

/// What an issuer says of itself (RFC 8414, OpenID Connect Discovery 1.0), as far as it is needed.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Issuers whose tokens are taken; none where none is configured.
///
/// # Errors
/// [`StartError`] when authorities cannot be read.
pub(crate) fn token_issuers(settings: &[config::TokenIssuer]) -> Result<Vec<TokenIssuer>, StartError> {
    let issuer = |settings: &config::TokenIssuer| {
        let keys = Arc::new(Issuer::new(settings.clone())?);
        Ok(TokenIssuer { rules: settings.rules(), keys })
    };
    settings.iter().map(issuer).collect()
}

impl Issuer {
    /// Prepares calls, and makes none.
    ///
    /// # Errors
    /// As [`token_issuers`].
    pub(crate) fn new(settings: config::TokenIssuer) -> Result<Self, StartError> {
        let authorities = Certificate::from_pem_bundle(&read(&settings.ca_file)?)
            .map_err(|_| StartError::NoCertificate(settings.ca_file.clone()))?;
        let client = Client::builder()
            .https_only(true)
            // A redirect would let another server say whose keys these are.
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_only(authorities)
            .tls_info(true)
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(CALL_TIME_MAX)
            .build()
            .map_err(StartError::TokenIssuerTls)?;
        let (kept, asking) = (std::sync::Mutex::default(), Arc::default());
        Ok(Self(Arc::new(Inner { client, settings, kept, asking })))
    }

    /// Asks for the keys, for `doctor`: how many there are, and the certificate that was shown, as DER.
    pub(crate) async fn look(&self) -> Result<(usize, Option<Vec<u8>>), ProviderError> {
        let answer = self.0.ask_for_keys().await?;
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = info.and_then(|info| info.peer_certificate()).map(<[u8]>::to_vec);
        let keys = ProviderKeys::parse(&bounded(answer).await?).map_err(ProviderError::Away)?;
        Ok((keys.count(), certificate))
    }

    async fn keys_of_now(&self, again: bool) -> Result<Arc<ProviderKeys>, ProviderError> {
        let asking = Arc::clone(&self.0.asking);
        let asking = match self.0.known(again) {
            Known::Enough(keys) => return Ok(keys),
            Known::Failed(failure) => return Err(failure),
            // Somebody asks already, and these are good meanwhile.
            Known::Old(keys) => match asking.try_lock_owned() {
                Ok(asking) => asking,
                Err(_) => return Ok(keys),
            },
            Known::Missing => asking.lock_owned().await,
        };
        // Whoever waited gets what came meanwhile.
        match self.0.known(again) {
            Known::Enough(keys) => return Ok(keys),
            Known::Failed(failure) => return Err(failure),
            Known::Old(_) | Known::Missing => {}
        }
        let inner = Arc::clone(&self.0);
        // In a task of its own: who hangs up meanwhile takes back no question, and so makes no second one.
        let asked = tokio::spawn(async move {
            let _asking = asking;
            let answer = inner.fetch().await.inspect_err(|error| failed(KEYS, error));
            let mut kept = inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.take(answer, Instant::now())
        });
        asked.await.unwrap_or_else(|_| Err(away("the question to it was not finished")))
    }
}

impl Inner {
    fn known(&self, again: bool) -> Known {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).known(again, Instant::now())
    }

    async fn fetch(&self) -> Result<ProviderKeys, ProviderError> {
        let text = bounded(self.ask_for_keys().await?).await?;
        ProviderKeys::parse(&text).map_err(ProviderError::Away)
    }

    async fn ask_for_keys(&self) -> Result<Response, ProviderError> {
        if let Some(address) = &self.settings.jwks_uri {
            return self.get(address).await;
        }
        let [first, second] = metadata_addresses(&self.settings.issuer);
        let answer = match self.get(&first).await {
            Ok(answer) => answer,
            Err(_) => self.get(&second).await?,
        };
        let text = bounded(answer).await?;
        let metadata: Metadata = serde_json::from_slice(&text)
            .map_err(|_| away("what it says of itself names no issuer and keys (jwks_uri)"))?;
        if metadata.issuer != self.settings.issuer {
            return Err(away("it names itself by another issuer than the one that is configured"));
        }
        self.get(&metadata.jwks_uri).await
    }

    async fn get(&self, address: &str) -> Result<Response, ProviderError> {
        if !is_protected(address, false) {
            return Err(away("an address of it is not one of HTTPS"));
        }
        let answer = self.client.get(address).header(header::ACCEPT, "application/json").send().await;
        let answer = answer.map_err(|error| ProviderError::Away(without_url(error)))?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            other => Err(ProviderError::Away(format!("it answers {other} to a question about itself"))),
        }
    }
}

impl IssuerKeys for Issuer {
    fn keys(&self, again: bool) -> ProviderCall<'_, Arc<ProviderKeys>> {
        Box::pin(self.keys_of_now(again))
    }
}

// === helpers ===

/// Where an issuer may say what it is: behind its path (OpenID Connect Discovery §4), or before it (RFC 8414 §3).
fn metadata_addresses(issuer: &str) -> [String; 2] {
    let issuer = issuer.trim_end_matches('/');
    let (scheme, rest) = issuer.split_once("://").unwrap_or_default();
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    [
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{scheme}://{host}/.well-known/oauth-authorization-server{path}"),
    ]
}

fn away(cause: &str) -> ProviderError {
    ProviderError::Away(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ProviderKeys {
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        ProviderKeys::parse(set.as_bytes()).unwrap()
    }

    #[test]
    fn keys_are_believed_for_minutes_longer_while_nobody_answers_and_not_for_ever() {
        let start = Instant::now();
        let mut kept = Kept::default();
        assert!(matches!(kept.known(false, start), Known::Missing));
        kept.take(Ok(keys()), start).unwrap();
        assert!(matches!(kept.known(false, start + FRESH - ASKED_AGAIN), Known::Enough(_)));
        assert!(matches!(kept.known(false, start + FRESH), Known::Old(_)));
        assert!(kept.take(Err(away("x")), start + FRESH).is_ok(), "the old ones are good meanwhile");
        assert!(
            matches!(kept.known(false, start + FRESH), Known::Enough(_)),
            "and it is not asked at once again"
        );
        assert!(matches!(kept.known(false, start + FRESH + ASKED_AGAIN), Known::Old(_)));
        let late = start + BELIEVED_MAX;
        assert!(matches!(kept.known(false, late), Known::Missing));
        assert!(kept.take(Err(away("x")), late).is_err());
        assert!(matches!(kept.known(false, late), Known::Failed(_)));
        assert!(matches!(kept.known(false, late + ASKED_AGAIN), Known::Missing));
    }

    #[test]
    fn a_key_that_is_missing_is_asked_for_again_but_not_by_every_stranger() {
        let start = Instant::now();
        let mut kept = Kept::default();
        kept.take(Ok(keys()), start).unwrap();
        assert!(matches!(kept.known(true, start + ASKED_AGAIN - Duration::from_millis(1)), Known::Enough(_)));
        assert!(matches!(kept.known(true, start + ASKED_AGAIN), Known::Missing));
        kept.take(Err(away("x")), start + ASKED_AGAIN).unwrap();
        assert!(
            matches!(kept.known(true, start + ASKED_AGAIN), Known::Enough(_)),
            "a failure is an answer, too"
        );
    }

    #[test]
    fn an_issuer_says_what_it_is_behind_its_path_or_before_it() {
        assert_eq!(
            metadata_addresses("https://sso.example/realms/a/"),
            [
                "https://sso.example/realms/a/.well-known/openid-configuration",
                "https://sso.example/.well-known/oauth-authorization-server/realms/a",
            ]
        );
        assert_eq!(
            metadata_addresses("https://sso.example:8443")[1],
            "https://sso.example:8443/.well-known/oauth-authorization-server"
        );
    }
}

//! Calls to a provider of OpenID Connect: what it says of itself, its keys, and a code for a token.
//!
//! Everything is bounded in time and bytes, nothing is redirected, and only certificates of the configured authorities are taken. What the
//! provider says of itself and its keys are kept for a while; keys are asked for again when one is missing, but not at every token of a
//! stranger.

use super::error::{StartError, read};
use super::token_issuers;
use super::transit::without_url;
use crate::config::Oidc;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, header};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};
use yingdun_access::{
    OidcProvider, OidcSetup, ProviderCall, ProviderError, ProviderKeys, ProviderMetadata, is_protected,
};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// Calls to the provider that failed, by what was asked for.
pub(super) const CALLS_FAILED: &str = "yingdun_oidc_calls_failed_total";
const DISCOVERY: &str = "discovery";
const KEYS: &str = "keys";
const EXCHANGE: &str = "exchange";
/// Everything that is asked of a provider of sign-ins or an issuer of tokens.
pub(super) const CALLS: [&str; 4] = [DISCOVERY, KEYS, EXCHANGE, token_issuers::KEYS];

/// How long it may take to reach the provider.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// How long one call may take: a person waits for it.
const CALL_TIME_MAX: Duration = Duration::from_secs(8);
/// The longest answer that is read: keys with certificate chains, and a token with all groups of a person.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// How long what the provider says of itself, and its keys, are believed: a key that it took away is dead after that.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// How soon a provider is asked again that did not answer: whoever comes meanwhile hears what the last one heard, and does not queue.
const FAILED_FOR: Duration = Duration::from_secs(2);
/// Codes that are exchanged at the same time: many times a morning of a hospital, and no way to have us call without end.
const EXCHANGES_MAX: usize = 32;
/// How soon keys are asked for again when one is missing: a stranger who sends tokens makes no more calls than that.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// The provider of a configuration.
pub(crate) struct Provider {
    client: Client,
    settings: Oidc,
    client_secret: Secret<String>,
    metadata: Mutex<Kept<ProviderMetadata>>,
    keys: Mutex<Kept<ProviderKeys>>,
    exchanges: Semaphore,
}

/// What came last, or why nothing did.
struct Kept<T>(Option<(Instant, Result<Arc<T>, ProviderError>)>);

impl<T> Kept<T> {
    /// What came, as long as it is good; a failure for a moment.
    fn still(&self, good_for: Duration) -> Option<Result<Arc<T>, ProviderError>> {
        let (since, what) = self.0.as_ref()?;
        let lasts = if what.is_ok() { good_for } else { FAILED_FOR };
        (since.elapsed() < lasts).then(|| what.clone())
    }

    fn keep(&mut self, what: Result<T, ProviderError>) -> Result<Arc<T>, ProviderError> {
        let what = what.map(Arc::new);
        self.0 = Some((Instant::now(), what.clone()));
        what
    }
}

/// What is known of the connection to the provider.
pub(crate) struct Looked {
    pub(crate) keys: usize,
    /// The certificate that it showed, as DER; none without TLS.
    pub(crate) certificate: Option<Vec<u8>>,
    /// Its time, in milliseconds, where it says so.
    pub(crate) time_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// The provider with which people sign in; none where none is configured.
///
/// # Errors
/// [`StartError`] when the secret or the authorities cannot be read.
pub(crate) fn oidc(settings: Option<&Oidc>) -> Result<Option<OidcSetup>, StartError> {
    let Some(settings) = settings else { return Ok(None) };
    let provider = Provider::new(settings.clone())?;
    Ok(Some(OidcSetup { rules: settings.rules(), provider: Arc::new(provider) }))
}

impl Provider {
    /// Prepares calls, and makes none.
    ///
    /// # Errors
    /// As [`oidc`].
    pub(crate) fn new(settings: Oidc) -> Result<Self, StartError> {
        let client_secret = secret(&settings.client_secret_file)?;
        let authorities = match &settings.ca_file {
            Some(path) => Certificate::from_pem_bundle(&read(path)?)
                .map_err(|_| StartError::NoCertificate(path.clone()))?,
            None => Vec::new(),
        };
        let client = Client::builder()
            .https_only(!settings.plain_on_loopback)
            // A redirect would take code and secret to another server.
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_only(authorities)
            .tls_info(true)
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(CALL_TIME_MAX)
            .build()
            .map_err(StartError::OidcTls)?;
        Ok(Self {
            client,
            settings,
            client_secret,
            metadata: Mutex::new(Kept(None)),
            keys: Mutex::new(Kept(None)),
            exchanges: Semaphore::new(EXCHANGES_MAX),
        })
    }

    /// Asks the provider for everything that a sign-in needs, for `doctor`.
    pub(crate) async fn look(&self) -> Result<Looked, ProviderError> {
        let answer = self.get(&self.discovery()).await?;
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = info.and_then(|info| info.peer_certificate()).map(<[u8]>::to_vec);
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let time_ms = date
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
            .map(|date| date.timestamp().as_millisecond());
        let metadata = self.read_metadata(answer).await?;
        let keys = self.fetch_keys(&metadata).await?;
        Ok(Looked { keys: keys.count(), certificate, time_ms })
    }

    fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'))
    }

    async fn get(&self, address: &str) -> Result<Response, ProviderError> {
        if !is_protected(address, self.settings.plain_on_loopback) {
            return Err(away("an address of it is not one of HTTPS".into()));
        }
        let answer = self.client.get(address).header(header::ACCEPT, "application/json").send().await;
        let answer = answer.map_err(|error| away(without_url(error)))?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            other => Err(away(format!("it answers {other} to a question about itself"))),
        }
    }

    async fn read_metadata(&self, answer: Response) -> Result<ProviderMetadata, ProviderError> {
        let text = bounded(answer).await?;
        ProviderMetadata::parse(&text, &self.settings.issuer, self.settings.plain_on_loopback).map_err(away)
    }

    async fn fetch_keys(&self, metadata: &ProviderMetadata) -> Result<ProviderKeys, ProviderError> {
        let text = bounded(self.get(&metadata.jwks_uri).await?).await?;
        ProviderKeys::parse(&text).map_err(away)
    }

    async fn metadata_of_now(&self) -> Result<Arc<ProviderMetadata>, ProviderError> {
        let mut kept = self.metadata.lock().await;
        if let Some(still) = kept.still(KEPT) {
            return still;
        }
        let asked = async { self.read_metadata(self.get(&self.discovery()).await?).await }.await;
        kept.keep(asked.inspect_err(|error| failed(DISCOVERY, error)))
    }

    async fn keys_of_now(&self, again: bool) -> Result<Arc<ProviderKeys>, ProviderError> {
        let metadata = self.metadata_of_now().await?;
        // Whoever comes meanwhile waits, and gets what came.
        let mut kept = self.keys.lock().await;
        if let Some(still) = kept.still(if again { ASKED_AGAIN } else { KEPT }) {
            return still;
        }
        kept.keep(self.fetch_keys(&metadata).await.inspect_err(|error| failed(KEYS, error)))
    }

    async fn exchange_now(
        &self,
        code: &str,
        verifier: &Secret<String>,
        redirect_uri: &str,
    ) -> Result<Secret<String>, ProviderError> {
        let _turn =
            self.exchanges.try_acquire().map_err(|_| away("too many sign in at the same time".into()))?;
        let metadata = self.metadata_of_now().await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose().as_str()),
        ];
        let mut request =
            self.client.post(&metadata.token_endpoint).header(header::ACCEPT, "application/json");
        if metadata.takes_basic() {
            // Both are encoded as in a form first (RFC 6749 §2.3.1).
            let secret = Zeroizing::new(encoded(self.client_secret.expose()));
            request = request.basic_auth(encoded(&self.settings.client_id), Some(secret.as_str()));
        } else {
            form.push(("client_id", self.settings.client_id.as_str()));
            form.push(("client_secret", self.client_secret.expose().as_str()));
        }
        let answer = request.form(&form).send().await.map_err(|error| away(without_url(error)))?;
        let status = answer.status();
        let text = bounded(answer).await?;
        match status {
            StatusCode::OK => {
                let tokens: Tokens = serde_json::from_slice(&text)
                    .map_err(|_| away("it gave no ID token for a code".into()))?;
                Ok(Secret::new(tokens.id_token))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(refusal(&text)),
            other => Err(away(format!("it answers {other} to a code"))),
        }
    }
}

impl OidcProvider for Provider {
    fn metadata(&self) -> ProviderCall<'_, Arc<ProviderMetadata>> {
        Box::pin(self.metadata_of_now())
    }

    fn keys(&self, again: bool) -> ProviderCall<'_, Arc<ProviderKeys>> {
        Box::pin(self.keys_of_now(again))
    }

    fn exchange<'a>(
        &'a self,
        code: &'a str,
        verifier: &'a Secret<String>,
        redirect_uri: &'a str,
    ) -> ProviderCall<'a, Secret<String>> {
        Box::pin(async move {
            let exchanged = self.exchange_now(code, verifier, redirect_uri).await;
            exchanged.inspect_err(|error| failed(EXCHANGE, error))
        })
    }
}

// === helpers ===

/// A wrong code is the sign-in's fault; that we are not known there is somebody's who set this up, and helps nobody who signs in.
fn refusal(text: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Refused>(text) {
        Ok(refused) if refused.error == "invalid_grant" => ProviderError::Refused(refused.error),
        Ok(refused) => {
            let word: String = refused
                .error
                .chars()
                .filter(|c| c.is_ascii_lowercase() || *c == '_')
                .take(WORD_CHARACTERS_MAX)
                .collect();
            away(format!("it says `{word}`: look at client_id and client_secret_file"))
        }
        Err(_) => away("it refuses a code without a word".into()),
    }
}

/// The longest word of an error that is passed on.
const WORD_CHARACTERS_MAX: usize = 40;

fn secret(path: &Path) -> Result<Secret<String>, StartError> {
    let bytes = Zeroizing::new(read(path)?);
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(secret) if !secret.is_empty() => Ok(Secret::new(secret.to_owned())),
        Ok(_) | Err(_) => Err(StartError::NoOidcSecret(path.to_owned())),
    }
}

/// The body of an answer, within bounds.
pub(super) async fn bounded(mut answer: Response) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let mut text = Zeroizing::new(Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(|error| away(without_url(error)))? {
        if text.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(away(format!("an answer of it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'*' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

pub(super) fn failed(call: &'static str, error: &ProviderError) {
    metrics::counter!(CALLS_FAILED, "call" => call).increment(1);
    tracing::warn!(call, %error, "a call to a provider of sign-ins or an issuer of tokens failed");
}

fn away(cause: String) -> ProviderError {
    ProviderError::Away(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_to_a_code_is_the_fault_of_one_of_two() {
        assert!(matches!(refusal(br#"{"error":"invalid_grant"}"#), ProviderError::Refused(_)));
        for text in [&br#"{"error":"invalid_client"}"#[..], b"{}", b"<html>"] {
            assert!(matches!(refusal(text), ProviderError::Away(_)));
        }
        let told = refusal("{\"error\":\"invalid_client\\n王\"}".as_bytes()).to_string();
        assert!(told.contains("`invalid_client`") && !told.contains('王'));
    }

    #[test]
    fn what_failed_is_asked_again_in_a_moment_and_what_came_is_good_for_its_time() {
        let mut kept = Kept::<u8>(None);
        assert!(kept.still(KEPT).is_none());
        assert!(kept.keep(Ok(1)).is_ok() && kept.still(KEPT).unwrap().is_ok());
        assert!(kept.still(Duration::ZERO).is_none());
        assert!(kept.keep(Err(away("x".into()))).is_err() && kept.still(KEPT).unwrap().is_err());
        kept.0.as_mut().unwrap().0 -= FAILED_FOR;
        assert!(kept.still(KEPT).is_none());
    }

    #[test]
    fn a_secret_is_encoded_as_in_a_form() {
        assert_eq!(encoded("a b:c/+ü*"), "a+b%3Ac%2F%2B%C3%BC*");
    }
}

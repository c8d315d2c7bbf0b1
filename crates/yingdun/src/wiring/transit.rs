//! A root key in the transit engine of HashiCorp Vault or OpenBao, which it never leaves: two calls of their HTTP API.
//!
//! What is kept is the ciphertext as the engine writes it, `vault:v1:…`, so that its key can be rotated there without us. The place goes
//! along as associated data. The token is read from its file for each call, as agents replace it there.

use crate::config::Transit;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;
use yingdun_crypto::{Context, SealingKey};
use yingdun_keys::{RootAnswer, RootError, RootKind, RootProvider};
use yingdun_model::Secret;
use zeroize::Zeroizing;

/// How long it may take to reach the engine.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one call may take. The engine answers within milliseconds.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the next try waits after each failure; after the last of them there is none.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// The longest answer that is read: many times what the engine says of 32 bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest token or list of authorities that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// The longest ciphertext of 32 bytes that is kept or sent.
const CIPHERTEXT_BYTES_MAX: usize = 1024;
/// The longest cause that is passed on from the engine.
const CAUSE_CHARACTERS_MAX: usize = 200;
/// What every ciphertext begins with, of Vault and of OpenBao.
const CIPHERTEXT_BEGINS: &str = "vault:v";

/// The key in the engine.
pub(crate) struct TransitRoot {
    client: Client,
    settings: Transit,
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
    associated_data: &'a str,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: &'a str,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl TransitRoot {
    /// Prepares calls to the engine, and makes none.
    ///
    /// # Errors
    /// [`RootError::Refused`] when the address is not one of HTTPS or the list of authorities cannot be read.
    pub(crate) fn new(settings: Transit) -> Result<Self, RootError> {
        let part = |text: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !text.is_empty()
        };
        let Transit { address, mount, key, ca_file, .. } = &settings;
        if !address.starts_with("https://") || address.ends_with('/') {
            return Err(refused(format!("`{address}` is not an https address without a slash at its end")));
        }
        if !part(key) || !mount.split('/').all(part) {
            return Err(refused(format!("`{mount}` and `{key}` are not names of an engine and a key")));
        }
        let authorities = Certificate::from_pem_bundle(&read(ca_file)?)
            .map_err(|_| refused(format!("`{}` holds no certificates", ca_file.display())))?;
        let client = Client::builder()
            .https_only(true)
            // A redirect would take the token to another server.
            .redirect(Policy::none())
            .tls_certs_only(authorities)
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(CALL_TIME_MAX)
            .build()
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { client, settings })
    }

    /// Calls the engine, again when that may help.
    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<T, RootError> {
        let Transit { address, mount, key, .. } = &self.settings;
        let url = format!("{address}/v1/{mount}/{operation}/{key}");
        let mut pauses = PAUSES.into_iter();
        loop {
            match (self.call_once(&url, body).await, pauses.next()) {
                (Err(RootError::Unreachable { .. }), Some(pause)) => tokio::time::sleep(pause).await,
                (answer, _) => return answer,
            }
        }
    }

    async fn call_once<T: for<'de> Deserialize<'de>>(
        &self,
        url: &str,
        body: &impl Serialize,
    ) -> Result<T, RootError> {
        let mut token = header::HeaderValue::from_str(self.token()?.expose())
            .map_err(|_| refused("the token holds what no token holds".into()))?;
        token.set_sensitive(true);
        let request = self.client.post(url).header("X-Vault-Token", token).header("X-Vault-Request", "true");
        let answer = request.json(body).send().await;
        let answer = answer.map_err(|error| unreachable(without_url(error)))?;
        let status = answer.status();
        let text = bounded(answer).await?;
        if status != StatusCode::OK {
            return Err(judge(status, &text));
        }
        let answer: Answer<T> = serde_json::from_slice(&text)
            .map_err(|_| unreachable("the answer is none of a transit engine".into()))?;
        Ok(answer.data)
    }

    fn token(&self) -> Result<Secret<String>, RootError> {
        let path = &self.settings.token_file;
        let bytes = Zeroizing::new(read(path)?);
        match std::str::from_utf8(&bytes).map(str::trim) {
            Ok(token) if !token.is_empty() => Ok(Secret::new(token.to_owned())),
            Ok(_) | Err(_) => Err(refused(format!("there is no token in `{}`", path.display()))),
        }
    }

    async fn encrypt(&self, place: &Context, key: &SealingKey) -> Result<Vec<u8>, RootError> {
        let plaintext = Zeroizing::new(STANDARD.encode(key.expose_secret()));
        let associated_data = STANDARD.encode(place.as_bytes());
        let body = Encrypt { plaintext: &plaintext, associated_data: &associated_data };
        let Encrypted { ciphertext } = self.call("encrypt", &body).await?;
        if !ciphertext.starts_with(CIPHERTEXT_BEGINS) || ciphertext.len() > CIPHERTEXT_BYTES_MAX {
            return Err(refused("what it wrapped is not a ciphertext of a transit engine".into()));
        }
        Ok(ciphertext.into_bytes())
    }

    async fn decrypt(&self, place: &Context, wrapped: &[u8]) -> Result<SealingKey, RootError> {
        let ciphertext = std::str::from_utf8(wrapped).map_err(|_| RootError::WrongKey)?;
        if !ciphertext.starts_with(CIPHERTEXT_BEGINS) || ciphertext.len() > CIPHERTEXT_BYTES_MAX {
            return Err(RootError::WrongKey);
        }
        let associated_data = STANDARD.encode(place.as_bytes());
        let body = Decrypt { ciphertext, associated_data: &associated_data };
        let Decrypted { plaintext } = self.call("decrypt", &body).await?;
        let plaintext = Zeroizing::new(plaintext);
        let key = Zeroizing::new(STANDARD.decode(plaintext.as_bytes()).map_err(|_| RootError::WrongKey)?);
        let key = key.as_slice().try_into().map_err(|_| RootError::WrongKey)?;
        Ok(SealingKey::from_secret(&Secret::new(key)))
    }
}

impl RootProvider for TransitRoot {
    fn kind(&self) -> RootKind {
        RootKind::Transit
    }

    fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>> {
        Box::pin(self.encrypt(place, key))
    }

    fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey> {
        Box::pin(self.decrypt(place, wrapped))
    }
}

/// What an answer other than 200 means. Statuses and texts are those of Vault and OpenBao (their page "HTTP API").
fn judge(status: StatusCode, text: &[u8]) -> RootError {
    let said = serde_json::from_slice::<Errors>(text).map(|said| said.errors.join("; ")).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(CAUSE_CHARACTERS_MAX).collect();
    let cause = format!("{} {said}", status.as_u16());
    match status.as_u16() {
        // A wrong tag, or bytes that are no ciphertext of this key.
        400 if said.contains("message authentication failed") || said.contains("invalid ciphertext") => {
            RootError::WrongKey
        }
        503 if said.contains("sealed") => RootError::Sealed { kind: RootKind::Transit, cause },
        // Told to wait, a standby without its active node, trouble inside.
        307 | 412 | 429 | 500.. => unreachable(cause),
        _ => refused(cause),
    }
}

// === helpers ===

/// The body of an answer, within bounds.
async fn bounded(mut answer: Response) -> Result<Zeroizing<Vec<u8>>, RootError> {
    // Never grows: what grows leaves its bytes behind.
    let mut text = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX));
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(without_url(error)))? {
        if text.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(unreachable(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn read(path: &Path) -> Result<Vec<u8>, RootError> {
    let failed = |error: std::io::Error| refused(format!("`{}` cannot be read: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What went wrong, down to its cause: `error sending request` alone helps nobody.
pub(super) fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.chars().take(CAUSE_CHARACTERS_MAX).collect()
}

fn unreachable(cause: String) -> RootError {
    RootError::Unreachable { kind: RootKind::Transit, cause }
}

fn refused(cause: String) -> RootError {
    RootError::Refused { kind: RootKind::Transit, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, text: &str) -> &'static str {
        match judge(StatusCode::from_u16(status).unwrap(), text.as_bytes()) {
            RootError::Sealed { .. } => "sealed",
            RootError::Unreachable { .. } => "unreachable",
            RootError::Refused { .. } => "refused",
            RootError::WrongKey => "wrong key",
        }
    }

    #[test]
    fn what_the_engine_says_is_told_apart() {
        for (status, text, expected) in [
            (400, r#"{"errors":["cipher: message authentication failed"]}"#, "wrong key"),
            (400, r#"{"errors":["invalid ciphertext: no prefix"]}"#, "wrong key"),
            (400, r#"{"errors":["encryption key not found"]}"#, "refused"),
            (403, r#"{"errors":["permission denied"]}"#, "refused"),
            (404, r#"{"errors":["no handler for route \"transit/decrypt/x\""]}"#, "refused"),
            (429, r#"{"errors":["request path: rate limit quota exceeded"]}"#, "unreachable"),
            (500, r#"{"errors":["internal error"]}"#, "unreachable"),
            (503, r#"{"errors":["Vault is sealed"]}"#, "sealed"),
            (503, r#"{"errors":[]}"#, "unreachable"),
            (502, "<html>a proxy</html>", "unreachable"),
            (307, "", "unreachable"),
            (204, "", "refused"),
        ] {
            assert_eq!(judged(status, text), expected, "{status} {text}");
        }
    }

    #[test]
    fn a_talkative_answer_is_cut_and_its_control_characters_are_left_out() {
        let text = format!(r#"{{"errors":["\u001b[2J{}"]}}"#, "x".repeat(5000));
        let said = judge(StatusCode::FORBIDDEN, text.as_bytes()).to_string();
        assert!(said.len() < 300 && !said.contains('\u{1b}'), "{said}");
    }

    #[test]
    fn an_address_without_tls_or_a_name_that_leads_elsewhere_is_refused() {
        let settings = |address: &str, mount: &str, key: &str| Transit {
            address: address.into(),
            mount: mount.into(),
            key: key.into(),
            token_file: "/none".into(),
            ca_file: "/none".into(),
        };
        for (address, mount, key) in [
            ("http://vault.example:8200", "transit", "k"),
            ("https://vault.example:8200/", "transit", "k"),
            ("https://vault.example", "transit", "../../sys/seal"),
            ("https://vault.example", "transit?x", "k"),
            ("https://vault.example", "", "k"),
        ] {
            assert!(matches!(
                TransitRoot::new(settings(address, mount, key)),
                Err(RootError::Refused { cause, .. }) if !cause.contains("cannot be read")
            ));
        }
    }
}

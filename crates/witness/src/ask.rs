//! Asks one witness over HTTPS.

use crate::wire::{Request, parse_size};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use std::time::Duration;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::NOTE_BYTES_MAX;

/// How long it may take to reach a witness.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long one call may take. A witness answers as fast as its disk.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest cause that is passed on from a witness, in characters.
const CAUSE_CHARACTERS_MAX: usize = 200;

/// A client of witnesses.
#[derive(Clone, Debug)]
pub struct Asker {
    http: Client,
}

/// Why a witness said nothing that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The authorities of the certificates of witnesses.
    #[error("the authorities of witnesses are not certificates in PEM")]
    Authorities,
    /// The client cannot be made.
    #[error("calls to witnesses cannot be made: {0}")]
    Client(String),
    /// Nobody answered, or not as a witness does.
    #[error("the witness does not answer: {0}")]
    Silent(String),
}

/// What a witness said to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Signature lines, not verified.
    Cosigned(String),
    /// It has seen this size last.
    Conflict(u64),
    /// It was not shown that the checkpoint continues what it has seen.
    Inconsistent,
    /// It does not cosign for another reason.
    Refused(String),
}

impl Asker {
    /// A client that trusts these authorities (PEM) alone, or those of the system.
    ///
    /// # Errors
    /// [`AskError::Authorities`] and [`AskError::Client`].
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, AskError> {
        let mut client = Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(CALL_TIME_MAX);
        if let Some(pem) = authorities {
            let authorities = Certificate::from_pem_bundle(pem).map_err(|_| AskError::Authorities)?;
            if authorities.is_empty() {
                return Err(AskError::Authorities);
            }
            client = client.tls_certs_only(authorities);
        }
        Ok(Self { http: client.build().map_err(|error| AskError::Client(error.to_string()))? })
    }

    /// The newest checkpoint of a log that the witness at `url` has cosigned, not verified; none where it never has.
    ///
    /// # Errors
    /// [`AskError::Silent`]
    pub async fn newest(&self, url: &str, origin: &str) -> Result<Option<String>, AskError> {
        let hash = hex::encode(sha256(origin.as_bytes()));
        let answer = self.http.get(format!("{url}/{hash}/checkpoint")).send().await.map_err(silent)?;
        match (answer.status(), bounded(answer).await?) {
            (StatusCode::OK, note) => Ok(Some(note)),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, words) => Err(AskError::Silent(cause(status, &words))),
        }
    }

    /// Sends a checkpoint.
    pub(crate) async fn add_checkpoint(&self, url: &str, request: &Request) -> Result<Reply, AskError> {
        let call = self.http.post(format!("{url}/add-checkpoint")).body(request.write());
        let answer = call.send().await.map_err(silent)?;
        let (status, words) = (answer.status(), bounded(answer).await?);
        Ok(match status {
            StatusCode::OK => Reply::Cosigned(words),
            StatusCode::CONFLICT => match parse_size(&words) {
                Some(size) => Reply::Conflict(size),
                None => return Err(AskError::Silent("it tells a size that is none".to_owned())),
            },
            StatusCode::UNPROCESSABLE_ENTITY => Reply::Inconsistent,
            status if status.is_client_error() => Reply::Refused(cause(status, &words)),
            status => return Err(AskError::Silent(cause(status, &words))),
        })
    }
}

async fn bounded(mut answer: Response) -> Result<String, AskError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(silent)? {
        if body.len() + chunk.len() > NOTE_BYTES_MAX {
            return Err(AskError::Silent("its answer is longer than any checkpoint".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| AskError::Silent("its answer is no text".to_owned()))
}

/// What a stranger says, for a line of a log.
fn cause(status: StatusCode, words: &str) -> String {
    let words: String = words.trim().chars().filter(|c| !c.is_control()).take(CAUSE_CHARACTERS_MAX).collect();
    format!("{} {words}", status.as_u16())
}

/// What went wrong, down to its cause.
fn silent(error: reqwest::Error) -> AskError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    AskError::Silent(text.chars().take(CAUSE_CHARACTERS_MAX).collect())
}

//! The archive, as a vault sees it: the routes of its door, and nothing else.

use crate::VaultError;
use futures_util::StreamExt as _;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use yingdun_transfer::TransferError;
use yingdun_transfer::link::Link;

/// How often a request is tried again while the archive is busy or away, and how long the first wait is; each further one is
/// twice as long. The next pull tries again anyway.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The longest answer that is read at once, in bytes: a page of the list of packs.
const DOCUMENT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the archive holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Holdings {
    pub(crate) institution: String,
    pub(crate) store: String,
    pub(crate) replicas: usize,
    pub(crate) packs: Vec<HeldPack>,
    pub(crate) more: bool,
}

/// A pack that it holds.
#[derive(Debug, Deserialize)]
pub(crate) struct HeldPack {
    pub(crate) pack: String,
    pub(crate) bytes: u64,
}

/// What it says of packs that it was asked about.
#[derive(Debug, Deserialize)]
pub(crate) struct Probes {
    pub(crate) packs: Vec<ProbedPack>,
}

/// The digests of one, by replica.
#[derive(Debug, Deserialize)]
pub(crate) struct ProbedPack {
    pub(crate) pack: String,
    pub(crate) digests: Vec<Option<String>>,
}

/// What a refusal says (RFC 9457).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    expected: Option<String>,
    came: Option<String>,
}

pub(crate) struct Remote {
    link: Link,
}

impl Remote {
    pub(crate) const fn new(link: Link) -> Self {
        Self { link }
    }

    /// A document.
    pub(crate) async fn document<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, VaultError> {
        read_document(self.ask(Method::GET, path, |request| request.query(query)).await?).await
    }

    /// A document for a question.
    pub(crate) async fn answer<T: DeserializeOwned>(
        &self,
        path: &[&str],
        question: &Value,
    ) -> Result<T, VaultError> {
        read_document(self.ask(Method::POST, path, |request| request.json(question)).await?).await
    }

    /// Bytes, handed over as they come.
    pub(crate) async fn bytes(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        mut put: impl FnMut(&[u8]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let mut body = self.ask(Method::GET, path, |request| request.query(query)).await?.bytes_stream();
        while let Some(piece) = body.next().await {
            put(&piece.map_err(TransferError::from)?)?;
        }
        Ok(())
    }

    /// Asks until there is an answer that is none of ours to try again.
    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, TransferError> {
        let path: Vec<&str> = ["api", "v1", "vault"].iter().chain(path).copied().collect();
        let (mut attempt, mut renewed, mut pause) = (1, false, PAUSE);
        loop {
            let again = match with(self.link.request(method.clone(), &path)?).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    self.link.renew().await?;
                    continue;
                }
                Ok(answer) => {
                    let status = answer.status();
                    let busy = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                    let refused = refusal(answer).await;
                    if !busy {
                        return Err(refused);
                    }
                    refused
                }
                Err(error) => error.into(),
            };
            if attempt == ATTEMPTS {
                return Err(again);
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

async fn read_document<T: DeserializeOwned>(answer: Response) -> Result<T, VaultError> {
    let bytes = read_bounded(answer).await?;
    serde_json::from_slice(&bytes).map_err(|_| VaultError::Unexpected("a document of another shape"))
}

async fn read_bounded(answer: Response) -> Result<Vec<u8>, VaultError> {
    let mut bytes = Vec::new();
    let mut body = answer.bytes_stream();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(TransferError::from)?);
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(VaultError::Unexpected("a document without an end"));
        }
    }
    Ok(bytes)
}

async fn refusal(answer: Response) -> TransferError {
    let status = answer.status();
    let problem: Problem = match read_bounded(answer).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Problem::default(),
    };
    let mut words = problem.title;
    for (label, text) in [("expected", problem.expected), ("came", problem.came)] {
        if let Some(text) = text {
            words.push_str(&format!("; {label}: {text}"));
        }
    }
    TransferError::Refused { status, words }
}

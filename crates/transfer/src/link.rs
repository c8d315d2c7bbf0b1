//! An HTTPS client that stays signed in for as long as a transfer takes.
//!
//! A token of a service client lives an hour, and an import may take days: whoever names the client and its secret gets a
//! new token when the old one ends. A token file is read again, so that somebody can sign in anew beside a running import.

use crate::TransferError;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use yingdun_model::Secret;

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);

/// How long bytes that we sent may stay unconfirmed before the connection counts as dead. There is no limit on a whole
/// request: an object of some gigabytes takes its time.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A server to which we are somebody.
pub struct Link {
    http: Client,
    base: Url,
    identity: Identity,
    token: Mutex<Secret<String>>,
}

/// Who we are.
pub enum Identity {
    /// A service client.
    Client {
        /// Its name.
        id: String,
        /// Its secret.
        secret: Secret<String>,
    },
    /// Whoever signed in and keeps the token in this file.
    File(PathBuf),
    /// Whoever this token was given to.
    Fixed(Secret<String>),
}

/// What the token endpoint grants (RFC 6749 §5.1). Fields that are not here are for others.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Link {
    /// Signs in at a server, with a client that trusts it.
    ///
    /// # Errors
    /// [`TransferError`] when the server cannot be reached or does not know us.
    pub async fn connect(
        client: ClientBuilder,
        base: Url,
        identity: Identity,
    ) -> Result<Self, TransferError> {
        // Every transfer runs on a connection of its own; streams that share one would share its window.
        let http = client
            .http1_only()
            .connect_timeout(CONNECT_TIME_MAX)
            .tcp_keepalive(SILENCE_MAX)
            .tcp_user_timeout(SILENCE_MAX)
            .build()?;
        let token = match &identity {
            Identity::Fixed(token) => Secret::new(token.expose().clone()),
            Identity::Client { .. } | Identity::File(_) => Secret::new(String::new()),
        };
        let link = Self { http, base, identity, token: Mutex::new(token) };
        match &link.identity {
            Identity::Fixed(_) => {}
            Identity::Client { .. } | Identity::File(_) => link.renew().await?,
        }
        Ok(link)
    }

    /// A request below the base, signed with the token of now.
    ///
    /// # Errors
    /// [`TransferError::Unexpected`] when the base cannot have a path.
    pub fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, TransferError> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).expose().clone();
        Ok(self.http.request(method, self.url(path)?).bearer_auth(token))
    }

    /// Gets a new token after the server refused the present one.
    ///
    /// # Errors
    /// [`TransferError::NotSignedIn`] when there is no way to get another.
    pub async fn renew(&self) -> Result<(), TransferError> {
        let new = match &self.identity {
            Identity::Client { id, secret } => self.grant(id, secret).await?,
            Identity::File(path) => line_of(path)?,
            Identity::Fixed(_) => return Err(TransferError::NotSignedIn),
        };
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(self.identity, Identity::File(_)) && token.expose() == new.expose() {
            return Err(TransferError::NotSignedIn);
        }
        *token = new;
        Ok(())
    }

    /// Client credentials (RFC 6749 §4.4).
    async fn grant(&self, id: &str, secret: &Secret<String>) -> Result<Secret<String>, TransferError> {
        let form =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose())];
        let answer = self.http.post(self.url(&["oauth2", "token"])?).form(&form).send().await?;
        match answer.status() {
            StatusCode::OK => {
                let granted: Granted =
                    answer.json().await.map_err(|_| TransferError::Unexpected("a grant without a token"))?;
                Ok(Secret::new(granted.access_token))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Err(TransferError::NotSignedIn),
            status => Err(TransferError::Refused { status, words: String::new() }),
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, TransferError> {
        let mut url = self.base.clone();
        let mut segments =
            url.path_segments_mut().map_err(|()| TransferError::Unexpected("an address without a path"))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        Ok(url)
    }
}

/// The first line of a file that holds a secret.
///
/// # Errors
/// [`TransferError::File`].
pub fn line_of(path: &Path) -> Result<Secret<String>, TransferError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| TransferError::File { path: path.to_owned(), cause })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().trim().to_owned()))
}

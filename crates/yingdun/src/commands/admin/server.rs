//! One HTTPS client for the administration API: one place for trust, tokens and refusals.

use crate::cli::{AdminArgs, ServerArgs};
use reqwest::header::{CONTENT_TYPE, HeaderMap, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use yingdun_model::Secret;

/// How long one call may take. Administration is small rows; a search of a long audit log is the slowest.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);

/// How long a file may take, with what is done with it: a picture is laid over some hundred frames.
const FILE_TIME_MAX: Duration = Duration::from_secs(600);

/// Where the API is mounted.
const API: &str = "api/v1";

/// Why the server did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminClientError {
    #[error("`{url}` is not the address of a server; expected https://host:port")]
    Address { url: String },
    #[error("`{}` cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("no token: name the file that `yingdun login` wrote with --token-file, or set YINGDUN_TOKEN")]
    NoToken,
    #[error("the server cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the server answered {status}: {words}")]
    Refused { status: StatusCode, words: String },
    #[error("the server answered with something else than this program expects: {0}")]
    Unexpected(&'static str),
    #[error("there is no device `{ae_title}` that calls us `{called}`")]
    NoDevice { ae_title: String, called: String },
    #[error("name, password or role is not right, or too many attempts failed")]
    SignInRefused,
    #[error("the invitation is not valid, was used, or has expired; or the password is too short")]
    InvitationRefused,
}

/// A server that we talk to.
pub(super) struct Server {
    http: Client,
    base: Url,
    token: Option<Secret<String>>,
}

/// An answer, and what stands beside it where it is a page of more.
pub(super) struct Page {
    pub(super) rows: Value,
    /// How many there are: a number, or `at least` one.
    pub(super) count: Option<String>,
    pub(super) next: Option<String>,
    /// The log of the node that answers, and how many there are.
    pub(super) log: Option<String>,
    pub(super) logs: Option<u64>,
    /// Whether all of them are in it, which ones are, and which are not: `log`, `why`, `last_seen_ms`.
    pub(super) whole: Option<bool>,
    pub(super) logs_read: Value,
    pub(super) logs_missing: Value,
    /// Whether the archive knows whom the question is about, where it says so.
    pub(super) known: Option<bool>,
}

/// What a refusal says (RFC 9457). Fields that are not here are for programs.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    expected: Option<String>,
    #[serde(default)]
    came: Option<String>,
    #[serde(default, rename = "do")]
    remedy: Option<String>,
}

impl Server {
    /// A server that knows us by a token.
    pub(super) fn of(args: &AdminArgs) -> Result<Self, AdminClientError> {
        let token = match (&args.token_file, &args.token) {
            (Some(path), _) => std::fs::read_to_string(path)
                .map_err(|cause| AdminClientError::File { path: path.clone(), cause })?,
            (None, Some(token)) => token.clone(),
            (None, None) => return Err(AdminClientError::NoToken),
        };
        let token = Secret::new(token.trim().to_owned());
        Ok(Self { token: Some(token), ..Self::anonymous(&args.server)? })
    }

    /// A server to which we are nobody yet.
    pub(super) fn anonymous(args: &ServerArgs) -> Result<Self, AdminClientError> {
        let (client, base) = https_client(args)?;
        Ok(Self { http: client.timeout(CALL_TIME_MAX).build()?, base, token: None })
    }

    /// A server that knows us by a token that was just given.
    pub(super) fn with_token(args: &ServerArgs, token: Secret<String>) -> Result<Self, AdminClientError> {
        Ok(Self { token: Some(token), ..Self::anonymous(args)? })
    }

    /// Calls a route of the administration API; an answer without a body is `null`.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Value>,
    ) -> Result<Value, AdminClientError> {
        self.page(method, path, query, body).await.map(|page| page.rows)
    }

    /// The same of a route that answers in pages.
    pub(super) async fn page(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Value>,
    ) -> Result<Page, AdminClientError> {
        let url = self.url(API.split('/').chain(path.iter().copied()))?;
        let mut request = self.http.request(method, url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(&without_nulls(body));
        }
        let answer = request.send().await?;
        let status = answer.status();
        let beside = |name: &str| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (count, next) = (beside("yingdun-count"), beside("yingdun-next"));
        let (log, logs) = (beside("yingdun-log"), beside("yingdun-logs").and_then(|logs| logs.parse().ok()));
        let whole = beside("yingdun-whole").and_then(|whole| whole.parse().ok());
        let list = |name| {
            beside(name).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| json!([]))
        };
        let (logs_read, logs_missing) = (list("yingdun-logs-read"), list("yingdun-logs-missing"));
        let known = beside("yingdun-known").and_then(|known| known.parse().ok());
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            return Err(refused(status, &bytes));
        }
        let rows = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).map_err(|_| AdminClientError::Unexpected("no JSON"))?,
        };
        Ok(Page { rows, count, next, log, logs, whole, logs_read, logs_missing, known })
    }

    /// Sends a file to a route of the administration API.
    pub(super) async fn send_file(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        media_type: &str,
        file: Vec<u8>,
    ) -> Result<Value, AdminClientError> {
        let url = self.url(API.split('/').chain(path.iter().copied()))?;
        let mut request = self.http.post(url).query(query).header(CONTENT_TYPE, media_type).body(file);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.timeout(FILE_TIME_MAX).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            return Err(refused(status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|_| AdminClientError::Unexpected("no JSON"))
    }

    /// Opens a form of the pages and sends it, as a browser would.
    pub(super) async fn send_form(
        &self,
        path: &[&str],
        fields: &[(&str, &str)],
    ) -> Result<Response, AdminClientError> {
        const FORM_COOKIE: &str = "__Host-yingdun-form";
        let url = self.url(path.iter().copied())?;
        let form = self.http.get(url.clone()).send().await?;
        let value = cookie(form.headers(), FORM_COOKIE)
            .ok_or(AdminClientError::Unexpected("a form without its token"))?;
        let mut fields = fields.to_vec();
        fields.push(("form_token", &value));
        let sent = self.http.post(url).header("cookie", format!("{FORM_COOKIE}={value}")).form(&fields);
        Ok(sent.send().await?)
    }

    /// An address below the base. Names become segments of a path, whatever characters they hold.
    fn url<'a>(&self, segments: impl Iterator<Item = &'a str>) -> Result<Url, AdminClientError> {
        let mut url = self.base.clone();
        let address = || AdminClientError::Address { url: self.base.to_string() };
        url.path_segments_mut().map_err(|()| address())?.pop_if_empty().extend(segments);
        Ok(url)
    }
}

/// A client that speaks HTTPS only, with whom it trusts, and the address of the server.
///
/// # Errors
/// [`AdminClientError`] when the address or the authority is of no use.
pub(crate) fn https_client(args: &ServerArgs) -> Result<(ClientBuilder, Url), AdminClientError> {
    let address = || AdminClientError::Address { url: args.server.clone() };
    let base = Url::parse(&args.server).map_err(|_| address())?;
    if base.scheme() != "https" || base.cannot_be_a_base() {
        return Err(address());
    }
    let mut client = Client::builder().https_only(true).redirect(Policy::none());
    if let Some(path) = &args.ca_file {
        let pem =
            std::fs::read(path).map_err(|cause| AdminClientError::File { path: path.clone(), cause })?;
        client = client.tls_certs_only(Certificate::from_pem_bundle(&pem)?);
    }
    Ok((client, base))
}

/// What was not said is left out: the archive takes no null for it.
fn without_nulls(body: Value) -> Value {
    match body {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// The value of a cookie that an answer sets.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|text| {
        let (key, value) = text.split(';').next()?.split_once('=')?;
        (key.trim() == name && !value.is_empty()).then(|| value.to_owned())
    })
}

fn refused(status: StatusCode, body: &[u8]) -> AdminClientError {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let words = problem.map_or_else(String::new, |problem| {
        let Problem { title, expected, came, remedy } = problem;
        let mut words = title;
        let mut add = |label: &str, text: Option<String>| {
            if let Some(text) = text {
                words.push_str(&format!("; {label}{text}"));
            }
        };
        add("expected ", expected);
        add("got ", came);
        add("", remedy);
        words
    });
    AdminClientError::Refused { status, words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn server(url: &str) -> Result<Server, AdminClientError> {
        Server::anonymous(&ServerArgs { server: url.to_owned(), ca_file: None })
    }

    #[test]
    fn tokens_are_sent_over_https_only() {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        assert!(matches!(server("http://127.0.0.1:8443"), Err(AdminClientError::Address { .. })));
        assert!(server("https://127.0.0.1:8443").is_ok());
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let server = server("https://127.0.0.1:8443/").unwrap();
        let url = server.url(["people", "../devices?x", "王"].into_iter()).unwrap();
        assert_eq!(url.path(), "/people/..%2Fdevices%3Fx/%E7%8E%8B");
    }

    #[test]
    fn a_cookie_is_found_by_its_name_and_an_emptied_one_is_none() {
        let mut headers = HeaderMap::new();
        for text in ["a=1; Path=/", "b=; Max-Age=0", "c=2"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(text));
        }
        assert_eq!(cookie(&headers, "c").as_deref(), Some("2"));
        assert_eq!(cookie(&headers, "b"), None);
    }
}

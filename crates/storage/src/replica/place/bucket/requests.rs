//! HTTP as far as a bucket needs it: signed, bounded in time and bytes, tried again where that may help.

use super::answers::code_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5};
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_LENGTH, DATE, ETAG, HeaderMap};
use reqwest::{Certificate, StatusCode, Url};
use rusty_s3::{Bucket, Credentials, Method};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// How long a connection may take to be there.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// How long an answer may take that has hardly any bytes.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// A line that is slower than this, in bytes a second, is none: it would need days for a day's images.
const BYTES_PER_SECOND_MIN: u64 = 128 * 1024;

/// How often one request is tried: what lasts longer is for the courier, who waits up to a minute.
const ATTEMPTS_MAX: u32 = 5;

/// The first pause between two attempts; each further one is twice as long, and any is shortened by up to a half, so that those
/// whom one outage has stopped do not come back all at once.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How long a signature is good for: it is made anew for every attempt.
const SIGNED_FOR: Duration = Duration::from_secs(600);

/// Bytes of a listing or an error: a page of a thousand names has a third of this.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One request, before it is signed.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    /// What is tried, as it follows "could not".
    doing: &'static str,
    method: Method,
    /// The object; none means the bucket.
    key: Option<&'a str>,
    query: BTreeMap<&'static str, String>,
    headers: BTreeMap<&'static str, String>,
    body: Bytes,
    answer_bytes_max: usize,
}

impl<'a> Call<'a> {
    pub(super) fn new(doing: &'static str, method: Method, key: Option<&'a str>) -> Self {
        let (query, headers) = (BTreeMap::new(), BTreeMap::new());
        Self { doing, method, key, query, headers, body: Bytes::new(), answer_bytes_max: TEXT_BYTES_MAX }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.insert(name, value.into());
        self
    }

    /// A header, by its name in lower case; all are signed.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    /// A body, with the digest that buckets with Object Lock ask for (Amazon S3 API, PutObject, "Content-MD5"), and that makes any
    /// server refuse what was changed on its way.
    pub(super) fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let digest = STANDARD.encode(Md5::digest(&body));
        Self { body, ..self.header("content-md5", digest) }
    }

    /// Only so many bytes of the answer.
    fn answer_bytes_max(self, answer_bytes_max: usize) -> Self {
        Self { answer_bytes_max, ..self }
    }

    /// The entity tag that most servers give what was put with this body.
    pub(super) fn tag(&self) -> String {
        hex::encode(Md5::digest(&self.body))
    }

    fn time_max(&self) -> Duration {
        let bytes = (self.body.len() + self.answer_bytes_max) as u64;
        ANSWER_TIME_MAX + Duration::from_secs(bytes / BYTES_PER_SECOND_MIN)
    }
}

/// What a server says to a request that it has done.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// May be one byte longer than was asked for, and is cut off there.
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(self) -> io::Result<String> {
        if self.body.len() > TEXT_BYTES_MAX {
            return Err(io::Error::other(format!("the answer has more than {TEXT_BYTES_MAX} bytes")));
        }
        String::from_utf8(self.body).map_err(|_| io::Error::other("the answer is no text"))
    }

    /// The entity tag, as the server writes it.
    pub(super) fn tag(&self) -> Option<&str> {
        self.header(ETAG.as_str())
    }

    /// The bytes of the object that was asked about.
    pub(super) fn object_bytes(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// The clock of the server, to the second.
    pub(super) fn date(&self) -> Option<jiff::Timestamp> {
        jiff::fmt::rfc2822::parse(self.header(DATE.as_str())?).ok().map(|zoned| zoned.timestamp())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A refusal, and whether it may be one of the moment.
struct Refused {
    error: io::Error,
    passing: bool,
}

/// Who asks. The client is made when it is first used, because it must not be made by a thread that may not wait.
pub(super) struct Requests {
    bucket: Bucket,
    credentials: Credentials,
    ca_pem: Option<Vec<u8>>,
    first_pause: Duration,
    client: OnceLock<Client>,
}

impl Requests {
    pub(super) fn new(bucket: Bucket, credentials: Credentials, ca_pem: Option<Vec<u8>>) -> Self {
        Self { bucket, credentials, ca_pem, first_pause: FIRST_PAUSE, client: OnceLock::new() }
    }

    #[cfg(test)]
    pub(super) fn hurry(&mut self) {
        self.first_pause = Duration::from_millis(1);
    }

    pub(super) const fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Asks until there is an answer that stands.
    pub(super) fn send(&self, call: &Call<'_>) -> io::Result<Answer> {
        self.send_unless_found(call, || None)
    }

    /// The same, but before it asks again it looks whether the attempt whose answer got lost has done what it should.
    pub(super) fn send_unless_found(
        &self,
        call: &Call<'_>,
        found: impl Fn() -> Option<Answer>,
    ) -> io::Result<Answer> {
        let mut pause = self.first_pause;
        let mut attempt = 1;
        loop {
            match self.once(call) {
                Ok(answer) => return Ok(answer),
                Err(refused) if !refused.passing || attempt == ATTEMPTS_MAX => return Err(refused.error),
                Err(_) => {}
            }
            thread::sleep(shortened(pause)?);
            if let Some(answer) = found() {
                return Ok(answer);
            }
            pause *= 2;
            attempt += 1;
        }
    }

    /// What the server says of an object; nothing when it has none, or does not answer to one attempt.
    pub(super) fn head(&self, key: &str) -> Option<Answer> {
        self.once(&Call::new("look at an object", Method::Head, Some(key))).ok()
    }

    /// Appends up to `bytes` bytes from an offset to `buffer` and says how many.
    pub(super) fn get_range(
        &self,
        call: Call<'_>,
        buffer: &mut Vec<u8>,
        bytes: usize,
        offset: u64,
    ) -> io::Result<usize> {
        if bytes == 0 {
            return Ok(0);
        }
        let last = offset.saturating_add(bytes as u64 - 1);
        let call = call.header("range", format!("bytes={offset}-{last}")).answer_bytes_max(bytes);
        match self.send(&call) {
            Ok(answer) if offset > 0 && answer.status != StatusCode::PARTIAL_CONTENT => {
                Err(io::Error::other("the server does not give ranges of objects"))
            }
            Ok(mut answer) => {
                answer.body.truncate(bytes);
                buffer.extend_from_slice(&answer.body);
                Ok(answer.body.len())
            }
            // There is nothing behind the end.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn once(&self, call: &Call<'_>) -> Result<Answer, Refused> {
        let doing = call.doing;
        let lasting = |error| Refused { error, passing: false };
        let broken = |what| {
            let error = io::Error::new(io::ErrorKind::NotConnected, format!("could not {doing}: {what}"));
            Refused { error, passing: true }
        };
        let client = self.client().map_err(lasting)?;
        let method = match call.method {
            Method::Head => reqwest::Method::HEAD,
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = client.request(method, self.sign(call)).timeout(call.time_max());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if matches!(call.method, Method::Put | Method::Post) {
            request = request.body(call.body.clone());
        }
        // The address is signed: it is in no error.
        let response = request.send().map_err(|error| broken(words(&error.without_url())))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response, call.answer_bytes_max).map_err(|error| broken(error.to_string()))?;
        let answer = Answer { status, headers, body };
        if status.is_success() {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let what = format!("could not {doing}: the server answered {}", told(status, &text));
        Err(Refused { error: io::Error::new(kind_of(status, &text), what), passing: is_passing(status) })
    }

    fn sign(&self, call: &Call<'_>) -> Url {
        let url = call.key.map_or_else(|| self.bucket.base_url().clone(), |key| self.bucket.object_url(key));
        let keys = &self.credentials;
        rusty_s3::signing::sign(
            &jiff::Timestamp::now(),
            call.method,
            url,
            keys.key(),
            keys.secret(),
            keys.token(),
            self.bucket.region(),
            SIGNED_FOR.as_secs(),
            call.query.iter().map(|(name, value)| (*name, value.as_str())),
            call.headers.iter().map(|(name, value)| (*name, value.as_str())),
        )
    }

    fn client(&self) -> io::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            // A redirect would take what is signed to another server.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(pem) = &self.ca_pem {
            let roots = Certificate::from_pem_bundle(pem).map_err(io::Error::other)?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build().map_err(|error| io::Error::other(words(&error.without_url())))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// The body up to `bytes_max` and one byte more, which tells that there is more. What is cut off before its announced end is
/// an error.
fn read(response: Response, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    response.take(bytes_max as u64 + 1).read_to_end(&mut body)?;
    Ok(body)
}

fn shortened(pause: Duration) -> io::Result<Duration> {
    let mut dice = [0; 1];
    getrandom::fill(&mut dice).map_err(io::Error::other)?;
    Ok(pause - pause.mul_f64(f64::from(dice[0]) / 512.0))
}

/// Whether a refusal may be one of the moment.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn kind_of(status: StatusCode, body: &str) -> io::ErrorKind {
    match status {
        // It does not answer now, which says nothing about what it has.
        status if is_passing(status) => io::ErrorKind::NotConnected,
        // Nor does a bucket that is not there.
        StatusCode::NOT_FOUND if code_of(body) == Some("NoSuchBucket") => io::ErrorKind::Other,
        StatusCode::NOT_FOUND => io::ErrorKind::NotFound,
        StatusCode::RANGE_NOT_SATISFIABLE => io::ErrorKind::InvalidInput,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => io::ErrorKind::PermissionDenied,
        StatusCode::PRECONDITION_FAILED => io::ErrorKind::AlreadyExists,
        _ => io::ErrorKind::Other,
    }
}

/// The status and the code in the body of an error; nothing else of it, which may repeat what was signed.
fn told(status: StatusCode, body: &str) -> String {
    match code_of(body) {
        Some(code) => format!("{} {code}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_code_and_never_by_its_text() {
        let body = "<Error><Code>SlowDown</Code><Message>secret</Message></Error>";
        assert_eq!(told(StatusCode::SERVICE_UNAVAILABLE, body), "503 SlowDown");
        assert_eq!(told(StatusCode::FORBIDDEN, "<Code>a b&amp;secret</Code>"), "403");
        assert_eq!(told(StatusCode::BAD_GATEWAY, ""), "502");
        assert!(is_passing(StatusCode::SERVICE_UNAVAILABLE) && !is_passing(StatusCode::FORBIDDEN));
        assert!(!is_passing(StatusCode::NOT_IMPLEMENTED));
    }

    #[test]
    fn a_pause_is_shortened_by_half_at_most() {
        let whole = Duration::from_millis(400);
        for _ in 0..200 {
            let pause = shortened(whole).unwrap();
            assert!(pause <= whole && pause >= whole / 2, "{pause:?}");
        }
    }
}

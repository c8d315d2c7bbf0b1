//! The one table from "what went wrong" to an HTTP answer (RFC 9457, `application/problem+json`).
//!
//! Every refusal of this door is a [`Problem`]: a kind, which fixes status and title in both languages, and up
//! to three sentences: what was expected, what came, what to do. A problem never says whether a study exists
//! to someone who may not see it: absent and invisible studies are the same [`Kind::NotFound`].

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WARNING, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

/// What went wrong, as far as an HTTP client has to tell cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request breaks a rule of its route.
    BadRequest,
    /// No identity, or one that is no longer valid.
    Unauthenticated,
    /// The identity is known and may not do this.
    Forbidden,
    /// The monitor asks why, before this is opened.
    ReasonRequired,
    /// There is nothing here that this identity may see.
    NotFound,
    /// The range lies outside what is there.
    RangeNotSatisfiable,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Nothing that the client accepts can be served.
    NotAcceptable,
    /// The request would overwrite something else.
    Conflict,
    /// There was something here, and it was removed.
    Gone,
    /// The body is longer than the route takes.
    TooLarge,
    /// Path and query are longer than the door takes.
    UriTooLong,
    /// The header fields are more or longer than the door takes.
    HeadersTooLarge,
    /// The body is of a type that the route does not take.
    UnsupportedMediaType,
    /// Every part is well formed, and together they make no sense.
    Unprocessable,
    /// The body stayed silent for too long.
    Timeout,
    /// Too many attempts.
    TooMany,
    /// The fault is on this side and not the client's.
    Internal,
    /// A part that the request needs is not available now.
    Unavailable,
    /// Another system that was asked for it did not do it.
    BadGateway,
}

impl Kind {
    /// Status, short name, title in English and in Chinese.
    const fn row(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::BadRequest => {
                (StatusCode::BAD_REQUEST, "bad-request", "The request is malformed", "请求格式不正确")
            }
            Self::Unauthenticated => {
                (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid login is needed", "需要有效的登录")
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "This is not permitted", "没有权限"),
            Self::ReasonRequired => {
                (StatusCode::FORBIDDEN, "reason-required", "Say why, and this opens", "请说明理由后再打开")
            }
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "not-found", "There is nothing to see here", "未找到可查看的内容")
            }
            Self::RangeNotSatisfiable => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-not-satisfiable",
                "The range lies outside what is there",
                "所请求的范围超出内容",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This method does not exist here",
                "此处不支持该方法",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "Nothing that you accept can be served",
                "无法提供所要求的格式",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "The request conflicts with what is stored",
                "与已有内容冲突",
            ),
            Self::Gone => (StatusCode::GONE, "gone", "What was here is removed", "内容已移除"),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", "请求体过大")
            }
            Self::UriTooLong => {
                (StatusCode::URI_TOO_LONG, "uri-too-long", "The address is too long", "地址过长")
            }
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "The header fields are too large",
                "请求头过大",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "This type of body is not taken here",
                "不支持的内容类型",
            ),
            Self::Unprocessable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unprocessable",
                "This makes no sense together",
                "各项内容之间不一致",
            ),
            Self::Timeout => {
                (StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not arrive in time", "请求体超时")
            }
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many attempts", "尝试次数过多"),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The fault is on our side", "服务器内部错误")
            }
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment", "暂时不可用")
            }
            Self::BadGateway => {
                (StatusCode::BAD_GATEWAY, "bad-gateway", "The device did not do it", "设备没有完成请求")
            }
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().0
    }
}

/// A refusal on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(Box<Facts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    kind: Kind,
    expected: Option<String>,
    came: Option<String>,
    pointer: Option<String>,
    remedy: Option<String>,
    available: Vec<String>,
    header: Option<(Extra, HeaderValue)>,
    /// A value that the next proof of a key has to carry.
    nonce: Option<HeaderValue>,
}

/// Headers that some problems carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    RetryAfter,
    Authenticate,
    Length,
    Warning,
}

impl Problem {
    /// A problem without further words.
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Facts {
            kind,
            expected: None,
            came: None,
            pointer: None,
            remedy: None,
            available: Vec::new(),
            header: None,
            nonce: None,
        }))
    }

    /// A malformed request: what was expected and what came.
    pub(crate) fn bad_request(expected: impl Into<String>, came: impl AsRef<str>) -> Self {
        Self::new(Kind::BadRequest).expected(expected).came(came)
    }

    /// Adds what was expected.
    pub(crate) fn expected(mut self, text: impl Into<String>) -> Self {
        self.0.expected = Some(text.into());
        self
    }

    /// Adds what came instead. The text may quote the client's own request; it is cut and stripped of control
    /// characters, so that it cannot inject anything into a terminal or a log.
    pub(crate) fn came(mut self, text: impl AsRef<str>) -> Self {
        self.0.came = Some(quoted(text.as_ref()));
        self
    }

    /// Adds where in the request it is: `{name}` of the path, `?name` of the query, `#name` of a form, `#/name/0` of a JSON body
    /// (RFC 6901).
    pub(crate) fn pointer(mut self, place: impl Into<String>) -> Self {
        self.0.pointer = Some(place.into());
        self
    }

    /// Adds what the client can do about it.
    pub(crate) fn remedy(mut self, text: impl Into<String>) -> Self {
        self.0.remedy = Some(text.into());
        self
    }

    /// Adds the media types that can be served instead (RFC 9110 §15.5.7).
    pub(crate) fn available(mut self, media_types: impl IntoIterator<Item = String>) -> Self {
        self.0.available = media_types.into_iter().collect();
        self
    }

    /// Adds how many seconds to wait.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.header = Some((Extra::RetryAfter, HeaderValue::from(seconds)));
        self
    }

    /// Adds how many bytes there are, to a range outside of them.
    pub(crate) fn of_length(mut self, bytes: u64) -> Self {
        self.0.header =
            HeaderValue::from_str(&format!("bytes */{bytes}")).ok().map(|value| (Extra::Length, value));
        self
    }

    /// Adds the warning that the standard words for this refusal.
    pub(crate) fn warning(mut self, value: Option<HeaderValue>) -> Self {
        self.0.header = value.map(|value| (Extra::Warning, value));
        self
    }

    /// A missing or invalid access token (RFC 6750 §3).
    pub(crate) fn unauthenticated(error: Option<&'static str>) -> Self {
        let challenge = match error {
            None => HeaderValue::from_static("Bearer realm=\"yingdun\""),
            Some("invalid_token") => {
                HeaderValue::from_static("Bearer realm=\"yingdun\", error=\"invalid_token\"")
            }
            Some(_) => HeaderValue::from_static("Bearer realm=\"yingdun\", error=\"invalid_request\""),
        };
        let mut problem = Self::new(Kind::Unauthenticated)
            .expected("a valid access token in the header `Authorization: Bearer …`")
            .remedy("ask /oauth2/token for a token and send it with each request");
        problem.0.header = Some((Extra::Authenticate, challenge));
        problem
    }

    /// A token that is bound to a key and came without a good proof of it (RFC 9449 §7.1 and §9).
    pub(crate) fn proof_needed(error: ProofError, nonce: Option<&str>) -> Self {
        let (challenge, expected) = match error {
            ProofError::Token => (
                "DPoP error=\"invalid_token\", algs=\"ES256 EdDSA\"",
                "a token that is bound to a key, as `Authorization: DPoP …`, with a proof of that key in the header `DPoP`",
            ),
            ProofError::Proof => (
                "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA\"",
                "a proof made for this request by the key of the token, never used before",
            ),
            ProofError::Nonce => (
                "DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA\"",
                "a proof that carries the value of the header `DPoP-Nonce` of this answer as `nonce`",
            ),
        };
        let mut problem = Self::new(Kind::Unauthenticated)
            .expected(expected)
            .remedy("make a new proof with the nonce of the last answer, and ask again");
        problem.0.header = Some((Extra::Authenticate, HeaderValue::from_static(challenge)));
        problem.0.nonce = nonce.and_then(|nonce| HeaderValue::from_str(nonce).ok());
        problem
    }

    /// A token whose sign-in is not finished, or a study that opens with a second factor just proved (RFC 9470 §3).
    pub(crate) fn second_factor_needed() -> Self {
        let mut problem = Self::new(Kind::Unauthenticated)
            .expected("a second factor that was proved a short while ago in this session")
            .came("second-factor-needed")
            .remedy("send a code to POST /api/v1/me/second-factor/proof or a passkey to POST /api/v1/me/passkeys/proof, or set a second factor up, and ask again");
        let challenge =
            HeaderValue::from_static("Bearer realm=\"yingdun\", error=\"insufficient_user_authentication\"");
        problem.0.header = Some((Extra::Authenticate, challenge));
        problem
    }

    /// The status of the answer.
    pub(crate) const fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// The kind, for tests.
    #[cfg(test)]
    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The JSON object of RFC 9457.
    fn to_json(&self) -> Value {
        let (status, name, title, title_zh) = self.0.kind.row();
        let mut object = Map::new();
        object.insert("type".into(), format!("urn:yingdun:problem:{name}").into());
        object.insert("title".into(), title.into());
        object.insert("title_zh".into(), title_zh.into());
        object.insert("status".into(), status.as_u16().into());
        for (key, text) in [
            ("pointer", &self.0.pointer),
            ("expected", &self.0.expected),
            ("came", &self.0.came),
            ("do", &self.0.remedy),
        ] {
            if let Some(text) = text {
                object.insert(key.into(), text.clone().into());
            }
        }
        if !self.0.available.is_empty() {
            object.insert("available".into(), self.0.available.clone().into());
        }
        Value::Object(object)
    }

    /// The HTTP answer.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = self.0.kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((extra, value)) = self.0.header {
            let name = match extra {
                Extra::RetryAfter => RETRY_AFTER,
                Extra::Length => CONTENT_RANGE,
                Extra::Warning => WARNING,
                Extra::Authenticate => WWW_AUTHENTICATE,
            };
            headers.insert(name, value);
        }
        if let Some(nonce) = self.0.nonce {
            headers.insert(DPOP_NONCE, nonce);
        }
        response
    }
}

/// What is wrong with a token that is bound to a key, or with the proof of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofError {
    /// The token is not good, or not of this key.
    Token,
    /// The proof is not good.
    Proof,
    /// The proof does not carry a fresh value of ours.
    Nonce,
}

/// The value that the next proof of a key has to carry (RFC 9449 §8).
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The longest quotation of a request in an answer, in characters.
const QUOTE_CHARS_MAX: usize = 120;

fn quoted(text: &str) -> String {
    let clean: String =
        text.chars().take(QUOTE_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > QUOTE_CHARS_MAX { clean + "…" } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_was_expected_what_came_and_what_to_do() {
        let problem = Problem::bad_request("a frame number from 1", "0").remedy("count frames from 1");
        let json = problem.to_json();
        assert_eq!(json["status"], 400);
        assert_eq!(json["expected"], "a frame number from 1");
        assert_eq!(json["came"], "0");
        assert_eq!(json["do"], "count frames from 1");
        assert_eq!(json["title_zh"], "请求格式不正确");
    }

    #[test]
    fn a_quotation_of_the_request_is_cut_and_cannot_carry_control_characters() {
        let problem = Problem::bad_request("x", format!("a\r\nSet-Cookie: b\u{1b}[2J{}", "y".repeat(500)));
        let came = problem.0.came.unwrap();
        assert!(!came.chars().any(char::is_control));
        assert_eq!(came.chars().count(), QUOTE_CHARS_MAX + 1);
    }

    #[test]
    fn every_missing_login_names_the_scheme() {
        for error in [None, Some("invalid_token"), Some("invalid_request")] {
            let response = Problem::unauthenticated(error).into_response();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(response.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer realm="));
        }
    }
}

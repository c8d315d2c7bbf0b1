//! Answers to scripts of other origins (WHATWG Fetch §3.3): only of the origins that the configuration names, only
//! on the paths that a viewer in a browser needs, and never with cookies. Unset means closed.

use super::answer;
use crate::routes::{Family, RouteId};
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

/// The origins whose scripts may read answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<HeaderValue>);

/// What the door adds to an answer for the origin that asked.
pub(crate) struct Shared(HeaderValue);

impl Origins {
    /// Takes the configured origins. What is no origin of the web, such as `*` or `null`, matches nobody.
    pub(crate) fn new(origins: &[String]) -> Self {
        let of_the_web = |origin: &&String| origin.starts_with("https://") || origin.starts_with("http://");
        Self(origins.iter().filter(of_the_web).filter_map(|text| HeaderValue::from_str(text).ok()).collect())
    }

    /// Whether scripts of this origin are allowed.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    /// Whether this request comes from a script of an allowed origin, on a path that scripts may use.
    pub(crate) fn shared(&self, parts: &Parts) -> Option<Shared> {
        if self.0.is_empty() || !is_for_scripts(parts.uri.path()) {
            return None;
        }
        let origin = parts.headers.get(ORIGIN)?;
        self.0.iter().find(|allowed| *allowed == origin).cloned().map(Shared)
    }
}

impl Shared {
    /// The answer to a pre-flight; `None` when the request is none.
    pub(crate) fn preflight(&self, parts: &Parts) -> Option<Response<Body>> {
        let asks =
            parts.method == Method::OPTIONS && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let mut response = answer::empty(StatusCode::NO_CONTENT);
            for (name, value) in [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
                (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        })
    }

    /// Lets the script read the answer.
    pub(crate) fn allow(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// What viewers and worklists do.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

/// What viewers send beside the headers that need no leave.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, DPoP, If-None-Match, If-Range, Range";

/// What scripts may read beside the headers that need no leave.
const ANSWER_HEADERS: &str = "Accept-Ranges, Content-Location, Content-Range, DPoP-Nonce, ETag, Location, Retry-After, Warning, WWW-Authenticate";

/// Seconds for which a browser may remember the answer to a pre-flight: an origin that is taken out of the
/// configuration is out within ten minutes.
const PREFLIGHT_SECONDS: &str = "600";

/// DICOMweb and what a program needs to get its token. Pages with cookies and the administration are for their own
/// origin only.
fn is_for_scripts(path: &str) -> bool {
    const TOKENS: [RouteId; 3] = [RouteId::Token, RouteId::Revoke, RouteId::OAuthMetadata];
    let of_images = Family::DicomWeb.prefixes().iter().any(|prefix| {
        let fixed = prefix.split('{').next().unwrap_or(prefix);
        path.strip_prefix(fixed)
            .is_some_and(|rest| fixed.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    });
    of_images || TOKENS.iter().any(|route| route.describe().path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(method: Method, path: &str, origin: &str) -> Parts {
        let request = Request::builder().method(method).uri(path).header(ORIGIN, origin);
        request.header(ACCESS_CONTROL_REQUEST_METHOD, "GET").body(()).unwrap().into_parts().0
    }

    #[test]
    fn no_origin_is_allowed_unless_it_is_configured() {
        let asks = parts(Method::GET, "/dicom-web/studies", "https://viewer.example");
        assert!(Origins::default().shared(&asks).is_none());
        let others = ["https://other.example".to_owned(), "*".to_owned(), "null".to_owned()];
        assert!(Origins::new(&others).shared(&asks).is_none());
        assert!(Origins::new(&["null".to_owned()]).shared(&parts(Method::GET, "/wado", "null")).is_none());
        assert!(Origins::new(&["https://viewer.example".to_owned()]).shared(&asks).is_some());
    }

    #[test]
    fn only_dicomweb_and_tokens_are_for_scripts_of_other_origins() {
        for path in ["/dicom-web/studies", "/wado", "/dcm4chee-arc/aets/DCM4CHEE/rs/studies", "/oauth2/token"]
        {
            assert!(is_for_scripts(path), "{path}");
        }
        for path in [
            "/",
            "/login",
            "/api/v1/people",
            "/oauth2/authorize",
            "/metrics",
            "/wadox",
            "/dicom-webx/studies",
        ] {
            assert!(!is_for_scripts(path), "{path}");
        }
    }

    #[test]
    fn a_preflight_is_an_options_request_that_says_so() {
        let origins = Origins::new(&["https://viewer.example".to_owned()]);
        let asks = parts(Method::OPTIONS, "/dicom-web/studies", "https://viewer.example");
        let answer = origins.shared(&asks).unwrap().preflight(&asks).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("Authorization"));
        let gets = parts(Method::GET, "/dicom-web/studies", "https://viewer.example");
        assert!(origins.shared(&gets).unwrap().preflight(&gets).is_none());
    }
}

//! Defence against forged forms: a random value that a form carries twice, once in a hidden field and once in
//! a cookie that no other site can set or read (`__Host-`, SameSite=Strict).

use crate::http::form::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::identity;
use axum::http::header::{HeaderName, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Response};

/// The cookie that holds the value.
const COOKIE: &str = "__Host-yingdun-form";

/// The hidden field that holds the value.
const FIELD: &str = "form_token";

/// A value for one form.
pub(crate) struct FormToken(String);

impl FormToken {
    /// A new value: 256 random bits.
    pub(crate) fn generate() -> Self {
        Self(hex::encode(yingdun_crypto::random::array::<32>()))
    }

    /// The hidden field.
    pub(crate) fn field(&self) -> String {
        format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{}\">", self.0)
    }

    /// Adds the cookie to the answer that carries the form.
    pub(crate) fn attach<B>(&self, response: &mut Response<B>) {
        let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=1800", self.0);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}

/// Refuses a form that did not come from our own page.
pub(crate) fn check(headers: &HeaderMap, form: &Parameters, origin: &str) -> Result<(), Problem> {
    let forged = || {
        Problem::new(Kind::Forbidden)
            .expected("a form that was opened from this server in this browser")
            .remedy("open the page again and send the form from there")
    };
    let from_here = match headers.get(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        // Old browsers send the origin only; programs send neither and are judged by the cookie alone.
        None => headers.get(ORIGIN).is_none_or(|value| value.as_bytes() == origin.as_bytes()),
    };
    let sent = form.one(FIELD)?.unwrap_or_default();
    let kept = identity::cookie(headers, COOKIE).ok_or_else(forged)?;
    // Digests are compared, so that the time of the comparison tells nothing of the value.
    let digest = |text: &str| yingdun_crypto::digest::sha256(text.as_bytes());
    if from_here && sent.len() == 64 && digest(sent) == digest(kept) { Ok(()) } else { Err(forged()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE as COOKIE_HEADER;

    fn request(cookie: &str, extra: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE_HEADER, HeaderValue::from_str(&format!("{COOKIE}={cookie}")).unwrap());
        for (name, value) in extra {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_a_form_with_the_value_of_its_cookie_from_this_origin_passes() {
        let token = FormToken::generate();
        let form = Parameters::parse(&format!("form_token={}", token.0)).unwrap();
        let empty = Parameters::parse("form_token=").unwrap();
        let origin = "https://archive.example";
        assert!(check(&request(&token.0, &[]), &form, origin).is_ok());
        assert!(check(&request(&token.0, &[("sec-fetch-site", "same-origin")]), &form, origin).is_ok());
        assert!(check(&request(&token.0, &[("origin", origin)]), &form, origin).is_ok());
        assert!(check(&request(&token.0, &[("sec-fetch-site", "cross-site")]), &form, origin).is_err());
        assert!(check(&request(&token.0, &[("origin", "https://evil.example")]), &form, origin).is_err());
        assert!(check(&request("other", &[]), &form, origin).is_err());
        assert!(check(&request("", &[]), &empty, origin).is_err());
        assert!(check(&HeaderMap::new(), &form, origin).is_err());
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_other_sites_and_scripts() {
        let mut response = Response::new(());
        FormToken::generate().attach(&mut response);
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        for attribute in ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(attribute), "{attribute}");
        }
    }
}

//! The frame of every plain page: escaping, one style sheet, and a content security policy that allows
//! nothing else. No image, no request to anywhere, and no script but the one that asks a browser for a passkey.

use crate::http::answer;
use axum::body::Body;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Text that is safe between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole page. `main` is markup and must have been escaped where it quotes anything.
pub(crate) fn page(status: StatusCode, title_zh: &str, title_en: &str, main: &str) -> Response<Body> {
    page_with_form_target(status, title_zh, title_en, main, None)
}

/// What stands around a page.
pub(crate) struct Frame<'a> {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What it is called, in Chinese and in English.
    pub(crate) title: (&'a str, &'a str),
    /// The origin to which its form leads after a redirect.
    pub(crate) target: Option<&'a str>,
}

/// A page with the script that asks a browser for a passkey. The policy allows this very text and no other, and it asks nobody for anything.
pub(crate) fn scripted(frame: &Frame<'_>, main: &str) -> Response<Body> {
    framed(frame, main, Some(SCRIPT))
}

/// A page whose form leads, after a redirect, to another origin. Browsers apply `form-action` to redirects, so
/// that origin has to be named.
pub(crate) fn page_with_form_target(
    status: StatusCode,
    title_zh: &str,
    title_en: &str,
    main: &str,
    target: Option<&str>,
) -> Response<Body> {
    framed(&Frame { status, title: (title_zh, title_en), target }, main, None)
}

fn framed(frame: &Frame<'_>, main: &str, script: Option<&str>) -> Response<Body> {
    let Frame { status, title, target } = *frame;
    let (zh, en) = (escape(title.0), escape(title.1));
    let tag = script.map_or_else(String::new, |script| format!("<script>{script}</script>"));
    let text = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{zh} · 影盾 Yingdun</title><style>{STYLE}</style></head>\n\
         <body><header><b>影盾</b> Yingdun</header><main><h1>{zh} <small lang=\"en\">{en}</small></h1>\n\
         {main}\n</main>{tag}</body></html>\n"
    );
    let mut response = answer::with_body(status, "text/html; charset=utf-8", text);
    let digest = STANDARD.encode(yingdun_crypto::digest::sha256(STYLE.as_bytes()));
    let target = target.map_or_else(String::new, |origin| format!(" {origin}"));
    let script = script.map_or_else(String::new, |script| {
        let digest = STANDARD.encode(yingdun_crypto::digest::sha256(script.as_bytes()));
        format!(" script-src 'sha256-{digest}';")
    });
    let policy = format!(
        "default-src 'none';{script} style-src 'sha256-{digest}'; form-action 'self'{target}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    // An origin that cannot stand in a header leaves the stricter policy of every answer in place.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Asks the browser for a passkey, and sends the form with what comes.
pub(super) const SCRIPT: &str = include_str!("passkey.js");

const STYLE: &str = "body{margin:0;font:16px/1.6 system-ui,\"Noto Sans CJK SC\",\"Microsoft YaHei\",sans-serif;\
color:#1d2733;background:#f6f7f9}header{background:#12344d;color:#fff;padding:.6rem 1.2rem}\
main{max-width:64rem;margin:1.2rem auto;padding:0 1.2rem}h1{font-size:1.4rem}\
small{color:#5b6b7b;font-weight:normal}table{border-collapse:collapse;width:100%;background:#fff}\
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #dde3ea;vertical-align:top}\
form{background:#fff;border:1px solid #dde3ea;border-radius:6px;padding:1rem 1.2rem;max-width:26rem}\
label{display:block;margin:.6rem 0}input,select{display:block;width:100%;box-sizing:border-box;\
font:inherit;padding:.35rem}button{font:inherit;padding:.4rem 1.2rem;background:#12344d;color:#fff;\
border:0;border-radius:4px}form.inline{border:0;padding:0;background:none}\
.notice{background:#fff6e0;border-left:4px solid #d99a00;padding:.5rem .8rem}code{word-break:break-all}\
button:disabled{opacity:.5}form+form{margin-top:1rem}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_cannot_become_markup() {
        assert_eq!(escape("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        let response = page(StatusCode::OK, "<b>", "<i>", "");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe"));
    }

    #[tokio::test]
    async fn a_page_asks_for_nothing_from_anywhere() {
        let page = page(StatusCode::OK, "标题", "Title", "<p>x</p>");
        let text = answer::collect(page.into_body()).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        for outside in ["<script", "src=", "href=", "http:", "https:", "url("] {
            assert!(!text.contains(outside), "{outside}");
        }
    }
}

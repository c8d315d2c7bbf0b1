//! The frame of every plain page: escaping, one style sheet, and a content security policy that allows
//! nothing else. No image, no request to anywhere, and no script but the one that asks a browser for a passkey.

use super::reader::{Language, Reader};
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
            // What is quoted cannot part the languages of a page.
            FIRST | SECOND | END => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Markup in both languages, of which the frame shows the reader's. Not one within the other.
pub(crate) fn two(zh: &str, en: &str) -> String {
    format!("{FIRST}{zh}{SECOND}{en}{END}")
}

/// What stands around a page.
pub(crate) struct Frame<'a> {
    /// Who reads it.
    pub(crate) reader: &'a Reader,
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What it is called, in Chinese and in English.
    pub(crate) title: (&'a str, &'a str),
    /// Its own address, where it can be opened in the other language.
    pub(crate) here: Option<&'a str>,
    /// The origin to which its form leads after a redirect. Browsers apply `form-action` to redirects, so that origin has to be named.
    pub(crate) target: Option<&'a str>,
    /// Whether it is wide: a guide with tables, and no single form.
    pub(crate) is_wide: bool,
}

impl<'a> Frame<'a> {
    /// A page with one form, in the language of its reader.
    pub(crate) const fn new(reader: &'a Reader, title: (&'a str, &'a str)) -> Self {
        Self { reader, status: StatusCode::OK, title, here: None, target: None, is_wide: false }
    }
}

/// A page at the door: before anybody is signed in, or about how somebody signs in. `main` is markup and must have been escaped
/// where it quotes anything.
pub(crate) fn door(frame: &Frame<'_>, main: &str) -> Response<Body> {
    framed(frame, main, None)
}

/// The same with the script that asks a browser for a passkey. The policy allows this very text and no other, and it asks nobody for anything.
pub(crate) fn scripted(frame: &Frame<'_>, main: &str) -> Response<Body> {
    framed(frame, main, Some(SCRIPT))
}

/// A page that says everything in both languages.
pub(crate) fn page(status: StatusCode, title_zh: &str, title_en: &str, main: &str) -> Response<Body> {
    let (zh, en) = (escape(title_zh), escape(title_en));
    let text = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{zh} · 影盾 Yingdun</title><style>{STYLE}</style></head>\n\
         <body><header class=\"bar\">{MARK}<b>影盾</b> Yingdun</header><main><h1>{zh} <small lang=\"en\">{en}</small></h1>\n\
         {main}\n</main></body></html>\n"
    );
    sent(status, text, None, None)
}

/// Asks the browser for a passkey, and sends the form with what comes.
pub(super) const SCRIPT: &str = include_str!("passkey.js");

// === helpers ===

/// Private characters around and between two languages, until the frame shows one.
const FIRST: char = '\u{E000}';
const SECOND: char = '\u{E001}';
const END: char = '\u{E002}';

const STYLE: &str = include_str!("plain.css");

/// The mark of the archive.
const MARK: &str = "<svg viewBox=\"0 0 32 32\" width=\"28\" height=\"28\" aria-hidden=\"true\"><path class=\"shield\" \
d=\"M16 2 4 6.5v9C4 22.6 9 28 16 30c7-2 12-7.4 12-14.5v-9z\"/><path class=\"eye\" d=\"M16 8a8 8 0 1 0 0 16 8 8 0 0 0 0-16z\"/>\
<path class=\"pupil\" d=\"M16 12a4 4 0 1 0 0 8z\"/></svg>";

fn framed(frame: &Frame<'_>, main: &str, script: Option<&str>) -> Response<Body> {
    let Frame { reader, status, title, here, target, is_wide } = *frame;
    let title = escape(reader.reads(title.0, title.1));
    let tag = script.map_or_else(String::new, |script| format!("<script>{script}</script>"));
    let class = if is_wide { "door wide" } else { "door" };
    let text = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · 影盾 Yingdun</title><style>{STYLE}</style></head>\n\
         <body class=\"{class}\"><header class=\"bar\">{MARK}<b>影盾</b> Yingdun<span class=\"house\">{}</span>{}</header>\
         <main><h1>{title}</h1>\n{}\n</main>{tag}</body></html>\n",
        reader.language.tag(),
        escape(&reader.institution),
        reader.switch(here),
        in_language(main, reader.language)
    );
    let mut response = sent(status, text, script, target);
    reader.remember(&mut response);
    response
}

/// The markup of one language.
fn in_language(text: &str, language: Language) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut within = None;
    for c in text.chars() {
        match c {
            FIRST => within = Some(Language::Chinese),
            SECOND => within = Some(Language::English),
            END => within = None,
            c if within.is_none_or(|within| within == language) => shown.push(c),
            _ => {}
        }
    }
    shown
}

fn sent(status: StatusCode, text: String, script: Option<&str>, target: Option<&str>) -> Response<Body> {
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

    #[test]
    fn a_reader_gets_one_language_and_what_is_quoted_cannot_part_them() {
        let quoted = escape("a\u{E001}b\u{E002}c");
        let text = format!("<p>{}</p>{}!", two(&format!("甲 {quoted}"), &format!("A {quoted}")), quoted);
        assert_eq!(in_language(&text, Language::Chinese), "<p>甲 abc</p>abc!");
        assert_eq!(in_language(&text, Language::English), "<p>A abc</p>abc!");
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

//! Who reads a page: in which language, and how to switch it. A page is written once in both languages; its frame shows the one of the reader.

use super::html::escape;
use crate::http::form::encode;
use crate::identity;
use crate::routes::Call;
use axum::http::header::{ACCEPT_LANGUAGE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Response};

/// The cookie with the language that somebody chose. It tells nothing of anybody, so the console may read it too.
const COOKIE: &str = "__Host-yingdun-language";
/// The parameter by which a language is chosen.
pub(crate) const CHOICE: &str = "language";
/// How long the choice is kept: a year.
const CHOICE_SECONDS: u64 = 365 * 24 * 3600;
/// The most languages of a browser that are looked at.
const LANGUAGES_MAX: usize = 16;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Its tag (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    fn of_tag(tag: &str) -> Option<Self> {
        [Self::Chinese, Self::English].into_iter().find(|language| language.tag() == tag)
    }
}

/// Who reads a page.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// The language.
    pub(crate) language: Language,
    /// Whether it was chosen with this very request, and is to be remembered.
    chosen: bool,
    /// The institution whose archive this is.
    pub(crate) institution: String,
}

impl Reader {
    /// The language is the one that was chosen, else the first of the browser that the pages speak, else Chinese.
    pub(crate) fn of(call: &Call) -> Self {
        let asked = call.query.one(CHOICE).ok().flatten().and_then(Language::of_tag);
        let kept = || identity::cookie(&call.headers, COOKIE).and_then(Language::of_tag);
        let language = asked.or_else(kept).or_else(|| of_browser(&call.headers)).unwrap_or(Language::Chinese);
        Self { language, chosen: asked.is_some(), institution: call.service.institution.to_string() }
    }

    /// The one of two texts that this reader reads.
    pub(crate) const fn reads<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    /// Has the browser remember what was chosen.
    pub(crate) fn remember<B>(&self, response: &mut Response<B>) {
        if !self.chosen {
            return;
        }
        let tag = self.language.tag();
        let cookie = format!("{COOKIE}={tag}; Path=/; Secure; SameSite=Lax; Max-Age={CHOICE_SECONDS}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// The links that show this page in the other language; nothing where it cannot be opened again.
    pub(super) fn switch(&self, here: Option<&str>) -> String {
        let Some(here) = here else { return String::new() };
        let one = |language: Language, name: &str| {
            let tag = language.tag();
            if language == self.language {
                return format!("<span lang=\"{tag}\" aria-current=\"true\">{name}</span>");
            }
            let separator = if here.contains('?') { '&' } else { '?' };
            let to = format!("{here}{separator}{CHOICE}={}", encode(tag));
            format!("<a href=\"{}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>", escape(&to))
        };
        format!(
            "<nav aria-label=\"{}\">{}{}</nav>",
            self.reads("语言", "Language"),
            one(Language::Chinese, "中文"),
            one(Language::English, "English")
        )
    }
}

// === helpers ===

/// The language of a browser that it likes best among those of the pages (RFC 9110 §12.5.4).
fn of_browser(headers: &HeaderMap) -> Option<Language> {
    let liked = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Language)> = None;
    for range in liked.split(',').take(LANGUAGES_MAX) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        let Some(weight) = weight.filter(|weight| *weight > 0.0) else { continue };
        let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let language = match primary.as_str() {
            "zh" => Language::Chinese,
            "en" => Language::English,
            _ => continue,
        };
        if best.is_none_or(|(liked, _)| weight > liked) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A reader of a language, for tests.
#[cfg(test)]
pub(super) fn reading(language: Language) -> Reader {
    Reader { language, chosen: false, institution: "renmin".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn liked(text: &str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(text).unwrap());
        of_browser(&headers)
    }

    #[test]
    fn the_language_is_the_one_that_the_browser_likes_best_of_two() {
        assert_eq!(liked("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(liked("en-GB"), Some(Language::English));
        assert_eq!(liked("de, en;q=0.4, zh-TW;q=0.5"), Some(Language::Chinese));
        assert_eq!(liked("fr, en;q=0"), None);
        assert_eq!(liked("zh;q=x,en;q=0.1"), Some(Language::English));
        assert_eq!(of_browser(&HeaderMap::new()), None);
    }

    #[test]
    fn the_links_lead_back_to_the_same_page_and_only_a_choice_is_remembered() {
        let mut reader = reading(Language::Chinese);
        assert_eq!(reader.switch(None), "");
        let links = reader.switch(Some("/login?next=%2Fconsole%2F"));
        assert!(links.contains("href=\"/login?next=%2Fconsole%2F&amp;language=en\""), "{links}");
        assert!(links.contains("<span lang=\"zh-CN\" aria-current=\"true\">"), "{links}");
        let mut response = Response::new(());
        reader.remember(&mut response);
        assert!(response.headers().get(SET_COOKIE).is_none());
        reader.chosen = true;
        reader.remember(&mut response);
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        assert!(
            cookie.starts_with("__Host-yingdun-language=zh-CN; Path=/; Secure; SameSite=Lax"),
            "{cookie}"
        );
    }
}

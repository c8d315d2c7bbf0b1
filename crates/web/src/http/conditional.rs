//! Conditional requests and ranges (RFC 9110 §13 and §14): what a client has already is not sent again, and a part
//! of an object can be had alone.
//!
//! A handler asks only after the archive has opened the study for the caller, so an answer of 304 or 416 tells
//! nothing to those who may not see it.

use super::answer;
use super::problem::{Kind, Problem};
use axum::body::Body;
use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::ops::Range;
use yingdun_crypto::digest::Sha256;

/// A strong validator (RFC 9110 §8.8.1): two answers with the same one are the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validator([u8; VALIDATOR_BYTES]);

/// Enough that no two representations share one by accident.
const VALIDATOR_BYTES: usize = 16;

impl Validator {
    /// The validator of one representation: the stored versions that it is made of, and everything else that its
    /// bytes depend on.
    pub(crate) fn of(versions: impl IntoIterator<Item = [u8; 32]>, form: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in form {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        for version in versions {
            digest.update(&version);
        }
        let mut validator = [0; VALIDATOR_BYTES];
        validator.iter_mut().zip(digest.finish()).for_each(|(to, from)| *to = from);
        Self(validator)
    }

    /// The boundary of a multipart answer with this validator. It must be the same each time, and nobody can have put it
    /// into the content: it follows from the version of the content, under a digest of a keyed pseudonym.
    pub(crate) const fn boundary(self) -> [u8; VALIDATOR_BYTES] {
        self.0
    }

    /// Adds the validator to an answer.
    pub(crate) fn mark(self, mut response: Response<Body>) -> Response<Body> {
        if let Ok(value) = HeaderValue::from_str(&self.to_text()) {
            response.headers_mut().insert(ETAG, value);
        }
        response
    }

    /// The answer to a client that has these very bytes already.
    pub(crate) fn not_modified(self, headers: &HeaderMap) -> Option<Response<Body>> {
        let matches =
            headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
                let mut tags = list.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
                tags.any(|tag| tag == self.to_text())
            });
        matches.then(|| self.mark(answer::empty(StatusCode::NOT_MODIFIED)))
    }

    fn to_text(self) -> String {
        format!("\"{}\"", hex::encode(self.0))
    }
}

/// The one range of bytes that the client asks for; `None` when the whole is to be sent: no range, several, one that
/// is not understood (RFC 9110 §14.2), or one of another version than this.
///
/// # Errors
/// [`Kind::RangeNotSatisfiable`] when the range lies behind the end of `length` bytes.
pub(crate) fn range(
    headers: &HeaderMap,
    validator: Validator,
    length: u64,
) -> Result<Option<Range<u64>>, Problem> {
    let Some(spec) = single(headers, &RANGE).and_then(|text| text.strip_prefix("bytes=")) else {
        return Ok(None);
    };
    let is_same = single(headers, &IF_RANGE).is_none_or(|tag| tag == validator.to_text());
    let Some((first, last)) = spec.split_once('-').filter(|_| is_same && !headers_repeat(headers)) else {
        return Ok(None);
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last), first.is_empty(), last.is_empty()) {
        (Some(first), Some(last), ..) if first <= last => first..length.min(last.saturating_add(1)),
        (Some(first), None, _, true) => first..length,
        (None, Some(count), true, _) => length.saturating_sub(count)..length,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(Problem::new(Kind::RangeNotSatisfiable)
            .expected(format!("a range within {length} bytes"))
            .came(spec)
            .of_length(length));
    }
    Ok(Some(range))
}

/// Turns an answer with the bytes of a range into what it is.
pub(crate) fn partial(mut response: Response<Body>, range: &Range<u64>, length: u64) -> Response<Body> {
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let text = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    response
}

/// Says that ranges of this resource can be asked for.
pub(crate) fn in_ranges(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

// === helpers ===

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Two `Range` headers, like several ranges in one, are answered with the whole.
fn headers_repeat(headers: &HeaderMap) -> bool {
    headers.get_all(RANGE).iter().count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTH: u64 = 1000;

    fn validator() -> Validator {
        Validator::of([[7; 32]], &["application/dicom"])
    }

    fn asked(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn ranged(text: &str) -> Result<Option<Range<u64>>, Problem> {
        range(&asked(&[(RANGE, text)]), validator(), LENGTH)
    }

    #[test]
    fn a_range_is_read_in_its_three_spellings() {
        assert_eq!(ranged("bytes=0-0").unwrap(), Some(0..1));
        assert_eq!(ranged("bytes=10-19").unwrap(), Some(10..20));
        assert_eq!(ranged("bytes=990-").unwrap(), Some(990..1000));
        assert_eq!(ranged("bytes=990-99999999999999999999999").unwrap(), Some(990..1000));
        assert_eq!(ranged("bytes=-10").unwrap(), Some(990..1000));
        assert_eq!(ranged("bytes=-2000").unwrap(), Some(0..1000));
    }

    #[test]
    fn what_is_not_one_understood_range_is_answered_with_the_whole() {
        for text in
            ["bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,5-6", "items=0-1", "bytes=+1-2"]
        {
            assert_eq!(ranged(text).unwrap(), None, "{text}");
        }
        assert_eq!(range(&HeaderMap::new(), validator(), LENGTH).unwrap(), None);
    }

    #[test]
    fn a_range_behind_the_end_is_refused_with_the_length() {
        for text in ["bytes=1000-", "bytes=5000-6000", "bytes=-0"] {
            let problem = ranged(text).unwrap_err();
            assert_eq!(problem.kind(), Kind::RangeNotSatisfiable, "{text}");
            assert_eq!(problem.into_response().headers()[CONTENT_RANGE], "bytes */1000");
        }
    }

    #[test]
    fn a_range_of_another_version_is_answered_with_the_whole() {
        let now = validator().to_text();
        for (tag, expected) in
            [(now.as_str(), Some(0..5)), ("\"other\"", None), ("Sat, 01 Jan 2000 00:00:00 GMT", None)]
        {
            let headers = asked(&[(RANGE, "bytes=0-4"), (IF_RANGE, tag)]);
            assert_eq!(range(&headers, validator(), LENGTH).unwrap(), expected, "{tag}");
        }
    }

    #[test]
    fn whoever_has_the_bytes_is_told_so() {
        let tag = validator().to_text();
        for list in [tag.clone(), format!("\"a\", W/{tag}")] {
            let answer = validator().not_modified(&asked(&[(IF_NONE_MATCH, &list)])).unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(answer.headers()[ETAG].to_str().unwrap(), tag);
        }
        assert!(validator().not_modified(&asked(&[(IF_NONE_MATCH, "\"a\"")])).is_none());
        assert!(validator().not_modified(&HeaderMap::new()).is_none());
    }

    #[test]
    fn another_version_or_form_has_another_validator() {
        let of = |version: u8, form: &[&str]| Validator::of([[version; 32]], form);
        let all = [of(1, &["a", "b"]), of(2, &["a", "b"]), of(1, &["ab"]), of(1, &["a"]), of(1, &["b", "a"])];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| one != other), "{at}");
        }
    }

    proptest! {
        #[test]
        fn any_range_is_inside_the_length_or_refused(text in "[a-z0-9=,-]{0,30}", length in 0_u64..50) {
            if let Ok(Some(range)) = range(&asked(&[(RANGE, &format!("bytes={text}"))]), validator(), length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}

//! Query strings and forms (`application/x-www-form-urlencoded`): decoded strictly, counted, duplicates seen.
//!
//! A name that may occur once and occurs twice is an error, not a choice: proxies and servers that pick
//! different ones of two values have opened many doors.

use super::problem::{Kind, Problem};
use crate::limits;

/// Decoded names and values in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes a query string or a form.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() >= limits::QUERY_PARAMETERS_MAX {
                return Err(Problem::new(Kind::BadRequest)
                    .expected(format!("at most {} parameters", limits::QUERY_PARAMETERS_MAX)));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may occur once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Problem::bad_request(
                format!("the parameter `{name}` at most once"),
                format!("`{name}` more than once"),
            ));
        }
        Ok(first)
    }

    /// The value of a parameter that must occur exactly once and must not be empty.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.one(name)?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Problem::bad_request(format!("the parameter `{name}`"), format!("no `{name}`")))
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Undoes percent-encoding and `+`. What is not UTF-8 afterwards, or has control characters, is refused.
fn decode(text: &str) -> Result<String, Problem> {
    let refuse = || Problem::bad_request("percent-encoded UTF-8 without control characters", text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(nibble).ok_or_else(refuse)?;
                let low = rest.next().and_then(nibble).ok_or_else(refuse)?;
                high << 4 | low
            }
            other => other,
        });
    }
    let decoded = String::from_utf8(bytes).map_err(|_| refuse())?;
    if decoded.chars().any(char::is_control) { Err(refuse()) } else { Ok(decoded) }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Encodes a value for the query string of an address.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_parameter_that_may_occur_once_is_refused_when_it_occurs_twice() {
        let parameters = Parameters::parse("limit=1&offset=2&limit=3").unwrap();
        assert!(parameters.one("limit").is_err());
        assert_eq!(parameters.one("offset").unwrap(), Some("2"));
        assert_eq!(parameters.one("absent").unwrap(), None);
        assert!(parameters.required("absent").is_err());
        assert_eq!(parameters.all("limit").collect::<Vec<_>>(), ["1", "3"]);
    }

    #[test]
    fn broken_encodings_and_line_breaks_are_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%0d%0aSet-Cookie:x", "a%00=1", "a=%C0%80"] {
            assert!(Parameters::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn more_parameters_than_the_bound_are_refused() {
        assert!(Parameters::parse(&"a=1&".repeat(limits::QUERY_PARAMETERS_MAX)).is_ok());
        assert!(Parameters::parse(&"a=1&".repeat(limits::QUERY_PARAMETERS_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_reads_back_from_its_encoding(text in "\\PC{0,60}") {
            prop_assume!(!text.chars().any(char::is_control));
            let parsed = Parameters::parse(&format!("a={}", encode(&text))).unwrap();
            prop_assert_eq!(parsed.one("a").unwrap(), Some(text.as_str()));
        }
    }
}

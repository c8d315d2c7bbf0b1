//! Filters (RFC 4515): read once from the configuration, with places for what is asked for.
//!
//! A place is `{word}`. What comes into it is the value of an assertion, whatever bytes it has; it was never text of a filter.

use crate::ber::{put, put_boolean};
use std::iter::Peekable;
use std::str::Chars;

/// How deep filters may be.
const DEPTH_MAX: usize = 16;
/// The longest text of a filter, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// Why a text is no filter, or could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(String);

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Present(String),
    /// Equal, greater, less or approximate: by the tag.
    Compare(u8, String, Value),
    Substrings {
        attribute: String,
        first: Option<Value>,
        between: Vec<Value>,
        last: Option<Value>,
    },
    Extensible {
        rule: Option<String>,
        attribute: Option<String>,
        value: Value,
        of_dn: bool,
    },
}

/// A value, in pieces.
type Value = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Place(String),
}

const EQUAL: u8 = 0xa3;
const GREATER: u8 = 0xa5;
const LESS: u8 = 0xa6;
const ALIKE: u8 = 0xa8;

impl Filter {
    /// Reads a filter in which these places may stand, each as often as it is needed.
    ///
    /// # Errors
    /// [`FilterError`] says what is wrong with it.
    pub fn parse(text: &str, places: &[&str]) -> Result<Self, FilterError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(wrong(format!("a filter has at most {TEXT_BYTES_MAX} bytes")));
        }
        let mut parser = Parser { rest: text.trim().chars().peekable(), places };
        let node = parser.filter(0)?;
        match parser.rest.next() {
            None => Ok(Self(node)),
            Some(surplus) => Err(wrong(format!("behind the last bracket stands `{surplus}`"))),
        }
    }

    /// Whether a place stands in it.
    #[must_use]
    pub fn has_place(&self, place: &str) -> bool {
        self.0.has_place(place)
    }

    /// Whoever has this value of an attribute.
    #[must_use]
    pub fn equal(attribute: &str, value: &[u8]) -> Self {
        Self(Node::Compare(EQUAL, attribute.to_owned(), vec![Piece::Bytes(value.to_vec())]))
    }

    /// Every entry.
    #[must_use]
    pub fn everything() -> Self {
        Self(Node::Present("objectClass".to_owned()))
    }

    /// What all of them let pass.
    #[must_use]
    pub fn all(filters: Vec<Self>) -> Self {
        Self(Node::All(filters.into_iter().map(|filter| filter.0).collect()))
    }

    /// What any of them lets pass.
    #[must_use]
    pub fn any(filters: Vec<Self>) -> Self {
        Self(Node::Any(filters.into_iter().map(|filter| filter.0).collect()))
    }

    /// What it does not let pass. Where it says nothing of an entry, as of an attribute that the server does not know, neither passes.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }

    /// The filter for whomever: where something comes into a place, the attribute has to be there only.
    #[must_use]
    pub fn for_anybody(&self) -> Self {
        Self(self.0.for_anybody())
    }

    /// The filter as it is asked, with what comes into its places.
    ///
    /// # Errors
    /// [`FilterError`] when nothing was given for a place.
    pub(crate) fn encode(&self, values: &[(&str, &[u8])]) -> Result<Vec<u8>, FilterError> {
        let mut out = Vec::new();
        self.0.encode(values, &mut out)?;
        Ok(out)
    }
}

impl Node {
    fn has_place(&self, place: &str) -> bool {
        let within =
            |value: &Value| value.iter().any(|piece| matches!(piece, Piece::Place(name) if name == place));
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(|node| node.has_place(place)),
            Self::Not(node) => node.has_place(place),
            Self::Present(_) => false,
            Self::Compare(_, _, value) | Self::Extensible { value, .. } => within(value),
            Self::Substrings { first, between, last, .. } => {
                first.iter().chain(between).chain(last).any(within)
            }
        }
    }

    fn for_anybody(&self) -> Self {
        let has_place = |value: &Value| value.iter().any(|piece| matches!(piece, Piece::Place(_)));
        match self {
            Self::All(nodes) => Self::All(nodes.iter().map(Self::for_anybody).collect()),
            Self::Any(nodes) => Self::Any(nodes.iter().map(Self::for_anybody).collect()),
            Self::Not(node) => Self::Not(Box::new(node.for_anybody())),
            Self::Compare(_, attribute, value) if has_place(value) => Self::Present(attribute.clone()),
            Self::Substrings { attribute, first, between, last }
                if first.iter().chain(between).chain(last).any(has_place) =>
            {
                Self::Present(attribute.clone())
            }
            Self::Extensible { attribute, value, .. } if has_place(value) => {
                Self::Present(attribute.clone().unwrap_or_else(|| "objectClass".to_owned()))
            }
            other => other.clone(),
        }
    }

    fn encode(&self, values: &[(&str, &[u8])], out: &mut Vec<u8>) -> Result<(), FilterError> {
        let mut content = Vec::new();
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                for node in nodes {
                    node.encode(values, &mut content)?;
                }
                put(out, if matches!(self, Self::All(_)) { 0xa0 } else { 0xa1 }, &content);
            }
            Self::Not(node) => {
                node.encode(values, &mut content)?;
                put(out, 0xa2, &content);
            }
            Self::Present(attribute) => put(out, 0x87, attribute.as_bytes()),
            Self::Compare(tag, attribute, value) => {
                put(&mut content, crate::ber::OCTETS, attribute.as_bytes());
                put(&mut content, crate::ber::OCTETS, &filled(value, values)?);
                put(out, *tag, &content);
            }
            Self::Substrings { attribute, first, between, last } => {
                let mut parts = Vec::new();
                for (tag, value) in first
                    .iter()
                    .map(|value| (0x80, value))
                    .chain(between.iter().map(|value| (0x81, value)))
                    .chain(last.iter().map(|value| (0x82, value)))
                {
                    put(&mut parts, tag, &filled(value, values)?);
                }
                put(&mut content, crate::ber::OCTETS, attribute.as_bytes());
                put(&mut content, crate::ber::SEQUENCE, &parts);
                put(out, 0xa4, &content);
            }
            Self::Extensible { rule, attribute, value, of_dn } => {
                if let Some(rule) = rule {
                    put(&mut content, 0x81, rule.as_bytes());
                }
                if let Some(attribute) = attribute {
                    put(&mut content, 0x82, attribute.as_bytes());
                }
                put(&mut content, 0x83, &filled(value, values)?);
                if *of_dn {
                    let mut yes = Vec::new();
                    put_boolean(&mut yes, true);
                    // The same content under the tag of its place.
                    put(&mut content, 0x84, yes.get(2..).unwrap_or_default());
                }
                put(out, 0xa9, &content);
            }
        }
        Ok(())
    }
}

// === helpers ===

fn wrong(what: impl Into<String>) -> FilterError {
    FilterError(what.into())
}

fn filled(value: &Value, values: &[(&str, &[u8])]) -> Result<Vec<u8>, FilterError> {
    let mut bytes = Vec::new();
    for piece in value {
        match piece {
            Piece::Bytes(own) => bytes.extend_from_slice(own),
            Piece::Place(place) => {
                let given = values.iter().find(|(name, _)| name == place);
                let (_, given) =
                    given.ok_or_else(|| wrong(format!("nothing was given for `{{{place}}}`")))?;
                bytes.extend_from_slice(given);
            }
        }
    }
    Ok(bytes)
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    places: &'a [&'a str],
}

impl Parser<'_> {
    fn filter(&mut self, depth: usize) -> Result<Node, FilterError> {
        if depth > DEPTH_MAX {
            return Err(wrong(format!("filters stand in one another at most {DEPTH_MAX} deep")));
        }
        self.expect('(')?;
        let node = match self.rest.peek() {
            Some('&') => Node::All(self.list(depth)?),
            Some('|') => Node::Any(self.list(depth)?),
            Some('!') => {
                self.rest.next();
                Node::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => self.item()?,
        };
        self.expect(')')?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, FilterError> {
        self.rest.next();
        let mut nodes = Vec::new();
        while self.rest.peek() == Some(&'(') {
            nodes.push(self.filter(depth + 1)?);
        }
        if nodes.is_empty() { Err(wrong("`&` and `|` stand before one filter at least")) } else { Ok(nodes) }
    }

    fn item(&mut self) -> Result<Node, FilterError> {
        let mut left = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || "-_.;:".contains(*c)) {
            left.push(c);
        }
        let kind = self.rest.next_if(|c| "<>~".contains(*c));
        self.expect('=')?;
        if let (None, Some(described)) = (kind, left.strip_suffix(':')) {
            return self.extensible(described);
        }
        let attribute = attribute(&left)?;
        let mut parts = self.value()?;
        let only = if parts.len() == 1 { parts.pop() } else { None };
        match (kind, only) {
            (kind, Some(value)) => {
                let tag = match kind {
                    None => EQUAL,
                    Some('<') => LESS,
                    Some('>') => GREATER,
                    Some(_) => ALIKE,
                };
                Ok(Node::Compare(tag, attribute, value))
            }
            (Some(_), None) => Err(wrong("`*` stands behind `=` only")),
            (None, None) => Ok(substrings(attribute, parts)),
        }
    }

    /// What stands behind `:=`.
    fn extensible(&mut self, described: &str) -> Result<Node, FilterError> {
        let mut parts = described.split(':');
        let first = parts.next().unwrap_or_default();
        let mut of_dn = false;
        let mut rule = None;
        for part in parts {
            match part {
                "dn" if !of_dn && rule.is_none() => of_dn = true,
                part if rule.is_none() => rule = Some(attribute(part)?),
                _ => return Err(wrong(format!("`{described}` names more than one rule"))),
            }
        }
        let of = if first.is_empty() { None } else { Some(attribute(first)?) };
        if of.is_none() && rule.is_none() {
            return Err(wrong("before `:=` stands an attribute or a rule"));
        }
        let mut values = self.value()?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(Node::Extensible { rule, attribute: of, value, of_dn }),
            _ => Err(wrong("`*` stands behind `=` only")),
        }
    }

    /// What stands behind a comparison, divided at the stars.
    fn value(&mut self) -> Result<Vec<Value>, FilterError> {
        let mut parts = vec![Value::new()];
        let mut bytes = Vec::new();
        loop {
            let keep = |parts: &mut Vec<Value>, bytes: &mut Vec<u8>| {
                if let (false, Some(part)) = (bytes.is_empty(), parts.last_mut()) {
                    part.push(Piece::Bytes(std::mem::take(bytes)));
                }
            };
            match self.rest.peek().copied() {
                None | Some(')') => {
                    keep(&mut parts, &mut bytes);
                    return Ok(parts);
                }
                Some('*') => {
                    self.rest.next();
                    keep(&mut parts, &mut bytes);
                    parts.push(Value::new());
                }
                Some('\\') => {
                    self.rest.next();
                    let mut digit = || self.rest.next().and_then(|c| c.to_digit(16));
                    let (Some(high), Some(low)) = (digit(), digit()) else {
                        return Err(wrong("behind `\\` stand two hexadecimal digits"));
                    };
                    bytes.push(u8::try_from(high << 4 | low).unwrap_or(0));
                }
                Some('{') => {
                    self.rest.next();
                    keep(&mut parts, &mut bytes);
                    let mut place = String::new();
                    while let Some(c) = self.rest.next_if(char::is_ascii_lowercase) {
                        place.push(c);
                    }
                    if self.rest.next() != Some('}') || !self.places.contains(&place.as_str()) {
                        let known: Vec<String> =
                            self.places.iter().map(|name| format!("{{{name}}}")).collect();
                        let known = known.join(", ");
                        return Err(wrong(format!(
                            "a place is one of {known}; a bracket as a character is `\\7b`"
                        )));
                    }
                    if let Some(part) = parts.last_mut() {
                        part.push(Piece::Place(place));
                    }
                }
                Some('(' | '\0') => return Err(wrong("`(` within a value is written `\\28`")),
                Some(c) => {
                    self.rest.next();
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), FilterError> {
        match self.rest.next() {
            Some(c) if c == wanted => Ok(()),
            Some(other) => Err(wrong(format!("`{wanted}` was expected where `{other}` stands"))),
            None => Err(wrong(format!("`{wanted}` was expected, and the filter ends"))),
        }
    }
}

/// What stands between stars; a lone star asks whether the attribute is there.
fn substrings(attribute: String, mut parts: Vec<Value>) -> Node {
    let last = parts.pop().filter(|value| !value.is_empty());
    let mut parts = parts.into_iter();
    let first = parts.next().filter(|value| !value.is_empty());
    let between: Vec<Value> = parts.filter(|value| !value.is_empty()).collect();
    if first.is_none() && between.is_empty() && last.is_none() {
        return Node::Present(attribute);
    }
    Node::Substrings { attribute, first, between, last }
}

fn attribute(text: &str) -> Result<String, FilterError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.;".contains(c);
    if text.is_empty() || !text.chars().all(legal) {
        return Err(wrong(format!("`{text}` is no attribute")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(text: &str, values: &[(&str, &[u8])]) -> Vec<u8> {
        Filter::parse(text, &["name", "dn"]).unwrap().encode(values).unwrap()
    }

    #[test]
    fn filters_are_encoded_as_the_standard_says() {
        assert_eq!(asked("(objectClass=*)", &[]), b"\x87\x0bobjectClass");
        assert_eq!(asked("(cn=\\2a)", &[]), b"\xa3\x07\x04\x02cn\x04\x01*");
        assert_eq!(asked("(cn=a*b*c)", &[]), b"\xa4\x0f\x04\x02cn\x30\x09\x80\x01a\x81\x01b\x82\x01c");
        assert_eq!(asked("(cn=*b*)", &[]), b"\xa4\x09\x04\x02cn\x30\x03\x81\x01b");
        assert_eq!(asked("(n>=1)", &[]), b"\xa5\x06\x04\x01n\x04\x011");
        assert_eq!(asked("(n<=1)", &[]), b"\xa6\x06\x04\x01n\x04\x011");
        assert_eq!(
            asked("(&(a=b)(!(c=d)))", &[]),
            b"\xa0\x12\xa3\x06\x04\x01a\x04\x01b\xa2\x08\xa3\x06\x04\x01c\x04\x01d"
        );
        assert_eq!(
            asked("(u:1.2.840.113556.1.4.803:=2)", &[]),
            b"\xa9\x1e\x81\x161.2.840.113556.1.4.803\x82\x01u\x83\x012"
        );
        assert_eq!(asked("(o:dn:=b)", &[]), b"\xa9\x09\x82\x01o\x83\x01b\x84\x01\xff");
    }

    #[test]
    fn what_comes_into_a_place_is_a_value_and_never_a_filter() {
        for name in ["*", "*)(uid=*", "a)(|(uid=*))", "\\2a", "\0", "王"] {
            let filter = asked("(uid={name})", &[("name", name.as_bytes())]);
            let mut content = b"\x04\x03uid".to_vec();
            put(&mut content, crate::ber::OCTETS, name.as_bytes());
            let mut expected = Vec::new();
            put(&mut expected, EQUAL, &content);
            assert_eq!(filter, expected, "{name:?}");
        }
        let nothing = Filter::parse("(uid={name})", &["name"]).unwrap().encode(&[]);
        assert!(nothing.unwrap_err().to_string().contains("{name}"));
        assert!(Filter::parse("(uid={name})", &["name"]).unwrap().has_place("name"));
        assert!(!Filter::parse("(uid=name)", &["name"]).unwrap().has_place("name"));
        let anybody =
            Filter::parse("(&(o=x)(|(uid={name})(mail={name}@x)))", &["name"]).unwrap().for_anybody();
        assert_eq!(anybody, Filter::parse("(&(o=x)(|(uid=*)(mail=*)))", &[]).unwrap());
    }

    #[test]
    fn what_is_no_filter_is_refused_in_words() {
        for wrong in [
            "",
            "uid={name}",
            "(uid={other})",
            "(uid={name",
            "(uid=a",
            "(uid=a))",
            "(=a)",
            "(&)",
            "(uid>=*)",
            "(uid=\\4)",
            "(u=(a))",
            "(:=a)",
            "(a:b:c:=d)",
            "(u id=a)",
            "(!)",
        ] {
            assert!(Filter::parse(wrong, &["name"]).is_err(), "{wrong}");
        }
        let deep = format!("{}(a=b){}", "(!".repeat(20), ")".repeat(20));
        assert!(Filter::parse(&deep, &[]).unwrap_err().to_string().contains("deep"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fall(text in "[(&|!)=<>~*:a-c{}\\\\0-9]{0,40}") {
            if let Ok(filter) = Filter::parse(&text, &["a"]) {
                prop_assert!(filter.encode(&[("a", b"x")]).is_ok());
            }
        }
    }
}

//! The encoding of LDAP (RFC 4511 §5.1): tags of one byte, definite lengths. Read level by level, never recursively.

/// What is not such an encoding, or no message that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) &'static str);

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;

/// The most bytes of a length: four are four gigabytes, far beyond every bound.
const LENGTH_BYTES_MAX: usize = 4;

/// How long an element is, as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// Bytes before the content.
    pub(crate) head: usize,
    /// Bytes of the content.
    pub(crate) length: usize,
}

impl Header {
    /// Reads it; none while bytes are missing.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let [tag, first, rest @ ..] = bytes else { return Ok(None) };
        if tag & 0x1f == 0x1f {
            return Err(Malformed("a tag is longer than one byte"));
        }
        if *first < 0x80 {
            return Ok(Some(Self { tag: *tag, head: 2, length: usize::from(*first) }));
        }
        let count = usize::from(first & 0x7f);
        if count == 0 || count > LENGTH_BYTES_MAX {
            return Err(Malformed("a length is indefinite, or beyond every bound"));
        }
        let Some(octets) = rest.get(..count) else { return Ok(None) };
        let length = octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
        Ok(Some(Self { tag: *tag, head: 2 + count, length }))
    }
}

/// The elements of one level.
#[derive(Clone, Copy)]
pub(crate) struct Level<'a>(&'a [u8]);

impl<'a> Level<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element, of whatever tag.
    pub(crate) fn next(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let short = Malformed("an element is cut off");
        let Header { tag, head, length } = Header::read(self.0)?.ok_or(short)?;
        let end = head.checked_add(length).ok_or(short)?;
        let content = self.0.get(head..end).ok_or(short)?;
        self.0 = self.0.get(end..).unwrap_or_default();
        Ok((tag, content))
    }

    /// The next element, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed("an element has another tag than its place asks for")),
        }
    }

    /// The next element as a number that is not negative.
    pub(crate) fn number(&mut self, tag: u8) -> Result<u32, Malformed> {
        let content = self.expect(tag)?;
        let negative = content.first().is_none_or(|first| first & 0x80 != 0);
        if negative || content.len() > 4 {
            return Err(Malformed("a number is negative, or too large"));
        }
        Ok(content.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }
}

/// Writes an element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.iter().skip_while(|octet| **octet == 0);
            let count = octets.clone().count();
            // A length has at most the bytes of a word of this machine.
            out.push(0x80 | u8::try_from(count).unwrap_or(0x7f));
            out.extend(octets);
        }
    }
    out.extend_from_slice(content);
}

/// Writes a number that is not negative.
pub(crate) fn put_number(out: &mut Vec<u8>, tag: u8, number: u32) {
    let octets = number.to_be_bytes();
    let mut content: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    put(out, tag, &content);
}

pub(crate) fn put_boolean(out: &mut Vec<u8>, value: bool) {
    put(out, BOOLEAN, &[if value { 0xff } else { 0 }]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_encoding_is_refused_before_a_byte_of_it_is_kept() {
        assert_eq!(Header::read(&[]), Ok(None));
        assert_eq!(Header::read(&[0x30, 0x82, 1]), Ok(None), "bytes of the length are missing");
        assert_eq!(Header::read(&[0x30, 0x82, 1, 0]), Ok(Some(Header { tag: 0x30, head: 4, length: 256 })));
        for wrong in [&[0x30, 0x80][..], &[0x30, 0x85, 0, 0, 0, 0, 1], &[0x3f, 0x1f, 0]] {
            assert!(Header::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(Level::new(&[4, 3, 1, 2]).next().is_err(), "cut off");
        assert!(Level::new(&[2, 1, 0x80]).number(INTEGER).is_err(), "negative");
        assert!(Level::new(&[2, 0]).number(INTEGER).is_err(), "empty");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            tag in 0_u8..0x1f, content in prop::collection::vec(any::<u8>(), 0..70_000), number in 0_u32..=0x7fff_ffff
        ) {
            let mut written = Vec::new();
            put(&mut written, tag, &content);
            put_number(&mut written, INTEGER, number);
            let mut level = Level::new(&written);
            prop_assert_eq!(level.next().unwrap(), (tag, content.as_slice()));
            prop_assert_eq!(level.number(INTEGER).unwrap(), number);
            prop_assert!(level.is_empty());
        }

        #[test]
        fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut level = Level::new(&bytes);
            while !level.is_empty() && level.next().is_ok() {}
        }
    }
}

//! Reads DER, strictly and in place; never deeper than its caller asks, so bounded by the input. Writes the little that a request needs.

use crate::error::TokenError;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT: u8 = 0x06;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]` and `[1]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// One element: its tag, what it holds, and all of its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next element; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Element<'a>>, TokenError> {
        let cut = || TokenError::Malformed("it is cut off, or not in DER");
        let whole = self.0;
        let Some((&tag, rest)) = whole.split_first() else { return Ok(None) };
        // Tags of several bytes do not occur in what is read here.
        if tag & 0x1f == 0x1f {
            return Err(cut());
        }
        let (&first, rest) = rest.split_first().ok_or_else(cut)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Up to three bytes: more than any answer may have.
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or_else(cut)?;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                let shortest = length > 0x7f && digits.first() != Some(&0);
                if !shortest {
                    return Err(cut());
                }
                (length, rest)
            }
            _ => return Err(cut()),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        let whole = whole.get(..whole.len() - rest.len()).ok_or_else(cut)?;
        Ok(Some(Element { tag, content, whole }))
    }

    /// The next element, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, TokenError> {
        self.next()?.filter(|element| element.tag == tag).ok_or(TokenError::Malformed(what))
    }

    /// The next element if it has this tag; else nothing was read.
    pub(crate) fn maybe(&mut self, tag: u8) -> Result<Option<Element<'a>>, TokenError> {
        match self.0.first() {
            Some(next) if *next == tag => self.next(),
            _ => Ok(None),
        }
    }

    /// That nothing follows.
    pub(crate) fn end(self) -> Result<(), TokenError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(TokenError::Malformed("something follows behind its end"))
        }
    }
}

impl<'a> Element<'a> {
    /// What stands in it.
    pub(crate) const fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// A number that is not negative, without the zero in front; none when it is negative or has no bytes.
    pub(crate) fn magnitude(&self) -> Option<&'a [u8]> {
        match self.content {
            [0, rest @ ..] => Some(rest),
            [first, ..] if *first < 0x80 => Some(self.content),
            _ => None,
        }
    }
}

/// An element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    // INVARIANT: requests are shorter than 128 bytes; a test writes one.
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX) & 0x7f;
    let mut bytes = vec![tag, length];
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_read_in_their_shortest_form_only() {
        let read = |bytes: &[u8]| Reader::new(bytes).next().map(|found| found.map(|e| e.content.len()));
        assert_eq!(read(&[4, 1, 7]), Ok(Some(1)));
        let mut long = vec![4, 0x81, 0x80];
        long.extend([0; 128]);
        assert_eq!(read(&long), Ok(Some(128)));
        for wrong in [
            &[4, 0x81, 1, 7][..],
            &[4, 0x80, 0, 0],
            &[4, 2, 7],
            &[4],
            &[0x1f, 0, 0],
            &[4, 0x84, 0, 0, 0, 1, 7],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back_and_nothing_panics(content in proptest::collection::vec(any::<u8>(), 0..120), noise in proptest::collection::vec(any::<u8>(), 0..64)) {
            let written = element(OCTET_STRING, &content);
            let mut reader = Reader::new(&written);
            prop_assert_eq!(reader.expect(OCTET_STRING, "it").unwrap().content, &content[..]);
            prop_assert!(reader.end().is_ok());
            let mut reader = Reader::new(&noise);
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}

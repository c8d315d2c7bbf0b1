//! The part of CBOR (RFC 8949) that authenticators write: the canonical form of CTAP2, with definite lengths, shortest heads, no tags and no
//! fractions. What is nested deeper or written otherwise is refused. Every step takes a byte at least, so nothing here lasts longer than
//! its input is long.

/// How deep maps and lists may lie in each other: an attestation statement, which nobody reads here, holds a list in a map.
const DEPTH_MAX: u8 = 4;

/// What is not CBOR of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// An item, as far as it is read. Bytes and texts lie where they came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// A list, or a map, of so many items or pairs, which follow.
    List(u64),
    Map(u64),
    /// `true`, `false` or `null`.
    Word,
}

/// Reads items one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next item; of a list or a map, its head.
    pub(super) fn item(&mut self) -> Result<Item<'a>, Malformed> {
        let [head] = *self.take(1)? else { return Err(Malformed) };
        let (major, short) = (head >> 5, head & 0x1f);
        if major == 7 {
            return if (20..=22).contains(&short) { Ok(Item::Word) } else { Err(Malformed) };
        }
        let argument = self.argument(short)?;
        Ok(match major {
            0 => Item::Integer(i64::try_from(argument).map_err(|_| Malformed)?),
            1 => Item::Integer(-1 - i64::try_from(argument).map_err(|_| Malformed)?),
            2 => Item::Bytes(self.take(argument)?),
            3 => Item::Text(std::str::from_utf8(self.take(argument)?).map_err(|_| Malformed)?),
            4 => Item::List(argument),
            5 => Item::Map(argument),
            _ => return Err(Malformed),
        })
    }

    /// Goes past one item with all that lies in it, and gives its bytes.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], Malformed> {
        let before = self.rest;
        self.pass(DEPTH_MAX)?;
        before.get(..before.len() - self.rest.len()).ok_or(Malformed)
    }

    /// How many pairs the map has that comes next.
    pub(super) fn map(&mut self) -> Result<u64, Malformed> {
        match self.item()? {
            Item::Map(pairs) => Ok(pairs),
            _ => Err(Malformed),
        }
    }

    fn pass(&mut self, depth: u8) -> Result<(), Malformed> {
        let items = match self.item()? {
            Item::Integer(_) | Item::Bytes(_) | Item::Text(_) | Item::Word => return Ok(()),
            Item::List(items) => items,
            Item::Map(pairs) => pairs.checked_mul(2).ok_or(Malformed)?,
        };
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        for _ in 0..items {
            self.pass(depth)?;
        }
        Ok(())
    }

    /// The argument of a head, in its shortest form.
    fn argument(&mut self, short: u8) -> Result<u64, Malformed> {
        let bytes: u64 = match short {
            0..=23 => return Ok(short.into()),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Malformed),
        };
        let argument = self.take(bytes)?.iter().fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        let least = if bytes == 1 { 24 } else { 1_u64 << (4 * bytes) };
        if argument >= least { Ok(argument) } else { Err(Malformed) }
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], Malformed> {
        let bytes = usize::try_from(bytes).map_err(|_| Malformed)?;
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(mut reader: Reader<'_>) -> Result<Vec<Item<'_>>, Malformed> {
        let mut found = Vec::new();
        while !reader.rest().is_empty() {
            found.push(reader.item()?);
        }
        Ok(found)
    }

    #[test]
    fn the_examples_of_rfc_8949_are_read() {
        for (bytes, expected) in [
            (&[0x00][..], Item::Integer(0)),
            (&[0x17], Item::Integer(23)),
            (&[0x18, 0x18], Item::Integer(24)),
            (&[0x19, 0x03, 0xe8], Item::Integer(1000)),
            (&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], Item::Integer(1_000_000_000_000)),
            (&[0x20], Item::Integer(-1)),
            (&[0x39, 0x03, 0xe7], Item::Integer(-1000)),
            (&[0x44, 1, 2, 3, 4], Item::Bytes(&[1, 2, 3, 4])),
            (&[0x62, 0xc3, 0xbc], Item::Text("ü")),
            (&[0x80], Item::List(0)),
            (&[0xa0], Item::Map(0)),
            (&[0xf5], Item::Word),
        ] {
            assert_eq!(items(Reader::new(bytes)), Ok(vec![expected]), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for bytes in [
            &[0x18, 0x17][..],
            &[0x19, 0x00, 0xff],
            &[0x1a, 0, 0, 0xff, 0xff],
            &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
            &[0x5f, 0x41, 0, 0xff],
            &[0x9f, 0xff],
            &[0xc0, 0x00],
            &[0xf7],
            &[0xf9, 0, 0],
            &[0x1c],
            &[0x62, 0xff, 0xff],
            &[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(items(Reader::new(bytes)), Err(Malformed), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_length_that_is_a_lie_and_a_nest_without_end_cost_nothing() {
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            let mut bytes = vec![head];
            bytes.extend([0x7f; 8]);
            assert_eq!(Reader::new(&bytes).skip(), Err(Malformed), "{head:02x}");
        }
        assert_eq!(Reader::new(&[0x81; 10_000]).skip(), Err(Malformed));
        assert_eq!(
            Reader::new(&[0x81, 0x81, 0x81, 0x81, 0x00]).skip(),
            Ok(&[0x81, 0x81, 0x81, 0x81, 0x00][..])
        );
    }

    proptest! {
        #[test]
        fn what_is_skipped_is_a_beginning_and_no_part_of_it_stands_alone(bytes: Vec<u8>) {
            if let Ok(skipped) = Reader::new(&bytes).skip() {
                prop_assert!(bytes.starts_with(skipped));
                for end in 0..skipped.len() {
                    prop_assert_eq!(Reader::new(&skipped[..end]).skip(), Err(Malformed));
                }
            }
        }
    }
}

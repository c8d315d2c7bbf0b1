//! One element header (PS3.5 §7.1.2, §7.1.3 and §7.5): tag, value representation, length. A pure function
//! over the bytes at hand; it knows nothing of nesting.

use crate::dictionary;
use crate::tag::{Tag, tags};
use crate::transfer_syntax::Encoding;
use crate::vr::Vr;

/// The longest look at a header: 12 bytes and the first four of the value.
pub(super) const HEADER_BYTES_MAX: usize = 16;

/// The length that stands for "until the delimiter".
pub(super) const UNDEFINED: u32 = u32::MAX;

/// How the elements at hand are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

impl Coding {
    /// What UN sequences are written in, whatever surrounds them (PS3.5 §6.2.2 note 2).
    pub(super) const IMPLICIT_LE: Self = Self { explicit: false, big_endian: false };

    pub(super) fn of(encoding: Encoding) -> Self {
        Self { explicit: encoding != Encoding::ImplicitLe, big_endian: encoding == Encoding::ExplicitBe }
    }

    pub(super) fn encoding(self) -> Encoding {
        match (self.explicit, self.big_endian) {
            (false, _) => Encoding::ImplicitLe,
            (true, false) => Encoding::ExplicitLe,
            (true, true) => Encoding::ExplicitBe,
        }
    }
}

/// What stands in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: Tag,
    pub(super) vr: Vr,
    pub(super) length: u32,
    /// Bytes of the header.
    pub(super) bytes: usize,
    /// How the elements inside are written, if this is a sequence.
    pub(super) inside: Coding,
    /// Whether the value is a sequence of items.
    pub(super) sequence: bool,
    /// Letters that are no value representation, in an explicit header.
    pub(super) unknown_vr: Option<[u8; 2]>,
    /// An element without value representation in an explicit data set.
    pub(super) implicit_element: bool,
}

/// The outcome of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// At least this many bytes are needed to tell.
    Need(usize),
    /// The header.
    Found(Header),
}

/// Reads the header at the start of `bytes`. `at_end` says that no more bytes can come.
pub(super) fn look(bytes: &[u8], coding: Coding) -> Look {
    let Some(start) = bytes.first_chunk::<8>() else { return Look::Need(8) };
    let [a, b, c, d, v, r, x, y] = *start;
    let short =
        |lo, hi| if coding.big_endian { u16::from_be_bytes([lo, hi]) } else { u16::from_le_bytes([lo, hi]) };
    let long = |four: [u8; 4]| {
        if coding.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    let tag = Tag(short(a, b), short(c, d));
    let found = |vr, length, bytes| Header {
        tag,
        vr,
        length,
        bytes,
        inside: coding,
        sequence: vr == Vr::SQ,
        unknown_vr: None,
        implicit_element: false,
    };
    // Items and delimiters have no value representation in any encoding (PS3.5 §7.5).
    if tag.group() == tags::ITEM.group() {
        return Look::Found(found(Vr::UN, long([v, r, x, y]), 8));
    }
    if !coding.explicit {
        return Look::Found(implicit(found(Vr::UN, long([v, r, x, y]), 8)));
    }
    let Some(vr) = Vr::from_letters([v, r]) else {
        return unknown(bytes, found(Vr::UN, long([v, r, x, y]), 8), [v, r], short(x, y), long);
    };
    if !vr.has_long_header() {
        return Look::Found(found(vr, u32::from(short(x, y)), 8));
    }
    let Some(&[.., l0, l1, l2, l3]) = bytes.first_chunk::<12>() else { return Look::Need(12) };
    let header = found(vr, long([l0, l1, l2, l3]), 12);
    if vr != Vr::UN {
        return Look::Found(header);
    }
    if header.length == UNDEFINED {
        return Look::Found(Header { vr: Vr::SQ, sequence: true, inside: Coding::IMPLICIT_LE, ..header });
    }
    // A standard sequence that passed through a system which did not know it: UN, implicit inside.
    if header.length >= 8 && dictionary::vr_of(tag) == Some(Vr::SQ) {
        let Some(value) = bytes.get(12..16) else { return Look::Need(16) };
        if value == b"\xfe\xff\x00\xe0" {
            return Look::Found(Header { vr: Vr::SQ, sequence: true, inside: Coding::IMPLICIT_LE, ..header });
        }
    }
    Look::Found(header)
}

/// Whether the first element of a data set or item is written otherwise than expected.
pub(super) fn sniff(start: &[u8; 8], expected: Coding) -> Coding {
    let [a, b, c, d, v, r, ..] = *start;
    let known = Vr::from_letters([v, r]);
    if expected.explicit {
        if !is_lettered([v, r]) {
            // Without letters there is no big-endian form.
            let little = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
            let plausible = dictionary::vr_of(little).is_some() || little.is_private();
            return if plausible && !expected.big_endian { Coding::IMPLICIT_LE } else { expected };
        }
        // What begins with an element of the standard is as expected, also behind the pixels: FFFC, not FCFF. Every group
        // has a length.
        let [group, element] = if expected.big_endian {
            [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
        } else {
            [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
        };
        if element != 0 && dictionary::vr_of(Tag(group, element)).is_some() {
            return expected;
        }
        // The byte order in which the group number is smaller is the right one: 0008, not 0800.
        let swapped = if expected.big_endian {
            u16::from_le_bytes([a, b]) < u16::from_be_bytes([a, b])
        } else {
            u16::from_be_bytes([a, b]) < u16::from_le_bytes([a, b])
        };
        return Coding { explicit: true, big_endian: expected.big_endian ^ (swapped && known.is_some()) };
    }
    // Two letters in an implicit length would mean more than 16,704 bytes: believe them only if the
    // dictionary agrees with them or cannot know.
    let tag = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let big = Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let agrees = |tag| dictionary::vr_of(tag).is_none_or(|vr| known == Some(vr));
    match known {
        Some(_) if big.group() < tag.group() && agrees(big) => Coding { explicit: true, big_endian: true },
        Some(_) if agrees(tag) => Coding { explicit: true, big_endian: false },
        Some(_) | None => expected,
    }
}

// === helpers ===

fn implicit(header: Header) -> Header {
    let vr = dictionary::vr_of(header.tag).unwrap_or(Vr::UN);
    let vr = if vr == Vr::UN && header.length == UNDEFINED { Vr::SQ } else { vr };
    Header { vr, sequence: vr == Vr::SQ, ..header }
}

/// Whether two bytes are meant as a value representation: capitals, or what some writers put where they do not
/// know it.
fn is_lettered(letters: [u8; 2]) -> bool {
    letters.iter().all(u8::is_ascii_uppercase) || matches!(&letters, b"??" | b"--")
}

/// Letters that the standard does not define. Future value representations have the long header
/// (PS3.5 §7.1.2 note 3), yet faulty writers use both forms, and some leave the letters out altogether.
fn unknown(
    bytes: &[u8],
    header: Header,
    letters: [u8; 2],
    short_length: u16,
    long: impl Fn([u8; 4]) -> u32,
) -> Look {
    let implicit_length = header.length;
    if !is_lettered(letters) {
        let element = Header { length: implicit_length, implicit_element: true, ..header };
        return Look::Found(implicit(Header {
            inside: Coding { explicit: false, ..header.inside },
            ..element
        }));
    }
    let header = Header { unknown_vr: Some(letters), sequence: false, ..header };
    if short_length != 0 {
        return Look::Found(Header { length: u32::from(short_length), ..header });
    }
    let Some(&[.., l0, l1, l2, l3]) = bytes.first_chunk::<12>() else { return Look::Need(12) };
    let length = long([l0, l1, l2, l3]);
    // Either these four bytes are the length, or the value is empty and they are the next tag. A tag with a
    // group not below this one would be a length of many megabytes.
    let long_form = length < 1 << 16 || length == UNDEFINED;
    if long_form {
        return Look::Found(Header { length, bytes: 12, sequence: length == UNDEFINED, ..header });
    }
    Look::Found(Header { length: 0, ..header })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPLICIT: Coding = Coding { explicit: true, big_endian: false };
    const BIG: Coding = Coding { explicit: true, big_endian: true };

    fn found(bytes: &[u8], coding: Coding) -> Header {
        match look(bytes, coding) {
            Look::Found(header) => header,
            Look::Need(n) => panic!("needs {n}"),
        }
    }

    #[test]
    fn a_header_asks_for_the_bytes_it_needs() {
        assert_eq!(look(b"\x08\0\x60\0CS\x02", EXPLICIT), Look::Need(8));
        assert_eq!(look(b"\xe0\x7f\x10\0OW\0\0\x01", EXPLICIT), Look::Need(12));
        let short = found(b"\x08\0\x60\0CS\x02\0", EXPLICIT);
        assert_eq!((short.tag, short.vr, short.length, short.bytes), (tags::MODALITY, Vr::CS, 2, 8));
        let long = found(b"\x7f\xe0\0\x10OW\0\0\0\0\x01\0", BIG);
        assert_eq!((long.tag, long.vr, long.length, long.bytes), (tags::PIXEL_DATA, Vr::OW, 256, 12));
    }

    #[test]
    fn unknown_letters_are_read_in_both_forms() {
        let long = found(b"\x09\0\x01\x10OX\0\0\x04\0\0\0", EXPLICIT);
        assert_eq!((long.vr, long.length, long.bytes), (Vr::UN, 4, 12));
        let short = found(b"\x09\0\x01\x10??\x06\0", EXPLICIT);
        assert_eq!((short.vr, short.length, short.bytes), (Vr::UN, 6, 8));
        let empty = found(b"\x09\0\x01\x10OX\0\0\x09\0\x02\x10", EXPLICIT);
        assert_eq!((empty.length, empty.bytes), (0, 8));
    }

    #[test]
    fn the_byte_order_of_what_begins_here_is_seen() {
        assert_eq!(sniff(b"\xfc\xff\xfc\xffOB\0\0", EXPLICIT), EXPLICIT);
        assert_eq!(sniff(b"\xff\xfc\xff\xfcOB\0\0", BIG), BIG);
        assert_eq!(sniff(b"\0\x08\0\0UL\0\x04", EXPLICIT), BIG);
        assert_eq!(sniff(b"\x08\0\x05\0CS\x02\0", BIG), EXPLICIT);
    }

    #[test]
    fn missing_letters_are_an_implicit_element() {
        let header = found(b"\x10\0\x20\0\x04\0\0\0", EXPLICIT);
        assert!(header.implicit_element);
        assert_eq!((header.vr, header.length), (Vr::LO, 4));
    }

    #[test]
    fn the_first_element_tells_how_the_data_set_is_really_written() {
        let implicit = *b"\x08\0\x05\0\x0a\0\0\0";
        let explicit = *b"\x08\0\x05\0CS\x0a\0";
        let big = *b"\0\x08\0\x05CS\0\x0a";
        for coding in [EXPLICIT, Coding::IMPLICIT_LE] {
            assert_eq!(sniff(&implicit, coding), Coding::IMPLICIT_LE);
            assert_eq!(sniff(&explicit, coding), EXPLICIT);
            assert_eq!(sniff(&big, coding), BIG);
        }
        assert_eq!(sniff(&explicit, BIG), EXPLICIT);
    }
}

//! Code extension after ISO/IEC 2022 as DICOM uses it (PS3.5 §6.1.2.4 and §6.1.2.5): escape sequences switch
//! the meaning of low bytes (G0) and of high bytes (G1).

use encoding_rs::Encoding;

pub(super) const ESCAPE: u8 = 0x1b;

/// A graphic character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Graphic {
    /// ISO-IR 100.
    Latin1,
    /// Another single-byte set of high bytes.
    Table(&'static Encoding),
    /// ISO-IR 13, katakana of JIS X 0201 in the high bytes.
    Katakana,
    /// ISO-IR 87, two low bytes.
    JisX0208,
    /// ISO-IR 159, two low bytes.
    JisX0212,
    /// ISO-IR 149, two high bytes.
    KsX1001,
    /// ISO-IR 58, two high bytes.
    Gb2312,
}

/// Decodes a value. `initial` is the first declared set, to which every delimiter returns. `None` if a byte
/// has no meaning in the sets that are switched on, or a sequence is unknown.
pub(super) fn decode(initial: Option<Graphic>, person_name: bool, bytes: &[u8]) -> Option<String> {
    let (start_low, start_high) = start(initial);
    let (mut low, mut high) = (start_low, start_high);
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match *byte {
            ESCAPE => {
                let (switch, after) = escape(rest)?;
                match switch {
                    Switch::Low(graphic) => low = graphic,
                    Switch::High(graphic) => high = Some(graphic),
                }
                rest = after;
            }
            control @ (b'\t' | b'\n' | 0x0c | b'\r') => {
                (low, high) = (start_low, start_high);
                text.push(char::from(control));
            }
            first @ 0x21..=0x7e if low.is_some() => {
                let [second, tail @ ..] = rest else { return None };
                rest = tail;
                low?.push_pair(first, *second, &mut text)?;
            }
            delimiter @ b'\\' => {
                (low, high) = (start_low, start_high);
                text.push(char::from(delimiter));
            }
            delimiter @ (b'^' | b'=') if person_name => {
                (low, high) = (start_low, start_high);
                text.push(char::from(delimiter));
            }
            ascii @ 0..=0x7f => text.push(char::from(ascii)),
            first => match high? {
                set @ (Graphic::KsX1001 | Graphic::Gb2312 | Graphic::JisX0208 | Graphic::JisX0212) => {
                    let [second, tail @ ..] = rest else { return None };
                    rest = tail;
                    set.push_pair(first, *second, &mut text)?;
                }
                Graphic::Latin1 => text.push(char::from(first)),
                // JIS X 0201 katakana stand in Unicode in the same order.
                Graphic::Katakana if (0xa1..=0xdf).contains(&first) => {
                    text.push(char::from_u32(0xff61 + u32::from(first - 0xa1))?);
                }
                Graphic::Katakana => return None,
                Graphic::Table(table) => push(table, &[first], &mut text)?,
            },
        }
    }
    Some(text)
}

/// Encodes a text in the first set and, by escape sequences, the others; the reverse of [`decode`]. `None` if a
/// character is in none of them.
pub(super) fn encode(
    initial: Option<Graphic>,
    others: &[Graphic],
    person_name: bool,
    text: &str,
) -> Option<Vec<u8>> {
    // A two-byte set is announced at every value, also the first one: readers differ in what they take for granted.
    let start_high = initial.filter(|graphic| !graphic.is_two_bytes());
    let ascii_again: &[u8] = if initial == Some(Graphic::Katakana) { b"\x1b(J" } else { b"\x1b(B" };
    let mut bytes = Vec::with_capacity(text.len());
    let (mut low, mut high) = (None, start_high);
    for character in text.chars() {
        if character.is_ascii() {
            if low.take().is_some() {
                bytes.extend_from_slice(ascii_again);
            }
            let delimits = matches!(character, '\\' | '\t' | '\n' | '\x0c' | '\r')
                || person_name && matches!(character, '^' | '=');
            if delimits {
                high = start_high;
            }
            bytes.push(u8::try_from(character).ok()?);
            continue;
        }
        let sets = [low, high, initial].into_iter().flatten().chain(others.iter().copied());
        let (set, code) = sets.into_iter().find_map(|set| set.code(character).map(|code| (set, code)))?;
        let slot = if set.is_low() { &mut low } else { &mut high };
        if slot.replace(set) != Some(set) {
            bytes.extend_from_slice(set.escape()?);
        }
        bytes.extend(code);
    }
    if low.is_some() {
        bytes.extend_from_slice(ascii_again);
    }
    Some(bytes)
}

enum Switch {
    Low(Option<Graphic>),
    High(Graphic),
}

/// Reads the escape sequence after ESC (PS3.3 Tables C.12-3 and C.12-4).
fn escape(bytes: &[u8]) -> Option<(Switch, &[u8])> {
    let single = |table| Some(Switch::High(Graphic::Table(table)));
    let (switch, used) = match bytes {
        [b'(', b'B' | b'J', ..] => (Some(Switch::Low(None)), 2),
        [b')', b'I', ..] => (Some(Switch::High(Graphic::Katakana)), 2),
        [b'$', b'B' | b'@', ..] => (Some(Switch::Low(Some(Graphic::JisX0208))), 2),
        [b'$', b'(', b'D', ..] => (Some(Switch::Low(Some(Graphic::JisX0212))), 3),
        [b'$', b')', b'C', ..] => (Some(Switch::High(Graphic::KsX1001)), 3),
        [b'$', b')', b'A', ..] => (Some(Switch::High(Graphic::Gb2312)), 3),
        [b'-', b'A', ..] => (Some(Switch::High(Graphic::Latin1)), 2),
        [b'-', b'B', ..] => (single(encoding_rs::ISO_8859_2), 2),
        [b'-', b'C', ..] => (single(encoding_rs::ISO_8859_3), 2),
        [b'-', b'D', ..] => (single(encoding_rs::ISO_8859_4), 2),
        [b'-', b'F', ..] => (single(encoding_rs::ISO_8859_7), 2),
        [b'-', b'G', ..] => (single(encoding_rs::ISO_8859_6), 2),
        [b'-', b'H', ..] => (single(encoding_rs::ISO_8859_8), 2),
        [b'-', b'L', ..] => (single(encoding_rs::ISO_8859_5), 2),
        [b'-', b'M', ..] => (single(encoding_rs::WINDOWS_1254), 2),
        [b'-', b'T', ..] => (single(encoding_rs::WINDOWS_874), 2),
        [b'-', b'b', ..] => (single(encoding_rs::ISO_8859_15), 2),
        _ => (None, 0),
    };
    Some((switch?, bytes.get(used..)?))
}

/// What low and high bytes mean before any escape sequence.
fn start(initial: Option<Graphic>) -> (Option<Graphic>, Option<Graphic>) {
    match initial {
        // These are designated by escape sequences only; the low bytes start as ASCII.
        Some(Graphic::JisX0208 | Graphic::JisX0212) | None => (None, None),
        Some(
            graphic @ (Graphic::Latin1
            | Graphic::Table(_)
            | Graphic::Katakana
            | Graphic::KsX1001
            | Graphic::Gb2312),
        ) => (None, Some(graphic)),
    }
}

impl Graphic {
    const fn is_two_bytes(self) -> bool {
        matches!(self, Self::JisX0208 | Self::JisX0212 | Self::KsX1001 | Self::Gb2312)
    }

    /// Whether it is written in low bytes.
    const fn is_low(self) -> bool {
        matches!(self, Self::JisX0208 | Self::JisX0212)
    }

    /// The sequence that switches to this set; `None` for one that has none here.
    fn escape(self) -> Option<&'static [u8]> {
        Some(match self {
            Self::Latin1 => b"\x1b-A",
            Self::Katakana => b"\x1b)I",
            Self::JisX0208 => b"\x1b$B",
            Self::JisX0212 => b"\x1b$(D",
            Self::KsX1001 => b"\x1b$)C",
            Self::Gb2312 => b"\x1b$)A",
            Self::Table(table) => match table.name() {
                "ISO-8859-2" => b"\x1b-B",
                "ISO-8859-3" => b"\x1b-C",
                "ISO-8859-4" => b"\x1b-D",
                "ISO-8859-7" => b"\x1b-F",
                "ISO-8859-6" => b"\x1b-G",
                "ISO-8859-8" => b"\x1b-H",
                "ISO-8859-5" => b"\x1b-L",
                "windows-1254" => b"\x1b-M",
                "windows-874" => b"\x1b-T",
                "ISO-8859-15" => b"\x1b-b",
                _ => return None,
            },
        })
    }

    /// The bytes of a character in this set.
    fn code(self, character: char) -> Option<Vec<u8>> {
        let through = |encoding: &'static Encoding, first: std::ops::RangeInclusive<u8>| {
            let mut text = [0; 4];
            let (bytes, _, replaced) = encoding.encode(character.encode_utf8(&mut text));
            let fits = match *bytes {
                [only] => !self.is_two_bytes() && only >= 0xa0,
                [one, two] => self.is_two_bytes() && first.contains(&one) && two >= 0xa1,
                _ => false,
            };
            (!replaced && fits).then(|| bytes.into_owned())
        };
        match self {
            Self::Latin1 => u8::try_from(character).ok().filter(|byte| *byte >= 0xa0).map(|byte| vec![byte]),
            Self::Katakana => {
                let place = u32::from(character).checked_sub(0xff61)?;
                u8::try_from(place).ok().filter(|place| *place <= 0x3e).map(|place| vec![0xa1 + place])
            }
            Self::Table(table) => through(table, 0..=0),
            Self::JisX0208 => {
                Some(through(encoding_rs::EUC_JP, 0xa1..=0xfe)?.iter().map(|byte| byte & 0x7f).collect())
            }
            // The library reads JIS X 0212 and does not write it.
            Self::JisX0212 => None,
            Self::KsX1001 => through(encoding_rs::EUC_KR, 0xa1..=0xfe),
            // The rows of GB 2312; GBK has more.
            Self::Gb2312 => through(encoding_rs::GBK, 0xa1..=0xf7),
        }
    }

    /// Decodes one two-byte character through the encoding in which both bytes are high.
    fn push_pair(self, first: u8, second: u8, text: &mut String) -> Option<()> {
        let (first, second) = (first | 0x80, second | 0x80);
        match self {
            Self::JisX0208 => push(encoding_rs::EUC_JP, &[first, second], text),
            Self::JisX0212 => push(encoding_rs::EUC_JP, &[0x8f, first, second], text),
            Self::KsX1001 => push(encoding_rs::EUC_KR, &[first, second], text),
            Self::Gb2312 => push(encoding_rs::GBK, &[first, second], text),
            Self::Latin1 | Self::Table(_) | Self::Katakana => None,
        }
    }
}

fn push(encoding: &'static Encoding, bytes: &[u8], text: &mut String) -> Option<()> {
    text.push_str(&encoding.decode_without_bom_handling_and_without_replacement(bytes)?);
    Some(())
}

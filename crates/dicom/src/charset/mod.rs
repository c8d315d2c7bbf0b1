//! Specific Character Set (DICOM PS3.3 §C.12.1.1.2, PS3.5 §6.1): bytes of a text value to text, and back.
//!
//! The declared sets are used first. Real senders declare the wrong set or none; then strict UTF-8 is tried,
//! then GB18030, then Latin-1, and a note says so. The received bytes are never changed; what is written are answers
//! to queries, and there the sets are kept to the letter.

mod iso2022;
mod rewrite;

pub use rewrite::from_utf8;

use crate::vr::Vr;
use encoding_rs::Encoding;
use iso2022::Graphic;

/// The character sets of one data set or item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CharacterSets {
    sets: Vec<Set>,
    unknown: bool,
    /// What is meant by a text that the declaration does not fit.
    assumed: Vec<Set>,
}

/// A decoded text.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, padding included, backslashes still between values.
    pub text: String,
    /// How it was recovered, if the declaration did not fit the bytes.
    pub note: Option<CharsetNote>,
}

/// How a text was read whose bytes do not fit the declared character sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CharsetNote {
    /// Read as UTF-8.
    RecoveredAsUtf8,
    /// Read as GB18030.
    RecoveredAsGb18030,
    /// Read as Latin-1 because nothing else fits; some characters may be wrong.
    RecoveredAsLatin1,
}

/// The defined terms that are read, those without code extensions first (PS3.3 Tables C.12-2 to C.12-5).
pub const DEFINED_TERMS: &[&str] = &[
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 203",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO 2022 IR 6",
    "ISO 2022 IR 100",
    "ISO 2022 IR 101",
    "ISO 2022 IR 109",
    "ISO 2022 IR 110",
    "ISO 2022 IR 144",
    "ISO 2022 IR 127",
    "ISO 2022 IR 126",
    "ISO 2022 IR 138",
    "ISO 2022 IR 148",
    "ISO 2022 IR 203",
    "ISO 2022 IR 13",
    "ISO 2022 IR 166",
    "ISO 2022 IR 87",
    "ISO 2022 IR 159",
    "ISO 2022 IR 149",
    "ISO 2022 IR 58",
];

/// One defined term of Specific Character Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// The default repertoire, ISO-IR 6.
    Ascii,
    /// A set that is reached without or with code extensions.
    Graphic(Graphic),
    /// ISO_IR 192.
    Utf8,
    /// GB18030.
    Gb18030,
    /// GBK, a part of GB18030 and read as such.
    Gbk,
}

impl CharacterSets {
    /// Reads the value of Specific Character Set; `None` if the attribute is absent.
    #[must_use]
    pub fn declared(value: Option<&[u8]>) -> Self {
        let Some(value) = value else { return Self::default() };
        let text = String::from_utf8_lossy(value);
        let mut sets = Self::default();
        for term in text.split('\\') {
            match Set::of(term.trim_matches([' ', '\0'])) {
                Some(set) => sets.sets.push(set),
                None => sets.unknown = true,
            }
        }
        sets
    }

    /// UTF-8, for texts that were made here.
    #[must_use]
    pub fn utf8() -> Self {
        Self { sets: vec![Set::Utf8], ..Self::default() }
    }

    /// The same, of a sender of whom it is known what it means where it declares nothing, or the default repertoire, and
    /// sends other bytes. A declaration that says more than that counts alone.
    #[must_use]
    pub fn assuming(mut self, term: Option<&str>) -> Self {
        if let Some(term) = term
            && self.is_bare()
        {
            self.assumed = Self::declared(Some(term.as_bytes())).sets;
        }
        self
    }

    /// Whether nothing but the default repertoire is declared.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        !self.unknown && self.sets.iter().all(|set| *set == Set::Ascii)
    }

    /// Decodes a value. Texts that do not follow the character set (codes, numbers, UIDs) are ASCII.
    #[must_use]
    pub fn decode(&self, vr: Vr, bytes: &[u8]) -> Decoded {
        if bytes.is_ascii() && (!vr.follows_character_set() || !bytes.contains(&iso2022::ESCAPE)) {
            return Decoded { text: String::from_utf8_lossy(bytes).into_owned(), note: None };
        }
        let assumed = || {
            let assumed = Self { sets: self.assumed.clone(), ..Self::default() };
            (!self.assumed.is_empty()).then(|| assumed.as_declared(vr, bytes)).flatten()
        };
        let text = self.as_declared(vr, bytes).or_else(assumed);
        text.map_or_else(|| recover(bytes), |text| Decoded { text, note: None })
    }

    /// Encodes a text, or `None` if it has a character that the sets do not. Texts that do not follow the character
    /// set must be ASCII.
    #[must_use]
    pub fn encode(&self, vr: Vr, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        if !vr.follows_character_set() {
            return None;
        }
        match self.sets.first().copied().unwrap_or(Set::Ascii) {
            Set::Utf8 => Some(text.as_bytes().to_vec()),
            Set::Gb18030 => encoded(encoding_rs::GB18030, text),
            Set::Gbk => encoded(encoding_rs::GBK, text),
            first @ (Set::Ascii | Set::Graphic(_)) => {
                let graphic = |set: Set| match set {
                    Set::Graphic(graphic) => Some(graphic),
                    Set::Ascii | Set::Utf8 | Set::Gb18030 | Set::Gbk => None,
                };
                let others: Vec<Graphic> = self.sets.iter().skip(1).copied().filter_map(graphic).collect();
                iso2022::encode(graphic(first), &others, vr == Vr::PN, text)
            }
        }
    }

    /// Whether these are the sets of mainland China that only GB18030 has room for.
    #[must_use]
    pub fn is_chinese(&self) -> bool {
        self.sets.iter().any(|set| matches!(set, Set::Gb18030 | Set::Gbk | Set::Graphic(Graphic::Gb2312)))
    }

    /// The text as the declaration says, or `None` if the bytes do not fit it.
    fn as_declared(&self, vr: Vr, bytes: &[u8]) -> Option<String> {
        let first = self.sets.first().copied().unwrap_or(Set::Ascii);
        if !vr.follows_character_set() {
            return None;
        }
        match first {
            Set::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Set::Gb18030 | Set::Gbk => strict(encoding_rs::GB18030, bytes),
            Set::Graphic(Graphic::Latin1) if self.sets.len() == 1 && !bytes.contains(&iso2022::ESCAPE) => {
                // Valid multi-byte UTF-8 is hardly ever meant as Latin-1; the reverse is common.
                std::str::from_utf8(bytes).is_err().then(|| latin1(bytes))
            }
            Set::Ascii | Set::Graphic(_) => {
                let initial = match first {
                    Set::Graphic(graphic) => Some(graphic),
                    Set::Ascii | Set::Utf8 | Set::Gb18030 | Set::Gbk => None,
                };
                iso2022::decode(initial, vr == Vr::PN, bytes)
            }
        }
    }
}

impl std::fmt::Debug for Decoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} characters, {:?}", self.text.chars().count(), self.note)
    }
}

impl Set {
    /// The defined terms of PS3.3 Tables C.12-2 to C.12-5, with the spellings that real senders use.
    fn of(term: &str) -> Option<Self> {
        let plain = term.to_ascii_uppercase().replace(['_', '-'], " ");
        let number = plain
            .strip_prefix("ISO 2022 IR ")
            .or_else(|| plain.strip_prefix("ISO IR "))
            .or_else(|| plain.strip_prefix("ISO IR"))
            .or_else(|| plain.strip_prefix("ISO2022 IR "));
        let Some(number) = number else {
            return match plain.as_str() {
                "" => Some(Self::Ascii),
                "GB18030" => Some(Self::Gb18030),
                "GBK" | "GB2312" => Some(Self::Gbk),
                "UTF 8" | "UTF8" => Some(Self::Utf8),
                "ISO8859 1" | "ISO 8859 1" | "LATIN1" => Some(Self::Graphic(Graphic::Latin1)),
                _ => None,
            };
        };
        Some(match number.trim() {
            "6" => Self::Ascii,
            "192" => Self::Utf8,
            "13" => Self::Graphic(Graphic::Katakana),
            "14" => Self::Ascii,
            "58" => Self::Graphic(Graphic::Gb2312),
            "87" => Self::Graphic(Graphic::JisX0208),
            "159" => Self::Graphic(Graphic::JisX0212),
            "149" => Self::Graphic(Graphic::KsX1001),
            "100" => Self::Graphic(Graphic::Latin1),
            "101" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_2)),
            "109" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_3)),
            "110" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_4)),
            "144" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_5)),
            "127" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_6)),
            "126" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_7)),
            "138" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_8)),
            "148" => Self::Graphic(Graphic::Table(encoding_rs::WINDOWS_1254)),
            "166" => Self::Graphic(Graphic::Table(encoding_rs::WINDOWS_874)),
            "203" => Self::Graphic(Graphic::Table(encoding_rs::ISO_8859_15)),
            _ => return None,
        })
    }
}

// === helpers ===

/// Reads a text whose declaration is wrong or missing.
fn recover(bytes: &[u8]) -> Decoded {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let note = (!text.is_ascii()).then_some(CharsetNote::RecoveredAsUtf8);
        return Decoded { text: text.to_owned(), note };
    }
    match strict(encoding_rs::GB18030, bytes) {
        Some(text) => Decoded { text, note: Some(CharsetNote::RecoveredAsGb18030) },
        None => Decoded { text: latin1(bytes), note: Some(CharsetNote::RecoveredAsLatin1) },
    }
}

fn encoded(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    let (bytes, _, replaced) = encoding.encode(text);
    (!replaced).then(|| bytes.into_owned())
}

fn strict(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// Every byte as the character of the same number: encodings of the web call windows-1252 by this name.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(declared: &str, vr: Vr, bytes: &[u8]) -> Decoded {
        CharacterSets::declared(Some(declared.as_bytes())).decode(vr, bytes)
    }

    #[test]
    fn every_defined_term_that_is_listed_is_read() {
        for term in DEFINED_TERMS {
            assert!(!CharacterSets::declared(Some(term.as_bytes())).unknown, "{term}");
        }
    }

    #[test]
    fn what_a_sender_is_known_to_mean_goes_before_what_can_be_guessed() {
        // 毛 and 隆 in GB18030 are legal UTF-8 as well.
        let mao = b"\xc3\xab^\xc2\xa1";
        let read = |declared: Option<&str>, assumed| {
            let sets = CharacterSets::declared(declared.map(str::as_bytes)).assuming(assumed);
            sets.decode(Vr::PN, mao)
        };
        assert_eq!(read(None, None).text, "ë^¡");
        for bare in [None, Some(""), Some("ISO_IR 6")] {
            let decoded = read(bare, Some("GB18030"));
            assert_eq!((decoded.text.as_str(), decoded.note), ("毛^隆", None));
        }
        assert_eq!(read(Some("ISO_IR 192"), Some("GB18030")).text, "ë^¡", "a declaration counts");
        let sets = CharacterSets::declared(None).assuming(Some("ISO_IR 100"));
        assert_eq!(sets.decode(Vr::PN, b"M\xfcller").text, "Müller");
        assert_eq!(CharacterSets::declared(None).decode(Vr::PN, b"M\xfcller").text, "M黮ler");
    }

    /// Declared sets, bytes and text: PS3.5 Annexes H, I, J and K, and what else senders use.
    const EXAMPLES: &[(&str, &[u8], &str)] = &[
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        ),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
        ),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东=".as_bytes(), "Wang^XiaoDong=王^小东="),
        ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
        ("ISO_IR 144", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3", "Люкceмбypг"),
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 166", b"\xb9\xd2\xc1", "นาม"),
        (
            "ISO 2022 IR 100\\ISO 2022 IR 126",
            b"Dionysios=\x1b-F\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
            "Dionysios=Διονυσιος",
        ),
        ("GBK", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东"),
    ];

    #[test]
    fn the_examples_of_the_standard_read_right() {
        for (declared, bytes, text) in EXAMPLES {
            let decoded = decode(declared, Vr::PN, bytes);
            assert_eq!(decoded.text, *text, "{declared}");
            assert_eq!(decoded.note, None, "{declared}");
        }
    }

    #[test]
    fn wrong_and_missing_declarations_are_recovered_and_noted() {
        let gbk = b"\xcd\xf5\xd0\xa1\xb6\xab";
        for declared in ["", "ISO_IR 192", "ISO_IR 6", "\\ISO 2022 IR 87", "NONSENSE"] {
            let decoded = decode(declared, Vr::LO, gbk);
            assert_eq!(decoded.text, "王小东", "{declared:?}");
            assert_eq!(decoded.note, Some(CharsetNote::RecoveredAsGb18030), "{declared:?}");
        }
        for declared in ["", "ISO_IR 100", "GB18030\u{0}"] {
            let text = decode(declared, Vr::LO, "东".as_bytes()).text;
            assert!(text == "东" || declared.starts_with("GB"), "{declared:?} {text}");
        }
        let latin = decode("", Vr::LO, b"Fran\xe7ois");
        assert!(latin.note.is_some());
        assert_eq!(decode("", Vr::CS, b"\xff\xff").text, "ÿÿ");
    }

    #[test]
    fn a_backslash_inside_a_gbk_character_separates_no_values() {
        // 0x5C is the second byte of this character.
        let decoded = decode("GBK", Vr::LO, b"\x81\x5c\\B");
        assert_eq!(decoded.text.split('\\').count(), 2);
    }

    fn encode(declared: &str, vr: Vr, text: &str) -> Option<Vec<u8>> {
        CharacterSets::declared(Some(declared.as_bytes())).encode(vr, text)
    }

    #[test]
    fn the_examples_of_the_standard_are_written_as_they_stand_there() {
        for (declared, bytes, text) in EXAMPLES {
            assert_eq!(encode(declared, Vr::PN, text).as_deref(), Some(*bytes), "{declared}");
        }
    }

    #[test]
    fn what_a_set_cannot_hold_is_not_written_in_it() {
        for declared in ["", "ISO_IR 100", "\\ISO 2022 IR 87", "ISO_IR 166"] {
            assert_eq!(encode(declared, Vr::PN, "张^伟"), None, "{declared}");
        }
        assert_eq!(encode("GBK", Vr::LO, "\u{20087}"), None, "a character that only GB18030 has");
        assert!(encode("GB18030", Vr::LO, "\u{20087}").is_some());
        assert_eq!(encode("ISO_IR 192", Vr::CS, "é"), None, "codes are ASCII");
        assert_eq!(encode("ISO_IR 192", Vr::LT, "é").as_deref(), Some("é".as_bytes()));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_in_every_set(
            text in "[A-Z^=\\\\ éü张伟小东王山田やﾔ洪홍Люκ§]{0,12}",
            declared in prop::sample::select(vec![
                "ISO_IR 100", "ISO_IR 192", "GB18030", "GBK", "\\ISO 2022 IR 58", "\\ISO 2022 IR 149",
                "\\ISO 2022 IR 87\\ISO 2022 IR 58", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 149",
                "ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 144\\ISO 2022 IR 87", "ISO 2022 IR 58",
            ]),
        ) {
            for vr in [Vr::PN, Vr::LO] {
                if let Some(bytes) = encode(declared, vr, &text) {
                    let decoded = decode(declared, vr, &bytes);
                    prop_assert_eq!(&decoded.text, &text, "{} {:?}", declared, vr);
                    prop_assert_eq!(decoded.note, None);
                }
            }
        }

        #[test]
        fn any_bytes_under_any_declaration_become_some_text(declared in "[A-Z0-9_ \\\\]{0,32}", bytes: Vec<u8>) {
            let sets = CharacterSets::declared(Some(declared.as_bytes()));
            for vr in [Vr::PN, Vr::LT, Vr::CS] {
                let _ = sets.decode(vr, &bytes);
            }
        }

        #[test]
        fn utf8_reads_back(text in "\\PC*") {
            let decoded = CharacterSets::utf8().decode(Vr::LT, text.as_bytes());
            prop_assert_eq!(decoded.text, text);
        }
    }
}

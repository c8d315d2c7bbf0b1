//! The DICOM JSON model (PS3.18 Annex F), written from a data set that the scanner kept, and read from what a client sends.
//!
//! The document is made once, at ingest, before anyone knows under which address it will be served. So bulk
//! data addresses begin with a placeholder, the control character U+0001, which JSON text cannot contain
//! unescaped; [`with_base`] puts the real base in.

mod read;

pub use read::{Document, JsonError, Pointer, documents, read};

use crate::charset::CharacterSets;
use crate::data_set::{DataSet, Element, Value, trim_padding};
use crate::person_name::PersonName;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Stands for the base address of bulk data in a [`Rendered::template`].
pub const BASE_PLACEHOLDER: u8 = 1;

/// Longest binary value written into the document, bytes. A colour look-up table of 256 entries fits; what is
/// longer is fetched by its address.
pub const INLINE_BYTES_MAX: usize = 1_024;

/// A data set as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// One JSON object, with placeholders for the base address.
    pub template: Vec<u8>,
    /// What the addresses in it stand for.
    pub bulk: Vec<BulkRef>,
}

/// A value that is served by its own address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRef {
    /// Tags in hexadecimal and item indexes (from 0), separated by `/`: `7FE00010`, `00880200/0/7FE00010`.
    pub path: String,
    /// Where the value begins, bytes from the start of the (inflated) data set.
    pub offset: u64,
    /// Bytes of the value as sent.
    pub length: u64,
    /// The value representation, which tells the unit of byte order.
    pub vr: Vr,
    /// Whether the value is a series of fragments.
    pub encapsulated: bool,
}

/// Writes a data set. Group lengths and file meta elements are left out (PS3.18 §F.2.2).
#[must_use]
pub fn render(set: &DataSet) -> Rendered {
    render_in(set, &set.character_sets())
}

/// The same, with texts read in these character sets and not in those that the data set declares.
#[must_use]
pub fn render_in(set: &DataSet, sets: &CharacterSets) -> Rendered {
    let mut writer = Writer { out: Vec::with_capacity(8 << 10), bulk: Vec::new() };
    writer.data_set(set, sets, "");
    Rendered { template: writer.out, bulk: writer.bulk }
}

/// Puts the base address into a template, e.g. `https://host/dicom-web/studies/1.2/series/1.3/instances/1.4`.
/// The base must not contain characters that JSON escapes.
#[must_use]
pub fn with_base(template: &[u8], base: &str) -> Vec<u8> {
    let pieces = template.split(|byte| *byte == BASE_PLACEHOLDER);
    let mut document = Vec::with_capacity(template.len() + 4 * base.len());
    for (index, piece) in pieces.enumerate() {
        if index > 0 {
            document.extend_from_slice(base.as_bytes());
        }
        document.extend_from_slice(piece);
    }
    document
}

/// Writes one value as the JSON model has it: what searches return for attributes that are not in a data set
/// (counts, derived attributes). `text` has backslashes between values.
#[must_use]
pub fn attribute(vr: Vr, text: &str) -> serde_json::Value {
    let mut writer = Writer { out: Vec::new(), bulk: Vec::new() };
    writer.out.push(b'{');
    writer.vr(vr);
    writer.texts(vr, text);
    writer.out.push(b'}');
    serde_json::from_slice(&writer.out).unwrap_or_default()
}

/// The binary value that a document holds itself (PS3.18 §F.2.7) at a path such as `00880200/0/00281201`; `None` when
/// there is none.
#[must_use]
pub fn inline_value(document: &[u8], path: &str) -> Option<Vec<u8>> {
    let document: serde_json::Value = serde_json::from_slice(document).ok()?;
    let mut steps = path.split('/');
    let mut element = document.get(steps.next()?)?;
    while let Some(index) = steps.next() {
        let item = element.get("Value")?.get(index.parse::<usize>().ok()?)?;
        element = item.get(steps.next()?)?;
    }
    STANDARD.decode(element.get("InlineBinary")?.as_str()?).ok()
}

struct Writer {
    out: Vec<u8>,
    bulk: Vec<BulkRef>,
}

impl Writer {
    fn data_set(&mut self, set: &DataSet, sets: &CharacterSets, path: &str) {
        self.out.push(b'{');
        let mut first = true;
        let mut seen = None;
        for element in set.elements() {
            let tag = element.tag;
            let left_out = tag.is_group_length()
                || matches!(tag.group(), 0 | 2)
                || tag == tags::DATA_SET_TRAILING_PADDING;
            if left_out || seen == Some(tag) {
                continue;
            }
            seen = Some(tag);
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.raw(format_args!("\"{}\":{{", tag.to_hex()));
            self.element(element, sets, path);
            self.out.push(b'}');
        }
        self.out.push(b'}');
    }

    fn element(&mut self, element: &Element, sets: &CharacterSets, path: &str) {
        self.vr(element.vr);
        match &element.value {
            Value::Items(items) => {
                self.out.extend_from_slice(b",\"Value\":[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    // An item may declare its own character sets, else it has those of what holds it.
                    let own = item.get(tags::SPECIFIC_CHARACTER_SET).map(|_| item.character_sets());
                    let inner = join(path, element.tag, Some(index));
                    self.data_set(item, own.as_ref().unwrap_or(sets), &inner);
                }
                self.out.push(b']');
            }
            Value::Extent { length, encapsulated } => self.address(element, *length, *encapsulated, path),
            Value::Bytes(bytes) if bytes.is_empty() => {}
            Value::Bytes(bytes) if element.vr.is_binary() => {
                if bytes.len() > INLINE_BYTES_MAX && element.offset > 0 {
                    self.address(element, bytes.len() as u64, false, path);
                } else {
                    self.raw(format_args!(",\"InlineBinary\":\"{}\"", STANDARD.encode(bytes)));
                }
            }
            Value::Bytes(bytes) if element.vr.is_text() => {
                self.texts(element.vr, &sets.decode(element.vr, bytes).text);
            }
            Value::Bytes(bytes) => self.numbers(element.vr, bytes),
        }
    }

    fn vr(&mut self, vr: Vr) {
        self.raw(format_args!("\"vr\":\"{vr}\""));
    }

    fn address(&mut self, element: &Element, length: u64, encapsulated: bool, path: &str) {
        let path = join(path, element.tag, None);
        self.out.extend_from_slice(b",\"BulkDataURI\":\"");
        self.out.push(BASE_PLACEHOLDER);
        self.raw(format_args!("/bulk/{path}\""));
        self.bulk.push(BulkRef { path, offset: element.offset, length, vr: element.vr, encapsulated });
    }

    fn texts(&mut self, vr: Vr, text: &str) {
        let single = [text];
        let many: Vec<&str>;
        let values: &[&str] = if vr.is_single_text() {
            &single
        } else {
            many = text.split('\\').collect();
            &many
        };
        // Leading blanks mean something in texts only; trailing padding never does (PS3.5 §6.2).
        let trimmed = |value: &str| {
            let end = value.trim_end_matches([' ', '\0']).to_owned();
            if matches!(vr, Vr::LT | Vr::ST | Vr::UT) { end } else { trim_padding(&end).to_owned() }
        };
        let values: Vec<String> = values.iter().map(|value| trimmed(value)).collect();
        if values.iter().all(String::is_empty) {
            return;
        }
        self.out.extend_from_slice(b",\"Value\":[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.text(vr, value);
        }
        self.out.push(b']');
    }

    fn text(&mut self, vr: Vr, value: &str) {
        if value.is_empty() {
            return self.out.extend_from_slice(b"null");
        }
        match vr {
            Vr::PN => {
                let name = PersonName::parse(value);
                self.out.push(b'{');
                let groups = [
                    ("Alphabetic", &name.alphabetic),
                    ("Ideographic", &name.ideographic),
                    ("Phonetic", &name.phonetic),
                ];
                let mut first = true;
                for (key, group) in groups.into_iter().filter(|(_, group)| !group.is_empty()) {
                    if !first {
                        self.out.push(b',');
                    }
                    first = false;
                    self.raw(format_args!("\"{key}\":"));
                    self.string(group);
                }
                self.out.push(b'}');
            }
            Vr::IS => match value.parse::<i64>() {
                Ok(number) => self.raw(number),
                Err(_) => self.string(value),
            },
            Vr::DS => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => self.float(number),
                _ => self.string(value),
            },
            _ => self.string(value),
        }
    }

    fn numbers(&mut self, vr: Vr, bytes: &[u8]) {
        let words = bytes.chunks_exact(if vr == Vr::AT { 4 } else { vr.word_bytes().max(1) });
        self.out.extend_from_slice(b",\"Value\":[");
        for (index, word) in words.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.number(vr, word);
        }
        self.out.push(b']');
    }

    fn number(&mut self, vr: Vr, word: &[u8]) {
        match (vr, word) {
            (Vr::US, &[a, b]) => self.raw(u16::from_le_bytes([a, b])),
            (Vr::SS, &[a, b]) => self.raw(i16::from_le_bytes([a, b])),
            (Vr::AT, &[a, b, c, d]) => {
                let tag = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                self.raw(format_args!("\"{}\"", tag.to_hex()));
            }
            (Vr::UL, &[a, b, c, d]) => self.raw(u32::from_le_bytes([a, b, c, d])),
            (Vr::SL, &[a, b, c, d]) => self.raw(i32::from_le_bytes([a, b, c, d])),
            (Vr::FL, &[a, b, c, d]) => self.float(f64::from(f32::from_le_bytes([a, b, c, d]))),
            (Vr::FD, word) => {
                self.float(word.first_chunk().map_or(f64::NAN, |eight| f64::from_le_bytes(*eight)));
            }
            (Vr::UV, word) => self.raw(word.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))),
            (Vr::SV, word) => self.raw(word.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight))),
            _ => self.out.extend_from_slice(b"null"),
        }
    }

    /// JSON has no form for infinities and NaN; they are written as text.
    fn float(&mut self, number: f64) {
        if number.is_finite() {
            self.json(&number);
        } else {
            self.raw(format_args!("\"{number}\""));
        }
    }

    fn string(&mut self, text: &str) {
        self.json(text);
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Writing strings and finite numbers into memory cannot fail.
        if serde_json::to_writer(&mut self.out, value).is_err() {
            self.out.extend_from_slice(b"null");
        }
    }

    /// Writes what is known to be plain JSON.
    fn raw(&mut self, text: impl Display) {
        use std::io::Write;
        if write!(self.out, "{text}").is_err() {
            self.out.clear();
        }
    }
}

/// The document without its binary values, inline or by address, however deep they stand; nothing where it cannot be read.
#[must_use]
pub fn without_binaries(document: &[u8]) -> Option<Vec<u8>> {
    let mut document: serde_json::Value = serde_json::from_slice(document).ok()?;
    drop_binaries(&mut document);
    serde_json::to_vec(&document).ok()
}

// === helpers ===

fn drop_binaries(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            members.retain(|_, member| {
                member.get("InlineBinary").is_none() && member.get("BulkDataURI").is_none()
            });
            members.values_mut().for_each(drop_binaries);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(drop_binaries),
        _ => {}
    }
}

fn join(path: &str, tag: Tag, index: Option<usize>) -> String {
    let mut joined = String::with_capacity(path.len() + 16);
    if !path.is_empty() {
        joined.push_str(path);
        joined.push('/');
    }
    joined.push_str(&tag.to_hex());
    if let Some(index) = index {
        joined.push_str(&format!("/{index}"));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_binaries_nothing_of_pixels_is_left_at_any_depth() {
        let document = br#"{
            "00080016": {"vr": "UI", "Value": ["1.2"]},
            "00880200": {"vr": "SQ", "Value": [{"7FE00010": {"vr": "OB", "InlineBinary": "AAAA"}, "00280010": {"vr": "US", "Value": [1]}}]},
            "60003000": {"vr": "OW", "InlineBinary": "AAAA"},
            "7FE00010": {"vr": "OW", "BulkDataURI": "https://a/bulk/7FE00010"}
        }"#;
        let left: serde_json::Value = serde_json::from_slice(&without_binaries(document).unwrap()).unwrap();
        let kept = serde_json::json!({
            "00080016": {"vr": "UI", "Value": ["1.2"]},
            "00880200": {"vr": "SQ", "Value": [{"00280010": {"vr": "US", "Value": [1]}}]},
        });
        assert_eq!(left, kept);
        assert_eq!(without_binaries(b"{"), None);
    }
    use serde_json::json;

    fn rendered(set: &DataSet) -> serde_json::Value {
        serde_json::from_slice(&with_base(&render(set).template, "http://h/i")).unwrap()
    }

    #[test]
    fn values_are_written_as_annex_f_says() {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^XiaoDong^=王^小东=");
        set.put_text(tags::IMAGE_TYPE, Vr::CS, "ORIGINAL\\\\AXIAL");
        set.put_text(tags::SERIES_NUMBER, Vr::IS, "+04 ");
        set.put_text(tags::PIXEL_SPACING, Vr::DS, "0.50\\.25");
        set.put_text(tags::STUDY_ID, Vr::SH, "");
        set.put_u16(tags::ROWS, 512);
        set.put(Tag(0x0028, 0x0009), Vr::AT, Value::Bytes(vec![0x18, 0, 0x63, 0x10]));
        set.put(Tag(0x0018, 0x9073), Vr::FD, Value::Bytes(f64::NAN.to_le_bytes().to_vec()));
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![DataSet::new()]);
        set.put_text(Tag(0x0008, 0x0000), Vr::UL, "\x01\x02\x03\x04");
        assert_eq!(
            rendered(&set),
            json!({
                "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
                "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]},
                "00189073": {"vr": "FD", "Value": ["NaN"]},
                "00200010": {"vr": "SH"},
                "00200011": {"vr": "IS", "Value": [4]},
                "00280009": {"vr": "AT", "Value": ["00181063"]},
                "00280010": {"vr": "US", "Value": [512]},
                "00280030": {"vr": "DS", "Value": [0.5, 0.25]},
                "00400275": {"vr": "SQ", "Value": [{}]},
            })
        );
    }

    #[test]
    fn long_binary_values_get_an_address_and_their_place() {
        let mut icon = DataSet::new();
        let extent = Value::Extent { length: 4_096, encapsulated: false };
        icon.push(Element { tag: tags::PIXEL_DATA, vr: Vr::OW, offset: 99, value: extent });
        let mut set = DataSet::new();
        set.put_items(Tag(0x0088, 0x0200), vec![DataSet::new(), icon]);
        set.put_bytes(Tag(0x0028, 0x1201), Vr::OW, vec![0; 4]);
        let json = rendered(&set);
        assert_eq!(
            json["00880200"]["Value"][1]["7FE00010"]["BulkDataURI"],
            "http://h/i/bulk/00880200/1/7FE00010"
        );
        assert_eq!(json["00281201"]["InlineBinary"], "AAAAAA==");
        let bulk = render(&set).bulk;
        assert_eq!((bulk[0].offset, bulk[0].length), (99, 4_096));
    }

    #[test]
    fn a_short_binary_value_is_found_by_its_path_too() {
        let mut item = DataSet::new();
        item.put_bytes(Tag(0x0028, 0x1201), Vr::OW, vec![1, 2, 3, 4]);
        let mut set = DataSet::new();
        set.put_items(Tag(0x0088, 0x0200), vec![DataSet::new(), item]);
        set.put_u16(tags::ROWS, 512);
        let document = with_base(&render(&set).template, "");
        assert_eq!(inline_value(&document, "00880200/1/00281201"), Some(vec![1, 2, 3, 4]));
        for path in
            ["", "/", "00880200", "00880200/1", "00880200/0/00281201", "00880200/x/00281201", "00280010"]
        {
            assert_eq!(inline_value(&document, path), None, "{path}");
        }
    }

    #[test]
    fn a_placeholder_inside_a_value_cannot_be_forged() {
        let mut set = DataSet::new();
        set.put_text(tags::STUDY_DESCRIPTION, Vr::LO, "a\u{1}b\"c");
        let template = render(&set).template;
        assert!(!template.contains(&BASE_PLACEHOLDER));
        assert_eq!(rendered(&set)["00081030"]["Value"][0], "a\u{1}b\"c");
    }

    #[test]
    fn an_item_with_its_own_character_set_is_read_in_it() {
        let mut item = DataSet::new();
        item.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "GB18030");
        item.put_bytes(tags::CODE_MEANING, Vr::LO, b"\xcd\xf5".to_vec());
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![item]);
        assert_eq!(rendered(&set)["0040A043"]["Value"][0]["00080104"]["Value"][0], "王");
    }
}

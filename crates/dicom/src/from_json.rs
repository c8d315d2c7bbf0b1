//! From one object of the DICOM JSON model (PS3.18 annex F) to a data set whose texts are UTF-8. The reverse of
//! [`crate::json`], for what was made there: bulk data that has an address only becomes a value of length zero.

use crate::data_set::{DataSet, Value as Kept};
use crate::dictionary;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Deepest nesting of sequences that is read; what is deeper is left out. As [`crate::limits::Limits::default`].
const DEPTH_MAX: usize = 32;

/// Reads a data set. What is no attribute is left out.
#[must_use]
pub fn data_set(object: &Map<String, Value>) -> DataSet {
    read(object, DEPTH_MAX)
}

fn read(object: &Map<String, Value>, depth: usize) -> DataSet {
    let mut set = DataSet::new();
    for (name, attribute) in object {
        let Ok(tag) = Tag::from_hex(name) else { continue };
        let letters =
            attribute.get("vr").and_then(Value::as_str).and_then(|vr| vr.as_bytes().try_into().ok());
        let vr = letters.and_then(Vr::from_letters).or_else(|| dictionary::vr_of(tag)).unwrap_or(Vr::UN);
        let values = attribute.get("Value").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if vr == Vr::SQ {
            let items = values.iter().filter_map(Value::as_object).filter(|_| depth > 0);
            set.put_items(tag, items.map(|item| read(item, depth - 1)).collect());
        } else if vr.is_text() {
            let texts: Vec<String> = values.iter().map(|value| text(vr, value)).collect();
            set.put_text(tag, vr, &texts.join("\\"));
        } else if vr.is_binary() {
            let inline = attribute.get("InlineBinary").and_then(Value::as_str).unwrap_or_default();
            set.put_bytes(tag, vr, STANDARD.decode(inline).unwrap_or_default());
        } else {
            set.put(tag, vr, Kept::Bytes(values.iter().flat_map(|value| number(vr, value)).collect()));
        }
    }
    if set.get(tags::SPECIFIC_CHARACTER_SET).is_some() {
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    }
    set
}

// === helpers ===

fn text(vr: Vr, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(name) if vr == Vr::PN => {
            let group = |key: &str| name.get(key).and_then(Value::as_str).unwrap_or_default();
            let groups = ["Alphabetic", "Ideographic", "Phonetic"].map(group);
            groups.join("=").trim_end_matches('=').to_owned()
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The bytes of one number; none for what is no number that fits.
fn number(vr: Vr, value: &Value) -> Vec<u8> {
    let whole = value.as_i64();
    let bytes = match vr {
        Vr::US => whole.and_then(|n| u16::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        Vr::SS => whole.and_then(|n| i16::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        Vr::UL => whole.and_then(|n| u32::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        Vr::SL => whole.and_then(|n| i32::try_from(n).ok()).map(|n| n.to_le_bytes().to_vec()),
        Vr::SV => whole.map(|n| n.to_le_bytes().to_vec()),
        Vr::UV => value.as_u64().map(|n| n.to_le_bytes().to_vec()),
        #[allow(clippy::cast_possible_truncation, reason = "a single was written from a single")]
        Vr::FL => float(value).map(|n| (n as f32).to_le_bytes().to_vec()),
        Vr::FD => float(value).map(|n| n.to_le_bytes().to_vec()),
        Vr::AT => value
            .as_str()
            .and_then(|hex| Tag::from_hex(hex).ok())
            .map(|Tag(group, element)| [group.to_le_bytes(), element.to_le_bytes()].concat()),
        _ => None,
    };
    bytes.unwrap_or_default()
}

/// Infinities and NaN are written as text.
fn float(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::limits::Limits;
    use crate::scan::scan;
    use crate::synthetic::{Kind, Study};
    use crate::transfer_syntax::lookup;

    #[test]
    fn what_was_written_as_json_reads_back() {
        let instance = Study::new(3, Kind::Mr { slices: 1 }).instance(0);
        let read = scan(&instance.data_set, lookup(&instance.transfer_syntax), Limits::default()).unwrap();
        let document = json::with_base(&json::render(&read.data_set).template, "http://h");
        let object: Map<String, Value> = serde_json::from_slice(&document).unwrap();
        let again = data_set(&object);
        let rendered = json::with_base(&json::render(&again).template, "http://h");
        let second: Map<String, Value> = serde_json::from_slice(&rendered).unwrap();
        for (tag, value) in object.iter().filter(|(_, value)| value.get("BulkDataURI").is_none()) {
            assert_eq!(second.get(tag), Some(value), "{tag}");
        }
        assert!(again.elements().len() > 20);
    }

    #[test]
    fn names_keep_their_groups_and_empty_values_their_places() {
        let object = serde_json::json!({
            "00100010": {"vr": "PN", "Value": [{"Ideographic": "张^伟"}]},
            "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
            "00280010": {"vr": "US", "Value": [512, 70_000]},
            "00200013": {"vr": "IS", "Value": [7]},
            "nonsense": 3,
        });
        let set = data_set(object.as_object().unwrap());
        assert_eq!(set.bytes(tags::PATIENT_NAME), Some("=张^伟".as_bytes()));
        assert_eq!(set.bytes(tags::IMAGE_TYPE), Some(&b"ORIGINAL\\\\AXIAL "[..]));
        assert_eq!(set.bytes(tags::ROWS), Some(&512_u16.to_le_bytes()[..]));
        assert_eq!(set.int(tags::INSTANCE_NUMBER), Some(7));
        assert_eq!(set.elements().len(), 4);
    }

    #[test]
    fn nesting_is_bounded() {
        let mut object = serde_json::json!({"00100020": {"vr": "LO", "Value": ["x"]}});
        for _ in 0..100 {
            object = serde_json::json!({"00081140": {"vr": "SQ", "Value": [object]}});
        }
        let mut set = data_set(object.as_object().unwrap());
        let mut depth = 0;
        while let Some(item) = set.items(Tag(0x0008, 0x1140)).first() {
            set = item.clone();
            depth += 1;
        }
        assert_eq!(depth, DEPTH_MAX);
    }
}

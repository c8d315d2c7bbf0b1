//! Reading the DICOM JSON model (PS3.18 Annex F): what a client wrote becomes a data set in Unicode. Bounded like the
//! reader of binary data sets, and without a tree of the whole document in memory beside it.

use crate::data_set::{DataSet, Element, Value};
use crate::limits::Limits;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A data set that came as JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The data set, without group 0002 and Available Transfer Syntax UID, in ISO_IR 192.
    pub data_set: DataSet,
    /// The transfer syntax that it names for its bulk data: (0002,0010), else (0008,3002).
    pub transfer_syntax: Option<String>,
}

/// A value that stands elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer<'d> {
    /// The attribute.
    pub tag: Tag,
    /// Its value representation.
    pub vr: Vr,
    /// Whether the attribute stands at the top of the data set, not in an item.
    pub at_top: bool,
    /// Where the value is.
    pub uri: &'d str,
}

/// Why a document is no data set. Never shows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or not of the form of Annex F.
    #[error("a data set in JSON is an object of attributes with `vr` and a value (PS3.18 Annex F)")]
    Malformed,
    /// A member that is no tag.
    #[error("the name of an attribute is a tag of eight hexadecimal digits")]
    NotTag,
    /// An unknown or absent value representation.
    #[error("attribute {0} must have one of the value representations of PS3.5")]
    UnknownVr(Tag),
    /// A value that its representation does not have.
    #[error("attribute {0} has a value that is not one of its representation")]
    BadValue(Tag),
    /// An attribute that comes twice.
    #[error("attribute {0} comes more than once")]
    Repeated(Tag),
    /// Deeper than [`Limits::depth_max`].
    #[error("sequences are nested at most {0} levels")]
    TooDeep(usize),
    /// More than [`Limits::elements_max`].
    #[error("a data set has at most {0} elements")]
    TooManyElements(usize),
}

/// The data sets of a JSON array, each as its text.
///
/// # Errors
/// [`JsonError::Malformed`] for anything but an array.
pub fn documents(array: &[u8]) -> Result<Vec<&[u8]>, JsonError> {
    let documents: Vec<&RawValue> = serde_json::from_slice(array).map_err(|_| JsonError::Malformed)?;
    Ok(documents.into_iter().map(|document| document.get().as_bytes()).collect())
}

/// Reads one data set. `bulk` gives the bytes of a value that stands elsewhere, little-endian; an attribute for which it
/// gives none is left out.
///
/// # Errors
/// [`JsonError`]. No input makes this function panic or take much more memory than the document has bytes.
pub fn read(
    document: &[u8],
    bulk: &mut dyn FnMut(Pointer<'_>) -> Option<Vec<u8>>,
) -> Result<Document, JsonError> {
    let limits = Limits::default();
    let mut reader =
        Reader { elements_left: limits.elements_max, limits, bulk, transfer_syntax: [None, None] };
    let mut data_set = reader.data_set(document, 0)?;
    data_set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    let [of_file, available] = reader.transfer_syntax;
    Ok(Document { data_set, transfer_syntax: of_file.or(available) })
}

struct Reader<'b> {
    limits: Limits,
    elements_left: usize,
    bulk: &'b mut dyn FnMut(Pointer<'_>) -> Option<Vec<u8>>,
    transfer_syntax: [Option<String>; 2],
}

impl Reader<'_> {
    fn data_set(&mut self, document: &[u8], depth: usize) -> Result<DataSet, JsonError> {
        if depth > self.limits.depth_max {
            return Err(JsonError::TooDeep(self.limits.depth_max));
        }
        let Members(members) = serde_json::from_slice(document).map_err(|_| JsonError::Malformed)?;
        self.elements_left = self
            .elements_left
            .checked_sub(members.len())
            .ok_or(JsonError::TooManyElements(self.limits.elements_max))?;
        let mut elements = Vec::with_capacity(members.len());
        for (name, attribute) in members {
            let tag = Tag::from_hex(&name).map_err(|_| JsonError::NotTag)?;
            if let Some(element) = self.element(tag, &attribute, depth)? {
                elements.push(element);
            }
        }
        elements.sort_by_key(|element: &Element| element.tag);
        if let Some([twice, _]) = elements.array_windows().find(|[a, b]| a.tag == b.tag) {
            return Err(JsonError::Repeated(twice.tag));
        }
        Ok(elements.into_iter().collect())
    }

    /// One element; `None` for what belongs to the envelope and not into the data set.
    fn element(
        &mut self,
        tag: Tag,
        attribute: &Attribute<'_>,
        depth: usize,
    ) -> Result<Option<Element>, JsonError> {
        let letters = attribute.vr.as_deref().and_then(|vr| <[u8; 2]>::try_from(vr.as_bytes()).ok());
        let vr = letters.and_then(Vr::from_letters).ok_or(JsonError::UnknownVr(tag))?;
        let value = match (attribute.value, &attribute.inline, &attribute.uri) {
            (None, None, None) if vr == Vr::SQ => Value::Items(Vec::new()),
            (None, None, None) => Value::Bytes(Vec::new()),
            (Some(values), None, None) if vr == Vr::SQ => Value::Items(self.items(tag, values, depth)?),
            (Some(values), None, None) if !vr.is_binary() => Value::Bytes(values_of(tag, vr, values)?),
            (None, Some(inline), None) if vr.is_binary() => {
                Value::Bytes(STANDARD.decode(inline.as_bytes()).map_err(|_| JsonError::BadValue(tag))?)
            }
            (None, None, Some(uri)) if vr != Vr::SQ => {
                match (self.bulk)(Pointer { tag, vr, at_top: depth == 0, uri }) {
                    Some(bytes) => Value::Bytes(bytes),
                    None => return Ok(None),
                }
            }
            _ => return Err(JsonError::BadValue(tag)),
        };
        let of_envelope = match tag {
            tags::TRANSFER_SYNTAX_UID => self.transfer_syntax.first_mut(),
            tags::AVAILABLE_TRANSFER_SYNTAX_UID => self.transfer_syntax.last_mut(),
            _ => None,
        };
        if let (Some(known), Value::Bytes(bytes), 0) = (of_envelope, &value, depth) {
            *known = std::str::from_utf8(bytes).ok().map(|text| text.trim_end_matches('\0').to_owned());
        }
        // Everything is in Unicode, whatever the document says of its character set.
        let left_out = tag.is_group_length()
            || matches!(tag.group(), 0 | 2)
            || matches!(tag, tags::AVAILABLE_TRANSFER_SYNTAX_UID | tags::SPECIFIC_CHARACTER_SET);
        Ok((!left_out).then(|| Element { tag, vr, offset: 0, value: padded(vr, value) }))
    }

    fn items(&mut self, tag: Tag, values: &RawValue, depth: usize) -> Result<Vec<DataSet>, JsonError> {
        let items: Vec<&RawValue> =
            serde_json::from_str(values.get()).map_err(|_| JsonError::BadValue(tag))?;
        self.elements_left = self
            .elements_left
            .checked_sub(items.len())
            .ok_or(JsonError::TooManyElements(self.limits.elements_max))?;
        // An empty item may be written as null (PS3.18 §F.2.5).
        let text =
            |item: &RawValue| if item.get() == "null" { "{}".to_owned() } else { item.get().to_owned() };
        items.into_iter().map(|item| self.data_set(text(item).as_bytes(), depth + 1)).collect()
    }
}

fn padded(vr: Vr, value: Value) -> Value {
    match value {
        Value::Bytes(mut bytes) if bytes.len() % 2 == 1 => {
            bytes.push(vr.padding());
            Value::Bytes(bytes)
        }
        other => other,
    }
}

// === the form of a document ===

/// The members of an object, in their order, those of one name beside each other.
struct Members<'d>(Vec<(Cow<'d, str>, Attribute<'d>)>);

/// One attribute, its values still as they are written.
#[derive(Deserialize)]
struct Attribute<'d> {
    #[serde(borrow, default)]
    vr: Option<Cow<'d, str>>,
    #[serde(borrow, default, rename = "Value")]
    value: Option<&'d RawValue>,
    #[serde(borrow, default, rename = "InlineBinary")]
    inline: Option<Cow<'d, str>>,
    #[serde(borrow, default, rename = "BulkDataURI")]
    uri: Option<Cow<'d, str>>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of attributes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Object)
    }
}

// === values ===

/// The values of an attribute as bytes: text parted by backslashes, numbers in little-endian order.
fn values_of(tag: Tag, vr: Vr, values: &RawValue) -> Result<Vec<u8>, JsonError> {
    let mut from = serde_json::Deserializer::from_str(values.get());
    Values { vr }.deserialize(&mut from).map_err(|_| JsonError::BadValue(tag))
}

struct Values {
    vr: Vr,
}

/// One value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(Number),
    Text(String),
    Name(Name),
}

/// The component groups of a person's name.
#[derive(Deserialize)]
struct Name {
    #[serde(default, rename = "Alphabetic")]
    alphabetic: String,
    #[serde(default, rename = "Ideographic")]
    ideographic: String,
    #[serde(default, rename = "Phonetic")]
    phonetic: String,
}

impl<'de> DeserializeSeed<'de> for Values {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
        let wrong = || serde::de::Error::custom("not a value of this representation");
        let (mut bytes, mut count) = (Vec::new(), 0_usize);
        while let Some(value) = seq.next_element::<Option<Scalar>>()? {
            if self.vr.is_text() {
                if count > 0 {
                    if self.vr.is_single_text() {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        return Err(wrong());
                    }
                    bytes.push(b'\\');
                }
                let text = value.map_or(Some(String::new()), |value| text_of(self.vr, value));
                bytes.extend_from_slice(text.ok_or_else(wrong)?.as_bytes());
            } else {
                let number = value.and_then(|value| number_of(self.vr, &value)).ok_or_else(wrong)?;
                bytes.extend_from_slice(&number);
            }
            count += 1;
        }
        Ok(bytes)
    }
}

fn text_of(vr: Vr, value: Scalar) -> Option<String> {
    let text = match (vr, value) {
        (Vr::PN, Scalar::Name(name)) => {
            let groups = [name.alphabetic, name.ideographic, name.phonetic];
            if groups.iter().any(|group| group.contains('=')) {
                return None;
            }
            groups.join("=").trim_end_matches('=').to_owned()
        }
        (Vr::IS, Scalar::Number(number)) => number.as_i64()?.to_string(),
        (Vr::DS, Scalar::Number(number)) => decimal(&number)?,
        (vr, Scalar::Text(text)) if vr != Vr::PN => text,
        _ => return None,
    };
    // A backslash would make two values of one.
    (vr.is_single_text() || !text.contains('\\')).then_some(text)
}

/// A decimal string has 16 characters at most (PS3.5 §6.2).
fn decimal(number: &Number) -> Option<String> {
    const CHARACTERS_MAX: usize = 16;
    let plain = number.to_string();
    if plain.len() <= CHARACTERS_MAX {
        return Some(plain);
    }
    let value = number.as_f64()?;
    // The most digits that fit, in either notation.
    (0..CHARACTERS_MAX)
        .rev()
        .flat_map(|digits| [format!("{value:.digits$}"), format!("{value:.digits$e}")])
        .find(|text| text.len() <= CHARACTERS_MAX)
}

fn number_of(vr: Vr, value: &Scalar) -> Option<Vec<u8>> {
    let (whole, float) = match value {
        Scalar::Number(number) => {
            (number.as_i64().map(i128::from).or(number.as_u64().map(i128::from)), number.as_f64())
        }
        // Infinities and NaN have no number in JSON, and large integers are safer as text.
        Scalar::Text(text) => (text.parse().ok(), text.parse().ok()),
        Scalar::Name(_) => return None,
    };
    Some(match (vr, value) {
        (Vr::US, _) => u16::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        (Vr::SS, _) => i16::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        (Vr::UL, _) => u32::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        (Vr::SL, _) => i32::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        (Vr::UV, _) => u64::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        (Vr::SV, _) => i64::try_from(whole?).ok()?.to_le_bytes().to_vec(),
        #[allow(clippy::cast_possible_truncation, reason = "FL has the precision of 32 bits")]
        (Vr::FL, _) => (float? as f32).to_le_bytes().to_vec(),
        (Vr::FD, _) => float?.to_le_bytes().to_vec(),
        (Vr::AT, Scalar::Text(text)) => {
            let tag = Tag::from_hex(text).ok()?;
            [tag.group().to_le_bytes(), tag.element().to_le_bytes()].concat()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{render, with_base};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn nothing(_: Pointer<'_>) -> Option<Vec<u8>> {
        None
    }

    fn read_json(value: &serde_json::Value) -> Result<Document, JsonError> {
        read(value.to_string().as_bytes(), &mut nothing)
    }

    fn sample() -> DataSet {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_MEANING, Vr::LO, "头部 CT");
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^XiaoDong=王^小东");
        set.put_text(tags::IMAGE_TYPE, Vr::CS, "ORIGINAL\\\\AXIAL");
        set.put_text(tags::SERIES_NUMBER, Vr::IS, "4");
        set.put_text(tags::PIXEL_SPACING, Vr::DS, "0.5\\0.25");
        set.put_text(tags::STUDY_ID, Vr::SH, "");
        set.put_u16(tags::ROWS, 512);
        set.put(Tag(0x0028, 0x0009), Vr::AT, Value::Bytes(vec![0x18, 0, 0x63, 0x10]));
        set.put(Tag(0x0018, 0x9073), Vr::FD, Value::Bytes(1.5_f64.to_le_bytes().to_vec()));
        set.put_bytes(Tag(0x0028, 0x1201), Vr::OW, vec![1, 2, 3, 4]);
        set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![item, DataSet::new()]);
        set
    }

    #[test]
    fn what_is_written_reads_back() {
        let set = sample();
        let document = with_base(&render(&set).template, "http://h/i");
        assert_eq!(read(&document, &mut nothing).unwrap().data_set, set);
    }

    #[test]
    fn values_elsewhere_are_asked_for_and_left_out_when_nobody_has_them() {
        let document = json!({
            "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.50"]},
            "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
            "7FE00010": {"vr": "OW", "BulkDataURI": "pixels"},
            "00880200": {"vr": "SQ", "Value": [{"00281201": {"vr": "OW", "BulkDataURI": "red"}}]},
        });
        let mut asked = Vec::new();
        let read = read(document.to_string().as_bytes(), &mut |pointer| {
            asked.push((pointer.tag, pointer.at_top, pointer.uri.to_owned()));
            (pointer.uri == "red").then(|| vec![7; 3])
        });
        let Document { data_set, transfer_syntax } = read.unwrap();
        asked.sort();
        let red = Tag(0x0028, 0x1201);
        assert_eq!(asked, [(red, false, "red".to_owned()), (tags::PIXEL_DATA, true, "pixels".to_owned())]);
        assert_eq!(transfer_syntax.as_deref(), Some("1.2.840.10008.1.2.4.50"));
        assert!(
            data_set.get(tags::PIXEL_DATA).is_none() && data_set.get(tags::TRANSFER_SYNTAX_UID).is_none()
        );
        let item = &data_set.items(Tag(0x0088, 0x0200))[0];
        assert_eq!(item.bytes(red), Some(&[7, 7, 7, 0][..]), "of even length");
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        let too_deep =
            (0..40).fold(json!({}), |inner, _| json!({"0040A730": {"vr": "SQ", "Value": [inner]}}));
        for (document, error) in [
            (json!([]), JsonError::Malformed),
            (json!({"00100010": 1}), JsonError::Malformed),
            (json!({"PatientName": {"vr": "PN"}}), JsonError::NotTag),
            (json!({"00100010": {}}), JsonError::UnknownVr(tags::PATIENT_NAME)),
            (json!({"00100010": {"vr": "XX"}}), JsonError::UnknownVr(tags::PATIENT_NAME)),
            (json!({"00100010": {"vr": "PN", "Value": ["A^B"]}}), JsonError::BadValue(tags::PATIENT_NAME)),
            (
                json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A=B"}]}}),
                JsonError::BadValue(tags::PATIENT_NAME),
            ),
            (json!({"00280010": {"vr": "US", "Value": [70000]}}), JsonError::BadValue(tags::ROWS)),
            (json!({"00280010": {"vr": "US", "Value": [null]}}), JsonError::BadValue(tags::ROWS)),
            (json!({"00280010": {"vr": "US", "Value": 1}}), JsonError::BadValue(tags::ROWS)),
            (json!({"00200010": {"vr": "SH", "Value": ["a\\b"]}}), JsonError::BadValue(tags::STUDY_ID)),
            (json!({"00200010": {"vr": "SH", "InlineBinary": "AAAA"}}), JsonError::BadValue(tags::STUDY_ID)),
            (json!({"7FE00010": {"vr": "OW", "InlineBinary": "?"}}), JsonError::BadValue(tags::PIXEL_DATA)),
            (json!({"7FE00010": {"vr": "OW", "Value": [1]}}), JsonError::BadValue(tags::PIXEL_DATA)),
            (too_deep, JsonError::TooDeep(32)),
        ] {
            assert_eq!(read_json(&document).unwrap_err(), error, "{document}");
        }
        let twice = br#"{"00280010":{"vr":"US","Value":[1]},"00280010":{"vr":"US","Value":[2]}}"#;
        assert_eq!(read(twice, &mut nothing).unwrap_err(), JsonError::Repeated(tags::ROWS));
    }

    #[test]
    fn a_decimal_number_keeps_within_its_sixteen_characters() {
        for number in [
            "3.141592653589793",
            "-1234567.123456789",
            "1e-300",
            "-0.000012345678901234",
            "123456789012345678",
        ] {
            let text = decimal(&serde_json::from_str(number).unwrap()).unwrap();
            let (short, long): (f64, f64) = (text.parse().unwrap(), number.parse().unwrap());
            assert!(text.len() <= 16 && ((short - long) / long).abs() < 1e-8, "{number} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_crash(text in "\\PC{0,200}") {
            let _ = read(text.as_bytes(), &mut nothing);
            let _ = documents(text.as_bytes());
        }

        #[test]
        fn any_values_of_any_representation_are_read_or_refused(
            vr in prop::sample::select(Vr::ALL.to_vec()), value in "[0-9a-z\"\\[\\]{},:.null-]{0,40}",
        ) {
            let document = format!("{{\"00091001\":{{\"vr\":\"{vr}\",\"Value\":[{value}]}}}}");
            if let Ok(read) = read(document.as_bytes(), &mut nothing) {
                let bytes = crate::write::data_set(&read.data_set, crate::transfer_syntax::Encoding::ExplicitLe);
                prop_assert_eq!(bytes.len() % 2, 0);
            }
        }
    }
}

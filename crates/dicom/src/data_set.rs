//! A data set in memory: what the scanner kept of a received one, or what the writer is to write.
//!
//! Values are bytes in little-endian order, whatever the order on the wire was. Values that were too long to
//! keep are remembered by their place. Nothing here prints a value: a data set is personal data.

use crate::charset::CharacterSets;
use crate::tag::{Tag, tags};
use crate::vr::Vr;
use std::fmt;
use yingdun_model::Uid;

/// Data elements in the order in which they came.
#[derive(Clone, Default, PartialEq)]
pub struct DataSet {
    elements: Vec<Element>,
}

/// One data element.
#[derive(Clone, PartialEq)]
pub struct Element {
    /// The attribute.
    pub tag: Tag,
    /// How the value is to be read. For implicit data sets this comes from the dictionary.
    pub vr: Vr,
    /// Where the value begins, bytes from the start of the (inflated) data set; 0 in data sets made here.
    pub offset: u64,
    /// The value.
    pub value: Value,
}

/// The value of a data element.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// The bytes of the value, numbers in little-endian order, padding included.
    Bytes(Vec<u8>),
    /// The items of a sequence.
    Items(Vec<DataSet>),
    /// A value that was not kept: read it from the object.
    Extent {
        /// Bytes of the value field as sent, with item headers if encapsulated.
        length: u64,
        /// Whether the value is a series of fragments (PS3.5 §A.4).
        encapsulated: bool,
    },
}

impl DataSet {
    /// A data set without elements.
    #[must_use]
    pub const fn new() -> Self {
        Self { elements: Vec::new() }
    }

    /// The elements, in order.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The first element with this tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.elements.iter().find(|element| element.tag == tag)
    }

    /// Adds an element at the end, as the scanner does.
    pub fn push(&mut self, element: Element) {
        self.elements.push(element);
    }

    /// Sets an element where the order of tags wants it, replacing one of the same tag.
    pub fn put(&mut self, tag: Tag, vr: Vr, value: Value) {
        let element = Element { tag, vr, offset: 0, value };
        let at = self.elements.partition_point(|other| other.tag < tag);
        match self.elements.get_mut(at) {
            Some(same) if same.tag == tag => *same = element,
            _ => self.elements.insert(at, element),
        }
    }

    /// Sets a text, padded to even length. Several values are separated by backslashes.
    pub fn put_text(&mut self, tag: Tag, vr: Vr, text: &str) {
        self.put_bytes(tag, vr, text.as_bytes().to_vec());
    }

    /// Sets raw bytes (text in another character set, little-endian numbers), padded to even length.
    pub fn put_bytes(&mut self, tag: Tag, vr: Vr, mut bytes: Vec<u8>) {
        if bytes.len() % 2 == 1 {
            bytes.push(vr.padding());
        }
        self.put(tag, vr, Value::Bytes(bytes));
    }

    /// Sets one unsigned 16-bit number (VR US).
    pub fn put_u16(&mut self, tag: Tag, number: u16) {
        self.put(tag, Vr::US, Value::Bytes(number.to_le_bytes().to_vec()));
    }

    /// Sets the items of a sequence.
    pub fn put_items(&mut self, tag: Tag, items: Vec<DataSet>) {
        self.put(tag, Vr::SQ, Value::Items(items));
    }

    /// The kept bytes of a value, padding included.
    #[must_use]
    pub fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        match &self.get(tag)?.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Items(_) | Value::Extent { .. } => None,
        }
    }

    /// The items of a sequence; none if it is absent or not a sequence.
    #[must_use]
    pub fn items(&self, tag: Tag) -> &[DataSet] {
        match self.get(tag).map(|element| &element.value) {
            Some(Value::Items(items)) => items,
            Some(Value::Bytes(_) | Value::Extent { .. }) | None => &[],
        }
    }

    /// The decoded text of a value without padding, backslashes between several values. `None` if absent.
    #[must_use]
    pub fn text(&self, tag: Tag, sets: &CharacterSets) -> Option<String> {
        let element = self.get(tag)?;
        let Value::Bytes(bytes) = &element.value else { return None };
        Some(trim_padding(&sets.decode(element.vr, bytes).text).to_owned())
    }

    /// The first value of a multi-valued text; `None` if absent or empty.
    #[must_use]
    pub fn first_text(&self, tag: Tag, sets: &CharacterSets) -> Option<String> {
        let text = self.text(tag, sets)?;
        let first = text.split('\\').next().map(trim_padding)?;
        (!first.is_empty()).then(|| first.to_owned())
    }

    /// A unique identifier; `None` if absent, empty or illegal.
    #[must_use]
    pub fn uid(&self, tag: Tag) -> Option<Uid> {
        let bytes = self.bytes(tag)?;
        let first = bytes.split(|byte| *byte == b'\\').next()?;
        Uid::new(std::str::from_utf8(first).ok()?.trim_start_matches(' ')).ok()
    }

    /// The first whole number of a value with VR US, SS, UL, SL, IS or DS.
    #[must_use]
    pub fn int(&self, tag: Tag) -> Option<i64> {
        let element = self.get(tag)?;
        let bytes = self.bytes(tag)?;
        match element.vr {
            Vr::US => bytes.first_chunk().map(|b| i64::from(u16::from_le_bytes(*b))),
            Vr::SS => bytes.first_chunk().map(|b| i64::from(i16::from_le_bytes(*b))),
            Vr::UL => bytes.first_chunk().map(|b| i64::from(u32::from_le_bytes(*b))),
            Vr::SL => bytes.first_chunk().map(|b| i64::from(i32::from_le_bytes(*b))),
            Vr::UN if bytes.len() == 2 => bytes.first_chunk().map(|b| i64::from(u16::from_le_bytes(*b))),
            _ => {
                let text = std::str::from_utf8(bytes).ok()?;
                let first = trim_padding(text.split('\\').next()?);
                first.parse().ok().or_else(|| whole(first.parse::<f64>().ok()?))
            }
        }
    }

    /// The first number of a value as `u32`; `None` if absent, negative or too large.
    #[must_use]
    pub fn u32(&self, tag: Tag) -> Option<u32> {
        u32::try_from(self.int(tag)?).ok()
    }

    /// The character sets that this data set declares.
    #[must_use]
    pub fn character_sets(&self) -> CharacterSets {
        CharacterSets::declared(self.bytes(tags::SPECIFIC_CHARACTER_SET))
    }
}

impl FromIterator<Element> for DataSet {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        Self { elements: elements.into_iter().collect() }
    }
}

impl fmt::Debug for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.elements).finish()
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.tag, self.vr, self.value)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Items(items) => f.debug_list().entries(items).finish(),
            Self::Extent { length, .. } => write!(f, "{length} bytes, not kept"),
        }
    }
}

/// Removes the padding of PS3.5 §6.2 at both ends: blanks, and the NULs that many writers use instead.
#[must_use]
pub fn trim_padding(text: &str) -> &str {
    text.trim_matches([' ', '\0'])
}

// === helpers ===

/// A whole number written with a decimal point or exponent, if it is one that fits exactly.
fn whole(number: f64) -> Option<i64> {
    // 2^53: beyond it a double does not name one whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_put_in_the_order_of_tags_and_padded() {
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_ID, Vr::LO, "123");
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3");
        set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
        set.put_u16(tags::ROWS, 512);
        assert_eq!(set.elements().len(), 3);
        assert!(set.elements().is_sorted_by_key(|element| element.tag));
        assert_eq!(set.bytes(tags::SOP_INSTANCE_UID), Some(&b"1.2.3\0"[..]));
        assert_eq!(set.uid(tags::SOP_INSTANCE_UID).unwrap().as_str(), "1.2.3");
        assert_eq!(set.int(tags::ROWS), Some(512));
    }

    #[test]
    fn numbers_in_text_are_read_when_they_are_whole() {
        let mut set = DataSet::new();
        for (text, number) in [
            ("12 ", Some(12)),
            ("+3", Some(3)),
            ("4.0", Some(4)),
            ("4.5", None),
            ("", None),
            ("1\\2", Some(1)),
        ] {
            set.put_text(tags::NUMBER_OF_FRAMES, Vr::IS, text);
            assert_eq!(set.int(tags::NUMBER_OF_FRAMES), number, "{text:?}");
        }
    }

    #[test]
    fn debug_output_shows_no_value() {
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^XiaoDong");
        assert!(!format!("{set:?}").contains("Wang"));
    }
}

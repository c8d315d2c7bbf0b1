//! Writing data sets: command sets, query identifiers, file meta information and demonstration data.
//! Received data sets are never written again: they are kept as sent.

use crate::data_set::{DataSet, Element, Value};
use crate::tag::{Tag, tags};
use crate::transfer_syntax::Encoding;
use crate::vr::Vr;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// Writes a data set. Sequences and items get defined lengths. Values that were not kept are written empty.
#[must_use]
pub fn data_set(set: &DataSet, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    write_elements(set, encoding, &mut out);
    if encoding == Encoding::DeflatedExplicitLe {
        return deflate(&out);
    }
    out
}

/// Writes a command set (PS3.7 §6.3): implicit little endian, with its group length.
#[must_use]
pub fn command_set(set: &DataSet) -> Vec<u8> {
    let mut rest = Vec::new();
    for element in set.elements().iter().filter(|element| element.tag != tags::COMMAND_GROUP_LENGTH) {
        write_element(element, Encoding::ImplicitLe, &mut rest);
    }
    let mut out = Vec::with_capacity(rest.len() + 12);
    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    let value = Value::Bytes(length);
    let group_length = Element { tag: tags::COMMAND_GROUP_LENGTH, vr: Vr::UL, offset: 0, value };
    write_element(&group_length, Encoding::ImplicitLe, &mut out);
    out.extend_from_slice(&rest);
    out
}

/// Writes the header of an element whose value follows from elsewhere, e.g. pixel data made piece by piece.
/// `length` is `None` for encapsulated pixel data, which needs a Sequence Delimitation Item at its end.
pub fn element_header(tag: Tag, vr: Vr, length: Option<u32>, encoding: Encoding, out: &mut Vec<u8>) {
    let big = encoding == Encoding::ExplicitBe;
    let length = length.unwrap_or(u32::MAX);
    let short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let long = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    out.extend_from_slice(&short(tag.group()));
    out.extend_from_slice(&short(tag.element()));
    if encoding == Encoding::ImplicitLe || tag.group() == tags::ITEM.group() {
        out.extend_from_slice(&long(length));
        return;
    }
    match u16::try_from(length) {
        Ok(length) if !vr.has_long_header() => {
            out.extend_from_slice(vr.as_str().as_bytes());
            out.extend_from_slice(&short(length));
        }
        // A value too long for its short header is written as UN (PS3.5 §6.2.2 note 5).
        _ => {
            let vr = if vr.has_long_header() { vr } else { Vr::UN };
            out.extend_from_slice(vr.as_str().as_bytes());
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&long(length));
        }
    }
}

/// Deflates a data set that is made piece by piece (PS3.5 §A.5).
pub struct Deflater {
    encoder: DeflateEncoder<Vec<u8>>,
    /// Bytes that were given out.
    given: u64,
}

impl Default for Deflater {
    fn default() -> Self {
        Self { encoder: DeflateEncoder::new(Vec::new(), Compression::fast()), given: 0 }
    }
}

impl Deflater {
    /// Takes the next bytes and gives what has become of them and those before; often that is nothing yet.
    ///
    /// # Errors
    /// None: writing into memory does not fail.
    pub fn push(&mut self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        self.encoder.write_all(plain)?;
        let out = std::mem::take(self.encoder.get_mut());
        self.given += out.len() as u64;
        Ok(out)
    }

    /// The rest, of an even number of bytes in all.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(self) -> std::io::Result<Vec<u8>> {
        let mut out = self.encoder.finish()?;
        if (self.given + out.len() as u64) % 2 == 1 {
            out.push(0);
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Deflater({} bytes given)", self.given)
    }
}

// === helpers ===

fn write_elements(set: &DataSet, encoding: Encoding, out: &mut Vec<u8>) {
    for element in set.elements() {
        write_element(element, encoding, out);
    }
}

fn write_element(element: &Element, encoding: Encoding, out: &mut Vec<u8>) {
    let header = |length: usize, out: &mut Vec<u8>| {
        let length = u32::try_from(length).unwrap_or(u32::MAX - 1);
        element_header(element.tag, element.vr, Some(length), encoding, out);
    };
    match &element.value {
        Value::Bytes(bytes) => {
            header(bytes.len(), out);
            let word_bytes = element.vr.word_bytes();
            if encoding == Encoding::ExplicitBe && word_bytes > 1 {
                for word in bytes.chunks(word_bytes) {
                    out.extend(word.iter().rev());
                }
            } else {
                out.extend_from_slice(bytes);
            }
        }
        Value::Items(items) => {
            let mut inner = Vec::new();
            for item in items {
                let mut body = Vec::new();
                write_elements(item, encoding, &mut body);
                let length = u32::try_from(body.len()).unwrap_or(u32::MAX - 1);
                element_header(tags::ITEM, Vr::UN, Some(length), encoding, &mut inner);
                inner.extend_from_slice(&body);
            }
            header(inner.len(), out);
            out.extend_from_slice(&inner);
        }
        Value::Extent { .. } => header(0, out),
    }
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut deflater = Deflater::default();
    // Writing into memory cannot fail.
    let begin = deflater.push(plain).unwrap_or_default();
    let end = deflater.finish().unwrap_or_default();
    [begin, end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::scan::scan;
    use crate::transfer_syntax::TransferSyntax;
    use proptest::prelude::*;

    fn syntax(encoding: Encoding) -> TransferSyntax {
        TransferSyntax { encoding, encapsulated: false, known: true }
    }

    fn sample(rows: u16, name: &str, depth: usize) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
        set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3.4");
        set.put_text(tags::PATIENT_NAME, Vr::PN, name);
        set.put_u16(tags::ROWS, rows);
        set.put(Tag(0x0018, 0x9073), Vr::FD, Value::Bytes(1.5_f64.to_le_bytes().to_vec()));
        if depth > 0 {
            set.put_items(tags::CONTENT_SEQUENCE, vec![sample(rows, name, depth - 1), DataSet::new()]);
        }
        set
    }

    /// Without offsets, which only read data sets have.
    fn plain(set: &DataSet) -> DataSet {
        set.elements()
            .iter()
            .map(|element| {
                let value = match &element.value {
                    Value::Items(items) => Value::Items(items.iter().map(plain).collect()),
                    other => other.clone(),
                };
                Element { offset: 0, value, ..element.clone() }
            })
            .collect()
    }

    #[test]
    fn what_is_deflated_in_pieces_is_read_as_a_whole() {
        let set = sample(512, "Doe^Jane", 3);
        let plain = data_set(&set, Encoding::ExplicitLe);
        for piece in [1, 7, 1_000] {
            let mut deflater = Deflater::default();
            let mut out: Vec<u8> =
                plain.chunks(piece).flat_map(|piece| deflater.push(piece).unwrap()).collect();
            out.extend(deflater.finish().unwrap());
            assert!(out.len().is_multiple_of(2));
            let back = scan(&out, syntax(Encoding::DeflatedExplicitLe), Limits::default()).unwrap();
            assert_eq!(super::data_set(&back.data_set, Encoding::ExplicitLe), plain);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_any_encoding_reads_back(rows: u16, name in "[A-Za-z王小^=]{0,30}", depth in 0_usize..4) {
            let set = sample(rows, &name, depth);
            for encoding in
                [Encoding::ImplicitLe, Encoding::ExplicitLe, Encoding::ExplicitBe, Encoding::DeflatedExplicitLe]
            {
                let bytes = data_set(&set, encoding);
                let read = scan(&bytes, syntax(encoding), Limits::default()).unwrap();
                prop_assert_eq!(plain(&read.data_set), set.clone(), "{:?}", encoding);
                prop_assert_eq!(read.encoding, encoding);
            }
        }
    }

    #[test]
    fn a_command_set_begins_with_its_length() {
        let mut set = DataSet::new();
        set.put_u16(tags::COMMAND_FIELD, 0x30);
        set.put_text(tags::AFFECTED_SOP_CLASS_UID, Vr::UI, "1.2.840.10008.1.1");
        let bytes = command_set(&set);
        assert_eq!(&bytes[..12], b"\0\0\0\0\x04\0\0\0\x24\0\0\0");
        let read = scan(&bytes, syntax(Encoding::ImplicitLe), Limits::message()).unwrap();
        assert_eq!(read.data_set.int(tags::COMMAND_FIELD), Some(0x30));
        assert_eq!(read.data_set.int(tags::COMMAND_GROUP_LENGTH), Some(bytes.len() as i64 - 12));
    }
}

//! Texts of a whole data set, from UTF-8 to the character set of whoever asked.

use super::CharacterSets;
use crate::data_set::{DataSet, Value};
use crate::tag::tags;
use crate::vr::Vr;

/// The defined term of the set with room for every character.
const UTF_8: &str = "ISO_IR 192";

/// The defined term of the set with room for every character that is the custom of mainland China.
const GB_18030: &str = "GB18030";

/// Writes a data set whose texts are UTF-8 in the character sets that the other side declared (the value of Specific
/// Character Set; `None` if it declared none). Where these have no room for a character, the whole data set is written
/// in GB18030 for a side that uses a Chinese set, else in UTF-8. Specific Character Set says which it is, and is left
/// out where every text is ASCII and nothing was declared (PS3.3 §C.12.1.1.2).
#[must_use]
pub fn from_utf8(set: &DataSet, declared: Option<&[u8]>) -> DataSet {
    let sets = CharacterSets::declared(declared);
    if let Some(mut written) = encoded(set, &sets) {
        if let Some(declared) = declared.filter(|declared| !declared.is_empty()) {
            written.put_bytes(tags::SPECIFIC_CHARACTER_SET, Vr::CS, declared.to_vec());
        }
        return written;
    }
    let term = if sets.is_chinese() { GB_18030 } else { UTF_8 };
    let widest = CharacterSets::declared(Some(term.as_bytes()));
    // A code with a character beyond ASCII, which no set can carry, is left out.
    let mut written = encoded(set, &widest).unwrap_or_else(|| lossy(set, &widest));
    written.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, term);
    written
}

fn encoded(set: &DataSet, sets: &CharacterSets) -> Option<DataSet> {
    let mut written = DataSet::new();
    for element in set.elements().iter().filter(|element| element.tag != tags::SPECIFIC_CHARACTER_SET) {
        match &element.value {
            Value::Bytes(bytes) if element.vr.is_text() => {
                let text = String::from_utf8_lossy(bytes);
                let text = text.trim_end_matches([' ', '\0']);
                written.put_bytes(element.tag, element.vr, sets.encode(element.vr, text)?);
            }
            Value::Items(items) => {
                let items = items.iter().map(|item| encoded(item, sets)).collect::<Option<_>>()?;
                written.put_items(element.tag, items);
            }
            other @ (Value::Bytes(_) | Value::Extent { .. }) => {
                written.put(element.tag, element.vr, other.clone());
            }
        }
    }
    Some(written)
}

fn lossy(set: &DataSet, sets: &CharacterSets) -> DataSet {
    let fitting = set.elements().iter().filter_map(|element| {
        let one: DataSet = std::iter::once(element.clone()).collect();
        encoded(&one, sets)?.elements().first().cloned()
    });
    fitting.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, Vr::PN, name);
        set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
        let mut item = DataSet::new();
        item.put_text(tags::CODE_MEANING, Vr::LO, name);
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![item]);
        set
    }

    #[test]
    fn an_answer_is_written_in_the_set_of_the_question_or_in_one_that_has_room() {
        for (declared, name, written_in) in [
            (Some("GB18030"), "Zhang^Wei=张^伟=", Some("GB18030")),
            (Some("GBK"), "Zhang^Wei=张^伟=", Some("GBK ")),
            (Some("\\ISO 2022 IR 58"), "Zhang^Wei=张^伟=", Some("\\ISO 2022 IR 58")),
            (Some("\\ISO 2022 IR 58"), "Zhang^Wei=張^偉=", Some("GB18030 ")),
            (Some("GBK"), "=\u{20087}^伟=", Some("GB18030 ")),
            (Some("ISO_IR 100"), "Buc^Jérôme", Some("ISO_IR 100")),
            (Some("ISO_IR 100"), "Zhang^Wei=张^伟=", Some("ISO_IR 192")),
            (None, "Zhang^Wei=张^伟=", Some("ISO_IR 192")),
            (None, "Zhang^Wei", None),
            (Some("NONSENSE"), "Zhang^Wei=张^伟=", Some("ISO_IR 192")),
        ] {
            let written = from_utf8(&row(name), declared.map(str::as_bytes));
            let term = written
                .bytes(tags::SPECIFIC_CHARACTER_SET)
                .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned());
            assert_eq!(term.as_deref(), written_in.map(str::trim_end), "{declared:?} {name}");
            let sets = written.character_sets();
            assert_eq!(written.text(tags::PATIENT_NAME, &sets).as_deref(), Some(name), "{declared:?}");
            let item = &written.items(tags::REQUEST_ATTRIBUTES_SEQUENCE)[0];
            assert_eq!(item.text(tags::CODE_MEANING, &sets).as_deref(), Some(name), "{declared:?}");
        }
    }

    #[test]
    fn a_code_that_no_set_can_carry_is_left_out_and_nothing_else() {
        let mut set = row("Zhang^Wei");
        set.put_text(tags::MODALITY, Vr::CS, "é");
        let written = from_utf8(&set, None);
        assert!(written.get(tags::MODALITY).is_none());
        assert_eq!(written.items(tags::REQUEST_ATTRIBUTES_SEQUENCE).len(), 1);
        assert_eq!(written.bytes(tags::PATIENT_ID), Some(&b"4711"[..]));
    }
}

//! What a peer means by a query that it writes in a way of its own, as its device record says. Pure.

use yingdun_access::DeviceHabits;
use yingdun_dicom::data_set::{DataSet, Value};
use yingdun_dicom::{Vr, tags};

/// The identifier of a query as the standard would have it.
pub(super) fn as_meant(identifier: DataSet, habits: &DeviceHabits) -> DataSet {
    let is_bare = identifier.character_sets().is_bare();
    let mut meant = if habits.star_is_universal || habits.names_begin {
        keys_as_meant(&identifier, habits)
    } else {
        identifier
    };
    if let Some(term) = habits.character_set_in.as_deref().filter(|_| is_bare) {
        meant.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, term);
    }
    meant
}

/// The character set in which a peer is answered: that of its record, or the one that it declares.
pub(super) fn answered_in<'a>(habits: &'a DeviceHabits, declared: Option<&'a [u8]>) -> Option<&'a [u8]> {
    habits.character_set_out.as_deref().map(str::as_bytes).or(declared)
}

fn keys_as_meant(set: &DataSet, habits: &DeviceHabits) -> DataSet {
    let mut meant = DataSet::new();
    for element in set.elements() {
        match &element.value {
            Value::Bytes(bytes) => {
                meant.put_bytes(element.tag, element.vr, value_as_meant(element.vr, bytes, habits));
            }
            Value::Items(items) => {
                meant.put_items(element.tag, items.iter().map(|item| keys_as_meant(item, habits)).collect());
            }
            extent @ Value::Extent { .. } => meant.put(element.tag, element.vr, extent.clone()),
        }
    }
    meant
}

fn value_as_meant(vr: Vr, bytes: &[u8], habits: &DeviceHabits) -> Vec<u8> {
    // UIDs are padded with a NUL, everything else with a blank.
    let padding = bytes.iter().rev().take_while(|byte| matches!(**byte, b' ' | 0)).count();
    let value = bytes.get(..bytes.len() - padding).unwrap_or_default();
    let is_star = !value.is_empty() && value.iter().all(|byte| *byte == b'*');
    if is_star && habits.star_is_universal {
        return Vec::new();
    }
    let is_beginning = vr == Vr::PN && !value.is_empty() && !value.iter().any(|byte| b"*?\\".contains(byte));
    if is_beginning && habits.names_begin {
        return [value, b"*"].concat();
    }
    bytes.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier() -> DataSet {
        let mut step = DataSet::new();
        step.put_text(tags::STUDY_DATE, Vr::DA, "*");
        step.put_bytes(tags::STUDY_INSTANCE_UID, Vr::UI, b"*\0".to_vec());
        let mut set = DataSet::new();
        set.put_text(tags::STUDY_DATE, Vr::DA, "*");
        set.put_text(tags::PATIENT_NAME, Vr::PN, "WANG ");
        set.put_text(tags::REFERRING_PHYSICIAN_NAME, Vr::PN, "LI*");
        set.put_text(tags::PATIENT_ID, Vr::LO, "7");
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![step]);
        set
    }

    #[test]
    fn a_peer_without_habits_means_what_it_says() {
        assert_eq!(as_meant(identifier(), &DeviceHabits::default()), identifier());
    }

    #[test]
    fn stars_and_beginnings_are_meant_at_every_depth() {
        let habits = DeviceHabits { star_is_universal: true, names_begin: true, ..DeviceHabits::default() };
        let meant = as_meant(identifier(), &habits);
        assert_eq!(meant.bytes(tags::STUDY_DATE), Some(&b""[..]));
        let step = &meant.items(tags::REQUEST_ATTRIBUTES_SEQUENCE)[0];
        assert_eq!(step.bytes(tags::STUDY_DATE), Some(&b""[..]));
        assert_eq!(step.bytes(tags::STUDY_INSTANCE_UID), Some(&b""[..]));
        assert_eq!(meant.text(tags::PATIENT_NAME, &meant.character_sets()).as_deref(), Some("WANG*"));
        assert_eq!(
            meant.bytes(tags::REFERRING_PHYSICIAN_NAME),
            identifier().bytes(tags::REFERRING_PHYSICIAN_NAME)
        );
        assert_eq!(meant.bytes(tags::PATIENT_ID), identifier().bytes(tags::PATIENT_ID));
    }

    #[test]
    fn a_character_set_is_assumed_only_where_none_is_named() {
        let habits = DeviceHabits { character_set_in: Some("GB18030".into()), ..DeviceHabits::default() };
        let term = |named: Option<&str>| {
            let mut set = identifier();
            named.into_iter().for_each(|term| set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, term));
            as_meant(set, &habits).first_text(tags::SPECIFIC_CHARACTER_SET, &Default::default()).unwrap()
        };
        assert_eq!(term(None), "GB18030");
        assert_eq!(term(Some("ISO_IR 6")), "GB18030");
        assert_eq!(term(Some("ISO_IR 192")), "ISO_IR 192");
    }

    #[test]
    fn a_peer_is_answered_in_the_set_of_its_record() {
        let habits = DeviceHabits { character_set_out: Some("GBK".into()), ..DeviceHabits::default() };
        assert_eq!(answered_in(&habits, Some(b"ISO_IR 192")), Some(&b"GBK"[..]));
        assert_eq!(answered_in(&DeviceHabits::default(), Some(b"ISO_IR 192")), Some(&b"ISO_IR 192"[..]));
    }
}

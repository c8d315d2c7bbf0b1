//! Attributes of the index that only searches look at: they are kept by path, as a table says.

use super::TEXT_CHARACTERS_MAX;
use crate::charset::CharacterSets;
use crate::data_set::DataSet;
use crate::path::AttributePath;
use crate::tag::{Tag, tags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an attribute describes (PS3.3 §A.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A person.
    Patient,
    /// A study, and the patient at that time.
    Study,
    /// A series.
    Series,
}

/// The attributes, in the order of their tops: optional keys of PS3.4 Tables C.6-1 to C.6-4, and what hospitals
/// search by beside.
pub static FURTHER: &[(Entity, AttributePath)] = &[
    within(Entity::Study, tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tags::LOCAL_NAMESPACE_ENTITY_ID),
    within(Entity::Study, tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tags::UNIVERSAL_ENTITY_ID),
    within(Entity::Study, tags::PROCEDURE_CODE_SEQUENCE, tags::CODE_VALUE),
    within(Entity::Study, tags::PROCEDURE_CODE_SEQUENCE, tags::CODING_SCHEME_DESIGNATOR),
    within(Entity::Study, tags::PROCEDURE_CODE_SEQUENCE, tags::CODE_MEANING),
    top(Entity::Series, tags::INSTITUTIONAL_DEPARTMENT_NAME),
    top(Entity::Study, tags::PHYSICIANS_OF_RECORD),
    top(Entity::Series, tags::PERFORMING_PHYSICIAN_NAME),
    top(Entity::Study, tags::NAME_OF_PHYSICIANS_READING_STUDY),
    top(Entity::Series, tags::OPERATORS_NAME),
    top(Entity::Study, tags::ADMITTING_DIAGNOSES_DESCRIPTION),
    top(Entity::Patient, tags::PATIENT_BIRTH_TIME),
    top(Entity::Patient, tags::OTHER_PATIENT_IDS),
    top(Entity::Patient, tags::OTHER_PATIENT_NAMES),
    top(Entity::Study, tags::PATIENT_AGE),
    top(Entity::Study, tags::PATIENT_SIZE),
    top(Entity::Study, tags::PATIENT_WEIGHT),
    top(Entity::Patient, tags::ETHNIC_GROUP),
    top(Entity::Study, tags::OCCUPATION),
    top(Entity::Study, tags::ADDITIONAL_PATIENT_HISTORY),
    top(Entity::Patient, tags::PATIENT_COMMENTS),
    top(Entity::Series, tags::DEVICE_SERIAL_NUMBER),
    top(Entity::Series, tags::PROTOCOL_NAME),
    top(Entity::Series, tags::LATERALITY),
    top(Entity::Series, tags::PERFORMED_PROCEDURE_STEP_ID),
    top(Entity::Series, tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION),
    within(Entity::Series, tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID),
    within(Entity::Series, tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID),
];

const fn top(entity: Entity, tag: Tag) -> (Entity, AttributePath) {
    (entity, AttributePath::of(tag))
}

const fn within(entity: Entity, sequence: Tag, tag: Tag) -> (Entity, AttributePath) {
    (entity, AttributePath::within(sequence, tag))
}

/// Items of one sequence that are looked at: codes and requests come by ones and twos.
const ITEMS_MAX: usize = 8;

/// Values of such attributes, decoded, by path; an absent one has no entry. Several values are parted by backslashes; of a
/// sequence, the values of its items in their order, also empty ones, so that those of one item stand at one place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Further(BTreeMap<AttributePath, String>);

impl Further {
    /// Takes the values from a data set, in one pass.
    pub(super) fn from_data_set(set: &DataSet, sets: &CharacterSets) -> Self {
        let mut values = BTreeMap::new();
        for element in set.elements() {
            let first = FURTHER.partition_point(|(_, path)| path.top() < element.tag);
            let rows = FURTHER.iter().skip(first).take_while(|(_, path)| path.top() == element.tag);
            for (_, path) in rows {
                let text = match path.sequence {
                    None => set.text(path.tag, sets).unwrap_or_default(),
                    Some(sequence) => {
                        let items = set.items(sequence).iter().take(ITEMS_MAX);
                        let text = |item: &DataSet| item.first_text(path.tag, sets).unwrap_or_default();
                        items.map(text).collect::<Vec<_>>().join("\\")
                    }
                };
                let text: String =
                    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARACTERS_MAX).collect();
                if text.chars().any(|c| c != '\\') {
                    values.insert(*path, text);
                }
            }
        }
        Self(values)
    }

    /// The values of an attribute; empty if it is absent.
    #[must_use]
    pub fn get(&self, path: AttributePath) -> &str {
        self.0.get(&path).map_or("", String::as_str)
    }

    /// Whether there is no value at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a value of an attribute at the top, or in a sequence at the top.
    #[must_use]
    pub fn has(&self, top: Tag) -> bool {
        self.0.keys().any(|path| path.top() == top)
    }

    /// Takes over what another says of an attribute at the top, a sequence as a whole.
    pub fn take(&mut self, top: Tag, from: &Self) {
        self.0.retain(|path, _| path.top() != top);
        let taken = from.0.iter().filter(|(path, _)| path.top() == top);
        self.0.extend(taken.map(|(path, values)| (*path, values.clone())));
    }
}

impl std::fmt::Debug for Further {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Further({} attributes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vr::Vr;

    #[test]
    fn the_table_is_in_the_order_of_tops() {
        assert!(FURTHER.is_sorted_by_key(|(_, path)| path.top()));
    }

    #[test]
    fn values_are_taken_by_path_and_items_stay_in_their_places() {
        let mut set = DataSet::new();
        set.put_text(tags::OPERATORS_NAME, Vr::PN, "Li^Na\\Wu^Bo");
        set.put_text(tags::PATIENT_COMMENTS, Vr::LT, "");
        let item = |texts: &[(Tag, &str)]| {
            let mut item = DataSet::new();
            texts.iter().for_each(|(tag, text)| item.put_text(*tag, Vr::SH, text));
            item
        };
        let items = vec![
            item(&[(tags::REQUESTED_PROCEDURE_ID, "R1")]),
            item(&[(tags::REQUESTED_PROCEDURE_ID, "R2"), (tags::SCHEDULED_PROCEDURE_STEP_ID, "S2")]),
        ];
        set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, items);
        let further = Further::from_data_set(&set, &set.character_sets());
        let within = |tag| further.get(AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tag));
        assert_eq!(further.get(tags::OPERATORS_NAME.into()), "Li^Na\\Wu^Bo");
        assert_eq!(within(tags::REQUESTED_PROCEDURE_ID), "R1\\R2");
        assert_eq!(within(tags::SCHEDULED_PROCEDURE_STEP_ID), "\\S2");
        assert_eq!(further.get(tags::PATIENT_COMMENTS.into()), "");
        assert!(!format!("{further:?}").contains("Li"));
    }
}

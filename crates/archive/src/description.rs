//! What is known of a study or series from all of its instances: merged attribute by attribute, so that the order of
//! arrival does not matter and a rebuild from packs gives the same rows.
//!
//! A present value wins over an absent one; among present values, the one whose record lies first in the packs wins.
//! For that each attribute remembers the record it comes from. Attributes of two persons are never mixed: an instance
//! that names another patient than its study has says nothing of the patient and the study. Pure functions.

use crate::pseudonym::Pseudonyms;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use yingdun_dicom::Tag;
use yingdun_dicom::index::{Entity, FURTHER, Further, InstanceIndex};
use yingdun_model::{PatientRef, Personal};
use yingdun_storage::StorePosition;

/// How the patient that an instance names fits the patient under whose key its study stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It names this patient, or nobody while the study has a named patient.
    Fits,
    /// Neither the study nor the instance has a named patient.
    Unnamed,
    /// The study has no named patient; the instance names one.
    Late,
    /// It names another patient.
    Other,
}

impl Identity {
    pub(crate) fn of(pseudonyms: &Pseudonyms, patient: PatientRef, index: &InstanceIndex) -> Self {
        let (issuer, id) = (index.issuer_of_patient_id.expose(), index.patient_id.expose());
        let nobody = || pseudonyms.patient("", "", &index.study);
        if id.is_empty() {
            if patient == nobody() { Self::Unnamed } else { Self::Fits }
        } else if patient == pseudonyms.identified_patient(issuer, id) {
            Self::Fits
        } else if patient == nobody() {
            Self::Late
        } else {
            Self::Other
        }
    }

    /// Whether a person has to look at it: the study does not stand under the patient that the instance names.
    pub(crate) const fn is_conflict(self) -> bool {
        matches!(self, Self::Late | Self::Other)
    }
}

/// What the row of a study says.
pub(crate) const OF_STUDY: &[Entity] = &[Entity::Patient, Entity::Study];
/// What the row of a series says; its study says the rest.
pub(crate) const OF_SERIES: &[Entity] = &[Entity::Series];

/// The merged attributes, as they are sealed into a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    index: InstanceIndex,
    /// The first record, from which every attribute comes that is not among the others.
    first: StorePosition,
    /// Where the attributes come from that the first record does not have.
    others: BTreeMap<String, StorePosition>,
}

impl Description {
    /// What one instance says of these entities.
    pub(crate) fn new(of: &[Entity], index: &InstanceIndex, at: StorePosition, identity: Identity) -> Self {
        let mut bare = index.clone();
        for attribute in PATIENT.iter().chain(&STUDY).chain(&SERIES).chain(&INSTANCE) {
            (attribute.clear)(&mut bare);
        }
        bare.further = Further::default();
        let mut description = Self { index: bare, first: at, others: BTreeMap::new() };
        description.add(of, index, at, identity);
        description
    }

    pub(crate) const fn index(&self) -> &InstanceIndex {
        &self.index
    }

    pub(crate) fn into_index(self) -> InstanceIndex {
        self.index
    }

    /// Adds what an instance says of these entities whose record lies at this position. Tells whether anything is other than
    /// before.
    pub(crate) fn add(
        &mut self,
        of: &[Entity],
        index: &InstanceIndex,
        at: StorePosition,
        identity: Identity,
    ) -> bool {
        let mut changed = self.begin_at(index, at);
        for entity in of {
            changed |= match entity {
                Entity::Patient => self.take_patient(index, at, identity),
                Entity::Study if identity == Identity::Other => false,
                Entity::Study | Entity::Series => self.take(*entity, index, at),
            };
        }
        changed
    }

    fn take_patient(&mut self, index: &InstanceIndex, at: StorePosition, identity: Identity) -> bool {
        match identity {
            Identity::Fits => self.take(Entity::Patient, index, at),
            Identity::Unnamed if self.index.patient_id.is_absent() => self.take(Entity::Patient, index, at),
            // The patient of an unnamed study is that of the first instance which names one, as a whole.
            Identity::Late if self.index.patient_id.is_absent() || at < self.position("patient_id") => {
                fields(Entity::Patient).for_each(|field| self.set(field, index, at));
                true
            }
            Identity::Unnamed | Identity::Late | Identity::Other => false,
        }
    }

    /// Makes an earlier record the first one.
    fn begin_at(&mut self, index: &InstanceIndex, at: StorePosition) -> bool {
        if at >= self.first {
            return false;
        }
        for field in [Entity::Patient, Entity::Study, Entity::Series].into_iter().flat_map(fields) {
            if !field.is_absent(&self.index) {
                self.others.entry(field.name().to_owned()).or_insert(self.first);
            }
        }
        self.first = at;
        self.index.series = index.series.clone();
        self.index.sop_instance = index.sop_instance.clone();
        self.index.sop_class = index.sop_class.clone();
        true
    }

    fn take(&mut self, entity: Entity, index: &InstanceIndex, at: StorePosition) -> bool {
        let mut changed = false;
        for field in fields(entity).filter(|field| !field.is_absent(index)) {
            if field.is_absent(&self.index) || at < self.position(field.name()) {
                self.set(field, index, at);
                changed = true;
            }
        }
        changed
    }

    fn set(&mut self, field: Field, index: &InstanceIndex, at: StorePosition) {
        field.copy(index, &mut self.index);
        if at == self.first || field.is_absent(index) {
            self.others.remove(field.name());
        } else {
            self.others.insert(field.name().to_owned(), at);
        }
    }

    fn position(&self, attribute: &str) -> StorePosition {
        self.others.get(attribute).copied().unwrap_or(self.first)
    }
}

// === the attributes ===

/// What is merged as one: an attribute, or a sequence with all that is kept of it.
#[derive(Clone, Copy)]
enum Field {
    Named(&'static Attribute),
    Further(&'static FurtherAttribute),
}

impl Field {
    fn name(&self) -> &'static str {
        match self {
            Self::Named(attribute) => attribute.name,
            Self::Further(attribute) => &attribute.name,
        }
    }

    fn is_absent(&self, index: &InstanceIndex) -> bool {
        match self {
            Self::Named(attribute) => (attribute.is_absent)(index),
            Self::Further(attribute) => !index.further.has(attribute.top),
        }
    }

    fn copy(&self, from: &InstanceIndex, to: &mut InstanceIndex) {
        match self {
            Self::Named(attribute) => (attribute.copy)(from, to),
            Self::Further(attribute) => to.further.take(attribute.top, &from.further),
        }
    }
}

/// All that describes a patient, a study or a series.
fn fields(entity: Entity) -> impl Iterator<Item = Field> {
    let named: &[Attribute] = match entity {
        Entity::Patient => &PATIENT,
        Entity::Study => &STUDY,
        Entity::Series => &SERIES,
    };
    let further = FURTHER_ATTRIBUTES.iter().filter(move |attribute| attribute.entity == entity);
    named.iter().map(Field::Named).chain(further.map(Field::Further))
}

/// An attribute of [`FURTHER`], by its tag at the top.
struct FurtherAttribute {
    name: String,
    entity: Entity,
    top: Tag,
}

static FURTHER_ATTRIBUTES: LazyLock<Vec<FurtherAttribute>> = LazyLock::new(|| {
    let mut attributes: Vec<FurtherAttribute> = FURTHER
        .iter()
        .map(|(entity, path)| FurtherAttribute {
            name: path.top().to_hex(),
            entity: *entity,
            top: path.top(),
        })
        .collect();
    attributes.dedup_by_key(|attribute| attribute.top);
    attributes
});

/// One attribute of an index. Names are part of what is stored and never change.
struct Attribute {
    name: &'static str,
    is_absent: fn(&InstanceIndex) -> bool,
    copy: fn(&InstanceIndex, &mut InstanceIndex),
    clear: fn(&mut InstanceIndex),
}

macro_rules! attributes {
    ($($field:ident)+) => {
        [$(Attribute {
            name: stringify!($field),
            is_absent: |index| index.$field.is_absent(),
            copy: |from, to| to.$field.clone_from(&from.$field),
            clear: |index| index.$field = Default::default(),
        }),+]
    };
}

/// Whose it is.
static PATIENT: [Attribute; 5] =
    attributes![patient_id issuer_of_patient_id patient_name patient_birth_date patient_sex];

static STUDY: [Attribute; 8] = attributes![
    accession_number study_id referring_physician_name study_description study_date study_time timezone_offset
    institution_name
];

/// The time zone is said of both: a study and each of its series have their own.
static SERIES: [Attribute; 12] = attributes![
    timezone_offset series_description station_name series_date series_time modality body_part manufacturer manufacturer_model_name
    performed_procedure_step_start_date performed_procedure_step_start_time series_number
];

/// What is said of an instance only; a study or series has none of it.
static INSTANCE: [Attribute; 6] =
    attributes![instance_number rows columns bits_allocated number_of_frames recovered_text];

trait Absent {
    fn is_absent(&self) -> bool;
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for Personal<String> {
    fn is_absent(&self) -> bool {
        self.expose().is_empty()
    }
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for bool {
    fn is_absent(&self) -> bool {
        !self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_crypto::{SealingKey, TokenKey};
    use yingdun_dicom::data_set::DataSet;
    use yingdun_dicom::{Vr, tags};
    use yingdun_model::StoreNumber;

    /// What one instance says of the attributes that tests look at; empty is absent.
    #[derive(Clone, Debug)]
    pub(crate) struct Says {
        pub(crate) patient_id: &'static str,
        pub(crate) name: &'static str,
        pub(crate) accession_number: &'static str,
        pub(crate) date: &'static str,
        pub(crate) modality: &'static str,
        /// Of the operator; also of the other names of the patient.
        pub(crate) operator: &'static str,
        pub(crate) series: u8,
    }

    pub(crate) fn index(instance: usize, says: &Says) -> InstanceIndex {
        let mut set = DataSet::new();
        for (tag, vr, text) in [
            (tags::SOP_CLASS_UID, Vr::UI, "1.2.840.10008.5.1.4.1.1.2".to_owned()),
            (tags::SOP_INSTANCE_UID, Vr::UI, format!("1.2.3.{instance}")),
            (tags::STUDY_DATE, Vr::DA, says.date.to_owned()),
            (tags::ACCESSION_NUMBER, Vr::SH, says.accession_number.to_owned()),
            (tags::MODALITY, Vr::CS, says.modality.to_owned()),
            (tags::PATIENT_NAME, Vr::PN, says.name.to_owned()),
            (tags::PATIENT_ID, Vr::LO, says.patient_id.to_owned()),
            (tags::OPERATORS_NAME, Vr::PN, says.operator.to_owned()),
            (tags::OTHER_PATIENT_NAMES, Vr::PN, says.operator.to_owned()),
            (tags::STUDY_INSTANCE_UID, Vr::UI, "1.2.9".to_owned()),
            (tags::SERIES_INSTANCE_UID, Vr::UI, format!("1.2.9.{}", says.series)),
        ] {
            set.put_text(tag, vr, &text);
        }
        InstanceIndex::from_data_set(&set).unwrap()
    }

    pub(crate) fn says() -> impl Strategy<Value = Says> {
        let one_of = |words: &'static [&'static str]| prop::sample::select(words);
        (
            one_of(&["", "A", "A", "B", "C"]),
            one_of(&["", "", "Wang", "Li"]),
            one_of(&["", "1", "2"]),
            one_of(&["", "20240131", "20240201"]),
            one_of(&["", "CT", "MR"]),
            one_of(&["", "Zhao", "Qian"]),
            0_u8..3,
        )
            .prop_map(|(patient_id, name, accession_number, date, modality, operator, series)| {
                Says { patient_id, name, accession_number, date, modality, operator, series }
            })
    }

    /// Places of two stores, in this order.
    pub(crate) fn at(place: usize) -> StorePosition {
        let store = if place < 5 { StoreNumber::FIRST } else { StoreNumber::new(2).unwrap() };
        StorePosition { store, pack: 1 + place as u64 / 3, offset: place as u64 % 3 }
    }

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(TokenKey::from(&SealingKey::generate()))
    }

    /// The description of a study of this patient from instances by their places, in this order of arrival.
    fn describe(patient: &str, says: &[Says], order: &[usize]) -> Description {
        let pseudonyms = pseudonyms();
        let mut description: Option<Description> = None;
        for place in order {
            let index = index(*place, &says[*place]);
            let patient = pseudonyms.patient("", patient, &index.study);
            let identity = Identity::of(&pseudonyms, patient, &index);
            match &mut description {
                None => description = Some(Description::new(OF_STUDY, &index, at(*place), identity)),
                Some(description) => {
                    let before = description.clone();
                    let changed = description.add(OF_STUDY, &index, at(*place), identity);
                    assert_eq!(changed, before != *description);
                    assert!(!description.add(OF_STUDY, &index, at(*place), identity), "twice is once");
                }
            }
        }
        description.unwrap()
    }

    fn instances_in_two_orders() -> impl Strategy<Value = (Vec<Says>, Vec<usize>)> {
        prop::collection::vec(says(), 1..9).prop_flat_map(|says| {
            let order: Vec<usize> = (0..says.len()).collect();
            (Just(says), Just(order).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            (says, order) in instances_in_two_orders(),
            patient in prop::sample::select(&["", "A"][..]),
        ) {
            let in_order: Vec<usize> = (0..says.len()).collect();
            prop_assert_eq!(describe(patient, &says, &in_order), describe(patient, &says, &order));
        }

        #[test]
        fn what_any_fitting_instance_says_is_not_blank_and_what_another_patient_brings_is_not_there(
            (says, order) in instances_in_two_orders(),
        ) {
            let described = describe("A", &says, &order);
            let fitting = |says: &&Says| matches!(says.patient_id, "A" | "");
            let first = |value: fn(&Says) -> &'static str| {
                says.iter().filter(fitting).map(value).find(|text| !text.is_empty()).unwrap_or_default()
            };
            let index = described.index();
            prop_assert_eq!(index.patient_id.expose(), first(|says| says.patient_id));
            prop_assert_eq!(index.patient_name.expose(), first(|says| says.name));
            prop_assert_eq!(index.accession_number.expose(), first(|says| says.accession_number));
            prop_assert_eq!(&index.study_date, first(|says| says.date));
            prop_assert_eq!(index.further.get(tags::OTHER_PATIENT_NAMES.into()), first(|says| says.operator));
        }

        #[test]
        fn the_patient_of_an_unnamed_study_is_one_instance_s_and_not_a_mixture(
            (says, order) in instances_in_two_orders(),
        ) {
            let described = describe("", &says, &order);
            if let Some(named) = says.iter().find(|says| !says.patient_id.is_empty()) {
                prop_assert_eq!(described.index().patient_id.expose(), named.patient_id);
                prop_assert_eq!(described.index().patient_name.expose(), named.name);
            }
        }
    }

    #[test]
    fn only_another_named_patient_is_a_conflict() {
        let pseudonyms = pseudonyms();
        let of = |study: &str, instance: &'static str| {
            let says = Says {
                patient_id: instance,
                name: "",
                accession_number: "",
                date: "",
                modality: "",
                operator: "",
                series: 0,
            };
            let index = index(0, &says);
            Identity::of(&pseudonyms, pseudonyms.patient("", study, &index.study), &index).is_conflict()
        };
        assert!(!of("A", "A") && !of("A", "") && !of("", ""));
        assert!(of("A", "B") && of("", "B"));
    }
}

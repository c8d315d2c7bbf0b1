//! One item of the worklist: from the DICOM JSON model to a row and its tokens, and back to what a modality is told.

use super::{WorklistEntry, WorklistError};
use crate::pseudonym::{InstitutionKeys, Pseudonyms, Searchable};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_catalog::catalogue::worklist::{WorklistFilter, WorklistRow};
use yingdun_catalog::catalogue::{Date, TimeOfDay, Token};
use yingdun_crypto::{Context, OpenError, Sealed};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::person_name::{PersonName, fold};
use yingdun_dicom::query::MatchValue;
use yingdun_dicom::{Tag, Vr, dictionary, from_json, tags};
use yingdun_model::{AeTitle, InstitutionId, PatientRef, StepRef, StepState};

/// Attributes of one item as JSON, in bytes: a thousand short texts.
const ITEM_BYTES_MAX: usize = 64 << 10;

const STEPS: Tag = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;

/// What is found by token: single values, the names of patients apart.
const TOKENS: [(Tag, Searchable); 3] = [
    (tags::PATIENT_ID, Searchable::PatientId),
    (tags::ACCESSION_NUMBER, Searchable::AccessionNumber),
    (tags::REQUESTED_PROCEDURE_ID, Searchable::RequestedProcedureId),
];

/// An item that was checked.
pub(super) struct Item {
    pub(super) row: WorklistRow,
    pub(super) tokens: BTreeSet<Token>,
    pub(super) patient: PatientRef,
}

impl Item {
    /// Checks that everything is there without which a modality cannot work (PS3.4 table K.6-1, return keys of type 1).
    pub(super) fn read(
        keys: &InstitutionKeys,
        attributes: Map<String, Value>,
    ) -> Result<Self, WorklistError> {
        if let Some(name) = attributes.keys().find(|name| Tag::from_hex(name).is_err()) {
            let shown: String = name.chars().take(16).collect();
            return Err(wrong(format!("expected attributes by eight hexadecimal digits, got `{shown}`")));
        }
        let bytes = serde_json::to_vec(&attributes).map_or(usize::MAX, |bytes| bytes.len());
        if bytes > ITEM_BYTES_MAX {
            return Err(wrong(format!("an item has at most {ITEM_BYTES_MAX} bytes, this one has {bytes}")));
        }
        let set = from_json::data_set(&attributes);
        let [step] = set.items(STEPS) else {
            return Err(wrong("Scheduled Procedure Step Sequence (00400100) must have one item".to_owned()));
        };
        let study = set.uid(tags::STUDY_INSTANCE_UID).ok_or_else(|| missing(tags::STUDY_INSTANCE_UID))?;
        let patient_id = required(&set, tags::PATIENT_ID)?;
        for tag in [tags::PATIENT_NAME, tags::REQUESTED_PROCEDURE_ID] {
            required(&set, tag)?;
        }
        let stations = required(step, tags::SCHEDULED_STATION_AE_TITLE)?;
        if stations.split('\\').any(|station| AeTitle::new(station).is_err()) {
            return Err(missing(tags::SCHEDULED_STATION_AE_TITLE));
        }
        let date = required(step, tags::SCHEDULED_PROCEDURE_STEP_START_DATE)?;
        let time = required(step, tags::SCHEDULED_PROCEDURE_STEP_START_TIME)?;
        let (start_date, start_time) = (Date::parse(&date), TimeOfDay::parse(&time));
        if start_date.is_none() {
            return Err(missing(tags::SCHEDULED_PROCEDURE_STEP_START_DATE));
        }
        if start_time.is_none() {
            return Err(missing(tags::SCHEDULED_PROCEDURE_STEP_START_TIME));
        }
        let reference = keys.pseudonyms.step(&study, &required(step, tags::SCHEDULED_PROCEDURE_STEP_ID)?);
        let issuer = text(&set, tags::ISSUER_OF_PATIENT_ID);
        let sealed = Sealed::seal(&keys.index, &context(&keys.institution, reference), &attributes);
        let sealed = sealed.map_err(|_| wrong("the item cannot be sealed".to_owned()))?.into_bytes();
        Ok(Self {
            tokens: tokens(&keys.pseudonyms, &set),
            patient: keys.pseudonyms.identified_patient(&issuer, &patient_id),
            row: WorklistRow {
                institution: keys.institution.clone(),
                reference,
                state: StepState::Scheduled,
                modality: required(step, tags::MODALITY)?,
                stations,
                start_date,
                start_time,
                sealed,
            },
        })
    }
}

/// The attributes of a row.
pub(super) fn open(
    keys: &InstitutionKeys,
    reference: StepRef,
    sealed: Vec<u8>,
) -> Result<Map<String, Value>, OpenError> {
    Sealed::from_bytes(sealed).open(&keys.index, &context(&keys.institution, reference))
}

/// An item as a modality is told it: its state with it.
pub(super) fn as_scheduled(entry: &WorklistEntry) -> DataSet {
    let mut set = from_json::data_set(&entry.attributes);
    let status = entry.state.as_str().to_ascii_uppercase();
    let mut steps = set.items(STEPS).to_vec();
    for step in &mut steps {
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_STATUS, Vr::CS, &status);
    }
    set.put_items(STEPS, steps);
    set
}

/// What the index can answer of a question; all of it is compared again with each item.
pub(super) fn filter(keys: &InstitutionKeys, state: StepState, asked: &Keys) -> WorklistFilter {
    let mut filter = WorklistFilter {
        institution: keys.institution.clone(),
        state,
        start_date: None,
        modalities: Vec::new(),
        tokens: Vec::new(),
    };
    filter.start_date = asked.value(&[STEPS], tags::SCHEDULED_PROCEDURE_STEP_START_DATE).and_then(days);
    match asked.value(&[STEPS], tags::MODALITY) {
        Some(MatchValue::Single(modality)) => filter.modalities.push(modality.clone()),
        Some(MatchValue::List(modalities)) => filter.modalities.clone_from(modalities),
        Some(
            MatchValue::Universal
            | MatchValue::Empty
            | MatchValue::All(_)
            | MatchValue::Wildcard(_)
            | MatchValue::Range { .. },
        )
        | None => {}
    }
    for (tag, what) in TOKENS {
        let alternatives = asked.value(&[], tag).and_then(|value| keys.pseudonyms.alternatives(what, value));
        filter.tokens.extend(alternatives);
    }
    let name = asked.value(&[], tags::PATIENT_NAME);
    filter.tokens.extend(name.and_then(|name| keys.pseudonyms.family_name(name)));
    filter
}

// === helpers ===

fn tokens(pseudonyms: &Pseudonyms, set: &DataSet) -> BTreeSet<Token> {
    let mut tokens = BTreeSet::new();
    for (tag, what) in TOKENS {
        tokens.extend(pseudonyms.all(what, &fold(&text(set, tag))));
    }
    for group in PersonName::parse(&text(set, tags::PATIENT_NAME)).groups() {
        tokens.extend(pseudonyms.all(Searchable::PatientName, &fold(group)));
    }
    tokens
}

/// The days that a key names.
fn days(value: &MatchValue) -> Option<RangeInclusive<Date>> {
    let bound = |text: &Option<String>, open| text.as_deref().map_or(Some(open), Date::parse);
    match value {
        MatchValue::Single(day) => Date::parse(day).map(|day| day..=day),
        MatchValue::Range { from, until } => Some(bound(from, Date::MIN)?..=bound(until, Date::MAX)?),
        MatchValue::Universal
        | MatchValue::Empty
        | MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_) => None,
    }
}

fn required(set: &DataSet, tag: Tag) -> Result<String, WorklistError> {
    Some(text(set, tag)).filter(|text| !text.is_empty()).ok_or_else(|| missing(tag))
}

fn text(set: &DataSet, tag: Tag) -> String {
    set.text(tag, &CharacterSets::utf8()).unwrap_or_default()
}

fn missing(tag: Tag) -> WorklistError {
    let keyword = dictionary::keyword_of(tag).unwrap_or_default();
    wrong(format!("expected {keyword} ({}), found none that is legal", tag.to_hex()))
}

const fn wrong(what: String) -> WorklistError {
    WorklistError::Item(what)
}

fn context(institution: &InstitutionId, reference: StepRef) -> Context {
    Context::new("yingdun/catalogue/worklist/v1").field(institution.as_str()).field(reference.as_bytes())
}

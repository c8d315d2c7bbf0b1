//! Event reports (PS3.4 table CC.2.4-1, PS3.18 §11.13): what subscribers are told, in the DICOM JSON model.

use super::attributes::{UPS_PUSH, has_value, put, values};
use super::item::{Workitem, differs};
use crate::pseudonym::InstitutionKeys;
use serde_json::{Map, Value};
use yingdun_crypto::{Context, OpenError, SealError, Sealed};
use yingdun_dicom::{Tag, tags};

/// One report, without the number of its message, which each channel counts for itself.
pub(super) struct Report(Map<String, Value>);

const PROGRESS: Tag = tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE;
const STATION: Tag = tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE;
const PERFORMERS: Tag = tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE;
const REASON_CODES: Tag = tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE;

/// What the requester of a cancellation may say, and subscribers are told.
pub(super) const CANCELLATION_WORDS: [Tag; 4] =
    [tags::REASON_FOR_CANCELLATION, REASON_CODES, tags::CONTACT_URI, tags::CONTACT_DISPLAY_NAME];

impl Report {
    /// The state of a workitem (1).
    pub(super) fn state(item: &Workitem) -> Self {
        let mut information = Map::new();
        copy(&mut information, &item.attributes, &[tags::PROCEDURE_STEP_STATE, tags::INPUT_READINESS_STATE]);
        if let Some(progress) = values(&item.attributes, PROGRESS).first().and_then(Value::as_object) {
            copy(&mut information, progress, &[tags::REASON_FOR_CANCELLATION, REASON_CODES]);
        }
        Self::new(item, 1, information)
    }

    /// Somebody asks that a workitem be cancelled (2).
    pub(super) fn cancel_requested(item: &Workitem, requester: &str, words: &Map<String, Value>) -> Self {
        let mut information = Map::new();
        put(&mut information, tags::REQUESTING_AE, vec![requester.into()]);
        copy(&mut information, words, &CANCELLATION_WORDS);
        Self::new(item, 2, information)
    }

    /// What a creation is told as.
    pub(super) fn of_creation(item: &Workitem) -> Vec<Self> {
        let assigned = has_value(&item.attributes, STATION) || has_value(&item.attributes, PERFORMERS);
        std::iter::once(Self::state(item)).chain(assigned.then(|| Self::assigned(item))).collect()
    }

    /// What an update is told as.
    pub(super) fn of_update(before: &Workitem, after: &Workitem) -> Vec<Self> {
        let differs = |tag| differs(before, after, tag);
        let mut reports = Vec::new();
        if differs(tags::INPUT_READINESS_STATE) {
            reports.push(Self::state(after));
        }
        if differs(PROGRESS) {
            reports.push(Self::progress(after));
        }
        if differs(STATION) || differs(PERFORMERS) {
            reports.push(Self::assigned(after));
        }
        reports
    }

    /// As it is kept for those who are to be told: it names a workitem, and may hold words about a patient.
    pub(super) fn seal(&self, keys: &InstitutionKeys) -> Result<Vec<u8>, SealError> {
        Sealed::seal(&keys.index, &context(keys), &self.0).map(Sealed::into_bytes)
    }

    /// One that was kept.
    pub(super) fn open(keys: &InstitutionKeys, sealed: Vec<u8>) -> Result<Self, OpenError> {
        Sealed::from_bytes(sealed).open(&keys.index, &context(keys)).map(Self)
    }

    /// The message, with its number.
    pub(super) fn message(self, number: u16) -> String {
        let Self(mut message) = self;
        put(&mut message, tags::MESSAGE_ID, vec![number.into()]);
        Value::Object(message).to_string()
    }

    /// How far a workitem has come (3).
    fn progress(item: &Workitem) -> Self {
        let mut information = Map::new();
        put(&mut information, PROGRESS, values(&item.attributes, PROGRESS).to_vec());
        Self::new(item, 3, information)
    }

    /// Who is to perform a workitem (5).
    fn assigned(item: &Workitem) -> Self {
        let mut information = Map::new();
        copy(&mut information, &item.attributes, &[STATION]);
        if let Some(performer) = values(&item.attributes, PERFORMERS).first().and_then(Value::as_object) {
            let performer_tags = [tags::HUMAN_PERFORMER_CODE_SEQUENCE, tags::HUMAN_PERFORMER_ORGANIZATION];
            copy(&mut information, performer, &performer_tags);
        }
        Self::new(item, 5, information)
    }

    fn new(item: &Workitem, event: u16, mut message: Map<String, Value>) -> Self {
        put(&mut message, tags::AFFECTED_SOP_CLASS_UID, vec![UPS_PUSH.into()]);
        put(&mut message, tags::AFFECTED_SOP_INSTANCE_UID, vec![item.uid.as_str().into()]);
        put(&mut message, tags::EVENT_TYPE_ID, vec![event.into()]);
        Self(message)
    }
}

/// Never shows what is told: it may name a patient.
impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Report(…)")
    }
}

// === helpers ===

/// A report opens as one of its institution. Its number is given when it is written, so nothing here can name it.
fn context(keys: &InstitutionKeys) -> Context {
    Context::new("yingdun/catalogue/workitem-report/v1").field(keys.institution.as_str())
}

/// Copies what has a value.
fn copy(to: &mut Map<String, Value>, from: &Map<String, Value>, wanted: &[Tag]) {
    for tag in wanted {
        if let Some(attribute) = from.get(&tag.to_hex()).filter(|_| has_value(from, *tag)) {
            to.insert(tag.to_hex(), attribute.clone());
        }
    }
}

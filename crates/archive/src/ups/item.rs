//! One workitem: between its row and what is known of it when the row is open.

use super::WorkitemError;
use super::attributes::{self, values, word};
use super::state::Lock;
use crate::error::Unavailable;
use crate::pseudonym::{InstitutionKeys, Searchable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_catalog::catalogue::workitems::{WorkitemFilter, WorkitemRow};
use yingdun_catalog::catalogue::{Date, TimeOfDay, Token};
use yingdun_crypto::{Context, Sealed, digest};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::person_name::{PersonName, fold};
use yingdun_dicom::query::MatchValue;
use yingdun_dicom::{Tag, from_json, tags};
use yingdun_model::{PatientRef, Timestamp, Uid, WorkitemRef, WorkitemState};

const REQUESTS: Tag = tags::REFERENCED_REQUEST_SEQUENCE;

/// What is found by token: where it stands, and what it is. Names apart.
const TOKENS: [(&[Tag], Tag, Searchable); 3] = [
    (&[], tags::PATIENT_ID, Searchable::PatientId),
    (&[REQUESTS], tags::ACCESSION_NUMBER, Searchable::AccessionNumber),
    (&[REQUESTS], tags::REQUESTED_PROCEDURE_ID, Searchable::RequestedProcedureId),
];

/// A workitem that is open.
#[derive(Clone)]
pub(super) struct Workitem {
    pub(super) reference: WorkitemRef,
    pub(super) uid: Uid,
    pub(super) state: WorkitemState,
    pub(super) revision: i64,
    pub(super) attributes: Map<String, Value>,
    /// SHA-256 of the Transaction UID under which it was claimed. Nothing shows it.
    pub(super) lock: Option<[u8; 32]>,
}

/// What is sealed of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    uid: Uid,
    lock: Option<[u8; 32]>,
    attributes: Map<String, Value>,
}

impl Workitem {
    /// A new one, from attributes that were checked.
    pub(super) fn new(keys: &InstitutionKeys, uid: Uid, attributes: Map<String, Value>) -> Self {
        Self {
            reference: keys.pseudonyms.workitem(&uid),
            uid,
            state: WorkitemState::Scheduled,
            revision: 0,
            attributes,
            lock: None,
        }
    }

    /// Opens a row.
    pub(super) fn open(keys: &InstitutionKeys, row: WorkitemRow) -> Result<Self, Unavailable> {
        let sealed = Sealed::<Kept>::from_bytes(row.sealed);
        let kept = sealed
            .open(&keys.index, &context(keys, row.reference, row.revision))
            .map_err(|error| Unavailable::new("catalogue", error))?;
        let Kept { uid, lock, attributes } = kept;
        let (reference, state, revision) = (row.reference, row.state, row.revision);
        Ok(Self { reference, uid, state, revision, attributes, lock })
    }

    /// The row of it, and the tokens by which it is found.
    pub(super) fn seal(
        &self,
        keys: &InstitutionKeys,
        now: Timestamp,
    ) -> Result<(WorkitemRow, BTreeSet<Token>), WorkitemError> {
        let kept = Kept { uid: self.uid.clone(), lock: self.lock, attributes: self.attributes.clone() };
        let sealed = Sealed::seal(&keys.index, &context(keys, self.reference, self.revision), &kept)
            .map_err(|_| WorkitemError::Invalid("the workitem cannot be sealed".to_owned()))?;
        let start = word(&self.attributes, tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME);
        let (start_date, start_time) = start.map_or((None, None), moment);
        let row = WorkitemRow {
            institution: keys.institution.clone(),
            reference: self.reference,
            state: self.state,
            revision: self.revision,
            start_date,
            start_time,
            changed: now,
            sealed: sealed.into_bytes(),
        };
        Ok((row, tokens(keys, &self.data_set())))
    }

    /// The same as a data set, to be matched.
    pub(super) fn data_set(&self) -> DataSet {
        from_json::data_set(&self.attributes)
    }

    /// How a Transaction UID of a request stands to the lock. Digests are compared, so that the time of the comparison
    /// tells nothing of the lock.
    pub(super) fn lock_of(&self, transaction: Option<&Uid>) -> Lock {
        match (transaction, &self.lock) {
            (None, _) => Lock::Missing,
            (Some(_), None) => Lock::Free,
            (Some(given), Some(held)) if lock_digest(given) == *held => Lock::Right,
            (Some(_), Some(_)) => Lock::Wrong,
        }
    }

    /// Writes its state and the time of its change where readers look for them, and counts the change.
    pub(super) fn set_state(&mut self, state: WorkitemState, now: Timestamp) {
        self.state = state;
        attributes::put(&mut self.attributes, tags::PROCEDURE_STEP_STATE, vec![state.as_str().into()]);
        let modified = tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME;
        attributes::put(&mut self.attributes, modified, vec![date_time(now).into()]);
    }

    /// The patient, where it names one.
    pub(super) fn patient(&self, keys: &InstitutionKeys) -> Option<PatientRef> {
        let id = word(&self.attributes, tags::PATIENT_ID)?;
        let issuer = word(&self.attributes, tags::ISSUER_OF_PATIENT_ID).unwrap_or_default();
        Some(keys.pseudonyms.identified_patient(issuer, id))
    }
}

/// What is kept of a Transaction UID.
pub(super) fn lock_digest(transaction: &Uid) -> [u8; 32] {
    digest::sha256(transaction.as_str().as_bytes())
}

/// Whether a DT names a day at least: the order of the worklist.
pub(super) fn names_a_day(date_time: &str) -> bool {
    moment(date_time).0.is_some()
}

/// A moment as VR DT, in UTC.
pub(super) fn date_time(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.as_ms())
        .map_or_else(|_| "19700101000000+0000".to_owned(), |at| at.strftime("%Y%m%d%H%M%S+0000").to_string())
}

/// What the index can answer of a question; all of it is compared again with each workitem.
pub(super) fn filter(keys: &InstitutionKeys, asked: &Keys) -> WorkitemFilter {
    let state = asked.value(&[], tags::PROCEDURE_STEP_STATE).and_then(|value| match value {
        MatchValue::Single(state) => state.parse().ok(),
        MatchValue::Universal
        | MatchValue::Empty
        | MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_)
        | MatchValue::Range { .. } => None,
    });
    let mut filter = WorkitemFilter {
        institution: keys.institution.clone(),
        state,
        start_date: asked.value(&[], tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME).and_then(days),
        tokens: Vec::new(),
    };
    for (sequences, tag, what) in TOKENS {
        let alternatives =
            asked.value(sequences, tag).and_then(|value| keys.pseudonyms.alternatives(what, value));
        filter.tokens.extend(alternatives);
    }
    let name = asked.value(&[], tags::PATIENT_NAME);
    filter.tokens.extend(name.and_then(|name| keys.pseudonyms.family_name(name)));
    filter
}

// === helpers ===

/// The day and time of a DT, whose offset from UTC does not count: the day is the one that people at the place say.
fn moment(date_time: &str) -> (Option<Date>, Option<TimeOfDay>) {
    let local = date_time.split(['+', '-']).next().unwrap_or_default();
    let (day, time) = local.split_at_checked(8).unwrap_or((local, ""));
    (Date::parse(day), TimeOfDay::parse(time))
}

/// The days that a key names.
fn days(value: &MatchValue) -> Option<RangeInclusive<Date>> {
    let bound = |text: &Option<String>, open| text.as_deref().map_or(Some(open), |text| moment(text).0);
    match value {
        MatchValue::Single(day) => moment(day).0.map(|day| day..=day),
        MatchValue::Range { from, until } => Some(bound(from, Date::MIN)?..=bound(until, Date::MAX)?),
        MatchValue::Universal
        | MatchValue::Empty
        | MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_) => None,
    }
}

fn tokens(keys: &InstitutionKeys, set: &DataSet) -> BTreeSet<Token> {
    let utf8 = CharacterSets::utf8();
    let mut tokens = BTreeSet::new();
    for (sequences, tag, what) in TOKENS {
        let holders = match sequences {
            [sequence] => set.items(*sequence),
            _ => std::slice::from_ref(set),
        };
        for text in holders.iter().filter_map(|holder| holder.text(tag, &utf8)) {
            tokens.extend(keys.pseudonyms.all(what, &fold(&text)));
        }
    }
    let name = set.text(tags::PATIENT_NAME, &utf8).unwrap_or_default();
    for group in PersonName::parse(&name).groups() {
        tokens.extend(keys.pseudonyms.all(Searchable::PatientName, &fold(group)));
    }
    tokens
}

/// A row opens as the revision that it was sealed as, and as no other one.
fn context(keys: &InstitutionKeys, reference: WorkitemRef, revision: i64) -> Context {
    Context::new("yingdun/catalogue/workitem/v1")
        .field(keys.institution.as_str())
        .field(reference.as_bytes())
        .field(revision.to_be_bytes())
}

/// Never shows an attribute: it names a patient.
impl std::fmt::Debug for Workitem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Workitem({}, {})", self.reference, self.state)
    }
}

/// Whether two revisions differ in an attribute.
pub(super) fn differs(before: &Workitem, after: &Workitem, tag: Tag) -> bool {
    values(&before.attributes, tag) != values(&after.attributes, tag)
}

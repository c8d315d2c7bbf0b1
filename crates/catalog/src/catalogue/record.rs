//! What stored instances tell the catalogue.

use super::Watermark;
use super::events::Arrival;
use super::{Date, TimeOfDay};
use crate::Value;
use std::collections::{BTreeMap, BTreeSet};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// A keyed search token: the first 16 bytes of an HMAC, under the token key of the institution, over what is
/// searched and its normalised text. Equal texts have equal tokens; a token tells nothing without the key.
pub type Token = [u8; 16];

/// What is taken into the catalogue at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Studies that are new or are described anew.
    pub studies: BTreeMap<StudyRef, StudyChange>,
    /// Series that are new or are described anew.
    pub series: BTreeMap<SeriesRef, SeriesFacts>,
    /// Versions of instances, of studies and series that are here or in the catalogue. One that the catalogue has
    /// already stays as it is, unless this one lies later in the packs.
    pub instances: Vec<InstanceFacts>,
    /// Of which studies it is to be told when they rest.
    pub arrivals: BTreeMap<StudyRef, Arrival>,
    /// Under which keys the records of these instances are sealed: for each study, when its key was made.
    pub sealed_under: BTreeSet<(StudyRef, Timestamp)>,
    /// How far the catalogue is with this store, as the program knows that fills it. Where the catalogue is not so far, it was emptied or
    /// brought back from a copy meanwhile, and nothing is taken. None for who does not know.
    pub goes_on: Option<Watermark>,
}

/// A study as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyChange {
    /// All of it.
    pub now: StudyFacts,
    /// By what the catalogue finds it before; none when it is new.
    pub was: Option<StudyTerms>,
    /// The row that was read and merged with; none when there was none.
    pub over: Option<RowMark>,
}

/// By what one content of a sealed column is told from another: its first bytes, which are random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowMark(Vec<u8>);

impl RowMark {
    /// How many bytes, also in the statement that compares marks: so many that no two are alike by chance.
    const BYTES: usize = 16;

    /// The mark of what a column holds.
    #[must_use]
    pub fn of(sealed: &[u8]) -> Self {
        Self(sealed.iter().copied().take(Self::BYTES).collect())
    }
}

impl From<RowMark> for Value {
    fn from(mark: RowMark) -> Self {
        Self::Bytes(mark.0)
    }
}

/// What is kept of a study. Whoever fills the catalogue has merged what the instances of the study say of it: the
/// catalogue holds no key and cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyFacts {
    /// The institution to which it belongs.
    pub institution: InstitutionId,
    /// Whose it is.
    pub patient: PatientRef,
    /// Study Instance UID (0020,000D).
    pub uid: Uid,
    /// How sensitive it is.
    pub grade: Grade,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Whether one of its instances names another patient.
    pub patient_conflict: bool,
    /// By what it is found.
    pub terms: StudyTerms,
    /// Names, identifiers and texts, sealed by a key that the catalogue has not.
    pub sealed: Vec<u8>,
}

/// By what a study is found and in what order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudyTerms {
    /// Study Date (0008,0020).
    pub date: Option<Date>,
    /// Study Time (0008,0030): the order of the studies of a day.
    pub time: Option<TimeOfDay>,
    /// Tokens: patient ID, name prefixes, accession number, …
    pub tokens: Vec<Token>,
    /// Modalities in Study (0008,0061).
    pub modalities: Vec<String>,
    /// Its accession number within its issuer, as a token: which other studies carry the same is kept.
    pub accession: Option<Token>,
}

/// What is kept of a series, merged like [`StudyFacts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesFacts {
    /// The institution to which it belongs.
    pub institution: InstitutionId,
    /// The study to which it belongs.
    pub study: StudyRef,
    /// Series Instance UID (0020,000E).
    pub uid: Uid,
    /// Modality (0008,0060), a code of VR CS without padding; empty when it was not sent.
    pub modality: String,
    /// Series Number (0020,0011).
    pub number: Option<i32>,
    /// Performed Procedure Step Start Date (0040,0244).
    pub performed_date: Option<Date>,
    /// Performed Procedure Step Start Time (0040,0245).
    pub performed_time: Option<TimeOfDay>,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Texts, sealed by a key that the catalogue has not.
    pub sealed: Vec<u8>,
}

/// What is kept of one version of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFacts {
    /// The institution to which it belongs.
    pub institution: InstitutionId,
    /// The study to which it belongs.
    pub study: StudyRef,
    /// The series to which it belongs.
    pub series: SeriesRef,
    /// The pseudonym of the instance.
    pub reference: InstanceRef,
    /// 1 for the first object with this SOP Instance UID, one more for each that differs.
    pub version: u32,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: Uid,
    /// SOP Class UID (0008,0016).
    pub sop_class: Uid,
    /// The transfer syntax in which it was sent and is kept.
    pub transfer_syntax: Uid,
    /// Instance Number (0020,0013).
    pub number: Option<i32>,
    /// Rows (0028,0010).
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    pub columns: Option<u32>,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: Option<u16>,
    /// Number of Frames (0028,0008).
    pub frames: Option<u32>,
    /// When the archive received it.
    pub received: Timestamp,
    /// Bytes of the data set as it was sent.
    pub object_bytes: u64,
    /// Where the record lies, and in which store: bytes in the order of places.
    pub location: Vec<u8>,
    /// What else the archive keeps of an instance, sealed under the study key.
    pub sealed: Option<Vec<u8>>,
}

//! What one stored instance tells the catalogue.

use super::{Date, TimeOfDay};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// A keyed search token: the first 16 bytes of an HMAC, under the token key of the institution, over what is
/// searched and its normalised text. Equal texts have equal tokens; a token tells nothing without the key.
pub type Token = [u8; 16];

/// One version of one instance, with the study and series it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRecord {
    /// The institution to which all of it belongs.
    pub institution: InstitutionId,
    /// Whose images these are.
    pub patient: PatientRef,
    /// The study, as this instance describes it.
    pub study: StudyFacts,
    /// The series, as this instance describes it.
    pub series: SeriesFacts,
    /// The instance itself.
    pub instance: InstanceFacts,
    /// When the archive received it.
    pub received: Timestamp,
}

/// What is kept of a study. The first record of a study decides; later ones add their tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyFacts {
    /// The pseudonym of the study.
    pub reference: StudyRef,
    /// Study Instance UID (0020,000D).
    pub uid: Uid,
    /// Study Date (0008,0020).
    pub date: Option<Date>,
    /// Study Time (0008,0030).
    pub time: Option<TimeOfDay>,
    /// How sensitive it is.
    pub grade: Grade,
    /// Names, identifiers and texts, sealed under the study key.
    pub sealed: Vec<u8>,
    /// Tokens by which the study is found: patient ID, name prefixes, accession number, …
    pub tokens: Vec<Token>,
}

/// What is kept of a series. The first record of a series decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesFacts {
    /// The pseudonym of the series.
    pub reference: SeriesRef,
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
    /// Texts, sealed under the study key.
    pub sealed: Vec<u8>,
}

/// What is kept of one version of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFacts {
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
    /// Bytes of the data set as it was sent.
    pub object_bytes: u64,
    /// Where the record lies, in the words of the store.
    pub location: Vec<u8>,
    /// What else the archive keeps of an instance, sealed under the study key.
    pub sealed: Option<Vec<u8>>,
}

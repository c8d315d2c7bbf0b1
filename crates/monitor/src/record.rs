//! What the monitor is told: one JSON object a line, in the order in which things happened.
//!
//! A line is a person of the staff, a patient, a fact that explains accesses (an order, a place on a roster, a report
//! assignment …), or an access. Lines come from the audit log and the databases of a running archive, from an exported
//! log, or from the synthetic hospital. Identifiers are keyed pseudonyms: nobody is named.
//! What a hospital does not know is absent, and absence is never evidence against somebody.

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// Somebody of the staff, as of `at_ms`. A later line for the same person replaces it.
    Person(Person),
    /// Somebody who is or was treated, as of `at_ms`. A later line for the same patient replaces it.
    Patient(Patient),
    /// Why a person may have to do with a patient.
    Fact(Fact),
    /// Something a person did or tried.
    Access(Access),
}

/// Somebody of the staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Since when this holds, milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Pseudonym of the person.
    pub person: String,
    /// Role word, as in `yingdun_model::Role`, or a word of the hospital's.
    pub role: String,
    /// Department.
    pub department: String,
    /// Pseudonym of the household (same address or phone, or named as each other's contact), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<String>,
    /// Pseudonym of the neighbourhood (same estate), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbourhood: Option<String>,
    /// When the employment or the contract ends, milliseconds since 1970, where known (notice was given, or a vendor).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_ms: Option<i64>,
}

/// Somebody who is or was treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Since when this holds, milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Pseudonym of the patient.
    pub patient: String,
    /// Department that treats, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Pseudonym of the member of staff who this patient is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// Pseudonym of the household, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<String>,
    /// Pseudonym of the neighbourhood, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbourhood: Option<String>,
    /// Somebody whom many would like to look up.
    #[serde(default)]
    pub prominent: bool,
    /// Nobody: made up so that whoever opens it has no reason to.
    #[serde(default)]
    pub decoy: bool,
}

/// Why a person may have to do with a patient, from one moment to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When it became known, milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Which kind of reason.
    pub fact: FactKind,
    /// For whom; absent where the fact is about all of a department (an encounter, an emergency).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// For which department, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// About whom; absent where the fact is about a person alone (a shift, an audit, a migration).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// First millisecond at which it holds.
    pub valid_from_ms: i64,
    /// First millisecond at which it holds no more.
    pub valid_until_ms: i64,
}

/// Which kind of reason a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// The person treats the patient.
    CareRelation,
    /// The person ordered an examination.
    Order,
    /// The patient has an appointment with the person or the department.
    Appointment,
    /// The patient lies in a ward of the department, or is in its emergency room.
    Encounter,
    /// A step of the worklist: the person performs the examination.
    WorklistStep,
    /// The report is to be written or checked by the person.
    ReportAssignment,
    /// The person was asked for an opinion.
    Consult,
    /// A timed grant.
    Grant,
    /// A case of broken glass.
    BreakGlass,
    /// The person is on call for the department.
    OnCall,
    /// The person works at this time; without department and patient.
    Shift,
    /// A tumour board or another conference will speak about the patient.
    Board,
    /// A quality audit, of one patient or, without patient, of many.
    QualityAudit,
    /// A teaching collection, of one patient or, without patient, of many.
    Teaching,
    /// A research project to which the person belongs.
    Research,
    /// Maintenance, migration or a test that somebody announced: a vendor's session, a move of data.
    Maintenance,
}

/// Something a person did or tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// When, milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Number of the line within its source; for a running archive the index of the leaf.
    pub sequence: u64,
    /// Who.
    pub person: String,
    /// Which session.
    pub session: String,
    /// Which workstation or device, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where: a site or network zone, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What: `sign-in`, `search`, `list`, `view`, `print`, `export`, `break-glass`; the words of `yingdun_model::Action` where there is one.
    pub action: String,
    /// HL7 purpose of use, where one was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Whose images; absent for a sign-in or a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// Which study, where one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    /// Instances that were given out.
    #[serde(default)]
    pub instances: u64,
    /// Bytes that were given out.
    #[serde(default)]
    pub bytes: u64,
    /// Whether it was allowed.
    pub allowed: bool,
}

//! What is kept of a destruction: enough to prove it, and nothing that names a person who was a patient.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use yingdun_crypto::digest::sha256;
use yingdun_keys::{Destruction, KekLine, KeyIdentity};
use yingdun_model::{ActorId, Grade, InstitutionId, PatientRef, StudyRef, Timestamp, Uid, word_enum};

/// The most studies of one destruction: more than a patient has in a lifetime, and few enough for one transaction.
pub const DESTRUCTION_STUDIES_MAX: u32 = 500;

/// How it was done, in every record.
const METHOD: &str = "cryptographic erase (NIST SP 800-88r2): study key deleted; key-encryption keys above it \
    replaced, deleted, and the epoch above them overwritten in place on every node";

/// What is left and for how long, in every record.
const RESIDUES: [&str; 4] = [
    "copies of the key database together with the epoch file of any node that were made before: until they are destroyed",
    "media that do not overwrite in place (SSD, copy-on-write, snapshots): the ended epoch, under the root key, until erased",
    "copies of the catalogue and freed blocks of its disk: descriptions sealed under the key of the institution, no images",
    "the sealed images themselves: noise in the packs, until these are compacted",
];

word_enum! {
    /// How far a destruction is.
    DestructionState, "state of a destruction" {
        /// Somebody asked for it.
        Requested => "requested",
        /// It was taken back, or refused.
        Withdrawn => "withdrawn",
        /// Somebody else approved it.
        Approved => "approved",
        /// The keys are deleted: nobody opens it again through this archive.
        Shredded => "shredded",
        /// Nothing tells of it any more; the keys above it are being replaced.
        Rolling => "rolling",
        /// Copies of its key rows open no more either.
        Done => "done",
    }
}

word_enum! {
    /// Why something is destroyed.
    DestroyReason, "reason of a destruction" {
        /// The time for which it had to be kept is over.
        RetentionOver => "retention-over",
        /// The patient, or who speaks for them, wishes it and may.
        PatientWish => "patient-wish",
        /// A court or an authority ordered it.
        Ordered => "ordered",
        /// It was stored by mistake: the wrong patient, or no image of this house.
        Mistake => "mistake",
        /// It was made to try something.
        Trial => "trial",
        /// The log knew of it and the databases did not: they were brought back from a copy.
        FromLog => "from-log",
    }
}

word_enum! {
    /// What was asked for.
    DestructionSubject, "subject of a destruction" {
        /// One study.
        Study => "study",
        /// A patient.
        Patient => "patient",
        /// What a restored copy brought back.
        Restored => "restored",
    }
}

/// A study that is to be destroyed, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedStudy {
    /// Its Study Instance UID, as long as it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// Its keyed pseudonym, as in the leaves.
    pub study: StudyRef,
    /// That of its patient.
    pub patient: PatientRef,
    /// Its grade.
    pub grade: Grade,
    /// The algorithm suite of its key.
    pub suite: String,
    /// When its key was made, which tells the key from later ones of the same study.
    pub key_made_ms: i64,
    /// Instances.
    pub instances: u64,
    /// Bytes of its data sets as they were sent.
    pub bytes: u64,
    /// The leaf that says that it is going to be destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent_leaf: Option<u64>,
    /// The leaf that says that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_leaf: Option<u64>,
}

impl RecordedStudy {
    pub(super) fn key(&self, institution: &InstitutionId) -> KeyIdentity {
        let line = KekLine { institution: institution.clone(), grade: self.grade, suite: self.suite.clone() };
        KeyIdentity {
            line,
            study: self.study,
            patient: self.patient,
            made: Timestamp::from_ms(self.key_made_ms),
        }
    }
}

/// Versions of a key-encryption key that have to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledLine {
    /// Their grade.
    pub grade: Grade,
    /// Their suite.
    pub suite: String,
    /// The newest of them.
    pub version: u32,
}

/// Where the sealed images of a destruction lie. They are noise, and take room until their packs are compacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// The store, 32 hexadecimal digits.
    pub store: String,
    /// The packs that held records of the studies, 16 hexadecimal digits each.
    pub packs: BTreeSet<String>,
    /// What was stored under the destroyed keys lies in packs below this one; whatever came of the studies later does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<String>,
}

/// A destruction: what, who asked, who approved, how, when, and where it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestructionRecord {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// How far it is.
    pub state: DestructionState,
    /// What was asked for.
    pub subject: DestructionSubject,
    /// Why.
    pub reason: DestroyReason,
    /// Who asked.
    pub requested_by: ActorId,
    /// When.
    pub requested_ms: i64,
    /// The leaf of the request.
    pub request_leaf: u64,
    /// Who approved it, or took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<ActorId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_ms: Option<i64>,
    /// The leaf of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_leaf: Option<u64>,
    /// Instances of all studies together.
    pub instances: u64,
    /// Bytes of all studies together.
    pub bytes: u64,
    /// The studies.
    pub studies: Vec<RecordedStudy>,
    /// When the keys were deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shredded_ms: Option<i64>,
    /// Where what is left of the images lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remains: Option<Remains>,
    /// The same of the stores of other nodes, as far as the catalogue told. What each has noted itself is kept beside this record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remains_elsewhere: Vec<Remains>,
    /// By which the other nodes know that this is no row that somebody wrote who has no keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// The versions of key-encryption keys that were, or are to be, replaced and deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rolled: Vec<RolledLine>,
    /// The epoch that began when the one before was overwritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The nodes in whose files nothing of an epoch before is left, by the names of their audit logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// The nodes of which an officer said that they are gone, and their disks destroyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes_gone: Vec<String>,
    /// The nodes that may still keep the key of an epoch before; told while it is waited for them, and not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// When that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    /// How it was done.
    #[serde(default)]
    pub method: String,
    /// What is left, and for how long.
    #[serde(default)]
    pub residues: Vec<String>,
    /// SHA-256 of this record without this field and the next; sealed beside the leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The leaf of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_leaf: Option<u64>,
}

impl DestructionRecord {
    /// A destruction that somebody asks for.
    pub(crate) fn new(
        id: String,
        subject: DestructionSubject,
        reason: DestroyReason,
        requested_by: ActorId,
        requested: Timestamp,
        studies: Vec<RecordedStudy>,
    ) -> Self {
        let mut record = Self {
            id,
            state: DestructionState::Requested,
            subject,
            reason,
            requested_by,
            requested_ms: requested.as_ms(),
            request_leaf: 0,
            decided_by: None,
            decided_ms: None,
            decision_leaf: None,
            instances: 0,
            bytes: 0,
            studies,
            shredded_ms: None,
            remains: None,
            remains_elsewhere: Vec::new(),
            seal: None,
            rolled: Vec::new(),
            epoch: None,
            nodes: Vec::new(),
            nodes_gone: Vec::new(),
            waits_for: Vec::new(),
            done_ms: None,
            method: METHOD.to_owned(),
            residues: RESIDUES.map(str::to_owned).to_vec(),
            sha256: None,
            record_leaf: None,
        };
        record.add_up();
        record
    }

    pub(super) fn add_up(&mut self) {
        self.instances = self.studies.iter().map(|study| study.instances).sum();
        self.bytes = self.studies.iter().map(|study| study.bytes).sum();
    }

    /// The digest of the record, as it stands beside its leaf.
    pub(super) fn digest(&self) -> String {
        let bare = Self { sha256: None, record_leaf: None, ..self.clone() };
        hex::encode(sha256(bare.row().record.as_bytes()))
    }

    /// What is kept of it.
    pub(super) fn row(&self) -> Destruction {
        let kept = Self { waits_for: Vec::new(), ..self.clone() };
        // INVARIANT: a struct of words, numbers and texts has a JSON form.
        let record = serde_json::to_string(&kept).unwrap_or_default();
        Destruction { id: self.id.clone(), state: self.state.as_str().to_owned(), record }
    }

    /// A record as it was kept; nothing when it is none.
    pub(crate) fn of_row(row: &Destruction) -> Option<Self> {
        serde_json::from_str(&row.record).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_its_digest_covers_all_but_itself() {
        let study = RecordedStudy {
            uid: None,
            study: StudyRef::from_bytes([1; 16]),
            patient: PatientRef::from_bytes([2; 16]),
            grade: Grade::L4,
            suite: "cobblestone-256".to_owned(),
            key_made_ms: 7,
            instances: 3,
            bytes: 4,
            intent_leaf: Some(9),
            outcome_leaf: None,
        };
        let by = ActorId::new("sec").unwrap();
        let (at, reason) = (Timestamp::from_ms(1), DestroyReason::Mistake);
        let subject = DestructionSubject::Study;
        let record = DestructionRecord::new("ab".to_owned(), subject, reason, by, at, vec![study]);
        assert_eq!((record.instances, record.bytes), (3, 4));
        assert_eq!(DestructionRecord::of_row(&record.row()).as_ref(), Some(&record));
        let mut kept = DestructionRecord { sha256: Some(record.digest()), ..record.clone() };
        kept.record_leaf = Some(12);
        assert_eq!(kept.digest(), record.digest());
        kept.bytes = 5;
        assert_ne!(kept.digest(), record.digest());
    }
}

//! The words of storage commitment on the wire (PS3.4 §J.3): data sets to values and back. Pure.

use crate::message::{Command, Status, element};
use crate::scp::{Failure, FailureKind};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};
use yingdun_model::Uid;

/// UID of the Storage Commitment Push Model SOP class (PS3.4 §J.3.5).
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";

/// UID of its only SOP instance (PS3.4 §J.3.5).
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

/// Action type "request storage commitment" (PS3.4 table J.3-1).
pub const REQUEST_COMMITMENT: u16 = 1;

/// Event type "storage commitment request successful" (PS3.4 table J.3-2).
const SUCCESSFUL: u16 = 1;

/// Event type "storage commitment request complete, failures exist" (PS3.4 table J.3-2).
const FAILURES_EXIST: u16 = 2;

/// Bytes of a request, at most: ten thousand references with the longest identifiers take less.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 << 20;

/// Elements and items of a request, at most: three per reference, of which there are ten thousand at most.
pub(crate) const REQUEST_ELEMENTS_MAX: usize = 32_000;

/// Bytes of a report, at most: ten thousand references with the longest identifiers and their reasons take less.
pub(crate) const REPORT_BYTES_MAX: usize = 4 << 20;

/// Elements and items of a report, at most: four per reference, and what a peer adds about the media.
pub(crate) const REPORT_ELEMENTS_MAX: usize = 64_000;

/// The Failure Reason where a report gives none: processing failure (PS3.3 §C.14.1.1).
const NO_REASON: u16 = 0x0110;

/// An instance, by class and identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Referenced SOP Class UID.
    pub sop_class: Uid,
    /// Referenced SOP Instance UID.
    pub sop_instance: Uid,
}

/// What a peer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Transaction UID.
    pub uid: Uid,
    /// What is to be kept.
    pub references: Vec<Reference>,
}

/// What is told about a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Transaction UID.
    pub transaction: Uid,
    /// What is kept.
    pub committed: Vec<Reference>,
    /// What is not, each with its Failure Reason.
    pub failed: Vec<(Reference, u16)>,
}

impl Transaction {
    /// Reads the action information of a request.
    ///
    /// # Errors
    /// [`Failure`] names the attribute that is missing or illegal.
    pub fn read(set: &DataSet) -> Result<Self, Failure> {
        let uid = transaction_uid(set)?;
        let references = set.items(tags::REFERENCED_SOP_SEQUENCE).iter().map(Reference::read);
        Ok(Self { uid, references: references.collect::<Result<_, _>>()? })
    }

    /// Writes the action information of a request.
    #[must_use]
    pub fn write(&self) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::TRANSACTION_UID, Vr::UI, self.uid.as_str());
        set.put_items(tags::REFERENCED_SOP_SEQUENCE, self.references.iter().map(Reference::item).collect());
        set
    }
}

impl Outcome {
    /// Reads the event information of a report.
    ///
    /// # Errors
    /// [`Failure`] names the attribute that is missing or illegal.
    pub fn read(set: &DataSet) -> Result<Self, Failure> {
        let transaction = transaction_uid(set)?;
        let committed = set.items(tags::REFERENCED_SOP_SEQUENCE).iter().map(Reference::read);
        let failed = set.items(tags::FAILED_SOP_SEQUENCE).iter().map(|item| {
            let reason = item.int(tags::FAILURE_REASON).and_then(|reason| u16::try_from(reason).ok());
            Ok((Reference::read(item)?, reason.unwrap_or(NO_REASON)))
        });
        Ok(Self {
            transaction,
            committed: committed.collect::<Result<_, _>>()?,
            failed: failed.collect::<Result<_, Failure>>()?,
        })
    }

    /// The event type: whether there are failures.
    #[must_use]
    pub const fn event_type(&self) -> u16 {
        if self.failed.is_empty() { SUCCESSFUL } else { FAILURES_EXIST }
    }

    /// Writes the event information. A sequence without items is left out, as its condition demands.
    #[must_use]
    pub fn write(&self) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::TRANSACTION_UID, Vr::UI, self.transaction.as_str());
        if !self.committed.is_empty() {
            let items = self.committed.iter().map(Reference::item).collect();
            set.put_items(tags::REFERENCED_SOP_SEQUENCE, items);
        }
        if !self.failed.is_empty() {
            let items = self.failed.iter().map(|(reference, reason)| {
                let mut item = reference.item();
                item.put_u16(tags::FAILURE_REASON, *reason);
                item
            });
            set.put_items(tags::FAILED_SOP_SEQUENCE, items.collect());
        }
        set
    }
}

impl Reference {
    fn read(item: &DataSet) -> Result<Self, Failure> {
        let sop_class = item.uid(tags::REFERENCED_SOP_CLASS_UID);
        let sop_instance = item.uid(tags::REFERENCED_SOP_INSTANCE_UID);
        match (sop_class, sop_instance) {
            (Some(sop_class), Some(sop_instance)) => Ok(Self { sop_class, sop_instance }),
            (None, _) => Err(missing("Referenced SOP Class UID")),
            (_, None) => Err(missing("Referenced SOP Instance UID")),
        }
    }

    pub(crate) fn item(&self) -> DataSet {
        let mut item = DataSet::new();
        item.put_text(tags::REFERENCED_SOP_CLASS_UID, Vr::UI, self.sop_class.as_str());
        item.put_text(tags::REFERENCED_SOP_INSTANCE_UID, Vr::UI, self.sop_instance.as_str());
        item
    }
}

/// What a report tells.
///
/// # Errors
/// [`Failure`] when it is none of storage commitment, or cannot be read.
pub(crate) fn outcome_of(command: &Command, set: &DataSet) -> Result<Outcome, Failure> {
    let is = |number, wanted| command.uid(number).is_some_and(|uid| uid.as_str() == wanted);
    if !is(element::AFFECTED_SOP_CLASS, STORAGE_COMMITMENT) {
        return Err(Failure::new(FailureKind::NoSuchClass, "not the class of its presentation context"));
    }
    if !is(element::AFFECTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE) {
        return Err(Failure::new(FailureKind::NoSuchInstance, "not the well-known instance"));
    }
    match command.number(element::EVENT_TYPE_ID) {
        Some(SUCCESSFUL | FAILURES_EXIST) => Outcome::read(set),
        Some(_) | None => Err(Failure::new(
            FailureKind::OfService(Status::NO_SUCH_EVENT_TYPE),
            "the event types are 1 and 2",
        )),
    }
}

fn transaction_uid(set: &DataSet) -> Result<Uid, Failure> {
    set.uid(tags::TRANSACTION_UID).ok_or_else(|| missing("Transaction UID"))
}

fn missing(what: &str) -> Failure {
    Failure::new(FailureKind::InvalidArgument, format!("{what} missing or illegal"))
}

/// Whether a peer took its report. Any warning is about what it did with it.
#[must_use]
pub(crate) const fn is_taken(status: Option<Status>) -> bool {
    match status {
        Some(status) => status.is_stored(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(number: u32) -> Reference {
        let uid = |text: &str| Uid::new(text).unwrap();
        Reference {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: uid(&format!("1.2.3.{number}")),
        }
    }

    #[test]
    fn a_request_reads_back_as_it_was_written() {
        let transaction =
            Transaction { uid: Uid::new("2.25.7").unwrap(), references: vec![reference(1), reference(2)] };
        assert_eq!(Transaction::read(&transaction.write()), Ok(transaction));
    }

    #[test]
    fn a_report_reads_back_as_it_was_written_and_a_failure_without_reason_has_one() {
        let outcome = Outcome {
            transaction: Uid::new("2.25.7").unwrap(),
            committed: vec![reference(1), reference(2)],
            failed: vec![(reference(3), 0x0112)],
        };
        assert_eq!(Outcome::read(&outcome.write()), Ok(outcome.clone()));
        let mut set = outcome.write();
        set.put_items(tags::FAILED_SOP_SEQUENCE, vec![reference(4).item()]);
        assert_eq!(Outcome::read(&set).unwrap().failed, [(reference(4), 0x0110)]);
        set.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![DataSet::new()]);
        assert_eq!(Outcome::read(&set).unwrap_err().status().0, 0x0115);
        assert_eq!(Outcome::read(&DataSet::new()).unwrap_err().status().0, 0x0115);
    }

    #[test]
    fn a_report_of_something_else_is_told_so() {
        let uid = |text: &str| Uid::new(text).unwrap();
        let set = Outcome { transaction: uid("2.25.7"), committed: Vec::new(), failed: Vec::new() }.write();
        let report = |class: &str, instance: &str, event| {
            crate::message::Command::request(crate::message::Operation::EventReport, 1, &uid(class))
                .with_uid(element::AFFECTED_SOP_INSTANCE, &uid(instance))
                .with_number(element::EVENT_TYPE_ID, event)
        };
        let told = |class: &str, instance: &str, event| outcome_of(&report(class, instance, event), &set);
        assert!(told(STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, 2).is_ok());
        let status = |told: Result<Outcome, Failure>| told.unwrap_err().status().0;
        assert_eq!(status(told("1.2.3", STORAGE_COMMITMENT_INSTANCE, 1)), 0x0118);
        assert_eq!(status(told(STORAGE_COMMITMENT, "1.2.3", 1)), 0x0112);
        assert_eq!(status(told(STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, 3)), 0x0113);
    }

    #[test]
    fn a_request_without_what_it_must_say_is_an_invalid_argument() {
        let mut set = DataSet::new();
        assert_eq!(Transaction::read(&set).unwrap_err().status().0, 0x0115);
        set.put_text(tags::TRANSACTION_UID, Vr::UI, "2.25.7");
        assert_eq!(Transaction::read(&set).unwrap().references, []);
        set.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![DataSet::new()]);
        assert_eq!(Transaction::read(&set).unwrap_err().status().0, 0x0115);
    }

    #[test]
    fn a_report_says_whether_there_are_failures_and_has_no_empty_sequence() {
        let outcome = |committed: &[u32], failed: &[u32]| Outcome {
            transaction: Uid::new("2.25.7").unwrap(),
            committed: committed.iter().map(|n| reference(*n)).collect(),
            failed: failed.iter().map(|n| (reference(*n), 0x0112)).collect(),
        };
        let all = outcome(&[1, 2], &[]);
        assert_eq!((all.event_type(), all.write().items(tags::REFERENCED_SOP_SEQUENCE).len()), (1, 2));
        assert!(all.write().get(tags::FAILED_SOP_SEQUENCE).is_none());
        let none = outcome(&[], &[3]);
        assert!(none.write().get(tags::REFERENCED_SOP_SEQUENCE).is_none());
        let failed = none.write();
        assert_eq!(none.event_type(), 2);
        assert_eq!(failed.items(tags::FAILED_SOP_SEQUENCE)[0].int(tags::FAILURE_REASON), Some(0x0112));
    }
}

//! The unified worklist: what a peer asks of workitems, said to the archive, and how refusals are told to it.

use super::ArchiveDoor;
use crate::message::Status;
use crate::scp::{Failure, FailureKind, WorkitemAnswer, WorkitemRequest};
use serde_json::{Map, Value};
use yingdun_access::Session;
use yingdun_archive::WorkitemError;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, from_json, json, tags};
use yingdun_model::WorkitemState;

/// What decides how the state of a workitem is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Attributes are given.
    Attributes,
    /// A change to this state.
    State(WorkitemState),
    /// Anything else.
    Other,
}

impl ArchiveDoor {
    /// Does what is asked of one workitem.
    pub(super) async fn ask_of_workitem(
        &self,
        session: &Session,
        request: WorkitemRequest,
    ) -> Result<WorkitemAnswer, Failure> {
        let archive = &self.archive;
        match request {
            WorkitemRequest::Create { instance, attributes } => {
                let state = word(&attributes, tags::PROCEDURE_STEP_STATE);
                if state.is_some_and(|state| state != WorkitemState::Scheduled.as_str()) {
                    let comment = "a workitem is SCHEDULED when it is created";
                    return Err(Failure::new(FailureKind::OfService(Status::NOT_SCHEDULED), comment));
                }
                let created = archive.create_workitem(session, instance, words(&attributes)).await;
                let created = created.map_err(|error| failure(error, Asked::Attributes))?;
                let status = if created.modified { Status::CREATED_MODIFIED } else { Status::SUCCESS };
                Ok(WorkitemAnswer { status, created: Some(created.uid), attributes: None })
            }
            WorkitemRequest::Tell(instance, wanted) => {
                let item = archive.workitem(session, &instance).await;
                let item = from_json::data_set(&item.map_err(|error| failure(error, Asked::Other))?);
                let (status, attributes) = asked_for(&item, &wanted);
                Ok(WorkitemAnswer { status, created: None, attributes: Some(attributes) })
            }
            WorkitemRequest::Change(instance, attributes) => {
                let transaction = attributes.uid(tags::TRANSACTION_UID);
                let mut changes = words(&attributes);
                changes.remove(&tags::TRANSACTION_UID.to_hex());
                let changed = archive.update_workitem(session, &instance, transaction.as_ref(), changes);
                changed.await.map_err(|error| failure(error, Asked::Attributes))?;
                Ok(WorkitemAnswer::default())
            }
            WorkitemRequest::ChangeState(instance, asked) => {
                let state = word(&asked, tags::PROCEDURE_STEP_STATE).and_then(|state| state.parse().ok());
                let state: WorkitemState = state.ok_or_else(|| {
                    let comment = "Procedure Step State is no state to change to";
                    Failure::new(FailureKind::InvalidArgument, comment)
                })?;
                let transaction = asked.uid(tags::TRANSACTION_UID);
                let changed =
                    archive.change_workitem_state(session, &instance, transaction.as_ref(), state).await;
                let already = changed.map_err(|error| failure(error, Asked::State(state)))?;
                Ok(WorkitemAnswer { status: unchanged(already), ..WorkitemAnswer::default() })
            }
            WorkitemRequest::Cancel(instance, asked) => {
                let already = archive.request_workitem_cancellation(session, &instance, &words(&asked)).await;
                let already = already.map_err(|error| failure(error, Asked::Other))?;
                let status = unchanged(already.then_some(WorkitemState::Canceled));
                Ok(WorkitemAnswer { status, ..WorkitemAnswer::default() })
            }
        }
    }

    /// What is asked for of the workitems that match.
    pub(super) async fn matching_workitems(
        &self,
        session: &Session,
        identifier: &DataSet,
    ) -> Result<Vec<DataSet>, Failure> {
        self.archive.find_workitems(session, identifier).await.map_err(|error| match error {
            WorkitemError::Invalid(what) => Failure::new(FailureKind::Mismatch, what),
            WorkitemError::Unavailable(_) => {
                Failure { kind: FailureKind::OutOfResources, ..failure(error, Asked::Other) }
            }
            other => failure(other, Asked::Other),
        })
    }
}

// === helpers ===

/// The attributes in the DICOM JSON model, whose texts are UTF-8 whatever they came in.
fn words(attributes: &DataSet) -> Map<String, Value> {
    let rendered = json::with_base(&json::render(attributes).template, "");
    let mut words: Map<String, Value> = serde_json::from_slice(&rendered).unwrap_or_default();
    words.remove(&tags::SPECIFIC_CHARACTER_SET.to_hex());
    words
}

fn word(attributes: &DataSet, tag: Tag) -> Option<String> {
    attributes.first_text(tag, &attributes.character_sets()).filter(|word| !word.is_empty())
}

/// The attributes that are asked for, or all; a warning where there are some that the workitem does not have.
fn asked_for(item: &DataSet, wanted: &[Tag]) -> (Status, DataSet) {
    if wanted.is_empty() {
        return (Status::SUCCESS, item.clone());
    }
    let elements = item.elements().iter().filter(|element| wanted.contains(&element.tag));
    let found: DataSet = elements.cloned().collect();
    let all = wanted.iter().all(|tag| found.get(*tag).is_some());
    (if all { Status::SUCCESS } else { Status::ATTRIBUTES_NOT_SUPPORTED }, found)
}

/// The status of a change to a state in which the workitem is already (PS3.4 tables CC.2.1-2 and CC.2.2-2).
const fn unchanged(already: Option<WorkitemState>) -> Status {
    match already {
        None => Status::SUCCESS,
        Some(WorkitemState::Completed) => Status::ALREADY_COMPLETED,
        Some(WorkitemState::Canceled | WorkitemState::Scheduled | WorkitemState::InProgress) => {
            Status::ALREADY_CANCELED
        }
    }
}

/// The table of what can be wrong with a request (PS3.4 tables CC.2.1-2, CC.2.2-2, CC.2.5-2, CC.2.6-1, CC.2.7-1; PS3.7 annex C).
fn failure(error: WorkitemError, asked: Asked) -> Failure {
    let kind = match &error {
        WorkitemError::Refused { .. } | WorkitemError::ForeignSubscriber => FailureKind::NotAuthorised,
        WorkitemError::Invalid(_) if asked == Asked::Attributes => FailureKind::InvalidAttributeValue,
        WorkitemError::Invalid(_) => FailureKind::InvalidArgument,
        WorkitemError::Exists => FailureKind::DuplicateInstance,
        WorkitemError::NotFound | WorkitemError::Gone | WorkitemError::NotSubscribed => {
            FailureKind::OfService(Status::NO_SUCH_WORKITEM)
        }
        WorkitemError::TransactionMissing | WorkitemError::TransactionIncorrect => {
            FailureKind::OfService(Status::TRANSACTION_WRONG)
        }
        WorkitemError::State(now) => FailureKind::OfService(refused_state(*now, asked)),
        WorkitemError::NotFinal(_) => FailureKind::OfService(Status::NOT_FINAL),
        WorkitemError::Completed => FailureKind::OfService(Status::COMPLETED_ALREADY),
        WorkitemError::NoPerformer => FailureKind::OfService(Status::NO_PERFORMER),
        WorkitemError::Full | WorkitemError::TooManySubscribers => FailureKind::ResourceLimitation,
        WorkitemError::TooBroad => FailureKind::OutOfResources,
        // The cause is for the operator's log: it may name paths and hosts.
        WorkitemError::Unavailable(part) => {
            tracing::error!(cause = %part, "a workitem could not be kept or read");
            let comment = format!("{} does not answer, try again", part.part());
            return Failure::new(FailureKind::Processing, comment);
        }
    };
    Failure::new(kind, error.to_string())
}

/// How a request is refused that does not fit the state.
const fn refused_state(now: WorkitemState, asked: Asked) -> Status {
    match (asked, now) {
        (Asked::State(WorkitemState::Scheduled), _) => Status::SCHEDULED_BY_CREATION,
        (Asked::State(_), WorkitemState::Scheduled) => Status::NOT_IN_PROGRESS,
        (Asked::State(WorkitemState::InProgress), WorkitemState::InProgress) => Status::IN_PROGRESS_ALREADY,
        _ => Status::WORKITEM_ENDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WorkitemState::{Canceled, Completed, InProgress, Scheduled};
    use yingdun_dicom::Vr;

    #[test]
    fn every_fault_has_the_status_of_the_standard() {
        for (error, asked, status) in [
            (WorkitemError::Refused { reason: "no".into() }, Asked::Other, 0x0124),
            (WorkitemError::Invalid("x".into()), Asked::Attributes, 0x0106),
            (WorkitemError::Invalid("x".into()), Asked::State(Completed), 0x0115),
            (WorkitemError::Exists, Asked::Attributes, 0x0111),
            (WorkitemError::NotFound, Asked::Other, 0xC307),
            (WorkitemError::Gone, Asked::Other, 0xC307),
            (WorkitemError::TransactionMissing, Asked::Attributes, 0xC301),
            (WorkitemError::TransactionIncorrect, Asked::State(Completed), 0xC301),
            (WorkitemError::State(Completed), Asked::Attributes, 0xC300),
            (WorkitemError::State(Scheduled), Asked::State(Completed), 0xC310),
            (WorkitemError::State(InProgress), Asked::State(InProgress), 0xC302),
            (WorkitemError::State(InProgress), Asked::State(Scheduled), 0xC303),
            (WorkitemError::State(Canceled), Asked::State(InProgress), 0xC300),
            (WorkitemError::NotFinal("x".into()), Asked::State(Completed), 0xC304),
            (WorkitemError::Completed, Asked::Other, 0xC311),
            (WorkitemError::NoPerformer, Asked::Other, 0xC312),
            (WorkitemError::Full, Asked::Attributes, 0x0213),
            (WorkitemError::TooBroad, Asked::Other, 0xA700),
        ] {
            let words = error.to_string();
            assert_eq!(failure(error, asked).status().0, status, "{words}");
        }
        assert_eq!(unchanged(Some(Completed)).0, 0xB306);
        assert_eq!(unchanged(Some(Canceled)).0, 0xB304);
        assert_eq!(unchanged(None), Status::SUCCESS);
    }

    #[test]
    fn texts_are_said_in_utf8_whatever_they_came_in() {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "GB18030");
        set.put_bytes(tags::PATIENT_NAME, Vr::PN, vec![0xcd, 0xf5, b'^', 0xb7, 0xbc]);
        let words = words(&set);
        assert_eq!(words["00100010"]["Value"][0]["Alphabetic"], "王^芳");
        assert!(!words.contains_key("00080005"), "they are in UTF-8 now");
    }

    #[test]
    fn what_a_workitem_does_not_have_is_a_warning() {
        let mut item = DataSet::new();
        item.put_text(tags::PATIENT_ID, Vr::LO, "4711");
        assert_eq!(asked_for(&item, &[]), (Status::SUCCESS, item.clone()));
        assert_eq!(asked_for(&item, &[tags::PATIENT_ID]), (Status::SUCCESS, item.clone()));
        let (status, found) = asked_for(&item, &[tags::PATIENT_ID, tags::TRANSACTION_UID]);
        assert_eq!((status.0, found), (0x0001, item));
    }
}

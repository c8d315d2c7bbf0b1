//! How far the sub-operations of a C-GET or C-MOVE are, and what is said about it. Pure.

use super::service::Failure;
use crate::message::{Command, Status, SubOperations};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};
use yingdun_model::Uid;

/// Sub-operations of one request.
pub(super) struct Progress {
    remaining: u16,
    completed: u16,
    warning: u16,
    failed: Vec<Uid>,
    /// The words of the first failure.
    comment: Option<String>,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything had its turn.
    Finished,
    /// The peer cancelled.
    Cancelled,
}

impl Progress {
    pub(super) const fn of(total: u16) -> Self {
        Self { remaining: total, completed: 0, warning: 0, failed: Vec::new(), comment: None }
    }

    /// One sub-operation has ended.
    pub(super) fn ended(&mut self, instance: &Uid, outcome: Result<Status, Failure>) {
        self.remaining = self.remaining.saturating_sub(1);
        match outcome {
            Ok(Status::SUCCESS) => self.completed += 1,
            Ok(status) if status.is_warning() => self.warning += 1,
            Ok(status) => self.fail(instance, &format!("refused by the receiver: {status}")),
            Err(failure) => self.fail(instance, &failure.comment),
        }
    }

    fn fail(&mut self, instance: &Uid, comment: &str) {
        self.failed.push(instance.clone());
        self.comment.get_or_insert_with(|| comment.to_owned());
    }

    /// Objects that arrived.
    pub(super) fn arrived(&self) -> u64 {
        u64::from(self.completed) + u64::from(self.warning)
    }

    /// The response in between.
    pub(super) fn pending(&self, request: &Command) -> Command {
        request.response(Status::PENDING, None).with_sub_operations(self.counts(Some(self.remaining)))
    }

    /// The last response (PS3.4 tables C.4-2 and C.4-3), and its data set if something failed: the instances that
    /// did not arrive (PS3.4 §C.4.2.1.4.2).
    pub(super) fn last(&self, request: &Command, ending: Ending) -> (Command, Option<DataSet>) {
        let status = match ending {
            Ending::Cancelled => Status::CANCELLED,
            Ending::Finished if self.failed.is_empty() && self.warning == 0 => Status::SUCCESS,
            Ending::Finished if self.arrived() == 0 => Status::UNABLE_TO_SEND,
            Ending::Finished => Status::SOME_FAILED,
        };
        let remaining = (ending == Ending::Cancelled).then_some(self.remaining);
        let response =
            request.response(status, self.comment.as_deref()).with_sub_operations(self.counts(remaining));
        if self.failed.is_empty() {
            return (response, None);
        }
        let mut list = DataSet::new();
        let uids: Vec<&str> = self.failed.iter().map(Uid::as_str).collect();
        list.put_text(tags::FAILED_SOP_INSTANCE_UID_LIST, Vr::UI, &uids.join("\\"));
        (response.with_data_set(), Some(list))
    }

    fn counts(&self, remaining: Option<u16>) -> SubOperations {
        let failed = u16::try_from(self.failed.len()).unwrap_or(u16::MAX);
        SubOperations { remaining, completed: self.completed, failed, warning: self.warning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scp::FailureKind;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn request() -> Command {
        Command::get_request(3, &uid("1.2.840.10008.5.1.4.1.2.2.3"))
    }

    fn after(outcomes: &[Option<Status>]) -> Progress {
        let mut progress = Progress::of(u16::try_from(outcomes.len()).unwrap() + 1);
        for (number, outcome) in outcomes.iter().enumerate() {
            let failure = || Failure::new(FailureKind::Processing, "no replica answers");
            progress.ended(&uid(&format!("1.2.{number}")), outcome.ok_or_else(failure));
        }
        progress
    }

    #[test]
    fn the_counts_add_up_to_all_of_them() {
        let progress =
            after(&[Some(Status::SUCCESS), Some(Status::SOME_FAILED), Some(Status::OUT_OF_RESOURCES), None]);
        let counts = progress.pending(&request()).sub_operations();
        assert_eq!(counts, SubOperations { remaining: Some(1), completed: 1, failed: 2, warning: 1 });
    }

    #[test]
    fn the_last_response_says_how_much_arrived() {
        for (outcomes, status) in [
            (&[][..], Status::SUCCESS),
            (&[Some(Status::SUCCESS)], Status::SUCCESS),
            (&[Some(Status::SUCCESS), None], Status::SOME_FAILED),
            (&[Some(Status::SOME_FAILED)], Status::SOME_FAILED),
            (&[None, Some(Status::OUT_OF_RESOURCES)], Status::UNABLE_TO_SEND),
        ] {
            let (response, list) = after(outcomes).last(&request(), Ending::Finished);
            assert_eq!(response.status(), Some(status), "{outcomes:?}");
            assert_eq!(response.sub_operations().remaining, None);
            assert_eq!(response.has_data_set(), list.is_some());
        }
        let (response, list) = after(&[None]).last(&request(), Ending::Finished);
        assert_eq!(response.error_comment().as_deref(), Some("no replica answers"));
        let list = list.unwrap();
        assert_eq!(list.uid(tags::FAILED_SOP_INSTANCE_UID_LIST), Some(uid("1.2.0")));
    }

    #[test]
    fn a_cancel_says_what_remains() {
        let (response, list) = after(&[Some(Status::SUCCESS)]).last(&request(), Ending::Cancelled);
        assert_eq!(response.status(), Some(Status::CANCELLED));
        assert_eq!(response.sub_operations().remaining, Some(1));
        assert!(list.is_none());
    }
}

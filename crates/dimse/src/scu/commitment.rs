//! N-ACTION of storage commitment (PS3.4 §J.3.2): asks a peer whether it keeps instances, and takes its answer where it comes
//! over the same association.

use super::retrieve::status_of;
use super::{Answer, Scu, ScuError};
use crate::association::{AssociationError, Proposals, ProposalsError, Received};
use crate::commitment::{
    Outcome, REQUEST_COMMITMENT, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, Transaction, outcome_of,
};
use crate::message::{Command, CommandField, MessageError, Operation, Status, element, read_command};
use crate::scp::{Failure, FailureKind};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{transfer_syntax, write};
use yingdun_model::Uid;

impl Proposals {
    /// What storage commitment is asked with: its SOP class in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub fn commitment_request() -> Result<Self, ProposalsError> {
        Self::normalized(STORAGE_COMMITMENT)
    }
}

impl Scu {
    /// N-ACTION: asks whether instances are kept. Success says that the peer will tell, here or over an association of its own.
    /// A status that is not success is an [`Answer`], not an error: the association goes on.
    ///
    /// # Errors
    /// [`ScuError::NoCommitment`] before anything is sent. Any other error ends the association.
    pub async fn request_commitment(&mut self, transaction: &Transaction) -> Result<Answer, ScuError> {
        let mut contexts = self.association.contexts().iter();
        let context = contexts.find(|context| context.abstract_syntax.as_str() == STORAGE_COMMITMENT);
        let context = context.cloned().ok_or(ScuError::NoCommitment)?;
        let instance = Uid::new(STORAGE_COMMITMENT_INSTANCE).map_err(|_| ScuError::NoCommitment)?;
        let message_id = self.next_message_id();
        let request = Command::request(Operation::Action, message_id, &context.abstract_syntax)
            .with_uid(element::REQUESTED_SOP_INSTANCE, &instance)
            .with_number(element::ACTION_TYPE_ID, REQUEST_COMMITMENT)
            .with_data_set();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        let data_set = write::data_set(&transaction.write(), encoding);
        self.association.send_message(context.id, &request.encode(), &data_set).await?;
        let response = loop {
            let (came_in, command) = self.command().await?;
            let set = self.data_set(came_in, &command).await?;
            match command.field() {
                CommandField::Response(Operation::Action) if came_in == context.id => break command,
                // Some peers are faster with their report than with their answer. It waits until that is here.
                CommandField::Request(Operation::EventReport) if self.early_report.is_none() => {
                    self.early_report = Some(Report { context: came_in, command, set });
                }
                CommandField::Request(_) | CommandField::Response(_) | CommandField::Cancel => {
                    return Err(ScuError::WrongResponse { message_id });
                }
            }
        };
        Ok(Answer { status: status_of(&response, &request)?, comment: response.error_comment() })
    }

    /// Waits for the answer on this association, and ends it: when the answer was kept, when the peer goes, or when the time is
    /// over. `keep` returns when the answer survives a crash; only then the peer hears success. Whether it came.
    ///
    /// # Errors
    /// [`ScuError`]; what was kept stays kept.
    pub async fn await_commitment<F: Future<Output = Result<(), Failure>>>(
        mut self,
        time: Duration,
        keep: impl FnMut(Outcome) -> F,
    ) -> Result<bool, ScuError> {
        match self.reported(Instant::now() + time, keep).await {
            Ok(End::PeerReleases) => {
                self.association.confirm_release().await?;
                Ok(false)
            }
            Ok(End::Ours { kept }) => {
                // What matters has been said, however this ends.
                let _ = self.release().await;
                Ok(kept)
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn reported<F: Future<Output = Result<(), Failure>>>(
        &mut self,
        until: Instant,
        mut keep: impl FnMut(Outcome) -> F,
    ) -> Result<End, ScuError> {
        loop {
            let Report { context, command, set } = match self.early_report.take() {
                Some(early) => early,
                None => {
                    let idle = self.association.timeouts().idle;
                    let first = match timeout_at(until, self.association.receive(idle)).await {
                        Err(_) | Ok(Err(AssociationError::TimedOut { .. })) => {
                            return Ok(End::Ours { kept: false });
                        }
                        Ok(Ok(Received::Release)) => return Ok(End::PeerReleases),
                        Ok(Ok(Received::Fragment(first))) => first,
                        Ok(Err(error)) => return Err(error.into()),
                    };
                    let (context, command) = read_command(&mut self.association, first).await?;
                    let set = self.data_set(context, &command).await?;
                    Report { context, command, set }
                }
            };
            if command.field() != CommandField::Request(Operation::EventReport) {
                let expected = "a report of storage commitment";
                return Err(MessageError::Interleaved { expected, context }.into());
            }
            let none = || Failure::new(FailureKind::InvalidArgument, "the data set cannot be read");
            let told = match set.ok_or_else(none).and_then(|set| outcome_of(&command, &set)) {
                Ok(outcome) => keep(outcome).await,
                Err(failure) => Err(failure),
            };
            let response = match &told {
                Ok(()) => command.response(Status::SUCCESS, None),
                Err(failure) => command.response(failure.status(), Some(&failure.comment)),
            };
            self.association.send_command(context, &response.encode()).await?;
            if told.is_ok() {
                return Ok(End::Ours { kept: true });
            }
        }
    }
}

/// A report as it came, to be taken.
pub(super) struct Report {
    context: u8,
    command: Command,
    set: Option<DataSet>,
}

/// How the wait ended.
enum End {
    /// The peer asks for release.
    PeerReleases,
    /// It is for us to release.
    Ours { kept: bool },
}

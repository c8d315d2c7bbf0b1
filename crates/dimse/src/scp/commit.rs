//! Storage commitment (PS3.4 annex J): N-ACTION asks, N-EVENT-REPORT answers on the same association as long as the
//! peer stays.
//!
//! ```text
//!  N-ACTION-RQ ─► Service::commit ─► N-ACTION-RSP ┄┄ other messages ┄┄► N-EVENT-REPORT-RQ ─► N-EVENT-REPORT-RSP
//!                     kept durably                    PendingReport::outcome                        PendingReport::told
//! ```
//!
//! A report is sent between two messages, one at a time. A peer that leaves first is told on an association of ours.

use super::conversation::Conversation;
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::commitment::{
    Outcome, REPORT_BYTES_MAX, REPORT_ELEMENTS_MAX, REQUEST_BYTES_MAX, REQUEST_COMMITMENT,
    REQUEST_ELEMENTS_MAX, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, Transaction, is_taken, outcome_of,
};
use crate::message::{Command, MessageError, Operation, element};
use std::future::poll_fn;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use yingdun_dicom::{transfer_syntax, write};
use yingdun_model::Uid;

/// Requests of one association whose report has not been sent. A peer that asks for more is told later, on an
/// association of ours.
const PENDING_MAX: usize = 64;

/// The answer to a request that was kept. Dropped before the end, the peer has not been told here.
#[derive(Debug)]
pub struct PendingReport {
    /// Gives the outcome, once.
    pub outcome: oneshot::Receiver<Outcome>,
    /// Takes whether the peer was told.
    pub told: oneshot::Sender<bool>,
}

/// The reports of one association.
#[derive(Default)]
pub(super) struct Reports {
    pending: Vec<(u8, PendingReport)>,
    /// Sent and not answered: its message ID.
    sent: Option<(u16, oneshot::Sender<bool>)>,
    last_message_id: u16,
}

/// A report that can be sent now.
pub(super) struct Report {
    context: u8,
    outcome: Outcome,
    told: oneshot::Sender<bool>,
}

impl Reports {
    /// The next report that can be sent. May be cancelled and called again without losing anything.
    pub(super) async fn next(&mut self) -> Report {
        poll_fn(|context| {
            if self.sent.is_some() {
                return Poll::Pending;
            }
            let mut place = 0;
            while let Some((_, pending)) = self.pending.get_mut(place) {
                match std::pin::Pin::new(&mut pending.outcome).poll(context) {
                    Poll::Pending => place += 1,
                    Poll::Ready(known) => {
                        let (context, PendingReport { told, .. }) = self.pending.swap_remove(place);
                        // Without an outcome it is told elsewhere.
                        if let Ok(outcome) = known {
                            return Poll::Ready(Report { context, outcome, told });
                        }
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// N-ACTION: takes a request.
    pub(super) async fn commit(&mut self, context: &Context, command: &Command) -> Result<(), MessageError> {
        let read = self.data_set(context, command, REQUEST_BYTES_MAX, REQUEST_ELEMENTS_MAX).await?;
        let asked = match asks_for_commitment(command).and(read).and_then(|set| Transaction::read(&set)) {
            Ok(transaction) => self.service.commit(self.session, self.peer, transaction).await,
            Err(failure) => Err(failure),
        };
        let done = asked.map(|pending| {
            if self.reports.pending.len() < PENDING_MAX {
                self.reports.pending.push((context.id, pending));
            }
        });
        let outcome = if done.is_ok() { "accepted" } else { "refused" };
        metrics::counter!("yingdun_dimse_commitments_total", "outcome" => outcome).increment(1);
        self.conclude(context, command, done).await
    }

    /// N-EVENT-REPORT: sends a report. Its answer comes as a message of its own.
    pub(super) async fn report(&mut self, report: Report) -> Result<(), MessageError> {
        let Report { context, outcome, told } = report;
        self.reports.last_message_id = self.reports.last_message_id.wrapping_add(1);
        let message_id = self.reports.last_message_id;
        let encoding = transfer_syntax::lookup(&self.association.context(context)?.transfer_syntax).encoding;
        if let Some(command) = report_command(message_id, &outcome) {
            let data_set = write::data_set(&outcome.write(), encoding);
            self.association.send_message(context, &command.encode(), &data_set).await?;
            self.reports.sent = Some((message_id, told));
        }
        Ok(())
    }

    /// N-EVENT-REPORT of the peer: what became of what it was asked to keep.
    pub(super) async fn committed(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<(), MessageError> {
        let read = self.data_set(context, command, REPORT_BYTES_MAX, REPORT_ELEMENTS_MAX).await?;
        let taken = match read.and_then(|set| outcome_of(command, &set)) {
            Ok(outcome) => self.service.committed(self.session, self.peer, outcome).await,
            Err(failure) => Err(failure),
        };
        let outcome = if taken.is_ok() { "accepted" } else { "refused" };
        metrics::counter!("yingdun_dimse_commitment_answers_total", "outcome" => outcome).increment(1);
        self.conclude(context, command, taken).await
    }

    /// The answer to a report.
    pub(super) async fn reported(
        &mut self,
        context: &Context,
        response: &Command,
    ) -> Result<(), MessageError> {
        self.discard(context, response, 0).await?;
        match self.reports.sent.take() {
            Some((message_id, told)) if response.message_id_responded_to() == Some(message_id) => {
                // Whoever does not listen any more has given up on this association.
                let _ = told.send(is_taken(response.status()));
                Ok(())
            }
            Some(_) | None => Err(MessageError::Interleaved { expected: "a request", context: context.id }),
        }
    }
}

/// The command set of a report.
pub(crate) fn report_command(message_id: u16, outcome: &Outcome) -> Option<Command> {
    let (class, instance) = (Uid::new(STORAGE_COMMITMENT).ok()?, Uid::new(STORAGE_COMMITMENT_INSTANCE).ok()?);
    let command = Command::request(Operation::EventReport, message_id, &class)
        .with_uid(element::AFFECTED_SOP_INSTANCE, &instance)
        .with_number(element::EVENT_TYPE_ID, outcome.event_type());
    Some(command.with_data_set())
}

fn asks_for_commitment(command: &Command) -> Result<(), Failure> {
    let is = |number, wanted| command.uid(number).is_some_and(|uid| uid.as_str() == wanted);
    if !is(element::REQUESTED_SOP_CLASS, STORAGE_COMMITMENT) {
        return Err(Failure::new(FailureKind::NoSuchClass, "not the class of its presentation context"));
    }
    if !is(element::REQUESTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE) {
        return Err(Failure::new(FailureKind::NoSuchInstance, "not the well-known instance"));
    }
    if command.number(element::ACTION_TYPE_ID) != Some(REQUEST_COMMITMENT) {
        return Err(Failure::new(FailureKind::NoSuchAction, "the only action type is 1"));
    }
    Ok(())
}

//! One association from its acceptance to its end: read a command, give it to the service that it is for, and again.
//!
//! A message that fails does not end the association: what remains of it is read and thrown away, the peer gets
//! its status, and the next message may come.

use super::commit::Reports;
use super::measure;
use super::negotiate::{self, Options};
use super::service::{Failure, Peer, Service};
use super::store::Finishing;
use super::workitem;
use super::worklist::MODALITY_WORKLIST;
use crate::association::{Association, AssociationError, Context, Received};
use crate::commitment::STORAGE_COMMITMENT;
use crate::message::{
    Command, CommandError, CommandField, MessageError, Operation, Status, element, read_command, read_data,
};
use crate::pdu::{AbortSource, ExtendedNegotiation, Pdv};
use crate::query::{Model, Verb};
use crate::{PERFORMED_STEP, PERFORMED_STEP_RETRIEVE};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use yingdun_access::{AssociationEnd, DeviceHabits};
use yingdun_dicom::dictionary::is_storage_sop_class;

/// Bytes of an object that already failed which are read and thrown away, at most; a peer that sends more of it
/// is aborted. Beyond the longest object that real modalities make.
const DISCARD_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// After a stop, how long an association may wait for its next message: enough for a peer that has one ready.
const DRAIN_IDLE: Duration = Duration::from_secs(2);

/// An association and what its peer may do.
pub(super) struct Conversation<'a, S: Service, T> {
    pub(super) service: &'a S,
    pub(super) session: &'a S::Session,
    pub(super) peer: &'a Peer,
    pub(super) association: Association<T>,
    pub(super) counts: Counts,
    pub(super) reports: Reports,
    pub(super) habits: &'a DeviceHabits,
    /// Objects that have arrived and are not durable yet, where several operations may be outstanding.
    pub(super) finishing: FuturesUnordered<Finishing>,
    extended: Vec<ExtendedNegotiation>,
}

/// What happened in one association, for the log.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) stored: u64,
    pub(super) failed: u64,
    pub(super) found: u64,
    pub(super) sent: u64,
    /// The status of the last final response.
    pub(super) last: Status,
    bytes: u64,
}

/// How the loop ended.
enum End {
    /// The peer asked for release.
    Release,
    /// We stop.
    Stopped,
}

impl<'a, S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'a, S, T> {
    pub(super) fn new(
        service: &'a S,
        session: &'a S::Session,
        peer: &'a Peer,
        association: Association<T>,
        extended: Vec<ExtendedNegotiation>,
        habits: &'a DeviceHabits,
    ) -> Self {
        let (counts, reports, finishing) = (Counts::default(), Reports::default(), FuturesUnordered::new());
        Self { service, session, peer, association, counts, reports, habits, finishing, extended }
    }

    /// Serves the association to its end. After `stop` it may finish what it has begun; `give_up` ends it.
    /// Gives how it ended.
    pub(super) async fn run(
        mut self,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) -> AssociationEnd {
        let started = Instant::now();
        let open = metrics::gauge!("yingdun_dimse_associations_open");
        open.increment(1.0);
        let ended = tokio::select! {
            ended = self.messages(stop) => ended,
            () = give_up.cancelled() => Ok(End::Stopped),
        };
        open.decrement(1.0);
        let outcome = match &ended {
            Ok(End::Release) => "released".to_owned(),
            Ok(End::Stopped) => "aborted: this server stops".to_owned(),
            Err(error) => format!("aborted: {error}"),
        };
        tracing::info!(
            address = %self.peer.address,
            calling = %self.peer.calling,
            called = %self.peer.called,
            stored = self.counts.stored,
            failed = self.counts.failed,
            found = self.counts.found,
            sent = self.counts.sent,
            bytes = self.counts.bytes,
            seconds = started.elapsed().as_secs_f32(),
            outcome,
            "an association ended"
        );
        let Counts { stored, failed, sent, bytes, .. } = self.counts;
        let released = matches!(ended, Ok(End::Release));
        match ended {
            // The peer may be gone already; there is nothing left to lose.
            Ok(End::Release) => drop(self.association.confirm_release().await),
            Ok(End::Stopped) => self.association.abort(AbortSource::User).await,
            Err(error) => {
                if let Some(source) = error.abort_source() {
                    self.association.abort(source).await;
                }
            }
        }
        AssociationEnd { released, stored, failed, sent, bytes }
    }

    async fn messages(&mut self, stop: &CancellationToken) -> Result<End, MessageError> {
        let mut stopping = stop.is_cancelled();
        loop {
            let idle = self.association.timeouts().idle;
            let wait = if stopping { idle.min(DRAIN_IDLE) } else { idle };
            let has_room = self.finishing.len() < usize::from(self.association.window());
            let received = tokio::select! {
                // What is done is answered first, and a message that is there already goes before the rest.
                biased;
                Some(finished) = self.finishing.next() => {
                    self.finished(finished).await?;
                    continue;
                }
                received = self.association.receive(wait), if has_room => received,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    continue;
                }
                report = self.reports.next() => {
                    self.report(report).await?;
                    continue;
                }
            };
            match received {
                Ok(Received::Fragment(first)) => self.message(first).await?,
                Ok(Received::Release) => return Ok(End::Release),
                // The peer waits for our answers.
                Err(AssociationError::TimedOut { .. }) if !self.finishing.is_empty() => {}
                Err(AssociationError::TimedOut { .. }) if stopping => return Ok(End::Stopped),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One message: each service has a file of its own, here is only which.
    async fn message(&mut self, first: Pdv) -> Result<(), MessageError> {
        let (context_id, command) = read_command(&mut self.association, first).await?;
        let context = self.association.context(context_id)?.clone();
        match command.field() {
            CommandField::Request(_) if command.message_id().is_none() => {
                Err(CommandError::Missing(element::MESSAGE_ID).into())
            }
            CommandField::Request(Operation::Echo) => {
                self.discard(&context, &command, 0).await?;
                let done = self.service.echo(self.session).await;
                self.conclude(&context, &command, done).await
            }
            CommandField::Request(Operation::Store)
                if is_storage_sop_class(context.abstract_syntax.as_str()) =>
            {
                self.store(&context, &command).await
            }
            CommandField::Request(Operation::Action)
                if context.abstract_syntax.as_str() == STORAGE_COMMITMENT =>
            {
                self.commit(&context, &command).await
            }
            CommandField::Request(Operation::EventReport)
                if context.abstract_syntax.as_str() == STORAGE_COMMITMENT =>
            {
                self.committed(&context, &command).await
            }
            CommandField::Request(Operation::Find)
                if context.abstract_syntax.as_str() == MODALITY_WORKLIST =>
            {
                let began = Instant::now();
                let done = self.worklist(&context, &command).await;
                measure::operation("worklist", began, done.is_ok().then_some(self.counts.last));
                done
            }
            CommandField::Request(Operation::Create)
                if context.abstract_syntax.as_str() == PERFORMED_STEP =>
            {
                self.begin_step(&context, &command).await
            }
            CommandField::Request(Operation::SetAttributes)
                if context.abstract_syntax.as_str() == PERFORMED_STEP =>
            {
                self.change_step(&context, &command).await
            }
            CommandField::Request(Operation::GetAttributes)
                if context.abstract_syntax.as_str() == PERFORMED_STEP_RETRIEVE =>
            {
                self.tell_step(&context, &command).await
            }
            CommandField::Request(operation) if workitem::takes(&context.abstract_syntax, operation) => {
                let began = Instant::now();
                let done = self.workitem(&context, &command, operation).await;
                measure::operation("workitem", began, done.is_ok().then_some(self.counts.last));
                done
            }
            CommandField::Response(Operation::EventReport) => self.reported(&context, &command).await,
            CommandField::Request(operation) if let Some(model) = asked(&context, operation) => {
                let began = Instant::now();
                let (verb, done) = match model.verb {
                    Verb::Find => ("find", self.find(&context, &command, model.root).await),
                    Verb::Get => ("get", self.get(&context, &command, model.root).await),
                    Verb::Move => ("move", self.move_(&context, &command, model.root).await),
                };
                measure::operation(verb, began, done.is_ok().then_some(self.counts.last));
                done
            }
            CommandField::Request(_) => {
                self.discard(&context, &command, 0).await?;
                self.answer(&context, &command, Status::UNRECOGNISED_OPERATION, None).await
            }
            // There is nothing to cancel any more, and a cancel has no answer (PS3.7 §9.3.2.3).
            CommandField::Cancel => Ok(()),
            CommandField::Response(_) => {
                Err(MessageError::Interleaved { expected: "a request", context: context.id })
            }
        }
    }

    /// What was agreed about queries and retrievals in a context.
    pub(super) fn options(&self, context: &Context) -> Options {
        negotiate::options(&self.extended, &context.abstract_syntax)
    }

    /// Reads what is left of a data set and throws it away; `received` bytes of it came before.
    pub(super) async fn discard(
        &mut self,
        context: &Context,
        command: &Command,
        mut received: u64,
    ) -> Result<(), MessageError> {
        let mut last = !command.has_data_set();
        while !last {
            let (bytes, is_last) = read_data(&mut self.association, context.id).await?;
            last = is_last;
            received += bytes.len() as u64;
            self.count_bytes(bytes.len());
            if received > DISCARD_BYTES_MAX {
                return Err(MessageError::Interleaved {
                    expected: "the end of a data set",
                    context: context.id,
                });
            }
        }
        Ok(())
    }

    /// Answers a request that is over.
    pub(super) async fn conclude(
        &mut self,
        context: &Context,
        request: &Command,
        done: Result<(), Failure>,
    ) -> Result<(), MessageError> {
        match done {
            Ok(()) => self.answer(context, request, Status::SUCCESS, None).await,
            Err(failure) => {
                let response = request.response(failure.status(), Some(&failure.comment));
                let response = match failure.error_id() {
                    Some(id) => response.with_number(element::ERROR_ID, id),
                    None => response,
                };
                Ok(self.association.send_command(context.id, &response.encode()).await?)
            }
        }
    }

    pub(super) async fn answer(
        &mut self,
        context: &Context,
        request: &Command,
        status: Status,
        comment: Option<&str>,
    ) -> Result<(), MessageError> {
        self.counts.last = status;
        let response = request.response(status, comment).encode();
        Ok(self.association.send_command(context.id, &response).await?)
    }

    /// Whether the peer has cancelled this request, as far as can be told without waiting.
    pub(super) async fn is_cancelled(&mut self, request: &Command) -> Result<bool, MessageError> {
        match self.association.received_already().await? {
            None => Ok(false),
            Some(Received::Release) => Err(MessageError::ReleaseInside),
            Some(Received::Fragment(first)) => {
                let (context, command) = read_command(&mut self.association, first).await?;
                match command.field() {
                    CommandField::Cancel => Ok(cancels(&command, request)),
                    CommandField::Response(Operation::EventReport) => {
                        let context = self.association.context(context)?.clone();
                        self.reported(&context, &command).await.map(|()| false)
                    }
                    CommandField::Request(_) | CommandField::Response(_) => {
                        Err(MessageError::Interleaved { expected: "nothing but a cancel", context })
                    }
                }
            }
        }
    }

    pub(super) fn count_bytes(&mut self, bytes: usize) {
        self.counts.bytes += bytes as u64;
        metrics::counter!("yingdun_dimse_received_bytes_total").increment(bytes as u64);
    }
}

// === helpers ===

/// Whether a C-CANCEL is about this request.
pub(super) fn cancels(cancel: &Command, request: &Command) -> bool {
    cancel.message_id_responded_to() == request.message_id()
}

/// The model of a query or retrieval, if the operation is the one of its context.
fn asked(context: &Context, operation: Operation) -> Option<Model> {
    let fits = |model: &Model| match model.verb {
        Verb::Find => operation == Operation::Find,
        Verb::Get => operation == Operation::Get,
        Verb::Move => operation == Operation::Move,
    };
    Model::of(&context.abstract_syntax).filter(fits)
}

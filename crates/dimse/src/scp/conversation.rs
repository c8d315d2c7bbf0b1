//! One association from its acceptance to its end: read a command, do it, answer it, and again.
//!
//! An object that fails does not end the association: what remains of it is read and thrown away, the peer gets
//! its status, and the next object may come.

use super::service::{Failure, FailureKind, Incoming, Object, Peer, Service};
use crate::VERIFICATION;
use crate::association::{Association, AssociationError, Context, Received};
use crate::message::{
    Command, CommandError, CommandField, MessageError, Status, element, read_command, read_data,
};
use crate::pdu::{AbortSource, Pdv};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Bytes of an object that already failed which are read and thrown away, at most; a peer that sends more of it
/// is aborted. Beyond the longest object that real modalities make.
const DISCARD_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// After a stop, how long an association may wait for its next message: enough for a peer that has one ready.
const DRAIN_IDLE: Duration = Duration::from_secs(2);

/// An association and what its peer may do.
pub(super) struct Conversation<'a, S: Service, T> {
    service: &'a S,
    session: &'a S::Session,
    peer: &'a Peer,
    association: Association<T>,
    counts: Counts,
}

/// What happened in one association, for the log.
#[derive(Default)]
struct Counts {
    stored: u64,
    failed: u64,
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
    ) -> Self {
        Self { service, session, peer, association, counts: Counts::default() }
    }

    /// Serves the association to its end. After `stop` it may finish what it has begun; `give_up` ends it.
    pub(super) async fn run(mut self, stop: &CancellationToken, give_up: &CancellationToken) {
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
            bytes = self.counts.bytes,
            seconds = started.elapsed().as_secs_f32(),
            outcome,
            "an association ended"
        );
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
    }

    async fn messages(&mut self, stop: &CancellationToken) -> Result<End, MessageError> {
        let mut stopping = stop.is_cancelled();
        loop {
            let idle = self.association.timeouts().idle;
            let wait = if stopping { idle.min(DRAIN_IDLE) } else { idle };
            let received = tokio::select! {
                // A message that is there already goes first.
                biased;
                received = self.association.receive(wait) => received,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    continue;
                }
            };
            match received {
                Ok(Received::Fragment(first)) => self.message(first).await?,
                Ok(Received::Release) => return Ok(End::Release),
                Err(AssociationError::TimedOut { .. }) if stopping => return Ok(End::Stopped),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One message and its answer.
    async fn message(&mut self, first: Pdv) -> Result<(), MessageError> {
        let (context_id, command) = read_command(&mut self.association, first).await?;
        let context = self.association.context(context_id)?.clone();
        let done = match command.field() {
            CommandField::StoreRq | CommandField::EchoRq | CommandField::OtherRq(_)
                if command.message_id().is_none() =>
            {
                return Err(CommandError::Missing(element::MESSAGE_ID).into());
            }
            CommandField::EchoRq => {
                self.discard(&context, &command, 0).await?;
                self.service.echo(self.session).await
            }
            CommandField::StoreRq if context.abstract_syntax.as_str() != VERIFICATION => {
                let stored = self.store(&context, &command).await?;
                match &stored {
                    Ok(()) => self.counts.stored += 1,
                    Err(failure) => {
                        self.counts.failed += 1;
                        let (calling, status) = (&self.peer.calling, failure.status());
                        tracing::warn!(%calling, %status, comment = failure.comment, "an object was not stored");
                    }
                }
                let status = stored.as_ref().map_or_else(Failure::status, |()| Status::SUCCESS);
                metrics::counter!("yingdun_dimse_stores_total", "status" => format!("{:04X}", status.0))
                    .increment(1);
                stored
            }
            // There is nothing to cancel, and a cancel has no answer (PS3.7 §9.3.2.3).
            CommandField::CancelRq => return Ok(()),
            CommandField::StoreRq | CommandField::OtherRq(_) => {
                self.discard(&context, &command, 0).await?;
                return self.answer(&context, &command, Status::UNRECOGNISED_OPERATION, None).await;
            }
            CommandField::StoreRsp | CommandField::EchoRsp | CommandField::OtherRsp(_) => {
                return Err(MessageError::Interleaved { expected: "a request", context: context.id });
            }
        };
        match done {
            Ok(()) => self.answer(&context, &command, Status::SUCCESS, None).await,
            Err(failure) => self.answer(&context, &command, failure.status(), Some(&failure.comment)).await,
        }
    }

    /// Receives one object. The outer error ends the association, the inner one is the object's own.
    async fn store(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<Result<(), Failure>, MessageError> {
        if !command.has_data_set() {
            return Ok(Err(Failure::new(FailureKind::CannotUnderstand, "a C-STORE request has a data set")));
        }
        let begun = match declared(context, command) {
            Ok(object) => self.service.receive(self.session, object).await,
            Err(failure) => Err(failure),
        };
        let mut incoming = match begun {
            Ok(incoming) => incoming,
            Err(failure) => {
                self.discard(context, command, 0).await?;
                return Ok(Err(failure));
            }
        };
        let mut received = 0;
        loop {
            let (bytes, last) = read_data(&mut self.association, context.id).await?;
            received += bytes.len() as u64;
            self.count_bytes(bytes.len());
            if let Err(failure) = incoming.write(bytes).await {
                drop(incoming);
                if !last {
                    self.discard(context, command, received).await?;
                }
                return Ok(Err(failure));
            }
            if last {
                return Ok(incoming.finish().await);
            }
        }
    }

    /// Reads what is left of a data set and throws it away; `received` bytes of it came before.
    async fn discard(
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

    async fn answer(
        &mut self,
        context: &Context,
        request: &Command,
        status: Status,
        comment: Option<&str>,
    ) -> Result<(), MessageError> {
        let response = request.response(status, comment).encode();
        Ok(self.association.send_command(context.id, &response).await?)
    }

    fn count_bytes(&mut self, bytes: usize) {
        self.counts.bytes += bytes as u64;
        metrics::counter!("yingdun_dimse_received_bytes_total").increment(bytes as u64);
    }
}

/// What a C-STORE request says about its object.
fn declared(context: &Context, command: &Command) -> Result<Object, Failure> {
    if command.uid(element::AFFECTED_SOP_CLASS).as_ref() != Some(&context.abstract_syntax) {
        return Err(Failure::new(
            FailureKind::SopClassNotSupported,
            "SOP class is not the one of its presentation context",
        ));
    }
    let sop_instance = command.uid(element::AFFECTED_SOP_INSTANCE).ok_or_else(|| {
        Failure::new(FailureKind::InvalidSopInstance, "SOP instance UID missing or illegal")
    })?;
    Ok(Object {
        sop_class: context.abstract_syntax.clone(),
        sop_instance,
        transfer_syntax: context.transfer_syntax.clone(),
    })
}

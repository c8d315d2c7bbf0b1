//! C-STORE: one object from a peer (PS3.4 annex B).

use super::conversation::Conversation;
use super::service::{Failure, FailureKind, Incoming, Object, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, Status, element, read_data};
use std::pin::Pin;
use std::task::{self, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

/// An object whose bytes are here and that is not durable yet. Dropped, its task goes on: a sender that hangs up leaves no
/// half of an object.
pub(super) struct Finishing {
    context: Context,
    command: Command,
    task: JoinHandle<Result<(), Failure>>,
}

/// An object that is durable now, or not stored, and is to be answered.
pub(super) struct Finished {
    context: Context,
    command: Command,
    stored: Result<(), Failure>,
}

impl Future for Finishing {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Finished> {
        let broken = |_| Err(Failure::new(FailureKind::Processing, "the object could not be stored"));
        let stored = ready!(Pin::new(&mut self.task).poll(context)).unwrap_or_else(broken);
        Poll::Ready(Finished { context: self.context.clone(), command: self.command.clone(), stored })
    }
}

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Receives one object and answers it; where several operations may be outstanding, the next message may come before
    /// it is durable, and the answers go out in the order in which the objects are.
    pub(super) async fn store(&mut self, context: &Context, command: &Command) -> Result<(), MessageError> {
        let stored = match self.receive(context, command).await? {
            Ok(incoming) if self.association.window() > 1 => {
                // A task of its own: it goes on while the next object is read.
                let task = tokio::spawn(incoming.finish());
                self.finishing.push(Finishing { context: context.clone(), command: command.clone(), task });
                return Ok(());
            }
            Ok(incoming) => incoming.finish().await,
            Err(failure) => Err(failure),
        };
        self.stored_or_not(context, command, stored).await
    }

    /// Answers an object that was finished beside others.
    pub(super) async fn finished(&mut self, finished: Finished) -> Result<(), MessageError> {
        let Finished { context, command, stored } = finished;
        self.stored_or_not(&context, &command, stored).await
    }

    async fn stored_or_not(
        &mut self,
        context: &Context,
        command: &Command,
        stored: Result<(), Failure>,
    ) -> Result<(), MessageError> {
        match &stored {
            Ok(()) => self.counts.stored += 1,
            Err(failure) => {
                self.counts.failed += 1;
                let (calling, status) = (&self.peer.calling, failure.status());
                tracing::warn!(%calling, %status, comment = failure.comment, "an object was not stored");
            }
        }
        let status = stored.as_ref().map_or_else(Failure::status, |()| Status::SUCCESS);
        metrics::counter!("yingdun_dimse_stores_total", "status" => format!("{:04X}", status.0)).increment(1);
        self.conclude(context, command, stored).await
    }

    /// Receives the bytes of one object. The outer error ends the association, the inner one is the object's own.
    async fn receive(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<Result<S::Incoming, Failure>, MessageError> {
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
                return Ok(Ok(incoming));
            }
        }
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

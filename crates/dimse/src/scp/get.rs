//! C-GET: objects come back over the association that asked for them (PS3.4 §C.4.3).

use super::ahead::{Ahead, Turn};
use super::conversation::{Conversation, cancels};
use super::measure;
use super::progress::{Ending, Progress};
use super::service::{Failure, FailureKind, Outgoing, Service};
use crate::association::{Context, Received};
use crate::message::{Command, CommandField, MessageError, Operation, Status, read_command};
use crate::query::{Root, Selection};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::{transfer_syntax, write};
use yingdun_model::Uid;

/// Number of our first request in an association. Each side counts its own.
const FIRST_MESSAGE_ID: u16 = 1;

/// A C-GET under way.
struct Retrieval<'a> {
    context: &'a Context,
    request: &'a Command,
    progress: Progress,
    /// Objects that were sent and not answered, by the number of their message.
    waiting: Vec<(u16, Uid)>,
    is_cancelled: bool,
}

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Sends what was asked for.
    pub(super) async fn get(
        &mut self,
        context: &Context,
        command: &Command,
        root: Root,
    ) -> Result<(), MessageError> {
        let selected = match self.selection(context, command, root).await? {
            Ok(selection) => self.service.select(self.session, selection, false).await,
            Err(failure) => Err(failure),
        };
        let (outgoing, progress) = match selected.and_then(counted) {
            Ok(counted) => counted,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let mut retrieval =
            Retrieval { context, request: command, progress, waiting: Vec::new(), is_cancelled: false };
        let mut message_id = FIRST_MESSAGE_ID;
        let mut ending = Ending::Finished;
        let mut outgoing = Ahead::of(outgoing, &self.habits.transfer_syntaxes);
        while let Some(one) = outgoing.next(|class, syntax| self.context_for(class, syntax).is_some()) {
            while let Some(received) = self.association.received_already().await? {
                self.told(&mut retrieval, received).await?;
            }
            if retrieval.is_cancelled {
                ending = Ending::Cancelled;
                break;
            }
            let instance = one.object.sop_instance.clone();
            match self.send_back(one, message_id).await? {
                Ok(()) => retrieval.waiting.push((message_id, instance)),
                Err(failure) => self.count(&mut retrieval, &instance, Err(failure)).await?,
            }
            if retrieval.waiting.len() >= usize::from(self.association.window_of_acceptor()) {
                self.answered(&mut retrieval).await?;
            }
            message_id = message_id.checked_add(1).unwrap_or(FIRST_MESSAGE_ID);
        }
        while !retrieval.waiting.is_empty() {
            self.answered(&mut retrieval).await?;
        }
        self.last(context, command, &retrieval.progress, ending).await
    }

    /// Reads what a retrieval asks for.
    pub(super) async fn selection(
        &mut self,
        context: &Context,
        command: &Command,
        root: Root,
    ) -> Result<Result<Selection, Failure>, MessageError> {
        let relational = self.options(context).relational;
        let identifier = self.identifier(context, command, root).await?;
        Ok(identifier.and_then(|identifier| identifier.selection(relational)))
    }

    /// The response between two sub-operations.
    pub(super) async fn pending(
        &mut self,
        context: &Context,
        request: &Command,
        progress: &Progress,
    ) -> Result<(), MessageError> {
        let response = progress.pending(request).encode();
        Ok(self.association.send_command(context.id, &response).await?)
    }

    /// The response at the end.
    pub(super) async fn last(
        &mut self,
        context: &Context,
        request: &Command,
        progress: &Progress,
        ending: Ending,
    ) -> Result<(), MessageError> {
        self.counts.sent += progress.arrived();
        let (response, list) = progress.last(request, ending);
        self.counts.last = response.status().unwrap_or_default();
        let list = list
            .map(|list| write::data_set(&list, transfer_syntax::lookup(&context.transfer_syntax).encoding));
        let list = list.unwrap_or_default();
        Ok(self.association.send_message(context.id, &response.encode(), &list).await?)
    }

    /// Sends one object. The outer error ends the association.
    async fn send_back(&mut self, one: Turn, message_id: u16) -> Result<Result<(), Failure>, MessageError> {
        let Turn { object, opening } = one;
        let chosen = opening.and_then(|opening| {
            Some((self.context_for(&object.sop_class, &opening.transfer_syntax)?, opening))
        });
        let Some((context, opening)) = chosen else {
            let comment =
                format!("no role SCP for {} in transfer syntax {}", object.sop_class, object.transfer_syntax);
            return Ok(Err(Failure::new(FailureKind::SopClassNotSupported, comment)));
        };
        let mut source = match opening.source().await {
            Ok(source) => source,
            Err(failure) => return Ok(Err(failure)),
        };
        let store = Command::store_request(message_id, &object.sop_class, &object.sop_instance);
        self.association.send_object(context, &store.encode(), &mut source).await?;
        Ok(Ok(()))
    }

    /// Waits for the answer to one of the objects that were sent.
    async fn answered(&mut self, retrieval: &mut Retrieval<'_>) -> Result<(), MessageError> {
        let before = retrieval.waiting.len();
        while retrieval.waiting.len() == before {
            let wait = self.association.timeouts().response;
            let received = self.association.receive(wait).await?;
            self.told(retrieval, received).await?;
        }
        Ok(())
    }

    /// What the peer may say meanwhile: the answer to a C-STORE of ours, a cancel of the whole request, and that it has a
    /// report.
    async fn told(&mut self, retrieval: &mut Retrieval<'_>, received: Received) -> Result<(), MessageError> {
        let Received::Fragment(first) = received else { return Err(MessageError::ReleaseInside) };
        let (context, command) = read_command(&mut self.association, first).await?;
        match (command.field(), command.status()) {
            (CommandField::Response(Operation::Store), Some(status))
                if !command.has_data_set()
                    && let Some(instance) = retrieval.take(command.message_id_responded_to()) =>
            {
                self.count(retrieval, &instance, Ok(status)).await
            }
            (CommandField::Cancel, _) => {
                retrieval.is_cancelled |= cancels(&command, retrieval.request);
                Ok(())
            }
            (CommandField::Response(Operation::EventReport), _) => {
                let context = self.association.context(context)?.clone();
                self.reported(&context, &command).await
            }
            _ => {
                Err(MessageError::Interleaved { expected: "the response to a C-STORE, or a cancel", context })
            }
        }
    }

    /// Counts and tells what has ended.
    async fn count(
        &mut self,
        retrieval: &mut Retrieval<'_>,
        instance: &Uid,
        outcome: Result<Status, Failure>,
    ) -> Result<(), MessageError> {
        measure::suboperation("get", &outcome);
        retrieval.progress.ended(instance, outcome);
        self.pending(retrieval.context, retrieval.request, &retrieval.progress).await
    }

    /// The context in which the peer takes objects of a class in a transfer syntax.
    fn context_for(&self, sop_class: &Uid, transfer_syntax: &Uid) -> Option<u8> {
        let fits = |context: &&Context| {
            context.requestor_is_scp
                && context.abstract_syntax == *sop_class
                && context.transfer_syntax == *transfer_syntax
        };
        self.association.contexts().iter().find(fits).map(|context| context.id)
    }
}

impl Retrieval<'_> {
    /// The object that was sent in a message, once.
    fn take(&mut self, message_id: Option<u16>) -> Option<Uid> {
        let place = self.waiting.iter().position(|(waiting, _)| Some(*waiting) == message_id)?;
        Some(self.waiting.remove(place).1)
    }
}

/// Objects with the counters for them, which have sixteen bits (PS3.7 §E.1).
pub(super) fn counted(outgoing: Vec<Outgoing>) -> Result<(Vec<Outgoing>, Progress), Failure> {
    let total = u16::try_from(outgoing.len()).map_err(|_| {
        let comment = format!("{} objects; ask for at most {} at once", outgoing.len(), u16::MAX);
        Failure::new(FailureKind::TooMany, comment)
    })?;
    Ok((outgoing, Progress::of(total)))
}

//! C-MOVE: objects go to a third side, over an association that we make (PS3.4 §C.4.2).

use super::ahead::{Ahead, Turn};
use super::conversation::Conversation;
use super::get::counted;
use super::progress::{Ending, Progress};
use super::service::{Failure, FailureKind, MoveTarget, Object, Outgoing, Service};
use super::{encoding, measure};
use crate::association::{Context, OPERATIONS_MAX, Proposals};
use crate::message::{Command, MessageError, Status, element};
use crate::query::{Root, Selection};
use crate::scu::{Scu, ScuError, Sender};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_model::{AeTitle, Uid};

/// Objects that fit one association with the receiver: no more kinds than it has presentation contexts.
struct Group {
    proposals: Proposals,
    objects: Vec<Outgoing>,
}

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Sends what was asked for to the destination that was named.
    pub(super) async fn move_(
        &mut self,
        context: &Context,
        command: &Command,
        root: Root,
    ) -> Result<(), MessageError> {
        let title = command.ae_title(element::MOVE_DESTINATION);
        let begun = match self.selection(context, command, root).await? {
            Ok(selection) => self.begin_move(title, selection).await,
            Err(failure) => Err(failure),
        };
        let (target, outgoing, mut progress) = match begun {
            Ok(begun) => begun,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        for group in groups(outgoing, &target.wished) {
            let ending = self.send_group(context, command, &target, group, &mut progress).await?;
            if ending == Ending::Cancelled {
                return self.last(context, command, &progress, ending).await;
            }
        }
        self.last(context, command, &progress, Ending::Finished).await
    }

    /// Finds the destination first: who names an unknown one learns nothing about what is kept.
    async fn begin_move(
        &mut self,
        title: Option<AeTitle>,
        selection: Selection,
    ) -> Result<(MoveTarget, Vec<Outgoing>, Progress), Failure> {
        let title = title.ok_or_else(|| {
            Failure::new(FailureKind::DestinationUnknown, "move destination missing or no AE title")
        })?;
        let target = self.service.destination(self.session, &title).await?;
        let (outgoing, progress) = counted(self.service.select(self.session, selection).await?)?;
        Ok((target, outgoing, progress))
    }

    /// Sends some objects over one association. The error is that of the association of the request.
    async fn send_group(
        &mut self,
        context: &Context,
        command: &Command,
        target: &MoveTarget,
        mut group: Group,
        progress: &mut Progress,
    ) -> Result<Ending, MessageError> {
        group.proposals.invoke(OPERATIONS_MAX);
        let mut receiver = Receiver::call(target, &group.proposals).await;
        let originator = (&self.peer.calling, command.message_id().unwrap_or_default());
        let mut ending = Ending::Finished;
        let mut objects = Ahead::of(group.objects, &target.wished);
        // A receiver that is gone takes nothing: what is not opened yet is not opened for it.
        while let Some(one) = objects.next(|class, syntax| receiver.accepts(class, syntax)) {
            if self.is_cancelled(command).await? {
                ending = Ending::Cancelled;
                break;
            }
            receiver.send(one, originator).await;
            self.ended(context, command, receiver.ended.drain(..), progress).await?;
        }
        // What has been sent stays sent, and is counted.
        let ended = receiver.leave().await;
        self.ended(context, command, ended.into_iter(), progress).await?;
        Ok(ending)
    }

    /// Counts and tells what has ended.
    async fn ended(
        &mut self,
        context: &Context,
        command: &Command,
        ended: impl Iterator<Item = (Uid, Result<Status, Failure>)>,
        progress: &mut Progress,
    ) -> Result<(), MessageError> {
        for (instance, outcome) in ended {
            measure::suboperation("move", &outcome);
            progress.ended(&instance, outcome);
            self.pending(context, command, progress).await?;
        }
        Ok(())
    }
}

/// The third side of a C-MOVE. Once it is gone, whatever follows fails with it.
struct Receiver {
    sender: Result<Sender<Uid>, Failure>,
    /// Sub-operations that have ended and were not counted yet.
    ended: Vec<(Uid, Result<Status, Failure>)>,
}

impl Receiver {
    async fn call(target: &MoveTarget, proposals: &Proposals) -> Self {
        let connected = Scu::connect(&target.destination, &target.settings, proposals).await;
        let sender = connected.map(Sender::over).map_err(|error| {
            tracing::warn!(destination = %target.destination, %error, "a move destination does not answer");
            // Where it is, is no business of whoever asks.
            let comment = "the destination does not answer; the log of the archive says why";
            Failure::new(FailureKind::DestinationFailed, comment)
        });
        Self { sender, ended: Vec::new() }
    }

    fn accepts(&self, sop_class: &Uid, transfer_syntax: &Uid) -> bool {
        self.sender.as_ref().is_ok_and(|sender| sender.accepts(sop_class, transfer_syntax))
    }

    /// Sends one object, as soon as the receiver takes another one.
    async fn send(&mut self, one: Turn, (originator, message_id): (&AeTitle, u16)) {
        let instance = one.object.sop_instance.clone();
        let sender = match &mut self.sender {
            Ok(sender) => sender,
            Err(failure) => return self.ended.push((instance, Err(failure.clone()))),
        };
        let Object { sop_class, sop_instance, transfer_syntax } = one.object;
        let Some(opening) = one.opening else {
            let comment = format!("receiver does not take {sop_class} in {transfer_syntax}");
            let failure = Failure::new(FailureKind::SopClassNotSupported, comment);
            return self.ended.push((instance, Err(failure)));
        };
        let syntax = opening.transfer_syntax.clone();
        let mut source = match opening.source().await {
            Ok(source) => source,
            Err(failure) => return self.ended.push((instance, Err(failure))),
        };
        let object = Object { sop_class, sop_instance, transfer_syntax: syntax };
        match sender.send(instance, &object, &mut source, Some((originator, message_id))).await {
            Ok(Some((answered, answer))) => self.ended.push((answered, Ok(answer.status))),
            Ok(None) => {}
            Err(error) => self.hang_up(&error).await,
        }
    }

    /// Waits for the answers that are due, and ends the association. Gives what has ended.
    async fn leave(mut self) -> Vec<(Uid, Result<Status, Failure>)> {
        while let Ok(sender) = &mut self.sender {
            match sender.answered().await {
                Ok(Some((answered, answer))) => self.ended.push((answered, Ok(answer.status))),
                Ok(None) => break,
                Err(error) => self.hang_up(&error).await,
            }
        }
        if let Ok(sender) = self.sender {
            // What was answered stays answered.
            drop(sender.release().await);
        }
        self.ended
    }

    /// The association has ended: everything that was not answered has failed.
    async fn hang_up(&mut self, error: &ScuError) {
        tracing::warn!(%error, "an association with a move destination has ended");
        let failure = Failure::new(FailureKind::DestinationFailed, "the destination has hung up");
        if let Ok(mut sender) = std::mem::replace(&mut self.sender, Err(failure.clone())) {
            self.ended.extend(sender.unanswered().map(|instance| (instance, Err(failure.clone()))));
            sender.abort().await;
        }
    }
}

/// Objects in their order, divided where an association would have more presentation contexts than there are.
fn groups(outgoing: Vec<Outgoing>, wished: &[Uid]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for one in outgoing {
        let fits = |group: &mut Group| encoding::propose(&mut group.proposals, &one, wished).is_ok();
        if !groups.last_mut().is_some_and(fits) {
            let mut proposals = Proposals::new();
            // The first object of an association always fits.
            let _ = encoding::propose(&mut proposals, &one, wished);
            groups.push(Group { proposals, objects: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.objects.push(one);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::PRESENTATION_CONTEXTS_MAX;

    #[test]
    fn more_kinds_than_contexts_are_sent_in_several_associations() {
        let kinds = PRESENTATION_CONTEXTS_MAX + 3;
        let outgoing = (0..2 * kinds).map(|number| Outgoing {
            object: Object {
                sop_class: Uid::new(&format!("1.2.{}", number % kinds)).unwrap(),
                sop_instance: Uid::new(&format!("1.3.{number}")).unwrap(),
                transfer_syntax: Uid::new("1.2.840.10008.1.2.4.70").unwrap(),
            },
            also: Vec::new(),
            open: Box::new(|_| Box::pin(async { Err(Failure::new(FailureKind::Processing, "")) })),
        });
        let groups = groups(outgoing.collect(), &[]);
        let sizes: Vec<usize> = groups.iter().map(|group| group.objects.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 2 * kinds);
        assert_eq!(sizes[0], PRESENTATION_CONTEXTS_MAX);
        assert!(groups.len() <= 3);
    }
}

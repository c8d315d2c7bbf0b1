//! C-MOVE: objects go to a third side, over an association that we make (PS3.4 §C.4.2).

use super::ahead::{Ahead, Turn};
use super::conversation::Conversation;
use super::encoding;
use super::get::counted;
use super::progress::{Ending, Progress};
use super::service::{Failure, FailureKind, MoveTarget, Object, Outgoing, Service};
use crate::association::{Context, Proposals};
use crate::message::{Command, MessageError, Status, element};
use crate::query::{Root, Selection};
use crate::scu::Scu;
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
        group: Group,
        progress: &mut Progress,
    ) -> Result<Ending, MessageError> {
        let connected = Scu::connect(&target.destination, &target.settings, &group.proposals).await;
        let mut receiver = match connected {
            Ok(receiver) => Ok(receiver),
            Err(error) => {
                tracing::warn!(destination = %target.destination, %error, "a move destination does not answer");
                // Where it is, is no business of whoever asks.
                let comment = "the destination does not answer; the log of the archive says why";
                Err(Failure::new(FailureKind::DestinationFailed, comment))
            }
        };
        let mut objects = Ahead::of(group.objects, &target.wished);
        // A receiver that is gone takes nothing: what is not opened yet is not opened for it.
        while let Some(one) = objects
            .next(|class, syntax| receiver.as_ref().is_ok_and(|receiver| receiver.accepts(class, syntax)))
        {
            if self.is_cancelled(command).await? {
                if let Ok(receiver) = receiver {
                    // What was answered stays answered.
                    drop(receiver.release().await);
                }
                return Ok(Ending::Cancelled);
            }
            let instance = one.object.sop_instance.clone();
            let sent = match receiver {
                Ok(open) => self.send_on(open, one, command).await,
                Err(failure) => (Err(failure.clone()), Err(failure)),
            };
            receiver = sent.0;
            progress.ended(&instance, sent.1);
            self.pending(context, command, progress).await?;
        }
        if let Ok(receiver) = receiver {
            drop(receiver.release().await);
        }
        Ok(Ending::Finished)
    }

    /// Sends one object. After an error of the association the receiver is gone, and whatever follows fails with it.
    async fn send_on(
        &mut self,
        mut receiver: Scu,
        one: Turn,
        command: &Command,
    ) -> (Result<Scu, Failure>, Result<Status, Failure>) {
        let Object { sop_class, sop_instance, transfer_syntax } = one.object;
        let Some(opening) = one.opening else {
            let comment = format!("receiver does not take {sop_class} in {transfer_syntax}");
            return (Ok(receiver), Err(Failure::new(FailureKind::SopClassNotSupported, comment)));
        };
        let syntax = opening.transfer_syntax.clone();
        let mut source = match opening.source().await {
            Ok(source) => source,
            Err(failure) => return (Ok(receiver), Err(failure)),
        };
        let object = Object { sop_class, sop_instance, transfer_syntax: syntax };
        let request_id = command.message_id().unwrap_or_default();
        match receiver.store_for(&object, &mut source, &self.peer.calling, request_id).await {
            Ok(answer) => (Ok(receiver), Ok(answer.status)),
            Err(error) => {
                tracing::warn!(%error, "an association with a move destination has ended");
                receiver.abort().await;
                let failure = Failure::new(FailureKind::DestinationFailed, "the destination has hung up");
                (Err(failure.clone()), Err(failure))
            }
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

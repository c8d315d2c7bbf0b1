//! C-MOVE: objects go to a third side, over an association that we make (PS3.4 §C.4.2).

use super::ahead::Ahead;
use super::conversation::Conversation;
use super::get::counted;
use super::measure;
use super::progress::{Ending, Progress};
use super::receiver::{Group, Receiver, groups};
use super::service::{Failure, FailureKind, MoveTarget, Outgoing, Service};
use crate::association::{Context, OPERATIONS_MAX};
use crate::message::{Command, MessageError, Status, element};
use crate::query::{Root, Selection};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_model::{AeTitle, Uid};

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
        // What comes to where it was asked for is looked at there.
        let elsewhere = title != self.peer.calling;
        let (outgoing, progress) = counted(self.service.select(self.session, selection, elsewhere).await?)?;
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
            receiver.send(one, Some(originator)).await;
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

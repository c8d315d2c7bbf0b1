//! The third side: whoever is sent objects over an association that we make, because a peer asked for a C-MOVE or because
//! somebody asked the archive.

use super::ahead::Turn;
use super::encoding;
use super::service::{Failure, FailureKind, MoveTarget, Object, Outgoing};
use crate::association::Proposals;
use crate::message::Status;
use crate::scu::{Scu, ScuError, Sender};
use yingdun_model::{AeTitle, Uid};

/// Objects that fit one association with the receiver: no more kinds than it has presentation contexts.
pub(super) struct Group {
    pub(super) proposals: Proposals,
    pub(super) objects: Vec<Outgoing>,
}

/// The association with the receiver. Once it is gone, whatever follows fails with it.
pub(super) struct Receiver {
    sender: Result<Sender<Uid>, Failure>,
    /// Sub-operations that have ended and were not counted yet.
    pub(super) ended: Vec<(Uid, Result<Status, Failure>)>,
}

impl Receiver {
    pub(super) async fn call(target: &MoveTarget, proposals: &Proposals) -> Self {
        let connected = Scu::connect(&target.destination, &target.settings, proposals).await;
        let sender = connected.map(Sender::over).map_err(|error| {
            tracing::warn!(destination = %target.destination, %error, "a destination does not answer");
            // Where it is, is no business of whoever asks.
            let comment = "the destination does not answer; the log of the archive says why";
            Failure::new(FailureKind::DestinationFailed, comment)
        });
        Self { sender, ended: Vec::new() }
    }

    pub(super) fn accepts(&self, sop_class: &Uid, transfer_syntax: &Uid) -> bool {
        self.sender.as_ref().is_ok_and(|sender| sender.accepts(sop_class, transfer_syntax))
    }

    /// Sends one object, as soon as the receiver takes another one. As a sub-operation of a C-MOVE it names who asked for
    /// it and in which message.
    pub(super) async fn send(&mut self, one: Turn, originator: Option<(&AeTitle, u16)>) {
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
        match sender.send(instance, &object, &mut source, originator).await {
            Ok(Some((answered, answer))) => self.ended.push((answered, Ok(answer.status))),
            Ok(None) => {}
            Err(error) => self.hang_up(&error).await,
        }
    }

    /// Waits for the answers that are due, and ends the association. Gives what has ended.
    pub(super) async fn leave(mut self) -> Vec<(Uid, Result<Status, Failure>)> {
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
        tracing::warn!(%error, "an association with a destination has ended");
        let failure = Failure::new(FailureKind::DestinationFailed, "the destination has hung up");
        if let Ok(mut sender) = std::mem::replace(&mut self.sender, Err(failure.clone())) {
            self.ended.extend(sender.unanswered().map(|instance| (instance, Err(failure.clone()))));
            sender.abort().await;
        }
    }
}

/// Objects in their order, divided where an association would have more presentation contexts than there are.
pub(super) fn groups(outgoing: Vec<Outgoing>, wished: &[Uid]) -> Vec<Group> {
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

//! Sends objects to a device on behalf of somebody who is not a DICOM peer: what a C-MOVE does, without the association
//! that asked for it.

use super::ahead::Ahead;
use super::measure;
use super::receiver::{Receiver, groups};
use super::service::{Failure, MoveTarget, Outgoing};
use crate::association::OPERATIONS_MAX;
use crate::message::Status;
use tokio_util::sync::CancellationToken;
use yingdun_model::Uid;

/// Sends objects in their order, and tells of each what became of it, as it is known. Ends early, between two objects, when
/// `stop` is cancelled; what was sent by then is told. A device that is gone takes nothing of what is left.
pub async fn send(
    target: &MoveTarget,
    outgoing: Vec<Outgoing>,
    stop: &CancellationToken,
    mut ended: impl FnMut(&Uid, &Result<Status, Failure>),
) {
    let mut tell = |of: Vec<(Uid, Result<Status, Failure>)>| {
        for (instance, outcome) in of {
            measure::suboperation("send", &outcome);
            ended(&instance, &outcome);
        }
    };
    for mut group in groups(outgoing, &target.wished) {
        group.proposals.invoke(OPERATIONS_MAX);
        let mut receiver = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            receiver = Receiver::call(target, &group.proposals) => receiver,
        };
        let mut objects = Ahead::of(group.objects, &target.wished);
        while !stop.is_cancelled()
            && let Some(one) = objects.next(|class, syntax| receiver.accepts(class, syntax))
        {
            receiver.send(one, None).await;
            tell(std::mem::take(&mut receiver.ended));
        }
        tell(receiver.leave().await);
    }
}

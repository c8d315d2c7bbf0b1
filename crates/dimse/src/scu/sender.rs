//! Many objects over one association: as many at once without an answer as the peer has agreed to (PS3.7 §D.3.3.3).

use super::{Answer, Scu, ScuError};
use crate::message::Operation;
use crate::scp::Object;
use tokio::io::AsyncRead;
use yingdun_model::{AeTitle, Uid};

/// Sends objects. Each has a mark, by which the caller knows it again: answers come in the order of the peer.
pub struct Sender<M> {
    scu: Scu,
    waiting: Vec<(u16, M)>,
}

impl<M> Sender<M> {
    /// Sends over this association.
    #[must_use]
    pub const fn over(scu: Scu) -> Self {
        Self { scu, waiting: Vec::new() }
    }

    /// Whether the peer agreed to take this kind of object.
    #[must_use]
    pub fn accepts(&self, sop_class: &Uid, transfer_syntax: &Uid) -> bool {
        self.scu.accepts(sop_class, transfer_syntax)
    }

    /// Sends one object, as [`Scu::store`]; as a sub-operation of a C-MOVE it names who asked for it and in which message.
    /// When no more may be outstanding, waits for an answer, which may be that to an earlier object.
    ///
    /// # Errors
    /// As [`Scu::store`]; [`Self::unanswered`] has what was lost, this object included.
    pub async fn send<R: AsyncRead + Unpin>(
        &mut self,
        mark: M,
        object: &Object,
        data_set: &mut R,
        originator: Option<(&AeTitle, u16)>,
    ) -> Result<Option<(M, Answer)>, ScuError> {
        match self.scu.send(object, data_set, originator).await {
            Ok(message_id) => self.waiting.push((message_id, mark)),
            Err(error) => {
                self.waiting.push((0, mark));
                return Err(error);
            }
        }
        if self.waiting.len() < usize::from(self.scu.association.window()) {
            return Ok(None);
        }
        self.answered().await
    }

    /// Waits for the next answer; none when there is nothing to wait for.
    ///
    /// # Errors
    /// [`ScuError`]; the association is over, and [`Self::unanswered`] has what was lost.
    pub async fn answered(&mut self) -> Result<Option<(M, Answer)>, ScuError> {
        let Some((oldest, _)) = self.waiting.first() else { return Ok(None) };
        let oldest = *oldest;
        let (message_id, answer) = self.scu.any_answer(Operation::Store, oldest).await?;
        let place = self.waiting.iter().position(|(waiting, _)| *waiting == message_id);
        let place = place.ok_or(ScuError::WrongResponse { message_id: oldest })?;
        let (_, mark) = self.waiting.remove(place);
        Ok(Some((mark, answer)))
    }

    /// The marks of what was sent and not answered, in the order in which it was sent.
    pub fn unanswered(&mut self) -> impl Iterator<Item = M> + use<'_, M> {
        self.waiting.drain(..).map(|(_, mark)| mark)
    }

    /// Ends the association in agreement.
    ///
    /// # Errors
    /// As [`Scu::release`].
    pub async fn release(self) -> Result<(), ScuError> {
        self.scu.release().await
    }

    /// Ends the association at once.
    pub async fn abort(self) {
        self.scu.abort().await;
    }
}

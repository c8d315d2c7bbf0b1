//! An epoch that one node alone has would be lost with its disk, and with it all that was wrapped under it. So nothing is, before another
//! node that serves has told that it has the key too.
//!
//! Who serves is told by locks, and how long they are waited for by this process: no clocks are compared. Where nobody else serves there is
//! nobody to wait for. One that serves and does not come for the key within [`SHARED_WITHIN`] is not waited for any longer, because what
//! was destroyed is not gone before the epoch ends. An epoch that was lost before anything stood under it is taken back.

use super::follow::recognised;
use super::{Epochs, SLOTS, Slot, holding, newest};
use crate::{KeysError, RootKey};
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use yingdun_catalog::CatalogError;
use yingdun_catalog::keyring::epoch_nodes::{self, EpochNode};
use yingdun_catalog::keyring::epochs;

/// How long other nodes may take to come for the key of a new epoch: each looks every three seconds, and asks again two seconds after
/// nobody gave it.
const SHARED_WITHIN: Duration = Duration::from_secs(30);

/// How often is looked whether one has it.
const LOOK: Duration = Duration::from_millis(200);

/// The epoch that waits for another node, or waited last.
pub(super) type Sharing = Option<Waiting>;

/// An epoch that waits, and how long it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    epoch: u64,
    since: Instant,
    /// Whether the time is over. It stays so for this epoch: who asks again does not wait again.
    is_over: bool,
}

impl Epochs {
    /// Waits until another node has the newest epoch, nobody else serves, or the time is over.
    pub(super) async fn share(&self) -> Result<(), KeysError> {
        while !self.may_go_on().await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether keys may be wrapped under the newest epoch now.
    pub(super) async fn may_go_on(&self) -> Result<bool, KeysError> {
        let known = epochs::all(&self.database).await?;
        // Without one before it, all that there is stands under it already.
        let [_, .., (epoch, proof)] = known.as_slice() else { return Ok(true) };
        let others = self.others_that_are_not_gone().await?;
        let nobody_to_wait_for = is_kept_by_one_of(&others, *epoch, proof) || !self.may_serve(&others).await;
        Ok(nobody_to_wait_for || self.waited_for_long(*epoch))
    }

    /// Takes back an announced epoch whose key nobody has who serves, when nothing stands under it and the file holds the one before: its
    /// node was lost. Should that come back, it announces it again, or finds another one in its place. False where it has to stay.
    pub(super) async fn withdraw(
        &self,
        root: &RootKey,
        now: &[Slot; SLOTS],
        epoch: u64,
    ) -> Result<bool, KeysError> {
        let known = epochs::all(&self.database).await?;
        let [.., (before, proof), (last, _)] = known.as_slice() else { return Ok(false) };
        let held = holding(now).find(|(held, _)| held == before);
        let Some((_, wrapped)) = held.filter(|_| *last == epoch) else { return Ok(false) };
        if recognised(root, *before, wrapped, proof).await.is_err() {
            return Ok(false);
        }
        let others = self.others_that_are_not_gone().await?;
        if self.may_serve(&others).await {
            return Ok(false);
        }
        match self.database.execute(vec![epochs::delete(epoch)]).await {
            Ok(_) => {
                tracing::warn!(epoch, "nobody has the key of the epoch that was announced last: taken back");
                Ok(true)
            }
            // Something stands under it, or it is gone already.
            Err(CatalogError::Constraint(_)) => Ok(false),
            Err(CatalogError::UnexpectedRows { .. }) => {
                Ok(newest(&epochs::all(&self.database).await?) < epoch)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn others_that_are_not_gone(&self) -> Result<Vec<EpochNode>, KeysError> {
        if self.node.is_none() {
            return Ok(Vec::new());
        }
        let all = epoch_nodes::all(&self.database).await?;
        Ok(all.into_iter().filter(|node| node.gone.is_none() && !self.is_this(node)).collect())
    }

    /// Whether one of these nodes serves, or may. This node has to be open to them, or nobody comes for anything.
    async fn may_serve(&self, nodes: &[EpochNode]) -> bool {
        match self.serving(nodes.iter().map(|node| node.name.clone()).collect()).await {
            Ok(serving) => !serving.is_empty(),
            Err(cause) => {
                tracing::warn!(%cause, "which other nodes serve cannot be told");
                true
            }
        }
    }

    /// Whether the time is over within which others come for this epoch, which begins with the first call.
    fn waited_for_long(&self, epoch: u64) -> bool {
        let mut sharing = self.sharing.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Waiting { epoch, since: Instant::now(), is_over: false };
        let waiting = sharing.filter(|waiting| waiting.epoch == epoch).unwrap_or(begun);
        let is_over = waiting.is_over || waiting.since.elapsed() >= SHARED_WITHIN;
        *sharing = Some(Waiting { is_over, ..waiting });
        drop(sharing);
        if is_over && !waiting.is_over {
            metrics::counter!("yingdun_epochs_unshared_total").increment(1);
            tracing::warn!(
                epoch,
                "no other node came for the key of the new epoch in time: it lies on the disk of this one alone"
            );
        }
        is_over
    }

    /// As if an epoch had waited for others since before the time that they have.
    #[cfg(test)]
    pub(super) fn waits_since_long_ago(&self, epoch: u64) {
        let since = Instant::now().checked_sub(SHARED_WITHIN).unwrap();
        let waiting = Waiting { epoch, since, is_over: false };
        *self.sharing.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
    }
}

// === helpers ===

/// Whether one of these nodes has told that its file holds this epoch. By its number alone another one could be meant, which gave way.
fn is_kept_by_one_of(nodes: &[EpochNode], epoch: u64, proof: &[u8]) -> bool {
    let told = nodes.iter().filter_map(|node| node.told.as_ref());
    told.into_iter().any(|told| told.newest > epoch || (told.newest == epoch && told.proof == proof))
}

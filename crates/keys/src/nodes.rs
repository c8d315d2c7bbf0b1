//! The nodes of an installation as far as keys go: which of them still keeps the key of an epoch that is over, what one gives to
//! another, and the one that is gone for good.

use crate::store::Inner;
use crate::{EpochNode, KeyStore, KeysError};
use std::sync::Weak;
use std::time::Duration;
use yingdun_catalog::keyring::epoch_nodes;
use yingdun_model::InstitutionId;

/// How often a node looks whether another one began an epoch. It costs two small questions to the database.
const LOOK: Duration = Duration::from_secs(3);

impl KeyStore {
    /// The newest epoch, and every node with what it has told of its file, those that are gone included.
    ///
    /// # Errors
    /// [`KeysError::Database`] when the rows cannot be read; so for every call of this module.
    pub async fn epoch_nodes(&self) -> Result<(u64, Vec<EpochNode>), KeysError> {
        self.0.keys.keks.epochs().nodes().await
    }

    /// The names of the nodes that may still keep the key of an epoch before this one. A copy of what was wrapped under such an epoch
    /// opens with their files.
    ///
    /// # Errors
    /// As [`Self::epoch_nodes`].
    pub async fn nodes_before(&self, epoch: u64) -> Result<Vec<String>, KeysError> {
        let (_, nodes) = self.epoch_nodes().await?;
        Ok(nodes.into_iter().filter(|node| node.keeps_before(epoch)).map(|node| node.name).collect())
    }

    /// Brings the file of this node to the epoch of the database now, which happens by itself every few seconds too.
    ///
    /// # Errors
    /// [`KeysError::EpochNotGiven`] when no other node gives what the file lacks; otherwise as [`Self::open_on`].
    pub async fn keep_up(&self) -> Result<(), KeysError> {
        let keks = &self.0.keys.keks;
        keks.epochs().keep_up(keks.root()).await
    }

    /// The key of an epoch as it lies in the file of this node, wrapped under the root key that all nodes share; none unless the database
    /// uses that epoch, and the file has it.
    ///
    /// # Errors
    /// As [`Self::epoch_nodes`]; [`KeysError::Root`] when the root key does not answer, by which it is looked at before it is given.
    pub async fn give_epoch(&self, epoch: u64) -> Result<Option<Vec<u8>>, KeysError> {
        let keks = &self.0.keys.keks;
        keks.epochs().give(keks.root(), epoch).await
    }

    /// Says which store of packs a node has.
    ///
    /// # Errors
    /// As [`Self::epoch_nodes`].
    pub async fn tell_store(
        &self,
        institution: &InstitutionId,
        name: &str,
        store: &[u8; 16],
    ) -> Result<(), KeysError> {
        let tell = epoch_nodes::tell_store(institution, name, store);
        self.0.keys.database.execute(vec![tell]).await?;
        Ok(())
    }

    /// A node that could be said to be gone.
    ///
    /// # Errors
    /// [`KeysError::NoNode`] when there is none of this name, it is this one, or it is gone; [`KeysError::NodeServes`] when it is alive,
    /// and [`KeysError::ServingUnknown`] when that cannot be told.
    pub async fn other_node(&self, institution: &InstitutionId, name: &str) -> Result<EpochNode, KeysError> {
        let others = self.0.keys.keks.epochs().other_nodes().await?;
        let (_, nodes) = self.epoch_nodes().await?;
        let found = nodes.into_iter().find(|node| node.institution == *institution && node.name == name);
        let found = found.filter(|node| node.gone.is_none() && others.contains(&node.name));
        let node = found.ok_or(KeysError::NoNode)?;
        let name = node.name.clone();
        match self.0.keys.keks.epochs().serving(vec![name.clone()]).await {
            Ok(serving) if serving.is_empty() => Ok(node),
            Ok(_) => Err(KeysError::NodeServes { name }),
            Err(cause) => Err(KeysError::ServingUnknown { name, cause }),
        }
    }

    /// Says that a node is gone for good: no destruction waits for it any more. One that is started all the same takes that back, if it gets
    /// the newest epoch; one that runs, as it was only cut off, hears it ([`Self::forgotten`]).
    ///
    /// # Errors
    /// As [`Self::other_node`].
    pub async fn forget_node(&self, institution: &InstitutionId, name: &str) -> Result<(), KeysError> {
        self.other_node(institution, name).await?;
        let forget = epoch_nodes::forget(institution, name, self.0.keys.clock.now());
        self.0.keys.database.execute(vec![forget]).await?;
        Ok(())
    }

    /// Waits until it is said of this node that it is gone for good: it must stop then.
    pub async fn forgotten(&self) {
        let mut forgotten = self.0.forgotten.subscribe();
        if forgotten.wait_for(|forgotten| *forgotten).await.is_err() {
            std::future::pending().await
        }
    }

    /// Makes sure that no other node has files under the root key.
    ///
    /// # Errors
    /// [`KeysError::OtherNodes`] names them.
    pub async fn must_be_alone(&self) -> Result<(), KeysError> {
        let others = self.0.keys.keks.epochs().other_nodes().await?;
        if others.is_empty() { Ok(()) } else { Err(KeysError::OtherNodes { others: others.join(", ") }) }
    }
}

/// Follows the other nodes as long as the store is open.
pub(crate) async fn keep_up(store: Weak<Inner>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told: Option<KeysError> = None;
    loop {
        ticks.tick().await;
        let Some(inner) = store.upgrade() else { return };
        let keks = &inner.keys.keks;
        match keks.epochs().keep_up(keks.root()).await {
            Ok(()) => told = None,
            Err(error @ KeysError::Forgotten { .. }) => {
                tracing::error!(%error, "this node is not waited for any more");
                inner.forgotten.send_replace(true);
                return;
            }
            Err(error) => {
                metrics::counter!("yingdun_epoch_failures_total").increment(1);
                if told.as_ref() != Some(&error) {
                    tracing::error!(%error, "the epoch file of this node is not what it should be");
                    told = Some(error);
                }
            }
        }
    }
}

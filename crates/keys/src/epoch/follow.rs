//! The epoch file of one node among several: each has its own, and the epoch that one of them begins reaches the others here.
//!
//! ```text
//!  another node began an epoch ─► fetch ─► verify ─► write ─► rewrap, retire ─► overwrite ─► tell
//!                                   │         │        │                            │          └ the row of this node
//!                                   │         │        │                            └ the slot of the old epoch, where it lies
//!                                   │         │        └ into the free slot, durable and read back
//!                                   │         └ it opens what the database recognises it by, and every version that stands under it
//!                                   └ from another node, wrapped as in its file; never from the database, whose copies would keep it
//! ```
//!
//! Until all nodes have told that nothing older is in their files, copies of destroyed keys open with one of them.

use super::{Epochs, Slot, Slots, blocking, holding, newest, open};
use crate::{KeysError, RootKey, place};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use yingdun_catalog::Statement;
use yingdun_catalog::keyring::epoch_nodes::{self, EpochNode, ToldEpochs};
use yingdun_catalog::keyring::keks::LineKek;
use yingdun_catalog::keyring::{epochs, keks};
use yingdun_crypto::WrappingKey;
use yingdun_model::InstitutionId;

/// How long the other nodes are not asked again after none gave an epoch. Whoever needs it meanwhile hears so at once.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Key-encryption keys by which an epoch is tried that came from another node: all there are.
const TRIED_MAX: u32 = 16_384;

/// The wrapped key of an epoch as it lies in the file of another node, or why none gave it.
pub type GivenEpoch<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Which nodes serve, or why that cannot be told.
pub type ServingNodes<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + 'a>>;

/// The other nodes of the installation, which have the newest epoch when this one has not.
pub trait EpochGivers: fmt::Debug + Send + Sync {
    /// The key of an epoch, wrapped under the root key as it lies in the file of another node; or why none gave it, in words for an
    /// operator.
    fn give(&self, epoch: u64) -> GivenEpoch<'_>;

    /// Which of the nodes with these names serve at this moment; or in words why that cannot be told.
    fn serving(&self, names: Vec<String>) -> ServingNodes<'_>;
}

/// Whose epoch file it is.
#[derive(Clone, Debug)]
pub struct KeyNode {
    /// The institution of the node.
    pub institution: InstitutionId,
    /// The name of its audit log.
    pub name: String,
    /// Who is asked for an epoch that its file has not; none where it is closed to other nodes.
    pub others: Option<Arc<dyn EpochGivers>>,
}

/// Why the other nodes gave nothing, and when they were asked.
pub(super) type Refused = Option<(Instant, KeysError)>;

impl Epochs {
    /// Brings file and row of this node to the epoch that the database has: asks the other nodes for one that is not in the file, ends
    /// what is over, and says so. Does nothing where all of it is so, which is two questions to the database.
    pub(crate) async fn keep_up(&self, root: &RootKey) -> Result<(), KeysError> {
        let Some(node) = &self.node else { return Ok(()) };
        let (slots, known) = (self.read().await?, epochs::all(&self.database).await?);
        let told = epoch_nodes::find(&self.database, &node.institution, &node.name).await?;
        must_not_be_gone(told.as_ref(), node)?;
        let is_told = |epoch| {
            let told = told.as_ref().and_then(|row| row.told.as_ref());
            told.is_some_and(|told| (told.oldest, told.newest) == (epoch, epoch))
        };
        let (is_settled, held) = (super::is_settled(&slots, &known), self.held().newest);
        // Keys that were wiped from memory are read again by who needs them.
        if is_settled && is_told(newest(&known)) && [0, newest(&known)].contains(&held) {
            return Ok(());
        }
        if is_settled {
            self.hold(root, &slots, &known).await?;
        } else {
            self.come_after(root, known.len() > 1).await?;
        }
        self.tell().await
    }

    /// Puts the newest epoch of the database into the file, and holds it. While another node is about to end the one before, that stays.
    pub(crate) async fn follow_now(&self, root: &RootKey) -> Result<(), KeysError> {
        let mut refused = self.refused.lock().await;
        if let Some((since, error)) = refused.as_ref()
            && since.elapsed() < ASK_AGAIN
        {
            return Err(error.clone());
        }
        let followed = async {
            let slots = self.lock().await?;
            self.follow(root, &slots).await?;
            self.hold(root, &slots.read()?, &epochs::all(&self.database).await?).await
        };
        let followed = followed.await;
        *refused = followed.as_ref().err().map(|error| (Instant::now(), error.clone()));
        followed
    }

    /// Follows, and ends what is over; `unsettled` says that another node is ending it now.
    async fn come_after(&self, root: &RootKey, unsettled: bool) -> Result<(), KeysError> {
        self.follow_now(root).await?;
        if unsettled && !self.waited.swap(true, Ordering::AcqRel) {
            // Whoever began it is ending it, within the time to the next look.
            return Ok(());
        }
        self.waited.store(false, Ordering::Release);
        let slots = self.lock().await?;
        self.settle_unless_waited_for(root, &slots).await
    }

    /// Makes sure that the file holds the newest epoch that the database knows.
    pub(super) async fn follow(&self, root: &RootKey, slots: &Arc<Slots>) -> Result<(), KeysError> {
        let known = epochs::all(&self.database).await?;
        let Some((needed, proof)) = known.last() else { return Ok(()) };
        let mut now = slots.read()?;
        if let Some(at) = now.iter().position(|slot| matches!(slot, Slot::Holds(epoch, _) if epoch == needed))
        {
            let Some(Slot::Holds(_, wrapped)) = now.get(at) else { return Ok(()) };
            match recognised(root, *needed, wrapped, proof).await {
                Ok(_) => return Ok(()),
                // It was begun here and another node was faster: it was never announced, so nothing stands under it.
                Err(KeysError::OtherEpoch { .. }) if self.is_ours(root, &now).await? => {
                    let slots = Arc::clone(slots);
                    blocking(move || slots.overwrite(at)).await?;
                    now.iter_mut().skip(at).take(1).for_each(|slot| *slot = Slot::Empty);
                }
                Err(error) => return Err(error),
            }
        } else if holding(&now).any(|(epoch, _)| epoch > *needed) {
            // Begun here, and not announced yet.
            return Ok(());
        }
        let free = free_slot(&now, &known).ok_or(KeysError::EpochMissing { epoch: *needed })?;
        let wrapped = match self.fetch(root, &now, *needed, proof).await {
            Err(KeysError::EpochNotGiven { .. }) if self.withdraw(root, &now, *needed).await? => {
                return Ok(());
            }
            fetched => fetched?,
        };
        let (slots, needed) = (Arc::clone(slots), *needed);
        blocking(move || slots.write(free, needed, &wrapped)).await?;
        metrics::counter!("yingdun_epochs_fetched_total").increment(1);
        tracing::info!(epoch = needed, "another node gave the key of the epoch that it began");
        Ok(())
    }

    /// The key of an epoch from another node, which opens what it has to open.
    async fn fetch(
        &self,
        root: &RootKey,
        now: &[Slot],
        needed: u64,
        proof: &[u8],
    ) -> Result<Vec<u8>, KeysError> {
        let Some(node) = &self.node else { return Err(KeysError::EpochMissing { epoch: needed }) };
        for slot in now {
            if let Slot::Holds(epoch, wrapped) = slot {
                // What lies under another root key is somebody else's, and is not written over.
                open(root, *epoch, wrapped).await?;
            }
        }
        let given = match &node.others {
            Some(others) => others.give(needed).await,
            None => Err("this node asks no others, because the section [node] is not set".to_owned()),
        };
        let tried = match given {
            Ok(wrapped) => self.tried(root, needed, &wrapped, proof).await.map(|()| wrapped),
            Err(cause) => Err(cause),
        };
        match tried {
            Ok(wrapped) => Ok(wrapped),
            Err(_) if node.others.is_none() && self.other_nodes().await?.is_empty() => {
                Err(KeysError::EpochMissing { epoch: needed })
            }
            Err(cause) => Err(KeysError::EpochNotGiven {
                epoch: needed,
                cause,
                holders: self.holders(needed).await?,
                file: self.file.path().to_owned(),
            }),
        }
    }

    /// Whether a key that came opens what the database knows the epoch by, and every version that stands under it.
    async fn tried(&self, root: &RootKey, epoch: u64, wrapped: &[u8], proof: &[u8]) -> Result<(), String> {
        let words = |error: KeysError| error.to_string();
        let key = recognised(root, epoch, wrapped, proof).await.map_err(words)?;
        // No version stands under an epoch of this number.
        let all = keks::outside(&self.database, u64::MAX, TRIED_MAX).await;
        let all = all.map_err(|error| error.to_string())?;
        for LineKek { line, kek } in all.iter().filter(|kek| kek.kek.epoch == epoch) {
            if key.unwrap(&place::kek(line, kek.version), &kek.wrapped).is_err() {
                return Err(words(KeysError::OtherEpoch { epoch }));
            }
        }
        Ok(())
    }

    /// The nodes that have told that they have an epoch, in words.
    async fn holders(&self, epoch: u64) -> Result<String, KeysError> {
        let all = epoch_nodes::all(&self.database).await?;
        let (has, others): (Vec<EpochNode>, Vec<EpochNode>) = all
            .into_iter()
            .filter(|node| node.gone.is_none() && !self.is_this(node))
            .partition(|node| node.told.as_ref().is_some_and(|told| told.newest >= epoch));
        // While it is announced and not told yet, any of them may have it.
        let named = if has.is_empty() { others } else { has };
        let named: Vec<String> = named.into_iter().map(|node| format!("`{}`", node.name)).collect();
        Ok(if named.is_empty() { "none is known".to_owned() } else { named.join(", ") })
    }

    pub(super) fn is_this(&self, node: &EpochNode) -> bool {
        let this = self.node.as_ref();
        this.is_some_and(|this| this.institution == node.institution && this.name == node.name)
    }

    /// Whether the file holds an epoch that this node has told of, and so is its own and that of this database.
    async fn is_ours(&self, root: &RootKey, now: &[Slot]) -> Result<bool, KeysError> {
        let Some(node) = &self.node else { return Ok(false) };
        let row = epoch_nodes::find(&self.database, &node.institution, &node.name).await?;
        let Some(told) = row.and_then(|row| row.told) else { return Ok(false) };
        for slot in now {
            let Slot::Holds(epoch, wrapped) = slot else { continue };
            if *epoch == told.newest && recognised(root, *epoch, wrapped, &told.proof).await.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes down what the file of this node holds now.
    pub(super) async fn tell(&self) -> Result<(), KeysError> {
        self.tell_and(|_| None).await
    }

    /// The same at a start, which is what makes a node that was said to be gone one that is there.
    pub(super) async fn tell_at_start(&self) -> Result<(), KeysError> {
        self.tell_and(|node| Some(epoch_nodes::come_back(&node.institution, &node.name))).await
    }

    /// Refuses what a node does not begin of which it was said that it is gone.
    pub(super) async fn must_not_be_gone(&self) -> Result<(), KeysError> {
        let Some(node) = &self.node else { return Ok(()) };
        must_not_be_gone(
            epoch_nodes::find(&self.database, &node.institution, &node.name).await?.as_ref(),
            node,
        )
    }

    /// Which of these nodes serve, or in words why that cannot be told. Beside one that is closed to others nobody does.
    pub(crate) async fn serving(&self, names: Vec<String>) -> Result<Vec<String>, String> {
        match self.node.as_ref().and_then(|node| node.others.as_ref()) {
            Some(others) => others.serving(names).await,
            None => Ok(Vec::new()),
        }
    }

    async fn tell_and(&self, also: impl Fn(&KeyNode) -> Option<Statement>) -> Result<(), KeysError> {
        let Some(node) = &self.node else { return Ok(()) };
        let (slots, known) = (self.read().await?, epochs::all(&self.database).await?);
        // What a crash left of an epoch is part of one.
        if slots.contains(&Slot::Torn) {
            return Ok(());
        }
        let Some(told) = told(&slots, &known) else { return Ok(()) };
        let row = epoch_nodes::find(&self.database, &node.institution, &node.name).await?;
        // Before the first row there is nothing to come back to.
        let also = row.as_ref().filter(|row| row.gone.is_some()).and_then(|_| also(node));
        if also.is_none() && row.is_some_and(|row| row.told.as_ref() == Some(&told)) {
            return Ok(());
        }
        let tell = epoch_nodes::tell(&node.institution, &node.name, &told);
        self.database.execute([tell].into_iter().chain(also).collect()).await?;
        Ok(())
    }

    /// The wrapped key of an epoch that the database uses, for another node; none where this file has it not.
    pub(crate) async fn give(&self, root: &RootKey, epoch: u64) -> Result<Option<Vec<u8>>, KeysError> {
        let (slots, known) = (self.read().await?, epochs::all(&self.database).await?);
        let Some((_, proof)) = known.iter().find(|(known, _)| *known == epoch) else { return Ok(None) };
        let Some((_, wrapped)) = holding(&slots).find(|(held, _)| *held == epoch) else { return Ok(None) };
        recognised(root, epoch, wrapped, proof).await?;
        Ok(Some(wrapped.to_vec()))
    }

    /// The newest epoch of the database, and what each node has told of its file.
    pub(crate) async fn nodes(&self) -> Result<(u64, Vec<EpochNode>), KeysError> {
        let nodes = epoch_nodes::all(&self.database).await?;
        Ok((newest(&epochs::all(&self.database).await?), nodes))
    }

    /// The names of the other nodes, but for those that are gone.
    pub(crate) async fn other_nodes(&self) -> Result<Vec<String>, KeysError> {
        if self.node.is_none() {
            return Ok(Vec::new());
        }
        let all = epoch_nodes::all(&self.database).await?;
        let others = all.into_iter().filter(|node| node.gone.is_none() && !self.is_this(node));
        Ok(others.map(|node| node.name).collect())
    }
}

// === helpers ===

fn must_not_be_gone(row: Option<&EpochNode>, node: &KeyNode) -> Result<(), KeysError> {
    match row {
        Some(row) if row.gone.is_some() => Err(KeysError::Forgotten { name: node.name.clone() }),
        _ => Ok(()),
    }
}

/// The key of an epoch, if it is that of this database.
pub(super) async fn recognised(
    root: &RootKey,
    epoch: u64,
    wrapped: &[u8],
    proof: &[u8],
) -> Result<WrappingKey, KeysError> {
    let key = open(root, epoch, wrapped).await?;
    key.unwrap(&place::epoch_proof(epoch), proof).map_err(|_| KeysError::OtherEpoch { epoch })?;
    Ok(key)
}

/// A slot that holds nothing that the database uses.
fn free_slot(slots: &[Slot], known: &[(u64, Vec<u8>)]) -> Option<usize> {
    let is_empty = |slot: &Slot| !matches!(slot, Slot::Holds(..));
    let is_over =
        |slot: &Slot| matches!(slot, Slot::Holds(epoch, _) if known.iter().all(|(known, _)| known != epoch));
    slots.iter().position(is_empty).or_else(|| slots.iter().position(is_over))
}

/// What is told of a file; none while it has not what the database has.
fn told(slots: &[Slot; super::SLOTS], known: &[(u64, Vec<u8>)]) -> Option<ToldEpochs> {
    let (newest, proof) = known.last()?;
    let held: Vec<u64> = holding(slots).map(|(epoch, _)| epoch).collect();
    let oldest = held.iter().copied().min().filter(|_| held.contains(newest))?;
    Some(ToldEpochs { oldest, newest: *newest, proof: proof.clone() })
}

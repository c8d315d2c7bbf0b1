//! From an epoch under one root key to the next one under another: see [`crate::move_root`].

use super::{Epochs, SLOTS, Slot, Slots, holding, newest, open, unwrap};
use crate::{KeysError, RootError, RootKey, place};
use std::sync::Arc;
use yingdun_catalog::Statement;
use yingdun_catalog::keyring::keks::LineKek;
use yingdun_catalog::keyring::{epochs, keks};
use yingdun_crypto::{SealingKey, WrappingKey};

/// Key-encryption keys that one transaction moves: institutions, grades, suites and versions of many years. Were there more, the
/// database would refuse to end the epoch before, and nothing would change.
const KEKS_MAX: u32 = 16_384;

/// An epoch that is in the file and not in the database yet.
struct Prepared {
    epoch: u64,
    key: WrappingKey,
}

impl Epochs {
    /// Prepares, commits and overwrites. What was prepared and not committed is overwritten too.
    pub(crate) async fn move_root(
        &self,
        from: &RootKey,
        to: &RootKey,
        changes: Vec<Statement>,
    ) -> Result<(u64, u64), KeysError> {
        let slots = self.lock().await?;
        self.forget_unannounced_of_others(from, &slots).await?;
        self.settle(from, &slots).await?;
        let prepared = self.prepare(to, &slots).await?;
        let epoch = prepared.epoch;
        match self.commit(from, prepared, changes).await {
            Ok(keks) => {
                self.overwrite(&slots, &slots.read()?, epoch).await?;
                Ok((epoch, keks))
            }
            Err(error) => {
                // Whether the database took it may be unknown. What is over is told by whoever opens it next.
                self.forget();
                Err(error)
            }
        }
    }

    /// The first steps of [`Self::move_root`], as a crash leaves them.
    #[cfg(test)]
    pub(crate) async fn move_root_until(
        &self,
        from: &RootKey,
        to: &RootKey,
        changes: Vec<Statement>,
        steps: u32,
    ) -> Result<(), KeysError> {
        let slots = self.lock().await?;
        let prepared = self.prepare(to, &slots).await?;
        if steps > 1 {
            self.commit(from, prepared, changes).await?;
        }
        Ok(())
    }

    /// The newest epoch, and how many versions stand under it.
    pub(crate) async fn under_newest(&self) -> Result<(u64, u64), KeysError> {
        // No key-encryption key stands under an epoch of this number.
        let all = keks::outside(&self.database, u64::MAX, KEKS_MAX).await?;
        Ok((newest(&epochs::all(&self.database).await?), all.len() as u64))
    }

    /// Overwrites epochs that no database knows and that this root key does not open: a move to another root key was broken off before
    /// it counted. The epoch that the database needs is there and opens; otherwise nothing is touched.
    pub(super) async fn forget_unannounced_of_others(
        &self,
        root: &RootKey,
        slots: &Arc<Slots>,
    ) -> Result<(), KeysError> {
        let (now, known) = (slots.read()?, epochs::all(&self.database).await?);
        let needed = newest(&known);
        let Some((_, wrapped)) = holding(&now).find(|(epoch, _)| *epoch == needed) else { return Ok(()) };
        open(root, needed, wrapped).await?;
        for (at, slot) in now.iter().enumerate() {
            let Slot::Holds(epoch, wrapped) = slot else { continue };
            if *epoch <= needed {
                continue;
            }
            match root.unwrap(&place::epoch(*epoch), wrapped).await {
                Err(RootError::WrongKey) => {
                    let slots = Arc::clone(slots);
                    super::blocking(move || slots.overwrite(at)).await?;
                }
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Puts the next epoch into the free slot, wrapped under the new root key.
    async fn prepare(&self, to: &RootKey, slots: &Arc<Slots>) -> Result<Prepared, KeysError> {
        let epoch = self.held().newest.saturating_add(1);
        let key = SealingKey::generate();
        let wrapped = to.wrap(&place::epoch(epoch), &key).await?;
        let free = free_slot(&slots.read()?);
        let slots = Arc::clone(slots);
        super::blocking(move || slots.write(free, epoch, &wrapped)).await?;
        Ok(Prepared { epoch, key: key.into() })
    }

    /// One transaction, after which only the new root key opens the database. Gives how many key-encryption keys were wrapped again.
    async fn commit(
        &self,
        from: &RootKey,
        Prepared { epoch, key }: Prepared,
        mut changes: Vec<Statement>,
    ) -> Result<u64, KeysError> {
        let proof = key.wrap(&place::epoch_proof(epoch), &SealingKey::generate());
        changes.push(epochs::insert(epoch, &proof, self.clock.now()));
        let old = keks::outside(&self.database, epoch, KEKS_MAX).await?;
        let moved = old.len() as u64;
        for LineKek { line, kek } in old {
            let kept = unwrap(from, &self.held(), &line, &kek).await?;
            let wrapped = key.wrap(&place::kek(&line, kek.version), &kept);
            changes.push(keks::rewrap(&line, kek.version, kek.epoch, epoch, &wrapped));
        }
        let known = epochs::all(&self.database).await?;
        changes.extend(known.iter().map(|(over, _)| epochs::delete(*over)));
        self.database.execute(changes).await?;
        Ok(moved)
    }
}

pub(super) fn free_slot(slots: &[Slot; SLOTS]) -> usize {
    slots.iter().position(|slot| !matches!(slot, Slot::Holds(..))).unwrap_or_default()
}

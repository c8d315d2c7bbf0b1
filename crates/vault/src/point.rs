//! Which snapshot a restore takes, and what it will not have.

use crate::manifest::{FileEntry, Manifest};
use crate::{Vault, VaultError};
use serde::Serialize;
use std::collections::BTreeMap;
use yingdun_audit::{EventKind, Filter, Order, Outcome};
use yingdun_model::Timestamp;

/// What somebody wants back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Point {
    /// The newest snapshot.
    #[default]
    Newest,
    /// The snapshot of this number.
    Number(u64),
    /// The newest snapshot that is not after this moment, by the clock of the vault.
    At(Timestamp),
}

/// The snapshot that a restore takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What it holds.
    pub manifest: Manifest,
    /// With the keys of which snapshot.
    pub keys_of: u64,
    /// What lies between it and the moment that was asked for; none when no moment was.
    pub between: Option<Between>,
    pub(crate) keys: BTreeMap<String, FileEntry>,
}

/// What lies between a snapshot and the moment that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Between {
    /// Seconds from the snapshot to that moment.
    pub seconds: u64,
    /// Objects that the log calls stored until that moment and that the snapshot may not have: no more than so many.
    pub stored: u64,
    /// The next snapshot, which has them, and what came after the moment too; none when nothing was pulled since.
    pub next: Option<u64>,
}

impl Vault {
    /// Chooses the snapshot of a restore, and whose keys; its own, unless named. Says in time what is missing.
    ///
    /// # Errors
    /// [`VaultError::NoSnapshot`], [`VaultError::NoneBefore`], [`VaultError::Empty`], [`VaultError::KeysGone`].
    pub fn choose(&self, point: Point, keys_of: Option<u64>) -> Result<Chosen, VaultError> {
        let (manifest, between) = match point {
            Point::Newest => (self.newest()?.ok_or(VaultError::Empty)?.manifest, None),
            Point::Number(number) => (self.snapshot(number)?.manifest, None),
            Point::At(moment) => {
                let (manifest, between) = self.before(moment)?;
                (manifest, Some(between))
            }
        };
        let with_keys = match keys_of {
            Some(other) => self.snapshot(other)?.manifest,
            None => manifest.clone(),
        };
        if !self.has_keys(&with_keys) {
            let days = self.settings().keep_keys_days;
            return Err(VaultError::KeysGone { snapshot: with_keys.number, days });
        }
        Ok(Chosen { manifest, keys_of: with_keys.number, between, keys: with_keys.keys })
    }

    fn before(&self, moment: Timestamp) -> Result<(Manifest, Between), VaultError> {
        let manifests = self.snapshots()?;
        let oldest = manifests.first().ok_or(VaultError::Empty)?.number;
        let place = manifests.iter().rposition(|manifest| manifest.taken_ms <= moment.as_ms());
        let chosen = place.and_then(|place| manifests.get(place)).ok_or(VaultError::NoneBefore { oldest })?;
        let next = place.and_then(|place| manifests.get(place + 1)).map(|next| next.number);
        let ms = moment.as_ms().saturating_sub(chosen.taken_ms);
        let seconds = u64::try_from(ms).unwrap_or(0) / 1000;
        let stored = self.stored_between(chosen.audit.before, moment)?;
        Ok((chosen.clone(), Between { seconds, stored, next }))
    }

    /// How many leaves from a number on tell of an object that was stored until a moment.
    fn stored_between(&self, first: u64, until: Timestamp) -> Result<u64, VaultError> {
        let Some(reader) = self.mirror()?.reader() else { return Ok(0) };
        let stored = Filter {
            kinds: vec![EventKind::Stored],
            outcome: Some(Outcome::Succeeded),
            until: Some(until),
            order: Order::NewestFirst,
            ..Filter::default()
        };
        let mut count = 0;
        for found in reader.search(stored) {
            if found.map_err(yingdun_audit::MirrorError::from)?.index < first {
                break;
            }
            count += 1;
        }
        Ok(count)
    }
}

//! What is old, and its end. Age is running time ([`RunningTime`]); nothing here looks at a clock.

use crate::chunks::{Chunks, short};
use crate::listing::Listing;
use crate::manifest::{self, FileEntry, Manifest};
use crate::{RunningTime, Settings, Vault, VaultError, files};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fs;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Milliseconds of running time.
    pub keep_ms: u64,
    /// Snapshots that are kept whatever their age.
    pub keep_last: usize,
    /// Milliseconds of running time that keys are kept. Those of the newest snapshot are always.
    pub keep_keys_ms: u64,
}

/// What is removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doomed {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// Snapshots.
    pub snapshots: Vec<u64>,
    /// Snapshots that stay and lose their keys.
    pub keys_of: Vec<u64>,
    /// Packs that no snapshot has any more.
    pub packs: u64,
    /// Pieces of files that no snapshot has any more.
    pub pieces: u64,
    /// The bytes of all that.
    pub bytes: u64,
}

impl Retention {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            keep_ms: u64::from(settings.keep_days) * DAY_MS,
            keep_last: usize::try_from(settings.keep_last).unwrap_or(usize::MAX).max(1),
            keep_keys_ms: u64::from(settings.keep_keys_days) * DAY_MS,
        }
    }

    /// Which of these snapshots, oldest first, end, and which of the others lose their keys.
    #[must_use]
    pub fn judge(&self, snapshots: &[(u64, RunningTime)], now: RunningTime) -> (Vec<u64>, Vec<u64>) {
        let last = snapshots.len().saturating_sub(self.keep_last);
        let (mut ended, mut without_keys) = (Vec::new(), Vec::new());
        for (place, (number, taken)) in snapshots.iter().enumerate() {
            let age_ms = now.since(*taken);
            if place < last && age_ms > self.keep_ms {
                ended.push(*number);
            } else if place + 1 < snapshots.len() && age_ms > self.keep_keys_ms {
                without_keys.push(*number);
            }
        }
        (ended, without_keys)
    }
}

impl Vault {
    /// Ends what is old. With `dry_run` nothing is touched.
    ///
    /// # Errors
    /// [`VaultError::Alarmed`] while alarms wait: what they are about may be the last good copy.
    pub fn prune(&mut self, dry_run: bool) -> Result<Doomed, VaultError> {
        let count = self.alarms()?.len();
        if count > 0 {
            return Err(VaultError::Alarmed { count });
        }
        let now = self.running_time()?;
        let manifests = self.snapshots()?;
        let ages: Vec<(u64, RunningTime)> =
            manifests.iter().map(|kept| (kept.number, kept.running)).collect();
        let (ended, keyless) = Retention::of(&self.settings).judge(&ages, now);
        let (_, kept): (Vec<&Manifest>, Vec<&Manifest>) =
            manifests.iter().partition(|manifest| ended.contains(&manifest.number));
        let mut doomed = Doomed { dry_run, snapshots: ended.clone(), ..Doomed::default() };
        if !dry_run {
            // Manifests first: one that is still here never names what is gone.
            for number in &ended {
                let (from, to) =
                    (manifest::path_of(&self.snapshots, *number), manifest::path_of(&self.pruned, *number));
                fs::rename(&from, &to).map_err(VaultError::file(&from))?;
            }
            files::sync_all(&self.folder)?;
        }
        self.sweep_packs(&kept, &mut doomed)?;
        let parts = kept.iter().flat_map(|manifest| manifest.parts.values().chain([&manifest.packs.list]));
        let names = names(&self.chunks, parts)?;
        add(&mut doomed, self.chunks.sweep(&names, dry_run)?);
        let keys = self.key_chunks()?;
        doomed.keys_of = kept
            .iter()
            .filter(|manifest| keyless.contains(&manifest.number))
            .filter(|manifest| manifest.keys.values().any(|entry| keys.has(entry)))
            .map(|manifest| manifest.number)
            .collect();
        let with_keys = kept.iter().filter(|manifest| !keyless.contains(&manifest.number));
        let mut names = names_of_keys(keys, with_keys)?;
        for entry in self.disc_keys_kept(now)?.iter().filter(|entry| keys.has(entry)) {
            names.insert(short(&entry.list.0));
            names.extend(keys.names(entry)?.iter().map(|name| short(name)));
        }
        add(&mut doomed, keys.sweep(&names, dry_run)?);
        Ok(doomed)
    }

    /// The keys of rows on discs that stay: as long as other keys, and those of the newest such disc.
    fn disc_keys_kept(&self, now: RunningTime) -> Result<Vec<FileEntry>, VaultError> {
        let with_rows: Vec<(FileEntry, RunningTime)> = self
            .discs()?
            .iter()
            .filter_map(|disc| Some((disc.volume.snapshot?.key, disc.volume.running)))
            .collect();
        let keep_keys_ms = Retention::of(&self.settings).keep_keys_ms;
        let newest = with_rows.len().saturating_sub(1);
        let stays = |(place, (key, written)): (usize, (FileEntry, RunningTime))| {
            (place == newest || now.since(written) <= keep_keys_ms).then_some(key)
        };
        Ok(with_rows.into_iter().enumerate().filter_map(stays).collect())
    }

    fn sweep_packs(&self, kept: &[&Manifest], doomed: &mut Doomed) -> Result<(), VaultError> {
        let mut needed = HashSet::new();
        for manifest in kept {
            for entry in Listing::of(&self.chunks, Some(&manifest.packs.list))? {
                needed.insert(entry?.pack);
            }
        }
        let newest = needed.iter().max().copied();
        for (pack, bytes) in self.packs.all()? {
            // A pull that was cut off leaves packs that are in no snapshot yet; the next one goes on with them.
            if needed.contains(&pack) || newest.is_none_or(|newest| pack > newest) {
                continue;
            }
            doomed.packs += 1;
            doomed.bytes += bytes;
            if !doomed.dry_run {
                self.packs.remove(pack)?;
            }
        }
        Ok(())
    }
}

fn add(doomed: &mut Doomed, (pieces, bytes): (u64, u64)) {
    doomed.pieces += pieces;
    doomed.bytes += bytes;
}

/// The pieces of files, by the first bytes of their names.
fn names<'m>(
    chunks: &Chunks,
    entries: impl Iterator<Item = &'m FileEntry>,
) -> Result<HashSet<u64>, VaultError> {
    let lists: HashMap<u64, FileEntry> = entries.map(|entry| (short(&entry.list.0), *entry)).collect();
    let mut names: HashSet<u64> = lists.keys().copied().collect();
    for entry in lists.values() {
        names.extend(chunks.names(entry)?.iter().map(|name| short(name)));
    }
    Ok(names)
}

/// The same of keys, of which some may be gone already.
fn names_of_keys<'m>(
    keys: &Chunks,
    manifests: impl Iterator<Item = &'m &'m Manifest>,
) -> Result<HashSet<u64>, VaultError> {
    names(keys, manifests.flat_map(|manifest| manifest.keys.values()).filter(|entry| keys.has(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RETENTION: Retention = Retention { keep_ms: 100, keep_last: 3, keep_keys_ms: 35 };

    fn judge(taken: &[u64], now: u64) -> (Vec<u64>, Vec<u64>) {
        let snapshots: Vec<(u64, RunningTime)> =
            (1..).zip(taken).map(|(number, taken)| (number, RunningTime(*taken))).collect();
        RETENTION.judge(&snapshots, RunningTime(now))
    }

    #[test]
    fn what_is_old_ends_but_never_the_last_ones() {
        assert_eq!(judge(&[0, 10, 20, 30, 40], 111), (vec![1, 2], vec![3, 4]));
        // A vault that pulled nothing for long keeps what it has, and the keys of the newest.
        assert_eq!(judge(&[0, 10, 20], 10_000), (vec![], vec![1, 2]));
        assert_eq!(judge(&[], 10_000), (vec![], vec![]));
    }

    proptest! {
        /// Whoever has the archive can have many bad snapshots taken, and cannot thereby end a good one early.
        #[test]
        fn snapshots_that_come_after_never_end_one_before_its_time(
            mut taken in prop::collection::vec(0_u64..1000, 1..40),
            flood in 0_usize..1000,
        ) {
            taken.sort_unstable();
            let now = 1000;
            let before = judge(&taken, now).0;
            let mut flooded = taken.clone();
            flooded.extend(std::iter::repeat_n(now, flood));
            let (ended, _) = judge(&flooded, now);
            for number in &ended {
                let place = usize::try_from(*number).unwrap() - 1;
                prop_assert!(now - flooded[place] > RETENTION.keep_ms);
            }
            prop_assert!(before.iter().all(|number| ended.contains(number)));
        }
    }
}

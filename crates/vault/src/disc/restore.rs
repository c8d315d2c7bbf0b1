//! Packs come back from discs into the vault: those that a snapshot names and that are gone from here, or are not what was put here.

use super::register::Register;
use super::volume::{Head, hash_file};
use crate::listing::{Listing, PackEntry};
use crate::pull::store_name;
use crate::{Vault, VaultError, Watch, files};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use yingdun_storage::check_pack;

/// Bytes that are copied at once.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Packs of a snapshot that are not here as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The snapshot.
    pub snapshot: u64,
    store: [u8; 16],
    packs: BTreeMap<u64, PackEntry>,
}

impl Lacking {
    /// How many are lacking.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.packs.len() as u64
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.packs.values().map(|entry| entry.bytes).sum()
    }
}

/// What one disc brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// The disc.
    pub label: String,
    /// Packs that came back.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packs that are damaged on it, 16 hexadecimal digits.
    pub damaged: Vec<String>,
}

/// Packs that are lacking, by the discs that have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MissingOn {
    /// Discs by which as much as possible comes back: each with what it has that none before it has.
    pub discs: Vec<(String, u64)>,
    /// Packs that are on no disc, 16 hexadecimal digits.
    pub nowhere: Vec<String>,
}

impl Vault {
    /// Reads every pack of a snapshot that is here and says which are lacking; of the newest when none is named. Blocks.
    ///
    /// # Errors
    /// [`VaultError::NoSnapshot`], [`VaultError::Empty`]; [`VaultError`] when the list of packs cannot be read.
    pub fn lacking(&self, snapshot: Option<u64>, watch: &Watch) -> Result<Lacking, VaultError> {
        let snapshot = match snapshot {
            Some(number) => self.snapshot(number)?,
            None => self.newest()?.ok_or(VaultError::Empty)?,
        };
        let manifest = &snapshot.manifest;
        let mut lacking = Lacking {
            snapshot: manifest.number,
            store: store_name(&manifest.store)?,
            packs: BTreeMap::new(),
        };
        for entry in Listing::of(&self.chunks, Some(&manifest.packs.list))? {
            let entry = entry?;
            let here = self.packs.copy(&entry, |block| {
                watch.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
                Ok(())
            });
            match here {
                Ok(()) => {}
                // Gone, not what was put here, or not given by the disk.
                Err(VaultError::Damaged { .. } | VaultError::File { .. }) => {
                    lacking.packs.insert(entry.pack, entry);
                }
                Err(error) => return Err(error),
            }
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(lacking)
    }

    /// Takes from a mounted disc what is lacking. Each pack is checked before it has its name here. Blocks.
    ///
    /// # Errors
    /// [`VaultError::Disc`] when it is no disc of this vault; [`VaultError`] when the vault cannot be written. A pack that is damaged
    /// on the disc is no error.
    pub fn bring(
        &mut self,
        lacking: &mut Lacking,
        disc: &Path,
        watch: &Watch,
    ) -> Result<Brought, VaultError> {
        let head = Head::read(disc, &self.disc_keys()?)?;
        let mut register = self.register()?;
        // One that the register does not know, because it was written after what this vault was made of.
        if register.by_number(head.volume.volume).is_none() {
            register.add(&head)?;
        }
        let mut brought = Brought { label: head.volume.label.clone(), ..Brought::default() };
        for pack in &head.packs {
            let entry = pack.entry;
            if lacking.packs.get(&entry.pack) != Some(&entry) {
                continue;
            }
            match self.take_pack(&head, &entry, lacking.store, watch)? {
                true => {
                    lacking.packs.remove(&entry.pack);
                    brought.packs += 1;
                    brought.bytes += entry.bytes;
                }
                false => brought.damaged.push(format!("{:016x}", entry.pack)),
            }
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
        files::sync_all(&self.folder)?;
        Ok(brought)
    }

    /// Which discs have what is lacking.
    ///
    /// # Errors
    /// [`VaultError`] when the register cannot be read.
    pub fn missing_on(&self, lacking: &Lacking) -> Result<MissingOn, VaultError> {
        Ok(missing_on(lacking, &self.register()?))
    }

    /// Copies a pack from a disc; false when it is not what was written there.
    fn take_pack(
        &self,
        head: &Head,
        entry: &PackEntry,
        store: [u8; 16],
        watch: &Watch,
    ) -> Result<bool, VaultError> {
        let new = self.incoming.join(format!("{:016x}.pack", entry.pack));
        if copy(&head.path_of(entry.pack), &new, watch)? != Some(entry.digest) {
            fs::remove_file(&new).map_err(VaultError::file(&new))?;
            return Ok(false);
        }
        // Once more from where it lies now, and record by record.
        let is_whole = hash_file(&new, |_| ()).map_err(VaultError::file(&new))? == entry.digest;
        let check = check_pack(&new, entry.pack, store, 0, entry.bytes).map_err(VaultError::file(&new))?;
        if !is_whole || check.damaged_at.is_some() {
            return Err(VaultError::damaged(&new, "what was written is not what is read"));
        }
        let path = self.packs.path(entry.pack);
        fs::rename(&new, &path).map_err(VaultError::file(&path))?;
        Ok(true)
    }
}

/// Copies a file to the disk and gives its digest; nothing when the source cannot be read to its end.
fn copy(from: &Path, to: &Path, watch: &Watch) -> Result<Option<[u8; 32]>, VaultError> {
    let mut into = fs::File::create(to).map_err(VaultError::file(to))?;
    let Ok(mut source) = fs::File::open(from) else { return Ok(None) };
    let (mut hasher, mut block) = (blake3::Hasher::new(), vec![0; BLOCK_BYTES]);
    loop {
        let count = match source.read(&mut block) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Ok(None),
        };
        let bytes = block.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        into.write_all(bytes).map_err(VaultError::file(to))?;
        watch.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    into.sync_all().map_err(VaultError::file(to))?;
    Ok(Some(*hasher.finalize().as_bytes()))
}

/// Discs with the most of what is lacking first, each without what those before it bring.
fn missing_on(lacking: &Lacking, register: &Register) -> MissingOn {
    let mut left: HashSet<PackEntry> = lacking.packs.values().copied().collect();
    let mut discs: Vec<_> = register.discs().iter().filter(|disc| disc.is_there()).collect();
    let mut missing = MissingOn::default();
    let has = |disc: &super::Disc, left: &HashSet<PackEntry>| {
        disc.packs.iter().filter(|pack| left.contains(&pack.entry)).count() as u64
    };
    while !left.is_empty() {
        // Of two that have as many, the older.
        discs.sort_by_key(|disc| (std::cmp::Reverse(has(disc, &left)), disc.volume.volume));
        let Some(best) = discs.first().filter(|disc| has(disc, &left) > 0) else { break };
        missing.discs.push((best.volume.label.clone(), has(best, &left)));
        for pack in &best.packs {
            left.remove(&pack.entry);
        }
        discs.remove(0);
    }
    let mut nowhere: Vec<u64> = left.iter().map(|entry| entry.pack).collect();
    nowhere.sort_unstable();
    missing.nowhere = nowhere.into_iter().map(|pack| format!("{pack:016x}")).collect();
    missing
}

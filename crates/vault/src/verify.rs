//! Whether everything is here that a snapshot names, without asking the archive.

use crate::chunks::Chunks;
use crate::listing::Listing;
use crate::manifest::{FileEntry, LogHead};
use crate::pull::store_name;
use crate::{Vault, VaultError, Watch};
use serde::Serialize;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use yingdun_audit::{Checkpoint, MirrorError, Reader};
use yingdun_crypto::sign::NoteVerifier;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The snapshot.
    pub snapshot: u64,
    /// Snapshots whose signatures and order were checked.
    pub manifests: usize,
    /// Packs that were read whole.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Leaves whose root is the signed one.
    pub leaves: u64,
    /// Whether the keys of the snapshot are here; they go before it does.
    pub keys: bool,
    /// What is wrong, in one sentence each.
    pub faults: Vec<String>,
}

impl Vault {
    /// Checks the chain of all manifests, the whole audit log, and every byte that a snapshot names; the newest when none is
    /// named. What is damaged is in the answer.
    ///
    /// # Errors
    /// [`VaultError`] when there is no such snapshot, or a manifest cannot be trusted.
    pub fn verify(&self, number: Option<u64>, watch: &Watch) -> Result<Verified, VaultError> {
        let manifests = self.snapshots()?;
        let manifest = match number {
            Some(number) => manifests.iter().find(|manifest| manifest.number == number),
            None => manifests.last(),
        };
        let manifest = manifest.ok_or(number.map_or(VaultError::Empty, VaultError::NoSnapshot))?;
        let mut verified =
            Verified { snapshot: manifest.number, manifests: manifests.len(), ..Verified::default() };
        let store = store_name(&manifest.store)?;
        for entry in Listing::of(&self.chunks, Some(&manifest.packs.list))? {
            let entry = entry?;
            let copied = self.packs.copy(&entry, |block| {
                watch.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
                Ok(())
            });
            match copied.and_then(|()| self.packs.is_sound(entry.pack, store, 0, entry.bytes)) {
                Ok(true) => {}
                Ok(false) => verified.faults.push(format!("pack {:016x}: a record is damaged", entry.pack)),
                Err(error) => verified.faults.push(error.to_string()),
            }
            verified.packs += 1;
            verified.bytes += entry.bytes;
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
        for (name, entry) in &manifest.parts {
            verified.faults.extend(read_through(&self.chunks, name, entry).err());
        }
        let keys = self.key_chunks()?;
        verified.keys = manifest.keys.values().all(|entry| keys.has(entry));
        if verified.keys {
            for (name, entry) in &manifest.keys {
                verified.faults.extend(read_through(keys, name, entry).err());
            }
        }
        match self.log_holds(&manifest.audit) {
            Ok(leaves) => verified.leaves = leaves,
            Err(error) => verified.faults.push(error.to_string()),
        }
        Ok(verified)
    }

    /// Hashes the whole log; tells how many leaves it has. The checkpoints of a snapshot must be of its past.
    fn log_holds(&self, named: &LogHead) -> Result<u64, VaultError> {
        let mirror = self.mirror()?;
        let leaves = mirror.check()?;
        is_past(&self.log_key, &named.checkpoint, mirror.reader())?;
        if let Some(note) = &named.witnessed {
            is_past(&self.log_key, note, mirror.reader())?;
        }
        if let (Some(key), Some(note)) = (&self.sm3_key, &named.sm3_checkpoint) {
            is_past(key, note, mirror.sm3_reader())?;
        }
        Ok(leaves)
    }
}

/// Whether a signed checkpoint is one of the past of a tree.
pub(crate) fn is_past(key: &NoteVerifier, note: &str, tree: Option<Reader>) -> Result<(), VaultError> {
    let here = Path::new("audit");
    let named = Checkpoint::verify(key, note).map_err(|why| VaultError::damaged(here, why))?;
    let Some(reader) = tree else { return Err(VaultError::damaged(here, "the log is gone")) };
    let leaves = reader.checkpoint().size();
    if named.size() > leaves {
        let why = format!("{leaves} leaves are here, the snapshot has {}", named.size());
        return Err(VaultError::damaged(here, why));
    }
    if named.size() > 0 {
        let path = reader.prove_consistency(named.size(), leaves).map_err(MirrorError::from)?;
        yingdun_audit::verify_consistency(&named, reader.checkpoint(), &path).map_err(MirrorError::from)?;
    }
    Ok(())
}

fn read_through(chunks: &Chunks, name: &str, entry: &FileEntry) -> Result<(), String> {
    let mut reader = chunks.reader(entry).map_err(|error| format!("{name}: {error}"))?.take(u64::MAX);
    match io::copy(&mut reader, &mut io::sink()) {
        Ok(bytes) if bytes == entry.bytes => Ok(()),
        Ok(bytes) => Err(format!("{name}: {bytes} bytes are here, the snapshot has {}", entry.bytes)),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

//! Reading a disc back: every byte, without any key that opens anything.

use super::register::DiscState;
use super::volume::{DiscPack, Head, PACK_FOLDER, hash_file};
use crate::pull::store_name;
use crate::vault::now_ms;
use crate::{Vault, VaultError, Watch};
use serde::Serialize;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_storage::survey_pack;

/// What is wrong with a file of a disc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscFault {
    /// Its path on the disc.
    pub file: String,
    /// What is wrong, in one sentence.
    pub why: String,
    /// Where the first wrong bytes of a pack are.
    pub damaged_at: Option<u64>,
    /// Records of a pack that are not what was stored, or cannot be found any more.
    pub records_damaged: Option<u64>,
    /// Records that it had.
    pub records: Option<u64>,
}

/// What was found on a disc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscVerified {
    /// Its number.
    pub volume: u64,
    /// What is written on it.
    pub label: String,
    /// Packs that were read.
    pub packs: u64,
    /// Bytes that were read, of all files.
    pub bytes: u64,
    /// Records in packs that are whole as they were written.
    pub records: u64,
    /// Records that are damaged.
    pub records_damaged: u64,
    /// Whether all of it is what was written.
    pub good: bool,
    /// What is wrong.
    pub faults: Vec<DiscFault>,
}

/// Reads a disc in full and holds it against what one of these keys signed. A pack whose BLAKE3 is the signed one holds the records
/// that the vault checked; in any other each record is checked by its own digest. Blocks.
///
/// # Errors
/// [`VaultError::Disc`] when no note of these keys is on it, or its lists are damaged on both places.
pub fn verify_disc(folder: &Path, keys: &[NoteVerifier], watch: &Watch) -> Result<DiscVerified, VaultError> {
    verify(&Head::read(folder, keys)?, watch)
}

impl Vault {
    /// The same with the keys of this vault; what was found is written down in the register. A disc that the register does not know,
    /// because it is older than the register, is taken into it.
    ///
    /// # Errors
    /// [`VaultError::Disc`], also for another volume under a number that is known; [`VaultError`] when the register cannot be
    /// written.
    pub fn verify_disc(&mut self, folder: &Path, watch: &Watch) -> Result<DiscVerified, VaultError> {
        let head = Head::read(folder, &self.disc_keys()?)?;
        let mut register = self.register()?;
        let number = head.volume.volume;
        let known = register.by_number(number).map(|known| known.digest == head.digest());
        if known == Some(false) {
            let why = format!("the register has another volume {number}");
            return Err(VaultError::Disc { folder: folder.to_owned(), why });
        }
        let verified = verify(&head, watch)?;
        if known.is_none() {
            register.add(&head)?;
        }
        let state = if verified.good { DiscState::Verified } else { DiscState::Damaged };
        register.note(number, state, now_ms(), self.running_time()?)?;
        Ok(verified)
    }
}

fn verify(head: &Head, watch: &Watch) -> Result<DiscVerified, VaultError> {
    let store = store_name(&head.volume.store)?;
    let mut verified = DiscVerified {
        volume: head.volume.volume,
        label: head.volume.label.clone(),
        packs: 0,
        bytes: 0,
        records: 0,
        records_damaged: 0,
        good: false,
        faults: head.damaged.iter().map(|name| fault(name, "one of its two copies is damaged")).collect(),
    };
    let packs: HashMap<String, &DiscPack> = head
        .packs
        .iter()
        .map(|pack| (format!("{PACK_FOLDER}/{:016x}.pack", pack.entry.pack), pack))
        .collect();
    for (path, digest) in &head.files {
        let mut read = 0;
        let hashed = hash_file(&head.folder.join(path), |bytes| {
            read += bytes.len() as u64;
            watch.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        verified.bytes += read;
        let pack = packs.get(path);
        let found = match hashed {
            Ok(found) if found == *digest => None,
            Ok(_) => Some(fault(path, "its bytes are not those that were written")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(fault(path, "it is not there")),
            Err(error) => Some(fault(path, &format!("it cannot be read to its end: {error}"))),
        };
        let whole = match (&found, pack) {
            (None, Some(pack)) => pack.records,
            (Some(_), Some(pack)) => {
                let DiscPack { entry, records } = pack;
                let survey = survey_pack(&head.folder.join(path), entry.pack, store, entry.bytes);
                let survey = survey.unwrap_or_default();
                let damaged = records.saturating_sub(survey.whole);
                verified.records_damaged += damaged;
                verified.faults.extend(found.map(|fault| DiscFault {
                    damaged_at: survey.damaged_at,
                    records_damaged: Some(damaged),
                    records: Some(*records),
                    ..fault
                }));
                survey.whole
            }
            (_, None) => {
                verified.faults.extend(found);
                0
            }
        };
        verified.records += whole;
        if pack.is_some() {
            verified.packs += 1;
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
    }
    if verified.packs != head.volume.packs {
        verified.faults.push(fault(PACK_FOLDER, "the list of files does not name every pack"));
    }
    verified.good = verified.faults.is_empty();
    Ok(verified)
}

fn fault(file: &str, why: &str) -> DiscFault {
    DiscFault {
        file: file.to_owned(),
        why: why.to_owned(),
        damaged_at: None,
        records_damaged: None,
        records: None,
    }
}

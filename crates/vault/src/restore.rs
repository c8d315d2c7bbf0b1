//! From a snapshot to the folders of a new installation.
//!
//! Everything is checked once more on its way. What was destroyed in the archive after the snapshot was taken is known to the
//! audit log; so the newest log comes back with it unless told otherwise, and the archive does again at its start what the log
//! says was done.

use crate::listing::Listing;
use crate::manifest::{FileEntry, LogHead, Manifest};
use crate::pull::store_name;
use crate::{Chosen, Vault, VaultError, Watch, files};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use yingdun_audit::{AuditError, Checkpoint, Heads, Mirror, MirrorError, RawLeaf, Reader, keep_witnessed};
use yingdun_catalog::{DatabaseKind, NewDatabase};
use yingdun_storage::{begin_replica, check_pack, pack_file};

/// Room that a row needs in a database, beside what it has in a snapshot: itself, its indexes, and once more in the catalogue of a
/// rehearsal.
const ROWS_ROOM: u64 = 4;

/// Where an installation keeps its things. None of the files is there yet, and the folders are empty.
#[derive(Clone, Debug)]
pub struct Target {
    /// One folder per replica; each gets every pack.
    pub replicas: Vec<PathBuf>,
    /// The database of the catalogue.
    pub catalogue: NewDatabase,
    /// Of wrapped keys.
    pub keys: NewDatabase,
    /// Of accounts.
    pub identity: NewDatabase,
    /// The root-key file.
    pub root_file: PathBuf,
    /// The epoch file.
    pub epoch_file: PathBuf,
    /// The folder of the audit log.
    pub audit: PathBuf,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// From which snapshot.
    pub snapshot: u64,
    /// With the keys of which one.
    pub keys_of: u64,
    /// When its packs were listed, by the clock of the vault, in milliseconds since 1970: whatever was acknowledged before is
    /// here.
    pub taken_ms: i64,
    /// Packs.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in them, each of which was checked.
    pub records: u64,
    /// Rows of the three databases.
    pub rows: u64,
    /// Leaves of the audit log.
    pub leaves: u64,
}

impl Vault {
    /// Makes replicas, databases, keys and audit log of an installation. With `newest_log` the log is the newest that was
    /// followed, which tells what was destroyed since; otherwise it is that of the snapshot, and what was destroyed since comes
    /// back to life. Blocks, on a blocking thread of a runtime.
    ///
    /// # Errors
    /// [`VaultError`]; what was made until then stays, for a person to look at.
    pub fn restore(
        &self,
        chosen: &Chosen,
        newest_log: bool,
        target: &Target,
        watch: &Watch,
    ) -> Result<Restored, VaultError> {
        let Chosen { manifest, keys_of, keys, .. } = chosen;
        let mut restored = Restored {
            snapshot: manifest.number,
            keys_of: *keys_of,
            taken_ms: manifest.taken_ms,
            ..Restored::default()
        };
        check_new(target)?;
        self.restore_packs(manifest, target, &mut restored, watch)?;
        let key_chunks = self.key_chunks()?;
        for (name, path) in [("root", &target.root_file), ("epoch", &target.epoch_file)] {
            let mut bytes = Vec::new();
            let mut reader = key_chunks.reader(named(keys, name)?)?;
            reader.read_to_end(&mut bytes).map_err(VaultError::file(path))?;
            // An archive whose root key is on a token has no such file.
            if !bytes.is_empty() {
                files::write_new(path, &bytes)?;
            }
        }
        let databases = [
            (&self.chunks, named(&manifest.parts, "catalogue")?, DatabaseKind::Catalogue, &target.catalogue),
            (&self.chunks, named(&manifest.parts, "identity")?, DatabaseKind::Identity, &target.identity),
            (key_chunks, named(keys, "keys")?, DatabaseKind::Keys, &target.keys),
        ];
        for (chunks, entry, kind, database) in databases {
            restored.rows += database.load(kind, chunks.reader(entry)?)?;
        }
        restored.leaves = self.restore_log(manifest, newest_log, &target.audit)?;
        target.replicas.iter().try_for_each(|replica| files::sync_all(replica))?;
        Ok(restored)
    }

    /// Whether a folder has room for a copy of a snapshot with one replica. Rows need more room in databases than here.
    ///
    /// # Errors
    /// [`VaultError::NoRoom`]; [`VaultError::File`] when the folder cannot be asked.
    pub fn check_room(&self, chosen: &Chosen, folder: &Path) -> Result<(), VaultError> {
        let rows = |parts: &BTreeMap<String, FileEntry>| parts.values().map(|part| part.bytes).sum::<u64>();
        let needed =
            chosen.manifest.packs.bytes + ROWS_ROOM * (rows(&chosen.manifest.parts) + rows(&chosen.keys));
        let room = rustix::fs::statvfs(folder).map_err(|error| VaultError::file(folder)(error.into()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if free >= needed {
            return Ok(());
        }
        Err(VaultError::NoRoom { folder: folder.to_owned(), needed, free })
    }

    /// The name of the audit log that comes back, in its signed checkpoints.
    #[must_use]
    pub fn log_origin(&self) -> &str {
        self.log_key.name()
    }

    /// Whether the audit log comes back with its SM3 tree.
    ///
    /// # Errors
    /// [`VaultError`] when the copy of the log cannot be read.
    pub fn restores_sm3_tree(&self, chosen: &Chosen, newest_log: bool) -> Result<bool, VaultError> {
        Ok(self.sm3_key.is_some()
            && match newest_log {
                true => self.mirror()?.sm3_checkpoint().is_some(),
                false => chosen.manifest.audit.sm3_checkpoint.is_some(),
            })
    }

    fn restore_packs(
        &self,
        manifest: &Manifest,
        target: &Target,
        restored: &mut Restored,
        watch: &Watch,
    ) -> Result<(), VaultError> {
        let store = store_name(&manifest.store)?;
        for replica in &target.replicas {
            files::make_folder(replica)?;
            begin_replica(replica, store).map_err(VaultError::file(replica))?;
        }
        for entry in Listing::of(&self.chunks, Some(&manifest.packs.list))? {
            let entry = entry?;
            let paths: Vec<PathBuf> =
                target.replicas.iter().map(|replica| pack_file(replica, entry.pack)).collect();
            let mut copies: Vec<File> =
                paths.iter().map(|path| files::open_to_write(path)).collect::<Result<_, _>>()?;
            self.packs.copy(&entry, |block| {
                watch.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
                copies
                    .iter_mut()
                    .zip(&paths)
                    .try_for_each(|(copy, path)| copy.write_all(block).map_err(VaultError::file(path)))
            })?;
            if let Some(path) = paths.first() {
                let check =
                    check_pack(path, entry.pack, store, 0, entry.bytes).map_err(VaultError::file(path))?;
                if check.damaged_at.is_some() {
                    return Err(VaultError::damaged(path, "a record is not what was stored"));
                }
                restored.records += check.records;
            }
            restored.packs += 1;
            restored.bytes += entry.bytes;
            watch.packs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn restore_log(&self, manifest: &Manifest, newest: bool, folder: &Path) -> Result<u64, VaultError> {
        let here = self.mirror()?;
        let gone = || VaultError::damaged(Path::new("audit"), "the log is gone");
        let (reader, newest_head) = (here.reader().ok_or_else(gone)?, here.checkpoint().ok_or_else(gone)?);
        let (heads, size, witnessed) = if newest {
            let sm3 = here.sm3_checkpoint().map(Checkpoint::note);
            let witnessed = self.newest()?.and_then(|newest| newest.manifest.audit.witnessed);
            (Heads { sha256: newest_head.note(), sm3 }, newest_head.size(), witnessed)
        } else {
            let LogHead { checkpoint, sm3_checkpoint, size, witnessed, .. } = &manifest.audit;
            (Heads { sha256: checkpoint, sm3: sm3_checkpoint.as_deref() }, *size, witnessed.clone())
        };
        // An SM3 tree that this vault does not have is made again of the leaves by the archive itself.
        let sm3_key = self.sm3_key.clone().filter(|_| heads.sm3.is_some());
        let mut log = Mirror::open(folder, self.log_key.clone(), sm3_key)?;
        log.follow(heads, || Ok(Leaves::of(reader.clone(), size)))?;
        log.into_log()?;
        if let Some(note) = witnessed {
            keep_witnessed(folder, &note).map_err(MirrorError::from)?;
        }
        Ok(size)
    }
}

/// Leaves of the copy of the log, as they travel.
pub(crate) struct Leaves {
    reader: Reader,
    next: u64,
    end: u64,
    ready: Vec<u8>,
    at: usize,
}

impl Leaves {
    /// The first so many.
    pub(crate) const fn of(reader: Reader, end: u64) -> Self {
        Self { reader, next: 0, end, ready: Vec::new(), at: 0 }
    }
}

impl Read for Leaves {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() && self.next < self.end {
            let leaves = self.reader.raw(self.next).map_err(|error: AuditError| io::Error::other(error))?;
            let wanted = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
            self.ready.clear();
            self.at = 0;
            for leaf in leaves.iter().take(wanted) {
                RawLeaf::write_to(leaf, &mut self.ready);
                self.next += 1;
            }
        }
        let read = self.ready.get(self.at..).unwrap_or_default().read(out)?;
        self.at += read;
        Ok(read)
    }
}

fn named<'m>(
    parts: &'m BTreeMap<String, FileEntry>,
    name: &'static str,
) -> Result<&'m FileEntry, VaultError> {
    parts.get(name).ok_or_else(|| VaultError::damaged(Path::new(name), "the snapshot has no such part"))
}

/// Nothing that exists is written over.
fn check_new(target: &Target) -> Result<(), VaultError> {
    let databases = [
        (DatabaseKind::Catalogue, &target.catalogue),
        (DatabaseKind::Keys, &target.keys),
        (DatabaseKind::Identity, &target.identity),
    ];
    for (kind, database) in databases {
        match database {
            NewDatabase::Sqlite(path) if path.exists() => return Err(VaultError::NotEmpty(path.clone())),
            database => database.check(kind)?,
        }
    }
    if let Some(there) = [&target.root_file, &target.epoch_file].into_iter().find(|path| path.exists()) {
        return Err(VaultError::NotEmpty(there.clone()));
    }
    for folder in target.replicas.iter().chain([&target.audit]) {
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(VaultError::NotEmpty(folder.clone()));
        }
    }
    Ok(())
}

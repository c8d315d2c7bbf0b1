//! A snapshot on a disc, so that discs, the folder with keys and the secret of the root key are enough for everything.
//!
//! ```text
//! snapshot/manifest.note        the signed manifest
//! snapshot/settings.json        the settings of the vault; no secret is in them
//! snapshot/*.rows               list of packs, catalogue, accounts: pieces, each sealed under the key of the disc
//! snapshot/audit.leaves         the audit log, as it travels
//! snapshot/register/            which discs there were
//! ```
//!
//! Rows are sealed because they outlive what they tell of: names in the catalogue open with keys of the institution, not with that
//! of the study. The key of a disc is a file in the folder with keys, and ends there like keys do.

use super::register::Register;
use super::volume::DiscSnapshot;
use super::{former_keys, put_file};
use crate::chunks::Chunks;
use crate::manifest::{FileEntry, Snapshot};
use crate::restore::Leaves;
use crate::{Vault, VaultError, files, manifest};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use yingdun_crypto::{Context, SealingKey, open, random, seal};
use yingdun_model::Secret;

pub(crate) const FOLDER: &str = "snapshot";
pub(crate) const MANIFEST: &str = "manifest.note";
pub(crate) const SETTINGS: &str = "settings.json";
pub(crate) const LEAVES: &str = "audit.leaves";
pub(crate) const REGISTER: &str = "register";
/// The list of packs, beside the parts of the manifest.
pub(crate) const PACK_LIST: &str = "packs";

/// Plain bytes of a sealed piece.
const PIECE_BYTES: usize = 1024 * 1024;
/// What sealing adds, at most.
const SEAL_BYTES_MAX: usize = 64 * 1024;

/// Writes the newest snapshot into the folder of a disc.
pub(crate) fn write(
    vault: &Vault,
    folder: &Path,
    snapshot: &Snapshot,
    register: &Register,
) -> Result<DiscSnapshot, VaultError> {
    let manifest = &snapshot.manifest;
    let into = folder.join(FOLDER);
    let from = manifest::path_of(&vault.snapshots, manifest.number);
    put_file(&into.join(MANIFEST), &fs::read(&from).map_err(VaultError::file(&from))?)?;
    put_file(&into.join(SETTINGS), &vault.settings().text())?;
    for path in register.files()? {
        let Some(name) = path.file_name() else { continue };
        let bytes = fs::read(&path).map_err(VaultError::file(&path))?;
        put_file(&into.join(REGISTER).join(name), &bytes)?;
    }
    let former = former_keys(&vault.folder);
    if former.exists() {
        let bytes = fs::read(&former).map_err(VaultError::file(&former))?;
        put_file(&into.join(REGISTER).join(super::FORMER_KEYS), &bytes)?;
    }
    let secret = Secret::new(random::array::<32>());
    let key = SealingKey::from_secret(&secret);
    for (name, entry) in rows_of(&manifest.parts, &manifest.packs.list) {
        seal_rows(&rows_path(&into, name), vault.chunks.reader(entry)?, &key, name)?;
    }
    let leaves = into.join(LEAVES);
    let gone = || VaultError::damaged(Path::new("audit"), "the log is gone");
    let mut out = BufWriter::new(File::create(&leaves).map_err(VaultError::file(&leaves))?);
    let mut log = Leaves::of(vault.mirror()?.reader().ok_or_else(gone)?, manifest.audit.size);
    io::copy(&mut log, &mut out).and_then(|_| out.flush()).map_err(VaultError::file(&leaves))?;
    let mut writer = vault.key_chunks()?.writer();
    writer.push(secret.expose())?;
    let (key, _) = writer.finish()?;
    files::sync_all(&vault.settings.keys_folder)?;
    Ok(DiscSnapshot { number: manifest.number, key })
}

/// The key of the rows on a disc, from a folder with keys.
pub(crate) fn key_of(keys: &Chunks, snapshot: &DiscSnapshot) -> Result<SealingKey, VaultError> {
    let mut secret = Vec::new();
    if keys.has(&snapshot.key) {
        keys.reader(&snapshot.key)?.read_to_end(&mut secret).map_err(VaultError::file(Path::new("keys")))?;
    }
    let secret = <[u8; 32]>::try_from(secret).map_err(|_| VaultError::DiscKeyGone(snapshot.number))?;
    Ok(SealingKey::from_secret(&Secret::new(secret)))
}

/// Cuts the rows of a disc into pieces of a vault again; each file must become the one that the manifest names.
pub(crate) fn read_rows(
    folder: &Path,
    key: &SealingKey,
    chunks: &Chunks,
    parts: &BTreeMap<String, FileEntry>,
    list: &FileEntry,
) -> Result<(), VaultError> {
    for (name, entry) in rows_of(parts, list) {
        let path = rows_path(folder, name);
        let mut source = BufReader::new(File::open(&path).map_err(VaultError::file(&path))?);
        let mut writer = chunks.writer();
        for number in 0_u64.. {
            let mut length = [0; 4];
            match source.read_exact(&mut length) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(VaultError::file(&path)(error)),
            }
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > PIECE_BYTES + SEAL_BYTES_MAX {
                return Err(VaultError::damaged(&path, "a piece is longer than any"));
            }
            let mut sealed = vec![0; length];
            source.read_exact(&mut sealed).map_err(VaultError::file(&path))?;
            let plain = open(key, &context(name, number), &sealed)
                .map_err(|error| VaultError::damaged(&path, error.to_string()))?;
            writer.push(&plain)?;
        }
        if writer.finish()?.0 != *entry {
            return Err(VaultError::damaged(&path, "it is not what the manifest names"));
        }
    }
    Ok(())
}

// === helpers ===

fn rows_of<'m>(
    parts: &'m BTreeMap<String, FileEntry>,
    list: &'m FileEntry,
) -> impl Iterator<Item = (&'m str, &'m FileEntry)> {
    parts.iter().map(|(name, entry)| (name.as_str(), entry)).chain([(PACK_LIST, list)])
}

fn rows_path(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.rows"))
}

fn seal_rows(path: &Path, mut rows: impl Read, key: &SealingKey, name: &str) -> Result<(), VaultError> {
    let mut out = BufWriter::new(File::create(path).map_err(VaultError::file(path))?);
    for number in 0_u64.. {
        let mut plain = Vec::with_capacity(PIECE_BYTES);
        rows.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut plain).map_err(VaultError::file(path))?;
        if plain.is_empty() {
            break;
        }
        let sealed = seal(key, &context(name, number), &plain);
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes();
        out.write_all(&length).and_then(|()| out.write_all(&sealed)).map_err(VaultError::file(path))?;
    }
    out.flush().map_err(VaultError::file(path))
}

fn context(name: &str, number: u64) -> Context {
    Context::new("yingdun vault disc rows").field(name.as_bytes()).field(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_under_the_key_of_their_disc_and_under_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = |name: &str| Chunks::new(folder.path().join(name), None);
        let rows: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7) as u8).collect();
        let cut = |rows: &[u8]| {
            let chunks = chunks("here");
            let mut writer = chunks.writer();
            writer.push(rows).unwrap();
            writer.finish().unwrap().0
        };
        let (catalogue, list) = (cut(&rows), cut(b"list"));
        let (key, parts) = (SealingKey::generate(), BTreeMap::from([("catalogue".to_owned(), catalogue)]));
        for (name, entry) in rows_of(&parts, &list) {
            let path = rows_path(folder.path(), name);
            seal_rows(&path, chunks("here").reader(entry).unwrap(), &key, name).unwrap();
            let sealed = fs::read(&path).unwrap();
            assert!(!sealed.windows(16).any(|window| rows.starts_with(window)));
        }
        let read = |key: &SealingKey| read_rows(folder.path(), key, &chunks("there"), &parts, &list);
        assert!(read(&SealingKey::generate()).is_err());
        read(&key).unwrap();
        let mut back = Vec::new();
        chunks("there").reader(&catalogue).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == rows);
        // Pieces that were taken away or moved are noticed.
        let path = rows_path(folder.path(), "catalogue");
        let sealed = fs::read(&path).unwrap();
        let first = 4 + u32::from_be_bytes(*sealed.first_chunk().unwrap()) as usize;
        for wrong in [&sealed[..first], &sealed[first..], &[&sealed[..first], &sealed[..first]].concat()] {
            fs::write(&path, wrong).unwrap();
            assert!(read(&key).is_err());
        }
    }
}

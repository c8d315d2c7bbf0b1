//! A vault made again of discs alone, when its host is lost: of the newest snapshot that is on one of them, and of the packs that they
//! hold. The folder with keys comes from where it was kept apart.
//!
//! The new vault has a signing key of its own and signs the manifest anew, after it found all of it right under the old key; discs of
//! the old vault stay discs of this one.

use super::register::folder_of;
use super::snapshot::{FOLDER, LEAVES, MANIFEST, REGISTER, SETTINGS, key_of, read_rows};
use super::volume::{Head, hash_file};
use super::{FORMER_KEYS, former_keys};
use crate::manifest::{self, Manifest, read_note};
use crate::{Settings, Vault, VaultError, files};
use serde::Serialize;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use yingdun_audit::Heads;
use yingdun_crypto::sign::NoteVerifier;

/// What a vault is made again of.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The folder of the new vault.
    pub folder: PathBuf,
    /// The public key of the old one, as it was noted elsewhere.
    pub public_key: NoteVerifier,
    /// The folder with keys of the old one.
    pub keys_folder: PathBuf,
    /// Its passphrase.
    pub keys_passphrase_file: PathBuf,
    /// The secret of its client, where it will pull again.
    pub client_secret_file: PathBuf,
    /// Discs that are mounted; one of them has a snapshot.
    pub discs: Vec<PathBuf>,
}

/// A vault that was made again. Its packs come with [`Vault::bring`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The snapshot.
    pub snapshot: u64,
    /// The disc that it was on.
    pub label: String,
    /// Whether the keys of the snapshot are in the folder with keys.
    pub keys: bool,
    /// Leaves of the audit log.
    pub leaves: u64,
    /// The public key of the new vault.
    pub public_key: String,
}

impl Vault {
    /// Makes a vault again of discs. Its packs are not in it yet. Blocks.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`]; [`VaultError::NoSnapshotOnDiscs`]; [`VaultError::DiscKeyGone`]; [`VaultError::Passphrase`];
    /// [`VaultError`] when something on the disc is not what was written.
    pub fn recover(recovery: &Recovery) -> Result<(Self, Recovered), VaultError> {
        let keys = [recovery.public_key.clone()];
        let mut newest: Option<(u64, Head)> = None;
        let mut heads = Vec::new();
        for folder in &recovery.discs {
            let head = Head::read(folder, &trusted(&keys, folder))?;
            if let Some(snapshot) = &head.volume.snapshot
                && newest.as_ref().is_none_or(|(number, _)| *number < snapshot.number)
            {
                newest = Some((snapshot.number, head.clone()));
            }
            heads.push(head);
        }
        let (_, head) = newest.ok_or(VaultError::NoSnapshotOnDiscs)?;
        check_files(&head)?;
        let from = head.folder.join(FOLDER);
        let settings = settings_of(&from, recovery)?;
        let (_, manifest): (_, Manifest) = read_any(&from.join(MANIFEST), &trusted(&keys, &head.folder))?;
        if fs::read_dir(&recovery.folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(VaultError::NotEmpty(recovery.folder.clone()));
        }
        let made = Self::make_of(recovery, &settings, &manifest, &head, &heads);
        if made.is_err() {
            // It was empty: what was made until then is of no use.
            fs::remove_dir_all(&recovery.folder).map_err(VaultError::file(&recovery.folder))?;
        }
        made
    }

    fn make_of(
        recovery: &Recovery,
        settings: &Settings,
        manifest: &Manifest,
        head: &Head,
        heads: &[Head],
    ) -> Result<(Self, Recovered), VaultError> {
        let from = head.folder.join(FOLDER);
        let public_key = Self::make_again(&recovery.folder, settings)?;
        let vault = Self::open(&recovery.folder)?;
        vault.take_register(&from.join(REGISTER), &recovery.public_key)?;
        let snapshot = head.volume.snapshot.as_ref().ok_or(VaultError::NoSnapshotOnDiscs)?;
        let key = key_of(vault.key_chunks()?, snapshot)?;
        read_rows(&from, &key, &vault.chunks, &manifest.parts, &manifest.packs.list)?;
        let leaves = vault.take_log(&from.join(LEAVES), manifest)?;
        for head in heads {
            let mut register = vault.register()?;
            if register.by_number(head.volume.volume).is_none() {
                register.add(head)?;
            }
        }
        files::sync_all(&vault.folder)?;
        // Last: where there is a manifest, what it names is there.
        manifest::write(&vault.snapshots, &vault.signer, manifest)?;
        let recovered = Recovered {
            snapshot: manifest.number,
            label: head.volume.label.clone(),
            keys: vault.has_keys(manifest),
            leaves,
            public_key,
        };
        Ok((vault, recovered))
    }

    fn take_register(&self, from: &Path, key: &NoteVerifier) -> Result<(), VaultError> {
        let into = folder_of(&self.folder);
        files::make_folder(&into)?;
        let mut former = format!("{key}\n");
        if from.exists() {
            for entry in fs::read_dir(from).map_err(VaultError::file(from))? {
                let entry = entry.map_err(VaultError::file(from))?;
                let bytes = fs::read(entry.path()).map_err(VaultError::file(&entry.path()))?;
                if entry.file_name() == FORMER_KEYS {
                    former.push_str(&String::from_utf8_lossy(&bytes));
                } else {
                    files::write_new(&into.join(entry.file_name()), &bytes)?;
                }
            }
        }
        files::replace(&former_keys(&self.folder), former.as_bytes())
    }

    fn take_log(&self, path: &Path, manifest: &Manifest) -> Result<u64, VaultError> {
        let heads =
            Heads { sha256: &manifest.audit.checkpoint, sm3: manifest.audit.sm3_checkpoint.as_deref() };
        let mut mirror = self.mirror()?;
        mirror.follow(heads, || Ok(BufReader::new(File::open(path)?)))?;
        Ok(mirror.size())
    }
}

/// The key that a person gave; where the vault of the disc had taken over discs of others, theirs too, as that disc says under this key.
fn trusted(keys: &[NoteVerifier], disc: &Path) -> Vec<NoteVerifier> {
    let mut trusted = keys.to_vec();
    let Ok(head) = Head::read(disc, keys) else { return trusted };
    let path = format!("{FOLDER}/{REGISTER}/{FORMER_KEYS}");
    let named = head.files.iter().find(|(name, _)| *name == path);
    let digest = named.and_then(|_| hash_file(&disc.join(&path), |_| ()).ok());
    if let (Some((_, expected)), Some(found)) = (named, digest)
        && *expected == found
    {
        let text = fs::read_to_string(disc.join(&path)).unwrap_or_default();
        trusted.extend(text.lines().filter_map(|line| NoteVerifier::parse(line).ok()));
    }
    trusted
}

/// Whether every file of the snapshot is what was written.
fn check_files(head: &Head) -> Result<(), VaultError> {
    let prefix = format!("{FOLDER}/");
    for (name, digest) in head.files.iter().filter(|(name, _)| name.starts_with(&prefix)) {
        let path = head.folder.join(name);
        if hash_file(&path, |_| ()).map_err(VaultError::file(&path))? != *digest {
            return Err(VaultError::damaged(&path, "its bytes are not those that were written"));
        }
    }
    Ok(())
}

fn read_any(path: &Path, keys: &[NoteVerifier]) -> Result<(String, Manifest), VaultError> {
    let mut last = VaultError::NoSnapshotOnDiscs;
    for key in keys {
        match read_note(path, key) {
            Ok(read) => return Ok(read),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn settings_of(from: &Path, recovery: &Recovery) -> Result<Settings, VaultError> {
    let path = from.join(SETTINGS);
    let bytes = fs::read(&path).map_err(VaultError::file(&path))?;
    let settings: Settings =
        serde_json::from_slice(&bytes).map_err(|error| VaultError::damaged(&path, error.to_string()))?;
    Ok(Settings {
        keys_folder: recovery.keys_folder.clone(),
        keys_passphrase_file: recovery.keys_passphrase_file.clone(),
        client_secret_file: recovery.client_secret_file.clone(),
        ca_file: None,
        ..settings
    })
}

//! A vault: its folder, its keys, what it knows.

use crate::alarm::{Alarm, Alarms};
use crate::chunks::Chunks;
use crate::manifest::{self, Manifest, SIGNER, Snapshot};
use crate::packs::Packs;
use crate::running::Running;
use crate::{RunningTime, Settings, VaultError, files, settings};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use yingdun_audit::{Mirror, Tree};
use yingdun_crypto::passphrase::PassphraseParameters;
use yingdun_crypto::sign::{NoteSigner, NoteVerifier, SigningKey};
use yingdun_crypto::{Context, SealingKey, open, random, seal};
use yingdun_model::{Clock, Secret, SystemClock};
use yingdun_transfer::link::line_of;

const SIGNING_KEY: &str = "signing.key";
const PUBLIC_KEY: &str = "vault.vkey";
const KEYS_LOCK: &str = "keys.json";
/// What is sealed under the passphrase, so that a wrong one is noticed before anything is kept under it.
const CHECK: &[u8] = b"yingdun vault keys";

/// An open vault. No other process works on it meanwhile.
#[derive(Debug)]
pub struct Vault {
    pub(crate) folder: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) snapshots: PathBuf,
    pub(crate) pruned: PathBuf,
    pub(crate) incoming: PathBuf,
    pub(crate) chunks: Chunks,
    pub(crate) packs: Packs,
    pub(crate) signer: NoteSigner,
    pub(crate) log_key: NoteVerifier,
    pub(crate) sm3_key: Option<NoteVerifier>,
    keys: OnceLock<Chunks>,
    running: Running,
    _lock: File,
}

/// How the passphrase becomes the key of the folder with keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysLock {
    parameters: PassphraseParameters,
    check: String,
}

impl Vault {
    /// Makes a vault in a folder; gives the public key with which its manifests are verified elsewhere.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::Settings`]; [`VaultError::File`].
    pub fn create(folder: &Path, settings: &Settings) -> Result<String, VaultError> {
        let there = settings.keys_folder.join(KEYS_LOCK).exists() || folder.join(settings::FILE).exists();
        if there {
            return Err(VaultError::Exists(folder.to_owned()));
        }
        make_folders(folder, settings)?;
        files::make_folder(&settings.keys_folder)?;
        let passphrase = passphrase(settings)?;
        let parameters = PassphraseParameters::generate();
        let key = derive(&settings.keys_folder, &parameters, &passphrase)?;
        let lock = KeysLock { parameters, check: hex::encode(seal(&key, &check_context(), CHECK)) };
        let lock_path = settings.keys_folder.join(KEYS_LOCK);
        let text =
            serde_json::to_vec(&lock).map_err(|error| VaultError::damaged(&lock_path, error.to_string()))?;
        files::write_new(&lock_path, &text)?;
        begin(folder, settings)
    }

    /// Makes a vault in a folder for keys that are there already; gives its public key.
    pub(crate) fn make_again(folder: &Path, settings: &Settings) -> Result<String, VaultError> {
        if folder.join(settings::FILE).exists() {
            return Err(VaultError::Exists(folder.to_owned()));
        }
        make_folders(folder, settings)?;
        begin(folder, settings)
    }

    /// Opens a vault.
    ///
    /// # Errors
    /// [`VaultError::Busy`] while another process works on it; what cannot be read or trusted.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let settings = Settings::read(folder)?;
        let lock = files::lock(folder)?;
        let path = folder.join(SIGNING_KEY);
        let text = Secret::new(fs::read_to_string(&path).map_err(VaultError::file(&path))?);
        let seed = hex::decode(text.expose().trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let seed = seed.ok_or_else(|| VaultError::damaged(&path, "it is no key"))?;
        Ok(Self {
            signer: signer(folder, &Secret::new(seed))?,
            log_key: log_key(folder, &settings)?,
            sm3_key: sm3_key(folder, &settings)?,
            snapshots: folder.join("snapshots"),
            pruned: folder.join("pruned"),
            incoming: folder.join("incoming"),
            chunks: Chunks::new(folder.join("chunks"), None),
            packs: Packs::new(folder.join("packs")),
            running: Running::of(folder),
            keys: OnceLock::new(),
            folder: folder.to_owned(),
            settings,
            _lock: lock,
        })
    }

    /// What it was told.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every snapshot, oldest first, with its signature checked and its place behind the one before.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when a manifest is not what this vault signed, or one between is missing.
    pub fn snapshots(&self) -> Result<Vec<Manifest>, VaultError> {
        let mut manifests = Vec::new();
        let mut before: Option<Snapshot> = None;
        for number in manifest::numbers(&self.snapshots)? {
            let snapshot = manifest::read(&self.snapshots, self.signer.verifier(), number)?;
            if let Some(before) = &before {
                self.check_follows(before, &snapshot)?;
            }
            manifests.push(snapshot.manifest.clone());
            before = Some(snapshot);
        }
        Ok(manifests)
    }

    /// One snapshot.
    ///
    /// # Errors
    /// [`VaultError::NoSnapshot`]; [`VaultError::Damaged`] when its manifest is not what this vault signed.
    pub fn snapshot(&self, number: u64) -> Result<Snapshot, VaultError> {
        manifest::read(&self.snapshots, self.signer.verifier(), number)
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn newest(&self) -> Result<Option<Snapshot>, VaultError> {
        manifest::numbers(&self.snapshots)?.last().map(|number| self.snapshot(*number)).transpose()
    }

    /// Whether the keys of a snapshot are here; they go before it does.
    #[must_use]
    pub fn has_keys(&self, manifest: &Manifest) -> bool {
        // Whether a piece is there is told without its key.
        let chunks = Chunks::new(self.settings.keys_folder.join("chunks"), None);
        manifest.keys.values().all(|entry| chunks.has(entry))
    }

    /// The alarms that nobody has acknowledged.
    ///
    /// # Errors
    /// [`VaultError`] when they cannot be read.
    pub fn alarms(&self) -> Result<Vec<Alarm>, VaultError> {
        Ok(Alarms::of(&self.folder)?.open().to_vec())
    }

    /// Says that a person has looked at all alarms that wait; tells how many.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be written down.
    pub fn acknowledge(&mut self) -> Result<usize, VaultError> {
        Alarms::of(&self.folder)?.acknowledge(now_ms())
    }

    /// How long this host has been running since the vault was made.
    ///
    /// # Errors
    /// [`VaultError`] when the count cannot be read or written.
    pub fn running_time(&self) -> Result<RunningTime, VaultError> {
        let signed = self.newest()?.map_or(RunningTime(0), |newest| newest.manifest.running);
        self.running.now(signed)
    }

    /// The copy of the audit log.
    pub(crate) fn mirror(&self) -> Result<Mirror, VaultError> {
        self.mirror_in(&self.folder.join("audit"))
    }

    /// A copy of the audit log in a folder.
    pub(crate) fn mirror_in(&self, folder: &Path) -> Result<Mirror, VaultError> {
        Ok(Mirror::open(folder, self.log_key.clone(), self.sm3_key.clone())?)
    }

    /// The folder with keys; its passphrase is asked for at the first use.
    pub(crate) fn key_chunks(&self) -> Result<&Chunks, VaultError> {
        if let Some(chunks) = self.keys.get() {
            return Ok(chunks);
        }
        let folder = &self.settings.keys_folder;
        let path = folder.join(KEYS_LOCK);
        let bytes = fs::read(&path).map_err(VaultError::file(&path))?;
        let lock: KeysLock =
            serde_json::from_slice(&bytes).map_err(|error| VaultError::damaged(&path, error.to_string()))?;
        let key = derive(folder, &lock.parameters, &passphrase(&self.settings)?)?;
        let check = hex::decode(&lock.check).unwrap_or_default();
        if open(&key, &check_context(), &check).ok().as_deref() != Some(CHECK) {
            return Err(VaultError::Passphrase(folder.clone()));
        }
        Ok(self.keys.get_or_init(|| Chunks::new(folder.join("chunks"), Some(key))))
    }

    fn check_follows(&self, before: &Snapshot, after: &Snapshot) -> Result<(), VaultError> {
        let consecutive = before.manifest.number + 1 == after.manifest.number;
        let older = after.manifest.running >= before.manifest.running;
        if consecutive && older && after.manifest.previous == Some(before.digest) {
            return Ok(());
        }
        let path = manifest::path_of(&self.snapshots, after.manifest.number);
        Err(VaultError::damaged(&path, format!("it does not follow snapshot {}", before.manifest.number)))
    }
}

/// The clock of this host, for people.
pub(crate) fn now_ms() -> i64 {
    SystemClock.now().as_ms()
}

fn make_folders(folder: &Path, settings: &Settings) -> Result<(), VaultError> {
    log_key(folder, settings)?;
    sm3_key(folder, settings)?;
    let names = ["snapshots", "pruned", "packs", "chunks", "audit", "incoming"];
    names.iter().try_for_each(|name| files::make_folder(&folder.join(name)))
}

/// Gives a vault its key and its settings.
fn begin(folder: &Path, settings: &Settings) -> Result<String, VaultError> {
    let seed = Secret::new(random::array::<32>());
    files::write_new(&folder.join(SIGNING_KEY), hex::encode(seed.expose()).as_bytes())?;
    let public = signer(folder, &seed)?.verifier().to_string();
    files::write_new(&folder.join(PUBLIC_KEY), format!("{public}\n").as_bytes())?;
    // Last: where there are settings, there is a whole vault.
    files::write_new(&folder.join(settings::FILE), &settings.text())?;
    Ok(public)
}

fn signer(folder: &Path, seed: &Secret<[u8; 32]>) -> Result<NoteSigner, VaultError> {
    let path = folder.join(SIGNING_KEY);
    NoteSigner::new(SIGNER, SigningKey::from_seed(seed))
        .map_err(|error| VaultError::damaged(&path, error.to_string()))
}

fn log_key(folder: &Path, settings: &Settings) -> Result<NoteVerifier, VaultError> {
    NoteVerifier::parse(settings.audit_key.trim()).map_err(|error| VaultError::Settings {
        path: folder.join(settings::FILE),
        why: format!("`audit_key` is not the public key of an audit log: {error}"),
    })
}

fn sm3_key(folder: &Path, settings: &Settings) -> Result<Option<NoteVerifier>, VaultError> {
    let wrong = |why: String| VaultError::Settings {
        path: folder.join(settings::FILE),
        why: format!("`audit_sm3_key` is not the public key of an SM3 tree: {why}"),
    };
    let Some(text) = &settings.audit_sm3_key else { return Ok(None) };
    let key = NoteVerifier::parse(text.trim()).map_err(|error| wrong(error.to_string()))?;
    match Tree::of(&key) {
        Tree::Sm3 => Ok(Some(key)),
        other => Err(wrong(format!("it signs a tree of {other}"))),
    }
}

fn passphrase(settings: &Settings) -> Result<Secret<String>, VaultError> {
    let path = &settings.keys_passphrase_file;
    let line = line_of(path)?;
    if line.expose().is_empty() {
        return Err(VaultError::damaged(path, "it holds no passphrase"));
    }
    Ok(line)
}

fn derive(
    folder: &Path,
    parameters: &PassphraseParameters,
    passphrase: &Secret<String>,
) -> Result<SealingKey, VaultError> {
    parameters
        .derive(passphrase)
        .map_err(|error| VaultError::damaged(&folder.join(KEYS_LOCK), error.to_string()))
}

fn check_context() -> Context {
    Context::new("yingdun vault check")
}

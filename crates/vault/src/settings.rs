//! What is pulled, from where, and how long it is kept: one file, written by `init` and changed by people.

use crate::VaultError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub(crate) const FILE: &str = "vault.json";

/// The settings of a vault. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The archive, `https://host[:port]`.
    pub server: String,
    /// The authority of its certificate; those of the system when absent.
    pub ca_file: Option<PathBuf>,
    /// The service client that this vault is there.
    pub client_id: String,
    /// A file with its secret.
    pub client_secret_file: PathBuf,
    /// The public key of the archive's audit log (`audit.vkey`), carried here by a person: a log that the archive itself
    /// vouches for proves nothing.
    pub audit_key: String,
    /// The public key of its SM3 tree (`audit-sm3.vkey`), carried here too; that tree is not followed without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_sm3_key: Option<String>,
    /// Where wrapped keys and the root-key file are kept, apart from everything else: another disk or medium.
    pub keys_folder: PathBuf,
    /// A file with the passphrase under which they are kept.
    pub keys_passphrase_file: PathBuf,
    /// Days of running time that a snapshot is kept.
    pub keep_days: u32,
    /// Snapshots that are kept whatever their age.
    pub keep_last: u32,
    /// Days of running time that the keys of a snapshot are kept. Short: a key that was destroyed in the archive lives on here
    /// for so long.
    pub keep_keys_days: u32,
    /// Minutes between two snapshots of the catalogue. It is derived from the packs but for worklists and the like, so what
    /// happened since is read from them; a snapshot between takes the last one.
    pub catalogue_every_minutes: u32,
    /// MiB of packs that each pull has the archive prove it still holds, those that were asked about longest ago first.
    pub probe_mib: u32,
}

impl Settings {
    /// Days that snapshots are kept unless set.
    pub const KEEP_DAYS: u32 = 90;
    /// Snapshots that are kept whatever their age unless set.
    pub const KEEP_LAST: u32 = 3;
    /// Days that keys are kept unless set: as long as a destruction may leave something behind.
    pub const KEEP_KEYS_DAYS: u32 = 35;
    /// Minutes between two snapshots of the catalogue unless set.
    pub const CATALOGUE_EVERY_MINUTES: u32 = 60;
    /// MiB that each pull asks about unless set: a tenth of a terabyte each day at four pulls an hour.
    pub const PROBE_MIB: u32 = 1024;

    pub(crate) fn read(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).map_err(VaultError::file(&path))?;
        let wrong = |why: String| VaultError::Settings { path: path.clone(), why };
        let settings: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if settings.keep_last == 0 {
            return Err(wrong("`keep_last` is 0, at least one snapshot is kept".to_owned()));
        }
        if settings.keep_keys_days > settings.keep_days {
            return Err(wrong("keys are kept longer than what they open".to_owned()));
        }
        Ok(settings)
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }
}

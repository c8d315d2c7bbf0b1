//! What a snapshot is: one signed note that names everything in it, and the snapshot before.

use crate::{RunningTime, VaultError, files};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::{NoteSigner, NoteVerifier};

/// The name under which manifests are signed.
pub(crate) const SIGNER: &str = "yingdun-vault";

/// 32 bytes, hexadecimal in texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

/// A file that is kept in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its bytes.
    pub bytes: u64,
    /// BLAKE3 of the list of its pieces.
    pub list: Digest,
}

/// The packs of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackList {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// One line for each: pack, bytes, BLAKE3 of these bytes.
    pub list: FileEntry,
}

/// The audit log as of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// Leaves that were here before the packs were listed: what they call stored is in the packs.
    pub before: u64,
    /// Leaves.
    pub size: u64,
    /// The archive's signed checkpoint of them.
    pub checkpoint: String,
    /// The same of the SM3 tree, where it is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm3_checkpoint: Option<String>,
    /// The newest checkpoint that came with the signatures of witnesses, none where none did: it shows how far they have seen the
    /// log to whoever has their keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witnessed: Option<String>,
}

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// From 1, without gaps.
    pub number: u64,
    /// BLAKE3 of the signed note of the snapshot before; none for the first.
    pub previous: Option<Digest>,
    /// When the packs were listed, by the clock of this host, in milliseconds since 1970: for people. Nothing is decided by it.
    pub taken_ms: i64,
    /// The running time of this host then: by this it ages.
    pub running: RunningTime,
    /// The running time when its catalogue was taken.
    pub catalogue_running: RunningTime,
    /// Whose archive it is.
    pub institution: String,
    /// The name of its store, hexadecimal.
    pub store: String,
    /// The packs.
    pub packs: PackList,
    /// Rows of catalogue and accounts.
    pub parts: BTreeMap<String, FileEntry>,
    /// Wrapped keys and the root-key file, kept apart.
    pub keys: BTreeMap<String, FileEntry>,
    /// The audit log.
    pub audit: LogHead,
}

/// A manifest whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it says.
    pub manifest: Manifest,
    /// BLAKE3 of the note.
    pub digest: Digest,
}

/// Signs a manifest and puts it among the others.
pub(crate) fn write(folder: &Path, signer: &NoteSigner, manifest: &Manifest) -> Result<(), VaultError> {
    write_note(&path_of(folder, manifest.number), signer, manifest)
}

/// Signs something and writes it into a new file.
pub(crate) fn write_note(path: &Path, signer: &NoteSigner, what: &impl Serialize) -> Result<(), VaultError> {
    let text = serde_json::to_string(what).map_err(|error| VaultError::damaged(path, error.to_string()))?;
    let note =
        signer.sign(&format!("{text}\n")).map_err(|error| VaultError::damaged(path, error.to_string()))?;
    files::write_new(path, note.as_bytes())
}

/// Reads what was signed and checks its signature; with the note itself.
pub(crate) fn read_note<T: DeserializeOwned>(
    path: &Path,
    verifier: &NoteVerifier,
) -> Result<(String, T), VaultError> {
    let note = fs::read_to_string(path).map_err(VaultError::file(path))?;
    let text = verifier.verify(&note).map_err(|error| VaultError::damaged(path, error.to_string()))?;
    let what = serde_json::from_str(text).map_err(|error| VaultError::damaged(path, error.to_string()))?;
    Ok((note, what))
}

/// Reads a manifest and checks its signature and number.
pub(crate) fn read(folder: &Path, verifier: &NoteVerifier, number: u64) -> Result<Snapshot, VaultError> {
    let path = path_of(folder, number);
    if !path.exists() {
        return Err(VaultError::NoSnapshot(number));
    }
    let (note, manifest): (_, Manifest) = read_note(&path, verifier)?;
    if manifest.number != number {
        return Err(VaultError::damaged(
            &path,
            format!("it is the manifest of snapshot {}", manifest.number),
        ));
    }
    Ok(Snapshot { manifest, digest: Digest(*blake3::hash(note.as_bytes()).as_bytes()) })
}

/// The numbers of the snapshots in a folder, in their order.
pub(crate) fn numbers(folder: &Path) -> Result<Vec<u64>, VaultError> {
    numbers_of(folder, "manifest")
}

/// The numbers of the files of this kind in a folder, in their order.
pub(crate) fn numbers_of(folder: &Path, suffix: &str) -> Result<Vec<u64>, VaultError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(VaultError::file(folder))? {
        let name = entry.map_err(VaultError::file(folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(suffix)?.strip_suffix('.'));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where a manifest lies.
pub(crate) fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.manifest"))
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = hex::decode(&text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a digest is 64 hexadecimal digits")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex::encode(digest.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

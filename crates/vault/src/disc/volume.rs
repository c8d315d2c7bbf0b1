//! What is on a disc: the files, their names, and the signed note that names them all.
//!
//! ```text
//! README.txt                    what this is, for whoever finds it
//! volume.note                   signed: number, label, the volume before, the two lists by their digests
//! packs.txt                     one line for each pack: number, bytes, BLAKE3, records
//! contents.b3                   BLAKE3 of every other file, as `b3sum --check` reads it
//! again/                        these three once more: a scratch on one of them costs nothing
//! vault.vkey                    the public key of the vault; believe the one that was noted elsewhere
//! packs/<16 hex>.pack           packs, as they lie in the vault
//! snapshot/                     with --with-snapshot: see `snapshot`
//! ```

use crate::listing::PackEntry;
use crate::manifest::{Digest, FileEntry, read_note};
use crate::{RunningTime, VaultError};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::NoteVerifier;

pub(crate) const NOTE: &str = "volume.note";
pub(crate) const PACKS: &str = "packs.txt";
pub(crate) const CONTENTS: &str = "contents.b3";
pub(crate) const AGAIN: &str = "again";
pub(crate) const PACK_FOLDER: &str = "packs";
pub(crate) const PUBLIC_KEY: &str = "vault.vkey";
pub(crate) const README: &str = "README.txt";

/// Bytes that are hashed or copied at once.
const BLOCK_BYTES: usize = 1024 * 1024;
/// The longest list on a disc: of a million files.
const LIST_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Letters of a label: as many as the volume identifier of ISO 9660 has.
const LABEL_LETTERS_MAX: usize = 32;

/// A disc, as the vault signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// From 1, without gaps.
    pub volume: u64,
    /// What is written on the disc: capital letters, digits and `_`.
    pub label: String,
    /// BLAKE3 of the signed note of the volume before; none for the first.
    pub previous: Option<Digest>,
    /// When it was put together, by the clock of the vault's host, in milliseconds since 1970: for people.
    pub written_ms: i64,
    /// The running time of that host then.
    pub running: RunningTime,
    /// Whose archive it is.
    pub institution: String,
    /// The name of its store, hexadecimal.
    pub store: String,
    /// How many packs are on it.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in them.
    pub records: u64,
    /// BLAKE3 of the list of packs.
    pub packs_list: Digest,
    /// BLAKE3 of the list of files.
    pub contents: Digest,
    /// The snapshot that is on it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<DiscSnapshot>,
}

/// A snapshot on a disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscSnapshot {
    /// Its number.
    pub number: u64,
    /// The key of its rows, a file in the folder with keys.
    pub key: FileEntry,
}

/// A pack on a disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiscPack {
    pub(crate) entry: PackEntry,
    pub(crate) records: u64,
}

impl DiscPack {
    pub(crate) fn line(&self) -> String {
        format!("{} {}\n", self.entry.line().trim_end(), self.records)
    }

    fn parse(line: &str) -> Option<Self> {
        let (entry, records) = line.rsplit_once(' ')?;
        Some(Self { entry: PackEntry::parse(entry)?, records: records.parse().ok()? })
    }
}

/// What the lists of a disc say, each of them checked.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) folder: PathBuf,
    pub(crate) volume: Volume,
    /// The signed note.
    pub(crate) note: String,
    pub(crate) packs_text: String,
    pub(crate) packs: Vec<DiscPack>,
    /// Files other than the lists, by their paths, and their digests.
    pub(crate) files: Vec<(String, [u8; 32])>,
    /// Lists of which one of the two copies is damaged.
    pub(crate) damaged: Vec<String>,
}

impl Head {
    pub(crate) fn digest(&self) -> Digest {
        digest_of(self.note.as_bytes())
    }

    pub(crate) fn path_of(&self, pack: u64) -> PathBuf {
        self.folder.join(PACK_FOLDER).join(format!("{pack:016x}.pack"))
    }

    /// Reads the note and the lists of a disc. A key of this vault must have signed it.
    pub(crate) fn read(folder: &Path, keys: &[NoteVerifier]) -> Result<Self, VaultError> {
        let why = |why: String| VaultError::Disc { folder: folder.to_owned(), why };
        let mut damaged = Vec::new();
        let paths = |name: &str| [folder.join(name), folder.join(AGAIN).join(name)];
        let [first, second] = paths(NOTE).map(|path| read_signed(&path, keys));
        if first.is_err() != second.is_err() {
            damaged.push(NOTE.to_owned());
        }
        let (note, volume) = first.or(second).map_err(|error| why(error.to_string()))?;
        let mut list = |name: &str, digest: Digest| {
            let read =
                |path: &PathBuf| read_list(path).ok().filter(|text| digest_of(text.as_bytes()) == digest);
            let [first, second] = paths(name).map(|path| read(&path));
            if first.is_none() || second.is_none() {
                damaged.push(name.to_owned());
            }
            first.or(second).ok_or_else(|| why(format!("both copies of `{name}` are damaged")))
        };
        let packs_text = list(PACKS, volume.packs_list)?;
        let packs = parse_packs(&packs_text).ok_or_else(|| why(format!("`{PACKS}` cannot be read")))?;
        let contents = list(CONTENTS, volume.contents)?;
        let files = contents.lines().map(parse_content).collect::<Option<Vec<_>>>();
        let files = files.ok_or_else(|| why(format!("`{CONTENTS}` cannot be read")))?;
        Ok(Self { folder: folder.to_owned(), volume, note, packs_text, packs, files, damaged })
    }
}

/// Whether a label can be the name of a volume in every file system of discs.
pub(crate) fn check_label(label: &str) -> Result<(), VaultError> {
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match (1..=LABEL_LETTERS_MAX).contains(&label.len()) && label.bytes().all(letter) {
        true => Ok(()),
        false => Err(VaultError::Label(label.to_owned())),
    }
}

/// Reads a signed note with the first of these keys that made it.
pub(crate) fn read_signed(path: &Path, keys: &[NoteVerifier]) -> Result<(String, Volume), VaultError> {
    let mut last = None;
    for key in keys {
        match read_note(path, key) {
            Ok(read) => return Ok(read),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| VaultError::damaged(path, "no key is known that could have signed it")))
}

/// The packs of a list; nothing when a line is none or out of order.
pub(crate) fn parse_packs(text: &str) -> Option<Vec<DiscPack>> {
    let packs = text.lines().map(DiscPack::parse).collect::<Option<Vec<_>>>()?;
    packs.is_sorted_by(|a, b| a.entry.pack < b.entry.pack).then_some(packs)
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// A line of the list of files.
pub(crate) fn content_line(path: &str, digest: &[u8; 32]) -> String {
    format!("{}  {path}\n", hex::encode(digest))
}

/// Hands the bytes of a file over from the device, not from memory, and gives their digest.
pub(crate) fn hash_file(path: &Path, mut each: impl FnMut(&[u8])) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    // A hint: what was just written would be read back from memory, which proves nothing about the disc.
    let _hint = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    let (mut hasher, mut block) = (blake3::Hasher::new(), vec![0; BLOCK_BYTES]);
    loop {
        let count = match file.read(&mut block) {
            Ok(0) => return Ok(*hasher.finalize().as_bytes()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = block.get(..count).unwrap_or_default();
        hasher.update(bytes);
        each(bytes);
    }
}

fn parse_content(line: &str) -> Option<(String, [u8; 32])> {
    let (digest, path) = line.split_once("  ")?;
    let inside = |part: &str| !part.is_empty() && part != "." && part != "..";
    let digest = hex::decode(digest).ok()?.try_into().ok()?;
    path.split('/').all(inside).then(|| (path.to_owned(), digest))
}

fn read_list(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > LIST_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_that_every_file_system_of_discs_takes() {
        for good in ["A", "RENMIN_000001", &"9".repeat(32)] {
            assert!(check_label(good).is_ok(), "{good}");
        }
        for wrong in ["", "a", "A B", "A/B", "盘", &"9".repeat(33)] {
            assert!(check_label(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_leads_to_files_of_the_disc_and_nowhere_else() {
        let digest = [7; 32];
        let line = content_line("packs/00.pack", &digest);
        assert_eq!(parse_content(line.trim_end()), Some(("packs/00.pack".to_owned(), digest)));
        for wrong in ["../x", "/etc/passwd", "a//b", "", "a/./b"] {
            assert_eq!(parse_content(content_line(wrong, &digest).trim_end()), None, "{wrong}");
        }
        let pack = |pack| DiscPack { entry: PackEntry { pack, bytes: 9, digest }, records: 3 };
        let text = format!("{}{}", pack(1).line(), pack(2).line());
        assert_eq!(parse_packs(&text), Some(vec![pack(1), pack(2)]));
        assert_eq!(parse_packs(&format!("{}{}", pack(2).line(), pack(1).line())), None);
        assert_eq!(parse_packs("1 2 3\n"), None);
    }
}

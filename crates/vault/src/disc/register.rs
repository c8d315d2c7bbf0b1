//! Which discs there are, what is on each, and what became of it: a folder of signed notes and lists, and a file of events that
//! only grows. A pack has a copy where a volume that holds these very bytes was read back whole.

use super::volume::{DiscPack, Head, Volume, digest_of, parse_packs, read_signed};
use crate::listing::PackEntry;
use crate::manifest::{Digest, numbers_of};
use crate::{RunningTime, VaultError, files};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use yingdun_crypto::sign::NoteVerifier;

const EVENTS: &str = "events.jsonl";
const SUFFIX: &str = "volume";
const LIST_SUFFIX: &str = "packs";

/// What became of a disc.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscState {
    /// Put together; nobody has read the disc back yet.
    #[default]
    Written,
    /// Every byte was read back and is what was written.
    Verified,
    /// Something on it is not what was written.
    Damaged,
    /// A person says that it is lost or broken.
    Lost,
}

/// A disc that the register knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disc {
    /// What is on it.
    pub volume: Volume,
    /// What became of it.
    pub state: DiscState,
    /// When that was found, by the clock of this host, in milliseconds since 1970.
    pub state_ms: i64,
    /// The running time of this host then.
    pub state_running: RunningTime,
    pub(crate) digest: Digest,
    pub(crate) packs: Vec<DiscPack>,
}

impl Disc {
    /// The numbers of its packs, 16 hexadecimal digits, with their bytes and records.
    pub fn packs(&self) -> impl Iterator<Item = (String, u64, u64)> {
        self.packs.iter().map(|pack| (format!("{:016x}", pack.entry.pack), pack.entry.bytes, pack.records))
    }

    /// Whether it can be asked for packs.
    pub(crate) fn is_there(&self) -> bool {
        match self.state {
            // What is whole on a damaged disc is still what was written.
            DiscState::Written | DiscState::Verified | DiscState::Damaged => true,
            DiscState::Lost => false,
        }
    }
}

/// On how many discs a pack is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copies {
    pub(crate) verified: u32,
    /// On discs that nobody has read back yet.
    pub(crate) written: u32,
}

/// A line of the file of events.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    volume: u64,
    state: DiscState,
    at_ms: i64,
    running: RunningTime,
}

/// The register of a vault.
#[derive(Debug)]
pub(crate) struct Register {
    folder: PathBuf,
    discs: Vec<Disc>,
}

impl Register {
    /// Reads the register; every note must be of one of these keys, and follow the one before.
    pub(crate) fn of(folder: PathBuf, keys: &[NoteVerifier]) -> Result<Self, VaultError> {
        let mut register = Self { folder, discs: Vec::new() };
        if !register.folder.exists() {
            return Ok(register);
        }
        for number in numbers_of(&register.folder, SUFFIX)? {
            let path = register.path(number, SUFFIX);
            let (note, volume) = read_signed(&path, keys)?;
            let before = register.discs.last();
            let follows = before.is_none_or(|before| {
                before.volume.volume + 1 != volume.volume || volume.previous == Some(before.digest)
            });
            if volume.volume != number || !follows {
                return Err(VaultError::damaged(&path, "it does not follow the volume before"));
            }
            let list = register.path(number, LIST_SUFFIX);
            let text = fs::read_to_string(&list).map_err(VaultError::file(&list))?;
            let packs = parse_packs(&text).filter(|_| digest_of(text.as_bytes()) == volume.packs_list);
            let packs =
                packs.ok_or_else(|| VaultError::damaged(&list, "it is not the list of the volume"))?;
            register.discs.push(Disc {
                state: DiscState::Written,
                state_ms: volume.written_ms,
                state_running: volume.running,
                digest: digest_of(note.as_bytes()),
                volume,
                packs,
            });
        }
        for event in register.events()? {
            register.take(&event);
        }
        Ok(register)
    }

    pub(crate) fn discs(&self) -> &[Disc] {
        &self.discs
    }

    pub(crate) fn into_discs(self) -> Vec<Disc> {
        self.discs
    }

    pub(crate) fn by_label(&self, label: &str) -> Result<&Disc, VaultError> {
        let found = self.discs.iter().find(|disc| disc.volume.label == label);
        found.ok_or_else(|| VaultError::NoDisc(label.to_owned()))
    }

    pub(crate) fn by_number(&self, volume: u64) -> Option<&Disc> {
        self.discs.iter().find(|disc| disc.volume.volume == volume)
    }

    /// On how many discs these very bytes are.
    pub(crate) fn copies(&self) -> HashMap<PackEntry, Copies> {
        let mut copies: HashMap<PackEntry, Copies> = HashMap::new();
        for disc in &self.discs {
            for pack in &disc.packs {
                let count = copies.entry(pack.entry).or_default();
                match disc.state {
                    DiscState::Verified => count.verified += 1,
                    DiscState::Written => count.written += 1,
                    DiscState::Damaged | DiscState::Lost => {}
                }
            }
        }
        copies
    }

    /// Writes a new volume down, or one that was found. The note last: where there is one, there is its list.
    pub(crate) fn add(&mut self, head: &Head) -> Result<(), VaultError> {
        files::make_folder(&self.folder)?;
        let number = head.volume.volume;
        files::replace(&self.path(number, LIST_SUFFIX), head.packs_text.as_bytes())?;
        files::replace(&self.path(number, SUFFIX), head.note.as_bytes())?;
        self.discs.push(Disc {
            volume: head.volume.clone(),
            state: DiscState::Written,
            state_ms: head.volume.written_ms,
            state_running: head.volume.running,
            digest: head.digest(),
            packs: head.packs.clone(),
        });
        self.discs.sort_by_key(|disc| disc.volume.volume);
        Ok(())
    }

    /// Writes down what became of a disc. It is on the disk when this returns.
    pub(crate) fn note(
        &mut self,
        volume: u64,
        state: DiscState,
        at_ms: i64,
        running: RunningTime,
    ) -> Result<(), VaultError> {
        let path = self.folder.join(EVENTS);
        let event = Event { volume, state, at_ms, running };
        let mut text =
            serde_json::to_vec(&event).map_err(|error| VaultError::damaged(&path, error.to_string()))?;
        text.push(b'\n');
        let whole = self.events_text()?.len() as u64;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(VaultError::file(&path))?;
        // What a power cut left of a line goes first.
        file.set_len(whole)
            .and_then(|()| file.write_all(&text))
            .and_then(|()| file.sync_all())
            .map_err(VaultError::file(&path))?;
        files::sync_all(&self.folder)?;
        self.take(&event);
        Ok(())
    }

    /// The files of the register, for a disc that stands alone.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, VaultError> {
        let mut paths = Vec::new();
        for disc in &self.discs {
            paths.extend([SUFFIX, LIST_SUFFIX].map(|suffix| self.path(disc.volume.volume, suffix)));
        }
        let events = self.folder.join(EVENTS);
        paths.extend(events.exists().then_some(events));
        Ok(paths)
    }

    fn take(&mut self, event: &Event) {
        if let Some(disc) = self.discs.iter_mut().find(|disc| disc.volume.volume == event.volume) {
            (disc.state, disc.state_ms, disc.state_running) = (event.state, event.at_ms, event.running);
        }
    }

    fn events(&self) -> Result<Vec<Event>, VaultError> {
        let path = self.folder.join(EVENTS);
        let parse =
            |line| serde_json::from_str(line).map_err(|error| VaultError::damaged(&path, error.to_string()));
        self.events_text()?.lines().map(parse).collect()
    }

    /// The lines that were written to their end.
    fn events_text(&self) -> Result<String, VaultError> {
        let path = self.folder.join(EVENTS);
        match fs::read_to_string(&path) {
            Ok(mut text) => {
                text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
                Ok(text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(VaultError::file(&path)(error)),
        }
    }

    fn path(&self, number: u64, suffix: &str) -> PathBuf {
        self.folder.join(format!("{number:08}.{suffix}"))
    }
}

/// Where the register of a vault lies.
pub(crate) fn folder_of(vault: &Path) -> PathBuf {
    vault.join("discs")
}

//! What a person has to look at. An alarm is written down and stays until somebody acknowledges it.

use crate::{VaultError, files};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FILE: &str = "alarms.jsonl";

/// Alarms that wait at the same time. Whoever encrypts an archive changes every pack of it; the first thousand are told.
const OPEN_MAX: usize = 1000;

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AlarmKind {
    /// The audit log does not continue what is kept here: leaves were taken away or written anew.
    LogNotContinued {
        /// What does not fit.
        why: String,
    },
    /// The archive does not list a pack any more that is kept here.
    PackMissing {
        /// The pack, 16 hexadecimal digits.
        pack: String,
    },
    /// A pack is shorter in the archive than what is kept here.
    PackShrank {
        /// The pack.
        pack: String,
        /// Bytes that are kept here.
        kept: u64,
        /// Bytes that the archive has.
        came: u64,
    },
    /// Replicas of the archive hold other bytes of a pack than those that are kept here, or cannot prove that they hold them.
    PackChanged {
        /// The pack.
        pack: String,
        /// The replicas that hold something else.
        replicas: Vec<usize>,
    },
    /// No replica of the archive gives a pack whose records are what their digests say.
    PackDamaged {
        /// The pack.
        pack: String,
    },
    /// A pack that is kept here is not what was put here.
    CopyDamaged {
        /// The pack.
        pack: String,
    },
    /// Far fewer rows of a database came than are kept here.
    RowsVanished {
        /// Which: `catalogue` or `keys`.
        part: String,
        /// Bytes of them that the last snapshot has.
        kept: u64,
        /// Bytes that came.
        came: u64,
    },
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// From 1.
    pub number: u64,
    /// When, by the clock of this host, in milliseconds since 1970.
    pub at_ms: i64,
    /// What was noticed.
    #[serde(flatten)]
    pub what: AlarmKind,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Raised(Alarm),
    Acknowledged { up_to: u64, at_ms: i64 },
}

/// The alarms of a vault.
#[derive(Debug)]
pub(crate) struct Alarms {
    path: PathBuf,
    open: Vec<Alarm>,
    last: u64,
}

impl Alarms {
    pub(crate) fn of(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(FILE);
        let mut alarms = Self { path, open: Vec::new(), last: 0 };
        let file = match fs::File::open(&alarms.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(alarms),
            Err(error) => return Err(VaultError::file(&alarms.path)(error)),
        };
        for line in BufReader::new(file).lines() {
            let line = line.map_err(VaultError::file(&alarms.path))?;
            let line = serde_json::from_str(&line)
                .map_err(|error| VaultError::damaged(&alarms.path, error.to_string()))?;
            alarms.take(line);
        }
        Ok(alarms)
    }

    /// Those that nobody has acknowledged.
    pub(crate) fn open(&self) -> &[Alarm] {
        &self.open
    }

    /// Writes an alarm down, unless the same one waits already; tells whether it is new.
    pub(crate) fn raise(&mut self, at_ms: i64, what: AlarmKind) -> Result<bool, VaultError> {
        if self.open.iter().any(|open| open.what == what) || self.open.len() >= OPEN_MAX {
            return Ok(false);
        }
        self.write(Line::Raised(Alarm { number: self.last + 1, at_ms, what }))?;
        Ok(true)
    }

    /// A person has seen all that wait; tells how many.
    pub(crate) fn acknowledge(&mut self, at_ms: i64) -> Result<usize, VaultError> {
        let count = self.open.len();
        if count > 0 {
            self.write(Line::Acknowledged { up_to: self.last, at_ms })?;
        }
        Ok(count)
    }

    fn write(&mut self, line: Line) -> Result<(), VaultError> {
        let mut text =
            serde_json::to_vec(&line).map_err(|error| VaultError::damaged(&self.path, error.to_string()))?;
        text.push(b'\n');
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(VaultError::file(&self.path))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(VaultError::file(&self.path))?;
        self.path.parent().map_or(Ok(()), files::sync_all)?;
        self.take(line);
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Raised(alarm) => {
                self.last = self.last.max(alarm.number);
                self.open.push(alarm);
            }
            Line::Acknowledged { up_to, .. } => self.open.retain(|alarm| alarm.number > up_to),
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogNotContinued { why } => write!(f, "the audit log was changed: {why}"),
            Self::PackMissing { pack } => write!(f, "pack {pack} is gone from the archive"),
            Self::PackShrank { pack, kept, came } => {
                write!(f, "pack {pack} has {came} bytes in the archive, {kept} are kept here")
            }
            Self::PackChanged { pack, replicas } => {
                write!(f, "pack {pack} was changed in the archive, on replicas {replicas:?}")
            }
            Self::PackDamaged { pack } => {
                write!(f, "no replica of the archive gives pack {pack} as it was written")
            }
            Self::CopyDamaged { pack } => write!(f, "pack {pack} was changed in this vault"),
            Self::RowsVanished { part, kept, came } => {
                write!(f, "rows of the {part} vanished: {came} bytes came, {kept} are kept here")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_raised_once_and_stays_until_somebody_acknowledges_it() {
        let folder = tempfile::tempdir().unwrap();
        let what = AlarmKind::PackMissing { pack: "00000000000000ff".into() };
        let mut alarms = Alarms::of(folder.path()).unwrap();
        assert!(alarms.raise(1, what.clone()).unwrap());
        assert!(!alarms.raise(2, what.clone()).unwrap());
        let mut alarms = Alarms::of(folder.path()).unwrap();
        assert_eq!(alarms.open(), [Alarm { number: 1, at_ms: 1, what: what.clone() }]);
        assert_eq!(alarms.acknowledge(3).unwrap(), 1);
        let mut alarms = Alarms::of(folder.path()).unwrap();
        assert!(alarms.open().is_empty());
        // The same thing again is something new.
        assert!(alarms.raise(4, what).unwrap());
        assert_eq!(alarms.open()[0].number, 2);
    }
}

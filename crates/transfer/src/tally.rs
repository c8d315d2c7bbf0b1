//! What became of every file: counts that a journal keeps and a report shows. Its size does not grow with theirs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Faults that are named one by one; the others are only counted.
const FAULTS_SHOWN_MAX: usize = 20;

/// Characters of a file name or a reason in a report: a path can have 4,096.
const WORDS_CHARS_MAX: usize = 1024;

/// Why a file was left out without being a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Neither preamble nor the beginning of a data set.
    NotDicom,
    /// A DICOMDIR: it describes a medium and is made anew by an export.
    MediaDirectory,
    /// Links are not followed: what they point to is imported where it is, or is not part of the tree.
    SymbolicLink,
    /// A device, a socket or a pipe.
    SpecialFile,
    /// An archive of a kind that is not read: images may be in it.
    OtherArchive,
}

impl Skip {
    const fn word(self) -> &'static str {
        match self {
            Self::NotDicom => "not-dicom",
            Self::MediaDirectory => "media-directory",
            Self::SymbolicLink => "symbolic-link",
            Self::SpecialFile => "special-file",
            Self::OtherArchive => "other-archive",
        }
    }
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored, and new.
    Stored,
    /// The same bytes were there.
    Duplicate,
    /// Other bytes of this instance were there: both are kept, and the newest is served.
    NewVersion,
    /// Only judged, in a dry run.
    Would,
    /// Left out.
    Skipped(Skip),
    /// The archive did not take it: the failure reason of PS3.18 Table I.2-2, and its words.
    Refused {
        /// The reason.
        code: u16,
        /// Its words.
        comment: String,
    },
    /// It could not be read.
    Unreadable(String),
    /// A DICOMDIR names it and it is not there.
    Missing,
}

/// A file that is a fault, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name for people.
    pub file: String,
    /// Why, for people.
    pub reason: String,
}

/// Counts of verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Files that were looked at.
    pub files: u64,
    /// Bytes of those that are in the archive, or would be.
    pub bytes: u64,
    /// New in the archive.
    pub stored: u64,
    /// There already, with the same bytes.
    pub duplicate: u64,
    /// There already with other bytes: both are kept.
    pub new_version: u64,
    /// Worth sending, in a dry run.
    pub would_store: u64,
    /// Left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Not taken by the archive, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Not readable here.
    pub unreadable: u64,
    /// Named by a medium and not there.
    pub missing: u64,
    /// The first of those that should be in the archive and are not.
    pub first_faults: Vec<Fault>,
}

impl Tally {
    /// Counts one file; tells why it is a fault, if it is one.
    pub(crate) fn add(&mut self, file: &str, bytes: u64, verdict: Verdict) -> Option<Fault> {
        self.files += 1;
        match verdict {
            Verdict::Stored => (self.stored, self.bytes) = (self.stored + 1, self.bytes + bytes),
            Verdict::Duplicate => (self.duplicate, self.bytes) = (self.duplicate + 1, self.bytes + bytes),
            Verdict::NewVersion => {
                (self.new_version, self.bytes) = (self.new_version + 1, self.bytes + bytes)
            }
            Verdict::Would => (self.would_store, self.bytes) = (self.would_store + 1, self.bytes + bytes),
            Verdict::Skipped(why) => *self.skipped.entry(why.word().to_owned()).or_default() += 1,
            Verdict::Refused { code, comment } => {
                *self.refused.entry(meaning(code)).or_default() += 1;
                return Some(self.fault(file, &comment));
            }
            Verdict::Unreadable(reason) => {
                self.unreadable += 1;
                return Some(self.fault(file, &reason));
            }
            Verdict::Missing => {
                self.missing += 1;
                return Some(self.fault(file, "named by the DICOMDIR and not there"));
            }
        }
        None
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.new_version += other.new_version;
        self.would_store += other.would_store;
        self.unreadable += other.unreadable;
        self.missing += other.missing;
        for (mine, theirs) in [(&mut self.skipped, other.skipped), (&mut self.refused, other.refused)] {
            for (reason, count) in theirs {
                *mine.entry(reason).or_default() += count;
            }
        }
        let room = FAULTS_SHOWN_MAX.saturating_sub(self.first_faults.len());
        self.first_faults.extend(other.first_faults.into_iter().take(room));
    }

    /// Files that are in the archive now.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.stored + self.duplicate + self.new_version
    }

    /// Files that should be in the archive and are not.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.refused.values().sum::<u64>() + self.unreadable + self.missing
    }

    fn fault(&mut self, file: &str, reason: &str) -> Fault {
        let short = |text: &str| text.chars().take(WORDS_CHARS_MAX).collect();
        let fault = Fault { file: short(file), reason: short(reason) };
        if self.first_faults.len() < FAULTS_SHOWN_MAX {
            self.first_faults.push(fault.clone());
        }
        fault
    }
}

/// A failure reason as a word, as in `docs/src/en/errors.md`. There are a dozen, so that counts by them stay few.
fn meaning(code: u16) -> String {
    match code {
        0x0122 => "class-not-supported",
        0x0124 => "not-authorized",
        0xA700 => "out-of-resources",
        0xA900 => "mismatch",
        0xC000 => "cannot-understand",
        0xC001 => "too-large",
        0xC002 => "not-dicom",
        _ => "processing-failure",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_of_many_faults_stays_small_and_counts_all() {
        let mut tally = Tally::default();
        for code in 0..1000 {
            let fault = tally.add("f", 1, Verdict::Refused { code, comment: format!("reason {code}") });
            assert_eq!(fault.unwrap().reason, format!("reason {code}"));
        }
        let mut sum = Tally::default();
        assert_eq!(sum.add("g", 5, Verdict::Stored), None);
        sum.merge(tally.clone());
        sum.merge(tally);
        assert_eq!((sum.files, sum.faults(), sum.kept(), sum.bytes), (2001, 2000, 1, 5));
        assert!(sum.first_faults.len() == FAULTS_SHOWN_MAX && sum.refused.len() <= 8);
    }
}

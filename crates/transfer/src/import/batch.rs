//! Files that follow each other, as many as one request takes.

use crate::source::{Candidate, Found, Place};
use crate::tally::{Fault, Tally};
use std::sync::Arc;

/// Files and bytes of one request: long enough that its round trip does not count, short enough that little is sent again
/// when it breaks off.
const FILES_MAX: usize = 64;
const BYTES_MAX: u64 = 32 << 20;

/// Files without a request: so many that are left out are written down together.
const SETTLED_MAX: u64 = 4096;

/// Files that follow each other, and what was settled about some before anything was sent.
pub(super) struct Batch {
    pub(super) number: u64,
    /// The place of its last file.
    pub(super) end: Place,
    pub(super) names: Vec<String>,
    pub(super) files: Arc<Vec<Candidate>>,
    pub(super) settled: Tally,
    pub(super) faults: Vec<Fault>,
}

/// Collects files until a batch is full.
#[derive(Default)]
pub(super) struct Maker {
    number: u64,
    end: Place,
    names: Vec<String>,
    files: Vec<Candidate>,
    bytes: u64,
    settled: Tally,
    faults: Vec<Fault>,
}

impl Maker {
    /// Takes a file; gives the batch that is full with it.
    pub(super) fn add(&mut self, found: Found) -> Option<Batch> {
        self.end = found.place;
        match found.what {
            Ok(file) => {
                self.bytes = self.bytes.saturating_add(file.bytes);
                self.names.push(found.name);
                self.files.push(file);
            }
            Err(verdict) => self.faults.extend(self.settled.add(&found.name, 0, verdict)),
        }
        let full =
            self.files.len() >= FILES_MAX || self.bytes >= BYTES_MAX || self.settled.files >= SETTLED_MAX;
        if full { self.cut() } else { None }
    }

    /// The batch as far as it is; none when it is empty.
    pub(super) fn cut(&mut self) -> Option<Batch> {
        let Self { number, end, names, files, bytes: _, settled, faults } =
            std::mem::replace(self, Self { number: self.number + 1, ..Self::default() });
        let any = !files.is_empty() || settled.files > 0;
        any.then(|| Batch { number, end, names, files: Arc::new(files), settled, faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{Skip, Verdict};

    #[test]
    fn files_that_are_left_out_fill_batches_of_their_own() {
        let mut maker = Maker::default();
        let found = |number: usize| Found {
            place: Place { entry: vec![number], ..Place::default() },
            name: String::new(),
            what: Err(Verdict::Skipped(Skip::SpecialFile)),
        };
        let batches: Vec<Batch> = (0..10_000).filter_map(|number| maker.add(found(number))).collect();
        assert_eq!(batches.iter().map(|batch| batch.settled.files).collect::<Vec<_>>(), [4096, 4096]);
        assert_eq!(batches.last().unwrap().end.entry, [8191]);
        assert_eq!(maker.cut().unwrap().settled.files, 10_000 - 8192);
        assert!(maker.cut().is_none());
    }
}

//! The list of packs of a snapshot, line by line: sorted by number, so that two lists are compared while they are read.

use crate::chunks::{Chunks, Reader};
use crate::{FileEntry, VaultError};
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;

/// A pack as a snapshot knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PackEntry {
    pub(crate) pack: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: [u8; 32],
}

impl PackEntry {
    pub(crate) fn line(&self) -> String {
        format!("{:016x} {} {}\n", self.pack, self.bytes, hex::encode(self.digest))
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (pack, bytes, digest) = (words.next()?, words.next()?, words.next()?);
        let entry = Self {
            pack: u64::from_str_radix(pack, 16).ok()?,
            bytes: bytes.parse().ok()?,
            digest: hex::decode(digest).ok()?.try_into().ok()?,
        };
        // One spelling, so that equal lists have equal pieces.
        (entry.line().strip_suffix('\n') == Some(line)).then_some(entry)
    }
}

/// Reads a list.
#[derive(Debug)]
pub(crate) struct Listing<'c> {
    lines: Option<Lines<BufReader<Reader<'c>>>>,
    last: Option<u64>,
}

impl<'c> Listing<'c> {
    /// The list of a snapshot; without one, an empty list.
    pub(crate) fn of(chunks: &'c Chunks, list: Option<&FileEntry>) -> Result<Self, VaultError> {
        let lines = list.map(|list| chunks.reader(list)).transpose()?;
        Ok(Self { lines: lines.map(|reader| BufReader::new(reader).lines()), last: None })
    }
}

impl Iterator for Listing<'_> {
    type Item = Result<PackEntry, VaultError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.as_mut()?.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(VaultError::file(Path::new("the list of packs"))(error))),
        };
        let entry = PackEntry::parse(&line).filter(|entry| self.last.is_none_or(|last| last < entry.pack));
        self.last = entry.map(|entry| entry.pack);
        let damaged =
            || VaultError::damaged(Path::new("the list of packs"), "a line is none, or out of order");
        Some(entry.ok_or_else(damaged))
    }
}

//! Reads the journal a second time, by the description of its format: segments of pages, batches on page
//! boundaries, records in batches, each batch digest over the one before.

use super::tree::of_leaf;
use super::{Bad, saying};
use crate::leaf::Leaf;
use crate::tree::{Hash, Tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::sha256;

const PAGE: usize = 4096;
const SECTOR: usize = 512;
const SEGMENT_HEADER: usize = 96;
const BATCH_HEADER: usize = 64;
const BODY_MAX: usize = 3 << 20;

/// What the journal holds.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The records that the signed tree covers too.
    pub(super) covered: BTreeMap<u64, Covered>,
    /// The number after the last record.
    pub(super) end: u64,
    /// Where a batch was cut off while it was written.
    pub(super) torn: Option<String>,
    /// The first trouble.
    pub(super) bad: Option<Bad>,
}

/// A record that journal and tree both hold.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) hash: Hash,
    pub(super) path: PathBuf,
    pub(super) offset: u64,
}

/// Reads all segments of a log whose signed tree has `size` leaves.
pub(super) fn read(dir: &Path, tree: Tree, size: u64) -> Journal {
    let mut walk = Walk { journal: Journal::default(), chain: None, tree, size };
    let paths = segments(dir);
    for path in &paths {
        let name = PathBuf::from("journal").join(path.file_name().unwrap_or_default());
        let outcome = match fs::read(path) {
            Ok(bytes) => walk.segment(&name, &bytes),
            Err(error) => Err((0, format!("cannot be read: {error}"), None)),
        };
        if let Err((offset, why, leaf)) = outcome {
            let index = walk.journal.end;
            let says = leaf.as_deref().and_then(saying);
            walk.journal.bad = Some(Bad::Journal { path: name, offset, index, says, why });
            return walk.journal;
        }
    }
    let mut journal = walk.journal;
    let end = journal.end;
    let why = match (walk.chain, end < size) {
        (None, _) => "it is missing; records that were not signed yet may be lost".to_owned(),
        (Some(_), true) => format!("it ends before the signed size {size}"),
        (Some(_), false) => return journal,
    };
    let path = PathBuf::from("journal");
    journal.bad = Some(Bad::Journal { path, offset: 0, index: end, says: None, why });
    journal
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(dir.join("journal")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = listing
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|x| x == "journal"))
        .collect();
    paths.sort();
    paths
}

/// Offset, reason, and the leaf concerned when there is one.
type Trouble = (u64, String, Option<Vec<u8>>);

struct Walk {
    journal: Journal,
    /// The digest of the batch before; none before the first segment.
    chain: Option<Hash>,
    tree: Tree,
    size: u64,
}

impl Walk {
    fn segment(&mut self, name: &Path, bytes: &[u8]) -> Result<(), Trouble> {
        let header = bytes.get(..SEGMENT_HEADER).ok_or_else(|| at(0, "it is shorter than its header"))?;
        let (content, digest) = header.split_at(SEGMENT_HEADER - 32);
        if !content.starts_with(b"yingdun-journal1") || sha256(content) != digest {
            return Err(at(0, "its header is damaged"));
        }
        let first = number(content, 16, 8);
        let chain: Hash = hash_at(content, 32);
        if number(content, 24, 8) != bytes.len() as u64 || !bytes.len().is_multiple_of(PAGE) {
            return Err(at(0, "it does not have the length that its header states"));
        }
        if bytes.get(SEGMENT_HEADER..PAGE).is_none_or(|rest| !zero(rest)) {
            return Err(at(SEGMENT_HEADER, "there are bytes after its header"));
        }
        match self.chain {
            None if first > self.size => {
                return Err(at(0, &format!("records {} to {} are in no file", self.size, first - 1)));
            }
            None => self.journal.end = first,
            Some(before) if first != self.journal.end || before != chain => {
                return Err(at(0, "it does not continue the segment before it"));
            }
            Some(_) => {}
        }
        self.chain = Some(chain);
        self.journal.torn = None;
        let mut offset = PAGE;
        while offset < bytes.len() {
            match self.batch(name, bytes, offset)? {
                0 => break,
                span => offset += span,
            }
        }
        Ok(())
    }

    /// Takes the batch at an offset and returns its length on disk; 0 where the journal ends.
    fn batch(&mut self, name: &Path, segment: &[u8], offset: usize) -> Result<usize, Trouble> {
        let rest = segment.get(offset..).unwrap_or_default();
        if zero(rest) {
            return Ok(0);
        }
        if zero(rest.get(..SECTOR).unwrap_or(rest)) {
            let last = rest.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            if last < (BATCH_HEADER + BODY_MAX).next_multiple_of(PAGE) {
                return Ok(self.torn(name, offset));
            }
            return Err(at(offset + last, "there are bytes behind the end of the journal"));
        }
        let body_bytes = usize::try_from(number(rest, 20, 4)).unwrap_or(usize::MAX);
        let count = number(rest, 16, 4);
        let content = body_bytes.checked_add(BATCH_HEADER).and_then(|length| rest.get(..length));
        let Some(content) = content.filter(|content| {
            let (counted, rest) = content.split_at(24);
            rest.starts_with(sha256(counted).split_at(8).0)
                && content.starts_with(b"yd-batch")
                && number(content, 8, 8) == self.journal.end
                && (1..=4096).contains(&count)
                && body_bytes <= BODY_MAX
        }) else {
            return Err(at(offset, "the header of a batch is damaged"));
        };
        let span = content.len().next_multiple_of(PAGE);
        if rest.get(content.len()..span).is_none_or(|padding| !zero(padding)) {
            return Err(at(offset + content.len(), "there are bytes after the end of a batch"));
        }
        let (header, body) = content.split_at(BATCH_HEADER);
        let (head, digest) = header.split_at(32);
        let chained = [&self.chain.unwrap_or_default()[..], head, body].concat();
        if sha256(&chained) != digest {
            let missing_sector = content.chunks(SECTOR).any(zero);
            let nothing_after = rest.get(span..).is_none_or(zero);
            if missing_sector && nothing_after {
                return Ok(self.torn(name, offset));
            }
            return Err(at(offset, "the records of a batch do not match its digest"));
        }
        self.records(name, offset, body, count)?;
        self.chain = Some(hash_at(header, 32));
        Ok(span)
    }

    fn records(&mut self, name: &Path, offset: usize, body: &[u8], count: u64) -> Result<(), Trouble> {
        let mut place = 0;
        for _ in 0..count {
            let leaf_end = place + 4 + usize::try_from(number(body, place, 2)).unwrap_or(0);
            let end = leaf_end + usize::try_from(number(body, place + 2, 2)).unwrap_or(0);
            let (Some(leaf), Some(detail)) = (body.get(place + 4..leaf_end), body.get(leaf_end..end)) else {
                return Err(at(offset, "the records of a batch do not fill it"));
            };
            self.record(name, offset, leaf, detail)?;
            place = end;
        }
        if place == body.len() { Ok(()) } else { Err(at(offset, "the records of a batch do not fill it")) }
    }

    fn record(&mut self, name: &Path, offset: usize, leaf: &[u8], detail: &[u8]) -> Result<(), Trouble> {
        let trouble = |why: &str| (offset as u64, why.to_owned(), Some(leaf.to_vec()));
        let index = self.journal.end;
        match Leaf::decode(leaf) {
            Ok(read) if read.sequence == index => {}
            Ok(_) => return Err(trouble("a record carries another number")),
            Err(error) => return Err(trouble(&format!("a record is no leaf: {error}"))),
        }
        let expected = detail_digest(leaf).unwrap_or_default();
        let found = if detail.is_empty() { String::new() } else { hex::encode(sha256(detail)) };
        if expected != found.as_bytes() {
            return Err(trouble("the detail is not the one whose digest the leaf holds"));
        }
        if index < self.size {
            let covered =
                Covered { hash: of_leaf(self.tree, leaf), path: name.to_owned(), offset: offset as u64 };
            self.journal.covered.insert(index, covered);
        }
        self.journal.end += 1;
        Ok(())
    }

    fn torn(&mut self, name: &Path, offset: usize) -> usize {
        self.journal.torn = Some(format!("{} at byte {offset}", name.display()));
        0
    }
}

/// A big-endian number of some bytes; 0 where there are no bytes, which no caller takes for a legal value.
fn number(bytes: &[u8], from: usize, length: usize) -> u64 {
    let field = bytes.get(from..from + length).unwrap_or_default();
    field.iter().fold(0, |number, byte| number * 256 + u64::from(*byte))
}

fn zero(bytes: &[u8]) -> bool {
    const NOTHING: [u8; PAGE] = [0; PAGE];
    bytes.chunks(PAGE).all(|page| NOTHING.starts_with(page))
}

fn hash_at(bytes: &[u8], from: usize) -> Hash {
    bytes.get(from..from + 32).and_then(|hash| hash.try_into().ok()).unwrap_or_default()
}

fn at(offset: usize, why: &str) -> Trouble {
    (offset as u64, why.to_owned(), None)
}

/// The digest of the detail, from the last field of a leaf. A quotation mark inside a text is written with a
/// backslash, so these bytes cannot be part of another field.
pub(super) fn detail_digest(leaf: &[u8]) -> Option<&[u8]> {
    let field = leaf.strip_suffix(b"\"}")?;
    let (head, digest) = field.split_at_checked(field.len().checked_sub(64)?)?;
    head.ends_with(b",\"detail_sha256\":\"").then_some(digest)
}

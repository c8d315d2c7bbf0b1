//! Reads the journal back at start. A batch that an interrupted write left incomplete at the very end is
//! dropped, and so is what a failed write left at the end of a segment, when the next one says that it goes on before that; everything
//! else that does not fit is an error that names the first record concerned.

use super::{
    BATCH_BODY_BYTES_MAX, BATCH_CHECK_BYTES, BATCH_HEADER_BYTES, BATCH_MAGIC, BATCH_RECORDS_MAX,
    JOURNAL_DIRECTORY, PAGE_BYTES, Record, SECTOR_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
    SEGMENT_HEADER_BYTES, SEGMENT_MAGIC,
};
use crate::error::AuditError;
use crate::tree::{Hash, Tree};
use std::fs;
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::{Sha256, sha256};

/// What the journal holds.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The segments, oldest first, with the number of the first record of each.
    pub(crate) segments: Vec<(u64, PathBuf)>,
    /// Every record in the segments, numbered without gaps.
    pub(crate) records: Vec<Record>,
    /// The number of the record after the last.
    pub(crate) end: u64,
    /// The digest of the last batch, or the chain of the segment header.
    pub(crate) chain: Hash,
    /// Where an incomplete batch was dropped: segment and byte.
    pub(crate) torn: Option<(PathBuf, u64)>,
    /// What does not fit, with where it stands: forgiven only when the next segment goes on right there.
    damaged: Option<AuditError>,
    /// Where the last batch of the segment begins: records before it, their end, and the chain.
    before_last: Option<(usize, u64, Hash)>,
}

impl Replay {
    /// Whether a segment goes on here. The writer gives a segment up when a write or sync of it fails, and what it wrote then, all of
    /// it or a part, stands again in the next one: nobody was told of it before.
    fn is_continued_by(&mut self, header: &SegmentHeader) -> bool {
        if (header.first, header.chain) == (self.end, self.chain) {
            return true;
        }
        let given_up =
            self.before_last.filter(|(_, end, chain)| (header.first, header.chain) == (*end, *chain));
        let Some((records, end, chain)) = given_up.filter(|_| self.damaged.is_none()) else { return false };
        self.records.truncate(records);
        (self.end, self.chain) = (end, chain);
        true
    }
}

/// Reads all segments below the directory of a log; none when there are none.
pub(crate) fn replay(dir: &Path) -> Result<Option<Replay>, AuditError> {
    let mut replay: Option<Replay> = None;
    for path in segment_files(dir)? {
        let bytes = fs::read(&path).map_err(|error| AuditError::io("cannot read", &path, error))?;
        let header =
            SegmentHeader::read(&bytes).map_err(|why| damage(&path, 0, expected(replay.as_ref()), why))?;
        let replay = replay.get_or_insert_with(|| Replay {
            segments: Vec::new(),
            records: Vec::new(),
            end: header.first,
            chain: header.chain,
            torn: None,
            damaged: None,
            before_last: None,
        });
        if !replay.is_continued_by(&header) {
            // A torn batch is forgiven only where the next segment shows that the writer saw the same end.
            let why = "the segment does not continue the one before it";
            return Err(replay.damaged.take().unwrap_or_else(|| damage(&path, 0, replay.end, why)));
        }
        (replay.torn, replay.damaged, replay.before_last) = (None, None, None);
        replay.segments.push((header.first, path.clone()));
        read_batches(&path, &bytes, replay);
    }
    match replay.as_mut().and_then(|replay| replay.damaged.take()) {
        Some(error) => Err(error),
        None => Ok(replay),
    }
}

/// The segment files, oldest first.
pub(crate) fn segment_files(dir: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let directory = dir.join(JOURNAL_DIRECTORY);
    let listing = match fs::read_dir(&directory) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuditError::io("cannot list", &directory, error)),
    };
    let mut files = Vec::new();
    for entry in listing {
        let path = entry.map_err(|error| AuditError::io("cannot list", &directory, error))?.path();
        if path.extension().is_some_and(|extension| extension == "journal") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

struct SegmentHeader {
    first: u64,
    chain: Hash,
}

impl SegmentHeader {
    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let (header, _) = bytes
            .split_first_chunk::<SEGMENT_HEADER_BYTES>()
            .ok_or("the segment is shorter than its header")?;
        let (content, digest) = header.split_at(SEGMENT_HEADER_BYTES - 32);
        let mut rest = Fields(content);
        if rest.take::<16>() != *SEGMENT_MAGIC || sha256(content) != digest {
            return Err("the segment header is damaged");
        }
        let first = u64::from_be_bytes(rest.take());
        let segment_bytes = u64::from_be_bytes(rest.take());
        let chain = rest.take();
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes)
            || u64::try_from(bytes.len()) != Ok(segment_bytes)
        {
            return Err("the segment does not have the length that its header states");
        }
        if bytes.get(SEGMENT_HEADER_BYTES..PAGE_BYTES).is_none_or(|rest| !is_zero(rest)) {
            return Err("the header page holds bytes after the header");
        }
        Ok(Self { first, chain })
    }
}

fn read_batches(path: &Path, bytes: &[u8], replay: &mut Replay) {
    let mut offset = PAGE_BYTES;
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        let place = offset as u64;
        match next_batch(rest, replay.end, &replay.chain) {
            Next::End => return,
            Next::Torn => return replay.torn = Some((path.to_owned(), place)),
            Next::Damaged(why) => return replay.damaged = Some(damage(path, place, replay.end, why)),
            Next::Batch { records, digest, span } => {
                replay.before_last = Some((replay.records.len(), replay.end, replay.chain));
                replay.end += records.len() as u64;
                replay.records.extend(records);
                replay.chain = digest;
                offset += span;
            }
        }
    }
}

enum Next {
    Batch { records: Vec<Record>, digest: Hash, span: usize },
    End,
    Torn,
    Damaged(&'static str),
}

/// Judges what stands where a batch should start. `rest` runs to the end of the segment.
fn next_batch(rest: &[u8], expected: u64, chain: &Hash) -> Next {
    let (first_sector, _) = rest.split_at(SECTOR_BYTES.min(rest.len()));
    if is_zero(first_sector) {
        let span_max = (BATCH_HEADER_BYTES + BATCH_BODY_BYTES_MAX).next_multiple_of(PAGE_BYTES);
        let (may_be_torn, beyond) = rest.split_at(span_max.min(rest.len()));
        return match (is_zero(may_be_torn), is_zero(beyond)) {
            (true, true) => Next::End,
            (false, true) => Next::Torn,
            (_, false) => Next::Damaged("records follow a hole that no interrupted write leaves"),
        };
    }
    let Some((header, after)) = rest.split_first_chunk::<BATCH_HEADER_BYTES>() else {
        return Next::Damaged("the batch header is cut off");
    };
    let (head, _) = header.split_at(32);
    let (counted, _) = header.split_at(24);
    let mut fields = Fields(header);
    let magic = fields.take::<8>();
    let first = u64::from_be_bytes(fields.take());
    let count = u32::from_be_bytes(fields.take()) as usize;
    let body_bytes = u32::from_be_bytes(fields.take()) as usize;
    let check = fields.take::<BATCH_CHECK_BYTES>();
    let digest = fields.take::<32>();
    if !sha256(counted).starts_with(&check)
        || magic != *BATCH_MAGIC
        || first != expected
        || !(1..=BATCH_RECORDS_MAX).contains(&count)
    {
        return Next::Damaged("the batch header is damaged");
    }
    let Some(body) = after.get(..body_bytes).filter(|body| body.len() <= BATCH_BODY_BYTES_MAX) else {
        return Next::Damaged("the batch header states an impossible length");
    };
    let span = (BATCH_HEADER_BYTES + body_bytes).next_multiple_of(PAGE_BYTES);
    let padding = rest.get(BATCH_HEADER_BYTES + body_bytes..span).unwrap_or_default();
    if !is_zero(padding) {
        return Next::Damaged("the padding after the batch is not zero");
    }
    let mut sha = Sha256::new();
    sha.update(chain);
    sha.update(head);
    sha.update(body);
    if sha.finish() != digest {
        let content = rest.get(..BATCH_HEADER_BYTES + body_bytes).unwrap_or_default();
        let missing = content.chunks(SECTOR_BYTES).any(is_zero);
        let nothing_after = rest.get(span..).is_none_or(is_zero);
        return if missing && nothing_after {
            Next::Torn
        } else {
            Next::Damaged("the records do not match the digest of their batch")
        };
    }
    match read_records(body, first, count) {
        Some(records) => Next::Batch { records, digest, span },
        None => Next::Damaged("the records do not fill their batch"),
    }
}

fn read_records(body: &[u8], first: u64, count: usize) -> Option<Vec<Record>> {
    let mut records = Vec::with_capacity(count);
    let mut rest = body;
    for index in (first..).take(count) {
        let (leaf_bytes, tail) = rest.split_first_chunk::<2>()?;
        let (detail_bytes, tail) = tail.split_first_chunk::<2>()?;
        let (leaf, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*leaf_bytes)))?;
        let (detail, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*detail_bytes)))?;
        records.push(Record {
            index,
            leaf: leaf.to_vec(),
            leaf_hash: Tree::Sha256.leaf_hash(leaf),
            detail: detail.to_vec(),
        });
        rest = tail;
    }
    rest.is_empty().then_some(records)
}

/// Fixed-width fields from a buffer whose length was checked.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    // Whole pages are compared at once: most of a segment is zero.
    const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
    bytes.chunks(PAGE_BYTES).all(|chunk| Some(chunk) == ZEROS.get(..chunk.len()))
}

fn expected(replay: Option<&Replay>) -> u64 {
    replay.map_or(0, |replay| replay.end)
}

fn damage(path: &Path, offset: u64, record: u64, why: &str) -> AuditError {
    AuditError::Journal { path: path.to_owned(), offset, record, why: why.to_owned() }
}

//! The journal: where a leaf becomes durable before it is a leaf of the tree.
//!
//! `journal/<first record, 20 digits>.journal` are segments of fixed size, written full of zeros beforehand, so
//! that a commit changes no file length and one `fdatasync` is one write to the disk. Numbers are big-endian.
//!
//! ```text
//! page 0           segment header: magic 16 | first record u64 | segment bytes u64 | chain 32 | SHA-256 of these 32
//! page 1…          batches, each starting on a page:
//!                  magic 8 | first record u64 | records u32 | body bytes u32 | check 8 | digest 32 | body | zeros to the page end
//! body             per record: leaf bytes u16 | detail bytes u16 | leaf | detail
//! check            first 8 bytes of SHA-256( the 24 bytes before it )
//! digest           SHA-256( digest of the batch before, or the chain of the segment header | these 32 bytes | body )
//! ```
//!
//! A batch starts on a page of its own, so writing it never rewrites a page that holds acknowledged records: a
//! power cut can tear only the batch that nobody was told about. Because pages and sectors start as zeros, such
//! a torn batch shows as *missing sectors* and can be told from damage, where bytes are there but wrong:
//!
//! - the place where a batch should start is zero to the end of the segment: the journal ends here;
//! - the header of the batch is zero, or it checks (it fits into one sector, which a disk writes whole or not at
//!   all) and another sector of the batch is zero: torn, not acknowledged, dropped; only at the very end of the journal;
//! - anything else: damage. The log does not open, and says where.

pub(crate) mod replay;
pub(crate) mod write;

use crate::leaf::LEAF_BYTES_MAX;
use crate::tree::{Hash, Tree};
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::{Sha256, sha256};

/// The directory of the segments, below the directory of the log.
pub(crate) const JOURNAL_DIRECTORY: &str = "journal";
/// The unit of alignment of batches, in bytes: the page of every usual file system and of 4Kn disks.
pub(crate) const PAGE_BYTES: usize = 4096;
/// The smallest unit that a disk writes whole, in bytes.
pub(crate) const SECTOR_BYTES: usize = 512;
/// The most records in one batch: bounds what one write and one wake-up carry.
pub(crate) const BATCH_RECORDS_MAX: usize = 4096;
/// The longest body of one batch, in bytes: holds the largest append (256 events with full details).
pub(crate) const BATCH_BODY_BYTES_MAX: usize = 3 << 20;
/// The smallest segment, in bytes: a header page and the largest batch.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 4 << 20;
/// The largest segment, in bytes: it is read whole at start.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 256 << 20;

const SEGMENT_MAGIC: &[u8; 16] = b"yingdun-journal1";
const SEGMENT_HEADER_BYTES: usize = 96;
const BATCH_MAGIC: &[u8; 8] = b"yd-batch";
const BATCH_HEADER_BYTES: usize = 64;
const BATCH_CHECK_BYTES: usize = 8;
const RECORD_HEADER_BYTES: usize = 4;

/// A leaf and what lies beside it, as the journal holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) index: u64,
    pub(crate) leaf: Vec<u8>,
    /// The hash of the leaf in the SHA-256 tree.
    pub(crate) leaf_hash: Hash,
    /// Empty when there is none.
    pub(crate) detail: Vec<u8>,
}

impl Record {
    /// The hash of the leaf in a tree.
    pub(crate) fn hash_in(&self, tree: Tree) -> Hash {
        match tree {
            Tree::Sha256 => self.leaf_hash,
            Tree::Sm3 => tree.leaf_hash(&self.leaf),
        }
    }

    /// The bytes that this record takes in a body.
    pub(crate) fn body_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.leaf.len() + self.detail.len()
    }
}

/// An upper bound of the bytes that a record takes in a body, before its leaf is made.
pub(crate) fn body_bytes_max(detail_bytes: usize) -> usize {
    RECORD_HEADER_BYTES + LEAF_BYTES_MAX + detail_bytes
}

/// The path of the segment that starts with a record.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(JOURNAL_DIRECTORY).join(format!("{first:020}.journal"))
}

/// The header page of a segment.
pub(crate) fn encode_segment_header(first: u64, segment_bytes: u64, chain: &Hash) -> Vec<u8> {
    let mut page = Vec::with_capacity(PAGE_BYTES);
    page.extend_from_slice(SEGMENT_MAGIC);
    page.extend_from_slice(&first.to_be_bytes());
    page.extend_from_slice(&segment_bytes.to_be_bytes());
    page.extend_from_slice(chain);
    let digest = sha256(&page);
    page.extend_from_slice(&digest);
    debug_assert_eq!(page.len(), SEGMENT_HEADER_BYTES);
    page.resize(PAGE_BYTES, 0);
    page
}

/// A batch, padded to whole pages, and its digest. The records are numbered without gaps from `first`.
pub(crate) fn encode_batch(first: u64, records: &[Record], chain: &Hash) -> (Vec<u8>, Hash) {
    let body: usize = records.iter().map(Record::body_bytes).sum();
    let mut bytes = Vec::with_capacity((BATCH_HEADER_BYTES + body).next_multiple_of(PAGE_BYTES));
    bytes.extend_from_slice(BATCH_MAGIC);
    bytes.extend_from_slice(&first.to_be_bytes());
    for number in [records.len(), body] {
        bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
    }
    let check = sha256(&bytes);
    bytes.extend_from_slice(check.get(..BATCH_CHECK_BYTES).unwrap_or_default());
    let head = bytes.len();
    bytes.extend_from_slice(&[0; 32]);
    for record in records {
        for length in [record.leaf.len(), record.detail.len()] {
            bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
        bytes.extend_from_slice(&record.leaf);
        bytes.extend_from_slice(&record.detail);
    }
    let mut sha = Sha256::new();
    sha.update(chain);
    sha.update(bytes.get(..head).unwrap_or_default());
    sha.update(bytes.get(BATCH_HEADER_BYTES..).unwrap_or_default());
    let digest = sha.finish();
    if let Some(place) = bytes.get_mut(head..BATCH_HEADER_BYTES) {
        place.copy_from_slice(&digest);
    }
    bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
    (bytes, digest)
}

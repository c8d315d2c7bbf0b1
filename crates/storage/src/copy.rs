//! Packs outside of a store: how a copy that was carried elsewhere is checked without any key, and how a replica begins that is
//! made of such copies. Blocks.

use crate::HeldRecord;
use crate::disk::{Disk, RealDisk};
use crate::record::format::{PACK_HEADER_BYTES, decode_pack_header};
use crate::replica::{Backend, Directory};
use crate::store::{Extent, Source, encode_identity, first_beside_zero, read_record, records_of};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a copy of a pack holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackCheck {
    /// Records whose every byte is the one that was stored.
    pub records: u64,
    /// Where the first bytes lie that are not those that were stored.
    pub damaged_at: Option<u64>,
}

/// How much of a damaged copy is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackSurvey {
    /// Records whose every byte is the one that was stored.
    pub whole: u64,
    /// Records that show themselves and are not what was stored. One whose header is damaged shows itself nowhere and is not counted.
    pub damaged: u64,
    /// Where the first bytes lie that are not those that were stored, or that the device does not give.
    pub damaged_at: Option<u64>,
}

/// Pack number and store that the header of a pack names; none when any byte of the header is wrong.
#[must_use]
pub fn read_pack_header(bytes: &[u8]) -> Option<(u64, [u8; 16])> {
    decode_pack_header(bytes.get(..usize::try_from(PACK_HEADER_BYTES).ok()?)?)
}

/// Checks the bytes `from..to` of a copy of a pack: every record by its own digests, which cover place and store, and that
/// nothing but zeros lies between them. `from` is 0 or the end of a record.
///
/// # Errors
/// When the copy cannot be read; bytes that are wrong are no error but the answer.
pub fn check_pack(path: &Path, pack: u64, store: [u8; 16], from: u64, to: u64) -> io::Result<PackCheck> {
    let file = RealDisk.open(path, false)?;
    let source = [Source { replica: 0, file }];
    let [only] = &source;
    let extent = Extent { pack, end: to, store: &store };
    let mut check = PackCheck::default();
    let mut offset = from;
    if offset == 0 {
        if to < PACK_HEADER_BYTES || !extent.begins(only)? {
            return Ok(PackCheck { damaged_at: Some(0), ..check });
        }
        offset = PACK_HEADER_BYTES;
    }
    while offset < to {
        let next = extent.next_header(&source, offset);
        let begins = next.as_ref().map_or(to, |parsed| parsed.location.offset);
        if let Some(at) = first_beside_zero(only, offset, begins)? {
            check.damaged_at = Some(at);
            return Ok(check);
        }
        let Some(parsed) = next else { break };
        if !read_record(only, &parsed, |_, _| Ok(()))? {
            check.damaged_at = Some(begins);
            return Ok(check);
        }
        check.records += 1;
        offset = parsed.location.end();
    }
    Ok(check)
}

/// Goes through a copy of a pack to its end, past whatever is damaged or cannot be read, and counts what is left of it.
///
/// # Errors
/// When the copy cannot be opened; what the device does not give is damage.
pub fn survey_pack(path: &Path, pack: u64, store: [u8; 16], bytes: u64) -> io::Result<PackSurvey> {
    let source = [Source { replica: 0, file: RealDisk.open(path, false)? }];
    let [only] = &source;
    let extent = Extent { pack, end: bytes, store: &store };
    let mut survey = PackSurvey::default();
    if !extent.begins(only).unwrap_or(false) {
        survey.damaged_at = Some(0);
    }
    let mut offset = PACK_HEADER_BYTES;
    while offset < bytes {
        let next = extent.next_header(&source, offset);
        let begins = next.as_ref().map_or(bytes, |parsed| parsed.location.offset);
        if let Some(at) = first_beside_zero(only, offset, begins).unwrap_or(Some(offset)) {
            survey.damaged_at.get_or_insert(at);
        }
        let Some(parsed) = next else { break };
        if read_record(only, &parsed, |_, _| Ok(())).unwrap_or(false) {
            survey.whole += 1;
        } else {
            survey.damaged += 1;
            survey.damaged_at.get_or_insert(begins);
        }
        offset = parsed.location.end();
    }
    Ok(survey)
}

/// The records in the first `bytes` bytes of a copy of a pack, by their plain headers; nothing when there are bytes that belong to
/// none of them. What the headers stand before is not read: see [`check_pack`].
///
/// # Errors
/// When the copy cannot be read.
pub fn pack_records(
    path: &Path,
    pack: u64,
    store: [u8; 16],
    bytes: u64,
) -> io::Result<Option<Vec<HeldRecord>>> {
    let source = Source { replica: 0, file: RealDisk.open(path, false)? };
    records_of(&Extent { pack, end: bytes, store: &store }, &[source])
}

/// Begins a replica of a store in an empty directory: from now on it is one that has seen everything, so every pack has to be
/// put into it before the store is opened.
///
/// # Errors
/// When the directory holds packs, or cannot be written.
pub fn begin_replica(directory: &Path, store: [u8; 16]) -> io::Result<()> {
    let replica = Directory::new(Arc::new(RealDisk), directory.to_owned());
    replica.prepare()?;
    if !replica.list()?.is_empty() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the directory holds packs already"));
    }
    replica.set_identity(&encode_identity(&store))
}

/// Where a sealed pack lies in a replica.
#[must_use]
pub fn pack_file(directory: &Path, pack: u64) -> PathBuf {
    directory.join("packs").join(format!("{pack:016x}.pack"))
}

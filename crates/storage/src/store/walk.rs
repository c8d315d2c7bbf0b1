//! Walking through a pack on several replicas at once: a record is found when any of them shows its header, and
//! whole when any of them has every byte. Used by recovery, repair and scans. Blocks; never changes anything.

use crate::HeldRecord;
use crate::disk::{DiskFile, read_exact_at};
use crate::record::format::{
    ALIGN_BYTES, PACK_HEADER_BYTES, ParsedHeader, RECORD_HEADER_BYTES, RECORD_MAGIC, StoreId,
    decode_pack_header, decode_record_header,
};
use std::io;
use std::sync::Arc;

/// Bytes read at once when whole records are checked or copied: large enough for the disk, small enough that many
/// checks at once stay within tens of megabytes.
pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;

/// A pack on one replica.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) replica: usize,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// Which pack of which store, up to which offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent<'a> {
    pub(crate) pack: u64,
    pub(crate) end: u64,
    pub(crate) store: &'a StoreId,
}

impl Extent<'_> {
    /// Whether one source begins with the header of this pack of this store.
    pub(crate) fn begins(&self, source: &Source) -> io::Result<bool> {
        let mut bytes = Vec::new();
        read_exact_at(source.file.as_ref(), &mut bytes, PACK_HEADER_BYTES as usize, 0)?;
        Ok(decode_pack_header(&bytes) == Some((self.pack, *self.store)))
    }

    /// The header at an offset, from the first source on which it is right.
    pub(crate) fn header_at(&self, sources: &[Source], offset: u64) -> Option<ParsedHeader> {
        let whole = |parsed: &ParsedHeader| parsed.location.end() <= self.end;
        sources.iter().find_map(|source| self.header_on(source, offset)).filter(whole)
    }

    /// The header at an offset on one source.
    pub(crate) fn header_on(&self, source: &Source, offset: u64) -> Option<ParsedHeader> {
        if offset.checked_add(RECORD_HEADER_BYTES)? > self.end {
            return None;
        }
        let mut bytes = Vec::new();
        read_exact_at(source.file.as_ref(), &mut bytes, RECORD_HEADER_BYTES as usize, offset).ok()?;
        decode_record_header(&bytes, self.pack, offset, self.store)
    }

    /// The first header at or behind an offset: the next record, even when what lies between is damaged on every
    /// source.
    pub(crate) fn next_header(&self, sources: &[Source], offset: u64) -> Option<ParsedHeader> {
        self.header_at(sources, offset).or_else(|| {
            let found = sources.iter().filter_map(|source| self.search(source, offset));
            found.min_by_key(|parsed| parsed.location.offset)
        })
    }

    fn search(&self, source: &Source, offset: u64) -> Option<ParsedHeader> {
        let mut start = offset;
        let mut block = Vec::new();
        while start < self.end {
            block.clear();
            let wanted = (self.end - start).min(BLOCK_BYTES as u64) as usize;
            match read_exact_at(source.file.as_ref(), &mut block, wanted, start) {
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return None,
                Ok(()) | Err(_) => {}
            }
            if block.is_empty() {
                return None;
            }
            let candidates = block.chunks(ALIGN_BYTES as usize).enumerate();
            let magic = candidates.filter(|(_, chunk)| *chunk == RECORD_MAGIC.as_slice());
            let offsets = magic.map(|(number, _)| start + number as u64 * ALIGN_BYTES);
            let sound = |parsed: &ParsedHeader| parsed.location.end() <= self.end;
            if let Some(found) = offsets.filter_map(|at| self.header_on(source, at)).find(sound) {
                return Some(found);
            }
            // Blocks begin at multiples of the alignment, so a magic never straddles two of them.
            start += BLOCK_BYTES as u64;
        }
        None
    }
}

/// Reads a record block by block and hands each block over with its offset in the pack; true when every byte is the
/// byte that was stored.
pub(crate) fn read_record(
    source: &Source,
    parsed: &ParsedHeader,
    mut each: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let location = &parsed.location;
    let mut head = Vec::new();
    read_exact_at(source.file.as_ref(), &mut head, RECORD_HEADER_BYTES as usize, location.offset)?;
    each(location.offset, &head)?;
    // The header carries digest and place; a source whose own header differs does not hold this record.
    let mut sound = head == parsed.bytes;
    let mut hasher = blake3::Hasher::new();
    let mut offset = location.offset + RECORD_HEADER_BYTES;
    let parts_end = offset + location.descriptor_bytes + location.metadata_bytes + location.object_bytes;
    let mut block = Vec::new();
    while offset < parts_end {
        block.clear();
        let wanted = (parts_end - offset).min(BLOCK_BYTES as u64) as usize;
        read_exact_at(source.file.as_ref(), &mut block, wanted, offset)?;
        hasher.update(&block);
        each(offset, &block)?;
        offset += block.len() as u64;
    }
    block.clear();
    let padding = (location.end() - parts_end) as usize;
    read_exact_at(source.file.as_ref(), &mut block, padding, parts_end)?;
    sound &= block.iter().all(|byte| *byte == 0);
    each(parts_end, &block)?;
    Ok(sound && parsed.parts_match(hasher))
}

/// Every record of a pack by its plain header; nothing when there are bytes that belong to no record. Zeros between records, which
/// a crash leaves, are nobody's.
pub(crate) fn records_of(extent: &Extent<'_>, sources: &[Source]) -> io::Result<Option<Vec<HeldRecord>>> {
    let mut records = Vec::new();
    let mut offset = PACK_HEADER_BYTES;
    while offset < extent.end {
        let next = extent.next_header(sources, offset);
        let begins = next.as_ref().map_or(extent.end, |parsed| parsed.location.offset);
        for source in sources {
            if first_beside_zero(source, offset, begins)?.is_some() {
                return Ok(None);
            }
        }
        let Some(parsed) = next else { break };
        offset = parsed.location.end();
        records.push(HeldRecord { location: parsed.location, header: parsed.header });
    }
    Ok(Some(records))
}

/// The first byte of a range that is not zero.
pub(crate) fn first_beside_zero(source: &Source, from: u64, to: u64) -> io::Result<Option<u64>> {
    let (mut offset, mut block) = (from, Vec::new());
    while offset < to {
        block.clear();
        let wanted = usize::try_from(to - offset).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        read_exact_at(source.file.as_ref(), &mut block, wanted, offset)?;
        if let Some(place) = block.iter().position(|byte| *byte != 0) {
            return Ok(Some(offset + place as u64));
        }
        offset += block.len() as u64;
    }
    Ok(None)
}

/// Whether a source holds a record whole. Unreadable counts as not.
pub(crate) fn holds(source: &Source, parsed: &ParsedHeader) -> bool {
    read_record(source, parsed, |_, _| Ok(())).unwrap_or(false)
}

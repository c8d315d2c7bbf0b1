//! What is sent: a sealed pack, or a piece of one that is still written, from copies whose records verify.

use crate::disk::read_exact_at;
use crate::record::format::{PACK_HEADER_BYTES, encode_pack_header};
use crate::replica::place::Content;
use crate::store::shared::Shared;
use crate::store::walk::{BLOCK_BYTES, Extent, Source, holds, read_record};
use std::io;

/// Bytes of a piece, but for one record that is larger: a request to a bucket should be worth its round trip, and what
/// is cut off is sent again.
const PIECE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often what does not verify is read before it counts as damaged.
pub(super) const READS_MAX: u32 = 3;

/// A sealed pack: for each stretch of it the copy from which it is read.
#[derive(Debug)]
pub(super) struct PackContent {
    sources: Vec<Source>,
    /// Where a stretch ends and which source has it.
    stretches: Vec<(u64, usize)>,
    end: u64,
}

/// The copies of a pack on replicas that can be opened, best first.
pub(super) fn local_sources(shared: &Shared, pack: u64, end: u64) -> Vec<Source> {
    let order = shared.state().preference(pack, &(0..end));
    let open = |replica| shared.file(replica, pack).ok().map(|file| Source { replica, file });
    order.into_iter().filter_map(open).collect()
}

impl PackContent {
    /// Chooses for every record a source on which it verifies. A record that verifies nowhere goes as the first source
    /// has it: its neighbours are not kept from a safe place for it. Nothing when no source begins with the header.
    pub(super) fn of(shared: &Shared, pack: u64, end: u64, sources: Vec<Source>) -> Option<Self> {
        let extent = Extent { pack, end, store: &shared.store_id };
        let first = sources.iter().position(|source| extent.begins(source).unwrap_or(false))?;
        let mut content = Self { sources, stretches: Vec::new(), end };
        content.stretch(PACK_HEADER_BYTES, first);
        let mut offset = PACK_HEADER_BYTES;
        while let Some(parsed) = extent.next_header(&content.sources, offset) {
            if parsed.location.offset > offset {
                content.stretch(parsed.location.offset, first);
            }
            offset = parsed.location.end();
            let good = content.sources.iter().position(|source| holds(source, &parsed));
            content.stretch(offset, good.unwrap_or(first));
        }
        if offset < end {
            content.stretch(end, first);
        }
        Some(content)
    }

    /// The digests of all bytes.
    pub(super) fn digests(&self) -> io::Result<Digests> {
        Digests::of(self.end, |offset, bytes, buffer| self.read(offset, bytes, buffer))
    }

    fn stretch(&mut self, end: u64, source: usize) {
        match self.stretches.last_mut() {
            Some((last, same)) if *same == source => *last = end,
            _ => self.stretches.push((end, source)),
        }
    }
}

impl Content for PackContent {
    fn bytes(&self) -> u64 {
        self.end
    }

    fn read(&self, offset: u64, bytes: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let (mut offset, mut left) = (offset, bytes as u64);
        for (end, source) in &self.stretches {
            if left > 0 && offset < *end {
                let here = left.min(end - offset);
                let source = self.sources.get(*source).ok_or(io::ErrorKind::NotFound)?;
                read_exact_at(source.file.as_ref(), buffer, here as usize, offset)?;
                offset += here;
                left -= here;
            }
        }
        if left == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The digest of each block of so many bytes: what reads back wrong is known to within a block.
#[derive(Debug)]
pub(super) struct Digests {
    bytes: u64,
    blocks: Vec<blake3::Hash>,
}

impl Digests {
    /// Reads block after block.
    pub(super) fn of(
        bytes: u64,
        mut read: impl FnMut(u64, usize, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut digests = Self { bytes, blocks: Vec::new() };
        let mut block = Vec::new();
        for offset in (0..bytes).step_by(BLOCK_BYTES) {
            block.clear();
            read(offset, digests.block_bytes(offset), &mut block)?;
            digests.blocks.push(blake3::hash(&block));
        }
        Ok(digests)
    }

    /// Whether what `read` gives is the same. A block that is not is read again: what a line spoilt once it may give whole the
    /// next time, which costs less than sending everything again.
    pub(super) fn match_what(
        &self,
        mut read: impl FnMut(u64, usize, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let mut block = Vec::new();
        for (offset, digest) in (0..self.bytes).step_by(BLOCK_BYTES).zip(&self.blocks) {
            let nothing_kept = || ();
            let same = until_sound(nothing_kept, || {
                block.clear();
                read(offset, self.block_bytes(offset), &mut block)?;
                Ok(blake3::hash(&block) == *digest)
            })?;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn block_bytes(&self, offset: u64) -> usize {
        (self.bytes - offset).min(BLOCK_BYTES as u64) as usize
    }
}

/// Reads until it is sound, a few times; `forget` drops what was read wrong.
pub(super) fn until_sound(forget: impl Fn(), mut read: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    for _ in 1..READS_MAX {
        if read()? {
            return Ok(true);
        }
        forget();
    }
    read()
}

/// The next piece of a pack that is still written, from records that verify; empty when the next record verifies
/// nowhere now.
pub(super) fn piece(shared: &Shared, pack: u64, from: u64, end: u64) -> Vec<u8> {
    let sources = local_sources(shared, pack, end);
    let extent = Extent { pack, end, store: &shared.store_id };
    let mut bytes = Vec::new();
    let mut offset = from;
    if from == 0 {
        bytes = encode_pack_header(pack, &shared.store_id);
        offset = PACK_HEADER_BYTES;
    }
    while offset < end && bytes.len() < PIECE_BYTES_MAX {
        // What is acknowledged has no gaps: records lie one behind the other.
        let Some(parsed) = extent.header_at(&sources, offset) else { break };
        let before = bytes.len();
        let whole = sources.iter().any(|source| {
            bytes.truncate(before);
            let read = read_record(source, &parsed, |_, block| {
                bytes.extend_from_slice(block);
                Ok(())
            });
            read.unwrap_or(false)
        });
        if !whole {
            bytes.truncate(before);
            break;
        }
        offset = parsed.location.end();
    }
    if offset == PACK_HEADER_BYTES { Vec::new() } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_back_wrong_once_is_read_again_and_what_stays_wrong_is_not_the_same() {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES as u32 + 5).map(|number| (number % 251) as u8).collect();
        let from = |bytes: &[u8], offset: u64, wanted: usize, buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(&bytes[offset as usize..offset as usize + wanted]);
        };
        let read = |offset, wanted, buffer: &mut Vec<u8>| {
            from(&bytes, offset, wanted, buffer);
            Ok(())
        };
        let digests = Digests::of(bytes.len() as u64, read).unwrap();
        assert!(digests.match_what(read).unwrap());
        let mut reads = 0;
        let spoilt_at_times = |offset, wanted, buffer: &mut Vec<u8>| {
            from(&bytes, offset, wanted, buffer);
            reads += 1;
            if reads % 2 == 1 {
                buffer[wanted / 2] ^= 1;
            }
            Ok(())
        };
        assert!(digests.match_what(spoilt_at_times).unwrap());
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        let mut reads = 0;
        let same = digests.match_what(|offset, wanted, buffer: &mut Vec<u8>| {
            reads += 1;
            from(&other, offset, wanted, buffer);
            Ok(())
        });
        assert!(!same.unwrap());
        assert_eq!(reads, 3 + READS_MAX, "three blocks that are the same, and the last one");
    }
}

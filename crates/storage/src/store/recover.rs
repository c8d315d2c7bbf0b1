//! Opening a store: which packs there are, and what a crash left of those that were being written.
//!
//! Sealed packs are known from names and lengths alone, so opening is cheap however many there are. A pack that no
//! replica had sealed is read in full on every replica: each record that is whole anywhere is kept and written to
//! the replicas that miss it, what follows the last one is cut off, and the pack is sealed. It is never appended to.

use super::state::{Copy, Pack};
use super::walk::{BLOCK_BYTES, Extent, Source, holds, read_record};
use crate::disk::write_all_at;
use crate::record::format::{
    PACK_HEADER_BYTES, ParsedHeader, StoreId, decode_pack_header, encode_pack_header, take,
};
use crate::replica::{Backend, Form, Listed};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

const IDENTITY_MAGIC: &[u8; 8] = b"YDSTOR01";

/// The bytes that say to which store a replica belongs.
pub(crate) fn encode_identity(store: &StoreId) -> Vec<u8> {
    let mut bytes = IDENTITY_MAGIC.to_vec();
    bytes.extend_from_slice(store);
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

/// The store of an identity, or nothing when any byte is wrong.
pub(crate) fn decode_identity(bytes: &[u8]) -> Option<StoreId> {
    let mut rest = bytes.get(8..24)?;
    let store = take(&mut rest)?;
    (encode_identity(&store).as_slice() == bytes).then_some(store)
}

/// The store to which a replica belongs: from its identity, or when that is damaged, from the header of a pack.
pub(crate) fn owner_of(backend: &dyn Backend, packs: &[Listed]) -> io::Result<Option<StoreId>> {
    if let Some(store) = backend.identity()?.as_deref().and_then(decode_identity) {
        return Ok(Some(store));
    }
    for listed in packs {
        let Ok(file) = backend.open(listed.pack, false) else { continue };
        let mut header = Vec::new();
        let read = crate::disk::read_exact_at(file.as_ref(), &mut header, PACK_HEADER_BYTES as usize, 0);
        if let (Ok(()), Some((_, store))) = (read, decode_pack_header(&header)) {
            return Ok(Some(store));
        }
    }
    Ok(None)
}

/// All packs of a store, with those that were open at a crash made whole. A backend that is `None` could not be
/// opened; it lists nothing, and its copies count as lacking.
pub(crate) fn recover(
    store: &StoreId,
    backends: &[Option<Arc<dyn Backend>>],
    listings: &[Vec<Listed>],
) -> BTreeMap<u64, Pack> {
    let by_name = |listing: &Vec<Listed>| -> BTreeMap<(u64, bool), Listed> {
        listing.iter().map(|listed| ((listed.pack, listed.form == Form::Sealed), *listed)).collect()
    };
    let listings: Vec<_> = listings.iter().map(by_name).collect();
    let numbers: BTreeSet<u64> = listings.iter().flat_map(|l| l.keys().map(|(pack, _)| *pack)).collect();
    let mut packs = BTreeMap::new();
    for number in numbers {
        let sealed: Vec<Option<u64>> =
            listings.iter().map(|l| l.get(&(number, true)).map(|listed| listed.bytes)).collect();
        let lengths: Vec<u64> = sealed.iter().flatten().copied().collect();
        let pack = match agreed_length(&lengths) {
            Some(end) => {
                let copy =
                    |bytes: &Option<u64>| if *bytes == Some(end) { Copy::Whole } else { Copy::Lacking };
                Some(Pack::sealed(end, sealed.iter().map(copy).collect()))
            }
            None => finish_open_pack(store, number, backends),
        };
        if let Some(pack) = pack {
            packs.insert(number, pack);
        }
    }
    packs
}

/// The length that most copies have; the longer one when two are equally frequent.
fn agreed_length(lengths: &[u64]) -> Option<u64> {
    let frequency = |length: u64| lengths.iter().filter(|other| **other == length).count();
    lengths.iter().copied().max_by_key(|length| (frequency(*length), *length))
}

/// Completes a pack that no replica had sealed; nothing when it holds no record.
fn finish_open_pack(store: &StoreId, number: u64, backends: &[Option<Arc<dyn Backend>>]) -> Option<Pack> {
    let mut sources = Vec::new();
    let mut longest = 0;
    for (replica, backend) in backends.iter().enumerate() {
        let Some(backend) = backend else { continue };
        let opened = backend.open(number, true).and_then(|file| Ok((file.length()?, file)));
        match opened {
            Ok((bytes, file)) => {
                longest = longest.max(bytes);
                sources.push(Source { replica, file });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The copy counts as lacking; another replica may hold the records.
            Err(error) => tracing::warn!(replica, %error, "a pack that was open cannot be read"),
        }
    }
    let extent = Extent { pack: number, end: longest, store };
    let records = whole_records(&extent, &sources);
    let Some((last, _)) = records.last() else {
        for backend in backends.iter().flatten() {
            if let Err(error) = backend.remove(number) {
                tracing::warn!(%error, "an empty pack could not be removed");
            }
        }
        return None;
    };
    let end = last.location.end();
    let mut copies = vec![Copy::Lacking; backends.len()];
    for source in &sources {
        let Some(backend) = backends.get(source.replica).and_then(Option::as_ref) else { continue };
        // A replica that cannot be completed now keeps its open file, which can be read; repair replaces it later.
        let completed =
            complete(&extent, source, &sources, &records).and_then(|()| backend.seal(number, end));
        match completed {
            Ok(()) => {
                if let Some(copy) = copies.get_mut(source.replica) {
                    *copy = Copy::Whole;
                }
            }
            Err(error) => tracing::warn!(replica = source.replica, %error, "a pack could not be completed"),
        }
    }
    Some(Pack::sealed(end, copies))
}

/// Every record that is whole on some source, with the sources (by position) that hold it.
fn whole_records(extent: &Extent<'_>, sources: &[Source]) -> Vec<(ParsedHeader, Vec<usize>)> {
    let mut records = Vec::new();
    let mut offset = PACK_HEADER_BYTES;
    while let Some(parsed) = extent.next_header(sources, offset) {
        offset = parsed.location.end();
        let holders: Vec<usize> =
            sources.iter().filter(|source| holds(source, &parsed)).map(|source| source.replica).collect();
        if !holders.is_empty() {
            records.push((parsed, holders));
        }
    }
    records
}

/// Writes into one source what it misses, so that all become byte-identical: the pack header, records that are
/// whole elsewhere, and zeros where a record was torn on every replica.
fn complete(
    extent: &Extent<'_>,
    target: &Source,
    sources: &[Source],
    records: &[(ParsedHeader, Vec<usize>)],
) -> io::Result<()> {
    let file = target.file.as_ref();
    write_all_at(file, &[&encode_pack_header(extent.pack, extent.store)], 0)?;
    let mut done = PACK_HEADER_BYTES;
    for (parsed, holders) in records {
        zero(target, done, parsed.location.offset)?;
        done = parsed.location.end();
        if holders.contains(&target.replica) {
            continue;
        }
        let holder = sources.iter().find(|source| holders.contains(&source.replica));
        let Some(holder) = holder else { continue };
        read_record(holder, parsed, |offset, bytes| write_all_at(file, &[bytes], offset))?;
    }
    Ok(())
}

fn zero(target: &Source, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; BLOCK_BYTES.min((to - from) as usize)];
    let mut offset = from;
    while offset < to {
        let bytes = zeros.get(..((to - offset) as usize).min(zeros.len())).unwrap_or_default();
        write_all_at(target.file.as_ref(), &[bytes], offset)?;
        offset += bytes.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_and_any_flipped_bit_is_noticed() {
        let good = encode_identity(&[7; 16]);
        assert_eq!(decode_identity(&good), Some([7; 16]));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_identity(&bad), None);
        }
        assert_eq!(decode_identity(&[]), None);
    }

    #[test]
    fn the_length_of_most_copies_wins() {
        assert_eq!(agreed_length(&[5, 9, 5]), Some(5));
        assert_eq!(agreed_length(&[5, 9]), Some(9));
        assert_eq!(agreed_length(&[]), None);
    }
}

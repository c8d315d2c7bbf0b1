//! Opening a store: which packs there are, and what a crash left of those that were being written.
//!
//! Sealed packs are known from names and lengths alone, so opening is cheap however many there are. A pack that no
//! replica had sealed is read in full on every replica: each record that is whole anywhere is kept and written to
//! the replicas that miss it, what follows the last one is cut off, and the pack is sealed. It is never appended to.
//!
//! Where such a pack ends is decided only on the word of so many replicas that every record acknowledged by a write
//! quorum was seen by one of them. A replica speaks for a pack when it holds it or when it was known to belong to the
//! store before; a directory that was just made says nothing. With too few of them the pack stays as it is: what is
//! there can be read, nothing is cut off, and the keeper asks again when replicas come back.

use super::state::{Copy, Pack};
use super::walk::{BLOCK_BYTES, Extent, Source, holds, read_record};
use crate::disk::write_all_at;
use crate::record::format::{
    ALIGN_BYTES, PACK_HEADER_BYTES, ParsedHeader, StoreId, decode_pack_header, encode_pack_header, take,
};
use crate::replica::{Backend, Form, Listed};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

const IDENTITY_MAGIC: &[u8; 8] = b"YDSTOR01";

/// Bytes of an identity.
pub(crate) const IDENTITY_BYTES: usize = 56;

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
    listings: &[Listing],
    witnesses: &Witnesses,
) -> BTreeMap<u64, Pack> {
    let numbers: BTreeSet<u64> = listings.iter().flat_map(Listing::packs).collect();
    let recovered = numbers
        .into_iter()
        .filter_map(|number| Some((number, recover_pack(store, number, backends, listings, witnesses)?)));
    recovered.collect()
}

/// One pack, from what the replicas list of it; nothing when it certainly holds no record.
pub(crate) fn recover_pack(
    store: &StoreId,
    number: u64,
    backends: &[Option<Arc<dyn Backend>>],
    listings: &[Listing],
    witnesses: &Witnesses,
) -> Option<Pack> {
    let sealed: Vec<Option<u64>> = listings.iter().map(|listing| listing.sealed(number)).collect();
    let lengths: Vec<u64> = sealed.iter().flatten().copied().collect();
    if let Some(agreed) = agreed_length(&lengths) {
        let replicas = |is_longer: &dyn Fn(&Listing) -> bool| -> Vec<usize> {
            let longer = listings.iter().enumerate().filter(|(_, listing)| is_longer(listing));
            longer.map(|(replica, _)| replica).collect()
        };
        let longer = replicas(&|listing| listing.sealed(number) > Some(agreed));
        let open = replicas(&|listing| listing.is_open(number) && listing.sealed(number).is_none());
        let end = verified_end(
            store,
            number,
            agreed,
            &sources_of(number, &longer, backends, false),
            &sources_of(number, &open, backends, true),
        );
        let copy = |bytes: &Option<u64>| if *bytes == Some(end) { Copy::Whole } else { Copy::Lacking };
        return Some(Pack::sealed(end, sealed.iter().map(copy).collect()));
    }
    let all: Vec<usize> = (0..backends.len()).collect();
    let sources = sources_of(number, &all, backends, true);
    let opened = |replica| sources.iter().any(|source| source.replica == replica);
    if witnesses.suffice(number, listings, opened) {
        finish_open_pack(store, number, backends, &sources)
    } else {
        tracing::warn!(
            pack = number,
            required = witnesses.required,
            "a pack that was open at a crash waits for more replicas"
        );
        Some(leave_open_pack(store, number, backends))
    }
}

/// The packs of one replica, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing(BTreeMap<(u64, bool), u64>);

impl Listing {
    pub(crate) fn new(listed: &[Listed]) -> Self {
        let named = |listed: &Listed| ((listed.pack, listed.form == Form::Sealed), listed.bytes);
        Self(listed.iter().map(named).collect())
    }

    /// The length of a sealed pack.
    pub(crate) fn sealed(&self, pack: u64) -> Option<u64> {
        self.0.get(&(pack, true)).copied()
    }

    fn is_open(&self, pack: u64) -> bool {
        self.0.contains_key(&(pack, false))
    }

    pub(crate) fn holds(&self, pack: u64) -> bool {
        self.is_open(pack) || self.sealed(pack).is_some()
    }

    pub(crate) fn packs(&self) -> impl Iterator<Item = u64> {
        self.0.keys().map(|(pack, _)| *pack)
    }
}

/// Who may say how far a pack goes that was open at a crash.
#[derive(Clone, Debug)]
pub(crate) struct Witnesses {
    /// By replica: whether it carried the identity of the store before, and so everything it was ever given.
    pub(crate) known: Vec<bool>,
    /// How many it takes. Any so many replicas share one with every write quorum. Failure domains could only make them
    /// fewer, and do not count: a record may be older than the setting that asks for them.
    pub(crate) required: usize,
}

impl Witnesses {
    pub(crate) fn new(known: Vec<bool>, write_quorum: usize) -> Self {
        let required = known.len() + 1 - write_quorum.min(known.len());
        Self { known, required }
    }

    /// Whether the replicas that are known suffice for any pack, also one that none of them holds.
    pub(crate) fn suffice_for_all(&self) -> bool {
        self.known.iter().filter(|known| **known).count() >= self.required
    }

    /// Whether enough replicas speak for a pack. One that holds it speaks for it: open packs are made by writers
    /// only, and sealed ones are copies of what was agreed. One whose copy cannot be opened does not.
    pub(crate) fn suffice(&self, pack: u64, listings: &[Listing], opened: impl Fn(usize) -> bool) -> bool {
        let speaks = |(replica, (known, listing)): &(usize, (&bool, &Listing))| {
            if listing.holds(pack) { opened(*replica) } else { **known }
        };
        self.known.iter().zip(listings).enumerate().filter(speaks).count() >= self.required
    }
}

/// How far whole records go on behind the agreed end of a pack: a sealed copy never outweighs a longer copy whose
/// records verify. What a crash left torn between such records becomes zeros in the copies that are still `open` (for
/// writing), as it does when no copy is sealed: its header alone would pass for that of a record.
pub(crate) fn verified_end(
    store: &StoreId,
    pack: u64,
    agreed: u64,
    sealed: &[Source],
    open: &[Source],
) -> u64 {
    let sources = [sealed, open].concat();
    let extent = Extent { pack, end: longest_of(&sources), store };
    let records = whole_records(&extent, &sources, agreed.next_multiple_of(ALIGN_BYTES));
    // In a sealed copy it is damage, and what is left of it is evidence.
    if sealed.is_empty() {
        for source in open {
            if let Err(error) = zero_between(source, agreed, &records) {
                tracing::warn!(replica = source.replica, %error, "what a crash left could not be cleared");
            }
        }
    }
    records.last().map_or(agreed, |(last, _)| last.location.end())
}

/// The length that most copies have; the longer one when two are equally frequent.
fn agreed_length(lengths: &[u64]) -> Option<u64> {
    let frequency = |length: u64| lengths.iter().filter(|other| **other == length).count();
    lengths.iter().copied().max_by_key(|length| (frequency(*length), *length))
}

/// The copies of a pack that can be opened.
fn sources_of(
    number: u64,
    replicas: &[usize],
    backends: &[Option<Arc<dyn Backend>>],
    writable: bool,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for replica in replicas {
        let Some(backend) = backends.get(*replica).and_then(Option::as_ref) else { continue };
        match backend.open(number, writable) {
            Ok(file) => sources.push(Source { replica: *replica, file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The copy counts as lacking; another replica may hold the records.
            Err(error) => tracing::warn!(replica, %error, "a pack that was open cannot be read"),
        }
    }
    sources
}

fn longest_of(sources: &[Source]) -> u64 {
    sources.iter().filter_map(|source| source.file.length().ok()).max().unwrap_or(0)
}

/// Takes a pack as it is: every record that is whole somewhere can be read, and no file is touched.
fn leave_open_pack(store: &StoreId, number: u64, backends: &[Option<Arc<dyn Backend>>]) -> Pack {
    let all: Vec<usize> = (0..backends.len()).collect();
    let sources = sources_of(number, &all, backends, false);
    let extent = Extent { pack: number, end: longest_of(&sources), store };
    let mut end = PACK_HEADER_BYTES;
    let mut copies = vec![Copy::Lacking; backends.len()];
    for source in &sources {
        if let Some(copy) = copies.get_mut(source.replica) {
            *copy = Copy::Growing { durable: PACK_HEADER_BYTES, out: true };
        }
    }
    for (parsed, holders) in whole_records(&extent, &sources, PACK_HEADER_BYTES) {
        end = parsed.location.end();
        for holder in holders {
            if let Some(copy) = copies.get_mut(holder) {
                *copy = Copy::Growing { durable: end, out: true };
            }
        }
    }
    Pack::unfinished(end, copies)
}

/// Completes a pack that no replica had sealed; nothing when it holds no record.
fn finish_open_pack(
    store: &StoreId,
    number: u64,
    backends: &[Option<Arc<dyn Backend>>],
    sources: &[Source],
) -> Option<Pack> {
    let extent = Extent { pack: number, end: longest_of(sources), store };
    let records = whole_records(&extent, sources, PACK_HEADER_BYTES);
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
    for source in sources {
        let Some(backend) = backends.get(source.replica).and_then(Option::as_ref) else { continue };
        // A replica that cannot be completed now keeps its open file, which can be read; repair replaces it later.
        let completed = complete(&extent, source, sources, &records).and_then(|()| backend.seal(number, end));
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

/// Every record from an offset on that is whole on some source, with the sources (by position) that hold it.
fn whole_records(
    extent: &Extent<'_>,
    sources: &[Source],
    mut offset: u64,
) -> Vec<(ParsedHeader, Vec<usize>)> {
    let mut records = Vec::new();
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

/// Writes zeros where none of the records lies, from an offset up to the last of them.
fn zero_between(target: &Source, from: u64, records: &[(ParsedHeader, Vec<usize>)]) -> io::Result<()> {
    let mut done = from;
    let mut any = false;
    for (parsed, _) in records {
        any |= parsed.location.offset > done;
        zero(target, done, parsed.location.offset)?;
        done = parsed.location.end();
    }
    if any { target.file.sync() } else { Ok(()) }
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
        assert_eq!((decode_identity(&good), good.len()), (Some([7; 16]), IDENTITY_BYTES));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_identity(&bad), None);
        }
        assert_eq!(decode_identity(&[]), None);
    }

    #[test]
    fn a_new_directory_speaks_for_no_pack_that_it_does_not_hold() {
        let listing = |packs: &[u64]| {
            let listed = |pack: &u64| Listed { pack: *pack, form: Form::Open, bytes: 9 };
            Listing::new(&packs.iter().map(listed).collect::<Vec<_>>())
        };
        let listings = [listing(&[]), listing(&[8]), listing(&[7])];
        let witnesses = Witnesses::new(vec![false, false, true], 2);
        assert_eq!(witnesses.required, 2);
        assert!(!witnesses.suffice_for_all());
        assert!(!witnesses.suffice(7, &listings, |_| true), "only the one that is known");
        assert!(witnesses.suffice(8, &listings, |_| true), "one holds it, one is known");
        assert!(!witnesses.suffice(8, &listings, |_| false), "what cannot be opened is not seen");
        assert_eq!(Witnesses::new(vec![true; 3], 3).required, 1);
        assert_eq!(Witnesses::new(vec![true; 3], 1).required, 3);
    }

    #[test]
    fn the_length_of_most_copies_wins() {
        assert_eq!(agreed_length(&[5, 9, 5]), Some(5));
        assert_eq!(agreed_length(&[5, 9]), Some(9));
        assert_eq!(agreed_length(&[]), None);
    }
}

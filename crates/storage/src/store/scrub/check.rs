//! Checking one copy of one pack: every byte of it, against its digests and against the other copies.
//!
//! | what is wrong | how it is noticed |
//! |---|---|
//! | a bit, a block, a record | header digest, record digest, zeros behind the parts |
//! | a record or block from elsewhere | the header digest covers pack, offset and store |
//! | a record that only this copy lacks | the header is there on another copy |
//! | an older or another state of the pack | its length, its header, or records that others have |
//! | something that is sound by itself and not what the others hold | the digest of the whole copy, kept apart from it |
//!
//! Nothing is believed because of a length or a date.

use super::fresh::Fresh;
use super::note::Tally;
use crate::disk::read_exact_at;
use crate::record::format::PACK_HEADER_BYTES;
use crate::replica::Backend;
use crate::store::read::report_bad;
use crate::store::repair::lost;
use crate::store::shared::Shared;
use crate::store::state::Agreement;
use crate::store::walk::{BLOCK_BYTES, Extent, Source, holds, read_record};
use crate::{PackPosition, ReplicaId, StoreEvent};
use metrics::counter;
use std::io;
use std::sync::Arc;

/// Reads a copy from the first byte to the last, reports what is wrong with it, and says how much there was. `each` is
/// called for every block with its bytes; its error ends the check.
///
/// # Errors
/// That of `each`; what the operating system says when the whole replica is away.
pub(super) fn check_pack(
    shared: &Shared,
    index: usize,
    pack: u64,
    end: u64,
    mut each: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Tally> {
    let backend = shared.backends.get(index).ok_or(io::ErrorKind::NotFound)?;
    let own = match open(backend.as_ref(), index, pack, end) {
        // What is in memory proves nothing about the device.
        Ok(Ok(own)) => Source { file: Arc::new(Fresh::new(own.file, end)), ..own },
        Err(error) if !backend.exists() => return Err(error),
        Ok(Err(what)) => return Ok(condemn(shared, index, pack, &what)),
        Err(error) => return Ok(condemn(shared, index, pack, &format!("the pack cannot be read: {error}"))),
    };
    let extent = Extent { pack, end, store: &shared.store_id };
    if !extent.begins(&own).unwrap_or(false) {
        return Ok(condemn(shared, index, pack, "the header of the pack is not the one that was written"));
    }
    let others = others(shared, index, pack);
    let sources: Vec<Source> = [&own].into_iter().chain(&others).cloned().collect();

    let mut walk = Walk {
        shared,
        others: &others,
        extent,
        own: &own,
        digest: blake3::Hasher::new(),
        tally: Tally::default(),
    };
    let mut offset = PACK_HEADER_BYTES;
    while let Some(parsed) = extent.next_header(&sources, offset) {
        walk.gap(offset, parsed.location.offset, &mut each)?;
        offset = parsed.location.end();
        walk.record(&parsed, &mut each)?;
    }
    walk.gap(offset, end, &mut each)?;
    let Walk { digest, mut tally, .. } = walk;
    tally.bytes = end;
    if tally.found + tally.lost == 0 {
        tally.found = compare(shared, pack, index, *digest.finalize().as_bytes());
    }
    Ok(tally)
}

/// A walk through one copy.
struct Walk<'a> {
    shared: &'a Shared,
    own: &'a Source,
    others: &'a [Source],
    extent: Extent<'a>,
    /// Takes everything that makes this copy what it is: headers, which hold the digests of their records, and gaps.
    digest: blake3::Hasher,
    tally: Tally,
}

impl Walk<'_> {
    fn record(
        &mut self,
        parsed: &crate::record::format::ParsedHeader,
        each: &mut impl FnMut(u64) -> io::Result<()>,
    ) -> io::Result<()> {
        self.tally.records += 1;
        let sound = match read_record(self.own, parsed, |_, bytes| each(bytes.len() as u64)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(_) => false,
            Ok(sound) => sound,
        };
        let location = &parsed.location;
        if sound {
            self.digest.update(&parsed.bytes);
            self.shared.state().found_again(location.position());
        } else if self.others.iter().any(|other| holds(other, parsed)) {
            self.tally.found += 1;
            report_bad(
                self.shared,
                location,
                ReplicaId(self.own.replica),
                "scrub: the record is not the one that was stored",
            );
        } else {
            self.tally.lost += 1;
            lost(self.shared, location.position());
        }
        Ok(())
    }

    /// Bytes in which no copy shows a record are zeros, or what is left of one.
    fn gap(&mut self, from: u64, to: u64, each: &mut impl FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        if from >= to {
            return Ok(());
        }
        let digest = &mut self.digest;
        let zeros = is_zero(self.own, from, to, |block| {
            digest.update(block);
            each(block.len() as u64)
        })?;
        if !zeros && !self.others.iter().any(|other| is_zero(other, from, to, |_| Ok(())).unwrap_or(false)) {
            self.tally.lost += 1;
            lost(self.shared, PackPosition { pack: self.extent.pack, offset: from });
        }
        Ok(())
    }
}

/// Opens the copy that has the name now: what is open since earlier may be another file. The inner error says in words
/// what is wrong with it.
fn open(backend: &dyn Backend, index: usize, pack: u64, end: u64) -> io::Result<Result<Source, String>> {
    let file = match backend.open(pack, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && backend.exists() => {
            return Ok(Err("the pack is missing".to_owned()));
        }
        other => other?,
    };
    let bytes = file.length()?;
    Ok(if bytes == end {
        Ok(Source { replica: index, file })
    } else {
        Err(format!("the pack has {bytes} bytes, {end} were written"))
    })
}

fn others(shared: &Shared, index: usize, pack: u64) -> Vec<Source> {
    let backends = shared.backends.iter().enumerate().filter(|(other, _)| *other != index);
    let open = |(replica, backend): (usize, &Arc<dyn Backend>)| {
        let drained = shared.state().is_drained(replica);
        (!drained)
            .then(|| backend.open(pack, false))
            .and_then(Result::ok)
            .map(|file| Source { replica, file })
    };
    backends.filter_map(open).collect()
}

/// Trusts a copy as a whole no more.
fn condemn(shared: &Shared, index: usize, pack: u64, what: &str) -> Tally {
    shared.files.forget(index, pack);
    let noticed = shared.state().lacking(pack, index);
    if noticed {
        counter!("yingdun_storage_quarantined_total", "replica" => shared.label(index)).increment(1);
        shared.emit(&StoreEvent::Quarantined {
            replica: ReplicaId(index),
            pack,
            offset: 0,
            reason: format!("scrub: {what}"),
        });
    }
    shared.repairer.wake();
    Tally { found: u64::from(noticed), ..Tally::default() }
}

/// Holds a sound copy against what was seen of the others, and says how many copies that puts in the wrong.
fn compare(shared: &Shared, pack: u64, index: usize, digest: [u8; 32]) -> u64 {
    let agreement = shared.state().compare(pack, index, digest);
    match agreement {
        Agreement::Same => 0,
        Agreement::Minority(replicas) => {
            let condemn =
                |replica: &usize| condemn(shared, *replica, pack, "most copies hold something else").found;
            replicas.iter().map(condemn).sum()
        }
        Agreement::Tie => {
            shared.emit(&StoreEvent::CopiesDiffer { pack });
            1
        }
    }
}

/// Whether a range holds zeros only; every block of it is handed over.
fn is_zero(
    source: &Source,
    from: u64,
    to: u64,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let mut zeros = true;
    let mut offset = from;
    let mut block = Vec::new();
    while offset < to {
        block.clear();
        let wanted = (to - offset).min(BLOCK_BYTES as u64) as usize;
        // What cannot be read is not zero.
        zeros &= read_exact_at(source.file.as_ref(), &mut block, wanted, offset).is_ok();
        zeros &= block.iter().all(|byte| *byte == 0);
        each(&block)?;
        offset += wanted as u64;
    }
    Ok(zeros)
}

//! The repairer: writes a pack anew on a replica where it is missing, incomplete or damaged, from records that
//! verify, while the store serves. The copy is written beside, synced, read back, and only then takes the name.

use super::recover::{Listing, verified_end};
use super::shared::Shared;
use super::walk::{BLOCK_BYTES, Extent, Source, holds, read_record};
use crate::disk::{DiskFile, read_exact_at, write_all_at};
use crate::record::format::{PACK_HEADER_BYTES, encode_pack_header};
use crate::{PackPosition, ReplicaId, StoreEvent};
use metrics::counter;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Pause before repairs that failed are tried again: the cause (no room, no source) rarely goes away sooner.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Runs until the store stops.
pub(crate) fn run(shared: &Shared) {
    let mut tried = BTreeSet::new();
    let mut told = BTreeSet::new();
    while !shared.stopping() {
        let Some((pack, index)) = shared.state().next_repair(&tried) else {
            shared.repairer.wait(RETRY_AFTER);
            tried.clear();
            continue;
        };
        match rewrite(shared, pack, index) {
            Ok(None) => shared.state().nothing_to_repair_from(pack, index),
            Ok(Some(bytes)) => {
                shared.files.forget(index, pack);
                told.remove(&(pack, index));
                let label = shared.label(index);
                counter!("yingdun_storage_repaired_packs_total", "replica" => label.clone()).increment(1);
                counter!("yingdun_storage_repaired_bytes_total", "replica" => label).increment(bytes);
                // Told before it is shown: who sees a whole store can rely on it.
                shared.emit(&StoreEvent::Repaired { replica: ReplicaId(index), pack, bytes });
                shared.state().repaired(pack, index);
            }
            Err(_) if shared.stopping() => return,
            Err(error) => {
                tried.insert((pack, index));
                if told.insert((pack, index)) {
                    let reason = error.to_string();
                    shared.emit(&StoreEvent::RepairDelayed { replica: ReplicaId(index), pack, reason });
                }
                shared.keeper.wake();
            }
        }
    }
}

/// Writes the copy and says how many bytes; nothing when no other replica has the pack.
fn rewrite(shared: &Shared, pack: u64, index: usize) -> io::Result<Option<u64>> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let backend = shared.backends.get(index).ok_or_else(gone)?;
    let (end, order) = {
        let state = shared.state();
        let end = state.packs.get(&pack).ok_or_else(gone)?.end;
        // The damaged copy itself comes last: its other records may be the only whole ones left.
        let mut order = state.preference(pack, &(0..end));
        order.retain(|other| *other != index);
        order.push(index);
        (end, order)
    };
    // The place of the replica may be another one than when its file was opened.
    shared.files.forget(index, pack);
    let mut sources: Vec<Source> = order
        .into_iter()
        .filter_map(|replica| shared.file(replica, pack).ok().map(|file| Source { replica, file }))
        .collect();
    // Far away and slow: asked only for what is whole on no replica.
    sources.extend(shared.offsite_sources(pack));
    if sources.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no replica holds the pack"));
    }
    if sources.iter().all(|source| source.replica == index) {
        let extent = Extent { pack, end, store: &shared.store_id };
        note_lost(shared, &extent, &sources);
        return Ok(None);
    }
    let end = grown_end(shared, pack, end, &sources);
    let extent = Extent { pack, end, store: &shared.store_id };
    let space = backend.space()?.free_bytes;
    if space < end.saturating_add(shared.config.reserve_bytes) {
        return Err(io::ErrorKind::StorageFull.into());
    }

    let staged = backend.stage()?;
    let file = Arc::clone(staged.file());
    file.allocate(0, end)?;
    file.set_len(end)?;
    write_all_at(file.as_ref(), &[&encode_pack_header(pack, &shared.store_id)], 0)?;
    let mut offset = PACK_HEADER_BYTES;
    let mut copied = Vec::new();
    let mut any_lost = false;
    while offset < end {
        if shared.stopping() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(parsed) = extent.next_header(&sources, offset) else { break };
        any_lost |= copy_gap(&sources, offset, parsed.location.offset, file.as_ref())?;
        offset = parsed.location.end();
        let mut found = false;
        for source in &sources {
            let copy = read_record(source, &parsed, |at, bytes| write_all_at(file.as_ref(), &[bytes], at));
            if copy.unwrap_or(false) {
                found = true;
                break;
            }
        }
        if found {
            copied.push(parsed);
        } else {
            any_lost = true;
            lost(shared, parsed.location.position());
        }
    }
    any_lost |= copy_gap(&sources, offset, end, file.as_ref())?;
    file.sync()?;
    let copy = Source { replica: index, file };
    if !copied.iter().all(|parsed| holds(&copy, parsed)) {
        return Err(io::Error::other("the copy did not read back as it was written"));
    }
    if any_lost {
        // What is left of the record may be all that anybody will ever have of it.
        backend.keep_evidence(pack)?;
    }
    staged.publish(pack)?;
    Ok(Some(end))
}

/// The end of a pack, moved on when a copy from before this start holds whole records behind it: a replica that comes
/// back may have more than those that agreed without it, and is not overwritten by less.
fn grown_end(shared: &Shared, pack: u64, end: u64, sources: &[Source]) -> u64 {
    if !shared.state().is_from_before(pack) {
        return end;
    }
    let longer = |source: &&Source| source.file.length().is_ok_and(|bytes| bytes > end);
    let (mut sealed, mut open) = (Vec::new(), Vec::new());
    for source in sources.iter().filter(longer) {
        match open_for_writing(shared, pack, source.replica) {
            Some(file) => open.push(Source { replica: source.replica, file }),
            None => sealed.push(source.clone()),
        }
    }
    let grown = verified_end(&shared.store_id, pack, end, &sealed, &open);
    if grown > end {
        tracing::warn!(pack, from = end, to = grown, "a replica holds more of a sealed pack than was agreed");
        shared.state().extended(pack, grown);
    }
    grown
}

/// The copy of a replica that was open at a crash and was never sealed.
fn open_for_writing(shared: &Shared, pack: u64, replica: usize) -> Option<Arc<dyn DiskFile>> {
    let backend = shared.backends.get(replica)?;
    let is_sealed = Listing::new(&backend.list().ok()?).sealed(pack).is_some();
    if is_sealed { None } else { backend.open(pack, true).ok() }
}

/// Tells which records of the only copy are damaged for good.
fn note_lost(shared: &Shared, extent: &Extent<'_>, sources: &[Source]) {
    let mut offset = PACK_HEADER_BYTES;
    while let Some(parsed) = extent.next_header(sources, offset) {
        if parsed.location.offset > offset {
            lost(shared, PackPosition { pack: extent.pack, offset });
        }
        offset = parsed.location.end();
        if !sources.iter().any(|source| holds(source, &parsed)) {
            lost(shared, parsed.location.position());
        }
    }
}

/// Copies bytes that belong to no record that anyone can read, so that copies stay byte-identical. Says whether there was
/// anything in them.
fn copy_gap(sources: &[Source], from: u64, to: u64, target: &dyn DiskFile) -> io::Result<bool> {
    let mut anything = false;
    let mut offset = from;
    let mut block = Vec::new();
    while offset < to {
        let wanted = (to - offset).min(BLOCK_BYTES as u64) as usize;
        let read = sources.iter().any(|source| {
            block.clear();
            read_exact_at(source.file.as_ref(), &mut block, wanted, offset).is_ok()
        });
        if read {
            anything |= block.iter().any(|byte| *byte != 0);
            write_all_at(target, &[&block], offset)?;
        }
        offset += wanted as u64;
    }
    Ok(anything)
}

/// Remembers a record that nobody has whole, so that it is told once and not repaired for ever.
pub(crate) fn lost(shared: &Shared, position: PackPosition) {
    if shared.state().lost.insert(position) {
        counter!("yingdun_storage_lost_records_total").increment(1);
        shared.emit(&StoreEvent::RecordLost { pack: position.pack, offset: position.offset });
    }
}

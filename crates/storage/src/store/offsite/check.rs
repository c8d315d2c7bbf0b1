//! Reading what lies off-site: every record of a pack against its digest, and against the headers that the replicas show.

use super::content::{local_sources, until_sound};
use crate::record::format::PACK_HEADER_BYTES;
use crate::replica::place::PlaceFile;
use crate::store::repair::lost;
use crate::store::scrub::Tally;
use crate::store::shared::Shared;
use crate::store::walk::{Extent, Source, holds, read_record};
use crate::{ReplicaId, StoreEvent};
use metrics::counter;
use std::io;
use std::sync::Arc;

/// Which pack is checked where.
pub(super) struct Check<'a> {
    pub(super) shared: &'a Shared,
    pub(super) replica: ReplicaId,
    pub(super) pack: u64,
    pub(super) end: u64,
}

impl Check<'_> {
    /// Reads everything; `pace` is told how many bytes that were, and its error ends the check.
    ///
    /// # Errors
    /// That of `pace`; what the place says when it does not answer. What it does not have is no error but found.
    pub(super) fn run(&self, file: PlaceFile, pace: impl Fn(u64) -> io::Result<()>) -> io::Result<Tally> {
        let mut tally = Tally { bytes: self.end, ..Tally::default() };
        let extent = Extent { pack: self.pack, end: self.end, store: &self.shared.store_id };
        let own = Source { replica: self.replica.index(), file: Arc::new(file) };
        if !is_sound(extent.begins(&own))? {
            tally.found += 1;
            self.tell(0, "the pack is missing, or is not the one that was sent");
            return Ok(tally);
        }
        let others = local_sources(self.shared, self.pack, self.end);
        let sources: Vec<Source> = [&own].into_iter().chain(&others).cloned().collect();
        let mut offset = PACK_HEADER_BYTES;
        while let Some(parsed) = extent.next_header(&sources, offset) {
            offset = parsed.location.end();
            tally.records += 1;
            let forget = || own.file.forget_cached(0, self.end);
            let sound = until_sound(forget, || {
                is_sound(read_record(&own, &parsed, |_, bytes| pace(bytes.len() as u64)))
            })?;
            if sound {
                continue;
            }
            if others.iter().any(|other| holds(other, &parsed)) {
                if tally.found == 0 {
                    self.tell(parsed.location.offset, "the record is not the one that was sent");
                }
                tally.found += 1;
            } else {
                tally.lost += 1;
                lost(self.shared, parsed.location.position());
            }
        }
        Ok(tally)
    }

    fn tell(&self, offset: u64, reason: &str) {
        let label =
            self.shared.offsite_of(self.replica).map_or_else(String::new, |of| of.config.label.clone());
        counter!("yingdun_storage_quarantined_total", "replica" => label).increment(1);
        let reason = format!("off-site: {reason}");
        self.shared.emit(&StoreEvent::Quarantined { replica: self.replica, pack: self.pack, offset, reason });
    }
}

/// What is not there, or ends too early, is not sound; a place that does not answer says nothing about what it has.
fn is_sound(read: io::Result<bool>) -> io::Result<bool> {
    match read {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
            Ok(false)
        }
        other => other,
    }
}

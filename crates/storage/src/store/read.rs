//! Reading from one replica, and checking a whole record there.

use super::Store;
use super::shared::Shared;
use super::state::Replicas;
use super::walk::{Extent, Source, read_record};
use crate::disk::{DiskFile, read_exact_at};
use crate::{Location, ReadError, ReplicaId, StoreEvent};
use bytes::Bytes;
use metrics::counter;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The longest read that is tried on the thread of the caller, in bytes: to copy it takes less than half a
/// millisecond.
const CACHED_READ_BYTES_MAX: usize = 2 * 1024 * 1024;

impl Store {
    /// The replicas to try for a record, best first; never empty. Trusted copies come first, always in the same
    /// order for one pack, so that its pages are cached once; different packs begin with different replicas.
    #[must_use]
    pub fn replicas_for(&self, location: &Location) -> Vec<ReplicaId> {
        let range = location.offset..location.end();
        self.shared().state().preference(location.pack, &range).into_iter().map(ReplicaId).collect()
    }

    /// Reads a range of a record (0 = its header; see [`Location::object_range`]) from one replica. The bytes are
    /// not verified here: they are sealed, and whoever opens them notices. Ranges of 1 to 4 MiB are best for streams.
    ///
    /// # Errors
    /// [`ReadError`]; another replica may still answer.
    pub async fn read(
        &self,
        location: &Location,
        range: Range<u64>,
        replica: ReplicaId,
    ) -> Result<Bytes, ReadError> {
        let record_bytes = location.record_bytes();
        if range.start > range.end || range.end > record_bytes {
            return Err(ReadError::OutOfRange { start: range.start, end: range.end, record_bytes });
        }
        let shared = known(self, replica)?;
        let (pack, offset) = (location.pack, location.offset + range.start);
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut buffer = Vec::new();
        shared.foreground.fetch_add(1, Ordering::Relaxed);
        // What is in memory is copied at once: to wake another thread for it would take longer. What cannot be had
        // so, or fails, is read by a thread that may wait, and that read decides what is said.
        if let Some(file) = shared.files.get(replica.index(), pack)
            && wanted <= CACHED_READ_BYTES_MAX
            && file.read_cached_at(&mut buffer, wanted, offset).is_ok_and(|read| read == wanted)
        {
            return Ok(Bytes::from(buffer));
        }
        let location = *location;
        let work = move || {
            let mut read = |pack, offset| {
                let file = file_of(&shared, replica, pack)?;
                buffer.clear();
                read_exact_at(file.as_ref(), &mut buffer, wanted, offset)
            };
            if let Err(error) = read(pack, offset) {
                let Some(now) = shared.moved(&location) else { return Err(error) };
                read(now.pack, now.offset + range.start)?;
            }
            Ok(Bytes::from(buffer))
        };
        blocking(work).await.map_err(|source| read_error(replica, source))
    }

    /// Asks the operating system to fetch a range of a record into its cache soon. Does not wait.
    pub fn will_need(&self, location: &Location, range: Range<u64>, replica: ReplicaId) {
        if let Some(file) = self.shared().files.get(replica.index(), location.pack) {
            file.will_need(
                location.offset.saturating_add(range.start),
                range.end.saturating_sub(range.start),
            );
        }
    }

    /// Reads a whole record from one replica and checks every byte of it against its digest, and the header of the
    /// pack that it lies in: checking all its records checks every byte of a pack.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when the bytes differ from those that were stored; other [`ReadError`]s when they
    /// could not be read.
    pub async fn verify_record(&self, location: &Location, replica: ReplicaId) -> Result<(), ReadError> {
        let shared = known(self, replica)?;
        let location = *location;
        let work = move || {
            let location = shared.moved(&location).unwrap_or(location);
            let file = file_of(&shared, replica, location.pack)?;
            let extent = Extent { pack: location.pack, end: location.end(), store: &shared.store_id };
            let source = Source { replica: replica.index(), file };
            if !extent.begins(&source)? {
                return Ok(Err("the header of its pack is not the one that was written"));
            }
            let Some(parsed) = extent.header_on(&source, location.offset) else {
                return Ok(Err("its header does not match its digest and place"));
            };
            if parsed.location != location {
                return Ok(Err("its header is that of another record"));
            }
            let sound = read_record(&source, &parsed, |_, _| Ok(()))?;
            Ok(if sound { Ok(()) } else { Err("its bytes do not match its digest") })
        };
        let checked = blocking(work).await.map_err(|source| read_error(replica, source))?;
        checked.map_err(|what| ReadError::Damaged { replica, what })
    }

    /// Where a record lies now: at its place, or where it was copied to when its pack was rewritten and is gone. None when that pack is not
    /// here, and nothing that was made of it has the record.
    pub async fn lies_at(&self, location: &Location) -> Option<Location> {
        let (shared, location) = (Arc::clone(self.shared()), *location);
        if shared.state().packs.contains_key(&location.pack) {
            return Some(location);
        }
        let moved = blocking(move || Ok(shared.moved(&location)));
        moved.await.ok().flatten()
    }

    /// Whether as many replicas, in as many failure domains, hold a record byte for byte as an acknowledgement needs. They
    /// are read best first until they are enough. Files are opened anew, so that one whose name is gone does not count; a
    /// replica that should hold the record and does not is reported as bad.
    pub async fn is_held(&self, location: &Location) -> bool {
        let mut sound = Replicas::default();
        for replica in self.replicas_for(location) {
            if self.is_sound(location, replica).await {
                sound = sound.with(replica.index());
            }
            if self.shared().state().limits.quorum.is_met(sound) {
                return true;
            }
        }
        false
    }

    /// On how many replicas a record is whole. All of them are read, as [`Self::is_held`] reads some.
    pub async fn sound_copies(&self, location: &Location) -> usize {
        let mut copies = 0;
        for replica in self.replicas_for(location) {
            copies += usize::from(self.is_sound(location, replica).await);
        }
        copies
    }

    async fn is_sound(&self, location: &Location, replica: ReplicaId) -> bool {
        self.shared().files.forget(replica.index(), location.pack);
        let checked = self.verify_record(location, replica).await;
        if let Err(error) = &checked {
            self.report_bad(location, replica, &error.to_string());
        }
        checked.is_ok()
    }

    /// Reports that bytes of a record on one replica are wrong or cannot be read: they are quarantined and the
    /// pack is repaired in the background from records that verify.
    pub fn report_bad(&self, location: &Location, replica: ReplicaId, why: &str) {
        report_bad(self.shared(), location, replica, why);
    }
}

/// What the store shares, for a replica that it has.
pub(crate) fn known(store: &Store, replica: ReplicaId) -> Result<Arc<Shared>, ReadError> {
    let shared = store.shared();
    if replica.index() < shared.backends.len() + shared.offsite.len() {
        Ok(Arc::clone(shared))
    } else {
        Err(ReadError::UnknownReplica(replica))
    }
}

/// Quarantines a record on a replica and sets the repairer to work.
pub(crate) fn report_bad(shared: &Shared, location: &Location, replica: ReplicaId, why: &str) {
    if let Some(offsite) = shared.offsite_of(replica) {
        // It is read there in full, and told when that finds something.
        return offsite.suspect(location.pack);
    }
    let noticed = shared.state().quarantine(location, replica.index());
    if noticed {
        counter!("yingdun_storage_quarantined_total", "replica" => shared.label(replica.index()))
            .increment(1);
        shared.emit(&StoreEvent::Quarantined {
            replica,
            pack: location.pack,
            offset: location.offset,
            reason: why.to_owned(),
        });
        shared.files.forget(replica.index(), location.pack);
    }
    shared.keeper.wake();
    shared.repairer.wake();
}

/// A pack on a replica, also on one that is off-site.
fn file_of(shared: &Shared, replica: ReplicaId, pack: u64) -> io::Result<Arc<dyn DiskFile>> {
    match shared.offsite_of(replica) {
        Some(offsite) => Ok(Arc::new(offsite.file(pack).ok_or(io::ErrorKind::NotFound)?)),
        None => shared.file(replica.index(), pack),
    }
}

/// Runs work that blocks on the pool for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    // The work does not panic and is not cancelled; a runtime that shuts down is the only way to lose it.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

pub(crate) fn read_error(replica: ReplicaId, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => ReadError::NotThere(replica),
        _ => ReadError::Io { replica, source },
    }
}

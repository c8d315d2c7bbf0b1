//! Copies of the packs of other stores, in the places to which these are sent: read while their own node is away.
//!
//! Which store a place belongs to is read there, and its objects are listed when something is asked for that was not there at the last
//! look. Nothing is written, and nothing that comes is believed: it is sealed, and whoever opens it notices.

use super::{owner, place_of};
use crate::disk::read_exact_at;
use crate::record::format::StoreId;
use crate::replica::place::{Inventory, Place, PlaceFile};
use crate::store::read::blocking;
use crate::{Disk, Location, OffsitePlace};
use bytes::Bytes;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a place is not listed again for what it does not have.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Places with copies of the packs of other stores.
#[derive(Debug)]
pub struct CopiesElsewhere {
    places: Vec<Arc<Copies>>,
}

/// One place.
#[derive(Debug)]
struct Copies {
    place: Arc<dyn Place>,
    seen: Mutex<Arc<Seen>>,
    /// Held by whoever lists the place.
    looking: Mutex<()>,
}

/// What was there at the last look.
#[derive(Debug, Default)]
struct Seen {
    owner: Option<StoreId>,
    inventory: Inventory,
    at: Option<Instant>,
}

impl CopiesElsewhere {
    /// The copies in these places. None is asked for anything yet.
    ///
    /// # Errors
    /// `InvalidInput` when a place has an address that is none.
    pub fn new(disk: &Arc<dyn Disk>, places: &[OffsitePlace]) -> io::Result<Self> {
        let copies = |place| {
            let place = place_of(disk, place)?;
            Ok(Arc::new(Copies { place, seen: Mutex::default(), looking: Mutex::default() }))
        };
        Ok(Self { places: places.iter().map(copies).collect::<io::Result<_>>()? })
    }

    /// Reads a range of a record of a store from the copies that there are of it, counted from 0; nothing when there are fewer. A place that
    /// does not answer counts as one without a copy, and is told of in the log.
    pub async fn read(
        &self,
        store: &[u8; 16],
        location: &Location,
        range: Range<u64>,
        copy: usize,
    ) -> Option<Bytes> {
        if range.start > range.end || range.end > location.record_bytes() {
            return None;
        }
        let mut passed = 0;
        for place in &self.places {
            let (copies, store, location, range) = (Arc::clone(place), *store, *location, range.clone());
            // Who looks for a later copy has read the ones before.
            let wanted = passed == copy;
            match blocking(move || copies.read(&store, &location, range, wanted)).await {
                Ok(Some(bytes)) if wanted => return Some(bytes),
                Ok(Some(_)) => passed += 1,
                Ok(None) => {}
                Err(error) => {
                    let place = place.place.address();
                    tracing::warn!(place, %error, "copies of another node's packs cannot be read");
                }
            }
        }
        None
    }
}

impl Copies {
    /// A range of a record, when it is here; no bytes where only that is asked.
    fn read(
        &self,
        store: &StoreId,
        location: &Location,
        range: Range<u64>,
        wanted: bool,
    ) -> io::Result<Option<Bytes>> {
        let mut seen = self.seen();
        loop {
            let since = seen.at;
            if let Some(file) = self.file(&seen, store, location) {
                if !wanted {
                    return Ok(Some(Bytes::new()));
                }
                let bytes = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let mut buffer = Vec::new();
                match read_exact_at(&file, &mut buffer, bytes, location.offset + range.start) {
                    Ok(()) => return Ok(Some(Bytes::from(buffer))),
                    // Pieces of a pack go when the whole of it is there.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            if since.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
                return Ok(None);
            }
            seen = self.look(since)?;
        }
    }

    /// The pack of a record, when as much of it is here.
    fn file(&self, seen: &Seen, store: &StoreId, location: &Location) -> Option<PlaceFile> {
        let own = seen.owner.as_ref() == Some(store);
        let file = own.then(|| PlaceFile::of(&self.place, &seen.inventory, location.pack)).flatten();
        file.filter(|file| file.end() >= location.offset.saturating_add(location.record_bytes()))
    }

    /// Lists the place, unless somebody else did since a look.
    fn look(&self, since: Option<Instant>) -> io::Result<Arc<Seen>> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.seen();
        if seen.at != since {
            return Ok(seen);
        }
        let owner = match seen.owner {
            Some(owner) => Some(owner),
            None => owner(self.place.as_ref())?,
        };
        let fresh =
            Arc::new(Seen { owner, inventory: Inventory::of(&self.place.list()?), at: Some(Instant::now()) });
        *self.guard() = Arc::clone(&fresh);
        Ok(fresh)
    }

    fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.guard())
    }

    fn guard(&self) -> MutexGuard<'_, Arc<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;
    use crate::RealDisk;
    use crate::record::format::{RECORD_HEADER_BYTES, padded};
    use crate::replica::place::{DirectoryPlace, Object};
    use crate::store::recover::encode_identity;

    const STORE: StoreId = [7; 16];

    fn location(pack: u64, offset: u64) -> Location {
        let (descriptor_bytes, metadata_bytes, object_bytes) = (10, 20, 30);
        let layout = Layout::DescriptorFirst;
        Location { pack, offset, descriptor_bytes, metadata_bytes, object_bytes, layout, digest: [0; 32] }
    }

    #[tokio::test]
    async fn a_record_is_read_where_its_store_is_kept_and_as_soon_as_it_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let roots = ["away", "own", "foreign"].map(|name| folder.path().join(name));
        let [_, own, foreign] =
            roots.each_ref().map(|root| DirectoryPlace::new(Arc::clone(&disk), root.clone()));
        for (place, store) in [(&own, STORE), (&foreign, [8; 16])] {
            place.prepare().unwrap();
            place.put(Object::Identity, &encode_identity(&store).as_slice()).unwrap();
        }
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        foreign.put(Object::Pack(1), &vec![0_u8; 1000].as_slice()).unwrap();
        let copies = CopiesElsewhere::new(&disk, &roots.map(OffsitePlace::Directory)).unwrap();
        let place = location(1, 100);
        let read = async |copy| copies.read(&STORE, &place, 5..50, copy).await;
        assert_eq!(read(0).await, None);
        let end = place.offset + padded(RECORD_HEADER_BYTES + 60);
        own.put(Object::Tail { pack: 1, from: 0, to: end }, &&bytes[..end as usize]).unwrap();
        assert_eq!(read(0).await, None, "it was listed a moment ago");
        for place in &copies.places {
            *place.guard() = Arc::default();
        }
        assert_eq!(read(0).await.as_deref(), Some(&bytes[105..150]));
        assert_eq!(read(1).await, None, "there is one copy");
        assert_eq!(copies.read(&STORE, &location(1, 101), 0..10, 0).await, None, "more than lies there");
        assert_eq!(copies.read(&STORE, &place, 0..1000, 0).await, None, "more than a record");
        // The pieces are replaced by the pack.
        own.put(Object::Pack(1), &bytes.as_slice()).unwrap();
        own.remove(Object::Tail { pack: 1, from: 0, to: end }).unwrap();
        for place in &copies.places {
            let seen = place.seen();
            let long_ago = Instant::now().checked_sub(LOOK_AGAIN);
            *place.guard() =
                Arc::new(Seen { owner: seen.owner, inventory: seen.inventory.clone(), at: long_ago });
        }
        assert_eq!(read(0).await.as_deref(), Some(&bytes[105..150]));
    }
}

//! Where a record lies now that lay in a pack which was rewritten and is gone. Whoever holds its place still finds it: a reader that
//! is under way, and a catalogue that came back from a copy. Looked up by digest in the packs that were made of the old one.

use super::shared::Shared;
use super::walk::{Extent, Source};
use crate::Location;
use crate::record::format::PACK_HEADER_BYTES;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Packs that are gone of which it is remembered where their records are, some fifty kilobytes for a pack of images: those of a few
/// studies that somebody looks at.
const KNOWN_MAX: usize = 4;

/// By the digest of a record: where it is.
type Places = HashMap<[u8; 32], Location>;

/// What was looked up last.
#[derive(Debug, Default)]
pub(crate) struct Moves(Mutex<BTreeMap<u64, Arc<Places>>>);

impl Shared {
    /// Where a record lies now, when its pack is gone and it was copied before; none when its pack is there, or nobody knows. Blocks.
    pub(crate) fn moved(&self, location: &Location) -> Option<Location> {
        if self.state().packs.contains_key(&location.pack) {
            return None;
        }
        let known = self.moves.0.lock().unwrap_or_else(PoisonError::into_inner).get(&location.pack).cloned();
        let there = |now: &Location| self.state().packs.contains_key(&now.pack);
        if let Some(now) = known.and_then(|places| places.get(&location.digest).copied()).filter(there) {
            return Some(now);
        }
        let places = Arc::new(self.places_in_what_was_made_of(location.pack));
        let now = places.get(&location.digest).copied();
        let mut moves = self.moves.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moves.len() >= KNOWN_MAX {
            moves.pop_first();
        }
        moves.insert(location.pack, places);
        now
    }

    /// Every record of the packs that were made of a pack, as far as a header of it can be read.
    fn places_in_what_was_made_of(&self, pack: u64) -> Places {
        let made: Vec<(u64, u64, Vec<usize>)> = {
            let state = self.state();
            let order = |copy, end| state.preference(copy, &(0..end));
            state.made_of(pack).map(|(copy, held)| (copy, held.end, order(copy, held.end))).collect()
        };
        let mut places = Places::new();
        for (copy, end, order) in made {
            let open = |replica| self.file(replica, copy).ok().map(|file| Source { replica, file });
            let sources: Vec<Source> = order.into_iter().filter_map(open).collect();
            let extent = Extent { pack: copy, end, store: &self.store_id };
            let mut offset = PACK_HEADER_BYTES;
            while let Some(parsed) = extent.next_header(&sources, offset) {
                offset = parsed.location.end();
                places.insert(parsed.location.digest, parsed.location);
            }
        }
        places
    }
}

//! A chunk of leaves on its way into the index, in memory: the newest one, or one that is read again.

use super::IndexKey;
use super::postings::{Form, encode, encode_times};
use super::segment::{Span, Writer};
use super::sums::DayTallies;
use super::term::{TIMES, Term, terms_of};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::read::LoggedLeaf;
use crate::tile::TILE_WIDTH;
use crate::tree::Hash;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What the leaves of one chunk are found by. It takes some 10 MB at most.
#[derive(Debug)]
pub(super) struct Tail {
    chunk_leaves: u32,
    chunk: u32,
    count: u32,
    terms: HashMap<Term, Vec<u16>>,
    days: DayTallies,
    times: Vec<(i64, i64)>,
    last_leaf: Hash,
}

impl Tail {
    pub(super) fn of_chunk(chunk: u32, chunk_leaves: u32) -> Self {
        Self {
            chunk_leaves,
            chunk,
            count: 0,
            terms: HashMap::new(),
            days: DayTallies::default(),
            times: Vec::new(),
            last_leaf: [0; 32],
        }
    }

    pub(super) const fn chunk(&self) -> u32 {
        self.chunk
    }

    /// The number of the leaf that comes next.
    pub(super) const fn next(&self) -> u64 {
        self.chunk as u64 * self.chunk_leaves as u64 + self.count as u64
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count >= self.chunk_leaves
    }

    /// Takes the next leaf; any other is passed over.
    pub(super) fn push(&mut self, key: &IndexKey, logged: &LoggedLeaf) {
        if logged.index != self.next() || self.is_full() {
            return;
        }
        let Ok(place) = u16::try_from(self.count) else { return };
        for term in terms_of(key, &logged.leaf) {
            self.terms.entry(term).or_default().push(place);
        }
        self.days.push(key, &logged.leaf);
        let time = logged.leaf.time_ms.as_ms();
        match self.times.get_mut(usize::from(place) / TILE_WIDTH) {
            Some((first, last)) => (*first, *last) = ((*first).min(time), (*last).max(time)),
            None => self.times.push((time, time)),
        }
        self.last_leaf = logged.leaf_hash;
        self.count += 1;
    }

    /// What stands under some terms now.
    pub(super) fn view(&self, demands: &[Vec<Term>]) -> TailView {
        let of = |term: &Term| encode(self.terms.get(term).map_or(&[], Vec::as_slice), self.chunk_leaves);
        let groups = demands.iter().map(|terms| terms.iter().map(of).collect()).collect();
        TailView { chunk: self.chunk, count: self.count, groups, times: self.times.clone() }
    }

    /// What was tallied of a day; none where it was nothing.
    pub(super) fn day(&self, term: &Term) -> Option<Vec<u8>> {
        self.days.entry(term)
    }

    /// Makes a segment of a full chunk.
    pub(super) fn write(&self, path: &Path, key: &IndexKey, disk: &dyn Disk) -> Result<(), AuditError> {
        let span =
            Span { chunk_leaves: self.chunk_leaves, first: self.chunk, chunks: 1, last_leaf: self.last_leaf };
        let mut writer = Writer::begin(path, key, span)?;
        writer.push((TIMES, self.chunk), Form::Times, &encode_times(&self.times))?;
        let days: BTreeMap<Term, Vec<u8>> = self.days.entries().collect();
        let places = self.terms.iter().map(|(term, places)| (*term, Some(places)));
        let entries: BTreeMap<Term, Option<&Vec<u16>>> =
            places.chain(days.keys().map(|term| (*term, None))).collect();
        for (term, places) in entries {
            let (form, postings) = match (places, days.get(&term)) {
                (Some(places), _) => encode(places, self.chunk_leaves),
                (None, day) => (Form::Tallies, day.cloned().unwrap_or_default()),
            };
            writer.push((term, self.chunk), form, &postings)?;
        }
        writer.finish(disk)
    }
}

/// What a search sees of a chunk in memory.
#[derive(Debug)]
pub(super) struct TailView {
    pub(super) chunk: u32,
    pub(super) count: u32,
    /// For each group of terms that is demanded, the postings of each.
    pub(super) groups: Vec<Vec<(Form, Vec<u8>)>>,
    pub(super) times: Vec<(i64, i64)>,
}

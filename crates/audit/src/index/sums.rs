//! How many accesses and refusals there were, in stretches of five minutes: for pictures of a day or a week, without reading leaves.
//!
//! Each chunk has an entry for each day and institution of which it holds a counted leaf, so a question about some days reads the entries of these
//! days and nothing else, however long the log is. Days are those of UTC; whoever draws joins the stretches as clocks of the place say.

use super::IndexKey;
use super::segment::{put_number, take_number};
use super::term::{Term, day_term};
use crate::event::{EventKind, Outcome};
use crate::leaf::Leaf;
use std::collections::{BTreeMap, HashMap};
use yingdun_model::{InstitutionId, Timestamp};

/// One stretch.
pub const STRETCH_MS: i64 = 5 * 60 * 1000;
/// Stretches of one day.
const STRETCHES: i64 = 24 * 3600 * 1000 / STRETCH_MS;
/// Days that are summed at once.
pub const SUMMED_DAYS_MAX: i64 = 32;

/// Leaves of one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Decisions that opened content.
    pub accesses: u64,
    /// Whatever was refused: decisions, sign-ins, associations, instances.
    pub refusals: u64,
}

/// What happened in some time, as far as it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The tally of each stretch in which something was counted, by the moment at which it begins, in milliseconds since 1970.
    pub stretches: BTreeMap<i64, Tally>,
    /// Whether every leaf of the log was counted. While the index is made anew it is not.
    pub is_whole: bool,
}

impl Tally {
    /// What one leaf counts for; nothing for most.
    fn of(leaf: &Leaf) -> Self {
        let opens = leaf.kind == EventKind::Access && leaf.outcome == Outcome::Permitted;
        Self { accesses: u64::from(opens), refusals: u64::from(leaf.outcome == Outcome::Refused) }
    }

    fn add(&mut self, other: Self) {
        self.accesses = self.accesses.saturating_add(other.accesses);
        self.refusals = self.refusals.saturating_add(other.refusals);
    }
}

/// Days of one institution that are asked for, and what was counted so far.
#[derive(Debug)]
pub(super) struct Asked {
    institution: InstitutionId,
    from: Timestamp,
    until: Timestamp,
    /// The term of each day, and its number since 1970.
    pub(super) days: Vec<(Term, i64)>,
    pub(super) sums: Sums,
}

impl Asked {
    /// The days from one moment until another; of a longer time the last ones.
    pub(super) fn new(
        key: &IndexKey,
        institution: &InstitutionId,
        from: Timestamp,
        until: Timestamp,
    ) -> Self {
        let last = day_of(until.as_ms().saturating_sub(1));
        let first = day_of(from.as_ms()).max(last.saturating_sub(SUMMED_DAYS_MAX - 1));
        let days = (first..=last).map(|day| (day_term(key, institution, day), day)).collect();
        let sums = Sums { stretches: BTreeMap::new(), is_whole: true };
        Self { institution: institution.clone(), from, until, days, sums }
    }

    /// Counts what an entry of a day says; false when it says nothing that was written.
    pub(super) fn add_entry(&mut self, day: i64, bytes: &[u8]) -> bool {
        let Some(stretches) = decode(bytes) else { return false };
        for (slot, tally) in stretches {
            self.add((day * STRETCHES + i64::from(slot)) * STRETCH_MS, tally);
        }
        true
    }

    /// Counts one leaf.
    pub(super) fn add_leaf(&mut self, leaf: &Leaf) {
        let tally = Tally::of(leaf);
        if tally != Tally::default() && leaf.institution == self.institution {
            self.add(leaf.time_ms.as_ms().div_euclid(STRETCH_MS) * STRETCH_MS, tally);
        }
    }

    fn add(&mut self, begins: i64, tally: Tally) {
        let from = self.from.as_ms().div_euclid(STRETCH_MS) * STRETCH_MS;
        if (from..self.until.as_ms()).contains(&begins) {
            self.sums.stretches.entry(begins).or_default().add(tally);
        }
    }
}

/// The tallies of a chunk in memory, by the term of their day.
#[derive(Clone, Debug, Default)]
pub(super) struct DayTallies(HashMap<Term, BTreeMap<u16, Tally>>);

impl DayTallies {
    pub(super) fn push(&mut self, key: &IndexKey, leaf: &Leaf) {
        let tally = Tally::of(leaf);
        if tally == Tally::default() {
            return;
        }
        let time = leaf.time_ms.as_ms();
        let slot = time.div_euclid(STRETCH_MS).rem_euclid(STRETCHES);
        let day = self.0.entry(day_term(key, &leaf.institution, day_of(time))).or_default();
        day.entry(u16::try_from(slot).unwrap_or(0)).or_default().add(tally);
    }

    /// The entry of each day.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Term, Vec<u8>)> {
        self.0.iter().map(|(term, day)| (*term, encode(day)))
    }

    /// The entry of one day; none where nothing was counted.
    pub(super) fn entry(&self, term: &Term) -> Option<Vec<u8>> {
        self.0.get(term).map(encode)
    }
}

// === helpers ===

/// The number of a day since 1970.
fn day_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(STRETCH_MS * STRETCHES)
}

/// Of each stretch how far it is behind the one before, and its two numbers. A day has 288, of 15 bytes at most.
fn encode(day: &BTreeMap<u16, Tally>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = 0;
    for (slot, tally) in day {
        put_number(&mut bytes, u32::from(*slot) - next);
        next = u32::from(*slot) + 1;
        for number in [tally.accesses, tally.refusals] {
            put_number(&mut bytes, u32::try_from(number).unwrap_or(u32::MAX));
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<(u16, Tally)>> {
    let (mut at, mut next, mut stretches) = (0, 0_u32, Vec::new());
    while at < bytes.len() {
        let slot = next.checked_add(take_number(bytes, &mut at)?)?;
        let (accesses, refusals) = (take_number(bytes, &mut at)?, take_number(bytes, &mut at)?);
        let tally = Tally { accesses: accesses.into(), refusals: refusals.into() };
        stretches.push((u16::try_from(slot).ok().filter(|slot| i64::from(*slot) < STRETCHES)?, tally));
        next = slot + 1;
    }
    Some(stretches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_day_comes_back(day in prop::collection::btree_map(0_u16..288, (0_u64..1 << 32, 0_u64..1 << 32), 0..288)) {
            let day: BTreeMap<u16, Tally> =
                day.into_iter().map(|(slot, (accesses, refusals))| (slot, Tally { accesses, refusals })).collect();
            let bytes = encode(&day);
            prop_assert!(bytes.len() <= 288 * 15);
            prop_assert_eq!(decode(&bytes), Some(day.into_iter().collect()));
        }

        #[test]
        fn no_bytes_make_the_reader_fall_over(bytes: Vec<u8>) {
            decode(&bytes);
        }
    }
}

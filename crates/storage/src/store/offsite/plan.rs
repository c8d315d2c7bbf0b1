//! What an off-site replica is sent next. Pure: what there is and what it has in, a decision out.

use crate::replica::place::Inventory;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What an off-site replica should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Sealed packs with their lengths, in order.
    pub(crate) sealed: Vec<(u64, u64)>,
    /// Packs that are still written, up to what is acknowledged, in order.
    pub(crate) growing: Vec<(u64, u64)>,
}

/// What is missing there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) packs: u64,
    pub(crate) bytes: u64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send a sealed pack.
    Pack { pack: u64, end: u64 },
    /// Send what is acknowledged of a pack that is still written.
    Tail { pack: u64, from: u64, end: u64 },
    /// Remove the pieces of a pack that is there whole.
    Tidy { pack: u64 },
    /// Nothing.
    Rest,
}

/// Since when records of packs that are still written wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<u64, Instant>);

/// How much of what there is is missing there.
pub(crate) fn missing(there: &Inventory, wanted: &Wanted) -> Missing {
    let of = |(pack, end): &(u64, u64), whole: bool| {
        let has = there.end_of(*pack);
        let incomplete = if whole { there.packs().get(pack) != Some(end) } else { has < *end };
        (incomplete, end.saturating_sub(has))
    };
    let sealed = wanted.sealed.iter().map(|pack| of(pack, true));
    let growing = wanted.growing.iter().map(|pack| of(pack, false));
    sealed.chain(growing).filter(|(incomplete, _)| *incomplete).fold(Missing::default(), |sum, (_, bytes)| {
        Missing { packs: sum.packs + 1, bytes: sum.bytes + bytes }
    })
}

/// What to do next: packs in their order, then what waits in packs that are still written, apart from `tried`, which
/// cannot be had now. What is `damaged` there is sent again.
pub(crate) fn next(
    there: &Inventory,
    wanted: &Wanted,
    tried: &BTreeSet<u64>,
    damaged: &BTreeSet<u64>,
    waiting: &mut Waiting,
    now: Instant,
    delay: Duration,
) -> Step {
    let lacks = |(pack, end): &&(u64, u64)| {
        (there.packs().get(pack) != Some(end) || damaged.contains(pack)) && !tried.contains(pack)
    };
    if let Some((pack, end)) = wanted.sealed.iter().find(lacks) {
        return Step::Pack { pack: *pack, end: *end };
    }
    waiting.0.retain(|pack, _| {
        wanted.growing.iter().any(|(growing, end)| growing == pack && there.end_of(*pack) < *end)
    });
    for (pack, end) in &wanted.growing {
        let from = there.end_of(*pack);
        if from < *end && !tried.contains(pack) {
            let since = *waiting.0.entry(*pack).or_insert(now);
            if now.saturating_duration_since(since) >= delay {
                return Step::Tail { pack: *pack, from, end: *end };
            }
        }
    }
    there.superfluous().map_or(Step::Rest, |pack| Step::Tidy { pack })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::place::Object;

    const DELAY: Duration = Duration::from_secs(20);

    fn there(objects: &[(Object, u64)]) -> Inventory {
        Inventory::of(objects)
    }

    fn piece(pack: u64, from: u64, to: u64) -> (Object, u64) {
        (Object::Tail { pack, from, to }, to - from)
    }

    #[test]
    fn packs_go_in_their_order_before_anything_that_still_grows() {
        let wanted = Wanted { sealed: vec![(1, 100), (2, 200)], growing: vec![(3, 90)] };
        let now = Instant::now();
        let mut waiting = Waiting::default();
        let mut ask = |there: &Inventory, tried: &[u64], at| {
            next(there, &wanted, &tried.iter().copied().collect(), &BTreeSet::new(), &mut waiting, at, DELAY)
        };
        assert_eq!(ask(&there(&[]), &[], now), Step::Pack { pack: 1, end: 100 });
        assert_eq!(
            ask(&there(&[(Object::Pack(1), 99)]), &[], now),
            Step::Pack { pack: 1, end: 100 },
            "too short"
        );
        assert_eq!(ask(&there(&[]), &[1], now), Step::Pack { pack: 2, end: 200 });
        let packs = there(&[(Object::Pack(1), 100), (Object::Pack(2), 200)]);
        assert_eq!(ask(&packs, &[], now), Step::Rest, "the pack may be sealed soon");
        assert_eq!(ask(&packs, &[], now + DELAY), Step::Tail { pack: 3, from: 0, end: 90 });
        let some = there(&[(Object::Pack(1), 100), (Object::Pack(2), 200), piece(3, 0, 80)]);
        assert_eq!(ask(&some, &[], now + DELAY), Step::Tail { pack: 3, from: 80, end: 90 });
        let all = there(&[(Object::Pack(1), 100), (Object::Pack(2), 200), piece(3, 0, 90)]);
        assert_eq!(ask(&all, &[], now + DELAY), Step::Rest);
        assert_eq!(
            ask(&some, &[], now + DELAY),
            Step::Rest,
            "what came after everything was there waits anew"
        );
        let sealed =
            there(&[(Object::Pack(1), 100), (Object::Pack(2), 200), piece(2, 0, 80), piece(3, 0, 90)]);
        assert_eq!(ask(&sealed, &[], now), Step::Tidy { pack: 2 });
        let damaged = [2].into();
        let step = next(&all, &wanted, &BTreeSet::new(), &damaged, &mut waiting, now, DELAY);
        assert_eq!(step, Step::Pack { pack: 2, end: 200 }, "what is damaged there is sent again");
    }

    #[test]
    fn the_lag_counts_what_is_acknowledged_and_not_there() {
        let wanted = Wanted { sealed: vec![(1, 100), (2, 200)], growing: vec![(3, 90)] };
        assert_eq!(missing(&there(&[]), &wanted), Missing { packs: 3, bytes: 390 });
        let some = there(&[(Object::Pack(1), 100), piece(2, 0, 150), piece(3, 0, 80)]);
        assert_eq!(missing(&some, &wanted), Missing { packs: 2, bytes: 60 });
        // A pack that is there in pieces only can be read to its end; it is sent as a whole all the same.
        let pieces = there(&[(Object::Pack(1), 100), piece(2, 0, 200), piece(3, 0, 90)]);
        assert_eq!(missing(&pieces, &wanted), Missing { packs: 1, bytes: 0 });
    }
}

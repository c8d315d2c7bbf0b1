//! Pages of several logs as one.

use super::Walk;
use crate::index::{Count, Page};
use crate::read::LoggedLeaf;

/// One page of several logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The leaves, the newest first, each with the name of its log.
    pub leaves: Vec<(String, LoggedLeaf)>,
    /// How many there are in all; only with the first page.
    pub count: Option<Count>,
    /// Where to go on; none when every log that answered is at its end.
    pub next: Option<Walk>,
}

/// Joins what logs gave of one question from the places of a walk on, each at most `limit` leaves. Logs that did not answer keep their place, and make the count
/// one of what was found.
#[must_use]
pub fn join(pages: Vec<(String, Page)>, from: Option<&Walk>, limit: usize, some_are_missing: bool) -> Joined {
    let count = pages.iter().map(|(_, page)| page.count).reduce(sum).flatten();
    let count = count.filter(|_| from.is_none()).map(|count| match count {
        Count::Exactly(count) if some_are_missing => Count::AtLeast(count),
        count => count,
    });
    let mut parts: Vec<Part> = pages.into_iter().map(Part::of).collect();
    let mut leaves = Vec::new();
    while leaves.len() < limit
        && let Some(part) = newest(&mut parts)
        && let Some(leaf) = part.leaves.next()
    {
        leaves.push((part.log.clone(), leaf));
    }
    let (mut walk, mut more) = (from.cloned().unwrap_or_default(), false);
    for mut part in parts {
        let before = part.place();
        more |= before > 0;
        walk.set(&part.log, before);
    }
    Joined { leaves, count, next: more.then_some(walk) }
}

// === helpers ===

/// What one log gave and was not shown yet.
struct Part {
    log: String,
    leaves: std::iter::Peekable<std::vec::IntoIter<LoggedLeaf>>,
    /// Where its next page begins; 0 at its end.
    next: u64,
}

impl Part {
    fn of((log, page): (String, Page)) -> Self {
        let next = page.next.and_then(|next| next.before_in(&log).ok()).unwrap_or(0);
        Self { leaves: page.leaves.into_iter().peekable(), next, log }
    }

    /// Where to go on in this log: right before what is left of its page, or behind the page.
    fn place(&mut self) -> u64 {
        self.leaves.peek().map_or(self.next, |leaf| leaf.index + 1)
    }
}

/// The part whose next leaf is the newest; none at the end, or where a log has more and did not say what.
fn newest(parts: &mut [Part]) -> Option<&mut Part> {
    let mut best: Option<(i64, &mut Part)> = None;
    for part in parts {
        let Some(leaf) = part.leaves.peek() else {
            if part.next > 0 {
                return None;
            }
            continue;
        };
        let time = leaf.leaf.time_ms.as_ms();
        if best.as_ref().is_none_or(|(newest, _)| time > *newest) {
            best = Some((time, part));
        }
    }
    best.map(|(_, part)| part)
}

fn sum(one: Option<Count>, other: Option<Count>) -> Option<Count> {
    use Count::{AtLeast, Exactly};
    Some(match (one?, other?) {
        (Exactly(one), Exactly(other)) => Exactly(one.saturating_add(other)),
        (Exactly(one) | AtLeast(one), Exactly(other) | AtLeast(other)) => AtLeast(one.saturating_add(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind, Outcome, ReasonCode};
    use crate::index::Cursor;
    use crate::leaf::{BootId, Leaf, NodeName, Stamp};
    use proptest::prelude::*;
    use yingdun_model::{ActorId, InstitutionId, Timestamp};

    fn found(index: u64, time_ms: i64) -> LoggedLeaf {
        let (institution, actor) = (InstitutionId::new("renmin").unwrap(), ActorId::new("li").unwrap());
        let reason = ReasonCode::new("in-care");
        let event = Event::of_system(institution, actor, EventKind::Access, Outcome::Permitted, reason);
        let stamp = Stamp {
            sequence: index,
            time_ms: Timestamp::from_ms(time_ms),
            monotonic_ns: 0,
            boot: BootId([0; 8]),
            node: NodeName::new("one").unwrap(),
        };
        LoggedLeaf { index, leaf_hash: [0; 32], leaf: Leaf::of_event(&event, stamp) }
    }

    /// A page of a log whose leaf of each number has this time, or of nothing where it is not wanted. Looks at `looks` leaves at most.
    fn page(log: &str, leaves: &[Option<i64>], from: Option<&Walk>, limit: usize, looks: usize) -> Page {
        let before = from.and_then(|walk| walk.place_in(log));
        let end = before.unwrap_or(u64::MAX).min(leaves.len() as u64);
        let mut shown = Vec::new();
        let mut next = None;
        for (looked, index) in (0..end).rev().enumerate() {
            if looked >= looks || shown.len() >= limit {
                next = Some(index + 1);
                break;
            }
            shown.extend(leaves[index as usize].map(|time| found(index, time)));
        }
        let count = Count::Exactly(leaves.iter().flatten().count() as u64);
        let count = Some(count).filter(|_| before.is_none());
        Page {
            leaves: shown,
            count,
            next: next.map(|next| Cursor::new(log, next)),
            size: leaves.len() as u64,
        }
    }

    /// Logs with leaves of which some are wanted, each at a time.
    fn logs() -> impl Strategy<Value = Vec<Vec<Option<i64>>>> {
        let leaf = prop_oneof![1 => Just(None), 3 => (0_i64..40).prop_map(Some)];
        prop::collection::vec(prop::collection::vec(leaf, 0..30), 1..4)
    }

    /// Walks to the end; `away` says with each page which logs do not answer. Gives what was shown, and whether the last page was whole.
    fn walk(
        logs: &[Vec<Option<i64>>],
        limit: usize,
        looks: usize,
        away: impl Fn(usize, usize) -> bool,
    ) -> (Vec<(String, u64, i64)>, bool) {
        let (mut shown, mut from) = (Vec::new(), None);
        for turn in 0..1_000 {
            let names = (0..logs.len()).filter(|log| *log == 0 || !away(turn, *log));
            let pages: Vec<_> = names
                .map(|log| {
                    let name = format!("log-{log}");
                    let page = page(&name, &logs[log], from.as_ref(), limit, looks);
                    (name, page)
                })
                .collect();
            let whole = pages.len() == logs.len();
            let joined = join(pages, from.as_ref(), limit, !whole);
            assert!(joined.leaves.len() <= limit);
            shown.extend(
                joined.leaves.iter().map(|(log, leaf)| (log.clone(), leaf.index, leaf.leaf.time_ms.as_ms())),
            );
            // As it travels.
            from = joined.next.map(|walk| walk.to_string().parse::<Walk>().unwrap());
            if from.is_none() {
                return (shown, whole);
            }
        }
        panic!("the walk does not end");
    }

    fn wanted(logs: &[Vec<Option<i64>>]) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        for (log, leaves) in logs.iter().enumerate() {
            let of = leaves.iter().enumerate().filter(|(_, time)| time.is_some());
            all.extend(of.map(|(index, _)| (format!("log-{log}"), index as u64)));
        }
        all.sort();
        all
    }

    fn places(shown: &[(String, u64, i64)]) -> Vec<(String, u64)> {
        let mut all: Vec<_> = shown.iter().map(|(log, index, _)| (log.clone(), *index)).collect();
        all.sort();
        all
    }

    proptest! {
        #[test]
        fn pages_of_several_logs_give_each_leaf_once_and_those_of_a_log_in_its_order(
            logs in logs(), limit in 1_usize..9, looks in 1_usize..40,
        ) {
            let (shown, whole) = walk(&logs, limit, looks, |_, _| false);
            prop_assert!(whole);
            prop_assert_eq!(places(&shown), wanted(&logs));
            for log in 0..logs.len() {
                let name = format!("log-{log}");
                let of: Vec<u64> = shown.iter().filter(|(of, ..)| *of == name).map(|(_, at, _)| *at).collect();
                prop_assert!(of.is_sorted_by(|one, next| one > next));
            }
        }

        #[test]
        fn where_clocks_only_go_forward_all_pages_are_in_the_order_of_time(
            mut logs in logs(), limit in 1_usize..9, looks in 1_usize..40,
        ) {
            for leaves in &mut logs {
                let mut times: Vec<i64> = leaves.iter().flatten().copied().collect();
                times.sort_unstable();
                let mut times = times.into_iter();
                leaves.iter_mut().flatten().for_each(|time| *time = times.next().unwrap());
            }
            let (shown, _) = walk(&logs, limit, looks, |_, _| false);
            prop_assert!(shown.is_sorted_by_key(|(_, _, time)| std::cmp::Reverse(*time)));
        }

        #[test]
        fn what_a_log_that_was_away_has_comes_when_it_is_back_and_nothing_comes_twice(
            logs in logs(), limit in 1_usize..9, looks in 1_usize..40, away: u64,
        ) {
            let (shown, whole) = walk(&logs, limit, looks, |turn, log| away >> ((turn * 3 + log) % 64) & 1 == 1);
            let shown = places(&shown);
            prop_assert!(shown.windows(2).all(|two| two[0] != two[1]), "nothing twice");
            if whole {
                prop_assert_eq!(shown, wanted(&logs));
            }
        }
    }

    #[test]
    fn a_count_is_exact_only_when_every_log_was_counted() {
        let one = page("a", &[Some(1), None, Some(2)], None, 1, 9);
        let other = page("b", &[Some(1)], None, 1, 9);
        let pages = || vec![("a".to_owned(), one.clone()), ("b".to_owned(), other.clone())];
        assert_eq!(join(pages(), None, 1, false).count, Some(Count::Exactly(3)));
        assert_eq!(join(pages(), None, 1, true).count, Some(Count::AtLeast(3)));
        let bound = Page { count: Some(Count::AtLeast(7)), ..other.clone() };
        let bound = join(vec![("a".to_owned(), one.clone()), ("b".to_owned(), bound)], None, 1, false);
        assert_eq!(bound.count, Some(Count::AtLeast(9)));
        let next = join(pages(), None, 1, false).next.unwrap();
        assert_eq!(join(pages(), Some(&next), 1, false).count, None, "only with the first page");
    }

    #[test]
    fn a_log_that_ended_at_a_bound_ends_the_page() {
        let a = page("a", &[Some(1), Some(9)], None, 5, 9);
        let b = page("b", &[Some(5), None, None], None, 5, 2);
        assert!(b.leaves.is_empty() && b.next.is_some());
        let joined = join(vec![("a".to_owned(), a), ("b".to_owned(), b)], None, 5, false);
        assert!(joined.leaves.is_empty(), "what it says next may be newer");
        assert_eq!(joined.next.as_ref().and_then(|walk| walk.place_in("b")), Some(1));
    }
}

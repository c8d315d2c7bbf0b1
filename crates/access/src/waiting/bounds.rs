//! How many rows there are, and which go when there are more: pure functions.
//!
//! Whoever reaches a port makes rows at will. So no row goes because somebody else made many:
//!
//! 1. A source (an address, or the network in which one IPv6 host roams; a certificate that an authority of ours made) has few rows. Beyond them
//!    goes, of its own, the one that was seen least, of those the newest; the one that called last stays, so that somebody who tries names at a
//!    device sees the last of them. What called before a flood began stays, what calls again and again stays.
//! 2. Rows with a trusted certificate and others are bounded each for themselves: nobody makes such certificates up.
//! 3. Beyond that bound goes one of the network with the most rows, there of the source with the most; between equals, who called longest ago.

use std::collections::BTreeMap;
use std::net::IpAddr;
use yingdun_model::Timestamp;

/// Rows of one source: a gateway in front of several modalities is one address.
pub(super) const OF_SOURCE_MAX: usize = 8;
/// Rows with a trusted certificate, and rows without: more than a hospital connects in two weeks, few enough to be looked through.
pub(super) const OF_KIND_MAX: usize = 128;

/// Who made a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    /// Who holds the key of a certificate that an authority of ours made.
    Certificate([u8; 32]),
    /// Anybody at an address.
    Network(Option<IpAddr>),
}

/// What counts of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted<K> {
    pub(super) key: K,
    pub(super) source: Source,
    pub(super) attempts: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// The rows that go.
pub(super) fn beyond<K: Copy + Ord>(rows: Vec<Counted<K>>) -> Vec<K> {
    let mut gone = Vec::new();
    let mut sources: BTreeMap<Source, Vec<Counted<K>>> = BTreeMap::new();
    for row in rows {
        sources.entry(row.source).or_default().push(row);
    }
    for rows in sources.values_mut() {
        // Who goes first stands last.
        rows.sort_by_key(|row| (row.last, row.key));
        let newest = rows.pop();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.attempts), row.first, row.key));
        rows.splice(0..0, newest);
        gone.extend(rows.drain(OF_SOURCE_MAX.min(rows.len())..).map(|row| row.key));
    }
    let (mut trusted, mut others): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|(source, _)| matches!(source, Source::Certificate(_)));
    for kind in [&mut trusted, &mut others] {
        shrink(kind, &mut gone);
    }
    gone
}

// === helpers ===

/// A neighbourhood in which one attacker may have many addresses: 256 of IPv4, a site of IPv6. Each certificate is its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Neighbourhood {
    Of(Source),
    V4([u8; 3]),
    V6([u16; 3]),
}

fn neighbourhood(source: Source) -> Neighbourhood {
    match source {
        Source::Network(Some(IpAddr::V4(v4))) => {
            let [a, b, c, _] = v4.octets();
            Neighbourhood::V4([a, b, c])
        }
        Source::Network(Some(IpAddr::V6(v6))) => {
            let [a, b, c, ..] = v6.segments();
            Neighbourhood::V6([a, b, c])
        }
        other => Neighbourhood::Of(other),
    }
}

fn shrink<K: Copy + Ord>(sources: &mut [(Source, Vec<Counted<K>>)], gone: &mut Vec<K>) {
    let mut left: usize = sources.iter().map(|(_, rows)| rows.len()).sum();
    while left > OF_KIND_MAX {
        let mut sizes: BTreeMap<Neighbourhood, usize> = BTreeMap::new();
        for (source, rows) in sources.iter() {
            *sizes.entry(neighbourhood(*source)).or_default() += rows.len();
        }
        let size_of = |source: &Source| sizes.get(&neighbourhood(*source)).copied().unwrap_or_default();
        let heaviest =
            sources.iter_mut().filter(|(_, rows)| !rows.is_empty()).max_by_key(|(source, rows)| {
                let last = rows.iter().map(|row| row.last).max();
                (size_of(source), rows.len(), std::cmp::Reverse(last), *source)
            });
        let Some(row) = heaviest.and_then(|(_, rows)| rows.pop()) else { return };
        gone.push(row.key);
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn address(text: &str) -> Source {
        Source::Network(Some(text.parse().unwrap()))
    }

    fn row(key: u32, source: Source, attempts: u64, first: i64, last: i64) -> Counted<u32> {
        Counted { key, source, attempts, first: Timestamp::from_ms(first), last: Timestamp::from_ms(last) }
    }

    /// Rows come one after the other, and what goes is gone before the next one comes.
    fn after(rows: impl IntoIterator<Item = Counted<u32>>) -> BTreeSet<u32> {
        let mut kept: Vec<Counted<u32>> = Vec::new();
        for row in rows {
            kept.push(row);
            let gone = beyond(kept.clone());
            kept.retain(|row| !gone.contains(&row.key));
        }
        kept.into_iter().map(|row| row.key).collect()
    }

    #[test]
    fn made_up_titles_of_one_address_leave_all_others_alone_and_what_was_there_before_too() {
        let (attacker, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let honest = [row(1, other, 1, 0, 0), row(2, attacker, 1, 1, 1), row(3, attacker, 4, 2, 3)];
        let flood = (10..5000).map(|n| row(n, attacker, 1, i64::from(n), i64::from(n)));
        let kept = after(honest.into_iter().chain(flood));
        assert!(kept.is_superset(&BTreeSet::from([1, 2, 3])), "{kept:?}");
        assert_eq!(kept.len(), 1 + OF_SOURCE_MAX);
        assert!(kept.contains(&4999), "who called last is seen");
    }

    #[test]
    fn who_comes_into_the_middle_of_a_flood_from_its_own_address_stays_when_it_calls_again() {
        let attacker = address("192.0.2.1");
        let mut rows: Vec<_> = (10..18).map(|n| row(n, attacker, 1, n.into(), n.into())).collect();
        rows.push(row(1, attacker, 2, 18, 30));
        let gone = beyond(rows);
        assert_eq!(gone, [17], "the newest of those that called once");
    }

    #[test]
    fn an_attacker_with_a_whole_network_costs_other_networks_nothing() {
        let honest: Vec<_> = (0..40).map(|n| row(n, address(&format!("10.0.{n}.7")), 1, 0, 0)).collect();
        let flood =
            (0..254_u32).flat_map(|host| (0..8_u32).map(move |title| (host, title))).map(|(host, title)| {
                let key = 1000 + host * 8 + title;
                row(key, address(&format!("203.0.113.{host}")), 9, key.into(), key.into())
            });
        let kept = after(honest.iter().copied().chain(flood));
        assert!(honest.iter().all(|row| kept.contains(&row.key)));
        assert_eq!(kept.len(), OF_KIND_MAX);
    }

    #[test]
    fn certificates_of_our_authorities_are_not_pushed_out_by_who_has_none() {
        let honest = row(1, Source::Certificate([1; 32]), 1, 0, 0);
        let flood = (0..2000_u32)
            .map(|n| row(10 + n, address(&format!("10.{}.{}.1", n / 250, n % 250)), 3, n.into(), n.into()));
        let kept = after([honest].into_iter().chain(flood));
        assert!(kept.contains(&1));
        assert_eq!(kept.len(), 1 + OF_KIND_MAX);
    }

    #[test]
    fn between_equals_the_oldest_goes() {
        let one = |n: u32| row(n, address(&format!("10.{}.{}.1", n / 250, n % 250)), 1, n.into(), n.into());
        let kept = after((0..200).map(one));
        assert_eq!(kept, (200 - u32::try_from(OF_KIND_MAX).unwrap()..200).collect());
    }

    proptest! {
        #[test]
        fn the_bounds_hold_whatever_comes(
            rows in prop::collection::vec((any::<u8>(), any::<bool>(), 1_u64..5, 0_i64..50, 0_i64..50), 0..400),
        ) {
            let rows: Vec<_> = (0_u32..).zip(rows).map(|(key, (who, has_certificate, attempts, first, more))| {
                let source = if has_certificate { Source::Certificate([who; 32]) } else { address(&format!("10.0.{}.{who}", who % 5)) };
                row(key, source, attempts, first, first + more)
            }).collect();
            let gone: BTreeSet<_> = beyond(rows.clone()).into_iter().collect();
            let kept: Vec<_> = rows.iter().filter(|row| !gone.contains(&row.key)).collect();
            for kind in [true, false] {
                let of_kind = kept.iter().filter(|row| matches!(row.source, Source::Certificate(_)) == kind);
                prop_assert!(of_kind.count() <= OF_KIND_MAX);
            }
            for row in &kept {
                prop_assert!(kept.iter().filter(|other| other.source == row.source).count() <= OF_SOURCE_MAX);
            }
            let (trusted, others): (Vec<&Counted<u32>>, Vec<_>) = rows.iter().partition(|row| matches!(row.source, Source::Certificate(_)));
            for of_kind in [trusted, others] {
                // Nothing goes while there is room.
                let fits = of_kind.len() <= OF_KIND_MAX
                    && of_kind.iter().all(|row| of_kind.iter().filter(|other| other.source == row.source).count() <= OF_SOURCE_MAX);
                prop_assert!(!fits || of_kind.iter().all(|row| !gone.contains(&row.key)));
            }
        }
    }
}

//! A bound on the leaves that strangers can cause.
//!
//! Whoever reaches a port can be refused as often as the network allows, and each refusal is a leaf. So refusals
//! before a session exists are metered per source: the first ones are leaves of their own, the rest are counted,
//! and the count is part of the next leaf that is written. An attacker is on the ledger and cannot fill the disk
//! with it. Refusals of an authenticated session are never aggregated.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use yingdun_model::Timestamp;

/// How many refusals of one source are leaves at once: more than a technician mistypes, few for a log.
const BURST_PER_SOURCE: u32 = 20;
/// How often one source earns another leaf.
const REFILL_PER_SOURCE: Duration = Duration::from_secs(10);
/// How many refusals of all sources together are leaves at once, for attackers with many addresses.
const BURST_TOGETHER: u32 = 200;
/// How often all sources together earn another leaf: 5 a second, 0.5 GB of leaves in a year at worst per 1 kB.
const REFILL_TOGETHER: Duration = Duration::from_millis(200);
/// How many sources are remembered, about 100 bytes each. When full, all are forgotten; the meter of all sources together
/// still holds then.
const SOURCES_MAX: usize = 4096;

/// Meters refusals. Time is handed in.
#[derive(Debug, Default)]
pub(crate) struct FloodGuard {
    sources: HashMap<IpAddr, Meter>,
    together: Meter,
    suppressed: u64,
}

/// What to do with one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Write a leaf, and with it how many refusals went uncounted since the last one.
    Write {
        /// Refusals since the last leaf that have none of their own, of all sources.
        suppressed: u64,
    },
    /// Counted; no leaf now.
    Suppress,
}

impl FloodGuard {
    /// Takes note of a refusal.
    pub(crate) fn refused(&mut self, source: IpAddr, now: Timestamp) -> Verdict {
        let source = network_of(source);
        if !self.sources.contains_key(&source) && self.sources.len() >= SOURCES_MAX {
            self.sources.clear();
        }
        let meter = self.sources.entry(source).or_default();
        if meter.take(now, BURST_PER_SOURCE, REFILL_PER_SOURCE)
            && self.together.take(now, BURST_TOGETHER, REFILL_TOGETHER)
        {
            return Verdict::Write { suppressed: std::mem::take(&mut self.suppressed) };
        }
        self.suppressed = self.suppressed.saturating_add(1);
        Verdict::Suppress
    }
}

/// A token bucket that counts what was used instead of what is left, so that its default is full.
#[derive(Clone, Copy, Debug)]
struct Meter {
    used: u32,
    last: Timestamp,
}

impl Default for Meter {
    fn default() -> Self {
        Self { used: 0, last: Timestamp::from_ms(i64::MIN) }
    }
}

impl Meter {
    fn take(&mut self, now: Timestamp, burst: u32, refill: Duration) -> bool {
        let elapsed = u128::try_from(now.as_ms().saturating_sub(self.last.as_ms())).unwrap_or(0);
        let earned = u32::try_from(elapsed / refill.as_millis().max(1)).unwrap_or(u32::MAX);
        if earned > 0 {
            self.used = self.used.saturating_sub(earned);
            self.last = now;
        }
        if self.used >= burst {
            return false;
        }
        self.used += 1;
        true
    }
}

/// One IPv4 address, or the /64 that one IPv6 host can roam in at will.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(guard: &mut FloodGuard, source: &str, times: u32, now: i64) -> u32 {
        let source = source.parse().unwrap();
        let written = |verdict| u32::from(matches!(verdict, Verdict::Write { .. }));
        (0..times).map(|_| written(guard.refused(source, Timestamp::from_ms(now)))).sum()
    }

    #[test]
    fn one_source_gets_its_burst_and_then_one_leaf_in_ten_seconds() {
        let mut guard = FloodGuard::default();
        assert_eq!(leaves(&mut guard, "192.0.2.1", 1000, 0), BURST_PER_SOURCE);
        assert_eq!(leaves(&mut guard, "192.0.2.1", 1000, 9_999), 0);
        assert_eq!(leaves(&mut guard, "192.0.2.1", 1000, 10_000), 1);
        assert_eq!(leaves(&mut guard, "192.0.2.2", 3, 10_000), 3, "another source is not held back");
    }

    #[test]
    fn what_was_suppressed_is_in_the_next_leaf_and_only_there() {
        let mut guard = FloodGuard::default();
        leaves(&mut guard, "192.0.2.1", 100, 0);
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        assert_eq!(guard.refused(other, Timestamp::from_ms(0)), Verdict::Write { suppressed: 80 });
        assert_eq!(guard.refused(other, Timestamp::from_ms(0)), Verdict::Write { suppressed: 0 });
    }

    #[test]
    fn many_sources_together_are_bounded_too() {
        let mut guard = FloodGuard::default();
        let written: u32 =
            (0..10_000).map(|n| leaves(&mut guard, &format!("10.0.{}.{}", n / 256, n % 256), 1, 0)).sum();
        assert_eq!(written, BURST_TOGETHER);
        assert!(guard.sources.len() <= SOURCES_MAX);
    }

    #[test]
    fn a_host_cannot_roam_in_its_ipv6_network_to_get_more() {
        let mut guard = FloodGuard::default();
        let written: u32 = (0..100).map(|n| leaves(&mut guard, &format!("2001:db8::{n:x}"), 1, 0)).sum();
        assert_eq!(written, BURST_PER_SOURCE);
    }
}

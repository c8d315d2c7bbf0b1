//! How guessing a password is kept expensive without handing strangers a way to lock somebody out.
//!
//! Two counts, and a password is tried only when both allow it:
//!
//! * **per account and place**: some failures in a row stop that place for a while. A place is one address, or the
//!   /64 of an IPv6 host.
//! * **per account, over all places where its owner never signed in**: each further failure makes such places wait
//!   longer, so that many addresses do not make many guesses.
//!
//! A place where the owner has signed in stands outside the second count: whoever attacks from elsewhere slows down
//! strangers, and not the owner at the usual desk. Pure functions over values; the rows are kept elsewhere.

use super::Fault;
use std::net::IpAddr;
use std::time::Duration;
use yingdun_catalog::identity::places::Place;
use yingdun_crypto::digest::sha256;
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// Failures in a row that stop a place: more than somebody mistypes who knows the password.
const FAILURES_MAX: u32 = 5;
/// How long a place is stopped where the owner has signed in before.
const KNOWN_STOP: Duration = Duration::from_secs(15 * 60);
/// How long any other place is stopped: much longer than [`WAIT_MAX`], so that one stranger cannot take every turn
/// that strangers have.
const STRANGE_STOP: Duration = Duration::from_secs(60 * 60);

/// Failures from strange places that nobody has to wait for.
const FREE_FAILURES: u32 = 5;
/// How long strange places wait after the first failure beyond; twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// The longest wait: with it, all strangers of the world together guess 288 times a day.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// How long a failure counts after which nothing failed any more.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// The count over all strange places of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strangers {
    pub(crate) failures: u32,
    pub(crate) wait_until: Timestamp,
}

/// Both counts with this attempt in them, as if it had failed: it is counted before the password is tried, so
/// that attempts made at the same time are counted like attempts in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) place: Place,
    /// None at a place where the owner has signed in.
    pub(crate) strangers: Option<Strangers>,
}

/// Whether a password may be tried now.
///
/// # Errors
/// [`Fault::LockedOut`] at a stopped place, [`Fault::HeldBack`] at a strange one that has to wait.
pub(super) fn judge(
    digest: [u8; 32],
    place: Option<&Place>,
    strangers: Strangers,
    now: Timestamp,
) -> Result<Counted, Fault> {
    let unknown = Place { digest, failures: 0, stopped_until: NEVER, succeeded: None, last: now };
    let place = *place.unwrap_or(&unknown);
    let known = place.succeeded.is_some();
    if now < place.stopped_until {
        return Err(Fault::LockedOut);
    }
    let over = place.stopped_until != NEVER || now >= place.last.after(REMEMBERED);
    let failures = if over { 1 } else { place.failures.saturating_add(1) };
    let stop = if known { KNOWN_STOP } else { STRANGE_STOP };
    let stopped_until = if failures >= FAILURES_MAX { now.after(stop) } else { NEVER };
    let strangers = if known { None } else { Some(judge_strange(strangers, now)?) };
    Ok(Counted { place: Place { failures, stopped_until, last: now, ..place }, strangers })
}

/// Whether a password may be tried now of somebody who never signed in anywhere: every place is a strange one. Gives the count with this
/// attempt in it.
///
/// # Errors
/// [`Fault::HeldBack`].
pub(super) fn judge_strange(strangers: Strangers, now: Timestamp) -> Result<Strangers, Fault> {
    if now < strangers.wait_until {
        return Err(Fault::HeldBack);
    }
    let over = now >= strangers.wait_until.after(REMEMBERED);
    let failures = if over { 1 } else { strangers.failures.saturating_add(1) };
    Ok(Strangers { failures, wait_until: now.after(wait(failures)) })
}

/// The place as it was before an attempt that did not fail and was not all of a sign-in: it is counted no more, and forgets nothing.
pub(super) const fn taken_back(counted: Place) -> Place {
    Place { failures: counted.failures.saturating_sub(1), stopped_until: NEVER, ..counted }
}

/// A place where the owner has just proved to be the owner.
pub(super) const fn proved(digest: [u8; 32], now: Timestamp) -> Place {
    Place { digest, failures: 0, stopped_until: NEVER, succeeded: Some(now), last: now }
}

/// The place of an address, for one account only: the same address has another digest at every account.
pub(super) fn place_of(institution: &InstitutionId, actor: &ActorId, network: IpAddr) -> [u8; 32] {
    sha256(
        format!("yingdun/sign-in-place/v1\n{}\n{}\n{network}", institution.as_str(), actor.as_str())
            .as_bytes(),
    )
}

/// The moment of a stop that is none.
const NEVER: Timestamp = Timestamp::from_ms(0);

/// How long strange places wait after this many failures.
fn wait(failures: u32) -> Duration {
    let Some(beyond) = failures.checked_sub(FREE_FAILURES) else { return Duration::ZERO };
    // Far below the overflow of the shift, the wait is at its greatest.
    WAIT_FIRST.saturating_mul(1 << beyond.min(16)).min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: i64 = 1_800_000_000_000;
    const DAY_MS: i64 = 24 * 3600 * 1000;

    /// One account under attack by strangers and used by its owner from a known place.
    struct Account {
        strangers: Strangers,
        places: Vec<Place>,
    }

    impl Account {
        fn new(places: usize, known: bool) -> Self {
            let place = |n: usize| Place {
                digest: [u8::try_from(n % 251).unwrap(); 32],
                failures: 0,
                stopped_until: NEVER,
                succeeded: known.then_some(NEVER),
                last: NEVER,
            };
            let strangers = Strangers { failures: 0, wait_until: NEVER };
            Self { strangers, places: (0..places).map(place).collect() }
        }

        /// Fails once from a place, if it is let.
        fn guess(&mut self, place: usize, now: i64) -> bool {
            let now = Timestamp::from_ms(now);
            let Ok(counted) = judge([0; 32], Some(&self.places[place]), self.strangers, now) else {
                return false;
            };
            self.places[place] = counted.place;
            self.strangers = counted.strangers.unwrap_or(self.strangers);
            true
        }
    }

    #[test]
    fn a_thousand_addresses_guess_three_hundred_times_a_day() {
        let mut account = Account::new(1000, false);
        let tries = DAY_MS / 1000;
        let guessed = (0..tries).filter(|n| account.guess((*n % 1000) as usize, START + n * 1000)).count();
        assert!(guessed < 310, "{guessed}");
    }

    #[test]
    fn one_stranger_leaves_most_turns_to_somebody_else() {
        let mut account = Account::new(1, false);
        let mut open = 0;
        for second in 0..86_400 {
            let now = START + second * 1000;
            account.guess(0, now);
            open += u32::from(Timestamp::from_ms(now) >= account.strangers.wait_until);
        }
        assert!(open > 86_400 / 2, "strange places could sign in during {open} s of a day");
    }

    #[test]
    fn the_owner_at_a_known_place_is_stopped_by_own_failures_only() {
        let mut account = Account::new(1, true);
        account.strangers = Strangers { failures: 4000, wait_until: Timestamp::from_ms(i64::MAX) };
        let minute = 60_000;
        assert_eq!((0..10).filter(|n| account.guess(0, START + n)).count(), 5);
        assert!(!account.guess(0, START + 15 * minute));
        assert!(account.guess(0, START + 15 * minute + 10), "a quarter of an hour later it begins anew");
        assert_eq!(account.places[0].failures, 1);
    }

    #[test]
    fn waits_grow_from_a_second_to_five_minutes() {
        let seconds: Vec<u64> = (0..20).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(seconds[..15], [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(wait(u32::MAX), WAIT_MAX);
    }

    #[test]
    fn the_same_address_is_another_place_at_another_account() {
        let (h1, h2) = (InstitutionId::new("h1").unwrap(), InstitutionId::new("h2").unwrap());
        let (wang, li) = (ActorId::new("wang").unwrap(), ActorId::new("li").unwrap());
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let here = place_of(&h1, &wang, address);
        assert_eq!(here, place_of(&h1, &wang, address));
        assert_ne!(here, place_of(&h1, &li, address));
        assert_ne!(here, place_of(&h2, &wang, address));
        assert_ne!(here, place_of(&h1, &wang, "10.0.0.2".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn whatever_strangers_do_a_known_place_without_failures_may_try(
            guesses in proptest::collection::vec((0_usize..50, 0_i64..4_000_000), 0..300)
        ) {
            let mut account = Account::new(50, false);
            let mut now = START;
            for (place, pause) in guesses {
                now += pause;
                account.guess(place, now);
                let owner = Account::new(1, true).places[0];
                prop_assert!(judge([0; 32], Some(&owner), account.strangers, Timestamp::from_ms(now)).is_ok());
            }
        }
    }
}

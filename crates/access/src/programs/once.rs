//! What comes once only: proofs and nonces, remembered for all nodes in the identity database and counted here before.
//!
//! A row is written only for somebody who has proved a key, and only so many of them: each node bounds what it writes. Full means refused,
//! never forgotten.

use crate::oidc::CLOCK_SKEW_MAX;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use yingdun_catalog::identity::used_once;
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::Timestamp;

/// The stretch of time over which uses are counted. Nothing is remembered for longer.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// Uses of one account within that: a hundred per second, above the rate of any class of request.
const USES_EACH_MAX: u32 = 30_000;
/// Uses of all accounts together within that: some 30 MB of rows per node at worst.
const USES_TOGETHER_MAX: u32 = 250_000;
/// Accounts that are counted at a time.
const ACCOUNTS_MAX: usize = 4096;
/// How often rows that are over are deleted, with a row that is written anyway.
const SWEPT_EVERY: Duration = Duration::from_secs(60);
/// How long rows are kept beyond their end. This clock may be ahead by as much as the clocks of nodes are apart, and another one behind: what
/// is over here could still come there.
const KEPT_BEYOND: Duration = Duration::from_secs(2 * CLOCK_SKEW_MAX.as_secs());

/// What became of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is the first one.
    First,
    /// It came before, here or at another node.
    Again,
    /// More came than is remembered.
    Full,
}

/// Counts uses, and remembers them.
#[derive(Debug, Default)]
pub(crate) struct Once(Mutex<Uses>);

impl Once {
    /// Uses something for an account. `expires` is when it could not come again anyway.
    pub(crate) async fn spend(
        &self,
        identity: &Database,
        account: &str,
        digest: &[u8; 32],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Use, CatalogError> {
        let counted = {
            let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            uses.count(account, now)
        };
        let Some(Counted { sweep }) = counted else {
            metrics::counter!("yingdun_access_used_once_full_total").increment(1);
            return Ok(Use::Full);
        };
        let is_first =
            used_once::spend(identity, digest, expires, sweep.then(|| over_everywhere(now))).await?;
        Ok(if is_first { Use::First } else { Use::Again })
    }
}

// === helpers ===

/// What ended before this moment is over by the clock of every node.
fn over_everywhere(now: Timestamp) -> Timestamp {
    let beyond = i64::try_from(KEPT_BEYOND.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_sub(beyond))
}

/// Uses within this stretch of time and the one before. The clock is handed in.
#[derive(Debug, Default)]
struct Uses {
    stretch: i64,
    each: HashMap<String, u32>,
    together: u32,
    swept: Option<Timestamp>,
}

/// A use that was let through.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    /// Whether rows that are over are to be deleted now.
    sweep: bool,
}

impl Uses {
    fn count(&mut self, account: &str, now: Timestamp) -> Option<Counted> {
        let stretch = now.as_ms().div_euclid(i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX));
        if stretch != self.stretch {
            self.stretch = stretch;
            self.each.clear();
            self.together = 0;
        }
        if self.together >= USES_TOGETHER_MAX {
            return None;
        }
        match self.each.get_mut(account) {
            Some(uses) if *uses >= USES_EACH_MAX => return None,
            Some(uses) => *uses += 1,
            None => {
                if self.each.len() >= ACCOUNTS_MAX {
                    return None;
                }
                self.each.insert(account.to_owned(), 1);
            }
        }
        self.together += 1;
        let sweep = self.swept.is_none_or(|swept| now >= swept.after(SWEPT_EVERY) || now < swept);
        if sweep {
            self.swept = Some(now);
        }
        Some(Counted { sweep })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_means_refused_for_that_account_and_for_a_while() {
        let (mut uses, now) = (Uses::default(), Timestamp::from_ms(1));
        for _ in 0..USES_EACH_MAX {
            assert!(uses.count("one", now).is_some());
        }
        assert_eq!(uses.count("one", now), None);
        assert!(uses.count("two", now).is_some(), "another account goes on");
        assert!(uses.count("one", now.after(REMEMBERED)).is_some());
    }

    #[test]
    fn accounts_and_all_uses_together_are_bounded() {
        let (mut uses, now) = (Uses::default(), Timestamp::from_ms(1));
        for number in 0..ACCOUNTS_MAX {
            assert!(uses.count(&number.to_string(), now).is_some());
        }
        assert_eq!(uses.count("one more", now), None);
        uses.together = USES_TOGETHER_MAX;
        assert_eq!(uses.count("0", now), None);
    }

    #[test]
    fn what_is_over_is_deleted_once_a_minute() {
        let (mut uses, now) = (Uses::default(), Timestamp::from_ms(1));
        let sweeps = [0, 1, 59, 60, 61].map(|s| uses.count("one", now.after(Duration::from_secs(s))));
        let sweeps = sweeps.map(|counted| counted.unwrap().sweep);
        assert_eq!(sweeps, [true, false, false, true, false]);
    }
}

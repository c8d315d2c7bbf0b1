//! Credentials that were good a short while ago, so that a flood of wrong ones from an address does not keep those out who work there.
//!
//! It opens nothing: a credential that is remembered is looked up like any other. While an address sends too many wrong ones, those that
//! are not remembered are not looked up. What is kept is a hash under a key of this process, of which neither the credential nor
//! another one with the same hash can be made.

use crate::class::Class;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a credential is remembered after its last use: a reader who thinks about a picture.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Credentials that are remembered: more than sessions of one archive are in use. 16 thousand are half a megabyte.
const CREDENTIALS_MAX: usize = 16 * 1024;

/// A last use is noted anew only after so long.
const NOTED_AFTER: Duration = Duration::from_secs(10);

/// How long between two looks for what can be forgotten.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// What somebody shows to say who it is, as the door looks it up: however it was wrapped on the way, it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credential<'a> {
    /// The door, as in metrics: a token is no title of a device.
    pub door: &'static str,
    /// The token, or the title.
    pub token: &'a str,
}

#[derive(Debug, Default)]
pub(crate) struct Recent {
    key: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    used: HashMap<u64, Duration>,
    swept: Option<Duration>,
    /// Those that have used up a rate, until when: they are refused without being looked up.
    held: HashMap<(u64, Class), Duration>,
}

impl Recent {
    /// A credential was good.
    pub(crate) fn note(&self, credential: Credential<'_>, now: Duration) {
        let hash = self.key.hash_one(credential);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = inner.used.get_mut(&hash) {
            if now >= *at + NOTED_AFTER {
                *at = now;
            }
            return;
        }
        if inner.used.len() >= CREDENTIALS_MAX && inner.swept.is_none_or(|at| now >= at + SWEEP_PAUSE) {
            inner.used.retain(|_, at| now < *at + REMEMBERED);
            inner.swept = Some(now);
        }
        if inner.used.len() < CREDENTIALS_MAX {
            inner.used.insert(hash, now);
        }
    }

    /// A credential has used up its rate for a class, until then.
    pub(crate) fn hold(&self, credential: Credential<'_>, class: Class, until: Duration, now: Duration) {
        let hash = self.key.hash_one(credential);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.held.len() >= CREDENTIALS_MAX {
            inner.held.retain(|_, until| *until > now);
        }
        if inner.held.len() < CREDENTIALS_MAX {
            inner.held.insert((hash, class), until);
        }
    }

    /// How long a credential has to wait until it is looked up again for a class.
    pub(crate) fn held(&self, credential: Credential<'_>, class: Class, now: Duration) -> Option<Duration> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let until = inner.held.get(&(self.key.hash_one(credential), class))?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Whether a credential was good a short while ago.
    pub(crate) fn has(&self, credential: Credential<'_>, now: Duration) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.used.get(&self.key.hash_one(credential)).is_some_and(|at| now < *at + REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(token: &str) -> Credential<'_> {
        Credential { door: "http", token }
    }

    #[test]
    fn a_credential_that_has_used_up_its_rate_waits_for_that_class_only() {
        let (recent, ms) = (Recent::default(), Duration::from_millis);
        recent.hold(of("a"), Class::Reading, ms(30), ms(10));
        assert_eq!(recent.held(of("a"), Class::Reading, ms(20)), Some(ms(10)));
        assert_eq!(recent.held(of("a"), Class::Reading, ms(30)), None);
        assert_eq!(recent.held(of("a"), Class::Search, ms(20)), None);
        assert_eq!(recent.held(of("b"), Class::Reading, ms(20)), None);
        let title = Credential { door: "dimse", token: "a" };
        assert_eq!(recent.held(title, Class::Reading, ms(20)), None, "of another door");
    }

    #[test]
    fn a_credential_is_remembered_while_it_is_used_and_memory_is_bounded() {
        let recent = Recent::default();
        recent.note(of("a"), Duration::ZERO);
        assert!(recent.has(of("a"), Duration::from_secs(599)) && !recent.has(of("b"), Duration::ZERO));
        recent.note(of("a"), Duration::from_secs(599));
        assert!(
            recent.has(of("a"), Duration::from_secs(1100)) && !recent.has(of("a"), Duration::from_secs(1200))
        );
        for number in 0..2 * CREDENTIALS_MAX {
            recent.note(of(&number.to_string()), Duration::from_secs(2000));
        }
        assert_eq!(recent.inner.lock().unwrap().used.len(), CREDENTIALS_MAX);
    }
}

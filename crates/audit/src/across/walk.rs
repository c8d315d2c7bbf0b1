//! Where the next page of a search over several logs begins.

use super::LOGS_MAX;
use crate::index::{Cursor, CursorError};
use std::fmt;
use std::str::FromStr;

/// Between two places.
const BETWEEN: char = '.';

/// A place in each log that has answered so far. A log without one is begun at its end. With one log it is written like the cursor of that log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk(Vec<Cursor>);

impl Walk {
    /// The number of the leaf before which the next page of a log begins; none where the walk has not come to it yet.
    #[must_use]
    pub fn place_in(&self, log: &str) -> Option<u64> {
        self.0.iter().find_map(|cursor| cursor.before_in(log).ok())
    }

    /// Whether every place is in one of these logs. A place in any other is not to be gone on from.
    #[must_use]
    pub fn is_within(&self, logs: &[String]) -> bool {
        self.0.iter().all(|cursor| logs.iter().any(|log| cursor.before_in(log).is_ok()))
    }

    /// The same with a place in a log.
    pub(super) fn set(&mut self, log: &str, before: u64) {
        self.0.retain(|cursor| cursor.before_in(log).is_err());
        self.0.push(Cursor::new(log, before));
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.0.iter().map(Cursor::to_string).collect();
        f.write_str(&places.join(&BETWEEN.to_string()))
    }
}

impl FromStr for Walk {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let places: Vec<Cursor> =
            text.splitn(LOGS_MAX + 1, BETWEEN).map(str::parse).collect::<Result<_, _>>()?;
        if places.len() > LOGS_MAX {
            return Err(CursorError);
        }
        Ok(Self(places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_in_one_log_is_written_like_the_cursor_of_that_log() {
        let mut walk = Walk::default();
        walk.set("a", 7);
        assert_eq!(walk.to_string(), Cursor::new("a", 7).to_string());
        walk.set("b", 0);
        walk.set("a", 5);
        let read: Walk = walk.to_string().parse().unwrap();
        assert_eq!((read.place_in("a"), read.place_in("b"), read.place_in("c")), (Some(5), Some(0), None));
        assert_eq!(read, walk);
        assert!(read.is_within(&["b".into(), "a".into()]) && !read.is_within(&["a".into()]));
    }

    #[test]
    fn what_is_no_walk_is_refused() {
        let one = Cursor::new("a", 7).to_string();
        let many = vec![one.as_str(); LOGS_MAX + 1].join(".");
        for text in ["", ".", "7", "before-7", &format!("{one}."), &format!(".{one}"), &many] {
            assert!(text.parse::<Walk>().is_err(), "{text}");
        }
        assert!(vec![one.as_str(); LOGS_MAX].join(".").parse::<Walk>().is_ok());
    }
}

//! Counts within a window that slides: how many different ones, and how much altogether.

use crate::key::Key;
use std::collections::{HashMap, VecDeque};

/// Into how many pieces a window is cut: a count keeps what is older than the window by less than one of them.
const PIECES: i64 = 64;
/// Different ones that a window counts; limits lie below it.
pub const DISTINCT_MAX: usize = 20_000;

/// How many different ones there were within a window.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    last: HashMap<Key, i64>,
    queue: VecDeque<(i64, Key)>,
}

impl Distinct {
    /// How many there are if this one comes too.
    pub(super) fn with(&mut self, key: Key, now_ms: i64, window_ms: i64) -> u64 {
        self.slide(now_ms, window_ms);
        let more = usize::from(!self.last.contains_key(&key));
        self.last.len().saturating_add(more) as u64
    }

    /// How many there are.
    pub(super) fn len(&mut self, now_ms: i64, window_ms: i64) -> u64 {
        self.slide(now_ms, window_ms);
        self.last.len() as u64
    }

    /// Whether this one was there within the window.
    pub(super) fn holds(&mut self, key: Key, now_ms: i64, window_ms: i64) -> bool {
        self.slide(now_ms, window_ms);
        self.last.contains_key(&key)
    }

    /// Takes one.
    pub(super) fn add(&mut self, key: Key, now_ms: i64, window_ms: i64) {
        if self.last.len() >= DISTINCT_MAX && !self.last.contains_key(&key) {
            return;
        }
        let piece = now_ms.div_euclid((window_ms / PIECES).max(1));
        if self.last.insert(key, piece) != Some(piece) {
            self.queue.push_back((piece, key));
        }
    }

    fn slide(&mut self, now_ms: i64, window_ms: i64) {
        let piece = now_ms.div_euclid((window_ms / PIECES).max(1));
        while let Some((then, key)) = self.queue.front().copied() {
            if piece.saturating_sub(then) <= PIECES {
                return;
            }
            self.queue.pop_front();
            if self.last.get(&key) == Some(&then) {
                self.last.remove(&key);
            }
        }
    }
}

/// How much there was within a window.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pieces: VecDeque<(i64, u64)>,
    total: u64,
}

impl Sum {
    /// How much it is with this.
    pub(super) fn with(&mut self, amount: u64, now_ms: i64, window_ms: i64) -> u64 {
        let piece = now_ms.div_euclid((window_ms / PIECES).max(1));
        while let Some((then, before)) = self.pieces.front().copied() {
            if piece.saturating_sub(then) <= PIECES {
                break;
            }
            self.pieces.pop_front();
            self.total = self.total.saturating_sub(before);
        }
        self.total.saturating_add(amount)
    }

    /// Takes this.
    pub(super) fn add(&mut self, amount: u64, now_ms: i64, window_ms: i64) {
        let piece = now_ms.div_euclid((window_ms / PIECES).max(1));
        self.total = self.total.saturating_add(amount);
        match self.pieces.back_mut() {
            Some((last, sum)) if *last >= piece => *sum = sum.saturating_add(amount),
            _ => self.pieces.push_back((piece, amount)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: i64 = 64_000;

    #[test]
    fn the_same_one_counts_once_and_leaves_with_its_last_look() {
        let mut seen = Distinct::default();
        let (a, b) = (Key::of("a"), Key::of("b"));
        seen.add(b, 0, WINDOW);
        for at in [0, 10_000, 50_000] {
            seen.add(a, at, WINDOW);
        }
        assert_eq!(seen.with(a, 50_000, WINDOW), 2);
        // b is over, a is not.
        assert_eq!(seen.with(a, 66_000, WINDOW), 1);
        assert_eq!(seen.with(Key::of("c"), 66_000, WINDOW), 2);
        assert_eq!(seen.with(Key::of("c"), 116_000, WINDOW), 1);
        assert!(seen.queue.is_empty() && seen.last.is_empty());
    }

    #[test]
    fn a_sum_forgets_what_has_left_the_window() {
        let mut sum = Sum::default();
        sum.add(5, 0, WINDOW);
        sum.add(7, 30_000, WINDOW);
        assert_eq!(sum.with(1, 60_000, WINDOW), 13);
        assert_eq!(sum.with(1, 66_000, WINDOW), 8);
        assert_eq!(sum.with(0, 200_000, WINDOW), 0);
    }

    #[test]
    fn nothing_grows_beyond_its_bound() {
        let mut seen = Distinct::default();
        for n in 0..DISTINCT_MAX + 100 {
            seen.add(Key::of(&n.to_string()), 0, WINDOW);
        }
        assert_eq!(seen.last.len(), DISTINCT_MAX);
        let mut sum = Sum::default();
        for at in 0..1_000_000_i64 {
            sum.with(1, at, WINDOW);
            sum.add(1, at, WINDOW);
        }
        assert!(sum.pieces.len() as i64 <= PIECES + 1);
    }
}

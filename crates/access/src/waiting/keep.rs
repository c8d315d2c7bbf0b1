//! Attempts in memory, and how they become rows.

use super::bounds::{Counted, beyond};
use super::list::seen_now;
use super::{WAITING_KEPT, source_of};
use crate::access::Access;
use crate::device::DeviceRecord;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::devices;
use yingdun_catalog::identity::waiting_devices::{self, AttemptId, WaitingRow};
use yingdun_model::Timestamp;

/// What is not written yet. Bounded like the rows themselves.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    noted: Mutex<HashMap<AttemptId, WaitingRow>>,
    /// Held by who writes, so that this process counts nothing twice.
    turn: tokio::sync::Mutex<()>,
}

impl Waiting {
    /// Counts a row to those that are to be written.
    pub(super) fn note(&self, row: WaitingRow) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = noted.get_mut(&row.attempt) {
            count(known, &row);
            return;
        }
        noted.insert(row.attempt, row);
        for key in beyond(noted.values().map(counted).collect()) {
            noted.remove(&key);
        }
    }

    fn take(&self) -> HashMap<AttemptId, WaitingRow> {
        std::mem::take(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether something is to be written.
    fn is_idle(&self) -> bool {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Access {
    /// Whether attempts wait to be written.
    #[must_use]
    pub fn has_attempts(&self) -> bool {
        !self.inner.waiting.is_idle()
    }

    /// Writes down who called in vain, in one transaction, and takes out of the rows what is too old or beyond the bounds. To be called every second
    /// where [`Self::has_attempts`], and now and then anyway. What could not be written is written by the next call.
    ///
    /// # Errors
    /// [`CatalogError`] when the rows cannot be read or written.
    pub async fn keep_attempts(&self) -> Result<(), CatalogError> {
        let waiting = &self.inner.waiting;
        let _turn = waiting.turn.lock().await;
        let noted = waiting.take();
        let kept = self.write(&noted).await;
        if kept.is_err() {
            for row in noted.into_values() {
                waiting.note(row);
            }
        }
        kept
    }

    async fn write(&self, noted: &HashMap<AttemptId, WaitingRow>) -> Result<(), CatalogError> {
        let (identity, institution) = (&self.inner.identity, &self.inner.institution);
        let stored = waiting_devices::list(identity, institution).await?;
        let now = self.inner.clock.now();
        let records = if stored.is_empty() && noted.is_empty() {
            Vec::new()
        } else {
            let rows = devices::list(identity, institution).await?;
            rows.into_iter().map(DeviceRecord::from_row).collect::<Result<_, _>>()?
        };
        // Who was registered meanwhile waits no longer.
        let is_let_in = |row: &WaitingRow| matches!(seen_now(row.clone(), &records, now), Ok(None));
        let Changes { note, forget, waiting } = changes(stored, noted, now, is_let_in);
        #[allow(clippy::cast_precision_loss, reason = "a few hundred at most")]
        metrics::gauge!("yingdun_access_devices_waiting").set(waiting as f64);
        let note =
            note.iter().filter_map(|id| noted.get(id)).map(|row| waiting_devices::note(institution, row));
        let forget = forget.iter().map(|id| waiting_devices::forget(institution, *id));
        let statements: Vec<_> = note.chain(forget).collect();
        if statements.is_empty() {
            return Ok(());
        }
        identity.execute(statements).await.map(drop)
    }
}

// === helpers ===

/// What is written and what goes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    note: Vec<AttemptId>,
    forget: Vec<AttemptId>,
    /// How many are left that nobody dismissed.
    waiting: usize,
}

fn changes(
    stored: Vec<WaitingRow>,
    noted: &HashMap<AttemptId, WaitingRow>,
    now: Timestamp,
    is_let_in: impl Fn(&WaitingRow) -> bool,
) -> Changes {
    let mut changes = Changes::default();
    let mut rows: HashMap<AttemptId, WaitingRow> = HashMap::new();
    let mut is_stored = Vec::with_capacity(stored.len());
    for row in stored {
        is_stored.push(row.attempt);
        rows.insert(row.attempt, row);
    }
    for (id, row) in noted {
        match rows.get_mut(id) {
            Some(known) => count(known, row),
            None => drop(rows.insert(*id, row.clone())),
        }
    }
    let mut gone = |row: &WaitingRow| changes.forget.push(row.attempt);
    rows.retain(|_, row| {
        let goes = is_over(row, now) || is_let_in(row);
        if goes {
            gone(row);
        }
        !goes
    });
    for id in beyond(rows.values().map(counted).collect()) {
        rows.remove(&id);
        changes.forget.push(id);
    }
    // What was never written need not be taken away.
    changes.forget.retain(|id| is_stored.contains(id));
    changes.note = noted.keys().copied().filter(|id| rows.contains_key(id)).collect();
    changes.waiting = rows.values().filter(|row| !is_dismissed(row, now)).count();
    changes
}

/// Whether a row is too old to be kept. What was dismissed is kept until that is over, or it would come back with the next attempt.
pub(super) fn is_over(row: &WaitingRow, now: Timestamp) -> bool {
    row.last.after(WAITING_KEPT) <= now && !is_dismissed(row, now)
}

/// Whether nobody wants to see it at this moment.
pub(super) fn is_dismissed(row: &WaitingRow, now: Timestamp) -> bool {
    row.dismissed_until.is_some_and(|until| now < until)
}

fn count(known: &mut WaitingRow, more: &WaitingRow) {
    known.attempts = known.attempts.saturating_add(more.attempts);
    known.last = known.last.max(more.last);
    known.first = known.first.min(more.first);
    known.cause.clone_from(&more.cause);
    if let (Some(known), Some(more)) = (&mut known.certificate, &more.certificate) {
        known.is_trusted = more.is_trusted;
    }
}

fn counted(row: &WaitingRow) -> Counted<AttemptId> {
    let WaitingRow { attempt, attempts, first, last, .. } = row;
    Counted { key: *attempt, source: source_of(row), attempts: *attempts, first: *first, last: *last }
}

#[cfg(test)]
mod tests {
    use super::super::bounds::OF_SOURCE_MAX;
    use super::super::{Attempt, AttemptCause, row_of};
    use super::*;
    use std::time::Duration;
    use yingdun_model::{ActorId, AeTitle};

    fn row(title: &str, at: i64) -> WaitingRow {
        let attempt = Attempt {
            titles: Some((AeTitle::new(title).unwrap(), AeTitle::new("YINGDUN").unwrap())),
            address: "192.0.2.9".parse().unwrap(),
            tls: false,
            certificate: None,
            cause: AttemptCause::UnknownCalling,
        };
        row_of(attempt, Timestamp::from_ms(at))
    }

    fn noted(rows: &[WaitingRow]) -> HashMap<AttemptId, WaitingRow> {
        rows.iter().map(|row| (row.attempt, row.clone())).collect()
    }

    #[test]
    fn what_waits_to_be_written_is_bounded_and_counted() {
        let waiting = Waiting::default();
        for n in 0..10_000 {
            waiting.note(row(&format!("T{n}"), n));
            waiting.note(row("CT02", n));
        }
        let taken = waiting.take();
        assert!(taken.len() <= OF_SOURCE_MAX);
        let honest = taken.values().find(|row| row.calling.as_ref().unwrap().as_str() == "CT02").unwrap();
        assert_eq!((honest.attempts, honest.first.as_ms(), honest.last.as_ms()), (10_000, 0, 9_999));
        assert!(waiting.is_idle());
    }

    #[test]
    fn in_a_flood_rows_are_not_written_to_be_taken_away_again() {
        let stored: Vec<_> = (0..8).map(|n| row(&format!("OLD{n}"), n)).collect();
        let flood: Vec<_> = (0..8).map(|n| row(&format!("NEW{n}"), 100 + n)).collect();
        let changes = changes(stored, &noted(&flood), Timestamp::from_ms(200), |_| false);
        assert_eq!(changes.note, [flood.last().unwrap().attempt], "the one that called last");
        assert_eq!(changes.forget.len(), 1);
        assert_eq!(changes.waiting, OF_SOURCE_MAX);
    }

    #[test]
    fn an_old_row_goes_and_a_dismissed_one_stays_as_long_as_it_is_dismissed() {
        let week = Timestamp::from_ms(0).after(Duration::from_secs(7 * 24 * 3600));
        let over = Timestamp::from_ms(0).after(WAITING_KEPT);
        let gone =
            |row: &WaitingRow, now| changes(vec![row.clone()], &HashMap::new(), now, |_| false).forget.len();
        let old = row("OLD", 0);
        assert_eq!((gone(&old, week), gone(&old, over)), (0, 1));
        let dismissed = WaitingRow {
            dismissed_until: Some(over.after(Duration::from_millis(1))),
            dismissed_by: ActorId::new("sys"),
            ..old
        };
        assert_eq!(gone(&dismissed, over), 0);
        assert_eq!(gone(&dismissed, over.after(Duration::from_millis(1))), 1);
        assert_eq!(
            changes(vec![dismissed], &HashMap::new(), over, |_| false).waiting,
            0,
            "nobody is told of it"
        );
    }
}

//! The maintenance session of a vendor as a fact for decisions.

use super::record::approval_lapsed;
use crate::access::Access;
use crate::decision::MaintenanceInterval;
use yingdun_catalog::identity::maintenance::MaintenanceRow;
use yingdun_model::{Action, MaintenanceScope, Timestamp};

/// The session that counts for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenMaintenance {
    /// Its number.
    pub(crate) number: u64,
    /// What the policies compare.
    pub(crate) interval: MaintenanceInterval,
}

impl OpenMaintenance {
    /// Its number, if it is one that is open at this moment.
    pub(crate) fn number_at(&self, now: Timestamp) -> Option<u64> {
        (self.interval.valid_from <= now && now < self.interval.valid_until).then_some(self.number)
    }
}

impl Access {
    /// The session that counts for an action, of those of the acting person. Nobody but a vendor has one.
    pub(crate) fn open_maintenance_of(
        &self,
        rows: Vec<MaintenanceRow>,
        action: Action,
        now: Timestamp,
    ) -> Option<OpenMaintenance> {
        let running = self.inner.clock.running();
        let living = rows.into_iter().filter_map(|mut row| {
            row.valid_until = self.inner.maintenance_times.end(row.number, row.valid_until, now, running)?;
            Some(row)
        });
        best(living.collect(), action, now)
    }
}

/// The session that opens an action, if one does: policies compare one with the question. Otherwise one that is open, so that the refusal
/// names it.
fn best(rows: Vec<MaintenanceRow>, action: Action, now: Timestamp) -> Option<OpenMaintenance> {
    let wanted = scope_of(action);
    let fits = |row: &MaintenanceRow| {
        let is_open = row.valid_from <= now && now < row.valid_until;
        (is_open, wanted.is_some_and(|scope| row.scopes.contains(&scope)), row.valid_until)
    };
    let row = rows.into_iter().filter(|row| !approval_lapsed(row)).max_by_key(fits)?;
    let opens = |scope| row.scopes.contains(&scope);
    let interval = MaintenanceInterval {
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        health: opens(MaintenanceScope::Health),
        metrics: opens(MaintenanceScope::Metrics),
        configuration: opens(MaintenanceScope::Configuration),
    };
    Some(OpenMaintenance { number: row.number, interval })
}

const fn scope_of(action: Action) -> Option<MaintenanceScope> {
    match action {
        Action::ReadHealth => Some(MaintenanceScope::Health),
        Action::ReadMetrics => Some(MaintenanceScope::Metrics),
        Action::ReadConfiguration => Some(MaintenanceScope::Configuration),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_catalog::identity::people::Holding;
    use yingdun_model::ActorId;

    fn row(number: u64, from: i64, until: i64, scopes: &[MaintenanceScope]) -> MaintenanceRow {
        let actor = ActorId::new("vendor-1").unwrap();
        MaintenanceRow {
            number,
            actor: actor.clone(),
            scopes: scopes.iter().copied().collect(),
            words: Vec::new(),
            opened_by: actor.clone(),
            opened: Timestamp::from_ms(from),
            valid_from: Timestamp::from_ms(from),
            valid_until: Timestamp::from_ms(until),
            approved: Some((actor, Timestamp::from_ms(from))),
            approver: Holding { since: Some(Timestamp::from_ms(from)), ..Holding::default() },
            ended: None,
            ended_by: None,
        }
    }

    proptest! {
        #[test]
        fn if_any_session_opens_it_the_chosen_one_does(
            rows in prop::collection::vec(
                (-5_i64..5, 0_i64..6, prop::collection::vec(0_usize..3, 0..3), any::<bool>()), 0..5,
            ),
            asked in 0_usize..3,
        ) {
            let now = Timestamp::from_ms(0);
            let rows: Vec<_> = rows.iter().zip(0..).map(|((from, length, scopes, lapsed), number)| {
                let scopes: Vec<_> = scopes.iter().map(|scope| MaintenanceScope::ALL[*scope]).collect();
                let row = row(number, *from, from + length, &scopes);
                let approver = Holding { disabled: *lapsed, ..row.approver };
                MaintenanceRow { approver, ..row }
            }).collect();
            let action = [Action::ReadHealth, Action::ReadMetrics, Action::ReadConfiguration][asked];
            let opens = |from: Timestamp, until: Timestamp, scope: bool| from <= now && now < until && scope;
            let scope = MaintenanceScope::ALL[asked];
            let any = rows.iter().any(|row| {
                !row.approver.disabled && opens(row.valid_from, row.valid_until, row.scopes.contains(&scope))
            });
            let chosen = best(rows, action, now).is_some_and(|OpenMaintenance { interval, .. }| {
                let has = [interval.health, interval.metrics, interval.configuration][asked];
                opens(interval.valid_from, interval.valid_until, has)
            });
            prop_assert_eq!(any, chosen);
        }
    }
}

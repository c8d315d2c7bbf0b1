//! Alerts about a whole day of somebody: what adds up, and stops nobody.

use super::{ALERT, RaiseError};
use crate::access::Access;
use crate::ledger;
use yingdun_audit::{Counts, Event, EventKind, Outcome};
use yingdun_catalog::identity::alerts::{self, AlertRow};
use yingdun_crypto::digest::sha256;
use yingdun_model::{ActorId, ActorKind, Role, Timestamp};

/// The kind of such an alert.
const KIND: &str = "monitor-score";
/// Bytes of a number: as many as of one drawn by chance, which a program that reads JSON keeps exactly.
const NUMBER_BYTES: usize = 6;

/// What somebody did on a day, and what it adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoredDay {
    /// The log from whose leaves it was judged: another one has other leaves of the same day.
    pub origin: String,
    /// Who.
    pub actor: ActorId,
    /// A person, a device or a service.
    pub actor_kind: ActorKind,
    /// In which role.
    pub role: Role,
    /// The sum.
    pub points: u64,
    /// From how many on a day is worth a look.
    pub points_min: u64,
    /// What is proposed.
    pub step: &'static str,
    /// The day that was judged: its first millisecond.
    pub day: Timestamp,
    /// Why, as a JSON object that names nobody.
    pub explained: String,
}

impl Access {
    /// Writes down that somebody should look at a day, once however often it is told: first the leaf, then the row.
    ///
    /// # Errors
    /// [`RaiseError`]; telling it again is safe.
    pub async fn raise_score(&self, scored: ScoredDay) -> Result<bool, RaiseError> {
        let institution = &self.inner.institution;
        let number = number_of(institution.as_str(), &scored);
        if alerts::find(&self.inner.identity, institution, number).await?.is_some() {
            return Ok(false);
        }
        let row = row_of(scored, number, self.inner.clock.now());
        let counts =
            Counts::new().with(ALERT, number).with("counted", row.counted).with("limit", row.at_most);
        let leaf = ledger::of_claim(
            EventKind::Administration,
            Outcome::Succeeded,
            institution,
            &row.actor,
            row.actor_kind,
            Some(row.role),
            ledger::word(KIND),
        );
        self.inner.log.append_one(Event { counts, ..leaf }).await?;
        self.inner.identity.execute(vec![alerts::insert(institution, &row)]).await?;
        metrics::counter!("yingdun_monitor_alerts_total", "kind" => KIND).increment(1);
        tracing::warn!(alert = number, kind = KIND, step = row.step, "the monitor noticed something");
        Ok(true)
    }
}

// === helpers ===

/// The same day of the same person has the same number, so that who tells of it again, after a restart, finds it.
fn number_of(institution: &str, scored: &ScoredDay) -> u64 {
    let ScoredDay { origin, actor, actor_kind, day, .. } = scored;
    let day_ms = day.as_ms();
    let digest = sha256(format!("{KIND} {origin} {institution} {actor_kind} {actor} {day_ms}").as_bytes());
    digest.iter().take(NUMBER_BYTES).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn row_of(scored: ScoredDay, number: u64, now: Timestamp) -> AlertRow {
    let ScoredDay { origin: _, actor, actor_kind, role, points, points_min, step, day: _, explained } =
        scored;
    AlertRow {
        number,
        kind: KIND.to_owned(),
        actor,
        actor_kind,
        role,
        step: step.to_owned(),
        patient: None,
        study: None,
        measure: Some("points".to_owned()),
        counted: points,
        at_most: points_min,
        within_minutes: 24 * 60,
        at: now,
        explained: Some(explained),
        stops: None,
        stops_until: None,
        lifted: None,
        acknowledged: None,
        verdict: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_a_person_has_one_number_and_every_other_has_another() {
        let day = |name: &str, day: i64| ScoredDay {
            origin: "yingdun.example/a".to_owned(),
            actor: ActorId::new(name).unwrap(),
            actor_kind: ActorKind::Person,
            role: Role::Clinician,
            points: 40,
            points_min: 40,
            step: "note",
            day: Timestamp::from_ms(day),
            explained: "{}".to_owned(),
        };
        let number = number_of("h", &day("a", 0));
        assert_eq!(number, number_of("h", &ScoredDay { points: 90, ..day("a", 0) }));
        let at_another = number_of("h", &ScoredDay { origin: "yingdun.example/b".to_owned(), ..day("a", 0) });
        let other_day = number_of("h", &day("a", 1));
        for other in [number_of("h", &day("b", 0)), other_day, number_of("g", &day("a", 0)), at_another] {
            assert_ne!(number, other);
        }
        assert!(number < 1 << 53);
    }
}

//! Alerts of the monitor, and what they stop. A row stays: who looked at it, and what was found, is read later.

use super::people::actor;
use crate::{CatalogError, Database, LookUp, Row, Sql, Statement};
use yingdun_model::{
    ActorId, ActorKind, AlertVerdict, InstitutionId, PatientRef, Role, Stop, StudyRef, Timestamp,
};

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its number, drawn by chance, by which leaves name it.
    pub number: u64,
    /// What was noticed, a word of the room above.
    pub kind: String,
    /// About whom.
    pub actor: ActorId,
    /// A person, a device or a service.
    pub actor_kind: ActorKind,
    /// In which role.
    pub role: Role,
    /// What is proposed, a word of the room above.
    pub step: String,
    /// Whose images were opened, or were to be.
    pub patient: Option<PatientRef>,
    /// Which study.
    pub study: Option<StudyRef>,
    /// What was counted, a word of the room above; none where nothing was.
    pub measure: Option<String>,
    /// How much it was.
    pub counted: u64,
    /// How much is well.
    pub at_most: u64,
    /// Within how many minutes.
    pub within_minutes: u64,
    /// When.
    pub at: Timestamp,
    /// Why, where several things add up: a JSON object of the room above.
    pub explained: Option<String>,
    /// What it stops.
    pub stops: Option<Stop>,
    /// The first moment at which it stops nothing any more.
    pub stops_until: Option<Timestamp>,
    /// When that was lifted, and by whom.
    pub lifted: Option<(Timestamp, ActorId)>,
    /// When somebody looked at it first, and who.
    pub acknowledged: Option<(Timestamp, ActorId)>,
    /// What was found.
    pub verdict: Option<AlertVerdict>,
}

/// Something that is stopped, or a step that holds, at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The number of the alert.
    pub number: u64,
    /// For whom.
    pub actor: ActorId,
    /// A person, a device or a service.
    pub actor_kind: ActorKind,
    /// The step, a word of the room above.
    pub step: String,
    /// What it stops; none where the step stops nothing.
    pub stops: Option<Stop>,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO monitor_alert (institution, number, kind, actor, actor_kind, role, step, patient_ref, study_ref, measure, \
     counted, at_most, within_minutes, at_ms, stops, stops_until_ms, explained) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);
macro_rules! select {
    ($rest:literal) => {
        Sql::new(concat!(
            "SELECT number, kind, actor, actor_kind, role, step, patient_ref, study_ref, measure, counted, at_most, \
             within_minutes, at_ms, stops, stops_until_ms, lifted_ms, lifted_by, acknowledged_ms, acknowledged_by, verdict, explained \
             FROM monitor_alert WHERE institution = $1 ",
            $rest
        ))
    };
}
const LIST: Sql = select!("ORDER BY at_ms DESC, number LIMIT $2");
// A step that stops nothing ends by itself, and waits for nobody.
const LIST_NEW: Sql = select!(
    "AND acknowledged_ms IS NULL AND (stops IS NOT NULL OR stops_until_ms IS NULL) ORDER BY at_ms DESC, number LIMIT $2"
);
const NEWEST_OF: Sql = select!(
    "AND actor = $2 AND actor_kind = $3 AND stops_until_ms > $4 AND lifted_ms IS NULL ORDER BY at_ms DESC, number LIMIT 1"
);
const FIND: Sql = select!("AND number = $2");
const STOPS: Sql = Sql::new(
    "SELECT stops FROM monitor_alert WHERE institution = $1 AND actor = $2 AND actor_kind = $3 AND stops_until_ms > $4 \
     AND lifted_ms IS NULL AND stops IS NOT NULL",
);
const STOPPED: Sql = Sql::new(
    "SELECT number, actor, actor_kind, step, stops, at_ms, stops_until_ms FROM monitor_alert \
     WHERE institution = $1 AND stops_until_ms > $2 AND lifted_ms IS NULL ORDER BY stops IS NULL LIMIT $3",
);
const ACKNOWLEDGE: Sql = Sql::new(
    "UPDATE monitor_alert SET acknowledged_ms = COALESCE(acknowledged_ms, $1), acknowledged_by = COALESCE(acknowledged_by, $2), \
     verdict = $3 WHERE institution = $4 AND number = $5 AND verdict IS NULL",
);
const LAST: Sql = Sql::new(
    "UPDATE monitor_alert SET stops_until_ms = $1 WHERE institution = $2 AND number = $3 AND stops_until_ms > $4 \
     AND lifted_ms IS NULL",
);
const LIFT: Sql = Sql::new(
    "UPDATE monitor_alert SET lifted_ms = $1, lifted_by = $2 WHERE institution = $3 AND actor = $4 AND actor_kind = $5 \
     AND stops_until_ms > $6 AND lifted_ms IS NULL",
);
const LIFT_ONE: Sql = Sql::new(
    "UPDATE monitor_alert SET lifted_ms = $1, lifted_by = $2 WHERE institution = $3 AND number = $4 AND lifted_ms IS NULL",
);
const TO_SEE: Sql = Sql::new(
    "SELECT COUNT(*) FROM monitor_alert WHERE institution = $1 AND acknowledged_ms IS NULL \
     AND (stops IS NOT NULL OR stops_until_ms IS NULL)",
);

/// Keeps an alert. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, alert: &AlertRow) -> Statement {
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            number_value(alert.number),
            alert.kind.as_str().into(),
            (&alert.actor).into(),
            alert.actor_kind.as_str().into(),
            alert.role.as_str().into(),
            alert.step.as_str().into(),
            alert.patient.into(),
            alert.study.into(),
            alert.measure.as_deref().into(),
            count_value(alert.counted),
            count_value(alert.at_most),
            count_value(alert.within_minutes),
            alert.at.into(),
            alert.stops.map(Stop::as_str).into(),
            alert.stops_until.into(),
            alert.explained.as_deref().into(),
        ],
    )
    .expecting(1)
}

/// What is stopped for somebody at a moment, the most of it: a look-up for a decision.
pub fn stops(
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    now: Timestamp,
) -> LookUp<Option<Stop>> {
    let values = vec![institution.into(), actor.into(), kind.as_str().into(), now.into()];
    LookUp::new(Statement::new(STOPS, values), |rows| {
        rows.iter().map(|row| row.get_word::<Stop>(0)).try_fold(None, |most, stop| Ok(most.max(Some(stop?))))
    })
}

/// The newest of what is stopped for somebody and of the steps that hold, for the person to see.
///
/// # Errors
/// As [`Database::query`].
pub async fn newest_of(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    now: Timestamp,
) -> Result<Option<AlertRow>, CatalogError> {
    let values = vec![institution.into(), actor.into(), kind.as_str().into(), now.into()];
    database.query(Statement::new(NEWEST_OF, values)).await?.first().map(alert_of).transpose()
}

/// Everything that is stopped at a moment, and every step that holds, what is stopped first.
///
/// # Errors
/// As [`Database::query`].
pub async fn stopped(
    database: &Database,
    institution: &InstitutionId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Stopped>, CatalogError> {
    let values = vec![institution.into(), now.into(), limit.into()];
    let of = |row: &Row| {
        Ok(Stopped {
            number: row.get_number(0)?,
            actor: actor(row, 1)?,
            actor_kind: row.get_word(2)?,
            step: row.get_text(3)?.to_owned(),
            stops: row.opt_text(4)?.map(|_| row.get_word(4)).transpose()?,
            at: row.get_timestamp(5)?,
            until: row.get_timestamp(6)?,
        })
    };
    database.query(Statement::new(STOPPED, values)).await?.iter().map(of).collect()
}

/// Alerts, the newest first; only those at which nobody has looked yet, where that is asked for.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    new_only: bool,
    limit: u32,
) -> Result<Vec<AlertRow>, CatalogError> {
    let sql = if new_only { LIST_NEW } else { LIST };
    let rows = database.query(Statement::new(sql, vec![institution.into(), limit.into()])).await?;
    rows.iter().map(alert_of).collect()
}

/// One alert.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    number: u64,
) -> Result<Option<AlertRow>, CatalogError> {
    let values = vec![institution.into(), number_value(number)];
    database.query(Statement::new(FIND, values)).await?.first().map(alert_of).transpose()
}

/// How many alerts nobody has looked at.
///
/// # Errors
/// As [`Database::query`].
pub async fn to_see(database: &Database, institution: &InstitutionId) -> Result<u64, CatalogError> {
    let rows = database.query(Statement::new(TO_SEE, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// Notes that somebody looked at an alert, and what was found, if that is said. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when it was judged already.
#[must_use]
pub fn acknowledge(
    institution: &InstitutionId,
    number: u64,
    now: Timestamp,
    by: &ActorId,
    verdict: Option<AlertVerdict>,
) -> Statement {
    let verdict = verdict.map(AlertVerdict::as_str).into();
    Statement::new(
        ACKNOWLEDGE,
        vec![now.into(), by.into(), verdict, institution.into(), number_value(number)],
    )
    .expecting(1)
}

/// Lets what an alert stops last until a moment, if it still stops something.
#[must_use]
pub fn last_until(institution: &InstitutionId, number: u64, now: Timestamp, until: Timestamp) -> Statement {
    Statement::new(LAST, vec![until.into(), institution.into(), number_value(number), now.into()])
}

/// Lifts everything that is stopped for somebody. Changes no row when nothing is.
#[must_use]
pub fn lift(
    institution: &InstitutionId,
    actor: &ActorId,
    kind: ActorKind,
    now: Timestamp,
    by: &ActorId,
) -> Statement {
    Statement::new(
        LIFT,
        vec![now.into(), by.into(), institution.into(), actor.into(), kind.as_str().into(), now.into()],
    )
}

/// Lifts what one alert stops.
#[must_use]
pub fn lift_one(institution: &InstitutionId, number: u64, now: Timestamp, by: &ActorId) -> Statement {
    Statement::new(LIFT_ONE, vec![now.into(), by.into(), institution.into(), number_value(number)])
        .expecting(1)
}

// === rows ===

fn number_value(number: u64) -> crate::Value {
    // Numbers are drawn below 2^53; what is larger names no alert.
    i64::try_from(number).unwrap_or(-1).into()
}

fn count_value(count: u64) -> crate::Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

fn alert_of(row: &Row) -> Result<AlertRow, CatalogError> {
    let when = |at: usize| -> Result<Option<(Timestamp, ActorId)>, CatalogError> {
        let Some(moment) = row.opt_i64(at)? else { return Ok(None) };
        Ok(Some((Timestamp::from_ms(moment), actor(row, at + 1)?)))
    };
    Ok(AlertRow {
        number: row.get_number(0)?,
        kind: row.get_text(1)?.to_owned(),
        actor: actor(row, 2)?,
        actor_kind: row.get_word(3)?,
        role: row.get_word(4)?,
        step: row.get_text(5)?.to_owned(),
        patient: row.opt_bytes(6)?.map(|_| row.get_reference(6)).transpose()?,
        study: row.opt_bytes(7)?.map(|_| row.get_reference(7)).transpose()?,
        measure: row.opt_text(8)?.map(str::to_owned),
        counted: row.get_number(9)?,
        at_most: row.get_number(10)?,
        within_minutes: row.get_number(11)?,
        at: row.get_timestamp(12)?,
        stops: row.opt_text(13)?.map(|_| row.get_word(13)).transpose()?,
        stops_until: row.opt_i64(14)?.map(Timestamp::from_ms),
        lifted: when(15)?,
        acknowledged: when(17)?,
        verdict: row.opt_text(19)?.map(|_| row.get_word(19)).transpose()?,
        explained: row.opt_text(20)?.map(str::to_owned),
    })
}

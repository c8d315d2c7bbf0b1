//! What happened to studies, for programs that follow the archive: an outbox that is read by a cursor.
//!
//! ```text
//!  apply ─► study_arrival (one row per study, due after a rest) ─► rested ─► study_event (numbered, kept for a while)
//! ```
//!
//! A study that has received nothing for some time *rests*, and is an event once; when it receives more, it will rest
//! anew. Where the newest record of a study lies tells whether it has received more: places grow and clocks may not. So a
//! record that is applied again after a crash is nothing new, and every rest is one event. These tables survive
//! [`wipe`](super::wipe).
//!
//! Places grow in their store. Where several stores fill a catalogue, a study has a newest place in each, and rests when it rests in all:
//! those of the first store are in `study_arrival`, those of others in `study_arrival_beside`.
//!
//! A *feed* is a place outside that is told of every event. How far it has been told is a row of `event_feed`, which only grows.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use std::collections::BTreeSet;
use yingdun_model::{Grade, InstitutionId, PatientRef, StoreNumber, StudyRef, Timestamp, Uid};

/// The store whose arrivals are in `study_arrival`.
const FIRST: u32 = StoreNumber::FIRST.get();

/// The word of a rest in the tables and answers.
const STABLE: &str = "study-stable";

/// That a study has received something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Where it belongs.
    pub institution: InstitutionId,
    /// The store in which it was received.
    pub store: StoreNumber,
    /// Where its newest record lies there: bytes in the order of places of one store.
    pub location: Vec<u8>,
    /// When it rests unless it receives more.
    pub rests: Timestamp,
}

/// A study that has come to rest, and of which nobody was told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Where it belongs.
    pub institution: InstitutionId,
    /// The study.
    pub study: StudyRef,
    /// Whose it is.
    pub patient: PatientRef,
    /// Whether its accession number is that of another study as well.
    pub accession_shared: bool,
    store: u32,
    location: Vec<u8>,
}

/// An event, and what a decision about its study has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyEvent {
    /// Its number: events of an institution are read in the order of numbers, in which they were written.
    pub sequence: u64,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// To which study.
    pub study: StudyRef,
    /// Its Study Instance UID (0020,000D).
    pub uid: Uid,
    /// Series that it had then.
    pub series: u64,
    /// Instances that it had then.
    pub instances: u64,
    /// Whose it is.
    pub patient: PatientRef,
    /// How sensitive it is.
    pub grade: Grade,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Whether one of its instances names another patient.
    pub patient_conflict: bool,
    /// Whether its accession number is that of another study as well.
    pub accession_conflict: bool,
}

/// What an upsert of arrivals in the first store consists of.
pub(super) const INSERT_ARRIVAL: &str =
    "INSERT INTO study_arrival (study_ref, institution, location, resting, due_ms) VALUES ";
pub(super) const ON_ARRIVAL: &str = " ON CONFLICT (study_ref) DO UPDATE SET location = excluded.location, \
     resting = 0, due_ms = excluded.due_ms WHERE excluded.location > study_arrival.location";

/// What an upsert of arrivals in other stores consists of.
pub(super) const INSERT_BESIDE: &str =
    "INSERT INTO study_arrival_beside (study_ref, institution, location, resting, due_ms, store) VALUES ";
pub(super) const ON_BESIDE: &str = " ON CONFLICT (study_ref, store) DO UPDATE SET location = excluded.location, \
     resting = 0, due_ms = excluded.due_ms WHERE excluded.location > study_arrival_beside.location";

pub(super) fn beside_row(study: StudyRef, arrival: &Arrival) -> Vec<Value> {
    let mut row = arrival_row(study, arrival);
    row.push(arrival.store.get().into());
    row
}

pub(super) fn arrival_row(study: StudyRef, arrival: &Arrival) -> Vec<Value> {
    vec![
        study.into(),
        (&arrival.institution).into(),
        arrival.location.as_slice().into(),
        Value::Int(0),
        arrival.rests.into(),
    ]
}

/// Studies that rest now, each once, the longest resting first: none that will rest later in one of the stores.
///
/// # Errors
/// As [`Database::query`].
pub async fn due(database: &Database, now: Timestamp, limit: u32) -> Result<Vec<Resting>, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT a.institution, a.study_ref, s.patient_ref, a.location, ").push(SHARED);
    sql.push(", a.store FROM (");
    for (position, (place, from)) in
        [("1 AS store", "study_arrival"), ("store", "study_arrival_beside")].into_iter().enumerate()
    {
        sql.push(if position > 0 { " UNION ALL " } else { "" });
        sql.push("SELECT study_ref, institution, location, due_ms, ").push(place).push(" FROM ").push(from);
        sql.push(" WHERE resting = 0 AND due_ms <= ").bind(now);
    }
    sql.push(") a JOIN study s ON s.study_ref = a.study_ref WHERE ");
    sql.push("NOT EXISTS (SELECT 1 FROM study_arrival l WHERE l.study_ref = a.study_ref AND l.resting = 0 AND l.due_ms > ");
    sql.bind(now)
        .push(") AND NOT EXISTS (SELECT 1 FROM study_arrival_beside l WHERE l.study_ref = a.study_ref ");
    sql.push("AND l.resting = 0 AND l.due_ms > ").bind(now);
    sql.push(") ORDER BY a.due_ms, a.store LIMIT ").bind(limit);
    let resting = |row: &Row| {
        Ok(Resting {
            institution: row.get_checked(0)?,
            study: row.get_reference(1)?,
            patient: row.get_reference(2)?,
            location: row.get_bytes(3)?.to_vec(),
            accession_shared: row.get_i64(4)? == 1,
            store: row.get_number(5)?,
        })
    };
    let mut due = Vec::new();
    let mut seen = BTreeSet::new();
    for row in database.query(sql.finish()).await? {
        let resting = resting(&row)?;
        // One that was due in several stores rests once.
        if seen.insert(resting.study) {
            due.push(resting);
        }
    }
    Ok(due)
}

/// The changes that make an event of a rest. They fail with [`CatalogError::UnexpectedRows`] when the study has received
/// more meanwhile or its rest is an event already, and with [`CatalogError::Constraint`] when somebody else wrote an event at
/// the same moment.
#[must_use]
pub fn rested(resting: &Resting, now: Timestamp) -> Vec<Statement> {
    let study = || Value::from(resting.study);
    let location = || Value::from(resting.location.as_slice());
    let seen = match resting.store {
        FIRST => Statement::new(
            "UPDATE study_arrival SET resting = 1 WHERE study_ref = $1 AND location = $2 AND resting = 0",
            vec![study(), location()],
        ),
        store => Statement::new(
            "UPDATE study_arrival_beside SET resting = 1 \
             WHERE study_ref = $1 AND location = $2 AND resting = 0 AND store = $3",
            vec![study(), location(), store.into()],
        ),
    };
    // Where it rested in several stores, it rests now in all of them.
    let others = [
        "UPDATE study_arrival SET resting = 1 WHERE study_ref = $1 AND resting = 0 AND due_ms <= $2",
        "UPDATE study_arrival_beside SET resting = 1 WHERE study_ref = $1 AND resting = 0 AND due_ms <= $2",
    ];
    let event = "INSERT INTO study_event (sequence, institution, kind, study_ref, at_ms, series_count, instance_count) \
         SELECT (SELECT COALESCE(max(sequence), 0) + 1 FROM study_event), institution, $1, study_ref, \
         CAST($2 AS BIGINT), series_count, instance_count FROM study WHERE study_ref = $3";
    let mut changes = vec![seen.expecting(1)];
    changes.extend(others.map(|sql| Statement::new(sql, vec![study(), now.into()])));
    changes.push(Statement::new(event, vec![STABLE.into(), now.into(), study()]).expecting(1));
    changes
}

/// Events of an institution with higher numbers than one that was seen, in their order.
///
/// # Errors
/// As [`Database::query`].
pub async fn after(
    database: &Database,
    institution: &InstitutionId,
    seen: u64,
    limit: u32,
) -> Result<Vec<StudyEvent>, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push(
        "SELECT e.sequence, e.kind, e.at_ms, e.study_ref, s.study_uid, e.series_count, e.instance_count, ",
    );
    sql.push("s.patient_ref, s.grade, s.received_ms, s.patient_conflict, ").push(SHARED);
    sql.push(" FROM study_event e JOIN study s ON s.study_ref = e.study_ref WHERE e.institution = ");
    sql.bind(institution).push(" AND e.sequence > ").bind(i64::try_from(seen).unwrap_or(i64::MAX));
    sql.push(" ORDER BY e.sequence LIMIT ").bind(limit);
    database.query(sql.finish()).await?.iter().map(event_of).collect()
}

/// What a feed is told of an event: nothing that says who or what was examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its number.
    pub sequence: u64,
    /// What happened.
    pub kind: String,
    /// To which study.
    pub study: StudyRef,
}

/// How far a feed has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedPosition {
    /// The number of the last event that it has; 0 for none.
    pub position: u64,
    /// The highest number that there is; 0 for none.
    pub newest: u64,
    /// When the first one that it has not was written.
    pub waiting_since: Option<Timestamp>,
}

/// Events of an institution that a feed has not, in their order. Those of studies that were destroyed are passed over.
///
/// # Errors
/// As [`Database::query`].
pub async fn for_feed(
    database: &Database,
    institution: &InstitutionId,
    feed: &str,
    limit: u32,
) -> Result<Vec<FeedEvent>, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT sequence, kind, study_ref FROM study_event WHERE institution = ").bind(institution);
    sql.push(" AND length(study_ref) > 0 AND sequence > ").push(POSITION).bind(feed);
    sql.push("), 0) ORDER BY sequence LIMIT ").bind(limit);
    let event = |row: &Row| {
        Ok(FeedEvent {
            sequence: row.get_number(0)?,
            kind: row.get_text(1)?.to_owned(),
            study: row.get_reference(2)?,
        })
    };
    database.query(sql.finish()).await?.iter().map(event).collect()
}

/// How far a feed has been told.
///
/// # Errors
/// As [`Database::query`].
pub async fn feed_position(
    database: &Database,
    institution: &InstitutionId,
    feed: &str,
) -> Result<FeedPosition, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT ").push(POSITION).bind(feed).push("), 0), ");
    sql.push("COALESCE((SELECT max(sequence) FROM study_event), 0), ");
    sql.push("(SELECT at_ms FROM study_event WHERE institution = ").bind(institution);
    sql.push(" AND length(study_ref) > 0 AND sequence > ").push(POSITION).bind(feed);
    sql.push("), 0) ORDER BY sequence LIMIT 1)");
    let rows = database.query(sql.finish()).await?;
    let Some(row) = rows.first() else { return Ok(FeedPosition::default()) };
    Ok(FeedPosition {
        position: row.get_number(0)?,
        newest: row.get_number(1)?,
        waiting_since: row.opt_i64(2)?.map(Timestamp::from_ms),
    })
}

/// The change that says that a feed has all events up to a number. It never goes back.
#[must_use]
pub fn feed_has(feed: &str, position: u64) -> Statement {
    let upsert = "INSERT INTO event_feed (feed, position) VALUES ($1, $2) ON CONFLICT (feed) DO UPDATE \
         SET position = excluded.position WHERE excluded.position > event_feed.position";
    Statement::new(upsert, vec![feed.into(), Value::Int(i64::try_from(position).unwrap_or(i64::MAX))])
}

/// The change that deletes events from before a moment, but the newest one: numbers are never given twice.
#[must_use]
pub fn forget(before: Timestamp) -> Statement {
    let delete =
        "DELETE FROM study_event WHERE at_ms < $1 AND sequence < (SELECT max(sequence) FROM study_event)";
    Statement::new(delete, vec![before.into()])
}

// === rows ===

/// The position of a feed: its name and `), 0)` follow.
const POSITION: &str = "COALESCE((SELECT position FROM event_feed WHERE feed = ";

/// Whether the accession number of the study `s` is that of another one as well.
const SHARED: &str = "COALESCE((SELECT c.shared FROM study_accession c WHERE c.study_ref = s.study_ref), 0)";

fn event_of(row: &Row) -> Result<StudyEvent, CatalogError> {
    Ok(StudyEvent {
        sequence: row.get_number(0)?,
        kind: row.get_text(1)?.to_owned(),
        at: row.get_timestamp(2)?,
        study: row.get_reference(3)?,
        uid: row.get_checked(4)?,
        series: row.get_number(5)?,
        instances: row.get_number(6)?,
        patient: row.get_reference(7)?,
        grade: row.get_word(8)?,
        received: row.get_timestamp(9)?,
        patient_conflict: row.get_i64(10)? == 1,
        accession_conflict: row.get_i64(11)? == 1,
    })
}

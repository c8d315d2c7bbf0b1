//! Legal holds: what nothing may destroy; and the turn that makes holds and approvals of destructions come one after the other.

use crate::{CatalogError, Database, Row, Sql, Statement, Value};
use yingdun_model::{InstitutionId, PatientRef, StudyRef, Timestamp};

/// What a legal hold is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// One study.
    Study(StudyRef),
    /// Every study of a patient, also one that comes later.
    Patient(PatientRef),
}

/// A legal hold as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalHold {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// What it is on.
    pub held: Held,
    /// When it was placed.
    pub placed: Timestamp,
    /// Whether it stands against destruction.
    pub in_force: bool,
    /// How far it is; the words are those of whoever keeps it.
    pub state: String,
    /// What there is to say of it, as JSON.
    pub record: String,
}

const IN_FORCE_FIRST: Sql = Sql::new(
    "SELECT id, subject, reference, placed_ms, in_force, state, record FROM legal_hold WHERE institution = $1 \
     ORDER BY in_force DESC, placed_ms DESC, id LIMIT $2",
);
const ONE: Sql = Sql::new(
    "SELECT id, subject, reference, placed_ms, in_force, state, record FROM legal_hold \
     WHERE institution = $1 AND id = $2",
);
const AGAINST: Sql = Sql::new(
    "SELECT id, subject, reference, placed_ms, in_force, state, record FROM legal_hold \
     WHERE institution = $1 AND in_force = 1 \
     AND ((subject = 'study' AND reference = $2) OR (subject = 'patient' AND reference = $3)) \
     ORDER BY placed_ms, id LIMIT 1",
);
const PLACED: Sql = Sql::new(
    "SELECT 1 FROM legal_hold WHERE institution = $1 AND subject = $2 AND reference = $3 AND placed_ms = $4",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO legal_hold (institution, id, subject, reference, placed_ms, in_force, state, record) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const ADVANCE: Sql = Sql::new(
    "UPDATE legal_hold SET state = $1, in_force = $2, record = $3 \
     WHERE institution = $4 AND id = $5 AND state = $6",
);
const TURN: Sql = Sql::new("SELECT turn FROM destruction_turn WHERE institution = $1");
const TAKE_TURN: Sql = Sql::new(
    "INSERT INTO destruction_turn (institution, turn) VALUES ($1, $2) \
     ON CONFLICT (institution) DO UPDATE SET turn = excluded.turn WHERE destruction_turn.turn = $3",
);

/// At most `limit` holds: those in force first, and of each the newest.
///
/// # Errors
/// As [`Database::query`].
pub async fn in_force_first(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<LegalHold>, CatalogError> {
    let bound = vec![institution.into(), limit.into()];
    database.query(Statement::new(IN_FORCE_FIRST, bound)).await?.iter().map(legal_hold).collect()
}

/// One hold.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    id: &str,
) -> Result<Option<LegalHold>, CatalogError> {
    let rows = database.query(Statement::new(ONE, vec![institution.into(), id.into()])).await?;
    rows.first().map(legal_hold).transpose()
}

/// The oldest hold in force that stands against the destruction of a study of a patient.
///
/// # Errors
/// As [`Database::query`].
pub async fn against(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
    patient: PatientRef,
) -> Result<Option<LegalHold>, CatalogError> {
    let bound = vec![institution.into(), study.into(), patient.into()];
    let rows = database.query(Statement::new(AGAINST, bound)).await?;
    rows.first().map(legal_hold).transpose()
}

/// Whether there is, or was, a hold on this that was placed at this moment.
///
/// # Errors
/// As [`Database::query`].
pub async fn was_placed(
    database: &Database,
    institution: &InstitutionId,
    held: Held,
    placed: Timestamp,
) -> Result<bool, CatalogError> {
    let (subject, reference) = columns(held);
    let bound = vec![institution.into(), subject, reference, placed.into()];
    Ok(!database.query(Statement::new(PLACED, bound)).await?.is_empty())
}

/// Keeps a new hold.
#[must_use]
pub fn insert(institution: &InstitutionId, hold: &LegalHold) -> Statement {
    let (subject, reference) = columns(hold.held);
    let values = vec![
        institution.into(),
        hold.id.as_str().into(),
        subject,
        reference,
        hold.placed.into(),
        Value::Int(hold.in_force.into()),
        hold.state.as_str().into(),
        hold.record.as_str().into(),
    ];
    Statement::new(INSERT, values).expecting(1)
}

/// Carries a hold on. The transaction fails with [`CatalogError::UnexpectedRows`] when it is not in the state `from`.
#[must_use]
pub fn advance(institution: &InstitutionId, from: &str, to: &LegalHold) -> Statement {
    let values = vec![
        to.state.as_str().into(),
        Value::Int(to.in_force.into()),
        to.record.as_str().into(),
        institution.into(),
        to.id.as_str().into(),
        from.into(),
    ];
    Statement::new(ADVANCE, values).expecting(1)
}

/// How many holds were placed and destructions decided of. Read before what a decision rests on; see [`take_turn`].
///
/// # Errors
/// As [`Database::query`].
pub async fn turn(database: &Database, institution: &InstitutionId) -> Result<u64, CatalogError> {
    let rows = database.query(Statement::new(TURN, vec![institution.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// Takes the turn behind `seen`. The transaction fails with [`CatalogError::UnexpectedRows`] when somebody has taken it: so what was
/// read after `seen` still holds when the transaction commits, on either engine.
#[must_use]
pub fn take_turn(institution: &InstitutionId, seen: u64) -> Statement {
    let values = vec![institution.into(), super::number(seen.saturating_add(1)), super::number(seen)];
    Statement::new(TAKE_TURN, values).expecting(1)
}

// === helpers ===

fn columns(held: Held) -> (Value, Value) {
    match held {
        Held::Study(study) => ("study".into(), study.into()),
        Held::Patient(patient) => ("patient".into(), patient.into()),
    }
}

fn legal_hold(row: &Row) -> Result<LegalHold, CatalogError> {
    let held = match row.get_text(1)? {
        "study" => Held::Study(row.get_reference(2)?),
        _ => Held::Patient(row.get_reference(2)?),
    };
    Ok(LegalHold {
        id: row.get_text(0)?.to_owned(),
        held,
        placed: row.get_timestamp(3)?,
        in_force: row.get_bool(4)?,
        state: row.get_text(5)?.to_owned(),
        record: row.get_text(6)?.to_owned(),
    })
}

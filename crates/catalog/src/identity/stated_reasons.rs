//! Reasons that people gave for opening a patient when the monitor asked: for whom, until when, and what a reviewer found.
//!
//! A row gives no right. Words of people are sealed by the room above.

use super::grants::Review;
use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, PatientRef, Role, StatedReason, Timestamp};

/// A reason that somebody gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedReasonRow {
    /// Its number, drawn by chance, by which leaves name it.
    pub number: u64,
    /// Who gave it.
    pub actor: ActorId,
    /// In which role.
    pub role: Role,
    /// Whom it is about.
    pub patient: PatientRef,
    /// Why, as a code.
    pub code: StatedReason,
    /// Why, in words, sealed.
    pub words: Vec<u8>,
    /// When it was given.
    pub given: Timestamp,
    /// The first moment at which it explains nothing any more.
    pub valid_until: Timestamp,
    /// What the review found.
    pub review: Option<Review>,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO stated_reason (institution, number, actor, role, patient_ref, code, words, given_ms, valid_until_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
macro_rules! select {
    ($rest:literal) => {
        Sql::new(concat!(
            "SELECT number, actor, role, patient_ref, code, words, given_ms, valid_until_ms, reviewed_by, reviewed_ms, verdict, review_words \
             FROM stated_reason WHERE institution = $1 ",
            $rest
        ))
    };
}
const LIST: Sql = select!("ORDER BY given_ms DESC, number LIMIT $2");
const LIST_NEW: Sql = select!("AND reviewed_ms IS NULL ORDER BY given_ms DESC, number LIMIT $2");
const LIST_OF: Sql = select!("AND actor = $2 ORDER BY given_ms DESC, number LIMIT $3");
const FIND: Sql = select!("AND number = $2");
const VALID: Sql = Sql::new(
    "SELECT number FROM stated_reason WHERE institution = $1 AND actor = $2 AND patient_ref = $3 AND valid_until_ms > $4 \
     ORDER BY given_ms DESC LIMIT 1",
);
const COUNT_VALID: Sql = Sql::new(
    "SELECT COUNT(*) FROM stated_reason WHERE institution = $1 AND actor = $2 AND valid_until_ms > $3",
);
const REVIEW: Sql = Sql::new(
    "UPDATE stated_reason SET reviewed_by = $1, reviewed_ms = $2, verdict = $3, review_words = $4 \
     WHERE institution = $5 AND number = $6 AND reviewed_ms IS NULL",
);
const END: Sql = Sql::new(
    "UPDATE stated_reason SET valid_until_ms = $1 WHERE institution = $2 AND number = $3 AND valid_until_ms > $1",
);

/// Keeps a reason. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, row: &StatedReasonRow) -> Statement {
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            number_value(row.number),
            (&row.actor).into(),
            row.role.as_str().into(),
            row.patient.into(),
            row.code.as_str().into(),
            row.words.clone().into(),
            row.given.into(),
            row.valid_until.into(),
        ],
    )
    .expecting(1)
}

/// The number of a reason that explains at a moment why somebody opens this patient.
///
/// # Errors
/// As [`Database::query`].
pub async fn valid(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    patient: PatientRef,
    now: Timestamp,
) -> Result<Option<u64>, CatalogError> {
    let values = vec![institution.into(), actor.into(), patient.into(), now.into()];
    let rows = database.look_up(Statement::new(VALID, values)).await?;
    rows.first().map(|row| row.get_number(0)).transpose()
}

/// How many reasons of somebody explain anything at a moment.
///
/// # Errors
/// As [`Database::query`].
pub async fn count_valid(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    now: Timestamp,
) -> Result<u64, CatalogError> {
    let values = vec![institution.into(), actor.into(), now.into()];
    let rows = database.query(Statement::new(COUNT_VALID, values)).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

/// Reasons of everybody, the newest first; only those that nobody has reviewed yet, where that is asked for.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    new_only: bool,
    limit: u32,
) -> Result<Vec<StatedReasonRow>, CatalogError> {
    let sql = if new_only { LIST_NEW } else { LIST };
    let rows = database.query(Statement::new(sql, vec![institution.into(), limit.into()])).await?;
    rows.iter().map(row_of).collect()
}

/// Reasons of one person, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn list_of(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    limit: u32,
) -> Result<Vec<StatedReasonRow>, CatalogError> {
    let values = vec![institution.into(), actor.into(), limit.into()];
    database.query(Statement::new(LIST_OF, values)).await?.iter().map(row_of).collect()
}

/// One reason.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    number: u64,
) -> Result<Option<StatedReasonRow>, CatalogError> {
    let values = vec![institution.into(), number_value(number)];
    database.query(Statement::new(FIND, values)).await?.first().map(row_of).transpose()
}

/// Judges a reason, once: the transaction fails with [`CatalogError::UnexpectedRows`] when it was judged already.
#[must_use]
pub fn review(institution: &InstitutionId, number: u64, review: &Review) -> Statement {
    let values = vec![
        (&review.by).into(),
        review.at.into(),
        review.verdict.as_str().into(),
        review.words.clone().into(),
        institution.into(),
        number_value(number),
    ];
    Statement::new(REVIEW, values).expecting(1)
}

/// Lets a reason explain nothing any more.
#[must_use]
pub fn end(institution: &InstitutionId, number: u64, now: Timestamp) -> Statement {
    Statement::new(END, vec![now.into(), institution.into(), number_value(number)])
}

// === rows ===

fn number_value(number: u64) -> crate::Value {
    // Numbers are drawn below 2^53; what is larger names no reason.
    i64::try_from(number).unwrap_or(-1).into()
}

fn row_of(row: &Row) -> Result<StatedReasonRow, CatalogError> {
    let review = match row.opt_i64(9)? {
        None => None,
        Some(at) => Some(Review {
            by: actor(row, 8)?,
            at: Timestamp::from_ms(at),
            verdict: row.get_word(10)?,
            words: row.get_bytes(11)?.to_vec(),
        }),
    };
    Ok(StatedReasonRow {
        number: row.get_number(0)?,
        actor: actor(row, 1)?,
        role: row.get_word(2)?,
        patient: row.get_reference(3)?,
        code: row.get_word(4)?,
        words: row.get_bytes(5)?.to_vec(),
        given: row.get_timestamp(6)?,
        valid_until: row.get_timestamp(7)?,
        review,
    })
}

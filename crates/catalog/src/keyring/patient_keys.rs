//! Patient keys: one per patient, grade and suite.

use super::KekLine;
use crate::{CatalogError, Database, Sql, Statement};
use yingdun_model::{PatientRef, Timestamp};

/// A patient key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientKey {
    /// The version of the key-encryption key that it is wrapped under.
    pub kek_version: u32,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

const FIND: Sql = Sql::new(
    "SELECT kek_version, wrapped FROM patient_key \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND patient_ref = $4",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO patient_key (institution, grade, suite, patient_ref, kek_version, wrapped, created_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

/// The key of a patient in a line.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    line: &KekLine,
    patient: PatientRef,
) -> Result<Option<PatientKey>, CatalogError> {
    let bound =
        vec![(&line.institution).into(), line.grade.into(), line.suite.as_str().into(), patient.into()];
    let rows = database.query(Statement::new(FIND, bound)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(PatientKey { kek_version: row.get_number(0)?, wrapped: row.get_bytes(1)?.to_vec() }))
}

/// Keeps the key of a patient. The transaction fails with [`CatalogError::Constraint`] when there is one.
#[must_use]
pub fn insert(line: &KekLine, patient: PatientRef, key: &PatientKey, now: Timestamp) -> Statement {
    let bound = vec![
        (&line.institution).into(),
        line.grade.into(),
        line.suite.as_str().into(),
        patient.into(),
        key.kek_version.into(),
        key.wrapped.as_slice().into(),
        now.into(),
    ];
    Statement::new(INSERT, bound).expecting(1)
}

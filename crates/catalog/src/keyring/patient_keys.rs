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
const OLDER: Sql = Sql::new(
    "SELECT kek_version, wrapped, patient_ref FROM patient_key \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND kek_version < $4 LIMIT $5",
);
const REWRAP: Sql = Sql::new(
    "UPDATE patient_key SET kek_version = $1, wrapped = $2 \
     WHERE institution = $3 AND grade = $4 AND suite = $5 AND patient_ref = $6 AND kek_version = $7",
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
    let rows = database.look_up(Statement::new(FIND, bound)).await?;
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

/// At most `limit` keys of a line that are wrapped under a version before `kek_version`.
///
/// # Errors
/// As [`Database::query`].
pub async fn older(
    database: &Database,
    line: &KekLine,
    kek_version: u32,
    limit: u32,
) -> Result<Vec<(PatientRef, PatientKey)>, CatalogError> {
    let bound = vec![
        (&line.institution).into(),
        line.grade.into(),
        line.suite.as_str().into(),
        kek_version.into(),
        limit.into(),
    ];
    let rows = database.query(Statement::new(OLDER, bound)).await?;
    rows.iter()
        .map(|row| {
            let key = PatientKey { kek_version: row.get_number(0)?, wrapped: row.get_bytes(1)?.to_vec() };
            Ok((row.get_reference(2)?, key))
        })
        .collect()
}

/// Replaces the wrap of a key. The transaction fails with [`CatalogError::UnexpectedRows`] when it is no longer
/// wrapped under version `from`.
#[must_use]
pub fn rewrap(line: &KekLine, patient: PatientRef, from: u32, key: &PatientKey) -> Statement {
    let bound = vec![
        key.kek_version.into(),
        key.wrapped.as_slice().into(),
        (&line.institution).into(),
        line.grade.into(),
        line.suite.as_str().into(),
        patient.into(),
        from.into(),
    ];
    Statement::new(REWRAP, bound).expecting(1)
}

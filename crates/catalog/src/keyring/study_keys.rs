//! Study keys, each wrapped under its patient key and a key-encryption key together.

use super::KekLine;
use super::patient_keys::PatientKey;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{InstitutionId, PatientRef, StudyRef, Timestamp};

/// A study key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyKey {
    /// Institution, grade and suite of the study.
    pub line: KekLine,
    /// The study.
    pub study: StudyRef,
    /// The patient whose key it is wrapped under.
    pub patient: PatientRef,
    /// The version of the key-encryption key that it is wrapped under.
    pub kek_version: u32,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// When it was made. It tells this key from one that the study had before it was destroyed.
    pub made: Timestamp,
}

/// How many keys an institution has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCounts {
    /// Patient keys.
    pub patients: u64,
    /// Study keys.
    pub studies: u64,
}

const FIND: Sql = Sql::new(
    "SELECT s.institution, s.grade, s.suite, s.study_ref, s.patient_ref, s.kek_version, s.wrapped, \
     p.kek_version, p.wrapped, s.created_ms \
     FROM study_key s JOIN patient_key p ON p.institution = s.institution AND p.patient_ref = s.patient_ref \
     AND p.grade = s.grade AND p.suite = s.suite \
     WHERE s.institution = $1 AND s.study_ref = $2",
);
const OLDER: Sql = Sql::new(
    "SELECT s.institution, s.grade, s.suite, s.study_ref, s.patient_ref, s.kek_version, s.wrapped, \
     p.kek_version, p.wrapped, s.created_ms \
     FROM study_key s JOIN patient_key p ON p.institution = s.institution AND p.patient_ref = s.patient_ref \
     AND p.grade = s.grade AND p.suite = s.suite \
     WHERE s.institution = $1 AND s.grade = $2 AND s.suite = $3 AND s.kek_version < $4 LIMIT $5",
);
const REWRAP: Sql = Sql::new(
    "UPDATE study_key SET kek_version = $1, wrapped = $2 \
     WHERE institution = $3 AND study_ref = $4 AND kek_version = $5",
);
const BEHIND: Sql = Sql::new(
    "SELECT study_ref FROM study_key WHERE institution = $1 AND study_ref > $2 ORDER BY study_ref LIMIT $3",
);
const UP_TO: Sql = Sql::new(
    "SELECT study_ref FROM study_key WHERE institution = $1 AND study_ref <= $2 ORDER BY study_ref LIMIT $3",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO study_key (institution, grade, suite, study_ref, patient_ref, kek_version, wrapped, created_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const COUNTS: Sql = Sql::new(
    "SELECT (SELECT COUNT(*) FROM patient_key WHERE institution = $1), \
     (SELECT COUNT(*) FROM study_key WHERE institution = $1)",
);

/// The key of a study and the patient key above it.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
) -> Result<Option<(StudyKey, PatientKey)>, CatalogError> {
    let rows = database.look_up(Statement::new(FIND, vec![institution.into(), study.into()])).await?;
    rows.first().map(with_patient).transpose()
}

/// At most `limit` studies with a key whose reference stands behind this one, in the order of references.
///
/// # Errors
/// As [`Database::query`].
pub async fn behind(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
    limit: u32,
) -> Result<Vec<StudyRef>, CatalogError> {
    let rows = database.query(Statement::new(BEHIND, vec![institution.into(), study.into(), limit.into()]));
    rows.await?.iter().map(|row| row.get_reference(0)).collect()
}

/// The same up to this one, from the lowest on.
///
/// # Errors
/// As [`Database::query`].
pub async fn up_to(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
    limit: u32,
) -> Result<Vec<StudyRef>, CatalogError> {
    let rows = database.query(Statement::new(UP_TO, vec![institution.into(), study.into(), limit.into()]));
    rows.await?.iter().map(|row| row.get_reference(0)).collect()
}

/// Keeps the key of a study. The transaction fails with [`CatalogError::Constraint`] when there is one, or when
/// its patient key is gone.
#[must_use]
pub fn insert(key: &StudyKey) -> Statement {
    let bound = vec![
        (&key.line.institution).into(),
        key.line.grade.into(),
        key.line.suite.as_str().into(),
        key.study.into(),
        key.patient.into(),
        key.kek_version.into(),
        key.wrapped.as_slice().into(),
        key.made.into(),
    ];
    Statement::new(INSERT, bound).expecting(1)
}

/// At most `limit` keys of a line that are wrapped under a version before `kek_version`, each with the patient
/// key above it.
///
/// # Errors
/// As [`Database::query`].
pub async fn older(
    database: &Database,
    line: &KekLine,
    kek_version: u32,
    limit: u32,
) -> Result<Vec<(StudyKey, PatientKey)>, CatalogError> {
    let bound = vec![
        (&line.institution).into(),
        line.grade.into(),
        line.suite.as_str().into(),
        kek_version.into(),
        limit.into(),
    ];
    database.query(Statement::new(OLDER, bound)).await?.iter().map(with_patient).collect()
}

/// Replaces the wrap of a key. The transaction fails with [`CatalogError::UnexpectedRows`] when it is no longer
/// wrapped under version `from`.
#[must_use]
pub fn rewrap(key: &StudyKey, from: u32) -> Statement {
    let bound = vec![
        key.kek_version.into(),
        key.wrapped.as_slice().into(),
        (&key.line.institution).into(),
        key.study.into(),
        from.into(),
    ];
    Statement::new(REWRAP, bound).expecting(1)
}

/// How many keys an institution has.
///
/// # Errors
/// As [`Database::query`].
pub async fn counts(database: &Database, institution: &InstitutionId) -> Result<KeyCounts, CatalogError> {
    let rows = database.query(Statement::new(COUNTS, vec![institution.into()])).await?;
    let Some(row) = rows.first() else { return Ok(KeyCounts { patients: 0, studies: 0 }) };
    Ok(KeyCounts { patients: row.get_number(0)?, studies: row.get_number(1)? })
}

fn with_patient(row: &Row) -> Result<(StudyKey, PatientKey), CatalogError> {
    let study = StudyKey {
        line: KekLine {
            institution: row.get_checked(0)?,
            grade: row.get_word(1)?,
            suite: row.get_text(2)?.to_owned(),
        },
        study: row.get_reference(3)?,
        patient: row.get_reference(4)?,
        kek_version: row.get_number(5)?,
        wrapped: row.get_bytes(6)?.to_vec(),
        made: row.get_timestamp(9)?,
    };
    let patient = PatientKey { kek_version: row.get_number(7)?, wrapped: row.get_bytes(8)?.to_vec() };
    Ok((study, patient))
}

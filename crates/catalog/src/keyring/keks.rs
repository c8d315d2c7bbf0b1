//! Key-encryption keys, their versions and how often each was used.

use super::KekLine;
use crate::{CatalogError, Database, Row, Sql, Statement, Value};
use std::collections::HashMap;
use std::str::FromStr;
use yingdun_model::{InstitutionId, Timestamp};

/// Whether a version still wraps new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KekState {
    /// Wraps and unwraps. Each line has at most one.
    Active,
    /// Unwraps only.
    Retired,
}

impl FromStr for KekState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "active" => Ok(Self::Active),
            "retired" => Ok(Self::Retired),
            _ => Err(()),
        }
    }
}

/// One version of a key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kek {
    /// Which version, from 1.
    pub version: u32,
    /// Whether it still wraps.
    pub state: KekState,
    /// How many keys it has wrapped.
    pub uses: u64,
    /// The epoch under whose key it is wrapped; 0 for one that is wrapped under the root key itself, as all were before there
    /// were epochs.
    pub epoch: u64,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

/// A version with the line it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineKek {
    /// What it belongs to.
    pub line: KekLine,
    /// The version.
    pub kek: Kek,
}

const ACTIVE: Sql = Sql::new(
    "SELECT version, state, uses, wrapped, created_ms, COALESCE(epoch, 0) FROM key_encryption_key \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND state = 'active'",
);
const VERSION: Sql = Sql::new(
    "SELECT version, state, uses, wrapped, created_ms, COALESCE(epoch, 0) FROM key_encryption_key \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND version = $4",
);
const OF_INSTITUTION: Sql = Sql::new(
    "SELECT version, state, uses, wrapped, created_ms, COALESCE(epoch, 0), grade, suite FROM key_encryption_key \
     WHERE institution = $1 ORDER BY grade, suite, version",
);
const INSERT_ACTIVE: Sql = Sql::new(
    "INSERT INTO key_encryption_key (institution, grade, suite, version, state, uses, wrapped, created_ms, epoch) \
     VALUES ($1, $2, $3, $4, 'active', 0, $5, $6, $7)",
);
const OUTSIDE: Sql = Sql::new(
    "SELECT version, state, uses, wrapped, created_ms, COALESCE(epoch, 0), grade, suite, institution \
     FROM key_encryption_key WHERE COALESCE(epoch, 0) <> $1 LIMIT $2",
);
const REWRAP: Sql = Sql::new(
    "UPDATE key_encryption_key SET epoch = $1, wrapped = $2 \
     WHERE institution = $3 AND grade = $4 AND suite = $5 AND version = $6 AND COALESCE(epoch, 0) = $7",
);
const RETIRE: Sql = Sql::new(
    "UPDATE key_encryption_key SET state = 'retired' \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND version = $4 AND state = 'active'",
);
const DELETE_RETIRED: Sql = Sql::new(
    "DELETE FROM key_encryption_key \
     WHERE institution = $1 AND grade = $2 AND suite = $3 AND version = $4 AND state = 'retired'",
);
const PATIENTS_UNDER: Sql = Sql::new(
    "SELECT grade, suite, kek_version, COUNT(*) FROM patient_key \
     WHERE institution = $1 GROUP BY grade, suite, kek_version",
);
const STUDIES_UNDER: Sql = Sql::new(
    "SELECT grade, suite, kek_version, COUNT(*) FROM study_key \
     WHERE institution = $1 GROUP BY grade, suite, kek_version",
);
const COUNT_USES: Sql = Sql::new(
    "UPDATE key_encryption_key SET uses = uses + $1 WHERE institution = $2 AND grade = $3 AND suite = $4 \
     AND version = $5 AND state = 'active' AND uses <= $6",
);

/// The version that wraps new keys.
///
/// # Errors
/// As [`Database::query`].
pub async fn active(database: &Database, line: &KekLine) -> Result<Option<Kek>, CatalogError> {
    let rows = database.query(Statement::new(ACTIVE, values(line))).await?;
    rows.first().map(kek).transpose()
}

/// One version.
///
/// # Errors
/// As [`Database::query`].
pub async fn version(database: &Database, line: &KekLine, version: u32) -> Result<Option<Kek>, CatalogError> {
    let mut bound = values(line);
    bound.push(version.into());
    let rows = database.query(Statement::new(VERSION, bound)).await?;
    rows.first().map(kek).transpose()
}

/// Every version of every line of an institution, oldest version first within each line.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_institution(
    database: &Database,
    institution: &InstitutionId,
) -> Result<Vec<LineKek>, CatalogError> {
    let rows = database.query(Statement::new(OF_INSTITUTION, vec![institution.into()])).await?;
    rows.iter()
        .map(|row| {
            let (institution, suite) = (institution.clone(), row.get_text(7)?.to_owned());
            Ok(LineKek { line: KekLine { institution, grade: row.get_word(6)?, suite }, kek: kek(row)? })
        })
        .collect()
}

/// At most `limit` versions of any institution that are wrapped under another key than that of this epoch.
///
/// # Errors
/// As [`Database::query`].
pub async fn outside(database: &Database, epoch: u64, limit: u32) -> Result<Vec<LineKek>, CatalogError> {
    let rows = database.query(Statement::new(OUTSIDE, vec![super::number(epoch), limit.into()])).await?;
    rows.iter()
        .map(|row| {
            let (institution, suite) = (row.get_checked(8)?, row.get_text(7)?.to_owned());
            Ok(LineKek { line: KekLine { institution, grade: row.get_word(6)?, suite }, kek: kek(row)? })
        })
        .collect()
}

/// Replaces the wrap of a version. The transaction fails with [`CatalogError::UnexpectedRows`] when it is no longer wrapped under the
/// key of epoch `from`.
#[must_use]
pub fn rewrap(line: &KekLine, version: u32, from: u64, to: u64, wrapped: &[u8]) -> Statement {
    let mut bound = vec![super::number(to), wrapped.into()];
    bound.extend(values(line));
    bound.extend([version.into(), super::number(from)]);
    Statement::new(REWRAP, bound).expecting(1)
}

/// Keeps a new active version, wrapped under the key of an epoch. The transaction fails with [`CatalogError::Constraint`] when the
/// version exists, another one is still active, or the epoch is over.
#[must_use]
pub fn insert_active(line: &KekLine, version: u32, epoch: u64, wrapped: &[u8], now: Timestamp) -> Statement {
    let mut bound = values(line);
    bound.extend([version.into(), wrapped.into(), now.into(), super::number(epoch)]);
    Statement::new(INSERT_ACTIVE, bound).expecting(1)
}

/// Retires a version. The transaction fails with [`CatalogError::UnexpectedRows`] when it is not active.
#[must_use]
pub fn retire(line: &KekLine, version: u32) -> Statement {
    let mut bound = values(line);
    bound.push(version.into());
    Statement::new(RETIRE, bound).expecting(1)
}

/// Deletes a retired version for good. The transaction fails with [`CatalogError::Constraint`] as long as a patient or
/// study key is wrapped under it, and with [`CatalogError::UnexpectedRows`] when it is active or gone.
#[must_use]
pub fn delete_retired(line: &KekLine, version: u32) -> Statement {
    let mut bound = values(line);
    bound.push(version.into());
    Statement::new(DELETE_RETIRED, bound).expecting(1)
}

/// How many patient and study keys of an institution are wrapped under each version of each line.
///
/// # Errors
/// As [`Database::query`].
pub async fn keys_under(
    database: &Database,
    institution: &InstitutionId,
) -> Result<HashMap<(KekLine, u32), u64>, CatalogError> {
    let mut counts = HashMap::new();
    for sql in [PATIENTS_UNDER, STUDIES_UNDER] {
        for row in database.query(Statement::new(sql, vec![institution.into()])).await? {
            let (institution, suite) = (institution.clone(), row.get_text(1)?.to_owned());
            let line = KekLine { institution, grade: row.get_word(0)?, suite };
            *counts.entry((line, row.get_number(2)?)).or_default() += row.get_number::<u64>(3)?;
        }
    }
    Ok(counts)
}

/// Counts `times` uses of an active version. The transaction fails with [`CatalogError::UnexpectedRows`] when the
/// version is no longer active, or when the count would pass `uses_max`.
#[must_use]
pub fn count_uses(line: &KekLine, version: u32, times: u32, uses_max: u64) -> Statement {
    // The highest count from which `times` more are allowed; a bound of 2^63 or more is no bound.
    let from_max = i64::try_from(uses_max).unwrap_or(i64::MAX) - i64::from(times);
    let mut bound = vec![Value::from(times)];
    bound.extend(values(line));
    bound.extend([version.into(), from_max.into()]);
    Statement::new(COUNT_USES, bound).expecting(1)
}

fn values(line: &KekLine) -> Vec<Value> {
    vec![(&line.institution).into(), line.grade.into(), line.suite.as_str().into()]
}

fn kek(row: &Row) -> Result<Kek, CatalogError> {
    Ok(Kek {
        version: row.get_number(0)?,
        state: row.get_word(1)?,
        uses: row.get_number(2)?,
        wrapped: row.get_bytes(3)?.to_vec(),
        created: row.get_timestamp(4)?,
        epoch: row.get_number(5)?,
    })
}

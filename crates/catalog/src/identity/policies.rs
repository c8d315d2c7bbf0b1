//! Rules of the institution: versions that were proposed, who approved them, and which was in force from when on.
//!
//! Rows are added. Of a version only its end is written later: that it was rejected or withdrawn, or that it was put into force. An approval that
//! lapsed gives way to one that counts. What rows say is sealed beside them by the room above, so that a row that somebody else wrote is noticed.

use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// A version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// Its number, from 1.
    pub version: u64,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// Text and words, as the room above sealed them.
    pub sealed: Vec<u8>,
    /// With which activation it was compared when it was proposed; 0 for none.
    pub base: u64,
    /// By whom it was proposed.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// When it was put into force for the first time.
    pub activated: Option<Timestamp>,
    /// How it ended otherwise, a word of the room above; by whom, and when.
    pub closed: Option<(String, ActorId, Timestamp)>,
}

/// What one person said for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// Of which version.
    pub version: u64,
    /// In which office.
    pub office: Role,
    /// Who.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// The same with the digest that was approved, sealed.
    pub sealed: Vec<u8>,
}

/// From when on a version was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRow {
    /// Its number, from 1 without a gap.
    pub number: u64,
    /// Which version; 0 for none.
    pub version: u64,
    /// Until when it counts, where it ends by itself.
    pub until: Option<Timestamp>,
    /// By whom.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// The same with the digest of the text and why, sealed.
    pub sealed: Vec<u8>,
    /// Who looked at it afterwards, and when.
    pub reviewed: Option<(ActorId, Timestamp)>,
}

const INSERT_VERSION: Sql = Sql::new(
    "INSERT INTO policy_version (institution, version, digest, sealed, base, proposed_by, proposed_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const VERSIONS: Sql = Sql::new(
    "SELECT version, digest, sealed, base, proposed_by, proposed_ms, activated_ms, closed, closed_by, closed_ms \
     FROM policy_version WHERE institution = $1 ORDER BY version DESC LIMIT $2",
);
const VERSION: Sql = Sql::new(
    "SELECT version, digest, sealed, base, proposed_by, proposed_ms, activated_ms, closed, closed_by, closed_ms \
     FROM policy_version WHERE institution = $1 AND version = $2",
);
/// Holds the version as it is until the transaction ends.
const STILL_OPEN: Sql = Sql::new(
    "UPDATE policy_version SET base = base WHERE institution = $1 AND version = $2 AND digest = $3 \
     AND closed IS NULL AND activated_ms IS NULL",
);
const CLOSE: Sql = Sql::new(
    "UPDATE policy_version SET closed = $1, closed_by = $2, closed_ms = $3 \
     WHERE institution = $4 AND version = $5 AND closed IS NULL AND activated_ms IS NULL",
);
const ACTIVATED: Sql = Sql::new(
    "UPDATE policy_version SET activated_ms = $1 \
     WHERE institution = $2 AND version = $3 AND closed IS NULL AND activated_ms IS NULL",
);
const APPROVE: Sql = Sql::new(
    "INSERT INTO policy_approval (institution, version, office, approved_by, approved_ms, sealed) \
     VALUES ($1, $2, $3, $4, $5, $6)",
);
const TAKE_BACK: Sql = Sql::new(
    "DELETE FROM policy_approval WHERE institution = $1 AND version = $2 AND office = $3 AND approved_by = $4 AND approved_ms = $5",
);
const APPROVALS: Sql = Sql::new(
    "SELECT version, office, approved_by, approved_ms, sealed FROM policy_approval \
     WHERE institution = $1 AND version = $2 ORDER BY approved_ms, office",
);
const ACTIVATE: Sql = Sql::new(
    "INSERT INTO policy_activation (institution, number, version, until_ms, activated_by, activated_ms, sealed) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const ACTIVATIONS: Sql = Sql::new(
    "SELECT number, version, until_ms, activated_by, activated_ms, sealed, reviewed_by, reviewed_ms \
     FROM policy_activation WHERE institution = $1 ORDER BY number DESC LIMIT $2",
);
const LASTING: Sql = Sql::new(
    "SELECT number, version, until_ms, activated_by, activated_ms, sealed, reviewed_by, reviewed_ms \
     FROM policy_activation WHERE institution = $1 AND until_ms IS NULL ORDER BY number DESC LIMIT 1",
);
const REVIEW: Sql = Sql::new(
    "UPDATE policy_activation SET reviewed_by = $1, reviewed_ms = $2 \
     WHERE institution = $3 AND number = $4 AND until_ms IS NOT NULL AND reviewed_ms IS NULL",
);

/// Adds a version. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, row: &VersionRow) -> Statement {
    Statement::new(
        INSERT_VERSION,
        vec![
            institution.into(),
            number_value(row.version),
            row.digest.to_vec().into(),
            row.sealed.clone().into(),
            number_value(row.base),
            (&row.by).into(),
            row.at.into(),
        ],
    )
    .expecting(1)
}

/// Versions, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn versions(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<VersionRow>, CatalogError> {
    let rows = database.query(Statement::new(VERSIONS, vec![institution.into(), limit.into()])).await?;
    rows.iter().map(version_of).collect()
}

/// One version.
///
/// # Errors
/// As [`Database::query`].
pub async fn version(
    database: &Database,
    institution: &InstitutionId,
    version: u64,
) -> Result<Option<VersionRow>, CatalogError> {
    let values = vec![institution.into(), number_value(version)];
    database.query(Statement::new(VERSION, values)).await?.first().map(version_of).transpose()
}

/// Ends a version that nobody put into force. The transaction fails with [`CatalogError::UnexpectedRows`] when it is over already.
#[must_use]
pub fn close(
    institution: &InstitutionId,
    version: u64,
    word: &'static str,
    by: &ActorId,
    at: Timestamp,
) -> Statement {
    let values = vec![word.into(), by.into(), at.into(), institution.into(), number_value(version)];
    Statement::new(CLOSE, values).expecting(1)
}

/// Adds what one person said, if the version still waits and has this digest. Of each office one, and of each person one, or it is a
/// [`CatalogError::Constraint`]; a version that is over is [`CatalogError::UnexpectedRows`].
#[must_use]
pub fn approve(institution: &InstitutionId, digest: &[u8; 32], row: &ApprovalRow) -> Vec<Statement> {
    let still_open = vec![institution.into(), number_value(row.version), digest.to_vec().into()];
    let values = vec![
        institution.into(),
        number_value(row.version),
        row.office.as_str().into(),
        (&row.by).into(),
        row.at.into(),
        row.sealed.clone().into(),
    ];
    vec![Statement::new(STILL_OPEN, still_open).expecting(1), Statement::new(APPROVE, values).expecting(1)]
}

/// Takes an approval away that lapsed: goes before [`approve`], or the office would have said something already. The transaction fails with
/// [`CatalogError::UnexpectedRows`] when it is another one by now.
#[must_use]
pub fn take_back(institution: &InstitutionId, row: &ApprovalRow) -> Statement {
    let values = vec![
        institution.into(),
        number_value(row.version),
        row.office.as_str().into(),
        (&row.by).into(),
        row.at.into(),
    ];
    Statement::new(TAKE_BACK, values).expecting(1)
}

/// Who approved a version.
///
/// # Errors
/// As [`Database::query`].
pub async fn approvals(
    database: &Database,
    institution: &InstitutionId,
    version: u64,
) -> Result<Vec<ApprovalRow>, CatalogError> {
    let values = vec![institution.into(), number_value(version)];
    let of = |row: &Row| {
        Ok(ApprovalRow {
            version: row.get_number(0)?,
            office: row.get_word(1)?,
            by: actor(row, 2)?,
            at: row.get_timestamp(3)?,
            sealed: row.get_bytes(4)?.to_vec(),
        })
    };
    database.query(Statement::new(APPROVALS, values)).await?.iter().map(of).collect()
}

/// Puts something into force. A number that is taken, as somebody else was faster, is a [`CatalogError::Constraint`].
#[must_use]
pub fn activate(institution: &InstitutionId, row: &ActivationRow) -> Statement {
    Statement::new(
        ACTIVATE,
        vec![
            institution.into(),
            number_value(row.number),
            number_value(row.version),
            row.until.into(),
            (&row.by).into(),
            row.at.into(),
            row.sealed.clone().into(),
        ],
    )
    .expecting(1)
}

/// Notes that a version was put into force. The transaction fails with [`CatalogError::UnexpectedRows`] when it is over or was already.
#[must_use]
pub fn activated(institution: &InstitutionId, version: u64, at: Timestamp) -> Statement {
    Statement::new(ACTIVATED, vec![at.into(), institution.into(), number_value(version)]).expecting(1)
}

/// What was put into force, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn activations(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<ActivationRow>, CatalogError> {
    let rows = database.query(Statement::new(ACTIVATIONS, vec![institution.into(), limit.into()])).await?;
    rows.iter().map(activation_of).collect()
}

/// The newest of those that do not end by themselves.
///
/// # Errors
/// As [`Database::query`].
pub async fn lasting(
    database: &Database,
    institution: &InstitutionId,
) -> Result<Option<ActivationRow>, CatalogError> {
    let rows = database.query(Statement::new(LASTING, vec![institution.into()])).await?;
    rows.first().map(activation_of).transpose()
}

/// Notes that somebody looked at what one person put into force alone. The transaction fails with [`CatalogError::UnexpectedRows`] when there is
/// nothing to look at, or somebody did.
#[must_use]
pub fn review(institution: &InstitutionId, number: u64, by: &ActorId, at: Timestamp) -> Statement {
    Statement::new(REVIEW, vec![by.into(), at.into(), institution.into(), number_value(number)]).expecting(1)
}

// === rows ===

fn number_value(number: u64) -> crate::Value {
    // What is larger is the number of nothing.
    i64::try_from(number).unwrap_or(-1).into()
}

fn version_of(row: &Row) -> Result<VersionRow, CatalogError> {
    let closed = match row.opt_text(7)? {
        None => None,
        Some(word) => Some((word.to_owned(), actor(row, 8)?, row.get_timestamp(9)?)),
    };
    Ok(VersionRow {
        version: row.get_number(0)?,
        digest: row.get_array(1)?,
        sealed: row.get_bytes(2)?.to_vec(),
        base: row.get_number(3)?,
        by: actor(row, 4)?,
        at: row.get_timestamp(5)?,
        activated: row.opt_i64(6)?.map(Timestamp::from_ms),
        closed,
    })
}

fn activation_of(row: &Row) -> Result<ActivationRow, CatalogError> {
    let reviewed = match row.opt_i64(7)? {
        None => None,
        Some(at) => Some((actor(row, 6)?, Timestamp::from_ms(at))),
    };
    Ok(ActivationRow {
        number: row.get_number(0)?,
        version: row.get_number(1)?,
        until: row.opt_i64(2)?.map(Timestamp::from_ms),
        by: actor(row, 3)?,
        at: row.get_timestamp(4)?,
        sealed: row.get_bytes(5)?.to_vec(),
        reviewed,
    })
}

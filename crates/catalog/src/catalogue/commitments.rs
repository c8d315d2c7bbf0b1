//! Storage commitment (PS3.4 annex J): who asked that which instances are kept, and how far the answer has come.
//!
//! Rows are written durably and survive [`wipe`](super::wipe): an acknowledged request is answered, whatever happens
//! in between. What was asked and what was found are bytes in the words of the room above; both name unique
//! identifiers only.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{AeTitle, InstitutionId, Timestamp, Uid};

/// Which transaction: a peer numbers its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitmentKey {
    /// Where.
    pub institution: InstitutionId,
    /// The title of the peer that asked.
    pub peer: AeTitle,
    /// The title by which it called us.
    pub called: AeTitle,
    /// Transaction UID (0008,1195).
    pub transaction: Uid,
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitmentState {
    /// Acknowledged; the instances are to be verified.
    Requested,
    /// Verified; the peer is to be told.
    Verified,
    /// The peer was told.
    Reported,
    /// The peer could not be told for so long that it is not tried any more. It may ask again.
    Abandoned,
}

impl CommitmentState {
    const ALL: [Self; 4] = [Self::Requested, Self::Verified, Self::Reported, Self::Abandoned];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Verified => "verified",
            Self::Reported => "reported",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether something remains to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Verified)
    }
}

impl std::str::FromStr for CommitmentState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Which.
    pub key: CommitmentKey,
    /// The references, as they were asked for.
    pub requested: Vec<u8>,
    /// How far it has come.
    pub state: CommitmentState,
    /// What was found; none before it was verified.
    pub result: Option<Vec<u8>>,
    /// How often the step that is due was tried without success.
    pub attempts: u32,
    /// While open: when the next step is due. Afterwards: since when it is not.
    pub due: Timestamp,
}

/// The change that keeps a new transaction. One that is known is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(key: &CommitmentKey, requested: Vec<u8>, now: Timestamp) -> Statement {
    let insert = "INSERT INTO storage_commitment \
         (institution, peer, called, transaction_uid, requested, state, result, attempts, due_ms) \
         VALUES ($1, $2, $3, $4, $5, 'requested', NULL, 0, $6)";
    let mut values = key_values(key);
    values.extend([requested.into(), now.into()]);
    Statement::new(insert, values).expecting(1)
}

/// The change that begins a transaction anew, with nothing found and nothing tried.
#[must_use]
pub fn begin_again(key: &CommitmentKey, now: Timestamp) -> Statement {
    let update = "UPDATE storage_commitment SET state = 'requested', result = NULL, attempts = 0, due_ms = $5 \
         WHERE institution = $1 AND peer = $2 AND called = $3 AND transaction_uid = $4";
    let mut values = key_values(key);
    values.push(now.into());
    Statement::new(update, values).expecting(1)
}

/// The change that keeps what was found and makes the report due at a moment. It fails with
/// [`CatalogError::UnexpectedRows`] when the transaction does not wait for that.
#[must_use]
pub fn verified(key: &CommitmentKey, result: Vec<u8>, report_due: Timestamp) -> Statement {
    let update = "UPDATE storage_commitment SET state = 'verified', result = $5, attempts = 0, due_ms = $6 \
         WHERE institution = $1 AND peer = $2 AND called = $3 AND transaction_uid = $4 AND state = 'requested'";
    let mut values = key_values(key);
    values.extend([result.into(), report_due.into()]);
    Statement::new(update, values).expecting(1)
}

/// The change that ends a verified transaction: reported or abandoned. One that was begun anew meanwhile is left as
/// it is, and no row changes.
#[must_use]
pub fn end(key: &CommitmentKey, state: CommitmentState, now: Timestamp) -> Statement {
    let update = "UPDATE storage_commitment SET state = $5, due_ms = $6 \
         WHERE institution = $1 AND peer = $2 AND called = $3 AND transaction_uid = $4 AND state = 'verified'";
    let mut values = key_values(key);
    values.extend([state.as_str().into(), now.into()]);
    Statement::new(update, values)
}

/// The change that puts the step that is due off to a later moment, after so many attempts.
#[must_use]
pub fn put_off(key: &CommitmentKey, state: CommitmentState, attempts: u32, until: Timestamp) -> Statement {
    let update = "UPDATE storage_commitment SET attempts = $5, due_ms = $6 \
         WHERE institution = $1 AND peer = $2 AND called = $3 AND transaction_uid = $4 AND state = $7";
    let mut values = key_values(key);
    values.extend([attempts.into(), until.into(), state.as_str().into()]);
    Statement::new(update, values)
}

/// The change that deletes transactions which ended before a moment.
#[must_use]
pub fn forget_ended(before: Timestamp) -> Statement {
    let delete = "DELETE FROM storage_commitment WHERE state IN ('reported', 'abandoned') AND due_ms < $1";
    Statement::new(delete, vec![before.into()])
}

/// A transaction.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, key: &CommitmentKey) -> Result<Option<Commitment>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(&key.institution);
    select.push(" AND peer = ").bind(key.peer.as_str()).push(" AND called = ").bind(key.called.as_str());
    select.push(" AND transaction_uid = ").bind(&key.transaction);
    database.look_up(select.finish()).await?.first().map(commitment_of).transpose()
}

/// Transactions in a state whose next step is due, the longest waiting first.
///
/// # Errors
/// As [`Database::query`].
pub async fn due(
    database: &Database,
    state: CommitmentState,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Commitment>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE state = ").bind(state.as_str());
    select.push(" AND due_ms <= ").bind(now).push(" ORDER BY due_ms, transaction_uid LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(commitment_of).collect()
}

/// How many transactions of a peer are open.
///
/// # Errors
/// As [`Database::query`].
pub async fn open_count(
    database: &Database,
    institution: &InstitutionId,
    peer: &AeTitle,
) -> Result<u64, CatalogError> {
    let count = "SELECT count(*) FROM storage_commitment \
         WHERE institution = $1 AND peer = $2 AND state IN ('requested', 'verified')";
    let rows = database.query(Statement::new(count, vec![institution.into(), peer.as_str().into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

// === rows ===

const SELECT: &str = "SELECT institution, peer, called, transaction_uid, requested, state, result, attempts, \
     due_ms FROM storage_commitment ";

fn key_values(key: &CommitmentKey) -> Vec<crate::Value> {
    let CommitmentKey { institution, peer, called, transaction } = key;
    vec![institution.into(), peer.as_str().into(), called.as_str().into(), transaction.into()]
}

fn commitment_of(row: &Row) -> Result<Commitment, CatalogError> {
    Ok(Commitment {
        key: CommitmentKey {
            institution: row.get_checked(0)?,
            peer: row.get_checked(1)?,
            called: row.get_checked(2)?,
            transaction: row.get_checked(3)?,
        },
        requested: row.get_bytes(4)?.to_vec(),
        state: row.get_word(5)?,
        result: row.opt_bytes(6)?.map(<[u8]>::to_vec),
        attempts: row.get_number(7)?,
        due: row.get_timestamp(8)?,
    })
}

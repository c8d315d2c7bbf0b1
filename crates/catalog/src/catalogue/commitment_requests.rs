//! Storage commitment that others are asked for (PS3.4 annex J, as its user): of which device, for which instances, and what
//! came of it.
//!
//! Rows are written durably and survive [`wipe`](super::wipe): a question that was taken is put, and its answer is recognised,
//! whatever happens in between. What is asked and what came are bytes in the words of the room above; both name unique
//! identifiers only.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use yingdun_model::{AeTitle, InstitutionId, Timestamp, Uid};

/// Which question: its transaction is unique, because it is ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitmentRequestKey {
    /// Where.
    pub institution: InstitutionId,
    /// Transaction UID (0008,1195).
    pub transaction: Uid,
}

/// How far a question has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitmentRequestState {
    /// To be put.
    Asking,
    /// The device has taken it and owes the answer.
    Waiting,
    /// The answer is here.
    Answered,
    /// The device did not take it.
    Failed,
    /// The device took it and did not answer for so long that nobody waits any more.
    Unanswered,
}

impl CommitmentRequestState {
    const ALL: [Self; 5] = [Self::Asking, Self::Waiting, Self::Answered, Self::Failed, Self::Unanswered];

    /// The word of the row and of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Waiting => "waiting",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
        }
    }

    /// Whether something remains to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asking | Self::Waiting)
    }
}

impl std::str::FromStr for CommitmentRequestState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentQuestion {
    /// Which.
    pub key: CommitmentRequestKey,
    /// The title of the device.
    pub device: AeTitle,
    /// The title by which it knows us.
    pub calling: AeTitle,
    /// For whom it is put.
    pub owner: String,
    /// The references.
    pub requested: Vec<u8>,
    /// How far it has come.
    pub state: CommitmentRequestState,
    /// What the device said of each; none before it has.
    pub result: Option<Vec<u8>>,
    /// Why it was not put, or was put off.
    pub fault: Option<String>,
    /// How often it was tried to put it.
    pub attempts: u32,
    /// When it was asked for.
    pub began: Timestamp,
    /// While open: when the next step is due. Afterwards: since when it is not.
    pub due: Timestamp,
}

/// The change that keeps a new question, which is to be put now.
#[must_use]
pub fn insert(question: &CommitmentQuestion) -> Statement {
    let insert = "INSERT INTO commitment_request \
         (institution, transaction_uid, device, calling, owner, requested, state, result, fault, attempts, began_ms, due_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, 'asking', NULL, NULL, 0, $7, $7)";
    let mut values = key_values(&question.key);
    values.extend([
        question.device.as_str().into(),
        question.calling.as_str().into(),
        question.owner.as_str().into(),
        question.requested.clone().into(),
        question.began.into(),
    ]);
    Statement::new(insert, values).expecting(1)
}

/// The change by which one node takes a question that is due, until a moment at which another may. No row changes when another
/// was faster.
#[must_use]
pub fn claim(question: &CommitmentQuestion, until: Timestamp) -> Statement {
    let update = "UPDATE commitment_request SET due_ms = $4 \
         WHERE institution = $1 AND transaction_uid = $2 AND state = 'asking' AND due_ms = $3";
    let mut values = key_values(&question.key);
    values.extend([question.due.into(), until.into()]);
    Statement::new(update, values)
}

/// The change that the device has taken the question, and how long its answer is waited for. One that was answered already
/// stays so.
#[must_use]
pub fn acknowledged(key: &CommitmentRequestKey, until: Timestamp) -> Statement {
    let update = "UPDATE commitment_request SET state = 'waiting', fault = NULL, due_ms = $3 \
         WHERE institution = $1 AND transaction_uid = $2 AND state = 'asking'";
    let mut values = key_values(key);
    values.push(until.into());
    Statement::new(update, values)
}

/// The change that the question is put again at a moment, after so many attempts, and why.
#[must_use]
pub fn put_off(key: &CommitmentRequestKey, attempts: u32, until: Timestamp, fault: &str) -> Statement {
    let update = "UPDATE commitment_request SET attempts = $3, due_ms = $4, fault = $5 \
         WHERE institution = $1 AND transaction_uid = $2 AND state = 'asking'";
    let mut values = key_values(key);
    values.extend([attempts.into(), until.into(), fault.into()]);
    Statement::new(update, values)
}

/// The change that keeps the answer. One that comes late counts; the first one counts.
#[must_use]
pub fn answered(key: &CommitmentRequestKey, result: Vec<u8>, now: Timestamp) -> Statement {
    let update = "UPDATE commitment_request SET state = 'answered', result = $3, fault = NULL, due_ms = $4 \
         WHERE institution = $1 AND transaction_uid = $2 AND state <> 'answered'";
    let mut values = key_values(key);
    values.extend([result.into(), now.into()]);
    Statement::new(update, values)
}

/// The change that ends a question without an answer.
#[must_use]
pub fn end(
    key: &CommitmentRequestKey,
    state: CommitmentRequestState,
    fault: &str,
    now: Timestamp,
) -> Statement {
    let update = "UPDATE commitment_request SET state = $3, fault = $4, due_ms = $5 \
         WHERE institution = $1 AND transaction_uid = $2 AND state IN ('asking', 'waiting')";
    let mut values = key_values(key);
    values.extend([state.as_str().into(), fault.into(), now.into()]);
    Statement::new(update, values)
}

/// The change that deletes questions which ended before a moment.
#[must_use]
pub fn forget_ended(before: Timestamp) -> Statement {
    let delete = "DELETE FROM commitment_request \
         WHERE state IN ('answered', 'failed', 'unanswered') AND due_ms < $1";
    Statement::new(delete, vec![before.into()])
}

/// A question.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    key: &CommitmentRequestKey,
) -> Result<Option<CommitmentQuestion>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(&key.institution);
    select.push(" AND transaction_uid = ").bind(&key.transaction);
    database.query(select.finish()).await?.first().map(question_of).transpose()
}

/// Questions in a state whose next step is due, the longest waiting first.
///
/// # Errors
/// As [`Database::query`].
pub async fn due(
    database: &Database,
    state: CommitmentRequestState,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<CommitmentQuestion>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE state = ").bind(state.as_str());
    select.push(" AND due_ms <= ").bind(now).push(" ORDER BY due_ms, transaction_uid LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(question_of).collect()
}

/// The questions of an owner, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_owner(
    database: &Database,
    institution: &InstitutionId,
    owner: &str,
    limit: u32,
) -> Result<Vec<CommitmentQuestion>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution).push(" AND owner = ").bind(owner);
    select.push(" ORDER BY began_ms DESC, transaction_uid LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(question_of).collect()
}

/// How many questions of an owner are open.
///
/// # Errors
/// As [`Database::query`].
pub async fn open_count(
    database: &Database,
    institution: &InstitutionId,
    owner: &str,
) -> Result<u64, CatalogError> {
    let count = "SELECT count(*) FROM commitment_request \
         WHERE institution = $1 AND owner = $2 AND state IN ('asking', 'waiting')";
    let rows = database.query(Statement::new(count, vec![institution.into(), owner.into()])).await?;
    rows.first().map_or(Ok(0), |row| row.get_number(0))
}

// === rows ===

const SELECT: &str = "SELECT institution, transaction_uid, device, calling, owner, requested, state, result, fault, \
     attempts, began_ms, due_ms FROM commitment_request ";

fn key_values(key: &CommitmentRequestKey) -> Vec<Value> {
    vec![(&key.institution).into(), (&key.transaction).into()]
}

fn question_of(row: &Row) -> Result<CommitmentQuestion, CatalogError> {
    Ok(CommitmentQuestion {
        key: CommitmentRequestKey { institution: row.get_checked(0)?, transaction: row.get_checked(1)? },
        device: row.get_checked(2)?,
        calling: row.get_checked(3)?,
        owner: row.get_text(4)?.to_owned(),
        requested: row.get_bytes(5)?.to_vec(),
        state: row.get_word(6)?,
        result: row.opt_bytes(7)?.map(<[u8]>::to_vec),
        fault: row.opt_text(8)?.map(str::to_owned),
        attempts: row.get_number(9)?,
        began: row.get_timestamp(10)?,
        due: row.get_timestamp(11)?,
    })
}

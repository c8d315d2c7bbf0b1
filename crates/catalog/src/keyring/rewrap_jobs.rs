//! How far an institution is with wrapping its keys again, in one row. The row says whether work goes on and who does
//! it; what is left to do is told by the keys themselves, so that no crash can make the two differ.

use crate::{CatalogError, Database, Sql, Statement, Value};
use std::str::FromStr;
use yingdun_model::{InstitutionId, Timestamp};

/// The bytes by which a process knows the work that it holds.
pub type Holder = [u8; 16];

/// Whether work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewrapState {
    /// It goes on, also after a restart.
    Running,
    /// Somebody stopped it; it can be begun again.
    Stopped,
    /// Nothing was left.
    Done,
}

impl RewrapState {
    /// The word under which the state is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

impl FromStr for RewrapState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Running, Self::Stopped, Self::Done].into_iter().find(|state| state.as_str() == word).ok_or(())
    }
}

/// The newest job of an institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapJob {
    /// Whether work goes on.
    pub state: RewrapState,
    /// When it was begun.
    pub begun: Timestamp,
    /// Keys that were to be wrapped again then.
    pub keys_total: u64,
    /// Keys that were wrapped again since.
    pub keys_done: u64,
    /// Milliseconds of work, without the time in which it was stopped or nothing ran.
    pub worked_ms: u64,
    /// Who works on it, or did last.
    pub holder: Holder,
    /// Until when nobody else takes it over.
    pub held_until: Timestamp,
}

const FIND: Sql = Sql::new(
    "SELECT state, begun_ms, keys_total, keys_done, worked_ms, holder, held_until_ms FROM rewrap_job \
     WHERE institution = $1",
);
const BEGIN: Sql = Sql::new(
    "INSERT INTO rewrap_job \
     (institution, state, begun_ms, keys_total, keys_done, worked_ms, holder, held_until_ms) \
     VALUES ($1, 'running', $2, $3, 0, 0, $4, 0) \
     ON CONFLICT (institution) DO UPDATE SET state = 'running', begun_ms = EXCLUDED.begun_ms, \
     keys_total = EXCLUDED.keys_total, keys_done = 0, worked_ms = 0, holder = EXCLUDED.holder, held_until_ms = 0 \
     WHERE rewrap_job.state = 'done'",
);
const RESUME: Sql =
    Sql::new("UPDATE rewrap_job SET state = 'running' WHERE institution = $1 AND state = 'stopped'");
const STOP: Sql =
    Sql::new("UPDATE rewrap_job SET state = 'stopped' WHERE institution = $1 AND state = 'running'");
const ADVANCE: Sql = Sql::new(
    "UPDATE rewrap_job SET keys_done = keys_done + $1, worked_ms = worked_ms + $2, holder = $3, \
     held_until_ms = $4 \
     WHERE institution = $5 AND state = 'running' AND (holder = $3 OR held_until_ms <= $6)",
);
const FINISH: Sql = Sql::new(
    "UPDATE rewrap_job SET state = 'done' \
     WHERE institution = $1 AND state = 'running' AND (holder = $2 OR held_until_ms <= $3)",
);

/// The newest job of an institution.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
) -> Result<Option<RewrapJob>, CatalogError> {
    let rows = database.look_up(Statement::new(FIND, vec![institution.into()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(RewrapJob {
        state: row.get_word(0)?,
        begun: row.get_timestamp(1)?,
        keys_total: row.get_number(2)?,
        keys_done: row.get_number(3)?,
        worked_ms: row.get_number(4)?,
        holder: row.get_array(5)?,
        held_until: row.get_timestamp(6)?,
    }))
}

/// Begins a job, held by nobody. The transaction fails with [`CatalogError::UnexpectedRows`] when one runs or is stopped.
#[must_use]
pub fn begin(institution: &InstitutionId, keys_total: u64, now: Timestamp) -> Statement {
    let nobody: Holder = [0; 16];
    let bound = vec![institution.into(), now.into(), number(keys_total), nobody.into()];
    Statement::new(BEGIN, bound).expecting(1)
}

/// Lets a stopped job go on. The transaction fails with [`CatalogError::UnexpectedRows`] when none is stopped.
#[must_use]
pub fn resume(institution: &InstitutionId) -> Statement {
    Statement::new(RESUME, vec![institution.into()]).expecting(1)
}

/// Stops a job: from then on no batch commits. The transaction fails with [`CatalogError::UnexpectedRows`] when none
/// runs.
#[must_use]
pub fn stop(institution: &InstitutionId) -> Statement {
    Statement::new(STOP, vec![institution.into()]).expecting(1)
}

/// Counts a batch, to be written in one transaction with it, and holds the job until `held_until`. The transaction fails
/// with [`CatalogError::UnexpectedRows`] when the job was stopped or somebody else holds it.
#[must_use]
pub fn advance(
    institution: &InstitutionId,
    holder: Holder,
    keys: u32,
    worked_ms: u64,
    now: Timestamp,
    held_until: Timestamp,
) -> Statement {
    let bound = vec![
        keys.into(),
        number(worked_ms),
        holder.into(),
        held_until.into(),
        institution.into(),
        now.into(),
    ];
    Statement::new(ADVANCE, bound).expecting(1)
}

/// Ends a job of which nothing is left. The transaction fails with [`CatalogError::UnexpectedRows`] as for
/// [`advance`].
#[must_use]
pub fn finish(institution: &InstitutionId, holder: Holder, now: Timestamp) -> Statement {
    Statement::new(FINISH, vec![institution.into(), holder.into(), now.into()]).expecting(1)
}

fn number(value: u64) -> Value {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}

//! Jobs that people asked for and do not wait for, as rows that every node reads; and the workers that they are done by.
//!
//! ```text
//!  worker: a process at its store, which moves its count ─► job: state, counts, sealed details ─► whoever asks, at any node
//!    ▲                                                        ▲
//!    └── watched by the others, by clocks of their own        └── a wish to cancel, from any node
//! ```
//!
//! A job dies with its process and is taken over by nobody. It is said to be over by its worker, by the next process at the same
//! store, or by another node that has seen the count of the worker rest ([`interrupt`]). Whoever says that in error takes the
//! worker its place: it notices at its next beat, and ends what it has.
//!
//! Rows survive [`wipe`](super::wipe). What a job is about is sealed by the room above.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder, Value};
use yingdun_model::{InstitutionId, JobKind, JobState, StoreNumber, Timestamp};

/// The process of a worker that was taken for dead: of none.
const NOBODY: [u8; 16] = [0; 16];

/// Which job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// Where.
    pub institution: InstitutionId,
    /// A random number.
    pub id: [u8; 16],
}

/// A process that works on jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    /// The store of its node.
    pub store: StoreNumber,
    /// A random number for each process.
    pub process: [u8; 16],
}

/// A worker, and the count that it moves while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Who.
    pub worker: Worker,
    /// How often it has moved.
    pub beats: i64,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Objects in all, as far as is known.
    pub total: u64,
    /// Objects that were taken.
    pub completed: u64,
    /// Objects that were taken with a warning.
    pub warning: u64,
    /// Objects that were not taken.
    pub failed: u64,
}

impl JobCounts {
    /// Objects of which nothing has been heard yet.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.total.saturating_sub(self.completed.saturating_add(self.warning).saturating_add(self.failed))
    }
}

/// A job as its row tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Which.
    pub key: JobKey,
    /// Who asked for it.
    pub owner: String,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Who works on it, or did.
    pub worker: Worker,
    /// Whether somebody wants it to end.
    pub cancel_asked: bool,
    /// How far it is.
    pub counts: JobCounts,
    /// When it was asked for.
    pub began: Timestamp,
    /// Since when it is over.
    pub ended: Option<Timestamp>,
    /// What it is about, sealed.
    pub sealed: Vec<u8>,
}

/// Makes a process the worker of its store. Whatever an earlier one was at there is interrupted; gives how many jobs.
///
/// # Errors
/// As [`Database::execute`].
pub async fn register(database: &Database, worker: &Worker, now: Timestamp) -> Result<u64, CatalogError> {
    let upsert = "INSERT INTO job_worker (store, process, beats) VALUES ($1, $2, 0) \
         ON CONFLICT (store) DO UPDATE SET process = excluded.process, beats = job_worker.beats + 1";
    let enter = Statement::new(upsert, vec![worker.store.get().into(), (&worker.process).into()]);
    let update = "UPDATE job SET state = 'interrupted', ended_ms = $3 \
         WHERE state = 'running' AND store = $1 AND process <> $2";
    let interrupt =
        Statement::new(update, vec![worker.store.get().into(), (&worker.process).into(), now.into()]);
    Ok(database.execute_and_tell(vec![enter, interrupt]).await?.get(1).copied().unwrap_or(0))
}

/// The change by which a worker says that it lives. It changes no row when another has taken it for dead.
#[must_use]
pub fn beat(worker: &Worker) -> Statement {
    let update = "UPDATE job_worker SET beats = beats + 1 WHERE store = $1 AND process = $2";
    Statement::new(update, vec![worker.store.get().into(), (&worker.process).into()])
}

/// The changes that keep a new job, and no more than so many that ended of whoever asked for it. They fail with
/// [`CatalogError::UnexpectedRows`], as statement 0, when its worker was taken for dead.
#[must_use]
pub fn begin(job: &JobRow, ended_kept: u32) -> Vec<Statement> {
    let insert = "INSERT INTO job (institution, id, owner, kind, state, store, process, cancel_asked, total, completed, \
         warning, failed, began_ms, ended_ms, sealed) VALUES ($1, $2, $3, $4, 'running', $5, $6, 0, $7, 0, 0, 0, $8, NULL, $9)";
    let mut values = key_values(&job.key);
    values.extend([
        job.owner.as_str().into(),
        job.kind.as_str().into(),
        job.worker.store.get().into(),
        (&job.worker.process).into(),
        count(job.counts.total),
        job.began.into(),
        job.sealed.clone().into(),
    ]);
    let trim = "DELETE FROM job WHERE institution = $1 AND owner = $2 AND state <> 'running' AND id NOT IN \
         (SELECT k.id FROM job k WHERE k.institution = $1 AND k.owner = $2 AND k.state <> 'running' \
         ORDER BY k.began_ms DESC, k.id LIMIT $3)";
    let trim_values = vec![(&job.key.institution).into(), job.owner.as_str().into(), ended_kept.into()];
    vec![
        beat(&job.worker).expecting(1),
        Statement::new(insert, values).expecting(1),
        Statement::new(trim, trim_values),
    ]
}

/// The change that tells how far a running job is, and what it is about where that has changed.
#[must_use]
pub fn progress(key: &JobKey, process: &[u8; 16], counts: &JobCounts, sealed: Option<Vec<u8>>) -> Statement {
    let mut update = StatementBuilder::new();
    push_counts(&mut update, counts);
    if let Some(sealed) = sealed {
        update.push(", sealed = ").bind(sealed);
    }
    push_own(&mut update, key, process);
    update.push(" AND state = 'running'");
    update.finish()
}

/// The change that tells how a job ended. Its worker knows best: also when another has taken it for interrupted.
#[must_use]
pub fn end(
    key: &JobKey,
    process: &[u8; 16],
    state: JobState,
    counts: &JobCounts,
    sealed: Vec<u8>,
    now: Timestamp,
) -> Statement {
    let mut update = StatementBuilder::new();
    push_counts(&mut update, counts);
    update.push(", state = ").bind(state.as_str()).push(", ended_ms = ").bind(now);
    update.push(", sealed = ").bind(sealed);
    push_own(&mut update, key, process);
    update.push(" AND state IN ('running', 'interrupted')");
    update.finish()
}

/// The change that asks a running job of an owner to end.
#[must_use]
pub fn ask_cancel(key: &JobKey, owner: &str) -> Statement {
    let update = "UPDATE job SET cancel_asked = 1 \
         WHERE institution = $1 AND id = $2 AND owner = $3 AND state = 'running'";
    let mut values = key_values(key);
    values.push(owner.into());
    Statement::new(update, values)
}

/// The change that forgets what ended before a moment.
#[must_use]
pub fn forget_ended(before: Timestamp) -> Statement {
    Statement::new("DELETE FROM job WHERE state <> 'running' AND ended_ms < $1", vec![before.into()])
}

/// Running jobs of a worker that somebody wants to end.
///
/// # Errors
/// As [`Database::query`].
pub async fn cancels(database: &Database, worker: &Worker) -> Result<Vec<[u8; 16]>, CatalogError> {
    let select =
        "SELECT id FROM job WHERE state = 'running' AND store = $1 AND process = $2 AND cancel_asked = 1";
    let values = vec![worker.store.get().into(), (&worker.process).into()];
    let rows = database.look_up(Statement::new(select, values)).await?;
    rows.iter().map(|row| row.get_array(0)).collect()
}

/// The workers at whose stores jobs run.
///
/// # Errors
/// As [`Database::query`].
pub async fn working(database: &Database) -> Result<Vec<Pulse>, CatalogError> {
    let select = "SELECT w.store, w.process, w.beats FROM job_worker w \
         WHERE w.store IN (SELECT j.store FROM job j WHERE j.state = 'running') ORDER BY w.store";
    let rows = database.look_up(Statement::new(select, vec![])).await?;
    let pulse = |row: &Row| {
        let worker = Worker { store: store(row, 0)?, process: row.get_array(1)? };
        Ok(Pulse { worker, beats: row.get_i64(2)? })
    };
    rows.iter().map(pulse).collect()
}

/// Takes a worker for dead whose count still stands where it was seen: its running jobs are interrupted, and it has its place no
/// more. Gives how many jobs; none when it has moved, or another was faster.
///
/// # Errors
/// As [`Database::execute`].
pub async fn interrupt(database: &Database, pulse: &Pulse, now: Timestamp) -> Result<u64, CatalogError> {
    let Pulse { worker, beats } = pulse;
    let take = "UPDATE job_worker SET process = $4, beats = beats + 1 \
         WHERE store = $1 AND process = $2 AND beats = $3";
    let values =
        vec![worker.store.get().into(), (&worker.process).into(), Value::Int(*beats), (&NOBODY).into()];
    // Whatever runs there: its worker is the one that is gone, or one before it.
    let end = "UPDATE job SET state = 'interrupted', ended_ms = $2 WHERE state = 'running' AND store = $1";
    let end = Statement::new(end, vec![worker.store.get().into(), now.into()]);
    match database.execute_and_tell(vec![Statement::new(take, values).expecting(1), end]).await {
        Ok(changed) => Ok(changed.get(1).copied().unwrap_or(0)),
        Err(CatalogError::UnexpectedRows { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// A job of an owner. That of somebody else is none.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(database: &Database, key: &JobKey, owner: &str) -> Result<Option<JobRow>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(&key.institution).push(" AND id = ").bind(key.id);
    select.push(" AND owner = ").bind(owner);
    database.look_up(select.finish()).await?.first().map(job_of).transpose()
}

/// The jobs of an owner, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_owner(
    database: &Database,
    institution: &InstitutionId,
    owner: &str,
    limit: u32,
) -> Result<Vec<JobRow>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution).push(" AND owner = ").bind(owner);
    select.push(" ORDER BY began_ms DESC, id LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(job_of).collect()
}

// === rows ===

const SELECT: &str = "SELECT institution, id, owner, kind, state, store, process, cancel_asked, total, completed, warning, \
     failed, began_ms, ended_ms, sealed FROM job ";

fn key_values(key: &JobKey) -> Vec<Value> {
    vec![(&key.institution).into(), (&key.id).into()]
}

fn count(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn push_counts(update: &mut StatementBuilder, counts: &JobCounts) {
    update.push("UPDATE job SET total = ").bind(count(counts.total));
    update.push(", completed = ").bind(count(counts.completed));
    update.push(", warning = ").bind(count(counts.warning));
    update.push(", failed = ").bind(count(counts.failed));
}

fn push_own(update: &mut StatementBuilder, key: &JobKey, process: &[u8; 16]) {
    update.push(" WHERE institution = ").bind(&key.institution).push(" AND id = ").bind(key.id);
    update.push(" AND process = ").bind(process);
}

fn store(row: &Row, column: usize) -> Result<StoreNumber, CatalogError> {
    StoreNumber::new(row.get_number(column)?)
        .ok_or_else(|| CatalogError::Corrupt("the number of a store is from 1, 0 came".to_owned()))
}

fn job_of(row: &Row) -> Result<JobRow, CatalogError> {
    Ok(JobRow {
        key: JobKey { institution: row.get_checked(0)?, id: row.get_array(1)? },
        owner: row.get_text(2)?.to_owned(),
        kind: row.get_word(3)?,
        state: row.get_word(4)?,
        worker: Worker { store: store(row, 5)?, process: row.get_array(6)? },
        cancel_asked: row.get_bool(7)?,
        counts: JobCounts {
            total: row.get_number(8)?,
            completed: row.get_number(9)?,
            warning: row.get_number(10)?,
            failed: row.get_number(11)?,
        },
        began: row.get_timestamp(12)?,
        ended: row.opt_i64(13)?.map(Timestamp::from_ms),
        sealed: row.get_bytes(14)?.to_vec(),
    })
}

//! The writer thread: takes all transactions that wait and commits them together.
//!
//! Each transaction of a group runs inside its own savepoint, so that one that fails takes back its own changes
//! only. One commit, and with it one disk synchronisation, then serves the whole group.

use super::super::Durability;
use super::connection;
use crate::{CatalogError, Statement};
use rusqlite::Connection;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How many transactions are committed together: a bound on how long the first of them waits for the last.
const GROUP_TRANSACTIONS_MAX: usize = 256;
/// How many statements are committed together, for the same reason.
const GROUP_STATEMENTS_MAX: usize = 8192;

/// How often the write-ahead log is emptied while there is work. SQLite reuses the log but never shortens it
/// by itself, and one slow reader can make it grow.
const LOG_EMPTIED_EVERY: Duration = Duration::from_secs(60);

/// What the writer is asked.
pub(super) enum Job {
    Transact(Transaction),
    EmptyLog(oneshot::Sender<Result<(), CatalogError>>),
}

/// The statements of one transaction and where the numbers of changed rows go.
pub(super) struct Transaction {
    pub(super) statements: Vec<Statement>,
    pub(super) durability: Durability,
    pub(super) reply: oneshot::Sender<Result<Vec<u64>, CatalogError>>,
}

/// Works until the queue is closed.
pub(super) fn run(connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut writer = Writer { connection, synchronous: Durability::Durable, log_emptied: Instant::now() };
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.blocking_recv()) {
        match job {
            Job::Transact(first) => {
                let group = gather(first, &mut jobs, &mut next);
                writer.commit_group(group);
            }
            Job::EmptyLog(reply) => drop(reply.send(writer.empty_log())),
        }
        writer.empty_log_when_due();
    }
}

/// Takes what waits behind the first transaction, up to the limits of a group. A job that does not belong to
/// the group is left in `next`.
fn gather(first: Transaction, jobs: &mut mpsc::Receiver<Job>, next: &mut Option<Job>) -> Vec<Transaction> {
    let mut statements = first.statements.len();
    let mut group = vec![first];
    while group.len() < GROUP_TRANSACTIONS_MAX && statements < GROUP_STATEMENTS_MAX {
        match jobs.try_recv() {
            Ok(Job::Transact(transaction)) => {
                statements += transaction.statements.len();
                group.push(transaction);
            }
            Ok(other @ Job::EmptyLog(_)) => {
                *next = Some(other);
                break;
            }
            Err(_) => break,
        }
    }
    // A caller that went away before its work began was told nothing and expects nothing.
    group.retain(|transaction| !transaction.reply.is_closed());
    group
}

struct Writer {
    connection: Connection,
    /// What the connection's `synchronous` stands for now.
    synchronous: Durability,
    log_emptied: Instant,
}

/// A group that was rolled back as a whole.
struct GroupLost {
    error: CatalogError,
    /// Whether the transactions may fare better one by one.
    one_by_one: bool,
}

/// What became of each transaction of a committed group.
type Outcomes = Vec<Result<Vec<u64>, CatalogError>>;

impl Writer {
    /// Commits the group; when it is lost as a whole, tries its members one by one, so that one that fills the
    /// disk does not sink those that fit.
    fn commit_group(&mut self, group: Vec<Transaction>) {
        match self.try_group(&group) {
            Ok(outcomes) => {
                for (transaction, outcome) in group.into_iter().zip(outcomes) {
                    drop(transaction.reply.send(outcome));
                }
            }
            Err(lost) if lost.one_by_one && group.len() > 1 => {
                for transaction in group {
                    self.commit_group(vec![transaction]);
                }
            }
            Err(lost) => {
                for transaction in group {
                    drop(transaction.reply.send(Err(lost.error.clone())));
                }
            }
        }
    }

    fn try_group(&mut self, group: &[Transaction]) -> Result<Outcomes, GroupLost> {
        let hopeless = |error| GroupLost { error, one_by_one: false };
        if let Some(durability) = group.iter().map(|transaction| transaction.durability).max() {
            self.set_synchronous(durability).map_err(hopeless)?;
        }
        self.run("BEGIN IMMEDIATE").map_err(hopeless)?;
        let mut outcomes = Vec::with_capacity(group.len());
        for transaction in group {
            let outcome = self.try_in_savepoint(&transaction.statements);
            // On a full disk or an I/O error SQLite may end the whole transaction by itself.
            if self.connection.is_autocommit() {
                let error = outcome.err().unwrap_or_else(|| {
                    CatalogError::Unavailable("the transaction was ended by the database".to_owned())
                });
                return Err(GroupLost { error, one_by_one: true });
            }
            outcomes.push(outcome);
        }
        self.run("COMMIT").map_err(|error| {
            self.roll_back();
            GroupLost { error, one_by_one: true }
        })?;
        Ok(outcomes)
    }

    fn try_in_savepoint(&self, statements: &[Statement]) -> Result<Vec<u64>, CatalogError> {
        self.run("SAVEPOINT one")?;
        let outcome = statements
            .iter()
            .enumerate()
            .map(|(position, statement)| {
                let changed = connection::execute(&self.connection, statement)?;
                statement.check_rows(position, changed)
            })
            .collect::<Result<Vec<u64>, CatalogError>>();
        if outcome.is_err() && !self.connection.is_autocommit() {
            self.run("ROLLBACK TO one")?;
        }
        if !self.connection.is_autocommit() {
            self.run("RELEASE one")?;
        }
        outcome
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
    }

    /// `FULL` forces each commit to the disk; `NORMAL` leaves the last commits to the next forced one, without
    /// ever tearing a transaction.
    fn set_synchronous(&mut self, durability: Durability) -> Result<(), CatalogError> {
        if self.synchronous != durability {
            let word = match durability {
                Durability::Durable => "FULL",
                Durability::Replayable => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", word).map_err(connection::error_of)?;
            self.synchronous = durability;
        }
        Ok(())
    }

    fn empty_log(&mut self) -> Result<(), CatalogError> {
        // What a checkpoint moves must be on the disk before the log is cut.
        self.set_synchronous(Durability::Durable)?;
        let held: i64 = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(connection::error_of)?;
        self.log_emptied = Instant::now();
        if held == 0 {
            Ok(())
        } else {
            Err(CatalogError::Busy("a reader holds the write-ahead log".to_owned()))
        }
    }

    fn empty_log_when_due(&mut self) {
        if self.log_emptied.elapsed() >= LOG_EMPTIED_EVERY
            && let Err(error) = self.empty_log()
        {
            tracing::warn!(%error, "the write-ahead log was not emptied");
        }
    }

    fn run(&self, sql: &'static str) -> Result<(), CatalogError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(connection::error_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatabaseKind, Value};

    type Answer = oneshot::Receiver<Result<Vec<u64>, CatalogError>>;

    fn writer(folder: &std::path::Path) -> Writer {
        let path = folder.join("keys.sqlite");
        let connection = connection::open_for_writing(&path, DatabaseKind::Keys).unwrap();
        connection.execute_batch("CREATE TABLE probe (bits BLOB)").unwrap();
        Writer { connection, synchronous: Durability::Durable, log_emptied: Instant::now() }
    }

    fn insert(bytes: usize, durability: Durability) -> (Transaction, Answer) {
        let (reply, answer) = oneshot::channel();
        let insert = "INSERT INTO probe (bits) VALUES ($1)";
        let statements = vec![Statement::new(insert, vec![Value::Bytes(vec![7; bytes])])];
        (Transaction { statements, durability, reply }, answer)
    }

    fn rows(writer: &Writer) -> i64 {
        writer.connection.query_row("SELECT count(*) FROM probe", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_transaction_that_fills_the_disk_does_not_sink_those_that_fit() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.connection.pragma_update(None, "max_page_count", pages + 8).unwrap();

        let (small, first) = insert(100, Durability::Durable);
        let (huge, second) = insert(1_000_000, Durability::Durable);
        let (other, third) = insert(100, Durability::Durable);
        writer.commit_group(vec![small, huge, other]);
        assert_eq!(first.blocking_recv().unwrap(), Ok(vec![1]));
        assert!(matches!(second.blocking_recv().unwrap(), Err(CatalogError::DiskFull(_))));
        assert_eq!(third.blocking_recv().unwrap(), Ok(vec![1]));
        assert_eq!(rows(&writer), 2);
    }

    #[test]
    fn a_group_with_one_durable_transaction_is_forced_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        let synchronous =
            |writer: &Writer| writer.connection.query_row("PRAGMA synchronous", [], |row| row.get(0));
        for (group, level) in [
            (vec![Durability::Replayable], 1),
            (vec![Durability::Replayable, Durability::Durable], 2),
            (vec![Durability::Replayable, Durability::Replayable], 1),
        ] {
            let (group, answers): (Vec<_>, Vec<_>) =
                group.into_iter().map(|durability| insert(1, durability)).unzip();
            writer.commit_group(group);
            assert!(answers.into_iter().all(|answer| answer.blocking_recv().unwrap().is_ok()));
            assert_eq!(synchronous(&writer), Ok(level));
        }
    }

    #[test]
    fn waiting_transactions_are_gathered_and_those_whose_caller_left_are_not_run() {
        let (queue, mut jobs) = mpsc::channel(10);
        let (first, _answer) = insert(1, Durability::Durable);
        let (second, answer) = insert(1, Durability::Durable);
        drop(answer);
        let (third, _kept) = insert(1, Durability::Durable);
        let (reply, _emptied) = oneshot::channel();
        let (fourth, _later) = insert(1, Durability::Durable);
        for job in [Job::Transact(second), Job::Transact(third), Job::EmptyLog(reply), Job::Transact(fourth)]
        {
            queue.try_send(job).map_err(|_| "the queue is full").unwrap();
        }
        let mut next = None;
        assert_eq!(gather(first, &mut jobs, &mut next).len(), 2);
        assert!(matches!(next, Some(Job::EmptyLog(_))));
        assert!(matches!(jobs.try_recv(), Ok(Job::Transact(_))));
    }
}

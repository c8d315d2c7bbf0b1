//! Reading: connections that threads of their own and quick look-ups share, each answer from a fresh snapshot.

use super::super::QUERY_TIME_MAX;
use super::connection;
use crate::{CatalogError, Row, Statement};
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// How often a running query looks at the time, in steps of SQLite's virtual machine: about once in 0.1 ms.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Queries of one snapshot and where their answers go.
pub(super) struct Job {
    pub(super) statements: Vec<Statement>,
    pub(super) reply: oneshot::Sender<Result<Vec<Vec<Row>>, CatalogError>>,
}

/// The connections for queries: one for each reader thread. A look-up borrows one that is free at the moment, so a
/// thread may have to wait for it, but never for longer than a look-up takes.
pub(super) struct Readers {
    /// The one that was used last is taken first: its statements and pages are the warmest.
    free: Mutex<Vec<Reader>>,
    returned: Condvar,
}

/// One connection for queries, with a time limit on each.
struct Reader {
    connection: Connection,
    started: Instant,
    /// When the running query must end, in milliseconds after `started`.
    deadline_ms: Arc<AtomicU64>,
}

impl Readers {
    pub(super) fn of(connections: impl IntoIterator<Item = Connection>) -> Result<Self, CatalogError> {
        let free = connections.into_iter().map(Reader::of).collect::<Result<_, _>>()?;
        Ok(Self { free: Mutex::new(free), returned: Condvar::new() })
    }

    /// Works until the queue is closed. Of all threads one holds the queue's lock and waits; it lets go as soon
    /// as it has a job.
    pub(super) fn run(&self, jobs: &AsyncMutex<mpsc::Receiver<Job>>) {
        while let Some(job) = take(jobs) {
            if !job.reply.is_closed() {
                let reader = self.wait_for_one();
                let answer = reader.query(&job.statements, QUERY_TIME_MAX);
                self.give_back(reader);
                // A caller that went away meanwhile misses nothing.
                drop(job.reply.send(answer));
            }
        }
    }

    /// Answers on the thread of the caller; `None` when every connection is busy.
    pub(super) fn look_up(&self, statements: &[Statement]) -> Option<Result<Vec<Vec<Row>>, CatalogError>> {
        let reader = self.free().pop()?;
        let answers = reader.query(statements, QUERY_TIME_MAX);
        self.give_back(reader);
        Some(answers)
    }

    fn wait_for_one(&self) -> Reader {
        let mut free = self.free();
        loop {
            match free.pop() {
                Some(reader) => return reader,
                None => free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, reader: Reader) {
        self.free().push(reader);
        self.returned.notify_one();
    }

    fn free(&self) -> MutexGuard<'_, Vec<Reader>> {
        // Only whole connections are pushed and popped under this lock.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn of(mut connection: Connection) -> Result<Self, CatalogError> {
        let started = Instant::now();
        let deadline_ms = Arc::new(AtomicU64::new(u64::MAX));
        let deadline = Arc::clone(&deadline_ms);
        connection
            .progress_handler(
                STEPS_BETWEEN_LOOKS,
                Some(move || milliseconds(started.elapsed()) > deadline.load(Ordering::Relaxed)),
            )
            .map_err(connection::error_of)?;
        Ok(Self { connection, started, deadline_ms })
    }

    /// Answers within one time limit for all; several statements see one snapshot, for which locks are taken once.
    fn query(&self, statements: &[Statement], limit: Duration) -> Result<Vec<Vec<Row>>, CatalogError> {
        let deadline = milliseconds(self.started.elapsed() + limit);
        self.deadline_ms.store(deadline, Ordering::Relaxed);
        let answers = || statements.iter().map(|one| connection::query(&self.connection, one)).collect();
        if statements.len() < 2 {
            return answers();
        }
        self.run("BEGIN")?;
        let answers = answers();
        // Also after an error: a connection that is given back holds no snapshot. After some SQLite has ended it by itself.
        if !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        answers
    }

    fn run(&self, sql: &'static str) -> Result<(), CatalogError> {
        let prepared = self.connection.prepare_cached(sql);
        prepared.and_then(|mut one| one.execute([])).map(drop).map_err(connection::error_of)
    }
}

fn take(jobs: &AsyncMutex<mpsc::Receiver<Job>>) -> Option<Job> {
    jobs.blocking_lock().blocking_recv()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatabaseKind;

    #[test]
    fn a_query_that_never_ends_is_stopped_at_its_time_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.sqlite");
        connection::open_for_writing(&path, DatabaseKind::Catalogue).unwrap();
        let reader = Reader::of(connection::open_for_reading(&path).unwrap()).unwrap();
        let endless = Statement::new(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
            vec![],
        );
        let answer = reader.query(&[endless], Duration::from_millis(50));
        assert!(matches!(answer, Err(CatalogError::Busy(_))), "{answer:?}");
        let next = reader.query(&[Statement::new("SELECT 1", vec![])], QUERY_TIME_MAX).unwrap();
        assert_eq!(next[0][0].get_i64(0), Ok(1));
    }

    #[test]
    fn a_look_up_takes_a_free_connection_and_does_not_wait_for_a_busy_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.sqlite");
        connection::open_for_writing(&path, DatabaseKind::Catalogue).unwrap();
        let readers = Readers::of([connection::open_for_reading(&path).unwrap()]).unwrap();
        let one = [Statement::new("SELECT 1", vec![])];
        assert_eq!(readers.look_up(&one).unwrap().unwrap()[0][0].get_i64(0), Ok(1));
        let busy = readers.wait_for_one();
        assert!(readers.look_up(&one).is_none());
        readers.give_back(busy);
        assert!(readers.look_up(&one).is_some());
    }

    #[test]
    fn several_look_ups_see_one_snapshot_and_leave_none_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.sqlite");
        let writer = connection::open_for_writing(&path, DatabaseKind::Catalogue).unwrap();
        writer.execute_batch("CREATE TABLE probe (number INTEGER)").unwrap();
        let reader = Reader::of(connection::open_for_reading(&path).unwrap()).unwrap();
        let count = || Statement::new("SELECT count(*) FROM probe", vec![]);
        let counted =
            |answers: &[Vec<Row>]| answers.iter().map(|rows| rows[0].get_i64(0).unwrap()).collect::<Vec<_>>();
        for rows in 0..3 {
            let answers = reader.query(&[count(), count(), count()], QUERY_TIME_MAX).unwrap();
            assert_eq!(counted(&answers), [rows; 3], "what was committed before is seen");
            writer.execute_batch("INSERT INTO probe VALUES (1)").unwrap();
        }
        let broken = Statement::new("SELECT nothing FROM nowhere", vec![]);
        assert!(reader.query(&[count(), broken], QUERY_TIME_MAX).is_err());
        assert!(reader.connection.is_autocommit(), "no snapshot is held after an error");
        assert_eq!(counted(&reader.query(&[count(), count()], QUERY_TIME_MAX).unwrap()), [3, 3]);
    }
}

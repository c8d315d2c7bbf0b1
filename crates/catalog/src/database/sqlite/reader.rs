//! A reader thread: takes queries from the common queue and answers each from a fresh snapshot.

use super::super::QUERY_TIME_MAX;
use super::connection;
use crate::{CatalogError, Row, Statement};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};

/// How often a running query looks at the time, in steps of SQLite's virtual machine: about once in 0.1 ms.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A query and where its answer goes.
pub(super) struct Job {
    pub(super) statement: Statement,
    pub(super) reply: oneshot::Sender<Result<Vec<Row>, CatalogError>>,
}

/// One connection for queries, with a time limit on each.
pub(super) struct Reader {
    connection: Connection,
    started: Instant,
    /// When the running query must end, in milliseconds after `started`.
    deadline_ms: Arc<AtomicU64>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, CatalogError> {
        let mut connection = connection::open_for_reading(path)?;
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

    /// Works until the queue is closed. Of all readers one holds the queue's lock and waits; it lets go as soon
    /// as it has a job.
    pub(super) fn run(self, jobs: &Mutex<mpsc::Receiver<Job>>) {
        while let Some(job) = take(jobs) {
            if !job.reply.is_closed() {
                let answer = self.query(&job.statement, QUERY_TIME_MAX);
                // A caller that went away meanwhile misses nothing.
                drop(job.reply.send(answer));
            }
        }
    }

    fn query(&self, statement: &Statement, limit: Duration) -> Result<Vec<Row>, CatalogError> {
        let deadline = milliseconds(self.started.elapsed() + limit);
        self.deadline_ms.store(deadline, Ordering::Relaxed);
        connection::query(&self.connection, statement)
    }
}

fn take(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
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
        let reader = Reader::open(&path).unwrap();
        let endless = Statement::new(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
            vec![],
        );
        let answer = reader.query(&endless, Duration::from_millis(50));
        assert!(matches!(answer, Err(CatalogError::Busy(_))), "{answer:?}");
        let next = reader.query(&Statement::new("SELECT 1", vec![]), QUERY_TIME_MAX).unwrap();
        assert_eq!(next[0].get_i64(0), Ok(1));
    }
}

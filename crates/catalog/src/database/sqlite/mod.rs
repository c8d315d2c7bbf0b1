//! SQLite behind threads of its own: one writer, several readers, bounded queues between them and the callers. Only
//! look-ups by key run on the thread of the caller.
//!
//! SQLite has one writer at a time anyway; a single writer thread never meets a locked file and can commit all
//! transactions that wait together with one disk synchronisation.

mod connection;
mod dump;
mod reader;
mod writer;

use super::{DatabaseKind, Durability, WAIT_MAX};
use crate::{CatalogError, Row, Statement};
pub(super) use dump::{dump, load};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// How many jobs may wait for the writer or for the readers before callers wait outside.
const QUEUE_JOBS_MAX: usize = 1024;

/// How many queries run at once. Queries are short and served from memory; more threads than cores do not help.
/// Each has a connection; look-ups borrow those that are idle.
const READERS: usize = 4;

/// The queues of one open file. The threads end when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Sqlite {
    writes: mpsc::Sender<writer::Job>,
    reads: mpsc::Sender<reader::Job>,
    readers: Arc<reader::Readers>,
    path: Arc<Path>,
}

impl Sqlite {
    /// Where the file lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, brings its schema up to date and starts the threads.
    pub(super) async fn open(path: PathBuf, kind: DatabaseKind) -> Result<Self, CatalogError> {
        tokio::task::spawn_blocking(move || Self::open_blocking(&path, kind))
            .await
            .map_err(|_| CatalogError::Unavailable("opening the file was cut off".to_owned()))?
    }

    fn open_blocking(path: &Path, kind: DatabaseKind) -> Result<Self, CatalogError> {
        let connection = connection::open_for_writing(path, kind)?;
        let (writes, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        spawn("sqlite-writer", move || writer::run(connection, jobs))?;

        let connections = (0..READERS).map(|_| connection::open_for_reading(path));
        Self::with_readers(path, writes, connections.collect::<Result<_, _>>()?)
    }

    /// One thread per connection.
    fn with_readers(
        path: &Path,
        writes: mpsc::Sender<writer::Job>,
        connections: Vec<rusqlite::Connection>,
    ) -> Result<Self, CatalogError> {
        let (reads, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let jobs = Arc::new(AsyncMutex::new(jobs));
        let threads = connections.len();
        let readers = Arc::new(reader::Readers::of(connections)?);
        for _ in 0..threads {
            let (readers, jobs) = (Arc::clone(&readers), Arc::clone(&jobs));
            spawn("sqlite-reader", move || readers.run(&jobs))?;
        }
        Ok(Self { writes, reads, readers, path: path.into() })
    }

    /// A look-up is done at once where a connection is free: to wake a thread and be woken by it takes longer than the
    /// few pages that an index needs.
    pub(super) async fn look_up(&self, statement: Statement) -> Result<Vec<Row>, CatalogError> {
        self.look_up_all(vec![statement]).await.map(only)
    }

    /// The same for several look-ups in one snapshot.
    pub(super) async fn look_up_all(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, CatalogError> {
        match self.readers.look_up(&statements) {
            Some(answers) => answers,
            None => self.query_all(statements).await,
        }
    }

    /// Opens an existing file for reading only, as it is; also tells how many steps of its schema are pending.
    pub(super) async fn inspect(path: PathBuf, kind: DatabaseKind) -> Result<(Self, usize), CatalogError> {
        tokio::task::spawn_blocking(move || {
            let pending = connection::pending_steps(&connection::open_for_inspection(&path)?, kind)?;
            // Nobody takes what would be written.
            let (writes, _) = mpsc::channel(1);
            Ok((Self::with_readers(&path, writes, vec![connection::open_for_inspection(&path)?])?, pending))
        })
        .await
        .map_err(|_| CatalogError::Unavailable("opening the file was cut off".to_owned()))?
    }

    pub(super) async fn query(&self, statement: Statement) -> Result<Vec<Row>, CatalogError> {
        self.query_all(vec![statement]).await.map(only)
    }

    pub(super) async fn query_all(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, CatalogError> {
        let (reply, answer) = oneshot::channel();
        enqueue(&self.reads, reader::Job { statements, reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    pub(super) async fn transact(
        &self,
        statements: Vec<Statement>,
        durability: Durability,
    ) -> Result<Vec<u64>, CatalogError> {
        let (reply, answer) = oneshot::channel();
        let transaction = writer::Transaction { statements, durability, reply };
        enqueue(&self.writes, writer::Job::Transact(transaction)).await?;
        answer.await.map_err(|_| gone())?
    }

    pub(super) async fn empty_write_ahead_log(&self) -> Result<(), CatalogError> {
        let (reply, answer) = oneshot::channel();
        enqueue(&self.writes, writer::Job::EmptyLog(reply)).await?;
        answer.await.map_err(|_| gone())?
    }
}

/// Makes a file as a program left it that knew only these steps of the schema.
#[cfg(test)]
pub(super) fn make_with_steps(path: &Path, kind: DatabaseKind, steps: &[super::Migration]) {
    connection::open_with_steps(path, kind, steps).unwrap();
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

/// Hands a job over; waits for a place only when the queue is full, and not for ever.
async fn enqueue<J>(queue: &mpsc::Sender<J>, job: J) -> Result<(), CatalogError> {
    match queue.try_send(job) {
        Ok(()) => Ok(()),
        Err(mpsc::error::TrySendError::Closed(_)) => Err(gone()),
        Err(mpsc::error::TrySendError::Full(job)) => {
            match tokio::time::timeout(WAIT_MAX, queue.send(job)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(gone()),
                Err(_) => Err(CatalogError::Busy(format!(
                    "{QUEUE_JOBS_MAX} jobs were waiting for {} s",
                    WAIT_MAX.as_secs()
                ))),
            }
        }
    }
}

/// The answer to a single statement.
fn only(mut answers: Vec<Vec<Row>>) -> Vec<Row> {
    answers.pop().unwrap_or_default()
}

fn gone() -> CatalogError {
    CatalogError::Unavailable("the database thread has ended".to_owned())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CatalogError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| CatalogError::Unavailable(format!("cannot start thread {name}: {error}")))
}

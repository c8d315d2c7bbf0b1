//! The connections that are open, and the statements that each of them has prepared.

use super::LOST_PAUSE;
use super::address::Server;
use super::failure::Failure;
use super::primary::{Connection, Primary, WATCH_INTERVAL};
use super::values::fits;
use crate::database::WAIT_MAX;
use crate::database::bell::Bell;
use crate::{CatalogError, Statement};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

/// How many connections are open at once: enough to keep a few server processes busy, far below the default
/// limit of 100 of a server that three databases of several nodes may share.
const CONNECTIONS_MAX: usize = 16;

/// Dumps that are handed out at once, each over a connection of its own: one, and one whose reader has just gone away.
const DUMPS_MAX: usize = 2;

/// Prepared statements kept per connection. Composed searches have many shapes; past this number the cache
/// starts afresh, so that neither side grows without bound.
const STATEMENTS_CACHED_MAX: usize = 256;

/// How often it is looked whether the connection that listens still is there.
const LISTEN_LOOK: Duration = Duration::from_secs(2);

/// Connections to the primary, made when they are needed. Clones share them; the last one dropped closes them.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    primary: Primary,
    places: Arc<Semaphore>,
    dumps: Semaphore,
    idle: Mutex<Vec<Prepared>>,
    listening: AtomicBool,
}

struct Prepared {
    connection: Connection,
    statements: HashMap<String, tokio_postgres::Statement>,
}

/// A connection of somebody's own until it is dropped.
pub(super) struct Lease {
    /// None when it is not to be used again.
    prepared: Option<Prepared>,
    shared: Arc<Shared>,
    /// Given back after the connection was.
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// Connects to nothing yet.
    pub(super) fn new(servers: Vec<Server>, reads_only: bool) -> Self {
        let pool = Self(Arc::new(Shared {
            primary: Primary::new(servers, reads_only),
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            dumps: Semaphore::new(DUMPS_MAX),
            idle: Mutex::default(),
            listening: AtomicBool::new(false),
        }));
        if pool.0.primary.has_several_servers() && !reads_only {
            tokio::spawn(watch(Arc::downgrade(&pool.0)));
        }
        pool
    }

    /// Rings when a connection is told something by another process.
    pub(super) fn bell(&self) -> Bell {
        self.0.primary.bell()
    }

    /// Keeps a connection beside those of the pool that listens, as long as there is a pool.
    pub(super) fn listen(&self, statement: &'static str) {
        if !self.0.listening.swap(true, Ordering::Relaxed) {
            tokio::spawn(listen(Arc::downgrade(&self.0), statement));
        }
    }

    /// A connection beside those of the pool. Waits for as long as the server waits for its standby.
    pub(super) async fn connect(&self) -> Result<Connection, CatalogError> {
        self.0.primary.connect().await
    }

    /// The right to keep one moment of the whole database, over a connection beside those of the pool.
    pub(super) fn place_of_dump(&self) -> Result<SemaphorePermit<'_>, CatalogError> {
        let place = self.0.dumps.try_acquire();
        place.map_err(|_| CatalogError::Busy("its rows are being handed out already".to_owned()))
    }

    /// Takes a connection, or makes one.
    ///
    /// One that is being made for longer than [`WAIT_MAX`] goes on being made for whoever comes next: the server may wait for
    /// its standby, and whoever hangs up there leaves a process of the server behind.
    pub(super) async fn lease(&self) -> Result<Lease, CatalogError> {
        let shared = Arc::clone(&self.0);
        let place = timeout(WAIT_MAX, Arc::clone(&shared.places).acquire_owned()).await;
        let place = place
            .map_err(|_| busy("no connection was free"))?
            .map_err(|_| CatalogError::Unavailable("the connections were closed".to_owned()))?;
        loop {
            let Some(prepared) = shared.idle().pop() else { break };
            if !prepared.connection.client.is_closed() {
                return Ok(Lease { prepared: Some(prepared), shared, _place: place });
            }
        }
        let (hand_over, made) = oneshot::channel();
        tokio::spawn(async move {
            let made = shared.primary.connect().await.map(|connection| {
                let prepared = Prepared { connection, statements: HashMap::new() };
                Lease { prepared: Some(prepared), shared: Arc::clone(&shared), _place: place }
            });
            // Where nobody waits any more, it becomes one of the idle ones.
            drop(hand_over.send(made));
        });
        let made = timeout(WAIT_MAX, made).await.map_err(|_| {
            CatalogError::Unavailable(format!(
                "no server confirmed a commit within {} s; where synchronous_standby_names is set, a standby must follow",
                WAIT_MAX.as_secs()
            ))
        })?;
        made.unwrap_or_else(|_| Err(CatalogError::Unavailable("connecting was broken off".to_owned())))
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Prepared>> {
        // No code panics while it holds this lock; were it to, the list would still be whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The connection, for statements that are not prepared.
    pub(super) fn client(&mut self) -> Result<&mut Client, CatalogError> {
        Ok(&mut self.prepared()?.connection.client)
    }

    /// A statement that this connection has prepared, now or before.
    pub(super) async fn prepare(
        &mut self,
        statement: &Statement,
    ) -> Result<tokio_postgres::Statement, Failure> {
        let Prepared { connection, statements } = self.prepared()?;
        let prepared = match statements.get(statement.text()) {
            Some(prepared) => prepared.clone(),
            None => {
                if statements.len() >= STATEMENTS_CACHED_MAX {
                    statements.clear();
                }
                let prepared = connection.client.prepare(statement.text()).await?;
                statements.insert(statement.text().to_owned(), prepared.clone());
                prepared
            }
        };
        check(statement, &prepared)?;
        Ok(prepared)
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn discard(mut self) {
        self.prepared = None;
    }

    fn prepared(&mut self) -> Result<&mut Prepared, CatalogError> {
        // INVARIANT: only `discard` and the drop take it, and both take the lease too.
        self.prepared.as_mut().ok_or_else(|| CatalogError::Misuse("a connection was given back".to_owned()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(prepared) = self.prepared.take()
            && !prepared.connection.client.is_closed()
        {
            self.shared.idle().push(prepared);
        }
    }
}

// === helpers ===

/// Asks all servers now and then, as long as there is a pool, and says so when two of them take writes.
async fn watch(pool: Weak<Shared>) {
    let mut warned = false;
    loop {
        sleep(WATCH_INTERVAL).await;
        let Some(shared) = pool.upgrade() else { return };
        let primaries: BTreeSet<&str> = shared.primary.look().await;
        let are_several = primaries.len() > 1;
        if are_several && !warned {
            let servers: Vec<&str> = primaries.into_iter().collect();
            tracing::error!(
                servers = servers.join(", "),
                "several database servers take writes; only the one on the highest timeline is followed: stop the others"
            );
        }
        warned = are_several;
    }
}

/// Listens, over one connection after the other. Whatever was told while there was none is looked for when there is one.
async fn listen(pool: Weak<Shared>, statement: &'static str) {
    loop {
        let Some(shared) = pool.upgrade() else { return };
        let listening = shared.primary.listen(statement).await;
        let bell = shared.primary.bell();
        drop(shared);
        match listening {
            Ok(connection) => {
                bell.ring();
                while pool.strong_count() > 0
                    && let Ok(Ok(_)) = timeout(WAIT_MAX, connection.client.simple_query("")).await
                {
                    sleep(LISTEN_LOOK).await;
                }
            }
            Err(error) => tracing::debug!(%error, "no connection to the database listens yet"),
        }
        sleep(LOST_PAUSE).await;
    }
}

fn busy(what: &str) -> CatalogError {
    CatalogError::Busy(format!("{what} within {} s", WAIT_MAX.as_secs()))
}

/// Whether the values fit the parameters.
fn check(statement: &Statement, prepared: &tokio_postgres::Statement) -> Result<(), CatalogError> {
    let (expected, came) = (prepared.params().len(), statement.values().len());
    if expected != came {
        return Err(CatalogError::Misuse(format!(
            "a statement has {expected} parameters, {came} values came"
        )));
    }
    for (number, (value, ty)) in (1..).zip(statement.values().iter().zip(prepared.params())) {
        if !fits(value, ty) {
            return Err(CatalogError::Misuse(format!("parameter ${number} is of type {ty}, {value:?} came")));
        }
    }
    Ok(())
}

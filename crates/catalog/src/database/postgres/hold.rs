//! What a server has for itself while it works: advisory locks on a connection of their own, given back when the server ends
//! in whatever way, and taken again after a fail-over.

use super::LOST_PAUSE;
use super::address::servers;
use super::failure::error_of;
use super::pool::Pool;
use super::primary::Connection;
use crate::CatalogError;
use crate::DatabaseKind;
use crate::database::WAIT_MAX;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

/// The advisory lock of the servers that work on a database: `Yingdun` and a two in ASCII.
const DATABASE_LOCK: i64 = i64::from_be_bytes(*b"Yingdun\x02");

/// The server lets go of whom it cannot reach: the machine of a holder that vanished must not keep others out for hours.
/// Without effect on a Unix socket, whose other end cannot vanish.
const LET_GO: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2";

/// Who holds a lock. Both halves of its number stand in a view of their own (PostgreSQL, `pg_locks`).
const HOLDER: &str = "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid() \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     AND (CAST(l.classid AS BIGINT) << 32 | CAST(l.objid AS BIGINT)) = $1 ORDER BY 1 LIMIT 1";

/// The name of a holder who gave the lock up before it was looked for.
const ENDED: &str = "somebody who has just ended";

/// How often the holder looks whether its connection still is there.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How long the server may take to say so when it is busy.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// How long a node waits for another one that has the database for itself, because it brings the schema up to date: longer than any step
/// takes that is made beside no other node.
const ALONE_MAX: Duration = Duration::from_secs(60);

/// Locks of one server, given up when dropped, and when the process ends.
#[derive(Debug)]
pub struct Hold {
    beside_others: bool,
    more: mpsc::Sender<(Change, oneshot::Sender<Result<(), CatalogError>>)>,
    taken: watch::Receiver<Option<String>>,
    keeper: tokio::task::JoinHandle<()>,
}

/// Something that one server at a time has.
#[derive(Clone, Copy, Debug)]
pub enum Exclusive<'a> {
    /// The audit log of this origin.
    AuditLog(&'a str),
    /// The store of packs with this random name.
    Store(&'a [u8; 16]),
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// One lock more, for this server alone.
    Add(i64),
    /// The database is for others, too.
    Share,
}

/// A lock, and whether others have it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    key: i64,
    shared: bool,
}

/// What came of asking for locks.
enum Asked {
    Held(Connection),
    /// Somebody of this name has one of them.
    Taken(String),
}

impl Hold {
    /// Takes the right to be the only server that works on a database, before anything there is looked at or brought up to date. The name
    /// tells this process from all others (63 bytes of ASCII). A holder that was killed a moment ago is waited for.
    ///
    /// # Errors
    /// [`CatalogError::Occupied`] when another process has it; [`CatalogError::Address`] and
    /// [`CatalogError::Unavailable`] as [`Database::open_postgres`](crate::Database::open_postgres).
    pub async fn take(address: &str, name: &str) -> Result<Self, CatalogError> {
        let until = Instant::now() + WAIT_MAX;
        Self::take_first(address, name, &[Lock { key: DATABASE_LOCK, shared: false }], until).await
    }

    /// Takes the right to work on a database as one of several servers. Who finds nobody there has it alone at first, and may
    /// bring everything up to date, until it lets others in with [`Self::share`]; who finds some is
    /// [beside others](Self::is_beside_others).
    ///
    /// # Errors
    /// As [`Self::take`]: a server that wants to be alone, or brings the schema up to date for a long time, lets nobody in.
    pub async fn take_among_others(address: &str, name: &str) -> Result<Self, CatalogError> {
        let ways = [false, true].map(|shared| Lock { key: DATABASE_LOCK, shared });
        Self::take_first(address, name, &ways, Instant::now() + ALONE_MAX).await
    }

    /// Whether other servers worked on the database when this one came.
    #[must_use]
    pub const fn is_beside_others(&self) -> bool {
        self.beside_others
    }

    /// Takes what no other server may have at the same time, in whatever folders it lies there.
    ///
    /// # Errors
    /// [`CatalogError::Occupied`] when another process has it; [`CatalogError::Unavailable`] when the connection is broken
    /// at this moment.
    pub async fn add(&self, what: Exclusive<'_>) -> Result<(), CatalogError> {
        self.change(Change::Add(what.key())).await
    }

    /// Lets others in, who work on the database too.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the connection is broken at this moment.
    pub async fn share(&self) -> Result<(), CatalogError> {
        self.change(Change::Share).await
    }

    /// Waits until another process has taken one of the locks, which happens only while a fail-over of the database broke the
    /// connection that held it. Gives the name. Who waits in vain has them all.
    pub async fn taken(&self) -> String {
        let mut taken = self.taken.clone();
        let by = match taken.wait_for(Option::is_some).await {
            Ok(by) => by.clone(),
            // The keeper ended without a word: it panicked or the program ends. Nobody vouches for the locks any more.
            Err(_) => None,
        };
        by.unwrap_or_else(|| "nobody knows whom".to_owned())
    }

    /// Takes the first of these locks that can be had.
    async fn take_first(
        address: &str,
        name: &str,
        ways: &[Lock],
        until: Instant,
    ) -> Result<Self, CatalogError> {
        // Any kind will do: nothing of a schema is looked at.
        let pool = Pool::new(servers(address, DatabaseKind::Catalogue, false)?, false);
        let name = name.to_owned();
        let mut by = String::new();
        loop {
            for lock in ways {
                match ask(&pool, &name, &[*lock]).await? {
                    Asked::Held(connection) => return Ok(Self::keep(pool, name, connection, *lock)),
                    Asked::Taken(name) => by = name,
                }
            }
            if Instant::now() >= until {
                return Err(CatalogError::Occupied(by));
            }
            sleep(LOST_PAUSE).await;
        }
    }

    fn keep(pool: Pool, name: String, connection: Connection, lock: Lock) -> Self {
        let (tell, taken) = watch::channel(None);
        let (more, changes) = mpsc::channel(1);
        let keeper = Keeper { pool, name, locks: vec![lock], tell, changes };
        Self { beside_others: lock.shared, more, taken, keeper: tokio::spawn(keeper.run(connection)) }
    }

    async fn change(&self, change: Change) -> Result<(), CatalogError> {
        let (reply, answer) = oneshot::channel();
        let ended = || CatalogError::Unavailable("another server took the database over".to_owned());
        self.more.send((change, reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Exclusive<'_> {
    /// The number of its lock: no other is likely to be the same, and one that were would refuse, and let nobody in.
    fn key(self) -> i64 {
        let (kind, name) = match self {
            Self::AuditLog(origin) => ("audit log", origin.as_bytes()),
            Self::Store(id) => ("store", id.as_slice()),
        };
        let text = [b"Yingdun ", kind.as_bytes(), b"\0", name].concat();
        let digest = ring::digest::digest(&ring::digest::SHA256, &text);
        let mut key = [0; 8];
        key.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        i64::from_be_bytes(key)
    }
}

/// The name of the process that has something for itself on the server of this database; none when nobody has it.
///
/// # Errors
/// As [`Database::query`](crate::Database::query).
pub async fn holder(database: &crate::Database, what: Exclusive<'_>) -> Result<Option<String>, CatalogError> {
    let rows = database.query(crate::Statement::new(HOLDER, vec![what.key().into()])).await?;
    rows.first().map(|row| row.get_text(0).map(str::to_owned)).transpose()
}

// === helpers ===

/// Looks after the connection that holds the locks, and takes them again when it broke.
struct Keeper {
    pool: Pool,
    name: String,
    locks: Vec<Lock>,
    tell: watch::Sender<Option<String>>,
    changes: mpsc::Receiver<(Change, oneshot::Sender<Result<(), CatalogError>>)>,
}

impl Keeper {
    async fn run(mut self, mut connection: Connection) {
        loop {
            self.watch(&connection).await;
            drop(connection);
            connection = loop {
                match ask(&self.pool, &self.name, &self.locks).await {
                    Ok(Asked::Held(connection)) => break connection,
                    // The server has not noticed yet that our own connection is broken.
                    Ok(Asked::Taken(by)) if by == self.name || by == ENDED => {}
                    Ok(Asked::Taken(by)) => {
                        self.tell.send_replace(Some(by));
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the locks of the database are not taken again yet");
                    }
                }
                sleep(LOST_PAUSE).await;
            };
        }
    }

    /// Looks at the connection until it broke, and makes what changes are asked for.
    async fn watch(&mut self, connection: &Connection) {
        while let Ok(Ok(_)) = timeout(LOOK_MAX, connection.client.simple_query("")).await {
            match timeout(LOOK_INTERVAL, self.changes.recv()).await {
                Ok(Some((change, reply))) => {
                    let made = self.make(connection, change).await;
                    // Whoever does not wait any more gives everything up.
                    drop(reply.send(made));
                }
                // Nobody is left who could ask: the task is about to be ended.
                Ok(None) => sleep(LOOK_INTERVAL).await,
                Err(_) => {}
            }
        }
    }

    async fn make(&mut self, connection: &Connection, change: Change) -> Result<(), CatalogError> {
        match change {
            Change::Add(key) => {
                let lock = Lock { key, shared: false };
                let until = Instant::now() + WAIT_MAX;
                while let Some(by) = try_lock(connection, lock).await? {
                    if Instant::now() >= until {
                        return Err(CatalogError::Occupied(by));
                    }
                    sleep(LOST_PAUSE).await;
                }
                self.locks.push(lock);
            }
            Change::Share => {
                let alone = Lock { key: DATABASE_LOCK, shared: false };
                let Some(held) = self.locks.iter_mut().find(|lock| **lock == alone) else { return Ok(()) };
                // The other one first, so that nobody gets in between who wants to be alone.
                let client = &connection.client;
                client
                    .execute("SELECT pg_advisory_lock_shared($1)", &[&DATABASE_LOCK])
                    .await
                    .map_err(error_of)?;
                client.execute("SELECT pg_advisory_unlock($1)", &[&DATABASE_LOCK]).await.map_err(error_of)?;
                held.shared = true;
            }
        }
        Ok(())
    }
}

async fn ask(pool: &Pool, name: &str, locks: &[Lock]) -> Result<Asked, CatalogError> {
    let connection = pool.connect().await?;
    let client = &connection.client;
    client.batch_execute(LET_GO).await.map_err(error_of)?;
    client.execute("SELECT set_config('application_name', $1, false)", &[&name]).await.map_err(error_of)?;
    for lock in locks {
        if let Some(by) = try_lock(&connection, *lock).await? {
            return Ok(Asked::Taken(by));
        }
    }
    Ok(Asked::Held(connection))
}

/// Takes a lock on a connection, or says who has it.
async fn try_lock(connection: &Connection, lock: Lock) -> Result<Option<String>, CatalogError> {
    let client = &connection.client;
    let take = match lock.shared {
        true => "SELECT pg_try_advisory_lock_shared($1)",
        false => "SELECT pg_try_advisory_lock($1)",
    };
    let row = client.query_one(take, &[&lock.key]).await.map_err(error_of)?;
    if row.try_get(0).map_err(error_of)? {
        return Ok(None);
    }
    let holder = client.query_opt(HOLDER, &[&lock.key]).await.map_err(error_of)?;
    let holder = holder.map(|row| row.try_get(0)).transpose().map_err(error_of)?;
    Ok(Some(holder.unwrap_or_else(|| ENDED.to_owned())))
}

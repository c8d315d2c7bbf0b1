//! One server at a time works on a database: an advisory lock that is held by a connection of its own, given back when
//! the server ends in whatever way, and taken again after a fail-over.

use super::LOST_PAUSE;
use super::address::servers;
use super::failure::error_of;
use super::pool::Pool;
use super::primary::Connection;
use crate::CatalogError;
use crate::DatabaseKind;
use crate::database::WAIT_MAX;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// The advisory lock of the server that works on a database: `Yingdun` and a two in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"Yingdun\x02");

/// The server lets go of whom it cannot reach: the machine of a holder that vanished must not keep others out for hours.
/// Without effect on a Unix socket, whose other end cannot vanish.
const LET_GO: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2";

/// Who holds the lock. Both halves of its number stand in a view of their own (PostgreSQL, `pg_locks`).
const HOLDER: &str = "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     AND (CAST(l.classid AS BIGINT) << 32 | CAST(l.objid AS BIGINT)) = $1";

/// How often the holder looks whether its connection still is there.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How long the server may take to say so when it is busy.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// The right to be the only server that works on a database. Given up when dropped, and when the process ends.
#[derive(Debug)]
pub struct Hold {
    taken: watch::Receiver<Option<String>>,
    keeper: tokio::task::JoinHandle<()>,
}

/// What came of asking for the lock.
enum Asked {
    Held(Connection),
    /// Somebody of this name has it.
    Taken(String),
}

impl Hold {
    /// Takes the right, before anything in the database is looked at or brought up to date. The name tells this process from all
    /// others (63 bytes of ASCII). A holder that was killed a moment ago is waited for.
    ///
    /// # Errors
    /// [`CatalogError::Occupied`] when another process has it; [`CatalogError::Address`] and
    /// [`CatalogError::Unavailable`] as [`Database::open_postgres`](crate::Database::open_postgres).
    pub async fn take(address: &str, name: &str) -> Result<Self, CatalogError> {
        // Any kind will do: nothing of a schema is looked at.
        let pool = Pool::new(servers(address, DatabaseKind::Catalogue, false)?, false);
        let name = name.to_owned();
        let until = Instant::now() + WAIT_MAX;
        let connection = loop {
            match ask(&pool, &name).await? {
                Asked::Held(connection) => break connection,
                Asked::Taken(_) if Instant::now() < until => sleep(LOST_PAUSE).await,
                Asked::Taken(by) => return Err(CatalogError::Occupied(by)),
            }
        };
        let (tell, taken) = watch::channel(None);
        let keeper = tokio::spawn(keep(pool, name, connection, tell));
        Ok(Self { taken, keeper })
    }

    /// Waits until another process has taken the right, which happens only while a fail-over of the database broke the
    /// connection that held it. Gives the name. Who waits in vain is the only one.
    pub async fn taken(&self) -> String {
        let mut taken = self.taken.clone();
        let by = match taken.wait_for(Option::is_some).await {
            Ok(by) => by.clone(),
            // The keeper ended without a word: it panicked or the program ends. Nobody vouches for the right any more.
            Err(_) => None,
        };
        by.unwrap_or_else(|| "nobody knows whom".to_owned())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

// === helpers ===

/// Looks after the connection that holds the lock, and takes the lock again when it broke.
async fn keep(pool: Pool, name: String, mut connection: Connection, tell: watch::Sender<Option<String>>) {
    loop {
        while let Ok(Ok(_)) = timeout(LOOK_MAX, connection.client.simple_query("")).await {
            sleep(LOOK_INTERVAL).await;
        }
        drop(connection);
        connection = loop {
            match ask(&pool, &name).await {
                Ok(Asked::Held(connection)) => break connection,
                // The server has not noticed yet that our own connection is broken.
                Ok(Asked::Taken(by)) if by == name => {}
                Ok(Asked::Taken(by)) => {
                    tell.send_replace(Some(by));
                    return;
                }
                Err(error) => tracing::debug!(%error, "the lock of the database is not taken again yet"),
            }
            sleep(LOST_PAUSE).await;
        };
    }
}

async fn ask(pool: &Pool, name: &str) -> Result<Asked, CatalogError> {
    let connection = pool.connect().await?;
    let client = &connection.client;
    client.batch_execute(LET_GO).await.map_err(error_of)?;
    client.execute("SELECT set_config('application_name', $1, false)", &[&name]).await.map_err(error_of)?;
    let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await.map_err(error_of)?;
    if row.try_get(0).map_err(error_of)? {
        return Ok(Asked::Held(connection));
    }
    let holder = client.query_opt(HOLDER, &[&LOCK]).await.map_err(error_of)?;
    let holder = holder.map(|row| row.try_get(0)).transpose().map_err(error_of)?;
    Ok(Asked::Taken(holder.unwrap_or_else(|| "somebody who has just ended".to_owned())))
}

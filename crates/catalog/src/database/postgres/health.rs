//! What the servers of an address say of themselves, for people: who is the primary, who follows it, who is waited for.

use super::address::{Server, servers};
use super::failure::error_of;
use super::primary::{ANSWER_MAX, identify};
use crate::{CatalogError, DatabaseKind};
use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, SimpleQueryRow};

/// What a primary promises: whether its commits are on the disk, and whom they wait for.
const PROMISES: &str = "SELECT current_setting('fsync'), current_setting('synchronous_standby_names')";

/// Who receives from a primary. What is empty may not be seen by this account (`pg_monitor`).
const FOLLOWERS: &str = "SELECT application_name, state, sync_state, \
     CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) AS BIGINT) FROM pg_stat_replication \
     ORDER BY application_name";

/// Whether a standby receives, and how much it has received and not yet applied.
const FOLLOWS: &str = "SELECT (SELECT count(*) FROM pg_stat_wal_receiver), \
     CAST(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) AS BIGINT), \
     (SELECT timeline_id FROM pg_control_checkpoint())";

/// One server of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Host and port.
    pub name: String,
    /// What it is.
    pub state: ServerState,
}

/// What a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// It takes writes, or would if it were not told to refuse them.
    Primary {
        /// Counted up at every promotion.
        timeline: u32,
        /// Whether it is told to refuse writes (`default_transaction_read_only`).
        read_only: bool,
        /// Whether it forces commits to the disk (`fsync`).
        forces_to_disk: bool,
        /// For whom its commits wait (`synchronous_standby_names`); empty for nobody.
        waits_for: String,
        /// Who receives from it.
        followers: Vec<Follower>,
    },
    /// It follows a primary, or would if it could.
    Standby {
        /// The timeline of its last restart point: that of its primary, or an older one for a while.
        timeline: u32,
        /// Whether it receives from a primary now.
        receives: bool,
        /// Received and not yet applied, in bytes.
        unapplied_bytes: u64,
    },
    /// It does not answer as it should.
    Silent {
        /// Why.
        why: String,
    },
}

/// A standby as its primary sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Its `application_name`, or `cluster_name`.
    pub name: String,
    /// Whether it is up to date enough to receive what is written now; none where this account may not see it.
    pub streams: Option<bool>,
    /// Whether commits wait for it; none where this account may not see it.
    pub synchronous: Option<bool>,
    /// Written by the primary and not yet on the disk of this standby, in bytes; none where this account may not see it.
    pub behind_bytes: Option<u64>,
}

/// Asks every server of an address what it is. Changes nothing.
///
/// # Errors
/// [`CatalogError::Address`] when the address is malformed or remote.
pub async fn database_servers(address: &str) -> Result<Vec<ServerReport>, CatalogError> {
    // Any kind will do: nothing of a schema is looked at.
    let servers = servers(address, DatabaseKind::Catalogue, false)?;
    let reports = servers.into_iter().map(|server| async move {
        let asked = timeout(ANSWER_MAX, ask(&server)).await;
        let state = match asked {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => ServerState::Silent { why: error.to_string() },
            Err(_) => ServerState::Silent { why: format!("no answer within {} s", ANSWER_MAX.as_secs()) },
        };
        ServerReport { name: server.name, state }
    });
    Ok(join_all(reports).await)
}

// === helpers ===

async fn ask(server: &Server) -> Result<ServerState, CatalogError> {
    let (client, connection) = server.config.connect(NoTls).await.map_err(error_of)?;
    // It ends when the client is dropped.
    tokio::spawn(connection);
    let identity = identify(&client).await?;
    let Some(timeline) = identity.timeline else {
        let row = rows(&client, FOLLOWS).await?;
        let row = row.first().ok_or_else(unreadable)?;
        return Ok(ServerState::Standby {
            receives: number(row, 0).is_some_and(|receivers| receivers > 0),
            unapplied_bytes: number(row, 1).unwrap_or(0),
            timeline: number(row, 2).and_then(|timeline| timeline.try_into().ok()).ok_or_else(unreadable)?,
        });
    };
    let promises = rows(&client, PROMISES).await?;
    let promises = promises.first().ok_or_else(unreadable)?;
    Ok(ServerState::Primary {
        timeline,
        read_only: identity.read_only,
        forces_to_disk: promises.get(0) == Some("on"),
        waits_for: promises.get(1).unwrap_or_default().to_owned(),
        followers: rows(&client, FOLLOWERS).await?.iter().map(follower).collect(),
    })
}

fn follower(row: &SimpleQueryRow) -> Follower {
    Follower {
        name: row.get(0).unwrap_or_default().to_owned(),
        streams: row.get(1).map(|state| state == "streaming"),
        synchronous: row.get(2).map(|state| state == "sync" || state == "quorum"),
        behind_bytes: number(row, 3),
    }
}

async fn rows(client: &Client, question: &str) -> Result<Vec<SimpleQueryRow>, CatalogError> {
    let answer = client.simple_query(question).await.map_err(error_of)?;
    let rows = answer.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.collect())
}

/// A number that is not negative. A standby may for a moment have applied what its primary does not call written yet.
fn number(row: &SimpleQueryRow, column: usize) -> Option<u64> {
    row.get(column)?.parse::<i64>().ok()?.max(0).try_into().ok()
}

fn unreadable() -> CatalogError {
    CatalogError::Unavailable("it does not say what it is".to_owned())
}

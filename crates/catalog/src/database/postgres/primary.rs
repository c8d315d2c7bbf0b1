//! Which of several servers is the primary: asked at every connection, and never believed twice.
//!
//! ```text
//!  every server of the address ── asked ──► standby, read-only, another system, an older timeline: refused
//!                                      └──► primary ── a commit that its standby confirms ──► connection
//! ```
//!
//! PostgreSQL counts a *timeline* up whenever a standby is promoted. The highest that was seen is followed: a primary that
//! was given up and comes back as it was stands on a lower one, is refused, and what still is connected to it is cut off.
//!
//! A connection is used only after a commit over it was confirmed, by the standby too where the server is told to wait for
//! one (`synchronous_standby_names`). Commits are confirmed in their order; so whatever can be read over a connection is as
//! safe as what is written over it, also what a crash had left half confirmed. And an old primary, whose standby follows
//! somebody else, is of no use even to a process that never saw the new one.

use super::address::Server;
use super::failure::error_of;
use crate::CatalogError;
use crate::database::bell::Bell;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, TryFutureExt as _};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage, Socket};

/// How long one server may take to accept a connection and to say what it is. A server that is stopped but not gone takes
/// connections and answers nothing.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(3);

/// How often all servers are asked what they are, where there are several: a primary that hangs is left soon after another
/// one was promoted.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Where PostgreSQL says that a commit was not confirmed by a standby (`src/backend/replication/syncrep.c`), in a field that
/// is not translated.
const GIVES_UP_WAITING: &str = "SyncRepWaitForLSN";

/// What a server is. The last column tells servers with `default_transaction_read_only` from those that write.
const IDENTIFY: &str = "SELECT s.system_identifier, \
     CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END, \
     current_setting('transaction_read_only') FROM pg_control_system() s";

/// A commit that is written to the log and waits for whom the server waits; it leaves nothing in any table.
const CONFIRM: &str = "BEGIN; SET LOCAL synchronous_commit = on; \
     SELECT pg_logical_emit_message(true, 'yingdun', 'confirm'); COMMIT";

/// The history that a primary writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct History {
    system: u64,
    timeline: u32,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    system: u64,
    /// None at a standby.
    pub(super) timeline: Option<u32>,
    pub(super) read_only: bool,
}

/// A connection to a primary.
pub(super) struct Connection {
    pub(super) client: Client,
    history: History,
}

/// The servers of an address, and whom of them we follow.
pub(super) struct Primary {
    servers: Vec<Server>,
    reads_only: bool,
    followed: watch::Sender<Option<History>>,
    /// Rings when a server tells a connection that listens.
    bell: Bell,
}

impl Primary {
    pub(super) fn new(servers: Vec<Server>, reads_only: bool) -> Self {
        Self { servers, reads_only, followed: watch::Sender::new(None), bell: Bell::default() }
    }

    /// Whether there is anybody to fail over to.
    pub(super) fn has_several_servers(&self) -> bool {
        self.servers.len() > 1
    }

    /// Connects to the primary. Waits for as long as the server waits for its standby.
    pub(super) async fn connect(&self) -> Result<Connection, CatalogError> {
        let connection = self.find().await?;
        if !self.reads_only {
            connection.client.batch_execute(CONFIRM).await.map_err(error_of)?;
        }
        self.follow(connection.history);
        Ok(connection)
    }

    /// Connects to the primary to be told. Nothing is read or written over it, so no commit has to be confirmed.
    pub(super) async fn listen(&self, statement: &str) -> Result<Connection, CatalogError> {
        let connection = self.find().await?;
        connection.client.batch_execute(statement).await.map_err(error_of)?;
        Ok(connection)
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Asks all servers what they are, and follows a primary on a higher timeline than the one that is followed. Says whose
    /// servers take writes.
    pub(super) async fn look(&self) -> BTreeSet<&str> {
        let answers = join_all(self.servers.iter().map(|server| async {
            let (_client, identity) = self.ask(server, &Arc::default()).await.ok()?;
            let timeline = identity.timeline.filter(|_| !identity.read_only)?;
            Some((server.name.as_str(), History { system: identity.system, timeline }))
        }));
        let primaries: Vec<(&str, History)> = answers.await.into_iter().flatten().collect();
        for (_, history) in &primaries {
            // Where nothing is followed yet, the first connection decides.
            if self.followed.borrow().is_some_and(|followed| followed.system == history.system) {
                self.follow(*history);
            }
        }
        primaries.into_iter().map(|(name, _)| name).collect()
    }

    /// The first primary that is not behind the history that is followed; of several that nobody follows yet, the one on the
    /// highest timeline.
    async fn find(&self) -> Result<Connection, CatalogError> {
        let followed = *self.followed.borrow();
        let mut asked: FuturesUnordered<_> = self
            .servers
            .iter()
            .map(|server| {
                let history = Arc::default();
                async move {
                    let answer = self.ask(server, &history).await;
                    (server, answer.and_then(|(client, identity)| self.judge(client, identity, &history)))
                }
            })
            .collect();
        let mut found: Option<Connection> = None;
        let mut refused = Vec::new();
        while let Some((server, answer)) = asked.next().await {
            match answer {
                Ok(connection) => {
                    if found.as_ref().is_none_or(|found| found.history < connection.history) {
                        found = Some(connection);
                    }
                    if followed.is_some() {
                        break;
                    }
                }
                Err(error) => refused.push(format!("{}: {error}", server.name)),
            }
        }
        found.ok_or_else(|| CatalogError::Unavailable(format!("no primary is there: {}", refused.join("; "))))
    }

    /// Connects, and asks the server what it is. The connection lasts until another history is followed than the one that
    /// `history` is given.
    async fn ask(
        &self,
        server: &Server,
        history: &Arc<OnceLock<History>>,
    ) -> Result<(Client, Identity), String> {
        let asking = async {
            let (client, connection) = server.config.connect(NoTls).await.map_err(error_of)?;
            tokio::spawn(drive(connection, Arc::clone(history), self.followed.subscribe(), self.bell()));
            let identity = identify(&client).await?;
            Ok((client, identity))
        };
        let said = timeout(ANSWER_MAX, asking.map_err(|error: CatalogError| error.to_string())).await;
        said.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_MAX.as_secs())))
    }

    fn judge(
        &self,
        client: Client,
        identity: Identity,
        told: &OnceLock<History>,
    ) -> Result<Connection, String> {
        let history = judge(identity, self.reads_only, None)?;
        // Told before it is compared: whoever follows another history from here on cuts this connection off.
        let history = *told.get_or_init(|| history);
        judge(identity, self.reads_only, *self.followed.borrow())?;
        Ok(Connection { client, history })
    }

    fn follow(&self, history: History) {
        self.followed.send_if_modified(|followed| {
            let is_newer = followed.is_none_or(|followed| followed.timeline < history.timeline);
            if is_newer && let Some(before) = followed.replace(history) {
                let (before, timeline) = (before.timeline, history.timeline);
                tracing::warn!(before, timeline, "another database server was promoted and is followed");
            }
            is_newer
        });
    }
}

/// Whether a server that says this of itself is the one to work with.
fn judge(identity: Identity, reads_only: bool, followed: Option<History>) -> Result<History, String> {
    let Identity { system, timeline, read_only } = identity;
    let Some(timeline) = timeline else { return Err("it is a standby".to_owned()) };
    if read_only && !reads_only {
        return Err("it takes no writes (default_transaction_read_only)".to_owned());
    }
    if let Some(followed) = followed {
        if followed.system != system {
            return Err("it holds another database cluster than the one that was there".to_owned());
        }
        if timeline < followed.timeline {
            return Err(format!(
                "it is an old primary (timeline {timeline}), another server was promoted (timeline {}); make a standby of it \
                 with pg_rewind before it is started",
                followed.timeline
            ));
        }
    }
    Ok(History { system, timeline })
}

/// Asks a server what it is.
pub(super) async fn identify(client: &Client) -> Result<Identity, CatalogError> {
    let answer = client.simple_query(IDENTIFY).await.map_err(error_of)?;
    identity(&answer).ok_or_else(|| CatalogError::Unavailable("it does not say what it is".to_owned()))
}

fn identity(answer: &[SimpleQueryMessage]) -> Option<Identity> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })?;
    let timeline = match row.get(1) {
        Some(hex) => Some(u32::from_str_radix(hex, 16).ok()?),
        None => None,
    };
    Some(Identity { system: row.get(0)?.parse().ok()?, timeline, read_only: row.get(2)? == "on" })
}

/// Carries messages until the client is dropped, the server is gone, or another history is followed.
async fn drive(
    connection: tokio_postgres::Connection<Socket, NoTlsStream>,
    history: Arc<OnceLock<History>>,
    mut followed: watch::Receiver<Option<History>>,
    bell: Bell,
) {
    let is_another = |followed: &Option<History>| {
        history.get().is_some_and(|history| followed.is_some_and(|followed| *history < followed))
    };
    tokio::select! {
        () = carry(connection, &bell) => {}
        Ok(_) = followed.wait_for(is_another) => {
            tracing::warn!("a connection to a database server that is not followed any more was cut off");
        }
    }
}

/// A commit that the server gives up to have confirmed is told to the client as done, with a warning before. There the
/// connection ends, so that nobody takes it for confirmed.
async fn carry(mut connection: tokio_postgres::Connection<Socket, NoTlsStream>, bell: &Bell) {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) if notice.routine() == Some(GIVES_UP_WAITING) => {
                tracing::error!(
                    "the database server gave up to wait for its standby; the commit is not confirmed"
                );
                return;
            }
            Some(Ok(AsyncMessage::Notification(_))) => bell.ring(),
            Some(Ok(_)) => {}
            // Whoever waits for an answer is told why.
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection to the database ended");
                return;
            }
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVING: Identity = Identity { system: 7, timeline: Some(3), read_only: false };

    #[test]
    fn only_a_primary_that_writes_is_worked_with() {
        assert!(judge(SERVING, false, None).is_ok());
        assert!(judge(Identity { timeline: None, ..SERVING }, false, None).is_err());
        let read_only = Identity { read_only: true, ..SERVING };
        assert!(judge(read_only, false, None).is_err());
        assert!(judge(read_only, true, None).is_ok(), "who only looks does not write");
    }

    #[test]
    fn a_primary_of_an_older_timeline_or_another_cluster_is_refused_and_a_newer_one_taken() {
        let following = |system, timeline| judge(SERVING, false, Some(History { system, timeline }));
        assert!(following(7, 3).is_ok() && following(7, 2).is_ok());
        assert!(following(7, 4).unwrap_err().contains("old primary"));
        assert!(following(8, 3).unwrap_err().contains("another database cluster"));
    }

    #[test]
    fn what_is_followed_never_goes_back() {
        let primary = Primary::new(Vec::new(), false);
        let at = |timeline| History { system: 7, timeline };
        for timeline in [2, 5, 4] {
            primary.follow(at(timeline));
        }
        assert_eq!(*primary.followed.borrow(), Some(at(5)));
    }
}

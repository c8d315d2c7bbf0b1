//! PostgreSQL: connections to the primary, prepared statements, pipelined transactions.
//!
//! What breaks because a server went away is tried again on another connection where that is safe: a read, and a
//! transaction whose commit was not sent. A commit whose answer was lost is never taken for done nor done twice.

mod address;
mod dump;
mod failure;
mod health;
mod hold;
mod pool;
mod primary;
mod values;

pub use health::{Follower, ServerReport, ServerState, database_servers};
pub use hold::{Exclusive, Hold, holder};

use self::failure::{Failure, error_of};
use self::pool::{Lease, Pool};
use self::values::row_of;
use super::bell::Bell;
use super::migration::{self, Applied, Migration, Steps};
use super::{DUMP_TIME_MAX, DatabaseKind, DumpError, WAIT_MAX};
use crate::{CatalogError, Database, Row, Statement};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::{join, join_all};
use std::io::Read;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Client, Transaction};

/// How often a transaction that lost a dead-lock or a serialisation conflict is tried again.
const CONFLICT_RETRIES_MAX: usize = 5;

/// The pause before a primary is looked for again. A promotion takes seconds.
const LOST_PAUSE: Duration = Duration::from_millis(250);

/// The advisory lock that serialises migrations of nodes that start together: `Yingdun` and a one in ASCII.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"Yingdun\x01");

/// Every commit waits for the disk, and for the standby where the server is told to wait for one, whatever the server's
/// own default is. Also of what can be replayed: this process goes on when the server loses its memory, and would
/// not know that something is missing.
const CONFIRMED: &str = "SET LOCAL synchronous_commit = on";

/// The connections to one schema.
#[derive(Clone)]
pub(super) struct Postgres(Pool);

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres(…)")
    }
}

impl Postgres {
    /// Connects and brings the schema up to date, as far as these steps do.
    pub(super) async fn open(
        address: &str,
        kind: DatabaseKind,
        allowed: Steps,
    ) -> Result<Self, CatalogError> {
        let postgres = Self(Pool::new(address::servers(address, kind, false)?, false));
        postgres.migrate(kind, kind.migrations(), allowed).await?;
        Ok(postgres)
    }

    /// Connects for reading only; also tells how many steps of the schema are pending.
    pub(super) async fn inspect(address: &str, kind: DatabaseKind) -> Result<(Self, usize), CatalogError> {
        let postgres = Self(Pool::new(address::servers(address, kind, true)?, true));
        let mut lease = postgres.0.lease().await?;
        let client = lease.client()?;
        let there = client
            .query_one(
                "SELECT to_regclass($1) IS NOT NULL",
                &[&format!("{}.schema_migration", kind.schema_name())],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(error_of)?;
        let applied = if there {
            applied(client.query(migration::SELECT_APPLIED, &[]).await.map_err(error_of)?)?
        } else {
            Vec::new()
        };
        let pending = migration::pending(kind.migrations(), |step| step.postgres, &applied)?.len();
        drop(lease);
        Ok((postgres, pending))
    }

    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<Row>, CatalogError> {
        let until = Instant::now() + WAIT_MAX;
        loop {
            match self.try_query(statement).await {
                Err(Failure::Lost(_)) if Instant::now() < until => sleep(LOST_PAUSE).await,
                outcome => return outcome.map_err(Failure::into_error),
            }
        }
    }

    /// Several reading statements, sent one behind the other without waiting in between.
    pub(super) async fn query_all(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, CatalogError> {
        let until = Instant::now() + WAIT_MAX;
        loop {
            match self.try_query_all(statements).await {
                Err(Failure::Lost(_)) if Instant::now() < until => sleep(LOST_PAUSE).await,
                outcome => return outcome.map_err(Failure::into_error),
            }
        }
    }

    /// One transaction. Two that meet in opposite orders are told apart by the server, which ends one of them;
    /// that one is tried again. So is one whose connection ended before its commit was sent.
    pub(super) async fn transact(&self, statements: &[Statement]) -> Result<Vec<u64>, CatalogError> {
        let until = Instant::now() + WAIT_MAX;
        let mut conflicts = 0;
        loop {
            match self.try_transact(statements).await {
                Err(Failure::Conflict(_)) if conflicts < CONFLICT_RETRIES_MAX => conflicts += 1,
                Err(Failure::Lost(_)) if Instant::now() < until => sleep(LOST_PAUSE).await,
                outcome => return outcome.map_err(Failure::into_error),
            }
        }
    }

    /// Rings when another process tells of a change.
    pub(super) fn bell(&self) -> Bell {
        self.0.bell()
    }

    /// Listens to what other processes tell of, from the first call on.
    pub(super) fn listen(&self, kind: DatabaseKind) {
        self.0.listen(listen(kind));
    }

    /// Writes all changed pages to the tables' files.
    pub(super) async fn checkpoint(&self) -> Result<(), CatalogError> {
        self.0.lease().await?.client()?.batch_execute("CHECKPOINT").await.map_err(error_of)
    }

    async fn try_query(&self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        let mut lease = self.lease().await?;
        let outcome = query_on(&mut lease, statement).await;
        give_back(lease, outcome)
    }

    async fn try_query_all(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, Failure> {
        let mut lease = self.lease().await?;
        let outcome = query_all_on(&mut lease, statements).await;
        give_back(lease, outcome)
    }

    async fn try_transact(&self, statements: &[Statement]) -> Result<Vec<u64>, Failure> {
        let mut lease = self.lease().await?;
        let outcome = transact_on(&mut lease, statements).await;
        give_back(lease, outcome)
    }

    async fn lease(&self) -> Result<Lease, Failure> {
        self.0.lease().await.map_err(|error| match error {
            CatalogError::Unavailable(_) => Failure::Lost(error),
            other => Failure::Final(other),
        })
    }

    /// Hands out every row as of one moment.
    pub(super) async fn dump(
        &self,
        kind: DatabaseKind,
        pieces: &mpsc::Sender<Result<Bytes, DumpError>>,
    ) -> Result<(), DumpError> {
        // Whoever takes too long is left, and the connection with its moment is closed.
        let dumped = timeout(DUMP_TIME_MAX, dump::dump(&self.0, kind, pieces)).await;
        dumped.unwrap_or(Err(DumpError::NotTaken { seconds: DUMP_TIME_MAX.as_secs() }))
    }

    async fn migrate(
        &self,
        kind: DatabaseKind,
        steps: &[Migration],
        allowed: Steps,
    ) -> Result<(), CatalogError> {
        let mut lease = self.0.lease().await?;
        let transaction = lease.client()?.transaction().await.map_err(error_of)?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(error_of)?;
        migrate_in(&transaction, kind, steps, allowed).await?;
        transaction.commit().await.map_err(error_of)
    }
}

/// Makes a schema as a program left it that knew only these steps.
#[cfg(test)]
pub(super) async fn make_with_steps(address: &str, kind: DatabaseKind, steps: &[Migration]) -> Postgres {
    let postgres = Postgres(Pool::new(address::servers(address, kind, false).unwrap(), false));
    postgres.migrate(kind, steps, Steps::All).await.unwrap();
    postgres
}

/// Whether a server has no schema of this kind. Blocks a blocking thread of a runtime.
pub(super) fn check_new(address: &str, kind: DatabaseKind) -> Result<(), DumpError> {
    runtime()?.block_on(dump::check_new(address, kind))
}

/// Makes the schema of a kind from the rows of a dump. Blocks a blocking thread of a runtime.
pub(super) fn load(address: &str, kind: DatabaseKind, source: &mut dyn Read) -> Result<u64, DumpError> {
    runtime()?.block_on(dump::load(address, kind, source))
}

fn runtime() -> Result<Handle, CatalogError> {
    Handle::try_current().map_err(|_| CatalogError::Misuse("a server is asked within a runtime".to_owned()))
}

/// Takes the steps that a schema still needs, within a transaction, and one node at a time.
async fn migrate_in(
    transaction: &Transaction<'_>,
    kind: DatabaseKind,
    steps: &[Migration],
    allowed: Steps,
) -> Result<(), CatalogError> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(error_of)?;
    transaction.batch_execute(create_schema(kind)).await.map_err(error_of)?;
    transaction.batch_execute(migration::CREATE_TABLE).await.map_err(error_of)?;
    let applied = applied(transaction.query(migration::SELECT_APPLIED, &[]).await.map_err(error_of)?)?;
    let pending = migration::pending(steps, |step| step.postgres, &applied)?;
    allowed.check(pending)?;
    for step in pending {
        transaction.batch_execute(step.postgres).await.map_err(error_of)?;
        let digest = migration::sha256(step.postgres);
        transaction
            .execute(migration::INSERT_APPLIED, &[&step.version, &step.name, &digest])
            .await
            .map_err(error_of)?;
    }
    Ok(())
}

// === on one connection ===

async fn query_on(lease: &mut Lease, statement: &Statement) -> Result<Vec<Row>, Failure> {
    let prepared = lease.prepare(statement).await?;
    rows_of(lease.client()?, &prepared, statement).await
}

async fn query_all_on(lease: &mut Lease, statements: &[Statement]) -> Result<Vec<Vec<Row>>, Failure> {
    let mut prepared = Vec::with_capacity(statements.len());
    for statement in statements {
        prepared.push(lease.prepare(statement).await?);
    }
    let client: &Client = lease.client()?;
    let asked = prepared.iter().zip(statements);
    let answers = join_all(asked.map(|(prepared, statement)| rows_of(client, prepared, statement))).await;
    answers.into_iter().collect()
}

async fn rows_of(
    client: &Client,
    prepared: &tokio_postgres::Statement,
    statement: &Statement,
) -> Result<Vec<Row>, Failure> {
    let stream = client.query_raw(prepared, statement.values()).await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        if rows.len() == Database::QUERY_ROWS_MAX {
            return Err(CatalogError::TooManyRows { limit: Database::QUERY_ROWS_MAX }.into());
        }
        rows.push(row_of(&row)?);
    }
    Ok(rows)
}

/// Sends all statements without waiting in between; the server runs them in order.
async fn transact_on(lease: &mut Lease, statements: &[Statement]) -> Result<Vec<u64>, Failure> {
    let mut prepared = Vec::with_capacity(statements.len());
    for statement in statements {
        prepared.push(lease.prepare(statement).await?);
    }
    let transaction = lease.client()?.transaction().await?;
    let pipeline = join_all(
        prepared
            .iter()
            .zip(statements)
            .map(|(prepared, statement)| transaction.execute_raw(prepared, statement.values())),
    );
    let (commit_setting, results) = join(transaction.batch_execute(CONFIRMED), pipeline).await;
    commit_setting?;
    // After the first failure the others fail only because of it; results are in the order of statements.
    let mut changed = Vec::with_capacity(results.len());
    for ((position, statement), result) in statements.iter().enumerate().zip(results) {
        changed.push(statement.check_rows(position, result?)?);
    }
    transaction.commit().await.map_err(|error| Failure::from(error).at_commit())?;
    Ok(changed)
}

/// A connection that leads to a server of no use is not used again, also when it still is open.
fn give_back<T>(lease: Lease, outcome: Result<T, Failure>) -> Result<T, Failure> {
    if matches!(outcome, Err(Failure::Lost(_) | Failure::Final(CatalogError::Unconfirmed(_)))) {
        lease.discard();
    }
    outcome
}

fn applied(rows: Vec<tokio_postgres::Row>) -> Result<Vec<Applied>, CatalogError> {
    rows.iter()
        .map(|row| Ok(Applied { version: row.try_get(0)?, name: row.try_get(1)?, sha256: row.try_get(2)? }))
        .collect::<Result<_, _>>()
        .map_err(error_of)
}

const fn create_schema(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Catalogue => "CREATE SCHEMA IF NOT EXISTS yingdun_catalogue",
        DatabaseKind::Keys => "CREATE SCHEMA IF NOT EXISTS yingdun_keys",
        DatabaseKind::Identity => "CREATE SCHEMA IF NOT EXISTS yingdun_identity",
    }
}

/// The statement that tells every process that listens to the databases of a kind. It says nothing: whoever reads along learns that
/// something changed.
pub(super) fn notify(kind: DatabaseKind) -> Statement {
    let notify = match kind {
        DatabaseKind::Catalogue => "SELECT pg_notify('yingdun_catalogue', '')",
        DatabaseKind::Keys => "SELECT pg_notify('yingdun_keys', '')",
        DatabaseKind::Identity => "SELECT pg_notify('yingdun_identity', '')",
    };
    Statement::new(notify, Vec::new())
}

const fn listen(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Catalogue => "LISTEN yingdun_catalogue",
        DatabaseKind::Keys => "LISTEN yingdun_keys",
        DatabaseKind::Identity => "LISTEN yingdun_identity",
    }
}

impl DatabaseKind {
    const fn schema_name(self) -> &'static str {
        match self {
            Self::Catalogue => "yingdun_catalogue",
            Self::Keys => "yingdun_keys",
            Self::Identity => "yingdun_identity",
        }
    }
}

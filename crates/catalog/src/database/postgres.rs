//! PostgreSQL: a pool of connections, cached prepared statements, pipelined transactions.

use super::migration::{self, Applied};
use super::{DatabaseKind, Durability, QUERY_TIME_MAX, WAIT_MAX};
use crate::{CatalogError, Database, Row, Statement, Value};
use bytes::{BufMut as _, BytesMut};
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use futures_util::TryStreamExt as _;
use futures_util::future::{join, join_all};
use std::error::Error as StdError;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls};

/// How many connections are open at once: enough to keep a few server processes busy, far below the default
/// limit of 100 of a server that three databases of several nodes may share.
const CONNECTIONS_MAX: usize = 16;

/// Prepared statements kept per connection. Composed searches have many shapes; past this number the cache
/// starts afresh, so that neither side grows without bound.
const STATEMENTS_CACHED_MAX: usize = 256;

/// How often a transaction that lost a dead-lock or a serialisation conflict is tried again.
const CONFLICT_RETRIES_MAX: usize = 5;

/// The advisory lock that serialises migrations of nodes that start together: `Yingdun` and a one in ASCII.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"Yingdun\x01");

/// The pool of one schema.
#[derive(Clone)]
pub(super) struct Postgres(Pool);

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres(…)")
    }
}

impl Postgres {
    /// Connects and brings the schema up to date.
    pub(super) async fn open(address: &str, kind: DatabaseKind) -> Result<Self, CatalogError> {
        let postgres = Self::connect(configure(address, kind)?)?;
        postgres.migrate(kind).await?;
        Ok(postgres)
    }

    /// Connects for reading only; also tells how many steps of the schema are pending.
    pub(super) async fn inspect(address: &str, kind: DatabaseKind) -> Result<(Self, usize), CatalogError> {
        let mut config = configure(address, kind)?;
        let options =
            format!("{} -c default_transaction_read_only=on", config.get_options().unwrap_or_default());
        config.options(options);
        let postgres = Self::connect(config)?;
        let client = postgres.client().await?;
        let there = client
            .query_one(
                "SELECT to_regclass($1) IS NOT NULL",
                &[&format!("{}.schema_migration", schema_name(kind))],
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
        drop(client);
        Ok((postgres, pending))
    }

    fn connect(config: Config) -> Result<Self, CatalogError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let limit = Some(WAIT_MAX);
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(CONNECTIONS_MAX)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: limit, create: limit, recycle: limit })
            .build()
            .map_err(|error| CatalogError::Misuse(error.to_string()))?;
        Ok(Self(pool))
    }

    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<Row>, CatalogError> {
        let client = self.client().await?;
        let prepared = prepare(&client, statement).await?;
        let stream = client.query_raw(&prepared, statement.values()).await.map_err(error_of)?;
        let mut stream = std::pin::pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(error_of)? {
            if rows.len() == Database::QUERY_ROWS_MAX {
                return Err(CatalogError::TooManyRows { limit: Database::QUERY_ROWS_MAX });
            }
            rows.push(row_of(&row)?);
        }
        Ok(rows)
    }

    /// One transaction. Two that meet in opposite orders are told apart by the server, which ends one of them;
    /// that one is tried again.
    pub(super) async fn transact(
        &self,
        statements: &[Statement],
        durability: Durability,
    ) -> Result<Vec<u64>, CatalogError> {
        let mut retries = 0;
        loop {
            match self.try_transact(statements, durability).await {
                Err(Failure::Conflict(_)) if retries < CONFLICT_RETRIES_MAX => retries += 1,
                Err(Failure::Conflict(error) | Failure::Final(error)) => return Err(error),
                Ok(changed) => return Ok(changed),
            }
        }
    }

    /// Writes all changed pages to the tables' files.
    pub(super) async fn checkpoint(&self) -> Result<(), CatalogError> {
        self.client().await?.batch_execute("CHECKPOINT").await.map_err(error_of)
    }

    /// Sends all statements without waiting in between; the server runs them in order.
    async fn try_transact(
        &self,
        statements: &[Statement],
        durability: Durability,
    ) -> Result<Vec<u64>, Failure> {
        let mut client = self.client().await?;
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            prepared.push(prepare(&client, statement).await?);
        }
        let transaction = client.transaction().await?;
        let pipeline = join_all(
            prepared
                .iter()
                .zip(statements)
                .map(|(prepared, statement)| transaction.execute_raw(prepared, statement.values())),
        );
        let (commit_setting, results) =
            join(transaction.batch_execute(synchronous_commit(durability)), pipeline).await;
        commit_setting?;
        // After the first failure the others fail only because of it; results are in the order of statements.
        let mut changed = Vec::with_capacity(results.len());
        for ((position, statement), result) in statements.iter().enumerate().zip(results) {
            changed.push(statement.check_rows(position, result?)?);
        }
        transaction.commit().await?;
        Ok(changed)
    }

    async fn client(&self) -> Result<Object, CatalogError> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => {
                CatalogError::Busy(format!("no connection was free within {} s", WAIT_MAX.as_secs()))
            }
            PoolError::Backend(error) => error_of(error),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                CatalogError::Unavailable(error.to_string())
            }
        })
    }

    async fn migrate(&self, kind: DatabaseKind) -> Result<(), CatalogError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(error_of)?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(error_of)?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(error_of)?;
        transaction.batch_execute(create_schema(kind)).await.map_err(error_of)?;
        transaction.batch_execute(migration::CREATE_TABLE).await.map_err(error_of)?;
        let applied = applied(transaction.query(migration::SELECT_APPLIED, &[]).await.map_err(error_of)?)?;
        for step in migration::pending(kind.migrations(), |step| step.postgres, &applied)? {
            transaction.batch_execute(step.postgres).await.map_err(error_of)?;
            let digest = migration::sha256(step.postgres);
            transaction
                .execute(migration::INSERT_APPLIED, &[&step.version, &step.name, &digest])
                .await
                .map_err(error_of)?;
        }
        transaction.commit().await.map_err(error_of)
    }
}

fn applied(rows: Vec<tokio_postgres::Row>) -> Result<Vec<Applied>, CatalogError> {
    rows.iter()
        .map(|row| Ok(Applied { version: row.try_get(0)?, sha256: row.try_get(1)? }))
        .collect::<Result<_, _>>()
        .map_err(error_of)
}

// === connecting ===

/// How the server is to plan, unless the address says otherwise. Searches read few rows by index, which the defaults for
/// spinning disks make look dear; and to compile such a plan or to start workers for it takes longer than to run it.
const PLANNING: &str = "-c jit=off -c random_page_cost=1.1 -c max_parallel_workers_per_gather=0";

/// Reads the address, refuses remote hosts, and sets the schema and the time limit of each statement.
fn configure(address: &str, kind: DatabaseKind) -> Result<Config, CatalogError> {
    let mut config: Config = address.parse().map_err(|_| {
        // The parser's own message may quote the address, and an address may hold a password.
        CatalogError::Address("it is not a connection string or URL of PostgreSQL".to_owned())
    })?;
    let near = !config.get_hosts().is_empty()
        && config.get_hosts().iter().all(is_near)
        && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    if !near {
        return Err(CatalogError::Address(
            "expected a Unix socket, `localhost` or a loopback address, because the connection has no TLS"
                .to_owned(),
        ));
    }
    let options = format!(
        "{PLANNING} {} -c search_path={} -c statement_timeout={}",
        config.get_options().unwrap_or_default(),
        schema_name(kind),
        QUERY_TIME_MAX.as_millis()
    );
    config.options(options.trim_start()).application_name("yingdun").connect_timeout(WAIT_MAX);
    Ok(config)
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

const fn schema_name(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Catalogue => "yingdun_catalogue",
        DatabaseKind::Keys => "yingdun_keys",
        DatabaseKind::Identity => "yingdun_identity",
    }
}

const fn create_schema(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Catalogue => "CREATE SCHEMA IF NOT EXISTS yingdun_catalogue",
        DatabaseKind::Keys => "CREATE SCHEMA IF NOT EXISTS yingdun_keys",
        DatabaseKind::Identity => "CREATE SCHEMA IF NOT EXISTS yingdun_identity",
    }
}

// === statements ===

async fn prepare(client: &Object, statement: &Statement) -> Result<tokio_postgres::Statement, CatalogError> {
    if client.statement_cache.size() >= STATEMENTS_CACHED_MAX {
        client.statement_cache.clear();
    }
    let prepared = client.prepare_cached(statement.text()).await.map_err(error_of)?;
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
    Ok(prepared)
}

const fn synchronous_commit(durability: Durability) -> &'static str {
    match durability {
        Durability::Durable => "SET LOCAL synchronous_commit = on",
        Durability::Replayable => "SET LOCAL synchronous_commit = off",
    }
}

/// Whether a value can be sent to a parameter of this type without a cast.
fn fits(value: &Value, ty: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Int(number) => *ty == Type::INT8 || (*ty == Type::INT4 && i32::try_from(*number).is_ok()),
        Value::Text(_) => *ty == Type::TEXT,
        Value::Bytes(_) => *ty == Type::BYTEA,
    }
}

/// Sends values that were found to fit.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) if *ty == Type::INT4 => out.put_i32((*number).try_into()?),
            Self::Int(number) => out.put_i64(*number),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Whether type and value fit is known only with the value; see `fits`.
        true
    }

    to_sql_checked!();
}

fn row_of(row: &tokio_postgres::Row) -> Result<Row, CatalogError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, column)| match *column.type_() {
            Type::INT8 => Ok(row.try_get::<_, Option<i64>>(index).map_err(error_of)?.into()),
            Type::INT4 => Ok(row.try_get::<_, Option<i32>>(index).map_err(error_of)?.into()),
            Type::BOOL => Ok(row.try_get::<_, Option<bool>>(index).map_err(error_of)?.into()),
            Type::TEXT => Ok(row.try_get::<_, Option<String>>(index).map_err(error_of)?.into()),
            Type::BYTEA => Ok(row.try_get::<_, Option<Vec<u8>>>(index).map_err(error_of)?.into()),
            ref other => Err(CatalogError::Misuse(format!(
                "column {index} is of type {other}; cast it to BIGINT, TEXT or BYTEA"
            ))),
        })
        .collect::<Result<_, _>>()
        .map(Row::new)
}

// === errors ===

/// Why a transaction failed, and whether it may be tried again at once.
enum Failure {
    Conflict(CatalogError),
    Final(CatalogError),
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Final(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let conflict = matches!(
            error.code(),
            Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE)
        );
        let error = error_of(error);
        if conflict { Self::Conflict(error) } else { Self::Final(error) }
    }
}

/// What an error of the server or the connection means to a caller. Only the primary message is kept: the detail
/// of a PostgreSQL error quotes values.
fn error_of(error: tokio_postgres::Error) -> CatalogError {
    let Some(server) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return CatalogError::Unavailable(format!("{error}{cause}"));
    };
    let code = server.code();
    let text = format!("{} (SQLSTATE {})", server.message(), code.code());
    match code.code().get(..2).unwrap_or_default() {
        _ if *code == SqlState::DISK_FULL => CatalogError::DiskFull(text),
        _ if *code == SqlState::QUERY_CANCELED => {
            CatalogError::Busy("the statement ran over its time limit".to_owned())
        }
        "23" => CatalogError::Constraint(text),
        "40" | "53" | "55" => CatalogError::Busy(text),
        "08" | "57" | "58" | "28" | "3D" => CatalogError::Unavailable(text),
        "XX" => CatalogError::Corrupt(text),
        _ => CatalogError::Misuse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_or_a_loopback_address_is_accepted() {
        for near in [
            "postgresql://u@127.0.0.1/db",
            "postgresql://u@[::1]/db",
            "postgresql://u@localhost:5433/db",
            "host=/run/postgresql user=u dbname=db",
        ] {
            assert!(configure(near, DatabaseKind::Catalogue).is_ok(), "{near}");
        }
        for far in [
            "postgresql://u@10.0.0.7/db",
            "postgresql://u@db.example.org/db",
            "postgresql://u@127.0.0.1,10.0.0.7/db",
            "host=localhost hostaddr=10.0.0.7 user=u",
            "user=u dbname=db",
            "not an address",
        ] {
            let refused = configure(far, DatabaseKind::Catalogue);
            assert!(matches!(refused, Err(CatalogError::Address(_))), "{far}");
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated_in_the_error() {
        let error = configure("postgresql://u:geheim@10.0.0.7/db", DatabaseKind::Keys).unwrap_err();
        assert!(!error.to_string().contains("geheim") && !error.to_string().contains("10.0.0.7"), "{error}");
    }
}

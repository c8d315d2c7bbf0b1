//! One database on either engine: reads, atomic writes, and the schema brought up to date when it is opened.
//!
//! Nothing above this module knows which engine runs. Nothing in it knows what the tables mean.

mod bell;
mod dump;
mod load;
mod migration;
mod postgres;
mod sqlite;
mod together;

pub use bell::Told;
pub use dump::{Dump, DumpError};
pub use load::NewDatabase;
pub use migration::Migration;
use migration::Steps;
pub use postgres::{Exclusive, Follower, Hold, ServerReport, ServerState, database_servers, holder};
pub use together::{Answers, LookUp, Place, Together};

use crate::{CatalogError, Row, Statement, StatementBuilder};
use bell::Bell;
use bytes::Bytes;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long work waits for a place: in a queue, for a lock, for a pooled connection. Longer than any single
/// transaction takes, shorter than a modality's patience.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long one query may run. Every query is served by an index and takes milliseconds; one that does not is
/// a mistake or an attack, and on SQLite it would pin the write-ahead log.
const QUERY_TIME_MAX: Duration = Duration::from_secs(10);

/// How many keys a statement may ask for and still be looked up on the thread of the caller.
const LOOK_UP_KEYS_MAX: usize = 4;

/// How long the rows of a dump may take to be taken away, because as long the write-ahead log of SQLite only grows and
/// PostgreSQL removes no row that was deleted: enough for some gigabytes over a slow line.
const DUMP_TIME_MAX: Duration = Duration::from_secs(600);

/// How long a dump waits before it looks again whether there is room for the next piece.
const DUMP_LOOK: Duration = Duration::from_millis(5);

/// Which set of tables a database holds. The three are separate files (SQLite) or schemas (PostgreSQL), so that
/// they can have separate owners, separate backups and separate lives: keys must be shreddable everywhere,
/// and the catalogue can be rebuilt from the packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// Studies, series, instances, care relations.
    Catalogue,
    /// Wrapped keys.
    Keys,
    /// People, devices, tokens.
    Identity,
}

impl DatabaseKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Catalogue, Self::Keys, Self::Identity];

    const fn migrations(self) -> &'static [Migration] {
        match self {
            Self::Catalogue => crate::catalogue::migrations::MIGRATIONS,
            Self::Keys => crate::keyring::migrations::MIGRATIONS,
            Self::Identity => crate::identity::migrations::MIGRATIONS,
        }
    }
}

/// Whether a committed transaction must survive a power cut by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// It may be lost by a power cut (never torn), because its content is replayed from elsewhere.
    Replayable,
    /// It is on the disk when the call returns.
    Durable,
}

/// A handle on one open database. Clones share the connections; the last one dropped closes them.
#[derive(Clone, Debug)]
pub struct Database {
    kind: DatabaseKind,
    engine: Engine,
    read_only: bool,
    bell: Bell,
}

/// A database that was opened to be looked at: nothing was made or brought up to date, and nothing can be written.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// For queries. A change is refused with [`CatalogError::Unavailable`].
    pub database: Database,
    /// How many steps the next opening for work will take to bring the schema up to date. Queries for what those
    /// steps add fail.
    pub pending_steps: usize,
}

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Database {
    /// The most rows a query may return: more than the largest real study has instances, and a bound on the
    /// memory that one answer takes.
    pub const QUERY_ROWS_MAX: usize = 100_000;
    /// The most statements in one transaction: a bound on how long one writer holds the database.
    pub const TRANSACTION_STATEMENTS_MAX: usize = 10_000;

    /// Opens or creates an SQLite file, readable by its owner only, and brings its schema up to date.
    ///
    /// The file is in WAL mode with `synchronous=FULL`. One writer thread commits the transactions that wait
    /// together as one (group commit); reader threads answer queries from their own snapshots.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the file cannot be opened, [`CatalogError::Schema`] when it is of
    /// another kind or newer than this program.
    pub async fn open_sqlite(path: impl AsRef<Path>, kind: DatabaseKind) -> Result<Self, CatalogError> {
        let engine = Engine::Sqlite(sqlite::Sqlite::open(path.as_ref().to_owned(), kind).await?);
        Ok(Self { kind, engine, read_only: false, bell: Bell::default() })
    }

    /// Opens an existing SQLite file without changing anything on the disk.
    ///
    /// # Errors
    /// As [`Self::open_sqlite`]; a file that is not there is not made.
    pub async fn inspect_sqlite(
        path: impl AsRef<Path>,
        kind: DatabaseKind,
    ) -> Result<Inspected, CatalogError> {
        let (engine, pending_steps) = sqlite::Sqlite::inspect(path.as_ref().to_owned(), kind).await?;
        Ok(Inspected {
            database: Self { kind, engine: Engine::Sqlite(engine), read_only: true, bell: Bell::default() },
            pending_steps,
        })
    }

    /// Connects to PostgreSQL and brings the schema of this kind (`yingdun_catalogue`, `yingdun_keys` or
    /// `yingdun_identity`) up to date. The address is a connection string or URL of libpq. It may name several servers:
    /// the primary among them is found at every connection, and found again when another one is promoted.
    ///
    /// Only a Unix socket or a loopback address is accepted: this connection has no TLS, and sealed bytes and
    /// keyed tokens still say who is busy and when. A server elsewhere is reached through a local tunnel.
    ///
    /// # Errors
    /// [`CatalogError::Address`] when the address is malformed or remote, [`CatalogError::Unavailable`] when
    /// no server answers, [`CatalogError::Schema`] when the schema is newer than this program.
    pub async fn open_postgres(address: &str, kind: DatabaseKind) -> Result<Self, CatalogError> {
        Self::open_postgres_for(address, kind, Steps::All).await
    }

    /// The same, while other programs work on the schema, perhaps older ones: of the steps that it still needs only those are
    /// taken that add what programs without them need not know of.
    ///
    /// # Errors
    /// As [`Self::open_postgres`]; [`CatalogError::Schema`] names the first step that does more.
    pub async fn open_postgres_beside_others(
        address: &str,
        kind: DatabaseKind,
    ) -> Result<Self, CatalogError> {
        Self::open_postgres_for(address, kind, Steps::ThatOnlyAdd).await
    }

    async fn open_postgres_for(
        address: &str,
        kind: DatabaseKind,
        steps: Steps,
    ) -> Result<Self, CatalogError> {
        let engine = postgres::Postgres::open(address, kind, steps).await?;
        let bell = engine.bell();
        Ok(Self { kind, engine: Engine::Postgres(engine), read_only: false, bell })
    }

    /// Connects to PostgreSQL without changing anything there.
    ///
    /// # Errors
    /// As [`Self::open_postgres`]; a schema that is not there is not made.
    pub async fn inspect_postgres(address: &str, kind: DatabaseKind) -> Result<Inspected, CatalogError> {
        let (engine, pending_steps) = postgres::Postgres::inspect(address, kind).await?;
        Ok(Inspected {
            database: Self { kind, bell: engine.bell(), engine: Engine::Postgres(engine), read_only: true },
            pending_steps,
        })
    }

    /// Which tables this database holds.
    #[must_use]
    pub const fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// The name of the engine, for status pages: `sqlite` or `postgresql`.
    #[must_use]
    pub const fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        }
    }

    /// Runs one reading statement and returns all its rows. It sees every transaction that returned before.
    ///
    /// # Errors
    /// [`CatalogError::Busy`] when no connection is free or the time limit passes,
    /// [`CatalogError::TooManyRows`] over [`Self::QUERY_ROWS_MAX`]; the rest as the class says.
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>, CatalogError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.query(statement).await,
            Engine::Postgres(postgres) => postgres.query(&statement).await,
        }
    }

    /// Like [`Self::query`], for a statement that finds a handful of rows by the key of each table it reads. On SQLite
    /// it is answered on the thread of the caller, which takes some tens of microseconds, unless every connection
    /// is busy.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn look_up(&self, statement: Statement) -> Result<Vec<Row>, CatalogError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.look_up(statement).await,
            Engine::Postgres(postgres) => postgres.query(&statement).await,
        }
    }

    /// [`Self::look_up`] for a statement that asks for a few `keys`, [`Self::query`] for one that asks for more of them than a
    /// thread that others wait for should look up.
    pub(crate) async fn by_keys(&self, keys: usize, statement: Statement) -> Result<Vec<Row>, CatalogError> {
        if keys <= LOOK_UP_KEYS_MAX { self.look_up(statement).await } else { self.query(statement).await }
    }

    /// Runs writing statements as one atomic, durable transaction and returns how many rows each changed.
    /// When it returns, the change survives a power cut. Statements must not return rows (no `RETURNING`).
    ///
    /// # Errors
    /// On any error but [`CatalogError::Unconfirmed`] nothing was changed. [`CatalogError::Constraint`] and
    /// [`CatalogError::UnexpectedRows`] tell that the world is not as the caller believed; [`CatalogError::Busy`] that
    /// trying again may help.
    pub async fn execute(&self, statements: Vec<Statement>) -> Result<Vec<u64>, CatalogError> {
        self.transact(statements, Durability::Durable).await
    }

    /// Like [`Self::execute`], and wakes whoever is [`told`](Self::told) of this database: in this process, and on PostgreSQL
    /// at every other one. Nothing of the change is told. A server gives such transactions their turn one by one: it is for changes
    /// that people make, not for the stream of images.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn execute_and_tell(&self, mut statements: Vec<Statement>) -> Result<Vec<u64>, CatalogError> {
        let own = statements.len();
        if let Engine::Postgres(_) = &self.engine {
            statements.push(postgres::notify(self.kind));
        }
        let mut changed = self.execute(statements).await?;
        changed.truncate(own);
        self.bell.ring();
        Ok(changed)
    }

    /// Somebody to be woken by [`Self::execute_and_tell`]. On PostgreSQL a connection of its own listens from the first one
    /// on; what is told while it is being made, or made anew after a fail-over, wakes when it is there.
    #[must_use]
    pub fn told(&self) -> Told {
        if let Engine::Postgres(postgres) = &self.engine {
            postgres.listen(self.kind);
        }
        self.bell.told()
    }

    /// Like [`Self::execute`], for content that is replayed from elsewhere after a power cut. The transaction is
    /// atomic but, on SQLite, not yet forced to the disk, which spares one disk synchronisation. PostgreSQL may lose
    /// its memory while this program goes on and believes in what it wrote; there it is as durable as any.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn execute_replayable(&self, statements: Vec<Statement>) -> Result<Vec<u64>, CatalogError> {
        self.transact(statements, Durability::Replayable).await
    }

    async fn transact(
        &self,
        statements: Vec<Statement>,
        durability: Durability,
    ) -> Result<Vec<u64>, CatalogError> {
        if statements.len() > Self::TRANSACTION_STATEMENTS_MAX {
            return Err(CatalogError::Misuse(format!(
                "a transaction has at most {} statements, this one has {}",
                Self::TRANSACTION_STATEMENTS_MAX,
                statements.len()
            )));
        }
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        if self.read_only {
            return Err(CatalogError::Unavailable("it was opened for reading only".to_owned()));
        }
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.transact(statements, durability).await,
            Engine::Postgres(postgres) => postgres.transact(&statements).await,
        }
    }

    /// Hands out every row as of this moment, in the same shape on both engines. Deleted rows are not among them. What cannot
    /// be handed out is told by the dump.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let (pieces, taken) = mpsc::channel(dump::PIECES_AHEAD);
        let kind = self.kind;
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let path = sqlite.path().to_owned();
                // Ends with its reader: what is put into a channel that nobody reads fails.
                drop(tokio::task::spawn_blocking(move || {
                    let begun = Instant::now();
                    let ended =
                        sqlite::dump(&path, kind, &mut |piece| hand_out(&pieces, Bytes::from(piece), begun));
                    if let Err(error) = ended {
                        // Its reader learns it, unless the reader is what is missing.
                        drop(pieces.try_send(Err(error)));
                    }
                }));
            }
            Engine::Postgres(postgres) => {
                let postgres = postgres.clone();
                tokio::spawn(async move {
                    if let Err(error) = postgres.dump(kind, &pieces).await {
                        drop(pieces.send(Err(error)).await);
                    }
                });
            }
        }
        Dump(taken)
    }

    /// Whether it is a file of ours, and not a server.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// Removes every row of these tables, in one durable transaction.
    pub(crate) async fn clear_tables(&self, tables: &[&'static str]) -> Result<(), CatalogError> {
        let statements = match &self.engine {
            // Without a WHERE this frees whole pages and reads no row.
            Engine::Sqlite(_) => tables
                .iter()
                .map(|table| {
                    let mut delete = StatementBuilder::new();
                    delete.push("DELETE FROM ").push(table);
                    delete.finish()
                })
                .collect(),
            Engine::Postgres(_) => {
                let mut truncate = StatementBuilder::new();
                for (position, table) in tables.iter().enumerate() {
                    truncate.push(if position > 0 { ", " } else { "TRUNCATE " }).push(table);
                }
                vec![truncate.finish()]
            }
        };
        self.execute(statements).await.map(drop)
    }

    /// Moves what the write-ahead log holds into the database file and empties the log, so that rows deleted
    /// before this call are not left in it (SQLite; the file itself overwrites deleted content). PostgreSQL
    /// keeps and recycles its log by its own configuration; there this is a `CHECKPOINT`.
    ///
    /// # Errors
    /// [`CatalogError::Busy`] when a reader held the log open all the while.
    pub async fn empty_write_ahead_log(&self) -> Result<(), CatalogError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.empty_write_ahead_log().await,
            Engine::Postgres(postgres) => postgres.checkpoint().await,
        }
    }
}

/// Puts a piece into the channel, and gives up when nobody takes it in time.
fn hand_out(
    pieces: &mpsc::Sender<Result<Bytes, DumpError>>,
    piece: Bytes,
    begun: Instant,
) -> Result<(), DumpError> {
    let not_taken = DumpError::NotTaken { seconds: DUMP_TIME_MAX.as_secs() };
    let mut waiting = Ok(piece);
    loop {
        match pieces.try_send(waiting) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(not_taken),
            Err(mpsc::error::TrySendError::Full(_)) if begun.elapsed() > DUMP_TIME_MAX => {
                return Err(not_taken);
            }
            Err(mpsc::error::TrySendError::Full(back)) => waiting = back,
        }
        std::thread::sleep(DUMP_LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Watermark, stores, watermark};
    use yingdun_model::StoreNumber;

    const KIND: DatabaseKind = DatabaseKind::Catalogue;

    /// The steps of the schema before the one that numbers stores.
    fn before_numbers() -> &'static [Migration] {
        let steps = KIND.migrations();
        let numbers = steps.iter().position(|step| step.name == "numbers of the stores").unwrap();
        &steps[..numbers]
    }

    /// A catalogue that a program from before the numbers has used goes on.
    async fn goes_on(open: impl AsyncFn() -> Database) {
        let database = open().await;
        let mark = Watermark { store: StoreNumber::FIRST, pack: 4, offset: 72 };
        assert_eq!(watermark(&database, StoreNumber::FIRST).await, Ok(Some(mark)));
        assert!(!stores::is_known(&database, &[8; 16]).await.unwrap());
        assert!(stores::is_known(&database, &[7; 16]).await.unwrap());
        assert_eq!(stores::enter(&database, &[7; 16]).await, Ok(StoreNumber::FIRST));
        drop(database);
        assert_eq!(stores::enter(&open().await, &[7; 16]).await, Ok(StoreNumber::FIRST));
    }

    const USED: &str = "INSERT INTO pack_store (store, id) VALUES ('packs', $1)";
    const APPLIED: &str = "INSERT INTO pack_watermark (store, pack, pack_offset) VALUES ('packs', 4, 72)";

    #[tokio::test(flavor = "multi_thread")]
    async fn the_store_of_a_catalogue_without_numbers_is_the_first_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        sqlite::make_with_steps(&path, KIND, before_numbers());
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute(USED, [[7_u8; 16]]).unwrap();
        old.execute(APPLIED, []).unwrap();
        drop(old);
        goes_on(async || Database::open_sqlite(&path, KIND).await.unwrap()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_store_of_a_catalogue_without_numbers_is_the_first_on_postgresql() {
        let Some(server) = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap()
        else {
            return;
        };
        let old = postgres::make_with_steps(server.address(), KIND, before_numbers()).await;
        for statement in [Statement::new(USED, vec![[7; 16].into()]), Statement::new(APPLIED, vec![])] {
            old.transact(&[statement]).await.unwrap();
        }
        drop(old);
        goes_on(async || Database::open_postgres(server.address(), KIND).await.unwrap()).await;
    }
}

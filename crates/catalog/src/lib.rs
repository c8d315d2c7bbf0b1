//! What we know: the SQL schema and its queries, on SQLite or PostgreSQL.
//!
//! All SQL of Yingdun lives in this crate. It has two layers:
//!
//! * [`Database`] runs static statements on either engine: [`Database::query`] reads, [`Database::execute`]
//!   writes one atomic transaction. Each [`DatabaseKind`] has its own file or schema and its own migrations.
//! * The noun folders hold typed functions over one kind: [`catalogue`] (studies, series, instances, care
//!   relations), [`keyring`] (wrapped keys), [`identity`] (people, devices, tokens).
//!
//! ```text
//!  archive ─► catalogue ─┐                ┌─► SQLite: 1 writer thread (group commit), N reader threads
//!  keys ────► keyring ───┼─► Database ────┤
//!  access ──► identity ──┘                └─► PostgreSQL: pool, cached prepared statements, pipelining
//! ```
//!
//! # What this crate never does
//!
//! It holds no key and sees no direct identifier of a patient. Names, patient identifiers, accession numbers
//! and free text come in as sealed bytes; what must be searchable among them comes in as keyed tokens of 16
//! bytes, of which eight are kept. A stolen catalogue shows dates, modalities, unique identifiers and sizes, which studies
//! have a token in common, and no patient.
//!
//! # What survives a power cut
//!
//! [`Database::execute`] returns when the change is on the disk: keys, people, rights and care relations cannot
//! be had from anywhere else. [`catalogue::apply`] does not wait for the disk: the packs hold the same facts, and
//! the watermark in the same transaction says from where to replay them (SQLite; PostgreSQL may fall and come back under a
//! program that goes on, so there every commit waits). Either way a transaction is never torn.
//!
//! # When PostgreSQL fails over
//!
//! An address may name several servers. The primary is found at every connection and held to the highest timeline that was
//! seen. What broke is tried again where nothing can have been committed; a commit whose answer was lost is
//! [`CatalogError::Unconfirmed`], and nobody acknowledges anything on it.
//!
//! # Writing SQL that runs on both engines
//!
//! * Column types are `BIGINT`, `TEXT` and `BYTEA`; a truth value is a `BIGINT` 0 or 1; a moment is a `BIGINT`
//!   of epoch milliseconds in a column whose name ends in `_ms`.
//! * Parameters are `$1` to `$n`; a parameter may be used more than once. No other `$` stands in a text.
//! * Cast what an engine types on its own: `CAST(sum(x) AS BIGINT)`.
//! * Upsert with `ON CONFLICT (key) DO UPDATE SET x = excluded.x`.

pub mod catalogue;
mod database;
mod error;
pub mod identity;
pub mod keyring;
mod sql;

pub use database::{
    Answers, Database, DatabaseKind, Dump, DumpError, Exclusive, Follower, Hold, Inspected, LookUp,
    Migration, NewDatabase, Place, ServerReport, ServerState, Together, Told, database_servers, holder,
};
pub use error::CatalogError;
pub use sql::{Row, Sql, Statement, StatementBuilder, Value};

//! The same behaviours on both engines: SQLite in a temporary file, PostgreSQL started for this test process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod apply;
mod care;
mod commitment_requests;
mod commitments;
mod consents;
mod database;
mod departments;
mod dissents;
mod dumps;
mod epoch_nodes;
mod events;
mod jobs;
mod nodes;
mod oracle;
mod patients;
mod performed;
mod records;
mod reports;
mod schema;
mod search;
mod sqlite_files;
mod stores;
mod versions;
mod watermarks;
mod worklist;

use yingdun_catalog::{Database, DatabaseKind};

/// Turns behaviours (`async fn name(database: Database)`) into tests on each engine.
macro_rules! on_both_engines {
    ($kind:ident: $($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let (database, _file) = crate::sqlite(yingdun_catalog::DatabaseKind::$kind).await;
                super::$name(database).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(database) = crate::postgres(yingdun_catalog::DatabaseKind::$kind).await else { return };
                super::$name(database).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// A database in a fresh file; the folder lives as long as the second value.
async fn sqlite(kind: DatabaseKind) -> (Database, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(folder.path().join("test.sqlite"), kind).await.unwrap();
    (database, folder)
}

/// A database on the server of this process; `None` when PostgreSQL is not installed.
async fn postgres(kind: DatabaseKind) -> Option<Database> {
    let fresh = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap()?;
    Some(Database::open_postgres(fresh.address(), kind).await.unwrap())
}

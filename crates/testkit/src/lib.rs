//! Real engines for tests. Only tests depend on this crate.
//!
//! ```no_run
//! let Some(database) = yingdun_testkit::postgres_database() else { return };
//! println!("a fresh database for this test: {}", database.address());
//! ```

mod pair;
mod postgres;

pub use pair::{PostgresPair, Side, postgres_pair};
pub use postgres::{PostgresDatabase, PostgresServer, postgres_database, postgres_server};

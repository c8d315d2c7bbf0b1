//! A database that is not there yet, to be made from the rows of a dump: on either engine, whichever the rows came from.

use super::{DatabaseKind, DumpError, postgres, sqlite};
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

/// Where a database is to be made.
#[derive(Clone, PartialEq, Eq)]
pub enum NewDatabase {
    /// A file of SQLite, which is not there.
    Sqlite(PathBuf),
    /// A database of PostgreSQL in which no schema of the kind is; its address, as
    /// [`Database::open_postgres`](super::Database::open_postgres) takes it.
    Postgres(String),
}

impl NewDatabase {
    /// Looks whether there is room for it. On PostgreSQL it blocks, and is called on a blocking thread of a runtime.
    ///
    /// # Errors
    /// [`DumpError::Source`] (`AlreadyExists`) or [`DumpError::NotNew`] when something is there; [`DumpError::Database`] when
    /// the server cannot be asked.
    pub fn check(&self, kind: DatabaseKind) -> Result<(), DumpError> {
        match self {
            Self::Sqlite(path) if path.exists() => Err(io::Error::from(io::ErrorKind::AlreadyExists).into()),
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(address) => postgres::check_new(address, kind),
        }
    }

    /// Makes it and fills it with rows that [`Database::dump`](super::Database::dump) handed out; tells how many. Blocks; on
    /// PostgreSQL it is called on a blocking thread of a runtime, and what fails leaves nothing. A file, readable by its
    /// owner only, stays half filled when it fails.
    ///
    /// # Errors
    /// [`DumpError`]; also when something is there already.
    pub fn load(&self, kind: DatabaseKind, mut source: impl Read) -> Result<u64, DumpError> {
        match self {
            Self::Sqlite(path) => {
                self.check(kind)?;
                sqlite::load(path, kind, &mut source)
            }
            Self::Postgres(address) => postgres::load(address, kind, &mut source),
        }
    }
}

/// An address may hold a password.
impl fmt::Debug for NewDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

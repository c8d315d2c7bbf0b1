//! Look-ups that are asked together: a decision rests on several facts of one database, and each trip there costs more than what is found.
//!
//! On SQLite they share one snapshot and its locks; on PostgreSQL they are sent one behind the other, and each sees what was committed when
//! its turn came, as if it had been asked alone.

use super::{Database, Engine, LOOK_UP_KEYS_MAX};
use crate::{CatalogError, Row, Statement};

/// How rows become what was asked for.
type Read<T> = fn(&[Row]) -> Result<T, CatalogError>;

/// A statement that finds a handful of rows by their keys, and how they are read.
#[derive(Clone, Debug)]
#[must_use]
pub struct LookUp<T> {
    statement: Statement,
    keys: usize,
    read: Read<T>,
}

impl<T> LookUp<T> {
    /// A look-up for one key.
    pub(crate) const fn new(statement: Statement, read: Read<T>) -> Self {
        Self { statement, keys: 1, read }
    }

    /// A look-up for so many keys.
    pub(crate) const fn of_keys(statement: Statement, keys: usize, read: Read<T>) -> Self {
        Self { statement, keys, read }
    }

    /// What is asked, for tests of how it is answered.
    #[cfg(test)]
    pub(crate) const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Asks for nothing else.
    ///
    /// # Errors
    /// As [`Database::query`].
    pub async fn alone(self, database: &Database) -> Result<T, CatalogError> {
        (self.read)(&database.by_keys(self.keys, self.statement).await?)
    }
}

/// Look-ups to be asked together.
#[derive(Clone, Debug, Default)]
pub struct Together {
    statements: Vec<Statement>,
    keys: usize,
}

/// Where the answer of one look-up will be.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Place<T> {
    at: usize,
    read: Read<T>,
}

/// The answers to all of them.
#[derive(Clone, Debug)]
pub struct Answers(Vec<Vec<Row>>);

impl Together {
    /// Adds a look-up.
    pub fn ask<T>(&mut self, look_up: LookUp<T>) -> Place<T> {
        self.statements.push(look_up.statement);
        self.keys = self.keys.max(look_up.keys);
        Place { at: self.statements.len() - 1, read: look_up.read }
    }

    /// The answers; at once where nothing is asked.
    ///
    /// # Errors
    /// As [`Database::query`], where any of the look-ups fails.
    pub async fn answers(self, database: &Database) -> Result<Answers, CatalogError> {
        if self.statements.is_empty() {
            return Ok(Answers(Vec::new()));
        }
        let is_quick = self.keys <= LOOK_UP_KEYS_MAX;
        let rows = match &database.engine {
            Engine::Sqlite(sqlite) if is_quick => sqlite.look_up_all(self.statements).await,
            Engine::Sqlite(sqlite) => sqlite.query_all(self.statements).await,
            Engine::Postgres(postgres) => postgres.query_all(&self.statements).await,
        };
        rows.map(Answers)
    }
}

impl Answers {
    /// What one of the look-ups found.
    ///
    /// # Errors
    /// [`CatalogError::Corrupt`] or [`CatalogError::Misuse`] when its rows cannot be read.
    pub fn read<T>(&self, place: Place<T>) -> Result<T, CatalogError> {
        let rows = self.0.get(place.at).ok_or_else(|| {
            CatalogError::Misuse("an answer was read where another question was asked".to_owned())
        })?;
        (place.read)(rows)
    }

    /// What one of the look-ups found, where it was asked.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_asked<T: Default>(&self, place: Option<Place<T>>) -> Result<T, CatalogError> {
        place.map_or_else(|| Ok(T::default()), |place| self.read(place))
    }
}

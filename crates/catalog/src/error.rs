//! What can go wrong between a statement and its engine, in classes that a caller can act on.

/// Why a database did not do what was asked.
///
/// Messages name tables, columns and limits. They never hold a bound value, so that no token, sealed text or
/// name of an account reaches a log through an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The work did not start or did not finish in time: a full queue, a locked file, an exhausted pool, a
    /// statement over its time limit. Nothing was changed; trying again later may work.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The disk under the database is full. Nothing was changed.
    #[error("the disk under the database is full: {0}")]
    DiskFull(String),
    /// A constraint of the schema refused the change: a key that exists already, a missing parent row.
    #[error("a constraint of the database refused the change: {0}")]
    Constraint(String),
    /// A statement changed another number of rows than its caller demanded; the transaction was rolled back.
    #[error("statement {statement} was expected to change {expected} rows, it changed {came}")]
    UnexpectedRows {
        /// The position of the statement in its transaction, from 0.
        statement: usize,
        /// How many rows the caller demanded.
        expected: u64,
        /// How many rows the statement changed.
        came: u64,
    },
    /// What lies in the database is not what this program wrote: a damaged file, a value out of its domain.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The engine cannot be reached, or its storage reports errors.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection ended while the database committed, or the database gave up to wait for its standby: the change
    /// may have been made or not, and is not acknowledged. Whoever tries again must expect either.
    #[error("the database did not confirm a commit, which may have been made or not: {0}")]
    Unconfirmed(String),
    /// Another process works on this database.
    #[error("another server works on this database: `{0}`")]
    Occupied(String),
    /// The address of a PostgreSQL server is malformed or neither a Unix socket nor loopback.
    #[error("the database address is refused: {0}")]
    Address(String),
    /// The schema in the database and the schema of this program do not belong together.
    #[error("the database schema does not fit this program: {0}")]
    Schema(String),
    /// A result has more rows than [`crate::Database::QUERY_ROWS_MAX`].
    #[error("a query may return at most {limit} rows, this one has more")]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// The program asked wrongly: a broken statement, a wrong number of values, a column of another type.
    #[error("the program misused the database: {0}")]
    Misuse(String),
}

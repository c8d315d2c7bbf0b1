//! One SQLite connection: how it is opened, how a statement runs on it, what its errors mean.

use super::super::migration::{self, Applied, Migration};
use super::super::{DatabaseKind, WAIT_MAX};
use crate::{CatalogError, Database, Row, Statement, Value};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Prepared statements kept per connection: more than the program has texts in steady use.
const STATEMENTS_CACHED_MAX: usize = 256;

/// The page cache of a connection. The files are read through it and not mapped: a mapped page that the disk
/// cannot deliver kills the process, and mappings of every connection would count as resident memory.
const READER_CACHE_KIB: i64 = 16 * 1024;
/// The writer's is larger: tokens are random, so each new study touches a page per token.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// After how many pages of 4 KiB the log is moved into the file: 32 MiB. The larger the log, the more often a page is
/// changed in it before it is written to its random place in the file, and the rarer the two disk
/// synchronisations of a checkpoint.
const LOG_PAGES_BEFORE_CHECKPOINT: i64 = 8192;

/// What a write-ahead log is cut back to after a checkpoint.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// Opens or creates the file, readable by its owner only, and brings its schema up to date.
pub(super) fn open_for_writing(path: &Path, kind: DatabaseKind) -> Result<Connection, CatalogError> {
    open_with_steps(path, kind, kind.migrations())
}

/// As [`open_for_writing`], with these steps of the schema.
pub(super) fn open_with_steps(
    path: &Path,
    kind: DatabaseKind,
    steps: &[Migration],
) -> Result<Connection, CatalogError> {
    // SQLite gives its log the mode of the file; so the mode is right from the first byte on.
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| CatalogError::Unavailable(format!("cannot open the database file: {error}")))?;
    let mut connection = open(path, WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(error_of)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(error_of)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(error_of)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(error_of)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_BEFORE_CHECKPOINT).map_err(error_of)?;
    // Deleted content is overwritten, because deleting a wrapped key is how an image is shredded.
    connection.pragma_update(None, "secure_delete", erases_deleted_content(kind)).map_err(error_of)?;
    migrate(&mut connection, kind, steps)?;
    Ok(connection)
}

/// Opens an existing file for queries only.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, CatalogError> {
    let connection = open(path, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true).map_err(error_of)?;
    Ok(connection)
}

/// Opens an existing file so that no data on the disk change: no step of the schema, nothing moved out of the log. Of a
/// file that is in use, or was not closed, SQLite notes its readers in the index of the log.
pub(super) fn open_for_inspection(path: &Path) -> Result<Connection, CatalogError> {
    let log = path.with_file_name(match path.file_name() {
        Some(name) => format!("{}-wal", name.to_string_lossy()),
        None => return Err(CatalogError::Unavailable("the path names no file".to_owned())),
    });
    // Without a write-ahead log nobody has the file open, and SQLite would make a log just to read.
    let immutable = if log.exists() { "" } else { "?immutable=1" };
    let escaped: String = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
            plain if plain.is_ascii_alphanumeric() => char::from(*plain).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(format!("file:{escaped}{immutable}"), flags).map_err(error_of)?;
    prepare_connection(&connection, READER_CACHE_KIB)?;
    Ok(connection)
}

/// How many steps of its schema a file still needs; nothing is changed.
pub(super) fn pending_steps(connection: &Connection, kind: DatabaseKind) -> Result<usize, CatalogError> {
    let tables = check_kind(connection, kind)?;
    let applied = if tables == 0 { Vec::new() } else { applied(connection)? };
    Ok(migration::pending(kind.migrations(), |step| step.sqlite, &applied)?.len())
}

/// Binds and runs a writing statement; returns how many rows it changed.
pub(super) fn execute(connection: &Connection, statement: &Statement) -> Result<u64, CatalogError> {
    let mut prepared = prepare(connection, statement)?;
    let changed = prepared.raw_execute().map_err(error_of)?;
    u64::try_from(changed).map_err(|_| CatalogError::Corrupt("a row count is out of range".to_owned()))
}

/// Binds and runs a reading statement; returns its rows.
pub(super) fn query(connection: &Connection, statement: &Statement) -> Result<Vec<Row>, CatalogError> {
    let mut prepared = prepare(connection, statement)?;
    let columns = prepared.column_count();
    let mut cursor = prepared.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().map_err(error_of)? {
        if rows.len() == Database::QUERY_ROWS_MAX {
            return Err(CatalogError::TooManyRows { limit: Database::QUERY_ROWS_MAX });
        }
        let values = (0..columns)
            .map(|column| row.get_ref(column).map_err(error_of).and_then(value_of))
            .collect::<Result<_, _>>()?;
        rows.push(Row::new(values));
    }
    Ok(rows)
}

/// What an SQLite error means to a caller. Its messages name tables and columns, never values.
pub(super) fn error_of(error: rusqlite::Error) -> CatalogError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => CatalogError::Busy(text),
        Some(ErrorCode::OperationInterrupted) => {
            CatalogError::Busy("the statement ran over its time limit".to_owned())
        }
        Some(ErrorCode::DiskFull) => CatalogError::DiskFull(text),
        Some(ErrorCode::ConstraintViolation) => CatalogError::Constraint(text),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => CatalogError::Corrupt(text),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory,
        ) => CatalogError::Unavailable(text),
        Some(_) | None => CatalogError::Misuse(text),
    }
}

// === opening ===

fn open(path: &Path, cache_kib: i64) -> Result<Connection, CatalogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(error_of)?;
    prepare_connection(&connection, cache_kib)?;
    Ok(connection)
}

fn prepare_connection(connection: &Connection, cache_kib: i64) -> Result<(), CatalogError> {
    connection.busy_timeout(WAIT_MAX).map_err(error_of)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    connection.pragma_update(None, "cache_size", -cache_kib).map_err(error_of)?;
    // A prepared statement keeps its plan. Otherwise SQLite compiles it again whenever a value that is compared to an
    // indexed column changes, to look for it in statistics that `ANALYZE` gathered; nobody runs `ANALYZE` here.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error_of)?;
    // A malicious file must not run functions from its schema.
    connection.pragma_update(None, "trusted_schema", false).map_err(error_of)
}

const fn erases_deleted_content(kind: DatabaseKind) -> bool {
    match kind {
        DatabaseKind::Keys | DatabaseKind::Identity => true,
        DatabaseKind::Catalogue => false,
    }
}

/// Marks a file as ours and of this kind (`PRAGMA application_id`): `YDC`, `YDK` or `YDI` and a zero byte.
const fn application_id(kind: DatabaseKind) -> i32 {
    match kind {
        DatabaseKind::Catalogue => i32::from_be_bytes(*b"YDC\0"),
        DatabaseKind::Keys => i32::from_be_bytes(*b"YDK\0"),
        DatabaseKind::Identity => i32::from_be_bytes(*b"YDI\0"),
    }
}

fn migrate(connection: &mut Connection, kind: DatabaseKind, steps: &[Migration]) -> Result<(), CatalogError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error_of)?;
    check_kind(&transaction, kind)?;
    transaction.pragma_update(None, "application_id", application_id(kind)).map_err(error_of)?;
    transaction.execute_batch(migration::CREATE_TABLE).map_err(error_of)?;
    let applied = applied(&transaction)?;
    for step in migration::pending(steps, |step| step.sqlite, &applied)? {
        transaction.execute_batch(step.sqlite).map_err(error_of)?;
        let digest = migration::sha256(step.sqlite);
        transaction
            .execute(migration::INSERT_APPLIED, rusqlite::params![step.version, step.name, digest])
            .map_err(error_of)?;
    }
    transaction.commit().map_err(error_of)
}

/// How many tables and indexes the file has. One with any must be marked as of this kind.
fn check_kind(connection: &Connection, kind: DatabaseKind) -> Result<i64, CatalogError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(error_of)?;
    let mark: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(error_of)?;
    if tables > 0 && mark != application_id(kind) {
        return Err(CatalogError::Schema(format!("the file is not a {kind:?} database of this program")));
    }
    Ok(tables)
}

fn applied(connection: &Connection) -> Result<Vec<Applied>, CatalogError> {
    connection
        .prepare(migration::SELECT_APPLIED)
        .and_then(|mut select| {
            select
                .query_map([], |row| {
                    Ok(Applied { version: row.get(0)?, name: row.get(1)?, sha256: row.get(2)? })
                })?
                .collect::<Result<_, _>>()
        })
        .map_err(error_of)
}

// === statements ===

/// Prepares from the cache and binds. To SQLite `$2` would be a *name*, numbered by the order of first use and looked
/// up one by one; `?2` is the second parameter wherever it stands.
fn prepare<'c>(
    connection: &'c Connection,
    statement: &Statement,
) -> Result<CachedStatement<'c>, CatalogError> {
    let mut prepared = connection.prepare_cached(&statement.text().replace('$', "?")).map_err(error_of)?;
    let values = statement.values();
    if prepared.parameter_count() != values.len() {
        return Err(CatalogError::Misuse(format!(
            "a statement has {} parameters, {} values came",
            prepared.parameter_count(),
            values.len()
        )));
    }
    for (number, value) in (1..).zip(values) {
        prepared.raw_bind_parameter(number, Bound(value)).map_err(error_of)?;
    }
    Ok(prepared)
}

pub(super) struct Bound<'v>(pub(super) &'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(super) fn value_of(value: ValueRef<'_>) -> Result<Value, CatalogError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Value::Text)
            .map_err(|_| CatalogError::Corrupt("a text is not UTF-8".to_owned())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(CatalogError::Misuse("a column is REAL; cast it to BIGINT".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_statement_is_compiled_once_whatever_values_come() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity.sqlite");
        let connection = open_for_writing(&path, DatabaseKind::Identity).unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX t_a ON t (a)").unwrap();
        let text = "SELECT b FROM t WHERE a = $1";
        for value in 0..3 {
            query(&connection, &Statement::new(text, vec![Value::Int(value)])).unwrap();
        }
        let prepared = prepare(&connection, &Statement::new(text, vec![Value::Int(0)])).unwrap();
        assert_eq!(prepared.get_status(StatementStatus::Run), 3);
        assert_eq!(prepared.get_status(StatementStatus::RePrepare), 0);
    }
}

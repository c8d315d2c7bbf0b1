//! Rows of a whole SQLite file, out and in again.

use super::super::dump::{Encoder, Entry, Reader};
use super::super::{DatabaseKind, DumpError};
use super::connection::{Bound, error_of, open_for_reading, open_for_writing, value_of};
use crate::{CatalogError, Value};
use rusqlite::{Connection, TransactionBehavior, params_from_iter};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Rows of one transaction while a file is filled: enough to pay for the disk synchronisation.
const ROWS_PER_TRANSACTION: u64 = 50_000;

/// Hands out every row of every table as of one moment. `put` takes the bytes as they come.
pub(in crate::database) fn dump(
    path: &Path,
    kind: DatabaseKind,
    put: &mut dyn FnMut(Vec<u8>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let mut connection = open_for_reading(path)?;
    let moment = connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(error_of)?;
    let mut out = Encoder::begin(kind);
    for (table, columns) in tables(&moment)? {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut key: Vec<&Column> = columns.iter().filter(|column| column.place_in_key > 0).collect();
        key.sort_by_key(|column| column.place_in_key);
        // In the order of their key, so that rows that have not changed follow each other as they did the last time.
        let order: Vec<String> = key.iter().map(|column| quoted(&column.name)).collect();
        let order = if order.is_empty() { "rowid".to_owned() } else { order.join(", ") };
        let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let text = format!("SELECT {} FROM {} ORDER BY {order}", list.join(", "), quoted(&table));
        let mut select = moment.prepare(&text).map_err(error_of)?;
        let mut rows = select.query([]).map_err(error_of)?;
        out.table(&table, &names);
        while let Some(row) = rows.next().map_err(error_of)? {
            let values =
                (0..names.len()).map(|column| row.get_ref(column).map_err(error_of).and_then(value_of));
            out.row(&values.collect::<Result<Vec<_>, _>>()?);
            if let Some(bytes) = out.full() {
                put(bytes)?;
            }
        }
    }
    put(out.end())
}

/// Makes a new file and fills it with what [`dump`] handed out.
pub(in crate::database) fn load(
    path: &Path,
    kind: DatabaseKind,
    source: &mut dyn Read,
) -> Result<u64, DumpError> {
    let mut reader = Reader::begin(source, kind)?;
    let mut connection = open_for_writing(path, kind)?;
    connection.pragma_update(None, "foreign_keys", false).map_err(error_of)?;
    let known: BTreeMap<String, Vec<Column>> = tables(&connection)?.into_iter().collect();
    let (mut rows, mut insert, mut types) = (0, String::new(), Vec::new());
    let mut ended = false;
    while !ended {
        let transaction = connection.transaction().map_err(error_of)?;
        let mut here = 0;
        while here < ROWS_PER_TRANSACTION {
            match reader.next()? {
                Some(Entry::Table { name, columns }) => {
                    // Names come from outside: only those that the schema has are put into a statement.
                    let there = known.get(&name).map(Vec::as_slice).unwrap_or_default();
                    let type_of = |column: &String| {
                        there.iter().find(|there| there.name == *column).map(|there| there.declared.clone())
                    };
                    types =
                        columns.iter().map(type_of).collect::<Option<Vec<_>>>().ok_or(DumpError::Format(
                            "it has a table or column that this program does not",
                        ))?;
                    let list: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
                    let places = vec!["?"; columns.len()].join(", ");
                    insert = format!(
                        "INSERT OR REPLACE INTO {} ({}) VALUES ({places})",
                        quoted(&name),
                        list.join(", ")
                    );
                }
                Some(Entry::Row(values)) => {
                    if !values.iter().zip(&types).all(|(value, declared)| fits(value, declared)) {
                        return Err(DumpError::Format("a value is of another type than its column"));
                    }
                    let mut prepared = transaction.prepare_cached(&insert).map_err(error_of)?;
                    prepared.execute(params_from_iter(values.iter().map(Bound))).map_err(error_of)?;
                    here += 1;
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        rows += here;
        transaction.commit().map_err(error_of)?;
    }
    let orphans: bool = connection
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut check| check.exists([]))
        .map_err(error_of)?;
    if orphans {
        return Err(DumpError::Format("rows name others that are not there"));
    }
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").map_err(error_of)?;
    Ok(rows)
}

struct Column {
    name: String,
    declared: String,
    /// From 1 within the primary key; 0 outside of it.
    place_in_key: i64,
}

/// Every table with its columns, by name. What the schema notes about itself is made anew with it.
fn tables(connection: &Connection) -> Result<Vec<(String, Vec<Column>)>, CatalogError> {
    let names: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND name <> 'schema_migration' ORDER BY name",
        )
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .map_err(error_of)?;
    let columns = |table: &String| {
        connection
            .prepare("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")
            .and_then(|mut select| {
                select
                    .query_map([table], |row| {
                        Ok(Column { name: row.get(0)?, declared: row.get(1)?, place_in_key: row.get(2)? })
                    })?
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(error_of)
    };
    names.into_iter().map(|table| columns(&table).map(|columns| (table, columns))).collect()
}

/// Whether a value is of the type that its column was made with; a table that is not `STRICT` takes any.
fn fits(value: &Value, declared: &str) -> bool {
    match value {
        Value::Null => true,
        Value::Int(_) => matches!(declared, "BIGINT" | "INTEGER"),
        Value::Text(_) => declared == "TEXT",
        Value::Bytes(_) => matches!(declared, "BYTEA" | "BLOB"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

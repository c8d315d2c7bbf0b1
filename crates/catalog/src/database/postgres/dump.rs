//! Rows of a whole schema, out and in again.

use super::failure::error_of;
use super::pool::Pool;
use super::values::{fits, row_of};
use super::{address, migrate_in};
use crate::database::dump::{Encoder, Entry, Reader, steps};
use crate::database::{DUMP_TIME_MAX, DatabaseKind, DumpError, Steps};
use crate::{CatalogError, Value};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use std::collections::BTreeMap;
use std::io::Read;
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{IsolationLevel, Transaction};

/// Every table of a schema with its columns, in their order; with the place of a column in the primary key, from 0. What the
/// schema notes about itself is made anew with it.
const COLUMNS: &str = "SELECT CAST(t.relname AS TEXT), CAST(a.attname AS TEXT), \
     CAST(array_position(CAST(k.indkey AS SMALLINT[]), a.attnum) AS BIGINT) \
     FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace \
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary \
     WHERE n.nspname = $1 AND t.relkind = 'r' AND t.relname <> 'schema_migration' ORDER BY t.relname, a.attnum";

/// The foreign keys of a schema, as they are written in its definition.
const FOREIGN_KEYS: &str = "SELECT CAST(t.relname AS TEXT), CAST(f.conname AS TEXT), pg_get_constraintdef(f.oid) \
     FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     WHERE n.nspname = $1 AND f.contype = 'f' ORDER BY f.conname";

/// The columns that the server numbers by itself.
const NUMBERED: &str = "SELECT CAST(t.relname AS TEXT), CAST(a.attname AS TEXT) \
     FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace \
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attidentity <> '' WHERE n.nspname = $1";

/// Whether anything is in a schema.
const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace \
     WHERE n.nspname = $1)";

const STEPS_TAKEN: &str = "SELECT count(*) FROM schema_migration";

/// A table: its columns, and those of its primary key in their order.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    key: BTreeMap<i64, String>,
}

/// Hands out every row of every table as of one moment, which the server keeps for as long as the rows are taken. The server
/// sends no more than is taken.
pub(super) async fn dump(
    pool: &Pool,
    kind: DatabaseKind,
    pieces: &mpsc::Sender<Result<Bytes, DumpError>>,
) -> Result<(), DumpError> {
    let _place = pool.place_of_dump()?;
    let mut connection = pool.connect().await?;
    let begin = connection.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    let moment = begin.read_only(true).start().await.map_err(error_of)?;
    // A scan begins where the table does, so that rows that have not changed follow each other as they did the last time.
    let settings = format!(
        "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = {}; SET LOCAL synchronize_seqscans = off",
        DUMP_TIME_MAX.as_millis()
    );
    moment.batch_execute(&settings).await.map_err(error_of)?;
    check_steps(&moment, kind).await?;
    let mut out = Encoder::begin(kind);
    for (name, table) in tables(&moment, kind).await? {
        let columns: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        out.table(&name, &columns);
        let order: Vec<String> = table.key.values().map(|column| quoted(column)).collect();
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let text = format!("SELECT {} FROM {}{order}", list(&table.columns), quoted(&name));
        let rows = moment.query_raw(&text, std::iter::empty::<Value>()).await.map_err(error_of)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(error_of)? {
            out.row(row_of(&row)?.values());
            if let Some(piece) = out.full() {
                hand_out(pieces, piece).await?;
            }
        }
    }
    hand_out(pieces, out.end()).await
}

/// Whether the schema of a kind is not there, so that it can be made from rows.
pub(super) async fn check_new(address: &str, kind: DatabaseKind) -> Result<(), DumpError> {
    let pool = Pool::new(address::servers(address, kind, true)?, true);
    let connection = pool.connect().await?;
    let row = connection.client.query_one(IS_THERE, &[&kind.schema_name()]).await.map_err(error_of)?;
    if row.try_get(0).map_err(error_of)? { Err(DumpError::NotNew(kind.schema_name())) } else { Ok(()) }
}

/// Makes the schema of a kind and fills it with what a dump handed out: all of it, in one transaction, or nothing. Tells how
/// many rows there are. Reads from `source` block.
pub(super) async fn load(address: &str, kind: DatabaseKind, source: &mut dyn Read) -> Result<u64, DumpError> {
    let mut reader = Reader::begin(source, kind)?;
    let pool = Pool::new(address::servers(address, kind, false)?, false);
    let mut connection = pool.connect().await?;
    let all = connection.client.transaction().await.map_err(error_of)?;
    let settings = "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = on";
    all.batch_execute(settings).await.map_err(error_of)?;
    let there = all.query_one(IS_THERE, &[&kind.schema_name()]).await.map_err(error_of)?;
    if there.try_get(0).map_err(error_of)? {
        return Err(DumpError::NotNew(kind.schema_name()));
    }
    migrate_in(&all, kind, kind.migrations(), Steps::All).await?;
    let known = tables(&all, kind).await?;
    // Rows come table by table, in no order that foreign keys would allow; all of them are checked at the end.
    let foreign_keys = all.query(FOREIGN_KEYS, &[&kind.schema_name()]).await.map_err(error_of)?;
    for key in &foreign_keys {
        let (table, name) = (text_of(key, 0)?, text_of(key, 1)?);
        let text = format!("ALTER TABLE {} DROP CONSTRAINT {}", quoted(&table), quoted(&name));
        all.batch_execute(&text).await.map_err(error_of)?;
    }
    let rows = fill(&all, &mut reader, &known).await?;
    for key in &foreign_keys {
        let (table, name, text) = (text_of(key, 0)?, text_of(key, 1)?, text_of(key, 2)?);
        let text = format!("ALTER TABLE {} ADD CONSTRAINT {} {text}", quoted(&table), quoted(&name));
        all.batch_execute(&text).await.map_err(|error| match error_of(error) {
            CatalogError::Constraint(_) => DumpError::Format("rows name others that are not there"),
            other => other.into(),
        })?;
    }
    for column in all.query(NUMBERED, &[&kind.schema_name()]).await.map_err(error_of)? {
        let (table, column) = (text_of(&column, 0)?, text_of(&column, 1)?);
        let text = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), COALESCE(max({}), 0) + 1, false) FROM {}",
            quoted(&column),
            quoted(&table)
        );
        all.query(&text, &[&quoted(&table), &column]).await.map_err(error_of)?;
    }
    for table in known.keys() {
        // Without statistics the first searches would read whole tables.
        all.batch_execute(&format!("ANALYZE {}", quoted(table))).await.map_err(error_of)?;
    }
    all.commit().await.map_err(error_of)?;
    Ok(rows)
}

// === helpers ===

type CopyIn = Pin<Box<BinaryCopyInWriter>>;

async fn fill<R: Read>(
    all: &Transaction<'_>,
    reader: &mut Reader<R>,
    known: &BTreeMap<String, Table>,
) -> Result<u64, DumpError> {
    let mut filled: Option<(CopyIn, Vec<Type>)> = None;
    let mut rows = 0;
    while let Some(entry) = reader.next()? {
        match entry {
            Entry::Table { name, columns } => {
                if let Some((mut writer, _)) = filled.take() {
                    rows += writer.as_mut().finish().await.map_err(error_of)?;
                }
                filled = Some(begin_table(all, &name, &columns, known).await?);
            }
            Entry::Row(values) => {
                let Some((writer, types)) = &mut filled else {
                    return Err(DumpError::Format("a row is of no table"));
                };
                if !values.iter().zip(types.iter()).all(|(value, ty)| fits(value, ty)) {
                    return Err(DumpError::Format("a value is of another type than its column"));
                }
                writer.as_mut().write_raw(values.iter()).await.map_err(error_of)?;
            }
        }
    }
    if let Some((mut writer, _)) = filled.take() {
        rows += writer.as_mut().finish().await.map_err(error_of)?;
    }
    Ok(rows)
}

/// Names come from outside: only those that the schema has are put into a statement.
async fn begin_table(
    all: &Transaction<'_>,
    name: &str,
    columns: &[String],
    known: &BTreeMap<String, Table>,
) -> Result<(CopyIn, Vec<Type>), DumpError> {
    let there = known.get(name);
    if !columns.iter().all(|column| there.is_some_and(|there| there.columns.contains(column))) {
        return Err(DumpError::Format("it has a table or column that this program does not"));
    }
    let select = format!("SELECT {} FROM {}", list(columns), quoted(name));
    let described = all.prepare(&select).await.map_err(error_of)?;
    let types: Vec<Type> = described.columns().iter().map(|column| column.type_().clone()).collect();
    let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", quoted(name), list(columns));
    let sink = all.copy_in(&copy).await.map_err(error_of)?;
    Ok((Box::pin(BinaryCopyInWriter::new(sink, &types)), types))
}

async fn tables(
    moment: &Transaction<'_>,
    kind: DatabaseKind,
) -> Result<BTreeMap<String, Table>, CatalogError> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in moment.query(COLUMNS, &[&kind.schema_name()]).await.map_err(error_of)? {
        let (table, column) = (text_of(&row, 0)?, text_of(&row, 1)?);
        let table = tables.entry(table).or_default();
        if let Some(place) = row.try_get::<_, Option<i64>>(2).map_err(error_of)? {
            table.key.insert(place, column.clone());
        }
        table.columns.push(column);
    }
    Ok(tables)
}

/// Another node, with a newer program, may have brought the schema further than this one knows.
async fn check_steps(moment: &Transaction<'_>, kind: DatabaseKind) -> Result<(), DumpError> {
    let row = moment.query_one(STEPS_TAKEN, &[]).await.map_err(error_of)?;
    let found = u32::try_from(row.try_get::<_, i64>(0).map_err(error_of)?).unwrap_or(u32::MAX);
    let ours = steps(kind);
    if found == ours { Ok(()) } else { Err(DumpError::Steps { found, ours }) }
}

async fn hand_out(pieces: &mpsc::Sender<Result<Bytes, DumpError>>, piece: Vec<u8>) -> Result<(), DumpError> {
    let not_taken = DumpError::NotTaken { seconds: DUMP_TIME_MAX.as_secs() };
    pieces.send(Ok(Bytes::from(piece))).await.map_err(|_| not_taken)
}

fn text_of(row: &tokio_postgres::Row, column: usize) -> Result<String, CatalogError> {
    row.try_get(column).map_err(error_of)
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

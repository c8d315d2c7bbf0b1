//! Rows of a whole database, out of one engine and into the same or the other.

use std::io;
use tempfile::TempDir;
use yingdun_catalog::{Database, DatabaseKind, DumpError, NewDatabase, Statement, Value};

/// A server of this process with an empty database; `None` when PostgreSQL is not installed.
async fn server() -> Option<String> {
    let fresh = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap()?;
    Some(fresh.address().to_owned())
}

fn file(folder: &TempDir, name: &str) -> NewDatabase {
    NewDatabase::Sqlite(folder.path().join(name))
}

async fn open(place: &NewDatabase, kind: DatabaseKind) -> Database {
    match place {
        NewDatabase::Sqlite(path) => Database::open_sqlite(path, kind).await.unwrap(),
        NewDatabase::Postgres(address) => Database::open_postgres(address, kind).await.unwrap(),
    }
}

async fn rows_of(database: &Database) -> Vec<u8> {
    let (mut dump, mut bytes) = (database.dump(), Vec::new());
    while let Some(piece) = dump.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

async fn load(place: &NewDatabase, kind: DatabaseKind, rows: Vec<u8>) -> Result<u64, DumpError> {
    let place = place.clone();
    tokio::task::spawn_blocking(move || place.load(kind, rows.as_slice())).await.unwrap()
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

fn format(syntax: &str) -> Statement {
    let insert = "INSERT INTO image_format (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, bits_allocated) \
         VALUES ('1.2.840.10008.5.1.4.1.1.2', $1, 512, 512, 16)";
    Statement::new(insert, vec![text(syntax)])
}

fn instance(number: i64, frames: Value) -> Statement {
    let insert = "INSERT INTO instance (instance_number, received_ms, object_bytes, format_id, version, latest, frames, \
         instance_ref, series_ref, sop_instance_uid, location, sealed) \
         VALUES ($1, $2, 7, 1, 1, 1, $3, $4, $5, '1.2.3', $6, $7)";
    // In another order than that of their references: the table has no key, and rows come back as they were put there.
    let reference = bytes(&[u8::try_from(200 - number).unwrap(); 16]);
    let sealed = if number % 2 == 0 { Value::Null } else { bytes(&[]) };
    let values = vec![
        int(number),
        int(i64::MIN + number),
        frames,
        reference,
        bytes(&[1; 16]),
        bytes(&[0; 24]),
        sealed,
    ];
    Statement::new(insert, values)
}

/// Far more rows than are on their way at once: 400 of 20,000 bytes.
async fn insert_many(database: &Database) {
    let many = |number: i64| {
        let insert = "INSERT INTO institution_secret (institution, name, wrapped, created_ms) VALUES ('renmin', $1, $2, 0)";
        Statement::new(insert, vec![text(&number.to_string()), bytes(&[7; 20_000])])
    };
    database.execute((0..400).map(many).collect()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_from_one_engine_to_the_other_and_back_without_a_change() {
    let Some(address) = server().await else { return };
    let (folder, kind) = (tempfile::tempdir().unwrap(), DatabaseKind::Catalogue);
    let (first, between, last) =
        (file(&folder, "a.db"), NewDatabase::Postgres(address), file(&folder, "b.db"));
    let database = open(&first, kind).await;
    let mut statements = vec![format("1.2.840.10008.1.2.1"), format("1.2.840.10008.1.2.4.90")];
    statements.extend(
        (1..100).map(|number| instance(number, if number % 3 == 0 { Value::Null } else { int(number) })),
    );
    database.execute(statements).await.unwrap();
    let rows = rows_of(&database).await;
    assert_eq!(load(&between, kind, rows.clone()).await.unwrap(), 101);
    let server = open(&between, kind).await;
    let on_server = rows_of(&server).await;
    assert_eq!(load(&last, kind, on_server.clone()).await.unwrap(), 101);
    assert_eq!(rows_of(&open(&last, kind).await).await, rows);
    // What did not change is handed out as it was, so that it is kept once.
    assert_eq!(rows_of(&server).await, on_server);
    // The server numbers on behind what came.
    server.execute(vec![format("1.2.840.10008.1.2.4.80")]).await.unwrap();
    let newest = Statement::new("SELECT max(format_id) FROM image_format", vec![]);
    assert_eq!(server.query(newest).await.unwrap()[0].get_i64(0), Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_name_each_other_come_back_whatever_the_order_of_their_tables() {
    let Some(address) = server().await else { return };
    let (folder, kind) = (tempfile::tempdir().unwrap(), DatabaseKind::Keys);
    let (first, server) = (file(&folder, "a.db"), NewDatabase::Postgres(address));
    let database = open(&first, kind).await;
    let hierarchy = [
        "INSERT INTO key_epoch (epoch, proof, created_ms) VALUES (1, $1, 0)",
        "INSERT INTO key_encryption_key (institution, grade, suite, version, state, uses, wrapped, created_ms, epoch) \
         VALUES ('renmin', 'L2', 'cobblestone-256', 1, 'active', 3, $1, 0, 1)",
        "INSERT INTO patient_key (institution, patient_ref, grade, suite, kek_version, wrapped, created_ms) \
         VALUES ('renmin', $1, 'L2', 'cobblestone-256', 1, $1, 0)",
        "INSERT INTO study_key (institution, study_ref, patient_ref, grade, suite, kek_version, wrapped, created_ms) \
         VALUES ('renmin', $1, $1, 'L2', 'cobblestone-256', 1, $1, 0)",
    ];
    let statements = hierarchy.map(|insert| Statement::new(insert, vec![bytes(&[7; 16])])).to_vec();
    database.execute(statements).await.unwrap();
    assert_eq!(load(&server, kind, rows_of(&database).await).await.unwrap(), 4);
    let restored = open(&server, kind).await;
    // The rules of the schema hold again: a version under which a key is wrapped cannot go.
    let gone = Statement::new("DELETE FROM key_encryption_key", vec![]);
    assert!(restored.execute(vec![gone]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_of_one_moment_whatever_is_written_meanwhile() {
    let Some(address) = server().await else { return };
    let database = open(&NewDatabase::Postgres(address), DatabaseKind::Keys).await;
    insert_many(&database).await;
    // A row of a table that comes later.
    let last = "INSERT INTO root_check (id, wrapped, created_ms) VALUES (1, $1, 0)";
    database.execute(vec![Statement::new(last, vec![bytes(b"a row of before")])]).await.unwrap();
    let mut dump = database.dump();
    let mut rows = dump.next().await.unwrap().unwrap().to_vec();
    let gone = ["DELETE FROM root_check", "DELETE FROM institution_secret"];
    database.execute(gone.map(|text| Statement::new(text, vec![])).to_vec()).await.unwrap();
    while let Some(piece) = dump.next().await.unwrap() {
        rows.extend_from_slice(&piece);
    }
    assert!(rows.windows(15).any(|window| window == b"a row of before"));
    assert!(rows.len() > 400 * 20_000);
    let after = rows_of(&database).await;
    assert!(after.len() < 2000, "{} bytes", after.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn few_dumps_are_handed_out_at_once_and_a_reader_that_goes_away_makes_room() {
    let Some(address) = server().await else { return };
    let database = open(&NewDatabase::Postgres(address), DatabaseKind::Keys).await;
    insert_many(&database).await;
    let mut held = vec![database.dump(), database.dump()];
    for dump in &mut held {
        assert!(dump.next().await.unwrap().is_some());
    }
    assert!(matches!(database.dump().next().await, Err(DumpError::Database(_))));
    drop(held);
    // Their connections end a moment later.
    for _ in 0..600 {
        if database.dump().next().await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("readers that went away kept their places");
}

/// A stream as somebody who writes it himself makes it: a table and one row.
fn forged(begin: &[u8], table: &str, columns: &[&str], row: &[Value]) -> Vec<u8> {
    let mut out = begin[..13].to_vec();
    let name = |out: &mut Vec<u8>, name: &str| {
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend(name.as_bytes());
    };
    out.push(b'T');
    name(&mut out, table);
    out.extend(u16::try_from(columns.len()).unwrap().to_le_bytes());
    columns.iter().for_each(|column| name(&mut out, column));
    out.push(b'R');
    for value in row {
        let (tag, content) = match value {
            Value::Null => (0, Vec::new()),
            Value::Int(number) => (1, number.to_le_bytes().to_vec()),
            Value::Text(text) => {
                (2, [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat())
            }
            Value::Bytes(bytes) => {
                (3, [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes.as_slice()].concat())
            }
        };
        out.push(tag);
        out.extend(content);
    }
    out.push(b'E');
    out.extend(1_u64.to_le_bytes());
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_rows_are_refused_by_both_engines_and_leave_nothing_on_a_server() {
    let Some(address) = server().await else { return };
    let (folder, kind) = (tempfile::tempdir().unwrap(), DatabaseKind::Keys);
    let begin = rows_of(&open(&file(&folder, "empty.db"), kind).await).await;
    let study =
        ["institution", "study_ref", "patient_ref", "grade", "suite", "kek_version", "wrapped", "created_ms"];
    let row = [
        text("renmin"),
        bytes(&[1; 16]),
        bytes(&[1; 16]),
        text("L2"),
        text("s"),
        int(1),
        bytes(b"w"),
        int(0),
    ];
    let attacks = [
        ("a key that nothing wraps", forged(&begin, "study_key", &study, &row)),
        ("a table of another schema", forged(&begin, "person", &["actor"], &[text("x")])),
        (
            "a column that is none",
            forged(&begin, "root_check", &["id) VALUES (1); DROP TABLE x --"], &[int(1)]),
        ),
        (
            "a text for a number",
            forged(&begin, "key_epoch", &["epoch", "proof", "created_ms"], &[text("1"), bytes(b"p"), int(0)]),
        ),
        ("a part that is none", [&begin[..13], b"X"].concat()),
        ("an end without a count", [&begin[..13], b"E"].concat()),
    ];
    for (number, (what, rows)) in attacks.into_iter().enumerate() {
        let server = NewDatabase::Postgres(address.clone());
        for place in [file(&folder, &format!("{number}.db")), server.clone()] {
            assert!(load(&place, kind, rows.clone()).await.is_err(), "{what}: {place:?}");
        }
        // So the next attempt finds room.
        tokio::task::spawn_blocking(move || server.check(kind)).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_restored_over_nothing() {
    let Some(address) = server().await else { return };
    let (folder, kind) = (tempfile::tempdir().unwrap(), DatabaseKind::Identity);
    let (path, server) = (file(&folder, "there.db"), NewDatabase::Postgres(address));
    let rows = rows_of(&open(&path, kind).await).await;
    assert!(matches!(
        load(&path, kind, rows.clone()).await,
        Err(DumpError::Source(error)) if error.kind() == io::ErrorKind::AlreadyExists
    ));
    open(&server, kind).await;
    assert!(matches!(load(&server, kind, rows.clone()).await, Err(DumpError::NotNew("yingdun_identity"))));
    let other = server.clone();
    let checked = tokio::task::spawn_blocking(move || (other.check(kind), other.check(DatabaseKind::Keys)));
    let (taken, free) = checked.await.unwrap();
    assert!(matches!(taken, Err(DumpError::NotNew(_))) && free.is_ok());
}

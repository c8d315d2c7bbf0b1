//! What only a file can show: its mode, its kind, its bytes, its copy taken in the middle of work.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Statement};

async fn open(path: &Path, kind: DatabaseKind) -> Result<Database, CatalogError> {
    Database::open_sqlite(path, kind).await
}

fn run(sql: &'static str) -> Vec<Statement> {
    vec![Statement::new(sql, vec![])]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_and_its_log_are_readable_by_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let database = open(&path, DatabaseKind::Keys).await.unwrap();
    database.execute(run("CREATE TABLE probe (id BIGINT)")).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and the index of its log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_kind_or_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.sqlite");
    open(&keys, DatabaseKind::Keys).await.unwrap();
    assert!(matches!(open(&keys, DatabaseKind::Identity).await, Err(CatalogError::Schema(_))));
    assert!(open(&keys, DatabaseKind::Keys).await.is_ok());

    let other = folder.path().join("other.sqlite");
    std::fs::write(
        &other,
        b"this is a text file, long enough to have a header of one hundred bytes, which an \
        SQLite file must have, or else it counts as empty",
    )
    .unwrap();
    assert!(matches!(open(&other, DatabaseKind::Keys).await, Err(CatalogError::Corrupt(_))));

    let nowhere = folder.path().join("no/such/folder/keys.sqlite");
    assert!(matches!(open(&nowhere, DatabaseKind::Keys).await, Err(CatalogError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let database = open(&path, DatabaseKind::Catalogue).await.unwrap();
    let newer =
        "INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'from the future', x'00')";
    database.execute(run(newer)).await.unwrap();
    let refused = open(&path, DatabaseKind::Catalogue).await;
    assert!(matches!(refused, Err(CatalogError::Schema(_))), "{refused:?}");

    let added = "UPDATE schema_migration SET name = 'expand: the future' WHERE version = 9999";
    database.execute(run(added)).await.unwrap();
    drop(database);
    let older = open(&path, DatabaseKind::Catalogue).await.unwrap();
    let count = Statement::new("SELECT count(*) FROM schema_migration WHERE version = 9999", vec![]);
    assert_eq!(older.query(count).await.unwrap()[0].get_i64(0), Ok(1), "the newer program finds what it did");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_in_the_files_of_that_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let database = open(&path, DatabaseKind::Keys).await.unwrap();
    database.execute(run("CREATE TABLE probe (id BIGINT)")).await.unwrap();
    for round in 1..=5_i64 {
        database.execute(run("INSERT INTO probe (id) VALUES (1)")).await.unwrap();
        // What a process that is killed now would leave behind.
        let left = tempfile::tempdir().unwrap();
        for name in ["keys.sqlite", "keys.sqlite-wal"] {
            std::fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
        }
        let again = open(&left.path().join("keys.sqlite"), DatabaseKind::Keys).await.unwrap();
        let rows = again.query(Statement::new("SELECT count(*) FROM probe", vec![])).await.unwrap();
        assert_eq!(rows[0].get_i64(0), Ok(round));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_is_in_no_byte_of_the_files_once_the_log_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let database = open(&path, DatabaseKind::Keys).await.unwrap();
    let marker = b"A-WRAPPED-KEY-THAT-MUST-NOT-STAY";
    database.execute(run("CREATE TABLE probe (id BIGINT, bits BLOB)")).await.unwrap();
    let insert = Statement::new("INSERT INTO probe (id, bits) VALUES (1, $1)", vec![marker.into()]);
    database.execute(vec![insert]).await.unwrap();
    database.empty_write_ahead_log().await.unwrap();
    assert!(contains(folder.path(), marker), "the test looks at the right files");

    database.execute(run("DELETE FROM probe WHERE id = 1")).await.unwrap();
    database.empty_write_ahead_log().await.unwrap();
    assert!(!contains(folder.path(), marker));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_reported_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.sqlite");
    let database = open(&path, DatabaseKind::Keys).await.unwrap();
    database.execute(run("CREATE TABLE probe (id BIGINT, words TEXT)")).await.unwrap();
    let fill = "INSERT INTO probe SELECT value, hex(randomblob(500)) FROM (WITH RECURSIVE n (value) AS \
         (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 500) SELECT value FROM n)";
    database.execute(run(fill)).await.unwrap();
    database.empty_write_ahead_log().await.unwrap();
    drop(database);

    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8].fill(0xa5);
    let damaged = folder.path().join("damaged.sqlite");
    std::fs::write(&damaged, bytes).unwrap();
    let database = open(&damaged, DatabaseKind::Keys).await.unwrap();
    let answer = database.query(Statement::new("SELECT id, words FROM probe", vec![])).await;
    assert!(matches!(answer, Err(CatalogError::Corrupt(_))), "{answer:?}");
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

/// Name and content of every file in a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_file_changes_nothing_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a file #1?.sqlite");
    let missing = Database::inspect_sqlite(&path, DatabaseKind::Identity).await;
    assert!(matches!(missing, Err(CatalogError::Unavailable(_))), "{missing:?}");
    assert_eq!(files(folder.path()), [], "a file that is not there is not made");

    let older = rusqlite::Connection::open(&path).unwrap();
    older.pragma_update(None, "application_id", i32::from_be_bytes(*b"YDI\0")).unwrap();
    older.execute_batch("CREATE TABLE schema_migration (version BIGINT, name TEXT, sha256 BYTEA)").unwrap();
    drop(older);
    let before = files(folder.path());
    let looked = Database::inspect_sqlite(&path, DatabaseKind::Identity).await.unwrap();
    assert!(looked.pending_steps >= 2, "{looked:?}");
    let count = Statement::new("SELECT count(*) FROM schema_migration", vec![]);
    assert_eq!(looked.database.query(count).await.unwrap()[0].get_i64(0), Ok(0));
    let write = looked.database.execute(run("CREATE TABLE probe (id BIGINT)")).await;
    assert!(matches!(write, Err(CatalogError::Unavailable(_))), "{write:?}");
    let other = Database::inspect_sqlite(&path, DatabaseKind::Keys).await;
    assert!(matches!(other, Err(CatalogError::Schema(_))), "{other:?}");
    drop(looked);
    assert_eq!(files(folder.path()), before);

    let open = open(&path, DatabaseKind::Identity).await.unwrap();
    let looked = Database::inspect_sqlite(&path, DatabaseKind::Identity).await.unwrap();
    assert_eq!(looked.pending_steps, 0, "what the log of an open file holds is seen");
    drop(open);
}

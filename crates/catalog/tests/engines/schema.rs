//! The schemas themselves: alike on both engines, opened by several nodes at once, and holding nothing plain that
//! names a person.

use std::collections::BTreeSet;
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Statement};

/// Every column of the catalogue. Who adds one here has thought about what it tells a thief.
const CATALOGUE: &[(&str, &str)] = &[
    ("availability_told", "institution ae_title called_ae sequence attempts due_ms"),
    ("care_relation", "institution actor patient_ref valid_from_ms valid_until_ms given_by"),
    (
        "consent",
        "institution number patient_ref kind project form giver reference valid_from_ms valid_until_ms entered_by \
         withdrawn_ms withdrawn_by",
    ),
    ("department", "institution department name"),
    (
        "dissent",
        "institution number patient_ref kind subject break_glass valid_from_ms valid_until_ms given_by",
    ),
    ("person_unit", "institution actor unit valid_from_ms valid_until_ms given_by"),
    ("sender_department", "institution sender department"),
    ("study_unit", "study_ref unit institution"),
    (
        "instance",
        "instance_ref version latest series_ref sop_instance_uid format_id instance_number frames received_ms \
         object_bytes location sealed",
    ),
    ("image_format", "format_id sop_class_uid transfer_syntax_uid image_rows image_columns bits_allocated"),
    ("node", "store address certificate_sha256 log program"),
    ("pack_store", "store id number"),
    ("pack_watermark", "store pack pack_offset"),
    ("patient", "patient_ref institution received_ms"),
    ("performed_scheduled", "scheduled_ref step_ref"),
    (
        "performed_step",
        "institution step_ref state reporter station modality start_date start_time revision sealed sealed_series",
    ),
    ("performed_study", "study_ref step_ref"),
    ("removed_mark", "institution leaf"),
    ("removed_until", "institution log leaf"),
    ("schema_migration", "version name sha256"),
    ("search_term", "term study_date study_key"),
    (
        "series",
        "series_ref institution study_ref series_uid modality series_number performed_date performed_time \
         received_ms instance_count sealed",
    ),
    (
        "commitment_request",
        "institution transaction_uid device calling owner requested state result fault attempts began_ms due_ms",
    ),
    ("storage_commitment", "institution peer called transaction_uid requested state result attempts due_ms"),
    ("version_claim", "instance_ref version store"),
    ("worklist_item", "institution step_ref state modality stations start_date start_time sealed"),
    ("worklist_term", "term step_ref"),
    ("ups_workitem", "institution workitem_ref state revision start_date start_time changed_ms sealed"),
    ("ups_term", "term workitem_ref"),
    ("ups_removed", "workitem_ref removed_ms"),
    (
        "job",
        "institution id owner kind state store process cancel_asked total completed warning failed began_ms ended_ms sealed",
    ),
    ("job_worker", "store process beats"),
    ("ups_report", "institution ae_title number told_ms sealed"),
    ("ups_roster", "institution revision"),
    ("ups_subscriber", "institution ae_title owner scope deletion_lock filter reports channel"),
    ("ups_subscription", "institution ae_title workitem_ref deletion_lock specific"),
    ("study_accession", "study_ref institution accession shared"),
    ("study_removed", "study_ref made_ms"),
    ("study_arrival", "study_ref institution location resting due_ms"),
    ("study_arrival_beside", "study_ref store institution location resting due_ms"),
    ("event_feed", "feed position"),
    ("study_event", "sequence institution kind study_ref at_ms series_count instance_count"),
    (
        "study",
        "study_ref institution patient_ref study_uid study_date study_time grade received_ms patient_conflict series_count \
         instance_count sealed study_key",
    ),
];

type Columns = BTreeSet<(String, String, String)>;

async fn sqlite_columns(kind: DatabaseKind) -> Columns {
    let (database, _file) = crate::sqlite(kind).await;
    let select = "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'";
    columns(&database, select).await
}

async fn postgres_columns(database: &Database) -> Columns {
    let select = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) \
         FROM information_schema.columns WHERE table_schema = CAST(current_schema() AS TEXT)";
    columns(database, select).await
}

async fn columns(database: &Database, select: &'static str) -> Columns {
    let rows = database.query(Statement::new(select, vec![])).await.unwrap();
    rows.iter()
        .map(|row| {
            let word = |column: usize| row.get_text(column).unwrap().to_owned();
            let ty = match word(2).to_uppercase().as_str() {
                "INTEGER" | "BIGINT" => "BIGINT",
                "BLOB" | "BYTEA" => "BYTEA",
                "TEXT" => "TEXT",
                other => panic!("column {}.{} is of type {other}", word(0), word(1)),
            };
            (word(0), word(1), ty.to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_has_the_columns_that_were_thought_about_and_no_other() {
    let came: BTreeSet<(String, String)> = sqlite_columns(DatabaseKind::Catalogue)
        .await
        .into_iter()
        .map(|(table, column, _)| (table, column))
        .collect();
    let expected: BTreeSet<(String, String)> = CATALOGUE
        .iter()
        .flat_map(|(table, columns)| {
            columns.split(' ').map(|column| ((*table).to_owned(), column.to_owned()))
        })
        .collect();
    assert_eq!(came, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_tables_and_columns() {
    for kind in DatabaseKind::ALL {
        let Some(database) = crate::postgres(kind).await else { return };
        assert_eq!(postgres_columns(&database).await, sqlite_columns(kind).await, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_bring_one_schema_up_to_date_once() {
    let Some(fresh) = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap() else {
        return;
    };
    let tasks: Vec<_> = (0..12)
        .map(|n| {
            let address = fresh.address().to_owned();
            tokio::spawn(async move { Database::open_postgres(&address, DatabaseKind::ALL[n % 3]).await })
        })
        .collect();
    for task in tasks {
        let database = task.await.unwrap().unwrap();
        let count = Statement::new("SELECT count(*) - max(version) FROM schema_migration", vec![]);
        assert_eq!(database.query(count).await.unwrap()[0].get_i64(0), Ok(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_program_is_refused_by_postgresql_too() {
    let Some(fresh) = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap() else {
        return;
    };
    let database = Database::open_postgres(fresh.address(), DatabaseKind::Catalogue).await.unwrap();
    let newer = "INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'from the future', '')";
    database.execute(vec![Statement::new(newer, vec![])]).await.unwrap();
    let refused = Database::open_postgres(fresh.address(), DatabaseKind::Catalogue).await;
    assert!(matches!(refused, Err(CatalogError::Schema(_))), "{refused:?}");

    // Upgraded node by node, and back: what a newer program only added stops no older one.
    let added = "UPDATE schema_migration SET name = 'expand: the future' WHERE version = 9999";
    database.execute(vec![Statement::new(added, vec![])]).await.unwrap();
    let older = Database::open_postgres(fresh.address(), DatabaseKind::Catalogue).await.unwrap();
    let count = Statement::new("SELECT count(*) FROM schema_migration WHERE version = 9999", vec![]);
    assert_eq!(older.query(count).await.unwrap()[0].get_i64(0), Ok(1), "the newer program finds what it did");
    let looked = Database::inspect_postgres(fresh.address(), DatabaseKind::Catalogue).await.unwrap();
    assert_eq!(looked.pending_steps, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("host={} user=nobody dbname=none", folder.path().display());
    let refused = Database::open_postgres(&address, DatabaseKind::Catalogue).await;
    assert!(matches!(refused, Err(CatalogError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_postgresql_database_changes_nothing_in_it() {
    let Some(fresh) = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap() else {
        return;
    };
    let look = async || Database::inspect_postgres(fresh.address(), DatabaseKind::Identity).await.unwrap();
    let looked = look().await;
    assert!(looked.pending_steps >= 2, "{looked:?}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'yingdun%'";
    let rows = looked.database.query(Statement::new(schemas, vec![])).await.unwrap();
    assert_eq!(rows[0].get_i64(0), Ok(0), "a schema that is not there is not made");
    let write = Statement::new("CREATE TABLE public.probe (id BIGINT)", vec![]);
    let refused = looked.database.execute(vec![write.clone()]).await;
    assert!(matches!(refused, Err(CatalogError::Unavailable(_))), "{refused:?}");
    assert!(looked.database.query(write).await.is_err(), "the server refuses it too");

    let open = Database::open_postgres(fresh.address(), DatabaseKind::Identity).await.unwrap();
    assert_eq!(look().await.pending_steps, 0);
    drop(open);
}

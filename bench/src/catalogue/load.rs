//! Fills a catalogue as fast as its tables take rows, which takes minutes where arrivals would take hours. The rows are the
//! same; a test compares.
//!
//! Rows of studies, series and instances come in the order of arrival, and their indexes are made at the end. Search terms come
//! in the order of their key, some of them at a time, so that memory stays bounded.

use super::generate::{Hospital, SERIES_PER_STUDY, is_first_of_patient, series_ref, study_ref};
use crate::failure::{Outcome, While};
use std::time::Instant;
use tokio::task::JoinSet;
use yingdun_catalog::catalogue::{Date, TimeOfDay, modality_term, study_key, term};
use yingdun_catalog::{CatalogError, Database, Statement, StatementBuilder, Value};

/// Rows of one statement, and statements of one transaction.
const ROWS: usize = 256;
const STATEMENTS: usize = 32;
/// Transactions that run at a time: rows are made while others are written.
const TRANSACTIONS: usize = 4;
/// Terms that are sorted at a time: 400 MB.
const TERMS: usize = 16_000_000;

/// Fills an empty catalogue.
pub(super) async fn load(database: &Database, hospital: &Hospital) -> Outcome<()> {
    let postponed = take_indexes(database).await?;
    let studies = || 0..hospital.size.studies;
    let patients = studies().filter(|s| is_first_of_patient(*s));
    insert(database, "patients", PATIENT, patients.map(|s| patient_row(hospital, s))).await?;
    insert(database, "studies", STUDY, studies().map(|s| study_row(hospital, s))).await?;
    let series = studies().flat_map(|s| (0..SERIES_PER_STUDY).map(move |r| (s, r)));
    insert(database, "series", SERIES, series.clone().map(|(s, r)| series_row(hospital, s, r))).await?;
    insert(database, "formats", FORMAT, std::iter::once(format_row(hospital))).await?;
    let format = database.query(Statement::new("SELECT format_id FROM image_format", vec![])).await;
    let format = format.or_fail("reading the format")?.first().or_fail("no format")?.get_i64(0);
    let format = format.or_fail("reading the format")?;
    let each = 0..hospital.size.instances_per_series;
    let instances = series.flat_map(|(s, r)| each.clone().map(move |i| (s, r, i)));
    let rows = instances.map(|(s, r, i)| instance_row(hospital, format, s, r, i));
    insert(database, "instances", INSTANCE, rows).await?;
    load_terms(database, hospital).await?;
    for index in postponed {
        let started = Instant::now();
        let mut statements = Vec::new();
        if database.engine_name() == "postgresql" {
            statements.push(Statement::new("SET LOCAL statement_timeout = 0", vec![]));
            statements.push(Statement::new("SET LOCAL maintenance_work_mem = '512MB'", vec![]));
        }
        statements.push(Statement::new(index, vec![]));
        database.execute(statements).await.or_fail(index)?;
        eprintln!("  {:>6.0} s  {}", started.elapsed().as_secs_f64(), index.get(..70).unwrap_or(index));
    }
    if database.engine_name() == "postgresql" {
        let analyse = ["study", "series", "instance", "search_term", "image_format", "patient"];
        let analyse = analyse.map(|table| {
            let mut statement = StatementBuilder::new();
            statement.push("ANALYZE ").push(table);
            statement.finish()
        });
        let unlimited = Statement::new("SET LOCAL statement_timeout = 0", vec![]);
        database
            .execute([vec![unlimited], analyse.to_vec()].concat())
            .await
            .or_fail("gathering statistics")?;
    }
    Ok(())
}

/// Puts aside the indexes of the large tables that are no part of them, and gives their definitions.
async fn take_indexes(database: &Database) -> Outcome<Vec<&'static str>> {
    const LARGE: &str = "('study', 'series', 'instance')";
    let select = match database.engine_name() {
        "sqlite" => format!(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {LARGE}"
        ),
        _ => format!(
            "SELECT CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname = current_schema() AND \
             tablename IN {LARGE} AND indexname NOT LIKE '%_pkey'"
        ),
    };
    let rows = database.query(Statement::new(kept(select), vec![])).await.or_fail("reading the indexes")?;
    let mut definitions = Vec::new();
    for row in rows {
        let name = row.get_text(0).or_fail("the name of an index")?;
        let drop_index = Statement::new(kept(format!("DROP INDEX {name}")), vec![]);
        database.execute(vec![drop_index]).await.or_fail("putting an index aside")?;
        definitions.push(kept(row.get_text(1).or_fail("an index")?.to_owned()));
    }
    Ok(definitions)
}

/// Statements are static texts: the few that are made here live as long as the program.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

async fn load_terms(database: &Database, hospital: &Hospital) -> Outcome<()> {
    let studies = hospital.size.studies;
    // A sample says how many there are.
    let sample: usize = (0..100.min(studies)).map(|s| terms_of(hospital, s).count()).sum();
    let all = sample * studies as usize / 100.min(studies) as usize;
    let passes = all.div_ceil(TERMS) as i128;
    for pass in 0..passes {
        let bound = |pass: i128| i128::from(i64::MIN) + (1 << 64) / passes * pass;
        let until = if pass + 1 == passes { i128::MAX } else { bound(pass + 1) };
        let wanted = bound(pass)..until;
        let terms = sorted_terms(hospital, &wanted);
        let what = format!("terms, part {} of {passes}", pass + 1);
        insert(database, &what, TERM, terms.iter().map(|row| row.map(Value::Int).to_vec())).await?;
    }
    Ok(())
}

/// Term, date and study of those terms that lie in a range, in the order of the table; made on all cores.
fn sorted_terms(hospital: &Hospital, wanted: &std::ops::Range<i128>) -> Vec<[i64; 3]> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let studies = hospital.size.studies;
    let part = |core: u32| {
        let (first, last) = (
            u64::from(studies) * u64::from(core) / u64::from(cores),
            u64::from(studies) * u64::from(core + 1) / u64::from(cores),
        );
        let mut terms = Vec::new();
        for s in first as u32..last as u32 {
            terms.extend(terms_of(hospital, s).filter(|row| wanted.contains(&i128::from(row[0]))));
        }
        terms
    };
    let mut terms = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..cores).map(|core| scope.spawn(move || part(core))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    terms.sort_unstable();
    terms
}

fn terms_of(hospital: &Hospital, s: u32) -> impl Iterator<Item = [i64; 3]> {
    let study = hospital.study_without_terms(s);
    let date = number(study.terms.date);
    let key = study_key(study_ref(s), study.terms.time);
    let modalities = study.terms.modalities.into_iter();
    let modalities = modalities.map(|modality| modality_term(&hospital.institution, &modality));
    let tokens = hospital.tokens(s).into_iter().map(|token| term(&token));
    tokens.chain(modalities).collect::<Vec<_>>().into_iter().map(move |term| [term, date, key])
}

/// Inserts rows and says how far it is.
async fn insert(
    database: &Database,
    what: &str,
    into: &'static str,
    mut rows: impl Iterator<Item = Vec<Value>>,
) -> Outcome<()> {
    let (started, mut told, mut count) = (Instant::now(), Instant::now(), 0);
    let mut running: JoinSet<Result<Vec<u64>, CatalogError>> = JoinSet::new();
    loop {
        let mut statements: Vec<Statement> = Vec::with_capacity(STATEMENTS);
        for _ in 0..STATEMENTS {
            let some: Vec<_> = rows.by_ref().take(ROWS).collect();
            if some.is_empty() {
                break;
            }
            count += some.len();
            let mut statement = StatementBuilder::new();
            statement.push(into);
            for (position, row) in some.into_iter().enumerate() {
                statement.push(if position > 0 { ", " } else { "" });
                statement.bind_row(row);
            }
            statements.push(statement.finish());
        }
        if running.len() == TRANSACTIONS || statements.is_empty() {
            match running.join_next().await {
                Some(outcome) => outcome.or_fail("loading rows")?.map(drop).or_fail("loading rows")?,
                None => break,
            }
        }
        if !statements.is_empty() {
            let database = database.clone();
            running.spawn(async move { database.execute_replayable(statements).await });
        }
        if told.elapsed().as_secs() >= 10 {
            told = Instant::now();
            eprintln!("  {:>6.0} s  {count:>10} {what}", started.elapsed().as_secs_f64());
        }
    }
    eprintln!("  {:>6.0} s  {count:>10} {what}, all", started.elapsed().as_secs_f64());
    Ok(())
}

// === rows, as `apply` makes them ===

const PATIENT: &str = "INSERT INTO patient (patient_ref, institution, received_ms) VALUES ";
const STUDY: &str = "INSERT INTO study (study_ref, institution, patient_ref, study_uid, study_date, study_time, grade, \
     received_ms, patient_conflict, series_count, instance_count, sealed, study_key) VALUES ";
const SERIES: &str = "INSERT INTO series (series_ref, institution, study_ref, series_uid, modality, series_number, \
     performed_date, performed_time, received_ms, instance_count, sealed) VALUES ";
const FORMAT: &str = "INSERT INTO image_format (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, \
     bits_allocated) VALUES ";
const INSTANCE: &str = "INSERT INTO instance (instance_ref, version, latest, series_ref, sop_instance_uid, \
     instance_number, frames, received_ms, object_bytes, location, sealed, format_id) VALUES ";
const TERM: &str = "INSERT INTO search_term (term, study_date, study_key) VALUES ";

fn patient_row(hospital: &Hospital, s: u32) -> Vec<Value> {
    let study = hospital.study_without_terms(s);
    vec![study.patient.into(), (&study.institution).into(), study.received.into()]
}

fn study_row(hospital: &Hospital, s: u32) -> Vec<Value> {
    let instances = SERIES_PER_STUDY * hospital.size.instances_per_series;
    let study = hospital.study_without_terms(s);
    vec![
        study_ref(s).into(),
        (&study.institution).into(),
        study.patient.into(),
        (&study.uid).into(),
        Value::Int(number(study.terms.date)),
        Value::Int(microseconds(study.terms.time)),
        study.grade.into(),
        study.received.into(),
        study.patient_conflict.into(),
        SERIES_PER_STUDY.into(),
        instances.into(),
        hospital.sealed_study(s).into(),
        Value::Int(study_key(study_ref(s), study.terms.time)),
    ]
}

fn series_row(hospital: &Hospital, s: u32, r: u32) -> Vec<Value> {
    let series = hospital.series(s, r);
    vec![
        series_ref(s, r).into(),
        (&series.institution).into(),
        series.study.into(),
        (&series.uid).into(),
        series.modality.into(),
        series.number.into(),
        Value::Int(number(series.performed_date)),
        Value::Int(microseconds(series.performed_time)),
        series.received.into(),
        hospital.size.instances_per_series.into(),
        series.sealed.into(),
    ]
}

/// All instances have one format.
fn format_row(hospital: &Hospital) -> Vec<Value> {
    let instance = hospital.instance(0, 0, 0);
    vec![
        (&instance.sop_class).into(),
        (&instance.transfer_syntax).into(),
        instance.rows.into(),
        instance.columns.into(),
        instance.bits_allocated.into(),
    ]
}

fn instance_row(hospital: &Hospital, format: i64, s: u32, r: u32, i: u32) -> Vec<Value> {
    let instance = hospital.instance(s, r, i);
    vec![
        instance.reference.into(),
        instance.version.into(),
        true.into(),
        instance.series.into(),
        (&instance.sop_instance).into(),
        instance.number.into(),
        instance.frames.into(),
        instance.received.into(),
        Value::Int(i64::try_from(instance.object_bytes).unwrap_or(i64::MAX)),
        instance.location.into(),
        instance.sealed.into(),
        Value::Int(format),
    ]
}

fn number(date: Option<Date>) -> i64 {
    date.map_or(0, |date| i64::from(date.number()))
}

fn microseconds(time: Option<TimeOfDay>) -> i64 {
    time.and_then(|time| i64::try_from(time.microseconds()).ok()).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::*;
    use yingdun_catalog::DatabaseKind;
    use yingdun_catalog::catalogue::{Batch, StudyChange, apply};

    async fn everything(database: &Database) -> Vec<Vec<yingdun_catalog::Row>> {
        let mut tables = Vec::new();
        for select in [
            "SELECT * FROM patient ORDER BY patient_ref",
            "SELECT * FROM study ORDER BY study_ref",
            "SELECT * FROM series ORDER BY series_ref",
            "SELECT * FROM instance ORDER BY instance_ref",
            "SELECT * FROM image_format",
            "SELECT * FROM search_term ORDER BY term, study_date, study_key",
        ] {
            tables.push(database.query(Statement::new(select, vec![])).await.unwrap());
        }
        let indexes = match database.engine_name() {
            "sqlite" => "SELECT name, sql FROM sqlite_schema ORDER BY name",
            _ => {
                "SELECT CAST(indexname AS TEXT), indexdef FROM pg_indexes WHERE schemaname = current_schema() \
                 ORDER BY indexname"
            }
        };
        tables.push(database.query(Statement::new(indexes, vec![])).await.unwrap());
        tables
    }

    async fn is_the_same_as_applied(loaded: Database, applied: Database) {
        let hospital = Hospital::new(Size { studies: 50, instances_per_series: 2 });
        load(&loaded, &hospital).await.unwrap();
        let mut batch = Batch::default();
        for s in 0..hospital.size.studies {
            batch.studies.insert(study_ref(s), StudyChange { now: hospital.study(s), was: None, over: None });
            for r in 0..SERIES_PER_STUDY {
                batch.series.insert(series_ref(s, r), hospital.series(s, r));
                batch.instances.extend((0..2).map(|i| hospital.instance(s, r, i)));
            }
        }
        apply(&applied, &batch, None).await.unwrap();
        assert_eq!(everything(&loaded).await, everything(&applied).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_loaded_catalogue_is_the_same_as_an_applied_one_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            async |name| Database::open_sqlite(folder.path().join(name), DatabaseKind::Catalogue).await;
        is_the_same_as_applied(open("loaded").await.unwrap(), open("applied").await.unwrap()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_loaded_catalogue_is_the_same_as_an_applied_one_on_postgresql() {
        let Some(loaded) = yingdun_testkit::postgres_database() else { return };
        let applied = yingdun_testkit::postgres_database().unwrap();
        let open = async |address| Database::open_postgres(address, DatabaseKind::Catalogue).await.unwrap();
        is_the_same_as_applied(open(loaded.address()).await, open(applied.address()).await).await;
    }
}

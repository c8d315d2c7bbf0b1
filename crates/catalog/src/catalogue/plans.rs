//! A test that every search is served by an index, whatever drives it: each shape of a search at each level, on both
//! engines; and that it would notice a missing index.
//!
//! SQLite is asked how it would run each statement (`EXPLAIN QUERY PLAN`). It decides without statistics, from the
//! shape of the statement alone; so what holds for an empty catalogue holds for a full one. PostgreSQL decides by
//! statistics, so it is asked in a catalogue that is filled.

use super::filter::{Plan, StudyCursor};
use super::instances::{self, InstanceCursor, InstanceFilter};
use super::moment::number_column;
use super::performed::{self, PerformedFilter};
use super::series::{self, SeriesCursor, SeriesFilter};
use super::walk::Part;
use super::workitems::{self, WorkitemFilter};
use super::worklist::{self, WorklistFilter};
use super::{Date, Page, StudyFilter, TimeOfDay, Token, Visibility, patients, sealed, studies};
use crate::{Database, DatabaseKind, Statement, StatementBuilder};
use std::collections::BTreeSet;
use yingdun_model::{
    ActorId, InstanceRef, InstitutionId, PatientRef, PerformedState, SeriesRef, StepState, StudyRef,
    Timestamp, Uid, WorkitemState,
};

/// The kinds of condition, each alone and all pairs of them, under each visibility.
fn filters() -> Vec<StudyFilter> {
    type Condition = fn(&mut StudyFilter);
    let conditions: [Condition; 10] = [
        |_| {},
        |filter| filter.studies = vec![StudyRef::from_bytes([1; 16]); 3],
        |filter| filter.patients = vec![PatientRef::from_bytes([1; 16]); 3],
        |filter| filter.tokens.push(vec![[1; 16]]),
        |filter| filter.tokens.push(vec![[2; 16], [3; 16]]),
        |filter| filter.tokens.push((100..112).map(|n| -> Token { [n; 16] }).collect()),
        |filter| filter.modalities = vec![vec!["CT".to_owned()], vec!["MR".to_owned()]],
        |filter| filter.date = Some(Date::MIN..=Date::MAX),
        |filter| filter.time = Some(TimeOfDay::MIN..=TimeOfDay::MAX),
        |filter| {
            filter.date = Some(Date::MIN..=Date::MAX);
            filter.moments = Some((Date::MIN, TimeOfDay::MIN)..=(Date::MAX, TimeOfDay::MAX));
        },
    ];
    let actor = ActorId::new("doctor").unwrap();
    let at = Timestamp::from_ms(5);
    let mut filters = Vec::new();
    for visibility in
        [Visibility::Institution, Visibility::CareRelation { actor, at }, Visibility::ReceivedSince(at)]
    {
        for first in conditions {
            for second in conditions {
                let mut filter = StudyFilter::all(institution(), visibility.clone());
                first(&mut filter);
                second(&mut filter);
                filters.push(filter);
            }
        }
    }
    filters
}

/// The conditions on series, each alone and all together.
fn series_filters(studies: &StudyFilter) -> Vec<SeriesFilter> {
    type Condition = fn(&mut SeriesFilter);
    let conditions: [Condition; 7] = [
        |filter| filter.series = vec![SeriesRef::from_bytes([1; 16])],
        |filter| filter.uids = vec![Uid::new("1.2.3").unwrap()],
        |filter| filter.modalities = vec!["CT".to_owned()],
        |filter| filter.number = Some(1),
        |filter| filter.performed_date = Some(Date::MIN..=Date::MAX),
        |filter| filter.performed_time = Some(TimeOfDay::MIN..=TimeOfDay::MAX),
        |filter| {
            filter.performed_date = Some(Date::MIN..=Date::MAX);
            filter.performed_moments = Some((Date::MIN, TimeOfDay::MIN)..=(Date::MAX, TimeOfDay::MAX));
        },
    ];
    let with = |conditions: &[Condition]| {
        let mut filter = SeriesFilter::of(studies.clone());
        conditions.iter().for_each(|add| add(&mut filter));
        filter
    };
    let alone = conditions.iter().map(|condition| with(&[*condition]));
    alone.chain([with(&[]), with(&conditions)]).collect()
}

/// The conditions on instances, each alone and all together.
fn instance_filters(studies: &StudyFilter) -> Vec<InstanceFilter> {
    type Condition = fn(&mut InstanceFilter);
    let conditions: [Condition; 6] = [
        |filter| filter.series = vec![SeriesRef::from_bytes([1; 16])],
        |filter| filter.series_uids = vec![Uid::new("1.2.3").unwrap()],
        |filter| filter.modalities = vec!["CT".to_owned()],
        |filter| filter.instances = vec![InstanceRef::from_bytes([1; 16])],
        |filter| filter.sop_classes = vec![Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap()],
        |filter| filter.number = Some(1),
    ];
    let with = |conditions: &[Condition]| {
        let mut filter = InstanceFilter::of(studies.clone());
        conditions.iter().for_each(|add| add(&mut filter));
        filter
    };
    let alone = conditions.iter().map(|condition| with(&[*condition]));
    alone.chain([with(&[]), with(&conditions)]).collect()
}

/// A statement, what it is, and whether anything narrower than an institution was asked.
struct Shape {
    what: String,
    statement: Statement,
    narrow: bool,
}

/// Every statement that a search of studies makes, at every level, on the first page and behind a row.
async fn shapes_of(database: &Database, filter: &StudyFilter) -> Vec<Shape> {
    let narrow = filter.visibility != Visibility::Institution
        || !(filter.studies.is_empty()
            && filter.patients.is_empty()
            && filter.tokens.is_empty()
            && filter.modalities.is_empty());
    let mut shapes = Vec::new();
    let mut add = |level: &str, detail: String, statement, narrow| {
        shapes.push(Shape { what: format!("{level} {detail}"), statement, narrow });
    };
    let place = StudyCursor::of_columns(20_240_131, 36_000_000_000, StudyRef::from_bytes([5; 16]));
    for page in [Page::first(100), Page { offset: 10, limit: 100, after: Some(place) }] {
        let detail = format!("of {filter:?}, {page:?}");
        let all = plan_of(database, filter).await;
        add("studies", detail.clone(), studies::select(&all, &page), narrow);
        add("counts", detail.clone(), patients::select_counts(&all, &page), narrow);
        let newest = all.newest_of_patient();
        add("patients", detail.clone(), studies::select(&newest, &page), narrow);
    }
    let number = number_column(None);
    // The walk to series and instances goes through studies in the same ways, so one condition at a time will do.
    let conditions = [
        !filter.studies.is_empty(),
        !filter.patients.is_empty(),
        !filter.modalities.is_empty(),
        filter.date.is_some(),
        filter.time.is_some(),
    ];
    if conditions.iter().filter(|there| **there).count() + filter.tokens.len() > 1 {
        return shapes;
    }
    for of in series_filters(filter) {
        let studies = filter.with_series_of(&of.modalities);
        let plan = plan_of(database, &studies).await;
        let after = SeriesCursor { study: place, number, reference: SeriesRef::from_bytes([5; 16]) };
        let narrow = narrow || !(of.series.is_empty() && of.uids.is_empty() && of.modalities.is_empty());
        for part in [Part::Behind(None), Part::Behind(Some(&place)), Part::Within(&place)] {
            let detail = format!("{of:?}, {part:?}");
            add("series", detail, series::select(&plan, &of, part, Some(&after), 100), narrow);
        }
    }
    for of in instance_filters(filter) {
        let studies = filter.with_series_of(&of.modalities);
        let plan = plan_of(database, &studies).await;
        let after = InstanceCursor::at(place);
        let narrow = narrow
            || !(of.series.is_empty()
                && of.series_uids.is_empty()
                && of.modalities.is_empty()
                && of.instances.is_empty());
        for part in [Part::Behind(None), Part::Behind(Some(&place)), Part::Within(&place)] {
            let detail = format!("{of:?}, {part:?}");
            add("instances", detail, instances::select(&plan, &of, part, Some(&after), 100), narrow);
        }
    }
    shapes
}

async fn plan_of<'f>(database: &Database, filter: &'f StudyFilter) -> Plan<'f> {
    Plan::of(database, filter).await.unwrap().expect("some study may fit")
}

/// What is looked up by its key, and the worklist.
fn other_shapes() -> Vec<Shape> {
    let study = StudyRef::from_bytes([1; 16]);
    let all = WorklistFilter {
        institution: institution(),
        state: StepState::Scheduled,
        start_date: None,
        modalities: vec!["CT".to_owned()],
        tokens: vec![],
    };
    let of_days = WorklistFilter { start_date: Some(Date::MIN..=Date::MAX), ..all.clone() };
    let of_patient = WorklistFilter { tokens: vec![vec![[1; 16]], vec![[2; 16], [3; 16]]], ..all.clone() };
    let statements = [
        ("instances of a study", instances::select_of_study(&institution(), study, None)),
        (
            "more instances of a study",
            instances::select_of_study(
                &institution(),
                study,
                Some(&InstanceCursor::at(StudyCursor::of_columns(20_240_131, 36_000_000_000, study))),
            ),
        ),
        ("versions", instances::select_versions(&institution(), InstanceRef::from_bytes([1; 16]))),
        ("sealed studies", sealed::select_studies(&[study])),
        ("sealed series", sealed::select_series(&[study], None)),
        ("named series", sealed::select_named_series(&[SeriesRef::from_bytes([1; 16])])),
        ("conflicts", studies::select_in_patient_conflict(&institution(), 10)),
        ("worklist", worklist::select(&all, None, 100)),
        ("worklist of days", worklist::select(&of_days, None, 100)),
        ("worklist of a patient", worklist::select(&of_patient, None, 100)),
    ];
    let shape = |(what, statement): (&str, _)| Shape { what: what.to_owned(), statement, narrow: true };
    statements.into_iter().map(shape).collect()
}

fn institution() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

impl InstanceCursor {
    fn at(study: StudyCursor) -> Self {
        Self {
            study,
            series_number: number_column(None),
            series: SeriesRef::from_bytes([5; 16]),
            number: number_column(None),
            reference: InstanceRef::from_bytes([5; 16]),
        }
    }
}

// === SQLite ===

async fn explain(database: &Database, statement: &Statement) -> Vec<String> {
    let rows = database.query(statement.explained_by("EXPLAIN QUERY PLAN")).await.unwrap();
    rows.iter().map(|row| row.get_text(3).unwrap().to_owned()).collect()
}

/// Lines that read a table, or all of an institution, from end to end. What else is scanned is a page or a list
/// made by the statement itself. Walking the dates is right where nothing narrower was asked.
fn scans(plan: &[String], narrow: bool) -> bool {
    let aliases = ["s", "n", "t", "o", "c", "r", "i", "f", "w", "study", "series", "instance"];
    plan.iter().any(|line| {
        let mut words = line.split(' ');
        (words.next() == Some("SCAN") && words.next().is_some_and(|table| aliases.contains(&table)))
            || (line.contains("(institution=?)") && !line.contains("study_in_patient_conflict"))
            || line.contains("AUTOMATIC")
            || (narrow && line.contains("study_by_date"))
    })
}

async fn empty(folder: &tempfile::TempDir) -> Database {
    Database::open_sqlite(folder.path().join("c.sqlite"), DatabaseKind::Catalogue).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_search_at_any_level_reads_a_table_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let mut shapes = other_shapes();
    for filter in filters() {
        shapes.extend(shapes_of(&database, &filter).await);
    }
    assert!(shapes.len() > 4_000, "{}", shapes.len());
    let mut seen = BTreeSet::new();
    for Shape { what, statement, narrow } in shapes {
        // Shapes differ by their texts only.
        if seen.insert((statement.text().to_owned(), narrow)) {
            let lines = explain(&database, &statement).await;
            assert!(!scans(&lines, narrow), "{what}: {lines:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_misses_its_index_is_noticed() {
    for index in [
        "study_by_key",
        "study_by_date",
        "study_by_patient",
        "study_by_received",
        "study_in_patient_conflict",
        "series_by_study",
        "series_by_uid",
        "instance_by_reference",
        "instance_by_series",
        "worklist_item_by_start",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let database = empty(&folder).await;
        let mut drop_index = StatementBuilder::new();
        drop_index.push("DROP INDEX ").push(index);
        database.execute(vec![drop_index.finish()]).await.unwrap();
        let mut shapes = other_shapes();
        for visibility in [Visibility::Institution, Visibility::ReceivedSince(Timestamp::from_ms(5))] {
            let all = StudyFilter::all(institution(), visibility);
            let of_patient = StudyFilter { patients: vec![PatientRef::from_bytes([1; 16])], ..all.clone() };
            let of_token = StudyFilter { tokens: vec![vec![[1; 16]]], ..all.clone() };
            for filter in [all, of_patient, of_token] {
                shapes.extend(shapes_of(&database, &filter).await);
            }
        }
        let mut noticed = false;
        for Shape { statement, narrow, .. } in shapes {
            noticed |= scans(&explain(&database, &statement).await, narrow);
        }
        assert!(noticed, "without {index} nothing is scanned");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_common_word_or_a_date_range_is_cut_without_sorting() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let all = StudyFilter::all(institution(), Visibility::Institution);
    let dates = Some(Date::MIN..=Date::MAX);
    let one_token = vec![vec![[1; 16]]];
    for filter in [
        all.clone(),
        StudyFilter { date: dates.clone(), ..all.clone() },
        StudyFilter { tokens: one_token.clone(), ..all.clone() },
        StudyFilter { tokens: one_token.clone(), date: dates.clone(), ..all.clone() },
        StudyFilter { modalities: vec![vec!["CT".to_owned()]], date: dates.clone(), ..all.clone() },
        StudyFilter {
            date: dates,
            moments: Some((Date::MIN, TimeOfDay::MIN)..=(Date::MAX, TimeOfDay::MAX)),
            ..all.clone()
        },
        StudyFilter { tokens: one_token, modalities: vec![vec!["CT".to_owned()]], ..all.clone() },
    ] {
        let plan = plan_of(&database, &filter).await;
        let mut page = StatementBuilder::new();
        plan.select_page(&mut page, &Page::first(100));
        let of_series = SeriesFilter::of(filter.clone());
        let series = series::select(&plan, &of_series, Part::Behind(None), None, 100);
        let lines = explain(&database, &page.finish()).await;
        assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE")), "{filter:?}: {lines:#?}");
        // Series of one study and instances of one number are put in order where they stand.
        let of_instances = InstanceFilter::of(filter.clone());
        let instances = instances::select(&plan, &of_instances, Part::Behind(None), None, 100);
        for statement in [series, instances] {
            let lines = explain(&database, &statement).await;
            let whole = lines.iter().any(|line| line.ends_with("TEMP B-TREE FOR ORDER BY"));
            assert!(!whole, "{filter:?}: {lines:#?}");
        }
    }
    let by_time = WorklistFilter {
        institution: institution(),
        state: StepState::Scheduled,
        start_date: Some(Date::MIN..=Date::MAX),
        modalities: vec!["CT".to_owned()],
        tokens: vec![],
    };
    let lines = explain(&database, &worklist::select(&by_time, None, 100)).await;
    assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY")), "{lines:#?}");
}

// === PostgreSQL ===

/// Tables whose rows grow with the archive.
const LARGE: [&str; 4] = ["study", "search_term", "series", "instance"];

/// Whether the statement reads a large table from end to end.
async fn scans_on_postgres(database: &Database, statement: &Statement) -> (bool, Vec<String>) {
    let rows = database.query(statement.explained_by("EXPLAIN")).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get_text(0).unwrap().to_owned()).collect();
    let scanned = LARGE.iter().any(|table| {
        let scan = format!("Seq Scan on {table} ");
        lines.iter().any(|line| line.contains(&scan))
    });
    (scanned, lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn performed_steps_and_what_of_them_is_here_are_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let institution = InstitutionId::new("renmin").unwrap();
    let all = PerformedFilter {
        institution: institution.clone(),
        study: None,
        state: None,
        station: None,
        start_date: None,
    };
    let of_days = PerformedFilter { start_date: Some(Date::MIN..=Date::MAX), ..all.clone() };
    let in_state = PerformedFilter { state: Some(PerformedState::InProgress), ..all.clone() };
    let of_station = PerformedFilter { station: Some("CT01".to_owned()), ..of_days.clone() };
    let of_study = PerformedFilter { study: Some(StudyRef::from_bytes([1; 16])), ..all.clone() };
    for filter in [all, of_days, in_state, of_station, of_study] {
        let lines = explain(&database, &performed::select(&filter, None, 100)).await;
        assert!(!lines.iter().any(|line| line.starts_with("SCAN")), "{filter:?}: {lines:#?}");
        let sorted = lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        assert!(filter.study.is_some() || !sorted, "{filter:?}: {lines:#?}");
    }
    let studies = [StudyRef::from_bytes([1; 16])].into();
    let held = performed::select_held(&institution, &studies, &[InstanceRef::from_bytes([2; 16]); 3]);
    let lines = explain(&database, &held).await;
    assert!(lines.iter().any(|line| line.contains("instance_ref=?")), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_workitems_is_cut_from_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let institution = InstitutionId::new("renmin").unwrap();
    let all = WorkitemFilter { institution, state: None, start_date: None, tokens: vec![] };
    let scheduled = WorkitemFilter { state: Some(WorkitemState::Scheduled), ..all.clone() };
    let of_days = WorkitemFilter { start_date: Some(Date::MIN..=Date::MAX), ..scheduled.clone() };
    let of_patient = WorkitemFilter { tokens: vec![vec![[1; 16]]], ..all.clone() };
    for filter in [all, scheduled, of_days, of_patient] {
        let lines = explain(&database, &workitems::select(&filter, None, 100)).await;
        let scanned = lines.iter().any(|line| line.starts_with("SCAN"));
        let sorted = lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        let sorted = sorted && filter.tokens.is_empty();
        assert!(!scanned && !sorted, "{filter:?}: {lines:#?}");
    }
}

/// PostgreSQL decides by statistics, so it is asked in a catalogue that is filled: the commonest name has one study in
/// fourteen, each modality one in two.
#[tokio::test(flavor = "multi_thread")]
async fn no_search_at_any_level_reads_a_table_from_end_to_end_on_postgresql() {
    let Some(server) = yingdun_testkit::postgres_database() else { return };
    let database = Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap();
    database.execute(FILL.iter().map(|fill| Statement::new(*fill, vec![])).collect()).await.unwrap();
    let mut shapes = other_shapes();
    for filter in filters() {
        shapes.extend(shapes_of(&database, &filter).await);
    }
    let mut seen = BTreeSet::new();
    for Shape { what, statement, .. } in shapes {
        if seen.insert(statement.text().to_owned()) {
            let (scanned, lines) = scans_on_postgres(&database, &statement).await;
            assert!(!scanned, "{what}: {lines:#?}");
        }
    }
    for index in
        ["study_by_key", "study_by_date", "series_by_study", "instance_by_series", "study_by_patient"]
    {
        let mut drop_index = StatementBuilder::new();
        drop_index.push("DROP INDEX ").push(index);
        database.execute(vec![drop_index.finish()]).await.unwrap();
    }
    let all = StudyFilter::all(institution(), Visibility::Institution);
    let mut noticed = 0;
    for Shape { statement, .. } in shapes_of(&database, &all).await {
        noticed += usize::from(scans_on_postgres(&database, &statement).await.0);
    }
    assert!(noticed > 10, "without their indexes {noticed} searches read a table from end to end");
}

/// 60,000 studies of one series each, of 20,000 patients; 1,000 of them came today. The commonest name has one study in
/// fourteen, each modality one in two. What has no index (numbers, dates and times of series, SOP classes) is common: there
/// a search walks in the order of the answer until the page is full.
const FILL: [&str; 13] = [
    "INSERT INTO study SELECT decode(md5('s' || n), 'hex'), 'renmin', decode(md5('p' || n / 3), 'hex'), '1.2.' || n, \
     20150101 + n % 9 * 10000 + n % 12 * 100 + n % 28, 0, 'L4', n - 59000, 1, 1, decode(repeat('5a', 1000), 'hex'), 0, \
     ('x' || substr(md5('s' || n), 1, 16))::bit(64)::bigint FROM generate_series(1, 60000) n",
    "INSERT INTO series SELECT decode(md5('r' || n), 'hex'), 'renmin', decode(md5('s' || n), 'hex'), '1.3.' || n, \
     'CT', 1, 20150101 + n % 9 * 10000 + n % 12 * 100 + n % 28, n % 86400 * 1000000::bigint, n, 1, \
     decode(repeat('5a', 1000), 'hex') FROM generate_series(1, 60000) n",
    "INSERT INTO image_format (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, bits_allocated) \
     SELECT '1.2.840.10008.5.1.4.1.1.' || n, '1.2.840.10008.1.2.1', 512, 512, 16 FROM generate_series(1, 10) n",
    "INSERT INTO instance (instance_ref, version, latest, series_ref, sop_instance_uid, instance_number, received_ms, \
     object_bytes, location, format_id) SELECT decode(md5('i' || n), 'hex'), 1, 1, \
     decode(md5('r' || 1 + n / 2), 'hex'), '1.4.' || n, n % 2, n, 9, '', \
     (SELECT min(format_id) FROM image_format) + n % 10 FROM generate_series(0, 119999) n",
    "INSERT INTO search_term SELECT term, study_date, study_key FROM study, \
     LATERAL (VALUES (('x' || substr(md5('id' || patient_ref::text), 1, 16))::bit(64)::bigint), \
     (CASE WHEN received_ms % 14 = 0 THEN 72340172838076673 END), \
     (CASE WHEN received_ms % 9000 = 0 THEN 144680345676153346 END), \
     (CASE WHEN received_ms % 7000 = 0 THEN 217020518514230019 END), \
     (CASE WHEN received_ms % 2 = 0 THEN ('x' || substr(encode(sha256(convert_to('modality', 'UTF8') || \
     decode('00', 'hex') || convert_to('renmin', 'UTF8') || decode('00', 'hex') || convert_to('CT', 'UTF8')), \
     'hex'), 1, 16))::bit(64)::bigint END)) terms (term) WHERE term IS NOT NULL",
    "INSERT INTO search_term SELECT ('x' || substr(md5(n || '/' || received_ms), 1, 16))::bit(64)::bigint, \
     study_date, study_key FROM study, generate_series(1, 3) n",
    "INSERT INTO care_relation SELECT 'renmin', 'doctor', decode(md5('p' || n), 'hex'), 0, 10, 'chief' \
     FROM generate_series(1, 300) n",
    "ANALYZE study",
    "ANALYZE search_term",
    "ANALYZE series",
    "ANALYZE image_format",
    "ANALYZE instance",
    "ANALYZE care_relation",
];

//! A test that every search is served by an index, whatever drives it.
//!
//! SQLite is asked how it would run each statement (`EXPLAIN QUERY PLAN`). It decides without statistics, from the
//! shape of the statement alone; so what holds for an empty catalogue holds for a full one.

use super::filter::{Plan, StudyCursor};
use super::instances::{self, InstanceFilter};
use super::performed::{self, PerformedFilter};
use super::series::{self, SeriesFilter};
use super::workitems::{self, WorkitemFilter};
use super::worklist::{self, WorklistFilter};
use super::{Date, Page, StudyFilter, TimeOfDay, Token, Visibility, patients, studies};
use crate::{Database, DatabaseKind, Statement, StatementBuilder};
use yingdun_model::{
    ActorId, InstanceRef, InstitutionId, PatientRef, PerformedState, SeriesRef, StepState, StudyRef,
    Timestamp, Uid, WorkitemState,
};

/// The kinds of condition, each alone and all pairs of them, under each visibility.
fn filters() -> Vec<StudyFilter> {
    type Condition = fn(&mut StudyFilter);
    let conditions: [Condition; 9] = [
        |_| {},
        |filter| filter.studies = vec![StudyRef::from_bytes([1; 16]); 3],
        |filter| filter.patients = vec![PatientRef::from_bytes([1; 16]); 3],
        |filter| filter.tokens.push(vec![[1; 16]]),
        |filter| filter.tokens.push(vec![[2; 16], [3; 16]]),
        |filter| filter.tokens.push((100..112).map(|n| -> Token { [n; 16] }).collect()),
        |filter| filter.modalities = vec!["CT".to_owned()],
        |filter| filter.date = Some(Date::MIN..=Date::MAX),
        |filter| filter.time = Some(TimeOfDay::MIN..=TimeOfDay::MAX),
    ];
    let actor = ActorId::new("doctor").unwrap();
    let at = Timestamp::from_ms(5);
    let mut filters = Vec::new();
    for visibility in
        [Visibility::Institution, Visibility::CareRelation { actor, at }, Visibility::ReceivedSince(at)]
    {
        for first in conditions {
            for second in conditions {
                let institution = InstitutionId::new("renmin").unwrap();
                let mut filter = StudyFilter::all(institution, visibility.clone());
                first(&mut filter);
                second(&mut filter);
                filters.push(filter);
            }
        }
    }
    filters
}

async fn explain(database: &Database, statement: &Statement) -> Vec<String> {
    let rows = database.query(statement.explained_by("EXPLAIN QUERY PLAN")).await.unwrap();
    rows.iter().map(|row| row.get_text(3).unwrap().to_owned()).collect()
}

/// Lines that read a table, or all of an institution, from end to end. What else is scanned is a page or a list
/// made by the statement itself. Walking the dates is right where nothing narrower was asked.
fn scans<'p>(filter: &StudyFilter, plan: &'p [String]) -> Vec<&'p String> {
    let narrow = filter.visibility != Visibility::Institution
        || !(filter.studies.is_empty()
            && filter.patients.is_empty()
            && filter.tokens.is_empty()
            && filter.modalities.is_empty());
    let aliases = ["s", "n", "t", "o", "c", "r", "i", "u", "study", "series", "instance"];
    plan.iter()
        .filter(|line| {
            let mut words = line.split(' ');
            (words.next() == Some("SCAN") && words.next().is_some_and(|table| aliases.contains(&table)))
                || line.contains("(institution=?)")
                || (narrow && line.contains("study_by_date"))
        })
        .collect()
}

async fn empty(folder: &tempfile::TempDir) -> Database {
    Database::open_sqlite(folder.path().join("c.sqlite"), DatabaseKind::Catalogue).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_search_of_studies_reads_a_table_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let after = Some(StudyCursor { date: 20_240_131, reference: StudyRef::from_bytes([5; 16]) });
    for filter in filters() {
        let Some(plan) = Plan::of(&database, &filter).await.unwrap() else {
            panic!("{filter:?} has no plan")
        };
        for page in [Page::first(100), Page { offset: 10, limit: 100, after }] {
            for statement in [studies::select(&plan, &page), patients::select_counts(&plan, &page)] {
                let lines = explain(&database, &statement).await;
                assert!(scans(&filter, &lines).is_empty(), "{filter:?}: {lines:#?}");
            }
        }
        let plan = plan.newest_of_patient();
        let lines = explain(&database, &studies::select(&plan, &Page { offset: 0, limit: 100, after })).await;
        assert!(scans(&filter, &lines).is_empty(), "patients of {filter:?}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_common_word_or_a_date_range_is_cut_without_sorting() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let institution = InstitutionId::new("renmin").unwrap();
    let all = StudyFilter::all(institution, Visibility::Institution);
    let dates = Some(Date::MIN..=Date::MAX);
    let one_token = vec![vec![[1; 16]]];
    for filter in [
        all.clone(),
        StudyFilter { date: dates.clone(), ..all.clone() },
        StudyFilter { tokens: one_token.clone(), ..all.clone() },
        StudyFilter { tokens: one_token.clone(), date: dates.clone(), ..all.clone() },
        StudyFilter { modalities: vec!["CT".to_owned()], date: dates, ..all.clone() },
        StudyFilter { tokens: one_token, modalities: vec!["CT".to_owned()], ..all },
    ] {
        let Some(plan) = Plan::of(&database, &filter).await.unwrap() else {
            panic!("{filter:?} has no plan")
        };
        let mut page = StatementBuilder::new();
        plan.select_page(&mut page, &Page::first(100));
        let lines = explain(&database, &page.finish()).await;
        assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE")), "{filter:?}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_search_of_series_or_instances_in_named_studies_reads_a_table_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    for filter in filters() {
        let Some(plan) = Plan::of(&database, &filter).await.unwrap() else {
            panic!("{filter:?} has no plan")
        };
        if plan.is_unrestricted() {
            continue;
        }
        let of = SeriesFilter::of(filter.clone());
        let lines = explain(&database, &series::select(&plan, &of, &Page::first(100))).await;
        assert!(scans(&filter, &lines).is_empty(), "series of {filter:?}: {lines:#?}");
        let of = InstanceFilter::of(filter.clone());
        let lines = explain(&database, &instances::select(&plan, &of, &Page::first(100))).await;
        assert!(scans(&filter, &lines).is_empty(), "instances of {filter:?}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_and_instances_named_by_themselves_are_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let institution = InstitutionId::new("renmin").unwrap();
    let all = StudyFilter::all(institution, Visibility::Institution);
    let Some(plan) = Plan::of(&database, &all).await.unwrap() else { panic!("no plan") };
    let uid = Uid::new("1.2.3").unwrap();
    let of = || SeriesFilter::of(all.clone());
    for filter in [
        SeriesFilter { uids: vec![uid.clone()], ..of() },
        SeriesFilter { series: vec![SeriesRef::from_bytes([1; 16])], ..of() },
    ] {
        let lines = explain(&database, &series::select(&plan, &filter, &Page::first(100))).await;
        assert!(scans(&all, &lines).is_empty(), "{filter:?}: {lines:#?}");
    }
    let of = || InstanceFilter::of(all.clone());
    for filter in [InstanceFilter { instances: vec![InstanceRef::from_bytes([1; 16])], ..of() }] {
        let lines = explain(&database, &instances::select(&plan, &filter, &Page::first(100))).await;
        assert!(scans(&all, &lines).is_empty(), "{filter:?}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_worklist_is_cut_from_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty(&folder).await;
    let all = WorklistFilter {
        institution: InstitutionId::new("renmin").unwrap(),
        state: StepState::Scheduled,
        start_date: None,
        modalities: vec!["CT".to_owned()],
        tokens: vec![],
    };
    let of_days = WorklistFilter { start_date: Some(Date::MIN..=Date::MAX), ..all.clone() };
    let of_patient = WorklistFilter { tokens: vec![vec![[1; 16]], vec![[2; 16], [3; 16]]], ..all.clone() };
    for filter in [all, of_days, of_patient] {
        let lines = explain(&database, &worklist::select(&filter, None, 100)).await;
        let scanned: Vec<&String> = lines.iter().filter(|line| line.starts_with("SCAN")).collect();
        assert!(scanned.is_empty(), "{filter:?}: {lines:#?}");
        let by_time = filter.tokens.is_empty();
        let sorted = lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        assert!(!(by_time && sorted), "{filter:?}: {lines:#?}");
    }
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
async fn no_search_of_studies_or_patients_reads_a_table_from_end_to_end_on_postgresql() {
    let Some(server) = yingdun_testkit::postgres_database() else { return };
    let database = Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap();
    database.execute(FILL.iter().map(|fill| Statement::new(*fill, vec![])).collect()).await.unwrap();
    let tables = ["study", "search_term", "series", "instance"].map(|table| format!("Seq Scan on {table} "));
    let after = Some(StudyCursor { date: 20_240_131, reference: StudyRef::from_bytes([5; 16]) });
    for filter in filters() {
        for page in [Page::first(100), Page { offset: 10, limit: 100, after }] {
            let plan = Plan::of(&database, &filter).await.unwrap().expect("it fits some study");
            let mut statements = vec![studies::select(&plan, &page), patients::select_counts(&plan, &page)];
            statements.push(studies::select(&plan.newest_of_patient(), &page));
            for statement in statements {
                let rows = database.query(statement.explained_by("EXPLAIN")).await.unwrap();
                let lines: Vec<&str> = rows.iter().map(|row| row.get_text(0).unwrap()).collect();
                let scanned = |line: &&str| tables.iter().any(|table| line.contains(table));
                assert!(!lines.iter().any(scanned), "{filter:?}: {lines:#?}");
            }
        }
    }
}

/// 60,000 studies of one series each, of 20,000 patients; 1,000 of them came today.
const FILL: [&str; 8] = [
    "INSERT INTO study SELECT decode(md5('s' || n), 'hex'), 'renmin', decode(md5('p' || n / 3), 'hex'), '1.2.' || n, \
     20150101 + n % 9 * 10000 + n % 12 * 100 + n % 28, 0, 'L4', n - 59000, 1, 1, decode(repeat('5a', 1000), 'hex'), 0 \
     FROM generate_series(1, 60000) n",
    "INSERT INTO series SELECT decode(md5('r' || n), 'hex'), 'renmin', decode(md5('s' || n), 'hex'), '1.3.' || n, \
     'CT', 1, 0, -1, n, 1, decode(repeat('5a', 1000), 'hex') FROM generate_series(1, 60000) n",
    "INSERT INTO search_term SELECT term, study_date, study_ref FROM study, \
     LATERAL (VALUES (decode(md5('id' || patient_ref::text), 'hex')), \
     (CASE WHEN received_ms % 14 = 0 THEN decode(repeat('01', 16), 'hex') END), \
     (CASE WHEN received_ms % 9000 = 0 THEN decode(repeat('02', 16), 'hex') END), \
     (CASE WHEN received_ms % 7000 = 0 THEN decode(repeat('03', 16), 'hex') END), \
     (CASE WHEN received_ms % 2 = 0 THEN convert_to('modality', 'UTF8') || decode('00', 'hex') || \
     convert_to('renmin', 'UTF8') || decode('00', 'hex') || convert_to('CT', 'UTF8') END)) terms (term) \
     WHERE term IS NOT NULL",
    "INSERT INTO search_term SELECT decode(md5(n || '/' || received_ms), 'hex'), study_date, study_ref \
     FROM study, generate_series(1, 3) n",
    "INSERT INTO care_relation SELECT 'renmin', 'doctor', decode(md5('p' || n), 'hex'), 0, 10, 'chief' \
     FROM generate_series(1, 300) n",
    "ANALYZE study",
    "ANALYZE search_term",
    "ANALYZE series",
];

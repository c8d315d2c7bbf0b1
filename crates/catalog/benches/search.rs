//! What a question to a catalogue of 100,000 instances costs, on SQLite: searches by token, and rows by key.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot set up has nothing to say")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tokio::runtime::Runtime;
use yingdun_catalog::catalogue::{
    self, Batch, Date, INSTANCES_PER_APPLY_MAX, InstanceFacts, Page, SeriesFacts, StudyChange, StudyCursor,
    StudyFacts, StudyFilter, StudyTerms, Token, Visibility, instances, studies,
};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// Studies of one series each.
const STUDIES: u64 = 2000;
/// Instances of each study: 100,000 in all.
const INSTANCES_OF_STUDY: u64 = 50;
/// A patient has two studies.
const PATIENTS: u64 = STUDIES / 2;
/// Family names, each of which one study in twenty has.
const NAMES: u64 = 20;
/// What a page of a worklist asks for.
const PAGE: Page<StudyCursor> = Page::first(100);

fn institution() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

/// References and tokens are keyed hashes: spread over the whole range.
fn spread(kind: u8, number: u64) -> [u8; 16] {
    let spread = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (spread ^ u128::from(kind)).to_be_bytes()
}

fn uid(kind: u8, number: u64) -> Uid {
    Uid::new(&format!("1.2.826.0.1.{kind}.{number}")).unwrap()
}

fn study_facts(number: u64) -> StudyFacts {
    let day = u32::try_from(number).unwrap();
    StudyFacts {
        institution: institution(),
        patient: PatientRef::from_bytes(spread(b'p', number % PATIENTS)),
        uid: uid(1, number),
        grade: Grade::L4,
        received: Timestamp::from_ms(i64::from(day)),
        patient_conflict: false,
        terms: StudyTerms {
            date: Date::new(2020 + day % 5, 1 + day % 12, 1 + day % 28),
            time: None,
            tokens: vec![spread(b'd', number % PATIENTS), spread(b'n', number % NAMES), spread(b'a', number)],
            modalities: vec!["CT".to_owned()],
            accession: None,
        },
        sealed: vec![7; 300],
    }
}

fn series_facts(number: u64) -> SeriesFacts {
    SeriesFacts {
        institution: institution(),
        study: StudyRef::from_bytes(spread(b's', number)),
        uid: uid(2, number),
        modality: "CT".to_owned(),
        number: Some(1),
        performed_date: None,
        performed_time: None,
        received: Timestamp::from_ms(0),
        sealed: vec![7; 150],
    }
}

fn instance_facts(study: u64, place: u64) -> InstanceFacts {
    let number = study * INSTANCES_OF_STUDY + place;
    InstanceFacts {
        institution: institution(),
        study: StudyRef::from_bytes(spread(b's', study)),
        series: SeriesRef::from_bytes(spread(b'r', study)),
        reference: InstanceRef::from_bytes(spread(b'i', number)),
        version: 1,
        sop_instance: uid(3, number),
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
        number: i32::try_from(place).ok(),
        rows: Some(512),
        columns: Some(512),
        bits_allocated: Some(16),
        frames: None,
        received: Timestamp::from_ms(0),
        object_bytes: 525_000,
        location: number.to_be_bytes().to_vec(),
        sealed: Some(vec![7; 200]),
    }
}

async fn filled(folder: &std::path::Path) -> Database {
    let path = folder.join("catalogue.sqlite");
    let database = Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap();
    let studies_per_apply = INSTANCES_PER_APPLY_MAX / usize::try_from(INSTANCES_OF_STUDY).unwrap();
    let numbers: Vec<u64> = (0..STUDIES).collect();
    for numbers in numbers.chunks(studies_per_apply) {
        let mut batch = Batch::default();
        for &number in numbers {
            let change = StudyChange { now: study_facts(number), was: None, over: None };
            batch.studies.insert(StudyRef::from_bytes(spread(b's', number)), change);
            batch.series.insert(SeriesRef::from_bytes(spread(b'r', number)), series_facts(number));
            batch.instances.extend((0..INSTANCES_OF_STUDY).map(|place| instance_facts(number, place)));
        }
        catalogue::apply(&database, &batch, None).await.unwrap();
    }
    database
}

fn questions(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = runtime.block_on(filled(folder.path()));
    search(criterion, &runtime, &database);
    look_up(criterion, &runtime, &database);
}

fn search(criterion: &mut Criterion, runtime: &Runtime, database: &Database) {
    let all = StudyFilter::all(institution(), Visibility::Institution);
    let of = |tokens: Vec<Token>| StudyFilter {
        tokens: tokens.into_iter().map(|token| vec![token]).collect(),
        ..all.clone()
    };
    let (first, last) = (Date::new(2024, 1, 1).unwrap(), Date::new(2024, 12, 31).unwrap());
    let of_modality =
        StudyFilter { modalities: vec![vec!["CT".to_owned()]], date: Some(first..=last), ..all.clone() };
    for (name, filter, rows) in [
        ("one-patient", of(vec![spread(b'd', 7)]), 2),
        ("a-shared-name", of(vec![spread(b'n', 7)]), 100),
        ("a-shared-name-of-one-patient", of(vec![spread(b'n', 7), spread(b'd', 7)]), 2),
        ("one-accession-number", of(vec![spread(b'a', 7)]), 1),
        ("nobody", of(vec![spread(b'd', PATIENTS)]), 0),
        ("a-modality-in-a-year", of_modality, 100),
    ] {
        let found = runtime.block_on(studies::search(database, &filter, PAGE)).unwrap();
        assert_eq!(found.len(), rows, "{name}");
        criterion.bench_function(&format!("search/{name}"), |bencher| {
            bencher.to_async(runtime).iter(|| studies::search(database, black_box(&filter), PAGE));
        });
    }
}

fn look_up(criterion: &mut Criterion, runtime: &Runtime, database: &Database) {
    let (institution, study) = (institution(), StudyRef::from_bytes(spread(b's', 7)));
    let instance = instance_facts(7, 7).reference;
    assert!(runtime.block_on(instances::latest(database, &institution, instance)).unwrap().is_some());
    criterion.bench_function("look-up/one-instance", |bencher| {
        bencher.to_async(runtime).iter(|| instances::latest(database, &institution, black_box(instance)));
    });
    criterion.bench_function("look-up/50-instances-of-a-study", |bencher| {
        bencher.to_async(runtime).iter(|| instances::of_study(database, &institution, black_box(study)));
    });
}

criterion_group!(benches, questions);
criterion_main!(benches);

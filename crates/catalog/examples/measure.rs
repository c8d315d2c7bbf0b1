//! Measures the catalogue: how fast records are applied, how long searches take.
//!
//! ```text
//! cargo run --release -p yingdun-catalog --example measure -- STUDIES [POSTGRESQL-ADDRESS]
//! ```
//!
//! Without an address it works on SQLite in a temporary folder. Each study has two series of two instances and 13
//! tokens; names follow the frequency of Chinese family names, so the commonest one-character prefix fits 7 % of
//! all studies. Printed are rates and the 50th and 99th percentile of each search, result rows included.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a measuring tool")]

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};
use yingdun_catalog::catalogue::instances;
use yingdun_catalog::catalogue::series::{self, SeriesFilter};
use yingdun_catalog::catalogue::{
    Batch, Date, InstanceFacts, Page, SeriesFacts, StudyChange, StudyFacts, StudyFilter, StudyTerms,
    TimeOfDay, Token, Visibility, Watermark, apply, care, studies,
};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_model::{
    ActorId, Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid,
};

const RUNS: usize = 500;
const MODALITIES: [&str; 8] = ["CT", "CT", "CT", "MR", "MR", "DX", "DX", "US"];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: u64 = arguments.first().map_or(100_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let database = match arguments.get(1) {
        Some(address) => Database::open_postgres(address, DatabaseKind::Catalogue).await.unwrap(),
        None => {
            let path = folder.path().join("catalogue.sqlite");
            Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap()
        }
    };
    println!("engine {}, {count} studies", database.engine_name());
    fill(&database, count).await;
    insert_rates(&database, count).await;
    searches(&database, count).await;
    let bytes: u64 =
        std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    println!("{:<48} {:>9} MB", "size of the files", bytes / 1_000_000);
}

/// Brings all studies in, 125 at a time.
async fn fill(database: &Database, count: u64) {
    let started = Instant::now();
    for start in (0..count).step_by(125) {
        let records = (start..(start + 125).min(count)).flat_map(study_records);
        let batch = batch_of(records, &mut BTreeSet::new());
        apply(database, &batch, Some(watermark(start))).await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    let (studies, instances) = (count as f64 / seconds, 4.0 * count as f64 / seconds);
    println!("{:<48} {studies:>9.0} studies/s, {instances:.0} instances/s", "fill");
}

/// What a modality sends: instances of one study after another, in the batches that group commits make.
async fn insert_rates(database: &Database, count: u64) {
    for size in [1_usize, 50, 500] {
        let total = if size == 1 { 2000 } else { 15_000 };
        let mut records = (0..total)
            .map(|n| {
                let study = count + 1_000_000 * size as u64 + n / 300;
                instance_record(study, n % 3, ((size as u64) << 40) + n)
            })
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let mut known = BTreeSet::new();
        let started = Instant::now();
        let mut round = count;
        while records.peek().is_some() {
            let batch = batch_of(records.by_ref().take(size), &mut known);
            apply(database, &batch, Some(watermark(round))).await.unwrap();
            round += 1;
        }
        let rate = total as f64 / started.elapsed().as_secs_f64();
        println!("{:<48} {rate:>9.0} instances/s", format!("apply, batches of {size}"));
    }
}

async fn searches(database: &Database, count: u64) {
    let all = || StudyFilter::all(institution(), Visibility::Institution);
    let page = || Page::first(101);
    let search = async |filter: StudyFilter| studies::search(database, &filter, page()).await.unwrap().len();

    measure("patient ID", async |n| {
        search(StudyFilter { tokens: vec![vec![patient_token(pick(n, count) / 3)]], ..all() }).await
    })
    .await;
    measure("accession number", async |n| {
        search(StudyFilter { tokens: vec![vec![accession(pick(n, count))]], ..all() }).await
    })
    .await;
    measure("date range of a week, 100 rows", async |n| {
        search(StudyFilter { date: Some(days(n, 7)), ..all() }).await
    })
    .await;
    measure("no condition, 100 rows", async |_| search(all()).await).await;
    measure("modality and one day", async |n| {
        search(StudyFilter { modalities: vec!["MR".to_owned()], date: Some(days(n, 1)), ..all() }).await
    })
    .await;
    measure("two modalities and a week", async |n| {
        let modalities = vec!["US".to_owned(), "DX".to_owned()];
        search(StudyFilter { modalities, date: Some(days(n, 7)), ..all() }).await
    })
    .await;
    measure("name prefix, commonest (7 %), 100 rows", async |_| {
        search(StudyFilter { tokens: vec![vec![name_token(0, 1)]], ..all() }).await
    })
    .await;
    measure("name prefix of three characters", async |n| {
        search(StudyFilter { tokens: vec![vec![name_token(pick(n, count), 3)]], ..all() }).await
    })
    .await;
    measure("commonest name prefix, modality, a month", async |n| {
        let modalities = vec!["MR".to_owned()];
        search(StudyFilter {
            tokens: vec![vec![name_token(0, 1)]],
            modalities,
            date: Some(days(n, 30)),
            ..all()
        })
        .await
    })
    .await;
    measure("patient ID and modality", async |n| {
        let tokens = vec![vec![patient_token(pick(n, count) / 3)]];
        search(StudyFilter { tokens, modalities: vec!["CT".to_owned()], ..all() }).await
    })
    .await;

    let doctor = ActorId::new("doctor").unwrap();
    let relations = (0..300).map(|n| care::give(&relation(&doctor, pick(n, count) / 3))).collect();
    database.execute(relations).await.unwrap();
    let visibility = Visibility::CareRelation { actor: doctor, at: Timestamp::from_ms(5) };
    let seen = || StudyFilter::all(institution(), visibility.clone());
    measure("doctor with 300 patients, no condition", async |_| search(seen()).await).await;
    measure("doctor, patient ID", async |n| {
        search(StudyFilter { tokens: vec![vec![patient_token(pick(n % 300, count) / 3)]], ..seen() }).await
    })
    .await;
    measure("doctor, commonest name prefix", async |_| {
        search(StudyFilter { tokens: vec![vec![name_token(0, 1)]], ..seen() }).await
    })
    .await;
    let today = Visibility::ReceivedSince(Timestamp::from_ms(i64::try_from(count).unwrap() - 1000));
    let new = StudyFilter::all(institution(), today);
    measure("technician, 1000 studies received today", async |_| search(new.clone()).await).await;

    measure("series of a study", async |n| {
        let of = SeriesFilter::of(StudyFilter { studies: vec![study_ref(pick(n, count))], ..all() });
        series::search(database, &of, Page::first(101)).await.unwrap().len()
    })
    .await;
    measure("instances of a study of 300, with locations", async |n| {
        let study = study_ref(count + 500_000_000 + n % 50);
        instances::of_study(database, &institution(), study).await.unwrap().len()
    })
    .await;
    measure("newest version of an instance", async |n| {
        let reference = InstanceRef::from_bytes(spread(b'i', pick(n, count) * 4));
        usize::from(instances::latest(database, &institution(), reference).await.unwrap().is_some())
    })
    .await;
    throughput(database, count).await;
}

async fn measure<F: Future<Output = usize>>(what: &str, mut run: impl FnMut(u64) -> F) {
    let mut times: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut rows = 0;
    for n in 0..RUNS as u64 {
        let started = Instant::now();
        rows += run(n).await;
        times.push(started.elapsed());
    }
    times.sort();
    let at = |percent: usize| times[(RUNS * percent / 100).min(RUNS - 1)].as_secs_f64() * 1e3;
    println!(
        "{what:<48} p50 {:>8.2} ms  p99 {:>8.2} ms  {:>7.1} rows",
        at(50),
        at(99),
        rows as f64 / RUNS as f64
    );
}

async fn throughput(database: &Database, count: u64) {
    let started = Instant::now();
    let tasks: Vec<_> = (0..16)
        .map(|task: u64| {
            let database = database.clone();
            tokio::spawn(async move {
                for n in 0..1000 {
                    let mut filter = StudyFilter::all(institution(), Visibility::Institution);
                    filter.tokens = vec![vec![patient_token(pick(task * 1000 + n, count) / 3)]];
                    studies::search(&database, &filter, Page::first(101)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rate = 16_000.0 / started.elapsed().as_secs_f64();
    println!("{:<48} {rate:>9.0} searches/s", "patient ID, 16 at once");
}

// === made-up studies ===

fn institution() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

struct Stored {
    study: StudyFacts,
    series: SeriesFacts,
    instance: InstanceFacts,
}

fn study_records(s: u64) -> impl Iterator<Item = Stored> {
    (0..4).map(move |i| instance_record(s, i / 2, s * 4 + i))
}

fn instance_record(s: u64, r: u64, i: u64) -> Stored {
    let patient = s / 3;
    let received = Timestamp::from_ms(i64::try_from(s).unwrap());
    let mut tokens = vec![patient_token(patient), accession(s), spread(b'b', patient % 20_000)];
    tokens.extend((1..=10).map(|length| name_token(patient, length)));
    let series = SeriesRef::from_bytes(spread(b'r', s * 1000 + r));
    let modality = MODALITIES[(mixed(s) % 8) as usize].to_owned();
    Stored {
        study: StudyFacts {
            institution: institution(),
            patient: PatientRef::from_bytes(spread(b'p', patient)),
            uid: uid(1, s),
            time: TimeOfDay::new(mixed(s) % 24, mixed(s) % 60, 0, 0),
            grade: Grade::L4,
            received,
            patient_conflict: false,
            terms: StudyTerms {
                date: Some(day(mixed(s) % 3600)),
                tokens,
                modalities: vec![modality.clone()],
            },
            sealed: vec![0x5a; 420],
        },
        series: SeriesFacts {
            institution: institution(),
            study: study_ref(s),
            uid: uid(2, s * 1000 + r),
            modality,
            number: i32::try_from(r).ok(),
            performed_date: Some(day(mixed(s) % 3600)),
            performed_time: None,
            received,
            sealed: vec![0x5a; 180],
        },
        instance: InstanceFacts {
            institution: institution(),
            study: study_ref(s),
            series,
            reference: InstanceRef::from_bytes(spread(b'i', i)),
            version: 1,
            sop_instance: uid(3, i ^ (s << 20)),
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
            number: i32::try_from(i % 1000).ok(),
            rows: Some(512),
            columns: Some(512),
            bits_allocated: Some(16),
            frames: None,
            received,
            object_bytes: 525_000,
            location: vec![1; 73],
            sealed: None,
        },
    }
}

/// One transaction, as the archive makes it: a study or series that is known already is not told again.
fn batch_of(stored: impl Iterator<Item = Stored>, known: &mut BTreeSet<SeriesRef>) -> Batch {
    let mut batch = Batch::default();
    for Stored { study, series, instance } in stored {
        if known.insert(instance.series) {
            batch.studies.entry(instance.study).or_insert(StudyChange { now: study, was: None });
            batch.series.insert(instance.series, series);
        }
        batch.instances.push(instance);
    }
    batch
}

fn relation(actor: &ActorId, patient: u64) -> care::CareRelation {
    care::CareRelation {
        institution: institution(),
        actor: actor.clone(),
        patient: PatientRef::from_bytes(spread(b'p', patient)),
        valid_from: Timestamp::from_ms(0),
        valid_until: Timestamp::from_ms(10),
        given_by: actor.clone(),
    }
}

fn watermark(offset: u64) -> Watermark {
    Watermark { store: "main".to_owned(), pack: 1, offset }
}

fn study_ref(s: u64) -> StudyRef {
    StudyRef::from_bytes(spread(b's', s))
}

fn patient_token(patient: u64) -> Token {
    spread(b'P', patient)
}

fn accession(s: u64) -> Token {
    spread(b'A', s)
}

/// The token of the first `length` characters of a patient's name. 7 in 100 share the first character of patient
/// 0; each further character divides by ten to forty.
fn name_token(patient: u64, length: u64) -> Token {
    let mixed = if patient == 0 { 0 } else { mixed(patient) };
    let family = match mixed % 100 {
        0..7 => 0,
        7..14 => 1,
        14..21 => 2,
        other => 3 + other % 40,
    };
    let given = (mixed >> 8) % [1, 40, 1600].get(length as usize - 1).copied().unwrap_or(100_000);
    spread(b'N', (family << 40) | (given << 8) | length)
}

fn uid(kind: u32, number: u64) -> Uid {
    Uid::new(&format!("1.2.826.0.1.3680043.10.1338.{kind}.{number}")).unwrap()
}

/// The n-th day after 2015-01-01, with months of 30 days.
fn day(n: u64) -> Date {
    let n = u32::try_from(n).unwrap();
    Date::new(2015 + n / 360, 1 + n % 360 / 30, 1 + n % 30).unwrap()
}

fn days(n: u64, length: u64) -> std::ops::RangeInclusive<Date> {
    let first = mixed(n) % 3500;
    day(first)..=day(first + length - 1)
}

fn pick(n: u64, count: u64) -> u64 {
    mixed(n ^ 0x5555) % count
}

fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sixteen bytes that look like a keyed hash.
fn spread(kind: u8, number: u64) -> [u8; 16] {
    let first = mixed(number ^ (u64::from(kind) << 56));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes[8..].copy_from_slice(&mixed(first ^ number).to_be_bytes());
    bytes
}

//! How long each kind of search takes: the first page of 100 rows, and one row more that tells whether there are others.

use super::generate::{
    DAYS, Hospital, Kind, accession, day, exact, instance_ref, mixed, name_of, patient_id, patient_of,
    patient_ref, prefix, study_ref,
};
use super::typed;
use crate::failure::{Outcome, While};
use crate::statistics::Latencies;
use std::ops::RangeInclusive;
use std::time::Instant;
use yingdun_catalog::catalogue::series::{self, SeriesFilter};
use yingdun_catalog::catalogue::{
    Date, Page, StudyFilter, Token, Visibility, care, instances, patients, studies,
};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, Timestamp};

/// Searches of each kind.
const RUNS: u32 = 1000;
const ROWS: u32 = 101;

pub(super) type Measured = (&'static str, Latencies, f64);

pub(super) async fn latencies(database: &Database, hospital: &Hospital) -> Outcome<Vec<Measured>> {
    let count = hospital.size.studies;
    let all = || StudyFilter::all(hospital.institution.clone(), Visibility::Institution);
    let by = |tokens: Vec<Vec<Token>>| StudyFilter { tokens, ..all() };
    let some = |n: u32| (mixed(u64::from(n) ^ 0x5555) % u64::from(count)) as u32;
    let days = |n: u32, length: u32| -> Option<RangeInclusive<Date>> {
        let first = (mixed(u64::from(n)) % u64::from(DAYS - length)) as u32;
        Some(day(first)?..=day(first + length - 1)?)
    };
    let of_modality = |date| StudyFilter { modalities: vec![vec!["MR".to_owned()]], date, ..all() };
    let search = async |filter: StudyFilter| {
        studies::search(database, &filter, Page::first(ROWS)).await.map(|r| r.len())
    };
    let family = |text: &str| vec![vec![prefix(Kind::Name, text)]];
    let part = |words: &[&str]| words.iter().map(|word| vec![prefix(Kind::Part, word)]).collect::<Vec<_>>();
    // The name of a patient in letters and in characters, folded.
    let letters = |n: u32| {
        yingdun_dicom::person_name::fold(name_of(patient_of(some(n))).split('=').next().unwrap_or_default())
    };

    let mut found: Vec<Measured> = Vec::new();
    found.push(
        measure("patient ID", async |n| {
            search(by(vec![vec![exact(Kind::PatientId, &patient_id(patient_of(some(n))))]])).await
        })
        .await?,
    );
    found.push(
        measure("accession number", async |n| {
            search(by(vec![vec![exact(Kind::Accession, &accession(some(n)).to_lowercase())]])).await
        })
        .await?,
    );
    found.push(
        measure("a week of dates", async |n| search(StudyFilter { date: days(n, 7), ..all() }).await).await?,
    );
    found.push(measure("modality and a day", async |n| search(of_modality(days(n, 1))).await).await?);
    found.push(measure("modality and a month", async |n| search(of_modality(days(n, 30))).await).await?);
    found.push(measure("no key", async |_| search(all()).await).await?);
    found.push(measure("name begins with `王` (7 %)", async |_| search(by(family("王"))).await).await?);
    found.push(measure("name begins with `wang x`", async |_| search(by(family("wang x"))).await).await?);
    found.push(
        measure("name begins with 8 letters", async |n| {
            search(by(family(&letters(n).chars().take(8).collect::<String>()))).await
        })
        .await?,
    );
    found.push(
        measure("pinyin in full, one word", async |n| {
            let word: String = letters(n).replace(' ', "").chars().take(12).collect();
            // The index has beginnings of 12 and 8 letters, not of all lengths between.
            let length = if word.len() >= 12 { 12 } else { 8.min(word.len()) };
            search(by(part(&[word.get(..length).unwrap_or_default()]))).await
        })
        .await?,
    );
    found.push(
        measure("pinyin, family name and given name", async |n| {
            let words = letters(n);
            let (family, given) = words.split_once(' ').unwrap_or_default();
            search(by(part(&[family, &given.chars().take(6).collect::<String>()]))).await
        })
        .await?,
    );
    found.push(measure("pinyin by initials, `wxd`", async |_| search(by(part(&["wxd"]))).await).await?);
    found.push(measure("pinyin by one initial, `w`", async |_| search(by(part(&["w"]))).await).await?);
    found.push(
        measure("family name, modality and a month", async |n| {
            search(StudyFilter { tokens: family("王"), ..of_modality(days(n, 30)) }).await
        })
        .await?,
    );
    found.push(
        measure("patients whose name begins with `王`", async |_| {
            patients::search(database, &by(family("王")), Page::first(ROWS)).await.map(|rows| rows.len())
        })
        .await?,
    );

    let doctor = ActorId::new("doctor").or_fail("a legal actor")?;
    let relations = (0..300).map(|n| {
        care::give(&care::CareRelation {
            institution: hospital.institution.clone(),
            actor: doctor.clone(),
            patient: patient_ref(patient_of(some(n))),
            valid_from: Timestamp::from_ms(0),
            valid_until: Timestamp::from_ms(10),
            given_by: doctor.clone(),
        })
    });
    database.execute(relations.collect()).await.or_fail("giving care relations")?;
    let visibility = Visibility::CareRelation { actor: doctor.clone(), at: Timestamp::from_ms(5) };
    let seen = || StudyFilter::all(hospital.institution.clone(), visibility.clone());
    found.push(measure("a doctor of 300 patients, no key", async |_| search(seen()).await).await?);
    found.push(
        measure("a doctor of 300 patients, name", async |_| {
            search(StudyFilter { tokens: family("王"), ..seen() }).await
        })
        .await?,
    );
    let today = Visibility::ReceivedSince(Timestamp::from_ms(i64::from(count) - 1000));
    let new = StudyFilter::all(hospital.institution.clone(), today);
    found.push(measure("a technician, 1000 studies of today", async |_| search(new.clone()).await).await?);

    typed::latencies(database, hospital, &visibility, &mut found).await?;

    found.push(
        measure("series of a study", async |n| {
            let of = SeriesFilter::of(StudyFilter { studies: vec![study_ref(some(n))], ..all() });
            series::search(database, &of, Page::first(ROWS)).await.map(|rows| rows.len())
        })
        .await?,
    );
    found.push(
        measure("an instance", async |n| {
            let reference = instance_ref(some(n), 0, 0);
            let row = instances::latest(database, &hospital.institution, reference).await;
            row.map(|row| usize::from(row.is_some()))
        })
        .await?,
    );
    Ok(found)
}

pub(super) async fn measure(
    what: &'static str,
    run: impl AsyncFn(u32) -> Result<usize, CatalogError>,
) -> Outcome<Measured> {
    let (mut times, mut rows) = (Vec::with_capacity(RUNS as usize), 0);
    for n in 0..RUNS {
        let started = Instant::now();
        rows += run(n).await.or_fail(what)?;
        times.push(started.elapsed());
    }
    let latencies = Latencies::new(times);
    let rows = rows as f64 / f64::from(RUNS);
    let [p95, p99] = [0.95, 0.99].map(|share| latencies.percentile_ms(share));
    eprintln!("  {what:<40} p95 {p95:>8.2} ms  p99 {p99:>8.2} ms {rows:>7.1} rows");
    Ok((what, latencies, rows))
}

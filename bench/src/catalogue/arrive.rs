//! How fast the catalogue takes what modalities send: instances of one study after another, in the batches that group
//! commits make.

use super::generate::{Hospital, series_ref, study_ref};
use crate::failure::{Outcome, While};
use std::collections::BTreeSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::{Batch, StudyChange, Watermark, apply};
use yingdun_model::{StoreNumber, StudyRef};

/// Instances of one load.
const INSTANCES: u32 = 12_000;
/// Instances of one transaction.
const BATCH: usize = 64;
/// Numbers of studies that only arrive: above every study that is loaded.
const FIRST_STUDY: u32 = 1 << 30;

/// Loads for which there are numbers of studies.
const TURNS: u64 = 100_000;

/// Instances per second of each load. Each run brings other studies, also to a catalogue that was kept.
pub(super) async fn rates(database: &Database, hospital: &Hospital) -> Outcome<Vec<(&'static str, f64)>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).or_fail("asking for the time")?;
    let turn = (now.as_secs() % TURNS) as u32;
    let mut rates = Vec::new();
    for (number, (what, per_study)) in
        [("CT, 300 instances a study", 300), ("CR, 2 instances a study", 2)].into_iter().enumerate()
    {
        let first = FIRST_STUDY + (turn * 2 + u32::try_from(number).unwrap_or(0)) * INSTANCES;
        let mut told: BTreeSet<StudyRef> = BTreeSet::new();
        let started = Instant::now();
        let numbers: Vec<u32> = (0..INSTANCES).collect();
        for (round, some) in numbers.chunks(BATCH).enumerate() {
            let mut batch = Batch::default();
            for n in some {
                let s = first + n / per_study;
                if told.insert(study_ref(s)) {
                    let now = hospital.study(s);
                    batch.studies.insert(study_ref(s), StudyChange { now, was: None, over: None });
                    batch.series.insert(series_ref(s, 0), hospital.series(s, 0));
                }
                batch.instances.push(hospital.instance(s, 0, n % per_study));
            }
            // No store of an archive that is given this catalogue.
            let watermark = Watermark {
                store: StoreNumber::new(u32::MAX).unwrap_or(StoreNumber::FIRST),
                pack: now.as_secs(),
                offset: round as u64,
            };
            apply(database, &batch, Some(watermark)).await.or_fail(what)?;
        }
        let rate = f64::from(INSTANCES) / started.elapsed().as_secs_f64();
        eprintln!("  {what:<40} {rate:>8.0} instances/s");
        rates.push((what, rate));
    }
    Ok(rates)
}

//! Stage six: the key-encryption keys are replaced while the archive works. Every key below them is wrapped again, the
//! versions before are destroyed, and no image byte is touched.

use super::board::Shown;
use super::house::House;
use super::store::packs;
use super::studies::Sample;
use super::view::open_instance;
use super::{DemoError, expect};
use crate::messages::Language;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long wrapping again may take: far more than this few keys need.
const REWRAP_TIME_MAX: Duration = Duration::from_secs(60);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What is said of the keys, as far as it is looked at.
#[derive(Deserialize)]
struct Report {
    patients: u64,
    studies: u64,
    keks: Vec<Version>,
    keys_left: u64,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
    state: String,
}

/// Rotates, waits until nothing is left under the version before, and opens an image of each study.
pub(super) async fn keys(house: &House, samples: &[Sample], language: Language) -> Result<Shown, DemoError> {
    let [replica, ..] = house.config.storage.replicas.as_slice() else {
        return Err(DemoError::NotSo("there is no replica".into()));
    };
    let before = packs(&replica.directory)?;
    let officer = &house.people.security;
    let first: Report = house.ask(officer, Method::GET, "/keys", None).await?;
    let began = Instant::now();
    for path in ["/keys/rotation", "/keys/rewrap"] {
        let _: Value = house.ask(officer, Method::POST, path, Some(json!({}))).await?;
    }
    let deadline = began + REWRAP_TIME_MAX;
    let last = loop {
        let report: Report = house.ask(officer, Method::GET, "/keys", None).await?;
        if report.keys_left == 0 && report.keks.len() == first.keks.len() {
            break report;
        }
        expect(Instant::now() < deadline, || {
            format!("{} keys are still wrapped by a version that was replaced", report.keys_left)
        })?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    };
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    let newest_before = first.keks.iter().map(|kek| kek.version).max().unwrap_or_default();
    let replaced = last.keks.iter().all(|kek| kek.state == "active" && kek.version > newest_before);
    expect(replaced && !last.keks.is_empty(), || "a version that was replaced is still there".into())?;
    expect(packs(&replica.directory)? == before, || "the bytes of images were touched".into())?;
    for sample in samples {
        for instance in sample.instances.iter().take(1) {
            let opened = open_instance(house, &house.people.doctor, sample, instance).await?;
            expect(opened == instance.data_set, || {
                "the image that opened is not the one that was sent".into()
            })?;
        }
    }

    let wrapped = last.patients + last.studies;
    let figures = json!({
        "keys_rotated": last.keks.len(),
        "keys_wrapped_again": wrapped,
        "milliseconds": milliseconds,
        "image_bytes_rewritten": 0,
    });
    let detail =
        language.demo_keyed(last.keks.len(), wrapped, format_args!("{milliseconds:.0}"), samples.len());
    Ok(Shown { figures, detail })
}

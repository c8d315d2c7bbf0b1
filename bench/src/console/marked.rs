//! Pictures with marks, where nothing else is given: what one costs the server, and how long it takes from a key to the next one on the screen.

use super::browser::drive;
use super::table::About;
use super::{OURS, Size, record};
use crate::case::Measured;
use crate::case::retrieve::series_path;
use crate::data::{self, Images};
use crate::failure::{Failure, Outcome, While};
use crate::load::http::{Ask, ask_all};
use crate::load::store::send;
use crate::machine::settle;
use crate::subject::{Environment, Running, Subject};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) const PLAIN: &str = "console-picture-1024-without-marks";
pub(super) const MARKED: &str = "console-picture-1024-with-marks";
pub(super) const OPEN: &str = "console-marked-open-to-first-picture";
pub(super) const KEY: &str = "console-marked-key-to-picture";

/// A rule that gives the reader marked pictures and nothing else.
const ONLY_PICTURES: [&str; 2] =
    ["IDENTITY__WATERMARK__RADIOLOGIST__MARKED_FROM", "IDENTITY__WATERMARK__RADIOLOGIST__RENDERED_ONLY_FROM"];

/// The fewest bytes of such a picture.
const PICTURE_BYTES_MIN: u64 = 20_000;

pub(super) async fn run(
    environment: &Environment,
    size: Size,
    measured: &mut Measured,
    about: &mut About,
) -> Outcome<()> {
    let studies = data::ct_studies(1, size.slices);
    let study = studies.first().or_fail("there is no study")?;
    let plain = Subject::start_yingdun(environment, "console-plain", &[]).await?;
    let settings = ONLY_PICTURES.map(|name| (name, "L1".to_owned()));
    let marked = Subject::start_yingdun(environment, "console-marked", &settings).await?;
    for running in [&plain, &marked] {
        send(&running.dicom, &studies, 4).await?;
    }
    settle()?;
    is_refused(&marked, study).await?;
    for _ in 0..3 {
        for (case, running) in [(PLAIN, &plain), (MARKED, &marked)] {
            pictures(case, running, study, size, measured).await?;
        }
    }
    plain.stop()?;
    let target = marked.http.clone().or_fail("there is no DICOMweb")?;
    let told = drive(json!({
        "task": "scroll",
        "web": format!("https://{}", target.address),
        "session": target.bearer,
        "study": study.study.as_str(),
        "keys": size.keys,
    }))
    .await?;
    let kinds = told.get("kinds").and_then(Value::as_array).into_iter().flatten();
    if kinds.clone().count() != size.keys || kinds.clone().any(|kind| kind != "rendered") {
        return Err(Failure::new("pictures of the server were expected on the screen, and others came"));
    }
    record(measured, KEY, OURS, &told, "took");
    if let Some(ms) = told.get("first").and_then(Value::as_f64) {
        measured.add(OPEN, OURS, "p50_ms", ms);
    }
    about.chromium = told.get("chromium").and_then(Value::as_str).map(str::to_owned);
    marked.stop()
}

// === helpers ===

/// What is measured is the mode in which nothing but pictures is given.
async fn is_refused(running: &Running, study: &Images) -> Outcome<()> {
    let target = running.http.as_ref().or_fail("there is no DICOMweb")?;
    let instance = &study.images.first().or_fail("a study is empty")?.object.sop_instance;
    let path = format!("{}/instances/{instance}/frames/1", series_path(study));
    let mut client = crate::load::http::HttpClient::connect(target).await?;
    let (status, _) = client.text(&path, "multipart/related; type=\"application/octet-stream\"").await?;
    if status.as_u16() == 403 {
        return Ok(());
    }
    Err(Failure::new(format!("expected 403 for a frame where only pictures are given, got {status}")))
}

/// One picture after the other, of one client: processor time of the server, everything included.
async fn pictures(
    case: &str,
    running: &Running,
    study: &Images,
    size: Size,
    measured: &mut Measured,
) -> Outcome<()> {
    let asks = study.images.iter().cycle().take(size.pictures).map(|image| Ask {
        path: format!(
            "{}/instances/{}/rendered?viewport=1024,1024",
            series_path(study),
            image.object.sop_instance
        ),
        accept: "image/jpeg",
        bytes_min: PICTURE_BYTES_MIN,
    });
    let asks = Arc::new(asks.collect::<Vec<_>>());
    let target = running.http.as_ref().or_fail("there is no DICOMweb")?;
    let before = running.server.cpu_s()?;
    let load = ask_all(target, &asks, 1).await?;
    let cpu_ms = (running.server.cpu_s()? - before) * 1e3 / asks.len() as f64;
    measured.add(case, OURS, "cpu_ms", cpu_ms);
    measured.add(case, OURS, "p50_ms", load.latencies.percentile_ms(0.5));
    measured.add(case, OURS, "p95_ms", load.latencies.percentile_ms(0.95));
    measured.add(case, OURS, "picture_kb", load.bytes as f64 / 1e3 / asks.len() as f64);
    eprintln!("{case:<48} {OURS:<20} {cpu_ms:>8.2} ms of a core");
    Ok(())
}

//! Stage five: what somebody may open is still not theirs to take. A chief, who may open everything, downloads patient after
//! patient, and is stopped at the limit; a second person lifts the block.

use super::board::Shown;
use super::collect::send_all;
use super::house::House;
use super::studies::{Sample, one};
use super::view::ask;
use super::{DemoError, expect};
use crate::messages::Language;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use yingdun_dicom::synthetic::{Kind, Study};

/// Patients whom a chief of the demonstration opens within an hour.
const PATIENTS_AT_MOST: usize = 50;
/// What is shown is the limit itself: the steps before it that hold somebody up begin with it.
const STEPS: &str = "[steps]\nthrottle_percent = 100\nstep_up_percent = 100\nsuspend_export_percent = 100\n";
/// How many somebody tries to take.
const PATIENTS_ASKED: u64 = 60;
/// The seed of the first of their studies, behind those of the other stages.
const FIRST_SEED: u64 = 1000;
/// How long something may stay open behind the limit: what the product promises.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);
/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Writes the limit of the demonstration beside its configuration. The program's own is higher.
pub(super) fn set_limit(folder: &Path) -> std::io::Result<PathBuf> {
    let path = folder.join("limits.toml");
    let limit = format!("{{ measure = \"patients\", within_minutes = 60, at_most = {PATIENTS_AT_MOST} }}");
    std::fs::write(&path, format!("[limits.roles]\nchief = [{limit}]\n\n{STEPS}"))?;
    Ok(path)
}

/// Takes too much, is stopped, and goes on when somebody else has looked.
pub(super) async fn watch(house: &House, language: Language) -> Result<Shown, DemoError> {
    let studies = (FIRST_SEED..).take(PATIENTS_ASKED as usize).map(|seed| Study::new(seed, Kind::Sr));
    let samples: Vec<Sample> = studies.map(one).collect();
    send_all(house, &samples).await?;
    let mut opened = 0;
    let mut last = StatusCode::OK;
    for sample in &samples {
        last = status(house, sample).await?;
        if last != StatusCode::OK {
            break;
        }
        opened += 1;
    }
    let stopped = Instant::now();
    expect((last, opened) == (StatusCode::FORBIDDEN, PATIENTS_AT_MOST), || {
        format!(
            "{opened} patients opened, of {PATIENTS_AT_MOST} that may be, and the next was answered {last}"
        )
    })?;
    let Some(first) = samples.first() else {
        return Err(DemoError::NotSo("there are no studies".into()));
    };
    while status(house, first).await? != StatusCode::FORBIDDEN {
        expect(stopped.elapsed() < CLOSE_TIME_MAX, || "what was open before the limit is open still".into())?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let after_ms = stopped.elapsed().as_secs_f64() * 1000.0;

    let alert = alert(house).await?;
    let lift = format!("/alerts/{alert}/lift");
    let own: Result<Value, _> = house.ask(&house.people.chief, Method::POST, &lift, None).await;
    expect(own.is_err(), || "who was stopped lifted the block".into())?;
    let _: Value = house.ask(&house.people.security, Method::POST, &lift, None).await?;
    let lifted = status(house, first).await?;
    expect(lifted == StatusCode::OK, || format!("the block was lifted, and the answer is {lifted}"))?;

    let figures = json!({
        "patients_asked": PATIENTS_ASKED,
        "patients_opened": opened,
        "closed_after_ms": after_ms,
        "alert": alert,
        "lifted_by": house.people.security.actor.as_str(),
    });
    let detail = language.demo_watched(PATIENTS_ASKED, opened, format_args!("{after_ms:.0}"));
    Ok(Shown { figures, detail })
}

// === helpers ===

async fn status(house: &House, sample: &Sample) -> Result<StatusCode, DemoError> {
    let (web, study) = (&house.system.addresses().web, &sample.study.study);
    let url = format!("{web}/dicom-web/studies/{study}/metadata");
    Ok(ask(house, &house.people.chief, &url).await?.status())
}

/// The number of the alert that tells of the chief.
async fn alert(house: &House) -> Result<u64, DemoError> {
    let alerts: Vec<Value> = house.ask(&house.people.auditor, Method::GET, "/alerts", None).await?;
    let name = house.people.chief.actor.as_str();
    let of_chief = |row: &&Value| row.get("name").and_then(Value::as_str) == Some(name);
    let number = alerts.iter().find(of_chief).and_then(|row| row.get("alert")?.as_u64());
    number.ok_or_else(|| DemoError::NotSo("no alert tells of it".into()))
}

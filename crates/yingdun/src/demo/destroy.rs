//! Stage seven: a study is destroyed. One officer asks, another approves; then nobody opens it, and not even a copy of the key
//! database from before opens, with the root key. The neighbour of the same patient opens as before.

use super::board::Shown;
use super::house::House;
use super::studies::Sample;
use super::view::open_instance;
use super::{DemoError, expect};
use crate::config::DatabaseUrl;
use crate::messages::Language;
use crate::wiring::{Root, root};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_keys::{EpochFile, KeyStore, KeysError};
use yingdun_model::SystemClock;

/// How long it may take until copies are dead: far more than this few keys need.
const DESTROY_TIME_MAX: Duration = Duration::from_secs(60);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Destroys the last study, and tries everything that could open it.
pub(super) async fn destroy(
    house: &House,
    samples: &[Sample],
    folder: &Path,
    language: Language,
) -> Result<Shown, DemoError> {
    let (Some(gone), Some(neighbour)) = (samples.last(), samples.first()) else {
        return Err(DemoError::NotSo("there are no studies".into()));
    };
    let copy = folder.join("copy-of-keys");
    copy_keys(house, &copy)?;
    let began = Instant::now();
    let people = &house.people;
    let body = json!({"study": gone.study.study.as_str(), "reason": "trial"});
    let asked: Value = house.ask(&people.security, Method::POST, "/destructions", Some(body)).await?;
    let id = asked.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let path = format!("/destructions/{id}");
    let _: Value = house.ask(&people.auditor, Method::POST, &format!("{path}/approval"), None).await?;
    let record = loop {
        let record: Value = house.ask(&people.security, Method::GET, &path, None).await?;
        if record.get("state").and_then(Value::as_str) == Some("done") {
            break record;
        }
        expect(began.elapsed() < DESTROY_TIME_MAX, || format!("the destruction does not end: {record}"))?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    };
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;

    let address = format!("{}/dicom-web/studies/{}/metadata", house.system.addresses().web, gone.study.study);
    let answer = house.http.get(address).bearer_auth(people.doctor.token.expose()).send().await?;
    expect(answer.status() == StatusCode::NOT_FOUND, || {
        format!("the destroyed study was answered {} instead of 404", answer.status())
    })?;
    for instance in neighbour.instances.iter().take(1) {
        let opened = open_instance(house, &people.doctor, neighbour, instance).await?;
        expect(opened == instance.data_set, || "the neighbour is not what was sent".into())?;
    }
    let opened = open_copy(house, &copy).await?;
    expect(matches!(opened, Err(KeysError::EpochMissing { .. })), || {
        "a copy of the key database from before still opens".into()
    })?;
    std::fs::remove_dir_all(&copy)?;

    let instances = record.get("instances").cloned().unwrap_or_default();
    let epoch = record.get("epoch").cloned().unwrap_or_default();
    let figures = json!({"instances_destroyed": instances, "epoch": epoch, "milliseconds": milliseconds});
    let detail = language.demo_destroyed(instances, format_args!("{milliseconds:.0}"));
    Ok(Shown { figures, detail })
}

// === helpers ===

/// Copies the key database as a thief or a backup does, log and all.
fn copy_keys(house: &House, to: &Path) -> Result<(), DemoError> {
    let DatabaseUrl::Sqlite(database) = &house.config.keys.database else {
        return Err(DemoError::NotSo("the key database is no file".into()));
    };
    std::fs::create_dir_all(to)?;
    for end in ["", "-wal"] {
        let mut from = database.clone().into_os_string();
        from.push(end);
        if Path::new(&from).exists() {
            std::fs::copy(&from, to.join(format!("keys.db{end}")))?;
        }
    }
    Ok(())
}

/// Opens the copy with all that there is now: root key and epoch file.
async fn open_copy(house: &House, copy: &Path) -> Result<Result<(), KeysError>, DemoError> {
    let epochs = copy.join("epoch.key");
    std::fs::copy(house.config.keys.epoch_file(), &epochs)?;
    let not_so = |error: String| DemoError::NotSo(error);
    let Root::Open(root) = root(&house.config).await.map_err(|error| not_so(error.to_string()))? else {
        return Err(not_so("the root key is sealed".into()));
    };
    let rows = Database::open_sqlite(copy.join("keys.db"), DatabaseKind::Keys).await;
    let rows = rows.map_err(|error| not_so(error.to_string()))?;
    let store = KeyStore::open(rows, root, EpochFile::at(epochs), Arc::new(SystemClock)).await;
    Ok(store.map(drop))
}

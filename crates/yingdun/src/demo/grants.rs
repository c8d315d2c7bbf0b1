//! Stage four: the right moment. A colleague gets a study for a while and loses it with the end of the grant; in an emergency
//! the glass is broken for one patient, somebody else reviews it, and the record of it can be proved to anybody.

use super::board::Shown;
use super::house::House;
use super::people::SignedInPerson;
use super::studies::Sample;
use super::view::{ask, open_instance};
use super::{DemoError, expect};
use crate::messages::Language;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yingdun_audit::{Tree, verify_inclusion};

/// How long a look may stay open after its grant: far more than it needs.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Grants, revokes, breaks the glass, reviews and proves.
pub(super) async fn grants(
    house: &House,
    samples: &[Sample],
    language: Language,
) -> Result<Shown, DemoError> {
    let people = &house.people;
    let (Some(granted), Some(emergency)) = (samples.first(), samples.last()) else {
        return Err(DemoError::NotSo("there are no studies".into()));
    };
    let granted_ms = grant_and_revoke(house, granted).await?;

    expect(status(house, &people.stranger, emergency).await? == StatusCode::NOT_FOUND, || {
        "the stranger sees a patient whom nobody entrusted to them".into()
    })?;
    let patient = emergency.study.patient.id.as_str();
    let body = json!({"patient_id": patient, "code": "emergency-treatment", "reason": "demonstration", "minutes": 10});
    let began = Instant::now();
    let case: Value = house.ask(&people.stranger, Method::POST, "/break-glass", Some(body)).await?;
    for instance in emergency.instances.iter().take(1) {
        let opened = open_instance(house, &people.stranger, emergency, instance).await?;
        expect(opened == instance.data_set, || "what was opened is not what was sent".into())?;
    }
    let emergency_ms = began.elapsed().as_secs_f64() * 1000.0;

    let number = text(&case, "grant")?;
    let path = format!("/break-glass/{number}");
    let verdict = json!({"verdict": "justified", "reason": "demonstration"});
    let own: Result<Value, _> =
        house.ask(&people.stranger, Method::POST, &format!("{path}/review"), Some(verdict.clone())).await;
    expect(own.is_err(), || "who broke the glass reviewed it".into())?;
    let _: Value = house.ask(&people.auditor, Method::POST, &format!("{path}/review"), Some(verdict)).await?;
    let _: Value = house.ask(&people.stranger, Method::DELETE, &path, None).await?;
    closed(house, &people.stranger, emergency).await?;

    let (index, size) = prove(house).await?;
    let figures = json!({
        "grant_closed_ms": granted_ms,
        "emergency_first_instance_ms": emergency_ms,
        "reviewed_by": people.auditor.actor.as_str(),
        "proved_leaf": index,
        "proved_in": size,
    });
    let detail =
        language.demo_granted(format_args!("{granted_ms:.0}"), format_args!("{emergency_ms:.0}"), index);
    Ok(Shown { figures, detail })
}

// === helpers ===

/// The doctor grants a study to the stranger and takes it back. How long it stayed open after that, in milliseconds.
async fn grant_and_revoke(house: &House, sample: &Sample) -> Result<f64, DemoError> {
    let people = &house.people;
    let body = json!({"name": people.stranger.actor.as_str(), "study": sample.study.study.as_str(),
                      "reason": "demonstration", "minutes": 10});
    let grant: Value = house.ask(&people.doctor, Method::POST, "/grants", Some(body)).await?;
    for instance in sample.instances.iter().take(1) {
        let opened = open_instance(house, &people.stranger, sample, instance).await?;
        expect(opened == instance.data_set, || "what was opened is not what was sent".into())?;
    }
    let path = format!("/grants/{}", text(&grant, "grant")?);
    let began = Instant::now();
    let _: Value = house.ask(&people.doctor, Method::DELETE, &path, None).await?;
    closed(house, &people.stranger, sample).await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

async fn closed(house: &House, person: &SignedInPerson, sample: &Sample) -> Result<(), DemoError> {
    let began = Instant::now();
    while status(house, person, sample).await? != StatusCode::NOT_FOUND {
        expect(began.elapsed() < CLOSE_TIME_MAX, || "what was taken back still opens".into())?;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

async fn status(house: &House, person: &SignedInPerson, sample: &Sample) -> Result<StatusCode, DemoError> {
    let (web, study) = (&house.system.addresses().web, &sample.study.study);
    Ok(ask(house, person, &format!("{web}/dicom-web/studies/{study}/metadata")).await?.status())
}

/// A proof that the leaf of the emergency is in the log, checked with the public key and nothing else. Its number, and the
/// size of the log that the proof speaks of.
async fn prove(house: &House) -> Result<(u64, u64), DemoError> {
    let (web, stranger) = (&house.system.addresses().web, &house.people.stranger.actor);
    let url = format!("{web}/api/v1/audit/search?actor={stranger}&kind=access&outcome=permitted");
    let found: Vec<Value> = ask(house, &house.people.auditor, &url).await?.error_for_status()?.json().await?;
    let of_emergency =
        |row: &&Value| row.pointer("/leaf/reason").and_then(Value::as_str) == Some("break-glass");
    let index = found.iter().find(of_emergency).and_then(|row| row.get("index")?.as_u64());
    let index = index.ok_or_else(|| DemoError::NotSo("the emergency is not on the ledger".into()))?;
    let log = house.system.audit();
    log.checkpoint().await?;
    let proof = log.prove_inclusion(Tree::Sha256, index).await?;
    let leaf =
        log.reader().leaf(index)?.leaf.encode().map_err(|error| DemoError::NotSo(error.to_string()))?;
    let (proved, checkpoint) = verify_inclusion(&proof, &leaf, log.verifier())?;
    expect(proved == index, || format!("the proof is about record {proved}, not {index}"))?;
    let mut other = leaf;
    if let Some(byte) = other.last_mut() {
        *byte ^= 1;
    }
    expect(verify_inclusion(&proof, &other, log.verifier()).is_err(), || {
        "the proof holds for another record, too".into()
    })?;
    Ok((index, checkpoint.size()))
}

fn text(value: &Value, name: &str) -> Result<String, DemoError> {
    match value.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(DemoError::NotSo(format!("the answer has no `{name}`: {value}"))),
    }
}

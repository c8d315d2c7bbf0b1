//! Stage three: the doctor who treats the patient opens everything over HTTPS, bit for bit; a doctor who does not is
//! told that there is nothing, and the attempt is on the ledger.

use super::board::Shown;
use super::house::House;
use super::people::SignedInPerson;
use super::studies::Sample;
use super::{DemoError, expect, instances};
use crate::messages::Language;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yingdun_dicom::part10::{self, HeaderLook};
use yingdun_dicom::synthetic::Instance;

/// Requests at once, as a viewer makes them.
const REQUESTS: usize = 4;

/// Opens, compares, and is refused.
pub(super) async fn view(house: &House, samples: &[Sample], language: Language) -> Result<Shown, DemoError> {
    let all: Vec<_> = instances(samples).collect();
    let share = all.len().div_ceil(REQUESTS).max(1);
    let mut shares = all.chunks(share);
    let mut next = || shares.next().unwrap_or_default();
    let began = Instant::now();
    let opened = tokio::try_join!(
        compare(house, next()),
        compare(house, next()),
        compare(house, next()),
        compare(house, next()),
    )?;
    let seconds = began.elapsed().as_secs_f64();
    let first = [opened.0, opened.1, opened.2, opened.3].into_iter().flatten().min();
    let first_ms = first.map_or(0.0, |time| time.as_secs_f64() * 1000.0);

    let seen = search(house, &house.people.doctor).await?;
    expect(seen == samples.len(), || format!("the doctor's list shows {seen} of {} studies", samples.len()))?;
    let seen = search(house, &house.people.stranger).await?;
    expect(seen == 0, || format!("the stranger's list shows {seen} studies"))?;
    for (sample, instance) in all.iter().take(1) {
        let answer = ask(house, &house.people.stranger, &address(house, sample, instance)).await?;
        expect(answer.status() == StatusCode::NOT_FOUND, || {
            format!("the stranger was answered {} instead of 404", answer.status())
        })?;
        let leaves = refusals(house).await?;
        expect(leaves > 0, || "the stranger's attempt is not on the ledger".into())?;
    }
    let nobody = house.http.get(format!("{}/dicom-web/studies", house.system.addresses().web)).send().await?;
    expect(nobody.status() == StatusCode::UNAUTHORIZED, || {
        format!("somebody without a token was answered {} instead of 401", nobody.status())
    })?;

    let megabytes = samples.iter().map(Sample::bytes).sum::<u64>() as f64 / 1e6;
    let rate = megabytes / seconds;
    let figures = json!({
        "instances": all.len(),
        "megabytes": megabytes,
        "seconds": seconds,
        "mb_per_s": rate,
        "first_instance_ms": first_ms,
        "bit_identical": true,
        "stranger_status": 404,
        "anonymous_status": 401,
    });
    let detail = language.demo_used(
        format_args!("{megabytes:.0}"),
        format_args!("{rate:.0}"),
        format_args!("{first_ms:.1}"),
    );
    Ok(Shown { figures, detail })
}

/// Opens an instance over HTTPS and returns its data set.
pub(super) async fn open_instance(
    house: &House,
    person: &SignedInPerson,
    sample: &Sample,
    instance: &Instance,
) -> Result<Vec<u8>, DemoError> {
    let answer = ask(house, person, &address(house, sample, instance)).await?;
    let status = answer.status();
    expect(status == StatusCode::OK, || format!("{} was answered {status}", person.actor))?;
    let mut file = Vec::from(answer.bytes().await?);
    match part10::read_header(&file, true) {
        Ok(HeaderLook::Found(header)) if header.data_set_offset <= file.len() => {
            Ok(file.split_off(header.data_set_offset))
        }
        Ok(_) | Err(_) => Err(DemoError::NotSo("what came is no DICOM file".into())),
    }
}

/// Opens a share one after another, compares each with what was sent, and returns the time of the first.
async fn compare(house: &House, share: &[(&Sample, &Instance)]) -> Result<Option<Duration>, DemoError> {
    let mut first = None;
    for (sample, instance) in share {
        let began = Instant::now();
        let opened = open_instance(house, &house.people.doctor, sample, instance).await?;
        first.get_or_insert_with(|| began.elapsed());
        expect(opened == instance.data_set, || "what was opened is not what was sent".into())?;
    }
    Ok(first)
}

/// How many studies a person's list shows.
async fn search(house: &House, person: &SignedInPerson) -> Result<usize, DemoError> {
    let answer = ask(house, person, &format!("{}/dicom-web/studies", house.system.addresses().web)).await?;
    match answer.status() {
        StatusCode::OK => Ok(answer.json::<Vec<Value>>().await?.len()),
        StatusCode::NO_CONTENT => Ok(0),
        other => Err(DemoError::NotSo(format!("a search of {} was answered {other}", person.actor))),
    }
}

/// How many refusals of the stranger the audit administrator finds.
async fn refusals(house: &House) -> Result<usize, DemoError> {
    let (web, stranger) = (&house.system.addresses().web, &house.people.stranger.actor);
    let url = format!("{web}/api/v1/audit/search?actor={stranger}&kind=access&outcome=refused");
    let answer = ask(house, &house.people.auditor, &url).await?.error_for_status()?;
    Ok(answer.json::<Vec<Value>>().await?.len())
}

/// Asks for an address as somebody who is signed in.
pub(super) async fn ask(house: &House, person: &SignedInPerson, url: &str) -> Result<Response, DemoError> {
    let request = house.http.get(url).bearer_auth(person.token.expose());
    // Objects as they are stored, and JSON for lists.
    let accept = "application/dicom; transfer-syntax=*, application/dicom+json, application/json";
    Ok(request.header("accept", accept).send().await?)
}

fn address(house: &House, sample: &Sample, instance: &Instance) -> String {
    let (web, study) = (&house.system.addresses().web, &sample.study);
    format!(
        "{web}/dicom-web/studies/{}/series/{}/instances/{}",
        study.study, study.series, instance.sop_instance
    )
}

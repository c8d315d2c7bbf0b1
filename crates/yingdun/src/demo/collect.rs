//! Stage one: a registered device sends everything over DICOM TLS in parallel associations, and one that is not
//! registered is turned away.

use super::board::Shown;
use super::house::House;
use super::studies::Sample;
use super::{DemoError, expect, instances};
use crate::messages::Language;
use serde_json::json;
use std::time::{Duration, Instant};
use yingdun_dicom::synthetic::Instance;
use yingdun_dimse::association::{AssociationError, Proposals};
use yingdun_dimse::pdu::RejectReason;
use yingdun_dimse::scp::Object;
use yingdun_dimse::scu::{Destination, Scu, ScuError, Settings};

/// Associations at once, as many as a scanner with its workstations opens.
const ASSOCIATIONS: usize = 4;

/// Nobody registered this one.
const UNREGISTERED: &str = "GHOST";

/// Sends, and is turned away.
pub(super) async fn collect(
    house: &House,
    samples: &[Sample],
    language: Language,
) -> Result<Shown, DemoError> {
    let reason = turned_away(house).await?;
    let began = Instant::now();
    let answers = send_all(house, samples).await?;
    let seconds = began.elapsed().as_secs_f64();
    let count = instances(samples).count();
    let counted = house.system.archive().counts(house.system.institution()).await;
    let held = counted.map_err(DemoError::Unavailable)?.instances;
    expect(held == count as u64, || format!("{count} instances were sent and {held} are catalogued"))?;

    let megabytes = samples.iter().map(Sample::bytes).sum::<u64>() as f64 / 1e6;
    let (rate, megabytes_per_s) = (count as f64 / seconds, megabytes / seconds);
    let figures = json!({
        "studies": samples.len(),
        "instances": count,
        "megabytes": megabytes,
        "seconds": seconds,
        "associations": ASSOCIATIONS,
        "instances_per_s": rate,
        "mb_per_s": megabytes_per_s,
        "p50_ms": quantile_ms(&answers, 50),
        "p99_ms": quantile_ms(&answers, 99),
        "rejected": reason,
    });
    let detail = language.demo_collected(
        count,
        samples.len(),
        format_args!("{seconds:.1}"),
        format_args!("{rate:.0}"),
        format_args!("{megabytes_per_s:.0}"),
        reason,
    );
    Ok(Shown { figures, detail })
}

/// Sends everything, over several associations at once, and returns how long the answers took, in order of length.
pub(super) async fn send_all(house: &House, samples: &[Sample]) -> Result<Vec<Duration>, DemoError> {
    let (destination, settings) = house.calling()?;
    let mut queues: [Vec<&Instance>; ASSOCIATIONS] = Default::default();
    for ((_, instance), queue) in instances(samples).zip((0..ASSOCIATIONS).cycle()) {
        if let Some(queue) = queues.get_mut(queue) {
            queue.push(instance);
        }
    }
    let [a, b, c, d] = &queues;
    let sent = tokio::try_join!(
        send(&destination, &settings, a),
        send(&destination, &settings, b),
        send(&destination, &settings, c),
        send(&destination, &settings, d),
    )?;
    let mut answers: Vec<Duration> = [sent.0, sent.1, sent.2, sent.3].concat();
    answers.sort_unstable();
    Ok(answers)
}

/// Calls as somebody unknown and returns the reason of the A-ASSOCIATE-RJ.
async fn turned_away(house: &House) -> Result<String, DemoError> {
    let (destination, settings) = house.calling_as(UNREGISTERED)?;
    let proposals = Proposals::verification().map_err(|error| DemoError::NotSo(error.to_string()))?;
    match Scu::connect(&destination, &settings, &proposals).await {
        Err(ScuError::Association(AssociationError::Rejected(rejected)))
            if rejected.reason == RejectReason::CallingAeNotRecognised =>
        {
            Ok(rejected.reason.to_string())
        }
        Err(other) => Err(other.into()),
        Ok(scu) => {
            scu.abort().await;
            Err(DemoError::NotSo("an unregistered device was let in".into()))
        }
    }
}

/// Sends a queue over one association and returns how long each answer took.
async fn send(
    destination: &Destination,
    settings: &Settings,
    queue: &[&Instance],
) -> Result<Vec<Duration>, DemoError> {
    let mut proposals = Proposals::new();
    for instance in queue {
        let added = proposals.add(instance.sop_class.clone(), instance.transfer_syntax.clone());
        added.map_err(|error| DemoError::NotSo(error.to_string()))?;
    }
    let mut scu = Scu::connect(destination, settings, &proposals).await?;
    let mut answers = Vec::with_capacity(queue.len());
    for instance in queue {
        let object = Object {
            sop_class: instance.sop_class.clone(),
            sop_instance: instance.sop_instance.clone(),
            transfer_syntax: instance.transfer_syntax.clone(),
        };
        let began = Instant::now();
        let answer = scu.store(&object, &mut instance.data_set.as_slice()).await?;
        answers.push(began.elapsed());
        expect(answer.status.0 == 0, || format!("an instance was answered with {}", answer.status))?;
    }
    scu.release().await?;
    Ok(answers)
}

/// A quantile of sorted times.
fn quantile_ms(sorted: &[Duration], percent: usize) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? * percent / 100;
    sorted.get(place).map(|time| time.as_secs_f64() * 1000.0)
}

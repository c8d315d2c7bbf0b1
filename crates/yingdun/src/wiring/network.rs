//! The calls that the web door may ask for: the DICOM client with what this installation calls with.

use super::retrieval;
use crate::echo_report::EchoReport;
use crate::identifier;
use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use yingdun_access::DeviceRecord;
use yingdun_dicom::data_set::DataSet;
use yingdun_dimse::archive_door::{ArchiveDoor, move_target, outgoing};
use yingdun_dimse::association::{Proposals, Timeouts};
use yingdun_dimse::message::Status;
use yingdun_dimse::query::{Model, Root, Verb};
use yingdun_dimse::scp::{self, MoveTarget};
use yingdun_dimse::scu::{Answer, Cause, Destination, Diagnosis, Scu, ScuError, Settings, Step, diagnose};
use yingdun_web::{
    CallFault, Device, DeviceAnswer, Holding, Network, Question, Sent, Sought, Told, Way, WorklistQuestion,
};

/// For each step of a connection test: long enough for a device that wakes up, and all of them within a minute.
const STEP_TIME_MAX: Duration = Duration::from_secs(10);

/// For all of a search at a device: whoever asked waits for it.
const FIND_TIME_MAX: Duration = Duration::from_secs(45);

/// Calls devices at the destinations of their records.
pub(super) struct Calls {
    tls: Option<Arc<ClientConfig>>,
    door: ArchiveDoor,
}

impl Calls {
    /// Without `tls` only devices are called that are spelled out as plain. What comes in answer goes through `door`.
    pub(super) const fn new(tls: Option<Arc<ClientConfig>>, door: ArchiveDoor) -> Self {
        Self { tls, door }
    }

    /// How a device is called for whoever waits for its answer.
    fn asked(&self, device: Device) -> Result<MoveTarget, CallFault> {
        let target = move_target(&device.title, device.at, self.tls.as_ref());
        let mut target = target.ok_or_else(|| fault(Cause::NoOwnCertificate, None))?;
        target.settings.timeouts = Timeouts { response: FIND_TIME_MAX, ..Timeouts::within(STEP_TIME_MAX) };
        Ok(target)
    }
}

/// What a device is searched for.
#[derive(Clone, Copy)]
enum Asked {
    Studies,
    Worklist,
}

impl Network for Calls {
    fn echo(&self, device: DeviceRecord) -> BoxFuture<'_, Value> {
        Box::pin(async move {
            let Some(endpoint) = device.destination else { return Value::Null };
            let destination =
                Destination { ae_title: device.ae_title, host: endpoint.host, port: endpoint.port };
            let settings = Settings {
                timeouts: Timeouts::within(STEP_TIME_MAX),
                tls: self.tls.clone().filter(|_| endpoint.tls),
                ..Settings::new(device.called_ae)
            };
            let diagnosis = if endpoint.tls && settings.tls.is_none() {
                Diagnosis::not_tried(Step::Tls, Cause::NoOwnCertificate)
            } else {
                diagnose(&destination, &settings).await
            };
            json!(EchoReport::of(&destination, endpoint.tls, diagnosis))
        })
    }

    fn find(&self, device: Device, question: Question) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>> {
        Box::pin(async move {
            let asked = identifier::of_json(question.level, &question.keys).map_err(CallFault::Key)?;
            let target = self.asked(device)?;
            in_time(ask(&target, Asked::Studies, &asked, question.limit)).await
        })
    }

    fn worklist(
        &self,
        device: Device,
        question: WorklistQuestion,
    ) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>> {
        Box::pin(async move {
            let keys = identifier::texts(&question.keys).map_err(CallFault::Key)?;
            let asked = identifier::of_worklist(keys).map_err(CallFault::Key)?;
            let target = self.asked(device)?;
            in_time(ask(&target, Asked::Worklist, &asked, question.limit)).await
        })
    }

    fn send(
        &self,
        device: Device,
        studies: Vec<Holding>,
        stop: CancellationToken,
        ended: Box<dyn Fn(Sent) + Send + Sync>,
    ) -> BoxFuture<'static, ()> {
        let target = move_target(&device.title, device.at, self.tls.as_ref());
        Box::pin(async move {
            let outgoing = studies.into_iter().flat_map(|Holding { study, entries }| {
                entries.into_iter().map(move |entry| outgoing(&study, entry))
            });
            let Some(target) = target else {
                let reason = Cause::NoOwnCertificate.explanation().what.en;
                outgoing.for_each(|one| {
                    ended(Sent::Failed { instance: one.object.sop_instance, reason: reason.to_owned() });
                });
                return;
            };
            scp::send(&target, outgoing.collect(), &stop, |instance, outcome| {
                let failed = |reason| Sent::Failed { instance: instance.clone(), reason };
                ended(match outcome {
                    Ok(status) if status.is_stored() => Sent::Stored { with_warning: status.is_warning() },
                    Ok(status) => failed(format!("the device answered {status}")),
                    Err(failure) => failed(failure.to_string()),
                });
            })
            .await;
        })
    }

    fn retrieve(
        &self,
        device: Device,
        studies: Vec<Sought>,
        by: Way,
        stop: CancellationToken,
        told: Box<dyn Fn(Told) + Send + Sync>,
    ) -> BoxFuture<'static, Result<(), CallFault>> {
        let target = move_target(&device.title, device.at, self.tls.as_ref());
        let door = self.door.clone();
        Box::pin(async move {
            let target = target.ok_or_else(|| fault(Cause::NoOwnCertificate, None))?;
            match by {
                Way::Move => retrieval::by_move(&target, studies, &stop, &told).await,
                Way::Get => retrieval::by_get(&target, &door, studies, &stop, &told).await,
            }
        })
    }
}

// === helpers ===

/// Waits as long as a person does.
async fn in_time(
    answer: impl Future<Output = Result<DeviceAnswer, CallFault>>,
) -> Result<DeviceAnswer, CallFault> {
    timeout(FIND_TIME_MAX, answer).await.unwrap_or_else(|_| {
        Err(CallFault::Device {
            expected: format!("an answer within {} s", FIND_TIME_MAX.as_secs()),
            came: "rows that did not end".to_owned(),
            remedy: "ask for less: add a patient ID, an accession number or a date".to_owned(),
        })
    })
}

/// Asks over an association of its own. A device that has more rows than are wanted is hung up on.
async fn ask(
    target: &MoveTarget,
    what: Asked,
    asked: &DataSet,
    limit: usize,
) -> Result<DeviceAnswer, CallFault> {
    let mut scu = match what {
        Asked::Studies => called(target, Verb::Find).await?,
        Asked::Worklist => {
            // Its one class always fits.
            let proposals = Proposals::worklist().unwrap_or_default();
            connected(target, &proposals).await?
        }
    };
    let (mut answer, full) = (DeviceAnswer::default(), CancellationToken::new());
    let taken = |row: DataSet| {
        if answer.rows.len() < limit {
            answer.rows.extend(identifier::as_json(&row));
        } else {
            answer.more = true;
            full.cancel();
        }
    };
    let answered = async {
        match what {
            Asked::Studies => scu.find(Root::Study, asked, taken).await,
            Asked::Worklist => scu.find_steps(asked, taken).await,
        }
    };
    let ended = tokio::select! {
        ended = answered => Some(ended),
        () = full.cancelled() => None,
    };
    match ended {
        None => scu.abort().await,
        Some(Ok(end)) if end.status.0 == 0 => drop(scu.release().await),
        Some(Ok(end)) => {
            drop(scu.release().await);
            return Err(refused(&end));
        }
        Some(Err(error)) => {
            scu.abort().await;
            return Err(of_scu(&error, target));
        }
    }
    Ok(answer)
}

/// An association in which a device is asked.
pub(super) async fn called(target: &MoveTarget, verb: Verb) -> Result<Scu, CallFault> {
    let mut proposals = Proposals::new();
    // The first model of an association always fits.
    let _ = proposals.add_model(Model { root: Root::Study, verb });
    connected(target, &proposals).await
}

async fn connected(target: &MoveTarget, proposals: &Proposals) -> Result<Scu, CallFault> {
    let connected = Scu::connect(&target.destination, &target.settings, proposals).await;
    connected.map_err(|error| of_scu(&error, target))
}

pub(super) fn of_scu(error: &ScuError, target: &MoveTarget) -> CallFault {
    let step = if matches!(error, ScuError::TimedOut { .. }) { Step::Connect } else { Step::Associate };
    fault(Cause::of(error, step, target.settings.tls.is_some()), Some(error.to_string()))
}

pub(super) fn refused(answer: &Answer) -> CallFault {
    let comment = answer.comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
    let remedy = match answer.status {
        Status::MOVE_DESTINATION_UNKNOWN => {
            "register our AE title, address and port at the device, or retrieve by C-GET"
        }
        _ => "look into the log of the device for this status",
    };
    CallFault::Device {
        expected: "success (0000H)".to_owned(),
        came: format!("{}{comment}", answer.status),
        remedy: remedy.to_owned(),
    }
}

fn fault(cause: Cause, came: Option<String>) -> CallFault {
    let explained = cause.explanation();
    CallFault::Device {
        expected: explained.expected.en.to_owned(),
        came: came.unwrap_or_else(|| explained.what.en.to_owned()),
        remedy: explained.remedy.en.to_owned(),
    }
}

//! Calls to registered devices that somebody asks for: a test of the connection, a search, and objects of ours that are
//! sent there, or theirs that are sent here.

use super::accounts::ae_title;
use super::problems::of_refusal;
use super::worklist::of_worklist;
use crate::dicomweb::problems::{of_find, of_open, of_unavailable};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::jobs::{counts, document};
use crate::limits;
use crate::network::{CallFault, Device, Holding, Question, Sent, Sought, Told, Way, WorklistQuestion};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use yingdun_access::{MoveDestination, Refusal};
use yingdun_archive::{FoundRow, JobError, JobOrder, JobReport, Unavailable};
use yingdun_dicom::dictionary;
use yingdun_model::{AeTitle, JobKind, Uid};

/// Seconds after which a client may try again when too much is asked of devices at once: a test or a search takes less than
/// a minute.
const BUSY_RETRY_SECONDS: u32 = 10;

/// Where a search may look, by the word of the API.
const LEVELS: [(&str, &str); 3] = [("study", "STUDY"), ("series", "SERIES"), ("instance", "IMAGE")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EchoBody {
    called_ae: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindBody {
    level: Option<String>,
    keys: Map<String, Value>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorklistBody {
    keys: Map<String, Value>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreBody {
    studies: Vec<String>,
    #[serde(default)]
    series: Vec<String>,
    #[serde(default)]
    instances: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetrieveBody {
    studies: Vec<String>,
    by: Option<Way>,
}

/// Tries whether a device can be reached where its record says. What goes wrong there is the answer, not a refusal.
pub(crate) async fn echo(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let EchoBody { called_ae } = json_of(body).await?;
    let title = title_in_path(&call)?;
    let found = call.service.access.device_to_verify(call.session()?, &title, &ae_title(&called_ae)?).await;
    let device = found
        .map_err(|refused| of_refusal(&refused))?
        .ok_or_else(|| Problem::new(Kind::NotFound).expected("a device of this institution"))?;
    if device.disabled || device.destination.is_none() {
        return Err(Problem::new(Kind::Conflict)
            .expected("a device that is enabled and has a destination")
            .remedy("set in its record where it takes calls: destination host:port"));
    }
    let _turn = call.service.device_calls.try_acquire().map_err(|_| busy())?;
    Ok(answer::json(StatusCode::OK, &call.service.hooks.network.echo(device).await))
}

/// Asks a device, and gives of its rows those that the asker may see.
pub(crate) async fn find(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let FindBody { level, keys, limit } = json_of(body).await?;
    let asked = level.as_deref().unwrap_or("study");
    let level = LEVELS.iter().find(|(word, _)| *word == asked).map(|(_, level)| *level);
    let level = level.ok_or_else(|| Problem::bad_request("`level`: study, series or instance", asked))?;
    let limit = limit.unwrap_or(limits::DEVICE_ROWS_MAX).min(limits::DEVICE_ROWS_MAX);
    // Who may not search hears nothing of devices.
    let search = call.service.archive.search_elsewhere(call.session()?).await.map_err(of_find)?;
    for (name, value) in &keys {
        // A key that is no text is refused by whoever reads them.
        let text = value.as_str().unwrap_or_default();
        for part in name.split('.') {
            search.may_ask(dictionary::tag_of_name(part).map(Into::into), text).map_err(of_find)?;
        }
    }
    let title = title_in_path(&call)?;
    let device =
        device(title.clone(), call.service.access.search_destination(call.session()?, &title).await)?;
    let _turn = call.service.device_calls.try_acquire().map_err(|_| busy())?;
    let question = Question { level, keys, limit };
    let found = call.service.hooks.network.find(device, question).await.map_err(of_device)?;
    let rows = search.seen(found.rows).await.map_err(of_find)?;
    Ok(answer::json(StatusCode::OK, &json!({ "rows": rows, "more": found.more })))
}

/// Asks a device for its worklist. Who may read ours is told all of it, as a modality is.
pub(crate) async fn worklist(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let WorklistBody { keys, limit } = json_of(body).await?;
    let limit = limit.unwrap_or(limits::DEVICE_ROWS_MAX).min(limits::DEVICE_ROWS_MAX);
    // Who may not read a worklist hears nothing of devices.
    let asked = call.service.archive.worklist_elsewhere(call.session()?).await.map_err(of_worklist)?;
    let title = title_in_path(&call)?;
    let device =
        device(title.clone(), call.service.access.search_destination(call.session()?, &title).await)?;
    let _turn = call.service.device_calls.try_acquire().map_err(|_| busy())?;
    let question = WorklistQuestion { keys, limit };
    let found = call.service.hooks.network.worklist(device, question).await.map_err(of_device)?;
    let rows = asked.seen(found.rows).await.map_err(of_worklist)?;
    Ok(answer::json(StatusCode::OK, &json!({ "rows": rows, "more": found.more })))
}

/// Sends studies of ours, or some of their series or instances, to a device. Each study is decided upon before the answer;
/// the sending is a job.
pub(crate) async fn store(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: StoreBody = json_of(body).await?;
    let holdings = holdings(&call, &body, limits::JOB_OBJECTS_MAX).await?;
    for holding in &holdings {
        holding.study.gives_objects().map_err(of_open)?;
        holding.study.may_be_sent().await.map_err(of_open)?;
    }
    let total = holdings.iter().map(|holding| holding.entries.len()).sum();
    let session = call.session()?;
    let title = title_in_path(&call)?;
    let device = device(title.clone(), call.service.access.move_destination(session, &title).await)?;
    let network = Arc::clone(&call.service.hooks.network);
    let order = JobOrder {
        device: device.title.clone(),
        studies: uids("studies", &body.studies)?,
        series: uids("series", &body.series)?,
        instances: uids("instances", &body.instances)?,
    };
    let job = call.service.jobs.begin(session, JobKind::Store, order, total, |job| {
        let counted = Arc::clone(&job);
        let ended = Box::new(move |sent| match sent {
            Sent::Stored { with_warning } => counted.done(with_warning),
            Sent::Failed { instance, reason } => counted.failed(instance, reason),
        });
        let sending = network.send(device, holdings, job.stop(), ended);
        async move {
            sending.await;
            Ok(())
        }
    });
    let job = job.await.map_err(not_begun)?;
    Ok(answer::json(StatusCode::ACCEPTED, &document(&job)))
}

/// Brings studies of a device here. Each must be one that the asker may see there; what comes is stored as from any sender.
pub(crate) async fn retrieve(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let RetrieveBody { studies, by } = json_of(body).await?;
    let by = by.unwrap_or(Way::Move);
    let studies = uids("studies", &studies)?;
    if studies.is_empty() {
        return Err(Problem::bad_request("`studies`: the studies to retrieve", "none"));
    }
    let session = call.session()?;
    let search = call.service.archive.search_elsewhere(session).await.map_err(of_find)?;
    let title = title_in_path(&call)?;
    let device = device(title.clone(), call.service.access.retrieve_origin(session, &title).await)?;
    let turn = call.service.device_calls.try_acquire().map_err(|_| busy())?;
    let named = studies.iter().map(Uid::as_str).collect::<Vec<_>>().join("\\");
    let mut keys = Map::from_iter([("StudyInstanceUID".to_owned(), Value::from(named))]);
    if by == Way::Get {
        // What comes over our association has to be agreed on in it.
        keys.insert("SOPClassesInStudy".to_owned(), Value::from(""));
    }
    let question = Question { level: "STUDY", keys, limit: studies.len() };
    let network = Arc::clone(&call.service.hooks.network);
    let found = network.find(device.clone(), question).await.map_err(of_device)?;
    drop(turn);
    let seen = search.seen(found.rows).await.map_err(of_find)?;
    let sought = |study: Uid| {
        let row = seen.iter().find(|row| values(row, "0020000D").next() == Some(study.as_str()))?;
        let classes = values(row, "00080062").filter_map(|class| Uid::new(class).ok()).collect();
        Some(Sought { study, classes })
    };
    let studies: Option<Vec<Sought>> = studies.into_iter().map(sought).collect();
    let Some(studies) = studies else {
        return Err(Problem::new(Kind::NotFound).expected("studies that the device has and you may see"));
    };
    let order = JobOrder {
        device: title,
        studies: studies.iter().map(|sought| sought.study.clone()).collect(),
        series: Vec::new(),
        instances: Vec::new(),
    };
    let job = call.service.jobs.begin(session, JobKind::Retrieve, order, 0, |job| {
        let counted = Arc::clone(&job);
        let told = Box::new(move |told| match told {
            Told::Counts(heard) => counted.counted(counts(heard)),
            Told::Missing { instance, reason } => counted.named(instance, reason),
        });
        network.retrieve(device, studies, by, job.stop(), told)
    });
    let job = job.await.map_err(not_begun)?;
    Ok(answer::json(StatusCode::ACCEPTED, &document(&job)))
}

/// The jobs of whoever asks, the newest first, at whatever node they work.
pub(crate) async fn jobs(call: Call) -> Result<Response<Body>, Problem> {
    let jobs = call.service.jobs.of(call.session()?).await;
    let jobs: Vec<Value> = jobs.map_err(|error| of_unavailable(&error))?.iter().map(document).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(jobs)))
}

/// One of them.
pub(crate) async fn job(call: Call) -> Result<Response<Body>, Problem> {
    let found = call.service.jobs.find(call.session()?, call.in_path("job").unwrap_or_default()).await;
    Ok(answer::json(StatusCode::OK, &document(&of_own(found)?)))
}

/// Cancels one of them: it ends behind the object that is on its way.
pub(crate) async fn cancel(call: Call) -> Result<Response<Body>, Problem> {
    let found = call.service.jobs.cancel(call.session()?, call.in_path("job").unwrap_or_default()).await;
    Ok(answer::json(StatusCode::ACCEPTED, &document(&of_own(found)?)))
}

// === helpers ===

/// What is meant of studies that the asker may open: each is decided upon.
pub(super) async fn holdings(
    call: &Call,
    body: &StoreBody,
    instances_max: usize,
) -> Result<Vec<Holding>, Problem> {
    let (studies, series) = (uids("studies", &body.studies)?, uids("series", &body.series)?);
    let instances = uids("instances", &body.instances)?;
    if studies.is_empty() {
        return Err(Problem::bad_request("`studies`: the studies that are meant", "none"));
    }
    let session = call.session()?;
    let mut holdings = Vec::with_capacity(studies.len());
    for study in &studies {
        let opened = call.service.archive.open_study(session, study, session.purpose()).await;
        let study = Arc::new(opened.map_err(of_open)?);
        let mut entries = study.instances(None, None).await.map_err(of_open)?;
        entries.retain(|entry| {
            (series.is_empty() || series.contains(&entry.series))
                && (instances.is_empty() || instances.contains(&entry.sop_instance))
        });
        holdings.push(Holding { study, entries });
    }
    let total: usize = holdings.iter().map(|holding| holding.entries.len()).sum();
    if total == 0 {
        return Err(Problem::new(Kind::NotFound));
    }
    if total > instances_max {
        let expected = format!("at most {instances_max} instances at once");
        return Err(Problem::new(Kind::TooLarge).expected(expected).came(total.to_string()));
    }
    Ok(holdings)
}

pub(super) fn title_in_path(call: &Call) -> Result<AeTitle, Problem> {
    ae_title(call.in_path("ae_title").unwrap_or_default())
}

/// A device that must take calls.
pub(super) fn device(
    title: AeTitle,
    found: Result<Option<MoveDestination>, Refusal>,
) -> Result<Device, Problem> {
    let at = found.map_err(|refused| of_refusal(&refused))?.ok_or_else(|| {
        Problem::new(Kind::NotFound).expected("a device that is registered, enabled and has a destination")
    })?;
    Ok(Device { title, at })
}

fn uids(name: &str, texts: &[String]) -> Result<Vec<Uid>, Problem> {
    if texts.len() > limits::UID_LIST_MAX {
        let expected = format!("at most {} UIDs in `{name}`", limits::UID_LIST_MAX);
        return Err(Problem::new(Kind::BadRequest).expected(expected));
    }
    let uid = |text: &String| {
        Uid::new(text).map_err(|error| Problem::bad_request(format!("UIDs in `{name}`"), error.to_string()))
    };
    let mut uids: Vec<Uid> = texts.iter().map(uid).collect::<Result<_, _>>()?;
    uids.sort_unstable();
    uids.dedup();
    Ok(uids)
}

/// The texts of an attribute of a row.
fn values<'a>(row: &'a FoundRow, tag: &str) -> impl Iterator<Item = &'a str> {
    let values = row.get(tag).and_then(|attribute| attribute.get("Value")?.as_array());
    values.into_iter().flatten().filter_map(Value::as_str)
}

fn of_own(found: Result<Option<JobReport>, Unavailable>) -> Result<JobReport, Problem> {
    let found = found.map_err(|error| of_unavailable(&error))?;
    found.ok_or_else(|| Problem::new(Kind::NotFound).expected("a job of yours"))
}

fn not_begun(error: JobError) -> Problem {
    match error {
        JobError::TooMany => busy(),
        JobError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}

fn of_device(fault: CallFault) -> Problem {
    match fault {
        // No description names each keyword that there is.
        CallFault::Key(wrong) => {
            Problem::new(Kind::Unprocessable).expected("keys of texts, by keyword or tag").came(wrong)
        }
        CallFault::Device { expected, came, remedy } => {
            Problem::new(Kind::BadGateway).expected(expected).came(came).remedy(remedy)
        }
    }
}

pub(super) fn busy() -> Problem {
    Problem::new(Kind::TooMany).expected("fewer calls and jobs at once").retry_after(BUSY_RETRY_SECONDS)
}

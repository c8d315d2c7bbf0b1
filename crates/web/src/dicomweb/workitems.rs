//! UPS-RS (PS3.18 §11): workitems of the unified worklist, from requests to the archive and back. Status codes and the
//! words of warnings are those of §11.4 to §11.9.

use crate::dicomweb::problems::{of_unavailable, refused};
use crate::dicomweb::search::{NO_KEYS, flag, json_type, number};
use crate::http::answer;
use crate::http::body::data_set_of;
use crate::http::form::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::{CONTENT_LOCATION, LOCATION, WARNING};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};
use yingdun_archive::{Include, WorkitemError, WorkitemKey, WorkitemSearch};
use yingdun_dicom::{Tag, dictionary, tags};
use yingdun_model::{Uid, WorkitemState};

/// Creates a workitem.
pub(crate) async fn create(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let uid = uid_of_query(&call.query, &["workitem", "AffectedSOPInstanceUID"])?;
    let attributes = data_set_of(body).await?;
    let archive = &call.service.archive;
    let created = archive.create_workitem(call.session()?, uid, attributes).await;
    let created = created.map_err(|error| of_workitem(&call, error))?;
    let mut response = answer::empty(StatusCode::CREATED);
    let address = format!("{}/workitems/{}", base(&call), created.uid);
    if let Ok(address) = HeaderValue::try_from(address) {
        response.headers_mut().insert(LOCATION, address.clone());
        response.headers_mut().insert(CONTENT_LOCATION, address);
    }
    if created.modified {
        warn(&call, &mut response, "The Workitem was created with modifications.");
    }
    Ok(response)
}

/// Retrieves a workitem.
pub(crate) async fn retrieve(call: Call) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let uid = call.required_uid("workitem")?;
    let item = call.service.archive.workitem(call.session()?, &uid).await;
    let item = item.map_err(|error| of_workitem(&call, error))?;
    let item = Value::Array(vec![Value::Object(item)]);
    Ok(answer::with_body(StatusCode::OK, media_type, item.to_string()))
}

/// Searches workitems.
pub(crate) async fn search(call: Call) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let (search, warnings) = read_search(&call.query)?;
    let found = call.service.archive.search_workitems(call.session()?, &search).await;
    let found = found.map_err(|error| of_workitem(&call, error))?;
    let rows = Value::Array(found.rows.into_iter().map(Value::Object).collect());
    let mut response = answer::with_body(StatusCode::OK, media_type, rows.to_string());
    for warning in warnings {
        warn(&call, &mut response, warning);
    }
    if found.more {
        let more = "The number of results exceeded the maximum supported by the server. Additional results can be requested.";
        warn(&call, &mut response, more);
    }
    Ok(response)
}

/// Changes attributes of a workitem.
pub(crate) async fn update(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let uid = call.required_uid("workitem")?;
    let transaction = uid_of_query(&call.query, &["transaction", "transaction-uid"])?;
    let changes = data_set_of(body).await?;
    let archive = &call.service.archive;
    let updated = archive.update_workitem(call.session()?, &uid, transaction.as_ref(), changes).await;
    updated.map_err(|error| of_workitem(&call, error))?;
    Ok(answer::empty(StatusCode::OK))
}

/// Claims, completes or cancels a workitem.
pub(crate) async fn change_state(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let uid = call.required_uid("workitem")?;
    let asked = data_set_of(body).await?;
    let transaction = word(&asked, tags::TRANSACTION_UID)
        .map(|text| {
            Uid::new(text)
                .map_err(|_| Problem::bad_request("a UID as Transaction UID (00081195)", "another text"))
        })
        .transpose()?;
    let state = word(&asked, tags::PROCEDURE_STEP_STATE).unwrap_or_default();
    let state: WorkitemState = state.parse().map_err(|_| {
        let expected = "IN PROGRESS, COMPLETED or CANCELED as Procedure Step State (00741000)";
        Problem::bad_request(expected, state)
    })?;
    let archive = &call.service.archive;
    let changed = archive.change_workitem_state(call.session()?, &uid, transaction.as_ref(), state).await;
    let already = changed.map_err(|error| of_workitem(&call, error))?;
    let mut response = answer::empty(StatusCode::OK);
    if let Some(state) = already {
        warn(&call, &mut response, &format!("The UPS is already in the requested state of {state}."));
    }
    Ok(response)
}

/// Asks that a workitem be cancelled.
pub(crate) async fn request_cancellation(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let uid = call.required_uid("workitem")?;
    let words = data_set_of(body).await?;
    let archive = &call.service.archive;
    let already = archive.request_workitem_cancellation(call.session()?, &uid, &words).await;
    let already = already.map_err(|error| of_workitem(&call, error))?;
    let mut response = answer::empty(StatusCode::ACCEPTED);
    if already {
        warn(&call, &mut response, "The UPS is already in the requested state of CANCELED.");
    }
    Ok(response)
}

/// From the archive's refusals to HTTP answers.
pub(super) fn of_workitem(call: &Call, error: WorkitemError) -> Problem {
    let words = error.to_string();
    let warned = |kind| Problem::new(kind).came(&words).warning(warning(call, &words));
    match error {
        WorkitemError::Refused { reason } => refused(&reason),
        WorkitemError::Invalid(what) => Problem::bad_request("a workitem (PS3.4 table CC.2.5-3)", what),
        WorkitemError::Exists => {
            Problem::new(Kind::Conflict).expected("a new workitem").came(words).remedy("take another UID")
        }
        WorkitemError::NotFound | WorkitemError::NotSubscribed => {
            Problem::new(Kind::NotFound).expected("what is there").came(words)
        }
        WorkitemError::Gone => Problem::new(Kind::Gone).came(words),
        WorkitemError::TransactionMissing | WorkitemError::TransactionIncorrect => {
            warned(Kind::BadRequest).expected("the Transaction UID under which the workitem was claimed")
        }
        WorkitemError::State(state) => warned(Kind::Conflict)
            .expected("a request that fits the state of the workitem")
            .remedy(format!("the workitem is {state}")),
        WorkitemError::NotFinal(missing) => Problem::new(Kind::Conflict)
            .expected(format!("a value of {missing} before this state"))
            .remedy("update the workitem first")
            .warning(warning(call, &WorkitemError::State(WorkitemState::InProgress).to_string())),
        WorkitemError::Completed | WorkitemError::NoPerformer => warned(Kind::Conflict),
        WorkitemError::Full | WorkitemError::TooManySubscribers => Problem::new(Kind::TooMany).came(words),
        WorkitemError::ForeignSubscriber => {
            Problem::new(Kind::Forbidden).expected("an AE title of your own").came(words)
        }
        WorkitemError::TooBroad => Problem::new(Kind::BadRequest).expected("a narrower search").came(words),
        WorkitemError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}

/// Reads the keys of a search or of a filter: every parameter that is none of those named.
pub(super) fn keys_of(query: &Parameters, but: &[&str]) -> Result<Vec<WorkitemKey>, Problem> {
    let mut keys: Vec<WorkitemKey> = Vec::new();
    for (name, value) in query.iter().filter(|(name, _)| !but.contains(name)) {
        if value.chars().count() > limits::QUERY_VALUE_CHARS_MAX {
            return Err(Problem::new(Kind::BadRequest)
                .expected(format!("at most {} characters for `{name}`", limits::QUERY_VALUE_CHARS_MAX)));
        }
        let path = path_of(name)?;
        if keys.iter().any(|key| key.path == path) {
            return Err(Problem::bad_request(
                "each attribute at most once",
                format!("`{name}` more than once"),
            ));
        }
        // Lists of UIDs are parted by commas here and by backslashes in a data set (PS3.18 §8.3.4.1).
        let is_uid = path.last().is_some_and(|tag| dictionary::vr_of(*tag) == Some(yingdun_dicom::Vr::UI));
        let value = if is_uid { value.replace(',', "\\") } else { value.to_owned() };
        keys.push(WorkitemKey { path, value });
    }
    Ok(keys)
}

/// The address under which the DICOMweb services stand.
pub(super) fn base(call: &Call) -> String {
    format!("{}/dicom-web", call.service.origin)
}

// === helpers ===

/// Kinds of matching that there are not for workitems, and the words in which that is said (PS3.18 §8.3.4.2, §8.3.4.5, §8.3.4.6).
const UNSUPPORTED: [(&str, &str); 3] = [
    (
        "fuzzymatching",
        "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    ),
    (
        "emptyvaluematching",
        "The emptyvaluematching parameter is not supported. Empty Value Matching has not been performed.",
    ),
    (
        "multiplevaluematching",
        "The multiplevaluematching parameter is not supported. Multiple Value Matching has not been performed.",
    ),
];
const LOWERED: &str = "The limit is above the maximum of this server and was lowered.";

fn read_search(query: &Parameters) -> Result<(WorkitemSearch, Vec<&'static str>), Problem> {
    let mut warnings = Vec::new();
    let mut limit = limits::QIDO_ROWS_DEFAULT;
    if let Some(text) = query.one("limit")? {
        limit = number("limit", text, 1, u32::MAX)?;
        if limit > limits::QIDO_ROWS_MAX {
            limit = limits::QIDO_ROWS_MAX;
            warnings.push(LOWERED);
        }
    }
    let offset = match query.one("offset")? {
        Some(text) => number("offset", text, 0, limits::QIDO_OFFSET_MAX)?,
        None => 0,
    };
    for (name, words) in UNSUPPORTED {
        if flag(query, name)? {
            warnings.push(words);
        }
    }
    let mut include = Include::Default;
    for name in query.all("includefield").flat_map(|list| list.split(',')) {
        include = match (include, name) {
            (Include::All, _) | (_, "all") => Include::All,
            (Include::Default, name) => Include::Tags(path_of(name)?.first().copied().into_iter().collect()),
            (Include::Tags(mut tags), name) => {
                tags.extend(path_of(name)?.first().copied());
                Include::Tags(tags)
            }
        };
    }
    Ok((WorkitemSearch { keys: keys_of(query, &NO_KEYS)?, include, offset, limit }, warnings))
}

/// Reads keywords or tags, parted by dots (PS3.18 §8.3.4.1).
fn path_of(name: &str) -> Result<Vec<Tag>, Problem> {
    let expected = "DICOM keywords such as PatientID, or tags such as 00100020, parted by dots";
    let path: Option<Vec<Tag>> =
        name.split('.').take(limits::KEY_PATH_MAX + 1).map(dictionary::tag_of_name).collect();
    path.filter(|path| path.len() <= limits::KEY_PATH_MAX).ok_or_else(|| Problem::bad_request(expected, name))
}

/// A UID of the query: under one of these names, or as the whole of it.
fn uid_of_query(query: &Parameters, names: &[&str]) -> Result<Option<Uid>, Problem> {
    let mut uid = None;
    for (name, value) in query.iter().filter(|(name, _)| !matches!(*name, "accept" | "charset")) {
        let text = match value {
            "" => name,
            value if names.contains(&name) => value,
            _ => return Err(Problem::bad_request(format!("the parameter {}", names.join(" or ")), name)),
        };
        let one = Uid::new(text).map_err(|error| Problem::bad_request("a UID", error.to_string()))?;
        if uid.replace(one).is_some() {
            return Err(Problem::bad_request("one UID", "several"));
        }
    }
    Ok(uid)
}

/// The first value of an attribute of words.
fn word(attributes: &Map<String, Value>, tag: Tag) -> Option<&str> {
    let value = attributes.get(&tag.to_hex())?.get("Value")?.get(0)?.as_str()?.trim();
    (!value.is_empty()).then_some(value)
}

fn warn(call: &Call, response: &mut Response<Body>, words: &str) {
    if let Some(warning) = warning(call, words) {
        response.headers_mut().append(WARNING, warning);
    }
}

/// A warning as PS3.18 writes it: code, service, words.
fn warning(call: &Call, words: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("299 {}: {words}", base(call))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str) -> Parameters {
        Parameters::parse(query).unwrap()
    }

    #[test]
    fn keys_name_attributes_through_sequences() {
        let query =
            "ScheduledHumanPerformersSequence.HumanPerformerCodeSequence.CodeValue=7&00100020=4711&limit=5";
        let (search, warnings) = read_search(&parameters(query)).unwrap();
        let paths: Vec<String> = search
            .keys
            .iter()
            .map(|key| key.path.iter().map(|tag| tag.to_hex()).collect::<Vec<_>>().join("."))
            .collect();
        assert_eq!(paths, ["00404034.00404009.00080100", "00100020"]);
        assert_eq!((search.limit, warnings.len()), (5, 0));
        for wrong in [
            "PatientNmae=x",
            "PatientID=1&00100020=2",
            "a.b=1",
            "limit=0",
            "fuzzymatching=perhaps",
            "includefield=Nothing",
            "00404021.00404021.00404021.00404021.00100020=1",
        ] {
            assert_eq!(
                read_search(&parameters(wrong)).map(drop).unwrap_err().kind(),
                Kind::BadRequest,
                "{wrong}"
            );
        }
        let asked = "fuzzymatching=true&limit=99999&multiplevaluematching=true&emptyvaluematching=false";
        let words = [LOWERED, UNSUPPORTED[0].1, UNSUPPORTED[2].1];
        assert_eq!(read_search(&parameters(asked)).unwrap().1, words);
        let (search, _) =
            read_search(&parameters("SOPInstanceUID=1.2,1.3&includefield=00404021,all")).unwrap();
        assert_eq!((search.keys[0].value.as_str(), search.include), ("1.2\\1.3", Include::All));
    }

    #[test]
    fn a_uid_is_named_or_the_whole_query() {
        let uid = |query: &str| uid_of_query(&parameters(query), &["transaction"]);
        let expected = Some(Uid::new("1.2.3").unwrap());
        assert_eq!(uid("transaction=1.2.3").unwrap(), expected);
        assert_eq!(uid("1.2.3").unwrap(), expected);
        assert_eq!(uid("").unwrap(), None);
        for wrong in ["other=1.2.3", "transaction=x", "1.2.3&1.2.4", "nonsense"] {
            assert_eq!(uid(wrong).unwrap_err().kind(), Kind::BadRequest, "{wrong}");
        }
    }
}

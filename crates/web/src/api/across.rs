//! A search over the logs of all nodes: the own log here, each other one at its node, joined by time. Who may ask was decided before, once, where the
//! person is; the nodes that are asked write leaves of their own. A log that is missing is named, and an answer without it says that it is not whole.

use super::audit::of_search;
use crate::dicomweb::problems::of_unavailable;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::other_logs::Absence;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;
use yingdun_audit::across::{Asked, LOGS_MAX, Walk, join};
use yingdun_audit::{Count, Cursor, Filter, Log, LoggedLeaf, Page};
use yingdun_model::{InstitutionId, Timestamp};

/// How many leaves there are, in the first page of a search: a number, or `at least` one.
const COUNT: HeaderName = HeaderName::from_static("yingdun-count");
/// Where the next page begins, for `cursor`.
const NEXT: HeaderName = HeaderName::from_static("yingdun-next");
/// The name of the log of the node that answers: every node has one of its own.
const LOG: HeaderName = HeaderName::from_static("yingdun-log");
/// How many logs the installation has.
const LOGS: HeaderName = HeaderName::from_static("yingdun-logs");
/// Whether every log of the installation is in the answer.
const WHOLE: HeaderName = HeaderName::from_static("yingdun-whole");
/// The logs that are in the answer, a JSON array of names.
const LOGS_READ: HeaderName = HeaderName::from_static("yingdun-logs-read");
/// Those that are not, a JSON array of objects: `log`, `why`, `last_seen_ms`.
const LOGS_MISSING: HeaderName = HeaderName::from_static("yingdun-logs-missing");

/// What is searched for, from where on.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) filter: Filter,
    pub(crate) from: Option<Walk>,
    pub(crate) limit: usize,
    /// The only log that is asked; all of them when absent.
    pub(crate) only: Option<String>,
    /// The number of the leaf that says who asked.
    pub(crate) leaf: u64,
}

/// What was found in all logs.
#[derive(Debug)]
pub(crate) struct Found {
    /// The leaves, the newest first, each with the name of its log.
    pub(crate) leaves: Vec<(String, LoggedLeaf)>,
    count: Option<Count>,
    pub(crate) next: Option<Walk>,
    own: String,
    /// How many logs there are.
    logs: usize,
    /// Those that are in it.
    read: Vec<String>,
    pub(crate) missing: Vec<Missing>,
}

/// A log that is not in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) log: String,
    pub(crate) why: Absence,
    pub(crate) last_seen: Option<Timestamp>,
}

impl Found {
    /// Whether every log of the installation is in it.
    pub(crate) const fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Says beside the rows which logs they are of and which are missing, how many rows there are, and where the next ones begin.
    pub(crate) fn beside(&self, mut response: Response<Body>) -> Response<Body> {
        let count = self.count.map(|count| match count {
            Count::Exactly(count) => count.to_string(),
            Count::AtLeast(count) => format!("at least {count}"),
        });
        let missing = self.missing.iter().map(
            |missing| json!({"log": missing.log, "why": missing.why, "last_seen_ms": missing.last_seen}),
        );
        let missing = Some(missing.collect::<Vec<Value>>()).filter(|missing| !missing.is_empty());
        let beside = [
            (LOG, Some(self.own.clone())),
            (LOGS, Some(self.logs.to_string())),
            (WHOLE, Some(self.is_whole().to_string())),
            (LOGS_READ, Some(in_ascii(&json!(self.read)))),
            (LOGS_MISSING, missing.map(|missing| in_ascii(&Value::Array(missing)))),
            (COUNT, count),
            (NEXT, self.next.as_ref().map(Walk::to_string)),
        ];
        for (name, text) in beside {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Searches every log of the installation, or the one that is named.
pub(crate) async fn search(call: &Call, search: Search) -> Result<Found, Problem> {
    let institution = call.session()?.institution();
    let own = call.service.audit.verifier().name().to_owned();
    let logs = logs(call, institution, &own).await?;
    let Search { filter, from, limit, only, leaf } = search;
    if from.as_ref().is_some_and(|from| !from.is_within(&logs)) {
        return Err(of_search(&yingdun_audit::AuditError::OtherLog { log: own }));
    }
    if only.as_ref().is_some_and(|only| !logs.contains(only)) {
        return Err(Problem::new(Kind::NotFound)
            .expected("the name of a log of this installation as `log`")
            .remedy("`yingdun audit logs` lists them"));
    }
    let place = |log: &str| from.as_ref().and_then(|from| from.place_in(log));
    let (mut read, mut missing, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for (number, log) in logs.iter().enumerate() {
        let why = match &only {
            Some(only) if only != log => Some(Absence::NotAsked),
            _ if number >= LOGS_MAX => Some(Absence::TooMany),
            _ => None,
        };
        match why {
            Some(why) => missing.push((log.clone(), why)),
            // Nothing is left there, and nobody has to be asked for that.
            None if place(log) == Some(0) => read.push(log.clone()),
            None => {
                let question = Asked::of_filter(log, leaf, &filter, place(log), limit);
                asked.push(Asked { count: from.is_none(), ..question });
            }
        }
    }
    let pages = asked.iter().map(|asked| async {
        let page = if asked.log == own {
            Ok(page(call.service.audit.clone(), asked, institution.clone()).await?)
        } else {
            elsewhere(call, asked, institution.clone()).await
        };
        Ok::<_, Problem>((asked.log.clone(), page))
    });
    let mut found = Vec::new();
    for page in join_all(pages).await {
        match page? {
            (log, Ok(page)) => {
                read.push(log.clone());
                found.push((log, page));
            }
            (log, Err(why)) => missing.push((log, why)),
        }
    }
    let joined = join(found, from.as_ref(), limit, !missing.is_empty());
    let last_seen = |log: &str| call.service.hooks.logs.as_ref().and_then(|others| others.last_seen(log));
    let missing = missing.into_iter();
    Ok(Found {
        leaves: joined.leaves,
        count: joined.count,
        next: joined.next,
        own,
        logs: logs.len(),
        read,
        missing: missing.map(|(log, why)| Missing { last_seen: last_seen(&log), log, why }).collect(),
    })
}

/// A page of the log here, read on a thread where that may take its time.
pub(crate) async fn page(log: Log, asked: &Asked, institution: InstitutionId) -> Result<Page, Problem> {
    let (filter, cursor, limit) = (asked.filter(institution), asked.cursor(), asked.limit);
    page_of(log, filter, cursor, limit).await
}

/// The same by a filter and a cursor.
pub(crate) async fn page_of(
    log: Log,
    filter: Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page, Problem> {
    tokio::task::spawn_blocking(move || log.search(&filter, cursor, limit))
        .await
        .map_err(|_| Problem::new(Kind::Internal))?
        .map_err(|error| of_search(&error))
}

// === helpers ===

/// The names of all logs that have begun, the own one first.
async fn logs(call: &Call, institution: &InstitutionId, own: &str) -> Result<Vec<String>, Problem> {
    let names = call.service.archive.audit_log_names(institution).await;
    let names = names.map_err(|error| of_unavailable(&error))?;
    let others = names.into_iter().filter(|name| name != own);
    Ok(std::iter::once(own.to_owned()).chain(others).collect())
}

/// A page of the log of another node, as far as that node is believed.
async fn elsewhere(call: &Call, asked: &Asked, institution: InstitutionId) -> Result<Page, Absence> {
    let Some(others) = &call.service.hooks.logs else { return Err(Absence::Closed) };
    let told = timeout(limits::AUDIT_NODE_TIME_MAX, others.ask(asked)).await;
    let told = told.map_err(|_| Absence::Silent)??;
    told.judge(asked, institution).map_err(|error| {
        tracing::warn!(log = %asked.log, %error, "what another node tells of its audit log is not believed");
        Absence::NotBelieved
    })
}

/// JSON in which every character is ASCII, as a header field wants it.
fn in_ascii(value: &Value) -> String {
    let mut text = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => text.push(char::from(byte)),
            None => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_header_is_ascii_and_reads_back() {
        let value = json!([{"log": "人民医院/audit", "why": "silent", "last_seen_ms": null}, "𠮷"]);
        let text = in_ascii(&value);
        assert!(text.is_ascii() && HeaderValue::from_str(&text).is_ok());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}

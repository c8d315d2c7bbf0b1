//! `AuditEvent`: the audit log for auditors who read FHIR. Every reading is a leaf itself, and shows leaves of one's own institution only.
//!
//! An answer is one page, newest first, and a link to the next one. What a page costs is bounded by the leaves that are looked at, not
//! by those that fit; so a page may hold less than was asked for, or nothing, and lead on. An unknown parameter is refused, because a
//! condition that is silently left out makes an answer say something else.

use crate::api::audit::{authorise, of_search, read};
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::form::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::fmt::Write as _;
use yingdun_audit::render::{Opened, Rendered, fhir, outcome_number};
use yingdun_audit::{AuditError, Cursor, Filter, Leaf, Log, LoggedLeaf};
use yingdun_model::{ActorId, Timestamp};

/// The media type of FHIR in JSON.
const MEDIA_TYPE: &str = "application/fhir+json; fhirVersion=4.0";

/// Leaves that are asked of the index together, where codes are compared besides.
const LEAVES_AT_ONCE: usize = 256;

/// Leaves that are looked at for one page: read and compared within a second.
const LEAVES_LOOKED_AT_MAX: usize = 20_000;

/// Every parameter that is understood.
const KNOWN: [&str; 13] = [
    "date",
    "agent",
    "agent:identifier",
    "patient",
    "patient:identifier",
    "entity",
    "entity:identifier",
    "action",
    "outcome",
    "type",
    "subtype",
    "_count",
    "_cursor",
];

const MS_PER_DAY: i64 = 86_400_000;

/// Searches.
pub(crate) async fn search(call: Call) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::parse(&call.query)?;
    let count = number(&call.query, "_count")?.unwrap_or(limits::AUDIT_LEAVES_DEFAULT);
    let count = count.min(limits::AUDIT_LEAVES_MAX);
    let origin = call.service.audit.verifier().name().to_owned();
    let cursor = cursor(&call.query)?;
    cursor.map(|cursor| cursor.before_in(&origin)).transpose().map_err(|error| of_search(&error))?;
    authorise(&call).await?;
    let institution = call.session()?.institution().clone();
    let logs = call.service.archive.audit_log_names(&institution).await;
    let logs = logs.map_err(|error| of_unavailable(&error))?.len();
    let wanted = Wanted { filter: Filter { institution: Some(institution), ..wanted.filter }, ..wanted };
    let log = call.service.audit.clone();
    let found = tokio::task::spawn_blocking(move || find(&log, &wanted, cursor, count)).await;
    let page = found.map_err(|_| Problem::new(Kind::Internal))?.map_err(|error| of_search(&error))?;
    let base = format!("{}/fhir/r4/AuditEvent", call.service.origin);
    let mut entries: Vec<Value> = page
        .leaves
        .iter()
        .map(|leaf| {
            json!({
                "fullUrl": format!("{base}/{}", leaf.index),
                "resource": rendered(leaf, &origin),
                "search": {"mode": "match"},
            })
        })
        .collect();
    entries.extend((logs > 1).then(|| of_one_log(&origin, logs)));
    let mut links = vec![json!({"relation": "self", "url": address(&base, &call.query, cursor)})];
    links.extend(
        page.next.map(|next| json!({"relation": "next", "url": address(&base, &call.query, Some(next))})),
    );
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": links});
    // FHIR knows no empty lists.
    if let (Some(fields), false) = (bundle.as_object_mut(), entries.is_empty()) {
        fields.insert("entry".to_owned(), Value::Array(entries));
    }
    Ok(answer::with_body(StatusCode::OK, MEDIA_TYPE, bundle.to_string()))
}

/// Reads one. Leaves of other institutions are not there.
pub(crate) async fn one(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("index").unwrap_or_default();
    let index: u64 = text.parse().map_err(|_| Problem::bad_request("the number of a leaf", text))?;
    authorise(&call).await?;
    let institution = call.session()?.institution().clone();
    let reader = call.service.audit.reader();
    let leaf = read(reader, move |reader| match reader.leaf(index) {
        Ok(leaf) => Ok(Some(leaf)),
        Err(AuditError::OutOfRange { .. }) => Ok(None),
        Err(error) => Err(error),
    })
    .await?;
    let leaf = leaf.filter(|leaf| leaf.leaf.institution == institution);
    let leaf = leaf
        .ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a leaf of this institution"))?;
    let resource = rendered(&leaf, call.service.audit.verifier().name());
    Ok(answer::with_body(StatusCode::OK, MEDIA_TYPE, resource.to_string()))
}

// === helpers ===

/// What stands beside the leaves where others may be elsewhere: numbers of leaves are those of one log, and so is this search.
fn of_one_log(origin: &str, logs: usize) -> Value {
    let said = format!(
        "of the log {origin} only, of {logs}; each node answers for its own here, GET /api/v1/audit/search for all. 仅为本节点的日志"
    );
    let issue = json!({"severity": "warning", "code": "incomplete", "diagnostics": said});
    json!({"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}})
}

/// What is asked for.
#[derive(Debug, Default)]
struct Wanted {
    filter: Filter,
    action: Option<String>,
    outcome: Option<String>,
    /// Code systems, where they are named, and codes.
    kind: Option<(Option<String>, String)>,
    subtype: Option<(Option<String>, String)>,
}

/// One page of what was found.
struct Page {
    leaves: Vec<LoggedLeaf>,
    /// Where the next page begins; none at the beginning of the log.
    next: Option<Cursor>,
}

impl Wanted {
    fn parse(query: &Parameters) -> Result<Self, Problem> {
        if let Some((unknown, _)) = query.iter().find(|(name, _)| !KNOWN.contains(name)) {
            return Err(Problem::bad_request(format!("one of {}", KNOWN.join(", ")), unknown));
        }
        let mut filter = Filter::default();
        for text in query.all("date") {
            narrow(&mut filter, text).ok_or_else(|| {
                Problem::bad_request("a `date` as in ge2026-11-22 or lt2026-11-22T08:00:00Z", text)
            })?;
        }
        if let Some(name) = identifier(query, "agent", fhir::ACTOR)? {
            let actor = ActorId::new(name);
            filter.actor =
                Some(actor.ok_or_else(|| Problem::bad_request("the name of an actor as `agent`", name))?);
        }
        let reference = "a reference of 32 hexadecimal digits";
        if let Some(text) = identifier(query, "patient", fhir::PATIENT)? {
            let patient =
                text.parse().map_err(|_| Problem::bad_request(format!("{reference} as `patient`"), text))?;
            filter.patient = Some(patient);
        }
        if let Some(text) = identifier(query, "entity", fhir::STUDY)? {
            let study =
                text.parse().map_err(|_| Problem::bad_request(format!("{reference} as `entity`"), text))?;
            filter.study = Some(study);
        }
        let one_of = |name: &str, words: &[&str]| match query.one(name)? {
            Some(word) if !words.contains(&word) => {
                Err(Problem::bad_request(format!("one of {} as `{name}`", words.join(", ")), word))
            }
            word => Ok(word.map(ToOwned::to_owned)),
        };
        Ok(Self {
            filter,
            action: one_of("action", &["C", "R", "U", "D", "E"])?,
            outcome: one_of("outcome", &["0", "4", "8", "12"])?,
            kind: query.one("type")?.map(token),
            subtype: query.one("subtype")?.map(token),
        })
    }

    /// Whether the index has keys for everything that is asked.
    const fn is_all_indexed(&self) -> bool {
        self.action.is_none() && self.outcome.is_none() && self.kind.is_none() && self.subtype.is_none()
    }

    fn wants(&self, leaf: &Leaf) -> bool {
        let of = |token: &Option<(Option<String>, String)>, has: fn(&Leaf, Option<&str>, &str) -> bool| {
            token.as_ref().is_none_or(|(system, code)| has(leaf, system.as_deref(), code))
        };
        self.filter.wants(leaf)
            && self.outcome.as_ref().is_none_or(|outcome| outcome == outcome_number(leaf.outcome))
            && self.action.as_ref().is_none_or(|action| fhir::has_action(leaf, action))
            && of(&self.kind, fhir::has_type)
            && of(&self.subtype, fhir::has_subtype)
    }
}

/// The newest leaves that are wanted, from a place on. The index finds what it has keys for; what it has none for, codes of FHIR, is compared
/// leaf by leaf within a bound.
fn find(log: &Log, wanted: &Wanted, from: Option<Cursor>, count: usize) -> Result<Page, AuditError> {
    let origin = log.verifier().name();
    // A first page from the end of the log: nobody asks how many there are.
    let mut cursor = from.unwrap_or(Cursor::new(origin, u64::MAX));
    let at_once = if wanted.is_all_indexed() { count.saturating_add(1) } else { LEAVES_AT_ONCE };
    let (mut leaves, mut looked_at) = (Vec::new(), 0);
    loop {
        let found = log.search(&wanted.filter, Some(cursor), at_once)?;
        let full = found.leaves.len() >= at_once;
        looked_at += found.leaves.len();
        for leaf in found.leaves {
            if leaves.len() >= count {
                return Ok(Page { leaves, next: Some(Cursor::new(origin, leaf.index + 1)) });
            }
            if wanted.wants(&leaf.leaf) {
                leaves.push(leaf);
            }
        }
        match found.next {
            // The search itself ended at a bound, or enough was looked at.
            Some(next) if !full || looked_at >= LEAVES_LOOKED_AT_MAX => {
                return Ok(Page { leaves, next: Some(next) });
            }
            Some(next) => cursor = next,
            None => return Ok(Page { leaves, next: None }),
        }
    }
}

fn rendered(leaf: &LoggedLeaf, origin: &str) -> Value {
    // Auditors see who did what, and not to whom: pseudonyms.
    fhir::audit_event(&Rendered { leaf, origin, opened: Opened::default() })
}

/// The value of `name` or `name:identifier`, of this system where one is named.
fn identifier<'a>(query: &'a Parameters, name: &str, system: &str) -> Result<Option<&'a str>, Problem> {
    let long = format!("{name}:identifier");
    let value = match (query.one(name)?, query.one(&long)?) {
        (Some(_), Some(_)) => return Err(Problem::bad_request(format!("`{name}` or `{long}`"), "both")),
        (value, None) | (None, value) => value,
    };
    match value.map(|value| value.split_once('|').unwrap_or((system, value))) {
        Some((named, _)) if named != system => {
            Err(Problem::bad_request(format!("an identifier of the system {system} as `{name}`"), named))
        }
        found => Ok(found.map(|(_, value)| value)),
    }
}

/// `system|code` or `code`.
fn token(text: &str) -> (Option<String>, String) {
    match text.split_once('|') {
        Some((system, code)) => (Some(system.to_owned()), code.to_owned()),
        None => (None, text.to_owned()),
    }
}

fn number(query: &Parameters, name: &str) -> Result<Option<usize>, Problem> {
    let parse =
        |text: &str| text.parse().map_err(|_| Problem::bad_request(format!("a number as `{name}`"), text));
    query.one(name)?.map(parse).transpose()
}

/// Where a page begins, as the link of the page before has it.
fn cursor(query: &Parameters) -> Result<Option<Cursor>, Problem> {
    let parse =
        |text: &str| text.parse().map_err(|_| Problem::bad_request("`_cursor` as in the link `next`", text));
    query.one("_cursor")?.map(parse).transpose()
}

/// Narrows the time: a prefix of FHIR and a moment, or a day of UTC, which lasts until the next one.
fn narrow(filter: &mut Filter, text: &str) -> Option<()> {
    let (prefix, moment) = match text.get(..2)? {
        prefix @ ("ge" | "gt" | "le" | "lt" | "eq") => (prefix, text.get(2..)?),
        _ => ("eq", text),
    };
    let (start, end) = match moment.parse::<jiff::Timestamp>() {
        // To the second, as FHIR compares at the precision that was written, and leaves have milliseconds.
        Ok(moment) => {
            let start = moment.as_millisecond();
            (start, start.checked_add(if moment.subsec_nanosecond() == 0 { 1000 } else { 1 })?)
        }
        Err(_) => {
            let day: jiff::civil::Date = moment.parse().ok()?;
            let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
            (start, start.checked_add(MS_PER_DAY)?)
        }
    };
    let (start, end) = (Timestamp::from_ms(start), Timestamp::from_ms(end));
    let (from, until) = match prefix {
        "ge" => (Some(start), None),
        "gt" => (Some(end), None),
        "le" => (None, Some(end)),
        "lt" => (None, Some(start)),
        _ => (Some(start), Some(end)),
    };
    filter.from = filter.from.max(from);
    filter.until = [filter.until, until].into_iter().flatten().min();
    Some(())
}

/// The address of a page of the same question.
fn address(base: &str, query: &Parameters, cursor: Option<Cursor>) -> String {
    let mut address = base.to_owned();
    let mut separator = '?';
    let conditions = query.iter().filter(|(name, _)| *name != "_cursor");
    let cursor = cursor.map(|cursor| cursor.to_string());
    for (name, value) in conditions.chain(cursor.as_deref().map(|cursor| ("_cursor", cursor))) {
        let _ = write!(address, "{separator}{}={}", encoded(name), encoded(value));
        separator = '&';
    }
    address
}

/// Percent-encoding of all but unreserved characters.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<Wanted, Problem> {
        Wanted::parse(&Parameters::parse(query).ok().unwrap())
    }

    #[test]
    fn a_day_lasts_until_the_next_one_and_a_second_until_the_next_one() {
        let times = |query: &str| {
            let filter = parsed(query).ok().unwrap().filter;
            (filter.from.map(Timestamp::as_ms), filter.until.map(Timestamp::as_ms))
        };
        assert_eq!(times("date=1970-01-02"), (Some(MS_PER_DAY), Some(2 * MS_PER_DAY)));
        assert_eq!(times("date=ge1970-01-02&date=lt1970-01-03"), (Some(MS_PER_DAY), Some(2 * MS_PER_DAY)));
        assert_eq!(times("date=gt1970-01-02"), (Some(2 * MS_PER_DAY), None));
        assert_eq!(times("date=le1970-01-01T00:00:01Z"), (None, Some(2000)));
        assert_eq!(
            times("date=ge1970-01-01&date=ge1970-01-02&date=lt1970-01-09&date=lt1970-01-05"),
            (Some(MS_PER_DAY), Some(4 * MS_PER_DAY))
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_left_out() {
        for wrong in [
            "date=yesterday",
            "date=",
            "action=X",
            "outcome=1",
            "patient=P1",
            "entity=1.2.3",
            "agent=a+b",
            "user=x",
            "patient=urn:other|01010101010101010101010101010101",
            "agent=a&agent:identifier=a",
            "type=a&type=b",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        let wanted = parsed(
            "agent=urn:yingdun:actor|dr-li&patient=01010101010101010101010101010101&type=http://x|rest",
        )
        .ok()
        .unwrap();
        assert_eq!(wanted.filter.actor, ActorId::new("dr-li"));
        assert!(wanted.filter.patient.is_some());
        assert_eq!(wanted.kind, Some((Some("http://x".to_owned()), "rest".to_owned())));
    }

    #[test]
    fn the_address_of_the_next_page_asks_the_same_question() {
        let query = Parameters::parse("agent=%E6%9D%8E&date=ge2026-11-22&_cursor=9").ok().unwrap();
        let address = address("https://a/fhir/r4/AuditEvent", &query, Some(Cursor::new("a/audit", 7)));
        let begin = "https://a/fhir/r4/AuditEvent?agent=%E6%9D%8E&date=ge2026-11-22&_cursor=before-7-in-";
        assert!(address.starts_with(begin), "{address}");
    }
}

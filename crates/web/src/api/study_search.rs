//! The list of studies of the console, searched while somebody types. The archive decides and describes every row; here a row becomes flat
//! JSON with names for what DICOM numbers.

use super::audit::parsed;
use crate::dicomweb::problems::of_find;
use crate::http::answer;
use crate::http::problem::Problem;
use crate::limits::{STUDIES_TYPED_DEFAULT, STUDIES_TYPED_MAX};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_access::{Foreseen, Reason};
use yingdun_archive::{Date, FoundRow, FoundStudy, StudyCursor, TypedSearch};
use yingdun_model::Timestamp;

/// States of a study that is listed: whether the session opens it, and on what that rests.
pub(crate) const STATES: &[&str] = &["readable", "timed", "emergency", "second-factor", "stopped"];

/// The newest studies that fit what was typed.
pub(crate) async fn search(call: Call) -> Result<Response<Body>, Problem> {
    let limit = parsed::<u32>(&call, "limit", "a number of rows")?.unwrap_or(STUDIES_TYPED_DEFAULT);
    let request = TypedSearch {
        text: call.query.one("text")?.unwrap_or_default().to_owned(),
        modalities: call.query.all("modality").map(str::to_owned).collect(),
        from: day(&call, "from")?,
        until: day(&call, "until")?,
        mine: call.query.one("mine")? == Some("true"),
        limit: limit.min(STUDIES_TYPED_MAX),
        after: parsed::<StudyCursor>(&call, "cursor", "what the last page gave as `next`")?,
    };
    let found = call.service.archive.find_typed(call.session()?, request).await.map_err(of_find)?;
    let read_as = found.read_as.iter().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect());
    let body = json!({
        "studies": found.studies.iter().map(row).collect::<Vec<Value>>(),
        "next": found.next.map(|next| next.to_string()),
        "whole": found.is_whole,
        "read_as": read_as.collect::<Vec<Vec<&str>>>(),
    });
    Ok(answer::json(StatusCode::OK, &body))
}

// === helpers ===

fn day(call: &Call, name: &str) -> Result<Option<Date>, Problem> {
    let text = call.query.one(name)?;
    let day = |text: &str| {
        Date::parse(text).ok_or_else(|| Problem::bad_request(format!("a day as YYYYMMDD as `{name}`"), text))
    };
    text.map(day).transpose()
}

fn row(found: &FoundStudy) -> Value {
    let FoundStudy { row, grade, patient_conflict, opens } = found;
    let name = |group: &str| {
        let value = first(row, "00100010")?.get(group)?;
        value.as_str().filter(|name| !name.is_empty())
    };
    json!({
        "study_uid": text(row, "0020000D"),
        "patient": {
            "name": {
                "alphabetic": name("Alphabetic"),
                "ideographic": name("Ideographic"),
                "phonetic": name("Phonetic"),
            },
            "id": text(row, "00100020"),
            "issuer": text(row, "00100021"),
            "birth_date": text(row, "00100030").and_then(date),
            "sex": text(row, "00100040"),
            "age": text(row, "00101010"),
        },
        "modalities": texts(row, "00080061"),
        "description": text(row, "00081030"),
        "date": text(row, "00080020").and_then(date),
        "time": text(row, "00080030").and_then(time),
        "accession_number": text(row, "00080050"),
        "series": number(row, "00201206"),
        "instances": number(row, "00201208"),
        "grade": grade.as_str(),
        "patient_conflict": patient_conflict,
        "state": state(opens),
        "reason": opens.decision.reason.as_str(),
        "until_ms": opens.until.map(Timestamp::as_ms),
    })
}

/// What would become of opening it now. A row is listed because it may be listed; only what the second look of opening asks for stands
/// between.
fn state(opens: &Foreseen) -> &'static str {
    let reason = opens.decision.reason;
    match opens.decision.permitted {
        true if reason.is_broken_glass() => "emergency",
        true if matches!(reason, Reason::TimedGrant | Reason::Consultation) => "timed",
        true => "readable",
        false if reason == Reason::SecondFactorNeeded => "second-factor",
        false => "stopped",
    }
}

fn values<'r>(row: &'r FoundRow, tag: &str) -> impl Iterator<Item = &'r Value> {
    let values = row.get(tag).and_then(|attribute| attribute.get("Value")?.as_array());
    values.into_iter().flatten()
}

fn first<'r>(row: &'r FoundRow, tag: &str) -> Option<&'r Value> {
    values(row, tag).next()
}

/// The first value of an attribute; nothing where it is empty, or was taken out.
fn text<'r>(row: &'r FoundRow, tag: &str) -> Option<&'r str> {
    first(row, tag)?.as_str().filter(|text| !text.is_empty())
}

fn texts<'r>(row: &'r FoundRow, tag: &str) -> Vec<&'r str> {
    values(row, tag).filter_map(Value::as_str).collect()
}

/// A number, which some value representations write as text.
fn number(row: &FoundRow, tag: &str) -> Option<u64> {
    let value = first(row, tag)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `YYYYMMDD` as `YYYY-MM-DD`; nothing of what is no date.
fn date(text: &str) -> Option<String> {
    let number = Date::parse(text)?.number();
    Some(format!("{:04}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100))
}

/// `HHMMSS.FFFFFF` as `HH:MM:SS`, as far as it goes to minutes at least.
fn time(text: &str) -> Option<String> {
    let clock = text.split('.').next().unwrap_or_default();
    let is_clock = matches!(clock.len(), 4 | 6) && clock.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize| clock.get(from..from + 2).unwrap_or("00");
    is_clock.then(|| format!("{}:{}:{}", part(0), part(2), part(4)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_access::Decision;

    #[test]
    fn dates_and_times_are_written_for_programs_and_nothing_is_made_up() {
        assert_eq!(date("20261121").as_deref(), Some("2026-11-21"));
        assert_eq!((date("2026"), date("")), (None, None));
        assert_eq!(time("101500.123").as_deref(), Some("10:15:00"));
        assert_eq!(time("1015").as_deref(), Some("10:15:00"));
        assert_eq!((time("10"), time("10:15")), (None, None));
    }

    #[test]
    fn a_state_is_what_the_decision_says_and_no_guess() {
        let foreseen =
            |permitted, reason| state(&Foreseen { decision: Decision { permitted, reason }, until: None });
        for reason in [Reason::ReadsForInstitution, Reason::InCare, Reason::OwnRecord, Reason::GrantedScope] {
            assert_eq!(foreseen(true, reason), "readable");
        }
        assert_eq!(foreseen(true, Reason::TimedGrant), "timed");
        assert_eq!(foreseen(true, Reason::Consultation), "timed");
        assert_eq!(foreseen(true, Reason::BreakGlassAgainstDissent), "emergency");
        assert_eq!(foreseen(false, Reason::SecondFactorNeeded), "second-factor");
        assert_eq!(foreseen(false, Reason::LocalRule), "stopped");
        assert!(Reason::ALL.iter().all(|reason| STATES.contains(&foreseen(reason.permits(), *reason))));
    }

    #[test]
    fn an_attribute_without_a_value_is_nothing() {
        let row = json!({
            "00100020": {"vr": "LO"},
            "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
            "00201208": {"vr": "IS", "Value": ["12"]},
            "00201206": {"vr": "IS", "Value": [3]},
        });
        let row = row.as_object().unwrap();
        assert_eq!(text(row, "00100020"), None);
        assert_eq!(texts(row, "00080061"), ["CT", "SR"]);
        assert_eq!((number(row, "00201208"), number(row, "00201206")), (Some(12), Some(3)));
    }
}

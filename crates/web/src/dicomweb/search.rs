//! QIDO-RS (PS3.18 §8.3.4, §10.6): from a query string to a search, and from rows to an answer.

use crate::dicomweb::problems;
use crate::http::answer;
use crate::http::form::Parameters;
use crate::http::media::Accept;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};
use yingdun_archive::{AttributePath, FindRequest, Include, Level};
use yingdun_dicom::query::Matching;
use yingdun_dicom::{Tag, UtcOffset, Vr, dictionary, tags};
use yingdun_model::Uid;

/// What the answer has to say besides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warning {
    LimitLowered,
    MoreRows,
}

impl Warning {
    const fn text(self) -> &'static str {
        match self {
            Self::LimitLowered => "299 yingdun \"limit is above the maximum of this server and was lowered\"",
            Self::MoreRows => "299 yingdun \"there are more results: ask again with a larger offset\"",
        }
    }
}

/// Tells which keys restricted nothing. Keywords and tags are all that is shown: values may be personal.
fn unmatched(keys: &[AttributePath]) -> Option<HeaderValue> {
    let names: Vec<String> = keys.iter().map(AttributePath::to_string).collect();
    if names.is_empty() {
        return None;
    }
    let names = names.join(", ");
    HeaderValue::try_from(format!("299 yingdun \"these attributes are not matched at this level: {names}\""))
        .ok()
}

/// Answers a search at one level.
pub(crate) async fn search(call: Call, level: Level) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let scope = Scope { study: call.uid("study")?, series: call.uid("series")? };
    let (request, mut warnings) = parse(level, scope, &call.query)?;
    let found = call.service.archive.find(call.session()?, request).await.map_err(problems::of_find)?;
    if found.more {
        warnings.push(Warning::MoreRows);
    }
    let studies = format!("{}/dicom-web/studies", call.service.origin);
    let rows = found.rows.into_iter().map(|row| Value::Object(with_url(row, level, &studies))).collect();
    let rows = Value::Array(rows);
    let mut response = answer::with_body(StatusCode::OK, media_type, rows.to_string());
    for warning in warnings {
        response.headers_mut().append("warning", HeaderValue::from_static(warning.text()));
    }
    if let Some(warning) = unmatched(&found.unmatched) {
        response.headers_mut().append("warning", warning);
    }
    Ok(response)
}

/// Adds where the match can be retrieved (PS3.18 §10.6.3.3.1).
fn with_url(mut row: Map<String, Value>, level: Level, studies: &str) -> Map<String, Value> {
    let uid = |tag: Tag| row.get(&tag.to_hex())?.get("Value")?.get(0)?.as_str();
    let study = uid(tags::STUDY_INSTANCE_UID).map(|study| format!("{studies}/{study}"));
    let series = || uid(tags::SERIES_INSTANCE_UID).map(|series| format!("/series/{series}"));
    let instance = || uid(tags::SOP_INSTANCE_UID).map(|instance| format!("/instances/{instance}"));
    let url = match level {
        Level::Patient => None,
        Level::Study => study,
        Level::Series => study.zip(series()).map(|(study, series)| study + &series),
        Level::Instance => {
            study.zip(series()).zip(instance()).map(|((study, series), instance)| study + &series + &instance)
        }
    };
    if let Some(url) = url {
        row.insert(tags::RETRIEVE_URL.to_hex(), json!({"vr": "UR", "Value": [url]}));
    }
    row
}

/// The JSON type that the client takes (PS3.18 §8.7.3); XML is not served.
pub(crate) fn json_type(accept: &Accept) -> Result<&'static str, Problem> {
    const OFFERED: [&str; 2] = ["application/dicom+json", "application/json"];
    match accept.choose(&OFFERED) {
        Some("application/json") => Ok("application/json"),
        Some(_) => Ok("application/dicom+json"),
        None => Err(Problem::new(Kind::NotAcceptable)
            .available(OFFERED.map(str::to_owned))
            .expected("Accept: application/dicom+json")
            .remedy("ask for application/dicom+json; XML is not served here")),
    }
}

/// The part of the hierarchy that the path names.
struct Scope {
    study: Option<Uid>,
    series: Option<Uid>,
}

fn parse(level: Level, scope: Scope, query: &Parameters) -> Result<(FindRequest, Vec<Warning>), Problem> {
    let mut warnings = Vec::new();
    let mut limit = limits::QIDO_ROWS_DEFAULT;
    if let Some(text) = query.one("limit")? {
        limit = number("limit", text, 1, u32::MAX)?;
        if limit > limits::QIDO_ROWS_MAX {
            limit = limits::QIDO_ROWS_MAX;
            warnings.push(Warning::LimitLowered);
        }
    }
    let offset = match query.one("offset")? {
        Some(text) => number("offset", text, 0, limits::QIDO_OFFSET_MAX)?,
        None => 0,
    };
    let matching = matching(query)?;
    let include = include(query)?;
    let mut keys: Vec<(AttributePath, String)> = Vec::new();
    for (name, value) in query.iter() {
        if NO_KEYS.contains(&name) {
            continue;
        }
        let path = attribute(name)?;
        if path == tags::TIMEZONE_OFFSET_FROM_UTC.into() {
            continue;
        }
        let in_path = (path == tags::STUDY_INSTANCE_UID.into() && scope.study.is_some())
            || (path == tags::SERIES_INSTANCE_UID.into() && scope.series.is_some());
        if in_path {
            return Err(Problem::bad_request(
                "the UID in the path or in the query",
                format!("`{name}` in both"),
            ));
        }
        // An empty value is universal matching (PS3.4 §C.2.2.2.3): it restricts nothing and asks for the field.
        if !value.is_empty() {
            add(&mut keys, path, name, value)?;
        }
    }
    let Scope { study, series } = scope;
    Ok((FindRequest { level, study, series, keys, matching, include, offset, limit }, warnings))
}

/// Parameters that ask nothing of an attribute.
pub(super) const NO_KEYS: [&str; 8] = [
    "limit",
    "offset",
    "fuzzymatching",
    "emptyvaluematching",
    "multiplevaluematching",
    "includefield",
    "accept",
    "charset",
];

/// How values are matched. Date and time are always matched together, and the zone in which they are asked for is no key
/// (PS3.18 §8.3.4.1).
fn matching(query: &Parameters) -> Result<Matching, Problem> {
    let mut zone = None;
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        if dictionary::tag_of_name(name) == Some(tags::TIMEZONE_OFFSET_FROM_UTC) {
            // A `+` that is not percent-encoded is a blank in a query string.
            let read = UtcOffset::parse(&value.replacen(' ', "+", 1));
            let wrong = || Problem::bad_request("one TimezoneOffsetFromUTC as +HHMM or -HHMM", value);
            zone = Some(read.filter(|_| zone.is_none()).ok_or_else(wrong)?);
        }
    }
    Ok(Matching {
        fuzzy: flag(query, "fuzzymatching")?,
        combined: true,
        empty: flag(query, "emptyvaluematching")?,
        multiple: flag(query, "multiplevaluematching")?,
        zone,
    })
}

/// A parameter that is `true` or `false`; absent, it is `false`.
pub(super) fn flag(query: &Parameters, name: &str) -> Result<bool, Problem> {
    match query.one(name)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Problem::bad_request(format!("{name}=true or {name}=false"), other)),
    }
}

pub(super) fn number(name: &str, text: &str, min: u32, max: u32) -> Result<u32, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| digits && (min..=max).contains(number))
        .ok_or_else(|| Problem::bad_request(format!("{name} as a whole number from {min} to {max}"), text))
}

fn include(query: &Parameters) -> Result<Include, Problem> {
    let mut wanted = Vec::new();
    for name in query.all("includefield").flat_map(|list| list.split(',')) {
        if name == "all" {
            return Ok(Include::All);
        }
        wanted.push(attribute(name)?.top());
    }
    // Naming an attribute without a value asks for it as well.
    for (name, value) in query.iter() {
        if value.is_empty() && name != "includefield" {
            wanted.extend(attribute(name).ok().map(AttributePath::top));
        }
    }
    Ok(if wanted.is_empty() { Include::Default } else { Include::Tags(wanted) })
}

/// Reads a keyword or tag, or two parted by a dot: an attribute in the items of a sequence (PS3.18 §8.3.4.1).
fn attribute(name: &str) -> Result<AttributePath, Problem> {
    let tag = |name: &str| {
        dictionary::tag_of_name(name).ok_or_else(|| {
            Problem::bad_request("a DICOM keyword such as PatientID, or a tag such as 00100020", name)
        })
    };
    match name.split_once('.') {
        None => Ok(tag(name)?.into()),
        Some((sequence, within)) => Ok(AttributePath::within(tag(sequence)?, tag(within)?)),
    }
}

/// Adds a key. A list of UIDs may come as one value or, as clients also send it, as one parameter for each.
fn add(
    keys: &mut Vec<(AttributePath, String)>,
    path: AttributePath,
    name: &str,
    value: &str,
) -> Result<(), Problem> {
    let is_uid = dictionary::vr_of(path.tag).is_some_and(|vr| vr == Vr::UI);
    match keys.iter_mut().find(|(known, _)| *known == path) {
        None => keys.push((path, key_value(is_uid, name, value)?)),
        Some((_, known)) if is_uid => *known = key_value(is_uid, name, &format!("{known},{value}"))?,
        Some(_) => {
            return Err(Problem::bad_request(
                "each attribute at most once",
                format!("`{name}` more than once"),
            ));
        }
    }
    Ok(())
}

fn key_value(is_uid: bool, name: &str, value: &str) -> Result<String, Problem> {
    if value.chars().count() > limits::QUERY_VALUE_CHARS_MAX {
        return Err(Problem::new(Kind::BadRequest)
            .expected(format!("at most {} characters for `{name}`", limits::QUERY_VALUE_CHARS_MAX)));
    }
    if !is_uid {
        return Ok(value.to_owned());
    }
    let uids: Vec<&str> = value.split([',', '\\']).collect();
    if uids.len() > limits::UID_LIST_MAX {
        return Err(Problem::new(Kind::BadRequest)
            .expected(format!("at most {} UIDs for `{name}`", limits::UID_LIST_MAX)));
    }
    for uid in &uids {
        Uid::new(uid).map_err(|error| {
            Problem::bad_request(format!("UIDs, parted by commas, for `{name}`"), error.to_string())
        })?;
    }
    Ok(uids.join("\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<(FindRequest, Vec<Warning>), Problem> {
        parse(Level::Study, Scope { study: None, series: None }, &Parameters::parse(query).unwrap())
    }

    #[test]
    fn attributes_come_by_keyword_or_by_tag() {
        let (request, warnings) =
            parsed("PatientID=4711&0008103e=x*&StudyDate=20260101-&limit=5&offset=10").unwrap();
        let keys: Vec<(String, &str)> =
            request.keys.iter().map(|(path, value)| (path.tag.to_hex(), value.as_str())).collect();
        assert_eq!(
            keys,
            [("00100020".into(), "4711"), ("0008103E".into(), "x*"), ("00080020".into(), "20260101-")]
        );
        assert_eq!((request.limit, request.offset), (5, 10));
        assert!(warnings.is_empty());
    }

    #[test]
    fn an_unknown_attribute_or_number_is_explained() {
        for query in [
            "PatientNmae=x",
            "0010002=x",
            "limit=x",
            "limit=-1",
            "limit=0",
            "limit=%2B5",
            "offset=99999999999",
            "fuzzymatching=maybe",
            "emptyvaluematching=1",
            "multiplevaluematching=",
            "TimezoneOffsetFromUTC=Peking",
            "TimezoneOffsetFromUTC=%2B0800&00080201=%2B0800",
            "includefield=Nothing",
            "RequestAttributesSequence.Nothing=1",
            "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue=1",
            "PatientID=1&00100020=2",
            "StudyInstanceUID=../../etc/passwd",
            "StudyInstanceUID=1.2,,1.3",
        ] {
            assert_eq!(parsed(query).map(|_| ()).unwrap_err().kind(), Kind::BadRequest, "{query}");
        }
    }

    #[test]
    fn how_values_are_matched_is_said_by_parameters() {
        let plain = parsed("PatientID=1").unwrap().0.matching;
        assert_eq!(plain, Matching { combined: true, ..Matching::default() });
        let (request, _) = parsed(
            "emptyvaluematching=true&multiplevaluematching=true&StudyID=%22%22&TimezoneOffsetFromUTC=-0330",
        )
        .unwrap();
        let zone = UtcOffset::parse("-0330");
        assert_eq!(request.matching, Matching { empty: true, multiple: true, zone, ..plain });
        assert_eq!(request.keys, [(tags::STUDY_ID.into(), "\"\"".to_owned())]);
        for encoded in ["TimezoneOffsetFromUTC=%2B0800", "00080201=+0800"] {
            assert_eq!(parsed(encoded).unwrap().0.matching.zone, UtcOffset::parse("+0800"), "{encoded}");
        }
        assert_eq!(parsed("TimezoneOffsetFromUTC=").unwrap().0.matching, plain, "it is asked for");
    }

    #[test]
    fn a_list_of_uids_becomes_one_key() {
        let (request, _) = parsed("StudyInstanceUID=1.2,1.3%5C1.4").unwrap();
        assert_eq!(request.keys[0].1, "1.2\\1.3\\1.4");
        let (repeated, _) = parsed("StudyInstanceUID=1.2&0020000d=1.3&StudyInstanceUID=1.4").unwrap();
        assert_eq!(repeated.keys, request.keys, "one parameter for each means the same");
        let many = vec!["1.2"; limits::UID_LIST_MAX + 1].join(",");
        assert!(parsed(&format!("StudyInstanceUID={many}")).is_err());
    }

    #[test]
    fn a_uid_in_the_path_cannot_come_again_in_the_query() {
        let scope = Scope { study: Some(Uid::new("1.2").unwrap()), series: None };
        let query = Parameters::parse("StudyInstanceUID=1.3").unwrap();
        assert!(parse(Level::Series, scope, &query).is_err());
    }

    #[test]
    fn a_large_limit_is_answered_with_a_warning() {
        let (request, warnings) = parsed("limit=100000").unwrap();
        assert_eq!(request.limit, limits::QIDO_ROWS_MAX);
        assert_eq!(warnings, [Warning::LimitLowered]);
        for warning in [Warning::LimitLowered, Warning::MoreRows] {
            assert!(HeaderValue::from_str(warning.text()).is_ok());
        }
    }

    #[test]
    fn attributes_in_sequences_are_parted_by_a_dot() {
        let (request, _) = parsed("fuzzymatching=true&00400275.RequestedProcedureID=7").unwrap();
        let within = AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID);
        assert!(request.matching.fuzzy);
        assert_eq!(request.keys, [(within, "7".to_owned())]);
        let Include::Tags(asked) = parsed("RequestAttributesSequence.00401001=").unwrap().0.include else {
            panic!("tags");
        };
        assert_eq!(asked, [tags::REQUEST_ATTRIBUTES_SEQUENCE]);
    }

    #[test]
    fn keys_that_restrict_nothing_are_told_by_name() {
        assert_eq!(unmatched(&[]), None);
        let warning = unmatched(&[tags::KVP.into()]).unwrap();
        assert_eq!(
            warning.to_str().unwrap(),
            "299 yingdun \"these attributes are not matched at this level: KVP\""
        );
    }

    #[test]
    fn include_field_takes_lists_and_all() {
        assert!(matches!(parsed("includefield=all").unwrap().0.include, Include::All));
        assert!(matches!(parsed("").unwrap().0.include, Include::Default));
        let Include::Tags(tags) = parsed("includefield=PatientName,00081030&PatientSex=").unwrap().0.include
        else {
            panic!("tags");
        };
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn every_row_says_where_its_match_can_be_retrieved() {
        let element = |uid: &str| json!({"vr": "UI", "Value": [uid]});
        let row = json!({"0020000D": element("1.2"), "0020000E": element("1.3"), "00080018": element("1.4")});
        let url = |level| {
            let row = with_url(row.as_object().unwrap().clone(), level, "https://a/studies");
            row["00081190"]["Value"][0].as_str().unwrap().to_owned()
        };
        assert_eq!(url(Level::Study), "https://a/studies/1.2");
        assert_eq!(url(Level::Series), "https://a/studies/1.2/series/1.3");
        assert_eq!(url(Level::Instance), "https://a/studies/1.2/series/1.3/instances/1.4");
        let bare = with_url(Map::new(), Level::Study, "https://a/studies");
        assert!(bare.is_empty());
    }

    #[test]
    fn json_is_served_and_xml_is_not() {
        let accept = |text: &str| Accept::parse([text]).unwrap();
        assert_eq!(json_type(&accept("*/*")).unwrap(), "application/dicom+json");
        assert_eq!(json_type(&accept("application/json")).unwrap(), "application/json");
        assert!(json_type(&accept("multipart/related; type=\"application/dicom+xml\"")).is_err());
    }
}

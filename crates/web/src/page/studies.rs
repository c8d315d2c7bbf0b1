//! The list of studies that the signed-in person may see, and the series of one of them. The archive decides
//! every row; this page only sets them in a table.

use super::form_token::FormToken;
use super::html::{escape, page};
use super::sign_in::{self, role_zh};
use crate::dicomweb::problems;
use crate::http::form::encode;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use yingdun_access::Session;
use yingdun_archive::{FindError, FindRequest, Include, Level};
use yingdun_dicom::query::Matching;
use yingdun_model::{Role, Uid};

/// Rows of one page.
const ROWS: u32 = 50;

type Row = Map<String, Value>;

/// The newest studies; without a session, the sign-in form.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let offset = match call.query.one("offset")? {
        Some(text) => text
            .parse()
            .ok()
            .filter(|offset| *offset <= crate::limits::QIDO_OFFSET_MAX)
            .ok_or_else(|| Problem::bad_request("offset as a whole number", text))?,
        None => 0,
    };
    let request = FindRequest {
        level: Level::Study,
        study: None,
        series: None,
        keys: Vec::new(),
        matching: Matching::default(),
        include: Include::Default,
        offset,
        limit: ROWS,
    };
    let found = match call.service.archive.find(session, request).await {
        Ok(found) => found,
        Err(FindError::Refused { .. }) => return Ok(nothing_to_see(session)),
        Err(error) => return Err(problems::of_find(error)),
    };
    let rows: String = found.rows.iter().map(study_row).collect();
    let more = if found.more {
        format!("<p><a href=\"/?offset={}\">更早的检查 Older studies</a></p>", offset + ROWS)
    } else {
        String::new()
    };
    let main = if rows.is_empty() {
        "<p>没有您可以查看的检查。<br><small lang=\"en\">There is no study that you may see.</small></p>"
            .to_owned()
    } else {
        format!(
            "<table><thead><tr><th>患者 <small lang=\"en\">Patient</small></th><th>患者编号 <small lang=\"en\">ID\
             </small></th><th>日期 <small lang=\"en\">Date</small></th><th>设备类型 <small lang=\"en\">Modality\
             </small></th><th>检查 <small lang=\"en\">Study</small></th></tr></thead><tbody>{rows}</tbody></table>{more}"
        )
    };
    Ok(framed(session, "检查", "Studies", &main))
}

/// The series of one study.
pub(crate) async fn one(call: Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let study = call.required_uid("study")?;
    let request = |level| FindRequest {
        level,
        study: Some(study.clone()),
        series: None,
        keys: Vec::new(),
        matching: Matching::default(),
        include: Include::Default,
        offset: 0,
        limit: crate::limits::QIDO_ROWS_MAX,
    };
    let found =
        call.service.archive.find(session, request(Level::Series)).await.map_err(problems::of_find)?;
    if found.rows.is_empty() {
        return Err(Problem::new(Kind::NotFound));
    }
    let rows: String = found.rows.iter().map(series_row).collect();
    let address = format!("{}/dicom-web/studies/{study}", call.service.origin);
    let main = format!(
        "<table><thead><tr><th>序号 <small lang=\"en\">No.</small></th><th>设备类型 <small lang=\"en\">Modality\
         </small></th><th>序列 <small lang=\"en\">Series</small></th><th>实例数 <small lang=\"en\">Instances</small>\
         </th></tr></thead><tbody>{rows}</tbody></table>\
         <p>用 DICOMweb 调阅 <small lang=\"en\">Retrieve by DICOMweb</small>: <code>GET {address}</code></p>\
         <p><a href=\"/\">返回 Back</a></p>"
    );
    Ok(framed(session, "序列", "Series", &main))
}

fn nothing_to_see(session: &Session) -> Response<Body> {
    framed(
        session,
        "检查",
        "Studies",
        "<p class=\"notice\">此角色不能查看影像。<br><small lang=\"en\">This role sees no images.</small></p>",
    )
}

fn framed(session: &Session, title_zh: &str, title_en: &str, main: &str) -> Response<Body> {
    let token = FormToken::generate();
    let (actor, role) = (escape(session.actor().as_str()), session.role());
    let record = match role {
        Role::Patient => " · <a href=\"/record\">谁查看过 Who looked</a>",
        _ => "",
    };
    let main = format!(
        "<p>{actor} · {} {role} · <a href=\"/sessions\">我的会话 My sessions</a>{record}</p>{main}<form class=\"inline\" method=\"post\" action=\"/logout\">{}\
         <button>退出 Sign out</button></form>",
        role_zh(role),
        token.field()
    );
    let mut response = page(StatusCode::OK, title_zh, title_en, &main);
    token.attach(&mut response);
    response
}

fn study_row(row: &Row) -> String {
    let uid = text(row, "0020000D");
    // A UID from the catalogue is legal; anything else is shown without a link.
    let link =
        Uid::new(&uid).map_or_else(|_| "#".to_owned(), |uid| format!("/studies/{}", encode(uid.as_str())));
    let described =
        Some(text(row, "00081030")).filter(|text| !text.is_empty()).unwrap_or_else(|| uid.clone());
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><a href=\"{link}\">{}</a></td></tr>",
        escape(&text(row, "00100010")),
        escape(&text(row, "00100020")),
        escape(&text(row, "00080020")),
        escape(&text(row, "00080061")),
        escape(&described)
    )
}

fn series_row(row: &Row) -> String {
    let cell = |tag| escape(&text(row, tag));
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        cell("00200011"),
        cell("00080060"),
        cell("0008103E"),
        cell("00201209")
    )
}

/// The values of an attribute as one text; of a name, its ideographic and its alphabetic form.
fn text(row: &Row, tag: &str) -> String {
    let values = row.get(tag).and_then(|element| element.get("Value")).and_then(Value::as_array);
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(name) => ["Ideographic", "Alphabetic"]
            .iter()
            .filter_map(|group| name.get(*group)?.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) => String::new(),
    };
    values.map(|values| values.iter().map(one).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_shows_names_in_both_scripts_and_escapes_what_a_device_wrote() {
        let row = json!({
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoMing", "Ideographic": "王^小明"}]},
            "00081030": {"vr": "LO", "Value": ["<script>alert(1)</script>"]},
        });
        let html = study_row(row.as_object().unwrap());
        assert!(html.contains("王^小明 Wang^XiaoMing"));
        assert!(html.contains("href=\"/studies/1.2.3\""));
        assert!(!html.contains("<script>"));
    }
}

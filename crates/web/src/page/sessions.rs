//! The own sessions: where somebody is signed in, since when and by which program, and a button that ends each.

use super::form_token::{self, FormToken};
use super::html::{escape, page};
use super::sign_in::{self, role_zh};
use crate::api::problems::unavailable;
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::problem::{Kind, Problem};
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::{AlertRow, SessionView};

/// The list; without a session, the sign-in form.
pub(crate) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return sign_in::show(call).await };
    let seen =
        call.service.access.own_sessions(session).await.map_err(|error| identity::of_sign_in(&error))?;
    let (token, present) = (FormToken::generate(), session.reference());
    let rows: String = seen.iter().map(|view| row(view, view.reference == present, &token)).collect();
    let notice = call.service.access.own_notice(session).await.map_err(|error| unavailable(&error))?;
    let notice = notice.as_ref().map_or_else(String::new, notice_of);
    let main = format!(
        "{notice}<table><thead><tr><th>地址 <small lang=\"en\">Address</small></th><th>程序 <small lang=\"en\">Program</small></th>\
         <th>角色 <small lang=\"en\">Role</small></th><th>登录 <small lang=\"en\">Since</small></th><th>最近使用 \
         <small lang=\"en\">Last used</small></th><th></th></tr></thead><tbody>{rows}</tbody></table>\
         <p><a href=\"/second-factor\">第二因素 Second factor</a> · <a href=\"/passkeys\">通行密钥 Passkeys</a> · <a href=\"/\">返回 Back</a></p>"
    );
    let mut response = page(StatusCode::OK, "我的会话", "My sessions", &main);
    token.attach(&mut response);
    Ok(response)
}

/// Ends one of them.
pub(crate) async fn end(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let reference = sent.one("session")?.unwrap_or_default();
    let ended = call.service.access.end_own_session(session, reference).await;
    if ended.map_err(|error| identity::of_sign_in(&error))? {
        Ok(answer::see_other("/sessions"))
    } else {
        Err(Problem::new(Kind::NotFound))
    }
}

/// What the monitor says to the person of the session.
fn notice_of(alert: &AlertRow) -> String {
    let (zh, en) = match alert.step.as_str() {
        "ask-reason" => (
            "打开没有已知理由的患者时，须先说明理由",
            "patients without a known reason open when you say why",
        ),
        "throttle" => ("新患者须间隔打开", "patients open with a pause between them"),
        "step-up" => {
            ("打开更多患者前须再次验证第二因素", "more patients open with a second factor proved again")
        }
        "suspend-export" => ("暂停导出", "nothing is taken out"),
        "suspend-session" => ("暂停打开，紧急情况除外", "nothing opens but in an emergency"),
        _ => ("仅作提示", "nothing is held back"),
    };
    let (counted, at_most, minutes) = (alert.counted, alert.at_most, alert.within_minutes);
    let measure = escape(alert.measure.as_deref().unwrap_or("—"));
    format!(
        "<p role=\"status\"><b>行为监测提示</b>：{zh}（{minutes} 分钟内 {counted}，限额 {at_most}）。<span lang=\"en\">The monitor: {en} \
         ({counted} {measure} within {minutes} minutes, {at_most} at most).</span></p>"
    )
}

fn row(view: &SessionView, present: bool, token: &FormToken) -> String {
    let address = view.origin.as_ref().map_or_else(|| "—".to_owned(), |origin| origin.address.to_string());
    let program = view.origin.as_ref().and_then(|origin| origin.program.as_deref()).unwrap_or("—");
    let this = if present { " <b>本会话 (this one)</b>" } else { "" };
    format!(
        "<tr><td>{}{this}</td><td>{}</td><td>{} {}</td><td>{}</td><td>{}</td><td><form class=\"inline\" method=\"post\" \
         action=\"/sessions\">{}<input type=\"hidden\" name=\"session\" value=\"{}\"><button>结束 End</button></form></td></tr>",
        escape(&address),
        escape(program),
        role_zh(view.role),
        view.role,
        view.issued,
        view.last_used,
        token.field(),
        escape(&view.reference)
    )
}

//! The second factor on pages: a code behind the password, setting an app up, and the recovery codes, which are shown once.

use super::form_token::{self, FormToken};
use super::html::{escape, page, page_with_form_target};
use super::sign_in::{self, Target};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};
use yingdun_access::{Session, SignIn, SignInError, Stage};
use yingdun_model::Secret;

/// What a failed attempt says, in both languages.
type Notice = (&'static str, &'static str);

const WRONG_CODE: Notice = (
    "验证码不正确或已用过，或失败次数过多。请等待下一个验证码；连续失败五次后请等待十五分钟。",
    "The code is not right or was used, or too many attempts failed. Wait for the next code; after five failures wait 15 minutes.",
);
const WRONG_PASSWORD: Notice = (
    "密码不正确，或失败次数过多。连续失败五次后请等待十五分钟。",
    "The password is not right, or too many attempts failed. After five failures wait 15 minutes.",
);

/// The form that the person needs now: for a code, or for setting a second factor up.
pub(crate) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return Ok(sign_in::show(call)) };
    let state =
        call.service.access.second_factor(session).await.map_err(|error| identity::of_sign_in(&error))?;
    Ok(match state.confirmed {
        Some(_) => code_form(&own(), None, StatusCode::OK),
        None => password_form(session, None, StatusCode::OK),
    })
}

/// Proves the second factor by a code.
pub(crate) async fn prove(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return Ok(sign_in::show(&call)) };
    let code = Secret::new(sent.one("one_time_code")?.unwrap_or_default().to_owned());
    match call.service.access.prove_second_factor(session, &code).await {
        Ok(_) => Ok(answer::see_other("/")),
        Err(SignInError::Refused) => Ok(code_form(&own(), Some(WRONG_CODE), StatusCode::UNAUTHORIZED)),
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Makes a secret for whoever knows the password, and shows it once.
pub(crate) async fn begin(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return Ok(sign_in::show(&call)) };
    let password = Secret::new(sent.one("password")?.unwrap_or_default().to_owned());
    match call.service.access.begin_second_factor(session, password).await {
        Ok(made) => {
            let shown = format!(
                "<p>在验证器应用中添加账户：输入密钥，或打开链接。密钥只显示这一次。<br><small lang=\"en\">Add an account to \
                 your authenticator app: type the key, or open the link. The key is shown this once.</small></p>\
                 <p>密钥 <small lang=\"en\">Key</small>: <code>{}</code></p><p>链接 <small lang=\"en\">Link</small>: \
                 <code>{}</code></p>",
                escape(&grouped(made.secret.expose())),
                escape(made.uri.expose())
            );
            Ok(confirm_form(&shown, None, StatusCode::OK))
        }
        Err(SignInError::Refused) => {
            Ok(password_form(session, Some(WRONG_PASSWORD), StatusCode::UNAUTHORIZED))
        }
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Confirms the secret by its first code, and shows the recovery codes once.
pub(crate) async fn confirm(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return Ok(sign_in::show(&call)) };
    let code = Secret::new(sent.one("one_time_code")?.unwrap_or_default().to_owned());
    match call.service.access.confirm_second_factor(session, &code).await {
        Ok(codes) => {
            let rows: String = codes
                .0
                .iter()
                .map(|code| format!("<li><code>{}</code></li>", escape(code.expose())))
                .collect();
            let main = format!(
                "<p>第二因素已启用。请打印或抄下以下恢复码并妥善保管：手机丢失时，每个恢复码可代替验证码使用一次。它们不会再次显示。\
                 <br><small lang=\"en\">Your second factor is set up. Print these recovery codes or write them down, and keep \
                 them safe: when the phone is lost, each stands in for a code once. They are not shown again.</small></p>\
                 <ol>{rows}</ol><form method=\"get\" action=\"/\"><button>继续 Continue</button></form>"
            );
            Ok(shown_once(page(StatusCode::OK, "恢复码", "Recovery codes", &main)))
        }
        Err(SignInError::Refused) => Ok(confirm_form("", Some(WRONG_CODE), StatusCode::UNAUTHORIZED)),
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Where a person goes whose session is not whole yet.
pub(crate) const fn leads_to(stage: Stage) -> &'static str {
    match stage {
        Stage::Whole => "/",
        Stage::Prove | Stage::Enrol => "/second-factor",
    }
}

/// The form for a code behind the password, after a failed attempt for the program that the person signs in for.
pub(crate) fn ask_for_code(target: &Target, failed: bool) -> Response<Body> {
    let status = if failed { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    code_form(target, failed.then_some(WRONG_CODE), status)
}

/// Who signs in for a program and has to set a second factor up does that on our own pages first.
pub(crate) fn set_up_first() -> Response<Body> {
    let main = "<p class=\"notice\" role=\"alert\">此角色必须使用第二因素。请先登录影盾自己的页面进行设置，然后回到程序重新登录。\
                <br><small lang=\"en\">This role needs a second factor. Sign in on Yingdun's own page first and set it up, then \
                sign in from the program again.</small></p><form method=\"get\" action=\"/login\"><button>登录 Sign in\
                </button></form>";
    page(StatusCode::FORBIDDEN, "需要第二因素", "A second factor is needed", main)
}

// === helpers ===

fn own() -> Target {
    Target { action: "/second-factor", carried: Vec::new(), for_client: None, leads_to: None, provider: None }
}

fn code_form(target: &Target, notice: Option<Notice>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let main = format!(
        "{}<form method=\"post\" action=\"{}\">{}{}{CODE_FIELD}<button>验证 Verify</button></form>",
        said(notice),
        target.action,
        token.field(),
        target.hidden_fields()
    );
    let title = ("验证第二因素", "Second factor");
    let mut response = page_with_form_target(status, title.0, title.1, &main, target.leads_to.as_deref());
    token.attach(&mut response);
    response
}

fn password_form(session: &Session, notice: Option<Notice>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let why = match session.stage() {
        Stage::Enrol => {
            "<p>此角色必须使用第二因素：请用手机上的验证器应用设置。<br><small lang=\"en\">This role needs a second factor: set \
             it up with an authenticator app on your phone.</small></p>"
        }
        Stage::Whole | Stage::Prove => {
            "<p>用手机上的验证器应用设置第二因素。<br><small lang=\"en\">Set a second factor up with an authenticator app on \
             your phone.</small></p>"
        }
    };
    let password = match session.sign_in() {
        SignIn::OpenIdConnect => {
            "<p>若距统一登录已超过五分钟，请先<a href=\"/oidc/start?fresh=true\">重新登录</a>。<br><small lang=\"en\">If you signed in more \
             than five minutes ago, sign in again first.</small></p>"
        }
        _ => {
            "<label>密码 <small lang=\"en\">Password</small><input name=\"password\" type=\"password\" required \
             autocomplete=\"current-password\" autofocus></label>"
        }
    };
    let main = format!(
        "{}{why}<form method=\"post\" action=\"/second-factor/begin\">{}{password}<button>设置 Set up</button></form>",
        said(notice),
        token.field()
    );
    let mut response = page(status, "设置第二因素", "Set up a second factor", &main);
    token.attach(&mut response);
    response
}

fn confirm_form(shown: &str, notice: Option<Notice>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let main = format!(
        "{}{shown}<form method=\"post\" action=\"/second-factor/confirm\">{}{CODE_FIELD}<button>确认 Confirm</button></form>",
        said(notice),
        token.field()
    );
    let mut response = shown_once(page(status, "设置第二因素", "Set up a second factor", &main));
    token.attach(&mut response);
    response
}

const CODE_FIELD: &str = "<label>验证码 <small lang=\"en\">Code (six digits of the app, or a recovery code)</small>\
<input name=\"one_time_code\" required maxlength=\"64\" autocomplete=\"one-time-code\" autofocus></label>";

fn said(notice: Option<Notice>) -> String {
    notice.map_or_else(String::new, |(zh, en)| {
        format!("<p class=\"notice\" role=\"alert\">{zh}<br><small lang=\"en\">{en}</small></p>")
    })
}

/// Four characters at a time, as people read and type.
fn grouped(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn shown_once(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_in_groups_of_four() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
    }

    #[test]
    fn only_a_whole_session_leads_to_the_list() {
        assert_eq!(
            [Stage::Whole, Stage::Prove, Stage::Enrol].map(leads_to),
            ["/", "/second-factor", "/second-factor"]
        );
    }
}

//! Accepting an invitation: a person sets a password behind a one-time link.

use super::form_token::{self, FormToken};
use super::html::{escape, page};
use crate::http::body::form_of;
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::SignInError;
use yingdun_model::Secret;

/// Shows the form. The link is looked at only when the form is sent, so that opening it spends nothing.
pub(crate) fn show(call: &Call) -> Response<Body> {
    form(call.in_path("token").unwrap_or_default(), None, StatusCode::OK)
}

/// Sets the password.
pub(crate) async fn submit(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let token = call.in_path("token").unwrap_or_default();
    let password = sent.one("password")?.unwrap_or_default();
    if sent.one("again")? != Some(password) {
        let notice = ("两次输入的密码不一致。", "The two passwords differ.".to_owned());
        return Ok(form(token, Some(notice), StatusCode::BAD_REQUEST));
    }
    let password = Secret::new(password.to_owned());
    match call.service.access.accept_invitation(token, password, call.peer.into()).await {
        Ok(actor) => {
            let actor = escape(actor.as_str());
            let main = format!(
                "<p>账户 <b>{actor}</b> 的密码已设置。<br><small lang=\"en\">The password of <b>{actor}</b> is set.\
                 </small></p><form method=\"get\" action=\"/login\"><button>登录 Sign in</button></form>"
            );
            Ok(page(StatusCode::OK, "密码已设置", "Password set", &main))
        }
        Err(error @ SignInError::PasswordLength) => {
            Ok(form(token, Some(("密码长度不符合要求。", error.to_string())), StatusCode::BAD_REQUEST))
        }
        Err(SignInError::Refused) => {
            let main = "<p class=\"notice\" role=\"alert\">此邀请无效、已使用或已过期。请向系统管理员索取新的邀请。<br>\
                        <small lang=\"en\">This invitation is not valid, was used, or has expired. Ask the system \
                        administrator for a new one.</small></p>";
            Ok(page(StatusCode::UNAUTHORIZED, "邀请无效", "Invitation not valid", main))
        }
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

fn form(link: &str, notice: Option<(&str, String)>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let notice = notice.map_or_else(String::new, |(zh, en)| {
        format!("<p class=\"notice\" role=\"alert\">{zh}<br><small lang=\"en\">{}</small></p>", escape(&en))
    });
    let main = format!(
        "{notice}<form method=\"post\" action=\"/enrol/{}\">{}\
         <label>新密码 <small lang=\"en\">New password</small><input name=\"password\" type=\"password\" required \
         autocomplete=\"new-password\" autofocus></label>\
         <label>再次输入 <small lang=\"en\">Again</small><input name=\"again\" type=\"password\" required \
         autocomplete=\"new-password\"></label><button>设置 Set</button></form>",
        escape(link),
        token.field()
    );
    let mut response = page(status, "设置密码", "Set your password", &main);
    token.attach(&mut response);
    response
}

//! Accepting an invitation: a person sets a password behind a one-time link.

use super::form_token::{self, FormToken};
use super::html::{Frame, door, escape, two};
use super::reader::Reader;
use crate::http::body::form_of;
use crate::http::form::encode;
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::{PASSWORD_CHARACTERS_MIN, SignInError};
use yingdun_model::Secret;

/// Shows the form. The link is looked at only when the form is sent, so that opening it spends nothing.
pub(crate) fn show(call: &Call) -> Response<Body> {
    form(&Reader::of(call), call.in_path("token").unwrap_or_default(), None, StatusCode::OK)
}

/// Sets the password.
pub(crate) async fn submit(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let (reader, token) = (Reader::of(&call), call.in_path("token").unwrap_or_default());
    let password = sent.one("password")?.unwrap_or_default();
    if sent.one("again")? != Some(password) {
        let notice = two("两次输入的密码不一致。", "The two passwords differ.");
        return Ok(form(&reader, token, Some(&notice), StatusCode::BAD_REQUEST));
    }
    let password = Secret::new(password.to_owned());
    match call.service.access.accept_invitation(token, password, call.peer.into()).await {
        Ok(actor) => {
            let actor = escape(actor.as_str());
            let main = format!(
                "<p role=\"status\">{}</p><p><a class=\"button\" href=\"/login\">{}</a></p>",
                two(
                    &format!("账户 <b>{actor}</b> 的密码已设置，邀请链接随之失效。"),
                    &format!("The password of <b>{actor}</b> is set, and the link is spent.")
                ),
                two("登录", "Sign in")
            );
            Ok(door(&Frame::new(&reader, ("密码已设置", "Password set")), &main))
        }
        Err(error @ SignInError::PasswordLength) => {
            let notice = two("密码太短或太长，请按输入框下的要求重新设置。", &escape(&error.to_string()));
            Ok(form(&reader, token, Some(&notice), StatusCode::BAD_REQUEST))
        }
        Err(SignInError::Refused) => {
            let main = format!(
                "<p class=\"notice\" role=\"alert\">{}</p>",
                two(
                    "此邀请无效、已使用或已过期。请向给您链接的人索取新的邀请。",
                    "This invitation is not valid, was used, or has expired. Ask whoever gave you the link for a new one."
                )
            );
            let frame = Frame {
                status: StatusCode::UNAUTHORIZED,
                ..Frame::new(&reader, ("邀请无效", "Invitation not valid"))
            };
            Ok(door(&frame, &main))
        }
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

// === helpers ===

fn form(reader: &Reader, link: &str, notice: Option<&str>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let here = format!("/enrol/{}", encode(link));
    let wrong = if notice.is_some() { " aria-invalid=\"true\"" } else { "" };
    let notice = notice.map_or_else(String::new, |notice| {
        format!("<p id=\"notice\" class=\"notice\" role=\"alert\">{notice}</p>")
    });
    let main = format!(
        "<p>{}</p>{notice}<form method=\"post\" action=\"{}\">{}\
         <label>{}<input name=\"password\" type=\"password\" required minlength=\"{PASSWORD_CHARACTERS_MIN}\" \
         autocomplete=\"new-password\" aria-describedby=\"rule\"{wrong} autofocus></label><span id=\"rule\" class=\"hint\">{}</span>\
         <label>{}<input name=\"again\" type=\"password\" required autocomplete=\"new-password\"{wrong}></label>\
         <button>{}</button></form>",
        two(
            "这个链接只给您一个人。密码由您自己设置，管理员不知道，也无法查看。",
            "This link is for you alone. You set the password yourself; no administrator knows or sees it."
        ),
        escape(&here),
        token.field(),
        two("新密码", "New password"),
        two(
            &format!("至少 {PASSWORD_CHARACTERS_MIN} 个字符；几个不相干的词连在一起，好记又难猜。"),
            &format!(
                "At least {PASSWORD_CHARACTERS_MIN} characters; a few words that have nothing to do with each other are easy to keep \
                 and hard to guess."
            )
        ),
        two("再次输入", "The same again"),
        two("设置密码", "Set the password")
    );
    let frame =
        Frame { status, here: Some(&here), ..Frame::new(reader, ("设置密码", "Set your password")) };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    response
}

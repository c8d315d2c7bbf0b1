//! The second factor on pages: a passkey or a code behind the password, setting an app up, and the recovery codes, which are shown once.

use super::form_token::{self, FormToken};
use super::html::{Frame, escape, page, page_with_form_target, scripted};
use super::passkeys;
use super::sign_in::{self, Target};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::Parameters;
use crate::http::problem::Problem;
use crate::identity;
use crate::passkeys as answers;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};
use yingdun_access::{
    PasskeyError, PasskeyQuestion, RecoveryCodes, SecondFactorState, Session, SignIn, SignInError, Stage,
};
use yingdun_model::Secret;

/// What a failed attempt says, in both languages.
pub(super) type Notice = (&'static str, &'static str);

const WRONG_PASSKEY: Notice = (
    "通行密钥未被接受，或失败次数过多。请重试；连续失败五次后请等待十五分钟。",
    "The passkey was not accepted, or too many attempts failed. Try again; after five failures wait 15 minutes.",
);
const PASSKEY_DEMANDED: Notice = (
    "此角色必须使用通行密钥，验证码不能代替。",
    "This role needs the passkey; a code does not stand in for it.",
);
const WRONG_CODE: Notice = (
    "验证码不正确或已用过，或失败次数过多。请等待下一个验证码；连续失败五次后请等待十五分钟。",
    "The code is not right or was used, or too many attempts failed. Wait for the next code; after five failures wait 15 minutes.",
);
pub(super) const WRONG_PASSWORD: Notice = (
    "密码不正确，或失败次数过多。连续失败五次后请等待十五分钟。",
    "The password is not right, or too many attempts failed. After five failures wait 15 minutes.",
);

/// The form that the person needs now: for a code, or for setting a second factor up.
pub(crate) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return Ok(sign_in::show(call)) };
    let state = state_of(call, session).await?;
    if session.stage() == Stage::Enrol && state.passkey_required && state.passkeys_offered {
        return passkeys::list(call).await;
    }
    if state.confirmed.is_some() || state.passkeys > 0 {
        return proof_page(call, session, &own(None), None, StatusCode::OK).await;
    }
    Ok(password_form(session, &state, None, StatusCode::OK))
}

/// Asks somebody to prove anew what there is, and leads on to the passkeys.
pub(super) async fn prove_first(call: &Call, session: &Session) -> Result<Response<Body>, Problem> {
    let why = (
        "更改第二因素前，请再次验证；您的任一角色须用通行密钥时，请用通行密钥。",
        "Before a second factor is changed, prove it once more: by the passkey, where any of your roles needs one.",
    );
    proof_page(call, session, &own(Some(PASSKEYS)), Some(why), StatusCode::OK).await
}

/// Proves the second factor by a code.
pub(crate) async fn prove(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return Ok(sign_in::show(&call)) };
    let then = sent.one(THEN)?.filter(|then| *then == PASSKEYS).map(|_| PASSKEYS);
    match tried(&call, session, &sent).await? {
        Proved::Yes if then.is_some() => Ok(answer::see_other(passkeys::ADDRESS)),
        Proved::Yes => Ok(answer::see_other("/")),
        Proved::AndNow => Ok(answer::see_other(passkeys::ADDRESS)),
        Proved::No(notice) => {
            proof_page(&call, session, &own(then), Some(notice), StatusCode::UNAUTHORIZED).await
        }
    }
}

/// What came of an attempt to prove a second factor.
pub(crate) enum Proved {
    /// It is proved.
    Yes,
    /// It is proved, and the role demands a passkey, which there is not yet.
    AndNow,
    /// It is not.
    No(Notice),
}

/// Tries what a form brings: the answer of a passkey, or a code.
pub(crate) async fn tried(call: &Call, session: &Session, sent: &Parameters) -> Result<Proved, Problem> {
    let access = &call.service.access;
    let passkey = sent.one(PASSKEY)?.filter(|answer| !answer.is_empty());
    let (outcome, wrong) = match passkey {
        Some(answer) => {
            let proof = answers::proof(answers::in_form(answer)?)?;
            (access.prove_passkey(session, &proof).await, WRONG_PASSKEY)
        }
        None => {
            let code = Secret::new(sent.one("one_time_code")?.unwrap_or_default().to_owned());
            (access.prove_second_factor(session, &code).await, WRONG_CODE)
        }
    };
    match outcome {
        Ok(_) if passkey.is_none() && state_of(call, session).await?.passkey_required => Ok(Proved::AndNow),
        Ok(_) => Ok(Proved::Yes),
        Err(SignInError::Refused) => Ok(Proved::No(wrong)),
        Err(SignInError::Passkey(PasskeyError::Demanded)) => Ok(Proved::No(PASSKEY_DEMANDED)),
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
            let state = state_of(&call, session).await?;
            Ok(password_form(session, &state, Some(WRONG_PASSWORD), StatusCode::UNAUTHORIZED))
        }
        Err(SignInError::Passkey(PasskeyError::NotFresh)) => prove_first(&call, session).await,
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
        Ok(codes) => Ok(recovery_codes(&codes)),
        Err(SignInError::Refused) => Ok(confirm_form("", Some(WRONG_CODE), StatusCode::UNAUTHORIZED)),
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Shows recovery codes, once.
pub(super) fn recovery_codes(codes: &RecoveryCodes) -> Response<Body> {
    let rows: String =
        codes.0.iter().map(|code| format!("<li><code>{}</code></li>", escape(code.expose()))).collect();
    let main = format!(
        "<p>第二因素已启用。请打印或抄下以下恢复码并妥善保管：手机或密钥丢失时，每个恢复码可代替验证码使用一次。它们不会再次显示。\
         <br><small lang=\"en\">Your second factor is set up. Print these recovery codes or write them down, and keep \
         them safe: when the phone or the key is lost, each stands in for a code once. They are not shown again.</small></p>\
         <ol>{rows}</ol><form method=\"get\" action=\"/\"><button>继续 Continue</button></form>"
    );
    shown_once(page(StatusCode::OK, "恢复码", "Recovery codes", &main))
}

/// Where a person goes whose session is not whole yet.
pub(crate) const fn leads_to(stage: Stage) -> &'static str {
    match stage {
        Stage::Whole => "/",
        Stage::Prove | Stage::Enrol => "/second-factor",
    }
}

/// The form for a second factor behind the password, after a failed attempt for the program that the person signs in for.
pub(crate) async fn ask(
    call: &Call,
    session: &Session,
    target: &Target,
    failed: Option<Notice>,
) -> Result<Response<Body>, Problem> {
    let status = if failed.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    proof_page(call, session, target, failed, status).await
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

/// The field with the answer of a passkey.
const PASSKEY: &str = "passkey";
/// The field that says where to go on, and the one place that it may say.
const THEN: &str = "then";
const PASSKEYS: &str = "passkeys";

fn own(then: Option<&'static str>) -> Target {
    let carried = then.map(|then| (THEN, then.to_owned())).into_iter().collect();
    Target { action: "/second-factor", carried, for_client: None, leads_to: None, provider: None }
}

async fn state_of(call: &Call, session: &Session) -> Result<SecondFactorState, Problem> {
    call.service.access.second_factor(session).await.map_err(|error| identity::of_sign_in(&error))
}

/// The forms for what the person can prove: a passkey first, then a code, unless the role demands the passkey.
async fn proof_page(
    call: &Call,
    session: &Session,
    target: &Target,
    notice: Option<Notice>,
    status: StatusCode,
) -> Result<Response<Body>, Problem> {
    let state = state_of(call, session).await?;
    let asked: Option<PasskeyQuestion> = if state.passkeys > 0 && state.passkeys_offered {
        let asked = call.service.access.ask_for_passkey(session).await;
        Some(asked.map_err(|error| identity::of_sign_in(&error))?)
    } else {
        None
    };
    let (token, mut main) = (FormToken::generate(), said(notice));
    if let Some(asked) = &asked {
        main.push_str(&passkeys::proof_form(asked, target, &token));
    }
    if state.passkeys == 0 || !state.passkey_required {
        main.push_str(&format!(
            "<form method=\"post\" action=\"{}\">{}{}{CODE_FIELD}<button>验证 Verify</button></form>",
            target.action,
            token.field(),
            target.hidden_fields()
        ));
    }
    if session.stage() == Stage::Whole {
        main.push_str("<p><a href=\"/passkeys\">通行密钥 Passkeys</a> · <a href=\"/\">返回 Back</a></p>");
    }
    let frame =
        Frame { status, title: ("验证第二因素", "Second factor"), target: target.leads_to.as_deref() };
    let mut response = match asked {
        Some(_) => scripted(&frame, &main),
        None => page_with_form_target(status, frame.title.0, frame.title.1, &main, frame.target),
    };
    token.attach(&mut response);
    Ok(response)
}

fn password_form(
    session: &Session,
    state: &SecondFactorState,
    notice: Option<Notice>,
    status: StatusCode,
) -> Response<Body> {
    let token = FormToken::generate();
    let passkeys = if state.passkeys_offered {
        "<p>也可以<a href=\"/passkeys\">登记通行密钥</a>（推荐）。<br><small lang=\"en\">Or register a passkey, which is better.</small></p>"
    } else {
        ""
    };
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
        _ => PASSWORD_FIELD,
    };
    let main = format!(
        "{}{why}<form method=\"post\" action=\"/second-factor/begin\">{}{password}<button>设置 Set up</button></form>{passkeys}",
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

pub(super) const PASSWORD_FIELD: &str = "<label>密码 <small lang=\"en\">Password</small><input name=\"password\" \
type=\"password\" required autocomplete=\"current-password\" autofocus></label>";

const CODE_FIELD: &str = "<label>验证码 <small lang=\"en\">Code (six digits of the app, or a recovery code)</small>\
<input name=\"one_time_code\" required maxlength=\"64\" autocomplete=\"one-time-code\" autofocus></label>";

pub(super) fn said(notice: Option<Notice>) -> String {
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

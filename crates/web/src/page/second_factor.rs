//! The second factor on pages: a passkey or a code behind the password, setting an app up, and the recovery codes, which are shown once.

use super::form_token::{self, FormToken};
use super::html::{Frame, door, escape, scripted, two};
use super::passkeys;
use super::reader::Reader;
use super::sign_in::{self, NEXT, Target, own_path, with_next};
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
    let Some(session) = &call.identity else { return sign_in::show(call).await };
    let next = call.query.one(NEXT)?.and_then(own_path);
    let state = state_of(call, session).await?;
    if session.stage() == Stage::Enrol && state.passkey_required && state.passkeys_offered {
        return passkeys::list(call).await;
    }
    if state.confirmed.is_some() || state.passkeys > 0 {
        return proof_page(call, session, &own(call, Behind::Page(next)), None, StatusCode::OK).await;
    }
    Ok(password_form(&Reader::of(call), session, &state, None, StatusCode::OK))
}

/// Asks somebody to prove anew what there is, and leads on to the passkeys.
pub(super) async fn prove_first(call: &Call, session: &Session) -> Result<Response<Body>, Problem> {
    let why = (
        "更改第二因素前，请再次验证；您的任一角色须用通行密钥时，请用通行密钥。",
        "Before a second factor is changed, prove it once more: by the passkey, where any of your roles needs one.",
    );
    proof_page(call, session, &own(call, Behind::Passkeys), Some(why), StatusCode::OK).await
}

/// Proves the second factor by a code.
pub(crate) async fn prove(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let behind = match sent.one(THEN)? {
        Some(PASSKEYS) => Behind::Passkeys,
        _ => Behind::Page(sent.one(NEXT)?.and_then(own_path)),
    };
    match (tried(&call, session, &sent).await?, behind) {
        (Proved::Yes, Behind::Page(next)) => Ok(answer::see_other(next.as_deref().unwrap_or("/"))),
        (Proved::Yes, Behind::Passkeys) | (Proved::AndNow, _) => Ok(answer::see_other(passkeys::ADDRESS)),
        (Proved::No(notice), behind) => {
            proof_page(&call, session, &own(&call, behind), Some(notice), StatusCode::UNAUTHORIZED).await
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
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let reader = Reader::of(&call);
    let password = Secret::new(sent.one("password")?.unwrap_or_default().to_owned());
    match call.service.access.begin_second_factor(session, password).await {
        Ok(made) => {
            let (key, link) = (escape(&grouped(made.secret.expose())), escape(made.uri.expose()));
            let shown = format!(
                "<p>{}</p><p>{}</p><code class=\"secret\">{key}</code><p class=\"hint\"><a href=\"{link}\">{}</a></p>",
                two(
                    "在手机的验证器应用中添加账户，输入下面的密钥；密钥只显示这一次。",
                    "Add an account to the authenticator app on your phone and type this key. It is shown this once."
                ),
                two("密钥", "Key"),
                two("正在手机上操作？直接在验证器中打开", "On the phone already? Open it in the app")
            );
            Ok(confirm_form(&reader, &shown, None, StatusCode::OK))
        }
        Err(SignInError::Refused) => {
            let state = state_of(&call, session).await?;
            Ok(password_form(&reader, session, &state, Some(WRONG_PASSWORD), StatusCode::UNAUTHORIZED))
        }
        Err(SignInError::Passkey(PasskeyError::NotFresh)) => prove_first(&call, session).await,
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Confirms the secret by its first code, and shows the recovery codes once.
pub(crate) async fn confirm(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let code = Secret::new(sent.one("one_time_code")?.unwrap_or_default().to_owned());
    match call.service.access.confirm_second_factor(session, &code).await {
        Ok(codes) => Ok(recovery_codes(&Reader::of(&call), &codes)),
        Err(SignInError::Refused) => {
            Ok(confirm_form(&Reader::of(&call), "", Some(WRONG_CODE), StatusCode::UNAUTHORIZED))
        }
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Shows recovery codes, once.
pub(super) fn recovery_codes(reader: &Reader, codes: &RecoveryCodes) -> Response<Body> {
    let rows: String =
        codes.0.iter().map(|code| format!("<li><code>{}</code></li>", escape(code.expose()))).collect();
    let main = format!(
        "<p>{}</p><ol class=\"codes\">{rows}</ol><form method=\"get\" action=\"/\"><button>{}</button></form>",
        two(
            "第二因素已启用。请打印或抄下以下恢复码并妥善保管：手机或密钥丢失时，每个恢复码可代替验证码使用一次。它们不会再次显示。",
            "Your second factor is set up. Print these recovery codes or write them down, and keep them safe: when the phone or the key \
             is lost, each stands in for a code once. They are not shown again."
        ),
        two("已保管好，继续", "I have kept them, continue")
    );
    shown_once(door(&Frame::new(reader, ("恢复码", "Recovery codes")), &main))
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
pub(crate) fn set_up_first(call: &Call) -> Response<Body> {
    let main = format!(
        "<p class=\"notice\" role=\"alert\">{}</p><form method=\"get\" action=\"/login\"><button>{}</button></form>",
        two(
            "此角色必须使用第二因素。请先登录影盾自己的页面进行设置，然后回到程序重新登录。",
            "This role needs a second factor. Sign in on Yingdun's own page first and set it up, then sign in from the program again."
        ),
        two("登录", "Sign in")
    );
    let reader = Reader::of(call);
    let frame = Frame {
        status: StatusCode::FORBIDDEN,
        ..Frame::new(&reader, ("需要第二因素", "A second factor is needed"))
    };
    door(&frame, &main)
}

// === helpers ===

/// Where the second factor is proved.
const ADDRESS: &str = "/second-factor";
/// The field with the answer of a passkey.
const PASSKEY: &str = "passkey";
/// The field that says where to go on, and the one place that it may say.
const THEN: &str = "then";
const PASSKEYS: &str = "passkeys";

/// Where somebody goes on who has proved a second factor.
enum Behind {
    /// To a page of ours; home without one.
    Page(Option<String>),
    /// To the passkeys.
    Passkeys,
}

fn own(call: &Call, behind: Behind) -> Target {
    let (here, carried) = match behind {
        Behind::Page(next) => {
            (with_next(ADDRESS, next.as_deref()), next.map(|next| (NEXT, next)).into_iter().collect())
        }
        Behind::Passkeys => (ADDRESS.to_owned(), vec![(THEN, PASSKEYS.to_owned())]),
    };
    Target {
        reader: Reader::of(call),
        action: ADDRESS,
        here: Some(here),
        carried,
        for_client: None,
        leads_to: None,
        provider: None,
    }
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
            "<form method=\"post\" action=\"{}\">{}{}{}<button{}>{}</button></form>",
            target.action,
            token.field(),
            target.hidden_fields(),
            code_field(asked.is_none()),
            // The passkey is what the page asks for first.
            if asked.is_some() { " class=\"second\"" } else { "" },
            two("验证", "Verify")
        ));
    }
    if session.stage() == Stage::Whole {
        main.push_str(&format!(
            "<p class=\"links\"><a href=\"/passkeys\">{}</a><a href=\"/\">{}</a></p>",
            two("通行密钥", "Passkeys"),
            two("返回", "Back")
        ));
    }
    let frame = Frame {
        status,
        here: target.here.as_deref(),
        target: target.leads_to.as_deref(),
        ..Frame::new(&target.reader, ("验证第二因素", "Second factor"))
    };
    let mut response = match asked {
        Some(_) => scripted(&frame, &main),
        None => door(&frame, &main),
    };
    token.attach(&mut response);
    Ok(response)
}

fn password_form(
    reader: &Reader,
    session: &Session,
    state: &SecondFactorState,
    notice: Option<Notice>,
    status: StatusCode,
) -> Response<Body> {
    let token = FormToken::generate();
    let passkeys = match state.passkeys_offered {
        true => format!(
            "<p class=\"or\">{}</p>",
            two(
                "也可以<a href=\"/passkeys\">登记通行密钥</a>（推荐）：用指纹、面容或 PIN 解锁，不怕钓鱼网站。",
                "Or <a href=\"/passkeys\">register a passkey</a>, which is better: it opens with a finger, a face or a PIN, and no false \
                 page can have it."
            )
        ),
        false => String::new(),
    };
    let why = match session.stage() {
        Stage::Enrol => two(
            "此角色必须使用第二因素：请用手机上的验证器应用设置。",
            "This role needs a second factor: set it up with an authenticator app on your phone.",
        ),
        Stage::Whole | Stage::Prove => two(
            "用手机上的验证器应用设置第二因素：以后登录时，除密码外再输入一次性验证码。",
            "Set a second factor up with an authenticator app on your phone: from then on a one-time code is asked for behind the password.",
        ),
    };
    let password = match session.sign_in() {
        SignIn::OpenIdConnect => format!(
            "<p>{}</p>",
            two(
                "若距统一登录已超过五分钟，请先<a href=\"/oidc/start?fresh=true\">重新登录</a>。",
                "If you signed in more than five minutes ago, <a href=\"/oidc/start?fresh=true\">sign in again</a> first."
            )
        ),
        _ => password_field(),
    };
    let main = format!(
        "{}<p>{why}</p><form method=\"post\" action=\"/second-factor/begin\">{}{password}<button>{}</button></form>{passkeys}",
        said(notice),
        token.field(),
        two("设置", "Set up")
    );
    let frame = Frame {
        status,
        here: Some(ADDRESS),
        ..Frame::new(reader, ("设置第二因素", "Set up a second factor"))
    };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    response
}

fn confirm_form(reader: &Reader, shown: &str, notice: Option<Notice>, status: StatusCode) -> Response<Body> {
    let token = FormToken::generate();
    let main = format!(
        "{}{shown}<form method=\"post\" action=\"/second-factor/confirm\">{}{}<button>{}</button></form>",
        said(notice),
        token.field(),
        code_field(true),
        two("确认", "Confirm")
    );
    let frame = Frame { status, ..Frame::new(reader, ("设置第二因素", "Set up a second factor")) };
    let mut response = shown_once(door(&frame, &main));
    token.attach(&mut response);
    response
}

/// The field of the present password.
pub(super) fn password_field() -> String {
    format!(
        "<label>{}<input name=\"password\" type=\"password\" required autocomplete=\"current-password\" autofocus></label>",
        two("密码", "Password")
    )
}

fn code_field(is_first: bool) -> String {
    format!(
        "<label>{}<input name=\"one_time_code\" required maxlength=\"64\" autocomplete=\"one-time-code\" autocapitalize=\"characters\" \
         spellcheck=\"false\" aria-describedby=\"code-hint\"{}></label><span id=\"code-hint\" class=\"hint\">{}</span>",
        two("验证码", "Code"),
        if is_first { " autofocus" } else { "" },
        two("验证器应用中的六位数字，或一个恢复码", "Six digits of the app, or a recovery code")
    )
}

pub(super) fn said(notice: Option<Notice>) -> String {
    notice.map_or_else(String::new, |(zh, en)| {
        format!("<p class=\"notice\" role=\"alert\">{}</p>", two(zh, en))
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

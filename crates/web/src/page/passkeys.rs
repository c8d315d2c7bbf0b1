//! Passkeys on pages: the list, having one made, removing one, and the form that asks the browser for the proof of one.
//!
//! The question stands in the page; a script of this page hands it to the browser and sends the form with what comes back. Without a script nothing
//! happens, and the code is asked for beside it.

use super::form_token::{self, FormToken};
use super::html::{Frame, door, escape, scripted, two};
use super::reader::Reader;
use super::second_factor::{self, Notice, said};
use super::sign_in::{self, Target};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::problem::Problem;
use crate::identity;
use crate::passkeys;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::{
    PASSKEY_NAME_CHARACTERS_MAX, PasskeyError, PasskeyQuestion, PasskeyView, Session, SignIn, SignInError,
    Stage,
};
use yingdun_model::Secret;

/// Where the list is.
pub(super) const ADDRESS: &str = "/passkeys";

const REFUSED: Notice = (
    "未能登记通行密钥：浏览器的回答与此页面的请求不符，或已超过五分钟。请重试。",
    "The passkey was not registered: what the browser brought back does not answer this page, or more than five minutes went by. Try again.",
);

/// The list of the own passkeys, and the form for another one; without a session, the sign-in form.
pub(crate) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let Some(session) = &call.identity else { return sign_in::show(call).await };
    listed(call, session, None, StatusCode::OK).await
}

/// Asks the browser for a new passkey.
pub(crate) async fn begin(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let password = Secret::new(sent.one("password")?.unwrap_or_default().to_owned());
    match call.service.access.begin_passkey(session, password).await {
        Ok(asked) => Ok(new_form(&Reader::of(&call), &asked)),
        Err(error) => not_done(&call, session, error, second_factor::WRONG_PASSWORD).await,
    }
}

/// Keeps what the browser made.
pub(crate) async fn confirm(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    let credential = passkeys::in_form(sent.one("passkey")?.unwrap_or_default())?;
    let new = passkeys::new_passkey(sent.one("name")?.unwrap_or_default(), credential)?;
    match call.service.access.confirm_passkey(session, &new).await {
        Ok(Some(codes)) => Ok(second_factor::recovery_codes(&Reader::of(&call), &codes)),
        Ok(None) => Ok(answer::see_other(ADDRESS)),
        Err(error) => not_done(&call, session, error, REFUSED).await,
    }
}

/// Removes one.
pub(crate) async fn remove(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(session) = &call.identity else { return sign_in::show(&call).await };
    match call.service.access.remove_passkey(session, sent.one("passkey")?.unwrap_or_default()).await {
        Ok(()) => Ok(answer::see_other(ADDRESS)),
        Err(error) => not_done(&call, session, error, REFUSED).await,
    }
}

/// The form that asks the browser for the proof of a passkey.
pub(super) fn proof_form(asked: &PasskeyQuestion, target: &Target, token: &FormToken) -> String {
    format!(
        "<form method=\"post\" action=\"{}\" data-passkey=\"{}\">{}{}{}\
         <button type=\"button\" data-ask disabled autofocus>{}</button>{}</form>",
        target.action,
        escape(&passkeys::question(asked).to_string()),
        token.field(),
        target.hidden_fields(),
        ANSWER,
        two("使用通行密钥", "Use a passkey"),
        notes(asked)
    )
}

// === helpers ===

/// Where the script puts what the browser brings back.
const ANSWER: &str = "<input type=\"hidden\" name=\"passkey\" value=\"\">";

/// What is said while the browser asks, and when it brings nothing back: word of the script, Chinese, English.
const NOTES: [(&str, &str, &str); 6] = [
    ("waiting", "请按浏览器的提示操作。", "Follow what your browser shows."),
    (
        "cancelled",
        "已取消，或等待超时。请重试，或改用验证码。",
        "It was cancelled, or took too long. Try again, or use a code.",
    ),
    ("known", "此设备已有本账户的通行密钥。", "This device has a passkey of the account already."),
    (
        "late",
        "此页面打开已超过五分钟，请重新打开。",
        "This page was opened more than five minutes ago. Open it again.",
    ),
    (
        "unable",
        "此浏览器不支持通行密钥，请改用验证码，或换一个浏览器。",
        "This browser knows no passkeys. Use a code, or another browser.",
    ),
    (
        "failed",
        "浏览器未能完成操作。请重试，或改用验证码。",
        "The browser could not do it. Try again, or use a code.",
    ),
];

fn notes(asked: &PasskeyQuestion) -> String {
    let note = |(word, zh, en): &(&str, &str, &str)| {
        format!("<p class=\"notice\" role=\"alert\" data-say=\"{word}\" hidden>{}</p>", two(zh, en))
    };
    let mut notes: String = NOTES.iter().map(note).collect();
    let origin = escape(asked.party.origin());
    let zh = format!("通行密钥只在 {origin} 有效，请用该地址打开。");
    let en = format!("Passkeys work at {origin} only: open this page there.");
    notes.push_str(&note(&("elsewhere", zh.as_str(), en.as_str())));
    notes.push_str(&format!(
        "<noscript><p class=\"notice\">{}</p></noscript>",
        two("通行密钥需要启用脚本。", "Passkeys need scripts to be allowed.")
    ));
    notes
}

async fn listed(
    call: &Call,
    session: &Session,
    notice: Option<Notice>,
    status: StatusCode,
) -> Result<Response<Body>, Problem> {
    let access = &call.service.access;
    let of = |error: SignInError| identity::of_sign_in(&error);
    let state = access.second_factor(session).await.map_err(of)?;
    let held = state.confirmed.is_some() || state.passkeys > 0;
    // Who has not proved what there is sees nothing of it.
    if held && session.stage() == Stage::Prove {
        return Ok(answer::see_other("/second-factor"));
    }
    let found = access.own_passkeys(session).await.map_err(of)?;
    let token = FormToken::generate();
    let rows: String = found.iter().map(|view| row(view, &token)).collect();
    let mut main = said(notice);
    if session.stage() == Stage::Enrol && state.passkey_required {
        main.push_str(&format!(
            "<p>{}</p>",
            two("此角色必须使用通行密钥，请先登记。", "This role needs a passkey: register one first.")
        ));
    }
    if !rows.is_empty() {
        main.push_str(&format!(
            "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th></th></tr></thead><tbody>{rows}</tbody></table>",
            two("名称", "Name"),
            two("登记", "Registered"),
            two("最近使用", "Last used")
        ));
    }
    main.push_str(&if state.passkeys_offered { add_form(session, held, &token) } else { off() });
    main.push_str(&format!(
        "<p class=\"links\"><a href=\"/second-factor\">{}</a><a href=\"/\">{}</a></p>",
        two("第二因素", "Second factor"),
        two("返回", "Back")
    ));
    let reader = Reader::of(call);
    let frame = Frame {
        status,
        here: Some(ADDRESS),
        is_wide: !rows.is_empty(),
        ..Frame::new(&reader, ("通行密钥", "Passkeys"))
    };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    Ok(response)
}

fn off() -> String {
    format!(
        "<p class=\"notice\">{}</p>",
        two(
            "本系统未启用通行密钥：管理员须将 <code>web.public_url</code> 设为带主机名的 https 地址。",
            "Passkeys are not offered here: an administrator has to set <code>web.public_url</code> to the https address of a host with \
             a name."
        )
    )
}

fn row(view: &PasskeyView, token: &FormToken) -> String {
    let used = view.last_used.map_or_else(|| "—".to_owned(), |used| used.to_string());
    let name = escape(&view.name);
    format!(
        "<tr><td>{name}</td><td>{}</td><td>{used}</td><td><form class=\"inline\" method=\"post\" \
         action=\"/passkeys/remove\">{}<input type=\"hidden\" name=\"passkey\" value=\"{}\"><button \
         class=\"second\" aria-label=\"{} {name}\">{}</button></form></td></tr>",
        view.created,
        token.field(),
        escape(&view.reference),
        two("移除", "Remove"),
        two("移除", "Remove")
    )
}

fn add_form(session: &Session, held: bool, token: &FormToken) -> String {
    let password = if held || session.sign_in() == SignIn::OpenIdConnect {
        String::new()
    } else {
        second_factor::password_field()
    };
    format!(
        "<p>{}</p><form method=\"post\" action=\"/passkeys/begin\">{}{password}<button>{}</button></form>",
        two(
            "通行密钥存放在此电脑、手机或安全密钥中，用指纹、面容或 PIN 解锁，只对本系统的地址有效。",
            "A passkey lives in this computer, a phone or a security key, opens with a finger, a face or a PIN, and works at this \
             address only."
        ),
        token.field(),
        two("登记通行密钥", "Register a passkey")
    )
}

fn new_form(reader: &Reader, asked: &PasskeyQuestion) -> Response<Body> {
    let token = FormToken::generate();
    let main = format!(
        "<form method=\"post\" action=\"{ADDRESS}\" data-passkey=\"{}\">{}{ANSWER}\
         <label>{}<input name=\"name\" required maxlength=\"{PASSKEY_NAME_CHARACTERS_MAX}\" autocomplete=\"off\" \
         aria-describedby=\"name-hint\" autofocus></label><span id=\"name-hint\" class=\"hint\">{}</span>\
         <p><button type=\"button\" data-ask disabled>{}</button></p>{}</form><p class=\"links\"><a href=\"{ADDRESS}\">{}</a></p>",
        escape(&passkeys::question(asked).to_string()),
        token.field(),
        two("名称", "Name"),
        two("便于您辨认，例如“办公室电脑”", "By which you know it, such as “office computer”"),
        two("登记", "Register"),
        notes(asked),
        two("返回", "Back")
    );
    let mut response = scripted(&Frame::new(reader, ("登记通行密钥", "Register a passkey")), &main);
    token.attach(&mut response);
    response
}

/// What a person can put right is said on the page; the rest is a problem.
async fn not_done(
    call: &Call,
    session: &Session,
    error: SignInError,
    refused: Notice,
) -> Result<Response<Body>, Problem> {
    match error {
        SignInError::Refused => listed(call, session, Some(refused), StatusCode::UNAUTHORIZED).await,
        SignInError::Passkey(PasskeyError::NotFresh) => second_factor::prove_first(call, session).await,
        SignInError::Passkey(error) => {
            let notice = match error {
                PasskeyError::Taken => ("此通行密钥已登记。", "This passkey is registered already."),
                PasskeyError::TooMany => (
                    "账户的通行密钥已达上限，请先移除不再使用的。",
                    "The account has as many passkeys as it may: remove one first.",
                ),
                PasskeyError::Name => {
                    ("请填写 1 至 64 个字符的名称。", "Give it a name of 1 to 64 characters.")
                }
                PasskeyError::Unknown => ("没有此通行密钥。", "There is no such passkey."),
                PasskeyError::Off | PasskeyError::NotFresh | PasskeyError::Demanded => {
                    ("本系统未启用通行密钥。", "Passkeys are not offered here.")
                }
            };
            listed(call, session, Some(notice), StatusCode::CONFLICT).await
        }
        other => Err(identity::of_sign_in(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::reader;
    use axum::http::header::CONTENT_SECURITY_POLICY;
    use std::time::Duration;
    use yingdun_access::RelyingParty;

    #[tokio::test]
    async fn a_page_with_a_passkey_runs_its_one_script_and_asks_nobody_else() {
        let asked = PasskeyQuestion {
            challenge: [7; 32],
            party: RelyingParty::of_address("https://archive.example").unwrap(),
            person: None,
            credentials: vec![vec![1, 2, 3]],
            lasts: Duration::from_secs(300),
        };
        let reader = reader::reading(reader::Language::Chinese);
        let target = Target {
            reader: reader.clone(),
            action: "/second-factor",
            here: None,
            carried: Vec::new(),
            for_client: None,
            leads_to: None,
            provider: None,
        };
        let main = proof_form(&asked, &target, &FormToken::generate());
        let response = scripted(&Frame::new(&reader, ("验证", "Verify")), &main);
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("connect-src"), "{policy}");
        let text = answer::collect(response.into_body()).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(text.matches("<script>").count(), 1);
        assert!(text.contains("&quot;rpId&quot;:&quot;archive.example&quot;"));
        // Every word that the script may say stands in the page.
        for word in ["waiting", "cancelled", "known", "late", "unable", "failed", "elsewhere"] {
            assert!(super::super::html::SCRIPT.contains(&format!("\"{word}\"")), "{word}");
            assert!(text.contains(&format!("data-say=\"{word}\"")), "{word}");
        }
    }
}

//! Signing in on a page: with name, password and role, or with a one-time link; and signing out.

use super::form_token::{self, FormToken};
use super::html::{Frame, door, escape, two};
use super::reader::Reader;
use super::{provider, second_factor};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::{Parameters, encode};
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::USER_AGENT;
use axum::http::{Response, StatusCode};
use std::time::Duration;
use yingdun_access::{Login, SessionEnd, SignInError, SignedIn};
use yingdun_model::{ActorId, Role, Secret};

/// Where the form is.
const ADDRESS: &str = "/login";
/// The parameter and field that say where to go on behind the sign-in.
pub(crate) const NEXT: &str = "next";
/// The parameter by which the page says that somebody has just left, and its one value.
const ENDED: &str = "ended";
const LEFT: &str = "left";
/// The longest way back that is remembered: longer than the address of any page here.
const NEXT_BYTES_MAX: usize = 512;

/// Where a sign-in form leads and what it carries along.
pub(crate) struct Target {
    /// Who reads it.
    pub(crate) reader: Reader,
    /// The path that the form is sent to.
    pub(crate) action: &'static str,
    /// Its own address, where it can be opened again.
    pub(crate) here: Option<String>,
    /// Hidden fields.
    pub(crate) carried: Vec<(&'static str, String)>,
    /// The program for which the person signs in.
    pub(crate) for_client: Option<ActorId>,
    /// The origin to which the browser goes afterwards.
    pub(crate) leads_to: Option<String>,
    /// How a sign-in with a provider is called, where there is one, and where it begins.
    pub(crate) provider: Option<(String, String)>,
}

impl Target {
    /// The sign-in of our own pages, which leads back to where somebody was.
    pub(super) fn page(call: &Call, next: Option<String>) -> Self {
        Self {
            reader: Reader::of(call),
            action: ADDRESS,
            here: Some(with_next(ADDRESS, next.as_deref())),
            carried: next.map(|next| (NEXT, next)).into_iter().collect(),
            for_client: None,
            leads_to: None,
            provider: provider_of(call, &[]),
        }
    }

    /// What is carried along, as hidden fields.
    pub(super) fn hidden_fields(&self) -> String {
        let field = |(name, value): &(&str, String)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
        };
        self.carried.iter().map(field).collect()
    }
}

/// What the form says beside its fields.
pub(crate) struct Notice {
    zh: String,
    en: String,
    status: StatusCode,
    /// The name that was typed, so that only the password is typed again.
    name: String,
}

impl Notice {
    pub(super) fn new(zh: &str, en: &str, status: StatusCode) -> Self {
        Self { zh: zh.to_owned(), en: en.to_owned(), status, name: String::new() }
    }

    fn of(self, form: &Parameters) -> Self {
        let name = form.one("name").ok().flatten().unwrap_or_default();
        Self { name: name.chars().take(ActorId::MAX_BYTES).collect(), ..self }
    }
}

/// How a sign-in with a provider is called, and where it begins with what it carries along.
pub(crate) fn provider_of(call: &Call, carried: &[(&'static str, String)]) -> Option<(String, String)> {
    let label = call.service.access.oidc_label()?;
    Some((label.to_owned(), provider::link(carried)))
}

/// The sign-in form of the plain pages. It says why somebody has to sign in again, and leads back to where that was.
pub(crate) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let asked = call.query.one(NEXT)?.and_then(own_path);
    let console = || call.in_path("path").and_then(|path| own_path(&format!("/console/{path}")));
    let target = Target::page(call, asked.or_else(console));
    if call.query.one(ENDED)? == Some(LEFT) {
        let notice = Notice::new("您已退出登录。", "You are signed out.", StatusCode::OK);
        return Ok(form(&target, Some(&notice)));
    }
    Ok(form(&target, ended(call).await?.as_ref()))
}

/// Signs in with name and password and gives the browser its session.
pub(crate) async fn submit(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let next = sent.one(NEXT)?.and_then(own_path);
    Ok(match sign_in(&call, &sent).await? {
        Ok(signed_in) => enter(&signed_in, next.as_deref()),
        Err(notice) => form(&Target::page(&call, next), Some(&notice)),
    })
}

/// Shows the button that spends a one-time link. The link is looked at only when the button is pressed: mail
/// scanners and link previews open every link that they see.
pub(crate) fn show_link(call: &Call) -> Response<Body> {
    let (reader, token) = (Reader::of(call), FormToken::generate());
    let here = format!("{ADDRESS}/{}", encode(call.in_path("token").unwrap_or_default()));
    let main = format!(
        "<p>{}</p><form method=\"post\" action=\"{}\">{}<button autofocus>{}</button></form>",
        two("此链接只能使用一次，按下按钮后立即登录。", "This link works once: the button signs you in."),
        escape(&here),
        token.field(),
        two("登录", "Sign in")
    );
    let frame = Frame { here: Some(&here), ..Frame::new(&reader, TITLE) };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    response
}

/// Signs in with a one-time link and gives the browser its session.
pub(crate) async fn redeem(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let token = call.in_path("token").unwrap_or_default();
    match call.service.access.redeem_login_link(token, call.peer.into()).await {
        Ok(signed_in) => Ok(enter(&signed_in, None)),
        Err(SignInError::Refused) => {
            let notice = Notice::new(
                "此登录链接无效、已使用或已过期。请重新获取链接，或用密码登录。",
                "This link is not valid, was used, or has expired. Ask for a new one, or use your password.",
                StatusCode::UNAUTHORIZED,
            );
            Ok(form(&Target::page(&call, None), Some(&notice)))
        }
        Err(SignInError::Frozen) => Ok(form(&Target::page(&call, None), Some(&frozen()))),
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// Ends the session of the page.
pub(crate) async fn leave(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    if let Some(session) = &call.identity {
        call.service.access.revoke(session).await.map_err(|error| identity::of_sign_in(&error))?;
    }
    let mut response = answer::see_other(&format!("{ADDRESS}?{ENDED}={LEFT}"));
    identity::clear_session_cookie(&mut response);
    // The provider may still know who was here, and would sign that person in for whoever sits here next.
    identity::set_signed_out_cookie(&mut response);
    Ok(response)
}

/// Tries the credentials of a form. What a person can put right comes back as a notice.
pub(crate) async fn sign_in(call: &Call, form: &Parameters) -> Result<Result<SignedIn, Notice>, Problem> {
    let refused = || {
        Ok(Err(Notice::new(
            "登录名、密码或角色不正确，或失败次数过多。请检查大小写和输入法后再试；连续失败五次后请等待十五分钟；从未登录过的电脑可能要等一小时，请改用登录过的电脑。",
            "Name, password or role is not right, or too many attempts failed. Check capitals and the keyboard, and try again. After five failures wait 15 minutes; at a computer where you never signed in it may be an hour: use one where you have.",
            StatusCode::UNAUTHORIZED,
        )
        .of(form)))
    };
    let role = match form.one("role")? {
        None | Some("") => None,
        Some(word) => match word.parse::<Role>() {
            Ok(role) => Some(role),
            Err(_) => return refused(),
        },
    };
    let Some(actor) = ActorId::new(form.one("name")?.unwrap_or_default()) else { return refused() };
    let login = Login {
        institution: call.service.institution.clone(),
        actor,
        password: Secret::new(form.one("password")?.unwrap_or_default().to_owned()),
        role,
        peer: call.peer.into(),
        program: program_of(call),
    };
    match call.service.access.login(login).await {
        Ok(signed_in) => Ok(Ok(signed_in)),
        Err(SignInError::Refused) => refused(),
        Err(SignInError::ChooseRole { held }) => {
            let zh: Vec<&str> = held.iter().map(|role| role_zh(*role)).collect();
            let en: Vec<&str> = held.iter().map(|role| role.as_str()).collect();
            Ok(Err(Notice::new(
                &format!("请选择以下角色之一：{}（{}）。", zh.join("、"), en.join(", ")),
                &format!("Choose one of these roles: {}.", en.join(", ")),
                StatusCode::BAD_REQUEST,
            )
            .of(form)))
        }
        Err(SignInError::NameTaken) => Ok(Err(name_taken())),
        Err(SignInError::Frozen) => Ok(Err(frozen())),
        Err(SignInError::DirectoryUnavailable(cause)) => {
            tracing::warn!(%cause, "people of the directory cannot sign in");
            Ok(Err(Notice::new(
                "目录服务器暂时无法访问，无法验证密码。已登录的会话不受影响；请稍后再试，或使用本系统的密码账户。",
                "The directory does not answer, so no password can be tried. Open sessions go on; try again, or use an account with a password of this archive.",
                StatusCode::SERVICE_UNAVAILABLE,
            )
            .of(form)))
        }
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// What somebody is told whom another directory knows by a name that is taken here.
pub(super) fn name_taken() -> Notice {
    Notice::new(
        "此登录名在本系统已有账户，且该账户未绑定到您的身份。请联系系统管理员绑定账户。",
        "There is an account of this name here, and it is not bound to you. Ask the system administrator to bind it, if it is yours.",
        StatusCode::UNAUTHORIZED,
    )
}

/// What somebody is told whose account an officer froze: whom to call, and what to do in an emergency.
pub(super) fn frozen() -> Notice {
    Notice::new(
        "您的账户已被冻结：审计管理员在处理一条告警时停止了它的全部会话。请致电安全管理员核实并解除；急救时请由同事打开患者的影像。",
        "Your account is frozen: the audit administrator stopped all its sessions over an alert. Call the security administrator, who looks into it and lifts it. In an emergency, have a colleague open the patient.",
        StatusCode::UNAUTHORIZED,
    )
}

/// The form, with what there is to say.
pub(crate) fn form(target: &Target, notice: Option<&Notice>) -> Response<Body> {
    let token = FormToken::generate();
    let mut main = String::new();
    if let Some(client) = &target.for_client {
        let client = escape(client.as_str());
        main.push_str(&format!(
            "<p>{}</p>\n",
            two(
                &format!("程序 <b>{client}</b> 请求以您的名义查看影像。"),
                &format!("The program <b>{client}</b> asks to see images in your name.")
            )
        ));
    }
    let failed = notice.filter(|notice| notice.status != StatusCode::OK);
    if let Some(Notice { zh, en, .. }) = notice {
        let (class, role) = if failed.is_some() { ("notice", "alert") } else { ("notice calm", "status") };
        main.push_str(&format!(
            "<p id=\"notice\" class=\"{class}\" role=\"{role}\">{}</p>\n",
            two(&escape(zh), &escape(en))
        ));
    }
    let name = notice.map(|notice| escape(&notice.name)).unwrap_or_default();
    // Who only mistyped the password goes on there.
    let (first, second) = if name.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let wrong = if failed.is_some() { " aria-invalid=\"true\" aria-describedby=\"notice\"" } else { "" };
    let roles: String = Role::ALL
        .iter()
        .filter(|role| is_of_people(**role))
        .map(|role| format!("<option value=\"{role}\">{}</option>", two(role_zh(*role), role.as_str())))
        .collect();
    main.push_str(&format!(
        "<form method=\"post\" action=\"{}\">{}{}\
         <label>{}<input name=\"name\" value=\"{name}\" required maxlength=\"64\" autocomplete=\"username\" \
         autocapitalize=\"none\" spellcheck=\"false\"{wrong}{first}></label>\
         <label>{}<input name=\"password\" type=\"password\" required autocomplete=\"current-password\"{wrong}{second}></label>\
         <label>{}<select name=\"role\"><option value=\"\">{}</option>{roles}</select></label><button>{}</button></form>",
        target.action,
        token.field(),
        target.hidden_fields(),
        two("登录名", "Name"),
        two("密码", "Password"),
        two("角色", "Role"),
        two("我唯一的角色", "My only one"),
        two("登录", "Sign in")
    ));
    if let Some((label, to)) = &target.provider {
        main.push_str(&format!(
            "<p class=\"or\"><a class=\"button second\" href=\"{}\">{}</a></p>",
            escape(to),
            escape(label)
        ));
    }
    main.push_str(&help());
    let frame = Frame {
        status: notice.map_or(StatusCode::OK, |notice| notice.status),
        here: target.here.as_deref(),
        target: target.leads_to.as_deref(),
        ..Frame::new(&target.reader, TITLE)
    };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    response
}

/// Where somebody goes on behind the sign-in: a page of our own, and nothing else.
pub(crate) fn own_path(text: &str) -> Option<String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    let is_own = text == "/console/"
        || ["/console/", "/studies", "/record", "/sessions", "/passkeys", "/second-factor"]
            .iter()
            .any(|page| text.starts_with(page));
    let stays = !text.contains("//") && text.split('/').all(|part| part != ".." && part != ".");
    (text.len() <= NEXT_BYTES_MAX && is_own && stays && text.bytes().all(legal)).then(|| text.to_owned())
}

/// An address that remembers where to go on.
pub(super) fn with_next(address: &str, next: Option<&str>) -> String {
    next.map_or_else(|| address.to_owned(), |next| format!("{address}?{NEXT}={}", encode(next)))
}

/// The name of a role in Chinese.
pub(crate) const fn role_zh(role: Role) -> &'static str {
    match role {
        Role::Clinician => "临床医生",
        Role::Radiologist => "影像医生",
        Role::Specialist => "专科医生",
        Role::Chief => "科主任",
        Role::Technician => "技师",
        Role::RemoteExpert => "远程专家",
        Role::Patient => "患者",
        Role::Vendor => "厂商维护人员",
        Role::Researcher => "研究人员",
        Role::SystemAdministrator => "系统管理员",
        Role::SecurityAdministrator => "安全管理员",
        Role::AuditAdministrator => "审计管理员",
        Role::Device => "设备",
        Role::Service => "服务程序",
        Role::System => "系统",
    }
}

const fn is_of_people(role: Role) -> bool {
    match role {
        Role::Clinician
        | Role::Radiologist
        | Role::Specialist
        | Role::Chief
        | Role::Technician
        | Role::RemoteExpert
        | Role::Patient
        | Role::Vendor
        | Role::Researcher
        | Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator => true,
        Role::Device | Role::Service | Role::System => false,
    }
}

/// The program, as it calls itself.
fn program_of(call: &Call) -> Option<String> {
    call.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Why the last session of this browser is over, if one is.
async fn ended(call: &Call) -> Result<Option<Notice>, Problem> {
    let Some(token) = identity::cookie(&call.headers, identity::SESSION_COOKIE) else { return Ok(None) };
    let end = call.service.access.session_end(token, call.peer.into()).await;
    Ok(end.map_err(|error| identity::of_sign_in(&error))?.map(|end| {
        let (zh, en) = match end {
            SessionEnd::Rested { minutes } => (
                format!("超过 {minutes} 分钟未操作，已自动退出。请重新登录。"),
                format!("You were signed out after {minutes} minutes without a touch. Sign in again."),
            ),
            SessionEnd::Expired { hours } => (
                format!("登录满 {hours} 小时，已自动退出。请重新登录。"),
                format!("You were signed out {hours} hours after you signed in. Sign in again."),
            ),
            SessionEnd::Ended => (
                "会话已在别处结束，或账户的权限有变。请重新登录。".to_owned(),
                "The session was ended elsewhere, or the rights of the account changed. Sign in again."
                    .to_owned(),
            ),
        };
        Notice::new(&zh, &en, StatusCode::OK)
    }))
}

const TITLE: (&str, &str) = ("登录", "Sign in");

/// What to do who cannot sign in. It is the same for everybody, so it tells nobody which accounts there are.
fn help() -> String {
    format!(
        "<details><summary>{}</summary><p>{}</p></details>",
        two("无法登录？", "You cannot sign in?"),
        two(
            "忘记密码：请系统管理员发送新的邀请链接。丢失手机或通行密钥：使用恢复码，或请安全管理员重置第二因素。没有账户：请系统管理员建立。",
            "A forgotten password: the system administrator sends a new invitation. A lost phone or passkey: use a recovery code, or ask the \
             security administrator to reset the second factor. No account: the system administrator makes one."
        )
    )
}

/// Gives the browser its session. How long that lives is decided where it is kept: one that is not whole yet becomes so without
/// another cookie.
fn enter(signed_in: &SignedIn, next: Option<&str>) -> Response<Body> {
    let to = match (second_factor::leads_to(signed_in.session.stage()), next) {
        ("/", Some(next)) => next.to_owned(),
        ("/", None) => "/".to_owned(),
        (step, next) => with_next(step, next),
    };
    let mut response = answer::see_other(&to);
    give_session(&mut response, signed_in);
    response
}

/// Gives the browser its session with an answer.
pub(super) fn give_session(response: &mut Response<Body>, signed_in: &SignedIn) {
    identity::set_session_cookie(response, &signed_in.token, signed_in.expires_in.max(COOKIE_MIN));
}

/// How long the browser keeps a session at least: one shift.
const COOKIE_MIN: Duration = Duration::from_secs(8 * 3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::reader;

    fn target(state: &str, client: Option<ActorId>) -> Target {
        Target {
            reader: reader::reading(reader::Language::Chinese),
            action: "/oauth2/authorize",
            here: None,
            carried: vec![("state", state.into())],
            for_client: client,
            leads_to: None,
            provider: None,
        }
    }

    async fn shown(target: &Target, notice: Option<&Notice>) -> String {
        let text = answer::collect(form(target, notice).into_body()).await.unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_a_client_puts_into_its_request_cannot_become_markup() {
        let text = shown(&target("\"><script>alert(1)</script>", ActorId::new("<b>viewer</b>")), None).await;
        assert!(!text.contains("<script") && !text.contains("<b>viewer</b></b>"));
        assert!(text.contains("&lt;script&gt;"));
        let notice =
            Notice { name: "\"><script>".into(), ..Notice::new("甲", "A", StatusCode::UNAUTHORIZED) };
        let text = shown(&target("", None), Some(&notice)).await;
        assert!(!text.contains("<script") && text.contains("value=\"&quot;&gt;&lt;script&gt;\""));
    }

    #[tokio::test]
    async fn the_form_offers_the_roles_of_people_only() {
        let text = shown(&target("", None), None).await;
        assert!(text.contains("value=\"clinician\"") && text.contains("临床医生"));
        assert!(!text.contains("value=\"device\"") && !text.contains("value=\"system\""));
    }

    #[test]
    fn behind_the_sign_in_lies_a_page_of_ours_and_nothing_else() {
        for own in ["/console/", "/console/studies/1.2.840.1", "/studies", "/sessions"] {
            assert_eq!(own_path(own).as_deref(), Some(own));
        }
        let long = format!("/console/{}", "a".repeat(NEXT_BYTES_MAX));
        for other in [
            "",
            "/",
            "/logout",
            "/oidc/start",
            "//evil.example",
            "/console//evil.example",
            "/console/../oidc/start",
            "/console/./x",
            "https://evil.example/console/",
            "/\\evil.example",
            "/console/\\evil",
            "/console/?q=name",
            "/console/#x",
            "/console/%2e%2e/x",
            "/console/\r\nSet-Cookie: a",
            "javascript:alert(1)",
            long.as_str(),
        ] {
            assert_eq!(own_path(other), None, "{other}");
        }
    }
}

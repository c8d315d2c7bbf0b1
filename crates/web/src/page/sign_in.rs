//! Signing in on a page: with name, password and role, or with a one-time link; and signing out.

use super::form_token::{self, FormToken};
use super::html::{escape, page, page_with_form_target};
use super::{provider, second_factor};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::Parameters;
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::USER_AGENT;
use axum::http::{Response, StatusCode};
use std::time::Duration;
use yingdun_access::{Login, SignInError, SignedIn};
use yingdun_model::{ActorId, Role, Secret};

/// Where a sign-in form leads and what it carries along.
pub(crate) struct Target {
    /// The path that the form is sent to.
    pub(crate) action: &'static str,
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
    pub(super) fn page(call: &Call) -> Self {
        let provider = provider_of(call, &[]);
        Self { action: "/login", carried: Vec::new(), for_client: None, leads_to: None, provider }
    }

    /// What is carried along, as hidden fields.
    pub(super) fn hidden_fields(&self) -> String {
        let field = |(name, value): &(&str, String)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
        };
        self.carried.iter().map(field).collect()
    }
}

/// What a failed attempt says, in both languages.
pub(crate) struct Notice {
    zh: String,
    en: String,
    status: StatusCode,
}

impl Notice {
    pub(super) fn new(zh: &str, en: &str, status: StatusCode) -> Self {
        Self { zh: zh.to_owned(), en: en.to_owned(), status }
    }
}

/// How a sign-in with a provider is called, and where it begins with what it carries along.
pub(crate) fn provider_of(call: &Call, carried: &[(&'static str, String)]) -> Option<(String, String)> {
    let label = call.service.access.oidc_label()?;
    Some((label.to_owned(), provider::link(carried)))
}

/// The sign-in form of the plain pages.
pub(crate) fn show(call: &Call) -> Response<Body> {
    form(&Target::page(call), None)
}

/// Signs in with name and password and gives the browser its session.
pub(crate) async fn submit(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    Ok(match sign_in(&call, &sent).await? {
        Ok(signed_in) => enter(&signed_in),
        Err(notice) => form(&Target::page(&call), Some(&notice)),
    })
}

/// Shows the button that spends a one-time link. The link is looked at only when the button is pressed: mail
/// scanners and link previews open every link that they see.
pub(crate) fn show_link(call: &Call) -> Response<Body> {
    let token = FormToken::generate();
    let main = format!(
        "<p>此链接只能使用一次。<br><small lang=\"en\">This link works once.</small></p>\
         <form method=\"post\" action=\"/login/{}\">{}<button autofocus>登录 Sign in</button></form>",
        escape(call.in_path("token").unwrap_or_default()),
        token.field()
    );
    let mut response = page(StatusCode::OK, "登录", "Sign in", &main);
    token.attach(&mut response);
    response
}

/// Signs in with a one-time link and gives the browser its session.
pub(crate) async fn redeem(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let token = call.in_path("token").unwrap_or_default();
    match call.service.access.redeem_login_link(token, call.peer.into()).await {
        Ok(signed_in) => Ok(enter(&signed_in)),
        Err(SignInError::Refused) => Ok(form(
            &Target::page(&call),
            Some(&Notice {
                zh: "此登录链接无效、已使用或已过期。请重新获取链接，或用密码登录。".into(),
                en: "This link is not valid, was used, or has expired. Ask for a new one, or use your password.".into(),
                status: StatusCode::UNAUTHORIZED,
            }),
        )),
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
    let mut response = answer::see_other("/login");
    identity::clear_session_cookie(&mut response);
    // The provider may still know who was here, and would sign that person in for whoever sits here next.
    identity::set_signed_out_cookie(&mut response);
    Ok(response)
}

/// Tries the credentials of a form. What a person can put right comes back as a notice.
pub(crate) async fn sign_in(call: &Call, form: &Parameters) -> Result<Result<SignedIn, Notice>, Problem> {
    let refused = || {
        Ok(Err(Notice {
            zh: "登录名、密码或角色不正确，或失败次数过多。连续失败五次后请等待十五分钟；从未登录过的电脑可能要等一小时，请改用登录过的电脑。".into(),
            en: "Name, password or role is not right, or too many attempts failed. After five failures wait 15 minutes; at a computer where you never signed in it may be an hour: use one where you have.".into(),
            status: StatusCode::UNAUTHORIZED,
        }))
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
            Ok(Err(Notice {
                zh: format!("请选择以下角色之一：{}。", zh.join("、")),
                en: format!("Choose one of these roles: {}.", en.join(", ")),
                status: StatusCode::BAD_REQUEST,
            }))
        }
        Err(SignInError::NameTaken) => Ok(Err(name_taken())),
        Err(SignInError::DirectoryUnavailable(cause)) => {
            tracing::warn!(%cause, "people of the directory cannot sign in");
            Ok(Err(Notice::new(
                "目录服务器暂时无法访问，无法验证密码。已登录的会话不受影响；请稍后再试，或使用本系统的密码账户。",
                "The directory does not answer, so no password can be tried. Open sessions go on; try again, or use an account with a password of this archive.",
                StatusCode::SERVICE_UNAVAILABLE,
            )))
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

/// The form, after a failed attempt with its notice.
pub(crate) fn form(target: &Target, notice: Option<&Notice>) -> Response<Body> {
    let token = FormToken::generate();
    let mut main = String::new();
    if let Some(client) = &target.for_client {
        let client = escape(client.as_str());
        main.push_str(&format!(
            "<p>程序 <b>{client}</b> 请求以您的名义查看影像。<br><small lang=\"en\">The program <b>{client}</b> \
             asks to see images in your name.</small></p>\n"
        ));
    }
    if let Some(Notice { zh, en, .. }) = notice {
        main.push_str(&format!(
            "<p class=\"notice\" role=\"alert\">{}<br><small lang=\"en\">{}</small></p>\n",
            escape(zh),
            escape(en)
        ));
    }
    let carried = target.hidden_fields();
    let roles: String = Role::ALL
        .iter()
        .filter(|role| is_of_people(**role))
        .map(|role| format!("<option value=\"{role}\">{} {role}</option>", role_zh(*role)))
        .collect();
    main.push_str(&format!(
        "<form method=\"post\" action=\"{}\">{}{carried}\
         <label>登录名 <small lang=\"en\">Name</small><input name=\"name\" required maxlength=\"64\" \
         autocomplete=\"username\" autofocus></label>\
         <label>密码 <small lang=\"en\">Password</small><input name=\"password\" type=\"password\" required \
         autocomplete=\"current-password\"></label>\
         <label>角色 <small lang=\"en\">Role</small><select name=\"role\"><option value=\"\">唯一的角色 (my only \
         one)</option>{roles}</select></label><button>登录 Sign in</button></form>",
        target.action,
        token.field()
    ));
    if let Some((label, to)) = &target.provider {
        main.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escape(to), escape(label)));
    }
    let status = notice.map_or(StatusCode::OK, |notice| notice.status);
    let mut response = page_with_form_target(status, "登录", "Sign in", &main, target.leads_to.as_deref());
    token.attach(&mut response);
    response
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

/// Gives the browser its session. How long that lives is decided where it is kept: one that is not whole yet becomes so without
/// another cookie.
fn enter(signed_in: &SignedIn) -> Response<Body> {
    let mut response = answer::see_other(second_factor::leads_to(signed_in.session.stage()));
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

    #[tokio::test]
    async fn what_a_client_puts_into_its_request_cannot_become_markup() {
        let target = Target {
            action: "/oauth2/authorize",
            carried: vec![("state", "\"><script>alert(1)</script>".into())],
            for_client: ActorId::new("<b>viewer</b>"),
            leads_to: None,
            provider: None,
        };
        let text = answer::collect(form(&target, None).into_body()).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(!text.contains("<script") && !text.contains("<b>viewer</b></b>"));
        assert!(text.contains("&lt;script&gt;"));
    }

    fn nowhere() -> Target {
        Target { action: "/login", carried: Vec::new(), for_client: None, leads_to: None, provider: None }
    }

    #[tokio::test]
    async fn the_form_offers_the_roles_of_people_only() {
        let text = answer::collect(form(&nowhere(), None).into_body()).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains("value=\"clinician\"") && text.contains("临床医生"));
        assert!(!text.contains("value=\"device\"") && !text.contains("value=\"system\""));
    }
}

//! The first hour of an installation in a browser: what is protected, who the three officers are, a link for each of them, what comes next.
//!
//! Whoever has the address does what `init` does at a terminal and nothing else: no page here opens a session, and nobody sets
//! another's password. The address is spent by its button; the browser that pressed it goes on by a cookie, also after it was closed.

use super::form_token::{self, FormToken};
use super::html::{Frame, door, escape, two};
use super::reader::Reader;
use super::sign_in::role_zh;
use crate::api::problems::of_admin;
use crate::hooks::{Custody, Protection};
use crate::http::answer;
use crate::http::body::form_of;
use crate::http::form::{Parameters, encode};
use crate::http::problem::Problem;
use crate::identity;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::{
    AdminError, INVITATION_TIME, Officers, SETUP_BROWSER_TIME, Setup, SetupOfficer, SetupState, SignInError,
};
use yingdun_model::{ActorId, Role};

/// Where the steps are.
const ADDRESS: &str = "/setup";
/// The shortest login name of an officer, in characters.
const NAME_CHARACTERS_MIN: usize = 2;
/// Names that the audit log gives to nobody and to the archive itself.
const RESERVED: [&str; 2] = ["unknown", "yingdun"];

/// Shows the button that spends the address; to the browser that has spent it, the way on.
pub(crate) async fn show_link(call: &Call) -> Result<Response<Body>, Problem> {
    if identity::setup_of(&call.service, &call.headers).await?.is_some() {
        return Ok(answer::see_other(ADDRESS));
    }
    let (reader, token) = (Reader::of(call), FormToken::generate());
    let here = format!("{ADDRESS}/{}", encode(call.in_path("token").unwrap_or_default()));
    let main = format!(
        "<p>{}</p><p>{}</p><form method=\"post\" action=\"{}\">{}<button autofocus>{}</button></form><p class=\"foot\">{}</p>",
        two(
            "欢迎使用影盾。接下来几分钟，您将看到本系统怎样保护影像，确定三位管理员，并把各自的一次性链接交给他们本人。",
            "Welcome to Yingdun. In a few minutes you see how this archive protects images, name its three officers, and hand each of them \
             a link that works once."
        ),
        two(
            "您不会因此得到任何权限：不能登录，不能看影像，也不能替别人设置密码。",
            "It gives you no right: you are not signed in, see no image, and set nobody's password."
        ),
        escape(&here),
        token.field(),
        two("开始设置", "Begin"),
        two(
            &format!("此地址只能打开一次；打开后请在这个浏览器中完成，{BROWSER_HOURS} 小时内可随时接着做。"),
            &format!(
                "This address opens once; from then on it is this browser's, which may go on whenever it likes for {BROWSER_HOURS} hours."
            )
        )
    );
    let frame = Frame { here: Some(&here), ..Frame::new(&reader, ("首次设置", "The first hour")) };
    let mut response = door(&frame, &main);
    token.attach(&mut response);
    Ok(response)
}

/// Spends the address and gives it to this browser.
pub(crate) async fn open(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let token = call.in_path("token").unwrap_or_default();
    match call.service.access.open_setup(token, call.peer.into()).await {
        Ok(secret) => {
            let mut response = answer::see_other(ADDRESS);
            identity::set_setup_cookie(&mut response, &secret, SETUP_BROWSER_TIME);
            Ok(response)
        }
        Err(SignInError::Refused) => Ok(closed(&call, StatusCode::UNAUTHORIZED)),
        Err(error) => Err(identity::of_sign_in(&error)),
    }
}

/// The step at which this browser is.
pub(crate) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let Some(setup) = identity::setup_of(&call.service, &call.headers).await? else {
        return Ok(closed(call, StatusCode::FORBIDDEN));
    };
    let reader = Reader::of(call);
    let step = call.query.one("step")?;
    Ok(match &setup.state {
        SetupState::Officers if step == Some("officers") => officers_page(&reader, &Named::default(), None),
        SetupState::Officers => protection_page(&reader, call),
        SetupState::Invitations(_) if setup.is_done() || step == Some("next") => next_page(&reader, &setup),
        SetupState::Invitations(officers) => invitations_page(&reader, officers, None),
    })
}

/// Names the three officers.
pub(crate) async fn name_officers(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(setup) = identity::setup_of(&call.service, &call.headers).await? else {
        return Ok(closed(&call, StatusCode::FORBIDDEN));
    };
    let (reader, named) = (Reader::of(&call), Named::of(&sent)?);
    let officers = match named.officers() {
        Ok(officers) => officers,
        Err(fault) => return Ok(officers_page(&reader, &named, Some(fault))),
    };
    match call.service.access.name_officers(&setup, &officers).await {
        // Who sends the form twice is where the first one led.
        Ok(()) | Err(AdminError::AlreadyFounded) => Ok(answer::see_other(ADDRESS)),
        Err(AdminError::OfficersNotDistinct) => Ok(officers_page(&reader, &named, Some(Fault::Same))),
        Err(error) => Err(of_admin(error)),
    }
}

/// Makes the link of one officer and shows it once.
pub(crate) async fn invite(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(setup) = identity::setup_of(&call.service, &call.headers).await? else {
        return Ok(closed(&call, StatusCode::FORBIDDEN));
    };
    let SetupState::Invitations(officers) = &setup.state else { return Ok(answer::see_other(ADDRESS)) };
    let reader = Reader::of(&call);
    let role = sent.required("role")?.parse::<Role>().ok().filter(|role| role.is_officer());
    let role = role.ok_or_else(|| Problem::bad_request("one of the three offices", "another word"))?;
    match call.service.access.invite_officer(&setup, role).await {
        Ok(link) => {
            let address = format!("{}/enrol/{}", call.service.origin, link.token.expose());
            Ok(link_page(&reader, role, &link.actor, &call.service.origin, &address))
        }
        Err(AdminError::NotFound) => Ok(invitations_page(&reader, officers, Some(StatusCode::CONFLICT))),
        Err(error) => Err(of_admin(error)),
    }
}

/// Lets this browser go.
pub(crate) async fn end(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let sent = form_of(body).await?;
    form_token::check(&call.headers, &sent, &call.service.origin)?;
    let Some(setup) = identity::setup_of(&call.service, &call.headers).await? else {
        return Ok(closed(&call, StatusCode::FORBIDDEN));
    };
    call.service.access.leave_setup(&setup).await.map_err(of_admin)?;
    let mut response = answer::see_other("/login");
    identity::clear_setup_cookie(&mut response);
    Ok(response)
}

// === helpers ===

/// How long the browser may go on, in hours.
const BROWSER_HOURS: u64 = SETUP_BROWSER_TIME.as_secs() / 3600;
/// How long a link lives, in hours.
const LINK_HOURS: u64 = INVITATION_TIME.as_secs() / 3600;

const TITLE: (&str, &str) = ("首次设置", "The first hour");

/// What stands at each step.
const STEPS: [(&str, &str); 4] = [
    ("怎样保护", "What protects it"),
    ("确定三员", "Three officers"),
    ("交付链接", "A link for each"),
    ("接下来", "What comes next"),
];

/// What was typed.
#[derive(Default)]
struct Named {
    names: [String; 3],
    are_three_people: bool,
}

/// Why nobody is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// This one is no name.
    Name(usize),
    /// Two of them are one.
    Same,
    /// Nobody said that they are three people.
    NotConfirmed,
}

impl Named {
    fn of(sent: &Parameters) -> Result<Self, Problem> {
        let name =
            |field| -> Result<String, Problem> { Ok(sent.one(field)?.unwrap_or_default().trim().to_owned()) };
        let names = [name("system")?, name("security")?, name("audit")?];
        Ok(Self { names, are_three_people: sent.one("three_people")? == Some("yes") })
    }

    fn officers(&self) -> Result<Officers, Fault> {
        let name = |index: usize| {
            let text = self.names.get(index).map(String::as_str).unwrap_or_default();
            officer_name(text).ok_or(Fault::Name(index))
        };
        let officers = Officers { system: name(0)?, security: name(1)?, audit: name(2)? };
        if self.are_three_people { Ok(officers) } else { Err(Fault::NotConfirmed) }
    }
}

/// A login name that people can type and tell from others, and that the audit log gives to nobody else.
fn officer_name(text: &str) -> Option<ActorId> {
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || ".-_@".contains(c));
    let is_free = !RESERVED.contains(&text.to_lowercase().as_str());
    (is_plain && is_free && text.chars().count() >= NAME_CHARACTERS_MIN).then(|| ActorId::new(text)).flatten()
}

fn steps(present: usize) -> String {
    let one = |(index, (zh, en)): (usize, &(&str, &str))| {
        let mark = match index.cmp(&present) {
            std::cmp::Ordering::Less => " class=\"past\"",
            std::cmp::Ordering::Equal => " aria-current=\"step\"",
            std::cmp::Ordering::Greater => "",
        };
        format!("<li{mark}>{}</li>", two(zh, en))
    };
    let items: String = STEPS.iter().enumerate().map(one).collect();
    format!("<ol class=\"steps\">{items}</ol>")
}

fn guide(
    reader: &Reader,
    status: StatusCode,
    title: (&str, &str),
    here: Option<&str>,
    main: &str,
) -> Response<Body> {
    door(&Frame { status, here, is_wide: true, ..Frame::new(reader, title) }, main)
}

/// One answer to everybody who may not go on: it does not tell whether there is something to set up.
fn closed(call: &Call, status: StatusCode) -> Response<Body> {
    let reader = Reader::of(call);
    let main = format!(
        "<p class=\"notice\" role=\"alert\">{}</p><p>{}</p><code class=\"secret\">yingdun setup-link --config …/yingdun.toml</code>\
         <p><a class=\"button second\" href=\"/login\">{}</a></p>",
        two(
            "首次设置不能从这里继续：地址无效、已打开过或已过期，或者三位管理员都已有账户。",
            "The first hour does not go on from here: the address is not valid, was opened or has expired, or the three officers have their \
             accounts."
        ),
        two(
            "若尚未完成，请在服务器上停止服务，用下面的命令生成新的地址，再启动服务；旧地址随即失效。",
            "If it is not finished, stop the server, make a new address with this command, and start it again. The old address dies."
        ),
        two("去登录", "To the sign-in")
    );
    door(&Frame { status, ..Frame::new(&reader, TITLE) }, &main)
}

fn protection_page(reader: &Reader, call: &Call) -> Response<Body> {
    let Protection { replicas, write_quorum, offsite, custody, audit_log, is_witnessed } =
        &*call.service.hooks.protection;
    let places: String = replicas.iter().map(|place| format!("<br><code>{}</code>", escape(place))).collect();
    let (count, log) = (replicas.len(), escape(audit_log));
    let elsewhere = match offsite {
        0 => two(
            "异地副本：未配置。本机所在的楼若失火，所有副本一起失去。",
            "Copies elsewhere: none. A fire in this building takes all of them.",
        ),
        _ => two(&format!("异地副本：{offsite} 份。"), &format!("Copies elsewhere: {offsite}.")),
    };
    let witnessed = match is_witnessed {
        true => two("另有见证方共同签名。", "Witnesses cosign it."),
        false => two(
            "尚无见证方；三员到位后建议配置。",
            "There are no witnesses yet; have some once the officers are there.",
        ),
    };
    let (kept_by, keep) = custody_words(custody);
    let row = |zh: &str, en: &str, what: String| format!("<dt>{}</dt><dd>{what}</dd>", two(zh, en));
    let rows = [
        row("机构", "Institution", format!("<b>{}</b>", escape(&reader.institution))),
        row("地址", "Address", format!("<code>{}</code>", escape(&call.service.origin))),
        row(
            "影像副本",
            "Replicas",
            two(
                &format!("{count} 份，写满 {write_quorum} 份才算收到；每份都加密，坏的自动修复。"),
                &format!(
                    "{count}; an image counts as received when {write_quorum} have it. Each is sealed, and a damaged one repairs itself."
                ),
            ) + &places
                + "<br>"
                + &elsewhere,
        ),
        row("密钥", "Keys", kept_by),
        row(
            "审计日志",
            "Audit log",
            two(
                "只能追加，改动一个字节就会被发现；从现在起的每一步都记在上面。",
                "It can only grow, and a byte that is changed is found. Every step from here on is on it.",
            ) + &format!("<br><code>{log}</code><br>")
                + &witnessed,
        ),
    ]
    .concat();
    let main = format!(
        "{}<p>{}</p><dl>{rows}</dl><h2>{}</h2><div class=\"notice\">{keep}</div>\
         <form method=\"get\" action=\"{ADDRESS}\"><input type=\"hidden\" name=\"step\" value=\"officers\">\
         <div class=\"row\"><button autofocus>{}</button></div></form>",
        steps(0),
        two("安装时已经这样配置好了：", "This is how it was configured:"),
        two("现在就要收好的东西", "What to put away now"),
        two("已看过，继续", "I have seen it, go on")
    );
    guide(reader, StatusCode::OK, ("影像怎样受到保护", "How images are protected here"), Some(ADDRESS), &main)
}

/// Who keeps the root key, and what to put away so that it is never lost.
fn custody_words(custody: &Custody) -> (String, String) {
    let database = two(
        "备份密钥：<code>yingdun keys backup</code>；定期演练：<code>yingdun keys rehearse</code>。没有备份，丢了密钥就永远打不开影像。",
        "Back the keys up with <code>yingdun keys backup</code>, and rehearse with <code>yingdun keys rehearse</code>: without a backup, \
         lost keys are lost images.",
    );
    let (kept_by, keep) = match custody {
        Custody::Passphrase { root_file, passphrase_file } => {
            let (root, passphrase) = (escape(root_file), escape(passphrase_file));
            (
                two(
                    &format!(
                        "根密钥在加密文件中，由口令打开。<br><code>{root}</code><br><code>{passphrase}</code>"
                    ),
                    &format!(
                        "The root key is in a sealed file that a passphrase opens.<br><code>{root}</code><br><code>{passphrase}</code>"
                    ),
                ),
                two(
                    "把口令文件和根密钥文件各抄一份，分开存放，都不要放在这台机器或备份影像的地方：两样合在一起就能打开全部影像。",
                    "Copy the passphrase and the root-key file to two places apart, neither of them this machine nor where images are \
                     backed up: together they open everything.",
                ),
            )
        }
        Custody::Shares { root_file } => {
            let root = escape(root_file);
            (
                two(
                    &format!(
                        "根密钥在加密文件中，由几个人各持一份的密钥份额共同打开；每次启动都要凑够份额。<br><code>{root}</code>"
                    ),
                    &format!(
                        "The root key is in a sealed file that shares of several people open, at each start.<br><code>{root}</code>"
                    ),
                ),
                two(
                    "把每份份额交给一位保管人，从介质上删除，并记下谁持有哪一份；不要让一个人凑够份额。",
                    "Give each share to its keeper, delete it from the medium, and write down who has which. Let nobody hold enough of them.",
                ),
            )
        }
        Custody::Token { token } => {
            let token = escape(token);
            (
                two(
                    &format!("根密钥在硬件令牌“{token}”中，不会离开它。"),
                    &format!("The root key is on the hardware token “{token}” and never leaves it."),
                ),
                two(
                    "按厂商说明备份令牌，PIN 与令牌分开保管；令牌坏了又没有备份，影像就打不开。",
                    "Back the token up as its vendor says, and keep the PIN apart from it: a token that breaks without a backup takes the \
                     images with it.",
                ),
            )
        }
        Custody::Transit { address } => {
            let address = escape(address);
            (
                two(
                    &format!("根密钥由密钥服务器保管，本机没有它。<br><code>{address}</code>"),
                    &format!(
                        "A key server keeps the root key; it is not on this machine.<br><code>{address}</code>"
                    ),
                ),
                two(
                    "确认密钥服务器有备份，恢复它所需的材料不只在一个人手里。",
                    "See that the key server is backed up, and that what restores it is not with one person.",
                ),
            )
        }
    };
    (kept_by, format!("<p>{keep}</p><p>{database}</p>"))
}

/// What an officer does and does not do.
fn office_words(role: Role) -> String {
    match role {
        Role::SystemAdministrator => two(
            "管账户、设备和存储；不能授权，看不到影像和日志。",
            "Looks after accounts, devices and storage; gives no rights, sees no image and no log.",
        ),
        Role::SecurityAdministrator => two(
            "管角色、权限、密钥和告警；不能建账户，看不到影像。",
            "Looks after roles, rights, keys and alerts; makes no account, sees no image.",
        ),
        _ => two(
            "查阅和证明审计日志，批准销毁；不能改任何东西。",
            "Reads and proves the audit log, approves destruction; changes nothing.",
        ),
    }
}

fn officers_page(reader: &Reader, named: &Named, fault: Option<Fault>) -> Response<Body> {
    let token = FormToken::generate();
    let notice = match fault {
        None => String::new(),
        Some(fault) => {
            let words = match fault {
                Fault::Name(_) => two(
                    "登录名须为 2 至 64 个字符，只用字母、汉字、数字和 . - _ @，且不是系统保留的名字。",
                    "A login name has 2 to 64 characters: letters, digits and . - _ @, and is none that the archive keeps for itself.",
                ),
                Fault::Same => two(
                    "三位管理员必须是三个不同的人，登录名不能相同（大小写不同也不行）。",
                    "The three officers are three people: their names differ, and by more than capitals.",
                ),
                Fault::NotConfirmed => {
                    two("请确认三个账户分属三个人。", "Confirm that the three accounts are of three people.")
                }
            };
            format!("<p id=\"notice\" class=\"notice\" role=\"alert\">{words}</p>")
        }
    };
    let fields: String = Role::OFFICERS
        .iter()
        .zip(["system", "security", "audit"])
        .zip(&named.names)
        .enumerate()
        .map(|(index, ((role, field), name))| {
            let is_wrong = matches!(fault, Some(Fault::Same)) || fault == Some(Fault::Name(index));
            let wrong = if is_wrong { " aria-invalid=\"true\"" } else { "" };
            let first = if index == 0 { " autofocus" } else { "" };
            format!(
                "<div><h2>{}</h2><span class=\"hint\" id=\"{field}-hint\">{}</span>\
                 <label>{}<input name=\"{field}\" value=\"{}\" required minlength=\"{NAME_CHARACTERS_MIN}\" maxlength=\"64\" \
                 autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" aria-describedby=\"{field}-hint\"{wrong}{first}></label></div>",
                two(role_zh(*role), role_en(*role)),
                office_words(*role),
                two("登录名", "Login name"),
                escape(name)
            )
        })
        .collect();
    let checked = if named.are_three_people { " checked" } else { "" };
    let main = format!(
        "{}<p>{}</p>{notice}<form method=\"post\" action=\"{ADDRESS}/officers\">{}<div class=\"officers\">{fields}</div>\
         <label><input type=\"checkbox\" name=\"three_people\" value=\"yes\" required{checked}>{}</label>\
         <div class=\"row\"><button>{}</button><a class=\"button second\" href=\"{ADDRESS}\">{}</a></div></form>\
         <details><summary>{}</summary><p>{}</p><code class=\"secret\">yingdun init --directory DIR</code></details>",
        steps(1),
        two(
            "三员分立：没有一个人能独自做完一件危险的事。登录名以后不能改，也不会再给别人用。",
            "Three officers, three people: nobody can do a dangerous thing alone. A login name never changes, and is never given to \
             somebody else."
        ),
        token.field(),
        two(
            "这三个账户分属三个不同的人，各人自己设置密码。",
            "The three accounts are of three different people, and each sets the own password."
        ),
        two("建立三个账户", "Make the three accounts"),
        two("返回", "Back"),
        two("用命令行完成", "Do it from the command line"),
        two(
            "不带 --setup-link 安装时，会直接建立 system-admin、security-admin、audit-admin 三个账户，并在终端显示三个一次性链接：",
            "Without --setup-link, an installation makes the accounts system-admin, security-admin and audit-admin, and prints their \
             three links at the terminal:"
        )
    );
    let status = if fault.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let here = format!("{ADDRESS}?step=officers");
    let mut response =
        guide(reader, status, ("确定三位管理员", "Name the three officers"), Some(&here), &main);
    token.attach(&mut response);
    response
}

fn invitations_page(
    reader: &Reader,
    officers: &[SetupOfficer; 3],
    refused: Option<StatusCode>,
) -> Response<Body> {
    let token = FormToken::generate();
    let notice = refused.map_or_else(String::new, |_| {
        format!(
            "<p class=\"notice\" role=\"alert\">{}</p>",
            two(
                "没有生成链接：这位管理员已设置密码，账户只归本人所有。",
                "No link was made: this officer has set a password by now, and the account is nobody else's."
            )
        )
    });
    let one = |SetupOfficer { actor, role, has_password }: &SetupOfficer| {
        let name = escape(actor.as_str());
        let state = match has_password {
            true => format!("<p class=\"done\">✓ {}</p>", two("密码已设置", "The password is set")),
            false => format!(
                "<form method=\"post\" action=\"{ADDRESS}/invitation\">{}<input type=\"hidden\" name=\"role\" value=\"{role}\">\
                 <button aria-label=\"{} {name}\">{}</button></form>",
                token.field(),
                two("生成一次性链接：", "Make the link of"),
                two("生成一次性链接", "Make the link")
            ),
        };
        format!("<div><h2>{}</h2><code>{name}</code>{state}</div>", two(role_zh(*role), role_en(*role)))
    };
    let cards: String = officers.iter().map(one).collect();
    let main = format!(
        "{}<p>{}</p>{notice}<div class=\"officers\">{cards}</div><div class=\"row\"><a class=\"button\" href=\"{ADDRESS}\">{}</a>\
         <a class=\"button second\" href=\"{ADDRESS}?step=next\">{}</a></div>",
        steps(2),
        two(
            "最好让三个人轮流来到这里：每人生成自己的链接，当场打开并设置密码。链接只显示一次；重新生成时，旧链接失效。",
            "Best have the three come here in turn: each makes the own link, opens it and sets a password. A link is shown once; a new one \
             ends the old one."
        ),
        two("刷新状态", "Look again"),
        two("先看接下来做什么", "See what comes next")
    );
    let status = refused.unwrap_or(StatusCode::OK);
    let title = ("把链接交给三位管理员", "Hand the officers their links");
    let mut response = guide(reader, status, title, Some(ADDRESS), &main);
    token.attach(&mut response);
    response
}

fn link_page(reader: &Reader, role: Role, actor: &ActorId, origin: &str, address: &str) -> Response<Body> {
    let (name, server, link) = (escape(actor.as_str()), escape(origin), escape(address));
    let main = format!(
        "{}<p>{}</p><code class=\"secret\">{link}</code><div class=\"row\"><a class=\"button\" href=\"{ADDRESS}\">{}</a>\
         <a class=\"button second\" href=\"{link}\" target=\"_blank\" rel=\"noopener\">{}</a></div>\
         <details><summary>{}</summary><p>{}</p><code class=\"secret\">yingdun invitation accept {link} --server {server} --ca-file ca.pem</code></details>",
        steps(2),
        two(
            &format!(
                "请把下面的链接只交给 <b>{name}</b>（{}）本人。{LINK_HOURS} 小时内有效，只能用一次；离开本页后不会再显示。",
                role_zh(role)
            ),
            &format!(
                "Give this link to <b>{name}</b> ({}) and to nobody else. It lives for {LINK_HOURS} hours and works once; this page is \
                 the only place where it is shown.",
                role_en(role)
            )
        ),
        two("已交给本人，返回", "It is handed over, back"),
        two("本人就在这里：打开", "The officer is here: open it"),
        two("用命令行完成", "Do it from the command line"),
        two("本人在自己的机器上：", "The officer, at the own machine:")
    );
    guide(reader, StatusCode::OK, ("一次性链接", "A link that works once"), None, &main)
}

fn next_page(reader: &Reader, setup: &Setup) -> Response<Body> {
    let token = FormToken::generate();
    let notice = match setup.is_done() {
        true => format!(
            "<p class=\"notice calm\" role=\"status\">{}</p>",
            two(
                "三位管理员都已设置密码，首次设置完成。",
                "The three officers have set their passwords: the first hour is over."
            )
        ),
        false => format!(
            "<p class=\"notice\" role=\"status\">{}</p>",
            two(
                &format!("还有管理员没有设置密码：<a href=\"{ADDRESS}\">返回交付链接</a>。"),
                &format!(
                    "Not all officers have set their passwords: <a href=\"{ADDRESS}\">back to the links</a>."
                )
            )
        ),
    };
    let main = format!(
        "{}{notice}<ol class=\"next\"><li>{}</li><li>{}</li><li>{}</li></ol>\
         <form method=\"post\" action=\"{ADDRESS}/end\">{}<div class=\"row\"><button>{}</button></div></form><p class=\"foot\">{}</p>",
        steps(3),
        two(
            "<b>系统管理员</b>登录控制台，登记第一台设备，邀请医生和技师；再给每个管理员岗位各邀请一位后备。",
            "The <b>system administrator</b> signs in, registers the first device, and invites doctors and technicians; and a second \
             person for each office."
        ),
        two(
            "<b>安全管理员</b>给他们角色和诊疗关系，并要求管理员使用第二因素或通行密钥。",
            "The <b>security administrator</b> gives them roles and care relations, and has officers use a second factor or a passkey."
        ),
        two(
            "<b>审计管理员</b>把审计日志的公钥（安装目录中的 <code>audit.vkey</code>）抄到别处保管，再查一遍到现在为止的记录。",
            "The <b>audit administrator</b> keeps a copy of the public key of the audit log (<code>audit.vkey</code> in the folder of the \
             installation) elsewhere, and reads what is on the log so far."
        ),
        token.field(),
        two("结束设置，去登录", "End here, and sign in"),
        two(
            "上机检查：<code>yingdun doctor --config …/yingdun.toml</code>",
            "Check the machine: <code>yingdun doctor --config …/yingdun.toml</code>"
        )
    );
    let here = format!("{ADDRESS}?step=next");
    let mut response =
        guide(reader, StatusCode::OK, ("接下来的三步", "The next three steps"), Some(&here), &main);
    token.attach(&mut response);
    response
}

/// The name of an office in English.
const fn role_en(role: Role) -> &'static str {
    match role {
        Role::SystemAdministrator => "System administrator",
        Role::SecurityAdministrator => "Security administrator",
        Role::AuditAdministrator => "Audit administrator",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: [&str; 3], are_three_people: bool) -> Named {
        Named { names: names.map(str::to_owned), are_three_people }
    }

    #[test]
    fn a_name_is_one_that_people_type_and_the_log_gives_to_nobody_else() {
        for good in ["li.ming", "王建国", "zhao-6", "a@b", "it_admin"] {
            assert!(officer_name(good).is_some(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "a",
            "li ming",
            "li\u{200b}ming",
            "<b>",
            "a\u{e001}b",
            "Yingdun",
            "unknown",
            "a/b",
            long.as_str(),
        ] {
            assert!(officer_name(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn nobody_is_named_before_it_is_said_that_they_are_three() {
        assert!(named(["li", "wang", "zhao"], true).officers().is_ok());
        assert_eq!(named(["li", "wang", "zhao"], false).officers(), Err(Fault::NotConfirmed));
        assert_eq!(named(["li", "", "zhao"], true).officers(), Err(Fault::Name(1)));
    }
}

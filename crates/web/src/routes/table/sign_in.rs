//! How people and programs sign in: OAuth 2, OpenID Connect, and the plain pages.

use super::common::{CURSOR, JSON, OK, STUDY, field, open, optional, path, query};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const HTML: &[&str] = &["text/html; charset=utf-8"];
const CODE_FORM: &[Parameter] = &[
    field("one_time_code", Schema::Text, "Six digits of the app, or a recovery code"),
    field("form_token", Schema::Text, "Proof that the form was opened here"),
];

/// What a browser brings back of a passkey.
const PASSKEY: Parameter = optional(
    "passkey",
    Schema::Shaped(&shapes::PASSKEY),
    "Or what the browser brings back of a passkey, as JSON",
);
const PROOF_FORM: &[Parameter] = &[
    optional("one_time_code", Schema::Text, "Six digits of the app, or a recovery code"),
    PASSKEY,
    optional("then", Schema::Text, "passkeys, to go on there"),
    GO_ON,
    field("form_token", Schema::Text, "Proof that the form was opened here"),
];

const LINK: Parameter = path("token", Schema::Text, "What the link ends in");
const AUTHORIZE: &[Parameter] = &[
    query("response_type", Schema::Text, "code"),
    query("client_id", Schema::Text, "The program"),
    query("redirect_uri", Schema::Text, "One of its registered addresses"),
    query("state", Schema::Text, "Comes back unchanged"),
    query("code_challenge", Schema::Text, "PKCE challenge"),
    query("code_challenge_method", Schema::Text, "S256"),
];

const START_AT_PROVIDER: &[Parameter] = &[
    query("role", Schema::Text, "The role to act in; may be left out by who has one only"),
    query("fresh", Schema::Flag, "Whether the person has to be authenticated anew"),
    query("response_type", Schema::Text, "For a program: code"),
    query("client_id", Schema::Text, "For a program: the program"),
    query("redirect_uri", Schema::Text, "For a program: one of its registered addresses"),
    query("state", Schema::Text, "For a program: comes back unchanged"),
    query("code_challenge", Schema::Text, "For a program: PKCE challenge"),
    query("code_challenge_method", Schema::Text, "For a program: S256"),
];

const BACK_FROM_PROVIDER: &[Parameter] = &[
    query("state", Schema::Text, "As it was given to the provider"),
    query("code", Schema::Text, "The code of the provider"),
    query("iss", Schema::Text, "Who answers (RFC 9207)"),
    query("error", Schema::Text, "Why the provider signed nobody in"),
];

const ROLE: Parameter =
    optional("role", Schema::Text, "The role to act in; may be left out by who has one only");
const FORM_TOKEN: Parameter = field("form_token", Schema::Text, "Proof that the form was opened here");

/// The language of a page at the door, and where somebody goes on behind it.
const LANGUAGE: Parameter =
    query("language", Schema::Word(&["zh-CN", "en"]), "The language to show it in, from now on");
const NEXT: Parameter =
    query("next", Schema::Shaped(&shapes::PAGE), "The page of our own to go on to behind the sign-in");
const GO_ON: Parameter = optional("next", Schema::Shaped(&shapes::PAGE), "The page of our own to go on to");
const LOGIN_PAGE: &[Parameter] = &[
    LANGUAGE,
    NEXT,
    query("ended", Schema::Word(&["left"]), "left, to say that somebody has just signed out"),
];

const SIGN_IN: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    field("password", Schema::Text, "Password"),
    ROLE,
    GO_ON,
    FORM_TOKEN,
];

/// Two steps of one address: the password, and behind it what proves the second factor, without the password.
const SIGN_IN_FOR_A_PROGRAM: &[Parameter] = &[
    optional("name", Schema::Text, "Login name, in the first step"),
    optional("password", Schema::Text, "Password, in the first step"),
    ROLE,
    FORM_TOKEN,
    optional("one_time_code", Schema::Text, "The code of the second factor, in the step behind the password"),
    PASSKEY,
];

/// A plain page about the own account, also while the sign-in is not finished.
const fn own_page(
    method: Method,
    path: &'static str,
    body: BodyRule,
    answers: &'static [(u16, &'static str)],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method,
        path,
        family: Family::Page,
        needs: Needs::OwnCookieInPart,
        body,
        parameters: &[],
        produces: HTML,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

const CONSOLE: &[(u16, &str)] =
    &[(200, "The page of the console, or the sign-in form"), (303, "The sign-in is not finished")];

rows! {
    /// Token endpoint.
    Token => open(Method::Post, "/oauth2/token", Family::OAuth, BodyRule::Form(list![field("grant_type", Schema::Text, "client_credentials or authorization_code"), optional("client_id", Schema::Text, "The client, unless it proves itself by Basic"), optional("client_secret", Schema::Text, "Its secret, unless it proves itself by Basic"), optional("code", Schema::Text, "The authorization code"), optional("redirect_uri", Schema::Text, "The address of the authorization request"), optional("code_verifier", Schema::Text, "The PKCE verifier")]), &[], JSON, &[(200, "A token"), (401, "The client is not accepted")], "取得访问令牌", "Get an access token"),
    /// Revocation endpoint.
    Revoke => open(Method::Post, "/oauth2/revoke", Family::OAuth, BodyRule::Form(list![field("token", Schema::Shaped(&shapes::ANYTHING), "The token to end")]), &[], &[], &[(200, "The token does not work any more")], "吊销访问令牌", "Revoke an access token"),
    /// Introspection endpoint.
    Introspect => Route { needs: Needs::OwnToken, ..open(Method::Post, "/oauth2/introspect", Family::OAuth, BodyRule::Form(list![field("token", Schema::Shaped(&shapes::ANYTHING), "The token to tell of"), optional("token_type_hint", Schema::Text, "Passed over: there is one type")]), &[], JSON, &[(200, "What the token is, or that it is not active"), (403, "Not a service client with the scope `introspect`")], "查询令牌是否有效", "Tell whether a token works, and whose it is") },
    /// Authorization endpoint: the form.
    AuthorizeForm => open(Method::Get, "/oauth2/authorize", Family::OAuth, BodyRule::None, AUTHORIZE, HTML, &[(200, "The sign-in form"), (303, "Back to the client with an error")], "授权登录页", "Sign in for a program"),
    /// Authorization endpoint: the form was sent.
    Authorize => open(Method::Post, "/oauth2/authorize", Family::OAuth, BodyRule::Form(SIGN_IN_FOR_A_PROGRAM), &[], HTML, &[(200, "The password is right, and a second factor is asked for"), (303, "Back to the client with a code"), (401, "The credentials are not accepted"), (403, "The form was not opened here")], "提交授权登录", "Send the sign-in form for a program"),
    /// Authorization server metadata.
    OAuthMetadata => open(Method::Get, "/.well-known/oauth-authorization-server", Family::OAuth, BodyRule::None, &[], JSON, OK, "授权服务器元数据", "Authorization server metadata"),
    /// Home.
    Home => Route { method: Method::Get, path: "/", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::None, parameters: list![query("offset", Schema::Number, "Rows to skip")], produces: HTML, answers: &[(200, "The studies that the person may see, where the console is not built in; or the sign-in form"), (303, "To the console")], summary_zh: "首页", summary_en: "Home" },
    /// The page of the console.
    Console => own_page(Method::Get, "/console/", BodyRule::None, CONSOLE, "控制台", "The console"),
    /// The page of the console, at one of its addresses.
    ConsolePlace => Route { parameters: list![path("path", Schema::Text, "What the console shows")], ..own_page(Method::Get, "/console/{*path}", BodyRule::None, CONSOLE, "控制台的一页", "The console, at one of its addresses") },
    /// A file of the console.
    ConsoleFile => open(Method::Get, "/console/assets/{file}", Family::Page, BodyRule::None, list![path("file", Schema::Text, "Its name")], list!["text/javascript; charset=utf-8", "text/css; charset=utf-8", "image/svg+xml", "application/wasm"], &[(200, "The file"), (404, "There is none of that name")], "控制台文件", "A file of the console"),
    /// The list of studies.
    StudiesPage => Route { path: "/studies", answers: &[(200, "The studies that the person may see, or the sign-in form")], summary_zh: "检查列表页", summary_en: "The list of studies, without scripts", ..Home },
    /// The series of one study.
    StudyPage => Route { method: Method::Get, path: "/studies/{study}", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::None, parameters: &[STUDY], produces: HTML, answers: &[(200, "The series, or the sign-in form"), (404, "No such study, or not for you")], summary_zh: "检查页", summary_en: "The series of one study" },
    /// Who looked at the own images, for a patient.
    OwnRecordPage => Route { needs: Needs::Cookie(Action::Search), parameters: list![CURSOR], ..own_page(Method::Get, "/record", BodyRule::None, &[(200, "Who looked, or the sign-in form; it says where the list is not whole"), (403, "No patient, or one whose account is bound to no record")], "谁查看过我的影像（患者页面）", "The page of a patient of who looked at the own images") },
    /// The sign-in form.
    LoginForm => open(Method::Get, "/login", Family::Page, BodyRule::None, LOGIN_PAGE, HTML, OK, "登录页", "The sign-in form"),
    /// The sign-in form was sent.
    Login => open(Method::Post, "/login", Family::Page, BodyRule::Form(SIGN_IN), &[], HTML, &[(303, "Signed in"), (401, "The credentials are not accepted"), (403, "The form was not opened here")], "登录", "Sign in"),
    /// A one-time login link: the form. Opening it spends nothing, because programs open links too.
    LoginLinkForm => open(Method::Get, "/login/{token}", Family::Page, BodyRule::None, &[LINK, LANGUAGE], HTML, OK, "一次性登录链接页", "The button behind a one-time link"),
    /// A one-time login link: the button was pressed.
    LoginLink => open(Method::Post, "/login/{token}", Family::Page, BodyRule::Form(list![field("form_token", Schema::Text, "Proof that the form was opened here")]), &[LINK], HTML, &[(303, "Signed in"), (401, "The link is not accepted"), (403, "The form was not opened here")], "用一次性链接登录", "Sign in by a one-time link"),
    /// A sign-in with a provider begins.
    ProviderStart => open(Method::Get, "/oidc/start", Family::Page, BodyRule::None, START_AT_PROVIDER, HTML, &[(303, "Off to the provider"), (403, "It did not begin at this server"), (404, "No provider is configured"), (503, "The provider does not answer; the sign-in form for accounts with a password")], "用统一登录开始", "Begin a sign-in with a provider of OpenID Connect"),
    /// The provider sends the browser back.
    ProviderCallback => open(Method::Get, "/oidc/callback", Family::Page, BodyRule::None, BACK_FROM_PROVIDER, HTML, &[(200, "Signed in, or the roles to choose from"), (303, "Back to the program with a code"), (401, "The answer is not accepted"), (404, "No provider is configured"), (503, "The provider does not answer")], "从统一登录返回", "Come back from the provider"),
    /// The provider says that somebody signed out.
    ProviderLogout => open(Method::Post, "/oidc/logout", Family::OAuth, BodyRule::Form(list![field("logout_token", Schema::Text, "A signed token that says whose session is over")]), &[], &[], &[(200, "The sessions have ended"), (400, "The token is not accepted"), (404, "No provider is configured")], "统一登录的注销通知", "A provider ends sessions (OpenID Connect Back-Channel Logout)"),
    /// Signing out.
    Logout => Route { method: Method::Post, path: "/logout", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::Form(list![field("form_token", Schema::Text, "Proof that the form was opened here")]), parameters: &[], produces: HTML, answers: &[(303, "Signed out"), (403, "The form was not opened here")], summary_zh: "退出登录", summary_en: "Sign out" },
    /// An invitation: the form.
    EnrolForm => open(Method::Get, "/enrol/{token}", Family::Page, BodyRule::None, &[LINK, LANGUAGE], HTML, OK, "接受邀请页", "The form behind an invitation"),
    /// An invitation: the password was sent.
    Enrol => open(Method::Post, "/enrol/{token}", Family::Page, BodyRule::Form(list![field("password", Schema::Text, "The new password"), field("again", Schema::Text, "The same again"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[LINK], HTML, &[(200, "The password is set"), (401, "The invitation is not accepted"), (403, "The form was not opened here")], "接受邀请", "Accept an invitation"),
    /// The second factor: the page.
    SecondFactorPage => Route { parameters: list![LANGUAGE, NEXT], ..own_page(Method::Get, "/second-factor", BodyRule::None, &[(200, "The form for a code, or for setting a second factor up; or the sign-in form")], "第二因素页", "The page of the second factor") },
    /// The second factor: a code was sent.
    SecondFactorProof => own_page(Method::Post, "/second-factor", BodyRule::Form(PROOF_FORM), &[(303, "Proved"), (401, "The code or passkey is not accepted"), (403, "The form was not opened here")], "提交验证码或通行密钥", "Send a code, or what a passkey has signed"),
    /// The second factor: set up.
    SecondFactorBegin => own_page(Method::Post, "/second-factor/begin", BodyRule::Form(list![field("password", Schema::Text, "The password"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(200, "The secret, once, and the form for its first code"), (401, "The password is not accepted"), (403, "The form was not opened here")], "开始设置第二因素", "Begin to set a second factor up"),
    /// The second factor: its first code was sent.
    SecondFactorConfirm => own_page(Method::Post, "/second-factor/confirm", BodyRule::Form(CODE_FORM), &[(200, "The recovery codes, once"), (401, "The code is not accepted"), (403, "The form was not opened here")], "确认第二因素", "Confirm a second factor"),
    /// The own sessions: the page.
    SessionsPage => Route { needs: Needs::Cookie(Action::Search), ..own_page(Method::Get, "/sessions", BodyRule::None, &[(200, "The own sessions, or the sign-in form")], "自己的会话页", "The page of the own sessions") },
    /// The own sessions: one was ended.
    SessionsPageEnd => Route { needs: Needs::Cookie(Action::Search), ..own_page(Method::Post, "/sessions", BodyRule::Form(list![field("session", Schema::Text, "Reference of a session"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(303, "Ended"), (403, "The form was not opened here")], "结束自己的一个会话", "End one of the own sessions") },
    /// The own passkeys: the page.
    PasskeysPage => Route { parameters: list![LANGUAGE], ..own_page(Method::Get, "/passkeys", BodyRule::None, &[(200, "The own passkeys, and the form for another one; or the sign-in form")], "通行密钥页", "The page of the own passkeys") },
    /// The own passkeys: another one.
    PasskeysPageBegin => own_page(Method::Post, "/passkeys/begin", BodyRule::Form(list![optional("password", Schema::Text, "The password, of who has no second factor yet"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(200, "The page that asks the browser for a passkey, or for the proof of a second factor first"), (401, "The password is not accepted"), (403, "The form was not opened here"), (409, "Passkeys are not offered here, or there are enough")], "开始登记通行密钥", "Begin to register a passkey"),
    /// The own passkeys: what the browser made.
    PasskeysPageConfirm => own_page(Method::Post, "/passkeys", BodyRule::Form(list![field("name", Schema::Text, "What the person calls it"), field("passkey", Schema::Shaped(&shapes::PASSKEY), "What the browser made, as JSON"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(200, "The recovery codes, once, with the first second factor"), (303, "Registered"), (401, "It does not answer what was asked"), (403, "The form was not opened here"), (409, "It is registered already")], "登记通行密钥", "Register a passkey"),
    /// The own passkeys: one less.
    PasskeysPageRemove => own_page(Method::Post, "/passkeys/remove", BodyRule::Form(list![field("passkey", Schema::Text, "Reference of a passkey"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(200, "The page that asks for the proof of a second factor first"), (303, "Removed"), (403, "The form was not opened here"), (409, "There is no such passkey")], "移除通行密钥", "Remove a passkey"),
}

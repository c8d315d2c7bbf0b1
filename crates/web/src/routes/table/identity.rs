//! People, their sessions and second factors, and service clients.

use super::common::{
    ACTOR, CHANGED, CLIENT, CREATED, CURSOR, JSON, OK, PAGED, api, field, optional, own, path, query,
};
use crate::routes::schema::NUMBER_MAX;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const SESSION: Parameter =
    path("session", Schema::Text, "Reference of a session, as the list of sessions gives it");

const CODE: &[Parameter] = &[field("code", Schema::Text, "Six digits of the app, or a recovery code")];

/// What a browser brings back of a passkey.
const CREDENTIAL: Parameter = field(
    "credential",
    Schema::Object,
    "What the browser brings back, as `PublicKeyCredential.toJSON()` writes it",
);

rows! {
    /// Who is asking.
    WhoAmI => own(Method::Get, "/me", false, BodyRule::None, &[], OK, "当前会话：账户、角色与可用操作", "Whose session this is, how long it lasts, and what its role may do at all"),
    /// How the own second factor stands.
    ReadSecondFactor => own(Method::Get, "/me/second-factor", true, BodyRule::None, &[], OK, "自己的第二因素状态", "How the own second factor stands, and what this session is worth"),
    /// Begin a second factor.
    BeginSecondFactor => own(Method::Post, "/me/second-factor", true, BodyRule::Json(list![field("password", Schema::Text, "The password")]), &[], list![(200, "`secret` and `uri`, once; nothing changes before the first code"), (403, "The password is wrong, or too many attempts failed"), (409, "There is one already")], "开始设置第二因素 (TOTP)", "Begin to set a second factor up (TOTP)"),
    /// Confirm a second factor.
    ConfirmSecondFactor => own(Method::Post, "/me/second-factor/confirmation", true, BodyRule::Json(CODE), &[], list![(200, "`recovery_codes`, once; every other session of the person has ended"), (403, "The code is wrong, or too many attempts failed"), (409, "None was begun, or there is one already")], "用首个验证码确认第二因素", "Confirm the second factor by its first code"),
    /// Prove a second factor.
    ProveSecondFactor => own(Method::Post, "/me/second-factor/proof", true, BodyRule::Json(CODE), &[], list![(200, "The sign-in is finished, and what is sensitive opens until `strong_until_ms`"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "提交验证码", "Prove the second factor by a code"),
    /// New recovery codes.
    RenewRecoveryCodes => own(Method::Post, "/me/second-factor/recovery-codes", false, BodyRule::Json(CODE), &[], list![(200, "Ten new `recovery_codes`, once; those before work no more"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "更换恢复码", "Replace the recovery codes"),
    /// Remove the own second factor.
    RemoveSecondFactor => own(Method::Post, "/me/second-factor/removal", false, BodyRule::Json(CODE), &[], list![(204, "Removed; every other session of the person has ended"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "移除自己的第二因素", "Remove the own second factor"),
    /// The own sessions.
    ListOwnSessions => own(Method::Get, "/me/sessions", false, BodyRule::None, &[], OK, "自己的会话", "The own sessions: where, since when, last used"),
    /// What one opened oneself.
    OwnAccesses => own(Method::Get, "/me/accesses", false, BodyRule::None, list![query("limit", Schema::Within(1, NUMBER_MAX), "Rows at most; 100 when absent, 1000 at most"), CURSOR], PAGED, "自己的影像访问记录", "What images one opened oneself, the newest first"),
    /// End one of the own sessions.
    EndOwnSession => own(Method::Delete, "/me/sessions/{session}", false, BodyRule::None, &[SESSION], list![(204, "Ended"), (404, "No such session of yours")], "结束自己的一个会话", "End one of the own sessions"),
    /// The sessions of a person.
    ListSessions => api(Method::Get, "/people/{actor}/sessions", Action::ManageAccounts, BodyRule::None, &[ACTOR], OK, "列出其会话", "The sessions of a person; that somebody looked is on the ledger"),
    /// End one session of a person.
    EndSession => api(Method::Delete, "/people/{actor}/sessions/{session}", Action::ManageAccounts, BodyRule::None, &[ACTOR, SESSION], list![(204, "Ended"), (404, "No such session")], "结束其一个会话", "End one session of a person"),
    /// Reset the second factor of a person.
    ResetSecondFactor => api(Method::Delete, "/people/{actor}/second-factor", Action::ManageRights, BodyRule::None, &[ACTOR], list![(204, "Removed; every session of the person has ended"), (404, "The person has none"), (409, "Not the own one")], "重置其第二因素（含通行密钥）", "Reset the second factors of a person who lost them, passkeys too"),
    /// The own password.
    ChangePassword => Route { method: Method::Post, path: "/me/password", family: Family::Api, needs: Needs::OwnToken, body: BodyRule::Json(list![field("present", Schema::Text, "The present password"), field("new", Schema::Shaped(&shapes::NEW_PASSWORD), "The new one, of at least 12 characters")]), parameters: &[], produces: JSON, answers: &[(204, "Changed; every other session of the person has ended"), (403, "The present password is wrong, or too many attempts failed")], summary_zh: "修改自己的密码", summary_en: "Change the own password" },
    /// Everybody.
    ListPeople => api(Method::Get, "/people", Action::ManageAccounts, BodyRule::None, &[], OK, "列出人员", "List people"),
    /// A new person.
    CreatePerson => api(Method::Post, "/people", Action::ManageAccounts, BodyRule::Json(list![field("name", Schema::Shaped(&shapes::NAME), "Login name")]), &[], CREATED, "新增人员并邀请", "Create and invite a person"),
    /// Disable or enable.
    ChangePerson => api(Method::Patch, "/people/{actor}", Action::ManageAccounts, BodyRule::Json(list![field("disabled", Schema::Flag, "Whether the account is disabled")]), &[ACTOR], CHANGED, "停用或启用人员", "Disable or enable a person"),
    /// A new invitation.
    InviteAgain => api(Method::Post, "/people/{actor}/invitation", Action::ManageAccounts, BodyRule::None, &[ACTOR], CREATED, "重新邀请", "Invite a person again"),
    /// Bind a person to an identity elsewhere.
    BindPerson => api(Method::Put, "/people/{actor}/identity", Action::ManageAccounts, BodyRule::Json(list![field("subject", Schema::Shaped(&shapes::SUBJECT), "By what the provider knows the person for ever (`sub`), or the directory (its subject attribute)"), optional("directory", Schema::Word(&["oidc", "ldap"]), "`oidc` or `ldap`; may be left out where one of both is configured")]), &[ACTOR], &[(204, "Bound"), (404, "No such person"), (409, "Person or subject is bound already, the person is an officer, or no such directory is configured")], "将人员绑定到统一登录或目录身份", "Bind a person to an identity at the provider of sign-ins, or in the directory"),
    /// Take that away.
    UnbindPerson => api(Method::Delete, "/people/{actor}/identity", Action::ManageAccounts, BodyRule::None, &[ACTOR], CHANGED, "解除统一登录身份绑定", "Take the identity at the provider from a person, and end its sessions"),
    /// End sessions.
    EndSessions => api(Method::Delete, "/people/{actor}/sessions", Action::ManageAccounts, BodyRule::None, &[ACTOR], OK, "结束其全部会话", "End every session of a person"),
    /// Every client.
    ListClients => api(Method::Get, "/clients", Action::ManageAccounts, BodyRule::None, &[], OK, "列出服务程序", "List service clients"),
    /// A new client.
    CreateClient => api(Method::Post, "/clients", Action::ManageAccounts, BodyRule::Json(list![field("client_id", Schema::Shaped(&shapes::NAME), "Its identifier"), optional("confidential", Schema::Flag, "Whether it gets a secret; true when absent"), optional("redirect_uris", Schema::Texts, "Where authorization codes may be sent")]), &[], CREATED, "登记服务程序", "Register a service client"),
    /// Disable or enable a client.
    ChangeClient => api(Method::Patch, "/clients/{client}", Action::ManageAccounts, BodyRule::Json(list![field("disabled", Schema::Flag, "Whether the client is disabled")]), &[CLIENT], CHANGED, "停用或启用服务程序", "Disable or enable a service client"),
    /// The own passkeys.
    ListPasskeys => own(Method::Get, "/me/passkeys", false, BodyRule::None, &[], OK, "自己的通行密钥", "The own passkeys: names, since when, last used"),
    /// Begin a passkey.
    BeginPasskey => own(Method::Post, "/me/passkeys/registration", true, BodyRule::Json(list![optional("password", Schema::Text, "The password, of who has no second factor yet")]), &[], list![(200, "What `navigator.credentials.create` takes as `publicKey`, in its JSON form; it is answered once, within five minutes"), (403, "The password is wrong, or the second factor that there is was not proved within five minutes"), (409, "Passkeys are not offered here, or there are enough")], "开始登记通行密钥", "Begin to register a passkey"),
    /// Confirm a passkey.
    ConfirmPasskey => own(Method::Post, "/me/passkeys", true, BodyRule::Json(list![field("name", Schema::Shaped(&shapes::TITLE), "What the person calls it, 64 characters at most"), CREDENTIAL]), &[], list![(200, "Registered; `recovery_codes`, once, with the first second factor of the account, whose other sessions have ended"), (403, "It does not answer what was asked in this session"), (409, "It is registered already, or passkeys are not offered here")], "登记通行密钥", "Register the passkey that the browser made"),
    /// Ask for a passkey.
    AskForPasskey => own(Method::Post, "/me/passkeys/challenge", true, BodyRule::None, &[], list![(200, "What `navigator.credentials.get` takes as `publicKey`, in its JSON form; it is answered once, within five minutes"), (409, "There is no passkey, or they are not offered here")], "请求验证通行密钥", "Ask for the proof of a passkey"),
    /// Prove a passkey.
    ProvePasskey => own(Method::Post, "/me/passkeys/proof", true, BodyRule::Json(&[CREDENTIAL]), &[], list![(200, "The sign-in is finished, and what is sensitive opens until `strong_until_ms`"), (403, "It does not answer what was asked in this session, or too many attempts failed"), (409, "There is no passkey, or they are not offered here")], "验证通行密钥", "Prove a passkey"),
    /// Remove a passkey.
    RemovePasskey => own(Method::Delete, "/me/passkeys/{passkey}", false, BodyRule::None, &[path("passkey", Schema::Shaped(&shapes::HEX_16), "Reference of a passkey, as the list of passkeys gives it")], list![(204, "Removed; every other session of the person has ended"), (403, "No second factor was proved within five minutes"), (404, "No such passkey of yours")], "移除自己的通行密钥", "Remove one of the own passkeys"),
}

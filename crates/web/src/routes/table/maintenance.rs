//! Maintenance sessions of vendors, and what they open.

use super::common::{OK, api, field, optional, path};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const MAINTENANCE: Parameter = path("maintenance", Schema::Number, "Number of a maintenance session");
const MAINTENANCE_STATE: &[(u16, &str)] = &[
    (200, "The session as it is now"),
    (403, "It is for the two officers who open and approve, and nobody approves what the own account opened"),
    (404, "No such session"),
    (409, "It was approved already, or is over"),
];
const OPENED: &[(u16, &str)] = &[
    (201, "Opened: it waits for the approval of a security administrator"),
    (403, "The account is no vendor's, or the asker may not open sessions"),
    (404, "There is no such person"),
    (409, "The vendor has too many sessions that are not over"),
    (422, "It begins too late, or is over before it begins"),
];

rows! {
    /// Open a session.
    OpenMaintenance => api(Method::Post, "/maintenance", Action::OpenMaintenance, BodyRule::Json(list![field("name", Schema::Shaped(&shapes::NAME), "Login name of an account that has the role `vendor`"), field("scopes", Schema::Several(&Schema::Word(shapes::MAINTENANCE_SCOPES), 3), "What it opens"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, and under which ticket, in words; kept sealed"), optional("from_ms", Schema::Number, "When it begins, milliseconds since 1970, within 7 days; now when absent"), optional("minutes", Schema::Within(1, 480), "For how long, 480 at most and 120 when absent")]), &[], OPENED, "为厂商维护人员申请维护会话（至多 8 小时，须安全管理员批准）", "Open a maintenance session for a vendor, for 8 hours at most; it begins when the security administrator has approved it"),
    /// Sessions.
    ListMaintenance => api(Method::Get, "/maintenance", Action::OpenMaintenance, BodyRule::None, &[], OK, "列出维护会话", "Maintenance sessions, the newest first: for the officers who open and approve them"),
    /// One session.
    ReadMaintenance => api(Method::Get, "/maintenance/{maintenance}", Action::OpenMaintenance, BodyRule::None, &[MAINTENANCE], MAINTENANCE_STATE, "一个维护会话", "One maintenance session"),
    /// Approve it.
    ApproveMaintenance => api(Method::Post, "/maintenance/{maintenance}/approval", Action::ApproveMaintenance, BodyRule::None, &[MAINTENANCE], MAINTENANCE_STATE, "批准维护会话（非申请人）", "Approve a maintenance session that another person opened"),
    /// End it.
    EndMaintenance => api(Method::Delete, "/maintenance/{maintenance}", Action::OpenMaintenance, BodyRule::None, &[MAINTENANCE], MAINTENANCE_STATE, "立即结束维护会话，并使厂商账号退出登录", "End a maintenance session now, or withdraw one that waits, and sign the vendor out everywhere: either of the two officers"),
    /// Whether each part works.
    SystemHealth => api(Method::Get, "/system/health", Action::ReadHealth, BodyRule::None, &[], OK, "系统健康（不含患者、密钥、账号信息）", "Whether each part of the system works; nothing of a patient, a key or a person is in it"),
    /// How it is set up.
    SystemConfiguration => api(Method::Get, "/system/configuration", Action::ReadConfiguration, BodyRule::None, &[], OK, "系统配置概况（不含机密）", "How the system is set up: doors and their TLS, interfaces, replicas, limits; no secrets and no paths"),
}

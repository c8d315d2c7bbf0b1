//! Rules of the institution: proposing, looking at what they would change, approving, putting into force; and rights that nobody uses.

use super::common::{CURSOR, OK, api, field, optional, path, query};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const POLICY: Parameter = path("policy", Schema::Number, "Number of a version of the rules");
const ACTIVATION: Parameter = path("activation", Schema::Number, "Number of a suspension");
const DIGEST: Parameter = field(
    "digest",
    Schema::Shaped(&shapes::HEX_64),
    "SHA-256 of the text that was looked at, 64 hexadecimal digits",
);
const TEXT: Parameter =
    optional("text", Schema::Shaped(&shapes::RULES), "Policies in Cedar, which only forbid; 32 KiB at most");
const REASON: Parameter =
    field("reason", Schema::Shaped(&shapes::WORDS), "What it is for, in words; kept sealed");
const DAYS: Parameter = query(
    "days",
    Schema::Within(1, yingdun_access::UNUSED_DAYS_MAX as u64),
    "How many days back, 365 at most; 90 when absent",
);
const STATE: &[(u16, &str)] = &[
    (200, "The version as it is now"),
    (404, "No such version"),
    (409, "It is over, waits for approvals, or was compared with other rules than those in force"),
];
const IN_FORCE: &[(u16, &str)] = &[
    (200, "What is in force now"),
    (404, "No such suspension"),
    (409, "There is nothing to suspend or review"),
];

rows! {
    /// Proposed.
    ProposePolicy => api(Method::Post, "/policies", Action::ProposePolicy, BodyRule::JsonOf(&Schema::RecordOf(list![TEXT, optional("version", Schema::Number, "Or the text of this earlier version, to go back to it"), REASON], &["text", "version"])), &[], &[(201, "It waits for one approval of each office"), (404, "No such earlier version"), (409, "Too many versions wait")], "提出本机构规则（仅可禁止；须两人批准）", "Propose rules of the institution, which only forbid; two other officers have to approve them"),
    /// Tried.
    CheckPolicy => api(Method::Post, "/policies/check", Action::ProposePolicy, BodyRule::Json(list![field("text", Schema::Shaped(&shapes::RULES), "Policies in Cedar, which only forbid; 32 KiB at most")]), &[], &[(200, "It could be proposed; nothing is kept")], "检查规则文本，不保存", "Say whether a text could be proposed, and keep nothing"),
    /// All of them.
    ListPolicies => api(Method::Get, "/policies", Action::ApprovePolicy, BodyRule::None, &[], OK, "列出规则各版本与现行规则", "What is in force, and versions, the newest first, for who proposes and approves them"),
    /// One of them.
    ReadPolicy => api(Method::Get, "/policies/{policy}", Action::ApprovePolicy, BodyRule::None, &[POLICY], STATE, "一版规则及其摘要", "One version: its text, its digest, who approved it"),
    /// What it would change.
    ComparePolicy => api(Method::Get, "/policies/{policy}/comparison", Action::ApprovePolicy, BodyRule::None, &[POLICY], STATE, "比较一版规则：新增禁止与新增允许，附示例", "What a version newly forbids and allows over a bounded number of made-up questions, with examples; the reading is a leaf"),
    /// What it would have changed.
    ReplayPolicy => api(Method::Get, "/policies/{policy}/replay", Action::ApprovePolicy, BodyRule::None, &[POLICY, CURSOR], STATE, "以最近三十天审计记录回放一版规则", "Which decisions of the last thirty days in the log of this node would have come out otherwise, a part at a time; the reading is a leaf"),
    /// Approved.
    ApprovePolicy => api(Method::Post, "/policies/{policy}/approval", Action::ApprovePolicy, BodyRule::Json(list![DIGEST]), &[POLICY], STATE, "批准一版规则（按摘要；不得为提出人）", "Approve a version by its digest, as another person than who proposed it"),
    /// Rejected.
    RejectPolicy => api(Method::Post, "/policies/{policy}/rejection", Action::ApprovePolicy, BodyRule::None, &[POLICY], STATE, "驳回一版规则", "Reject a version, for good"),
    /// Taken back.
    WithdrawPolicy => api(Method::Delete, "/policies/{policy}", Action::ProposePolicy, BodyRule::None, &[POLICY], STATE, "撤回本人提出的规则", "Take the own proposal back"),
    /// In force.
    ActivatePolicy => api(Method::Post, "/policies/{policy}/activation", Action::ActivatePolicy, BodyRule::Json(list![DIGEST]), &[POLICY], STATE, "启用已获两人批准的规则", "Put a version into force that both offices approved; on every node within seconds"),
    /// Not in force for a while.
    SuspendPolicies => api(Method::Post, "/policies/suspension", Action::ActivatePolicy, BodyRule::Json(list![optional("minutes", Schema::Within(1, 1440), "For how long, 1440 at most; 240 when absent"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed")]), &[], IN_FORCE, "紧急暂停本机构规则（至多 24 小时，事后复核）", "Let the rules of the program alone count for a while, 24 hours at most; another officer reviews it"),
    /// Looked at.
    ReviewSuspension => api(Method::Post, "/policies/suspension/{activation}/review", Action::ApprovePolicy, BodyRule::None, &[ACTIVATION], IN_FORCE, "复核紧急暂停（复核人不得为本人）", "Note that another person looked at a suspension"),
    /// What nobody uses.
    UnusedRights => api(Method::Get, "/rights/unused", Action::ReviewRights, BodyRule::None, &[DAYS], OK, "最小权限报告：长期未使用的账号、角色、权限、接诊关系与授权", "Accounts, roles, actions of roles, care relations and grants of which the log of this node says nothing in a period; the reading is a leaf"),
}

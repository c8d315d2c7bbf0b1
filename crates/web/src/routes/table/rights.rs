//! Who may what: care relations, dissents, consents, departments, grants, broken glass, alerts of the monitor.

use super::common::{ACTOR, CHANGED, CLIENT, OK, api, field, optional, own, path, query};
use crate::routes::schema::LIST_MAX;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const ROLE: Parameter =
    path("role", Schema::Word(shapes::ROLES_OF_PEOPLE), "A role of people, such as `radiologist`");
const GRANT: Parameter = path("grant", Schema::Number, "Number of a grant, or of a case of broken glass");
const ALERT: Parameter = path("alert", Schema::Number, "Number of an alert");
const NEW_ALERTS: Parameter = query("new", Schema::Flag, "true for those at which nobody has looked yet");
const REASON: Parameter = path("reason", Schema::Number, "Number of a reason");
const NEW_REASONS: Parameter = query("new", Schema::Flag, "true for those that nobody has reviewed yet");
const ALERT_STATE: &[(u16, &str)] = &[
    (200, "The alert as it is now"),
    (404, "No such alert"),
    (409, "It was judged already, or stops nothing any more"),
];

const GRANT_STATE: &[(u16, &str)] = &[
    (200, "The grant or case as it is now"),
    (404, "No such grant or case that the asker may see"),
    (409, "It is over, or was reviewed already"),
];

const RIGHTS: &[(u16, &str)] =
    &[(204, "Changed"), (404, "No such record"), (409, "The roles exclude each other")];

const CARE: &[Parameter] = &[
    field("name", Schema::Shaped(&shapes::NAME), "Login name"),
    field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Patient ID"),
    optional("issuer", Schema::Shaped(&shapes::ISSUER), "Issuer of the patient ID"),
    field("valid_from_ms", Schema::Number, "From, milliseconds since 1970"),
    field("valid_until_ms", Schema::Number, "Until, exclusive, milliseconds since 1970"),
];

const PATIENT: Parameter = field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Patient ID");
const ISSUER: Parameter = optional("issuer", Schema::Shaped(&shapes::ISSUER), "Issuer of the patient ID");
const PASSED: Parameter =
    optional("break_glass", Schema::Flag, "Whether broken glass passes it; not when absent");
const FROM: Parameter =
    optional("valid_from_ms", Schema::Number, "From, milliseconds since 1970; now when absent");
const UNTIL: Parameter =
    optional("valid_until_ms", Schema::Number, "Until, exclusive; until it is ended when absent");
const UNKNOWN: Parameter =
    optional("unknown", Schema::Flag, "That there may be no study of the patient yet; refused when absent");
const PERSON: Parameter = field("name", Schema::Shaped(&shapes::NAME), "Login name");
const OF_DEPARTMENT: Parameter = field("department", Schema::Shaped(&shapes::DEPARTMENT), "Short name");
const NAMED: Parameter =
    field("names", Schema::List(&Schema::Shaped(&shapes::NAME), LIST_MAX), "Who may still open the studies");

const fn against(words: &'static [&'static str]) -> Parameter {
    field("against", Schema::Word(words), "What the patient objects to, or that the studies are sealed")
}

/// Each kind with who is meant.
const DISSENTS: &[&[Parameter]] = &[
    &[PATIENT, ISSUER, against(&["research", "sharing"]), PASSED, FROM, UNTIL, UNKNOWN],
    &[PATIENT, ISSUER, against(&["person"]), PERSON, PASSED, FROM, UNTIL, UNKNOWN],
    &[PATIENT, ISSUER, against(&["department"]), OF_DEPARTMENT, PASSED, FROM, UNTIL, UNKNOWN],
    &[PATIENT, ISSUER, against(&["sealed"]), NAMED, PASSED, FROM, UNTIL, UNKNOWN],
];

const FORM: Parameter = field("form", Schema::Word(&["paper", "electronic"]), "In what form it was given");
const GIVER: Parameter = field(
    "giver",
    Schema::Word(&["patient", "guardian"]),
    "Who gave it: the patient, or who stands for the patient",
);
const REFERENCE: Parameter =
    field("reference", Schema::Shaped(&shapes::WORDS), "Where the evidence is, in words; kept sealed");
const ALL_CONSENTS: Parameter =
    query("over", Schema::Flag, "true for those as well that are over or were withdrawn");

/// Each kind with what belongs to it.
const CONSENTS: &[&[Parameter]] = &[
    &[
        PATIENT,
        ISSUER,
        field("to", Schema::Word(&["research"]), "To what the patient agrees"),
        optional(
            "project",
            Schema::Shaped(&shapes::DEPARTMENT),
            "Only for those who belong to this department, which is a project",
        ),
        FORM,
        GIVER,
        REFERENCE,
        FROM,
        UNTIL,
        UNKNOWN,
    ],
    &[
        PATIENT,
        ISSUER,
        field("to", Schema::Word(&["sharing"]), "To what the patient agrees"),
        FORM,
        GIVER,
        REFERENCE,
        FROM,
        UNTIL,
        UNKNOWN,
    ],
];

/// To what somebody belongs: to one of them.
const UNIT: &[&str] = &["department", "device"];

const MEMBER: &[Parameter] = &[
    field("name", Schema::Shaped(&shapes::NAME), "Login name"),
    optional("department", Schema::Shaped(&shapes::DEPARTMENT), "Short name of a department"),
    optional("device", Schema::Shaped(&shapes::AE_TITLE), "Or the AE title of a device"),
    field("valid_from_ms", Schema::Number, "From, milliseconds since 1970"),
    field("valid_until_ms", Schema::Number, "Until, exclusive, milliseconds since 1970"),
];

const END_MEMBER: &[Parameter] = &[
    field("name", Schema::Shaped(&shapes::NAME), "Login name"),
    optional("department", Schema::Shaped(&shapes::DEPARTMENT), "Short name of a department"),
    optional("device", Schema::Shaped(&shapes::AE_TITLE), "Or the AE title of a device"),
];

const END_CARE: &[Parameter] = &[
    field("name", Schema::Shaped(&shapes::NAME), "Login name"),
    field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Patient ID"),
    optional("issuer", Schema::Shaped(&shapes::ISSUER), "Issuer of the patient ID"),
];

rows! {
    /// Give a role.
    GiveRole => api(Method::Put, "/people/{actor}/roles/{role}", Action::ManageRights, BodyRule::None, &[ACTOR, ROLE], RIGHTS, "授予角色", "Give a role"),
    /// Take a role.
    TakeRole => api(Method::Delete, "/people/{actor}/roles/{role}", Action::ManageRights, BodyRule::None, &[ACTOR, ROLE], CHANGED, "收回角色", "Take a role"),
    /// Grant scopes to a device.
    GrantDeviceScopes => api(Method::Put, "/devices/{ae_title}/scopes", Action::ManageRights, BodyRule::Json(list![field("called_ae", Schema::Shaped(&shapes::AE_TITLE), "The AE title by which it calls us"), field("scopes", Schema::List(&Schema::Word(shapes::SCOPES), LIST_MAX), "store, search, view, export, worklist")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Calling AE title")], CHANGED, "授予设备权限", "Replace the scopes of a device"),
    /// Grant scopes.
    GrantScopes => api(Method::Put, "/clients/{client}/scopes", Action::ManageRights, BodyRule::Json(list![field("scopes", Schema::List(&Schema::Word(shapes::SCOPES), LIST_MAX), "store, search, view, export, worklist, workitems, vault, introspect")]), &[CLIENT], CHANGED, "授予服务程序权限", "Replace the scopes of a service client"),
    /// Give a care relation.
    GiveCare => api(Method::Put, "/care-relations", Action::ManageRights, BodyRule::Json(CARE), &[], CHANGED, "建立接诊关系", "Give a care relation"),
    /// End a care relation.
    EndCare => api(Method::Post, "/care-relations/end", Action::ManageRights, BodyRule::Json(END_CARE), &[], CHANGED, "结束接诊关系", "End a care relation"),
    /// A dissent.
    EnterDissent => api(Method::Post, "/dissents", Action::ManageRights, BodyRule::JsonOf(&Schema::Either(DISSENTS)), &[], &[(201, "Entered; `dissent` is its number, `studies` how many it closes now"), (404, "No study of the patient, no such person or department, or the patient has 100 already")], "登记患者异议或封存", "Enter a dissent of a patient, or seal the patient's studies"),
    /// Those in force.
    ListDissents => api(Method::Get, "/dissents", Action::ManageRights, BodyRule::None, &[], OK, "列出患者异议与封存", "Dissents and seals that are not over; patients by their pseudonyms"),
    /// Ends one.
    EndDissent => api(Method::Post, "/dissents/{dissent}/end", Action::ManageRights, BodyRule::None, list![path("dissent", Schema::Shaped(&shapes::NUMBER), "Its number")], CHANGED, "结束患者异议或封存", "End a dissent or a seal now"),
    /// A consent.
    EnterConsent => api(Method::Post, "/consents", Action::ManageRights, BodyRule::JsonOf(&Schema::Either(CONSENTS)), &[], &[(201, "Entered; `consent` is its number, `studies` of how many it is now"), (404, "No study of the patient, no such project, or the patient has 100 already")], "登记患者同意（科研、对外提供）", "Enter a consent of a patient to research or to sharing"),
    /// Those in force.
    ListConsents => api(Method::Get, "/consents", Action::ManageRights, BodyRule::None, &[ALL_CONSENTS], OK, "列出患者同意", "Consents that are not over; patients by their pseudonyms"),
    /// Withdraws one.
    WithdrawConsent => api(Method::Post, "/consents/{consent}/withdraw", Action::ManageRights, BodyRule::None, list![path("consent", Schema::Shaped(&shapes::NUMBER), "Its number")], CHANGED, "撤回患者同意", "Withdraw a consent now; no reason is asked for"),
    /// Departments.
    ListDepartments => api(Method::Get, "/departments", Action::ManageRights, BodyRule::None, &[], OK, "科室及其成员", "Departments, and who belongs to them"),
    /// A department.
    EnterDepartment => api(Method::Put, "/departments/{department}", Action::ManageRights, BodyRule::Json(list![field("name", Schema::Shaped(&shapes::TITLE), "What people call it")]), list![path("department", Schema::Shaped(&shapes::DEPARTMENT), "Its short name: lower-case letters, digits, hyphens")], CHANGED, "登记科室", "Enter a department"),
    /// Somebody belongs to one.
    JoinUnit => api(Method::Put, "/department-members", Action::ManageRights, BodyRule::JsonOf(&Schema::RecordOf(MEMBER, UNIT)), &[], CHANGED, "人员加入科室或绑定设备", "Make a person belong to a department, or to a device"),
    /// And no longer.
    LeaveUnit => api(Method::Post, "/department-members/end", Action::ManageRights, BodyRule::JsonOf(&Schema::RecordOf(END_MEMBER, UNIT)), &[], CHANGED, "结束科室成员或设备绑定", "End that now"),
    /// For which departments a device performs.
    SetDeviceDepartments => api(Method::Put, "/devices/{ae_title}/departments", Action::ManageRights, BodyRule::Json(list![field("departments", Schema::List(&Schema::Shaped(&shapes::DEPARTMENT), LIST_MAX), "Short names")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "AE title that the device calls itself")], CHANGED, "设置设备所属科室", "Replace for which departments a device performs the studies that it sends from now on"),
    /// Of which departments a study is.
    SetStudyDepartments => api(Method::Put, "/study-departments", Action::ManageRights, BodyRule::Json(list![field("study", Schema::Uid, "Study Instance UID"), optional("requesting", Schema::List(&Schema::Shaped(&shapes::DEPARTMENT), LIST_MAX), "Departments that asked for it"), optional("performing", Schema::List(&Schema::Shaped(&shapes::DEPARTMENT), LIST_MAX), "Departments that performed it")]), &[], CHANGED, "设置检查所属科室", "Replace which departments asked for a study and performed it"),
    /// A timed grant, given.
    GiveGrant => api(Method::Post, "/grants", Action::GiveGrant, BodyRule::JsonOf(&Schema::RecordOf(list![field("name", Schema::Shaped(&shapes::NAME), "Login name of the person who gets it"), optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed"), optional("purpose", Schema::Word(&["TREAT"]), "TREAT, which it is when absent; no other purpose yet"), optional("export", Schema::Flag, "Whether it may be taken out as a medium"), optional("from_ms", Schema::Number, "From when on, in milliseconds since 1970; now when absent"), optional("minutes", Schema::Within(1, 1440), "For how long, 1440 at most and when absent")], &["study", "patient_id"])), &[], &[(201, "Given"), (404, "There is no such study, patient or person, or the giver may not see it"), (409, "The person has too many grants")], "限时授权他人查看检查或患者（至多 24 小时）", "Grant another person a study or a patient for a while, 24 hours at most: what the giver may open"),
    /// Grants.
    ListGrants => api(Method::Get, "/grants", Action::GiveGrant, BodyRule::None, &[], OK, "列出限时授权", "Timed grants, the newest first: one's own, or everybody's for officers"),
    /// One of them.
    ReadGrant => api(Method::Get, "/grants/{grant}", Action::GiveGrant, BodyRule::None, &[GRANT], GRANT_STATE, "一项限时授权", "One timed grant"),
    /// Revoked.
    RevokeGrant => api(Method::Delete, "/grants/{grant}", Action::GiveGrant, BodyRule::None, &[GRANT], GRANT_STATE, "立即撤销限时授权", "End a grant now: by who gave or has it, or the security administrator"),
    /// The glass, broken.
    BreakGlass => api(Method::Post, "/break-glass", Action::BreakGlass, BodyRule::Json(list![field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "The patient"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("code", Schema::Word(shapes::BREAK_GLASS_REASONS), "emergency-treatment, unconscious-patient, on-call-cover, system-failure or other"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed"), optional("minutes", Schema::Within(1, 240), "For how long, 240 at most; 60 when absent"), optional("password", Schema::Text, "The password of the asker; may be left out within five minutes of a sign-in with it")]), &[], &[(201, "The patient is open; a review is due within 72 hours"), (404, "There is no such patient"), (409, "More emergencies within a day than one person meets")], "紧急越级访问一名患者（事后复核）", "Break the glass: open one patient in an emergency, under a review that follows"),
    /// Cases.
    ListBrokenGlass => api(Method::Get, "/break-glass", Action::ReviewBreakGlass, BodyRule::None, &[], OK, "列出紧急越级访问", "Cases of broken glass, the newest first: one's own, or everybody's for officers"),
    /// One of them.
    ReadBrokenGlass => api(Method::Get, "/break-glass/{grant}", Action::ReviewBreakGlass, BodyRule::None, &[GRANT], GRANT_STATE, "一次紧急越级访问", "One case of broken glass"),
    /// Ended early.
    EndBrokenGlass => api(Method::Delete, "/break-glass/{grant}", Action::BreakGlass, BodyRule::None, &[GRANT], GRANT_STATE, "提前结束紧急越级访问", "End it before its time; the review is due all the same"),
    /// Reviewed.
    ReviewBrokenGlass => api(Method::Post, "/break-glass/{grant}/review", Action::ReviewBreakGlass, BodyRule::Json(list![field("verdict", Schema::Word(shapes::REVIEW_VERDICTS), "justified or not-justified"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed")]), &[GRANT], GRANT_STATE, "复核紧急越级访问（复核人不得为本人）", "Judge a case of broken glass, as another person than who broke it"),
    /// What the monitor noticed.
    ListAlerts => api(Method::Get, "/alerts", Action::ReviewAlerts, BodyRule::None, &[NEW_ALERTS], OK, "列出行为监测告警", "Alerts of the monitor, the newest first, for who judges them and who lifts what they stop"),
    /// One of them.
    ReadAlert => api(Method::Get, "/alerts/{alert}", Action::ReviewAlerts, BodyRule::None, &[ALERT], ALERT_STATE, "一条行为监测告警", "One alert of the monitor"),
    /// Looked at.
    AcknowledgeAlert => api(Method::Post, "/alerts/{alert}/acknowledgement", Action::ReviewAlerts, BodyRule::Json(list![optional("verdict", Schema::Word(shapes::ALERT_VERDICTS), "true-positive or false-positive; a stop that was right lasts until it is lifted")]), &[ALERT], ALERT_STATE, "确认告警并标注真伪", "Note that somebody looked at an alert, and what was found"),
    /// Frozen.
    FreezeAccount => api(Method::Post, "/alerts/{alert}/freeze", Action::ReviewAlerts, BodyRule::Json(list![field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed in the audit log")]), &[ALERT], list![(201, "Frozen: the row of the freeze. Every session of the person ended, and none begins until the security administrator lifts it"), (404, "No such alert"), (409, "The alert is not about a person, the account is frozen already, or nobody would be left who lifts it")], "冻结告警所涉人员的账户（不得冻结本人）", "Freeze the account of the person of an alert, who is never the one who freezes: every session ends at once, and none begins"),
    /// Lifted.
    LiftStop => api(Method::Post, "/alerts/{alert}/lift", Action::LiftStop, BodyRule::None, &[ALERT], ALERT_STATE, "解除行为监测的阻断（不得解除本人）", "Lift everything that the monitor stopped for the person of an alert, who is never the one who lifts"),
    /// A reason, given.
    StateReason => own(Method::Post, "/me/reasons", false, BodyRule::JsonOf(&Schema::RecordOf(list![optional("study", Schema::Uid, "Study Instance UID that was refused"), optional("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Or the patient"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("code", Schema::Word(shapes::STATED_REASONS), "asked-for-opinion, reporting, follow-up, standing-in, conference, quality, teaching or other"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed")], &["study", "patient_id"])), &[], list![(201, "Taken: the patient opens until `valid_until_ms`, as far as the role may"), (403, "Only a person has reasons"), (404, "There is no such study, or the asker may not view it"), (409, "Too many reasons hold already")], "说明打开一名患者的理由", "Say why one opens a patient, when the monitor asks: for the rest of the shift"),
    /// The own ones.
    OwnReasons => own(Method::Get, "/me/reasons", false, BodyRule::None, &[], OK, "本人说明过的理由", "The reasons that one gave, the newest first"),
    /// Those of everybody.
    ListReasons => api(Method::Get, "/reasons", Action::LiftStop, BodyRule::None, &[NEW_REASONS], OK, "列出人员说明的理由", "Reasons that people gave when the monitor asked, the newest first"),
    /// Judged.
    ReviewReason => api(Method::Post, "/reasons/{reason}/review", Action::LiftStop, BodyRule::Json(list![field("verdict", Schema::Word(shapes::REVIEW_VERDICTS), "justified or not-justified; what was no reason holds no longer"), field("reason", Schema::Shaped(&shapes::WORDS), "Why, in words; kept sealed")]), &[REASON], list![(200, "The reason as it is now"), (404, "No such reason"), (409, "It was judged already")], "复核理由（复核人不得为本人）", "Judge a reason, as another person than who gave it"),
}

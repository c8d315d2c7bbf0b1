//! Keys, the seal, destructions and legal holds.

use super::common::{DRY_RUN, OK, api, field, optional, path};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const KEYS_CHANGED: &[(u16, &str)] = &[
    (200, "Done, or what would be done"),
    (404, "Nothing was stored under this grade"),
    (409, "Somebody else did it at the same time, or it is going on already"),
];

const DESTRUCTION: Parameter =
    path("destruction", Schema::Shaped(&shapes::HEX_32), "Name of a destruction, 32 hexadecimal digits");

const DESTRUCTION_ASKED: &[(u16, &str)] = &[
    (200, "What would be destroyed"),
    (201, "Asked for, until somebody else approves it"),
    (404, "There is no such study or patient"),
    (409, "The patient has too many studies, or a legal hold stands against it"),
];

const DESTRUCTION_DECIDED: &[(u16, &str)] = &[
    (200, "Approved; it is carried out within seconds"),
    (404, "No such destruction"),
    (
        409,
        "It was approved or withdrawn already, what is there now is not what was asked for, or a legal hold stands against it",
    ),
];

const HOLD: Parameter =
    path("hold", Schema::Shaped(&shapes::HEX_32), "Name of a legal hold, 32 hexadecimal digits");
const HOLD_STATE: &[(u16, &str)] =
    &[(200, "The hold as it is now"), (404, "No such hold"), (409, "It is in another state")];

const STUDY_MEANT: Parameter = field("study", Schema::Uid, "Study Instance UID of the study");
const PATIENT_MEANT: Parameter =
    field("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "All studies of this patient");
const ISSUER: Parameter = optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID");
const WHY: Schema = Schema::Word(&["retention-over", "patient-wish", "ordered", "mistake", "trial"]);
const DONE_WHY: Parameter = field("reason", WHY, "Why; needed unless dry_run");
const TRIED_WHY: Parameter = optional("reason", WHY, "Why");
const TRIED: Parameter = field("dry_run", Schema::Yes, "Say what would be done, and do nothing");

/// Of a study or a patient, for a reason or as a trial.
const DESTRUCTIONS_ASKED: &[&[Parameter]] = &[
    &[STUDY_MEANT, ISSUER, DONE_WHY, DRY_RUN],
    &[PATIENT_MEANT, ISSUER, DONE_WHY, DRY_RUN],
    &[STUDY_MEANT, ISSUER, TRIED_WHY, TRIED],
    &[PATIENT_MEANT, ISSUER, TRIED_WHY, TRIED],
];

rows! {
    /// The keys, in numbers.
    ReadKeys => api(Method::Get, "/keys", Action::ManageKeys, BodyRule::None, &[], OK, "密钥版本与轮换进度", "Versions of key-encryption keys, their uses, and how far wrapping again is"),
    /// The next version.
    RotateKeys => api(Method::Post, "/keys/rotation", Action::ManageKeys, BodyRule::Json(list![optional("grade", Schema::Word(shapes::GRADES), "L1, L2, L3, L4, L4S or L5; all when absent"), DRY_RUN]), &[], KEYS_CHANGED, "轮换密钥加密密钥", "Replace key-encryption keys by their next version"),
    /// Wrap again.
    BeginRewrap => api(Method::Post, "/keys/rewrap", Action::ManageKeys, BodyRule::Json(list![DRY_RUN]), &[], KEYS_CHANGED, "开始或继续重新封装密钥", "Begin to wrap keys again under the newest versions, or go on; it ends with the destruction of the versions before"),
    /// Stop that.
    StopRewrap => api(Method::Delete, "/keys/rewrap", Action::ManageKeys, BodyRule::None, &[], &[(204, "Stopped, until it is begun again"), (404, "Keys are not being wrapped again")], "停止重新封装密钥", "Stop wrapping keys again"),
    /// Forget a node that is gone for good.
    ForgetNode => api(Method::Post, "/keys/nodes/forgotten", Action::ManageKeys, BodyRule::Json(list![field("name", Schema::Text, "The name of its audit log"), DRY_RUN]), &[], list![(200, "Forgotten, or what would be"), (404, "No other node of this name, or it is forgotten already")], "登记已永久移除的节点", "Say that a node is gone for good and its disk destroyed: no destruction waits for it any more, and it is given nothing"),
    /// Seal the archive.
    Seal => api(Method::Post, "/seal", Action::ManageKeys, BodyRule::None, &[], &[(204, "The archive closes and waits for shares"), (409, "No shares open the root key, so it would open itself again")], "封存：清除密钥并等待份额", "Close the archive and wipe its keys; it waits for shares then"),
    /// A destruction, asked for.
    RequestDestruction => api(Method::Post, "/destructions", Action::RequestDestruction, BodyRule::JsonOf(&Schema::Either(DESTRUCTIONS_ASKED)), &[], DESTRUCTION_ASKED, "申请销毁检查或患者（须另一人批准）", "Ask for a study or a patient to be destroyed; somebody else has to approve it"),
    /// What was destroyed, and what is to be.
    ListDestructions => api(Method::Get, "/destructions", Action::RequestDestruction, BodyRule::None, &[], OK, "列出销毁申请与记录", "Destructions: asked for, going on and done, the newest first"),
    /// One of them.
    ReadDestruction => api(Method::Get, "/destructions/{destruction}", Action::RequestDestruction, BodyRule::None, &[DESTRUCTION], &[(200, "How far it is, and its record"), (404, "No such destruction")], "销毁记录", "One destruction with its record: what, who, how, when, which leaves"),
    /// Approved.
    ApproveDestruction => api(Method::Post, "/destructions/{destruction}/approval", Action::ApproveDestruction, BodyRule::None, &[DESTRUCTION], DESTRUCTION_DECIDED, "批准销毁（不可撤销）", "Approve what somebody else asked for; it is carried out and cannot be undone"),
    /// Taken back.
    WithdrawDestruction => api(Method::Delete, "/destructions/{destruction}", Action::RequestDestruction, BodyRule::None, &[DESTRUCTION], &[(204, "It is not going to happen"), (404, "No such destruction"), (409, "It was approved or withdrawn already")], "撤回或拒绝销毁申请", "Take a request back, or refuse it"),
    /// A legal hold, placed.
    PlaceHold => api(Method::Post, "/holds", Action::ManageHolds, BodyRule::JsonOf(&Schema::RecordOf(list![optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Shaped(&shapes::PATIENT_ID), "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who gave the patient ID"), field("reason", Schema::Word(&["litigation", "investigation", "incident", "ordered", "trial"]), "litigation, investigation, incident, ordered or trial")], &["study", "patient_id"])), &[], &[(201, "Held: no destruction of it is approved"), (404, "There is no such study or patient"), (409, "A destruction of it was approved already")], "对检查或患者实施法律封存（禁止销毁）", "Place a legal hold on a study or a patient: nothing of it is destroyed until it is released"),
    /// What is held, and what was.
    ListHolds => api(Method::Get, "/holds", Action::ManageHolds, BodyRule::None, &[], OK, "列出法律封存", "Legal holds: those in force first, and of each the newest"),
    /// One of them.
    ReadHold => api(Method::Get, "/holds/{hold}", Action::ManageHolds, BodyRule::None, &[HOLD], &[(200, "On what, who placed it, why, and how it ended"), (404, "No such hold")], "一项法律封存", "One legal hold"),
    /// Its release, asked for.
    RequestRelease => api(Method::Post, "/holds/{hold}/release", Action::ManageHolds, BodyRule::Json(list![field("reason", Schema::Word(&["ended", "ordered", "mistake", "trial"]), "ended, ordered, mistake or trial")]), &[HOLD], HOLD_STATE, "申请解除法律封存（须另一人批准）", "Ask for the release of a legal hold; it stands until somebody else approves that"),
    /// Approved.
    ApproveRelease => api(Method::Post, "/holds/{hold}/release/approval", Action::ApproveRelease, BodyRule::None, &[HOLD], HOLD_STATE, "批准解除法律封存", "Approve the release that somebody else asked for"),
    /// Taken back.
    WithdrawRelease => api(Method::Delete, "/holds/{hold}/release", Action::ManageHolds, BodyRule::None, &[HOLD], &[(204, "The hold stands"), (404, "No such hold"), (409, "Nobody asked for its release")], "撤回或拒绝解除申请", "Take a request for release back, or refuse it; the hold stands"),
}

//! Devices: who they are, what is asked of them, and the jobs and questions that this makes.

use super::common::{CHANGED, CREATED, OK, api, field, optional, path, query};
use crate::limits;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Needs, Parameter, Route, Schema};
use yingdun_access::DISMISSED_DAYS_MAX;
use yingdun_model::Action;

const JOB: Parameter = path("job", Schema::Shaped(&shapes::HEX_32), "What the job was called when it began");
const JOB_FOUND: &[(u16, &str)] = &[(200, "What it has done"), (404, "No job of yours")];
const TRANSACTION: Parameter = path("transaction", Schema::Uid, "Transaction UID of a question");
const HABITS: Parameter =
    optional("habits", Schema::Object, "How it differs from other devices; none when absent");

/// A device as the list gives it, less its scopes, can be sent back.
const DEVICE: &[Parameter] = &[
    optional("ae_title", Schema::Shaped(&shapes::AE_TITLE), "The same as in the path"),
    field("called_ae", Schema::Shaped(&shapes::AE_TITLE), "The AE title by which it calls us"),
    optional(
        "certificate_sha256",
        Schema::OrNull(&Schema::Shaped(&shapes::DIGEST)),
        "SHA-256 of its certificate, 64 hexadecimal digits",
    ),
    optional(
        "addresses",
        Schema::List(&Schema::Shaped(&shapes::ADDRESS), 64),
        "Addresses or networks from which it may call",
    ),
    optional("plain_allowed", Schema::Flag, "Whether it may connect without TLS"),
    optional("disabled", Schema::Flag, "Whether it is disabled"),
    optional(
        "destination",
        Schema::OrNull(&Schema::Shaped(&shapes::DESTINATION)),
        "Where it takes images: host:port, or plain://host:port without TLS",
    ),
    HABITS,
];

const NEW_DEVICE: &[Parameter] = &[
    field("ae_title", Schema::Shaped(&shapes::AE_TITLE), "The AE title that it calls itself"),
    field("called_ae", Schema::Shaped(&shapes::AE_TITLE), "The AE title by which it calls us"),
    optional(
        "certificate_sha256",
        Schema::OrNull(&Schema::Shaped(&shapes::DIGEST)),
        "SHA-256 of its certificate, 64 hexadecimal digits",
    ),
    optional(
        "addresses",
        Schema::List(&Schema::Shaped(&shapes::ADDRESS), 64),
        "Addresses or networks from which it may call",
    ),
    optional("plain_allowed", Schema::Flag, "Whether it may connect without TLS"),
    optional("disabled", Schema::Flag, "Whether it is disabled"),
    optional(
        "destination",
        Schema::OrNull(&Schema::Shaped(&shapes::DESTINATION)),
        "Where it takes images: host:port, or plain://host:port without TLS",
    ),
    HABITS,
];

const ATTEMPT: Parameter = path(
    "attempt",
    Schema::Shaped(&shapes::HEX_32),
    "What names the row: of these titles, this address and this certificate",
);

rows! {
    /// Who called in vain.
    ListWaitingDevices => api(Method::Get, "/waiting-devices", Action::ManageAccounts, BodyRule::None, list![query("dismissed", Schema::Flag, "true for those, too, that somebody dismissed")], list![(200, "`waiting`: who called a DICOM door in vain in the last fourteen days, who called last first; `doors`: where devices are to call this node, an `address` of null being any of the machine")], "等待登记的设备（曾尝试连接而未被接受）", "Devices that called in vain, with what was seen of them and why they are turned away"),
    /// Register one of them.
    ApproveWaitingDevice => api(Method::Post, "/waiting-devices/{attempt}", Action::ManageAccounts, BodyRule::Json(list![optional("addresses", Schema::List(&Schema::Shaped(&shapes::ADDRESS), 64), "Addresses or networks from which it may call; the one from which it called when absent"), optional("plain_allowed", Schema::Flag, "That it may go on without TLS, where it called without"), optional("destination", Schema::OrNull(&Schema::Shaped(&shapes::DESTINATION)), "Where it takes images: host:port, or plain://host:port without TLS")]), list![ATTEMPT], list![(201, "The device as it was registered"), (404, "No such row, or it is registered by now"), (409, "Registering this would not let it in"), (422, "It called without TLS, and `plain_allowed` does not say that it may")], "批准等待的设备：按所见的名称与证书登记", "Register a waiting device with the titles and the certificate that were seen"),
    /// Take one of them out of sight.
    DismissWaitingDevice => api(Method::Put, "/waiting-devices/{attempt}/dismissal", Action::ManageAccounts, BodyRule::Json(list![field("days", Schema::Within(1, DISMISSED_DAYS_MAX as u64), "For how long, 365 days at most")]), list![ATTEMPT], CHANGED, "暂时忽略一个等待的设备", "Take a waiting device out of sight for some days"),
    /// Bring one of them back.
    RestoreWaitingDevice => api(Method::Delete, "/waiting-devices/{attempt}/dismissal", Action::ManageAccounts, BodyRule::None, list![ATTEMPT], CHANGED, "恢复显示一个已忽略的设备", "Bring a dismissed device back"),
    /// Every device.
    ListDevices => api(Method::Get, "/devices", Action::ManageAccounts, BodyRule::None, &[], OK, "列出设备", "List devices"),
    /// A new device.
    RegisterDevice => Route { produces: &[], ..api(Method::Post, "/devices", Action::ManageAccounts, BodyRule::Json(NEW_DEVICE), &[], CREATED, "登记设备", "Register a device") },
    /// Change a device.
    UpdateDevice => api(Method::Put, "/devices/{ae_title}", Action::ManageAccounts, BodyRule::Json(DEVICE), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Calling AE title")], CHANGED, "修改设备", "Change a device"),
    /// Test the connection to a device.
    EchoDevice => api(Method::Post, "/devices/{ae_title}/echo", Action::Echo, BodyRule::Json(list![field("called_ae", Schema::Shaped(&shapes::AE_TITLE), "The AE title by which it calls us, and by which we call it")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(200, "What came of it: `fault` is null, or says the step, the cause, what was expected, what came and what to do"), (404, "No such device"), (409, "It is disabled or has no destination"), (429, "Too many tests at once")], "测试与设备的连接（C-ECHO）", "Test the connection to a device (C-ECHO)"),
    /// Search at a device.
    FindAtDevice => api(Method::Post, "/devices/{ae_title}/find", Action::Search, BodyRule::Json(list![optional("level", Schema::Word(&["study", "series", "instance"]), "study, series or instance; study when absent"), field("keys", Schema::Names(limits::QUERY_VALUE_CHARS_MAX), "Attributes by keyword or tag, each with the text that it is to match, or empty to be returned"), optional("limit", Schema::Number, "Rows at most; 1000 when absent, and at most")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(200, "`rows` in the DICOM JSON model, those that the asker may see, and whether there are `more`"), (404, "No device of this title takes calls"), (429, "Too many calls at once"), (502, "The device did not answer as it should")], "在设备上检索（C-FIND）", "Search at a device (C-FIND)"),
    /// The worklist of a device.
    WorklistAtDevice => api(Method::Post, "/devices/{ae_title}/worklist", Action::ReadWorklist, BodyRule::Json(list![field("keys", Schema::Names(limits::QUERY_VALUE_CHARS_MAX), "Attributes by keyword or tag, those of an item behind the name of their sequence and a dot, each with the text that it is to match, or empty to be returned"), optional("limit", Schema::Number, "Steps at most; 1000 when absent, and at most")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(200, "`rows` in the DICOM JSON model, a scheduled step each, and whether there are `more`"), (404, "No device of this title takes calls"), (429, "Too many calls at once"), (502, "The device did not answer as it should")], "查询设备上的检查工作列表（MWL C-FIND）", "Ask a device for its modality worklist (C-FIND)"),
    /// Send to a device.
    StoreAtDevice => api(Method::Post, "/devices/{ae_title}/store", Action::View, BodyRule::Json(list![field("studies", Schema::Several(&Schema::Uid, limits::UID_LIST_MAX), "Study Instance UIDs, 128 at most"), optional("series", Schema::List(&Schema::Uid, limits::UID_LIST_MAX), "Only these of their series"), optional("instances", Schema::List(&Schema::Uid, limits::UID_LIST_MAX), "Only these of their instances")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(202, "The job that sends them"), (404, "No such study, or not for you; or no device of this title takes calls"), (413, "More instances than one job sends"), (429, "Too many jobs at once")], "向设备发送检查（C-STORE）", "Send studies to a device (C-STORE)"),
    /// Bring studies of a device here.
    RetrieveFromDevice => api(Method::Post, "/devices/{ae_title}/retrieve", Action::Search, BodyRule::Json(list![field("studies", Schema::Several(&Schema::Uid, limits::UID_LIST_MAX), "Study Instance UIDs, 128 at most"), optional("by", Schema::Word(&["move", "get"]), "move (C-MOVE) or get (C-GET); move when absent")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(202, "The job that brings them"), (404, "The device has no such study, or not for you; or no device of this title takes calls"), (429, "Too many calls or jobs at once"), (502, "The device did not answer as it should")], "从设备取回检查（C-MOVE 或 C-GET）", "Retrieve studies from a device (C-MOVE or C-GET)"),
    /// Ask a device whether it keeps what was sent to it.
    CommitAtDevice => api(Method::Post, "/devices/{ae_title}/commit", Action::View, BodyRule::Json(list![field("studies", Schema::Several(&Schema::Uid, limits::UID_LIST_MAX), "Study Instance UIDs, 128 at most"), optional("series", Schema::List(&Schema::Uid, limits::UID_LIST_MAX), "Only these of their series"), optional("instances", Schema::List(&Schema::Uid, limits::UID_LIST_MAX), "Only these of their instances")]), list![path("ae_title", Schema::Shaped(&shapes::AE_TITLE), "Its AE title")], list![(202, "The question, which is put until the device takes it"), (404, "No such study, or not for you; or no device of this title takes calls"), (413, "More instances than one question may name"), (429, "Too many questions are open")], "请求设备确认已保存（存储承诺）", "Ask a device whether it keeps studies (storage commitment)"),
    /// The own questions.
    ListCommitments => Route { needs: Needs::OwnToken, ..api(Method::Get, "/commitments", Action::View, BodyRule::None, &[], OK, "列出自己的存储承诺请求", "List the own questions for storage commitment") },
    /// One question.
    ReadCommitment => Route { needs: Needs::OwnToken, ..api(Method::Get, "/commitments/{transaction}", Action::View, BodyRule::None, &[TRANSACTION], list![(200, "What the device says of each instance, as far as it has answered"), (404, "No question of yours")], "查看设备对每个实例的答复", "What a device says of each instance") },
    /// The own jobs.
    ListJobs => Route { needs: Needs::OwnToken, ..api(Method::Get, "/jobs", Action::View, BodyRule::None, &[], OK, "列出自己的任务", "List the own jobs") },
    /// One job.
    ReadJob => Route { needs: Needs::OwnToken, ..api(Method::Get, "/jobs/{job}", Action::View, BodyRule::None, &[JOB], JOB_FOUND, "查看任务进度", "How far a job is") },
    /// Cancel a job.
    CancelJob => Route { needs: Needs::OwnToken, ..api(Method::Delete, "/jobs/{job}", Action::View, BodyRule::None, &[JOB], list![(202, "It ends behind the object that is on its way"), (404, "No job of yours")], "取消任务", "Cancel a job") },
}

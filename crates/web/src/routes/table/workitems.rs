//! DICOMweb: the unified worklist (UPS-RS).

use super::common::{ACCEPT, DICOM_JSON, FIELDS, path, query};
use crate::limits;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const WORKITEM: Parameter = path("workitem", Schema::Uid, "SOP Instance UID of a workitem");
const SUBSCRIBED: Parameter = path(
    "workitem",
    Schema::Uid,
    "A workitem, or 1.2.840.10008.5.1.4.34.5 for all, or 1.2.840.10008.5.1.4.34.5.1 for those that match",
);

const AE_TITLE: Parameter = path("aetitle", Schema::Shaped(&shapes::AE_TITLE), "AE title of the subscriber");

/// The unified worklist: UPS-RS.
#[allow(clippy::too_many_arguments, reason = "the columns of the table")]
const fn worklist(
    method: Method,
    path: &'static str,
    action: Action,
    body: BodyRule,
    parameters: &'static [Parameter],
    answers: &'static [(u16, &'static str)],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(action),
        body,
        parameters,
        produces: DICOM_JSON,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

rows! {
    /// UPS-RS: create.
    CreateWorkitem => Route { produces: &[], ..worklist(Method::Post, "/workitems", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![query("workitem", Schema::Uid, "UID of the new workitem; also as `AffectedSOPInstanceUID`, as the whole query, or in the data set")], list![(201, "Created; Location is its address"), (400, "An attribute is missing or wrong (PS3.4 table CC.2.5-3)"), (409, "There is or was a workitem of this UID")], "创建统一工作项", "Create a workitem") },
    /// UPS-RS: search.
    SearchWorkitems => worklist(Method::Get, "/workitems", Action::ReadWorklist, BodyRule::None, list![query("limit", Schema::Within(1, u32::MAX as u64), "Rows at most; 200 when absent, 1000 at most"), query("offset", Schema::Within(0, limits::QIDO_OFFSET_MAX as u64), "Rows to skip"), query("includefield", FIELDS, "Further attributes by keyword or tag, or `all`"), query("fuzzymatching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("emptyvaluematching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("multiplevaluematching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("ProcedureStepState", Schema::Text, "SCHEDULED, IN PROGRESS, COMPLETED or CANCELED"), query("ScheduledProcedureStepStartDateTime", Schema::Text, "A moment or a range such as 20260301-20260302"), query("PatientID", Schema::Text, "Patient ID"), query("PatientName", Schema::Text, "Patient name; `*` and `?` are wildcards"), query("ReferencedRequestSequence.AccessionNumber", Schema::Text, "Accession number"), query("ScheduledStationNameCodeSequence.CodeValue", Schema::Text, "Station"), ACCEPT], list![(200, "The matches, possibly none")], "检索统一工作项", "Search workitems"),
    /// UPS-RS: retrieve.
    RetrieveWorkitem => worklist(Method::Get, "/workitems/{workitem}", Action::ReadWorklist, BodyRule::None, list![WORKITEM, ACCEPT], list![(200, "The workitem, without its Transaction UID"), (404, "No such workitem"), (410, "It has ended and was removed")], "读取统一工作项", "Retrieve a workitem"),
    /// UPS-RS: update.
    UpdateWorkitem => Route { produces: &[], ..worklist(Method::Post, "/workitems/{workitem}", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![WORKITEM, query("transaction", Schema::Uid, "Transaction UID of a claimed workitem; also as the whole query")], list![(200, "Changed"), (400, "The Transaction UID is missing or incorrect, or an attribute is wrong"), (404, "No such workitem"), (409, "The workitem has ended"), (410, "It has ended and was removed")], "更新统一工作项", "Update a workitem") },
    /// UPS-RS: change of state.
    ChangeWorkitemState => Route { produces: &[], ..worklist(Method::Put, "/workitems/{workitem}/state", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![WORKITEM], list![(200, "Changed, or there already"), (400, "The Transaction UID is missing or incorrect"), (404, "No such workitem"), (409, "The state does not permit it, or another one was faster"), (410, "It has ended and was removed")], "更改统一工作项状态", "Claim, complete or cancel a workitem") },
    /// UPS-RS: request of cancellation.
    RequestCancellation => Route { produces: &[], ..worklist(Method::Post, "/workitems/{workitem}/cancelrequest", Action::ManageWorklist, BodyRule::DataSet { required: false }, list![WORKITEM], list![(202, "Cancelled, or its performer is told"), (404, "No such workitem"), (409, "It is completed, or its performer cannot be told"), (410, "It has ended and was removed")], "请求取消统一工作项", "Request that a workitem be cancelled") },
    /// UPS-RS: subscribe.
    Subscribe => Route { produces: &[], ..worklist(Method::Post, "/workitems/{workitem}/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE, query("deletionlock", Schema::Flag, "Whether the workitems are kept until this subscription ends"), query("ScheduledStationNameCodeSequence.CodeValue", Schema::Text, "A key of the filter of 1.2.840.10008.5.1.4.34.5.1, as in a search")], list![(201, "Subscribed; Content-Location is the event channel"), (403, "The title belongs to another account"), (404, "No such workitem"), (410, "It has ended and was removed"), (429, "Too many subscribers")], "订阅统一工作项", "Subscribe to workitems") },
    /// UPS-RS: unsubscribe.
    Unsubscribe => Route { produces: &[], ..worklist(Method::Delete, "/workitems/{workitem}/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE], list![(200, "Unsubscribed"), (403, "The title belongs to another account"), (404, "No such subscription")], "取消订阅统一工作项", "Unsubscribe from workitems") },
    /// UPS-RS: suspend.
    SuspendSubscription => Route { produces: &[], ..worklist(Method::Post, "/workitems/{workitem}/subscribers/{aetitle}/suspend", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE], list![(200, "Suspended: workitems to come are not subscribed to"), (403, "The title belongs to another account"), (404, "No such subscription")], "暂停订阅新的统一工作项", "Suspend a subscription to workitems to come") },
    /// UPS-RS: event channel.
    OpenEventChannel => Route { produces: &[], ..worklist(Method::Get, "/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![AE_TITLE], list![(101, "A WebSocket; each text message is an event report"), (400, "No handshake of a WebSocket"), (403, "The title belongs to another account, or the page to another origin"), (404, "Nothing is subscribed with this title")], "打开统一工作项事件通道（WebSocket）", "Open the event channel of a subscriber") },
}

//! Events of studies, the modality worklist, and performed procedure steps.

use super::common::{OK, api, path, query};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const STEP: Parameter =
    path("step", Schema::Shaped(&shapes::HEX_32), "Reference of a step, 32 hexadecimal digits");
const STEP_ENTERED: &[(u16, &str)] = &[
    (201, "Entered; `step` is its reference"),
    (400, "An attribute is missing that PS3.4 table K.6-1 demands"),
    (409, "The step is there already"),
];

const STEP_CHANGED: &[(u16, &str)] = &[(204, "Changed"), (404, "No such step that waits or is begun")];

rows! {
    /// Events of studies.
    ListEvents => api(Method::Get, "/events", Action::Search, BodyRule::None, list![query("after", Schema::Number, "The number of the last event that was seen; 0 when absent"), query("limit", Schema::Within(1, u32::MAX as u64), "At most so many, 100 unless set, up to 1000"), query("wait", Schema::Number, "Seconds to wait when there are none, up to 20")], OK, "检查事件（停止接收后的检查）", "What happened to studies: which have received nothing for a while"),
    /// Conflicts.
    ListConflicts => api(Method::Get, "/conflicts", Action::Search, BodyRule::None, list![query("limit", Schema::Within(1, u32::MAX as u64), "At most so many of each kind, up to 500")], OK, "需要人工核对的检查", "Studies that somebody has to look at: of several patients, or with one accession number"),
    /// The worklist.
    ListWorklist => api(Method::Get, "/worklist", Action::ReadWorklist, BodyRule::None, list![query("state", Schema::Word(shapes::STEP_STATES), "scheduled (the default), started, completed, discontinued or cancelled"), query("from", Schema::Shaped(&shapes::DAY), "The first day, YYYYMMDD"), query("until", Schema::Shaped(&shapes::DAY), "The last day, YYYYMMDD"), query("limit", Schema::Within(1, u32::MAX as u64), "At most so many, 100 unless set, up to 1000")], OK, "列出工作列表", "List the worklist"),
    /// A new step.
    EnterStep => api(Method::Post, "/worklist", Action::ManageWorklist, BodyRule::JsonOf(&Schema::DataSet), &[], STEP_ENTERED, "登记检查步骤（DICOM JSON）", "Enter a scheduled procedure step (DICOM JSON model)"),
    /// A step described anew.
    ReplaceStep => api(Method::Put, "/worklist/{step}", Action::ManageWorklist, BodyRule::JsonOf(&Schema::DataSet), &[STEP], STEP_CHANGED, "重新描述检查步骤", "Describe a step anew; one that was cancelled or discontinued is scheduled again"),
    /// A step cancelled.
    CancelStep => api(Method::Delete, "/worklist/{step}", Action::ManageWorklist, BodyRule::None, &[STEP], STEP_CHANGED, "取消检查步骤", "Cancel a step"),
    /// What modalities report.
    ListPerformedSteps => api(Method::Get, "/performed-steps", Action::ReadWorklist, BodyRule::None, list![query("study", Schema::Uid, "Of this study"), query("state", Schema::Word(shapes::PERFORMED_STATES), "in-progress, completed or discontinued"), query("station", Schema::Shaped(&shapes::AE_TITLE), "Performed by this station (AE title)"), query("from", Schema::Shaped(&shapes::DAY), "Begun on this day or later, YYYYMMDD"), query("until", Schema::Shaped(&shapes::DAY), "Begun on this day or earlier, YYYYMMDD"), query("after", Schema::Shaped(&shapes::HEX_32), "Behind this step: `step` of the last one of the page before"), query("limit", Schema::Within(1, u32::MAX as u64), "At most so many, 100 unless set, up to 1000")], OK, "列出已执行步骤 (MPPS)", "List performed procedure steps, the newest first"),
    /// One report.
    ReadPerformedStep => api(Method::Get, "/performed-steps/{performed}", Action::ReadWorklist, BodyRule::None, list![path("performed", Schema::Shaped(&shapes::HEX_32), "Reference of a performed step, 32 hexadecimal digits")], &[(200, "The step, and how many instances of each series have arrived"), (404, "No such step")], "一个已执行步骤及其影像到达情况", "A performed procedure step, and what of its series has arrived"),
}

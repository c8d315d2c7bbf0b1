//! The audit log, also as FHIR.

use super::common::{CURSOR, OK, PAGED, api, field, optional, path, query};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_access::SAMPLE_RECORDS_MAX;
use yingdun_model::Action;

const FHIR_JSON: &[&str] = &["application/fhir+json", "application/json"];

/// One of the trees of the audit log.
const TREE: Parameter = query(
    "tree",
    Schema::Word(&["sha-256", "sm3"]),
    "sha-256, which every log has, or sm3; sha-256 when absent",
);

/// One log of several.
const LOG: Parameter =
    query("log", Schema::Text, "Only in the log of this name; in the logs of all nodes when absent");

/// Whose images.
const ACCESSES: &[Parameter] = &[
    optional("study_uid", Schema::Uid, "Of this study, by its UID"),
    optional("study", Schema::Shaped(&shapes::HEX_32), "Of this study, by its reference"),
    optional("patient", Schema::Shaped(&shapes::HEX_32), "Of this patient, by the reference"),
    optional(
        "patient_id",
        Schema::Shaped(&shapes::PATIENT_ID),
        "Of this patient, by the ID; nothing of it is kept or logged",
    ),
    optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who issued the patient ID"),
    optional("from_ms", Schema::Number, "At or after"),
    optional("until_ms", Schema::Number, "Before"),
    optional("limit", Schema::Number, "Rows at most; 100 when absent, 1000 at most"),
    optional("cursor", Schema::Shaped(&shapes::CURSOR), "Where to go on"),
    optional("log", Schema::Text, "Only in the log of this name; in the logs of all nodes when absent"),
];

/// The study that a found picture is compared with.
const FOUND_STUDY: Parameter = Parameter {
    required: true,
    ..query("study_uid", Schema::Uid, "The study that the picture is thought to show")
};

/// Which leaves, with their proofs.
const BUNDLE: &[Parameter] = &[
    optional("study_uid", Schema::Uid, "About this study, by its UID"),
    optional(
        "patient_id",
        Schema::Shaped(&shapes::PATIENT_ID),
        "About this patient, by the ID; nothing of it is kept or logged",
    ),
    optional("issuer", Schema::Shaped(&shapes::ISSUER), "Who issued the patient ID"),
    optional("actor", Schema::Shaped(&shapes::NAME), "By this person, device or program"),
    optional("from_ms", Schema::Number, "Written at or after"),
    optional("until_ms", Schema::Number, "Written before"),
    optional("limit", Schema::Number, "Leaves at most; 1000 when absent, and at most"),
    optional("cursor", Schema::Shaped(&shapes::CURSOR), "Where to go on: `next` of the bundle before"),
];

/// What was drawn, and what was found.
const SAMPLE: &[Parameter] = &[
    field(
        "drawn",
        Schema::Word(&["all", "filtered", "cut"]),
        "Among the numbers of a log, among all that fit filters, or among the newest that fit",
    ),
    field("of", Schema::Number, "Among how many"),
    field("seed", Schema::Shaped(&shapes::HEX_32), "From which the draw follows"),
    optional(
        "filters",
        Schema::Shaped(&shapes::SEARCH_QUERY),
        "What was searched for, as the query of `GET /audit/search`",
    ),
    field(
        "records",
        Schema::Several(&Schema::Shaped(&shapes::AUDIT_RECORD), SAMPLE_RECORDS_MAX),
        "Each record as `number@log`, in the order of the sample; 50 at most",
    ),
    field("words", Schema::Shaped(&shapes::WORDS), "What was found; kept sealed"),
];

/// A text of the audit log.
const fn api_text(
    path: &'static str,
    parameters: &'static [Parameter],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Get,
        path,
        family: Family::Api,
        needs: Needs::Token(Action::ReadAudit),
        body: BodyRule::None,
        parameters,
        produces: &["text/plain; charset=utf-8"],
        answers: &[(200, "A C2SP text"), (404, "No such leaf in this institution")],
        summary_zh: zh,
        summary_en: en,
    }
}

rows! {
    /// The newest leaves.
    AuditTail => api(Method::Get, "/audit/tail", Action::ReadAudit, BodyRule::None, list![query("count", Schema::Number, "Leaves at most; 100 when absent, 1000 at most")], PAGED, "本节点日志的最新审计记录", "The newest audit leaves of the log of this node"),
    /// Search the leaves.
    AuditSearch => api(Method::Get, "/audit/search", Action::ReadAudit, BodyRule::None, list![query("from_ms", Schema::Number, "Written at or after"), query("until_ms", Schema::Number, "Written before"), query("actor", Schema::Shaped(&shapes::NAME), "By this actor"), query("actor_kind", Schema::Word(shapes::ACTOR_KINDS), "By an actor of this kind: person, device, service or system"), query("device", Schema::Shaped(&shapes::NAME), "By this device"), query("action", Schema::Word(shapes::ACTIONS), "With this action, such as `view`"), query("patient", Schema::Shaped(&shapes::HEX_32), "About this patient reference"), query("study", Schema::Shaped(&shapes::HEX_32), "About this study reference"), query("study_uid", Schema::Uid, "About this study, by its UID"), query("kind", Schema::Word(shapes::EVENT_KINDS), "Kind of event"), query("outcome", Schema::Word(shapes::OUTCOMES), "Outcome"), query("limit", Schema::Number, "Leaves at most; 100 when absent, 1000 at most"), CURSOR, LOG], PAGED, "检索审计记录", "Search audit leaves, the newest first"),
    /// Who looked at images.
    AuditAccesses => api(Method::Post, "/audit/accesses", Action::ReadAudit, BodyRule::JsonOf(&Schema::RecordOf(ACCESSES, &["study_uid", "study", "patient", "patient_id"])), &[], PAGED, "谁看过某患者或某检查的影像", "Who looked at the images of a patient or a study, and who was refused"),
    /// Leaves with their proofs.
    AuditBundle => api(Method::Post, "/audit/bundle", Action::ReadAudit, BodyRule::JsonOf(&Schema::RecordOf(BUNDLE, &["study_uid", "patient_id", "actor"])), &[], list![(200, "Leaves, newest first, each as text with its C2SP tlog-proof, all under one checkpoint; what it takes to verify them; and `next`, where there are more")], "审计证据包：记录及其存在证明", "Audit leaves about a study, a patient or an actor, with the proof of each"),
    /// A sample, marked.
    ReviewSample => api(Method::Post, "/audit/reviews", Action::ReadAudit, BodyRule::Json(SAMPLE), &[], list![(201, "Marked: in the leaf, whose `content_sha256` is `sample`, and in the list of reviews"), (403, "Only a person reviews records"), (404, "Not all are records of this institution"), (422, "It is no sample")], "标记抽查样本为已复核", "Mark a sample of the audit log as reviewed"),
    /// What was marked.
    ListSampleReviews => api(Method::Get, "/audit/reviews", Action::ReadAudit, BodyRule::None, list![query("sample", Schema::Shaped(&shapes::HEX_64), "Only of the sample of this digest")], OK, "已复核的抽查样本", "Samples of the audit log that were reviewed, the newest first, 200 at most"),
    /// Whose picture a found one is.
    TraceLeak => api(Method::Post, "/leaks/trace", Action::ReadAudit, BodyRule::Picture, list![FOUND_STUDY, query("series_uid", Schema::Uid, "Only in this series"), query("instance_uid", Schema::Uid, "Only in this instance")], list![(200, "The frame that the picture shows, and the opening under which it was shown, where its mark tells")], "追溯外泄图像：谁在何时看过", "Whose opening the mark in a found picture is of"),
    /// Whose number that is.
    LeakMark => api(Method::Get, "/leaks/marks/{number}", Action::ReadAudit, BodyRule::None, list![path("number", Schema::Shaped(&shapes::MARK_NUMBER), "The number on a picture, as WM-V07S-1TC3-63AY")], list![(200, "The opening, where the number is of one")], "按水印编号查找", "Whose opening the number of a mark is of"),
    /// The audit log as FHIR.
    SearchAuditEvents => Route { family: Family::Fhir, produces: FHIR_JSON, ..api(Method::Get, "/AuditEvent", Action::ReadAudit, BodyRule::None, list![query("date", Schema::List(&Schema::Shaped(&shapes::FHIR_DATE), 4), "A day or moment, with one of ge, gt, le, lt in front; may come twice"), query("agent", Schema::Shaped(&shapes::NAME), "By this actor"), query("agent:identifier", Schema::Shaped(&shapes::IDENTIFIER), "The same, perhaps behind the name of its system and a bar"), query("patient:identifier", Schema::Shaped(&shapes::IDENTIFIER), "As `patient`, perhaps behind the name of its system and a bar"), query("entity:identifier", Schema::Shaped(&shapes::IDENTIFIER), "As `entity`, perhaps behind the name of its system and a bar"), query("patient", Schema::Shaped(&shapes::IDENTIFIER), "About this patient reference"), query("entity", Schema::Shaped(&shapes::IDENTIFIER), "About this study reference"), query("action", Schema::Word(&["C", "R", "U", "D", "E"]), "C, R, U, D or E"), query("outcome", Schema::Word(&["0", "4", "8", "12"]), "0, 4 or 8"), query("type", Schema::Text, "Code of the type, as in rest or http://dicom.nema.org/resources/ontology/DCM|110114"), query("subtype", Schema::Text, "Code of a subtype"), query("_count", Schema::Number, "Resources at most; 100 when absent, 1000 at most"), query("_cursor", Schema::Shaped(&shapes::CURSOR), "Where a page begins; from the link `next` of the page before")], list![(200, "A Bundle, newest first; a page may hold less than was asked for and lead on")], "以 FHIR AuditEvent 检索审计记录", "Search audit leaves as FHIR AuditEvent (IHE BALP)") },
    /// One of them.
    ReadAuditEvent => Route { family: Family::Fhir, produces: FHIR_JSON, ..api(Method::Get, "/AuditEvent/{index}", Action::ReadAudit, BodyRule::None, list![path("index", Schema::Number, "Number of the leaf")], list![(200, "An AuditEvent"), (404, "No such leaf in this institution")], "以 FHIR AuditEvent 读取一条审计记录", "One audit leaf as FHIR AuditEvent") },
    /// The checkpoint.
    AuditCheckpoint => api_text("/audit/checkpoint", list![TREE], "审计日志检查点", "The signed checkpoint of the audit log"),
    /// A proof.
    AuditProof => api_text("/audit/proofs/{index}", list![path("index", Schema::Number, "Number of the leaf"), TREE], "审计记录存在证明", "The proof that a leaf is in the log"),
}

//! What the first screens of the console show: who is there, the studies, and the overview of an office.

use super::common::{api, own, query};
use crate::limits::STUDIES_TYPED_MAX;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Route, Schema};
use yingdun_model::Action;

const FOUND: &[(u16, &str)] = &[(
    200,
    "The newest studies that fit and that the session may see, newest first. `next` is the cursor of the next page; `whole` is false where more words or \
     letters would find more",
)];
const OVERVIEW: &[(u16, &str)] = &[
    (
        200,
        "What the role may know. A part to which it has no right is not there; `missing` names those that could not be made now",
    ),
    (403, "The role has no part in it: it is for officers"),
];

rows! {
    /// Studies, searched while somebody types.
    FindStudies => api(Method::Get, "/studies/search", Action::Search, BodyRule::None, list![query("text", Schema::Shaped(&shapes::TYPED), "Words in any order: each the beginning of a part of the patient's name (characters, pinyin, initials), of a patient ID or an accession number, or a modality; or a date: 2026-11-21, 2026-11, today, 今天, 本周, 上月"), query("modality", Schema::List(&Schema::Shaped(&shapes::MODALITY), 8), "Studies with a series of this modality; may be there several times, for one of them"), query("from", Schema::Shaped(&shapes::DAY), "Studies of this day or later, YYYYMMDD"), query("until", Schema::Shaped(&shapes::DAY), "Studies of this day or earlier, YYYYMMDD"), query("mine", Schema::Flag, "true for patients with whom the asker has a care relation"), query("limit", Schema::Within(1, STUDIES_TYPED_MAX as u64), "Rows at most; 50 when absent"), query("cursor", Schema::Shaped(&shapes::STUDY_CURSOR), "Where to go on: `next` of the page before")], FOUND, "检查列表（边输入边检索）", "The newest studies that fit what is typed, each with whether it opens, on what that rests and until when"),
    /// The overview of an office.
    ReadOverview => own(Method::Get, "/overview", false, BodyRule::None, &[], OVERVIEW, "总览（按本人职责）", "What waits for the office of whoever asks, and how the archive stands; reading sums of the audit log is on the ledger"),
}

//! Copies that may be carried away, how a study is shown, and what a viewer tells of itself.

use super::common::{STUDY, api, field, optional, own};
use crate::limits;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;
use yingdun_watermark::{DRAWINGS_MAX, LINES_MAX};

/// What is drawn over a copy.
const DRAWING: &[Parameter] = &[
    optional(
        "points",
        Schema::Shaped(&shapes::POINTS),
        "A line through these points: x,y in pixels of the frame, parted by blanks",
    ),
    optional(
        "words",
        Schema::List(&Schema::Shaped(&shapes::DRAWN_WORDS), LINES_MAX),
        "Lines of words beside it",
    ),
    optional("at", Schema::Shaped(&shapes::POINTS), "Where the words begin; at the last point when absent"),
];

const COPY: &[Parameter] = &[
    field("kind", Schema::Word(shapes::COPY_KINDS), "capture: a picture; print: a page as PDF"),
    field("series", Schema::Uid, "Series Instance UID"),
    field("instance", Schema::Uid, "SOP Instance UID"),
    optional("frame", Schema::Within(1, u32::MAX as u64), "Number of the frame; 1 when absent"),
    optional(
        "window",
        Schema::Shaped(&shapes::WINDOW),
        "Center, width and perhaps linear, linear-exact or sigmoid, as in 40,400",
    ),
    optional(
        "region",
        Schema::Shaped(&shapes::REGION),
        "left,top,columns,rows in pixels of the frame; all of it when absent",
    ),
    optional("side", Schema::Within(64, limits::COPY_SIDE_MAX as u64), "Most columns and most rows"),
    optional("mirrored", Schema::Flag, "Left and right changed for one another, before it is turned"),
    optional("turned", Schema::Within(0, 3), "Quarters to the right"),
    optional("inverted", Schema::Flag, "Dark and bright changed for one another"),
    optional("format", Schema::Word(&["png", "jpeg"]), "Of a capture; png when absent"),
    optional("drawings", Schema::List(&Schema::Record(DRAWING), DRAWINGS_MAX), "What is drawn over it"),
];

const SIGNAL: &[Parameter] = &[
    field("kind", Schema::Word(shapes::SIGNALS), "What was seen"),
    field("page", Schema::Shaped(&shapes::HEX_16), "Drawn by the page when it was loaded"),
    field(
        "number",
        Schema::Within(1, u32::MAX as u64),
        "From 1, one more with each signal of the page: what is missing was kept from coming",
    ),
    optional("times", Schema::Within(1, 1000), "How often; 1 when absent"),
    optional("study", Schema::Uid, "What was on the screen"),
];

const COPIED: &[(u16, &str)] = &[
    (
        200,
        "The copy. `Yingdun-Mark` is the number of its mark, `Yingdun-Sha256` the digest of its bytes, `Yingdun-Leaf` the leaf that permitted it",
    ),
    (403, "Something stands against carrying it away"),
    (404, "No such thing, or not for you: the two are not told apart"),
];

const SHOWN: &[(u16, &str)] = &[
    (
        200,
        "Its grade, whether its pictures are marked, given as pictures only, and covered while nobody looks, and whether a copy may be made",
    ),
    (404, "No such thing, or not for you: the two are not told apart"),
];

/// A file that a page made of a list.
const FILE: &[Parameter] = &[
    field("list", Schema::Shaped(&shapes::LIST_NAME), "Which list"),
    field("rows", Schema::Number, "How many rows it has"),
    field("sha256", Schema::Shaped(&shapes::HEX_64), "SHA-256 of the file"),
];

rows! {
    /// A copy of a picture.
    MakeCopy => Route { produces: &["image/png", "image/jpeg", "application/pdf"], ..api(Method::Post, "/studies/{study}/copies", Action::View, BodyRule::Json(COPY), list![STUDY], COPIED, "受控截图或打印一幅图像：带水印、留痕、可追溯", "Make a marked copy of a picture, a capture or a print, which the audit log knows by its SHA-256") },
    /// How a study is shown.
    StudyShowing => api(Method::Get, "/studies/{study}/showing", Action::View, BodyRule::None, list![STUDY], SHOWN, "本人以何种形式查看此检查", "In which form this session is shown a study"),
    /// What a viewer saw.
    TellSignal => own(Method::Post, "/me/signals", false, BodyRule::Json(SIGNAL), &[], &[(204, "Taken")], "阅片页上报的截屏、打印、失焦等信号", "What the viewer of the own session saw: keys, prints, a window that lost focus; a kind is a leaf once a minute"),
    /// A file of a list.
    TellFile => own(Method::Post, "/me/files", false, BodyRule::Json(FILE), &[], &[(204, "Written down")], "控制台上报：列表已导出为文件", "That the console made a file of a list for the own session: of how many rows, and its digest; a leaf before it is saved"),
}

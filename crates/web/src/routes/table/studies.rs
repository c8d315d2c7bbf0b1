//! What is said of a study, and marked in it, beside its objects.

use super::common::{STUDY, api, field, optional, path, query};
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const IMAGES_MAX: usize = yingdun_archive::KEY_IMAGES_MAX;
const FRAMES_MAX: usize = yingdun_archive::KEY_FRAMES_MAX;

/// One image, or frames of it.
const IMAGE: &[Parameter] = &[
    field("instance", Schema::Uid, "SOP Instance UID of an image of the study"),
    optional(
        "frames",
        Schema::List(&Schema::Within(1, 999_999_999), FRAMES_MAX),
        "Numbers of its frames from 1; all of it when absent",
    ),
];

const MARKED: &[(u16, &str)] = &[
    (201, "Stored: the selection is an object of the study"),
    (404, "There is no such study, or the asker may not view it"),
    (422, "Something is no image of this study, or there is no such frame"),
];

const SAID: &[(u16, &str)] =
    &[(200, "What is known now"), (404, "There is no such study, or the asker may not view it")];

const MEASURED: &[(u16, &str)] = &[
    (
        200,
        "Whole numbers, in what the values measure. `lowest` and `highest` are null where the region is small, `unit` where it is not known",
    ),
    (404, "No such thing, or not for you: the two are not told apart"),
    (406, "The object has no picture that can be decoded here, or it is one in colour"),
    (422, "The region is too small, or not wholly in the picture"),
    (429, "Measured too often"),
];

const SIDE_MAX: u64 = yingdun_pixels::limits::RENDERED_SIDE_MAX as u64;

const REGION: &[Parameter] = list![
    STUDY,
    path("series", Schema::Uid, "Series Instance UID"),
    path("instance", Schema::Uid, "SOP Instance UID"),
    path("frame", Schema::Within(1, 999_999_999), "Number of the frame from 1"),
    needed(
        "shape",
        Schema::Word(&["rectangle", "ellipse"]),
        "Its form; an ellipse touches the sides of the box"
    ),
    needed("left", Schema::Within(0, SIDE_MAX), "Columns of the picture left of the box"),
    needed("top", Schema::Within(0, SIDE_MAX), "Rows of the picture above the box"),
    needed("columns", Schema::Within(1, SIDE_MAX), "Columns of the box"),
    needed("rows", Schema::Within(1, SIDE_MAX), "Rows of the box"),
];

const fn needed(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { required: true, ..query(name, schema, meaning) }
}

rows! {
    /// Key images.
    MarkKeyImages => api(Method::Post, "/studies/{study}/key-images", Action::MarkKeyImages, BodyRule::Json(list![field("title", Schema::Word(shapes::KEY_IMAGE_TITLES), "Why, as a code of CID 7010: 113000 of interest, 113002 for the referring provider, 113003 for surgery, 113004 for teaching, 113005 for conference, 113006 for therapy, 113008 for peer review, 113013 best in set, 113020 for report attachment"), optional("description", Schema::Shaped(&shapes::WORDS), "In words; becomes part of the object"), field("images", Schema::List(&Schema::Record(IMAGE), IMAGES_MAX), "Which images, each once")]), &[STUDY], MARKED, "标记关键图像（生成 DICOM 关键图像选择对象）", "Mark key images: the archive makes a Key Object Selection of images of a study that the asker may view, and stores it with the study"),
    /// What can be said of it as a thing that is kept.
    StudyIntegrity => api(Method::Get, "/studies/{study}/integrity", Action::View, BodyRule::None, &[STUDY], SAID, "检查的级别与完整性", "How sensitive a study is, and whether every copy of it was checked since it came"),
    /// What the values of a region are together.
    MeasureRegion => api(Method::Get, "/studies/{study}/series/{series}/instances/{instance}/frames/{frame}/region", Action::View, BodyRule::None, REGION, MEASURED, "测量图像区域的均值、标准差、最小值与最大值", "Measure a region of a picture: mean, standard deviation, lowest and highest, rounded; small regions are refused"),
}

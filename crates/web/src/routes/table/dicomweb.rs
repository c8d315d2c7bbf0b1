//! DICOMweb: STOW-RS, QIDO-RS, WADO-RS, media, and WADO-URI.

use super::common::{ACCEPT, DICOM_JSON, FIELDS, STUDY, UIDS, open, path, query};
use crate::limits;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const SERIES: Parameter = path("series", Schema::Uid, "Series Instance UID");
const INSTANCE: Parameter = path("instance", Schema::Uid, "SOP Instance UID");
const FRAMES: Parameter =
    path("frames", Schema::Shaped(&shapes::FRAMES), "Frame numbers from 1, parted by commas");
const SIZE: Parameter = query("viewport", Schema::Text, "Most columns and rows, as in `256,256`");
const OBJECTS: &[&str] = &["multipart/related", "application/dicom"];
const OCTETS: &[&str] = &["multipart/related", "application/octet-stream"];
const PARTS: &[&str] = &["multipart/related"];
const PICTURE: &[&str] = &["image/jpeg", "image/png"];
const PICTURE_OR_DOCUMENT: &[&str] = &["image/jpeg", "image/png", "application/pdf"];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "multipart/related"];

macro_rules! search_parameters {
    ($($scope:expr),*) => {
        list![
            $($scope,)*
            query("limit", Schema::Within(1, u32::MAX as u64), "Rows at most; 200 when absent, 1000 at most"),
            query("offset", Schema::Within(0, limits::QIDO_OFFSET_MAX as u64), "Rows to skip"),
            query("includefield", FIELDS, "Further attributes by keyword or tag, or `all`"),
            query("fuzzymatching", Schema::Flag, "`true`: names match by their parts, in any order"),
            query("emptyvaluematching", Schema::Flag, "`true`: two quotation marks ask for attributes without a value"),
            query("multiplevaluematching", Schema::Flag, "`true`: all of several values have to be there, not one of them"),
            query("TimezoneOffsetFromUTC", Schema::Text, "The zone in which dates and times are asked for, such as `+0800`"),
            query("StudyInstanceUID", UIDS, "One UID or several, parted by commas"),
            query("PatientID", Schema::Text, "Patient ID"),
            query("PatientName", Schema::Text, "Patient name; `*` and `?` are wildcards"),
            query("StudyDate", Schema::Text, "A date or a range such as 20260101-20260131"),
            query("AccessionNumber", Schema::Text, "Accession number"),
            query("ModalitiesInStudy", Schema::Text, "Modality"),
            ACCEPT,
        ]
    };
}

macro_rules! rendered_parameters {
    ($($scope:expr),*) => {
        list![
            $($scope,)*
            query("window", Schema::Text, "Center, width and perhaps linear, linear-exact or sigmoid, as in `40,400,linear`"),
            query("viewport", Schema::Text, "Most columns and rows, and perhaps left, top, width and height of a part"),
            query("quality", Schema::Within(1, 100), "JPEG quality from 1 to 100; 90 when absent"),
            query("annotation", Schema::Text, "Refused: nothing is drawn into a picture"),
            query("iccprofile", Schema::Word(&["no"]), "Only `no`"),
            ACCEPT,
        ]
    };
}

/// The parameters of WADO-URI.
const URI: &[Parameter] = list![
    Parameter { required: true, ..query("requestType", Schema::Word(&["WADO"]), "WADO") },
    Parameter { required: true, ..query("studyUID", Schema::Uid, "Study Instance UID") },
    query("seriesUID", Schema::Uid, "Series Instance UID"),
    Parameter { required: true, ..query("objectUID", Schema::Uid, "SOP Instance UID") },
    query("contentType", Schema::Text, "application/dicom, image/jpeg or image/png; a JPEG when absent"),
    query("transferSyntax", Schema::Uid, "For application/dicom: as stored when absent"),
    query("frameNumber", Schema::Within(1, 999_999_999), "From 1; 1 when absent"),
    query("rows", Schema::Number, "Most rows of the picture"),
    query("columns", Schema::Number, "Most columns of the picture"),
    query(
        "region",
        Schema::Text,
        "Left, top, right and bottom as fractions of the sides, as in `0.5,0.5,1.0,1.0`"
    ),
    query("windowCenter", Schema::Text, "With windowWidth"),
    query("windowWidth", Schema::Text, "With windowCenter"),
    query("imageQuality", Schema::Within(1, 100), "JPEG quality from 1 to 100; 90 when absent"),
];

/// A search: QIDO-RS at one level.
const fn search(
    path: &'static str,
    parameters: &'static [Parameter],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Get,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(Action::Search),
        body: BodyRule::None,
        parameters,
        produces: DICOM_JSON,
        answers: &[(200, "The matches, possibly none")],
        summary_zh: zh,
        summary_en: en,
    }
}

/// A retrieval: WADO-RS.
const fn retrieve(
    path: &'static str,
    parameters: &'static [Parameter],
    produces: &'static [&'static str],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Get,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(Action::View),
        body: BodyRule::None,
        parameters,
        produces,
        answers: &[
            (200, "What was asked for, as it was stored"),
            (404, "No such thing, or not for you: the two are not told apart"),
            (406, "Only another form or transfer syntax is stored"),
        ],
        summary_zh: zh,
        summary_en: en,
    }
}

/// What is shown as a picture.
const fn rendered(
    path: &'static str,
    parameters: &'static [Parameter],
    produces: &'static [&'static str],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        answers: &[
            (200, "The picture"),
            (404, "No such thing, or not for you: the two are not told apart"),
            (406, "The object has no picture that can be decoded here, or only another form can be made"),
        ],
        ..retrieve(path, parameters, produces, zh, en)
    }
}

/// A medium: what leaves is out of reach of every policy, so this is an act and a right of its own.
const fn export(
    path: &'static str,
    parameters: &'static [Parameter],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Get,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(Action::Export),
        body: BodyRule::None,
        parameters,
        produces: &["application/zip"],
        answers: &[
            (200, "A zip archive of DICOM files with a DICOMDIR"),
            (403, "Who may look may not yet carry away"),
            (404, "No such thing, or not for you: the two are not told apart"),
            (413, "More instances than one medium holds"),
        ],
        summary_zh: zh,
        summary_en: en,
    }
}

/// STOW-RS.
const fn store(
    path: &'static str,
    parameters: &'static [Parameter],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Post,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(Action::Store),
        body: BodyRule::Dicom,
        parameters,
        produces: DICOM_JSON,
        answers: &[
            (200, "All instances are stored durably"),
            (202, "Some instances are stored, others failed; see FailedSOPSequence"),
            (409, "No instance was stored; see FailedSOPSequence"),
            (507, "No space is left"),
        ],
        summary_zh: zh,
        summary_en: en,
    }
}

/// A deletion, which is refused: destruction is asked for by one officer and approved by another, see `/destructions`.
const fn destroy(
    path: &'static str,
    parameters: &'static [Parameter],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method: Method::Delete,
        path,
        family: Family::DicomWeb,
        needs: Needs::Token(Action::Destroy),
        body: BodyRule::None,
        parameters,
        produces: &["application/problem+json"],
        answers: &[(403, "Nothing is destroyed through this door; the attempt is on the ledger")],
        summary_zh: zh,
        summary_en: en,
    }
}

rows! {
    /// STOW-RS into any study.
    StoreInstances => store("/studies", &[ACCEPT], "存入影像实例", "Store instances"),
    /// STOW-RS into one study.
    StoreStudyInstances => store("/studies/{study}", &[STUDY, ACCEPT], "向指定检查存入影像实例", "Store instances of one study"),
    /// QIDO-RS studies.
    SearchStudies => search("/studies", search_parameters!(), "检索检查", "Search studies"),
    /// QIDO-RS series of all studies.
    SearchSeries => search("/series", search_parameters!(), "检索序列", "Search series"),
    /// QIDO-RS instances of all studies.
    SearchInstances => search("/instances", search_parameters!(), "检索实例", "Search instances"),
    /// QIDO-RS series of one study.
    SearchStudySeries => search("/studies/{study}/series", search_parameters!(STUDY), "检索一个检查的序列", "Search the series of a study"),
    /// QIDO-RS instances of one study.
    SearchStudyInstances => search("/studies/{study}/instances", search_parameters!(STUDY), "检索一个检查的实例", "Search the instances of a study"),
    /// QIDO-RS instances of one series.
    SearchSeriesInstances => search("/studies/{study}/series/{series}/instances", search_parameters!(STUDY, SERIES), "检索一个序列的实例", "Search the instances of a series"),
    /// WADO-RS study.
    RetrieveStudy => retrieve("/studies/{study}", &[STUDY, ACCEPT], PARTS, "调阅整个检查", "Retrieve a study"),
    /// WADO-RS series.
    RetrieveSeries => retrieve("/studies/{study}/series/{series}", &[STUDY, SERIES, ACCEPT], PARTS, "调阅整个序列", "Retrieve a series"),
    /// WADO-RS instance.
    RetrieveInstance => retrieve("/studies/{study}/series/{series}/instances/{instance}", &[STUDY, SERIES, INSTANCE, ACCEPT], OBJECTS, "调阅一个实例", "Retrieve an instance"),
    /// WADO-RS metadata of a study.
    StudyMetadata => retrieve("/studies/{study}/metadata", &[STUDY, ACCEPT], DICOM_JSON, "检查的元数据", "Metadata of a study"),
    /// WADO-RS metadata of a series.
    SeriesMetadata => retrieve("/studies/{study}/series/{series}/metadata", &[STUDY, SERIES, ACCEPT], DICOM_JSON, "序列的元数据", "Metadata of a series"),
    /// WADO-RS metadata of an instance.
    InstanceMetadata => retrieve("/studies/{study}/series/{series}/instances/{instance}/metadata", &[STUDY, SERIES, INSTANCE, ACCEPT], DICOM_JSON, "实例的元数据", "Metadata of an instance"),
    /// WADO-RS frames.
    RetrieveFrames => retrieve("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", list![STUDY, SERIES, INSTANCE, FRAMES, ACCEPT], &["multipart/related", "application/octet-stream", "image/*", "video/*"], "调阅指定帧", "Retrieve frames"),
    /// WADO-RS bulk data.
    RetrieveBulkData => retrieve("/studies/{study}/series/{series}/instances/{instance}/bulk/{*path}", list![STUDY, SERIES, INSTANCE, path("path", Schema::Text, "The path that the metadata gave"), ACCEPT], OCTETS, "调阅大块数据", "Retrieve bulk data"),
    /// The same, under the word of the standard's tables.
    RetrieveBulkDataValue => retrieve("/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*path}", list![STUDY, SERIES, INSTANCE, path("path", Schema::Text, "Tags in hexadecimal and item numbers from 0, parted by `/`"), ACCEPT], OCTETS, "调阅指定元素的大块数据", "Retrieve a binary value of any element"),
    /// WADO-RS bulk data of a study.
    StudyBulkData => retrieve("/studies/{study}/bulkdata", &[STUDY, ACCEPT], PARTS, "检查的全部大块数据", "Bulk data of a study"),
    /// WADO-RS bulk data of a series.
    SeriesBulkData => retrieve("/studies/{study}/series/{series}/bulkdata", &[STUDY, SERIES, ACCEPT], PARTS, "序列的全部大块数据", "Bulk data of a series"),
    /// WADO-RS bulk data of an instance.
    InstanceBulkData => retrieve("/studies/{study}/series/{series}/instances/{instance}/bulkdata", &[STUDY, SERIES, INSTANCE, ACCEPT], PARTS, "实例的全部大块数据", "Bulk data of an instance"),
    /// WADO-RS pixel data of a study.
    StudyPixelData => retrieve("/studies/{study}/pixeldata", &[STUDY, ACCEPT], PARTS, "检查的像素数据", "Pixel data of a study"),
    /// WADO-RS pixel data of a series.
    SeriesPixelData => retrieve("/studies/{study}/series/{series}/pixeldata", &[STUDY, SERIES, ACCEPT], PARTS, "序列的像素数据", "Pixel data of a series"),
    /// WADO-RS pixel data of an instance.
    InstancePixelData => retrieve("/studies/{study}/series/{series}/instances/{instance}/pixeldata", &[STUDY, SERIES, INSTANCE, ACCEPT], PARTS, "实例的像素数据", "Pixel data of an instance"),
    /// A picture of an instance.
    InstanceRendered => rendered("/studies/{study}/series/{series}/instances/{instance}/rendered", rendered_parameters!(STUDY, SERIES, INSTANCE), PICTURE_OR_DOCUMENT, "实例的图像（渲染后）", "A picture of an instance"),
    /// Pictures of frames.
    FramesRendered => rendered("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", rendered_parameters!(STUDY, SERIES, INSTANCE, FRAMES), PICTURES, "指定帧的图像（渲染后）", "Pictures of frames"),
    /// A small picture of a study.
    StudyThumbnail => rendered("/studies/{study}/thumbnail", &[STUDY, SIZE, ACCEPT], PICTURE, "检查的缩略图", "A thumbnail of a study"),
    /// A small picture of a series.
    SeriesThumbnail => rendered("/studies/{study}/series/{series}/thumbnail", &[STUDY, SERIES, SIZE, ACCEPT], PICTURE, "序列的缩略图", "A thumbnail of a series"),
    /// A small picture of an instance.
    InstanceThumbnail => rendered("/studies/{study}/series/{series}/instances/{instance}/thumbnail", &[STUDY, SERIES, INSTANCE, SIZE, ACCEPT], PICTURE, "实例的缩略图", "A thumbnail of an instance"),
    /// A small picture of a frame.
    FramesThumbnail => rendered("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail", &[STUDY, SERIES, INSTANCE, FRAMES, SIZE, ACCEPT], PICTURE, "指定帧的缩略图", "A thumbnail of a frame"),
    /// WADO-URI.
    RetrieveByUri => Route { family: Family::WadoUri, ..rendered("", URI, &["application/dicom", "image/jpeg", "image/png"], "按参数调阅对象或图像 (WADO-URI)", "An object or a picture of it by parameters (WADO-URI)") },
    /// Capabilities of DICOMweb.
    Capabilities => open(Method::Options, "/", Family::DicomWeb, BodyRule::None, &[ACCEPT], list!["application/vnd.sun.wadl+xml", "application/json"], list![(200, "The routes of DICOMweb as WADL, or this description"), (406, "Only WADL and JSON are served")], "DICOMweb 能力说明", "What DICOMweb can do here"),
    /// Studies as a medium.
    ExportStudies => export("/media", list![query("StudyInstanceUID", UIDS, "One UID or several, parted by commas; 128 at most")], "导出若干检查（含 DICOMDIR 的 zip）", "Export studies as a medium"),
    /// A study as a medium.
    ExportStudy => export("/studies/{study}/media", &[STUDY], "导出一个检查（含 DICOMDIR 的 zip）", "Export a study as a medium"),
    /// A series as a medium.
    ExportSeries => export("/studies/{study}/series/{series}/media", &[STUDY, SERIES], "导出一个序列（含 DICOMDIR 的 zip）", "Export a series as a medium"),
    /// Refused.
    DestroyStudy => destroy("/studies/{study}", &[STUDY], "删除检查（一律拒绝）", "Delete a study (always refused)"),
    /// Refused.
    DestroySeries => destroy("/studies/{study}/series/{series}", &[STUDY, SERIES], "删除序列（一律拒绝）", "Delete a series (always refused)"),
    /// Refused.
    DestroyInstance => destroy("/studies/{study}/series/{series}/instances/{instance}", &[STUDY, SERIES, INSTANCE], "删除实例（一律拒绝）", "Delete an instance (always refused)"),
}

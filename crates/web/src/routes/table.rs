//! The rows of the route table.

use super::words::{BodyRule, Family, Method, Needs, Parameter, Place, Route, Schema};
use yingdun_model::Action;

const fn path(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Path, schema, required: true, meaning }
}

const fn query(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, schema, required: false, meaning }
}

const fn field(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: true, meaning }
}

const fn optional(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: false, meaning }
}

const STUDY: Parameter = path("study", Schema::Uid, "Study Instance UID");
const SERIES: Parameter = path("series", Schema::Uid, "Series Instance UID");
const INSTANCE: Parameter = path("instance", Schema::Uid, "SOP Instance UID");
const ACCEPT: Parameter = query("accept", Schema::Text, "Media types, instead of the Accept header");
const FRAMES: Parameter = path("frames", Schema::Text, "Frame numbers from 1, parted by commas");
const SIZE: Parameter = query("viewport", Schema::Text, "Most columns and rows, as in `256,256`");
const ACTOR: Parameter = path("actor", Schema::Text, "Login name of a person");

const DICOM_JSON: &[&str] = &["application/dicom+json", "application/json"];
const OBJECTS: &[&str] = &["multipart/related", "application/dicom"];
const OCTETS: &[&str] = &["multipart/related", "application/octet-stream"];
const PARTS: &[&str] = &["multipart/related"];
const PICTURE: &[&str] = &["image/jpeg", "image/png"];
const PICTURE_OR_DOCUMENT: &[&str] = &["image/jpeg", "image/png", "application/pdf"];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "multipart/related"];
const FHIR_JSON: &[&str] = &["application/fhir+json", "application/json"];
const JSON: &[&str] = &["application/json"];
const HTML: &[&str] = &["text/html; charset=utf-8"];
const OK: &[(u16, &str)] = &[(200, "Done")];
const CREATED: &[(u16, &str)] =
    &[(201, "Created"), (409, "It exists already, or the roles exclude each other")];
const BEGUN: &[(u16, &str)] = &[(202, "Begun; it goes on in the background")];
const SERVICE: &[(u16, &str)] = &[
    (202, "Begun; it goes on in the background"),
    (404, "No replica has this label"),
    (409, "The others could not reach the write quorum, or the replica or its folder is not as it must be"),
];
const REPLICA: Parameter = path("replica", Schema::Text, "Label of a replica");
const CHANGED: &[(u16, &str)] = &[(204, "Changed"), (404, "No such record")];
const STEP: Parameter = path("step", Schema::Text, "Reference of a step, 32 hexadecimal digits");
const STEP_ENTERED: &[(u16, &str)] = &[
    (201, "Entered; `step` is its reference"),
    (400, "An attribute is missing that PS3.4 table K.6-1 demands"),
    (409, "The step is there already"),
];
const STEP_CHANGED: &[(u16, &str)] = &[(204, "Changed"), (404, "No such step that waits or is begun")];
const WORKITEM: Parameter = path("workitem", Schema::Uid, "SOP Instance UID of a workitem");
const SUBSCRIBED: Parameter = path(
    "workitem",
    Schema::Uid,
    "A workitem, or 1.2.840.10008.5.1.4.34.5 for all, or 1.2.840.10008.5.1.4.34.5.1 for those that match",
);
const AE_TITLE: Parameter = path("aetitle", Schema::Text, "AE title of the subscriber");
const CLIENT: Parameter = path("client", Schema::Text, "Identifier of a service client");
const ROLE: Parameter = path("role", Schema::Text, "A role, such as `radiologist`");
const JOB: Parameter = path("job", Schema::Text, "What the job was called when it began");
const JOB_FOUND: &[(u16, &str)] = &[(200, "What it has done"), (404, "No job of yours")];
const TRANSACTION: Parameter = path("transaction", Schema::Uid, "Transaction UID of a question");
const SESSION: Parameter =
    path("session", Schema::Text, "Reference of a session, as the list of sessions gives it");
const CODE: &[Parameter] = &[field("code", Schema::Text, "Six digits of the app, or a recovery code")];
const CODE_FORM: &[Parameter] = &[
    field("one_time_code", Schema::Text, "Six digits of the app, or a recovery code"),
    field("form_token", Schema::Text, "Proof that the form was opened here"),
];
const LINK: Parameter = path("token", Schema::Text, "What the link ends in");

/// One of the trees of the audit log.
const TREE: Parameter =
    query("tree", Schema::Text, "sha-256, which every log has, or sm3; sha-256 when absent");
const DRY_RUN: Parameter = optional("dry_run", Schema::Flag, "Say what would be done, and do nothing");
const KEYS_CHANGED: &[(u16, &str)] = &[
    (200, "Done, or what would be done"),
    (404, "Nothing was stored under this grade"),
    (409, "Somebody else did it at the same time, or it is going on already"),
];

const RECORD: Parameter = path("place", Schema::Text, "Place of a record, hexadecimal");
const DESTRUCTION: Parameter =
    path("destruction", Schema::Text, "Name of a destruction, 32 hexadecimal digits");
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

const HOLD: Parameter = path("hold", Schema::Text, "Name of a legal hold, 32 hexadecimal digits");
const HOLD_STATE: &[(u16, &str)] =
    &[(200, "The hold as it is now"), (404, "No such hold"), (409, "It is in another state")];

const GRANT: Parameter = path("grant", Schema::Number, "Number of a grant, or of a case of broken glass");
const ALERT: Parameter = path("alert", Schema::Number, "Number of an alert");
const NEW_ALERTS: Parameter = query("new", Schema::Text, "true for those at which nobody has looked yet");
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

const AUTHORIZE: &[Parameter] = &[
    query("response_type", Schema::Text, "code"),
    query("client_id", Schema::Text, "The program"),
    query("redirect_uri", Schema::Text, "One of its registered addresses"),
    query("state", Schema::Text, "Comes back unchanged"),
    query("code_challenge", Schema::Text, "PKCE challenge"),
    query("code_challenge_method", Schema::Text, "S256"),
];

const START_AT_PROVIDER: &[Parameter] = &[
    query("role", Schema::Text, "The role to act in; may be left out by who has one only"),
    query("fresh", Schema::Flag, "Whether the person has to be authenticated anew"),
    query("response_type", Schema::Text, "For a program: code"),
    query("client_id", Schema::Text, "For a program: the program"),
    query("redirect_uri", Schema::Text, "For a program: one of its registered addresses"),
    query("state", Schema::Text, "For a program: comes back unchanged"),
    query("code_challenge", Schema::Text, "For a program: PKCE challenge"),
    query("code_challenge_method", Schema::Text, "For a program: S256"),
];

const BACK_FROM_PROVIDER: &[Parameter] = &[
    query("state", Schema::Text, "As it was given to the provider"),
    query("code", Schema::Text, "The code of the provider"),
    query("iss", Schema::Text, "Who answers (RFC 9207)"),
    query("error", Schema::Text, "Why the provider signed nobody in"),
];

const SIGN_IN: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    field("password", Schema::Text, "Password"),
    optional("role", Schema::Text, "The role to act in; may be left out by who has one only"),
    field("form_token", Schema::Text, "Proof that the form was opened here"),
    optional(
        "one_time_code",
        Schema::Text,
        "For a program: the code of the second factor, in the step behind the password",
    ),
];

const HABITS: Parameter =
    optional("habits", Schema::Object, "How it differs from other devices; none when absent");

const DEVICE: &[Parameter] = &[
    field("called_ae", Schema::Text, "The AE title by which it calls us"),
    optional("certificate_sha256", Schema::Text, "SHA-256 of its certificate, 64 hexadecimal digits"),
    optional("addresses", Schema::Texts, "Addresses or networks from which it may call"),
    optional("plain_allowed", Schema::Flag, "Whether it may connect without TLS"),
    optional("disabled", Schema::Flag, "Whether it is disabled"),
    optional(
        "destination",
        Schema::Text,
        "Where it takes images: host:port, or plain://host:port without TLS",
    ),
    HABITS,
];

const NEW_DEVICE: &[Parameter] = &[
    field("ae_title", Schema::Text, "The AE title that it calls itself"),
    field("called_ae", Schema::Text, "The AE title by which it calls us"),
    optional("certificate_sha256", Schema::Text, "SHA-256 of its certificate, 64 hexadecimal digits"),
    optional("addresses", Schema::Texts, "Addresses or networks from which it may call"),
    optional("plain_allowed", Schema::Flag, "Whether it may connect without TLS"),
    optional("disabled", Schema::Flag, "Whether it is disabled"),
    optional(
        "destination",
        Schema::Text,
        "Where it takes images: host:port, or plain://host:port without TLS",
    ),
    HABITS,
];

const CARE: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    field("patient_id", Schema::Text, "Patient ID"),
    optional("issuer", Schema::Text, "Issuer of the patient ID"),
    field("valid_from_ms", Schema::Number, "From, milliseconds since 1970"),
    field("valid_until_ms", Schema::Number, "Until, exclusive, milliseconds since 1970"),
];

const DISSENT: &[Parameter] = &[
    field("patient_id", Schema::Text, "Patient ID"),
    optional("issuer", Schema::Text, "Issuer of the patient ID"),
    field("against", Schema::Text, "research, sharing, person, department or sealed"),
    optional("name", Schema::Text, "Login name, for `person`"),
    optional("department", Schema::Text, "Short name, for `department`"),
    optional("names", Schema::Texts, "Who may still open the studies, for `sealed`"),
    optional("break_glass", Schema::Flag, "Whether broken glass passes it; not when absent"),
    optional("valid_from_ms", Schema::Number, "From, milliseconds since 1970; now when absent"),
    optional("valid_until_ms", Schema::Number, "Until, exclusive; until it is ended when absent"),
    optional("unknown", Schema::Flag, "That there may be no study of the patient yet; refused when absent"),
];

const MEMBER: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    optional("department", Schema::Text, "Short name of a department"),
    optional("device", Schema::Text, "Or the AE title of a device"),
    field("valid_from_ms", Schema::Number, "From, milliseconds since 1970"),
    field("valid_until_ms", Schema::Number, "Until, exclusive, milliseconds since 1970"),
];

const END_MEMBER: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    optional("department", Schema::Text, "Short name of a department"),
    optional("device", Schema::Text, "Or the AE title of a device"),
];

const END_CARE: &[Parameter] = &[
    field("name", Schema::Text, "Login name"),
    field("patient_id", Schema::Text, "Patient ID"),
    optional("issuer", Schema::Text, "Issuer of the patient ID"),
];

/// A list that lives as long as the program.
macro_rules! list {
    ($($item:expr),* $(,)?) => {
        const { &[$($item),*] }
    };
}

macro_rules! search_parameters {
    ($($scope:expr),*) => {
        list![
            $($scope,)*
            query("limit", Schema::Number, "Rows at most; 200 when absent, 1000 at most"),
            query("offset", Schema::Number, "Rows to skip"),
            query("includefield", Schema::Texts, "Further attributes by keyword or tag, or `all`"),
            query("fuzzymatching", Schema::Flag, "`true`: names match by their parts, in any order"),
            query("emptyvaluematching", Schema::Flag, "`true`: two quotation marks ask for attributes without a value"),
            query("multiplevaluematching", Schema::Flag, "`true`: all of several values have to be there, not one of them"),
            query("TimezoneOffsetFromUTC", Schema::Text, "The zone in which dates and times are asked for, such as `+0800`"),
            query("StudyInstanceUID", Schema::Texts, "One UID or several, parted by commas"),
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
            query("quality", Schema::Number, "JPEG quality from 1 to 100; 90 when absent"),
            query("annotation", Schema::Text, "Refused: nothing is drawn into a picture"),
            query("iccprofile", Schema::Text, "Only `no`"),
            ACCEPT,
        ]
    };
}

/// The parameters of WADO-URI.
const URI: &[Parameter] = list![
    Parameter { required: true, ..query("requestType", Schema::Text, "WADO") },
    Parameter { required: true, ..query("studyUID", Schema::Uid, "Study Instance UID") },
    query("seriesUID", Schema::Uid, "Series Instance UID"),
    Parameter { required: true, ..query("objectUID", Schema::Uid, "SOP Instance UID") },
    query("contentType", Schema::Text, "application/dicom, image/jpeg or image/png; a JPEG when absent"),
    query("transferSyntax", Schema::Uid, "For application/dicom: as stored when absent"),
    query("frameNumber", Schema::Number, "From 1; 1 when absent"),
    query("rows", Schema::Number, "Most rows of the picture"),
    query("columns", Schema::Number, "Most columns of the picture"),
    query(
        "region",
        Schema::Text,
        "Left, top, right and bottom as fractions of the sides, as in `0.5,0.5,1.0,1.0`"
    ),
    query("windowCenter", Schema::Text, "With windowWidth"),
    query("windowWidth", Schema::Text, "With windowCenter"),
    query("imageQuality", Schema::Number, "JPEG quality from 1 to 100; 90 when absent"),
];

macro_rules! routes {
    ($($(#[$meta:meta])* $id:ident => $route:expr,)+) => {
        /// A route: one method on one path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RouteId {
            $($(#[$meta])* $id,)+
        }

        impl RouteId {
            /// Every route, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$id,)+];

            /// The name of the route, as in metrics and in the API description.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$id => stringify!($id),)+ }
            }

            /// The row of the table.
            #[must_use]
            pub const fn describe(self) -> Route {
                match self { $(Self::$id => $route,)+ }
            }
        }
    };
}

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

/// A route of the administration API.
#[allow(clippy::too_many_arguments)]
const fn api(
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
        family: Family::Api,
        needs: Needs::Token(action),
        body,
        parameters,
        produces: JSON,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

/// A route about the own account, for whoever has a token; with `in_part` also while the sign-in is not finished.
#[allow(clippy::too_many_arguments, reason = "the columns of the table")]
const fn own(
    method: Method,
    path: &'static str,
    in_part: bool,
    body: BodyRule,
    parameters: &'static [Parameter],
    answers: &'static [(u16, &'static str)],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method,
        path,
        family: Family::Api,
        needs: if in_part { Needs::OwnTokenInPart } else { Needs::OwnToken },
        body,
        parameters,
        produces: JSON,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

/// A plain page about the own account, also while the sign-in is not finished.
const fn own_page(
    method: Method,
    path: &'static str,
    body: BodyRule,
    answers: &'static [(u16, &'static str)],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method,
        path,
        family: Family::Page,
        needs: Needs::OwnCookieInPart,
        body,
        parameters: &[],
        produces: HTML,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

/// Where a page of the audit log begins.
const CURSOR: Parameter = query("cursor", Schema::Text, "Where to go on: `Yingdun-Next` of the page before");

/// A page of the audit log.
const PAGED: &[(u16, &str)] = &[(
    200,
    "The rows. `Yingdun-Count`, with the first page, is how many there are, or `at least` how many; `Yingdun-Next` is the cursor of the next page, if there is one; `Yingdun-Log` names the log that answers, and `Yingdun-Logs` is how many the installation has: each node answers from its own. `Yingdun-Known` is `false` where the archive knows no patient or study of that name",
)];

/// Whose images.
const ACCESSES: &[Parameter] = &[
    optional("study_uid", Schema::Uid, "Of this study, by its UID"),
    optional("study", Schema::Text, "Of this study, by its reference"),
    optional("patient", Schema::Text, "Of this patient, by the reference"),
    optional("patient_id", Schema::Text, "Of this patient, by the ID; nothing of it is kept or logged"),
    optional("issuer", Schema::Text, "Who issued the patient ID"),
    optional("from_ms", Schema::Number, "At or after"),
    optional("until_ms", Schema::Number, "Before"),
    optional("limit", Schema::Number, "Rows at most; 100 when absent, 1000 at most"),
    optional("cursor", Schema::Text, "Where to go on"),
];

/// Which leaves, with their proofs.
const BUNDLE: &[Parameter] = &[
    optional("study_uid", Schema::Uid, "About this study, by its UID"),
    optional("patient_id", Schema::Text, "About this patient, by the ID; nothing of it is kept or logged"),
    optional("issuer", Schema::Text, "Who issued the patient ID"),
    optional("actor", Schema::Text, "By this person, device or program"),
    optional("from_ms", Schema::Number, "Written at or after"),
    optional("until_ms", Schema::Number, "Written before"),
    optional("limit", Schema::Number, "Leaves at most; 1000 when absent, and at most"),
    optional("cursor", Schema::Text, "Where to go on: `next` of the bundle before"),
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

/// A route without login.
#[allow(clippy::too_many_arguments)]
const fn open(
    method: Method,
    path: &'static str,
    family: Family,
    body: BodyRule,
    parameters: &'static [Parameter],
    produces: &'static [&'static str],
    answers: &'static [(u16, &'static str)],
    zh: &'static str,
    en: &'static str,
) -> Route {
    Route {
        method,
        path,
        family,
        needs: Needs::Nothing,
        body,
        parameters,
        produces,
        answers,
        summary_zh: zh,
        summary_en: en,
    }
}

routes! {
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
    ExportStudies => export("/media", list![query("StudyInstanceUID", Schema::Texts, "One UID or several, parted by commas; 128 at most")], "导出若干检查（含 DICOMDIR 的 zip）", "Export studies as a medium"),
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
    /// UPS-RS: create.
    CreateWorkitem => worklist(Method::Post, "/workitems", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![query("workitem", Schema::Uid, "UID of the new workitem; also as `AffectedSOPInstanceUID`, as the whole query, or in the data set")], list![(201, "Created; Location is its address"), (400, "An attribute is missing or wrong (PS3.4 table CC.2.5-3)"), (409, "There is or was a workitem of this UID")], "创建统一工作项", "Create a workitem"),
    /// UPS-RS: search.
    SearchWorkitems => worklist(Method::Get, "/workitems", Action::ReadWorklist, BodyRule::None, list![query("limit", Schema::Number, "Rows at most; 200 when absent, 1000 at most"), query("offset", Schema::Number, "Rows to skip"), query("includefield", Schema::Texts, "Further attributes by keyword or tag, or `all`"), query("fuzzymatching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("emptyvaluematching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("multiplevaluematching", Schema::Flag, "Only `false` is supported; `true` is answered with a warning"), query("ProcedureStepState", Schema::Text, "SCHEDULED, IN PROGRESS, COMPLETED or CANCELED"), query("ScheduledProcedureStepStartDateTime", Schema::Text, "A moment or a range such as 20260301-20260302"), query("PatientID", Schema::Text, "Patient ID"), query("PatientName", Schema::Text, "Patient name; `*` and `?` are wildcards"), query("ReferencedRequestSequence.AccessionNumber", Schema::Text, "Accession number"), query("ScheduledStationNameCodeSequence.CodeValue", Schema::Text, "Station"), ACCEPT], list![(200, "The matches, possibly none")], "检索统一工作项", "Search workitems"),
    /// UPS-RS: retrieve.
    RetrieveWorkitem => worklist(Method::Get, "/workitems/{workitem}", Action::ReadWorklist, BodyRule::None, list![WORKITEM, ACCEPT], list![(200, "The workitem, without its Transaction UID"), (404, "No such workitem"), (410, "It has ended and was removed")], "读取统一工作项", "Retrieve a workitem"),
    /// UPS-RS: update.
    UpdateWorkitem => worklist(Method::Post, "/workitems/{workitem}", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![WORKITEM, query("transaction", Schema::Uid, "Transaction UID of a claimed workitem; also as the whole query")], list![(200, "Changed"), (400, "The Transaction UID is missing or incorrect, or an attribute is wrong"), (404, "No such workitem"), (409, "The workitem has ended"), (410, "It has ended and was removed")], "更新统一工作项", "Update a workitem"),
    /// UPS-RS: change of state.
    ChangeWorkitemState => worklist(Method::Put, "/workitems/{workitem}/state", Action::ManageWorklist, BodyRule::DataSet { required: true }, list![WORKITEM], list![(200, "Changed, or there already"), (400, "The Transaction UID is missing or incorrect"), (404, "No such workitem"), (409, "The state does not permit it, or another one was faster"), (410, "It has ended and was removed")], "更改统一工作项状态", "Claim, complete or cancel a workitem"),
    /// UPS-RS: request of cancellation.
    RequestCancellation => worklist(Method::Post, "/workitems/{workitem}/cancelrequest", Action::ManageWorklist, BodyRule::DataSet { required: false }, list![WORKITEM], list![(202, "Cancelled, or its performer is told"), (404, "No such workitem"), (409, "It is completed, or its performer cannot be told"), (410, "It has ended and was removed")], "请求取消统一工作项", "Request that a workitem be cancelled"),
    /// UPS-RS: subscribe.
    Subscribe => worklist(Method::Post, "/workitems/{workitem}/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE, query("deletionlock", Schema::Flag, "Whether the workitems are kept until this subscription ends"), query("ScheduledStationNameCodeSequence.CodeValue", Schema::Text, "A key of the filter of 1.2.840.10008.5.1.4.34.5.1, as in a search")], list![(201, "Subscribed; Content-Location is the event channel"), (403, "The title belongs to another account"), (404, "No such workitem"), (410, "It has ended and was removed"), (429, "Too many subscribers")], "订阅统一工作项", "Subscribe to workitems"),
    /// UPS-RS: unsubscribe.
    Unsubscribe => worklist(Method::Delete, "/workitems/{workitem}/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE], list![(200, "Unsubscribed"), (403, "The title belongs to another account"), (404, "No such subscription")], "取消订阅统一工作项", "Unsubscribe from workitems"),
    /// UPS-RS: suspend.
    SuspendSubscription => worklist(Method::Post, "/workitems/{workitem}/subscribers/{aetitle}/suspend", Action::ReadWorklist, BodyRule::None, list![SUBSCRIBED, AE_TITLE], list![(200, "Suspended: workitems to come are not subscribed to"), (403, "The title belongs to another account"), (404, "No such subscription")], "暂停订阅新的统一工作项", "Suspend a subscription to workitems to come"),
    /// UPS-RS: event channel.
    OpenEventChannel => worklist(Method::Get, "/subscribers/{aetitle}", Action::ReadWorklist, BodyRule::None, list![AE_TITLE], list![(101, "A WebSocket; each text message is an event report"), (400, "No handshake of a WebSocket"), (403, "The title belongs to another account, or the page to another origin"), (404, "Nothing is subscribed with this title")], "打开统一工作项事件通道（WebSocket）", "Open the event channel of a subscriber"),
    /// Token endpoint.
    Token => open(Method::Post, "/oauth2/token", Family::OAuth, BodyRule::Form(list![field("grant_type", Schema::Text, "client_credentials or authorization_code"), optional("client_id", Schema::Text, "The client, unless it proves itself by Basic"), optional("client_secret", Schema::Text, "Its secret, unless it proves itself by Basic"), optional("code", Schema::Text, "The authorization code"), optional("redirect_uri", Schema::Text, "The address of the authorization request"), optional("code_verifier", Schema::Text, "The PKCE verifier")]), &[], JSON, &[(200, "A token"), (401, "The client is not accepted")], "取得访问令牌", "Get an access token"),
    /// Revocation endpoint.
    Revoke => open(Method::Post, "/oauth2/revoke", Family::OAuth, BodyRule::Form(list![field("token", Schema::Text, "The token to end")]), &[], &[], &[(200, "The token does not work any more")], "吊销访问令牌", "Revoke an access token"),
    /// Authorization endpoint: the form.
    AuthorizeForm => open(Method::Get, "/oauth2/authorize", Family::OAuth, BodyRule::None, AUTHORIZE, HTML, &[(200, "The sign-in form"), (303, "Back to the client with an error")], "授权登录页", "Sign in for a program"),
    /// Authorization endpoint: the form was sent.
    Authorize => open(Method::Post, "/oauth2/authorize", Family::OAuth, BodyRule::Form(SIGN_IN), &[], HTML, &[(200, "The password is right, and a second factor is asked for"), (303, "Back to the client with a code"), (401, "The credentials are not accepted"), (403, "The form was not opened here")], "提交授权登录", "Send the sign-in form for a program"),
    /// Authorization server metadata.
    OAuthMetadata => open(Method::Get, "/.well-known/oauth-authorization-server", Family::OAuth, BodyRule::None, &[], JSON, OK, "授权服务器元数据", "Authorization server metadata"),
    /// The list of studies.
    Home => Route { method: Method::Get, path: "/", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::None, parameters: list![query("offset", Schema::Number, "Rows to skip")], produces: HTML, answers: &[(200, "The studies that the person may see, or the sign-in form")], summary_zh: "检查列表页", summary_en: "The list of studies" },
    /// The series of one study.
    StudyPage => Route { method: Method::Get, path: "/studies/{study}", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::None, parameters: &[STUDY], produces: HTML, answers: &[(200, "The series, or the sign-in form"), (404, "No such study, or not for you")], summary_zh: "检查页", summary_en: "The series of one study" },
    /// The sign-in form.
    LoginForm => open(Method::Get, "/login", Family::Page, BodyRule::None, &[], HTML, OK, "登录页", "The sign-in form"),
    /// The sign-in form was sent.
    Login => open(Method::Post, "/login", Family::Page, BodyRule::Form(SIGN_IN), &[], HTML, &[(303, "Signed in"), (401, "The credentials are not accepted"), (403, "The form was not opened here")], "登录", "Sign in"),
    /// A one-time login link: the form. Opening it spends nothing, because programs open links too.
    LoginLinkForm => open(Method::Get, "/login/{token}", Family::Page, BodyRule::None, &[LINK], HTML, OK, "一次性登录链接页", "The button behind a one-time link"),
    /// A one-time login link: the button was pressed.
    LoginLink => open(Method::Post, "/login/{token}", Family::Page, BodyRule::Form(list![field("form_token", Schema::Text, "Proof that the form was opened here")]), &[LINK], HTML, &[(303, "Signed in"), (401, "The link is not accepted"), (403, "The form was not opened here")], "用一次性链接登录", "Sign in by a one-time link"),
    /// A sign-in with a provider begins.
    ProviderStart => open(Method::Get, "/oidc/start", Family::Page, BodyRule::None, START_AT_PROVIDER, HTML, &[(303, "Off to the provider"), (403, "It did not begin at this server"), (404, "No provider is configured"), (503, "The provider does not answer; the sign-in form for accounts with a password")], "用统一登录开始", "Begin a sign-in with a provider of OpenID Connect"),
    /// The provider sends the browser back.
    ProviderCallback => open(Method::Get, "/oidc/callback", Family::Page, BodyRule::None, BACK_FROM_PROVIDER, HTML, &[(200, "Signed in, or the roles to choose from"), (303, "Back to the program with a code"), (401, "The answer is not accepted"), (404, "No provider is configured"), (503, "The provider does not answer")], "从统一登录返回", "Come back from the provider"),
    /// The provider says that somebody signed out.
    ProviderLogout => open(Method::Post, "/oidc/logout", Family::OAuth, BodyRule::Form(list![field("logout_token", Schema::Text, "A signed token that says whose session is over")]), &[], &[], &[(200, "The sessions have ended"), (400, "The token is not accepted"), (404, "No provider is configured")], "统一登录的注销通知", "A provider ends sessions (OpenID Connect Back-Channel Logout)"),
    /// Signing out.
    Logout => Route { method: Method::Post, path: "/logout", family: Family::Page, needs: Needs::Cookie(Action::Search), body: BodyRule::Form(list![field("form_token", Schema::Text, "Proof that the form was opened here")]), parameters: &[], produces: HTML, answers: &[(303, "Signed out"), (403, "The form was not opened here")], summary_zh: "退出登录", summary_en: "Sign out" },
    /// An invitation: the form.
    EnrolForm => open(Method::Get, "/enrol/{token}", Family::Page, BodyRule::None, &[LINK], HTML, OK, "接受邀请页", "The form behind an invitation"),
    /// An invitation: the password was sent.
    Enrol => open(Method::Post, "/enrol/{token}", Family::Page, BodyRule::Form(list![field("password", Schema::Text, "The new password"), field("again", Schema::Text, "The same again"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[LINK], HTML, &[(200, "The password is set"), (401, "The invitation is not accepted"), (403, "The form was not opened here")], "接受邀请", "Accept an invitation"),
    /// The second factor: the page.
    SecondFactorPage => own_page(Method::Get, "/second-factor", BodyRule::None, &[(200, "The form for a code, or for setting a second factor up; or the sign-in form")], "第二因素页", "The page of the second factor"),
    /// The second factor: a code was sent.
    SecondFactorProof => own_page(Method::Post, "/second-factor", BodyRule::Form(CODE_FORM), &[(303, "Proved"), (401, "The code is not accepted"), (403, "The form was not opened here")], "提交验证码", "Send a code"),
    /// The second factor: set up.
    SecondFactorBegin => own_page(Method::Post, "/second-factor/begin", BodyRule::Form(list![field("password", Schema::Text, "The password"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(200, "The secret, once, and the form for its first code"), (401, "The password is not accepted"), (403, "The form was not opened here")], "开始设置第二因素", "Begin to set a second factor up"),
    /// The second factor: its first code was sent.
    SecondFactorConfirm => own_page(Method::Post, "/second-factor/confirm", BodyRule::Form(CODE_FORM), &[(200, "The recovery codes, once"), (401, "The code is not accepted"), (403, "The form was not opened here")], "确认第二因素", "Confirm a second factor"),
    /// The own sessions: the page.
    SessionsPage => Route { needs: Needs::Cookie(Action::Search), ..own_page(Method::Get, "/sessions", BodyRule::None, &[(200, "The own sessions, or the sign-in form")], "自己的会话页", "The page of the own sessions") },
    /// The own sessions: one was ended.
    SessionsPageEnd => Route { needs: Needs::Cookie(Action::Search), ..own_page(Method::Post, "/sessions", BodyRule::Form(list![field("session", Schema::Text, "Reference of a session"), field("form_token", Schema::Text, "Proof that the form was opened here")]), &[(303, "Ended"), (403, "The form was not opened here")], "结束自己的一个会话", "End one of the own sessions") },
    /// How the own second factor stands.
    ReadSecondFactor => own(Method::Get, "/me/second-factor", true, BodyRule::None, &[], OK, "自己的第二因素状态", "How the own second factor stands, and what this session is worth"),
    /// Begin a second factor.
    BeginSecondFactor => own(Method::Post, "/me/second-factor", true, BodyRule::Json(list![field("password", Schema::Text, "The password")]), &[], list![(200, "`secret` and `uri`, once; nothing changes before the first code"), (403, "The password is wrong, or too many attempts failed"), (409, "There is one already")], "开始设置第二因素 (TOTP)", "Begin to set a second factor up (TOTP)"),
    /// Confirm a second factor.
    ConfirmSecondFactor => own(Method::Post, "/me/second-factor/confirmation", true, BodyRule::Json(CODE), &[], list![(200, "`recovery_codes`, once; every other session of the person has ended"), (403, "The code is wrong, or too many attempts failed"), (409, "None was begun, or there is one already")], "用首个验证码确认第二因素", "Confirm the second factor by its first code"),
    /// Prove a second factor.
    ProveSecondFactor => own(Method::Post, "/me/second-factor/proof", true, BodyRule::Json(CODE), &[], list![(200, "The sign-in is finished, and what is sensitive opens until `strong_until_ms`"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "提交验证码", "Prove the second factor by a code"),
    /// New recovery codes.
    RenewRecoveryCodes => own(Method::Post, "/me/second-factor/recovery-codes", false, BodyRule::Json(CODE), &[], list![(200, "Ten new `recovery_codes`, once; those before work no more"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "更换恢复码", "Replace the recovery codes"),
    /// Remove the own second factor.
    RemoveSecondFactor => own(Method::Post, "/me/second-factor/removal", false, BodyRule::Json(CODE), &[], list![(204, "Removed; every other session of the person has ended"), (403, "The code is wrong, was used, or too many attempts failed"), (409, "There is no second factor")], "移除自己的第二因素", "Remove the own second factor"),
    /// The own sessions.
    ListOwnSessions => own(Method::Get, "/me/sessions", false, BodyRule::None, &[], OK, "自己的会话", "The own sessions: where, since when, last used"),
    /// What one opened oneself.
    OwnAccesses => own(Method::Get, "/me/accesses", false, BodyRule::None, list![query("limit", Schema::Number, "Rows at most; 100 when absent, 1000 at most"), CURSOR], PAGED, "自己的影像访问记录", "What images one opened oneself, the newest first"),
    /// End one of the own sessions.
    EndOwnSession => own(Method::Delete, "/me/sessions/{session}", false, BodyRule::None, &[SESSION], list![(204, "Ended"), (404, "No such session of yours")], "结束自己的一个会话", "End one of the own sessions"),
    /// The sessions of a person.
    ListSessions => api(Method::Get, "/people/{actor}/sessions", Action::ManageAccounts, BodyRule::None, &[ACTOR], OK, "列出其会话", "The sessions of a person; that somebody looked is on the ledger"),
    /// End one session of a person.
    EndSession => api(Method::Delete, "/people/{actor}/sessions/{session}", Action::ManageAccounts, BodyRule::None, &[ACTOR, SESSION], list![(204, "Ended"), (404, "No such session")], "结束其一个会话", "End one session of a person"),
    /// Reset the second factor of a person.
    ResetSecondFactor => api(Method::Delete, "/people/{actor}/second-factor", Action::ManageRights, BodyRule::None, &[ACTOR], list![(204, "Removed; every session of the person has ended"), (404, "The person has none"), (409, "Not the own one")], "重置其第二因素", "Reset the second factor of a person who lost it"),
    /// The own password.
    ChangePassword => Route { method: Method::Post, path: "/me/password", family: Family::Api, needs: Needs::OwnToken, body: BodyRule::Json(list![field("present", Schema::Text, "The present password"), field("new", Schema::Text, "The new one, of at least 12 characters")]), parameters: &[], produces: JSON, answers: &[(204, "Changed; every other session of the person has ended"), (403, "The present password is wrong, or too many attempts failed")], summary_zh: "修改自己的密码", summary_en: "Change the own password" },
    /// Everybody.
    ListPeople => api(Method::Get, "/people", Action::ManageAccounts, BodyRule::None, &[], OK, "列出人员", "List people"),
    /// A new person.
    CreatePerson => api(Method::Post, "/people", Action::ManageAccounts, BodyRule::Json(list![field("name", Schema::Text, "Login name")]), &[], CREATED, "新增人员并邀请", "Create and invite a person"),
    /// Disable or enable.
    ChangePerson => api(Method::Patch, "/people/{actor}", Action::ManageAccounts, BodyRule::Json(list![field("disabled", Schema::Flag, "Whether the account is disabled")]), &[ACTOR], CHANGED, "停用或启用人员", "Disable or enable a person"),
    /// A new invitation.
    InviteAgain => api(Method::Post, "/people/{actor}/invitation", Action::ManageAccounts, BodyRule::None, &[ACTOR], CREATED, "重新邀请", "Invite a person again"),
    /// Bind a person to an identity elsewhere.
    BindPerson => api(Method::Put, "/people/{actor}/identity", Action::ManageAccounts, BodyRule::Json(list![field("subject", Schema::Text, "By what the provider knows the person for ever (`sub`)")]), &[ACTOR], &[(204, "Bound"), (404, "No such person"), (409, "Person or subject is bound already, the person is an officer, or no provider is configured")], "将人员绑定到统一登录身份", "Bind a person to an identity at the provider of sign-ins"),
    /// Take that away.
    UnbindPerson => api(Method::Delete, "/people/{actor}/identity", Action::ManageAccounts, BodyRule::None, &[ACTOR], CHANGED, "解除统一登录身份绑定", "Take the identity at the provider from a person, and end its sessions"),
    /// End sessions.
    EndSessions => api(Method::Delete, "/people/{actor}/sessions", Action::ManageAccounts, BodyRule::None, &[ACTOR], OK, "结束其全部会话", "End every session of a person"),
    /// Give a role.
    GiveRole => api(Method::Put, "/people/{actor}/roles/{role}", Action::ManageRights, BodyRule::None, &[ACTOR, ROLE], RIGHTS, "授予角色", "Give a role"),
    /// Take a role.
    TakeRole => api(Method::Delete, "/people/{actor}/roles/{role}", Action::ManageRights, BodyRule::None, &[ACTOR, ROLE], CHANGED, "收回角色", "Take a role"),
    /// Every device.
    ListDevices => api(Method::Get, "/devices", Action::ManageAccounts, BodyRule::None, &[], OK, "列出设备", "List devices"),
    /// A new device.
    RegisterDevice => api(Method::Post, "/devices", Action::ManageAccounts, BodyRule::Json(NEW_DEVICE), &[], CREATED, "登记设备", "Register a device"),
    /// Change a device.
    UpdateDevice => api(Method::Put, "/devices/{ae_title}", Action::ManageAccounts, BodyRule::Json(DEVICE), list![path("ae_title", Schema::Text, "Calling AE title")], CHANGED, "修改设备", "Change a device"),
    /// Test the connection to a device.
    EchoDevice => api(Method::Post, "/devices/{ae_title}/echo", Action::Echo, BodyRule::Json(list![field("called_ae", Schema::Text, "The AE title by which it calls us, and by which we call it")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(200, "What came of it: `fault` is null, or says the step, the cause, what was expected, what came and what to do"), (404, "No such device"), (409, "It is disabled or has no destination"), (429, "Too many tests at once")], "测试与设备的连接（C-ECHO）", "Test the connection to a device (C-ECHO)"),
    /// Search at a device.
    FindAtDevice => api(Method::Post, "/devices/{ae_title}/find", Action::Search, BodyRule::Json(list![optional("level", Schema::Text, "study, series or instance; study when absent"), field("keys", Schema::Object, "Attributes by keyword or tag, each with the text that it is to match, or empty to be returned"), optional("limit", Schema::Number, "Rows at most; 1000 when absent, and at most")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(200, "`rows` in the DICOM JSON model, those that the asker may see, and whether there are `more`"), (404, "No device of this title takes calls"), (429, "Too many calls at once"), (502, "The device did not answer as it should")], "在设备上检索（C-FIND）", "Search at a device (C-FIND)"),
    /// The worklist of a device.
    WorklistAtDevice => api(Method::Post, "/devices/{ae_title}/worklist", Action::ReadWorklist, BodyRule::Json(list![field("keys", Schema::Object, "Attributes by keyword or tag, those of an item behind the name of their sequence and a dot, each with the text that it is to match, or empty to be returned"), optional("limit", Schema::Number, "Steps at most; 1000 when absent, and at most")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(200, "`rows` in the DICOM JSON model, a scheduled step each, and whether there are `more`"), (404, "No device of this title takes calls"), (429, "Too many calls at once"), (502, "The device did not answer as it should")], "查询设备上的检查工作列表（MWL C-FIND）", "Ask a device for its modality worklist (C-FIND)"),
    /// Send to a device.
    StoreAtDevice => api(Method::Post, "/devices/{ae_title}/store", Action::View, BodyRule::Json(list![field("studies", Schema::Texts, "Study Instance UIDs, 128 at most"), optional("series", Schema::Texts, "Only these of their series"), optional("instances", Schema::Texts, "Only these of their instances")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(202, "The job that sends them"), (404, "No such study, or not for you; or no device of this title takes calls"), (413, "More instances than one job sends"), (429, "Too many jobs at once")], "向设备发送检查（C-STORE）", "Send studies to a device (C-STORE)"),
    /// Bring studies of a device here.
    RetrieveFromDevice => api(Method::Post, "/devices/{ae_title}/retrieve", Action::Search, BodyRule::Json(list![field("studies", Schema::Texts, "Study Instance UIDs, 128 at most"), optional("by", Schema::Text, "move (C-MOVE) or get (C-GET); move when absent")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(202, "The job that brings them"), (404, "The device has no such study, or not for you; or no device of this title takes calls"), (429, "Too many calls or jobs at once"), (502, "The device did not answer as it should")], "从设备取回检查（C-MOVE 或 C-GET）", "Retrieve studies from a device (C-MOVE or C-GET)"),
    /// Ask a device whether it keeps what was sent to it.
    CommitAtDevice => api(Method::Post, "/devices/{ae_title}/commit", Action::View, BodyRule::Json(list![field("studies", Schema::Texts, "Study Instance UIDs, 128 at most"), optional("series", Schema::Texts, "Only these of their series"), optional("instances", Schema::Texts, "Only these of their instances")]), list![path("ae_title", Schema::Text, "Its AE title")], list![(202, "The question, which is put until the device takes it"), (404, "No such study, or not for you; or no device of this title takes calls"), (413, "More instances than one question may name"), (429, "Too many questions are open")], "请求设备确认已保存（存储承诺）", "Ask a device whether it keeps studies (storage commitment)"),
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
    /// Grant scopes to a device.
    GrantDeviceScopes => api(Method::Put, "/devices/{ae_title}/scopes", Action::ManageRights, BodyRule::Json(list![field("called_ae", Schema::Text, "The AE title by which it calls us"), field("scopes", Schema::Texts, "store, search, view, export, worklist")]), list![path("ae_title", Schema::Text, "Calling AE title")], CHANGED, "授予设备权限", "Replace the scopes of a device"),
    /// Every client.
    ListClients => api(Method::Get, "/clients", Action::ManageAccounts, BodyRule::None, &[], OK, "列出服务程序", "List service clients"),
    /// A new client.
    CreateClient => api(Method::Post, "/clients", Action::ManageAccounts, BodyRule::Json(list![field("client_id", Schema::Text, "Its identifier"), optional("confidential", Schema::Flag, "Whether it gets a secret; true when absent"), optional("redirect_uris", Schema::Texts, "Where authorization codes may be sent")]), &[], CREATED, "登记服务程序", "Register a service client"),
    /// Disable or enable a client.
    ChangeClient => api(Method::Patch, "/clients/{client}", Action::ManageAccounts, BodyRule::Json(list![field("disabled", Schema::Flag, "Whether the client is disabled")]), &[CLIENT], CHANGED, "停用或启用服务程序", "Disable or enable a service client"),
    /// Grant scopes.
    GrantScopes => api(Method::Put, "/clients/{client}/scopes", Action::ManageRights, BodyRule::Json(list![field("scopes", Schema::Texts, "store, search, view, export, worklist, vault")]), &[CLIENT], CHANGED, "授予服务程序权限", "Replace the scopes of a service client"),
    /// Give a care relation.
    GiveCare => api(Method::Put, "/care-relations", Action::ManageRights, BodyRule::Json(CARE), &[], CHANGED, "建立接诊关系", "Give a care relation"),
    /// End a care relation.
    EndCare => api(Method::Post, "/care-relations/end", Action::ManageRights, BodyRule::Json(END_CARE), &[], CHANGED, "结束接诊关系", "End a care relation"),
    /// A dissent.
    EnterDissent => api(Method::Post, "/dissents", Action::ManageRights, BodyRule::Json(DISSENT), &[], &[(201, "Entered; `dissent` is its number, `studies` how many it closes now"), (404, "No study of the patient, no such person or department, or the patient has 100 already")], "登记患者异议或封存", "Enter a dissent of a patient, or seal the patient's studies"),
    /// Those in force.
    ListDissents => api(Method::Get, "/dissents", Action::ManageRights, BodyRule::None, &[], OK, "列出患者异议与封存", "Dissents and seals that are not over; patients by their pseudonyms"),
    /// Ends one.
    EndDissent => api(Method::Post, "/dissents/{dissent}/end", Action::ManageRights, BodyRule::None, list![path("dissent", Schema::Text, "Its number")], CHANGED, "结束患者异议或封存", "End a dissent or a seal now"),
    /// Departments.
    ListDepartments => api(Method::Get, "/departments", Action::ManageRights, BodyRule::None, &[], OK, "科室及其成员", "Departments, and who belongs to them"),
    /// A department.
    EnterDepartment => api(Method::Put, "/departments/{department}", Action::ManageRights, BodyRule::Json(list![field("name", Schema::Text, "What people call it")]), list![path("department", Schema::Text, "Its short name: lower-case letters, digits, hyphens")], CHANGED, "登记科室", "Enter a department"),
    /// Somebody belongs to one.
    JoinUnit => api(Method::Put, "/department-members", Action::ManageRights, BodyRule::Json(MEMBER), &[], CHANGED, "人员加入科室或绑定设备", "Make a person belong to a department, or to a device"),
    /// And no longer.
    LeaveUnit => api(Method::Post, "/department-members/end", Action::ManageRights, BodyRule::Json(END_MEMBER), &[], CHANGED, "结束科室成员或设备绑定", "End that now"),
    /// For which departments a device performs.
    SetDeviceDepartments => api(Method::Put, "/devices/{ae_title}/departments", Action::ManageRights, BodyRule::Json(list![field("departments", Schema::Texts, "Short names")]), list![path("ae_title", Schema::Text, "AE title that the device calls itself")], CHANGED, "设置设备所属科室", "Replace for which departments a device performs the studies that it sends from now on"),
    /// Of which departments a study is.
    SetStudyDepartments => api(Method::Put, "/study-departments", Action::ManageRights, BodyRule::Json(list![field("study", Schema::Uid, "Study Instance UID"), optional("requesting", Schema::Texts, "Departments that asked for it"), optional("performing", Schema::Texts, "Departments that performed it")]), &[], CHANGED, "设置检查所属科室", "Replace which departments asked for a study and performed it"),
    /// Events of studies.
    ListEvents => api(Method::Get, "/events", Action::Search, BodyRule::None, list![query("after", Schema::Number, "The number of the last event that was seen; 0 when absent"), query("limit", Schema::Number, "At most so many, 100 unless set, up to 1000"), query("wait", Schema::Number, "Seconds to wait when there are none, up to 20")], OK, "检查事件（停止接收后的检查）", "What happened to studies: which have received nothing for a while"),
    /// Conflicts.
    ListConflicts => api(Method::Get, "/conflicts", Action::Search, BodyRule::None, list![query("limit", Schema::Number, "At most so many of each kind, up to 500")], OK, "需要人工核对的检查", "Studies that somebody has to look at: of several patients, or with one accession number"),
    /// The worklist.
    ListWorklist => api(Method::Get, "/worklist", Action::ReadWorklist, BodyRule::None, list![query("state", Schema::Text, "scheduled (the default), started, completed, discontinued or cancelled"), query("from", Schema::Text, "The first day, YYYYMMDD"), query("until", Schema::Text, "The last day, YYYYMMDD"), query("limit", Schema::Number, "At most so many, 100 unless set, up to 1000")], OK, "列出工作列表", "List the worklist"),
    /// A new step.
    EnterStep => api(Method::Post, "/worklist", Action::ManageWorklist, BodyRule::Json(&[]), &[], STEP_ENTERED, "登记检查步骤（DICOM JSON）", "Enter a scheduled procedure step (DICOM JSON model)"),
    /// A step described anew.
    ReplaceStep => api(Method::Put, "/worklist/{step}", Action::ManageWorklist, BodyRule::Json(&[]), &[STEP], STEP_CHANGED, "重新描述检查步骤", "Describe a step anew; one that was cancelled or discontinued is scheduled again"),
    /// A step cancelled.
    CancelStep => api(Method::Delete, "/worklist/{step}", Action::ManageWorklist, BodyRule::None, &[STEP], STEP_CHANGED, "取消检查步骤", "Cancel a step"),
    /// What modalities report.
    ListPerformedSteps => api(Method::Get, "/performed-steps", Action::ReadWorklist, BodyRule::None, list![query("study", Schema::Uid, "Of this study"), query("state", Schema::Text, "in-progress, completed or discontinued"), query("station", Schema::Text, "Performed by this station (AE title)"), query("from", Schema::Text, "Begun on this day or later, YYYYMMDD"), query("until", Schema::Text, "Begun on this day or earlier, YYYYMMDD"), query("after", Schema::Text, "Behind this step: `step` of the last one of the page before"), query("limit", Schema::Number, "At most so many, 100 unless set, up to 1000")], OK, "列出已执行步骤 (MPPS)", "List performed procedure steps, the newest first"),
    /// One report.
    ReadPerformedStep => api(Method::Get, "/performed-steps/{performed}", Action::ReadWorklist, BodyRule::None, list![path("performed", Schema::Text, "Reference of a performed step, 32 hexadecimal digits")], &[(200, "The step, and how many instances of each series have arrived"), (404, "No such step")], "一个已执行步骤及其影像到达情况", "A performed procedure step, and what of its series has arrived"),
    /// The newest leaves.
    AuditTail => api(Method::Get, "/audit/tail", Action::ReadAudit, BodyRule::None, list![query("count", Schema::Number, "Leaves at most; 100 when absent, 1000 at most")], OK, "最新审计记录", "The newest audit leaves"),
    /// Search the leaves.
    AuditSearch => api(Method::Get, "/audit/search", Action::ReadAudit, BodyRule::None, list![query("from_ms", Schema::Number, "Written at or after"), query("until_ms", Schema::Number, "Written before"), query("actor", Schema::Text, "By this actor"), query("actor_kind", Schema::Text, "By an actor of this kind: person, device, service or system"), query("device", Schema::Text, "By this device"), query("action", Schema::Text, "With this action, such as `view`"), query("patient", Schema::Text, "About this patient reference"), query("study", Schema::Text, "About this study reference"), query("study_uid", Schema::Uid, "About this study, by its UID"), query("kind", Schema::Text, "Kind of event"), query("outcome", Schema::Text, "Outcome"), query("limit", Schema::Number, "Leaves at most; 100 when absent, 1000 at most"), CURSOR], PAGED, "检索审计记录", "Search audit leaves, the newest first"),
    /// Who looked at images.
    AuditAccesses => api(Method::Post, "/audit/accesses", Action::ReadAudit, BodyRule::Json(ACCESSES), &[], PAGED, "谁看过某患者或某检查的影像", "Who looked at the images of a patient or a study, and who was refused"),
    /// Leaves with their proofs.
    AuditBundle => api(Method::Post, "/audit/bundle", Action::ReadAudit, BodyRule::Json(BUNDLE), &[], list![(200, "Leaves, newest first, each as text with its C2SP tlog-proof, all under one checkpoint; what it takes to verify them; and `next`, where there are more")], "审计证据包：记录及其存在证明", "Audit leaves about a study, a patient or an actor, with the proof of each"),
    /// The audit log as FHIR.
    SearchAuditEvents => Route { family: Family::Fhir, produces: FHIR_JSON, ..api(Method::Get, "/AuditEvent", Action::ReadAudit, BodyRule::None, list![query("date", Schema::Text, "A day or moment, with one of ge, gt, le, lt in front; may come twice"), query("agent", Schema::Text, "By this actor"), query("patient", Schema::Text, "About this patient reference"), query("entity", Schema::Text, "About this study reference"), query("action", Schema::Text, "C, R, U, D or E"), query("outcome", Schema::Text, "0, 4 or 8"), query("type", Schema::Text, "Code of the type, as in rest or http://dicom.nema.org/resources/ontology/DCM|110114"), query("subtype", Schema::Text, "Code of a subtype"), query("_count", Schema::Number, "Resources at most; 100 when absent, 1000 at most"), query("_cursor", Schema::Text, "Where a page begins; from the link `next` of the page before")], list![(200, "A Bundle, newest first; a page may hold less than was asked for and lead on")], "以 FHIR AuditEvent 检索审计记录", "Search audit leaves as FHIR AuditEvent (IHE BALP)") },
    /// One of them.
    ReadAuditEvent => Route { family: Family::Fhir, produces: FHIR_JSON, ..api(Method::Get, "/AuditEvent/{index}", Action::ReadAudit, BodyRule::None, list![path("index", Schema::Number, "Number of the leaf")], list![(200, "An AuditEvent"), (404, "No such leaf in this institution")], "以 FHIR AuditEvent 读取一条审计记录", "One audit leaf as FHIR AuditEvent") },
    /// The checkpoint.
    AuditCheckpoint => api_text("/audit/checkpoint", list![TREE], "审计日志检查点", "The signed checkpoint of the audit log"),
    /// A proof.
    AuditProof => api_text("/audit/proofs/{index}", list![path("index", Schema::Number, "Number of the leaf"), TREE], "审计记录存在证明", "The proof that a leaf is in the log"),
    /// The keys, in numbers.
    ReadKeys => api(Method::Get, "/keys", Action::ManageKeys, BodyRule::None, &[], OK, "密钥版本与轮换进度", "Versions of key-encryption keys, their uses, and how far wrapping again is"),
    /// The next version.
    RotateKeys => api(Method::Post, "/keys/rotation", Action::ManageKeys, BodyRule::Json(list![optional("grade", Schema::Text, "L1, L2, L3, L4, L4S or L5; all when absent"), DRY_RUN]), &[], KEYS_CHANGED, "轮换密钥加密密钥", "Replace key-encryption keys by their next version"),
    /// Wrap again.
    BeginRewrap => api(Method::Post, "/keys/rewrap", Action::ManageKeys, BodyRule::Json(list![DRY_RUN]), &[], KEYS_CHANGED, "开始或继续重新封装密钥", "Begin to wrap keys again under the newest versions, or go on; it ends with the destruction of the versions before"),
    /// Stop that.
    StopRewrap => api(Method::Delete, "/keys/rewrap", Action::ManageKeys, BodyRule::None, &[], &[(204, "Stopped, until it is begun again"), (404, "Keys are not being wrapped again")], "停止重新封装密钥", "Stop wrapping keys again"),
    /// Forget a node that is gone for good.
    ForgetNode => api(Method::Post, "/keys/nodes/forgotten", Action::ManageKeys, BodyRule::Json(list![field("name", Schema::Text, "The name of its audit log"), DRY_RUN]), &[], list![(200, "Forgotten, or what would be"), (404, "No other node of this name, or it is forgotten already")], "登记已永久移除的节点", "Say that a node is gone for good and its disk destroyed: no destruction waits for it any more, and it is given nothing"),
    /// Seal the archive.
    Seal => api(Method::Post, "/seal", Action::ManageKeys, BodyRule::None, &[], &[(204, "The archive closes and waits for shares"), (409, "No shares open the root key, so it would open itself again")], "封存：清除密钥并等待份额", "Close the archive and wipe its keys; it waits for shares then"),
    /// A destruction, asked for.
    RequestDestruction => api(Method::Post, "/destructions", Action::RequestDestruction, BodyRule::Json(list![optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Text, "Or all studies of this patient"), optional("issuer", Schema::Text, "Who gave the patient ID"), optional("reason", Schema::Text, "retention-over, patient-wish, ordered, mistake or trial; needed unless dry_run"), DRY_RUN]), &[], DESTRUCTION_ASKED, "申请销毁检查或患者（须另一人批准）", "Ask for a study or a patient to be destroyed; somebody else has to approve it"),
    /// What was destroyed, and what is to be.
    ListDestructions => api(Method::Get, "/destructions", Action::RequestDestruction, BodyRule::None, &[], OK, "列出销毁申请与记录", "Destructions: asked for, going on and done, the newest first"),
    /// One of them.
    ReadDestruction => api(Method::Get, "/destructions/{destruction}", Action::RequestDestruction, BodyRule::None, &[DESTRUCTION], &[(200, "How far it is, and its record"), (404, "No such destruction")], "销毁记录", "One destruction with its record: what, who, how, when, which leaves"),
    /// Approved.
    ApproveDestruction => api(Method::Post, "/destructions/{destruction}/approval", Action::ApproveDestruction, BodyRule::None, &[DESTRUCTION], DESTRUCTION_DECIDED, "批准销毁（不可撤销）", "Approve what somebody else asked for; it is carried out and cannot be undone"),
    /// Taken back.
    WithdrawDestruction => api(Method::Delete, "/destructions/{destruction}", Action::RequestDestruction, BodyRule::None, &[DESTRUCTION], &[(204, "It is not going to happen"), (404, "No such destruction"), (409, "It was approved or withdrawn already")], "撤回或拒绝销毁申请", "Take a request back, or refuse it"),
    /// A timed grant, given.
    GiveGrant => api(Method::Post, "/grants", Action::GiveGrant, BodyRule::Json(list![field("name", Schema::Text, "Login name of the person who gets it"), optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Text, "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Text, "Who gave the patient ID"), field("reason", Schema::Text, "Why, in words; kept sealed"), optional("purpose", Schema::Text, "TREAT, which it is when absent; no other purpose yet"), optional("export", Schema::Flag, "Whether it may be taken out as a medium"), optional("from_ms", Schema::Number, "From when on, in milliseconds since 1970; now when absent"), optional("minutes", Schema::Number, "For how long, 1440 at most and when absent")]), &[], &[(201, "Given"), (404, "There is no such study, patient or person, or the giver may not see it"), (409, "The person has too many grants")], "限时授权他人查看检查或患者（至多 24 小时）", "Grant another person a study or a patient for a while, 24 hours at most: what the giver may open"),
    /// Grants.
    ListGrants => api(Method::Get, "/grants", Action::GiveGrant, BodyRule::None, &[], OK, "列出限时授权", "Timed grants, the newest first: one's own, or everybody's for officers"),
    /// One of them.
    ReadGrant => api(Method::Get, "/grants/{grant}", Action::GiveGrant, BodyRule::None, &[GRANT], GRANT_STATE, "一项限时授权", "One timed grant"),
    /// Revoked.
    RevokeGrant => api(Method::Delete, "/grants/{grant}", Action::GiveGrant, BodyRule::None, &[GRANT], GRANT_STATE, "立即撤销限时授权", "End a grant now: by who gave or has it, or the security administrator"),
    /// The glass, broken.
    BreakGlass => api(Method::Post, "/break-glass", Action::BreakGlass, BodyRule::Json(list![field("patient_id", Schema::Text, "The patient"), optional("issuer", Schema::Text, "Who gave the patient ID"), field("code", Schema::Text, "emergency-treatment, unconscious-patient, on-call-cover, system-failure or other"), field("reason", Schema::Text, "Why, in words; kept sealed"), optional("minutes", Schema::Number, "For how long, 240 at most; 60 when absent"), optional("password", Schema::Text, "The password of the asker; may be left out within five minutes of a sign-in with it")]), &[], &[(201, "The patient is open; a review is due within 72 hours"), (404, "There is no such patient"), (409, "More emergencies within a day than one person meets")], "紧急越级访问一名患者（事后复核）", "Break the glass: open one patient in an emergency, under a review that follows"),
    /// Cases.
    ListBrokenGlass => api(Method::Get, "/break-glass", Action::ReviewBreakGlass, BodyRule::None, &[], OK, "列出紧急越级访问", "Cases of broken glass, the newest first: one's own, or everybody's for officers"),
    /// One of them.
    ReadBrokenGlass => api(Method::Get, "/break-glass/{grant}", Action::ReviewBreakGlass, BodyRule::None, &[GRANT], GRANT_STATE, "一次紧急越级访问", "One case of broken glass"),
    /// Ended early.
    EndBrokenGlass => api(Method::Delete, "/break-glass/{grant}", Action::BreakGlass, BodyRule::None, &[GRANT], GRANT_STATE, "提前结束紧急越级访问", "End it before its time; the review is due all the same"),
    /// Reviewed.
    ReviewBrokenGlass => api(Method::Post, "/break-glass/{grant}/review", Action::ReviewBreakGlass, BodyRule::Json(list![field("verdict", Schema::Text, "justified or not-justified"), field("reason", Schema::Text, "Why, in words; kept sealed")]), &[GRANT], GRANT_STATE, "复核紧急越级访问（复核人不得为本人）", "Judge a case of broken glass, as another person than who broke it"),
    /// What the monitor noticed.
    ListAlerts => api(Method::Get, "/alerts", Action::ReviewAlerts, BodyRule::None, &[NEW_ALERTS], OK, "列出行为监测告警", "Alerts of the monitor, the newest first, for who judges them and who lifts what they stop"),
    /// One of them.
    ReadAlert => api(Method::Get, "/alerts/{alert}", Action::ReviewAlerts, BodyRule::None, &[ALERT], ALERT_STATE, "一条行为监测告警", "One alert of the monitor"),
    /// Looked at.
    AcknowledgeAlert => api(Method::Post, "/alerts/{alert}/acknowledgement", Action::ReviewAlerts, BodyRule::Json(list![optional("verdict", Schema::Text, "true-positive or false-positive; a stop that was right lasts until it is lifted")]), &[ALERT], ALERT_STATE, "确认告警并标注真伪", "Note that somebody looked at an alert, and what was found"),
    /// Lifted.
    LiftStop => api(Method::Post, "/alerts/{alert}/lift", Action::LiftStop, BodyRule::None, &[ALERT], ALERT_STATE, "解除行为监测的阻断（不得解除本人）", "Lift everything that the monitor stopped for the person of an alert, who is never the one who lifts"),
    /// A legal hold, placed.
    PlaceHold => api(Method::Post, "/holds", Action::ManageHolds, BodyRule::Json(list![optional("study", Schema::Uid, "Study Instance UID of the study"), optional("patient_id", Schema::Text, "Or every study of this patient, also one that comes later"), optional("issuer", Schema::Text, "Who gave the patient ID"), field("reason", Schema::Text, "litigation, investigation, incident, ordered or trial")]), &[], &[(201, "Held: no destruction of it is approved"), (404, "There is no such study or patient"), (409, "A destruction of it was approved already")], "对检查或患者实施法律封存（禁止销毁）", "Place a legal hold on a study or a patient: nothing of it is destroyed until it is released"),
    /// What is held, and what was.
    ListHolds => api(Method::Get, "/holds", Action::ManageHolds, BodyRule::None, &[], OK, "列出法律封存", "Legal holds: those in force first, and of each the newest"),
    /// One of them.
    ReadHold => api(Method::Get, "/holds/{hold}", Action::ManageHolds, BodyRule::None, &[HOLD], &[(200, "On what, who placed it, why, and how it ended"), (404, "No such hold")], "一项法律封存", "One legal hold"),
    /// Its release, asked for.
    RequestRelease => api(Method::Post, "/holds/{hold}/release", Action::ManageHolds, BodyRule::Json(list![field("reason", Schema::Text, "ended, ordered, mistake or trial")]), &[HOLD], HOLD_STATE, "申请解除法律封存（须另一人批准）", "Ask for the release of a legal hold; it stands until somebody else approves that"),
    /// Approved.
    ApproveRelease => api(Method::Post, "/holds/{hold}/release/approval", Action::ApproveRelease, BodyRule::None, &[HOLD], HOLD_STATE, "批准解除法律封存", "Approve the release that somebody else asked for"),
    /// Taken back.
    WithdrawRelease => api(Method::Delete, "/holds/{hold}/release", Action::ManageHolds, BodyRule::None, &[HOLD], &[(204, "The hold stands"), (404, "No such hold"), (409, "Nobody asked for its release")], "撤回或拒绝解除申请", "Take a request for release back, or refuse it; the hold stands"),
    /// System status.
    SystemStatus => api(Method::Get, "/system/status", Action::ReadSystem, BodyRule::None, &[], OK, "系统状态", "The state of the system"),
    /// How the replicas are being checked.
    ScrubStatus => api(Method::Get, "/system/scrub", Action::ReadSystem, BodyRule::None, &[], OK, "副本巡检进度", "How far the scrub of each replica is, and what its last full pass found"),
    /// Check every byte now.
    BeginScrub => api(Method::Post, "/system/scrub", Action::ManageStorage, BodyRule::None, &[], BEGUN, "立即巡检全部副本", "Begin a full pass over every replica now"),
    /// How the replicas stand.
    ListReplicas => api(Method::Get, "/system/replicas", Action::ReadSystem, BodyRule::None, &[], OK, "列出副本", "How each replica stands: state, room, what it still lacks, with which others it is lost"),
    /// Take a replica out of service.
    DrainReplica => api(Method::Post, "/system/replicas/{replica}/drain", Action::ManageStorage, BodyRule::None, &[REPLICA], SERVICE, "停用副本以便取下磁盘", "Take a replica out of service, so that its disk can be taken away"),
    /// Put another folder in its place.
    ReplaceReplica => api(Method::Post, "/system/replicas/{replica}/replace", Action::ManageStorage, BodyRule::None, &[REPLICA], SERVICE, "启用更换后的空目录", "Put a replica into service with the empty folder that is there now, and fill it"),
    /// How far the compaction is.
    CompactionStatus => api(Method::Get, "/system/compaction", Action::ReadSystem, BodyRule::None, &[], OK, "封存包压缩进度", "How far the compaction of packs is, or what the last one found: dead bytes, packs in which nothing lives or little, what was copied and removed"),
    /// Give back the room of destroyed studies.
    BeginCompaction => api(Method::Post, "/system/compaction", Action::ManageStorage, BodyRule::Json(list![DRY_RUN, optional("dead_percent", Schema::Number, "From how many percent of dead bytes on what lives in a pack is copied and the pack removed, 1 to 100; at 100 none is. What the configuration says when absent")]), &[], list![(202, "Begun; it goes on in the background"), (409, "One is running")], "删除只剩已销毁检查的封存包，并改写大部分已销毁的包", "Remove packs in which nothing lives, because all studies in them were destroyed, and rewrite those in which little does"),
    /// What a vault finds here.
    VaultHoldings => api(Method::Get, "/vault/holdings", Action::Backup, BodyRule::None, list![query("after", Schema::Text, "The last pack that was told, 16 hexadecimal digits; the first when absent")], OK, "保险库：列出封存包", "For a vault: packs with their acknowledged bytes, at most 6000 behind one"),
    /// Sealed bytes.
    VaultPack => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/packs/{pack}", Action::Backup, BodyRule::None, list![path("pack", Schema::Text, "Pack, 16 hexadecimal digits"), Parameter { required: true, ..query("from", Schema::Number, "First byte") }, Parameter { required: true, ..query("to", Schema::Number, "Byte behind the last; 64 MiB further at most") }, query("replica", Schema::Number, "From which replica, counted from 0, which is the default")], list![(200, "Sealed bytes as they lie there; nothing is verified here"), (404, "No such pack, bytes or replica")], "保险库：读取封存包字节", "For a vault: sealed bytes of a pack from one replica") },
    /// Proof that packs are what they were.
    VaultProbe => api(Method::Post, "/vault/probe", Action::Backup, BodyRule::Json(list![field("key", Schema::Text, "32 random bytes, hexadecimal"), field("packs", Schema::Object, "An array of `pack` and `bytes`, 256 and 1 GiB at most")]), &[], &[(200, "Keyed BLAKE3 of the bytes on each replica, in the order asked; null where it has them not")], "保险库：核验封存包", "For a vault: digests under its key of what each replica holds of packs"),
    /// Rows, the root-key file, the cosigned checkpoint.
    VaultPart => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/parts/{part}", Action::Backup, BodyRule::None, list![path("part", Schema::Text, "catalogue, keys, identity, epoch, root or witnessed")], list![(200, "The bytes as of this moment"), (404, "No such part"), (409, "It is backed up by other means here; the answer says by which")], "保险库：读取数据库与密钥文件", "For a vault: every row of a database, a file with wrapped keys, or the cosigned checkpoint of the audit log") },
    /// The audit log.
    VaultAudit => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/audit", Action::Backup, BodyRule::None, list![query("after", Schema::Number, "How many leaves are there already; 0 when absent")], list![(200, "A checkpoint that covers this very reading, and the leaves up to it"), (409, "There are fewer leaves")], "保险库：跟随审计日志", "For a vault: the leaves behind a number with the checkpoint that covers them") },
    /// Sealed bytes of a record, for another node.
    NodeSpan => Route { needs: Needs::Node, produces: &["application/octet-stream"], ..api(Method::Get, "/nodes/records/{place}", Action::View, BodyRule::None, list![RECORD, Parameter { required: true, ..query("from", Schema::Number, "First byte in the record") }, Parameter { required: true, ..query("to", Schema::Number, "Byte behind the last; 4 MiB further at most") }, query("copy", Schema::Number, "From which copy, counted from 0, which is the default")], list![(200, "Sealed bytes as they lie there; nothing is verified here"), (204, "There are fewer copies"), (404, "No such bytes of a record here"), (500, "This copy cannot be read")], "节点：读取密封记录字节", "For another node: sealed bytes of a record from one of its copies") },
    /// Whether a record is whole, for another node.
    NodeSoundness => Route { needs: Needs::Node, ..api(Method::Get, "/nodes/records/{place}/soundness", Action::View, BodyRule::None, &[RECORD], list![(200, "Whether every byte of it is on so many replicas as an acknowledgement needs"), (404, "No such record here")], "节点：核验记录副本", "For another node: whether a record is whole on the write quorum") },
    /// The wrapped key of an epoch, for another node.
    NodeEpoch => Route { needs: Needs::Node, produces: &["application/octet-stream"], ..api(Method::Get, "/nodes/epochs/{epoch}", Action::ManageKeys, BodyRule::None, list![path("epoch", Schema::Number, "Its number")], list![(200, "Its key, wrapped under the root key as it lies in the epoch file"), (404, "The key database does not use such an epoch, or this node does not have it")], "节点：取得世代密钥", "For another node: the wrapped key of the epoch that its file lacks; with a leaf here") },
    /// This description.
    Description => open(Method::Get, "/api/openapi.json", Family::Operations, BodyRule::None, &[], JSON, OK, "接口说明", "This description"),
    /// Liveness.
    Live => open(Method::Get, "/health/live", Family::Operations, BodyRule::None, &[], JSON, &[(200, "The process answers")], "存活检查", "Liveness"),
    /// Readiness.
    Ready => open(Method::Get, "/health/ready", Family::Operations, BodyRule::None, &[], JSON, &[(200, "The archive can serve"), (503, "A part cannot; it is named")], "就绪检查", "Readiness"),
    /// Metrics.
    Metrics => Route { method: Method::Get, path: "/metrics", family: Family::Operations, needs: Needs::Scrape, body: BodyRule::None, parameters: &[], produces: &["text/plain; version=0.0.4; charset=utf-8"], answers: OK, summary_zh: "运行指标", summary_en: "Metrics in the Prometheus text format" },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_routes_share_method_and_path() {
        let mut seen = BTreeSet::new();
        for id in RouteId::ALL {
            let route = id.describe();
            assert!(seen.insert((route.family.prefixes(), route.path, route.method)), "{id:?}");
        }
    }

    #[test]
    fn every_name_in_a_path_is_described_and_nothing_else_claims_to_be_there() {
        for id in RouteId::ALL {
            let route = id.describe();
            let in_path: BTreeSet<&str> = route
                .path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .map(|name| name.trim_start_matches('*'))
                .collect();
            let described: BTreeSet<&str> = route
                .parameters
                .iter()
                .filter(|parameter| parameter.place == Place::Path)
                .map(|parameter| parameter.name)
                .collect();
            assert_eq!(in_path, described, "{id:?}");
        }
    }

    #[test]
    fn only_reading_routes_and_deletions_come_without_a_body() {
        for id in RouteId::ALL {
            let route = id.describe();
            if matches!(route.method, Method::Get) {
                assert_eq!(route.body, BodyRule::None, "{id:?}");
            }
            assert!(!route.summary_zh.is_empty() && !route.summary_en.is_empty());
        }
    }
}

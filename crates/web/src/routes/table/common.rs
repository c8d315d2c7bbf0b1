//! Words that several doors use.

use crate::routes::shapes;
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Place, Route, Schema};
use yingdun_model::Action;

pub(super) const fn path(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Path, schema, required: true, meaning }
}

pub(super) const fn query(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, schema, required: false, meaning }
}

pub(super) const fn field(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: true, meaning }
}

pub(super) const fn optional(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: false, meaning }
}

pub(super) const STUDY: Parameter = path("study", Schema::Uid, "Study Instance UID");
pub(super) const ACCEPT: Parameter =
    query("accept", Schema::Text, "Media types, instead of the Accept header");
/// Lists in an address, which the standard parts by commas: all of one at its longest is less than the 64 KiB of which the library of
/// HTTP says nothing, so that we say what is too long.
pub(super) const FIELDS: Schema = Schema::List(&Schema::Shaped(&shapes::FIELDS), 32);
pub(super) const UIDS: Schema = Schema::List(&Schema::Shaped(&shapes::UIDS), 16);
pub(super) const ACTOR: Parameter = path("actor", Schema::Shaped(&shapes::NAME), "Login name of a person");
pub(super) const DICOM_JSON: &[&str] = &["application/dicom+json", "application/json"];
pub(super) const JSON: &[&str] = &["application/json"];
pub(super) const OK: &[(u16, &str)] = &[(200, "Done")];
pub(super) const CREATED: &[(u16, &str)] =
    &[(201, "Created"), (409, "It exists already, or the roles exclude each other")];

pub(super) const CHANGED: &[(u16, &str)] = &[(204, "Changed"), (404, "No such record")];
pub(super) const CLIENT: Parameter =
    path("client", Schema::Shaped(&shapes::NAME), "Identifier of a service client");
pub(super) const DRY_RUN: Parameter =
    optional("dry_run", Schema::Flag, "Say what would be done, and do nothing");

/// A route of the administration API.
#[allow(clippy::too_many_arguments)]
pub(super) const fn api(
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
pub(super) const fn own(
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

/// Where a page of the audit log begins.
pub(super) const CURSOR: Parameter =
    query("cursor", Schema::Shaped(&shapes::CURSOR), "Where to go on: `Yingdun-Next` of the page before");

/// A page of the audit log.
pub(super) const PAGED: &[(u16, &str)] = &[(
    200,
    "The rows. `Yingdun-Count`, with the first page, is how many there are, or `at least` how many; `Yingdun-Next` is the cursor of the next page, if there is one; `Yingdun-Log` names the log of the node that answers, and `Yingdun-Logs` is how many the installation has: one for each node, and all of them are asked. `Yingdun-Whole` is `false` where not all of them are in the answer; `Yingdun-Logs-Read` (JSON) are the names of those that are, `Yingdun-Logs-Missing` (JSON) those that are not, each with `log`, `why` and `last_seen_ms`. A log that is away keeps its place in the cursor: where the last page is whole, all pages together are. `Yingdun-Known` is `false` where the archive knows no patient or study of that name",
)];

/// A route without login.
#[allow(clippy::too_many_arguments)]
pub(super) const fn open(
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

//! The words of the route table.

pub(crate) use super::schema::Schema;
use crate::limits;
use yingdun_model::Action;

/// HTTP methods that this door knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads (and HEAD with it).
    Get,
    /// Adds or asks.
    Post,
    /// Sets.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
    /// Asks what can be done.
    Options,
}

impl Method {
    /// The word of the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// Which group of paths a route belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// DICOMweb (PS3.18), mounted under `/dicom-web` and the aliases that clients of other archives are set to. The
    /// AE title in one of them names nothing here: there is one archive behind all of them.
    DicomWeb,
    /// WADO-URI (PS3.18 §9): one path, everything else in the query.
    WadoUri,
    /// OAuth 2 (RFC 6749, 7009, 7636, 8414).
    OAuth,
    /// Administration.
    Api,
    /// FHIR R4.
    Fhir,
    /// Health, metrics and the API description.
    Operations,
    /// Plain pages for people.
    Page,
}

impl Family {
    /// The prefixes under which the routes of this family are mounted, the canonical one first.
    #[must_use]
    pub const fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::DicomWeb => &["/dicom-web", "/wado", "/dcm4chee-arc/aets/{aet}/rs"],
            Self::WadoUri => &["/wado", "/dcm4chee-arc/aets/{aet}/wado"],
            Self::Api => &["/api/v1"],
            Self::Fhir => &["/fhir/r4"],
            Self::OAuth | Self::Operations | Self::Page => &[""],
        }
    }
}

/// What a caller must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the route tells nothing and opens nothing that a stranger may not have, or it carries its own
    /// proof (client credentials, a one-time link).
    Nothing,
    /// An access token. Whether its role may do the action is decided by `yingdun-access` on the resource.
    Token(Action),
    /// An access token; the route concerns nobody but its bearer.
    OwnToken,
    /// An access token, also one whose sign-in is not finished; the route concerns nobody but its bearer, and finishes that.
    OwnTokenInPart,
    /// The cookie of a plain page, also one whose sign-in is not finished; the page concerns nobody but its bearer.
    OwnCookieInPart,
    /// The cookie of a plain page; without it the page says how to log in.
    Cookie(Action),
    /// The certificate of another node of the installation.
    Node,
    /// An access token whose role may read the state of the system, or the configured metrics token.
    Scrape,
}

/// What a route takes as body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// No body.
    None,
    /// A form of this shape, at most [`limits::FORM_BYTES_MAX`] bytes.
    Form(&'static [Parameter]),
    /// JSON, at most [`limits::JSON_BYTES_MAX`] bytes and [`limits::JSON_DEPTH_MAX`] levels, of this shape.
    Json(&'static [Parameter]),
    /// The same, of another form than one record.
    JsonOf(&'static Schema),
    /// One data set in the DICOM JSON model, at most [`limits::WORKITEM_BYTES_MAX`] bytes and
    /// [`limits::WORKITEM_DEPTH_MAX`] levels, or none where it may be left out.
    DataSet {
        /// Whether there must be one.
        required: bool,
    },
    /// DICOM objects, streamed, at most [`limits::STOW_BYTES_MAX`] bytes.
    Dicom,
    /// A picture, at most [`limits::FOUND_PICTURE_BYTES_MAX`] bytes.
    Picture,
}

impl BodyRule {
    /// The media types that are taken.
    #[must_use]
    pub const fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Form(_) => &["application/x-www-form-urlencoded"],
            Self::Json(_) | Self::JsonOf(_) => &["application/json"],
            Self::DataSet { .. } => &["application/dicom+json", "application/json"],
            Self::Dicom => &["multipart/related", "application/dicom"],
            Self::Picture => &["image/jpeg", "image/png"],
        }
    }

    /// The most bytes that are taken.
    #[must_use]
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Form(_) => limits::FORM_BYTES_MAX as u64,
            Self::Json(_) | Self::JsonOf(_) => limits::JSON_BYTES_MAX as u64,
            Self::DataSet { .. } => limits::WORKITEM_BYTES_MAX as u64,
            Self::Dicom => limits::STOW_BYTES_MAX,
            Self::Picture => limits::FOUND_PICTURE_BYTES_MAX as u64,
        }
    }
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In the form or JSON body.
    Body,
}

/// One parameter of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Its type.
    pub schema: Schema,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path after the prefix of the family, with `{names}`.
    pub path: &'static str,
    /// The family.
    pub family: Family,
    /// What a caller must bring.
    pub needs: Needs,
    /// What the route takes as body.
    pub body: BodyRule,
    /// Parameters of path and query.
    pub parameters: &'static [Parameter],
    /// Media types of a successful answer.
    pub produces: &'static [&'static str],
    /// Status codes of answers other than the common refusals, with their meaning.
    pub answers: &'static [(u16, &'static str)],
    /// What it does, in Chinese.
    pub summary_zh: &'static str,
    /// What it does, in English.
    pub summary_en: &'static str,
}

impl Route {
    /// Whether its query parameters are all there are. OAuth and OpenID Connect demand that others are passed over (RFC 6749
    /// §3.1), DICOMweb asks by any attribute, and people come to pages along links that others have made.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.family, Family::Api | Family::Fhir | Family::Operations)
    }

    /// Whether answers may be compressed: DICOM JSON that is read, see [`crate::http::compress`].
    pub(crate) fn is_compressible(&self) -> bool {
        matches!(self.method, Method::Get) && self.produces.contains(&"application/dicom+json")
    }
}

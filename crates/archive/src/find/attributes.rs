//! Which attributes searches know, at what level each stands, and when it is returned.

use crate::request::Level;
use std::sync::LazyLock;
use yingdun_dicom::index::{Entity, FURTHER, InstanceIndex};
use yingdun_dicom::{AttributePath, Tag, tags};

/// One attribute that searches return and, where it is a text of the index, match.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) path: AttributePath,
    /// Of what it is an attribute.
    pub(super) level: Level,
    pub(super) source: Source,
}

/// Where an attribute comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From the merged texts of a study or series.
    Index(Returned),
    /// From the row itself: a count, a number, a UID.
    Row,
}

/// When an attribute is part of an answer at its own level. At the levels below it is returned when asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returned {
    /// Always, also without a value (PS3.18 Tables 10.6.3-3 to 10.6.3-5).
    Always,
    /// When it has a value.
    WhenPresent,
    /// When it has a value and was asked for.
    WhenAsked,
}

use Returned::{Always, WhenAsked, WhenPresent};
use Source::{Index, Row};

/// Every attribute that searches know, with what it is an attribute of: for the conformance statement.
pub fn search_attributes() -> impl Iterator<Item = (Level, AttributePath)> {
    attributes().map(|attribute| (attribute.level, attribute.path))
}

/// All of them.
pub(super) fn attributes() -> impl Iterator<Item = &'static Attribute> {
    NAMED.iter().chain(FURTHER_ATTRIBUTES.iter())
}

/// Those of [`FURTHER`].
static FURTHER_ATTRIBUTES: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let attribute = |(entity, path): &(Entity, AttributePath)| {
        let level = match entity {
            Entity::Patient => Level::Patient,
            Entity::Study => Level::Study,
            Entity::Series => Level::Series,
        };
        let required = path.top() == tags::REQUEST_ATTRIBUTES_SEQUENCE;
        let returned = if required { WhenPresent } else { WhenAsked };
        Attribute { path: *path, level, source: Index(returned) }
    };
    FURTHER.iter().map(attribute).collect()
});

/// Those with a place of their own, in the order of levels.
static NAMED: &[Attribute] = &[
    at(Level::Patient, tags::PATIENT_NAME, Index(Always)),
    at(Level::Patient, tags::PATIENT_ID, Index(Always)),
    at(Level::Patient, tags::ISSUER_OF_PATIENT_ID, Index(WhenPresent)),
    at(Level::Patient, tags::PATIENT_BIRTH_DATE, Index(Always)),
    at(Level::Patient, tags::PATIENT_SEX, Index(Always)),
    at(Level::Patient, tags::NUMBER_OF_PATIENT_RELATED_STUDIES, Row),
    at(Level::Patient, tags::NUMBER_OF_PATIENT_RELATED_SERIES, Row),
    at(Level::Patient, tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, Row),
    at(Level::Study, tags::STUDY_DATE, Index(Always)),
    at(Level::Study, tags::STUDY_TIME, Index(Always)),
    at(Level::Study, tags::ACCESSION_NUMBER, Index(Always)),
    at(Level::Study, tags::REFERRING_PHYSICIAN_NAME, Index(Always)),
    at(Level::Study, tags::STUDY_INSTANCE_UID, Row),
    at(Level::Study, tags::STUDY_ID, Index(Always)),
    at(Level::Study, tags::STUDY_DESCRIPTION, Index(WhenPresent)),
    at(Level::Study, tags::TIMEZONE_OFFSET_FROM_UTC, Index(WhenPresent)),
    at(Level::Study, tags::INSTITUTION_NAME, Index(WhenAsked)),
    at(Level::Study, tags::MODALITIES_IN_STUDY, Row),
    at(Level::Study, tags::NUMBER_OF_STUDY_RELATED_SERIES, Row),
    at(Level::Study, tags::NUMBER_OF_STUDY_RELATED_INSTANCES, Row),
    at(Level::Study, tags::INSTANCE_AVAILABILITY, Row),
    at(Level::Series, tags::MODALITY, Row),
    at(Level::Series, tags::SERIES_INSTANCE_UID, Row),
    at(Level::Series, tags::SERIES_NUMBER, Row),
    at(Level::Series, tags::SERIES_DESCRIPTION, Index(WhenPresent)),
    at(Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_DATE, Index(WhenPresent)),
    at(Level::Series, tags::PERFORMED_PROCEDURE_STEP_START_TIME, Index(WhenPresent)),
    at(Level::Series, tags::TIMEZONE_OFFSET_FROM_UTC, Index(WhenPresent)),
    at(Level::Series, tags::SERIES_DATE, Index(WhenAsked)),
    at(Level::Series, tags::SERIES_TIME, Index(WhenAsked)),
    at(Level::Series, tags::BODY_PART_EXAMINED, Index(WhenAsked)),
    at(Level::Series, tags::MANUFACTURER, Index(WhenAsked)),
    at(Level::Series, tags::MANUFACTURER_MODEL_NAME, Index(WhenAsked)),
    at(Level::Series, tags::STATION_NAME, Index(WhenAsked)),
    at(Level::Series, tags::NUMBER_OF_SERIES_RELATED_INSTANCES, Row),
    at(Level::Instance, tags::SOP_CLASS_UID, Row),
    at(Level::Instance, tags::SOP_INSTANCE_UID, Row),
    at(Level::Instance, tags::INSTANCE_NUMBER, Row),
    at(Level::Instance, tags::ROWS, Row),
    at(Level::Instance, tags::COLUMNS, Row),
    at(Level::Instance, tags::BITS_ALLOCATED, Row),
    at(Level::Instance, tags::NUMBER_OF_FRAMES, Row),
    at(Level::Instance, tags::AVAILABLE_TRANSFER_SYNTAX_UID, Row),
];

const fn at(level: Level, tag: Tag, source: Source) -> Attribute {
    Attribute { path: AttributePath::of(tag), level, source }
}

/// Whether searches at this level know an attribute: whether they return it when it is asked for. For a door that has
/// to say which keys it does not support (PS3.4 §C.4.1.1.4, status FF01H).
#[must_use]
pub fn is_searchable(level: Level, path: AttributePath) -> bool {
    // A sequence is known when anything in it is.
    let is_meant = |known: AttributePath| known == path || path == known.top().into();
    attributes().any(|attribute| is_meant(attribute.path) && attribute.level <= level)
}

/// The attribute of the index that a key at this level is compared with.
pub(super) fn matched_by_text(level: Level, path: AttributePath) -> Option<&'static Attribute> {
    let is_meant = |attribute: &&Attribute| {
        attribute.path == path && attribute.level <= level && matches!(attribute.source, Index(_))
    };
    attributes().find(is_meant)
}

/// What an index says of an attribute; empty when it says nothing.
pub(super) fn text_of(index: &InstanceIndex, path: AttributePath) -> &str {
    if path.sequence.is_some() {
        return index.further.get(path);
    }
    match path.tag {
        tags::PATIENT_NAME => index.patient_name.expose(),
        tags::PATIENT_ID => index.patient_id.expose(),
        tags::ISSUER_OF_PATIENT_ID => index.issuer_of_patient_id.expose(),
        tags::PATIENT_BIRTH_DATE => index.patient_birth_date.expose(),
        tags::PATIENT_SEX => index.patient_sex.expose(),
        tags::STUDY_DATE => &index.study_date,
        tags::STUDY_TIME => &index.study_time,
        tags::ACCESSION_NUMBER => index.accession_number.expose(),
        tags::REFERRING_PHYSICIAN_NAME => index.referring_physician_name.expose(),
        tags::STUDY_ID => index.study_id.expose(),
        tags::STUDY_DESCRIPTION => index.study_description.expose(),
        tags::TIMEZONE_OFFSET_FROM_UTC => &index.timezone_offset,
        tags::INSTITUTION_NAME => &index.institution_name,
        tags::SERIES_DESCRIPTION => index.series_description.expose(),
        tags::PERFORMED_PROCEDURE_STEP_START_DATE => &index.performed_procedure_step_start_date,
        tags::PERFORMED_PROCEDURE_STEP_START_TIME => &index.performed_procedure_step_start_time,
        tags::SERIES_DATE => &index.series_date,
        tags::SERIES_TIME => &index.series_time,
        tags::BODY_PART_EXAMINED => &index.body_part,
        tags::MANUFACTURER => &index.manufacturer,
        tags::MANUFACTURER_MODEL_NAME => &index.manufacturer_model_name,
        tags::STATION_NAME => &index.station_name,
        _ => index.further.get(path),
    }
}

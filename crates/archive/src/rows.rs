//! Between descriptors and catalogue rows: what is sealed into a column, what becomes a token, what stays plain.

use crate::description::{Description, Identity};
use crate::descriptor::Descriptor;
use crate::pseudonym::{InstitutionKeys, Pseudonyms, Searchable};
use std::sync::Arc;
use yingdun_catalog::catalogue::InstanceFacts;
use yingdun_catalog::catalogue::instances::InstanceRow;
use yingdun_crypto::{Context, OpenError, SealError, Sealed};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::person_name::{self, PersonName, fold};
use yingdun_dicom::{AttributePath, tags};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef};
use yingdun_storage::StoreLocation;

/// A row on its way into the catalogue, with all that its instance says of its study and series.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) keys: Arc<InstitutionKeys>,
    pub(crate) patient: PatientRef,
    pub(crate) grade: Grade,
    pub(crate) identity: Identity,
    pub(crate) index: InstanceIndex,
    pub(crate) instance: InstanceFacts,
    evidence: [u8; 16],
}

/// The newest version of an instance: its study, the keyed digest of its bytes, and where its record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    pub(crate) study: StudyRef,
    pub(crate) version: u32,
    pub(crate) evidence: [u8; 16],
    pub(crate) location: StoreLocation,
}

impl Row {
    pub(crate) fn newest(&self, location: StoreLocation) -> Latest {
        Latest {
            study: self.instance.study,
            version: self.instance.version,
            evidence: self.evidence,
            location,
        }
    }
}

/// The newest version as a stored row tells it.
pub(crate) fn latest(row: &InstanceRow) -> Option<Latest> {
    let evidence = row.sealed.as_deref()?.try_into().ok()?;
    let location = StoreLocation::from_bytes(&row.location).ok()?;
    Some(Latest { study: row.study, version: row.version, evidence, location })
}

/// The row of a durable record.
pub(crate) fn row(
    keys: &Arc<InstitutionKeys>,
    study: StudyRef,
    instance: InstanceRef,
    descriptor: Descriptor,
    location: &StoreLocation,
) -> Row {
    let index = descriptor.index;
    let evidence = keys.pseudonyms.evidence(&descriptor.data_set_sha256);
    let instance = InstanceFacts {
        institution: keys.institution.clone(),
        study,
        series: keys.pseudonyms.series(&index.study, &index.series),
        reference: instance,
        version: descriptor.version,
        sop_instance: index.sop_instance.clone(),
        sop_class: index.sop_class.clone(),
        transfer_syntax: descriptor.transfer_syntax,
        number: small(index.instance_number),
        rows: index.rows,
        columns: index.columns,
        bits_allocated: index.bits_allocated.and_then(|bits| u16::try_from(bits).ok()),
        frames: index.number_of_frames,
        received: descriptor.received,
        object_bytes: descriptor.data_set_bytes,
        location: location.to_bytes(),
        sealed: Some(evidence.to_vec()),
    };
    Row {
        identity: Identity::of(&keys.pseudonyms, descriptor.patient, &index),
        keys: Arc::clone(keys),
        patient: descriptor.patient,
        grade: descriptor.grade,
        index,
        instance,
        evidence,
    }
}

/// What is merged of a study, for its row.
pub(crate) fn seal_study_column(
    keys: &InstitutionKeys,
    study: StudyRef,
    description: &Description,
) -> Result<Vec<u8>, SealError> {
    let context = study_context(&keys.institution, study);
    Sealed::seal(&keys.index, &context, description).map(Sealed::into_bytes)
}

/// What is merged of a series, for its row.
pub(crate) fn seal_series_column(
    keys: &InstitutionKeys,
    series: SeriesRef,
    description: &Description,
) -> Result<Vec<u8>, SealError> {
    let context = series_context(&keys.institution, series);
    Sealed::seal(&keys.index, &context, description).map(Sealed::into_bytes)
}

/// What a study row says.
pub(crate) fn open_study_column(
    keys: &InstitutionKeys,
    study: StudyRef,
    sealed: Vec<u8>,
) -> Result<Description, OpenError> {
    Sealed::from_bytes(sealed).open(&keys.index, &study_context(&keys.institution, study))
}

/// What a series row says.
pub(crate) fn open_series_column(
    keys: &InstitutionKeys,
    series: SeriesRef,
    sealed: Vec<u8>,
) -> Result<Description, OpenError> {
    Sealed::from_bytes(sealed).open(&keys.index, &series_context(&keys.institution, series))
}

fn study_context(institution: &InstitutionId, study: StudyRef) -> Context {
    Context::new("yingdun/catalogue/study/v2").field(institution.as_str()).field(study.as_bytes())
}

fn series_context(institution: &InstitutionId, series: SeriesRef) -> Context {
    Context::new("yingdun/catalogue/series/v2").field(institution.as_str()).field(series.as_bytes())
}

/// Everything by which a study is found without opening a column, from what is merged of it and of its series.
pub(crate) fn tokens<'s>(
    pseudonyms: &Pseudonyms,
    index: &InstanceIndex,
    series: impl Iterator<Item = &'s InstanceIndex>,
) -> Vec<[u8; 16]> {
    let mut tokens = Vec::with_capacity(96);
    for (what, text) in [
        (Searchable::PatientId, &index.patient_id),
        (Searchable::AccessionNumber, &index.accession_number),
        (Searchable::StudyId, &index.study_id),
    ] {
        tokens.extend(pseudonyms.all(what, &fold(text.expose())));
    }
    for (what, name) in [
        (Searchable::PatientName, &index.patient_name),
        (Searchable::ReferringPhysician, &index.referring_physician_name),
    ] {
        for group in PersonName::parse(name.expose()).groups() {
            tokens.extend(pseudonyms.all(what, &fold(group)));
        }
    }
    for part in person_name::parts(index.patient_name.expose()) {
        tokens.extend(pseudonyms.prefixes(Searchable::PatientNamePart, &part));
    }
    let birth_date = index.patient_birth_date.expose();
    if !birth_date.is_empty() {
        tokens.push(pseudonyms.exact(Searchable::PatientBirthDate, birth_date));
    }
    for one in series {
        for (what, path) in REQUESTS {
            let values = one.further.get(path).split('\\').filter(|value| !value.is_empty());
            tokens.extend(values.map(|value| pseudonyms.exact(what, &fold(value))));
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// The accession number of a study within its issuer, which is that of the number, or else that of the patient ID: who
/// counts patients apart counts orders apart.
pub(crate) fn accession(pseudonyms: &Pseudonyms, index: &InstanceIndex) -> Option<[u8; 16]> {
    let of = |tag| index.further.get(AttributePath::within(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tag));
    let issuers = [
        of(tags::LOCAL_NAMESPACE_ENTITY_ID),
        of(tags::UNIVERSAL_ENTITY_ID),
        index.issuer_of_patient_id.expose(),
    ];
    let issuer = issuers.into_iter().find(|issuer| !issuer.is_empty()).unwrap_or_default();
    pseudonyms.accession(issuer, index.accession_number.expose())
}

/// What names the request that a series answers.
pub(crate) const REQUESTS: [(Searchable, AttributePath); 2] = [
    (
        Searchable::ScheduledProcedureStepId,
        AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID),
    ),
    (
        Searchable::RequestedProcedureId,
        AttributePath::within(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID),
    ),
];

pub(crate) fn small(number: Option<i64>) -> Option<i32> {
    number.and_then(|number| i32::try_from(number).ok())
}

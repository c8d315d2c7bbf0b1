//! The place of each wrapped key: what is bound into its wrap, so that a row opens only where it was written.

use crate::{LogKey, SecretName};
use yingdun_catalog::keyring::KekLine;
use yingdun_crypto::Context;
use yingdun_model::{InstitutionId, PatientRef, StudyRef};

/// The key by which the root key is recognised.
pub(crate) fn root_check() -> Context {
    Context::new("yingdun/root-check/v1")
}

/// A secret of an institution.
pub(crate) fn secret(institution: &InstitutionId, name: SecretName) -> Context {
    Context::new("yingdun/institution-secret/v1").field(institution.as_str()).field(name.as_str())
}

/// A signing key of an audit log that has keys of its own.
pub(crate) fn log_key(institution: &InstitutionId, key: LogKey, origin: &str) -> Context {
    Context::new("yingdun/log-key/v1").field(institution.as_str()).field(key.as_str()).field(origin)
}

/// The key of an epoch.
pub(crate) fn epoch(number: u64) -> Context {
    Context::new("yingdun/epoch/v1").number(number)
}

/// The key by which the key of an epoch is recognised.
pub(crate) fn epoch_proof(number: u64) -> Context {
    Context::new("yingdun/epoch-proof/v1").number(number)
}

/// A version of a key-encryption key.
pub(crate) fn kek(line: &KekLine, version: u32) -> Context {
    lined("yingdun/kek/v1", line, version)
}

/// A patient key.
pub(crate) fn patient_key(line: &KekLine, kek_version: u32, patient: PatientRef) -> Context {
    lined("yingdun/patient-key/v1", line, kek_version).field(patient.as_bytes())
}

/// A study key.
pub(crate) fn study_key(line: &KekLine, kek_version: u32, patient: PatientRef, study: StudyRef) -> Context {
    lined("yingdun/study-key/v1", line, kek_version).field(patient.as_bytes()).field(study.as_bytes())
}

fn lined(label: &'static str, line: &KekLine, version: u32) -> Context {
    Context::new(label)
        .field(line.institution.as_str())
        .field(line.grade.as_str())
        .field(&line.suite)
        .number(version.into())
}

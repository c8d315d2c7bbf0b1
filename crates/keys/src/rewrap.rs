//! After a rotation: keys wrapped under retired versions are wrapped again under the active one, batch by batch.
//! Image bytes are never touched. When no key is left under a retired version, that version opens nothing.

use crate::KeysError;
use crate::kek::{ActiveKek, KEK_USES_MAX};
use crate::place;
use crate::study::{StudyKeys, StudyPlace, wrap_study};
use yingdun_catalog::Statement;
use yingdun_catalog::keyring::patient_keys::{self, PatientKey};
use yingdun_catalog::keyring::{KekLine, keks, study_keys};

/// The most keys that one batch wraps again: it holds the writer of the database for some tens of milliseconds.
pub const REWRAP_KEYS_MAX: u32 = 1000;

impl StudyKeys {
    /// Wraps up to `keys_max` keys of a line again and returns how many; none when all are under the active
    /// version. Patient keys go first. One atomic transaction: a crash leaves a batch done or not begun.
    pub(crate) async fn rewrap(&self, line: &KekLine, keys_max: u32) -> Result<u32, KeysError> {
        // The version may have been rotated by another node a moment ago.
        self.keks.forget_active(line);
        let keys_max = keys_max.clamp(1, REWRAP_KEYS_MAX);
        let kek = self.keks.active(line).await?;
        let mut changes = self.rewrap_patients(line, &kek, keys_max).await?;
        if changes.is_empty() {
            changes = self.rewrap_studies(line, &kek, keys_max).await?;
        }
        let done = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        if done > 0 {
            changes.insert(0, keks::count_uses(line, kek.version, done, KEK_USES_MAX));
            self.database.execute(changes).await?;
        }
        Ok(done)
    }

    async fn rewrap_patients(
        &self,
        line: &KekLine,
        kek: &ActiveKek,
        keys_max: u32,
    ) -> Result<Vec<Statement>, KeysError> {
        let mut changes = Vec::new();
        for (patient, row) in patient_keys::older(&self.database, line, kek.version, keys_max).await? {
            let key = self.unwrap_patient(line, patient, &row).await?;
            let wrapped = kek.key.wrap(&place::patient_key(line, kek.version, patient), &key);
            let again = PatientKey { kek_version: kek.version, wrapped };
            changes.push(patient_keys::rewrap(line, patient, row.kek_version, &again));
        }
        Ok(changes)
    }

    async fn rewrap_studies(
        &self,
        line: &KekLine,
        kek: &ActiveKek,
        keys_max: u32,
    ) -> Result<Vec<Statement>, KeysError> {
        let mut changes = Vec::new();
        for (row, patient) in study_keys::older(&self.database, line, kek.version, keys_max).await? {
            let patient_key = self.unwrap_patient(line, row.patient, &patient).await?.into();
            let key = self.unwrap_study(&row, &patient_key).await?;
            let place = StudyPlace { line: line.clone(), patient: row.patient, study: row.study };
            changes.push(study_keys::rewrap(&wrap_study(&place, kek, &patient_key, &key), row.kek_version));
        }
        Ok(changes)
    }
}

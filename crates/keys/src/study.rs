//! Study keys: made once, durably, under patient key and key-encryption key together; opened from their row.

use crate::kek::{ActiveKek, KEK_USES_MAX, Keks, USES_PER_STUDY_MAX};
use crate::{KeysError, place};
use std::sync::Arc;
use std::time::Duration;
use yingdun_catalog::keyring::patient_keys::{self, PatientKey};
use yingdun_catalog::keyring::{KekLine, destructions, keks, study_keys};
use yingdun_catalog::{CatalogError, Database};
use yingdun_crypto::{SealingKey, Suite, WrappingKey};
use yingdun_model::{Clock, Grade, InstitutionId, PatientRef, StudyRef, Timestamp};

/// How often a key is tried to be made while others make the same one. One more attempt finds what they made.
const ATTEMPTS_MAX: u32 = 8;

/// The key of one study and the facts that its objects are sealed with. Wiped when dropped; keep it no longer
/// than its permit is valid.
pub struct StudyKey {
    key: SealingKey,
    institution: InstitutionId,
    study: StudyRef,
    patient: PatientRef,
    grade: Grade,
    made: Timestamp,
}

impl StudyKey {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SealingKey {
        &self.key
    }

    /// Whose study it is.
    #[must_use]
    pub const fn institution(&self) -> &InstitutionId {
        &self.institution
    }

    /// The study.
    #[must_use]
    pub const fn study(&self) -> StudyRef {
        self.study
    }

    /// The patient whose key it is wrapped under.
    #[must_use]
    pub const fn patient(&self) -> PatientRef {
        self.patient
    }

    /// The grade under which the study is protected; objects are sealed with it in their context.
    #[must_use]
    pub const fn grade(&self) -> Grade {
        self.grade
    }

    /// When the key was made. A study that comes again after it was destroyed has another one.
    #[must_use]
    pub const fn made(&self) -> Timestamp {
        self.made
    }

    /// What objects are sealed with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.key.suite()
    }
}

impl std::fmt::Debug for StudyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StudyKey({})", self.study)
    }
}

/// Where the key of a new study belongs.
pub(crate) struct StudyPlace {
    pub(crate) line: KekLine,
    pub(crate) patient: PatientRef,
    pub(crate) study: StudyRef,
}

/// The study keys of one database.
pub(crate) struct StudyKeys {
    pub(crate) database: Database,
    pub(crate) keks: Keks,
    pub(crate) clock: Arc<dyn Clock>,
}

impl StudyKeys {
    /// The key of a study, when there is one.
    pub(crate) async fn find(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<Option<StudyKey>, KeysError> {
        for _ in 1..ATTEMPTS_MAX {
            match self.find_now(institution, study).await {
                // Wrapped again, and the version above destroyed, between the looks at the two: the row says another
                // version by now.
                Err(KeysError::KekMissing { .. }) => {}
                found => return found,
            }
        }
        self.find_now(institution, study).await
    }

    async fn find_now(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<Option<StudyKey>, KeysError> {
        match study_keys::find(&self.database, institution, study).await? {
            Some((row, patient)) => self.unwrap_row(row, &patient).await.map(Some),
            None => Ok(None),
        }
    }

    /// The key of a study; made when there is none. A new key is durable before it is returned, and however many
    /// ask at the same time, all get the same one.
    pub(crate) async fn find_or_create(&self, place: &StudyPlace) -> Result<StudyKey, KeysError> {
        for attempt in 1..=ATTEMPTS_MAX {
            if let Some(found) = self.find(&place.line.institution, place.study).await? {
                return Ok(found);
            }
            match self.create(place).await {
                // Somebody made one of these keys, or rotated the key above them, since we looked.
                Err(KeysError::Database(
                    CatalogError::Constraint(_) | CatalogError::UnexpectedRows { .. },
                )) => self.keks.forget_active(&place.line),
                // The patient key was wrapped again since we looked, and the version above it destroyed.
                Err(KeysError::KekMissing { .. }) if attempt < ATTEMPTS_MAX => {}
                made => return made,
            }
        }
        Err(KeysError::Contended { attempts: ATTEMPTS_MAX })
    }

    /// Makes the key, and the patient key where there is none, in one transaction.
    async fn create(&self, place: &StudyPlace) -> Result<StudyKey, KeysError> {
        let StudyPlace { line, patient, study } = place;
        // What tells of a destroyed study goes first: else it would be taken for that of the new one.
        let tombstones = destructions::tombstones_of(&self.database, &line.institution, *study).await?;
        if tombstones.iter().any(|tombstone| !tombstone.cleared) {
            return Err(KeysError::BeingDestroyed);
        }
        let kek = self.keks.active(line).await?;
        // Another moment than that of any key of the study before, whatever the clocks of nodes say: keys are told apart by it.
        let before = tombstones.iter().map(|tombstone| tombstone.made.after(Duration::from_millis(1)));
        let now = before.fold(self.clock.now(), Ord::max);
        let (patient_key, new_patient): (WrappingKey, _) =
            match patient_keys::find(&self.database, line, *patient).await? {
                Some(row) => (self.unwrap_patient(line, *patient, &row).await?.into(), None),
                None => {
                    let key = SealingKey::generate_for(kek.key.suite());
                    let wrapped = kek.key.wrap(&place::patient_key(line, kek.version, *patient), &key);
                    let row = PatientKey { kek_version: kek.version, wrapped };
                    (key.into(), Some(patient_keys::insert(line, *patient, &row, now)))
                }
            };
        let key = SealingKey::generate_for(kek.key.suite());
        let row = wrap_study(place, &kek, &patient_key, &key, now);
        let uses = if new_patient.is_some() { USES_PER_STUDY_MAX } else { 1 };
        let mut statements = vec![keks::count_uses(line, kek.version, uses, KEK_USES_MAX)];
        statements.extend(new_patient);
        statements.push(study_keys::insert(&row));
        self.database.execute(statements).await?;
        Ok(study_key(key, row))
    }

    async fn unwrap_row(
        &self,
        row: study_keys::StudyKey,
        patient: &PatientKey,
    ) -> Result<StudyKey, KeysError> {
        let patient_key = self.unwrap_patient(&row.line, row.patient, patient).await?.into();
        let key = self.unwrap_study(&row, &patient_key).await?;
        Ok(study_key(key, row))
    }

    pub(crate) async fn unwrap_study(
        &self,
        row: &study_keys::StudyKey,
        patient_key: &WrappingKey,
    ) -> Result<SealingKey, KeysError> {
        let kek = self.keks.version(&row.line, row.kek_version).await?;
        let context = place::study_key(&row.line, row.kek_version, row.patient, row.study);
        WrappingKey::combine(&[patient_key, &kek], &context)
            .unwrap(&context, &row.wrapped)
            .map_err(|_| KeysError::Damaged { what: "study key" })
    }

    pub(crate) async fn unwrap_patient(
        &self,
        line: &KekLine,
        patient: PatientRef,
        row: &PatientKey,
    ) -> Result<SealingKey, KeysError> {
        let kek = self.keks.version(line, row.kek_version).await?;
        kek.unwrap(&place::patient_key(line, row.kek_version, patient), &row.wrapped)
            .map_err(|_| KeysError::Damaged { what: "patient key" })
    }
}

pub(crate) fn wrap_study(
    place: &StudyPlace,
    kek: &ActiveKek,
    patient_key: &WrappingKey,
    key: &SealingKey,
    made: Timestamp,
) -> study_keys::StudyKey {
    let StudyPlace { line, patient, study } = place;
    let context = place::study_key(line, kek.version, *patient, *study);
    let wrapped = WrappingKey::combine(&[patient_key, &kek.key], &context).wrap(&context, key);
    study_keys::StudyKey {
        line: line.clone(),
        study: *study,
        patient: *patient,
        kek_version: kek.version,
        wrapped,
        made,
    }
}

fn study_key(key: SealingKey, row: study_keys::StudyKey) -> StudyKey {
    let KekLine { institution, grade, .. } = row.line;
    StudyKey { key, institution, study: row.study, patient: row.patient, grade, made: row.made }
}

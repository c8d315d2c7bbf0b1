//! Unwrapping: the only two ways by which a study key leaves this room. Both demand a permit.

use crate::study::StudyPlace;
use crate::{KeyStore, KeysError, StudyKey};
use std::sync::atomic::Ordering;
use yingdun_access::Permit;
use yingdun_catalog::keyring::KekLine;
use yingdun_model::{Action, PatientRef};

impl KeyStore {
    /// The key under which new objects of a study are sealed; made when the study is new, durable before it is
    /// returned. Institution, study, patient and grade are those of the permit.
    ///
    /// A study that has a key keeps its patient, grade and suite, whatever a later image or [`Self::with_suites`] says:
    /// seal with those of the [`StudyKey`], not with those of the image.
    ///
    /// `new_of` is whose study it is by what came itself; none where no key may be made. The permit may stand on what was known of the study
    /// before, and that is over when its key was destroyed: a new one is made for the patient that came, and for nobody else.
    ///
    /// # Errors
    /// [`KeysError::WrongAction`] unless the permit is to store, or to mark key images where no key may be made, [`KeysError::PermitExpired`] and
    /// [`KeysError::PermitSpent`] as they say; [`KeysError::OtherFacts`] when the study has no key and the permit is about another patient than
    /// `new_of`, [`KeysError::NoKey`] when it has none and none may be made. A permit is spent even when the database then fails: ask for a new
    /// one, which is a new leaf.
    pub async fn study_key_for_store(
        &self,
        permit: &Permit,
        new_of: Option<PatientRef>,
    ) -> Result<StudyKey, KeysError> {
        // Who marks key images stores what the archive makes of it, into a study that has a key.
        let marks = permit.action() == Action::MarkKeyImages && new_of.is_none();
        if permit.action() != Action::Store && !marks {
            return Err(KeysError::WrongAction { expected: "store", came: permit.action() });
        }
        let grade = permit.grade().ok_or(KeysError::NoStudy)?;
        let suite = self.1.of(grade).as_str().to_owned();
        let place = StudyPlace {
            line: KekLine { institution: permit.institution().clone(), grade, suite },
            patient: permit.patient().ok_or(KeysError::NoStudy)?,
            study: permit.study().ok_or(KeysError::NoStudy)?,
        };
        self.spend(permit)?;
        let keys = &self.0.keys;
        let key = match new_of {
            Some(patient) if patient == place.patient => keys.find_or_create(&place).await?,
            other => {
                let none = if other.is_some() { KeysError::OtherFacts } else { KeysError::NoKey };
                keys.find(&place.line.institution, place.study).await?.ok_or(none)?
            }
        };
        Ok(self.count(key))
    }

    /// The key of a study that is to be opened.
    ///
    /// # Errors
    /// [`KeysError::WrongAction`] unless the permit is to view or to recover, [`KeysError::NoKey`] when there is
    /// none, [`KeysError::OtherFacts`] when patient or grade of the permit are not those of the key; a permit's
    /// errors as for [`Self::study_key_for_store`].
    pub async fn unwrap(&self, permit: &Permit) -> Result<StudyKey, KeysError> {
        if !matches!(permit.action(), Action::View | Action::Export | Action::Recover) {
            return Err(KeysError::WrongAction { expected: "view or recover", came: permit.action() });
        }
        let study = permit.study().ok_or(KeysError::NoStudy)?;
        self.spend(permit)?;
        let key = self.0.keys.find(permit.institution(), study).await?.ok_or(KeysError::NoKey)?;
        if permit.patient() != Some(key.patient()) || permit.grade() != Some(key.grade()) {
            return Err(KeysError::OtherFacts);
        }
        Ok(self.count(key))
    }

    /// How many study keys were given out since the store was opened. Never more than the access leaves written
    /// in that time (promise I1). The metric `yingdun_key_unwraps_total` counts the same.
    #[must_use]
    pub fn unwraps(&self) -> u64 {
        self.0.unwraps.load(Ordering::Acquire)
    }

    fn spend(&self, permit: &Permit) -> Result<(), KeysError> {
        if !permit.holds_at(self.0.keys.clock.now()) {
            return Err(KeysError::PermitExpired);
        }
        if permit.take_unwrap() { Ok(()) } else { Err(KeysError::PermitSpent) }
    }

    fn count(&self, key: StudyKey) -> StudyKey {
        self.0.unwraps.fetch_add(1, Ordering::AcqRel);
        metrics::counter!("yingdun_key_unwraps_total", "institution" => key.institution().to_string())
            .increment(1);
        key
    }
}

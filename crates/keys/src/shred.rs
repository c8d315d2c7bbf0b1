//! Destroying keys of studies, and keeping what is known of it. Who may, in which order and what else has to go is a matter of
//! `archive`; here is what the database of keys does, each call in one transaction.

use crate::{KeyStore, KeysError, StudyKey};
use yingdun_catalog::CatalogError;
use yingdun_catalog::keyring::destructions::{self, Destruction, KeyIdentity, Tombstone};
use yingdun_model::{Grade, InstitutionId, PatientRef, StudyRef};

impl KeyStore {
    /// What identifies the key of a study; nothing when there is none. Opens nothing.
    ///
    /// # Errors
    /// [`KeysError::Database`] when the row cannot be read; so for every call of this module.
    pub async fn key_of_study(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<Option<KeyIdentity>, KeysError> {
        Ok(destructions::key_of_study(&self.0.keys.database, institution, study).await?)
    }

    /// What identifies the keys of at most `limit` studies of a patient. Opens nothing.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn keys_of_patient(
        &self,
        institution: &InstitutionId,
        patient: PatientRef,
        limit: u32,
    ) -> Result<Vec<KeyIdentity>, KeysError> {
        Ok(destructions::keys_of_patient(&self.0.keys.database, institution, patient, limit).await?)
    }

    /// Whether a patient has the key of a study of another grade than `but`. Opens nothing.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn has_keys_but(
        &self,
        institution: &InstitutionId,
        patient: PatientRef,
        but: Grade,
    ) -> Result<bool, KeysError> {
        Ok(destructions::has_keys_but(&self.0.keys.database, institution, patient, but).await?)
    }

    /// Whether a key that was given out is still that of its study.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn still_stands(&self, key: &StudyKey) -> Result<bool, KeysError> {
        let now = self.key_of_study(key.institution(), key.study()).await?;
        Ok(now.is_some_and(|now| now.made == key.made()))
    }

    /// Deletes the keys of studies, and those of their patients under which none is left, and carries the destruction on, if it is
    /// still in the state `from`. For each a tombstone stays, and no new key is made for the study until [`Self::clear`].
    ///
    /// # Errors
    /// [`KeysError::DestructionState`] when it is not in that state.
    pub async fn shred(
        &self,
        institution: &InstitutionId,
        keys: &[KeyIdentity],
        from: &str,
        to: &Destruction,
    ) -> Result<(), KeysError> {
        let mut changes = vec![destructions::advance(institution, from, to)];
        changes.extend(keys.iter().flat_map(destructions::shred));
        self.execute_destruction(changes).await?;
        // What the log of the database holds of them goes with it, at the latest with its next own emptying.
        match self.0.keys.database.empty_write_ahead_log().await {
            Ok(()) | Err(CatalogError::Busy(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Says that nothing tells of these destroyed studies any more, and carries the destruction on.
    ///
    /// # Errors
    /// [`KeysError::DestructionState`] when it is not in the state `from`.
    pub async fn clear(
        &self,
        institution: &InstitutionId,
        keys: &[KeyIdentity],
        from: &str,
        to: &Destruction,
    ) -> Result<(), KeysError> {
        let mut changes = vec![destructions::advance(institution, from, to)];
        changes.extend(keys.iter().map(|key| destructions::clear(institution, key.study, key.made)));
        self.execute_destruction(changes).await
    }

    /// At most `limit` tombstones behind a study, in the order of studies.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn tombstones(
        &self,
        institution: &InstitutionId,
        behind: StudyRef,
        limit: u32,
    ) -> Result<Vec<Tombstone>, KeysError> {
        Ok(destructions::tombstones(&self.0.keys.database, institution, behind, limit).await?)
    }

    /// Whether this study was ever destroyed.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn was_destroyed(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
    ) -> Result<bool, KeysError> {
        let found = destructions::tombstones_of(&self.0.keys.database, institution, study).await?;
        Ok(!found.is_empty())
    }

    /// Keeps a new destruction.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn keep_destruction(
        &self,
        institution: &InstitutionId,
        destruction: &Destruction,
    ) -> Result<(), KeysError> {
        let insert = destructions::insert(institution, destruction, self.0.keys.clock.now());
        self.0.keys.database.execute(vec![insert]).await?;
        Ok(())
    }

    /// Carries a destruction on.
    ///
    /// # Errors
    /// [`KeysError::DestructionState`] when it is not in the state `from`.
    pub async fn advance_destruction(
        &self,
        institution: &InstitutionId,
        from: &str,
        to: &Destruction,
    ) -> Result<(), KeysError> {
        self.execute_destruction(vec![destructions::advance(institution, from, to)]).await
    }

    /// At most `limit` destructions, the newest first.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn destructions(
        &self,
        institution: &InstitutionId,
        limit: u32,
    ) -> Result<Vec<Destruction>, KeysError> {
        Ok(destructions::newest(&self.0.keys.database, institution, limit).await?)
    }

    /// One destruction.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn destruction(
        &self,
        institution: &InstitutionId,
        id: &str,
    ) -> Result<Option<Destruction>, KeysError> {
        Ok(destructions::find(&self.0.keys.database, institution, id).await?)
    }

    /// Every destruction that is in one of these states.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn destructions_in(
        &self,
        institution: &InstitutionId,
        states: [&str; 3],
    ) -> Result<Vec<Destruction>, KeysError> {
        Ok(destructions::in_states(&self.0.keys.database, institution, states).await?)
    }

    /// At most `limit` destructions in one of these states of which a store has not noted where their studies lie in its packs.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn destructions_not_noted(
        &self,
        institution: &InstitutionId,
        states: [&str; 2],
        store: &[u8; 16],
        limit: u32,
    ) -> Result<Vec<Destruction>, KeysError> {
        Ok(destructions::not_noted(&self.0.keys.database, institution, states, store, limit).await?)
    }

    /// Notes where the studies of a destruction lie in the packs of a store.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn note_remains(
        &self,
        institution: &InstitutionId,
        id: &str,
        store: &[u8; 16],
        record: &str,
    ) -> Result<(), KeysError> {
        let note = destructions::note_remains(institution, id, store, record);
        self.0.keys.database.execute(vec![note]).await?;
        Ok(())
    }

    /// What a store has noted: the names of destructions, and where their studies lie in its packs.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn remains(
        &self,
        institution: &InstitutionId,
        store: &[u8; 16],
    ) -> Result<Vec<(String, String)>, KeysError> {
        Ok(destructions::remains(&self.0.keys.database, institution, store).await?)
    }

    /// Up to which leaf of an audit log every destruction in it is known here.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn destruction_mark(&self, institution: &InstitutionId, log: &str) -> Result<u64, KeysError> {
        Ok(destructions::mark(&self.0.keys.database, institution, log).await?)
    }

    /// Says up to which leaf of an audit log every destruction in it is known here.
    ///
    /// # Errors
    /// As [`Self::key_of_study`].
    pub async fn set_destruction_mark(
        &self,
        institution: &InstitutionId,
        log: &str,
        leaf: u64,
    ) -> Result<(), KeysError> {
        self.0.keys.database.execute(vec![destructions::set_mark(institution, log, leaf)]).await?;
        Ok(())
    }

    async fn execute_destruction(&self, changes: Vec<yingdun_catalog::Statement>) -> Result<(), KeysError> {
        self.execute_expecting(changes, KeysError::DestructionState).await
    }

    /// Makes changes in one transaction; `otherwise` when a row was not what a change expects.
    pub(crate) async fn execute_expecting(
        &self,
        changes: Vec<yingdun_catalog::Statement>,
        otherwise: KeysError,
    ) -> Result<(), KeysError> {
        match self.0.keys.database.execute(changes).await {
            Ok(_) => Ok(()),
            Err(CatalogError::UnexpectedRows { .. }) => Err(otherwise),
            Err(error) => Err(error.into()),
        }
    }
}

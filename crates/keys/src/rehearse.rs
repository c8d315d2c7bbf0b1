//! Whether keys open, without giving any: for the rehearsal of a recovery.

use crate::{KeyStore, KeysError};
use yingdun_catalog::keyring::study_keys;
use yingdun_crypto::random;
use yingdun_model::{InstitutionId, StudyRef};

impl KeyStore {
    /// Opens the keys of at most `count` studies of an institution, chosen by chance, and forgets them. Gives how many opened. No key leaves
    /// this room, so no permit is needed.
    ///
    /// # Errors
    /// [`KeysError`] of the first that does not open.
    pub async fn opens_studies(&self, institution: &InstitutionId, count: u32) -> Result<u64, KeysError> {
        let database = &self.0.keys.database;
        // References are pseudonyms under a key: those behind a random one are as good as chosen one by one.
        let start = StudyRef::from_bytes(random::array());
        let mut studies = study_keys::behind(database, institution, start, count).await?;
        let left = count.saturating_sub(u32::try_from(studies.len()).unwrap_or(u32::MAX));
        studies.extend(study_keys::up_to(database, institution, start, left).await?);
        for study in &studies {
            self.0.keys.find(institution, *study).await?.ok_or(KeysError::NoKey)?;
        }
        Ok(studies.len() as u64)
    }
}

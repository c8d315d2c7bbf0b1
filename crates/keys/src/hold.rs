//! Legal holds, as the database of keys keeps them: beside the keys whose destruction they stand against, so that placing one and
//! approving a destruction are decided in transactions of one database. Who may is a matter of `archive`.

use crate::{KeyStore, KeysError};
use yingdun_catalog::keyring::destructions::{self, Destruction};
use yingdun_catalog::keyring::holds::{self, Held, LegalHold};
use yingdun_model::{InstitutionId, PatientRef, StudyRef, Timestamp};

impl KeyStore {
    /// The turn of holds and approvals. What is read after it still holds when [`Self::place_hold`] or
    /// [`Self::decide_destruction`] takes the next one.
    ///
    /// # Errors
    /// [`KeysError::Database`] when the row cannot be read; so for every call of this module.
    pub async fn destruction_turn(&self, institution: &InstitutionId) -> Result<u64, KeysError> {
        Ok(holds::turn(&self.0.keys.database, institution).await?)
    }

    /// Carries a destruction on that was asked for, if nobody placed a hold or decided of one since `turn`.
    ///
    /// # Errors
    /// [`KeysError::TurnTaken`] when somebody did, or when it is not in that state.
    pub async fn decide_destruction(
        &self,
        institution: &InstitutionId,
        turn: u64,
        from: &str,
        to: &Destruction,
    ) -> Result<(), KeysError> {
        let changes = vec![holds::take_turn(institution, turn), destructions::advance(institution, from, to)];
        self.execute_expecting(changes, KeysError::TurnTaken).await
    }

    /// Keeps a new hold, if nobody placed one or approved a destruction since `turn`.
    ///
    /// # Errors
    /// [`KeysError::TurnTaken`] when somebody did.
    pub async fn place_hold(
        &self,
        institution: &InstitutionId,
        turn: u64,
        hold: &LegalHold,
    ) -> Result<(), KeysError> {
        let changes = vec![holds::take_turn(institution, turn), holds::insert(institution, hold)];
        self.execute_expecting(changes, KeysError::TurnTaken).await
    }

    /// Carries a hold on.
    ///
    /// # Errors
    /// [`KeysError::HoldState`] when it is not in the state `from`.
    pub async fn advance_hold(
        &self,
        institution: &InstitutionId,
        from: &str,
        to: &LegalHold,
    ) -> Result<(), KeysError> {
        self.execute_expecting(vec![holds::advance(institution, from, to)], KeysError::HoldState).await
    }

    /// At most `limit` holds: those in force first, and of each the newest.
    ///
    /// # Errors
    /// As [`Self::destruction_turn`].
    pub async fn holds(&self, institution: &InstitutionId, limit: u32) -> Result<Vec<LegalHold>, KeysError> {
        Ok(holds::in_force_first(&self.0.keys.database, institution, limit).await?)
    }

    /// One hold.
    ///
    /// # Errors
    /// As [`Self::destruction_turn`].
    pub async fn hold(&self, institution: &InstitutionId, id: &str) -> Result<Option<LegalHold>, KeysError> {
        Ok(holds::find(&self.0.keys.database, institution, id).await?)
    }

    /// The oldest hold in force that stands against the destruction of a study of a patient.
    ///
    /// # Errors
    /// As [`Self::destruction_turn`].
    pub async fn hold_against(
        &self,
        institution: &InstitutionId,
        study: StudyRef,
        patient: PatientRef,
    ) -> Result<Option<LegalHold>, KeysError> {
        Ok(holds::against(&self.0.keys.database, institution, study, patient).await?)
    }

    /// Whether there is, or was, a hold on this that was placed at this moment.
    ///
    /// # Errors
    /// As [`Self::destruction_turn`].
    pub async fn hold_was_placed(
        &self,
        institution: &InstitutionId,
        held: Held,
        placed: Timestamp,
    ) -> Result<bool, KeysError> {
        Ok(holds::was_placed(&self.0.keys.database, institution, held, placed).await?)
    }
}

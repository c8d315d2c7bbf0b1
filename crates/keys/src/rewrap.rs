//! After a rotation: keys wrapped under retired versions are wrapped again under the active one, batch by batch.
//! Image bytes are never touched.
//!
//! ```text
//!  begin ─► running ─► batch, batch, … ─► nothing left ─► finish ─► done
//!              ▲ │ stop                       a batch and its count are one transaction, which fails
//!       resume │ ▼                            when the job was stopped or another process holds it
//!            stopped
//! ```
//!
//! What is left to do is told by the keys themselves, so a job goes on after a crash where the last batch ended, and
//! a study that is stored meanwhile takes no part in it. When no key is left under a retired version, that version can be
//! destroyed.

use crate::kek::{ActiveKek, KEK_USES_MAX};
use crate::place;
use crate::study::{StudyKeys, StudyPlace, wrap_study};
use crate::{KeyStore, KeysError};
use std::time::Duration;
use yingdun_catalog::keyring::keks::KekState;
use yingdun_catalog::keyring::patient_keys::{self, PatientKey};
use yingdun_catalog::keyring::rewrap_jobs::{self, RewrapJob, RewrapState};
use yingdun_catalog::keyring::{KekLine, keks, study_keys};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::random;
use yingdun_model::InstitutionId;

/// The most keys that one batch wraps again: it holds the writer of the database for some tens of milliseconds.
pub const REWRAP_KEYS_MAX: u32 = 1000;

/// How long nobody else takes a job over from a process that does not go on with it: longer than the slowest batch.
const HELD: Duration = Duration::from_secs(30);

/// What one turn at a job did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewrapTurn {
    /// No job runs, or another process works on it.
    Idle,
    /// So many keys were wrapped again.
    Wrapped(u32),
    /// Others changed the same keys or the job at the same time: nothing was done, take another turn.
    Lost,
    /// No key is left under a retired version: destroy those, and finish the job.
    NothingLeft,
}

/// What became of a wish to wrap keys again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewrapStart {
    /// A new job was begun for so many keys.
    Begun(u64),
    /// A job that was stopped goes on, with so many keys left.
    Resumed(u64),
}

/// A process that works on jobs. Another one takes over when it ends.
#[derive(Clone, Copy, Debug)]
pub struct RewrapWorker(rewrap_jobs::Holder);

impl RewrapWorker {
    /// A worker unlike all others.
    #[must_use]
    pub fn new() -> Self {
        Self(random::array())
    }
}

impl Default for RewrapWorker {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyStore {
    /// The newest job of an institution.
    ///
    /// # Errors
    /// [`KeysError::Database`] when it cannot be read.
    pub async fn rewrap_job(&self, institution: &InstitutionId) -> Result<Option<RewrapJob>, KeysError> {
        Ok(rewrap_jobs::find(&self.0.keys.database, institution).await?)
    }

    /// Begins to wrap the keys of an institution again, or goes on with what was stopped. The work is done by
    /// [`Self::rewrap_turn`]; it survives restarts.
    ///
    /// # Errors
    /// [`KeysError::RewrapState`] when a job runs already, [`KeysError::Database`] when it cannot be written.
    pub async fn begin_rewrap(&self, institution: &InstitutionId) -> Result<RewrapStart, KeysError> {
        let left = self.status(institution).await?.keys_left();
        let job = self.rewrap_job(institution).await?;
        let (statement, start) = match job.map(|job| job.state) {
            Some(RewrapState::Stopped) => (rewrap_jobs::resume(institution), RewrapStart::Resumed(left)),
            Some(RewrapState::Running | RewrapState::Done) | None => {
                (rewrap_jobs::begin(institution, left, self.0.keys.clock.now()), RewrapStart::Begun(left))
            }
        };
        self.change_job(statement, "running").await.map(|()| start)
    }

    /// Stops a job. When this returns, no further batch commits until it is begun again.
    ///
    /// # Errors
    /// [`KeysError::RewrapState`] when none runs, [`KeysError::Database`] when it cannot be written.
    pub async fn stop_rewrap(&self, institution: &InstitutionId) -> Result<(), KeysError> {
        self.change_job(rewrap_jobs::stop(institution), "not running").await
    }

    /// Wraps up to `keys_max` keys (at most [`REWRAP_KEYS_MAX`]) again, if a job runs. Reading and storing go on meanwhile; no study key
    /// leaves this room and no image is rewritten. One atomic transaction: a crash leaves a batch done or not begun.
    /// `worked` is the time that the turn before took, for the rate that the job shows.
    ///
    /// # Errors
    /// [`KeysError::Damaged`] when a key does not open, [`KeysError::KekExhausted`] when the active version has
    /// to be rotated first, [`KeysError::Database`] when the database fails.
    pub async fn rewrap_turn(
        &self,
        institution: &InstitutionId,
        worker: RewrapWorker,
        keys_max: u32,
        worked: Duration,
    ) -> Result<RewrapTurn, KeysError> {
        let keys = &self.0.keys;
        let keys_max = keys_max.clamp(1, REWRAP_KEYS_MAX);
        let now = keys.clock.now();
        match self.rewrap_job(institution).await? {
            Some(job) if job.state == RewrapState::Running => {
                if job.holder != worker.0 && job.held_until > now {
                    return Ok(RewrapTurn::Idle);
                }
            }
            Some(_) | None => return Ok(RewrapTurn::Idle),
        }
        let versions = keks::of_institution(&keys.database, institution).await?;
        for line in versions.into_iter().filter(|one| one.kek.state == KekState::Retired).map(|one| one.line)
        {
            let (version, mut changes) = keys.rewrap_batch(&line, keys_max).await?;
            if changes.is_empty() {
                continue;
            }
            let done = u32::try_from(changes.len()).unwrap_or(u32::MAX);
            let worked_ms = u64::try_from(worked.as_millis()).unwrap_or(u64::MAX);
            let held_until = now.after(HELD);
            changes.splice(
                ..0,
                [
                    rewrap_jobs::advance(institution, worker.0, done, worked_ms, now, held_until),
                    keks::count_uses(&line, version, done, KEK_USES_MAX),
                ],
            );
            return match keys.database.execute(changes).await {
                Ok(_) => {
                    metrics::counter!("yingdun_rewrap_keys_total").increment(done.into());
                    Ok(RewrapTurn::Wrapped(done))
                }
                Err(CatalogError::UnexpectedRows { .. }) => Ok(RewrapTurn::Lost),
                Err(error) => Err(error.into()),
            };
        }
        Ok(RewrapTurn::NothingLeft)
    }

    /// Ends a job of which nothing is left.
    ///
    /// # Errors
    /// [`KeysError::RewrapState`] when it does not run any more, [`KeysError::Database`] when it cannot be written.
    pub async fn finish_rewrap(
        &self,
        institution: &InstitutionId,
        worker: RewrapWorker,
    ) -> Result<(), KeysError> {
        let finish = rewrap_jobs::finish(institution, worker.0, self.0.keys.clock.now());
        self.change_job(finish, "not running").await
    }

    async fn change_job(&self, statement: Statement, otherwise: &'static str) -> Result<(), KeysError> {
        match self.0.keys.database.execute(vec![statement]).await {
            Ok(_) => Ok(()),
            Err(CatalogError::UnexpectedRows { .. }) => Err(KeysError::RewrapState { state: otherwise }),
            Err(error) => Err(error.into()),
        }
    }
}

impl StudyKeys {
    /// The active version of a line, and the changes that wrap up to `keys_max` keys again under it; none when
    /// all are. Patient keys go first.
    async fn rewrap_batch(&self, line: &KekLine, keys_max: u32) -> Result<(u32, Vec<Statement>), KeysError> {
        // The version may have been rotated by another process a moment ago.
        self.keks.forget_active(line);
        let kek = self.keks.active(line).await?;
        let mut changes = self.rewrap_patients(line, &kek, keys_max).await?;
        if changes.is_empty() {
            changes = self.rewrap_studies(line, &kek, keys_max).await?;
        }
        Ok((kek.version, changes))
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
            let again = wrap_study(&place, kek, &patient_key, &key, row.made);
            changes.push(study_keys::rewrap(&again, row.kek_version));
        }
        Ok(changes)
    }
}

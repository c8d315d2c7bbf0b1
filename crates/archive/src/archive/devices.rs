//! Jobs with devices, and what devices are told and asked.

use super::Archive;
use crate::availability::{self, AvailabilityTurn, ToldDevice};
use crate::elsewhere::SearchElsewhere;
use crate::error::{FindError, Unavailable};
use crate::jobs::{self, JobError, JobOrder, JobReport, RunningJob};
use std::collections::BTreeSet;
use yingdun_access::Session;
use yingdun_model::{InstitutionId, JobKind};

impl Archive {
    /// Those of the devices that are told of studies (PS3.4 annex R), of which there is something to tell now. Say of each how
    /// it went with [`Self::availability_told`] or [`Self::availability_not_told`].
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn availability_turns(
        &self,
        institution: &InstitutionId,
        wanted: &BTreeSet<ToldDevice>,
    ) -> Result<Vec<AvailabilityTurn>, Unavailable> {
        availability::turns(&self.core, institution, wanted).await
    }

    /// Says that a device was told of events up to one: it is not told of them again.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; it will be told again.
    pub async fn availability_told(&self, device: &ToldDevice, sequence: u64) -> Result<(), Unavailable> {
        availability::told(&self.core, device, sequence).await
    }

    /// Says that a device could not be told: it is tried again after a pause.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; it stays due.
    pub async fn availability_not_told(&self, turn: &AvailabilityTurn) -> Result<(), Unavailable> {
        availability::not_told(&self.core, turn).await
    }

    /// Begins a search in another archive. What it finds there is seen through [`SearchElsewhere::seen`] only.
    ///
    /// # Errors
    /// [`FindError`]; in particular when the session may not search.
    pub async fn search_elsewhere(&self, session: &Session) -> Result<SearchElsewhere, FindError> {
        SearchElsewhere::begin(&self.core, session).await
    }

    /// Begins a job with a device, of as many objects as are known by now. Its row is durable when this returns; whoever holds what
    /// is returned does the work. Whoever calls has opened each study for the asker, and let the device be called.
    ///
    /// # Errors
    /// [`JobError`]; nothing was begun.
    pub async fn begin_job(
        &self,
        session: &Session,
        kind: JobKind,
        order: JobOrder,
        total: u64,
    ) -> Result<RunningJob, JobError> {
        jobs::begin(&self.core, session, kind, order, total).await
    }

    /// The jobs of whoever asks, at whatever node they work or worked, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn jobs(&self, session: &Session) -> Result<Vec<JobReport>, Unavailable> {
        jobs::list(&self.core, session).await
    }

    /// A job of whoever asks, by its id in hexadecimal digits. That of somebody else is none.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn job(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        jobs::find(&self.core, session, id).await
    }

    /// Asks a job of whoever asks to end, at whatever node it works: it does within a second or two, behind the object that is on
    /// its way.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn cancel_job(&self, session: &Session, id: &str) -> Result<Option<JobReport>, Unavailable> {
        jobs::cancel(&self.core, session, id).await
    }

    /// Tells the jobs that work at this node to end, because it stops.
    pub fn stop_jobs(&self) {
        jobs::stop(&self.core);
    }
}

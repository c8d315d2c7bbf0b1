//! What is scheduled, and what modalities say that they have performed.

use super::Archive;
use crate::performed::{self, PerformedError, PerformedRequest, PerformedStep, SeriesArrival};
use crate::worklist::{self, WorklistElsewhere, WorklistEntry, WorklistError, WorklistRequest};
use serde_json::{Map, Value};
use yingdun_access::Session;
use yingdun_dicom::Tag;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_model::{AeTitle, PerformedStepRef, StepRef, Uid};

impl Archive {
    /// Enters a scheduled procedure step: attributes in the DICOM JSON model, with all that PS3.4 table K.6-1 demands.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn enter_step(
        &self,
        session: &Session,
        attributes: Map<String, Value>,
    ) -> Result<StepRef, WorklistError> {
        worklist::enter(&self.core, session, attributes).await
    }

    /// Describes a scheduled procedure step anew; one that was cancelled or discontinued is scheduled again.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn replace_step(
        &self,
        session: &Session,
        step: StepRef,
        attributes: Map<String, Value>,
    ) -> Result<(), WorklistError> {
        worklist::replace(&self.core, session, step, attributes).await
    }

    /// Cancels a scheduled procedure step: no modality is told of it any more.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn cancel_step(&self, session: &Session, step: StepRef) -> Result<(), WorklistError> {
        worklist::cancel(&self.core, session, step).await
    }

    /// Lists steps as they were entered, the earliest first.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn worklist(
        &self,
        session: &Session,
        request: &WorklistRequest,
    ) -> Result<Vec<WorklistEntry>, WorklistError> {
        worklist::list(&self.core, session, request).await
    }

    /// Answers a query of the Modality Worklist Information Model: the steps that wait or are begun and match, each with what was
    /// asked for, texts in UTF-8.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn find_steps(&self, session: &Session, asked: &Keys) -> Result<Vec<DataSet>, WorklistError> {
        worklist::find(&self.core, session, asked).await
    }

    /// Takes the report of a device that a procedure step begins (N-CREATE of PS3.4 §F.7.2.1). What it names of the
    /// worklist is started.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn begin_performed_step(
        &self,
        session: &Session,
        reporter: &AeTitle,
        instance: &Uid,
        report: &DataSet,
    ) -> Result<(), PerformedError> {
        performed::begin(&self.core, session, reporter, instance, report).await
    }

    /// Takes the report of a device that a procedure step changes or is over (N-SET of PS3.4 §F.7.2.2). Returns the
    /// attributes that were to be changed and cannot be: they stay as they were.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn change_performed_step(
        &self,
        session: &Session,
        reporter: &AeTitle,
        instance: &Uid,
        report: &DataSet,
    ) -> Result<Vec<Tag>, PerformedError> {
        performed::change(&self.core, session, reporter, instance, report).await
    }

    /// Lists performed procedure steps, the newest first, without their series.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_steps(
        &self,
        session: &Session,
        request: &PerformedRequest,
    ) -> Result<Vec<PerformedStep>, PerformedError> {
        performed::list(&self.core, session, request).await
    }

    /// A performed procedure step, and of each of its series how many of the instances have arrived.
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_step(
        &self,
        session: &Session,
        step: PerformedStepRef,
    ) -> Result<(PerformedStep, Vec<SeriesArrival>), PerformedError> {
        performed::read(&self.core, session, step).await
    }

    /// The attributes of a performed procedure step by its SOP Instance UID, texts in UTF-8 (N-GET of PS3.4 §F.8.2.1).
    ///
    /// # Errors
    /// [`PerformedError`].
    pub async fn performed_attributes(
        &self,
        session: &Session,
        instance: &Uid,
    ) -> Result<DataSet, PerformedError> {
        performed::attributes(&self.core, session, instance).await
    }

    /// Begins a question to the worklist of another system. What it tells is seen through [`WorklistElsewhere::seen`] only.
    ///
    /// # Errors
    /// [`WorklistError`].
    pub async fn worklist_elsewhere(&self, session: &Session) -> Result<WorklistElsewhere, WorklistError> {
        WorklistElsewhere::begin(&self.core, session).await
    }
}

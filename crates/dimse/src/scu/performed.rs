//! N-CREATE and N-SET of performed procedure steps: what a modality reports (PS3.4 §F.7).

use super::{Answer, Scu, ScuError};
use crate::PERFORMED_STEP;
use crate::association::{Proposals, ProposalsError};
use crate::message::{Operation, element};
use yingdun_dicom::data_set::DataSet;
use yingdun_model::Uid;

impl Proposals {
    /// What performed procedure steps are reported with: their SOP class in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub fn performed_step() -> Result<Self, ProposalsError> {
        Self::normalized(PERFORMED_STEP)
    }
}

impl Scu {
    /// N-CREATE: reports that a step begins. A status that is not success is an [`Answer`], not an error: the
    /// association goes on.
    ///
    /// # Errors
    /// [`ScuError::NoPerformedStep`] before anything is sent. Any other error ends the association.
    pub async fn begin_step(&mut self, instance: &Uid, attributes: &DataSet) -> Result<Answer, ScuError> {
        self.report_step(Operation::Create, element::AFFECTED_SOP_INSTANCE, instance, attributes).await
    }

    /// N-SET: reports that a step changes or is over.
    ///
    /// # Errors
    /// As [`Self::begin_step`].
    pub async fn change_step(&mut self, instance: &Uid, attributes: &DataSet) -> Result<Answer, ScuError> {
        self.report_step(Operation::SetAttributes, element::REQUESTED_SOP_INSTANCE, instance, attributes)
            .await
    }

    async fn report_step(
        &mut self,
        operation: Operation,
        named: u16,
        instance: &Uid,
        attributes: &DataSet,
    ) -> Result<Answer, ScuError> {
        let answer = self.normalized(PERFORMED_STEP, operation, named, instance, attributes).await?;
        answer.ok_or(ScuError::NoPerformedStep)
    }
}

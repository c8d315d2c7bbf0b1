//! N-CREATE and N-SET of performed procedure steps: what a modality reports (PS3.4 §F.7).

use super::retrieve::status_of;
use super::{Answer, Scu, ScuError};
use crate::association::{Proposals, ProposalsError};
use crate::message::{Command, Operation, element};
use crate::{IMPLICIT_LITTLE_ENDIAN, PERFORMED_STEP};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::transfer_syntax::{self, EXPLICIT_VR_LITTLE_ENDIAN};
use yingdun_dicom::write;
use yingdun_model::Uid;

impl Proposals {
    /// What performed procedure steps are reported with: their SOP class in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub fn performed_step() -> Result<Self, ProposalsError> {
        let mut proposals = Self::new();
        for syntax in [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN] {
            if let (Ok(class), Ok(syntax)) = (Uid::new(PERFORMED_STEP), Uid::new(syntax)) {
                proposals.add(class, syntax)?;
            }
        }
        Ok(proposals)
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
        let contexts = self.association.contexts().iter();
        let mut fitting = contexts.filter(|context| context.abstract_syntax.as_str() == PERFORMED_STEP);
        let context = fitting.next().ok_or(ScuError::NoPerformedStep)?.clone();
        let request = Command::request(operation, self.next_message_id(), &context.abstract_syntax)
            .with_uid(named, instance)
            .with_data_set();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        let attributes = write::data_set(attributes, encoding);
        self.association.send_message(context.id, &request.encode(), &attributes).await?;
        // A peer may tell the attributes as it keeps them.
        let (response, _) = self.response(context.id, &request, operation).await?;
        Ok(Answer { status: status_of(&response, &request)?, comment: response.error_comment() })
    }
}

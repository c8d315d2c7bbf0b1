//! N-EVENT-REPORT on an association of ours: tells a peer what became of its storage commitment (PS3.4 §J.3.3).

use super::{Answer, Scu, ScuError};
use crate::IMPLICIT_LITTLE_ENDIAN;
use crate::association::{Proposals, ProposalsError};
use crate::commitment::{Outcome, STORAGE_COMMITMENT};
use crate::message::Operation;
use crate::scp::report_command;
use yingdun_dicom::{transfer_syntax, write};
use yingdun_model::Uid;

impl Proposals {
    /// Storage commitment, in which whoever calls is the provider (PS3.4 §J.3.1, PS3.7 §D.3.3.4).
    ///
    /// # Errors
    /// [`ProposalsError`] never, as one proposal always fits.
    pub fn commitment_report() -> Result<Self, ProposalsError> {
        let mut proposals = Self::new();
        if let (Ok(class), Ok(syntax)) = (Uid::new(STORAGE_COMMITMENT), Uid::new(IMPLICIT_LITTLE_ENDIAN)) {
            proposals.provide(class.clone());
            proposals.add(class, syntax)?;
        }
        Ok(proposals)
    }
}

impl Scu {
    /// N-EVENT-REPORT: tells the outcome of a transaction.
    ///
    /// # Errors
    /// [`ScuError::NotAccepted`] when the peer did not agree to storage commitment; any other error ends the
    /// association.
    pub async fn report_commitment(&mut self, outcome: &Outcome) -> Result<Answer, ScuError> {
        let contexts = self.association.contexts().iter();
        let mut fitting = contexts.filter(|context| context.abstract_syntax.as_str() == STORAGE_COMMITMENT);
        let context = fitting.next().ok_or(ScuError::NoCommitment)?.clone();
        let message_id = self.next_message_id();
        let command = report_command(message_id, outcome).ok_or(ScuError::NoCommitment)?;
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        let data_set = write::data_set(&outcome.write(), encoding);
        self.association.send_message(context.id, &command.encode(), &data_set).await?;
        self.answer(Operation::EventReport, message_id).await
    }
}

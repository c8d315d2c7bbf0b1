//! Operations on SOP instances that a peer keeps (PS3.7 §10): N-CREATE and N-SET, of whatever class.

use super::retrieve::status_of;
use super::{Answer, Scu, ScuError};
use crate::IMPLICIT_LITTLE_ENDIAN;
use crate::association::{Proposals, ProposalsError};
use crate::availability::{INSTANCE_AVAILABILITY, Notification};
use crate::message::{Command, Operation, element};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::transfer_syntax::{self, EXPLICIT_VR_LITTLE_ENDIAN};
use yingdun_dicom::write;
use yingdun_model::{AeTitle, Uid};

impl Proposals {
    /// A class of a normalized service in both native little-endian syntaxes.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub(super) fn normalized(class: &str) -> Result<Self, ProposalsError> {
        let mut proposals = Self::new();
        for syntax in [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN] {
            if let (Ok(class), Ok(syntax)) = (Uid::new(class), Uid::new(syntax)) {
                proposals.add(class, syntax)?;
            }
        }
        Ok(proposals)
    }

    /// What the availability of instances is told with.
    ///
    /// # Errors
    /// [`ProposalsError`] never, as two proposals always fit.
    pub fn availability() -> Result<Self, ProposalsError> {
        Self::normalized(INSTANCE_AVAILABILITY)
    }
}

impl Scu {
    /// N-CREATE: tells which instances can be retrieved (PS3.4 §R.3.2.1), and under which title. A status that is not success
    /// is an [`Answer`], not an error: the association goes on.
    ///
    /// # Errors
    /// [`ScuError::NoAvailability`] before anything is sent. Any other error ends the association.
    pub async fn tell_availability(
        &mut self,
        notification: &Notification,
        retrieve: &AeTitle,
    ) -> Result<Answer, ScuError> {
        let number = u128::from_be_bytes(yingdun_crypto::random::array());
        // A UID of its own, derived from a random number (PS3.5 §B.2).
        let instance = Uid::new(&format!("2.25.{number}")).map_err(|_| ScuError::NoAvailability)?;
        let attributes = notification.write(retrieve);
        let named = element::AFFECTED_SOP_INSTANCE;
        let answer =
            self.normalized(INSTANCE_AVAILABILITY, Operation::Create, named, &instance, &attributes).await?;
        answer.ok_or(ScuError::NoAvailability)
    }

    /// An operation on an instance, which is named in an element of the command. Nothing where the peer did not agree to the
    /// class.
    pub(super) async fn normalized(
        &mut self,
        class: &str,
        operation: Operation,
        named: u16,
        instance: &Uid,
        attributes: &DataSet,
    ) -> Result<Option<Answer>, ScuError> {
        let mut contexts = self.association.contexts().iter();
        let fitting = contexts.find(|context| context.abstract_syntax.as_str() == class);
        let Some(context) = fitting.cloned() else { return Ok(None) };
        let request = Command::request(operation, self.next_message_id(), &context.abstract_syntax)
            .with_uid(named, instance)
            .with_data_set();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        let attributes = write::data_set(attributes, encoding);
        self.association.send_message(context.id, &request.encode(), &attributes).await?;
        // A peer may tell the attributes as it keeps them.
        let (response, _) = self.response(context.id, &request, operation).await?;
        Ok(Some(Answer { status: status_of(&response, &request)?, comment: response.error_comment() }))
    }
}

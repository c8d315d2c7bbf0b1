//! C-FIND on the modality worklist (PS3.4 annex K): one response per scheduled step.

use super::conversation::Conversation;
use super::habits::{answered_in, as_meant};
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, Status};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::{charset, tags, transfer_syntax, write};

/// UID of the Modality Worklist Information Model – FIND (PS3.4 table K.6.1.3-1).
pub(crate) const MODALITY_WORKLIST: &str = "1.2.840.10008.5.1.4.31";

/// Longest identifier, in bytes: the longest of real modalities have two.
const IDENTIFIER_BYTES_MAX: usize = 64 * 1024;

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Answers a query, in the character set of whoever asks.
    pub(super) async fn worklist(
        &mut self,
        context: &Context,
        command: &Command,
    ) -> Result<(), MessageError> {
        let elements_max = Limits::message().elements_max;
        let identifier = match self.data_set(context, command, IDENTIFIER_BYTES_MAX, elements_max).await? {
            Ok(identifier) => as_meant(identifier, self.habits),
            Err(failure) => {
                let failure = Failure::new(FailureKind::CannotUnderstand, failure.comment);
                return self.conclude(context, command, Err(failure)).await;
            }
        };
        let steps = match self.steps(&identifier).await {
            Ok(steps) => steps,
            Err(failure) => return self.conclude(context, command, Err(failure)).await,
        };
        let pending = command.response(Status::PENDING, None).with_data_set().encode();
        let encoding = transfer_syntax::lookup(&context.transfer_syntax).encoding;
        for step in steps {
            if self.is_cancelled(command).await? {
                return self.answer(context, command, Status::CANCELLED, None).await;
            }
            let declared = identifier.bytes(tags::SPECIFIC_CHARACTER_SET);
            let step = charset::from_utf8(&step, answered_in(self.habits, declared));
            self.association.send_message(context.id, &pending, &write::data_set(&step, encoding)).await?;
            self.counts.found += 1;
        }
        self.conclude(context, command, Ok(())).await
    }

    async fn steps(&self, identifier: &DataSet) -> Result<Vec<DataSet>, Failure> {
        let keys = Keys::read(identifier)
            .map_err(|error| Failure::new(FailureKind::Mismatch, format!("identifier: {error}")))?;
        self.service.worklist(self.session, keys).await
    }
}

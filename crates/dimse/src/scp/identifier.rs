//! Reading what a query or retrieval asks, and checking it against its context.

use super::conversation::Conversation;
use super::habits::as_meant;
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, element};
use crate::query::{Identifier, Root};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::limits::Limits;

/// Longest identifier, in bytes: one with a thousand UIDs has 65 KB. As [`Limits::message`].
const IDENTIFIER_BYTES_MAX: usize = 1024 * 1024;

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// Reads the identifier of a request. The outer error ends the association, the inner one is answered.
    pub(super) async fn identifier(
        &mut self,
        context: &Context,
        command: &Command,
        root: Root,
    ) -> Result<Result<Identifier, Failure>, MessageError> {
        let elements_max = Limits::message().elements_max;
        let read = self.data_set(context, command, IDENTIFIER_BYTES_MAX, elements_max).await?;
        let set = match read {
            Ok(set) => set,
            Err(failure) => return Ok(Err(Failure::new(FailureKind::CannotUnderstand, failure.comment))),
        };
        if command.uid(element::AFFECTED_SOP_CLASS).as_ref() != Some(&context.abstract_syntax) {
            let comment = "SOP class is not the one of its presentation context";
            return Ok(Err(Failure::new(FailureKind::SopClassNotSupported, comment)));
        }
        Ok(Identifier::of(as_meant(set, self.habits), root))
    }
}

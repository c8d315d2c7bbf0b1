//! Data sets that are read whole, because they are a question and not an object: bounded in bytes and elements.

use super::conversation::Conversation;
use super::service::{Failure, FailureKind, Service};
use crate::association::Context;
use crate::message::{Command, MessageError, read_data};
use tokio::io::{AsyncRead, AsyncWrite};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::{scan, transfer_syntax};

impl<S: Service, T: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S, T> {
    /// The data set of a request. The outer error ends the association, the inner one is the request's own: all of
    /// its data set has been read then.
    pub(super) async fn data_set(
        &mut self,
        context: &Context,
        command: &Command,
        bytes_max: usize,
        elements_max: usize,
    ) -> Result<Result<DataSet, Failure>, MessageError> {
        if !command.has_data_set() {
            return Ok(Err(Failure::new(FailureKind::InvalidArgument, "the request has no data set")));
        }
        let mut whole = Vec::new();
        loop {
            let (bytes, last) = read_data(&mut self.association, context.id).await?;
            self.count_bytes(bytes.len());
            if whole.len() + bytes.len() > bytes_max {
                if !last {
                    self.discard(context, command, whole.len() as u64).await?;
                }
                let comment = format!("the data set has more than {bytes_max} bytes");
                return Ok(Err(Failure::new(FailureKind::ResourceLimitation, comment)));
            }
            whole.extend_from_slice(&bytes);
            if last {
                break;
            }
        }
        let limits = Limits { elements_max, kept_bytes_max: bytes_max, ..Limits::message() };
        let scanned = scan::scan(&whole, transfer_syntax::lookup(&context.transfer_syntax), limits);
        Ok(scanned.map(|scanned| scanned.data_set).map_err(|error| {
            Failure::new(FailureKind::InvalidArgument, format!("the data set cannot be read: {error}"))
        }))
    }
}

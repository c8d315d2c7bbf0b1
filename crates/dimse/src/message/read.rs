//! Putting messages together again from fragments.

use super::{COMMAND_BYTES_MAX, Command, CommandError};
use crate::association::{Association, AssociationError, Received};
use crate::pdu::{AbortSource, Pdv};
use bytes::{Bytes, BytesMut};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Why the next message could not be read. Each of these ends the association.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The association failed.
    #[error(transparent)]
    Association(#[from] AssociationError),
    /// The command set is illegal.
    #[error("illegal command set: {0}")]
    Command(#[from] CommandError),
    /// The command set is too long.
    #[error("a command set has at most {COMMAND_BYTES_MAX} bytes")]
    CommandTooLong,
    /// Fragments of two messages are mixed.
    #[error("expected {expected} in presentation context {context}, got another fragment")]
    Interleaved {
        /// What had to come.
        expected: &'static str,
        /// In which context.
        context: u8,
    },
    /// The peer wants to release in the middle of a message.
    #[error("the peer wants to release in the middle of a message")]
    ReleaseInside,
}

impl MessageError {
    /// What to tell the peer in an A-ABORT; `None` when nobody is there to be told.
    #[must_use]
    pub const fn abort_source(&self) -> Option<AbortSource> {
        match self {
            Self::Association(error) => error.abort_source(),
            Self::Command(_) | Self::CommandTooLong | Self::Interleaved { .. } => {
                Some(AbortSource::InvalidParameter)
            }
            Self::ReleaseInside => Some(AbortSource::UnexpectedPdu),
        }
    }
}

/// Reads the rest of a command set whose first fragment is `first`. Returns its context and the command.
///
/// # Errors
/// [`MessageError`]; the association must be aborted.
pub async fn read_command<S: AsyncRead + AsyncWrite + Unpin>(
    association: &mut Association<S>,
    first: Pdv,
) -> Result<(u8, Command), MessageError> {
    let context = first.context_id;
    association.context(context)?;
    let wait = association.timeouts().unit;
    let mut fragment = first;
    let mut command = BytesMut::new();
    loop {
        if !fragment.is_command || fragment.context_id != context {
            return Err(MessageError::Interleaved { expected: "a command fragment", context });
        }
        if command.len() + fragment.data.len() > COMMAND_BYTES_MAX {
            return Err(MessageError::CommandTooLong);
        }
        command.extend_from_slice(&fragment.data);
        if fragment.is_last {
            return Ok((context, Command::decode(command.freeze())?));
        }
        fragment = next_fragment(association, wait).await?;
    }
}

/// Reads the next fragment of the data set in `context`: its bytes, and whether it is the last.
///
/// # Errors
/// [`MessageError`]; the association must be aborted.
pub async fn read_data<S: AsyncRead + AsyncWrite + Unpin>(
    association: &mut Association<S>,
    context: u8,
) -> Result<(Bytes, bool), MessageError> {
    let wait = association.timeouts().unit;
    let fragment = next_fragment(association, wait).await?;
    if fragment.is_command || fragment.context_id != context {
        return Err(MessageError::Interleaved { expected: "a data set fragment", context });
    }
    Ok((fragment.data, fragment.is_last))
}

async fn next_fragment<S: AsyncRead + AsyncWrite + Unpin>(
    association: &mut Association<S>,
    wait: Duration,
) -> Result<Pdv, MessageError> {
    match association.receive(wait).await? {
        Received::Fragment(fragment) => Ok(fragment),
        Received::Release => Err(MessageError::ReleaseInside),
    }
}

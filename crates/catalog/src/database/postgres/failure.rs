//! Why a statement failed, and whether it may be tried again.

use crate::CatalogError;
use std::error::Error as StdError;
use std::io;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a statement or transaction failed. Before its commit was sent, nothing was changed in any of the three.
pub(super) enum Failure {
    /// The server ended one of two that stood in each other's way: it may be tried again at once.
    Conflict(CatalogError),
    /// The connection ended, or leads to a server that takes no writes (any more): it may be tried again on another one.
    Lost(CatalogError),
    /// Trying again gives the same.
    Final(CatalogError),
}

impl Failure {
    pub(super) fn into_error(self) -> CatalogError {
        match self {
            Self::Conflict(error) | Self::Lost(error) | Self::Final(error) => error,
        }
    }

    /// What it means when it came as the answer to a commit: a connection that ends there leaves open whether the server
    /// had done it.
    pub(super) fn at_commit(self) -> Self {
        match self {
            Self::Lost(CatalogError::Unavailable(why)) => Self::Final(CatalogError::Unconfirmed(why)),
            other => other,
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Final(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(server) = error.as_db_error() else {
            let is_lost = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
            let error = error_of(error);
            return if is_lost { Self::Lost(error) } else { Self::Final(error) };
        };
        let conflict =
            [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(server.code());
        if conflict {
            Self::Conflict(error_of(error))
        } else if ends_the_session(server) {
            Self::Lost(CatalogError::Unavailable(text_of(server)))
        } else {
            Self::Final(error_of(error))
        }
    }
}

/// What an error of the server or the connection means to a caller. Only the primary message is kept: the detail
/// of a PostgreSQL error quotes values.
pub(super) fn error_of(error: tokio_postgres::Error) -> CatalogError {
    let Some(server) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return CatalogError::Unavailable(format!("{error}{cause}"));
    };
    let code = server.code();
    let text = text_of(server);
    match code.code().get(..2).unwrap_or_default() {
        _ if *code == SqlState::DISK_FULL => CatalogError::DiskFull(text),
        _ if *code == SqlState::QUERY_CANCELED => {
            CatalogError::Busy("the statement ran over its time limit".to_owned())
        }
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => CatalogError::Unavailable(text),
        "23" => CatalogError::Constraint(text),
        "40" | "53" | "55" => CatalogError::Busy(text),
        "08" | "57" | "58" | "28" | "3D" => CatalogError::Unavailable(text),
        "XX" => CatalogError::Corrupt(text),
        _ => CatalogError::Misuse(text),
    }
}

// === helpers ===

/// Whether the session is of no use after this error: it is over, or it stands at a server that became a standby.
fn ends_the_session(error: &DbError) -> bool {
    let is_fatal = matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    is_fatal || *error.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

fn text_of(error: &DbError) -> String {
    format!("{} (SQLSTATE {})", error.message(), error.code().code())
}

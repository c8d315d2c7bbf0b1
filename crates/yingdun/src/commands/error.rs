//! Why a command failed, for a person at a terminal.

use crate::installation::InstallError;
use std::path::PathBuf;
use std::process::ExitCode;
use yingdun_transfer::TransferError;

/// One sentence that says what was expected and what came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// Time-stamps beside a log cannot be read, or the certificate of their authority not be used.
    #[error(transparent)]
    TimeStamps(#[from] yingdun_timestamp::TimeStampError),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error(transparent)]
    Start(#[from] crate::wiring::StartError),
    #[error(transparent)]
    Pki(#[from] crate::pki::PkiError),
    #[error(transparent)]
    LogLevel(#[from] crate::process::logging::LogLevelError),
    #[error(transparent)]
    Admin(#[from] super::admin::AdminClientError),
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error(transparent)]
    Vault(#[from] yingdun_vault::VaultError),
    #[error(transparent)]
    Witness(#[from] yingdun_witness::WitnessError),
    #[error(transparent)]
    Ask(#[from] yingdun_witness::AskError),
    #[error(transparent)]
    Scu(#[from] yingdun_dimse::scu::ScuError),
    #[error(transparent)]
    Tls(#[from] yingdun_dimse::tls::TlsError),
    #[error(transparent)]
    KeysBackup(#[from] yingdun_keys::BackupError),
    #[error(transparent)]
    Verify(#[from] yingdun_audit::verify::VerifyError),
    #[error(transparent)]
    Audit(#[from] yingdun_audit::AuditError),
    #[error(transparent)]
    Restore(#[from] yingdun_storage::RestoreError),
    #[error("the demonstration cannot go on: {0}")]
    Demo(#[from] crate::demo::DemoError),
    #[error("`{}` cannot be used: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("`{}` holds no public key of an audit log (C2SP vkey): {cause}", path.display())]
    PublicKey { path: PathBuf, cause: yingdun_crypto::sign::NoteError },
    #[error(transparent)]
    WitnessPolicy(#[from] crate::config::PolicyFileError),
    /// An evidence bundle cannot be made.
    #[error("{0}")]
    Evidence(String),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl CommandError {
    /// 2 when the command was asked wrongly, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_)
            | Self::Install(InstallError::Contradiction(_))
            | Self::Transfer(TransferError::JournalThere { .. } | TransferError::JournalWrong { .. }) => {
                ExitCode::from(2)
            }
            _ => ExitCode::FAILURE,
        }
    }
}

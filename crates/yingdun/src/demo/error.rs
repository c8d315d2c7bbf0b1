//! Why a stage failed or the demonstration could not be set up.

/// What did not work, or what was claimed and is not so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Install(#[from] crate::installation::InstallError),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Start(#[from] crate::wiring::StartError),
    #[error(transparent)]
    Pki(#[from] crate::pki::PkiError),
    #[error(transparent)]
    Admin(#[from] yingdun_access::AdminError),
    #[error(transparent)]
    SignIn(#[from] yingdun_access::SignInError),
    #[error(transparent)]
    Scu(#[from] yingdun_dimse::scu::ScuError),
    #[error(transparent)]
    Tls(#[from] yingdun_dimse::tls::TlsError),
    #[error("HTTPS: {0}")]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Audit(#[from] yingdun_audit::AuditError),
    #[error(transparent)]
    Verify(#[from] yingdun_audit::verify::VerifyError),
    #[error("{0}")]
    Unavailable(yingdun_archive::Unavailable),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Something that a stage claims is not so.
    #[error("{0}")]
    NotSo(String),
}

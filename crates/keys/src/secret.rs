//! The secrets of an institution beside its study keys.

/// What a secret of an institution is for. Each is made at random when it is first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretName {
    /// Makes pseudonyms and search tokens (HMAC-SHA-256). Losing it loses every reference.
    Token,
    /// Seals what names a person in the catalogue.
    Index,
    /// Seals the personal detail beside audit leaves.
    AuditDetail,
    /// The Ed25519 seed that signs checkpoints of the audit log that the institution began with.
    LogSigning,
    /// The SM2 private key that signs checkpoints of the SM3 tree of that log.
    LogSigningSm2,
    /// Seals what names a person among the accounts.
    Identity,
    /// Makes and finds the marks in rendered pictures. Losing it loses what found pictures lead to.
    Watermark,
}

impl SecretName {
    /// Every name.
    pub const ALL: [Self; 7] = [
        Self::Token,
        Self::Index,
        Self::AuditDetail,
        Self::LogSigning,
        Self::LogSigningSm2,
        Self::Identity,
        Self::Watermark,
    ];

    /// The word under which the secret is kept and bound into its wrap.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Index => "index",
            Self::AuditDetail => "audit-detail",
            Self::LogSigning => "log-signing",
            Self::LogSigningSm2 => "log-signing-sm2",
            Self::Identity => "identity",
            Self::Watermark => "watermark",
        }
    }
}

//! Words for what a service client is known by beside its secret.

use crate::cli::AdminArgs;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// List the certificates, keys and external tokens by which a service client is known
    List {
        client_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Register a certificate, or with --by-key its key, so that renewed certificates are known too; its scopes have to be granted anew
    Certificate {
        client_id: String,
        /// The certificate in PEM
        file: PathBuf,
        /// Know the key, in whatever certificate
        #[arg(long)]
        by_key: bool,
        /// For how many days, at most as long as the certificate lasts
        #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Register a public key by which its signed requests are verified; its scopes have to be granted anew
    SignatureKey {
        client_id: String,
        /// The public key in PEM, Ed25519 or P-256
        file: PathBuf,
        /// For how many days
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Register what another issuer (identity.token_issuers) calls it in its access tokens; its scopes have to be granted anew
    ExternalToken {
        client_id: String,
        /// The issuer, exactly as its tokens name it (iss)
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// The program as that issuer calls it (client_id)
        #[arg(long, value_name = "ID")]
        issuer_client: String,
        /// For whom its tokens say that it acts (sub), where that is another name than the program's
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// For how many days
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a certificate, key or external token away, and end what rests on it
    Remove {
        client_id: String,
        /// certificate, certificate-key, signature-key or external-token, as `list` says
        kind: String,
        /// SHA-256, as `list` says
        sha256: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

//! Words that say which archive is meant and who asks.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// As whom images are moved. A token lasts hours at most; who names a service client gets new ones for as long as it takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct IdentityArgs {
    /// A service client with the scopes that the transfer needs
    #[arg(long, value_name = "ID", requires = "client_secret_file")]
    pub(crate) client_id: Option<String>,
    /// A file with its secret
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// A file with a token; read again when the token ends
    #[arg(long, value_name = "FILE", conflicts_with = "client_id")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself, from the environment only, so that it does not stand in lists of processes
    #[arg(long, env = "YINGDUN_TOKEN", hide = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
}

/// How we reach the administration of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server, as in `https://archive.example:8443`
    #[arg(long, value_name = "URL", env = "YINGDUN_SERVER")]
    pub(crate) server: String,
    /// The authority of the server's certificate; the authorities of the system when absent
    #[arg(long, value_name = "FILE", env = "YINGDUN_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// As whom we administrate.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// A file with the token that `yingdun login` wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token itself, from the environment only, so that it does not stand in lists of processes
    #[arg(long, env = "YINGDUN_TOKEN", hide = true, hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Login name
    pub(crate) name: String,
    /// A file with the password; read from standard input when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The role to act in; may be left out by who holds one only
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// A file with a code of the second factor, for an account that has one; asked for at the terminal when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) code_file: Option<PathBuf>,
    /// Where to keep the token (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// A file with the present password
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
    /// A file with the new password; read from standard input when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// A code of the second factor.
#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// A file with a code of the app, or a recovery code; read from standard input when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) code_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecondFactorCommand {
    /// Say how the own second factor stands, and what this session is worth
    Status {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make a secret for an authenticator app and show it once; it counts from its first code on
    Enrol {
        /// A file with the present password; read from standard input when absent
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Confirm it by its first code, and show ten recovery codes once
    Confirm(CodeArgs),
    /// Prove it: finishes a sign-in, and opens what is sensitive for a while
    Prove(CodeArgs),
    /// Put ten new recovery codes in the place of those that are left
    RecoveryCodes(CodeArgs),
    /// Remove it
    Remove(CodeArgs),
    /// Reset that of somebody who lost it (security administrator); every session of that person ends
    Reset {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the own sessions, or those of a person (system administrator)
    List {
        name: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End one of the own sessions, or of a person's (system administrator)
    End {
        /// By what the list names it
        session: String,
        /// Whose session; one's own when absent
        #[arg(long = "of", value_name = "NAME")]
        of: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

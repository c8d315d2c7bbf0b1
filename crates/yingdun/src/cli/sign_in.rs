//! Words that say which archive is meant and who asks.

use clap::Args;
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

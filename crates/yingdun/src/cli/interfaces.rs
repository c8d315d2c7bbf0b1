//! Words for the list of interfaces.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct InterfacesArgs {
    #[command(flatten)]
    pub(crate) config: super::ConfigArgs,
    /// Show how each door speaks TLS instead: versions, suites, certificate, whether callers have to show one
    #[arg(long)]
    pub(crate) tls: bool,
}

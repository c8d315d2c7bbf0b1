//! Words for maintenance sessions of vendors.

use crate::cli::AdminArgs;
use clap::Subcommand;
use yingdun_model::MaintenanceScope;

#[derive(Debug, Subcommand)]
pub(crate) enum MaintenanceCommand {
    /// Open a session for a vendor, for 8 hours at most: it waits for a security administrator (system administrator)
    Open {
        /// Login name of an account that has the role `vendor`, and no other
        name: String,
        /// What it opens: `health`, `metrics` or `configuration`; may be said several times
        #[arg(long = "scope", required = true)]
        scopes: Vec<MaintenanceScope>,
        /// Why, and under which ticket, in words; kept sealed
        #[arg(long)]
        reason: String,
        /// When it begins, in milliseconds since 1970, within 7 days; now unless something else is said
        #[arg(long)]
        from_ms: Option<i64>,
        /// For how many minutes
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=480))]
        minutes: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Approve a session that somebody else opened (security administrator)
    Approve {
        /// The number of the session
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a session now, or withdraw one that waits; the vendor is signed out (system or security administrator)
    End {
        /// The number of the session
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List sessions, the newest first (system or security administrator)
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a session (system or security administrator)
    Show {
        /// The number of the session
        number: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Whether each part of the system works (vendor in a session, system administrator)
    Health {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// How the system is set up, without secrets (vendor in a session, system administrator)
    Configuration {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

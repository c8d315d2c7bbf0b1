//! Words for people, their roles and what they may see.

use crate::cli::{AdminArgs, ServerArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Create a person without roles and print the invitation
    Add {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List people
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Disable a person, or enable again
    Disable {
        name: String,
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Bind a person to an identity at the provider of sign-ins, or in the directory
    Bind {
        name: String,
        /// A file whose only line is the subject that the provider (`sub`) or the directory (subject_attribute) knows the person by; `-` is standard input
        #[arg(long, value_name = "FILE")]
        subject_file: PathBuf,
        /// Where the subject is known; may be left out where one of both is configured
        #[arg(long, value_name = "oidc|ldap")]
        directory: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take the identity at the provider or in the directory from a person, and end its sessions
    Unbind {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InvitationCommand {
    /// Make a new invitation for a person who lost the old one or the password
    Create {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Accept an invitation from the command line instead of the browser
    Accept {
        /// The link, or the token at its end
        link: String,
        /// A file with the new password; read from standard input when absent
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Give a person a role
    Grant {
        name: String,
        role: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take a role from a person
    Revoke {
        name: String,
        role: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Which person and which patient.
#[derive(Debug, Args)]
pub(crate) struct CareArgs {
    /// Login name of the person
    pub(crate) name: String,
    /// A file whose only line is the patient ID, so that it does not stand in lists of processes; `-` is standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) patient_id_file: PathBuf,
    /// Issuer of the patient ID
    #[arg(long, default_value = "")]
    pub(crate) issuer: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CareRelationCommand {
    /// Give a person a care relation with a patient, from now on
    Add {
        #[command(flatten)]
        care: CareArgs,
        /// For how many days
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// End a care relation now
    End {
        #[command(flatten)]
        care: CareArgs,
    },
}

//! Words for the discs and tapes of a vault that are written once.

use super::vault::VaultArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use yingdun_vault::DiscSize;

#[derive(Debug, Subcommand)]
pub(crate) enum DiscCommand {
    /// Say which packs wait for a disc, and how many discs they would fill
    Plan {
        #[command(flatten)]
        vault: VaultArgs,
        #[command(flatten)]
        size: DiscSizeArgs,
    },
    /// Put the folder of the next disc together, for the burning tool; goes on with one that was cut off
    Write(DiscWriteArgs),
    /// Read a mounted disc back in full, without any key that opens anything; exit 1 when something on it is damaged
    Verify(DiscVerifyArgs),
    /// The discs: what is on each, and what became of it
    List {
        #[command(flatten)]
        vault: VaultArgs,
        /// Only those that have this pack, 16 hexadecimal digits
        #[arg(long, value_name = "PACK")]
        pack: Option<String>,
    },
    /// The packs of one disc
    Show {
        #[command(flatten)]
        vault: VaultArgs,
        /// What is written on the disc
        label: String,
    },
    /// Say that a disc is lost or broken: its packs count as not on it, until it is verified again
    MarkLost {
        #[command(flatten)]
        vault: VaultArgs,
        /// What is written on the disc
        label: String,
    },
    /// Bring packs back into the vault that are gone or damaged there; exit 1 while some are lacking
    Restore(DiscRestoreArgs),
    /// Make a vault again of discs alone, and of its folder with keys; exit 1 while packs are lacking
    Recover(DiscRecoverArgs),
}

/// What a disc holds, and how many there are to be.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DiscSizeArgs {
    /// What a disc holds: 25GB, 50GB, 100GB or 128GB as printed on it, or a number of bytes; 2 % of it stay free
    #[arg(long, value_name = "SIZE", default_value = "25GB")]
    pub(crate) disc_bytes: DiscSize,
    /// On how many discs each pack is to be
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) copies: u32,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiscWriteArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    /// The folder of the disc; it is not there yet
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) size: DiscSizeArgs,
    /// What is written on the disc: capital letters, digits and `_` [default: YINGDUN_ and its number]
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Option<String>,
    /// Put the newest snapshot on it too, and the pack that still grows: with the folder with keys, discs alone make a vault again
    #[arg(long)]
    pub(crate) with_snapshot: bool,
    /// Write it although more would fit
    #[arg(long)]
    pub(crate) underfull: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiscVerifyArgs {
    /// Where the disc is mounted
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The folder of the vault, which writes down what was found
    #[arg(long, value_name = "DIR", env = "YINGDUN_VAULT", required_unless_present = "public_key_file")]
    pub(crate) directory: Option<PathBuf>,
    /// The public key of the vault, where there is no vault: nothing is written down
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    pub(crate) public_key_file: Option<PathBuf>,
}

/// Mounted discs.
#[derive(Clone, Debug, Args)]
pub(crate) struct MountedArgs {
    /// Where a disc is mounted; give it once per disc
    #[arg(long = "disc", value_name = "DIR", required = true)]
    pub(crate) discs: Vec<PathBuf>,
    /// Ask for the next disc at the last of these places, until nothing is lacking
    #[arg(long)]
    pub(crate) ask: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiscRestoreArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    #[command(flatten)]
    pub(crate) mounted: MountedArgs,
    /// The packs of which snapshot; the newest when absent
    #[arg(long, value_name = "NUMBER")]
    pub(crate) snapshot: Option<u64>,
    /// Say which packs are lacking and on which discs they are, and bring none
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiscRecoverArgs {
    /// The folder of the new vault
    #[arg(long, value_name = "DIR", env = "YINGDUN_VAULT")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) mounted: MountedArgs,
    /// The public key of the old vault (`vault.vkey`), as it was noted elsewhere
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key_file: PathBuf,
    /// The folder with keys of the old vault
    #[arg(long, value_name = "DIR")]
    pub(crate) keys_folder: PathBuf,
    /// A file with its passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) keys_passphrase_file: PathBuf,
    /// Where the secret of the vault's client is or will be, for the day on which it pulls again
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: PathBuf,
}

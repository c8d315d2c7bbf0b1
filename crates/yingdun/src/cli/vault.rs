//! Words for a vault on another host, and for what it gives back.

use crate::cli::{DatabasesArgs, DiscCommand, PlacesArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use yingdun_model::Timestamp;
use yingdun_vault::{Point, Settings};

/// The folder of a vault.
#[derive(Clone, Debug, Args)]
pub(crate) struct VaultArgs {
    /// The folder of the vault
    #[arg(long, value_name = "DIR", env = "YINGDUN_VAULT")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Make a vault on this host, for one archive elsewhere
    Init(VaultInitArgs),
    /// Pull one snapshot; exit 1 when something in the archive is not as it was
    Pull {
        #[command(flatten)]
        vault: VaultArgs,
    },
    /// Pull a snapshot every few minutes, until SIGTERM or SIGINT
    Serve {
        #[command(flatten)]
        vault: VaultArgs,
        /// Minutes between two pulls
        #[arg(long, value_name = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
        every: u32,
    },
    /// The snapshots
    List {
        #[command(flatten)]
        vault: VaultArgs,
    },
    /// What somebody has to look at
    Alarms {
        #[command(flatten)]
        vault: VaultArgs,
        /// Say that somebody has looked at all of them
        #[arg(long)]
        acknowledge: bool,
    },
    /// Read every byte of a snapshot and check it, without asking the archive
    Verify {
        #[command(flatten)]
        vault: VaultArgs,
        /// The newest when absent
        #[arg(long, value_name = "NUMBER")]
        snapshot: Option<u64>,
    },
    /// Say what is older than it is kept; --apply removes it
    Prune {
        #[command(flatten)]
        vault: VaultArgs,
        /// Remove it. Only here, and not while alarms wait
        #[arg(long)]
        apply: bool,
    },
    /// Make an installation from a snapshot
    Restore(VaultRestoreArgs),
    /// Restore into a folder of its own, check everything, remove it again, and keep a signed note of it
    Rehearse(VaultRehearseArgs),
    /// The restores that were rehearsed
    Rehearsals {
        #[command(flatten)]
        vault: VaultArgs,
    },
    /// Discs and tapes that are written once: what waits for one, what is on which, and back
    #[command(subcommand)]
    Disc(DiscCommand),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VaultInitArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    /// The archive, as in `https://archive.example:8443`
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The authority of its certificate; the authorities of the system when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The service client that this vault is there, with the scope `vault` and no other
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: String,
    /// A file with its secret
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: PathBuf,
    /// The public key of the archive's audit log (`audit.vkey`), carried here by a person
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_key_file: PathBuf,
    /// The public key of its SM3 tree (`audit-sm3.vkey`), where it has one
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_sm3_key_file: Option<PathBuf>,
    /// Where keys are kept, apart from everything else: another disk or medium
    #[arg(long, value_name = "DIR")]
    pub(crate) keys_folder: PathBuf,
    /// A file with a passphrase under which they are kept; needed again for every restore
    #[arg(long, value_name = "FILE")]
    pub(crate) keys_passphrase_file: PathBuf,
    /// Days of this host's running time that a snapshot is kept
    #[arg(long, value_name = "DAYS", default_value_t = Settings::KEEP_DAYS)]
    pub(crate) keep_days: u32,
    /// Snapshots that are kept whatever their age
    #[arg(long, value_name = "N", default_value_t = Settings::KEEP_LAST, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep_last: u32,
    /// Days of this host's running time that the keys of a snapshot are kept
    #[arg(long, value_name = "DAYS", default_value_t = Settings::KEEP_KEYS_DAYS)]
    pub(crate) keep_keys_days: u32,
    /// Minutes between two copies of the catalogue
    #[arg(long, value_name = "MINUTES", default_value_t = Settings::CATALOGUE_EVERY_MINUTES)]
    pub(crate) catalogue_every_minutes: u32,
    /// MiB of packs that each pull has the archive prove it still holds
    #[arg(long, value_name = "MIB", default_value_t = Settings::PROBE_MIB)]
    pub(crate) probe_mib: u32,
}

/// Which snapshot.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PointArgs {
    /// Which snapshot; the newest when absent
    #[arg(long, value_name = "NUMBER", conflicts_with = "at")]
    snapshot: Option<u64>,
    /// The newest snapshot that is not after this moment: 2026-11-22T17:30:00+08:00, or without an offset by the time zone of
    /// this host
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
}

impl PointArgs {
    pub(crate) fn point(self) -> Point {
        match (self.snapshot, self.at) {
            (Some(number), _) => Point::Number(number),
            (None, Some(moment)) => Point::At(moment),
            (None, None) => Point::Newest,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VaultRestoreArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    #[command(flatten)]
    pub(crate) point: PointArgs,
    /// With the keys of which snapshot; its own when absent
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keys_of: Option<u64>,
    /// Bring the audit log back as it was then, and not the newest: what was destroyed since comes back to life
    #[arg(long)]
    pub(crate) audit_of_snapshot: bool,
    /// The folder of the new installation
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) places: PlacesArgs,
    #[command(flatten)]
    pub(crate) databases: DatabasesArgs,
    /// A file with the passphrase of the root key, where one opens it; shares are asked for at the start
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Make the catalogue of the packs instead of taking that of the snapshot: nothing that somebody wrote into it comes back
    #[arg(long)]
    pub(crate) catalogue_from_packs: bool,
    /// Check it to the end: open every record with its key, compare with the catalogue, read fifty studies to the last byte
    #[arg(long)]
    pub(crate) verify: bool,
    /// Read all studies to the last byte
    #[arg(long, requires = "verify")]
    pub(crate) all: bool,
    /// Say what would be restored, and make nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VaultRehearseArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    #[command(flatten)]
    pub(crate) point: PointArgs,
    /// With the keys of which snapshot; its own when absent
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keys_of: Option<u64>,
    /// Where there is room for one copy; the folder that is made there is removed again
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: PathBuf,
    /// A file with the passphrase of the root key
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: PathBuf,
    /// Read all studies to the last byte, and not fifty of them
    #[arg(long)]
    pub(crate) all: bool,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let expected = || "expected a moment as in 2026-11-22T17:30:00+08:00".to_owned();
    // A day alone would be its midnight.
    if !text.contains(':') {
        return Err(expected());
    }
    let here = || text.parse::<jiff::civil::DateTime>()?.to_zoned(jiff::tz::TimeZone::system());
    let moment = text.parse::<jiff::Timestamp>().or_else(|_| here().map(|zoned| zoned.timestamp()));
    moment.map(|moment| Timestamp::from_ms(moment.as_millisecond())).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset_or_is_of_this_host_and_anything_else_is_refused() {
        let noon = Timestamp::from_ms(1_795_348_800_000);
        for text in ["2026-11-22T12:00:00Z", "2026-11-22T20:00:00+08:00", "2026-11-22 12:00:00Z"] {
            assert_eq!(moment(text), Ok(noon), "{text}");
        }
        let here = moment("2026-11-22T12:00").unwrap();
        assert!(here.as_ms().abs_diff(noon.as_ms()) <= 14 * 3600 * 1000);
        for text in ["", "yesterday", "12:00", "2026-13-01T00:00:00Z", "2026-11-22"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}

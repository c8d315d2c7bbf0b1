//! What survives the loss of an archive: snapshots that another host pulls, keeps and gives back.
//!
//! A vault is the same program on another host, with other credentials. It signs in at the archive as a service client and
//! *pulls*; the archive has no credential of the vault and cannot reach it. So whoever has everything on the archive's host
//! can end the growth of the vault, and be noticed, but not change or shorten what it holds.
//!
//! ```text
//!  archive ──► remote ──► pull ─┬─ audit/      the log, followed: one that shrank or forked is an alarm
//!   (door)                      ├─ packs/      sealed packs, each byte fetched once and checked by its digests
//!                               ├─ chunks/     rows of catalogue and accounts, equal pieces kept once
//!                               ├─ <keys>/     wrapped keys and root-key file: apart, under a passphrase, for 35 days
//!                               └─ snapshots/  signed manifests, each naming the one before
//!  verify ─ everything, without the archive        prune ─ what is old by this host's own running time
//!  discs/ ─ which packs are on which disc that cannot be written over; packs go there and come back
//!  restore ─ replicas, databases, audit log of a new installation      rehearsals/ ─ signed: what a restore that was tried found
//! ```
//!
//! * **Nothing from the archive is believed.** Packs are checked record by record, the log against the one that is here, and
//!   packs that are here are asked for again under a fresh key: an answer cannot be had without the bytes.
//! * **A pack may be gone for one reason only**: the log says that it was to be removed, and that every study of which the copy here
//!   has a record was destroyed. The copy stays as long as a snapshot names it.
//! * **An alarm stays until a person takes it away**, and nothing is pruned meanwhile.
//! * **No clock ends a life.** Retention counts the time that this host has been running ([`RunningTime`]): no wall clock,
//!   neither ours nor theirs, is looked at.
//! * **Memory does not grow with the archive**: lists are streamed, packs are copied in pieces.
//!
//! The crate knows nothing of images, studies or people, and holds no key that opens one.

mod alarm;
mod chunks;
mod disc;
mod error;
mod files;
mod keep;
mod listing;
mod manifest;
mod packs;
mod point;
mod pull;
mod rehearsals;
mod remote;
mod removals;
mod restore;
mod running;
mod settings;
mod vault;
mod verify;

pub use alarm::{Alarm, AlarmKind};
pub use disc::{
    Brought, Disc, DiscFault, DiscOrder, DiscPlan, DiscSize, DiscSnapshot, DiscState, DiscVerified,
    DiscWritten, Lacking, MissingOn, Packs, PlannedDisc, Recovered, Recovery, Volume, verify_disc,
};
pub use error::VaultError;
pub use keep::{Doomed, Retention};
pub use manifest::{Digest, FileEntry, Manifest, Snapshot};
pub use point::{Between, Chosen, Point};
pub use pull::{Pulled, Watch};
pub use rehearsals::Rehearsal;
pub use restore::{Restored, Target};
pub use running::RunningTime;
pub use settings::Settings;
pub use vault::Vault;
pub use verify::Verified;

//! Where it lies: packs, replicas, scrub, repair. Knows ciphertext only.
//!
//! A [`Store`] keeps sealed records in *packs* on a list of *replicas*. Every replica holds every pack, byte for
//! byte; a record has the same [`Location`] everywhere.
//!
//! ```text
//!  append ──► place (pack, offset) ─┬─► queue ► writer of replica 0 ─ write, sync ─┐
//!             under one short lock  ├─► queue ► writer of replica 1 ─ write, sync ─┼─► quorum reached:
//!                                   └─► queue ► writer of replica 2 ─ write, sync ─┘   the caller gets its Location
//!
//!  keeper: seals full packs, watches directories and space        repairer: writes missing or damaged packs anew
//!  scrub of each replica: reads every sealed pack again within a week
//! ```
//!
//! * **Acknowledged means durable** on the write quorum (2 of 3 by default). Records that arrive while a sync runs
//!   share the next one; nobody waits for company, so a lone record costs one write and one sync. Where the owner asks for it
//!   ([`StoreConfig::write_domains`]), the quorum lies in so many failure domains too.
//! * **A pack is never changed once it is sealed**, and a pack from before a start is never appended to. Opening a
//!   store reads names and lengths; only a pack that a crash left open is read.
//! * **Nothing is cut off on the word of too few.** A pack that a crash left open is completed when so many replicas are
//!   there that one of them saw each acknowledged record; a directory that was just made says nothing, and the longest
//!   copy that verifies wins.
//! * **A replica that fails is left behind, not waited for.** Without room it comes back when room does; when its
//!   directory is gone it is made again; after a failed sync it stays out until the next open. In every case the
//!   repairer writes what it misses, from records that verify, while the store serves.
//! * **A disk is changed while the store serves.** [`Store::drain`] takes a replica out of service when the write quorum does
//!   not need it, and says when nothing on it is needed; [`Store::replace`] takes an empty folder in its place and fills it.
//! * **Reads are not trusted.** [`Store::read`] gives bytes of one replica; whoever opens the seal notices damage,
//!   asks the next of [`Store::replicas_for`], and calls [`Store::report_bad`].
//! * **A site can burn down.** An off-site replica ([`OffsiteConfig`]) is filled in the background and never waited for; its lag is
//!   told. Readers and the repairer go to it when no replica has good bytes, and [`restore`] brings everything back from it.
//! * **A pack goes only when its owner says so.** [`Store::remove_pack`] takes one of which nobody can open a record: off-site first,
//!   here last and only where every replica is in service, so that a crash leaves the pack or nothing.
//! * **What lives in it can go on before.** [`Store::copy_records`] puts it into a new pack, sealed as it is, whose number lies right
//!   behind; so the order of all records stays, and a place in the old pack still finds its record by digest.
//! * **What nobody reads is read.** The scrub checks every byte of every replica, compares the copies, and is through
//!   within a week; copies of what has the fewest good ones are written anew first.
//!
//! The store holds no index of records: the catalogue does. After a crash the owner replays
//! [`Store::scan`] from the position that it stored from [`Store::replay_from`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! use std::sync::Arc;
//! use yingdun_model::{InstitutionId, StudyRef};
//! use yingdun_storage::{
//!     LogEvents, RealDisk, Record, RecordHeader, RecordKind, ReplicaConfig, Store, StoreConfig,
//! };
//!
//! let replicas = ["a", "b", "c"].map(|name| ReplicaConfig {
//!     directory: directory.path().join(name),
//!     label: name.to_owned(),
//!     failure_domain: format!("disk-{name}"),
//! });
//! let store = Store::open(StoreConfig::new(replicas.to_vec()), Arc::new(RealDisk), Arc::new(LogEvents)).await?;
//! let location = store
//!     .append(Record {
//!         header: RecordHeader {
//!             institution: InstitutionId::new("hospital-1")?,
//!             study: StudyRef::from_bytes([7; 16]),
//!             kind: RecordKind::INSTANCE,
//!         },
//!         descriptor: "sealed descriptor".into(),
//!         metadata: "sealed metadata".into(),
//!         object: vec!["sealed ".into(), "object".into()],
//!     })
//!     .await?;
//! let replica = store.replicas_for(&location)[0];
//! assert_eq!(store.read(&location, location.object_range(), replica).await?, "sealed object");
//! store.close().await;
//! # Ok(()) }
//! ```
//!
//! The crate knows nothing of keys, DICOM, catalogues or permits, and of networks only how a bucket is written to. The file system comes in through
//! [`Disk`], so that full disks and power cuts can be tested; why packs look as they do is told in
//! `docs/design/002-packs.md`.
//!
//! Metrics: `yingdun_storage_written_bytes_total`, `_rounds_total`, `_round_records`, `_round_seconds`,
//! `_sync_seconds`, `_replica_ready`, `_quarantined_total`, `_repaired_packs_total`, `_repaired_bytes_total` (all by
//! `replica`), `_repairs_waiting`, `_write_domains_missing`, `_lost_records_total`, and of the scrub `_scrubbed_bytes_total`, `_scrub_findings_total`,
//! `_scrub_age_days` (all by `replica`), `_removed_packs_total`, `_removed_bytes_total`, `_rewritten_packs_total`, `_rewritten_bytes_total`, of off-site replicas `_offsite_ready`, `_offsite_lag_packs`, `_offsite_lag_bytes`,
//! `_offsite_lag_seconds`, `_offsite_sent_bytes_total` (all by `replica`).

mod config;
mod copy;
mod disk;
mod error;
mod events;
mod offsite;
mod record;
mod replica;
mod status;
mod store;

pub use config::{
    DESCRIPTOR_BYTES_MAX, METADATA_BYTES_MAX, OBJECT_BYTES_MAX, PACK_BYTES_MAX, RECORD_BYTES_MAX,
    REPLICAS_MAX, ReplicaConfig, SCRUB_INTERVAL, StoreConfig,
};
pub use copy::{
    PackCheck, PackSurvey, begin_replica, check_pack, pack_file, pack_records, read_pack_header, survey_pack,
};
pub use disk::{Disk, DiskFile, Entry, RealDisk, Space};
pub use error::{ReadError, RemovalError, ServiceError, StoreError};
pub use events::{LogEvents, StoreEvent, StoreEvents};
pub use offsite::{
    BucketAddress, BucketConfig, BucketKeys, OFFSITE_MAX, OffsiteConfig, OffsitePlace, OffsiteState,
    OffsiteStatus, Retention, RetentionMode,
};
pub use record::{
    HeldRecord, Layout, Location, LocationError, PackPosition, Record, RecordHeader, RecordKind,
    ScannedRecord, StoreLocation, StorePosition,
};
pub use replica::place::{BucketProbe, Kept};
pub use status::{
    DomainStatus, ReplicaId, ReplicaState, ReplicaStatus, ScrubPass, ScrubState, ScrubStatus, StoreStatus,
};
pub use store::{
    CopiesElsewhere, LargeRecord, PACK_READ_BYTES_MAX, PackExtent, RestoreError, RestorePlan, Restored, Scan,
    Store, last_scrub, may_be_made_of, plan_restore, probe_bucket, restore,
};

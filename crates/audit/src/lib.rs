//! What happened: an append-only Merkle log on disk, its checkpoints, its proofs, and its verifier.
//!
//! Every decision, access, change and failure of the archive becomes a *leaf*. A caller gets a [`Receipt`] only
//! when its leaf is durable, and nothing but a durable append can make a `Receipt`; so a type that demands one
//! cannot be had without a leaf. That is how *no leaf, no key* is written down.
//!
//! ```text
//!  Event ──append──► commit thread ──one write + one fdatasync──► journal ──► Receipt
//!                       (all that wait, one batch)                   │
//!                                                                    ▼  at most a second later
//!                    integration thread: bundles + tiles ──read back, root recomputed──► checkpoint, signed
//!                                                                    │
//!                                                                    ▼
//!             Reader: leaf, range, tail, search, detail, proofs    verify: trusts nothing, names what is bad
//! ```
//!
//! # One append
//!
//! ```
//! # use yingdun_audit::*;
//! # use yingdun_crypto::sign::SigningKey;
//! # use yingdun_model::{ActorId, InstitutionId};
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().to_owned();
//! let origin = "pacs.renmin.example/audit/node-1";
//! let log = Log::open(LogConfig::new(dir.clone(), origin, NodeName::new("node-1")?, SigningKey::generate()))?;
//!
//! const STARTED: ReasonCode = ReasonCode::new("start-up");
//! # let institution = InstitutionId::new("renmin")?;
//! # let archive = ActorId::new("archive").ok_or("not an actor")?;
//! let event = Event::of_system(institution, archive, EventKind::System, Outcome::Succeeded, STARTED);
//! let receipt = log.append_one(event).await?; // durable now
//!
//! let proof = log.prove_inclusion(Tree::Sha256, receipt.index()).await?; // signed now
//! let leaf = log.reader().leaf(receipt.index())?.leaf.encode()?;
//! verify_inclusion(&proof, &leaf, log.verifier())?; // anyone, anywhere, without the log
//!
//! log.shutdown().await?;
//! assert!(verify::verify_directory(&dir, log.verifier())?.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is on disk
//!
//! | path | what | format |
//! |---|---|---|
//! | `checkpoint` | signed head | C2SP tlog-checkpoint, Ed25519 signed note |
//! | `tile/entries/…` | leaves, 256 to a bundle | C2SP tlog-tiles |
//! | `tile/<level>/…` | hashes, 256 to a tile | C2SP tlog-tiles, RFC 6962 hashing |
//! | `sm3/checkpoint`, `sm3/tile/<level>/…` | the same of a second tree over the same leaves, where there is one | the same with SM3, SM2 signed note |
//! | `detail/…` | sealed details, 256 to a bundle | ours: framed like entries, length 0 for none |
//! | `journal/….journal` | durable records that are not signed yet | ours, see `journal/mod.rs` |
//! | `witnessed` | the newest head that a quorum of witnesses has seen | the checkpoint with C2SP tlog-cosignature lines |
//! | `index/…` | which leaves name whom; derived, made again when it is gone ([`index`]) | ours, see `index/segment.rs` |
//! | `lock` | held by the process that has the log open | |
//!
//! Proofs leave as C2SP tlog-proof text. Whoever has the files and the public key can check everything with
//! [`verify`], or with `docs/verify/verify_audit.py`, which shares no line with this crate.
//!
//! # Two trees, same leaves
//!
//! A log that was given an SM2 key has a second tree of the same shape over the same leaves, with SM3 in the place of SHA-256: for
//! institutions whose evidence has to rest on national algorithms. Its tiles are written with those of the first tree, synced with them, read
//! back like them (promise I3), and its checkpoint has always the same size. A log that is older than its SM2 key gets the tree when it is opened,
//! in steps that survive a kill; a log that has it is not opened without its key. `sm3.rs` says how.
//!
//! # Witnesses
//!
//! Whoever has the machine and its keys can write another history, or go back to an older one, with good signatures. Only somebody
//! else's memory tells: a witness remembers the newest head that it has seen of a log and cosigns nothing that does not continue it. A
//! [`Policy`] says which witnesses count and how many must have seen a head ([`Policy::quorum`]). Who asks them is not here.
//!
//! # Why a leaf is JSON and not CBOR
//!
//! A leaf must be readable by a court, an auditor or a patient's lawyer in thirty years, when neither this
//! program nor its authors are there. JSON needs a text editor; CBOR needs a decoder and a schema. What CBOR
//! would give is had otherwise: one spelling (the fields of [`Leaf`] in a fixed order, no white space, and a
//! reader that refuses every other spelling) and a bound ([`LEAF_BYTES_MAX`]). It costs about 150 bytes per leaf.
//!
//! # Personal data
//!
//! A leaf is for ever, so it names no patient: references are keyed pseudonyms. What must be said about a
//! person is sealed by the caller and lies beside the leaf as [`SealedDetail`]; the leaf holds its SHA-256.
//! Destroying the key, or the files in `detail/`, makes the detail unreadable and breaks no proof. A detail of
//! the newest, still open bundle must be destroyed by its key: the file is written again as the bundle grows.
//!
//! # When something fails
//!
//! After any error of a write, sync or rename the log of this process is failed for ever
//! ([`AuditError::Failed`]): what a failed sync left behind is unknown, so it is never tried again. A restart
//! replays the journal, writes every record that no checkpoint covers once more into freshly synced tiles,
//! and goes on. A batch that was cut off at the very end was never acknowledged and is dropped; anything else
//! that does not fit stops the opening with the number of the record concerned. Before each batch the open
//! segment is checked to be the same file under the same and only name.
//!
//! # What this crate never does
//!
//! It holds no key but the one that signs checkpoints, opens no detail, decides nothing, deletes no leaf, and
//! takes no order from a clock: time in a leaf is what the clock said, order is the number of the leaf. Whether what should have been written was
//! written is asked in [`complete`].
//!
//! # Metrics
//!
//! `yingdun_audit_leaves_total`, `yingdun_audit_commit_seconds`, `yingdun_audit_integrate_seconds`,
//! `yingdun_audit_checkpoint_size` (leaves), `yingdun_audit_index_leaves`, `yingdun_audit_index_discarded_total`, `yingdun_audit_failed` (1 after a failure).

pub mod across;
mod checkpoint;
mod commit;
pub mod complete;
mod config;
mod disk;
mod error;
mod event;
mod files;
mod grow;
pub mod index;
mod integrate;
mod journal;
mod leaf;
mod log;
mod mirror;
mod open;
mod policy;
mod proof;
mod raw;
mod read;
mod receipt;
pub mod render;
mod search;
mod shared;
mod sm3;
mod tile;
mod tree;
pub mod verify;
mod witnessed;

pub use checkpoint::Checkpoint;
pub use config::LogConfig;
pub use disk::{Disk, RealDisk};
pub use error::AuditError;
pub use event::{Counts, Event, EventKind, Outcome, ReasonCode, SealedDetail, SealedDetailError};
pub use index::{
    Count, Cursor, CursorError, IndexOptions, IndexState, Page, STRETCH_MS, SUMMED_DAYS_MAX, Sums, Tally,
};
pub use leaf::{BootId, Digest, LEAF_BYTES_MAX, LEAF_VERSION, Leaf, LeafError, NodeName, NodeNameError};
pub use log::Log;
pub use mirror::{Heads, Mirror, MirrorError};
pub use policy::{Policy, PolicyError, Quorum, Sighting, Witness};
pub use proof::{verify_consistency, verify_inclusion};
pub use raw::RawLeaf;
pub use read::{Detail, LoggedLeaf, Reader};
pub use receipt::Receipt;
pub use search::{Filter, Order, Search};
pub use tree::{Hash, Tree};
pub use witnessed::{keep_witnessed, read_witnessed};

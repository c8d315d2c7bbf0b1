//! What happened: append-only Merkle log, checkpoints, proofs, verification.

mod checkpoint;
mod commit;
mod disk;
mod error;
mod event;
mod integrate;
mod journal;
mod leaf;
mod log;
mod open;
mod proof;
mod read;
mod search;
mod shared;
mod tile;
mod tree;
pub mod verify;
mod words;

pub use checkpoint::Checkpoint;
pub use disk::{Disk, RealDisk};
pub use error::AuditError;
pub use event::{Counts, Event, EventKind, Outcome, ReasonCode, SealedDetail, SealedDetailError};
pub use leaf::{BootId, Digest, LEAF_BYTES_MAX, LEAF_VERSION, Leaf, LeafError, NodeName, NodeNameError};
pub use log::{Log, LogConfig, Receipt};
pub use proof::{verify_consistency, verify_inclusion};
pub use read::{Detail, LoggedLeaf, Reader};
pub use search::{Filter, Order, Search};
pub use tree::{Hash, leaf_hash};

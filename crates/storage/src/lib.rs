//! Where it lies: packs, replicas, repair. Knows ciphertext only.

mod config;
mod disk;
mod error;
mod events;
mod record;
mod replica;
mod status;
mod store;

pub use config::{
    DESCRIPTOR_BYTES_MAX, METADATA_BYTES_MAX, OBJECT_BYTES_MAX, PACK_BYTES_MAX, RECORD_BYTES_MAX,
    REPLICAS_MAX, ReplicaConfig, StoreConfig,
};
pub use disk::{Disk, DiskFile, Entry, RealDisk, Space};
pub use error::{ReadError, StoreError};
pub use events::{LogEvents, StoreEvent, StoreEvents};
pub use record::{
    Layout, Location, LocationError, PackPosition, Record, RecordHeader, RecordKind, ScannedRecord,
};
pub use status::{ReplicaId, ReplicaState, ReplicaStatus, StoreStatus};
pub use store::{LargeRecord, Scan, Store};

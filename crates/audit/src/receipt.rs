//! What a caller holds when its event is durable.

use crate::event::Event;
use crate::tree::Hash;
use yingdun_model::Timestamp;

/// Proof that an event is a durable leaf of the log. Only a durable append makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    index: u64,
    leaf_hash: Hash,
    time: Timestamp,
    event: Event,
}

impl Receipt {
    pub(crate) fn new(index: u64, leaf_hash: Hash, time: Timestamp, event: Event) -> Self {
        Self { index, leaf_hash, time, event }
    }

    /// The number of the leaf in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The RFC 6962 hash of the leaf.
    #[must_use]
    pub const fn leaf_hash(&self) -> &Hash {
        &self.leaf_hash
    }

    /// The wall time that the leaf carries.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What was reported.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }
}

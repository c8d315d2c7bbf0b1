//! The policies that count at this moment, for every decision of this process one and the same snapshot.

use crate::decision::Engine;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use yingdun_model::Timestamp;

/// The policies that count, and which activation they are of.
pub(crate) struct InForce {
    engine: RwLock<Arc<Engine>>,
    applied: Mutex<Applied>,
    /// One at a time works out what follows.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// Which activation counts here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) activation: u64,
    pub(crate) version: u64,
    pub(crate) until: Option<Timestamp>,
    pub(crate) is_locked: bool,
    /// All that its row says, as a digest: a number may come again, after a restore.
    pub(crate) row: [u8; 32],
    /// The newest that lasts, also while it is suspended.
    pub(crate) lasting: u64,
}

impl InForce {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine: RwLock::new(Arc::new(engine)),
            applied: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The policies by which a decision is taken from its beginning to its leaf.
    pub(crate) fn now(&self) -> Arc<Engine> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn applied(&self) -> Applied {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, engine: Engine, applied: Applied) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(engine);
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = applied;
    }

    pub(super) fn note(&self, applied: Applied) {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = applied;
    }
}

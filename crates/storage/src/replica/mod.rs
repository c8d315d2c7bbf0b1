//! One replica: the verbs that the store needs from a place that holds packs.
//!
//! A backend takes appends and makes them durable with one sync; what is acknowledged rests on that. A [`place`] takes whole
//! objects and is filled behind: an off-site replica lies in one.

mod directory;
pub(crate) mod place;

pub(crate) use directory::{Directory, read_note};

use crate::disk::{DiskFile, Space};
use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

/// How a pack lies on a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Being written, or left so by a crash: its length says nothing.
    Open,
    /// Complete and never changed again.
    Sealed,
}

/// A pack that a replica lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) pack: u64,
    pub(crate) form: Form,
    pub(crate) bytes: u64,
}

/// A few bytes that a replica keeps about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// To which store it belongs.
    Identity,
    /// How far it was scrubbed.
    Scrub,
    /// Whether somebody takes it out of service.
    Service,
    /// What is known of the off-site replicas of its store.
    Offsite,
}

/// A pack that is being written beside the others, unseen until it is published. Removed when dropped before.
pub(crate) trait Staged: Send + Sync + fmt::Debug {
    fn file(&self) -> &Arc<dyn DiskFile>;
    /// Gives the synced bytes the place of a sealed pack, replacing what was there.
    fn publish(self: Box<Self>, pack: u64) -> io::Result<()>;
}

/// A place that holds packs. All calls block.
pub(crate) trait Backend: Send + Sync + fmt::Debug {
    /// Makes the place if it is missing.
    fn prepare(&self) -> io::Result<()>;
    /// Whether the place is there.
    fn exists(&self) -> bool;
    /// Keeps other processes out until the guard is dropped.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;
    /// Removes what a crash left staged.
    fn sweep(&self) -> io::Result<()>;
    /// The bytes of a note, if there is one.
    fn note(&self, note: Note) -> io::Result<Option<Vec<u8>>>;
    /// Writes a note durably: afterwards it is the old one or the new one, whatever happens.
    fn set_note(&self, note: Note, bytes: &[u8]) -> io::Result<()>;
    /// The bytes that say to which store the place belongs.
    fn identity(&self) -> io::Result<Option<Vec<u8>>> {
        self.note(Note::Identity)
    }
    /// Writes those bytes durably.
    fn set_identity(&self, identity: &[u8]) -> io::Result<()> {
        self.set_note(Note::Identity, identity)
    }
    /// Every pack, from names and lengths alone.
    fn list(&self) -> io::Result<Vec<Listed>>;
    /// Begins an open pack with its header. The name is durable when this returns; the header with the first sync.
    fn create(&self, pack: u64, header: &[u8]) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a pack in either form.
    fn open(&self, pack: u64, writable: bool) -> io::Result<Arc<dyn DiskFile>>;
    /// Cuts an open pack to its length and makes it a sealed one, durably.
    fn seal(&self, pack: u64, bytes: u64) -> io::Result<()>;
    /// Keeps the present copy of a sealed pack beside the one that will replace it, as evidence; the first such copy stays.
    fn keep_evidence(&self, pack: u64) -> io::Result<()>;
    /// Removes a pack in both forms, and what a repair kept of it as evidence.
    fn remove(&self, pack: u64) -> io::Result<()>;
    /// Begins a pack beside the others.
    fn stage(&self) -> io::Result<Box<dyn Staged>>;
    /// The room left.
    fn space(&self) -> io::Result<Space>;
    /// Equal for places that are lost together.
    fn device(&self) -> io::Result<u64>;
}

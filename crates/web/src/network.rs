//! Calls that go out over DICOM, handed in by the binary: this door asks `yingdun-access` and `yingdun-archive` who may
//! have them made, and shows what came.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use yingdun_access::{DeviceRecord, MoveDestination};
use yingdun_archive::{FoundRow, InstanceEntry, OpenStudy};
use yingdun_model::{AeTitle, Uid, word_enum};

/// The DICOM client of this archive.
pub trait Network: Send + Sync {
    /// Verifies the connection to a device (C-ECHO), and tells each step, its time, and what went wrong: what was
    /// expected, what came, what to do. Ends within a minute, whatever the device does.
    fn echo(&self, device: DeviceRecord) -> BoxFuture<'_, Value>;

    /// Asks a device (C-FIND) and gives its rows in the DICOM JSON model. Ends within a minute, whatever the device does.
    fn find(&self, device: Device, question: Question) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>>;

    /// Asks a device for its modality worklist (C-FIND) and gives its steps in the DICOM JSON model. Ends within a minute,
    /// whatever the device does.
    fn worklist(
        &self,
        device: Device,
        question: WorklistQuestion,
    ) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>>;

    /// Sends objects to a device (C-STORE), and tells of each what became of it. Ends between two objects when `stop` is
    /// cancelled.
    fn send(
        &self,
        device: Device,
        studies: Vec<Holding>,
        stop: CancellationToken,
        ended: Box<dyn Fn(Sent) + Send + Sync>,
    ) -> BoxFuture<'static, ()>;

    /// Brings studies of a device here, one after the other, and tells how far all of them are. What comes is stored as from
    /// any sender. The device is hung up on when `stop` is cancelled.
    fn retrieve(
        &self,
        device: Device,
        studies: Vec<Sought>,
        by: Way,
        stop: CancellationToken,
        told: Box<dyn Fn(Told) + Send + Sync>,
    ) -> BoxFuture<'static, Result<(), CallFault>>;
}

word_enum! {
    /// How studies come from a device.
    Way, "way" {
        /// C-MOVE: it sends them to the title by which it knows us, over an association of its own.
        Move => "move",
        /// C-GET: they come over the association in which it is asked.
        Get => "get",
    }
}

/// A device that is called.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its title.
    pub title: AeTitle,
    /// Where it listens, by which title it knows us, and how it differs.
    pub at: MoveDestination,
}

/// What a device is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Query/Retrieve Level (0008,0052): `STUDY`, `SERIES` or `IMAGE`.
    pub level: &'static str,
    /// Attributes by keyword or eight hexadecimal digits, and what each is to match; empty for those that are only to be
    /// returned.
    pub keys: Map<String, Value>,
    /// Rows at most.
    pub limit: usize,
}

/// What the worklist of a device is asked.
#[derive(Clone, Debug)]
pub struct WorklistQuestion {
    /// Attributes as in [`Question::keys`]; those of an item of a sequence behind its name and a dot.
    pub keys: Map<String, Value>,
    /// Steps at most.
    pub limit: usize,
}

/// What a device found.
#[derive(Clone, Debug, Default)]
pub struct DeviceAnswer {
    /// Its rows.
    pub rows: Vec<FoundRow>,
    /// Whether there were more than were asked for.
    pub more: bool,
}

/// Objects of one study that is open for whoever asked.
pub struct Holding {
    /// The study.
    pub study: Arc<OpenStudy>,
    /// Which of its objects.
    pub entries: Vec<InstanceEntry>,
}

/// A study that a device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The study.
    pub study: Uid,
    /// SOP Classes in Study (0008,0062), as far as the device tells them.
    pub classes: BTreeSet<Uid>,
}

/// What is told of a retrieval as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How far it is.
    Counts(Counts),
    /// An object that did not come, which is among the failed.
    Missing {
        /// Its SOP Instance UID.
        instance: Uid,
        /// Why, without personal data.
        reason: String,
    },
}

/// How far a device is with what it sends here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects that it has still to send; of studies that were not begun, nothing is known.
    pub remaining: u64,
    /// Objects that came.
    pub completed: u64,
    /// Objects that came with a warning.
    pub warning: u64,
    /// Objects that did not come.
    pub failed: u64,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The device has it.
    Stored {
        /// It says so with a warning.
        with_warning: bool,
    },
    /// The device has it not.
    Failed {
        /// Its SOP Instance UID.
        instance: Uid,
        /// Why, without personal data.
        reason: String,
    },
}

/// Why a device did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// A key is none that can be asked.
    Key(String),
    /// The device did not do it.
    Device {
        /// What was expected.
        expected: String,
        /// What came.
        came: String,
        /// What to do.
        remedy: String,
    },
}

//! Why a key is not given. No error carries a key or names a person.

use crate::{EpochFileError, RootError};
use std::path::PathBuf;
use yingdun_catalog::CatalogError;
use yingdun_model::{Action, Grade};

/// Why the key store gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The database of keys failed. [`CatalogError::Busy`] and [`CatalogError::Unavailable`] may pass.
    #[error(transparent)]
    Database(#[from] CatalogError),
    /// The provider of the root key did not wrap or unwrap. [`RootError::Unreachable`] and [`RootError::Sealed`] may pass.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The root key is not the one that this database of keys was made with.
    #[error("the root key does not belong to this database of keys")]
    WrongRoot,
    /// The epoch file cannot be used.
    #[error(transparent)]
    EpochFile(#[from] EpochFileError),
    /// The epoch under which keys of this database are wrapped is not in the epoch file: it is over, or the file is not that of
    /// this database or older than it.
    #[error(
        "the epoch file does not hold epoch {epoch}, which the database of keys needs: bring back the epoch file that was \
             copied with this database"
    )]
    EpochMissing {
        /// The epoch.
        epoch: u64,
    },
    /// The epoch in the file is another one than that of this database, or was not made under this root key.
    #[error("epoch {epoch} in the epoch file is not that of this database of keys")]
    OtherEpoch {
        /// The epoch.
        epoch: u64,
    },
    /// The epoch is not in the file of this node, and no other one gave it.
    #[error(
        "the epoch file of this node does not hold epoch {epoch}, which the database of keys needs, and no other node gave it ({cause}). \
             Start a node that has it first ({holders}), or copy its epoch file to `{}` and start again", file.display()
    )]
    EpochNotGiven {
        /// The epoch.
        epoch: u64,
        /// Why none gave it.
        cause: String,
        /// The nodes that have it.
        holders: String,
        /// The epoch file of this node.
        file: PathBuf,
    },
    /// The root key cannot be moved while other nodes have files under it.
    #[error(
        "the root key is also that of other nodes ({others}), whose root-key and epoch files a move here does not change: stop them, say that \
             they are gone (`yingdun nodes forget`), move it here, and give each the new configuration, root-key file and epoch file before it \
             is started again"
    )]
    OtherNodes {
        /// Their names.
        others: String,
    },
    /// There is no such node, or it is this one.
    #[error("there is no other node of this name: `yingdun nodes list` names them")]
    NoNode,
    /// The node is not gone: it serves.
    #[error("the node `{name}` serves at this moment")]
    NodeServes {
        /// Its name.
        name: String,
    },
    /// Whether the node serves cannot be told.
    #[error("whether the node `{name}` serves at this moment cannot be told: {cause}")]
    ServingUnknown {
        /// Its name.
        name: String,
        /// Why not.
        cause: String,
    },
    /// It was said of this node that it is gone for good.
    #[error(
        "an officer said that this node (`{name}`) is gone for good and its disk destroyed, and it is still running"
    )]
    Forgotten {
        /// Its name.
        name: String,
    },
    /// The program is being stopped.
    #[error("broken off: the program is being stopped")]
    BrokenOff,
    /// A row does not unwrap: damaged, or moved from another place.
    #[error("a wrapped {what} is damaged or stands in the wrong place")]
    Damaged {
        /// What kind of key.
        what: &'static str,
    },
    /// A row names a suite that this program does not know.
    #[error("a key belongs to an algorithm suite that this program does not know")]
    UnknownSuite,
    /// A row names a version of a key-encryption key that is not there.
    #[error("version {version} of the key-encryption key of grade {grade} is missing")]
    KekMissing {
        /// The grade.
        grade: Grade,
        /// The version.
        version: u32,
    },
    /// The key-encryption key has wrapped as many keys as it may: rotate it.
    #[error("version {version} of the key-encryption key of grade {grade} has reached its number of uses")]
    KekExhausted {
        /// The grade.
        grade: Grade,
        /// The version.
        version: u32,
    },
    /// The version was to be replaced and wraps no new keys, or is not there: somebody else replaced it.
    #[error("version {version} of the key-encryption key of grade {grade} is not the active one")]
    KekNotActive {
        /// The grade.
        grade: Grade,
        /// The version.
        version: u32,
    },
    /// The version was to be destroyed and still wraps a key, or is not there.
    #[error("version {version} of the key-encryption key of grade {grade} is in use or gone")]
    KekInUse {
        /// The grade.
        grade: Grade,
        /// The version.
        version: u32,
    },
    /// Keys are being wrapped again already, or nothing is being wrapped that could be stopped.
    #[error("wrapping keys again is {state}")]
    RewrapState {
        /// What it is: `running` or `not running`.
        state: &'static str,
    },
    /// The permit is for something else.
    #[error("a permit to {expected} is needed, this one is to {came}")]
    WrongAction {
        /// What the call needs.
        expected: &'static str,
        /// What the permit allows.
        came: Action,
    },
    /// The permit names no study.
    #[error("the permit names no study")]
    NoStudy,
    /// The permit is no longer, or not yet, valid.
    #[error("the permit is not valid now")]
    PermitExpired,
    /// The permit has given its one unwrap.
    #[error("the permit has already given its one key")]
    PermitSpent,
    /// There is no key for this study: never stored, or destroyed.
    #[error("there is no key for this study")]
    NoKey,
    /// Patient or grade in the permit are not those of the key, so the decision was taken on wrong facts.
    #[error("the permit was decided on another patient or grade than those of the study key")]
    OtherFacts,
    /// The study was destroyed a moment ago, and not all that tells of it is gone yet: try again in a moment.
    #[error("the study is being destroyed")]
    BeingDestroyed,
    /// Somebody else carried the destruction on, or withdrew it.
    #[error("the destruction is in another state by now")]
    DestructionState,
    /// Somebody else placed a hold or approved a destruction since the turn that was given.
    #[error("a hold was placed or a destruction approved by somebody else at the same time")]
    TurnTaken,
    /// Somebody else asked for the release of the hold, approved it or took that back.
    #[error("the legal hold is in another state by now")]
    HoldState,
    /// The institution has no audit log of this name.
    #[error(
        "the installation has no audit log `{origin}`, but {known}: each node has one of its own, which `yingdun audit begin` begins"
    )]
    UnknownLog {
        /// The name that was asked for.
        origin: String,
        /// The names of those that it has.
        known: String,
    },
    /// There is an audit log of this name, and it began otherwise.
    #[error(
        "another audit log than this one is called `{origin}`: it began with another leaf. Two nodes must not share a name; give this one \
             its own, or bring back the log that belongs here"
    )]
    OtherLog {
        /// The name of both.
        origin: String,
    },
    /// The institution has no audit log yet, so none can be begun beside it.
    #[error(
        "the installation has no audit log yet beside which another could begin: start its first node with this program once"
    )]
    NoFirstLog,
    /// Others changed the same keys all the time.
    #[error("the keys of this study were changed by others {attempts} times in a row")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
}

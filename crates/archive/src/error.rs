//! What can go wrong in a use case, in the words that the doors turn into DIMSE status and HTTP answers.
//!
//! No variant carries an identifier of a person, and none tells whether a study exists to someone who may not
//! see it.

use std::fmt;
use yingdun_catalog::CatalogError;

/// Why an instance was not stored. Nothing of it is visible afterwards.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The replicas have no room; later tries may succeed (C-STORE A700, HTTP 507).
    #[error("the replicas are out of space")]
    OutOfSpace,
    /// The policy does not let this sender store this study.
    #[error("storing is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// The SOP class is not a storage class of the standard.
    #[error("`{sop_class}` is not a storage SOP class")]
    NotStorage {
        /// The class that was declared or found.
        sop_class: String,
    },
    /// The data set says something else than the command or the address of the request.
    #[error("the data set does not match its {what}")]
    Mismatch {
        /// Which declaration differs: `SOP class`, `SOP instance` or `study`.
        what: &'static str,
    },
    /// The bytes are not a data set that can be kept and found again.
    #[error("the data set cannot be understood: {reason}")]
    Invalid {
        /// What was expected and what came, without values of personal elements.
        reason: String,
    },
    /// The object is larger than the configured bound.
    #[error("the object is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit_bytes: u64,
    },
    /// A part of the archive does not answer: audit log, keys, quorum. Nothing was acknowledged.
    #[error("the archive cannot store now: {0}")]
    Unavailable(Unavailable),
}

/// Why a search was not answered.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The policy does not let this actor search.
    #[error("searching is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// A key cannot be matched at this level, or its value is malformed.
    #[error("{0}")]
    BadKey(String),
    /// Matching would have to read more rows than the bound; narrower keys are needed.
    #[error(
        "the search is too broad: add a patient ID, an accession number, a date or the beginning of a name"
    )]
    TooBroad,
    /// A part of the archive does not answer.
    #[error("the archive cannot search now: {0}")]
    Unavailable(Unavailable),
}

/// Why a study was not opened or a part of it not read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such thing, or this actor may not see it: the two are told apart in the audit log only.
    #[error("no such study, series, instance, frame or bulk data value")]
    NotFound,
    /// The active role may open no study at all.
    #[error("opening is refused: {reason}")]
    Refused {
        /// The stable reason code of the decision.
        reason: String,
    },
    /// Patients open with a pause between them: the monitor slowed this person down.
    #[error("the monitor slowed this person down: the next patient opens in {seconds} seconds")]
    SlowedDown {
        /// How long the pause is still.
        seconds: u32,
    },
    /// The object exists, but its parts have no byte ranges of their own: a deflated data set, or frames that begin
    /// inside a byte or are too long to be read into memory. The whole instance can be read.
    #[error("this object is stored in a form whose frames and values cannot be read one by one")]
    NotAddressable,
    /// The object, or a frame of it, cannot be had in the transfer syntax that was asked for.
    #[error("the pixels cannot be converted: {reason}")]
    NotConvertible {
        /// What is wrong with the picture, or with what was asked of it.
        reason: String,
    },
    /// The permit ended while the stream was open: revoked, expired or decided otherwise.
    #[error("the permit to read this study has ended")]
    PermitEnded,
    /// No replica holds these bytes intact, and the object is quarantined; or its row of the catalogue was altered. The
    /// log of the program tells which.
    #[error("no intact copy is left of what was asked for")]
    Damaged,
    /// A part of the archive does not answer.
    #[error("the archive cannot read now: {0}")]
    Unavailable(Unavailable),
}

/// A part of the archive that did not answer, with the technical cause for the operator's log.
#[derive(Debug)]
pub struct Unavailable {
    part: &'static str,
    cause: String,
}

impl Unavailable {
    pub(crate) fn new(part: &'static str, cause: impl fmt::Display) -> Self {
        Self { part, cause: cause.to_string() }
    }

    /// The part: `audit`, `catalogue`, `keys`, `storage`.
    #[must_use]
    pub fn part(&self) -> &'static str {
        self.part
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.part, self.cause)
    }
}

/// What the catalogue says when it does not answer.
pub(crate) fn unavailable(error: CatalogError) -> Unavailable {
    Unavailable::new("catalogue", error)
}

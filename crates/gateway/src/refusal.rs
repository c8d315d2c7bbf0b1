//! Why something is not let through.

use std::time::Duration;

/// Why something is not let through. Each has one answer in HTTP and one in DICOM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address lies in no zone from which this may be asked for. 403; A-ASSOCIATE-RJ.
    #[error("a network from which this may be asked for")]
    Zone,
    /// A rule of the installation denies it. 403.
    #[error("a request that no rule of this installation denies")]
    Rule,
    /// Too much within a short time. 429; A-ASSOCIATE-RJ (transient), or the status "out of resources".
    #[error("fewer requests of this kind in a second")]
    Rate {
        /// After how long one more is taken.
        retry_after: Duration,
    },
    /// Too much within a day. 429, and the same in DICOM.
    #[error("fewer requests of this kind in a day")]
    Quota {
        /// After how long one more is taken.
        retry_after: Duration,
    },
    /// No turn became free in time. 503; "out of resources".
    #[error("fewer requests of this kind at the same time")]
    Busy,
}

impl Refusal {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Rule => "rule",
            Self::Rate { .. } => "rate",
            Self::Quota { .. } => "quota",
            Self::Busy => "busy",
        }
    }

    /// Whole seconds after which it is worth asking again; nothing where waiting does not help.
    #[must_use]
    pub fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Zone | Self::Rule => None,
            Self::Rate { retry_after } | Self::Quota { retry_after } => {
                Some(u32::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1))
            }
            Self::Busy => Some(BUSY_RETRY_S),
        }
    }
}

/// What is busy now is worth another try when some seconds of work are done.
const BUSY_RETRY_S: u32 = 5;

//! Why a picture cannot be read, made or shown. No error holds a value of the data set.

/// What is wrong with a picture, or with what was asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// An attribute of the Image Pixel module (PS3.3 §C.7.6.3) is missing or makes no sense.
    #[error("{attribute} must be {expected}")]
    Attribute {
        /// The name of the attribute.
        attribute: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The picture is larger than what is decoded in memory.
    #[error("a decoded frame may have {max} bytes, this one has {bytes}")]
    TooLarge {
        /// Bytes of the decoded frame.
        bytes: u64,
        /// [`crate::limits::FRAME_BYTES_MAX`].
        max: u64,
    },
    /// Something legal that is not done here.
    #[error("not supported: {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// The coded bytes break the rules of their format.
    #[error("{format}: {what}")]
    Malformed {
        /// Name of the format.
        format: &'static str,
        /// The rule.
        what: &'static str,
    },
    /// The coded bytes end before the picture does.
    #[error("{format}: the coded bytes end before the picture does")]
    Truncated {
        /// Name of the format.
        format: &'static str,
    },
    /// The coded picture is not the one that the data set describes.
    #[error("{format}: {what} is {declared} in the data set and {coded} in the coded picture")]
    Mismatch {
        /// Name of the format.
        format: &'static str,
        /// What differs.
        what: &'static str,
        /// By the data set.
        declared: u64,
        /// By the coded bytes.
        coded: u64,
    },
}

impl PixelError {
    pub(crate) const fn malformed(format: &'static str, what: &'static str) -> Self {
        Self::Malformed { format, what }
    }
}

//! Why something could not be sealed or opened. No error carries a key, a context or plaintext.

/// Why sealed bytes do not open. Every variant means: hand nothing on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No message has this sealed length: cut off, or never sealed here.
    #[error("sealed bytes of length {sealed_len} are cut off or were never sealed")]
    Length {
        /// The length that came, in bytes.
        sealed_len: u64,
    },
    /// The commitment differs: another key, another context, or a damaged header.
    #[error("the key or the context is not the one these bytes were sealed with")]
    WrongKeyOrContext,
    /// A chunk failed authentication: damaged, swapped or from another object.
    #[error("chunk {chunk} failed authentication")]
    Damaged {
        /// The number of the chunk, from zero.
        chunk: u64,
    },
    /// A chunk has a length that its place in the object does not allow.
    #[error("chunk {chunk} has {bytes} bytes, which its place in the object does not allow")]
    ChunkLength {
        /// The number of the chunk, from zero.
        chunk: u64,
        /// The length that came, in bytes.
        bytes: usize,
    },
    /// A range reaches beyond the end of the object.
    #[error("bytes {start}..{end} were asked of an object of {plain_len} bytes")]
    OutOfRange {
        /// First byte asked for.
        start: u64,
        /// First byte not asked for.
        end: u64,
        /// Length of the object, in bytes.
        plain_len: u64,
    },
    /// A wrapped key failed its integrity check: another parent, another context, or damaged.
    #[error("a wrapped key is damaged or belongs to another parent or context")]
    Wrapped,
    /// The bytes opened but do not hold the expected kind of value.
    #[error("the sealed value opened but is not of the expected kind")]
    Content,
}

/// Why something could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The message reached the bound of the format.
    #[error("a sealed object holds less than 4 PiB (2^38 chunks of 16 KiB)")]
    TooLong,
    /// The value has no JSON form (a map with keys that are no text, a number that is not finite).
    #[error("the value cannot be written as JSON")]
    Content,
}

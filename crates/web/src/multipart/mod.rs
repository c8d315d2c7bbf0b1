//! `multipart/related` (RFC 2387, RFC 2046 §5.1) both ways, streaming: a bounded reader for STOW-RS and a
//! writer for WADO-RS that knows the length of its answer before the first byte.

pub(crate) mod read;
pub(crate) mod write;

pub use read::{MultipartError, Part, Reader};

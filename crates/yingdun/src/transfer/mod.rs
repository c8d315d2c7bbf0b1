//! Moving images in bulk over HTTPS: into a running archive, out of it, and from another archive into it.
//!
//! ```text
//!  import   source ─► batches ─► store ─┐
//!                                       ├─► Link ─► the same door, permit and leaf as everybody
//!  journal, tally, meter: where it is, what became of it, how fast
//! ```
//!
//! Nothing here opens the store of an archive: a bulk transfer is a client that signs in and is decided upon like any
//! other. Memory does not grow with the number or size of files.

mod error;
pub(crate) mod journal;
pub(crate) mod link;
pub(crate) mod meter;
pub(crate) mod migrate;
mod receipt;
pub(crate) mod source;
pub(crate) mod stop;
pub(crate) mod store;
pub(crate) mod tally;

pub(crate) use error::{TransferError, with_causes};

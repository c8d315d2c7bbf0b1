//! Images in bulk, as a client: into a running archive, out of it, and from another archive into it.
//!
//! ```text
//!  import    source ─► batches ─► store ──┐
//!  migrate   origin ─► hash ────► store ──┼─► Link ─► the same door, permit and leaf as everybody
//!  medium    file ◄───────────────────────┘
//!  tally, meter: what became of it, how far it is
//! ```
//!
//! Nothing here opens the store of an archive: a bulk transfer signs in and is decided upon like anybody else. Memory does not
//! grow with the number or size of files. What is said to people is left to the caller.

mod error;
pub mod import;
pub mod link;
pub mod medium;
pub mod meter;
pub mod migrate;
mod receipt;
mod source;
mod store;
pub mod tally;

pub use error::TransferError;
pub use store::Store;

use error::with_causes;

//! One search over several logs: each node of an installation has one, and who asks who looked means all of them.
//!
//! ```text
//!  question ──► own log ───────────────► page ─┐
//!          └──► each other node ──► page, judged ─┴─ joined by time ──► page, and a place in each log for the next one
//! ```
//!
//! Everything here is pure. How a question comes to another node, and who may ask, is not here. Each log stays the one truth about its node: a leaf is
//! in exactly one of them, so nothing has to be compared between two.
//!
//! - **Order.** The newest first by the clocks of the nodes; leaves of one log always in the order of their numbers, whatever its clock said.
//! - **A log that is away** keeps its place, and its leaves come with the page with which it answers again. So a walk whose last page has every
//!   log in it has shown everything.
//! - **A log that ended at a bound** ends the page: what it would say next may be newer than what the others have.

mod join;
mod told;
mod walk;

pub use join::{Joined, join};
pub use told::{Asked, NotBelieved, Told};
pub use walk::Walk;

/// Logs that one search asks, the first of an installation before the later ones: what one cursor in an address carries. The others count as missing.
pub const LOGS_MAX: usize = 16;

//! Whether the log is complete: a Merkle tree proves that nothing was changed, and not that everything was written down.
//!
//! ```text
//!  doors, decisions, keys ──count what they did──► Counted ──heartbeat──► leaves ─┐
//!  the log ──────────────────read leaf by leaf───────────────────────────────────┴─► Walk ──► findings
//! ```
//!
//! * **Who acts counts.** Permits, unwrapped keys, associations and sign-ins are counted where they happen ([`Counted`]), and not where they are
//!   written down.
//! * **A heartbeat** ([`Heartbeat`]) puts these numbers into the log, at a fixed pace that it names itself, numbered within its boot. So silence
//!   is visible, and so is a heartbeat that is missing.
//! * **A walk** ([`Walk`]) counts the leaves and compares. It is a pure function of leaves in their order: the archive does it every night, and
//!   anybody with a copy of the log can do it again.
//!
//! What may differ is known: a decision whose caller hung up between leaf and permit is *unfinished*, one leaf covers reading for a minute, and
//! refusals of strangers beyond a rate are counted in the next leaf (`suppressed`). Everything else is a [`Finding`].

mod class;
mod heartbeat;
mod walk;

pub use class::{ABORTED, Act, RELEASED};
pub use heartbeat::{Counted, Heartbeat};
pub use walk::{Fault, Finding, Summary, Walk};

//! The policy decision point: typed questions in, `permit` or `refuse` with a reason out.
//!
//! Everything here is pure: no clock, no database, no log. [`crate::Access`] gathers the facts, asks here and
//! writes the answer down. There is no cache of decisions: what is prepared once are the policies themselves
//! and the names they use.

mod applicable;
mod compare;
mod engine;
mod local;
mod offered;
mod policies;
mod question;

pub(crate) use compare::{Outlook, Sets, Setting, Told, addresses_in, permitted_at_all};
pub use compare::{PolicyChange, PolicyComparison, PolicyExample};
pub use engine::Decision;
pub(crate) use engine::Engine;
pub use local::{
    LOCAL_BYTES_MAX, LOCAL_POLICIES_MAX, LocalFault, LocalPolicyError, PROTECTED_ACTIONS, Place,
};
pub(crate) use offered::offered;
pub use policies::{PolicyError, PolicySource};
pub(crate) use question::{
    CareInterval, Circumstances, DissentInterval, GrantInterval, MaintenanceInterval, Principal, Target,
    Ties, parse_scopes, words,
};
pub use question::{Resource, Scope, StudyFacts};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod oracle;

//! What the policies can never do: properties that a solver proves for every request there can be, each with a weakened
//! policy that it refutes.
//!
//! The symbolic compiler of Cedar makes a formula of the policies; the solver looks for a request that the policies allow
//! and the property forbids (or the other way round). That there is none is a proof, not a sample.

#![forbid(unsafe_code)]

mod consents;
mod outside;
mod policies;
mod properties;
mod property;
mod prove;

pub use consents::CONSENTS;
pub use outside::OUTSIDE;
pub use policies::{Policies, PoliciesError};
pub use properties::PROPERTIES;
pub use property::{Bound, Mutant, Property};
pub use prove::{Finding, ProofError, Prover};

//! Who a program is, beyond a string that it carries: certificates, keys that prove each use of a token, and what an account demands of both.
//!
//! ```text
//!  token endpoint ── secret, or registered certificate ──► session, bound to certificate (RFC 8705) and key (RFC 9449)
//!  each request ──── token + the same certificate on the same connection + a proof of the same key, once ──► session
//! ```
//!
//! A token that is bound opens nothing by itself: whoever has only read it has nothing. What may come once comes once on all nodes together.

mod bound;
mod certificate;
mod demand;
mod message;
mod once;
mod proof;
mod signed;

pub(crate) use bound::{JudgedKey, Unfit, meets_demands};
pub use bound::{Presented, Scheme, ShownProof};
pub use certificate::ClientCertificate;
pub(crate) use certificate::matching;
pub use demand::{Demand, UnknownDemand};
pub(crate) use demand::{demand_words, parse_demands};
pub use message::{Message, MessageFault, body_digest};
pub(crate) use once::Once;
pub(crate) use proof::ProofFault;
pub use signed::MessageError;

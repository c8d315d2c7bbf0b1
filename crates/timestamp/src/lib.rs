//! What time somebody else says it is: time-stamps of RFC 3161 on checkpoints of the audit log.
//!
//! ```text
//!  audit: checkpoint ──SHA-256, nonce──► time-stamping authority ──token──► judged ──► time-stamps/<size>.tsr beside the log
//! ```
//!
//! * A time-stamp says that a checkpoint, and with it every leaf before, was there at a moment that the archive did not choose.
//!   The authority learns a hash.
//! * **An answer is judged before it is kept** ([`judge`]): its status, our nonce, our hash, the signature by the certificate that the
//!   configuration names, and that this certificate is for time-stamping and nothing else.
//! * **Anybody can check it without us**: the files are what `openssl ts -verify` takes.
//! * **Nobody waits for it** (promise I8). While the authority is away, its next stamp covers everything anyhow.

mod der;
mod error;
mod keep;
mod stamp;
mod token;

pub use error::{TimeStampError, TokenError};
pub use keep::{Kept, kept};
pub use stamp::{News, Stamped, Stamper, TimeStampConfig};
pub use token::{Authority, Stamp, judge, request};

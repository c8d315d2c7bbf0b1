//! Door outwards: asks a directory who somebody is, by LDAP (RFC 4511) over TLS.
//!
//! ```text
//!  address ─► TCP ─► (StartTLS) ─► TLS, certificate of a configured authority ─► bind ─► search ─► bind as somebody
//! ```
//!
//! * **No plain way.** `ldaps://` is TLS from the first byte, `ldap://` begins with StartTLS, and without that nothing is said. What came
//!   before TLS came from nobody: surplus bytes end the connection.
//! * **A name is never text in a filter.** A [`Filter`] is read once, when the program starts; what somebody typed becomes the value of an
//!   assertion, in bytes with their length. There is nothing to escape, and nothing to forget to escape.
//! * **Bounds.** Bytes of a message and of an answer, entries, and the time of each question. Nothing is read recursively: an answer has
//!   the levels that the protocol gives it.
//! * **An empty password is never sent.** A directory takes it for somebody who does not want to say who it is, and answers that all is well
//!   (RFC 4513 §5.1.2).
//! * **Referrals are not followed.** They would take a password to a server that nobody configured.
//!
//! What becomes of an answer is decided elsewhere; this room knows nothing of accounts.

mod address;
mod ber;
mod connection;
mod error;
mod filter;
mod message;

pub use address::ServerAddress;
pub use ber::Malformed;
pub use connection::{Bound, Connection, Found, Scope, Search, Times};
pub use error::LdapError;
pub use filter::{Filter, FilterError};
pub use message::{Answer, Entry, Message, Messages};

//! What is let through, and how much of it: one gateway in front of the HTTP door and the DICOM door.
//!
//! ```text
//!  connection ─► zone? rate of the address ─► request: zone of its class ─► who is it? ─► zone of the role,
//!  [connection]                               [arrival]                      (access)     rate and quota [admit]
//!                                                                                              │
//!                                              turn among what is done now, reading first [turn] ─► handler
//! ```
//!
//! # What holds
//!
//! * **It decides no right.** Whoever passes stands before `yingdun-access` as before; whoever does not, never gets there.
//! * **Bounded.** Every table has a most of entries, every queue a most of waiters and a longest wait.
//! * **Reading goes first.** A picture that somebody waits for takes a turn before searches, bulk and strangers, whose turns become
//!   fewer as soon as readers wait.
//! * **No wall clock.** Rates run on the time since the process began.
//!
//! What it never does: read a header, know a route, write a leaf.

mod buckets;
mod class;
mod gateway;
mod rate;
mod recent;
mod refusal;
mod rules;
mod settings;
mod turns;
mod zones;

pub use class::Class;
pub use gateway::{Gateway, Subject};
pub use rate::Rate;
pub use recent::Credential;
pub use refusal::Refusal;
pub use rules::{Asked, DenyRule, RuleError};
pub use settings::{AddressRates, Settings, SettingsError, SubjectRates};
pub use turns::Turn;
pub use zones::{ZoneError, Zones};

//! Devices: who is at the other end of an association.
//!
//! A device is one record that binds its AE title, the AE title by which it calls us, its certificate and its
//! addresses. All of them must fit; an AE title alone proves nothing.

mod addresses;
mod authenticate;
mod check;
mod destination;
mod ended;
mod endpoint;
mod habits;

pub use addresses::{AddressList, AddressListError};
pub use authenticate::{AssociationReject, DeviceRefusal};
pub use check::{DeviceFault, DeviceRecord, PeerFacts};
pub(crate) use check::{check, records};
pub use destination::MoveDestination;
pub use ended::AssociationEnd;
pub use endpoint::{Endpoint, EndpointError};
pub use habits::{DeviceHabits, HabitsError};

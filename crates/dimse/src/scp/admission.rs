//! How many peers at once, in all and per address. Pure counting; slots are given back when dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Bounds on what peers can make this door hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Associations at once. One more is answered with A-ASSOCIATE-RJ "local limit exceeded".
    pub associations: usize,
    /// Associations at once from one address. A scanner uses one to four; gateways of a whole site more.
    pub associations_per_address: usize,
    /// TCP connections at once, those that wait for their rejection included. One more is closed unanswered.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { associations: 256, associations_per_address: 32, connections: 512 }
    }
}

/// The connections that are open now.
#[derive(Clone)]
pub(super) struct Admission {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    connections: usize,
    associations: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// One open connection.
pub(super) struct Slot {
    open: Arc<Mutex<Open>>,
    /// The address it counts for, unless it is beyond a limit and only waits for its rejection.
    counted: Option<IpAddr>,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// A slot for a connection from this address, which only waits for its rejection unless it `may_associate`; `None` when it
    /// must be closed at once.
    pub(super) fn enter(&self, address: IpAddr, may_associate: bool) -> Option<Slot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.connections >= self.limits.connections {
            return None;
        }
        open.connections += 1;
        let here = open.per_address.get(&address).copied().unwrap_or(0);
        let within = may_associate
            && open.associations < self.limits.associations
            && here < self.limits.associations_per_address;
        if within {
            open.associations += 1;
            open.per_address.insert(address, here + 1);
        }
        Some(Slot { open: self.open.clone(), counted: within.then_some(address) })
    }
}

impl Slot {
    /// Whether this connection may become an association.
    pub(super) const fn within_limits(&self) -> bool {
        self.counted.is_some()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.connections = open.connections.saturating_sub(1);
        if let Some(address) = self.counted {
            open.associations = open.associations.saturating_sub(1);
            // Addresses without connections are forgotten: the table is never longer than the list of slots.
            if let Some(here) = open.per_address.get_mut(&address) {
                *here -= 1;
                if *here == 0 {
                    open.per_address.remove(&address);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { associations: 3, associations_per_address: 2, connections: 4 };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_cannot_take_all_slots() {
        let admission = Admission::new(LIMITS);
        let first = admission.enter(address(1), true).unwrap();
        let second = admission.enter(address(1), true).unwrap();
        let third = admission.enter(address(1), true).unwrap();
        assert!(first.within_limits() && second.within_limits() && !third.within_limits());
        assert!(admission.enter(address(2), true).unwrap().within_limits());
    }

    #[test]
    fn a_connection_beyond_its_rate_waits_for_its_rejection_and_takes_no_association() {
        let admission = Admission::new(LIMITS);
        let beyond = admission.enter(address(1), false).unwrap();
        assert!(!beyond.within_limits());
        let others: Vec<Slot> = (1..3).filter_map(|last| admission.enter(address(last), true)).collect();
        assert!(others.iter().all(Slot::within_limits));
    }

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let admission = Admission::new(LIMITS);
        let slots: Vec<Slot> = (0..4).filter_map(|last| admission.enter(address(last), true)).collect();
        assert_eq!(slots.iter().filter(|slot| slot.within_limits()).count(), 3);
        assert!(admission.enter(address(9), true).is_none());
        drop(slots);
        assert!(admission.enter(address(9), true).unwrap().within_limits());
        assert!(admission.open.lock().unwrap().per_address.is_empty());
    }
}

//! How many connections are open, in all and per address, and which one makes room for another.
//!
//! A connection of somebody who has shown a valid token is known. When there is no room, the oldest one that is not known and serves
//! nothing is closed for the new one; then the oldest that is not known; then the oldest known one that rests. Whoever opens connections
//! and says nothing therefore only loses them again, and nobody who works does. So many connections are known of one subject, the oldest;
//! what it opens beyond that goes first, so that one token does not take the places of a whole hospital behind one address.

use crate::http::held;
use crate::limits;
use axum::body::Body;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;

/// The connections that are open.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    /// Numbered as they came.
    all: BTreeMap<u64, Entry>,
    per_address: HashMap<IpAddr, usize>,
    next: u64,
}

struct Entry {
    network: IpAddr,
    standing: Standing,
    cut: CancellationToken,
}

/// What is known of whoever is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    known: AtomicBool,
    /// Who was known first: on a connection that a proxy shares, one of many.
    subject: OnceLock<Box<str>>,
    served: AtomicUsize,
    /// It speaks another protocol now, in which something is always being served.
    upgraded: AtomicBool,
}

/// A request that is being served.
pub(super) struct Served(Standing);

/// A place among the connections, given back when dropped.
pub(super) struct Slot {
    connections: Connections,
    number: u64,
    standing: Standing,
    cut: CancellationToken,
}

impl Standing {
    /// A valid token was shown, of this subject where it is of one.
    pub(crate) fn is_known(&self, subject: Option<&str>) {
        if let Some(subject) = subject {
            self.0.subject.get_or_init(|| subject.into());
        }
        self.0.known.store(true, Ordering::Relaxed);
    }

    /// A request begins.
    pub(super) fn serves(&self) -> Served {
        self.0.served.fetch_add(1, Ordering::Relaxed);
        Served(self.clone())
    }

    /// The connection goes on as a WebSocket.
    pub(super) fn is_upgraded(&self) {
        self.0.upgraded.store(true, Ordering::Relaxed);
    }

    /// How much is lost when the connection is closed; nothing where it must not be.
    fn loss(&self) -> Option<u8> {
        let (known, rests) =
            (self.0.known.load(Ordering::Relaxed), self.0.served.load(Ordering::Relaxed) == 0);
        if self.0.upgraded.load(Ordering::Relaxed) {
            return None;
        }
        match (known, rests) {
            (false, true) => Some(0),
            (false, false) => Some(1),
            (true, true) => Some(2),
            (true, false) => None,
        }
    }
}

impl Served {
    /// The body of the answer: the request is served until it is taken, or nobody takes it any more.
    pub(super) fn until_taken(self, body: Body) -> Body {
        held::until_taken(body, self)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.0.served.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    /// A place for a connection from this address; nothing when all others are of use.
    pub(super) fn take(&self, address: IpAddr) -> Option<Slot> {
        let network = network_of(address);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.per_address.get(&network).copied().unwrap_or(0);
        if here >= limits::CONNECTIONS_PER_ADDRESS_MAX {
            // One address makes room among its own.
            open.make_room(|entry| entry.network == network)?;
        } else if open.all.len() >= limits::CONNECTIONS_MAX {
            open.make_room(|_| true)?;
        }
        let number = open.next;
        open.next += 1;
        let (standing, cut) = (Standing::default(), CancellationToken::new());
        open.all.insert(number, Entry { network, standing: standing.clone(), cut: cut.clone() });
        *open.per_address.entry(network).or_default() += 1;
        metrics::gauge!("yingdun_http_connections").increment(1.0);
        Some(Slot { connections: self.clone(), number, standing, cut })
    }
}

impl Open {
    /// Closes the connection of which least is lost, the oldest of equals.
    fn make_room(&mut self, among: impl Fn(&Entry) -> bool) -> Option<()> {
        let mut of_subject: HashMap<&str, usize> = HashMap::new();
        let candidates = self.all.iter().filter(|(_, entry)| among(entry));
        let losses = candidates.filter_map(|(number, entry)| {
            let own = entry.standing.0.subject.get().map(|subject| of_subject.entry(subject).or_default());
            let is_beyond = own.is_some_and(|own| {
                *own += 1;
                *own > limits::CONNECTIONS_PER_SUBJECT_MAX
            });
            Some((if is_beyond { 0 } else { entry.standing.loss()? }, *number))
        });
        let (_, number) = losses.min()?;
        if let Some(entry) = self.remove(number) {
            entry.cut.cancel();
            metrics::counter!("yingdun_http_connections_evicted_total").increment(1);
        }
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.all.remove(&number)?;
        if let Some(here) = self.per_address.get_mut(&entry.network) {
            *here -= 1;
            if *here == 0 {
                self.per_address.remove(&entry.network);
            }
        }
        metrics::gauge!("yingdun_http_connections").decrement(1.0);
        Some(entry)
    }
}

impl Slot {
    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Cancelled when the connection has to make room.
    pub(super) fn cut(&self) -> CancellationToken {
        self.cut.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.number);
    }
}

/// One IPv6 host owns a whole /64, so the network counts as one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Body as _;

    fn at(number: usize) -> IpAddr {
        IpAddr::from([10, 0, u8::try_from(number / 100).unwrap(), u8::try_from(number % 100).unwrap()])
    }

    fn fill(connections: &Connections) -> Vec<Slot> {
        (0..limits::CONNECTIONS_MAX).map(|number| connections.take(at(number)).unwrap()).collect()
    }

    fn open(connections: &Connections) -> usize {
        connections.0.lock().unwrap().all.len()
    }

    #[test]
    fn one_address_makes_room_among_its_own_and_a_closed_connection_frees_its_place() {
        let connections = Connections::default();
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let elsewhere = connections.take("2001:db8:1::1".parse().unwrap()).unwrap();
        let mut slots: Vec<Slot> =
            (0..limits::CONNECTIONS_PER_ADDRESS_MAX).map(|_| connections.take(here).unwrap()).collect();
        slots.push(connections.take(neighbour).unwrap());
        assert!(slots[0].cut().is_cancelled(), "the same /64 is the same host");
        assert!(!slots[1].cut().is_cancelled() && !elsewhere.cut().is_cancelled());
        for slot in &slots[1..] {
            slot.standing().is_known(None);
        }
        let busy: Vec<Served> = slots[1..].iter().map(|slot| slot.standing().serves()).collect();
        assert!(connections.take(here).is_none(), "all of it is of use");
        drop(busy);
        assert!(connections.take(here).is_some());
    }

    #[test]
    fn the_oldest_stranger_who_asks_nothing_goes_first_and_nobody_who_is_served_goes() {
        let connections = Connections::default();
        let slots = fill(&connections);
        let (first, second, third) = (&slots[0], &slots[1], &slots[2]);
        first.standing().is_known(None);
        let _asking = second.standing().serves();
        let newcomer = connections.take(at(5000)).unwrap();
        assert!(third.cut().is_cancelled());
        assert!(
            !first.cut().is_cancelled() && !second.cut().is_cancelled() && !newcomer.cut().is_cancelled()
        );
        assert_eq!(open(&connections), limits::CONNECTIONS_MAX);
    }

    #[tokio::test]
    async fn who_takes_a_long_answer_is_served_until_it_is_taken() {
        let connections = Connections::default();
        let slot = connections.take(at(1)).unwrap();
        slot.standing().is_known(None);
        let body = slot.standing().serves().until_taken(Body::from("a picture"));
        assert_eq!(slot.standing().loss(), None);
        assert_eq!(body.size_hint().exact(), Some(9));
        assert_eq!(axum::body::to_bytes(body, 100).await.unwrap(), "a picture");
        assert_eq!(slot.standing().loss(), Some(2));
        slot.standing().is_upgraded();
        assert_eq!(slot.standing().loss(), None, "a channel of events waits, and is of use");
    }

    #[test]
    fn one_subject_does_not_take_all_places_of_its_address() {
        let connections = Connections::default();
        let here = at(1);
        let slots: Vec<Slot> =
            (0..limits::CONNECTIONS_PER_ADDRESS_MAX).map(|_| connections.take(here).unwrap()).collect();
        slots.iter().for_each(|slot| slot.standing().is_known(Some("person li")));
        let _served: Vec<Served> = slots.iter().map(|slot| slot.standing().serves()).collect();
        slots[limits::CONNECTIONS_PER_SUBJECT_MAX + 1].standing().is_upgraded();
        let colleagues: Vec<Slot> = (0..10).map(|_| connections.take(here).unwrap()).collect();
        colleagues.iter().for_each(|slot| slot.standing().is_known(Some("person wang")));
        let (kept, beyond) = slots.split_at(limits::CONNECTIONS_PER_SUBJECT_MAX);
        assert!(kept.iter().all(|slot| !slot.cut().is_cancelled()), "the oldest stay");
        assert!(beyond[..10].iter().all(|slot| slot.cut().is_cancelled()));
        assert!(colleagues.iter().all(|slot| !slot.cut().is_cancelled()));
    }

    #[test]
    fn where_everybody_is_served_one_more_is_refused() {
        let connections = Connections::default();
        let slots = fill(&connections);
        slots.iter().for_each(|slot| slot.standing().is_known(None));
        let served: Vec<Served> = slots.iter().map(|slot| slot.standing().serves()).collect();
        assert!(connections.take(at(5000)).is_none());
        drop(served);
        assert!(connections.take(at(5000)).is_some(), "one that rests opens again when it is needed");
        drop(slots);
        assert_eq!(open(&connections), 0);
        assert!(connections.0.lock().unwrap().per_address.is_empty());
    }
}

//! What waits to be written anew, the most endangered first.

use std::collections::{BTreeMap, BTreeSet};

/// Copies that wait for repair. A pack of which some record has one good copy left comes before one with two, an
/// older pack before a younger one.
#[derive(Debug, Default)]
pub(crate) struct Repairs {
    /// Good copies, pack, replica.
    order: BTreeSet<(usize, u64, usize)>,
    good: BTreeMap<u64, usize>,
}

impl Repairs {
    /// Waits for these copies of a pack, of whose weakest record so many good copies are known; for no other copy of it.
    pub(crate) fn replace(&mut self, pack: u64, good: usize, replicas: impl IntoIterator<Item = usize>) {
        self.remove_pack(pack);
        for replica in replicas {
            self.order.insert((good, pack, replica));
            self.good.insert(pack, good);
        }
    }

    /// Waits no more for one copy.
    pub(crate) fn remove(&mut self, pack: u64, replica: usize) {
        if let Some(good) = self.good.get(&pack) {
            self.order.remove(&(*good, pack, replica));
        }
    }

    /// Waits no more for any copy of a pack.
    pub(crate) fn remove_pack(&mut self, pack: u64) {
        if let Some(good) = self.good.remove(&pack) {
            let of_pack = (good, pack, 0)..=(good, pack, usize::MAX);
            let waiting: Vec<_> = self.order.range(of_pack).copied().collect();
            for copy in waiting {
                self.order.remove(&copy);
            }
        }
    }

    /// Pack and replica of each copy, the most endangered first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, usize)> {
        self.order.iter().map(|(_, pack, replica)| (*pack, *replica))
    }

    /// How many copies wait.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_with_the_fewest_good_copies_comes_first_and_then_the_oldest() {
        let mut repairs = Repairs::default();
        repairs.replace(1, 2, [0]);
        repairs.replace(2, 2, [1]);
        repairs.replace(3, 1, [0, 2]);
        assert_eq!(repairs.iter().collect::<Vec<_>>(), [(3, 0), (3, 2), (1, 0), (2, 1)]);
        repairs.replace(2, 0, [1]);
        repairs.remove(3, 0);
        assert_eq!(repairs.iter().collect::<Vec<_>>(), [(2, 1), (3, 2), (1, 0)]);
        repairs.replace(3, 1, []);
        repairs.remove_pack(2);
        repairs.remove(2, 1);
        assert_eq!((repairs.iter().collect::<Vec<_>>(), repairs.len()), (vec![(1, 0)], 1));
    }
}

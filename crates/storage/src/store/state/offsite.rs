//! What off-site replicas should have.

use super::{Phase, State};
use crate::record::format::PACK_HEADER_BYTES;
use crate::store::offsite::Wanted;
use std::collections::BTreeSet;

impl State {
    /// What an off-site replica should have, and which packs there are at all. A pack that a crash left open and that
    /// cannot be decided yet is not sent: nobody knows where it ends.
    pub(crate) fn wanted(&self) -> (Wanted, BTreeSet<u64>) {
        let mut wanted = Wanted::default();
        for (number, pack) in &self.packs {
            match pack.phase {
                Phase::Sealed if self.leaving.contains(number) => {}
                Phase::Sealed => wanted.sealed.push((*number, pack.end)),
                Phase::Active | Phase::Closing if pack.end > PACK_HEADER_BYTES => {
                    wanted.growing.push((*number, pack.end));
                }
                Phase::Active | Phase::Closing | Phase::Unfinished => {}
            }
        }
        (wanted, self.packs.keys().copied().collect())
    }
}

//! Who is taken for dead: a worker whose count has rested for so many looks of ours.
//!
//! Looks are counted, and no time: while this node sleeps or the database is away nobody looks, and nobody's count can move.

use std::collections::HashMap;
use yingdun_catalog::catalogue::jobs::Pulse;
use yingdun_model::StoreNumber;

/// Looks at which a count has rested before its worker is taken for dead: at one in two seconds half a minute, in which it should
/// have moved six times.
pub(super) const LOOKS_MAX: u32 = 15;

/// What was seen of others.
#[derive(Debug, Default)]
pub(super) struct Silence(HashMap<StoreNumber, (Pulse, u32)>);

impl Silence {
    /// Looks at the workers that have jobs, and gives those that are taken for dead. The own one is not judged.
    pub(super) fn look(&mut self, own: StoreNumber, working: &[Pulse]) -> Vec<Pulse> {
        self.0.retain(|store, _| working.iter().any(|pulse| pulse.worker.store == *store));
        let mut dead = Vec::new();
        for pulse in working.iter().filter(|pulse| pulse.worker.store != own) {
            let (seen, rested) = self.0.entry(pulse.worker.store).or_insert((*pulse, 0));
            if seen == pulse {
                *rested += 1;
            } else {
                (*seen, *rested) = (*pulse, 1);
            }
            if *rested > LOOKS_MAX {
                dead.push(*pulse);
            }
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_catalog::catalogue::jobs::Worker;

    fn pulse(store: u32, beats: i64) -> Pulse {
        let worker = Worker { store: StoreNumber::new(store).unwrap(), process: [1; 16] };
        Pulse { worker, beats }
    }

    #[test]
    fn a_count_that_rests_for_all_looks_is_dead_and_a_new_process_is_another() {
        let (mut silence, own) = (Silence::default(), StoreNumber::FIRST);
        let other = pulse(2, 5);
        for _ in 0..LOOKS_MAX {
            assert_eq!(silence.look(own, &[pulse(1, 5), other]), []);
        }
        let reborn = Pulse { worker: Worker { process: [2; 16], ..other.worker }, ..other };
        let mut another = Silence::default();
        for _ in 0..LOOKS_MAX {
            another.look(own, &[other]);
        }
        assert_eq!(another.look(own, &[reborn]), []);
        assert_eq!(silence.look(own, &[pulse(1, 5), other]), [other], "and never the own one");
        // Without jobs it is nobody's business, and it begins anew.
        assert_eq!(silence.look(own, &[]), []);
        assert_eq!(silence.look(own, &[other]), []);
    }

    proptest! {
        /// Whoever moves at least once in as many looks as are allowed lives.
        #[test]
        fn who_moves_often_enough_lives(pauses in prop::collection::vec(1..=LOOKS_MAX, 1..20)) {
            let mut silence = Silence::default();
            for (beats, pause) in (0..).zip(pauses) {
                for _ in 0..pause {
                    prop_assert_eq!(silence.look(StoreNumber::FIRST, &[pulse(2, beats)]), vec![]);
                }
            }
        }
    }
}

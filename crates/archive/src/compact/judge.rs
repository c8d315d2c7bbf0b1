//! What of a pack is dead. Pure.

use crate::destroy::{DestructionRecord, DestructionState};
use std::collections::{BTreeSet, HashMap};
use yingdun_model::{InstitutionId, StudyRef};
use yingdun_storage::{HeldRecord, Location, RecordKind};

/// What destructions that are done say of packs.
#[derive(Debug, Default)]
pub(crate) struct Destroyed {
    /// For each study: what lies below this pack was stored under a key that is destroyed.
    below: HashMap<StudyRef, u64>,
    /// Packs in which destroyed studies lay.
    packs: BTreeSet<u64>,
}

/// What a pack holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) dead_records: u64,
    pub(crate) dead_bytes: u64,
}

impl Destroyed {
    /// What destructions say of one store. One that is not done says nothing yet: copies of its keys may still open.
    pub(crate) fn of(records: &[DestructionRecord], store: [u8; 16]) -> Self {
        let (store, mut destroyed) = (hex::encode(store), Self::default());
        for record in records.iter().filter(|record| record.state == DestructionState::Done) {
            let Some(remains) = record.remains.as_ref().filter(|remains| remains.store == store) else {
                continue;
            };
            let Some(below) = remains.below.as_deref().and_then(pack_number) else { continue };
            destroyed.packs.extend(remains.packs.iter().filter_map(|pack| pack_number(pack)));
            for study in &record.studies {
                let known = destroyed.below.entry(study.study).or_insert(below);
                *known = below.max(*known);
            }
        }
        destroyed
    }

    /// The packs worth looking at, in their order.
    pub(crate) fn packs(&self) -> impl Iterator<Item = u64> {
        self.packs.iter().copied()
    }

    /// What of a pack is dead, and the records that live. A record of a study that came again after its destruction lies behind it,
    /// and lives. A pack that was made of another one is on the same side of every destruction: its number says so.
    pub(crate) fn judge(
        &self,
        pack: u64,
        records: &[HeldRecord],
        institution: &InstitutionId,
    ) -> (Share, Vec<Location>) {
        let (mut share, mut living) = (Share::default(), Vec::new());
        for HeldRecord { header, location } in records {
            let bytes = location.record_bytes();
            share.records += 1;
            share.bytes += bytes;
            let ours = header.institution == *institution && header.kind == RecordKind::INSTANCE;
            if ours && self.below.get(&header.study).is_some_and(|below| pack < *below) {
                share.dead_records += 1;
                share.dead_bytes += bytes;
            } else {
                living.push(*location);
            }
        }
        (share, living)
    }
}

impl Share {
    /// Whether nothing of the pack lives.
    pub(crate) const fn is_dead(&self) -> bool {
        self.records > 0 && self.dead_records == self.records
    }

    /// Whether so many percent of the pack are dead that it is worth copying the rest. At 100 nothing ever is.
    pub(crate) fn is_sparse(&self, dead_percent: u8) -> bool {
        let (dead, all) = (u128::from(self.dead_bytes), u128::from(self.bytes));
        dead > 0 && !self.is_dead() && dead * 100 >= all * u128::from(dead_percent)
    }

    pub(crate) const fn living_records(&self) -> u64 {
        self.records - self.dead_records
    }

    pub(crate) const fn living_bytes(&self) -> u64 {
        self.bytes - self.dead_bytes
    }
}

fn pack_number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destroy::{DestroyReason, DestructionSubject, RecordedStudy, Remains};
    use proptest::prelude::*;
    use yingdun_model::{ActorId, Grade, PatientRef, Timestamp};
    use yingdun_storage::{Layout, RecordHeader};

    const STORE: [u8; 16] = [5; 16];

    fn house() -> InstitutionId {
        InstitutionId::new("renmin").unwrap()
    }

    fn study(number: u8) -> StudyRef {
        StudyRef::from_bytes([number; 16])
    }

    fn record(of: u8) -> HeldRecord {
        let header = RecordHeader { institution: house(), study: study(of), kind: RecordKind::INSTANCE };
        let location = Location {
            pack: 7,
            offset: 72,
            descriptor_bytes: 0,
            metadata_bytes: 0,
            object_bytes: 176,
            layout: Layout::DescriptorFirst,
            digest: [of; 32],
        };
        HeldRecord { header, location }
    }

    fn destruction(of: u8, below: u64) -> DestructionRecord {
        let study = RecordedStudy {
            uid: None,
            study: study(of),
            patient: PatientRef::from_bytes([1; 16]),
            grade: Grade::L4,
            suite: "cobblestone-256".to_owned(),
            key_made_ms: 1,
            instances: 1,
            bytes: 1,
            intent_leaf: None,
            outcome_leaf: None,
        };
        let (subject, reason) = (DestructionSubject::Study, DestroyReason::Trial);
        let (by, at) = (ActorId::new("sec").unwrap(), Timestamp::from_ms(1));
        let record = DestructionRecord::new("ab".to_owned(), subject, reason, by, at, vec![study]);
        let remains = Remains {
            store: hex::encode(STORE),
            packs: [format!("{:016x}", below - 1)].into(),
            below: Some(format!("{below:016x}")),
        };
        DestructionRecord { state: DestructionState::Done, remains: Some(remains), ..record }
    }

    #[test]
    fn a_pack_is_dead_when_every_record_of_it_is_and_not_before() {
        let destroyed = Destroyed::of(&[destruction(1, 8), destruction(2, 9)], STORE);
        assert_eq!(destroyed.packs().collect::<Vec<_>>(), [7, 8]);
        let share = |pack, of: &[u8]| {
            let records: Vec<HeldRecord> = of.iter().map(|of| record(*of)).collect();
            destroyed.judge(pack, &records, &house()).0
        };
        assert!(share(7, &[1, 2, 1]).is_dead());
        let mixed = Share { records: 3, bytes: 1200, dead_records: 2, dead_bytes: 800 };
        assert_eq!(share(7, &[1, 3, 2]), mixed);
        assert!(!share(8, &[1, 2]).is_dead(), "the first came again");
        assert!(!share(7, &[]).is_dead(), "what holds nothing is not judged");
    }

    #[test]
    fn a_pack_is_worth_rewriting_from_the_share_on_that_was_asked_for() {
        let share = |dead_bytes| Share { records: 4, bytes: 400, dead_records: dead_bytes / 100, dead_bytes };
        let sparse = |percent: u8| [0, 100, 200, 300, 400].map(|dead| share(dead).is_sparse(percent));
        assert_eq!(sparse(50), [false, false, true, true, false]);
        assert_eq!(sparse(26), [false, false, true, true, false]);
        assert_eq!(sparse(1), [false, true, true, true, false]);
        assert_eq!(sparse(100), [false; 5], "what is dead as a whole is removed without");
    }

    #[test]
    fn what_is_not_known_to_be_dead_lives() {
        let dead = |records: &[DestructionRecord], of: &HeldRecord| {
            let destroyed = Destroyed::of(records, STORE);
            destroyed.judge(7, std::slice::from_ref(of), &house()).0.is_dead()
        };
        assert!(dead(&[destruction(1, 8)], &record(1)));
        assert!(!dead(&[], &record(1)), "a key that is missing is no destruction");
        for state in [
            DestructionState::Requested,
            DestructionState::Withdrawn,
            DestructionState::Approved,
            DestructionState::Shredded,
            DestructionState::Rolling,
        ] {
            assert!(!dead(&[DestructionRecord { state, ..destruction(1, 8) }], &record(1)), "{state}");
        }
        let elsewhere = DestructionRecord {
            remains: destruction(1, 8).remains.map(|remains| Remains { store: "00".to_owned(), ..remains }),
            ..destruction(1, 8)
        };
        assert!(!dead(&[elsewhere], &record(1)), "another store");
        let without = DestructionRecord { remains: None, ..destruction(1, 8) };
        assert!(!dead(&[without], &record(1)), "nobody noted where it lay");
        let mut foreign = record(1);
        foreign.header.institution = InstitutionId::new("other").unwrap();
        assert!(!dead(&[destruction(1, 8)], &foreign));
        let mut unknown = record(1);
        unknown.header.kind = RecordKind(9);
        assert!(!dead(&[destruction(1, 8)], &unknown));
    }

    proptest! {
        /// Against a model that is told of each record whether its key was destroyed after it was stored.
        #[test]
        fn no_record_that_lives_is_ever_in_a_pack_that_is_called_dead(
            packs in prop::collection::vec(prop::collection::vec(0_u8..6, 1..5), 1..12),
            ends in prop::collection::vec((0_u8..6, 1_u64..14), 0..8),
        ) {
            let records: Vec<DestructionRecord> =
                ends.iter().map(|(of, below)| destruction(*of, *below)).collect();
            let destroyed = Destroyed::of(&records, STORE);
            for (number, held) in (0_u64..).zip(&packs) {
                let lives = |of: &u8| !ends.iter().any(|(gone, below)| gone == of && number < *below);
                let records: Vec<HeldRecord> = held.iter().map(|of| record(*of)).collect();
                let (share, living) = destroyed.judge(number, &records, &house());
                prop_assert_eq!(share.is_dead(), !held.iter().any(lives));
                prop_assert_eq!(share.dead_bytes, 400 * held.iter().filter(|of| !lives(of)).count() as u64);
                let expected: Vec<u8> = held.iter().copied().filter(lives).collect();
                prop_assert_eq!(living.iter().map(|at| at.digest[0]).collect::<Vec<_>>(), expected);
                prop_assert_eq!((share.living_records(), share.living_bytes()), (living.len() as u64, 400 * living.len() as u64));
            }
        }
    }
}

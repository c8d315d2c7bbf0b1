//! The decisions of the store, one by one.

use super::*;
use crate::Layout;
use crate::record::format::PACK_HEADER_BYTES;
use proptest::prelude::*;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

fn state(replicas: usize, write_quorum: usize) -> State {
    let names: Vec<String> = (0..replicas).map(|index| index.to_string()).collect();
    state_in(&names.iter().map(String::as_str).collect::<Vec<_>>(), write_quorum, 1)
}

/// A state with a replica in each of these failure domains.
fn state_in(domains: &[&str], write_quorum: usize, write_domains: usize) -> State {
    let quorum = Quorum::of(write_quorum, write_domains, domains.iter().copied());
    let limits = Limits { quorum, pack_bytes_max: 1000, reserve_bytes: 50 };
    let replica = |_| Replica {
        state: ReplicaState::Ready,
        free_bytes: 1_000_000,
        queue: VecDeque::new(),
        queued_bytes: 0,
        busy_since: None,
        times_out: 0,
        hung: false,
        repaired: 0,
    };
    State::new(limits, (0..domains.len()).map(replica).collect(), BTreeMap::new())
}

fn append(state: &mut State, object_bytes: u64) -> (Arc<Placed>, Receiver<Result<(), StoreError>>) {
    let mut location = Location {
        pack: 0,
        offset: 0,
        descriptor_bytes: 0,
        metadata_bytes: 0,
        object_bytes,
        layout: Layout::DescriptorFirst,
        digest: [0; 32],
    };
    let (pack, offset, members) = state.place(location.record_bytes(), 7).unwrap();
    (location.pack, location.offset) = (pack, offset);
    let (reply, answer) = oneshot::channel();
    let record = Arc::new(Placed::new(location, Vec::new(), members, reply, None));
    state.enqueue(&record, members);
    (record, answer)
}

fn deliver(answers: Answers) {
    for (_, reply, result) in answers {
        drop(reply.send(result));
    }
}

#[test]
fn a_record_is_acknowledged_by_the_replica_that_completes_the_quorum() {
    let mut state = state(3, 2);
    let (record, mut answer) = append(&mut state, 8);
    deliver(state.written(2, &[Arc::clone(&record)]));
    assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
    deliver(state.written(0, &[Arc::clone(&record)]));
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!(state.packs[&record.location.pack].end, record.location.end());
}

#[test]
fn a_record_is_refused_as_soon_as_the_quorum_is_out_of_reach() {
    let mut state = state(3, 2);
    let (_, mut answer) = append(&mut state, 8);
    deliver(state.replica_out(0, ReplicaState::Failed("x".into())));
    assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
    deliver(state.replica_out(1, ReplicaState::Full));
    let refusal = answer.try_recv().unwrap();
    assert!(matches!(refusal, Err(StoreError::OutOfSpace { required: 2, able: 1 })));
    assert!(matches!(state.place(8, 7), Err(StoreError::OutOfSpace { required: 2, able: 1 })));
}

#[test]
fn copies_in_one_failure_domain_acknowledge_nothing_where_two_domains_are_asked_for() {
    let mut state = state_in(&["north", "north", "south"], 2, 2);
    let (record, mut answer) = append(&mut state, 8);
    for replica in [0, 1] {
        deliver(state.written(replica, &[Arc::clone(&record)]));
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(state.packs[&record.location.pack].end, PACK_HEADER_BYTES);
    }
    deliver(state.written(2, &[Arc::clone(&record)]));
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!(state.packs[&record.location.pack].end, record.location.end());
}

#[test]
fn the_loss_of_the_last_replica_of_a_needed_domain_is_a_refusal_that_names_it() {
    let mut state = state_in(&["north", "north", "south"], 2, 2);
    let (record, mut answer) = append(&mut state, 8);
    deliver(state.written(0, &[Arc::clone(&record)]));
    deliver(state.replica_out(2, ReplicaState::Missing));
    let is_named = |refusal: StoreError| match refusal {
        StoreError::DomainsLost { required: 2, able: 1, missing } => missing == "south",
        _ => false,
    };
    assert!(is_named(answer.try_recv().unwrap().unwrap_err()), "who waits is told");
    assert!(is_named(state.place(8, 7).unwrap_err()), "who comes is told");
    state.replica_ready(2);
    assert!(state.place(8, 7).is_ok());
}

#[test]
fn a_replica_is_not_spared_while_its_failure_domain_is_needed_for_writes_or_for_a_pack() {
    let mut state = state_in(&["north", "north", "south", "south"], 2, 2);
    state.packs.insert(1, Pack::sealed(500, vec![Copy::Whole, Copy::Whole, Copy::Whole, Copy::Lacking]));
    deliver(state.drain(2).unwrap());
    assert_eq!(state.needed_on(2), 1, "the others have two good copies, both in the north");
    let missing = "south".to_owned();
    assert_eq!(state.drain(3).unwrap_err(), Shortfall::Domains { required: 2, able: 1, missing });
    state.repaired(1, 3);
    assert_eq!(state.needed_on(2), 0);
}

#[test]
fn a_replica_is_not_spared_before_the_pack_is_sealed_that_it_was_in() {
    let mut state = state(3, 2);
    let (record, _answer) = append(&mut state, 8);
    for replica in 0..3 {
        deliver(state.written(replica, &[Arc::clone(&record)]));
    }
    deliver(state.drain(1).unwrap());
    assert_eq!(state.needed_on(1), 1, "two others have it, and it is to be sealed on this one");
    let plan = state.sealable().remove(0);
    assert_eq!(plan.complete, [0, 1, 2]);
    state.sealed(&plan, &[0, 1, 2]);
    assert_eq!(state.needed_on(1), 0);
}

#[test]
fn a_replica_that_failed_in_a_pack_is_in_no_later_record_of_it() {
    let mut state = state(3, 2);
    let (first, _answer) = append(&mut state, 8);
    deliver(state.replica_out(1, ReplicaState::Missing));
    state.replica_ready(1);
    let (second, _answer) = append(&mut state, 8);
    assert!(second.location.pack > first.location.pack);
    let plan = |state: &State| state.sealable();
    assert_eq!(plan(&state), [], "two replicas still write");
    for replica in [0, 2] {
        deliver(state.written(replica, &[Arc::clone(&first)]));
    }
    let expected = SealPlan { pack: first.location.pack, end: first.location.end(), complete: vec![0, 2] };
    assert_eq!(plan(&state), std::slice::from_ref(&expected));
    state.sealed(&expected, &[0, 2]);
    assert_eq!(state.next_repair(&BTreeSet::new()), Some((first.location.pack, 1)));
}

#[test]
fn a_full_pack_is_closed_and_a_pack_without_records_is_forgotten() {
    let mut state = state(1, 1);
    let (first, _answer) = append(&mut state, 600);
    let (second, _answer) = append(&mut state, 600);
    assert_ne!(first.location.pack, second.location.pack);
    deliver(state.replica_out(0, ReplicaState::Full));
    let plans = state.sealable();
    assert_eq!(plans.len(), 2);
    for plan in plans {
        assert_eq!(plan.complete, [0_usize; 0]);
        state.sealed(&plan, &[]);
    }
    assert!(state.packs.is_empty() && state.repairs.len() == 0);
}

#[test]
fn a_replica_without_room_beyond_the_reserve_is_left_out_before_it_is_written() {
    let mut state = state(2, 1);
    state.replicas[1].free_bytes = 300;
    let (record, _answer) = append(&mut state, 100);
    assert_eq!(state.replicas[1].state, ReplicaState::Full);
    assert_eq!(state.packs[&record.location.pack].durable_on(1), 0);
    assert!(state.replicas[1].queue.is_empty());
}

#[test]
fn pack_numbers_grow_and_fit_a_signed_number() {
    let mut state = state(1, 1);
    let numbers: Vec<u64> = (0..100).map(|index| state.number_large(u32::MAX - index * 99)).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert!(numbers.iter().all(|number| i64::try_from(*number).is_ok()));
}

#[test]
fn trusted_copies_are_preferred_and_packs_are_spread() {
    let mut state = state(3, 2);
    let whole = || Pack::sealed(500, vec![Copy::Whole; 3]);
    state.packs.extend([(1, whole()), (2, whole())]);
    assert_eq!(state.preference(1, &(72..400)), [1, 2, 0]);
    assert_eq!(state.preference(2, &(72..400)), [2, 0, 1]);
    state.packs.get_mut(&1).unwrap().bad.push((1, 300..310));
    assert_eq!(state.preference(1, &(72..400)), [2, 0, 1]);
    assert_eq!(state.preference(1, &(72..300)), [1, 2, 0]);
    assert!(state.lacking(1, 2));
    assert_eq!(state.preference(1, &(72..400)), [0, 1, 2]);
}

#[test]
fn records_with_the_fewest_good_copies_are_written_anew_first() {
    let mut state = state(3, 2);
    let whole = || Pack::sealed(600, vec![Copy::Whole; 3]);
    state.packs.extend([(1, whole()), (2, whole()), (3, whole())]);
    let record = |pack, offset| Location {
        pack,
        offset,
        descriptor_bytes: 0,
        metadata_bytes: 0,
        object_bytes: 0,
        layout: Layout::DescriptorFirst,
        digest: [0; 32],
    };
    let none = BTreeSet::new();
    assert!(state.quarantine(&record(1, 72), 0));
    assert!(state.quarantine(&record(2, 72), 0));
    assert!(state.quarantine(&record(2, 296), 1), "another record: both have two good copies");
    assert_eq!(state.next_repair(&none), Some((1, 0)));
    assert!(state.quarantine(&record(2, 72), 1));
    assert_eq!(state.next_repair(&none), Some((2, 0)), "now one of them has one");
    assert!(state.lacking(3, 0) && state.lacking(3, 2));
    assert!(state.quarantine(&record(3, 72), 1));
    assert_eq!(state.next_repair(&none), Some((3, 0)), "and this one may have none");
    state.repaired(3, 0);
    assert_eq!(state.next_repair(&none), Some((2, 0)));
}

#[test]
fn a_copy_with_very_many_faults_is_a_fault_as_a_whole() {
    let mut state = state(2, 1);
    state.packs.insert(1, Pack::sealed(1_000_000, vec![Copy::Whole; 2]));
    let mut noticed = 0;
    for number in 0..1000 {
        let location = Location {
            pack: 1,
            offset: 72 + number * 224,
            descriptor_bytes: 0,
            metadata_bytes: 0,
            object_bytes: 0,
            layout: Layout::DescriptorFirst,
            digest: [0; 32],
        };
        noticed += usize::from(state.quarantine(&location, 1));
    }
    assert_eq!((noticed, state.packs[&1].bad.len(), state.repairs.len()), (65, 0, 1));
    assert_eq!(state.packs[&1].copies[1], Copy::Lacking);
}

#[test]
fn most_copies_say_what_is_right() {
    let mut state = state(3, 2);
    state.packs.insert(1, Pack::sealed(500, vec![Copy::Whole; 3]));
    assert_eq!(state.compare(1, 0, [1; 32]), Agreement::Same);
    assert_eq!(state.compare(1, 1, [2; 32]), Agreement::Tie);
    assert_eq!(state.compare(1, 2, [1; 32]), Agreement::Minority(vec![1]));
    state.repaired(1, 1);
    assert_eq!(state.compare(1, 0, [1; 32]), Agreement::Same, "what was written anew has to be seen again");
    assert_eq!(state.compare(7, 0, [1; 32]), Agreement::Same, "a pack that is gone");
}

proptest! {
    /// INVARIANT: what is acknowledged is a prefix of each pack that the write quorum holds, in as many failure domains as
    /// are asked for.
    #[test]
    fn acknowledged_records_are_a_durable_prefix(
        domains in proptest::collection::vec(0_usize..3, 4),
        wanted in 1_usize..3,
        steps in proptest::collection::vec((0_u8..8, 0_usize..4), 1..200),
    ) {
        let names: Vec<&str> = domains.iter().map(|domain| ["north", "south", "east"][*domain]).collect();
        let mut state = state_in(&names, 2, wanted);
        let mut appended = Vec::new();
        for (step, replica) in steps {
            match step {
                0..=2 => {
                    if let Ok((pack, offset, members)) = state.place(232, 1) {
                        let location = Location {
                            pack, offset, descriptor_bytes: 0, metadata_bytes: 0, object_bytes: 8,
                            layout: Layout::DescriptorFirst, digest: [0; 32],
                        };
                        let (reply, answer) = oneshot::channel();
                        let record = Arc::new(Placed::new(location, Vec::new(), members, reply, None));
                        state.enqueue(&record, members);
                        appended.push((record, answer));
                    }
                }
                3..=5 => {
                    let front: Vec<_> = state.replicas[replica].queue.front().cloned().into_iter().collect();
                    let answers = state.written(replica, &front);
                    deliver(answers);
                }
                6 => deliver(state.replica_out(replica, ReplicaState::Missing)),
                _ => state.replica_ready(replica),
            }
        }
        for (record, answer) in &mut appended {
            let pack = &state.packs[&record.location.pack];
            let holders: Vec<usize> =
                (0..4).filter(|index| pack.durable_on(*index) >= record.location.end()).collect();
            let of: BTreeSet<usize> = holders.iter().map(|holder| domains[*holder]).collect();
            let enough = holders.len() >= 2 && of.len() >= wanted;
            match answer.try_recv() {
                Ok(Ok(())) => prop_assert!(enough && pack.end >= record.location.end()),
                Ok(Err(_)) => prop_assert!(pack.end <= record.location.offset),
                Err(_) => prop_assert!(!enough),
            }
        }
    }
}

#[test]
fn a_state_that_did_not_last_is_told_all_the_same() {
    let mut state = state(3, 2);
    assert!(state.take_changes().is_empty(), "who serves from the start has not changed");
    deliver(state.replica_out(1, ReplicaState::Draining));
    state.change(1, ReplicaState::Drained);
    state.change(1, ReplicaState::Drained);
    state.replica_ready(1);
    let told = [ReplicaState::Draining, ReplicaState::Drained, ReplicaState::Ready].map(|now| (1, now));
    assert_eq!(state.take_changes(), told);
    assert!(state.take_changes().is_empty(), "once");
}

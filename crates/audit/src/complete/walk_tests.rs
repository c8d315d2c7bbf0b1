use super::*;
use crate::complete::{ABORTED, RELEASED};
use crate::event::{Event, Outcome, ReasonCode};
use crate::leaf::{NodeName, Stamp};
use proptest::prelude::*;
use yingdun_model::{ActorId, InstitutionId, PurposeOfUse, Timestamp};

/// A log that is made up leaf by leaf.
struct Script {
    leaves: Vec<Leaf>,
    boot: u8,
    now_ms: u64,
    opened_ms: u64,
    counted: Counted,
    number: u64,
}

impl Script {
    fn new() -> Self {
        Self { leaves: Vec::new(), boot: 0, now_ms: 0, opened_ms: 0, counted: Counted::default(), number: 0 }
    }

    fn push(&mut self, event: &Event) {
        let stamp = Stamp {
            sequence: self.leaves.len() as u64,
            time_ms: Timestamp::from_ms(i64::try_from(self.now_ms).unwrap()),
            monotonic_ns: (self.now_ms - self.opened_ms) * 1_000_000,
            boot: BootId([self.boot; 8]),
            node: NodeName::new("node").unwrap(),
        };
        self.leaves.push(Leaf::of_event(event, stamp));
        self.now_ms += 1;
    }

    fn system(&mut self, reason: &'static str) {
        self.push(&event(EventKind::System, Outcome::Succeeded, reason));
    }

    fn start(mut self) -> Self {
        (self.boot, self.opened_ms) = (self.boot + 1, self.now_ms);
        (self.counted, self.number) = (Counted::default(), 0);
        self.system("archive-started");
        self.beat()
    }

    fn stop(self) -> Self {
        let mut script = self.beat();
        script.system("archive-stopped");
        script
    }

    fn wait(mut self, ms: u64) -> Self {
        self.now_ms += ms;
        self
    }

    /// Does something, with its leaf.
    fn act(mut self, act: Act) -> Self {
        self.write(act);
        self.counted.add(act);
        self
    }

    fn write(&mut self, act: Act) {
        self.push(&leaf_of(act));
    }

    fn beat(mut self) -> Self {
        self.number += 1;
        let beat =
            Heartbeat { number: self.number, every_s: 900, checkpoint: 1, version: 1, counted: self.counted };
        let institution = InstitutionId::new("renmin").unwrap();
        for event in beat.events(&institution, &ActorId::new("yingdun").unwrap()) {
            self.push(&event);
        }
        self.wait(900_000)
    }

    fn walked(&self) -> (Vec<Fault>, Summary) {
        let mut walk = Walk::new();
        for (index, leaf) in (0..).zip(&self.leaves) {
            walk.see(index, leaf);
        }
        (walk.findings().iter().map(|finding| finding.fault.clone()).collect(), walk.summary())
    }

    fn faults(&self) -> Vec<Fault> {
        self.walked().0
    }

    /// The log without leaves, as somebody writes it again who has the key.
    fn without(mut self, from: usize, count: usize) -> Self {
        self.leaves.drain(from..from + count);
        for (index, leaf) in (0..).zip(&mut self.leaves) {
            leaf.sequence = index;
        }
        self
    }

    fn place(&self, reason: &str) -> usize {
        self.leaves.iter().rposition(|leaf| leaf.reason.as_str() == reason).unwrap()
    }
}

fn event(kind: EventKind, outcome: Outcome, reason: &str) -> Event {
    let (institution, actor) = (InstitutionId::new("renmin").unwrap(), ActorId::new("yingdun").unwrap());
    Event::of_system(institution, actor, kind, outcome, ReasonCode::parse(reason).unwrap())
}

fn leaf_of(act: Act) -> Event {
    let (kind, outcome, reason, purpose) = match act {
        Act::Permit => (EventKind::Access, Outcome::Permitted, "in-care", Some(PurposeOfUse::Treatment)),
        Act::Association => (
            EventKind::Association,
            Outcome::Permitted,
            "device-plain",
            Some(PurposeOfUse::HealthcareOperations),
        ),
        Act::Rejection => (EventKind::Association, Outcome::Refused, "unknown-calling", None),
        Act::Release => (EventKind::Association, Outcome::Succeeded, RELEASED, Some(PurposeOfUse::Treatment)),
        Act::Abort => (EventKind::Association, Outcome::Failed, ABORTED, Some(PurposeOfUse::Treatment)),
        Act::SignIn => (EventKind::Authentication, Outcome::Permitted, "password", None),
        Act::RefusedSignIn => (EventKind::Authentication, Outcome::Refused, "wrong-password", None),
    };
    Event { purpose, ..event(kind, outcome, reason) }
}

fn act() -> impl Strategy<Value = Act> {
    proptest::sample::select(Act::ALL.to_vec())
}

#[test]
fn a_log_of_two_whole_runs_has_nothing_to_be_found() {
    let script = Script::new().start().act(Act::Permit).act(Act::Association).beat().act(Act::Release).stop();
    let script = script.wait(86_400_000).start().act(Act::SignIn).stop();
    let (faults, summary) = script.walked();
    assert_eq!(faults, []);
    assert_eq!((summary.boots, summary.crashes, summary.heartbeats), (2, 0, 5));
    assert!(!summary.last_is_open);
}

#[test]
fn a_counter_that_is_off_by_one_is_found_either_way() {
    for act in Act::ALL {
        // Done without a leaf.
        let mut silent = Script::new().start().act(act).beat();
        silent.counted.add(act);
        let silent = silent.beat().beat();
        assert!(
            matches!(silent.faults()[..], [Fault::LeavesMissing { act: found, told: 2, leaves: 1 }, ..] if found == act),
            "{act:?}: {:?}",
            silent.faults()
        );
        // A leaf that nobody counted.
        let mut loud = Script::new().start().act(act).beat();
        loud.write(act);
        let loud = loud.beat().beat();
        let found = loud.faults();
        assert!(
            matches!(found[..], [Fault::LeavesUncounted { act: found, told: 1, leaves: 2 }, ..] if found == act),
            "{act:?}: {found:?}"
        );
    }
}

#[test]
fn what_did_not_come_to_its_end_may_have_a_leaf() {
    let mut script = Script::new().start();
    script.write(Act::Permit);
    script.counted.unfinished = 1;
    assert_eq!(script.beat().beat().faults(), []);
}

#[test]
fn more_keys_than_permits_are_found_and_fewer_are_told() {
    let mut script = Script::new().start().act(Act::Permit).act(Act::Permit);
    script.counted.unwraps = 1;
    let script = script.beat();
    assert_eq!((script.faults(), script.walked().1.permits_unused), (vec![], 1));
    let mut script = Script::new().start().act(Act::Permit);
    script.counted.unwraps = 2;
    assert_eq!(script.beat().faults(), [Fault::UnwrapsUnpermitted { unwraps: 2, permits: 1 }]);
}

#[test]
fn a_heartbeat_that_was_taken_out_is_found_and_so_is_one_that_is_late() {
    let script = Script::new().start().beat().beat().beat();
    let gone = script.place("heartbeat") - 4;
    let faults = script.without(gone, 4).faults();
    assert!(faults.contains(&Fault::HeartbeatMissing { expected: 3, came: 4 }), "{faults:?}");
    let late = Script::new().start().wait(1_000_000).beat();
    assert!(matches!(late.faults()[..], [Fault::Silence { ms: 1_900_000.. }]), "{:?}", late.faults());
    let broken = Script::new().start().beat();
    let part = broken.place("heartbeat-access");
    assert!(broken.without(part, 1).faults().contains(&Fault::HeartbeatBroken));
}

#[test]
fn an_archive_that_ended_without_a_stop_crashed_and_the_last_one_may_still_run() {
    let (faults, summary) = Script::new().start().act(Act::Permit).start().walked();
    assert_eq!((faults, summary.crashes, summary.last_is_open), (vec![Fault::Crash], 1, true));
    // A command that opens the log is no archive.
    let mut script = Script::new();
    script.boot = 1;
    script.system("policy-changed");
    assert_eq!(script.start().faults(), []);
}

#[test]
fn a_clock_that_is_set_is_told_and_no_discrepancy() {
    let mut script = Script::new().start().wait(60_000);
    script.opened_ms += 50_000;
    let (faults, summary) = script.beat().walked();
    assert!(matches!(faults[..], [Fault::ClockStep { by_ms: 50_000 }]), "{faults:?}");
    assert_eq!((summary.discrepancies, summary.notes), (0, 1));
}

proptest! {
    #[test]
    fn whatever_is_done_is_found_whole_and_any_leaf_of_it_that_is_gone_is_missed(
        acts in proptest::collection::vec((act(), any::<bool>()), 1..40),
        gone in any::<prop::sample::Index>(),
    ) {
        let mut script = Script::new().start();
        for (act, beats) in &acts {
            script = script.act(*act);
            if *beats {
                script = script.beat();
            }
        }
        // Ends are judged against the heartbeat before the last one.
        let script = script.beat().stop();
        prop_assert_eq!(script.faults(), []);
        let places: Vec<usize> = (0..script.leaves.len()).filter(|at| Act::of(&script.leaves[*at]).is_some()).collect();
        let script = script.without(*gone.get(&places), 1);
        prop_assert!(script.faults().iter().any(Fault::is_discrepancy), "{:?}", script.faults());
    }

    #[test]
    fn a_walk_that_begins_anywhere_accuses_nobody(acts in proptest::collection::vec((act(), any::<bool>()), 1..40), from in any::<prop::sample::Index>()) {
        let mut script = Script::new().start();
        for (act, beats) in &acts {
            script = script.act(*act);
            if *beats {
                script = script.beat();
            }
        }
        let script = script.stop();
        let from = from.index(script.leaves.len());
        let mut walk = Walk::new();
        for (index, leaf) in (0..).zip(&script.leaves).skip(from) {
            walk.see(index, leaf);
        }
        prop_assert_eq!(walk.findings(), &[]);
    }
}

//! Leaves for the tests of renderings.

use crate::event::{Counts, Event, EventKind, Outcome, ReasonCode};
use crate::leaf::{BootId, Leaf, NodeName, Stamp};
use crate::read::LoggedLeaf;
use yingdun_model::{
    Action, ActorId, ActorKind, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

/// A leaf of a clinician about a study.
pub(super) fn leaf(kind: EventKind, action: Option<Action>, outcome: Outcome, reason: &str) -> Leaf {
    let event = Event {
        kind,
        outcome,
        institution: InstitutionId::new("renmin").unwrap(),
        actor: ActorId::new("dr-li").unwrap(),
        actor_kind: ActorKind::Person,
        role: Some(Role::Clinician),
        purpose: Some(PurposeOfUse::Treatment),
        action,
        patient: Some(PatientRef::from_bytes([1; 16])),
        study: Some(StudyRef::from_bytes([2; 16])),
        instance: None,
        policy_set: None,
        reason: ReasonCode::parse(reason).unwrap(),
        counts: Counts::new().with("instances", 3),
        content: None,
        detail: None,
    };
    let stamp = Stamp {
        sequence: 7,
        time_ms: Timestamp::from_ms(1000),
        monotonic_ns: 1,
        boot: BootId([7; 8]),
        node: NodeName::new("node-1").unwrap(),
    };
    Leaf::of_event(&event, stamp)
}

/// The leaf in its place.
pub(super) fn logged(leaf: Leaf) -> LoggedLeaf {
    LoggedLeaf { index: leaf.sequence, leaf_hash: [9; 32], leaf }
}

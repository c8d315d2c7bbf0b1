//! Whether somebody may carry one picture away, as a capture or a print. The copy is made here and carries marks; what was made is written down
//! before it leaves.

use crate::access::{Access, Decided, Refusal};
use crate::alerts::Right;
use crate::decision::{Decision, Resource, StudyFacts};
use crate::ledger::{self, MARKED, STATED};
use crate::reason::{Help, Reason};
use crate::sending::leaves;
use crate::session::Session;
use yingdun_audit::{AuditError, Counts, Event, EventKind, Outcome, ReasonCode, Receipt};
use yingdun_model::{Action, ActorKind, InstanceRef, Stop, Timestamp, word_enum};

word_enum! {
    /// What is made of a picture.
    CopyKind, "kind of copy" {
        /// A picture in a file.
        Capture => "capture",
        /// A page.
        Print => "print",
    }
}

impl CopyKind {
    /// What the leaf before says.
    const fn permitted(self) -> ReasonCode {
        match self {
            Self::Capture => ReasonCode::new("capture-permitted"),
            Self::Print => ReasonCode::new("print-permitted"),
        }
    }

    /// What the leaf behind says.
    const fn made(self) -> ReasonCode {
        match self {
            Self::Capture => ReasonCode::new("picture-captured"),
            Self::Print => ReasonCode::new("picture-printed"),
        }
    }
}

/// Which picture is copied. Both leaves name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedPicture {
    /// The object.
    pub instance: InstanceRef,
    /// Number of the frame in it, from 1.
    pub frame: u32,
}

/// The count of leaves of copies that says which frame.
const FRAME: &str = "frame";

/// That a copy may be made, as a durable leaf says whose number its mark leads to. It opens nothing: the picture is read under the permit of the look.
#[derive(Debug)]
pub struct CopyPermit {
    kind: CopyKind,
    receipt: Receipt,
}

impl CopyPermit {
    /// The number of the leaf.
    #[must_use]
    pub const fn leaf(&self) -> u64 {
        self.receipt.index()
    }

    /// When it was written.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.receipt.time()
    }
}

/// The file that was made.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// SHA-256 of its bytes.
    pub content: [u8; 32],
    /// How many bytes.
    pub bytes: u64,
}

impl Access {
    /// Decides whether a person may carry one marked picture of a study away, and writes that down. Nobody needs the right to export for it; but what stands
    /// against an export stands against it, and so do broken glass and a grant without export. That a role is given nothing but marked pictures
    /// does not: a copy is one. A refusal is written down.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn permit_copy(
        &self,
        session: &Session,
        study: &StudyFacts,
        kind: CopyKind,
        picture: CopiedPicture,
    ) -> Result<CopyPermit, Refusal> {
        let (resource, now) = (Resource::Study(study.clone()), self.inner.clock.now());
        let judged = self.judge_copy(session, &resource, now).await?;
        let policy_set = judged.policy_set;
        let (mut refused, mut wait_seconds, mut stated) = (judged.refused, None, None);
        if refused.is_none() {
            let seen = self.watched(session, Action::Export, &resource, judged.right, now).await?;
            (refused, wait_seconds, stated) = (seen.refused, seen.wait_seconds, seen.stated);
        }
        if let Some(reason) = refused {
            let leaf =
                ledger::decided(session, Action::Export, &resource, Decision::refused(reason), policy_set);
            self.inner.log.append_one(leaf).await.map_err(Refusal::AuditUnavailable)?;
            let refusal = Refusal::denied(reason, session.role());
            return Err(wait_seconds
                .map_or(refusal, |seconds| Refusal::Denied { reason, help: Help::Wait { seconds } }));
        }
        let counts = Counts::new().with(MARKED, 1).with(FRAME, picture.frame.into());
        let event = Event {
            kind: EventKind::Copied,
            outcome: Outcome::Permitted,
            action: Some(Action::Export),
            patient: Some(study.patient),
            study: Some(study.study),
            instance: Some(picture.instance),
            policy_set: Some(policy_set),
            counts: stated.map_or(counts.clone(), |number| counts.with(STATED, number)),
            ..ledger::session_leaf(session, kind.permitted())
        };
        let receipt = self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        Ok(CopyPermit { kind, receipt })
    }

    /// Writes down what was made under a permit, before it leaves.
    ///
    /// # Errors
    /// [`AuditError`]: then nothing leaves.
    pub async fn copied(
        &self,
        session: &Session,
        permit: &CopyPermit,
        copied: Copied,
    ) -> Result<(), AuditError> {
        let before = permit.receipt.event();
        let event = Event {
            kind: EventKind::Copied,
            outcome: Outcome::Succeeded,
            action: Some(Action::Export),
            patient: before.patient,
            study: before.study,
            instance: before.instance,
            counts: Counts::new()
                .with("leaf", permit.leaf())
                .with("bytes", copied.bytes)
                .with(FRAME, before.counts.get(FRAME).unwrap_or_default()),
            content: Some(copied.content),
            ..ledger::session_leaf(session, permit.kind.made())
        };
        self.inner.log.append_one(event).await.map(drop)
    }

    /// Whether a copy would be permitted now, as far as it can be told in advance: to draw a button by. It is no decision.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`].
    pub async fn foresee_copy(&self, session: &Session, study: &StudyFacts) -> Result<bool, Refusal> {
        let now = self.inner.clock.now();
        let judged = self.judge_copy(session, &Resource::Study(study.clone()), now).await?;
        // It will be asked for.
        Ok(judged.refused.is_none_or(|reason| reason == Reason::SecondFactorNeeded))
    }

    async fn judge_copy(
        &self,
        session: &Session,
        resource: &Resource,
        now: Timestamp,
    ) -> Result<Judged, Refusal> {
        let view = self.decide(session, Action::View, resource).await?;
        let Decided { decision, policy_set, proved, tie, .. } =
            self.decide_at(session, Action::Export, resource, now).await?;
        let stop = self.stop_of(session, Action::Export, now).await?;
        let is_person = session.actor_kind() == ActorKind::Person;
        let refused = carries(is_person, view, decision, stop).err();
        let right = Right { reason: view.reason, tie, proved, is_copy: true };
        Ok(Judged { refused, policy_set, right })
    }
}

/// What is to be said of a copy.
struct Judged {
    refused: Option<Reason>,
    policy_set: [u8; 32],
    right: Right,
}

// === helpers ===

/// Whether a marked picture leaves with what may be viewed, and what was said of an export. A mark names a person: programs and devices make no
/// copies.
fn carries(is_person: bool, view: Decision, export: Decision, stop: Option<Stop>) -> Result<(), Reason> {
    if !is_person {
        return Err(Reason::NoRulePermits);
    }
    let export = match export.reason {
        Reason::RenderedOnly => Decision::refused(Reason::NoRulePermits),
        _ => export,
    };
    leaves(view, export, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_look_may_copy_unless_something_stands_against_an_export() {
        let permits = |reason| Decision { permitted: true, reason };
        let refuses = Decision::refused;
        let own = permits(Reason::InCare);
        for nothing_against in [refuses(Reason::NoRulePermits), refuses(Reason::RenderedOnly)] {
            assert_eq!(carries(true, own, nothing_against, None), Ok(()));
            assert_eq!(carries(true, own, nothing_against, Some(Stop::Export)), Err(Reason::MonitorLimit));
            assert_eq!(carries(false, own, nothing_against, None), Err(Reason::NoRulePermits));
            for lent in [Reason::BreakGlass, Reason::TimedGrant, Reason::Consultation, Reason::OwnRecord] {
                assert_eq!(
                    carries(true, permits(lent), nothing_against, None),
                    Err(Reason::NoRulePermits),
                    "{lent}"
                );
            }
        }
        for against in [
            Reason::PatientDissents,
            Reason::ConsentNeeded,
            Reason::MaskedRole,
            Reason::OutsidersOnlyLook,
            Reason::LocalRule,
            Reason::SecondFactorNeeded,
        ] {
            assert_eq!(carries(true, own, refuses(against), None), Err(against), "{against}");
        }
    }

    #[test]
    fn leaves_of_copies_say_what_was_made() {
        for kind in CopyKind::ALL {
            assert!(kind.permitted().as_str().starts_with(kind.as_str()));
            assert_ne!(kind.made(), kind.permitted());
        }
    }
}

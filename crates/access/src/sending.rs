//! Whether somebody may send a study to a device: to look at it elsewhere is to look, and a study that was sent has left.

use crate::access::{Access, Refusal};
use crate::decision::{Decision, Resource, StudyFacts};
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use crate::watch::is_stopped;
use yingdun_model::{Action, ActorKind, Stop};

impl Access {
    /// Decides whether what this session may view may also be sent to a device. Nobody needs the right to export for it, as who treats
    /// sends to a workstation; but what stands against an export stands against it, and so do broken glass and a grant without export.
    /// Devices and programs have the right to view, and no more is asked of them. A refusal is written down.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn may_send(&self, session: &Session, study: &StudyFacts) -> Result<(), Refusal> {
        if session.actor_kind() != ActorKind::Person {
            return Ok(());
        }
        let (resource, now) = (Resource::Study(study.clone()), self.inner.clock.now());
        let view = self.decide(session, Action::View, &resource).await?;
        let (export, policy_set) = self.decide_by(session, Action::Export, &resource).await?;
        let stop = self.stop_of(session, Action::Export, now).await?;
        let Err(reason) = leaves(view, export, stop) else { return Ok(()) };
        let refused = Decision::refused(reason);
        let leaf = ledger::decided(session, Action::Export, &resource, refused, policy_set);
        self.inner.log.append_one(leaf).await.map_err(Refusal::AuditUnavailable)?;
        Err(Refusal::denied(reason, session.role()))
    }
}

// === helpers ===

/// Whether a study leaves with what may be viewed, and what was said of an export; otherwise why not.
pub(crate) fn leaves(view: Decision, export: Decision, stop: Option<Stop>) -> Result<(), Reason> {
    if !view.permitted {
        return Err(view.reason);
    }
    if is_stopped(stop, Action::Export, Reason::ExportsForInstitution) {
        return Err(Reason::MonitorLimit);
    }
    if export.permitted {
        return Ok(());
    }
    // Nothing but a rule that permits it is missing: then it is as good as the right to view, unless that was lent to look only.
    let lent = view.reason.is_broken_glass()
        || matches!(view.reason, Reason::TimedGrant | Reason::Consultation | Reason::OwnRecord);
    if export.reason == Reason::NoRulePermits && !lent { Ok(()) } else { Err(export.reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lent_to_look_at_and_what_must_stay_is_not_sent() {
        let permits = |reason| Decision { permitted: true, reason };
        let refuses = Decision::refused;
        let none = refuses(Reason::NoRulePermits);
        for own in [Reason::InCare, Reason::ReadsForInstitution, Reason::InDepartment, Reason::AcquiredToday]
        {
            assert_eq!(leaves(permits(own), none, None), Ok(()));
            assert_eq!(
                leaves(permits(own), refuses(Reason::PatientDissents), None),
                Err(Reason::PatientDissents)
            );
            assert_eq!(leaves(permits(own), none, Some(Stop::Export)), Err(Reason::MonitorLimit));
        }
        for lent in [
            Reason::BreakGlass,
            Reason::BreakGlassAgainstDissent,
            Reason::TimedGrant,
            Reason::Consultation,
            Reason::OwnRecord,
        ] {
            assert_eq!(leaves(permits(lent), none, None), Err(Reason::NoRulePermits));
        }
        let export = permits(Reason::TimedGrant);
        assert_eq!(leaves(permits(Reason::TimedGrant), export, None), Ok(()), "granted with export");
        assert_eq!(
            leaves(permits(Reason::TimedGrant), export, Some(Stop::Export)),
            Err(Reason::MonitorLimit)
        );
        assert_eq!(leaves(refuses(Reason::PatientDissents), export, None), Err(Reason::PatientDissents));
    }
}

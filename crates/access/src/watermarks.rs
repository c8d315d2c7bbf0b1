//! In which form somebody is shown a study: whether pictures carry marks, and whether pictures are all that is given. Rules per role and
//! grade, as the operator set them; what nobody set is closed.
//!
//! It is the role of the session and the grade of the study that count, whatever opens it: care, a grant, or broken glass. Nothing that a
//! request says takes part.

use crate::access::Access;
use crate::decision::{Decision, Resource};
use crate::masking::RoleSeesNothing;
use crate::reason::Reason;
use crate::session::Session;
use std::collections::BTreeMap;
use yingdun_model::{Action, Grade, Role};

/// From which grade on a role is shown studies in a form; never without a grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkRule {
    /// From where on rendered pictures carry marks.
    pub marked_from: Option<Grade>,
    /// From where on nothing is given but rendered pictures, and what describes them.
    pub rendered_only_from: Option<Grade>,
    /// From where on a viewer covers pictures while its window is not in use.
    pub shielded_from: Option<Grade>,
}

/// The form in which a session is shown a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Showing {
    /// Whether rendered pictures carry marks.
    pub marked: bool,
    /// Whether frames, values and objects are kept here.
    pub rendered_only: bool,
    /// Whether a viewer covers pictures while its window is not in use.
    pub shielded: bool,
}

/// The rules of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watermarks(BTreeMap<Role, WatermarkRule>);

/// A rule cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatermarkFault {
    /// There is nothing to mark.
    #[error(transparent)]
    NoStudies(#[from] RoleSeesNothing),
    /// Marks that every installation has are taken away.
    #[error("pictures for the role `{role}` are marked from grade {latest} on at the latest")]
    MarkedTooLate {
        /// Whose pictures.
        role: Role,
        /// From where on they are marked if nobody says anything.
        latest: Grade,
    },
    /// Only pictures are given, and they carry no mark.
    #[error("what the role `{0}` is given as pictures only has to be marked")]
    GivenUnmarked(Role),
    /// A device shows no pictures; it takes objects.
    #[error("a device takes objects, so that nothing can be marked for it; give it no right to view instead")]
    Device,
}

impl Watermarks {
    /// Sets the rule of a role.
    ///
    /// # Errors
    /// [`WatermarkFault`].
    pub fn with(mut self, role: Role, rule: WatermarkRule) -> Result<Self, WatermarkFault> {
        let usual = usual(role).ok_or(RoleSeesNothing(role))?;
        if role == Role::Device {
            return Err(WatermarkFault::Device);
        }
        if let Some(latest) = usual.marked_from.filter(|latest| !reaches(rule.marked_from, *latest)) {
            return Err(WatermarkFault::MarkedTooLate { role, latest });
        }
        if rule.rendered_only_from.is_some_and(|from| !reaches(rule.marked_from, from)) {
            return Err(WatermarkFault::GivenUnmarked(role));
        }
        self.0.insert(role, rule);
        Ok(self)
    }

    /// The rule of a role that nobody set: who comes from outside is shown marked pictures and nothing else; everybody is shown marked
    /// pictures of what is sensitive.
    ///
    /// # Errors
    /// [`RoleSeesNothing`].
    pub fn usual(role: Role) -> Result<WatermarkRule, RoleSeesNothing> {
        usual(role).ok_or(RoleSeesNothing(role))
    }

    fn showing(&self, role: Role, grade: Grade) -> Showing {
        // Who sees no studies is shown as little as there is.
        let outsider = with_marks(Grade::L1, Some(Grade::L1));
        let rule = self.0.get(&role).copied().or_else(|| usual(role)).unwrap_or(outsider);
        Showing {
            marked: reaches(rule.marked_from, grade),
            rendered_only: reaches(rule.rendered_only_from, grade),
            shielded: reaches(rule.shielded_from, grade),
        }
    }
}

impl Access {
    /// The form in which a session is shown a study of this grade.
    #[must_use]
    pub fn showing(&self, session: &Session, grade: Grade) -> Showing {
        // The archive itself reads what it keeps.
        match session.role() {
            Role::System => Showing::default(),
            role => self.inner.watermarks.showing(role, grade),
        }
    }

    /// The same of whatever is decided about.
    pub(crate) fn showing_of(&self, session: &Session, resource: &Resource) -> Showing {
        resource.study().map_or_else(Showing::default, |study| self.showing(session, study.grade))
    }
}

/// A decision about an export, unless the study stays here. What else stands against it is said first.
pub(crate) fn unless_kept(decision: Decision, action: Action, showing: Showing) -> Decision {
    let would_leave = decision.permitted || decision.reason == Reason::NoRulePermits;
    if action == Action::Export && showing.rendered_only && would_leave {
        return Decision::refused(Reason::RenderedOnly);
    }
    decision
}

// === helpers ===

fn reaches(from: Option<Grade>, grade: Grade) -> bool {
    from.is_some_and(|from| from <= grade)
}

/// Covering pictures annoys whoever reads on two screens, so that nobody has it who did not ask for it, below special care.
const fn with_marks(marked_from: Grade, rendered_only_from: Option<Grade>) -> WatermarkRule {
    WatermarkRule { marked_from: Some(marked_from), rendered_only_from, shielded_from: Some(Grade::L5) }
}

const fn usual(role: Role) -> Option<WatermarkRule> {
    match role {
        Role::RemoteExpert | Role::Patient => Some(with_marks(Grade::L1, Some(Grade::L1))),
        Role::Clinician
        | Role::Radiologist
        | Role::Specialist
        | Role::Chief
        | Role::Technician
        | Role::Device
        | Role::Service => Some(with_marks(Grade::L4S, None)),
        // To what is identifiable a patient consented for being looked at.
        Role::Researcher => Some(with_marks(Grade::L3, Some(Grade::L4S))),
        Role::Vendor
        | Role::SystemAdministrator
        | Role::SecurityAdministrator
        | Role::AuditAdministrator
        | Role::System => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(marked: Option<Grade>, only: Option<Grade>) -> WatermarkRule {
        WatermarkRule { marked_from: marked, rendered_only_from: only, shielded_from: None }
    }

    #[test]
    fn unset_means_that_outsiders_get_marked_pictures_only_and_that_sensitive_ones_are_marked() {
        let unset = Watermarks::default();
        for grade in Grade::ALL.iter().copied() {
            for role in [Role::RemoteExpert, Role::Patient] {
                let shielded = grade == Grade::L5;
                assert_eq!(
                    unset.showing(role, grade),
                    Showing { marked: true, rendered_only: true, shielded }
                );
            }
            for role in [Role::Radiologist, Role::Clinician, Role::Service] {
                let marked = matches!(grade, Grade::L4S | Grade::L5);
                let shielded = grade == Grade::L5;
                let showing = Showing { marked, rendered_only: false, shielded };
                assert_eq!(unset.showing(role, grade), showing, "{role}");
            }
            let researcher = Showing {
                marked: grade >= Grade::L3,
                rendered_only: matches!(grade, Grade::L4S | Grade::L5),
                shielded: grade == Grade::L5,
            };
            assert_eq!(unset.showing(Role::Researcher, grade), researcher);
        }
    }

    #[test]
    fn a_rule_holds_from_its_grade_on() {
        let set = Watermarks::default()
            .with(Role::Specialist, rule(Some(Grade::L3), Some(Grade::L4S)))
            .unwrap()
            .with(Role::RemoteExpert, rule(Some(Grade::L1), None))
            .unwrap();
        let showing = |role, grade| {
            let Showing { marked, rendered_only, .. } = set.showing(role, grade);
            (marked, rendered_only)
        };
        assert_eq!(showing(Role::Specialist, Grade::L2), (false, false));
        assert_eq!(showing(Role::Specialist, Grade::L4), (true, false));
        assert_eq!(showing(Role::Specialist, Grade::L5), (true, true));
        assert_eq!(showing(Role::RemoteExpert, Grade::L5), (true, false));
    }

    #[test]
    fn no_rule_takes_away_what_every_installation_has() {
        let with = |role, marked, only| Watermarks::default().with(role, rule(marked, only));
        for marked in [None, Some(Grade::L2)] {
            let fault = WatermarkFault::MarkedTooLate { role: Role::Patient, latest: Grade::L1 };
            assert_eq!(with(Role::Patient, marked, None), Err(fault));
        }
        let fault = WatermarkFault::MarkedTooLate { role: Role::Chief, latest: Grade::L4S };
        assert_eq!(with(Role::Chief, Some(Grade::L5), None), Err(fault));
        let unmarked = with(Role::Chief, Some(Grade::L4), Some(Grade::L3));
        assert_eq!(unmarked, Err(WatermarkFault::GivenUnmarked(Role::Chief)));
        assert_eq!(with(Role::Device, Some(Grade::L1), None), Err(WatermarkFault::Device));
        let officer = with(Role::AuditAdministrator, Some(Grade::L1), None);
        assert_eq!(officer, Err(WatermarkFault::NoStudies(RoleSeesNothing(Role::AuditAdministrator))));
    }

    #[test]
    fn what_is_kept_is_not_exported_and_nothing_else_changes() {
        let permitted = Decision { permitted: true, reason: Reason::ExportsForInstitution };
        let kept = Showing { marked: true, rendered_only: true, shielded: false };
        let refused = Decision::refused(Reason::RenderedOnly);
        assert_eq!(unless_kept(permitted, Action::Export, kept), refused);
        assert_eq!(unless_kept(Decision::refused(Reason::NoRulePermits), Action::Export, kept), refused);
        let disabled = Decision::refused(Reason::AccountDisabled);
        assert_eq!(unless_kept(disabled, Action::Export, kept), disabled);
        assert_eq!(unless_kept(permitted, Action::View, kept), permitted);
        assert_eq!(unless_kept(permitted, Action::Export, Showing::default()), permitted);
    }
}

//! The proof that something was decided and written down: the only way to a key.

use crate::decision::Resource;
use crate::session::{Session, SessionId};
use crate::watch::Bell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use yingdun_audit::Receipt;
use yingdun_model::{
    Action, ActorId, Grade, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

/// How long a decision holds before it is taken again. Short, so that a revoked session, grant or role stops an
/// open stream within this time; long enough that a series of frames costs one decision.
pub const DECISION_LIFETIME: Duration = Duration::from_secs(5);

/// How long a decision holds that rests on a grant or a consent: short, so that one that is revoked anywhere ends open streams within
/// it. What ends by itself ends then: no permit is valid beyond the fact that it rests on.
pub const GRANT_DECISION_LIFETIME: Duration = Duration::from_secs(1);

/// How long one audit leaf may cover the reading of one study by one actor for one purpose.
pub const LEAF_WINDOW: Duration = Duration::from_secs(60);

/// A decision that has become a durable leaf of the audit log.
///
/// A permit cannot be built, copied or turned into another one outside this crate: only
/// [`crate::Access::authorise`] makes it, from the receipt of its leaf. It names one action on one resource, lives
/// for [`DECISION_LIFETIME`], is extended by [`crate::Access::renew`] up to [`LEAF_WINDOW`], and unwraps at most
/// one key, so that key unwraps and access leaves can be counted against each other (promise I1).
#[derive(Debug)]
pub struct Permit {
    receipt: Receipt,
    session: SessionId,
    action: Action,
    actor: ActorId,
    role: Role,
    purpose: PurposeOfUse,
    resource: Resource,
    policy_set: [u8; 32],
    decided: Timestamp,
    /// Milliseconds; moved on by renewal, set to the beginning of time by a refused one.
    valid_until: AtomicI64,
    grant: Option<u64>,
    consent: Option<u64>,
    broken_glass: bool,
    heard: Heard,
    unwrap_left: AtomicBool,
}

/// What a permission rests on, as far as it ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    /// The grant, where it is one.
    pub(crate) grant: Option<u64>,
    /// The consent, where one is needed.
    pub(crate) consent: Option<u64>,
    /// The first moment at which it permits no more.
    pub(crate) until: Timestamp,
    /// Whether the glass was broken for it.
    pub(crate) broken_glass: bool,
}

/// What a permit stands on.
#[derive(Debug)]
pub(crate) struct Footing {
    pub(crate) basis: Basis,
    pub(crate) heard: Heard,
}

/// How often something had been stopped before a decision. When that has changed, the decision is due anew.
#[derive(Debug)]
pub(crate) struct Heard {
    bell: Bell,
    rung: AtomicU64,
}

impl Heard {
    pub(crate) fn now(bell: Bell) -> Self {
        let rung = AtomicU64::new(bell.rung());
        Self { bell, rung }
    }

    fn is_quiet(&self) -> bool {
        self.rung.load(Ordering::Acquire) == self.bell.rung()
    }
}

impl Basis {
    /// Something that does not end by itself.
    pub(crate) const LASTING: Self =
        Self { grant: None, consent: None, until: Timestamp::from_ms(i64::MAX), broken_glass: false };

    /// Until when a decision of this moment holds.
    fn holds_until(self, now: Timestamp) -> Timestamp {
        let lifetime =
            if self.grant.or(self.consent).is_some() { GRANT_DECISION_LIFETIME } else { DECISION_LIFETIME };
        now.after(lifetime).min(self.until)
    }
}

impl Permit {
    pub(crate) fn new(
        receipt: Receipt,
        session: &Session,
        action: Action,
        resource: Resource,
        policy_set: [u8; 32],
        decided: Timestamp,
        Footing { basis, heard }: Footing,
    ) -> Self {
        Self {
            receipt,
            session: session.id(),
            action,
            actor: session.actor().clone(),
            role: session.role(),
            purpose: session.purpose(),
            resource,
            policy_set,
            decided,
            valid_until: AtomicI64::new(basis.holds_until(decided).as_ms()),
            grant: basis.grant,
            consent: basis.consent,
            broken_glass: basis.broken_glass,
            heard,
            unwrap_left: AtomicBool::new(opens_content(action)),
        }
    }

    /// The institution of the resource.
    #[must_use]
    pub fn institution(&self) -> &InstitutionId {
        self.resource.institution()
    }

    /// The study, where the permit is for one.
    #[must_use]
    pub fn study(&self) -> Option<StudyRef> {
        self.resource.study().map(|study| study.study)
    }

    /// The patient of the study.
    #[must_use]
    pub fn patient(&self) -> Option<PatientRef> {
        self.resource.study().map(|study| study.patient)
    }

    /// The grade under which the study was decided.
    #[must_use]
    pub fn grade(&self) -> Option<Grade> {
        self.resource.study().map(|study| study.grade)
    }

    /// What may be done.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Who may do it.
    #[must_use]
    pub const fn actor(&self) -> &ActorId {
        &self.actor
    }

    /// In which role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// For what.
    #[must_use]
    pub const fn purpose(&self) -> PurposeOfUse {
        self.purpose
    }

    /// The session for which it was made.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The number of the audit leaf.
    #[must_use]
    pub const fn leaf_index(&self) -> u64 {
        self.receipt.index()
    }

    /// SHA-256 of the policy set that decided.
    #[must_use]
    pub const fn policy_set(&self) -> &[u8; 32] {
        &self.policy_set
    }

    /// The number of the grant that it rests on, where it does.
    #[must_use]
    pub const fn grant(&self) -> Option<u64> {
        self.grant
    }

    /// The number of the consent that it rests on, where one is needed.
    #[must_use]
    pub const fn consent(&self) -> Option<u64> {
        self.consent
    }

    /// Whether it rests on broken glass.
    #[must_use]
    pub const fn is_broken_glass(&self) -> bool {
        self.broken_glass
    }

    /// Until when it holds without a renewal, exclusive.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        Timestamp::from_ms(self.valid_until.load(Ordering::Acquire))
    }

    /// Whether it holds at a moment: not after anything was stopped since, for anybody, as then it is decided anew. A clock that was set back before the decision makes it invalid too, so that
    /// no permit outlives its time by turning the clock; nor does a renewal, which ends within its lifetime from now.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        let until = self.valid_until();
        self.heard.is_quiet() && self.decided <= now && now < until && until <= now.after(DECISION_LIFETIME)
    }

    /// Takes the one key unwrap that this permit is worth. `true` exactly once, and never for an action that
    /// opens no content.
    #[must_use]
    pub fn take_unwrap(&self) -> bool {
        self.unwrap_left.swap(false, Ordering::AcqRel)
    }

    pub(crate) const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The end of the time that the leaf may cover.
    pub(crate) fn leaf_window_end(&self) -> Timestamp {
        self.decided.after(LEAF_WINDOW)
    }

    pub(crate) const fn decided(&self) -> Timestamp {
        self.decided
    }

    /// Extends the permit from a decision just taken, never beyond what its leaf covers.
    pub(crate) fn extend(&self, now: Timestamp, basis: Basis, rung: u64) {
        self.heard.rung.store(rung, Ordering::Release);
        let until = basis.holds_until(now).min(self.leaf_window_end());
        self.valid_until.store(until.as_ms(), Ordering::Release);
    }

    /// Ends the permit.
    pub(crate) fn end(&self) {
        self.valid_until.store(i64::MIN, Ordering::Release);
        self.unwrap_left.store(false, Ordering::Release);
    }
}

/// Whether an action leads to a key: its leaf is an access leaf and its permit is worth one unwrap.
pub(crate) const fn opens_content(action: Action) -> bool {
    match action {
        Action::View | Action::Export | Action::Store | Action::Recover | Action::MarkKeyImages => true,
        Action::Search
        | Action::List
        | Action::Commit
        | Action::ReadWorklist
        | Action::ManageWorklist
        | Action::ReportStep
        | Action::Echo
        | Action::ManageAccounts
        | Action::ManageRights
        | Action::ManageKeys
        | Action::ReadAudit
        | Action::ReadSystem
        | Action::ManageStorage
        | Action::Backup
        | Action::Destroy
        | Action::RequestDestruction
        | Action::ApproveDestruction
        | Action::ManageHolds
        | Action::ApproveRelease
        | Action::GiveGrant
        | Action::AssignConsultation
        | Action::BreakGlass
        | Action::ReviewBreakGlass
        | Action::ReviewAlerts
        | Action::LiftStop
        | Action::ProposePolicy
        | Action::ApprovePolicy
        | Action::ActivatePolicy
        | Action::ReviewRights
        | Action::OpenMaintenance
        | Action::ApproveMaintenance
        | Action::ReadHealth
        | Action::ReadMetrics
        | Action::ReadConfiguration => false,
    }
}

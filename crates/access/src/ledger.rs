//! How decisions, sign-ins and changes are written down. Builds audit events; appends nothing itself.

use crate::permit::opens_content;
use crate::reason::Reason;
use crate::session::Session;
use serde::Serialize;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode, SealedDetail};
use yingdun_crypto::{Context, Sealed, SealingKey};
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, Role};

use crate::decision::{Decision, Resource};

/// The kind of leaf that an action makes. Every action that leads to a key makes an access leaf (promise I1).
pub(crate) const fn kind_of(action: Action) -> EventKind {
    if opens_content(action) {
        return EventKind::Access;
    }
    match action {
        Action::Search
        | Action::List
        | Action::ReadWorklist
        | Action::ReadAudit
        | Action::ReadSystem
        | Action::ReviewRights
        | Action::ReadHealth
        | Action::ReadMetrics
        | Action::ReadConfiguration => EventKind::Query,
        Action::Commit => EventKind::Commitment,
        Action::Echo => EventKind::Association,
        Action::ManageAccounts
        | Action::ManageRights
        | Action::ManageStorage
        | Action::Backup
        | Action::ManageKeys
        | Action::ManageWorklist
        | Action::ReportStep
        | Action::Destroy
        | Action::RequestDestruction
        | Action::ApproveDestruction
        | Action::ManageHolds
        | Action::ApproveRelease
        | Action::GiveGrant
        | Action::AssignConsultation
        | Action::MarkKeyImages
        | Action::BreakGlass
        | Action::ReviewBreakGlass
        | Action::ReviewAlerts
        | Action::LiftStop
        | Action::ProposePolicy
        | Action::ApprovePolicy
        | Action::ActivatePolicy
        | Action::OpenMaintenance
        | Action::ApproveMaintenance
        | Action::View
        | Action::Export
        | Action::Store
        | Action::Recover => EventKind::Administration,
    }
}

/// The count under which a leaf names the grant that a permission rests on.
pub(crate) const GRANT: &str = "grant";

/// The count under which a leaf names the consent that a permission needs.
pub(crate) const CONSENT: &str = "consent";

/// The count under which a leaf names the maintenance session in which somebody acted.
pub(crate) const MAINTENANCE: &str = "maintenance";

/// The count under which a leaf names the reason that a person gave when asked.
pub(crate) const STATED: &str = "stated";

/// The count that says of a leaf that its actor was shown names and identifiers masked only.
pub const MASKED: &str = "masked";

/// The count that says of a leaf that rendered pictures under it carried marks, whose number leads back to it: 1, or 2 where nothing was
/// given but such pictures.
pub const MARKED: &str = "marked";

/// The leaf of a decision.
pub(crate) fn decided(
    session: &Session,
    action: Action,
    resource: &Resource,
    decision: Decision,
    policy_set: [u8; 32],
) -> Event {
    Event {
        kind: kind_of(action),
        outcome: if decision.permitted { Outcome::Permitted } else { Outcome::Refused },
        action: Some(action),
        patient: resource.study().map(|study| study.patient),
        study: resource.study().map(|study| study.study),
        policy_set: Some(policy_set),
        ..session_leaf(session, code(decision.reason))
    }
}

/// A leaf that names the maintenance session in which somebody acted, or of which it tells.
pub(crate) fn in_maintenance(event: Event, number: Option<u64>) -> Event {
    match number {
        Some(number) => Event { counts: event.counts.with(MAINTENANCE, number), ..event },
        None => event,
    }
}

/// A leaf of a session, to be completed by the caller. The leaf belongs to the institution of the actor: who
/// reaches for another institution is written down at home.
#[must_use]
pub fn session_leaf(session: &Session, reason: ReasonCode) -> Event {
    Event {
        kind: EventKind::Administration,
        outcome: Outcome::Permitted,
        institution: session.institution().clone(),
        actor: session.actor().clone(),
        actor_kind: session.actor_kind(),
        role: Some(session.role()),
        purpose: Some(session.purpose()),
        action: None,
        patient: None,
        study: None,
        instance: None,
        policy_set: None,
        reason,
        counts: Counts::new(),
        content: None,
        detail: None,
    }
}

/// A leaf about somebody who has no session (yet): a claimed name at a door.
pub(crate) fn of_claim(
    kind: EventKind,
    outcome: Outcome,
    institution: &InstitutionId,
    actor: &ActorId,
    actor_kind: ActorKind,
    role: Option<Role>,
    reason: ReasonCode,
) -> Event {
    Event {
        kind,
        outcome,
        institution: institution.clone(),
        actor: actor.clone(),
        actor_kind,
        role,
        purpose: None,
        action: None,
        patient: None,
        study: None,
        instance: None,
        policy_set: None,
        reason,
        counts: Counts::new(),
        content: None,
        detail: None,
    }
}

/// A reason as the code of a leaf.
pub(crate) fn code(reason: Reason) -> ReasonCode {
    word(reason.as_str())
}

/// A word of this crate as the code of a leaf.
// INVARIANT: every word that reaches this is a constant of this crate; a test holds them to the alphabet of codes.
pub(crate) fn word(word: &'static str) -> ReasonCode {
    ReasonCode::parse(word).unwrap_or(const { ReasonCode::new("unnamed") })
}

/// Seals what belongs beside a leaf. What cannot be sealed is left out: the leaf itself is never held back.
pub(crate) fn sealed<T: Serialize + for<'de> serde::Deserialize<'de>>(
    key: &SealingKey,
    institution: &InstitutionId,
    detail: &T,
) -> Option<SealedDetail> {
    let sealed = Sealed::seal(key, &detail_context(institution), detail).ok()?;
    SealedDetail::from_ciphertext(sealed.into_bytes()).ok()
}

/// What a sealed detail of this crate is bound to, for those who open it again.
#[must_use]
pub fn detail_context(institution: &InstitutionId) -> Context {
    Context::new("yingdun/access-detail/v1").field(institution.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceFault;
    use crate::external::ExternalFault;
    use crate::oidc::TokenFault;
    use crate::programs::{MessageFault, ProofFault};
    use crate::sign_in::Fault;

    #[test]
    fn every_word_of_this_crate_is_a_legal_code_of_a_leaf() {
        let words = Reason::ALL.iter().map(|reason| reason.as_str());
        let words = words.chain(DeviceFault::ALL.iter().map(|fault| fault.as_str()));
        for text in words
            .chain(Fault::ALL.iter().map(|fault| fault.as_str()))
            .chain(TokenFault::ALL.iter().map(|fault| fault.as_str()))
            .chain(MessageFault::ALL.iter().map(|fault| fault.as_str()))
            .chain(ExternalFault::ALL.iter().map(|fault| fault.as_str()))
            .chain(ProofFault::ALL.iter().map(|fault| fault.as_str()))
            .chain(yingdun_crypto::webauthn::Fault::ALL.iter().map(|fault| fault.as_str()))
        {
            assert_eq!(word(text).as_str(), text);
        }
    }

    #[test]
    fn exactly_the_actions_that_lead_to_a_key_make_access_leaves() {
        let opening: Vec<_> =
            Action::ALL.iter().filter(|action| kind_of(**action) == EventKind::Access).collect();
        assert_eq!(
            opening,
            [&Action::Store, &Action::View, &Action::Export, &Action::Recover, &Action::MarkKeyImages]
        );
    }
}

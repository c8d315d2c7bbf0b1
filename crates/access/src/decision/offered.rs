//! What somebody may ask for at all: each action on a resource that favours it. Pure, and no decision about anything that there is: it
//! says which buttons are worth drawing.

use super::engine::{Engine, applies_to};
use super::question::{CareInterval, Circumstances, GrantInterval, Principal, Target, Ties};
use yingdun_model::{Action, Grade, Timestamp};

/// The actions that the policies permit to somebody on something: where a study is needed, on an ordinary one that came today and with
/// which everything connects the person. A second factor counts as proved, as it can be.
pub(crate) fn offered(engine: &Engine, who: &Principal, when: &Circumstances) -> Vec<Action> {
    let when = Circumstances { strong: true, departments: true, ..*when };
    let institution = &who.institution;
    let targets = [
        Target::Study {
            institution: institution.clone(),
            grade: Grade::L4,
            received_today: true,
            ties: every_tie(&when),
        },
        Target::Archive(institution.clone()),
        Target::AuditLog(institution.clone()),
        Target::Accounts(institution.clone()),
    ];
    let permits = |action: &Action| {
        let mut on = targets.iter().filter(|on| applies_to(*action, on));
        on.any(|on| engine.decide(who, *action, on, &when).permitted)
    };
    Action::ALL.iter().copied().filter(permits).collect()
}

// === helpers ===

/// Everything that lets somebody open a study, and nothing that stands against it.
fn every_tie(when: &Circumstances) -> Ties {
    let now = CareInterval {
        valid_from: when.now,
        valid_until: Timestamp::from_ms(when.now.as_ms().saturating_add(1)),
    };
    let grant = GrantInterval {
        valid_from: now.valid_from,
        valid_until: now.valid_until,
        purpose: when.purpose,
        export: true,
    };
    Ties {
        care: Some(now),
        grant: Some(grant),
        break_glass: Some(now),
        department: Some(now),
        acquired: Some(now),
        consultation: Some(now),
        own: Some(now),
        consented_research: Some(now),
        consented_sharing: Some(now),
        dissent: None,
        against_research: None,
        against_sharing: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::policies::PolicySource;
    use super::*;
    use crate::consents::ConsentRules;
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr};
    use yingdun_model::{ActorId, ActorKind, InstitutionId, PurposeOfUse, Role};

    fn actions(role: Role, masked: bool) -> Vec<Action> {
        let engine = Engine::load(&PolicySource::Builtin).unwrap();
        let who = Principal {
            kind: ActorKind::Person,
            actor: ActorId::new("somebody").unwrap(),
            institution: InstitutionId::new("renmin").unwrap(),
            role,
            disabled: false,
            scopes: BTreeSet::new(),
        };
        let when = Circumstances {
            now: Timestamp::from_ms(1_795_000_000_000),
            purpose: PurposeOfUse::Treatment,
            tls: true,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            strong: false,
            step_up: true,
            departments: false,
            masked,
            maintenance: None,
            consents: ConsentRules::default(),
        };
        offered(&engine, &who, &when)
    }

    #[test]
    fn who_looks_is_offered_looking_and_an_office_its_office_and_nothing_else() {
        let clinician = actions(Role::Clinician, false);
        for action in [Action::Search, Action::List, Action::View, Action::GiveGrant, Action::BreakGlass] {
            assert!(clinician.contains(&action), "{action}");
        }
        for action in [Action::ReadAudit, Action::ManageRights, Action::Destroy, Action::Store] {
            assert!(!clinician.contains(&action), "{action}");
        }
        let officer = actions(Role::AuditAdministrator, false);
        assert!(officer.contains(&Action::ReadAudit) && !officer.contains(&Action::View), "{officer:?}");
        let researcher = actions(Role::Researcher, false);
        assert!(
            researcher.iter().all(|action| matches!(action, Action::Search | Action::List | Action::View))
        );
        assert_eq!(actions(Role::Vendor, false), [], "outside of a maintenance session");
    }

    #[test]
    fn what_a_masked_role_cannot_do_is_not_offered() {
        assert!(actions(Role::Chief, false).contains(&Action::Export));
        assert!(!actions(Role::Chief, true).contains(&Action::Export));
    }
}

//! Which roles see a study, and are not to learn whose it is: rules per role, as the operator set them. A role without rules is
//! not masked.

use crate::access::Access;
use crate::session::Session;
use std::collections::BTreeMap;
use std::sync::Arc;
use yingdun_dicom::masking::MaskRules;
use yingdun_model::Role;

/// The rules of an installation; none unless they are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masking(BTreeMap<Role, Arc<MaskRules>>);

/// A role that sees no studies cannot be masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the role `{0}` sees no studies, so there is nothing to mask")]
pub struct RoleSeesNothing(pub Role);

impl Masking {
    /// Sets the rules of a role. Rules that treat nothing are none.
    ///
    /// # Errors
    /// [`RoleSeesNothing`].
    pub fn with(mut self, role: Role, rules: MaskRules) -> Result<Self, RoleSeesNothing> {
        let sees = match role {
            Role::Clinician
            | Role::Radiologist
            | Role::Specialist
            | Role::Chief
            | Role::Technician
            | Role::Researcher
            | Role::RemoteExpert
            | Role::Patient
            | Role::Device
            | Role::Service => true,
            Role::Vendor
            | Role::SystemAdministrator
            | Role::SecurityAdministrator
            | Role::AuditAdministrator
            | Role::System => false,
        };
        if !sees {
            return Err(RoleSeesNothing(role));
        }
        if rules.masks() {
            self.0.insert(role, Arc::new(rules));
        }
        Ok(self)
    }

    /// The rules of a role; none where it is not masked.
    #[must_use]
    pub fn rules_of(&self, role: Role) -> Option<&Arc<MaskRules>> {
        self.0.get(&role)
    }
}

impl Access {
    /// What a session is not to learn; nothing where its role is not masked. It is the role that counts, whatever opens the
    /// study: care, a grant, or broken glass.
    #[must_use]
    pub fn mask_of(&self, session: &Session) -> Option<Arc<MaskRules>> {
        self.inner.masking.rules_of(session.role()).cloned()
    }

    pub(crate) fn is_masked(&self, role: Role) -> bool {
        self.inner.masking.rules_of(role).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::masking::Treatment;

    #[test]
    fn only_roles_that_see_studies_are_masked_and_only_by_rules_that_treat_something() {
        let rules = MaskRules::new(Treatment::Remove, Treatment::Keep, Treatment::Keep).unwrap();
        let masking = Masking::default().with(Role::Technician, rules.clone()).unwrap();
        assert!(masking.rules_of(Role::Technician).is_some());
        assert!(masking.rules_of(Role::Chief).is_none());
        let officer = Masking::default().with(Role::AuditAdministrator, rules);
        assert_eq!(officer, Err(RoleSeesNothing(Role::AuditAdministrator)));
        let idle = Masking::default().with(Role::Chief, MaskRules::default()).unwrap();
        assert!(idle.rules_of(Role::Chief).is_none());
    }
}

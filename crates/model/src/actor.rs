//! Who acts: people, devices and services, and the role that a session has activated.

use crate::word_enum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stable identifier of a person, device or service within one institution: a login name, an AE title
/// or a client identifier. It names an account, not a patient, and may appear in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(String);

impl ActorId {
    /// The longest identifier, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Takes 1 to 64 bytes of printable text without white space; compared byte for byte, never folded, so
    /// that two accounts cannot be confused by case or by a look-alike blank.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal = !text.is_empty()
            && text.len() <= Self::MAX_BYTES
            && text.chars().all(|c| !c.is_control() && !c.is_whitespace());
        legal.then(|| Self(text.to_owned()))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

word_enum! {
    /// What kind of thing acts.
    ActorKind, "kind of actor" {
        /// A human being with an account.
        Person => "person",
        /// A modality or workstation, known by AE title, certificate and address.
        Device => "device",
        /// A program with client credentials.
        Service => "service",
        /// The archive itself: start-up recovery, repair.
        System => "system",
    }
}

word_enum! {
    /// A role. A session activates exactly one (NIST RBAC: dynamic separation of duty).
    Role, "role" {
        /// Treats patients; sees the studies of patients with a valid care relation.
        Clinician => "clinician",
        /// Reads images of the institution.
        Radiologist => "radiologist",
        /// Works in a department; sees the studies of the departments that the person belongs to.
        Specialist => "specialist",
        /// Heads a department; sees the studies of the institution.
        Chief => "chief",
        /// Operates a modality; stores and sees what was acquired today.
        Technician => "technician",
        /// Works with de-identified data only; sees nothing identifiable.
        Researcher => "researcher",
        /// Advises from outside (远程专家); sees the studies of consultations that were assigned, while these last.
        RemoteExpert => "remote-expert",
        /// Is a patient (患者); sees the own studies, and which roles looked at them.
        Patient => "patient",
        /// Is a technician of a company that maintains something here (厂商维护人员); sees the state of the system in maintenance sessions, and
        /// never anything of a patient.
        Vendor => "vendor",
        /// System administrator (系统管理员): accounts and devices, no rights, no images, no audit.
        SystemAdministrator => "system-administrator",
        /// Security administrator (安全管理员): rights, no accounts, no images, no audit.
        SecurityAdministrator => "security-administrator",
        /// Audit administrator (审计管理员): reads the audit log, nothing else.
        AuditAdministrator => "audit-administrator",
        /// A registered modality or workstation.
        Device => "device",
        /// A program: gateway, viewer back end, integration engine.
        Service => "service",
        /// The archive itself.
        System => "system",
    }
}

impl Role {
    /// The three administrators who must be three different people (三员分立).
    pub const OFFICERS: [Self; 3] =
        [Self::SystemAdministrator, Self::SecurityAdministrator, Self::AuditAdministrator];

    /// Whether this is one of the three administrators.
    #[must_use]
    pub fn is_officer(self) -> bool {
        Self::OFFICERS.contains(&self)
    }

    /// Whether an account with this role has no other one: an officer holds one office, and a patient or a vendor none.
    #[must_use]
    pub fn is_alone(self) -> bool {
        self.is_officer() || matches!(self, Self::Patient | Self::Vendor)
    }

    /// Whether who has this role is not of the house: such a person looks at what that person is there for, and does nothing else.
    #[must_use]
    pub fn is_outsider(self) -> bool {
        matches!(self, Self::RemoteExpert | Self::Patient | Self::Vendor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_identifier_is_printable_text_without_blanks() {
        assert!(ActorId::new("王医生").is_some());
        for wrong in ["", "a b", "a\u{3000}b", "a\n", &"x".repeat(65)] {
            assert!(ActorId::new(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn every_role_reads_back_from_its_own_word_only() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().ok().as_ref(), Some(role));
        }
        assert!("Clinician".parse::<Role>().is_err());
    }
}

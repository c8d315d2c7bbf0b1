//! Why a decision came out as it did: the closed list of reason codes, shared by policies, answers and audit.
//!
//! A policy names its reason in the annotation `@reason("…")` and may use the words below only, so that every
//! code that reaches the audit log is known, translated and explained. A reason never says whether a study
//! exists: doors answer "not found" where the asker may not know.

use std::fmt;
use yingdun_model::Role;

macro_rules! reasons {
    ($($(#[$meta:meta])* $variant:ident => $word:literal,)+) => {
        /// Why something was permitted or refused. The order is the order of precedence when several policies
        /// decide at once: the first one is reported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$meta])* $variant,)+
        }

        impl Reason {
            /// Every reason, in order of precedence.
            pub const ALL: &[Reason] = &[$(Reason::$variant,)+];

            /// The stable word in policies, answers and audit leaves.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $word,)+ }
            }
        }
    };
}

reasons! {
    /// The session was revoked or has expired.
    SessionEnded => "session-ended",
    /// The account no longer holds the role that the session activated.
    RoleWithdrawn => "role-withdrawn",
    /// The permit was made for another session.
    ForeignPermit => "foreign-permit",
    /// The minute that one audit leaf covers is over: a new decision with a new leaf is due.
    LeafWindowOver => "leaf-window-over",
    /// Principal and resource belong to different institutions.
    OtherInstitution => "other-institution",
    /// The account is disabled.
    AccountDisabled => "account-disabled",
    /// Nothing may be destroyed yet.
    DestructionNotAvailable => "destruction-not-available",
    /// Officers never touch images (三员分立).
    OfficersSeeNoImages => "officers-see-no-images",
    /// Research looks, carries nothing identifiable away and sees no special care.
    ResearchSeesNoIdentity => "research-sees-no-identity",
    /// Nobody broke the glass for this patient, or its time is over.
    BreakTheGlassNeedsCase => "break-the-glass-needs-case",
    /// Grade L5 opens through a care relation only.
    SpecialCareNeedsCareRelation => "special-care-needs-care-relation",
    /// The patient dissents from this person, this department or this use, or the record is sealed and does not name the person.
    PatientDissents => "patient-dissents",
    /// The patient has not consented to this use, and this use needs it.
    ConsentNeeded => "consent-needed",
    /// The session has not proved the second factor of its account yet, or has to get one first: nothing else is open to it.
    SignInNotFinished => "sign-in-not-finished",
    /// A bearer token was used without TLS from another machine.
    UnprotectedTransport => "unprotected-transport",
    /// Who comes from outside does nothing but look at what that person is there for.
    OutsidersOnlyLook => "outsiders-only-look",
    /// A vendor looks at the state of the system, and at nothing else.
    VendorsOnlyMaintain => "vendors-only-maintain",
    /// No maintenance session of this vendor is open.
    OutsideMaintenance => "outside-maintenance",
    /// The role is shown names and identifiers masked only, and this cannot be masked.
    MaskedRole => "masked-role",
    /// The study is shown to this role as pictures only, and this would be more.
    RenderedOnly => "rendered-only",
    /// A rule of the operator's own policies forbids it.
    LocalRule => "local-rule",
    /// The action cannot be asked for this kind of resource.
    NotApplicable => "not-applicable",
    /// A policy could not be evaluated, which refuses.
    PolicyError => "policy-error",
    /// It opens with a second factor that was proved a short while ago.
    SecondFactorNeeded => "second-factor-needed",
    /// The monitor asks why this patient is to be opened.
    ReasonRequired => "reason-required",
    /// The monitor lets this person open patients with a pause between them.
    SlowedDown => "slowed-down",
    /// The monitor stopped it for this person, for a while or until somebody lifts it.
    MonitorLimit => "monitor-limit",
    /// No policy permits it (default deny).
    NoRulePermits => "no-rule-permits",
    /// The person broke the glass for this patient, and so passes a dissent that says that this passes it.
    BreakGlassAgainstDissent => "break-glass-against-dissent",
    /// The person broke the glass for this patient. It precedes every other reason but the one above, so that each look under it is named.
    BreakGlass => "break-glass",
    /// The patient is in care of the person now.
    InCare => "in-care",
    /// The study is of a department of the person.
    InDepartment => "in-department",
    /// The role sees across departments: the study is of none of the person's own.
    CrossDepartment => "cross-department",
    /// The role reads images of its institution.
    ReadsForInstitution => "reads-for-institution",
    /// The role takes images of its institution out of the archive.
    ExportsForInstitution => "exports-for-institution",
    /// The study arrived today.
    AcquiredToday => "acquired-today",
    /// The role stores images of its institution.
    StoresForInstitution => "stores-for-institution",
    /// The role keeps the worklist of its institution.
    SchedulesForInstitution => "schedules-for-institution",
    /// The role searches its institution; each row is decided again.
    SearchesOwnInstitution => "searches-own-institution",
    /// The device is registered.
    RegisteredDevice => "registered-device",
    /// The service client was granted this scope.
    GrantedScope => "granted-scope",
    /// The officer acts within the office.
    OwnOffice => "own-office",
    /// The archive recovers itself.
    SystemRecovery => "system-recovery",
    /// The archive looks after its keys itself.
    SystemKeyCare => "system-key-care",
    /// The role gives others what it may open itself.
    GivesWhatIsHeld => "gives-what-is-held",
    /// The role may break the glass.
    MayBreakGlass => "may-break-glass",
    /// Somebody granted it to the person for a while.
    TimedGrant => "timed-grant",
    /// Somebody assigned it to the remote expert as a consultation, which is not over.
    Consultation => "consultation",
    /// The study is the patient's own, and released.
    OwnRecord => "own-record",
    /// The role assigns to remote experts what it may open itself.
    AssignsWhatIsHeld => "assigns-what-is-held",
    /// A maintenance session opens it, which was approved and is not over.
    MaintenanceSession => "maintenance-session",
    /// A rule of the operator's own policies permits it.
    LocalGrant => "local-grant",
}

impl Reason {
    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == word)
    }

    /// Whether it rests on broken glass: in an emergency nothing stops it, and each look under it is named.
    #[must_use]
    pub const fn is_broken_glass(self) -> bool {
        matches!(self, Self::BreakGlass | Self::BreakGlassAgainstDissent)
    }

    /// Whether this reason speaks for a permit; every other one speaks for a refusal.
    #[must_use]
    pub const fn permits(self) -> bool {
        match self {
            Self::BreakGlass
            | Self::BreakGlassAgainstDissent
            | Self::GivesWhatIsHeld
            | Self::MayBreakGlass
            | Self::TimedGrant
            | Self::Consultation
            | Self::OwnRecord
            | Self::AssignsWhatIsHeld
            | Self::MaintenanceSession
            | Self::InCare
            | Self::InDepartment
            | Self::CrossDepartment
            | Self::ReadsForInstitution
            | Self::ExportsForInstitution
            | Self::AcquiredToday
            | Self::StoresForInstitution
            | Self::SchedulesForInstitution
            | Self::SearchesOwnInstitution
            | Self::RegisteredDevice
            | Self::GrantedScope
            | Self::OwnOffice
            | Self::SystemRecovery
            | Self::SystemKeyCare
            | Self::LocalGrant => true,
            Self::SessionEnded
            | Self::RoleWithdrawn
            | Self::ForeignPermit
            | Self::LeafWindowOver
            | Self::OtherInstitution
            | Self::AccountDisabled
            | Self::DestructionNotAvailable
            | Self::OfficersSeeNoImages
            | Self::ResearchSeesNoIdentity
            | Self::OutsidersOnlyLook
            | Self::VendorsOnlyMaintain
            | Self::OutsideMaintenance
            | Self::BreakTheGlassNeedsCase
            | Self::SpecialCareNeedsCareRelation
            | Self::PatientDissents
            | Self::ConsentNeeded
            | Self::SignInNotFinished
            | Self::UnprotectedTransport
            | Self::LocalRule
            | Self::NotApplicable
            | Self::MaskedRole
            | Self::RenderedOnly
            | Self::PolicyError
            | Self::SecondFactorNeeded
            | Self::ReasonRequired
            | Self::SlowedDown
            | Self::MonitorLimit
            | Self::NoRulePermits => false,
        }
    }

    /// What would help somebody in this role, as the key of a message in the catalogue of user texts. It depends
    /// on the role and the reason only, never on whether the study exists.
    #[must_use]
    pub const fn help(self, role: Role) -> Help {
        match self {
            Self::SessionEnded => Help::SignInAgain,
            Self::RoleWithdrawn
            | Self::OfficersSeeNoImages
            | Self::ResearchSeesNoIdentity
            | Self::OutsidersOnlyLook
            | Self::MaskedRole
            | Self::RenderedOnly => Help::ActivateAnotherRole,
            Self::ForeignPermit | Self::LeafWindowOver => Help::AskAgain,
            Self::AccountDisabled => Help::AskSystemAdministrator,
            Self::OutsideMaintenance => Help::AskForMaintenance,
            Self::SpecialCareNeedsCareRelation => Help::AskForCareRelation,
            Self::SignInNotFinished | Self::SecondFactorNeeded => Help::ProveSecondFactor,
            Self::UnprotectedTransport => Help::UseTls,
            Self::MonitorLimit => Help::AskToLift,
            Self::ConsentNeeded => Help::AskForConsent,
            Self::ReasonRequired => Help::GiveReason,
            Self::SlowedDown => Help::AskAgain,
            Self::PolicyError => Help::AskSystemAdministrator,
            Self::NoRulePermits => match role {
                Role::Clinician => Help::AskForCareRelation,
                Role::Specialist | Role::Researcher => Help::AskForDepartment,
                Role::RemoteExpert => Help::AskForConsultation,
                Role::Patient => Help::AskForRelease,
                Role::Vendor => Help::AskForMaintenance,
                Role::Radiologist | Role::Chief | Role::Technician => Help::ActivateAnotherRole,
                Role::SystemAdministrator | Role::SecurityAdministrator | Role::AuditAdministrator => {
                    Help::AskTheOfficerInCharge
                }
                Role::Device | Role::Service => Help::AskForGrant,
                Role::System => Help::None,
            },
            Self::OtherInstitution
            | Self::DestructionNotAvailable
            | Self::VendorsOnlyMaintain
            | Self::MaintenanceSession
            | Self::BreakTheGlassNeedsCase
            | Self::LocalRule
            | Self::NotApplicable
            | Self::PatientDissents
            | Self::BreakGlass
            | Self::BreakGlassAgainstDissent
            | Self::GivesWhatIsHeld
            | Self::MayBreakGlass
            | Self::TimedGrant
            | Self::Consultation
            | Self::OwnRecord
            | Self::AssignsWhatIsHeld
            | Self::InCare
            | Self::InDepartment
            | Self::CrossDepartment
            | Self::ReadsForInstitution
            | Self::ExportsForInstitution
            | Self::AcquiredToday
            | Self::StoresForInstitution
            | Self::SchedulesForInstitution
            | Self::SearchesOwnInstitution
            | Self::RegisteredDevice
            | Self::GrantedScope
            | Self::OwnOffice
            | Self::SystemRecovery
            | Self::SystemKeyCare
            | Self::LocalGrant => Help::None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What would help somebody who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Help {
    /// Nothing this person can do.
    None,
    /// Sign in again.
    SignInAgain,
    /// Ask again: the decision is due anew.
    AskAgain,
    /// Activate another role, if one is held.
    ActivateAnotherRole,
    /// Ask the security administrator for a care relation with the patient.
    AskForCareRelation,
    /// Ask the security administrator to be entered in the department.
    AskForDepartment,
    /// Ask who asked for the advice to assign a consultation.
    AskForConsultation,
    /// Ask the hospital whether it is released to patients, and whether the account is bound to the record.
    AskForRelease,
    /// Ask the patient for a consent, and the security administrator to enter it.
    AskForConsent,
    /// Ask the system administrator to open a maintenance session.
    AskForMaintenance,
    /// Ask the security administrator for a grant.
    AskForGrant,
    /// Ask the system administrator.
    AskSystemAdministrator,
    /// This is another officer's work.
    AskTheOfficerInCharge,
    /// Connect with TLS.
    UseTls,
    /// Prove a second factor.
    ProveSecondFactor,
    /// Ask the security administrator to lift what the monitor stopped; in an emergency, break the glass.
    AskToLift,
    /// Say why.
    GiveReason,
    /// Ask again after a pause.
    Wait {
        /// Of so many seconds.
        seconds: u32,
    },
}

impl Help {
    /// The stable word, a key for translated texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SignInAgain => "sign-in-again",
            Self::AskAgain => "ask-again",
            Self::ActivateAnotherRole => "activate-another-role",
            Self::AskForCareRelation => "ask-for-care-relation",
            Self::AskForDepartment => "ask-for-department",
            Self::AskForConsultation => "ask-for-consultation",
            Self::AskForRelease => "ask-for-release",
            Self::AskForConsent => "ask-for-consent",
            Self::AskForMaintenance => "ask-for-maintenance",
            Self::AskForGrant => "ask-for-grant",
            Self::AskSystemAdministrator => "ask-system-administrator",
            Self::AskTheOfficerInCharge => "ask-the-officer-in-charge",
            Self::UseTls => "use-tls",
            Self::ProveSecondFactor => "prove-second-factor",
            Self::AskToLift => "ask-to-lift",
            Self::GiveReason => "give-reason",
            Self::Wait { .. } => "wait",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_reads_back_from_its_own_word_only() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(reason.as_str()), Some(*reason));
        }
        let words: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        assert_eq!(Reason::from_word("because"), None);
    }

    #[test]
    fn refusals_take_precedence_over_permits() {
        let last_refusal = Reason::ALL.iter().filter(|reason| !reason.permits()).max();
        let first_permit = Reason::ALL.iter().filter(|reason| reason.permits()).min();
        assert!(last_refusal < first_permit);
    }
}

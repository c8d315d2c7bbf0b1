//! What a decision is about: who, on what, under which circumstances. Plain values, gathered elsewhere.

use crate::consents::ConsentRules;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;
use yingdun_model::{
    ActorId, ActorKind, Grade, InstitutionId, PatientRef, PurposeOfUse, Role, StudyRef, Timestamp,
};

/// What an action is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// One study: store, list, view, export, give-grant, destroy, recover.
    Study(StudyFacts),
    /// The archive of an institution as a whole: search, echo, read-system, manage-keys, recover.
    Archive(InstitutionId),
    /// The audit log of an institution: read-audit.
    AuditLog(InstitutionId),
    /// The accounts of an institution: manage-accounts, manage-rights.
    Accounts(InstitutionId),
}

/// What the decision needs to know of a study. Care relation and grants are not among it: they are looked up here and
/// never taken from the asker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StudyFacts {
    /// The institution that holds the study.
    pub institution: InstitutionId,
    /// The study.
    pub study: StudyRef,
    /// Its patient.
    pub patient: PatientRef,
    /// Its grade.
    pub grade: Grade,
    /// When its first instance arrived. For a study that is just arriving: now.
    pub received: Timestamp,
}

impl Resource {
    /// The institution that the resource belongs to.
    #[must_use]
    pub const fn institution(&self) -> &InstitutionId {
        match self {
            Self::Study(study) => &study.institution,
            Self::Archive(institution) | Self::AuditLog(institution) | Self::Accounts(institution) => {
                institution
            }
        }
    }

    /// The study, where the resource is one.
    #[must_use]
    pub const fn study(&self) -> Option<&StudyFacts> {
        match self {
            Self::Study(study) => Some(study),
            Self::Archive(_) | Self::AuditLog(_) | Self::Accounts(_) => None,
        }
    }
}

/// What a service client or a device was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Store instances.
    Store,
    /// Search and list studies.
    Search,
    /// Search, list and open studies up to grade L4S.
    View,
    /// Take studies up to grade L4S out of the archive as media.
    Export,
    /// Ask for the worklist and report procedure steps.
    Worklist,
    /// Create, claim, change and watch workitems of the unified worklist; of devices, whose worklist is that of modalities.
    Workitems,
    /// Carry sealed packs, rows and the audit log away into a vault.
    Vault,
    /// Ask whether a token works and whose it is (RFC 7662).
    Introspect,
}

impl Scope {
    /// Every scope.
    pub const ALL: &[Self] = &[
        Self::Store,
        Self::Search,
        Self::View,
        Self::Export,
        Self::Worklist,
        Self::Workitems,
        Self::Vault,
        Self::Introspect,
    ];

    /// The word in policies, tokens and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Search => "search",
            Self::View => "view",
            Self::Export => "export",
            Self::Worklist => "worklist",
            Self::Workitems => "workitems",
            Self::Vault => "vault",
            Self::Introspect => "introspect",
        }
    }
}

/// The word is none of the scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is `store`, `search`, `view`, `export`, `worklist`, `workitems`, `vault` or `introspect`")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == word).ok_or(UnknownScope)
    }
}

/// The scopes of a row. A word that is not known any more grants nothing.
pub(crate) fn parse_scopes(words: &str) -> BTreeSet<Scope> {
    words.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Scopes as a row keeps them.
pub(crate) fn words(scopes: &BTreeSet<Scope>) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// The acting account as it stands at this moment in the identity database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) kind: ActorKind,
    pub(crate) actor: ActorId,
    pub(crate) institution: InstitutionId,
    pub(crate) role: Role,
    pub(crate) disabled: bool,
    /// Of a service client or a device; empty for everybody else.
    pub(crate) scopes: BTreeSet<Scope>,
}

/// A care relation between the acting person and a patient: from, inclusive, until, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CareInterval {
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
}

/// A timed grant that covers a study: from, inclusive, until, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GrantInterval {
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    pub(crate) purpose: PurposeOfUse,
    pub(crate) export: bool,
}

/// A maintenance session that was approved: from, inclusive, until, exclusive, and what it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaintenanceInterval {
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    pub(crate) health: bool,
    pub(crate) metrics: bool,
    pub(crate) configuration: bool,
}

/// What stands against the acting principal: from, inclusive, until, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DissentInterval {
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    /// Whether broken glass passes it.
    pub(crate) break_glass: bool,
}

/// What connects the acting person with a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ties {
    /// The care relation with its patient.
    pub(crate) care: Option<CareInterval>,
    /// What somebody granted.
    pub(crate) grant: Option<GrantInterval>,
    /// The time for which the person broke the glass.
    pub(crate) break_glass: Option<CareInterval>,
    /// The time for which the person belongs to a department that asked for the study or performed it.
    pub(crate) department: Option<CareInterval>,
    /// The time for which the person belongs to the department that performed it, or to the device that sent it.
    pub(crate) acquired: Option<CareInterval>,
    /// The time for which somebody assigned it to the person as a consultation.
    pub(crate) consultation: Option<CareInterval>,
    /// The time for which the study is the person's own and released.
    pub(crate) own: Option<CareInterval>,
    /// What the patient, or a restriction, has against this principal.
    pub(crate) dissent: Option<DissentInterval>,
    /// A dissent from research.
    pub(crate) against_research: Option<CareInterval>,
    /// A dissent from being carried away.
    pub(crate) against_sharing: Option<CareInterval>,
    /// The time for which the patient consents to research by this principal.
    pub(crate) consented_research: Option<CareInterval>,
    /// The time for which the patient consents to being carried away.
    pub(crate) consented_sharing: Option<CareInterval>,
}

/// A resource reduced to what policies may compare. Two targets that are equal get equal decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are studies: a box would be an allocation for each row of a list"
)]
pub(crate) enum Target {
    Study { institution: InstitutionId, grade: Grade, received_today: bool, ties: Ties },
    Archive(InstitutionId),
    AuditLog(InstitutionId),
    Accounts(InstitutionId),
}

impl Target {
    /// Joins a resource with the facts about it.
    pub(crate) fn new(resource: &Resource, day_start: Timestamp, ties: Ties) -> Self {
        match resource {
            Resource::Study(study) => Self::Study {
                institution: study.institution.clone(),
                grade: study.grade,
                received_today: study.received >= day_start,
                ties,
            },
            Resource::Archive(institution) => Self::Archive(institution.clone()),
            Resource::AuditLog(institution) => Self::AuditLog(institution.clone()),
            Resource::Accounts(institution) => Self::Accounts(institution.clone()),
        }
    }
}

/// When, what for and over which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) now: Timestamp,
    pub(crate) purpose: PurposeOfUse,
    pub(crate) tls: bool,
    pub(crate) address: IpAddr,
    /// Whether a second factor was proved in this session a short while ago.
    pub(crate) strong: bool,
    /// Whether this installation asks people for that before it opens what is sensitive.
    pub(crate) step_up: bool,
    /// Whether the institution has entered departments.
    pub(crate) departments: bool,
    /// Whether the role is shown names and identifiers masked only.
    pub(crate) masked: bool,
    /// For which uses the institution asks for a consent.
    pub(crate) consents: ConsentRules,
    /// The maintenance session in which the person is.
    pub(crate) maintenance: Option<MaintenanceInterval>,
}

//! What is written down of every route beside what it does: its class, who owns it, how its callers are known, how its bytes travel.
//!
//! All of it follows from the row of the table by matches that name every action and every need: a route of a new action without
//! an owner does not compile, and there is no other way to a route.

use super::RouteId;
use super::words::{Family, Needs, Place, Route};
use yingdun_gateway::Class;
use yingdun_model::Action;

/// Who answers for an interface: whom an auditor asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Radiology: images, searches, worklists.
    Imaging,
    /// The system administrator (系统管理员).
    SystemAdministration,
    /// The security administrator (安全管理员).
    SecurityAdministration,
    /// The audit administrator (审计管理员).
    AuditAdministration,
}

impl Owner {
    /// The word in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imaging => "imaging",
            Self::SystemAdministration => "system-administration",
            Self::SecurityAdministration => "security-administration",
            Self::AuditAdministration => "audit-administration",
        }
    }

    /// Who answers for an action, at whatever door.
    #[must_use]
    pub const fn of(action: Action) -> Self {
        match action {
            Action::Store
            | Action::Search
            | Action::List
            | Action::View
            | Action::Export
            | Action::Commit
            | Action::ReadWorklist
            | Action::ManageWorklist
            | Action::ReportStep
            | Action::Echo
            | Action::GiveGrant
            | Action::AssignConsultation
            | Action::MarkKeyImages => Self::Imaging,
            Action::ManageAccounts
            | Action::ReadSystem
            | Action::ManageStorage
            | Action::OpenMaintenance
            | Action::ReadHealth
            | Action::ReadMetrics
            | Action::ReadConfiguration
            | Action::Backup
            | Action::Recover => Self::SystemAdministration,
            Action::ManageRights
            | Action::ManageKeys
            | Action::Destroy
            | Action::RequestDestruction
            | Action::ApproveDestruction
            | Action::ManageHolds
            | Action::ApproveRelease
            | Action::BreakGlass
            | Action::ReviewBreakGlass
            | Action::ProposePolicy
            | Action::ApprovePolicy
            | Action::ActivatePolicy
            | Action::ReviewRights
            | Action::ApproveMaintenance => Self::SecurityAdministration,
            Action::ReadAudit | Action::ReviewAlerts | Action::LiftStop => Self::AuditAdministration,
        }
    }
}

/// How the callers of an interface are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authentication {
    /// It is how callers become known, or tells what everybody may know.
    None,
    /// An access token.
    Token,
    /// The cookie of a page; without it the page says how to log in.
    Cookie,
    /// The certificate of another node.
    NodeCertificate,
    /// The certificate of a device, or its address where it is allowed to call without TLS.
    Device,
}

impl Authentication {
    /// The word in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Cookie => "cookie",
            Self::NodeCertificate => "node-certificate",
            Self::Device => "device",
        }
    }
}

/// A way in, as it stands in the list of interfaces. Nothing of it can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as in metrics.
    pub name: String,
    /// What is asked: a method and a path, or a DICOM service and its SOP class.
    pub address: String,
    /// Who answers for it.
    pub owner: Owner,
    /// What kind of work it is.
    pub class: Class,
    /// How its callers are known.
    pub authentication: Authentication,
}

/// Every way in over HTTP: one for each route under each prefix of its family. The router is made of the same table.
pub fn interfaces() -> impl Iterator<Item = Interface> {
    RouteId::ALL.iter().flat_map(|id| {
        let route = id.describe();
        route.family.prefixes().iter().map(move |prefix| Interface {
            name: id.name().to_owned(),
            address: format!("{} {prefix}{}", route.method.as_str(), route.path),
            owner: route.owner(),
            class: route.class(),
            authentication: route.authentication(),
        })
    })
}

impl Route {
    /// Who answers for it.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self.needs {
            Needs::Token(action) | Needs::Cookie(action) => Owner::of(action),
            // Accounts, sign-in, sessions and second factors.
            Needs::OwnToken | Needs::OwnTokenInPart | Needs::OwnCookieInPart => Owner::SecurityAdministration,
            Needs::Node | Needs::Scrape => Owner::SystemAdministration,
            Needs::Nothing => match self.family {
                Family::DicomWeb | Family::WadoUri => Owner::Imaging,
                Family::OAuth | Family::Page => Owner::SecurityAdministration,
                Family::Fhir => Owner::AuditAdministration,
                Family::Api | Family::Operations => Owner::SystemAdministration,
            },
        }
    }

    /// How its callers are known.
    #[must_use]
    pub const fn authentication(&self) -> Authentication {
        match self.needs {
            Needs::Nothing => Authentication::None,
            Needs::Token(_) | Needs::OwnToken | Needs::OwnTokenInPart | Needs::Scrape => {
                Authentication::Token
            }
            Needs::Cookie(_) | Needs::OwnCookieInPart => Authentication::Cookie,
            Needs::Node => Authentication::NodeCertificate,
        }
    }

    /// What kind of work it is.
    #[must_use]
    pub fn class(&self) -> Class {
        let action = match self.needs {
            Needs::Token(action) | Needs::Cookie(action) => action,
            // Asked beside the token endpoint, from where programs are.
            Needs::OwnToken if self.family == Family::OAuth => return Class::Open,
            Needs::OwnToken | Needs::OwnTokenInPart => return Class::Administration,
            Needs::OwnCookieInPart | Needs::Nothing if self.family != Family::Operations => {
                return Class::Open;
            }
            Needs::OwnCookieInPart | Needs::Nothing | Needs::Node | Needs::Scrape => {
                return Class::Operations;
            }
        };
        match action {
            Action::View if self.is_whole() => Class::Bulk,
            Action::View => Class::Reading,
            Action::Search | Action::List | Action::ReadWorklist => Class::Search,
            Action::Store | Action::Commit | Action::ReportStep | Action::MarkKeyImages => Class::Store,
            Action::Export | Action::Backup => Class::Bulk,
            Action::Echo
            | Action::ManageWorklist
            | Action::ManageAccounts
            | Action::ManageRights
            | Action::ManageKeys
            | Action::ReadAudit
            | Action::ReadSystem
            | Action::ManageStorage
            | Action::Recover
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
            | Action::ReadConfiguration => Class::Administration,
        }
    }

    /// Whether it gives the objects, or all bulk data, of a whole series or study.
    fn is_whole(&self) -> bool {
        let names_object = self.parameters.iter().any(|parameter| {
            parameter.place == Place::Path && matches!(parameter.name, "instance" | "place")
        });
        self.family == Family::DicomWeb && self.produces.contains(&"multipart/related") && !names_object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{BodyRule, RouteId};

    #[test]
    fn what_a_reader_waits_for_is_reading_and_what_is_carried_away_is_bulk() {
        for (route, class) in [
            (RouteId::RetrieveFrames, Class::Reading),
            (RouteId::RetrieveInstance, Class::Reading),
            (RouteId::FramesRendered, Class::Reading),
            (RouteId::SeriesMetadata, Class::Reading),
            (RouteId::RetrieveByUri, Class::Reading),
            (RouteId::StudyThumbnail, Class::Reading),
            (RouteId::RetrieveStudy, Class::Bulk),
            (RouteId::SeriesPixelData, Class::Bulk),
            (RouteId::ExportStudy, Class::Bulk),
            (RouteId::VaultPack, Class::Bulk),
            (RouteId::SearchInstances, Class::Search),
            (RouteId::Home, Class::Search),
            (RouteId::StoreInstances, Class::Store),
            (RouteId::CreatePerson, Class::Administration),
            (RouteId::ChangePassword, Class::Administration),
            (RouteId::Token, Class::Open),
            (RouteId::Login, Class::Open),
            (RouteId::Live, Class::Operations),
            (RouteId::NodeSpan, Class::Operations),
            (RouteId::Metrics, Class::Operations),
        ] {
            assert_eq!(route.describe().class(), class, "{route:?}");
        }
    }

    #[test]
    fn only_what_makes_callers_known_or_tells_what_everybody_may_know_takes_anybody() {
        let open: Vec<&str> = RouteId::ALL
            .iter()
            .filter(|id| id.describe().authentication() == Authentication::None)
            .map(|id| id.name())
            .collect();
        assert!(
            open.iter().all(|name| !name.starts_with("Retrieve") && !name.starts_with("Search")),
            "{open:?}"
        );
        for id in RouteId::ALL {
            let route = id.describe();
            let takes_anybody = route.authentication() == Authentication::None;
            assert_eq!(
                takes_anybody,
                matches!(route.class(), Class::Open | Class::Operations) && route.needs == Needs::Nothing,
                "{id:?}"
            );
        }
    }

    #[test]
    fn what_a_stranger_sends_is_a_form_which_is_small_enough_to_be_read_before_a_turn_is_taken() {
        for id in RouteId::ALL {
            let route = id.describe();
            let is_form = matches!(route.body, BodyRule::None | BodyRule::Form(_));
            assert!(route.class() != Class::Open || is_form, "{id:?}");
        }
    }
}

//! Which event of DICOM a leaf is: EventID (CID 400), EventTypeCode (CID 401) and action of PS3.15 A.5.3.

use crate::event::{EventKind, Outcome};
use crate::leaf::Leaf;
use yingdun_model::Action;

/// The name of the DICOM controlled terminology in audit messages.
pub const DCM: &str = "DCM";

/// A code with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The value.
    pub value: &'static str,
    /// What it means, in the words of the terminology.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($name:ident = $value:literal $meaning:literal,)+) => {
        $(
            #[doc = $meaning]
            pub const $name: Code = Code { value: $value, meaning: $meaning };
        )+
    };
}

// CID 400, Audit Event ID.
codes! {
    APPLICATION_ACTIVITY = "110100" "Application Activity",
    AUDIT_LOG_USED = "110101" "Audit Log Used",
    INSTANCES_ACCESSED = "110103" "DICOM Instances Accessed",
    INSTANCES_TRANSFERRED = "110104" "DICOM Instances Transferred",
    STUDY_DELETED = "110105" "DICOM Study Deleted",
    EXPORT = "110106" "Export",
    ORDER_RECORD = "110109" "Order Record",
    PROCEDURE_RECORD = "110111" "Procedure Record",
    QUERY = "110112" "Query",
    SECURITY_ALERT = "110113" "Security Alert",
    USER_AUTHENTICATION = "110114" "User Authentication",
}

// CID 401, Audit Event Type Code.
codes! {
    APPLICATION_START = "110120" "Application Start",
    APPLICATION_STOP = "110121" "Application Stop",
    LOGIN = "110122" "Login",
    LOGOUT = "110123" "Logout",
    NODE_AUTHENTICATION = "110126" "Node Authentication",
    EMERGENCY_OVERRIDE_STARTED = "110127" "Emergency Override Started",
    NETWORK_CONFIGURATION = "110128" "Network Configuration",
    SECURITY_CONFIGURATION = "110129" "Security Configuration",
    HARDWARE_CONFIGURATION = "110130" "Hardware Configuration",
    SOFTWARE_CONFIGURATION = "110131" "Software Configuration",
    USE_OF_RESTRICTED_FUNCTION = "110132" "Use of Restricted Function",
    AUDIT_RECORDING_STARTED = "110134" "Audit Recording Started",
    OBJECT_ATTRIBUTES_CHANGED = "110135" "Object Security Attributes Changed",
    ROLES_CHANGED = "110136" "Security Roles Changed",
    USER_ATTRIBUTES_CHANGED = "110137" "User security Attributes Changed",
    LOCAL_OPERATION_STARTED = "110141" "Local Service Operation Started",
}

// CID 402, Audit Active Participant Role ID Code; CID 404, Audit Participant Object ID Type Code.
codes! {
    APPLICATION = "110150" "Application",
    DESTINATION_ROLE = "110152" "Destination Role ID",
    SOURCE_ROLE = "110153" "Source Role ID",
    STUDY_INSTANCE_UID = "110180" "Study Instance UID",
}

/// What is done to what the event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventAction {
    /// Something was made.
    Create,
    /// Something was read.
    Read,
    /// Something was changed.
    Update,
    /// Something was removed.
    Delete,
    /// Something was done.
    Execute,
}

impl EventAction {
    /// The letter of RFC 3881, which DICOM and FHIR share.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Delete => "D",
            Self::Execute => "E",
        }
    }
}

/// The event of DICOM that a leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coded {
    /// EventID.
    pub event: Code,
    /// EventTypeCode, where the event has types.
    pub kind: Option<Code>,
    /// EventActionCode.
    pub action: EventAction,
}

/// Finds the event for a leaf. There is one for every leaf.
#[must_use]
pub fn coded(leaf: &Leaf) -> Coded {
    let reason = leaf.reason.as_str();
    match leaf.kind {
        EventKind::Access => access(leaf.action, reason),
        EventKind::AccessClosed => plain(INSTANCES_TRANSFERRED, EventAction::Read),
        EventKind::Query if leaf.action == Some(Action::ReadAudit) => {
            plain(AUDIT_LOG_USED, EventAction::Read)
        }
        EventKind::Query => plain(QUERY, EventAction::Execute),
        EventKind::Stored => plain(INSTANCES_TRANSFERRED, EventAction::Create),
        // A question about instances, answered after they were read.
        EventKind::Commitment => plain(INSTANCES_ACCESSED, EventAction::Read),
        EventKind::Authentication => authentication(reason),
        // PS3.15 A.5.3.10: the outcome tells an alert from an informative message.
        EventKind::Association => typed(SECURITY_ALERT, NODE_AUTHENTICATION),
        EventKind::Administration => administration(leaf.action, reason),
        EventKind::System => system(reason, leaf.outcome),
        EventKind::Repair => typed(SECURITY_ALERT, HARDWARE_CONFIGURATION),
        EventKind::Recovery => typed(SECURITY_ALERT, LOCAL_OPERATION_STARTED),
        EventKind::Copied => plain(EXPORT, EventAction::Read),
        EventKind::Signal => typed(SECURITY_ALERT, USE_OF_RESTRICTED_FUNCTION),
    }
}

// === helpers ===

const fn plain(event: Code, action: EventAction) -> Coded {
    Coded { event, kind: None, action }
}

const fn typed(event: Code, kind: Code) -> Coded {
    Coded { event, kind: Some(kind), action: EventAction::Execute }
}

fn access(action: Option<Action>, reason: &str) -> Coded {
    let coded = match action {
        Some(Action::Store | Action::MarkKeyImages) => plain(INSTANCES_ACCESSED, EventAction::Create),
        Some(Action::Export) => plain(EXPORT, EventAction::Read),
        _ => plain(INSTANCES_ACCESSED, EventAction::Read),
    };
    // In each of the words in which a leaf says that the glass was broken for this look.
    let emergency = matches!(reason, "break-glass" | "break-glass-against-dissent");
    let kind = emergency.then_some(EMERGENCY_OVERRIDE_STARTED);
    Coded { kind, ..coded }
}

fn authentication(reason: &str) -> Coded {
    match reason {
        "own-session-ended" | "session-ended" | "session-revoked" | "signed-out" => {
            typed(USER_AUTHENTICATION, LOGOUT)
        }
        "password-changed" => typed(SECURITY_ALERT, USER_ATTRIBUTES_CHANGED),
        _ => typed(USER_AUTHENTICATION, LOGIN),
    }
}

fn administration(action: Option<Action>, reason: &str) -> Coded {
    match (action, reason) {
        (Some(Action::ApproveDestruction | Action::Destroy), _)
        | (_, "destroy-study" | "study-destroyed") => plain(STUDY_DELETED, EventAction::Delete),
        (Some(Action::ManageAccounts), _) => typed(SECURITY_ALERT, USER_ATTRIBUTES_CHANGED),
        // What a patient agrees to changes who may open studies, and nobody's role.
        (Some(Action::ManageRights), "enter-consent" | "withdraw-consent") => {
            typed(SECURITY_ALERT, OBJECT_ATTRIBUTES_CHANGED)
        }
        (Some(Action::ManageRights), _) => typed(SECURITY_ALERT, ROLES_CHANGED),
        (Some(Action::ManageStorage), _) => typed(SECURITY_ALERT, HARDWARE_CONFIGURATION),
        (Some(Action::ManageWorklist), _) => plain(ORDER_RECORD, EventAction::Update),
        (Some(Action::ReportStep), _) => plain(PROCEDURE_RECORD, EventAction::Update),
        // Sealed, and yet it leaves.
        (Some(Action::Backup), _) => plain(EXPORT, EventAction::Read),
        (Some(Action::BreakGlass), _) => typed(SECURITY_ALERT, EMERGENCY_OVERRIDE_STARTED),
        (Some(Action::ReviewBreakGlass), _) => typed(SECURITY_ALERT, USE_OF_RESTRICTED_FUNCTION),
        (
            Some(
                Action::GiveGrant
                | Action::AssignConsultation
                | Action::OpenMaintenance
                | Action::ApproveMaintenance
                | Action::ManageHolds
                | Action::ApproveRelease
                | Action::RequestDestruction,
            ),
            _,
        ) => typed(SECURITY_ALERT, OBJECT_ATTRIBUTES_CHANGED),
        // Keys, and whatever else officers do: an alert that somebody who reads for security sees.
        _ => typed(SECURITY_ALERT, SECURITY_CONFIGURATION),
    }
}

fn system(reason: &str, outcome: Outcome) -> Coded {
    match reason {
        "start-up" | "archive-started" | "archive-unsealed" => typed(APPLICATION_ACTIVITY, APPLICATION_START),
        "archive-stopped" | "archive-sealed" => typed(APPLICATION_ACTIVITY, APPLICATION_STOP),
        "audit-log-begun" => typed(SECURITY_ALERT, AUDIT_RECORDING_STARTED),
        "node-joined" => typed(SECURITY_ALERT, NETWORK_CONFIGURATION),
        _ if outcome == Outcome::Failed => typed(SECURITY_ALERT, SOFTWARE_CONFIGURATION),
        _ => typed(SECURITY_ALERT, LOCAL_OPERATION_STARTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures::leaf;

    /// CID 400 and CID 401, as far as a leaf may use them.
    const EVENTS: std::ops::RangeInclusive<u32> = 110_100..=110_114;
    const TYPES: std::ops::RangeInclusive<u32> = 110_120..=110_142;

    #[test]
    fn every_kind_of_leaf_with_every_action_and_outcome_has_an_event_of_dicom() {
        let actions = || Action::ALL.iter().copied().map(Some).chain([None]);
        for kind in EventKind::ALL {
            for (action, outcome) in actions().flat_map(|a| Outcome::ALL.iter().map(move |o| (a, *o))) {
                let coded = coded(&leaf(*kind, action, outcome, "in-care"));
                assert!(EVENTS.contains(&coded.event.value.parse().unwrap()), "{kind} {action:?}");
                let typed = coded.kind.is_none_or(|code| TYPES.contains(&code.value.parse().unwrap()));
                assert!(typed, "{kind} {action:?}");
            }
        }
    }

    #[test]
    fn the_table_is_what_the_handbook_says() {
        let cases = [
            (EventKind::Access, Some(Action::View), "in-care", "110103", None, "R"),
            (EventKind::Access, Some(Action::Store), "stores-for-institution", "110103", None, "C"),
            (EventKind::Access, Some(Action::Export), "exports-for-institution", "110106", None, "R"),
            (EventKind::Access, Some(Action::View), "break-glass", "110103", Some("110127"), "R"),
            (
                EventKind::Access,
                Some(Action::View),
                "break-glass-against-dissent",
                "110103",
                Some("110127"),
                "R",
            ),
            (EventKind::AccessClosed, Some(Action::View), "window-closed", "110104", None, "R"),
            (EventKind::Query, Some(Action::Search), "in-care", "110112", None, "E"),
            (EventKind::Query, Some(Action::ReadAudit), "own-office", "110101", None, "R"),
            (EventKind::Stored, Some(Action::Store), "stored", "110104", None, "C"),
            (EventKind::Commitment, Some(Action::Commit), "storage-committed", "110103", None, "R"),
            (EventKind::Authentication, None, "password", "110114", Some("110122"), "E"),
            (EventKind::Authentication, None, "own-session-ended", "110114", Some("110123"), "E"),
            (EventKind::Association, None, "wrong-certificate", "110113", Some("110126"), "E"),
            (
                EventKind::Administration,
                Some(Action::ManageAccounts),
                "create-person",
                "110113",
                Some("110137"),
                "E",
            ),
            (
                EventKind::Administration,
                Some(Action::ManageRights),
                "care-relation",
                "110113",
                Some("110136"),
                "E",
            ),
            (
                EventKind::Administration,
                Some(Action::ManageRights),
                "withdraw-consent",
                "110113",
                Some("110135"),
                "E",
            ),
            (
                EventKind::Administration,
                Some(Action::ManageKeys),
                "own-office",
                "110113",
                Some("110129"),
                "E",
            ),
            (
                EventKind::Administration,
                Some(Action::BreakGlass),
                "may-break-glass",
                "110113",
                Some("110127"),
                "E",
            ),
            (EventKind::Administration, Some(Action::ApproveDestruction), "own-office", "110105", None, "D"),
            (EventKind::Administration, None, "study-destroyed", "110105", None, "D"),
            (EventKind::Administration, Some(Action::ReportStep), "step-begun", "110111", None, "U"),
            (EventKind::System, None, "archive-started", "110100", Some("110120"), "E"),
            (EventKind::System, None, "archive-stopped", "110100", Some("110121"), "E"),
            (EventKind::System, None, "log-contradicted", "110113", Some("110141"), "E"),
            (EventKind::Repair, None, "pack-repaired", "110113", Some("110130"), "E"),
            (EventKind::Recovery, None, "system-recovery", "110113", Some("110141"), "E"),
            (EventKind::Copied, Some(Action::Export), "picture-printed", "110106", None, "R"),
            (EventKind::Signal, None, "signal-print-key", "110113", Some("110132"), "E"),
        ];
        for (kind, action, reason, event, type_code, letter) in cases {
            let coded = coded(&leaf(kind, action, Outcome::Permitted, reason));
            let told = (coded.event.value, coded.kind.map(|code| code.value), coded.action.letter());
            assert_eq!(told, (event, type_code, letter), "{kind} {reason}");
        }
        let told: std::collections::BTreeSet<_> = cases.iter().map(|case| case.0).collect();
        assert_eq!(told.len(), EventKind::ALL.len(), "every kind has a case");
    }
}

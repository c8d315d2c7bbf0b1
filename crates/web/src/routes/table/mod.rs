//! The rows of the route table, by door. A route is a row in the file of its door, and its name in the list below:
//! a name without a row does not compile, a row without a name is dead code, which does not pass either.

/// A list that lives as long as the program.
macro_rules! list {
    ($($item:expr),* $(,)?) => {
        const { &[$($item),*] }
    };
}

/// The rows of one door.
macro_rules! rows {
    ($($(#[doc = $doc:literal])* $id:ident => $route:expr,)+) => {
        $(
            $(#[doc = $doc])*
            #[allow(non_upper_case_globals, reason = "the name of a route")]
            pub(super) const $id: Route = $route;
        )+
    };
}

mod audit;
mod common;
mod console;
mod copies;
mod custody;
mod devices;
mod dicomweb;
mod identity;
mod maintenance;
mod nodes;
mod operations;
mod outside;
mod policies;
mod programs;
mod rights;
mod setup;
mod sign_in;
mod studies;
mod workitems;
mod worklist;

use super::words::Route;

macro_rules! doors {
    ($($door:ident { $($id:ident,)+ })+) => {
        /// A route: one method on one path. Each is described by its row.
        #[allow(missing_docs, reason = "the row says it")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RouteId {
            $($($id,)+)+
        }

        impl RouteId {
            /// Every route, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$id,)+)+];

            /// The name of the route, as in metrics and in the API description.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$id => stringify!($id),)+)+ }
            }

            /// The row of the table.
            #[must_use]
            pub const fn describe(self) -> Route {
                match self { $($(Self::$id => $door::$id,)+)+ }
            }
        }
    };
}

doors! {
    dicomweb {
        StoreInstances, StoreStudyInstances, SearchStudies, SearchSeries, SearchInstances,
        SearchStudySeries, SearchStudyInstances, SearchSeriesInstances, RetrieveStudy, RetrieveSeries,
        RetrieveInstance, StudyMetadata, SeriesMetadata, InstanceMetadata, RetrieveFrames, RetrieveBulkData,
        RetrieveBulkDataValue, StudyBulkData, SeriesBulkData, InstanceBulkData, StudyPixelData,
        SeriesPixelData, InstancePixelData, InstanceRendered, FramesRendered, StudyThumbnail,
        SeriesThumbnail, InstanceThumbnail, FramesThumbnail, RetrieveByUri, Capabilities, ExportStudies,
        ExportStudy, ExportSeries, DestroyStudy, DestroySeries, DestroyInstance,
    }
    workitems {
        CreateWorkitem, SearchWorkitems, RetrieveWorkitem, UpdateWorkitem, ChangeWorkitemState,
        RequestCancellation, Subscribe, Unsubscribe, SuspendSubscription, OpenEventChannel,
    }
    sign_in {
        Token, Revoke, Introspect, AuthorizeForm, Authorize, OAuthMetadata, Home, Console, ConsolePlace, ConsoleFile, StudiesPage, StudyPage, OwnRecordPage, LoginForm, Login,
        LoginLinkForm, LoginLink, ProviderStart, ProviderCallback, ProviderLogout, Logout, EnrolForm, Enrol,
        SecondFactorPage, SecondFactorProof, SecondFactorBegin, SecondFactorConfirm, SessionsPage,
        SessionsPageEnd, PasskeysPage, PasskeysPageBegin, PasskeysPageConfirm, PasskeysPageRemove,
    }
    setup {
        SetupLinkForm, SetupLink, SetupPage, SetupOfficers, SetupInvitation, SetupEnd,
    }
    console {
        FindStudies, ReadOverview,
    }
    copies {
        MakeCopy, StudyShowing, TellSignal, TellFile,
    }
    studies {
        MarkKeyImages, StudyIntegrity, MeasureRegion,
    }
    identity {
        WhoAmI, ReadSecondFactor, BeginSecondFactor, ConfirmSecondFactor, ProveSecondFactor, RenewRecoveryCodes,
        RemoveSecondFactor, ListOwnSessions, OwnAccesses, EndOwnSession, ListSessions, EndSession,
        ResetSecondFactor, ChangePassword, ListPeople, CreatePerson, ChangePerson, InviteAgain, BindPerson,
        UnbindPerson, EndSessions, ListClients, CreateClient, ChangeClient, ListPasskeys, BeginPasskey,
        ConfirmPasskey, AskForPasskey, ProvePasskey, RemovePasskey,
    }
    programs {
        ListCredentials, AddCredential, RemoveCredential, SetDemands,
    }
    devices {
        ListDevices, RegisterDevice, UpdateDevice, EchoDevice, FindAtDevice, WorklistAtDevice,
        StoreAtDevice, RetrieveFromDevice, CommitAtDevice, ListCommitments, ReadCommitment, ListJobs,
        ReadJob, CancelJob, ListWaitingDevices, ApproveWaitingDevice, DismissWaitingDevice, RestoreWaitingDevice,
    }
    rights {
        GiveRole, TakeRole, GrantDeviceScopes, GrantScopes, GiveCare, EndCare, EnterDissent, ListDissents,
        EndDissent, EnterConsent, ListConsents, WithdrawConsent, ListDepartments, EnterDepartment, JoinUnit, LeaveUnit, SetDeviceDepartments,
        SetStudyDepartments, GiveGrant, ListGrants, ReadGrant, RevokeGrant, BreakGlass, ListBrokenGlass,
        ReadBrokenGlass, EndBrokenGlass, ReviewBrokenGlass, ListAlerts, ReadAlert, AcknowledgeAlert,
        FreezeAccount, LiftStop, StateReason, OwnReasons, ListReasons, ReviewReason,
    }
    outside {
        AssignConsultation, ListConsultations, ReadConsultation, CompleteConsultation, WithdrawConsultation,
        BindPatientAccount, ListPatientAccounts, UnbindPatientAccount, OwnRecordAccesses, OwnConsents, WithdrawOwnConsent,
    }
    maintenance {
        OpenMaintenance, ListMaintenance, ReadMaintenance, ApproveMaintenance, EndMaintenance, SystemHealth,
        SystemConfiguration,
    }
    policies {
        ProposePolicy, CheckPolicy, ListPolicies, ReadPolicy, ApprovePolicy, RejectPolicy, WithdrawPolicy,
        ActivatePolicy, SuspendPolicies, ReviewSuspension, ComparePolicy, ReplayPolicy, UnusedRights,
    }
    worklist {
        ListEvents, ListConflicts, ListWorklist, EnterStep, ReplaceStep, CancelStep, ListPerformedSteps,
        ReadPerformedStep,
    }
    audit {
        AuditTail, AuditSearch, AuditAccesses, AuditBundle, ReviewSample, ListSampleReviews, TraceLeak, LeakMark, SearchAuditEvents, ReadAuditEvent,
        AuditCheckpoint, AuditProof,
    }
    custody {
        ReadKeys, RotateKeys, BeginRewrap, StopRewrap, ForgetNode, Seal, RequestDestruction,
        ListDestructions, ReadDestruction, ApproveDestruction, WithdrawDestruction, PlaceHold, ListHolds,
        ReadHold, RequestRelease, ApproveRelease, WithdrawRelease,
    }
    operations {
        SystemStatus, ScrubStatus, BeginScrub, ListReplicas, DrainReplica, ReplaceReplica, CompactionStatus,
        BeginCompaction, Description, Live, Ready, Metrics,
    }
    nodes {
        VaultHoldings, VaultPack, VaultProbe, VaultPart, VaultAudit, NodeSpan, NodeSoundness, NodeEpoch,
        NodeAudit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::{BodyRule, Method, Place};
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_routes_share_method_and_path() {
        let mut seen = BTreeSet::new();
        for id in RouteId::ALL {
            let route = id.describe();
            assert!(seen.insert((route.family.prefixes(), route.path, route.method)), "{id:?}");
        }
    }

    #[test]
    fn every_name_in_a_path_is_described_and_nothing_else_claims_to_be_there() {
        for id in RouteId::ALL {
            let route = id.describe();
            let in_path: BTreeSet<&str> = route
                .path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .map(|name| name.trim_start_matches('*'))
                .collect();
            let described: BTreeSet<&str> = route
                .parameters
                .iter()
                .filter(|parameter| parameter.place == Place::Path)
                .map(|parameter| parameter.name)
                .collect();
            assert_eq!(in_path, described, "{id:?}");
        }
    }

    #[test]
    fn what_stands_in_a_path_a_query_or_a_form_is_checked_as_text() {
        for id in RouteId::ALL {
            let route = id.describe();
            let form = if let BodyRule::Form(fields) = route.body { fields } else { &[] };
            for parameter in route.parameters.iter().chain(form) {
                let fault = parameter.schema.check_text("\u{1}").err();
                assert_ne!(
                    fault.map(|fault| fault.expected),
                    Some("a JSON body".into()),
                    "{id:?} {}",
                    parameter.name
                );
            }
            let names: BTreeSet<&str> = route.parameters.iter().map(|parameter| parameter.name).collect();
            assert_eq!(names.len(), route.parameters.len(), "{id:?}");
        }
    }

    #[test]
    fn only_reading_routes_and_deletions_come_without_a_body() {
        for id in RouteId::ALL {
            let route = id.describe();
            if matches!(route.method, Method::Get) {
                assert_eq!(route.body, BodyRule::None, "{id:?}");
            }
            assert!(!route.summary_zh.is_empty() && !route.summary_en.is_empty());
        }
    }
}

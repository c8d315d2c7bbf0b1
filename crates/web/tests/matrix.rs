//! The route × identity matrix: every route of the table, under every prefix, asked by everybody who can ask.
//! The expectations are an exhaustive `match` on [`RouteId`]: a new route without a row does not compile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]

mod harness;

use harness::{Running, ct, files};
use reqwest::{Method, Response};
use serde_json::json;
use yingdun_access::Scope;
use yingdun_dicom::synthetic::Study;
use yingdun_model::Role;
use yingdun_web::{Method as RouteMethod, Needs, RouteId};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Anonymous,
    Clinician,
    Radiologist,
    Chief,
    Technician,
    Researcher,
    /// To whom nothing is assigned.
    RemoteExpert,
    /// Whose account is bound to no record.
    Patient,
    SystemAdministrator,
    SecurityAdministrator,
    AuditAdministrator,
    /// A service client with every scope.
    Service,
    /// A radiologist whose token has expired.
    Expired,
    /// A radiologist whose token was revoked.
    Revoked,
    /// A radiologist who has given the password and not the code.
    HalfSignedIn,
    /// A radiologist of another institution.
    OtherInstitution,
    /// A clinician to whom the study was granted, not to take away.
    Granted,
    /// A clinician from whom that was taken back.
    GrantOver,
    /// A remote expert to whom the study was assigned.
    Consulting,
    /// A remote expert who said that the report is done.
    ReportDone,
    /// Somebody of a role that is masked, to whom the study was granted, also to take away.
    Masked,
    /// A technician of a company, for whom nobody opened a session.
    Vendor,
    /// A technician of a company in a maintenance session of everything there is.
    Maintaining,
}

impl Who {
    /// Who this would be without what was granted, and without what is masked.
    const fn plain(self) -> Self {
        match self {
            Self::Granted | Self::GrantOver | Self::Masked => Self::Clinician,
            Self::Consulting | Self::ReportDone => Self::RemoteExpert,
            // About the own account only: what else they ask for is refused before.
            Self::Vendor | Self::Maintaining => Self::Patient,
            Self::Anonymous
            | Self::Clinician
            | Self::Radiologist
            | Self::Chief
            | Self::Technician
            | Self::Researcher
            | Self::RemoteExpert
            | Self::Patient
            | Self::SystemAdministrator
            | Self::SecurityAdministrator
            | Self::AuditAdministrator
            | Self::Service
            | Self::Expired
            | Self::Revoked
            | Self::HalfSignedIn
            | Self::OtherInstitution => self,
        }
    }
}

/// What the door does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// 2xx or 3xx.
    Served,
    /// 401.
    SignIn,
    /// 403.
    Forbidden,
    /// 404, as if there were nothing.
    Nothing,
    /// 409.
    Conflict,
}

use Answer::{Conflict, Forbidden, Nothing, Served, SignIn};

/// The expected matrix: what a role is answered, and what is different where something was granted, or is masked.
fn expected(id: RouteId, who: Who) -> Answer {
    by_vendor(id, who).or_else(|| by_grant(id, who)).unwrap_or_else(|| by_role(id, who.plain()))
}

/// What a vendor is answered wherever something is decided: the same everywhere, but where a maintenance session opens something.
fn by_vendor(id: RouteId, who: Who) -> Option<Answer> {
    if !matches!(who, Who::Vendor | Who::Maintaining)
        || !matches!(id.describe().needs, Needs::Token(_) | Needs::Cookie(_) | Needs::Scrape)
    {
        return None;
    }
    let opened = matches!(id, RouteId::SystemHealth | RouteId::SystemConfiguration | RouteId::Metrics);
    Some(if opened && who == Who::Maintaining { Served } else { Forbidden })
}

/// What a grant, a consultation and a masking rule change, at every door to a study. What is over changes nothing.
fn by_grant(id: RouteId, who: Who) -> Option<Answer> {
    let (looks, leaves) = match id {
        RouteId::ExportStudies
        | RouteId::ExportStudy
        | RouteId::ExportSeries
        | RouteId::StoreAtDevice
        | RouteId::MakeCopy => (false, true),
        RouteId::CommitAtDevice | RouteId::StudyPage => (true, false),
        // Who may look at it by the role alone, opens it.
        _ => (by_role(id, Who::Clinician) == Nothing && by_role(id, Who::Radiologist) == Served, false),
    };
    let whole = matches!(id, RouteId::RetrieveStudy | RouteId::RetrieveSeries | RouteId::RetrieveInstance);
    let stored = whole
        || matches!(
            id,
            RouteId::RetrieveFrames
                | RouteId::RetrieveBulkData
                | RouteId::RetrieveBulkDataValue
                | RouteId::StudyBulkData
                | RouteId::SeriesBulkData
                | RouteId::InstanceBulkData
                | RouteId::StudyPixelData
                | RouteId::SeriesPixelData
                | RouteId::InstancePixelData
        );
    match who {
        Who::Granted | Who::Consulting | Who::Masked if leaves => Some(Forbidden),
        // No whole object can be masked.
        Who::Masked if whole => Some(Forbidden),
        // Who comes from outside is shown marked pictures, and nothing that is stored.
        Who::Consulting if stored => Some(Forbidden),
        // Who was let look marks nothing by that.
        Who::Granted | Who::Consulting | Who::Masked if id == RouteId::MarkKeyImages => Some(Forbidden),
        // Nobody from outside has a device called.
        Who::Consulting if id == RouteId::CommitAtDevice => Some(Forbidden),
        Who::Granted | Who::Consulting | Who::Masked if looks => Some(Served),
        _ => None,
    }
}

fn by_role(id: RouteId, who: Who) -> Answer {
    match id {
        RouteId::StoreInstances | RouteId::StoreStudyInstances => match who {
            Who::Technician | Who::Service => Served,
            // Storing is not seeing: a foreign institution has an archive of its own to store into, and its
            // radiologists do not store.
            other => token_or(other, Forbidden),
        },
        RouteId::SearchStudies
        | RouteId::SearchSeries
        | RouteId::SearchInstances
        | RouteId::SearchStudySeries
        | RouteId::SearchStudyInstances
        | RouteId::SearchSeriesInstances
        | RouteId::FindStudies
        | RouteId::ListEvents
        | RouteId::ListConflicts => match who {
            Who::Clinician
            | Who::Radiologist
            | Who::Chief
            | Who::Technician
            | Who::Researcher
            | Who::RemoteExpert
            | Who::Patient
            | Who::Service
            | Who::OtherInstitution => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::RetrieveStudy
        | RouteId::RetrieveSeries
        | RouteId::RetrieveInstance
        | RouteId::StudyMetadata
        | RouteId::SeriesMetadata
        | RouteId::InstanceMetadata
        | RouteId::RetrieveFrames
        | RouteId::RetrieveBulkData
        | RouteId::RetrieveBulkDataValue
        | RouteId::StudyBulkData
        | RouteId::SeriesBulkData
        | RouteId::InstanceBulkData
        | RouteId::StudyPixelData
        | RouteId::SeriesPixelData
        | RouteId::InstancePixelData
        | RouteId::InstanceRendered
        | RouteId::FramesRendered
        | RouteId::StudyThumbnail
        | RouteId::SeriesThumbnail
        | RouteId::InstanceThumbnail
        | RouteId::FramesThumbnail
        | RouteId::RetrieveByUri
        | RouteId::StudyIntegrity
        | RouteId::StudyShowing
        | RouteId::MeasureRegion => match who {
            Who::Radiologist | Who::Chief | Who::Technician | Who::Service => Served,
            // Of no project of the researcher.
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        // A copy names a person: programs make none.
        RouteId::MakeCopy => match who {
            Who::Radiologist | Who::Chief | Who::Technician => Served,
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::MarkKeyImages => match who {
            Who::Radiologist | Who::Chief => Served,
            // These two may look at it, and mark nothing.
            Who::Technician | Who::Service => Forbidden,
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::ExportStudies | RouteId::ExportStudy | RouteId::ExportSeries => match who {
            Who::Chief | Who::Service => Served,
            // These two may look at it, and know that it exists.
            Who::Radiologist | Who::Technician => Forbidden,
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::DestroyStudy | RouteId::DestroySeries | RouteId::DestroyInstance => token_or(who, Forbidden),
        // A bearer token is no client credential.
        RouteId::Token => match who {
            Who::Anonymous => Served,
            _ => SignIn,
        },
        RouteId::Introspect => only(Who::Service, who),
        RouteId::Revoke
        | RouteId::AuthorizeForm
        | RouteId::OAuthMetadata
        | RouteId::LoginForm
        | RouteId::LoginLinkForm
        | RouteId::EnrolForm
        | RouteId::SetupLinkForm
        | RouteId::Description
        | RouteId::Capabilities
        | RouteId::Live
        | RouteId::Ready => Served,
        // No provider is configured.
        RouteId::ProviderStart | RouteId::ProviderCallback | RouteId::ProviderLogout => Nothing,
        // Sent without having been opened in this browser.
        RouteId::Authorize | RouteId::Login | RouteId::LoginLink | RouteId::Logout | RouteId::Enrol => {
            Forbidden
        }
        // The same, and nobody has opened the first hour in this browser.
        RouteId::SetupLink
        | RouteId::SetupPage
        | RouteId::SetupOfficers
        | RouteId::SetupInvitation
        | RouteId::SetupEnd => Forbidden,
        // The list, an empty list, the way to the console, its page, or the sign-in form.
        RouteId::Home | RouteId::StudiesPage | RouteId::Console | RouteId::ConsolePlace => Served,
        // There is no file of that name.
        RouteId::ConsoleFile => Nothing,
        RouteId::StudyPage => match who {
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            Who::SystemAdministrator | Who::SecurityAdministrator | Who::AuditAdministrator => Forbidden,
            Who::Radiologist | Who::Chief | Who::Technician | Who::Service => Served,
            Who::Granted | Who::Consulting | Who::Masked => Served,
            Who::GrantOver | Who::ReportDone => Nothing,
            Who::Vendor | Who::Maintaining => Forbidden,
            // The sign-in form.
            Who::Anonymous | Who::Expired | Who::Revoked | Who::HalfSignedIn => Served,
        },
        // To a patient whose account is bound, whom nobody here is; the sign-in form to who is nobody.
        RouteId::OwnRecordPage => match who {
            Who::Anonymous | Who::Expired | Who::Revoked | Who::HalfSignedIn => Served,
            _ => Forbidden,
        },
        // What shows the sign-in form to who is nobody, and never an image.
        RouteId::SecondFactorPage | RouteId::SessionsPage | RouteId::PasskeysPage => match who {
            // Programs have neither.
            Who::Service => SignIn,
            _ => Served,
        },
        // Sent without having been opened in this browser.
        RouteId::SecondFactorProof
        | RouteId::SecondFactorBegin
        | RouteId::SecondFactorConfirm
        | RouteId::PasskeysPageBegin
        | RouteId::PasskeysPageConfirm
        | RouteId::PasskeysPageRemove
        | RouteId::SessionsPageEnd => Forbidden,
        // For who has an office.
        RouteId::ReadOverview => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::ReadSecondFactor => match who {
            Who::Service => Forbidden,
            Who::HalfSignedIn => Served,
            other => token_or(other, Served),
        },
        RouteId::WhoAmI
        | RouteId::ListOwnSessions
        | RouteId::OwnAccesses
        | RouteId::OwnReasons
        | RouteId::TellFile
        | RouteId::TellSignal => match who {
            Who::Service => Forbidden,
            other => token_or(other, Served),
        },
        // With a wrong password; and of an account that has one.
        RouteId::BeginSecondFactor => match who {
            Who::HalfSignedIn | Who::RemoteExpert | Who::Patient => Conflict,
            other => token_or(other, Forbidden),
        },
        // With a wrong code.
        RouteId::ProveSecondFactor if who == Who::HalfSignedIn => Forbidden,
        RouteId::ConfirmSecondFactor if who == Who::HalfSignedIn => Conflict,
        // Of an account that has none; programs are told less.
        RouteId::ConfirmSecondFactor
        | RouteId::ProveSecondFactor
        | RouteId::RenewRecoveryCodes
        | RouteId::RemoveSecondFactor => match who {
            Who::Service => Forbidden,
            Who::RemoteExpert | Who::Patient if id != RouteId::ConfirmSecondFactor => Forbidden,
            other => token_or(other, Conflict),
        },
        RouteId::ListPasskeys => match who {
            Who::Service => Forbidden,
            other => token_or(other, Served),
        },
        // Here are none: the address of the harness is a number.
        RouteId::BeginPasskey | RouteId::ConfirmPasskey | RouteId::AskForPasskey | RouteId::ProvePasskey => {
            match who {
                Who::HalfSignedIn => Conflict,
                Who::Service => Forbidden,
                other => token_or(other, Conflict),
            }
        }
        // Who comes from outside has proved a second factor just now, and has no such passkey; nobody else has proved anything.
        RouteId::RemovePasskey => match who {
            Who::RemoteExpert | Who::Patient | Who::Consulting | Who::ReportDone => Nothing,
            other => token_or(other, Forbidden),
        },
        // Of nobody.
        RouteId::EndOwnSession => match who {
            Who::Service => Forbidden,
            other => token_or(other, Nothing),
        },
        // No provider is configured, and nobody is bound.
        RouteId::BindPerson => match who {
            Who::SystemAdministrator => Conflict,
            other => token_or(other, Forbidden),
        },
        RouteId::UnbindPerson => match who {
            Who::SystemAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListSessions => only(Who::SystemAdministrator, who),
        // Of which there is none.
        RouteId::EndSession
        | RouteId::ApproveWaitingDevice
        | RouteId::DismissWaitingDevice
        | RouteId::RestoreWaitingDevice => match who {
            Who::SystemAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ResetSecondFactor | RouteId::EndDissent | RouteId::WithdrawConsent => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        // With a wrong present password.
        RouteId::ChangePassword => token_or(who, Forbidden),
        RouteId::ListPeople
        | RouteId::ListDevices
        | RouteId::ListClients
        | RouteId::ListCredentials
        | RouteId::ListDepartments => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::CreatePerson
        | RouteId::ChangePerson
        | RouteId::InviteAgain
        | RouteId::EndSessions
        | RouteId::RegisterDevice
        | RouteId::UpdateDevice
        | RouteId::EchoDevice
        | RouteId::ListWaitingDevices
        | RouteId::CreateClient
        | RouteId::AddCredential
        | RouteId::SetDemands
        | RouteId::ChangeClient
        | RouteId::SystemStatus
        | RouteId::ScrubStatus
        | RouteId::BeginScrub
        | RouteId::ListReplicas
        | RouteId::CompactionStatus
        | RouteId::BeginCompaction
        | RouteId::Metrics => only(Who::SystemAdministrator, who),
        RouteId::GiveRole
        | RouteId::TakeRole
        | RouteId::GrantScopes
        | RouteId::GrantDeviceScopes
        | RouteId::GiveCare
        | RouteId::EnterDissent
        | RouteId::ListDissents
        | RouteId::EnterConsent
        | RouteId::ListConsents
        | RouteId::EnterDepartment
        | RouteId::JoinUnit
        | RouteId::LeaveUnit
        | RouteId::SetDeviceDepartments
        | RouteId::SetStudyDepartments
        | RouteId::EndCare
        | RouteId::ReadKeys
        | RouteId::RotateKeys
        | RouteId::BeginRewrap
        | RouteId::Seal => only(Who::SecurityAdministrator, who),
        // Of a study that is not there.
        RouteId::RequestDestruction => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListDestructions => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // Of which there is none.
        RouteId::ReadDestruction | RouteId::WithdrawDestruction => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ApproveDestruction => match who {
            Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        // Of a study that is not there, which is what everybody hears who opens studies, and of no grant.
        RouteId::GiveGrant => match who {
            Who::Clinician | Who::Radiologist | Who::Chief | Who::Technician | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::ListGrants | RouteId::ListBrokenGlass => match who {
            Who::Clinician
            | Who::Radiologist
            | Who::Chief
            | Who::Technician
            | Who::OtherInstitution
            | Who::SecurityAdministrator
            | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::ReadGrant | RouteId::RevokeGrant | RouteId::ReadBrokenGlass | RouteId::EndBrokenGlass => {
            match who {
                Who::Clinician
                | Who::Radiologist
                | Who::Chief
                | Who::Technician
                | Who::OtherInstitution
                | Who::SecurityAdministrator
                | Who::AuditAdministrator => Nothing,
                other => token_or(other, Forbidden),
            }
        }
        // To a patient of whom there is nothing, and of no binding.
        RouteId::BindPatientAccount => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListPatientAccounts => match who {
            Who::Patient | Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::UnbindPatientAccount => match who {
            Who::Patient | Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        // Of an account that is bound to no record.
        RouteId::OwnRecordAccesses | RouteId::OwnConsents | RouteId::WithdrawOwnConsent => {
            token_or(who, Forbidden)
        }
        // For nobody that there is, and of no session.
        RouteId::OpenMaintenance => match who {
            Who::SystemAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListMaintenance => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::ReadMaintenance | RouteId::EndMaintenance => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ApproveMaintenance => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::SystemHealth | RouteId::SystemConfiguration => only(Who::SystemAdministrator, who),
        RouteId::AssignConsultation => match who {
            Who::Clinician | Who::Radiologist | Who::Chief | Who::Technician | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::ListConsultations => match who {
            Who::Clinician
            | Who::Radiologist
            | Who::Chief
            | Who::Technician
            | Who::RemoteExpert
            | Who::OtherInstitution
            | Who::SecurityAdministrator
            | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // Of which there is none.
        RouteId::ReadConsultation | RouteId::CompleteConsultation | RouteId::WithdrawConsultation => {
            match who {
                Who::Clinician
                | Who::Radiologist
                | Who::Chief
                | Who::Technician
                | Who::RemoteExpert
                | Who::OtherInstitution
                | Who::SecurityAdministrator
                | Who::AuditAdministrator => Nothing,
                other => token_or(other, Forbidden),
            }
        }
        // Of a patient of whom there is nothing, just after a sign-in with the password.
        RouteId::BreakGlass => match who {
            Who::Clinician | Who::Radiologist | Who::Chief | Who::OtherInstitution => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ReviewBrokenGlass => match who {
            Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListAlerts => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // Of which there is none.
        RouteId::ReadAlert => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::AcknowledgeAlert | RouteId::FreezeAccount => match who {
            Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListReasons => match who {
            Who::SecurityAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // Of which there is none.
        RouteId::ReviewReason => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::StateReason => match who {
            Who::Service => Forbidden,
            other => token_or(other, Served),
        },
        RouteId::LiftStop => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ProposePolicy => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::CheckPolicy | RouteId::ListPolicies => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // Of a version, or a suspension, that is none.
        RouteId::ReadPolicy | RouteId::ComparePolicy | RouteId::ReplayPolicy => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ApprovePolicy | RouteId::RejectPolicy | RouteId::ReviewSuspension => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::WithdrawPolicy => match who {
            Who::SystemAdministrator | Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ActivatePolicy => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::UnusedRights => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        // While there are no rules to suspend.
        RouteId::SuspendPolicies => match who {
            Who::SecurityAdministrator => Conflict,
            other => token_or(other, Forbidden),
        },
        // On a study that is not there, and of a hold that is none.
        RouteId::PlaceHold | RouteId::RequestRelease => match who {
            Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ListHolds => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Served,
            other => token_or(other, Forbidden),
        },
        RouteId::ReadHold | RouteId::WithdrawRelease => match who {
            Who::SecurityAdministrator | Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::ApproveRelease => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        // While nothing is wrapped again, and of a node that is not there.
        RouteId::StopRewrap | RouteId::ForgetNode => match who {
            Who::SecurityAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::FindAtDevice => match who {
            Who::Clinician | Who::Radiologist | Who::Chief | Who::Technician | Who::Service => Served,
            // The device is none of that institution.
            Who::OtherInstitution => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::WorklistAtDevice => match who {
            Who::Technician | Who::Service => Served,
            other => token_or(other, Forbidden),
        },
        // Of a device that has nothing.
        RouteId::RetrieveFromDevice => match who {
            Who::Clinician
            | Who::Radiologist
            | Who::Chief
            | Who::Technician
            | Who::Service
            | Who::OtherInstitution => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::StoreAtDevice | RouteId::CommitAtDevice => match who {
            Who::Radiologist | Who::Chief | Who::Technician | Who::Service => Served,
            Who::Clinician | Who::Researcher | Who::RemoteExpert | Who::Patient | Who::OtherInstitution => {
                Nothing
            }
            other => token_or(other, Forbidden),
        },
        RouteId::ListJobs | RouteId::ListCommitments => token_or(who, Served),
        // Nobody's.
        RouteId::ReadJob | RouteId::CancelJob | RouteId::ReadCommitment => token_or(who, Nothing),
        RouteId::ListWorklist | RouteId::EnterStep | RouteId::ReplaceStep | RouteId::CancelStep => {
            match who {
                Who::Technician | Who::Service => Served,
                other => token_or(other, Forbidden),
            }
        }
        RouteId::ListPerformedSteps => match who {
            Who::Technician | Who::Service => Served,
            other => token_or(other, Forbidden),
        },
        // Of a step that nobody reported.
        RouteId::ReadPerformedStep => match who {
            Who::Technician | Who::Service => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::CreateWorkitem
        | RouteId::SearchWorkitems
        | RouteId::RetrieveWorkitem
        | RouteId::UpdateWorkitem
        | RouteId::ChangeWorkitemState
        | RouteId::RequestCancellation
        | RouteId::Subscribe
        | RouteId::Unsubscribe
        | RouteId::SuspendSubscription
        | RouteId::OpenEventChannel => match who {
            Who::Technician | Who::Service => Served,
            other => token_or(other, Forbidden),
        },
        // Of a credential that does not exist.
        RouteId::RemoveCredential => match who {
            Who::SystemAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        // Of a replica that does not exist.
        RouteId::DrainReplica | RouteId::ReplaceReplica => match who {
            Who::SystemAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
        RouteId::VaultHoldings | RouteId::VaultProbe | RouteId::VaultPart | RouteId::VaultAudit => {
            only(Who::Service, who)
        }
        // Of a pack that does not exist.
        RouteId::VaultPack => match who {
            Who::Service => Nothing,
            other => token_or(other, Forbidden),
        },
        // Nobody who signs in is a node.
        RouteId::NodeSpan | RouteId::NodeSoundness | RouteId::NodeEpoch | RouteId::NodeAudit => SignIn,
        RouteId::AuditTail
        | RouteId::AuditSearch
        | RouteId::AuditAccesses
        | RouteId::AuditBundle
        | RouteId::ListSampleReviews
        | RouteId::LeakMark
        | RouteId::SearchAuditEvents
        | RouteId::ReadAuditEvent
        | RouteId::AuditCheckpoint
        | RouteId::AuditProof => only(Who::AuditAdministrator, who),
        // Of a study, and of records, that do not exist.
        RouteId::TraceLeak | RouteId::ReviewSample => match who {
            Who::AuditAdministrator => Nothing,
            other => token_or(other, Forbidden),
        },
    }
}

fn only(officer: Who, who: Who) -> Answer {
    if who == officer { Served } else { token_or(who, Forbidden) }
}

/// What somebody with a living token gets; everybody else has to sign in.
fn token_or(who: Who, otherwise: Answer) -> Answer {
    match who {
        Who::Anonymous | Who::Expired | Who::Revoked | Who::HalfSignedIn => SignIn,
        Who::Clinician
        | Who::Radiologist
        | Who::Chief
        | Who::Technician
        | Who::Researcher
        | Who::RemoteExpert
        | Who::Patient
        | Who::SystemAdministrator
        | Who::SecurityAdministrator
        | Who::AuditAdministrator
        | Who::Service
        | Who::OtherInstitution
        | Who::Granted
        | Who::GrantOver
        | Who::Consulting
        | Who::ReportDone
        | Who::Vendor
        | Who::Maintaining
        | Who::Masked => otherwise,
    }
}

/// A picture, as somebody finds one.
fn picture() -> Vec<u8> {
    let samples = (0..64 * 64).map(|at| (at % 251) as u8).collect();
    let bitmap = yingdun_pixels::render::Bitmap { columns: 64, rows: 64, in_colour: false, samples };
    yingdun_pixels::render::to_jpeg(bitmap, 90).unwrap()
}

/// A path and a body with which a permitted caller is served.
fn well_formed(id: RouteId, study: &Study) -> (String, Option<Vec<u8>>) {
    let instance = study.instance(0);
    let path = id
        .describe()
        .path
        .replace("{study}", study.study.as_str())
        .replace("{series}", study.series.as_str())
        .replace("{instance}", instance.sop_instance.as_str())
        .replace("{frames}", "1")
        .replace("{frame}", "1")
        .replace("{*path}", "7FE00010")
        .replace("{actor}", "victim")
        .replace("{session}", "0123456789abcdef")
        .replace("{role}", "researcher")
        .replace("{ae_title}", "CT01")
        .replace("{client}", "viewer")
        .replace("{kind}", "certificate")
        .replace("{sha256}", &"0".repeat(64))
        .replace("{attempt}", &"0".repeat(32))
        .replace("{transaction}", "2.25.404")
        .replace("{job}", &"0".repeat(32))
        .replace("{performed}", &"0".repeat(32))
        .replace("{destruction}", &"0".repeat(32))
        .replace("{hold}", &"0".repeat(32))
        .replace("{grant}", "0")
        .replace("{consultation}", "0")
        .replace("{maintenance}", "0")
        .replace("{account}", "0")
        .replace("{alert}", "0")
        .replace("{reason}", "0")
        .replace("{policy}", "404")
        .replace("{activation}", "404")
        .replace("{dissent}", "0")
        .replace("{consent}", "0")
        .replace("{department}", "surgery")
        .replace("{replica}", "no-such-replica")
        .replace("{pack}", "00000000000000ff?from=0&to=8")
        .replace("{part}", "root")
        .replace("{place}", &hex::encode([&[1, 1, 0, 0, 0, 0, 0][..], &[0; 32]].concat()))
        .replace("{index}", "0")
        .replace("{number}", "WM-V07S-1TC3-63AY")
        .replace("/leaks/trace", "/leaks/trace?study_uid=2.25.404")
        .replace("{passkey}", "0123456789abcdef")
        .replace("{token}", "no-such-link");
    let json = |value: serde_json::Value| Some(value.to_string().into_bytes());
    let form = |text: &str| Some(text.as_bytes().to_vec());
    let device =
        json!({"called_ae": "YINGDUN", "addresses": ["127.0.0.1"], "destination": "plain://127.0.0.1:104"});
    let care =
        json!({"name": "victim", "patient_id": "4711", "valid_from_ms": 0, "valid_until_ms": i64::MAX});
    let body = match id {
        RouteId::StoreInstances | RouteId::StoreStudyInstances => Some(instance.to_file()),
        RouteId::VaultProbe => json(json!({"key": "0".repeat(64), "packs": []})),
        RouteId::Token => form("grant_type=client_credentials&client_id=gateway&client_secret=SECRET"),
        RouteId::Revoke | RouteId::Introspect => form("token=unknown"),
        RouteId::Authorize | RouteId::Login => form("name=victim&password=x&form_token=y"),
        RouteId::ProviderLogout => form("logout_token=x"),
        RouteId::BindPerson => json(json!({"subject": "4711"})),
        RouteId::LoginLink | RouteId::Logout => form("form_token=y"),
        RouteId::Enrol => form("password=x&again=x&form_token=y"),
        RouteId::SetupLink | RouteId::SetupEnd => form("form_token=y"),
        RouteId::SetupOfficers => form("system=a&security=b&audit=c&three_people=yes&form_token=y"),
        RouteId::SetupInvitation => form("role=audit-administrator&form_token=y"),
        RouteId::SecondFactorProof | RouteId::SecondFactorConfirm => {
            form("one_time_code=123456&form_token=y")
        }
        RouteId::SecondFactorBegin | RouteId::PasskeysPageBegin => form("password=x&form_token=y"),
        RouteId::PasskeysPageConfirm => form("name=x&passkey=%7B%7D&form_token=y"),
        RouteId::PasskeysPageRemove => form("passkey=0123456789abcdef&form_token=y"),
        RouteId::BeginPasskey => json(json!({})),
        RouteId::ConfirmPasskey => json(json!({"name": "x", "credential": credential()})),
        RouteId::ProvePasskey => json(json!({"credential": credential()})),
        RouteId::SessionsPageEnd => form("session=0123456789abcdef&form_token=y"),
        RouteId::BeginSecondFactor => json(json!({"password": "a wrong password"})),
        RouteId::ConfirmSecondFactor
        | RouteId::ProveSecondFactor
        | RouteId::RenewRecoveryCodes
        | RouteId::RemoveSecondFactor => json(json!({"code": "123456"})),
        RouteId::ChangePassword => json(json!({"present": "a wrong password", "new": "a new long password"})),
        RouteId::CreatePerson => json(json!({"name": "newcomer"})),
        RouteId::ChangePerson | RouteId::ChangeClient => json(json!({"disabled": false})),
        RouteId::AddCredential => json(
            json!({"kind": "certificate", "sha256": "1".repeat(64), "valid_until_ms": 4_000_000_000_000_i64}),
        ),
        RouteId::SetDemands => json(json!({"demands": []})),
        RouteId::ListCredentials | RouteId::RemoveCredential => None,
        RouteId::RegisterDevice => {
            json(json!({"ae_title": "CT01", "called_ae": "YINGDUN", "addresses": ["127.0.0.1"]}))
        }
        RouteId::UpdateDevice => json(device),
        RouteId::ApproveWaitingDevice => json(json!({})),
        RouteId::DismissWaitingDevice => json(json!({"days": 30})),
        RouteId::EchoDevice => json(json!({"called_ae": "YINGDUN"})),
        RouteId::WorklistAtDevice => json(json!({"keys": {"PatientID": ""}})),
        RouteId::FindAtDevice => json(json!({"keys": {"StudyDate": "20260301"}})),
        RouteId::StoreAtDevice | RouteId::CommitAtDevice | RouteId::RetrieveFromDevice => {
            json(json!({"studies": [study.study.as_str()]}))
        }
        RouteId::CreateClient => json(json!({"client_id": "viewer"})),
        RouteId::GrantScopes => json(json!({"scopes": ["search"]})),
        RouteId::GrantDeviceScopes => json(json!({"called_ae": "YINGDUN", "scopes": ["store"]})),
        RouteId::GiveCare => json(care),
        RouteId::EnterDissent => {
            json(json!({"patient_id": "4712", "against": "sealed", "names": ["victim"], "unknown": true}))
        }
        RouteId::EnterConsent => json(json!({
            "patient_id": "4711", "to": "sharing", "form": "paper", "giver": "patient", "reference": "folder 7", "unknown": true
        })),
        RouteId::EnterDepartment => json(json!({"name": "Surgery"})),
        RouteId::JoinUnit => {
            json(json!({"name": "victim", "device": "CT01", "valid_from_ms": 0, "valid_until_ms": i64::MAX}))
        }
        RouteId::LeaveUnit => json(json!({"name": "victim", "device": "CT01"})),
        RouteId::SetDeviceDepartments => json(json!({"departments": []})),
        RouteId::SetStudyDepartments => json(json!({"study": study.study.as_str()})),
        RouteId::TraceLeak => Some(picture()),
        RouteId::MakeCopy => json(json!({
            "kind": "capture", "series": study.series.as_str(), "instance": instance.sop_instance.as_str(), "side": 64
        })),
        RouteId::TellSignal => json(json!({"kind": "print", "page": "0123456789abcdef", "number": 1})),
        RouteId::TellFile => json(json!({"list": "studies", "rows": 3, "sha256": "0".repeat(64)})),
        RouteId::ReviewSample => json(json!({
            "drawn": "all", "of": 9, "seed": "0".repeat(32), "records": ["0@nowhere/audit"], "words": "in order"
        })),
        RouteId::AuditAccesses | RouteId::AuditBundle => json(json!({"patient_id": "4711"})),
        RouteId::NodeAudit => json(json!({"log": "renmin/audit", "leaf": 0, "count": false, "limit": 1})),
        RouteId::EndCare => json(json!({"name": "victim", "patient_id": "4711"})),
        RouteId::RotateKeys | RouteId::BeginRewrap | RouteId::BeginCompaction => {
            json(json!({"dry_run": true}))
        }
        RouteId::ForgetNode => json(json!({"name": "renmin.example/none"})),
        RouteId::RequestDestruction => json(json!({"study": "2.25.404", "reason": "mistake"})),
        RouteId::PlaceHold => json(json!({"study": "2.25.404", "reason": "ordered"})),
        RouteId::GiveGrant => json(json!({"name": "victim", "study": "2.25.404", "reason": "a second look"})),
        RouteId::BindPatientAccount => {
            json(json!({"name": "victim", "patient_id": "404", "checked": "identity card"}))
        }
        RouteId::OpenMaintenance => {
            json(json!({"name": "nobody", "scopes": ["health"], "reason": "the annual service"}))
        }
        RouteId::MarkKeyImages => {
            json(json!({"title": "113000", "images": [{"instance": instance.sop_instance.as_str()}]}))
        }
        RouteId::AssignConsultation => {
            json(json!({"name": "victim", "study": "2.25.404", "reason": "what is this shadow"}))
        }
        RouteId::BreakGlass => {
            json(json!({"patient_id": "404", "code": "other", "reason": "nobody else is there"}))
        }
        RouteId::ReviewBrokenGlass => json(json!({"verdict": "justified", "reason": "as it should be"})),
        RouteId::ReviewReason => json(json!({"verdict": "justified", "reason": "as it should be"})),
        RouteId::StateReason => {
            json(json!({"patient_id": "p-none", "code": "follow-up", "reason": "what became of it"}))
        }
        RouteId::AcknowledgeAlert => json(json!({"verdict": "false-positive"})),
        RouteId::FreezeAccount => json(json!({"reason": "nobody on duty answers"})),
        RouteId::ProposePolicy => json(json!({"text": "", "reason": "no rules at all"})),
        RouteId::CheckPolicy => json(json!({"text": ""})),
        RouteId::ApprovePolicy | RouteId::ActivatePolicy => json(json!({"digest": "0".repeat(64)})),
        RouteId::SuspendPolicies => json(json!({"reason": "nothing opens"})),
        RouteId::RequestRelease => json(json!({"reason": "ended"})),
        RouteId::EnterStep | RouteId::ReplaceStep => json(worklist_item("STEP")),
        RouteId::CreateWorkitem => json(workitem()),
        RouteId::UpdateWorkitem => json(json!({"00741204": {"vr": "LO", "Value": ["read it again"]}})),
        RouteId::ChangeWorkitemState => json(json!({
            "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]},
            "00081195": {"vr": "UI", "Value": ["2.25.7"]},
        })),
        RouteId::SearchStudies
        | RouteId::SearchSeries
        | RouteId::SearchInstances
        | RouteId::SearchStudySeries
        | RouteId::SearchStudyInstances
        | RouteId::SearchSeriesInstances
        | RouteId::RetrieveStudy
        | RouteId::RetrieveSeries
        | RouteId::RetrieveInstance
        | RouteId::StudyMetadata
        | RouteId::SeriesMetadata
        | RouteId::InstanceMetadata
        | RouteId::RetrieveFrames
        | RouteId::RetrieveBulkData
        | RouteId::RetrieveBulkDataValue
        | RouteId::StudyBulkData
        | RouteId::SeriesBulkData
        | RouteId::InstanceBulkData
        | RouteId::StudyPixelData
        | RouteId::SeriesPixelData
        | RouteId::InstancePixelData
        | RouteId::InstanceRendered
        | RouteId::FramesRendered
        | RouteId::StudyThumbnail
        | RouteId::SeriesThumbnail
        | RouteId::InstanceThumbnail
        | RouteId::FramesThumbnail
        | RouteId::RetrieveByUri
        | RouteId::ExportStudies
        | RouteId::ExportStudy
        | RouteId::ExportSeries
        | RouteId::DestroyStudy
        | RouteId::DestroySeries
        | RouteId::DestroyInstance
        | RouteId::AuthorizeForm
        | RouteId::OAuthMetadata
        | RouteId::Home
        | RouteId::Console
        | RouteId::ConsolePlace
        | RouteId::ConsoleFile
        | RouteId::StudiesPage
        | RouteId::WhoAmI
        | RouteId::StudyPage
        | RouteId::OwnRecordPage
        | RouteId::ProviderStart
        | RouteId::ProviderCallback
        | RouteId::UnbindPerson
        | RouteId::LoginForm
        | RouteId::LoginLinkForm
        | RouteId::EnrolForm
        | RouteId::SetupLinkForm
        | RouteId::SetupPage
        | RouteId::SecondFactorPage
        | RouteId::SessionsPage
        | RouteId::PasskeysPage
        | RouteId::ListPasskeys
        | RouteId::AskForPasskey
        | RouteId::RemovePasskey
        | RouteId::ReadSecondFactor
        | RouteId::ListOwnSessions
        | RouteId::OwnReasons
        | RouteId::ListReasons
        | RouteId::ListSampleReviews
        | RouteId::OwnAccesses
        | RouteId::EndOwnSession
        | RouteId::ListSessions
        | RouteId::EndSession
        | RouteId::ResetSecondFactor
        | RouteId::ListPeople
        | RouteId::InviteAgain
        | RouteId::EndSessions
        | RouteId::GiveRole
        | RouteId::TakeRole
        | RouteId::ListDevices
        | RouteId::ListWaitingDevices
        | RouteId::RestoreWaitingDevice
        | RouteId::ListClients
        | RouteId::ListDepartments
        | RouteId::ListDissents
        | RouteId::EndDissent
        | RouteId::ListConsents
        | RouteId::WithdrawConsent
        | RouteId::ListCommitments
        | RouteId::ReadCommitment
        | RouteId::ListJobs
        | RouteId::ReadJob
        | RouteId::CancelJob
        | RouteId::ListEvents
        | RouteId::ListConflicts
        | RouteId::ListWorklist
        | RouteId::CancelStep
        | RouteId::ListPerformedSteps
        | RouteId::ReadPerformedStep
        | RouteId::SearchWorkitems
        | RouteId::RetrieveWorkitem
        | RouteId::RequestCancellation
        | RouteId::Subscribe
        | RouteId::Unsubscribe
        | RouteId::SuspendSubscription
        | RouteId::OpenEventChannel
        | RouteId::AuditTail
        | RouteId::AuditSearch
        | RouteId::SearchAuditEvents
        | RouteId::ReadAuditEvent
        | RouteId::AuditCheckpoint
        | RouteId::AuditProof
        | RouteId::LeakMark
        | RouteId::ReadKeys
        | RouteId::StopRewrap
        | RouteId::Seal
        | RouteId::ListDestructions
        | RouteId::ReadDestruction
        | RouteId::ApproveDestruction
        | RouteId::WithdrawDestruction
        | RouteId::ListGrants
        | RouteId::ReadGrant
        | RouteId::RevokeGrant
        | RouteId::ListMaintenance
        | RouteId::ReadMaintenance
        | RouteId::ApproveMaintenance
        | RouteId::EndMaintenance
        | RouteId::SystemHealth
        | RouteId::SystemConfiguration
        | RouteId::ListConsultations
        | RouteId::ReadConsultation
        | RouteId::CompleteConsultation
        | RouteId::WithdrawConsultation
        | RouteId::ListPatientAccounts
        | RouteId::UnbindPatientAccount
        | RouteId::OwnRecordAccesses
        | RouteId::OwnConsents
        | RouteId::WithdrawOwnConsent
        | RouteId::ListBrokenGlass
        | RouteId::ReadBrokenGlass
        | RouteId::EndBrokenGlass
        | RouteId::ListAlerts
        | RouteId::ReadAlert
        | RouteId::LiftStop
        | RouteId::ListPolicies
        | RouteId::ReadPolicy
        | RouteId::ComparePolicy
        | RouteId::ReplayPolicy
        | RouteId::UnusedRights
        | RouteId::RejectPolicy
        | RouteId::WithdrawPolicy
        | RouteId::ReviewSuspension
        | RouteId::ListHolds
        | RouteId::ReadHold
        | RouteId::ApproveRelease
        | RouteId::WithdrawRelease
        | RouteId::SystemStatus
        | RouteId::ScrubStatus
        | RouteId::BeginScrub
        | RouteId::ListReplicas
        | RouteId::DrainReplica
        | RouteId::ReplaceReplica
        | RouteId::CompactionStatus
        | RouteId::VaultHoldings
        | RouteId::VaultPack
        | RouteId::VaultPart
        | RouteId::VaultAudit
        | RouteId::NodeSpan
        | RouteId::NodeSoundness
        | RouteId::NodeEpoch
        | RouteId::Description
        | RouteId::Capabilities
        | RouteId::Live
        | RouteId::Ready
        | RouteId::FindStudies
        | RouteId::StudyIntegrity
        | RouteId::ReadOverview
        | RouteId::StudyShowing
        | RouteId::MeasureRegion
        | RouteId::Metrics => None,
    };
    (path, body)
}

/// An item with all that a worklist demands.
fn worklist_item(step: &str) -> serde_json::Value {
    let scheduled = json!({
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00400001": {"vr": "AE", "Value": ["CT01"]},
        "00400002": {"vr": "DA", "Value": ["20260301"]},
        "00400003": {"vr": "TM", "Value": ["0930"]},
        "00400009": {"vr": "SH", "Value": [step]},
    });
    json!({
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^Fang"}]},
        "00100020": {"vr": "LO", "Value": ["4711"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00401001": {"vr": "SH", "Value": ["RP1"]},
        "00400100": {"vr": "SQ", "Value": [scheduled]},
    })
}

/// A workitem with all that its creator must say.
fn workitem() -> serde_json::Value {
    json!({
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
        "00741200": {"vr": "CS", "Value": ["LOW"]},
        "00741204": {"vr": "LO", "Value": ["read it"]},
        "00404005": {"vr": "DT", "Value": ["20260301"]},
        "00404041": {"vr": "CS", "Value": ["READY"]},
    })
}

/// Makes a workitem to work on, and subscribes a title of the asker, where the asker may. Gives both.
async fn prepare_worklist(running: &Running, who: Who, token: Option<&str>) -> (String, String) {
    let title = format!("{who:?}").chars().take(16).collect::<String>();
    let (Who::Technician | Who::Service, Some(token)) = (who, token) else {
        return ("2.25.1".to_owned(), title);
    };
    let created =
        running.post("/dicom-web/workitems", token).header("content-type", "application/dicom+json");
    let created = created.body(workitem().to_string()).send().await.unwrap();
    let uid = created.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let all = format!("/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/{title}");
    assert_eq!(running.post(&all, token).send().await.unwrap().status(), 201);
    (uid, title)
}

/// Two officers open and approve a maintenance session of everything.
async fn maintain(running: &Running, tokens: &[(Who, Option<String>)], name: &str) {
    let token =
        |who: Who| tokens.iter().find(|(of, _)| *of == who).and_then(|(_, token)| token.clone()).unwrap();
    let url = format!("{}/api/v1/maintenance", running.origin);
    let scopes = ["health", "metrics", "configuration"];
    let body = json!({"name": name, "scopes": scopes, "reason": "the annual service"});
    let opened = running.client.post(&url).bearer_auth(token(Who::SystemAdministrator)).json(&body);
    let opened: serde_json::Value = opened.send().await.unwrap().json().await.unwrap();
    let approval = format!("{url}/{}/approval", opened["maintenance"]);
    let approved = running.client.post(approval).bearer_auth(token(Who::SecurityAdministrator));
    assert_eq!(approved.send().await.unwrap().status(), 200);
}

/// A region of the picture that every route is asked about.
const REGION: &str = "?shape=rectangle&left=0&top=0&columns=8&rows=8";

const AUTHORIZE: &str = "?response_type=code&client_id=gateway&redirect_uri=https%3A%2F%2Fviewer.example%2Fcb\
                         &code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256";

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_identity_as_the_matrix_says() {
    let running = Running::start().await;
    // Tokens that are dead by now: one outlived its eight hours, one was revoked.
    let expired = running.person("late", Role::Radiologist).await;
    running.advance(std::time::Duration::from_secs(9 * 3600));
    let officer = async |name: &str, role: Role| running.sign_in(name, role).await;
    let mut tokens = vec![
        (Who::Anonymous, None),
        (Who::Expired, Some(expired)),
        (Who::SystemAdministrator, Some(officer("sys", Role::SystemAdministrator).await)),
        (Who::SecurityAdministrator, Some(officer("sec", Role::SecurityAdministrator).await)),
        (Who::AuditAdministrator, Some(officer("aud", Role::AuditAdministrator).await)),
    ];
    let running = running
        .with_fresh_officers(&tokens[2..].iter().flat_map(|(_, token)| token.clone()).collect::<Vec<_>>());
    for (who, name, role) in [
        (Who::Clinician, "doc", Role::Clinician),
        (Who::Radiologist, "rad", Role::Radiologist),
        (Who::Chief, "chief", Role::Chief),
        (Who::Technician, "tech", Role::Technician),
        (Who::Researcher, "res", Role::Researcher),
        (Who::Revoked, "gone", Role::Radiologist),
    ] {
        tokens.push((who, Some(running.person(name, role).await)));
    }
    let revoked = tokens.last().and_then(|(_, token)| token.clone()).unwrap();
    running.access.revoke(&running.session(&revoked).await).await.unwrap();
    for (who, name, role) in [
        (Who::RemoteExpert, "exp", Role::RemoteExpert),
        (Who::Patient, "pat", Role::Patient),
        (Who::Vendor, "vendor-1", Role::Vendor),
        (Who::Maintaining, "vendor-2", Role::Vendor),
    ] {
        let token = running.person(name, role).await;
        running.set_second_factor_up(&token).await;
        tokens.push((who, Some(token)));
    }
    maintain(&running, &tokens, "vendor-2").await;
    let half = running.person("half", Role::Radiologist).await;
    running.set_second_factor_up(&half).await;
    tokens.push((Who::HalfSignedIn, Some(running.sign_in("half", Role::Radiologist).await)));
    let secret = running.service("gateway", Scope::ALL, &["https://viewer.example/cb"]).await;
    tokens.push((Who::Service, Some(running.service_token("gateway", &secret).await)));
    tokens.push((Who::OtherInstitution, Some(running.stranger(Role::Radiologist).await)));
    running.person("victim", Role::Clinician).await;

    let study = ct(1, 2);
    let technician =
        tokens.iter().find(|(who, _)| *who == Who::Technician).and_then(|(_, t)| t.clone()).unwrap();
    assert_eq!(running.stow(&technician, &files(&study)).await.status(), 200);
    tokens.extend(granted(&running, &study).await);
    let bulk = bulk_path(&running, &technician, &study).await;

    // Whoever may change the worklist has a step there to change.
    let mut steps = std::collections::HashMap::new();
    for (who, token) in tokens.iter().filter(|(who, _)| matches!(who, Who::Technician | Who::Service)) {
        let item = worklist_item(&format!("ReplaceStep-{who:?}"));
        let url = format!("{}/api/v1/worklist", running.origin);
        let entered = running.client.post(url).bearer_auth(token.clone().unwrap()).json(&item);
        let entered: serde_json::Value = entered.send().await.unwrap().json().await.unwrap();
        steps.insert(*who, entered["step"].as_str().unwrap().to_owned());
    }

    let http1 = running.client_http1();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for id in RouteId::ALL.iter().copied() {
        let route = id.describe();
        let (path, body) = well_formed(id, &study);
        let body = body.map(|body| match id {
            RouteId::Token => String::from_utf8(body).unwrap().replace("SECRET", &secret).into_bytes(),
            _ => body,
        });
        let uri = format!(
            "?requestType=WADO&studyUID={}&objectUID={}",
            study.study,
            study.instance(0).sop_instance
        );
        let listed = format!("?StudyInstanceUID={}", study.study);
        let query = match id {
            RouteId::AuthorizeForm => AUTHORIZE,
            RouteId::RetrieveByUri => &uri,
            RouteId::ExportStudies => &listed,
            RouteId::MeasureRegion => REGION,
            _ => "",
        };
        for prefix in route.family.prefixes() {
            for (who, token) in &tokens {
                let (workitem, title) =
                    match route.path.contains("/{aetitle}") || route.path.contains("/{workitem}") {
                        true => prepare_worklist(&running, *who, token.as_deref()).await,
                        false => Default::default(),
                    };
                // What is subscribed to is suspended as a whole.
                let workitem = match id {
                    RouteId::Unsubscribe | RouteId::SuspendSubscription => "1.2.840.10008.5.1.4.34.5",
                    _ => &workitem,
                };
                let path = path.replace("{workitem}", workitem).replace("{aetitle}", &title);
                let step = steps.get(who).cloned().unwrap_or_else(|| "0".repeat(32));
                let path = path.replace("7FE00010", &bulk).replace("{step}", &step);
                let body = body.as_ref().map(|body| match id {
                    RouteId::EnterStep | RouteId::ReplaceStep => {
                        let text = String::from_utf8(body.clone()).unwrap();
                        text.replace("STEP", &format!("{id:?}-{who:?}")).into_bytes()
                    }
                    _ => body.clone(),
                });
                let prefix = prefix.replace("{aet}", "DCM4CHEE");
                let method = match route.method {
                    RouteMethod::Get => Method::GET,
                    RouteMethod::Post => Method::POST,
                    RouteMethod::Put => Method::PUT,
                    RouteMethod::Patch => Method::PATCH,
                    RouteMethod::Delete => Method::DELETE,
                    RouteMethod::Options => Method::OPTIONS,
                };
                let client = match id {
                    RouteId::OpenEventChannel => &http1,
                    _ => &running.client,
                };
                let mut request = client.request(method, format!("{}{prefix}{path}{query}", running.origin));
                if id == RouteId::OpenEventChannel {
                    request = request
                        .header("connection", "Upgrade")
                        .header("upgrade", "websocket")
                        .header("sec-websocket-version", "13")
                        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
                }
                if let Some(token) = token {
                    request = match route.needs {
                        Needs::Cookie(_) | Needs::OwnCookieInPart => {
                            request.header("cookie", format!("__Host-yingdun-session={token}"))
                        }
                        // Every other question comes from a page of our own: the answers are the same.
                        Needs::Token(_) | Needs::OwnToken | Needs::OwnTokenInPart
                            if asked % 2 == 1 && id != RouteId::OpenEventChannel =>
                        {
                            request
                                .header("cookie", format!("__Host-yingdun-session={token}"))
                                .header("sec-fetch-site", "same-origin")
                                .header("origin", &running.origin)
                        }
                        Needs::Nothing
                        | Needs::Token(_)
                        | Needs::OwnToken
                        | Needs::OwnTokenInPart
                        | Needs::Node
                        | Needs::Scrape => request.bearer_auth(token),
                    };
                }
                if let Some(body) = &body {
                    let media_type = match route.body.media_types() {
                        ["multipart/related", single] => single,
                        other => other[0],
                    };
                    request = request.header("content-type", media_type).body(body.clone());
                }
                let answer = request.send().await.unwrap();
                asked += 1;
                let came = read(&answer);
                if came != Some(expected(id, *who)) {
                    let status = answer.status();
                    let text = answer.text().await.unwrap();
                    wrong.push(format!(
                        "{id:?} {prefix} × {who:?}: {:?}, came {status} {text}",
                        expected(id, *who)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 700, "{asked} cells");
}

/// Those to whom the study was granted or assigned, and those with whom that is over.
async fn granted(running: &Running, study: &Study) -> Vec<(Who, Option<String>)> {
    let chief = running.person("giver", Role::Chief).await;
    let mut tokens = Vec::new();
    for (who, name, role) in [
        (Who::Granted, "granted", Role::Clinician),
        (Who::GrantOver, "over", Role::Clinician),
        (Who::Masked, "masked", harness::MASKED_ROLE),
        (Who::Consulting, "consulting", Role::RemoteExpert),
        (Who::ReportDone, "done", Role::RemoteExpert),
    ] {
        let token = running.person(name, role).await;
        let consults = role == Role::RemoteExpert;
        if consults {
            running.set_second_factor_up(&token).await;
        }
        let (path, number) =
            if consults { ("/api/v1/consultations", "consultation") } else { ("/api/v1/grants", "grant") };
        let mut body = json!({"name": name, "study": study.study.as_str(), "reason": "a second look"});
        if who == Who::Masked {
            body["export"] = json!(true);
        }
        let given = running.post(path, &chief).json(&body).send().await.unwrap();
        assert_eq!(given.status(), 201, "{who:?}");
        let given: serde_json::Value = given.json().await.unwrap();
        let number = given[number].as_u64().unwrap();
        let ended = match who {
            Who::GrantOver => Some(running.request(Method::DELETE, &format!("{path}/{number}"), &chief)),
            Who::ReportDone => Some(running.post(&format!("{path}/{number}/completion"), &token)),
            _ => None,
        };
        if let Some(ended) = ended {
            assert_eq!(ended.send().await.unwrap().status(), 200, "{who:?}");
        }
        tokens.push((who, Some(token)));
    }
    tokens
}

fn read(answer: &Response) -> Option<Answer> {
    match answer.status().as_u16() {
        101 | 200..=399 => Some(Served),
        401 => Some(SignIn),
        403 => Some(Forbidden),
        404 => Some(Nothing),
        409 => Some(Conflict),
        _ => None,
    }
}

/// The path under `bulk/` at which the pixels of the first instance are.
async fn bulk_path(running: &Running, token: &str, study: &Study) -> String {
    let instance = study.instance(0).sop_instance;
    let path =
        format!("/dicom-web/studies/{}/series/{}/instances/{instance}/metadata", study.study, study.series);
    let rows: Vec<serde_json::Value> = running.get(&path, token).send().await.unwrap().json().await.unwrap();
    let uri = rows[0]["7FE00010"]["BulkDataURI"].as_str().unwrap();
    uri.split("/bulk/").nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_of_another_institution_has_another_unified_worklist() {
    let running = Running::start().await;
    let technician = running.person("tech", Role::Technician).await;
    let (uid, title) = prepare_worklist(&running, Who::Technician, Some(&technician)).await;
    let stranger = running.stranger(Role::Technician).await;
    let listed = running.get("/dicom-web/workitems", &stranger).send().await.unwrap();
    assert_eq!(listed.text().await.unwrap(), "[]");
    let claim = json!({
        "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]},
        "00081195": {"vr": "UI", "Value": ["2.25.7"]},
    });
    for (method, path, body) in [
        (Method::GET, format!("/workitems/{uid}"), None),
        (Method::PUT, format!("/workitems/{uid}/state"), Some(claim)),
        (Method::POST, format!("/workitems/{uid}"), Some(json!({}))),
        (Method::POST, format!("/workitems/{uid}/cancelrequest"), None),
        (Method::POST, format!("/workitems/{uid}/subscribers/{title}"), None),
        (Method::DELETE, format!("/workitems/{uid}/subscribers/{title}"), None),
        (Method::GET, format!("/subscribers/{title}"), None),
    ] {
        let mut request = running.request(method, &format!("/dicom-web{path}"), &stranger);
        if let Some(body) = body {
            request = request.header("content-type", "application/dicom+json").body(body.to_string());
        }
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
    }
    // What is taken here is free there.
    let (own, _) = prepare_worklist(&running, Who::Technician, Some(&stranger)).await;
    assert_ne!(own, uid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_outside_the_table_is_nothing_and_another_method_is_named_as_such() {
    let running = Running::start().await;
    for path in [
        "/nothing",
        "/dicom-web",
        "/dicom-web/studies/1.2/nothing",
        "/api/v2/people",
        "/..%2f..%2fetc/passwd",
    ] {
        let answer = running.client.get(format!("{}{path}", running.origin)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let answer = running.client.put(format!("{}/health/live", running.origin)).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert!(answer.headers()["allow"].to_str().unwrap().contains("GET"));
}

/// What a browser brings back of a passkey, made or proved.
fn credential() -> serde_json::Value {
    json!({
        "id": "AQI",
        "response":
            {"clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AA", "signature": "Aw"},
    })
}

//! From a route to its handler. The `match` names every route: one without a handler does not compile.

use super::{Call, RouteId};
use crate::api::{
    accesses, accounts, alerts, audit, break_glass, commitments, departments, destructions, dissents,
    evidence, grants, holds, keys, me, network, nodes, performed, programs, rights, storage,
    studies as follow, system, vault, worklist,
};
use crate::dicomweb::bulk::{self, Values};
use crate::dicomweb::{
    capabilities, destroy, media, rendered, retrieve, search, store, subscriptions, wado_uri, workitems,
};
use crate::fhir::audit_event;
use crate::http::problem::Problem;
use crate::oauth::{authorize, metadata, token};
use crate::page::{enrol, provider, second_factor, sessions, sign_in, studies};
use axum::body::Body;
use axum::http::Response;
use yingdun_archive::Level;

/// Answers a request that has passed the gate.
pub(super) async fn dispatch(id: RouteId, call: Call, body: Body) -> Result<Response<Body>, Problem> {
    match id {
        RouteId::StoreInstances | RouteId::StoreStudyInstances => store::store(call, body).await,
        RouteId::SearchStudies => search::search(call, Level::Study).await,
        RouteId::SearchSeries | RouteId::SearchStudySeries => search::search(call, Level::Series).await,
        RouteId::SearchInstances | RouteId::SearchStudyInstances | RouteId::SearchSeriesInstances => {
            search::search(call, Level::Instance).await
        }
        RouteId::RetrieveStudy | RouteId::RetrieveSeries | RouteId::RetrieveInstance => {
            retrieve::objects(call).await
        }
        RouteId::ExportStudies | RouteId::ExportStudy | RouteId::ExportSeries => media::export(call).await,
        RouteId::StudyMetadata | RouteId::SeriesMetadata | RouteId::InstanceMetadata => {
            retrieve::metadata(call).await
        }
        RouteId::RetrieveFrames => retrieve::frames(call).await,
        RouteId::RetrieveBulkData | RouteId::RetrieveBulkDataValue => bulk::one(call).await,
        RouteId::StudyBulkData | RouteId::SeriesBulkData | RouteId::InstanceBulkData => {
            bulk::all(call, Values::All).await
        }
        RouteId::StudyPixelData | RouteId::SeriesPixelData | RouteId::InstancePixelData => {
            bulk::all(call, Values::Pixels).await
        }
        RouteId::InstanceRendered | RouteId::FramesRendered => rendered::rendered(call).await,
        RouteId::StudyThumbnail
        | RouteId::SeriesThumbnail
        | RouteId::InstanceThumbnail
        | RouteId::FramesThumbnail => rendered::thumbnail(call).await,
        RouteId::RetrieveByUri => wado_uri::retrieve(call).await,
        RouteId::Capabilities => capabilities::describe(&call),
        RouteId::DestroyStudy | RouteId::DestroySeries | RouteId::DestroyInstance => {
            destroy::refuse(call).await
        }
        RouteId::CreateWorkitem => workitems::create(call, body).await,
        RouteId::SearchWorkitems => workitems::search(call).await,
        RouteId::RetrieveWorkitem => workitems::retrieve(call).await,
        RouteId::UpdateWorkitem => workitems::update(call, body).await,
        RouteId::ChangeWorkitemState => workitems::change_state(call, body).await,
        RouteId::RequestCancellation => workitems::request_cancellation(call, body).await,
        RouteId::Subscribe => subscriptions::subscribe(call).await,
        RouteId::Unsubscribe => subscriptions::unsubscribe(call).await,
        RouteId::SuspendSubscription => subscriptions::suspend(call).await,
        RouteId::OpenEventChannel => subscriptions::open_channel(call).await,
        RouteId::Token => token::token(call, body).await,
        RouteId::Revoke => token::revoke(call, body).await,
        RouteId::AuthorizeForm => authorize::form(call).await,
        RouteId::Authorize => authorize::submit(call, body).await,
        RouteId::OAuthMetadata => Ok(metadata::metadata(&call)),
        RouteId::Home => studies::list(call).await,
        RouteId::StudyPage => studies::one(call).await,
        RouteId::LoginForm => Ok(sign_in::show(&call)),
        RouteId::Login => sign_in::submit(call, body).await,
        RouteId::LoginLinkForm => Ok(sign_in::show_link(&call)),
        RouteId::LoginLink => sign_in::redeem(call, body).await,
        RouteId::ProviderStart => provider::start(call).await,
        RouteId::ProviderCallback => provider::callback(call).await,
        RouteId::ProviderLogout => provider::logout(call, body).await,
        RouteId::Logout => sign_in::leave(call, body).await,
        RouteId::EnrolForm => Ok(enrol::show(&call)),
        RouteId::Enrol => enrol::submit(call, body).await,
        RouteId::SecondFactorPage => second_factor::show(&call).await,
        RouteId::SecondFactorProof => second_factor::prove(call, body).await,
        RouteId::SecondFactorBegin => second_factor::begin(call, body).await,
        RouteId::SecondFactorConfirm => second_factor::confirm(call, body).await,
        RouteId::SessionsPage => sessions::list(&call).await,
        RouteId::SessionsPageEnd => sessions::end(call, body).await,
        RouteId::ReadSecondFactor => me::second_factor(call).await,
        RouteId::BeginSecondFactor => me::begin_second_factor(call, body).await,
        RouteId::ConfirmSecondFactor => me::confirm_second_factor(call, body).await,
        RouteId::ProveSecondFactor => me::prove_second_factor(call, body).await,
        RouteId::RenewRecoveryCodes => me::renew_recovery_codes(call, body).await,
        RouteId::RemoveSecondFactor => me::remove_second_factor(call, body).await,
        RouteId::ListOwnSessions => me::sessions(call).await,
        RouteId::EndOwnSession => me::end_session(call).await,
        RouteId::ListSessions => accounts::sessions(call).await,
        RouteId::EndSession => accounts::end_session(call).await,
        RouteId::ResetSecondFactor => rights::reset_second_factor(call).await,
        RouteId::ChangePassword => me::change_password(call, body).await,
        RouteId::ListPeople => accounts::people(call).await,
        RouteId::CreatePerson => accounts::create_person(call, body).await,
        RouteId::ChangePerson => accounts::change_person(call, body).await,
        RouteId::InviteAgain => accounts::invite_again(call).await,
        RouteId::BindPerson => accounts::bind_person(call, body).await,
        RouteId::UnbindPerson => accounts::unbind_person(call).await,
        RouteId::EndSessions => accounts::end_sessions(call).await,
        RouteId::GiveRole => rights::give_role(call).await,
        RouteId::TakeRole => rights::take_role(call).await,
        RouteId::ListDevices => accounts::devices(call).await,
        RouteId::RegisterDevice => accounts::register_device(call, body).await,
        RouteId::UpdateDevice => accounts::update_device(call, body).await,
        RouteId::EchoDevice => network::echo(call, body).await,
        RouteId::FindAtDevice => network::find(call, body).await,
        RouteId::WorklistAtDevice => network::worklist(call, body).await,
        RouteId::StoreAtDevice => network::store(call, body).await,
        RouteId::RetrieveFromDevice => network::retrieve(call, body).await,
        RouteId::CommitAtDevice => commitments::ask(call, body).await,
        RouteId::ListCommitments => commitments::list(call).await,
        RouteId::ReadCommitment => commitments::read(call).await,
        RouteId::ListJobs => network::jobs(call).await,
        RouteId::ReadJob => network::job(call).await,
        RouteId::CancelJob => network::cancel(call).await,
        RouteId::GrantDeviceScopes => rights::grant_device_scopes(call, body).await,
        RouteId::ListClients => accounts::clients(call).await,
        RouteId::CreateClient => accounts::create_client(call, body).await,
        RouteId::ChangeClient => accounts::change_client(call, body).await,
        RouteId::ListCredentials => programs::credentials(call).await,
        RouteId::AddCredential => programs::add_credential(call, body).await,
        RouteId::RemoveCredential => programs::remove_credential(call).await,
        RouteId::SetDemands => programs::set_demands(call, body).await,
        RouteId::GrantScopes => rights::grant_scopes(call, body).await,
        RouteId::GiveCare => rights::give_care(call, body).await,
        RouteId::EndCare => rights::end_care(call, body).await,
        RouteId::EnterDissent => dissents::enter(call, body).await,
        RouteId::ListDissents => dissents::list(call).await,
        RouteId::EndDissent => dissents::end(call).await,
        RouteId::ListDepartments => departments::list(call).await,
        RouteId::EnterDepartment => departments::enter(call, body).await,
        RouteId::JoinUnit => departments::join(call, body).await,
        RouteId::LeaveUnit => departments::leave(call, body).await,
        RouteId::SetDeviceDepartments => departments::set_device(call, body).await,
        RouteId::SetStudyDepartments => departments::set_study(call, body).await,
        RouteId::ListEvents => follow::events(call).await,
        RouteId::ListConflicts => follow::conflicts(call).await,
        RouteId::ListWorklist => worklist::list(call).await,
        RouteId::EnterStep => worklist::enter(call, body).await,
        RouteId::ReplaceStep => worklist::replace(call, body).await,
        RouteId::CancelStep => worklist::cancel(call).await,
        RouteId::ListPerformedSteps => performed::list(call).await,
        RouteId::ReadPerformedStep => performed::read(call).await,
        RouteId::AuditTail => audit::tail(call).await,
        RouteId::AuditSearch => audit::search(call).await,
        RouteId::AuditAccesses => accesses::of_images(call, body).await,
        RouteId::AuditBundle => evidence::bundle(call, body).await,
        RouteId::OwnAccesses => accesses::own(call).await,
        RouteId::SearchAuditEvents => audit_event::search(call).await,
        RouteId::ReadAuditEvent => audit_event::one(call).await,
        RouteId::AuditCheckpoint => audit::checkpoint(call).await,
        RouteId::AuditProof => audit::proof(call).await,
        RouteId::ReadKeys => keys::read(call).await,
        RouteId::RotateKeys => keys::rotate(call, body).await,
        RouteId::BeginRewrap => keys::begin_rewrap(call, body).await,
        RouteId::Seal => keys::seal(call).await,
        RouteId::ForgetNode => keys::forget_node(call, body).await,
        RouteId::StopRewrap => keys::stop_rewrap(call).await,
        RouteId::RequestDestruction => destructions::request(call, body).await,
        RouteId::ListDestructions => destructions::list(call).await,
        RouteId::ReadDestruction => destructions::read(call).await,
        RouteId::ApproveDestruction => destructions::approve(call).await,
        RouteId::WithdrawDestruction => destructions::withdraw(call).await,
        RouteId::GiveGrant => grants::give(call, body).await,
        RouteId::ListGrants => grants::list(call).await,
        RouteId::ReadGrant => grants::read(call).await,
        RouteId::RevokeGrant => grants::revoke(call).await,
        RouteId::BreakGlass => break_glass::open(call, body).await,
        RouteId::ListBrokenGlass => break_glass::list(call).await,
        RouteId::ReadBrokenGlass => break_glass::read(call).await,
        RouteId::EndBrokenGlass => break_glass::end(call).await,
        RouteId::ReviewBrokenGlass => break_glass::review(call, body).await,
        RouteId::ListAlerts => alerts::list(call).await,
        RouteId::ReadAlert => alerts::read(call).await,
        RouteId::AcknowledgeAlert => alerts::acknowledge(call, body).await,
        RouteId::LiftStop => alerts::lift(call).await,
        RouteId::PlaceHold => holds::place(call, body).await,
        RouteId::ListHolds => holds::list(call).await,
        RouteId::ReadHold => holds::read(call).await,
        RouteId::RequestRelease => holds::request_release(call, body).await,
        RouteId::ApproveRelease => holds::approve_release(call).await,
        RouteId::WithdrawRelease => holds::withdraw_release(call).await,
        RouteId::SystemStatus => system::status(call).await,
        RouteId::ScrubStatus => storage::scrub_status(call).await,
        RouteId::BeginScrub => storage::begin_scrub(call).await,
        RouteId::ListReplicas => storage::replicas(call).await,
        RouteId::DrainReplica => storage::drain(call).await,
        RouteId::ReplaceReplica => storage::replace(call).await,
        RouteId::CompactionStatus => storage::compaction(call).await,
        RouteId::BeginCompaction => storage::begin_compaction(call, body).await,
        RouteId::VaultHoldings => vault::holdings(call).await,
        RouteId::VaultPack => vault::pack(call).await,
        RouteId::VaultProbe => vault::probe(call, body).await,
        RouteId::VaultPart => vault::part(call).await,
        RouteId::VaultAudit => vault::audit(call).await,
        RouteId::NodeSpan => nodes::span(call).await,
        RouteId::NodeSoundness => nodes::soundness(call).await,
        RouteId::NodeEpoch => nodes::epoch(call).await,
        RouteId::Description => Ok(system::description(&call)),
        RouteId::Live => Ok(system::live()),
        RouteId::Ready => Ok(system::ready(&call)),
        RouteId::Metrics => system::metrics(call).await,
    }
}

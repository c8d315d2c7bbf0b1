//! What a success brings, where it is JSON: for the description only, since what we send ourselves is not checked on its way out.
//! tests/test_openapi.py holds answers against it.
//!
//! Members are written as `name:type`; `name?:type` may be missing, `type|null` may be null.

use super::{RouteId, console};
use serde_json::{Map, Value, json};

/// The schema of the JSON of a success; nothing where a success brings none, or where a standard describes it.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(crate) fn schema(id: RouteId) -> Option<Value> {
    const SESSION: &str = "session:text role:text sign_in:any stage:text issued_ms:integer last_used_ms:integer \
                           expires_ms:integer proved_ms:integer|null address:text|null program:text|null present:flag|null notice?:any";
    const JOB: &str = "job:text kind:text device:text state:text began_ms:integer ended_ms:integer|null total:integer \
                       completed:integer warning:integer failed:integer remaining:integer failures:objects fault:any node:integer \
                       cancel_asked:flag studies:texts series:texts instances:texts";
    const COMMITMENT: &str = "transaction:text device:text state:text began_ms:integer ended_ms:integer|null total:integer \
                              committed:integer failed:integer fault:any instances?:objects";
    const GRANT: &str = "grant:integer name:text study:text|null patient:text|null purpose:text reason:text|null \
                         given_ms:integer valid_from_ms:integer valid_until_ms:integer open:flag ended_ms:integer|null \
                         ended_by:text|null";
    const ALERT: &str = "alert:integer kind:text name:text role:text|null step:text at_ms:integer stops:any \
                         lifted_ms:integer|null acknowledged_ms:integer|null verdict:text|null";
    const STATED: &str = "reason:integer name:text role:text patient:text code:text words:text|null given_ms:integer \
                          valid_until_ms:integer holds:flag reviewed_by:text|null reviewed_ms:integer|null verdict:text|null \
                          review_words:text|null";
    const SAMPLE_REVIEW: &str = "review:integer name:text at_ms:integer sample:text drawn:text|null of:integer|null seed:text|null \
                                 filters:text|null records:texts|null words:text|null";
    const CONSENT: &str = "consent:text patient:text to:text project:text|null form:text giver:text reference:text|null \
                           valid_from_ms:integer valid_until_ms:integer entered_by:text withdrawn_ms:integer|null \
                           withdrawn_by:text|null";
    const HOLD: &str = "id:text state:text reason:text placed_by:text placed_ms:integer placed_leaf:integer";
    const DESTRUCTION: &str = "id:text state:text";
    const INVITATION: &str = "name:text link:text expires_ms:integer";
    const LEAF: &str = "log:text index:integer leaf_hash:text leaf:object";
    const STEP: &str = "step:text state:text attributes:object";
    const CONSULTATION: &str = "consultation:integer name:text study:text|null patient:text|null reason:text|null \
                                assigned_by:text assigned_ms:integer valid_from_ms:integer valid_until_ms:integer open:flag \
                                ended_ms:integer|null ended_by:text|null end:text|null";
    const MAINTENANCE: &str = "maintenance:integer name:text scopes:texts reason:text|null state:text opened_by:text \
                               opened_ms:integer approved_by:text|null approved_ms:integer|null valid_from_ms:integer \
                               valid_until_ms:integer ended_ms:integer|null ended_by:text|null";
    const PATIENT_ACCOUNT: &str = "account:integer name:text patient:text|null checked:text|null bound_by:text bound_ms:integer \
                                   valid_until_ms:integer open:flag ended_ms:integer|null ended_by:text|null";
    const POLICY: &str = "version:integer state:text digest:text reason:text|null copy_of:integer|null proposed_by:text \
                          proposed_ms:integer approvals:objects activated_ms:integer|null closed_by:text|null \
                          closed_ms:integer|null text?:text|null";
    const POLICY_IN_FORCE: &str = "policy_set:text version:integer activation:integer suspended_until_ms:integer|null \
                                   is_locked:flag to_review:objects";
    const CREDENTIAL: &str =
        "kind:text sha256:text valid_until_ms:integer issuer?:text client_id?:text subject?:text";
    Some(match id {
        RouteId::SearchStudies
        | RouteId::SearchSeries
        | RouteId::SearchInstances
        | RouteId::SearchStudySeries
        | RouteId::SearchStudyInstances
        | RouteId::SearchSeriesInstances
        | RouteId::StudyMetadata
        | RouteId::SeriesMetadata
        | RouteId::InstanceMetadata
        | RouteId::SearchWorkitems
        | RouteId::RetrieveWorkitem => list(json!({"$ref": "#/components/schemas/DataSet"})),
        RouteId::StoreInstances | RouteId::StoreStudyInstances => {
            json!({"$ref": "#/components/schemas/DataSet"})
        }
        RouteId::Token => {
            members("access_token:text token_type:text expires_in:integer scope:text role:text")
        }
        RouteId::Introspect => members(
            "active:flag scope?:text client_id?:text sub?:text role?:text iss?:text token_type?:text \
             exp?:integer iat?:integer cnf?:object",
        ),
        RouteId::OAuthMetadata => members(
            "issuer:text authorization_endpoint:text token_endpoint:text revocation_endpoint:text \
             introspection_endpoint:text \
             response_types_supported:texts grant_types_supported:texts",
        ),
        RouteId::Description => {
            members("openapi:text info:object servers:objects paths:object components:object")
        }
        RouteId::Live => members("status:text"),
        RouteId::Ready => members("status:text attention?:array parts?:array"),
        RouteId::WhoAmI => members(
            "name:text role:text roles:texts institution:text session:text sign_in:text purpose:text stage:text expires_ms:integer \
             idle_until_ms:integer|null actions:texts units:objects masked:flag version:text",
        ),
        RouteId::ReadSecondFactor => members(
            "confirmed_ms:integer|null recovery_codes_left:integer required:flag strong_until_ms:integer|null stage:text amr:array \
             passkeys:integer passkeys_offered:flag passkey_required:flag",
        ),
        RouteId::BeginSecondFactor => members("secret:text uri:text"),
        RouteId::ConfirmSecondFactor | RouteId::RenewRecoveryCodes => members("recovery_codes:texts"),
        RouteId::ProveSecondFactor => members("strong_until_ms:integer"),
        RouteId::ListOwnSessions | RouteId::ListSessions => list(members(SESSION)),
        RouteId::OwnAccesses | RouteId::AuditAccesses => list(members(
            "log:text index:integer time_ms:integer actor:text actor_kind:text role:text|null purpose:text|null action:text|null outcome:text \
             reason:text patient:text|null study:text|null node:text|null",
        )),
        RouteId::ListPeople => list(members(
            "name:text roles:texts disabled:flag enrolled:flag second_factor:flag new_places_wait_until_ms:integer",
        )),
        RouteId::CreatePerson | RouteId::InviteAgain => members(INVITATION),
        RouteId::EndSessions => members("ended:integer"),
        RouteId::ListDevices => list(members(
            "ae_title:text called_ae:text certificate_sha256:text|null addresses:texts plain_allowed:flag disabled:flag \
             scopes:texts destination:text|null habits:object",
        )),
        RouteId::ListWaitingDevices => json!({
            "type": "object",
            "properties": {
                "waiting": list(members(
                    "attempt:text calling_ae:text|null called_ae:text|null address:text tls:flag cause:text remedy:text \
                     certificate:any known:flag approvable:flag first_ms:integer last_ms:integer attempts:integer \
                     dismissed_until_ms:integer|null dismissed_by:text|null",
                )),
                "doors": list(members("tls:flag address:text|null port:integer")),
            },
            "required": ["waiting", "doors"],
        }),
        RouteId::ApproveWaitingDevice => members(
            "ae_title:text called_ae:text certificate_sha256:text|null addresses:texts plain_allowed:flag",
        ),
        RouteId::EchoDevice => json!({"type": "object"}),
        RouteId::FindAtDevice | RouteId::WorklistAtDevice => members("rows:objects more:flag"),
        RouteId::StoreAtDevice | RouteId::RetrieveFromDevice | RouteId::ReadJob | RouteId::CancelJob => {
            members(JOB)
        }
        RouteId::ListJobs => list(members(JOB)),
        RouteId::CommitAtDevice | RouteId::ReadCommitment => members(COMMITMENT),
        RouteId::ListCommitments => list(members(COMMITMENT)),
        RouteId::ListClients => {
            list(members("client_id:text confidential:flag redirect_uris:texts scopes:texts disabled:flag"))
        }
        RouteId::CreateClient => members("client_id:text client_secret:text|null"),
        RouteId::EnterDissent => members("dissent:text patient:text against:text studies:integer"),
        RouteId::ListDissents => list(members(
            "dissent:text patient:text against:text break_glass:flag valid_from_ms:integer valid_until_ms:integer given_by:text",
        )),
        RouteId::EnterConsent => members(&format!("{CONSENT} studies:integer")),
        RouteId::ListConsents => list(members(CONSENT)),
        RouteId::ListDepartments => members("departments:objects members:objects"),
        RouteId::ListEvents => members("events:objects next:integer"),
        RouteId::ListConflicts => members("patients:objects accessions:array"),
        RouteId::ListWorklist => list(members(STEP)),
        RouteId::EnterStep => members("step:text"),
        RouteId::ListPerformedSteps => list(members(STEP)),
        RouteId::ReadPerformedStep => {
            members("step:text state:text reporter:text attributes:object series:objects")
        }
        RouteId::AuditTail | RouteId::AuditSearch => list(members(LEAF)),
        RouteId::StudyShowing => {
            members("grade:text marked:flag rendered_only:flag shielded:flag copies:flag")
        }
        RouteId::MeasureRegion => members(
            "pixels:integer mean:integer deviation:integer lowest:integer|null highest:integer|null unit:text|null",
        ),
        RouteId::TraceLeak => members(
            "attributed:flag sureness:any opening:any picture:any told:text|null frames:integer openings:integer logs_whole:flag",
        ),
        RouteId::LeakMark => members("number:text attributed:flag opening:any logs_whole:flag"),
        RouteId::ReviewSample => members(SAMPLE_REVIEW),
        RouteId::ListSampleReviews => list(members(SAMPLE_REVIEW)),
        RouteId::AuditBundle => members(
            "about:object found:any next:text|null public_key:text checkpoint:text leaves:objects witnessed:any policy_set:object",
        ),
        RouteId::SearchAuditEvents => members("resourceType:text type:text link:objects entry?:objects"),
        RouteId::ReadAuditEvent => members("resourceType:text"),
        RouteId::ReadKeys => members(
            "patients:integer studies:integer rotate_after_days:integer uses_alarm:integer uses_max:integer keks:objects \
             keys_left:integer epoch:integer nodes:objects rewrap:any",
        ),
        RouteId::RotateKeys => members("dry_run:flag rotated:objects"),
        RouteId::BeginRewrap => members("start:text|null keys_left:integer destroys:objects"),
        RouteId::ForgetNode => members("dry_run:flag name:text store:text|null"),
        RouteId::RequestDestruction => json!({
            "anyOf": [members(DESTRUCTION), members("dry_run:flag instances:integer bytes:integer studies:objects")],
        }),
        RouteId::ReadDestruction | RouteId::ApproveDestruction => members(DESTRUCTION),
        RouteId::ListDestructions => list(members(DESTRUCTION)),
        RouteId::GiveGrant
        | RouteId::ReadGrant
        | RouteId::RevokeGrant
        | RouteId::BreakGlass
        | RouteId::ReadBrokenGlass
        | RouteId::EndBrokenGlass
        | RouteId::ReviewBrokenGlass => members(GRANT),
        RouteId::ListGrants | RouteId::ListBrokenGlass => list(members(GRANT)),
        RouteId::StateReason | RouteId::ReviewReason => members(STATED),
        RouteId::OwnReasons | RouteId::ListReasons => list(members(STATED)),
        RouteId::ListAlerts => list(members(ALERT)),
        RouteId::ReadAlert | RouteId::AcknowledgeAlert | RouteId::FreezeAccount | RouteId::LiftStop => {
            members(ALERT)
        }
        RouteId::AssignConsultation
        | RouteId::ReadConsultation
        | RouteId::CompleteConsultation
        | RouteId::WithdrawConsultation => members(CONSULTATION),
        RouteId::ListConsultations => list(members(CONSULTATION)),
        RouteId::OpenMaintenance
        | RouteId::ReadMaintenance
        | RouteId::ApproveMaintenance
        | RouteId::EndMaintenance => members(MAINTENANCE),
        RouteId::ListMaintenance => list(members(MAINTENANCE)),
        RouteId::SystemHealth => members(
            "version:text status:text parts:texts storage:object databases:object audit:object certificates:array",
        ),
        RouteId::SystemConfiguration => members(
            "version:text doors:array interfaces:object zones:texts storage:object dicom:object identity:object connected:object",
        ),
        RouteId::BindPatientAccount | RouteId::UnbindPatientAccount => members(PATIENT_ACCOUNT),
        RouteId::ListPatientAccounts => list(members(PATIENT_ACCOUNT)),
        RouteId::OwnRecordAccesses => list(members(
            "time_ms:integer who:text oneself:flag actor_kind:text role:text|null departments:texts purpose:text|null \
             action:text|null reason:text study:text|null",
        )),
        RouteId::OwnConsents => list(members(
            "consent:text to:text project:text|null form:text giver:text valid_from_ms:integer valid_until_ms:integer \
             withdrawn_ms:integer|null",
        )),
        RouteId::ProposePolicy
        | RouteId::ReadPolicy
        | RouteId::ApprovePolicy
        | RouteId::RejectPolicy
        | RouteId::WithdrawPolicy
        | RouteId::ActivatePolicy => members(POLICY),
        RouteId::CheckPolicy => members("digest:text policy_set:text"),
        RouteId::ListPolicies => members("in_force:object versions:objects"),
        RouteId::SuspendPolicies | RouteId::ReviewSuspension => members(POLICY_IN_FORCE),
        RouteId::ComparePolicy => {
            members("version:integer questions:integer asked:integer changes:objects examples:objects")
        }
        RouteId::ReplayPolicy => members(
            "version:integer log:text logs:integer from_ms:integer reached_ms:integer|null leaves:integer decisions:integer \
             unknown:integer actors:integer changes:objects examples:objects next:text|null",
        ),
        RouteId::UnusedRights => members(
            "days:integer log:text logs:integer from_ms:integer reached_ms:integer is_whole:flag leaves:integer accounts:object \
             roles:object actions:objects care_relations:object grants:object",
        ),
        RouteId::ListCredentials => list(members(CREDENTIAL)),
        RouteId::AddCredential => members(CREDENTIAL),
        RouteId::ListPasskeys => {
            list(members("passkey:text name:text created_ms:integer last_used_ms:integer|null"))
        }
        RouteId::BeginPasskey => members(
            "challenge:text rp:object user:object pubKeyCredParams:objects timeout:integer excludeCredentials:objects \
             authenticatorSelection:object attestation:text",
        ),
        RouteId::AskForPasskey => {
            members("challenge:text rpId:text timeout:integer userVerification:text allowCredentials:objects")
        }
        RouteId::ConfirmPasskey => members("recovery_codes:texts"),
        RouteId::ProvePasskey => members("strong_until_ms:integer"),
        RouteId::PlaceHold | RouteId::ReadHold | RouteId::RequestRelease | RouteId::ApproveRelease => {
            members(HOLD)
        }
        RouteId::ListHolds => list(members(HOLD)),
        RouteId::SystemStatus | RouteId::CompactionStatus | RouteId::BeginCompaction => {
            json!({"type": "object"})
        }
        RouteId::ScrubStatus | RouteId::BeginScrub => {
            list(members("label:text quarantined:integer awaiting_repair:integer scrub:any"))
        }
        RouteId::ListReplicas | RouteId::DrainReplica | RouteId::ReplaceReplica => {
            list(members("label:text mode:text"))
        }
        RouteId::VaultHoldings => {
            members("institution:text store:text replicas:integer packs:objects more:flag")
        }
        RouteId::VaultProbe => members("packs:objects"),
        RouteId::NodeSoundness => members("sound:flag"),
        RouteId::NodeAudit => members("log:text leaves:objects count:any next:integer|null size:integer"),
        RouteId::FindStudies => console::studies(),
        RouteId::ReadOverview => console::overview(),
        RouteId::MarkKeyImages => members("study_uid:text series_uid:text instance_uid:text"),
        RouteId::StudyIntegrity => console::integrity(),
        _ => return None,
    })
}

// === helpers ===

fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

/// An object with at least these members.
fn members(words: &str) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, kind) in words.split_ascii_whitespace().filter_map(|word| word.split_once(':')) {
        if !name.ends_with('?') {
            required.push(name);
        }
        properties.insert(name.trim_end_matches('?').to_owned(), of_kind(kind));
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn of_kind(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix("|null") {
        return json!({"anyOf": [of_kind(kind), {"type": "null"}]});
    }
    match kind {
        "text" => json!({"type": "string"}),
        "integer" => json!({"type": "integer"}),
        "flag" => json!({"type": "boolean"}),
        "texts" => list(json!({"type": "string"})),
        "objects" => list(json!({"type": "object"})),
        "array" => json!({"type": "array"}),
        "object" => json!({"type": "object"}),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_types_may_be_missing_and_may_be_null() {
        assert_eq!(
            members("a:text b?:integer|null c:any"),
            json!({
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "c": {}},
                "required": ["a", "c"],
            })
        );
    }

    #[test]
    fn every_route_that_answers_in_json_says_what() {
        for id in RouteId::ALL.iter().copied() {
            let route = id.describe();
            let in_json = route.produces.iter().any(|media_type| media_type.ends_with("json"));
            let succeeds =
                route.answers.iter().any(|(status, _)| (200..300).contains(status) && *status != 204);
            let refused = route.produces.contains(&"application/problem+json");
            let is_said = schema(id).is_some();
            assert!(!in_json || !succeeds || refused || is_said || id == RouteId::Capabilities, "{id:?}");
            assert!(!is_said || in_json, "{id:?}");
        }
    }
}

//! A leaf as `AuditEvent` of FHIR R4, in the patterns of IHE *Basic Audit Log Patterns* (BALP).
//!
//! A profile of BALP is named in `meta.profile` only where the leaf has all that it demands. What a profile wants and a leaf does not
//! say (the address of the caller, the words of a query that are sealed) stands there with the extension `data-absent-reason`, so that
//! nobody takes it for empty.

use super::codes::{APPLICATION, Code, Coded, DESTINATION_ROLE, EXPORT, SECURITY_ALERT, SOURCE_ROLE, coded};
use super::{Rendered, outcome_number, rfc3339};
use crate::event::{EventKind, Outcome};
use crate::leaf::Leaf;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use yingdun_model::{Action, ActorKind};

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const REST: (&str, &str, &str) =
    ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation");
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const LIFE_CYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const DECISION: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
const PROFILE: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The system of names of accounts.
pub const ACTOR: &str = "urn:yingdun:actor";
const ROLE: &str = "urn:yingdun:role";
/// The system of pseudonyms of patients.
pub const PATIENT: &str = "urn:yingdun:patient-pseudonym";
/// The system of pseudonyms of studies.
pub const STUDY: &str = "urn:yingdun:study-pseudonym";
const INSTANCE: &str = "urn:yingdun:instance-pseudonym";
const LOG: &str = "urn:yingdun:audit-log";
/// The system of DICOM UIDs as identifiers in FHIR.
const DICOM_UID: &str = "urn:dicom:uid";

/// Which pattern of BALP a leaf follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Create,
    Read,
    Query,
    Delete,
    /// Privacy Disclosure, as its source records it.
    Export,
    /// An authorisation that was refused.
    Decision,
    /// None of them: type and subtype are those of DICOM.
    Other,
}

/// The `AuditEvent` of a leaf.
#[must_use]
pub fn audit_event(rendered: &Rendered<'_>) -> Value {
    let leaf = &rendered.leaf.leaf;
    let (pattern, event) = (pattern(leaf), coded(leaf));
    let (kind, subtypes, action) = types(pattern, event);
    let mut resource = json!({
        "resourceType": "AuditEvent",
        "id": rendered.leaf.index.to_string(),
        "type": kind,
        "subtype": subtypes,
        "action": action,
        "recorded": rfc3339(leaf.time_ms),
        "outcome": outcome_number(leaf.outcome),
        "outcomeDesc": format!("{} {}: {}", leaf.kind, leaf.outcome, leaf.reason),
        "agent": agents(rendered, pattern),
        "source": {
            "site": leaf.institution.as_str(),
            "observer": archive(rendered),
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "entity": entities(rendered, pattern),
    });
    if let Some(fields) = resource.as_object_mut() {
        if let Some(profile) = profile(leaf, pattern) {
            fields.insert("meta".to_owned(), json!({"profile": [format!("{PROFILE}{profile}")]}));
        }
        if let Some(purpose) = leaf.purpose {
            fields.insert("purposeOfEvent".to_owned(), json!([concept(purpose_coding(purpose.as_str()))]));
        }
        if subtypes_are_none(fields) {
            fields.remove("subtype");
        }
    }
    resource
}

// === helpers ===

fn pattern(leaf: &Leaf) -> Pattern {
    let refused = leaf.outcome == Outcome::Refused;
    match (leaf.kind, leaf.action) {
        (EventKind::Access, _) if refused => Pattern::Decision,
        (EventKind::Access, Some(Action::Export)) => Pattern::Export,
        (EventKind::Access, Some(Action::Store | Action::MarkKeyImages)) | (EventKind::Stored, _) => {
            Pattern::Create
        }
        (EventKind::Access | EventKind::AccessClosed, _) => Pattern::Read,
        (EventKind::Query, Some(Action::ReadAudit)) => Pattern::Other,
        (EventKind::Query, _) if refused => Pattern::Decision,
        (EventKind::Query, _) => Pattern::Query,
        (EventKind::Administration, _) if leaf.reason.as_str() == "study-destroyed" => Pattern::Delete,
        _ => Pattern::Other,
    }
}

/// Type, subtypes and action.
fn types(pattern: Pattern, Coded { event, kind, action }: Coded) -> (Value, Vec<Value>, &'static str) {
    let rest = |interaction: &str, action| {
        let (system, code, display) = REST;
        let subtypes = vec![coding(INTERACTION, interaction, interaction), dcm(event)];
        (coding(system, code, display), subtypes, action)
    };
    let mut typed = match pattern {
        Pattern::Create => rest("create", "C"),
        Pattern::Read => rest("read", "R"),
        Pattern::Query => rest("search", "E"),
        // BALP takes one subtype here.
        Pattern::Delete => {
            let (kind, subtypes, action) = rest("delete", "D");
            (kind, subtypes.into_iter().take(1).collect(), action)
        }
        Pattern::Export => {
            let disclosed = coding(LIFE_CYCLE, "disclose", "Disclose Record Lifecycle Event");
            (dcm(EXPORT), vec![disclosed], "R")
        }
        Pattern::Decision => {
            let by_role = coding(DECISION, "AuthZ-Role", "Authorization Decision using only Roles");
            (dcm(SECURITY_ALERT), vec![by_role, dcm(event)], "E")
        }
        Pattern::Other => return (dcm(event), kind.map(dcm).into_iter().collect(), action.letter()),
    };
    typed.1.extend(kind.map(dcm));
    typed
}

/// The profile whose every demand a leaf meets.
fn profile(leaf: &Leaf, pattern: Pattern) -> Option<&'static str> {
    // These profiles are for what happened; a refusal or failure follows the pattern and claims nothing.
    let happened = matches!(leaf.outcome, Outcome::Permitted | Outcome::Succeeded);
    let foreign = leaf.actor_kind != ActorKind::System;
    if !happened || !foreign {
        return None;
    }
    let (about_patient, about_study) = (leaf.patient.is_some(), leaf.study.is_some());
    match pattern {
        Pattern::Create if about_patient && about_study => Some("PatientCreate"),
        Pattern::Read if about_patient && about_study => Some("PatientRead"),
        Pattern::Create if about_study => Some("Create"),
        Pattern::Read if about_study => Some("Read"),
        // A study beside it would be a second object where one is allowed.
        Pattern::Query if about_study => None,
        Pattern::Query if about_patient => Some("PatientQuery"),
        Pattern::Query => Some("Query"),
        Pattern::Export if about_patient && about_study => Some("PrivacyDisclosure.Source"),
        _ => None,
    }
}

/// The program that asked, this archive, and the person.
fn agents(rendered: &Rendered<'_>, pattern: Pattern) -> Value {
    let leaf = &rendered.leaf.leaf;
    // By BALP a question and what is to be stored flow to the server, what is read flows from it.
    let (client, server) = match pattern {
        Pattern::Create | Pattern::Query => (SOURCE_ROLE, DESTINATION_ROLE),
        Pattern::Read | Pattern::Export | Pattern::Delete => (DESTINATION_ROLE, SOURCE_ROLE),
        Pattern::Decision | Pattern::Other => (APPLICATION, APPLICATION),
    };
    let server = json!({
        "type": concept(dcm(server)),
        "who": archive(rendered),
        "requestor": leaf.actor_kind == ActorKind::System,
        "network": {"address": leaf.node.to_string(), "type": "1"},
    });
    let network = absent("masked");
    let client = |who: Value, requestor: bool| json!({"type": concept(dcm(client)), "who": who, "requestor": requestor, "network": network});
    match leaf.actor_kind {
        ActorKind::System => json!([server]),
        ActorKind::Device | ActorKind::Service => {
            let mut client = client(actor(leaf, "Device"), true);
            fields_of_session(&mut client, leaf);
            json!([client, server])
        }
        ActorKind::Person => {
            let mut user = json!({
                "type": concept(coding(PARTICIPATION, "IRCP", "information recipient")),
                "who": actor(leaf, "Practitioner"),
                "requestor": true,
            });
            fields_of_session(&mut user, leaf);
            // The leaf does not say through which program a person works.
            json!([client(absent("unknown"), false), server, user])
        }
    }
}

/// Role and purpose of who asks.
fn fields_of_session(agent: &mut Value, leaf: &Leaf) {
    let Some(fields) = agent.as_object_mut() else { return };
    if let Some(role) = leaf.role {
        fields.insert("role".to_owned(), json!([concept(coding(ROLE, role.as_str(), role.as_str()))]));
    }
    if let Some(purpose) = leaf.purpose {
        fields.insert("purposeOfUse".to_owned(), json!([concept(purpose_coding(purpose.as_str()))]));
    }
}

/// What it was about, and the leaf itself.
fn entities(rendered: &Rendered<'_>, pattern: Pattern) -> Value {
    let Rendered { leaf: logged, origin, opened } = rendered;
    let leaf = &logged.leaf;
    let mut entities = Vec::new();
    if let Some(study) = leaf.study {
        let identifier = match opened.study_uid {
            Some(uid) => json!({"system": DICOM_UID, "value": format!("urn:oid:{uid}")}),
            None => json!({"system": STUDY, "value": study.to_string()}),
        };
        entities.push(json!({
            "what": {"type": "ImagingStudy", "identifier": identifier},
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(OBJECT_ROLE, "4", "Domain Resource"),
        }));
    }
    if let Some(patient) = leaf.patient {
        let identifier = match opened.patient_id {
            Some(id) => json!({"value": id}),
            None => json!({"system": PATIENT, "value": patient.to_string()}),
        };
        entities.push(json!({
            "what": {"type": "Patient", "identifier": identifier},
            "type": coding(ENTITY, "1", "Person"),
            "role": coding(OBJECT_ROLE, "1", "Patient"),
        }));
    }
    if pattern == Pattern::Query {
        let mut query =
            json!({"type": coding(ENTITY, "2", "System Object"), "role": coding(OBJECT_ROLE, "24", "Query")});
        let (name, asked) = match opened.detail {
            Some(asked) => ("query", json!(BASE64.encode(asked))),
            None => ("_query", absent("masked")),
        };
        if let Some(fields) = query.as_object_mut() {
            fields.insert(name.to_owned(), asked);
        }
        entities.push(query);
    }
    let mut details = vec![detail("leaf-hash", &hex::encode(logged.leaf_hash))];
    details.extend(leaf.action.map(|action| detail("action", action.as_str())));
    details.extend(leaf.instance.map(|instance| detail(INSTANCE, &instance.to_string())));
    details.extend(leaf.policy_set.map(|digest| detail("policy-set", &digest.to_string())));
    details.extend(leaf.content_sha256.map(|digest| detail("content-sha256", &digest.to_string())));
    details.extend(leaf.counts.iter().map(|(name, count)| detail(name, &count.to_string())));
    if pattern != Pattern::Query {
        details.extend(opened.detail.map(|opened| detail("detail", opened)));
    }
    entities.push(json!({
        "what": {"identifier": {"system": LOG, "value": format!("{origin}#{}", logged.index)}},
        "type": coding(ENTITY, "4", "Other"),
        "role": coding(OBJECT_ROLE, "13", "Security Resource"),
        "detail": details,
    }));
    Value::Array(entities)
}

fn archive(rendered: &Rendered<'_>) -> Value {
    json!({"type": "Device", "identifier": {"system": LOG, "value": rendered.origin}})
}

fn actor(leaf: &Leaf, kind: &str) -> Value {
    json!({"type": kind, "identifier": {"system": ACTOR, "value": leaf.actor.as_str()}})
}

fn purpose_coding(word: &str) -> Value {
    json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": word})
}

fn dcm(Code { value, meaning }: Code) -> Value {
    coding(DCM, value, meaning)
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

fn concept(coding: Value) -> Value {
    json!({"coding": [coding]})
}

fn detail(name: &str, value: &str) -> Value {
    json!({"type": name, "valueString": value})
}

fn absent(why: &str) -> Value {
    json!({"extension": [{"url": ABSENT, "valueCode": why}]})
}

/// FHIR knows no empty lists.
fn subtypes_are_none(fields: &serde_json::Map<String, Value>) -> bool {
    fields.get("subtype").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Whether the `type` of the event of a leaf has a code, of a system where one is named.
#[must_use]
pub fn has_type(leaf: &Leaf, system: Option<&str>, code: &str) -> bool {
    is(&types(pattern(leaf), coded(leaf)).0, system, code)
}

/// Whether one of the subtypes of the event of a leaf has a code, of a system where one is named.
#[must_use]
pub fn has_subtype(leaf: &Leaf, system: Option<&str>, code: &str) -> bool {
    types(pattern(leaf), coded(leaf)).1.iter().any(|coding| is(coding, system, code))
}

/// Whether the event of a leaf has an action: one of the letters C, R, U, D, E.
#[must_use]
pub fn has_action(leaf: &Leaf, letter: &str) -> bool {
    types(pattern(leaf), coded(leaf)).2 == letter
}

fn is(coding: &Value, system: Option<&str>, code: &str) -> bool {
    coding["code"] == code && system.is_none_or(|system| coding["system"] == system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Opened;
    use crate::render::fixtures::{leaf, logged};
    use yingdun_model::Role;

    fn rendered(kind: EventKind, action: Option<Action>, outcome: Outcome, opened: Opened<'_>) -> Value {
        let logged = logged(leaf(kind, action, outcome, "in-care"));
        audit_event(&Rendered { leaf: &logged, origin: "renmin/audit", opened })
    }

    /// What R4 demands of every `AuditEvent`, and that nothing is empty.
    fn check(value: &Value) {
        for required in ["type", "recorded", "agent", "source"] {
            assert!(!value[required].is_null(), "{required} in {value}");
        }
        assert!(value["agent"].as_array().unwrap().iter().all(|agent| agent["requestor"].is_boolean()));
        assert!(!value["source"]["observer"].is_null());
        assert!(["C", "R", "U", "D", "E"].contains(&value["action"].as_str().unwrap()));
        assert!(["0", "4", "8", "12"].contains(&value["outcome"].as_str().unwrap()));
        full(value);
    }

    fn full(value: &Value) {
        match value {
            Value::Null => panic!("FHIR has no null"),
            Value::String(text) => assert!(!text.is_empty()),
            Value::Array(items) => {
                assert!(!items.is_empty());
                items.iter().for_each(full);
            }
            Value::Object(fields) => {
                assert!(!fields.is_empty());
                fields.values().for_each(full);
            }
            Value::Bool(_) | Value::Number(_) => {}
        }
    }

    #[test]
    fn every_kind_of_leaf_is_an_audit_event_of_r4() {
        let actions = || Action::ALL.iter().copied().map(Some).chain([None]);
        for kind in EventKind::ALL {
            for action in actions() {
                for outcome in Outcome::ALL {
                    check(&rendered(*kind, action, *outcome, Opened::default()));
                }
            }
        }
        let bare = Leaf {
            actor_kind: ActorKind::System,
            role: Some(Role::System),
            patient: None,
            study: None,
            purpose: None,
            ..leaf(EventKind::System, None, Outcome::Succeeded, "start-up")
        };
        check(&audit_event(&Rendered { leaf: &logged(bare), origin: "o", opened: Opened::default() }));
    }

    #[test]
    fn a_read_of_a_patient_meets_its_profile_and_a_refusal_is_a_decision() {
        let read = rendered(EventKind::Access, Some(Action::View), Outcome::Permitted, Opened::default());
        assert_eq!(read["meta"]["profile"][0], format!("{PROFILE}PatientRead"));
        assert_eq!(
            (&read["type"]["code"], &read["subtype"][0]["code"], &read["action"]),
            (&json!("rest"), &json!("read"), &json!("R"))
        );
        // Slices of the profile: one client, one server, one person; one object, one patient.
        let of_type = |list: &str, code: &str| {
            let coded =
                |item: &&Value| item["type"]["code"] == code || item["type"]["coding"][0]["code"] == code;
            read[list].as_array().unwrap().iter().filter(coded).count()
        };
        assert_eq!(["110152", "110153", "IRCP"].map(|code| of_type("agent", code)), [1, 1, 1]);
        assert_eq!(["1", "2"].map(|code| of_type("entity", code)), [1, 1]);
        let refused = rendered(EventKind::Access, Some(Action::View), Outcome::Refused, Opened::default());
        assert_eq!(
            (&refused["type"]["code"], &refused["subtype"][0]["code"], &refused["outcome"]),
            (&json!("110113"), &json!("AuthZ-Role"), &json!("8"))
        );
        assert!(refused["meta"].is_null());
    }

    #[test]
    fn words_of_a_query_are_masked_unless_they_were_opened() {
        let query = |opened| rendered(EventKind::Query, Some(Action::Search), Outcome::Permitted, opened);
        let entity = |value: &Value| {
            let queries = value["entity"].as_array().unwrap().iter();
            queries.filter(|entity| entity["role"]["code"] == "24").cloned().collect::<Vec<_>>()
        };
        let masked = entity(&query(Opened::default()));
        assert_eq!(masked.len(), 1);
        assert_eq!(masked[0]["_query"]["extension"][0]["valueCode"], "masked");
        let opened = entity(&query(Opened { detail: Some("PatientName=LI*"), ..Opened::default() }));
        assert_eq!(opened[0]["query"], BASE64.encode("PatientName=LI*"));
        assert!(opened[0]["_query"].is_null());
    }

    #[test]
    fn a_type_is_found_by_its_code_with_or_without_its_system() {
        let login = leaf(EventKind::Authentication, None, Outcome::Permitted, "password");
        for (system, code, found) in [
            (None, "110114", true),
            (Some(DCM), "110114", true),
            (None, "110122", false),
            (Some(INTERACTION), "110114", false),
            (None, "rest", false),
        ] {
            assert_eq!(has_type(&login, system, code), found, "{code}");
        }
        let view = leaf(EventKind::Access, Some(Action::View), Outcome::Permitted, "in-care");
        assert!(has_type(&view, None, "rest") && has_action(&view, "R") && !has_action(&view, "E"));
        assert!(has_subtype(&view, None, "read") && has_subtype(&view, Some(DCM), "110103"));
        assert!(has_subtype(&login, Some(DCM), "110122") && !has_subtype(&login, None, "110114"));
    }
}

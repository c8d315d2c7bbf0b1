//! A leaf as an audit message of DICOM (PS3.15 A.5): XML on one line, valid under the schema of A.5.1.

use super::codes::{
    APPLICATION, Code, DCM, DESTINATION_ROLE, EventAction, SOURCE_ROLE, STUDY_INSTANCE_UID, coded,
};
use super::xml::Xml;
use super::{Rendered, outcome_number, rfc3339};
use crate::event::EventKind;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use yingdun_model::{Action, ActorKind};

/// Codes of RFC 3881 for what is no code of DICOM (CID 404).
const RFC_3881: &str = "RFC-3881";
const PATIENT_NUMBER: Code = Code { value: "2", meaning: "Patient Number" };
const URI: Code = Code { value: "12", meaning: "URI" };

/// The audit message of a leaf.
#[must_use]
pub fn audit_message(rendered: &Rendered<'_>) -> String {
    let mut xml = Xml::new();
    xml.element("AuditMessage", &[], |xml| {
        identification(xml, rendered);
        participants(xml, rendered);
        source(xml, rendered);
        objects(xml, rendered);
    });
    xml.finish()
}

// === helpers ===

fn identification(xml: &mut Xml, rendered: &Rendered<'_>) {
    let leaf = &rendered.leaf.leaf;
    let event = coded(leaf);
    let attributes = [
        ("EventActionCode", event.action.letter()),
        ("EventDateTime", &rfc3339(leaf.time_ms)),
        ("EventOutcomeIndicator", outcome_number(leaf.outcome)),
    ];
    xml.element("EventIdentification", &attributes, |xml| {
        code(xml, "EventID", event.event, DCM);
        if let Some(kind) = event.kind {
            code(xml, "EventTypeCode", kind, DCM);
        }
        // The closed list of reasons tells more than four numbers, and names nobody.
        let said = format!("{} {}: {}", leaf.kind, leaf.outcome, leaf.reason);
        xml.element("EventOutcomeDescription", &[], |xml| xml.text(&said));
    });
}

/// Who acted, and this archive.
fn participants(xml: &mut Xml, rendered: &Rendered<'_>) {
    let leaf = &rendered.leaf.leaf;
    let actor = leaf.actor.as_str();
    let own = leaf.actor_kind == ActorKind::System;
    let (from_us, to_us) = (SOURCE_ROLE, DESTINATION_ROLE);
    // Where bytes or questions flow: A.5.3 wants source and destination of both.
    let (theirs, ours) = match coded(leaf).action {
        _ if own => (APPLICATION, APPLICATION),
        EventAction::Read => (to_us, from_us),
        EventAction::Create | EventAction::Execute if flows(leaf.kind) => (from_us, to_us),
        _ => (APPLICATION, APPLICATION),
    };
    // A person works through a program that the leaf does not name.
    let person = leaf.actor_kind == ActorKind::Person;
    let attributes = [("UserID", actor), ("UserIsRequestor", "true")];
    xml.element("ActiveParticipant", &attributes, |xml| {
        if !person {
            code(xml, "RoleIDCode", theirs, DCM);
        }
        if let Some(role) = leaf.role {
            let role = role.as_str();
            xml.empty(
                "RoleIDCode",
                &[("csd-code", role), ("codeSystemName", "99YINGDUN"), ("originalText", role)],
            );
        }
    });
    if !own {
        let node = leaf.node.to_string();
        let attributes = [
            ("UserID", rendered.origin),
            ("UserIsRequestor", "false"),
            ("NetworkAccessPointID", &node),
            ("NetworkAccessPointTypeCode", "1"),
        ];
        xml.element("ActiveParticipant", &attributes, |xml| code(xml, "RoleIDCode", ours, DCM));
    }
}

fn source(xml: &mut Xml, rendered: &Rendered<'_>) {
    let leaf = &rendered.leaf.leaf;
    let attributes =
        [("AuditEnterpriseSiteID", leaf.institution.as_str()), ("AuditSourceID", rendered.origin)];
    // 4: an application server.
    xml.element("AuditSourceIdentification", &attributes, |xml| {
        xml.empty("AuditSourceTypeCode", &[("csd-code", "4")]);
    });
}

/// Study, patient, and the leaf in its log, where everything can be checked.
fn objects(xml: &mut Xml, rendered: &Rendered<'_>) {
    let leaf = &rendered.leaf.leaf;
    if let Some(study) = leaf.study {
        let (pseudonym, known) = (study.to_string(), rendered.opened.study_uid);
        let instance = leaf.instance.map(|instance| instance.to_string());
        let more: Vec<(&str, &str)> =
            instance.iter().map(|text| ("instance-pseudonym", text.as_str())).collect();
        person_or_study(xml, ("2", "3"), (STUDY_INSTANCE_UID, DCM), &pseudonym, known, &more);
    }
    if let Some(patient) = leaf.patient {
        let (pseudonym, known) = (patient.to_string(), rendered.opened.patient_id);
        person_or_study(xml, ("1", "1"), (PATIENT_NUMBER, RFC_3881), &pseudonym, known, &[]);
    }
    if let (EventKind::Query, Some(asked)) = (leaf.kind, rendered.opened.detail) {
        let attributes = object("query", "2", "24");
        xml.element("ParticipantObjectIdentification", &attributes, |xml| {
            code(
                xml,
                "ParticipantObjectIDTypeCode",
                Code { value: "10", meaning: "Search Criteria" },
                RFC_3881,
            );
            xml.element("ParticipantObjectQuery", &[], |xml| xml.text(&BASE64.encode(asked)));
        });
    }
    let place = format!("{}#{}", rendered.origin, rendered.leaf.index);
    xml.element("ParticipantObjectIdentification", &object(&place, "2", "13"), |xml| {
        code(xml, "ParticipantObjectIDTypeCode", URI, RFC_3881);
        let name = if leaf.action == Some(Action::ReadAudit) { "Security Audit Log" } else { "audit record" };
        xml.element("ParticipantObjectName", &[], |xml| xml.text(name));
        detail(xml, "leaf-hash", &hex::encode(rendered.leaf.leaf_hash));
        if let Some(purpose) = leaf.purpose {
            detail(xml, "purpose-of-use", purpose.as_str());
        }
        if let Some(action) = leaf.action {
            detail(xml, "action", action.as_str());
        }
        for (name, count) in leaf.counts.iter() {
            detail(xml, name, &count.to_string());
        }
        if leaf.kind != EventKind::Query {
            rendered.opened.detail.iter().for_each(|opened| detail(xml, "detail", opened));
        }
    });
}

/// A patient or study: by what it is called where the reader may know, else by its pseudonym.
fn person_or_study(
    xml: &mut Xml,
    (kind, role): (&str, &str),
    (id, system): (Code, &str),
    pseudonym: &str,
    known: Option<&str>,
    more: &[(&str, &str)],
) {
    xml.element("ParticipantObjectIdentification", &object(known.unwrap_or(pseudonym), kind, role), |xml| {
        code(xml, "ParticipantObjectIDTypeCode", id, system);
        // Not empty, as a reader would take an empty name for one that was left out.
        let name = if known.is_some() { "identified" } else { "pseudonym" };
        xml.element("ParticipantObjectName", &[], |xml| xml.text(name));
        detail(xml, "pseudonym", pseudonym);
        more.iter().for_each(|(name, value)| detail(xml, name, value));
    });
}

fn object<'a>(id: &'a str, kind: &'a str, role: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("ParticipantObjectID", id),
        ("ParticipantObjectTypeCode", kind),
        ("ParticipantObjectTypeCodeRole", role),
    ]
}

fn detail(xml: &mut Xml, name: &str, value: &str) {
    xml.empty("ParticipantObjectDetail", &[("type", name), ("value", &BASE64.encode(value))]);
}

fn code(xml: &mut Xml, element: &str, Code { value, meaning }: Code, system: &str) {
    xml.empty(element, &[("csd-code", value), ("codeSystemName", system), ("originalText", meaning)]);
}

/// Whether an event of this kind is a flow between somebody and the archive.
const fn flows(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access
            | EventKind::AccessClosed
            | EventKind::Stored
            | EventKind::Query
            | EventKind::Commitment
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use crate::render::Opened;
    use crate::render::fixtures::{leaf, logged};

    #[test]
    fn a_view_says_who_what_and_where_it_can_be_checked() {
        let logged = logged(leaf(EventKind::Access, Some(Action::View), Outcome::Refused, "no-rule-permits"));
        let rendered = Rendered { leaf: &logged, origin: "renmin/audit", opened: Opened::default() };
        let message = audit_message(&rendered);
        for said in [
            "EventActionCode=\"R\" EventDateTime=\"1970-01-01T00:00:01.000Z\" EventOutcomeIndicator=\"8\"",
            "<EventID csd-code=\"110103\" codeSystemName=\"DCM\" originalText=\"DICOM Instances Accessed\">",
            "access refused: no-rule-permits",
            "UserID=\"dr-li\" UserIsRequestor=\"true\"",
            "ParticipantObjectID=\"renmin/audit#7\"",
            "ParticipantObjectID=\"01010101010101010101010101010101\"",
            ">pseudonym<",
        ] {
            assert!(message.contains(said), "{said} in {message}");
        }
        assert!(!message.contains('\n'));
    }

    #[test]
    fn identity_is_said_only_where_the_caller_says_it() {
        let logged = logged(leaf(EventKind::Access, Some(Action::View), Outcome::Permitted, "in-care"));
        let say = |opened| audit_message(&Rendered { leaf: &logged, origin: "renmin/audit", opened });
        let opened = Opened { patient_id: Some("P<1>"), study_uid: Some("1.2.3"), detail: Some("ward 7") };
        for known in ["P&lt;1&gt;", "\"1.2.3\"", &BASE64.encode("ward 7"), ">identified<"] {
            assert!(say(opened).contains(known), "{known}");
            assert!(!say(Opened::default()).contains(known), "{known}");
        }
    }
}

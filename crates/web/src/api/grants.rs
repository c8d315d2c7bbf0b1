//! Timed grants: given by who may open the same, listed, and revoked.

use super::accounts::actor;
use super::problems::of_admin;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use yingdun_access::{
    GRANT_TIME_MAX, GrantError, GrantRecord, Granted, GrantedStudies, NewGrant, Session, StudyFacts,
};
use yingdun_model::{Grade, GrantKind, PatientRef, PurposeOfUse, Timestamp, Uid};

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GiveBody {
    name: String,
    study: Option<String>,
    patient_id: Option<String>,
    #[serde(default)]
    issuer: String,
    reason: String,
    purpose: Option<String>,
    #[serde(default)]
    export: bool,
    from_ms: Option<i64>,
    minutes: Option<u64>,
}

/// Gives a grant.
pub(crate) async fn give(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: GiveBody = json_of(body).await?;
    let session = call.session()?;
    let purpose = body.purpose.as_deref().map_or(Ok(PurposeOfUse::Treatment), str::parse);
    let purpose = purpose.map_err(|_| {
        Problem::bad_request("TREAT as the purpose, the only one for which a grant is given", "another word")
    })?;
    let to = actor(&body.name)?;
    let study = body.study.as_deref();
    let (on, is_known) = on_what(&call, session, study, body.patient_id.as_deref(), &body.issuer).await?;
    let new = NewGrant {
        actor: to,
        on,
        is_known,
        export: body.export,
        purpose,
        from: body.from_ms.map(Timestamp::from_ms),
        lasts: minutes(body.minutes, GRANT_TIME_MAX),
        words: body.reason,
    };
    let given = call.service.access.give_grant(session, new).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::CREATED, &shown(&given)))
}

/// Grants: of everybody for officers, otherwise those that the asker has or gave.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let grants = call.service.access.grants(call.session()?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &Value::Array(grants.iter().map(shown).collect())))
}

/// One grant.
pub(crate) async fn read(call: Call) -> Result<Response<Body>, Problem> {
    let grant = call.service.access.grant(call.session()?, number(&call)?).await.map_err(of_grant)?;
    Ok(answer::json(StatusCode::OK, &shown(&grant)))
}

/// Ends a grant now.
pub(crate) async fn revoke(call: Call) -> Result<Response<Body>, Problem> {
    let (session, number) = (call.session()?, number(&call)?);
    let ended = call.service.access.revoke_grant(session, GrantKind::Given, number).await;
    Ok(answer::json(StatusCode::OK, &shown(&ended.map_err(of_grant)?)))
}

// === helpers ===

/// The number in the path.
pub(super) fn number(call: &Call) -> Result<u64, Problem> {
    let number = call.in_path("grant").and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::NotFound).expected("the number of a grant"))
}

/// A time in minutes, or the longest.
pub(super) fn minutes(minutes: Option<u64>, otherwise: Duration) -> Duration {
    minutes.map_or(otherwise, |minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

/// The reference of a patient who is named in a body.
pub(super) async fn patient_of(
    call: &Call,
    session: &Session,
    issuer: &str,
    patient_id: &str,
) -> Result<PatientRef, Problem> {
    let (issuer, patient_id) = (issuer.trim(), patient_id.trim());
    if patient_id.is_empty() || patient_id.len() > crate::limits::PATIENT_ID_BYTES_MAX {
        return Err(Problem::new(Kind::BadRequest).expected("a patient ID"));
    }
    let reference = call.service.archive.patient_reference(session.institution(), issuer, patient_id).await;
    reference.map_err(|unavailable| of_unavailable(&unavailable))
}

/// What is to be opened to somebody: the study or the patient that a body names, and whether the archive has it.
pub(super) async fn on_what(
    call: &Call,
    session: &Session,
    study: Option<&str>,
    patient_id: Option<&str>,
    issuer: &str,
) -> Result<(GrantedStudies, bool), Problem> {
    match (study, patient_id) {
        (Some(study), None) => study_of(call, session, study).await,
        (None, Some(patient_id)) => {
            let patient = patient_of(call, session, issuer, patient_id).await?;
            let knows = call.service.archive.knows_patient_to_grant(session.institution(), patient).await;
            Ok((GrantedStudies::Patient(patient), knows.map_err(|error| of_unavailable(&error))?))
        }
        (None, None) | (Some(_), Some(_)) => {
            Err(Problem::new(Kind::BadRequest).expected("either `study` or `patient_id`"))
        }
    }
}

async fn study_of(call: &Call, session: &Session, study: &str) -> Result<(GrantedStudies, bool), Problem> {
    let uid = Uid::new(study.trim())
        .map_err(|_| Problem::new(Kind::BadRequest).expected("a Study Instance UID as `study`"))?;
    let (archive, institution) = (&call.service.archive, session.institution());
    let facts = archive.facts_of_study(institution, &uid).await.map_err(|error| of_unavailable(&error))?;
    let is_known = facts.is_some();
    let facts = match facts {
        Some(facts) => facts,
        // A study that is not there is decided as anybody's.
        None => StudyFacts {
            institution: institution.clone(),
            study: archive
                .study_reference(institution, &uid)
                .await
                .map_err(|error| of_unavailable(&error))?,
            patient: PatientRef::from_bytes([0; 16]),
            grade: Grade::L4,
            received: Timestamp::from_ms(0),
        },
    };
    Ok((GrantedStudies::Study(facts), is_known))
}

/// A grant as people see it.
pub(super) fn shown(record: &GrantRecord) -> Value {
    let GrantRecord { grant, words, review_words, open, overdue } = record;
    let (study, patient) = match grant.on {
        Granted::Study(study) => (Some(study), None),
        Granted::Patient(patient) => (None, Some(patient)),
    };
    let mut shown = json!({
        "grant": grant.number,
        "name": grant.actor,
        "study": study,
        "patient": patient,
        "purpose": grant.purpose,
        "export": grant.export,
        "reason": words,
        "given_by": grant.given_by,
        "given_ms": grant.given,
        "valid_from_ms": grant.valid_from,
        "valid_until_ms": grant.valid_until,
        "open": open,
        "ended_ms": grant.ended,
        "ended_by": grant.ended_by,
    });
    if let (GrantKind::BreakGlass, Value::Object(fields)) = (grant.kind, &mut shown) {
        let review = grant.review.as_ref();
        fields.remove("given_by");
        fields.remove("export");
        let more = json!({
            "code": grant.reason,
            "review_due_ms": grant.review_due,
            "overdue": overdue,
            "verdict": review.map(|review| review.verdict),
            "reviewed_by": review.map(|review| review.by.clone()),
            "reviewed_ms": review.map(|review| review.at),
            "review": review_words,
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
    }
    shown
}

pub(super) fn of_grant(error: GrantError) -> Problem {
    let words = error.to_string();
    match error {
        GrantError::Admin(error) => of_admin(error),
        GrantError::NotFound => {
            Problem::new(Kind::NotFound).expected("a study, patient, person or grant of this institution")
        }
        GrantError::Oneself | GrantError::SamePerson => {
            Problem::new(Kind::Forbidden).expected("another person").came(words)
        }
        GrantError::StepUp => Problem::new(Kind::Forbidden).expected(words).came("step-up").remedy(
            "send the password of the person as `password`; after several failures wait a quarter of an hour",
        ),
        GrantError::NoExpert | GrantError::NotTheExpert | GrantError::NoPatient => {
            Problem::new(Kind::Forbidden).expected(words)
        }
        GrantError::Time | GrantError::ConsultationTime | GrantError::BreakGlassTime => {
            Problem::new(Kind::Unprocessable).expected(words)
        }
        GrantError::Words | GrantError::Purpose => Problem::new(Kind::BadRequest).expected(words),
        GrantError::TooMany | GrantError::Bound | GrantError::Quota | GrantError::State => {
            Problem::new(Kind::Conflict).came(words)
        }
        // The list may grow below us; what we do not know yet is not the client's fault.
        other => super::problems::unavailable(&other),
    }
}

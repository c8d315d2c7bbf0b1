//! Roles, scopes and care relations: the office of the security administrator.

use super::accounts::{actor, actor_in_path, ae_title};
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
use std::collections::BTreeSet;
use yingdun_access::Scope;
use yingdun_model::{PatientRef, Role, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopesBody {
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceScopesBody {
    called_ae: String,
    scopes: Vec<String>,
}

/// The patient is named in the body and never in a path, so that no patient ID ends up in a log of addresses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CareBody {
    name: String,
    patient_id: String,
    #[serde(default)]
    issuer: String,
    valid_from_ms: i64,
    valid_until_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndCareBody {
    name: String,
    patient_id: String,
    #[serde(default)]
    issuer: String,
}

/// Gives a person a role.
pub(crate) async fn give_role(call: Call) -> Result<Response<Body>, Problem> {
    let (actor, role) = (actor_in_path(&call)?, role_in_path(&call)?);
    call.service.access.give_role(call.session()?, &actor, role).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Takes a role from a person.
pub(crate) async fn take_role(call: Call) -> Result<Response<Body>, Problem> {
    let (actor, role) = (actor_in_path(&call)?, role_in_path(&call)?);
    call.service.access.take_role(call.session()?, &actor, role).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Resets the second factor of a person who lost it.
pub(crate) async fn reset_second_factor(call: Call) -> Result<Response<Body>, Problem> {
    let actor = actor_in_path(&call)?;
    call.service.access.reset_second_factor(call.session()?, &actor).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Replaces the scopes of a service client.
pub(crate) async fn grant_scopes(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ScopesBody = json_of(body).await?;
    let client = actor(call.in_path("client").unwrap_or_default())?;
    let scopes = scopes(&body.scopes)?;
    call.service.access.grant_scopes(call.session()?, &client, &scopes).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Replaces the scopes of a device.
pub(crate) async fn grant_device_scopes(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: DeviceScopesBody = json_of(body).await?;
    let (calling, called) =
        (ae_title(call.in_path("ae_title").unwrap_or_default())?, ae_title(&body.called_ae)?);
    let scopes = scopes(&body.scopes)?;
    call.service
        .access
        .grant_device_scopes(call.session()?, &calling, &called, &scopes)
        .await
        .map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Gives a person a care relation with a patient.
pub(crate) async fn give_care(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: CareBody = json_of(body).await?;
    let patient = patient(&call, &body.issuer, &body.patient_id).await?;
    let (from, until) = (Timestamp::from_ms(body.valid_from_ms), Timestamp::from_ms(body.valid_until_ms));
    call.service
        .access
        .give_care(call.session()?, &actor(&body.name)?, patient, from, until)
        .await
        .map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Ends a care relation now.
pub(crate) async fn end_care(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: EndCareBody = json_of(body).await?;
    let patient = patient(&call, &body.issuer, &body.patient_id).await?;
    call.service.access.end_care(call.session()?, &actor(&body.name)?, patient).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn scopes(words: &[String]) -> Result<BTreeSet<Scope>, Problem> {
    let scopes: Result<BTreeSet<Scope>, _> = words.iter().map(|word| word.parse::<Scope>()).collect();
    scopes.map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))
}

fn role_in_path(call: &Call) -> Result<Role, Problem> {
    call.in_path("role")
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| Problem::new(Kind::NotFound).expected("one of the roles, such as `radiologist`"))
}

/// To how many an answer counts the studies that it is about: each is a row that is read.
const STUDIES_COUNTED_MAX: u32 = 1000;

/// Of whom a request speaks, and how many studies of that patient there are.
pub(super) async fn patient_with_studies(
    call: &Call,
    issuer: &str,
    patient_id: &str,
) -> Result<(PatientRef, usize), Problem> {
    let patient = patient(call, issuer, patient_id).await?;
    let (archive, institution) = (&call.service.archive, call.session()?.institution());
    let studies = archive.studies_of_patient(institution, patient, STUDIES_COUNTED_MAX).await;
    Ok((patient, studies.map_err(|unavailable| of_unavailable(&unavailable))?))
}

/// The row of what was entered, with how many studies it is about.
pub(super) fn with_studies(mut entered: Value, studies: usize) -> Value {
    if let Some(row) = entered.as_object_mut() {
        row.insert("studies".to_owned(), json!(studies));
    }
    entered
}

pub(super) async fn patient(call: &Call, issuer: &str, patient_id: &str) -> Result<PatientRef, Problem> {
    let (issuer, patient_id) = (issuer.trim(), patient_id.trim());
    if patient_id.is_empty() || patient_id.len() > crate::limits::PATIENT_ID_BYTES_MAX {
        return Err(Problem::new(Kind::BadRequest).expected("a patient ID"));
    }
    let institution = call.session()?.institution();
    call.service
        .archive
        .patient_reference(institution, issuer, patient_id)
        .await
        .map_err(|unavailable| of_unavailable(&unavailable))
}

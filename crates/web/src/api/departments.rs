//! Departments: which there are, who belongs to them, and of which studies are.

use super::accounts::{actor, ae_title};
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
use yingdun_access::Department;
use yingdun_model::{DepartmentId, Timestamp, Uid, Unit};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameBody {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    name: String,
    department: Option<String>,
    device: Option<String>,
    valid_from_ms: i64,
    valid_until_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndBody {
    name: String,
    department: Option<String>,
    device: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceBody {
    departments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StudyBody {
    study: String,
    #[serde(default)]
    requesting: Vec<String>,
    #[serde(default)]
    performing: Vec<String>,
}

/// Every department, and who belongs to it.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let (departments, members) = call.service.access.departments(call.session()?).await.map_err(of_admin)?;
    let departments: Vec<Value> = departments
        .iter()
        .map(|department| json!({"department": department.id.as_str(), "name": department.name}))
        .collect();
    let members: Vec<Value> = members
        .iter()
        .map(|member| {
            let (kind, unit) = match &member.unit {
                Unit::Department(department) => ("department", department.to_string()),
                Unit::Device(title) => ("device", title.to_string()),
            };
            json!({
                "name": member.actor.as_str(),
                kind: unit,
                "valid_from_ms": member.valid_from.as_ms(),
                "valid_until_ms": member.valid_until.as_ms(),
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({"departments": departments, "members": members})))
}

/// Enters a department.
pub(crate) async fn enter(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: NameBody = json_of(body).await?;
    let id = department(call.in_path("department").unwrap_or_default())?;
    let department = Department { id, name: body.name.trim().to_owned() };
    call.service.access.enter_department(call.session()?, &department).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Makes a person belong to a department or a device.
pub(crate) async fn join(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: MemberBody = json_of(body).await?;
    let unit = unit(body.department.as_deref(), body.device.as_deref())?;
    let (from, until) = (Timestamp::from_ms(body.valid_from_ms), Timestamp::from_ms(body.valid_until_ms));
    let access = &call.service.access;
    access.join_unit(call.session()?, &actor(&body.name)?, &unit, from, until).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Ends that now.
pub(crate) async fn leave(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: EndBody = json_of(body).await?;
    let unit = unit(body.department.as_deref(), body.device.as_deref())?;
    let access = &call.service.access;
    access.leave_unit(call.session()?, &actor(&body.name)?, &unit).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Replaces the departments of a device.
pub(crate) async fn set_device(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: DeviceBody = json_of(body).await?;
    let title = ae_title(call.in_path("ae_title").unwrap_or_default())?;
    let of = departments(&body.departments)?;
    call.service.access.set_device_departments(call.session()?, &title, &of).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Replaces the departments of a study.
pub(crate) async fn set_study(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: StudyBody = json_of(body).await?;
    let session = call.session()?;
    let uid = Uid::new(&body.study);
    let uid = uid.map_err(|_| Problem::new(Kind::BadRequest).expected("a Study Instance UID"))?;
    let (requesting, performing) = (departments(&body.requesting)?, departments(&body.performing)?);
    let study = call.service.archive.study_reference(session.institution(), &uid).await;
    let study = study.map_err(|error| of_unavailable(&error))?;
    let access = &call.service.access;
    access.set_study_departments(session, study, &requesting, &performing).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

fn unit(of_department: Option<&str>, device: Option<&str>) -> Result<Unit, Problem> {
    match (of_department, device) {
        (Some(name), None) => department(name).map(Unit::Department),
        (None, Some(title)) => ae_title(title).map(Unit::Device),
        (None, None) | (Some(_), Some(_)) => {
            Err(Problem::new(Kind::BadRequest).expected("either `department` or `device`"))
        }
    }
}

pub(super) fn department(name: &str) -> Result<DepartmentId, Problem> {
    DepartmentId::new(name).map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))
}

fn departments(names: &[String]) -> Result<BTreeSet<DepartmentId>, Problem> {
    names.iter().map(|name| department(name)).collect()
}

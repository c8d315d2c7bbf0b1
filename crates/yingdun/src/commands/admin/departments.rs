//! Departments, and what patients have against whom.

use super::{DAY, call, text_of};
use crate::cli::{DepartmentCommand, DissentArgs, DissentCommand, MemberArgs};
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};
use yingdun_model::{Clock, SystemClock};

const DEPARTMENTS: &str = "departments";
const MEMBERS: &str = "department-members";
const DISSENTS: &str = "dissents";

/// Calls the routes of departments.
pub(in crate::commands) async fn department(
    command: DepartmentCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        DepartmentCommand::List { admin } => call(output, &admin, Method::GET, &[DEPARTMENTS], None).await,
        DepartmentCommand::Enter { department, called, admin } => {
            let body = json!({"name": called});
            call(output, &admin, Method::PUT, &[DEPARTMENTS, &department], Some(body)).await
        }
        DepartmentCommand::Join { member, days } => {
            let now = SystemClock.now();
            let mut body = body_of(&member);
            put(&mut body, "valid_from_ms", json!(now.as_ms()));
            put(&mut body, "valid_until_ms", json!(now.after(DAY.saturating_mul(days)).as_ms()));
            call(output, &member.admin, Method::PUT, &[MEMBERS], Some(body)).await
        }
        DepartmentCommand::Leave { member } => {
            let body = body_of(&member);
            call(output, &member.admin, Method::POST, &[MEMBERS, "end"], Some(body)).await
        }
        DepartmentCommand::OfDevice { ae_title, departments, admin } => {
            let body = json!({"departments": departments});
            call(output, &admin, Method::PUT, &["devices", &ae_title, DEPARTMENTS], Some(body)).await
        }
        DepartmentCommand::OfStudy { study, requesting, performing, admin } => {
            let body = json!({"study": study, "requesting": requesting, "performing": performing});
            call(output, &admin, Method::PUT, &["study-departments"], Some(body)).await
        }
    }
}

/// Calls the routes of dissents.
pub(in crate::commands) async fn dissent(
    command: DissentCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        DissentCommand::Enter { dissent, admin } => {
            let body = dissent_body(&dissent)?;
            call(output, &admin, Method::POST, &[DISSENTS], Some(body)).await
        }
        DissentCommand::List { admin } => call(output, &admin, Method::GET, &[DISSENTS], None).await,
        DissentCommand::End { dissent, admin } => {
            call(output, &admin, Method::POST, &[DISSENTS, &dissent, "end"], None).await
        }
    }
}

// === helpers ===

fn body_of(member: &MemberArgs) -> Value {
    let mut body = json!({"name": member.name});
    if let Some(department) = &member.unit.department {
        put(&mut body, "department", json!(department));
    }
    if let Some(device) = &member.unit.device {
        put(&mut body, "device", json!(device));
    }
    body
}

fn dissent_body(dissent: &DissentArgs) -> Result<Value, CommandError> {
    let mut body = json!({
        "patient_id": text_of(&dissent.patient_id_file)?.trim_end_matches(['\r', '\n']),
        "issuer": dissent.issuer,
        "against": dissent.against,
        "break_glass": dissent.break_glass,
        "unknown": dissent.unknown,
    });
    for (field, value) in [("name", &dissent.name), ("department", &dissent.department)] {
        if let Some(value) = value {
            put(&mut body, field, json!(value));
        }
    }
    // A seal that names nobody is for everybody.
    if dissent.against == "sealed" || !dissent.but.is_empty() {
        put(&mut body, "names", json!(dissent.but));
    }
    if let Some(days) = dissent.days {
        let now = SystemClock.now();
        put(&mut body, "valid_from_ms", json!(now.as_ms()));
        put(&mut body, "valid_until_ms", json!(now.after(DAY.saturating_mul(days)).as_ms()));
    }
    Ok(body)
}

fn put(body: &mut Value, field: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

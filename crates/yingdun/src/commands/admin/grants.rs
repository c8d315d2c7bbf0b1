//! Timed grants, and broken glass with its review.

use super::destroy::body;
use super::{call, text_of};
use crate::cli::{BreakGlassCommand, GrantCommand};
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};

const GRANTS: &str = "grants";
const BREAK_GLASS: &str = "break-glass";

/// Calls the routes of timed grants.
pub(in crate::commands) async fn grant(
    command: GrantCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        GrantCommand::Give { name, target, issuer, reason, minutes, purpose, export, admin } => {
            let more = json!({
                "name": name, "issuer": issuer, "reason": reason, "minutes": minutes, "purpose": purpose, "export": export,
            });
            call(output, &admin, Method::POST, &[GRANTS], Some(body(&target, &more)?)).await
        }
        GrantCommand::List { admin } => call(output, &admin, Method::GET, &[GRANTS], None).await,
        GrantCommand::Show { number, admin } => {
            call(output, &admin, Method::GET, &[GRANTS, &number.to_string()], None).await
        }
        GrantCommand::Revoke { number, admin } => {
            call(output, &admin, Method::DELETE, &[GRANTS, &number.to_string()], None).await
        }
    }
}

/// Calls the routes of broken glass.
pub(in crate::commands) async fn break_glass(
    command: BreakGlassCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        BreakGlassCommand::Open { emergency, admin } => {
            let mut body = json!({
                "patient_id": text_of(&emergency.patient_id_file)?.trim(),
                "issuer": emergency.issuer,
                "code": emergency.code,
                "reason": emergency.reason,
                "minutes": emergency.minutes,
            });
            if let (Some(file), Value::Object(fields)) = (&emergency.password_file, &mut body) {
                let password = text_of(file)?;
                fields.insert("password".to_owned(), json!(password.trim_end_matches(['\r', '\n'])));
            }
            call(output, &admin, Method::POST, &[BREAK_GLASS], Some(body)).await
        }
        BreakGlassCommand::List { admin } => call(output, &admin, Method::GET, &[BREAK_GLASS], None).await,
        BreakGlassCommand::Show { number, admin } => {
            call(output, &admin, Method::GET, &[BREAK_GLASS, &number.to_string()], None).await
        }
        BreakGlassCommand::End { number, admin } => {
            call(output, &admin, Method::DELETE, &[BREAK_GLASS, &number.to_string()], None).await
        }
        BreakGlassCommand::Review { number, verdict, reason, admin } => {
            let path = [BREAK_GLASS, &number.to_string(), "review"];
            let body = json!({"verdict": verdict, "reason": reason});
            call(output, &admin, Method::POST, &path, Some(body)).await
        }
    }
}

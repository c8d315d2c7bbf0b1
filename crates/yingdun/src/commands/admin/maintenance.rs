//! Maintenance sessions of vendors, and what they open.

use super::call;
use crate::cli::MaintenanceCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const MAINTENANCE: &str = "maintenance";

/// Calls the routes of maintenance sessions.
pub(in crate::commands) async fn maintenance(
    command: MaintenanceCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        MaintenanceCommand::Open { name, scopes, reason, from_ms, minutes, admin } => {
            let mut body = json!({"name": name, "scopes": scopes, "reason": reason, "minutes": minutes});
            if let (Some(from_ms), Some(fields)) = (from_ms, body.as_object_mut()) {
                fields.insert("from_ms".to_owned(), from_ms.into());
            }
            call(output, &admin, Method::POST, &[MAINTENANCE], Some(body)).await
        }
        MaintenanceCommand::Approve { number, admin } => {
            let path = [MAINTENANCE, &number.to_string(), "approval"];
            call(output, &admin, Method::POST, &path, None).await
        }
        MaintenanceCommand::End { number, admin } => {
            call(output, &admin, Method::DELETE, &[MAINTENANCE, &number.to_string()], None).await
        }
        MaintenanceCommand::List { admin } => call(output, &admin, Method::GET, &[MAINTENANCE], None).await,
        MaintenanceCommand::Show { number, admin } => {
            call(output, &admin, Method::GET, &[MAINTENANCE, &number.to_string()], None).await
        }
        MaintenanceCommand::Health { admin } => {
            call(output, &admin, Method::GET, &["system", "health"], None).await
        }
        MaintenanceCommand::Configuration { admin } => {
            call(output, &admin, Method::GET, &["system", "configuration"], None).await
        }
    }
}

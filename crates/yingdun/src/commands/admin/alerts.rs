//! Alerts of the monitor, and lifting what they stopped.

use super::server::Server;
use super::{call, say};
use crate::cli::AlertCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const ALERTS: &str = "alerts";
const REASONS: &str = "reasons";

/// Calls the routes of alerts.
pub(in crate::commands) async fn alerts(
    command: AlertCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        AlertCommand::Alerts { new, admin } => {
            let query = [("new", new.to_string())];
            say(output, &Server::of(&admin)?.ask(Method::GET, &[ALERTS], &query, None).await?)
        }
        AlertCommand::Acknowledge { number, verdict, admin } => {
            let path = [ALERTS, &number.to_string(), "acknowledgement"];
            call(output, &admin, Method::POST, &path, Some(json!({ "verdict": verdict }))).await
        }
        AlertCommand::Freeze { number, reason, admin } => {
            let body = json!({ "reason": reason });
            call(output, &admin, Method::POST, &[ALERTS, &number.to_string(), "freeze"], Some(body)).await
        }
        AlertCommand::Lift { number, admin } => {
            call(output, &admin, Method::POST, &[ALERTS, &number.to_string(), "lift"], None).await
        }
        AlertCommand::Reason { study, code, reason, admin } => {
            let body = json!({ "study": study, "code": code, "reason": reason });
            call(output, &admin, Method::POST, &["me", REASONS], Some(body)).await
        }
        AlertCommand::Reasons { new, admin } => {
            let query = [("new", new.to_string())];
            say(output, &Server::of(&admin)?.ask(Method::GET, &[REASONS], &query, None).await?)
        }
        AlertCommand::ReviewReason { number, verdict, reason, admin } => {
            let body = json!({ "verdict": verdict, "reason": reason });
            call(output, &admin, Method::POST, &[REASONS, &number.to_string(), "review"], Some(body)).await
        }
    }
}

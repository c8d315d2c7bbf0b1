//! Alerts of the monitor, and lifting what they stopped.

use super::server::Server;
use super::{call, say};
use crate::cli::AlertCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const ALERTS: &str = "alerts";

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
        AlertCommand::Lift { number, admin } => {
            call(output, &admin, Method::POST, &[ALERTS, &number.to_string(), "lift"], None).await
        }
    }
}

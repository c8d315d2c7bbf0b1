//! Consultations of remote experts.

use super::call;
use super::destroy::body;
use crate::cli::ConsultationCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const CONSULTATIONS: &str = "consultations";

/// Calls the routes of consultations.
pub(in crate::commands) async fn consultation(
    command: ConsultationCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        ConsultationCommand::Assign { name, target, issuer, reason, minutes, admin } => {
            let more = json!({"name": name, "issuer": issuer, "reason": reason, "minutes": minutes});
            call(output, &admin, Method::POST, &[CONSULTATIONS], Some(body(&target, &more)?)).await
        }
        ConsultationCommand::List { admin } => {
            call(output, &admin, Method::GET, &[CONSULTATIONS], None).await
        }
        ConsultationCommand::Show { number, admin } => {
            call(output, &admin, Method::GET, &[CONSULTATIONS, &number.to_string()], None).await
        }
        ConsultationCommand::Complete { number, admin } => {
            let path = [CONSULTATIONS, &number.to_string(), "completion"];
            call(output, &admin, Method::POST, &path, None).await
        }
        ConsultationCommand::Withdraw { number, admin } => {
            call(output, &admin, Method::DELETE, &[CONSULTATIONS, &number.to_string()], None).await
        }
    }
}

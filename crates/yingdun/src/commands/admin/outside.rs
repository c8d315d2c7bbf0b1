//! Consultations of remote experts, and accounts of patients.

use super::destroy::body;
use super::server::Server;
use super::{call, say, say_page, text_of};
use crate::cli::{ConsultationCommand, PatientAccountCommand};
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const OWN_CONSENTS: &[&str] = &["me", "record", "consents"];
const PATIENT_ACCOUNTS: &str = "patient-accounts";
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

/// Calls the routes of accounts of patients.
pub(in crate::commands) async fn patient_account(
    command: PatientAccountCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        PatientAccountCommand::Bind { name, patient_id_file, issuer, checked, admin } => {
            let patient_id = text_of(&patient_id_file)?;
            let patient_id = patient_id.trim();
            let body = json!({"name": name, "patient_id": patient_id, "issuer": issuer, "checked": checked});
            call(output, &admin, Method::POST, &[PATIENT_ACCOUNTS], Some(body)).await
        }
        PatientAccountCommand::List { admin } => {
            call(output, &admin, Method::GET, &[PATIENT_ACCOUNTS], None).await
        }
        PatientAccountCommand::Unbind { number, admin } => {
            call(output, &admin, Method::DELETE, &[PATIENT_ACCOUNTS, &number.to_string()], None).await
        }
        PatientAccountCommand::Accesses { limit, cursor, admin } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page =
                Server::of(&admin)?.page(Method::GET, &["me", "record", "accesses"], &query, None).await?;
            say_page(output, "accesses", &page)
        }
        PatientAccountCommand::Consents { over, admin } => {
            let query: Vec<_> = over.then(|| ("over", true.to_string())).into_iter().collect();
            say(output, &Server::of(&admin)?.ask(Method::GET, OWN_CONSENTS, &query, None).await?)
        }
        PatientAccountCommand::WithdrawConsent { consent, admin } => {
            let path = [OWN_CONSENTS, &[&consent, "withdraw"]].concat();
            call(output, &admin, Method::POST, &path, None).await
        }
    }
}

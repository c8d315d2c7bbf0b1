//! What patients agree to.

use super::server::Server;
use super::{DAY, call, say, text_of};
use crate::cli::{ConsentArgs, ConsentCommand, ConsentWord, FormWord, GiverWord};
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};
use yingdun_model::{Clock, ConsentForm, ConsentGiver, ConsentKind, SystemClock};

const CONSENTS: &str = "consents";

/// Calls the routes of consents.
pub(in crate::commands) async fn consent(
    command: ConsentCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        ConsentCommand::Enter { consent, admin } => {
            let body = consent_body(&consent)?;
            call(output, &admin, Method::POST, &[CONSENTS], Some(body)).await
        }
        ConsentCommand::List { over, admin } => {
            let query: Vec<_> = over.then(|| ("over", true.to_string())).into_iter().collect();
            say(output, &Server::of(&admin)?.ask(Method::GET, &[CONSENTS], &query, None).await?)
        }
        ConsentCommand::Withdraw { consent, admin } => {
            call(output, &admin, Method::POST, &[CONSENTS, &consent, "withdraw"], None).await
        }
    }
}

// === helpers ===

fn consent_body(consent: &ConsentArgs) -> Result<Value, CommandError> {
    let to = match consent.to {
        ConsentWord::Research => ConsentKind::Research,
        ConsentWord::Sharing => ConsentKind::Sharing,
    };
    let form = match consent.form {
        FormWord::Paper => ConsentForm::Paper,
        FormWord::Electronic => ConsentForm::Electronic,
    };
    let giver = match consent.giver {
        GiverWord::Patient => ConsentGiver::Patient,
        GiverWord::Guardian => ConsentGiver::Guardian,
    };
    let mut body = json!({
        "patient_id": text_of(&consent.patient_id_file)?.trim_end_matches(['\r', '\n']),
        "issuer": consent.issuer,
        "to": to.as_str(),
        "form": form.as_str(),
        "giver": giver.as_str(),
        "reference": consent.reference,
        "unknown": consent.unknown,
    });
    let Some(fields) = body.as_object_mut() else { return Ok(body) };
    if let Some(project) = &consent.project {
        fields.insert("project".to_owned(), json!(project));
    }
    if let Some(days) = consent.days {
        let now = SystemClock.now();
        fields.insert("valid_from_ms".to_owned(), json!(now.as_ms()));
        fields.insert("valid_until_ms".to_owned(), json!(now.after(DAY.saturating_mul(days)).as_ms()));
    }
    Ok(body)
}

//! Destruction: the security administrator asks, the audit administrator approves.

use super::server::Server;
use super::{at, call, plain, rows, say, text_of};
use crate::cli::{DestroyCommand, DestroyTarget};
use crate::commands::{CommandError, Verdict};
use crate::messages::Language;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};

const DESTRUCTIONS: &str = "destructions";

/// Calls the routes of destruction.
pub(in crate::commands) async fn destroy(
    command: DestroyCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        DestroyCommand::Plan { target, admin } => {
            let body = body(&target, &json!({"dry_run": true}))?;
            let plan = Server::of(&admin)?.ask(Method::POST, &[DESTRUCTIONS], &[], Some(body)).await?;
            output.say(&plan, |language| planned(language, &plan))?;
            Ok(Verdict::Good)
        }
        DestroyCommand::Request { target, reason, admin } => {
            let body = body(&target, &json!({"reason": reason}))?;
            let asked = Server::of(&admin)?.ask(Method::POST, &[DESTRUCTIONS], &[], Some(body)).await?;
            output.say(&asked, |language| {
                format!(
                    "{}\n{}",
                    planned(language, &asked),
                    language.destruction_asked(plain(at(&asked, "id")))
                )
            })?;
            Ok(Verdict::Good)
        }
        DestroyCommand::Approve { id, admin } => {
            let path = [DESTRUCTIONS, id.as_str(), "approval"];
            let approved = Server::of(&admin)?.ask(Method::POST, &path, &[], None).await?;
            output.say(&approved, |language| language.destruction_approved(plain(at(&approved, "id"))))?;
            Ok(Verdict::Good)
        }
        DestroyCommand::Withdraw { id, admin } => {
            call(output, &admin, Method::DELETE, &[DESTRUCTIONS, &id], None).await
        }
        DestroyCommand::List { admin } => call(output, &admin, Method::GET, &[DESTRUCTIONS], None).await,
        DestroyCommand::Show { id, admin } => {
            let record = Server::of(&admin)?.ask(Method::GET, &[DESTRUCTIONS, &id], &[], None).await?;
            say(output, &record)
        }
    }
}

// === helpers ===

/// The body that names what is meant.
pub(super) fn body(target: &DestroyTarget, more: &Value) -> Result<Value, CommandError> {
    let mut body = more.clone();
    if let Some(fields) = body.as_object_mut() {
        if let Some(study) = &target.study {
            fields.insert("study".to_owned(), json!(study));
        }
        if let Some(file) = &target.patient_id_file {
            fields.insert("patient_id".to_owned(), json!(text_of(file)?.trim()));
        }
    }
    Ok(body)
}

fn planned(language: Language, plan: &Value) -> String {
    let studies = rows(at(plan, "studies")).count();
    let mut lines =
        vec![language.destruction_planned(studies, plain(at(plan, "instances")), plain(at(plan, "bytes")))];
    let line = |study: &Value| {
        language.destruction_study(
            plain(at(study, "uid")),
            plain(at(study, "instances")),
            plain(at(study, "bytes")),
        )
    };
    lines.extend(rows(at(plan, "studies")).map(line));
    lines.join("\n")
}

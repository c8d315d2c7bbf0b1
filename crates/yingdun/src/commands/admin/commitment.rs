//! Questions for storage commitment that a running server puts to devices: what was asked, and what each device says.

use super::server::Server;
use super::{call, say};
use crate::cli::CommitmentCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// How often a question is looked at while its answer is waited for.
const LOOK: Duration = Duration::from_secs(1);

pub(in crate::commands) async fn commitment(
    command: CommitmentCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        CommitmentCommand::List { admin } => call(output, &admin, Method::GET, &["commitments"], None).await,
        CommitmentCommand::Show { transaction, wait, admin } => {
            let server = Server::of(&admin)?;
            let shown = server.ask(Method::GET, &["commitments", &transaction], &[], None).await?;
            follow(&server, shown, wait, output).await
        }
    }
}

/// Says what is known of a question, at once or when it is over. Bad when it is over and the device does not keep everything.
pub(super) async fn follow(
    server: &Server,
    mut question: Value,
    wait: bool,
    output: Output,
) -> Result<Verdict, CommandError> {
    let is_open = |question: &Value| {
        matches!(question.get("state").and_then(Value::as_str), Some("asking" | "waiting"))
    };
    while wait && is_open(&question) {
        tokio::time::sleep(LOOK).await;
        let transaction = question.get("transaction").and_then(Value::as_str).unwrap_or_default().to_owned();
        question = server.ask(Method::GET, &["commitments", &transaction], &[], None).await?;
    }
    say(output, &question)?;
    let is_kept = question.get("committed") == question.get("total");
    Ok(Verdict::of(is_kept || is_open(&question)))
}

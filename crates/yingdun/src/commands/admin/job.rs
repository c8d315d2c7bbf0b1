//! Jobs of a running server: what was begun, how far it is, and its end.

use super::server::Server;
use super::{call, say};
use crate::cli::JobCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// How often a job is looked at while its end is waited for.
const LOOK: Duration = Duration::from_secs(1);

pub(in crate::commands) async fn job(command: JobCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        JobCommand::List { admin } => call(output, &admin, Method::GET, &["jobs"], None).await,
        JobCommand::Show { job, wait, admin } => {
            let server = Server::of(&admin)?;
            let shown = server.ask(Method::GET, &["jobs", &job], &[], None).await?;
            follow(&server, shown, wait, output).await
        }
        JobCommand::Cancel { job, admin } => {
            call(output, &admin, Method::DELETE, &["jobs", &job], None).await
        }
    }
}

/// Says how far a job is, at once or when it has ended. Bad when something of it failed or was left out by then.
pub(super) async fn follow(
    server: &Server,
    mut job: Value,
    wait: bool,
    output: Output,
) -> Result<Verdict, CommandError> {
    while wait && job.get("state").and_then(Value::as_str) == Some("running") {
        tokio::time::sleep(LOOK).await;
        let id = job.get("job").and_then(Value::as_str).unwrap_or_default().to_owned();
        job = server.ask(Method::GET, &["jobs", &id], &[], None).await?;
    }
    say(output, &job)?;
    let is_ended_badly =
        matches!(job.get("state").and_then(Value::as_str), Some("cancelled" | "failed" | "interrupted"))
            || job.get("failed").and_then(Value::as_u64) != Some(0);
    Ok(Verdict::of(!is_ended_badly))
}

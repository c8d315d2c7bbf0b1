//! `second-factor` and `session`: what a person does about the own account, and officers about that of others.

use super::server::Server;
use super::{at, call, password, plain, rows};
use crate::cli::{CodeArgs, SecondFactorCommand, SessionCommand};
use crate::commands::{CommandError, Verdict};
use crate::messages::Language;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};

const SECOND_FACTOR: &str = "second-factor";

/// Calls the routes of second factors.
pub(in crate::commands) async fn second_factor(
    command: SecondFactorCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        SecondFactorCommand::Status { admin } => {
            call(output, &admin, Method::GET, &["me", SECOND_FACTOR], None).await
        }
        SecondFactorCommand::Enrol { password_file, admin } => {
            let password = password::read(password_file.as_deref(), output, Language::password_wanted)?;
            let body = json!({"password": password.expose()});
            let path = ["me", SECOND_FACTOR];
            let made = Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?;
            output.say(&made, |language| {
                language.second_factor_begun(plain(at(&made, "secret")), plain(at(&made, "uri")))
            })?;
            Ok(Verdict::Good)
        }
        SecondFactorCommand::Confirm(args) => shown_codes(&args, "confirmation", output).await,
        SecondFactorCommand::RecoveryCodes(args) => shown_codes(&args, "recovery-codes", output).await,
        SecondFactorCommand::Prove(args) => {
            let proved = send(&args, "proof", output).await?;
            output.say(&proved, |language| language.done())?;
            Ok(Verdict::Good)
        }
        SecondFactorCommand::Remove(args) => {
            let removed = send(&args, "removal", output).await?;
            output.say(&removed, |language| language.done())?;
            Ok(Verdict::Good)
        }
        SecondFactorCommand::Reset { name, admin } => {
            call(output, &admin, Method::DELETE, &["people", &name, SECOND_FACTOR], None).await
        }
    }
}

/// Calls the routes of sessions.
pub(in crate::commands) async fn session(
    command: SessionCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    let (method, of, session, admin) = match command {
        SessionCommand::List { name, admin } => (Method::GET, name, None, admin),
        SessionCommand::End { session, of, admin } => (Method::DELETE, of, Some(session), admin),
    };
    let mut path = match &of {
        Some(name) => vec!["people", name, "sessions"],
        None => vec!["me", "sessions"],
    };
    path.extend(session.as_deref());
    call(output, &admin, method, &path, None).await
}

// === helpers ===

/// Sends a code for recovery codes, and shows them.
async fn shown_codes(args: &CodeArgs, step: &str, output: Output) -> Result<Verdict, CommandError> {
    let answer = send(args, step, output).await?;
    output.say(&answer, |language| {
        let codes: Vec<String> = rows(at(&answer, "recovery_codes")).map(plain).collect();
        language.recovery_codes(codes.join("\n"))
    })?;
    Ok(Verdict::Good)
}

/// Sends a code.
async fn send(args: &CodeArgs, step: &str, output: Output) -> Result<Value, CommandError> {
    let code = password::read(args.code_file.as_deref(), output, Language::code_wanted)?;
    let body = json!({"code": code.expose()});
    let path = ["me", SECOND_FACTOR, step];
    Ok(Server::of(&args.admin)?.ask(Method::POST, &path, &[], Some(body)).await?)
}

//! Legal holds: the audit administrator places them and asks for their release, the security administrator approves that.

use super::destroy::body;
use super::server::Server;
use super::{at, call, plain, say};
use crate::cli::HoldCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;

const HOLDS: &str = "holds";

/// Calls the routes of legal holds.
pub(in crate::commands) async fn hold(command: HoldCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        HoldCommand::Place { target, reason, admin } => {
            let body = body(&target, &json!({"reason": reason}))?;
            let placed = Server::of(&admin)?.ask(Method::POST, &[HOLDS], &[], Some(body)).await?;
            output.say(&placed, |language| language.hold_placed(plain(at(&placed, "id"))))?;
            Ok(Verdict::Good)
        }
        HoldCommand::Release { id, reason, admin } => {
            let (path, body) = ([HOLDS, id.as_str(), "release"], json!({"reason": reason}));
            let asked = Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?;
            output.say(&asked, |language| language.release_asked(plain(at(&asked, "id"))))?;
            Ok(Verdict::Good)
        }
        HoldCommand::Approve { id, admin } => {
            let path = [HOLDS, id.as_str(), "release", "approval"];
            let released = Server::of(&admin)?.ask(Method::POST, &path, &[], None).await?;
            output.say(&released, |language| language.hold_released(plain(at(&released, "id"))))?;
            Ok(Verdict::Good)
        }
        HoldCommand::Withdraw { id, admin } => {
            call(output, &admin, Method::DELETE, &[HOLDS, &id, "release"], None).await
        }
        HoldCommand::List { admin } => call(output, &admin, Method::GET, &[HOLDS], None).await,
        HoldCommand::Show { id, admin } => {
            let hold = Server::of(&admin)?.ask(Method::GET, &[HOLDS, &id], &[], None).await?;
            say(output, &hold)
        }
    }
}

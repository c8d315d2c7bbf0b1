//! Administration of a running server over HTTPS. Every command is one or two calls of the administration API; who
//! may do what is decided there, by the role of the token.

mod alerts;
mod commitment;
mod consents;
mod departments;
mod destroy;
mod device;
mod grants;
mod hold;
mod job;
mod keys;
mod leaks;
mod maintenance;
mod outside;
mod password;
mod policy;
mod programs;
mod second_factor;
mod server;
mod sign_in;
mod storage;

pub(super) use alerts::alerts;
pub(super) use commitment::commitment;
pub(super) use consents::consent;
pub(super) use departments::{department, dissent};
pub(super) use destroy::destroy;
pub(super) use device::device;
pub(super) use grants::{break_glass, grant};
pub(super) use hold::hold;
pub(super) use job::job;
pub(super) use keys::{forget_node, keys, node_epochs, seal, unseal};
pub(super) use leaks::leak;
pub(super) use maintenance::maintenance;
pub(super) use outside::{consultation, patient_account};
pub(super) use policy::{access, policy};
pub(super) use second_factor::{second_factor, session};
pub(crate) use server::{AdminClientError, https_client};
pub(super) use sign_in::{accept_invitation, change_password, login};
pub(super) use storage::{compact, replica, scrub};

use super::{CommandError, Verdict};
use crate::cli::{
    AdminArgs, CareArgs, CareRelationCommand, ClientCommand, EventsArgs, InvitationCommand, PersonCommand,
    RoleCommand, WorklistCommand,
};
use crate::messages::Language;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};
use server::{Page, Server};
use std::path::Path;
use std::time::Duration;
use yingdun_audit::render::rfc3339;
use yingdun_model::{Clock, SystemClock, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn person(command: PersonCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        PersonCommand::Add { name, admin } => {
            call(output, &admin, Method::POST, &["people"], Some(json!({"name": name}))).await
        }
        PersonCommand::List { admin } => call(output, &admin, Method::GET, &["people"], None).await,
        PersonCommand::Disable { name, enable, admin } => {
            let body = json!({"disabled": !enable});
            call(output, &admin, Method::PATCH, &["people", &name], Some(body)).await
        }
        PersonCommand::Bind { name, subject_file, directory, admin } => {
            let mut body = json!({"subject": text_of(&subject_file)?.trim_end_matches(['\r', '\n'])});
            if let (Some(directory), Some(fields)) = (directory, body.as_object_mut()) {
                fields.insert("directory".to_owned(), directory.into());
            }
            call(output, &admin, Method::PUT, &["people", &name, "identity"], Some(body)).await
        }
        PersonCommand::Unbind { name, admin } => {
            call(output, &admin, Method::DELETE, &["people", &name, "identity"], None).await
        }
    }
}

pub(super) async fn invitation(command: InvitationCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        InvitationCommand::Create { name, admin } => {
            call(output, &admin, Method::POST, &["people", &name, "invitation"], None).await
        }
        InvitationCommand::Accept { link, password_file, server } => {
            accept_invitation(&link, password_file.as_deref(), &server, output).await
        }
    }
}

pub(super) async fn role(command: RoleCommand, output: Output) -> Result<Verdict, CommandError> {
    let (method, name, role, admin) = match command {
        RoleCommand::Grant { name, role, admin } => (Method::PUT, name, role, admin),
        RoleCommand::Revoke { name, role, admin } => (Method::DELETE, name, role, admin),
    };
    call(output, &admin, method, &["people", &name, "roles", &role], None).await
}

pub(super) async fn care_relation(
    command: CareRelationCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        CareRelationCommand::Add { care, days } => {
            let now = SystemClock.now();
            let body = json!({
                "name": care.name,
                "patient_id": patient_id(&care)?,
                "issuer": care.issuer,
                "valid_from_ms": now.as_ms(),
                "valid_until_ms": now.after(DAY.saturating_mul(days)).as_ms(),
            });
            call(output, &care.admin, Method::PUT, &["care-relations"], Some(body)).await
        }
        CareRelationCommand::End { care } => {
            let body = json!({"name": care.name, "patient_id": patient_id(&care)?, "issuer": care.issuer});
            call(output, &care.admin, Method::POST, &["care-relations", "end"], Some(body)).await
        }
    }
}

pub(super) async fn client(command: ClientCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        ClientCommand::Add { client_id, admin } => {
            call(output, &admin, Method::POST, &["clients"], Some(json!({"client_id": client_id}))).await
        }
        ClientCommand::Grant { client_id, scopes, admin } => {
            let body = json!({"scopes": scopes});
            call(output, &admin, Method::PUT, &["clients", &client_id, "scopes"], Some(body)).await
        }
        ClientCommand::Credential(command) => programs::credential(command, output).await,
        ClientCommand::Demand { client_id, demands, admin } => {
            let body = json!({"demands": demands});
            call(output, &admin, Method::PUT, &["clients", &client_id, "demands"], Some(body)).await
        }
        ClientCommand::List { admin } => call(output, &admin, Method::GET, &["clients"], None).await,
        ClientCommand::Disable { client_id, enable, admin } => {
            let body = json!({"disabled": !enable});
            call(output, &admin, Method::PATCH, &["clients", &client_id], Some(body)).await
        }
    }
}

pub(super) async fn worklist(command: WorklistCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        WorklistCommand::Add { file, admin } => {
            let item = serde_json::from_str(&text_of(&file)?)
                .map_err(|error| CommandError::Usage(format!("`{}` is not JSON: {error}", file.display())))?;
            call(output, &admin, Method::POST, &["worklist"], Some(item)).await
        }
        WorklistCommand::List { state, from, until, limit, admin } => {
            let mut query = vec![("state", state), ("limit", limit.to_string())];
            query.extend(from.map(|day| ("from", day)));
            query.extend(until.map(|day| ("until", day)));
            say(output, &Server::of(&admin)?.ask(Method::GET, &["worklist"], &query, None).await?)
        }
        WorklistCommand::Cancel { step, admin } => {
            call(output, &admin, Method::DELETE, &["worklist", &step], None).await
        }
    }
}

pub(super) async fn performed_steps(
    conditions: &[(&'static str, Option<String>)],
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    ask(&["performed-steps"], conditions, admin, output).await
}

pub(super) async fn performed_step(
    step: &str,
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    call(output, admin, Method::GET, &["performed-steps", step], None).await
}

pub(super) async fn events(args: EventsArgs, output: Output) -> Result<Verdict, CommandError> {
    let query = [("after", args.after.to_string()), ("wait", args.wait.to_string())];
    let answer = Server::of(&args.admin)?.ask(Method::GET, &["events"], &query, None).await?;
    say(output, answer.get("events").unwrap_or(&Value::Null))
}

pub(super) async fn conflicts(admin: &AdminArgs, output: Output) -> Result<Verdict, CommandError> {
    call(output, admin, Method::GET, &["conflicts"], None).await
}

pub(super) async fn audit_tail(
    count: u64,
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let query = [("count", count.to_string())];
    say(output, &Server::of(admin)?.ask(Method::GET, &["audit", "tail"], &query, None).await?)
}

pub(super) async fn audit_search(
    conditions: &[(&'static str, Option<String>)],
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let query: Vec<(&str, String)> =
        conditions.iter().filter_map(|(name, value)| Some((*name, value.clone()?))).collect();
    let page = Server::of(admin)?.page(Method::GET, &["audit", "search"], &query, None).await?;
    say_page(output, "leaves", &page)
}

pub(super) async fn audit_accesses(
    body: Value,
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let page = Server::of(admin)?.page(Method::POST, &["audit", "accesses"], &[], Some(body)).await?;
    say_page(output, "accesses", &page)
}

pub(super) async fn audit_reviews(
    sample: Option<String>,
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    ask(&["audit", "reviews"], &[("sample", sample)], admin, output).await
}

pub(super) async fn audit_bundle(body: Value, admin: &AdminArgs) -> Result<Value, CommandError> {
    Ok(Server::of(admin)?.ask(Method::POST, &["audit", "bundle"], &[], Some(body)).await?)
}

// === helpers ===

/// Asks a route under the conditions that are set, and says its answer.
async fn ask(
    path: &[&str],
    conditions: &[(&'static str, Option<String>)],
    admin: &AdminArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let query: Vec<(&str, String)> =
        conditions.iter().filter_map(|(name, value)| Some((*name, value.clone()?))).collect();
    say(output, &Server::of(admin)?.ask(Method::GET, path, &query, None).await?)
}

/// A page as JSON with what stands beside it; or for people, rows and a line about the rest.
fn say_page(output: Output, name: &str, page: &Page) -> Result<Verdict, CommandError> {
    let at_least = page.count.as_deref().and_then(|count| count.strip_prefix("at least "));
    let count = at_least.or(page.count.as_deref()).and_then(|count| count.parse::<u64>().ok());
    let mut document = json!({
        name: page.rows,
        "count": count,
        "count_is_exact": count.map(|_| at_least.is_none()),
        "next": page.next,
        "log": page.log,
        "logs": page.logs,
        "whole": page.whole,
        "logs_read": page.logs_read,
        "logs_missing": page.logs_missing,
    });
    if let (Some(fields), Some(known)) = (document.as_object_mut(), page.known) {
        fields.insert("known".to_owned(), Value::from(known));
    }
    output.say(&document, |language| {
        let mut lines: Vec<String> = rows(&page.rows).map(row).collect();
        if lines.is_empty() {
            lines.push(nothing_on(page, language));
        }
        if let Some(next) = &page.next {
            lines.extend(count.map(|count| match at_least {
                None => language.leaves_in_all(count),
                Some(_) => language.leaves_at_least(count),
            }));
            lines.push(language.more_leaves(next));
        }
        lines.extend(missing_of(page, language));
        lines.join("\n")
    })?;
    Ok(Verdict::Good)
}

/// What is said of the logs that are not in an answer, and when to come again.
fn missing_of(page: &Page, language: Language) -> Vec<String> {
    if page.whole != Some(false) {
        return Vec::new();
    }
    let missing = rows(&page.logs_missing).map(|missing| {
        let (log, why) = (plain(at(missing, "log")), plain(at(missing, "why")));
        match at(missing, "last_seen_ms").as_i64() {
            Some(seen) => language.log_missing_since(log, why, rfc3339(Timestamp::from_ms(seen))),
            None => language.log_missing(log, why),
        }
    });
    std::iter::once(language.not_whole()).chain(missing).collect()
}

/// What an empty page says: nothing is there, nothing was found so far, or it is not known who was meant.
fn nothing_on(page: &Page, language: Language) -> String {
    match (&page.next, page.known) {
        (Some(_), _) => language.no_such_leaves_yet(),
        (None, _) if page.whole == Some(false) => language.no_such_leaves_in_these_logs(),
        (None, Some(false)) => format!("{}\n{}", language.no_such_leaves(), language.nobody_known()),
        (None, _) => language.no_such_leaves(),
    }
}

/// Calls a route and says its answer.
async fn call(
    output: Output,
    admin: &AdminArgs,
    method: Method,
    path: &[&str],
    body: Option<Value>,
) -> Result<Verdict, CommandError> {
    say(output, &Server::of(admin)?.ask(method, path, &[], body).await?)
}

/// The answer as JSON, or a line per row for people.
fn say(output: Output, answer: &Value) -> Result<Verdict, CommandError> {
    output.say(answer, |language| match answer {
        Value::Null => language.done(),
        Value::Array(rows) if rows.is_empty() => language.nothing_found(),
        Value::Array(rows) => rows.iter().map(row).collect::<Vec<_>>().join("\n"),
        other => row(other),
    })?;
    Ok(Verdict::Good)
}

fn row(value: &Value) -> String {
    let Value::Object(fields) = value else { return plain(value) };
    let shown: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
    shown.join("  ")
}

/// A field of an answer.
fn at<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// The rows of an answer.
fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn patient_id(care: &CareArgs) -> Result<String, CommandError> {
    Ok(text_of(&care.patient_id_file)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// The text of a file, or of standard input.
pub(super) fn text_of(path: &Path) -> Result<String, CommandError> {
    if path == Path::new("-") {
        return Ok(std::io::read_to_string(std::io::stdin())?);
    }
    std::fs::read_to_string(path).map_err(|cause| CommandError::File { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_does_not_say_that_there_is_nothing_where_the_search_ended_at_a_bound() {
        let page = |next: Option<&str>, known| Page {
            rows: json!([]),
            count: None,
            next: next.map(str::to_owned),
            log: None,
            logs: None,
            whole: None,
            logs_read: json!([]),
            logs_missing: json!([]),
            known,
        };
        let language = Language::English;
        let nothing = language.no_such_leaves();
        assert_eq!(nothing_on(&page(None, None), language), nothing);
        assert_eq!(nothing_on(&page(None, Some(true)), language), nothing);
        assert!(!nothing_on(&page(Some("before-7-in-0011223344556677"), None), language).contains(&nothing));
        assert!(nothing_on(&page(None, Some(false)), language).contains("--issuer"));
    }
}

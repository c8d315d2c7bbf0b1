//! Keys and the seal: the office of the security administrator, and of those who keep shares.

use super::server::Server;
use super::{at, call, password, plain, rows};
use crate::cli::{AdminArgs, KeyWorkCommand, NodesCommand, UnsealArgs};
use crate::commands::{CommandError, Verdict};
use crate::messages::Language;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};

/// Calls the routes of keys.
pub(in crate::commands) async fn keys(
    command: KeyWorkCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        KeyWorkCommand::Status { admin } => {
            let status = Server::of(&admin)?.ask(Method::GET, &["keys"], &[], None).await?;
            output.say(&status, |language| shown(language, &status))?;
            Ok(Verdict::Good)
        }
        KeyWorkCommand::Rotate { grade, dry_run, admin } => {
            let body = json!({"grade": grade, "dry_run": dry_run});
            let answer =
                Server::of(&admin)?.ask(Method::POST, &["keys", "rotation"], &[], Some(body)).await?;
            output.say(&answer, |language| rotated(language, &answer, dry_run))?;
            Ok(Verdict::Good)
        }
        KeyWorkCommand::Rewrap { stop: true, admin, .. } => {
            call(output, &admin, Method::DELETE, &["keys", "rewrap"], None).await
        }
        KeyWorkCommand::Rewrap { stop: false, dry_run, admin } => {
            let body = json!({"dry_run": dry_run});
            let answer = Server::of(&admin)?.ask(Method::POST, &["keys", "rewrap"], &[], Some(body)).await?;
            output.say(&answer, |language| outlook(language, &answer, dry_run))?;
            Ok(Verdict::Good)
        }
    }
}

/// Shows the nodes, or forgets one.
pub(in crate::commands) async fn nodes(
    command: NodesCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    match command {
        NodesCommand::List { admin } => {
            let status = Server::of(&admin)?.ask(Method::GET, &["keys"], &[], None).await?;
            let shown = json!({"epoch": at(&status, "epoch"), "nodes": at(&status, "nodes")});
            output.say(&shown, |language| {
                rows(at(&shown, "nodes")).map(|row| node(language, row)).collect::<Vec<_>>().join("\n")
            })?;
            let keeps = rows(at(&shown, "nodes")).any(|row| at(row, "keeps_old_epoch") == true);
            Ok(Verdict::of(!keeps))
        }
        NodesCommand::Forget { name, disk_destroyed, admin } => {
            let body = json!({"name": name, "dry_run": !disk_destroyed});
            let path = ["keys", "nodes", "forgotten"];
            let answer = Server::of(&admin)?.ask(Method::POST, &path, &[], Some(body)).await?;
            output.say(&answer, |language| match disk_destroyed {
                true => language.node_forgotten(&name),
                false => language.would_forget_node(&name),
            })?;
            Ok(Verdict::Good)
        }
    }
}

/// Gives a share to a sealed archive. Nobody can sign in there; the share itself is the proof.
pub(in crate::commands) async fn unseal(args: UnsealArgs, output: Output) -> Result<Verdict, CommandError> {
    let share = password::read(args.share_file.as_deref(), output, Language::share_wanted)?;
    let body = json!({"share": share.expose()});
    let answer =
        Server::anonymous(&args.server)?.ask(Method::POST, &["seal", "shares"], &[], Some(body)).await?;
    output.say(&answer, |language| {
        language.share_taken(plain(at(&answer, "shares_given")), plain(at(&answer, "shares_needed")))
    })?;
    Ok(Verdict::Good)
}

/// Seals a running archive.
pub(in crate::commands) async fn seal(admin: &AdminArgs, output: Output) -> Result<Verdict, CommandError> {
    call(output, admin, Method::POST, &["seal"], None).await
}

// === helpers ===

fn shown(language: Language, status: &Value) -> String {
    let mut lines = vec![language.keys_held(
        plain(at(status, "patients")),
        plain(at(status, "studies")),
        plain(at(status, "rotate_after_days")),
    )];
    lines.extend(rows(at(status, "keks")).map(|kek| version(language, kek)));
    lines.extend(
        rows(at(status, "nodes"))
            .filter(|row| at(row, "keeps_old_epoch") == true)
            .map(|row| node(language, row)),
    );
    let (job, left) = (at(status, "rewrap"), plain(at(status, "keys_left")));
    lines.push(if job.is_null() {
        language.rewrap_never(left)
    } else {
        language.rewrap_progress(
            plain(at(job, "state")),
            plain(at(job, "keys_done")),
            left,
            figure(at(job, "keys_per_second")),
            figure(at(job, "seconds_left")),
        )
    });
    lines.join("\n")
}

/// A node and its epoch file.
fn node(language: Language, row: &Value) -> String {
    let name = plain(at(row, "name"));
    if !at(row, "gone_ms").is_null() {
        return language.node_gone(name);
    }
    let (oldest, newest) = (figure(at(row, "oldest_epoch")), figure(at(row, "newest_epoch")));
    if at(row, "keeps_old_epoch") == true {
        language.node_keeps_old_epoch(name, oldest)
    } else {
        language.node_has_epoch(name, newest)
    }
}

fn rotated(language: Language, answer: &Value, dry_run: bool) -> String {
    let line = |row: &Value| {
        let (grade, suite) = (plain(at(row, "grade")), plain(at(row, "suite")));
        let (before, version) = (plain(at(row, "version_before")), plain(at(row, "version")));
        if dry_run {
            language.kek_would_rotate(grade, suite, before, version)
        } else {
            language.kek_rotated(grade, suite, before, version)
        }
    };
    rows(at(answer, "rotated")).map(line).collect::<Vec<_>>().join("\n")
}

fn outlook(language: Language, answer: &Value, dry_run: bool) -> String {
    let left = plain(at(answer, "keys_left"));
    let mut lines = vec![if dry_run { language.would_rewrap(left) } else { language.rewrap_begun(left) }];
    lines.extend(rows(at(answer, "destroys")).map(|kek| version(language, kek)));
    lines.join("\n")
}

fn version(language: Language, kek: &Value) -> String {
    language.kek(
        plain(at(kek, "grade")),
        plain(at(kek, "suite")),
        plain(at(kek, "version")),
        plain(at(kek, "state")),
        plain(at(kek, "keys")),
        plain(at(kek, "uses")),
    )
}

/// A figure that there may not be.
fn figure(value: &Value) -> String {
    if value.is_null() { "–".to_owned() } else { plain(value) }
}

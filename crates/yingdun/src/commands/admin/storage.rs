//! Work on the replicas of a running archive: what is being checked, and how a disk is changed.

use super::server::Server;
use super::{at, plain};
use crate::cli::{CompactCommand, ReplicaCommand, ScrubArgs};
use crate::commands::progress::show_line;
use crate::commands::restore::restore;
use crate::commands::{CommandError, Verdict};
use crate::installation::rfc3339;
use crate::messages::Language;
use crate::output::Output;
use reqwest::Method;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;
use yingdun_model::Timestamp;

const MEBIBYTE: u64 = 1 << 20;

/// Where a compaction is asked for.
const COMPACTION: &[&str] = &["system", "compaction"];

/// How often somebody who waits for a compaction asks.
const COMPACTION_LOOK: Duration = Duration::from_millis(500);

/// Bad when a record has no good copy any more.
pub(in crate::commands) async fn scrub(args: ScrubArgs, output: Output) -> Result<Verdict, CommandError> {
    let method = if args.now { Method::POST } else { Method::GET };
    let answer = Server::of(&args.admin)?.ask(method, &["system", "scrub"], &[], None).await?;
    let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    output.say(&answer, |language| {
        let rows = rows.iter().map(|row| scrub_words(language, row));
        rows.collect::<Vec<_>>().join("\n")
    })?;
    let is_lost = |row: &Value| {
        let lost = |at: &str| row.pointer(at).and_then(Value::as_u64);
        lost("/scrub/lost").max(lost("/scrub/last/lost")) > Some(0)
    };
    Ok(Verdict::of(!rows.iter().any(is_lost)))
}

/// Bad when a replica takes no writes for a reason that nobody wanted, or lags off-site, or too few take writes.
pub(in crate::commands) async fn replica(
    command: ReplicaCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    let (method, path, admin) = match &command {
        ReplicaCommand::List { admin } => (Method::GET, vec!["system", "replicas"], admin),
        ReplicaCommand::Drain { label, admin } => {
            (Method::POST, vec!["system", "replicas", label.as_str(), "drain"], admin)
        }
        ReplicaCommand::Restore(args) => return restore(args, output).await,
        ReplicaCommand::Replace { label, admin } => {
            (Method::POST, vec!["system", "replicas", label.as_str(), "replace"], admin)
        }
    };
    let server = Server::of(admin)?;
    let answer = server.ask(method, &path, &[], None).await?;
    let status = server.ask(Method::GET, &["system", "status"], &[], None).await?;
    let store = at(&status, "storage");
    let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    output.say(&answer, |language| {
        let rows = rows.iter().map(|row| replica_words(language, row, rows));
        rows.chain(quorum_words(language, store)).collect::<Vec<_>>().join("\n")
    })?;
    let well = |row: &Value| {
        let out = matches!(row["state"].as_str(), Some("full" | "missing" | "failed" | "unreachable") | None);
        !out && row["behind"] != true
    };
    Ok(Verdict::of(rows.iter().all(well) && store["short_of"].is_null()))
}

/// Bad when it ended before it was through, or a pack that was to be removed could not be.
pub(in crate::commands) async fn compact(
    command: CompactCommand,
    output: Output,
) -> Result<Verdict, CommandError> {
    let (admin, asked) = match &command {
        CompactCommand::Plan { share, admin } => (admin, Some((true, share.dead_percent))),
        CompactCommand::Run { share, admin } => (admin, Some((false, share.dead_percent))),
        CompactCommand::Status { admin } => (admin, None),
    };
    let server = Server::of(admin)?;
    let told = match asked {
        None => server.ask(Method::GET, COMPACTION, &[], None).await?,
        Some((dry_run, dead_percent)) => {
            let body = json!({"dry_run": dry_run, "dead_percent": dead_percent});
            let begun = server.ask(Method::POST, COMPACTION, &[], Some(body)).await?;
            let latest = RefCell::new(begun);
            let language = output.language();
            let line = |_| compaction_words(language, &latest.borrow());
            show_line(line, until_through(&server, &latest)).await?;
            latest.into_inner()
        }
    };
    output.say(&told, |language| compaction_words(language, &told))?;
    let runs = asked.is_some_and(|(dry_run, _)| !dry_run);
    let kept = runs && at(&told, "kept").as_array().is_none_or(|kept| !kept.is_empty());
    Ok(Verdict::of(at(&told, "failure").is_null() && !kept))
}

/// Asks until the compaction rests.
async fn until_through(server: &Server, latest: &RefCell<Value>) -> Result<(), CommandError> {
    loop {
        let told = server.ask(Method::GET, COMPACTION, &[], None).await?;
        let running = at(&told, "state") == "running";
        *latest.borrow_mut() = told;
        if !running {
            return Ok(());
        }
        tokio::time::sleep(COMPACTION_LOOK).await;
    }
}

// === words ===

/// What a compaction does or did.
fn compaction_words(language: Language, told: &Value) -> String {
    let number = |name: &str| told[name].as_u64().unwrap_or(0);
    if told["begun_ms"].is_null() {
        return language.compaction_never();
    }
    let mut lines = vec![language.compaction_found(
        number("packs_seen"),
        number("dead_bytes").div_ceil(MEBIBYTE),
        number("dead_packs"),
        number("dead_packs_bytes").div_ceil(MEBIBYTE),
    )];
    if number("sparse_packs") > 0 {
        lines.push(language.compaction_sparse(
            number("sparse_packs"),
            number("dead_percent"),
            number("sparse_packs_bytes").div_ceil(MEBIBYTE),
        ));
    }
    if told["state"] == "running" {
        lines.push(language.compaction_running(number("packs_left")));
    }
    if told["dry_run"] == false {
        if number("rewritten_packs") > 0 {
            lines.push(
                language.compaction_rewritten(
                    number("rewritten_packs"),
                    number("copied_bytes").div_ceil(MEBIBYTE),
                ),
            );
        }
        lines.push(
            language.compaction_removed(number("removed_packs"), number("removed_bytes").div_ceil(MEBIBYTE)),
        );
    }
    for text in [&told["waits_for"], &told["failure"]] {
        lines.extend(text.as_str().map(|text| format!("    {text}")));
    }
    for kept in told["kept"].as_array().into_iter().flatten() {
        lines.push(language.compaction_kept(plain(&kept["pack"]), plain(&kept["why"])));
    }
    lines.join("\n")
}

/// One replica: its state, what it lacks, and with which others it is lost.
fn replica_words(language: Language, row: &Value, all: &[Value]) -> String {
    let number = |name: &str| row[name].as_u64().unwrap_or(0);
    if row["mode"] == "async" {
        return offsite_words(language, row);
    }
    let mut lines = vec![language.replica_line(
        plain(&row["label"]),
        plain(&row["state"]),
        number("packs"),
        number("bytes") / MEBIBYTE,
        number("free_bytes") / MEBIBYTE,
    )];
    if let Some(reason) = row["reason"].as_str() {
        lines.push(format!("    {reason}"));
    }
    match row["state"].as_str() {
        Some("draining") => lines.push(language.replica_needed(number("needed_packs"))),
        Some("drained") => lines.push(language.replica_spared()),
        _ if number("awaiting_repair") > 0 => {
            let (have, left) = (number("bytes"), number("bytes_awaiting_repair"));
            let percent = have.saturating_mul(100).checked_div(have.saturating_add(left)).unwrap_or(0);
            lines.push(language.replica_filling(percent, number("awaiting_repair"), left / MEBIBYTE));
        }
        _ => {}
    }
    let label = |index: &Value| {
        let index = usize::try_from(index.as_u64()?).ok()?;
        Some(plain(&all.get(index)?["label"]))
    };
    let shared: Vec<String> =
        row["same_device_as"].as_array().into_iter().flatten().filter_map(label).collect();
    if !shared.is_empty() {
        lines.push(language.replica_shares(shared.join(", ")));
    }
    lines.join("\n")
}

/// In which failure domains replicas take writes, where several are asked for; and what writes lack.
fn quorum_words(language: Language, store: &Value) -> Vec<String> {
    let number = |name: &str| store[name].as_u64().unwrap_or(0);
    let mut lines = Vec::new();
    if number("write_domains") > 1 {
        let domains = store["domains"].as_array().into_iter().flatten();
        let (able, out): (Vec<_>, Vec<_>) = domains.partition(|domain| domain["writable"] == true);
        let names =
            |of: Vec<&Value>| of.into_iter().map(|of| plain(&of["name"])).collect::<Vec<_>>().join(", ");
        lines.push(language.write_domains(number("write_quorum"), number("write_domains"), names(able)));
        if !out.is_empty() {
            lines.push(language.domains_out(names(out)));
        }
    }
    lines.extend(store["short_of"].as_str().map(|why| language.no_writes(why)));
    lines
}

/// One off-site replica: whether it answers, and what is not there yet.
fn offsite_words(language: Language, row: &Value) -> String {
    let number = |name: &str| row[name].as_u64().unwrap_or(0);
    let (label, state, address) = (plain(&row["label"]), plain(&row["state"]), plain(&row["address"]));
    let mut lines =
        vec![language.offsite_line(label, state, number("packs"), number("bytes") / MEBIBYTE, address)];
    if let Some(reason) = row["reason"].as_str() {
        lines.push(format!("    {reason}"));
    }
    let (packs, seconds) = (number("lag_packs"), number("lag_seconds"));
    if packs > 0 {
        lines.push(language.offsite_lag(packs, number("lag_bytes").div_ceil(MEBIBYTE), seconds));
    } else {
        lines.push(language.offsite_current());
    }
    if row["behind"] == true {
        lines.push(language.offsite_behind(number("lag_limit_seconds") / 60));
    }
    if number("unknown_packs") > 0 {
        lines.push(language.offsite_unknown(number("unknown_packs")));
    }
    lines.join("\n")
}

/// One replica: how far its pass is, and what the last full one found.
fn scrub_words(language: Language, row: &Value) -> String {
    let (label, scrub) = (plain(&row["label"]), &row["scrub"]);
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
    let now = if scrub["state"] == "running" {
        let (done, left) = (number(scrub, "checked_bytes"), number(scrub, "bytes_left"));
        let percent = done.saturating_mul(100).checked_div(done.saturating_add(left)).unwrap_or(0);
        language.scrub_running(
            &label,
            percent,
            done / MEBIBYTE,
            left / MEBIBYTE,
            number(scrub, "found"),
            number(scrub, "lost"),
        )
    } else {
        language.scrub_resting(&label)
    };
    let last = match &scrub["last"] {
        Value::Null => language.scrub_never(),
        last => language.scrub_last(
            rfc3339(Timestamp::from_ms(last["ended_ms"].as_i64().unwrap_or(0))),
            number(last, "records"),
            number(last, "bytes") / MEBIBYTE,
            number(last, "found"),
            number(last, "lost"),
        ),
    };
    format!("{now}\n{last}")
}

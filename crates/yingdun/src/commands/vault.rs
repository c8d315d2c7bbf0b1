//! `vault`: a second home for an archive, on another host.

mod disc;
mod restore;

use super::{CommandError, Verdict, progress, server_link};
use crate::cli::{ServerArgs, VaultCommand, VaultInitArgs};
use crate::installation::rfc3339;
use crate::messages::Language;
use crate::output::Output;
use crate::process::signals::StopSignals;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use yingdun_model::Timestamp;
use yingdun_transfer::link::{Identity, line_of};
use yingdun_vault::{Alarm, AlarmKind, Manifest, Pulled, Settings, Vault, Watch};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Runs a command of a vault.
pub(super) async fn vault(command: VaultCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        VaultCommand::Init(args) => init(&args, output),
        VaultCommand::Pull { vault } => {
            let mut vault = Vault::open(&vault.directory)?;
            pull(&mut vault, output).await
        }
        VaultCommand::Serve { vault, every } => serve(&vault.directory, every, output).await,
        VaultCommand::List { vault } => list(&Vault::open(&vault.directory)?, output),
        VaultCommand::Alarms { vault, acknowledge } => alarms(&vault.directory, acknowledge, output),
        VaultCommand::Verify { vault, snapshot } => verify(&vault.directory, snapshot, output).await,
        VaultCommand::Prune { vault, apply } => prune(&vault.directory, apply, output).await,
        VaultCommand::Restore(args) => restore::restore(args, output).await,
        VaultCommand::Rehearse(args) => restore::rehearse(args, output).await,
        VaultCommand::Rehearsals { vault } => rehearsals(&Vault::open(&vault.directory)?, output),
        VaultCommand::Disc(command) => disc::disc(command, output).await,
    }
}

fn init(args: &VaultInitArgs, output: Output) -> Result<Verdict, CommandError> {
    let key_in = |path: &PathBuf| match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(cause) => Err(CommandError::File { path: path.clone(), cause }),
    };
    let settings = Settings {
        server: args.server.clone(),
        ca_file: args.ca_file.as_deref().map(std::path::absolute).transpose()?,
        client_id: args.client_id.clone(),
        client_secret_file: std::path::absolute(&args.client_secret_file)?,
        audit_key: key_in(&args.audit_key_file)?,
        audit_sm3_key: args.audit_sm3_key_file.as_ref().map(key_in).transpose()?,
        keys_folder: std::path::absolute(&args.keys_folder)?,
        keys_passphrase_file: std::path::absolute(&args.keys_passphrase_file)?,
        keep_days: args.keep_days,
        keep_last: args.keep_last,
        keep_keys_days: args.keep_keys_days,
        catalogue_every_minutes: args.catalogue_every_minutes,
        probe_mib: args.probe_mib,
    };
    let folder = std::path::absolute(&args.vault.directory)?;
    let key = Vault::create(&folder, &settings)?;
    output.say(&json!({"directory": folder, "public_key": key}), |language| {
        language.vault_made(folder.display(), &key)
    })?;
    Ok(Verdict::Good)
}

async fn pull(vault: &mut Vault, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let settings = vault.settings().clone();
    let server = ServerArgs { server: settings.server, ca_file: settings.ca_file };
    let secret = line_of(&settings.client_secret_file)?;
    let link = server_link(&server, Identity::Client { id: settings.client_id, secret }).await?;
    let watch = Watch::default();
    let pulled = shown(&watch, output.language(), vault.pull(link, &watch)).await?;
    let waiting = vault.alarms()?;
    let document = json!({
        "pulled": pulled,
        "seconds": began.elapsed().as_secs_f64(),
        "alarms_waiting": waiting.len(),
    });
    output.say(&document, |language| {
        let mut text = words_of(language, &pulled);
        for alarm in &waiting {
            text.push('\n');
            text.push_str(&alarm_line(language, alarm));
        }
        text
    })?;
    Ok(Verdict::of(waiting.is_empty() && pulled.snapshot.is_some()))
}

/// Pulls until it is told to stop. A pull that fails is told, and the next one comes in its time.
async fn serve(folder: &Path, every_minutes: u32, output: Output) -> Result<Verdict, CommandError> {
    let mut signals = StopSignals::catch()?;
    let mut vault = Vault::open(folder)?;
    let mut tick = tokio::time::interval(Duration::from_secs(60) * every_minutes);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = signals.wait() => return Ok(Verdict::Good),
            _ = tick.tick() => {}
        }
        tokio::select! {
            // What came stays where it is, and the next pull goes on with it.
            () = signals.wait() => return Ok(Verdict::Good),
            pulled = pull(&mut vault, output) => {
                if let Err(error) = pulled {
                    crate::output::complain(&error);
                }
            }
        }
    }
}

fn list(vault: &Vault, output: Output) -> Result<Verdict, CommandError> {
    let (now, manifests) = (vault.running_time()?, vault.snapshots()?);
    let rows: Vec<_> = manifests
        .iter()
        .map(|manifest| {
            json!({
                "snapshot": manifest.number,
                "taken": rfc3339(Timestamp::from_ms(manifest.taken_ms)),
                "running_days": now.since(manifest.running) as f64 / DAY_MS as f64,
                "packs": manifest.packs.count,
                "bytes": manifest.packs.bytes,
                "leaves": manifest.audit.size,
                "rows_bytes": manifest.parts.values().map(|part| part.bytes).sum::<u64>(),
                "catalogue_seconds_older": catalogue_age(manifest),
                "keys": vault.has_keys(manifest),
            })
        })
        .collect();
    output.say(&json!({ "snapshots": rows }), |language| {
        let line = |manifest: &Manifest| {
            let days = now.since(manifest.running) as f64 / DAY_MS as f64;
            let taken = rfc3339(Timestamp::from_ms(manifest.taken_ms));
            let megabytes = megabytes(manifest.packs.bytes);
            let (days, packs) = (format!("{days:.1}"), manifest.packs.count);
            let minutes = catalogue_age(manifest) / 60;
            let text = language.vault_snapshot(manifest.number, taken, days, packs, megabytes, minutes);
            if vault.has_keys(manifest) { text } else { format!("{text}  {}", language.vault_without_keys()) }
        };
        match manifests.is_empty() {
            true => language.vault_empty(),
            false => manifests.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    })?;
    Ok(Verdict::Good)
}

/// Seconds by which the catalogue of a snapshot is older than its packs.
fn catalogue_age(manifest: &Manifest) -> u64 {
    manifest.running.since(manifest.catalogue_running) / 1000
}

fn alarms(folder: &Path, acknowledge: bool, output: Output) -> Result<Verdict, CommandError> {
    let mut vault = Vault::open(folder)?;
    let waiting = vault.alarms()?;
    if acknowledge {
        vault.acknowledge()?;
    }
    output.say(&json!({"alarms": waiting, "acknowledged": acknowledge}), |language| {
        match waiting.is_empty() {
            true => language.vault_quiet(),
            false => waiting.iter().map(|alarm| alarm_line(language, alarm)).collect::<Vec<_>>().join("\n"),
        }
    })?;
    Ok(Verdict::of(waiting.is_empty() || acknowledge))
}

async fn verify(folder: &Path, snapshot: Option<u64>, output: Output) -> Result<Verdict, CommandError> {
    let (vault, watch) = (Vault::open(folder)?, Arc::new(Watch::default()));
    let looked_on = Arc::clone(&watch);
    let work = tokio::task::spawn_blocking(move || vault.verify(snapshot, &watch));
    let verified = shown(&looked_on, output.language(), work).await.map_err(std::io::Error::other)??;
    output.say(&verified, |language| {
        let mut text = language.vault_verified(
            verified.snapshot,
            verified.packs,
            megabytes(verified.bytes),
            verified.leaves,
        );
        for fault in &verified.faults {
            text.push('\n');
            text.push_str(fault);
        }
        text
    })?;
    Ok(Verdict::of(verified.faults.is_empty()))
}

async fn prune(folder: &Path, apply: bool, output: Output) -> Result<Verdict, CommandError> {
    let mut vault = Vault::open(folder)?;
    let work = tokio::task::spawn_blocking(move || vault.prune(!apply));
    let doomed = work.await.map_err(std::io::Error::other)??;
    output.say(&doomed, |language| {
        let (snapshots, megabytes) = (doomed.snapshots.len(), megabytes(doomed.bytes));
        match apply {
            true => language.vault_pruned(snapshots, doomed.keys_of.len(), megabytes),
            false => language.vault_would_prune(snapshots, doomed.keys_of.len(), megabytes),
        }
    })?;
    Ok(Verdict::Good)
}

fn rehearsals(vault: &Vault, output: Output) -> Result<Verdict, CommandError> {
    let rehearsals = vault.rehearsals()?;
    let rows: Vec<_> = rehearsals
        .iter()
        .map(|rehearsal| {
            json!({
                "rehearsal": rehearsal.number,
                "at": rfc3339(Timestamp::from_ms(rehearsal.at_ms)),
                "snapshot": rehearsal.snapshot,
                "taken": rfc3339(Timestamp::from_ms(rehearsal.taken_ms)),
                "rto_seconds": rehearsal.rto_seconds,
                "rpo_seconds": rehearsal.rpo_seconds,
                "good": rehearsal.good,
                "found": rehearsal.found,
            })
        })
        .collect();
    output.say(&json!({ "rehearsals": rows }), |language| {
        let line = |rehearsal: &yingdun_vault::Rehearsal| {
            let when = rfc3339(Timestamp::from_ms(rehearsal.at_ms));
            let (snapshot, seconds) = (rehearsal.snapshot, format!("{:.0}", rehearsal.rto_seconds));
            match rehearsal.good {
                true => language.vault_rehearsal_good(rehearsal.number, when, snapshot, seconds),
                false => language.vault_rehearsal_bad(rehearsal.number, when, snapshot, seconds),
            }
        };
        match rehearsals.is_empty() {
            true => language.vault_never_rehearsed(),
            false => rehearsals.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    })?;
    Ok(Verdict::Good)
}

// === helpers ===

fn words_of(language: Language, pulled: &Pulled) -> String {
    match pulled.snapshot {
        Some(number) => language.vault_pulled(
            number,
            pulled.packs,
            megabytes(pulled.pack_bytes + pulled.row_bytes),
            pulled.leaves,
            pulled.proved,
        ),
        None => language.vault_not_pulled(),
    }
}

fn alarm_line(language: Language, alarm: &Alarm) -> String {
    let when = rfc3339(Timestamp::from_ms(alarm.at_ms));
    let what = match &alarm.what {
        AlarmKind::LogNotContinued { why } => language.alarm_log(why),
        AlarmKind::PackMissing { pack } => language.alarm_missing(pack),
        AlarmKind::PackShrank { pack, kept, came } => language.alarm_shrank(pack, kept, came),
        AlarmKind::PackChanged { pack, .. } => language.alarm_changed(pack),
        AlarmKind::PackDamaged { pack } => language.alarm_damaged(pack),
        AlarmKind::CopyDamaged { pack } => language.alarm_copy(pack),
        AlarmKind::RowsVanished { part, kept, came } => language.alarm_rows(part, kept, came),
    };
    language.vault_alarm(alarm.number, when, what)
}

/// Shows how far it is while the work goes on.
async fn shown<T>(watch: &Watch, language: Language, work: impl Future<Output = T>) -> T {
    let line = |_: Duration| {
        let bytes = watch.bytes.load(Ordering::Relaxed);
        language.vault_progress(watch.packs.load(Ordering::Relaxed), megabytes(bytes))
    };
    progress::show_line(line, work).await
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

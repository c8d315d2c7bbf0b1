//! `vault disc`: packs go to media that are written once, and come back.

use super::{DAY_MS, megabytes, shown};
use crate::cli::{
    DiscCommand, DiscRecoverArgs, DiscRestoreArgs, DiscSizeArgs, DiscVerifyArgs, DiscWriteArgs, MountedArgs,
};
use crate::commands::{CommandError, Verdict};
use crate::installation::rfc3339;
use crate::messages::Language;
use crate::output::{Output, shell_word};
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use yingdun_crypto::sign::NoteVerifier;
use yingdun_model::Timestamp;
use yingdun_vault::{
    Brought, Disc, DiscFault, DiscOrder, DiscState, DiscVerified, Lacking, MissingOn, Recovery, RunningTime,
    Vault, VaultError, Watch, verify_disc,
};

/// Runs a command about discs.
pub(super) async fn disc(command: DiscCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        DiscCommand::Plan { vault, size } => plan(&Vault::open(&vault.directory)?, size, output),
        DiscCommand::Write(args) => write(args, output).await,
        DiscCommand::Verify(args) => verify(args, output).await,
        DiscCommand::List { vault, pack } => list(&Vault::open(&vault.directory)?, pack.as_deref(), output),
        DiscCommand::Show { vault, label } => show(&Vault::open(&vault.directory)?, &label, output),
        DiscCommand::MarkLost { vault, label } => mark_lost(&vault.directory, &label, output),
        DiscCommand::Restore(args) => restore(args, output).await,
        DiscCommand::Recover(args) => recover(args, output).await,
    }
}

fn plan(vault: &Vault, size: DiscSizeArgs, output: Output) -> Result<Verdict, CommandError> {
    let plan = vault.disc_plan(size.disc_bytes, size.copies)?;
    output.say(&plan, |language| {
        let [sealed, short, nowhere, unverified] =
            [plan.sealed, plan.short, plan.nowhere, plan.unverified].map(|packs| packs.packs);
        let mut lines =
            vec![language.disc_planned(plan.snapshot, sealed, short, nowhere, unverified, plan.copies)];
        lines.push(language.disc_would_fill(plan.discs.len(), plan.waits.packs, megabytes(plan.waits.bytes)));
        if plan.growing.packs > 0 {
            lines.push(language.disc_grows(plan.growing.packs, megabytes(plan.growing.bytes)));
        }
        if !plan.too_large.is_empty() {
            lines.push(language.disc_too_large(plan.too_large.join(" ")));
        }
        lines.join("\n")
    })?;
    Ok(Verdict::of(plan.too_large.is_empty()))
}

async fn write(args: DiscWriteArgs, output: Output) -> Result<Verdict, CommandError> {
    let order = DiscOrder {
        folder: std::path::absolute(&args.folder)?,
        size: args.size.disc_bytes,
        copies: args.size.copies,
        label: args.label,
        with_snapshot: args.with_snapshot,
        underfull: args.underfull,
    };
    let mut vault = Vault::open(&args.vault.directory)?;
    let written = blocking(output, move |watch| vault.write_disc(&order, watch)).await?;
    output.say(&written, |language| {
        let (packs, megabytes) = (written.packs.packs, megabytes(written.packs.bytes));
        let (label, folder) = (&written.label, shell_word(&written.folder));
        let ready = language.disc_written(label, written.volume, &folder, packs, megabytes, written.records);
        let left = language.disc_left(written.left);
        format!("{ready}\n{left}\n{}", language.disc_burn(label, &folder))
    })?;
    Ok(Verdict::Good)
}

async fn verify(args: DiscVerifyArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let folder = args.folder;
    let verified = match (args.public_key_file, args.directory) {
        (Some(path), _) => {
            let keys = [public_key(&path)?];
            blocking(output, move |watch| verify_disc(&folder, &keys, watch)).await?
        }
        (None, Some(directory)) => {
            let mut vault = Vault::open(&directory)?;
            blocking(output, move |watch| vault.verify_disc(&folder, watch)).await?
        }
        (None, None) => return Err(CommandError::Usage("name --directory or --public-key-file".to_owned())),
    };
    let seconds = began.elapsed().as_secs_f64();
    let rate = verified.bytes as f64 / seconds.max(f64::EPSILON);
    let document = json!({
        "verified": verified,
        "seconds": seconds,
        "bytes_per_second": rate,
    });
    output.say(&document, |language| verified_lines(language, &verified, seconds, rate))?;
    Ok(Verdict::of(verified.good))
}

fn list(vault: &Vault, pack: Option<&str>, output: Output) -> Result<Verdict, CommandError> {
    let has = |disc: &Disc| pack.is_none_or(|wanted| disc.packs().any(|(pack, _, _)| pack == wanted));
    let discs: Vec<Disc> = vault.discs()?.into_iter().filter(has).collect();
    let now = vault.running_time()?;
    let rows: Vec<Value> = discs.iter().map(|disc| row(disc, now)).collect();
    output.say(&json!({ "discs": rows }), |language| match discs.is_empty() {
        true => language.disc_none(),
        false => discs.iter().map(|disc| line(language, disc)).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(Verdict::Good)
}

fn show(vault: &Vault, label: &str, output: Output) -> Result<Verdict, CommandError> {
    let disc = vault.disc(label)?;
    let mut document = row(&disc, vault.running_time()?);
    let packs: Vec<_> = disc
        .packs()
        .map(|(pack, bytes, records)| json!({"pack": pack, "bytes": bytes, "records": records}))
        .collect();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("packs".to_owned(), Value::Array(packs));
    }
    output.say(&document, |language| {
        let packs = disc.packs().map(|(pack, bytes, records)| language.disc_pack(pack, bytes, records));
        [line(language, &disc)].into_iter().chain(packs).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Good)
}

fn mark_lost(directory: &Path, label: &str, output: Output) -> Result<Verdict, CommandError> {
    let mut vault = Vault::open(directory)?;
    let disc = vault.mark_disc_lost(label)?;
    output.say(&row(&disc, vault.running_time()?), |language| language.disc_lost(label))?;
    Ok(Verdict::Good)
}

async fn restore(args: DiscRestoreArgs, output: Output) -> Result<Verdict, CommandError> {
    let vault = Vault::open(&args.vault.directory)?;
    let brought = bring_all(vault, args.snapshot, args.mounted, args.dry_run, output).await?;
    output.say(&json!(brought), |language| brought_lines(language, &brought))?;
    Ok(Verdict::of(brought.is_whole() || args.dry_run))
}

async fn recover(args: DiscRecoverArgs, output: Output) -> Result<Verdict, CommandError> {
    let recovery = Recovery {
        folder: std::path::absolute(&args.directory)?,
        public_key: public_key(&args.public_key_file)?,
        keys_folder: std::path::absolute(&args.keys_folder)?,
        keys_passphrase_file: std::path::absolute(&args.keys_passphrase_file)?,
        client_secret_file: std::path::absolute(&args.client_secret_file)?,
        discs: args.mounted.discs.clone(),
    };
    let (vault, recovered) = blocking(output, move |_| Vault::recover(&recovery)).await?;
    let brought = bring_all(vault, None, args.mounted, false, output).await?;
    output.say(&json!({"recovered": recovered, "brought": brought}), |language| {
        let (label, key) = (&recovered.label, &recovered.public_key);
        let mut text = language.disc_recovered(recovered.snapshot, label, recovered.leaves, key);
        if !recovered.keys {
            text.push('\n');
            text.push_str(&language.disc_without_keys(recovered.snapshot));
        }
        format!("{text}\n{}", brought_lines(language, &brought))
    })?;
    Ok(Verdict::of(brought.is_whole() && recovered.keys))
}

// === helpers ===

/// What discs brought, and what is still lacking.
#[derive(serde::Serialize)]
struct AllBrought {
    snapshot: u64,
    /// Packs that were lacking in the beginning.
    lacked: u64,
    discs: Vec<Brought>,
    lacking: u64,
    lacking_bytes: u64,
    missing_on: MissingOn,
}

impl AllBrought {
    const fn is_whole(&self) -> bool {
        self.lacking == 0
    }
}

/// Brings what is lacking from the discs that are mounted, and asks for further ones where that is wanted.
async fn bring_all(
    vault: Vault,
    snapshot: Option<u64>,
    mounted: MountedArgs,
    dry_run: bool,
    output: Output,
) -> Result<AllBrought, CommandError> {
    let MountedArgs { discs, ask } = mounted;
    let found = blocking(output, move |watch| {
        let lacking = vault.lacking(snapshot, watch)?;
        Ok((vault, lacking))
    });
    let (mut vault, mut lacking) = found.await?;
    let lacked = lacking.count();
    let (mut brought, last) = (Vec::new(), discs.last().cloned());
    let mut next = if dry_run { Vec::new() } else { discs };
    next.reverse();
    loop {
        while let Some(folder) = next.pop().filter(|_| lacking.count() > 0) {
            let (back, more, came) = bring(vault, lacking, folder, output).await?;
            (vault, lacking) = (back, more);
            match came {
                Ok(came) => brought.push(came),
                // The wrong disc is in: the next question says which one is wanted.
                Err(error @ VaultError::Disc { .. }) if ask => crate::output::complain(&error),
                Err(error) => return Err(error.into()),
            }
        }
        let missing_on = vault.missing_on(&lacking)?;
        let wanted = missing_on.discs.first().filter(|_| ask && !dry_run).map(|(label, _)| label.clone());
        match (wanted, &last) {
            (Some(label), Some(folder)) if asked(output.language(), &label, folder)? => {
                next.push(folder.clone());
            }
            _ => {
                return Ok(AllBrought {
                    snapshot: lacking.snapshot,
                    lacked,
                    discs: brought,
                    lacking: lacking.count(),
                    lacking_bytes: lacking.bytes(),
                    missing_on,
                });
            }
        }
    }
}

type Came = (Vault, Lacking, Result<Brought, VaultError>);

async fn bring(
    mut vault: Vault,
    mut lacking: Lacking,
    folder: PathBuf,
    output: Output,
) -> Result<Came, CommandError> {
    blocking(output, move |watch| {
        let came = vault.bring(&mut lacking, &folder, watch);
        Ok((vault, lacking, came))
    })
    .await
}

/// Asks for a disc on standard error; true when somebody says that it is mounted.
fn asked(language: Language, label: &str, folder: &Path) -> Result<bool, CommandError> {
    let mut out = io::stderr().lock();
    out.write_all(language.disc_ask(label, folder.display()).as_bytes())?;
    out.flush()?;
    let mut line = String::new();
    Ok(io::stdin().lock().read_line(&mut line)? > 0 && line.trim() != "q")
}

/// Does what blocks, and shows how far it is.
async fn blocking<T: Send + 'static>(
    output: Output,
    work: impl FnOnce(&Watch) -> Result<T, VaultError> + Send + 'static,
) -> Result<T, CommandError> {
    let watch = Arc::new(Watch::default());
    let looked_on = Arc::clone(&watch);
    let work = tokio::task::spawn_blocking(move || work(&watch));
    Ok(shown(&looked_on, output.language(), work).await.map_err(io::Error::other)??)
}

fn public_key(path: &Path) -> Result<NoteVerifier, CommandError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| CommandError::File { path: path.to_owned(), cause })?;
    NoteVerifier::parse(text.trim()).map_err(|cause| CommandError::PublicKey { path: path.to_owned(), cause })
}

fn row(disc: &Disc, now: RunningTime) -> Value {
    let volume = &disc.volume;
    json!({
        "volume": volume.volume,
        "label": volume.label,
        "state": disc.state,
        "since": rfc3339(Timestamp::from_ms(disc.state_ms)),
        "running_days": now.since(disc.state_running) as f64 / DAY_MS as f64,
        "written": rfc3339(Timestamp::from_ms(volume.written_ms)),
        "packs": volume.packs,
        "bytes": volume.bytes,
        "records": volume.records,
        "snapshot": volume.snapshot.map(|snapshot| snapshot.number),
    })
}

fn line(language: Language, disc: &Disc) -> String {
    let state = match disc.state {
        DiscState::Written => language.disc_state_written(),
        DiscState::Verified => language.disc_state_verified(),
        DiscState::Damaged => language.disc_state_damaged(),
        DiscState::Lost => language.disc_state_lost(),
    };
    let volume = &disc.volume;
    let snapshot = volume.snapshot.map_or_else(|| "–".to_owned(), |snapshot| snapshot.number.to_string());
    let (since, megabytes) = (rfc3339(Timestamp::from_ms(disc.state_ms)), megabytes(volume.bytes));
    let state = language.disc_since(state, since);
    language.disc_line(volume.volume, &volume.label, state, volume.packs, megabytes, snapshot)
}

fn verified_lines(language: Language, verified: &DiscVerified, seconds: f64, rate: f64) -> String {
    let DiscVerified { label, packs, records, records_damaged, .. } = verified;
    let (seconds, rate) = (format!("{seconds:.1}"), format!("{:.1}", rate / 1e6));
    let read = language.disc_read(megabytes(verified.bytes), seconds, rate);
    if verified.good {
        return language.disc_good(label, packs, records, read);
    }
    let faults = verified.faults.len();
    let mut lines = vec![language.disc_bad(label, faults, records, records_damaged, read)];
    lines.extend(verified.faults.iter().map(|fault| {
        let DiscFault { file, why, records_damaged, records, .. } = fault;
        match (records_damaged, records) {
            (Some(damaged), Some(records)) => language.disc_fault_records(file, why, damaged, records),
            _ => language.disc_fault(file, why),
        }
    }));
    lines.join("\n")
}

fn brought_lines(language: Language, brought: &AllBrought) -> String {
    let mut lines: Vec<String> = brought
        .discs
        .iter()
        .map(|disc| language.disc_brought(&disc.label, disc.packs, megabytes(disc.bytes), disc.damaged.len()))
        .collect();
    if brought.is_whole() {
        lines.push(language.disc_lacks_nothing(brought.snapshot));
        return lines.join("\n");
    }
    lines.push(language.disc_lacks(brought.lacking, megabytes(brought.lacking_bytes)));
    let MissingOn { discs, nowhere } = &brought.missing_on;
    lines.extend(discs.iter().map(|(label, packs)| language.disc_needed(label, packs)));
    if !nowhere.is_empty() {
        lines.push(language.disc_nowhere(nowhere.join(" ")));
    }
    lines.join("\n")
}

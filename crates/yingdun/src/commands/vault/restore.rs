//! `vault restore`, and the same on trial.

use super::{megabytes, shown};
use crate::cli::{DatabasesArgs, PlacesArgs, VaultRehearseArgs, VaultRestoreArgs};
use crate::commands::{CommandError, Verdict};
use crate::config::Config;
use crate::installation::{KeptLog, Plan, rfc3339};
use crate::messages::Language;
use crate::output::Output;
use crate::process::private::make_directory;
use crate::wiring::{Rehearsed, rehearse as open_all};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use yingdun_archive::Sample;
use yingdun_model::{Clock, InstitutionId, SystemClock, Timestamp};
use yingdun_vault::{Between, Chosen, Manifest, Rehearsal, Restored, RunningTime, Vault, VaultError, Watch};

/// Studies of which every byte is opened, unless all are asked for.
const SAMPLE_STUDIES: u64 = 50;

/// Makes an installation.
pub(super) async fn restore(args: VaultRestoreArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let vault = Arc::new(Vault::open(&args.vault.directory)?);
    let chosen = vault.choose(args.point.point(), args.keys_of)?;
    let (manifest, keys_of, between) = (chosen.manifest.clone(), chosen.keys_of, chosen.between);
    let rpo_seconds = age_seconds(&manifest);
    if args.dry_run {
        let plan = plan(&args, &vault, &chosen)?;
        let document = json!({
            "dry_run": true,
            "snapshot": manifest.number,
            "keys_of": keys_of,
            "taken": rfc3339(Timestamp::from_ms(manifest.taken_ms)),
            "rpo_seconds": rpo_seconds,
            "between": between,
            "packs": manifest.packs.count,
            "bytes": manifest.packs.bytes,
            "would_make": plan.paths(),
        });
        output.say(&document, |language| {
            let (packs, megabytes) = (manifest.packs.count, megabytes(manifest.packs.bytes));
            let mut text =
                language.vault_would_restore(manifest.number, packs, megabytes, plan.config_path().display());
            text.extend(between.map(|between| between_line(language, between)));
            text
        })?;
        return Ok(Verdict::Good);
    }
    let Made { config, restored, rehearsed } = make(&args, vault, chosen, output.language()).await?;
    let good = rehearsed.as_ref().is_none_or(Rehearsed::is_good);
    let rto_seconds = began.elapsed().as_secs_f64();
    let document = json!({
        "config": config,
        "restored": restored,
        "between": between,
        "rehearsed": rehearsed,
        "rto_seconds": rto_seconds,
        "rpo_seconds": rpo_seconds,
    });
    output.say(&document, |language| {
        let mut text = language.vault_restored(
            restored.snapshot,
            restored.records,
            megabytes(restored.bytes),
            config.display(),
            format!("{rto_seconds:.0}"),
            rpo_seconds,
        );
        text.extend(rehearsed.map(|rehearsed| rehearsed_lines(language, &rehearsed)));
        text.extend(between.map(|between| between_line(language, between)));
        text
    })?;
    Ok(Verdict::of(good))
}

/// Makes an installation that nobody will use, opens it, and removes it again; keeps a signed note of what was found.
pub(super) async fn rehearse(args: VaultRehearseArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let vault = Arc::new(Vault::open(&args.vault.directory)?);
    let chosen = vault.choose(args.point.point(), args.keys_of)?;
    vault.check_room(&chosen, &args.scratch)?;
    let folder = Scratch::make(&args.scratch)?;
    let any_port: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let trial = VaultRestoreArgs {
        vault: args.vault,
        point: args.point,
        keys_of: args.keys_of,
        audit_of_snapshot: false,
        catalogue_from_packs: false,
        to: folder.0.clone(),
        places: PlacesArgs {
            replica: vec![folder.0.join("replica")],
            host: Vec::new(),
            web_listen: any_port,
            dicom_tls_listen: any_port,
            dicom_plain_listen: None,
        },
        databases: DatabasesArgs::default(),
        passphrase_file: Some(args.passphrase_file),
        verify: true,
        all: args.all,
        dry_run: false,
    };
    let (manifest, keys_of, between) = (chosen.manifest.clone(), chosen.keys_of, chosen.between);
    let rpo_seconds = age_seconds(&manifest);
    let made = make(&trial, Arc::clone(&vault), chosen, output.language()).await;
    let seconds = began.elapsed().as_secs_f64();
    folder.remove()?;
    let Made { restored, rehearsed, .. } = made?;
    let good = rehearsed.as_ref().is_some_and(Rehearsed::is_good);
    let noted = vault.note_rehearsal(Rehearsal {
        number: 0,
        at_ms: 0,
        running: RunningTime(0),
        snapshot: manifest.number,
        taken_ms: manifest.taken_ms,
        rto_seconds: seconds,
        rpo_seconds,
        good,
        found: json!({"keys_of": keys_of, "restored": restored, "rehearsed": rehearsed}),
    })?;
    let document = json!({
        "rehearsal": noted.number,
        "snapshot": manifest.number,
        "taken": rfc3339(Timestamp::from_ms(manifest.taken_ms)),
        "between": between,
        "restored": restored,
        "rehearsed": rehearsed,
        "rto_seconds": seconds,
        "rpo_seconds": rpo_seconds,
        "good": good,
    });
    output.say(&document, |language| {
        let (when, rto) = (rfc3339(Timestamp::from_ms(noted.at_ms)), format!("{seconds:.0}"));
        let mut text = match good {
            true => language.vault_rehearsal_good(noted.number, when, manifest.number, rto),
            false => language.vault_rehearsal_bad(noted.number, when, manifest.number, rto),
        };
        text.extend(rehearsed.map(|rehearsed| rehearsed_lines(language, &rehearsed)));
        text.extend(between.map(|between| between_line(language, between)));
        text
    })?;
    Ok(Verdict::of(good))
}

// === helpers ===

/// What a restore made.
struct Made {
    config: PathBuf,
    restored: Restored,
    rehearsed: Option<Rehearsed>,
}

/// Makes an installation, and opens it where that is asked for.
async fn make(
    args: &VaultRestoreArgs,
    vault: Arc<Vault>,
    chosen: Chosen,
    language: Language,
) -> Result<Made, CommandError> {
    let plan = plan(args, &vault, &chosen)?;
    let watch = Arc::new(Watch::default());
    let work = plan.restore(vault, chosen, args, Arc::clone(&watch));
    let (config, restored) = shown(&watch, language, work).await?;
    let sample = if args.all { Sample::All } else { Sample::Some(SAMPLE_STUDIES) };
    let rehearsed = match args.verify {
        true => {
            let (loaded, opened) = (Config::load(&config)?, Watch::default());
            Some(shown(&opened, language, open_all(&loaded, sample, &opened.bytes)).await?)
        }
        false => None,
    };
    Ok(Made { config, restored, rehearsed })
}

fn plan(args: &VaultRestoreArgs, vault: &Vault, chosen: &Chosen) -> Result<Plan, CommandError> {
    let institution = InstitutionId::new(&chosen.manifest.institution)
        .map_err(|_| VaultError::Unexpected("an institution without a name"))?;
    let log = KeptLog {
        origin: vault.log_origin().to_owned(),
        sm3_tree: vault.restores_sm3_tree(chosen, !args.audit_of_snapshot)?,
    };
    Ok(Plan::restoring(args, institution, log)?)
}

fn age_seconds(manifest: &Manifest) -> u64 {
    let age = SystemClock.now().as_ms().saturating_sub(manifest.taken_ms);
    u64::try_from(age).unwrap_or(0) / 1000
}

/// A folder that is removed again, whatever happens in it.
struct Scratch(PathBuf);

impl Scratch {
    fn make(within: &Path) -> Result<Self, CommandError> {
        let name = format!("yingdun-rehearsal-{}", hex::encode(yingdun_crypto::random::array::<6>()));
        let path = std::path::absolute(within)?.join(name);
        make_directory(&path).map_err(|cause| CommandError::File { path: path.clone(), cause })?;
        Ok(Self(path))
    }

    fn remove(self) -> Result<(), CommandError> {
        std::fs::remove_dir_all(&self.0).map_err(|cause| CommandError::File { path: self.0.clone(), cause })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After `remove` there is nothing left to do.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn rehearsed_lines(language: Language, rehearsed: &Rehearsed) -> String {
    let Rehearsed { records, opened, without_key, unreadable, .. } = *rehearsed;
    let mut text = format!("\n{}", language.vault_rehearsed(records, opened, without_key, unreadable));
    let Rehearsed { studies_read, instances_read, damaged, .. } = *rehearsed;
    let megabytes = megabytes(rehearsed.bytes_read);
    text.push('\n');
    text.push_str(&language.vault_read_through(studies_read, instances_read, megabytes, damaged));
    if rehearsed.strangers > 0 {
        text.push('\n');
        text.push_str(&language.vault_strangers(rehearsed.strangers));
    }
    text
}

fn between_line(language: Language, between: Between) -> String {
    let Between { seconds, stored, next } = between;
    let next = next.map_or_else(|| "–".to_owned(), |next| next.to_string());
    format!("\n{}", language.vault_between(seconds, stored, next))
}

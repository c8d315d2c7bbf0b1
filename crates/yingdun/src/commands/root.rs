//! `keys move-root` and `keys destroy-root-file`: another keeper of the root key of a stopped archive, and then the end of the file that
//! kept it.
//!
//! ```text
//!  what is there opens ─► leaf ─► new root key ─► everything under it, one transaction ─► leaf ─► configuration
//! ```
//!
//! Broken off before the transaction, the archive is as it was; broken off after it, the same command ends what is left. The file that kept
//! the root key is not touched: who sees that the archive opens without it destroys it.

use super::reseal::open_file;
use super::{CommandError, Verdict};
use crate::cli::{DestroyRootFileArgs, MoveRootArgs, RootArg};
use crate::config::{Config, Keys, with_root};
use crate::installation::{Opener, TokenKey, root_file};
use crate::output::{Output, shell_word};
use crate::process::private::Replacement;
use crate::wiring::{Foundation, Root, StartError, hold, root};
use serde::Serialize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use yingdun_audit::ReasonCode;
use yingdun_keys::{KeysError, RootFile, RootKey, RootKind, RootMoved, RootOpener};

/// What was moved, or would be.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    from: RootKind,
    to: RootKind,
    /// Secrets of the institution that are wrapped under the new root key.
    secrets: u64,
    /// Key-encryption keys that stand under the new epoch.
    key_encryption_keys: u64,
    epoch: u64,
    /// Whether a move that was broken off was ended.
    ended: bool,
    config: PathBuf,
    /// The file that kept the root key until now, which is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_root_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    share_files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_key: Option<TokenKey>,
}

/// A root-key file that was destroyed, or would be.
#[derive(Serialize)]
struct Destroyed {
    dry_run: bool,
    root_file: PathBuf,
    kept_by: RootKind,
}

/// What the archive is to be after the move.
struct Plan {
    config: Config,
    text: String,
    opener: Opener,
}

/// Gives the root key of a stopped archive to another keeper.
pub(super) async fn move_root(args: MoveRootArgs, output: Output) -> Result<Verdict, CommandError> {
    let path = args.archive.config.config.clone();
    let config = Config::load(&path)?;
    let plan = plan(&args, &config)?;
    let _hold = hold(&config).await?;
    let current = open(&config.keys, &config, &args.archive.share_file).await?;
    let (foundation, ended) = match Foundation::open(&config, current).await {
        Ok(foundation) => (foundation, false),
        // Everything is under the new root key already, and the configuration does not say so: a move was broken off.
        Err(StartError::Keys(KeysError::WrongRoot)) if !args.dry_run => {
            let moved = open(&plan.config.keys, &plan.config, &args.archive.share_file).await?;
            (Foundation::open(&config, moved).await?, true)
        }
        Err(error) => return Err(error.into()),
    };
    let mut report = Report {
        dry_run: args.dry_run,
        from: config.keys.root,
        to: plan.config.keys.root,
        secrets: 0,
        key_encryption_keys: 0,
        epoch: 0,
        ended,
        config: path.clone(),
        old_root_file: config.keys.root_file.clone().filter(|_| config.keys.root == RootKind::File),
        share_files: Vec::new(),
        token_key: None,
    };
    // Also where nothing is to change: a move that would be refused is not promised.
    if !ended && let Err(error) = foundation.keys.must_be_alone().await {
        foundation.close().await;
        return Err(StartError::from(error).into());
    }
    let moved = match args.dry_run || ended {
        true => foundation.keys.hangs_on_root().await.map_err(StartError::from).map_err(Into::into),
        false => move_over(&plan, &args.archive.share_file, &path, &foundation, &mut report).await,
    };
    let finished = match (&moved, args.dry_run) {
        (Ok(_), false) => finish(&plan, &path, &foundation).await,
        _ => Ok(()),
    };
    foundation.close().await;
    let RootMoved { secrets, keks, epoch } = moved?;
    finished?;
    (report.secrets, report.key_encryption_keys, report.epoch) = (secrets, keks, epoch);
    output.say(&report, |language| {
        let (from, to) = (report.from, report.to);
        if report.dry_run {
            return language.would_move_root(from, to, report.config.display(), secrets, keks);
        }
        let mut text = language.root_moved(to, report.config.display(), secrets, keks);
        if let Some(TokenKey { token_label, key_label, .. }) = &report.token_key {
            text.push_str(&format!("\n{}", language.token_key_now(token_label, key_label)));
        }
        if !report.share_files.is_empty() {
            let files: Vec<String> =
                report.share_files.iter().map(|file| file.display().to_string()).collect();
            text.push_str(&format!("\n{}", language.shares_written(files.join(", "))));
        }
        if let Some(file) = &report.old_root_file {
            let words = (shell_word(file), shell_word(&report.config));
            text.push_str(&format!("\n{}", language.old_root_file_stays(words.0, words.1)));
        }
        text
    })?;
    Ok(Verdict::Good)
}

/// Overwrites and removes a root-key file that keeps nothing any more.
pub(super) async fn destroy_file(args: DestroyRootFileArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.archive.config.config)?;
    let identity = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
    let in_use = config.keys.root_file.as_deref().filter(|_| config.keys.root == RootKind::File);
    if in_use.is_some_and(|file| identity(file).is_some() && identity(file) == identity(&args.file)) {
        return Err(CommandError::Usage(format!(
            "`{}` keeps the root key of this archive; move the root key first (`yingdun keys move-root`)",
            args.file.display()
        )));
    }
    // Whatever it is, it was a root-key file.
    RootFile::opener(&args.file).map_err(StartError::from)?;
    let _hold = hold(&config).await?;
    // The archive opens without it: that is looked at, and not believed.
    let current = open(&config.keys, &config, &args.archive.share_file).await?;
    let foundation = Foundation::open(&config, current).await?;
    let done = match args.dry_run {
        true => foundation.keys.hangs_on_root().await.map(drop).map_err(StartError::from),
        false => destroy(&args.file, &foundation).await,
    };
    foundation.close().await;
    done?;
    let report = Destroyed { dry_run: args.dry_run, root_file: args.file, kept_by: config.keys.root };
    output.say(&report, |language| match report.dry_run {
        true => language.would_destroy_root_file(report.root_file.display(), report.kept_by),
        false => language.root_file_destroyed(report.root_file.display(), report.kept_by),
    })?;
    Ok(Verdict::Good)
}

// === helpers ===

/// Works out the new configuration, and touches nothing.
fn plan(args: &MoveRootArgs, config: &Config) -> Result<Plan, CommandError> {
    let path = &args.archive.config.config;
    let folder = std::path::absolute(path)?.parent().map(Path::to_owned).unwrap_or_default();
    let mut opener = Opener::new(&args.root, &args.opener, &folder)?;
    let root_file = match (args.root.root, &args.root_file) {
        (RootArg::File, Some(file)) => Ok(Some(std::path::absolute(file)?)),
        (RootArg::File, None) => Err("name the new root-key file: --root-file".to_owned()),
        (RootArg::Pkcs11 | RootArg::Transit, None) => Ok(None),
        (RootArg::Pkcs11 | RootArg::Transit, Some(_)) => {
            Err("`--root-file` goes with `--root file`: leave one of them out".to_owned())
        }
    };
    let root_file = root_file.map_err(CommandError::Usage)?;
    if root_file.is_some() && config.keys.root == RootKind::File && root_file == config.keys.root_file {
        let refusal = "this file keeps the root key now; `yingdun keys reseal` changes what opens it";
        return Err(CommandError::Usage(refusal.into()));
    }
    let is_shared = |file: &Path| matches!(RootFile::opener(file), Ok(RootOpener::Shares(_)));
    if root_file.as_deref().is_some_and(is_shared) {
        // It is there, and its shares open it still.
        opener = Opener::AsBefore;
    }
    if matches!(opener, Opener::OwnPassphrase) {
        let refusal = "name what is to open the new root-key file: --passphrase-file, or --unseal-shares";
        return Err(CommandError::Usage(refusal.into()));
    }
    let shown = |path: &Path| path.strip_prefix(&folder).unwrap_or(path).display().to_string();
    let values = opener.values(root_file.as_deref().map(shown).unwrap_or_default(), shown);
    let before =
        std::fs::read_to_string(path).map_err(|cause| CommandError::File { path: path.clone(), cause })?;
    let edit = |epoch_file: Option<&Path>| {
        let text = with_root(&before, &values, epoch_file)
            .map_err(|error| CommandError::Usage(error.to_string()))?;
        Ok::<_, CommandError>((Config::of_text(&text, path)?, text))
    };
    let (mut after, mut text) = edit(None)?;
    let epoch_file = config.keys.epoch_file();
    if after.keys.epoch_file() != epoch_file {
        // It stays where it is, and was found by the root-key file until now.
        let absolute = std::path::absolute(&epoch_file)?;
        (after, text) = edit(Some(Path::new(&shown(&absolute))))?;
    }
    let wanted = match (&opener, &after.keys) {
        (Opener::Pkcs11(wanted), keys) => keys.root == RootKind::Pkcs11 && same_token(wanted, keys),
        (Opener::Transit(wanted), keys) => keys.root == RootKind::Transit && same_engine(wanted, keys),
        (_, keys) => keys.root == RootKind::File,
    };
    if !wanted {
        return Err(CommandError::Usage(
            "a variable YINGDUN__KEYS__… of the environment says otherwise than the configuration file; unset it".into(),
        ));
    }
    Ok(Plan { config: after, text, opener })
}

fn same_token(wanted: &crate::config::Pkcs11, keys: &Keys) -> bool {
    let said = keys.pkcs11.as_ref();
    said.is_some_and(|said| said.token_label == wanted.token_label && said.key_label == wanted.key_label)
}

fn same_engine(wanted: &crate::config::Transit, keys: &Keys) -> bool {
    let said = keys.transit.as_ref();
    said.is_some_and(|said| said.address == wanted.address && said.key == wanted.key)
}

/// The root key of an archive that is stopped; shares come from files.
pub(super) async fn open(
    keys: &Keys,
    config: &Config,
    share_files: &[PathBuf],
) -> Result<RootKey, CommandError> {
    if keys.root == RootKind::File {
        return Ok(open_file(keys, &root_file(keys)?, share_files)?.root());
    }
    match root(config).await? {
        Root::Open(key) => Ok(key),
        Root::Sealed(_) => Err(StartError::Sealed.into()),
    }
}

/// Makes the new root key, and puts everything under it.
async fn move_over(
    plan: &Plan,
    share_files: &[PathBuf],
    path: &Path,
    foundation: &Foundation,
    report: &mut Report,
) -> Result<RootMoved, CommandError> {
    // A configuration that cannot be written is found before anything has changed.
    drop(replacement(path, &plan.text)?);
    foundation.must_record(const { ReasonCode::new("root-key-moving") }).await?;
    let there = plan.config.keys.root == RootKind::File && root_file(&plan.config.keys)?.exists();
    let key = if there {
        // Made by a move that was broken off, or kept from an earlier one: what opens it opens it still.
        open_file(&plan.config.keys, &root_file(&plan.config.keys)?, share_files)?.root()
    } else {
        let made = plan.opener.make(&plan.config.keys).await?;
        (report.share_files, report.token_key) = (made.share_files, made.token_key);
        made.key
    };
    Ok(foundation.keys.move_root(&key).await.map_err(StartError::from)?)
}

/// What is left when everything is under the new root key: the leaf, and the configuration.
async fn finish(plan: &Plan, path: &Path, foundation: &Foundation) -> Result<(), CommandError> {
    let reason = match plan.config.keys.root {
        RootKind::File => const { ReasonCode::new("root-key-moved-to-file") },
        RootKind::Pkcs11 => const { ReasonCode::new("root-key-moved-to-token") },
        RootKind::Transit => const { ReasonCode::new("root-key-moved-to-server") },
    };
    foundation.must_record(reason).await?;
    let replacement = replacement(path, &plan.text)?;
    replacement.put_in_place().map_err(|cause| CommandError::File { path: path.to_owned(), cause })
}

fn replacement(path: &Path, text: &str) -> Result<Replacement, CommandError> {
    Replacement::write(path, text.as_bytes())
        .map_err(|cause| CommandError::File { path: path.to_owned(), cause })
}

async fn destroy(file: &Path, foundation: &Foundation) -> Result<(), StartError> {
    foundation.keys.hangs_on_root().await?;
    foundation.must_record(const { ReasonCode::new("root-key-file-destroying") }).await?;
    RootFile::destroy(file)?;
    foundation.must_record(const { ReasonCode::new("root-key-file-destroyed") }).await
}

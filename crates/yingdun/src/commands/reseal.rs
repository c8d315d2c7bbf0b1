//! `keys reseal`: changes what opens the root-key file of a stopped archive. The root key stays.

use super::{CommandError, Verdict};
use crate::cli::{OpenerArgs, ResealArgs};
use crate::config::{Config, Keys};
use crate::installation::{share_folder, too_many_needed, write_shares};
use crate::output::Output;
use crate::wiring::{Foundation, StartError, read_passphrase};
use serde::Serialize;
use std::path::{Path, PathBuf};
use yingdun_audit::ReasonCode;
use yingdun_keys::{Resealing, RootFile, RootKind, RootOpener, ShareError, UnsealProgress, Unsealing};

/// What opens the file now, or would.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    root_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    share_files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares_needed: Option<u8>,
}

/// Opens the file with what opens it now, seals it anew, gives the shares away, and replaces it last.
pub(super) async fn reseal(args: ResealArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.archive.config.config)?;
    let root_file = match (config.keys.root, config.keys.root_file.clone()) {
        (RootKind::File, Some(path)) => path,
        (kind, _) => {
            let refusal =
                format!("the root key is kept by `{kind}`; only a root-key file can be sealed anew");
            return Err(CommandError::Usage(refusal));
        }
    };
    if let Some(refusal) = too_many_needed(&args.opener) {
        return Err(CommandError::Usage(refusal));
    }
    if args.opener.passphrase_file.is_none() && args.opener.unseal_shares.is_none() {
        return Err(CommandError::Usage(
            "name what is to open it: --passphrase-file, or --unseal-shares".into(),
        ));
    }
    // A bare file name has an empty parent: the current folder.
    let installation = args.archive.config.config.parent().filter(|folder| !folder.as_os_str().is_empty());
    let installation = installation.unwrap_or(Path::new("."));
    let folder = args
        .opener
        .share_directory
        .as_deref()
        .map(|folder| share_folder(folder, installation))
        .transpose()?;
    if !args.archive.share_file.is_empty()
        && matches!(RootFile::opener(&root_file).map_err(StartError::from)?, RootOpener::Passphrase)
    {
        return Err(CommandError::Usage(format!(
            "a passphrase opens `{}` now, and no shares: leave --share-file out",
            root_file.display()
        )));
    }
    let open = open_file(&config.keys, &root_file, &args.archive.share_file)?;
    let mut report = Report {
        dry_run: args.dry_run,
        root_file,
        passphrase_file: args.opener.passphrase_file.clone(),
        share_files: Vec::new(),
        shares_needed: args.opener.unseal_threshold,
    };
    // Refused here, and not after the first leaf: a key of another archive, and an archive that runs.
    let foundation = Foundation::open(&config, open.root()).await?;
    let done = seal_anew(&args, folder.as_deref(), &open, &foundation).await;
    foundation.close().await;
    report.share_files = done?;
    output.say(&report, |language| match (&report.passphrase_file, args.dry_run) {
        (_, true) => language.would_reseal(report.root_file.display()),
        (Some(file), false) => language.resealed_by_passphrase(report.root_file.display(), file.display()),
        (None, false) => {
            let files: Vec<String> =
                report.share_files.iter().map(|path| path.display().to_string()).collect();
            let needed = report.shares_needed.unwrap_or_default();
            language.resealed_by_shares(report.root_file.display(), needed, files.join(", "))
        }
    })?;
    Ok(Verdict::Good)
}

/// Opens a root-key file: by the configured passphrase, or by shares in files.
pub(super) fn open_file(
    keys: &Keys,
    root_file: &Path,
    share_files: &[PathBuf],
) -> Result<Resealing, CommandError> {
    match RootFile::opener(root_file).map_err(StartError::from)? {
        RootOpener::Passphrase => {
            let file = keys.passphrase_file.as_ref().ok_or(StartError::NoPassphrase)?;
            let passphrase = read_passphrase(file)?;
            Ok(Resealing::open(root_file, &passphrase).map_err(StartError::from)?)
        }
        RootOpener::Shares(mut unsealing) => {
            let refusal = give_shares(&mut unsealing, share_files, "--share-file")?;
            unsealing.reseal().map_err(StartError::from)?.ok_or(CommandError::Usage(refusal))
        }
    }
}

/// Gives the shares in files; the answer says what is missing, if something is.
pub(super) fn give_shares(
    unsealing: &mut Unsealing,
    share_files: &[PathBuf],
    option: &str,
) -> Result<String, CommandError> {
    let mut others = 0;
    for file in share_files {
        match unsealing.give(&read_passphrase(file)?) {
            Ok(_) => {}
            // They may open the other one of two files.
            Err(ShareError::OtherRoot) => others += 1,
            Err(cause) => return Err(CommandError::Usage(format!("`{}`: {cause}", file.display()))),
        }
    }
    let UnsealProgress { given, needed } = unsealing.progress();
    Ok(format!(
        "{given} of {needed} shares were given, and {others} of something else; name each with {option}"
    ))
}

// === helpers ===

/// Gives where the new shares are. A dry run seals it in memory, and writes nothing.
async fn seal_anew(
    args: &ResealArgs,
    folder: Option<&Path>,
    open: &Resealing,
    foundation: &Foundation,
) -> Result<Vec<PathBuf>, CommandError> {
    let OpenerArgs { passphrase_file, unseal_shares, unseal_threshold, .. } = &args.opener;
    let (resealed, shares) = match (passphrase_file, unseal_shares, unseal_threshold) {
        (Some(file), ..) => {
            let passphrase = read_passphrase(file)?;
            (open.by_passphrase(&passphrase).map_err(StartError::from)?, Vec::new())
        }
        (None, count, threshold) => {
            let (threshold, count) = (threshold.unwrap_or_default(), count.unwrap_or_default());
            open.by_shares(threshold, count).map_err(StartError::from)?
        }
    };
    if args.dry_run {
        return Ok(Vec::new());
    }
    foundation.must_record(const { ReasonCode::new("root-key-resealing") }).await?;
    // On the medium before they are needed.
    let share_files = folder.map(|folder| write_shares(folder, &shares)).transpose()?.unwrap_or_default();
    resealed.put_in_place().map_err(StartError::from)?;
    foundation.must_record(const { ReasonCode::new("root-key-resealed") }).await?;
    Ok(share_files)
}

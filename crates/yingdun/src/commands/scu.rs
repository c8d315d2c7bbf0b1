//! `echo` and `store`: this program as a client of other DICOM nodes.

use super::{CommandError, Verdict};
use crate::cli::{CallingArgs, EchoArgs, StoreArgs};
use crate::echo_report::EchoReport;
use crate::output::Output;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use yingdun_dimse::association::{Proposals, Timeouts};
use yingdun_dimse::scu::{Answer, DicomFile, Scu, ScuError, Sender, Settings, diagnose};
use yingdun_dimse::tls;
use yingdun_model::AeTitle;

/// Calls a peer and asks whether it is there; says at which step it is not, and why.
pub(super) async fn echo(args: EchoArgs, output: Output) -> Result<Verdict, CommandError> {
    let CallingArgs { destination, .. } = &args.calling;
    let timeouts = Timeouts::within(Duration::from_secs(u64::from(args.wait)));
    let settings = Settings { timeouts, ..settings(&args.calling)? };
    let diagnosis = diagnose(destination, &settings).await;
    let report = EchoReport::of(destination, settings.tls.is_some(), diagnosis);
    output.say(&report, |language| report.text(language))?;
    Ok(Verdict::of(report.is_good()))
}

/// What became of one file.
struct Sent {
    file: PathBuf,
    /// Why it was not stored.
    fault: Option<String>,
}

/// Sends files; bad when one of them was not stored.
pub(super) async fn store(args: StoreArgs, output: Output) -> Result<Verdict, CommandError> {
    let settings = settings(&args.calling)?;
    let files = tokio::task::spawn_blocking(move || files_of(&args.paths)).await;
    let files = files.map_err(std::io::Error::other)??;
    let (began, mut bytes, mut sent) = (Instant::now(), 0_u64, Vec::with_capacity(files.len()));
    let mut waiting = files.into_iter().peekable();
    while waiting.peek().is_some() {
        let mut batch = Vec::new();
        let mut proposals = Proposals::new();
        // As many files as one association has presentation contexts for.
        while let Some(path) = waiting.peek() {
            match DicomFile::open(path).await {
                Ok(file) => {
                    let object = &file.object;
                    if proposals.add(object.sop_class.clone(), object.transfer_syntax.clone()).is_err() {
                        break;
                    }
                    batch.push(path.clone());
                }
                Err(error) => sent.push(Sent { file: path.clone(), fault: Some(error.to_string()) }),
            }
            waiting.next();
        }
        if !batch.is_empty() {
            proposals.invoke(args.operations);
            bytes += send(&args.calling, &settings, &proposals, batch, &mut sent).await?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let stored = sent.iter().filter(|sent| sent.fault.is_none()).count();
    let rate = bytes as f64 / 1e6 / seconds.max(1e-9);
    let faults: Vec<_> = sent.iter().filter_map(|sent| Some((&sent.file, sent.fault.as_ref()?))).collect();
    let failed: Vec<_> = faults.iter().map(|(file, fault)| json!({"file": file, "reason": fault})).collect();
    let document = json!({
        "stored": stored, "total": sent.len(), "bytes": bytes, "seconds": seconds, "mb_per_s": rate, "failed": failed,
    });
    output.say(&document, |language| {
        let mut text =
            language.stored(stored, sent.len(), format_args!("{seconds:.2}"), format_args!("{rate:.1}"));
        for (file, fault) in &faults {
            text.push('\n');
            text.push_str(&language.not_stored(file.display(), fault));
        }
        text
    })?;
    Ok(Verdict::of(stored == sent.len() && stored > 0))
}

/// Sends a batch over one association and returns how many bytes were stored.
async fn send(
    calling: &CallingArgs,
    settings: &Settings,
    proposals: &Proposals,
    batch: Vec<PathBuf>,
    sent: &mut Vec<Sent>,
) -> Result<u64, CommandError> {
    let mut bytes = 0;
    let scu = Scu::connect(&calling.destination, settings, proposals).await?;
    let mut sender: Sender<(PathBuf, u64)> = Sender::over(scu);
    let mut answered = |((file, long), answer): ((PathBuf, u64), Answer), sent: &mut Vec<Sent>| {
        let fault = (!answer.status.is_stored()).then(|| {
            let comment = answer.comment.map(|words| format!(": {words}")).unwrap_or_default();
            format!("{}{comment}", answer.status)
        });
        bytes += if fault.is_none() { long } else { 0 };
        sent.push(Sent { file, fault });
    };
    for path in batch {
        let mut file = match DicomFile::open(&path).await {
            Ok(file) => file,
            Err(error) => {
                sent.push(Sent { file: path, fault: Some(error.to_string()) });
                continue;
            }
        };
        let DicomFile { object, data_set } = &mut file;
        if !sender.accepts(&object.sop_class, &object.transfer_syntax) {
            let (sop_class, transfer_syntax) = (object.sop_class.clone(), object.transfer_syntax.clone());
            let fault = ScuError::NotAccepted { sop_class, transfer_syntax }.to_string();
            sent.push(Sent { file: path, fault: Some(fault) });
            continue;
        }
        let long = data_set.metadata().await.map_or(0, |metadata| metadata.len());
        if let Some(one) = sender.send((path, long), object, data_set, None).await? {
            answered(one, sent);
        }
    }
    while let Some(one) = sender.answered().await? {
        answered(one, sent);
    }
    sender.release().await?;
    Ok(bytes)
}

pub(super) fn settings(args: &CallingArgs) -> Result<Settings, CommandError> {
    let identity = args.certificate_file.as_ref().zip(args.private_key_file.as_ref());
    settings_of(&args.calling, args.ca_file.as_deref(), identity)
}

/// How a peer is called: over TLS, with a certificate and its key if there are any, where its authority is named.
pub(super) fn settings_of(
    calling: &AeTitle,
    ca_file: Option<&Path>,
    identity: Option<(&PathBuf, &PathBuf)>,
) -> Result<Settings, CommandError> {
    let settings = Settings::new(calling.clone());
    let Some(ca_file) = ca_file else { return Ok(settings) };
    let trust = tls::Trust::from_pem(&read(ca_file)?)?;
    let identity = match identity {
        Some((certificate, key)) => Some(tls::Identity::from_pem(&read(certificate)?, &read(key)?)?),
        None => None,
    };
    Ok(settings.with_tls(tls::client_config(identity, &trust)?))
}

/// Files as named, and every file below a named folder, in the order of their paths.
pub(super) fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files).map_err(|cause| CommandError::File { path: path.clone(), cause })?;
    }
    Ok(files)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        path.metadata()?;
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|cause| CommandError::File { path: path.to_owned(), cause })
}

//! `migrate`: studies of another archive into a running one, over DICOMweb, with a report that compares both.

use super::{CommandError, Verdict};
use crate::cli::{MigrateArgs, ServerArgs};
use crate::output::Output;
use crate::transfer::link::{Link, line_of};
use crate::transfer::meter::Meter;
use crate::transfer::migrate::{Credentials, Folder, Listed, Mover, Remote, StudyReport};
use crate::transfer::stop::until_stopped;
use crate::transfer::store::Store;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Studies with faults that the report on the terminal names; the others are in the folder.
const STUDIES_SHOWN_MAX: usize = 20;

/// Migrates; bad when a study is not here as it is there.
pub(super) async fn migrate(args: MigrateArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let source = source_of(&args)?;
    let dates = dates_of(&args);
    if args.dry_run {
        return estimate(&source, dates.as_deref(), output).await;
    }
    // The command line demands it unless this is a dry run.
    let server = args.target.server.clone().unwrap_or_default();
    let about = [args.from.as_str(), server.as_str(), dates.as_deref().unwrap_or_default()];
    let (folder, listed) = Folder::open(&args.folder, about, args.resume)?;
    let meter = Arc::new(Meter::default());
    let server = ServerArgs { server: server.clone(), ca_file: args.target.ca_file.clone() };
    let store = Store::new(Link::connect(&server, &args.identity).await?, Arc::clone(&meter));
    if !listed {
        source.studies(dates.as_deref(), |studies| folder.list(&studies)).await?;
        folder.listed()?;
    }
    for study in folder.left()? {
        meter.files_total.fetch_add(study?.instances.unwrap_or_default(), Ordering::Relaxed);
    }
    let mover = Mover::new(source, store, Arc::clone(&meter), args.verify_only);
    let stop = AtomicBool::new(false);
    let work = async {
        stream::iter(folder.left()?)
            .take_while(|_| std::future::ready(!stop.load(Ordering::Relaxed)))
            .map(|study| async { mover.study(&study?).await })
            .buffer_unordered(usize::from(args.connections))
            .try_for_each(|report| std::future::ready(folder.report(&report)))
            .await
    };
    // Studies that were begun are finished and written down.
    let done = meter.show(output.language(), until_stopped(&stop, work)).await?;
    let Some(()) = done.transpose()? else { return Ok(Verdict::Bad) };
    let interrupted = stop.load(Ordering::Relaxed);
    let left = folder.left()?.count();
    say(&args, &folder, left, interrupted, began.elapsed().as_secs_f64(), output)?;
    Ok(Verdict::of(left == 0 && !interrupted))
}

fn source_of(args: &MigrateArgs) -> Result<Remote, CommandError> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path).map_err(|cause| CommandError::File { path: path.clone(), cause })
    };
    let ca = args.from_ca_file.as_ref().map(read).transpose()?;
    let credentials = match (&args.from_token_file, &args.from_basic_file) {
        (Some(file), _) => Credentials::Bearer(line_of(file)?),
        (None, Some(file)) => Credentials::Basic(line_of(file)?),
        (None, None) => Credentials::None,
    };
    Ok(Remote::new(&args.from, ca.as_deref(), credentials)?)
}

/// A range of QIDO-RS (PS3.4 §C.2.2.2.5); `None` for all studies, with a date or without.
fn dates_of(args: &MigrateArgs) -> Option<String> {
    match (&args.since, &args.until) {
        (None, None) => None,
        (since, until) => {
            Some(format!("{}-{}", since.as_deref().unwrap_or_default(), until.as_deref().unwrap_or_default()))
        }
    }
}

/// Says what there is, and moves nothing.
async fn estimate(source: &Remote, dates: Option<&str>, output: Output) -> Result<Verdict, CommandError> {
    let (mut studies, mut instances, mut uncounted) = (0_u64, 0_u64, 0_u64);
    let count = |page: Vec<Listed>| {
        for Listed { instances: known, .. } in page {
            studies += 1;
            instances += known.unwrap_or_default();
            uncounted += u64::from(known.is_none());
        }
        Ok(())
    };
    source.studies(dates, count).await?;
    let document = json!({"dry_run": true, "studies": studies, "instances": instances, "studies_without_count": uncounted});
    output.say(&document, |language| language.would_migrate(studies, instances))?;
    Ok(Verdict::Good)
}

fn say(
    args: &MigrateArgs,
    folder: &Folder,
    left: usize,
    interrupted: bool,
    seconds: f64,
    output: Output,
) -> Result<(), CommandError> {
    let mut last: std::collections::HashMap<String, StudyReport> = std::collections::HashMap::new();
    for report in folder.reports()? {
        last.insert(report.study.clone(), report);
    }
    let sum = |of: fn(&StudyReport) -> u64| last.values().map(of).sum::<u64>();
    let good = last.values().filter(|report| report.is_good()).count();
    let mut bad: Vec<&StudyReport> = last.values().filter(|report| !report.is_good()).collect();
    bad.sort_by(|a, b| a.study.cmp(&b.study));
    bad.truncate(STUDIES_SHOWN_MAX);
    let document = json!({
        "studies_good": good, "studies_left": left, "interrupted": interrupted, "seconds": seconds,
        "listed": sum(|r| r.listed), "received": sum(|r| r.received), "bytes": sum(|r| r.bytes),
        "stored": sum(|r| r.stored), "duplicate": sum(|r| r.duplicate), "new_version": sum(|r| r.new_version),
        "refused": sum(|r| r.refused), "missing": sum(|r| r.missing), "absent": sum(|r| r.absent),
        "different": sum(|r| r.different), "same": sum(|r| r.same), "studies_bad": bad, "folder": args.folder,
    });
    output.say(&document, |language| {
        let mut text = language.migrated(good, left, sum(|r| r.same), format!("{seconds:.1}"));
        for report in &bad {
            let reason = report.failed.clone().unwrap_or_else(|| {
                format!(
                    "listed {}, same {}, missing {}, refused {}, absent {}, different {}",
                    report.listed,
                    report.same,
                    report.missing,
                    report.refused,
                    report.absent,
                    report.different
                )
            });
            text.push('\n');
            text.push_str(&language.not_stored(&report.study, reason));
        }
        if interrupted || left > 0 {
            text.push('\n');
            text.push_str(&language.import_interrupted(args.folder.display()));
        }
        text
    })?;
    Ok(())
}

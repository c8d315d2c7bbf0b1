//! `import`: folders, media and archives into a running archive.

use super::{CommandError, Verdict, link, progress};
use crate::cli::{ImportArgs, ServerArgs};
use crate::output::Output;
use crate::process::signals::until_stopped;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use yingdun_transfer::Store;
use yingdun_transfer::import::{FaultList, Import, Journal};
use yingdun_transfer::meter::Meter;
use yingdun_transfer::tally::Tally;

/// Imports; bad when something that should be in the archive is not.
pub(super) async fn import(args: ImportArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let (meter, stop) = (Arc::new(Meter::default()), Arc::new(AtomicBool::new(false)));
    let import = Import::new(args.paths.clone(), args.all_files, Arc::clone(&meter), Arc::clone(&stop));
    let work = async {
        let faults = args.faults.as_deref().map(FaultList::open).transpose()?;
        if args.dry_run {
            Ok(import.look(faults).await?)
        } else {
            transfer(&args, &import, faults, &meter).await
        }
    };
    let done = progress::show(&meter, output.language(), until_stopped(&stop, work)).await?;
    let Some(tally) = done.transpose()? else { return Ok(Verdict::Bad) };
    let interrupted = stop.swap(true, Ordering::Relaxed);
    report(&args, &tally, interrupted, began.elapsed(), output)?;
    Ok(Verdict::of(!interrupted && tally.faults() == 0 && tally.kept() + tally.would_store > 0))
}

async fn transfer(
    args: &ImportArgs,
    import: &Import,
    faults: Option<FaultList>,
    meter: &Arc<Meter>,
) -> Result<Tally, CommandError> {
    // The command line demands it unless this is a dry run.
    let server = args.target.server.clone().unwrap_or_default();
    let mut what = vec![server.clone()];
    for path in &args.paths {
        let absolute = std::path::absolute(path)?;
        what.push(absolute.display().to_string());
    }
    let journal = Journal::open(&args.journal, what, args.resume)?;
    let server = ServerArgs { server, ca_file: args.target.ca_file.clone() };
    let store = Store::new(link(&server, &args.identity).await?, Arc::clone(meter));
    Ok(import.run(journal, faults, store, usize::from(args.connections)).await?)
}

fn report(
    args: &ImportArgs,
    tally: &Tally,
    interrupted: bool,
    elapsed: Duration,
    output: Output,
) -> Result<(), CommandError> {
    let seconds = elapsed.as_secs_f64();
    let document = json!({
        "dry_run": args.dry_run,
        "interrupted": interrupted,
        "seconds": seconds,
        "tally": tally,
    });
    output.say(&document, |language| {
        let megabytes = format!("{:.1}", tally.bytes as f64 / 1e6);
        let mut text = if args.dry_run {
            language.would_import(tally.would_store, megabytes)
        } else {
            let (stored, duplicate, version) = (tally.stored, tally.duplicate, tally.new_version);
            language.imported(stored, duplicate, version, megabytes, format!("{seconds:.1}"))
        };
        for (reason, count) in &tally.skipped {
            text.push('\n');
            text.push_str(&language.import_skipped(count, reason));
        }
        for (reason, count) in &tally.refused {
            text.push('\n');
            text.push_str(&language.import_refused(count, reason));
        }
        if tally.unreadable + tally.missing > 0 {
            text.push('\n');
            text.push_str(&language.import_unread(tally.unreadable, tally.missing));
        }
        for fault in &tally.first_faults {
            text.push('\n');
            text.push_str(&language.not_stored(&fault.file, &fault.reason));
        }
        if interrupted {
            text.push('\n');
            text.push_str(&language.import_interrupted(args.journal.display()));
        }
        text
    })?;
    Ok(())
}

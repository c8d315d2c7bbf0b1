//! `import`: folders, media and zip archives into a running archive.
//!
//! One thread finds files in a fixed order and makes batches of them; several senders store batches at the same time; what
//! is done is joined in order again, so that one place in the journal says what is left.

use super::{CommandError, Verdict};
use crate::cli::{ImportArgs, ServerArgs};
use crate::output::Output;
use crate::transfer::TransferError;
use crate::transfer::journal::Journal;
use crate::transfer::link::Link;
use crate::transfer::meter::Meter;
use crate::transfer::source::{Candidate, Found, Place, Sources};
use crate::transfer::stop::until_stopped;
use crate::transfer::store::{Store, judge};
use crate::transfer::tally::{self, Tally};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};

/// Files and bytes of one request: long enough that its round trip does not count, short enough that little is sent again
/// when it breaks off.
const BATCH_FILES_MAX: usize = 64;
const BATCH_BYTES_MAX: u64 = 32 << 20;

/// Batches that wait for a sender. Each holds some kilobytes of names.
const BATCHES_AHEAD: usize = 16;

/// How often the journal is written.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of a file that a dry run looks at.
const LOOK_BYTES: u64 = 64 << 10;

/// Files that follow each other, and what was settled about some before anything was sent.
struct Batch {
    number: u64,
    /// The place of its last file.
    end: Place,
    names: Vec<String>,
    files: Arc<Vec<Candidate>>,
    settled: Tally,
}

/// What became of a batch.
struct Done {
    number: u64,
    end: Place,
    tally: Tally,
}

/// Imports; bad when something that should be in the archive is not.
pub(super) async fn import(args: ImportArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let missing = |(path, cause)| CommandError::File { path, cause };
    let sources = Sources::new(args.paths.clone(), args.all_files).map_err(missing)?;
    let meter = Arc::new(Meter::default());
    let stop = Arc::new(AtomicBool::new(false));
    tokio::task::spawn_blocking({
        let (paths, all_files) = (args.paths.clone(), args.all_files);
        let (meter, stop) = (Arc::clone(&meter), Arc::clone(&stop));
        move || count(paths, all_files, &meter, &stop)
    });
    let work = async {
        if args.dry_run {
            dry_run(sources, &meter, &stop).await
        } else {
            transfer(&args, sources, &meter, &stop).await
        }
    };
    let done = meter.show(output.language(), until_stopped(&stop, work)).await?;
    let Some(tally) = done.transpose()? else { return Ok(Verdict::Bad) };
    let interrupted = stop.swap(true, Ordering::Relaxed);
    report(&args, &tally, interrupted, began.elapsed(), output)?;
    Ok(Verdict::of(!interrupted && tally.faults() == 0 && tally.kept() + tally.would_store > 0))
}

/// Judges every file and sends none.
async fn dry_run(
    sources: Sources,
    meter: &Arc<Meter>,
    stop: &Arc<AtomicBool>,
) -> Result<Tally, CommandError> {
    let (meter, stop) = (Arc::clone(meter), Arc::clone(stop));
    let looked = tokio::task::spawn_blocking(move || {
        let mut tally = Tally::default();
        for Found { name, what, .. } in sources.take_while(|_| !stop.load(Ordering::Relaxed)) {
            let (bytes, verdict) = match what {
                Ok(file) => (file.bytes, look(&file)),
                Err(verdict) => (0, verdict),
            };
            meter.bytes.fetch_add(bytes, Ordering::Relaxed);
            meter.files.fetch_add(1, Ordering::Relaxed);
            tally.add(&name, bytes, verdict);
        }
        tally
    });
    Ok(looked.await.map_err(std::io::Error::other)?)
}

fn look(file: &Candidate) -> tally::Verdict {
    let mut start = Vec::new();
    match file.read(|reader| reader.take(LOOK_BYTES).read_to_end(&mut start)) {
        Ok(Ok(_)) => judge(&start).map_or_else(tally::Verdict::Skipped, |()| tally::Verdict::Would),
        Ok(Err(error)) | Err(error) => tally::Verdict::Unreadable(error.to_string()),
    }
}

/// Sends everything that is left according to the journal.
async fn transfer(
    args: &ImportArgs,
    sources: Sources,
    meter: &Arc<Meter>,
    stop: &Arc<AtomicBool>,
) -> Result<Tally, CommandError> {
    // The command line demands it unless this is a dry run.
    let server = args.target.server.clone().unwrap_or_default();
    let mut what = vec![server.clone()];
    for path in &args.paths {
        let absolute = std::path::absolute(path)?;
        what.push(absolute.display().to_string());
    }
    let mut journal = Journal::open(&args.journal, what, args.resume)?;
    let server = ServerArgs { server, ca_file: args.target.ca_file.clone() };
    let store = Arc::new(Store::new(Link::connect(&server, &args.identity).await?, Arc::clone(meter)));
    journal.save()?;
    meter.files.store(journal.tally().files, Ordering::Relaxed);
    meter.bytes.store(journal.tally().bytes, Ordering::Relaxed);

    let (batches, waiting) = mpsc::channel(BATCHES_AHEAD);
    let finder = tokio::task::spawn_blocking({
        let (after, stop) = (journal.place(), Arc::clone(stop));
        move || find(sources, after.as_ref(), &batches, &stop)
    });
    let waiting = Arc::new(Mutex::new(waiting));
    let (report, mut done) = mpsc::channel(BATCHES_AHEAD);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..args.connections {
        let (store, waiting, report) = (Arc::clone(&store), Arc::clone(&waiting), report.clone());
        let (meter, stop) = (Arc::clone(meter), Arc::clone(stop));
        senders.spawn(async move {
            loop {
                let next = waiting.lock().await.recv().await;
                let Some(batch) = next.filter(|_| !stop.load(Ordering::Relaxed)) else { return Ok(()) };
                let sent = send(&store, batch, &meter).await;
                let failed = sent.is_err();
                // Who could not send this one will not send the next one either, and neither will the others.
                if failed {
                    stop.store(true, Ordering::Relaxed);
                }
                if report.send(sent?).await.is_err() {
                    return Ok::<(), TransferError>(());
                }
            }
        });
    }
    drop((report, waiting));
    let joined = join(&mut journal, &mut done).await;
    journal.save()?;
    joined?;
    finder.await.map_err(std::io::Error::other)?;
    while let Some(sender) = senders.join_next().await {
        sender.map_err(std::io::Error::other)??;
    }
    let tally = journal.tally().clone();
    if !stop.load(Ordering::Relaxed) {
        journal.remove()?;
    }
    Ok(tally)
}

async fn send(store: &Store, batch: Batch, meter: &Meter) -> Result<Done, TransferError> {
    let Batch { number, end, names, files, settled: mut tally } = batch;
    let verdicts = store.send(&files).await?;
    for ((name, file), verdict) in names.iter().zip(files.iter()).zip(verdicts) {
        tally.add(name, file.bytes, verdict);
    }
    meter.files.fetch_add(tally.files, Ordering::Relaxed);
    Ok(Done { number, end, tally })
}

/// Brings what is done into its order again and writes it down.
async fn join(journal: &mut Journal, done: &mut mpsc::Receiver<Done>) -> Result<(), TransferError> {
    let mut next = 0;
    let mut parked: BTreeMap<u64, Done> = BTreeMap::new();
    let mut saved: Option<Instant> = None;
    while let Some(one) = done.recv().await {
        parked.insert(one.number, one);
        while let Some(one) = parked.remove(&next) {
            journal.advance(&one.end, one.tally);
            next += 1;
        }
        if saved.is_none_or(|saved| saved.elapsed() >= SAVE_INTERVAL) {
            journal.save()?;
            saved = Some(Instant::now());
        }
    }
    Ok(())
}

/// Makes batches of everything behind a place.
fn find(sources: Sources, after: Option<&Place>, batches: &mpsc::Sender<Batch>, stop: &AtomicBool) {
    let left = sources.filter(|found| after.is_none_or(|after| found.place > *after));
    let mut maker = Maker::default();
    for found in left.take_while(|_| !stop.load(Ordering::Relaxed)) {
        if let Some(batch) = maker.add(found)
            && batches.blocking_send(batch).is_err()
        {
            return;
        }
    }
    if let Some(batch) = maker.cut() {
        let _gone = batches.blocking_send(batch);
    }
}

/// Collects files until a batch is full.
#[derive(Default)]
struct Maker {
    number: u64,
    end: Place,
    names: Vec<String>,
    files: Vec<Candidate>,
    bytes: u64,
    settled: Tally,
}

impl Maker {
    fn add(&mut self, found: Found) -> Option<Batch> {
        self.end = found.place;
        match found.what {
            Ok(file) => {
                self.bytes = self.bytes.saturating_add(file.bytes);
                self.names.push(found.name);
                self.files.push(file);
            }
            Err(verdict) => self.settled.add(&found.name, 0, verdict),
        }
        let full = self.files.len() >= BATCH_FILES_MAX || self.bytes >= BATCH_BYTES_MAX;
        if full { self.cut() } else { None }
    }

    fn cut(&mut self) -> Option<Batch> {
        let Self { number, end, names, files, bytes: _, settled } =
            std::mem::replace(self, Self { number: self.number + 1, ..Self::default() });
        let any = !files.is_empty() || settled.files > 0;
        any.then(|| Batch { number, end, names, files: Arc::new(files), settled })
    }
}

/// Counts everything, so that a person sees how much is left.
fn count(paths: Vec<std::path::PathBuf>, all_files: bool, meter: &Meter, stop: &AtomicBool) {
    let Ok(sources) = Sources::new(paths, all_files) else { return };
    for found in sources.take_while(|_| !stop.load(Ordering::Relaxed)) {
        meter.files_total.fetch_add(1, Ordering::Relaxed);
        meter.bytes_total.fetch_add(found.what.map_or(0, |file| file.bytes), Ordering::Relaxed);
    }
    meter.counted.store(true, Ordering::Relaxed);
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

//! Import: folders, media and archives into a running archive.
//!
//! One thread finds files in a fixed order and makes batches of them; several senders store batches at the same time; what
//! is done is joined in order again, so that one place in the journal says what is left.

mod batch;
mod faults;
mod journal;

pub use faults::FaultList;
pub use journal::Journal;

use crate::TransferError;
use crate::meter::Meter;
use crate::source::{Candidate, Found, Place, Sources};
use crate::store::{Store, judge};
use crate::tally::{Fault, Tally, Verdict};
use batch::{Batch, Maker};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};

/// Batches that wait for a sender. Each holds some kilobytes of names.
const BATCHES_AHEAD: usize = 16;

/// How often the journal is written.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of a file that a dry run looks at.
const LOOK_BYTES: u64 = 64 << 10;

/// What is to be imported. It begins nothing new once `stop` is set.
pub struct Import {
    paths: Vec<PathBuf>,
    all_files: bool,
    meter: Arc<Meter>,
    stop: Arc<AtomicBool>,
}

/// What became of a batch.
struct Done {
    number: u64,
    end: Place,
    tally: Tally,
    faults: Vec<Fault>,
}

impl Import {
    /// Everything below these paths. With `all_files`, a DICOMDIR says nothing about which files of its medium are read.
    #[must_use]
    pub const fn new(paths: Vec<PathBuf>, all_files: bool, meter: Arc<Meter>, stop: Arc<AtomicBool>) -> Self {
        Self { paths, all_files, meter, stop }
    }

    /// Judges every file and sends none.
    ///
    /// # Errors
    /// [`TransferError::File`] when a path is not there, or the list of faults cannot be written.
    pub async fn look(&self, mut faults: Option<FaultList>) -> Result<Tally, TransferError> {
        let sources = self.sources()?;
        self.count();
        let (meter, stop) = (Arc::clone(&self.meter), Arc::clone(&self.stop));
        let looked = tokio::task::spawn_blocking(move || {
            let mut tally = Tally::default();
            for Found { name, what, .. } in sources.take_while(|_| !stop.load(Ordering::Relaxed)) {
                let (bytes, verdict) = match what {
                    Ok(file) => (file.bytes, look(&file)),
                    Err(verdict) => (0, verdict),
                };
                meter.read(bytes);
                meter.done(1);
                let fault = tally.add(&name, bytes, verdict);
                if let (Some(fault), Some(list)) = (fault, &mut faults) {
                    list.add(&[fault])?;
                }
            }
            Ok(tally)
        });
        looked.await?
    }

    /// Sends everything that is left according to the journal, in so many requests at the same time. A journal of an import
    /// that is complete is removed.
    ///
    /// # Errors
    /// [`TransferError`] when the import cannot go on; the journal knows how far it came.
    pub async fn run(
        &self,
        mut journal: Journal,
        mut faults: Option<FaultList>,
        store: Store,
        connections: usize,
    ) -> Result<Tally, TransferError> {
        let sources = self.sources()?;
        self.count();
        journal.save()?;
        self.meter.done(journal.tally().files);
        self.meter.read(journal.tally().bytes);

        let store = Arc::new(store);
        let (batches, waiting) = mpsc::channel(BATCHES_AHEAD);
        let finder = tokio::task::spawn_blocking({
            let (after, stop) = (journal.place(), Arc::clone(&self.stop));
            move || find(sources, after.as_ref(), &batches, &stop)
        });
        let waiting = Arc::new(Mutex::new(waiting));
        let (report, mut done) = mpsc::channel(BATCHES_AHEAD);
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let (store, waiting, report) = (Arc::clone(&store), Arc::clone(&waiting), report.clone());
            let (meter, stop) = (Arc::clone(&self.meter), Arc::clone(&self.stop));
            senders.spawn(async move {
                loop {
                    let next = waiting.lock().await.recv().await;
                    let Some(batch) = next.filter(|_| !stop.load(Ordering::Relaxed)) else { return Ok(()) };
                    let sent = send(&store, batch, &meter).await;
                    // Who could not send this one will not send the next one either, and neither will the others.
                    if sent.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if report.send(sent?).await.is_err() {
                        return Ok::<(), TransferError>(());
                    }
                }
            });
        }
        drop((report, waiting));
        let joined = join(&mut journal, faults.as_mut(), &mut done).await;
        journal.save()?;
        joined?;
        finder.await?;
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        let tally = journal.tally().clone();
        if !self.stop.load(Ordering::Relaxed) {
            journal.remove()?;
        }
        Ok(tally)
    }

    fn sources(&self) -> Result<Sources, TransferError> {
        let missing = |(path, cause)| TransferError::File { path, cause };
        Sources::new(self.paths.clone(), self.all_files).map_err(missing)
    }

    /// Counts everything beside the work, so that a person sees how much is left.
    fn count(&self) {
        let Ok(sources) = self.sources() else { return };
        let (meter, stop) = (Arc::clone(&self.meter), Arc::clone(&self.stop));
        tokio::task::spawn_blocking(move || {
            for found in sources.take_while(|_| !stop.load(Ordering::Relaxed)) {
                meter.found(1, found.what.map_or(0, |file| file.bytes));
            }
            meter.all_found();
        });
    }
}

/// Judges a file by its first bytes.
fn look(file: &Candidate) -> Verdict {
    let mut start = Vec::new();
    match file.read(|reader| reader.take(LOOK_BYTES).read_to_end(&mut start)) {
        Ok(Ok(_)) => judge(&start).map_or_else(Verdict::Skipped, |()| Verdict::Would),
        Ok(Err(error)) | Err(error) => Verdict::Unreadable(error.to_string()),
    }
}

async fn send(store: &Store, batch: Batch, meter: &Meter) -> Result<Done, TransferError> {
    let Batch { number, end, names, files, settled: mut tally, mut faults } = batch;
    let verdicts = store.send(&files).await?;
    for ((name, file), verdict) in names.iter().zip(files.iter()).zip(verdicts) {
        faults.extend(tally.add(name, file.bytes, verdict));
    }
    meter.done(tally.files);
    Ok(Done { number, end, tally, faults })
}

/// Brings what is done into its order again and writes it down.
async fn join(
    journal: &mut Journal,
    mut faults: Option<&mut FaultList>,
    done: &mut mpsc::Receiver<Done>,
) -> Result<(), TransferError> {
    let mut next = 0;
    let mut parked: BTreeMap<u64, Done> = BTreeMap::new();
    let mut saved: Option<Instant> = None;
    while let Some(one) = done.recv().await {
        parked.insert(one.number, one);
        while let Some(one) = parked.remove(&next) {
            // Before the journal: a file that is told twice after a crash is better than one that is never told.
            if let Some(list) = &mut faults {
                list.add(&one.faults)?;
            }
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

//! The audit log: what an append costs, what the index costs, and how long a search takes among so many leaves.
//!
//! ```text
//! 256 producers, one leaf each time, durable ─► leaves/s, acknowledgement
//! bulk load (the same log, on a disk that does not sync) ─► index ─► searches of every combination ─► a table in Markdown
//! ```
//!
//! The bulk load is no measurement: a hundred million leaves that are synced as they come take hours, and would show nothing new.

mod hospital;

use crate::failure::{Failure, Outcome, While};
use crate::statistics::Latencies;
use hospital::{Hospital, QUESTIONS};
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_audit::{Count, Disk, IndexOptions, Log, LogConfig, NodeName, RealDisk};
use yingdun_crypto::sign::SigningKey;

/// Producers at once, as many as a busy archive has streams.
const PRODUCERS: u64 = 256;
/// How many appends of the bulk load wait at once; each has as many leaves as one append takes.
const LOADERS: u64 = 32;
/// Searches of each question, with other people, patients and times each time.
const SEARCHES: u64 = 200;
const PAGE: usize = 100;
const ORIGIN: &str = "bench.example/audit";

/// Measures with so many leaves, and gives the table, in Markdown.
pub(crate) async fn run(work: &Path, leaves: u64, appending: Duration) -> Outcome<String> {
    let mut table = String::new();
    let appended = append(work, appending).await?;
    let (p50, p99) = (appended.latencies.percentile_ms(0.5), appended.latencies.percentile_ms(0.99));
    let rate = appended.latencies.count() as f64 / appended.took.as_secs_f64();
    let _ = writeln!(
        table,
        "Durable appends, {PRODUCERS} producers, {:.0} s, the index following: {rate:.0} leaves/s; acknowledged p50 {p50:.1} ms, p99 {p99:.1} ms.\n",
        appended.took.as_secs_f64(),
    );
    eprint!("{table}");
    search(work, leaves, &mut table).await?;
    Ok(table)
}

struct Appended {
    latencies: Latencies,
    took: Duration,
}

async fn append(work: &Path, appending: Duration) -> Outcome<Appended> {
    let scratch = tempfile::tempdir_in(work).or_fail("making a folder")?;
    let log = open(scratch.path(), Arc::new(RealDisk))?;
    log.start_index(IndexOptions::default()).or_fail("starting the index")?;
    let hospital = Arc::new(Hospital::of(1_000_000)?);
    let started = Instant::now();
    let producers = (0..PRODUCERS).map(|producer| {
        let (log, hospital) = (log.clone(), Arc::clone(&hospital));
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            for n in (producer..).step_by(256).take_while(|_| started.elapsed() < appending) {
                let event = hospital.event(n);
                let asked = Instant::now();
                log.append_one(event).await.or_fail("appending")?;
                latencies.push(asked.elapsed());
            }
            Ok::<_, Failure>(latencies)
        })
    });
    let mut latencies = Vec::new();
    for producer in producers.collect::<Vec<_>>() {
        latencies.extend(producer.await.or_fail("appending")??);
    }
    let took = started.elapsed();
    log.shutdown().await.or_fail("closing the log")?;
    Ok(Appended { latencies: Latencies::new(latencies), took })
}

async fn search(work: &Path, leaves: u64, table: &mut String) -> Outcome<()> {
    let scratch = tempfile::tempdir_in(work).or_fail("making a folder")?;
    let hospital = Arc::new(Hospital::of(leaves)?);
    let started = Instant::now();
    let log = open(scratch.path(), Arc::new(Unsynced))?;
    load(&log, &hospital, leaves).await?;
    let reader = log.reader();
    let time_of = |index| reader.leaf(index).or_fail("reading").map(|logged| logged.leaf.time_ms);
    let hospital = Arc::new(Hospital::of(leaves)?.written(time_of(0)?, time_of(leaves - 1)?));
    eprintln!("{leaves} leaves loaded after {:.0} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let options = IndexOptions { disk: Arc::new(Unsynced), ..IndexOptions::default() };
    log.start_index(options).or_fail("starting the index")?;
    let state = loop {
        let state = log.index_state().ok_or_else(|| Failure::new("there is no index"))?;
        // Merging goes on for a moment after the last leaf.
        if state.leaves == leaves
            && !std::fs::read_dir(scratch.path().join("index")).or_fail("looking")?.any(is_new)
        {
            break state;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let indexed_in = started.elapsed().as_secs_f64();
    let _ = writeln!(
        table,
        "{leaves} leaves. The index, made from the log: {indexed_in:.0} s ({:.1} µs for each leaf), {} files, {:.1} bytes for each leaf.\n\n\
         | search | found | p50 | p99 | longest |\n|---|---:|---:|---:|---:|",
        indexed_in * 1e6 / leaves as f64,
        state.segments,
        state.bytes as f64 / leaves as f64,
    );
    let mut all = Vec::new();
    for question in QUESTIONS {
        let (log, hospital) = (log.clone(), Arc::clone(&hospital));
        let asked = tokio::task::spawn_blocking(move || {
            let mut latencies = Vec::new();
            let mut found = 0;
            for seed in 0..SEARCHES {
                let filter = hospital.filter(question, seed);
                let started = Instant::now();
                let page = log.search(&filter, None, PAGE).or_fail("searching")?;
                latencies.push(started.elapsed());
                found += match page.count {
                    Some(Count::Exactly(count)) => count,
                    Some(Count::AtLeast(_)) | None => return Err(Failure::new("a count is not exact")),
                };
            }
            Ok((latencies, found / SEARCHES))
        });
        let (latencies, found) = asked.await.or_fail("searching")??;
        all.extend(&latencies);
        row(table, &format!("{question:?}"), found, latencies);
    }
    row(table, "all", 0, all);
    log.shutdown().await.or_fail("closing the log")
}

async fn load(log: &Log, hospital: &Arc<Hospital>, leaves: u64) -> Outcome<()> {
    let batch = Log::APPEND_EVENTS_MAX as u64;
    let loaders = (0..LOADERS).map(|loader| {
        let (log, hospital) = (log.clone(), Arc::clone(hospital));
        tokio::spawn(async move {
            let mut from = loader * batch;
            while from < leaves {
                let events = (from..(from + batch).min(leaves)).map(|n| hospital.event(n)).collect();
                log.append(events).await.or_fail("loading")?;
                from += LOADERS * batch;
            }
            Ok::<_, Failure>(())
        })
    });
    for loader in loaders.collect::<Vec<_>>() {
        loader.await.or_fail("loading")??;
    }
    log.checkpoint().await.or_fail("signing")?;
    Ok(())
}

// === helpers ===

/// A disk for a log that is made to be measured and thrown away: nothing is synced.
#[derive(Debug)]
struct Unsynced;

impl Disk for Unsynced {
    fn sync_data(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn open(dir: &Path, disk: Arc<dyn Disk>) -> Outcome<Log> {
    let node = NodeName::new("bench").or_fail("naming the node")?;
    let config = LogConfig { disk, ..LogConfig::new(dir.to_owned(), ORIGIN, node, SigningKey::generate()) };
    Log::open(config).or_fail("opening the log")
}

fn is_new(entry: io::Result<std::fs::DirEntry>) -> bool {
    entry.is_ok_and(|entry| entry.path().extension().is_some_and(|extension| extension == "new"))
}

fn row(table: &mut String, name: &str, found: u64, latencies: Vec<Duration>) {
    let latencies = Latencies::new(latencies);
    let of = |share| latencies.percentile_ms(share);
    let _ =
        writeln!(table, "| {name} | {found} | {:.1} ms | {:.1} ms | {:.1} ms |", of(0.5), of(0.99), of(1.0));
}

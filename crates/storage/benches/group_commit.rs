//! How long a durable append takes, and how many bytes per second go through, on the disk under `--dir`.
//!
//! Not a criterion benchmark: what counts is the disk, whose noise no statistics over short samples removes; each
//! case runs for a fixed number of bytes and prints latency percentiles and throughput.
//!
//! `cargo bench -p yingdun-storage --bench group_commit -- --dir /var/tmp`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use bytes::Bytes;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_model::{InstitutionId, StudyRef};
use yingdun_storage::{
    LogEvents, RealDisk, Record, RecordHeader, RecordKind, ReplicaConfig, Store, StoreConfig,
};

/// Bytes of records per case: some seconds of a slow disk.
const CASE_BYTES: usize = 512 * 1024 * 1024;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--dir").skip(1);
    let root = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    bare(&root, 525_000);
    bare(&root, 250_000);
    println!("replicas writers record_kb  records/s   MB/s   p50 ms   p99 ms   max ms warm read MB/s");
    for replicas in [1, 3] {
        for writers in [1, 4, 16] {
            for record_bytes in [525_000, 250_000] {
                case(&root, replicas, writers, record_bytes).await;
            }
        }
    }
}

/// What the disk itself does: one thread, one growing file, one write and one fdatasync per record.
fn bare(root: &std::path::Path, record_bytes: usize) {
    let mut file = tempfile::tempfile_in(root).unwrap();
    let record = vec![7; record_bytes];
    let mut latencies = Vec::new();
    for _ in 0..CASE_BYTES / 2 / record_bytes {
        let begun = Instant::now();
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        latencies.push(begun.elapsed());
    }
    latencies.sort();
    let middle = ms(latencies[latencies.len() / 2]);
    println!("bare write + fdatasync of {} KB: p50 {middle:.2} ms", record_bytes / 1000);
}

async fn case(root: &std::path::Path, replicas: usize, writers: usize, record_bytes: usize) {
    let directory = tempfile::tempdir_in(root).unwrap();
    let replica = |index: usize| ReplicaConfig {
        directory: directory.path().join(index.to_string()),
        label: index.to_string(),
        failure_domain: index.to_string(),
    };
    let config = StoreConfig::new((0..replicas).map(replica).collect());
    let store = Store::open(config, Arc::new(RealDisk), Arc::new(LogEvents)).await.unwrap();
    let object = Bytes::from((0..record_bytes).map(|index| (index * 31 % 251) as u8).collect::<Vec<_>>());
    let each = CASE_BYTES / record_bytes / writers / replicas;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, object) = (store.clone(), object.clone());
            tokio::spawn(async move {
                let (mut latencies, mut locations) = (Vec::with_capacity(each), Vec::with_capacity(each));
                for _ in 0..each {
                    let record = Record {
                        header: RecordHeader {
                            institution: InstitutionId::new("bench").unwrap(),
                            study: StudyRef::from_bytes([1; 16]),
                            kind: RecordKind::INSTANCE,
                        },
                        descriptor: object.slice(..600),
                        metadata: object.slice(..3000),
                        object: vec![object.clone()],
                    };
                    let begun = Instant::now();
                    let location = store.append(record).await.unwrap();
                    latencies.push(begun.elapsed());
                    locations.push(location);
                }
                (latencies, locations)
            })
        })
        .collect();
    let (mut latencies, mut locations) = (Vec::new(), Vec::new());
    for task in tasks {
        let (some, places) = task.await.unwrap();
        latencies.extend(some);
        locations.extend(places);
    }
    let took = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    for location in &locations {
        let replica = store.replicas_for(location)[0];
        store.read(location, location.object_range(), replica).await.unwrap();
    }
    let read = (locations.len() * record_bytes) as f64 / begun.elapsed().as_secs_f64() / 1e6;
    store.close().await;
    latencies.sort();
    let at = |share: f64| ms(latencies[((latencies.len() - 1) as f64 * share) as usize]);
    let rate = latencies.len() as f64 / took;
    println!(
        "{replicas:8} {writers:7} {:9} {rate:10.0} {:6.0} {:8.2} {:8.2} {:8.2} {read:9.0}",
        record_bytes / 1000,
        rate * record_bytes as f64 / 1e6,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

//! What the disk under all subjects can do at best, in the same run: without it a ratio says little.

use super::Measured;
use crate::data::Random;
use crate::failure::{Outcome, While};
use crate::statistics::Latencies;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// The name of the disk in records.
const DISK: &str = "disk";
/// Bytes of one write.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;
/// Blocks of the sequential write: 512 MiB.
const BLOCKS: usize = 128;
/// Bytes of one append: a CT slice as a modality sends it.
const SLICE_BYTES: usize = 525_000;
/// Appends with a sync each.
const APPENDS: usize = 100;

/// Writes a file and syncs it at the end; appends to a file and syncs after each append. Random bits, so that no
/// layer below compresses them.
pub(crate) fn disk(work: &Path, measured: &mut Measured) -> Outcome<()> {
    const WHAT: &str = "measuring the disk";
    let path = work.join("disk");
    let mut random = Random::new(1);
    let block: Vec<u8> = (0..BLOCK_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let slice = block.get(..SLICE_BYTES).or_fail(WHAT)?;

    let mut file = File::create(&path).or_fail(WHAT)?;
    let started = Instant::now();
    for _ in 0..BLOCKS {
        file.write_all(&block).or_fail(WHAT)?;
    }
    file.sync_all().or_fail(WHAT)?;
    let mb = (BLOCKS * BLOCK_BYTES) as f64 / 1e6;
    measured.add("limit-sequential-write-and-fsync", DISK, "mb_per_s", mb / started.elapsed().as_secs_f64());

    let mut file = File::create(&path).or_fail(WHAT)?;
    let mut latencies = Vec::new();
    for _ in 0..APPENDS {
        let started = Instant::now();
        file.write_all(slice).or_fail(WHAT)?;
        file.sync_data().or_fail(WHAT)?;
        latencies.push(started.elapsed());
    }
    let latencies = Latencies::new(latencies);
    let case = "limit-append-525-kb-and-fdatasync";
    measured.add(case, DISK, "p50_ms", latencies.percentile_ms(0.5));
    measured.add(case, DISK, "p99_ms", latencies.percentile_ms(0.99));
    fs::remove_file(&path).or_fail(WHAT)
}

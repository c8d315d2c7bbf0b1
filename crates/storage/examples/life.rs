//! The life of a store in a folder, for rigs that cut the power of its file system (`tests/test_power_cut.py`).
//!
//! `life write FOLDER --seed N --writers N [--careless data|names]` stores records until it is killed, and prints a line for each that was
//! acknowledged: its number, the bytes of its object and its place. `life check FOLDER` reads such lines from its standard input
//! and prints how many of them are lost or wrong as one JSON record; it fails when one is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a rig fails by panicking")]
#![allow(clippy::print_stdout, reason = "what was acknowledged is told there")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::fault::MockFaultDisk;
use support::power::Dice;
use support::power_cut::{Acknowledged, examine};
use support::{config, header, number, open, option, record};
use yingdun_model::StoreNumber;
use yingdun_storage::{Disk, Location, RealDisk, Store, StoreLocation};

const REPLICAS: usize = 3;
/// Numbers that each writer has for itself.
const NUMBERS_PER_WRITER: u64 = 1 << 32;
/// One record in so many is streamed into a pack of its own.
const RECORDS_PER_STREAM: u64 = 4;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).take(2).collect();
    let [verb, folder] = words.as_slice() else { panic!("usage: life write|check FOLDER") };
    let folder = PathBuf::from(folder);
    match verb.as_str() {
        "write" => write(&folder, number("--seed", 1), option("--careless").as_deref()).await,
        "check" => return check(&folder).await,
        other => panic!("expected write or check, found {other}"),
    }
    ExitCode::SUCCESS
}

async fn write(folder: &Path, seed: u64, careless: Option<&str>) {
    let disk = MockFaultDisk::default();
    let faults = disk.below(folder);
    faults.skips_syncs.store(careless == Some("data"), Ordering::SeqCst);
    faults.skips_directory_syncs.store(careless.is_some(), Ordering::SeqCst);
    let disk: Arc<dyn Disk> = if careless.is_some() { Arc::new(disk) } else { Arc::new(RealDisk) };
    let store = open(&config(folder, REPLICAS), disk).await;
    let writers = (0..number("--writers", 1)).map(|writer| {
        let dice = Dice::new(seed.wrapping_add(writer));
        tokio::spawn(write_without_end(store.clone(), writer * NUMBERS_PER_WRITER, dice))
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

async fn write_without_end(store: Store, first: u64, mut dice: Dice) {
    for number in first.. {
        let bytes = dice.roll(6000) as usize;
        let stored = if dice.roll(RECORDS_PER_STREAM) == 0 {
            stream(&store, number, 10 * bytes).await
        } else {
            (bytes, store.append(record(number, bytes)).await.unwrap())
        };
        let (bytes, location) = stored;
        let line = format!(
            "{number} {bytes} {}\n",
            hex::encode(StoreLocation { store: StoreNumber::FIRST, location }.to_bytes())
        );
        // One call, so that lines of several writers do not mix.
        io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

async fn stream(store: &Store, number: u64, bytes: usize) -> (usize, Location) {
    let whole = record(number, bytes);
    let mut large = store.append_large(header(number)).await.unwrap();
    for segment in whole.object {
        large.write(segment).await.unwrap();
    }
    (bytes, large.finish(whole.descriptor, whole.metadata).await.unwrap())
}

async fn check(folder: &Path) -> ExitCode {
    let acknowledged: Acknowledged = io::stdin().lock().lines().map(|line| parse(&line.unwrap())).collect();
    let outcome = examine(&config(folder, REPLICAS), Arc::new(RealDisk), &acknowledged, true).await;
    println!("{{\"lost\": {}, \"wrong\": {}}}", outcome.lost, outcome.wrong);
    if outcome.lost + outcome.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(line: &str) -> (u64, usize, Location) {
    let words: Vec<&str> = line.split(' ').collect();
    let [number, bytes, location] = words.as_slice() else { panic!("expected three words: {line}") };
    let location = StoreLocation::from_bytes(&hex::decode(location).unwrap()).unwrap().location;
    (number.parse().unwrap(), bytes.parse().unwrap(), location)
}

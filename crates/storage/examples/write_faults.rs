//! The long version of the rig of faults at every write: `cargo run --release -p yingdun-storage --example write_faults --
//! --seed 1 --count 20`, where `--count` is the number of series of records. Prints one JSON record; fails when something
//! acknowledged is lost, something wrong is read, or the store behaves otherwise than it must.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a rig fails by panicking")]
#![allow(clippy::print_stdout, reason = "the record is what a rig is run for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use support::number;
use support::write_faults::run;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = run(number("--seed", 1), number("--count", 20), 1, false).await;
    println!("{outcome}");
    if outcome.is_perfect() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

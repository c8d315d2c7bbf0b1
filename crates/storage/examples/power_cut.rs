//! The long version of the power-cut rig: `cargo run --release -p yingdun-storage --example power_cut -- --seed 1
//! --count 10000 [--first N]`. Prints one JSON record; fails when something acknowledged is lost or something wrong is read. A
//! life that went wrong is lived again with its number behind `--first`; threads race, so it may take many attempts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a rig fails by panicking")]
#![allow(clippy::print_stdout, reason = "the record is what a rig is run for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use support::number;
use support::power_cut::run;

#[tokio::main]
async fn main() -> ExitCode {
    let first = number("--first", 0);
    let outcome = run(number("--seed", 1), first..first + number("--count", 10_000), None).await;
    println!("{outcome}");
    if outcome.lost + outcome.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

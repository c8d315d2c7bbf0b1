//! The long version of the corruption rig: `cargo run --release -p yingdun-storage --example corruption -- --seed 1
//! --count 10000 [--directory DIR]`. Prints one JSON record; fails unless everything was found and put right.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a rig fails by panicking")]
#![allow(clippy::print_stdout, reason = "the record is what a rig is run for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use support::corruption::{Scrubber, run};
use support::{number, option};

#[tokio::main]
async fn main() -> ExitCode {
    let folder = option("--directory").map_or_else(env::temp_dir, PathBuf::from);
    let outcome = run(number("--seed", 1), number("--count", 10_000), Scrubber::Real, &folder).await;
    println!("{outcome}");
    if outcome.is_perfect() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

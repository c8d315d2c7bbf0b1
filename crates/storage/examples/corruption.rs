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

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1))
    };
    let number = |name: &str, otherwise: u64| option(name).map_or(otherwise, |text| text.parse().unwrap());
    let folder = option("--directory").map_or_else(env::temp_dir, PathBuf::from);
    let outcome = run(number("--seed", 1), number("--count", 10_000), Scrubber::Real, &folder).await;
    println!("{outcome}");
    if outcome.is_perfect() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Runs one hot path a given number of times, so that callgrind can count its instructions.
//!
//! ```text
//! script/instructions ─► valgrind --tool=callgrind yingdun-instructions run PATH COUNT
//!                            │  once with COUNT operations and once with twice as many:
//!                            ▼  the difference is the operations alone, without the set-up
//!                        instructions of one operation ─► bench/instructions.tsv
//! ```
//!
//! An instruction count says nothing of caches, disks and waiting, but it is the same on a busy machine: a path that
//! does more work than before shows. How long things take is what `cargo bench` and `script/bench` measure.

mod decisions;
mod images;
mod keys;
mod records;
mod units;

use clap::Parser;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// Run a hot path, for callgrind to count
#[derive(Debug, Parser)]
#[command(name = "yingdun-instructions")]
enum Command {
    /// Print each path, a tab, how often it is to be run, a tab, and the bytes of one operation (0: does not apply)
    List,
    /// Set a path up and run it
    Run {
        /// One of the paths that `list` prints
        path: String,
        /// How often
        operations: u32,
    },
}

/// What may go wrong in a path, which then has no count.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// One run of a path that is set up.
type Operation = Box<dyn FnMut() -> Outcome<()>>;

/// Work of which the archive does much.
struct HotPath {
    name: &'static str,
    /// How often it is to be run: at least eight million instructions; two hundred million where threads share the
    /// heap, because the set-up then varies by one or two.
    operations: u32,
    /// The bytes that one operation passes, where its work grows with them.
    bytes: usize,
    set_up: fn() -> Outcome<Operation>,
}

/// Each crate with what it does for every image, every request or every decision.
const HOT_PATHS: [HotPath; 19] = [
    HotPath { name: "crypto/seal", operations: 20, bytes: images::PIXEL_BYTES, set_up: images::seal },
    HotPath { name: "crypto/open", operations: 20, bytes: images::PIXEL_BYTES, set_up: images::open },
    HotPath { name: "crypto/blake3", operations: 20, bytes: images::PIXEL_BYTES, set_up: images::blake3 },
    HotPath { name: "crypto/wrap", operations: 500, bytes: 0, set_up: keys::wrap },
    HotPath { name: "crypto/unwrap", operations: 500, bytes: 0, set_up: keys::unwrap },
    HotPath { name: "crypto/token", operations: 5000, bytes: 0, set_up: keys::token },
    HotPath { name: "dicom/pack", operations: 10, bytes: images::PIXEL_BYTES, set_up: images::pack },
    HotPath { name: "dicom/unpack", operations: 10, bytes: images::PIXEL_BYTES, set_up: images::unpack },
    HotPath { name: "dicom/scan", operations: 200, bytes: 0, set_up: images::scan },
    HotPath { name: "dicom/index", operations: 500, bytes: 0, set_up: images::index },
    HotPath { name: "dicom/json", operations: 200, bytes: 0, set_up: images::json },
    HotPath { name: "dimse/decode-data", operations: 20_000, bytes: 0, set_up: units::decode_data },
    HotPath {
        name: "dimse/encode-data",
        operations: 500,
        bytes: units::FRAGMENT_BYTES,
        set_up: units::encode_data,
    },
    HotPath { name: "dimse/decode-request", operations: 200, bytes: 0, set_up: units::decode_request },
    HotPath { name: "dimse/encode-request", operations: 200, bytes: 0, set_up: units::encode_request },
    HotPath { name: "access/decide", operations: 2000, bytes: 0, set_up: decisions::decide },
    HotPath { name: "audit/leaf", operations: 1000, bytes: 0, set_up: decisions::leaf },
    HotPath { name: "catalog/search", operations: 200, bytes: 0, set_up: records::search },
    HotPath { name: "catalog/look-up", operations: 5000, bytes: 0, set_up: records::look_up },
];

fn main() -> ExitCode {
    match obey(&Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody to tell when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "yingdun-instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: &Command) -> Outcome<()> {
    match command {
        Command::List => {
            let mut out = std::io::stdout().lock();
            for HotPath { name, operations, bytes, .. } in &HOT_PATHS {
                writeln!(out, "{name}\t{operations}\t{bytes}")?;
            }
            Ok(())
        }
        Command::Run { path, operations } => {
            let known = HOT_PATHS.iter().find(|known| known.name == path);
            let mut operation = (known.ok_or_else(|| format!("no path is named {path}"))?.set_up)()?;
            (0..*operations).try_for_each(|_| operation())
        }
    }
}

//! Side by side with peers: Orthanc, DCMTK's and dicom-rs' receivers, and Yingdun, in one run on one disk.
//!
//! ```text
//! data (seeded, in memory) ─► load (C-STORE, HTTP) ─► subject (a server in an empty folder)
//!                                     │                   │ /proc: CPU, RSS; its folder: bytes
//!                                     └──► case ◄─────────┘
//!                                           └─► Measured ─► report: docs/benchmarks.md, --json
//! ```
//!
//! `script/bench` builds the archive and runs this. It never touches a server that it did not start, and removes
//! what its servers wrote.

// A program that a person watches: progress goes to standard error.
#![allow(clippy::print_stderr)]

mod access;
mod alone;
mod audit;
mod case;
mod catalogue;
mod console;
mod data;
mod failure;
mod flood;
mod load;
mod machine;
mod monitor;
mod nodes;
mod pki;
mod process;
mod report;
mod rewrap;
mod statistics;
mod subject;

use case::{Measured, Size};
use clap::{Parser, ValueEnum};
use failure::{Failure, Outcome, While};
use machine::Machine;
use pki::Pki;
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use subject::{Environment, Subject};
use yingdun_hospital::Split;

/// Measure Yingdun side by side with its peers
#[derive(Debug, Parser)]
#[command(name = "script/bench")]
struct Arguments {
    /// Write the records {case, subject, metric, value, unit, ratio_to, ratio} to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these parts; the page is written only when nothing is left out
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Little work, one round: shows that everything runs; the page is not written
    #[arg(long)]
    quick: bool,
    /// How often each measurement is repeated [default: 3; 1 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    rounds: Option<u8>,
    /// Where the page is written
    #[arg(long, value_name = "FILE", default_value = "docs/benchmarks.md")]
    page: PathBuf,
    /// Write the page even with --only or --quick
    #[arg(long)]
    page_always: bool,
    /// Files of the folder that is imported in the part `transfer` [default: 100000; 2000 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    files: Option<u32>,
    /// Studies of the parts `catalogue` and `console`, of three series each, and `rewrap` [default: 1000000; 20000 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1000..=10_000_000))]
    studies: Option<u32>,
    /// Leaves of the part `audit`; a hundred million take some 55 GB [default: 100000000; 300000 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100_000..=2_000_000_000))]
    leaves: Option<u64>,
    /// Instances of each series in the part `catalogue`; 10 with a million studies take 9 GB more than 1
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    instances_per_series: u32,
    /// Engines of the parts `catalogue` and `rewrap` [default: both, one after the other]
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    engines: Vec<catalogue::Engine>,
    /// Keep the loaded catalogues of the part `catalogue` in a folder, and use those that it has
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// An SQLite catalogue that was kept, to which Yingdun adds what it stores: for the part `ingest`, whose page is not
    /// written then
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Runs of each hospital in the part `monitor` [default: 5; 1 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200))]
    seeds: Option<u32>,
    /// Days of each run in the part `monitor` [default: 30; 14 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(14..=366))]
    days: Option<u32>,
    /// Which seeds the part `monitor` takes; figures that are published are of those held out
    #[arg(long, value_enum, default_value = "held-out")]
    split: Split,
    /// Which rows the part `console` has [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<console::Row>,
    /// A folder on the disk to be measured; it is emptied
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    work: PathBuf,
    /// The program to be measured
    #[arg(long, value_name = "FILE", default_value = "target/release/yingdun")]
    binary: PathBuf,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Ingest,
    Retrieve,
    Query,
    /// C-GET and C-MOVE
    Dimse,
    /// An object of five gigabytes
    Large,
    /// A zip archive of a study, the import of a folder
    Transfer,
    /// A catalogue with a million studies
    Catalogue,
    /// A million study keys wrapped again under a new key
    Rewrap,
    /// Three nodes on one PostgreSQL against one
    Nodes,
    /// Decisions beside a million care relations
    Access,
    /// One reader while others flood the door
    Gateway,
    /// What the monitor finds in synthetic hospitals
    Monitor,
    /// Appends to the audit log, its index, and searches in it
    Audit,
    /// What a person waits for in a browser, and what is left of marks
    Console,
}

impl Part {
    /// Whether it has a table of its own and no peers beside it.
    fn is_alone(&self) -> bool {
        match self {
            Self::Ingest | Self::Retrieve | Self::Query | Self::Dimse | Self::Large | Self::Transfer => false,
            Self::Catalogue
            | Self::Rewrap
            | Self::Nodes
            | Self::Access
            | Self::Gateway
            | Self::Monitor
            | Self::Audit
            | Self::Console => true,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Runtime::new()
        .or_fail("starting")
        .and_then(|runtime| runtime.block_on(measure(&arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("script/bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Outcome<()> {
    if arguments.only.iter().any(Part::is_alone) {
        return alone::run(arguments).await;
    }
    let size = size(arguments);
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    for subject in [Subject::Orthanc { tls: false }, Subject::Storescp { tls: false }] {
        if !subject.is_installed() {
            return Err(Failure::new(format!("{} is not installed: script/bootstrap test", subject.name())));
        }
    }
    if !Subject::DicomRs.is_installed() {
        eprintln!("dicom-rs' receiver is not installed and is left out: cargo install dicom-storescp");
    }
    if !machine::can_drop_caches() {
        eprintln!("the page cache cannot be dropped here (root?): cases with a cold cache are left out");
    }
    let environment = environment(arguments)?;
    let machine = Machine::look(&environment.work, &environment.binary)?;

    let mut measured = Measured::default();
    case::limits::disk(&environment.work, &mut measured)?;
    if wanted(Part::Ingest) {
        for _ in 0..size.rounds {
            case::transform::run(&mut measured)?;
        }
        case::ingest::run(&environment, size, &mut measured).await?;
    }
    if wanted(Part::Retrieve) {
        case::retrieve::run(&environment, size, &mut measured).await?;
    }
    if wanted(Part::Query) {
        case::query::run(&environment, size, &mut measured).await?;
    }
    if wanted(Part::Dimse) {
        case::dimse::run(&environment, size, &mut measured).await?;
    }
    if wanted(Part::Large) {
        case::large::run(&environment, size, &mut measured).await?;
    }
    if wanted(Part::Transfer) {
        case::transfer::run(&environment, size, &mut measured).await?;
    }
    fs::remove_dir_all(&environment.work).or_fail("removing the work folder")?;

    write_records(arguments, &report::records(&measured))?;
    let whole = arguments.only.is_empty() && !arguments.quick && arguments.catalogue.is_none();
    if arguments.page_always || whole {
        let command = command_line();
        let page = report::page(&measured, &machine, size, &command, machine.stolen_percent()?);
        fs::write(&arguments.page, page).or_fail(arguments.page.display())?;
        eprintln!("wrote {}", arguments.page.display());
    } else {
        let table = report::targets_table(&measured, size);
        std::io::stdout().write_all(table.as_bytes()).or_fail("writing the table")?;
    }
    Ok(())
}

/// How much work was asked for.
fn size(arguments: &Arguments) -> Size {
    let size = if arguments.quick { Size::QUICK } else { Size::FULL };
    Size {
        imported: arguments.files.unwrap_or(size.imported),
        rounds: arguments.rounds.map_or(size.rounds, usize::from),
        ..size
    }
}

/// Empties the work folder, and makes what starting servers in it needs.
fn environment(arguments: &Arguments) -> Outcome<Environment> {
    if arguments.work.exists() {
        fs::remove_dir_all(&arguments.work).or_fail("emptying the work folder")?;
    }
    fs::create_dir_all(&arguments.work).or_fail("making the work folder")?;
    let absolute = |path: &PathBuf| path.canonicalize().or_fail(path.display());
    let work = absolute(&arguments.work)?;
    Ok(Environment {
        binary: absolute(&arguments.binary)?,
        pki: Pki::make(&work.join("pki"))?,
        work,
        catalogue: arguments.catalogue.as_ref().map(absolute).transpose()?,
    })
}

fn write_records(arguments: &Arguments, records: &impl Serialize) -> Outcome<()> {
    let Some(path) = &arguments.json else { return Ok(()) };
    let records = serde_json::to_string_pretty(records).or_fail("making JSON")?;
    fs::write(path, records + "\n").or_fail(path.display())
}

/// The command as a person typed it: without what `script/bench` adds.
fn command_line() -> String {
    let mut words = vec!["script/bench".to_owned()];
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        if matches!(word.as_str(), "--binary" | "--work") {
            arguments.next();
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

//! Writes a run of the synthetic hospital to files.

use clap::{Parser, Subcommand};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use yingdun_hospital::{Error, Hospital, Lines, Plan, Split, Summary, generate};

/// A hospital that does not exist, to measure monitors against
#[derive(Debug, Parser)]
#[command(name = "yingdun-hospital")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the records of a run, and beside them what was planted
    Generate {
        /// Where everything comes from; what it is for is told by its remainder by 5: 0 to 2 training, 3 validation, 4 held out
        #[arg(long)]
        seed: u64,
        /// How many days, 7 to 366
        #[arg(long, default_value_t = 30)]
        days: u32,
        /// Which hospital
        #[arg(long, value_enum, ignore_case = true, default_value = "A")]
        hospital: Hospital,
        /// How large the hospital is, in percent of its full size
        #[arg(long, default_value_t = 100)]
        percent: u32,
        /// Where the records go, one a line; the file is written anew
        #[arg(long, value_name = "FILE")]
        records: PathBuf,
        /// Where the truth goes, one a line; the file is written anew
        #[arg(long, value_name = "FILE")]
        truth: PathBuf,
    },
}

fn main() -> ExitCode {
    let Command::Generate { seed, days, hospital, percent, records, truth } = Arguments::parse().command;
    let plan = Plan { hospital, seed, days, percent };
    let mut out = std::io::stderr();
    match write(plan, &records, &truth) {
        Ok(summary) => {
            let _ = writeln!(
                out,
                "{} accesses, {} facts, {} attacks, {} look-alikes",
                summary.accesses, summary.facts, summary.attacks, summary.look_alikes
            );
            if Split::of(seed) == Split::HeldOut {
                let _ = writeln!(out, "seed {seed} is held out: do not look at it while you tune a detector");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(out, "yingdun-hospital: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(plan: Plan, records: &Path, truth: &Path) -> Result<Summary, Error> {
    let open = |path: &Path| File::create(path).map(BufWriter::new);
    let mut lines = Lines::new(open(records)?, open(truth)?);
    let summary = generate(plan, &mut lines)?;
    lines.finish()?;
    Ok(summary)
}

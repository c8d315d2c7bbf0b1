//! Parts that have no peer beside them, each with a table of its own: one after the other, as they were asked for.

use crate::case::Measured;
use crate::failure::{Failure, Outcome, While};
use crate::{
    Arguments, Part, access, audit, catalogue, console, environment, flood, monitor, nodes, report, rewrap,
    size, write_records,
};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::time::Duration;

/// Studies of the parts that have many, unless told otherwise; with `--quick`.
const STUDIES: u32 = 1_000_000;
const STUDIES_QUICK: u32 = 20_000;

/// Leaves of the log that is searched, unless told otherwise; with `--quick`.
const LEAVES: u64 = 100_000_000;
const LEAVES_QUICK: u64 = 300_000;
/// For how long leaves are appended; with `--quick`.
const APPENDING: Duration = Duration::from_secs(60);
const APPENDING_QUICK: Duration = Duration::from_secs(3);

/// Measures the parts and writes their tables to standard output; their records, if asked for, in one file.
pub(crate) async fn run(arguments: &Arguments) -> Outcome<()> {
    if let Some(other) = arguments.only.iter().find(|part| !part.is_alone()) {
        return Err(Failure::new(format!(
            "{other:?} is measured beside peers: not in one run with the others"
        )));
    }
    let mut records = Vec::new();
    for part in &arguments.only {
        fs::create_dir_all(&arguments.work).or_fail("making the work folder")?;
        let table = one(*part, arguments, &mut records).await?;
        let mut out = std::io::stdout();
        out.write_all(table.as_bytes()).and_then(|()| out.write_all(b"\n")).or_fail("writing the table")?;
    }
    write_records(arguments, &records)
}

// === helpers ===

async fn one(part: Part, arguments: &Arguments, records: &mut Vec<Value>) -> Outcome<String> {
    let studies = arguments.studies.unwrap_or(if arguments.quick { STUDIES_QUICK } else { STUDIES });
    let mut measured = Measured::default();
    match part {
        Part::Catalogue => {
            let size = catalogue::Size { studies, instances_per_series: arguments.instances_per_series };
            catalogue::run(&arguments.work, arguments.keep.as_deref(), size, &arguments.engines).await
        }
        Part::Rewrap => rewrap::run(&arguments.work, studies, &arguments.engines).await,
        Part::Nodes => {
            let (size, environment) = (size(arguments), environment(arguments)?);
            nodes::run(&environment, size, &mut measured).await?;
            fs::remove_dir_all(&environment.work).or_fail("removing the work folder")?;
            let compared =
                report::records_beside(&measured, nodes::SEVERAL, &[nodes::ONE], nodes::compared_with);
            keep(records, &compared)?;
            Ok(nodes::table(&measured, size))
        }
        Part::Access => {
            let size = if arguments.quick { access::Size::QUICK } else { access::Size::FULL };
            let table = access::run(&arguments.work, size, &mut measured).await?;
            keep(records, &report::records(&measured))?;
            Ok(table)
        }
        Part::Gateway => {
            let (size, environment) = (size(arguments), environment(arguments)?);
            flood::run(&environment, size, &mut measured).await?;
            fs::remove_dir_all(&environment.work).or_fail("removing the work folder")?;
            keep(records, &report::records(&measured))?;
            Ok(flood::table(&measured))
        }
        Part::Monitor => {
            let binary = arguments.binary.canonicalize().or_fail(arguments.binary.display())?;
            let whole = if arguments.quick { monitor::Size::QUICK } else { monitor::Size::FULL };
            let size = monitor::Size {
                seeds: arguments.seeds.unwrap_or(whole.seeds),
                days: arguments.days.unwrap_or(whole.days),
                split: arguments.split,
                ..whole
            };
            let tables = monitor::run(&binary, &arguments.work, size, &mut measured)?;
            keep(records, &report::records(&measured))?;
            Ok(tables)
        }
        Part::Audit => {
            let leaves = arguments.leaves.unwrap_or(if arguments.quick { LEAVES_QUICK } else { LEAVES });
            let appending = if arguments.quick { APPENDING_QUICK } else { APPENDING };
            audit::run(&arguments.work, leaves, appending).await
        }
        Part::Console => {
            let environment = environment(arguments)?;
            let whole = if arguments.quick { console::Size::QUICK } else { console::Size::FULL };
            let wanted =
                console::Size { studies, runs: arguments.rounds.map_or(whole.runs, usize::from), ..whole };
            let table = console::run(&environment, wanted, &arguments.rows, &mut measured).await?;
            fs::remove_dir_all(&environment.work).or_fail("removing the work folder")?;
            keep(
                records,
                &report::records_beside(&measured, console::OURS, &[console::PEER], str::to_owned),
            )?;
            Ok(table)
        }
        Part::Ingest | Part::Retrieve | Part::Query | Part::Dimse | Part::Large | Part::Transfer => {
            Err(Failure::new(format!("{part:?} is measured beside peers")))
        }
    }
}

fn keep(records: &mut Vec<Value>, more: &[report::Record<'_>]) -> Outcome<()> {
    for record in more {
        records.push(serde_json::to_value(record).or_fail("making JSON")?);
    }
    Ok(())
}

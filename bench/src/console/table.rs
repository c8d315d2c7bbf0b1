//! The table that people read.

use super::first::{COLD, SIGN_IN, TOOLS_COLD, TOOLS_WARM, WARM};
use super::marked::{KEY as MARKED_KEY, MARKED, OPEN, PLAIN};
use super::search::{ANSWER, KEY, ROWS};
use super::traces::{CASE, UNMARKED};
use super::{OURS, PEER, Size};
use crate::case::Measured;
use crate::failure::Outcome;
use crate::machine::Machine;
use crate::report::conditions;
use std::fmt::Write;

/// What the numbers show and what they do not.
const READING: &str = include_str!("reading.md");

/// By how much the first picture is to be faster than the peer's.
const TIMES_FASTER: f64 = 3.0;
/// Of how many pictures in a hundred a mark has to be read.
const READ_PERCENT: f64 = 95.0;

/// What was there to be measured.
#[derive(Default)]
pub(super) struct About {
    pub(super) chromium: Option<String>,
    /// Name and version.
    pub(super) peer: Option<String>,
}

/// A time and what it may be at most, in milliseconds.
struct Goal {
    what: String,
    case: &'static str,
    metric: &'static str,
    most_ms: Option<f64>,
}

pub(super) fn table(measured: &Measured, size: Size, machine: &Machine, about: &About) -> Outcome<String> {
    let mut table = conditions(machine, machine.stolen_percent()?);
    let chromium = about.chromium.as_deref().unwrap_or("not used");
    let peer = about.peer.as_deref().unwrap_or("not measured");
    let _ = writeln!(
        table,
        "| Browser | Chromium {chromium}, headless, SwiftShader, 1440 × 900 |\n| Peer | {peer} |"
    );
    times(measured, size, &mut table);
    compared(measured, &mut table);
    traces(measured, &mut table);
    table.push('\n');
    table.push_str(READING);
    Ok(table)
}

// === helpers ===

fn times(measured: &Measured, size: Size, table: &mut String) {
    let goals = goals(size);
    let rows: Vec<_> = goals
        .iter()
        .filter_map(|goal| Some((goal, measured.median(goal.case, OURS, goal.metric)?)))
        .collect();
    if rows.is_empty() {
        return;
    }
    table.push_str("\n| what | times | measured | goal | |\n|---|---:|---:|---:|---|\n");
    for (goal, value) in rows {
        let times =
            measured.median(goal.case, OURS, "times").map_or("–".to_owned(), |times| format!("{times:.0}"));
        let (bound, verdict) = match goal.most_ms {
            Some(most) => (format!("≤ {most} ms"), if value <= most { "met" } else { "**missed**" }),
            None => ("–".to_owned(), ""),
        };
        let _ = writeln!(table, "| {} | {times} | {value:.1} ms | {bound} | {verdict} |", goal.what);
    }
}

fn goals(size: Size) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut both = |what: &str, case, most: [Option<f64>; 2]| {
        for ((name, metric), most_ms) in [("p50", "p50_ms"), ("p95", "p95_ms")].into_iter().zip(most) {
            goals.push(Goal { what: format!("{what}, {name}"), case, metric, most_ms });
        }
    };
    let slices = size.slices;
    both(
        &format!("sign-in to the first picture of {slices} slices, cold"),
        SIGN_IN,
        [Some(1_500.0), Some(2_500.0)],
    );
    both(&format!("opening {slices} slices to the first picture, cold"), COLD, [None, None]);
    both("the same, warm", WARM, [None, None]);
    both("the same until the picture can be worked with, cold", TOOLS_COLD, [None, None]);
    both("the same, warm", TOOLS_WARM, [None, None]);
    both("a marked picture of 1024²: from a key to the picture", MARKED_KEY, [None, Some(100.0)]);
    both("rows while typing: from asking to rows on the screen", ROWS, [None, Some(150.0)]);
    both("the same, the answer of the server", ANSWER, [None, None]);
    both("the same, from the key", KEY, [None, Some(150.0)]);
    let one = |what: &str, case, metric, most_ms| Goal { what: what.to_owned(), case, metric, most_ms };
    goals.push(one(
        "a marked picture of 1024² from 512²: a core of the server",
        MARKED,
        "cpu_ms",
        Some(15.0),
    ));
    goals.push(one("the same without marks", PLAIN, "cpu_ms", None));
    goals.push(one("a marked picture: one client, to the last byte, p50", MARKED, "p50_ms", None));
    goals.push(one("opening a study of which only pictures are given, cold", OPEN, "p50_ms", None));
    goals
}

fn compared(measured: &Measured, table: &mut String) {
    let mut rows = String::new();
    for (what, case) in [("cold cache", COLD), ("warm cache", WARM)] {
        for metric in ["p50_ms", "p95_ms"] {
            let (Some(ours), Some(theirs)) =
                (measured.median(case, OURS, metric), measured.median(case, PEER, metric))
            else {
                continue;
            };
            let times = theirs / ours;
            let verdict = if times >= TIMES_FASTER { "met" } else { "**missed**" };
            let share = metric.trim_end_matches("_ms");
            let _ = writeln!(
                rows,
                "| {what}, {share} | {ours:.0} ms | {theirs:.0} ms | {times:.1} × | ≥ {TIMES_FASTER} × | {verdict} |"
            );
        }
    }
    if !rows.is_empty() {
        table.push_str("\n| opening to first picture | Yingdun | OHIF | faster | goal | |\n|---|---:|---:|---:|---:|---|\n");
        table.push_str(&rows);
    }
    let fetched = |subject| measured.median(COLD, subject, "fetched_mb");
    if let (Some(ours), Some(theirs)) = (fetched(OURS), fetched(PEER)) {
        let _ = writeln!(
            table,
            "\nFetched until the picture can be worked with, cold: {ours:.1} MB (Brotli) and {theirs:.1} MB (as they are)."
        );
    }
}

fn traces(measured: &Measured, table: &mut String) {
    let cases: Vec<_> =
        measured.cases().iter().filter_map(|case| Some((case, case.strip_prefix(CASE)?))).collect();
    if cases.is_empty() {
        return;
    }
    table.push_str("\n| a hidden mark, read after | pictures | read | without knowing an opening | goal | |\n|---|---:|---:|---:|---:|---|\n");
    for (case, change) in cases {
        let of = |metric| measured.median(case, OURS, metric).unwrap_or(f64::NAN);
        let (pictures, read) = (of("pictures"), of("read"));
        let percent = read * 100.0 / pictures;
        let verdict = if percent >= READ_PERCENT { "met" } else { "**missed**" };
        let alone = of("read_without_an_opening");
        let _ = writeln!(
            table,
            "| {change} | {pictures} | {read} ({percent:.1} %) | {alone} | ≥ {READ_PERCENT} % | {verdict} |"
        );
    }
    if let (Some(pictures), Some(blamed)) =
        (measured.median(UNMARKED, OURS, "pictures"), measured.median(UNMARKED, OURS, "blamed"))
    {
        let verdict = if blamed == 0.0 { "met" } else { "**missed**" };
        let _ = writeln!(
            table,
            "| no mark of ours: attributed to somebody | {pictures} | {blamed} | | 0 | {verdict} |"
        );
    }
}

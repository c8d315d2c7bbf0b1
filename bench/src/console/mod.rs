//! What a person waits for in a browser: the first picture of a study, beside OHIF on the same server; a picture that only the server may
//! make; rows while a name is typed. And what is left of a hidden mark when a picture went through hands.
//!
//! ```text
//! server (started here) ◄── Chromium, software graphics ◄── bench/console/driver.py: times taken inside the page ─► JSON
//!     ▲
//!     └── peer: OHIF's own files and a way to the same server, at one address
//! ```

mod browser;
mod first;
mod marked;
mod peer;
mod search;
mod table;
mod traces;

use crate::case::Measured;
use crate::failure::Outcome;
use crate::machine::Machine;
use crate::statistics::Latencies;
use crate::subject::Environment;
use serde_json::Value;
use std::time::Duration;

/// How it is called in records.
pub(crate) const OURS: &str = "yingdun";
/// With whom it is compared.
pub(crate) const PEER: &str = "ohif";

/// A row, or some that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Row {
    /// The first picture of a study of 300 slices, beside OHIF
    First,
    /// A picture with marks that the server makes
    Marked,
    /// Rows while somebody types, in a large catalogue
    Search,
    /// Hidden marks, read back
    Traces,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Openings of each kind.
    pub(crate) runs: usize,
    pub(crate) slices: u32,
    /// Keys that are pressed in an open study.
    pub(crate) keys: usize,
    /// Pictures that are asked for without a browser.
    pub(crate) pictures: usize,
    /// Studies in the catalogue.
    pub(crate) studies: u32,
    /// People who are looked for, key by key.
    pub(crate) typed: u32,
    /// Pictures that are marked and changed in each way.
    pub(crate) marked: u64,
}

impl Size {
    pub(crate) const FULL: Self =
        Self { runs: 20, slices: 300, keys: 120, pictures: 300, studies: 1_000_000, typed: 40, marked: 200 };
    /// Enough to see that everything works.
    pub(crate) const QUICK: Self =
        Self { runs: 2, slices: 60, keys: 12, pictures: 60, studies: 20_000, typed: 4, marked: 8 };
}

/// Measures these rows, or all, and gives the table, in Markdown.
pub(crate) async fn run(
    environment: &Environment,
    size: Size,
    rows: &[Row],
    measured: &mut Measured,
) -> Outcome<String> {
    let wanted = |row| rows.is_empty() || rows.contains(&row);
    let machine = Machine::look(&environment.work, &environment.binary)?;
    let mut about = table::About::default();
    if wanted(Row::First) {
        first::run(environment, size, measured, &mut about).await?;
    }
    if wanted(Row::Marked) {
        marked::run(environment, size, measured, &mut about).await?;
    }
    if wanted(Row::Search) {
        search::run(environment, size, measured, &mut about).await?;
    }
    if wanted(Row::Traces) {
        traces::run(size, measured)?;
    }
    table::table(measured, size, &machine, &about)
}

// === helpers ===

/// Records the middle and the tail of what the driver measured.
fn record(measured: &mut Measured, case: &str, subject: &'static str, told: &Value, name: &str) {
    let values: Vec<f64> =
        told.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect();
    if values.is_empty() {
        return;
    }
    let latencies =
        Latencies::new(values.iter().map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1e3)).collect());
    for (metric, share) in [("p50_ms", 0.5), ("p95_ms", 0.95)] {
        measured.add(case, subject, metric, latencies.percentile_ms(share));
    }
    measured.add(case, subject, "times", values.len() as f64);
    eprintln!(
        "{case:<48} {subject:<20} {:>8.1} ms p50 {:>8.1} ms p95",
        latencies.percentile_ms(0.5),
        latencies.percentile_ms(0.95)
    );
}

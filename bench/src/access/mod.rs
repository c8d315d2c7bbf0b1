//! What a decision costs where there is much to decide about: sixty policies, a million care relations, ten thousand open
//! grants.
//!
//! ```text
//! fill (rows, in bulk) ─► sign in ─► decide, one after the other, each about another study ─► records, a table
//! ```
//!
//! A decision is all that happens between a question and its answer: the person's row, the care relation and the open
//! grants are looked up in the databases, and the policies evaluated. Its leaf is not part of it.

mod house;

use crate::case::Measured;
use crate::failure::Outcome;
use crate::statistics::Latencies;
use house::House;
use std::path::Path;
use std::time::{Duration, Instant};
use yingdun_model::Action;

/// How much there is to decide about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Care relations.
    pub(crate) relations: u32,
    /// Open timed grants.
    pub(crate) grants: u32,
    /// Policies, the built-in ones among them.
    pub(crate) policies: usize,
    /// Decisions that are timed, of each kind.
    pub(crate) decisions: u32,
}

impl Size {
    pub(crate) const FULL: Self =
        Self { relations: 1_000_000, grants: 10_000, policies: 60, decisions: 100_000 };
    pub(crate) const QUICK: Self = Self { relations: 20_000, grants: 1000, policies: 60, decisions: 2000 };
}

/// Whose decisions are timed, and what is asked of them at most.
const CASES: [(&str, &str); 3] = [
    ("clinician, view: person, care relation and grants looked up", "asked: p50 ≤ 0.05 ms, p99 ≤ 1 ms"),
    ("service, view: account looked up", ""),
    ("the archive itself, recover: nothing looked up", ""),
];
const SUBJECT: &str = "yingdun";

/// Measures, and gives the table, in Markdown.
pub(crate) async fn run(work: &Path, size: Size, measured: &mut Measured) -> Outcome<String> {
    let started = Instant::now();
    let house = House::open(work, size).await?;
    eprintln!("filled after {:.0} s", started.elapsed().as_secs_f64());
    let mut table = format!(
        "{} policies, {} care relations, {} open grants, SQLite; {} decisions of each kind, one after the other.\n\n\
         | decision | p50 | p99 | in a second | |\n|---|---:|---:|---:|---|\n",
        house.policies, size.relations, size.grants, size.decisions
    );
    for (number, (case, asked)) in CASES.iter().enumerate() {
        let mut latencies = Vec::with_capacity(size.decisions as usize);
        let mut permitted = 0_u32;
        for (turn, clinician) in (0..size.decisions).zip(house.clinicians.iter().cycle()) {
            let resource = house.study(turn);
            let (session, action) = match number {
                0 => (clinician, Action::View),
                1 => (&house.program, Action::View),
                _ => (&house.system, Action::Recover),
            };
            let begun = Instant::now();
            permitted += u32::from(house.decide(session, action, &resource).await?);
            latencies.push(begun.elapsed());
        }
        house.expect(number, permitted, size.decisions)?;
        let total: Duration = latencies.iter().sum();
        let latencies = Latencies::new(latencies);
        let (p50, p99) = (latencies.percentile_ms(0.5), latencies.percentile_ms(0.99));
        let rate = f64::from(size.decisions) / total.as_secs_f64();
        for (metric, value) in [("p50_ms", p50), ("p99_ms", p99), ("decisions_per_second", rate)] {
            measured.add(case, SUBJECT, metric, value);
        }
        table += &format!("| {case} | {p50:.4} ms | {p99:.4} ms | {rate:.0} | {asked} |\n");
    }
    house.close().await?;
    Ok(table)
}

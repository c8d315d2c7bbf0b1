//! What the monitor finds in hospitals that do not exist: held-out seeds of `yingdun-hospital`, replayed by the binary, and scored as
//! `docs/design/004-synthetic-hospital.md` says.
//!
//! ```text
//! yingdun-hospital (seed) ─► records ─► yingdun monitor replay --json ─► said ─┐
//!                        └─► truth, and what a plain count would find ─► answers ─► score ─► tables in Markdown, --json
//! ```
//!
//! Nothing here says how precise a monitor is in a real hospital.

mod answers;
mod said;
mod score;
mod table;

use crate::case::Measured;
use crate::failure::{Failure, Outcome, While};
use answers::Answers;
use said::Said;
use score::Score;
use std::fs;
use std::path::Path;
use yingdun_hospital::{Hospital, Plan, Split, generate};

/// How much is replayed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Runs of each hospital.
    pub(crate) seeds: u32,
    pub(crate) days: u32,
    pub(crate) percent: u32,
    pub(crate) split: Split,
}

impl Size {
    /// Five months of each hospital.
    pub(crate) const FULL: Self = Self { seeds: 5, days: 30, percent: 100, split: Split::HeldOut };
    /// Enough to see that everything works.
    pub(crate) const QUICK: Self = Self { seeds: 1, days: 14, percent: 20, split: Split::HeldOut };
}

/// Alerts a day that a privacy officer is given.
const BUDGET: u32 = 20;

/// Replays all runs and gives the tables, in Markdown.
pub(crate) fn run(binary: &Path, work: &Path, size: Size, measured: &mut Measured) -> Outcome<String> {
    let folder = work.join("monitor");
    fs::create_dir_all(&folder).or_fail("making a folder")?;
    let mut scores = Vec::new();
    for hospital in [Hospital::A, Hospital::B] {
        let (mut ours, mut plain) = (Score::default(), Score::default());
        for seed in size.split.seeds().take(size.seeds as usize) {
            let plan = Plan { hospital, seed, days: size.days, percent: size.percent };
            let records = folder.join("records.jsonl");
            let (answers, baseline) = make(plan, &records)?;
            let said = Said::by(binary, &records, BUDGET)?;
            // Shares of other things than were asked about would look like figures.
            let (expected, came) = (baseline.summary.accesses, said.summary.accesses);
            if came != expected {
                return Err(Failure::new(format!(
                    "the summary should count the {expected} accesses that name a patient and were allowed; it counts {came}"
                )));
            }
            let one = Score::of(&answers, &said, BUDGET);
            eprintln!(
                "hospital {} seed {seed}: {} of {} incidents found, {:.1} s",
                hospital.letter(),
                one.found(),
                one.incidents.len(),
                one.seconds
            );
            ours.add(one);
            plain.add(Score::of(&answers, &baseline, BUDGET));
            fs::remove_file(&records).or_fail(records.display())?;
        }
        for (subject, score) in [("yingdun", &ours), ("unexplained-count", &plain)] {
            let case = format!("monitor-{}", hospital.letter());
            for (metric, value) in score.figures() {
                measured.add(&case, subject, metric, value);
            }
        }
        scores.push(table::Of { hospital, ours, plain });
    }
    fs::remove_dir(&folder).or_fail("removing a folder")?;
    Ok(table::tables(&scores, size, BUDGET))
}

// === helpers ===

/// Writes the records of a run, and keeps the truth and what the baseline says.
fn make(plan: Plan, records: &Path) -> Outcome<(Answers, Said)> {
    let mut answers = Answers::write_to(records, BUDGET)?;
    let summary = generate(plan, &mut answers).or_fail("generating a run")?;
    let baseline = answers.finish()?;
    if answers.accesses() as u64 != summary.accesses {
        return Err(Failure::new("the run has other accesses than it says"));
    }
    Ok((answers, baseline))
}

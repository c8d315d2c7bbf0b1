//! The page that people read.

use super::targets::targets;
use super::{PEERS, YINGDUN, peer_case, unit};
use crate::case::{Measured, Size};
use crate::machine::Machine;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What the numbers show and what they do not: the same words for every run.
const READING: &str = include_str!("reading.md");
/// What profiles of missed targets showed, written by hand.
const FINDINGS: &str = include_str!("findings.md");

/// The page, in Markdown.
pub(crate) fn page(
    measured: &Measured,
    machine: &Machine,
    size: Size,
    command: &str,
    stolen_percent: f64,
) -> String {
    let mut page = format!(
        "# Benchmarks\n\nWritten by `{command}`; medians of {} rounds in which the subjects take turns.\n\n",
        size.rounds
    );
    page.push_str(&conditions(machine, stolen_percent));
    page.push_str(
        "\n## Targets\n\nRatios are ours divided by theirs, measured in the same run on the same disk.\n\n",
    );
    page.push_str(&targets_table(measured, size));
    page.push('\n');
    page.push_str(READING);
    page.push('\n');
    page.push_str(FINDINGS);
    page.push_str("\n## Every number\n");
    for case in measured.cases() {
        page.push_str(&case_table(measured, case));
    }
    page
}

/// What a reader needs to judge the numbers, as a table.
pub(crate) fn conditions(machine: &Machine, stolen_percent: f64) -> String {
    let mut rows = vec![
        ("CPU", format!("{}, {} cores", machine.cpu, machine.cores)),
        ("Memory", format!("{} GB", machine.memory_gb)),
        ("Disk", machine.disk.clone()),
        ("Kernel", machine.kernel.clone()),
        ("Commit", machine.commit.clone()),
    ];
    rows.extend(machine.versions.iter().map(|version| ("Version", version.clone())));
    rows.push((
        "Quiet?",
        format!(
            "load average {} at the start, {stolen_percent:.1} % of CPU time stolen by the hypervisor during the run",
            machine.load_at_start
        ),
    ));
    rows.into_iter().fold("| | |\n|---|---|\n".to_owned(), |mut table, (name, value)| {
        let _ = writeln!(table, "| {name} | {value} |");
        table
    })
}

/// The promises that something was measured for, and whether they hold.
pub(crate) fn targets_table(measured: &Measured, size: Size) -> String {
    let mut table = "| what | ours | theirs | ratio | target | |\n|---|---:|---:|---:|---:|---|\n".to_owned();
    for target in targets(size) {
        let Some(verdict) = target.judge(measured) else { continue };
        let unit = unit(target.metric());
        let theirs =
            verdict.theirs.map_or_else(|| "—".into(), |(peer, value)| format!("{} ({peer})", number(value)));
        let ratio = verdict.ratio.map_or_else(|| "—".into(), |ratio| format!("{} ×", number(ratio)));
        let metric = target.metric().strip_suffix("_ms").map_or_else(String::new, |name| format!(", {name}"));
        let _ = writeln!(
            table,
            "| {}{metric} | {} {unit} | {theirs} | {ratio} | {} | {} |",
            target.what,
            number(verdict.ours),
            verdict.bound,
            if verdict.holds { "met" } else { "**missed**" }
        );
    }
    table
}

fn case_table(measured: &Measured, case: &str) -> String {
    let metrics: BTreeSet<&str> = measured.of_case(case).map(|(key, _)| key.metric).collect();
    let subjects: BTreeSet<&str> = measured.of_case(case).map(|(key, _)| key.subject).collect();
    let mut table = format!("\n### {case}\n\n| subject |");
    for metric in &metrics {
        let _ = write!(table, " {metric} |");
    }
    let _ = write!(table, "\n|---|{}\n", "---:|".repeat(metrics.len()));
    for subject in subjects {
        let _ = write!(table, "| {subject} |");
        for metric in &metrics {
            let value = measured.median(case, subject, metric);
            let ratio = PEERS
                .into_iter()
                .filter(|_| subject == YINGDUN)
                .find_map(|peer| measured.median(&peer_case(case), peer, metric))
                .zip(value)
                .map_or_else(String::new, |(theirs, ours)| format!(" ({} ×)", number(ours / theirs)));
            let _ = write!(table, " {}{ratio} |", value.map_or_else(|| "—".into(), number));
        }
        table.push('\n');
    }
    table
}

/// Three figures that mean something, without an exponent.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_figures() {
        let shown = [1234.5, 56.78, 3.456, 0.1234, 0.01234, 0.0].map(number);
        assert_eq!(shown, ["1234", "56.8", "3.46", "0.123", "0.0123", "0"]);
    }

    #[test]
    fn a_target_that_was_not_measured_is_not_in_the_table_and_a_missed_one_says_so() {
        let mut measured = Measured::default();
        assert!(!targets_table(&measured, Size::FULL).contains("C-STORE"));
        measured.add("ingest-1-replica-4-associations", "orthanc", "instances_per_s", 400.0);
        measured.add("ingest-3-replicas-4-associations", "yingdun", "instances_per_s", 400.0);
        let table = targets_table(&measured, Size::FULL);
        assert!(table.contains("replicas: 3, associations: 4") && table.contains("**missed**"), "{table}");
        measured.add("ingest-3-replicas-4-associations", "yingdun", "instances_per_s", 1_000.0);
        assert!(targets_table(&measured, Size::FULL).contains("| met |"));
    }
}

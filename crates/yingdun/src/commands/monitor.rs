//! `monitor`: a stream of records, judged line by line. Reads a file or standard input, and nothing else.

use super::{CommandError, Verdict};
use crate::cli::{MonitorCommand, ReplayArgs};
use crate::output::{self, Output};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;
use yingdun_monitor::limits::{Finding, What};
use yingdun_monitor::replay::{DayReport, LINE_BYTES_MAX, MonitorRules, Replay, Summary, read_line};
use yingdun_monitor::score::Incident;

/// The largest file of limits.
const LIMITS_BYTES_MAX: u64 = 1024 * 1024;
/// Milliseconds of twelve hours.
const HALF_A_DAY_MS: i64 = 12 * 60 * 60 * 1000;
/// Days that one document holds: ten years.
const DAYS_MAX: usize = 3660;

pub(super) async fn monitor(command: MonitorCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        // It computes and reads a disk, and nothing else runs in this process.
        MonitorCommand::Replay(args) => replay(&args, output),
        MonitorCommand::Server(command) => super::admin::alerts(command, output).await,
    }
}

/// Judges a stream. The verdict is bad when there was somebody to look at.
fn replay(args: &ReplayArgs, output: Output) -> Result<Verdict, CommandError> {
    let rules = rules(args)?;
    let replay = Replay::new(rules)
        .map_err(|error| CommandError::Usage(format!("the limits cannot be used: {error}")))?;
    let mut report = Report::new(args.lines, output);
    if args.file.as_os_str() == "-" {
        return stream(io::stdin().lock(), &args.file, replay, &mut report);
    }
    let file = File::open(&args.file).map_err(|cause| unusable(&args.file, cause))?;
    stream(BufReader::new(file), &args.file, replay, &mut report)
}

fn rules(args: &ReplayArgs) -> Result<MonitorRules, CommandError> {
    let mut rules = match &args.limits {
        None => MonitorRules::default(),
        Some(path) => {
            let file = File::open(path).map_err(|cause| unusable(path, cause))?;
            let mut text = String::new();
            file.take(LIMITS_BYTES_MAX).read_to_string(&mut text).map_err(|cause| unusable(path, cause))?;
            toml::from_str(&text).map_err(|error| {
                CommandError::Usage(format!("`{}` holds no limits: {error}", path.display()))
            })?
        }
    };
    if let Some(budget) = args.budget {
        rules.score.budget = usize::from(budget);
    }
    Ok(rules)
}

fn stream(
    mut lines: impl BufRead,
    path: &Path,
    mut replay: Replay,
    report: &mut Report,
) -> Result<Verdict, CommandError> {
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        number = number.saturating_add(1);
        let bound = (LINE_BYTES_MAX as u64).saturating_add(1);
        let read =
            lines.by_ref().take(bound).read_until(b'\n', &mut line).map_err(|cause| unusable(path, cause))?;
        if read == 0 {
            break;
        }
        if read > LINE_BYTES_MAX {
            let most = format!("line {number} is longer than {LINE_BYTES_MAX} bytes, so it is no record");
            return Err(CommandError::Usage(most));
        }
        let text = std::str::from_utf8(&line)
            .map_err(|error| CommandError::Usage(format!("line {number} is no UTF-8: {error}")))?;
        let record = read_line(text, number).map_err(|error| CommandError::Usage(error.to_string()))?;
        if let Some(day) = record.and_then(|record| replay.take(&record)) {
            report.day(day)?;
        }
    }
    let (last, summary) = replay.finish();
    if let Some(day) = last {
        report.day(day)?;
    }
    report.end(&summary)?;
    Ok(Verdict::of(summary.counts.alerts == 0 && summary.counts.blocks == 0))
}

/// What is told, as it becomes known: to a person, as lines, or as one document at the end.
struct Report {
    output: Output,
    lines: bool,
    days: Vec<DayReport>,
    begun: Instant,
}

impl Report {
    fn new(lines: bool, output: Output) -> Self {
        Self { output, lines, days: Vec::new(), begun: Instant::now() }
    }

    fn day(&mut self, day: DayReport) -> Result<(), CommandError> {
        if self.lines {
            return Ok(output::write(&day_lines(&day))?);
        }
        self.output.line(day_text(&day).trim_end())?;
        if self.output.is_json() {
            if self.days.len() >= DAYS_MAX {
                return Err(CommandError::Usage(format!("more than {DAYS_MAX} days: replay them in parts")));
            }
            self.days.push(day);
        }
        Ok(())
    }

    fn end(&self, summary: &Summary) -> Result<(), CommandError> {
        let counts = &summary.counts;
        if self.lines {
            let line = json!({
                "kind": "summary", "accesses": counts.of_patients, "explained": counts.explained, "blocks": counts.blocks,
                "alerts": counts.alerts, "seconds": self.begun.elapsed().as_secs_f64(),
            });
            return Ok(output::write(&format!("{line}\n"))?);
        }
        let document = json!({
            "explained_basis_points": counts.explained_basis_points(), "summary": summary, "days": self.days,
        });
        Ok(self.output.say(&document, |_| summary_text(summary))?)
    }
}

/// A day, one object a line: see the design note on the synthetic hospital.
fn day_lines(day: &DayReport) -> String {
    let mut text = String::new();
    // Noon of a day, wherever it began, lies on the day of that name in UTC.
    let name = Timestamp::from_millisecond(day.from_ms.saturating_add(HALF_A_DAY_MS))
        .map(|noon| noon.to_zoned(TimeZone::UTC).date().to_string())
        .unwrap_or_default();
    let mut line = |value: serde_json::Value| writeln!(text, "{value}").unwrap_or_default();
    for sequence in &day.unexplained {
        line(json!({"kind": "unexplained", "sequence": sequence}));
    }
    for block in day.findings.iter().filter(|finding| finding.until_ms.is_some()) {
        line(
            json!({"kind": "block", "sequence": block.sequence, "person": block.person, "at_ms": block.at_ms,
                    "limit": block.what.as_str()}),
        );
    }
    for (place, alert) in day.alerts.iter().enumerate() {
        line(json!({"kind": "alert", "day": name, "rank": place.saturating_add(1), "person": alert.person,
                    "score": alert.score, "sequences": alert.evidence, "reasons": alert.reasons}));
    }
    text
}

// === text ===

fn unusable(path: &Path, cause: io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), cause }
}

fn moment(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |moment| moment.to_string())
}

fn percent(basis_points: u64) -> String {
    format!("{}.{:02} %", basis_points / 100, basis_points % 100)
}

fn day_text(day: &DayReport) -> String {
    let counts = &day.counts;
    let mut text = format!(
        "day from {}: {} accesses, {} of {} of patients explained ({}), {} blocks, {} alerts\n",
        moment(day.from_ms),
        counts.accesses,
        counts.explained,
        counts.of_patients,
        percent(counts.explained_basis_points()),
        counts.blocks,
        counts.alerts,
    );
    for finding in day.findings.iter().filter(|finding| finding.until_ms.is_some()) {
        writeln!(text, "  stopped: {}", finding_text(finding)).unwrap_or_default();
    }
    for (place, alert) in day.alerts.iter().enumerate() {
        text.push_str(&alert_text(place.saturating_add(1), alert));
    }
    text
}

fn finding_text(finding: &Finding) -> String {
    let Finding { person, at_ms, what, step, .. } = finding;
    let what = match what {
        What::Limit { measure, counted, at_most, within_minutes, .. }
        | What::Near { measure, counted, at_most, within_minutes, .. } => {
            format!("{counted} {} within {within_minutes} minutes, {at_most} at most", measure.as_str())
        }
        What::NewDevice { patients } => format!("{patients} patients from a new device"),
        What::Decoy | What::TwoPlaces => what.as_str().to_owned(),
    };
    format!("{person} at {}: {what}; {step}", moment(*at_ms))
}

fn alert_text(place: usize, alert: &Incident) -> String {
    let mut text = format!(
        "  {place}. {} ({}): {} points, {}; {} of {} accesses without a reason\n",
        alert.person, alert.role, alert.score, alert.step, alert.unexplained, alert.accesses
    );
    for reason in &alert.reasons {
        let signal = serde_json::to_value(reason.signal).unwrap_or_default();
        let signal = signal.as_str().unwrap_or_default();
        let (count, each, most, points) = (reason.count, reason.each, reason.most, reason.points);
        writeln!(text, "       {points:>4} = {count} × {each}, {most} at most: {signal}").unwrap_or_default();
    }
    let numbers: Vec<String> = alert.evidence.iter().map(u64::to_string).collect();
    writeln!(text, "       look at {}", numbers.join(", ")).unwrap_or_default();
    text
}

fn summary_text(summary: &Summary) -> String {
    let counts = &summary.counts;
    let mut text = format!(
        "{} days, {} accesses; of {} of patients {} are explained; {} were stopped by {} blocks; {} alerts",
        summary.days,
        counts.accesses,
        counts.of_patients,
        percent(counts.explained_basis_points()),
        counts.stopped,
        counts.blocks,
        counts.alerts,
    );
    if summary.not_kept > 0 {
        write!(
            text,
            "\n{} lines were not kept: more people, patients or facts than can be held",
            summary.not_kept
        )
        .unwrap_or_default();
    }
    if summary.late > 0 {
        write!(text, "\n{} accesses came more than a day late, out of order", summary.late)
            .unwrap_or_default();
    }
    text
}

//! `check-config`: judges a configuration file without starting anything.

use super::{CommandError, Verdict};
use crate::config::{self, Config, Finding, Severity};
use crate::messages::Language;
use crate::output::Output;
use serde_json::json;
use std::path::Path;

/// Says every finding; bad when one of them keeps `serve` from starting.
pub(super) fn check_config(path: &Path, output: Output) -> Result<Verdict, CommandError> {
    let findings = config::check(&Config::load(path)?);
    output.say(&json!({"findings": findings}), |language| words(language, &findings))?;
    Ok(verdict(&findings))
}

/// Findings as lines.
pub(super) fn words(language: Language, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return language.nothing_found();
    }
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| language.finding(finding.severity, finding.option, &finding.cause, finding.remedy))
        .collect();
    lines.join("\n")
}

pub(super) fn verdict(findings: &[Finding]) -> Verdict {
    Verdict::of(findings.iter().all(|finding| finding.severity != Severity::Error))
}

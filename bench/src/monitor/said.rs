//! What a monitor said about one run: the lines of `yingdun monitor replay --lines`.

use crate::failure::{Failure, Outcome, While};
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// One line. What is not named here is ignored.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    Alert(Alert),
    Block(Block),
    Unexplained {
        sequence: u64,
    },
    Summary(Summary),
    #[serde(other)]
    Other,
}

/// Somebody to look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Alert {
    pub(crate) day: String,
    pub(crate) rank: u32,
    pub(crate) person: String,
    pub(crate) sequences: Vec<u64>,
}

/// An access that was not let through.
#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    pub(crate) sequence: u64,
    pub(crate) person: String,
    pub(crate) at_ms: i64,
}

/// The last line.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Summary {
    pub(crate) accesses: u64,
    pub(crate) explained: u64,
    pub(crate) seconds: f64,
}

/// All that was said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) unexplained: HashSet<u64>,
    pub(crate) summary: Summary,
}

impl Said {
    /// Replays records with the binary.
    pub(crate) fn by(binary: &Path, records: &Path, budget: u32) -> Outcome<Self> {
        let mut replay = Command::new(binary)
            .args(["monitor", "replay"])
            .arg(records)
            .args(["--lines", "--budget", &budget.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .or_fail("starting `yingdun monitor replay`")?;
        let output = replay.stdout.take().or_fail("`yingdun monitor replay` has no output")?;
        let said = Self::read(output);
        // What it says on standard error is told by its status better than by a line that was cut off.
        let status = replay.wait().or_fail("waiting for `yingdun monitor replay`")?;
        // 1 says that there was somebody to look at.
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(Failure::new(format!("`yingdun monitor replay` ended with {status}")));
        }
        said
    }

    /// Reads lines up to the summary, which has to be the last one.
    pub(crate) fn read(output: impl Read) -> Outcome<Self> {
        let (mut said, mut summary) = (Self::default(), None);
        for (number, line) in (1..).zip(BufReader::new(output).lines()) {
            let line = line.or_fail("reading what `yingdun monitor replay` says")?;
            if summary.is_some() {
                return Err(Failure::new(format!("line {number} comes behind the summary")));
            }
            match serde_json::from_str(&line).or_fail(format!("line {number} of `yingdun monitor replay`"))? {
                Line::Alert(alert) => said.alerts.push(alert),
                Line::Block(block) => said.blocks.push(block),
                Line::Unexplained { sequence } => {
                    said.unexplained.insert(sequence);
                }
                Line::Summary(last) => summary = Some(last),
                Line::Other => {}
            }
        }
        said.summary = summary.or_fail("`yingdun monitor replay` ended without a summary")?;
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str =
        r#"{"kind":"summary","accesses":9,"explained":8,"blocks":1,"alerts":1,"seconds":0.5}"#;

    #[test]
    fn lines_are_read_and_what_nobody_knows_is_ignored() {
        let lines = [
            r#"{"kind":"alert","day":"2026-02-03","rank":1,"person":"s-1","score":7.5,"sequences":[4],"reasons":["x"]}"#,
            r#"{"kind":"block","sequence":4,"person":"s-1","at_ms":5,"limit":"patients"}"#,
            r#"{"kind":"unexplained","sequence":4}"#,
            r#"{"kind":"later","a":1}"#,
            SUMMARY,
        ];
        let said = Said::read(lines.join("\n").as_bytes()).unwrap();
        assert_eq!((said.alerts.len(), said.blocks.len(), said.unexplained.len()), (1, 1, 1));
        assert_eq!((said.summary.accesses, said.summary.explained), (9, 8));
    }

    #[test]
    fn what_ends_early_or_goes_on_too_long_or_is_malformed_is_no_measurement() {
        for lines in ["", r#"{"kind":"alert","day":"2026-02-03"}"#, &format!("{SUMMARY}\n{SUMMARY}"), "words"]
        {
            assert!(Said::read(lines.as_bytes()).is_err(), "{lines}");
        }
    }
}

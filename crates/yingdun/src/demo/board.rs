//! What the stages found, line by line for people, and as one document for programs.

use super::DemoError;
use crate::messages::Language;
use crate::output::Output;
use serde::Serialize;
use serde_json::{Value, json};
use std::io;
use std::time::Instant;

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// Images come in through the DICOM door.
    Collect,
    /// They are sealed on every replica.
    Store,
    /// Who may, opens them; who may not, does not.
    Use,
    /// Who may see it for a while: a grant, an emergency.
    Grants,
    /// Who takes everything is stopped.
    Watch,
    /// Keys are replaced.
    Keys,
    /// A study is destroyed for good.
    Destroy,
    /// All of it is on the ledger.
    Audit,
}

impl Stage {
    fn title(self, language: Language) -> String {
        match self {
            Self::Collect => language.demo_collect(),
            Self::Store => language.demo_store(),
            Self::Use => language.demo_use(),
            Self::Grants => language.demo_grants(),
            Self::Watch => language.demo_watch(),
            Self::Keys => language.demo_keys(),
            Self::Destroy => language.demo_destroy(),
            Self::Audit => language.demo_audit(),
        }
    }
}

/// What a stage has shown.
pub(super) struct Shown {
    /// Numbers, units last in their names.
    pub(super) figures: Value,
    /// The same in a sentence.
    pub(super) detail: String,
}

#[derive(Serialize)]
struct Line {
    name: Stage,
    ok: bool,
    figures: Value,
    detail: String,
}

/// Collects and tells.
pub(super) struct Board {
    output: Output,
    began: Instant,
    lines: Vec<Line>,
}

impl Board {
    pub(super) fn new(output: Output) -> Self {
        Self { output, began: Instant::now(), lines: Vec::new() }
    }

    /// The language of sentences.
    pub(super) const fn language(&self) -> Language {
        self.output.language()
    }

    /// Whether nothing failed.
    pub(super) fn passed(&self) -> bool {
        self.lines.iter().all(|line| line.ok)
    }

    /// Tells what a stage has shown, or how it failed; the next stages go on either way.
    pub(super) fn record(&mut self, name: Stage, shown: Result<Shown, DemoError>) -> io::Result<()> {
        let line = match shown {
            Ok(Shown { figures, detail }) => Line { name, ok: true, figures, detail },
            Err(error) => Line { name, ok: false, figures: json!({}), detail: error.to_string() },
        };
        let language = self.language();
        let verdict = if line.ok { language.demo_passed() } else { language.demo_failed() };
        self.output.line(&format!("[{verdict}] {}  {}", name.title(language), line.detail))?;
        self.lines.push(line);
        Ok(())
    }

    /// Tells how it ended, where to look, and what to try next.
    pub(super) fn finish(&self, url: Option<String>, next: Vec<String>) -> io::Result<()> {
        let document = json!({
            "ok": self.passed(),
            "stages": self.lines,
            "seconds": self.began.elapsed().as_secs_f64(),
            "url": url,
            "next": next,
        });
        self.output.say(&document, |language| {
            let Some(url) = &url else {
                return if self.passed() { language.demo_passed() } else { language.demo_failed() };
            };
            let mut text = format!("{}\n{}", language.demo_open(url), language.demo_next());
            for command in &next {
                text.push_str("\n  ");
                text.push_str(command);
            }
            format!("{text}\n{}", language.demo_stop())
        })
    }
}

//! What a command says on standard output: one JSON document, or text for a person. Errors go to standard error.

use crate::messages::Language;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// Where and how a command speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    language: Language,
}

impl Output {
    /// JSON or text in the language of the environment.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, language: Language::of_environment() }
    }

    /// The language for people.
    pub(crate) const fn language(self) -> Language {
        self.language
    }

    /// Whether JSON was asked for.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Says the result of a command: the document, or the text.
    pub(crate) fn say(
        self,
        document: &impl Serialize,
        text: impl FnOnce(Language) -> String,
    ) -> io::Result<()> {
        if self.json {
            let mut line = serde_json::to_string(document)?;
            line.push('\n');
            write(&line)
        } else {
            self.line(&text(self.language))
        }
    }

    /// Says a line to a person; nothing when JSON was asked for.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { write(&format!("{text}\n")) }
    }
}

/// Writes text as it is.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A path as one word of a shell command that a person pastes (POSIX, "Shell Command Language", 2.2.2).
pub(crate) fn shell_word(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Says why a command failed.
pub(crate) fn complain(error: &dyn std::error::Error) {
    let mut text = format!("yingdun: {error}");
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text.push('\n');
    // Nobody is left to be told when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_takes_a_word_for_the_path_that_it_was() {
        for path in ["/srv/yingdun", "/srv/my images/影盾", "/srv/it's $HOME; `true` & \"more\"\n*"] {
            let script = format!("printf %s {}", shell_word(Path::new(path)));
            let said = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), path);
        }
        assert_eq!(shell_word(Path::new("/srv/yingdun")), "/srv/yingdun");
    }
}

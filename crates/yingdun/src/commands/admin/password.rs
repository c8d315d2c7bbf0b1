//! A password or a share from a file, or from a person at a terminal who does not see it while typing.

use super::CommandError;
use crate::messages::Language;
use crate::output::Output;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;
use yingdun_model::Secret;

/// Reads the first line of a file, or of standard input.
pub(super) fn read(
    path: Option<&Path>,
    output: Output,
    prompt: impl FnOnce(Language) -> String,
) -> Result<Secret<String>, CommandError> {
    let mut text = match path {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|cause| CommandError::File { path: path.to_owned(), cause })?,
        None if io::stdin().is_terminal() => {
            output.line(&prompt(output.language()))?;
            without_echo(line)?
        }
        None => line()?,
    };
    let first = text.find(['\r', '\n']).unwrap_or(text.len());
    text.truncate(first);
    Ok(Secret::new(text))
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_line(&mut text)?;
    Ok(text)
}

/// Runs `work` while the terminal does not show what is typed.
fn without_echo(work: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    let terminal = io::stdin();
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let read = work();
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    read
}

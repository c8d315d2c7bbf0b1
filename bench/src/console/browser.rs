//! The browser that is measured, driven by a program in Python as the tests of the console are.

use crate::failure::{Failure, Outcome, While};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// The Python that `script/bootstrap test` makes, and what drives the browser with it.
const PYTHON: &str = ".venv/bin/python";
const DRIVER: &str = "bench/console/driver.py";

/// Gives the driver a job and waits for what it measured.
pub(super) async fn drive(job: Value) -> Outcome<Value> {
    tokio::task::spawn_blocking(move || driven(&job)).await.or_fail("driving a browser")?
}

// === helpers ===

fn driven(job: &Value) -> Outcome<Value> {
    const WHAT: &str = "driving a browser (script/bootstrap test installs what it needs)";
    let mut child = Command::new(PYTHON)
        .arg(DRIVER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .or_fail(WHAT)?;
    let mut input = child.stdin.take().or_fail(WHAT)?;
    input.write_all(job.to_string().as_bytes()).or_fail(WHAT)?;
    drop(input);
    let output = child.wait_with_output().or_fail(WHAT)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        // The last lines of a trace say what went wrong.
        let last: Vec<&str> = words.trim().lines().rev().take(6).collect();
        return Err(Failure::new(format!(
            "{WHAT}: {}",
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        )));
    }
    serde_json::from_slice(&output.stdout).or_fail(WHAT)
}

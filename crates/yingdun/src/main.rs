//! The binary: configuration, wiring, command line.
//!
//! ```text
//!  cli ─► commands ─┬─► installation        files, certificates, keys, three invitations      (init, up, demo)
//!                   ├─► wiring ─► System    every room opened in order, doors bound           (serve, up, demo)
//!                   ├─► config, doctor      judgements with causes and remedies               (check-config, doctor)
//!                   ├─► HTTPS client        the administration API of a running server        (person, role, …)
//!                   ├─► transfer            images in bulk, as a client of a running server   (import, export, migrate)
//!                   └─► files alone         the audit log, offline                            (audit verify, prove)
//! ```
//!
//! The rooms below decide, protect and store; this crate only puts them together and speaks with people. Texts for
//! people are in [`messages`], in Chinese and English. Exit status: 0 done, 1 failed or findings, 2 wrong usage.

mod cli;
mod commands;
mod config;
mod conformance;
mod demo;
mod echo_report;
mod evidence;
mod identifier;
mod installation;
mod messages;
mod output;
mod pki;
mod process;
mod wiring;

use clap::Parser;
use commands::Verdict;
use output::Output;
use std::process::ExitCode;
use std::time::Duration;

/// The stack of a thread that serves: a decision deep in a request needs more of it than two megabytes in a build without optimisation, and a
/// policy that has none left refuses. Only what is used takes memory.
const STACK_BYTES: usize = 8 << 20;

/// How long threads that read or write may go on when a command has ended. What matters was waited for already; a
/// disk that hangs must not keep the process.
const STRAGGLERS_TIME_MAX: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    // First of all: libraries that make TLS connections take this provider, and there is no other.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return fail(&std::io::Error::other("another cryptography provider was installed before ours"));
    }
    if let Err(error) = process::private::keep_private() {
        return fail(&error);
    }
    let cli = cli::Cli::parse();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build()
        {
            Ok(runtime) => runtime,
            Err(error) => return fail(&error),
        };
    let ended = runtime.block_on(commands::run(cli.command, Output::new(cli.json)));
    runtime.shutdown_timeout(STRAGGLERS_TIME_MAX);
    match ended {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    output::complain(error);
    ExitCode::FAILURE
}

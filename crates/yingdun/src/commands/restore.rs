//! `replica restore`: brings every pack back from an off-site replica, when no replica is left. Works on the folders
//! themselves, so no archive may run on them.

use super::{CommandError, Verdict};
use crate::cli::RestoreArgs;
use crate::config::Config;
use crate::messages::Language;
use crate::output::Output;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yingdun_storage::{Disk, RealDisk, plan_restore, restore as fetch};

const MEBIBYTE: u64 = 1 << 20;

/// How often a terminal shows a new line, and how often a log file gets one.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const LOG_INTERVAL: Duration = Duration::from_secs(15);

/// Bad when a record does not verify off-site.
pub(super) async fn restore(args: &RestoreArgs, output: Output) -> Result<Verdict, CommandError> {
    let config = Config::load(&args.config.config)?;
    let offsite = config.storage.offsite.iter().find(|offsite| offsite.label == args.label);
    let Some(offsite) = offsite else {
        return Err(CommandError::Usage(format!("no [[storage.offsite]] is called `{}`", args.label)));
    };
    let mut replicas = config.storage.replicas.iter();
    let replica = match &args.into {
        Some(label) => replicas.find(|replica| replica.label == *label),
        None => replicas.next(),
    };
    let Some(replica) = replica else {
        return Err(CommandError::Usage("no [[storage.replicas]] has the label of --into".to_owned()));
    };
    let from = offsite.settings().map_err(|(path, cause)| CommandError::File { path, cause })?;
    let folder = replica.directory.clone();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (language, dry_run) = (output.language(), args.dry_run);
    // Disk and network of the store block their thread.
    let work = tokio::task::spawn_blocking(move || {
        let plan = plan_restore(&disk, &from, &folder)?;
        if dry_run {
            output.say(&plan, |language| {
                let megabytes = plan.bytes_to_fetch.div_ceil(MEBIBYTE);
                let folder = folder.display();
                language.restore_plan(
                    &from.label,
                    folder,
                    plan.packs,
                    megabytes,
                    plan.unsealed_packs,
                    plan.present_packs,
                )
            })?;
            return Ok(Verdict::Good);
        }
        let mut line = Line::new(language);
        let restored = fetch(&disk, &from, &folder, |done, total| line.show(done, total))?;
        line.end();
        output.say(&restored, |language| {
            let megabytes = restored.bytes.div_ceil(MEBIBYTE);
            language.restore_done(restored.packs, megabytes, restored.records, restored.damaged_records)
        })?;
        Ok(Verdict::of(restored.damaged_records == 0))
    });
    work.await.map_err(io::Error::other)?
}

/// How far it is, for a person who waits: one line on standard error.
struct Line {
    language: Language,
    terminal: bool,
    shown: Instant,
}

impl Line {
    fn new(language: Language) -> Self {
        Self { language, terminal: io::stderr().is_terminal(), shown: Instant::now() }
    }

    fn show(&mut self, done: u64, total: u64) {
        let interval = if self.terminal { TERMINAL_INTERVAL } else { LOG_INTERVAL };
        if self.shown.elapsed() >= interval {
            self.shown = Instant::now();
            let text = self.language.restore_progress(done / MEBIBYTE, total / MEBIBYTE);
            print(&if self.terminal { format!("\r\x1b[K{text}") } else { format!("{text}\n") });
        }
    }

    fn end(&self) {
        if self.terminal {
            print("\r\x1b[K");
        }
    }
}

fn print(text: &str) {
    // Nobody is left to be told when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

//! Wrapping the keys of a large hospital again under a new key-encryption key, while others store and read.
//!
//! ```text
//! make (seeded; each key by its own permit and leaf) ─► rotate ─► turns, beside readers and storers ─► a table in Markdown
//! ```
//!
//! Keys only: there is no image for anything here to touch.

mod house;
mod online;

use crate::catalogue::Engine;
use crate::failure::{Outcome, While};
use crate::statistics::Latencies;
use house::House;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What was measured on one engine.
struct Figures {
    engine: &'static str,
    made_in: Duration,
    /// Keys of patients and studies.
    keys: u64,
    wrapped_in: Duration,
    reads: Load,
    stores: Load,
}

/// What others did meanwhile.
struct Load {
    latencies: Latencies,
    failed: u64,
}

/// Measures with so many studies, and gives the table, in Markdown.
pub(crate) async fn run(work: &Path, studies: u32, engines: &[Engine]) -> Outcome<String> {
    let mut figures = Vec::new();
    for engine in engines {
        let scratch = tempfile::tempdir_in(work).or_fail("making a folder")?;
        // PostgreSQL runs as somebody else where this runs as root.
        let passable = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(scratch.path(), passable).or_fail("opening a folder")?;
        let house = House::open(*engine, scratch.path()).await?;
        let started = Instant::now();
        house.make(studies).await?;
        let made_in = started.elapsed();
        eprintln!("{:<10} {studies} study keys after {:.0} s", engine.name(), made_in.as_secs_f64());
        figures.push(online::measure(&house, engine.name(), studies, made_in).await?);
        house.close().await?;
    }
    Ok(table(studies, &figures))
}

fn table(studies: u32, figures: &[Figures]) -> String {
    let mut table = format!(
        "{studies} study keys, wrapped again while others read and store.\n\n\
         | engine | keys | wrapped again in | keys/s | reads: p50 | p99 | failed | stores: p50 | p99 | failed | made in |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for one in figures {
        let seconds = one.wrapped_in.as_secs_f64();
        let _ = write!(
            table,
            "| {} | {} | {seconds:.1} s | {:.0} |",
            one.engine,
            one.keys,
            one.keys as f64 / seconds
        );
        for Load { latencies, failed } in [&one.reads, &one.stores] {
            let (p50, p99) = (latencies.percentile_ms(0.5), latencies.percentile_ms(0.99));
            let _ = write!(
                table,
                " {p50:.2} ms | {p99:.1} ms | {failed} of {} |",
                latencies.count() as u64 + failed
            );
        }
        let _ = writeln!(table, " {:.0} s |", one.made_in.as_secs_f64());
    }
    table
}

//! The catalogue of a large hospital: how long searches take in it, and how fast it takes what arrives, empty and full.
//!
//! ```text
//! generate (seeded) ─► load (or one that was kept) ─► searches, arrivals ─► a table in Markdown
//! ```
//!
//! It asks the catalogue itself, on SQLite and on PostgreSQL, in this process: rows come back sealed. What unsealing them,
//! deciding and HTTP add to a search is measured by the part `query`, on a whole server.

mod arrive;
mod generate;
mod keyed;
mod load;
mod search;
mod typed;

use crate::failure::{Outcome, While};
use crate::statistics::Latencies;
use generate::Hospital;
pub(crate) use keyed::Keyed;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;
use yingdun_catalog::{Database, DatabaseKind, Statement};
use yingdun_testkit::PostgresServer;

/// How much is generated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Studies, of three series each.
    pub(crate) studies: u32,
    /// Instances of each series.
    pub(crate) instances_per_series: u32,
}

/// Which engine holds the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// What was measured on one engine.
struct Figures {
    engine: &'static str,
    bytes: u64,
    /// None where it was loaded before.
    load_s: Option<f64>,
    /// Name of the search, latencies, rows of an answer.
    searches: Vec<(&'static str, Latencies, f64)>,
    /// Name of the load, instances per second when empty and when full.
    arrivals: Vec<(&'static str, f64, f64)>,
}

/// Measures and gives the table, in Markdown. With a folder to keep them in, catalogues that were loaded there before are
/// used again.
pub(crate) async fn run(work: &Path, keep: Option<&Path>, size: Size, engines: &[Engine]) -> Outcome<String> {
    let hospital = Hospital::new(size);
    let mut figures = Vec::new();
    for engine in engines {
        let scratch = tempfile::tempdir_in(work).or_fail("making a folder")?;
        // PostgreSQL runs as somebody else where this runs as root.
        let passable = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(scratch.path(), passable).or_fail("opening a folder")?;
        let kept = keep.map(|keep| keep.join(engine.folder(size)));
        let folder = kept.unwrap_or_else(|| scratch.path().join("full"));
        let empty = open(*engine, &scratch.path().join("empty")).await?;
        eprintln!("{:<10} arrivals in an empty catalogue", engine.name());
        let rates = arrive::rates(&empty.database, &hospital).await?;
        drop(empty);
        figures.push(measure(*engine, &hospital, &folder, rates).await?);
    }
    Ok(table(size, &figures))
}

/// Fills the catalogue of an installation with studies that it can find and open.
pub(crate) async fn fill(database: &Database, size: Size, keyed: Keyed) -> Outcome<()> {
    load::load(database, &Hospital::keyed(size, keyed)).await
}

/// What people type who look for some of these studies.
pub(crate) fn typed(studies: u32, count: u32) -> Vec<String> {
    (0..count).map(|n| typed::whole(studies, n).words.join(" ")).collect()
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// Where a catalogue of this size is kept.
    fn folder(self, size: Size) -> String {
        format!("{}-{}x{}", self.name(), size.studies, size.instances_per_series)
    }
}

/// A catalogue and, after it, what serves it.
struct Opened {
    database: Database,
    _server: Option<PostgresServer>,
}

async fn open(engine: Engine, folder: &Path) -> Outcome<Opened> {
    std::fs::create_dir_all(folder).or_fail("making a folder")?;
    match engine {
        Engine::Sqlite => {
            let path = folder.join("catalogue.sqlite");
            let database =
                Database::open_sqlite(path, DatabaseKind::Catalogue).await.or_fail("opening SQLite")?;
            Ok(Opened { database, _server: None })
        }
        Engine::Postgres => {
            let server = yingdun_testkit::postgres_server(folder).or_fail("PostgreSQL is not installed")?;
            let database = Database::open_postgres(server.address(), DatabaseKind::Catalogue).await;
            Ok(Opened { database: database.or_fail("opening PostgreSQL")?, _server: Some(server) })
        }
    }
}

async fn measure(
    engine: Engine,
    hospital: &Hospital,
    folder: &Path,
    empty: Vec<(&'static str, f64)>,
) -> Outcome<Figures> {
    let opened = open(engine, folder).await?;
    let (database, engine) = (&opened.database, engine.name());
    // Written when everything is in.
    let loaded = folder.join("loaded");
    let mut load_s = None;
    if !loaded.exists() {
        let started = Instant::now();
        load::load(database, hospital).await?;
        load_s = Some(started.elapsed().as_secs_f64());
        std::fs::write(&loaded, "").or_fail("noting that it is loaded")?;
        eprintln!("{engine:<10} loaded after {:.0} s", started.elapsed().as_secs_f64());
    }
    let searches = search::latencies(database, hospital).await?;
    eprintln!("{engine:<10} arrivals in a full catalogue");
    let full = arrive::rates(database, hospital).await?;
    let arrivals =
        empty.into_iter().zip(full).map(|((what, empty), (_, full))| (what, empty, full)).collect();
    Ok(Figures { engine, bytes: bytes(database, folder).await?, load_s, searches, arrivals })
}

/// Bytes of tables and indexes.
async fn bytes(database: &Database, folder: &Path) -> Outcome<u64> {
    if database.engine_name() == "sqlite" {
        let files = std::fs::read_dir(folder).or_fail("reading the folder")?;
        let sizes = files.map(|file| file.and_then(|file| file.metadata()).map(|file| file.len()));
        return sizes.sum::<Result<u64, _>>().or_fail("reading the size of files");
    }
    let size = Statement::new("SELECT pg_database_size(current_database())", vec![]);
    let rows = database.query(size).await.or_fail("asking for the size")?;
    rows.first().or_fail("no size")?.get_number(0).or_fail("reading the size")
}

fn table(size: Size, figures: &[Figures]) -> String {
    let series = u64::from(size.studies) * u64::from(generate::SERIES_PER_STUDY);
    let mut table = format!(
        "{} studies, {series} series, {} instances.\n\n| |",
        size.studies,
        series * u64::from(size.instances_per_series)
    );
    for one in figures {
        let _ = write!(table, " {}: p50 | p99 | rows |", one.engine);
    }
    let _ = write!(table, "\n|---|{}\n", "---:|---:|---:|".repeat(figures.len()));
    let searches = figures.first().map(|one| one.searches.len()).unwrap_or_default();
    for row in 0..searches {
        for (column, one) in figures.iter().enumerate() {
            let Some((what, latencies, rows)) = one.searches.get(row) else { continue };
            if column == 0 {
                let _ = write!(table, "| {what} |");
            }
            let (p50, p99) = (latencies.percentile_ms(0.5), latencies.percentile_ms(0.99));
            let _ = write!(table, " {p50:.2} ms | {p99:.2} ms | {rows:.1} |");
        }
        table.push('\n');
    }
    table.push_str("\n| | engine | empty | full | full / empty |\n|---|---|---:|---:|---:|\n");
    for one in figures {
        for (what, empty, full) in &one.arrivals {
            let ratio = full / empty;
            let _ = writeln!(table, "| {what} | {} | {empty:.0}/s | {full:.0}/s | {ratio:.2} |", one.engine);
        }
    }
    table.push_str("\n| engine | on disk | loaded in |\n|---|---:|---:|\n");
    for one in figures {
        let loaded = one.load_s.map_or("before".to_owned(), |seconds| format!("{seconds:.0} s"));
        let _ = writeln!(table, "| {} | {} MB | {loaded} |", one.engine, one.bytes / 1_000_000);
    }
    table
}

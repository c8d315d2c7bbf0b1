//! `migrate`: studies of another archive into a running one, with a report that compares both.

use super::scu::settings_of;
use super::{CommandError, Verdict, link, progress};
use crate::cli::{MigrateArgs, MigrationSource, RetrievalArg, ServerArgs};
use crate::output::Output;
use crate::process::signals::until_stopped;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use yingdun_transfer::Store;
use yingdun_transfer::link::line_of;
use yingdun_transfer::meter::Meter;
use yingdun_transfer::migrate::{
    self, Counts, Credentials, Dates, Estimate, Folder, Gaps, Manner, Node, Origin, Outcome, Remote,
    Retrieval, Summary, Which,
};

/// Migrates; bad when a study is not here as it is there, or when the source does not say what it has.
pub(super) async fn migrate(args: MigrateArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let dates = Dates { since: args.since.clone(), until: args.until.clone() };
    let which = Which { dates, rows_max: usize::from(args.window_studies) };
    if args.dry_run {
        return estimate(&source_of(&args).await?, &which, output).await;
    }
    // The command line demands it unless this is a dry run.
    let server = args.target.server.clone().unwrap_or_default();
    let folder = Folder::open(&args.folder, &args.from.to_string(), &server, &which.dates, args.resume)?;
    let origin = source_of(&args).await?;
    let meter = Arc::new(Meter::default());
    let server = ServerArgs { server, ca_file: args.target.ca_file.clone() };
    let store = Store::new(link(&server, &args.identity).await?, Arc::clone(&meter));
    let manner = Manner {
        which,
        verify_only: args.verify_only,
        connections: usize::from(args.connections),
        bytes_per_second: args.rate.map(|megabytes| megabytes * 1e6),
    };
    let stop = AtomicBool::new(false);
    let work = migrate::run(&folder, origin, store, &manner, &meter, &stop);
    let done = progress::show(&meter, output.language(), until_stopped(&stop, work)).await?;
    let Some(outcome) = done.transpose()? else { return Ok(Verdict::Bad) };
    let interrupted = stop.load(Ordering::Relaxed);
    say(&args, &outcome, interrupted, began.elapsed().as_secs_f64(), output)?;
    Ok(Verdict::of(outcome.left == 0 && !interrupted && outcome.gaps.spans.is_empty()))
}

async fn source_of(args: &MigrateArgs) -> Result<Origin, CommandError> {
    match &args.from {
        MigrationSource::Web(address) => {
            let read = |path: &std::path::PathBuf| {
                std::fs::read(path).map_err(|cause| CommandError::File { path: path.clone(), cause })
            };
            let ca = args.from_ca_file.as_ref().map(read).transpose()?;
            let credentials = match (&args.from_token_file, &args.from_basic_file) {
                (Some(file), _) => Credentials::Bearer(line_of(file)?),
                (None, Some(file)) => Credentials::Basic(line_of(file)?),
                (None, None) => Credentials::None,
            };
            Ok(Origin::Web(Remote::new(address, ca.as_deref(), credentials)?))
        }
        MigrationSource::Dimse(destination) => {
            let identity = args.from_certificate_file.as_ref().zip(args.from_private_key_file.as_ref());
            let settings = settings_of(&args.calling, args.from_ca_file.as_deref(), identity)?;
            let title = args.move_to.clone();
            let wanted = match (args.retrieve, &title) {
                (Some(RetrievalArg::Get), _) => Some(Retrieval::Get),
                (Some(RetrievalArg::Move), Some(title)) => Some(Retrieval::Move(title.clone())),
                (Some(RetrievalArg::Move) | None, _) => None,
            };
            Ok(Origin::Dimse(Node::connect(destination.clone(), settings, wanted, title).await?))
        }
    }
}

/// Says what there is, and moves nothing.
async fn estimate(origin: &Origin, which: &Which, output: Output) -> Result<Verdict, CommandError> {
    let Estimate { studies, instances, uncounted, gaps } = migrate::estimate(origin, which).await?;
    let document = json!({
        "dry_run": true, "studies": studies, "instances": instances, "studies_without_count": uncounted,
        "may_lack": gaps,
    });
    output.say(&document, |language| {
        let mut text = language.would_migrate(studies, instances);
        text.push_str(&gap_words(&gaps, language));
        text
    })?;
    Ok(Verdict::of(gaps.spans.is_empty()))
}

fn say(
    args: &MigrateArgs,
    outcome: &Outcome,
    interrupted: bool,
    seconds: f64,
    output: Output,
) -> Result<(), CommandError> {
    let Outcome { summary, left, gaps } = outcome;
    let mut document = json!({
        "studies_left": left, "may_lack": gaps, "interrupted": interrupted, "seconds": seconds, "folder": args.folder,
    });
    if let (Some(all), Ok(serde_json::Value::Object(more))) =
        (document.as_object_mut(), serde_json::to_value(summary))
    {
        all.extend(more);
    }
    output.say(&document, |language| {
        let Summary { studies_good, counts, studies_bad } = summary;
        let mut text =
            language.migrated(studies_good, left, counts.same, counts.present, format!("{seconds:.1}"));
        for report in studies_bad {
            let reason = report.failed.clone().unwrap_or_else(|| {
                let Counts { listed, missing, refused, absent, different, .. } = report.counts;
                let here = report.counts.here();
                format!(
                    "listed {listed}, here {here}, missing {missing}, refused {refused}, absent {absent}, \
                     different {different}"
                )
            });
            text.push('\n');
            text.push_str(&language.not_stored(&report.study, reason));
        }
        text.push_str(&gap_words(gaps, language));
        if interrupted || *left > 0 {
            text.push('\n');
            text.push_str(&language.import_interrupted(args.folder.display()));
        }
        text
    })?;
    Ok(())
}

/// What the list may lack, each in a line of its own.
fn gap_words(gaps: &Gaps, language: crate::messages::Language) -> String {
    let mut text = String::new();
    if gaps.undated {
        text.push('\n');
        text.push_str(&language.migrate_undated());
    }
    for span in &gaps.spans {
        text.push('\n');
        text.push_str(&language.migrate_span(span));
    }
    text
}

//! `export`: studies out of a running archive as a medium in one zip archive.

use super::{CommandError, Verdict, link, progress};
use crate::cli::ExportArgs;
use crate::output::Output;
use serde_json::json;
use std::time::Instant;
use yingdun_transfer::link::line_of;
use yingdun_transfer::medium::{self, Content, STUDIES_MAX};
use yingdun_transfer::meter::Meter;

/// Asks for a medium and writes it. The file has its name only when it is whole.
pub(super) async fn export(args: ExportArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let link = link(&args.server, &args.identity).await?;
    let studies = match &args.patient_id_file {
        Some(file) => medium::studies_of_patient(&link, line_of(file)?.expose()).await?,
        None => args.studies.clone(),
    };
    if studies.is_empty() || studies.len() > STUDIES_MAX {
        let found = studies.len();
        return Err(CommandError::Usage(format!(
            "an export has 1 to {STUDIES_MAX} studies, these are {found}"
        )));
    }
    let content = match (&args.series, studies.as_slice()) {
        (Some(series), [study]) => Content::Series { study, series },
        (Some(_), _) => {
            return Err(CommandError::Usage(
                "a series belongs to one study: name that study alone".to_owned(),
            ));
        }
        (None, studies) => Content::Studies(studies),
    };
    let meter = Meter::default();
    let saved = medium::save(&link, &content, &args.output, &meter);
    let bytes = progress::show(&meter, output.language(), saved).await?;
    let seconds = began.elapsed().as_secs_f64();
    let document = json!({"file": args.output, "studies": studies.len(), "bytes": bytes, "seconds": seconds});
    output.say(&document, |language| {
        let megabytes = format!("{:.1}", bytes as f64 / 1e6);
        language.exported(studies.len(), args.output.display(), megabytes, format!("{seconds:.1}"))
    })?;
    Ok(Verdict::Good)
}

//! `export`: studies out of a running archive as a medium in one zip archive.

use super::{CommandError, Verdict};
use crate::cli::ExportArgs;
use crate::output::Output;
use crate::transfer::TransferError;
use crate::transfer::link::{Link, line_of};
use crate::transfer::meter::Meter;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;

/// Studies of one medium, as the archive bounds them.
const STUDIES_MAX: usize = 128;

/// Asks for a medium and writes it. The file has its name only when it is whole.
pub(super) async fn export(args: ExportArgs, output: Output) -> Result<Verdict, CommandError> {
    let began = Instant::now();
    let link = Link::connect(&args.server, &args.identity).await?;
    let studies = match &args.patient_id_file {
        Some(file) => of_patient(&link, file).await?,
        None => args.studies.clone(),
    };
    if studies.is_empty() || studies.len() > STUDIES_MAX {
        let found = studies.len();
        return Err(CommandError::Usage(format!(
            "an export has 1 to {STUDIES_MAX} studies, these are {found}"
        )));
    }
    let answer = match (&args.series, studies.as_slice()) {
        (Some(series), [study]) => {
            let path = ["dicom-web", "studies", study, "series", series, "media"];
            link.request(Method::GET, &path)?.send().await
        }
        (Some(_), _) => {
            return Err(CommandError::Usage(
                "a series belongs to one study: name that study alone".to_owned(),
            ));
        }
        (None, _) => {
            let request = link.request(Method::GET, &["dicom-web", "media"])?;
            request.query(&[("StudyInstanceUID", studies.join(","))]).send().await
        }
    };
    let answer = accepted(answer.map_err(TransferError::from)?).await?;
    let meter = Arc::new(Meter::default());
    let bytes = meter.show(output.language(), save(answer, &args.output, &meter)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let document = json!({"file": args.output, "studies": studies.len(), "bytes": bytes, "seconds": seconds});
    output.say(&document, |language| {
        let megabytes = format!("{:.1}", bytes as f64 / 1e6);
        language.exported(studies.len(), args.output.display(), megabytes, format!("{seconds:.1}"))
    })?;
    Ok(Verdict::Good)
}

/// The studies of a patient that we may list.
async fn of_patient(link: &Link, file: &PathBuf) -> Result<Vec<String>, CommandError> {
    let id = line_of(file)?;
    let request = link.request(Method::GET, &["dicom-web", "studies"])?;
    let query = [("PatientID", id.expose().as_str()), ("limit", "1000")];
    let answer = request.header("accept", "application/dicom+json").query(&query).send().await;
    let answer = accepted(answer.map_err(TransferError::from)?).await?;
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    let rows: Vec<Value> =
        answer.json().await.map_err(|_| TransferError::Unexpected("a search without a list"))?;
    let uid = |row: &Value| Some(row.get("0020000D")?.get("Value")?.get(0)?.as_str()?.to_owned());
    Ok(rows.iter().filter_map(uid).collect())
}

async fn accepted(answer: Response) -> Result<Response, TransferError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let problem: Value = answer.json().await.unwrap_or_default();
    let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
    Err(TransferError::Refused { status, words: [text("title"), text("came")].join(" ").trim().to_owned() })
}

/// Writes beside the file, and gives it its name when every byte is on the disk.
async fn save(mut answer: Response, path: &Path, meter: &Meter) -> Result<u64, CommandError> {
    let failed = |cause| CommandError::File { path: path.to_owned(), cause };
    if fs::try_exists(path).await.map_err(failed)? {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&part).await.map_err(failed)?;
    let written = async {
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.map_err(TransferError::from)? {
            file.write_all(&chunk).await.map_err(failed)?;
            bytes += chunk.len() as u64;
            meter.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        file.sync_all().await.map_err(failed)?;
        fs::rename(&part, path).await.map_err(failed)?;
        Ok(bytes)
    }
    .await;
    if written.is_err() {
        // A part of a medium is of no use to anybody.
        drop(fs::remove_file(&part).await);
    }
    written
}

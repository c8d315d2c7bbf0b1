//! Export: studies out of a running archive as a medium in one zip archive.

use crate::TransferError;
use crate::link::Link;
use crate::meter::Meter;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use std::io;
use std::path::Path;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};

/// Studies of one medium, as the archive bounds them.
pub const STUDIES_MAX: usize = 128;

/// Bytes that are written to the file at once: each write goes to another thread and back.
const WRITE_BYTES: usize = 1 << 20;

/// What is put on the medium.
pub enum Content<'c> {
    /// Whole studies, at most [`STUDIES_MAX`].
    Studies(&'c [String]),
    /// One series.
    Series {
        /// Of this study.
        study: &'c str,
        /// Its UID.
        series: &'c str,
    },
}

/// The studies of a patient that we may list.
///
/// # Errors
/// [`TransferError`].
pub async fn studies_of_patient(link: &Link, patient_id: &str) -> Result<Vec<String>, TransferError> {
    let request = link.request(Method::GET, &["dicom-web", "studies"])?;
    let query = [("PatientID", patient_id), ("limit", "1000")];
    let answer = accepted(request.header("accept", "application/dicom+json").query(&query).send().await?);
    let answer = answer.await?;
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    let rows: Vec<Value> =
        answer.json().await.map_err(|_| TransferError::Unexpected("a search without a list"))?;
    let uid = |row: &Value| Some(row.get("0020000D")?.get("Value")?.get(0)?.as_str()?.to_owned());
    Ok(rows.iter().filter_map(uid).collect())
}

/// Asks for a medium and writes it; gives its bytes. The file has its name only when every byte is on the disk, and one that
/// exists is not overwritten.
///
/// # Errors
/// [`TransferError`]; nothing is left of the file then.
pub async fn save(
    link: &Link,
    content: &Content<'_>,
    path: &Path,
    meter: &Meter,
) -> Result<u64, TransferError> {
    let failed = |cause| TransferError::File { path: path.to_owned(), cause };
    if fs::try_exists(path).await.map_err(failed)? {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let request = match content {
        Content::Series { study, series } => {
            link.request(Method::GET, &["dicom-web", "studies", study, "series", series, "media"])?
        }
        Content::Studies(studies) => {
            let request = link.request(Method::GET, &["dicom-web", "media"])?;
            request.query(&[("StudyInstanceUID", studies.join(","))])
        }
    };
    let answer = accepted(request.send().await?).await?;
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&part).await.map_err(failed)?;
    let written = async {
        let bytes = write(answer, file, meter, failed).await?;
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

async fn write(
    mut answer: Response,
    file: File,
    meter: &Meter,
    failed: impl Fn(io::Error) -> TransferError,
) -> Result<u64, TransferError> {
    let mut file = BufWriter::with_capacity(WRITE_BYTES, file);
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await? {
        file.write_all(&chunk).await.map_err(&failed)?;
        bytes += chunk.len() as u64;
        meter.read(chunk.len() as u64);
    }
    file.flush().await.map_err(&failed)?;
    file.get_ref().sync_all().await.map_err(&failed)?;
    Ok(bytes)
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

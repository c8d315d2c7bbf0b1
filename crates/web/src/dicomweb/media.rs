//! Export: studies, or one series, as a medium in a zip archive (PS3.10 §8, PS3.18 §8.7.3 for the media type).

use super::problems;
use super::problems::broken;
use crate::http::answer;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderValue, Response};
use yingdun_archive::ExportError;
use yingdun_model::Uid;

pub(crate) const ZIP: &str = "application/zip";

/// The name under which a browser keeps it: it tells nothing of anybody.
const FILE_NAME: &str = "attachment; filename=\"medium.zip\"";

/// Exports what the path names, or the studies that the query names.
pub(crate) async fn export(call: Call) -> Result<Response<Body>, Problem> {
    let studies = match call.uid("study")? {
        Some(study) => vec![study],
        None => listed(&call)?,
    };
    let series = call.uid("series")?;
    let session = call.session()?;
    let made = call.service.archive.export(session, &studies, series.as_ref()).await;
    let mut export = made.map_err(|error| match error {
        ExportError::Open(error) => problems::of_open(error),
        error @ ExportError::TooMany(_) => Problem::new(Kind::TooLarge).expected(error.to_string()),
    })?;
    // What cannot be read at all is told with a status.
    let mut next = export.next().await.map_err(problems::of_open)?;
    let mut response = answer::stream(ZIP, None, move |sink| async move {
        while let Some(chunk) = next {
            sink.send(chunk).await?;
            next = export.next().await.map_err(broken)?;
        }
        Ok(())
    });
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(FILE_NAME));
    Ok(response)
}

/// The UIDs of the query, each once.
fn listed(call: &Call) -> Result<Vec<Uid>, Problem> {
    const NAME: &str = "StudyInstanceUID";
    let mut studies: Vec<Uid> = Vec::new();
    for text in call.query.all(NAME).flat_map(|value| value.split(',')) {
        let uid =
            Uid::new(text).map_err(|error| Problem::bad_request("UIDs of studies", error.to_string()))?;
        if !studies.contains(&uid) {
            studies.push(uid);
        }
        if studies.len() > limits::UID_LIST_MAX {
            return Err(Problem::new(Kind::BadRequest)
                .expected(format!("at most {} UIDs for `{NAME}`", limits::UID_LIST_MAX)));
        }
    }
    if studies.is_empty() {
        return Err(Problem::bad_request(format!("`{NAME}`: the studies to export"), "none"));
    }
    Ok(studies)
}

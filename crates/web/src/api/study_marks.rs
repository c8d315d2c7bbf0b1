//! What is said of a study beside its objects, and what is marked in it: its integrity, and key images.

use crate::dicomweb::problems::{of_open, of_unavailable, refused};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use yingdun_archive::{IngestError, KeyImage, KeyImagesError, KeyImagesRequest};
use yingdun_model::{Timestamp, Uid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    title: String,
    description: Option<String>,
    images: Vec<AskedImage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedImage {
    instance: String,
    #[serde(default)]
    frames: Vec<u32>,
}

/// Makes a selection of key images and stores it with the study.
pub(crate) async fn mark(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let asked: Asked = json_of(body).await?;
    let images = asked.images.into_iter().map(|image| {
        let instance = Uid::new(&image.instance);
        let instance =
            instance.map_err(|_| Problem::new(Kind::BadRequest).expected("a UID as `instance`"))?;
        Ok(KeyImage { instance, frames: image.frames })
    });
    let request = KeyImagesRequest {
        study: call.required_uid("study")?,
        title: asked.title,
        description: asked.description,
        images: images.collect::<Result<_, Problem>>()?,
    };
    let stored = call.service.archive.mark_key_images(call.session()?, request).await.map_err(of_marking)?;
    let body = json!({
        "study_uid": stored.study.as_str(),
        "series_uid": stored.series.as_str(),
        "instance_uid": stored.sop_instance.as_str(),
    });
    Ok(answer::json(StatusCode::CREATED, &body))
}

/// What can be said of a study as a thing that is kept.
pub(crate) async fn integrity(call: Call) -> Result<Response<Body>, Problem> {
    let uid = call.required_uid("study")?;
    let session = call.session()?;
    let study = call.service.archive.open_study(session, &uid, session.purpose()).await.map_err(of_open)?;
    let known = study.integrity().await.map_err(of_open)?;
    let body = json!({
        "study_uid": uid.as_str(),
        "grade": known.grade.as_str(),
        "received_ms": known.received.as_ms(),
        "instances": known.instances,
        "state": known.state.as_str(),
        "checked_ms": known.checked.map(Timestamp::as_ms),
    });
    Ok(answer::json(StatusCode::OK, &body))
}

// === helpers ===

fn of_marking(error: KeyImagesError) -> Problem {
    let unprocessable =
        |error: &KeyImagesError| Problem::new(Kind::Unprocessable).expected(error.to_string());
    match error {
        KeyImagesError::Open(error) => of_open(error),
        KeyImagesError::Store(IngestError::Refused { reason }) => refused(&reason),
        KeyImagesError::Store(IngestError::Unavailable(unavailable)) => of_unavailable(&unavailable),
        KeyImagesError::Store(IngestError::OutOfSpace) => {
            Problem::new(Kind::Unavailable).expected("room on the replicas").remedy("tell the operator")
        }
        error => unprocessable(&error),
    }
}

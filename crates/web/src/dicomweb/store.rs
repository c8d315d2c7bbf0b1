//! STOW-RS (PS3.18 §10.5): objects in, one after the other, none of them ever whole in this door's memory.
//!
//! While one object is still arriving, the ones before it become durable beside it, so that a long upload
//! shares the archive's group commits. The answer is written when every object is either durable or refused.

use super::compose;
use super::desk::{Desk, Object, Source, failed, of_ingest};
use super::receipt::{self, Outcome, Reason};
use super::search::json_type;
use crate::http::answer;
use crate::http::body::Chunks;
use crate::http::media::Media;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use bytes::BytesMut;
use yingdun_archive::Incoming;
use yingdun_dicom::part10::{self, FileHeader, HeaderLook};
use yingdun_model::Uid;

const PART10: &str = "application/dicom";

/// Stores what the body holds.
pub(crate) async fn store(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let study = call.uid("study")?;
    let content_type = call.content_type.as_ref().ok_or_else(unsupported)?;
    let chunks = Chunks::new(body, limits::STOW_BYTES_MAX);
    let service = &call.service;
    let mut desk = Desk::new(service.archive.clone(), call.session()?.clone(), service.origin.clone(), study);
    let taken = if content_type.is(PART10) {
        take_one(&mut desk, &mut Source::Whole(chunks)).await
    } else {
        let inner = content_type.parameter("type").unwrap_or(PART10).to_ascii_lowercase();
        let mut source = Source::parts(content_type, chunks)?;
        match inner.as_str() {
            PART10 => take_parts(&mut desk, &mut source).await,
            compose::DICOM_JSON => {
                // Such a request holds much more in memory than a stream of whole objects does.
                let described = &call.service.described;
                let _turn = described.acquire().await.map_err(|_| Problem::new(Kind::Unavailable))?;
                compose::take(&mut desk, &mut source).await
            }
            _ => return Err(unsupported()),
        }
    };
    let outcomes = desk.settle().await;
    if let Err(problem) = taken {
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored { .. })).count();
        return Err(problem.remedy(format!(
            "send the request again; {stored} complete instances of it were stored before it broke off"
        )));
    }
    let studies = format!("{}/dicom-web/studies", call.service.origin);
    let (status, body) = receipt::answer(&outcomes, &studies);
    Ok(answer::with_body(status, media_type, body.to_string()))
}

/// Receives an object from each part.
async fn take_parts(desk: &mut Desk, source: &mut Source) -> Result<(), Problem> {
    while let Some(part) = source.next_part().await? {
        let is_dicom = part
            .content_type
            .as_deref()
            .is_none_or(|text| Media::parse(text).is_ok_and(|media| media.is(PART10)));
        if is_dicom {
            take_one(desk, source).await?;
        } else {
            desk.add(failed(None, Reason::NotDicom, "the part is not application/dicom"));
        }
    }
    if desk.is_empty() {
        return Err(Problem::bad_request(
            "at least one part of application/dicom",
            "an empty multipart body",
        ));
    }
    Ok(())
}

/// Receives one object. A failure of the object is an outcome; only a failure of the request is an error.
async fn take_one(desk: &mut Desk, source: &mut Source) -> Result<(), Problem> {
    let place = desk.reserve();
    match receive(desk, source).await? {
        Ok((incoming, object)) => desk.finish(place, incoming, object).await,
        Err(outcome) => desk.settle_at(place, outcome),
    }
    Ok(())
}

async fn receive(desk: &Desk, source: &mut Source) -> Result<Result<(Incoming, Object), Outcome>, Problem> {
    let (header, mut head) = match read_head(source).await? {
        Ok(read) => read,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let object = header.sop_class.clone().zip(header.sop_instance.clone());
    let data = head.split_off(header.data_set_offset.min(head.len()));
    let sniffed = || Uid::new(part10::sniff(&data)).ok();
    let Some(transfer_syntax) = header.transfer_syntax.clone().or_else(sniffed) else {
        return Ok(Err(failed(object, Reason::CannotUnderstand, "no transfer syntax")));
    };
    let mut incoming = match desk.begin(transfer_syntax, &object) {
        Ok(incoming) => incoming,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let mut next = Some(data.freeze());
    while let Some(chunk) = next {
        if let Err(error) = incoming.write(chunk).await {
            return Ok(Err(of_ingest(object, &error)));
        }
        next = source.chunk().await?;
    }
    Ok(Ok((incoming, object)))
}

/// Reads until the file header is complete; gives it with all bytes read so far.
async fn read_head(source: &mut Source) -> Result<Result<(FileHeader, BytesMut), Outcome>, Problem> {
    let mut head = BytesMut::new();
    loop {
        let chunk = source.chunk().await?;
        let complete = chunk.is_none();
        head.extend_from_slice(&chunk.unwrap_or_default());
        match part10::read_header(&head, complete) {
            Ok(HeaderLook::Found(header)) => return Ok(Ok((header, head))),
            Ok(HeaderLook::NeedMore) if !complete => {}
            Ok(HeaderLook::NeedMore) => {
                return Ok(Err(failed(None, Reason::CannotUnderstand, "the object ends in its header")));
            }
            Err(error) => return Ok(Err(failed(None, Reason::CannotUnderstand, &error.to_string()))),
        }
    }
}

fn unsupported() -> Problem {
    Problem::new(Kind::UnsupportedMediaType).expected(
        "Content-Type: multipart/related; type=\"application/dicom\" or \"application/dicom+json\"; boundary=…, \
         or application/dicom",
    )
}

//! Bulk data (PS3.18 §10.4.1.1.5 to 7): one value by its address, or all values of a study, a series or an instance.

use super::negotiate::{self, Form};
use super::problems::{self, broken};
use super::retrieve::{
    OCTETS, begun, in_parts, instance_url, one_part, open, part_of_frame, pump, validator,
};
use crate::http::problem::{Kind, Problem};
use crate::http::{answer, conditional};
use crate::limits;
use crate::multipart::write::Writer;
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use axum::http::header::RANGE;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::collections::VecDeque;
use std::sync::Arc;
use yingdun_archive::{ByteStream, InstanceEntry, OpenError, OpenStudy};
use yingdun_dicom::transfer_syntax;

/// Retrieves one bulk data value that the metadata pointed to.
pub(crate) async fn one(call: Call) -> Result<Response<Body>, Problem> {
    let form = negotiate::bulk(&call.accept)?;
    let path = call.in_path("path").unwrap_or_default().to_owned();
    if path.len() > limits::BULK_PATH_BYTES_MAX {
        return Err(Problem::new(Kind::BadRequest)
            .expected(format!("a bulk data path of at most {} bytes", limits::BULK_PATH_BYTES_MAX)));
    }
    let (study, entries) = open(&call).await?;
    let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
    let validator = validator(&entries, &["bulk", &path, form.as_str()]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    if form == Form::Single && call.headers.contains_key(RANGE) {
        let length = study.bulk_bytes(entry, &path).await.map_err(problems::of_open)?;
        if let Some(range) = conditional::range(&call.headers, validator, length)? {
            let content = study.bulk_range(entry, &path, range.clone()).await.map_err(problems::of_open)?;
            let part = one_part(OCTETS, content, Some(range), length).await?;
            return Ok(validator.mark(conditional::in_ranges(part)));
        }
    }
    let (length, content) = study.bulk(entry, &path).await.map_err(problems::of_open)?;
    Ok(validator.mark(match form {
        Form::Single => conditional::in_ranges(one_part(OCTETS, content, None, length).await?),
        Form::Multipart => in_parts(OCTETS, VecDeque::from([(length, content)]), validator).await?,
    }))
}

/// Which values of the instances are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// All that have addresses of their own.
    All,
    /// The pixels of each object itself: (7FE0,0008), (7FE0,0009), (7FE0,0010).
    Pixels,
}

/// Retrieves the bulk data of a study, a series or an instance (PS3.18 Table 10.4.1-5): one part for each value, and for
/// each frame where pixels are encapsulated, with its address.
pub(crate) async fn all(call: Call, values: Values) -> Result<Response<Body>, Problem> {
    let (study, entries) = open(&call).await?;
    let stored = entries.iter().map(|entry| transfer_syntax::frame_media_type(&entry.transfer_syntax));
    negotiate::values(&call.accept, stored)?;
    let origin = call.service.origin.clone();
    let what = if values == Values::All { "all" } else { "pixels" };
    let validator = validator(&entries, &["bulk of all", what, &origin]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    let writer = Writer::new(OCTETS, validator.boundary());
    let (content_type, tail) = (writer.content_type(), writer.tail());
    // One instance after the other, one value after the other: what is not sent yet is not read yet.
    let mut parts = stream::iter(entries)
        .then(move |entry| {
            let base = instance_url(&origin, &entry.study, &entry.series, &entry.sop_instance);
            parts_of(Arc::clone(&study), entry, values, base, writer.clone())
        })
        .try_flatten()
        .boxed();
    let first = parts.try_next().await.map_err(problems::of_open)?;
    let (head, content) = first.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let content = begun(content).await?;
    let response = answer::stream(&content_type, None, move |sink| async move {
        sink.send(head).await?;
        pump(&sink, content).await?;
        while let Some((head, content)) = parts.try_next().await.map_err(broken)? {
            sink.send(head).await?;
            pump(&sink, content).await?;
        }
        sink.send(tail).await
    });
    Ok(validator.mark(response))
}

/// The values of one instance, each with the head of its part.
async fn parts_of(
    study: Arc<OpenStudy>,
    entry: InstanceEntry,
    values: Values,
    base: String,
    writer: Writer,
) -> Result<impl Stream<Item = Result<(Bytes, ByteStream), OpenError>>, OpenError> {
    let wanted = study.bulk_values(&entry).await?.into_iter().filter(move |value| match values {
        Values::All => true,
        Values::Pixels => ["7FE00008", "7FE00009", "7FE00010"].contains(&value.path.as_str()),
    });
    // A value is told by its path, a frame by its number too.
    let wanted = wanted.flat_map(|value| match value.frames {
        None => vec![(value.path, None)],
        Some(count) => (1..=count).map(|number| (value.path.clone(), Some(number))).collect(),
    });
    let kind = part_of_frame(&entry);
    Ok(stream::iter(wanted.collect::<Vec<_>>()).then(move |(path, number)| {
        let (study, entry, writer) = (Arc::clone(&study), entry.clone(), writer.clone());
        let (base, kind) = (base.clone(), kind.clone());
        async move {
            let (kind, location, bytes, content) = match number {
                None => {
                    let (bytes, content) = study.bulk(&entry, &path).await?;
                    (OCTETS.to_owned(), format!("{base}/bulk/{path}"), bytes, content)
                }
                Some(number) => {
                    let mut frames = study.frames(&entry, &[number]).await?;
                    let frame = frames.pop().ok_or(OpenError::NotFound)?;
                    (kind, format!("{base}/frames/{number}"), frame.bytes, frame.stream)
                }
            };
            Ok((writer.head(&kind, Some(&location), Some(bytes)), content))
        }
    }))
}

//! WADO-RS (PS3.18 §10.4): objects, metadata, frames and bulk data, as they were stored; compressed frames also as samples.
//!
//! One call of `open_study` is one decision, one leaf and one permit; everything after it reads under that
//! permit. Answers are streamed: the archive opens and verifies the next chunk while the last one is sent.

use super::negotiate::{self, Form, Given};
use super::problems;
use super::search::json_type;
use super::studio;
use crate::http::answer::{self, Broken, Sink};
use crate::http::compress::Coding;
use crate::http::conditional::{self, Validator};
use crate::http::media::Accept;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::multipart::write::Writer;
use crate::routes::Call;
use axum::body::Body;
use axum::http::header::RANGE;
use axum::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use yingdun_archive::{ByteStream, InstanceEntry, OpenError, OpenStudy};
use yingdun_dicom::transfer_syntax;
use yingdun_model::Uid;

/// Retrieves a study, a series or an instance, whichever the path names.
pub(crate) async fn objects(call: Call) -> Result<Response<Body>, Problem> {
    let alone = call.uid("instance")?.is_some();
    let (study, entries) = open(&call).await?;
    objects_of(&call, study, entries, &call.accept, alone).await
}

/// Answers these instances as DICOM objects.
pub(super) async fn objects_of(
    call: &Call,
    study: Arc<OpenStudy>,
    entries: Vec<InstanceEntry>,
    accept: &Accept,
    alone: bool,
) -> Result<Response<Body>, Problem> {
    let syntaxes = entries.iter().map(|entry| entry.transfer_syntax.as_str());
    let form = negotiate::objects(accept, syntaxes, alone)?;
    let validator = validator(&entries, &["objects", form.as_str()]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    let response = match form {
        Form::Single => {
            let entry = entries.into_iter().next().ok_or_else(|| Problem::new(Kind::NotFound))?;
            let length = part10_bytes(&entry);
            let range = conditional::range(&call.headers, validator, length)?;
            let content = match &range {
                Some(range) => study.part10_range(&entry, range.clone()).await,
                None => study.part10(&entry).await.map(|(_length, content)| content),
            };
            let content = content.map_err(problems::of_open)?;
            conditional::in_ranges(one_part(&part10_type(&entry), content, range, length).await?)
        }
        Form::Multipart => {
            let writer = Writer::new("application/dicom", validator.boundary());
            let heads: Vec<Bytes> = entries
                .iter()
                .map(|entry| writer.head(&part10_type(entry), None, Some(part10_bytes(entry))))
                .collect();
            let tail = writer.tail();
            let length = heads.iter().map(|head| head.len() as u64).sum::<u64>()
                + entries.iter().map(part10_bytes).sum::<u64>()
                + tail.len() as u64;
            // One instance is opened by this task; of several, each by one of its own beside the sending.
            let mut opened = match <[InstanceEntry; 1]>::try_from(entries) {
                Ok([entry]) => stream::once(async move { study.part10(&entry).await }).boxed(),
                Err(entries) => stream::iter(entries)
                    .map(move |entry| study.part10_ahead(entry))
                    .buffered(limits::INSTANCES_AHEAD)
                    .boxed(),
            };
            let first = opened.try_next().await.map_err(problems::of_open)?;
            let (_length, content) = first.ok_or_else(|| Problem::new(Kind::NotFound))?;
            let mut begun = Some(begun(content).await?);
            answer::stream(&writer.content_type(), Some(length), move |sink| async move {
                for head in heads {
                    sink.send(head).await?;
                    let content = match begun.take() {
                        Some(first) => first,
                        None => opened.try_next().await.map_err(broken)?.ok_or(Broken)?.1,
                    };
                    pump(&sink, content).await?;
                }
                sink.send(tail).await
            })
        }
    };
    Ok(validator.mark(response))
}

/// Retrieves the metadata of a study, a series or an instance as one DICOM JSON array.
pub(crate) async fn metadata(call: Call) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let (study, entries) = open(&call).await?;
    let origin = call.service.origin.clone();
    let coding = call.coding.map_or("identity", Coding::as_str);
    let validator = validator(&entries, &["metadata", media_type, &origin, coding]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    let mut made = stream::iter(entries.into_iter().map(move |entry| {
        let (study, base) =
            (Arc::clone(&study), instance_url(&origin, &entry.study, &entry.series, &entry.sop_instance));
        async move { study.metadata(&entry, &base).await }
    }))
    .buffered(limits::METADATA_AHEAD)
    .boxed();
    // What cannot be read at all is told with a status.
    let first = made.try_next().await.map_err(problems::of_open)?;
    let mut buffer = BytesMut::from(&b"["[..]);
    buffer.extend_from_slice(&first.unwrap_or_default());
    let response = answer::stream(media_type, None, move |sink| async move {
        while let Some(object) = made.try_next().await.map_err(broken)? {
            buffer.extend_from_slice(b",");
            buffer.extend_from_slice(&object);
            if buffer.len() >= METADATA_CHUNK_BYTES {
                sink.send(buffer.split().freeze()).await?;
            }
        }
        buffer.extend_from_slice(b"]");
        sink.send(buffer.freeze()).await
    });
    Ok(validator.mark(response))
}

/// Retrieves frames of one instance.
pub(crate) async fn frames(call: Call) -> Result<Response<Body>, Problem> {
    let list = call.in_path("frames").unwrap_or_default();
    let numbers = negotiate::frame_list(list)?;
    let (study, entries) = open(&call).await?;
    let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
    let stored = transfer_syntax::frame_media_type(&entry.transfer_syntax);
    let decodable = studio::is_decodable(&entry.transfer_syntax);
    let (form, given) =
        negotiate::frames(&call.accept, stored, entry.transfer_syntax.as_str(), numbers.len(), decodable)?;
    let validator = validator(&entries, &["frames", list, form.as_str(), given.as_str()]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    if given == Given::Samples {
        return samples(&call, study, entry, numbers, form, validator).await;
    }
    let parts = study.frames(entry, &numbers).await.map_err(problems::of_open)?;
    let media_type = part_of_frame(entry);
    let mut parts: VecDeque<_> = parts.into_iter().map(|frame| (frame.bytes, frame.stream)).collect();
    let response = match (form, parts.pop_front()) {
        (Form::Single, Some((length, content))) => one_part(&media_type, content, None, length).await?,
        (Form::Multipart, Some(first)) => {
            parts.push_front(first);
            in_parts(&media_type, parts, validator).await?
        }
        (_, None) => return Err(Problem::new(Kind::NotFound)),
    };
    Ok(validator.mark(response))
}

/// Frames of one instance, decoded one after the other.
async fn samples(
    call: &Call,
    study: Arc<OpenStudy>,
    entry: &InstanceEntry,
    numbers: Vec<u32>,
    form: Form,
    validator: Validator,
) -> Result<Response<Body>, Problem> {
    let (studio, entry) = (call.service.studio.clone(), entry.clone());
    let mut numbers = numbers.into_iter();
    let first = numbers.next().ok_or_else(|| Problem::new(Kind::NotFound))?;
    let mut decoded = Some(studio.samples(&study, &entry, first).await?);
    let media_type = format!("{OCTETS}; transfer-syntax={EXPLICIT_LITTLE_ENDIAN}");
    if form == Form::Single {
        let bytes = decoded.unwrap_or_default();
        return Ok(validator.mark(answer::with_body(StatusCode::OK, &media_type, bytes)));
    }
    let writer = Writer::new(&media_type, validator.boundary());
    let response = answer::stream(&writer.content_type(), None, move |sink| async move {
        for number in std::iter::once(first).chain(numbers) {
            let frame = match decoded.take() {
                Some(frame) => frame,
                None => studio.samples(&study, &entry, number).await.map_err(|_problem| Broken)?,
            };
            sink.send(writer.head(&media_type, None, Some(frame.len() as u64))).await?;
            sink.send(frame).await?;
        }
        sink.send(writer.tail()).await
    });
    Ok(validator.mark(response))
}

/// Retrieves one bulk data value that the metadata pointed to.
pub(crate) async fn bulk(call: Call) -> Result<Response<Body>, Problem> {
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
pub(crate) async fn bulk_of_all(call: Call, values: Values) -> Result<Response<Body>, Problem> {
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

// === helpers ===

const OCTETS: &str = "application/octet-stream";

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// Bytes of metadata that are sent as one chunk.
const METADATA_CHUNK_BYTES: usize = 256 * 1024;

/// Opens the study of the path and finds what else the path names in it; nothing found is "not found".
pub(super) async fn open(call: &Call) -> Result<(Arc<OpenStudy>, Vec<InstanceEntry>), Problem> {
    let study = call.required_uid("study")?;
    let (series, instance) = (call.uid("series")?, call.uid("instance")?);
    open_at(call, &study, series.as_ref(), instance.as_ref()).await
}

/// The same for what is named elsewhere.
pub(super) async fn open_at(
    call: &Call,
    study: &Uid,
    series: Option<&Uid>,
    instance: Option<&Uid>,
) -> Result<(Arc<OpenStudy>, Vec<InstanceEntry>), Problem> {
    let session = call.session()?;
    let archive = &call.service.archive;
    let opened = archive.open_study(session, study, session.purpose()).await.map_err(problems::of_open)?;
    let entries = opened.instances(series, instance).await.map_err(problems::of_open)?;
    if entries.is_empty() { Err(Problem::new(Kind::NotFound)) } else { Ok((Arc::new(opened), entries)) }
}

/// The validator of a representation of these instances.
pub(super) fn validator(entries: &[InstanceEntry], form: &[&str]) -> Validator {
    Validator::of(entries.iter().map(InstanceEntry::version_digest), form)
}

/// Answers one part alone, or the range of it that was asked for.
async fn one_part(
    media_type: &str,
    content: ByteStream,
    range: Option<Range<u64>>,
    length: u64,
) -> Result<Response<Body>, Problem> {
    let content = begun(content).await?;
    let bytes = range.as_ref().map_or(length, |range| range.end - range.start);
    let response =
        answer::stream(media_type, Some(bytes), move |sink| async move { pump(&sink, content).await });
    Ok(match range {
        Some(range) => conditional::partial(response, &range, length),
        None => response,
    })
}

/// Answers parts of one type and of known lengths.
async fn in_parts(
    media_type: &str,
    mut parts: VecDeque<(u64, ByteStream)>,
    validator: Validator,
) -> Result<Response<Body>, Problem> {
    let Some((bytes, first)) = parts.pop_front() else { return Err(Problem::new(Kind::NotFound)) };
    parts.push_front((bytes, begun(first).await?));
    let writer = Writer::new(media_type, validator.boundary());
    let tail = writer.tail();
    let mut length = tail.len() as u64;
    let parts: Vec<(Bytes, ByteStream)> = parts
        .into_iter()
        .map(|(bytes, content)| {
            let head = writer.head(media_type, None, Some(bytes));
            length += head.len() as u64 + bytes;
            (head, content)
        })
        .collect();
    Ok(answer::stream(&writer.content_type(), Some(length), move |sink| async move {
        for (head, content) in parts {
            sink.send(head).await?;
            pump(&sink, content).await?;
        }
        sink.send(tail).await
    }))
}

/// The same bytes, of which the first have been read and verified: what cannot be read at all is told with a status,
/// not with a connection that breaks.
async fn begun(mut content: ByteStream) -> Result<ByteStream, Problem> {
    let first = content.try_next().await.map_err(problems::of_open)?;
    Ok(Box::pin(stream::iter(first.map(Ok)).chain(content)))
}

/// Sends a whole stream.
async fn pump(sink: &Sink, mut content: ByteStream) -> Result<(), Broken> {
    while let Some(chunk) = content.try_next().await.map_err(broken)? {
        sink.send(chunk).await?;
    }
    Ok(())
}

/// The reason goes to the log; the client sees its connection end before the announced length.
fn broken(error: OpenError) -> Broken {
    tracing::warn!(%error, "an answer was broken off");
    Broken
}

/// The type of one frame as it is stored.
fn part_of_frame(entry: &InstanceEntry) -> String {
    let media_type = transfer_syntax::frame_media_type(&entry.transfer_syntax);
    format!("{media_type}; transfer-syntax={}", entry.transfer_syntax)
}

fn part10_type(entry: &InstanceEntry) -> String {
    format!("application/dicom; transfer-syntax={}", entry.transfer_syntax)
}

/// The length of an instance as a DICOM file. The archive writes the same header, so that the length of a whole
/// series is known before its first instance is opened; an answer of another length would be broken off.
fn part10_bytes(entry: &InstanceEntry) -> u64 {
    let InstanceEntry { sop_class, sop_instance, transfer_syntax, data_set_bytes, .. } = entry;
    let header = yingdun_dicom::part10::write_header(sop_class, sop_instance, transfer_syntax, None);
    header.len() as u64 + data_set_bytes
}

/// The address of a stored instance.
pub(crate) fn instance_url(origin: &str, study: &Uid, series: &Uid, instance: &Uid) -> String {
    format!("{origin}/dicom-web/studies/{study}/series/{series}/instances/{instance}")
}

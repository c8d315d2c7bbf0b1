//! WADO-RS (PS3.18 §10.4): objects, metadata, frames and bulk data, as they are stored, or in
//! another transfer syntax for those who ask for it.
//!
//! One call of `open_study` is one decision, one leaf and one permit; everything after it reads under that
//! permit. Answers are streamed: the archive opens and verifies the next chunk while the last one is sent.

use super::media;
use super::negotiate::{self, Form, Given};
use super::problems::{self, broken};
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
use axum::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use yingdun_archive::{ByteStream, InstanceEntry, OpenError, OpenStudy};
use yingdun_dicom::{part10, transfer_syntax};
use yingdun_model::Uid;

/// Retrieves a study, a series or an instance, whichever the path names.
pub(crate) async fn objects(call: Call) -> Result<Response<Body>, Problem> {
    let alone = call.uid("instance")?.is_some();
    // A medium is another act than a look, whatever the address is: it is decided upon as an export.
    if !alone && call.accept.choose(&["multipart/related", media::ZIP]) == Some(media::ZIP) {
        return media::export(call).await;
    }
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
    // Who is shown names masked only has no whole object, in whatever form.
    study.gives_objects().map_err(problems::of_open)?;
    let syntaxes = entries.iter().map(|entry| entry.transfer_syntax.as_str());
    let targets = studio::targets(entries.iter().map(|entry| &entry.transfer_syntax));
    let (form, given) = negotiate::objects(accept, syntaxes, targets, alone)?;
    let validator = validator(&entries, &["objects", form.as_str(), given.as_str(), VERSION]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    if let Given::Converted(to) = given {
        let response = converted_objects(study, entries, to, form, validator).await?;
        return Ok(validator.mark(response));
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
    let mut form = vec!["metadata", media_type, &origin, coding];
    // Answers to two roles are two representations where one of them is masked.
    let masking = study.masking_digest().map(|digest| format!("{digest:02x?}"));
    form.extend(masking.as_deref());
    let validator = validator(&entries, &form);
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
    let targets = studio::targets(std::iter::once(&entry.transfer_syntax));
    let syntax = entry.transfer_syntax.as_str();
    let (form, given) = negotiate::frames(&call.accept, stored, syntax, targets, numbers.len())?;
    let validator = validator(&entries, &["frames", list, form.as_str(), given.as_str(), VERSION]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    if let Given::Converted(to) = given {
        let response = converted_frames(&call, study, entry, numbers, to, form, validator).await?;
        return Ok(validator.mark(response));
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

/// Frames of one instance in another transfer syntax, one after the other.
async fn converted_frames(
    call: &Call,
    study: Arc<OpenStudy>,
    entry: &InstanceEntry,
    numbers: Vec<u32>,
    to: &str,
    form: Form,
    validator: Validator,
) -> Result<Response<Body>, Problem> {
    let (studio, entry, to) = (call.service.studio.clone(), entry.clone(), syntax_of(to)?);
    let mut numbers = numbers.into_iter();
    let first = numbers.next().ok_or_else(|| Problem::new(Kind::NotFound))?;
    // What cannot be converted at all is told with a status.
    let mut converted = Some(studio.convert(&study, &entry, first, &to).await?);
    let media_type = format!("{}; transfer-syntax={to}", transfer_syntax::frame_media_type(&to));
    if form == Form::Single {
        return Ok(answer::with_body(StatusCode::OK, &media_type, converted.unwrap_or_default()));
    }
    let writer = Writer::new(&media_type, validator.boundary());
    Ok(answer::stream(&writer.content_type(), None, move |sink| async move {
        for number in std::iter::once(first).chain(numbers) {
            let frame = match converted.take() {
                Some(frame) => frame,
                None => studio.convert(&study, &entry, number, &to).await.map_err(|_problem| Broken)?,
            };
            sink.send(writer.head(&media_type, None, Some(frame.len() as u64))).await?;
            sink.send(frame).await?;
        }
        sink.send(writer.tail()).await
    }))
}

/// Whole objects in another transfer syntax, one after the other; how long they become is not known before.
async fn converted_objects(
    study: Arc<OpenStudy>,
    entries: Vec<InstanceEntry>,
    to: &str,
    form: Form,
    validator: Validator,
) -> Result<Response<Body>, Problem> {
    let to = syntax_of(to)?;
    let media_type = format!("application/dicom; transfer-syntax={to}");
    let mut opened = stream::iter(entries)
        .then(move |entry| {
            let (study, to) = (Arc::clone(&study), to.clone());
            async move {
                if entry.transfer_syntax == to {
                    return study.part10(&entry).await.map(|(_length, content)| content);
                }
                let header = part10::write_header(&entry.sop_class, &entry.sop_instance, &to, None);
                let data_set = study.transcoded(&entry, &to).await?;
                let header = stream::iter([Ok(Bytes::from(header))]);
                Ok::<ByteStream, OpenError>(Box::pin(header.chain(data_set)))
            }
        })
        .boxed();
    let first = opened.try_next().await.map_err(problems::of_open)?;
    let first = begun(first.ok_or_else(|| Problem::new(Kind::NotFound))?).await?;
    if form == Form::Single {
        return Ok(answer::stream(&media_type, None, move |sink| async move { pump(&sink, first).await }));
    }
    let writer = Writer::new(&media_type, validator.boundary());
    Ok(answer::stream(&writer.content_type(), None, move |sink| async move {
        let mut next = Some(first);
        while let Some(content) = next {
            sink.send(writer.head(&media_type, None, None)).await?;
            pump(&sink, content).await?;
            next = opened.try_next().await.map_err(broken)?;
        }
        sink.send(writer.tail()).await
    }))
}

/// A transfer syntax that conversions lead to.
fn syntax_of(text: &str) -> Result<Uid, Problem> {
    Uid::new(text).map_err(|_| Problem::new(Kind::Internal))
}

// === helpers ===

pub(super) const OCTETS: &str = "application/octet-stream";

/// The version of the program, which stands for how it converts.
const VERSION: &str = env!("CARGO_PKG_VERSION");

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
pub(super) async fn one_part(
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
pub(super) async fn in_parts(
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
pub(super) async fn begun(mut content: ByteStream) -> Result<ByteStream, Problem> {
    let first = content.try_next().await.map_err(problems::of_open)?;
    Ok(Box::pin(stream::iter(first.map(Ok)).chain(content)))
}

/// Sends a whole stream.
pub(super) async fn pump(sink: &Sink, mut content: ByteStream) -> Result<(), Broken> {
    while let Some(chunk) = content.try_next().await.map_err(broken)? {
        sink.send(chunk).await?;
    }
    Ok(())
}

/// The type of one frame as it is stored.
pub(super) fn part_of_frame(entry: &InstanceEntry) -> String {
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
    let header = part10::write_header(sop_class, sop_instance, transfer_syntax, None);
    header.len() as u64 + data_set_bytes
}

/// The address of a stored instance.
pub(crate) fn instance_url(origin: &str, study: &Uid, series: &Uid, instance: &Uid) -> String {
    format!("{origin}/dicom-web/studies/{study}/series/{series}/instances/{instance}")
}

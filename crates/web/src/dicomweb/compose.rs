//! STOW-RS of metadata and bulk data (PS3.18 §10.5.1.2.2): a first part of DICOM JSON, then a part for each value that it
//! points to. The objects are written here, as Explicit VR Little Endian or around the compressed frames that came.
//!
//! What does not fit in memory goes straight through: native pixels whose length follows from the metadata are written
//! while they arrive, once every other value of their object is there. Everything else is held until its object is
//! whole, within [`limits::STOW_HELD_BYTES_MAX`].

use super::desk::{Desk, Object, Source, failed, of_ingest};
use super::receipt::{Outcome, Reason};
use crate::http::media::Media;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::multipart::Part;
use bytes::{Bytes, BytesMut};
use std::collections::{HashMap, HashSet};
use yingdun_archive::Incoming;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::json::{self, Document, JsonError};
use yingdun_dicom::transfer_syntax::{self, EXPLICIT_VR_LITTLE_ENDIAN, Encoding};
use yingdun_dicom::{Tag, Vr, tags, write};
use yingdun_model::Uid;

/// The type of the first part.
pub(super) const DICOM_JSON: &str = "application/dicom+json";

/// Takes the parts of a request: metadata first.
pub(super) async fn take(desk: &mut Desk, source: &mut Source) -> Result<(), Problem> {
    let first = source.next_part().await?;
    if !first.is_some_and(|part| is(&part, DICOM_JSON)) {
        return Err(Problem::bad_request("a first part of application/dicom+json", "another part, or none"));
    }
    let metadata = collect(source, limits::STOW_METADATA_BYTES_MAX).await?.ok_or_else(|| {
        Problem::new(Kind::TooLarge)
            .expected(format!("metadata of at most {} bytes", limits::STOW_METADATA_BYTES_MAX))
            .remedy("send several requests, or the objects as application/dicom")
    })?;
    let mut bench = Bench::open(desk, &metadata).await?;
    while let Some(part) = source.next_part().await? {
        bench.place(desk, &part, source).await?;
    }
    bench.close(desk);
    Ok(())
}

/// The objects of one request that are not whole yet.
struct Bench<'m> {
    drafts: Vec<Option<Draft<'m>>>,
    /// Which draft a value belongs to, by its address.
    wanted: HashMap<String, usize>,
    held_bytes: usize,
}

/// An object of which values are still to come.
struct Draft<'m> {
    metadata: &'m [u8],
    /// Where its outcome stands in the answer.
    place: usize,
    object: Object,
    /// What it says without the values that stand elsewhere.
    document: Document,
    /// Values that came, by their addresses.
    held: HashMap<String, Bytes>,
    /// Bytes of all values that wait here.
    held_bytes: usize,
    missing: usize,
    pixels: Option<Pixels>,
}

/// Pixels that stand elsewhere.
struct Pixels {
    uri: String,
    vr: Vr,
    frames: usize,
    /// Native pixels of this image have so many bytes, if it says.
    native_bytes: Option<u64>,
    came: Option<Coded>,
}

/// Pixels that came.
enum Coded {
    Native(Bytes),
    /// One part for each frame.
    Frames(Uid, Vec<Bytes>),
}

/// Why an object is not stored.
type Fault = (Reason, String);

impl<'m> Bench<'m> {
    /// Reads the metadata. An object that has everything is stored at once; one that cannot be read is answered so.
    async fn open(desk: &mut Desk, metadata: &'m [u8]) -> Result<Self, Problem> {
        let documents = json::documents(metadata).map_err(|_| {
            Problem::bad_request("metadata as an array of data sets in DICOM JSON", "something else")
        })?;
        if documents.is_empty() || documents.len() > limits::STOW_PARTS_MAX {
            let expected = format!("metadata of 1 to {} objects", limits::STOW_PARTS_MAX);
            return Err(Problem::bad_request(expected, format!("{} objects", documents.len())));
        }
        let mut bench = Self { drafts: Vec::new(), wanted: HashMap::new(), held_bytes: 0 };
        for metadata in documents {
            let place = desk.reserve();
            match Draft::read(metadata, place) {
                Ok((draft, uris)) if uris.is_empty() => {
                    let object = draft.object.clone();
                    let written = draft.write(desk).await;
                    settle(desk, place, object, written).await;
                }
                Ok((draft, uris)) => bench.add(desk, draft, uris),
                Err(error) => {
                    desk.settle_at(place, failed(None, Reason::CannotUnderstand, &error.to_string()));
                }
            }
        }
        Ok(bench)
    }

    fn add(&mut self, desk: &mut Desk, draft: Draft<'m>, uris: Vec<String>) {
        let number = self.drafts.len();
        let new = |uri: &String| !self.wanted.contains_key(uri);
        let distinct: HashSet<&String> = uris.iter().filter(|uri| new(uri)).collect();
        if distinct.len() < uris.len() {
            let comment = "two attributes point to one bulk data part";
            desk.settle_at(draft.place, failed(draft.object, Reason::CannotUnderstand, comment));
            return;
        }
        self.wanted.extend(uris.into_iter().map(|uri| (uri, number)));
        self.drafts.push(Some(draft));
    }

    /// Takes one part of bulk data to the object that points to it.
    async fn place(&mut self, desk: &mut Desk, part: &Part, source: &mut Source) -> Result<(), Problem> {
        let uri = part.content_location.clone().unwrap_or_default();
        let number = self.wanted.get(&uri).copied();
        let Some(draft) = number.and_then(|number| self.drafts.get_mut(number)) else {
            desk.add(failed(None, Reason::NotDicom, "no metadata point to this part"));
            return Ok(());
        };
        // An object that failed already needs no more of its values.
        let Some(mut open) = draft.take() else { return Ok(()) };
        let (place, object) = (open.place, open.object.clone());
        let taken = if open.streams(&uri, part) {
            self.held_bytes -= open.held_bytes;
            match open.begin(desk) {
                Ok(begun) => open.stream(begun, source).await?,
                Err(outcome) => Err(Stop::Known(outcome)),
            }
        } else {
            let bytes = collect(source, limits::STOW_HELD_BYTES_MAX - self.held_bytes).await?;
            self.held_bytes += bytes.as_ref().map_or(0, Bytes::len);
            match open.hold(&uri, part, bytes) {
                Ok(()) if !open.is_whole() => {
                    *draft = Some(open);
                    return Ok(());
                }
                // Whole or lost, it waits no longer.
                held => {
                    self.held_bytes -= open.held_bytes;
                    match held {
                        Ok(()) => open.write(desk).await,
                        Err(fault) => Err(Stop::Fault(fault)),
                    }
                }
            }
        };
        settle(desk, place, object, taken).await;
        Ok(())
    }

    /// Ends the request: what is not whole now never will be.
    fn close(self, desk: &mut Desk) {
        for draft in self.drafts.into_iter().flatten() {
            let comment = "a bulk data part that the metadata point to did not come";
            desk.settle_at(draft.place, failed(draft.object, Reason::CannotUnderstand, comment));
        }
    }
}

/// Why the writing of an object stopped.
enum Stop {
    Fault(Fault),
    Known(Outcome),
}

impl<'m> Draft<'m> {
    /// Reads the metadata of one object, and which values it points to.
    fn read(metadata: &'m [u8], place: usize) -> Result<(Self, Vec<String>), JsonError> {
        let (mut uris, mut pixel_data) = (Vec::new(), None);
        let document = json::read(metadata, &mut |pointer| {
            if pointer.at_top && pointer.tag == tags::PIXEL_DATA {
                pixel_data = Some((pointer.uri.to_owned(), pointer.vr));
            }
            uris.push(pointer.uri.to_owned());
            None
        })?;
        let set = &document.data_set;
        let object = set.uid(tags::SOP_CLASS_UID).zip(set.uid(tags::SOP_INSTANCE_UID));
        let pixels = pixel_data.map(|(uri, vr)| {
            let frames = set.u32(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
            let frames_in_memory = usize::try_from(frames).unwrap_or(usize::MAX);
            Pixels { uri, vr, frames: frames_in_memory, native_bytes: native_bytes(set, frames), came: None }
        });
        let missing = uris.len() - usize::from(pixels.is_some());
        let held = HashMap::new();
        Ok((Self { metadata, place, object, document, held, held_bytes: 0, missing, pixels }, uris))
    }

    fn is_whole(&self) -> bool {
        let pixels = self.pixels.as_ref().is_none_or(|pixels| match &pixels.came {
            None => false,
            Some(Coded::Native(_)) => true,
            Some(Coded::Frames(_, frames)) => frames.len() >= pixels.frames,
        });
        self.missing == 0 && pixels
    }

    /// Whether this part is native pixels of known length, and the last that is missing.
    fn streams(&self, uri: &str, part: &Part) -> bool {
        self.missing == 0
            && is(part, OCTETS)
            && self.pixels.as_ref().is_some_and(|pixels| {
                pixels.uri == uri && pixels.native_bytes.is_some() && pixels.came.is_none()
            })
    }

    /// Keeps a value until the object is whole.
    fn hold(&mut self, uri: &str, part: &Part, bytes: Option<Bytes>) -> Result<(), Fault> {
        let fault = |comment: &str| Err((Reason::CannotUnderstand, comment.to_owned()));
        let Some(bytes) = bytes else {
            let comment = "too much bulk data before the rest: send it as application/dicom";
            return Err((Reason::TooLarge, comment.to_owned()));
        };
        self.held_bytes += bytes.len();
        let pixels = match &mut self.pixels {
            Some(pixels) if pixels.uri == uri => pixels,
            _ => {
                if self.held.insert(uri.to_owned(), bytes).is_some() {
                    return fault("a bulk data part came twice");
                }
                self.missing = self.missing.saturating_sub(1);
                return Ok(());
            }
        };
        if is(part, OCTETS) {
            if pixels.came.is_some() {
                return fault("the pixel data came twice");
            }
            pixels.came = Some(Coded::Native(bytes));
            return Ok(());
        }
        let media = part.content_type.as_deref().and_then(|text| Media::parse(text).ok());
        let named = media.as_ref().and_then(|media| media.parameter("transfer-syntax"));
        let named = named.or(self.document.transfer_syntax.as_deref());
        let Some(syntax) = named.and_then(|text| Uid::new(text).ok()) else {
            return fault("compressed pixels need the parameter transfer-syntax");
        };
        if !transfer_syntax::lookup(&syntax).encapsulated {
            return fault("the transfer syntax of these pixels is not a compressed one");
        }
        match pixels.came.get_or_insert_with(|| Coded::Frames(syntax.clone(), Vec::new())) {
            Coded::Frames(known, frames) if *known == syntax && frames.len() < pixels.frames => {
                frames.push(bytes)
            }
            Coded::Frames(..) => {
                return fault("more frames than Number of Frames, or of two transfer syntaxes");
            }
            Coded::Native(_) => return fault("the pixel data came twice"),
        }
        Ok(())
    }

    /// Begins to store the object as Explicit VR Little Endian.
    fn begin(&self, desk: &Desk) -> Result<Incoming, Outcome> {
        let syntax = Uid::new(EXPLICIT_VR_LITTLE_ENDIAN)
            .map_err(|error| failed(self.object.clone(), Reason::ProcessingFailure, &error.to_string()))?;
        desk.begin(syntax, &self.object)
    }

    /// Writes the object around native pixels that arrive now.
    async fn stream(
        self,
        mut incoming: Incoming,
        source: &mut Source,
    ) -> Result<Result<Incoming, Stop>, Problem> {
        let written = match self.sides() {
            Ok(sides) => {
                let length = self.pixels.as_ref().and_then(|pixels| pixels.native_bytes).unwrap_or(0);
                write_pixels(&mut incoming, self.pixel_vr(), sides, length, source).await?
            }
            Err(fault) => Err(Stop::Fault(fault)),
        };
        Ok(written.map(|()| incoming).map_err(|stop| self.stopped(stop)))
    }

    /// Writes an object that is whole.
    async fn write(self, desk: &Desk) -> Result<Incoming, Stop> {
        let (head, tail) = self.sides().map_err(Stop::Fault)?;
        let coded = self.pixels.as_ref().and_then(|pixels| pixels.came.as_ref());
        let (syntax, pieces) = match coded {
            None => (None, Vec::new()),
            Some(Coded::Native(bytes)) => (None, native(self.pixel_vr(), bytes).map_err(Stop::Fault)?),
            Some(Coded::Frames(syntax, frames)) => {
                (Some(syntax.clone()), encapsulated(frames).map_err(Stop::Fault)?)
            }
        };
        let mut incoming = match syntax {
            None => self.begin(desk),
            Some(syntax) => desk.begin(syntax, &self.object),
        }
        .map_err(Stop::Known)?;
        for piece in std::iter::once(head).chain(pieces).chain([tail]).filter(|piece| !piece.is_empty()) {
            if let Err(error) = incoming.write(piece).await {
                return Err(self.stopped(Stop::Known(of_ingest(None, &error))));
            }
        }
        Ok(incoming)
    }

    /// The elements before the pixels and those behind, with all values in their places.
    fn sides(&self) -> Result<(Bytes, Bytes), Fault> {
        let document =
            json::read(self.metadata, &mut |pointer| self.held.get(pointer.uri).map(|bytes| bytes.to_vec()))
                .map_err(|error| (Reason::CannotUnderstand, error.to_string()))?;
        let elements = || document.data_set.elements().iter().cloned();
        // Without pixels elsewhere everything stands before them.
        let first_behind = if self.pixels.is_some() { tags::PIXEL_DATA } else { Tag(u16::MAX, u16::MAX) };
        let head: DataSet = elements().filter(|element| element.tag < first_behind).collect();
        let tail: DataSet = elements().filter(|element| element.tag >= first_behind).collect();
        let written = |set: &DataSet| Bytes::from(write::data_set(set, Encoding::ExplicitLe));
        Ok((written(&head), written(&tail)))
    }

    fn pixel_vr(&self) -> Vr {
        let vr = self.pixels.as_ref().map_or(Vr::OW, |pixels| pixels.vr);
        if vr == Vr::OB { Vr::OB } else { Vr::OW }
    }

    /// An outcome says which object it is about.
    fn stopped(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Known(Outcome::Failed { reason, comment, .. }) => {
                Stop::Known(Outcome::Failed { object: self.object.clone(), reason, comment })
            }
            other => other,
        }
    }
}

// === helpers ===

const OCTETS: &str = "application/octet-stream";

/// Lets an object become durable, or says why it will not.
async fn settle(desk: &mut Desk, place: usize, object: Object, written: Result<Incoming, Stop>) {
    match written {
        Ok(incoming) => desk.finish(place, incoming, object).await,
        Err(Stop::Known(outcome)) => desk.settle_at(place, outcome),
        Err(Stop::Fault((reason, comment))) => desk.settle_at(place, failed(object, reason, &comment)),
    }
}

/// Whether a part is of this type; a part that does not say is octets (PS3.18 §8.6.1.2.2).
fn is(part: &Part, essence: &str) -> bool {
    match part.content_type.as_deref() {
        None => essence == OCTETS,
        Some(text) => Media::parse(text).is_ok_and(|media| media.is(essence)),
    }
}

/// The whole of the present part, or nothing of one that is longer.
async fn collect(source: &mut Source, max: usize) -> Result<Option<Bytes>, Problem> {
    let mut collected = BytesMut::new();
    while let Some(chunk) = source.chunk().await? {
        if collected.len() + chunk.len() > max {
            return Ok(None);
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(Some(collected.freeze()))
}

/// The bytes of native pixels, by the attributes that say so.
fn native_bytes(set: &DataSet, frames: u32) -> Option<u64> {
    let number = |tag| set.u32(tag).map(u128::from);
    let samples = number(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let bits = number(tags::ROWS)? * number(tags::COLUMNS)? * samples * number(tags::BITS_ALLOCATED)?;
    let bytes = (bits * u128::from(frames)).div_ceil(8);
    (bytes > 0).then_some(bytes).and_then(|bytes| u64::try_from(bytes).ok())
}

/// The header of Pixel Data.
fn pixel_header(vr: Vr, bytes: Option<u64>) -> Result<Vec<u8>, Fault> {
    let long = || (Reason::TooLarge, "native pixel data of 4 GiB or more has to come compressed".to_owned());
    let length = bytes
        .map(|bytes| u32::try_from(bytes.next_multiple_of(2)).ok().filter(|length| *length < u32::MAX))
        .map(|length| length.ok_or_else(long))
        .transpose()?;
    let mut header = Vec::new();
    write::element_header(tags::PIXEL_DATA, vr, length, Encoding::ExplicitLe, &mut header);
    Ok(header)
}

/// Native pixels as an element.
fn native(vr: Vr, bytes: &Bytes) -> Result<Vec<Bytes>, Fault> {
    let header = pixel_header(vr, Some(bytes.len() as u64))?;
    let padding = Bytes::from_static(if bytes.len() % 2 == 1 { &[0] } else { &[] });
    Ok(vec![header.into(), bytes.clone(), padding])
}

/// Compressed frames as an element: an empty Basic Offset Table, then one fragment for each (PS3.5 §A.4).
fn encapsulated(frames: &[Bytes]) -> Result<Vec<Bytes>, Fault> {
    let mut header = pixel_header(Vr::OB, None)?;
    write::element_header(tags::ITEM, Vr::UN, Some(0), Encoding::ExplicitLe, &mut header);
    let mut pieces = vec![Bytes::from(header)];
    for frame in frames {
        let length = frame.len().next_multiple_of(2);
        let long = |_| (Reason::TooLarge, "a frame of 4 GiB or more".to_owned());
        let length = u32::try_from(length).map_err(long)?;
        let mut item = Vec::new();
        write::element_header(tags::ITEM, Vr::UN, Some(length), Encoding::ExplicitLe, &mut item);
        let padding = Bytes::from_static(if frame.len() % 2 == 1 { &[0] } else { &[] });
        pieces.extend([item.into(), frame.clone(), padding]);
    }
    let mut end = Vec::new();
    write::element_header(tags::SEQUENCE_DELIMITATION, Vr::UN, Some(0), Encoding::ExplicitLe, &mut end);
    pieces.push(end.into());
    Ok(pieces)
}

/// Writes an object around the pixels of the present part, which must be `length` bytes, or one more to be even.
async fn write_pixels(
    incoming: &mut Incoming,
    vr: Vr,
    (head, tail): (Bytes, Bytes),
    length: u64,
    source: &mut Source,
) -> Result<Result<(), Stop>, Problem> {
    let header = match pixel_header(vr, Some(length)) {
        Ok(header) => header,
        Err(fault) => return Ok(Err(Stop::Fault(fault))),
    };
    for piece in [head, header.into()] {
        if let Err(error) = incoming.write(piece).await {
            return Ok(Err(Stop::Known(of_ingest(None, &error))));
        }
    }
    let even = length.next_multiple_of(2);
    let mut came = 0_u64;
    while let Some(chunk) = source.chunk().await? {
        came += chunk.len() as u64;
        if came > even {
            break;
        }
        if let Err(error) = incoming.write(chunk).await {
            return Ok(Err(Stop::Known(of_ingest(None, &error))));
        }
    }
    if came != length && came != even {
        let comment = "the pixel data is not as long as the metadata say".to_owned();
        return Ok(Err(Stop::Fault((Reason::Mismatch, comment))));
    }
    let padding = Bytes::from_static(if came < even { &[0] } else { &[] });
    for piece in [padding, tail].into_iter().filter(|piece| !piece.is_empty()) {
        if let Err(error) = incoming.write(piece).await {
            return Ok(Err(Stop::Known(of_ingest(None, &error))));
        }
    }
    Ok(Ok(()))
}

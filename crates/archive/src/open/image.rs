//! One frame with what says how it looks, for whoever decodes, renders or transcodes it; and whole instances in another
//! transfer syntax.

use super::OpenStudy;
use super::object::ObjectReader;
use crate::error::{OpenError, Unavailable};
use crate::picture_work::picture_work;
use crate::request::{ByteStream, ImageFrame, InstanceEntry};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::ops::Range;
use std::sync::Arc;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::frames::FrameTable;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::{PixelExtent, PixelLayout, Scanner};
use yingdun_dicom::transfer_syntax::{self, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, Encoding};
use yingdun_dicom::write::Deflater;
use yingdun_dicom::{Vr, tags, write};
use yingdun_model::Uid;
use yingdun_pixels::transcode::{CodedFrame, Transcoder, without_pixels};
use yingdun_pixels::{PixelError, align_bits};

/// Longest frame that is read into memory, in bytes as stored: as large as a frame that is decoded.
const FRAME_BYTES_MAX: u64 = yingdun_pixels::limits::FRAME_BYTES_MAX;

/// Most bytes before or behind the pixels that are read: the functional groups of ten thousand frames have about so many.
const HEAD_BYTES_MAX: u64 = 32 << 20;

impl OpenStudy {
    /// One frame, by its number from 1, with the attributes that stand before the pixels. Nothing is decoded. The attributes are for
    /// whoever makes a picture of it; they are not masked, and do not leave.
    ///
    /// # Errors
    /// [`OpenError::NotFound`] when there is no such frame, [`OpenError::NotAddressable`] when it is not read by itself:
    /// the data set is deflated, the frame or what stands before it too long.
    pub async fn image(&self, entry: &InstanceEntry, number: u32) -> Result<ImageFrame, OpenError> {
        let reader = self.reader(entry).await?;
        let table = frames(&reader)?;
        let place = table.frame(number).map_err(|_| OpenError::NotFound)?;
        let head = first_pixel(&table)?;
        if place.length() > FRAME_BYTES_MAX {
            return Err(OpenError::NotAddressable);
        }
        self.window().await?.count(1, head + place.length());
        let (data_set, layout) = elements(&reader, entry, span(0, head)).await?;
        Ok(ImageFrame {
            data_set,
            pixel_data: layout.map_or(Vr::OW, |layout| layout.vr),
            transfer_syntax: entry.transfer_syntax.clone(),
            bytes: read(&reader, place.parts).await?.into(),
            skip_bits: place.skip_bits,
        })
    }

    /// One frame, by its number from 1, in another transfer syntax.
    ///
    /// # Errors
    /// As [`Self::image`]; [`OpenError::NotConvertible`].
    pub async fn transcoded_frame(
        &self,
        entry: &InstanceEntry,
        number: u32,
        to: &Uid,
    ) -> Result<Vec<u8>, OpenError> {
        self.gives_values()?;
        let image = self.image(entry, number).await?;
        let to = to.clone();
        let work = move || {
            let ImageFrame { data_set, pixel_data, transfer_syntax, bytes, skip_bits } = image;
            let transcoder = Transcoder::new(&transfer_syntax, pixel_data, &data_set, &to)?;
            transcoder.frame(&align_bits(&bytes, skip_bits))
        };
        Ok(picture_work(work).await.map_err(OpenError::Unavailable)?.map_err(not_convertible)?.bytes)
    }

    /// The data set of an instance in another transfer syntax, frame after frame. How long it will be is not known before
    /// its end. Objects without pixels change their encoding only.
    ///
    /// # Errors
    /// [`OpenError::NotConvertible`] when the transfer syntax cannot be written, or the first frame not be read; a later
    /// frame that cannot ends the stream with it. [`OpenError::NotAddressable`] as [`Self::image`].
    pub async fn transcoded(&self, entry: &InstanceEntry, to: &Uid) -> Result<ByteStream, OpenError> {
        self.gives_objects()?;
        let reader = self.reader(entry).await?;
        let whole = reader.layout().header.data_set_bytes;
        self.window().await?.count(1, whole);
        let table = match frames(&reader) {
            Err(OpenError::NotFound) => return self.transcoded_without_pixels(&reader, entry, to).await,
            other => other?,
        };
        let (mut data_set, layout) = elements(&reader, entry, span(0, first_pixel(&table)?)).await?;
        let layout = layout.ok_or(OpenError::Damaged)?;
        behind_pixels(&reader, entry, &table, &layout, whole, &mut data_set).await?;
        let transcoder = Transcoder::new(&entry.transfer_syntax, layout.vr, &data_set, to);
        let work = Frames { reader, table, transcoder: Arc::new(transcoder.map_err(not_convertible)?) };
        let first = work.frame(1).await?;
        let head = work.transcoder.head(&first).map_err(not_convertible)?;
        let tail = work.transcoder.tail(&first);
        let begin = [head, work.transcoder.item(first)];
        let others = stream::iter(2..=work.table.frames()).then(move |number| {
            let work = work.clone();
            async move { work.frame(number).await.map(|frame| work.transcoder.item(frame).into()) }
        });
        let begin = stream::iter(begin.map(|bytes| Ok(bytes.into())));
        let end = stream::iter([Ok(tail.into())]);
        let plain: ByteStream = Box::pin(super::object::stop_after_error(begin.chain(others).chain(end)));
        Ok(encoded(plain, to))
    }

    async fn transcoded_without_pixels(
        &self,
        reader: &ObjectReader,
        entry: &InstanceEntry,
        to: &Uid,
    ) -> Result<ByteStream, OpenError> {
        let whole = reader.layout().header.data_set_bytes;
        let (data_set, layout) = elements(reader, entry, span(0, whole)).await?;
        if layout.is_some() {
            return Err(not_convertible(PixelError::Unsupported {
                what: "pixels whose frames cannot be told",
            }));
        }
        let bytes = without_pixels(&data_set, to).map_err(not_convertible)?;
        Ok(encoded(Box::pin(stream::iter([Ok(Bytes::from(bytes))])), to))
    }
}

/// The frames of an instance, one at a time.
#[derive(Clone)]
struct Frames {
    reader: ObjectReader,
    table: FrameTable,
    transcoder: Arc<Transcoder>,
}

impl Frames {
    async fn frame(&self, number: u32) -> Result<CodedFrame, OpenError> {
        let place = self.table.frame(number).map_err(|_| OpenError::NotFound)?;
        if place.length() > FRAME_BYTES_MAX {
            return Err(OpenError::NotAddressable);
        }
        let bytes = read(&self.reader, place.parts).await?;
        let transcoder = Arc::clone(&self.transcoder);
        let work = move || transcoder.frame(&align_bits(&bytes, place.skip_bits));
        picture_work(work).await.map_err(OpenError::Unavailable)?.map_err(not_convertible)
    }
}

// === helpers ===

/// Deflates a data set on its way if its transfer syntax says so.
fn encoded(plain: ByteStream, to: &Uid) -> ByteStream {
    if to.as_str() != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        return plain;
    }
    let begin = (plain, Some(Deflater::default()));
    let deflated = stream::try_unfold(begin, |(mut plain, deflater)| async move {
        let Some(mut deflater) = deflater else { return Ok(None) };
        let piece = plain.try_next().await?;
        let work = move || match piece {
            Some(piece) => deflater.push(&piece).map(|out| (out, Some(deflater))),
            None => deflater.finish().map(|out| (out, None)),
        };
        let broke_off = |error: std::io::Error| Unavailable::new("pictures", error);
        let (out, deflater) = picture_work(work)
            .await
            .and_then(|done| done.map_err(broke_off))
            .map_err(OpenError::Unavailable)?;
        Ok(Some((Bytes::from(out), (plain, deflater))))
    });
    Box::pin(deflated.try_filter(|out| std::future::ready(!out.is_empty())))
}

fn not_convertible(error: PixelError) -> OpenError {
    OpenError::NotConvertible { reason: error.to_string() }
}

const fn span(start: u64, end: u64) -> Range<u64> {
    Range { start, end }
}

/// Where the frames are.
fn frames(reader: &ObjectReader) -> Result<FrameTable, OpenError> {
    if reader.layout().encoding == Encoding::DeflatedExplicitLe {
        return Err(OpenError::NotAddressable);
    }
    reader.layout().frames.clone().ok_or(OpenError::NotFound)
}

/// Where the first frame begins.
fn first_pixel(table: &FrameTable) -> Result<u64, OpenError> {
    let first = table.frame(1).map_err(|_| OpenError::NotFound)?;
    Ok(first.parts.first().map_or(0, |part| part.start))
}

/// The elements of a part of the data set, which ends within its pixels or with it, and where the pixels are.
async fn elements(
    reader: &ObjectReader,
    entry: &InstanceEntry,
    part: Range<u64>,
) -> Result<(DataSet, Option<PixelLayout>), OpenError> {
    if part.end - part.start > HEAD_BYTES_MAX {
        return Err(OpenError::NotAddressable);
    }
    let bytes = usize::try_from(HEAD_BYTES_MAX).unwrap_or(usize::MAX);
    let limits = Limits { value_bytes_max: bytes, kept_bytes_max: bytes, ..Limits::default() };
    let mut scanner = Scanner::new(transfer_syntax::lookup(&entry.transfer_syntax), limits);
    let is_end = part.end == reader.layout().header.data_set_bytes;
    scanner.feed(&read(reader, vec![part]).await?).map_err(|_| OpenError::Damaged)?;
    if is_end {
        let scanned = scanner.finish().map_err(|_| OpenError::Damaged)?;
        return Ok((scanned.data_set, scanned.pixels));
    }
    Ok((scanner.data_set().clone(), scanner.pixels().cloned()))
}

/// Adds the elements behind the pixels.
async fn behind_pixels(
    reader: &ObjectReader,
    entry: &InstanceEntry,
    table: &FrameTable,
    layout: &PixelLayout,
    whole: u64,
    data_set: &mut DataSet,
) -> Result<(), OpenError> {
    let end = match &layout.extent {
        PixelExtent::Native { length } => layout.offset + length,
        PixelExtent::Encapsulated(_) => {
            let last = table.frame(table.frames()).map_err(|_| OpenError::Damaged)?;
            let end = last.parts.last().map_or(whole, |part| part.end);
            let mut delimiter = Vec::new();
            let encoding = reader.layout().encoding;
            write::element_header(tags::SEQUENCE_DELIMITATION, Vr::UN, Some(0), encoding, &mut delimiter);
            let behind = end + delimiter.len() as u64;
            // Some senders leave the delimiter out at the end of an object.
            if behind > whole || read(reader, vec![span(end, behind)]).await? != delimiter {
                return Ok(());
            }
            behind
        }
    };
    if end < whole {
        let (behind, _) = elements(reader, entry, span(end, whole)).await?;
        behind.elements().iter().for_each(|element| data_set.push(element.clone()));
    }
    Ok(())
}

/// The bytes of these ranges, all of them.
async fn read(reader: &ObjectReader, ranges: Vec<Range<u64>>) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let mut stream = reader.clone().stream(Bytes::new(), ranges);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

//! One frame with what says how it looks, for whoever decodes, renders or transcodes it.

use super::OpenStudy;
use super::object::ObjectReader;
use crate::error::OpenError;
use crate::request::{ImageFrame, InstanceEntry};
use bytes::Bytes;
use futures_util::StreamExt;
use std::ops::Range;
use yingdun_dicom::Vr;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::transfer_syntax::{self, Encoding};

/// Longest frame that is read into memory, in bytes as stored: as large as a frame that is decoded.
const FRAME_BYTES_MAX: u64 = 256 << 20;

/// Most bytes before the pixels that are read: the functional groups of ten thousand frames have about so many.
const HEAD_BYTES_MAX: u64 = 32 << 20;

/// Longest value that is kept of what stands before the pixels, in bytes: a look-up table of 65,536 entries.
const VALUE_BYTES_MAX: usize = 128 << 10;

impl OpenStudy {
    /// One frame, by its number from 1, with the attributes that stand before the pixels. Nothing is decoded.
    ///
    /// # Errors
    /// [`OpenError::NotFound`] when there is no such frame, [`OpenError::NotAddressable`] when it is not read by itself: the
    /// data set is deflated, the frame or what stands before it too long.
    pub async fn image(&self, entry: &InstanceEntry, number: u32) -> Result<ImageFrame, OpenError> {
        let reader = self.reader(entry).await?;
        let layout = reader.layout();
        if layout.encoding == Encoding::DeflatedExplicitLe {
            return Err(OpenError::NotAddressable);
        }
        let table = layout.frames.as_ref().ok_or(OpenError::NotFound)?;
        let head =
            table.frame(1).map_err(|_| OpenError::NotFound)?.parts.first().map_or(0, |part| part.start);
        let place = table.frame(number).map_err(|_| OpenError::NotFound)?;
        if place.length() > FRAME_BYTES_MAX || head > HEAD_BYTES_MAX {
            return Err(OpenError::NotAddressable);
        }
        self.window().await?.count(1, head + place.length());
        let limits = Limits { value_bytes_max: VALUE_BYTES_MAX, ..Limits::default() };
        let mut scanner = Scanner::new(transfer_syntax::lookup(&entry.transfer_syntax), limits);
        let head = Range { start: 0, end: head };
        scanner.feed(&read(reader.clone(), vec![head]).await?).map_err(|_| OpenError::Damaged)?;
        Ok(ImageFrame {
            data_set: scanner.data_set().clone(),
            pixel_data: scanner.pixels().map_or(Vr::OW, |pixels| pixels.vr),
            transfer_syntax: entry.transfer_syntax.clone(),
            bytes: read(reader, place.parts).await?.into(),
            skip_bits: place.skip_bits,
        })
    }
}

// === helpers ===

/// The bytes of these ranges, all of them.
async fn read(reader: ObjectReader, ranges: Vec<Range<u64>>) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let mut stream = reader.stream(Bytes::new(), ranges);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

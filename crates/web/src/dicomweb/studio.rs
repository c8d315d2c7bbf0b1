//! Where pictures are made: decoding and rendering cost milliseconds of one processor and many megabytes, so both run on
//! threads for such work, and only so many at a time.

use super::problems;
use super::view::{Picture as File, Wish};
use crate::http::problem::{Kind, Problem};
use crate::limits;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::Semaphore;
use yingdun_archive::{ImageFrame, InstanceEntry, OpenStudy};
use yingdun_dicom::Vr;
use yingdun_model::Uid;
use yingdun_pixels::render::{self, Presentation};
use yingdun_pixels::{Coding, ImageAttributes, Picture, PixelError, align_bits, decode};

/// The places at which pictures are made.
#[derive(Clone, Debug)]
pub(crate) struct Studio {
    /// One for each processor: more would only wait for each other, with their frames in memory.
    places: Arc<Semaphore>,
    /// The one place for pictures beyond [`limits::LARGE_PICTURE_BYTES`].
    large: Arc<Semaphore>,
}

impl Studio {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { places: Arc::new(Semaphore::new(processors)), large: Arc::new(Semaphore::new(1)) }
    }

    /// Renders one frame as a file.
    pub(crate) async fn render(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
        wish: Wish,
    ) -> Result<Bytes, Problem> {
        self.make(study, entry, number, move |frame, declared| {
            let picture = decoded(&frame, &declared)?;
            let presentation = Presentation::of(&frame.data_set, number, &declared)?;
            let bitmap = render::render(&picture, &presentation, &wish.on(&declared))?;
            Ok(match wish.picture {
                File::Jpeg => render::to_jpeg(bitmap, wish.quality)?,
                File::Png => render::to_png(&bitmap),
            })
        })
        .await
    }

    /// The samples of one frame as Explicit VR Little Endian has them.
    pub(crate) async fn samples(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
    ) -> Result<Bytes, Problem> {
        self.make(study, entry, number, |frame, declared| Ok(decoded(&frame, &declared)?.bytes)).await
    }

    async fn make(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
        work: impl FnOnce(ImageFrame, ImageAttributes) -> Result<Vec<u8>, PixelError> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let closed = |_| Problem::new(Kind::Unavailable);
        let _place = self.places.acquire().await.map_err(closed)?;
        let stored = entry.data_set_bytes / u64::from(entry.number_of_frames.max(1));
        let mut large = None;
        if stored > limits::LARGE_PICTURE_BYTES {
            large = Some(self.large.acquire().await.map_err(closed)?);
        }
        let frame = study.image(entry, number).await.map_err(problems::of_open)?;
        let declared = ImageAttributes::of(&frame.data_set).map_err(of_pixels)?;
        if large.is_none() && declared.decoded_bytes() > limits::LARGE_PICTURE_BYTES {
            large = Some(self.large.acquire().await.map_err(closed)?);
        }
        let made = tokio::task::spawn_blocking(move || work(frame, declared)).await;
        drop(large);
        let made = made.map_err(|_| Problem::new(Kind::Internal))?;
        made.map(Bytes::from).map_err(of_pixels)
    }
}

/// Whether frames of this transfer syntax can be decoded.
pub(super) fn is_decodable(transfer_syntax: &Uid) -> bool {
    Coding::of(transfer_syntax, Vr::OB).is_some()
}

/// Decodes a frame as its data set declares it.
fn decoded(frame: &ImageFrame, declared: &ImageAttributes) -> Result<Picture, PixelError> {
    let coding = Coding::of(&frame.transfer_syntax, frame.pixel_data)
        .ok_or(PixelError::Unsupported { what: "decoding this transfer syntax" })?;
    let bytes = match frame.skip_bits {
        0 => Cow::Borrowed(&frame.bytes[..]),
        skip => Cow::Owned(align_bits(&frame.bytes, skip)),
    };
    decode(coding, declared, &bytes)
}

/// The client asked for something outside the picture, or the picture cannot be shown. The words of both hold no value of
/// the data set but sizes.
fn of_pixels(error: PixelError) -> Problem {
    match error {
        PixelError::Attribute { attribute: "viewport", expected } => {
            Problem::bad_request(format!("a viewport {expected}"), "another one")
        }
        other => Problem::new(Kind::NotAcceptable)
            .expected("a picture that can be decoded here")
            .came(other.to_string())
            .remedy("retrieve the stored object and decode it on your side"),
    }
}

//! Where pictures are made: decoding and rendering cost milliseconds of one processor and many megabytes, so only so
//! many are read and worked on at a time, by threads for such work.

use super::problems;
use super::region::Measured;
use super::stamps::Stamps;
use super::view::{Picture as File, Wish};
use crate::http::problem::{Kind, Problem};
use crate::limits;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use tokio::sync::{Semaphore, SemaphorePermit};
use yingdun_archive::{ImageFrame, InstanceEntry, OpenStudy, picture_work};
use yingdun_dicom::Vr;
use yingdun_model::Uid;
use yingdun_pixels::coding::JPEG_BASELINE;
use yingdun_pixels::render::{self, Presentation};
use yingdun_pixels::transcode::TARGETS;
use yingdun_pixels::{Coding, ImageAttributes, Picture, PixelError, align_bits, decode};

/// The places at which pictures are made.
#[derive(Clone, Debug)]
pub(crate) struct Studio {
    /// One for each processor: more would only wait for each other, with their frames in memory.
    places: Arc<Semaphore>,
    /// The one place for pictures beyond [`limits::LARGE_PICTURE_BYTES`].
    large: Arc<Semaphore>,
    stamps: Arc<Stamps>,
    /// How often regions were measured.
    pub(super) measured: Arc<Measured>,
}

impl Studio {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            places: Arc::new(Semaphore::new(processors)),
            large: Arc::new(Semaphore::new(1)),
            stamps: Arc::default(),
            measured: Arc::default(),
        }
    }

    /// Renders one frame as a file, with the marks that this session is shown.
    pub(crate) async fn render(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
        wish: Wish,
    ) -> Result<Bytes, Problem> {
        let (_places, frame, declared) = self.frame(study, entry, number).await?;
        let mark = study.mark(entry, number, &frame.data_set).await.map_err(problems::of_open)?;
        let stamps = Arc::clone(&self.stamps);
        let work = move || {
            let picture = decoded(&frame, &declared)?;
            let presentation = Presentation::of(&frame.data_set, number, &declared)?;
            let view = wish.on(&declared);
            let mut bitmap = render::render(&picture, &presentation, &view)?;
            if let Some(mark) = mark {
                stamps.press(&mark, &mut bitmap, &view, &declared);
            }
            match wish.picture {
                File::Jpeg => render::to_jpeg(bitmap, wish.quality),
                File::Png => Ok(render::to_png(&bitmap)),
            }
        };
        let made = picture_work(work).await.map_err(|unavailable| problems::of_unavailable(&unavailable))?;
        made.map(Bytes::from).map_err(of_pixels)
    }

    /// A place, and one frame with what it declares.
    pub(super) async fn frame(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
    ) -> Result<(Places<'_>, ImageFrame, ImageAttributes), Problem> {
        let mut places = self.places(entry).await?;
        let frame = study.image(entry, number).await.map_err(problems::of_open)?;
        let declared = ImageAttributes::of(&frame.data_set).map_err(of_pixels)?;
        if places.large.is_none() && declared.decoded_bytes() > limits::LARGE_PICTURE_BYTES {
            let large = self.large.acquire().await.map_err(|_| Problem::new(Kind::Unavailable))?;
            places.large = Some(large);
        }
        Ok((places, frame, declared))
    }

    /// One frame in another transfer syntax.
    pub(crate) async fn convert(
        &self,
        study: &OpenStudy,
        entry: &InstanceEntry,
        number: u32,
        to: &Uid,
    ) -> Result<Bytes, Problem> {
        let _places = self.places(entry).await?;
        study.transcoded_frame(entry, number, to).await.map(Bytes::from).map_err(problems::of_open)
    }

    /// Waits for a place before anything of a picture is read.
    async fn places(&self, entry: &InstanceEntry) -> Result<Places<'_>, Problem> {
        let closed = |_| Problem::new(Kind::Unavailable);
        let stored = entry.data_set_bytes / u64::from(entry.number_of_frames.max(1));
        let place = self.places.acquire().await.map_err(closed)?;
        let large = match stored > limits::LARGE_PICTURE_BYTES {
            true => Some(self.large.acquire().await.map_err(closed)?),
            false => None,
        };
        Ok(Places { _place: place, large })
    }
}

/// The places of one picture.
pub(super) struct Places<'s> {
    _place: SemaphorePermit<'s>,
    large: Option<SemaphorePermit<'s>>,
}

/// What is written without loss. A lossy object would be another one under the same name (PS3.3 §C.7.6.1.1.5).
static LOSSLESS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| TARGETS.iter().copied().filter(|target| *target != JPEG_BASELINE).collect());

/// Transfer syntaxes that these can be converted to without loss; none when one of them cannot be read.
pub(super) fn targets<'a>(mut stored: impl Iterator<Item = &'a Uid>) -> &'static [&'static str] {
    if !stored.all(|syntax| Coding::of(syntax, Vr::OB).is_some()) {
        return &[];
    }
    &LOSSLESS
}

/// Decodes a frame as its data set declares it.
pub(super) fn decoded(frame: &ImageFrame, declared: &ImageAttributes) -> Result<Picture, PixelError> {
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
pub(super) fn of_pixels(error: PixelError) -> Problem {
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

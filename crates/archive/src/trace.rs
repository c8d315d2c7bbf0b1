//! Whose picture a found one is: it is laid over the frames of a study, and the mark that is hidden in it is compared with those of the openings that the
//! audit log knows.
//!
//! The archive reads the study by its own right, as it does to check and to repair, and its leaves say so; no pixel leaves. Who may ask, and
//! whose leaves are compared, is decided where the audit log is read.

use crate::error::{OpenError, Unavailable};
use crate::open::{FrameName, OpenStudy};
use crate::picture_work::picture_work;
use crate::request::{ImageFrame, InstanceEntry};
use crate::shared::Core;
use std::borrow::Cow;
use std::sync::Arc;
use yingdun_model::{Action, InstitutionId, StudyRef, Uid};
use yingdun_pixels::render::{Presentation, View, render};
use yingdun_pixels::{Coding, ImageAttributes, PixelError, align_bits, decode};
use yingdun_watermark::{FoundView, FrameView, MarkKey, Number, Opening, Plane, Reading, SURE};

/// Frames of a study that a picture is compared with. Each takes a part of a second; of a longer study a series or an instance has to be named.
pub const TRACED_FRAMES_MAX: usize = 256;

/// Frames that the picture is laid over exactly: the likeliest.
const FRAMES_TRIED_MAX: usize = 8;

/// Openings that a mark is compared with. With so many, on all frames that are tried and all sizes of blocks, that one fits by chance as surely as is asked for is
/// less likely than one in a million.
pub const TRACED_OPENINGS_MAX: usize = 10_000;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct TraceRequest {
    /// The study.
    pub study: Uid,
    /// Only this series of it.
    pub series: Option<Uid>,
    /// Only this instance of it.
    pub instance: Option<Uid>,
}

/// A leaf under which pictures of a study were shown with marks.
#[derive(Clone, Debug)]
pub struct MarkedOpening {
    /// The log in which the leaf is.
    pub log: String,
    /// Its number.
    pub leaf: u64,
    /// Who opened.
    pub actor: String,
    /// What.
    pub study: StudyRef,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Frames that the picture was compared with.
    pub frames: usize,
    /// The frame over which it lies, if any.
    pub frame: Option<TracedFrame>,
}

/// The frame that a picture shows, and what its mark says.
#[derive(Clone, Debug)]
pub struct TracedFrame {
    /// The series.
    pub series: Uid,
    /// The instance.
    pub instance: Uid,
    /// The frame, from 1.
    pub frame: u32,
    /// How like the picture is to it, from 0 to 1.
    pub likeness: f32,
    /// Which of the openings fits best, and how surely, where one does surely enough.
    pub opening: Option<(usize, f32)>,
    /// The number that the mark tells by itself, and how surely, where it tells one.
    pub told: Option<(Number, f32)>,
}

/// Why nothing was looked at.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The study cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There are too many frames.
    #[error("{frames} frames are more than {TRACED_FRAMES_MAX}")]
    TooMany {
        /// How many there are.
        frames: u64,
    },
}

/// Looks for the frame and the opening.
pub(crate) async fn trace(
    core: &Arc<Core>,
    request: TraceRequest,
    found: FoundView,
    openings: &[MarkedOpening],
) -> Result<Traced, TraceError> {
    let session = core.access.system_session();
    let keys = core.institution_keys(session.institution()).await.map_err(OpenError::Unavailable)?;
    let study = OpenStudy::open(core, &session, &request.study, Action::Recover).await?;
    let entries = study.instances(request.series.as_ref(), request.instance.as_ref()).await?;
    let entries: Vec<InstanceEntry> = entries.into_iter().filter(InstanceEntry::is_image).collect();
    if entries.is_empty() {
        return Err(OpenError::NotFound.into());
    }
    let frames = entries.iter().map(|entry| u64::from(entry.number_of_frames)).sum();
    if frames > TRACED_FRAMES_MAX as u64 {
        return Err(TraceError::TooMany { frames });
    }
    let found = Arc::new(found);
    let places =
        entries.iter().flat_map(|entry| (1..=entry.number_of_frames).map(move |number| (entry, number)));
    let mut likely = Vec::new();
    let mut compared = 0;
    for (entry, number) in places {
        let image = study.image(entry, number).await?;
        let (found, number_shown) = (Arc::clone(&found), number);
        let work = move || {
            let view = view_of(&image, number_shown).ok()?;
            Some(found.likeness(&view))
        };
        // What cannot be decoded was never shown.
        if let Some(likeness) = worked(work).await? {
            compared += 1;
            likely.push((likeness, entry, number));
        }
    }
    likely.sort_by(|one, other| other.0.total_cmp(&one.0));
    likely.truncate(FRAMES_TRIED_MAX);
    let numbers: Arc<Vec<Option<Number>>> =
        Arc::new(openings.iter().map(|opening| number_of(&keys.marks, opening)).collect());
    let mut best: Option<TracedFrame> = None;
    for (_, entry, number) in likely {
        let image = study.image(entry, number).await?;
        let (found, key, numbers) = (Arc::clone(&found), Arc::clone(&keys.marks), Arc::clone(&numbers));
        let name = FrameName::of(entry, number);
        let work = move || {
            let view = view_of(&image, number).ok()?;
            let registration = found.lay_over(&view)?;
            let reading = Reading::new(&key, name.as_bytes(), &view, &found, &registration);
            let sure = numbers
                .iter()
                .enumerate()
                .filter_map(|(at, number)| Some((at, reading.sureness((*number)?))));
            let opening =
                sure.max_by(|one, other| one.1.total_cmp(&other.1)).filter(|(_, sure)| *sure >= SURE);
            let told = reading.number().map(|told| (told.number, told.sureness));
            Some((registration.likeness, opening, told))
        };
        let Some((likeness, opening, told)) = worked(work).await? else { continue };
        let frame = TracedFrame {
            series: entry.series.clone(),
            instance: entry.sop_instance.clone(),
            frame: number,
            likeness,
            opening,
            told,
        };
        let sureness = |frame: &TracedFrame| frame.opening.map_or(0.0, |(_, sure)| sure);
        let better = |best: &TracedFrame| (sureness(&frame), likeness) > (sureness(best), best.likeness);
        if best.as_ref().is_none_or(better) {
            best = Some(frame);
        }
        // A mark that is read belongs to this frame and to no other.
        if opening.is_some() {
            break;
        }
    }
    Ok(Traced { frames: compared, frame: best })
}

/// The leaf that a number leads to, as far as it is a number of ours.
pub(crate) async fn leaf_of(
    core: &Core,
    institution: &InstitutionId,
    number: Number,
) -> Result<u64, Unavailable> {
    Ok(core.institution_keys(institution).await?.marks.leaf(number))
}

/// Whether a number was made for an opening.
pub(crate) async fn is_of(
    core: &Core,
    institution: &InstitutionId,
    number: Number,
    opening: &MarkedOpening,
) -> Result<bool, Unavailable> {
    let keys = core.institution_keys(institution).await?;
    Ok(number_of(&keys.marks, opening) == Some(number))
}

// === helpers ===

fn number_of(key: &MarkKey, opening: &MarkedOpening) -> Option<Number> {
    let MarkedOpening { log, leaf, actor, study } = opening;
    let study = study.to_string();
    key.number(&Opening { log, leaf: *leaf, actor, study: &study }).ok()
}

async fn worked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpenError> {
    picture_work(work).await.map_err(OpenError::Unavailable)
}

/// A frame as it is shown if nobody asks for anything else.
fn view_of(image: &ImageFrame, number: u32) -> Result<FrameView, PixelError> {
    let declared = ImageAttributes::of(&image.data_set)?;
    let coding = Coding::of(&image.transfer_syntax, image.pixel_data)
        .ok_or(PixelError::Unsupported { what: "decoding this transfer syntax" })?;
    let bytes = match image.skip_bits {
        0 => Cow::Borrowed(&image.bytes[..]),
        skip => Cow::Owned(align_bits(&image.bytes, skip)),
    };
    let picture = decode(coding, &declared, &bytes)?;
    let presentation = Presentation::of(&image.data_set, number, &declared)?;
    let bitmap = render(&picture, &presentation, &View::default())?;
    let (columns, rows) = (bitmap.columns as usize, bitmap.rows as usize);
    let plane = Plane::of_bytes(columns, rows, bitmap.in_colour, &bitmap.samples);
    plane.map(FrameView::new).map_err(|_| PixelError::Unsupported { what: "a picture without pixels" })
}

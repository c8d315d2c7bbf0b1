//! Copies of single pictures that may be carried away: a capture of what a viewer shows, or a page of paper. Made here of the stored frame, with marks whose
//! number leads to the leaf that permitted it, and written down with the SHA-256 of the file before its first byte leaves.

use super::problems;
use super::retrieve::open_at;
use super::stamps::part_of;
use super::studio::{decoded, of_pixels};
use super::view::{Picture as File, Wish};
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use yingdun_access::{Copied, CopyKind};
use yingdun_archive::{PictureSubject, picture_work};
use yingdun_crypto::digest::sha256;
use yingdun_model::Uid;
use yingdun_pixels::ImageAttributes;
use yingdun_pixels::render::{self, Bitmap, Presentation, View};
use yingdun_watermark::{Drawing, Page, PagePicture, Stamp, Surface, Words, draw};

/// What is said on every copy.
const NOT_FOR_DIAGNOSIS: &str = "不用于临床诊断 · Not for primary diagnosis";

/// Headers of the answer: the number of the mark, the SHA-256 of the file, and the leaf that permitted it.
const MARK: &str = "yingdun-mark";
/// See [`MARK`].
const CONTENT: &str = "yingdun-sha256";
/// See [`MARK`].
const LEAF: &str = "yingdun-leaf";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyBody {
    kind: String,
    series: String,
    instance: String,
    #[serde(default = "first")]
    frame: u32,
    window: Option<String>,
    region: Option<String>,
    side: Option<u32>,
    #[serde(default)]
    mirrored: bool,
    #[serde(default)]
    turned: u8,
    #[serde(default)]
    inverted: bool,
    format: Option<String>,
    #[serde(default)]
    drawings: Vec<DrawingBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawingBody {
    #[serde(default)]
    points: String,
    #[serde(default)]
    words: Vec<String>,
    at: Option<String>,
}

/// Makes a copy.
pub(crate) async fn make(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let asked = Asked::of(json_of(body).await?)?;
    let study = call.required_uid("study")?;
    let (opened, entries) = open_at(&call, &study, Some(&asked.series), Some(&asked.instance)).await?;
    let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
    if asked.frame > entry.number_of_frames {
        return Err(Problem::new(Kind::NotFound));
    }
    let permit = opened.permit_copy(asked.kind, entry, asked.frame).await.map_err(problems::of_open)?;
    let (places, frame, declared) = call.service.studio.frame(&opened, entry, asked.frame).await?;
    let mark = opened.mark_of_copy(&permit, entry, asked.frame, &frame.data_set);
    let mark = mark.map_err(problems::of_open)?;
    let subject = opened.subject(&permit, entry, asked.frame, &frame.data_set);
    let (kind, number, file) = (asked.kind, mark.number(), asked.wish.picture);
    let session = call.session()?;
    let by = format!("{} ({}) · {}", session.actor(), session.role(), session.institution());
    let record = format!("{} #{}", call.service.audit.verifier().name(), permit.leaf());
    let work = move || {
        let picture = decoded(&frame, &declared)?;
        let presentation = Presentation::of(&frame.data_set, asked.frame, &declared)?;
        let view = asked.wish.on(&declared);
        let mut bitmap = render::render(&picture, &presentation, &view)?;
        mark.hidden().press(&mut surface_of(&mut bitmap), &part_of(&view, &declared));
        let drawings = asked.on(&bitmap, &view, &declared);
        bitmap = turned(bitmap, asked.mirrored, asked.turned);
        if asked.inverted {
            bitmap.samples.iter_mut().for_each(|sample| *sample = 255 - *sample);
        }
        draw(&drawings, &mut surface_of(&mut bitmap));
        if kind == CopyKind::Capture {
            // For itself: no number of drawings leaves this out, and none lies over it.
            let said = said_on(&bitmap, &subject, asked.window.as_deref());
            draw(&said, &mut surface_of(&mut bitmap));
        }
        let words = Words::new(mark.words(), bitmap.columns, bitmap.rows);
        Stamp::new(&words).press(&mut surface_of(&mut bitmap));
        match (kind, file) {
            (CopyKind::Capture, File::Png) => Ok(render::to_png(&bitmap)),
            (CopyKind::Capture, File::Jpeg) => render::to_jpeg(bitmap, limits::JPEG_QUALITY_DEFAULT),
            (CopyKind::Print, _) => {
                let mark: Vec<&str> = mark.words().collect();
                let (window, mark) = (asked.window.as_deref(), mark.join(" · "));
                page(
                    bitmap,
                    &subject,
                    window,
                    &By { who: &by, record: &record, mark: &mark, number: &number.to_string() },
                )
            }
        }
    };
    let made = picture_work(work).await.map_err(|unavailable| problems::of_unavailable(&unavailable))?;
    let made = made.map_err(of_pixels)?;
    drop(places);
    let copied = Copied { content: sha256(&made), bytes: made.len() as u64 };
    opened.copied(&permit, copied).await.map_err(problems::of_open)?;
    let (media_type, ending) = match (kind, file) {
        (CopyKind::Capture, File::Png) => ("image/png", "png"),
        (CopyKind::Capture, File::Jpeg) => ("image/jpeg", "jpg"),
        (CopyKind::Print, _) => ("application/pdf", "pdf"),
    };
    let mut response = answer::with_body(StatusCode::OK, media_type, made);
    let headers = [
        (MARK, number.to_string()),
        (CONTENT, hex::encode(copied.content)),
        (LEAF, permit.leaf().to_string()),
        ("content-disposition", format!("attachment; filename=\"{number}.{ending}\"")),
        ("cache-control", "no-store".to_owned()),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// How a study is shown to this session, for who draws it: whether a copy may be made, and whether pictures are covered while nobody looks.
pub(crate) async fn showing(call: Call) -> Result<Response<Body>, Problem> {
    let study = call.required_uid("study")?;
    let session = call.session()?;
    let opened = call.service.archive.open_study(session, &study, session.purpose()).await;
    let opened = opened.map_err(problems::of_open)?;
    let copies = opened.may_be_copied().await.map_err(problems::of_open)?;
    let showing = opened.showing();
    let body = json!({
        "grade": opened.grade().as_str(),
        "marked": showing.marked,
        "rendered_only": showing.rendered_only,
        "shielded": showing.shielded,
        "copies": copies,
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// What is wanted, read.
struct Asked {
    kind: CopyKind,
    series: Uid,
    instance: Uid,
    frame: u32,
    wish: Wish,
    window: Option<String>,
    mirrored: bool,
    turned: u8,
    inverted: bool,
    /// In pixels of the frame.
    drawings: Vec<Drawing>,
}

impl Asked {
    fn of(body: CopyBody) -> Result<Self, Problem> {
        let kind: CopyKind =
            body.kind.parse().map_err(|_| Problem::bad_request("capture or print as `kind`", "another"))?;
        let uid = |name: &str, text: &str| {
            Uid::new(text)
                .map_err(|error| Problem::bad_request(format!("a UID as `{name}`"), error.to_string()))
        };
        let file = match (kind, body.format.as_deref()) {
            (CopyKind::Print, Some(_)) => {
                return Err(Problem::new(Kind::Unprocessable).expected("no `format`, as a print is a PDF"));
            }
            (_, Some("jpeg")) => File::Jpeg,
            (_, _) => File::Png,
        };
        let side = body.side.unwrap_or(match kind {
            CopyKind::Capture => limits::CAPTURE_SIDE_DEFAULT,
            CopyKind::Print => limits::COPY_SIDE_MAX,
        });
        let region = body.region.as_deref().map(region).transpose()?;
        let wish = Wish::of_copy(file, body.window.as_deref(), region, side)?;
        let drawings = body.drawings.into_iter().map(drawing).collect::<Result<_, _>>()?;
        Ok(Self {
            kind,
            series: uid("series", &body.series)?,
            instance: uid("instance", &body.instance)?,
            frame: body.frame,
            wish,
            window: body.window,
            mirrored: body.mirrored,
            turned: body.turned % 4,
            inverted: body.inverted,
            drawings,
        })
    }

    /// What was drawn, on the picture as it will lie.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "places of pixels")]
    fn on(&self, bitmap: &Bitmap, view: &View, frame: &ImageAttributes) -> Vec<Drawing> {
        let part = part_of(view, frame);
        let (columns, rows) = (f64::from(bitmap.columns), f64::from(bitmap.rows));
        let (across, down) = (columns / part.columns, rows / part.rows);
        let place = |(x, y): (f32, f32)| {
            let x = (f64::from(x) - part.left) * across;
            let y = (f64::from(y) - part.top) * down;
            placed((x as f32, y as f32), (columns as f32, rows as f32), self.mirrored, self.turned)
        };
        let on = |drawing: &Drawing| Drawing {
            points: drawing.points.iter().map(|point| place(*point)).collect(),
            words: drawing.words.clone(),
            at: place(drawing.at),
        };
        self.drawings.iter().map(on).collect()
    }
}

// === helpers ===

const fn first() -> u32 {
    1
}

const fn surface_of(bitmap: &mut Bitmap) -> Surface<'_> {
    Surface {
        columns: bitmap.columns,
        rows: bitmap.rows,
        in_colour: bitmap.in_colour,
        samples: bitmap.samples.as_mut_slice(),
    }
}

/// `left,top,columns,rows`.
fn region(text: &str) -> Result<[u32; 4], Problem> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[left, top, columns, rows]) if columns > 0 && rows > 0 => Ok([left, top, columns, rows]),
        _ => Err(Problem::bad_request("left,top,columns,rows in pixels of the frame as `region`", text)),
    }
}

/// Points as `x,y x,y`; where the words stand, or beside the last point.
fn drawing(body: DrawingBody) -> Result<Drawing, Problem> {
    let malformed = || Problem::bad_request("points as x,y in pixels of the frame", "something else");
    let point = |text: &str| {
        let (x, y) = text.split_once(',').ok_or_else(malformed)?;
        let (x, y): (f32, f32) = (x.parse().map_err(|_| malformed())?, y.parse().map_err(|_| malformed())?);
        if x.is_finite() && y.is_finite() { Ok((x, y)) } else { Err(malformed()) }
    };
    let points: Vec<(f32, f32)> = body.points.split_whitespace().map(point).collect::<Result<_, _>>()?;
    let at = body.at.as_deref().map(point).transpose()?;
    let at = at.or_else(|| points.last().copied()).unwrap_or_default();
    Ok(Drawing { points, words: body.words, at })
}

/// What is said in the corners of a capture, as it is in a viewer.
#[allow(clippy::cast_precision_loss, reason = "places of pixels")]
fn said_on(bitmap: &Bitmap, subject: &PictureSubject, window: Option<&str>) -> [Drawing; 2] {
    let (columns, rows) = (bitmap.columns as f32, bitmap.rows as f32);
    let side = columns.min(rows);
    let edge = side / 64.0;
    let window = window.map(window_words).unwrap_or_default();
    let words = vec![subject.patient.join(" · "), subject.study.join(" · "), window];
    let words = words.into_iter().filter(|line| !line.is_empty()).collect();
    let foot = Drawing {
        words: vec![NOT_FOR_DIAGNOSIS.to_owned()],
        at: (edge, rows - edge - (side / 30.0).max(16.0)),
        points: Vec::new(),
    };
    [Drawing { words, at: (edge, edge), points: Vec::new() }, foot]
}

/// A window as viewers write it: `40,400` is `W 400 L 40`.
fn window_words(window: &str) -> String {
    let mut parts = window.split(',');
    match (parts.next(), parts.next()) {
        (Some(center), Some(width)) => format!("W {width} L {center}"),
        _ => String::new(),
    }
}

/// Who printed, and where it is written down.
struct By<'a> {
    who: &'a str,
    record: &'a str,
    mark: &'a str,
    number: &'a str,
}

fn page(
    bitmap: Bitmap,
    subject: &PictureSubject,
    window: Option<&str>,
    by: &By<'_>,
) -> Result<Vec<u8>, yingdun_pixels::PixelError> {
    let (columns, rows, in_colour) = (bitmap.columns, bitmap.rows, bitmap.in_colour);
    let file = render::to_jpeg(bitmap, limits::PRINT_QUALITY)?;
    let study = match window {
        Some(window) => format!("{} · {}", subject.study.join(" · "), window_words(window)),
        None => subject.study.join(" · "),
    };
    let heading = [subject.patient.join(" · "), study, NOT_FOR_DIAGNOSIS.to_owned()];
    let footer = [
        format!("打印 Printed: {} · {} · {}", by.who, subject.at, by.number),
        format!("审计记录 Record of the audit log: {}", by.record),
        format!("图片 SHA-256 of the picture: {}", hex::encode(sha256(&file))),
    ];
    let picture = PagePicture { file: &file, columns, rows, in_colour };
    Ok(Page { picture, heading: &heading, footer: &footer, mark: by.mark }.to_pdf())
}

/// Where a point lies when a picture is mirrored left to right, and then turned by quarters to the right.
fn placed(
    (mut x, mut y): (f32, f32),
    (mut columns, mut rows): (f32, f32),
    mirrored: bool,
    quarters: u8,
) -> (f32, f32) {
    if mirrored {
        x = columns - x;
    }
    for _ in 0..quarters {
        (x, y) = (rows - y, x);
        (columns, rows) = (rows, columns);
    }
    (x, y)
}

/// The picture so.
fn turned(bitmap: Bitmap, mirrored: bool, quarters: u8) -> Bitmap {
    if !mirrored && quarters == 0 {
        return bitmap;
    }
    let width = if bitmap.in_colour { 3 } else { 1 };
    let (columns, rows) = (bitmap.columns as usize, bitmap.rows as usize);
    let (across, down) = if quarters.is_multiple_of(2) { (columns, rows) } else { (rows, columns) };
    let mut samples = Vec::with_capacity(bitmap.samples.len());
    for y in 0..down {
        for x in 0..across {
            // From where it comes.
            let (x, y) = match quarters {
                0 => (x, y),
                1 => (y, rows - 1 - x),
                2 => (columns - 1 - x, rows - 1 - y),
                _ => (columns - 1 - y, x),
            };
            let x = if mirrored { columns - 1 - x } else { x };
            let at = (y * columns + x) * width;
            samples.extend_from_slice(bitmap.samples.get(at..at + width).unwrap_or_default());
        }
    }
    let (columns, rows) = if quarters.is_multiple_of(2) {
        (bitmap.columns, bitmap.rows)
    } else {
        (bitmap.rows, bitmap.columns)
    };
    Bitmap { columns, rows, in_colour: bitmap.in_colour, samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_point_goes_where_its_pixel_goes(columns in 1..9_u32, rows in 1..9_u32, at: usize, mirrored: bool, quarters in 0..4_u8) {
            let at = at % (columns * rows) as usize;
            let mut samples = vec![0; (columns * rows) as usize];
            samples[at] = 255;
            let (x, y) = (at as u32 % columns, at as u32 / columns);
            let bitmap = turned(Bitmap { columns, rows, in_colour: false, samples }, mirrored, quarters);
            let place = placed((x as f32 + 0.5, y as f32 + 0.5), (columns as f32, rows as f32), mirrored, quarters);
            let found = bitmap.samples.iter().position(|sample| *sample == 255).unwrap() as u32;
            let found = ((found % bitmap.columns) as f32 + 0.5, (found / bitmap.columns) as f32 + 0.5);
            prop_assert_eq!(place, found);
        }

        #[test]
        fn any_words_of_points_are_read_or_refused(points in "[0-9,. x-]{0,40}", at in "[0-9,.]{0,8}") {
            if let Ok(drawing) = drawing(DrawingBody { points, words: Vec::new(), at: Some(at) }) {
                prop_assert!(drawing.points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
            }
        }
    }

    #[test]
    fn a_window_is_written_as_viewers_do() {
        assert_eq!(window_words("40,400"), "W 400 L 40");
        assert_eq!(window_words("-600.5,1500,sigmoid"), "W 1500 L -600.5");
    }

    #[test]
    fn a_region_is_four_numbers_and_not_empty() {
        assert_eq!(region("1,2,3,4").unwrap(), [1, 2, 3, 4]);
        for wrong in ["", "1,2,3", "1,2,0,4", "1,2,3,-4", "1,2,3,4,5", "1.5,2,3,4"] {
            assert_eq!(region(wrong).unwrap_err().kind(), Kind::BadRequest, "{wrong}");
        }
    }
}

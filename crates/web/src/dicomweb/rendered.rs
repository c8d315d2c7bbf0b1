//! Rendered pictures and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4): what any program can show, without a DICOM library. An
//! encapsulated document is what it is.

use super::problems;
use super::retrieve::{one_part, open, validator};
use super::view::{Picture, Wish};
use super::{negotiate, retrieve};
use crate::http::answer;
use crate::http::conditional::Validator;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::multipart::write::Writer;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use std::collections::BTreeMap;
use yingdun_archive::{InstanceEntry, OpenStudy};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::tags;

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

/// VL Whole Slide Microscopy Image Storage.
const WHOLE_SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";

/// The only type in which a document is rendered (PS3.18 Table 8.7.4-1).
const PDF: &str = "application/pdf";

/// Encapsulated Document, as a path of the metadata.
const DOCUMENT: &str = "00420011";

/// Renders frames of an instance, those of the path or the first; or gives its document.
pub(crate) async fn rendered(call: Call) -> Result<Response<Body>, Problem> {
    // What neither a picture nor a document can be is told before anything is opened.
    let picture = Picture::negotiate(&call.accept);
    let wants_document = call.accept.choose(&[PDF]).is_some() && call.in_path("frames").is_none();
    let wish = picture.and_then(|picture| Wish::of_rendered(&call.query, picture));
    let wish = if wants_document { wish } else { Ok(wish?) };
    let numbers = match call.in_path("frames") {
        Some(list) => negotiate::frame_list(list)?,
        None => vec![1],
    };
    let (study, entries) = open(&call).await?;
    let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
    if entry.sop_class.as_str() == ENCAPSULATED_PDF {
        return document(&call, &study, entry).await;
    }
    answer(&call, &study, entry, &numbers, wish?).await
}

/// The document of an encapsulated PDF, byte by byte.
async fn document(call: &Call, study: &OpenStudy, entry: &InstanceEntry) -> Result<Response<Body>, Problem> {
    if call.accept.choose(&[PDF]).is_none() {
        return Err(Problem::new(Kind::NotAcceptable)
            .expected(format!("Accept: {PDF}"))
            .available([PDF.to_owned()]));
    }
    let validator: Validator = validator(std::slice::from_ref(entry), &["document"]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    let (length, content) = study.bulk(entry, DOCUMENT).await.map_err(problems::of_open)?;
    Ok(validator.mark(one_part(PDF, content, None, length).await?))
}

/// Renders one small picture for a study, a series, an instance or a frame.
pub(crate) async fn thumbnail(call: Call) -> Result<Response<Body>, Problem> {
    let picture = Picture::negotiate(&call.accept)?;
    let wish = Wish::of_thumbnail(&call.query, picture)?;
    let numbers = call.in_path("frames").map(negotiate::frame_list).transpose()?;
    let (study, entries) = open(&call).await?;
    let series = longest_series(&entries);
    let level = smallest_level(&study, &series).await;
    let middle = || series.get(series.len() / 2).copied();
    let entry = level.or_else(middle).ok_or_else(|| Problem::new(Kind::NotFound))?;
    let numbers = numbers.unwrap_or_else(|| vec![entry.number_of_frames / 2 + 1]);
    let first = numbers.get(..1).unwrap_or_default();
    answer(&call, &study, entry, first, wish).await
}

/// Answers rendered frames of one instance: one alone, several as parts.
pub(super) async fn answer(
    call: &Call,
    study: &OpenStudy,
    entry: &InstanceEntry,
    numbers: &[u32],
    wish: Wish,
) -> Result<Response<Body>, Problem> {
    if numbers.len() > limits::RENDERED_FRAMES_MAX {
        return Err(Problem::bad_request(
            format!("at most {} rendered frames", limits::RENDERED_FRAMES_MAX),
            format!("{} frames", numbers.len()),
        ));
    }
    // The version of the program stands for how it renders.
    // Pictures of two openings differ in their marks.
    let mark = study.mark_number().await.map_err(problems::of_open)?;
    let form = format!("{wish:?} {numbers:?} {mark:?} {}", env!("CARGO_PKG_VERSION"));
    let validator: Validator = validator(std::slice::from_ref(entry), &["rendered", &form]);
    if let Some(unchanged) = validator.not_modified(&call.headers) {
        return Ok(unchanged);
    }
    let media_type = wish.picture.media_type();
    let studio = &call.service.studio;
    if let [number] = numbers {
        let file = studio.render(study, entry, *number, wish).await?;
        return Ok(validator.mark(answer::with_body(StatusCode::OK, media_type, file)));
    }
    let writer = Writer::new(media_type, validator.boundary());
    let base = retrieve::instance_url(&call.service.origin, &entry.study, &entry.series, &entry.sop_instance);
    let (study, entry) = (study.clone(), entry.clone());
    let (studio, numbers, content_type) = (studio.clone(), numbers.to_vec(), writer.content_type());
    let mut numbers = numbers.into_iter();
    // What cannot be rendered at all is told with a status.
    let first = numbers.next().ok_or_else(|| Problem::new(Kind::NotFound))?;
    let mut file = Some(studio.render(&study, &entry, first, wish.clone()).await?);
    let response = answer::stream(&content_type, None, move |sink| async move {
        for number in std::iter::once(first).chain(numbers) {
            let file = match file.take() {
                Some(file) => file,
                None => {
                    let made = studio.render(&study, &entry, number, wish.clone()).await;
                    made.map_err(|_problem| answer::Broken)?
                }
            };
            let location = format!("{base}/frames/{number}/rendered");
            sink.send(writer.head(media_type, Some(&location), Some(file.len() as u64))).await?;
            sink.send(file).await?;
        }
        sink.send(writer.tail()).await
    });
    Ok(validator.mark(response))
}

/// The images that stand for others: those of the series that has most of them.
fn longest_series(entries: &[InstanceEntry]) -> Vec<&InstanceEntry> {
    let mut series: BTreeMap<&str, Vec<&InstanceEntry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_image()) {
        series.entry(entry.series.as_str()).or_default().push(entry);
    }
    series.into_values().rev().max_by_key(Vec::len).unwrap_or_default()
}

/// Of a whole slide the image with the fewest tiles that shows the tissue; `None` for another series, and where none does.
async fn smallest_level<'e>(study: &OpenStudy, series: &[&'e InstanceEntry]) -> Option<&'e InstanceEntry> {
    if series.len() < 2 || series.iter().any(|entry| entry.sop_class.as_str() != WHOLE_SLIDE) {
        return None;
    }
    let mut levels = series.to_vec();
    levels.sort_by_key(|entry| (entry.number_of_frames, entry.data_set_bytes));
    for entry in levels.into_iter().take(limits::SLIDE_LEVELS_MAX) {
        let image = study.image(entry, 1).await;
        let kind =
            image.ok().and_then(|image| image.data_set.text(tags::IMAGE_TYPE, &CharacterSets::default()));
        if kind.is_some_and(|kind| shows_tissue(&kind)) {
            return Some(entry);
        }
    }
    None
}

/// Whether an image of a slide is one of the specimen, by the third value of its Image Type (PS3.3 §C.8.12.4.1.1): the label
/// has a name written on it, and the overview may have the label in it.
fn shows_tissue(image_type: &str) -> bool {
    matches!(image_type.split('\\').nth(2).map(str::trim), Some("VOLUME" | "THUMBNAIL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_thumbnails_of_a_slide_show_the_tissue_and_labels_do_not() {
        assert!(shows_tissue("ORIGINAL\\PRIMARY\\VOLUME\\NONE"));
        assert!(shows_tissue("DERIVED\\PRIMARY\\THUMBNAIL \\RESAMPLED"));
        for other in [
            "ORIGINAL\\PRIMARY\\LABEL\\NONE",
            "ORIGINAL\\PRIMARY\\OVERVIEW",
            "ORIGINAL\\PRIMARY",
            "",
            "VOLUME",
        ] {
            assert!(!shows_tissue(other), "{other}");
        }
    }
}

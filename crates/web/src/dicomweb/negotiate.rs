//! Which form of an object or a frame a client gets (PS3.18 §8.7). Pure: from `Accept` and what is stored to a
//! choice or an explanation. What is stored goes before what can be made of it.

use crate::http::media::{Accept, Media};
use crate::http::problem::{Kind, Problem};
use crate::limits;
use std::collections::BTreeSet;
use yingdun_dicom::transfer_syntax::{
    self, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, GE_PRIVATE_IMPLICIT,
};
use yingdun_model::Uid;

/// How parts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One part each in `multipart/related`.
    Multipart,
    /// The one object or frame alone.
    Single,
}

impl Form {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Multipart => "multipart",
            Self::Single => "single",
        }
    }
}

const PART10: &str = "application/dicom";
const OCTETS: &str = "application/octet-stream";
const MULTIPART: &str = "multipart/related";

/// Transfer syntaxes in which native frames are the same bytes: implicit, explicit and deflated little endian.
const NATIVE_LITTLE_ENDIAN: [&str; 3] =
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"];

/// Which bytes a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// Those that are stored.
    Stored,
    /// The same pixels in this transfer syntax.
    Converted(&'static str),
}

impl Given {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Converted(syntax) => syntax,
        }
    }
}

/// Chooses the form of whole objects. `stored` are the transfer syntaxes of all of them, `targets` those that they can be
/// converted to; `alone` says that the resource is one instance, which may be answered without multipart.
pub(crate) fn objects<'a>(
    accept: &Accept,
    stored: impl Iterator<Item = &'a str> + Clone,
    targets: &[&'static str],
    alone: bool,
) -> Result<(Form, Given), Problem> {
    let mut asked: Option<String> = None;
    for range in accept.ranges() {
        let form = match part_of(&range) {
            Some(part) if part == "*/*" || covers(&part, PART10) => Form::Multipart,
            Some(_) => continue,
            None if range.is_anything() && !accept.excludes(MULTIPART) => Form::Multipart,
            None if range.covers(PART10) && !accept.excludes(PART10) && alone => Form::Single,
            None => continue,
        };
        match range.parameter("transfer-syntax") {
            None | Some("*") => return Ok((form, Given::Stored)),
            Some(wanted) if stored.clone().all(|syntax| syntax == wanted) => {
                return Ok((form, Given::Stored));
            }
            Some(wanted) => match targets.iter().find(|target| **target == wanted) {
                Some(target) => return Ok((form, Given::Converted(target))),
                None => asked = Some(wanted.to_owned()),
            },
        }
    }
    let syntaxes: BTreeSet<&str> = stored.clone().chain(targets.iter().copied()).collect();
    let problem = Problem::new(Kind::NotAcceptable).available(syntaxes.into_iter().flat_map(|syntax| {
        let multipart = format!("{MULTIPART}; type=\"{PART10}\"; transfer-syntax={syntax}");
        let single = alone.then(|| format!("{PART10}; transfer-syntax={syntax}"));
        [Some(multipart), single].into_iter().flatten()
    }));
    Err(match asked {
        Some(wanted) => {
            let other = stored.clone().find(|syntax| *syntax != wanted).unwrap_or_default().to_owned();
            problem
                .expected(format!(
                    "the stored transfer syntax, here {other}, or one that it can be converted to"
                ))
                .came(format!("transfer-syntax={wanted}"))
                .remedy("ask with transfer-syntax=* and convert on your side")
        }
        None if alone => problem.expected(
            "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*, or application/dicom",
        ),
        None => problem
            .expected("Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*")
            .remedy("ask for multipart/related; a single part is served for one instance only"),
    })
}

/// Chooses the form of frames. `media_type` is that of one stored frame, `syntax` its transfer syntax, `targets` those that
/// it can be converted to.
pub(crate) fn frames(
    accept: &Accept,
    media_type: &str,
    syntax: &str,
    targets: &[&'static str],
    count: usize,
) -> Result<(Form, Given), Problem> {
    let native = media_type == OCTETS;
    // Octets are samples with the low byte first (PS3.18 §8.7.3.3.2), unless the client spells out that it wants others.
    let is_big_endian = [EXPLICIT_VR_BIG_ENDIAN, GE_PRIVATE_IMPLICIT].contains(&syntax);
    for range in accept.ranges() {
        let (form, part) = match part_of(&range) {
            Some(part) => (Form::Multipart, part),
            None if range.is_anything() && !accept.excludes(MULTIPART) => (Form::Multipart, "*/*".to_owned()),
            None if count == 1 => (Form::Single, range.essence()),
            None => continue,
        };
        let wanted = range.parameter("transfer-syntax");
        let fits = match wanted {
            None | Some("*") => !is_big_endian,
            Some(wanted) if native && NATIVE_LITTLE_ENDIAN.contains(&syntax) => {
                NATIVE_LITTLE_ENDIAN.contains(&wanted)
            }
            Some(wanted) => wanted == syntax,
        };
        // Compressed bytes under the name of raw ones would be taken for pixels: only a client that spells
        // the transfer syntax out gets them.
        let honest = covers(&part, media_type) || (part == OCTETS && wanted.is_some());
        if fits && honest {
            return Ok((form, Given::Stored));
        }
        // Who names a type without a transfer syntax gets it in the one that loses nothing; octets are samples.
        let target = targets.iter().find(|target| match wanted {
            None | Some("*") if is_big_endian && covers(&part, OCTETS) => {
                **target == EXPLICIT_VR_LITTLE_ENDIAN
            }
            None if part == OCTETS => **target == EXPLICIT_VR_LITTLE_ENDIAN,
            None => part == media_type_of(target),
            Some(wanted) => **target == wanted && covers(&part, media_type_of(target)),
        });
        if let Some(target) = target {
            return Ok((form, Given::Converted(target)));
        }
    }
    let forms = |media_type: &str, syntax: &str| {
        let multipart = format!("{MULTIPART}; type=\"{media_type}\"; transfer-syntax={syntax}");
        let single = (count == 1).then(|| format!("{media_type}; transfer-syntax={syntax}"));
        [Some(multipart), single].into_iter().flatten()
    };
    let converted = targets.iter().filter(|target| **target != syntax);
    Err(Problem::new(Kind::NotAcceptable)
        .available(
            forms(media_type, syntax)
                .chain(converted.flat_map(|target| forms(media_type_of(target), target))),
        )
        .expected(format!(
            "Accept: multipart/related; type=\"{media_type}\"; transfer-syntax={syntax}, or transfer-syntax=*"
        ))
        .remedy("ask for one of the forms in `available`"))
}

/// The media type of one frame in a transfer syntax.
fn media_type_of(syntax: &str) -> &'static str {
    Uid::new(syntax).map_or(OCTETS, |syntax| transfer_syntax::frame_media_type(&syntax))
}

/// Chooses the form of a bulk data value.
pub(crate) fn bulk(accept: &Accept) -> Result<Form, Problem> {
    for range in accept.ranges() {
        match part_of(&range) {
            Some(part) if covers(&part, OCTETS) => return Ok(Form::Multipart),
            None if range.is_anything() && !accept.excludes(MULTIPART) => return Ok(Form::Multipart),
            None if range.covers(OCTETS) && !accept.excludes(OCTETS) => return Ok(Form::Single),
            Some(_) | None => {}
        }
    }
    let multipart = format!("{MULTIPART}; type=\"{OCTETS}\"");
    Err(Problem::new(Kind::NotAcceptable)
        .expected(format!("Accept: {multipart}, or {OCTETS}"))
        .available([multipart, OCTETS.to_owned()]))
}

/// Whether the client takes several values in one answer: native pixels and other values are octets, encapsulated
/// pixels are of the types in `stored`.
pub(crate) fn values<'a>(
    accept: &Accept,
    stored: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Problem> {
    let ranges = accept.ranges();
    let takes = |media_type: &str| {
        ranges.iter().any(|range| match part_of(range) {
            Some(part) if covers(&part, media_type) => true,
            // As with frames: octets that are not pixels are taken by those who say that they know.
            Some(part) => part == OCTETS && range.parameter("transfer-syntax").is_some(),
            None => range.is_anything() && !accept.excludes(MULTIPART),
        })
    };
    if takes(OCTETS) && stored.clone().all(takes) {
        return Ok(());
    }
    let types: BTreeSet<&str> = stored.chain([OCTETS]).collect();
    let all: Vec<String> = types.iter().map(|part| format!("{MULTIPART}; type=\"{part}\"")).collect();
    Err(Problem::new(Kind::NotAcceptable)
        .expected(format!("Accept: {}", all.join(", ")))
        .available([all.join(", "), format!("{MULTIPART}; type=\"*/*\"")]))
}

/// Reads a list of frame numbers, from 1.
pub(crate) fn frame_list(text: &str) -> Result<Vec<u32>, Problem> {
    let numbers: Option<Vec<u32>> = text
        .split(',')
        .take(limits::FRAME_LIST_MAX + 1)
        .map(|number| {
            let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            number.parse().ok().filter(|number| plain && *number > 0)
        })
        .collect();
    match numbers {
        Some(numbers) if numbers.len() <= limits::FRAME_LIST_MAX => Ok(numbers),
        Some(_) => Err(Problem::new(Kind::BadRequest)
            .expected(format!("at most {} frame numbers", limits::FRAME_LIST_MAX))),
        None => Err(Problem::bad_request("frame numbers from 1, parted by commas", text)),
    }
}

/// What a `multipart/related` range wants inside; `None` when the range is not multipart.
fn part_of(range: &Media) -> Option<String> {
    let multipart = range.essence().starts_with("multipart/") && range.covers(MULTIPART);
    multipart.then(|| range.parameter("type").unwrap_or("*/*").to_ascii_lowercase())
}

fn covers(range: &str, essence: &str) -> bool {
    Media::parse(range).is_ok_and(|range| range.covers(essence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const JPEG: &str = "1.2.840.10008.1.2.4.50";
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    const TARGETS: [&str; 2] = [JPEG_LS, EXPLICIT];

    fn accept(text: &str) -> Accept {
        Accept::parse([text]).unwrap()
    }

    #[test]
    fn objects_are_served_as_stored_in_multipart_by_default() {
        for text in [
            "*/*",
            "",
            "multipart/related",
            "multipart/*",
            "multipart/related; type=\"application/dicom\"",
            "multipart/related; type=application/dicom; transfer-syntax=*",
            "multipart/related; type=\"*/*\"; transfer-syntax=1.2.840.10008.1.2.1",
            "text/html, multipart/related; type=\"application/dicom\";q=0.1",
        ] {
            let form = objects(&accept(text), [EXPLICIT].into_iter(), &TARGETS, false);
            assert_eq!(form, Ok((Form::Multipart, Given::Stored)), "{text}");
        }
    }

    #[test]
    fn one_instance_comes_alone_when_asked_so_and_a_series_does_not() {
        let single = accept("application/dicom");
        assert_eq!(objects(&single, [JPEG].into_iter(), &TARGETS, true), Ok((Form::Single, Given::Stored)));
        assert!(objects(&single, [JPEG].into_iter(), &TARGETS, false).is_err());
    }

    #[test]
    fn another_transfer_syntax_than_the_stored_one_is_explained() {
        let other =
            accept("multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1");
        let given = objects(&other, [EXPLICIT, JPEG].into_iter(), &TARGETS, false);
        assert_eq!(given, Ok((Form::Multipart, Given::Converted(EXPLICIT))), "converted where that is known");
        let problem = objects(&other, [EXPLICIT, JPEG].into_iter(), &[], false).unwrap_err();
        assert_eq!(problem.kind(), Kind::NotAcceptable);
        assert!(format!("{problem:?}").contains(JPEG));
        assert!(objects(&accept("image/png"), [EXPLICIT].into_iter(), &TARGETS, true).is_err());
        assert!(
            objects(
                &accept("multipart/related; type=\"application/dicom+xml\""),
                [EXPLICIT].into_iter(),
                &TARGETS,
                true
            )
            .is_err()
        );
    }

    /// What frames of a syntax that cannot be decoded here are given as.
    fn stored(text: &str, media_type: &str, syntax: &str, count: usize) -> Option<Form> {
        let (form, given) = frames(&accept(text), media_type, syntax, &[], count).ok()?;
        assert_eq!(given, Given::Stored);
        Some(form)
    }

    #[test]
    fn native_frames_are_octets_whichever_little_endian_syntax_is_asked() {
        for text in [
            "*/*",
            "multipart/related; type=\"application/octet-stream\"",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
        ] {
            assert_eq!(stored(text, OCTETS, IMPLICIT, 3), Some(Form::Multipart), "{text}");
        }
        assert_eq!(stored("application/octet-stream", OCTETS, IMPLICIT, 1), Some(Form::Single));
        assert_eq!(stored("application/octet-stream", OCTETS, IMPLICIT, 2), None);
        assert_eq!(stored("multipart/related; type=\"image/jpeg\"", OCTETS, IMPLICIT, 1), None);
    }

    #[test]
    fn compressed_frames_are_never_passed_off_as_raw_ones() {
        let octets = "multipart/related; type=\"application/octet-stream\"";
        assert_eq!(stored(octets, "image/jpeg", JPEG, 1), None);
        let spelled_out = format!("{octets}; transfer-syntax=*");
        assert_eq!(stored(&spelled_out, "image/jpeg", JPEG, 1), Some(Form::Multipart));
        assert_eq!(stored("image/*", "image/jpeg", JPEG, 1), Some(Form::Single));
        let typed = "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50";
        assert_eq!(stored(typed, "image/jpeg", JPEG, 1), Some(Form::Multipart));
        let other = "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.70";
        assert_eq!(stored(other, "image/jpeg", JPEG, 1), None);
    }

    #[test]
    fn whoever_asks_for_octets_gets_the_samples_of_compressed_frames() {
        let given = |text: &str| frames(&accept(text), "image/jpeg", JPEG, &TARGETS, 1);
        let octets = "multipart/related; type=\"application/octet-stream\"";
        let samples = Given::Converted(EXPLICIT);
        assert_eq!(given(octets), Ok((Form::Multipart, samples)));
        let explicit = format!("{octets}; transfer-syntax={EXPLICIT}");
        assert_eq!(given(&explicit), Ok((Form::Multipart, samples)));
        assert_eq!(given("application/octet-stream"), Ok((Form::Single, samples)));
        for text in
            ["*/*".to_owned(), format!("{octets}; transfer-syntax=*"), format!("image/jpeg, {octets};q=0.5")]
        {
            assert_eq!(given(&text).map(|(_, given)| given), Ok(Given::Stored), "{text}");
        }
        assert!(given(&format!("{octets}; transfer-syntax=1.2.840.10008.1.2.4.90")).is_err());
    }

    #[test]
    fn frames_are_converted_to_the_type_or_the_transfer_syntax_that_is_named() {
        let given = |text: &str| frames(&accept(text), OCTETS, EXPLICIT, &TARGETS, 1).map(|(_, given)| given);
        assert_eq!(given("multipart/related; type=\"image/jls\""), Ok(Given::Converted(JPEG_LS)));
        let spelled_out = format!("multipart/related; type=\"image/jls\"; transfer-syntax={JPEG_LS}");
        assert_eq!(given(&spelled_out), Ok(Given::Converted(JPEG_LS)));
        let lies = format!("multipart/related; type=\"image/jp2\"; transfer-syntax={JPEG_LS}");
        assert!(given(&lies).is_err(), "one type under the name of another");
        assert!(given("image/png").is_err());
    }

    #[test]
    fn big_endian_frames_are_octets_only_for_who_spells_them_out() {
        let given = |text: &str| {
            frames(&accept(text), OCTETS, EXPLICIT_VR_BIG_ENDIAN, &TARGETS, 1).map(|(_, given)| given)
        };
        for any in ["*/*", OCTETS, "multipart/related; type=\"*/*\"; transfer-syntax=*"] {
            assert_eq!(given(any), Ok(Given::Converted(EXPLICIT)), "{any}");
        }
        let spelled_out = format!("{OCTETS}; transfer-syntax={EXPLICIT_VR_BIG_ENDIAN}");
        assert_eq!(given(&spelled_out), Ok(Given::Stored));
        assert_eq!(given("image/jls"), Ok(Given::Converted(JPEG_LS)));
    }

    #[test]
    fn bulk_data_comes_alone_or_in_multipart() {
        assert_eq!(bulk(&accept("*/*")), Ok(Form::Multipart));
        assert_eq!(bulk(&accept("application/octet-stream")), Ok(Form::Single));
        assert!(bulk(&accept("image/jpeg")).is_err());
    }

    #[test]
    fn frame_numbers_count_from_one() {
        assert_eq!(frame_list("1,2,30"), Ok(vec![1, 2, 30]));
        for text in ["", "0", "1,", "-1", "+1", "1;2", "a", "99999999999", "1,,2"] {
            assert!(frame_list(text).is_err(), "{text:?}");
        }
        assert!(frame_list(&vec!["1"; limits::FRAME_LIST_MAX + 1].join(",")).is_err());
    }

    proptest! {
        #[test]
        fn any_accept_header_is_answered_or_refused_without_a_crash(text in "[a-z*/;=\", .0-9]{0,120}") {
            if let Ok(accept) = Accept::parse([text.as_str()]) {
                let _ = objects(&accept, [EXPLICIT].into_iter(), &TARGETS, true);
                let _ = frames(&accept, "image/jpeg", JPEG, &TARGETS, 1);
                let _ = bulk(&accept);
            }
        }
    }
}

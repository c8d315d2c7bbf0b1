//! What a client wants to see: the rendering parameters of PS3.18 §8.3.5 and of WADO-URI (§9.4.1) as a value. Pure: from
//! a query to a wish, and from a wish and the size of a picture to what is rendered.

use crate::http::form::Parameters;
use crate::http::media::Accept;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use yingdun_pixels::ImageAttributes;
use yingdun_pixels::render::{Region, View, Viewport, Window, WindowFunction};

/// The file that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    Jpeg,
    Png,
}

impl Picture {
    /// What can be made; the first is made for those who take anything.
    const ALL: [Self; 2] = [Self::Jpeg, Self::Png];

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    fn of(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|picture| picture.media_type() == media_type)
    }

    /// Chooses by `Accept`, alone or inside `multipart/related`.
    pub(crate) fn negotiate(accept: &Accept) -> Result<Self, Problem> {
        let offered = Self::ALL.map(Self::media_type);
        if let Some(picture) = accept.choose(&offered).and_then(Self::of) {
            return Ok(picture);
        }
        let inside = accept.ranges().into_iter().find_map(|range| {
            let part =
                range.is("multipart/related").then(|| range.parameter("type").map(str::to_ascii_lowercase));
            part.flatten().and_then(|part| Self::of(&part))
        });
        inside.ok_or_else(|| {
            Problem::new(Kind::NotAcceptable)
                .expected("Accept: image/jpeg or image/png")
                .available(offered.map(str::to_owned))
        })
    }
}

/// What is wanted of one picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) picture: Picture,
    /// JPEG quality, 1 to 100.
    pub(crate) quality: u8,
    window: Option<Window>,
    /// Most columns and most rows; the picture keeps its proportions.
    columns: Option<u32>,
    rows: Option<u32>,
    part: Part,
}

/// Which part of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Whole,
    /// In pixels: left, top, and width and height, which turn the picture when they are negative; those that are left
    /// out reach to the edge.
    Pixels([u32; 2], [Option<i32>; 2]),
    /// As fractions of the sides: left, top, right, bottom.
    Fractions([f64; 4]),
}

impl Wish {
    /// Reads the parameters of `rendered`.
    pub(crate) fn of_rendered(query: &Parameters, picture: Picture) -> Result<Self, Problem> {
        refuse(
            query,
            &["annotation"],
            "a picture without annotation",
            "draw the annotation from the metadata",
        )?;
        if query.one("iccprofile")?.is_some_and(|profile| profile != "no") {
            return Err(Problem::bad_request("iccprofile=no", "another profile"));
        }
        let window = query.one("window")?.map(window).transpose()?;
        let (columns, rows, part) = match query.one("viewport")? {
            None => (None, None, Part::Whole),
            Some(text) => viewport(text)?,
        };
        let quality = quality(query, "quality")?;
        Ok(Self { picture, quality, window, columns, rows, part })
    }

    /// Reads the parameters of `thumbnail`: a size, and nothing else.
    pub(crate) fn of_thumbnail(query: &Parameters, picture: Picture) -> Result<Self, Problem> {
        let (columns, rows, part) = match query.one("viewport")? {
            None => (Some(limits::THUMBNAIL_SIDE), Some(limits::THUMBNAIL_SIDE), Part::Whole),
            Some(text) => viewport(text)?,
        };
        if part != Part::Whole {
            return Err(Problem::bad_request(
                "viewport=columns,rows for a thumbnail",
                "a part of the picture",
            ));
        }
        let quality = limits::JPEG_QUALITY_DEFAULT;
        Ok(Self { picture, quality, window: None, columns, rows, part })
    }

    /// Reads the parameters of WADO-URI.
    pub(crate) fn of_uri(query: &Parameters, picture: Picture) -> Result<Self, Problem> {
        let remedy = "retrieve the object with contentType=application/dicom and show it on your side";
        refuse(query, &["annotation"], "a picture without annotation", remedy)?;
        refuse(
            query,
            &["presentationUID", "presentationSeriesUID"],
            "a picture without presentation state",
            remedy,
        )?;
        let window = match (query.one("windowCenter")?, query.one("windowWidth")?) {
            (None, None) => None,
            (Some(center), Some(width)) => Some(window(&format!("{center},{width}"))?),
            _ => return Err(Problem::bad_request("windowCenter and windowWidth together", "one of them")),
        };
        let side = |name| query.one(name)?.map(|text| side(name, text)).transpose();
        let part = query.one("region")?.map(fractions).transpose()?.map_or(Part::Whole, Part::Fractions);
        Ok(Self {
            picture,
            quality: quality(query, "imageQuality")?,
            window,
            columns: side("columns")?,
            rows: side("rows")?,
            part,
        })
    }

    /// What a copy shows: a window, a part as left, top, columns and rows, and the longest side.
    pub(super) fn of_copy(
        picture: Picture,
        asked_window: Option<&str>,
        part: Option<[u32; 4]>,
        side: u32,
    ) -> Result<Self, Problem> {
        let length = |of: u32| Some(i32::try_from(of).unwrap_or(i32::MAX));
        let part = part.map_or(Part::Whole, |[left, top, columns, rows]| {
            Part::Pixels([left, top], [length(columns), length(rows)])
        });
        let window = asked_window.map(window).transpose()?;
        let (columns, rows) = (Some(side), Some(side));
        Ok(Self { picture, quality: limits::JPEG_QUALITY_DEFAULT, window, columns, rows, part })
    }

    /// What that is on a picture of this size.
    pub(crate) fn on(&self, picture: &ImageAttributes) -> View {
        let region = self.part.on(picture);
        let whole = (picture.columns, picture.rows);
        let shown =
            region.map_or(whole, |region| (region.columns.unsigned_abs(), region.rows.unsigned_abs()));
        // The side that was not said follows from the other.
        let follows = |side: u32, of: u32, other: u32| {
            let side = u64::from(side) * u64::from(of) / u64::from(other.max(1));
            u32::try_from(side).unwrap_or(u32::MAX).max(1)
        };
        let (columns, rows) = match (self.columns, self.rows) {
            (None, None) => shown,
            (Some(columns), None) => (columns, follows(columns, shown.1, shown.0)),
            (None, Some(rows)) => (follows(rows, shown.0, shown.1), rows),
            (Some(columns), Some(rows)) => (columns, rows),
        };
        let as_it_is = region.is_none() && (columns, rows) == whole;
        let viewport = (!as_it_is).then_some(Viewport { columns, rows, region });
        View { window: self.window, viewport }
    }
}

impl Part {
    fn on(self, picture: &ImageAttributes) -> Option<Region> {
        let rest = |all: u32, start: u32| i32::try_from(all.saturating_sub(start)).unwrap_or(i32::MAX);
        match self {
            Self::Whole => None,
            Self::Pixels([left, top], [columns, rows]) => Some(Region {
                left,
                top,
                columns: columns.unwrap_or_else(|| rest(picture.columns, left)),
                rows: rows.unwrap_or_else(|| rest(picture.rows, top)),
            }),
            Self::Fractions([left, top, right, bottom]) => {
                let (left, columns) = span(left, right, picture.columns);
                let (top, rows) = span(top, bottom, picture.rows);
                Some(Region { left, top, columns, rows })
            }
        }
    }
}

// === helpers ===

/// The pixels from one fraction of a side to another: at least one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fractions are from 0 to 1, sides of 16 bits"
)]
fn span(from: f64, until: f64, side: u32) -> (u32, i32) {
    let at = |fraction: f64| (fraction * f64::from(side)).round() as u32;
    let start = at(from).min(side.saturating_sub(1));
    let length = at(until).saturating_sub(start).max(1);
    (start, i32::try_from(length).unwrap_or(i32::MAX))
}

fn refuse(query: &Parameters, names: &[&str], expected: &str, remedy: &str) -> Result<(), Problem> {
    for name in names {
        if query.one(name)?.is_some_and(|value| !value.is_empty()) {
            return Err(Problem::bad_request(expected, format!("`{name}`")).remedy(remedy));
        }
    }
    Ok(())
}

fn quality(query: &Parameters, name: &str) -> Result<u8, Problem> {
    let Some(text) = query.one(name)? else { return Ok(limits::JPEG_QUALITY_DEFAULT) };
    let number = text.parse().ok().filter(|quality| (1..=100).contains(quality));
    number.ok_or_else(|| Problem::bad_request(format!("{name} from 1 to 100"), text))
}

fn side(name: &str, text: &str) -> Result<u32, Problem> {
    let number =
        text.parse().ok().filter(|side| (1..=yingdun_pixels::limits::RENDERED_SIDE_MAX).contains(side));
    number.ok_or_else(|| Problem::bad_request(format!("{name} as a number of pixels from 1 to 65535"), text))
}

/// `center,width[,function]` (PS3.18 §8.3.5.1.4).
fn window(text: &str) -> Result<Window, Problem> {
    let expected = "center,width and one of linear, linear-exact, sigmoid, for a window";
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let read = || {
        let (center, width, function) = match parts.as_slice() {
            [center, width] => (center, width, WindowFunction::Linear),
            [center, width, function] => (center, width, WindowFunction::from_term(function)?),
            _ => return None,
        };
        Window::new(center.parse().ok()?, width.parse().ok()?, function)
    };
    read().ok_or_else(|| Problem::bad_request(expected, text))
}

/// `vw,vh[,sx,sy[,sw,sh]]` (PS3.18 §8.3.5.1.3); what is left out between commas is what the picture has.
fn viewport(text: &str) -> Result<(Option<u32>, Option<u32>, Part), Problem> {
    let expected = "columns,rows or columns,rows,left,top,width,height of pixels for a viewport";
    let malformed = || Problem::bad_request(expected, text);
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (size, rest) = parts.split_at_checked(2).ok_or_else(malformed)?;
    if rest.len() > 4 {
        return Err(malformed());
    }
    let size = |at: usize| match size.get(at).copied().unwrap_or_default() {
        "" => Ok(None),
        text => side("viewport", text).map(Some),
    };
    // Decimals are allowed, and mean the nearest pixel.
    let number = |at: usize| match rest.get(at).copied().unwrap_or_default() {
        "" => Ok(None),
        text => {
            let pixel = text.parse::<f64>().ok().map(f64::round).filter(|pixel| pixel.abs() <= 65_535.0);
            #[allow(clippy::cast_possible_truncation, reason = "rounded, and of 17 bits")]
            pixel.map(|pixel| Some(pixel as i32)).ok_or_else(malformed)
        }
    };
    let corner = |at| number(at)?.map_or(Ok(0), u32::try_from).map_err(|_| malformed());
    let part = match (corner(0)?, corner(1)?, number(2)?, number(3)?) {
        (0, 0, None, None) => Part::Whole,
        (left, top, columns, rows) => Part::Pixels([left, top], [columns, rows]),
    };
    Ok((size(0)?, size(1)?, part))
}

/// `left,top,right,bottom` as fractions (PS3.18 §9.4.1.2.5).
fn fractions(text: &str) -> Result<[f64; 4], Problem> {
    let expected = "left,top,right,bottom from 0.0 to 1.0 for a region";
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[left, top, right, bottom])
            if [left, top, right, bottom].iter().all(|side| (0.0..=1.0).contains(side))
                && left < right
                && top < bottom =>
        {
            Ok([left, top, right, bottom])
        }
        _ => Err(Problem::bad_request(expected, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yingdun_pixels::Photometric;

    fn picture(columns: u32, rows: u32) -> ImageAttributes {
        ImageAttributes {
            rows,
            columns,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
        }
    }

    fn rendered(query: &str) -> Result<Wish, Problem> {
        Wish::of_rendered(&Parameters::parse(query).unwrap(), Picture::Jpeg)
    }

    fn uri(query: &str) -> Result<Wish, Problem> {
        Wish::of_uri(&Parameters::parse(query).unwrap(), Picture::Jpeg)
    }

    #[test]
    fn without_parameters_the_picture_is_shown_as_it_is() {
        assert_eq!(rendered("").unwrap().on(&picture(512, 256)), View::default());
        assert_eq!(uri("").unwrap().on(&picture(512, 256)), View::default());
        assert_eq!(rendered("viewport=512,256").unwrap().on(&picture(512, 256)), View::default());
    }

    #[test]
    fn a_viewport_is_a_size_and_perhaps_a_part() {
        let on = |query: &str| rendered(query).unwrap().on(&picture(500, 250)).viewport.unwrap();
        let size = on("viewport=100,100");
        assert_eq!((size.columns, size.rows, size.region), (100, 100, None));
        let part = on("viewport=,,10,20,-30,40.4");
        assert_eq!(part.region, Some(Region { left: 10, top: 20, columns: -30, rows: 40 }));
        assert_eq!((part.columns, part.rows), (30, 40), "as large as the part");
        let rest = on("viewport=100,100,400,200");
        assert_eq!(rest.region, Some(Region { left: 400, top: 200, columns: 100, rows: 50 }));
        for wrong in ["", "1", "0,5", "1,2,3,4,5,6,7", "a,b", "70000,1", "1,1,-1,0", "1,1,0,0,nan,1", "-1,1"]
        {
            assert_eq!(
                rendered(&format!("viewport={wrong}")).unwrap_err().kind(),
                Kind::BadRequest,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_window_has_center_width_and_perhaps_a_function() {
        let window = |text: &str| rendered(&format!("window={text}")).map(|wish| wish.window.unwrap());
        assert_eq!(window("40,400").unwrap(), Window::new(40.0, 400.0, WindowFunction::Linear).unwrap());
        assert_eq!(window("-1e2,0.5,sigmoid").unwrap().function, WindowFunction::Sigmoid);
        assert_eq!(window("40,400,linear-exact").unwrap().function, WindowFunction::LinearExact);
        for wrong in ["", "40", "40,0", "40,-1", "x,y", "40,400,cubic", "inf,1", "1,2,linear,4"] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_said_and_not_left_out() {
        for query in [
            "annotation=patient",
            "annotation=patient,technique",
            "iccprofile=srgb",
            "quality=0",
            "quality=x",
        ] {
            assert_eq!(rendered(query).unwrap_err().kind(), Kind::BadRequest, "{query}");
        }
        for query in
            ["annotation=patient", "presentationUID=1.2", "windowCenter=1", "imageQuality=101", "rows=0"]
        {
            assert_eq!(uri(query).unwrap_err().kind(), Kind::BadRequest, "{query}");
        }
        assert_eq!(rendered("quality=35&iccprofile=no").unwrap().quality, 35);
    }

    #[test]
    fn the_side_that_wado_uri_does_not_say_follows_from_the_other() {
        let on = |query: &str| uri(query).unwrap().on(&picture(500, 250)).viewport.unwrap();
        assert_eq!((on("rows=100").columns, on("rows=100").rows), (200, 100));
        assert_eq!((on("columns=100").columns, on("columns=100").rows), (100, 50));
        let corner = on("region=0.5,0,1,1&columns=50").region.unwrap();
        assert_eq!(corner, Region { left: 250, top: 0, columns: 250, rows: 250 });
        for wrong in ["0,0,1", "0,0,1,1,1", "0,0,1.1,1", "-0.1,0,1,1", "0.5,0,0.5,1", "0,nan,1,1"] {
            assert!(uri(&format!("region={wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn jpeg_is_made_for_those_who_take_anything_and_png_for_those_who_ask() {
        let accept = |text: &str| Picture::negotiate(&Accept::parse([text]).unwrap());
        assert_eq!(accept("*/*").unwrap(), Picture::Jpeg);
        assert_eq!(accept("image/png, image/jpeg;q=0.5").unwrap(), Picture::Png);
        assert_eq!(accept("multipart/related; type=\"image/png\"").unwrap(), Picture::Png);
        assert_eq!(accept("image/gif").unwrap_err().kind(), Kind::NotAcceptable);
    }

    proptest! {
        #[test]
        fn any_parameters_are_read_or_refused_and_a_region_is_not_empty(
            viewport in "[0-9,.-]{0,20}", region in "[01,.]{0,20}", columns in 1_u32..3000, rows in 1_u32..3000,
        ) {
            let attributes = picture(columns, rows);
            if let Ok(wish) = rendered(&format!("viewport={viewport}")) {
                let _ = wish.on(&attributes);
            }
            if let Ok(wish) = uri(&format!("region={region}")) {
                let part = wish.on(&attributes).viewport.and_then(|viewport| viewport.region).unwrap();
                prop_assert!(part.columns > 0 && part.left + part.columns.unsigned_abs() <= columns);
                prop_assert!(part.rows > 0 && part.top + part.rows.unsigned_abs() <= rows);
            }
        }
    }
}

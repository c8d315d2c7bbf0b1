//! What somebody drew over a picture, measures with their words, as pixels of a copy: white with a dark edge, so that it is seen on every ground.

use crate::Surface;
use crate::glyphs::Pen;
use zeno::{Cap, Command, Join, Mask, Stroke, Style, Vector};

/// Strokes of a copy.
pub const DRAWINGS_MAX: usize = 64;
/// Points of one of them.
pub const POINTS_MAX: usize = 96;
/// Lines of words beside one, and their characters.
pub const LINES_MAX: usize = 6;
/// See [`LINES_MAX`].
pub const LINE_CHARACTERS_MAX: usize = 96;

/// The height of letters as part of the shorter side, and its bounds in pixels.
const LETTERS_PER_SIDE: f32 = 46.0;
const LETTER_MIN: f32 = 11.0;
const LETTER_MAX: f32 = 40.0;
/// The width of a line as part of the height of letters, and of the edge around it.
const LINE: f32 = 0.12;
const EDGE: f32 = 0.26;
/// How dark the edge is, of 256.
const EDGE_DARKNESS: u32 = 200;

/// A line through some points, and words beside it; in pixels of the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// The points; none where there are words only.
    pub points: Vec<(f32, f32)>,
    /// Lines of words.
    pub words: Vec<String>,
    /// Where the words begin, their upper left.
    pub at: (f32, f32),
}

/// Draws. What is more than the bounds allow, or not finite, is left out.
pub fn draw(drawings: &[Drawing], surface: &mut Surface<'_>) {
    let (columns, rows) = (surface.columns, surface.rows);
    if drawings.is_empty() || columns == 0 || rows == 0 {
        return;
    }
    #[allow(clippy::cast_precision_loss, reason = "of 16 bits")]
    let (width, height) = (columns as f32, rows as f32);
    let letter = (width.min(height) / LETTERS_PER_SIDE).clamp(LETTER_MIN, LETTER_MAX);
    // Far outside is as good as a little outside, and no rasteriser has to go there.
    let near = |(x, y): (f32, f32)| {
        let is_number = x.is_finite() && y.is_finite();
        is_number.then(|| (x.clamp(-width, 2.0 * width), y.clamp(-height, 2.0 * height)))
    };
    let (mut lines, mut letters) = (Vec::new(), Vec::new());
    let pen = Pen::new(letter);
    for drawing in drawings.iter().take(DRAWINGS_MAX) {
        let points = drawing.points.iter().take(POINTS_MAX).filter_map(|point| near(*point));
        for (number, (x, y)) in points.enumerate() {
            let to = Vector::new(x, y);
            lines.push(if number == 0 { Command::MoveTo(to) } else { Command::LineTo(to) });
        }
        let (Some(pen), Some((x, y))) = (&pen, near(drawing.at)) else { continue };
        let mut down = letter;
        for words in drawing.words.iter().take(LINES_MAX) {
            let words: String =
                words.chars().filter(|one| !one.is_control()).take(LINE_CHARACTERS_MAX).collect();
            letters.extend(pen.line(&words).at((x, y + down)));
            down += letter * 1.25;
        }
    }
    for (path, width) in [(&lines, letter * EDGE), (&letters, letter * EDGE)] {
        mix(surface, path, stroke(width), 0, EDGE_DARKNESS);
    }
    mix(surface, &lines, stroke(letter * LINE), 255, 256);
    mix(surface, &letters, Style::default(), 255, 256);
}

// === helpers ===

fn stroke(width: f32) -> Style<'static> {
    let mut stroke = Stroke::new(width.max(1.0));
    stroke.join(Join::Round).cap(Cap::Round);
    Style::Stroke(stroke)
}

/// Moves the pixels under a path towards a brightness, `part` of 256 of the way.
#[allow(clippy::cast_possible_truncation, reason = "between two bytes")]
fn mix(surface: &mut Surface<'_>, path: &[Command], style: Style<'_>, towards: u8, part: u32) {
    if path.is_empty() {
        return;
    }
    let width = surface.samples_per_pixel();
    let (mask, _) = Mask::new(path).size(surface.columns, surface.rows).style(style).render();
    for (pixel, covered) in surface.samples.chunks_exact_mut(width).zip(mask) {
        if covered == 0 {
            continue;
        }
        let part = u32::from(covered) * part;
        for sample in pixel {
            let (here, there) = (u32::from(*sample), u32::from(towards));
            *sample = ((here * (65_280 - part) + there * part + 32_640) / 65_280) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(drawings: &[Drawing], ground: u8, in_colour: bool) -> Vec<u8> {
        let mut samples = vec![ground; 128 * 96 * if in_colour { 3 } else { 1 }];
        draw(drawings, &mut Surface { columns: 128, rows: 96, in_colour, samples: &mut samples });
        samples
    }

    #[test]
    fn a_line_is_white_with_a_dark_edge_and_nothing_else_changes() {
        let line = Drawing { points: vec![(10.0, 48.0), (100.0, 48.0)], ..Drawing::default() };
        let samples = drawn(std::slice::from_ref(&line), 120, false);
        let at = |x: usize, y: usize| samples[y * 128 + x];
        assert!(at(50, 48) > 160 || at(50, 47) > 160, "{} {}", at(50, 47), at(50, 48));
        assert!((44..53).any(|y| at(50, y) < 110), "an edge");
        assert!((0..128).all(|x| at(x, 20) == 120 && at(x, 80) == 120));
        assert!(drawn(&[], 7, false).iter().all(|sample| *sample == 7));
    }

    #[test]
    fn words_are_drawn_on_every_ground_and_in_colour() {
        let words =
            Drawing { words: vec!["12.5 mm 均值".to_owned()], at: (5.0, 5.0), ..Drawing::default() };
        for ground in [0, 128, 255] {
            let changed = drawn(std::slice::from_ref(&words), ground, true);
            assert!(changed.iter().filter(|sample| **sample != ground).count() > 300, "{ground}");
            assert!(changed.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        }
    }

    proptest! {
        #[test]
        fn no_points_and_no_words_make_it_fall(
            points in proptest::collection::vec((any::<f32>(), any::<f32>()), 0..200), words in proptest::collection::vec(".*", 0..9), x: f32, y: f32,
        ) {
            drawn(&[Drawing { points, words, at: (x, y) }], 9, false);
        }
    }
}

//! The mark that everybody sees: lines of text over the whole picture, slanted, lighter on dark ground and darker on bright. It is part of the
//! picture, so a screenshot, a print and a photograph of the screen have it.
//!
//! A [`Stamp`] is a mask that repeats itself. It is made once for a text and a size of letters (milliseconds) and pressed onto any number of
//! pictures in one pass, with whole numbers only.

use crate::Surface;
use crate::glyphs::{Pen, Repeated};
use std::ops::Range;

/// How much of the way to white or black a mark goes, in parts of 256: 16 percent. Less is not read on a screen, more hides what is to be seen.
const OPACITY: u32 = 41;

/// The slant of lines, in radians: 17 degrees. What stands in pictures themselves, names and scales, is level.
const SLANT: f32 = 0.3;

/// The height of letters as part of the shorter side of a picture, and its bounds in pixels: below ten, Chinese is not read.
const LETTERS_PER_SIDE: f32 = 58.0;
const LETTER_MIN: f32 = 10.0;
const LETTER_MAX: f32 = 48.0;

/// The longest piece of a text, in characters: a name, an identifier.
const PIECE_MAX: usize = 40;

/// Most pieces.
const PIECES_MAX: usize = 8;

/// Below this shorter side, in pixels, every piece has a line of its own: a thumbnail is narrower than a sentence.
const NARROW: u32 = 360;

/// Sides of the squares by whose mean it is told whether ground is dark.
const CELL: usize = 16;

/// What a mark says, piece by piece: who, when, of whom, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words {
    pieces: Vec<String>,
    letter: u16,
    is_narrow: bool,
}

impl Words {
    /// The words for a picture of this size. What is longer than a name is cut; what cannot be printed is left out.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "of 10 to 48"
    )]
    pub fn new<'a>(pieces: impl IntoIterator<Item = &'a str>, columns: u32, rows: u32) -> Self {
        let side = columns.min(rows);
        let letter = (side as f32 / LETTERS_PER_SIDE).clamp(LETTER_MIN, LETTER_MAX) as u16;
        let printable = |piece: &str| -> String {
            piece.chars().filter(|letter| !letter.is_control()).take(PIECE_MAX).collect()
        };
        let pieces: Vec<String> = pieces.into_iter().take(PIECES_MAX).map(printable).collect();
        let pieces = pieces.into_iter().filter(|piece| !piece.trim().is_empty()).collect();
        Self { pieces, letter, is_narrow: side < NARROW }
    }

    /// The lines of one mark.
    fn lines(&self) -> Vec<String> {
        let per_line = if self.is_narrow { 1 } else { self.pieces.len().div_ceil(2).max(1) };
        self.pieces.chunks(per_line).map(|pieces| pieces.join(" · ")).collect()
    }
}

/// The mask of some words.
pub struct Stamp {
    mask: Repeated,
    /// Per row where anything is drawn.
    drawn: Vec<Vec<Range<usize>>>,
}

impl Stamp {
    /// Draws the words.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few thousand pixels"
    )]
    pub fn new(words: &Words) -> Self {
        let letter = f32::from(words.letter);
        let Some(pen) = Pen::new(letter) else { return Self::of(Repeated::new(1, 1)) };
        let lines: Vec<_> = words.lines().iter().map(|line| pen.line(line)).collect();
        let length = lines.iter().map(|line| line.length).fold(letter, f32::max);
        let leading = letter * 1.25;
        let block = leading * lines.len() as f32;
        // Two marks in a repetition, the second between two of the first: no part of a picture of some size is without one.
        let gap = letter * if words.is_narrow { 2.0 } else { 5.0 };
        let columns = length * SLANT.cos() + gap;
        let step = block / SLANT.cos() + gap;
        let mut mask = Repeated::new(columns.ceil() as usize, (2.0 * step).ceil() as usize);
        for (x, y) in [(0.0, 0.0), (columns / 2.0, step)] {
            for (number, line) in lines.iter().enumerate() {
                let down = leading * number as f32;
                let place = (x + down * SLANT.sin(), y + down * SLANT.cos());
                line.onto(&mut mask, place, SLANT);
            }
        }
        Self::of(mask)
    }

    /// Bytes that it takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let spans: usize = self.drawn.iter().map(|row| row.len() * size_of::<Range<usize>>()).sum();
        self.mask.coverage.len() + spans
    }

    /// Presses the mark onto a picture.
    pub fn press(&self, surface: &mut Surface<'_>) {
        let width = surface.samples_per_pixel();
        let (columns, row_bytes) = (surface.columns as usize, surface.columns as usize * width);
        let across = columns.div_ceil(CELL);
        let stripes = surface.samples.chunks_mut((row_bytes * CELL).max(1));
        for (stripe, first) in stripes.zip((0..).step_by(CELL)) {
            let is_dark = dark_cells(stripe, row_bytes, width, across);
            for (line, row) in stripe.chunks_mut(row_bytes).zip(first..) {
                self.press_row(line, row, width, &is_dark);
            }
        }
    }

    fn of(mask: Repeated) -> Self {
        let drawn = mask.coverage.chunks_exact(mask.columns).map(spans).collect();
        Self { mask, drawn }
    }

    fn press_row(&self, line: &mut [u8], row: usize, width: usize, is_dark: &[bool]) {
        let row = row % self.mask.rows;
        let start = row * self.mask.columns;
        let coverage = self.mask.coverage.get(start..start + self.mask.columns).unwrap_or_default();
        for (number, tile) in line.chunks_mut(self.mask.columns * width).enumerate() {
            for span in self.drawn.get(row).into_iter().flatten() {
                let pixels = tile.get_mut(span.start * width..).unwrap_or_default().chunks_exact_mut(width);
                let covered = coverage.get(span.clone()).unwrap_or_default();
                let first = number * self.mask.columns + span.start;
                for ((pixel, covered), column) in pixels.zip(covered).zip(first..) {
                    let is_dark = is_dark.get(column / CELL).copied().unwrap_or(true);
                    let part = u32::from(*covered) * OPACITY;
                    pixel.iter_mut().for_each(|sample| *sample = mixed(*sample, part, is_dark));
                }
            }
        }
    }
}

impl std::fmt::Debug for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stamp({} x {})", self.mask.columns, self.mask.rows)
    }
}

// === helpers ===

/// A sample on its way to white or black; `part` is of 255 times 256.
#[allow(clippy::cast_possible_truncation, reason = "between two bytes")]
fn mixed(sample: u8, part: u32, is_dark: bool) -> u8 {
    let sample = u32::from(sample);
    let way = |left: u32| (left * part + 32_640) / 65_280;
    (if is_dark { sample + way(255 - sample) } else { sample - way(sample) }) as u8
}

/// Which squares of a stripe of a picture are dark, by the mean of their samples.
fn dark_cells(stripe: &[u8], row_bytes: usize, width: usize, across: usize) -> Vec<bool> {
    let mut sums = vec![(0_u32, 0_u32); across];
    for line in stripe.chunks(row_bytes) {
        for ((sum, count), cell) in sums.iter_mut().zip(line.chunks(CELL * width)) {
            *sum += cell.iter().map(|sample| u32::from(*sample)).sum::<u32>();
            *count += u32::try_from(cell.len()).unwrap_or_default();
        }
    }
    sums.into_iter().map(|(sum, count)| sum < 128 * count).collect()
}

/// Where a row of a mask is not empty.
fn spans(row: &[u8]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, _) in row.iter().enumerate().filter(|(_, coverage)| **coverage > 0) {
        match spans.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => spans.push(at..at + 1),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PIECES: [&str; 4] = ["李伟 li.wei", "P20260001", "2026-11-23 14:30", "WM-7K3F-9QXA-02MC"];

    fn pressed(columns: u32, rows: u32, in_colour: bool, ground: u8) -> Vec<u8> {
        let width = if in_colour { 3 } else { 1 };
        let mut samples = vec![ground; (columns * rows) as usize * width];
        let stamp = Stamp::new(&Words::new(PIECES, columns, rows));
        stamp.press(&mut Surface { columns, rows, in_colour, samples: &mut samples });
        samples
    }

    #[test]
    fn a_mark_is_lighter_on_dark_ground_and_darker_on_bright_and_never_strong() {
        for (ground, most) in [(0, 41), (60, 32), (127, 21), (128, 21), (200, 33), (255, 41)] {
            let samples = pressed(512, 512, false, ground);
            let drawn: Vec<u8> = samples.iter().copied().filter(|sample| *sample != ground).collect();
            let share = drawn.len() as f64 / samples.len() as f64;
            assert!((0.02..0.15).contains(&share), "{share} of the ground {ground} is drawn on");
            assert!(drawn.iter().all(|sample| (*sample > ground) == (ground < 128)), "{ground}");
            let strongest = drawn.iter().map(|sample| sample.abs_diff(ground)).max().unwrap();
            assert!(strongest <= most && strongest + 1 >= most, "{strongest} on {ground}");
        }
    }

    #[test]
    fn every_part_of_a_picture_has_some_of_it() {
        for (columns, rows) in [(512, 512), (1024, 1024), (3000, 2000), (160, 120)] {
            let samples = pressed(columns, rows, false, 90);
            // A third of each side, or half of those of a thumbnail.
            let parts = if rows < NARROW { 2 } else { 3 };
            let (part_columns, part_rows) = (columns as usize / parts, rows as usize / parts);
            for top in (0..=rows as usize - part_rows).step_by(part_rows / 2) {
                for left in (0..=columns as usize - part_columns).step_by(part_columns / 2) {
                    let drawn: usize = (top..top + part_rows)
                        .map(|row| &samples[row * columns as usize + left..][..part_columns])
                        .map(|line| line.iter().filter(|sample| **sample != 90).count())
                        .sum();
                    assert!(drawn * 100 > part_columns * part_rows, "{columns} x {rows}, at {left}, {top}");
                }
            }
        }
    }

    #[test]
    fn in_colour_all_samples_of_a_pixel_go_the_same_way() {
        let samples = pressed(300, 200, true, 40);
        assert!(samples.iter().any(|sample| *sample != 40));
        assert!(samples.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    }

    proptest! {
        #[test]
        fn no_words_and_no_size_make_it_fall(pieces in proptest::collection::vec(".*", 0..10), columns in 1..70_u32, rows in 1..70_u32, in_colour: bool) {
            let width = if in_colour { 3 } else { 1 };
            let mut samples = vec![7; (columns * rows) as usize * width];
            let stamp = Stamp::new(&Words::new(pieces.iter().map(String::as_str), columns, rows));
            stamp.press(&mut Surface { columns, rows, in_colour, samples: &mut samples });
            prop_assert!(stamp.bytes() < 4 << 20);
        }
    }
}

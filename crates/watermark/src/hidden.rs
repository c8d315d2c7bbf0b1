//! The mark that nobody sees: 64 bits, each spread over hundreds of small changes of brightness all over the picture. What changes where is
//! decided by the key, so that nobody without it finds or makes the mark; and anew for each frame, so that pictures laid over one
//! another do not show it.
//!
//! The changes are laid out over the *frame*, in blocks, and not over the rendered picture: whoever finds a part of it, in another size, knows where
//! the blocks are as soon as the picture is laid over the frame. Blocks come in sizes of powers of two (octaves); a picture has that one whose blocks
//! are of eight to sixteen of its own pixels, however far somebody looked into it.
//!
//! In each block eight waves (those of a discrete cosine transform) are made a little stronger or weaker: low enough to live on in a picture of
//! half the size, high enough not to be seen. A byte of a keyed stream says of each wave which bit of the word it carries, and with which sign.

use crate::Surface;
use crate::code::{WORD_BITS, encode};
use crate::number::{MarkKey, Number};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use yingdun_crypto::digest::{keyed_blake3, keyed_blake3_stream};
use yingdun_model::Secret;

/// The waves of a block, as half periods across and down.
pub(crate) const WAVES: [(u8, u8); 8] = [(0, 2), (2, 0), (1, 1), (1, 2), (2, 1), (2, 2), (0, 3), (3, 0)];

/// How much stronger or weaker a wave becomes, as a coefficient of an orthonormal transform of eight by eight: 46 dB of the picture are signal.
const STRENGTH: f32 = 3.7;

/// Pixels of the frame in a block of octave 0.
const BLOCK_SIDE: f64 = 8.0;

/// The octaves that there are: from a sixteenth of a pixel in a sample of a block to 256.
pub(crate) const OCTAVES: RangeInclusive<i8> = -4..=8;

/// Places in which a block is drawn, across and down: as many as it has pixels at most.
const PLACES: usize = 16;

/// A picture a hair smaller than its octave asks for still has it: sides are rounded to pixels.
const ROUNDING: f64 = 0.04;

/// Blocks from one row of them to the next in the stream: more than any frame has.
const ROW_BLOCKS: u64 = 1 << 20;

/// A hidden mark for one frame.
#[derive(Clone)]
pub struct HiddenMark {
    pattern: Pattern,
    word: u128,
}

/// The part of a frame that a picture shows, in pixels of the frame. A negative width or height turns it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Pixels left of it.
    pub left: f64,
    /// Rows above it.
    pub top: f64,
    /// Its width.
    pub columns: f64,
    /// Its height.
    pub rows: f64,
}

/// Where which bit is, for one frame.
#[derive(Clone)]
pub(crate) struct Pattern(Secret<[u8; 32]>);

impl HiddenMark {
    /// The mark of a frame with a number. `frame` names the frame, and has to be the same when the mark is read.
    #[must_use]
    pub fn new(key: &MarkKey, frame: &[u8], number: Number) -> Self {
        Self { pattern: Pattern::new(key, frame), word: encode(number.bits()) }
    }

    /// Presses the mark onto a picture that shows a part of the frame.
    pub fn press(&self, surface: &mut Surface<'_>, part: &Part) {
        if surface.in_colour {
            self.press_samples::<3>(surface, part)
        } else {
            self.press_samples::<1>(surface, part)
        }
    }

    /// The same for pixels of so many samples, which all go the same way.
    fn press_samples<const SAMPLES: usize>(&self, surface: &mut Surface<'_>, part: &Part) {
        let octave = octave_of(f64::from(surface.columns) / part.columns.abs());
        let across = Places::new(part.left, part.columns, surface.columns, octave);
        let down = Places::new(part.top, part.rows, surface.rows, octave);
        let (Some(first), Some(last)) = (across.first, across.last) else { return };
        let waves: &[[i8; PLACES * PLACES]] = &DRAWN;
        let mut drawn_row: Vec<&[i8; PLACES * PLACES]> = Vec::new();
        let mut row_of_drawn = None;
        let mut changes = vec![0_i8; across.at.len()];
        let pixels = surface.samples.as_chunks_mut::<SAMPLES>().0;
        for (line, (row, place)) in pixels.chunks_exact_mut(across.at.len().max(1)).zip(&down.at) {
            if row_of_drawn != Some(*row) {
                let signs = self.pattern.signs(octave, *row, first..=last, self.word);
                drawn_row = signs.iter().filter_map(|signs| waves.get(usize::from(*signs))).collect();
                row_of_drawn = Some(*row);
            }
            let mut left = changes.as_mut_slice();
            for (block, places) in across.runs() {
                let drawn = drawn_row.get((block - first) as usize);
                let drawn = drawn.and_then(|drawn| drawn.as_chunks::<PLACES>().0.get(usize::from(*place)));
                let (run, behind) = left.split_at_mut(places.len().min(left.len()));
                left = behind;
                let drawn = drawn.unwrap_or(&[0; PLACES]);
                for (change, (_, place)) in run.iter_mut().zip(places) {
                    *change = drawn.get(usize::from(*place) % PLACES).copied().unwrap_or_default();
                }
            }
            // In sixteen bits, of which processors add many at once.
            for (pixel, change) in line.iter_mut().zip(&changes) {
                for sample in pixel {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byte")]
                    let changed = (i16::from(*sample) + i16::from(*change)).clamp(0, 255) as u8;
                    *sample = changed;
                }
            }
        }
    }
}

impl std::fmt::Debug for HiddenMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenMark(…)")
    }
}

impl Pattern {
    pub(crate) fn new(key: &MarkKey, frame: &[u8]) -> Self {
        Self(Secret::new(keyed_blake3(key.chips(), &[frame])))
    }

    /// Per block of a row which waves become stronger: a bit for each.
    fn signs(&self, octave: i8, row: u32, blocks: RangeInclusive<u32>, word: u128) -> Vec<u8> {
        let chips = self.chips(octave, row, blocks);
        let signs = |chips: &[u8; WAVES.len()]| {
            let bits = chips.iter().map(|chip| (chip >> 7) ^ (word >> (chip & 0x7f) & 1) as u8);
            bits.rev().fold(0, |signs, bit| signs << 1 | bit)
        };
        chips.as_chunks().0.iter().map(signs).collect()
    }

    /// The bytes that say of each wave of the blocks of a row which bit it carries, and whether turned.
    pub(crate) fn chips(&self, octave: i8, row: u32, blocks: RangeInclusive<u32>) -> Vec<u8> {
        const { assert!(WORD_BITS == 128, "a byte has seven bits for the place of a bit, and one for the sign") };
        let count = blocks.end().saturating_sub(*blocks.start()) as usize + 1;
        let from = (u64::from(row) * ROW_BLOCKS + u64::from(*blocks.start())) * WAVES.len() as u64;
        let mut chips = vec![0; count * WAVES.len()];
        keyed_blake3_stream(&self.0, &[&octave.to_be_bytes()], from, &mut chips);
        chips
    }
}

/// Pixels of the frame along the side of a block.
pub(crate) fn block_side(octave: i8) -> f64 {
    BLOCK_SIDE * f64::from(octave).exp2()
}

/// The octave of a picture with so many pixels for one of the frame.
#[allow(clippy::cast_possible_truncation, reason = "a small number")]
pub(crate) fn octave_of(scale: f64) -> i8 {
    let octave = (-scale.log2() - ROUNDING).ceil() as i8;
    octave.clamp(*OCTAVES.start(), *OCTAVES.end())
}

// === helpers ===

/// In which block each pixel of a side lies, and where in it.
struct Places {
    at: Vec<(u32, u8)>,
    first: Option<u32>,
    last: Option<u32>,
}

impl Places {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sides of 16 bits, and not negative"
    )]
    fn new(start: f64, length: f64, pixels: u32, octave: i8) -> Self {
        let side = block_side(octave);
        let step = length.abs() / f64::from(pixels.max(1));
        let place = |pixel: u32| {
            let pixel = if length < 0.0 { pixels - 1 - pixel } else { pixel };
            let at = (start + (f64::from(pixel) + 0.5) * step).max(0.0) / side;
            (at as u32, ((at.fract() * PLACES as f64) as usize).min(PLACES - 1) as u8)
        };
        let at: Vec<(u32, u8)> = (0..pixels).map(place).collect();
        let blocks = || at.iter().map(|(block, _)| *block);
        Self { first: blocks().min(), last: blocks().max(), at }
    }

    /// Neighbours in one block.
    fn runs(&self) -> impl Iterator<Item = (u32, &[(u32, u8)])> {
        self.at.chunk_by(|one, other| one.0 == other.0).filter_map(|run| Some((run.first()?.0, run)))
    }
}

/// What each choice of signs looks like.
static DRAWN: LazyLock<Vec<[i8; PLACES * PLACES]>> = LazyLock::new(|| {
    let block = |signs: usize| {
        std::array::from_fn(|at| {
            let (down, across) = (at / PLACES, at % PLACES);
            let at = |place: usize| (place as f32 + 0.5) / PLACES as f32;
            let wave = |(bit, (waves_across, waves_down)): (usize, &(u8, u8))| {
                let sign = if signs >> bit & 1 == 1 { STRENGTH } else { -STRENGTH };
                sign * wave(*waves_across, at(across)) * wave(*waves_down, at(down))
            };
            let sum: f32 = WAVES.iter().enumerate().map(wave).sum();
            #[allow(clippy::cast_possible_truncation, reason = "eight waves of 3.7, a quarter each at most")]
            let sum = sum.round() as i8;
            sum
        })
    };
    (0..1 << WAVES.len()).map(block).collect()
});

/// A wave of an orthonormal cosine transform over eight samples, at a place of the block from 0 to 1.
pub(crate) fn wave(half_periods: u8, at: f32) -> f32 {
    let norm: f32 = if half_periods == 0 { 1.0 / 8.0 } else { 2.0 / 8.0 };
    norm.sqrt() * (std::f32::consts::PI * f32::from(half_periods) * at).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::tests::key;
    use proptest::prelude::*;

    fn marked(number: u64, frame: &[u8], columns: u32, rows: u32, part: &Part) -> Vec<u8> {
        let mut samples = vec![128; (columns * rows) as usize];
        let mark = HiddenMark::new(&key(1), frame, Number::from_bits(number).unwrap());
        mark.press(&mut Surface { columns, rows, in_colour: false, samples: &mut samples }, part);
        samples
    }

    const WHOLE: Part = Part { left: 0.0, top: 0.0, columns: 512.0, rows: 512.0 };

    #[test]
    fn forty_five_decibels_and_more_are_signal() {
        for (side, part) in [(512, WHOLE), (1024, WHOLE), (700, WHOLE), (256, WHOLE)] {
            let samples = marked(7, b"a", side, side, &part);
            let squares: f64 = samples.iter().map(|sample| (f64::from(*sample) - 128.0).powi(2)).sum();
            let decibels = 10.0 * (255.0_f64.powi(2) / (squares / samples.len() as f64)).log10();
            assert!((45.0..49.0).contains(&decibels), "{decibels} dB in {side} pixels");
            let most = samples.iter().map(|sample| sample.abs_diff(128)).max();
            assert!(most <= Some(7), "{most:?}");
        }
    }

    #[test]
    fn the_mark_depends_on_number_frame_and_key_and_on_nothing_else() {
        let one = marked(7, b"a", 512, 512, &WHOLE);
        assert_eq!(one, marked(7, b"a", 512, 512, &WHOLE));
        let differ = |other: &[u8]| one.iter().zip(other).filter(|(one, other)| one != other).count();
        assert!(differ(&marked(8, b"a", 512, 512, &WHOLE)) > 50_000);
        assert!(differ(&marked(7, b"b", 512, 512, &WHOLE)) > 200_000);
        let mut samples = vec![128; 512 * 512];
        let other = HiddenMark::new(&key(2), b"a", Number::from_bits(7).unwrap());
        other
            .press(&mut Surface { columns: 512, rows: 512, in_colour: false, samples: &mut samples }, &WHOLE);
        assert!(differ(&samples) > 200_000);
    }

    #[test]
    fn a_part_has_the_mark_that_the_whole_has_there() {
        let whole = marked(7, b"a", 512, 512, &WHOLE);
        let part = Part { left: 100.0, top: 40.0, columns: 300.0, rows: 200.0 };
        let cut = marked(7, b"a", 300, 200, &part);
        for (row, line) in cut.chunks(300).enumerate() {
            assert_eq!(line, &whole[(row + 40) * 512 + 100..][..300], "row {row}");
        }
        let turned = marked(7, b"a", 300, 200, &Part { columns: -300.0, ..part });
        for (line, other) in cut.chunks(300).zip(turned.chunks(300)) {
            assert!(line.iter().eq(other.iter().rev()));
        }
    }

    #[test]
    fn blocks_have_eight_to_sixteen_pixels() {
        for (scale, octave) in [
            (1.0, 0),
            (0.999, 0),
            (1.999, -1),
            (2.0, -1),
            (0.5, 1),
            (0.4, 2),
            (4.0, -2),
            (1e9, -4),
            (1e-9, 8),
        ] {
            assert_eq!(octave_of(scale), octave, "{scale}");
        }
        for scale in [0.11, 0.3, 0.77, 1.0, 1.4, 3.3, 7.0] {
            let pixels = block_side(octave_of(scale)) * scale;
            assert!((7.7..16.0).contains(&pixels), "{pixels} at {scale}");
        }
    }

    proptest! {
        #[test]
        fn no_picture_and_no_part_makes_it_fall(
            columns in 1..90_u32, rows in 1..90_u32, in_colour: bool,
            left in 0.0..1e5_f64, top in 0.0..1e5_f64, across in -1e5..1e5_f64, down in -1e5..1e5_f64,
        ) {
            let width = if in_colour { 3 } else { 1 };
            let mut samples = vec![7; (columns * rows) as usize * width];
            let part = Part { left, top, columns: across, rows: down };
            let mark = HiddenMark::new(&key(1), b"a", Number::from_bits(7).unwrap());
            mark.press(&mut Surface { columns, rows, in_colour, samples: &mut samples }, &part);
            prop_assert!(samples.iter().all(|sample| sample.abs_diff(7) <= 7));
        }
    }
}

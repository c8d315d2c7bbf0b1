//! Reading a hidden mark out of a found picture that lies over its frame.
//!
//! What should be seen is known, so what is left when it is taken away is the mark, and noise. Of each block the part of the rest that moving, brightening
//! or darkening it a little would explain is taken away as well; then the strength of each wave counts for the bit that it carries,
//! the less the more noise its block has. A word is believed where its bits mend to one of the code; that it is one of ours, and which
//! leaf it leads to, the number itself says.

use crate::code::{WORD_BITS, decode, encode, fit};
use crate::hidden::{OCTAVES, Pattern, WAVES, block_side, wave};
use crate::number::{MarkKey, NUMBER_BITS, Number};
use crate::register::{FoundView, FrameView, Perspective, Registration};
use crate::tone::Tone;

/// Samples along the side of a block.
const SAMPLES: usize = 8;

/// The smallest block, in pixels of the found picture: waves of three half periods need more than two pixels for each.
const BLOCK_MIN: f64 = 3.4;
/// The largest: rendered pictures have blocks of sixteen, and few are enlarged fourfold.
const BLOCK_MAX: f64 = 66.0;

/// Fewer blocks than this carry no mark that could be believed: half a wave for each bit.
const BLOCKS_MIN: usize = 64;

/// The most blocks that are looked at: those of a frame of four thousand pixels at its finest. More would be of a picture that nobody rendered.
const BLOCKS_MAX: usize = 1 << 18;

/// How sure a reading has to be, in standard deviations of what noise gives for one word.
pub const SURE: f32 = 7.0;

/// What a found picture says of its mark.
#[derive(Clone, Debug)]
pub struct Reading {
    octaves: Vec<Soft>,
}

/// What was read with blocks of one size.
#[derive(Clone, Debug)]
struct Soft {
    /// For each bit how much speaks for one, in standard deviations of noise.
    bits: [f32; WORD_BITS],
}

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The number.
    pub number: Number,
    /// How sure it is, in standard deviations of what noise gives for one word.
    pub sureness: f32,
}

impl Reading {
    /// Reads a picture. `frame_name` is that under which the mark was made.
    #[must_use]
    pub fn new(
        key: &MarkKey,
        frame_name: &[u8],
        frame: &FrameView,
        found: &FoundView,
        registration: &Registration,
    ) -> Self {
        let pattern = Pattern::new(key, frame_name);
        let laid = &registration.perspective;
        let whole = frame.pyramid().whole();
        let scale = laid.scale_at(whole.columns() as f64 / 2.0, whole.rows() as f64 / 2.0);
        let has_blocks = |octave: &i8| (BLOCK_MIN..BLOCK_MAX).contains(&(block_side(*octave) * scale));
        let octaves = OCTAVES.filter(has_blocks).filter_map(|octave| {
            Blocks::new(frame, found, laid, octave, scale).and_then(|blocks| blocks.soft(&pattern, octave))
        });
        Self { octaves: octaves.collect() }
    }

    /// The number that the picture tells by itself, if it tells any. It has still to be compared with its leaf.
    #[must_use]
    pub fn number(&self) -> Option<Told> {
        let told = self.octaves.iter().filter_map(|soft| {
            let message = decode(&soft.bits)?;
            // The first bits are of a version that there is not yet.
            let number = Number::from_bits(message)?;
            Some(Told { number, sureness: soft.sureness(number) })
        });
        const { assert!(NUMBER_BITS < 64, "some bits are left to tell what is none") };
        told.filter(|told| told.sureness >= SURE).max_by(|one, other| one.sureness.total_cmp(&other.sureness))
    }

    /// How surely the picture has this very number: standard deviations of what noise gives. With many numbers to compare, ask for more.
    #[must_use]
    pub fn sureness(&self, number: Number) -> f32 {
        self.octaves.iter().map(|soft| soft.sureness(number)).fold(f32::MIN, f32::max)
    }
}

impl Soft {
    fn sureness(&self, number: Number) -> f32 {
        fit(encode(number.bits()), &self.bits) / (WORD_BITS as f32).sqrt()
    }
}

/// What stands in a block of a found picture, and what should.
struct Block {
    column: u32,
    row: u32,
    stored: [f32; SAMPLES * SAMPLES],
    seen: [f32; SAMPLES * SAMPLES],
}

struct Blocks(Vec<Block>);

impl Blocks {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places of pictures, which are not negative where they are counted"
    )]
    fn new(frame: &FrameView, found: &FoundView, laid: &Perspective, octave: i8, scale: f64) -> Option<Self> {
        let side = block_side(octave);
        let spacing = side / SAMPLES as f64;
        let (stored, stored_size) = frame.pyramid().level(spacing as f32);
        let (seen, seen_size) = found.pyramid().level((spacing * scale) as f32);
        let whole = frame.pyramid().whole();
        let count = |pixels: usize| (pixels as f64 / side).ceil() as u32;
        let (columns, rows) = (count(whole.columns()), count(whole.rows()));
        if u64::from(columns) * u64::from(rows) > BLOCKS_MAX as u64 {
            return None;
        }
        let mut blocks = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let (left, top) = (f64::from(column) * side, f64::from(row) * side);
                let corners =
                    [(left, top), (left + side, top), (left, top + side), (left + side, top + side)];
                let is_seen = corners.into_iter().all(|(x, y)| {
                    let (seen_x, seen_y) = laid.place(x, y);
                    let in_frame = x <= whole.columns() as f64 && y <= whole.rows() as f64;
                    in_frame && found.pyramid().whole().has(seen_x as f32, seen_y as f32)
                });
                if !is_seen {
                    continue;
                }
                let place = |at: usize| {
                    let x = left + (at % SAMPLES) as f64 * spacing + spacing / 2.0;
                    (x, top + (at / SAMPLES) as f64 * spacing + spacing / 2.0)
                };
                let stored = std::array::from_fn(|at| {
                    let (x, y) = place(at);
                    stored.between(x as f32 / stored_size, y as f32 / stored_size)
                });
                let seen = std::array::from_fn(|at| {
                    let (x, y) = place(at);
                    let (x, y) = laid.place(x, y);
                    seen.between(x as f32 / seen_size, y as f32 / seen_size)
                });
                blocks.push(Block { column, row, stored, seen });
            }
        }
        (blocks.len() >= BLOCKS_MIN).then_some(Self(blocks))
    }

    /// What speaks for each bit.
    fn soft(&self, pattern: &Pattern, octave: i8) -> Option<Soft> {
        let pairs =
            self.0.iter().flat_map(|block| block.stored.iter().copied().zip(block.seen.iter().copied()));
        let tone = Tone::new(pairs)?;
        let mut waves: Vec<Waves> = self.0.iter().map(|block| block.waves(&tone)).collect();
        let worth = level(&mut waves);
        let energy =
            |waves: &Waves| waves.rest.iter().map(|wave| wave * wave).sum::<f32>() / WAVES.len() as f32;
        let mut energies: Vec<f32> = waves.iter().map(energy).collect();
        let middle = energies.len() / 2;
        let usual = *energies.clone().select_nth_unstable_by(middle, f32::total_cmp).1 + 0.05;
        // What stands out is letters and edges.
        energies.iter_mut().for_each(|energy| *energy = 1.0 / (usual + *energy));
        let mut bits = [0.0_f32; WORD_BITS];
        let mut noise = 0.0;
        let mut weighed = waves.iter().zip(&energies);
        for row in self.0.chunk_by(|one, other| one.row == other.row) {
            let (Some(first), Some(last)) = (row.first(), row.last()) else { continue };
            let chips = pattern.chips(octave, first.row, first.column..=last.column);
            for (block, (waves, weight)) in row.iter().zip(weighed.by_ref()) {
                let start = (block.column - first.column) as usize * WAVES.len();
                let chips = chips.get(start..start + WAVES.len()).unwrap_or_default();
                for ((chip, wave), worth) in chips.iter().zip(&waves.rest).zip(&worth) {
                    let part = wave * weight * worth * if chip >> 7 == 1 { -1.0 } else { 1.0 };
                    if let Some(bit) = bits.get_mut(usize::from(chip & 0x7f)) {
                        *bit += part;
                    }
                    noise += part * part;
                }
            }
        }
        let deviation = (noise / WORD_BITS as f32).sqrt();
        bits.iter_mut().for_each(|bit| *bit /= deviation.max(1e-12));
        Some(Soft { bits })
    }
}

/// The waves of a block: in what is left of it when all that was to be expected is taken away, and in what was to be expected.
struct Waves {
    rest: [f32; WAVES.len()],
    expected: [f32; WAVES.len()],
}

impl Block {
    fn waves(&self, tone: &Tone) -> Waves {
        let expected: [f32; SAMPLES * SAMPLES] =
            std::array::from_fn(|at| self.stored.get(at).map_or(0.0, |stored| tone.of(*stored)));
        let neighbour = |at: usize, step: usize, of: usize| {
            // At the edge the slope on one side stands for both.
            let (low, high) = if of == 0 {
                (at, at + step)
            } else if of == SAMPLES - 1 {
                (at - step, at)
            } else {
                (at - step, at + step)
            };
            let slope = expected.get(high).copied().unwrap_or_default()
                - expected.get(low).copied().unwrap_or_default();
            if of == 0 || of == SAMPLES - 1 { slope } else { slope / 2.0 }
        };
        let across: [f32; SAMPLES * SAMPLES] = std::array::from_fn(|at| neighbour(at, 1, at % SAMPLES));
        let down: [f32; SAMPLES * SAMPLES] = std::array::from_fn(|at| neighbour(at, SAMPLES, at / SAMPLES));
        let mut rest: [f32; SAMPLES * SAMPLES] = std::array::from_fn(|at| {
            self.seen.get(at).copied().unwrap_or_default() - expected.get(at).copied().unwrap_or_default()
        });
        without_mean(&mut rest);
        let mut explained: Vec<[f32; SAMPLES * SAMPLES]> = Vec::with_capacity(3);
        for mut reason in [expected, across, down] {
            without_mean(&mut reason);
            for before in &explained {
                take_away(&mut reason, before, 0.0);
            }
            take_away(&mut rest, &reason, RIDGE);
            explained.push(reason);
        }
        let strengths = |values: &[f32; SAMPLES * SAMPLES]| {
            std::array::from_fn(|at| {
                let wave = BASIS.get(at).into_iter().flatten();
                wave.zip(values).map(|(wave, value)| wave * value).sum::<f32>()
            })
        };
        Waves { rest: strengths(&rest), expected: strengths(&expected) }
    }
}

// === helpers ===

/// Blur and compression let some waves through less than others: takes away from each wave what that would explain, all over the picture, and
/// gives what each wave is worth. The mark went the same way as what was to be expected: where half of a wave was lost, half of the mark was.
fn level(waves: &mut [Waves]) -> [f32; WAVES.len()] {
    let mut worth = [1.0; WAVES.len()];
    for (at, worth) in worth.iter_mut().enumerate() {
        let of = |values: &[f32; WAVES.len()]| values.get(at).copied().unwrap_or_default();
        let (mut both, mut squares) = (0.0, 1e-6);
        for block in &*waves {
            // Edges are few, and would speak for all.
            let (rest, expected) = (of(&block.rest), of(&block.expected));
            let weight = 1.0 / (EDGE + expected * expected);
            both += rest * expected * weight;
            squares += expected * expected * weight;
        }
        let change = (both / squares).clamp(-1.0, 1.0);
        for block in &mut *waves {
            let expected = of(&block.expected);
            if let Some(rest) = block.rest.get_mut(at) {
                *rest -= change * expected;
            }
        }
        *worth = 1.0 + change;
    }
    worth
}

/// The strength of a wave, squared, from which on it is an edge rather than tissue.
const EDGE: f32 = 100.0;

/// So much has to vary in a block before the rest is explained by it: below, it is noise that explains noise.
const RIDGE: f32 = 64.0;

/// The waves over the samples of a block.
static BASIS: std::sync::LazyLock<[[f32; SAMPLES * SAMPLES]; WAVES.len()]> = std::sync::LazyLock::new(|| {
    WAVES.map(|(across, down)| {
        let at = |place: usize| (place as f32 + 0.5) / SAMPLES as f32;
        std::array::from_fn(|place| wave(across, at(place % SAMPLES)) * wave(down, at(place / SAMPLES)))
    })
});

fn without_mean(values: &mut [f32; SAMPLES * SAMPLES]) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|value| *value -= mean);
}

/// Takes away of values what another list explains.
fn take_away(values: &mut [f32; SAMPLES * SAMPLES], reason: &[f32; SAMPLES * SAMPLES], ridge: f32) {
    let squares: f32 = reason.iter().map(|value| value * value).sum::<f32>() + ridge;
    if squares > 1e-6 {
        let both: f32 = reason.iter().zip(&*values).map(|(one, other)| one * other).sum();
        values.iter_mut().zip(reason).for_each(|(value, reason)| *value -= both / squares * reason);
    }
}

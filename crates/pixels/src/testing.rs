//! Pictures for the tests of this crate.

use crate::image::{ImageAttributes, Photometric, Picture};
use proptest::prelude::*;

/// A grey picture of 2 rows and 3 columns.
pub(crate) fn grey(bits_allocated: u32, bits_stored: u32) -> ImageAttributes {
    ImageAttributes {
        rows: 2,
        columns: 3,
        samples: 1,
        bits_allocated,
        bits_stored,
        high_bit: bits_stored - 1,
        signed: false,
        photometric: Photometric::Monochrome2,
        planar: false,
    }
}

/// A picture in colours of 8 bits.
pub(crate) fn colour(rows: u32, columns: u32) -> ImageAttributes {
    ImageAttributes { rows, columns, samples: 3, photometric: Photometric::Rgb, ..grey(8, 8) }
}

/// What the samples of a picture are like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texture {
    /// All values that are possible.
    Noise,
    /// Each near the one before.
    Smooth,
    /// Mostly the one before.
    Runs,
    /// The lowest or the highest.
    Extremes,
    /// The lowest and the highest by turns, in fields of so many samples as an exponent.
    Board(u32),
}

/// A picture of some values: all of them possible, or each near the one before.
pub(crate) fn noise(attributes: ImageAttributes, seed: u64, smooth: bool) -> Picture {
    textured(attributes, seed, if smooth { Texture::Smooth } else { Texture::Noise })
}

/// A picture of some values. Cells have the sign of their sample in the bits above it.
pub(crate) fn textured(attributes: ImageAttributes, seed: u64, texture: Texture) -> Picture {
    let mut state = seed | 1;
    let mut value = 0_i64;
    let lowest = if attributes.signed { -(1_i64 << (attributes.bits_stored - 1)) } else { 0 };
    let range = 1_i64 << attributes.bits_stored;
    let row_samples = u64::from(attributes.columns * attributes.samples);
    let mut bytes = Vec::new();
    for at in 0..attributes.frame_samples() as u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = (state >> 40) as i64;
        let either = |high: bool| if high { range - 1 } else { 0 };
        value = match texture {
            Texture::Noise => step % range,
            Texture::Smooth => (value + step % 5 - 2).clamp(0, range - 1),
            Texture::Runs if step % 50 != 0 => value,
            Texture::Runs => step / 50 % range,
            Texture::Extremes => either(step % 2 == 0),
            Texture::Board(side) => {
                either((((at / row_samples) >> side) + ((at % row_samples) >> side)).is_multiple_of(2))
            }
        };
        let shift = attributes.high_bit + 1 - attributes.bits_stored;
        let cell = ((value + lowest) << shift).to_le_bytes();
        bytes.extend_from_slice(&cell[..attributes.sample_bytes()]);
    }
    Picture { attributes, bytes }
}

/// Pictures of up to 16 bits: few bits more often than many, anywhere in their cells, sides around those of blocks, contents
/// from nothing to noise.
pub(crate) fn pictures() -> impl Strategy<Value = Picture> {
    let side = || {
        let around_blocks = vec![7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];
        prop_oneof![1..=4_u32, prop::sample::select(around_blocks), 1..80_u32]
    };
    let bits = (prop_oneof![1..=3_u32, 1..=16_u32], any::<bool>(), 0..8_u32);
    let texture = prop_oneof![
        Just(Texture::Noise),
        Just(Texture::Smooth),
        Just(Texture::Runs),
        Just(Texture::Extremes),
        (0..6_u32).prop_map(Texture::Board),
    ];
    (bits, any::<bool>(), any::<bool>(), side(), side(), any::<u64>(), texture).prop_map(
        |((bits_stored, wide, high), signed, in_colour, rows, columns, seed, texture)| {
            let bits_allocated = if wide || bits_stored > 8 { 16 } else { 8 };
            // Every second picture has its samples at the bottom of their cells, as most have.
            let high_bit = bits_stored - 1 + high.saturating_sub(4).min(bits_allocated - bits_stored);
            let kind = if in_colour { colour(rows, columns) } else { grey(8, 8) };
            let signed = signed && !in_colour;
            let sizes = ImageAttributes { rows, columns, bits_allocated, bits_stored, high_bit, ..kind };
            textured(ImageAttributes { signed, ..sizes }, seed, texture)
        },
    )
}

/// What happened to coded bytes: places that hold another value, more often than not in the headers, and how much of the end
/// is missing.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    changed: Vec<(usize, u8)>,
    missing: usize,
}

impl Damage {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let place = prop_oneof![0..100_usize, 0..40_000_usize];
        let changed = prop::collection::vec((place, any::<u8>()), 0..4);
        (changed, prop_oneof![Just(0), 0..40_000_usize])
            .prop_map(|(changed, missing)| Self { changed, missing })
    }

    pub(crate) fn done_to(&self, mut coded: Vec<u8>) -> Vec<u8> {
        let length = coded.len();
        self.changed.iter().for_each(|(place, value)| coded[place % length] = *value);
        coded.truncate(length - self.missing % length);
        coded
    }
}

/// Asserts that every sample of a picture is there again, in cells of the same size.
pub(crate) fn assert_same_samples(back: &Picture, picture: &Picture) {
    let samples = |picture: &Picture| {
        let mut samples = Vec::new();
        picture.for_each_sample(|sample| samples.push(sample));
        samples
    };
    let ImageAttributes { bits_stored, high_bit, .. } = picture.attributes;
    assert_eq!(ImageAttributes { bits_stored, high_bit, ..back.attributes }, picture.attributes);
    assert!(samples(back) == samples(picture), "{:?}", picture.attributes);
}

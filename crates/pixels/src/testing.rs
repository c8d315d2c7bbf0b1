//! Pictures for the tests of this crate.

use crate::image::{ImageAttributes, Photometric, Picture};

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

/// A picture of some values: all of them possible, or each near the one before.
pub(crate) fn noise(attributes: ImageAttributes, seed: u64, smooth: bool) -> Picture {
    let mut state = seed | 1;
    let mut value = 0_i64;
    let lowest = if attributes.signed { -(1_i64 << (attributes.bits_stored - 1)) } else { 0 };
    let range = 1_i64 << attributes.bits_stored;
    let mut bytes = Vec::new();
    for _ in 0..attributes.frame_samples() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = (state >> 40) as i64;
        value = if smooth { (value + step % 5 - 2).clamp(0, range - 1) } else { step % range };
        let cell = (value + lowest).to_le_bytes();
        bytes.extend_from_slice(&cell[..attributes.sample_bytes()]);
    }
    Picture { attributes, bytes }
}

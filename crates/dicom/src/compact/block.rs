//! One block: predictor, packing, and back.

use super::words;
use crate::frames::ImageShape;
use crate::transfer_syntax::Encoding;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, ParamSwitch};

/// Most plain bytes of a block that is read back.
pub const BLOCK_BYTES_MAX: usize = 1 << 20;

/// A fast level: in differences of noisy samples there is little for a search of repeats to find.
const ZSTD_LEVEL: i32 = -5;

/// A block is stored plain unless it shrinks below this share of its size: less is not worth the time to
/// decode it.
const WORTH_PERCENT: usize = 95;

/// How samples lie in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PixelFormat {
    /// 16-bit little-endian samples, one per pixel.
    Words {
        /// Samples in a row.
        columns: u16,
    },
    /// Bytes; the left neighbour of a byte lies this many bytes before it (1 to 4).
    Bytes {
        /// Distance in bytes.
        stride: u8,
    },
}

/// Why a block cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// More than [`BLOCK_BYTES_MAX`] expected or given.
    #[error("a block has at most {BLOCK_BYTES_MAX} bytes, not {0}")]
    TooLong(usize),
    /// No such method.
    #[error("a block begins with a known method, not {0:?}")]
    UnknownMethod(Option<u8>),
    /// zstd refuses the payload or it has another length.
    #[error("the payload of a block is damaged")]
    Damaged,
}

impl From<words::Damaged> for BlockError {
    fn from(words::Damaged: words::Damaged) -> Self {
        Self::Damaged
    }
}

impl PixelFormat {
    /// The format of native pixel data; `None` for encapsulated and 1-bit pixels, which gain nothing.
    #[must_use]
    pub fn of(shape: &ImageShape, encoding: Encoding, planar: bool) -> Option<Self> {
        match (shape.bits_allocated, encoding) {
            (8, _) => {
                let stride = if planar { 1 } else { u8::try_from(shape.samples).ok()?.clamp(1, 4) };
                Some(Self::Bytes { stride })
            }
            (16, Encoding::ImplicitLe | Encoding::ExplicitLe) if shape.samples == 1 => {
                Some(Self::Words { columns: u16::try_from(shape.columns).unwrap_or(0) })
            }
            (16, _) => Some(Self::Bytes { stride: 2 }),
            (32, _) => Some(Self::Bytes { stride: 4 }),
            _ => None,
        }
    }
}

/// Appends the encoded block of these bytes to `out`.
///
/// # Errors
/// [`BlockError::TooLong`] beyond [`BLOCK_BYTES_MAX`].
pub fn encode_block(format: &PixelFormat, plain: &[u8], out: &mut Vec<u8>) -> Result<(), BlockError> {
    if plain.len() > BLOCK_BYTES_MAX {
        return Err(BlockError::TooLong(plain.len()));
    }
    let start = out.len();
    let worth = match format {
        PixelFormat::Words { columns } => {
            out.push(METHOD_WORDS);
            words::pack(plain, *columns, out);
            true
        }
        PixelFormat::Bytes { stride } => WORKSPACE.with_borrow_mut(|workspace| {
            split_bytes(plain, stride_of(*stride), &mut workspace.planes);
            out.push(METHOD_BYTES + stride.clamp(&1, &4));
            workspace.compress(out)
        }),
    };
    if !worth || (out.len() - start) * 100 > plain.len() * WORTH_PERCENT {
        out.truncate(start);
        out.push(METHOD_STORED);
        out.extend_from_slice(plain);
    }
    Ok(())
}

/// Appends the plain bytes of an encoded block to `out`: exactly `expected` of them.
///
/// # Errors
/// [`BlockError`] if the block is not one of `expected` plain bytes; then `out` is as it was.
pub fn decode_block(block: &[u8], expected: usize, out: &mut Vec<u8>) -> Result<(), BlockError> {
    if expected > BLOCK_BYTES_MAX {
        return Err(BlockError::TooLong(expected));
    }
    let (method, payload) = block.split_first().ok_or(BlockError::UnknownMethod(None))?;
    if *method == METHOD_STORED {
        if payload.len() != expected {
            return Err(BlockError::Damaged);
        }
        out.extend_from_slice(payload);
        return Ok(());
    }
    let start = out.len();
    let decoded = match *method {
        METHOD_WORDS => words::unpack(payload, expected, out).map_err(BlockError::from),
        bytes @ METHOD_BYTES_1..=METHOD_BYTES_4 => WORKSPACE.with_borrow_mut(|workspace| {
            workspace.decompress(payload, expected)?;
            join_bytes(&workspace.planes, stride_of(bytes - METHOD_BYTES), out);
            Ok(())
        }),
        other => Err(BlockError::UnknownMethod(Some(other))),
    };
    if decoded.is_err() {
        out.truncate(start);
    }
    decoded
}

// === methods, as the first byte of a block has them ===

const METHOD_STORED: u8 = 0;
const METHOD_WORDS: u8 = 1;
/// Plus the stride.
const METHOD_BYTES: u8 = 2;
const METHOD_BYTES_1: u8 = METHOD_BYTES + 1;
const METHOD_BYTES_4: u8 = METHOD_BYTES + 4;

// === zstd ===

thread_local! {
    /// Making a zstd context costs more than using it for one block.
    static WORKSPACE: RefCell<Workspace> = const { RefCell::new(Workspace::new()) };
}

struct Workspace {
    compressor: Option<Compressor<'static>>,
    decompressor: Option<Decompressor<'static>>,
    planes: Vec<u8>,
    packed: Vec<u8>,
}

impl Workspace {
    const fn new() -> Self {
        Self { compressor: None, decompressor: None, planes: Vec::new(), packed: Vec::new() }
    }

    /// Appends the compressed planes; false if there is no context or no gain.
    fn compress(&mut self, out: &mut Vec<u8>) -> bool {
        if self.compressor.is_none() {
            self.compressor = compressor();
        }
        let Some(compressor) = &mut self.compressor else { return false };
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.planes.len()));
        let done = compressor.compress_to_buffer(&self.planes, &mut self.packed).is_ok();
        if done {
            out.extend_from_slice(&self.packed);
        }
        done
    }

    fn decompress(&mut self, payload: &[u8], expected: usize) -> Result<(), BlockError> {
        if self.decompressor.is_none() {
            self.decompressor = Decompressor::new().ok();
        }
        let decompressor = self.decompressor.as_mut().ok_or(BlockError::Damaged)?;
        self.planes.clear();
        self.planes.reserve(expected);
        decompressor.decompress_to_buffer(payload, &mut self.planes).map_err(|_| BlockError::Damaged)?;
        if self.planes.len() == expected { Ok(()) } else { Err(BlockError::Damaged) }
    }
}

/// zstd leaves literals as they are at negative levels unless told otherwise, and they are all that noise
/// leaves to gain.
fn compressor() -> Option<Compressor<'static>> {
    let mut compressor = Compressor::new(ZSTD_LEVEL).ok()?;
    compressor.set_parameter(CParameter::LiteralCompressionMode(ParamSwitch::Enable)).ok()?;
    Some(compressor)
}

// === bytes: differences from the same component of the pixel before ===

fn split_bytes(plain: &[u8], stride: usize, planes: &mut Vec<u8>) {
    planes.clear();
    planes.extend_from_slice(plain.get(..stride).unwrap_or(plain));
    let right = plain.get(stride..).unwrap_or_default();
    planes.extend(plain.iter().zip(right).map(|(left, byte)| byte.wrapping_sub(*left)));
}

fn join_bytes(planes: &[u8], stride: usize, out: &mut Vec<u8>) {
    match stride {
        1 => join_strided::<1>(planes, out),
        2 => join_strided::<2>(planes, out),
        3 => join_strided::<3>(planes, out),
        _ => join_strided::<4>(planes, out),
    }
}

/// One sum per lane; a stride known to the compiler keeps them in registers.
fn join_strided<const STRIDE: usize>(planes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(planes);
    let (pixels, rest) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<STRIDE>();
    let mut left = [0_u8; STRIDE];
    for pixel in pixels {
        for (value, byte) in left.iter_mut().zip(pixel) {
            *value = value.wrapping_add(*byte);
            *byte = *value;
        }
    }
    for (value, byte) in left.iter().zip(rest) {
        *byte = value.wrapping_add(*byte);
    }
}

fn stride_of(stride: u8) -> usize {
    usize::from(stride.clamp(1, 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn formats() -> impl Strategy<Value = PixelFormat> {
        prop_oneof![
            (0_u16..600).prop_map(|columns| PixelFormat::Words { columns }),
            (1_u8..=4).prop_map(|stride| PixelFormat::Bytes { stride })
        ]
    }

    /// A slope with a little noise: compressible, as images are.
    fn slope(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from((i / 7 + (i * 31) % 3) % 256).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn the_exact_bytes_come_back(
            format in formats(),
            bytes in prop_oneof![proptest::collection::vec(any::<u8>(), 0..3_000), (0_usize..9_000).prop_map(slope)],
        ) {
            let (mut block, mut back) = (Vec::new(), vec![7]);
            encode_block(&format, &bytes, &mut block).unwrap();
            prop_assert!(block.len() <= bytes.len() + 1);
            decode_block(&block, bytes.len(), &mut back).unwrap();
            prop_assert_eq!(&back[1..], &bytes[..]);
        }

        #[test]
        fn a_damaged_block_never_makes_another_length(
            format in formats(), at in 0_usize..400, flip in 1_u8.., expected in 0_usize..8_000,
        ) {
            let mut block = Vec::new();
            encode_block(&format, &slope(6_000), &mut block).unwrap();
            let at = at % block.len();
            block[at] ^= flip;
            for cut in [block.len(), at] {
                let mut out = Vec::new();
                match decode_block(&block[..cut], expected, &mut out) {
                    Ok(()) => prop_assert_eq!(out.len(), expected),
                    Err(_) => prop_assert!(out.is_empty()),
                }
            }
        }
    }

    #[test]
    fn noise_is_stored_and_slopes_shrink() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(10_000)
        .collect();
        let mut block = Vec::new();
        encode_block(&PixelFormat::Words { columns: 512 }, &noise, &mut block).unwrap();
        assert_eq!(block.len(), noise.len() + 1);
        let mut block = Vec::new();
        encode_block(&PixelFormat::Bytes { stride: 1 }, &slope(100_000), &mut block).unwrap();
        assert!(block.len() < 20_000, "{}", block.len());
    }

    #[test]
    fn a_block_that_promises_more_than_it_may_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; 8 << 20], 1).unwrap();
        let block: Vec<u8> = std::iter::once(METHOD_WORDS).chain(bomb).collect();
        let mut out = Vec::new();
        assert_eq!(decode_block(&block, 1_000, &mut out), Err(BlockError::Damaged));
        assert_eq!(decode_block(&block, 8 << 20, &mut out), Err(BlockError::TooLong(8 << 20)));
        assert_eq!(decode_block(&[], 0, &mut out), Err(BlockError::UnknownMethod(None)));
        assert_eq!(decode_block(&[9], 0, &mut out), Err(BlockError::UnknownMethod(Some(9))));
        let long = vec![0; BLOCK_BYTES_MAX + 1];
        assert_eq!(
            encode_block(&PixelFormat::Words { columns: 512 }, &long, &mut out),
            Err(BlockError::TooLong(BLOCK_BYTES_MAX + 1))
        );
    }
}

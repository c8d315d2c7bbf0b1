//! Bounds of decoding and rendering (promise I10).

/// Most bytes of one decoded frame. A whole-slide level in one frame or a digitised film has up to 200 MiB;
/// a claim beyond is refused before anything is allocated.
pub const FRAME_BYTES_MAX: u64 = 256 << 20;

/// Most bytes that a decoder of this crate allocates, as a multiple of the decoded frame: 16-bit planes padded to
/// whole blocks, the same brought to full size, and the result.
pub const DECODER_MEMORY_FACTOR: u64 = 6;

/// The same for the library that reads JPEG 2000: samples, coefficients and half of a transform in 32 bits each for samples
/// of 8, and a hundred bytes for what describes a code-block, of which the smallest has 16 samples.
pub const LIBRARY_MEMORY_FACTOR: u64 = 32;

/// Most bytes of one decoded frame of JPEG 2000: no coding needs more memory than another.
pub const JPEG_2000_FRAME_BYTES_MAX: u64 = FRAME_BYTES_MAX * DECODER_MEMORY_FACTOR / LIBRARY_MEMORY_FACTOR;

/// Widest and highest rendered picture, in pixels: what a JPEG can say.
pub const RENDERED_SIDE_MAX: u32 = 65_535;

/// Most pixels of a rendered picture: an 8K screen, twice.
pub const RENDERED_PIXELS_MAX: u64 = 64 << 20;

/// Most entries of one look-up table. PS3.3 §C.11.2.1.1 counts them with 16 bits, where 0 stands for this number.
pub const LOOKUP_ENTRIES_MAX: usize = 1 << 16;

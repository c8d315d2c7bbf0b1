//! What a picture looks like: decoding, encoding, rendering of pixel data. No I/O.
//!
//! ```text
//!  one frame, coded ──► decode ──► Picture (samples, little-endian, pixel by pixel)
//!                                     │
//!                                     ├──► render ──► Bitmap (8 bits, windowed, cropped, scaled) ──► JPEG, PNG
//!                                     └──► rle, jpeg, jpeg_ls, jpeg_2000 ──► one frame, coded otherwise (transcode)
//! ```
//!
//! Three rules hold everywhere:
//!
//! - **Bounded.** The declared size of a frame is checked first ([`limits`]); a coded picture of another size is refused
//!   before anything is allocated for it.
//! - **No panic.** What strangers coded is an error or a picture. A decoder that another project wrote runs behind a
//!   catch, so that its mistakes are errors of one image.
//! - **Exact.** A lossless coding gives the samples that went in; the lossy ones give what the reference
//!   implementations give.
//!
//! This crate knows nothing of files, networks, keys or permits, and starts no thread. Decoding takes milliseconds of
//! one processor: callers on an asynchronous runtime hand it to threads for such work.

mod coded;
pub mod coding;
mod decode;
mod error;
mod found;
mod image;
mod jpeg;
mod jpeg_2000;
mod jpeg_ls;
pub mod limits;
pub mod render;
mod rle;
#[cfg(test)]
mod testing;
pub mod transcode;

pub use coding::Coding;
pub use decode::{align_bits, decode};
pub use error::PixelError;
pub use found::{FOUND_PIXELS_MAX, read_found};
pub use image::{ImageAttributes, Photometric, Picture};
pub use jpeg::{encode_baseline as encode_jpeg_baseline, encode_lossless as encode_jpeg_lossless};
pub use jpeg_2000::{encode as encode_jpeg_2000, encode_high_throughput as encode_htj2k};
pub use jpeg_ls::encode as encode_jpeg_ls;
pub use rle::encode as encode_rle;

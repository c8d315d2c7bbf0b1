//! JPEG 2000 (ISO/IEC 15444-1) and its high-throughput kind (ISO/IEC 15444-15): reading the first through a library, the second
//! and writing both without loss ourselves.
//!
//! | module | what it is |
//! |---|---|
//! | `decode` | bounds of what the library is given, and its call |
//! | `encode` | the codestream: samples to sub-bands to code-blocks to packets |
//! | `wavelet` | the transforms of Annex F |
//! | `bitplanes` | the coefficients of a code-block bit by bit, Annex D |
//! | `arithmetic` | the MQ coder of Annex C |
//! | `high_throughput` | the other coder of code-blocks, and the reading of what is made of such |
//! | `segment` | markers and their parameters, Annex A |
//! | `packet` | which code-block is where: tag trees and packet headers, Annex B |

mod arithmetic;
mod bitplanes;
mod decode;
mod encode;
mod high_throughput;
mod packet;
mod segment;
mod wavelet;

pub(crate) use decode::{decode, decode_high_throughput};
pub use encode::{encode, encode_high_throughput};

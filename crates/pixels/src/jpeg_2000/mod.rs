//! JPEG 2000 (ISO/IEC 15444-1): reading through a library, writing without loss ourselves.
//!
//! | module | what it is |
//! |---|---|
//! | `decode` | bounds of what the library is given, and its call |
//! | `encode` | the codestream: samples to sub-bands to code-blocks to packets |
//! | `wavelet` | the reversible transform of Annex F |
//! | `bitplanes` | the coefficients of a code-block bit by bit, Annex D |
//! | `arithmetic` | the MQ coder of Annex C |
//! | `packet` | which code-block is where: tag trees and packet headers, Annex B |

mod arithmetic;
mod bitplanes;
mod decode;
mod encode;
mod packet;
mod wavelet;

pub(crate) use decode::decode;
pub use encode::encode;

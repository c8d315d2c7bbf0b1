//! The deflate stream around a data set (PS3.5 §A.5), inflated piece by piece within bounds.

use super::ScanError;
use super::machine::Machine;
use crate::limits::Limits;
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes inflated at once: large enough to be fast, small enough to keep per association.
const PIECE_BYTES: usize = 64 << 10;

/// Inflated bytes that are not yet held against the ratio, so that tiny data sets of blanks pass.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// Check sum and length at the end of a gzip member (RFC 1952 §2.3).
const GZIP_TRAILER_BYTES: usize = 8;

pub(super) struct Inflater {
    stream: Decompress,
    piece: Vec<u8>,
    ended: bool,
    trailer_bytes: usize,
    ratio_max: u64,
    bytes_max: u64,
}

impl Inflater {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            stream: Decompress::new(false),
            piece: vec![0; PIECE_BYTES],
            ended: false,
            trailer_bytes: 0,
            ratio_max: limits.inflate_ratio_max,
            bytes_max: limits.inflated_bytes_max,
        }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], machine: &mut Machine) -> Result<(), ScanError> {
        while !self.ended {
            let (taken, made) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(bytes, &mut self.piece, FlushDecompress::None)
                .map_err(|_| ScanError::Deflate { offset: self.stream.total_in() })?;
            let consumed = usize::try_from(self.stream.total_in() - taken).unwrap_or(bytes.len());
            let produced = usize::try_from(self.stream.total_out() - made).unwrap_or(0);
            bytes = bytes.get(consumed..).unwrap_or_default();
            self.check_growth()?;
            machine.feed(self.piece.get(..produced).unwrap_or_default())?;
            self.ended = status == Status::StreamEnd;
            if consumed == 0 && produced == 0 || bytes.is_empty() && produced < PIECE_BYTES {
                break;
            }
        }
        if self.ended { self.pass_trailer(bytes) } else { Ok(()) }
    }

    pub(super) fn finish(&self) -> Result<(), ScanError> {
        if self.ended {
            Ok(())
        } else {
            Err(ScanError::DeflateTruncated { received: self.stream.total_in() })
        }
    }

    /// One NUL pads an odd stream (PS3.5 §A.5); some writers pad further, and some leave the check sum and
    /// length of a gzip member there. Nothing else may follow.
    fn pass_trailer(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        let gzip_trailer = bytes.len().min(GZIP_TRAILER_BYTES.saturating_sub(self.trailer_bytes));
        self.trailer_bytes = self.trailer_bytes.saturating_add(bytes.len());
        if bytes.iter().skip(gzip_trailer).any(|byte| *byte != 0) {
            return Err(ScanError::Deflate { offset: self.stream.total_in() });
        }
        Ok(())
    }

    fn check_growth(&self) -> Result<(), ScanError> {
        let (received, inflated) = (self.stream.total_in(), self.stream.total_out());
        let allowed = received.saturating_mul(self.ratio_max).saturating_add(RATIO_FREE_BYTES);
        if inflated > allowed.min(self.bytes_max) {
            return Err(ScanError::DeflateBomb { received, inflated });
        }
        Ok(())
    }
}

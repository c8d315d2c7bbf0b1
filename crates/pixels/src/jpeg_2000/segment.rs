//! Marker segments (ISO/IEC 15444-1 Annex A): what both readers of codestreams go through.

use crate::error::PixelError;

pub(super) const FORMAT: &str = "JPEG 2000";

pub(super) const TRUNCATED: PixelError = PixelError::Truncated { format: FORMAT };

pub(super) const fn malformed(what: &'static str) -> PixelError {
    PixelError::malformed(FORMAT, what)
}

/// A marker with parameters: which, its parameters, what follows.
pub(super) fn next_segment(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), PixelError> {
    let (&[ones, marker, high, low], _) = bytes.split_first_chunk().ok_or(TRUNCATED)?;
    if ones != 0xff {
        return Err(malformed("a marker is missing"));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (segment, behind) =
        bytes.get(2..).and_then(|bytes| bytes.split_at_checked(length)).ok_or(TRUNCATED)?;
    Ok((marker, segment.get(2..).ok_or(malformed("a segment is shorter than its length"))?, behind))
}

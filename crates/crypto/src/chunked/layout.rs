//! The arithmetic between lengths and ranges of a message and of its sealed form. Pure functions.

use super::{CHUNK_BYTES, CHUNKS_MAX, HEADER_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
use crate::OpenError;
use std::ops::Range;

const CHUNK: u64 = CHUNK_BYTES as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_BYTES as u64;
const HEADER: u64 = HEADER_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;

/// The sealed length of a message, in bytes. Saturates far beyond the longest message (4 PiB).
#[must_use]
pub const fn sealed_len(plain_len: u64) -> u64 {
    let tags = (plain_len / CHUNK + 1) * TAG;
    plain_len.saturating_add(HEADER + tags)
}

/// The length of a message whose sealed length is `sealed_len`, in bytes.
///
/// # Errors
/// [`OpenError::Length`] when no message has this sealed length.
pub fn plain_len(sealed_len: u64) -> Result<u64, OpenError> {
    let error = OpenError::Length { sealed_len };
    let body = sealed_len.checked_sub(HEADER).ok_or(error.clone())?;
    let whole = body / SEALED_CHUNK;
    let last = (body % SEALED_CHUNK).checked_sub(TAG).ok_or(error.clone())?;
    if whole < CHUNKS_MAX { Ok(whole * CHUNK + last) } else { Err(error) }
}

/// What to read and where to cut for a range of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanPlan {
    /// The bytes of the sealed object to read: whole chunks, without the header. Empty for an empty range.
    pub sealed_range: Range<u64>,
    /// The number of the first chunk in that range.
    pub first_chunk: u64,
    /// Plaintext bytes to drop in front of the range once the chunks are open, less than 16 KiB.
    pub skip: usize,
    /// Plaintext bytes that were asked for.
    pub take: u64,
}

/// Plans the reading of `plain_range` from an object of `sealed_len` bytes.
///
/// # Errors
/// [`OpenError::Length`] when no message has this sealed length, [`OpenError::OutOfRange`] when the range is
/// reversed or reaches beyond the message.
pub fn chunk_span(plain_range: Range<u64>, sealed_len: u64) -> Result<SpanPlan, OpenError> {
    let plain_len = plain_len(sealed_len)?;
    let Range { start, end } = plain_range;
    if start > end || end > plain_len {
        return Err(OpenError::OutOfRange { start, end, plain_len });
    }
    let first_chunk = start / CHUNK;
    let from = HEADER + first_chunk * SEALED_CHUNK;
    let skip = usize::try_from(start % CHUNK).unwrap_or(0);
    if start == end {
        return Ok(SpanPlan { sealed_range: from..from, first_chunk, skip: 0, take: 0 });
    }
    let to = (HEADER + end.div_ceil(CHUNK) * SEALED_CHUNK).min(sealed_len);
    Ok(SpanPlan { sealed_range: from..to, first_chunk, skip, take: end - start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plain_length_comes_back_from_its_sealed_length(len in 0..(CHUNKS_MAX * CHUNK)) {
            prop_assert_eq!(plain_len(sealed_len(len)), Ok(len));
        }

        #[test]
        fn a_sealed_length_that_is_accepted_belongs_to_a_message(sealed: u64) {
            if let Ok(plain) = plain_len(sealed) {
                prop_assert_eq!(sealed_len(plain), sealed);
            }
        }

        #[test]
        fn a_plan_covers_the_range_with_whole_chunks(len in 1_u64..200_000, a: u64, b: u64) {
            let (a, b) = (a % len, b % len);
            let (start, end) = (a.min(b), a.max(b) + 1);
            let plan = chunk_span(start..end, sealed_len(len)).unwrap();
            prop_assert_eq!(plan.first_chunk * CHUNK + plan.skip as u64, start);
            prop_assert_eq!((plan.sealed_range.start - HEADER) % SEALED_CHUNK, 0);
            prop_assert!(plan.skip < CHUNK_BYTES);
            let read = plan.sealed_range.end - plan.sealed_range.start;
            let opened = read - read.div_ceil(SEALED_CHUNK) * TAG;
            prop_assert!(opened >= plan.skip as u64 + plan.take);
            prop_assert!(opened < plan.skip as u64 + plan.take + CHUNK);
        }
    }

    #[test]
    fn lengths_between_messages_are_refused() {
        for wrong in [0, 55, 56, 71, HEADER + SEALED_CHUNK, HEADER + SEALED_CHUNK + 15, u64::MAX] {
            assert_eq!(plain_len(wrong), Err(OpenError::Length { sealed_len: wrong }), "{wrong}");
        }
        assert_eq!(plain_len(72), Ok(0));
        assert_eq!(plain_len(sealed_len(CHUNKS_MAX * CHUNK - 1)), Ok(CHUNKS_MAX * CHUNK - 1));
        assert!(plain_len(sealed_len(CHUNKS_MAX * CHUNK)).is_err());
    }

    #[test]
    fn ranges_beyond_the_message_are_refused() {
        let sealed = sealed_len(10);
        for (start, end) in [(0, 11), (11, 11), (3, 2), (0, u64::MAX)] {
            let refused = chunk_span(start..end, sealed);
            assert_eq!(refused, Err(OpenError::OutOfRange { start, end, plain_len: 10 }));
        }
        assert_eq!(chunk_span(10..10, sealed).map(|plan| plan.take), Ok(0));
    }
}

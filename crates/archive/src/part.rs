//! One sealed part of a record, read by verified ranges from whichever replica holds it intact.
//!
//! This is the only place where sealed bytes become plain ones on the way out. A span that does not verify is
//! reported to the store, which quarantines and repairs it, and is read from the next replica in the same
//! call (promise I4). Nothing unverified is returned.

use crate::error::OpenError;
use crate::layout::ObjectLayout;
use crate::source::RecordSource;
use bytes::{Bytes, BytesMut};
use std::ops::Range;
use yingdun_crypto::{Context, HEADER_BYTES, Opener, SEALED_CHUNK_BYTES, SealingKey, chunk_span, plain_len};

/// A sealed part of one record, opened with its key and context.
#[derive(Debug)]
pub(crate) struct SealedPart {
    source: RecordSource,
    part: Range<u64>,
    opener: Opener,
    plain_bytes: u64,
    /// The first chunk, where it was read together with the header.
    beginning: Bytes,
}

/// An object of an open window: its layout, and its sealed bytes with the key schedule that opens them. Kept with
/// the window, so that the frames of one object are read without reading its layout each time.
#[derive(Debug)]
pub(crate) struct OpenObject {
    pub(crate) object: SealedPart,
    pub(crate) layout: ObjectLayout,
    /// Bytes of the layout as it is written, which are about those that it takes in memory.
    pub(crate) layout_bytes: u64,
}

/// Which part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    Metadata,
    Object,
}

impl SealedPart {
    /// Reads the header of a part and checks that key and context are the ones it was sealed with.
    pub(crate) async fn open(
        source: RecordSource,
        kind: PartKind,
        key: &SealingKey,
        context: &Context,
    ) -> Result<Self, OpenError> {
        let part = match kind {
            PartKind::Metadata => source.location().metadata_range(),
            PartKind::Object => source.location().object_range(),
        };
        let sealed_len = part.end - part.start;
        let plain_bytes = plain_len(sealed_len).map_err(|_| OpenError::Damaged)?;
        // What is wanted of metadata nearly always stands in its first chunk: one read instead of three.
        let ahead = match kind {
            PartKind::Metadata => SEALED_CHUNK_BYTES as u64,
            PartKind::Object => 0,
        };
        let range = part.start..part.end.min(part.start + HEADER_BYTES as u64 + ahead);
        let opened = source.read_verified(range, |bytes| {
            let opener = Opener::new(key, context, &bytes)
                .map_err(|_| "the header does not belong to this key and place")?;
            let mut chunk = BytesMut::from(bytes.get(HEADER_BYTES..).unwrap_or_default());
            let opened =
                opener.open_span(0, sealed_len, &mut chunk).map_err(|_| "a chunk does not verify")?;
            chunk.truncate(opened);
            Ok((opener, chunk.freeze()))
        });
        let (opener, beginning) = opened.await?;
        Ok(Self { source, part, opener, plain_bytes, beginning })
    }

    /// The length of the plain part, in bytes.
    pub(crate) const fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// Reads and verifies a range of the plain part. The caller bounds the range: it is held in memory.
    pub(crate) async fn read(&self, plain: Range<u64>) -> Result<Bytes, OpenError> {
        if plain.is_empty() {
            return Ok(Bytes::new());
        }
        if plain.end <= self.beginning.len() as u64 {
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            return Ok(self.beginning.slice(at(plain.start)..at(plain.end)));
        }
        let sealed_len = self.part.end - self.part.start;
        let plan = chunk_span(plain, sealed_len).map_err(|_| OpenError::NotFound)?;
        let range = self.part.start + plan.sealed_range.start..self.part.start + plan.sealed_range.end;
        let take = usize::try_from(plan.take).map_err(|_| OpenError::NotFound)?;
        let opened = self.source.read_verified(range, |bytes| {
            let mut sealed = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
            let opened = self
                .opener
                .open_span(plan.first_chunk, sealed_len, &mut sealed)
                .map_err(|_| "a chunk does not verify")?;
            sealed.truncate(opened);
            let plain = sealed.freeze();
            if plain.len() < plan.skip + take {
                return Err("the span is shorter than its plan");
            }
            Ok(plain.slice(plan.skip..plan.skip + take))
        });
        opened.await
    }
}

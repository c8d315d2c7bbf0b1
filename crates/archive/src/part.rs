//! One sealed part of a record, read by verified ranges from whichever replica holds it intact.
//!
//! This is the only place where sealed bytes become plain ones on the way out. A span that does not verify is
//! reported to the store, which quarantines and repairs it, and is read from the next replica in the same
//! call (promise I4). Nothing unverified is returned.

use crate::error::{OpenError, Unavailable};
use crate::layout::ObjectLayout;
use bytes::{Bytes, BytesMut};
use std::ops::Range;
use yingdun_crypto::{Context, HEADER_BYTES, Opener, SEALED_CHUNK_BYTES, SealingKey, chunk_span, plain_len};
use yingdun_storage::{Location, ReadError, ReplicaId, Store};

/// A sealed part of one record, opened with its key and context.
#[derive(Debug)]
pub(crate) struct SealedPart {
    store: Store,
    location: Location,
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
        store: &Store,
        location: Location,
        kind: PartKind,
        key: &SealingKey,
        context: &Context,
    ) -> Result<Self, OpenError> {
        let part = match kind {
            PartKind::Metadata => location.metadata_range(),
            PartKind::Object => location.object_range(),
        };
        let sealed_len = part.end - part.start;
        let plain_bytes = plain_len(sealed_len).map_err(|_| OpenError::Damaged)?;
        // What is wanted of metadata nearly always stands in its first chunk: one read instead of three.
        let ahead = match kind {
            PartKind::Metadata => SEALED_CHUNK_BYTES as u64,
            PartKind::Object => 0,
        };
        let range = part.start..part.end.min(part.start + HEADER_BYTES as u64 + ahead);
        let (opener, beginning) = from_first_good_replica(store, &location, range, |bytes| {
            let opener = Opener::new(key, context, &bytes)
                .map_err(|_| "the header does not belong to this key and place")?;
            let mut chunk = BytesMut::from(bytes.get(HEADER_BYTES..).unwrap_or_default());
            let opened =
                opener.open_span(0, sealed_len, &mut chunk).map_err(|_| "a chunk does not verify")?;
            chunk.truncate(opened);
            Ok((opener, chunk.freeze()))
        })
        .await?;
        Ok(Self { store: store.clone(), location, part, opener, plain_bytes, beginning })
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
        from_first_good_replica(&self.store, &self.location, range, |bytes| {
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
        })
        .await
    }
}

/// Reads a range from one replica after another, and then from those that are off-site, until `verify` accepts what came.
async fn from_first_good_replica<T>(
    store: &Store,
    location: &Location,
    range: Range<u64>,
    verify: impl Fn(Bytes) -> Result<T, &'static str>,
) -> Result<T, OpenError> {
    let mut last_io_error = None;
    let far = std::iter::once_with(|| store.offsite_for(location)).flatten();
    for replica in store.replicas_for(location).into_iter().chain(far) {
        match read_and_verify(store, location, range.clone(), replica, &verify).await {
            Ok(value) => return Ok(value),
            Err(Bad::Content(why)) => {
                metrics::counter!("yingdun_read_bypassed_total").increment(1);
                store.report_bad(location, replica, why);
            }
            Err(Bad::Read(error)) => {
                metrics::counter!("yingdun_read_bypassed_total").increment(1);
                store.report_bad(location, replica, "the range cannot be read");
                last_io_error = Some(error);
            }
        }
    }
    match last_io_error {
        Some(error @ ReadError::Io { .. }) => Err(OpenError::Unavailable(Unavailable::new("storage", error))),
        Some(_) | None => Err(OpenError::Damaged),
    }
}

enum Bad {
    Content(&'static str),
    Read(ReadError),
}

async fn read_and_verify<T>(
    store: &Store,
    location: &Location,
    range: Range<u64>,
    replica: ReplicaId,
    verify: impl Fn(Bytes) -> Result<T, &'static str>,
) -> Result<T, Bad> {
    let bytes = store.read(location, range, replica).await.map_err(Bad::Read)?;
    verify(bytes).map_err(Bad::Content)
}

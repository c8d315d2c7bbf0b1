//! The object of an instance as a stream of its original bytes, unpacked where it was packed.

use super::OpenStudy;
use crate::error::{OpenError, Unavailable};
use crate::layout::ObjectLayout;
use crate::part::OpenObject;
use crate::request::ByteStream;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use std::ops::Range;
use std::sync::Arc;
use tokio::task::JoinHandle;
use yingdun_dicom::compact::{Piece, PieceKind};

/// Stored bytes that are read at once: large enough that a disk and the ciphers run at full speed, small enough
/// that a slow reader holds little memory.
const READ_BYTES: u64 = 1 << 20;

/// Plain bytes that one read yields at most, unless its first block alone has more: empty images are packed to next to
/// nothing, and what reads yield is held in memory, several of them for each answer.
const UNPACKED_BYTES: usize = 1 << 20;

/// Reads that are under way ahead of the one being sent.
const READ_AHEAD: usize = 2;

/// Reads one object.
#[derive(Clone)]
pub(super) struct ObjectReader {
    study: OpenStudy,
    open: Arc<OpenObject>,
}

/// One read and what it yields.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    stored: Range<u64>,
    pieces: Vec<Piece>,
}

impl Step {
    fn unpacked_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.skip + piece.take).sum()
    }
}

impl ObjectReader {
    pub(super) const fn new(study: OpenStudy, open: Arc<OpenObject>) -> Self {
        Self { study, open }
    }

    pub(super) fn layout(&self) -> &ObjectLayout {
        &self.open.layout
    }

    /// The bytes of these ranges of the original object, behind a few bytes of the caller's. Reading begins when the
    /// stream is first asked, see [`ahead`]; what one read yields is read and unpacked by whoever asks, because to
    /// wake another thread would take longer than it could save.
    pub(super) fn stream(self, first: Bytes, ranges: Vec<Range<u64>>) -> ByteStream {
        let mut steps: Vec<Step> = match &self.open.layout.packing {
            None => ranges.into_iter().flat_map(verbatim_steps).collect(),
            Some(packing) => {
                gather(ranges.into_iter().flat_map(|range| packing.0.locate(range)).flat_map(split).collect())
            }
        };
        if steps.len() <= 1 {
            let whole = async move {
                match steps.pop() {
                    Some(step) => self.read(step, first).await,
                    None => Ok(vec![first]),
                }
            };
            return Box::pin(stream::once(whole).flat_map(in_order));
        }
        let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
        let study = self.study.clone();
        let read = move |step| finished(self.begin(step));
        let rest = stream::iter(steps).map(read).buffered(READ_AHEAD).flat_map(in_order);
        while_open(study, Box::pin(first.chain(rest)))
    }

    /// A read in a task of its own, so that reading and opening run beside sending.
    fn begin(&self, step: Step) -> JoinHandle<Result<Vec<Bytes>, OpenError>> {
        let reader = self.clone();
        tokio::spawn(async move { reader.read(step, Bytes::new()).await })
    }

    /// What one step yields, behind a few bytes of the caller's.
    async fn read(&self, step: Step, first: Bytes) -> Result<Vec<Bytes>, OpenError> {
        self.study.still_open().await?;
        let stored = self.open.object.read(step.stored.clone()).await?;
        if self.open.layout.packing.is_none() {
            return Ok(vec![first, stored]);
        }
        let mut plain = Vec::with_capacity(first.len() + step.unpacked_bytes());
        plain.extend_from_slice(&first);
        for piece in &step.pieces {
            let within = |at: u64| usize::try_from(at - step.stored.start).unwrap_or(usize::MAX);
            let bytes =
                stored.get(within(piece.stored.start)..within(piece.stored.end)).ok_or(OpenError::Damaged)?;
            piece.decode(bytes, &mut plain).map_err(|_| OpenError::Damaged)?;
        }
        Ok(vec![plain.into()])
    }
}

/// The same stream, once its first bytes have been read.
pub(super) async fn begun(mut stream: ByteStream) -> ByteStream {
    let first = stream.next().await;
    Box::pin(stream::iter(first).chain(stream))
}

/// The same stream, of which each piece is given only while the study may be read: what was read ahead of a slow taker is not
/// given when the permit has ended meanwhile.
pub(super) fn while_open(study: OpenStudy, stream: ByteStream) -> ByteStream {
    Box::pin(stop_after_error(stream.then(move |chunk| {
        let study = study.clone();
        async move {
            let chunk = chunk?;
            study.still_open().await?;
            Ok(chunk)
        }
    })))
}

/// The same stream. Its first bytes are read from now on, beside whatever else is done.
pub(super) fn ahead(stream: ByteStream) -> ByteStream {
    let begun = tokio::spawn(begun(stream));
    let joined = async move {
        begun.await.unwrap_or_else(|error| {
            let error = OpenError::Unavailable(Unavailable::new("archive", error));
            Box::pin(stream::iter([Err(error)]))
        })
    };
    Box::pin(stream::once(joined).flatten())
}

async fn finished(read: JoinHandle<Result<Vec<Bytes>, OpenError>>) -> Result<Vec<Bytes>, OpenError> {
    read.await.map_err(|error| OpenError::Unavailable(Unavailable::new("archive", error)))?
}

/// The chunks of a read that are not empty, or its error.
fn in_order(read: Result<Vec<Bytes>, OpenError>) -> impl stream::Stream<Item = Result<Bytes, OpenError>> {
    let chunks = match read {
        Ok(chunks) => chunks.into_iter().filter(|chunk| !chunk.is_empty()).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    stream::iter(chunks)
}

/// The reads of a range that is stored as it is.
fn verbatim_steps(range: Range<u64>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + READ_BYTES);
        steps.push(Step { stored: at..end, pieces: Vec::new() });
        at = end;
    }
    steps
}

/// A verbatim piece larger than one read, as several; a block is at most 1 MiB already.
fn split(piece: Piece) -> Vec<Piece> {
    match piece.kind {
        PieceKind::Block { .. } => vec![piece],
        PieceKind::Verbatim => {
            let start = piece.stored.start + piece.skip as u64;
            verbatim_steps(start..start + piece.take as u64)
                .into_iter()
                .map(|step| Piece {
                    take: usize::try_from(step.stored.end - step.stored.start).unwrap_or(0),
                    skip: 0,
                    kind: PieceKind::Verbatim,
                    stored: step.stored,
                })
                .collect()
        }
    }
}

/// Joins pieces that follow each other on disk into one read.
fn gather(pieces: Vec<Piece>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for piece in pieces {
        match steps.last_mut() {
            Some(step)
                if step.stored.end == piece.stored.start
                    && piece.stored.end - step.stored.start <= READ_BYTES
                    && step.unpacked_bytes() + piece.skip + piece.take <= UNPACKED_BYTES =>
            {
                step.stored.end = piece.stored.end;
                step.pieces.push(piece);
            }
            _ => steps.push(Step { stored: piece.stored.clone(), pieces: vec![piece] }),
        }
    }
    steps
}

/// Ends a stream behind its first error.
pub(super) fn stop_after_error(
    stream: impl stream::Stream<Item = Result<Bytes, OpenError>> + Send,
) -> impl stream::Stream<Item = Result<Bytes, OpenError>> + Send {
    stream.scan(false, |failed, item| {
        let item = (!*failed).then_some(item);
        *failed |= matches!(item, Some(Err(_)));
        std::future::ready(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(stored: Range<u64>) -> Piece {
        Piece { stored, kind: PieceKind::Block { plain_bytes: 10 }, skip: 0, take: 10 }
    }

    #[test]
    fn neighbouring_pieces_are_read_together_up_to_one_read() {
        let steps = gather(vec![
            block(0..400_000),
            block(400_000..800_000),
            block(800_000..1_200_000),
            block(5_000_000..5_000_001),
        ]);
        let reads: Vec<Range<u64>> = steps.iter().map(|step| step.stored.clone()).collect();
        assert_eq!(reads, [0..800_000, 800_000..1_200_000, 5_000_000..5_000_001]);
    }

    #[test]
    fn a_read_yields_a_bounded_number_of_bytes_however_well_they_are_packed() {
        let empty = |number: u64| Piece {
            stored: number * 50..number * 50 + 50,
            kind: PieceKind::Block { plain_bytes: 1 << 20 },
            skip: 0,
            take: 1 << 20,
        };
        let steps = gather((0..100).map(empty).collect());
        assert_eq!(steps.len(), 100);
        assert!(steps.iter().all(|step| step.unpacked_bytes() <= UNPACKED_BYTES));
    }

    #[test]
    fn a_range_that_is_stored_as_it_is_comes_in_reads_of_one_mebibyte() {
        let reads: Vec<u64> = verbatim_steps(5..5 + (5 << 19))
            .into_iter()
            .map(|step| step.stored.end - step.stored.start)
            .collect();
        assert_eq!(reads, [1 << 20, 1 << 20, 1 << 19]);
        assert!(verbatim_steps(7..7).is_empty());
    }

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let items = vec![Ok(Bytes::from_static(b"a")), Err(OpenError::Damaged), Ok(Bytes::from_static(b"b"))];
        let seen: Vec<_> = stop_after_error(stream::iter(items)).collect().await;
        assert_eq!(seen.len(), 2);
    }
}

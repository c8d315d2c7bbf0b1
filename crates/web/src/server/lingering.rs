//! The end of a connection on which the peer still sends: the answer first, then our half of the connection is
//! closed, then what still comes is read and thrown away for a while.
//!
//! Closing at once would make the kernel answer bytes that nobody read with a reset, and a reset destroys the
//! answer on its way (RFC 9112 §9.6). A client that sends fifty megabytes to a route that refused it by the first
//! header would see a broken connection instead of the refusal.

use crate::limits;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Bytes that are read at once to be thrown away: one TLS record.
const DISCARD_BYTES: usize = 16 * 1024;

/// Whether a connection has taken in bytes of a request that is not read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unread(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    unread: AtomicBool,
    /// HTTP/2 talks in frames beside the requests, so bytes that come tell nothing.
    frames: AtomicBool,
}

impl Unread {
    /// The connection speaks HTTP/2.
    pub(crate) fn speaks_frames(&self) {
        self.0.frames.store(true, Ordering::Relaxed);
    }

    /// A request was answered, and its body was read to the end or not.
    pub(crate) fn answered(&self, body_ended: bool) {
        self.0.unread.store(!body_ended, Ordering::Relaxed);
    }

    fn came(&self) {
        if !self.0.frames.load(Ordering::Relaxed) {
            self.0.unread.store(true, Ordering::Relaxed);
        }
    }

    fn is_left(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }
}

/// How much is thrown away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
    pub(crate) silence: Duration,
}

impl Bounds {
    /// The bounds of this door.
    pub(crate) const DOOR: Self = Self {
        bytes: limits::LINGER_BYTES_MAX,
        time: limits::LINGER_TIME_MAX,
        silence: limits::LINGER_SILENCE_MAX,
    };
}

/// `IO` that does not close on a peer that still sends.
pub(crate) struct Lingering<IO> {
    io: IO,
    unread: Unread,
    bounds: Bounds,
    /// What is left to be thrown away, once our half is closed.
    discarding: Option<Discarding>,
}

struct Discarding {
    bytes_left: usize,
    silence_max: Duration,
    /// Ends the whole of it.
    end: Pin<Box<Sleep>>,
    /// Ends a pause of the peer.
    silence: Pin<Box<Sleep>>,
}

impl<IO> Lingering<IO> {
    pub(crate) const fn new(io: IO, unread: Unread, bounds: Bounds) -> Self {
        Self { io, unread, bounds, discarding: None }
    }
}

impl Discarding {
    fn begin(bounds: Bounds) -> Self {
        Self {
            bytes_left: bounds.bytes,
            silence_max: bounds.silence,
            end: Box::pin(tokio::time::sleep(bounds.time)),
            silence: Box::pin(tokio::time::sleep(bounds.silence)),
        }
    }

    /// Reads and throws away until the peer closes or a bound is reached.
    fn poll<IO: AsyncRead + Unpin>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<()> {
        let mut waste = [0; DISCARD_BYTES];
        while self.end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut waste);
            match Pin::new(&mut *io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let Some(left) = self.bytes_left.checked_sub(buffer.filled().len()) else { break };
                    self.bytes_left = left;
                    let silence_max = self.silence_max;
                    self.silence.as_mut().reset(Instant::now() + silence_max);
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.silence.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Lingering<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.unread.came();
        }
        outcome
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.discarding.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            if !this.unread.is_left() {
                return Poll::Ready(Ok(()));
            }
        }
        let discarding = this.discarding.get_or_insert_with(|| Discarding::begin(this.bounds));
        discarding.poll(&mut this.io, cx).map(Ok)
    }
}

/// A request body that remembers whether it was read to its end.
pub(crate) struct Watched {
    body: Incoming,
    ended: Ended,
}

/// Whether a body was read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<AtomicBool>);

impl Ended {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Watched {
    /// The body for a handler, and what it will have read.
    pub(crate) fn watch(body: Incoming) -> (Body, Ended) {
        let ended = Ended::default();
        if body.is_end_stream() {
            ended.note();
            return (Body::empty(), ended);
        }
        (Body::new(Self { body, ended: ended.clone() }), ended)
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.note();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const SHORT: Bounds =
        Bounds { bytes: 1_000_000, time: Duration::from_millis(400), silence: Duration::from_millis(100) };

    /// A connection that was answered before its request was read.
    fn refused(io: DuplexStream, bounds: Bounds) -> Lingering<DuplexStream> {
        let unread = Unread::default();
        unread.answered(false);
        Lingering::new(io, unread, bounds)
    }

    async fn time_of_closing(mut near: Lingering<DuplexStream>) -> Duration {
        let started = Instant::now();
        near.shutdown().await.unwrap();
        started.elapsed()
    }

    #[tokio::test]
    async fn a_peer_that_still_sends_can_finish_and_read_its_answer() {
        let (near, mut far) = duplex(1024);
        let mut near = refused(near, SHORT);
        let peer = tokio::spawn(async move {
            far.write_all(&[7; 100_000]).await.unwrap();
            let mut answer = Vec::new();
            far.read_to_end(&mut answer).await.unwrap();
            answer
        });
        near.write_all(b"no").await.unwrap();
        near.shutdown().await.unwrap();
        assert_eq!(peer.await.unwrap(), b"no");
    }

    #[tokio::test]
    async fn a_silent_peer_is_left_after_the_bound_on_silence() {
        let (near, _silent) = duplex(1024);
        let took = time_of_closing(refused(near, SHORT)).await;
        assert!(took >= SHORT.silence && took < SHORT.time, "{took:?}");
    }

    #[tokio::test]
    async fn an_endless_peer_is_left_after_the_bound_on_time_or_on_bytes() {
        let send = |mut far: DuplexStream, size: usize, pause: u64| {
            tokio::spawn(async move {
                while far.write_all(&vec![0; size]).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            })
        };
        let (near, far) = duplex(1024);
        let trickle = send(far, 1, 10);
        let took = time_of_closing(refused(near, SHORT)).await;
        assert!(took >= SHORT.time, "{took:?}");
        trickle.await.unwrap();

        let (near, far) = duplex(1024);
        let flood = send(far, 4096, 0);
        let patient = Bounds { time: Duration::from_secs(600), silence: Duration::from_secs(600), ..SHORT };
        time_of_closing(refused(near, patient)).await;
        flood.await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_whose_requests_are_all_answered_is_not_waited_for() {
        for frames in [false, true] {
            let (near, mut far) = duplex(1024);
            let unread = Unread::default();
            let mut near = Lingering::new(near, unread.clone(), SHORT);
            far.write_all(b"GET").await.unwrap();
            near.read_exact(&mut [0; 3]).await.unwrap();
            assert!(unread.is_left(), "a request that is not answered yet");
            if frames {
                unread.speaks_frames();
            }
            unread.answered(true);
            if frames {
                far.write_all(b"PING").await.unwrap();
                near.read_exact(&mut [0; 4]).await.unwrap();
            }
            assert!(time_of_closing(near).await < SHORT.silence);
        }
    }
}

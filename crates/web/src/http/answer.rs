//! Answers: JSON, and streams of known length whose next chunks are made while the last ones are sent.

use crate::limits;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// An answer with a body that is already there.
pub(crate) fn with_body(status: StatusCode, media_type: &str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(media_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    with_body(status, "application/json", value.to_string())
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sends a browser to another address, with GET. An address that cannot stand in a header leads home.
pub(crate) fn see_other(address: &str) -> Response<Body> {
    let mut response = empty(StatusCode::SEE_OTHER);
    let value = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, value);
    response
}

/// A streamed answer. What `produce` returns runs as a part of the connection that sends the answer, at most
/// [`limits::ANSWER_CHUNKS_AHEAD`] chunks ahead of it, and ends with it: no thread is woken to hand over a chunk.
/// What should go on while the network is behind, such as reading ahead, has tasks of its own. When the producer
/// fails, or makes another number of bytes than `length`, the connection is broken off: a client never takes a part
/// for the whole.
pub(crate) fn stream<F, T>(media_type: &str, length: Option<u64>, produce: F) -> Response<Body>
where
    F: FnOnce(Sink) -> T,
    T: Future<Output = Result<(), Broken>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(limits::ANSWER_CHUNKS_AHEAD);
    let producer: Option<Producer> = Some(Box::pin(produce(Sink(sender))));
    with_body(StatusCode::OK, media_type, Body::new(Flow { receiver, left: length, producer }))
}

/// The producer could not go on, or nobody listens any more. The reason is in the log, never in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer was broken off")]
pub(crate) struct Broken;

/// Where a producer puts its chunks.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Bytes>);

impl Sink {
    /// Hands over a chunk; waits while the network is behind.
    pub(crate) async fn send(&self, chunk: Bytes) -> Result<(), Broken> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.0.send(chunk).await.map_err(|_| Broken)
    }
}

struct Flow {
    receiver: mpsc::Receiver<Bytes>,
    /// Bytes still to come, where the length is known.
    left: Option<u64>,
    /// `None` when it has made everything.
    producer: Option<Producer>,
}

type Producer = Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>;

impl hyper::body::Body for Flow {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        // The producer first: what it makes now is sent now.
        if let Some(producer) = &mut self.producer {
            match producer.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => self.producer = None,
                Poll::Ready(Err(broken)) => return Poll::Ready(Some(Err(broken))),
                Poll::Pending => {}
            }
        }
        self.receiver.poll_recv(cx).map(|received| match received {
            Some(chunk) => {
                if let Some(left) = self.left {
                    let Some(rest) = left.checked_sub(chunk.len() as u64) else {
                        return Some(Err(Broken));
                    };
                    self.left = Some(rest);
                }
                Some(Ok(Frame::data(chunk)))
            }
            None if self.left.is_some_and(|left| left > 0) => Some(Err(Broken)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Reads a whole body, for tests of producers.
#[cfg(test)]
pub(crate) async fn collect(body: Body) -> Result<Bytes, axum::Error> {
    axum::body::to_bytes(body, usize::MAX).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send_all(sink: &Sink, chunks: impl IntoIterator<Item = Bytes>) -> Result<(), Broken> {
        for chunk in chunks {
            sink.send(chunk).await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_stream_of_known_length_says_so_and_arrives() {
        let response = stream("application/dicom", Some(6), |sink| async move {
            send_all(&sink, [Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(b"def")]).await
        });
        assert_eq!(hyper::body::Body::size_hint(response.body()).exact(), Some(6));
        assert_eq!(collect(response.into_body()).await.unwrap(), "abcdef");
    }

    #[tokio::test]
    async fn a_failed_or_short_or_long_producer_breaks_the_answer() {
        let failed = stream("a/b", None, |sink| async move {
            sink.send(Bytes::from_static(b"abc")).await?;
            Err(Broken)
        });
        assert!(collect(failed.into_body()).await.is_err());
        for declared in [2, 4] {
            let wrong = stream("a/b", Some(declared), |sink| async move {
                send_all(&sink, [Bytes::from_static(b"abc")]).await
            });
            assert!(collect(wrong.into_body()).await.is_err(), "{declared}");
        }
    }

    #[tokio::test]
    async fn the_producer_ends_when_the_client_goes_away() {
        let (gone, seen) = tokio::sync::oneshot::channel::<()>();
        let response = stream("a/b", None, |sink| async move {
            let _held = gone;
            loop {
                sink.send(Bytes::from_static(b"x")).await?;
            }
        });
        drop(response);
        assert!(seen.await.is_err(), "dropped with the producer");
    }
}

//! A body that holds something until it is taken, or nobody takes it any more: a turn, a place among the connections.

use axum::body::Body;
use hyper::body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body, which lets go of what it holds when it ends. What is empty holds nothing: it is let go of at once.
pub(crate) fn until_taken<T: Send + Unpin + 'static>(body: Body, held: T) -> Body {
    if body.is_end_stream() { body } else { Body::new(Holding { body, _held: held }) }
}

// === helpers ===

struct Holding<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> hyper::body::Body for Holding<T> {
    type Data = <Body as hyper::body::Body>::Data;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! Request bodies: streamed with a bound on bytes and on silence, or collected when they are small.

use super::form::Parameters;
use super::json;
use super::problem::{Kind, Problem};
use crate::limits;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde_json::{Map, Value};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// More bytes than the route takes.
    #[error("the body has more than {0} bytes")]
    TooLong(u64),
    /// Nothing came for too long.
    #[error("nothing of the body came for {} s", limits::BODY_SILENCE_MAX.as_secs())]
    Silent,
    /// Too little came for the time that was waited.
    #[error("less than {} bytes of the body came in {} s", limits::BODY_WINDOW_BYTES_MIN, limits::BODY_RATE_WINDOW.as_secs())]
    Slow,
    /// The connection ended, or its framing is broken.
    #[error("the body ended early")]
    Broken,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong(max) => {
                Self::new(Kind::TooLarge).expected(format!("a body of at most {max} bytes"))
            }
            BodyError::Silent | BodyError::Slow => {
                Self::new(Kind::Timeout).expected("a body that keeps coming")
            }
            BodyError::Broken => Self::bad_request("a complete body", "a body that ended early"),
        }
    }
}

/// A body as a stream of chunks that ends with an error when a bound is reached.
pub(crate) struct Chunks {
    body: axum::body::BodyDataStream,
    left: u64,
    max: u64,
    silence_max: Duration,
    deadline: Pin<Box<Sleep>>,
    pace: Pace,
}

/// How fast the peer sends, by the time that was spent waiting for it: time in which nobody asked for more is not its own.
struct Pace {
    window: Duration,
    bytes_min: u64,
    waiting_since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    const fn new(window: Duration, bytes_min: u64) -> Self {
        Self { window, bytes_min, waiting_since: None, waited: Duration::ZERO, bytes: 0 }
    }

    fn waits(&mut self) {
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// Takes note of a chunk; false when too little came.
    fn came(&mut self, bytes: usize) -> bool {
        self.waited += self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return true;
        }
        let enough = self.bytes >= self.bytes_min;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        enough
    }
}

impl Chunks {
    /// Streams `body`, at most `max` bytes of it.
    pub(crate) fn new(body: Body, max: u64) -> Self {
        Self::with_silence(body, max, limits::BODY_SILENCE_MAX)
    }

    fn with_silence(body: Body, max: u64, silence_max: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(silence_max));
        Self {
            body: body.into_data_stream(),
            left: max,
            max,
            silence_max,
            deadline,
            pace: Pace::new(limits::BODY_RATE_WINDOW, limits::BODY_WINDOW_BYTES_MIN),
        }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                let silence_max = self.silence_max;
                self.deadline.as_mut().reset(Instant::now() + silence_max);
                let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
                    return Poll::Ready(Some(Err(BodyError::TooLong(self.max))));
                };
                self.left = left;
                if !self.pace.came(chunk.len()) {
                    return Poll::Ready(Some(Err(BodyError::Slow)));
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyError::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                self.pace.waits();
                self.deadline.as_mut().poll(cx).map(|()| Some(Err(BodyError::Silent)))
            }
        }
    }
}

/// Collects a small body.
pub(crate) async fn collect(body: Body, max: usize) -> Result<Bytes, Problem> {
    let mut chunks = Chunks::new(body, max as u64);
    let mut collected = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        collected.extend_from_slice(&chunk?);
    }
    Ok(collected.freeze())
}

/// Reads a form.
pub(crate) async fn form_of(body: Body) -> Result<Parameters, Problem> {
    parameters_of(&collect(body, limits::FORM_BYTES_MAX).await?)
}

/// The fields of a form that was read.
pub(crate) fn parameters_of(bytes: &[u8]) -> Result<Parameters, Problem> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Problem::bad_request("a form in UTF-8", "other bytes"))?;
    Parameters::parse(text)
}

/// Reads a JSON body of the administration API.
pub(crate) async fn json_of<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Problem> {
    read_json(&collect(body, limits::JSON_BYTES_MAX).await?, limits::JSON_DEPTH_MAX)
}

/// Reads one data set in the DICOM JSON model: an object, or an array of one (PS3.18 §F.2.1). An empty body is one
/// without attributes.
pub(crate) async fn data_set_of(body: Body) -> Result<Map<String, Value>, Problem> {
    let bytes = collect(body, limits::WORKITEM_BYTES_MAX).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let one = || Problem::bad_request("one data set in the DICOM JSON model", "something else");
    match read_json::<Value>(&bytes, limits::WORKITEM_DEPTH_MAX)? {
        Value::Object(object) => Ok(object),
        Value::Array(objects) => match <[Value; 1]>::try_from(objects) {
            Ok([Value::Object(object)]) => Ok(object),
            Ok(_) | Err(_) => Err(one()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(one()),
    }
}

/// Reads JSON whose depth is measured before anything is built.
fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8], depth_max: usize) -> Result<T, Problem> {
    // The words of the decoder quote values of the body, which may be personal. Where a value does not keep to the description,
    // the gate has said so before; see `routes::validate`.
    serde_json::from_value(json::read(bytes, depth_max)?).map_err(|_| {
        Problem::bad_request("a JSON object as the API description says", "something else")
            .remedy("compare with /api/openapi.json")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_and_one_that_waits_for_us_is_not() {
        let drip = |pause_s: u64, bytes: usize| {
            let chunks = futures_util::stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes])), ()))
            });
            Chunks::new(Body::from_stream(chunks), u64::MAX)
        };
        let mut dripping = drip(20, 1);
        assert!(dripping.next().await.unwrap().is_ok());
        assert_eq!(dripping.next().await, Some(Err(BodyError::Slow)));
        let mut slow = drip(20, 32 * 1024);
        for _ in 0..20 {
            assert!(slow.next().await.unwrap().is_ok());
        }
        let mut ready = Chunks::new(
            Body::from_stream(futures_util::stream::iter(
                (0..20).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"x"))),
            )),
            100,
        );
        while let Some(chunk) = ready.next().await {
            assert!(chunk.is_ok(), "the pauses are ours");
            tokio::time::sleep(Duration::from_secs(25)).await;
        }
    }
    use futures_util::stream;

    #[tokio::test]
    async fn a_body_longer_than_the_bound_is_refused() {
        assert_eq!(collect(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(collect(Body::from("123456"), 5).await.unwrap_err().kind(), Kind::TooLarge);
    }

    #[tokio::test]
    async fn a_body_that_falls_silent_is_given_up() {
        let silent = Body::from_stream(
            stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"a")) })
                .chain(stream::pending()),
        );
        let mut chunks = Chunks::with_silence(silent, 100, Duration::from_millis(20));
        assert_eq!(chunks.next().await, Some(Ok(Bytes::from_static(b"a"))));
        assert_eq!(chunks.next().await, Some(Err(BodyError::Silent)));
    }

    #[tokio::test]
    async fn a_json_bomb_is_refused_before_it_is_built() {
        let bomb = "[".repeat(limits::JSON_BYTES_MAX);
        assert_eq!(
            json_of::<serde_json::Value>(Body::from(bomb)).await.unwrap_err().kind(),
            Kind::BadRequest
        );
        let quoted = format!("{{\"a\":\"\\\"{}\"}}", "[".repeat(100));
        assert!(json_of::<serde_json::Value>(Body::from(quoted)).await.is_ok());
    }

    #[tokio::test]
    async fn a_data_set_is_an_object_or_an_array_of_one() {
        for (body, attributes) in [("", 0), ("{}", 0), ("{\"00100020\":{\"vr\":\"LO\"}}", 1), ("[{}]", 0)] {
            assert_eq!(data_set_of(Body::from(body)).await.unwrap().len(), attributes, "{body}");
        }
        let deep = "[".repeat(limits::WORKITEM_DEPTH_MAX + 1);
        for body in ["[]", "[{},{}]", "1", "[1]", "{", "null", deep.as_str()] {
            assert_eq!(
                data_set_of(Body::from(body.to_owned())).await.unwrap_err().kind(),
                Kind::BadRequest,
                "{body}"
            );
        }
        let long = Body::from(vec![b' '; limits::WORKITEM_BYTES_MAX + 1]);
        assert_eq!(data_set_of(long).await.unwrap_err().kind(), Kind::TooLarge);
    }

    #[tokio::test]
    async fn a_refused_json_body_is_not_quoted() {
        #[derive(Debug, serde::Deserialize)]
        struct Number {
            #[allow(dead_code)]
            n: u8,
        }
        let problem = json_of::<Number>(Body::from("{\"n\":\"hunter2\"}")).await.unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}

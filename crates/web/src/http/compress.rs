//! Compressed JSON (RFC 9110 §8.4, §12.5.3): metadata of a series shrink to a tenth. Only answers of DICOM JSON are
//! compressed: they hold no secret beside data that the caller may see, and a page of another origin cannot ask for
//! them with somebody's login, so their length tells nothing (BREACH). Pages and token answers never are.

use super::answer::Broken;
use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body as _, Frame};
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers that are compressed at the same time; what comes beyond is sent as it is. Each has an encoder of about a
/// megabyte, and the cores have images to open beside.
const COMPRESSED_AT_ONCE_MAX: usize = 32;

/// Bytes below which compression gains less than a packet.
const COMPRESSED_BYTES_MIN: u64 = 1400;

/// The fast end of both scales: DICOM JSON shrinks to a tenth there too, at three to five times the speed of the
/// usual level.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// How an answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    /// The name of the coding, as in `Content-Encoding`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What the client prefers of what is offered; `None` when it takes neither. Among equals zstd, which costs less.
    fn preferred(headers: &HeaderMap) -> Option<Self> {
        let coding = |name: &str| match name {
            name if name.eq_ignore_ascii_case("zstd") => Some(Self::Zstd),
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                Some(Self::Gzip)
            }
            _ => None,
        };
        let mut rated = rated(headers, coding)?;
        rated.sort_by(|(a, qa), (b, qb)| qb.total_cmp(qa).then((*b == Self::Zstd).cmp(&(*a == Self::Zstd))));
        rated.first().map(|(coding, _)| *coding)
    }
}

/// Whether a client takes a coding of this name.
pub(crate) fn takes(headers: &HeaderMap, name: &str) -> bool {
    rated(headers, |sent| sent.eq_ignore_ascii_case(name).then_some(()))
        .is_some_and(|found| !found.is_empty())
}

/// The codings that a client takes, of those that are known, with their weights; nothing where one of these cannot be read.
fn rated<T>(headers: &HeaderMap, known: impl Fn(&str) -> Option<T>) -> Option<Vec<(T, f32)>> {
    let mut rated = Vec::new();
    for value in headers.get_all(ACCEPT_ENCODING) {
        for item in value.to_str().ok()?.split(',') {
            let mut parts = item.split(';').map(str::trim);
            let Some(coding) = parts.next().and_then(&known) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse);
            rated.push((coding, weight.ok()?));
        }
    }
    rated.retain(|(_, weight)| *weight > 0.0);
    Some(rated)
}

/// Who may compress at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Presses(Arc<Semaphore>);

/// A place among the answers that are being compressed.
#[derive(Debug)]
pub(crate) struct Press {
    coding: Coding,
    _place: OwnedSemaphorePermit,
}

impl Presses {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(COMPRESSED_AT_ONCE_MAX)))
    }

    /// A place, if the client takes a coding and there is one free.
    pub(crate) fn take(&self, headers: &HeaderMap) -> Option<Press> {
        let coding = Coding::preferred(headers)?;
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Press { coding, _place: place })
    }
}

impl Press {
    pub(crate) const fn coding(&self) -> Coding {
        self.coding
    }

    /// Compresses an answer of DICOM JSON while it is sent; any other answer is left as it is.
    pub(crate) fn press(self, response: Response<Body>) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let is_json = head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/dicom+json" || kind == "application/json");
        if head.status != StatusCode::OK || !is_json {
            return Response::from_parts(head, body);
        }
        head.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        if body.size_hint().exact().is_some_and(|bytes| bytes < COMPRESSED_BYTES_MIN) {
            return Response::from_parts(head, body);
        }
        let Ok(encoder) = Encoder::new(self.coding) else { return Response::from_parts(head, body) };
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(self.coding.as_str()));
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, Body::new(Pressed { plain: body, encoder: Some(encoder), _press: self }))
    }
}

/// A body that is compressed chunk by chunk, by the task that sends it.
struct Pressed {
    plain: Body,
    /// `None` once the end was written.
    encoder: Option<Encoder>,
    _press: Press,
}

impl hyper::body::Body for Pressed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            let Some(encoder) = &mut this.encoder else { return Poll::Ready(None) };
            let pressed = match ready!(Pin::new(&mut this.plain).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data().map_or(Ok(Bytes::new()), |chunk| encoder.push(&chunk)),
                Some(Err(_)) => Err(Broken),
                None => this.encoder.take().map_or(Ok(Bytes::new()), Encoder::finish),
            };
            match pressed {
                // The encoder keeps small pieces to itself.
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Err(broken) => {
                    this.encoder = None;
                    return Poll::Ready(Some(Err(broken)));
                }
            }
        }
    }
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(coding: Coding) -> Result<Self, Broken> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => {
                Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(|_| Broken)?)
            }
        })
    }

    /// What has come out by now.
    fn push(&mut self, plain: &[u8]) -> Result<Bytes, Broken> {
        let pressed = match self {
            Self::Gzip(encoder) => {
                encoder.write_all(plain).map_err(|_| Broken)?;
                std::mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(plain).map_err(|_| Broken)?;
                std::mem::take(encoder.get_mut())
            }
        };
        Ok(pressed.into())
    }

    /// The rest.
    fn finish(self) -> Result<Bytes, Broken> {
        let rest = match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        };
        rest.map(Bytes::from).map_err(|_| Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::{collect, stream, with_body};
    use super::*;
    use std::io::Read;

    fn accepting(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(text).unwrap());
        headers
    }

    fn plain(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
            Coding::Zstd => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut out).unwrap(),
        };
        out
    }

    #[test]
    fn the_client_chooses_the_coding_and_zstd_is_preferred_among_equals() {
        for (text, coding) in [
            ("gzip, deflate", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("zstd;q=0.5, gzip;q=0.8", Some(Coding::Gzip)),
            ("gzip;q=0", None),
            ("identity", None),
            ("br", None),
            ("gzip;q=x", None),
        ] {
            assert_eq!(Coding::preferred(&accepting(text)), coding, "{text}");
        }
        assert_eq!(Coding::preferred(&HeaderMap::new()), None);
    }

    #[test]
    fn brotli_goes_to_who_takes_it() {
        let takes_brotli = |text: &str| takes(&accepting(text), "br");
        for text in ["br", "gzip, deflate, br", "gzip;q=1.0, BR;q=0.5"] {
            assert!(takes_brotli(text), "{text}");
        }
        for text in ["gzip", "", "br;q=0", "br; q=0.000", "brr"] {
            assert!(!takes_brotli(text), "{text}");
        }
        assert!(!takes(&HeaderMap::new(), "br"));
    }

    #[tokio::test]
    async fn a_streamed_answer_comes_back_whole_from_either_coding() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for coding in [Coding::Gzip, Coding::Zstd] {
            let chunks: Vec<Bytes> = text.chunks(10_000).map(Bytes::copy_from_slice).collect();
            let response = stream("application/dicom+json", None, |sink| async move {
                for chunk in chunks {
                    sink.send(chunk).await?;
                }
                Ok(())
            });
            let press = Presses::new().take(&accepting(coding.as_str())).unwrap();
            let pressed = press.press(response);
            assert_eq!(pressed.headers()[CONTENT_ENCODING], coding.as_str());
            let bytes = collect(pressed.into_body()).await.unwrap();
            assert!(bytes.len() < text.len() / 2);
            assert_eq!(plain(coding, &bytes), text);
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_does_not_end_as_if_it_were_whole() {
        let response = stream("application/dicom+json", None, |sink| async move {
            sink.send(Bytes::from(vec![b'x'; 100_000])).await?;
            Err(Broken)
        });
        let press = Presses::new().take(&accepting("gzip")).unwrap();
        assert!(collect(press.press(response).into_body()).await.is_err());
    }

    #[test]
    fn tiny_answers_images_and_refusals_are_not_compressed() {
        let json = |status, kind, bytes: usize| with_body(status, kind, vec![b'x'; bytes]);
        for response in [
            json(StatusCode::OK, "application/dicom+json", 100),
            json(StatusCode::OK, "application/dicom", 100_000),
            json(StatusCode::OK, "text/html; charset=utf-8", 100_000),
            json(StatusCode::NOT_FOUND, "application/json", 100_000),
        ] {
            let pressed = Presses::new().take(&accepting("gzip")).unwrap().press(response);
            assert!(pressed.headers().get(CONTENT_ENCODING).is_none());
        }
    }

    #[test]
    fn beyond_the_bound_answers_are_sent_as_they_are() {
        let presses = Presses::new();
        let held: Vec<_> =
            (0..COMPRESSED_AT_ONCE_MAX).map(|_| presses.take(&accepting("gzip")).unwrap()).collect();
        assert!(presses.take(&accepting("gzip")).is_none());
        drop(held);
        assert!(presses.take(&accepting("gzip")).is_some());
    }
}

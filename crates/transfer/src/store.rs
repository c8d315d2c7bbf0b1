//! Sends files to a running archive in requests of many (STOW-RS, PS3.18 §10.5), each read while it is sent.
//!
//! A request that breaks off is sent again: an archive that has an object already says so and keeps nothing twice.

use crate::link::Link;
use crate::meter::Meter;
use crate::receipt::{self, OUT_OF_RESOURCES, PROCESSING_FAILURE, PartFate};
use crate::source::Candidate;
use crate::tally::{Skip, Verdict};
use crate::{TransferError, with_causes};
use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Method, StatusCode};
use serde_json::Value;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use yingdun_crypto::random;
use yingdun_dicom::part10::{self, HeaderLook};

/// Bytes that are read at once. The answers of a folder of small files are waited for, not their copies.
const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks of one request that are read before the network takes them.
const CHUNKS_AHEAD: usize = 8;

/// How long one request is tried again while the server does not answer, or says that it cannot now.
const PATIENCE: Duration = Duration::from_secs(120);

/// The first pause before another attempt, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long the server may think after the last byte of a request: it answers when all objects of it are durable.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// The class of a DICOMDIR (PS3.4 §I.4).
const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Sends files over one link, from as many tasks as ask it to.
pub struct Store {
    link: Link,
    meter: Arc<Meter>,
    /// Whether the server ever answered: before that, an address that does not answer is not worth any patience.
    reached: AtomicBool,
}

/// What the producer of a request knows about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Its turn did not come.
    Waiting,
    /// It is the part with this number.
    Sent(usize),
    /// It is settled without the server.
    Settled(Verdict),
}

/// How an attempt ended, beside an answer that speaks of every part.
pub(crate) enum Failure {
    /// It may go better in a while.
    Later(String),
    /// A file could not be read to its end; without it the others can be sent.
    File,
    /// It will not go better.
    Now(TransferError),
}

impl Store {
    /// A sender that counts what it reads.
    #[must_use]
    pub fn new(link: Link, meter: Arc<Meter>) -> Self {
        Self { link, meter, reached: AtomicBool::new(false) }
    }

    pub(crate) const fn link(&self) -> &Link {
        &self.link
    }

    /// Stores files; a verdict for each, in their order.
    ///
    /// # Errors
    /// [`TransferError`] when it makes no sense to go on with other files either.
    pub(crate) async fn send(&self, files: &Arc<Vec<Candidate>>) -> Result<Vec<Verdict>, TransferError> {
        let mut verdicts: Vec<Option<Verdict>> = vec![None; files.len()];
        let (mut began, mut pause, mut renewed) = (Instant::now(), PAUSE_FIRST, false);
        while verdicts.iter().any(Option::is_none) {
            let open: Vec<usize> = verdicts
                .iter()
                .enumerate()
                .filter(|(_, verdict)| verdict.is_none())
                .map(|(at, _)| at)
                .collect();
            let before = open.len();
            match self.attempt(files, open, &mut verdicts).await {
                Ok(()) => {}
                Err(Failure::File) => {}
                Err(Failure::Now(TransferError::NotSignedIn)) if !renewed => {
                    self.link.renew().await?;
                    renewed = true;
                }
                Err(Failure::Now(error)) => return Err(error),
                Err(Failure::Later(words)) => {
                    if !self.reached.load(Ordering::Relaxed) || began.elapsed() > PATIENCE {
                        return Err(TransferError::GaveUp { seconds: began.elapsed().as_secs(), words });
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
            if verdicts.iter().filter(|verdict| verdict.is_none()).count() < before {
                (began, pause, renewed) = (Instant::now(), PAUSE_FIRST, false);
            }
        }
        Ok(verdicts.into_iter().flatten().collect())
    }

    /// One request with those files that have no verdict yet.
    async fn attempt(
        &self,
        files: &Arc<Vec<Candidate>>,
        open: Vec<usize>,
        verdicts: &mut [Option<Verdict>],
    ) -> Result<(), Failure> {
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let boundary = hex::encode(random::array::<16>());
        let producer = {
            let (files, boundary, meter) = (Arc::clone(files), boundary.clone(), Arc::clone(&self.meter));
            tokio::task::spawn_blocking(move || {
                let mut request =
                    Request { boundary: &boundary, out: &sender, meter: &meter, parts: 0, bytes: 0 };
                (request.write(&files, &open), request.bytes)
            })
        };
        // Nothing is asked of the server for files of which none is DICOM.
        let answer = match chunks.recv().await {
            None => None,
            Some(first) => Some(self.post(&boundary, first, chunks).await),
        };
        let (fates, bytes) = producer.await.map_err(|error| Failure::Later(error.to_string()))?;
        if matches!(answer, Some(Err(_))) {
            // They will be read again.
            self.meter.unread(bytes);
        }
        let mut parts = Vec::new();
        let mut unreadable = false;
        for (at, fate) in fates {
            match fate {
                Fate::Waiting => {}
                Fate::Sent(number) => parts.push((number, at)),
                Fate::Settled(verdict) => {
                    unreadable |= matches!(verdict, Verdict::Unreadable(_));
                    if let Some(slot) = verdicts.get_mut(at) {
                        *slot = Some(verdict);
                    }
                }
            }
        }
        let part_fates = match answer {
            None => return Ok(()),
            // The request was broken off on purpose, and the server's view of that does not matter.
            Some(Err(_)) if unreadable => return Err(Failure::File),
            Some(Err(failure)) => return Err(failure),
            Some(Ok(part_fates)) => part_fates,
        };
        for (number, fate) in part_fates {
            let verdict = match fate {
                PartFate::New => Verdict::Stored,
                PartFate::Duplicate => Verdict::Duplicate,
                PartFate::Version => Verdict::NewVersion,
                PartFate::Failed { code: PROCESSING_FAILURE, comment } => {
                    return Err(Failure::Later(comment));
                }
                PartFate::Failed { code: OUT_OF_RESOURCES, .. } => {
                    return Err(Failure::Now(TransferError::OutOfSpace));
                }
                PartFate::Failed { code, comment } => Verdict::Refused { code, comment },
            };
            let at = parts.iter().find(|(part, _)| *part == number).map(|(_, at)| *at);
            if let Some(slot) = at.and_then(|at| verdicts.get_mut(at)) {
                *slot = Some(verdict);
            }
        }
        if parts.iter().any(|(_, at)| verdicts.get(*at).is_some_and(Option::is_none)) {
            return Err(Failure::Now(TransferError::Unexpected("an answer that leaves a part out")));
        }
        Ok(())
    }

    /// Sends a body that is still being made.
    pub(crate) async fn post(
        &self,
        boundary: &str,
        first: io::Result<Bytes>,
        chunks: mpsc::Receiver<io::Result<Bytes>>,
    ) -> Result<Vec<(usize, PartFate)>, Failure> {
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        let body = stream::unfold((Some(first), chunks, ended), |(first, mut chunks, ended)| async move {
            let next = match first {
                Some(first) => Some(first),
                None => chunks.recv().await,
            };
            // When the stream is over, `ended` is dropped, and the answer is waited for.
            next.map(|next| (next, (None, chunks, ended)))
        });
        let request = self
            .link
            .request(Method::POST, &["dicom-web", "studies"])
            .map_err(Failure::Now)?
            .header(
                "content-type",
                format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"),
            )
            .header("accept", "application/dicom+json")
            .body(Body::wrap_stream(body));
        let silence = async {
            drop(end.await);
            tokio::time::sleep(ANSWER_TIME_MAX).await;
        };
        let answer = tokio::select! {
            answer = request.send() => answer.map_err(|error| Failure::Later(with_causes(&error)))?,
            () = silence => return Err(Failure::Later("no answer after the last byte".to_owned())),
        };
        self.reached.store(true, Ordering::Relaxed);
        let status = answer.status();
        let document: Value = match answer.bytes().await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) => return Err(Failure::Later(with_causes(&error))),
        };
        match receipt::read(&document) {
            // Every part failed because we may not store: no other file will fare better.
            Some(_) if status == StatusCode::FORBIDDEN => {
                Err(Failure::Now(TransferError::Refused { status, words: "no right to store".to_owned() }))
            }
            Some(fates) => Ok(fates),
            None => Err(failure_of(status, &document)),
        }
    }
}

/// What a status means that comes without a list of parts.
fn failure_of(status: StatusCode, document: &Value) -> Failure {
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let words = [text("title"), text("expected"), text("came")].join(" ").trim().to_owned();
    match status {
        StatusCode::UNAUTHORIZED => Failure::Now(TransferError::NotSignedIn),
        // An upload that was cut on the way is told with 400; everything in the request was made here.
        StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Failure::Later(format!("{status} {words}"))
        }
        status if status.is_server_error() => Failure::Later(format!("{status} {words}")),
        status => Failure::Now(TransferError::Refused { status, words }),
    }
}

/// The body of one request, written by a thread that may wait for disks.
struct Request<'r> {
    boundary: &'r str,
    out: &'r mpsc::Sender<io::Result<Bytes>>,
    meter: &'r Meter,
    parts: usize,
    /// Bytes of files that were read for it.
    bytes: u64,
}

impl Request<'_> {
    /// Writes the files at these places, and says what became of them here.
    fn write(&mut self, files: &[Candidate], open: &[usize]) -> Vec<(usize, Fate)> {
        let mut goes_on = true;
        let mut fates = Vec::with_capacity(open.len());
        for at in open {
            let fate = match files.get(*at) {
                Some(file) if goes_on => {
                    let fate;
                    (fate, goes_on) = self.write_file(file);
                    fate
                }
                Some(_) | None => Fate::Waiting,
            };
            fates.push((*at, fate));
        }
        if goes_on && self.parts > 0 {
            let _gone = self.out.blocking_send(Ok(Bytes::from(format!("\r\n--{}--\r\n", self.boundary))));
        }
        fates
    }

    /// Writes one file as a part. A part that was begun cannot be taken back: the request goes on only when it is whole.
    fn write_file(&mut self, file: &Candidate) -> (Fate, bool) {
        match file.read(|reader| self.copy(reader)) {
            Ok(Copied::Whole) => (Fate::Sent(self.parts), true),
            Ok(Copied::Judged(verdict)) => (Fate::Settled(verdict), true),
            Ok(Copied::Broken(verdict)) => (Fate::Settled(verdict), false),
            Ok(Copied::Unwanted) => (Fate::Waiting, false),
            Err(error) => (Fate::Settled(Verdict::Unreadable(error.to_string())), true),
        }
    }

    fn copy(&mut self, reader: &mut dyn Read) -> Copied {
        let mut chunk = match next_chunk(reader) {
            Ok(chunk) => chunk,
            Err(error) => return Copied::Judged(Verdict::Unreadable(error.to_string())),
        };
        if let Err(skip) = judge(&chunk) {
            return Copied::Judged(Verdict::Skipped(skip));
        }
        self.parts += 1;
        let head = format!("\r\n--{}\r\nContent-Type: application/dicom\r\n\r\n", self.boundary);
        if self.out.blocking_send(Ok(Bytes::from(head))).is_err() {
            return Copied::Unwanted;
        }
        while !chunk.is_empty() {
            self.bytes += chunk.len() as u64;
            self.meter.read(chunk.len() as u64);
            let full = chunk.len() == CHUNK_BYTES;
            if self.out.blocking_send(Ok(Bytes::from(chunk))).is_err() {
                return Copied::Unwanted;
            }
            chunk = match full.then(|| next_chunk(reader)).transpose() {
                Ok(chunk) => chunk.unwrap_or_default(),
                Err(error) => {
                    let words = error.to_string();
                    let _gone = self.out.blocking_send(Err(error));
                    return Copied::Broken(Verdict::Unreadable(words));
                }
            };
        }
        Copied::Whole
    }
}

/// How the copy of one file ended.
enum Copied {
    /// It is a part of the request.
    Whole,
    /// It is settled, and no part was begun.
    Judged(Verdict),
    /// It is settled, and its part is not whole.
    Broken(Verdict),
    /// Nobody takes the bytes any more.
    Unwanted,
}

/// The next bytes: [`CHUNK_BYTES`], or fewer at the end.
fn next_chunk(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    reader.take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// Whether a file that begins so is worth sending. What only looks like a data set is left for the archive to judge.
pub(crate) fn judge(start: &[u8]) -> Result<(), Skip> {
    let header = match part10::read_header(start, true) {
        Ok(HeaderLook::Found(header)) => header,
        Ok(HeaderLook::NeedMore) | Err(_) => return Err(Skip::NotDicom),
    };
    if header.sop_class.is_some_and(|class| class.as_str() == MEDIA_STORAGE_DIRECTORY) {
        return Err(Skip::MediaDirectory);
    }
    // Without a header, a data set begins with group 0008 in one of the byte orders; so do few other files.
    let data_set = start.get(header.data_set_offset..).unwrap_or_default();
    let headless = !header.preamble && header.data_set_offset == 0;
    if headless && !data_set.starts_with(&[8, 0]) && !data_set.starts_with(&[0, 8]) {
        return Err(Skip::NotDicom);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::synthetic::{Kind, Study};

    #[test]
    fn what_is_no_dicom_object_is_not_sent() {
        let instance = Study::new(1, Kind::Mr { slices: 1 }).instance(0);
        assert_eq!(judge(&instance.to_file()), Ok(()));
        assert_eq!(judge(&instance.data_set), Ok(()));
        for other in [&b""[..], b"MZ\x90\0\x03\0\0\0", b"%PDF-1.7 and more", b"<html></html>", &[0; 4096]] {
            assert_eq!(judge(other), Err(Skip::NotDicom), "{other:?}");
        }
    }

    #[test]
    fn a_failure_that_may_pass_is_told_from_one_that_will_not() {
        let problem = serde_json::json!({"title": "t"});
        for status in [400, 408, 429, 500, 502, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(matches!(failure_of(status, &problem), Failure::Later(_)), "{status}");
        }
        for status in [401, 403, 404, 413] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(matches!(failure_of(status, &Value::Null), Failure::Now(_)), "{status}");
        }
    }
}

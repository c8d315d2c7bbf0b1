//! STOW-RS (PS3.18 §10.5): objects in, one after the other, none of them ever whole in this door's memory.
//!
//! While one object is still arriving, the ones before it become durable beside it, so that a long upload
//! shares the archive's group commits. The answer is written when every object is either durable or refused.

use super::receipt::{self, Outcome, Reason};
use super::retrieve::instance_url;
use super::search::json_type;
use super::{compose, problems};
use crate::http::answer;
use crate::http::body::{BodyError, Chunks};
use crate::http::media::Media;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::multipart::{MultipartError, Part, Reader};
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::task::JoinSet;
use yingdun_access::Session;
use yingdun_archive::{Archive, Declared, Door, Incoming, IngestError};
use yingdun_dicom::part10::{self, FileHeader, HeaderLook};
use yingdun_model::Uid;

const PART10: &str = "application/dicom";

/// Stores what the body holds.
pub(crate) async fn store(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let media_type = json_type(&call.accept)?;
    let study = call.uid("study")?;
    let content_type = call.content_type.as_ref().ok_or_else(unsupported)?;
    let chunks = Chunks::new(body, limits::STOW_BYTES_MAX);
    let mut desk = Desk {
        archive: call.service.archive.clone(),
        session: call.session()?.clone(),
        origin: call.service.origin.clone(),
        study,
        finishing: JoinSet::new(),
        outcomes: Vec::new(),
    };
    let taken = if content_type.is(PART10) {
        desk.take_one(&mut Source::Whole(chunks)).await
    } else {
        let inner = content_type.parameter("type").unwrap_or(PART10).to_ascii_lowercase();
        let mut source = Source::parts(content_type, chunks)?;
        match inner.as_str() {
            PART10 => desk.take_parts(&mut source).await,
            compose::DICOM_JSON => {
                // Such a request holds much more in memory than a stream of whole objects does.
                let described = &call.service.described;
                let _turn = described.acquire().await.map_err(|_| Problem::new(Kind::Unavailable))?;
                compose::take(&mut desk, &mut source).await
            }
            _ => return Err(unsupported()),
        }
    };
    let outcomes = desk.settle().await;
    if let Err(problem) = taken {
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored { .. })).count();
        return Err(problem.remedy(format!(
            "send the request again; {stored} complete instances of it were stored before it broke off"
        )));
    }
    let studies = format!("{}/dicom-web/studies", call.service.origin);
    let (status, body) = receipt::answer(&outcomes, &studies);
    Ok(answer::with_body(status, media_type, body.to_string()))
}

/// Where the objects of one request are received.
pub(super) struct Desk {
    archive: Archive,
    session: Session,
    origin: String,
    study: Option<Uid>,
    /// Objects that are complete and becoming durable, with their places in the answer.
    finishing: JoinSet<(usize, Outcome)>,
    /// One per part, in the order of the request; `None` while it is becoming durable.
    outcomes: Vec<Option<Outcome>>,
}

impl Desk {
    async fn take_parts(&mut self, source: &mut Source) -> Result<(), Problem> {
        while let Some(part) = source.next_part().await? {
            let is_dicom = part
                .content_type
                .as_deref()
                .is_none_or(|text| Media::parse(text).is_ok_and(|media| media.is(PART10)));
            if is_dicom {
                self.take_one(source).await?;
            } else {
                self.add(failed(None, Reason::NotDicom, "the part is not application/dicom"));
            }
        }
        if self.outcomes.is_empty() {
            return Err(Problem::bad_request(
                "at least one part of application/dicom",
                "an empty multipart body",
            ));
        }
        Ok(())
    }

    /// Receives one object. A failure of the object is an outcome; only a failure of the request is an error.
    async fn take_one(&mut self, source: &mut Source) -> Result<(), Problem> {
        let place = self.reserve();
        match self.receive(source).await? {
            Ok((incoming, object)) => self.finish(place, incoming, object).await,
            Err(outcome) => self.settle_at(place, outcome),
        }
        Ok(())
    }

    /// A place in the answer for an object whose outcome is not known yet.
    pub(super) fn reserve(&mut self) -> usize {
        self.outcomes.push(None);
        self.outcomes.len() - 1
    }

    /// Says what became of the object of a place.
    pub(super) fn settle_at(&mut self, place: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    /// Says what became of a part that is no object.
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(Some(outcome));
    }

    /// Begins to receive an object.
    pub(super) fn begin(&self, transfer_syntax: Uid, object: &Object) -> Result<Incoming, Outcome> {
        // The file meta information is an envelope that is not kept. Programs that write files anew often leave
        // stale identifiers in it, and a client of STOW-RS is held to the address of its request only.
        let declared = Declared {
            transfer_syntax,
            sop_class: None,
            sop_instance: None,
            study: self.study.clone(),
            door: Door::Stow,
            habits: Arc::default(),
        };
        self.archive.receive(&self.session, declared).map_err(|error| of_ingest(object.clone(), &error))
    }

    /// Lets an object that is complete become durable, beside those that follow.
    pub(super) async fn finish(&mut self, place: usize, incoming: Incoming, object: Object) {
        if self.finishing.len() >= FINISHING_MAX {
            self.settle_one().await;
        }
        let origin = self.origin.clone();
        self.finishing.spawn(async move {
            let outcome = match incoming.finish().await {
                Ok(stored) => Outcome::Stored {
                    url: instance_url(&origin, &stored.study, &stored.series, &stored.sop_instance),
                    class: stored.sop_class,
                    instance: stored.sop_instance,
                    study: stored.study,
                    outcome: stored.outcome,
                },
                Err(error) => of_ingest(object, &error),
            };
            (place, outcome)
        });
    }

    async fn receive(&self, source: &mut Source) -> Result<Result<(Incoming, Object), Outcome>, Problem> {
        let (header, mut head) = match read_head(source).await? {
            Ok(read) => read,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let object = header.sop_class.clone().zip(header.sop_instance.clone());
        let data = head.split_off(header.data_set_offset.min(head.len()));
        let sniffed = || Uid::new(part10::sniff(&data)).ok();
        let Some(transfer_syntax) = header.transfer_syntax.clone().or_else(sniffed) else {
            return Ok(Err(failed(object, Reason::CannotUnderstand, "no transfer syntax")));
        };
        let mut incoming = match self.begin(transfer_syntax, &object) {
            Ok(incoming) => incoming,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let mut next = Some(data.freeze());
        while let Some(chunk) = next {
            if let Err(error) = incoming.write(chunk).await {
                return Ok(Err(of_ingest(object, &error)));
            }
            next = source.chunk().await?;
        }
        Ok(Ok((incoming, object)))
    }

    async fn settle_one(&mut self) -> bool {
        match self.finishing.join_next().await {
            Some(Ok((place, outcome))) => {
                self.settle_at(place, outcome);
                true
            }
            // The task panicked: its place stays empty and is answered as a failure.
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// Waits until every object is durable or refused.
    async fn settle(mut self) -> Vec<Outcome> {
        while self.settle_one().await {}
        let lost = || failed(None, Reason::ProcessingFailure, "the archive failed");
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }
}

/// SOP class and SOP instance, where the file meta information names both.
pub(super) type Object = Option<(Uid, Uid)>;

/// Objects of one request that become durable at the same time: enough to share group commits, few enough
/// to hold in memory.
const FINISHING_MAX: usize = 8;

/// One object's bytes: the whole body, or a part of it.
pub(super) enum Source {
    Whole(Chunks),
    Parts(Box<Reader<Chunks>>),
}

impl Source {
    /// The parts of a multipart body.
    fn parts(content_type: &Media, chunks: Chunks) -> Result<Self, Problem> {
        let boundary = content_type
            .parameter("boundary")
            .ok_or_else(|| Problem::bad_request("the parameter `boundary` of multipart/related", "none"))?;
        let reader = Reader::new(chunks, boundary, limits::STOW_PARTS_MAX).map_err(of_multipart)?;
        Ok(Self::Parts(Box::new(reader)))
    }

    /// Goes to the next part; `None` behind the last.
    pub(super) async fn next_part(&mut self) -> Result<Option<Part>, Problem> {
        match self {
            Self::Whole(_) => Ok(None),
            Self::Parts(reader) => reader.next_part().await.map_err(of_multipart),
        }
    }

    /// The next bytes of the object.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Self::Whole(chunks) => Ok(chunks.next().await.transpose()?),
            Self::Parts(reader) => reader.chunk().await.map_err(of_multipart),
        }
    }
}

/// Reads until the file header is complete; gives it with all bytes read so far.
async fn read_head(source: &mut Source) -> Result<Result<(FileHeader, BytesMut), Outcome>, Problem> {
    let mut head = BytesMut::new();
    loop {
        let chunk = source.chunk().await?;
        let complete = chunk.is_none();
        head.extend_from_slice(&chunk.unwrap_or_default());
        match part10::read_header(&head, complete) {
            Ok(HeaderLook::Found(header)) => return Ok(Ok((header, head))),
            Ok(HeaderLook::NeedMore) if !complete => {}
            Ok(HeaderLook::NeedMore) => {
                return Ok(Err(failed(None, Reason::CannotUnderstand, "the object ends in its header")));
            }
            Err(error) => return Ok(Err(failed(None, Reason::CannotUnderstand, &error.to_string()))),
        }
    }
}

// === helpers ===

pub(super) fn failed(object: Object, reason: Reason, comment: &str) -> Outcome {
    Outcome::Failed { object, reason, comment: comment.to_owned() }
}

pub(super) fn of_ingest(object: Object, error: &IngestError) -> Outcome {
    let comment = match error {
        IngestError::Unavailable(unavailable) => {
            // The cause is for the operator: it goes to the log and not into the answer.
            let _logged = problems::of_unavailable(unavailable);
            format!("the {} does not answer", unavailable.part())
        }
        // A comment has 64 characters: what is wrong comes first.
        IngestError::Invalid { reason } => reason.clone(),
        other => other.to_string(),
    };
    failed(object, Reason::from(error), &comment)
}

fn of_multipart(error: MultipartError<BodyError>) -> Problem {
    match error {
        MultipartError::Body(error) => error.into(),
        MultipartError::Unfinished => {
            Problem::bad_request("a multipart body with its closing delimiter", error.to_string())
        }
        MultipartError::TooManyParts(_) => Problem::new(Kind::TooLarge).expected(error.to_string()),
        MultipartError::BadBoundary
        | MultipartError::NoDelimiter
        | MultipartError::HeadersTooLong
        | MultipartError::MalformedHeaders => {
            Problem::bad_request("a multipart body of RFC 2046", error.to_string())
        }
    }
}

fn unsupported() -> Problem {
    Problem::new(Kind::UnsupportedMediaType).expected(
        "Content-Type: multipart/related; type=\"application/dicom\" or \"application/dicom+json\"; boundary=…, \
         or application/dicom",
    )
}

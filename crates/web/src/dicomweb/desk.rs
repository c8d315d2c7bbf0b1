//! Where the objects of one STOW-RS request become durable, while those behind them still arrive, and where the outcome of
//! each is kept for the answer.

use super::problems;
use super::receipt::{Outcome, Reason};
use super::retrieve::instance_url;
use crate::http::body::{BodyError, Chunks};
use crate::http::media::Media;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::multipart::{MultipartError, Part, Reader};
use bytes::Bytes;
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::task::JoinSet;
use yingdun_access::Session;
use yingdun_archive::{Archive, Declared, Door, Incoming, IngestError};
use yingdun_model::Uid;

/// Objects of one request that become durable at the same time: enough to share group commits, few enough
/// to hold in memory.
const FINISHING_MAX: usize = 8;

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
    /// A desk for what this session sends, of one study if the address names one.
    pub(super) fn new(archive: Archive, session: Session, origin: String, study: Option<Uid>) -> Self {
        Self { archive, session, origin, study, finishing: JoinSet::new(), outcomes: Vec::new() }
    }

    /// Whether nothing has come yet.
    pub(super) fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
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
    pub(super) async fn settle(mut self) -> Vec<Outcome> {
        while self.settle_one().await {}
        let lost = || failed(None, Reason::ProcessingFailure, "the archive failed");
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }
}

/// SOP class and SOP instance, where the file meta information names both.
pub(super) type Object = Option<(Uid, Uid)>;

/// One object's bytes: the whole body, or a part of it.
pub(super) enum Source {
    Whole(Chunks),
    Parts(Box<Reader<Chunks>>),
}

impl Source {
    /// The parts of a multipart body.
    pub(super) fn parts(content_type: &Media, chunks: Chunks) -> Result<Self, Problem> {
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

//! Searches a log by reading it: newest or oldest first, a bundle at a time, so memory does not grow with the
//! log. It needs the files alone; a log that serves is searched through [`crate::index`].

use crate::error::AuditError;
use crate::event::{EventKind, Outcome};
use crate::leaf::Leaf;
use crate::read::{LoggedLeaf, Reader, UnreadLeaf};
use crate::tile::TILE_WIDTH;
use std::collections::VecDeque;
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, PatientRef, StudyRef, Timestamp};

/// Which leaves are wanted. Absent conditions hold for every leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this institution.
    pub institution: Option<InstitutionId>,
    /// Written at or after this moment.
    pub from: Option<Timestamp>,
    /// Written before this moment.
    pub until: Option<Timestamp>,
    /// By this actor.
    pub actor: Option<ActorId>,
    /// By an actor of this kind: with [`Self::actor`], a device and no person of that name.
    pub actor_kind: Option<ActorKind>,
    /// With this action.
    pub action: Option<Action>,
    /// About this patient.
    pub patient: Option<PatientRef>,
    /// About this study.
    pub study: Option<StudyRef>,
    /// Of one of these kinds; empty means any.
    pub kinds: Vec<EventKind>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// At most so many.
    pub limit: Option<u64>,
    /// In which order.
    pub order: Order,
}

/// In which order leaves are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

impl Filter {
    /// Whether a leaf is wanted.
    #[must_use]
    pub fn wants(&self, leaf: &Leaf) -> bool {
        self.institution.as_ref().is_none_or(|wanted| *wanted == leaf.institution)
            && self.from.is_none_or(|from| leaf.time_ms >= from)
            && self.until.is_none_or(|until| leaf.time_ms < until)
            && self.actor.as_ref().is_none_or(|wanted| *wanted == leaf.actor)
            && self.actor_kind.is_none_or(|wanted| leaf.actor_kind == wanted)
            && self.action.is_none_or(|wanted| leaf.action == Some(wanted))
            && self.patient.is_none_or(|wanted| leaf.patient == Some(wanted))
            && self.study.is_none_or(|wanted| leaf.study == Some(wanted))
            && (self.kinds.is_empty() || self.kinds.contains(&leaf.kind))
            && self.outcome.is_none_or(|wanted| leaf.outcome == wanted)
    }

    /// Texts that every wanted leaf contains, because a leaf has one spelling. They spare most leaves the
    /// reading as JSON.
    pub(crate) fn needles(&self) -> Vec<String> {
        let patient = self.patient.map(|patient| format!("\"patient\":\"{patient}\""));
        let study = self.study.map(|study| format!("\"study\":\"{study}\""));
        let outcome = self.outcome.map(|outcome| format!("\"outcome\":\"{outcome}\""));
        let kind = match self.kinds.as_slice() {
            [kind] => Some(format!("\"kind\":\"{kind}\"")),
            _ => None,
        };
        let institution = self.institution.as_ref().map(|name| format!("\"institution\":\"{name}\""));
        let actor = self.actor.as_ref().and_then(|actor| serde_json::to_string(actor).ok());
        let actor = actor.map(|actor| format!("\"actor\":{actor}"));
        let actor_kind = self.actor_kind.map(|kind| format!("\"actor_kind\":\"{kind}\""));
        let action = self.action.map(|action| format!("\"action\":\"{action}\""));
        [study, patient, actor, kind, outcome, institution, actor_kind, action]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Reader {
    /// The leaves that pass a filter, read while they are asked for.
    #[must_use]
    pub fn search(&self, filter: Filter) -> Search {
        Search::new(self.clone(), filter)
    }
}

/// The leaves that a search finds, one at a time. After an error it ends.
#[derive(Debug)]
pub struct Search {
    reader: Reader,
    filter: Filter,
    needles: Vec<String>,
    /// Numbers of bundles that were not read yet.
    bundles: std::ops::Range<u64>,
    waiting: VecDeque<UnreadLeaf>,
    left: u64,
}

impl Search {
    fn new(reader: Reader, filter: Filter) -> Self {
        let bundles = 0..reader.size().div_ceil(TILE_WIDTH as u64);
        let needles = filter.needles();
        let left = filter.limit.unwrap_or(u64::MAX);
        Self { reader, filter, needles, bundles, waiting: VecDeque::new(), left }
    }

    /// Reads the next bundle; false when there is none.
    fn refill(&mut self) -> Result<bool, AuditError> {
        let number = match self.filter.order {
            Order::OldestFirst => self.bundles.next(),
            Order::NewestFirst => self.bundles.next_back(),
        };
        let Some(number) = number else { return Ok(false) };
        let leaves =
            self.reader.bundle(number)?.into_iter().filter(|raw| contains_all(&raw.bytes, &self.needles));
        self.waiting = leaves.collect();
        if self.filter.order == Order::NewestFirst {
            self.waiting.make_contiguous().reverse();
        }
        Ok(true)
    }

    fn find(&mut self) -> Result<Option<LoggedLeaf>, AuditError> {
        loop {
            while let Some(raw) = self.waiting.pop_front() {
                let logged = raw.decode()?;
                if self.filter.wants(&logged.leaf) {
                    return Ok(Some(logged));
                }
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Search {
    type Item = Result<LoggedLeaf, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let found = self.find().transpose();
        if !matches!(found, Some(Ok(_))) {
            self.left = 0;
        }
        found
    }
}

pub(crate) fn contains_all(leaf: &[u8], needles: &[String]) -> bool {
    // A leaf that is not text is left to the reading as JSON, which reports it.
    std::str::from_utf8(leaf).map_or(true, |text| needles.iter().all(|needle| text.contains(needle)))
}

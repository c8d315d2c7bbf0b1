//! What one node asks another of its log, and what comes back.

use crate::error::AuditError;
use crate::event::{EventKind, Outcome};
use crate::index::{Count, Cursor, Page};
use crate::leaf::Leaf;
use crate::read::LoggedLeaf;
use crate::search::Filter;
use crate::tree::Tree;
use serde::{Deserialize, Serialize};
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, PatientRef, StudyRef, Timestamp};

/// A question to the log of another node. It holds pseudonyms and names of accounts, as leaves do. The institution is not in it: every node
/// answers for its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The log that is meant.
    pub log: String,
    /// The number of the leaf, in the log of the node that asks, that says who asked there.
    pub leaf: u64,
    /// See [`Filter::from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<Timestamp>,
    /// See [`Filter::until`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<Timestamp>,
    /// See [`Filter::actor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// See [`Filter::actor_kind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_kind: Option<ActorKind>,
    /// See [`Filter::action`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// See [`Filter::patient`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientRef>,
    /// See [`Filter::study`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyRef>,
    /// See [`Filter::kinds`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<EventKind>,
    /// See [`Filter::outcome`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Only leaves before this one; from the end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Whether to count as well.
    pub count: bool,
    /// Leaves at most.
    pub limit: usize,
}

/// What a node tells of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its log.
    pub log: String,
    /// The leaves, the newest first.
    pub leaves: Vec<ToldLeaf>,
    /// See [`Page::count`].
    #[serde(default)]
    pub count: Option<Count>,
    /// The number of the leaf before which the next page begins; none at the end.
    #[serde(default)]
    pub next: Option<u64>,
    /// See [`Page::size`].
    pub size: u64,
}

/// A leaf on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldLeaf {
    index: u64,
    leaf: Leaf,
}

/// An answer that does not fit its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer does not fit the question: {0}")]
pub struct NotBelieved(&'static str);

impl Asked {
    /// The question to a log that a filter asks, from a place on.
    #[must_use]
    pub fn of_filter(log: &str, leaf: u64, filter: &Filter, before: Option<u64>, limit: usize) -> Self {
        Self {
            log: log.to_owned(),
            leaf,
            from_ms: filter.from,
            until_ms: filter.until,
            actor: filter.actor.clone(),
            actor_kind: filter.actor_kind,
            action: filter.action,
            patient: filter.patient,
            study: filter.study,
            kinds: filter.kinds.clone(),
            outcome: filter.outcome,
            before,
            count: false,
            limit,
        }
    }

    /// What is asked, of leaves of an institution.
    #[must_use]
    pub fn filter(&self, institution: InstitutionId) -> Filter {
        Filter {
            institution: Some(institution),
            from: self.from_ms,
            until: self.until_ms,
            actor: self.actor.clone(),
            actor_kind: self.actor_kind,
            action: self.action,
            patient: self.patient,
            study: self.study,
            kinds: self.kinds.clone(),
            outcome: self.outcome,
            ..Filter::default()
        }
    }

    /// Where a search for it begins in its log. Without a place it counts.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        let before = self.before.or((!self.count).then_some(u64::MAX));
        before.map(|before| Cursor::new(&self.log, before))
    }
}

impl Told {
    /// A page of a log as it is told.
    ///
    /// # Errors
    /// [`AuditError::OtherLog`] when the page leads on in another log.
    pub fn of_page(log: &str, page: Page) -> Result<Self, AuditError> {
        let leaves = page.leaves.into_iter().map(|found| ToldLeaf { index: found.index, leaf: found.leaf });
        Ok(Self {
            log: log.to_owned(),
            leaves: leaves.collect(),
            count: page.count,
            next: page.next.map(|next| next.before_in(log)).transpose()?,
            size: page.size,
        })
    }

    /// The page, if it can be one of what was asked: of that log, no more than was asked for, in order, from the place on, and each leaf wanted. What was
    /// left out cannot be seen here.
    ///
    /// # Errors
    /// [`NotBelieved`] says what does not fit.
    pub fn judge(self, asked: &Asked, institution: InstitutionId) -> Result<Page, NotBelieved> {
        if self.log != asked.log {
            return Err(NotBelieved("it is of another log"));
        }
        if self.leaves.len() > asked.limit {
            return Err(NotBelieved("it has more leaves than were asked for"));
        }
        let filter = asked.filter(institution);
        let mut before = asked.before.unwrap_or(u64::MAX).min(self.size);
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for ToldLeaf { index, leaf } in self.leaves {
            if index >= before || leaf.sequence != index {
                return Err(NotBelieved("its leaves are not in their order, or not before the place"));
            }
            if !filter.wants(&leaf) {
                return Err(NotBelieved("it has a leaf that was not asked for"));
            }
            let bytes = leaf.encode().map_err(|_| NotBelieved("it has a leaf that is too long"))?;
            leaves.push(LoggedLeaf { index, leaf_hash: Tree::Sha256.leaf_hash(&bytes), leaf });
            before = index;
        }
        if self.next.is_some_and(|next| next > before || (Some(next) == asked.before && asked.limit > 0)) {
            return Err(NotBelieved("its next page does not begin behind this one"));
        }
        let next = self.next.map(|next| Cursor::new(&asked.log, next));
        Ok(Page { leaves, count: self.count.filter(|_| asked.count), next, size: self.size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, ReasonCode};
    use crate::leaf::{BootId, NodeName, Stamp};

    fn institution() -> InstitutionId {
        InstitutionId::new("renmin").unwrap()
    }

    fn leaf(index: u64, actor: &str) -> ToldLeaf {
        let actor = ActorId::new(actor).unwrap();
        let reason = ReasonCode::new("in-care");
        let event = Event::of_system(institution(), actor, EventKind::Access, Outcome::Permitted, reason);
        let stamp = Stamp {
            sequence: index,
            time_ms: Timestamp::from_ms(1_000),
            monotonic_ns: 0,
            boot: BootId([0; 8]),
            node: NodeName::new("second").unwrap(),
        };
        ToldLeaf { index, leaf: Leaf::of_event(&event, stamp) }
    }

    fn asked() -> Asked {
        let filter = Filter { actor: ActorId::new("li"), ..Filter::default() };
        Asked::of_filter("second", 3, &filter, Some(9), 2)
    }

    fn told() -> Told {
        Told {
            log: "second".into(),
            leaves: vec![leaf(8, "li"), leaf(5, "li")],
            count: None,
            next: Some(5),
            size: 20,
        }
    }

    #[test]
    fn what_fits_the_question_is_a_page_with_the_hashes_of_its_leaves() {
        let sent = serde_json::to_vec(&told()).unwrap();
        let told: Told = serde_json::from_slice(&sent).unwrap();
        let page = told.judge(&asked(), institution()).unwrap();
        assert_eq!(page.leaves.iter().map(|leaf| leaf.index).collect::<Vec<_>>(), [8, 5]);
        assert_eq!(page.next.unwrap().before_in("second").unwrap(), 5);
        let bytes = page.leaves[0].leaf.encode().unwrap();
        assert_eq!(page.leaves[0].leaf_hash, Tree::Sha256.leaf_hash(&bytes));
    }

    #[test]
    fn what_does_not_fit_the_question_is_not_believed() {
        let judged = |change: fn(&mut Told)| {
            let mut told = told();
            change(&mut told);
            told.judge(&asked(), institution()).map(|_| ())
        };
        assert_eq!(judged(|_| ()), Ok(()));
        let wrong: [fn(&mut Told); 9] = [
            |told| told.log = "third".into(),
            |told| told.leaves.push(leaf(4, "li")),
            |told| told.leaves.reverse(),
            |told| told.leaves[0] = leaf(9, "li"),
            |told| told.leaves[1] = leaf(8, "li"),
            |told| told.leaves[0].index = 7,
            |told| told.leaves[0] = leaf(8, "wang"),
            |told| told.next = Some(6),
            |told| (told.leaves, told.next) = (vec![], Some(9)),
        ];
        for (place, change) in wrong.into_iter().enumerate() {
            assert!(judged(change).is_err(), "{place}");
        }
        let elsewhere = InstitutionId::new("xiehe").unwrap();
        assert!(told().judge(&asked(), elsewhere).is_err(), "a leaf of another institution");
    }

    #[test]
    fn an_unknown_condition_is_refused_and_not_left_out() {
        let mut asked = serde_json::to_value(asked()).unwrap();
        assert!(serde_json::from_value::<Asked>(asked.clone()).is_ok());
        asked["instance"] = "0".into();
        assert!(serde_json::from_value::<Asked>(asked).is_err());
    }
}

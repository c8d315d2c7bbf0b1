//! What a version would change: over questions that are made up, and over what the log of this node tells of the last thirty days.

use super::PolicyChangeError;
use crate::access::{Access, Refusal, day_start};
use crate::decision::{Engine, Outlook, PolicyComparison, Resource, Sets, Setting, Told, addresses_in};
use crate::ledger;
use crate::reason::Reason;
use crate::session::Session;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};
use yingdun_audit::{AuditError, Cursor, Event, EventKind, Filter, Leaf, LoggedLeaf, Outcome};
use yingdun_catalog::catalogue::studies;
use yingdun_model::{Action, ActorKind, Grade, PurposeOfUse, Role, StudyRef, Timestamp};

/// How far back the log is read: a month has every rota in it.
pub const REPLAYED_DAYS: i64 = 30;
const MS_PER_DAY: i64 = 24 * 3600 * 1000;
/// Leaves that are read at once, and in one call; a call ends after the time, and says where to go on.
const LEAVES_AT_ONCE: usize = 2000;
const LEAVES_MAX: u64 = 100_000;
const TIME_MAX: Duration = Duration::from_secs(10);
/// Examples that one call gives.
const EXAMPLES_MAX: usize = 20;
/// Studies whose facts are asked for at once.
const STUDIES_AT_ONCE: usize = 500;
/// Actors whose number is counted exactly.
const ACTORS_MAX: usize = 10_000;

/// What a part of the log says of a version.
#[derive(Clone, Debug)]
pub struct PolicyReplay {
    /// The log that was read: each node has its own.
    pub log: String,
    /// From when on leaves count.
    pub from: Timestamp,
    /// How far back this call came; none where it read nothing.
    pub reached: Option<Timestamp>,
    /// Leaves that were read.
    pub leaves: u64,
    /// Of these decisions of which the rules before or after speak.
    pub decisions: u64,
    /// Of these such that tell too little, or do not fit the policies of the program as they are now.
    pub unknown: u64,
    /// What would have come out otherwise, by role and action.
    pub changes: Vec<ReplayedChange>,
    /// How many actors that are; at most ten thousand are counted.
    pub actors: u64,
    /// Some of these leaves.
    pub examples: Vec<ReplayedExample>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

/// Decisions of a role about an action that would have come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedChange {
    /// Who asked.
    pub role: Role,
    /// For what.
    pub action: Action,
    /// Permitted then, and refused by the rules.
    pub refused: u64,
    /// Permitted then; whether they are refused depends on what leaves do not tell, such as the address.
    pub perhaps_refused: u64,
    /// Refused then by a rule of the institution, and perhaps permitted.
    pub perhaps_allowed: u64,
}

/// A leaf that would say something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedExample {
    /// Its number in the log that was read.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub role: Role,
    /// For what.
    pub action: Action,
    /// About which study, by its pseudonym.
    pub study: Option<StudyRef>,
    /// `refused`, `perhaps-refused` or `perhaps-allowed`.
    pub outlook: &'static str,
}

impl Access {
    /// What a version newly forbids and allows, over a bounded number of questions that are made up: compared with the rules in force at this
    /// moment.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn compare_policy(
        &self,
        session: &Session,
        version: u64,
    ) -> Result<PolicyComparison, PolicyChangeError> {
        let (sets, setting) = self.sets(session, version, "compare-policy").await?;
        tokio::task::spawn_blocking(move || sets.compare(&setting))
            .await
            .map_err(|_| PolicyChangeError::Set("they cannot be compared".to_owned()))
    }

    /// What of the last thirty days would have come out otherwise, the newest first, as much as a call reads. The reading of the log is a leaf.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn replay_policy(
        &self,
        session: &Session,
        version: u64,
        cursor: Option<Cursor>,
    ) -> Result<PolicyReplay, PolicyChangeError> {
        let (sets, setting) = self.sets(session, version, "replay-policy").await?;
        let now = self.inner.clock.now();
        let from = Timestamp::from_ms(now.as_ms().saturating_sub(REPLAYED_DAYS * MS_PER_DAY));
        let filter =
            Filter { institution: Some(setting.institution.clone()), from: Some(from), ..Filter::default() };
        let mut judge = Judge { sets, setting, known: HashMap::new() };
        let mut tally = Tally::default();
        let begun = Instant::now();
        let mut next = cursor;
        loop {
            let (log, filter, at) = (self.inner.log.clone(), filter.clone(), next);
            let page = tokio::task::spawn_blocking(move || log.search(&filter, at, LEAVES_AT_ONCE))
                .await
                .map_err(|_| PolicyChangeError::Set("the log cannot be read".to_owned()))?
                .map_err(of_search)?;
            next = page.next;
            tally.leaves += page.leaves.len() as u64;
            tally.reached = page.leaves.last().map(|found| found.leaf.time_ms).or(tally.reached);
            let spoken: Vec<LoggedLeaf> =
                page.leaves.into_iter().filter(|found| judge.is_asked(&found.leaf)).collect();
            let facts = self.facts_of(&judge.setting, &spoken).await?;
            let offset = self.utc_offset_minutes();
            (judge, tally) = tokio::task::spawn_blocking(move || {
                for found in &spoken {
                    let study = found.leaf.study.and_then(|study| facts.get(&study));
                    let outlook = judge.judge(&found.leaf, study, offset);
                    tally.note(found, outlook);
                }
                (judge, tally)
            })
            .await
            .map_err(|_| PolicyChangeError::Set("leaves cannot be judged".to_owned()))?;
            if next.is_none() || tally.leaves >= LEAVES_MAX || begun.elapsed() >= TIME_MAX {
                break;
            }
        }
        let mut changes: Vec<ReplayedChange> = tally.changes.into_values().collect();
        changes.sort_by_key(|change| (change.role, change.action.as_str()));
        Ok(PolicyReplay {
            log: self.inner.log.verifier().name().to_owned(),
            from,
            reached: tally.reached,
            leaves: tally.leaves,
            decisions: tally.decisions,
            unknown: tally.unknown,
            changes,
            actors: tally.actors.len() as u64,
            examples: tally.examples,
            next,
        })
    }

    /// The sets to compare, for who has a part in the change of rules; a leaf before anything is worked out.
    async fn sets(
        &self,
        session: &Session,
        version: u64,
        code: &'static str,
    ) -> Result<(Sets, Setting), PolicyChangeError> {
        self.may_read_policies(session).await?;
        let resource = Resource::Archive(session.institution().clone());
        let (approves, policy_set) = self.decide_by(session, Action::ApprovePolicy, &resource).await?;
        let action = if approves.permitted { Action::ApprovePolicy } else { Action::ProposePolicy };
        let leaf = Event {
            kind: EventKind::Query,
            outcome: Outcome::Permitted,
            action: Some(action),
            policy_set: Some(policy_set),
            ..ledger::session_leaf(session, ledger::word(code))
        };
        let counts = leaf.counts.clone().with("version", version);
        self.inner.log.append_one(Event { counts, ..leaf }).await.map_err(Refusal::AuditUnavailable)?;
        let after = self.read_version(session, version).await?.1.text;
        let before = self.inner.policies.now();
        let before_text = before.local_text().unwrap_or_default().to_owned();
        let setting = self.setting(session);
        let made = tokio::task::spawn_blocking(move || {
            let mut spoken = Engine::local_speaks_of(&before_text)?;
            for (kind, actions) in Engine::local_speaks_of(&after)? {
                spoken.entry(kind).or_default().extend(actions);
            }
            Ok(Sets {
                program: before.with_local(None)?,
                after: before.with_local(Some(&after))?,
                before: before.with_local(Some(&before_text))?,
                spoken,
                addresses: addresses_in(&[&before_text, &after]),
            })
        });
        match made.await {
            Ok(Ok(sets)) => Ok((sets, setting)),
            Ok(Err(error)) => Err(super::of_engine(error)),
            Err(_) => Err(PolicyChangeError::Set("they cannot be read".to_owned())),
        }
    }

    pub(crate) fn setting(&self, session: &Session) -> Setting {
        Setting {
            institution: session.institution().clone(),
            actor: session.actor().clone(),
            step_up: self.inner.rules.step_up,
            masked: Role::ALL.iter().copied().filter(|role| self.is_masked(*role)).collect(),
            consents: self.inner.consents,
        }
    }

    /// Grade and arrival of the studies of these leaves. What is gone, or of special care, is left open.
    async fn facts_of(
        &self,
        setting: &Setting,
        leaves: &[LoggedLeaf],
    ) -> Result<HashMap<StudyRef, (Grade, Timestamp)>, PolicyChangeError> {
        let wanted: BTreeSet<StudyRef> = leaves.iter().filter_map(|found| found.leaf.study).collect();
        let wanted: Vec<StudyRef> = wanted.into_iter().collect();
        let mut facts = HashMap::new();
        for part in wanted.chunks(STUDIES_AT_ONCE) {
            let rows = studies::graded(&self.inner.catalogue, &setting.institution, part).await?;
            facts.extend(rows.into_iter().map(|(study, grade, received)| (study, (grade, received))));
        }
        Ok(facts)
    }
}

// === helpers ===

/// Judges leaves; those that tell the same are judged once.
struct Judge {
    sets: Sets,
    setting: Setting,
    known: HashMap<Told, Outlook>,
}

impl Judge {
    /// Whether a leaf is a decision of which the rules before or after speak.
    fn is_asked(&self, leaf: &Leaf) -> bool {
        leaf.policy_set.is_some()
            && leaf.role.is_some()
            && matches!(leaf.outcome, Outcome::Permitted | Outcome::Refused)
            && leaf.action.is_some_and(|action| self.sets.speak_of(leaf.actor_kind, action))
    }

    fn judge(
        &mut self,
        leaf: &Leaf,
        study: Option<&(Grade, Timestamp)>,
        offset_minutes: i32,
    ) -> Option<Outlook> {
        // What was decided on the way to a change says the change in its reason.
        let Some(by) = Reason::from_word(leaf.reason.as_str()) else { return Some(Outlook::Unknown) };
        // A refusal of the program stays one.
        if leaf.outcome == Outcome::Refused && by != Reason::LocalRule {
            return None;
        }
        let told = Told {
            kind: leaf.actor_kind,
            role: leaf.role?,
            action: leaf.action?,
            purpose: leaf.purpose.unwrap_or(PurposeOfUse::HealthcareOperations),
            by,
            grade: study.map(|(grade, _)| *grade),
            today: study.map(|(_, received)| *received >= day_start(leaf.time_ms, offset_minutes)),
        };
        if let Some(outlook) = self.known.get(&told) {
            return Some(*outlook);
        }
        let outlook = self.sets.outlook(&told, &self.setting);
        self.known.insert(told, outlook);
        Some(outlook)
    }
}

#[derive(Default)]
struct Tally {
    leaves: u64,
    decisions: u64,
    unknown: u64,
    reached: Option<Timestamp>,
    changes: BTreeMap<(String, &'static str), ReplayedChange>,
    actors: BTreeSet<(ActorKind, String)>,
    examples: Vec<ReplayedExample>,
}

impl Tally {
    fn note(&mut self, found: &LoggedLeaf, outlook: Option<Outlook>) {
        self.decisions += 1;
        let (Some(outlook), Some(role), Some(action)) = (outlook, found.leaf.role, found.leaf.action) else {
            return;
        };
        let word = match outlook {
            Outlook::Same => return,
            Outlook::Unknown => {
                self.unknown += 1;
                return;
            }
            Outlook::Refused => "refused",
            Outlook::PerhapsRefused => "perhaps-refused",
            Outlook::PerhapsAllowed => "perhaps-allowed",
        };
        let change = self.changes.entry((role.to_string(), action.as_str())).or_insert(ReplayedChange {
            role,
            action,
            refused: 0,
            perhaps_refused: 0,
            perhaps_allowed: 0,
        });
        match outlook {
            Outlook::Refused => change.refused += 1,
            Outlook::PerhapsRefused => change.perhaps_refused += 1,
            _ => change.perhaps_allowed += 1,
        }
        if self.actors.len() < ACTORS_MAX {
            self.actors.insert((found.leaf.actor_kind, found.leaf.actor.to_string()));
        }
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(ReplayedExample {
                index: found.index,
                at: found.leaf.time_ms,
                role,
                action,
                study: found.leaf.study,
                outlook: word,
            });
        }
    }
}

fn of_search(error: AuditError) -> PolicyChangeError {
    match error {
        AuditError::OtherLog { .. } => {
            PolicyChangeError::State("the cursor is of another log: ask at the node that gave it")
        }
        other => Refusal::AuditUnavailable(other).into(),
    }
}

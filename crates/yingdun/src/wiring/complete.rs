//! That the audit log is complete: heartbeats in it, and every night a comparison of what was counted with what the log says.
//!
//! The comparison itself is a pure function of leaves ([`yingdun_audit::complete`]), which anybody with a copy of the log can do again. What is
//! here besides is what only the running archive can ask: its index, and the checkpoints that it signed.

use super::foundation::{Foundation, system_event};
use crate::config::Config;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use yingdun_access::Refusal;
use yingdun_archive::Archive;
use yingdun_audit::complete::{Finding, Heartbeat, Summary, Walk};
use yingdun_audit::{
    AuditError, Checkpoint, Count, Counts, Event, EventKind, Filter, Leaf, Log, Outcome, Reader, ReasonCode,
    verify_consistency,
};
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId};

const RECONCILED: &str = "audit-reconciled";
const DISCREPANCY: &str = "audit-discrepancy";

/// How long after a start the first comparison is made, at most: it looks at how the last run ended.
const FIRST_AFTER_MAX: Duration = Duration::from_secs(600);

/// How often the age of heartbeat and comparison is shown.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Leaves that one comparison reads, at most: some seconds of work. The next one goes on there.
const LEAVES_MAX: u64 = 10_000_000;

/// Leaves that are in memory at once.
const LEAVES_AT_ONCE: u64 = 4096;

/// Leaves of the archive itself that are looked through for the last comparison.
const LOOKED_THROUGH_MAX: usize = 4000;

/// A log with fewer leaves than this is read from its beginning where no comparison is found.
const SMALL_LEAVES: u64 = 1_000_000;

/// How many studies, patients and actors are looked up in the index, each.
const SAMPLE: usize = 32;

/// Findings that are said in the log of the program, each time.
const SAID_MAX: usize = 20;

/// How late a heartbeat may be before somebody has to look.
const LATE: Duration = Duration::from_secs(30);

/// What is known of the completeness of the log; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completeness(Arc<Mutex<Known>>);

#[derive(Clone, Debug, Default)]
struct Known {
    every: Duration,
    heartbeat: Option<(Instant, Heartbeat)>,
    reconciled: Option<(Instant, Reconciled)>,
    incomplete: bool,
}

/// What a comparison found.
#[derive(Clone, Debug)]
struct Reconciled {
    summary: Summary,
    findings: Vec<Finding>,
    /// Keys of the index whose numbers were compared, and those that differed.
    keys: u64,
    keys_differ: Vec<String>,
    /// What is wrong with the checkpoints.
    chain: Option<String>,
}

impl Reconciled {
    fn discrepancies(&self) -> u64 {
        self.summary.discrepancies + self.keys_differ.len() as u64 + u64::from(self.chain.is_some())
    }
}

impl Completeness {
    /// Whether a heartbeat is late, or the last comparison found the log incomplete.
    pub(super) fn needs_attention(&self) -> bool {
        let known = self.lock();
        let late = |(at, _): &(Instant, Heartbeat)| at.elapsed() > known.every * 2 + LATE;
        known.incomplete || known.heartbeat.as_ref().is_some_and(late)
    }

    /// What is known, for the status page.
    pub(super) fn described(&self) -> serde_json::Value {
        let known = self.lock();
        let heartbeat = known.heartbeat.as_ref().map(|(at, beat)| {
            serde_json::json!({"age_s": at.elapsed().as_secs(), "number": beat.number, "counted": beat.counted})
        });
        let reconciled = known.reconciled.as_ref().map(|(at, found)| {
            serde_json::json!({
                "age_s": at.elapsed().as_secs(), "complete": found.discrepancies() == 0,
                "leaves": found.summary.leaves, "discrepancies": found.discrepancies(),
                "index_keys": found.keys, "findings": found.findings.iter().take(SAID_MAX).collect::<Vec<_>>(),
            })
        });
        serde_json::json!({"heartbeat": heartbeat, "reconciled": reconciled})
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes heartbeats and compares.
pub(super) struct Complete {
    foundation: Foundation,
    archive: Archive,
    actor: ActorId,
    every: Duration,
    reconcile_every: Duration,
    completeness: Completeness,
    /// The number of the last heartbeat. Held while one is written, so that they are in the log in their order.
    number: tokio::sync::Mutex<u64>,
    chain: Mutex<Checkpoint>,
}

impl Complete {
    pub(super) fn new(config: &Config, foundation: &Foundation, archive: &Archive) -> Option<Self> {
        let every = Duration::from_secs(config.audit.heartbeat_every_s);
        let completeness = Completeness::default();
        completeness.lock().every = every;
        Some(Self {
            foundation: foundation.clone(),
            archive: archive.clone(),
            actor: ActorId::new("yingdun")?,
            every,
            reconcile_every: Duration::from_secs(config.audit.reconcile_every_s),
            completeness,
            number: tokio::sync::Mutex::default(),
            chain: Mutex::new(foundation.audit.latest_checkpoint()),
        })
    }

    /// What is known.
    pub(super) fn completeness(&self) -> Completeness {
        self.completeness.clone()
    }

    /// Works until `stop`. A comparison takes its time, and heartbeats do not wait for it.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::join!(self.beats(&stop), self.comparisons(&stop));
    }

    async fn beats(&self, stop: &CancellationToken) {
        let began = Instant::now();
        let mut beat_at = began;
        while !stop.is_cancelled() {
            let now = Instant::now();
            if now >= beat_at {
                self.beat().await;
                beat_at = now + self.every;
            }
            self.show(began);
            let rest = beat_at.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
            if stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
                return;
            }
        }
    }

    async fn comparisons(&self, stop: &CancellationToken) {
        let mut walk = None;
        let mut rest = self.reconcile_every.min(FIRST_AFTER_MAX);
        while stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_some() {
            let began = Instant::now();
            self.reconcile(&mut walk).await;
            rest = self.reconcile_every.saturating_sub(began.elapsed());
        }
    }

    /// Writes a heartbeat. One that cannot be written is missed by whoever looks at its age.
    pub(super) async fn beat(&self) {
        let mut number = self.number.lock().await;
        // Keys first: none is unwrapped without a permit that is counted after.
        let unwraps = self.archive.key_unwraps();
        let beat = Heartbeat {
            number: *number + 1,
            every_s: self.every.as_secs(),
            checkpoint: self.foundation.audit.latest_checkpoint().size(),
            version: version(),
            counted: self.foundation.access.acts_counted(unwraps),
        };
        match self.foundation.audit.append(beat.events(&self.foundation.institution, &self.actor)).await {
            Ok(_) => {
                *number += 1;
                self.completeness.lock().heartbeat = Some((Instant::now(), beat));
                metrics::counter!("yingdun_audit_heartbeats_total").increment(1);
            }
            Err(error) => tracing::error!(%error, "the audit log did not take a heartbeat"),
        }
    }

    /// Compares, from where the last comparison ended, and writes down what came of it.
    async fn reconcile(&self, walk: &mut Option<(Walk, u64)>) {
        self.beat().await;
        let log = self.foundation.audit.clone();
        let old = self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let taken = walk.take();
        let compared = tokio::task::spawn_blocking(move || {
            let (mut walk, from) = match taken {
                Some(walk) => walk,
                None => (Walk::new(), beginning(&log)?),
            };
            walk.begin_anew();
            let reader = log.reader();
            let until = reader.size().min(from.saturating_add(LEAVES_MAX));
            let keys = walk_along(&reader, from..until, &mut walk)?;
            let differ = compare_index(&log, &keys, from..until)?;
            let chain = reader.checkpoint().clone();
            let broken = continues(&reader, &old, &chain).err().map(|error| error.to_string());
            let found = Reconciled {
                summary: walk.summary(),
                findings: walk.findings().to_vec(),
                keys: keys.len() as u64,
                keys_differ: differ,
                chain: broken,
            };
            Ok::<_, AuditError>(((walk, until), found, chain, from))
        });
        match compared.await {
            Ok(Ok((next, found, chain, from))) => {
                *walk = Some(next);
                *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
                self.conclude(found, from).await;
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit log could not be compared with what was counted")
            }
            Err(error) => tracing::error!(%error, "the comparison of the audit log was broken off"),
        }
    }

    async fn conclude(&self, found: Reconciled, from: u64) {
        let discrepancies = found.discrepancies();
        for Finding { index, fault, .. } in found.findings.iter().take(SAID_MAX) {
            match fault.is_discrepancy() {
                true => tracing::error!(leaf = index, %fault, "the audit log is not complete"),
                false => tracing::warn!(leaf = index, %fault, "the audit log tells of the machine"),
            }
        }
        for key in found.keys_differ.iter().take(SAID_MAX) {
            tracing::error!(key, "the audit index does not say what the log says");
        }
        if let Some(why) = &found.chain {
            tracing::error!(why, "the audit log does not continue what it signed before");
        }
        let leaf = leaf_of(&self.foundation.institution, &found, from);
        let (audit, access) = (&self.foundation.audit, &self.foundation.access);
        if let Some(leaf) = leaf
            && let Err(error) = audit.append_one(leaf).await
        {
            tracing::error!(%error, "the audit log did not take what came of its comparison");
        }
        metrics::counter!("yingdun_audit_discrepancies_total").increment(discrepancies);
        if discrepancies > 0 {
            // The leaf is there; what fails is the row, and the metric tells.
            if let Err(error @ (Refusal::AuditUnavailable(_) | Refusal::FactsUnavailable(_))) =
                access.audit_discrepancy(discrepancies).await
            {
                tracing::error!(%error, "an alert about the audit log was not kept");
            }
        }
        let mut known = self.completeness.lock();
        // It stays so until the archive is started anew: a person has to look.
        known.incomplete |= discrepancies > 0;
        known.reconciled = Some((Instant::now(), found));
    }

    fn show(&self, began: Instant) {
        let known = self.completeness.lock();
        let heartbeat = known.heartbeat.as_ref().map_or(began, |(at, _)| *at).elapsed();
        let reconciled = known.reconciled.as_ref().map_or(began, |(at, _)| *at).elapsed();
        drop(known);
        metrics::gauge!("yingdun_audit_heartbeat_age_seconds").set(heartbeat.as_secs_f64());
        metrics::gauge!("yingdun_audit_reconcile_age_seconds").set(reconciled.as_secs_f64());
    }
}

// === helpers ===

/// A key of the index, and a filter that asks for it.
type Keys = BTreeMap<String, (Filter, u64)>;

/// `1.2.3` as 1,002,003.
fn version() -> u64 {
    let numbers =
        env!("CARGO_PKG_VERSION").split('.').map(|number| number.parse::<u64>().unwrap_or(0).min(999));
    numbers.take(3).fold(0, |version, number| version * 1000 + number)
}

/// Where the first comparison of a run begins: behind the last one, else where this run does.
fn beginning(log: &Log) -> Result<u64, AuditError> {
    let filter = Filter { kinds: vec![EventKind::System], ..Filter::default() };
    let (mut cursor, mut looked) = (None, 0);
    while looked < LOOKED_THROUGH_MAX {
        let page = log.search(&filter, cursor, 500)?;
        looked += page.leaves.len().max(1);
        let last = page.leaves.iter().map(|found| &found.leaf).find(|leaf| {
            matches!(leaf.reason.as_str(), RECONCILED | DISCREPANCY) && leaf.counts.get("until").is_some()
        });
        if let Some(until) = last.and_then(|leaf| leaf.counts.get("until")) {
            return Ok(until.min(log.first_of_boot()));
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(if log.first_of_boot() <= SMALL_LEAVES { 0 } else { log.first_of_boot() })
}

/// Reads leaves in their order, and counts by what the index has.
fn walk_along(reader: &Reader, range: std::ops::Range<u64>, walk: &mut Walk) -> Result<Keys, AuditError> {
    let mut keys = Keys::new();
    let mut sampled = [0_usize; 3];
    let mut at = range.start;
    while at < range.end {
        let until = range.end.min((at / LEAVES_AT_ONCE + 1) * LEAVES_AT_ONCE);
        for found in reader.read(at..until)? {
            walk.see(found.index, &found.leaf);
            for (kind, key, filter) in keys_of(&found.leaf) {
                match keys.get_mut(&key) {
                    Some((_, count)) => *count += 1,
                    None => {
                        // Those seen first: whoever changes the index does not choose them, and none is counted from its middle.
                        let room = kind.is_none_or(|kind| {
                            sampled.get_mut(kind).is_some_and(|count| {
                                *count += 1;
                                *count <= SAMPLE
                            })
                        });
                        if room {
                            keys.insert(key, (filter, 1));
                        }
                    }
                }
            }
        }
        at = until;
    }
    Ok(keys)
}

/// By what a leaf is found. Those with a number are too many to compare all.
fn keys_of(leaf: &Leaf) -> Vec<(Option<usize>, String, Filter)> {
    let all = Filter::default;
    let kind = (None, format!("kind {}", leaf.kind), Filter { kinds: vec![leaf.kind], ..all() });
    let outcome =
        (None, format!("outcome {}", leaf.outcome), Filter { outcome: Some(leaf.outcome), ..all() });
    let by: ActorKind = leaf.actor_kind;
    let by = (None, format!("actor-kind {by}"), Filter { actor_kind: Some(by), ..all() });
    let action =
        |action: Action| (None, format!("action {action}"), Filter { action: Some(action), ..all() });
    let actor =
        (Some(0), format!("actor {}", leaf.actor), Filter { actor: Some(leaf.actor.clone()), ..all() });
    let patient = |of| (Some(1), format!("patient {of}"), Filter { patient: Some(of), ..all() });
    let study = |of| (Some(2), format!("study {of}"), Filter { study: Some(of), ..all() });
    [kind, outcome, by, actor]
        .into_iter()
        .chain(leaf.action.map(action))
        .chain(leaf.patient.map(patient))
        .chain(leaf.study.map(study))
        .collect()
}

/// The keys for which the index knows another number of leaves than the log has.
fn compare_index(log: &Log, keys: &Keys, range: std::ops::Range<u64>) -> Result<Vec<String>, AuditError> {
    let mut differ = Vec::new();
    for (key, (filter, counted)) in keys {
        if let Some(Count::Exactly(indexed)) = log.indexed(filter, range.clone())?
            && indexed != *counted
        {
            differ.push(format!("{key}: {indexed} in the index, {counted} in the log"));
        }
    }
    Ok(differ)
}

/// That what is signed now continues what was signed at the last comparison.
fn continues(reader: &Reader, old: &Checkpoint, new: &Checkpoint) -> Result<(), AuditError> {
    let path = if old.size() == 0 { Vec::new() } else { reader.prove_consistency(old.size(), new.size())? };
    verify_consistency(old, new, &path)
}

/// What is written down of a comparison.
fn leaf_of(institution: &InstitutionId, found: &Reconciled, from: u64) -> Option<Event> {
    let (outcome, reason) = match found.discrepancies() {
        0 => (Outcome::Succeeded, const { ReasonCode::new(RECONCILED) }),
        _ => (Outcome::Failed, const { ReasonCode::new(DISCREPANCY) }),
    };
    let counts = Counts::new()
        .with("from", from)
        .with("until", found.summary.until)
        .with("discrepancies", found.discrepancies())
        .with("index-keys", found.keys);
    let event = system_event(institution, EventKind::System, outcome, reason)?;
    Some(Event { counts, ..event })
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_audit::complete::Fault;

    fn found(summary: Summary, differ: &[&str], chain: Option<&str>) -> Reconciled {
        Reconciled {
            summary,
            findings: vec![Finding { index: 7, time_ms: 0, fault: Fault::HeartbeatBroken }],
            keys: 3,
            keys_differ: differ.iter().map(|key| (*key).to_owned()).collect(),
            chain: chain.map(str::to_owned),
        }
    }

    #[test]
    fn whatever_is_wrong_makes_the_leaf_one_of_a_discrepancy() {
        let institution = InstitutionId::new("renmin").unwrap();
        let whole = Summary { leaves: 10, until: 12, ..Summary::default() };
        let leaf = leaf_of(&institution, &found(whole, &[], None), 2).unwrap();
        assert_eq!((leaf.reason.as_str(), leaf.outcome), ("audit-reconciled", Outcome::Succeeded));
        assert_eq!((leaf.counts.get("from"), leaf.counts.get("until")), (Some(2), Some(12)));
        let short = Summary { discrepancies: 1, ..whole };
        for wrong in [found(short, &[], None), found(whole, &["kind"], None), found(whole, &[], Some("no"))] {
            let leaf = leaf_of(&institution, &wrong, 2).unwrap();
            assert_eq!((leaf.reason.as_str(), leaf.outcome), ("audit-discrepancy", Outcome::Failed));
            assert_eq!(leaf.counts.get("discrepancies"), Some(1));
        }
    }

    #[test]
    fn a_version_is_one_number() {
        assert!(version() < 1_000_000_000);
        assert_eq!(version() % 1000, env!("CARGO_PKG_VERSION_PATCH").parse::<u64>().unwrap());
    }

    #[test]
    fn a_heartbeat_that_is_late_and_a_log_that_is_not_complete_need_attention() {
        let completeness = Completeness::default();
        assert!(!completeness.needs_attention());
        completeness.lock().incomplete = true;
        assert!(completeness.needs_attention());
        let completeness = Completeness::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(40)).unwrap();
        completeness.lock().heartbeat = Some((long_ago, Heartbeat::default()));
        assert!(completeness.needs_attention());
        completeness.lock().every = Duration::from_secs(900);
        assert!(!completeness.needs_attention());
    }
}

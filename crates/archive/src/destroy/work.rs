//! What happens by itself once a destruction is approved, step by step. Every step can be repeated.

use super::elsewhere::{Elsewhere, seal_of};
use super::record::{DestructionRecord, Remains, RolledLine};
use super::{DestroyError, DestructionState, DestructionSubject};
use crate::background::Turns;
use crate::error::{Unavailable, unavailable};
use crate::keys::{KeyCareError, begin, replace};
use crate::shared::Core;
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::session_leaf;
use yingdun_audit::{Counts, Event, Log, Outcome, ReasonCode};
use yingdun_catalog::catalogue::{nodes, remove};
use yingdun_keys::{KekStatus, KeyIdentity, KeyStoreStatus, KeysError, RewrapState};
use yingdun_model::{Action, InstitutionId, Timestamp};
use yingdun_storage::StoreLocation;

/// How often it is looked whether a destruction was approved, and how far the keys above it are.
const LOOK: Duration = Duration::from_secs(1);

/// After a step that failed: databases come back within seconds.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// How often it is noted how far the log is known, so that a start has little of it to read.
const MARK_EVERY: Duration = Duration::from_secs(600);

/// The leaf that a study is going to be destroyed. What the log says in these words is destroyed again when a copy brings it back.
pub(super) const INTENT: ReasonCode = ReasonCode::new("destroy-study");
/// The leaf that it was.
pub(crate) const DESTROYED: ReasonCode = ReasonCode::new("study-destroyed");
/// The leaf of the record.
const RECORD: ReasonCode = ReasonCode::new("destruction-record");
/// Which key of the study, in the counts of these leaves.
pub(super) const KEY_MADE: &str = "key-made-ms";

/// Looks after destructions as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let mut mark_at: Option<Timestamp> = None;
    let mut elsewhere = Elsewhere::default();
    loop {
        let Some(core) = turns.next() else { return };
        let now = core.clock.now();
        let mut pause = LOOK;
        if let Err(error) = turn(&core, &mut elsewhere).await {
            metrics::counter!("yingdun_destruction_failures_total").increment(1);
            tracing::error!(%error, "a destruction does not go on");
            pause = AFTER_FAILURE;
        } else if mark_at.is_none_or(|at| at <= now) {
            mark_at = Some(now.after(MARK_EVERY));
            if let Err(error) = mark(&core).await {
                tracing::warn!(%error, "how far the log is known was not noted");
            }
        }
        drop(core);
        turns.pause(pause).await;
    }
}

/// Takes what is approved to where nobody opens it any more, and gives what is left to be done. Where nothing is to be done, this
/// is one question to the database.
pub(super) async fn carry_out(core: &Core) -> Result<Vec<DestructionRecord>, DestroyError> {
    let institution = core.access.system_session().institution().clone();
    let mut open = unfinished(core, &institution).await?;
    if open.iter().any(|record| record.state == DestructionState::Approved) {
        for record in open.into_iter().filter(|record| record.state == DestructionState::Approved) {
            unless_another(shred(core, &institution, record).await)?;
        }
        open = unfinished(core, &institution).await?;
    }
    if open.iter().any(|record| record.state == DestructionState::Shredded) {
        for record in open.into_iter().filter(|record| record.state == DestructionState::Shredded) {
            unless_another(clear(core, &institution, record).await)?;
        }
        open = unfinished(core, &institution).await?;
    }
    Ok(open)
}

async fn turn(core: &Core, elsewhere: &mut Elsewhere) -> Result<(), DestroyError> {
    let mut rolling = carry_out(core).await?;
    rolling.retain(|record| record.state == DestructionState::Rolling);
    let institution = core.access.system_session().institution().clone();
    elsewhere.note(core, &institution, &rolling).await?;
    let (mut ending, open): (Vec<_>, Vec<_>) = rolling.into_iter().partition(|record| record.epoch.is_some());
    if !open.is_empty() && is_rolled(core, &institution, &open).await? {
        ending.extend(end_epoch(core, &institution, open).await?);
    }
    let mut behind = BTreeSet::new();
    for record in ending {
        let Some(epoch) = record.epoch else { continue };
        let waits_for = core.keys.nodes_before(epoch).await?;
        if waits_for.is_empty() {
            unless_another(finish(core, &institution, record, epoch).await)?;
        }
        behind.extend(waits_for);
    }
    metrics::gauge!("yingdun_epoch_nodes_behind").set(behind.len() as f64);
    Ok(())
}

/// Ends the epoch of these destructions on this node. They are done when all nodes have.
async fn end_epoch(
    core: &Core,
    institution: &InstitutionId,
    open: Vec<DestructionRecord>,
) -> Result<Vec<DestructionRecord>, DestroyError> {
    let epoch = core.keys.roll_epoch().await?;
    metrics::counter!("yingdun_key_epochs_ended_total").increment(1);
    let mut ending = Vec::with_capacity(open.len());
    for mut record in open {
        record.epoch = Some(epoch);
        let state = record.state.as_str();
        match core.keys.advance_destruction(institution, state, &record.row()).await {
            Ok(()) => ending.push(record),
            // Another node has done it, after an epoch of its own.
            Err(KeysError::DestructionState) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ending)
}

/// The intent leaves, durable; then the keys and nothing else.
async fn shred(
    core: &Core,
    institution: &InstitutionId,
    mut record: DestructionRecord,
) -> Result<(), DestroyError> {
    let database = core.catalogue.caught_up().await?;
    for study in &mut record.studies {
        let size = remove::size(database, study.study).await.map_err(unavailable)?;
        (study.instances, study.bytes) = (size.instances, size.bytes);
    }
    record.add_up();
    note_packs(core, &mut record).await?;
    let leaves = append(core, leaves(core, &record, INTENT, Outcome::Permitted)).await?;
    for (study, leaf) in record.studies.iter_mut().zip(leaves) {
        study.intent_leaf = Some(leaf);
    }
    let status = core.keys.status(institution).await?;
    record.rolled = lines_above(&status, &keys_of(&record, institution));
    let from = std::mem::replace(&mut record.state, DestructionState::Shredded);
    record.shredded_ms = Some(core.clock.now().as_ms());
    let keys = keys_of(&record, institution);
    core.keys.shred(institution, &keys, from.as_str(), &record.row()).await?;
    metrics::counter!("yingdun_studies_destroyed_total").increment(keys.len() as u64);
    Ok(())
}

/// What tells of the studies: open windows, rows, search terms. Then they may come again.
async fn clear(
    core: &Core,
    institution: &InstitutionId,
    mut record: DestructionRecord,
) -> Result<(), DestroyError> {
    let keys = keys_of(&record, institution);
    note_packs(core, &mut record).await?;
    for key in &keys {
        core.windows.end_study(key.study).await;
        core.catalogue.remove_study(&*core.institution_keys(institution).await?, key).await?;
    }
    let leaves = append(core, leaves(core, &record, DESTROYED, Outcome::Succeeded)).await?;
    for (study, leaf) in record.studies.iter_mut().zip(leaves) {
        study.outcome_leaf = Some(leaf);
        study.uid = None;
    }
    if let Some(remains) =
        record.remains.as_mut().filter(|remains| remains.store == hex::encode(core.store.id()))
    {
        // No new key is made for these studies before the row says that they are cleared: what comes under one lies behind. Of what
        // a copy brought back nobody knows which keys it lacks.
        let below = format!("{:016x}", core.store.end_pack());
        remains.below = Some(below).filter(|_| record.subject != DestructionSubject::Restored);
    }
    record.seal = Some(seal_of(&*core.institution_keys(institution).await?, &record));
    let from = std::mem::replace(&mut record.state, DestructionState::Rolling);
    Ok(core.keys.clear(institution, &keys, from.as_str(), &record.row()).await?)
}

/// Adds the packs in which the studies lie, as far as the catalogue tells: those of the store of who began it, and apart from them those
/// of other stores. Which of these are noise, their nodes say themselves.
async fn note_packs(core: &Core, record: &mut DestructionRecord) -> Result<(), DestroyError> {
    let database = core.catalogue.caught_up().await?;
    let stores = nodes::stores(database).await.map_err(unavailable)?;
    let of = |id: &[u8; 16]| Remains { store: hex::encode(id), ..Remains::default() };
    let remains = record.remains.get_or_insert_with(|| of(&core.store.id()));
    for study in &record.studies {
        let places = remove::places(database, study.study).await.map_err(unavailable)?;
        for StoreLocation { store, location } in
            places.iter().filter_map(|place| StoreLocation::from_bytes(place).ok())
        {
            let Some((_, id)) = stores.iter().find(|(number, _)| *number == store) else { continue };
            let (name, pack) = (hex::encode(id), format!("{:016x}", location.pack));
            if remains.store == name {
                remains.packs.insert(pack);
                continue;
            }
            let elsewhere = &mut record.remains_elsewhere;
            if !elsewhere.iter().any(|other| other.store == name) {
                elsewhere.push(of(id));
            }
            elsewhere.iter_mut().filter(|other| other.store == name).for_each(|other| {
                other.packs.insert(pack.clone());
            });
        }
    }
    Ok(())
}

/// Whether no version is left that was above a destroyed key. Replaces those that still wrap, and has the keys under them wrapped
/// again; an officer who stopped that is waited for.
async fn is_rolled(
    core: &Core,
    institution: &InstitutionId,
    rolling: &[DestructionRecord],
) -> Result<bool, DestroyError> {
    let system = core.access.system_session();
    let status = core.keys.status(institution).await?;
    let pending: Vec<_> = status.keks.iter().filter(|kek| has_to_go(kek, rolling)).collect();
    for kek in pending.iter().filter(|kek| kek.active) {
        match replace(core, &system, kek).await {
            // Another process was faster.
            Ok(_) | Err(KeyCareError::Otherwise(_)) => {}
            Err(error) => return Err(Unavailable::new("keys", error).into()),
        }
    }
    let job = core.keys.rewrap_job(institution).await?;
    if !pending.is_empty() && job.is_none_or(|job| job.state == RewrapState::Done) {
        match begin(core, &system, status.keys_left()).await {
            Ok(_) | Err(KeyCareError::Otherwise(_)) => {}
            Err(error) => return Err(Unavailable::new("keys", error).into()),
        }
    }
    Ok(pending.is_empty())
}

/// The record, whole, and its leaf.
async fn finish(
    core: &Core,
    institution: &InstitutionId,
    mut record: DestructionRecord,
    epoch: u64,
) -> Result<(), DestroyError> {
    let from = std::mem::replace(&mut record.state, DestructionState::Done);
    let (_, nodes) = core.keys.epoch_nodes().await?;
    let (gone, nodes): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|node| node.gone.is_some());
    record.nodes = nodes.into_iter().map(|node| node.name).collect();
    record.nodes_gone = gone.into_iter().map(|node| node.name).collect();
    record.epoch = Some(epoch);
    record.done_ms = Some(core.clock.now().as_ms());
    let digest = record.digest();
    let counts = Counts::new().with("studies", record.studies.len() as u64).with("epoch", epoch);
    let event = Event { counts, ..leaf_of(core, RECORD, Outcome::Succeeded) };
    let leaf = core.access.record_with_detail(event, &record.id, &digest).await;
    record.record_leaf = Some(leaf.map_err(|error| Unavailable::new("audit", error))?);
    record.sha256 = Some(digest);
    core.keys.advance_destruction(institution, from.as_str(), &record.row()).await?;
    if core.limits.compact_after_destruction {
        core.compaction.want_by_itself(core.limits.compact_dead_percent);
    }
    Ok(())
}

/// Notes up to which leaf of the log of this node every destruction is known to the databases.
pub(super) async fn known_until(
    core: &Core,
    institution: &InstitutionId,
    leaf: u64,
) -> Result<(), DestroyError> {
    let log = core.audit.verifier().name();
    remove::set_mark(core.catalogue.database(), institution, log, leaf).await.map_err(unavailable)?;
    Ok(core.keys.set_destruction_mark(institution, log, leaf).await?)
}

/// Notes how far the log is known.
async fn mark(core: &Core) -> Result<(), DestroyError> {
    known_until(core, core.access.system_session().institution(), core.audit.latest_checkpoint().size()).await
}

// === helpers ===

/// Every destruction that is approved and not done.
async fn unfinished(
    core: &Core,
    institution: &InstitutionId,
) -> Result<Vec<DestructionRecord>, DestroyError> {
    let states = [DestructionState::Approved, DestructionState::Shredded, DestructionState::Rolling];
    let rows = core.keys.destructions_in(institution, states.map(DestructionState::as_str)).await?;
    Ok(rows.iter().filter_map(DestructionRecord::of_row).collect())
}

/// A step that another process took at the same time is done.
fn unless_another(step: Result<(), DestroyError>) -> Result<(), DestroyError> {
    match step {
        Err(DestroyError::Overtaken) => Ok(()),
        step => step,
    }
}

pub(super) fn keys_of(record: &DestructionRecord, institution: &InstitutionId) -> Vec<KeyIdentity> {
    record.studies.iter().map(|study| study.key(institution)).collect()
}

/// For each line of these keys, the newest version there is.
fn lines_above(status: &KeyStoreStatus, keys: &[KeyIdentity]) -> Vec<RolledLine> {
    let mut lines: Vec<RolledLine> = Vec::new();
    let above = status.keks.iter().filter(|kek| keys.iter().any(|key| key.line == kek.line));
    for kek in above {
        match lines.iter_mut().find(|line| line.grade == kek.line.grade && line.suite == kek.line.suite) {
            Some(line) => line.version = line.version.max(kek.version),
            None => lines.push(RolledLine {
                grade: kek.line.grade,
                suite: kek.line.suite.clone(),
                version: kek.version,
            }),
        }
    }
    lines
}

fn has_to_go(kek: &KekStatus, rolling: &[DestructionRecord]) -> bool {
    rolling.iter().flat_map(|record| &record.rolled).any(|line| {
        line.grade == kek.line.grade && line.suite == kek.line.suite && kek.version <= line.version
    })
}

pub(super) fn leaf_of(core: &Core, reason: ReasonCode, outcome: Outcome) -> Event {
    let leaf = session_leaf(&core.access.system_session(), reason);
    Event { action: Some(Action::Destroy), outcome, ..leaf }
}

/// A leaf for each study.
fn leaves(core: &Core, record: &DestructionRecord, reason: ReasonCode, outcome: Outcome) -> Vec<Event> {
    let leaf = |study: &super::RecordedStudy| Event {
        study: Some(study.study),
        patient: Some(study.patient),
        counts: Counts::new()
            .with(KEY_MADE, u64::try_from(study.key_made_ms).unwrap_or_default())
            .with("instances", study.instances)
            .with("bytes", study.bytes),
        ..leaf_of(core, reason.clone(), outcome)
    };
    record.studies.iter().map(leaf).collect()
}

/// Makes leaves durable, and gives their places in the log.
pub(super) async fn append(core: &Core, events: Vec<Event>) -> Result<Vec<u64>, Unavailable> {
    let mut places = Vec::with_capacity(events.len());
    for batch in events.chunks(Log::APPEND_EVENTS_MAX) {
        let receipts = core.audit.append(batch.to_vec()).await;
        let receipts = receipts.map_err(|error| Unavailable::new("audit", error))?;
        places.extend(receipts.iter().map(|receipt| receipt.index()));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destroy::DestroyReason;
    use yingdun_keys::KekLine;
    use yingdun_model::{ActorId, Grade, PatientRef, StudyRef};

    fn kek(grade: Grade, version: u32, active: bool) -> KekStatus {
        let institution = InstitutionId::new("renmin").unwrap();
        let line = KekLine { institution, grade, suite: "cobblestone-256".to_owned() };
        KekStatus { line, version, active, uses: 1, keys: 1, created: Timestamp::from_ms(0) }
    }

    #[test]
    fn every_version_above_a_destroyed_key_has_to_go_and_none_that_came_later_or_stands_elsewhere() {
        let keks = vec![kek(Grade::L4, 1, false), kek(Grade::L4, 2, true), kek(Grade::L5, 7, true)];
        let key = KeyIdentity {
            line: kek(Grade::L4, 1, true).line,
            study: StudyRef::from_bytes([1; 16]),
            patient: PatientRef::from_bytes([1; 16]),
            made: Timestamp::from_ms(1),
        };
        let status = KeyStoreStatus { patients: 1, studies: 1, keks: keks.clone() };
        let (subject, reason) = (DestructionSubject::Study, DestroyReason::Mistake);
        let by = ActorId::new("sec").unwrap();
        let at = Timestamp::from_ms(0);
        let mut record = DestructionRecord::new("ab".to_owned(), subject, reason, by, at, Vec::new());
        record.rolled = lines_above(&status, &[key]);
        assert_eq!(record.rolled.iter().map(|line| line.version).collect::<Vec<_>>(), [2]);
        let go = |kek: &KekStatus| has_to_go(kek, std::slice::from_ref(&record));
        assert_eq!(keks.iter().map(go).collect::<Vec<_>>(), [true, true, false]);
        assert!(!go(&kek(Grade::L4, 3, true)));
    }
}

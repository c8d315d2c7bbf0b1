//! One pack after the other: looked at, rewritten when enough of it is dead, and removed when nothing in it lives.

use super::judge::{Destroyed, Share};
use super::rewrite::{self, Placed, Placing};
use super::{Asked, Compaction, CompactionState, Step};
use crate::background::Turns;
use crate::destroy::{BELOW, DESTROYED, DestructionRecord, DestructionState, RecordedStudy, noted_here};
use crate::error::Unavailable;
use crate::shared::Core;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use yingdun_access::session_leaf;
use yingdun_audit::{AuditError, Counts, Event, Outcome, ReasonCode};
use yingdun_model::Action;
use yingdun_storage::{Location, RemovalError, StoreError};

/// How often it is looked whether somebody asked.
const LOOK: Duration = Duration::from_secs(1);

/// How often an off-site replica is asked whether it has removed its copy.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// How long an off-site replica may take to remove its copy, or to get the pack that was made of it. It may be sending a pack just
/// then, over a slow line.
const OFFSITE_TIME_MAX: Duration = Duration::from_secs(600);

/// The leaf that a pack is going to be removed; a vault looks for it when a pack is gone.
const INTENT: ReasonCode = ReasonCode::new("pack-removal");
/// The leaf that it was.
const REMOVED: ReasonCode = ReasonCode::new("pack-removed");

/// A run.
struct Run {
    told: Compaction,
    destroyed: Destroyed,
    left: VecDeque<u64>,
    doing: Option<Doing>,
}

/// What is done with a pack.
enum Doing {
    /// What lives in it is to be copied.
    Copying { pack: u64, share: Share, living: Vec<Location> },
    /// The catalogue is told where its records are.
    Placing(Placing),
    /// It is removed.
    Removing(Removing),
}

/// A pack that is being removed.
struct Removing {
    pack: u64,
    share: Share,
    since: Instant,
}

/// Compacts when somebody asks, as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let mut run: Option<Run> = None;
    loop {
        let Some(core) = turns.next() else { return };
        let pause = turn(&core, &mut run).await;
        drop(core);
        turns.pause(pause).await;
    }
}

/// One pack, or a look whether there is something to do; how long to wait then.
async fn turn(core: &Core, run: &mut Option<Run>) -> Duration {
    let stepped = match run {
        Some(run) => step(core, run).await,
        None => match core.compaction.take_wanted() {
            None => return LOOK,
            Some(asked) => begin(core, asked).await.map(|begun| {
                *run = Some(begun);
                Duration::ZERO
            }),
        },
    };
    let ended = match (&stepped, &run) {
        (Ok(_), Some(run)) => run.left.is_empty() && run.doing.is_none(),
        (Ok(_) | Err(_), _) => true,
    };
    let mut told = run.as_ref().map_or_else(|| core.compaction.status(), |run| run.told.clone());
    if let Err(error) = &stepped {
        tracing::error!(%error, "the compaction of packs ended before it was through");
        told.failure = Some(error.to_string());
    }
    if ended {
        if let Some(Doing::Removing(removing)) = run.take().and_then(|run| run.doing) {
            core.store.keep_pack(removing.pack);
        }
        told.state = CompactionState::Resting;
        told.ended_ms = Some(core.clock.now().as_ms());
        told.waits_for = None;
        let left = told.dead_bytes.saturating_sub(told.removed_bytes);
        metrics::gauge!("yingdun_storage_dead_bytes").set(left as f64);
    }
    core.compaction.tell(&told);
    stepped.unwrap_or(LOOK)
}

async fn begin(core: &Core, asked: Asked) -> Step<Run> {
    let institution = core.access.system_session().institution().clone();
    let done = DestructionState::Done.as_str();
    let rows = core.keys.destructions_in(&institution, [done; 3]).await;
    let rows = rows.map_err(|error| Unavailable::new("keys", error))?;
    let records = rows.iter().filter_map(DestructionRecord::of_row).collect();
    let records = noted_here(core, &institution, records).await;
    let records = confirmed(core, records.map_err(|error| Unavailable::new("keys", error))?).await?;
    let destroyed = Destroyed::of(&records, core.store.id());
    let there = |pack: &u64| core.store.pack_extent(*pack).is_some();
    let with_copies = |pack| std::iter::once(pack).chain(core.store.packs_made_of(pack));
    let left: BTreeSet<u64> = destroyed.packs().flat_map(with_copies).filter(there).collect();
    let left = VecDeque::from_iter(left);
    let told = Compaction {
        begun_ms: Some(core.clock.now().as_ms()),
        packs_left: left.len() as u64,
        ..Compaction::of(CompactionState::Running, asked)
    };
    Ok(Run { told, destroyed, left, doing: None })
}

/// These destructions with the studies of which the log says that they were destroyed. A row alone is not believed: whoever can
/// write one could have anything removed by it.
async fn confirmed(core: &Core, mut records: Vec<DestructionRecord>) -> Step<Vec<DestructionRecord>> {
    let unreadable = |error: AuditError| Unavailable::new("audit", error);
    core.audit.checkpoint().await.map_err(unreadable)?;
    let reader = core.audit.reader();
    let institution = core.access.system_session().institution().clone();
    let read = tokio::task::spawn_blocking(move || {
        let says = |study: &RecordedStudy, below: Option<u64>| {
            let leaf = study.outcome_leaf.and_then(|index| reader.leaf(index).ok());
            leaf.is_some_and(|found| {
                let leaf = found.leaf;
                let done = leaf.action == Some(Action::Destroy) && leaf.outcome == Outcome::Succeeded;
                let same = leaf.institution == institution && leaf.study == Some(study.study);
                // What this node noted of a destruction of another one, its leaf says too.
                let here = leaf.counts.get(BELOW).is_none_or(|told| Some(told) == below);
                done && same && here && leaf.reason == DESTROYED
            })
        };
        for record in &mut records {
            let below = record.remains.as_ref().and_then(|remains| remains.below.as_deref());
            let below = below.and_then(|below| u64::from_str_radix(below, 16).ok());
            record.studies.retain(|study| says(study, below));
        }
        records
    });
    read.await.map_err(|error| Unavailable::new("audit", error))
}

async fn step(core: &Core, run: &mut Run) -> Step<Duration> {
    match run.doing.take() {
        None => look(core, run).await,
        Some(Doing::Copying { pack, share, living }) => {
            run.doing = rewrite::copy(core, &mut run.told, pack, share, living).await.map(Doing::Placing);
            Ok(Duration::ZERO)
        }
        Some(Doing::Placing(placing)) => {
            run.doing = match rewrite::place(core, &mut run.told, placing).await? {
                Placed::Partly(placing) => Some(Doing::Placing(placing)),
                Placed::Kept => None,
                Placed::Through { pack, share } => {
                    Some(Doing::Removing(begin_removal(core, pack, share).await?))
                }
            };
            Ok(Duration::ZERO)
        }
        Some(Doing::Removing(removing)) => remove(core, run, removing).await,
    }
}

/// Looks at the next pack.
async fn look(core: &Core, run: &mut Run) -> Step<Duration> {
    let Some(pack) = run.left.pop_front() else { return Ok(Duration::ZERO) };
    run.told.packs_left = run.left.len() as u64;
    let records = match core.store.pack_records(pack).await {
        Ok(Some(records)) => records,
        // Still written, or not whole: nobody knows what it holds.
        Ok(None) | Err(StoreError::Unreadable { .. }) => return Ok(Duration::ZERO),
        Err(error) => return Err(Unavailable::new("storage", error)),
    };
    let system = core.access.system_session();
    let (share, living) = run.destroyed.judge(pack, &records, system.institution());
    run.told.packs_seen += 1;
    run.told.dead_bytes += share.dead_bytes;
    let copy = if share.is_dead() { None } else { rewrite::copy_of(core, pack, &living).await? };
    if share.is_dead() {
        run.told.dead_packs += 1;
        run.told.dead_packs_bytes += core.store.pack_extent(pack).map_or(0, |extent| extent.bytes);
    } else if copy.is_some() || share.is_sparse(run.told.dead_percent) {
        run.told.sparse_packs += 1;
        run.told.sparse_packs_bytes += share.dead_bytes;
    } else {
        return Ok(Duration::ZERO);
    }
    if let Err(hindrance) = core.store.can_remove_pack(pack) {
        run.told.keep(pack, hindrance.to_string());
        return Ok(Duration::ZERO);
    }
    if run.told.dry_run {
        return Ok(Duration::ZERO);
    }
    run.doing = Some(if share.is_dead() {
        Doing::Removing(begin_removal(core, pack, share).await?)
    } else if let Some(copy) = copy {
        Doing::Placing(Placing::found(core, pack, share, living, copy))
    } else {
        Doing::Copying { pack, share, living }
    });
    Ok(Duration::ZERO)
}

/// The leaf, before anything is removed.
async fn begin_removal(core: &Core, pack: u64, share: Share) -> Step<Removing> {
    core.append_leaf(leaf(core, INTENT, Outcome::Permitted, pack, &share)).await?;
    Ok(Removing { pack, share, since: Instant::now() })
}

/// Removes a pack whose leaf is durable.
async fn remove(core: &Core, run: &mut Run, removing: Removing) -> Step<Duration> {
    let Removing { pack, share, since } = removing;
    let hindrance = match core.store.remove_pack(pack).await {
        Ok(bytes) => {
            run.told.waits_for = None;
            run.told.removed_packs += 1;
            run.told.removed_bytes += share.dead_bytes;
            tracing::info!(
                pack = format!("{pack:016x}"),
                bytes,
                "a pack that nobody needs any more is removed"
            );
            core.append_leaf(leaf(core, REMOVED, Outcome::Succeeded, pack, &share)).await?;
            return Ok(Duration::ZERO);
        }
        Err(busy @ (RemovalError::Busy { .. } | RemovalError::Behind { .. }))
            if since.elapsed() < OFFSITE_TIME_MAX =>
        {
            run.told.waits_for = Some(busy.to_string());
            run.doing = Some(Doing::Removing(Removing { pack, share, since }));
            return Ok(ASK_AGAIN);
        }
        Err(hindrance) => hindrance,
    };
    run.told.waits_for = None;
    core.store.keep_pack(pack);
    run.told.keep(pack, hindrance.to_string());
    core.append_leaf(leaf(core, INTENT, Outcome::Failed, pack, &share)).await?;
    Ok(Duration::ZERO)
}

fn leaf(core: &Core, reason: ReasonCode, outcome: Outcome, pack: u64, share: &Share) -> Event {
    let leaf = session_leaf(&core.access.system_session(), reason);
    let counts =
        Counts::new().with("pack", pack).with("records", share.dead_records).with("bytes", share.dead_bytes);
    Event { action: Some(Action::ManageStorage), outcome, counts, ..leaf }
}

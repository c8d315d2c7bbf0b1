//! What the archive does by itself for jobs: rows follow what works here, wishes to cancel are heard, the own count moves, and the
//! counts of others are watched.

use super::running::Change;
use super::silence::Silence;
use crate::background::Turns;
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use yingdun_catalog::Told;
use yingdun_catalog::catalogue::jobs::{self as rows, Worker};
use yingdun_model::Timestamp;

/// How often rows follow what works here; a wish to cancel is heard at once, or then.
const TURN: Duration = Duration::from_secs(1);

/// How often the own count moves while jobs work here.
const BEAT: Duration = Duration::from_secs(5);

/// How often the counts of others are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How long a job that ended is known: over a long holiday.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Looks after which old jobs are forgotten again: an hour.
const LOOKS_FORGOTTEN: u32 = 1_800;

/// Becomes the worker of this store. What the process before was at is interrupted: it is gone, as there is one process at a store.
pub(crate) async fn enter(core: &Core) -> Result<(), Unavailable> {
    let (worker, now) = (*core.jobs.worker(), core.clock.now());
    let interrupted = rows::register(core.catalogue.database(), &worker, now).await.map_err(unavailable)?;
    if interrupted > 0 {
        tracing::warn!(jobs = interrupted, "jobs were interrupted by the end of the process before");
    }
    Ok(())
}

/// Keeps the rows of what works here, as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let Some(jobs) = turns.next().map(|core| Arc::clone(&core.jobs)) else { return };
    let mut told = None;
    let mut beat_at = Instant::now();
    while let Some(core) = turns.next() {
        let busy = !jobs.here().is_empty();
        if busy {
            told.get_or_insert_with(|| core.catalogue.database().told());
            if let Err(error) = turn(&core, &mut beat_at).await {
                tracing::warn!(%error, "rows of jobs do not follow, and will be written again");
                // Not at once, whoever rings.
                turns.pause(TURN).await;
            }
        }
        drop(core);
        tokio::select! {
            () = turns.pause(TURN) => {}
            () = jobs.changed.notified() => {}
            () = heard(&mut told, busy) => {}
        }
    }
}

/// Watches the workers of other nodes, and forgets old jobs, as long as the archive is open.
pub(crate) async fn watch(turns: Turns<Core>) {
    let (mut silence, mut looks, mut answered) = (Silence::default(), 0_u32, true);
    while let Some(core) = turns.next() {
        let looked = async {
            if looks.is_multiple_of(LOOKS_FORGOTTEN) {
                let before = before(core.clock.now(), KEPT);
                let forget = vec![rows::forget_ended(before)];
                core.catalogue.database().execute(forget).await.map_err(unavailable)?;
            }
            look(&core, &mut silence).await
        };
        match looked.await {
            Ok(()) => (looks, answered) = (looks.wrapping_add(1), true),
            Err(error) if answered => {
                tracing::warn!(%error, "jobs of other nodes are not watched now");
                answered = false;
            }
            Err(_) => {}
        }
        drop(core);
        turns.pause(LOOK).await;
    }
}

/// Writes what rows do not tell yet of the jobs that are here, once.
pub(crate) async fn keep(core: &Core) -> Result<(), Unavailable> {
    let (mut statements, mut of) = (Vec::new(), Vec::new());
    for job in core.jobs.all_here() {
        match job.unwritten()? {
            Some(Change::Progress(change)) => {
                statements.push(change);
                of.push((job, false));
            }
            Some(Change::End(change)) => {
                statements.push(change);
                of.push((job, true));
            }
            None => {}
        }
    }
    let changed = core.catalogue.database().execute(statements).await.map_err(|error| {
        of.iter().for_each(|(job, _)| job.not_written());
        unavailable(error)
    })?;
    for ((job, has_ended), rows) in of.into_iter().zip(changed) {
        if has_ended {
            core.jobs.here().remove(&job.about.key.id);
        } else if rows == 0 {
            // It was taken for interrupted, and somebody may have asked for it again.
            job.halt();
        }
    }
    Ok(())
}

/// Becomes another worker after one was taken for dead, once. What works as that one ends.
pub(super) async fn become_another(core: &Core, lost: &Worker) -> Result<(), Unavailable> {
    let _one = core.jobs.anew.lock().await;
    if *core.jobs.worker() != *lost {
        return Ok(());
    }
    tracing::warn!("another node has taken this one for dead: its jobs are interrupted");
    core.jobs.all_here().iter().filter(|job| job.worker() == *lost).for_each(|job| job.halt());
    let worker = Worker { process: yingdun_crypto::random::array(), ..*lost };
    rows::register(core.catalogue.database(), &worker, core.clock.now()).await.map_err(unavailable)?;
    *core.jobs.worker() = worker;
    Ok(())
}

// === helpers ===

async fn turn(core: &Core, beat_at: &mut Instant) -> Result<(), Unavailable> {
    keep(core).await?;
    let (database, worker) = (core.catalogue.database(), *core.jobs.worker());
    if Instant::now() >= *beat_at {
        if database.execute(vec![rows::beat(&worker)]).await.map_err(unavailable)? == [0] {
            become_another(core, &worker).await?;
        }
        *beat_at = Instant::now() + BEAT;
    }
    for id in rows::cancels(database, &worker).await.map_err(unavailable)? {
        let job = core.jobs.here().get(&id).cloned();
        if let Some(job) = job {
            job.cancel();
        }
    }
    Ok(())
}

async fn look(core: &Core, silence: &mut Silence) -> Result<(), Unavailable> {
    let (database, own) = (core.catalogue.database(), core.jobs.worker().store);
    let working = rows::working(database).await.map_err(unavailable)?;
    for dead in silence.look(own, &working) {
        let interrupted = rows::interrupt(database, &dead, core.clock.now()).await.map_err(unavailable)?;
        if interrupted > 0 {
            let store = dead.worker.store.get();
            tracing::warn!(
                store,
                jobs = interrupted,
                "a node is not heard of any more: its jobs are interrupted"
            );
        }
    }
    Ok(())
}

/// Until somebody tells of the catalogue, where something works here.
async fn heard(told: &mut Option<Told>, busy: bool) {
    match told {
        Some(told) if busy => told.wait(TURN).await,
        _ => std::future::pending().await,
    }
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_sub(by))
}

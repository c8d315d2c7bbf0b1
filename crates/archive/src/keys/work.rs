//! What happens to keys by itself: rotation when it is due, and the turns of a job that wraps keys again.

use super::{KeyCareError, begin, begins_by_itself, conclude, name, of_keys, replace};
use crate::background::Turns;
use crate::shared::Core;
use std::time::Duration;
use tokio::time::Instant;
use yingdun_audit::Counts;
use yingdun_keys::{KekStatus, KeyStoreStatus, REWRAP_KEYS_MAX, RewrapTurn, RewrapWorker};
use yingdun_model::Timestamp;

/// How often it is looked whether a version is due. Ages are counted in days; what it costs is to count the keys.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// How often it is looked whether a job was begun.
const IDLE: Duration = Duration::from_secs(1);

/// Between two batches, so that whoever stores or reads gets a turn at the database.
const BETWEEN_BATCHES: Duration = Duration::from_millis(5);

/// After a batch that failed: databases come back within seconds, and a damaged key needs a person.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Looks after keys as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let worker = RewrapWorker::new();
    let mut look_at: Option<Timestamp> = None;
    let mut turned = Instant::now();
    loop {
        let Some(core) = turns.next() else { return };
        let now = core.clock.now();
        if look_at.is_none_or(|at| at <= now) {
            look_at = Some(now.after(LOOK_EVERY));
            if let Err(error) = look(&core, now).await {
                tracing::warn!(%error, "whether keys are due could not be looked at");
            }
        }
        let worked = turned.elapsed();
        turned = Instant::now();
        let pause = match turn(&core, worker, worked).await {
            Ok(RewrapTurn::Wrapped(_) | RewrapTurn::Lost) => BETWEEN_BATCHES,
            Ok(RewrapTurn::Idle | RewrapTurn::NothingLeft) => IDLE,
            Err(error) => {
                metrics::counter!("yingdun_rewrap_failures_total").increment(1);
                tracing::error!(%error, "keys are not wrapped again");
                AFTER_FAILURE
            }
        };
        drop(core);
        turns.pause(pause).await;
        if pause != BETWEEN_BATCHES {
            // Only the time of batches, and of the pauses between them, is work.
            turned = Instant::now();
        }
    }
}

/// Rotates what is due, begins what is left over, and shows both to who watches.
async fn look(core: &Core, now: Timestamp) -> Result<(), KeyCareError> {
    let system = core.access.system_session();
    let institution = system.institution();
    let keys = core.keys.status(institution).await.map_err(of_keys)?;
    for kek in keys.keks.iter().filter(|kek| kek.is_due(now, core.limits.rotate_keys_after)) {
        match replace(core, &system, kek).await {
            Ok(version) => tracing::info!(kek = name(kek), version, "rotated"),
            // Another process was faster.
            Err(KeyCareError::Otherwise(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let keys = core.keys.status(institution).await.map_err(of_keys)?;
    show(&keys, now);
    let job = core.keys.rewrap_job(institution).await.map_err(of_keys)?;
    if begins_by_itself(&keys, job.as_ref()) {
        match begin(core, &system, keys.keys_left()).await {
            Ok(_) | Err(KeyCareError::Otherwise(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn turn(core: &Core, worker: RewrapWorker, worked: Duration) -> Result<RewrapTurn, KeyCareError> {
    let system = core.access.system_session();
    let turn = core.keys.rewrap_turn(system.institution(), worker, REWRAP_KEYS_MAX, worked).await;
    let turn = turn.map_err(of_keys)?;
    if turn == RewrapTurn::NothingLeft {
        finish(core, worker).await?;
    }
    Ok(turn)
}

/// Destroys the versions that nothing needs any more, and ends the job.
async fn finish(core: &Core, worker: RewrapWorker) -> Result<(), KeyCareError> {
    let system = core.access.system_session();
    let institution = system.institution();
    let keys = core.keys.status(institution).await.map_err(of_keys)?;
    for kek in keys.keks.iter().filter(|kek| kek.is_idle()) {
        let work = core.access.intend_key_work(&system, "destroy-kek", name(kek)).await?;
        let destroyed = core.keys.destroy_kek(&kek.line, kek.version).await;
        if destroyed.is_ok() {
            metrics::counter!("yingdun_kek_destroyed_total").increment(1);
        }
        conclude(core, work, destroyed, Counts::new().with("version", kek.version.into())).await?;
    }
    let Some(job) = core.keys.rewrap_job(institution).await.map_err(of_keys)? else { return Ok(()) };
    let work = core.access.intend_key_work(&system, "end-rewrap", institution).await?;
    let finished = core.keys.finish_rewrap(institution, worker).await;
    let counts = Counts::new().with("keys", job.keys_done).with("milliseconds", job.worked_ms);
    conclude(core, work, finished, counts).await?;
    show(&core.keys.status(institution).await.map_err(of_keys)?, core.clock.now());
    Ok(())
}

fn show(keys: &KeyStoreStatus, now: Timestamp) {
    let active = || keys.keks.iter().filter(|kek| kek.active);
    let age_s = |kek: &KekStatus| now.as_ms().saturating_sub(kek.created.as_ms()) / 1000;
    metrics::gauge!("yingdun_kek_uses_highest").set(active().map(|kek| kek.uses).max().unwrap_or(0) as f64);
    metrics::gauge!("yingdun_kek_age_seconds_highest").set(active().map(age_s).max().unwrap_or(0) as f64);
    metrics::gauge!("yingdun_rewrap_keys_left").set(keys.keys_left() as f64);
}

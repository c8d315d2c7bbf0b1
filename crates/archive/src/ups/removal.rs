//! Workitems that have ended leave after a while, unless a subscriber locks them (PS3.4 §CC.2.1.3). That there was one is
//! remembered for longer, so that whoever asks late is told that it is gone.

use super::leaf;
use crate::background::Turns;
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::time::Duration;
use yingdun_audit::{Counts, Event, EventKind, ReasonCode};
use yingdun_catalog::catalogue::{reports, subscriptions, workitems};
use yingdun_model::{Action, Timestamp};

/// How long an ended workitem can be read: over a long holiday.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long it is remembered that there was one, counted from its removal.
const REMEMBERED: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long a report waits for a subscriber whose channel is open and takes nothing. Whoever keeps up has it within seconds.
const REPORTS_KEPT: Duration = Duration::from_secs(3600);

/// How often it is looked for such workitems.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Workitems that leave in one transaction.
const BATCH: u32 = 500;

const REMOVED: ReasonCode = ReasonCode::new("workitems-removed");

/// Removes ended workitems as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    // At once to begin with, so that they leave an archive too that never runs for long.
    while let Some(core) = turns.next() {
        if let Err(error) = remove_ended(&core, before(core.clock.now(), KEPT)).await {
            tracing::warn!(%error, "ended workitems were not removed, and will be tried again");
        }
        drop(core);
        turns.pause(INTERVAL).await;
    }
}

/// Removes the workitems that ended before a moment. Gives how many.
pub(crate) async fn remove_ended(core: &Core, ended_before: Timestamp) -> Result<u64, Unavailable> {
    let (database, now) = (core.catalogue.database(), core.clock.now());
    let mut removed = 0;
    loop {
        let batch = workitems::ended_before(database, ended_before, BATCH).await.map_err(unavailable)?;
        if batch.is_empty() {
            break;
        }
        removed += batch.len() as u64;
        let statements = batch.into_iter().flat_map(|reference| workitems::remove(reference, now)).collect();
        database.execute(statements).await.map_err(unavailable)?;
    }
    let forget =
        [workitems::forget_removed(before(now, REMEMBERED)), reports::forget(before(now, REPORTS_KEPT))];
    let changes = std::iter::once(reports::turns_changing_all()).chain(subscriptions::release_unused());
    database.execute_and_tell(changes.chain(forget).collect()).await.map_err(unavailable)?;
    if removed > 0 {
        let system = core.access.system_session();
        let leaf = Event {
            kind: EventKind::Administration,
            action: Some(Action::ManageWorklist),
            counts: Counts::new().with("rows", removed),
            ..leaf(core, &system, REMOVED)
        };
        core.append_leaf(leaf).await?;
    }
    Ok(removed)
}

fn before(now: Timestamp, duration: Duration) -> Timestamp {
    let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_sub(ms))
}

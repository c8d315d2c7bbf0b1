//! What happened to studies, for programs that follow the archive: routers, reporting systems, researchers.
//!
//! ```text
//!  rows applied ─► study_arrival, due after a rest ─► work: leaf of a conflict ─► event, once ─┬─► events: decided, read by a cursor
//!                                                                                              └─► feed: numbers for a place outside
//! ```
//!
//! A study that has received nothing for some time is *stable*. It is an event once per rest, also over a restart; what
//! arrives late makes it rest anew.

mod feed;

pub use feed::{EventFeed, FeedLag};

use crate::background::Turns;
use crate::error::{FindError, Unavailable, unavailable};
use crate::find::{self, ANSWERED, database_error, may_search, seen};
use crate::shared::Core;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use yingdun_access::{Session, StudyFacts};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::events::{self as table, Resting, StudyEvent};
use yingdun_model::Timestamp;

/// The most events in one answer.
pub const EVENTS_MAX: u32 = 1000;

/// The longest that an answer waits for events: less than proxies on the way wait for an answer, and than a server that stops waits for
/// those it has begun.
pub const EVENTS_WAIT_MAX: Duration = Duration::from_secs(20);

/// How often rests are looked for, and events by those who wait: another node may have written them.
const LOOK: Duration = Duration::from_secs(1);

/// Rests that are told of at a time.
const DUE_MAX: u32 = 64;

/// How long events are kept: a program that was away for longer reads the catalogue anew.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// How often those that are older are deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// The study shares its accession number with another one: a person has to look at it.
const ACCESSION_CONFLICT: ReasonCode = ReasonCode::new("accession-conflict");

/// Which events are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsRequest {
    /// Those with higher numbers than this.
    pub after: u64,
    /// At most so many, [`EVENTS_MAX`] at most.
    pub limit: u32,
    /// How long to wait when there are none, [`EVENTS_WAIT_MAX`] at most.
    pub wait: Duration,
}

/// Events, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// Those that the session may see.
    pub events: Vec<StudyEvent>,
    /// The highest number that was looked at: what to ask `after` next.
    pub next: u64,
}

/// Tells of rests as long as the archive is open.
pub(crate) async fn work(turns: Turns<Core>) {
    let mut forget_at = None;
    loop {
        turns.pause(LOOK).await;
        let Some(core) = turns.next() else { return };
        let now = core.clock.now();
        if forget_at.is_none_or(|at| at <= now) {
            forget_at = Some(now.after(FORGET_EVERY));
            forget(&core, now).await;
        }
        if let Err(error) = tell_due(&core, now).await {
            tracing::warn!(%error, "events of studies wait");
        }
    }
}

/// Reads events, waiting for the first one that the session may see.
pub(crate) async fn events(
    core: &Arc<Core>,
    session: &Session,
    request: EventsRequest,
) -> Result<Events, FindError> {
    may_search(core, session).await?;
    let until = Instant::now() + request.wait.min(EVENTS_WAIT_MAX);
    let limit = request.limit.clamp(1, EVENTS_MAX);
    let mut next = request.after;
    loop {
        // Enlisted before the look: an event that is written in between wakes it.
        let told = core.told.notified();
        let found = page(core, session, next, limit).await?;
        let waits = found.events.is_empty() && Instant::now() < until;
        // What may not be seen is passed over at once, and only its end is waited for.
        let is_at_end = found.next == next;
        next = found.next;
        if !waits {
            return Ok(found);
        }
        if is_at_end {
            let _ = timeout_at(until.min(Instant::now() + LOOK), told).await;
        }
    }
}

// === helpers ===

async fn forget(core: &Core, now: Timestamp) {
    let before = Timestamp::from_ms(now.as_ms().saturating_sub(KEPT.as_millis() as i64));
    if let Err(error) = core.catalogue.database().execute(vec![table::forget(before)]).await {
        tracing::warn!(%error, "old events were not deleted");
    }
}

/// Makes events of the rests that are due.
async fn tell_due(core: &Core, now: Timestamp) -> Result<(), Unavailable> {
    let database = core.catalogue.database();
    loop {
        let due = table::due(database, now, DUE_MAX).await.map_err(unavailable)?;
        for resting in &due {
            if resting.accession_shared {
                // Before the event: who reads it finds the leaf. A crash in between writes it twice, and never not.
                core.append_leaf(conflict_leaf(core, resting)).await?;
                metrics::counter!("yingdun_accession_conflicts_total").increment(1);
            }
            match database.execute(table::rested(resting, now)).await {
                Ok(_) => metrics::counter!("yingdun_study_events_total").increment(1),
                // It received more, or another node was faster: its next rest is told of when that is due.
                Err(CatalogError::UnexpectedRows { .. } | CatalogError::Constraint(_)) => return Ok(()),
                Err(error) => return Err(unavailable(error)),
            }
        }
        if !due.is_empty() {
            core.told.notify_waiters();
        }
        if due.len() < DUE_MAX as usize {
            return Ok(());
        }
    }
}

fn conflict_leaf(core: &Core, resting: &Resting) -> Event {
    let system = core.access.system_session();
    let event = Event::of_system(
        resting.institution.clone(),
        system.actor().clone(),
        EventKind::Stored,
        Outcome::Succeeded,
        ACCESSION_CONFLICT,
    );
    Event { patient: Some(resting.patient), study: Some(resting.study), ..event }
}

/// The next events, without waiting; a leaf where there are any to tell.
async fn page(core: &Core, session: &Session, after: u64, limit: u32) -> Result<Events, FindError> {
    let database = core.catalogue.database();
    let rows = table::after(database, session.institution(), after, limit).await.map_err(database_error)?;
    let next = rows.last().map_or(after, |row| row.sequence);
    let facts = |row: &StudyEvent| StudyFacts {
        institution: session.institution().clone(),
        study: row.study,
        patient: row.patient,
        grade: row.grade,
        received: row.received,
    };
    let events = seen(core, session, rows, facts).await?;
    if !events.is_empty() {
        let counts = Counts::new().with("rows", events.len() as u64);
        let leaf = find::leaf(session, core.access.policy_set(), ANSWERED, counts);
        core.append_leaf(leaf).await.map_err(FindError::Unavailable)?;
    }
    Ok(Events { events, next })
}

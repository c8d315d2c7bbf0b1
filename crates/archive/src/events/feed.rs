//! Events for a place outside that is told of all of them: read from where it was, and let go when the place has them.
//!
//! No session asks, so no decision can be taken study by study. What is given out is therefore no more than a number, a kind
//! and a pseudonym; who hears of it asks for the rest by [`events`](super::events), with a session of their own.

use super::LOOK;
use crate::error::{Unavailable, unavailable};
use crate::shared::Core;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::events::{self as table, FeedEvent};
use yingdun_model::InstitutionId;

/// Events that are read at a time.
const PAGE_MAX: u32 = 32;

/// Events leave for a feed.
const PUBLISHED: ReasonCode = ReasonCode::new("events-published");

/// A feed of the events of an institution.
#[derive(Debug)]
pub struct EventFeed {
    core: Arc<Core>,
    institution: InstitutionId,
    name: String,
    /// The highest number of which a leaf says that it leaves: what is sent once more needs no second one.
    recorded: u64,
}

/// How much a feed has not been told yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedLag {
    /// Numbers between the last event that it has and the newest one.
    pub events: u64,
    /// Since when the first of them waits.
    pub oldest: Duration,
}

impl EventFeed {
    pub(crate) fn new(core: Arc<Core>, institution: InstitutionId, name: String) -> Self {
        Self { core, institution, name, recorded: 0 }
    }

    /// The next events that the feed has not, as many as are sent at a time; none when it has all. The leaf that says that they leave
    /// is durable.
    ///
    /// # Errors
    /// [`Unavailable`] when catalogue or audit log do not answer; nothing may leave then.
    pub async fn next(&mut self) -> Result<Vec<FeedEvent>, Unavailable> {
        let database = self.core.catalogue.database();
        let events = table::for_feed(database, &self.institution, &self.name, PAGE_MAX).await;
        let events = events.map_err(unavailable)?;
        let new = events.iter().filter(|event| event.sequence > self.recorded).count();
        if let Some(last) = events.last()
            && new > 0
        {
            self.core.append_leaf(self.leaf(new)).await?;
            self.recorded = last.sequence;
        }
        Ok(events)
    }

    /// Says that the feed has everything up to a number: durable when this returns.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer; the same events are given once more then.
    pub async fn has(&self, sequence: u64) -> Result<(), Unavailable> {
        let change = vec![table::feed_has(&self.name, sequence)];
        self.core.catalogue.database().execute(change).await.map_err(unavailable)?;
        Ok(())
    }

    /// Waits until there may be more, a second at most: another node may have told of it. May be given up at any moment.
    pub async fn told(&self) {
        let _ = timeout(LOOK, self.core.told.notified()).await;
    }

    /// How far it is behind.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn lag(&self) -> Result<FeedLag, Unavailable> {
        let database = self.core.catalogue.database();
        let position = table::feed_position(database, &self.institution, &self.name).await;
        let position = position.map_err(unavailable)?;
        let Some(since) = position.waiting_since else { return Ok(FeedLag::default()) };
        let waited_ms = self.core.clock.now().as_ms().saturating_sub(since.as_ms());
        Ok(FeedLag {
            events: position.newest.saturating_sub(position.position),
            oldest: Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0)),
        })
    }

    fn leaf(&self, rows: usize) -> Event {
        let system = self.core.access.system_session();
        let event = Event::of_system(
            self.institution.clone(),
            system.actor().clone(),
            EventKind::Query,
            Outcome::Succeeded,
            PUBLISHED,
        );
        Event { counts: Counts::new().with("rows", rows as u64), ..event }
    }
}

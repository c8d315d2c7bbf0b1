//! Event channels: what a door hands to one subscriber, read from the reports that every node keeps.
//!
//! ```text
//!  change, at whatever node ─► reports of the subscriber 1, 2, 3 … ─► channel: those behind its number, woken or after a while
//! ```
//!
//! A channel knows the number up to which it has read, and moves it only with reports that it holds. Numbers have no gap, and
//! what is read is one look at the database; so between two looks a connection, a server or a wake may be lost, and each report still
//! comes once and in its order. A subscriber that does not keep up loses its channel, and is told so, rather than
//! single events: it opens a new one and looks what has become of its workitems.
//!
//! The channel that was opened last is the one of its title, at whatever node: others see its number, and end.

use super::WorkitemError;
use super::report::Report;
use crate::error::Unavailable;
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use yingdun_access::{Resource, Session};
use yingdun_catalog::catalogue::reports;
use yingdun_catalog::{CatalogError, Told};
use yingdun_model::{Action, AeTitle};

/// Reports that wait for one subscriber. Each takes a kilobyte or less.
pub const CHANNEL_REPORTS_MAX: usize = reports::REPORTS_MAX as usize;

/// Reports that a channel reads at a time, and holds.
const PAGE_MAX: u32 = 32;

/// How often a channel looks when nobody wakes it: another node may have written while nobody listened.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is decided whether the session of a channel may still read the worklist. With what closing takes, a
/// revoked session is out within five seconds.
const DECISION_INTERVAL: Duration = Duration::from_secs(2);

/// Why a channel has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEnd {
    /// The session ended, was revoked, or lost the right.
    Refused,
    /// More than [`CHANNEL_REPORTS_MAX`] reports were waiting, or one waited for longer than they are kept.
    Slow,
    /// The same subscriber has opened another one.
    Replaced,
    /// Nothing is subscribed under the title any more.
    Unsubscribed,
    /// A part of the archive does not answer.
    Unavailable,
}

/// Where the reports for one subscriber come out.
#[derive(Debug)]
pub struct EventChannel {
    core: Arc<Core>,
    session: Session,
    position: Position,
    told: Told,
    next_decision: Instant,
    messages: u64,
}

/// How far a channel has read.
#[derive(Debug)]
struct Position {
    keys: Arc<InstitutionKeys>,
    title: AeTitle,
    /// What tells this channel from others of its title.
    channel: i64,
    /// The number of the last report that was read.
    number: u64,
    /// Reports that were read and not handed out.
    waiting: VecDeque<Report>,
    /// Why nothing more is read.
    end: Option<ChannelEnd>,
}

impl EventChannel {
    /// Opens a channel, in the place of one that the same owner has open under the title.
    pub(super) async fn open(
        core: &Arc<Core>,
        session: &Session,
        keys: Arc<InstitutionKeys>,
        title: AeTitle,
        owner: &str,
    ) -> Result<Self, WorkitemError> {
        let (database, institution) = (core.catalogue.database(), &keys.institution);
        // Positive, as 0 stands for none.
        let channel = i64::from_be_bytes(yingdun_crypto::random::array()) & i64::MAX | 1;
        let told = database.told();
        let open = reports::open(institution, &title, owner, channel);
        database.execute_and_tell(vec![open]).await.map_err(|error| match error {
            CatalogError::UnexpectedRows { .. } => WorkitemError::NotSubscribed,
            other => super::not_read(other),
        })?;
        let now =
            reports::after(database, institution, &title, u64::MAX, 1).await.map_err(super::not_read)?;
        let number = now.map_or(0, |waiting| waiting.last);
        let position = Position { keys, title, channel, number, waiting: VecDeque::new(), end: None };
        Ok(Self {
            core: Arc::clone(core),
            session: session.clone(),
            position,
            told,
            next_decision: Instant::now() + DECISION_INTERVAL,
            messages: 0,
        })
    }

    /// The next report as a message of JSON, in the order of the changes. May be given up and asked again.
    ///
    /// # Errors
    /// [`ChannelEnd`] says why there are no more.
    pub async fn next(&mut self) -> Result<String, ChannelEnd> {
        let Self { core, session, position, told, next_decision, messages } = self;
        let report = tokio::select! {
            biased;
            refused = refused(core, session, next_decision) => return Err(refused),
            report = position.next(core, told) => report?,
        };
        *messages += 1;
        // Message ID (0000,0110) has sixteen bits and is never 0.
        let number = u16::try_from((*messages - 1) % u64::from(u16::MAX) + 1).unwrap_or(u16::MAX);
        Ok(report.message(number))
    }

    /// Ends when the session may not read the worklist any more, while a message is on its way. What else ends the channel
    /// meanwhile is told by [`Self::next`]: the message may arrive.
    pub async fn refused(&mut self) -> ChannelEnd {
        let Self { core, session, position, told, next_decision, .. } = self;
        tokio::select! {
            biased;
            refused = refused(core, session, next_decision) => refused,
            never = position.watch(core, told) => match never {},
        }
    }

    /// Closes the channel and writes down how many reports have left through it.
    ///
    /// # Errors
    /// [`Unavailable`] when that cannot be written down.
    pub async fn close(self) -> Result<(), Unavailable> {
        super::leaf_of_reading(&self.core, &self.session, super::CHANNEL_CLOSED, None, self.messages)
            .await
            .map_err(|error| match error {
                WorkitemError::Unavailable(unavailable) => unavailable,
                other => Unavailable::new("audit", other),
            })
    }
}

impl Position {
    /// The next report. What was given up in the middle is read again.
    async fn next(&mut self, core: &Core, told: &mut Told) -> Result<Report, ChannelEnd> {
        loop {
            if let Some(report) = self.waiting.pop_front() {
                return Ok(report);
            }
            self.look(core).await?;
            if self.waiting.is_empty() {
                told.wait(LOOK).await;
            }
        }
    }

    /// Looks whether the channel has ended, and reads nothing.
    async fn watch(&mut self, core: &Core, told: &mut Told) -> Infallible {
        loop {
            if self.end.is_none() {
                self.end = self.found(core, 1).await.err();
            }
            told.wait(LOOK).await;
        }
    }

    /// Reads what is behind the number.
    async fn look(&mut self, core: &Core) -> Result<(), ChannelEnd> {
        if let Some(end) = self.end {
            return Err(end);
        }
        for (number, sealed) in self.found(core, PAGE_MAX).await? {
            let report = Report::open(&self.keys, sealed).map_err(|error| {
                tracing::error!(%error, "a report for an event channel does not open");
                ChannelEnd::Unavailable
            })?;
            self.waiting.push_back(report);
            self.number = number;
        }
        Ok(())
    }

    /// What is behind the number, if the channel still is the one of its title and keeps up.
    async fn found(&self, core: &Core, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, ChannelEnd> {
        let (database, institution) = (core.catalogue.database(), &self.keys.institution);
        let found = reports::after(database, institution, &self.title, self.number, limit).await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "reports for an event channel cannot be read");
            ChannelEnd::Unavailable
        })?;
        let found = found.ok_or(ChannelEnd::Unsubscribed)?;
        if found.channel != self.channel {
            // A title that was released and taken again has no channel; nothing of what it is told is for this one.
            return Err(if found.channel == 0 { ChannelEnd::Unsubscribed } else { ChannelEnd::Replaced });
        }
        let behind = found.last.saturating_sub(self.number);
        let is_missing = found.reports.first().map_or(behind > 0, |(first, _)| *first != self.number + 1);
        if is_missing || behind > CHANNEL_REPORTS_MAX as u64 {
            metrics::counter!("yingdun_ups_channels_slow_total").increment(1);
            return Err(ChannelEnd::Slow);
        }
        Ok(found.reports)
    }
}

// === helpers ===

/// Decides again and again, and ends when the answer is no. What was given up in the middle is decided again at once.
async fn refused(core: &Core, session: &Session, next_decision: &mut Instant) -> ChannelEnd {
    let here = Resource::Archive(session.institution().clone());
    loop {
        tokio::time::sleep_until(*next_decision).await;
        match core.access.decide(session, Action::ReadWorklist, &here).await {
            Ok(decision) if decision.permitted => {}
            Ok(_) => {
                // The refusal is a leaf.
                let refusal = core.access.authorise(session, Action::ReadWorklist, here).await;
                tracing::debug!(refused = refusal.is_err(), "an event channel has ended with its session");
                return ChannelEnd::Refused;
            }
            Err(error) => {
                tracing::error!(%error, "whether an event channel may go on cannot be decided");
                return ChannelEnd::Unavailable;
            }
        }
        *next_decision = Instant::now() + DECISION_INTERVAL;
    }
}

//! Event channels: one open queue for each subscriber's title, filled when a change is durable, emptied by a door.
//!
//! A queue has a bound. A subscriber that does not keep up loses its channel, and is told so, rather than single
//! events: it opens a new one and looks what has become of its workitems.

use super::WorkitemError;
use super::report::Report;
use crate::error::Unavailable;
use crate::shared::Core;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use yingdun_access::{Resource, Session};
use yingdun_model::{Action, AeTitle, InstitutionId};

/// Reports that wait for one subscriber: a busy hour of a large hospital. Each takes a kilobyte or less.
pub const CHANNEL_REPORTS_MAX: usize = 1_000;

/// How often it is decided whether the session of a channel may still read the worklist. With what closing takes, a
/// revoked session is out within five seconds.
const DECISION_INTERVAL: Duration = Duration::from_secs(2);

/// Why a channel has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEnd {
    /// The session ended, was revoked, or lost the right.
    Refused,
    /// More than [`CHANNEL_REPORTS_MAX`] reports were waiting.
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
    name: Name,
    number: u64,
    reports: mpsc::Receiver<Report>,
    end: Arc<OnceLock<ChannelEnd>>,
    next_decision: Instant,
    messages: u64,
}

type Name = (InstitutionId, AeTitle);

/// The open channels.
#[derive(Debug, Default)]
pub(super) struct Channels(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last_number: u64,
    by_name: HashMap<Name, Entrance>,
}

/// Where reports go in.
#[derive(Debug)]
struct Entrance {
    number: u64,
    reports: mpsc::Sender<Report>,
    end: Arc<OnceLock<ChannelEnd>>,
}

impl Channels {
    /// Hands reports to those titles that have a channel.
    pub(super) fn publish(&self, institution: &InstitutionId, titles: &[AeTitle], reports: &[Report]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for title in titles {
            let name = (institution.clone(), title.clone());
            for report in reports {
                let Some(entrance) = open.by_name.get(&name) else { break };
                if let Err(TrySendError::Full(_)) = entrance.reports.try_send(report.clone()) {
                    metrics::counter!("yingdun_ups_channels_slow_total").increment(1);
                    close(&mut open, &name, ChannelEnd::Slow);
                }
            }
        }
    }

    /// Ends the channel of a title.
    pub(super) fn end(&self, institution: &InstitutionId, title: &AeTitle, why: ChannelEnd) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        close(&mut open, &(institution.clone(), title.clone()), why);
    }

    /// Opens a channel, in the place of one that the same subscriber has open.
    pub(super) fn open(&self, core: &Arc<Core>, session: &Session, title: AeTitle) -> EventChannel {
        let name = (session.institution().clone(), title);
        let (sender, reports) = mpsc::channel(CHANNEL_REPORTS_MAX);
        let end = Arc::new(OnceLock::new());
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        close(&mut open, &name, ChannelEnd::Replaced);
        open.last_number += 1;
        let number = open.last_number;
        open.by_name.insert(name.clone(), Entrance { number, reports: sender, end: Arc::clone(&end) });
        EventChannel {
            core: Arc::clone(core),
            session: session.clone(),
            name,
            number,
            reports,
            end,
            next_decision: Instant::now() + DECISION_INTERVAL,
            messages: 0,
        }
    }

    fn leave(&self, name: &Name, number: u64) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.by_name.get(name).is_some_and(|entrance| entrance.number == number) {
            open.by_name.remove(name);
        }
    }
}

impl EventChannel {
    /// The next report as a message of JSON, in the order of the changes. May be given up and asked again.
    ///
    /// # Errors
    /// [`ChannelEnd`] says why there are no more.
    pub async fn next(&mut self) -> Result<String, ChannelEnd> {
        let Self { core, session, reports, end, next_decision, messages, .. } = self;
        let report = tokio::select! {
            biased;
            refused = refused(core, session, next_decision) => return Err(refused),
            report = reports.recv() => report,
        };
        let Some(report) = report else {
            return Err(end.get().copied().unwrap_or(ChannelEnd::Unavailable));
        };
        *messages += 1;
        // Message ID (0000,0110) has sixteen bits and is never 0.
        let number = u16::try_from((*messages - 1) % u64::from(u16::MAX) + 1).unwrap_or(u16::MAX);
        Ok(report.message(number))
    }

    /// Ends when the session may not read the worklist any more, while a message is on its way.
    pub async fn refused(&mut self) -> ChannelEnd {
        refused(&self.core, &self.session, &mut self.next_decision).await
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

impl Drop for EventChannel {
    fn drop(&mut self) {
        self.core.ups.channels.leave(&self.name, self.number);
    }
}

// === helpers ===

fn close(open: &mut Open, name: &Name, why: ChannelEnd) {
    if let Some(entrance) = open.by_name.remove(name) {
        // Said before the sender is dropped, so that whoever sees the end finds the reason.
        let _ = entrance.end.set(why);
    }
}

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

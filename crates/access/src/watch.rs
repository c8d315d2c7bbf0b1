//! Who watches: asked before somebody opens a study, and told what was given out. What it says stops somebody; it permits nothing.
//!
//! This room keeps what was said: the leaf, the row, and the refusals that follow. Counting is the business of whoever watches.

use crate::reason::Reason;
use crate::session::Session;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, PatientRef, Stop, StudyRef, Timestamp};

/// Somebody who counts what people open.
pub trait Watch: Send + Sync + fmt::Debug {
    /// A study is about to be opened, and a policy permits it. Must not wait for anything.
    fn opening(&self, opening: &Opening<'_>) -> Watched;

    /// Something of an open study was given out. Must not wait for anything.
    fn given(&self, given: &Given<'_>) -> Watched;

    /// Which steps hold, by what every node wrote down: all of them, each time.
    fn hold(&self, _: &[HeldStep]) {}

    /// How long a reason lasts that somebody gave when asked.
    fn reason_lasts(&self) -> Duration {
        REASON_LASTS
    }

    /// What was counted of somebody is forgotten: another person lifted what was stopped. What is over by itself is not forgiven.
    fn forgive(&self, institution: &InstitutionId, actor: &ActorId, kind: ActorKind);
}

/// How long a reason lasts where whoever watches says nothing else: a shift.
const REASON_LASTS: Duration = Duration::from_secs(8 * 3600);

/// A step that holds for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldStep {
    /// For whom.
    pub actor: ActorId,
    /// A person, a device or a service.
    pub actor_kind: ActorKind,
    /// Which, a word of whoever watches.
    pub step: String,
    /// Since when.
    pub since: Timestamp,
    /// The first moment at which it holds no more.
    pub until: Timestamp,
}

/// A study that is about to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// By whom.
    pub session: &'a Session,
    /// To look at it or to take it out.
    pub action: Action,
    /// Whether one picture of it is copied: a capture or a print.
    pub is_copy: bool,
    /// Whose it is.
    pub patient: PatientRef,
    /// Which.
    pub study: StudyRef,
    /// By which right.
    pub reason: Reason,
    /// What connects the person with the patient, whatever the right rests on: a role that reads everything says nothing of which patients.
    pub tie: Option<Reason>,
    /// Whether the person said why.
    pub is_stated: bool,
    /// When a second factor was last proved in the session.
    pub proved: Option<Timestamp>,
    /// When.
    pub now: Timestamp,
}

/// What is asked of somebody before something opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// To say why.
    Reason,
    /// To prove a second factor again.
    Proof,
    /// To wait.
    Wait {
        /// For so long.
        seconds: u32,
    },
}

/// What was given out.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// To whom.
    pub session: &'a Session,
    /// Whether the glass is broken for the patient.
    pub broken_glass: bool,
    /// How many objects.
    pub instances: u64,
    /// How many bytes.
    pub bytes: u64,
    /// When.
    pub now: Timestamp,
}

/// What whoever watches says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Whether it is not to go on.
    pub stopped: bool,
    /// What is asked before it goes on.
    pub asks: Option<Asks>,
    /// What was noticed.
    pub noticed: Vec<Noticed>,
}

/// Something that was noticed: an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// What, a word for leaves: `monitor-limit`, `monitor-decoy` and so on.
    pub code: &'static str,
    /// What is proposed, a word of whoever watches.
    pub step: &'static str,
    /// What was counted, a word; none where nothing was.
    pub measure: Option<&'static str>,
    /// How much it was.
    pub counted: u64,
    /// How much is well.
    pub at_most: u64,
    /// Within how many minutes.
    pub within_minutes: u32,
    /// What it stops, and until when.
    pub stops: Option<(Stop, Timestamp)>,
    /// Until when a step holds that stops nothing.
    pub holds_until: Option<Timestamp>,
}

/// Nobody watches: for tests, and for work without doors.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn opening(&self, _: &Opening<'_>) -> Watched {
        Watched::default()
    }

    fn given(&self, _: &Given<'_>) -> Watched {
        Watched::default()
    }

    fn forgive(&self, _: &InstitutionId, _: &ActorId, _: ActorKind) {}
}

/// Somebody for whom something may be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    institution: InstitutionId,
    actor: ActorId,
    kind: &'static str,
}

impl Who {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            institution: session.institution().clone(),
            actor: session.actor().clone(),
            kind: session.actor_kind().as_str(),
        }
    }
}

/// Stops of this process: those whose rows are being written, and the bell that rings whenever one begins anywhere.
///
/// A permit remembers how often the bell had rung before its decision. When it rings again, the next look at the permit decides
/// anew: a stop ends open streams with their next piece, and costs everybody else one decision.
#[derive(Debug, Default)]
pub(crate) struct Stops {
    bell: Bell,
    /// What is stopped and not yet written down, of a person only what no other one outlasts and outdoes: one for each kind of stop. What
    /// cannot be written stays until its end.
    pending: Mutex<HashMap<Who, Vec<Pending>>>,
    /// Stops that other nodes or this one wrote down, by the numbers of their alerts.
    known: Mutex<HashMap<u64, (ActorId, ActorKind)>>,
}

/// A stop whose row is being written.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The number of the alert that will be in the row.
    alert: u64,
    stop: Stop,
    until: Timestamp,
}

impl Pending {
    /// Whether it stops all that the other one stops, for as long.
    fn covers(&self, other: &Self) -> bool {
        self.stop >= other.stop && self.until >= other.until
    }
}

/// How often something was stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<AtomicU64>);

impl Bell {
    pub(crate) fn rung(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn ring(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Stops {
    pub(crate) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Stops somebody at once, until the row of this alert is there. Beside a stronger one it says nothing.
    pub(crate) fn begin(&self, who: &Who, alert: u64, stop: Stop, until: Timestamp) {
        let new = Pending { alert, stop, until };
        let mut pending = self.pending();
        let of_person = pending.entry(who.clone()).or_default();
        if !of_person.iter().any(|known| known.covers(&new)) {
            of_person.retain(|known| !new.covers(known));
            of_person.push(new);
        }
        drop(pending);
        self.bell.ring();
    }

    /// The row of this alert is there: it speaks from now on. What other alerts stop stays.
    pub(crate) fn written(&self, who: &Who, alert: u64) {
        let mut pending = self.pending();
        if let Some(of_person) = pending.get_mut(who) {
            of_person.retain(|known| known.alert != alert);
            if of_person.is_empty() {
                pending.remove(who);
            }
        }
    }

    /// What is stopped for somebody and not yet written down.
    pub(crate) fn pending_for(&self, who: &Who, now: Timestamp) -> Option<Stop> {
        let mut pending = self.pending();
        let of_person = pending.get_mut(who)?;
        of_person.retain(|known| now < known.until);
        let most = of_person.iter().map(|known| known.stop).max();
        if most.is_none() {
            pending.remove(who);
        }
        most
    }

    /// Takes what is written down now, steps that stop nothing among it. Rings when something new is stopped; gives the alerts of whom nothing is stopped any more, until they are
    /// [settled](Self::settle).
    pub(crate) fn follow(
        &self,
        now: HashMap<u64, (ActorId, ActorKind)>,
        stops: impl Fn(u64) -> bool,
    ) -> HashMap<u64, (ActorId, ActorKind)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if now.keys().any(|number| stops(*number) && !known.contains_key(number)) {
            self.bell.ring();
        }
        let mut over = std::mem::take(&mut *known);
        over.retain(|number, who| !now.contains_key(number) && !now.values().any(|still| still == who));
        known.extend(over.clone());
        known.extend(now);
        over
    }

    /// What had to be done when this alert was over is done.
    pub(crate) fn settle(&self, number: u64) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<Who, Vec<Pending>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something that a policy permits is stopped. Broken glass is not, and what carries nothing away is stopped by the harder stop only.
pub(crate) const fn is_stopped(stop: Option<Stop>, action: Action, reason: Reason) -> bool {
    if !reason.permits() || reason.is_broken_glass() {
        return false;
    }
    match stop {
        None => false,
        Some(Stop::Export) => matches!(action, Action::Export),
        // Whose account is frozen has no session that stands, so nothing of that person comes this far; what does is stopped.
        Some(Stop::Session | Stop::Account) => {
            matches!(action, Action::List | Action::View | Action::Export)
        }
    }
}

/// Whether a stop is asked for at all with this action.
pub(crate) const fn may_be_stopped(action: Action) -> bool {
    matches!(action, Action::List | Action::View | Action::Export)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_is_what_opens_and_never_broken_glass() {
        for action in Action::ALL {
            let opens = may_be_stopped(*action);
            assert_eq!(
                is_stopped(Some(Stop::Session), *action, Reason::ReadsForInstitution),
                opens,
                "{action}"
            );
            let export = *action == Action::Export;
            assert_eq!(
                is_stopped(Some(Stop::Export), *action, Reason::ExportsForInstitution),
                export,
                "{action}"
            );
            for stop in [None, Some(Stop::Export), Some(Stop::Session), Some(Stop::Account)] {
                for reason in Reason::ALL {
                    // Every word of broken glass goes on, and a refusal keeps its reason.
                    let goes_on = reason.as_str().starts_with("break-glass") || !reason.permits();
                    let stops = !goes_on
                        && match stop {
                            None => false,
                            Some(Stop::Export) => export,
                            Some(Stop::Session | Stop::Account) => opens,
                        };
                    assert_eq!(is_stopped(stop, *action, *reason), stops, "{stop:?} {action} {reason}");
                }
            }
        }
    }

    #[test]
    fn of_two_stops_the_stronger_stays_until_its_own_row_is_there() {
        let (from, later) = (Timestamp::from_ms(0), Timestamp::from_ms(10));
        let who = Who {
            institution: InstitutionId::new("renmin").unwrap(),
            actor: ActorId::new("p").unwrap(),
            kind: ActorKind::Person.as_str(),
        };
        let (session, export) =
            ((1, Stop::Session, later), (2, Stop::Export, later.after(Duration::from_secs(1))));
        for order in [[session, export], [export, session]] {
            let stops = Stops::default();
            for (alert, stop, until) in order {
                stops.begin(&who, alert, stop, until);
            }
            assert_eq!(stops.pending_for(&who, from), Some(Stop::Session), "{order:?}");
            stops.written(&who, 2);
            assert_eq!(stops.pending_for(&who, from), Some(Stop::Session), "the row of another alert");
            stops.written(&who, 1);
            assert_eq!(stops.pending_for(&who, from), None);
        }
        let stops = Stops::default();
        stops.begin(&who, 1, Stop::Session, later);
        stops.begin(&who, 2, Stop::Export, later.after(Duration::from_secs(1)));
        assert_eq!(stops.pending_for(&who, later), Some(Stop::Export), "each to its own end");
        for alert in 3..1000 {
            stops.begin(&who, alert, Stop::Export, later.after(Duration::from_millis(alert)));
        }
        assert_eq!(stops.pending().get(&who).map(Vec::len), Some(1), "bounded");
        assert_eq!(stops.pending_for(&who, later.after(Duration::from_secs(3600))), None);
        assert!(stops.pending().is_empty());
    }

    #[test]
    fn the_bell_rings_for_what_is_new_and_what_is_over_is_told_until_it_is_settled() {
        let stops = Stops::default();
        let one = |number: u64| HashMap::from([(number, (ActorId::new("p").unwrap(), ActorKind::Person))]);
        assert!(stops.follow(one(1), |_| true).is_empty());
        assert_eq!(stops.bell().rung(), 1);
        assert!(stops.follow(one(1), |_| true).is_empty());
        assert_eq!(stops.bell().rung(), 1);
        assert_eq!(stops.bell().rung(), 1);
        assert!(stops.follow(one(2), |_| false).is_empty(), "still stopped by another alert");
        assert_eq!(stops.follow(HashMap::new(), |_| true), one(2));
        assert_eq!(
            stops.follow(HashMap::new(), |_| true),
            one(2),
            "whoever could not ask about it asks again"
        );
        stops.settle(2);
        assert!(stops.follow(HashMap::new(), |_| true).is_empty());
    }
}

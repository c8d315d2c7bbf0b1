//! What the viewer of a browser tells of itself: a key, a print, a window that lost focus, a mark that was taken away. Each is about the own session only,
//! proves nothing that a browser does not tell, and stops nobody: it is written down, a kind once a minute; how often it was told within that
//! minute is a second leaf when it is over, so that nobody hides behind a first signal.

use super::problems::unavailable;
use crate::dicomweb::problems::of_unavailable;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use yingdun_access::{Session, session_leaf};
use yingdun_audit::{AuditError, Counts, Event, EventKind, Log, Outcome, ReasonCode};
use yingdun_model::{ActorKind, StudyRef, Uid, word_enum};

word_enum! {
    /// What was told.
    SignalKind, "kind of signal" {
        /// The key for a picture of the screen was let go; whether there is a picture, no page knows.
        PrintKey => "print-key",
        /// The browser was asked to print.
        Print => "print",
        /// The page, or a picture of it, was to be saved.
        Save => "save",
        /// Something was to be copied or dragged away.
        Copy => "copy",
        /// The window lost focus, as it also does for a program that takes pictures of a screen.
        Unfocused => "unfocused",
        /// The page was hidden.
        Hidden => "hidden",
        /// The mark over the pictures was taken away.
        MarkRemoved => "mark-removed",
    }
}

impl SignalKind {
    const fn reason(self) -> ReasonCode {
        match self {
            Self::PrintKey => ReasonCode::new("signal-print-key"),
            Self::Print => ReasonCode::new("signal-print"),
            Self::Save => ReasonCode::new("signal-save"),
            Self::Copy => ReasonCode::new("signal-copy"),
            Self::Unfocused => ReasonCode::new("signal-unfocused"),
            Self::Hidden => ReasonCode::new("signal-hidden"),
            Self::MarkRemoved => ReasonCode::new("signal-mark-removed"),
        }
    }

    /// Whether the page saw the thing itself, and not something that happens for other reasons, too.
    const fn is_observed(self) -> bool {
        !matches!(self, Self::Unfocused | Self::Hidden)
    }
}

/// One leaf for each kind within this time.
const LEAF_PER: Duration = Duration::from_secs(60);

/// How often it is looked whether a minute is over.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Sessions that are remembered, some hundred bytes each. When there are more, all are forgotten: a leaf more a minute is what that costs, and what
/// was not told yet.
const SESSIONS_MAX: usize = 8192;

/// What was told by sessions of late. `A` is what a leaf is about.
#[derive(Debug)]
pub(crate) struct Signals<A = About> {
    told: Mutex<HashMap<String, Told<A>>>,
    began: Instant,
}

/// By whom, and with what on the screen.
#[derive(Clone)]
pub(crate) struct About {
    session: Session,
    study: Option<StudyRef>,
}

impl<A> Default for Signals<A> {
    fn default() -> Self {
        Self { told: Mutex::default(), began: Instant::now() }
    }
}

#[derive(Debug)]
struct Told<A> {
    /// The page that told last, and its last number.
    page: String,
    number: u64,
    /// Numbers of it that never came.
    missing: u64,
    kinds: HashMap<SignalKind, Minute<A>>,
}

impl<A> Default for Told<A> {
    fn default() -> Self {
        Self { page: String::new(), number: 0, missing: 0, kinds: HashMap::new() }
    }
}

#[derive(Debug)]
struct Minute<A> {
    /// Since this room began.
    since: Duration,
    /// How often since the leaf.
    more: u64,
    /// What the last of them was about.
    about: A,
}

/// What the leaf says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leaf {
    times: u64,
    missing: u64,
}

/// A leaf that is due.
#[derive(Debug, PartialEq, Eq)]
struct Due<A> {
    session: String,
    kind: SignalKind,
    about: A,
    leaf: Leaf,
}

impl<A: Clone> Signals<A> {
    /// Takes note; gives what is to be written down now, if anything.
    fn note(
        &self,
        session: &str,
        (page, number): (&str, u64),
        (kind, times): (SignalKind, u64),
        about: &A,
        now: Duration,
    ) -> Option<Leaf> {
        let mut told = self.told();
        if told.len() >= SESSIONS_MAX && !told.contains_key(session) {
            told.clear();
        }
        let told = told.entry(session.to_owned()).or_default();
        if told.page == page {
            told.missing = told.missing.saturating_add(number.saturating_sub(told.number.saturating_add(1)));
            told.number = told.number.max(number);
        } else {
            page.clone_into(&mut told.page);
            told.missing = told.missing.saturating_add(number.saturating_sub(1));
            told.number = number;
        }
        match told.kinds.get_mut(&kind) {
            Some(minute) if now < minute.since + LEAF_PER => {
                minute.more = minute.more.saturating_add(times);
                minute.about = about.clone();
                None
            }
            before => {
                let more = before.map_or(0, |minute| minute.more);
                told.kinds.insert(kind, Minute { since: now, more: 0, about: about.clone() });
                Some(Leaf { times: times.saturating_add(more), missing: std::mem::take(&mut told.missing) })
            }
        }
    }

    /// What was told behind a leaf whose minute is over, or however long that is ago, for who ends.
    fn due(&self, now: Duration, is_end: bool) -> Vec<Due<A>> {
        let mut due = Vec::new();
        for (session, told) in &mut *self.told() {
            for (kind, minute) in &mut told.kinds {
                if minute.more == 0 || (now < minute.since + LEAF_PER && !is_end) {
                    continue;
                }
                minute.since = now;
                let leaf = Leaf {
                    times: std::mem::take(&mut minute.more),
                    missing: std::mem::take(&mut told.missing),
                };
                due.push(Due { session: session.clone(), kind: *kind, about: minute.about.clone(), leaf });
            }
        }
        due
    }

    /// Takes back what the log did not take: it is due again when the minute is over.
    fn take_back(&self, Due { session, kind, about, leaf }: Due<A>, now: Duration) {
        let mut told = self.told();
        let Some(told) = told.get_mut(&session) else { return };
        told.missing = told.missing.saturating_add(leaf.missing);
        let minute = told.kinds.entry(kind).or_insert(Minute { since: now, more: 0, about });
        minute.more = minute.more.saturating_add(leaf.times);
    }

    fn told(&self) -> std::sync::MutexGuard<'_, HashMap<String, Told<A>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// Writes down what was told behind a leaf, soon after its minute is over, and all of it when the door has closed.
    pub(crate) async fn keep(self: Arc<Self>, log: Log, closed: CancellationToken) {
        loop {
            let goes_on = closed.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some();
            for due in self.due(self.began.elapsed(), !goes_on) {
                if let Err(error) = write(&log, due.kind, &due.about, due.leaf).await {
                    tracing::warn!(%error, "what a viewer told could not be written down; it is tried again");
                    self.take_back(due, self.began.elapsed());
                }
            }
            if !goes_on {
                return;
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalBody {
    kind: String,
    page: String,
    number: u64,
    #[serde(default = "once")]
    times: u64,
    study: Option<String>,
}

/// Takes a signal of the own session.
pub(crate) async fn tell(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let session = call.session()?;
    if session.actor_kind() != ActorKind::Person {
        return Err(Problem::new(Kind::Forbidden).expected("the session of a person"));
    }
    let body: SignalBody = json_of(body).await?;
    let kind: SignalKind =
        body.kind.parse().map_err(|_| Problem::bad_request("a kind of signal", "another word"))?;
    let study = match body.study.as_deref() {
        None => None,
        Some(text) => {
            let uid = Uid::new(text)
                .map_err(|error| Problem::bad_request("a UID as `study`", error.to_string()))?;
            let reference = call.service.archive.study_reference(session.institution(), &uid).await;
            Some(reference.map_err(|error| of_unavailable(&error))?)
        }
    };
    let (place, said) = ((body.page.as_str(), body.number), (kind, body.times.max(1)));
    let (signals, about) = (&call.service.signals, About { session: session.clone(), study });
    let reference = session.reference();
    if let Some(leaf) = signals.note(&reference, place, said, &about, signals.began.elapsed()) {
        let written = write(&call.service.audit, kind, &about, leaf).await;
        written.map_err(|error| {
            signals.take_back(Due { session: reference, kind, about, leaf }, signals.began.elapsed());
            unavailable(&error)
        })?;
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

async fn write(log: &Log, kind: SignalKind, about: &About, leaf: Leaf) -> Result<(), AuditError> {
    let counts = Counts::new().with("times", leaf.times).with("observed", u64::from(kind.is_observed()));
    let counts = if leaf.missing > 0 { counts.with("missing", leaf.missing) } else { counts };
    let event = Event {
        kind: EventKind::Signal,
        outcome: Outcome::Succeeded,
        study: about.study,
        counts,
        ..session_leaf(&about.session, kind.reason())
    };
    log.append_one(event).await.map(drop)
}

const fn once() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// About nothing.
    type Told = Signals<u8>;

    #[test]
    fn a_kind_is_a_leaf_once_a_minute_and_says_how_often_it_was_between() {
        let signals = Told::default();
        let note = |number, kind, now| signals.note("s", ("p", number), (kind, 1), &0, at(now));
        let (hidden, print) = (SignalKind::Hidden, SignalKind::Print);
        assert_eq!(note(1, hidden, 0), Some(Leaf { times: 1, missing: 0 }));
        assert_eq!(note(2, hidden, 1), None);
        assert_eq!(note(3, hidden, 59), None);
        assert_eq!(note(4, print, 59), Some(Leaf { times: 1, missing: 0 }), "another kind");
        assert_eq!(note(5, hidden, 60), Some(Leaf { times: 3, missing: 0 }));
        let other = signals.note("t", ("p", 1), (hidden, 1), &0, at(60));
        assert_eq!(other, Some(Leaf { times: 1, missing: 0 }), "another session");
    }

    #[test]
    fn who_tells_no_more_is_told_of_when_the_minute_is_over() {
        let signals = Told::default();
        let note = |number, about: u8, now| {
            signals.note("s", ("p", number), (SignalKind::Print, 1), &about, at(now))
        };
        let due = |now, is_end| {
            signals.due(at(now), is_end).into_iter().map(|due| (due.about, due.leaf)).collect::<Vec<_>>()
        };
        assert!(note(1, 1, 0).is_some());
        assert!(due(60, true).is_empty(), "the leaf has said it");
        assert_eq!((note(2, 1, 1), note(5, 2, 2)), (None, None));
        assert!(due(59, false).is_empty());
        assert_eq!(due(60, false), [(2, Leaf { times: 2, missing: 2 })]);
        assert!(due(200, true).is_empty(), "told once");
        // That one was a leaf of its minute, too.
        assert_eq!(note(6, 3, 119), None);
        assert_eq!(due(61, true), [(3, Leaf { times: 1, missing: 0 })], "who ends waits for no minute");
    }

    #[test]
    fn what_the_log_did_not_take_is_due_again() {
        let signals = Told::default();
        let kind = SignalKind::Save;
        let leaf = signals.note("s", ("p", 3), (kind, 4), &7, at(0)).unwrap();
        signals.take_back(Due { session: "s".to_owned(), kind, about: 7, leaf }, at(0));
        assert!(signals.due(at(1), false).is_empty());
        let due = || signals.due(at(60), false);
        let first = due();
        let again = Due { session: "s".to_owned(), kind, about: 7, leaf: Leaf { times: 4, missing: 2 } };
        assert_eq!(first, [again]);
        assert!(due().is_empty());
        for due in first {
            signals.take_back(due, at(60));
        }
        assert_eq!(signals.due(at(120), false).len(), 1);
    }

    #[test]
    fn a_number_that_never_came_is_told_with_the_next_leaf() {
        let signals = Told::default();
        let note = |page, number, now| signals.note("s", (page, number), (SignalKind::Copy, 1), &0, at(now));
        assert_eq!(note("a", 1, 0), Some(Leaf { times: 1, missing: 0 }));
        assert_eq!(note("a", 4, 1), None);
        assert_eq!(note("a", 5, 100), Some(Leaf { times: 2, missing: 2 }));
        assert_eq!(note("a", 5, 200), Some(Leaf { times: 1, missing: 0 }), "told once");
        assert_eq!(note("b", 3, 300), Some(Leaf { times: 1, missing: 2 }), "another page begins at 1");
    }

    #[test]
    fn sessions_are_kept_within_their_bound() {
        let signals = Told::default();
        for number in 0..SESSIONS_MAX * 2 + 3 {
            signals.note(&number.to_string(), ("p", 1), (SignalKind::Save, 1), &0, at(0));
            assert!(signals.told.lock().unwrap().len() <= SESSIONS_MAX);
        }
    }
}

//! Access windows: one leaf, one unwrapped key, many reads of one study by one session for one purpose.
//!
//! A viewer asks for the three hundred frames of a series one by one. Each is covered by the leaf that opened
//! the study for that session, for at most a minute, and the decision behind it is taken again every few
//! seconds, so that a revoked right ends an open stream. A closing leaf says how much was read. Whoever needs
//! a study key gets it here and nowhere else: key unwraps and access leaves are counted at this one place
//! (promise I1).

use crate::error::Unavailable;
use crate::kept::{self, KEPT_BYTES_MAX, Kept};
use crate::part::OpenObject;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use yingdun_access::{
    Access, LEAF_WINDOW, Permit, Reason, Refusal, Resource, Session, SessionId, StudyFacts, session_leaf,
};
use yingdun_audit::{Counts, Event, EventKind, Log, Outcome, ReasonCode};
use yingdun_crypto::SealingKey;
use yingdun_keys::{KeyStore, KeysError, StudyKey};
use yingdun_model::{Action, Clock, InstanceRef, PatientRef, PurposeOfUse, StudyRef, Timestamp};

/// Windows kept at once, of about a kilobyte each and what their open objects need. Above it the oldest ones are closed;
/// whoever comes back to their study makes a new leaf.
const WINDOWS_MAX: usize = 8192;

/// How many windows are closed at once when there are too many, so that it happens seldom.
const WINDOWS_CLOSED_AT_ONCE: usize = WINDOWS_MAX / 8;

/// How often ended windows are swept and their closing leaves written.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often a decision is taken again because somebody was stopped between it and its key.
const RENEWALS_MAX: u32 = 8;

/// What a caller is told when the program stops while a window is being opened.
const BROKEN_OFF: &str = "the archive is being closed";

const CLOSED: ReasonCode = ReasonCode::new("window-closed");

/// The study key of one session for one study, and the permit that it stands on.
#[derive(Debug)]
pub(crate) struct StudyWindow {
    access: Access,
    permit: Permit,
    key: StudyKey,
    session: Session,
    facts: StudyFacts,
    opened: Timestamp,
    instances: AtomicU64,
    bytes: AtomicU64,
    objects: Kept<ObjectName, OpenObject>,
}

/// An instance and its version.
pub(crate) type ObjectName = (InstanceRef, u32);

impl StudyWindow {
    pub(crate) const fn key(&self) -> &SealingKey {
        self.key.key()
    }

    /// The key, with what identifies it.
    pub(crate) const fn study_key(&self) -> &StudyKey {
        &self.key
    }

    /// The number of its leaf.
    pub(crate) const fn leaf(&self) -> u64 {
        self.permit.leaf_index()
    }

    /// When it was opened.
    pub(crate) const fn opened_at(&self) -> Timestamp {
        self.opened
    }

    /// Which key of the study it is.
    pub(crate) const fn key_made(&self) -> Timestamp {
        self.key.made()
    }

    /// The study, as its key row and the catalogue describe it.
    pub(crate) const fn facts(&self) -> &StudyFacts {
        &self.facts
    }

    /// Whether these are the facts that the window was decided on.
    fn is_about(&self, facts: &StudyFacts) -> bool {
        // The moment of arrival is that of the clock until the study is catalogued, and differs by a little then.
        let StudyFacts { institution, study, patient, grade, received: _ } = &self.facts;
        (institution, study, patient, grade)
            == (&facts.institution, &facts.study, &facts.patient, &facts.grade)
    }

    /// An object that was opened under this window before.
    pub(crate) fn opened(&self, name: &ObjectName) -> Option<Arc<OpenObject>> {
        self.objects.get(name)
    }

    /// Keeps an object open as long as the window is, if there is room.
    pub(crate) fn keep(&self, name: ObjectName, object: Arc<OpenObject>) {
        let bytes = object.layout_bytes;
        self.objects.keep(name, object, bytes);
    }

    /// Whether nothing was counted yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.instances.load(Ordering::Relaxed) == 0
    }

    /// Adds to the closing count, and tells whoever watches.
    pub(crate) fn count(&self, instances: u64, bytes: u64) {
        self.instances.fetch_add(instances, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.access.given_out(&self.session, &self.permit, instances, bytes);
    }

    fn closing_leaf(&self) -> Event {
        Event {
            kind: EventKind::AccessClosed,
            outcome: Outcome::Succeeded,
            role: Some(self.permit.role()),
            purpose: Some(self.permit.purpose()),
            action: Some(self.permit.action()),
            patient: Some(self.facts.patient),
            study: Some(self.facts.study),
            policy_set: Some(*self.permit.policy_set()),
            counts: Counts::new()
                .with("leaf", self.permit.leaf_index())
                .with("instances", self.instances.load(Ordering::Relaxed))
                .with("bytes", self.bytes.load(Ordering::Relaxed)),
            ..session_leaf(&self.session, CLOSED)
        }
    }
}

/// Why a window was not opened.
#[derive(Debug)]
pub(crate) enum Closed {
    Refused(Refusal),
    Key(KeysError),
    /// The program is stopping.
    BrokenOff,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct WindowName {
    session: SessionId,
    purpose: PurposeOfUse,
    action: Action,
    study: StudyRef,
}

type Slot = Arc<Mutex<Option<Arc<StudyWindow>>>>;

/// All open windows of this process.
#[derive(Debug)]
pub(crate) struct Windows {
    access: Access,
    keys: KeyStore,
    audit: Log,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<WindowName, Slot>>,
    /// What open objects may take together.
    kept: Arc<Semaphore>,
    /// Facts of studies with a window, so that a stream of instances does not ask the catalogue each time, and so
    /// that a new study has its facts before its first row is catalogued.
    facts: std::sync::Mutex<HashMap<StudyRef, StudyFacts>>,
}

impl Windows {
    pub(crate) fn new(access: Access, keys: KeyStore, audit: Log, clock: Arc<dyn Clock>) -> Self {
        let kept = kept::budget(KEPT_BYTES_MAX);
        Self { access, keys, audit, clock, slots: Mutex::default(), kept, facts: std::sync::Mutex::default() }
    }

    /// The open window of this session for this study and action, or a new one: decision, durable leaf, key.
    ///
    /// The study key must exist; [`Self::enter_to_put`] makes it.
    ///
    /// Callers hold futures that they do not poll for a while, such as the parts of an answer that wait for the
    /// network. A lock that such a future held, or was handed in its turn, would stop everybody else. So a caller
    /// never waits for a lock itself: what is open is taken without waiting, all else is done by a task of its own.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        session: &Session,
        action: Action,
        facts: &StudyFacts,
    ) -> Result<Arc<StudyWindow>, Closed> {
        self.enter_or_make(session, action, facts, None).await
    }

    /// The open window to put an object into this study, or a new one. Whoever stores may begin a study: its key is made when it is new, for
    /// the patient that the object names, since what was known of the study before it was destroyed says nothing of the one that comes now.
    /// Who adds to a study by another right finds it there.
    pub(crate) async fn enter_to_put(
        self: &Arc<Self>,
        session: &Session,
        action: Action,
        facts: &StudyFacts,
        named: PatientRef,
    ) -> Result<Arc<StudyWindow>, Closed> {
        let new_of = (action == Action::Store).then_some(named);
        self.enter_or_make(session, action, facts, new_of).await
    }

    async fn enter_or_make(
        self: &Arc<Self>,
        session: &Session,
        action: Action,
        facts: &StudyFacts,
        new_of: Option<PatientRef>,
    ) -> Result<Arc<StudyWindow>, Closed> {
        let name =
            WindowName { session: session.id(), purpose: session.purpose(), action, study: facts.study };
        if let Some(window) = self.holding(&name, facts) {
            return Ok(window);
        }
        let (windows, session, facts) = (Arc::clone(self), session.clone(), facts.clone());
        let entered =
            tokio::spawn(async move { windows.enter_in_turn(name, &session, &facts, new_of).await }).await;
        entered.unwrap_or(Err(Closed::BrokenOff))
    }

    /// The window of this name, if its decision is fresh and nobody is changing it at this moment.
    fn holding(&self, name: &WindowName, facts: &StudyFacts) -> Option<Arc<StudyWindow>> {
        let slots = self.slots.try_lock().ok()?;
        let slot = slots.get(name)?.try_lock().ok()?;
        let window = slot.as_ref()?;
        (window.is_about(facts) && window.permit.holds_at(self.clock.now())).then(|| Arc::clone(window))
    }

    async fn enter_in_turn(
        &self,
        name: WindowName,
        session: &Session,
        facts: &StudyFacts,
        new_of: Option<PatientRef>,
    ) -> Result<Arc<StudyWindow>, Closed> {
        let action = name.action;
        let slot = self.slot(name).await;
        // One opener at a time per slot: two requests that arrive together share one leaf.
        let mut slot = slot.lock().await;
        if let Some(window) = slot.as_ref() {
            let same_facts = window.is_about(facts);
            if same_facts && window.permit.holds_at(self.clock.now()) {
                return Ok(Arc::clone(window));
            }
            // Another process may have destroyed the study meanwhile.
            let stands = same_facts && self.keys.still_stands(&window.key).await.map_err(Closed::Key)?;
            let renewed = if stands { Some(self.access.renew(session, &window.permit).await) } else { None };
            let refused = match renewed {
                Some(Ok(())) => return Ok(Arc::clone(window)),
                // The minute is over, or the study is described anew, or its key is gone: decide again and write a new leaf.
                None => None,
                Some(Err(refusal)) if refusal.reason() == Some(Reason::LeafWindowOver) => None,
                Some(Err(refusal)) => Some(refusal),
            };
            if let Some(ended) = slot.take() {
                self.close(vec![ended]).await;
            }
            if let Some(refusal) = refused {
                return Err(Closed::Refused(refusal));
            }
        }
        let permit = self
            .access
            .authorise(session, action, Resource::Study(facts.clone()))
            .await
            .map_err(Closed::Refused)?;
        let key = key_for(&self.access, &self.keys, session, &permit, new_of).await;
        let key = key.map_err(Closed::Refused)?.map_err(|error| {
            if matches!(error, KeysError::OtherFacts | KeysError::NoKey) {
                // They are those of a study that was destroyed, at another node perhaps.
                self.facts_of_open().remove(&facts.study);
            }
            Closed::Key(error)
        })?;
        // The key row decides whose study it is: the first sender of a study settled that.
        let facts = StudyFacts { patient: key.patient(), grade: key.grade(), ..facts.clone() };
        let window = Arc::new(StudyWindow {
            access: self.access.clone(),
            permit,
            key,
            session: session.clone(),
            facts: facts.clone(),
            opened: self.clock.now(),
            instances: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            objects: Kept::new(Arc::clone(&self.kept)),
        });
        *slot = Some(Arc::clone(&window));
        self.facts_of_open().insert(facts.study, facts);
        Ok(window)
    }

    /// The facts of a study that has an open window.
    pub(crate) fn known_facts(&self, study: StudyRef) -> Option<StudyFacts> {
        self.facts_of_open().get(&study).cloned()
    }

    fn facts_of_open(&self) -> std::sync::MutexGuard<'_, HashMap<StudyRef, StudyFacts>> {
        self.facts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Removes windows whose minute is over and writes their closing leaves.
    pub(crate) async fn sweep(&self) {
        let now = self.clock.now();
        let mut ended = Vec::new();
        self.slots.lock().await.retain(|_, slot| {
            // A slot that is being opened is in use.
            let Ok(mut window) = slot.try_lock() else { return true };
            if window.as_ref().is_some_and(|window| now < window.opened.after(LEAF_WINDOW)) {
                return true;
            }
            ended.extend(window.take());
            Arc::strong_count(slot) > 1
        });
        self.close(ended).await;
    }

    /// Ends every window of a study whose key is gone, and forgets the key. Whoever opens one at this moment is waited for; whoever
    /// comes later finds no key.
    pub(crate) async fn end_study(&self, study: StudyRef) {
        let of_study = |(name, slot): (&WindowName, &Slot)| (name.study == study).then(|| Arc::clone(slot));
        let slots: Vec<Slot> = self.slots.lock().await.iter().filter_map(of_study).collect();
        let mut ended = Vec::with_capacity(slots.len());
        for slot in slots {
            ended.extend(slot.lock().await.take());
        }
        self.close(ended).await;
        self.facts_of_open().remove(&study);
    }

    /// Ends every window, at shutdown.
    pub(crate) async fn close_all(&self) {
        let slots: Vec<Slot> = self.slots.lock().await.drain().map(|(_, slot)| slot).collect();
        let mut ended = Vec::with_capacity(slots.len());
        for slot in slots {
            ended.extend(slot.lock().await.take());
        }
        self.close(ended).await;
    }

    async fn slot(&self, name: WindowName) -> Slot {
        let mut slots = self.slots.lock().await;
        let mut ended = Vec::new();
        if slots.len() >= WINDOWS_MAX && !slots.contains_key(&name) {
            ended = oldest(&mut slots);
        }
        let slot = Arc::clone(slots.entry(name).or_default());
        drop(slots);
        self.close(ended).await;
        slot
    }

    /// Closing counts are a service to the reader of the log, not a condition of care: when the log does not
    /// take them it has failed, and then nothing opens any more.
    async fn close(&self, ended: Vec<Arc<StudyWindow>>) {
        for window in &ended {
            self.facts_of_open().remove(&window.facts.study);
        }
        let leaves: Vec<Event> = ended.iter().map(|window| window.closing_leaf()).collect();
        for batch in leaves.chunks(Log::APPEND_EVENTS_MAX) {
            if let Err(error) = self.audit.append(batch.to_vec()).await {
                tracing::error!(%error, "closing counts were not written to the audit log");
            }
        }
    }
}

/// Takes out the slots that nobody uses at this moment: all empty ones, and of the open ones the oldest.
fn oldest(slots: &mut HashMap<WindowName, Slot>) -> Vec<Arc<StudyWindow>> {
    slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|w| w.is_some()));
    let unused = slots.iter().filter(|(_, slot)| Arc::strong_count(slot) == 1);
    let opened = |slot: &Slot| slot.try_lock().ok().and_then(|window| Some(window.as_ref()?.opened));
    let mut names: Vec<(Option<Timestamp>, WindowName)> =
        unused.map(|(name, slot)| (opened(slot), name.clone())).collect();
    names.sort_unstable_by_key(|(opened, _)| *opened);
    names.truncate(WINDOWS_CLOSED_AT_ONCE);
    let taken = names.iter().filter_map(|(_, name)| slots.remove(name));
    taken.filter_map(|slot| slot.try_lock().ok().and_then(|mut window| window.take())).collect()
}

impl From<Closed> for Unavailable {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Refused(refusal) => Self::new("access", refusal),
            Closed::BrokenOff => Self::new("archive", BROKEN_OFF),
            Closed::Key(error) => Self::new("keys", error),
        }
    }
}
/// The key for a permit. When anybody is stopped while its leaf is written, every decision is due again: this one is taken then, under the
/// same leaf.
pub(crate) async fn key_for(
    access: &Access,
    keys: &KeyStore,
    session: &Session,
    permit: &Permit,
    new_of: Option<PatientRef>,
) -> Result<Result<StudyKey, KeysError>, Refusal> {
    let mut renewals_left = RENEWALS_MAX;
    loop {
        let key = if matches!(permit.action(), Action::Store | Action::MarkKeyImages) {
            keys.study_key_for_store(permit, new_of).await
        } else {
            keys.unwrap(permit).await
        };
        match key {
            Err(KeysError::PermitExpired) if renewals_left > 0 => {
                renewals_left -= 1;
                access.renew(session, permit).await?;
            }
            answer => return Ok(answer),
        }
    }
}

//! The scrub: reads every sealed pack of every replica, again and again, so that damage is found while a good copy is
//! left and not when somebody asks for the image.
//!
//! One thread per replica walks through its packs by number, at the pace that ends the pass in time, and remembers how
//! far it is on that replica. What it finds goes the way of everything that is found: quarantine, repair, event.

mod check;
mod fresh;
mod note;
mod plan;

pub(crate) use note::{Note, Tally};
pub(crate) use plan::{COURTESY_LATE, Step, pause};

use super::Store;
use super::offsite::Offsite;
use super::shared::{Shared, Signal};
use super::state::{Copy, Phase};
use crate::replica::{Backend, Note as NoteName, read_note};
use crate::{Disk, ReplicaId, ReplicaState, ScrubPass, ScrubState, ScrubStatus, StoreEvent};
use metrics::{counter, gauge};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use yingdun_model::{Clock, SystemClock, Timestamp};

/// A start reads much by itself, and people wait for it: no pass goes on before this, unless it is in a hurry.
const REST_AFTER_OPEN: Duration = Duration::from_secs(60);

/// How often a scrub that has nothing to do looks whether that is still so.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often a pass that cannot go on looks whether it can: its replica is away, or a pack is just being sealed.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How often it is written down how far a pass is: more often would cost syncs, less often repeats work after a crash.
const REMEMBER_EVERY: Duration = Duration::from_secs(5);

/// How long a pass makes room after somebody else read or wrote: who reads a study asks for its next image within this.
const OTHERS_STAY: Duration = Duration::from_millis(250);

/// The shortest sleep: shorter ones are saved up.
const SLEEP_MIN: Duration = Duration::from_millis(5);

/// The scrub of one replica, as others see it.
#[derive(Debug, Default)]
pub(crate) struct Scrub {
    pub(crate) signal: Signal,
    wanted_now: AtomicBool,
    forgotten: AtomicBool,
    view: Mutex<View>,
}

#[derive(Clone, Debug, Default)]
struct View {
    note: Note,
    bytes_per_second: u64,
}

/// The last full pass over a replica, read from its folder alone, also beside a store that has it open.
///
/// # Errors
/// What the operating system reports.
pub fn last_scrub(disk: &dyn Disk, replica_directory: &Path) -> io::Result<Option<ScrubPass>> {
    let bytes = read_note(disk, replica_directory, NoteName::Scrub)?;
    Ok(bytes.as_deref().and_then(Note::decode).and_then(|note| note.last))
}

impl Store {
    /// Begins a full pass over every replica now, as fast as others leave room for; passes that are in a hurry already
    /// go on. What has been acknowledged until now is part of it.
    pub fn scrub_now(&self) {
        let shared = self.shared();
        shared.state().close_written();
        shared.keeper.wake();
        for scrub in &shared.scrubs {
            if !scrub.view().note.hurried {
                scrub.wanted_now.store(true, Ordering::SeqCst);
                scrub.signal.wake();
            }
        }
        shared.offsite.iter().for_each(Offsite::check_now);
    }
}

impl Note {
    /// What the pass that is noted does next.
    pub(crate) fn due(&self, now: Timestamp, interval: Duration) -> Step {
        plan::step(self, now, interval)
    }
}

impl Scrub {
    /// Takes up what a replica remembers; what cannot be read is not remembered.
    pub(crate) fn recall(backend: &dyn Backend) -> Self {
        let kept = backend.note(NoteName::Scrub).ok().flatten();
        let note = kept.as_deref().and_then(Note::decode).unwrap_or_default();
        Self { view: Mutex::new(View { note, bytes_per_second: 0 }), ..Self::default() }
    }

    /// How the scrub stands; `bytes_from` counts the bytes of packs from a number on.
    pub(crate) fn status(&self, bytes_from: impl Fn(u64) -> u64) -> ScrubStatus {
        let View { note, bytes_per_second } = self.view().clone();
        let running = note.next_pack.is_some() || self.wanted_now.load(Ordering::SeqCst);
        ScrubStatus {
            state: if running { ScrubState::Running } else { ScrubState::Resting },
            begun_ms: note.begun.filter(|_| running).map(Timestamp::as_ms),
            checked_bytes: note.done.bytes,
            bytes_left: note.next_pack.map_or(0, bytes_from),
            checked_records: note.done.records,
            found: note.done.found,
            lost: note.done.lost,
            bytes_per_second,
            last: note.last,
        }
    }

    /// Forgets what was checked, because the replica has another folder now, and begins.
    pub(crate) fn begin_anew(&self) {
        self.forgotten.store(true, Ordering::SeqCst);
        self.signal.wake();
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the store stops.
pub(crate) fn run(shared: &Shared, index: usize) {
    let Some(scrub) = shared.scrubs.get(index) else { return };
    let note = scrub.view().note.clone();
    let others = Others { done: shared.foreground.load(Ordering::Relaxed), last: None };
    let mut work = Work { shared, scrub, index, note, remembered: Instant::now(), others };
    let opened = Instant::now();
    while !shared.stopping() {
        if scrub.forgotten.swap(false, Ordering::SeqCst) {
            work.note = Note::default();
        }
        if scrub.wanted_now.load(Ordering::SeqCst) {
            work.note.begin(SystemClock.now(), true);
            // Shown before it is no longer wanted: at no moment does it look as if the pass were through.
            work.show(0);
            scrub.wanted_now.store(false, Ordering::SeqCst);
            work.remember();
        }
        work.tell_age();
        let pause = match work.step(opened.elapsed()) {
            Step::Rest(pause) => pause,
            Step::Begin => {
                shared.state().close_written();
                shared.keeper.wake();
                work.note.begin(SystemClock.now(), false);
                work.remember();
                Duration::ZERO
            }
            Step::GoOn => work.go_on(),
        };
        if !pause.is_zero() {
            scrub.signal.wait(pause.min(LOOK_EVERY));
        }
    }
    if work.note.next_pack.is_some() {
        work.remember();
    }
}

/// The work of one thread.
struct Work<'a> {
    shared: &'a Shared,
    scrub: &'a Scrub,
    index: usize,
    note: Note,
    remembered: Instant,
    others: Others,
}

/// Who else reads and writes.
#[derive(Debug)]
struct Others {
    /// What they had done at the last look.
    done: u64,
    /// When something was seen of them last.
    last: Option<Instant>,
}

impl Others {
    /// Whether there are some, by what they have done until now.
    fn are_there(&mut self, done: u64, now: Instant) -> bool {
        if std::mem::replace(&mut self.done, done) != done {
            self.last = Some(now);
        }
        self.last.is_some_and(|last| now.saturating_duration_since(last) < OTHERS_STAY)
    }
}

/// What a pass finds next.
enum Ahead {
    /// A pack with its length.
    Pack(u64, u64),
    /// A pack that is being sealed.
    Soon,
    /// Nothing: the pass is through.
    End,
}

impl Work<'_> {
    /// Tells the metrics how long ago the last full pass was.
    fn tell_age(&self) {
        const DAY_MS: f64 = 24.0 * 3600.0 * 1000.0;
        if let Some(last) = self.note.last {
            let age_ms = SystemClock.now().as_ms().saturating_sub(last.ended_ms).max(0);
            gauge!("yingdun_storage_scrub_age_days", "replica" => self.shared.label(self.index))
                .set(age_ms as f64 / DAY_MS);
        }
    }

    fn step(&self, since_open: Duration) -> Step {
        if !self.note.hurried && since_open < REST_AFTER_OPEN {
            return Step::Rest(REST_AFTER_OPEN.saturating_sub(since_open));
        }
        plan::step(&self.note, SystemClock.now(), self.shared.config.scrub_interval)
    }

    /// Checks one pack, or ends the pass; says how long to wait before the next.
    fn go_on(&mut self) -> Duration {
        let usable = |state: &ReplicaState| matches!(state, ReplicaState::Ready | ReplicaState::Full);
        let next = self.note.next_pack.unwrap_or(0);
        let (ahead, left) = {
            let state = self.shared.state();
            if !state.replicas.get(self.index).is_some_and(|replica| usable(&replica.state)) {
                return TRY_AGAIN_AFTER;
            }
            (ahead(&state, self.index, next), bytes_from(&state, self.index, next))
        };
        let (pack, end) = match ahead {
            Ahead::Pack(pack, end) => (pack, end),
            Ahead::Soon => return TRY_AGAIN_AFTER,
            Ahead::End => {
                self.finish();
                return Duration::ZERO;
            }
        };
        let (now, interval) = (SystemClock.now(), self.shared.config.scrub_interval);
        let rate = plan::rate(&self.note, now, interval, left);
        let courtesy = plan::courtesy(&self.note, now, interval);
        self.show(rate);
        let mut pace = Pace::new(self.shared, self.scrub, rate, courtesy, &mut self.others);
        match check::check_pack(self.shared, self.index, pack, end, |bytes| pace.spend(bytes)) {
            Ok(tally) => {
                let label = self.shared.label(self.index);
                counter!("yingdun_storage_scrubbed_bytes_total", "replica" => label.clone())
                    .increment(tally.bytes);
                counter!("yingdun_storage_scrub_findings_total", "replica" => label)
                    .increment(tally.found + tally.lost);
                self.note.done.add(tally);
                self.note.next_pack = Some(pack.saturating_add(1));
                if self.remembered.elapsed() >= REMEMBER_EVERY {
                    self.remember();
                }
                self.show(rate);
                Duration::ZERO
            }
            // The store stops, or a new pass is wanted.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Duration::ZERO,
            Err(_) => TRY_AGAIN_AFTER,
        }
    }

    fn finish(&mut self) {
        let pass = self.note.finish(SystemClock.now());
        // Told before it is shown: who sees that it ended can rely on it.
        if pass.bytes > 0 {
            self.shared.emit(&StoreEvent::ScrubFinished { replica: ReplicaId(self.index), pass });
        }
        self.remember();
    }

    /// Writes down how far the pass is. Where that fails the next start repeats more; that is all.
    fn remember(&mut self) {
        self.remembered = Instant::now();
        let Some(backend) = self.shared.backends.get(self.index) else { return };
        if let Err(error) = backend.set_note(NoteName::Scrub, &self.note.encode()) {
            tracing::warn!(replica = %self.shared.label(self.index), %error, "how far the scrub is could not be kept");
        }
        self.show(0);
    }

    fn show(&self, bytes_per_second: u64) {
        *self.scrub.view() = View { note: self.note.clone(), bytes_per_second };
    }
}

/// Slows a check down.
struct Pace<'a> {
    shared: &'a Shared,
    scrub: &'a Scrub,
    rate: u64,
    courtesy: u32,
    others: &'a mut Others,
    since: Instant,
    owed: Duration,
}

impl<'a> Pace<'a> {
    fn new(shared: &'a Shared, scrub: &'a Scrub, rate: u64, courtesy: u32, others: &'a mut Others) -> Self {
        Self { shared, scrub, rate, courtesy, others, since: Instant::now(), owed: Duration::ZERO }
    }

    /// So many bytes were read: pauses as the plan says. `Interrupted` when the check is to end.
    fn spend(&mut self, bytes: u64) -> io::Result<()> {
        let took = self.since.elapsed();
        let busy = self.others.are_there(self.shared.foreground.load(Ordering::Relaxed), Instant::now());
        self.owed += plan::pause(bytes, took, self.rate, if busy { self.courtesy } else { 0 });
        if self.owed >= SLEEP_MIN {
            self.scrub.signal.wait(std::mem::take(&mut self.owed));
        }
        self.since = Instant::now();
        let anew =
            self.scrub.wanted_now.load(Ordering::SeqCst) || self.scrub.forgotten.load(Ordering::SeqCst);
        if self.shared.stopping() || anew {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

/// The first pack from a number on that a replica should hold whole.
fn ahead(state: &super::state::State, index: usize, from: u64) -> Ahead {
    for (number, pack) in state.packs.range(from..) {
        match pack.phase {
            Phase::Closing => return Ahead::Soon,
            Phase::Sealed if pack.copies.get(index) == Some(&Copy::Whole) => {
                return Ahead::Pack(*number, pack.end);
            }
            Phase::Sealed | Phase::Active | Phase::Unfinished => {}
        }
    }
    Ahead::End
}

/// Bytes of the packs from a number on that a replica holds whole.
pub(crate) fn bytes_from(state: &super::state::State, index: usize, from: u64) -> u64 {
    let whole = state.packs.range(from..).filter(|(_, pack)| pack.copies.get(index) == Some(&Copy::Whole));
    whole.map(|(_, pack)| pack.end).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_there_for_a_while_after_what_was_seen_of_them_last() {
        let start = Instant::now();
        let mut others = Others { done: 7, last: None };
        assert!(!others.are_there(7, start), "nothing was done since the store was opened");
        assert!(others.are_there(8, start));
        assert!(others.are_there(8, start + OTHERS_STAY / 2), "between two of their reads");
        assert!(!others.are_there(8, start + OTHERS_STAY));
        assert!(others.are_there(9, start + OTHERS_STAY * 2));
    }
}

//! The courier of one off-site replica: connects, sends what is missing in order, reads back what it sent, checks what lies
//! there, measures the lag, and tries again when the place does not answer.

use super::check::Check;
use super::content::{Digests, PackContent, local_sources, piece};
use super::memory::Memory;
use super::plan::{self, Missing, Step, Waiting, Wanted};
use super::{Offsite, owner};
use crate::replica::place::{Content, Inventory, Object};
use crate::store::recover::encode_identity;
use crate::store::scrub::{Step as Due, Tally};
use crate::store::shared::Shared;
use crate::store::walk::Source;
use crate::{OffsiteState, OffsiteStatus, StoreEvent};
use metrics::{counter, gauge};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use yingdun_model::{Clock, SystemClock};

/// How often it is looked for something to send.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The first pause before a place that did not answer is tried again; each further one is twice as long.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);

/// The longest such pause: a line that comes back is noticed within it.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// Packs that could not be read here are tried again after this.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A sleep for the sake of the rate is at most this long at once, so that the end of the store is noticed.
const SLEEP_MAX: Duration = Duration::from_millis(200);

/// How often it is written down how far a check is: more often would cost syncs, less often repeats work.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);

/// Runs until the store stops.
pub(crate) fn run(shared: &Shared, index: usize) {
    let Some(offsite) = shared.offsite.get(index) else { return };
    let mut courier = Courier::new(shared, offsite, index);
    let look = LOOK_EVERY.min(shared.config.check_interval);
    let mut back_off = BACK_OFF_MIN.min(shared.config.check_interval);
    while !shared.stopping() {
        match courier.turn() {
            Ok(worked) => {
                back_off = BACK_OFF_MIN.min(shared.config.check_interval);
                if !worked {
                    offsite.signal.wait(look);
                }
            }
            Err(_) if shared.stopping() => break,
            Err(error) => {
                courier.lost_sight(&error);
                let since = Instant::now();
                while since.elapsed() < back_off && !shared.stopping() {
                    // Woken for a reason: what was wrong may be right again.
                    if offsite.signal.wait(look.min(back_off)) {
                        break;
                    }
                    courier.measure();
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
        }
    }
    courier.remember();
}

/// The work of one thread.
struct Courier<'a> {
    shared: &'a Shared,
    offsite: &'a Offsite,
    index: usize,
    memory: Memory,
    /// Whether the place was the store's before.
    known: bool,
    connected: bool,
    waiting: Waiting,
    tried: BTreeSet<u64>,
    tried_since: Instant,
    /// Packs that are sent because what lay there was damaged.
    damaged: BTreeSet<u64>,
    told_behind: bool,
    remembered: Instant,
}

impl<'a> Courier<'a> {
    fn new(shared: &'a Shared, offsite: &'a Offsite, index: usize) -> Self {
        let memory = shared.memories.of(&offsite.config.label);
        let known = memory.is_some();
        let memory = memory.unwrap_or_default();
        {
            let mut view = offsite.view();
            (view.behind_since, view.note) = (memory.behind_since, memory.note.clone());
        }
        Self {
            shared,
            offsite,
            index,
            memory,
            known,
            connected: false,
            waiting: Waiting::default(),
            tried: BTreeSet::new(),
            tried_since: Instant::now(),
            damaged: BTreeSet::new(),
            told_behind: false,
            remembered: Instant::now(),
        }
    }

    /// Does one thing; false when there was nothing to do.
    fn turn(&mut self) -> io::Result<bool> {
        if self.offsite.replaced.swap(false, Ordering::SeqCst) {
            (self.known, self.connected, self.memory) = (false, false, Memory::default());
            self.shared.memories.set(self.shared, &self.offsite.config.label, None);
        }
        if !self.connected {
            self.connect()?;
        }
        self.release()?;
        if self.tried_since.elapsed() >= RETRY_AFTER.min(self.shared.config.check_interval * 6) {
            self.tried.clear();
            self.tried_since = Instant::now();
        }
        let wanted = self.measure();
        let delay = self.offsite.config.tail_delay;
        let step = {
            let view = self.offsite.view();
            let (tried, damaged) = (&self.tried, &self.damaged);
            plan::next(&view.inventory, &wanted, tried, damaged, &mut self.waiting, Instant::now(), delay)
        };
        match step {
            Step::Pack { pack, end } => self.send_pack(pack, end)?,
            Step::Tail { pack, from, end } => self.send_tail(pack, from, end)?,
            Step::Tidy { pack } => self.tidy(pack)?,
            Step::Rest => return self.check(),
        }
        self.measure();
        Ok(true)
    }

    // === connecting ===

    /// Looks whose place it is and what lies in it. An empty place is taken only when it is new: where there was a copy
    /// before, somebody has to say that another place is there now.
    fn connect(&mut self) -> io::Result<()> {
        let place = &self.offsite.place;
        let own = encode_identity(&self.shared.store_id);
        match owner(place.as_ref())? {
            Some(store) if store == self.shared.store_id => place.prepare()?,
            Some(_) => return Err(io::Error::other("it belongs to another store")),
            None if self.known => {
                return Err(io::Error::other(
                    "it is empty or not mounted, and held a copy before; where a new place is meant, replace it",
                ));
            }
            None => {
                place.prepare()?;
                place.put(Object::Identity, &own.as_slice())?;
                place.keep(Object::Identity)?;
            }
        }
        let mut inventory = Inventory::of(&place.list()?);
        if let Some(pack) = self.memory.sending
            && let Some(bytes) = inventory.packs().get(&pack).copied()
        {
            if self.is_what_was_sent(pack, bytes)? {
                place.keep(Object::Pack(pack))?;
            } else {
                place.remove(Object::Pack(pack))?;
                inventory.remove(Object::Pack(pack));
            }
        }
        let mut view = self.offsite.view();
        (view.inventory, view.state) = (inventory, OffsiteState::Ready);
        view.released.clear();
        drop(view);
        (self.connected, self.known) = (true, true);
        self.memory.sending = None;
        self.remember();
        self.shared.emit(&StoreEvent::OffsiteReady { replica: self.shared.offsite_id(self.index) });
        Ok(())
    }

    /// Whether a pack that was on its way when the process ended lies there as it was to be sent.
    fn is_what_was_sent(&self, pack: u64, bytes: u64) -> io::Result<bool> {
        let sources = local_sources(self.shared, pack, bytes);
        let Some(content) = PackContent::of(self.shared, pack, bytes, sources) else { return Ok(true) };
        let Ok(digests) = content.digests() else { return Ok(true) };
        self.reads_back(Object::Pack(pack), &digests)
    }

    /// The place does not answer, or must not be written to.
    fn lost_sight(&mut self, error: &io::Error) {
        self.connected = false;
        let reason = error.to_string();
        let before =
            std::mem::replace(&mut self.offsite.view().state, OffsiteState::Unreachable(reason.clone()));
        if !matches!(before, OffsiteState::Unreachable(_)) {
            let replica = self.shared.offsite_id(self.index);
            self.shared.emit(&StoreEvent::OffsiteUnreachable { replica, reason });
        }
        self.measure();
    }

    // === sending ===

    fn send_pack(&mut self, pack: u64, end: u64) -> io::Result<()> {
        let mut sources = local_sources(self.shared, pack, end);
        if self.damaged.contains(&pack) {
            // What lies there is replaced, and may have the only good copy of another record.
            let replica = self.shared.offsite_id(self.index).index();
            sources.extend(self.offsite.file(pack).map(|file| Source { replica, file: Arc::new(file) }));
        }
        let content = PackContent::of(self.shared, pack, end, sources);
        let digests = content.as_ref().and_then(|content| content.digests().ok());
        let (Some(content), Some(digests)) = (content, digests) else {
            self.tried.insert(pack);
            return Ok(());
        };
        self.memory.sending = Some(pack);
        self.remember();
        if !self.put(Object::Pack(pack), &content, &digests)? {
            self.tried.insert(pack);
            return Ok(());
        }
        self.memory.sending = None;
        if self.damaged.remove(&pack) {
            let replica = self.shared.offsite_id(self.index);
            self.shared.emit(&StoreEvent::Repaired { replica, pack, bytes: end });
        }
        Ok(())
    }

    fn send_tail(&mut self, pack: u64, from: u64, end: u64) -> io::Result<()> {
        let bytes = piece(self.shared, pack, from, end);
        if bytes.is_empty() {
            self.tried.insert(pack);
            return Ok(());
        }
        let to = from + bytes.len() as u64;
        let content = bytes.as_slice();
        let read = |offset, wanted, buffer: &mut Vec<u8>| content.read(offset, wanted, buffer);
        let digests = Digests::of(content.bytes(), read)?;
        self.put(Object::Tail { pack, from, to }, &content, &digests).map(|_sent| ())
    }

    /// Sends an object, reads it back and, when it is a pack, has it kept; false when it could not be read here.
    fn put(&self, object: Object, content: &dyn Content, digests: &Digests) -> io::Result<bool> {
        let paced =
            Paced { courier: self, content, since: Cell::new(Instant::now()), local: RefCell::new(None) };
        if let Err(error) = self.offsite.place.put(object, &paced) {
            return match paced.local.into_inner() {
                Some(local) => {
                    tracing::warn!(?object, error = %local, "what was to be sent off-site could not be read");
                    Ok(false)
                }
                None => Err(error),
            };
        }
        let bytes = content.bytes();
        if !self.reads_back(object, digests)? {
            self.offsite.place.remove(object)?;
            self.offsite.view().inventory.remove(object);
            return Err(io::Error::other("what was sent does not read back as it was sent"));
        }
        if matches!(object, Object::Pack(_)) {
            self.offsite.place.keep(object)?;
        }
        let mut view = self.offsite.view();
        view.inventory.add(object, bytes);
        view.sent_bytes += bytes;
        drop(view);
        let label = self.offsite.config.label.clone();
        counter!("yingdun_storage_offsite_sent_bytes_total", "replica" => label).increment(bytes);
        Ok(true)
    }

    fn reads_back(&self, object: Object, digests: &Digests) -> io::Result<bool> {
        let mut since = Instant::now();
        digests.match_what(|offset, wanted, buffer| {
            while buffer.len() < wanted {
                let at = offset + buffer.len() as u64;
                if self.offsite.place.read_at(object, buffer, wanted - buffer.len(), at)? == 0 {
                    // Less is there than was sent.
                    break;
                }
            }
            self.pace(wanted as u64, since)?;
            since = Instant::now();
            Ok(())
        })
    }

    /// Removes the pieces of a pack that is there whole.
    fn tidy(&mut self, pack: u64) -> io::Result<()> {
        let pieces = self.offsite.view().inventory.pieces(pack);
        for object in pieces {
            self.offsite.place.remove(object)?;
            self.offsite.view().inventory.remove(object);
        }
        Ok(())
    }

    /// Removes the packs that leave the store. It comes before what is sent is decided: when it is said that a pack is gone from
    /// there, nothing of it is on its way, and nothing will be.
    fn release(&mut self) -> io::Result<()> {
        let leaving = self.shared.state().leaving.clone();
        for pack in leaving {
            let objects = {
                let view = self.offsite.view();
                let mut objects = view.inventory.pieces(pack);
                objects.extend(view.inventory.packs().get(&pack).map(|_| Object::Pack(pack)));
                objects
            };
            for object in objects {
                self.offsite.place.remove(object)?;
                self.offsite.view().inventory.remove(object);
            }
            self.damaged.remove(&pack);
            let mut view = self.offsite.view();
            view.suspects.remove(&pack);
            view.released.insert(pack);
        }
        Ok(())
    }

    /// Waits until so many bytes since a moment are within the rate; `Interrupted` when the store stops.
    fn pace(&self, bytes: u64, since: Instant) -> io::Result<()> {
        let due =
            Duration::from_secs_f64(bytes as f64 / self.offsite.config.bytes_per_second_max.max(1) as f64);
        while since.elapsed() < due && !self.shared.stopping() {
            std::thread::sleep(due.saturating_sub(since.elapsed()).min(SLEEP_MAX));
        }
        if self.shared.stopping() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    // === checking ===

    /// Checks one pack, when that is due.
    fn check(&mut self) -> io::Result<bool> {
        let suspect = self.offsite.view().suspects.pop_first();
        if let Some(pack) = suspect {
            self.check_pack(pack)?;
            return Ok(true);
        }
        if self.offsite.wanted_now.swap(false, Ordering::SeqCst) {
            self.memory.note.begin(SystemClock.now(), true);
            self.show_note();
        }
        match self.memory.note.due(SystemClock.now(), self.offsite.config.check_interval) {
            Due::Rest(_) => return Ok(false),
            Due::Begin => self.memory.note.begin(SystemClock.now(), false),
            Due::GoOn => {}
        }
        let from = self.memory.note.next_pack.unwrap_or(0);
        let next = self.offsite.view().inventory.packs().range(from..).next().map(|(pack, _)| *pack);
        match next {
            Some(pack) => {
                let tally = self.check_pack(pack)?;
                self.memory.note.done.add(tally);
                self.memory.note.next_pack = Some(pack.saturating_add(1));
                if self.remembered.elapsed() >= REMEMBER_EVERY {
                    self.remember();
                }
            }
            None => {
                self.offsite.place.keep(Object::Identity)?;
                let pass = self.memory.note.finish(SystemClock.now());
                self.remember();
                if pass.bytes > 0 {
                    let replica = self.shared.offsite_id(self.index);
                    self.shared.emit(&StoreEvent::ScrubFinished { replica, pass });
                }
            }
        }
        self.show_note();
        Ok(true)
    }

    fn check_pack(&mut self, pack: u64) -> io::Result<Tally> {
        let Some(file) = self.offsite.file(pack) else { return Ok(Tally::default()) };
        let end = file.end();
        let since = Cell::new(Instant::now());
        let pace = |bytes| {
            let paced = self.pace(bytes, since.get());
            since.set(Instant::now());
            paced
        };
        let replica = self.shared.offsite_id(self.index);
        let check = Check { shared: self.shared, replica, pack, end };
        let tally = check.run(file, pace)?;
        if tally.found > 0 {
            self.damaged.insert(pack);
        } else {
            self.offsite.place.keep(Object::Pack(pack))?;
        }
        Ok(tally)
    }

    fn show_note(&self) {
        self.offsite.view().note = self.memory.note.clone();
    }

    // === measuring ===

    /// How far the place is behind, for whoever asks; and what it should have.
    fn measure(&mut self) -> Wanted {
        let (wanted, missing) = self.look();
        let behind = missing != Missing::default();
        if behind != self.memory.behind_since.is_some() {
            self.memory.behind_since = behind.then(|| SystemClock.now());
            self.offsite.view().behind_since = self.memory.behind_since;
            self.remember();
        }
        let status = self.tell(&wanted);
        if status.behind != self.told_behind {
            self.told_behind = status.behind;
            self.shared.emit(&match status.behind {
                true => StoreEvent::OffsiteBehind {
                    replica: status.replica,
                    seconds: status.lag_seconds,
                    bytes: status.lag_bytes,
                },
                false => StoreEvent::OffsiteCaughtUp { replica: status.replica },
            });
        }
        wanted
    }

    /// The same while something is on its way: the moment since which it lags stays.
    fn look(&self) -> (Wanted, Missing) {
        let (wanted, known) = self.shared.state().wanted();
        let mut view = self.offsite.view();
        let missing = plan::missing(&view.inventory, &wanted);
        let unknown = |pack: &u64| !known.contains(pack);
        view.unknown_packs =
            view.inventory.packs().keys().copied().chain(view.inventory.unsealed()).filter(unknown).count()
                as u64;
        drop(view);
        (wanted, missing)
    }

    /// Tells the metrics.
    fn tell(&self, wanted: &Wanted) -> OffsiteStatus {
        let status = self.offsite.status(self.shared.offsite_id(self.index), wanted);
        let label = || status.label.clone();
        let ready = if status.state == OffsiteState::Ready { 1.0 } else { 0.0 };
        gauge!("yingdun_storage_offsite_ready", "replica" => label()).set(ready);
        gauge!("yingdun_storage_offsite_lag_packs", "replica" => label()).set(status.lag_packs as f64);
        gauge!("yingdun_storage_offsite_lag_bytes", "replica" => label()).set(status.lag_bytes as f64);
        gauge!("yingdun_storage_offsite_lag_seconds", "replica" => label()).set(status.lag_seconds as f64);
        status
    }

    fn remember(&mut self) {
        self.remembered = Instant::now();
        if self.known {
            self.shared.memories.set(self.shared, &self.offsite.config.label, Some(self.memory.clone()));
        }
    }
}

/// What is sent, no faster than allowed; tells what could not be read here from what could not be sent.
struct Paced<'a> {
    courier: &'a Courier<'a>,
    content: &'a dyn Content,
    since: Cell<Instant>,
    local: RefCell<Option<io::Error>>,
}

impl Content for Paced<'_> {
    fn bytes(&self) -> u64 {
        self.content.bytes()
    }

    fn read(&self, offset: u64, bytes: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        if let Err(error) = self.content.read(offset, bytes, buffer) {
            let kind = error.kind();
            *self.local.borrow_mut() = Some(error);
            return Err(kind.into());
        }
        self.courier.pace(bytes as u64, self.since.get())?;
        self.since.set(Instant::now());
        let (wanted, _missing) = self.courier.look();
        self.courier.tell(&wanted);
        Ok(())
    }
}

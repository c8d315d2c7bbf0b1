//! Turns: how much of each class is done at the same time, so that readers find a machine that has time for them.
//!
//! Each class has so many turns, and a queue with a bound and a longest wait. While more readers are served than the machine has
//! room for, every other class has a quarter of its turns. Within a class nobody has more than half of them, and of
//! reading a share of the machine.

use crate::class::Class;
use crate::refusal::Refusal;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Those who wait for a turn of a class: each holds a request head, some kilobytes.
const WAITING_MAX: usize = 1024;

/// Those of them who wait for one taker: who fills a queue fills a queue of its own, and a viewer asks for some tens of frames at once.
const WAITING_OF_TAKER_MAX: usize = 128;

/// The longest wait of somebody who is known: as long as programs usually wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The longest wait of a stranger.
const STRANGER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Readers who are served at the same time, per core, from which on others have fewer turns: a picture takes
/// milliseconds, and the next one waits.
const READERS_PER_CORE: usize = 4;

/// How many of one reader count for that, per core: pictures that a slow line takes, or that nobody takes, are no full machine.
const COUNTED_OF_ONE_READER_PER_CORE: usize = 1;

/// Pictures that are made for one reader at the same time, per core: they keep the machine busy, and another reader's next picture
/// waits for as many and not for hundreds.
const OF_ONE_READER_PER_CORE: usize = 2;

/// What others have left while readers wait: one part of so many.
const NARROWED_TO: usize = 4;

/// Who takes a turn: whoever has half of them waits, and lets others pass.
pub(crate) type Taker = Arc<str>;

/// The turns of one process.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cores: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<Class, Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    running: usize,
    /// How many of them count for whether the machine is full.
    counted: usize,
    of_taker: HashMap<Taker, usize>,
    /// Who waits, each taker once: they are given turns one after the other.
    order: VecDeque<Taker>,
    /// For what they wait, in the order in which it came.
    waiting: HashMap<Taker, VecDeque<Waiter>>,
}

/// Where a turn is sent that somebody waits for.
type Waiter = oneshot::Sender<Turn>;

/// One turn, given back when dropped.
#[derive(Debug)]
pub struct Turn(Option<Taken>);

#[derive(Debug)]
struct Taken {
    turns: Turns,
    class: Class,
    taker: Taker,
}

impl Turns {
    pub(crate) fn new(cores: usize) -> Self {
        Self(Arc::new(Shared { cores: cores.max(1), state: Mutex::default() }))
    }

    /// Takes a turn, or waits for one.
    pub(crate) async fn take(&self, class: Class, taker: Taker) -> Result<Turn, Refusal> {
        let waiting = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            let is_pressed = state.is_pressed(self.0.cores);
            let lane = state.lanes.entry(class).or_default();
            if lane.has_room(class, self.0.cores, is_pressed, &taker) {
                lane.begin(&taker, self.0.cores);
                return Ok(self.turn(class, taker));
            }
            let (turn, waiting) = oneshot::channel();
            if !lane.wait(taker, turn) {
                return Err(Refusal::Busy);
            }
            waiting
        };
        metrics::counter!("yingdun_gateway_waits_total", "class" => class.as_str()).increment(1);
        let longest = if class == Class::Open { STRANGER_WAIT_MAX } else { WAIT_MAX };
        match tokio::time::timeout(longest, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Refusal::Busy),
        }
    }

    fn turn(&self, class: Class, taker: Taker) -> Turn {
        Turn(Some(Taken { turns: self.clone(), class, taker }))
    }

    /// Takes a turn back and gives what is free to those who wait, readers first.
    fn give_back(&self, class: Class, taker: &Taker) {
        let mut ended = Some((class, Arc::clone(taker)));
        loop {
            let (class, taker, waiter) = {
                let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((class, taker)) = ended.take()
                    && let Some(lane) = state.lanes.get_mut(&class)
                {
                    lane.end(&taker, self.0.cores);
                }
                match state.next(self.0.cores) {
                    Some(next) => next,
                    None => return,
                }
            };
            // Outside of the lock: a turn that nobody takes any more comes back at once.
            if let Err(mut turn) = waiter.send(self.turn(class, Arc::clone(&taker))) {
                turn.0 = None;
                ended = Some((class, taker));
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(Taken { turns, class, taker }) = self.0.take() {
            turns.give_back(class, &taker);
        }
    }
}

impl State {
    fn is_pressed(&self, cores: usize) -> bool {
        self.lanes.get(&Class::Reading).is_some_and(|lane| lane.counted >= cores * READERS_PER_CORE)
    }

    /// Who is next, already counted.
    fn next(&mut self, cores: usize) -> Option<(Class, Taker, Waiter)> {
        let is_pressed = self.is_pressed(cores);
        for (class, lane) in &mut self.lanes {
            if let Some((taker, waiter)) = lane.next(*class, cores, is_pressed) {
                lane.begin(&taker, cores);
                return Some((*class, taker, waiter));
            }
        }
        None
    }
}

impl Lane {
    /// Puts somebody into the queue; false when it is full.
    fn wait(&mut self, taker: Taker, turn: Waiter) -> bool {
        if let Some(own) = self.waiting.get_mut(&taker)
            && own.len() >= WAITING_OF_TAKER_MAX
        {
            own.retain(|turn| !turn.is_closed());
            if own.len() >= WAITING_OF_TAKER_MAX {
                return false;
            }
        }
        if self.queued() >= WAITING_MAX {
            self.forget_those_who_left();
            if self.queued() >= WAITING_MAX {
                return false;
            }
        }
        // A queue out of which all have left stays in its place.
        let is_in_order = self.waiting.contains_key(&taker);
        let own = self.waiting.entry(Arc::clone(&taker)).or_default();
        own.push_back(turn);
        if !is_in_order {
            self.order.push_back(taker);
        }
        true
    }

    fn queued(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    fn forget_those_who_left(&mut self) {
        self.waiting.retain(|_, own| {
            own.retain(|turn| !turn.is_closed());
            !own.is_empty()
        });
        self.order.retain(|taker| self.waiting.contains_key(taker));
    }

    /// Who is next of those who wait. Passed over are only takers who have as many turns as they may, of whom there are few: each
    /// has a part of all.
    fn next(&mut self, class: Class, cores: usize, is_pressed: bool) -> Option<(Taker, Waiter)> {
        if self.running >= turns_of(class, cores, is_pressed) {
            return None;
        }
        let place = self.order.iter().position(|taker| self.has_room(class, cores, is_pressed, taker))?;
        let taker = self.order.remove(place)?;
        let own = self.waiting.get_mut(&taker)?;
        let waiter = own.pop_front()?;
        if own.is_empty() {
            self.waiting.remove(&taker);
        } else {
            self.order.push_back(Arc::clone(&taker));
        }
        Some((taker, waiter))
    }

    fn has_room(&self, class: Class, cores: usize, is_pressed: bool, taker: &Taker) -> bool {
        let all = turns_of(class, cores, is_pressed);
        let own = self.of_taker.get(taker).copied().unwrap_or(0);
        self.running < all && own < turns_of_taker(class, cores, all)
    }

    fn begin(&mut self, taker: &Taker, cores: usize) {
        self.running += 1;
        let own = self.of_taker.entry(Arc::clone(taker)).or_default();
        if *own < cores * COUNTED_OF_ONE_READER_PER_CORE {
            self.counted += 1;
        }
        *own += 1;
    }

    fn end(&mut self, taker: &Taker, cores: usize) {
        self.running = self.running.saturating_sub(1);
        if let Some(own) = self.of_taker.get_mut(taker) {
            *own -= 1;
            if *own < cores * COUNTED_OF_ONE_READER_PER_CORE {
                self.counted = self.counted.saturating_sub(1);
            }
            if *own == 0 {
                self.of_taker.remove(taker);
            }
        }
    }
}

/// How many turns a class has.
fn turns_of(class: Class, cores: usize, is_pressed: bool) -> usize {
    let per_core = match class {
        // Lasts as long as the answer is taken; a slow line keeps turns of its reader only.
        Class::Reading => 256,
        Class::Operations => 16,
        // A turn lasts as long as the sender sends.
        Class::Store => 32,
        // Databases answer no faster when more is asked at once.
        Class::Search | Class::Administration => 8,
        // A turn lasts as long as the answer is taken; each holds some megabytes.
        Class::Bulk => 32,
        // Most of it hashes a password, which has a core for itself.
        Class::Open => 4,
    };
    let all = per_core * cores;
    if is_pressed && class != Class::Reading { all.div_ceil(NARROWED_TO) } else { all }
}

/// How many of them one taker has.
fn turns_of_taker(class: Class, cores: usize, all: usize) -> usize {
    match class {
        Class::Reading => cores * OF_ONE_READER_PER_CORE,
        Class::Operations
        | Class::Store
        | Class::Search
        | Class::Administration
        | Class::Bulk
        | Class::Open => all.div_ceil(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taker(number: usize) -> Taker {
        number.to_string().into()
    }

    async fn take_all(turns: &Turns, class: Class) -> Vec<Turn> {
        let mut taken = Vec::new();
        for number in 0..turns_of(class, 1, false) {
            taken.push(turns.take(class, taker(number)).await.unwrap());
        }
        taken
    }

    fn waiting(turns: &Turns, class: Class, of: usize) -> tokio::task::JoinHandle<Result<Turn, Refusal>> {
        let turns = turns.clone();
        tokio::spawn(async move { turns.take(class, taker(of)).await })
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_more_than_there_are_turns_waits_until_one_is_given_back() {
        let turns = Turns::new(1);
        let mut taken = take_all(&turns, Class::Search).await;
        let next = waiting(&turns, Class::Search, 99);
        settle().await;
        assert!(!next.is_finished());
        assert!(turns.take(Class::Reading, taker(0)).await.is_ok(), "another class has turns of its own");
        taken.pop();
        assert!(next.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn nobody_has_more_than_half_and_others_pass_who_waits_for_that() {
        let turns = Turns::new(1);
        let half = turns_of(Class::Bulk, 1, false) / 2;
        let mut mine = Vec::new();
        for _ in 0..half {
            mine.push(turns.take(Class::Bulk, taker(1)).await.unwrap());
        }
        let more = waiting(&turns, Class::Bulk, 1);
        settle().await;
        let other = turns.take(Class::Bulk, taker(2)).await;
        assert!(other.is_ok() && !more.is_finished());
        mine.pop();
        assert!(more.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn one_reader_does_not_take_the_machine_from_another() {
        let turns = Turns::new(1);
        let mut greedy = Vec::new();
        for _ in 0..OF_ONE_READER_PER_CORE {
            greedy.push(turns.take(Class::Reading, taker(1)).await.unwrap());
        }
        let more = waiting(&turns, Class::Reading, 1);
        settle().await;
        assert!(!more.is_finished());
        assert!(turns.take(Class::Reading, taker(2)).await.is_ok());
    }

    #[tokio::test]
    async fn while_readers_wait_others_have_a_quarter() {
        let turns = Turns::new(1);
        let mut readers = Vec::new();
        for number in 0..READERS_PER_CORE {
            readers.push(turns.take(Class::Reading, taker(number)).await.unwrap());
        }
        let quarter = turns_of(Class::Search, 1, true);
        assert_eq!(quarter, turns_of(Class::Search, 1, false) / 4);
        let mut searches = Vec::new();
        for number in 0..quarter {
            searches.push(turns.take(Class::Search, taker(number)).await.unwrap());
        }
        let next = waiting(&turns, Class::Search, 99);
        settle().await;
        assert!(!next.is_finished());
        drop(readers);
        assert!(next.await.unwrap().is_ok(), "as soon as readers are served, others go on");
    }

    #[tokio::test]
    async fn two_readers_who_take_their_pictures_slowly_are_no_full_machine() {
        let turns = Turns::new(2);
        let pressed = || turns.0.state.lock().unwrap().is_pressed(2);
        let mut slow = Vec::new();
        for number in 0..2 {
            for _ in 0..2 * OF_ONE_READER_PER_CORE {
                slow.push(turns.take(Class::Reading, taker(number)).await.unwrap());
            }
        }
        assert!(!pressed());
        let mut others = Vec::new();
        for number in 3..7 {
            others.push(turns.take(Class::Reading, taker(number)).await.unwrap());
        }
        assert!(pressed(), "with others it is full");
        drop(others);
        drop(slow);
        let state = turns.0.state.lock().unwrap();
        assert_eq!(state.lanes[&Class::Reading].counted, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_and_the_queue_is_bounded() {
        let turns = Turns::new(1);
        let _taken = take_all(&turns, Class::Open).await;
        let waiters: Vec<_> = (0..WAITING_MAX).map(|of| waiting(&turns, Class::Open, of)).collect();
        settle().await;
        assert!(matches!(turns.take(Class::Open, taker(0)).await, Err(Refusal::Busy)), "the queue is full");
        for waiter in waiters {
            assert!(matches!(waiter.await.unwrap(), Err(Refusal::Busy)));
        }
    }

    #[tokio::test]
    async fn one_reader_does_not_fill_the_queue_of_the_others_and_they_are_served_in_turn() {
        let turns = Turns::new(1);
        let mut greedy = Vec::new();
        for _ in 0..OF_ONE_READER_PER_CORE {
            greedy.push(turns.take(Class::Reading, taker(1)).await.unwrap());
        }
        let mine: Vec<_> = (0..WAITING_MAX).map(|_| waiting(&turns, Class::Reading, 1)).collect();
        settle().await;
        let refused = mine.iter().filter(|waiter| waiter.is_finished()).count();
        assert_eq!(refused, WAITING_MAX - WAITING_OF_TAKER_MAX);
        // All turns are taken by others meanwhile: whoever comes next waits, and finds a place.
        for number in 0..turns_of(Class::Reading, 1, false) - OF_ONE_READER_PER_CORE {
            greedy.push(turns.take(Class::Reading, taker(100 + number)).await.unwrap());
        }
        let other = waiting(&turns, Class::Reading, 2);
        settle().await;
        assert!(!other.is_finished());
        greedy.truncate(greedy.len() - 1);
        assert!(other.await.unwrap().is_ok());
        for waiter in mine {
            waiter.abort();
        }
    }

    #[tokio::test]
    async fn who_waits_for_much_lets_others_pass_each_time() {
        let turns = Turns::new(1);
        let mut taken = take_all(&turns, Class::Search).await;
        let mine: Vec<_> = (0..10).map(|_| waiting(&turns, Class::Search, 50)).collect();
        settle().await;
        let other = waiting(&turns, Class::Search, 51);
        settle().await;
        taken.truncate(taken.len() - 2);
        settle().await;
        assert!(other.is_finished());
        assert!(mine[0].is_finished() && !mine[1].is_finished());
    }

    #[tokio::test]
    async fn a_turn_that_nobody_waits_for_any_more_is_not_lost() {
        let turns = Turns::new(1);
        let taken = take_all(&turns, Class::Administration).await;
        for of in 0..50 {
            let gone = waiting(&turns, Class::Administration, of);
            settle().await;
            gone.abort();
        }
        settle().await;
        let stays = waiting(&turns, Class::Administration, 99);
        settle().await;
        drop(taken);
        assert!(stays.await.unwrap().is_ok());
        assert_eq!(turns.0.state.lock().unwrap().lanes[&Class::Administration].running, 0);
        assert!(turns.0.state.lock().unwrap().lanes[&Class::Administration].of_taker.is_empty());
    }
}

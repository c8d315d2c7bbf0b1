//! The index finds exactly what reading everything finds, whatever is done to its files and whenever the process is killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code; helpers are not inside test functions"
)]

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use support::{config, files, signing_key};
use yingdun_audit::{
    AuditError, Count, Cursor, Event, EventKind, Filter, IndexOptions, Log, LogConfig, LoggedLeaf, Outcome,
    Page, STRETCH_MS, SUMMED_DAYS_MAX, Tally,
};
use yingdun_model::{Action, ActorId, ActorKind, Clock, InstitutionId, PatientRef, StudyRef, Timestamp};

/// The smallest chunks, so that a small log has many segments and merges.
const CHUNK: u32 = 256;
const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);

/// A clock that a test sets, backwards too.
#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }
}

fn options() -> IndexOptions {
    IndexOptions { chunk_leaves: CHUNK, ..IndexOptions::default() }
}

/// A reference as random as those of the archive.
fn reference(number: u64) -> [u8; 16] {
    u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// An event out of a few of each kind, so that every combination occurs.
fn event(n: u64) -> Event {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let of = |count: u64, salt: u64| (mixed ^ (mixed >> 17).wrapping_mul(salt)) % count;
    let mut event = support::event(n);
    event.kind = [EventKind::Access, EventKind::Stored, EventKind::Query][of(3, 3) as usize];
    event.outcome =
        [Outcome::Permitted, Outcome::Permitted, Outcome::Permitted, Outcome::Refused][of(4, 5) as usize];
    event.actor = ActorId::new(&format!("actor-{}", of(40, 7))).unwrap();
    event.actor_kind = [ActorKind::Person, ActorKind::Device][of(2, 11) as usize];
    event.action = [None, Some(Action::View), Some(Action::Store)][of(3, 13) as usize];
    event.patient = (of(5, 17) > 0).then(|| PatientRef::from_bytes(reference(of(200, 19))));
    event.study = (of(5, 23) > 0).then(|| StudyRef::from_bytes(reference(of(900, 29))));
    if of(50, 31) == 0 {
        event.institution = InstitutionId::new("other").unwrap();
    }
    event
}

async fn fill(log: &Log, clock: &SetClock, from: u64, until: u64) {
    let mut n = from;
    while n < until {
        // Mostly onwards; now and then an hour back, within a bundle and between two.
        let step = if n % 1024 == 700 { -3_600_000 } else { 40 };
        clock.0.fetch_add(step * 61, Ordering::Relaxed);
        let end = (n + 61).min(until);
        log.append((n..end).map(event).collect()).await.unwrap();
        n = end;
    }
    log.checkpoint().await.unwrap();
}

fn filters(seed: u64) -> Filter {
    let of = |count: u64, shift: u32| (seed >> shift) % count;
    let wanted = |shift: u32| of(3, shift) == 0;
    Filter {
        institution: wanted(0).then(|| InstitutionId::new("renmin").unwrap()),
        actor: wanted(2).then(|| ActorId::new(&format!("actor-{}", of(41, 8))).unwrap()),
        actor_kind: wanted(4).then_some(ActorKind::Device),
        action: wanted(6).then_some(Action::View),
        patient: wanted(10).then(|| PatientRef::from_bytes(reference(of(201, 12)))),
        study: wanted(14).then(|| StudyRef::from_bytes(reference(of(901, 16)))),
        kinds: match of(4, 20) {
            0 => vec![EventKind::Access],
            1 => vec![EventKind::Access, EventKind::Stored],
            _ => vec![],
        },
        outcome: wanted(22).then_some(Outcome::Refused),
        from: wanted(24).then(|| Timestamp::from_ms(of(400, 26) as i64 * 3000)),
        until: wanted(34).then(|| Timestamp::from_ms(of(400, 36) as i64 * 3000)),
        ..Filter::default()
    }
}

/// What reading everything finds, the newest first.
fn naive(all: &[LoggedLeaf], filter: &Filter) -> Vec<LoggedLeaf> {
    all.iter().rev().filter(|logged| filter.wants(&logged.leaf)).cloned().collect()
}

/// All pages, and the count of the first.
fn pages(log: &Log, filter: &Filter, limit: usize) -> (Vec<LoggedLeaf>, Option<Count>) {
    let Page { mut leaves, count, mut next, .. } = log.search(filter, None, limit).unwrap();
    while let Some(cursor) = next {
        let page = log.search(filter, Some(cursor.to_string().parse().unwrap()), limit).unwrap();
        assert!(page.leaves.len() <= limit && page.count.is_none());
        leaves.extend(page.leaves);
        next = page.next;
    }
    (leaves, count)
}

fn wait_until_indexed(log: &Log) {
    let since = Instant::now();
    while log.index_state().unwrap().leaves < log.size() {
        assert!(since.elapsed() < FOLLOWS_WITHIN, "{:?}", log.index_state());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until nothing is merged any more.
fn wait_until_merged(log: &Log, segments: usize) {
    let since = Instant::now();
    while log.index_state().unwrap().segments != segments {
        assert!(since.elapsed() < FOLLOWS_WITHIN, "{:?}", log.index_state());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the parts of what was merged are removed too.
fn wait_until_removed(dir: &Path, files: usize) {
    let since = Instant::now();
    while segments(dir).len() != files {
        assert!(since.elapsed() < FOLLOWS_WITHIN, "{:?}", segments(dir));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    files(&dir.join("index"))
}

struct House {
    dir: tempfile::TempDir,
    clock: Arc<SetClock>,
}

impl House {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::default() }
    }

    fn open(&self) -> Log {
        let clock = Arc::clone(&self.clock);
        Log::open(LogConfig { clock, ..config(self.dir.path()) }).unwrap()
    }
}

/// 20 chunks and a part of one: two segments of eight chunks, four of one, and the rest in memory.
const LEAVES: u64 = 20 * 256 + 100;
const SEGMENTS: usize = 6;
/// So often is a file of the index damaged, and so often before it is whole again.
const DAMAGES: u64 = 120;
const DAMAGES_AT_ONCE: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn the_index_finds_what_reading_everything_finds() {
    let house = House::new();
    let log = house.open();
    fill(&log, &house.clock, 0, 3000).await;
    log.start_index(options()).unwrap();
    fill(&log, &house.clock, 3000, LEAVES).await;
    wait_until_indexed(&log);
    wait_until_merged(&log, SEGMENTS);
    let all = log.reader().read(0..u64::MAX).unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&(any::<u64>(), 1_usize..300), |(seed, limit)| {
            let filter = filters(seed);
            let expected = naive(&all, &filter);
            let (found, count) = pages(&log, &filter, limit);
            prop_assert_eq!(count, Some(Count::Exactly(expected.len() as u64)));
            prop_assert_eq!(found, expected);
            Ok(())
        })
        .unwrap();
    // And counts the same in any stretch of the log.
    runner
        .run(&(any::<u64>(), 0..=LEAVES, 0..=LEAVES), |(seed, one, other)| {
            let (filter, range) = (filters(seed), one.min(other)..one.max(other));
            let expected = naive(&all, &filter).iter().filter(|logged| range.contains(&logged.index)).count();
            let indexed = log.indexed(&filter, range).unwrap();
            prop_assert_eq!(indexed, Some(Count::Exactly(expected as u64)));
            Ok(())
        })
        .unwrap();
    // A log without an index answers the same, and so does what was appended a moment ago.
    log.append((0..50).map(event).collect()).await.unwrap();
    let all = log.reader().read(0..u64::MAX).unwrap();
    let filter = Filter { outcome: Some(Outcome::Refused), ..Filter::default() };
    assert_eq!(pages(&log, &filter, 7).0, naive(&all, &filter));
    log.shutdown().await.unwrap();
    let without = house.open();
    assert_eq!(
        pages(&without, &filter, 7),
        (naive(&all, &filter), Some(Count::Exactly(naive(&all, &filter).len() as u64)))
    );
    without.shutdown().await.unwrap();
}

/// What reading everything tallies of an institution, from a stretch until a moment.
fn tallies(all: &[LoggedLeaf], institution: &InstitutionId, from: i64, until: i64) -> BTreeMap<i64, Tally> {
    let mut stretches: BTreeMap<i64, Tally> = BTreeMap::new();
    for leaf in all.iter().map(|logged| &logged.leaf).filter(|leaf| leaf.institution == *institution) {
        let begins = leaf.time_ms.as_ms().div_euclid(STRETCH_MS) * STRETCH_MS;
        let opens = leaf.kind == EventKind::Access && leaf.outcome == Outcome::Permitted;
        let is_refused = leaf.outcome == Outcome::Refused;
        if (opens || is_refused) && (from.div_euclid(STRETCH_MS) * STRETCH_MS..until).contains(&begins) {
            let tally = stretches.entry(begins).or_default();
            tally.accesses += u64::from(opens);
            tally.refusals += u64::from(is_refused);
        }
    }
    stretches
}

/// Five days, in whose chunks days end; with leaves that no index knows yet, with segments that were merged, and after damage.
#[tokio::test(flavor = "multi_thread")]
async fn the_tallies_of_stretches_are_those_of_the_leaves() {
    let house = House::new();
    let log = house.open();
    log.start_index(options()).unwrap();
    for part in 0..LEAVES / 20 {
        house.clock.0.fetch_add(if part % 50 == 30 { -3_600_000 } else { 30 * 60_000 }, Ordering::Relaxed);
        log.append((part * 20..part * 20 + 20).map(event).collect()).await.unwrap();
    }
    log.checkpoint().await.unwrap();
    let all = log.reader().read(0..u64::MAX).unwrap();
    let last = house.clock.0.load(Ordering::Relaxed);
    assert!(last > 4 * 24 * 3_600_000, "{last}");
    let institutions = ["renmin", "other", "nobody"].map(|name| InstitutionId::new(name).unwrap());
    let compare = |whole: bool| {
        for institution in &institutions {
            for (from, until) in [(0, last + 1), (last - 86_400_000, last), (90_000_123, 200_000_000), (5, 5)]
            {
                let ms = Timestamp::from_ms;
                let sums = log.sums(institution, ms(from), ms(until)).unwrap().unwrap();
                let expected = tallies(&all, institution, from, until);
                assert!(!whole || sums.is_whole);
                assert!(!sums.is_whole || sums.stretches == expected, "{institution} {from}..{until}");
            }
        }
    };
    compare(false);
    wait_until_indexed(&log);
    wait_until_merged(&log, SEGMENTS);
    compare(true);
    let told = tallies(&all, &institutions[0], 0, last + 1);
    assert!(told.len() > 100 && told.values().any(|tally| tally.accesses > 0 && tally.refusals > 0));
    for path in segments(house.dir.path()) {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        compare(false);
    }
    // Of a longer time the last days are told.
    let long = log.sums(
        &institutions[0],
        Timestamp::from_ms(0),
        Timestamp::from_ms(SUMMED_DAYS_MAX * 86_400_000 + 1),
    );
    let first = *long.unwrap().unwrap().stretches.keys().next().unwrap();
    assert!(first >= 86_400_000, "{first}");
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_stays_where_it_is_while_leaves_come() {
    let house = House::new();
    let log = house.open();
    log.start_index(options()).unwrap();
    fill(&log, &house.clock, 0, 1500).await;
    let filter = Filter { outcome: Some(Outcome::Permitted), ..Filter::default() };
    let before = naive(&log.reader().read(0..u64::MAX).unwrap(), &filter);
    let mut page = log.search(&filter, None, 100).unwrap();
    let mut found = std::mem::take(&mut page.leaves);
    let mut next = 1500;
    while let Some(cursor) = page.next {
        fill(&log, &house.clock, next, next + 300).await;
        next += 300;
        page = log.search(&filter, Some(cursor), 100).unwrap();
        found.append(&mut page.leaves);
    }
    assert_eq!(found, before);
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_log_is_refused() {
    let house = House::new();
    let log = house.open();
    fill(&log, &house.clock, 0, 600).await;
    let filter = Filter::default();
    for indexed in [false, true] {
        if indexed {
            log.start_index(options()).unwrap();
        }
        let own = log.search(&filter, None, 10).unwrap().next.unwrap();
        assert_eq!(own, Cursor::new(log.verifier().name(), 590));
        assert!(log.search(&filter, Some(own), 10).is_ok());
        let foreign = Cursor::new("renmin/audit/another", 590);
        let refused = log.search(&filter, Some(foreign), 10);
        assert!(matches!(refused, Err(AuditError::OtherLog { log: name }) if name == log.verifier().name()));
    }
    for text in ["before-590", "before-590-in-", "before-590-in-00", "before--in-0011223344556677"] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_damage_of_the_index_makes_an_answer_wrong() {
    let house = House::new();
    let log = house.open();
    log.start_index(options()).unwrap();
    fill(&log, &house.clock, 0, LEAVES).await;
    let all = log.reader().read(0..u64::MAX).unwrap();
    let mut there = Vec::new();
    for round in 0..DAMAGES {
        let dice = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // What is damaged is what the whole index had, so that a slow machine has as much to damage as a fast one. Of several in a row,
        // the later ones come while the earlier ones are given up and made again.
        if round % DAMAGES_AT_ONCE == 0 {
            wait_until_indexed(&log);
            wait_until_merged(&log, SEGMENTS);
            wait_until_removed(house.dir.path(), SEGMENTS);
            there =
                segments(house.dir.path()).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
        }
        let (whole, path) = &there[usize::try_from(dice >> 8).unwrap() % there.len()];
        let mut bytes = whole.clone();
        let at = usize::try_from(dice >> 20).unwrap() % bytes.len();
        match round % 4 {
            0 | 1 => bytes[at] ^= 1 << (dice % 8),
            2 => bytes.truncate(at),
            // Another segment's bytes under this name.
            _ => bytes.clone_from(&there.iter().find(|(_, other)| other != path).unwrap().0),
        }
        assert_ne!(bytes, *whole, "round {round}");
        // In place, so that the process has the damaged file open, as with a disk that turns bits.
        fs::write(path, bytes).unwrap();
        for seed in 0..6 {
            let filter = filters(dice.rotate_left(seed * 7));
            let (found, _) = pages(&log, &filter, 50);
            assert_eq!(found, naive(&all, &filter), "round {round}, {filter:?}");
        }
    }
    // A start finds what is left of it, and makes the rest again.
    log.shutdown().await.unwrap();
    let log = house.open();
    log.start_index(options()).unwrap();
    wait_until_indexed(&log);
    wait_until_merged(&log, SEGMENTS);
    let filter = Filter { actor: ActorId::new("actor-3"), ..Filter::default() };
    let expected = naive(&all, &filter);
    assert_eq!(pages(&log, &filter, 50), (expected.clone(), Some(Count::Exactly(expected.len() as u64))));
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_past_or_another_key_is_not_believed() {
    let (here, there) = (House::new(), House::new());
    for (house, from) in [(&here, 0), (&there, 100_000)] {
        let log = house.open();
        log.start_index(options()).unwrap();
        fill(&log, &house.clock, from, from + 9 * 256).await;
        wait_until_indexed(&log);
        wait_until_merged(&log, 2);
        log.shutdown().await.unwrap();
    }
    // The same key and the same number of leaves, but not the same leaves.
    for path in segments(there.dir.path()) {
        fs::copy(&path, here.dir.path().join("index").join(path.file_name().unwrap())).unwrap();
    }
    let log = here.open();
    log.start_index(options()).unwrap();
    let all = log.reader().read(0..u64::MAX).unwrap();
    wait_until_indexed(&log);
    for seed in 0..40_u64 {
        let filter = filters(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        assert_eq!(pages(&log, &filter, 50).0, naive(&all, &filter));
    }
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_holds_no_name_and_no_reference() {
    let house = House::new();
    let log = house.open();
    log.start_index(options()).unwrap();
    fill(&log, &house.clock, 0, 2 * 256).await;
    wait_until_indexed(&log);
    wait_until_merged(&log, 2);
    let seed = signing_key();
    for path in segments(house.dir.path()) {
        let bytes = fs::read(&path).unwrap();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!has(b"actor-") && !has(b"renmin") && !has(b"permitted") && !has(seed.seed().expose()));
        for number in 0..900 {
            assert!(!has(&reference(number)), "{number}");
        }
    }
    log.shutdown().await.unwrap();
}

const DIRECTORY_VARIABLE: &str = "YINGDUN_AUDIT_INDEX_KILL_DIRECTORY";

/// Not a test of its own: this is what the child process of the next test runs.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_indexes_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIRECTORY_VARIABLE) else { return };
    let log = Log::open(config(Path::new(&dir))).unwrap();
    log.start_index(options()).unwrap();
    for n in log.size().. {
        let batch = (n..n + 100).map(event).collect();
        log.append(batch).await.unwrap();
        println!("\nsize {}", log.size());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_whole_again_after_a_kill_at_any_moment() {
    let house = House::new();
    for round in 0..25_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_indexes_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY_VARIABLE, house.dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let sizes = lines.map_while(Result::ok).filter(|line| line.starts_with("size "));
        let seen = sizes.take(5 + (round * 37 % 60) as usize).count();
        assert!(seen > 0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let log = house.open();
    log.start_index(options()).unwrap();
    wait_until_indexed(&log);
    let all = log.reader().read(0..u64::MAX).unwrap();
    assert!(all.len() > 5000, "{}", all.len());
    for seed in 0..60_u64 {
        let filter = filters(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let expected = naive(&all, &filter);
        let count = Some(Count::Exactly(expected.len() as u64));
        assert_eq!(pages(&log, &filter, 100), (expected, count));
    }
    log.shutdown().await.unwrap();
}

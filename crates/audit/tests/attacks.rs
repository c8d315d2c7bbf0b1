//! Twelve attacks on a log, by name, each by somebody who has the folder, and some by somebody who has the signing key, too. Every one has to be found by
//! whoever has the public key and what one honest witness remembers. And single bits, turned anywhere in a log.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code; helpers are not inside test functions"
)]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use support::{config, copy_directory, event, files, fill, open, unhurried, verifier};
use yingdun_audit::verify::{Bad, Report, verify_directory_since};
use yingdun_audit::{Log, LogConfig, Reader, Tree, verify_inclusion};
use yingdun_model::{Clock, Timestamp};

/// Leaves of the log that is attacked; what a witness has seen, and what the thief's copy has.
const LEAVES: u64 = 900;
const WITNESSED: u64 = 800;
const OLD: u64 = 600;

/// A log, an older copy of it, and what a witness remembers.
struct Scene {
    dir: tempfile::TempDir,
    old: tempfile::TempDir,
    witnessed: String,
}

impl Scene {
    async fn new() -> Self {
        let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = Log::open(unhurried(dir.path())).unwrap();
        fill(&log, 0, OLD).await;
        log.checkpoint().await.unwrap();
        copy_directory(dir.path(), old.path());
        fill(&log, OLD, WITNESSED).await;
        let witnessed = log.checkpoint().await.unwrap().note().to_owned();
        fill(&log, WITNESSED, LEAVES).await;
        log.shutdown().await.unwrap();
        set_at_rest(dir.path());
        Self { dir, old, witnessed }
    }

    /// What is found in a copy of the log that somebody changed.
    fn attacked(&self, attack: impl FnOnce(&Path)) -> Option<Bad> {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(self.dir.path(), copy.path());
        attack(copy.path());
        self.found(copy.path()).first_bad
    }

    fn found(&self, dir: &Path) -> Report {
        set_at_rest(dir);
        verify_directory_since(dir, &verifier(), &[&self.witnessed]).unwrap()
    }
}

fn set_at_rest(dir: &Path) {
    for path in files(dir) {
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

/// The entries of a bundle of leaves or details.
fn entries(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let (mut entries, mut rest) = (Vec::new(), bytes.as_slice());
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        rest = tail;
    }
    entries
}

fn write_entries(path: &Path, entries: &[Vec<u8>]) {
    let framed = |entry: &Vec<u8>| [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], entry].concat();
    fs::write(path, entries.iter().flat_map(framed).collect::<Vec<_>>()).unwrap();
}

/// Changes the leaves of the first bundle, and the hashes of level 0 so that they fit.
fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bundle = dir.join("tile/entries/000");
    let mut leaves = entries(&bundle);
    change(&mut leaves);
    leaves.truncate(256);
    write_entries(&bundle, &leaves);
    let hashes = leaves.iter().flat_map(|leaf| Tree::Sha256.leaf_hash(leaf)).collect::<Vec<_>>();
    fs::write(dir.join("tile/0/000"), hashes).unwrap();
}

/// Another past under the same key and the same name, as who has stolen the key can sign it.
async fn another_past(from: u64, leaves: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log, from, from + leaves).await;
    log.shutdown().await.unwrap();
    dir
}

#[tokio::test]
async fn a_log_that_nobody_attacked_is_clean() {
    let scene = Scene::new().await;
    let report = scene.found(scene.dir.path());
    assert_eq!((report.first_bad, report.clock_set_back, report.size), (None, None, LEAVES));
}

#[tokio::test]
async fn each_of_twelve_attacks_is_found() {
    let scene = Scene::new().await;
    let mut missed = Vec::new();
    let mut judge = |attack: &'static str, found: bool| {
        if !found {
            missed.push(attack);
        }
    };

    judge("1 delete", scene.attacked(|dir| rewrite(dir, |leaves| drop(leaves.remove(100)))).is_some());
    judge(
        "2 insert",
        scene.attacked(|dir| rewrite(dir, |leaves| leaves.insert(100, leaves[7].clone()))).is_some(),
    );
    judge("3 reorder", scene.attacked(|dir| rewrite(dir, |leaves| leaves.swap(10, 20))).is_some());
    judge(
        "4 truncate",
        scene
            .attacked(|dir| {
                // The newest leaves and everything that was signed of them; the older checkpoint is put back.
                fs::copy(scene.old.path().join("checkpoint"), dir.join("checkpoint")).unwrap();
            })
            .is_some(),
    );
    judge("5 rollback to an old snapshot", scene.found(scene.old.path()).first_bad.is_some());

    let fork = another_past(5000, LEAVES).await;
    let shown_to_another = scene.found(fork.path()).first_bad;
    judge("6 fork for two readers", matches!(shown_to_another, Some(Bad::History { .. })));

    judge(
        "7 swap of details",
        scene
            .attacked(|dir| {
                let bundle = dir.join("detail/000");
                let mut details = entries(&bundle);
                details.swap(1, 5);
                write_entries(&bundle, &details);
            })
            .is_some(),
    );

    // The thief of the key repeats the beginning of the log, changes one leaf, and signs that.
    let resigned = tempfile::tempdir().unwrap();
    copy_directory(scene.old.path(), resigned.path());
    let log = open(resigned.path());
    fill(&log, 9000, 9000 + LEAVES - OLD).await;
    log.shutdown().await.unwrap();
    judge("8 signed again with the stolen key", scene.found(resigned.path()).first_bad.is_some());

    judge("9 clock set back", clock_set_back().await);

    let shard = another_past(0, 300).await;
    judge(
        "10 swap of shards",
        scene
            .attacked(|dir| {
                fs::remove_dir_all(dir).unwrap();
                copy_directory(shard.path(), dir);
            })
            .is_some(),
    );

    judge("11 replay of an old proof", replayed_proof_fails(&scene).await);

    judge(
        "12 tile of another log",
        scene
            .attacked(|dir| {
                for name in ["tile/0/001", "tile/entries/001"] {
                    fs::copy(fork.path().join(name), dir.join(name)).unwrap();
                }
            })
            .is_some(),
    );
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }
}

/// An hour back in the middle of the log, while it is open and between two openings.
async fn clock_set_back() -> bool {
    let mut found = true;
    for reopened in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(1_800_000_000_000)));
        let with_clock = || LogConfig { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..config(dir.path()) };
        let mut log = Log::open(with_clock()).unwrap();
        fill(&log, 0, 50).await;
        clock.0.fetch_sub(3_600_000, Ordering::Relaxed);
        if reopened {
            log.shutdown().await.unwrap();
            log = Log::open(with_clock()).unwrap();
        }
        fill(&log, 50, 60).await;
        log.shutdown().await.unwrap();
        set_at_rest(dir.path());
        let report = verify_directory_since(dir.path(), &verifier(), &[]).unwrap();
        let step = report.clock_set_back;
        found &= report.is_ok() && step.is_some_and(|step| step.index == 50 && step.by_ms >= 3_600_000);
    }
    found
}

/// A proof of the old log for a leaf is no proof for the leaf that another past has there, nor under another number.
async fn replayed_proof_fails(scene: &Scene) -> bool {
    let now = Reader::of_directory(scene.dir.path(), &verifier()).unwrap();
    let fork = another_past(5000, LEAVES).await;
    let forged = Reader::of_directory(fork.path(), &verifier()).unwrap();
    let proof = Reader::of_directory(scene.old.path(), &verifier()).unwrap().prove_inclusion(42).unwrap();
    let of = |reader: &Reader, index| reader.leaf(index).unwrap().leaf.encode().unwrap();
    assert!(verify_inclusion(&proof, &of(&now, 42), &verifier()).is_ok());
    // Its checkpoint in the proof of today, and the other way round.
    let (path, _) = proof.split_once("\n\n").unwrap();
    let today = now.prove_inclusion(42).unwrap();
    let (_, checkpoint) = today.split_once("\n\n").unwrap();
    let mixed = format!("{path}\n\n{checkpoint}");
    [
        verify_inclusion(&proof, &of(&forged, 42), &verifier()).is_err(),
        verify_inclusion(&proof, &of(&now, 43), &verifier()).is_err(),
        verify_inclusion(&mixed, &of(&now, 42), &verifier()).is_err(),
    ]
    .into_iter()
    .all(|found| found)
}

/// Bits that are turned in the rig; the whole of a small log, byte for byte, is in `verification.rs`.
const FLIPS: u64 = 800;

#[tokio::test]
async fn a_bit_that_turns_anywhere_in_what_was_signed_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(unhurried(dir.path())).unwrap();
    for until in [100, 256, 300] {
        let from = log.size();
        fill(&log, from, until).await;
        log.checkpoint().await.unwrap();
    }
    log.append((0..3).map(event).collect()).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    copy_directory(dir.path(), copy.path());
    set_at_rest(copy.path());
    let evidence = |path: &Path| {
        let name = path.strip_prefix(copy.path()).unwrap();
        name.starts_with("tile") || name.starts_with("detail") || name == Path::new("checkpoint")
    };
    let targets = files(copy.path()).into_iter().filter(|path| evidence(path)).collect::<Vec<_>>();
    assert!(targets.len() >= 8, "{targets:?}");
    let verify = || verify_directory_since(copy.path(), &verifier(), &[]).unwrap();
    assert_eq!(verify().first_bad, None);
    let mut missed = Vec::new();
    for flip in 0..FLIPS {
        // Every file, each at places all over it, each of the eight bits.
        let path = &targets[usize::try_from(flip).unwrap() % targets.len()];
        let clean = fs::read(path).unwrap();
        let at = usize::try_from(flip.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16).unwrap() % clean.len();
        let mut bytes = clean.clone();
        bytes[at] ^= 1 << (flip % 8);
        fs::write(path, bytes).unwrap();
        set_one_at_rest(path);
        if verify().is_ok() {
            missed.push((path.clone(), at, flip % 8));
        }
        fs::write(path, clean).unwrap();
        set_one_at_rest(path);
    }
    assert!(missed.is_empty(), "missed {} of {FLIPS}: {missed:?}", missed.len());
    assert_eq!(verify().first_bad, None);
    log.shutdown().await.unwrap();
}

fn set_one_at_rest(path: &Path) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

//! A witness and real logs: what it cosigns, what it never does, and what it remembers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops right there")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use yingdun_audit::{Checkpoint, Event, EventKind, Log, LogConfig, NodeName, Outcome, ReasonCode, Tree};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::sign::{Note, NoteSigner, SigningKey};
use yingdun_model::{ActorId, InstitutionId, ManualClock, Secret, Timestamp};
use yingdun_witness::{Answer, Request, Settings, Witness, WitnessError};

const ORIGIN: &str = "renmin.example/audit";
/// A second in November 2026.
const NOW_S: u64 = 1_795_302_663;

fn log_key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([1; 32]))
}

fn open_log(dir: &Path) -> Log {
    let mut config = LogConfig::new(dir.to_owned(), ORIGIN, NodeName::new("node-1").unwrap(), log_key());
    config.checkpoint_interval = Duration::from_millis(1);
    Log::open(config).unwrap()
}

async fn grow(log: &Log, count: usize) {
    for _ in 0..count {
        let actor = ActorId::new("archive").unwrap();
        let reason = const { ReasonCode::new("start-up") };
        let institution = InstitutionId::new("renmin").unwrap();
        log.append_one(Event::of_system(institution, actor, EventKind::System, Outcome::Succeeded, reason))
            .await
            .unwrap();
    }
    log.checkpoint().await.unwrap();
}

/// What a log sends that thinks that `old` leaves were seen.
fn request(log: &Log, old: u64) -> String {
    let reader = log.reader();
    let size = reader.checkpoint().size();
    let proof = if old == 0 { Vec::new() } else { reader.prove_consistency(old, size).unwrap() };
    Request { old, proof, checkpoint: reader.checkpoint().note().to_owned() }.write()
}

fn settings(listen: &str) -> Settings {
    Settings {
        name: "second.example/witness".to_owned(),
        listen: listen.parse().unwrap(),
        certificate_file: "certificate.pem".into(),
        private_key_file: "certificate.key".into(),
        logs: vec![NoteSigner::new(ORIGIN, log_key()).unwrap().verifier().to_string()],
        metrics_token_file: None,
    }
}

struct House {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Witness::create(&folder.path().join("witness"), &settings("127.0.0.1:0")).unwrap();
        let now = Timestamp::from_ms(i64::try_from(NOW_S).unwrap() * 1000);
        Self { folder, clock: Arc::new(ManualClock::at(now)) }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("witness")
    }

    fn try_open(&self) -> Result<Witness, WitnessError> {
        Witness::open(&self.dir(), &Settings::read(&self.dir())?, Arc::clone(&self.clock) as _)
    }

    fn open(&self) -> Witness {
        self.try_open().unwrap()
    }

    /// What it remembers of the log.
    fn memory(&self, name: &str) -> PathBuf {
        self.dir().join("logs").join(hex::encode(sha256(ORIGIN.as_bytes()))).join(name)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Two logs with one past and one key, and another end.
async fn forked(dir: &Path, common: usize) -> (Log, Log) {
    let (one, two) = (dir.join("one"), dir.join("two"));
    let log = open_log(&one);
    grow(&log, common).await;
    log.shutdown().await.unwrap();
    copy(&one, &two);
    (open_log(&one), open_log(&two))
}

fn cosigned(answer: Answer) -> String {
    match answer {
        Answer::Cosigned(line) => line,
        other => panic!("not cosigned: {other:?}"),
    }
}

#[tokio::test]
async fn a_log_that_only_grows_is_cosigned_each_time_and_again_when_it_rests() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let (witness, log) = (house.open(), open_log(dir.path()));
    let mut seen = 0;
    for step in [1, 6, 249, 1, 300] {
        grow(&log, step).await;
        house.clock.advance(Duration::from_secs(1));
        let line = cosigned(witness.add_checkpoint(&request(&log, seen)).unwrap());
        let checkpoint = log.latest_checkpoint();
        let note = format!("{}{line}", checkpoint.note());
        let time_s = witness.verifier().verify(&Note::parse(&note).unwrap()).unwrap();
        assert!(time_s.is_some_and(|time_s| time_s > NOW_S));
        seen = checkpoint.size();
    }
    house.clock.advance(Duration::from_secs(100));
    let line = cosigned(witness.add_checkpoint(&request(&log, seen)).unwrap());
    let newest = witness.newest(&hex::encode(sha256(ORIGIN.as_bytes()))).unwrap().unwrap();
    assert_eq!(newest, format!("{}{line}", log.latest_checkpoint().note()));
    let time_s = witness.verifier().verify(&Note::parse(&newest).unwrap()).unwrap();
    assert_eq!(time_s, Some(NOW_S + 105));
    assert_eq!(witness.newest(&hex::encode(sha256(b"other"))).unwrap(), None);
    let (key, watched) = Witness::look(&house.dir(), &Settings::read(&house.dir()).unwrap()).unwrap();
    assert_eq!(key, witness.verifier().to_string());
    assert_eq!((watched[0].size, watched[0].cosigned_size), (Some(seen), Some(seen)));
    assert_eq!((watched[0].cosigned_s, watched[0].forked), (Some(NOW_S + 105), false));
}

#[tokio::test]
async fn each_request_that_is_not_right_has_the_answer_of_the_specification() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let (witness, log) = (house.open(), open_log(dir.path()));
    let ask = |text: &str| witness.add_checkpoint(text).unwrap();
    grow(&log, 5).await;
    let (first, note) = (request(&log, 0), log.latest_checkpoint().note().to_owned());
    let with = |old: u64, proof: Vec<[u8; 32]>, checkpoint: &str| {
        Request { old, proof, checkpoint: checkpoint.to_owned() }.write()
    };
    assert!(matches!(ask("nonsense"), Answer::Malformed(_)));
    assert!(matches!(ask(&with(0, vec![], ORIGIN)), Answer::Malformed(_)));
    let signed_by =
        |name: &str, key: SigningKey, text: &str| NoteSigner::new(name, key).unwrap().sign(text).unwrap();
    let text = Note::parse(&note).unwrap().text().to_owned();
    let stranger = SigningKey::generate;
    assert_eq!(ask(&with(0, vec![], &signed_by(ORIGIN, stranger(), &text))), Answer::Unsigned);
    let damaged = note.replacen("\n5\n", "\n6\n", 1);
    assert_eq!(ask(&with(0, vec![], &damaged)), Answer::Unsigned);
    let other = text.replacen(ORIGIN, "other/log", 1);
    assert_eq!(ask(&with(0, vec![], &signed_by("other/log", log_key(), &other))), Answer::Unknown);
    assert!(
        matches!(ask(&with(6, vec![], &note)), Answer::Malformed(_)),
        "the old size is above the new one"
    );
    assert_eq!(ask(&with(3, vec![], &note)), Answer::Conflict(0), "it was never asked before");
    assert_eq!(ask(&with(0, vec![[7; 32]], &note)), Answer::Inconsistent, "nothing needs no proof");
    let empty = |root: &str| signed_by(ORIGIN, log_key(), &format!("{ORIGIN}\n0\n{root}\n"));
    let wrong_root = empty("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=");
    assert_eq!(ask(&with(0, vec![], &wrong_root)), Answer::Inconsistent);
    cosigned(ask(&with(0, vec![], &empty("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))));
    // The lines of others neither help nor harm.
    let with_lines = format!(
        "{first}— other.example/witness jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl\n"
    );
    cosigned(ask(&with_lines));
    assert_eq!(fs::read_to_string(house.memory("latest")).unwrap(), note);
    grow(&log, 7).await;
    assert_eq!(ask(&request(&log, 0)), Answer::Conflict(5));
    let good = Request::parse(&request(&log, 5)).unwrap();
    let mut wrong = good.clone();
    wrong.proof[0][0] ^= 1;
    assert_eq!(ask(&wrong.write()), Answer::Inconsistent);
    wrong = Request { proof: Vec::new(), ..good.clone() };
    assert_eq!(ask(&wrong.write()), Answer::Inconsistent);
    // None of that was remembered.
    cosigned(ask(&good.write()));
}

#[tokio::test]
async fn a_log_that_is_set_back_or_forks_is_never_cosigned_and_the_fork_is_kept() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let witness = house.open();
    let (log, other) = forked(dir.path(), 10).await;
    let early = request(&log, 0);
    grow(&log, 5).await;
    cosigned(witness.add_checkpoint(&request(&log, 0)).unwrap());
    // Set back: the keys are the right ones, the past is too.
    assert_eq!(witness.add_checkpoint(&early).unwrap(), Answer::Conflict(15));
    // Another end of the same length, and longer.
    grow(&other, 5).await;
    assert_eq!(witness.add_checkpoint(&request(&other, 15)).unwrap(), Answer::Inconsistent);
    let evidence = fs::read_to_string(house.memory("forked")).unwrap();
    assert_eq!(evidence, other.latest_checkpoint().note());
    grow(&other, 20).await;
    assert_eq!(witness.add_checkpoint(&request(&other, 15)).unwrap(), Answer::Inconsistent);
    // The honest one goes on.
    grow(&log, 1).await;
    cosigned(witness.add_checkpoint(&request(&log, 15)).unwrap());
    let (_, watched) = Witness::look(&house.dir(), &Settings::read(&house.dir()).unwrap()).unwrap();
    assert!(watched[0].forked && watched[0].size == Some(16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_ends_that_come_at_the_same_moment_one_is_cosigned() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let witness = Arc::new(house.open());
    let (log, other) = forked(dir.path(), 10).await;
    cosigned(witness.add_checkpoint(&request(&log, 0)).unwrap());
    let seen = log.latest_checkpoint().size();
    grow(&log, 3).await;
    grow(&other, 4).await;
    let texts: Vec<String> = (0..8).map(|n| request(if n % 2 == 0 { &log } else { &other }, seen)).collect();
    let barrier = Arc::new(Barrier::new(texts.len()));
    let threads: Vec<_> = texts
        .into_iter()
        .enumerate()
        .map(|(n, text)| {
            let (witness, barrier) = (Arc::clone(&witness), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                (n % 2, witness.add_checkpoint(&text).unwrap())
            })
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let signed: Vec<usize> = answers
        .iter()
        .filter(|(_, answer)| matches!(answer, Answer::Cosigned(_)))
        .map(|(which, _)| *which)
        .collect();
    assert_eq!(signed.len(), 1, "{answers:?}");
    let latest = fs::read_to_string(house.memory("latest")).unwrap();
    let winner = if signed[0] == 0 { &log } else { &other };
    assert_eq!(latest, winner.latest_checkpoint().note());
}

#[tokio::test]
async fn a_stop_between_memory_and_signature_loses_nothing() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let log = open_log(dir.path());
    let witness = house.open();
    grow(&log, 5).await;
    cosigned(witness.add_checkpoint(&request(&log, 0)).unwrap());
    let before = fs::read(house.memory("cosigned")).unwrap();
    grow(&log, 5).await;
    cosigned(witness.add_checkpoint(&request(&log, 5)).unwrap());
    drop(witness);
    // As a kill leaves it that comes when size and root are on the disk, and the signature is nowhere.
    fs::write(house.memory("cosigned"), &before).unwrap();
    let witness = house.open();
    let hash = hex::encode(sha256(ORIGIN.as_bytes()));
    assert_eq!(witness.newest(&hash).unwrap().unwrap().into_bytes(), before);
    assert_eq!(witness.add_checkpoint(&request(&log, 5)).unwrap(), Answer::Conflict(10));
    cosigned(witness.add_checkpoint(&request(&log, 10)).unwrap());
}

#[tokio::test]
async fn a_memory_that_was_changed_or_taken_away_is_never_begun_anew() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let log = open_log(dir.path());
    grow(&log, 5).await;
    cosigned(house.open().add_checkpoint(&request(&log, 0)).unwrap());
    let latest = house.memory("latest");
    let note = fs::read_to_string(&latest).unwrap();
    fs::write(&latest, note.replacen("\n5\n", "\n3\n", 1)).unwrap();
    assert!(matches!(house.try_open(), Err(WitnessError::Damaged { .. })));
    fs::remove_file(&latest).unwrap();
    assert!(matches!(house.try_open(), Err(WitnessError::Damaged { .. })));
    fs::write(&latest, "x".repeat(1 << 20)).unwrap();
    assert!(matches!(house.try_open(), Err(WitnessError::Damaged { .. })));
    fs::write(&latest, &note).unwrap();
    let witness = house.open();
    assert!(matches!(house.try_open(), Err(WitnessError::Busy(_))), "one process at a time");
    drop(witness);
    let key = house.dir().join("witness.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(house.try_open(), Err(WitnessError::Key(_))));
}

#[test]
fn settings_that_are_written_read_back_and_wrong_ones_are_named() {
    let house = House::new();
    let read = Settings::read(&house.dir()).unwrap();
    let expected = Settings {
        certificate_file: house.dir().join("certificate.pem"),
        private_key_file: house.dir().join("certificate.key"),
        ..settings("127.0.0.1:0")
    };
    assert_eq!(read, expected);
    assert!(matches!(Witness::create(&house.dir(), &read), Err(WitnessError::Exists(_))));
    let path = house.dir().join("witness.toml");
    let text = fs::read_to_string(&path).unwrap();
    let key = read.logs[0].clone();
    let sm3 = NoteSigner::new("other/sm3", yingdun_crypto::sign::Sm2SigningKey::generate()).unwrap();
    assert_eq!(Tree::of(sm3.verifier()), Tree::Sm3);
    for wrong in [
        text.replace("listen", "lisen"),
        text.replace(&key, "nonsense"),
        text.replace(&format!("\"{key}\","), &format!("\"{key}\", \"{key}\",")),
        text.replace(&key, &sm3.verifier().to_string()),
    ] {
        fs::write(&path, wrong).unwrap();
        assert!(matches!(Settings::read(&house.dir()), Err(WitnessError::Settings { .. })));
    }
    fs::remove_file(&path).unwrap();
    assert!(Settings::read(&house.dir()).unwrap_err().to_string().contains("witness init"));
    let named = Settings { name: "two words".to_owned(), ..read };
    let elsewhere = house.folder.path().join("other");
    assert!(matches!(Witness::create(&elsewhere, &named), Err(WitnessError::Name(_))));
}

#[tokio::test]
async fn a_clock_that_was_never_set_signs_nothing() {
    let (house, dir) = (House::new(), tempfile::tempdir().unwrap());
    let log = open_log(dir.path());
    grow(&log, 5).await;
    let clock = Arc::new(ManualClock::at(Timestamp::from_ms(0)));
    let witness = Witness::open(&house.dir(), &Settings::read(&house.dir()).unwrap(), clock).unwrap();
    assert!(matches!(witness.add_checkpoint(&request(&log, 0)), Err(WitnessError::Clock)));
    assert!(!house.memory("latest").exists());
    let _: Checkpoint = log.latest_checkpoint();
}

//! What the tests of the log share: events, an open log, copies of its directory.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code, of which each test file uses its part"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;
use yingdun_audit::{
    Counts, Event, EventKind, Log, LogConfig, NodeName, Outcome, ReasonCode, SealedDetail, Tree,
};
use yingdun_crypto::sign::{NoteVerifier, SigningKey, Sm2SigningKey};
use yingdun_model::{
    Action, ActorId, ActorKind, InstitutionId, PatientRef, PurposeOfUse, Role, Secret, StudyRef,
};

pub const ORIGIN: &str = "renmin.example/audit/node-1";

pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([7; 32]))
}

pub fn verifier() -> NoteVerifier {
    NoteVerifier::new(ORIGIN, signing_key().verifying_key()).unwrap()
}

pub fn config(dir: &Path) -> LogConfig {
    let mut config = LogConfig::new(dir.to_owned(), ORIGIN, NodeName::new("node-1").unwrap(), signing_key());
    config.segment_bytes = 4 << 20;
    config
}

pub fn sm3_signing_key() -> Sm2SigningKey {
    Sm2SigningKey::from_secret(&Secret::new([9; 32]))
}

pub fn sm3_verifier() -> NoteVerifier {
    NoteVerifier::new(&Tree::Sm3.origin(ORIGIN), sm3_signing_key().verifying_key().clone()).unwrap()
}

/// A configuration of a log with both trees.
pub fn with_sm3(config: LogConfig) -> LogConfig {
    LogConfig { sm3_signing_key: Some(sm3_signing_key()), ..config }
}

/// A configuration under which only an explicit `checkpoint()` or `shutdown()` signs.
pub fn unhurried(dir: &Path) -> LogConfig {
    LogConfig { checkpoint_interval: Duration::from_secs(3600), ..config(dir) }
}

pub fn open(dir: &Path) -> Log {
    Log::open(config(dir)).unwrap()
}

pub fn event(n: u64) -> Event {
    Event {
        kind: if n.is_multiple_of(3) { EventKind::Access } else { EventKind::Query },
        outcome: if n.is_multiple_of(5) { Outcome::Refused } else { Outcome::Permitted },
        institution: InstitutionId::new("renmin").unwrap(),
        actor: ActorId::new(&format!("doctor-{}", n % 7)).unwrap(),
        actor_kind: ActorKind::Person,
        role: Some(Role::Radiologist),
        purpose: Some(PurposeOfUse::Treatment),
        action: Some(Action::View),
        patient: Some(PatientRef::from_bytes([1; 16])),
        study: Some(StudyRef::from_bytes(u128::from(n % 11).to_be_bytes())),
        instance: None,
        policy_set: Some([5; 32]),
        reason: const { ReasonCode::new("care-relation") },
        counts: Counts::new().with("instances", n),
        content: None,
        detail: None,
    }
}

pub fn event_with_detail(n: u64) -> Event {
    let detail = format!("ciphertext of the detail of event {n}").into_bytes();
    Event { detail: Some(SealedDetail::from_ciphertext(detail).unwrap()), ..event(n) }
}

/// Appends events `from..until` in calls of one batch each.
pub async fn fill(log: &Log, from: u64, until: u64) {
    let events: Vec<Event> =
        (from..until).map(|n| if n % 4 == 1 { event_with_detail(n) } else { event(n) }).collect();
    for chunk in events.chunks(Log::APPEND_EVENTS_MAX) {
        log.append(chunk.to_vec()).await.unwrap();
    }
}

/// Copies what lies there. The log may be running: what it renames or removes meanwhile is left out.
pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), target) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

/// Every file below a directory, in the order of their paths.
pub fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

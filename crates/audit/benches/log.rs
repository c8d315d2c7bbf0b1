//! How fast the log is, without and with the SM3 tree: one appender, many appenders until all is signed, verification, and
//! building the SM3 tree of a log that is older than it. Run on a quiet machine.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;
use std::time::Duration;
use yingdun_audit::verify::verify_directory;
use yingdun_audit::{Counts, Event, EventKind, Log, LogConfig, NodeName, Outcome, ReasonCode, Tree};
use yingdun_crypto::sign::{NoteVerifier, SigningKey, Sm2SigningKey};
use yingdun_model::{
    Action, ActorId, ActorKind, InstitutionId, PatientRef, PurposeOfUse, Role, Secret, StudyRef,
};

const ORIGIN: &str = "bench.example/audit";
/// Appenders at once, as many as a busy archive has streams.
const APPENDERS: usize = 256;
/// Single appends of each of them in one measured round.
const APPENDS: usize = 20;
/// Leaves in the log that is verified.
const VERIFIED_LEAVES: u64 = 200_000;

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([1; 32]))
}

fn sm2_key() -> Sm2SigningKey {
    Sm2SigningKey::from_secret(&Secret::new([2; 32]))
}

fn open(dir: &Path, tree: Tree) -> Log {
    let config = LogConfig::new(dir.to_owned(), ORIGIN, NodeName::new("bench").unwrap(), key());
    let sm3_signing_key = (tree == Tree::Sm3).then(sm2_key);
    Log::open(LogConfig { sm3_signing_key, ..config }).unwrap()
}

fn named(tree: Tree, what: &str) -> String {
    match tree {
        Tree::Sha256 => what.to_owned(),
        Tree::Sm3 => format!("{what}, with SM3"),
    }
}

fn event() -> Event {
    Event {
        kind: EventKind::Access,
        outcome: Outcome::Permitted,
        institution: InstitutionId::new("renmin").unwrap(),
        actor: ActorId::new("dr.wang").unwrap(),
        actor_kind: ActorKind::Person,
        role: Some(Role::Radiologist),
        purpose: Some(PurposeOfUse::Treatment),
        action: Some(Action::View),
        patient: Some(PatientRef::from_bytes([1; 16])),
        study: Some(StudyRef::from_bytes([2; 16])),
        instance: None,
        policy_set: Some([3; 32]),
        reason: ReasonCode::new("care-relation"),
        counts: Counts::new().with("instances", 300),
        content: None,
        detail: None,
    }
}

fn append(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut group = c.benchmark_group("append");
    group.measurement_time(Duration::from_secs(8)).sample_size(20);
    for &tree in Tree::ALL {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path(), tree);
        group.throughput(Throughput::Elements(1));
        group.bench_function(named(tree, "one appender, one event"), |b| {
            b.iter_batched(
                event,
                |event| runtime.block_on(log.append_one(event)).unwrap(),
                BatchSize::SmallInput,
            );
        });
        group.throughput(Throughput::Elements((APPENDERS * APPENDS) as u64));
        group.bench_function(named(tree, "256 appenders, one event each time, until signed"), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..APPENDERS)
                        .map(|_| {
                            let log = log.clone();
                            tokio::spawn(async move {
                                for _ in 0..APPENDS {
                                    log.append_one(event()).await.unwrap();
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                    log.checkpoint().await.unwrap();
                });
            });
        });
        runtime.block_on(log.shutdown()).unwrap();
    }
    group.finish();
}

fn verify(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), Tree::Sha256);
    runtime.block_on(async {
        for _ in 0..VERIFIED_LEAVES / 256 {
            log.append(vec![event(); 256]).await.unwrap();
        }
        log.shutdown().await.unwrap();
    });
    let mut group = c.benchmark_group("verify");
    group.sample_size(10).throughput(Throughput::Elements(VERIFIED_LEAVES / 256 * 256));
    group.bench_function("building the SM3 tree of a whole log", |b| {
        b.iter(|| {
            drop(std::fs::remove_dir_all(dir.path().join("sm3")));
            runtime.block_on(open(dir.path(), Tree::Sm3).shutdown()).unwrap();
        });
    });
    let verifiers = [
        NoteVerifier::new(ORIGIN, key().verifying_key()).unwrap(),
        NoteVerifier::new(&Tree::Sm3.origin(ORIGIN), sm2_key().verifying_key().clone()).unwrap(),
    ];
    for verifier in &verifiers {
        group.bench_function(named(Tree::of(verifier), "a whole log, one core"), |b| {
            b.iter(|| assert!(verify_directory(dir.path(), verifier).unwrap().is_ok()));
        });
    }
    group.finish();
}

criterion_group!(benches, append, verify);
criterion_main!(benches);

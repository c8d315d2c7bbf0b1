//! How fast the log is: one appender, many appenders, verification. Run on a quiet machine.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use yingdun_audit::verify::verify_directory;
use yingdun_audit::{Counts, Event, EventKind, Log, LogConfig, NodeName, Outcome, ReasonCode};
use yingdun_crypto::sign::{NoteVerifier, SigningKey};
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

fn open(dir: &std::path::Path) -> Log {
    Log::open(LogConfig::new(dir.to_owned(), ORIGIN, NodeName::new("bench").unwrap(), key())).unwrap()
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
        detail: None,
    }
}

fn append(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut group = c.benchmark_group("append");
    group.measurement_time(Duration::from_secs(8)).sample_size(20);
    group.throughput(Throughput::Elements(1));
    group.bench_function("one appender, one event", |b| {
        b.iter_batched(
            event,
            |event| runtime.block_on(log.append_one(event)).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.throughput(Throughput::Elements((APPENDERS * APPENDS) as u64));
    group.bench_function("256 appenders, one event each time", |b| {
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
            });
        });
    });
    group.finish();
    runtime.block_on(log.shutdown()).unwrap();
}

fn verify(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    runtime.block_on(async {
        for _ in 0..VERIFIED_LEAVES / 256 {
            log.append(vec![event(); 256]).await.unwrap();
        }
        log.shutdown().await.unwrap();
    });
    let mut group = c.benchmark_group("verify");
    group.sample_size(10).throughput(Throughput::Elements(VERIFIED_LEAVES / 256 * 256));
    let verifier = NoteVerifier::new(ORIGIN, key().verifying_key()).unwrap();
    group.bench_function("a whole log, one core", |b| {
        b.iter(|| assert!(verify_directory(dir.path(), &verifier).unwrap().is_ok()));
    });
    group.finish();
}

criterion_group!(benches, append, verify);
criterion_main!(benches);

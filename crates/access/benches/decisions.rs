//! What a decision costs: the engine alone, with the facts from SQLite, for a page of a list, and with its leaf.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot set up has nothing to say")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use yingdun_access::{Access, AccessConfig, Officers, Peer, Resource, Session, StudyFacts};
use yingdun_audit::{Log, LogConfig, NodeName};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::SealingKey;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{Action, ActorId, Clock, Grade, InstitutionId, PatientRef, Role, StudyRef, SystemClock};

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), tls: true };

fn actor(name: &str) -> ActorId {
    ActorId::new(name).unwrap()
}

fn study(number: u8) -> Resource {
    Resource::Study(StudyFacts {
        institution: InstitutionId::new("renmin").unwrap(),
        study: StudyRef::from_bytes([number; 16]),
        patient: PatientRef::from_bytes([number; 16]),
        grade: Grade::L4,
        received: SystemClock.now(),
    })
}

/// An installation with a radiologist, and a clinician who treats half of a hundred patients.
async fn founded(folder: &std::path::Path) -> (Access, Session, Session) {
    let open = |name: &str, kind| Database::open_sqlite(folder.join(name), kind);
    let identity = open("identity.sqlite", DatabaseKind::Identity).await.unwrap();
    let catalogue = open("catalogue.sqlite", DatabaseKind::Catalogue).await.unwrap();
    let node = NodeName::new("bench").unwrap();
    let log =
        Log::open(LogConfig::new(folder.join("audit"), "bench.example/log", node, SigningKey::generate()))
            .unwrap();
    let config = AccessConfig::new(
        InstitutionId::new("renmin").unwrap(),
        SealingKey::generate(),
        SealingKey::generate(),
    );
    let access = Access::open(config, identity, catalogue, log, Arc::new(SystemClock)).unwrap();
    let system = access.system_session();
    let officers = Officers { system: actor("sys"), security: actor("sec"), audit: actor("aud") };
    access.found(&system, &officers).await.unwrap();
    let sign_in = async |name: &str, role| {
        let link = access.create_login_link(&system, &actor(name), role).await.unwrap();
        access.redeem_login_link(link.token.expose(), PEER).await.unwrap().session
    };
    let sys = sign_in("sys", Role::SystemAdministrator).await;
    let sec = sign_in("sec", Role::SecurityAdministrator).await;
    for (name, role) in [("li", Role::Radiologist), ("wang", Role::Clinician)] {
        access.create_person(&sys, &actor(name)).await.unwrap();
        access.give_role(&sec, &actor(name), role).await.unwrap();
    }
    let (from, until) = (SystemClock.now(), SystemClock.now().after(Duration::from_secs(86_400)));
    for number in (0..100).step_by(2) {
        let patient = PatientRef::from_bytes([number; 16]);
        access.give_care(&sec, &actor("wang"), patient, from, until).await.unwrap();
    }
    let (li, wang) = (sign_in("li", Role::Radiologist).await, sign_in("wang", Role::Clinician).await);
    (access, li, wang)
}

fn decisions(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (access, radiologist, clinician) = runtime.block_on(founded(folder.path()));
    let system = access.system_session();
    let (one, page): (_, Vec<_>) = (study(2), (0..100).map(study).collect());

    // The archive's own session needs no look-up: what remains is the engine.
    criterion.bench_function("decide/engine-alone", |bencher| {
        bencher.to_async(&runtime).iter(|| access.decide(&system, Action::Recover, black_box(&one)));
    });
    criterion.bench_function("decide/radiologist-facts-from-sqlite", |bencher| {
        bencher.to_async(&runtime).iter(|| access.decide(&radiologist, Action::View, black_box(&one)));
    });
    criterion.bench_function("decide-many/100-rows-of-a-radiologist", |bencher| {
        bencher.to_async(&runtime).iter(|| access.decide_many(&radiologist, Action::List, black_box(&page)));
    });
    criterion.bench_function("decide-many/100-rows-of-a-clinician", |bencher| {
        bencher.to_async(&runtime).iter(|| access.decide_many(&clinician, Action::List, black_box(&page)));
    });
    criterion.bench_function("authorise/with-durable-leaf", |bencher| {
        bencher.to_async(&runtime).iter(|| access.authorise(&clinician, Action::View, one.clone()));
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);

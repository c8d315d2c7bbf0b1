//! A decision of the policy engine, and what the log keeps of it.

use crate::{Operation, Outcome};
use std::hint::black_box;
use std::sync::Arc;
use tokio::runtime::Builder;
use yingdun_access::{Access, AccessConfig, Resource, StudyFacts};
use yingdun_audit::{
    BootId, Counts, Digest, EventKind, LEAF_VERSION, Leaf, Log, LogConfig, NodeName, ReasonCode, Tree,
};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::SealingKey;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{
    Action, ActorId, ActorKind, Grade, InstitutionId, PatientRef, PurposeOfUse, Role, Secret, StudyRef,
    Timestamp,
};

/// The archive's own session needs no look-up: what is counted is the engine.
pub(crate) fn decide() -> Outcome<Operation> {
    let runtime = Builder::new_current_thread().build()?;
    let folder = tempfile::tempdir()?;
    let institution = InstitutionId::new("renmin")?;
    let log = LogConfig::new(
        folder.path().join("audit"),
        "bench.example/log",
        NodeName::new("bench")?,
        SigningKey::from_seed(&Secret::new([1; 32])),
    );
    let open = |name: &str, kind| runtime.block_on(Database::open_sqlite(folder.path().join(name), kind));
    let access = Access::open(
        AccessConfig::new(
            institution.clone(),
            SealingKey::from_secret(&Secret::new([1; 32])),
            SealingKey::from_secret(&Secret::new([2; 32])),
        ),
        open("identity.sqlite", DatabaseKind::Identity)?,
        open("catalogue.sqlite", DatabaseKind::Catalogue)?,
        Log::open(log)?,
        Arc::new(yingdun_model::SystemClock),
    )?;
    let session = access.system_session();
    let study = Resource::Study(StudyFacts {
        institution,
        study: StudyRef::from_bytes([2; 16]),
        patient: PatientRef::from_bytes([1; 16]),
        grade: Grade::L4,
        received: Timestamp::from_ms(0),
    });
    Ok(Box::new(move || {
        // The folder lives as long as the databases in it.
        let _ = &folder;
        let decision = runtime.block_on(access.decide(&session, Action::Recover, black_box(&study)))?;
        if decision.permitted { Ok(()) } else { Err("the archive may recover a study".into()) }
    }))
}

/// The work of an append that is not the disk's: the leaf as text, and its hash.
pub(crate) fn leaf() -> Outcome<Operation> {
    let leaf = Leaf {
        version: LEAF_VERSION,
        sequence: 123_456,
        time_ms: Timestamp::from_ms(1_800_000_000_000),
        monotonic_ns: 123_456_789_000,
        boot: BootId([1; 8]),
        node: NodeName::new("bench")?,
        kind: EventKind::Access,
        outcome: yingdun_audit::Outcome::Permitted,
        institution: InstitutionId::new("renmin")?,
        actor: ActorId::new("dr.wang").ok_or("a name of an actor")?,
        actor_kind: ActorKind::Person,
        role: Some(Role::Radiologist),
        purpose: Some(PurposeOfUse::Treatment),
        action: Some(Action::View),
        patient: Some(PatientRef::from_bytes([1; 16])),
        study: Some(StudyRef::from_bytes([2; 16])),
        instance: None,
        policy_set: Some(Digest([3; 32])),
        reason: ReasonCode::new("care-relation"),
        counts: Counts::new().with("instances", 300),
        content_sha256: None,
        detail_sha256: None,
    };
    Ok(Box::new(move || {
        black_box(Tree::Sha256.leaf_hash(&black_box(&leaf).encode()?));
        Ok(())
    }))
}

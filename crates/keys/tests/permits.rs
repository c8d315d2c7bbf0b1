//! No leaf, no key: study keys leave only against a permit of the real access control and the real audit log.
#![allow(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use yingdun_access::{Access, AccessConfig, Peer, Permit, Resource, Session, StudyFacts};
use yingdun_audit::{EventKind, Filter, Log, LogConfig, NodeName, Outcome};
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::sign::SigningKey;
use yingdun_crypto::{SealingKey, Suite, digest};
use yingdun_keys::{EpochFile, KeyStore, KeysError, RootKey, SecretName, Suites};
use yingdun_model::{
    Action, ActorId, Clock, Grade, InstitutionId, ManualClock, PatientRef, Secret, StudyRef, Timestamp,
};

/// Where the key store keeps its rows.
enum Engine {
    Sqlite,
    Postgres(yingdun_testkit::PostgresDatabase),
}

/// An archive without images: access, audit log and key store on one clock, and a program that may store and view.
struct Archive {
    access: Access,
    log: Log,
    keys: KeyStore,
    clock: Arc<ManualClock>,
    program: Session,
    _dir: TempDir,
}

fn institution() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

fn facts(study: u8, patient: u8, grade: Grade) -> StudyFacts {
    StudyFacts {
        institution: institution(),
        study: StudyRef::from_bytes([study; 16]),
        patient: PatientRef::from_bytes([patient; 16]),
        grade,
        received: Timestamp::from_ms(1_700_000_000_000),
    }
}

impl Archive {
    async fn open(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_ms(1_700_000_000_000)));
        let database =
            async |name: &str, kind| Database::open_sqlite(dir.path().join(name), kind).await.unwrap();
        let identity = database("identity.db", DatabaseKind::Identity).await;
        let catalogue = database("catalogue.db", DatabaseKind::Catalogue).await;
        let keys = match &engine {
            Engine::Sqlite => database("keys.db", DatabaseKind::Keys).await,
            Engine::Postgres(server) => {
                Database::open_postgres(server.address(), DatabaseKind::Keys).await.unwrap()
            }
        };
        let epochs = EpochFile::at(dir.path().join("epoch.key"));
        let keys =
            KeyStore::open(keys, RootKey::from(SealingKey::generate()), epochs, clock.clone()).await.unwrap();
        let signing_key =
            SigningKey::from(&keys.secret(&institution(), SecretName::LogSigning).await.unwrap());
        let node = NodeName::new("node-1").unwrap();
        let config = LogConfig::new(dir.path().join("audit"), "renmin.example/audit", node, signing_key);
        let log = Log::open(LogConfig { clock: clock.clone(), ..config }).unwrap();
        let config = AccessConfig::new(institution(), SealingKey::generate(), SealingKey::generate());
        let access = Access::open(config, identity.clone(), catalogue, log.clone(), clock.clone()).unwrap();
        let program = sign_in(&access, &identity, clock.now()).await;
        Self { access, log, keys, clock, program, _dir: dir }
    }

    async fn permit(&self, action: Action, facts: StudyFacts) -> Permit {
        let session = match action {
            Action::Recover => &self.access.system_session(),
            _ => &self.program,
        };
        self.access.authorise(session, action, Resource::Study(facts)).await.unwrap()
    }

    async fn store(&self, facts: StudyFacts) -> Result<[u8; 32], KeysError> {
        let permit = self.permit(Action::Store, facts).await;
        self.keys.study_key_for_store(&permit, permit.patient()).await.map(|key| *key.key().expose_secret())
    }

    async fn view(&self, facts: StudyFacts) -> Result<[u8; 32], KeysError> {
        let permit = self.permit(Action::View, facts).await;
        self.keys.unwrap(&permit).await.map(|key| *key.key().expose_secret())
    }

    /// How many leaves say that content was permitted.
    async fn access_leaves(&self) -> u64 {
        self.log.checkpoint().await.unwrap();
        let filter =
            Filter { kinds: vec![EventKind::Access], outcome: Some(Outcome::Permitted), ..Filter::default() };
        self.log.reader().search(filter).filter(Result::is_ok).count() as u64
    }
}

/// Signs a program in that was granted storing and viewing.
async fn sign_in(access: &Access, identity: &Database, now: Timestamp) -> Session {
    let secret = "s".repeat(43);
    let client = Client {
        client_id: ActorId::new("gateway").unwrap(),
        institution: institution(),
        secret_hash: Some(digest::sha256(secret.as_bytes())),
        redirect_uris: String::new(),
        scopes: "store view".into(),
        disabled: false,
        demands: String::new(),
    };
    let founder = ActorId::new("founder").unwrap();
    identity.execute(vec![clients::insert(&client, now, &founder)]).await.unwrap();
    let signed_in = access.client_credentials(&client.client_id, &Secret::new(secret), Peer::LOCAL).await;
    signed_in.unwrap().session
}

/// Runs each behaviour with keys on SQLite and on PostgreSQL.
macro_rules! on_both_engines {
    ($($behaviour:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::$behaviour(super::Archive::open(super::Engine::Sqlite).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let Some(server) = yingdun_testkit::postgres_database() else { return };
                super::$behaviour(super::Archive::open(super::Engine::Postgres(server)).await).await;
            })+
        }
    };
}

on_both_engines! {
    a_new_study_gets_the_suite_of_its_grade_and_keeps_it
    what_was_stored_is_opened_with_the_same_key
    a_permit_gives_one_key_and_no_more
    of_any_number_of_unwraps_at_once_one_succeeds
    an_expired_permit_gives_nothing_until_it_is_renewed
    a_permit_to_view_makes_no_key_and_a_permit_to_store_opens_none
    a_decision_on_a_wrong_grade_or_patient_opens_nothing
    a_permit_for_no_study_gives_nothing
    every_key_given_out_has_its_access_leaf
}

async fn a_new_study_gets_the_suite_of_its_grade_and_keeps_it(archive: Archive) {
    let (aes, sm) = (Suite::Cobblestone256, Suite::Sm4GcmSm3);
    let of_grade = [(Grade::L3, sm)].into();
    let choosing = archive.keys.clone().with_suites(Suites { of_grade, ..Suites::default() });
    let facts = [facts(1, 1, Grade::L4), facts(2, 1, Grade::L3)];
    for (facts, suite) in facts.into_iter().zip([aes, sm]) {
        // First by the store that chooses, then by one that has other wishes.
        for keys in [&choosing, &archive.keys] {
            let permit = archive.permit(Action::Store, facts.clone()).await;
            assert_eq!(keys.study_key_for_store(&permit, permit.patient()).await.unwrap().suite(), suite);
            let permit = archive.permit(Action::View, facts.clone()).await;
            assert_eq!(keys.unwrap(&permit).await.unwrap().suite(), suite);
        }
    }
}

async fn what_was_stored_is_opened_with_the_same_key(archive: Archive) {
    let stored = archive.store(facts(1, 1, Grade::L4)).await.unwrap();
    assert_eq!(archive.store(facts(1, 1, Grade::L4)).await, Ok(stored));
    assert_eq!(archive.view(facts(1, 1, Grade::L4)).await, Ok(stored));
    let recover = archive.permit(Action::Recover, facts(1, 1, Grade::L4)).await;
    assert_eq!(*archive.keys.unwrap(&recover).await.unwrap().key().expose_secret(), stored);
    assert_eq!(archive.view(facts(2, 1, Grade::L4)).await, Err(KeysError::NoKey));
}

async fn a_permit_gives_one_key_and_no_more(archive: Archive) {
    let store = archive.permit(Action::Store, facts(1, 1, Grade::L4)).await;
    archive.keys.study_key_for_store(&store, store.patient()).await.unwrap();
    assert_eq!(
        archive.keys.study_key_for_store(&store, store.patient()).await.map(|_| ()),
        Err(KeysError::PermitSpent)
    );
    let view = archive.permit(Action::View, facts(1, 1, Grade::L4)).await;
    archive.keys.unwrap(&view).await.unwrap();
    // A renewal gives time, not another key.
    archive.access.renew(&archive.program, &view).await.unwrap();
    assert_eq!(archive.keys.unwrap(&view).await.map(|_| ()), Err(KeysError::PermitSpent));
    assert_eq!(archive.keys.unwraps(), 2);
}

async fn of_any_number_of_unwraps_at_once_one_succeeds(archive: Archive) {
    archive.store(facts(1, 1, Grade::L4)).await.unwrap();
    let permit = Arc::new(archive.permit(Action::View, facts(1, 1, Grade::L4)).await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (keys, permit) = (archive.keys.clone(), Arc::clone(&permit));
        tasks.spawn(async move { keys.unwrap(&permit).await.is_ok() });
    }
    let given = tasks.join_all().await.into_iter().filter(|given| *given).count();
    assert_eq!((given, archive.keys.unwraps()), (1, 2));
}

async fn an_expired_permit_gives_nothing_until_it_is_renewed(archive: Archive) {
    let permit = archive.permit(Action::Store, facts(1, 1, Grade::L4)).await;
    archive.clock.advance(Duration::from_secs(5));
    assert_eq!(
        archive.keys.study_key_for_store(&permit, permit.patient()).await.map(|_| ()),
        Err(KeysError::PermitExpired)
    );
    assert_eq!(archive.keys.unwraps(), 0);
    // The expired attempt did not spend it: after a renewal it is worth its key.
    archive.access.renew(&archive.program, &permit).await.unwrap();
    archive.keys.study_key_for_store(&permit, permit.patient()).await.unwrap();
}

async fn a_permit_to_view_makes_no_key_and_a_permit_to_store_opens_none(archive: Archive) {
    let view = archive.permit(Action::View, facts(1, 1, Grade::L4)).await;
    let refused = archive.keys.study_key_for_store(&view, view.patient()).await.map(|_| ());
    assert_eq!(refused, Err(KeysError::WrongAction { expected: "store", came: Action::View }));
    assert_eq!(archive.keys.unwrap(&view).await.map(|_| ()), Err(KeysError::NoKey));
    let store = archive.permit(Action::Store, facts(1, 1, Grade::L4)).await;
    let refused = archive.keys.unwrap(&store).await.map(|_| ());
    assert_eq!(refused, Err(KeysError::WrongAction { expected: "view or recover", came: Action::Store }));
}

async fn a_decision_on_a_wrong_grade_or_patient_opens_nothing(archive: Archive) {
    archive.store(facts(1, 1, Grade::L4S)).await.unwrap();
    assert_eq!(archive.view(facts(1, 1, Grade::L4)).await, Err(KeysError::OtherFacts));
    assert_eq!(archive.view(facts(1, 2, Grade::L4S)).await, Err(KeysError::OtherFacts));
    assert_eq!(archive.keys.unwraps(), 1);
}

async fn a_permit_for_no_study_gives_nothing(archive: Archive) {
    let system = archive.access.system_session();
    let whole = Resource::Archive(institution());
    let permit = archive.access.authorise(&system, Action::Recover, whole).await.unwrap();
    assert_eq!(archive.keys.unwrap(&permit).await.map(|_| ()), Err(KeysError::NoStudy));
}

async fn every_key_given_out_has_its_access_leaf(archive: Archive) {
    for study in 0..5 {
        archive.store(facts(study, study % 2, Grade::L4)).await.unwrap();
        archive.view(facts(study, study % 2, Grade::L4)).await.unwrap();
    }
    // Refusals and other events are leaves, but not access leaves.
    let refused = Resource::Study(facts(0, 0, Grade::L5));
    assert!(archive.access.authorise(&archive.program, Action::View, refused).await.is_err());
    assert_eq!(archive.keys.unwraps(), 10);
    assert_eq!(archive.access_leaves().await, 10);
}

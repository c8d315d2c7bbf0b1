//! What becomes of keys in memory when whoever keeps the root key falls silent or refuses. The root is a mock, as nothing else can be
//! made to fail at will; what it does with keys is real.

use super::*;
use crate::lease::LeaseTimes;
use crate::study::StudyPlace;
use crate::{RootAnswer, RootKind, RootProvider};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use yingdun_catalog::DatabaseKind;
use yingdun_crypto::{Context, Suite};
use yingdun_model::SystemClock;

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy)]
enum Mood {
    Answers,
    Silent,
    Refuses,
}

struct MockRoot {
    key: RootKey,
    mood: Mutex<Mood>,
    asked: AtomicU32,
}

impl MockRoot {
    fn answer<'a, T: Send + 'a>(
        &self,
        answer: impl Future<Output = Result<T, RootError>> + Send + 'a,
    ) -> RootAnswer<'a, T> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let (kind, cause) = (RootKind::Pkcs11, "mock".to_owned());
        match *self.mood.lock().unwrap() {
            Mood::Answers => Box::pin(answer),
            Mood::Silent => Box::pin(async move { Err(RootError::Unreachable { kind, cause }) }),
            Mood::Refuses => Box::pin(async move { Err(RootError::Refused { kind, cause }) }),
        }
    }
}

impl RootProvider for Arc<MockRoot> {
    fn kind(&self) -> RootKind {
        RootKind::Pkcs11
    }

    fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>> {
        self.answer(self.key.wrap(place, key))
    }

    fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey> {
        self.answer(self.key.unwrap(place, wrapped))
    }
}

struct House {
    store: KeyStore,
    root: Arc<MockRoot>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn with(times: LeaseTimes) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            Database::open_sqlite(folder.path().join("keys.db"), DatabaseKind::Keys).await.unwrap();
        let key = RootKey::from(SealingKey::generate());
        let root = Arc::new(MockRoot { key, mood: Mutex::new(Mood::Answers), asked: AtomicU32::new(0) });
        let epochs = EpochFile::at(folder.path().join("epoch.key"));
        let store = KeyStore::open_for(
            database,
            RootKey::of(Arc::clone(&root)),
            epochs,
            Arc::new(SystemClock),
            times,
            None,
        );
        Self { store: store.await.unwrap(), root, _folder: folder }
    }

    fn root_is(&self, mood: Mood) {
        *self.root.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> u32 {
        self.root.asked.load(Ordering::Acquire)
    }

    /// Opens the key of a study, made when it is new.
    async fn study(&self, number: u8) -> Result<(), KeysError> {
        let suite = Suite::default().as_str().to_owned();
        let line = KekLine { institution: InstitutionId::new("renmin").unwrap(), grade: Grade::L4, suite };
        let (patient, study) = (PatientRef::from_bytes([1; 16]), StudyRef::from_bytes([number; 16]));
        self.store.0.keys.find_or_create(&StudyPlace { line, patient, study }).await.map(|_| ())
    }
}

#[tokio::test]
async fn a_fresh_lease_asks_nobody() {
    let times = LeaseTimes { fresh: HOUR, outage: HOUR, ask_again: HOUR };
    let house = House::with(times).await;
    let asked = house.asked();
    house.root_is(Mood::Refuses);
    for number in 0..8 {
        house.study(number).await.unwrap();
    }
    assert_eq!(house.asked(), asked);
}

#[tokio::test]
async fn a_silent_root_stops_neither_reading_nor_storing_during_the_outage_and_is_asked_once() {
    let times = LeaseTimes { fresh: Duration::ZERO, outage: HOUR, ask_again: HOUR };
    let house = House::with(times).await;
    house.study(1).await.unwrap();
    house.root_is(Mood::Silent);
    let asked = house.asked();
    for number in 1..8 {
        house.study(number).await.unwrap();
    }
    assert_eq!(house.asked(), asked + 1);
}

#[tokio::test]
async fn a_refusal_wipes_keys_at_once_and_a_later_answer_brings_them_back() {
    let times = LeaseTimes { fresh: Duration::ZERO, outage: HOUR, ask_again: Duration::ZERO };
    let house = House::with(times).await;
    house.study(1).await.unwrap();
    house.root_is(Mood::Refuses);
    assert!(matches!(house.study(1).await, Err(KeysError::Root(RootError::Refused { .. }))));
    // Nothing is left that an outage could use.
    house.root_is(Mood::Silent);
    assert!(matches!(house.study(1).await, Err(KeysError::Root(RootError::Unreachable { .. }))));
    house.root_is(Mood::Answers);
    house.study(1).await.unwrap();
}

#[tokio::test]
async fn when_the_outage_is_over_nothing_opens_until_the_root_answers() {
    let times = LeaseTimes { fresh: Duration::ZERO, outage: HOUR, ask_again: Duration::ZERO };
    let house = House::with(times).await;
    house.study(1).await.unwrap();
    house.root_is(Mood::Silent);
    house.study(1).await.unwrap();
    let store = house.store.clone().with_outage(Duration::ZERO);
    assert!(matches!(house.study(1).await, Err(KeysError::Root(RootError::Unreachable { .. }))));
    store.0.keys.keks.sweep();
    house.root_is(Mood::Answers);
    house.study(1).await.unwrap();
}

//! What holds of epochs: on SQLite, because the file is the same on both engines.

use super::*;
use crate::KeyStore;
use crate::testing::{self, House, clock, line};

impl House {
    async fn store(&self) -> Result<KeyStore, KeysError> {
        self.open(root()).await
    }

    async fn epochs(&self) -> Result<Epochs, KeysError> {
        Epochs::open(self.database.clone(), self.file(), &root(), clock(), None).await
    }

    async fn keks(&self) -> Vec<LineKek> {
        keks::of_institution(&self.database, &line().institution).await.unwrap()
    }

    /// What an archive has: a version that wraps, and one before it.
    async fn filled(&self) -> Vec<SealingKey> {
        let store = self.store().await.unwrap();
        let keks = &store.0.keys.keks;
        keks.active(&line()).await.unwrap();
        keks.rotate(&line(), 1).await.unwrap();
        let mut keys = Vec::new();
        for LineKek { line, kek } in self.keks().await {
            keys.push(self.epochs().await.unwrap().unwrap(&root(), &line, &kek).await.unwrap());
        }
        assert_eq!(keys.len(), 2);
        keys
    }

    /// Whether every key opens as it did, under one epoch that file and database agree upon.
    async fn is_whole(&self, keys: &[SealingKey], epoch: u64) {
        let epochs = self.epochs().await.unwrap();
        for (LineKek { line, kek }, key) in self.keks().await.iter().zip(keys) {
            assert_eq!(kek.epoch, epoch);
            let opened = epochs.unwrap(&root(), line, kek).await.unwrap();
            assert_eq!(opened.expose_secret(), key.expose_secret());
        }
        let slots = self.file().read().unwrap();
        assert_eq!(holding(&slots).map(|(epoch, _)| epoch).collect::<Vec<_>>(), [epoch]);
        assert!(slots.contains(&Slot::Empty), "{slots:?}");
        assert_eq!(newest(&epochs::all(&self.database).await.unwrap()), epoch);
    }
}

fn root() -> RootKey {
    testing::root(42)
}

#[tokio::test]
async fn after_an_epoch_ended_old_copies_open_no_more_and_the_keys_do() {
    let house = House::new().await;
    let keys = house.filled().await;
    let (copies, before) = (house.keks().await, std::fs::read(house.file().path()).unwrap());
    assert_eq!(house.store().await.unwrap().roll_epoch().await, Ok(2));
    house.is_whole(&keys, 2).await;
    let epochs = house.epochs().await.unwrap();
    for LineKek { line, kek } in &copies {
        let copy = epochs.unwrap(&root(), line, kek).await.map(drop);
        assert_eq!(copy, Err(KeysError::EpochMissing { epoch: 1 }));
        assert!(root().unwrap(&place::kek(line, kek.version), &kek.wrapped).await.is_err());
    }
    let after = std::fs::read(house.file().path()).unwrap();
    let Slot::Holds(1, old) = &house_slot(&before) else { panic!("{before:?}") };
    assert!(!after.windows(8).any(|window| window == &old[..8]), "the old epoch is not in the file any more");
}

/// What the first slot of an epoch file held.
fn house_slot(bytes: &[u8]) -> Slot {
    let folder = tempfile::tempdir().unwrap();
    let file = EpochFile::at(folder.path().join("copy"));
    drop(file.lock().unwrap());
    std::fs::write(file.path(), bytes).unwrap();
    file.read().unwrap()[0].clone()
}

#[tokio::test]
async fn a_crash_between_any_two_steps_is_ended_by_the_next_start() {
    for taken in 0..=Step::ALL.len() {
        let house = House::new().await;
        let keys = house.filled().await;
        let epochs = house.epochs().await.unwrap();
        let slots = epochs.lock().await.unwrap();
        epochs.begin(&root(), &slots, 2).await.unwrap();
        epochs.take(&root(), &slots, &Step::ALL[..taken]).await.unwrap();
        drop((epochs, slots));
        house.is_whole(&keys, 2).await;
    }
}

#[tokio::test]
async fn a_write_that_a_crash_tore_is_ended_by_the_next_start() {
    let house = House::new().await;
    let keys = house.filled().await;
    // The new epoch did not reach its slot whole: the old one goes on.
    let mut bytes = std::fs::read(house.file().path()).unwrap();
    bytes[4096..4200].fill(7);
    std::fs::write(house.file().path(), &bytes).unwrap();
    house.is_whole(&keys, 1).await;
    // The old epoch was overwritten by half: the new one goes on, and no half is left.
    let before = std::fs::read(house.file().path()).unwrap();
    house.store().await.unwrap().roll_epoch().await.unwrap();
    let mut bytes = std::fs::read(house.file().path()).unwrap();
    bytes[10..4096].copy_from_slice(&before[10..4096]);
    std::fs::write(house.file().path(), &bytes).unwrap();
    house.is_whole(&keys, 2).await;
    assert_eq!(std::fs::read(house.file().path()).unwrap()[..4096], [0; 4096]);
}

#[tokio::test]
async fn a_file_that_is_missing_older_or_of_another_database_opens_nothing_and_loses_nothing() {
    let (house, other) = (House::new().await, House::new().await);
    let keys = house.filled().await;
    let old = std::fs::read(house.file().path()).unwrap();
    house.store().await.unwrap().roll_epoch().await.unwrap();
    let whole = std::fs::read(house.file().path()).unwrap();
    for (wrong, error) in [
        (None, KeysError::EpochMissing { epoch: 2 }),
        (Some(old), KeysError::EpochMissing { epoch: 2 }),
        (
            Some({
                other.filled().await;
                other.store().await.unwrap().roll_epoch().await.unwrap();
                std::fs::read(other.file().path()).unwrap()
            }),
            KeysError::OtherEpoch { epoch: 2 },
        ),
    ] {
        std::fs::remove_file(house.file().path()).unwrap();
        if let Some(wrong) = wrong {
            drop(house.file().lock().unwrap());
            std::fs::write(house.file().path(), wrong).unwrap();
        }
        assert_eq!(house.store().await.map(drop), Err(error));
        drop(house.file().lock().unwrap());
        std::fs::write(house.file().path(), &whole).unwrap();
        house.is_whole(&keys, 2).await;
    }
}

#[tokio::test]
async fn keys_from_before_there_were_epochs_come_under_the_first() {
    let house = House::new().await;
    let key = SealingKey::generate();
    let wrapped = root().wrap(&place::kek(&line(), 1), &key).await.unwrap();
    let sql = yingdun_catalog::Sql::new(
        "INSERT INTO key_encryption_key (institution, grade, suite, version, state, uses, wrapped, created_ms) \
         VALUES ('renmin', 'L4', 'cobblestone-256', 1, 'active', 0, $1, 0)",
    );
    let insert = yingdun_catalog::Statement::new(sql, vec![wrapped.into()]);
    house.database.execute(vec![insert]).await.unwrap();
    house.is_whole(&[key], 1).await;
}

#[tokio::test]
async fn another_process_follows_into_the_next_epoch() {
    let house = House::new().await;
    let (one, two) = (house.store().await.unwrap(), house.store().await.unwrap());
    one.0.keys.keks.active(&line()).await.unwrap();
    one.roll_epoch().await.unwrap();
    assert_eq!(two.0.keys.keks.active(&line()).await.unwrap().version, 1);
    one.roll_epoch().await.unwrap();
    // It wraps under an epoch that is over, and is refused; its next try knows better.
    assert!(two.rotate_kek(&line(), 1).await.is_err());
    assert_eq!(two.rotate_kek(&line(), 1).await, Ok(2));
    assert_eq!(house.keks().await.iter().map(|kek| kek.kek.epoch).collect::<Vec<_>>(), [3, 3]);
}

#[tokio::test]
async fn of_two_who_end_the_epoch_at_once_each_does_in_its_turn() {
    let house = House::new().await;
    let keys = house.filled().await;
    let (one, two) = (house.store().await.unwrap(), house.store().await.unwrap());
    let (first, second) = tokio::join!(one.roll_epoch(), two.roll_epoch());
    let mut epochs = [first.unwrap(), second.unwrap()];
    epochs.sort_unstable();
    assert_eq!(epochs, [2, 3]);
    house.is_whole(&keys, 3).await;
}

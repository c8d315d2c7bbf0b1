//! Moving everything that hangs on the root key to another root key: another file, a token, a server, and back.
//!
//! ```text
//!  prepare ─► commit ─► overwrite
//!     │          │          └ the slot of the epoch before, which is under the old root key
//!     │          └ one transaction: root check, secrets of the institutions, the next epoch and every key-encryption key under it
//!     └ the next epoch, wrapped under the new root key, into the free slot
//! ```
//!
//! Before the commit only the old root key opens the database, and after it only the new one. Whoever opens the store with the right one
//! removes what a crash left in the epoch file. Key-encryption keys get a new epoch with the new root key, so that the old root key and
//! an old epoch file open nothing of the rows that are written from then on.

use crate::{KeyStore, KeysError, RootKey, SecretName, log, place};
use yingdun_catalog::Statement;
use yingdun_catalog::keyring::secrets::{self, KeptSecret};

/// What was moved to another root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootMoved {
    /// Secrets of institutions.
    pub secrets: u64,
    /// Versions of key-encryption keys, which stand under the new epoch.
    pub keks: u64,
    /// The epoch that began, and is under the new root key.
    pub epoch: u64,
}

impl KeyStore {
    /// Moves everything to another root key. When this returns, the database opens with that one only, and this store is of no more use:
    /// open it anew. When it fails before its transaction, nothing has changed.
    ///
    /// # Errors
    /// [`KeysError::OtherNodes`] when other nodes have files under the root key, [`KeysError::Root`] when either root key does not answer, [`KeysError::Damaged`] when a row does not unwrap, and
    /// [`KeysError::EpochFile`] or [`KeysError::Database`] when file or database do not take it.
    pub async fn move_root(&self, to: &RootKey) -> Result<RootMoved, KeysError> {
        self.must_be_alone().await?;
        let changes = self.under(to).await?;
        let secrets = (changes.len() as u64).saturating_sub(1);
        let (epoch, keks) = self.0.keys.keks.move_root(to, changes).await?;
        Ok(RootMoved { secrets, keks, epoch })
    }

    /// Opens everything that hangs on the root key, and gives how much it is. Changes nothing.
    ///
    /// # Errors
    /// As [`Self::move_root`].
    pub async fn hangs_on_root(&self) -> Result<RootMoved, KeysError> {
        let root = self.0.keys.keks.root();
        let kept = secrets::all(&self.0.keys.database).await?;
        for secret in &kept {
            root.unwrap_row(&place_of(secret)?, &secret.wrapped, "institution secret").await?;
        }
        let (epoch, keks) = self.0.keys.keks.under_epoch().await?;
        Ok(RootMoved { secrets: kept.len() as u64, keks, epoch })
    }

    /// Root check and secrets, wrapped under another root key.
    async fn under(&self, to: &RootKey) -> Result<Vec<Statement>, KeysError> {
        let (database, root) = (&self.0.keys.database, self.0.keys.keks.root());
        let check = secrets::root_check(database).await?.ok_or(KeysError::WrongRoot)?;
        let key = root.unwrap_row(&place::root_check(), &check, "root check").await?;
        let wrapped = to.wrap(&place::root_check(), &key).await?;
        let mut changes = vec![secrets::replace_root_check(&check, &wrapped)];
        for secret in secrets::all(database).await? {
            let place = place_of(&secret)?;
            let key = root.unwrap_row(&place, &secret.wrapped, "institution secret").await?;
            let wrapped = to.wrap(&place, &key).await?;
            changes.push(secrets::replace(&secret, &wrapped));
        }
        Ok(changes)
    }
}

fn place_of(secret: &KeptSecret) -> Result<yingdun_crypto::Context, KeysError> {
    if let Some((key, origin)) = log::of_kept(&secret.name) {
        return Ok(place::log_key(&secret.institution, key, origin));
    }
    let name = SecretName::ALL.into_iter().find(|name| name.as_str() == secret.name);
    let name = name.ok_or(KeysError::Damaged { what: "institution secret" })?;
    Ok(place::secret(&secret.institution, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::StudyPlace;
    use crate::testing::{House, line, root};
    use crate::{LogKey, RootAnswer, RootError, RootKind, RootProvider};
    use std::sync::atomic::{AtomicU32, Ordering};
    use yingdun_catalog::Sql;
    use yingdun_crypto::{Context, SealingKey, WrappingKey};
    use yingdun_model::{PatientRef, Secret, StudyRef};

    /// A store with secrets, two versions and a study, and all of them as bytes.
    async fn filled(house: &House, root: RootKey) -> Vec<[u8; 32]> {
        let store = house.open(root).await.unwrap();
        study(&store).await;
        store.rotate_kek(&line(), 1).await.unwrap();
        store.enter_log(&line().institution, "first", None).await.unwrap();
        store.begin_log(&line().institution, "second").await.unwrap();
        everything(&store).await
    }

    async fn study(store: &KeyStore) -> [u8; 32] {
        let (patient, study) = (PatientRef::from_bytes([2; 16]), StudyRef::from_bytes([3; 16]));
        let place = StudyPlace { line: line(), patient, study };
        *store.0.keys.find_or_create(&place).await.unwrap().key().expose_secret()
    }

    async fn everything(store: &KeyStore) -> Vec<[u8; 32]> {
        let mut all = vec![study(store).await];
        for name in SecretName::ALL {
            all.push(*store.secret(&line().institution, name).await.unwrap().expose_secret());
        }
        let of_log = store.log_key(&line().institution, "second", LogKey::Ed25519).await;
        all.push(*of_log.unwrap().expose_secret());
        all
    }

    #[tokio::test]
    async fn after_the_move_the_new_root_key_opens_everything_and_the_old_one_nothing() {
        let house = House::new().await;
        let all = filled(&house, root(1)).await;
        let old_file = std::fs::read(house.file().path()).unwrap();
        let store = house.open(root(1)).await.unwrap();
        let moved = store.move_root(&root(2)).await.unwrap();
        assert_eq!(moved, RootMoved { secrets: SecretName::ALL.len() as u64 + 1, keks: 2, epoch: 2 });
        assert_eq!(house.open(root(1)).await.err(), Some(KeysError::WrongRoot));
        let store = house.open(root(2)).await.unwrap();
        assert_eq!(everything(&store).await, all);
        assert_eq!(store.hangs_on_root().await, Ok(moved));

        // The old epoch is not in the file any more, and one from before is of no use.
        let now = std::fs::read(house.file().path()).unwrap();
        std::fs::write(house.file().path(), old_file).unwrap();
        assert_eq!(house.open(root(2)).await.err(), Some(KeysError::EpochMissing { epoch: 2 }));
        std::fs::write(house.file().path(), now).unwrap();

        // And back again.
        store.move_root(&root(1)).await.unwrap();
        assert_eq!(everything(&house.open(root(1)).await.unwrap()).await, all);
        assert_eq!(house.open(root(2)).await.err(), Some(KeysError::WrongRoot));
    }

    #[tokio::test]
    async fn a_crash_at_each_step_leaves_exactly_one_root_key_that_opens_everything() {
        for (steps, opens, other) in [(1, 1, 2), (2, 2, 1)] {
            let house = House::new().await;
            let all = filled(&house, root(1)).await;
            let store = house.open(root(1)).await.unwrap();
            let changes = store.under(&root(2)).await.unwrap();
            store.0.keys.keks.move_root_until(&root(2), changes, steps).await.unwrap();
            drop(store);
            assert_eq!(house.open(root(other)).await.err(), Some(KeysError::WrongRoot), "{steps}");
            let store = house.open(root(opens)).await.unwrap();
            assert_eq!(everything(&store).await, all, "{steps}");
            // What the crash left is gone, and the move can be made again, or the next one.
            store.move_root(&root(3)).await.unwrap();
            assert_eq!(everything(&house.open(root(3)).await.unwrap()).await, all, "{steps}");
        }
    }

    /// A root key that answers so often and then no more.
    struct MockThatFails(WrappingKey, AtomicU32);

    impl MockThatFails {
        fn ask(&self) -> Result<(), RootError> {
            let left = self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            let unreachable = RootError::Unreachable { kind: RootKind::Transit, cause: "gone".into() };
            left.map(drop).map_err(|_| unreachable)
        }
    }

    impl RootProvider for MockThatFails {
        fn kind(&self) -> RootKind {
            RootKind::Transit
        }

        fn wrap<'a>(&'a self, place: &'a Context, key: &'a SealingKey) -> RootAnswer<'a, Vec<u8>> {
            Box::pin(async move { self.ask().map(|()| self.0.wrap(place, key)) })
        }

        fn unwrap<'a>(&'a self, place: &'a Context, wrapped: &'a [u8]) -> RootAnswer<'a, SealingKey> {
            Box::pin(async move {
                self.ask()?;
                self.0.unwrap(place, wrapped).map_err(|_| RootError::WrongKey)
            })
        }
    }

    #[tokio::test]
    async fn a_new_keeper_that_stops_to_answer_at_any_call_changes_nothing() {
        let house = House::new().await;
        let all = filled(&house, root(1)).await;
        let mut answers = 0;
        loop {
            let key = SealingKey::from_secret(&Secret::new([2; 32]));
            let to = RootKey::of(MockThatFails(key.into(), AtomicU32::new(answers)));
            let store = house.open(root(1)).await.unwrap();
            match store.move_root(&to).await {
                Err(KeysError::Root(_)) => {}
                moved => {
                    moved.unwrap();
                    break;
                }
            }
            assert_eq!(everything(&house.open(root(1)).await.unwrap()).await, all, "{answers}");
            answers += 1;
        }
        assert!(answers > 2 * SecretName::ALL.len() as u32, "each secret is wrapped and looked at again");
        assert_eq!(everything(&house.open(root(2)).await.unwrap()).await, all);
    }

    #[tokio::test]
    async fn a_damaged_row_stops_the_move_before_anything_changes() {
        let house = House::new().await;
        let _ = filled(&house, root(1)).await;
        let store = house.open(root(1)).await.unwrap();
        let spoil = "UPDATE institution_secret SET wrapped = zeroblob(length(wrapped)) WHERE name = 'token'";
        house.database.execute(vec![Statement::new(Sql::new(spoil), Vec::new())]).await.unwrap();
        let damaged = Err(KeysError::Damaged { what: "institution secret" });
        assert_eq!(store.move_root(&root(2)).await, damaged);
        assert_eq!(store.hangs_on_root().await, damaged);
        assert!(house.open(root(1)).await.is_ok());
        assert_eq!(house.open(root(2)).await.err(), Some(KeysError::WrongRoot));
    }
}

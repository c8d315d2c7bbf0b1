//! The audit logs of an institution, and the keys that sign them.
//!
//! Nodes share this database and have a log each. Under one name and key two logs would be two trees, which is what a forged log
//! looks like. So each has a name, the origin of its checkpoints, and keys of its own; and the leaf that it began with is kept here,
//! so that a second folder that claims the name is told from the first.
//!
//! The log that an institution began with signs with the secrets that are older than this list, whatever its name is: it goes on as
//! it was. The keys of every other log are secrets whose place names the log.

use crate::{KeyStore, KeysError, SecretName, place};
use yingdun_catalog::CatalogError;
use yingdun_catalog::keyring::logs::{self, AuditLog};
use yingdun_catalog::keyring::{destructions, secrets};
use yingdun_crypto::SealingKey;
use yingdun_model::InstitutionId;

/// What a key of an audit log signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogKey {
    /// The Ed25519 seed: checkpoints of the tree that every log has.
    Ed25519,
    /// The SM2 private key: checkpoints of the SM3 tree.
    Sm2,
}

impl LogKey {
    const ALL: [Self; 2] = [Self::Ed25519, Self::Sm2];

    /// The secret by which the log that an institution began with signs.
    const fn of_first(self) -> SecretName {
        match self {
            Self::Ed25519 => SecretName::LogSigning,
            Self::Sm2 => SecretName::LogSigningSm2,
        }
    }

    /// The word that is bound into the wrap.
    pub(crate) const fn as_str(self) -> &'static str {
        self.of_first().as_str()
    }

    /// The name of the secret of a log with keys of its own: no other secret has a `/`.
    fn kept_as(self, origin: &str) -> String {
        format!("{}/{origin}", self.as_str())
    }
}

/// The key and the log that a secret of this name is for; `None` for secrets of the institution.
pub(crate) fn of_kept(name: &str) -> Option<(LogKey, &str)> {
    let (word, origin) = name.split_once('/')?;
    let key = LogKey::ALL.into_iter().find(|key| key.as_str() == word)?;
    Some((key, origin))
}

impl KeyStore {
    /// The audit logs of an institution, the oldest first. None where it has not started with a program that knows of several.
    ///
    /// # Errors
    /// [`KeysError::Database`] when they cannot be read.
    pub async fn logs(&self, institution: &InstitutionId) -> Result<Vec<AuditLog>, KeysError> {
        Ok(logs::all(&self.0.keys.database, institution).await?)
    }

    /// The key that signs an audit log, made and durable when it is first asked for. Where no log is entered yet, it is that of the
    /// first one, whatever it is called.
    ///
    /// # Errors
    /// [`KeysError::UnknownLog`] when there are logs and none of this name; otherwise as [`Self::secret`].
    pub async fn log_key(
        &self,
        institution: &InstitutionId,
        origin: &str,
        key: LogKey,
    ) -> Result<SealingKey, KeysError> {
        let logs = self.logs(institution).await?;
        if logs.is_empty() || named(&logs, origin)?.is_first() {
            return self.secret(institution, key.of_first()).await;
        }
        self.made(institution, &key.kept_as(origin), &place::log_key(institution, key, origin)).await
    }

    /// The same where it was made already. Makes none.
    ///
    /// # Errors
    /// As [`Self::log_key`].
    pub async fn kept_log_key(
        &self,
        institution: &InstitutionId,
        log: &AuditLog,
        key: LogKey,
    ) -> Result<Option<SealingKey>, KeysError> {
        let (name, place) = match log.is_first() {
            true => (key.as_str().to_owned(), place::secret(institution, key.of_first())),
            false => (key.kept_as(&log.origin), place::log_key(institution, key, &log.origin)),
        };
        let Some(wrapped) = secrets::find(&self.0.keys.database, institution, &name).await? else {
            return Ok(None);
        };
        let root = self.0.keys.keks.root();
        Ok(Some(root.unwrap_row(&place, &wrapped, "institution secret").await?))
    }

    /// Makes sure that an audit log is the one of this name: enters it where the institution has none, and keeps its first leaf where
    /// that is not known.
    ///
    /// # Errors
    /// [`KeysError::UnknownLog`] when there are logs and none of this name, [`KeysError::OtherLog`] when the one of this name began with
    /// another leaf, [`KeysError::Database`] when it cannot be read or written.
    pub async fn enter_log(
        &self,
        institution: &InstitutionId,
        origin: &str,
        first_leaf: Option<[u8; 32]>,
    ) -> Result<(), KeysError> {
        let database = &self.0.keys.database;
        let mut changes = Vec::new();
        let logs = self.logs(institution).await?;
        if logs.is_empty() {
            changes.push(logs::insert_first(institution, origin, self.0.keys.clock.now()));
            changes.push(destructions::mark_first(institution, origin));
        } else if named(&logs, origin)?.first_leaf == first_leaf {
            return Ok(());
        }
        changes.extend(first_leaf.map(|leaf| logs::recognise(institution, origin, &leaf)));
        database.execute(changes).await?;
        // Read again: another node may have been faster.
        let logs = self.logs(institution).await?;
        match named(&logs, origin)?.first_leaf == first_leaf {
            true => Ok(()),
            false => Err(KeysError::OtherLog { origin: origin.to_owned() }),
        }
    }

    /// Enters one more audit log, which has keys of its own. One that is entered and has no leaf yet is entered again.
    ///
    /// # Errors
    /// [`KeysError::NoFirstLog`] when the institution has none, [`KeysError::OtherLog`] when there is one of this name that has begun,
    /// [`KeysError::Database`] when it cannot be written, or another one is entered at the same moment.
    pub async fn begin_log(&self, institution: &InstitutionId, origin: &str) -> Result<(), KeysError> {
        let logs = self.logs(institution).await?;
        if logs.is_empty() {
            return Err(KeysError::NoFirstLog);
        }
        match logs.iter().find(|log| log.origin == origin) {
            Some(log) if log.is_first() || log.first_leaf.is_some() => {
                Err(KeysError::OtherLog { origin: origin.to_owned() })
            }
            Some(_) => Ok(()),
            None => {
                let insert = logs::insert(institution, origin, self.0.keys.clock.now());
                match self.0.keys.database.execute(vec![insert]).await {
                    Ok(_) => Ok(()),
                    Err(CatalogError::Constraint(_)) => Err(KeysError::Contended { attempts: 1 }),
                    Err(error) => Err(error.into()),
                }
            }
        }?;
        self.log_key(institution, origin, LogKey::Ed25519).await.map(|_| ())
    }
}

fn named<'a>(logs: &'a [AuditLog], origin: &str) -> Result<&'a AuditLog, KeysError> {
    logs.iter().find(|log| log.origin == origin).ok_or_else(|| {
        let known: Vec<String> = logs.iter().map(|log| format!("`{}`", log.origin)).collect();
        KeysError::UnknownLog { origin: origin.to_owned(), known: known.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RootKey;
    use std::collections::HashSet;
    use std::sync::Arc;
    use yingdun_catalog::{Database, DatabaseKind};
    use yingdun_model::{ManualClock, Timestamp};

    async fn store(folder: &tempfile::TempDir) -> KeyStore {
        let database =
            Database::open_sqlite(folder.path().join("keys.db"), DatabaseKind::Keys).await.unwrap();
        let root = RootKey::from(SealingKey::generate());
        let clock = Arc::new(ManualClock::at(Timestamp::from_ms(1_700_000_000_000)));
        KeyStore::open_secrets(database, root, clock).await.unwrap()
    }

    fn institution() -> InstitutionId {
        InstitutionId::new("renmin").unwrap()
    }

    async fn key(store: &KeyStore, origin: &str, key: LogKey) -> [u8; 32] {
        *store.log_key(&institution(), origin, key).await.unwrap().expose_secret()
    }

    #[tokio::test]
    async fn the_first_log_goes_on_with_the_keys_that_are_older_than_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let before = *store.secret(&institution(), SecretName::LogSigning).await.unwrap().expose_secret();
        let sm2 = *store.secret(&institution(), SecretName::LogSigningSm2).await.unwrap().expose_secret();
        assert_eq!(key(&store, "renmin/audit", LogKey::Ed25519).await, before, "before it is entered");
        store.enter_log(&institution(), "renmin/audit", Some([1; 32])).await.unwrap();
        store.enter_log(&institution(), "renmin/audit", Some([1; 32])).await.unwrap();
        assert_eq!(key(&store, "renmin/audit", LogKey::Ed25519).await, before);
        assert_eq!(key(&store, "renmin/audit", LogKey::Sm2).await, sm2);
        assert!(store.logs(&institution()).await.unwrap().iter().all(AuditLog::is_first));
    }

    #[tokio::test]
    async fn each_further_log_has_keys_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let nothing = store.begin_log(&institution(), "renmin/audit/2").await;
        assert_eq!(nothing, Err(KeysError::NoFirstLog));
        store.enter_log(&institution(), "renmin/audit", None).await.unwrap();
        for origin in ["renmin/audit/2", "renmin/audit/3"] {
            store.begin_log(&institution(), origin).await.unwrap();
        }
        let mut keys = HashSet::new();
        for origin in ["renmin/audit", "renmin/audit/2", "renmin/audit/3"] {
            for kind in LogKey::ALL {
                let made = key(&store, origin, kind).await;
                assert_eq!(key(&store, origin, kind).await, made);
                keys.insert(made);
            }
        }
        assert_eq!(keys.len(), 6);
        for log in store.logs(&institution()).await.unwrap() {
            let kept = store.kept_log_key(&institution(), &log, LogKey::Sm2).await.unwrap().unwrap();
            assert_eq!(*kept.expose_secret(), key(&store, &log.origin, LogKey::Sm2).await);
        }
    }

    #[tokio::test]
    async fn a_key_does_not_open_under_the_name_of_another_log() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        store.enter_log(&institution(), "a", None).await.unwrap();
        store.begin_log(&institution(), "b").await.unwrap();
        let swap = "UPDATE audit_log SET origin = 'c' WHERE origin = 'b'";
        store.0.keys.database.execute(vec![yingdun_catalog::Statement::new(swap, vec![])]).await.unwrap();
        let swap = "UPDATE institution_secret SET name = 'log-signing/c' WHERE name = 'log-signing/b'";
        store.0.keys.database.execute(vec![yingdun_catalog::Statement::new(swap, vec![])]).await.unwrap();
        let opened = store.log_key(&institution(), "c", LogKey::Ed25519).await;
        assert!(matches!(opened, Err(KeysError::Damaged { .. })), "{opened:?}");
    }

    #[tokio::test]
    async fn a_second_folder_under_one_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let institution = institution();
        store.enter_log(&institution, "a", Some([1; 32])).await.unwrap();
        let other = Err(KeysError::OtherLog { origin: "a".to_owned() });
        assert_eq!(store.enter_log(&institution, "a", Some([2; 32])).await, other);
        assert_eq!(store.enter_log(&institution, "a", None).await, other, "one that was emptied");
        assert_eq!(store.begin_log(&institution, "a").await, other);
        store.begin_log(&institution, "b").await.unwrap();
        store.begin_log(&institution, "b").await.unwrap();
        store.enter_log(&institution, "b", Some([3; 32])).await.unwrap();
        assert_eq!(
            store.begin_log(&institution, "b").await,
            Err(KeysError::OtherLog { origin: "b".to_owned() })
        );
        let unknown = store.log_key(&institution, "c", LogKey::Ed25519).await;
        assert!(matches!(unknown, Err(KeysError::UnknownLog { known, .. }) if known == "`a`, `b`"));
        let unknown = store.enter_log(&institution, "c", Some([1; 32])).await;
        assert!(matches!(unknown, Err(KeysError::UnknownLog { .. })), "{unknown:?}");
    }

    #[tokio::test]
    async fn of_two_nodes_that_enter_at_once_one_name_and_one_beginning_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let enter = |leaf: u8| {
            let store = store.clone();
            tokio::spawn(async move { store.enter_log(&institution(), "a", Some([leaf; 32])).await })
        };
        let tasks: Vec<_> = (1..=8).map(enter).collect();
        let mut entered = 0;
        for task in tasks {
            entered += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(entered, 1);
    }
}

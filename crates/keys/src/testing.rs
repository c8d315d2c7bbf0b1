//! What tests of root keys and epochs stand on: a database of keys in a folder of its own, and the file of its epochs.

use crate::epoch::EpochFile;
use crate::{KekLine, KeyStore, KeysError, RootKey};
use std::sync::Arc;
use tempfile::TempDir;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::{SealingKey, Suite};
use yingdun_model::{Clock, Grade, InstitutionId, ManualClock, Secret, Timestamp};

pub(crate) struct House {
    folder: TempDir,
    pub(crate) database: Database,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.db");
        let database = Database::open_sqlite(path, DatabaseKind::Keys).await.unwrap();
        Self { folder, database }
    }

    pub(crate) fn file(&self) -> EpochFile {
        EpochFile::at(self.folder.path().join("epoch.key"))
    }

    /// The epoch file of a node with this name.
    pub(crate) fn file_of(&self, node: &str) -> EpochFile {
        EpochFile::at(self.folder.path().join(node))
    }

    pub(crate) async fn open(&self, root: RootKey) -> Result<KeyStore, KeysError> {
        KeyStore::open(self.database.clone(), root, self.file(), clock()).await
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(Timestamp::from_ms(1_700_000_000_000)))
}

pub(crate) fn root(byte: u8) -> RootKey {
    SealingKey::from_secret(&Secret::new([byte; 32])).into()
}

pub(crate) fn line() -> KekLine {
    let institution = InstitutionId::new("renmin").unwrap();
    KekLine { institution, grade: Grade::L4, suite: Suite::default().as_str().to_owned() }
}

//! Yingdun whose catalogue is filled past its doors, because a million studies would take a day to send: one study is stored as devices store,
//! then the server stops, and starts again when the catalogue is full.

use super::Environment;
use super::yingdun::{self, INSTITUTION, Installed};
use crate::data::Images;
use crate::failure::{Outcome, While};
use crate::load::store::send;
use crate::process::Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::SealingKey;
use yingdun_keys::{KeyStore, RootFile, SecretName};
use yingdun_model::{InstitutionId, Secret, SystemClock};

/// Where an installation keeps its databases.
const DATABASES: &str = "db";

/// An installation whose server does not run.
pub(crate) struct Filled {
    installed: Installed,
    folder: PathBuf,
    /// The session of who reads.
    pub(crate) session: String,
}

impl Filled {
    /// Makes an installation in a folder, stores studies, and stops.
    pub(crate) async fn make(
        environment: &Environment,
        folder: &Path,
        studies: &Arc<Vec<Images>>,
    ) -> Outcome<Self> {
        fs::create_dir_all(folder).or_fail("making a folder")?;
        let installed = Installed::make(environment, &folder.join("installation"), |_| {}).await?;
        let serving = yingdun::serve(environment, &installed.config, &[], &folder.join("log"))?;
        let session = installed.administer(&serving).await?.radiologist;
        send(&installed.dicom(&serving)?, studies, 1).await?;
        serving.server.stop()?;
        Ok(Self { installed, folder: folder.to_owned(), session })
    }

    /// Its catalogue.
    pub(crate) async fn catalogue(&self) -> Outcome<Database> {
        let path = self.installed.folder.join(DATABASES).join("catalogue.db");
        Database::open_sqlite(path, DatabaseKind::Catalogue).await.or_fail("opening the catalogue")
    }

    /// Whose it is, the key of its tokens and that of its columns.
    pub(crate) async fn keys(&self) -> Outcome<(InstitutionId, SealingKey, SealingKey)> {
        const WHAT: &str = "opening the keys";
        let keys = self.installed.folder.join("keys");
        let passphrase = fs::read_to_string(keys.join("passphrase")).or_fail(WHAT)?;
        let root = RootFile::open(&keys.join("root.key"), &Secret::new(passphrase.trim_end().to_owned()));
        let rows =
            Database::open_sqlite(self.installed.folder.join(DATABASES).join("keys.db"), DatabaseKind::Keys);
        let clock = Arc::new(SystemClock);
        let store = KeyStore::open_secrets(rows.await.or_fail(WHAT)?, root.or_fail(WHAT)?, clock);
        let store = store.await.or_fail(WHAT)?;
        let institution = InstitutionId::new(INSTITUTION).or_fail(WHAT)?;
        let tokens = store.secret(&institution, SecretName::Token).await.or_fail(WHAT)?;
        let columns = store.secret(&institution, SecretName::Index).await.or_fail(WHAT)?;
        Ok((institution, tokens, columns))
    }

    /// Starts it, and gives its address.
    pub(crate) fn serve(&self, environment: &Environment) -> Outcome<(Server, String)> {
        let serving =
            yingdun::serve(environment, &self.installed.config, &[], &self.folder.join("log-again"))?;
        Ok((serving.server, format!("https://{}", serving.web)))
    }
}

//! An installation from a snapshot: what `init` makes anew is taken from a vault, but for certificates and configuration.
//!
//! Private keys of TLS never leave an archive, so a restored one has an authority and certificates of its own. Everybody who was
//! signed in signs in again: a session that was ended after the snapshot must not come back to life.

use super::{
    AUDIT_KEY_FILE, DATABASE_FOLDER, InstallError, KEYS_FOLDER, KeptLog, Opener, PKI_FOLDER, Plan, absolute,
    root_file,
};
use crate::cli::{InitArgs, OpenerArgs, RootArgs, VaultRestoreArgs};
use crate::config::DatabaseUrl;
use crate::process::private::make_directory;
use crate::wiring::{StartError, database};
use std::path::PathBuf;
use std::sync::Arc;
use yingdun_catalog::catalogue;
use yingdun_catalog::identity::{sessions, setup};
use yingdun_catalog::{DatabaseKind, NewDatabase};
use yingdun_model::InstitutionId;
use yingdun_vault::{Chosen, Restored, Target, Vault, Watch};

impl Plan {
    /// Works out where everything of a restored installation will be, and touches nothing. The log that comes with it
    /// goes on under its name.
    ///
    /// # Errors
    /// [`InstallError`] when the options do not make a configuration.
    pub(crate) fn restoring(
        args: &VaultRestoreArgs,
        institution: InstitutionId,
        log: KeptLog,
    ) -> Result<Self, InstallError> {
        let init = InitArgs {
            directory: args.to.clone(),
            institution,
            places: args.places.clone(),
            databases: args.databases.clone(),
            root: RootArgs::default(),
            opener: OpenerArgs { passphrase_file: args.passphrase_file.clone(), ..OpenerArgs::default() },
            setup_link: false,
            dry_run: args.dry_run,
        };
        let opener = match &args.passphrase_file {
            Some(path) => Opener::Passphrase(absolute(path)?),
            None => Opener::AsBefore,
        };
        Self::with(&init, opener, Some(log))
    }

    /// Makes it; gives the configuration file, which is written last.
    ///
    /// # Errors
    /// [`InstallError::Exists`] before anything is touched; after any other error what was made so far stays, for a person to
    /// look at.
    pub(crate) async fn restore(
        self,
        vault: Arc<Vault>,
        chosen: Chosen,
        args: &VaultRestoreArgs,
        watch: Arc<Watch>,
    ) -> Result<(PathBuf, Restored), InstallError> {
        self.check_new()?;
        for folder in [PKI_FOLDER, KEYS_FOLDER, DATABASE_FOLDER] {
            let path = self.directory.join(folder);
            make_directory(&path).map_err(|cause| InstallError::File { path, cause })?;
        }
        let target = self.target()?;
        let audit_key = format!("{}\n", vault.settings().audit_key.trim());
        let newest_log = !args.audit_of_snapshot;
        let work = tokio::task::spawn_blocking(move || vault.restore(&chosen, newest_log, &target, &watch));
        let restored = work.await.map_err(|_| StartError::BrokenOff("the restore"))??;
        end_sessions(&self.config.identity.database).await?;
        if args.catalogue_from_packs {
            let catalogue =
                database("catalogue", &self.config.catalogue.database, DatabaseKind::Catalogue).await?;
            let wiped = catalogue::wipe(&catalogue).await;
            wiped.map_err(|cause| StartError::Database { what: "catalogue", cause })?;
        }
        self.make_certificates()?;
        self.write(&self.directory.join(AUDIT_KEY_FILE), audit_key.as_bytes(), 0o644)?;
        self.write(&self.config_path(), self.config_text.as_bytes(), 0o600)?;
        Ok((self.config_path(), restored))
    }

    fn target(&self) -> Result<Target, InstallError> {
        let database = |url: &DatabaseUrl| match url {
            DatabaseUrl::Sqlite(path) => NewDatabase::Sqlite(path.clone()),
            DatabaseUrl::Postgres(address) => NewDatabase::Postgres(address.clone()),
        };
        Ok(Target {
            replicas: self.replicas.clone(),
            catalogue: database(&self.config.catalogue.database),
            keys: database(&self.config.keys.database),
            identity: database(&self.config.identity.database),
            root_file: root_file(&self.config.keys)?,
            epoch_file: self.config.keys.epoch_file(),
            audit: self.config.audit.directory.clone(),
        })
    }
}

async fn end_sessions(identity: &DatabaseUrl) -> Result<(), InstallError> {
    let failed = |cause| StartError::Database { what: "identity", cause };
    let database = database("identity", identity, DatabaseKind::Identity).await?;
    let mut statements = sessions::forget_all();
    statements.push(setup::close());
    database.execute(statements).await.map_err(failed)?;
    Ok(())
}

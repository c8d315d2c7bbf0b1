//! Keys, accounts, policies and the audit log: what administration needs, without images and doors.

use super::error::StartError;
use super::ledger::open_log;
use super::monitor::LiveMonitor;
use super::nodes::key_node;
use crate::config::{Config, DatabaseUrl};
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{Access, AccessConfig, PolicySource};
use yingdun_audit::{Event, EventKind, Log, NodeName, Outcome, ReasonCode};
use yingdun_catalog::{CatalogError, Database, DatabaseKind, Exclusive, Hold};
use yingdun_keys::{EpochFile, KeyStore, RootKey, SecretName};
use yingdun_model::{ActorId, Clock, InstitutionId, SystemClock};

/// The rooms below the archive, open.
#[derive(Clone)]
pub(crate) struct Foundation {
    pub(crate) institution: InstitutionId,
    pub(crate) catalogue: Database,
    pub(crate) identity: Database,
    pub(crate) key_rows: Database,
    pub(crate) keys: KeyStore,
    pub(crate) audit: Log,
    pub(crate) access: Access,
    pub(crate) monitor: Arc<LiveMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Foundation {
    /// Opens the databases, the audit log and the policies of an existing installation.
    ///
    /// # Errors
    /// [`StartError`] names the first thing that does not open. An audit log that is gone is never begun anew: a
    /// thief of the log would else be rewarded with a clean one.
    pub(crate) async fn open(config: &Config, root: RootKey) -> Result<Self, StartError> {
        if !config.audit.directory.join("checkpoint").is_file() {
            return Err(StartError::AuditMissing(config.audit.directory.clone()));
        }
        Self::found(config, root).await
    }

    /// Opens the same for a node that serves, perhaps beside others.
    ///
    /// # Errors
    /// As [`Self::open`]; [`StartError::Database`] when a schema needs more than may be done beside others.
    pub(crate) async fn open_held(
        config: &Config,
        root: RootKey,
        hold: Option<&Hold>,
    ) -> Result<Self, StartError> {
        if hold.is_some_and(Hold::is_beside_others) {
            // Everything below finds the schemas as they have to be.
            tokio::try_join!(
                beside_others("catalogue", &config.catalogue.database, DatabaseKind::Catalogue),
                beside_others("key", &config.keys.database, DatabaseKind::Keys),
                beside_others("identity", &config.identity.database, DatabaseKind::Identity),
            )?;
        }
        Self::open(config, root).await
    }

    /// Opens the same for a new installation, whose audit log begins now.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn found(config: &Config, root: RootKey) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let institution = config.institution.id.clone();
        let (catalogue, key_rows, identity) = tokio::try_join!(
            database("catalogue", &config.catalogue.database, DatabaseKind::Catalogue),
            database("key", &config.keys.database, DatabaseKind::Keys),
            database("identity", &config.identity.database, DatabaseKind::Identity),
        )?;
        let epochs = EpochFile::at(config.keys.epoch_file());
        let node = key_node(config, &catalogue)?;
        let keys = KeyStore::open_on(key_rows.clone(), root, epochs, Arc::clone(&clock), node).await?;
        let outage = Duration::from_secs(config.keys.outage_s.into());
        let keys = keys.with_suites(config.keys.suites()).with_outage(outage);
        let detail = keys.secret(&institution, SecretName::AuditDetail).await?;
        let audit = open_log(config, &keys).await?;
        let policies = match &config.identity.policy_directory {
            Some(directory) => PolicySource::Directory(directory.clone()),
            None => PolicySource::Builtin,
        };
        let sealing = keys.secret(&institution, SecretName::Identity).await?;
        let rules = config.identity.rules(config.web.public_url.as_deref());
        // What cannot be read, `check-config` calls an error; nothing is served with half of the rules.
        let masking = config.identity.masking()?;
        let watermarks = config.identity.watermarks()?;
        let oidc = super::oidc::oidc(config.identity.oidc.as_ref())?;
        let token_issuers = super::token_issuers::token_issuers(&config.identity.token_issuers)?;
        let ldap = super::ldap::ldap(config.identity.ldap.as_ref())?;
        let monitor = LiveMonitor::open(&config.monitor, &institution)?;
        let watch = Arc::<LiveMonitor>::clone(&monitor);
        let settings = AccessConfig {
            policies,
            rules,
            oidc,
            ldap,
            token_issuers,
            masking,
            watermarks,
            patient_release: config.identity.patient_release(),
            consents: config.identity.consents.rules(),
            watch,
            ..AccessConfig::new(institution.clone(), detail, sealing)
        };
        let access =
            Access::open(settings, identity.clone(), catalogue.clone(), audit.clone(), Arc::clone(&clock))?;
        Ok(Self { institution, catalogue, identity, key_rows, keys, audit, access, monitor, clock })
    }

    /// Writes down that the archive starts or stops. A failure to write it shows itself at the next decision, so
    /// it is only logged here.
    pub(crate) async fn record(&self, reason: ReasonCode) {
        let Some(event) = system_event(&self.institution, EventKind::System, Outcome::Succeeded, reason)
        else {
            return;
        };
        if let Err(error) = self.audit.append_one(event).await {
            tracing::error!(%error, "the audit log did not take an event of the archive");
        }
    }

    /// Writes down what must not happen without its leaf.
    ///
    /// # Errors
    /// [`StartError::Audit`]; then it must not happen.
    pub(crate) async fn must_record(&self, reason: ReasonCode) -> Result<(), StartError> {
        if let Some(event) = system_event(&self.institution, EventKind::System, Outcome::Succeeded, reason) {
            self.audit.append_one(event).await?;
        }
        Ok(())
    }

    /// Signs what is durable and releases the audit log.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.audit.shutdown().await {
            tracing::error!(%error, "the audit log was not closed in order");
        }
    }
}

/// Makes this process the only one that works on the catalogue, before anything there is brought up to date. None with SQLite:
/// the folders around it are locked by whoever serves.
///
/// # Errors
/// [`StartError::Occupied`] when there is another one.
pub(crate) async fn hold(config: &Config) -> Result<Option<Hold>, StartError> {
    let Some((address, name)) = holder(config) else { return Ok(None) };
    Hold::take(address, &name).await.map(Some).map_err(not_held)
}

/// Makes this process one that serves on the catalogue: the only one, or where the configuration says that there are several nodes, one
/// of them. Then it is the only one that writes its audit log. None with SQLite.
///
/// # Errors
/// As [`hold`]; [`StartError::InUse`] when another process writes the log.
pub(super) async fn hold_as_node(config: &Config) -> Result<Option<Hold>, StartError> {
    if config.node.is_none() {
        return hold(config).await;
    }
    let Some((address, name)) = holder(config) else { return Ok(None) };
    let hold = Hold::take_among_others(address, &name).await.map_err(not_held)?;
    hold_alone(&hold, "the audit log", Exclusive::AuditLog(&config.audit.origin)).await?;
    Ok(Some(hold))
}

/// Makes this process the only one that has something, in whatever folders it lies elsewhere.
///
/// # Errors
/// [`StartError::InUse`] when another process has it.
pub(super) async fn hold_alone(
    hold: &Hold,
    what: &'static str,
    exclusive: Exclusive<'_>,
) -> Result<(), StartError> {
    hold.add(exclusive).await.map_err(|cause| match cause {
        CatalogError::Occupied(by) => StartError::InUse { what, by },
        cause => StartError::Database { what: "catalogue", cause },
    })
}

/// The server of the catalogue, and the name under which this process is known there.
fn holder(config: &Config) -> Option<(&str, String)> {
    let DatabaseUrl::Postgres(address) = &config.catalogue.database else { return None };
    // Two starts on one machine may get the same process number; the rest tells them apart.
    let token = hex::encode(yingdun_crypto::random::array::<4>());
    let name = format!("yingdun-{}-{}-{token}", node_name(), std::process::id());
    Some((address, name))
}

fn not_held(cause: CatalogError) -> StartError {
    match cause {
        CatalogError::Occupied(_) => StartError::Occupied(cause),
        _ => StartError::Database { what: "catalogue", cause },
    }
}

/// An event of the archive itself.
pub(super) fn system_event(
    institution: &InstitutionId,
    kind: EventKind,
    outcome: Outcome,
    reason: ReasonCode,
) -> Option<Event> {
    ActorId::new("yingdun").map(|actor| Event::of_system(institution.clone(), actor, kind, outcome, reason))
}

// === helpers ===

/// Brings a schema up to date as far as that may be done while others work on it.
async fn beside_others(what: &'static str, url: &DatabaseUrl, kind: DatabaseKind) -> Result<(), StartError> {
    let DatabaseUrl::Postgres(address) = url else { return Ok(()) };
    let opened = Database::open_postgres_beside_others(address, kind).await;
    opened.map(drop).map_err(|cause| StartError::Database { what, cause })
}

/// Opens a database on either engine.
///
/// # Errors
/// [`StartError::Database`].
pub(crate) async fn database(
    what: &'static str,
    url: &DatabaseUrl,
    kind: DatabaseKind,
) -> Result<Database, StartError> {
    let opened = match url {
        DatabaseUrl::Sqlite(path) => Database::open_sqlite(path, kind).await,
        DatabaseUrl::Postgres(address) => Database::open_postgres(address, kind).await,
    };
    opened.map_err(|cause| StartError::Database { what, cause })
}

/// The host name as far as it fits into a leaf, so that logs of several nodes can be told apart.
pub(super) fn node_name() -> NodeName {
    let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let fitting: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(NODE_NAME_BYTES_MAX)
        .collect();
    // INVARIANT: `node` is a legal name.
    NodeName::new(&fitting)
        .or_else(|_| NodeName::new("node"))
        .unwrap_or_else(|_| unreachable!("`node` is a legal node name"))
}

/// Bytes of a node name in a leaf.
const NODE_NAME_BYTES_MAX: usize = 24;

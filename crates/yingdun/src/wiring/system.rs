//! A whole archive in one process: opened, serving, and stopped in order.

use super::complete::Complete;
use super::dicom::{self, DicomDoors};
use super::error::{StartError, read};
use super::events::RepairLedger;
use super::feed::feed;
use super::foundation::{Foundation, hold_alone, hold_as_node};
use super::health::Health;
use super::network::Calls;
use super::nodes;
use super::observe;
use super::root::{Root, root};
use super::scores::Scores;
use super::servers::database_servers;
use super::witnesses;
use super::{syslog, time_stamps};
use crate::config::{self, Config, Finding, Offsite, Severity};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_access::Access;
use yingdun_archive::{Archive, ArchiveLimits, ArchiveParts, OtherNodes, Recovered};
use yingdun_audit::{Log, ReasonCode};
use yingdun_catalog::catalogue::stores;
use yingdun_catalog::{Exclusive, Hold};
use yingdun_dimse::archive_door::ArchiveDoor;
use yingdun_dimse::committer::Committer;
use yingdun_dimse::notifier::Notifier;
use yingdun_dimse::reporter::Reporter;
use yingdun_dimse::scp::{Scp, Settings};
use yingdun_feed::Feed;
use yingdun_gateway::Gateway;
use yingdun_keys::RootKey;
use yingdun_model::{InstitutionId, Secret};
use yingdun_storage::{OffsiteConfig, RealDisk, ReplicaConfig, Store, StoreConfig};
use yingdun_web::{Door, DoorConfig, OtherLogs, Rooms, ServerTls, TlsFiles, Transport as WebTransport};

/// How often rows of sign-ins that nobody asks for any more are deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// How often callers that were turned away are written down, and after how many such times the rows are looked through anyway.
const KEEP_ATTEMPTS_EVERY: Duration = Duration::from_secs(1);
const ATTEMPTS_RESTS_MAX: u32 = 60;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where the doors are, with the ports that were really taken.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Addresses {
    /// The beginning of every web address.
    pub(crate) web: String,
    /// The address of DICOM over TLS.
    pub(crate) dicom_tls: Option<SocketAddr>,
    /// The address of DICOM without TLS.
    pub(crate) dicom_plain: Option<SocketAddr>,
    /// The address of the witness of other logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) witness: Option<SocketAddr>,
}

/// A running archive.
pub(crate) struct System {
    foundation: Foundation,
    archive: Archive,
    web: SocketAddr,
    addresses: Addresses,
    recovered: Recovered,
    /// Ends the doors.
    stop_doors: CancellationToken,
    doors: TaskTracker,
    /// Ends what works behind them.
    stop_workers: CancellationToken,
    repair_leaves: JoinHandle<()>,
    /// Asks the witnesses of the audit log, where there are some.
    gatherer: Option<JoinHandle<()>>,
    /// Writes heartbeats, the last one when all work is done.
    complete: Option<Arc<Complete>>,
    /// Given up last: who comes next finds everything closed.
    hold: Option<Hold>,
}

impl System {
    /// Opens everything with a passphrase, binds the doors, and serves.
    ///
    /// # Errors
    /// As [`Self::start_with`]; [`StartError::Sealed`] where shares are needed.
    pub(crate) async fn start(config: &Config) -> Result<Self, StartError> {
        check(config)?;
        match root(config).await? {
            Root::Open(root) => Self::start_with(config, root, None).await,
            Root::Sealed(_) => Err(StartError::Sealed),
        }
    }

    /// Opens everything, binds the doors, and serves. Where shares opened the root key, `seal` is cancelled when an officer
    /// wants it sealed again.
    ///
    /// # Errors
    /// [`StartError`]; what was opened is closed again.
    pub(crate) async fn start_with(
        config: &Config,
        root: RootKey,
        seal: Option<CancellationToken>,
    ) -> Result<Self, StartError> {
        check(config)?;
        // First of all: what the rooms count while they open must be seen.
        observe::collector()?;
        super::interfaces::measure(config);
        let hold = hold_as_node(config).await?;
        let foundation = Foundation::open_held(config, root, hold.as_ref()).await?;
        for (_, Finding { severity, option, cause, remedy }) in database_servers(config).await {
            if severity > Severity::Note {
                tracing::warn!(option, cause, remedy, "the database servers are not as they should be");
            }
        }
        // Before anything is decided for anybody. Rules that cannot be read lock; rows that cannot be read let nothing start.
        if let Err(cause) = foundation.access.follow_policies().await {
            foundation.close().await;
            return Err(StartError::Database { what: "identity", cause });
        }
        match Self::start_on(config, foundation.clone(), hold, seal).await {
            Ok(system) => Ok(system),
            Err(error) => {
                foundation.close().await;
                Err(error)
            }
        }
    }

    async fn start_on(
        config: &Config,
        foundation: Foundation,
        hold: Option<Hold>,
        seal: Option<CancellationToken>,
    ) -> Result<Self, StartError> {
        let stop_workers = CancellationToken::new();
        // Whatever fails below, the workers that were started end.
        let unfinished = stop_workers.clone().drop_guard();
        let (events, repair_leaves) = RepairLedger::start(
            foundation.audit.clone(),
            foundation.institution.clone(),
            stop_workers.clone(),
        );
        super::ledger::start_index(&foundation.audit).await;
        let store = Store::open(store_config(config)?, Arc::new(RealDisk), Arc::new(events)).await?;
        admit(config, &foundation, &store, hold.as_ref()).await?;
        nodes::announce(config, &foundation.catalogue, &foundation.keys, &store).await?;
        let others = nodes::others(config, &foundation.catalogue)?;
        let nodes = others.clone().map(|others| others as Arc<dyn OtherNodes>);
        let parts = ArchiveParts { nodes, ..archive_parts(config, &foundation, store.clone()) };
        let (archive, recovered) = Archive::open(parts).await.map_err(StartError::Archive)?;
        foundation.monitor.learn_decoys(&config.monitor, &archive, &foundation.institution).await?;
        // Steps that hold are known before the first door opens; what is stopped is read with each decision anyway.
        if let Err(error) = foundation.access.follow_stops().await {
            tracing::warn!(%error, "which steps of the monitor hold is learnt in a second");
        }
        let scores = Scores::new(
            &foundation.monitor,
            foundation.audit.clone(),
            foundation.access.clone(),
            Arc::clone(&foundation.clock),
            foundation.institution.clone(),
        );
        let scores = scores.map_err(|error| StartError::Monitor {
            path: config.monitor.limits_file.clone().unwrap_or_default(),
            cause: error.to_string(),
        })?;
        let (gathered, gatherer) = witnesses::start(config, &foundation, stop_workers.clone())?.unzip();
        let (forwarder, forwarded) = syslog::forwarder(config, &foundation)?.unzip();
        let (stamper, stamped) = time_stamps::stamper(config, &foundation)?.unzip();
        let complete = Complete::new(config, &foundation, &archive).map(Arc::new);
        let completeness = complete.as_ref().map(|complete| complete.completeness()).unwrap_or_default();
        let (stop, outwards) = (stop_workers.clone(), (forwarded, stamped, completeness));
        let health = Health::watch(foundation.clone(), store, gathered.clone(), outwards, stop);
        let feed = feed(config)?.map(|to| Feed::new(to, &archive, foundation.institution.clone()));
        let calling = dicom::client(config)?;
        let gateway = Gateway::new(config.gateway.clone())?;
        let service = ArchiveDoor::new(foundation.access.clone(), archive.clone())
            .with_client_tls(calling.clone())
            .with_gateway(gateway.clone());
        let calls = Arc::new(Calls::new(calling.clone(), service.clone()));
        let mut hooks =
            observe::hooks(config, &foundation, &archive, health, gathered, calls, stop_workers.clone())?;
        hooks.logs = others.map(|others| others as Arc<dyn OtherLogs>);
        let by_shares = seal.is_some();
        hooks.seal = seal.map(|seal| Arc::new(move || seal.cancel()) as Arc<dyn Fn() + Send + Sync>);

        let dicom = DicomDoors::bind(config).await?;
        hooks.dicom = dicom.doors();
        let web = open_web_door(config, &foundation, &archive, hooks, gateway.clone()).await?;
        let witness = witnesses::open_own(config, &foundation, gateway.clone()).await?;
        let addresses = Addresses {
            witness: witness.as_ref().map(yingdun_witness::Door::address),
            web: web.origin().to_owned(),
            dicom_tls: dicom.tls_address(),
            dicom_plain: dicom.plain_address(),
        };

        if by_shares {
            foundation.record(const { ReasonCode::new("archive-unsealed") }).await;
        }
        foundation.record(const { ReasonCode::new("archive-started") }).await;
        let web_address = web.address();
        let (doors, stop_doors) = (TaskTracker::new(), CancellationToken::new());
        let stop = stop_doors.clone();
        doors.spawn(async move { web.serve(stop.cancelled()).await });
        if let Some(witness) = witness {
            let stop = stop_doors.clone();
            doors.spawn(async move { witness.serve(stop.cancelled()).await });
        }
        let reporter = Reporter::new(foundation.access.clone(), archive.clone(), calling.clone());
        doors.spawn(reporter.run(stop_doors.clone()));
        if let Some(complete) = complete.clone() {
            doors.spawn(complete.run(stop_doors.clone()));
        }
        if let Some(stamper) = stamper {
            doors.spawn(stamper.run(stop_doors.clone(), time_stamps::tell(&foundation)));
        }
        if let Some(forwarder) = forwarder {
            doors.spawn(forwarder.run(stop_doors.clone(), syslog::tell(&foundation)));
        }
        if let Some(feed) = feed {
            doors.spawn(feed.run(stop_doors.clone()));
        }
        let (institution, access) = (foundation.institution.clone(), foundation.access.clone());
        let committer = Committer::new(access.clone(), archive.clone(), service.clone(), calling.clone());
        doors.spawn(committer.run(stop_doors.clone()));
        let notifier = Notifier::new(institution, access, archive.clone(), service.clone(), calling);
        doors.spawn(notifier.run(stop_doors.clone()));
        tell_unbound(&foundation.access).await;
        if let Some(ldap) = &config.identity.ldap {
            let every = Duration::from_secs(ldap.look_seconds.into());
            doors.spawn(super::ldap::look(foundation.access.clone(), every, stop_doors.clone()));
        }
        doors.spawn(keep_attempts(foundation.access.clone(), stop_doors.clone()));
        doors.spawn(forget_expired(foundation.access.clone(), stop_doors.clone()));
        doors.spawn(scores.run(stop_doors.clone()));
        dicom.serve(Scp::behind(service, Settings::default(), gateway), &doors, &stop_doors);
        doors.close();
        unfinished.disarm();
        Ok(Self {
            foundation,
            archive,
            web: web_address,
            addresses,
            recovered,
            stop_doors,
            doors,
            stop_workers,
            repair_leaves,
            gatherer,
            complete,
            hold,
        })
    }

    /// Where the doors are.
    pub(crate) const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Where the web door listens, which is not always the address that people use.
    pub(crate) const fn web(&self) -> SocketAddr {
        self.web
    }

    /// What the start replayed.
    pub(crate) const fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// The institution that is served.
    pub(crate) const fn institution(&self) -> &InstitutionId {
        &self.foundation.institution
    }

    /// Sessions, decisions and administration.
    pub(crate) const fn access(&self) -> &Access {
        &self.foundation.access
    }

    /// The use cases.
    pub(crate) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The ledger.
    pub(crate) const fn audit(&self) -> &Log {
        &self.foundation.audit
    }

    /// Waits until another server works on the catalogue, and gives its name: this one must stop then.
    pub(crate) async fn taken_over(&self) -> String {
        match &self.hold {
            Some(hold) => hold.taken().await,
            None => std::future::pending().await,
        }
    }

    /// Waits until the catalogue was emptied under this node: it must be started anew then.
    pub(crate) async fn catalogue_emptied(&self) {
        self.archive.catalogue_emptied().await;
    }

    /// Waits until an officer says that this node is gone for good: it must stop then.
    pub(crate) async fn forgotten(&self) {
        self.foundation.keys.forgotten().await;
    }

    /// Stops in order: no new work, open work finished, packs sealed, the last leaf written, the log signed.
    pub(crate) async fn stop(self) {
        self.stop_doors.cancel();
        self.doors.wait().await;
        self.archive.close().await;
        self.stop_workers.cancel();
        if self.repair_leaves.await.is_err() {
            tracing::error!("the writer of repair leaves had panicked");
        }
        if let Some(gatherer) = self.gatherer
            && gatherer.await.is_err()
        {
            tracing::error!("the task that asks the witnesses had panicked");
        }
        if let Some(complete) = &self.complete {
            complete.beat().await;
        }
        self.foundation.record(const { ReasonCode::new("archive-stopped") }).await;
        self.foundation.close().await;
    }
}

/// Refuses a catalogue that is filled from the packs of others, of which these are none. Then lets other nodes in, where there are to be
/// several.
async fn admit(
    config: &Config,
    foundation: &Foundation,
    store: &Store,
    hold: Option<&Hold>,
) -> Result<(), StartError> {
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let (catalogue, id) = (&foundation.catalogue, store.id());
    let among_others = hold.filter(|_| config.node.is_some());
    if let Some(hold) = among_others {
        hold_alone(hold, "the store of packs", Exclusive::Store(&id)).await?;
    }
    match (stores::is_known(catalogue, &id).await.map_err(failed)?, among_others) {
        (true, Some(hold)) => hold.share().await.map_err(failed),
        // What lies in the packs of others is out of reach then, and nobody gives versions beside it.
        (true, None) => Ok(()),
        (false, Some(_)) => Err(StartError::NotJoined),
        (false, None) => Err(StartError::OtherPacks),
    }
}

/// Refuses a configuration with findings of severity error.
pub(super) fn check(config: &Config) -> Result<(), StartError> {
    let errors: Vec<String> = config::check(config)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}: {}", finding.option, finding.cause))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(StartError::Configuration(errors)) }
}

/// What an archive works with that asks no other node.
pub(super) fn archive_parts(config: &Config, foundation: &Foundation, store: Store) -> ArchiveParts {
    ArchiveParts {
        catalogue: foundation.catalogue.clone(),
        keys: foundation.keys.clone(),
        store,
        audit: foundation.audit.clone(),
        access: foundation.access.clone(),
        nodes: None,
        clock: Arc::clone(&foundation.clock),
        limits: ArchiveLimits {
            object_bytes_max: config.storage.object_bytes_max,
            study_stable_after: Duration::from_secs(u64::from(config.catalogue.study_stable_after_s)),
            compact_after_destruction: config.storage.compact_after_destruction,
            compact_dead_percent: config.storage.compact_dead_percent,
            rotate_keys_after: DAY.saturating_mul(u32::from(config.keys.rotate_after_days)),
            ..ArchiveLimits::default()
        },
    }
}

/// The store that a configuration describes.
///
/// # Errors
/// [`StartError::File`] when a file that it names cannot be used.
pub(crate) fn store_config(config: &Config) -> Result<StoreConfig, StartError> {
    let offsite = offsite_settings(&config.storage.offsite)?;
    let replicas = config.storage.replicas.iter().map(|replica| ReplicaConfig {
        directory: replica.directory.clone(),
        label: replica.label.clone(),
        failure_domain: replica.failure_domain.clone(),
    });
    Ok(StoreConfig {
        write_quorum: config.storage.write_quorum,
        write_domains: config.storage.write_domains(),
        reserve_bytes: config.storage.reserve_bytes,
        scrub_interval: config.storage.scrub_interval(),
        offsite,
        ..StoreConfig::new(replicas.collect())
    })
}

/// What these off-site replicas are, with what stands in the files that they name.
///
/// # Errors
/// [`StartError::File`].
pub(super) fn offsite_settings(offsite: &[Offsite]) -> Result<Vec<OffsiteConfig>, StartError> {
    let settings =
        |offsite: &Offsite| offsite.settings().map_err(|(path, cause)| StartError::File { path, cause });
    offsite.iter().map(settings).collect()
}

/// Says that people have accounts of this house only, where others get accounts by themselves: who is one of both has two then.
async fn tell_unbound(access: &Access) {
    match access.unbound_beside_provisioning().await {
        Ok(None | Some(0)) => {}
        Ok(Some(people)) => tracing::warn!(
            people,
            "accounts are made for people of another directory (provision), and people have accounts that are not bound to it: bind \
             them, or somebody who is disabled here may come in by a second account"
        ),
        Err(error) => {
            tracing::warn!(%error, "it is not known whether every account is bound to its directory")
        }
    }
}

/// Deletes rows of expired sessions, links and codes now and then, so that the accounts do not grow with use.
async fn forget_expired(access: Access, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(FORGET_EVERY)).await.is_some() {
        if let Err(error) = access.forget_expired().await {
            tracing::warn!(%error, "expired sessions were not deleted; it is tried again in an hour");
        }
    }
}

/// Writes down who called in vain, a second at most after it was noted, and takes away what is too old. What is noted while the doors close is
/// written last.
async fn keep_attempts(access: Access, stop: CancellationToken) {
    let (mut rests, mut is_told) = (0_u32, false);
    loop {
        let goes_on = stop.run_until_cancelled(tokio::time::sleep(KEEP_ATTEMPTS_EVERY)).await.is_some();
        rests = if access.has_attempts() || rests >= ATTEMPTS_RESTS_MAX { 0 } else { rests + 1 };
        if rests == 0 || !goes_on {
            match access.keep_attempts().await {
                Ok(()) => is_told = false,
                // Once: it is tried every second.
                Err(error) if !is_told => {
                    tracing::warn!(%error, "who called in vain could not be written down; it is tried again");
                    is_told = true;
                }
                Err(_) => {}
            }
        }
        if !goes_on {
            return;
        }
    }
}

// === doors ===

pub(super) async fn open_web_door(
    config: &Config,
    foundation: &Foundation,
    archive: &Archive,
    hooks: yingdun_web::Hooks,
    gateway: Gateway,
) -> Result<Door, StartError> {
    let tls = web_tls(config)?;
    let metrics_token = match &config.web.metrics_token_file {
        Some(path) => {
            let text = String::from_utf8_lossy(&read(path)?).trim().to_owned();
            Some(Secret::new(text)).filter(|token| !token.expose().is_empty())
        }
        None => None,
    };
    let door = DoorConfig {
        address: config.web.listen,
        transport: WebTransport::Tls(tls),
        origin: config.web.public_url.clone(),
        institution: foundation.institution.clone(),
        cors_origins: config.web.cors_origins.clone(),
        metrics_token,
        gateway,
    };
    let rooms = Rooms {
        access: foundation.access.clone(),
        archive: archive.clone(),
        audit: foundation.audit.clone(),
        hooks,
    };
    Ok(Door::open(door, rooms).await?)
}

pub(super) fn web_tls(config: &Config) -> Result<ServerTls, StartError> {
    let chain = read(&config.web.certificate_file)?;
    let key = read(&config.web.private_key_file)?;
    // Other nodes show a certificate, and programs where that is opened; nobody else is asked to. Which of them is which say the
    // catalogue and the register of service clients.
    let files = [config.node.as_ref().map(|node| &node.ca_file), config.web.client_ca_file.as_ref()];
    let mut authorities = Vec::new();
    for file in files.into_iter().flatten() {
        authorities.extend(read(file)?);
        authorities.push(b'\n');
    }
    let files = TlsFiles {
        certificate_chain: &chain,
        private_key: &key,
        client_roots: Some(authorities.as_slice()).filter(|authorities| !authorities.is_empty()),
        self_signed_clients: config.web.self_signed_clients,
    };
    Ok(yingdun_web::server_config(&files)?)
}

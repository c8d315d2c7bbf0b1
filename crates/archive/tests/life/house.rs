//! A whole archive in a folder: real databases, real packs on three replicas, a real log, real policies.

use bytes::Bytes;
use futures_util::TryStreamExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use yingdun_access::{Access, AccessConfig, NoWatch, Officers, Peer, Session, Watch};
use yingdun_archive::{
    Archive, ArchiveLimits, ArchiveParts, ByteStream, Declared, Door, Incoming, IngestError, OpenError,
    OtherNodes, Recovered, Stored,
};
use yingdun_audit::{EventKind, Filter, Log, LogConfig, NodeName, Outcome};
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::sign::SigningKey;
use yingdun_crypto::{SealingKey, digest};
use yingdun_dicom::synthetic::Instance;
use yingdun_keys::{EpochFile, KeyNode, KeyStore, RootKey, SecretName};
use yingdun_model::{ActorId, Clock, InstitutionId, Role, Secret, SystemClock, Uid};
use yingdun_storage::{LogEvents, RealDisk, ReplicaConfig, Store, StoreConfig};

/// Which engine holds the databases.
#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite,
    Postgres(Arc<[yingdun_testkit::PostgresDatabase; 3]>),
}

/// The folder of an archive, which outlives the archive.
pub(crate) struct House {
    folder: TempDir,
    engine: Engine,
    replicas: usize,
    root: [u8; 32],
    pub(crate) limits: ArchiveLimits,
    /// Where it reads what other nodes have; none unless a test says so.
    pub(crate) nodes: Option<Arc<dyn OtherNodes>>,
    /// Which node it is where keys are kept; it stands alone unless a test says so.
    pub(crate) key_node: Option<KeyNode>,
    /// On what its audit log lies, in small segments; a real disk unless a test says so.
    pub(crate) audit_disk: Option<Arc<dyn yingdun_audit::Disk>>,
    /// Who counts what is opened; nobody unless a test says so.
    pub(crate) watch: Arc<dyn Watch>,
}

/// An open archive and two programs that use it.
pub(crate) struct Open {
    pub(crate) archive: Archive,
    pub(crate) recovered: Recovered,
    pub(crate) log: Log,
    /// May store, search and view.
    pub(crate) gateway: Session,
    /// May keep the worklist, and nothing else.
    pub(crate) ris: Session,
    /// May search only.
    pub(crate) index: Session,
    /// The archive itself, which may open no study.
    pub(crate) system: Session,
    pub(crate) access: Access,
    pub(crate) catalogue: Database,
    pub(crate) keys: Database,
    pub(crate) key_store: KeyStore,
}

pub(crate) fn institution() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

impl House {
    pub(crate) fn new(engine: Engine) -> Self {
        Self::with_replicas(engine, 3)
    }

    pub(crate) fn with_replicas(engine: Engine, replicas: usize) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            engine,
            replicas,
            root: [7; 32],
            limits: ArchiveLimits::default(),
            nodes: None,
            key_node: None,
            audit_disk: None,
            watch: Arc::new(NoWatch),
        }
    }

    /// Another node on the same databases, which are on PostgreSQL, with packs and a log of its own.
    pub(crate) fn beside(&self) -> Self {
        let beside = Self::new(self.engine.clone());
        std::fs::copy(self.path().join("epoch.key"), beside.path().join("epoch.key")).unwrap();
        beside
    }

    pub(crate) fn replica(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("replica-{number}"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Copies files of an archive that is stopped into its folder or out of it, whole databases.
    pub(crate) fn copy(&self, files: &[&str], from: &Path, to: &Path) {
        for file in files {
            self.wait_until_closed(file);
            for part in ["-wal", "-shm", ""] {
                let name = format!("{file}{part}");
                let _ = std::fs::remove_file(to.join(&name));
                if from.join(&name).exists() {
                    std::fs::copy(from.join(&name), to.join(&name)).unwrap();
                }
            }
        }
    }

    /// Waits until a database is closed. Its last connection, closed in the background, takes a file away when it is done; when two
    /// close at once none does.
    fn wait_until_closed(&self, file: &str) {
        for _ in 0..100 {
            if !self.folder.path().join(format!("{file}-wal")).exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Loses the catalogue, as a broken database disk would.
    pub(crate) fn lose_catalogue(&self) {
        self.wait_until_closed("catalogue.db");
        for file in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(file));
        }
    }

    pub(crate) async fn open(&self) -> Open {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = async |name: &str, kind, number: usize| match &self.engine {
            Engine::Sqlite => Database::open_sqlite(self.folder.path().join(name), kind).await.unwrap(),
            Engine::Postgres(servers) => {
                Database::open_postgres(servers[number].address(), kind).await.unwrap()
            }
        };
        let identity = database("identity.db", DatabaseKind::Identity, 0).await;
        let catalogue = database("catalogue.db", DatabaseKind::Catalogue, 1).await;
        let keys = database("keys.db", DatabaseKind::Keys, 2).await;
        let root = RootKey::from(SealingKey::from_secret(&Secret::new(self.root)));
        let key_rows = keys.clone();
        let epochs = EpochFile::at(self.folder.path().join("epoch.key"));
        let keys = match &self.key_node {
            Some(node) => KeyStore::open_on(keys, root, epochs, clock.clone(), node.clone()).await.unwrap(),
            None => KeyStore::open(keys, root, epochs, clock.clone()).await.unwrap(),
        };
        let key_store = keys.clone();
        let signing = SigningKey::from(&keys.secret(&institution(), SecretName::LogSigning).await.unwrap());
        let config = LogConfig::new(
            self.folder.path().join("audit"),
            "renmin.example/audit",
            NodeName::new("node-1").unwrap(),
            signing,
        );
        let config = match &self.audit_disk {
            Some(disk) => LogConfig { disk: Arc::clone(disk), segment_bytes: 4 << 20, ..config },
            None => config,
        };
        let log = Log::open(config).unwrap();
        let detail = keys.secret(&institution(), SecretName::AuditDetail).await.unwrap();
        let access = Access::open(
            AccessConfig {
                watch: Arc::clone(&self.watch),
                ..AccessConfig::new(institution(), detail, SealingKey::generate())
            },
            identity.clone(),
            catalogue.clone(),
            log.clone(),
            clock.clone(),
        )
        .unwrap();
        let replicas = (0..self.replicas)
            .map(|number| ReplicaConfig {
                directory: self.replica(number),
                label: format!("r{number}"),
                failure_domain: format!("disk-{number}"),
            })
            .collect();
        let config = StoreConfig { reserve_bytes: 0, ..StoreConfig::new(replicas) };
        let store = Store::open(config, Arc::new(RealDisk), Arc::new(LogEvents)).await.unwrap();
        let gateway = sign_in(&access, &identity, clock.as_ref(), "gateway", "store search view").await;
        let ris = sign_in(&access, &identity, clock.as_ref(), "ris", "worklist").await;
        let index = sign_in(&access, &identity, clock.as_ref(), "index", "search").await;
        let system = access.system_session();
        let parts = ArchiveParts {
            catalogue: catalogue.clone(),
            keys,
            store,
            audit: log.clone(),
            access: access.clone(),
            nodes: self.nodes.clone(),
            clock,
            limits: self.limits,
        };
        let (archive, recovered) = Archive::open(parts).await.unwrap();
        Open {
            archive,
            recovered,
            log,
            gateway,
            ris,
            index,
            system,
            access,
            catalogue,
            keys: key_rows,
            key_store,
        }
    }
}

impl Open {
    pub(crate) async fn store(&self, instance: &Instance) -> Result<Stored, IngestError> {
        self.store_in_pieces(instance, 16_000).await
    }

    /// Sends as a modality does: in pieces of some kilobytes.
    pub(crate) async fn store_in_pieces(
        &self,
        instance: &Instance,
        piece_bytes: usize,
    ) -> Result<Stored, IngestError> {
        let mut incoming = self.receive(instance);
        for piece in instance.data_set.chunks(piece_bytes) {
            incoming.write(Bytes::copy_from_slice(piece)).await?;
        }
        incoming.finish().await
    }

    pub(crate) fn receive(&self, instance: &Instance) -> Incoming {
        let declared = Declared {
            transfer_syntax: instance.transfer_syntax.clone(),
            sop_class: Some(instance.sop_class.clone()),
            sop_instance: Some(instance.sop_instance.clone()),
            study: None,
            door: Door::Dimse,
            habits: Arc::default(),
        };
        self.archive.receive(&self.gateway, declared).unwrap()
    }

    /// The data set of an instance as it comes back, without the part that we write in front.
    pub(crate) async fn read_back(&self, study: &Uid, instance: &Uid) -> Result<Vec<u8>, OpenError> {
        let open = self.archive.open_study(&self.gateway, study, self.gateway.purpose()).await?;
        let entry =
            open.instances(None, Some(instance)).await?.into_iter().next().ok_or(OpenError::NotFound)?;
        let (length, stream) = open.part10(&entry).await?;
        let file = collect(stream).await?;
        assert_eq!(file.len() as u64, length);
        assert_eq!(&file[..128], &[0; 128], "the preamble is empty");
        Ok(file[file.len() - usize::try_from(entry.data_set_bytes).unwrap()..].to_vec())
    }

    /// A clinician who treats a patient from now on.
    pub(crate) async fn doctor_of(&self, patient_id: &str) -> Session {
        let actor = |name: &str| ActorId::new(name).unwrap();
        let officers = Officers { system: actor("sys"), security: actor("sec"), audit: actor("aud") };
        // The second doctor of a house finds its officers there.
        let _ = self.access.found(&self.system, &officers).await;
        let sys = self.sign_in("sys", Role::SystemAdministrator).await;
        let sec = self.sign_in("sec", Role::SecurityAdministrator).await;
        let name = actor(&format!("doctor-of-{patient_id}"));
        self.access.create_person(&sys, &name).await.unwrap();
        self.access.give_role(&sec, &name, Role::Clinician).await.unwrap();
        let patient = self.archive.patient_reference(&institution(), "", patient_id).await.unwrap();
        let now = SystemClock.now();
        let until = now.after(std::time::Duration::from_secs(3600));
        self.access.give_care(&sec, &name, patient, now, until).await.unwrap();
        self.sign_in(name.as_str(), Role::Clinician).await
    }

    /// The officer who looks after keys.
    pub(crate) async fn security_officer(&self) -> Session {
        let actor = |name: &str| ActorId::new(name).unwrap();
        let officers = Officers { system: actor("sys"), security: actor("sec"), audit: actor("aud") };
        let _ = self.access.found(&self.system, &officers).await;
        self.sign_in("sec", Role::SecurityAdministrator).await
    }

    /// The officer who reads the log.
    pub(crate) async fn audit_officer(&self) -> Session {
        self.security_officer().await;
        self.sign_in("aud", Role::AuditAdministrator).await
    }

    /// A technician.
    pub(crate) async fn technician(&self, name: &str) -> Session {
        let actor = |name: &str| ActorId::new(name).unwrap();
        let officers = Officers { system: actor("sys"), security: actor("sec"), audit: actor("aud") };
        let _ = self.access.found(&self.system, &officers).await;
        let sys = self.sign_in("sys", Role::SystemAdministrator).await;
        let sec = self.sign_in("sec", Role::SecurityAdministrator).await;
        self.access.create_person(&sys, &actor(name)).await.unwrap();
        self.access.give_role(&sec, &actor(name), Role::Technician).await.unwrap();
        self.sign_in(name, Role::Technician).await
    }

    async fn sign_in(&self, name: &str, role: Role) -> Session {
        let name = ActorId::new(name).unwrap();
        let link = self.access.create_login_link(&self.system, &name, role).await.unwrap();
        self.access.redeem_login_link(link.token.expose(), Peer::LOCAL).await.unwrap().session
    }

    /// Leaves that say that content was permitted.
    pub(crate) async fn access_leaves(&self) -> u64 {
        self.log.checkpoint().await.unwrap();
        let filter =
            Filter { kinds: vec![EventKind::Access], outcome: Some(Outcome::Permitted), ..Filter::default() };
        self.log.reader().search(filter).filter(Result::is_ok).count() as u64
    }
}

pub(crate) async fn collect(stream: ByteStream) -> Result<Vec<u8>, OpenError> {
    stream
        .try_fold(Vec::new(), |mut all, bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        })
        .await
}

async fn sign_in(
    access: &Access,
    identity: &Database,
    clock: &dyn Clock,
    name: &str,
    scopes: &str,
) -> Session {
    let secret = "s".repeat(43);
    let client = Client {
        client_id: ActorId::new(name).unwrap(),
        institution: institution(),
        secret_hash: Some(digest::sha256(secret.as_bytes())),
        redirect_uris: String::new(),
        scopes: scopes.into(),
        disabled: false,
        demands: String::new(),
    };
    let founder = ActorId::new("founder").unwrap();
    // The second opening of a house finds its programs there.
    let _ = identity.execute(vec![clients::insert(&client, clock.now(), &founder)]).await;
    access.client_credentials(&client.client_id, &Secret::new(secret), Peer::LOCAL).await.unwrap().session
}

//! This node among the others of the installation: it says where they reach it, and reads from them what lies in their packs.
//!
//! What travels is ciphertext, over TLS in which both sides show a certificate of the installation's authority. Each is held to the digest
//! that its node has told in the catalogue: a device has a certificate of the same authority, and whoever writes to the catalogue
//! has none.

use super::certificates::read_certificate;
use super::error::{StartError, read};
use super::transit::without_url;
use crate::config::Config;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Identity, Response, StatusCode};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use yingdun_archive::{NodeError, OtherNodes, StoreLocation};
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::nodes::{self, NodeDoor};
use yingdun_catalog::catalogue::stores;
use yingdun_crypto::digest::sha256;
use yingdun_model::StoreNumber;
use yingdun_storage::Store;

/// How long it may take to reach another node: it is in the same building.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// How long one range of a record may take, which is some megabytes at most.
const READ_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a node may take to check a record on its disks: the largest has 16 GiB.
const CHECK_TIME_MAX: Duration = Duration::from_secs(300);

/// How long what nodes say in the catalogue is remembered.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How long a node that did not answer is not asked again: whoever waits for it hears so at once.
const SILENT: Duration = Duration::from_secs(2);

/// The longest answer to a check, in bytes.
const ANSWER_BYTES_MAX: usize = 1024;

/// Says in the catalogue where the node with this store is reached by others: from now on, or no longer.
///
/// # Errors
/// [`StartError`] when the catalogue does not take it, or the certificate cannot be read.
pub(super) async fn announce(config: &Config, catalogue: &Database, store: &Store) -> Result<(), StartError> {
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let number = stores::enter(catalogue, &store.id()).await.map_err(failed)?;
    let door = config.node.as_ref().map(|node| {
        let certificate_sha256 = certificate(config)?;
        Ok::<_, StartError>(NodeDoor { address: node.address.clone(), certificate_sha256 })
    });
    nodes::announce(catalogue, number, door.transpose()?.as_ref()).await.map_err(failed)
}

/// What reads from the other nodes; none where this one is closed to them.
///
/// # Errors
/// [`StartError`] when certificates or key cannot be used.
pub(super) fn others(
    config: &Config,
    catalogue: &Database,
) -> Result<Option<Arc<dyn OtherNodes>>, StartError> {
    let Some(node) = &config.node else { return Ok(None) };
    let authorities = Certificate::from_pem_bundle(&read(&node.ca_file)?).map_err(StartError::NodeTls)?;
    let own = [read(&config.web.private_key_file)?, read(&config.web.certificate_file)?].concat();
    let http = Client::builder()
        .https_only(true)
        .no_proxy()
        // A redirect leads to who is none of us.
        .redirect(Policy::none())
        // Each range has a connection of its own; ranges that share one would share its window.
        .http1_only()
        .tls_certs_only(authorities)
        .identity(Identity::from_pem(&own).map_err(StartError::NodeTls)?)
        .tls_info(true)
        .connect_timeout(CONNECT_TIME_MAX)
        .build()
        .map_err(StartError::NodeTls)?;
    Ok(Some(Arc::new(Others { http, catalogue: catalogue.clone(), memory: Mutex::default() })))
}

/// SHA-256 of the certificate that this node shows.
fn certificate(config: &Config) -> Result<[u8; 32], StartError> {
    let path = &config.web.certificate_file;
    let facts = read_certificate(path)?;
    let digest = facts.and_then(|facts| hex::decode(facts.sha256).ok()?.try_into().ok());
    digest.ok_or_else(|| StartError::NoCertificate(path.clone()))
}

/// The other nodes, as a client of their web doors.
struct Others {
    http: Client,
    catalogue: Database,
    memory: Mutex<HashMap<StoreNumber, Remembered>>,
}

/// What is known of a node.
#[derive(Clone)]
struct Remembered {
    door: NodeDoor,
    /// When the catalogue said so.
    read: Instant,
    /// When it did not answer, and why.
    silent: Option<(Instant, String)>,
}

#[derive(Deserialize)]
struct Soundness {
    sound: bool,
}

impl OtherNodes for Others {
    fn read<'a>(
        &'a self,
        place: &'a StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> BoxFuture<'a, Result<Option<Bytes>, NodeError>> {
        Box::pin(async move {
            let query = [("from", range.start), ("to", range.end), ("copy", copy as u64)];
            let store = place.store;
            let (door, answer) = self.ask(place, "", &query, READ_TIME_MAX).await?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NO_CONTENT => return Ok(None),
                StatusCode::INTERNAL_SERVER_ERROR => return Err(NodeError::Unreadable { store }),
                status => return Err(refused(store, &door, status)),
            }
            let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let bytes = bounded(answer, wanted).await.map_err(|cause| silent(store, &door, cause))?;
            if bytes.len() != wanted {
                let cause = format!("{wanted} bytes were asked for, {} came", bytes.len());
                return Err(silent(store, &door, cause));
            }
            metrics::counter!("yingdun_node_read_bytes_total").increment(wanted as u64);
            Ok(Some(bytes))
        })
    }

    fn is_sound<'a>(&'a self, place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, NodeError>> {
        Box::pin(async move {
            let store = place.store;
            let (door, answer) = self.ask(place, "/soundness", &[], CHECK_TIME_MAX).await?;
            if answer.status() != StatusCode::OK {
                return Err(refused(store, &door, answer.status()));
            }
            let silent = |cause| silent(store, &door, cause);
            let text = bounded(answer, ANSWER_BYTES_MAX).await.map_err(silent)?;
            let Soundness { sound } = serde_json::from_slice(&text)
                .map_err(|_| silent("its answer is not that of a node".to_owned()))?;
            Ok(sound)
        })
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}

impl Others {
    /// Asks the node that has a record, and makes sure that it was that node who answered.
    async fn ask(
        &self,
        place: &StoreLocation,
        what: &str,
        query: &[(&str, u64)],
        time_max: Duration,
    ) -> Result<(NodeDoor, Response), NodeError> {
        let store = place.store;
        let door = self.door(store).await?;
        let url = format!("{}/api/v1/nodes/records/{}{what}", door.address, hex::encode(place.to_bytes()));
        let send = || self.http.get(&url).query(query).timeout(time_max).send();
        let mut answer = send().await;
        // The connection was closed meanwhile: there is another one.
        if answer.as_ref().is_err_and(|error| !is_away(error)) {
            answer = send().await;
        }
        let answer = answer.map_err(|error| {
            let (away, cause) = (is_away(&error), without_url(error));
            if away {
                self.remember_silent(store, cause.clone());
            }
            silent(store, &door, cause)
        })?;
        let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(sha256);
        if shown != Some(door.certificate_sha256) {
            let cause = "it shows another certificate than it has told; start it anew".to_owned();
            return Err(NodeError::Refused { store, address: door.address, cause });
        }
        Ok((door, answer))
    }

    /// Where a node is reached.
    async fn door(&self, store: StoreNumber) -> Result<NodeDoor, NodeError> {
        if let Some(Remembered { door, read, silent }) = self.memory().get(&store).cloned() {
            if let Some((since, cause)) = silent
                && since.elapsed() < SILENT
            {
                return Err(NodeError::Silent { store, address: door.address, cause });
            }
            if read.elapsed() < REMEMBERED {
                return Ok(door);
            }
        }
        let all = nodes::all(&self.catalogue).await;
        let all = all.map_err(|error| NodeError::Silent {
            store,
            address: "an address in the catalogue".to_owned(),
            cause: error.to_string(),
        })?;
        let door = all.into_iter().find(|node| node.store == store).and_then(|node| node.door);
        let mut memory = self.memory();
        let Some(door) = door else {
            memory.remove(&store);
            return Err(NodeError::NoAddress { store });
        };
        memory.insert(store, Remembered { door: door.clone(), read: Instant::now(), silent: None });
        Ok(door)
    }

    /// Remembers that a node is away.
    fn remember_silent(&self, store: StoreNumber, cause: String) {
        if let Some(remembered) = self.memory().get_mut(&store) {
            remembered.silent = Some((Instant::now(), cause));
        }
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<StoreNumber, Remembered>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody is there, as opposed to somebody who hung up.
fn is_away(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_timeout()
}

fn silent(store: StoreNumber, door: &NodeDoor, cause: String) -> NodeError {
    NodeError::Silent { store, address: door.address.clone(), cause }
}

/// What a node means that answers otherwise than by giving.
fn refused(store: StoreNumber, door: &NodeDoor, status: StatusCode) -> NodeError {
    let address = door.address.clone();
    let cause = match status {
        StatusCode::UNAUTHORIZED => {
            "it does not know this node; set the section [node] on both, and start them anew"
        }
        StatusCode::NOT_FOUND => "it has no such record; look there whether its replicas are mounted",
        StatusCode::SERVICE_UNAVAILABLE => "it is starting, or waits for the shares of its root key",
        _ => return NodeError::Refused { store, address, cause: format!("it says {}", status.as_u16()) },
    };
    NodeError::Refused { store, address, cause: cause.to_owned() }
}

/// The whole answer; an error when it is longer than it may be.
async fn bounded(mut answer: Response, bytes_max: usize) -> Result<Bytes, String> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(without_url)? {
        if bytes.len() + piece.len() > bytes_max {
            return Err(format!("its answer is longer than {bytes_max} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    //! Two nodes as `serve` builds them, with their doors, on one PostgreSQL. Only the lock on the catalogue is not taken, which lets
    //! one serve at a time.

    use super::super::foundation::Foundation;
    use super::super::health::Health;
    use super::super::network::Calls;
    use super::super::root::{Root, root};
    use super::super::system::{archive_parts, open_web_door, store_config};
    use super::super::{dicom, observe};
    use super::*;
    use crate::cli::{DatabasesArgs, InitArgs, OpenerArgs, PlacesArgs, RootArgs};
    use crate::config::Node;
    use crate::installation::{PKI_FOLDER, Plan};
    use crate::pki::Authority;
    use futures_util::TryStreamExt as _;
    use std::path::{Path, PathBuf};
    use tokio_util::sync::CancellationToken;
    use yingdun_access::{Peer, Session};
    use yingdun_archive::{Archive, ArchiveParts, Declared, Door, OpenError};
    use yingdun_catalog::catalogue::instances;
    use yingdun_catalog::identity::clients::{self, Client as Program};
    use yingdun_dicom::synthetic::{Instance, Kind, Study};
    use yingdun_dimse::archive_door::ArchiveDoor;
    use yingdun_model::{ActorId, InstitutionId, Secret};
    use yingdun_storage::{LogEvents, RealDisk};
    use yingdun_testkit::PostgresDatabase;

    /// A node that serves.
    struct Running {
        config: Config,
        foundation: Foundation,
        archive: Archive,
        store: StoreNumber,
        address: String,
        stop: CancellationToken,
        program: Session,
    }

    /// An installation on PostgreSQL, and the configuration of a second node of it.
    async fn two_configurations(folder: &Path) -> Option<([Config; 2], [PostgresDatabase; 3])> {
        let _provider = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let servers = [0; 3].map(|_| yingdun_testkit::postgres_database());
        let [Some(a), Some(b), Some(c)] = servers else { return None };
        let any_port = ([127, 0, 0, 1], 0).into();
        let plan = Plan::new(&InitArgs {
            directory: folder.to_owned(),
            institution: InstitutionId::new("renmin").unwrap(),
            places: PlacesArgs {
                replica: Vec::new(),
                host: Vec::new(),
                web_listen: any_port,
                dicom_tls_listen: any_port,
                dicom_plain_listen: None,
            },
            databases: DatabasesArgs {
                catalogue_url: a.address().to_owned(),
                keys_url: b.address().to_owned(),
                identity_url: c.address().to_owned(),
            },
            root: RootArgs::default(),
            opener: OpenerArgs::default(),
            dry_run: false,
        });
        let mut first = Config::load(&plan.unwrap().install().await.unwrap().config).unwrap();
        let pki = folder.join(PKI_FOLDER);
        first.node = Some(Node { address: "https://127.0.0.1:1".into(), ca_file: pki.join("ca.pem") });
        let mut second = first.clone();
        for replica in &mut second.storage.replicas {
            replica.directory.set_extension("second");
        }
        second.audit.directory.set_extension("second");
        let own = Authority::load(&pki).unwrap().issue_server("second", &["127.0.0.1".into()]).unwrap();
        own.save(&pki, "second").unwrap();
        second.web.certificate_file = pki.join("second.pem");
        second.web.private_key_file = pki.join("second.key");
        Some(([first, second], [a, b, c]))
    }

    impl Running {
        async fn start(mut config: Config) -> Self {
            let Root::Open(key) = root(&config).await.unwrap() else { panic!("it opens by itself") };
            let foundation = Foundation::found(&config, key).await.unwrap();
            let store = Store::open(store_config(&config).unwrap(), Arc::new(RealDisk), Arc::new(LogEvents));
            let store = store.await.unwrap();
            let nodes = others(&config, &foundation.catalogue).unwrap();
            let parts = ArchiveParts { nodes, ..archive_parts(&config, &foundation, store.clone()) };
            let (archive, _) = Archive::open(parts).await.unwrap();
            let stop = CancellationToken::new();
            let health = Health::watch(foundation.clone(), store.clone(), None, stop.clone());
            let calling = dicom::client(&config).unwrap();
            let service = ArchiveDoor::new(foundation.access.clone(), archive.clone());
            let calls = Arc::new(Calls::new(calling, service));
            let hooks = observe::hooks(&config, &foundation, &archive, health, None, calls, stop.clone());
            let door = open_web_door(&config, &foundation, &archive, hooks.unwrap()).await.unwrap();
            // The port is known only now.
            let address = door.origin().to_owned();
            config.node.as_mut().unwrap().address = address.clone();
            announce(&config, &foundation.catalogue, &store).await.unwrap();
            let stopped = stop.clone();
            tokio::spawn(async move { door.serve(stopped.cancelled()).await });
            let store = stores::enter(&foundation.catalogue, &store.id()).await.unwrap();
            let program = program(&foundation).await;
            Self { config, foundation, archive, store, address, stop, program }
        }

        async fn store(&self, instance: &Instance) {
            let declared = Declared {
                transfer_syntax: instance.transfer_syntax.clone(),
                sop_class: Some(instance.sop_class.clone()),
                sop_instance: Some(instance.sop_instance.clone()),
                study: None,
                door: Door::Dimse,
                habits: Arc::default(),
            };
            let mut incoming = self.archive.receive(&self.program, declared).unwrap();
            incoming.write(Bytes::copy_from_slice(&instance.data_set)).await.unwrap();
            incoming.finish().await.unwrap();
            self.archive.counts(&self.foundation.institution).await.unwrap();
        }

        async fn read_back(&self, study: &Study, instance: &Instance) -> Result<Vec<u8>, OpenError> {
            let purpose = self.program.purpose();
            let open = self.archive.open_study(&self.program, &study.study, purpose).await?;
            let entry = open.instances(None, Some(&instance.sop_instance)).await?.remove(0);
            let (_, stream) = open.data_set(&entry).await?;
            stream.try_fold(Vec::new(), |all, piece| async move { Ok([&all[..], &piece].concat()) }).await
        }

        /// Where the record of an instance lies.
        async fn place(&self, study: &Study) -> StoreLocation {
            let study =
                self.archive.study_reference(&self.foundation.institution, &study.study).await.unwrap();
            let rows =
                instances::of_study(&self.foundation.catalogue, &self.foundation.institution, study).await;
            StoreLocation::from_bytes(&rows.unwrap()[0].location).unwrap()
        }

        async fn stop(self) {
            self.stop.cancel();
            self.archive.close().await;
            self.foundation.close().await;
        }
    }

    /// A program that may store and view.
    async fn program(foundation: &Foundation) -> Session {
        let secret = "s".repeat(43);
        let program = Program {
            client_id: ActorId::new("gateway").unwrap(),
            institution: foundation.institution.clone(),
            secret_hash: Some(sha256(secret.as_bytes())),
            redirect_uris: String::new(),
            scopes: "store search view".into(),
            disabled: false,
        };
        let by = ActorId::new("founder").unwrap();
        // The second node finds it there.
        let _ =
            foundation.identity.execute(vec![clients::insert(&program, foundation.clock.now(), &by)]).await;
        let secret = Secret::new(secret);
        let granted = foundation.access.client_credentials(&program.client_id, &secret, Peer::LOCAL);
        granted.await.unwrap().session
    }

    /// A client of a node with these files of the installation.
    fn client(config: &Config, own: Option<[PathBuf; 2]>) -> Client {
        let authorities = read(&config.node.as_ref().unwrap().ca_file).unwrap();
        let builder = Client::builder().tls_certs_only(Certificate::from_pem_bundle(&authorities).unwrap());
        let builder = match own {
            Some([key, certificate]) => {
                let own = [read(&key).unwrap(), read(&certificate).unwrap()].concat();
                builder.identity(Identity::from_pem(&own).unwrap())
            }
            None => builder,
        };
        builder.build().unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_reads_what_another_one_keeps_from_its_door_and_nobody_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let Some(([first, second], _databases)) = two_configurations(folder.path()).await else { return };
        let one = Running::start(first).await;
        let other = Running::start(second).await;
        let study = Study::new(340, Kind::Ct { slices: 1 });
        let instance = study.instance(0);
        one.store(&instance).await;
        assert!(other.read_back(&study, &instance).await.unwrap() == instance.data_set);
        let nodes = others(&other.config, &other.foundation.catalogue).unwrap().unwrap();
        let place = one.place(&study).await;
        assert_eq!((place.store, nodes.is_sound(&place).await), (one.store, Ok(true)));
        assert_eq!(nodes.read(&place, 0..8, 9).await, Ok(None), "there are three copies");
        let mut wrong = place;
        wrong.location.pack += 1;
        assert!(matches!(nodes.read(&wrong, 0..8, 0).await, Err(NodeError::Refused { .. })));

        // Strangers, and devices with a certificate of the same authority.
        let pki = folder.path().join(PKI_FOLDER);
        Authority::load(&pki).unwrap().issue_client("CT01").unwrap().save(&pki, "device").unwrap();
        let files = |name: &str| [pki.join(format!("{name}.key")), pki.join(format!("{name}.pem"))];
        let url =
            format!("{}/api/v1/nodes/records/{}?from=0&to=8", one.address, hex::encode(place.to_bytes()));
        let status = async |own| client(&one.config, own).get(&url).send().await.unwrap().status();
        assert_eq!(status(None).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(Some(files("device"))).await, StatusCode::UNAUTHORIZED);
        assert_eq!(
            status(Some(files("server"))).await,
            StatusCode::UNAUTHORIZED,
            "its own is none of another"
        );
        assert_eq!(status(Some(files("second"))).await, StatusCode::OK);
        // Who is closed asks no longer.
        let closed = Config { node: None, ..other.config.clone() };
        assert!(others(&closed, &other.foundation.catalogue).unwrap().is_none());
        nodes::announce(&one.foundation.catalogue, other.store, None).await.unwrap();
        assert_eq!(status(Some(files("second"))).await, StatusCode::UNAUTHORIZED);
        one.stop().await;
        other.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_that_is_away_closed_or_shows_another_certificate_is_told_from_damage() {
        let folder = tempfile::tempdir().unwrap();
        let Some(([first, second], _databases)) = two_configurations(folder.path()).await else { return };
        let one = Running::start(first).await;
        let other = Running::start(second).await;
        let study = Study::new(341, Kind::Sr);
        let instance = study.instance(0);
        one.store(&instance).await;
        let place = one.place(&study).await;
        let catalogue = other.foundation.catalogue.clone();
        // Each with a memory of its own.
        let why = async || {
            let nodes = others(&other.config, &catalogue).unwrap().unwrap();
            nodes.read(&place, 0..8, 0).await.unwrap_err()
        };
        let door = |address: &str, certificate| NodeDoor {
            address: address.to_owned(),
            certificate_sha256: certificate,
        };
        nodes::announce(&catalogue, one.store, Some(&door(&one.address, [9; 32]))).await.unwrap();
        assert!(matches!(why().await, NodeError::Refused { cause, .. } if cause.contains("certificate")));
        nodes::announce(&catalogue, one.store, Some(&door("https://127.0.0.1:1", [9; 32]))).await.unwrap();
        assert!(matches!(why().await, NodeError::Silent { .. }));
        nodes::announce(&catalogue, one.store, None).await.unwrap();
        assert_eq!(why().await, NodeError::NoAddress { store: one.store });
        let error = other.read_back(&study, &instance).await.unwrap_err();
        assert!(matches!(error, OpenError::Unavailable(_)), "{error}");
        one.stop().await;
        other.stop().await;
    }
}

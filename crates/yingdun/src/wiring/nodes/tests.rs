//! Two nodes as `serve` builds them, with their doors, on one PostgreSQL. Only the lock on the catalogue is not taken, which lets
//! one serve at a time.

use super::super::complete::Completeness;
use super::super::foundation::{Foundation, database};
use super::super::health::Health;
use super::super::ledger::begin_log;
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
use yingdun_catalog::DatabaseKind;
use yingdun_catalog::catalogue::instances;
use yingdun_catalog::identity::clients::{self, Client as Program};
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_dimse::archive_door::ArchiveDoor;
use yingdun_keys::KeyStore;
use yingdun_model::{ActorId, InstitutionId, Secret, SystemClock};
use yingdun_storage::{LogEvents, RealDisk};
use yingdun_testkit::PostgresDatabase;
use yingdun_web::OtherLogs;

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
        setup_link: false,
        dry_run: false,
    });
    let mut first = Config::load(&plan.unwrap().install().await.unwrap().config).unwrap();
    let pki = folder.join(PKI_FOLDER);
    let ca_file = pki.join("ca.pem");
    first.node = Some(Node { address: "https://127.0.0.1:1".into(), ca_file, copies: Vec::new() });
    let mut second = first.clone();
    for replica in &mut second.storage.replicas {
        replica.directory.set_extension("second");
    }
    second.audit.directory.set_extension("second");
    second.audit.origin.push_str("/second");
    let Root::Open(key) = root(&second).await.unwrap() else { panic!("it opens by itself") };
    let rows = database("key", &second.keys.database, DatabaseKind::Keys).await.unwrap();
    let keys = KeyStore::open_secrets(rows, key, Arc::new(SystemClock)).await.unwrap();
    begin_log(&second, &keys).await.unwrap();
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
        let other = others(&config, &foundation.catalogue).unwrap();
        let nodes = other.clone().map(|other| other as Arc<dyn OtherNodes>);
        let parts = ArchiveParts { nodes, ..archive_parts(&config, &foundation, store.clone()) };
        let (archive, _) = Archive::open(parts).await.unwrap();
        let stop = CancellationToken::new();
        let health = Health::watch(
            foundation.clone(),
            store.clone(),
            None,
            (None, None, Completeness::default()),
            stop.clone(),
        );
        let calling = dicom::client(&config).unwrap();
        let service = ArchiveDoor::new(foundation.access.clone(), archive.clone());
        let calls = Arc::new(Calls::new(calling, service));
        let hooks = observe::hooks(&config, &foundation, &archive, health, None, calls, stop.clone());
        let mut hooks = hooks.unwrap();
        hooks.logs = other.map(|other| other as Arc<dyn OtherLogs>);
        let door = open_web_door(
            &config,
            &foundation,
            &archive,
            hooks,
            yingdun_gateway::Gateway::new(config.gateway.clone()).unwrap(),
        )
        .await
        .unwrap();
        // The port is known only now.
        let address = door.origin().to_owned();
        config.node.as_mut().unwrap().address = address.clone();
        announce(&config, &foundation.catalogue, &foundation.keys, &store).await.unwrap();
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
        let study = self.archive.study_reference(&self.foundation.institution, &study.study).await.unwrap();
        let rows = instances::of_study(&self.foundation.catalogue, &self.foundation.institution, study).await;
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
        demands: String::new(),
    };
    let by = ActorId::new("founder").unwrap();
    // The second node finds it there.
    let _ = foundation.identity.execute(vec![clients::insert(&program, foundation.clock.now(), &by)]).await;
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
    let url = format!("{}/api/v1/nodes/records/{}?from=0&to=8", one.address, hex::encode(place.to_bytes()));
    let status = async |own| client(&one.config, own).get(&url).send().await.unwrap().status();
    assert_eq!(status(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some(files("device"))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some(files("server"))).await, StatusCode::UNAUTHORIZED, "its own is none of another");
    assert_eq!(status(Some(files("second"))).await, StatusCode::OK);
    // Who is closed asks no longer.
    let closed = Config { node: None, ..other.config.clone() };
    assert!(others(&closed, &other.foundation.catalogue).unwrap().is_none());
    nodes::announce(&one.foundation.catalogue, other.store, &NodeNotice::default()).await.unwrap();
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
    let door = |address: &str, certificate| NodeNotice {
        door: Some(NodeDoor { address: address.to_owned(), certificate_sha256: certificate }),
        ..NodeNotice::default()
    };
    nodes::announce(&catalogue, one.store, &door(&one.address, [9; 32])).await.unwrap();
    assert!(matches!(why().await, NodeError::Refused { cause, .. } if cause.contains("certificate")));
    nodes::announce(&catalogue, one.store, &door("https://127.0.0.1:1", [9; 32])).await.unwrap();
    assert!(matches!(why().await, NodeError::Silent { .. }));
    nodes::announce(&catalogue, one.store, &NodeNotice::default()).await.unwrap();
    assert_eq!(why().await, NodeError::NoAddress { store: one.store });
    let error = other.read_back(&study, &instance).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error}");
    one.stop().await;
    other.stop().await;
}

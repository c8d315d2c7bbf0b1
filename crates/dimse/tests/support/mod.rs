//! A real server on loopback that keeps objects as files in a folder, a small PKI, and small DICOM files.
// Each test binary has a copy of this module and uses its own part.
#![allow(dead_code, unreachable_pub)]

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yingdun_dimse::association::Timeouts;
use yingdun_dimse::commitment::Transaction;
use yingdun_dimse::scp::{
    Failure, FailureKind, Incoming, Limits, Object, Peer, PendingReport, Refusal, Scp, Service, Settings,
    Transport,
};
use yingdun_dimse::scu::Destination;
use yingdun_dimse::tls::{self, Identity, Trust};
use yingdun_model::{AeTitle, Uid};

pub const CALLED: &str = "YINGDUN";
pub const CALLING: &str = "CT01";
pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";

/// An object of this instance is refused half way with A700.
pub const NO_ROOM_INSTANCE: &str = "2.25.700";
/// An object of this instance is refused at its end with A900.
pub const MISMATCH_INSTANCE: &str = "2.25.900";

pub fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

pub fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

// === the server ===

/// Lets [`CALLING`] in (over TLS only with the registered certificate) and keeps objects in a folder.
#[derive(Clone)]
pub struct FolderService {
    folder: PathBuf,
    registered: Option<[u8; 32]>,
    pub peers: Arc<Mutex<Vec<Peer>>>,
    pub objects: Arc<Mutex<Vec<Object>>>,
}

pub struct FolderObject {
    file: tokio::fs::File,
    unfinished: PathBuf,
    object: Object,
    objects: Arc<Mutex<Vec<Object>>>,
    written: u64,
}

impl Service for FolderService {
    type Session = ();
    type Incoming = FolderObject;

    async fn admit(&self, peer: &Peer) -> Result<(), Refusal> {
        self.peers.lock().unwrap().push(peer.clone());
        if peer.called.as_str() != CALLED {
            return Err(Refusal::CalledAeUnknown);
        }
        if peer.calling.as_str() != CALLING {
            return Err(Refusal::CallingAeUnknown);
        }
        if peer.certificate_sha256 != self.registered {
            return Err(Refusal::NotTrusted);
        }
        Ok(())
    }

    async fn echo(&self, (): &()) -> Result<(), Failure> {
        Ok(())
    }

    async fn receive(&self, (): &(), object: Object) -> Result<FolderObject, Failure> {
        let unfinished = self.folder.join(format!("{}.part", object.sop_instance));
        let file = tokio::fs::File::create(&unfinished).await.map_err(no_room)?;
        Ok(FolderObject { file, unfinished, object, objects: self.objects.clone(), written: 0 })
    }

    async fn commit(&self, (): &(), _: &Peer, _: Transaction) -> Result<PendingReport, Failure> {
        Err(Failure::new(FailureKind::NotAuthorised, "this server keeps no promises"))
    }
}

impl Incoming for FolderObject {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.written += bytes.len() as u64;
        if self.object.sop_instance.as_str() == NO_ROOM_INSTANCE && self.written > 1000 {
            return Err(Failure::new(FailureKind::OutOfResources, "no room is left"));
        }
        self.file.write_all(&bytes).await.map_err(no_room)
    }

    async fn finish(mut self) -> Result<(), Failure> {
        if self.object.sop_instance.as_str() == MISMATCH_INSTANCE {
            return Err(Failure::new(FailureKind::Mismatch, "SOP class differs from the data set"));
        }
        self.file.flush().await.map_err(no_room)?;
        self.file.sync_all().await.map_err(no_room)?;
        tokio::fs::rename(&self.unfinished, self.unfinished.with_extension("dataset"))
            .await
            .map_err(no_room)?;
        self.objects.lock().unwrap().push(self.object.clone());
        Ok(())
    }
}

impl Drop for FolderObject {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.unfinished);
    }
}

fn no_room(error: std::io::Error) -> Failure {
    Failure::new(FailureKind::OutOfResources, error.to_string())
}

/// A server that runs until it is stopped.
pub struct Server {
    pub address: SocketAddr,
    pub service: FolderService,
    pub folder: TempDir,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

/// Short waits, so that tests of slow peers are quick.
pub fn hasty() -> Settings {
    Settings {
        limits: Limits { associations: 64, associations_per_address: 64, connections: 64 },
        timeouts: Timeouts {
            handshake: Duration::from_secs(2),
            artim: Duration::from_millis(700),
            idle: Duration::from_millis(1500),
            unit: Duration::from_millis(700),
            response: Duration::from_secs(10),
            close: Duration::from_millis(200),
        },
        drain: Duration::from_secs(1),
    }
}

/// Waits as in production.
pub fn patient() -> Settings {
    Settings::default()
}

impl Server {
    pub async fn plain(settings: Settings) -> Self {
        Self::start(Transport::Plain, None, settings).await
    }

    /// Mutual TLS; the certificate `device` of the PKI is the one registered for [`CALLING`].
    pub async fn tls(pki: &Pki, settings: Settings) -> Self {
        let identity = Identity::from_pem(&pki.read("server.pem"), &pki.read("server.key")).unwrap();
        let clients = Trust::from_pem(&pki.read("ca.pem")).unwrap();
        let config = tls::server_config(identity, &clients).unwrap();
        Self::start(Transport::Tls(config), Some(pki.device_fingerprint), settings).await
    }

    async fn start(transport: Transport, registered: Option<[u8; 32]>, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = FolderService {
            folder: folder.path().to_owned(),
            registered,
            peers: Arc::default(),
            objects: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let scp = Scp::new(service.clone(), settings);
        let stopped = stop.clone();
        let task = tokio::spawn(async move { scp.serve(listener, transport, stopped).await });
        Self { address, service, folder, stop, task }
    }

    pub fn destination(&self) -> Destination {
        format!("{CALLED}@127.0.0.1:{}", self.address.port()).parse().unwrap()
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// The data set that was kept for an instance.
    pub fn kept(&self, sop_instance: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join(format!("{sop_instance}.dataset"))).ok()
    }

    /// Nothing of an unfinished object is left.
    pub fn is_clean(&self) -> bool {
        let mut files = std::fs::read_dir(self.folder.path()).unwrap();
        files.all(|file| file.unwrap().path().extension().is_some_and(|extension| extension == "dataset"))
    }

    pub async fn finish(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

// === the PKI ===

/// An authority with a server, a device, one that has expired and one of another host; a second one with a stranger; as PEM
/// files.
pub struct Pki {
    folder: TempDir,
    pub device_fingerprint: [u8; 32],
}

impl Pki {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device_fingerprint =
            authority(folder.path(), "ca", &["server", "device", "other-device", "expired", "elsewhere"]);
        authority(folder.path(), "foreign-ca", &["stranger"]);
        Self { folder, device_fingerprint }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Client settings with one of the certificates, trusting one of the authorities.
    pub fn client(&self, name: Option<&str>, authority: &str) -> Arc<rustls::ClientConfig> {
        let identity = name.map(|name| {
            Identity::from_pem(&self.read(&format!("{name}.pem")), &self.read(&format!("{name}.key")))
                .unwrap()
        });
        let servers = Trust::from_pem(&self.read(&format!("{authority}.pem"))).unwrap();
        tls::client_config(identity, &servers).unwrap()
    }
}

/// Makes an authority and certificates below it. Returns the fingerprint of the one called `device`.
fn authority(folder: &Path, name: &str, below: &[&str]) -> [u8; 32] {
    let write = |file: String, text: String| std::fs::write(folder.join(file), text).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap();
    write(format!("{name}.pem"), certificate.pem());
    let issuer = Issuer::from_params(&params, &key);
    let mut fingerprint = [0; 32];
    for leaf in below {
        let key = KeyPair::generate().unwrap();
        let names = match *leaf {
            "elsewhere" => ["elsewhere.example", "192.0.2.1"],
            _ => ["localhost", "127.0.0.1"],
        };
        let mut params = CertificateParams::new(names.map(str::to_owned).to_vec()).unwrap();
        params.distinguished_name.push(DnType::CommonName, *leaf);
        if *leaf == "expired" {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &issuer).unwrap();
        write(format!("{leaf}.pem"), certificate.pem());
        write(format!("{leaf}.key"), key.serialize_pem());
        if *leaf == "device" {
            fingerprint = tls::fingerprint(certificate.der());
        }
    }
    fingerprint
}

// === DICOM objects ===

/// A secondary capture image as a data set in Explicit VR Little Endian, with pixels that tell their place.
pub fn data_set(sop_instance: &str, pixel_bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut element = |group: u16, number: u16, vr: &[u8; 2], value: &[u8], padding: u8| {
        out.extend_from_slice(&group.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(vr);
        let padded = value.len() + value.len() % 2;
        if matches!(vr, b"OW" | b"OB") {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&(padded as u32).to_le_bytes());
        } else {
            out.extend_from_slice(&(padded as u16).to_le_bytes());
        }
        out.extend_from_slice(value);
        out.resize(out.len() + padded - value.len(), padding);
    };
    element(0x0008, 0x0016, b"UI", SECONDARY_CAPTURE.as_bytes(), 0);
    element(0x0008, 0x0018, b"UI", sop_instance.as_bytes(), 0);
    element(0x0008, 0x0060, b"CS", b"OT", b' ');
    element(0x0010, 0x0010, b"PN", b"Wang^XiaoMing", b' ');
    element(0x0010, 0x0020, b"LO", b"P0001", b' ');
    element(0x0020, 0x000D, b"UI", b"2.25.1", 0);
    element(0x0020, 0x000E, b"UI", b"2.25.2", 0);
    element(0x0028, 0x0010, b"US", &1_u16.to_le_bytes(), 0);
    element(0x0028, 0x0011, b"US", &((pixel_bytes / 2) as u16).to_le_bytes(), 0);
    let pixels: Vec<u8> = (0..pixel_bytes).map(|n| (n / 7) as u8).collect();
    element(0x7FE0, 0x0010, b"OW", &pixels, 0);
    out
}

/// The same as a DICOM file.
pub fn part10_file(sop_instance: &str, data_set: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    let mut element = |number: u16, text: &str| {
        let padded = text.len() + text.len() % 2;
        meta.extend_from_slice(&2_u16.to_le_bytes());
        meta.extend_from_slice(&number.to_le_bytes());
        meta.extend_from_slice(b"UI");
        meta.extend_from_slice(&(padded as u16).to_le_bytes());
        meta.extend_from_slice(text.as_bytes());
        meta.resize(meta.len() + padded - text.len(), 0);
    };
    element(0x0002, SECONDARY_CAPTURE);
    element(0x0003, sop_instance);
    element(0x0010, EXPLICIT_LE);
    element(0x0012, "2.25.3");
    let version = [2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1];
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    out.extend_from_slice(&[2, 0, 0, 0, b'U', b'L', 4, 0]);
    out.extend_from_slice(&((version.len() + meta.len()) as u32).to_le_bytes());
    out.extend_from_slice(&version);
    out.extend_from_slice(&meta);
    out.extend_from_slice(data_set);
    out
}

pub fn object(sop_instance: &str) -> Object {
    Object {
        sop_class: uid(SECONDARY_CAPTURE),
        sop_instance: uid(sop_instance),
        transfer_syntax: uid(EXPLICIT_LE),
    }
}

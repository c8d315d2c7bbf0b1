//! The real door before real rooms: access, audit, keys, storage and archive in a temporary folder, HTTPS on
//! loopback with a certificate of its own, and people and programs who sign in as anybody else would.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops right there"
)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of the harness")]

use futures_util::future::BoxFuture;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yingdun_access::{
    Access, AccessConfig, DeviceRecord, Masking, NewClient, Officers, OneTimeLink, Scope, Session,
};
use yingdun_archive::{Archive, ArchiveLimits, ArchiveParts};
use yingdun_audit::{Log, LogConfig, NodeName};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::SealingKey;
use yingdun_crypto::one_time_code;
use yingdun_crypto::sign::SigningKey;
use yingdun_dicom::masking::{MaskRules, Treatment};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_keys::{EpochFile, KeyStore, RootFile, SecretName};
use yingdun_model::{ActorId, Clock, InstitutionId, ManualClock, Role, Secret, SystemClock, Timestamp};
use yingdun_storage::{LogEvents, RealDisk, ReplicaConfig, Store, StoreConfig};
use yingdun_web::{
    CallFault, Custody, Device, DeviceAnswer, Door, DoorConfig, Holding, Hooks, Network, Protection,
    Question, Readiness, Rooms, Sent, Sought, TlsFiles, Told, Transport, Way, WorklistQuestion,
    server_config,
};

/// A role that is shown no name and no identifier here.
pub const MASKED_ROLE: Role = Role::Specialist;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// The token of the metrics collector.
pub const METRICS_TOKEN: &str = "metrics-token-for-tests";

/// The one origin whose scripts may read answers.
pub const VIEWER: &str = "https://viewer.example";

/// A running door.
pub struct Running {
    pub origin: String,
    pub access: Access,
    pub archive: Archive,
    pub audit: Log,
    pub clock: Arc<ManualClock>,
    /// Believes the certificate of this door, follows no redirects, speaks HTTP/2.
    pub client: Client,
    certificate: reqwest::Certificate,
    system: Session,
    officers: [String; 3],
    identity: Database,
    catalogue: Database,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Running {
    /// Starts everything, founds the institution and enrols the three officers.
    pub async fn start() -> Self {
        let _provider = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let institution = InstitutionId::new("h1").unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let at = |name: &str| folder.path().join(name);
        let passphrase = Secret::new("a passphrase for tests only".to_owned());
        let root = RootFile::create(&at("root.key"), &passphrase).unwrap();
        let database = |kind: DatabaseKind, name: &str| Database::open_sqlite(at(name), kind);
        let keys = database(DatabaseKind::Keys, "keys.db").await.unwrap();
        let keys = KeyStore::open(keys, root, EpochFile::at(at("epoch.key")), clock.clone()).await.unwrap();
        let log_key = keys.secret(&institution, SecretName::LogSigning).await.unwrap();
        let detail_key = keys.secret(&institution, SecretName::AuditDetail).await.unwrap();
        let config = LogConfig {
            clock: clock.clone(),
            ..LogConfig::new(
                at("audit"),
                "h1.example/audit",
                NodeName::new("n1").unwrap(),
                SigningKey::from(&log_key),
            )
        };
        let audit = Log::open(config).unwrap();
        let identity = database(DatabaseKind::Identity, "identity.db").await.unwrap();
        let catalogue = database(DatabaseKind::Catalogue, "catalogue.db").await.unwrap();
        let rules = MaskRules::new(Treatment::Initials, Treatment::Pseudonym, Treatment::Remove).unwrap();
        let access = Access::open(
            AccessConfig {
                masking: Masking::default().with(MASKED_ROLE, rules).unwrap(),
                ..AccessConfig::new(institution.clone(), detail_key, SealingKey::generate())
            },
            identity.clone(),
            catalogue.clone(),
            audit.clone(),
            clock.clone(),
        )
        .unwrap();
        let replicas = ["a", "b", "c"].map(|label| ReplicaConfig {
            directory: at(label),
            label: label.into(),
            failure_domain: label.into(),
        });
        let store = Store::open(StoreConfig::new(replicas.to_vec()), Arc::new(RealDisk), Arc::new(LogEvents));
        let parts = ArchiveParts {
            catalogue: catalogue.clone(),
            keys,
            store: store.await.unwrap(),
            audit: audit.clone(),
            access: access.clone(),
            nodes: None,
            clock: clock.clone(),
            limits: ArchiveLimits::default(),
        };
        let (archive, _recovered) = Archive::open(parts).await.unwrap();

        let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let tls = server_config(&TlsFiles {
            certificate_chain: issued.cert.pem().as_bytes(),
            private_key: issued.signing_key.serialize_pem().as_bytes(),
            client_roots: None,
            self_signed_clients: false,
        })
        .unwrap();
        let config = DoorConfig {
            address: "127.0.0.1:0".parse().unwrap(),
            transport: Transport::Tls(tls),
            origin: None,
            institution,
            cors_origins: vec![VIEWER.to_owned()],
            metrics_token: Some(Secret::new(METRICS_TOKEN.into())),
            gateway: yingdun_gateway::Gateway::new(unhurried()).unwrap(),
        };
        let hooks = Hooks {
            metrics: Arc::new(|| "yingdun_test 1\n".into()),
            ready: Arc::new(|| Readiness::Ready),
            status: Arc::new(|| Box::pin(async { serde_json::json!({"replicas": 3}) })),
            health: Arc::new(|| Box::pin(async { serde_json::json!({"status": "ready"}) })),
            completeness: Arc::new(|| serde_json::json!({"heartbeat": {"age_s": 1}, "reconciled": null})),
            configuration: Arc::new(|| Box::pin(async { serde_json::json!({"doors": []}) })),
            protection: Arc::new(Protection {
                replicas: vec!["replica-a".into(), "replica-b".into(), "replica-c".into()],
                write_quorum: 2,
                offsite: 0,
                custody: Custody::Shares { root_file: "root.key".into() },
                audit_log: "audit".into(),
                is_witnessed: false,
            }),
            network: Arc::new(MockNetwork),
            dicom: Vec::new(),
            logs: None,
            seal: Some(Arc::new(|| {})),
            vault_part: Arc::new(|_| Ok(Box::pin(futures_util::stream::empty()))),
        };
        let rooms = Rooms { access: access.clone(), archive: archive.clone(), audit: audit.clone(), hooks };
        let door = Door::open(config, rooms).await.unwrap();
        let origin = door.origin().to_owned();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(door.serve(async {
            let _ = stopped.await;
        }));
        let certificate = reqwest::Certificate::from_der(issued.cert.der()).unwrap();
        let client = believing(&certificate).build().unwrap();

        let system = access.system_session();
        let name = |name: &str| ActorId::new(name).unwrap();
        let officers = Officers { system: name("sys"), security: name("sec"), audit: name("aud") };
        let links = access.found(&system, &officers).await.unwrap();
        let mut running = Self {
            origin,
            access,
            archive,
            audit,
            clock,
            client,
            certificate,
            system,
            officers: Default::default(),
            identity,
            catalogue,
            stop: Some(stop),
            serving: Some(serving),
            _folder: folder,
        };
        for (place, (link, role)) in links.iter().zip(Role::OFFICERS).enumerate() {
            running.officers[place] = running.enrol_and_sign_in(link, role).await;
        }
        running
    }

    /// Takes new tokens of the three officers, in the order of their roles, after the old ones expired.
    pub fn with_fresh_officers(mut self, tokens: &[String]) -> Self {
        self.officers.clone_from_slice(tokens);
        self
    }

    /// A client that speaks HTTP/1.1 only.
    pub fn client_http1(&self) -> Client {
        believing(&self.certificate).http1_only().build().unwrap()
    }

    /// The bearer token of the officer with this role.
    pub fn officer(&self, role: Role) -> &str {
        let place = Role::OFFICERS.iter().position(|officer| *officer == role).unwrap();
        &self.officers[place]
    }

    /// Creates a person with a role by the API, enrols and signs in; gives the bearer token.
    pub async fn person(&self, name: &str, role: Role) -> String {
        let sys = self.officer(Role::SystemAdministrator).to_owned();
        let body = serde_json::json!({"name": name});
        let created = self.post("/api/v1/people", &sys).json(&body).send().await.unwrap();
        assert_eq!(created.status(), 201);
        let created: Value = created.json().await.unwrap();
        let sec = self.officer(Role::SecurityAdministrator).to_owned();
        let given = self.request(Method::PUT, &format!("/api/v1/people/{name}/roles/{role}"), &sec);
        assert_eq!(given.send().await.unwrap().status(), 204);
        let token = created["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        self.access.accept_invitation(&token, Secret::new(PASSWORD.into()), LOCAL).await.unwrap();
        self.sign_in(name, role).await
    }

    async fn enrol_and_sign_in(&self, link: &OneTimeLink, role: Role) -> String {
        let token = link.token.expose();
        self.access.accept_invitation(token, Secret::new(PASSWORD.into()), LOCAL).await.unwrap();
        self.sign_in(link.actor.as_str(), role).await
    }

    /// The bearer token of a person of another institution that shares the databases.
    pub async fn stranger(&self, role: Role) -> String {
        let institution = InstitutionId::new("h2").unwrap();
        let access = Access::open(
            AccessConfig::new(institution.clone(), SealingKey::generate(), SealingKey::generate()),
            self.identity.clone(),
            self.catalogue.clone(),
            self.audit.clone(),
            self.clock.clone(),
        )
        .unwrap();
        let name = |name: &str| ActorId::new(name).unwrap();
        let sign_in = async |actor: &ActorId, link: &OneTimeLink, role: Role| {
            let password = || Secret::new(PASSWORD.to_owned());
            access.accept_invitation(link.token.expose(), password(), LOCAL).await.unwrap();
            let (institution, actor) = (institution.clone(), actor.clone());
            let login = yingdun_access::Login {
                institution,
                actor,
                password: password(),
                role: Some(role),
                peer: LOCAL,
                program: None,
            };
            access.login(login).await
        };
        let officers = Officers { system: name("sys2"), security: name("sec2"), audit: name("aud2") };
        let links = access.found(&access.system_session(), &officers).await.unwrap();
        let sys = sign_in(&officers.system, &links[0], Role::SystemAdministrator).await.unwrap().session;
        let sec = sign_in(&officers.security, &links[1], Role::SecurityAdministrator).await.unwrap().session;
        let link = access.create_person(&sys, &name("stranger")).await.unwrap();
        access.give_role(&sec, &name("stranger"), role).await.unwrap();
        sign_in(&name("stranger"), &link, role).await.unwrap().token.expose().clone()
    }

    /// Signs a person in and gives the bearer token.
    pub async fn sign_in(&self, name: &str, role: Role) -> String {
        let login = yingdun_access::Login {
            institution: InstitutionId::new("h1").unwrap(),
            actor: ActorId::new(name).unwrap(),
            password: Secret::new(PASSWORD.into()),
            role: Some(role),
            peer: LOCAL,
            program: None,
        };
        self.access.login(login).await.unwrap().token.expose().clone()
    }

    /// Gives the person of a token a second factor.
    pub async fn set_second_factor_up(&self, token: &str) {
        let session = self.access.bearer_in_part(token, LOCAL).await.unwrap();
        let made = self.access.begin_second_factor(&session, Secret::new(PASSWORD.into())).await.unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = made.secret.expose().chars().flat_map(|c| {
            let value = alphabet.find(c).unwrap();
            (0..5).rev().map(move |bit| (value >> bit) & 1)
        });
        let bits: Vec<usize> = bits.collect();
        let bytes: Vec<u8> =
            bits.chunks(8).map(|byte| byte.iter().fold(0, |whole, bit| whole << 1 | *bit as u8)).collect();
        let secret = Secret::new(bytes.try_into().unwrap());
        let code = one_time_code::code(&secret, one_time_code::step_at(self.clock.now()));
        let code = Secret::new(std::str::from_utf8(&code).unwrap().to_owned());
        self.access.confirm_second_factor(&session, &code).await.unwrap();
    }

    /// A one-time login link for a person.
    pub async fn login_link(&self, name: &str, role: Role) -> String {
        let actor = ActorId::new(name).unwrap();
        let link = self.access.create_login_link(&self.system, &actor, role).await.unwrap();
        link.token.expose().clone()
    }

    /// Registers a confidential client with scopes; gives its secret.
    pub async fn service(&self, client_id: &str, scopes: &[Scope], redirect_uris: &[&str]) -> String {
        let sys = self.session(self.officer(Role::SystemAdministrator)).await;
        let sec = self.session(self.officer(Role::SecurityAdministrator)).await;
        let client_id = ActorId::new(client_id).unwrap();
        let new = NewClient {
            client_id: client_id.clone(),
            confidential: true,
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
        };
        let secret = self.access.create_client(&sys, &new).await.unwrap().0.unwrap();
        let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
        self.access.grant_scopes(&sec, &client_id, &scopes).await.unwrap();
        secret.expose().clone()
    }

    /// The token of a client by its secret, from the token endpoint.
    pub async fn service_token(&self, client_id: &str, secret: &str) -> String {
        let form = [("grant_type", "client_credentials")];
        let answer = self
            .client
            .post(format!("{}/oauth2/token", self.origin))
            .basic_auth(client_id, Some(secret))
            .form(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The session of a token.
    pub async fn session(&self, token: &str) -> Session {
        self.access.bearer(token, LOCAL).await.unwrap()
    }

    pub fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.request(Method::GET, path, token)
    }

    pub fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.request(Method::POST, path, token)
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(token)
    }

    /// Stores files by STOW-RS and gives the answer.
    pub async fn stow(&self, token: &str, files: &[Vec<u8>]) -> Response {
        self.post("/dicom-web/studies", token)
            .header("content-type", "multipart/related; type=\"application/dicom\"; boundary=\"a b\"")
            .body(multipart(files, "a b"))
            .send()
            .await
            .unwrap()
    }

    /// Stops the door and waits until it has drained.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }

    /// The present moment of the manual clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }
}

/// Reaches every device: who may have it called is what the door decides.
struct MockNetwork;

impl Network for MockNetwork {
    fn echo(&self, device: DeviceRecord) -> BoxFuture<'_, Value> {
        let peer = device.destination.map(|endpoint| endpoint.to_string());
        Box::pin(async move { serde_json::json!({"peer": peer, "fault": null}) })
    }

    fn find(&self, _: Device, _: Question) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>> {
        Box::pin(async { Ok(DeviceAnswer::default()) })
    }

    fn worklist(&self, _: Device, _: WorklistQuestion) -> BoxFuture<'_, Result<DeviceAnswer, CallFault>> {
        Box::pin(async { Ok(DeviceAnswer::default()) })
    }

    fn retrieve(
        &self,
        _: Device,
        _: Vec<Sought>,
        _: Way,
        _: CancellationToken,
        _: Box<dyn Fn(Told) + Send + Sync>,
    ) -> BoxFuture<'static, Result<(), CallFault>> {
        Box::pin(async { Ok(()) })
    }

    /// A device called `DEAF` takes nothing until it is cancelled.
    fn send(
        &self,
        device: Device,
        studies: Vec<Holding>,
        stop: CancellationToken,
        ended: Box<dyn Fn(Sent) + Send + Sync>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if device.title.as_str() == "DEAF" {
                return stop.cancelled().await;
            }
            studies.iter().flat_map(|holding| &holding.entries).for_each(|_| {
                ended(Sent::Stored { with_warning: false });
            });
        })
    }
}

/// Calls from this machine.
pub const LOCAL: yingdun_access::Peer = yingdun_access::Peer::LOCAL;

fn believing(certificate: &reqwest::Certificate) -> reqwest::ClientBuilder {
    Client::builder()
        .tls_certs_only([certificate.clone()])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
}

/// A small CT study, made from a seed.
pub fn ct(seed: u64, slices: u32) -> Study {
    Study::new(seed, Kind::CtMatrix { slices, matrix: 64 })
}

/// The files of a study.
pub fn files(study: &Study) -> Vec<Vec<u8>> {
    study.instances().map(|instance| instance.to_file()).collect()
}

/// A multipart body of DICOM files.
pub fn multipart(files: &[Vec<u8>], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// The parts of a multipart answer.
pub async fn parts(answer: Response) -> Vec<Vec<u8>> {
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(content_type.starts_with("multipart/related; type="), "{content_type}");
    let boundary = content_type.rsplit("boundary=").next().unwrap().to_owned();
    let length = answer.content_length();
    let body = answer.bytes().await.unwrap();
    assert_eq!(length, Some(body.len() as u64), "the length of the whole is announced");
    let source = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut reader = yingdun_web::multipart::Reader::new(source, &boundary, 10_000).unwrap();
    let mut parts = Vec::new();
    while reader.next_part().await.unwrap().is_some() {
        let mut part = Vec::new();
        while let Some(chunk) = reader.chunk().await.unwrap() {
            part.extend_from_slice(&chunk);
        }
        parts.push(part);
    }
    parts
}

/// A gateway that lets one address ask as fast as a test does.
fn unhurried() -> yingdun_gateway::Settings {
    let mut settings = yingdun_gateway::Settings::default();
    settings.address.strangers = Some(yingdun_gateway::Rate::new(1_000_000, 1_000_000));
    settings
}

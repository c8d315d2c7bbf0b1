//! Access, audit log and key store of an archive without images, and a program that may store and view.

use crate::catalogue::Engine;
use crate::failure::{Outcome, While};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::path::Path;
use std::sync::Arc;
use yingdun_access::{Access, AccessConfig, Peer, Resource, Session, StudyFacts};
use yingdun_audit::{Log, LogConfig, NodeName};
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::sign::SigningKey;
use yingdun_crypto::{SealingKey, digest};
use yingdun_keys::{EpochFile, KeyStore, RootKey, SecretName};
use yingdun_model::{
    Action, ActorId, Clock, Grade, InstitutionId, PatientRef, Secret, StudyRef, SystemClock,
};
use yingdun_testkit::PostgresServer;

/// Keys that are made at once: as many associations as a busy archive has.
const AT_ONCE: usize = 128;

/// Studies of a patient, on average of a large hospital.
const STUDIES_PER_PATIENT: u32 = 4;

/// An open archive without images.
pub(super) struct House {
    pub(super) institution: InstitutionId,
    pub(super) keys: KeyStore,
    access: Access,
    log: Log,
    program: Session,
    _server: Option<PostgresServer>,
}

impl House {
    pub(super) async fn open(engine: Engine, folder: &Path) -> Outcome<Self> {
        let institution = InstitutionId::new("bench").or_fail("naming the institution")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sqlite = async |name: &str, kind| {
            Database::open_sqlite(folder.join(name), kind).await.or_fail("opening SQLite")
        };
        let identity = sqlite("identity.db", DatabaseKind::Identity).await?;
        let catalogue = sqlite("catalogue.db", DatabaseKind::Catalogue).await?;
        let (rows, server) = match engine {
            Engine::Sqlite => (sqlite("keys.db", DatabaseKind::Keys).await?, None),
            Engine::Postgres => {
                let cluster = folder.join("postgres");
                std::fs::create_dir_all(&cluster).or_fail("making a folder")?;
                let server =
                    yingdun_testkit::postgres_server(&cluster).or_fail("PostgreSQL is not installed")?;
                let rows = Database::open_postgres(server.address(), DatabaseKind::Keys).await;
                (rows.or_fail("opening PostgreSQL")?, Some(server))
            }
        };
        let root = RootKey::from(SealingKey::generate());
        let keys = KeyStore::open(rows, root, EpochFile::at(folder.join("epoch")), Arc::clone(&clock)).await;
        let keys = keys.or_fail("opening the keys")?;
        let signing = keys.secret(&institution, SecretName::LogSigning).await.or_fail("making a secret")?;
        let node = NodeName::new("bench").or_fail("naming the node")?;
        let config = LogConfig::new(folder.join("audit"), "bench/audit", node, SigningKey::from(&signing));
        let log = Log::open(config).or_fail("opening the audit log")?;
        let config = AccessConfig::new(institution.clone(), SealingKey::generate(), SealingKey::generate());
        let access = Access::open(config, identity.clone(), catalogue, log.clone(), Arc::clone(&clock))
            .or_fail("loading the policies")?;
        let program = sign_in(&access, &identity, &institution, clock.as_ref()).await?;
        Ok(Self { institution, keys, access, log, program, _server: server })
    }

    /// Makes the keys of so many studies, each by its own permit, which is a leaf of its own.
    pub(super) async fn make(&self, studies: u32) -> Outcome<()> {
        stream::iter(0..studies)
            .map(|number| self.store(number))
            .buffer_unordered(AT_ONCE)
            .try_for_each(|()| std::future::ready(Ok(())))
            .await
    }

    /// Makes the key of a study as its first image does.
    pub(super) async fn store(&self, number: u32) -> Outcome<()> {
        let permit = self.access.authorise(&self.program, Action::Store, self.study(number)).await;
        let permit = permit.or_fail("asking for a permit")?;
        self.keys.study_key_for_store(&permit, Some(patient(number))).await.map(drop).or_fail("making a key")
    }

    /// Opens the key of a study as a viewer does.
    pub(super) async fn read(&self, number: u32) -> Outcome<()> {
        let permit = self.access.authorise(&self.program, Action::View, self.study(number)).await;
        let permit = permit.or_fail("asking for a permit")?;
        self.keys.unwrap(&permit).await.map(drop).or_fail("opening a key")
    }

    pub(super) async fn close(self) -> Outcome<()> {
        self.log.shutdown().await.or_fail("closing the audit log")
    }

    fn study(&self, number: u32) -> Resource {
        Resource::Study(StudyFacts {
            institution: self.institution.clone(),
            study: StudyRef::from_bytes(spread(b's', number)),
            patient: patient(number),
            grade: Grade::L4,
            received: SystemClock.now(),
        })
    }
}

/// Whose study it is.
fn patient(study: u32) -> PatientRef {
    PatientRef::from_bytes(spread(b'p', study / STUDIES_PER_PATIENT))
}

/// References are keyed hashes: spread over the whole range.
fn spread(kind: u8, number: u32) -> [u8; 16] {
    let spread = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (spread ^ u128::from(kind)).to_be_bytes()
}

async fn sign_in(
    access: &Access,
    identity: &Database,
    institution: &InstitutionId,
    clock: &dyn Clock,
) -> Outcome<Session> {
    let name = |name| ActorId::new(name).or_fail("naming an account");
    let secret = "s".repeat(43);
    let client = Client {
        client_id: name("gateway")?,
        institution: institution.clone(),
        secret_hash: Some(digest::sha256(secret.as_bytes())),
        redirect_uris: String::new(),
        scopes: "store view".into(),
        disabled: false,
        demands: String::new(),
    };
    let insert = clients::insert(&client, clock.now(), &name("founder")?);
    identity.execute(vec![insert]).await.or_fail("making an account")?;
    let signed_in = access.client_credentials(&client.client_id, &Secret::new(secret), Peer::LOCAL).await;
    Ok(signed_in.or_fail("signing in")?.session)
}

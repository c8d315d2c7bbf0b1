//! A founded installation to act in: three officers, and helpers that go the real ways.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use yingdun_access::{
    Access, AccessConfig, AlertRow, ConsentRules, IdleRules, LdapSetup, Login, Officers, OidcSetup,
    OneTimeLink, Peer, Resource, Session, SignInError, SignInRules, SignedIn, StudyFacts, TokenIssuer, Watch,
};
use yingdun_audit::{Disk, Filter, Leaf, Log, LogConfig, NodeName, Order};
use yingdun_catalog::identity::alerts;
use yingdun_catalog::{Database, DatabaseKind};
use yingdun_crypto::SealingKey;
use yingdun_crypto::sign::SigningKey;
use yingdun_model::{
    ActorId, ActorKind, Clock, Grade, InstitutionId, ManualClock, PatientRef, Role, Secret, Stop, StudyRef,
    Timestamp,
};

/// 2026-11-18T10:26:40 in China: far from midnight.
pub(crate) const START: Timestamp = Timestamp::from_ms(1_794_968_800_000);
pub(crate) const REMOTE: Peer =
    Peer { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), tls: true };
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct House {
    pub(crate) access: Access,
    pub(crate) log: Log,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) disk: Arc<MockFailingDisk>,
    pub(crate) detail_key: SealingKey,
    identity_key: SealingKey,
    pub(crate) identity: Database,
    pub(crate) catalogue: Database,
    pub(crate) system_officer: Session,
    pub(crate) security_officer: Session,
    pub(crate) audit_officer: Session,
    _folder: tempfile::TempDir,
}

/// A disk whose synchronisation fails on demand.
#[derive(Debug, Default)]
pub(crate) struct MockFailingDisk(pub(crate) AtomicBool);

impl Disk for MockFailingDisk {
    fn sync_data(&self, file: &File) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(io::Error::other("mock fault")) } else { file.sync_data() }
    }
}

impl House {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, kind| Database::open_sqlite(folder.path().join(name), kind);
        let identity = open("identity.sqlite", DatabaseKind::Identity).await.unwrap();
        let catalogue = open("catalogue.sqlite", DatabaseKind::Catalogue).await.unwrap();
        Self::found(folder, identity, catalogue).await
    }

    pub(crate) async fn on_postgres() -> Option<Self> {
        let fresh = tokio::task::spawn_blocking(yingdun_testkit::postgres_database).await.unwrap()?;
        let identity = Database::open_postgres(fresh.address(), DatabaseKind::Identity).await.unwrap();
        let catalogue = Database::open_postgres(fresh.address(), DatabaseKind::Catalogue).await.unwrap();
        Some(Self::found(tempfile::tempdir().unwrap(), identity, catalogue).await)
    }

    async fn found(folder: tempfile::TempDir, identity: Database, catalogue: Database) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let disk = Arc::new(MockFailingDisk::default());
        let node = NodeName::new("test").unwrap();
        let config =
            LogConfig::new(folder.path().join("audit"), "test.example/log", node, SigningKey::generate());
        let config = LogConfig { clock: clock.clone(), disk: disk.clone(), ..config };
        let log = Log::open(config).unwrap();
        let detail_key = SealingKey::generate();
        let identity_key = SealingKey::generate();
        let config = AccessConfig {
            rules: unhurried(),
            ..AccessConfig::new(home(), detail_key.duplicate(), identity_key.duplicate())
        };
        let access =
            Access::open(config, identity.clone(), catalogue.clone(), log.clone(), clock.clone()).unwrap();
        let system = access.system_session();
        let officers = Officers { system: actor("sys"), security: actor("sec"), audit: actor("aud") };
        access.found(&system, &officers).await.unwrap();
        let sign_in = async |name: &str, role| {
            let link = access.create_login_link(&system, &actor(name), role).await.unwrap();
            access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap().session
        };
        let system_officer = sign_in("sys", Role::SystemAdministrator).await;
        let security_officer = sign_in("sec", Role::SecurityAdministrator).await;
        let audit_officer = sign_in("aud", Role::AuditAdministrator).await;
        Self {
            access,
            log,
            clock,
            disk,
            detail_key,
            identity_key,
            identity,
            catalogue,
            system_officer,
            security_officer,
            audit_officer,
            _folder: folder,
        }
    }

    /// The same house as another node with other rules sees it.
    pub(crate) fn node(&self, rules: SignInRules) -> Access {
        self.node_with_provider(rules, None)
    }

    /// The same, where people may sign in with a provider.
    pub(crate) fn node_with_provider(&self, rules: SignInRules, oidc: Option<OidcSetup>) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config = AccessConfig { rules, oidc, ..AccessConfig::new(home(), detail_key, identity_key) };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// The same, where tokens of other issuers are taken.
    pub(crate) fn node_with_issuers(&self, token_issuers: Vec<TokenIssuer>) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config = AccessConfig { token_issuers, ..AccessConfig::new(home(), detail_key, identity_key) };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// Another institution of the same databases and the same log.
    pub(crate) fn of_institution(&self, institution: InstitutionId) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config = AccessConfig::new(institution, detail_key, identity_key);
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// Another node, by a clock of its own.
    pub(crate) fn node_by(&self, clock: Arc<ManualClock>) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config =
            AccessConfig { rules: unhurried(), ..AccessConfig::new(home(), detail_key, identity_key) };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), clock).unwrap()
    }

    /// The same house as a node sees it that lets patients see what came so long ago.
    pub(crate) fn releasing(&self, after: Duration) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config = AccessConfig {
            rules: unhurried(),
            patient_release: Some(after),
            ..AccessConfig::new(home(), detail_key, identity_key)
        };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// The same house as a node sees it that asks for consents.
    pub(crate) fn asking(&self, consents: ConsentRules) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config = AccessConfig {
            rules: unhurried(),
            consents,
            ..AccessConfig::new(home(), detail_key, identity_key)
        };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// The same, where people of a directory sign in.
    pub(crate) fn node_with_directory(&self, ldap: LdapSetup) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let ldap = Some(ldap);
        let config =
            AccessConfig { rules: unhurried(), ldap, ..AccessConfig::new(home(), detail_key, identity_key) };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// The same house as another node sees it, with somebody who counts.
    pub(crate) fn watched(&self, watch: Arc<dyn Watch>) -> Access {
        let (detail_key, identity_key) = (self.detail_key.duplicate(), self.identity_key.duplicate());
        let config =
            AccessConfig { rules: unhurried(), watch, ..AccessConfig::new(home(), detail_key, identity_key) };
        let (identity, catalogue) = (self.identity.clone(), self.catalogue.clone());
        Access::open(config, identity, catalogue, self.log.clone(), self.clock.clone()).unwrap()
    }

    /// An alert about somebody, as another node would have written it.
    pub(crate) async fn own_alert(&self, name: &str, role: Role, number: u64) {
        let alert = AlertRow {
            number,
            kind: "monitor-limit".to_owned(),
            actor: actor(name),
            actor_kind: ActorKind::Person,
            role,
            step: "suspend-session".to_owned(),
            patient: None,
            study: None,
            measure: None,
            counted: 0,
            at_most: 0,
            within_minutes: 0,
            at: self.now(),
            explained: None,
            stops: Some(Stop::Session),
            stops_until: Some(self.now().after(Duration::from_secs(600))),
            lifted: None,
            acknowledged: None,
            verdict: None,
        };
        self.identity.execute(vec![alerts::insert(&home(), &alert)]).await.unwrap();
    }

    /// A person with one role, without a password.
    pub(crate) async fn person(&self, name: &str, role: Role) -> OneTimeLink {
        let invitation = self.access.create_person(&self.system_officer, &actor(name)).await.unwrap();
        self.access.give_role(&self.security_officer, &actor(name), role).await.unwrap();
        invitation
    }

    /// A person with one role, signed in without a password.
    pub(crate) async fn signed_in(&self, name: &str, role: Role) -> SignedIn {
        self.person(name, role).await;
        let link =
            self.access.create_login_link(&self.access.system_session(), &actor(name), role).await.unwrap();
        self.access.redeem_login_link(link.token.expose(), REMOTE).await.unwrap()
    }

    /// A person with one role and [`PASSWORD`].
    pub(crate) async fn person_with_password(&self, name: &str, role: Role) {
        let invitation = self.person(name, role).await;
        let accepted =
            self.access.accept_invitation(invitation.token.expose(), secret(PASSWORD), REMOTE).await.unwrap();
        assert_eq!(accepted, actor(name));
    }

    pub(crate) async fn login(
        &self,
        name: &str,
        password: &str,
        role: Option<Role>,
    ) -> Result<SignedIn, SignInError> {
        self.login_from(REMOTE, name, password, role).await
    }

    pub(crate) async fn login_from(
        &self,
        peer: Peer,
        name: &str,
        password: &str,
        role: Option<Role>,
    ) -> Result<SignedIn, SignInError> {
        let login = login_of(name, password, role, peer);
        self.access.login(login).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A study that arrived just now.
    pub(crate) fn study(&self, number: u8, grade: Grade) -> Resource {
        Resource::Study(StudyFacts {
            institution: home(),
            study: StudyRef::from_bytes([number; 16]),
            patient: patient(number),
            grade,
            received: self.now(),
        })
    }

    /// Makes a person treat a patient for a while, from now.
    pub(crate) async fn treats(&self, name: &str, number: u8, duration: Duration) {
        let (from, until) = (self.now(), self.now().after(duration));
        self.access
            .give_care(&self.security_officer, &actor(name), patient(number), from, until)
            .await
            .unwrap();
    }

    /// Every leaf, oldest first.
    pub(crate) fn leaves(&self) -> Vec<Leaf> {
        let filter = Filter { order: Order::OldestFirst, ..Filter::default() };
        self.log.reader().search(filter).map(|found| found.unwrap().leaf).collect()
    }

    /// The last leaf, as `kind outcome reason`.
    pub(crate) fn last_leaf(&self) -> String {
        let [leaf] = self.last_leaves();
        leaf
    }

    /// The last few leaves, in their order.
    pub(crate) fn last_leaves<const N: usize>(&self) -> [String; N] {
        let leaves = self.leaves();
        let last = leaves.iter().skip(leaves.len() - N);
        let told: Vec<_> =
            last.map(|leaf| format!("{} {} {}", leaf.kind, leaf.outcome, leaf.reason)).collect();
        told.try_into().unwrap()
    }
}

/// Rules under which a session may rest as long as it lives: for tests in which hours go by.
pub(crate) fn unhurried() -> SignInRules {
    let rules = SignInRules::default();
    SignInRules { idle: IdleRules { usual: Duration::from_secs(100 * 3600), ..rules.idle.clone() }, ..rules }
}

pub(crate) fn login_of(name: &str, password: &str, role: Option<Role>, peer: Peer) -> Login {
    let program = Some("a browser".to_owned());
    Login { institution: home(), actor: actor(name), password: secret(password), role, peer, program }
}

pub(crate) fn home() -> InstitutionId {
    InstitutionId::new("renmin").unwrap()
}

pub(crate) fn actor(name: &str) -> ActorId {
    ActorId::new(name).unwrap()
}

pub(crate) fn patient(number: u8) -> PatientRef {
    PatientRef::from_bytes([number; 16])
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

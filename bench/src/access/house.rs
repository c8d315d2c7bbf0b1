//! Databases with many people, care relations and grants, and the sessions that ask.

use super::Size;
use crate::failure::{Failure, Outcome, While};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{Access, AccessConfig, Officers, Peer, PolicySource, Resource, Session, StudyFacts};
use yingdun_audit::{Log, LogConfig, NodeName};
use yingdun_catalog::catalogue::care::{self, CareRelation};
use yingdun_catalog::identity::clients::{self, Client};
use yingdun_catalog::identity::grants::{self, Granted, TimedGrant};
use yingdun_catalog::identity::people;
use yingdun_catalog::{Database, DatabaseKind, Statement};
use yingdun_crypto::sign::SigningKey;
use yingdun_crypto::{SealingKey, digest};
use yingdun_model::{
    Action, ActorId, Clock, Grade, GrantKind, InstitutionId, PatientRef, PurposeOfUse, Role, Secret,
    StudyRef, SystemClock, Timestamp,
};

/// Clinicians; each treats as many patients as there are relations for each of them, and holds as many grants.
const CLINICIANS: u32 = 200;
/// Those of them who are signed in and ask.
const ASKING: u32 = 10;
/// Rows of one transaction while the databases are filled.
const ROWS_AT_ONCE: u32 = 5000;
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/access/policies");

pub(super) struct House {
    pub(super) policies: usize,
    pub(super) program: Session,
    pub(super) system: Session,
    pub(super) clinicians: Vec<Session>,
    institution: InstitutionId,
    patients_of_each: u32,
    access: Access,
    log: Log,
    _folder: tempfile::TempDir,
}

impl House {
    pub(super) async fn open(work: &Path, size: Size) -> Outcome<Self> {
        let folder = tempfile::tempdir_in(work).or_fail("making a folder")?;
        let at = |name: &str| folder.path().join(name);
        let institution = InstitutionId::new("bench").or_fail("naming the institution")?;
        let policies = write_policies(&at("policies"), size.policies)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let open =
            async |name: &str, kind| Database::open_sqlite(at(name), kind).await.or_fail("opening SQLite");
        let identity = open("identity.db", DatabaseKind::Identity).await?;
        let catalogue = open("catalogue.db", DatabaseKind::Catalogue).await?;
        let node = NodeName::new("bench").or_fail("naming the node")?;
        let config = LogConfig::new(at("audit"), "bench/audit", node, SigningKey::generate());
        let log = Log::open(config).or_fail("opening the audit log")?;
        let mut config =
            AccessConfig::new(institution.clone(), SealingKey::generate(), SealingKey::generate());
        config.policies = PolicySource::Directory(at("policies"));
        let access = Access::open(config, identity.clone(), catalogue.clone(), log.clone(), clock)
            .or_fail("loading the policies")?;
        let system = access.system_session();
        let officers = Officers { system: actor("sys")?, security: actor("sec")?, audit: actor("aud")? };
        access.found(&system, &officers).await.or_fail("founding")?;

        let filling = Filling { institution: &institution, now: SystemClock.now(), by: actor("sec")? };
        filling.people(&identity).await?;
        filling.relations(&catalogue, size.relations).await?;
        filling.grants(&identity, size.grants).await?;
        let program = filling.program(&identity, &access).await?;
        let mut clinicians = Vec::new();
        for number in 0..ASKING {
            let link = access.create_login_link(&system, &clinician(number)?, Role::Clinician).await;
            let link = link.or_fail("making a link")?;
            let signed_in = access.redeem_login_link(link.token.expose(), Peer::LOCAL).await;
            clinicians.push(signed_in.or_fail("signing in")?.session);
        }
        let patients_of_each = size.relations / CLINICIANS;
        Ok(Self {
            policies,
            program,
            system,
            clinicians,
            institution,
            patients_of_each,
            access,
            log,
            _folder: folder,
        })
    }

    /// About which study the clinician of a turn asks: every second time that of a patient in care, else of a stranger.
    pub(super) fn study(&self, turn: u32) -> Resource {
        let number = turn % ASKING;
        let one_of_theirs = spread(turn) % self.patients_of_each;
        let treated_by = if (turn / ASKING).is_multiple_of(2) { number } else { number + ASKING };
        let patient = patient(treated_by, one_of_theirs);
        Resource::Study(StudyFacts {
            institution: self.institution.clone(),
            study: StudyRef::from_bytes(patient),
            patient: PatientRef::from_bytes(patient),
            grade: Grade::L4,
            received: Timestamp::from_ms(1_600_000_000_000),
        })
    }

    pub(super) async fn decide(&self, session: &Session, action: Action, on: &Resource) -> Outcome<bool> {
        Ok(self.access.decide(session, action, on).await.or_fail("deciding")?.permitted)
    }

    /// A clinician sees half of what is asked for here, program and archive all of it.
    pub(super) fn expect(&self, case: usize, permitted: u32, asked: u32) -> Outcome<()> {
        let expected = if case == 0 { asked / 2 } else { asked };
        if permitted.abs_diff(expected) > ASKING {
            return Err(Failure::new(format!("{permitted} of {asked} were permitted, {expected} expected")));
        }
        Ok(())
    }

    pub(super) async fn close(self) -> Outcome<()> {
        self.log.shutdown().await.or_fail("closing the audit log")
    }
}

/// What the rows are made with.
struct Filling<'a> {
    institution: &'a InstitutionId,
    now: Timestamp,
    by: ActorId,
}

impl Filling<'_> {
    async fn people(&self, identity: &Database) -> Outcome<()> {
        let mut rows = Vec::new();
        for number in 0..CLINICIANS {
            let actor = clinician(number)?;
            rows.push(people::insert(self.institution, &actor, self.now, &self.by));
            rows.extend(people::give_role(self.institution, &actor, Role::Clinician, self.now, &self.by));
        }
        identity.execute(rows).await.map(drop).or_fail("making people")
    }

    async fn relations(&self, catalogue: &Database, count: u32) -> Outcome<()> {
        self.fill(catalogue, count, |number| {
            let (treats, one) = (number % CLINICIANS, number / CLINICIANS);
            Ok(care::give(&CareRelation {
                institution: self.institution.clone(),
                actor: clinician(treats)?,
                patient: PatientRef::from_bytes(patient(treats, one)),
                valid_from: self.now,
                valid_until: self.now.after(Duration::from_secs(86_400)),
                given_by: self.by.clone(),
            }))
        })
        .await
    }

    /// Grants on studies that nobody here asks about: they cost a look, and open nothing.
    async fn grants(&self, identity: &Database, count: u32) -> Outcome<()> {
        self.fill(identity, count, |number| {
            let grant = TimedGrant {
                number: u64::from(number) + 1,
                kind: GrantKind::Given,
                actor: clinician(number % CLINICIANS)?,
                on: Granted::Study(StudyRef::from_bytes(patient(CLINICIANS, number))),
                export: false,
                purpose: PurposeOfUse::Treatment,
                reason: "consult".to_owned(),
                words: Vec::new(),
                given_by: self.by.clone(),
                given: self.now,
                valid_from: self.now,
                valid_until: self.now.after(Duration::from_secs(86_400)),
                ended: None,
                ended_by: None,
                review_due: None,
                review: None,
            };
            Ok(grants::insert(self.institution, &grant))
        })
        .await
    }

    async fn fill(
        &self,
        database: &Database,
        count: u32,
        row: impl Fn(u32) -> Outcome<Statement>,
    ) -> Outcome<()> {
        for first in (0..count).step_by(ROWS_AT_ONCE as usize) {
            let rows: Outcome<Vec<_>> = (first..count.min(first + ROWS_AT_ONCE)).map(&row).collect();
            database.execute(rows?).await.or_fail("filling a database")?;
        }
        Ok(())
    }

    async fn program(&self, identity: &Database, access: &Access) -> Outcome<Session> {
        let secret = "s".repeat(43);
        let client = Client {
            client_id: actor("viewer")?,
            institution: self.institution.clone(),
            secret_hash: Some(digest::sha256(secret.as_bytes())),
            redirect_uris: String::new(),
            scopes: "view".into(),
            disabled: false,
            demands: String::new(),
        };
        let insert = clients::insert(&client, self.now, &self.by);
        identity.execute(vec![insert]).await.or_fail("making an account")?;
        let signed_in = access.client_credentials(&client.client_id, &Secret::new(secret), Peer::LOCAL).await;
        Ok(signed_in.or_fail("signing in")?.session)
    }
}

/// The built-in policies and as many more as are missing: the rule of care relations again and again, which has to be
/// looked at each time.
fn write_policies(folder: &Path, wanted: usize) -> Outcome<usize> {
    std::fs::create_dir_all(folder).or_fail("making a folder")?;
    let mut count = 0;
    for entry in std::fs::read_dir(BUILT_IN).or_fail(BUILT_IN)? {
        let path = entry.or_fail(BUILT_IN)?.path();
        let name = path.file_name().unwrap_or_default();
        let text = std::fs::read_to_string(&path).or_fail(path.display())?;
        if path.extension().is_some_and(|extension| extension == "cedar") {
            count += text.matches("@id(").count();
        }
        std::fs::write(folder.join(name), text).or_fail("copying policies")?;
    }
    let mut more = String::new();
    for number in count..wanted {
        more += &format!(
            "@id(\"more-{number}\") @reason(\"in-care\")\npermit (principal is Person, action in [Action::\"list\", Action::\"view\"], resource)\n\
             when {{ principal.role == Role::\"clinician\" && resource has care && resource.care.valid_from <= context.now && \
             context.now < resource.care.valid_until }};\n"
        );
    }
    std::fs::write(folder.join("more.cedar"), more).or_fail("writing policies")?;
    Ok(count.max(wanted))
}

fn actor(name: &str) -> Outcome<ActorId> {
    ActorId::new(name).or_fail("naming an account")
}

fn clinician(number: u32) -> Outcome<ActorId> {
    actor(&format!("clinician-{number}"))
}

/// References are keyed hashes: spread over the whole range.
fn patient(clinician: u32, number: u32) -> [u8; 16] {
    let joined = u128::from(clinician) << 32 | u128::from(number);
    (joined + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

fn spread(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

//! The face of this room: facts are gathered, the engine decides, the log keeps it, a permit comes out.

use crate::acting::Acting;
use crate::alerts::{Right, Seen};
use crate::care;
use crate::consents::{ConsentFacts, ConsentRules};
use crate::decision::{
    CareInterval, Circumstances, Decision, Engine, PolicyError, PolicySource, Principal, Resource, Scope,
    Target, Ties, parse_scopes,
};
use crate::departments::{AskedDepartments, DepartmentFacts, asks_departments};
use crate::device::{self, DeviceFault};
use crate::directory::LdapSetup;
use crate::dissents::{DissentFacts, asks_dissents};
use crate::external::TokenIssuer;
use crate::flood::FloodGuard;
use crate::grants::{HeldGrants, RunningTimes};
use crate::ledger;
use crate::maintenance::OpenMaintenance;
use crate::masking::Masking;
use crate::oidc::OidcSetup;
use crate::password::Passwords;
use crate::permit::{Basis, Footing, Heard, Permit, opens_content};
use crate::policy::InForce;
use crate::programs::Once;
use crate::reason::{Help, Reason};
use crate::rules::SignInRules;
use crate::session::{Proof, Session};
use crate::sign_in::Stage;
use crate::tally::Tally;
use crate::waiting::Waiting;
use crate::watch::{NoWatch, Stops, Watch, Who, is_stopped, may_be_stopped};
use crate::watermarks::{Watermarks, unless_kept};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_audit::complete::{Act, Counted};
use yingdun_audit::{AuditError, Log};
use yingdun_catalog::catalogue::dissents::Against;
use yingdun_catalog::catalogue::{care as care_relations, consents, dissents};
use yingdun_catalog::identity::{alerts, sessions};
use yingdun_catalog::{CatalogError, Database, Together};
use yingdun_crypto::SealingKey;
use yingdun_model::{
    Action, ActorKind, Clock, ConsentKind, InstitutionId, PatientRef, PurposeOfUse, Role, Stop, StudyRef,
    Timestamp,
};

/// The day of an institution begins at this offset from UTC unless configured: China Standard Time.
const UTC_OFFSET_MINUTES_DEFAULT: i32 = 8 * 60;
const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_DAY: i64 = 24 * 60 * MS_PER_MINUTE;

/// How access control is set up.
#[derive(Debug)]
pub struct AccessConfig {
    /// The institution that this installation serves. Leaves about unknown peers belong to it.
    pub institution: InstitutionId,
    /// Where the policies come from.
    pub policies: PolicySource,
    /// Where the day begins that a technician may look back on, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Seals what belongs beside audit leaves: the subject of a change, the address of a refused peer.
    pub detail_key: SealingKey,
    /// Seals what is kept of accounts: secrets of second factors, where sessions were opened.
    pub identity_key: SealingKey,
    /// What is demanded of people who sign in.
    pub rules: SignInRules,
    /// A provider with which people may sign in; none unless it is configured.
    pub oidc: Option<OidcSetup>,
    /// A directory whose people sign in with their passwords of there; none unless it is configured.
    pub ldap: Option<LdapSetup>,
    /// Other issuers whose tokens are taken from registered programs; none unless they are configured.
    pub token_issuers: Vec<TokenIssuer>,
    /// What roles are not to learn of the studies that they see.
    pub masking: Masking,
    /// Whose pictures carry marks, and who is given nothing else.
    pub watermarks: Watermarks,
    /// How long after a study came its patient may see it; none where patients see nothing.
    pub patient_release: Option<Duration>,
    /// For which uses a consent is needed.
    pub consents: ConsentRules,
    /// Who counts what people open, and stops who opens too much.
    pub watch: Arc<dyn Watch>,
}

impl AccessConfig {
    /// Built-in policies and the time zone of China; a password is enough for everybody, and a session ends after a quarter of an
    /// hour of rest.
    #[must_use]
    pub fn new(institution: InstitutionId, detail_key: SealingKey, identity_key: SealingKey) -> Self {
        Self {
            institution,
            policies: PolicySource::Builtin,
            utc_offset_minutes: UTC_OFFSET_MINUTES_DEFAULT,
            detail_key,
            identity_key,
            rules: SignInRules::default(),
            oidc: None,
            ldap: None,
            token_issuers: Vec::new(),
            masking: Masking::default(),
            watermarks: Watermarks::default(),
            patient_release: None,
            consents: ConsentRules::default(),
            watch: Arc::new(NoWatch),
        }
    }
}

/// A decision that was taken in advance, and when what it permits ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Foreseen {
    /// The decision as it is now.
    pub decision: Decision,
    /// The first moment at which it permits no more: the end of the grant, the care relation or whatever it rests on. None where it rests on
    /// a role, and where nothing is permitted.
    pub until: Option<Timestamp>,
}

/// A decision, on what it rests, and by which policies it was taken.
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    pub(crate) basis: Basis,
    pub(crate) policy_set: [u8; 32],
    /// The maintenance session in which the actor is, whatever came of the decision.
    pub(crate) maintenance: Option<u64>,
    /// When a second factor was last proved in the session.
    pub(crate) proved: Option<Timestamp>,
    /// What connects the person with the patient, whatever right the decision rests on.
    pub(crate) tie: Option<Reason>,
}

/// How an actor stands at this moment.
pub(crate) struct Standing {
    pub(crate) principal: Principal,
    /// Whether a second factor was proved a short while ago.
    pub(crate) strong: bool,
    /// When that was.
    pub(crate) proved: Option<Timestamp>,
}

impl Standing {
    fn of(
        session: &Session,
        disabled: bool,
        scopes: BTreeSet<Scope>,
        strong: bool,
        proved: Option<Timestamp>,
    ) -> Self {
        let principal = Principal {
            kind: session.actor_kind(),
            actor: session.actor().clone(),
            institution: session.institution().clone(),
            role: session.role(),
            disabled,
            scopes,
        };
        Self { principal, strong, proved }
    }
}

/// Authentication, decisions and the administration of accounts and rights. Clones are the same.
#[derive(Clone)]
pub struct Access {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) institution: InstitutionId,
    pub(crate) detail_key: SealingKey,
    pub(crate) identity_key: SealingKey,
    pub(crate) rules: SignInRules,
    pub(crate) oidc: Option<OidcSetup>,
    pub(crate) ldap: Option<LdapSetup>,
    pub(crate) token_issuers: Vec<TokenIssuer>,
    /// Held by who writes down the first use of a token of another issuer, so that it is one sign-in.
    pub(crate) external_turn: tokio::sync::Mutex<()>,
    pub(crate) identity: Database,
    pub(crate) catalogue: Database,
    pub(crate) log: Log,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) passwords: Passwords,
    pub(crate) flood: Mutex<FloodGuard>,
    pub(crate) running_times: RunningTimes,
    pub(crate) maintenance_times: RunningTimes,
    pub(crate) masking: Masking,
    pub(crate) watermarks: Watermarks,
    pub(crate) patient_release: Option<Duration>,
    pub(crate) consents: ConsentRules,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) stops: Stops,
    pub(crate) tally: Tally,
    pub(crate) once: Once,
    pub(crate) waiting: Waiting,
    utc_offset_minutes: i32,
    pub(crate) policies: InForce,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("institution", &self.inner.institution).finish_non_exhaustive()
    }
}

/// Why something was not permitted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// A decision said no. It is on the ledger.
    #[error("refused: {reason}")]
    Denied {
        /// Why.
        reason: Reason,
        /// What would help.
        help: Help,
    },
    /// The decision could not be written down, so it does not count (promise I8: the local audit log blocks).
    #[error("refused because the audit log does not accept the decision")]
    AuditUnavailable(#[source] AuditError),
    /// The facts for a decision could not be read, so there is none.
    #[error("refused because the facts for a decision cannot be read")]
    FactsUnavailable(#[source] CatalogError),
}

impl Refusal {
    pub(crate) const fn denied(reason: Reason, role: Role) -> Self {
        Self::Denied { reason, help: reason.help(role) }
    }

    /// The reason of a decision; none when no decision could be made.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Denied { reason, .. } => Some(*reason),
            Self::AuditUnavailable(_) | Self::FactsUnavailable(_) => None,
        }
    }
}

impl Access {
    /// The zone of the institution, in minutes east of UTC.
    #[must_use]
    pub fn utc_offset_minutes(&self) -> i32 {
        self.inner.utc_offset_minutes
    }

    /// Loads and validates the policies and takes the databases, the log and the clock.
    ///
    /// # Errors
    /// [`PolicyError`] when the policies cannot be trusted; there is no start without policies.
    pub fn open(
        config: AccessConfig,
        identity: Database,
        catalogue: Database,
        log: Log,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PolicyError> {
        let AccessConfig {
            institution,
            policies,
            utc_offset_minutes,
            detail_key,
            identity_key,
            rules,
            oidc,
            ldap,
            token_issuers,
            masking,
            watermarks,
            patient_release,
            consents,
            watch,
        } = config;
        let engine = Engine::load(&policies)?;
        let inner = Inner {
            institution,
            detail_key,
            identity_key,
            rules,
            oidc,
            ldap,
            token_issuers,
            external_turn: tokio::sync::Mutex::new(()),
            identity,
            catalogue,
            log,
            clock,
            passwords: Passwords::new(),
            flood: Mutex::new(FloodGuard::default()),
            running_times: RunningTimes::default(),
            maintenance_times: RunningTimes::default(),
            masking,
            watermarks,
            patient_release,
            consents,
            watch,
            stops: Stops::default(),
            tally: Tally::default(),
            once: Once::default(),
            waiting: Waiting::default(),
            utc_offset_minutes,
            policies: InForce::new(engine),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What was done here since the start, for heartbeats of the audit log. `unwraps` is how many keys were unwrapped, counted right before.
    #[must_use]
    pub fn acts_counted(&self, unwraps: u64) -> Counted {
        self.inner.tally.counted(unwraps)
    }

    /// SHA-256 of the policy set in force at this moment, as it stands in every leaf.
    #[must_use]
    pub fn policy_set(&self) -> [u8; 32] {
        *self.inner.policies.now().digest()
    }

    /// The policy set in force: its digest, and its text, file by file. The digest is SHA-256 over name and text of each in the order of their names, each of
    /// both behind its length in bytes as a big-endian number of 64 bits.
    #[must_use]
    pub fn policies_in_force(&self) -> ([u8; 32], BTreeMap<String, String>) {
        let engine = self.inner.policies.now();
        (*engine.digest(), engine.files().clone())
    }

    /// Decides without a leaf and without a permit: for the rows of a list, and to tell in advance what a person
    /// may do. Opens nothing.
    ///
    /// # Errors
    /// [`Refusal::FactsUnavailable`] when a database does not answer. A negative decision is no error.
    pub async fn decide(
        &self,
        session: &Session,
        action: Action,
        resource: &Resource,
    ) -> Result<Decision, Refusal> {
        Ok(self.decide_at(session, action, resource, self.inner.clock.now()).await?.decision)
    }

    /// The same with the policies by which it was decided, for its leaf.
    pub(crate) async fn decide_by(
        &self,
        session: &Session,
        action: Action,
        resource: &Resource,
    ) -> Result<(Decision, [u8; 32]), Refusal> {
        let decided = self.decide_at(session, action, resource, self.inner.clock.now()).await?;
        Ok((decided.decision, decided.policy_set))
    }

    /// Decides one action on many resources at one moment, in their order. Reads the facts of the actor once
    /// and the care relations of all patients in one query; resources that look alike to every policy are decided
    /// once. Nothing of this outlives the call.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub async fn decide_many(
        &self,
        session: &Session,
        action: Action,
        resources: &[Resource],
    ) -> Result<Vec<Decision>, Refusal> {
        let foreseen = self.foresee_many(session, action, resources).await?;
        Ok(foreseen.into_iter().map(|one| one.decision).collect())
    }

    /// The same with the moment at which each permission ends by itself, for who is told in advance. It is as of now: what is revoked
    /// ends before.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub async fn foresee_many(
        &self,
        session: &Session,
        action: Action,
        resources: &[Resource],
    ) -> Result<Vec<Foreseen>, Refusal> {
        let now = self.inner.clock.now();
        let acting = match self.acting(session, action, resources, now).await? {
            Ok(acting) => acting,
            Err(reason) => {
                let refused = Foreseen { decision: Decision::refused(reason), until: None };
                return Ok(vec![refused; resources.len()]);
            }
        };
        let Acting { standing: Standing { principal, strong, .. }, grants, stop, maintenance } = acting;
        let patients: BTreeSet<PatientRef> =
            resources.iter().filter_map(Resource::study).map(|study| study.patient).collect();
        let held = (grants, maintenance);
        let known =
            self.known_of(session, &principal, action, (patients, studies_of(resources)), held, now).await?;
        let day_start = self.day_start(now);
        let (targets, numbers): (Vec<Target>, Vec<GrantNumbers>) =
            resources.iter().map(|resource| known.target(&principal, resource, day_start)).unzip();
        let when = self.circumstances(session, now, strong, &known);
        let mut decisions = self.inner.policies.now().decide_many(&principal, action, &targets, &when);
        for (decision, resource) in decisions.iter_mut().zip(resources) {
            *decision = unless_stopped(*decision, stop, action);
            *decision = unless_kept(*decision, action, self.showing_of(session, resource));
        }
        let decided = decisions.into_iter().zip(&targets).zip(numbers);
        let foreseen = |((decision, target), numbers): ((Decision, &Target), GrantNumbers)| {
            let until = basis_of(decision, target, numbers).until;
            let ends = decision.permitted && until < Basis::LASTING.until;
            Foreseen { decision, until: ends.then_some(until) }
        };
        Ok(decided.map(foreseen).collect())
    }

    /// Decides, writes the decision down durably, and gives a permit. A refusal is written down as well.
    ///
    /// # Errors
    /// [`Refusal`]; in particular no permit without a durable leaf.
    pub async fn authorise(
        &self,
        session: &Session,
        action: Action,
        resource: Resource,
    ) -> Result<Permit, Refusal> {
        let now = self.inner.clock.now();
        // Before the decision: what is stopped while it is taken is heard by its permit.
        let heard = Heard::now(self.inner.stops.bell());
        let Decided { mut decision, basis, policy_set, maintenance, proved, tie } =
            self.decide_at(session, action, &resource, now).await?;
        let mut seen = Seen::default();
        if decision.permitted {
            let right = Right { reason: decision.reason, tie, proved, is_copy: false };
            seen = self.watched(session, action, &resource, right, now).await?;
            decision = seen.refused.map_or(decision, Decision::refused);
        }
        let event = ledger::decided(session, action, &resource, decision, policy_set);
        let mut event = ledger::in_maintenance(event, maintenance);
        if let Some(stated) = seen.stated {
            event.counts = event.counts.with(ledger::STATED, stated);
        }
        if let Some(grant) = basis.grant.filter(|_| decision.permitted && maintenance.is_none()) {
            event.counts = event.counts.with(ledger::GRANT, grant);
        }
        if let Some(consent) = basis.consent.filter(|_| decision.permitted) {
            event.counts = event.counts.with(ledger::CONSENT, consent);
        }
        if decision.permitted && action == Action::View && self.is_masked(session.role()) {
            event.counts = event.counts.with(ledger::MASKED, 1);
        }
        let showing = self.showing_of(session, &resource);
        if decision.permitted && action == Action::View && showing.marked {
            // An event has four counts; the fourth says both.
            event.counts = event.counts.with(ledger::MARKED, 1 + u64::from(showing.rendered_only));
        }
        let opens = decision.permitted && opens_content(action);
        let begun = opens.then(|| self.inner.tally.begin());
        let receipt = self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        count(action, decision.permitted);
        if !decision.permitted {
            let refusal = Refusal::denied(decision.reason, session.role());
            return Err(seen.wait_seconds.map_or(refusal, |seconds| Refusal::Denied {
                reason: decision.reason,
                help: Help::Wait { seconds },
            }));
        }
        self.used(session, now).await.map_err(Refusal::FactsUnavailable)?;
        let footing = Footing { basis, heard };
        if let Some(begun) = begun {
            begun.done(Act::Permit);
        }
        Ok(Permit::new(receipt, session, action, resource, policy_set, now, footing))
    }

    /// Lets a permit go on: at once while it holds, by [`Self::renew`] when its time is over. Call it before each
    /// piece of an open stream.
    ///
    /// # Errors
    /// As [`Self::renew`].
    pub async fn still_valid(&self, session: &Session, permit: &Permit) -> Result<(), Refusal> {
        if session.id() == permit.session() && permit.holds_at(self.inner.clock.now()) {
            return Ok(());
        }
        self.renew(session, permit).await
    }

    /// Takes the decision of a permit again with the facts of now. No new leaf while the answer is yes and the
    /// minute of the first leaf lasts; a refusal is written down and ends the permit for good.
    ///
    /// # Errors
    /// [`Reason::LeafWindowOver`] when the minute is over: authorise anew. Otherwise the reason for which the
    /// decision is no longer the same. The permit is dead after any of them.
    pub async fn renew(&self, session: &Session, permit: &Permit) -> Result<(), Refusal> {
        let now = self.inner.clock.now();
        let refused = |reason| Refusal::denied(reason, session.role());
        if session.id() != permit.session() || session.purpose() != permit.purpose() {
            return Err(refused(Reason::ForeignPermit));
        }
        if permit.valid_until() == Timestamp::from_ms(i64::MIN)
            || now < permit.decided()
            || now >= permit.leaf_window_end()
        {
            permit.end();
            return Err(refused(Reason::LeafWindowOver));
        }
        let rung = self.inner.stops.bell().rung();
        let decided = self.decide_at(session, permit.action(), permit.resource(), now).await;
        let Decided { decision, basis, policy_set, .. } = match decided {
            Ok(decided) => decided,
            Err(unavailable) => {
                permit.end();
                return Err(unavailable);
            }
        };
        let same = basis.grant == permit.grant() && basis.consent == permit.consent();
        if decision.permitted && same && policy_set == *permit.policy_set() {
            // An answer that is still being read is no rest.
            self.used(session, now).await.map_err(Refusal::FactsUnavailable)?;
            permit.extend(now, basis, rung);
            return Ok(());
        }
        permit.end();
        if decision.permitted {
            // It rests on another grant or consent now, or on none, or on other policies: a new leaf says on which.
            return Err(refused(Reason::LeafWindowOver));
        }
        let event = ledger::decided(session, permit.action(), permit.resource(), decision, policy_set);
        self.inner.log.append_one(event).await.map_err(Refusal::AuditUnavailable)?;
        count(permit.action(), false);
        Err(refused(decision.reason))
    }

    pub(crate) async fn decide_at(
        &self,
        session: &Session,
        action: Action,
        resource: &Resource,
        now: Timestamp,
    ) -> Result<Decided, Refusal> {
        let acting = match self.acting(session, action, std::slice::from_ref(resource), now).await? {
            Ok(acting) => acting,
            Err(reason) => {
                let (decision, policy_set) = (Decision::refused(reason), self.policy_set());
                return Ok(Decided {
                    decision,
                    basis: Basis::LASTING,
                    policy_set,
                    maintenance: None,
                    proved: None,
                    tie: None,
                });
            }
        };
        let Acting { standing: Standing { principal, strong, proved }, grants, stop, maintenance } = acting;
        let patients = resource.study().map(|study| study.patient).into_iter().collect();
        let studies = studies_of(std::slice::from_ref(resource));
        let held = (grants, maintenance);
        let known = self.known_of(session, &principal, action, (patients, studies), held, now).await?;
        let (target, grants) = known.target(&principal, resource, self.day_start(now));
        let when = self.circumstances(session, now, strong, &known);
        let engine = self.inner.policies.now();
        let decision = unless_stopped(engine.decide(&principal, action, &target, &when), stop, action);
        let decision = unless_kept(decision, action, self.showing_of(session, resource));
        let basis = match known.maintenance.filter(|_| decision.reason == Reason::MaintenanceSession) {
            Some(OpenMaintenance { number, interval }) => {
                Basis { grant: Some(number), until: interval.valid_until, ..Basis::LASTING }
            }
            None => basis_of(decision, &target, grants),
        };
        let consent = resource.study().filter(|_| decision.permitted).and_then(|study| {
            let rules = self.inner.consents;
            let kind = rules.needed(session.purpose(), session.role(), action, Some(study.grade))?;
            known.consents.to(kind, study.patient, now)
        });
        let basis = match consent {
            Some((number, span)) => {
                Basis { consent: Some(number), until: basis.until.min(span.valid_until), ..basis }
            }
            None => basis,
        };
        let maintenance = known.maintenance.and_then(|session| session.number_at(now));
        let (policy_set, tie) = (*engine.digest(), tie_of(&target, now));
        Ok(Decided { decision, basis, policy_set, maintenance, proved, tie })
    }

    /// What is stopped for the actor of a session, as far as the action asks for it.
    pub(crate) async fn stop_of(
        &self,
        session: &Session,
        action: Action,
        now: Timestamp,
    ) -> Result<Option<Stop>, Refusal> {
        if !may_be_stopped(action) || session.actor_kind() == ActorKind::System {
            return Ok(None);
        }
        let pending = self.inner.stops.pending_for(&Who::of(session), now);
        let (institution, actor, kind) = (session.institution(), session.actor(), session.actor_kind());
        let written = alerts::stops(institution, actor, kind, now).alone(&self.inner.identity).await;
        Ok(pending.max(written.map_err(Refusal::FactsUnavailable)?))
    }

    /// What connects the acting person with some patients and their studies, as far as the action asks for it: what the catalogue says, beside what
    /// the account holds.
    async fn known_of(
        &self,
        session: &Session,
        principal: &Principal,
        action: Action,
        (patients, studies): (BTreeSet<PatientRef>, BTreeSet<StudyRef>),
        (grants, maintenance): (HeldGrants, Option<OpenMaintenance>),
        now: Timestamp,
    ) -> Result<Known, Refusal> {
        let Principal { institution, actor, .. } = principal;
        let (purpose, release) = (session.purpose(), self.inner.patient_release);
        let is_person = principal.kind == ActorKind::Person;
        let mut asked = Together::default();
        let consents = (self.inner.consents.asks(principal, purpose, action, &patients))
            .then(|| asked.ask(consents::of_patients(institution, patients.clone(), now)));
        let dissents = asks_dissents(action, &patients)
            .then(|| asked.ask(dissents::of_patients(institution, patients.clone(), now)));
        let departments = asks_departments(principal, action, &studies)
            .then(|| AskedDepartments::ask(&mut asked, institution, actor, studies, now));
        // Machines have no care relations.
        let care = (is_person && !patients.is_empty())
            .then(|| asked.ask(care_relations::of_actor(institution, actor, patients)));
        let answers = asked.answers(&self.inner.catalogue).await.map_err(Refusal::FactsUnavailable)?;

        let care = answers.read_asked(care).map_err(Refusal::FactsUnavailable)?;
        let departments = departments.map(|asked| asked.read(&answers)).transpose();
        let departments = departments.map_err(Refusal::FactsUnavailable)?.unwrap_or_default();
        let dissents = answers.read_asked(dissents).map_err(Refusal::FactsUnavailable)?;
        let consents = answers.read_asked(consents).map_err(Refusal::FactsUnavailable)?;
        let names_departments = dissents.iter().any(|one| matches!(one.against, Against::Department(_)))
            || consents.iter().any(|one| one.to.project().is_some());
        let held = match is_person && names_departments {
            true => self.held_departments(principal, &departments, now).await?,
            false => Vec::new(),
        };
        let dissents = DissentFacts::new(dissents, &held, now);
        let consents = ConsentFacts { consents, departments: held };
        let care = care::intervals(care, now);
        Ok(Known {
            care,
            grants,
            departments,
            dissents,
            consents,
            maintenance,
            action,
            purpose,
            release,
            now,
        })
    }

    /// The acting account as it stands now, or why the session has no standing any more.
    pub(crate) async fn standing(
        &self,
        session: &Session,
        now: Timestamp,
    ) -> Result<Result<Standing, Reason>, Refusal> {
        if session.expires() <= now {
            return Ok(Err(Reason::SessionEnded));
        }
        let standing =
            |disabled, scopes, strong, proved| Standing::of(session, disabled, scopes, strong, proved);
        match session.proof() {
            Proof::System => Ok(Ok(standing(false, BTreeSet::new(), false, None))),
            Proof::Device { facts, .. } => {
                let records = device::records(&self.inner.identity, &facts.calling).await;
                let records = records.map_err(Refusal::FactsUnavailable)?;
                Ok(match device::check(&records, facts) {
                    Ok(record) if record.institution == *session.institution() => {
                        Ok(standing(false, record.scopes.clone(), false, None))
                    }
                    Err(DeviceFault::Disabled) => Ok(standing(true, BTreeSet::new(), false, None)),
                    Ok(_) | Err(_) => Err(Reason::SessionEnded),
                })
            }
            Proof::Token(token_hash) => {
                let found = sessions::standing(&self.inner.identity, token_hash).await;
                Ok(self.standing_by_row(session, found.map_err(Refusal::FactsUnavailable)?, now))
            }
        }
    }

    /// The same of a session with a token, by the row that was found for it.
    pub(crate) fn standing_by_row(
        &self,
        session: &Session,
        found: Option<sessions::Standing>,
        now: Timestamp,
    ) -> Result<Standing, Reason> {
        let found = found.ok_or(Reason::SessionEnded)?;
        let row = &found.session;
        let rested = self.has_rested(row, session.peer().address, now);
        if row.revoked.is_some() || row.expires <= now || rested {
            return Err(Reason::SessionEnded);
        }
        if self.inner.rules.stage_of(row) != Stage::Whole {
            return Err(Reason::SignInNotFinished);
        }
        if !found.role_held && !found.disabled {
            return Err(Reason::RoleWithdrawn);
        }
        let strong = self.inner.rules.is_strong(row.proved, now);
        Ok(Standing::of(session, found.disabled, parse_scopes(&found.scopes), strong, row.proved))
    }

    fn circumstances(&self, session: &Session, now: Timestamp, strong: bool, known: &Known) -> Circumstances {
        let peer = session.peer();
        Circumstances {
            now,
            purpose: session.purpose(),
            tls: peer.tls,
            address: peer.address.to_canonical(),
            strong,
            step_up: self.inner.rules.step_up,
            departments: known.departments.exist,
            masked: self.is_masked(session.role()),
            consents: self.inner.consents,
            maintenance: known.maintenance.map(|session| session.interval),
        }
    }

    pub(crate) fn day_start(&self, now: Timestamp) -> Timestamp {
        day_start(now, self.inner.utc_offset_minutes)
    }
}

/// Facts about one person and some patients, for one action at one moment.
struct Known {
    care: HashMap<PatientRef, CareInterval>,
    grants: HeldGrants,
    departments: DepartmentFacts,
    dissents: DissentFacts,
    consents: ConsentFacts,
    maintenance: Option<OpenMaintenance>,
    action: Action,
    purpose: PurposeOfUse,
    release: Option<Duration>,
    now: Timestamp,
}

/// The numbers of the grants that stand behind the ties of a target.
#[derive(Clone, Copy, Default)]
struct GrantNumbers {
    grant: Option<u64>,
    break_glass: Option<u64>,
    consultation: Option<u64>,
    own: Option<u64>,
}

impl Known {
    /// A resource with what connects the person with it. A relation or grant of one institution says nothing about a study
    /// of another, where the same pseudonym would be another patient.
    fn target(
        &self,
        principal: &Principal,
        resource: &Resource,
        day_start: Timestamp,
    ) -> (Target, GrantNumbers) {
        let own = resource.study().filter(|study| study.institution == principal.institution);
        let Some(study) = own else {
            return (Target::new(resource, day_start, Ties::default()), GrantNumbers::default());
        };
        let grant = self.grants.granted(study, self.action, self.purpose, self.now);
        let broken = self.grants.broken(study, self.now);
        let consultation = self.grants.consultation(study, self.now);
        let of_oneself = self.grants.own_record(study, self.release, self.now);
        let ties = Ties {
            care: self.care.get(&study.patient).copied(),
            grant: grant.map(|(_, interval)| interval),
            break_glass: broken.map(|(_, interval)| interval),
            department: self.departments.department(study.study, self.now),
            acquired: self.departments.acquired(study.study, self.now),
            consultation: consultation.map(|(_, interval)| interval),
            own: of_oneself.map(|(_, interval)| interval),
            dissent: self.dissents.against(principal, study.patient, self.now),
            against_research: self.dissents.against_research(study.patient, self.now),
            against_sharing: self.dissents.against_sharing(study.patient, self.now),
            consented_research: self.consents.interval(ConsentKind::Research, study.patient, self.now),
            consented_sharing: self.consents.interval(ConsentKind::Sharing, study.patient, self.now),
        };
        let numbers = GrantNumbers {
            grant: grant.map(|(number, _)| number),
            break_glass: broken.map(|(number, _)| number),
            consultation: consultation.map(|(number, _)| number),
            own: of_oneself.map(|(number, _)| number),
        };
        (Target::new(resource, day_start, ties), numbers)
    }
}

/// The decision, unless what it permits is stopped.
fn unless_stopped(decision: Decision, stop: Option<Stop>, action: Action) -> Decision {
    if decision.permitted && is_stopped(stop, action, decision.reason) {
        return Decision::refused(Reason::MonitorLimit);
    }
    decision
}

/// What connects a person with the patient of a study at a moment. A role may permit more than that, and explains nothing.
fn tie_of(target: &Target, now: Timestamp) -> Option<Reason> {
    let Target::Study { ties, .. } = target else { return None };
    let holds = |from: Timestamp, until: Timestamp| from <= now && now < until;
    let of = |interval: Option<CareInterval>, reason| {
        interval.filter(|interval| holds(interval.valid_from, interval.valid_until)).map(|_| reason)
    };
    let granted = ties.grant.filter(|grant| holds(grant.valid_from, grant.valid_until));
    of(ties.care, Reason::InCare)
        .or(granted.map(|_| Reason::TimedGrant))
        .or(of(ties.consultation, Reason::Consultation))
        .or(of(ties.acquired, Reason::AcquiredToday))
        .or(of(ties.department, Reason::InDepartment))
}

/// What a permission rests on: the fact that its reason names, and when that ends.
fn basis_of(decision: Decision, target: &Target, numbers: GrantNumbers) -> Basis {
    let Target::Study { ties, .. } = target else { return Basis::LASTING };
    let until = |end: Option<Timestamp>| end.unwrap_or(Basis::LASTING.until);
    if decision.reason.is_broken_glass() {
        let ends = ties.break_glass.map(|broken| broken.valid_until);
        Basis { grant: numbers.break_glass, until: until(ends), broken_glass: true, ..Basis::LASTING }
    } else if decision.reason == Reason::TimedGrant {
        let ends = ties.grant.map(|grant| grant.valid_until);
        Basis { grant: numbers.grant, until: until(ends), ..Basis::LASTING }
    } else if decision.reason == Reason::Consultation {
        let ends = ties.consultation.map(|task| task.valid_until);
        Basis { grant: numbers.consultation, until: until(ends), ..Basis::LASTING }
    } else if decision.reason == Reason::OwnRecord {
        let ends = ties.own.map(|own| own.valid_until);
        Basis { grant: numbers.own, until: until(ends), ..Basis::LASTING }
    } else if decision.reason == Reason::InDepartment {
        let ends = ties.department.map(|own| own.valid_until);
        Basis { until: until(ends), ..Basis::LASTING }
    } else if decision.reason == Reason::AcquiredToday {
        // Where there are departments it rests on one; elsewhere there is no such tie.
        let ends = ties.acquired.map(|own| own.valid_until);
        Basis { until: until(ends), ..Basis::LASTING }
    } else if decision.reason == Reason::InCare {
        let ends = ties.care.map(|care| care.valid_until);
        Basis { until: until(ends), ..Basis::LASTING }
    } else {
        Basis::LASTING
    }
}

fn studies_of(resources: &[Resource]) -> BTreeSet<StudyRef> {
    resources.iter().filter_map(Resource::study).map(|study| study.study).collect()
}

/// The first millisecond of the day, in the time zone of the institution.
pub(crate) fn day_start(now: Timestamp, utc_offset_minutes: i32) -> Timestamp {
    let offset = i64::from(utc_offset_minutes).saturating_mul(MS_PER_MINUTE);
    let local = now.as_ms().saturating_add(offset);
    Timestamp::from_ms(local.div_euclid(MS_PER_DAY).saturating_mul(MS_PER_DAY).saturating_sub(offset))
}

fn count(action: Action, permitted: bool) {
    let outcome = if permitted { "permitted" } else { "refused" };
    metrics::counter!("yingdun_access_decisions_total", "action" => action.as_str(), "outcome" => outcome)
        .increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_midnight_of_the_institution() {
        let at = Timestamp::from_ms;
        // 2026-11-21T15:59:59.999Z is 23:59:59.999 in China; one millisecond later a new day begins there.
        let last = 1_795_276_799_999;
        assert_eq!(day_start(at(last), 480), at(last + 1 - MS_PER_DAY));
        assert_eq!(day_start(at(last + 1), 480), at(last + 1));
        assert_eq!(day_start(at(-1), 0), at(-MS_PER_DAY));
        assert_eq!(day_start(at(0), -60), at(60 * MS_PER_MINUTE - MS_PER_DAY));
    }
}

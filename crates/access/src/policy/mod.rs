//! Rules of the institution: proposed by one officer, approved by two others, put into force, taken back; each step is a leaf before it is made.
//!
//! ```text
//!  propose ─► waits ─┬─ approved by both offices ─► put into force ─► in force on every node, until the next
//!                    ├─ rejected, withdrawn                 ▲
//!                    └─ thirty days over        suspend ────┘ by one person, for a day at most, under a review
//! ```
//!
//! A version never changes: what is to be different is another version, and has no approvals. Who goes back to an earlier one proposes its text
//! again. An approval lapses when who gave it loses the office before the version is in force. What was approved is a digest, and what it was compared with is written down with it: if something else is in force by now, the
//! approvals are for a change that nobody looked at, and it is proposed anew.

mod follow;
mod in_force;
mod record;
mod report;
mod said;
mod state;

pub use record::{PolicyApproval, PolicyInForce, PolicyOverview, PolicyRecord};
pub use report::{PolicyReplay, REPLAYED_DAYS, ReplayedChange, ReplayedExample};
pub use state::PolicyState;

pub(crate) use in_force::InForce;

use crate::access::{Access, Refusal};
use crate::admin::{AdminError, Change, ChangeDetail};
use crate::decision::{Engine, LocalPolicyError, PolicyError, Resource};
use crate::session::Session;
use record::{SealedActivation, SealedApproval, SealedVersion};
use said::Said;
use yingdun_audit::{Event, Outcome, Receipt};
use yingdun_catalog::identity::people;
use yingdun_catalog::identity::policies::{self, ActivationRow, ApprovalRow, VersionRow};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::digest::sha256;
use yingdun_model::{Action, ActorId, ActorKind, Role, Timestamp};

/// Versions that wait at once. Who proposes more does not wait for an answer.
const WAITING_MAX: usize = 10;
/// Versions that a list shows, the newest.
const LISTED_MAX: u32 = 100;
/// The most characters of what a proposal says about itself, or a suspension about its reason.
const WORDS_MAX: usize = 500;
/// The longest suspension: by then two others have approved something, or what they approved before counts again.
const SUSPENDED_MS_MAX: i64 = 24 * 3600 * 1000;
/// The offices that approve, one person of each.
const OFFICES: [Role; 2] = [Role::SecurityAdministrator, Role::AuditAdministrator];

/// Why nothing came of a step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyChangeError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The text is no set of rules of an institution.
    #[error(transparent)]
    Text(#[from] LocalPolicyError),
    /// With the rules of the program it is no set that can be decided with.
    #[error("with the rules of the program: {0}")]
    Set(String),
    /// There is no such version.
    #[error("there is no such version")]
    NotFound,
    /// Nobody approves what the own account proposed, nor for two offices, nor reviews the own suspension.
    #[error(
        "three different persons: one proposes, and one of each office approves; nobody judges what the own account did"
    )]
    SamePerson,
    /// Something else was looked at.
    #[error("the digest is not that of this version: look at it again, and name the digest that is shown")]
    OtherDigest,
    /// It is over, waits for approvals, or was compared with rules that are in force no more.
    #[error("{0}")]
    State(&'static str),
    /// Who approved it has lost the office since.
    #[error(
        "the approval of {by} as {office} has lapsed, as that account was disabled or lost the role since: somebody who holds the office approves it anew"
    )]
    Lapsed {
        /// In which office.
        office: Role,
        /// Who.
        by: ActorId,
    },
    /// Too many wait.
    #[error("{WAITING_MAX} versions wait already: approve, reject or withdraw one of them")]
    TooManyWait,
    /// What is said about it is missing or too long.
    #[error("say why, in 1 to {WORDS_MAX} characters")]
    Words,
    /// A suspension that is too long.
    #[error("a suspension lasts 1 to 1440 minutes")]
    Minutes,
}

impl From<Refusal> for PolicyChangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for PolicyChangeError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

/// What is proposed.
#[derive(Clone, Debug)]
pub enum NewPolicy {
    /// A text.
    Text(String),
    /// The text of an earlier version.
    Version(u64),
}

impl Access {
    /// Whether a text could be proposed: nothing is kept, and no leaf written. Gives its digest, and that of the whole set.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn check_policy(
        &self,
        session: &Session,
        text: String,
    ) -> Result<([u8; 32], [u8; 32]), PolicyChangeError> {
        self.may_read_policies(session).await?;
        let engine = self.engine_with(Some(text.clone())).await?;
        Ok((sha256(text.as_bytes()), *engine.digest()))
    }

    /// Proposes rules. What is wrong with them is said before anything is kept.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn propose_policy(
        &self,
        session: &Session,
        new: NewPolicy,
        words: &str,
    ) -> Result<PolicyRecord, PolicyChangeError> {
        let words = checked_words(words)?;
        // Who may not propose learns nothing of texts.
        self.may_read_policies(session).await?;
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let (text, copy_of) = match new {
            NewPolicy::Text(text) => (text, None),
            NewPolicy::Version(version) => (self.read_version(session, version).await?.1.text, Some(version)),
        };
        self.engine_with(Some(text.clone())).await?;
        let rows = policies::versions(&self.inner.identity, institution, LISTED_MAX).await?;
        let waiting = rows.iter().filter(|row| state::is_waiting(row, now)).count();
        let version = rows.first().map_or(1, |newest| newest.version + 1);
        let digest = sha256(text.as_bytes());
        let base = policies::lasting(&self.inner.identity, institution).await?.map_or(0, |row| row.number);
        let (intent, detail) =
            self.intend_policy(session, Action::ProposePolicy, "propose-policy", version, &digest).await?;
        if waiting >= WAITING_MAX {
            return self.not_done(intent, detail, PolicyChangeError::TooManyWait).await;
        }
        let by = session.actor().clone();
        let content = SealedVersion { by, at: now, base, text, words: words.to_owned(), copy_of };
        let row = VersionRow {
            version,
            digest,
            sealed: content.seal(&self.inner.identity_key, institution, version),
            base,
            by: session.actor().clone(),
            at: now,
            activated: None,
            closed: None,
        };
        let change = vec![policies::insert(institution, &row)];
        self.policy_changed(intent, detail, change).await?;
        self.policy_record(session, row).await
    }

    /// Versions, the newest first, and what is in force.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn policies(&self, session: &Session) -> Result<PolicyOverview, PolicyChangeError> {
        self.may_read_policies(session).await?;
        let rows = policies::versions(&self.inner.identity, session.institution(), LISTED_MAX).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            versions.push(self.policy_record(session, row).await?);
        }
        Ok(PolicyOverview { in_force: self.policy_in_force(session).await?, versions })
    }

    /// One version.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn policy(&self, session: &Session, version: u64) -> Result<PolicyRecord, PolicyChangeError> {
        self.may_read_policies(session).await?;
        let (row, _) = self.read_version(session, version).await?;
        self.policy_record(session, row).await
    }

    /// Says yes to a version, by its digest.
    ///
    /// # Errors
    /// [`PolicyChangeError`]; [`PolicyChangeError::SamePerson`] for who proposed it, or approved it in another office.
    pub async fn approve_policy(
        &self,
        session: &Session,
        version: u64,
        digest: &[u8; 32],
    ) -> Result<PolicyRecord, PolicyChangeError> {
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let (intent, detail) =
            self.intend_policy(session, Action::ApprovePolicy, "approve-policy", version, digest).await?;
        let row = policies::version(&self.inner.identity, institution, version).await?;
        let Some(row) = row else { return self.not_done(intent, detail, PolicyChangeError::NotFound).await };
        // Who proposed it, and with what it was compared, is what was sealed.
        if let Err(error) = self.opened_version(session, &row) {
            return self.not_done(intent, detail, error).await;
        }
        let approvals = self.said_for(session, &row).await?;
        let office = session.role();
        let lasting = policies::lasting(&self.inner.identity, institution).await?.map_or(0, |row| row.number);
        let may = state::may_approve(&row, &approvals, session.actor(), office, digest, lasting, now);
        let lapsed = match may {
            Ok(lapsed) => lapsed,
            Err(error) => return self.not_done(intent, detail, error).await,
        };
        let said = SealedApproval { by: session.actor().clone(), digest: hex(digest), at: now };
        let sealed = said.seal(&self.inner.identity_key, institution, version, office);
        let approval = ApprovalRow { version, office, by: session.actor().clone(), at: now, sealed };
        let mut changes: Vec<Statement> =
            lapsed.map(|row| policies::take_back(institution, row)).into_iter().collect();
        changes.extend(policies::approve(institution, digest, &approval));
        self.policy_changed(intent, detail, changes).await?;
        self.policy_record(session, row).await
    }

    /// Says no to a version, for good.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn reject_policy(
        &self,
        session: &Session,
        version: u64,
    ) -> Result<PolicyRecord, PolicyChangeError> {
        self.close_policy(session, version, Action::ApprovePolicy, "reject-policy", state::REJECTED).await
    }

    /// Takes the own proposal back.
    ///
    /// # Errors
    /// [`PolicyChangeError`]; [`PolicyChangeError::State`] for what another person proposed: that is rejected.
    pub async fn withdraw_policy(
        &self,
        session: &Session,
        version: u64,
    ) -> Result<PolicyRecord, PolicyChangeError> {
        self.close_policy(session, version, Action::ProposePolicy, "withdraw-policy", state::WITHDRAWN).await
    }

    /// Puts a version into force that both offices approved, here at once and on every other node within a second or two. The one that was in
    /// force before a suspension may be put into force again before that ends.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn activate_policy(
        &self,
        session: &Session,
        version: u64,
        digest: &[u8; 32],
    ) -> Result<PolicyRecord, PolicyChangeError> {
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let (intent, detail) =
            self.intend_policy(session, Action::ActivatePolicy, "activate-policy", version, digest).await?;
        let row = policies::version(&self.inner.identity, institution, version).await?;
        let Some(row) = row else { return self.not_done(intent, detail, PolicyChangeError::NotFound).await };
        let content = match self.opened_version(session, &row) {
            Ok(content) => content,
            Err(error) => return self.not_done(intent, detail, error).await,
        };
        let mut approvals = self.said_for(session, &row).await?;
        approvals.retain(|said| self.is_sound(session, &row, &said.row));
        let activations = policies::activations(&self.inner.identity, institution, 1).await?;
        let lasting = policies::lasting(&self.inner.identity, institution).await?;
        let newest = activations.first();
        let may = state::may_activate(&row, &approvals, digest, newest, lasting.as_ref(), now);
        let is_again = match may {
            Ok(is_again) => is_again,
            Err(error) => return self.not_done(intent, detail, error).await,
        };
        // What does not fit the program any more is noticed before it is in force.
        if let Err(error) = self.engine_with(Some(content.text)).await {
            return self.not_done(intent, detail, error).await;
        }
        let number = newest.map_or(1, |row| row.number + 1);
        let said = SealedActivation {
            by: session.actor().clone(),
            version,
            digest: hex(digest),
            until: None,
            at: now,
            words: String::new(),
        };
        let activation = ActivationRow {
            number,
            version,
            until: None,
            by: session.actor().clone(),
            at: now,
            sealed: said.seal(&self.inner.identity_key, institution, number),
            reviewed: None,
        };
        let mut changes = vec![policies::activate(institution, &activation)];
        if !is_again {
            // Who loses the office in this moment has not approved it.
            changes.extend(approvals.iter().map(
                |Said { row: ApprovalRow { by, office, at, .. }, .. }| {
                    people::still_holds(institution, by, *office, *at)
                },
            ));
            changes.push(policies::activated(institution, version, now));
        }
        self.policy_changed(intent, detail, changes).await?;
        self.follow_policies().await?;
        let row = policies::version(&self.inner.identity, institution, version).await?;
        self.policy_record(session, row.ok_or(PolicyChangeError::NotFound)?).await
    }

    /// Lets the rules of the program alone count for a while: what one person may do when a rule of the institution keeps people from their
    /// work at night. It ends by itself, and somebody else looks at it: before that the same person suspends nothing again.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn suspend_policy(
        &self,
        session: &Session,
        minutes: u32,
        words: &str,
    ) -> Result<PolicyInForce, PolicyChangeError> {
        let words = checked_words(words)?;
        let lasts = i64::from(minutes).saturating_mul(60_000);
        if !(60_000..=SUSPENDED_MS_MAX).contains(&lasts) {
            return Err(PolicyChangeError::Minutes);
        }
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let until = Timestamp::from_ms(now.as_ms().saturating_add(lasts));
        let (intent, detail) =
            self.intend_policy(session, Action::ActivatePolicy, "suspend-policy", 0, &sha256(b"")).await?;
        let newest = policies::activations(&self.inner.identity, institution, LISTED_MAX).await?;
        if let Err(error) = state::may_suspend(&newest, session.actor(), now) {
            return self.not_done(intent, detail, error).await;
        }
        let number = newest.first().map_or(1, |row| row.number + 1);
        let said = SealedActivation {
            by: session.actor().clone(),
            version: 0,
            digest: hex(&sha256(b"")),
            until: Some(until),
            at: now,
            words: words.to_owned(),
        };
        let activation = ActivationRow {
            number,
            version: 0,
            until: Some(until),
            by: session.actor().clone(),
            at: now,
            sealed: said.seal(&self.inner.identity_key, institution, number),
            reviewed: None,
        };
        self.policy_changed(intent, detail, vec![policies::activate(institution, &activation)]).await?;
        self.follow_policies().await?;
        self.policy_in_force(session).await
    }

    /// Notes that somebody else looked at a suspension.
    ///
    /// # Errors
    /// [`PolicyChangeError`].
    pub async fn review_suspension(
        &self,
        session: &Session,
        number: u64,
    ) -> Result<PolicyInForce, PolicyChangeError> {
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let (intent, detail) = self
            .intend_policy(session, Action::ApprovePolicy, "review-suspension", number, &sha256(b""))
            .await?;
        let rows = policies::activations(&self.inner.identity, institution, LISTED_MAX).await?;
        let error = match rows.iter().find(|row| row.number == number && row.until.is_some()) {
            None => Some(PolicyChangeError::NotFound),
            Some(row) if row.by == *session.actor() => Some(PolicyChangeError::SamePerson),
            Some(row) if SealedActivation::of(&self.inner.identity_key, institution, row).is_none() => {
                Some(PolicyChangeError::State("it cannot be opened: somebody changed its row"))
            }
            Some(_) => None,
        };
        if let Some(error) = error {
            return self.not_done(intent, detail, error).await;
        }
        let change = policies::review(institution, number, session.actor(), now);
        self.policy_changed(intent, detail, vec![change]).await?;
        self.policy_in_force(session).await
    }

    // === helpers ===

    async fn close_policy(
        &self,
        session: &Session,
        version: u64,
        action: Action,
        code: &'static str,
        word: &'static str,
    ) -> Result<PolicyRecord, PolicyChangeError> {
        let (institution, now) = (session.institution(), self.inner.clock.now());
        let found = policies::version(&self.inner.identity, institution, version).await?;
        let digest = found.as_ref().map_or_else(|| sha256(b""), |row| row.digest);
        let (intent, detail) = self.intend_policy(session, action, code, version, &digest).await?;
        let Some(row) = found else {
            return self.not_done(intent, detail, PolicyChangeError::NotFound).await;
        };
        if word == state::WITHDRAWN && row.by != *session.actor() {
            let state = PolicyChangeError::State("another person proposed it: it is rejected, not withdrawn");
            return self.not_done(intent, detail, state).await;
        }
        let close = policies::close(institution, version, word, session.actor(), now);
        self.policy_changed(intent, detail, vec![close]).await?;
        self.policy_record(
            session,
            VersionRow { closed: Some((word.to_owned(), session.actor().clone(), now)), ..row },
        )
        .await
    }

    /// Whoever has a part in the change of rules reads them.
    pub(crate) async fn may_read_policies(&self, session: &Session) -> Result<(), PolicyChangeError> {
        let resource = Resource::Archive(session.institution().clone());
        let approves = self.decide(session, Action::ApprovePolicy, &resource).await?;
        if approves.permitted || self.decide(session, Action::ProposePolicy, &resource).await?.permitted {
            return Ok(());
        }
        Err(Refusal::denied(approves.reason, session.role()).into())
    }

    async fn intend_policy(
        &self,
        session: &Session,
        action: Action,
        code: &'static str,
        version: u64,
        digest: &[u8; 32],
    ) -> Result<(Receipt, ChangeDetail), PolicyChangeError> {
        let detail = ChangeDetail::with(format!("policy {version}"), hex(digest));
        let (intent, detail) = self.intend(session, Change { action, code, detail }).await?;
        if session.actor_kind() != ActorKind::Person {
            return self.not_done(intent, detail, PolicyChangeError::SamePerson).await;
        }
        Ok((intent, detail))
    }

    /// Writes down that nothing came of it.
    async fn not_done<T>(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        error: PolicyChangeError,
    ) -> Result<T, PolicyChangeError> {
        let failed = Event { outcome: Outcome::Failed, detail: None, ..intent.event().clone() };
        self.record(failed, &detail).await.map_err(Refusal::AuditUnavailable)?;
        Err(error)
    }

    async fn policy_changed(
        &self,
        intent: Receipt,
        detail: ChangeDetail,
        changes: Vec<Statement>,
    ) -> Result<(), PolicyChangeError> {
        let outcome = self.inner.identity.execute(changes).await;
        match self.carry_out(intent, detail, outcome).await {
            Err(AdminError::NotFound | AdminError::AlreadyExists) => {
                Err(PolicyChangeError::State("somebody else was faster: look at it again"))
            }
            other => Ok(other.map(|_| ())?),
        }
    }

    /// The policies of the program with these rules, worked out where it may take its time.
    pub(crate) async fn engine_with(&self, text: Option<String>) -> Result<Engine, PolicyChangeError> {
        let engine = self.inner.policies.now();
        let made = tokio::task::spawn_blocking(move || engine.with_local(text.as_deref())).await;
        match made {
            Ok(Ok(engine)) => Ok(engine),
            Ok(Err(error)) => Err(of_engine(error)),
            Err(_) => Err(PolicyChangeError::Set("they cannot be read".to_owned())),
        }
    }
}

fn of_engine(error: PolicyError) -> PolicyChangeError {
    match error {
        PolicyError::Local(error) => error.into(),
        other => PolicyChangeError::Set(other.to_string()),
    }
}

fn checked_words(words: &str) -> Result<&str, PolicyChangeError> {
    let words = words.trim();
    let fits = !words.is_empty() && words.chars().count() <= WORDS_MAX;
    if fits { Ok(words) } else { Err(PolicyChangeError::Words) }
}

/// Bytes as people and rows read them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

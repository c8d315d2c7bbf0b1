//! Sessions behind bearer tokens (RFC 6750): opened, found again, ended.

use super::token::{Token, hash_of};
use super::{Claim, Fault, SignInError, Stage};
use crate::access::Access;
use crate::decision::parse_scopes;
use crate::ledger;
use crate::programs::{Demand, Presented, Unfit, parse_demands};
use crate::session::{Origin, Peer, Proof, Session, SessionFacts, SessionId, SignIn};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use yingdun_audit::complete::Act;
use yingdun_audit::{Event, EventKind, Outcome};
use yingdun_catalog::identity::sessions::{self, Bound, DirectoryProof, Factor, SessionRow, Standing};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::{Context, Sealed};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Secret, Timestamp};

/// How long a person stays signed in: one shift.
pub(super) const PERSON_SESSION: Duration = Duration::from_secs(8 * 3600);
/// How long the token of a service client lives. It gets a new one whenever it wants (RFC 6749 §4.4).
const SERVICE_SESSION: Duration = Duration::from_secs(3600);

/// How long a sign-in may take that waits for a second factor: to find the phone, or to set up an app.
const UNFINISHED_SESSION: Duration = Duration::from_secs(15 * 60);
/// How often it is written down that a session is used: far below any rest, far above what writing costs.
const USE_NOTED: Duration = Duration::from_secs(30);
/// The longest name of a program that is kept.
const PROGRAM_CHARACTERS_MAX: usize = 200;

/// A session that was just opened, with the token that proves it from now on.
#[derive(Debug)]
pub struct SignedIn {
    /// The bearer token. It is shown once; only its SHA-256 is kept.
    pub token: Secret<String>,
    /// The session.
    pub session: Session,
    /// How long the token lives, counted from now.
    pub expires_in: Duration,
}

/// What a new session is made of.
pub(crate) struct NewSession<'a> {
    pub(crate) institution: &'a InstitutionId,
    pub(crate) actor: &'a ActorId,
    pub(crate) kind: ActorKind,
    pub(crate) role: Role,
    pub(crate) scopes: BTreeSet<crate::decision::Scope>,
    pub(crate) sign_in: SignIn,
    pub(crate) code_hash: Option<[u8; 32]>,
    pub(crate) peer: Peer,
    pub(crate) stage: Stage,
    /// When a second factor was proved that counts for the session.
    pub(crate) proved: Option<Timestamp>,
    /// By what.
    pub(crate) proved_by: Option<Factor>,
    /// The program, as it calls itself.
    pub(crate) program: Option<&'a str>,
    /// What it rests on in another directory.
    pub(crate) directory: Option<DirectoryProof>,
    /// To what its token is bound.
    pub(crate) bound: Bound,
    /// When that ends, where it ends before the session would.
    pub(crate) ends: Option<Timestamp>,
    /// What a service client has to show with each request.
    pub(crate) demands: BTreeSet<Demand>,
}

impl Access {
    /// The session of a bearer token, as it comes with a request.
    ///
    /// # Errors
    /// [`SignInError::Refused`] for a token that is unknown, expired, revoked or rested too long, or whose account is
    /// disabled or has lost the role; the refusal is written down, metered per address.
    /// [`SignInError::SecondFactorNeeded`] when the sign-in is not finished.
    pub async fn bearer(&self, token: &str, peer: Peer) -> Result<Session, SignInError> {
        whole(self.session_of(token, peer, Some(&Presented::default())).await?)
    }

    /// As [`Self::bearer`], of a token that may be bound to what is shown beside it, or come from another issuer.
    ///
    /// # Errors
    /// As [`Self::bearer`]; [`SignInError::DirectoryUnavailable`] when the keys of another issuer cannot be had; [`SignInError::BadProof`] for a proof of a key that is wrong or came before, [`SignInError::NonceNeeded`] for one
    /// without a value of ours, [`SignInError::TooManyProofs`].
    pub async fn bearer_with(
        &self,
        token: &str,
        peer: Peer,
        presented: &Presented<'_>,
    ) -> Result<Session, SignInError> {
        let session = if self.may_be_external(token) {
            Box::pin(self.external_session(token, peer, presented)).await?
        } else {
            self.session_of(token, peer, Some(presented)).await?
        };
        whole(session)
    }

    /// The session of a bearer token, also one whose sign-in is not finished: for finishing it, and for nothing else.
    ///
    /// # Errors
    /// As [`Self::bearer`], without the last.
    pub async fn bearer_in_part(&self, token: &str, peer: Peer) -> Result<Session, SignInError> {
        self.session_of(token, peer, Some(&Presented::default())).await
    }

    /// As [`Self::bearer_in_part`], of a token that may be bound to what is shown beside it.
    ///
    /// # Errors
    /// As [`Self::bearer_with`], but for the second factor.
    pub async fn bearer_in_part_with(
        &self,
        token: &str,
        peer: Peer,
        presented: &Presented<'_>,
    ) -> Result<Session, SignInError> {
        self.session_of(token, peer, Some(presented)).await
    }

    /// Ends the session of a token, whatever the token is bound to: who has only found it can do no more with it than this.
    ///
    /// # Errors
    /// As [`Self::bearer`] and [`Self::revoke`].
    pub async fn end_token(&self, token: &str, peer: Peer) -> Result<(), SignInError> {
        let session = self.session_of(token, peer, None).await?;
        self.revoke(&session).await
    }

    /// The session of a token, if it comes with what it is bound to; without a look at that where nothing is handed in.
    async fn session_of(
        &self,
        token: &str,
        peer: Peer,
        presented: Option<&Presented<'_>>,
    ) -> Result<Session, SignInError> {
        let Some(hash) = hash_of(token) else {
            return Err(self.refuse_unknown(peer, Fault::UnknownToken).await);
        };
        let standing =
            sessions::standing(&self.inner.identity, &hash).await.map_err(SignInError::Unavailable)?;
        let Some(standing) = standing else {
            return Err(self.refuse_unknown(peer, Fault::UnknownToken).await);
        };
        let now = self.inner.clock.now();
        self.let_pass(&standing, token, peer, presented, now).await?;
        let session = self.session_from(standing, peer);
        self.used(&session, now).await.map_err(SignInError::Unavailable)?;
        Ok(session)
    }

    /// Lets the session of a token pass, if it lives and comes with what it is bound to; without a look at that where nothing is handed in.
    pub(super) async fn let_pass(
        &self,
        standing: &Standing,
        token: &str,
        peer: Peer,
        presented: Option<&Presented<'_>>,
        now: Timestamp,
    ) -> Result<(), SignInError> {
        let row = &standing.session;
        let fault = if row.revoked.is_some() {
            Some(Fault::RevokedToken)
        } else if row.expires <= now {
            Some(Fault::ExpiredToken)
        } else if self.has_rested(row, peer.address, now) {
            Some(Fault::IdleToken)
        } else if standing.disabled {
            Some(Fault::AccountDisabled)
        } else if !standing.role_held {
            Some(Fault::NoSuchRole)
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(self.refuse_sign_in(claim_of(row, peer), fault).await);
        }
        if let Some(presented) = presented
            && let Err(unfit) = Box::pin(self.fits(standing, token, presented, now)).await?
        {
            return Err(self.refuse_unfit(claim_of(row, peer), unfit).await);
        }
        Ok(())
    }

    /// The session of a row.
    pub(super) fn session_from(&self, standing: Standing, peer: Peer) -> Session {
        let row = standing.session;
        let stage = self.inner.rules.stage_of(&row);
        Session::new(SessionFacts {
            id: SessionId(row.token_hash),
            demands: parse_demands(&standing.demands).unwrap_or_else(|_| Demand::ALL.into()),
            bound: row.bound,
            // A word that is not known any more is an account from the future: the weakest reading is right.
            sign_in: row.sign_in.parse().unwrap_or(SignIn::Password),
            scopes: parse_scopes(&standing.scopes),
            actor: row.actor,
            kind: row.actor_kind,
            institution: row.institution,
            role: row.role,
            expires: row.expires,
            peer,
            proof: Proof::Token(row.token_hash),
            stage,
            proved: row.proved,
            proved_by: row.proved_by,
            last_used: AtomicI64::new(row.last_used.unwrap_or(row.issued).as_ms()),
        })
    }

    /// Whether a session of a person rested longer than it may at this address.
    pub(crate) fn has_rested(&self, row: &SessionRow, address: IpAddr, now: Timestamp) -> bool {
        let limit = self.inner.rules.idle.limit(row.role, address);
        row.actor_kind == ActorKind::Person && row.last_used.unwrap_or(row.issued).after(limit) <= now
    }

    /// Notes that a session of a person is used, if that was not noted a moment ago.
    pub(crate) async fn used(&self, session: &Session, now: Timestamp) -> Result<(), CatalogError> {
        let (ActorKind::Person, Proof::Token(hash)) = (session.actor_kind(), session.proof()) else {
            return Ok(());
        };
        let noted = session.last_used().load(Ordering::Relaxed);
        if now < Timestamp::from_ms(noted).after(USE_NOTED) {
            return Ok(());
        }
        session.last_used().store(now.as_ms(), Ordering::Relaxed);
        self.inner.identity.execute(vec![sessions::touch(hash, now)]).await.map(|_| ())
    }

    /// When a session of a person ends that becomes whole now.
    pub(crate) fn person_session_ends(&self, now: Timestamp) -> Timestamp {
        now.after(PERSON_SESSION)
    }

    /// Where a session was opened, as the row keeps it. What does not open is left out.
    pub(crate) fn open_origin(&self, row: &SessionRow) -> Option<Origin> {
        let sealed = Sealed::from_bytes(row.origin.clone()?);
        sealed.open(&self.inner.identity_key, &origin_context(&row.institution, &row.token_hash)).ok()
    }

    /// Ends a session at once: its token, its permits, everywhere. Ending an ended session is no error.
    ///
    /// # Errors
    /// [`SignInError::AuditUnavailable`] or [`SignInError::Unavailable`]; the session goes on then.
    pub async fn revoke(&self, session: &Session) -> Result<(), SignInError> {
        let Proof::Token(hash) = session.proof() else { return Ok(()) };
        let event = Event {
            kind: EventKind::Authentication,
            ..ledger::session_leaf(session, ledger::word("session-revoked"))
        };
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let revoke = sessions::revoke(hash, self.inner.clock.now());
        self.inner.identity.execute(vec![revoke]).await.map_err(SignInError::Unavailable)?;
        Ok(())
    }

    /// Opens a session: first the leaf, then the row. `also` are changes that belong to the sign-in, such as the
    /// spending of a code; they happen with the session or not at all.
    pub(crate) async fn open_session(
        &self,
        new: NewSession<'_>,
        mut also: Vec<Statement>,
    ) -> Result<SignedIn, SignInError> {
        let now = self.inner.clock.now();
        self.refuse_frozen(&new).await?;
        let expires_in = match new.kind {
            ActorKind::Service => SERVICE_SESSION,
            ActorKind::Person | ActorKind::Device | ActorKind::System => match new.stage {
                Stage::Whole => PERSON_SESSION,
                Stage::Prove | Stage::Enrol => UNFINISHED_SESSION,
            },
        };
        let word = match new.stage {
            Stage::Whole => new.sign_in.as_str(),
            Stage::Prove => "second-factor-awaited",
            Stage::Enrol => "second-factor-to-be-enrolled",
        };
        let token = Token::generate();
        let event = ledger::of_claim(
            EventKind::Authentication,
            Outcome::Permitted,
            new.institution,
            new.actor,
            new.kind,
            Some(new.role),
            ledger::word(word),
        );
        let begun = self.inner.tally.begin();
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let expires = new.ends.map_or(now.after(expires_in), |ends| ends.min(now.after(expires_in)));
        let expires_in = Duration::from_millis(u64::try_from(expires.as_ms() - now.as_ms()).unwrap_or(0));
        also.push(sessions::insert(&SessionRow {
            token_hash: token.hash,
            institution: new.institution.clone(),
            actor: new.actor.clone(),
            actor_kind: new.kind,
            role: new.role,
            sign_in: new.sign_in.as_str().to_owned(),
            code_hash: new.code_hash,
            issued: now,
            expires,
            revoked: None,
            stage: new.stage,
            proved: new.proved,
            proved_by: new.proved_by,
            last_used: Some(now),
            origin: self.seal_origin(&new, &token.hash),
            directory: new.directory,
            bound: new.bound,
            scope_limit: None,
        }));
        self.inner.identity.execute(also).await.map_err(SignInError::Unavailable)?;
        begun.done(Act::SignIn);
        // Whoever froze the account in between did not see the row of this session, or ended it: it is not handed out either way.
        if let Err(refused) = self.refuse_frozen(&new).await {
            let revoke = sessions::revoke(&token.hash, now);
            self.inner.identity.execute(vec![revoke]).await.map_err(SignInError::Unavailable)?;
            return Err(refused);
        }
        let session = Session::new(SessionFacts {
            id: SessionId(token.hash),
            actor: new.actor.clone(),
            kind: new.kind,
            institution: new.institution.clone(),
            role: new.role,
            scopes: new.scopes,
            sign_in: new.sign_in,
            expires,
            peer: new.peer,
            proof: Proof::Token(token.hash),
            stage: new.stage,
            proved: new.proved,
            proved_by: new.proved_by,
            last_used: AtomicI64::new(now.as_ms()),
            demands: new.demands,
            bound: new.bound,
        });
        Ok(SignedIn { token: token.secret, session, expires_in })
    }

    /// Refuses a person whose account an officer froze. It comes after every proof, so only that person is told.
    async fn refuse_frozen(&self, new: &NewSession<'_>) -> Result<(), SignInError> {
        if new.kind != ActorKind::Person {
            return Ok(());
        }
        let frozen = self.is_frozen(new.institution, new.actor).await.map_err(SignInError::Unavailable)?;
        if !frozen {
            return Ok(());
        }
        let claim = Claim {
            institution: new.institution,
            actor: new.actor,
            kind: new.kind,
            role: Some(new.role),
            address: new.peer.address,
        };
        Err(match self.refuse_sign_in(claim, Fault::AccountFrozen).await {
            SignInError::Refused => SignInError::Frozen,
            other => other,
        })
    }

    /// Seals where a session of a person is opened: the table is no list of who works where.
    fn seal_origin(&self, new: &NewSession<'_>, token_hash: &[u8; 32]) -> Option<Vec<u8>> {
        if new.kind != ActorKind::Person {
            return None;
        }
        let program = new.program.map(|program| program.chars().take(PROGRAM_CHARACTERS_MAX).collect());
        let origin = Origin { address: new.peer.address.to_canonical(), program };
        let context = origin_context(new.institution, token_hash);
        Sealed::seal(&self.inner.identity_key, &context, &origin).ok().map(Sealed::into_bytes)
    }

    /// Refuses what does not come with what it is bound to.
    pub(crate) async fn refuse_unfit(&self, claim: Claim<'_>, unfit: Unfit) -> SignInError {
        match unfit {
            Unfit::Fault(fault) => self.refuse_sign_in(claim, fault).await,
            Unfit::BadProof(fault) => match self.refuse_sign_in(claim, fault).await {
                SignInError::Refused => SignInError::BadProof,
                other => other,
            },
            Unfit::NonceNeeded => SignInError::NonceNeeded,
            Unfit::Full => SignInError::TooManyProofs,
        }
    }

    /// Refuses somebody of whom nothing is known.
    pub(crate) async fn refuse_unknown(&self, peer: Peer, fault: Fault) -> SignInError {
        let Some(nobody) = ActorId::new("unknown") else { return SignInError::Refused };
        let claim = Claim {
            institution: &self.inner.institution,
            actor: &nobody,
            kind: ActorKind::Person,
            role: None,
            address: peer.address,
        };
        self.refuse_sign_in(claim, fault).await
    }

    /// The session of the archive itself, for recovery and for the founding of an installation. It needs no
    /// credential because whoever can call this runs inside the program; no door hands it out.
    #[must_use]
    pub fn system_session(&self) -> Session {
        // INVARIANT: the word is a legal actor; a test of the system session holds it.
        let actor = ActorId::new("yingdun").unwrap_or_else(|| unreachable!("`yingdun` is a legal actor"));
        Session::new(SessionFacts {
            id: SessionId(yingdun_crypto::random::array()),
            actor,
            kind: ActorKind::System,
            institution: self.inner.institution.clone(),
            role: Role::System,
            scopes: BTreeSet::new(),
            sign_in: SignIn::Internal,
            expires: Timestamp::from_ms(i64::MAX),
            peer: Peer::LOCAL,
            proof: Proof::System,
            stage: Stage::Whole,
            proved: None,
            proved_by: None,
            last_used: AtomicI64::new(0),
            demands: BTreeSet::new(),
            bound: Bound::default(),
        })
    }
}

/// A session whose sign-in is finished.
fn whole(session: Session) -> Result<Session, SignInError> {
    match session.stage() {
        Stage::Whole => Ok(session),
        Stage::Prove | Stage::Enrol => Err(SignInError::SecondFactorNeeded),
    }
}

/// Whose session it claims to be.
fn claim_of(row: &SessionRow, peer: Peer) -> Claim<'_> {
    Claim {
        institution: &row.institution,
        actor: &row.actor,
        kind: row.actor_kind,
        role: Some(row.role),
        address: peer.address,
    }
}

/// What a sealed origin is bound to.
fn origin_context(institution: &InstitutionId, token_hash: &[u8; 32]) -> Context {
    Context::new("yingdun/session-origin/v1").field(institution.as_str()).field(token_hash)
}

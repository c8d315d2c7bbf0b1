//! Getting a second factor, and how it stands.

use super::codes::{self, Typed};
use super::person_of;
use crate::access::Access;
use crate::ledger;
use crate::session::{Session, SignIn};
use crate::sign_in::{Fault, SignInError};
use std::time::Duration;
use yingdun_audit::{Event, EventKind};
use yingdun_catalog::identity::sessions::Factor;
use yingdun_catalog::identity::{people, places, second_factors, sessions};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_crypto::random;
use yingdun_model::{ActorId, ActorKind, InstitutionId, Secret, Timestamp};

/// How long a secret that was begun waits for its first code: to set up an app. Confirming it asks for no password, and who
/// saw the secret of yesterday on a screen must not be the one who does.
const BEGUN: Duration = Duration::from_secs(15 * 60);

/// A secret that was just made. It is shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// In base32, to be typed into an app.
    pub secret: Secret<String>,
    /// As `otpauth://…`, for an app that reads it from a picture or a link.
    pub uri: Secret<String>,
}

/// Recovery codes that were just made. They are shown once.
#[derive(Debug)]
pub struct RecoveryCodes(pub Vec<Secret<String>>);

impl RecoveryCodes {
    /// Ten new ones, and the changes that put them in the place of those before.
    pub(crate) fn fresh(institution: &InstitutionId, actor: &ActorId) -> (Self, Vec<Statement>) {
        let made = codes::recovery_codes();
        let hashes = made.each_ref().map(|code| codes::recovery_hash(institution, actor, code));
        (Self(made.into()), second_factors::replace_codes(institution, actor, &hashes))
    }
}

/// How the second factor of a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactorState {
    /// Since when there is one; none when there is none, or its first code has not come.
    pub confirmed: Option<Timestamp>,
    /// How many passkeys there are.
    pub passkeys: i64,
    /// Whether passkeys can be had here.
    pub passkeys_offered: bool,
    /// Whether the role of the session demands a passkey, so that no code finishes a sign-in.
    pub passkey_required: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: i64,
    /// Whether the role of the session cannot be activated without one.
    pub required: bool,
    /// Until when what was proved in this session counts as fresh.
    pub strong_until: Option<Timestamp>,
}

impl Access {
    /// How the second factor of the person of a session stands. Also for a session that is not whole.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`]; [`SignInError::Refused`] when the session is not one of a person.
    pub async fn second_factor(&self, session: &Session) -> Result<SecondFactorState, SignInError> {
        let (institution, actor) = (session.institution(), session.actor());
        if session.actor_kind() != ActorKind::Person {
            return Err(SignInError::Refused);
        }
        let factor = self.second_factor_of(institution, actor).await?;
        let held = self.held_factors(institution, actor).await?;
        let left = second_factors::codes_left(&self.inner.identity, institution, actor).await;
        let (rules, now) = (&self.inner.rules, self.inner.clock.now());
        Ok(SecondFactorState {
            confirmed: factor.and_then(|factor| factor.confirmed),
            passkeys: held.passkeys,
            passkeys_offered: self.offers_passkeys(),
            passkey_required: rules.passkey_for.contains(&session.role()),
            recovery_codes_left: left.map_err(SignInError::Unavailable)?,
            required: rules.demands_second_factor(session.role()),
            strong_until: session
                .proved()
                .filter(|proved| rules.is_strong(Some(*proved), now))
                .map(|proved| rules.strong_until(proved)),
        })
    }

    /// Makes a secret for the person of a session, who must have proved a passkey just now where there is one, and otherwise know the password: a session that somebody left open is no way to
    /// lock its owner out. Who has none, because another directory signs the person in, leaves it empty and must have been authenticated
    /// there a moment ago. One that was begun before and not confirmed dies. Also for a session that waits for this.
    ///
    /// # Errors
    /// [`SignInError::SecondFactorExists`]; [`SignInError::Refused`] when the password is wrong or may not be tried now.
    pub async fn begin_second_factor(
        &self,
        session: &Session,
        password: Secret<String>,
    ) -> Result<Enrolment, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let (institution, actor) = (claim.institution, claim.actor);
        if self.second_factor_of(institution, actor).await?.is_some_and(|factor| factor.confirmed.is_some()) {
            return Err(SignInError::SecondFactorExists);
        }
        let held = self.held_factors(institution, actor).await?;
        match password.expose().is_empty() && session.sign_in() == SignIn::OpenIdConnect {
            // Who knows the password alone must not get round the passkey that is there.
            _ if held.passkeys > 0 => self.freshly_proved(session, &token_hash, held).await?,
            true => self.step_up(session, None).await?,
            false => drop(self.prove(claim, password).await?),
        }
        let secret = Secret::new(random::array());
        let sealed = self.seal_secret(institution, actor, &secret);
        self.note(session, "second-factor-begun").await?;
        let begin = second_factors::begin(institution, actor, &sealed, self.inner.clock.now());
        match self.inner.identity.execute(vec![begin]).await {
            Ok(_) => {}
            Err(CatalogError::UnexpectedRows { .. }) => return Err(SignInError::SecondFactorExists),
            Err(error) => return Err(SignInError::Unavailable(error)),
        }
        let secret = codes::base32(secret.expose());
        let issuer = format!("Yingdun {}", institution.as_str());
        let uri = codes::otpauth(&issuer, actor.as_str(), &secret);
        Ok(Enrolment { secret, uri })
    }

    /// Confirms the secret that was begun, by its first code; gives recovery codes. The session is whole and strong from then on,
    /// and every other session of the person ends. Also for a session that waits for this.
    ///
    /// # Errors
    /// [`SignInError::NoSecondFactor`] when none was begun within a quarter of an hour, [`SignInError::SecondFactorExists`],
    /// [`SignInError::Refused`] when the code is wrong or may not be tried now.
    pub async fn confirm_second_factor(
        &self,
        session: &Session,
        code: &Secret<String>,
    ) -> Result<RecoveryCodes, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let (institution, actor) = (claim.institution, claim.actor);
        let factor = self.second_factor_of(institution, actor).await?;
        let factor = factor.ok_or(SignInError::NoSecondFactor)?;
        if factor.confirmed.is_some() {
            return Err(SignInError::SecondFactorExists);
        }
        if factor.created.after(BEGUN) <= self.inner.clock.now() {
            return Err(SignInError::NoSecondFactor);
        }
        let held = self.held_factors(institution, actor).await?;
        if held.passkeys > 0 {
            self.freshly_proved(session, &token_hash, held).await?;
        }
        let counted = self.counted(claim).await?;
        let now = self.inner.clock.now();
        let secret = self.open_secret(institution, actor, &factor)?;
        let step = match codes::typed(code) {
            Some(Typed::Digits(digits)) => codes::step_of(&secret, &digits, now),
            Some(Typed::Recovery(_)) | None => None,
        };
        let Some(step) = step else { return Err(self.refuse_sign_in(claim, Fault::WrongCode).await) };
        let (made, replace) = RecoveryCodes::fresh(institution, actor);
        self.note(session, "second-factor-enrolled").await?;
        let mut changes = vec![second_factors::confirm(institution, actor, &factor.sealed, step, now)];
        changes.extend(replace);
        changes.extend([
            // What a passkey has just proved, a code does not prove better.
            match held.passkeys {
                0 => self.proved_by(session.role(), &token_hash, Factor::Code, now),
                _ => sessions::confirm(&token_hash),
            },
            sessions::revoke_others(institution, actor, ActorKind::Person, &token_hash, now),
            places::succeed(institution, actor, &counted.place.digest, now),
        ]);
        if counted.strangers.is_some() {
            changes.push(people::forget_strangers(institution, actor));
        }
        match self.inner.identity.execute(changes).await {
            Ok(_) => Ok(made),
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_sign_in(claim, Fault::ReplayedOneTimeCode).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }

    /// Writes a change of one's own down, before it is made.
    pub(crate) async fn note(&self, session: &Session, word: &'static str) -> Result<(), SignInError> {
        let event = ledger::session_leaf(session, ledger::word(word));
        let event = Event { kind: EventKind::Authentication, ..event };
        self.inner.log.append_one(event).await.map(|_| ()).map_err(SignInError::AuditUnavailable)
    }
}

//! Proving a second factor: to finish a sign-in, to be strong for a while, for new recovery codes, and to remove it.

use super::codes::{self, Typed};
use super::enrol::RecoveryCodes;
use super::person_of;
use crate::access::Access;
use crate::passkey::PasskeyError;
use crate::session::Session;
use crate::sign_in::{Fault, SignInError, Stage};
use yingdun_catalog::identity::sessions::Factor;
use yingdun_catalog::identity::{people, places, second_factors, sessions};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Secret, Timestamp};

impl Access {
    /// Proves the second factor of the person of a session, with a code of the app or a recovery code. A session that waits for
    /// it is whole from then on; every session is strong for a while. Returns until when.
    ///
    /// # Errors
    /// [`SignInError::NoSecondFactor`]; [`SignInError::Refused`] when the code is wrong, was used, or may not be tried now.
    pub async fn prove_second_factor(
        &self,
        session: &Session,
        code: &Secret<String>,
    ) -> Result<Timestamp, SignInError> {
        let now = self.spend_code(session, code, "second-factor-proved", Vec::new()).await?;
        Ok(self.inner.rules.strong_until(now))
    }

    /// Puts ten new recovery codes in the place of those that are left, for a code of the app or the last of them.
    ///
    /// # Errors
    /// As [`Self::prove_second_factor`].
    pub async fn renew_recovery_codes(
        &self,
        session: &Session,
        code: &Secret<String>,
    ) -> Result<RecoveryCodes, SignInError> {
        let (institution, actor) = (session.institution(), session.actor());
        let (made, replace) = RecoveryCodes::fresh(institution, actor);
        self.spend_code(session, code, "recovery-codes-renewed", replace).await?;
        Ok(made)
    }

    /// Removes the app of the person of a session, for a code. Every other session of the person ends; this one has to
    /// get another factor first where its role demands one and no passkey is left. Recovery codes stay beside passkeys.
    ///
    /// # Errors
    /// As [`Self::prove_second_factor`].
    pub async fn remove_second_factor(
        &self,
        session: &Session,
        code: &Secret<String>,
    ) -> Result<(), SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let (institution, actor) = (claim.institution, claim.actor);
        let demanded = self.inner.rules.demands_second_factor(session.role());
        let stage = if demanded { Stage::Enrol } else { Stage::Whole };
        let mut changes = vec![second_factors::remove(institution, actor)];
        if self.held_factors(institution, actor).await?.passkeys == 0 {
            changes.push(second_factors::remove_codes(institution, actor));
            changes.push(sessions::unprove(&token_hash, stage));
        }
        let now = self.inner.clock.now();
        changes.push(sessions::revoke_others(institution, actor, ActorKind::Person, &token_hash, now));
        self.spend_code(session, code, "second-factor-removed", changes).await.map(|_| ())
    }

    /// Counts an attempt, checks a code, writes down what it is for, spends it and makes the changes, all of them or none.
    async fn spend_code(
        &self,
        session: &Session,
        code: &Secret<String>,
        word: &'static str,
        also: Vec<Statement>,
    ) -> Result<Timestamp, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let (institution, actor) = (claim.institution, claim.actor);
        let held = self.held_factors(institution, actor).await?;
        if !held.any() {
            return Err(SignInError::NoSecondFactor);
        }
        if held.passkeys > 0 && self.inner.rules.passkey_for.contains(&session.role()) {
            return Err(PasskeyError::Demanded.into());
        }
        let counted = self.counted(claim).await?;
        let now = self.inner.clock.now();
        let spend = match self.judge_code(institution, actor, code, now).await? {
            Ok(spend) => spend,
            Err(fault) => return Err(self.refuse_sign_in(claim, fault).await),
        };
        if matches!(codes::typed(code), Some(Typed::Recovery(_))) {
            self.note(session, "recovery-code-used").await?;
        }
        self.note(session, word).await?;
        let mut changes = vec![
            spend,
            self.proved_by(session.role(), &token_hash, Factor::Code, now),
            places::succeed(institution, actor, &counted.place.digest, now),
        ];
        // A code at the usual desk says nothing of what strangers try elsewhere.
        if counted.strangers.is_some() {
            changes.push(people::forget_strangers(institution, actor));
        }
        changes.extend(also);
        match self.inner.identity.execute(changes).await {
            Ok(_) => Ok(now),
            // Another node took the same code first, or the session ended meanwhile.
            Err(CatalogError::UnexpectedRows { statement: 0, .. }) => {
                Err(self.refuse_sign_in(claim, Fault::ReplayedOneTimeCode).await)
            }
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_sign_in(claim, Fault::RevokedToken).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }

    /// Whether a code is right and unused, and the change that uses it.
    async fn judge_code(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        code: &Secret<String>,
        now: Timestamp,
    ) -> Result<Result<Statement, Fault>, SignInError> {
        Ok(match codes::typed(code) {
            None => Err(Fault::WrongCode),
            Some(Typed::Digits(digits)) => {
                // Read behind the count, so that of attempts made at the same time each sees what the one before used.
                let factor = self.second_factor_of(institution, actor).await?;
                let Some(factor) = factor.filter(|factor| factor.confirmed.is_some()) else {
                    // Only passkeys, and the recovery codes beside them.
                    return Ok(Err(Fault::WrongCode));
                };
                let secret = self.open_secret(institution, actor, &factor)?;
                match codes::step_of(&secret, &digits, now) {
                    None => Err(Fault::WrongCode),
                    Some(step) if step <= factor.last_step => Err(Fault::ReplayedOneTimeCode),
                    Some(step) => Ok(second_factors::use_step(institution, actor, step)),
                }
            }
            Some(Typed::Recovery(code)) => {
                let hash = codes::recovery_hash(institution, actor, &code);
                let used =
                    second_factors::code_is_used(&self.inner.identity, institution, actor, &hash).await;
                match used.map_err(SignInError::Unavailable)? {
                    None => Err(Fault::WrongCode),
                    Some(true) => Err(Fault::ReplayedOneTimeCode),
                    Some(false) => Ok(second_factors::spend_code(institution, actor, &hash, now)),
                }
            }
        })
    }
}

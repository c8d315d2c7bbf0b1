//! Second factors of people: an authenticator app (TOTP, RFC 6238) and ten recovery codes for the day on which it is lost.
//!
//! ```text
//!  begin (password) ─► secret, shown once ─► confirm (first code) ─► recovery codes, shown once
//!                                                │
//!  password or link ─► session at `prove` ─► prove (code) ─► session, whole and strong
//!                          at `enrol` ─► begin … confirm ─────┘
//! ```
//!
//! A code works once: the time step that was used is a row that is compared and set, so that of two nodes that see one code at
//! the same time one refuses. Attempts are counted in the same rows as passwords, before the code is looked at; a right password
//! forgets no failure of an account with a second factor, only the code does.
//!
//! The secret lies in the database sealed under a key of the institution; recovery codes as SHA-256, of eighty random bits.

mod codes;
mod enrol;
mod prove;

pub use enrol::{Enrolment, RecoveryCodes, SecondFactorState};

use crate::access::Access;
use crate::session::{Proof, Session};
use crate::sign_in::{Claim, SignInError};
use yingdun_catalog::identity::second_factors::{self, SecondFactor};
use yingdun_crypto::one_time_code::SECRET_BYTES;
use yingdun_crypto::{Context, open, seal};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Secret};

impl Access {
    /// The second factor of an account, confirmed or only begun.
    pub(crate) async fn second_factor_of(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<Option<SecondFactor>, SignInError> {
        let found = second_factors::find(&self.inner.identity, institution, actor).await;
        found.map_err(SignInError::Unavailable)
    }

    fn seal_secret(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        secret: &Secret<[u8; SECRET_BYTES]>,
    ) -> Vec<u8> {
        seal(&self.inner.identity_key, &context(institution, actor), secret.expose())
    }

    fn open_secret(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        factor: &SecondFactor,
    ) -> Result<Secret<[u8; SECRET_BYTES]>, SignInError> {
        let opened = open(&self.inner.identity_key, &context(institution, actor), &factor.sealed);
        let opened = Secret::new(opened.map_err(|_| SignInError::SecondFactorDamaged)?);
        let bytes = opened.expose().as_slice().try_into().map_err(|_| SignInError::SecondFactorDamaged)?;
        Ok(Secret::new(bytes))
    }
}

/// The person of a session: only people have second factors.
pub(crate) fn person_of(session: &Session) -> Option<(Claim<'_>, [u8; 32])> {
    let (ActorKind::Person, Proof::Token(token_hash)) = (session.actor_kind(), session.proof()) else {
        return None;
    };
    Some((claim_of(session), *token_hash))
}

pub(crate) fn claim_of(session: &Session) -> Claim<'_> {
    Claim {
        institution: session.institution(),
        actor: session.actor(),
        kind: session.actor_kind(),
        role: Some(session.role()),
        address: session.peer().address,
    }
}

// === helpers ===

/// What a sealed secret is bound to: moved to another account it does not open.
fn context(institution: &InstitutionId, actor: &ActorId) -> Context {
    Context::new("yingdun/second-factor/v1").field(institution.as_str()).field(actor.as_str())
}

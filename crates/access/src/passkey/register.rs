//! A new passkey: who may have one made, and keeping what the browser brings back.

use super::{
    Kept, PASSKEY_NAME_CHARACTERS_MAX, PASSKEYS_MAX, PasskeyError, PasskeyQuestion, context, credential_hash,
};
use crate::access::Access;
use crate::second_factor::{RecoveryCodes, person_of};
use crate::session::{Session, SignIn};
use crate::sign_in::{Fault, SignInError};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::passkeys::{self, Ceremony, Passkey};
use yingdun_catalog::identity::second_factors;
use yingdun_catalog::identity::sessions::{self, Factor};
use yingdun_crypto::Sealed;
use yingdun_crypto::webauthn::{self, Question};
use yingdun_model::{ActorKind, Secret};

/// What a browser brings back of a new passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    /// What the person calls it.
    pub name: String,
    /// What the browser says that was asked (`clientDataJSON`).
    pub client: Vec<u8>,
    /// What the authenticator made (`attestationObject`).
    pub attestation: Vec<u8>,
}

impl Access {
    /// Lets the person of a session have a passkey made. Who has no second factor yet must know the password, as for the first code; who has
    /// one must have proved it in this session within five minutes. Also for a session that waits for this.
    ///
    /// # Errors
    /// [`PasskeyError`]; [`SignInError::Refused`] when the password is wrong or may not be tried now.
    pub async fn begin_passkey(
        &self,
        session: &Session,
        password: Secret<String>,
    ) -> Result<PasskeyQuestion, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        self.party()?;
        let (institution, actor) = (claim.institution, claim.actor);
        let held = self.held_factors(institution, actor).await?;
        if held.any() {
            self.freshly_proved(session, &token_hash, held).await?;
        } else if password.expose().is_empty() && session.sign_in() == SignIn::OpenIdConnect {
            self.step_up(session, None).await?;
        } else {
            self.prove(claim, password).await?;
        }
        if held.passkeys >= PASSKEYS_MAX {
            return Err(PasskeyError::TooMany.into());
        }
        let found = self.passkeys_of(institution, actor).await?;
        let credentials = found.into_iter().map(|(_, kept)| kept.credential).collect();
        self.note(session, "passkey-begun").await?;
        self.ask(session, Ceremony::Register, credentials).await
    }

    /// Keeps the passkey that was begun. The session is whole and strong from then on. With the first second factor of an account come recovery codes,
    /// and every other session of the person ends.
    ///
    /// # Errors
    /// [`PasskeyError`]; [`SignInError::Refused`] when what came does not answer what was asked in this session.
    pub async fn confirm_passkey(
        &self,
        session: &Session,
        new: &NewPasskey,
    ) -> Result<Option<RecoveryCodes>, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let party = self.party()?;
        let name = new.name.trim();
        if !is_name(name) {
            return Err(PasskeyError::Name.into());
        }
        let (institution, actor) = (claim.institution, claim.actor);
        let Some(challenge) = self.asked(&token_hash, Ceremony::Register).await? else {
            return Err(self.refuse_sign_in(claim, Fault::ExpiredChallenge).await);
        };
        let question = Question { party, challenge_hash: &challenge.hash };
        let made = match webauthn::register(question, &new.client, &new.attestation) {
            Ok(made) => made,
            Err(fault) => return Err(self.refuse_sign_in(claim, Fault::Passkey(fault)).await),
        };
        let held = self.held_factors(institution, actor).await?;
        // Another one may have come since this was begun.
        self.proved_enough(session, &token_hash, held).await?;
        if held.passkeys >= PASSKEYS_MAX {
            return Err(PasskeyError::TooMany.into());
        }
        let credential_hash = credential_hash(&made.id);
        let kept = Kept { credential: made.id, public_key: made.public_key, name: name.to_owned() };
        let context = context(institution, actor, &credential_hash);
        let sealed = Sealed::seal(&self.inner.identity_key, &context, &kept);
        let sealed = sealed.map_err(|_| SignInError::SecondFactorDamaged)?.into_bytes();
        let now = self.inner.clock.now();
        let passkey =
            Passkey { credential_hash, sealed, sign_count: made.count, created: now, last_used: None };
        self.note(session, "passkey-registered").await?;
        let mut changes = vec![
            passkeys::answer(&token_hash, &challenge, now),
            passkeys::insert(institution, actor, &passkey),
            self.proved_by(session.role(), &token_hash, Factor::Passkey, now),
        ];
        let mut codes = None;
        if !held.any() {
            let (made, replace) = RecoveryCodes::fresh(institution, actor);
            changes.extend(replace);
            changes.extend([
                // A secret that somebody began before, and knows, must not become a factor beside it.
                second_factors::forget_begun(institution, actor),
                sessions::revoke_others(institution, actor, ActorKind::Person, &token_hash, now),
            ]);
            codes = Some(made);
        }
        match self.inner.identity.execute(changes).await {
            Ok(_) => Ok(codes),
            Err(CatalogError::Constraint(_)) => Err(PasskeyError::Taken.into()),
            Err(CatalogError::UnexpectedRows { statement: 0, .. }) => {
                Err(self.refuse_sign_in(claim, Fault::ReplayedPasskey).await)
            }
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_sign_in(claim, Fault::RevokedToken).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }
}

// === helpers ===

/// Whether people can tell a passkey by this.
fn is_name(name: &str) -> bool {
    let characters = name.chars().count();
    (1..=PASSKEY_NAME_CHARACTERS_MAX).contains(&characters) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_one_short_line() {
        let long = "键".repeat(65);
        for (name, legal) in [
            ("办公室电脑", true),
            ("k", true),
            (&long[..64 * 3], true),
            ("", false),
            ("a\nb", false),
            (&long, false),
        ] {
            assert_eq!(is_name(name), legal, "{name}");
        }
    }
}

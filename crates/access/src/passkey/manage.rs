//! The own passkeys: which there are, and removing one.

use super::PasskeyError;
use crate::access::Access;
use crate::second_factor::person_of;
use crate::session::Session;
use crate::sign_in::{Fault, SignInError, Stage};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::passkeys::{self, Passkey};
use yingdun_catalog::identity::second_factors::{self, Held};
use yingdun_catalog::identity::sessions;
use yingdun_model::{ActorKind, Timestamp};

/// A passkey, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyView {
    /// By what it is named to its owner. Nothing else follows from it.
    pub reference: String,
    /// What the owner calls it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
}

impl Access {
    /// The passkeys of the person of a session, the oldest first.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`]; [`SignInError::Refused`] when the session is not one of a person.
    pub async fn own_passkeys(&self, session: &Session) -> Result<Vec<PasskeyView>, SignInError> {
        if session.actor_kind() != ActorKind::Person {
            return Err(SignInError::Refused);
        }
        let found = self.passkeys_of(session.institution(), session.actor()).await?;
        let view = |(passkey, kept): (Passkey, super::Kept)| PasskeyView {
            reference: reference(&passkey.credential_hash),
            name: kept.name,
            created: passkey.created,
            last_used: passkey.last_used,
        };
        Ok(found.into_iter().map(view).collect())
    }

    /// Removes a passkey of the person of a session, who must have proved a second factor within five minutes. Every other session of the
    /// person ends. Where it was the last that the role demands, this session has to get a new one first.
    ///
    /// # Errors
    /// [`PasskeyError::NotFresh`], [`PasskeyError::Unknown`].
    pub async fn remove_passkey(&self, session: &Session, named: &str) -> Result<(), SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let (institution, actor) = (claim.institution, claim.actor);
        let held = self.held_factors(institution, actor).await?;
        self.freshly_proved(session, &token_hash, held).await?;
        let found = passkeys::of_account(&self.inner.identity, institution, actor).await;
        let found = found.map_err(SignInError::Unavailable)?;
        let found = found.iter().find(|passkey| reference(&passkey.credential_hash) == named);
        let found = found.ok_or(PasskeyError::Unknown)?;
        let left = Held { passkeys: held.passkeys.saturating_sub(1), ..held };
        let now = self.inner.clock.now();
        self.note(session, "passkey-removed").await?;
        let mut changes = vec![
            passkeys::remove(institution, actor, &found.credential_hash),
            sessions::confirm(&token_hash),
            sessions::revoke_others(institution, actor, ActorKind::Person, &token_hash, now),
        ];
        if !left.any() {
            changes.push(second_factors::remove_codes(institution, actor));
        }
        if let Some(stage) = self.stage_with(session, left) {
            changes.push(sessions::unprove(&token_hash, stage));
        }
        match self.inner.identity.execute(changes).await {
            Ok(_) => Ok(()),
            Err(CatalogError::UnexpectedRows { statement: 0, .. }) => Err(PasskeyError::Unknown.into()),
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_sign_in(claim, Fault::RevokedToken).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }

    /// At which stage a session goes on whose person has only this left; none where it goes on as it is.
    fn stage_with(&self, session: &Session, left: Held) -> Option<Stage> {
        let rules = &self.inner.rules;
        if left.passkeys == 0 && rules.passkey_for.contains(&session.role()) {
            return Some(Stage::Enrol);
        }
        if left.any() {
            return None;
        }
        Some(if rules.demands_second_factor(session.role()) { Stage::Enrol } else { Stage::Whole })
    }
}

// === helpers ===

/// By what a passkey is named to its owner: sixteen hexadecimal digits.
fn reference(credential_hash: &[u8; 32]) -> String {
    credential_hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

//! Questions to a browser: a challenge, and what it has to know beside it.

use super::{CHALLENGE, user_handle};
use crate::access::Access;
use crate::second_factor::person_of;
use crate::session::Session;
use crate::sign_in::SignInError;
use std::time::Duration;
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::passkeys::{self, Ceremony, Challenge};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::random;
use yingdun_crypto::webauthn::{CHALLENGE_BYTES, RelyingParty};
use yingdun_model::{ActorId, InstitutionId};

/// A question to a browser, to be answered once and soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyQuestion {
    /// What the authenticator has to sign.
    pub challenge: [u8; CHALLENGE_BYTES],
    /// Who asks.
    pub party: RelyingParty,
    /// For whom a passkey is to be made; none where one is to be proved.
    pub person: Option<PasskeyPerson>,
    /// The credentials of the account: one of them has to be proved, and none of them is made again.
    pub credentials: Vec<Vec<u8>>,
    /// How long an answer counts.
    pub lasts: Duration,
}

/// A person, as authenticators name one to their owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyPerson {
    /// By what authenticators know the account.
    pub handle: [u8; 32],
    /// Where the account is.
    pub institution: InstitutionId,
    /// Its login name.
    pub actor: ActorId,
}

impl Access {
    /// Asks for the proof of a passkey of the person of a session, also of one that waits for this. What was asked before in the session is
    /// not answered any more.
    ///
    /// # Errors
    /// [`SignInError::NoSecondFactor`] when the account has no passkey;
    /// [`PasskeyError::Off`](super::PasskeyError::Off) when there are none here.
    pub async fn ask_for_passkey(&self, session: &Session) -> Result<PasskeyQuestion, SignInError> {
        if person_of(session).is_none() {
            return Err(SignInError::Refused);
        }
        self.party()?;
        let found = self.passkeys_of(session.institution(), session.actor()).await?;
        if found.is_empty() {
            return Err(SignInError::NoSecondFactor);
        }
        let credentials = found.into_iter().map(|(_, kept)| kept.credential).collect();
        self.ask(session, Ceremony::Prove, credentials).await
    }

    /// Opens a challenge in a session.
    pub(super) async fn ask(
        &self,
        session: &Session,
        ceremony: Ceremony,
        credentials: Vec<Vec<u8>>,
    ) -> Result<PasskeyQuestion, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let party = self.party()?.clone();
        let challenge = random::array();
        let until = self.inner.clock.now().after(CHALLENGE);
        let ask = passkeys::ask(&token_hash, &Challenge { ceremony, hash: sha256(&challenge), until });
        match self.inner.identity.execute(vec![ask]).await {
            Ok(_) => {}
            // The session was ended meanwhile.
            Err(CatalogError::UnexpectedRows { .. }) => return Err(SignInError::Refused),
            Err(error) => return Err(SignInError::Unavailable(error)),
        }
        let (institution, actor) = (claim.institution.clone(), claim.actor.clone());
        let person = (ceremony == Ceremony::Register).then(|| PasskeyPerson {
            handle: user_handle(&institution, &actor),
            institution,
            actor,
        });
        Ok(PasskeyQuestion { challenge, party, person, credentials, lasts: CHALLENGE })
    }

    /// The challenge that is open in a session, as far as this answers it: of the same kind and in time.
    pub(super) async fn asked(
        &self,
        token_hash: &[u8; 32],
        ceremony: Ceremony,
    ) -> Result<Option<Challenge>, SignInError> {
        let asked = passkeys::asked(&self.inner.identity, token_hash).await;
        let now = self.inner.clock.now();
        let asked = asked.map_err(SignInError::Unavailable)?;
        Ok(asked.filter(|challenge| challenge.ceremony == ceremony && now < challenge.until))
    }
}

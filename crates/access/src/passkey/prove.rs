//! Proving a passkey: to finish a sign-in, and to be strong for a while.

use super::{Kept, credential_hash, user_handle};
use crate::access::Access;
use crate::second_factor::person_of;
use crate::session::Session;
use crate::sign_in::{Claim, Fault, SignInError};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::passkeys::{self, Ceremony, Challenge, Passkey};
use yingdun_catalog::identity::sessions::Factor;
use yingdun_catalog::identity::{people, places};
use yingdun_crypto::webauthn::{self, Assertion, Question, RelyingParty};
use yingdun_model::Timestamp;

/// What a browser brings back of a passkey that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyProof {
    /// Which credential signed.
    pub credential: Vec<u8>,
    /// What the browser says that was asked (`clientDataJSON`).
    pub client: Vec<u8>,
    /// What the authenticator says (`authenticatorData`).
    pub authenticator: Vec<u8>,
    /// Its signature over both.
    pub signature: Vec<u8>,
    /// For whom the authenticator made the credential, where it says so.
    pub user_handle: Option<Vec<u8>>,
}

impl Access {
    /// Proves a passkey of the person of a session, by the answer to what was asked last in it. A session that waits for it is whole from then
    /// on; every session is strong for a while. Returns until when.
    ///
    /// # Errors
    /// [`SignInError::NoSecondFactor`]; [`SignInError::Refused`] when the answer does not prove it, was given before, or may not be tried now.
    pub async fn prove_passkey(
        &self,
        session: &Session,
        proof: &PasskeyProof,
    ) -> Result<Timestamp, SignInError> {
        let Some((claim, token_hash)) = person_of(session) else { return Err(SignInError::Refused) };
        let party = self.party()?;
        let (institution, actor) = (claim.institution, claim.actor);
        if self.held_factors(institution, actor).await?.passkeys == 0 {
            return Err(SignInError::NoSecondFactor);
        }
        let counted = self.counted(claim).await?;
        // Read behind the count, so that of attempts made at the same time each sees what the one before used.
        let found = self.passkeys_of(institution, actor).await?;
        let challenge = self.asked(&token_hash, Ceremony::Prove).await?;
        let now = self.inner.clock.now();
        let judged = judge(party, claim, &found, challenge, proof);
        let (passkey, challenge, count) = match judged {
            Ok(judged) => judged,
            Err(fault) => return Err(self.refuse_sign_in(claim, fault).await),
        };
        self.note(session, "passkey-proved").await?;
        let mut changes = vec![
            passkeys::answer(&token_hash, &challenge, now),
            passkeys::use_passkey(institution, actor, passkey, count, now),
            self.proved_by(session.role(), &token_hash, Factor::Passkey, now),
            places::succeed(institution, actor, &counted.place.digest, now),
        ];
        if counted.strangers.is_some() {
            changes.push(people::forget_strangers(institution, actor));
        }
        match self.inner.identity.execute(changes).await {
            Ok(_) => Ok(self.inner.rules.strong_until(now)),
            // Another node took the same answer first, or one of the same passkey with the same count.
            Err(CatalogError::UnexpectedRows { statement: 0 | 1, .. }) => {
                Err(self.refuse_sign_in(claim, Fault::ReplayedPasskey).await)
            }
            Err(CatalogError::UnexpectedRows { .. }) => {
                Err(self.refuse_sign_in(claim, Fault::RevokedToken).await)
            }
            Err(error) => Err(SignInError::Unavailable(error)),
        }
    }
}

/// Which passkey of an account is proved by this, as the answer to which challenge, and how often it has signed.
fn judge<'a>(
    party: &RelyingParty,
    claim: Claim<'_>,
    found: &'a [(Passkey, Kept)],
    challenge: Option<Challenge>,
    proof: &PasskeyProof,
) -> Result<(&'a Passkey, Challenge, u32), Fault> {
    let challenge = challenge.ok_or(Fault::ExpiredChallenge)?;
    let hash = credential_hash(&proof.credential);
    let (passkey, kept) =
        found.iter().find(|(passkey, _)| passkey.credential_hash == hash).ok_or(Fault::UnknownPasskey)?;
    let own = user_handle(claim.institution, claim.actor);
    if proof.user_handle.as_ref().is_some_and(|handle| !handle.is_empty() && **handle != own) {
        return Err(Fault::UnknownPasskey);
    }
    let question = Question { party, challenge_hash: &challenge.hash };
    let assertion =
        Assertion { client: &proof.client, authenticator: &proof.authenticator, signature: &proof.signature };
    let count = webauthn::verify(question, &kept.public_key, assertion).map_err(Fault::Passkey)?;
    if !webauthn::count_grows(passkey.sign_count, count) {
        return Err(Fault::PasskeyCopied);
    }
    Ok((passkey, challenge, count))
}

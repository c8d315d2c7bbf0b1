//! Whether a request is signed as its account demands: by a key of the account, of now, and for the first time.

use super::message::{CLOCK_SKEW_MAX, Signed};
use super::once::Use;
use super::{Demand, Message, MessageFault};
use crate::access::Access;
use crate::second_factor::claim_of;
use crate::session::Session;
use crate::sign_in::{Fault, SignInError};
use yingdun_catalog::identity::credentials::{self, CredentialKind};
use yingdun_crypto::digest::{same, sha256};
use yingdun_crypto::public_key::PublicKey;
use yingdun_model::Timestamp;

/// Why a request is not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MessageError {
    /// It is not signed as it has to be. It is on the ledger.
    #[error("the request is not signed as its account demands: {}", .0.as_str())]
    Refused(MessageFault),
    /// It could not be found out, or not written down.
    #[error(transparent)]
    Undecided(SignInError),
}

impl Session {
    /// Whether each request of this session has to be signed.
    #[must_use]
    pub fn has_to_sign(&self) -> bool {
        self.demands().contains(&Demand::Signature)
    }
}

impl Access {
    /// Verifies the signature of a request, which is good once, at whatever node. That the body is the one that was signed is looked at by
    /// whoever has the body: [`super::body_digest`].
    ///
    /// # Errors
    /// [`MessageError`]; refusals are on the ledger.
    pub async fn verify_message(&self, session: &Session, message: &Message<'_>) -> Result<(), MessageError> {
        let now = self.inner.clock.now();
        let signed = match Signed::read(message, now) {
            Ok(signed) => signed,
            Err(fault) => return Err(self.refuse_message(session, fault).await),
        };
        let undecided = |error| MessageError::Undecided(SignInError::Unavailable(error));
        let registered = credentials::of_client(&self.inner.identity, session.actor()).await;
        let registered = registered.map_err(undecided)?;
        let named = registered.iter().find(|credential| {
            credential.kind == CredentialKind::SignatureKey
                && credential.institution == *session.institution()
                && now < credential.valid_until
                && digest_of(&signed.key_id).is_some_and(|digest| same(&digest, &credential.digest))
        });
        let key = named.and_then(|credential| PublicKey::from_spki(credential.public_key.as_deref()?));
        let Some(key) = key else {
            return Err(self.refuse_message(session, MessageFault::UnknownKey).await);
        };
        if !signed.holds(message, &key) {
            return Err(self.refuse_message(session, MessageFault::Signature).await);
        }
        let text = [
            b"yingdun/signed-request/v1".as_slice(),
            signed.key_id.as_bytes(),
            b"\n",
            signed.nonce.as_bytes(),
        ];
        let expires = latest(now);
        let account = session.actor().as_str();
        let used =
            self.inner.once.spend(&self.inner.identity, account, &sha256(&text.concat()), expires, now).await;
        match used.map_err(undecided)? {
            Use::First => Ok(()),
            Use::Again => Err(self.refuse_message(session, MessageFault::Replayed).await),
            Use::Full => Err(MessageError::Undecided(SignInError::TooManyProofs)),
        }
    }

    /// Writes down that a request is not what its account demands.
    pub async fn refuse_message(&self, session: &Session, fault: MessageFault) -> MessageError {
        match self.refuse_sign_in(claim_of(session), Fault::Message(fault)).await {
            SignInError::Refused => MessageError::Refused(fault),
            other => MessageError::Undecided(other),
        }
    }
}

// === helpers ===

/// When a signature that is good now could not come again: it may be of a minute ahead, and is good for a minute then.
fn latest(now: Timestamp) -> Timestamp {
    now.after(CLOCK_SKEW_MAX).after(CLOCK_SKEW_MAX)
}

/// A key is named by SHA-256 over its SubjectPublicKeyInfo, 64 hexadecimal digits.
fn digest_of(key_id: &str) -> Option<[u8; 32]> {
    let mut digest = [0_u8; 32];
    if key_id.len() != 64 || !key_id.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(key_id.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

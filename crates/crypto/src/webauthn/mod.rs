//! Passkeys (W3C WebAuthn, level 3): whether what a browser brings back is what its authenticator made for this very question. Pure
//! functions over bytes; who asks, and which questions are open, is the business of the room above.
//!
//! Attestation is not asked for and not read: which device somebody uses is not believed, that the person holds the key is proved.
//! The user must have been *verified* by the authenticator, by a finger, a face or a PIN: a key that was found on a desk opens nothing.

mod cbor;
mod data;
mod key;
mod party;

pub use key::ALGORITHMS;
pub use party::{PartyError, RelyingParty};

use crate::digest::sha256;
use data::{Ceremony, client_data, proof, registration};
use key::PublicKey;

/// Bytes of a challenge (§13.4.3 demands 16 at least).
pub const CHALLENGE_BYTES: usize = 32;
/// The longest answer of a browser of which one part is looked at, in bytes. Client data has some two hundred, a registration without
/// attestation some two hundred and, with a key of RSA, eight hundred.
pub const PART_BYTES_MAX: usize = 8 << 10;
/// The longest name of a credential (§4, "Credential ID").
pub const CREDENTIAL_ID_BYTES_MAX: usize = 1023;

/// Why an answer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not written as the standard says, or too long.
    Malformed,
    /// It answers another kind of question: a registration where a proof was asked for, or the other way round.
    Ceremony,
    /// It answers another challenge.
    Challenge,
    /// A page of another origin asked.
    Origin,
    /// A page asked that another page had in a frame.
    Framed,
    /// It was made for somebody else.
    Party,
    /// The authenticator did not verify who is there.
    Unverified,
    /// The key is of an algorithm that was not asked for.
    Algorithm,
    /// Another key signed, or nobody.
    Signature,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Ceremony,
        Self::Challenge,
        Self::Origin,
        Self::Framed,
        Self::Party,
        Self::Unverified,
        Self::Algorithm,
        Self::Signature,
    ];

    /// The word on the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "passkey-malformed",
            Self::Ceremony => "passkey-other-ceremony",
            Self::Challenge => "passkey-other-challenge",
            Self::Origin => "passkey-other-origin",
            Self::Framed => "passkey-in-a-frame",
            Self::Party => "passkey-other-party",
            Self::Unverified => "passkey-without-verification",
            Self::Algorithm => "passkey-other-algorithm",
            Self::Signature => "passkey-wrong-signature",
        }
    }
}

/// The question that an answer has to fit.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub party: &'a RelyingParty,
    /// SHA-256 of the challenge.
    pub challenge_hash: &'a [u8; 32],
}

/// A passkey that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// By what its authenticator knows it.
    pub id: Vec<u8>,
    /// Its public key, as the authenticator wrote it.
    pub public_key: Vec<u8>,
    /// How often it has signed, or nothing for ever.
    pub count: u32,
}

/// Reads the answer to a question for a new passkey (§7.1).
///
/// # Errors
/// [`Fault`], the first that is found.
pub fn register(question: Question<'_>, client: &[u8], attestation: &[u8]) -> Result<NewCredential, Fault> {
    client_data(client, Ceremony::Create, question)?;
    let made = registration(attestation, question.party)?;
    PublicKey::parse(made.public_key)?;
    Ok(NewCredential {
        id: made.credential.to_vec(),
        public_key: made.public_key.to_vec(),
        count: made.count,
    })
}

/// What a browser brings back of a passkey.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// What the browser says that was asked.
    pub client: &'a [u8],
    /// What the authenticator says.
    pub authenticator: &'a [u8],
    /// Its signature over both.
    pub signature: &'a [u8],
}

/// Verifies the answer to a question for the proof that somebody has the passkey with this key (§7.2). Gives how often the passkey
/// has signed.
///
/// # Errors
/// [`Fault`], the first that is found.
pub fn verify(question: Question<'_>, public_key: &[u8], assertion: Assertion<'_>) -> Result<u32, Fault> {
    let Assertion { client, authenticator, signature } = assertion;
    client_data(client, Ceremony::Get, question)?;
    let count = proof(authenticator, question.party)?;
    let mut message = authenticator.to_vec();
    message.extend(sha256(client));
    if signature.len() <= PART_BYTES_MAX && PublicKey::parse(public_key)?.has_signed(&message, signature) {
        Ok(count)
    } else {
        Err(Fault::Signature)
    }
}

/// Whether a count may follow another one (§7.2, step 22): it grows, unless the authenticator does not count. One that does not grow says
/// that there are two of a key of which there is one.
#[must_use]
pub const fn count_grows(kept: u32, came: u32) -> bool {
    came > kept || (kept == 0 && came == 0)
}

#[cfg(test)]
mod tests;

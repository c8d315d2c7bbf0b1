//! Passkeys of people (WebAuthn): a second factor that answers to one origin only, so that no page of somebody else gets anything of use.
//!
//! ```text
//!  first factor: password ─┐
//!  a further one: proved ──┴► begin ─► challenge in the row of the session ─► the browser makes a passkey ─► confirm
//!  session at `prove`, or one that has to be strong ─► ask ─► challenge ─► the browser signs ─► prove
//! ```
//!
//! A challenge belongs to one session, is answered once, within minutes, and only for what it was asked: answer, count of the passkey and
//! session change in one transaction, so that of two nodes that see one answer at the same time one refuses. Attempts are
//! counted like codes. What an answer has to be is told in `yingdun_crypto::webauthn`; here is whose it may be.
//!
//! What is kept of a passkey is no secret, and lies sealed under a key of the institution all the same: the table does not tell which devices
//! people carry. A digest of the credential finds it, and keeps it from belonging to two.

mod ask;
mod manage;
mod prove;
mod register;

pub use ask::{PasskeyPerson, PasskeyQuestion};
pub use manage::PasskeyView;
pub use prove::PasskeyProof;
pub use register::NewPasskey;

use crate::access::Access;
use crate::session::{Session, SignIn};
use crate::sign_in::SignInError;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use yingdun_catalog::Statement;
use yingdun_catalog::identity::passkeys::{self, Passkey};
use yingdun_catalog::identity::people;
use yingdun_catalog::identity::second_factors::{self, Held};
use yingdun_catalog::identity::sessions::{self, Factor, SessionRow};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::webauthn::RelyingParty;
use yingdun_crypto::{Context, Sealed};
use yingdun_model::{ActorId, InstitutionId, Role, Timestamp};

/// Passkeys of one account: some computers, a phone, keys in a drawer.
const PASSKEYS_MAX: i64 = 10;
/// How long a challenge waits for its answer: to find the key and its PIN.
const CHALLENGE: Duration = Duration::from_secs(5 * 60);
/// How long what was proved is fresh enough to change what proves: a session that somebody left open is no way to stay in it for ever.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// The longest name of a passkey, in characters.
pub const PASSKEY_NAME_CHARACTERS_MAX: usize = 64;

/// Why something was not done with passkeys, as far as the person who asks is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// There are none here.
    #[error("passkeys are not offered here: web.public_url is not the https address of a host with a name")]
    Off,
    /// Something has to be proved anew.
    #[error("this takes a second factor that was proved in this session within the last five minutes")]
    NotFresh,
    /// A code is not enough.
    #[error("the role demands a passkey; a code does not stand in for it")]
    Demanded,
    /// The credential is known already, of whomever.
    #[error("this passkey is registered already")]
    Taken,
    /// There are enough.
    #[error("an account has at most {PASSKEYS_MAX} passkeys; remove one that is not used any more")]
    TooMany,
    /// The name says nothing.
    #[error("a passkey has a name of 1 to {PASSKEY_NAME_CHARACTERS_MAX} characters")]
    Name,
    /// There is no such passkey.
    #[error("the account has no such passkey")]
    Unknown,
}

/// What is sealed of a passkey.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    credential: Vec<u8>,
    public_key: Vec<u8>,
    name: String,
}

impl Access {
    /// Whether passkeys are offered here.
    #[must_use]
    pub fn offers_passkeys(&self) -> bool {
        self.inner.rules.relying_party.is_some()
    }

    /// What a person has to prove who is there.
    pub(crate) async fn held_factors(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<Held, SignInError> {
        let held = second_factors::held(&self.inner.identity, institution, actor).await;
        held.map_err(SignInError::Unavailable)
    }

    /// The change that makes a session strong, and whole: unless its role demands a passkey, and this was another factor. Then the session goes
    /// on to get one.
    pub(crate) fn proved_by(
        &self,
        role: Role,
        token_hash: &[u8; 32],
        factor: Factor,
        now: Timestamp,
    ) -> Statement {
        if factor != Factor::Passkey && self.inner.rules.passkey_for.contains(&role) {
            return sessions::prove_to_enrol(token_hash, factor, now);
        }
        sessions::prove(token_hash, factor, now, self.person_session_ends(now))
    }

    /// Refuses unless the person of a session has proved in it, a moment ago, what there is to prove.
    pub(crate) async fn freshly_proved(
        &self,
        session: &Session,
        token_hash: &[u8; 32],
        held: Held,
    ) -> Result<(), SignInError> {
        let row = self.proved_enough(session, token_hash, held).await?;
        let now = self.inner.clock.now();
        let fresh = proved_in(&row).is_some_and(|proved| proved <= now && now < proved.after(FRESH));
        if fresh { Ok(()) } else { Err(PasskeyError::NotFresh.into()) }
    }

    /// The row of a session in which factors may be changed as far as it matters what was proved: where there is a passkey, and any role of
    /// the person demands one, it was a passkey. The role that is activated is not all: a code would open the way to the others.
    pub(crate) async fn proved_enough(
        &self,
        session: &Session,
        token_hash: &[u8; 32],
        held: Held,
    ) -> Result<SessionRow, SignInError> {
        let (identity, rules) = (&self.inner.identity, &self.inner.rules);
        let standing = sessions::standing(identity, token_hash).await;
        let row = standing.map_err(SignInError::Unavailable)?.map(|standing| standing.session);
        let person = people::find(identity, session.institution(), session.actor()).await;
        let roles = person.map_err(SignInError::Unavailable)?.map(|person| person.roles).unwrap_or_default();
        let demanded = roles.iter().chain([&session.role()]).any(|role| rules.passkey_for.contains(role));
        row.filter(|row| {
            let enough = row.proved_by == Some(Factor::Passkey) || held.passkeys == 0 || !demanded;
            row.revoked.is_none() && enough
        })
        .ok_or_else(|| PasskeyError::NotFresh.into())
    }

    fn party(&self) -> Result<&RelyingParty, SignInError> {
        self.inner.rules.relying_party.as_ref().ok_or_else(|| PasskeyError::Off.into())
    }

    /// The passkeys of an account with what is sealed of them.
    async fn passkeys_of(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<Vec<(Passkey, Kept)>, SignInError> {
        let found = passkeys::of_account(&self.inner.identity, institution, actor).await;
        let found = found.map_err(SignInError::Unavailable)?.into_iter().map(|passkey| {
            let sealed = Sealed::from_bytes(passkey.sealed.clone());
            let context = context(institution, actor, &passkey.credential_hash);
            let kept = sealed.open(&self.inner.identity_key, &context);
            kept.map(|kept| (passkey, kept)).map_err(|_| SignInError::SecondFactorDamaged)
        });
        found.collect()
    }
}

// === helpers ===

/// When a factor was proved in a session itself. What was proved on our page, before a program got its token, lets the program open what is
/// sensitive, and not change what proves.
fn proved_in(row: &SessionRow) -> Option<Timestamp> {
    let of_program = row.sign_in == SignIn::AuthorizationCode.as_str();
    row.proved.filter(|proved| !of_program || *proved > row.issued)
}

/// By what a credential is found.
fn credential_hash(credential: &[u8]) -> [u8; 32] {
    let mut text = b"yingdun/passkey/v1\n".to_vec();
    text.extend(credential);
    sha256(&text)
}

/// What a sealed passkey is bound to: moved to another account or another credential it does not open.
fn context(institution: &InstitutionId, actor: &ActorId, credential_hash: &[u8; 32]) -> Context {
    Context::new("yingdun/passkey/v1")
        .field(institution.as_str())
        .field(actor.as_str())
        .field(credential_hash)
}

/// By what authenticators know an account: nothing follows from it but that it is the same one.
fn user_handle(institution: &InstitutionId, actor: &ActorId) -> [u8; 32] {
    sha256(format!("yingdun/passkey-user/v1\n{}\n{}", institution.as_str(), actor.as_str()).as_bytes())
}

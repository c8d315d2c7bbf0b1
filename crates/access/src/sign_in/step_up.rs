//! Proving once more who is there, before something that a session which somebody left open must not do.

use super::{Claim, Fault, SignInError};
use crate::access::Access;
use crate::session::{Proof, Session, SignIn};
use std::time::Duration;
use yingdun_catalog::identity::sessions;
use yingdun_model::{ActorKind, Secret, Timestamp};

/// How long a sign-in with a password counts as if it had just been made.
const RECENT_SIGN_IN: Duration = Duration::from_secs(5 * 60);

impl Access {
    /// Proves that the person of a session is there: by a strong sign-in of the last minutes, or by the password now. Wrong
    /// attempts count like failed sign-ins.
    ///
    /// # Errors
    /// [`SignInError::Refused`] without either.
    pub(crate) async fn step_up(
        &self,
        session: &Session,
        password: Option<Secret<String>>,
    ) -> Result<(), SignInError> {
        let (institution, actor, kind) = (session.institution(), session.actor(), session.actor_kind());
        let claim =
            Claim { institution, actor, kind, role: Some(session.role()), address: session.peer().address };
        let (ActorKind::Person, Proof::Token(token_hash)) = (kind, session.proof()) else {
            return Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await);
        };
        match password {
            Some(password) => self.prove(claim, password).await.map(|_| ()),
            None if self.signed_in_recently(session.sign_in(), token_hash).await? => Ok(()),
            None => Err(SignInError::Refused),
        }
    }

    /// Whether this session was opened just now, in a way that proves who is there, or a second factor was proved in it just now.
    async fn signed_in_recently(&self, way: SignIn, token_hash: &[u8; 32]) -> Result<bool, SignInError> {
        let standing = sessions::standing(&self.inner.identity, token_hash).await;
        let Some(row) = standing.map_err(SignInError::Unavailable)?.map(|standing| standing.session) else {
            return Ok(false);
        };
        let now = self.inner.clock.now();
        let opened = match way {
            SignIn::Password | SignIn::Ldap => Some(row.issued),
            // A provider that knows the person from hours ago proves nothing of now.
            SignIn::OpenIdConnect => row.directory.map(|proof| proof.authenticated),
            SignIn::LoginLink
            | SignIn::AuthorizationCode
            | SignIn::ClientCredentials
            | SignIn::ClientCertificate
            | SignIn::ExternalToken
            | SignIn::DeviceCertificate
            | SignIn::DevicePlain
            | SignIn::Internal => None,
        };
        let recent = |at: Timestamp| at <= now && now < at.after(RECENT_SIGN_IN);
        Ok(opened.into_iter().chain(row.proved).any(recent))
    }
}

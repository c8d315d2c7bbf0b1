//! The provider says that somebody signed out there, or has to (OpenID Connect Back-Channel Logout 1.0).

use super::OidcSetup;
use super::token::{CLOCK_SKEW_MAX, LogoutToken};
use crate::access::Access;
use crate::directory::{Source, Subject};
use crate::ledger;
use crate::session::Peer;
use crate::sign_in::{Fault, SignInError};
use yingdun_audit::{Counts, Event, EventKind, Outcome};
use yingdun_catalog::identity::{directories, sessions};
use yingdun_model::ActorKind;

impl Access {
    /// Ends the sessions that rest on a session of the provider, or on everything of one person there; of a person who is named beside a
    /// session also those that rest on no session by name. A token that comes again ends
    /// nothing that was opened since. Returns how many ended.
    ///
    /// # Errors
    /// [`SignInError::Refused`] for a token that is not believed; [`SignInError::NoDirectory`]; [`SignInError::DirectoryUnavailable`].
    pub async fn oidc_logout(&self, token: &str, peer: Peer) -> Result<u64, SignInError> {
        let OidcSetup { rules, .. } = self.inner.oidc.as_ref().ok_or(SignInError::NoDirectory)?;
        let now = self.inner.clock.now();
        let read = self
            .read_token(|keys| LogoutToken::read(token, keys, &rules.issuer, &rules.client_id, now))
            .await?;
        let logout = match read {
            Ok(logout) => logout,
            Err(fault) => return Err(self.refuse_unknown(peer, Fault::Token(fault)).await),
        };
        let until = logout.issued.after(CLOCK_SKEW_MAX);
        let by_subject = logout
            .subject
            .map(|subject| Subject { directory: rules.issuer.clone(), subject }.digest(Source::Oidc));
        let by_session =
            logout.session.map(|session| Subject::session_digest(Source::Oidc, &rules.issuer, &session));
        let revoke = match (by_session, by_subject) {
            // One session of the person: the others go on, but for those that could rest on it, as their ID token named none.
            (Some(session), Some(subject)) => vec![
                sessions::revoke_directory_session(&session, until, now),
                sessions::revoke_subject_without_session(&subject, until, now),
            ],
            (Some(session), None) => vec![sessions::revoke_directory_session(&session, until, now)],
            (None, Some(subject)) => vec![sessions::revoke_subject(&subject, until, now)],
            (None, None) => return Ok(0),
        };
        let bound = match by_subject {
            Some(subject) => directories::find(&self.inner.identity, &self.inner.institution, &subject)
                .await
                .map_err(SignInError::Unavailable)?,
            None => None,
        };
        let system = self.system_session();
        let mut event = Event {
            kind: EventKind::Authentication,
            outcome: Outcome::Permitted,
            counts: Counts::new(),
            ..ledger::session_leaf(&system, ledger::word("provider-logout"))
        };
        if let Some(bound) = bound {
            (event.actor, event.actor_kind, event.role) = (bound.actor, ActorKind::Person, None);
        }
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let ended = self.inner.identity.execute(revoke).await.map_err(SignInError::Unavailable)?;
        Ok(ended.iter().sum())
    }
}

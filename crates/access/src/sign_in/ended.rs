//! Why a session is over, for whoever still holds its token: the browser at which somebody comes back.

use super::SignInError;
use super::bearer::PERSON_SESSION;
use super::token::hash_of;
use crate::access::Access;
use crate::session::Peer;
use yingdun_catalog::identity::sessions;
use yingdun_model::ActorKind;

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Nobody used it for longer than its role may rest here.
    Rested {
        /// How long that is.
        minutes: u64,
    },
    /// It lasted as long as a session does.
    Expired {
        /// How long that is.
        hours: u64,
    },
    /// Somebody ended it, or the account lost it.
    Ended,
}

impl Access {
    /// Why the session of a token is over; nothing where it goes on, or was never one. It opens nothing, and is no use of the session.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`].
    pub async fn session_end(&self, token: &str, peer: Peer) -> Result<Option<SessionEnd>, SignInError> {
        let Some(hash) = hash_of(token) else { return Ok(None) };
        let standing = sessions::standing(&self.inner.identity, &hash).await;
        let Some(standing) = standing.map_err(SignInError::Unavailable)? else { return Ok(None) };
        let (row, now) = (&standing.session, self.inner.clock.now());
        if row.actor_kind != ActorKind::Person {
            return Ok(None);
        }
        if row.revoked.is_some() {
            return Ok(Some(SessionEnd::Ended));
        }
        if self.has_rested(row, peer.address, now) {
            let rest = self.inner.rules.idle.limit(row.role, peer.address);
            return Ok(Some(SessionEnd::Rested { minutes: rest.as_secs() / 60 }));
        }
        if row.expires <= now {
            return Ok(Some(SessionEnd::Expired { hours: PERSON_SESSION.as_secs() / 3600 }));
        }
        Ok((standing.disabled || !standing.role_held).then_some(SessionEnd::Ended))
    }
}

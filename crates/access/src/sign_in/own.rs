//! The sessions of an account: where and since when somebody is signed in, and ending one from elsewhere.

use super::{Fault, SignInError};
use crate::access::Access;
use crate::ledger;
use crate::second_factor::{claim_of, person_of};
use crate::session::{Origin, Session, SessionId};
use yingdun_audit::{Event, EventKind};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::sessions::{self, SessionRow, Stage};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Timestamp};

/// Sessions of one account that are shown: the newest. Who has more signed in by a program that never signs out.
const SHOWN_MAX: u32 = 200;

/// A living session, as its owner and the officer in charge see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// By what it is named. It is no credential.
    pub reference: String,
    /// The activated role.
    pub role: Role,
    /// How the person signed in, as the word of [`crate::SignIn`].
    pub sign_in: String,
    /// How far it has come.
    pub stage: Stage,
    /// When it was opened.
    pub issued: Timestamp,
    /// When it was last used, to within half a minute.
    pub last_used: Timestamp,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// When a second factor was last proved in it.
    pub proved: Option<Timestamp>,
    /// Where it was opened; none of one from before this was kept.
    pub origin: Option<Origin>,
}

impl Access {
    /// The living sessions of the person of a session, the newest first.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`]; [`SignInError::Refused`] when the session is not one of a person.
    pub async fn own_sessions(&self, session: &Session) -> Result<Vec<SessionView>, SignInError> {
        if person_of(session).is_none() {
            return Err(SignInError::Refused);
        }
        let rows = self.living_sessions(session.institution(), session.actor()).await;
        let rows = rows.map_err(SignInError::Unavailable)?;
        Ok(rows.into_iter().map(|(_, view)| view).collect())
    }

    /// Ends one session of the person of a session, which may be that session itself. Returns whether there was one.
    ///
    /// # Errors
    /// As [`Self::own_sessions`]; [`SignInError::AuditUnavailable`], then nothing has ended.
    pub async fn end_own_session(&self, session: &Session, reference: &str) -> Result<bool, SignInError> {
        if person_of(session).is_none() {
            return Err(self.refuse_sign_in(claim_of(session), Fault::UnknownAccount).await);
        }
        let living = self.living_sessions(session.institution(), session.actor()).await;
        let living = living.map_err(SignInError::Unavailable)?;
        let Some((row, _)) = living.into_iter().find(|(_, view)| view.reference == reference) else {
            return Ok(false);
        };
        let event = ledger::session_leaf(session, ledger::word("own-session-ended"));
        let event = Event { kind: EventKind::Authentication, ..event };
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let revoke = sessions::revoke(&row.token_hash, self.inner.clock.now());
        self.inner.identity.execute(vec![revoke]).await.map_err(SignInError::Unavailable)?;
        Ok(true)
    }

    /// The living sessions of a person, with what ends them.
    pub(crate) async fn living_sessions(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
    ) -> Result<Vec<(SessionRow, SessionView)>, CatalogError> {
        let now = self.inner.clock.now();
        let rows =
            sessions::living(&self.inner.identity, institution, actor, ActorKind::Person, now, SHOWN_MAX);
        let seen = rows.await?.into_iter().filter_map(|row| {
            let origin = self.open_origin(&row);
            let address = origin.as_ref().map(|origin| origin.address);
            let idle = address.is_some_and(|address| self.has_rested(&row, address, now));
            (!idle).then(|| (view(&row, origin), row))
        });
        Ok(seen.map(|(view, row)| (row, view)).collect())
    }
}

fn view(row: &SessionRow, origin: Option<Origin>) -> SessionView {
    SessionView {
        reference: SessionId(row.token_hash).reference(),
        role: row.role,
        sign_in: row.sign_in.clone(),
        stage: row.stage,
        issued: row.issued,
        last_used: row.last_used.unwrap_or(row.issued),
        expires: row.expires,
        proved: row.proved,
        origin,
    }
}

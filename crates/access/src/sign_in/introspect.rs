//! Token introspection (RFC 7662): whether a token works and whose it is, for a program that was granted to ask.

use super::token::hash_of;
use super::{SignInError, Stage};
use crate::access::Access;
use crate::decision::{Scope, parse_scopes};
use crate::ledger;
use crate::programs::meets_demands;
use crate::session::Session;
use std::collections::BTreeSet;
use yingdun_audit::{Counts, Event, EventKind, Outcome};
use yingdun_catalog::identity::sessions::{self, Bound, Standing};
use yingdun_crypto::digest::sha256;
use yingdun_model::{ActorId, ActorKind, InstitutionId, Role, Timestamp};

/// What is told of a token that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// Whose it is.
    pub actor: ActorId,
    /// What kind of thing that is.
    pub kind: ActorKind,
    /// The activated role.
    pub role: Role,
    /// What a service client is granted at this moment; empty for people.
    pub scopes: BTreeSet<Scope>,
    /// When it was given.
    pub issued: Timestamp,
    /// From when on it is dead.
    pub expires: Timestamp,
    /// What has to be shown with it.
    pub bound: Bound,
}

impl Access {
    /// What a token is, to a service client with the scope of asking. Nothing is told of a token that would not be taken at this moment,
    /// or belongs elsewhere, and all of those cost the same: one look-up and one leaf. It is not used by being asked about.
    ///
    /// # Errors
    /// [`SignInError::Refused`] when the session is not one of a service with [`Scope::Introspect`], which is written down;
    /// [`SignInError::AuditUnavailable`] and [`SignInError::Unavailable`], then nothing is told.
    pub async fn introspect(&self, session: &Session, token: &str) -> Result<Option<TokenView>, SignInError> {
        if !may_ask(session) {
            self.note_question(session, Outcome::Refused, Counts::new(), None).await?;
            return Err(SignInError::Refused);
        }
        // What cannot be a token is looked up all the same, and is not found.
        let hash = hash_of(token).unwrap_or_else(|| sha256(token.as_bytes()));
        let standing = sessions::standing(&self.inner.identity, &hash).await;
        let standing = standing.map_err(SignInError::Unavailable)?;
        let now = self.inner.clock.now();
        let found = standing.filter(|standing| {
            let stage = self.inner.rules.stage_of(&standing.session);
            let origin = self.open_origin(&standing.session);
            let has_rested =
                origin.is_some_and(|origin| self.has_rested(&standing.session, origin.address, now));
            works(standing, session.institution(), stage, now) && !has_rested
        });
        let view = found.map(view);
        let counts = Counts::new().with("active", u64::from(view.is_some()));
        let asked = view.as_ref().map(|view| &view.actor);
        self.note_question(session, Outcome::Permitted, counts, asked).await?;
        Ok(view)
    }

    /// Writes down who asked, and sealed beside it of whom something was told.
    async fn note_question(
        &self,
        session: &Session,
        outcome: Outcome,
        counts: Counts,
        told_of: Option<&ActorId>,
    ) -> Result<(), SignInError> {
        let seal = |of: &ActorId| {
            ledger::sealed(&self.inner.detail_key, session.institution(), &of.as_str().to_owned())
        };
        let event = Event {
            kind: EventKind::Query,
            outcome,
            counts,
            detail: told_of.and_then(seal),
            ..ledger::session_leaf(session, ledger::word("token-introspected"))
        };
        self.inner.log.append_one(event).await.map(drop).map_err(SignInError::AuditUnavailable)
    }
}

// === helpers ===

/// Whether a session may ask about tokens. The scopes are those of this request: they were read with its token.
fn may_ask(session: &Session) -> bool {
    session.actor_kind() == ActorKind::Service
        && session.stage() == Stage::Whole
        && session.scopes().contains(&Scope::Introspect)
}

/// Whether a token would be taken at this moment by whoever shows what it is bound to.
fn works(standing: &Standing, institution: &InstitutionId, stage: Stage, now: Timestamp) -> bool {
    let row = &standing.session;
    row.institution == *institution
        && row.revoked.is_none()
        && now < row.expires
        && stage == Stage::Whole
        && !standing.disabled
        && standing.role_held
        && meets_demands(standing)
}

fn view(standing: Standing) -> TokenView {
    let scopes = parse_scopes(&standing.scopes);
    let row = standing.session;
    TokenView {
        actor: row.actor,
        kind: row.actor_kind,
        role: row.role,
        scopes,
        issued: row.issued,
        expires: row.expires,
        bound: row.bound,
    }
}

//! What officers do about the sessions and second factors of others: see and end them (system administrator), reset a second
//! factor that was lost (security administrator). Who can send a new invitation can reset no second factor and the other way
//! round, so nobody takes an account over alone.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::session::Session;
use crate::sign_in::SessionView;
use std::collections::BTreeSet;
use yingdun_catalog::identity::{passkeys, second_factors, sessions};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{Action, ActorId, ActorKind};

impl Access {
    /// The living sessions of a person, the newest first. That an officer looked is on the ledger: it tells where somebody works.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn sessions_of(
        &self,
        officer: &Session,
        actor: &ActorId,
    ) -> Result<Vec<SessionView>, AdminError> {
        let change =
            Change { action: Action::ManageAccounts, code: "list-sessions", detail: ChangeDetail::of(actor) };
        self.intend(officer, change).await?;
        let living =
            self.living_sessions(officer.institution(), actor).await.map_err(AdminError::Unavailable)?;
        Ok(living.into_iter().map(|(_, view)| view).collect())
    }

    /// Ends one session of a person at once.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the person has no such session.
    pub async fn end_session(
        &self,
        officer: &Session,
        actor: &ActorId,
        reference: &str,
    ) -> Result<(), AdminError> {
        let change = Change {
            action: Action::ManageAccounts,
            code: "end-session",
            detail: ChangeDetail::with(actor, reference),
        };
        let (intent, detail) = self.intend(officer, change).await?;
        let living =
            self.living_sessions(officer.institution(), actor).await.map_err(AdminError::Unavailable)?;
        let found = living.into_iter().find(|(_, view)| view.reference == reference);
        let outcome = match found {
            Some((row, _)) => {
                let revoke = sessions::revoke(&row.token_hash, self.inner.clock.now()).expecting(1);
                self.inner.identity.execute(vec![revoke]).await
            }
            None => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
        };
        self.carry_out(intent, detail, outcome).await.map(|_| ())
    }

    /// Removes the second factors of somebody who lost them, app, passkeys and recovery codes, and ends every session of that person. The
    /// password stays.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none; [`AdminError::OwnSecondFactor`] for one's own.
    pub async fn reset_second_factor(&self, officer: &Session, actor: &ActorId) -> Result<(), AdminError> {
        if actor == officer.actor() {
            return Err(AdminError::OwnSecondFactor);
        }
        let (now, institution) = (self.inner.clock.now(), officer.institution());
        let change = Change {
            action: Action::ManageRights,
            code: "reset-second-factor",
            detail: ChangeDetail::of(actor),
        };
        let (intent, detail) = self.intend(officer, change).await?;
        let outcome = match second_factors::held(&self.inner.identity, institution, actor).await {
            Ok(held) if held.any() => {
                let mut statements: Vec<Statement> = second_factors::remove_all(institution, actor).into();
                statements.push(passkeys::remove_all(institution, actor));
                statements.push(sessions::revoke_actor(institution, actor, ActorKind::Person, now));
                self.inner.identity.execute(statements).await
            }
            Ok(_) => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await.map(|_| ())
    }

    /// Who has a second factor, for an officer who may read accounts.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn second_factor_holders(&self, officer: &Session) -> Result<BTreeSet<ActorId>, AdminError> {
        self.may_read_accounts(officer).await?;
        let holders = second_factors::holders(&self.inner.identity, officer.institution()).await;
        Ok(holders.map_err(AdminError::Unavailable)?.into_iter().collect())
    }
}

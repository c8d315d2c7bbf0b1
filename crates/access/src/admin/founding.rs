//! The first hour of an installation: three officers who did not exist before. And the login link of a
//! demonstration. Both can be asked for by the program itself only, never through a door.

use super::people::{OneTimeLink, invitation, login_link};
use super::{AdminError, ChangeDetail};
use crate::access::{Access, Refusal};
use crate::ledger;
use crate::session::Session;
use yingdun_catalog::Statement;
use yingdun_catalog::identity::{links, people};
use yingdun_model::{ActorId, ActorKind, Role};

/// The three administrators, who must be three people (三员分立).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Officers {
    /// 系统管理员.
    pub system: ActorId,
    /// 安全管理员.
    pub security: ActorId,
    /// 审计管理员.
    pub audit: ActorId,
}

impl Access {
    /// Creates the three officers of an institution that has nobody yet, and invites them. In the order system,
    /// security, audit.
    ///
    /// # Errors
    /// [`AdminError::AlreadyFounded`] when there is anybody already; [`AdminError::OfficersNotDistinct`].
    pub async fn found(&self, system: &Session, officers: &Officers) -> Result<[OneTimeLink; 3], AdminError> {
        only_system(system)?;
        let Officers { system: first, security, audit } = officers;
        if first == security || security == audit || audit == first {
            return Err(AdminError::OfficersNotDistinct);
        }
        let institution = system.institution();
        let existing = people::count(&self.inner.identity, institution).await;
        if existing.map_err(AdminError::Unavailable)? != 0 {
            return Err(AdminError::AlreadyFounded);
        }
        let now = self.inner.clock.now();
        let mut statements: Vec<Statement> = Vec::new();
        let mut invite = |actor: &ActorId, role: Role| {
            let (link, row) = invitation(institution, actor, now);
            statements.push(people::insert(institution, actor, now, system.actor()));
            statements.extend(people::give_role(institution, actor, role, now, system.actor()));
            statements.push(links::insert(&row));
            link
        };
        let invitations = [
            invite(first, Role::SystemAdministrator),
            invite(security, Role::SecurityAdministrator),
            invite(audit, Role::AuditAdministrator),
        ];
        let detail = ChangeDetail::of(format!("{first} {security} {audit}"));
        self.change_as_system(system, "found-installation", detail, statements).await?;
        Ok(invitations)
    }

    /// A link that signs a person in once, for a demonstration on this machine.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the person does not hold the role.
    pub async fn create_login_link(
        &self,
        system: &Session,
        actor: &ActorId,
        role: Role,
    ) -> Result<OneTimeLink, AdminError> {
        only_system(system)?;
        let institution = system.institution();
        let person = people::find(&self.inner.identity, institution, actor).await;
        let person = person.map_err(AdminError::Unavailable)?;
        if !person.is_some_and(|person| person.roles.contains(&role) && !person.disabled) {
            return Err(AdminError::NotFound);
        }
        let (link, row) = login_link(institution, actor, role, self.inner.clock.now());
        let detail = ChangeDetail::with(actor, role);
        self.change_as_system(system, "create-login-link", detail, vec![links::insert(&row)]).await?;
        Ok(link)
    }

    /// A change by the archive itself: no office covers it, so no policy decides it, and the ledger has it.
    pub(super) async fn change_as_system(
        &self,
        system: &Session,
        code: &'static str,
        detail: ChangeDetail,
        statements: Vec<Statement>,
    ) -> Result<(), AdminError> {
        let event = ledger::session_leaf(system, ledger::word(code));
        let intent = self.record(event, &detail).await.map_err(Refusal::AuditUnavailable)?;
        self.carry_out(intent, detail, self.inner.identity.execute(statements).await).await.map(|_| ())
    }
}

pub(super) fn only_system(session: &Session) -> Result<(), AdminError> {
    if session.actor_kind() == ActorKind::System { Ok(()) } else { Err(AdminError::SystemOnly) }
}

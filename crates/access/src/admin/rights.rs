//! Rights: roles of people, scopes of service clients and devices, care relations. The office of the security administrator.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::decision::{Scope, words};
use crate::session::Session;
use std::collections::BTreeSet;
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::care::{self, CareRelation};
use yingdun_catalog::identity::{clients, devices, people};
use yingdun_model::{Action, ActorId, AeTitle, PatientRef, Role, Timestamp};

impl Access {
    /// Gives a person a role. An officer holds that one role only.
    ///
    /// # Errors
    /// [`AdminError::RoleConflict`] when an officer would hold two roles, or the person holds this one already;
    /// [`AdminError::NotFound`] for an unknown person.
    pub async fn give_role(&self, officer: &Session, actor: &ActorId, role: Role) -> Result<(), AdminError> {
        if matches!(role, Role::Device | Role::Service | Role::System) {
            return Err(AdminError::NotARoleOfPeople(role));
        }
        let now = self.inner.clock.now();
        let (intent, detail) = self.intend(officer, change("give-role", actor, role)).await?;
        let statements = people::give_role(officer.institution(), actor, role, now, officer.actor());
        let outcome = self.inner.identity.execute(statements.into()).await;
        // The first statement finds the person, the second one the conflict.
        let conflict = matches!(outcome, Err(CatalogError::UnexpectedRows { statement: 1, .. }));
        match self.carry_out(intent, detail, outcome).await {
            Err(AdminError::NotFound) if conflict => Err(AdminError::RoleConflict),
            other => other.map(|_| ()),
        }
    }

    /// Takes a role away. Sessions in which it is activated stop with their next decision.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the person does not hold it.
    pub async fn take_role(&self, officer: &Session, actor: &ActorId, role: Role) -> Result<(), AdminError> {
        let take = people::take_role(officer.institution(), actor, role);
        self.change(officer, change("take-role", actor, role), vec![take]).await.map(|_| ())
    }

    /// Replaces the scopes of a service client; none takes every right away. Effective with the next decision.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown client.
    pub async fn grant_scopes(
        &self,
        officer: &Session,
        client_id: &ActorId,
        scopes: &BTreeSet<Scope>,
    ) -> Result<(), AdminError> {
        let words = words(scopes);
        let set = clients::set_scopes(officer.institution(), client_id, &words);
        self.change(officer, change("grant-scopes", client_id, words), vec![set]).await.map(|_| ())
    }

    /// Replaces the scopes of a device; none takes every right away but to ask whether we are there. Effective with
    /// the next decision.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown pair of AE titles.
    pub async fn grant_device_scopes(
        &self,
        officer: &Session,
        ae_title: &AeTitle,
        called_ae: &AeTitle,
        scopes: &BTreeSet<Scope>,
    ) -> Result<(), AdminError> {
        let words = words(scopes);
        let set = devices::set_scopes(officer.institution(), ae_title, called_ae, &words);
        let detail = ChangeDetail::with(ae_title, format!("{called_ae}: {words}"));
        let change = Change { action: Action::ManageRights, code: "grant-device-scopes", detail };
        self.change(officer, change, vec![set]).await.map(|_| ())
    }

    /// Gives a person a care relation with a patient: from, inclusive, until, exclusive. Given again with the same
    /// beginning, it replaces the end.
    ///
    /// # Errors
    /// [`AdminError::EmptyInterval`]; [`AdminError::NotFound`] for an unknown person.
    pub async fn give_care(
        &self,
        officer: &Session,
        actor: &ActorId,
        patient: PatientRef,
        valid_from: Timestamp,
        valid_until: Timestamp,
    ) -> Result<(), AdminError> {
        if valid_from >= valid_until {
            return Err(AdminError::EmptyInterval);
        }
        let institution = officer.institution();
        let (intent, detail) = self.intend(officer, change("give-care-relation", actor, patient)).await?;
        let relation = CareRelation {
            institution: institution.clone(),
            actor: actor.clone(),
            patient,
            valid_from,
            valid_until,
            given_by: officer.actor().clone(),
        };
        let outcome = match people::find(&self.inner.identity, institution, actor).await {
            Ok(Some(_)) => self.inner.catalogue.execute(vec![care::give(&relation)]).await,
            Ok(None) => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await.map(|_| ())
    }

    /// Ends every care relation between the two now, those that have not begun included.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that lasts.
    pub async fn end_care(
        &self,
        officer: &Session,
        actor: &ActorId,
        patient: PatientRef,
    ) -> Result<(), AdminError> {
        let (intent, detail) = self.intend(officer, change("end-care-relation", actor, patient)).await?;
        let end = care::end(officer.institution(), actor, patient, self.inner.clock.now());
        let outcome = match self.inner.catalogue.execute(vec![end]).await.as_deref() {
            Ok([0]) => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone()),
        };
        self.carry_out(intent, detail, outcome).await
    }
}

fn change(code: &'static str, subject: &ActorId, what: impl ToString) -> Change {
    Change { action: Action::ManageRights, code, detail: ChangeDetail::with(subject, what) }
}

//! Departments, who belongs to them, and of which studies are. The office of the security administrator.

use super::{AdminError, Change, ChangeDetail};
use crate::access::Access;
use crate::session::Session;
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::departments::{self, Department, Membership};
use yingdun_catalog::identity::people;
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{Action, ActorId, AeTitle, DepartmentId, StudyRef, StudyUnit, Timestamp, Unit};

/// The most characters of what people call a department.
const NAME_CHARACTERS_MAX: usize = 64;
/// The most departments of one device or one study: of more, nobody could say who sees it.
const DEPARTMENTS_OF_ONE_MAX: usize = 16;
/// The most memberships of one list.
const MEMBERSHIPS_LISTED_MAX: u32 = 10_000;

impl Access {
    /// Enters a department, or calls it anew. With the first one, technicians see the studies of their own devices and departments
    /// only, and the leaf of a chief says which look was across departments.
    ///
    /// # Errors
    /// [`AdminError::DepartmentName`]; otherwise as [`AdminError`].
    pub async fn enter_department(
        &self,
        officer: &Session,
        department: &Department,
    ) -> Result<(), AdminError> {
        let length = department.name.trim().chars().count();
        if length == 0 || length > NAME_CHARACTERS_MAX {
            return Err(AdminError::DepartmentName);
        }
        let enter = departments::enter(officer.institution(), department);
        self.change_departments(officer, "enter-department", &department.id, &department.name, vec![enter])
            .await
    }

    /// Every department, and every membership that is not over.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn departments(
        &self,
        officer: &Session,
    ) -> Result<(Vec<Department>, Vec<Membership>), AdminError> {
        self.may_read_accounts(officer).await?;
        let (catalogue, institution) = (&self.inner.catalogue, officer.institution());
        let now = self.inner.clock.now();
        let all = departments::list(catalogue, institution).await.map_err(AdminError::Unavailable)?;
        let held = departments::memberships(catalogue, institution, now, MEMBERSHIPS_LISTED_MAX).await;
        Ok((all, held.map_err(AdminError::Unavailable)?))
    }

    /// Makes a person belong to a department or a device: from, inclusive, until, exclusive.
    ///
    /// # Errors
    /// [`AdminError::EmptyInterval`]; [`AdminError::NotFound`] for an unknown person or department.
    pub async fn join_unit(
        &self,
        officer: &Session,
        actor: &ActorId,
        unit: &Unit,
        valid_from: Timestamp,
        valid_until: Timestamp,
    ) -> Result<(), AdminError> {
        if valid_from >= valid_until {
            return Err(AdminError::EmptyInterval);
        }
        let institution = officer.institution();
        let (intent, detail) = self.intend(officer, change("join-unit", actor, unit)).await?;
        let membership = Membership {
            institution: institution.clone(),
            actor: actor.clone(),
            unit: unit.clone(),
            valid_from,
            valid_until,
            given_by: officer.actor().clone(),
        };
        let outcome = match people::find(&self.inner.identity, institution, actor).await {
            Ok(Some(_)) => self.inner.catalogue.execute(vec![departments::join(&membership)]).await,
            Ok(None) => Err(none_found()),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await.map(drop)
    }

    /// Ends every membership between the two now, those that have not begun included.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that lasts.
    pub async fn leave_unit(
        &self,
        officer: &Session,
        actor: &ActorId,
        unit: &Unit,
    ) -> Result<(), AdminError> {
        let (intent, detail) = self.intend(officer, change("leave-unit", actor, unit)).await?;
        let leave = departments::leave(officer.institution(), actor, unit, self.inner.clock.now());
        let outcome = match self.inner.catalogue.execute(vec![leave]).await.as_deref() {
            Ok([0]) => Err(none_found()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone()),
        };
        self.carry_out(intent, detail, outcome).await
    }

    /// Replaces for which departments a device performs the studies that it sends from now on.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown department; [`AdminError::TooManyDepartments`].
    pub async fn set_device_departments(
        &self,
        officer: &Session,
        ae_title: &AeTitle,
        of: &BTreeSet<DepartmentId>,
    ) -> Result<(), AdminError> {
        let sender = StudyUnit::Device(ae_title.clone());
        let set = departments::set_sender(officer.institution(), &sender, of);
        bounded(of.len())?;
        self.change_departments(officer, "set-device-departments", ae_title, words(of), set).await
    }

    /// Replaces which departments asked for a study and performed it. Whether there is such a study is not looked up: who orders
    /// it may say so before it comes.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an unknown department; [`AdminError::TooManyDepartments`].
    pub async fn set_study_departments(
        &self,
        officer: &Session,
        study: StudyRef,
        requesting: &BTreeSet<DepartmentId>,
        performing: &BTreeSet<DepartmentId>,
    ) -> Result<(), AdminError> {
        bounded(requesting.len() + performing.len())?;
        let set = departments::set_study(officer.institution(), study, requesting, performing);
        let what = format!("requesting {} performing {}", words(requesting), words(performing));
        self.change_departments(officer, "set-study-departments", study, what, set).await
    }

    async fn change_departments(
        &self,
        officer: &Session,
        code: &'static str,
        subject: impl ToString,
        what: impl ToString,
        statements: Vec<Statement>,
    ) -> Result<(), AdminError> {
        let (intent, detail) = self.intend(officer, change(code, subject, what)).await?;
        self.carry_out(intent, detail, self.inner.catalogue.execute(statements).await).await.map(drop)
    }
}

fn change(code: &'static str, subject: impl ToString, what: impl ToString) -> Change {
    Change { action: Action::ManageRights, code, detail: ChangeDetail::with(subject, what) }
}

const fn bounded(departments: usize) -> Result<(), AdminError> {
    if departments <= DEPARTMENTS_OF_ONE_MAX { Ok(()) } else { Err(AdminError::TooManyDepartments) }
}

fn words(departments: &BTreeSet<DepartmentId>) -> String {
    departments.iter().map(DepartmentId::as_str).collect::<Vec<_>>().join(" ")
}

const fn none_found() -> CatalogError {
    CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }
}

//! Memberships of departments that follow from what another directory says. Those that an officer gave stay beside them.

use crate::access::Access;
use crate::admin::ChangeDetail;
use crate::sign_in::SignInError;
use std::collections::BTreeSet;
use yingdun_catalog::catalogue::departments::{self, Membership};
use yingdun_model::{ActorId, DepartmentId, Timestamp, Unit};

/// Until when a membership lasts that only the directory ends.
const WITHOUT_END: Timestamp = Timestamp::from_ms(253_402_300_799_000);

impl Access {
    /// Gives and ends memberships, so that they are those of now; nothing where the directory has no say in them. A department that was
    /// not entered here gets no members. Returns whether anything changed.
    pub(super) async fn map_departments(
        &self,
        actor: &ActorId,
        wanted: Option<&BTreeSet<DepartmentId>>,
    ) -> Result<bool, SignInError> {
        let Some(wanted) = wanted else { return Ok(false) };
        let (catalogue, institution) = (&self.inner.catalogue, &self.inner.institution);
        let (now, by) = (self.inner.clock.now(), self.system_session().actor().clone());
        let held = departments::of_actor(institution, actor, now).alone(catalogue).await;
        let held: BTreeSet<DepartmentId> = held
            .map_err(SignInError::Unavailable)?
            .into_iter()
            .filter(|membership| membership.given_by == by)
            .filter_map(|membership| match membership.unit {
                Unit::Department(department) => Some(department),
                Unit::Device(_) => None,
            })
            .collect();
        let entered = departments::list(catalogue, institution).await.map_err(SignInError::Unavailable)?;
        let entered: BTreeSet<DepartmentId> = entered.into_iter().map(|department| department.id).collect();
        let wanted: BTreeSet<DepartmentId> = wanted.intersection(&entered).cloned().collect();
        let given: Vec<&DepartmentId> = wanted.difference(&held).collect();
        let ended: Vec<&DepartmentId> = held.difference(&wanted).collect();
        if given.is_empty() && ended.is_empty() {
            return Ok(false);
        }
        let told = given.iter().map(|department| format!("+{department}"));
        let told: Vec<String> = told.chain(ended.iter().map(|department| format!("-{department}"))).collect();
        let join = |department: &&DepartmentId| {
            departments::join(&Membership {
                institution: institution.clone(),
                actor: actor.clone(),
                unit: Unit::Department((*department).clone()),
                valid_from: now,
                valid_until: WITHOUT_END,
                given_by: by.clone(),
            })
        };
        let mut changes: Vec<_> = given.iter().map(join).collect();
        changes.extend(ended.iter().map(|department| {
            let unit = Unit::Department((*department).clone());
            departments::leave_given(institution, actor, &unit, &by, now)
        }));
        let detail = ChangeDetail::with(actor, told.join(" "));
        let word = "departments-from-directory";
        self.change_of_system_in(catalogue, word, detail, changes).await.map(|()| true)
    }
}

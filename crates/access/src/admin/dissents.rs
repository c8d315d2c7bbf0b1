//! Dissents of patients, and restrictions. The office of the security administrator.

use super::{AdminError, Change, ChangeDetail, HeldRefs};
use crate::access::Access;
use crate::grants::draw_number;
use crate::session::Session;
use yingdun_catalog::CatalogError;
use yingdun_catalog::catalogue::departments;
use yingdun_catalog::catalogue::dissents::{self, Against, Dissent};
use yingdun_catalog::identity::people;
use yingdun_model::{Action, ActorId, PatientRef, Timestamp};

/// The most persons whom a seal names: of more, it seals nothing.
const NAMED_MAX: usize = 50;
/// The most of one list.
const LISTED_MAX: u32 = 10_000;

/// What is entered.
#[derive(Clone, Debug)]
pub struct NewDissent {
    /// Whose studies.
    pub patient: PatientRef,
    /// Whether there is a study of the patient, or the officer said that there is none yet: what names nobody closes nothing.
    pub is_known: bool,
    /// Against what.
    pub against: Against,
    /// Whether broken glass passes it.
    pub break_glass: bool,
    /// From when on; now when absent.
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive; until it is ended when absent.
    pub valid_until: Option<Timestamp>,
}

impl Access {
    /// Enters a dissent or restriction. It holds for the next decision, and open answers end within seconds.
    ///
    /// # Errors
    /// [`AdminError::EmptyInterval`]; [`AdminError::TooManyNamed`]; [`AdminError::UnknownPatient`]; [`AdminError::NotFound`] for an unknown person or department, or
    /// where the patient has too many.
    pub async fn enter_dissent(&self, officer: &Session, new: NewDissent) -> Result<Dissent, AdminError> {
        let now = self.inner.clock.now();
        let dissent = Dissent {
            number: draw_number(),
            patient: new.patient,
            break_glass: new.break_glass && passable(&new.against),
            against: new.against,
            valid_from: new.valid_from.unwrap_or(now),
            valid_until: new.valid_until.unwrap_or(Timestamp::from_ms(i64::MAX)),
            given_by: officer.actor().clone(),
        };
        if dissent.valid_from >= dissent.valid_until || dissent.valid_until <= now {
            return Err(AdminError::EmptyInterval);
        }
        if matches!(&dissent.against, Against::AllBut(named) if named.len() > NAMED_MAX) {
            return Err(AdminError::TooManyNamed);
        }
        let detail = ChangeDetail::with(dissent.against.kind(), dissent.number);
        let change = Change { action: Action::ManageRights, code: "enter-dissent", detail };
        let on = HeldRefs { study: None, patient: Some(dissent.patient) };
        let (intent, detail) = self.intend_on(officer, change, on).await?;
        if !new.is_known {
            let nobody = CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 };
            self.carry_out(intent, detail, Err::<(), _>(nobody)).await.or_else(not_found)?;
            return Err(AdminError::UnknownPatient);
        }
        let outcome = match self.knows(officer, &dissent.against).await {
            Ok(true) => {
                let enter = dissents::enter(officer.institution(), &dissent, now);
                self.inner.catalogue.execute(vec![enter]).await
            }
            Ok(false) => Err(CatalogError::UnexpectedRows { statement: 0, expected: 1, came: 0 }),
            Err(error) => Err(error),
        };
        self.carry_out(intent, detail, outcome).await.map(|_| dissent)
    }

    /// Ends one now.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that lasts.
    pub async fn end_dissent(&self, officer: &Session, number: u64) -> Result<(), AdminError> {
        let detail = ChangeDetail::with("dissent", number);
        let change = Change { action: Action::ManageRights, code: "end-dissent", detail };
        let (intent, detail) = self.intend(officer, change).await?;
        let end = dissents::end(officer.institution(), number, self.inner.clock.now());
        self.carry_out(intent, detail, self.inner.catalogue.execute(vec![end]).await).await.map(drop)
    }

    /// All that are not over, the newest first.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn dissents(&self, officer: &Session) -> Result<Vec<Dissent>, AdminError> {
        self.may_manage_rights(officer).await?;
        let (catalogue, now) = (&self.inner.catalogue, self.inner.clock.now());
        let all = dissents::list(catalogue, officer.institution(), now, LISTED_MAX).await;
        all.map_err(AdminError::Unavailable)
    }

    async fn knows(&self, officer: &Session, against: &Against) -> Result<bool, CatalogError> {
        let institution = officer.institution();
        let persons: &[ActorId] = match against {
            Against::Research | Against::Sharing => &[],
            Against::Department(department) => {
                let all = departments::list(&self.inner.catalogue, institution).await?;
                return Ok(all.iter().any(|known| known.id == *department));
            }
            Against::Person(person) => std::slice::from_ref(person),
            Against::AllBut(named) => named,
        };
        for person in persons {
            if people::find(&self.inner.identity, institution, person).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What was to be written down is: the caller says more exactly what was not found.
fn not_found(error: AdminError) -> Result<(), AdminError> {
    if matches!(error, AdminError::NotFound) { Ok(()) } else { Err(error) }
}

/// Broken glass is for treatment: there is nothing to pass where research or carrying away is forbidden.
const fn passable(against: &Against) -> bool {
    matches!(against, Against::Person(_) | Against::Department(_) | Against::AllBut(_))
}

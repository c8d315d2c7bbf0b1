//! From the refusals of access control to HTTP answers.

use crate::http::problem::{Kind, Problem};
use yingdun_access::{AdminError, Refusal};

/// Seconds after which a client may try again when accounts or audit do not answer.
const RETRY_SECONDS: u32 = 5;

pub(crate) fn of_admin(error: AdminError) -> Problem {
    let words = error.to_string();
    match error {
        AdminError::Refused(refusal) => of_refusal(&refusal),
        AdminError::NotFound => Problem::new(Kind::NotFound).expected("an account of this institution"),
        AdminError::UnknownPatient => Problem::new(Kind::NotFound)
            .expected("a patient of whom there is a study")
            .came(words)
            .remedy(
                "compare patient_id with the images, and issuer with their IssuerOfPatientID; for a patient whose first study is \
                 still to come, say \"unknown\": true",
            ),
        AdminError::AlreadyExists => Problem::new(Kind::Conflict).expected("a new name").came(words),
        AdminError::RoleConflict
        | AdminError::OfficerAccount
        | AdminError::AlreadyFounded
        | AdminError::SetUp
        | AdminError::NoDirectory
        | AdminError::PasswordElsewhere
        | AdminError::TooManyCredentials
        | AdminError::NotApprovable
        | AdminError::OwnSecondFactor => Problem::new(Kind::Conflict).came(words),
        AdminError::NotARoleOfPeople(_)
        | AdminError::OfficersNotDistinct
        | AdminError::RedirectUri
        | AdminError::DepartmentName
        | AdminError::TooManyDepartments
        | AdminError::TooManyNamed
        | AdminError::ConsentReference
        | AdminError::Subject
        | AdminError::WhichDirectory => Problem::new(Kind::BadRequest).expected(words),
        AdminError::EmptyInterval | AdminError::CredentialIsOver | AdminError::PlainNotSpelledOut => {
            Problem::new(Kind::Unprocessable).expected(words)
        }
        AdminError::SystemOnly => Problem::new(Kind::Forbidden).expected(words),
        AdminError::Unavailable(_) | AdminError::OutcomeNotRecorded(_) => unavailable(&error),
        // The list of faults may grow below us; what we do not know yet is not the client's fault.
        other => unavailable(&other),
    }
}

pub(crate) fn of_refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Denied { reason, .. } => {
            Problem::new(Kind::Forbidden).expected("a role that may do this").came(reason.as_str())
        }
        Refusal::AuditUnavailable(_) | Refusal::FactsUnavailable(_) => unavailable(refusal),
    }
}

pub(crate) fn unavailable(error: &impl std::error::Error) -> Problem {
    tracing::error!(%error, "accounts or audit log do not answer");
    Problem::new(Kind::Unavailable)
        .expected("accounts and audit log to answer")
        .remedy("look whether the change is in the audit log before you try again")
        .retry_after(RETRY_SECONDS)
}

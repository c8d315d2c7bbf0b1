//! What opens for a while: grants that one person gives another, consultations that are assigned to remote experts, and glass that a
//! person breaks in an emergency.
//!
//! ```text
//!  giver ─► give-grant + own right ─► leaf ─► row ─► facts of each decision ─► leaf with its number ─► over: leaf
//!  person ─► step-up ─► break-glass ─► leaf ─► row ─┘                                     └► review by another person
//! ```
//!
//! A grant is a fact with an interval, like a care relation, and Cedar compares the interval with the time: nothing has to
//! run for a grant to end. What is done here beside is to write down that it ended, and to keep a clock that is set back from
//! making it longer ([`RunningTimes`]).

mod broken;
mod consultation;
mod end;
mod facts;
mod give;
mod own_record;
mod quota;
mod record;

pub use broken::{BrokenGlass, NewBreakGlass, ReviewsDue};
pub use consultation::{CONSULTATION_TIME, CONSULTATION_TIME_MAX, NewConsultation, consultation_end};
pub use end::EndError;
#[cfg(test)]
pub(crate) use facts::tests::open_grant as grant_for_tests;
pub(crate) use facts::{HeldGrants, RunningTimes};
pub(crate) use give::draw_number;
pub use give::{GRANT_TIME_MAX, GrantedStudies, NewGrant};
pub use own_record::{NewPatientAccount, OwnRecordLook, PATIENT_ACCOUNT_TIME};
pub use quota::BreakGlassQuota;
pub use record::{GrantRecord, REASON_CHARACTERS_MAX};

use crate::access::Refusal;
use crate::admin::AdminError;
use crate::sign_in::SignInError;
use yingdun_catalog::CatalogError;

/// Why a grant was not given, ended or reviewed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Who asks may not, or it could not be written down or kept.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// There is no such study, patient, person or grant, for who asks.
    #[error("there is no such study, patient, person or grant")]
    NotFound,
    /// A grant is given by another person than who gets it.
    #[error("nobody grants something to the own account")]
    Oneself,
    /// A review is done by another person than who broke the glass.
    #[error("who reviews must be another person than who broke the glass")]
    SamePerson,
    /// It begins too late or behind the giver's own right, ends before it begins, or lasts too long.
    #[error(
        "a grant begins within {days} days and before the giver's own right ends, and lasts at least a minute and at most {hours} hours",
        days = give::BEGINS_WITHIN.as_secs() / 86_400,
        hours = GRANT_TIME_MAX.as_secs() / 3600
    )]
    Time,
    /// It lasts too short or too long.
    #[error(
        "a consultation lasts at least a minute and at most {days} days, and begins before the right ends of who assigns it",
        days = CONSULTATION_TIME_MAX.as_secs() / 86_400
    )]
    ConsultationTime,
    /// A consultation is assigned to somebody who comes from outside.
    #[error("this person does not have the role `remote-expert`")]
    NoExpert,
    /// Only the expert says that the report is done.
    #[error("a consultation is completed by the expert who has it, and withdrawn by who assigned it")]
    NotTheExpert,
    /// An account of a patient is nobody else's.
    #[error("this account does not have the role `patient`, or has another one beside it")]
    NoPatient,
    /// One account is one patient.
    #[error("this account is bound to a record already: unbind it first")]
    Bound,
    /// Broken glass lasts a few hours.
    #[error(
        "glass is broken for at least a minute and at most {hours} hours",
        hours = quota::BREAK_GLASS_TIME_MAX.as_secs() / 3600
    )]
    BreakGlassTime,
    /// The reason in words is missing or too long.
    #[error("a reason in words is needed, of at most {REASON_CHARACTERS_MAX} characters")]
    Words,
    /// A grant is for treatment: no door lets a person state another purpose, and broken glass is for emergencies.
    #[error("a grant is given for TREAT only: nobody can state another purpose yet")]
    Purpose,
    /// Too many grants of this person are open.
    #[error("this person has {max} open grants already", max = give::OPEN_PER_PERSON_MAX)]
    TooMany,
    /// More emergencies within a day than one person meets.
    #[error("this person broke the glass {max} times within a day", max = quota::PER_DAY_MAX)]
    Quota,
    /// The password was not given, or is wrong, or may not be tried now.
    #[error("the password is asked for again, or a sign-in with it within the last five minutes")]
    StepUp,
    /// It is over, or reviewed already.
    #[error("it is over, or was reviewed already")]
    State,
}

impl From<Refusal> for GrantError {
    fn from(refusal: Refusal) -> Self {
        Self::Admin(refusal.into())
    }
}

impl From<CatalogError> for GrantError {
    fn from(error: CatalogError) -> Self {
        Self::Admin(AdminError::Unavailable(error))
    }
}

impl From<SignInError> for GrantError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::AuditUnavailable(error) => Refusal::AuditUnavailable(error).into(),
            SignInError::Unavailable(error) => error.into(),
            SignInError::Refused
            | SignInError::BadProof
            | SignInError::NonceNeeded
            | SignInError::TooManyProofs
            | SignInError::ChooseRole { .. }
            | SignInError::PasswordLength
            | SignInError::SecondFactorNeeded
            | SignInError::SecondFactorExists
            | SignInError::NoSecondFactor
            | SignInError::SecondFactorDamaged
            | SignInError::Passkey(_)
            | SignInError::NoDirectory
            | SignInError::NameTaken
            | SignInError::Frozen
            | SignInError::PasswordElsewhere
            | SignInError::DirectoryUnavailable(_)
            | SignInError::Busy => Self::StepUp,
        }
    }
}

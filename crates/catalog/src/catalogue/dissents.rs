//! Dissents of patients, and restrictions: what stands against opening something, from when until when.
//!
//! Made by people, like care relations, and kept through [`wipe`](super::wipe). Ending one shortens its interval; the row stays.

use crate::{CatalogError, Database, LookUp, Row, Statement, StatementBuilder};
use yingdun_model::{ActorId, DepartmentId, DissentKind, InstitutionId, PatientRef, Timestamp};

/// The most that are in force for one patient. All of them are read for each decision.
pub const DISSENTS_OF_PATIENT_MAX: i64 = 100;

/// Against what it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Any use for research.
    Research,
    /// Being carried out of the archive.
    Sharing,
    /// One person.
    Person(ActorId),
    /// Everybody of one department.
    Department(DepartmentId),
    /// Everybody and everything but these persons: the record is sealed.
    AllBut(Vec<ActorId>),
}

/// A dissent or a restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dissent {
    /// Its number.
    pub number: u64,
    /// Whose studies.
    pub patient: PatientRef,
    /// Against what.
    pub against: Against,
    /// Whether broken glass passes it.
    pub break_glass: bool,
    /// The first moment.
    pub valid_from: Timestamp,
    /// The first moment after.
    pub valid_until: Timestamp,
    /// Who entered it; when is in the audit log.
    pub given_by: ActorId,
}

impl Against {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> DissentKind {
        match self {
            Self::Research => DissentKind::Research,
            Self::Sharing => DissentKind::Sharing,
            Self::Person(_) => DissentKind::Person,
            Self::Department(_) => DissentKind::Department,
            Self::AllBut(_) => DissentKind::Sealed,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Research | Self::Sharing => String::new(),
            Self::Person(person) => person.to_string(),
            Self::Department(department) => department.to_string(),
            // No name of an account has a blank.
            Self::AllBut(named) => named.iter().map(ActorId::as_str).collect::<Vec<_>>().join(" "),
        }
    }
}

/// The change that enters one; it fails where the patient has too many in force already.
#[must_use]
pub fn enter(institution: &InstitutionId, dissent: &Dissent, now: Timestamp) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("INSERT INTO dissent (institution, number, patient_ref, kind, subject, break_glass, ");
    sql.push("valid_from_ms, valid_until_ms, given_by) SELECT ").bind(institution);
    sql.push(", ").bind(dissent.number.cast_signed()).push(", ").bind(dissent.patient);
    sql.push(", ").bind(dissent.against.kind().as_str()).push(", ").bind(dissent.against.subject());
    sql.push(", ").bind(i64::from(dissent.break_glass)).push(", ").bind(dissent.valid_from);
    sql.push(", ").bind(dissent.valid_until).push(", ").bind(&dissent.given_by);
    sql.push(" WHERE (SELECT count(*) FROM dissent WHERE institution = ").bind(institution);
    sql.push(" AND patient_ref = ").bind(dissent.patient).push(" AND valid_until_ms > ").bind(now);
    sql.push(") < ").bind(DISSENTS_OF_PATIENT_MAX);
    sql.finish().expecting(1)
}

/// The change that ends one now. It changes nothing, and fails, where it is over or there is none.
#[must_use]
pub fn end(institution: &InstitutionId, number: u64, now: Timestamp) -> Statement {
    let update = "UPDATE dissent SET valid_until_ms = $1 \
         WHERE institution = $2 AND number = $3 AND valid_until_ms > $1";
    Statement::new(update, vec![now.into(), institution.into(), number.cast_signed().into()]).expecting(1)
}

/// Those of some patients that are not over.
pub fn of_patients(
    institution: &InstitutionId,
    patients: impl IntoIterator<Item = PatientRef>,
    now: Timestamp,
) -> LookUp<Vec<Dissent>> {
    let patients: Vec<_> = patients.into_iter().collect();
    let keys = patients.len();
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND patient_ref IN ").bind_list(patients);
    select.push(" AND valid_until_ms > ").bind(now);
    LookUp::of_keys(select.finish(), keys, |rows| rows.iter().map(dissent_of).collect())
}

/// All that are not over, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Dissent>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND valid_until_ms > ").bind(now);
    select.push(" ORDER BY valid_from_ms DESC, number LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(dissent_of).collect()
}

// === rows ===

const SELECT: &str = "SELECT number, patient_ref, kind, subject, break_glass, valid_from_ms, valid_until_ms, \
     given_by FROM dissent ";

/// What cannot be read refuses: a dissent that is not understood is not left out.
fn dissent_of(row: &Row) -> Result<Dissent, CatalogError> {
    let corrupt = |what: &str| CatalogError::Corrupt(format!("a dissent does not hold a legal {what}"));
    let actor = |text: &str| ActorId::new(text).ok_or_else(|| corrupt("actor"));
    let kind = row.get_text(2)?.parse().map_err(|_| corrupt("kind"))?;
    let subject = row.get_text(3)?;
    let against = match kind {
        DissentKind::Research => Against::Research,
        DissentKind::Sharing => Against::Sharing,
        DissentKind::Person => Against::Person(actor(subject)?),
        DissentKind::Department => {
            Against::Department(DepartmentId::new(subject).map_err(|_| corrupt("department"))?)
        }
        DissentKind::Sealed => {
            Against::AllBut(subject.split_ascii_whitespace().map(actor).collect::<Result<_, _>>()?)
        }
    };
    Ok(Dissent {
        number: row.get_i64(0)?.cast_unsigned(),
        patient: row.get_reference(1)?,
        against,
        break_glass: row.get_bool(4)?,
        valid_from: row.get_timestamp(5)?,
        valid_until: row.get_timestamp(6)?,
        given_by: actor(row.get_text(7)?)?,
    })
}

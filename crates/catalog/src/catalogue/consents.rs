//! Consents of patients: what may happen because somebody agreed, from when until when, and what shows it.
//!
//! Made by people, like dissents, and kept through [`wipe`](super::wipe). Withdrawing one shortens its interval; the row stays, as the
//! institution has to show what there was.

use crate::{CatalogError, Database, LookUp, Row, Statement, StatementBuilder};
use yingdun_model::{
    ActorId, ConsentForm, ConsentGiver, ConsentKind, DepartmentId, InstitutionId, PatientRef, Timestamp,
};

/// The most that are in force for one patient. All of them are read for each decision that asks for them.
pub const CONSENTS_OF_PATIENT_MAX: i64 = 100;

/// To what a patient consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentTo {
    /// Use for research: of one project, or of any.
    Research(Option<DepartmentId>),
    /// Being carried out of the archive, or shown to somebody outside.
    Sharing,
}

/// A consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Its number.
    pub number: u64,
    /// Whose studies.
    pub patient: PatientRef,
    /// To what.
    pub to: ConsentTo,
    /// In what form it was given.
    pub form: ConsentForm,
    /// By whom.
    pub giver: ConsentGiver,
    /// Where the evidence is, in words, sealed.
    pub reference: Vec<u8>,
    /// The first moment.
    pub valid_from: Timestamp,
    /// The first moment after.
    pub valid_until: Timestamp,
    /// Who entered it; when is in the audit log.
    pub entered_by: ActorId,
    /// When it was withdrawn, and who entered that; nothing when it was not.
    pub withdrawn: Option<(Timestamp, ActorId)>,
}

impl ConsentTo {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ConsentKind {
        match self {
            Self::Research(_) => ConsentKind::Research,
            Self::Sharing => ConsentKind::Sharing,
        }
    }

    /// The project to which it is confined.
    #[must_use]
    pub const fn project(&self) -> Option<&DepartmentId> {
        match self {
            Self::Research(project) => project.as_ref(),
            Self::Sharing => None,
        }
    }
}

/// The change that enters one; it fails where the patient has too many in force already.
#[must_use]
pub fn enter(institution: &InstitutionId, consent: &Consent, now: Timestamp) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(
        "INSERT INTO consent (institution, number, patient_ref, kind, project, form, giver, reference, ",
    );
    sql.push("valid_from_ms, valid_until_ms, entered_by) SELECT ").bind(institution);
    sql.push(", ").bind(consent.number.cast_signed()).push(", ").bind(consent.patient);
    let project = consent.to.project().map_or_else(String::new, DepartmentId::to_string);
    sql.push(", ").bind(consent.to.kind().as_str()).push(", ").bind(project);
    sql.push(", ").bind(consent.form.as_str()).push(", ").bind(consent.giver.as_str());
    sql.push(", ").bind(consent.reference.clone());
    sql.push(", ").bind(consent.valid_from).push(", ").bind(consent.valid_until);
    sql.push(", ").bind(&consent.entered_by);
    sql.push(" WHERE (SELECT count(*) FROM consent WHERE institution = ").bind(institution);
    sql.push(" AND patient_ref = ").bind(consent.patient).push(" AND valid_until_ms > ").bind(now);
    sql.push(") < ").bind(CONSENTS_OF_PATIENT_MAX);
    sql.finish().expecting(1)
}

/// The change that withdraws one now. It changes nothing, and fails, where it is over or there is none.
#[must_use]
pub fn withdraw(institution: &InstitutionId, number: u64, by: &ActorId, now: Timestamp) -> Statement {
    let update = "UPDATE consent SET valid_until_ms = $1, withdrawn_ms = $1, withdrawn_by = $2 \
         WHERE institution = $3 AND number = $4 AND valid_until_ms > $1";
    let values = vec![now.into(), by.into(), institution.into(), number.cast_signed().into()];
    Statement::new(update, values).expecting(1)
}

/// The same of one of this patient: it changes nothing, and fails, where it is one of somebody else.
#[must_use]
pub fn withdraw_of(
    institution: &InstitutionId,
    patient: PatientRef,
    number: u64,
    by: &ActorId,
    now: Timestamp,
) -> Statement {
    let update = "UPDATE consent SET valid_until_ms = $1, withdrawn_ms = $1, withdrawn_by = $2 \
         WHERE institution = $3 AND number = $4 AND patient_ref = $5 AND valid_until_ms > $1";
    let number = number.cast_signed().into();
    Statement::new(update, vec![now.into(), by.into(), institution.into(), number, patient.into()])
        .expecting(1)
}

/// Those of some patients that are not over.
pub fn of_patients(
    institution: &InstitutionId,
    patients: impl IntoIterator<Item = PatientRef>,
    now: Timestamp,
) -> LookUp<Vec<Consent>> {
    let patients: Vec<_> = patients.into_iter().collect();
    let keys = patients.len();
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND patient_ref IN ").bind_list(patients);
    select.push(" AND valid_until_ms > ").bind(now);
    LookUp::of_keys(select.finish(), keys, |rows| rows.iter().map(consent_of).collect())
}

/// One of them, also one that is over.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    number: u64,
) -> Result<Option<Consent>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND number = ").bind(number.cast_signed());
    database.by_keys(1, select.finish()).await?.first().map(consent_of).transpose()
}

/// The newest first: those that are not over at a moment, or all that there were.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    not_over: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<Consent>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    if let Some(now) = not_over {
        select.push(" AND valid_until_ms > ").bind(now);
    }
    select.push(" ORDER BY valid_from_ms DESC, number LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(consent_of).collect()
}

/// Those of one patient, the newest first: those that are not over at a moment, or all that there were.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_patient(
    database: &Database,
    institution: &InstitutionId,
    patient: PatientRef,
    not_over: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<Consent>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND patient_ref = ").bind(patient);
    if let Some(now) = not_over {
        select.push(" AND valid_until_ms > ").bind(now);
    }
    select.push(" ORDER BY valid_from_ms DESC, number LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(consent_of).collect()
}

// === rows ===

const SELECT: &str = "SELECT number, patient_ref, kind, project, form, giver, reference, valid_from_ms, \
     valid_until_ms, entered_by, withdrawn_ms, withdrawn_by FROM consent ";

/// What cannot be read refuses: nothing opens by a consent that is not understood.
fn consent_of(row: &Row) -> Result<Consent, CatalogError> {
    let corrupt = |what: &str| CatalogError::Corrupt(format!("a consent does not hold a legal {what}"));
    let actor = |text: &str| ActorId::new(text).ok_or_else(|| corrupt("actor"));
    let kind = row.get_text(2)?.parse().map_err(|_| corrupt("kind"))?;
    let project = match row.get_text(3)? {
        "" => None,
        text => Some(DepartmentId::new(text).map_err(|_| corrupt("project"))?),
    };
    let to = match (kind, project) {
        (ConsentKind::Research, project) => ConsentTo::Research(project),
        (ConsentKind::Sharing, None) => ConsentTo::Sharing,
        (ConsentKind::Sharing, Some(_)) => return Err(corrupt("project")),
    };
    let withdrawn = match (row.opt_i64(10)?, row.opt_text(11)?) {
        (Some(at), Some(by)) => Some((Timestamp::from_ms(at), actor(by)?)),
        _ => None,
    };
    Ok(Consent {
        number: row.get_i64(0)?.cast_unsigned(),
        patient: row.get_reference(1)?,
        to,
        form: row.get_text(4)?.parse().map_err(|_| corrupt("form"))?,
        giver: row.get_text(5)?.parse().map_err(|_| corrupt("giver"))?,
        reference: row.get_bytes(6)?.to_vec(),
        valid_from: row.get_timestamp(7)?,
        valid_until: row.get_timestamp(8)?,
        entered_by: actor(row.get_text(9)?)?,
        withdrawn,
    })
}

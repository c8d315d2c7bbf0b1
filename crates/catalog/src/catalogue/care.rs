//! Care relations (接诊关系): who treats whom, from when, until when, and who said so.
//!
//! They are the only facts of the catalogue that people make, so they are written durably and survive
//! [`wipe`](super::wipe). Ending one shortens its interval; the row stays, for the audit.

use crate::{CatalogError, Database, LookUp, Row, Statement, StatementBuilder};
use yingdun_model::{ActorId, InstitutionId, PatientRef, Timestamp};

/// A person treats a patient during an interval of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CareRelation {
    /// Where.
    pub institution: InstitutionId,
    /// Who treats.
    pub actor: ActorId,
    /// Who is treated.
    pub patient: PatientRef,
    /// The first moment of the relation.
    pub valid_from: Timestamp,
    /// The first moment after the relation.
    pub valid_until: Timestamp,
    /// Who gave it; when is in the audit log.
    pub given_by: ActorId,
}

/// The change that gives a care relation. Given again with the same first moment, it replaces the end and
/// the giver.
#[must_use]
pub fn give(relation: &CareRelation) -> Statement {
    let upsert = "INSERT INTO care_relation \
         (institution, actor, patient_ref, valid_from_ms, valid_until_ms, given_by) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (institution, actor, patient_ref, valid_from_ms) DO UPDATE SET \
         valid_until_ms = excluded.valid_until_ms, given_by = excluded.given_by";
    let values = vec![
        (&relation.institution).into(),
        (&relation.actor).into(),
        relation.patient.into(),
        relation.valid_from.into(),
        relation.valid_until.into(),
        (&relation.given_by).into(),
    ];
    Statement::new(upsert, values)
}

/// The change that ends every relation between the two that would still hold at `end`, those that begin later
/// included. It changes as many rows as there were such relations.
#[must_use]
pub fn end(institution: &InstitutionId, actor: &ActorId, patient: PatientRef, end: Timestamp) -> Statement {
    let update = "UPDATE care_relation SET valid_until_ms = $1 \
         WHERE institution = $2 AND actor = $3 AND patient_ref = $4 AND valid_until_ms > $1";
    Statement::new(update, vec![end.into(), institution.into(), actor.into(), patient.into()])
}

/// The relations, past and future ones included, between a person and each of some patients.
pub fn of_actor(
    institution: &InstitutionId,
    actor: &ActorId,
    patients: impl IntoIterator<Item = PatientRef>,
) -> LookUp<Vec<CareRelation>> {
    let patients: Vec<_> = patients.into_iter().collect();
    let keys = patients.len();
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND actor = ").bind(actor).push(" AND patient_ref IN ").bind_list(patients).push(ORDER);
    LookUp::of_keys(select.finish(), keys, |rows| rows.iter().map(relation_of).collect())
}

/// All relations of a patient, past and future ones included.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_patient(
    database: &Database,
    institution: &InstitutionId,
    patient: PatientRef,
) -> Result<Vec<CareRelation>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND patient_ref = ").bind(patient).push(ORDER);
    database.query(select.finish()).await?.iter().map(relation_of).collect()
}

/// The relations of an institution that hold at a moment, at most so many.
///
/// # Errors
/// As [`Database::query`].
pub async fn standing(
    database: &Database,
    institution: &InstitutionId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<CareRelation>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(SELECT).push("WHERE institution = ").bind(institution);
    select.push(" AND valid_from_ms <= ").bind(now).push(" AND valid_until_ms > ").bind(now);
    select.push(ORDER).push(" LIMIT ").bind(limit);
    database.query(select.finish()).await?.iter().map(relation_of).collect()
}

// === rows ===

const SELECT: &str = "SELECT institution, actor, patient_ref, valid_from_ms, valid_until_ms, given_by \
     FROM care_relation ";
const ORDER: &str = " ORDER BY actor, patient_ref, valid_from_ms";

fn relation_of(row: &Row) -> Result<CareRelation, CatalogError> {
    let actor = |column: usize| {
        ActorId::new(row.get_text(column)?)
            .ok_or_else(|| CatalogError::Corrupt(format!("column {column} does not hold a legal actor")))
    };
    Ok(CareRelation {
        institution: row.get_checked(0)?,
        actor: actor(1)?,
        patient: row.get_reference(2)?,
        valid_from: row.get_timestamp(3)?,
        valid_until: row.get_timestamp(4)?,
        given_by: actor(5)?,
    })
}

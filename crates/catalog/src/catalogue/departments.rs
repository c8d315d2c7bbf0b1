//! Departments: which there are, who belongs to them from when until when, and of which a study is.
//!
//! Like care relations they are made by people and not by packs, or by what a device was when it sent, which no pack says. So
//! they survive [`wipe`](super::wipe). Ending a membership shortens its interval; the row stays.

use crate::{CatalogError, Database, LookUp, Row, Statement, StatementBuilder};
use std::collections::{BTreeSet, HashMap};
use yingdun_model::{ActorId, DepartmentId, InstitutionId, StudyRef, StudyUnit, Timestamp, Unit};

/// The most departments that are read: a large hospital has some hundred.
pub const DEPARTMENTS_MAX: u32 = 10_000;
/// The most memberships of one person that are read, past ones left out. Nobody works in so many places.
pub const MEMBERSHIPS_MAX: u32 = 200;

/// A department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// Its short name.
    pub id: DepartmentId,
    /// What people call it.
    pub name: String,
}

/// A person belongs to a unit during an interval of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub institution: InstitutionId,
    /// Who.
    pub actor: ActorId,
    /// To what.
    pub unit: Unit,
    /// The first moment.
    pub valid_from: Timestamp,
    /// The first moment after.
    pub valid_until: Timestamp,
    /// Who said so; when is in the audit log.
    pub given_by: ActorId,
}

/// The change that enters a department, or calls it anew.
#[must_use]
pub fn enter(institution: &InstitutionId, department: &Department) -> Statement {
    let upsert = "INSERT INTO department (institution, department, name) VALUES ($1, $2, $3) \
         ON CONFLICT (institution, department) DO UPDATE SET name = excluded.name";
    Statement::new(
        upsert,
        vec![institution.into(), department.id.as_str().into(), department.name.as_str().into()],
    )
}

/// Every department.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(database: &Database, institution: &InstitutionId) -> Result<Vec<Department>, CatalogError> {
    let select =
        "SELECT department, name FROM department WHERE institution = $1 ORDER BY department LIMIT $2";
    let select = Statement::new(select, vec![institution.into(), DEPARTMENTS_MAX.into()]);
    let rows = database.query(select).await?;
    rows.iter()
        .map(|row| Ok(Department { id: row.get_checked(0)?, name: row.get_text(1)?.to_owned() }))
        .collect()
}

/// Whether the institution has entered any department.
pub fn any(institution: &InstitutionId) -> LookUp<bool> {
    let select = "SELECT 1 FROM department WHERE institution = $1 LIMIT 1";
    LookUp::new(Statement::new(select, vec![institution.into()]), |rows| Ok(!rows.is_empty()))
}

/// The change that makes a person belong to a unit. Given again with the same first moment, it replaces the end and the giver.
/// It changes nothing, and fails, where the department does not exist.
#[must_use]
pub fn join(membership: &Membership) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("INSERT INTO person_unit (institution, actor, unit, valid_from_ms, valid_until_ms, given_by) ");
    sql.push("SELECT ").bind(&membership.institution).push(", ").bind(&membership.actor);
    sql.push(", ").bind(membership.unit.to_string()).push(", ").bind(membership.valid_from);
    sql.push(", ").bind(membership.valid_until).push(", ").bind(&membership.given_by).push(" WHERE ");
    match &membership.unit {
        Unit::Department(department) => {
            sql.push("EXISTS (SELECT 1 FROM department WHERE institution = ").bind(&membership.institution);
            sql.push(" AND department = ").bind(department.as_str()).push(")");
        }
        Unit::Device(_) => drop(sql.push("1 = 1")),
    }
    sql.push(" ON CONFLICT (institution, actor, unit, valid_from_ms) DO UPDATE SET ");
    sql.push("valid_until_ms = excluded.valid_until_ms, given_by = excluded.given_by");
    sql.finish().expecting(1)
}

/// The change that ends every membership between the two that would still hold at `end`, those that begin later included.
#[must_use]
pub fn leave(institution: &InstitutionId, actor: &ActorId, unit: &Unit, end: Timestamp) -> Statement {
    let update = "UPDATE person_unit SET valid_until_ms = $1 \
         WHERE institution = $2 AND actor = $3 AND unit = $4 AND valid_until_ms > $1";
    Statement::new(update, vec![end.into(), institution.into(), actor.into(), unit.to_string().into()])
}

/// As [`leave`], of memberships only that were given by somebody.
#[must_use]
pub fn leave_given(
    institution: &InstitutionId,
    actor: &ActorId,
    unit: &Unit,
    given_by: &ActorId,
    end: Timestamp,
) -> Statement {
    let update = "UPDATE person_unit SET valid_until_ms = $1 \
         WHERE institution = $2 AND actor = $3 AND unit = $4 AND given_by = $5 AND valid_until_ms > $1";
    let values = vec![end.into(), institution.into(), actor.into(), unit.to_string().into(), given_by.into()];
    Statement::new(update, values)
}

/// The memberships of a person that are not over.
pub fn of_actor(institution: &InstitutionId, actor: &ActorId, now: Timestamp) -> LookUp<Vec<Membership>> {
    let select = "SELECT institution, actor, unit, valid_from_ms, valid_until_ms, given_by FROM person_unit \
         WHERE institution = $1 AND actor = $2 AND valid_until_ms > $3 ORDER BY valid_from_ms, unit LIMIT $4";
    let values = vec![institution.into(), actor.into(), now.into(), MEMBERSHIPS_MAX.into()];
    LookUp::new(Statement::new(select, values), |rows| rows.iter().map(membership_of).collect())
}

/// Every membership of the institution that is not over, by person.
///
/// # Errors
/// As [`Database::query`].
pub async fn memberships(
    database: &Database,
    institution: &InstitutionId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Membership>, CatalogError> {
    let select = "SELECT institution, actor, unit, valid_from_ms, valid_until_ms, given_by FROM person_unit \
         WHERE institution = $1 AND valid_until_ms > $2 ORDER BY actor, unit, valid_from_ms LIMIT $3";
    let values = vec![institution.into(), now.into(), limit.into()];
    database.query(Statement::new(select, values)).await?.iter().map(membership_of).collect()
}

/// The changes that replace of which departments a device or program performs studies. `sender` is its text as a unit of studies.
/// A department that does not exist fails them.
#[must_use]
pub fn set_sender(
    institution: &InstitutionId,
    sender: &StudyUnit,
    departments: &BTreeSet<DepartmentId>,
) -> Vec<Statement> {
    let sender = sender.to_string();
    let forget = "DELETE FROM sender_department WHERE institution = $1 AND sender = $2";
    let mut changes = vec![Statement::new(forget, vec![institution.into(), sender.as_str().into()])];
    let insert = "INSERT INTO sender_department (institution, sender, department) \
         SELECT institution, $1, department FROM department WHERE institution = $2 AND department = $3";
    changes.extend(departments.iter().map(|department| {
        let values = vec![sender.as_str().into(), institution.into(), department.as_str().into()];
        Statement::new(insert, values).expecting(1)
    }));
    changes
}

/// The changes by which a study that is new is of what sent it, and of the departments of that. A study that is catalogued
/// already, or of something already, stays as it is: who knows its identifier and may store cannot make it somebody else's.
#[must_use]
pub fn note_sender(institution: &InstitutionId, study: StudyRef, sender: &StudyUnit) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("INSERT INTO study_unit (study_ref, unit, institution) SELECT ").bind(study);
    sql.push(", u.unit, ")
        .bind(institution)
        .push(" FROM (SELECT CAST(")
        .bind(sender.to_string())
        .push(" AS TEXT) AS unit UNION SELECT 'performing:' || d.department AS unit ");
    sql.push("FROM sender_department d WHERE d.institution = ").bind(institution);
    sql.push(" AND d.sender = ").bind(sender.to_string()).push(") u WHERE NOT EXISTS ");
    sql.push("(SELECT 1 FROM study_unit o WHERE o.study_ref = ").bind(study);
    sql.push(") AND NOT EXISTS (SELECT 1 FROM study s WHERE s.study_ref = ").bind(study);
    sql.push(") ON CONFLICT DO NOTHING");
    sql.finish()
}

/// The changes that replace of which departments a study is. By what it was sent stays. A department that does not exist fails
/// them.
#[must_use]
pub fn set_study(
    institution: &InstitutionId,
    study: StudyRef,
    requesting: &BTreeSet<DepartmentId>,
    performing: &BTreeSet<DepartmentId>,
) -> Vec<Statement> {
    let forget = "DELETE FROM study_unit WHERE study_ref = $1 AND institution = $2 \
         AND (unit LIKE 'requesting:%' OR unit LIKE 'performing:%')";
    let mut changes = vec![Statement::new(forget, vec![study.into(), institution.into()])];
    let mut insert = |part: &str, departments: &BTreeSet<DepartmentId>| {
        for department in departments {
            let mut sql = StatementBuilder::new();
            sql.push("INSERT INTO study_unit (study_ref, unit, institution) SELECT ").bind(study);
            sql.push(", ")
                .bind(format!("{part}:{department}"))
                .push(", institution FROM department WHERE institution = ")
                .bind(institution);
            sql.push(" AND department = ").bind(department.as_str());
            changes.push(sql.finish().expecting(1));
        }
    };
    insert("requesting", requesting);
    insert("performing", performing);
    changes
}

/// Of what some studies are, as texts of units. A study that is not named is of nothing.
pub fn of_studies(
    institution: &InstitutionId,
    studies: impl IntoIterator<Item = StudyRef>,
) -> LookUp<HashMap<StudyRef, BTreeSet<String>>> {
    let studies: Vec<_> = studies.into_iter().collect();
    let keys = studies.len();
    let mut select = StatementBuilder::new();
    select.push("SELECT study_ref, unit FROM study_unit WHERE institution = ").bind(institution);
    select.push(" AND study_ref IN ").bind_list(studies);
    LookUp::of_keys(select.finish(), keys, |rows| {
        let mut units: HashMap<StudyRef, BTreeSet<String>> = HashMap::new();
        for row in rows {
            units.entry(row.get_reference(0)?).or_default().insert(row.get_text(1)?.to_owned());
        }
        Ok(units)
    })
}

// === rows ===

fn membership_of(row: &Row) -> Result<Membership, CatalogError> {
    let actor = |column: usize| {
        ActorId::new(row.get_text(column)?)
            .ok_or_else(|| CatalogError::Corrupt(format!("column {column} does not hold a legal actor")))
    };
    Ok(Membership {
        institution: row.get_checked(0)?,
        actor: actor(1)?,
        unit: row.get_checked(2)?,
        valid_from: row.get_timestamp(3)?,
        valid_until: row.get_timestamp(4)?,
        given_by: actor(5)?,
    })
}

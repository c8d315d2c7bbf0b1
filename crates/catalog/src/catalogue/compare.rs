//! What a catalogue names, row by row in one order, so that two of them can be laid beside each other: a copy that came back, and
//! the one that the packs make.

use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{InstanceRef, InstitutionId, PatientRef, StudyRef, Uid};

/// Rows that are read at once.
const ROWS: i64 = 1000;

/// An instance as a catalogue names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedInstance {
    /// The pseudonym of the instance.
    pub instance: InstanceRef,
    /// Which version of it.
    pub version: i64,
    /// Whose study it leads to; none where nobody finds it.
    pub found: Option<(StudyRef, PatientRef)>,
    /// Where it lies: a place in packs, which begins with the number of their store.
    pub location: Vec<u8>,
}

/// The instances of a catalogue behind one, by their references, some at a time; none at the end.
///
/// # Errors
/// As [`Database::query`].
pub async fn instances_after(
    database: &Database,
    after: Option<&NamedInstance>,
) -> Result<Vec<NamedInstance>, CatalogError> {
    let mut select = StatementBuilder::new();
    select.push(
        "SELECT i.instance_ref, i.version, t.study_ref, t.patient_ref, i.location FROM instance i \
         LEFT JOIN series s ON s.series_ref = i.series_ref LEFT JOIN study t ON t.study_ref = s.study_ref",
    );
    if let Some(after) = after {
        select.push(" WHERE (i.instance_ref, i.version) > (").bind(after.instance);
        select.push(", ").bind(after.version).push(")");
    }
    select.push(" ORDER BY i.instance_ref, i.version LIMIT ").bind(ROWS);
    database.query(select.finish()).await?.iter().map(named).collect()
}

/// The study whose reference is this one or the next behind it; none at the end.
///
/// # Errors
/// As [`Database::query`].
pub async fn study_from(
    database: &Database,
    institution: &InstitutionId,
    reference: StudyRef,
) -> Result<Option<(StudyRef, Uid)>, CatalogError> {
    let select = "SELECT study_ref, study_uid FROM study WHERE study_ref >= $1 AND institution = $2 \
                  ORDER BY study_ref LIMIT 1";
    let rows = database.query(Statement::new(select, vec![reference.into(), institution.into()])).await?;
    rows.first().map(|row| Ok((row.get_reference(0)?, row.get_checked(1)?))).transpose()
}

fn named(row: &Row) -> Result<NamedInstance, CatalogError> {
    let found = match row.opt_bytes(2)? {
        Some(_) => Some((row.get_reference(2)?, row.get_reference(3)?)),
        None => None,
    };
    let location = row.opt_bytes(4)?.unwrap_or_default().to_vec();
    Ok(NamedInstance { instance: row.get_reference(0)?, version: row.get_i64(1)?, found, location })
}

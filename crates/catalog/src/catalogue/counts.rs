//! How much an institution has.

use crate::{CatalogError, Database, Statement};
use yingdun_model::InstitutionId;

/// Numbers of rows of one institution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Patients with at least one study.
    pub patients: u64,
    /// Studies.
    pub studies: u64,
    /// Series.
    pub series: u64,
    /// Instances; versions of one instance count once.
    pub instances: u64,
    /// Studies of which an instance names another patient than the study has.
    pub patient_conflicts: u64,
    /// Studies whose accession number is that of another study as well.
    pub accession_conflicts: u64,
}

/// Counts what an institution has. It adds up the studies, so it is for status pages, not for every request.
///
/// # Errors
/// As [`Database::query`].
pub async fn counts(database: &Database, institution: &InstitutionId) -> Result<Counts, CatalogError> {
    let select = "SELECT (SELECT count(*) FROM patient WHERE institution = $1), count(*), \
         CAST(COALESCE(sum(series_count), 0) AS BIGINT), CAST(COALESCE(sum(instance_count), 0) AS BIGINT), \
         CAST(COALESCE(sum(patient_conflict), 0) AS BIGINT), \
         (SELECT count(*) FROM study_accession WHERE institution = $1 AND shared = 1) \
         FROM study WHERE institution = $1";
    let rows = database.query(Statement::new(select, vec![institution.into()])).await?;
    let Some(row) = rows.first() else {
        return Ok(Counts::default());
    };
    Ok(Counts {
        patients: row.get_number(0)?,
        studies: row.get_number(1)?,
        series: row.get_number(2)?,
        instances: row.get_number(3)?,
        patient_conflicts: row.get_number(4)?,
        accession_conflicts: row.get_number(5)?,
    })
}

//! The sealed columns of studies and series, for whoever fills the catalogue.
//!
//! Nothing is read that could be out of its domain, and the institution is not asked for either: what was damaged in a
//! plain column is not met here, and is written over with the row.

use super::RowMark;
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{SeriesRef, StudyRef, Timestamp};

/// What was merged of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedStudy {
    /// The pseudonym of the study.
    pub reference: StudyRef,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Whether one of its instances names another patient.
    pub patient_conflict: bool,
    /// Its sealed texts.
    pub sealed: Vec<u8>,
}

impl SealedStudy {
    /// By what this row is told from one that describes the study otherwise.
    #[must_use]
    pub fn mark(&self) -> RowMark {
        RowMark::of(&self.sealed)
    }
}

/// What was merged of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSeries {
    /// The pseudonym of the series.
    pub reference: SeriesRef,
    /// The study it belongs to.
    pub study: StudyRef,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Its sealed texts.
    pub sealed: Vec<u8>,
}

/// Those of these studies that the catalogue has, in any order.
///
/// # Errors
/// As [`Database::query`].
pub async fn studies(database: &Database, studies: &[StudyRef]) -> Result<Vec<SealedStudy>, CatalogError> {
    database.query(select_studies(studies)).await?.iter().map(study_of).collect()
}

/// Every series of these studies, in any order.
///
/// # Errors
/// As [`Database::query`].
pub async fn series(database: &Database, studies: &[StudyRef]) -> Result<Vec<SealedSeries>, CatalogError> {
    let mut series = Vec::new();
    let mut after = None;
    loop {
        let rows = database.query(select_series(studies, after)).await?;
        for row in &rows {
            let (one, place) = series_of(row)?;
            series.push(one);
            after = Some(place);
        }
        if rows.len() < PAGE_ROWS as usize {
            return Ok(series);
        }
    }
}

/// Those of these series that the catalogue has, in any order.
///
/// # Errors
/// As [`Database::query`].
pub async fn named_series(
    database: &Database,
    series: &[SeriesRef],
) -> Result<Vec<SealedSeries>, CatalogError> {
    let rows = database.query(select_named_series(series)).await?;
    rows.iter().map(|row| series_of(row).map(|(series, _)| series)).collect()
}

/// Rows per query of [`series`].
const PAGE_ROWS: u32 = 1000;
/// Bytes of a reference.
const REFERENCE_BYTES: i64 = 16;

const SELECT_SERIES: &str =
    "SELECT series_ref, study_ref, series_number, received_ms, sealed FROM series WHERE ";

pub(super) fn select_studies(studies: &[StudyRef]) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT study_ref, received_ms, patient_conflict, sealed FROM study WHERE study_ref IN ");
    sql.bind_list(studies.iter().copied());
    sql.finish()
}

pub(super) fn select_named_series(series: &[SeriesRef]) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(SELECT_SERIES).push("series_ref IN ").bind_list(series.iter().copied());
    sql.finish()
}

pub(super) fn select_series(studies: &[StudyRef], after: Option<(StudyRef, i64, SeriesRef)>) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(SELECT_SERIES).push("study_ref IN ");
    sql.bind_list(studies.iter().copied());
    // A damaged reference is one of no series.
    sql.push(" AND length(series_ref) = ").bind(REFERENCE_BYTES);
    if let Some(after) = after {
        let (study, number, series) = after;
        sql.push(" AND (study_ref, series_number, series_ref) > (").bind(study).push(", ");
        sql.bind(number).push(", ").bind(series).push(")");
    }
    sql.push(" ORDER BY study_ref, series_number, series_ref LIMIT ").bind(PAGE_ROWS);
    sql.finish()
}

fn study_of(row: &Row) -> Result<SealedStudy, CatalogError> {
    Ok(SealedStudy {
        reference: row.get_reference(0)?,
        received: row.get_timestamp(1)?,
        patient_conflict: row.get_i64(2)? == 1,
        sealed: row.get_bytes(3)?.to_vec(),
    })
}

/// A row and its place in the order of the index.
fn series_of(row: &Row) -> Result<(SealedSeries, (StudyRef, i64, SeriesRef)), CatalogError> {
    let (reference, study) = (row.get_reference(0)?, row.get_reference(1)?);
    let place = (study, row.get_i64(2)?, reference);
    let series = SealedSeries {
        reference,
        study,
        received: row.get_timestamp(3)?,
        sealed: row.get_bytes(4)?.to_vec(),
    };
    Ok((series, place))
}

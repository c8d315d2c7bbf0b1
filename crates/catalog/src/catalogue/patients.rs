//! Listing patients: each by the newest of their studies that fits, and what they have in all.

use super::filter::{Page, Plan, StudyCursor, StudyFilter};
use super::studies::{self, StudyRow};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{Grade, PatientRef, StudyRef, Timestamp};

/// A study as far as it is counted for its patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedStudy {
    /// The pseudonym of the study.
    pub reference: StudyRef,
    /// Whose it is.
    pub patient: PatientRef,
    /// How sensitive it is.
    pub grade: Grade,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Its series.
    pub series_count: u64,
    /// Its instances.
    pub instance_count: u64,
    date: i64,
    time: i64,
}

impl CountedStudy {
    /// The place of this study in the order of answers, to begin the next page behind it.
    #[must_use]
    pub const fn cursor(&self) -> StudyCursor {
        StudyCursor::of_columns(self.date, self.time, self.reference)
    }
}

/// One page of the patients who have a study that fits the filter, each as the newest such study, in the order of
/// [`studies::search`]. A patient who gets a newer study between two pages may be passed over.
///
/// # Errors
/// As [`studies::search`].
pub async fn search(
    database: &Database,
    filter: &StudyFilter,
    page: Page<StudyCursor>,
) -> Result<Vec<StudyRow>, CatalogError> {
    let Some(plan) = Plan::of(database, filter).await? else {
        return Ok(Vec::new());
    };
    studies::read(database, studies::select(&plan.newest_of_patient(), &page)).await
}

/// One page of the studies that fit the filter, as far as they are counted, in the order of [`studies::search`].
///
/// # Errors
/// As [`studies::search`].
pub async fn count(
    database: &Database,
    filter: &StudyFilter,
    page: Page<StudyCursor>,
) -> Result<Vec<CountedStudy>, CatalogError> {
    let Some(plan) = Plan::of(database, filter).await? else {
        return Ok(Vec::new());
    };
    database.query(select_counts(&plan, &page)).await?.iter().map(counted_of).collect()
}

/// The statement behind [`count`].
pub(super) fn select_counts(plan: &Plan<'_>, page: &Page<StudyCursor>) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT s.study_ref, s.patient_ref, s.grade, s.received_ms, s.series_count, s.instance_count, ");
    sql.push("s.study_date, s.study_time FROM (");
    studies::join_page(&mut sql, plan, page);
    sql.finish()
}

fn counted_of(row: &Row) -> Result<CountedStudy, CatalogError> {
    Ok(CountedStudy {
        reference: row.get_reference(0)?,
        patient: row.get_reference(1)?,
        grade: row.get_word(2)?,
        received: row.get_timestamp(3)?,
        series_count: row.get_number(4)?,
        instance_count: row.get_number(5)?,
        date: row.get_i64(6)?,
        time: row.get_i64(7)?,
    })
}

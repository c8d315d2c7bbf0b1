//! Searching series.

use super::filter::{Page, Plan, StudyCursor, StudyFilter};
use super::moment::{date_from, number_column, number_from, push_dates, push_moments, push_times, time_from};
use super::walk::{self, Depth, Named, Part};
use super::{Date, Moment, TimeOfDay};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use std::ops::RangeInclusive;
use yingdun_model::{Grade, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// Which series are meant. All conditions hold together; an empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesFilter {
    /// Series of these studies.
    pub studies: StudyFilter,
    /// One of these series.
    pub series: Vec<SeriesRef>,
    /// One of these Series Instance UIDs.
    pub uids: Vec<Uid>,
    /// Of one of these modalities.
    pub modalities: Vec<String>,
    /// With this Series Number.
    pub number: Option<i32>,
    /// The performed procedure step began on a date in this range.
    pub performed_date: Option<RangeInclusive<Date>>,
    /// The performed procedure step began at a time in this range.
    pub performed_time: Option<RangeInclusive<TimeOfDay>>,
    /// It began within this range of moments. Belongs beside the same range of dates.
    pub performed_moments: Option<RangeInclusive<Moment>>,
}

impl SeriesFilter {
    /// Every series of these studies.
    #[must_use]
    pub const fn of(studies: StudyFilter) -> Self {
        Self {
            studies,
            series: Vec::new(),
            uids: Vec::new(),
            modalities: Vec::new(),
            number: None,
            performed_date: None,
            performed_time: None,
            performed_moments: None,
        }
    }
}

/// Where a series stands in the order of answers: by study, number, reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesCursor {
    pub(super) study: StudyCursor,
    pub(super) number: i64,
    pub(super) reference: SeriesRef,
}

/// One series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRow {
    /// The pseudonym of the series.
    pub reference: SeriesRef,
    /// The study it belongs to.
    pub study: StudyRef,
    /// Study Instance UID (0020,000D).
    pub study_uid: Uid,
    /// Whose it is.
    pub patient: PatientRef,
    /// How sensitive the study is.
    pub grade: Grade,
    /// When the archive received the first instance of the study.
    pub study_received: Timestamp,
    /// Series Instance UID (0020,000E).
    pub uid: Uid,
    /// Modality (0008,0060); empty when it was not sent.
    pub modality: String,
    /// Series Number (0020,0011).
    pub number: Option<i32>,
    /// Performed Procedure Step Start Date (0040,0244).
    pub performed_date: Option<Date>,
    /// Performed Procedure Step Start Time (0040,0245).
    pub performed_time: Option<TimeOfDay>,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Number of Series Related Instances (0020,1209).
    pub instance_count: u64,
    /// What is sealed under the study key.
    pub sealed: Vec<u8>,
    study_date: i64,
    study_time: i64,
}

impl SeriesRow {
    /// The place of this series in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> SeriesCursor {
        SeriesCursor {
            study: StudyCursor::of_columns(self.study_date, self.study_time, self.study),
            number: number_column(self.number),
            reference: self.reference,
        }
    }
}

/// One page of the series that fit the filter: in the order of their studies as [`super::studies::search`] gives them,
/// then by number, series without number last.
///
/// # Errors
/// As [`super::studies::search`].
pub async fn search(
    database: &Database,
    filter: &SeriesFilter,
    page: Page<SeriesCursor>,
) -> Result<Vec<SeriesRow>, CatalogError> {
    let studies = filter.studies.with_series_of(&filter.modalities);
    let after = page.after.as_ref();
    let select = |plan: &Plan<'_>, part: Part<'_>, limit| select(plan, filter, part, after, limit);
    let rows = walk::rows(database, &studies, &page, after.map(|after| &after.study), select).await?;
    rows.iter().map(series_of).collect()
}

/// One of the statements behind [`search`].
pub(super) fn select(
    plan: &Plan<'_>,
    filter: &SeriesFilter,
    part: Part<'_>,
    after: Option<&SeriesCursor>,
    limit: usize,
) -> Statement {
    let named =
        if filter.series.is_empty() && filter.uids.is_empty() { Named::Studies } else { Named::Series };
    let mut sql = StatementBuilder::new();
    sql.push(SELECT);
    walk::push_from(&mut sql, plan, part, named, Depth::Series);
    if !filter.series.is_empty() {
        sql.push(" AND r.series_ref IN ").bind_list(filter.series.iter().copied());
    }
    if !filter.uids.is_empty() {
        sql.push(" AND r.series_uid IN ").bind_list(&filter.uids);
    }
    if !filter.modalities.is_empty() {
        sql.push(" AND r.modality IN ").bind_list(filter.modalities.iter().map(String::as_str));
    }
    if let Some(number) = filter.number {
        sql.push(" AND r.series_number = ").bind(number);
    }
    push_dates(&mut sql, "r.performed_date", filter.performed_date.as_ref());
    push_times(&mut sql, "r.performed_time", filter.performed_time.as_ref());
    push_moments(&mut sql, ["r.performed_date", "r.performed_time"], filter.performed_moments.as_ref());
    if let (Part::Within(_), Some(after)) = (part, after) {
        sql.push(" AND (r.series_number, r.series_ref) > (").bind(after.number).push(", ");
        sql.bind(after.reference).push(")");
    }
    walk::push_order(&mut sql, part, named);
    sql.push("r.series_number, r.series_ref LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.finish()
}

// === rows ===

const SELECT: &str = "SELECT r.series_ref, r.study_ref, s.study_uid, s.patient_ref, s.grade, s.received_ms, \
     r.series_uid, r.modality, r.series_number, r.performed_date, r.performed_time, r.received_ms, \
     r.instance_count, r.sealed, s.study_date, s.study_time";

fn series_of(row: &Row) -> Result<SeriesRow, CatalogError> {
    Ok(SeriesRow {
        reference: row.get_reference(0)?,
        study: row.get_reference(1)?,
        study_uid: row.get_checked(2)?,
        patient: row.get_reference(3)?,
        grade: row.get_word(4)?,
        study_received: row.get_timestamp(5)?,
        uid: row.get_checked(6)?,
        modality: row.get_text(7)?.to_owned(),
        number: number_from(row.get_i64(8)?)?,
        performed_date: date_from(row.get_i64(9)?)?,
        performed_time: time_from(row.get_i64(10)?)?,
        received: row.get_timestamp(11)?,
        instance_count: row.get_number(12)?,
        sealed: row.get_bytes(13)?.to_vec(),
        study_date: row.get_i64(14)?,
        study_time: row.get_i64(15)?,
    })
}

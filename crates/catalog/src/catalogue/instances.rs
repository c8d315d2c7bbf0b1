//! Finding instances, and where they lie.

use super::filter::{Page, Plan, StudyCursor, StudyFilter};
use super::moment::{number_column, number_from, size_from};
use super::walk::{self, Depth, Named, Part};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

/// Which instances are meant. All conditions hold together; an empty list is no condition. Of an instance with
/// several versions, the newest is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Instances of these studies.
    pub studies: StudyFilter,
    /// Of one of these series.
    pub series: Vec<SeriesRef>,
    /// Of a series with one of these Series Instance UIDs.
    pub series_uids: Vec<Uid>,
    /// Of a series of one of these modalities.
    pub modalities: Vec<String>,
    /// One of these instances.
    pub instances: Vec<InstanceRef>,
    /// Of one of these SOP classes.
    pub sop_classes: Vec<Uid>,
    /// With this Instance Number.
    pub number: Option<i32>,
}

impl InstanceFilter {
    /// Every instance of these studies.
    #[must_use]
    pub const fn of(studies: StudyFilter) -> Self {
        Self {
            studies,
            series: Vec::new(),
            series_uids: Vec::new(),
            modalities: Vec::new(),
            instances: Vec::new(),
            sop_classes: Vec::new(),
            number: None,
        }
    }
}

/// Where an instance stands in the order of answers: by study, number of the series, series, number, reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceCursor {
    pub(super) study: StudyCursor,
    pub(super) series_number: i64,
    pub(super) series: SeriesRef,
    pub(super) number: i64,
    pub(super) reference: InstanceRef,
}

/// One version of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRow {
    /// The pseudonym of the instance.
    pub reference: InstanceRef,
    /// 1 for the first object with this SOP Instance UID, one more for each that differs.
    pub version: u32,
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
    /// The series it belongs to.
    pub series: SeriesRef,
    /// Series Instance UID (0020,000E).
    pub series_uid: Uid,
    /// Series Number (0020,0011) of the series.
    pub series_number: Option<i32>,
    /// Modality (0008,0060) of the series; empty when it was not sent.
    pub modality: String,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: Uid,
    /// SOP Class UID (0008,0016).
    pub sop_class: Uid,
    /// The transfer syntax in which it is kept.
    pub transfer_syntax: Uid,
    /// Instance Number (0020,0013).
    pub number: Option<i32>,
    /// Rows (0028,0010).
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    pub columns: Option<u32>,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: Option<u16>,
    /// Number of Frames (0028,0008).
    pub frames: Option<u32>,
    /// When the archive received this version.
    pub received: Timestamp,
    /// Bytes of the data set as it was sent.
    pub object_bytes: u64,
    /// Where the record lies, and in which store.
    pub location: Vec<u8>,
    /// What else the archive keeps, sealed under the study key.
    pub sealed: Option<Vec<u8>>,
    study_date: i64,
    study_time: i64,
}

impl InstanceRow {
    /// The place of this instance in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> InstanceCursor {
        InstanceCursor {
            study: StudyCursor::of_columns(self.study_date, self.study_time, self.study),
            series_number: number_column(self.series_number),
            series: self.series,
            number: number_column(self.number),
            reference: self.reference,
        }
    }
}

/// One page of the instances that fit the filter: in the order of their studies as [`super::studies::search`] gives them,
/// then by number of the series, series, number; those without number last.
///
/// # Errors
/// As [`super::studies::search`].
pub async fn search(
    database: &Database,
    filter: &InstanceFilter,
    page: Page<InstanceCursor>,
) -> Result<Vec<InstanceRow>, CatalogError> {
    let studies = filter.studies.with_series_of(&filter.modalities);
    let after = page.after.as_ref();
    let select = |plan: &Plan<'_>, part: Part<'_>, limit| select(plan, filter, part, after, limit);
    let rows = walk::rows(database, &studies, &page, after.map(|after| &after.study), select).await?;
    rows.iter().map(instance_of).collect()
}

/// One of the statements behind [`search`].
pub(super) fn select(
    plan: &Plan<'_>,
    filter: &InstanceFilter,
    part: Part<'_>,
    after: Option<&InstanceCursor>,
    limit: usize,
) -> Statement {
    let named = if !filter.instances.is_empty() {
        Named::Instances
    } else if filter.series.is_empty() && filter.series_uids.is_empty() {
        Named::Studies
    } else {
        Named::Series
    };
    let mut sql = StatementBuilder::new();
    sql.push(SELECT);
    walk::push_from(&mut sql, plan, part, named, Depth::Instances);
    sql.push(" AND i.latest = 1");
    if !filter.series.is_empty() {
        sql.push(" AND r.series_ref IN ").bind_list(filter.series.iter().copied());
    }
    if !filter.series_uids.is_empty() {
        sql.push(" AND r.series_uid IN ").bind_list(&filter.series_uids);
    }
    if !filter.modalities.is_empty() {
        sql.push(" AND r.modality IN ").bind_list(filter.modalities.iter().map(String::as_str));
    }
    if !filter.instances.is_empty() {
        sql.push(" AND i.instance_ref IN ").bind_list(filter.instances.iter().copied());
    }
    if !filter.sop_classes.is_empty() {
        sql.push(" AND f.sop_class_uid IN ").bind_list(&filter.sop_classes);
    }
    if let Some(number) = filter.number {
        sql.push(" AND i.instance_number = ").bind(number);
    }
    if let (Part::Within(_), Some(after)) = (part, after) {
        push_after(&mut sql, after);
    }
    walk::push_order(&mut sql, part, named);
    sql.push(ORDER_IN_STUDY).push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.finish()
}

/// Every instance of a study in its newest version, by series and number. Read in pages, so that no single
/// query holds the database long.
///
/// # Errors
/// [`CatalogError::TooManyRows`] over [`OF_STUDY_MAX`]; the rest as [`Database::query`].
pub async fn of_study(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
) -> Result<Vec<InstanceRow>, CatalogError> {
    let mut instances: Vec<InstanceRow> = Vec::new();
    loop {
        let after = instances.last().map(InstanceRow::cursor);
        let rows = database.query(select_of_study(institution, study, after.as_ref())).await?;
        let full = rows.len() == OF_STUDY_PAGE as usize;
        for row in &rows {
            instances.push(instance_of(row)?);
        }
        if !full {
            return Ok(instances);
        }
        if instances.len() >= OF_STUDY_MAX {
            return Err(CatalogError::TooManyRows { limit: OF_STUDY_MAX });
        }
    }
}

/// The most instances of one study that are read at once: ten times the largest known studies, about 400 MB.
pub const OF_STUDY_MAX: usize = 1_000_000;
/// Rows per query of [`of_study`]: a few milliseconds.
const OF_STUDY_PAGE: u32 = 5000;

/// The statement behind [`of_study`].
pub(super) fn select_of_study(
    institution: &InstitutionId,
    study: StudyRef,
    after: Option<&InstanceCursor>,
) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(SELECT)
        .push(" FROM study s CROSS JOIN series r CROSS JOIN instance i CROSS JOIN image_format f");
    sql.push(JOINED).push(" AND i.latest = 1 AND NOT s.institution <> ").bind(institution);
    sql.push(" AND s.study_ref = ").bind(study);
    if let Some(after) = after {
        push_after(&mut sql, after);
    }
    sql.push(" ORDER BY ").push(ORDER_IN_STUDY).push(" LIMIT ").bind(OF_STUDY_PAGE);
    sql.finish()
}

/// The newest version of an instance.
///
/// # Errors
/// As [`Database::query`].
pub async fn latest(
    database: &Database,
    institution: &InstitutionId,
    instance: InstanceRef,
) -> Result<Option<InstanceRow>, CatalogError> {
    Ok(versions(database, institution, instance).await?.pop())
}

/// Every version of an instance, oldest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn versions(
    database: &Database,
    institution: &InstitutionId,
    instance: InstanceRef,
) -> Result<Vec<InstanceRow>, CatalogError> {
    let rows = database.look_up(select_versions(institution, instance)).await?;
    rows.iter().map(instance_of).collect()
}

/// The statement behind [`versions`].
pub(super) fn select_versions(institution: &InstitutionId, instance: InstanceRef) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(SELECT)
        .push(" FROM instance i CROSS JOIN series r CROSS JOIN study s CROSS JOIN image_format f");
    sql.push(JOINED).push(" AND NOT s.institution <> ").bind(institution);
    sql.push(" AND i.instance_ref = ").bind(instance).push(" ORDER BY i.version");
    sql.finish()
}

// === rows ===

const SELECT: &str = "SELECT i.instance_ref, i.version, r.study_ref, s.study_uid, s.patient_ref, s.grade, \
     s.received_ms, r.series_ref, r.series_uid, r.modality, i.sop_instance_uid, f.sop_class_uid, \
     f.transfer_syntax_uid, i.instance_number, f.image_rows, f.image_columns, f.bits_allocated, i.frames, \
     i.received_ms, i.object_bytes, i.location, i.sealed, r.series_number, s.study_date, s.study_time";
const JOINED: &str =
    " WHERE s.study_ref = r.study_ref AND r.series_ref = i.series_ref AND f.format_id = i.format_id";
const ORDER_IN_STUDY: &str = "r.series_number, r.series_ref, i.instance_number, i.instance_ref";

/// Appends that a row stands behind another one of its study.
fn push_after(sql: &mut StatementBuilder, after: &InstanceCursor) {
    // What an index of the series can serve; PostgreSQL takes nothing of a row of two tables for that.
    sql.push(" AND (r.series_number, r.series_ref) >= (").bind(after.series_number).push(", ");
    sql.bind(after.series).push(")");
    sql.push(" AND (r.series_number, r.series_ref, i.instance_number, i.instance_ref) > (");
    sql.bind(after.series_number).push(", ").bind(after.series).push(", ");
    sql.bind(after.number).push(", ").bind(after.reference).push(")");
}

fn instance_of(row: &Row) -> Result<InstanceRow, CatalogError> {
    Ok(InstanceRow {
        reference: row.get_reference(0)?,
        version: row.get_number(1)?,
        study: row.get_reference(2)?,
        study_uid: row.get_checked(3)?,
        patient: row.get_reference(4)?,
        grade: row.get_word(5)?,
        study_received: row.get_timestamp(6)?,
        series: row.get_reference(7)?,
        series_uid: row.get_checked(8)?,
        modality: row.get_text(9)?.to_owned(),
        sop_instance: row.get_checked(10)?,
        sop_class: row.get_checked(11)?,
        transfer_syntax: row.get_checked(12)?,
        number: number_from(row.get_i64(13)?)?,
        rows: size_from(row.get_i64(14)?)?,
        columns: size_from(row.get_i64(15)?)?,
        bits_allocated: size_from(row.get_i64(16)?)?,
        frames: row.opt_number(17)?,
        received: row.get_timestamp(18)?,
        object_bytes: row.get_number(19)?,
        location: row.get_bytes(20)?.to_vec(),
        sealed: row.opt_bytes(21)?.map(<[u8]>::to_vec),
        series_number: number_from(row.get_i64(22)?)?,
        study_date: row.get_i64(23)?,
        study_time: row.get_i64(24)?,
    })
}

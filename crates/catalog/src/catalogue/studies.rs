//! Searching studies.

pub use super::filter::StudyCursor;
use super::filter::{Page, Plan, StudyFilter};
use super::moment::{date_column, date_from, time_column, time_from};
use super::{Date, TimeOfDay};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};
use yingdun_model::{Grade, InstitutionId, PatientRef, StudyRef, Timestamp, Uid};

/// One study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRow {
    /// The pseudonym of the study.
    pub reference: StudyRef,
    /// Whose it is.
    pub patient: PatientRef,
    /// Study Instance UID (0020,000D).
    pub uid: Uid,
    /// Study Date (0008,0020).
    pub date: Option<Date>,
    /// Study Time (0008,0030).
    pub time: Option<TimeOfDay>,
    /// How sensitive it is.
    pub grade: Grade,
    /// When the archive received its first instance.
    pub received: Timestamp,
    /// Modalities in Study (0008,0061), sorted, each once.
    pub modalities: Vec<String>,
    /// Number of Study Related Series (0020,1206).
    pub series_count: u64,
    /// Number of Study Related Instances (0020,1208).
    pub instance_count: u64,
    /// Whether one of its instances names another patient.
    pub patient_conflict: bool,
    /// Its sealed texts.
    pub sealed: Vec<u8>,
}

impl StudyRow {
    /// The place of this study in the order of answers, to begin the next page behind it.
    #[must_use]
    pub fn cursor(&self) -> StudyCursor {
        StudyCursor::of_columns(date_column(self.date), time_column(self.time), self.reference)
    }
}

/// One page of the studies that fit the filter, newest study date and time first, to the second; studies without date last.
///
/// # Errors
/// [`CatalogError::Misuse`] when the filter has more conditions than can be; the rest as [`Database::query`].
pub async fn search(
    database: &Database,
    filter: &StudyFilter,
    page: Page<StudyCursor>,
) -> Result<Vec<StudyRow>, CatalogError> {
    let Some(plan) = Plan::of(database, filter).await? else {
        return Ok(Vec::new());
    };
    read(database, select(&plan, &page)).await
}

/// The rows of a statement made by [`select`].
pub(super) async fn read(database: &Database, select: Statement) -> Result<Vec<StudyRow>, CatalogError> {
    database.query(select).await?.iter().map(study_of).collect()
}

/// The page is chosen from indexes first; only then are the wide rows read.
pub(super) fn select(plan: &Plan<'_>, page: &Page<StudyCursor>) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push(SELECT);
    join_page(&mut sql, plan, page);
    sql.finish()
}

/// Closes a SELECT of columns of `s` that ends in `FROM (`: the studies of a page, in its order.
pub(super) fn join_page(sql: &mut StatementBuilder, plan: &Plan<'_>, page: &Page<StudyCursor>) {
    plan.select_page(sql, page);
    sql.push(") page CROSS JOIN study s WHERE s.study_ref = page.study_ref");
    sql.push(" ORDER BY page.study_date DESC, page.study_key DESC, page.study_ref DESC");
}

/// Studies of which an instance names another patient than the study has, by reference: what an administrator has to
/// look at. Ask for one more than is shown, to know whether there are more.
///
/// # Errors
/// As [`Database::query`].
pub async fn in_patient_conflict(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<StudyRef>, CatalogError> {
    let select = select_in_patient_conflict(institution, limit);
    database.query(select).await?.iter().map(|row| row.get_reference(0)).collect()
}

/// The statement behind [`in_patient_conflict`].
pub(super) fn select_in_patient_conflict(institution: &InstitutionId, limit: u32) -> Statement {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT study_ref FROM study WHERE patient_conflict = 1 AND institution = ").bind(institution);
    sql.push(" ORDER BY study_ref LIMIT ").bind(limit);
    sql.finish()
}

/// Grade and arrival of those of these studies that there are.
///
/// # Errors
/// As [`Database::query`].
pub async fn graded(
    database: &Database,
    institution: &InstitutionId,
    studies: &[StudyRef],
) -> Result<Vec<(StudyRef, Grade, Timestamp)>, CatalogError> {
    if studies.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = StatementBuilder::new();
    sql.push("SELECT study_ref, grade, received_ms FROM study WHERE institution = ").bind(institution);
    sql.push(" AND study_ref IN ").bind_list(studies.iter().copied());
    let rows = database.query(sql.finish()).await?;
    rows.iter().map(|row| Ok((row.get_reference(0)?, row.get_word(1)?, row.get_timestamp(2)?))).collect()
}

// === rows ===

const SELECT: &str = "SELECT s.study_ref, s.patient_ref, s.study_uid, s.study_date, s.study_time, s.grade, \
     s.received_ms, s.series_count, s.instance_count, s.patient_conflict, s.sealed, \
     (SELECT string_agg(m.modality, ',') FROM \
     (SELECT DISTINCT r.modality FROM series r WHERE r.study_ref = s.study_ref) m) FROM (";

fn study_of(row: &Row) -> Result<StudyRow, CatalogError> {
    Ok(StudyRow {
        reference: row.get_reference(0)?,
        patient: row.get_reference(1)?,
        uid: row.get_checked(2)?,
        date: date_from(row.get_i64(3)?)?,
        time: time_from(row.get_i64(4)?)?,
        grade: row.get_word(5)?,
        received: row.get_timestamp(6)?,
        series_count: row.get_number(7)?,
        instance_count: row.get_number(8)?,
        patient_conflict: row.get_i64(9)? == 1,
        sealed: row.get_bytes(10)?.to_vec(),
        modalities: words(row.opt_text(11)?.unwrap_or_default()),
    })
}

fn words(joined: &str) -> Vec<String> {
    let mut words: Vec<String> =
        joined.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

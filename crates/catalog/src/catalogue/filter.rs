//! Which studies are meant and which of them may be seen, as SQL that an index serves.
//!
//! A search has a *driver*: the one condition whose index is walked. All other conditions are checked on the rows
//! it yields, each by one look into an index. A driver that yields few rows is followed to its end; one
//! that yields many is walked in the order of the answer, newest study first, until the page is full.

use super::moment::{date_column, push_dates, push_moments, push_times, time_column};
use super::{Date, Moment, TimeOfDay, Token};
use crate::{CatalogError, Database, StatementBuilder};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use yingdun_model::{ActorId, InstitutionId, PatientRef, StudyRef, Timestamp};

/// How many alternatives one condition may have, e.g. patient IDs in a list.
const ALTERNATIVES_MAX: usize = 1000;
/// How many conditions of tokens one search may have.
const CONDITIONS_MAX: usize = 32;
/// Up to this many alternatives, each is walked in the order of the answer and cut at the page's end. Beyond, all
/// that they yield is sorted: such lists name rare things.
const ARMS_MAX: usize = 8;
/// A condition that yields fewer studies than this is followed to its end.
const FEW: i64 = 1000;
/// Conditions that all yield more than [`FEW`] are compared up to so many studies, and once more where all yield more than
/// that: milliseconds of reading an index, against hundreds of a walk along the wrong one.
const MANY: [i64; 2] = [5000, 20_000];

/// Which studies a session may see. The same rules as the policies, in SQL; each row is decided again by
/// policy before it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// None. What is not said is closed.
    #[default]
    Nothing,
    /// Every study of the institution.
    Institution,
    /// Studies of patients with whom the actor has a care relation at this moment.
    CareRelation {
        /// Who looks.
        actor: ActorId,
        /// When.
        at: Timestamp,
    },
    /// Studies that the archive received at this moment or later.
    ReceivedSince(Timestamp),
    /// Studies of one of these units; where a moment is given, only those that the archive received then or later.
    OfUnits {
        /// The units, as texts.
        units: Vec<String>,
        /// Since when they were received.
        since: Option<Timestamp>,
    },
    /// What one of the shapes above shows, and beside it what was granted.
    Granted {
        /// What is seen without a grant.
        beside: Box<Visibility>,
        /// Every study of these patients.
        patients: Vec<PatientRef>,
        /// These studies.
        studies: Vec<StudyRef>,
    },
}

/// Tokens and modalities that stand beside each other in one condition: what somebody types may be a name as well as a modality. One
/// without any fits no study.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Either {
    /// One of these tokens.
    pub tokens: Vec<Token>,
    /// Or a series of one of these modalities.
    pub modalities: Vec<String>,
}

/// Which studies are meant. All conditions hold together; an empty list is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyFilter {
    /// Whose studies.
    pub institution: InstitutionId,
    /// Who may see them.
    pub visibility: Visibility,
    /// One of these studies.
    pub studies: Vec<StudyRef>,
    /// Of one of these patients.
    pub patients: Vec<PatientRef>,
    /// For each inner list: the study has one of these tokens. An empty inner list fits no study.
    pub tokens: Vec<Vec<Token>>,
    /// For each inner list: the study has a series of one of these modalities.
    pub modalities: Vec<Vec<String>>,
    /// For each: the study has one of these tokens, or a series of one of these modalities.
    pub either: Vec<Either>,
    /// The study date lies in this range. A study without date fits no range.
    pub date: Option<RangeInclusive<Date>>,
    /// The study time lies in this range. A study without time fits no range.
    pub time: Option<RangeInclusive<TimeOfDay>>,
    /// Date and time together lie in this range. Belongs beside the same range of dates, of which it cuts the first and the
    /// last day.
    pub moments: Option<RangeInclusive<Moment>>,
}

impl StudyFilter {
    /// No condition but the institution and who looks.
    #[must_use]
    pub const fn all(institution: InstitutionId, visibility: Visibility) -> Self {
        Self {
            institution,
            visibility,
            studies: Vec::new(),
            patients: Vec::new(),
            tokens: Vec::new(),
            modalities: Vec::new(),
            either: Vec::new(),
            date: None,
            time: None,
            moments: None,
        }
    }

    /// The same, narrowed to studies that have a series of one of these modalities where nothing was said of that.
    pub(super) fn with_series_of(&self, modalities: &[String]) -> Self {
        let mut filter = self.clone();
        if filter.modalities.is_empty() && !modalities.is_empty() {
            filter.modalities.push(modalities.to_vec());
        }
        filter
    }
}

/// Which part of an answer is wanted. Ask for one row more than is shown, to know whether there are more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<C> {
    /// Rows to pass over, after `after`.
    pub offset: u32,
    /// The most rows to return.
    pub limit: u32,
    /// Begin behind this row of the order. Pages that begin behind their predecessor's last row neither
    /// repeat nor miss a row when others are added meanwhile, and cost the same wherever they lie.
    pub after: Option<C>,
}

impl<C> Page<C> {
    /// The first rows.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { offset: 0, limit, after: None }
    }

    /// Rows to read: those to pass over and those to return.
    pub(super) const fn reach(&self) -> usize {
        self.offset as usize + self.limit as usize
    }
}

/// Where a study stands in the order of answers: by date, by the second of the day, then by reference, all descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyCursor {
    pub(super) date: i64,
    /// As [`second`].
    pub(super) second: i64,
    pub(super) reference: StudyRef,
}

impl StudyCursor {
    /// The place of a study with this date and time, as they stand in their columns.
    pub(super) const fn of_columns(date: i64, time: i64, reference: StudyRef) -> Self {
        Self { date, second: second(time), reference }
    }

    pub(super) const fn key(&self) -> i64 {
        key(self.second, self.reference)
    }
}

impl fmt::Display for StudyCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.date, self.second, self.reference)
    }
}

/// The text is no place in the order of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place in the order of studies is what an answer gave as the next one")]
pub struct StudyCursorError;

impl FromStr for StudyCursor {
    type Err = StudyCursorError;

    fn from_str(text: &str) -> Result<Self, StudyCursorError> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(StudyCursorError);
        let (date, second, reference) = (part()?, part()?, part()?);
        let date = date.parse().map_err(|_| StudyCursorError)?;
        let second = second.parse().map_err(|_| StudyCursorError)?;
        if !(0..=SECOND_MAX).contains(&second) {
            return Err(StudyCursorError);
        }
        Ok(Self { date, second, reference: reference.parse().map_err(|_| StudyCursorError)? })
    }
}

/// Behind the last second of a day with a leap second.
const SECOND_MAX: i64 = 24 * 3600 + 1;

/// Bits of the reference in a key; those of the second stand above them.
const REFERENCE_BITS: u32 = 46;

/// A number that sorts like the time of day and then the reference of a study: the second in which it began, and the first 46 bits of the
/// reference. Studies of one day are in the order of their keys, so that an index answers the newest first. Terms lead to a study by its date
/// and this key: among a hundred thousand studies of one second two have the same by an accident of 1 in 10⁴.
#[must_use]
pub fn study_key(study: StudyRef, time: Option<TimeOfDay>) -> i64 {
    key(second(time_column(time)), study)
}

/// The second of the day from 1, of a time as it stands in its column; 0 for a study without time, which stands behind the others of its day.
const fn second(time: i64) -> i64 {
    if time < 0 { 0 } else { time / 1_000_000 + 1 }
}

const fn key(second: i64, study: StudyRef) -> i64 {
    let reference = u64::from_be_bytes(beginning(study.as_bytes())) >> (u64::BITS - REFERENCE_BITS);
    (second << REFERENCE_BITS) | reference.cast_signed()
}

/// The first eight bytes of a reference as a number, for what is locked by it.
pub(super) fn lock_number(study: StudyRef) -> i64 {
    i64::from_be_bytes(beginning(study.as_bytes()))
}

/// The first eight bytes of a token. Of a hundred million terms another one begins alike by an accident of 1 in 10¹¹.
#[must_use]
pub fn term(token: &Token) -> i64 {
    i64::from_be_bytes(beginning(token))
}

/// The term under which a modality is kept among the tokens: a digest without a key, because modalities are plain.
#[must_use]
pub fn modality_term(institution: &InstitutionId, modality: &str) -> i64 {
    let text = [b"modality", institution.as_str().as_bytes(), modality.as_bytes()].join(&0);
    let digest = ring::digest::digest(&ring::digest::SHA256, &text);
    i64::from_be_bytes(digest.as_ref().first_chunk().copied().unwrap_or_default())
}

const fn beginning(bytes: &[u8; 16]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *bytes;
    [a, b, c, d, e, f, g, h]
}

// === the plan of a search ===

/// A filter made ready: its conditions by term, and the driver.
pub(super) struct Plan<'f> {
    filter: &'f StudyFilter,
    /// Tokens and modalities, also beside each other: for each condition its alternatives, sorted and unlike.
    conditions: Vec<Vec<i64>>,
    driver: Driver,
    /// Whether only the newest study of each patient is meant, among those that fit.
    newest_of_patient: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Studies,
    Patients,
    /// The condition with this number.
    Condition(usize),
    CareRelations,
    Received,
    /// Units of studies.
    Units,
    /// What was granted, and what is seen beside.
    Granted,
    Dates,
    /// None of the conditions: the study is named by something else.
    Elsewhere,
}

impl<'f> Plan<'f> {
    /// Chooses the driver; `None` when no study can fit. Where several conditions could drive, the index is asked
    /// how much each yields, up to [`FEW`].
    pub(super) async fn of(
        database: &Database,
        filter: &'f StudyFilter,
    ) -> Result<Option<Self>, CatalogError> {
        let conditions = conditions(filter)?;
        if conditions.iter().any(Vec::is_empty) || filter.visibility == Visibility::Nothing {
            return Ok(None);
        }
        let by_visibility = match &filter.visibility {
            Visibility::CareRelation { .. } => Some(Driver::CareRelations),
            Visibility::ReceivedSince(_) => Some(Driver::Received),
            Visibility::OfUnits { since: Some(_), .. } => Some(Driver::Received),
            Visibility::OfUnits { units, since: None } => {
                few_of_units(database, filter, units).await?.then_some(Driver::Units)
            }
            Visibility::Granted { beside, .. } => match &**beside {
                // A large department is walked like the institution.
                Visibility::OfUnits { units, since: None } => {
                    few_of_units(database, filter, units).await?.then_some(Driver::Granted)
                }
                _ => Some(Driver::Granted),
            },
            Visibility::Institution | Visibility::Nothing => None,
        };
        let driver = if !filter.studies.is_empty() {
            Driver::Studies
        } else if !filter.patients.is_empty() {
            Driver::Patients
        } else if conditions.is_empty() {
            by_visibility.unwrap_or(Driver::Dates)
        } else if conditions.len() == 1 && by_visibility.is_none() {
            Driver::Condition(0)
        } else {
            let (mut position, mut least) = rarest(database, filter, &conditions, FEW).await?;
            match by_visibility {
                Some(driver) if least >= FEW => driver,
                Some(_) => Driver::Condition(position),
                None => {
                    // All are common. Two of which hardly any study has both make the walk long: it has to be the shorter one.
                    let mut compared = FEW;
                    for more in MANY {
                        if least < compared {
                            break;
                        }
                        (position, least) = rarest(database, filter, &conditions, more).await?;
                        compared = more;
                    }
                    Driver::Condition(position)
                }
            }
        };
        Ok(Some(Self { filter, conditions, driver, newest_of_patient: false }))
    }

    /// The same, of each patient the newest study that fits: one row per patient.
    pub(super) const fn newest_of_patient(mut self) -> Self {
        self.newest_of_patient = true;
        self
    }

    /// Appends a SELECT of `study_date`, `study_key` and `study_ref` of one page, in the order of answers.
    pub(super) fn select_page(&self, sql: &mut StatementBuilder, page: &Page<StudyCursor>) {
        let reach = i64::from(page.offset) + i64::from(page.limit);
        match self.arms() {
            arms if arms.len() == 1 => {
                for arm in arms {
                    self.select(sql, arm, page.after.as_ref());
                }
            }
            arms => {
                // A study may fit several alternatives.
                sql.push("SELECT DISTINCT study_date, study_key, study_ref FROM (");
                for (position, arm) in arms.into_iter().enumerate() {
                    sql.push(if position > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
                    self.select(sql, arm, page.after.as_ref());
                    sql.push(ORDER).push(" LIMIT ").bind(reach).push(") arm");
                }
                sql.push(") alternatives");
            }
        }
        sql.push(ORDER).push(" LIMIT ").bind(page.limit).push(" OFFSET ").bind(page.offset);
    }

    /// Appends a SELECT of `study_date`, `study_key` and `study_ref` of all studies that fit and stand behind a place, for
    /// use after `FROM`. Ordered from outside, it is walked no farther than the answer needs.
    pub(super) fn select_studies(&self, sql: &mut StatementBuilder, after: Option<&StudyCursor>) {
        match self.arms() {
            arms if arms.len() == 1 => {
                for arm in arms {
                    self.select(sql, arm, after);
                }
            }
            arms => {
                sql.push("SELECT DISTINCT study_date, study_key, study_ref FROM (");
                for (position, arm) in arms.into_iter().enumerate() {
                    sql.push(if position > 0 { " UNION ALL " } else { "" });
                    self.select(sql, arm, after);
                }
                sql.push(") alternatives");
            }
        }
    }

    /// Appends all conditions on a study that is named otherwise, on its row `s`.
    pub(super) fn conditions(&self, sql: &mut StatementBuilder) {
        let filter = self.filter;
        let on_row = Self { driver: Driver::Elsewhere, conditions: self.conditions.clone(), ..*self };
        sql.push(" AND NOT s.institution <> ").bind(&filter.institution);
        if !filter.studies.is_empty() {
            sql.push(" AND s.study_ref IN ").bind_list(filter.studies.iter().copied());
        }
        push_dates(sql, "s.study_date + 0", filter.date.as_ref());
        on_row.residue(sql);
    }

    /// The alternatives that are walked one by one: those of the driving condition when they are few, otherwise a
    /// single one that stands for all.
    fn arms(&self) -> Vec<&[i64]> {
        match self.driver {
            Driver::Condition(position) => {
                let alternatives = self.conditions.get(position).map(Vec::as_slice).unwrap_or_default();
                if alternatives.len() > ARMS_MAX {
                    vec![alternatives]
                } else {
                    alternatives.iter().map(std::slice::from_ref).collect()
                }
            }
            Driver::Studies
            | Driver::Patients
            | Driver::CareRelations
            | Driver::Received
            | Driver::Units
            | Driver::Granted
            | Driver::Dates
            | Driver::Elsewhere => vec![&[]],
        }
    }

    /// Appends one SELECT, unordered. `CROSS JOIN`, `+ 0` and `NOT … <>` keep SQLite from choosing another driver.
    /// PostgreSQL goes by its statistics.
    fn select(&self, sql: &mut StatementBuilder, arm: &[i64], after: Option<&StudyCursor>) {
        let filter = self.filter;
        let date = match self.driver {
            Driver::Condition(_) => {
                let several = if arm.len() > 1 { "DISTINCT " } else { "" };
                sql.push("SELECT ").push(several);
                sql.push("t.study_date AS study_date, t.study_key AS study_key, s.study_ref AS study_ref ");
                sql.push("FROM search_term t CROSS JOIN study s ");
                sql.push("WHERE s.study_key = t.study_key AND NOT s.study_date <> t.study_date AND t.term ");
                match arm {
                    [term] => sql.push("= ").bind(*term),
                    terms => sql.push("IN ").bind_list(terms.iter().copied()),
                };
                "t.study_date"
            }
            Driver::Studies => {
                sql.push(SELECT_STUDY).push("FROM study s WHERE s.study_ref IN ");
                sql.bind_list(filter.studies.iter().copied());
                "s.study_date + 0"
            }
            Driver::Patients => {
                sql.push(SELECT_STUDY).push("FROM study s WHERE s.patient_ref IN ");
                sql.bind_list(filter.patients.iter().copied());
                "s.study_date + 0"
            }
            Driver::CareRelations => {
                sql.push(SELECT_STUDY)
                    .push("FROM (SELECT DISTINCT c.patient_ref FROM care_relation c WHERE ");
                self.care_conditions(sql, &filter.visibility);
                sql.push(") care CROSS JOIN study s WHERE s.patient_ref = care.patient_ref");
                "s.study_date + 0"
            }
            Driver::Received => {
                sql.push(SELECT_STUDY).push("FROM study s WHERE s.received_ms >= ");
                sql.bind(self.received_since());
                "s.study_date + 0"
            }
            Driver::Units => {
                sql.push(SELECT_STUDY).push("FROM (SELECT DISTINCT u.study_ref FROM study_unit u WHERE ");
                self.unit_conditions(sql, &filter.visibility);
                sql.push(") seen CROSS JOIN study s WHERE s.study_ref = seen.study_ref");
                "s.study_date + 0"
            }
            Driver::Granted => {
                sql.push(SELECT_STUDY).push("FROM (");
                self.granted_studies(sql);
                sql.push(") seen CROSS JOIN study s WHERE s.study_ref = seen.study_ref");
                "s.study_date + 0"
            }
            Driver::Dates | Driver::Elsewhere => {
                sql.push(
                    "SELECT s.study_date AS study_date, s.study_key AS study_key, s.study_ref AS study_ref ",
                );
                sql.push("FROM study s WHERE s.study_date >= 0");
                "s.study_date"
            }
        };
        match self.driver {
            Driver::Received | Driver::Dates | Driver::Elsewhere => sql.push(" AND s.institution = "),
            // Said so that for SQLite no index of the institution, which is all there is, seems to serve. PostgreSQL
            // reads it as `=` and knows that it fits every row.
            Driver::Studies
            | Driver::Patients
            | Driver::Condition(_)
            | Driver::CareRelations
            | Driver::Units
            | Driver::Granted => sql.push(" AND NOT s.institution <> "),
        };
        sql.bind(&filter.institution);
        push_dates(sql, date, filter.date.as_ref());
        if let Some(cursor) = after {
            let key = cursor.key();
            if let Driver::Condition(_) = self.driver {
                // What an index of the terms can serve; PostgreSQL takes nothing of a row of two tables for that.
                sql.push(" AND (t.study_date, t.study_key) <= (").bind(cursor.date);
                sql.push(", ").bind(key).push(")");
            }
            sql.push(" AND (").push(date).push(", s.study_key, s.study_ref) < (");
            sql.bind(cursor.date).push(", ").bind(key).push(", ").bind(cursor.reference).push(")");
        }
        self.residue(sql);
        if self.newest_of_patient {
            self.no_newer_of_patient(sql);
        }
    }

    /// Appends that no newer study of the patient fits. Whose studies may be seen depends on the patient alone, on
    /// the arrival and the units of each study, or on a grant.
    fn no_newer_of_patient(&self, sql: &mut StatementBuilder) {
        let filter = self.filter;
        sql.push(" AND NOT EXISTS (SELECT 1 FROM study n WHERE n.patient_ref = s.patient_ref");
        sql.push(" AND (n.study_date, n.study_key, n.study_ref) > (s.study_date, s.study_key, s.study_ref)");
        sql.push(" AND NOT n.institution <> ").bind(&filter.institution);
        if !filter.studies.is_empty() {
            sql.push(" AND n.study_ref IN ").bind_list(filter.studies.iter().copied());
        }
        if let Some(range) = &filter.date {
            sql.push(" AND n.study_date <= ").bind(date_column(Some(*range.end())));
        }
        push_times(sql, "n.study_time", filter.time.as_ref());
        push_moments(sql, ["n.study_date", "n.study_time"], filter.moments.as_ref());
        for alternatives in &self.conditions {
            sql.push(" AND EXISTS (SELECT 1 FROM search_term o WHERE o.term IN ");
            sql.bind_list(alternatives.iter().copied());
            sql.push(" AND o.study_date = n.study_date AND o.study_key = n.study_key").push(FOR_EACH_ROW);
        }
        match &filter.visibility {
            Visibility::ReceivedSince(since) => {
                sql.push(" AND n.received_ms >= ").bind(*since);
            }
            Visibility::OfUnits { since, .. } => {
                sql.push(" AND ");
                self.of_units(sql, &filter.visibility, "n.study_ref");
                if let Some(since) = since {
                    sql.push(" AND n.received_ms >= ").bind(*since);
                }
            }
            Visibility::Granted { beside, patients, studies } => {
                sql.push(" AND (n.patient_ref IN ").bind_list(patients.iter().copied());
                sql.push(" OR n.study_ref IN ").bind_list(studies.iter().copied());
                self.or_beside(sql, beside, ["n.received_ms", "n.patient_ref", "n.study_ref"]);
                sql.push(")");
            }
            Visibility::Nothing | Visibility::Institution | Visibility::CareRelation { .. } => {}
        }
        sql.push(FOR_EACH_ROW);
    }

    /// Appends the conditions that do not drive, on the row `s` of the study.
    fn residue(&self, sql: &mut StatementBuilder) {
        let filter = self.filter;
        push_times(sql, "s.study_time", filter.time.as_ref());
        push_moments(sql, ["s.study_date", "s.study_time"], filter.moments.as_ref());
        if !filter.patients.is_empty() && self.driver != Driver::Patients {
            sql.push(" AND s.patient_ref IN ").bind_list(filter.patients.iter().copied());
        }
        for (position, alternatives) in self.conditions.iter().enumerate() {
            if self.driver != Driver::Condition(position) {
                sql.push(" AND EXISTS (SELECT 1 FROM search_term o WHERE o.term IN ");
                sql.bind_list(alternatives.iter().copied());
                // Against the term that drives, where one does: then the wide row of a study that lacks the other term
                // is never read.
                sql.push(match self.driver {
                    Driver::Condition(_) => " AND o.study_date = t.study_date AND o.study_key = t.study_key",
                    Driver::Studies
                    | Driver::Patients
                    | Driver::CareRelations
                    | Driver::Received
                    | Driver::Units
                    | Driver::Granted
                    | Driver::Dates
                    | Driver::Elsewhere => " AND o.study_date = s.study_date AND o.study_key = s.study_key",
                });
                sql.push(FOR_EACH_ROW);
            }
        }
        match &filter.visibility {
            Visibility::CareRelation { .. } if self.driver != Driver::CareRelations => {
                sql.push(
                    " AND EXISTS (SELECT 1 FROM care_relation c WHERE c.patient_ref = s.patient_ref AND ",
                );
                self.care_conditions(sql, &filter.visibility);
                sql.push(FOR_EACH_ROW);
            }
            Visibility::Granted { beside, patients, studies } if self.driver != Driver::Granted => {
                sql.push(" AND (s.patient_ref IN ").bind_list(patients.iter().copied());
                sql.push(" OR s.study_ref IN ").bind_list(studies.iter().copied());
                self.or_beside(sql, beside, ["s.received_ms", "s.patient_ref", "s.study_ref"]);
                sql.push(")");
            }
            Visibility::ReceivedSince(since) if self.driver != Driver::Received => {
                sql.push(" AND s.received_ms >= ").bind(*since);
            }
            Visibility::OfUnits { since, .. } if self.driver != Driver::Units => {
                sql.push(" AND ");
                self.of_units(sql, &filter.visibility, "s.study_ref");
                if let Some(since) = since.filter(|_| self.driver != Driver::Received) {
                    sql.push(" AND s.received_ms >= ").bind(since);
                }
            }
            Visibility::CareRelation { .. }
            | Visibility::ReceivedSince(_)
            | Visibility::OfUnits { .. }
            | Visibility::Granted { .. }
            | Visibility::Institution
            | Visibility::Nothing => {}
        }
    }

    /// Appends what is seen beside grants, as further alternatives on a row whose arrival, patient and reference are in these
    /// columns.
    fn or_beside(
        &self,
        sql: &mut StatementBuilder,
        beside: &Visibility,
        [received, patient, study]: [&'static str; 3],
    ) {
        match beside {
            Visibility::CareRelation { .. } => {
                sql.push(" OR EXISTS (SELECT 1 FROM care_relation c WHERE c.patient_ref = ").push(patient);
                sql.push(" AND ");
                self.care_conditions(sql, beside);
                sql.push(FOR_EACH_ROW);
            }
            Visibility::ReceivedSince(since) => {
                sql.push(" OR ").push(received).push(" >= ").bind(*since);
            }
            Visibility::OfUnits { since, .. } => {
                sql.push(" OR (");
                self.of_units(sql, beside, study);
                if let Some(since) = since {
                    sql.push(" AND ").push(received).push(" >= ").bind(*since);
                }
                sql.push(")");
            }
            Visibility::Institution => {
                sql.push(" OR 1 = 1");
            }
            // Grants stand beside one of the plain shapes, never beside each other.
            Visibility::Nothing | Visibility::Granted { .. } => {}
        }
    }

    /// Appends the studies that were granted, and those that are seen beside, each once.
    fn granted_studies(&self, sql: &mut StatementBuilder) {
        let Visibility::Granted { beside, patients, studies } = &self.filter.visibility else { return };
        sql.push("SELECT g.study_ref FROM study g WHERE g.study_ref IN ").bind_list(studies.iter().copied());
        sql.push(" UNION SELECT g.study_ref FROM study g WHERE g.patient_ref IN ");
        sql.bind_list(patients.iter().copied());
        match &**beside {
            Visibility::CareRelation { .. } => {
                sql.push(" UNION SELECT g.study_ref FROM (SELECT DISTINCT c.patient_ref FROM care_relation c WHERE ");
                self.care_conditions(sql, beside);
                sql.push(") care CROSS JOIN study g WHERE g.patient_ref = care.patient_ref");
            }
            Visibility::ReceivedSince(since) => {
                sql.push(" UNION SELECT g.study_ref FROM study g WHERE g.received_ms >= ").bind(*since);
                sql.push(" AND g.institution = ").bind(&self.filter.institution);
            }
            Visibility::OfUnits { since, .. } => {
                sql.push(
                    " UNION SELECT g.study_ref FROM (SELECT DISTINCT u.study_ref FROM study_unit u WHERE ",
                );
                self.unit_conditions(sql, beside);
                sql.push(") own CROSS JOIN study g WHERE g.study_ref = own.study_ref");
                if let Some(since) = since {
                    sql.push(" AND g.received_ms >= ").bind(*since);
                }
            }
            Visibility::Institution => {
                sql.push(" UNION SELECT g.study_ref FROM study g WHERE g.institution = ");
                sql.bind(&self.filter.institution);
            }
            Visibility::Nothing | Visibility::Granted { .. } => {}
        }
    }

    fn received_since(&self) -> i64 {
        match self.filter.visibility {
            Visibility::ReceivedSince(since) | Visibility::OfUnits { since: Some(since), .. } => {
                since.as_ms()
            }
            Visibility::Nothing
            | Visibility::Institution
            | Visibility::CareRelation { .. }
            | Visibility::OfUnits { since: None, .. }
            | Visibility::Granted { .. } => i64::MAX,
        }
    }

    /// Appends that the study of this column is of one of the units.
    fn of_units(&self, sql: &mut StatementBuilder, visibility: &Visibility, study: &'static str) {
        sql.push("EXISTS (SELECT 1 FROM study_unit u WHERE u.study_ref = ").push(study).push(" AND ");
        self.unit_conditions(sql, visibility);
        sql.push(FOR_EACH_ROW);
    }

    fn unit_conditions(&self, sql: &mut StatementBuilder, visibility: &Visibility) {
        if let Visibility::OfUnits { units, .. } = visibility {
            push_units(sql, self.filter, units);
        }
    }

    fn care_conditions(&self, sql: &mut StatementBuilder, visibility: &Visibility) {
        if let Visibility::CareRelation { actor, at } = visibility {
            sql.push("c.institution = ").bind(&self.filter.institution).push(" AND c.actor = ").bind(actor);
            sql.push(" AND c.valid_from_ms <= ").bind(*at).push(" AND c.valid_until_ms > ").bind(*at);
        }
    }
}

const SELECT_STUDY: &str =
    "SELECT s.study_date + 0 AS study_date, s.study_key AS study_key, s.study_ref AS study_ref ";
/// Closes an EXISTS that is to be looked up for each row of the driver. Without the OFFSET, PostgreSQL may join the
/// other way round, trusting statistics that are poor for tokens.
const FOR_EACH_ROW: &str = " LIMIT 1 OFFSET 0)";
/// The key sorts like the second and the beginning of the reference of which it is made.
const ORDER: &str = " ORDER BY study_date DESC, study_key DESC, study_ref DESC";

fn push_units(sql: &mut StatementBuilder, filter: &StudyFilter, units: &[String]) {
    sql.push("u.institution = ").bind(&filter.institution);
    sql.push(" AND u.unit IN ").bind_list(units.iter().cloned());
}

/// Whether so few studies are of these units that all of them are better looked at than walked past.
async fn few_of_units(
    database: &Database,
    filter: &StudyFilter,
    units: &[String],
) -> Result<bool, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT count(*) FROM (SELECT 1 FROM study_unit u WHERE ");
    push_units(&mut sql, filter, units);
    sql.push(" LIMIT ").bind(FEW).push(") few");
    let rows = database.query(sql.finish()).await?;
    Ok(rows.first().map(|row| row.get_i64(0)).transpose()?.unwrap_or_default() < FEW)
}

/// The condition that fits the fewest studies, and how many, counted up to `most`.
async fn rarest(
    database: &Database,
    filter: &StudyFilter,
    conditions: &[Vec<i64>],
    most: i64,
) -> Result<(usize, i64), CatalogError> {
    let mut sql = StatementBuilder::new();
    for (position, alternatives) in conditions.iter().enumerate() {
        sql.push(if position > 0 { ", " } else { "SELECT " });
        sql.push("(SELECT count(*) FROM (SELECT 1 FROM search_term t WHERE t.term IN ");
        sql.bind_list(alternatives.iter().copied());
        push_dates(&mut sql, "t.study_date", filter.date.as_ref());
        sql.push(" LIMIT ").bind(most).push(") few)");
    }
    let rows = database.query(sql.finish()).await?;
    let yields = rows.iter().flat_map(|row| (0..conditions.len()).map(|column| row.get_i64(column)));
    let yields = yields.collect::<Result<Vec<i64>, _>>()?;
    Ok(yields.into_iter().enumerate().min_by_key(|(_, yielded)| *yielded).unwrap_or_default())
}

/// The conditions by term, each with its alternatives sorted and unlike.
fn conditions(filter: &StudyFilter) -> Result<Vec<Vec<i64>>, CatalogError> {
    let tokens = filter.tokens.iter().map(|alternatives| alternatives.iter().map(term).collect());
    let of_modality = |word: &String| modality_term(&filter.institution, word);
    let modalities = filter.modalities.iter().map(|words| words.iter().map(of_modality).collect());
    let either = filter.either.iter().map(|either| {
        let tokens = either.tokens.iter().map(term);
        tokens.chain(either.modalities.iter().map(of_modality)).collect()
    });
    let mut conditions: Vec<Vec<i64>> = tokens.chain(modalities).chain(either).collect();
    for alternatives in &mut conditions {
        alternatives.sort_unstable();
        alternatives.dedup();
    }
    let units = match &filter.visibility {
        Visibility::OfUnits { units, .. } => units.len(),
        _ => 0,
    };
    let named = [filter.studies.len(), filter.patients.len(), units];
    let longest = conditions.iter().map(Vec::len).chain(named).max();
    if conditions.len() > CONDITIONS_MAX || longest.unwrap_or_default() > ALTERNATIVES_MAX {
        return Err(CatalogError::Misuse(format!(
            "a search has at most {CONDITIONS_MAX} conditions of {ALTERNATIVES_MAX} alternatives"
        )));
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_order_comes_back_from_its_text_and_other_texts_are_none() {
        for (date, second) in [(20_260_131, 36_000), (-1, 0), (0, SECOND_MAX)] {
            let place = StudyCursor { date, second, reference: StudyRef::from_bytes([7; 16]) };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        let reference = "07070707070707070707070707070707";
        for text in [
            "",
            ".",
            "20260131",
            "20260131.",
            "20260131.1.",
            &format!("20260131.{reference}"),
            &format!("x.1.{reference}"),
            &format!("1.x.{reference}"),
            &format!("1.-1.{reference}"),
            &format!("1.86402.{reference}"),
            "1.1.07",
        ] {
            assert_eq!(text.parse::<StudyCursor>(), Err(StudyCursorError), "{text}");
        }
    }

    #[test]
    fn keys_of_a_day_sort_by_the_second_and_then_by_the_reference() {
        let time = |hour, minute, second| TimeOfDay::new(hour, minute, second, 0);
        let study = |byte| StudyRef::from_bytes([byte; 16]);
        let mut keys = vec![
            study_key(study(0xff), time(23, 59, 60)),
            study_key(study(0x80), time(10, 15, 1)),
            study_key(study(0x7f), time(10, 15, 1)),
            study_key(study(0x01), TimeOfDay::new(10, 15, 0, 999_999)),
            study_key(study(0x00), time(10, 15, 0)),
            study_key(study(0xff), time(0, 0, 0)),
            study_key(study(0xff), None),
        ];
        assert!(keys.iter().all(|key| *key >= 0));
        let newest_first = keys.clone();
        keys.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(keys, newest_first);
    }
}

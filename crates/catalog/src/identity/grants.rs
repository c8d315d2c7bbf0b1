//! Timed grants: what one person opened to another for a while, and what a person opened in an emergency.
//!
//! A grant that ended keeps its row: who reviews, and who asks what somebody was granted, read it. Words of people are
//! sealed by the room above.

use super::people::{actor, touch};
use crate::{CatalogError, Database, LookUp, Row, Sql, Statement};
use yingdun_model::{
    ActorId, GrantKind, InstitutionId, PatientRef, PurposeOfUse, ReviewVerdict, StudyRef, Timestamp,
};

/// What a grant opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Granted {
    /// One study.
    Study(StudyRef),
    /// Every study of a patient, also one that comes later.
    Patient(PatientRef),
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedGrant {
    /// Its number, drawn by chance, by which leaves name it.
    pub number: u64,
    /// How it came about.
    pub kind: GrantKind,
    /// Who may open something by it.
    pub actor: ActorId,
    /// What it opens.
    pub on: Granted,
    /// Whether what it opens may be taken out as a medium.
    pub export: bool,
    /// For what.
    pub purpose: PurposeOfUse,
    /// Why, as a code of the room above.
    pub reason: String,
    /// Why, in words, sealed.
    pub words: Vec<u8>,
    /// Who gave it.
    pub given_by: ActorId,
    /// When.
    pub given: Timestamp,
    /// The first moment at which it opens something.
    pub valid_from: Timestamp,
    /// The first moment at which it does no more.
    pub valid_until: Timestamp,
    /// When it was found to be over, or was revoked.
    pub ended: Option<Timestamp>,
    /// Who revoked it; none where its time was over.
    pub ended_by: Option<ActorId>,
    /// Until when it is to be reviewed; none where it is not to be.
    pub review_due: Option<Timestamp>,
    /// What the review found.
    pub review: Option<Review>,
}

/// What a decision compares of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenGrant {
    /// Its number.
    pub number: u64,
    /// How it came about.
    pub kind: GrantKind,
    /// What it opens.
    pub on: Granted,
    /// Whether what it opens may be taken out as a medium.
    pub export: bool,
    /// For what.
    pub purpose: PurposeOfUse,
    /// The first moment at which it opens something.
    pub valid_from: Timestamp,
    /// The first moment at which it does no more.
    pub valid_until: Timestamp,
}

/// A review of broken glass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who reviewed.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// What was found.
    pub verdict: ReviewVerdict,
    /// Why, in words, sealed.
    pub words: Vec<u8>,
}

macro_rules! select {
    ($condition:literal) => {
        Sql::new(concat!(
            "SELECT number, kind, actor, patient_ref, study_ref, export, purpose, reason, words, given_by, given_ms, \
             valid_from_ms, valid_until_ms, ended_ms, ended_by, review_due_ms, reviewed_by, reviewed_ms, verdict, review_words \
             FROM timed_grant WHERE institution = $1 AND ",
            $condition
        ))
    };
}

/// No decision needs what people wrote, nor who gave what when.
macro_rules! open {
    ($condition:literal) => {
        concat!(
            "SELECT number, kind, patient_ref, study_ref, export, purpose, valid_from_ms, valid_until_ms FROM timed_grant \
             WHERE institution = $1 AND actor = $2 AND valid_until_ms > $3 AND ended_ms IS NULL",
            $condition
        )
    };
}

const OPEN_OF: Sql = Sql::new(open!(" ORDER BY number"));
/// A grant is on one of both, and each has an index of its own: two walks, of which each finds nearly nothing, however many grants are open.
const COVERING: Sql =
    Sql::new(concat!(open!(" AND study_ref = $4"), " UNION ALL ", open!(" AND patient_ref = $5")));
const FIND: Sql = select!("number = $2");
const LIST: Sql = select!("kind = $2 ORDER BY given_ms DESC, number LIMIT $3");
const LIST_OF: Sql =
    select!("kind = $2 AND (actor = $4 OR given_by = $4) ORDER BY given_ms DESC, number LIMIT $3");
/// Bindings of patients last a year and there are as many as patients: they are looked at when they end.
const NOT_ENDED: Sql =
    select!("ended_ms IS NULL AND (kind <> 'own-record' OR valid_until_ms < $2) ORDER BY number");
const BROKEN_SINCE: Sql =
    select!("kind = 'break-glass' AND actor = $2 AND given_ms > $3 ORDER BY given_ms DESC, number");
const INSERT: Sql = Sql::new(
    "INSERT INTO timed_grant (institution, number, kind, actor, patient_ref, study_ref, export, purpose, reason, words, \
     given_by, given_ms, valid_from_ms, valid_until_ms, review_due_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);
/// A guard is a statement of its own behind the touch of the person: its look is taken after the row lock was got.
const STILL_BROKEN: Sql = Sql::new(
    "UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2 AND (\
       SELECT COUNT(*) FROM timed_grant g WHERE g.institution = $1 AND g.actor = $2 AND g.kind = 'break-glass' \
       AND g.given_ms > $3) = $4",
);
const STILL_BELOW: Sql = Sql::new(
    "UPDATE person SET disabled = disabled WHERE institution = $1 AND actor = $2 AND (\
       SELECT COUNT(*) FROM timed_grant g WHERE g.institution = $1 AND g.actor = $2 AND g.valid_until_ms > $3 \
       AND g.ended_ms IS NULL) < $4",
);
const END: Sql = Sql::new(
    "UPDATE timed_grant SET ended_ms = $1, ended_by = $2 WHERE institution = $3 AND number = $4 AND ended_ms IS NULL",
);
const REVIEW: Sql = Sql::new(
    "UPDATE timed_grant SET reviewed_ms = $1, reviewed_by = $2, verdict = $3, review_words = $4 \
     WHERE institution = $5 AND number = $6 AND kind = 'break-glass' AND reviewed_ms IS NULL",
);
const TO_REVIEW: Sql = Sql::new(
    "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN review_due_ms <= $2 THEN 1 ELSE 0 END), 0) AS BIGINT) FROM timed_grant \
     WHERE institution = $1 AND kind = 'break-glass' AND reviewed_ms IS NULL",
);

/// Keeps a grant. A number that is taken is a [`CatalogError::Constraint`].
#[must_use]
pub fn insert(institution: &InstitutionId, grant: &TimedGrant) -> Statement {
    let (patient, study) = match grant.on {
        Granted::Patient(patient) => (Some(patient), None),
        Granted::Study(study) => (None, Some(study)),
    };
    Statement::new(
        INSERT,
        vec![
            institution.into(),
            number_value(grant.number),
            grant.kind.as_str().into(),
            (&grant.actor).into(),
            patient.into(),
            study.into(),
            grant.export.into(),
            grant.purpose.as_str().into(),
            grant.reason.as_str().into(),
            grant.words.clone().into(),
            (&grant.given_by).into(),
            grant.given.into(),
            grant.valid_from.into(),
            grant.valid_until.into(),
            grant.review_due.into(),
        ],
    )
    .expecting(1)
}

/// Goes before [`insert`]: the transaction fails with [`CatalogError::UnexpectedRows`] unless the person has broken the glass
/// just so often since a moment, so that cases opened at the same time cannot share one count.
#[must_use]
pub fn still_broken(
    institution: &InstitutionId,
    actor: &ActorId,
    since: Timestamp,
    cases: usize,
) -> [Statement; 2] {
    guarded(STILL_BROKEN, institution, actor, since, cases)
}

/// Goes before [`insert`]: the transaction fails with [`CatalogError::UnexpectedRows`] unless the person has less than `max`
/// grants that open something now or will, so that grants given at the same time cannot share one count.
#[must_use]
pub fn still_below(
    institution: &InstitutionId,
    actor: &ActorId,
    now: Timestamp,
    max: usize,
) -> [Statement; 2] {
    guarded(STILL_BELOW, institution, actor, now, max)
}

/// Grants of a person that open something now or will.
pub fn open_of(institution: &InstitutionId, actor: &ActorId, now: Timestamp) -> LookUp<Vec<OpenGrant>> {
    let values = vec![institution.into(), actor.into(), now.into()];
    LookUp::new(Statement::new(OPEN_OF, values), open_rows)
}

/// Those of them that cover a study of a patient, which is all that a decision about it compares.
pub fn covering(
    institution: &InstitutionId,
    actor: &ActorId,
    study: StudyRef,
    patient: PatientRef,
    now: Timestamp,
) -> LookUp<Vec<OpenGrant>> {
    let values = vec![institution.into(), actor.into(), now.into(), study.into(), patient.into()];
    LookUp::new(Statement::new(COVERING, values), open_rows)
}

/// One grant.
///
/// # Errors
/// As [`Database::query`].
pub async fn find(
    database: &Database,
    institution: &InstitutionId,
    number: u64,
) -> Result<Option<TimedGrant>, CatalogError> {
    let values = vec![institution.into(), number_value(number)];
    Ok(all(&database.query(Statement::new(FIND, values)).await?)?.pop())
}

/// Grants of one kind, the newest first: of everybody, or those that a person has or gave.
///
/// # Errors
/// As [`Database::query`].
pub async fn list(
    database: &Database,
    institution: &InstitutionId,
    kind: GrantKind,
    of: Option<&ActorId>,
    limit: u32,
) -> Result<Vec<TimedGrant>, CatalogError> {
    let mut values = vec![institution.into(), kind.as_str().into(), limit.into()];
    values.extend(of.map(Into::into));
    let sql = if of.is_some() { LIST_OF } else { LIST };
    all(&database.query(Statement::new(sql, values)).await?)
}

/// Grants of which nobody has written down that they are over; of the bindings of patients those that end before a moment.
///
/// # Errors
/// As [`Database::query`].
pub async fn not_ended(
    database: &Database,
    institution: &InstitutionId,
    bindings_before: Timestamp,
) -> Result<Vec<TimedGrant>, CatalogError> {
    let values = vec![institution.into(), bindings_before.into()];
    all(&database.query(Statement::new(NOT_ENDED, values)).await?)
}

/// What a person broke since a moment, the newest first.
///
/// # Errors
/// As [`Database::query`].
pub async fn broken_since(
    database: &Database,
    institution: &InstitutionId,
    actor: &ActorId,
    since: Timestamp,
) -> Result<Vec<TimedGrant>, CatalogError> {
    let values = vec![institution.into(), actor.into(), since.into()];
    all(&database.query(Statement::new(BROKEN_SINCE, values)).await?)
}

/// Cases that wait for a review, and those of them that have waited too long.
///
/// # Errors
/// As [`Database::query`].
pub async fn to_review(
    database: &Database,
    institution: &InstitutionId,
    now: Timestamp,
) -> Result<(u64, u64), CatalogError> {
    let rows = database.query(Statement::new(TO_REVIEW, vec![institution.into(), now.into()])).await?;
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.get_number(0)?, row.get_number(1)?)))
}

/// Ends a grant: by somebody, or because its time is over. Changes no row when it is over already.
#[must_use]
pub fn end(institution: &InstitutionId, number: u64, now: Timestamp, by: Option<&ActorId>) -> Statement {
    Statement::new(
        END,
        vec![now.into(), by.map(ActorId::as_str).into(), institution.into(), number_value(number)],
    )
}

/// Writes a review into its case. The transaction fails with [`CatalogError::UnexpectedRows`] when it was reviewed already.
#[must_use]
pub fn review(institution: &InstitutionId, number: u64, review: &Review) -> Statement {
    Statement::new(
        REVIEW,
        vec![
            review.at.into(),
            (&review.by).into(),
            review.verdict.as_str().into(),
            review.words.clone().into(),
            institution.into(),
            number_value(number),
        ],
    )
    .expecting(1)
}

// === rows ===

fn guarded(
    guard: Sql,
    institution: &InstitutionId,
    actor: &ActorId,
    moment: Timestamp,
    count: usize,
) -> [Statement; 2] {
    let count = i64::try_from(count).unwrap_or(i64::MAX).into();
    let guard = Statement::new(guard, vec![institution.into(), actor.into(), moment.into(), count]);
    [touch(institution, actor), guard.expecting(1)]
}

fn number_value(number: u64) -> crate::Value {
    // Numbers are drawn below 2^53; what is larger names no grant.
    i64::try_from(number).unwrap_or(-1).into()
}

fn all(rows: &[Row]) -> Result<Vec<TimedGrant>, CatalogError> {
    rows.iter().map(grant_of).collect()
}

/// In the order of their numbers: of two that are equal to every policy, the same one is named each time.
fn open_rows(rows: &[Row]) -> Result<Vec<OpenGrant>, CatalogError> {
    let open_grant = |row: &Row| {
        Ok(OpenGrant {
            number: row.get_number(0)?,
            kind: row.get_word(1)?,
            on: granted(row, 2)?,
            export: row.get_bool(4)?,
            purpose: row.get_word(5)?,
            valid_from: row.get_timestamp(6)?,
            valid_until: row.get_timestamp(7)?,
        })
    };
    let mut grants = rows.iter().map(open_grant).collect::<Result<Vec<_>, CatalogError>>()?;
    grants.sort_unstable_by_key(|grant| grant.number);
    Ok(grants)
}

/// What a grant is on: the columns of patient and study stand one behind the other.
fn granted(row: &Row, patient: usize) -> Result<Granted, CatalogError> {
    match (row.opt_bytes(patient)?, row.opt_bytes(patient + 1)?) {
        (Some(_), None) => Ok(Granted::Patient(row.get_reference(patient)?)),
        (None, Some(_)) => Ok(Granted::Study(row.get_reference(patient + 1)?)),
        (None, None) | (Some(_), Some(_)) => {
            Err(CatalogError::Corrupt("a grant is on one study or on one patient".to_owned()))
        }
    }
}

fn grant_of(row: &Row) -> Result<TimedGrant, CatalogError> {
    let on = granted(row, 3)?;
    let review = match row.opt_text(16)? {
        None => None,
        Some(_) => Some(Review {
            by: actor(row, 16)?,
            at: row.get_timestamp(17)?,
            verdict: row.get_word(18)?,
            words: row.opt_bytes(19)?.unwrap_or_default().to_vec(),
        }),
    };
    Ok(TimedGrant {
        number: row.get_number(0)?,
        kind: row.get_word(1)?,
        actor: actor(row, 2)?,
        on,
        export: row.get_bool(5)?,
        purpose: row.get_word(6)?,
        reason: row.get_text(7)?.to_owned(),
        words: row.opt_bytes(8)?.unwrap_or_default().to_vec(),
        given_by: actor(row, 9)?,
        given: row.get_timestamp(10)?,
        valid_from: row.get_timestamp(11)?,
        valid_until: row.get_timestamp(12)?,
        ended: row.opt_i64(13)?.map(Timestamp::from_ms),
        ended_by: row.opt_text(14)?.map(|_| actor(row, 14)).transpose()?,
        review_due: row.opt_i64(15)?.map(Timestamp::from_ms),
        review,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatabaseKind;

    /// However many grants somebody has, a decision about one study walks to those that cover it.
    #[tokio::test]
    async fn grants_that_cover_a_study_are_found_by_what_they_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.db");
        let database = Database::open_sqlite(path, DatabaseKind::Identity).await.unwrap();
        let (institution, actor) = (InstitutionId::new("renmin").unwrap(), ActorId::new("doctor").unwrap());
        let (study, patient) = (StudyRef::from_bytes([1; 16]), PatientRef::from_bytes([2; 16]));
        let covering = covering(&institution, &actor, study, patient, Timestamp::from_ms(0));
        let plan = database.query(covering.statement().explained_by("EXPLAIN QUERY PLAN")).await.unwrap();
        let plan: Vec<&str> = plan.iter().map(|row| row.get_text(3).unwrap()).collect();
        for index in ["timed_grant_on_study", "timed_grant_on_patient"] {
            let walks = format!("USING INDEX {index} (institution=? AND actor=?");
            assert!(plan.iter().any(|step| step.contains(&walks)), "{index}: {plan:?}");
        }
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
    }
}

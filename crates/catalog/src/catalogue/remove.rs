//! Removes what tells of a study that was destroyed: rows, search terms, events and reports of it.

use super::moment::{date_column, signed};
use super::{RowMark, StudyTerms, accessions, filter, turns};
use crate::sql::filled_up;
use crate::{CatalogError, Database, Statement, StatementBuilder, Value};
use std::collections::BTreeSet;
use yingdun_model::{InstitutionId, StudyRef, Timestamp};

/// Search terms in one DELETE: far below the 32,766 bound values of SQLite.
const TERMS_PER_DELETE: usize = 500;

/// What there is of a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StudySize {
    /// Instances, each once.
    pub instances: u64,
    /// Bytes of their data sets as they were sent, every version.
    pub bytes: u64,
}

/// By what the catalogue finds a study, as it was read from one content of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsRead {
    /// What was read.
    pub terms: StudyTerms,
    /// By what this content of the row is recognised.
    pub mark: RowMark,
}

/// How much there is of a study.
///
/// # Errors
/// As [`Database::query`].
pub async fn size(database: &Database, study: StudyRef) -> Result<StudySize, CatalogError> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(latest), 0) AS BIGINT), CAST(COALESCE(SUM(object_bytes), 0) AS BIGINT) FROM instance \
         WHERE series_ref IN (SELECT series_ref FROM series WHERE study_ref = $1)";
    let rows = database.query(Statement::new(SQL, vec![study.into()])).await?;
    let Some(row) = rows.first() else { return Ok(StudySize::default()) };
    Ok(StudySize { instances: row.get_number(0)?, bytes: row.get_number(1)? })
}

/// Where the records of a study lie, every version of every instance: encoded places, as they were given.
///
/// # Errors
/// As [`Database::query`].
pub async fn places(database: &Database, study: StudyRef) -> Result<Vec<Vec<u8>>, CatalogError> {
    const SQL: &str = "SELECT location FROM instance WHERE series_ref IN (SELECT series_ref FROM series WHERE study_ref = $1)";
    let rows = database.query(Statement::new(SQL, vec![study.into()])).await?;
    rows.iter().map(|row| row.get_bytes(0).map(<[u8]>::to_vec)).collect()
}

/// Those of these studies of which the catalogue has a row.
///
/// # Errors
/// As [`Database::query`].
pub async fn present(database: &Database, studies: &[StudyRef]) -> Result<Vec<StudyRef>, CatalogError> {
    if studies.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = StatementBuilder::new();
    sql.push("SELECT study_ref FROM study WHERE study_ref IN ").bind_list(studies.iter().copied());
    database.query(sql.finish()).await?.iter().map(|row| row.get_reference(0)).collect()
}

/// Removes a study, in one durable transaction. `read` are the terms by which it is found; without them all search terms of the archive
/// are looked through. Storage commitments and entries of the worklist are not derived from it and stay. What another node applies later and
/// is sealed under the key that was made at `key_made` is refused ([`super::apply()`]), and a study is removed once for each such key.
/// False when another node has described the study anew since its terms were read: nothing was removed then, and they have to be read again.
///
/// # Errors
/// As [`Database::execute`]. What is gone already is no error.
pub async fn remove(
    database: &Database,
    institution: &InstitutionId,
    study: StudyRef,
    read: Option<&TermsRead>,
    key_made: Option<Timestamp>,
) -> Result<bool, CatalogError> {
    let terms = read.map(|read| &read.terms);
    let mut statements = Vec::new();
    if !database.is_sqlite() {
        let accession = terms.and_then(|terms| terms.accession);
        statements.extend(turns::take(std::iter::once(study), accession.into_iter()));
    }
    // Behind the lock on the study: who holds it has applied what it has, and who comes later sees this.
    // Whoever notes it a second time finds the rows of a study that came again, and leaves them.
    let note_at = key_made.map(|made| {
        statements.push(Statement::new(NOTE, vec![study.into(), made.into()]).expecting(1));
        statements.len() - 1
    });
    // What was found by other terms meanwhile would be found by them for ever.
    if let Some(read) = read {
        statements.push(Statement::new(AS_READ, vec![study.into(), read.mark.clone().into()]).expecting(1));
    }
    let read_at = read.map(|_| statements.len() - 1);
    if database.is_sqlite() {
        // The file does not erase what is deleted. A row that keeps its length is written over where it lies.
        statements.extend(BLANK.map(|sql| Statement::new(sql, vec![study.into()])));
    }
    match terms {
        Some(terms) => {
            let modalities = terms.modalities.iter();
            let modalities = modalities.map(|modality| filter::modality_term(institution, modality));
            let gone: Vec<i64> = terms.tokens.iter().map(filter::term).chain(modalities).collect();
            for gone in gone.chunks(TERMS_PER_DELETE) {
                let mut delete = StatementBuilder::new();
                delete.push("DELETE FROM search_term WHERE study_key = ");
                delete.bind(filter::study_key(study, terms.time));
                delete.push(" AND study_date = ").bind(date_column(terms.date));
                delete.push(" AND term IN ").bind_list(gone.iter().copied());
                statements.push(delete.finish());
            }
            statements.extend(accessions::change(study, institution, terms.accession, None));
        }
        None => {
            let delete = "DELETE FROM search_term WHERE study_key IN (SELECT study_key FROM study WHERE study_ref = $1)";
            statements.push(Statement::new(delete, vec![study.into()]));
            statements
                .push(Statement::new("DELETE FROM study_accession WHERE study_ref = $1", vec![study.into()]));
        }
    }
    // Before the study itself: it says whose it is.
    statements.push(Statement::new(LAST_OF_PATIENT, vec![study.into(), study.into()]));
    statements.extend(OF_STUDY.map(|sql| Statement::new(sql, vec![study.into()])));
    match database.execute(statements).await {
        Err(CatalogError::UnexpectedRows { statement, .. }) if Some(statement) == note_at => return Ok(true),
        Err(CatalogError::UnexpectedRows { statement, .. }) if Some(statement) == read_at => {
            return Ok(false);
        }
        done => done?,
    };
    match database.empty_write_ahead_log().await {
        Ok(()) | Err(CatalogError::Busy(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Those of these studies and keys of which the rows were removed because the key was destroyed.
///
/// # Errors
/// As [`Database::query`].
pub async fn removed(
    database: &Database,
    keys: &BTreeSet<(StudyRef, Timestamp)>,
) -> Result<Vec<(StudyRef, Timestamp)>, CatalogError> {
    let Some(select) = select(keys) else { return Ok(Vec::new()) };
    let rows = database.query(select).await?;
    rows.iter().map(|row| Ok((row.get_reference(0)?, row.get_timestamp(1)?))).collect()
}

/// Ends the transaction when the rows of one of these were removed.
pub(super) fn none_of(keys: &BTreeSet<(StudyRef, Timestamp)>) -> Option<Statement> {
    Some(select(keys)?.expecting(0))
}

fn select(keys: &BTreeSet<(StudyRef, Timestamp)>) -> Option<Statement> {
    if keys.is_empty() {
        return None;
    }
    let mut sql = StatementBuilder::new();
    sql.push("SELECT study_ref, made_ms FROM study_removed WHERE (study_ref, made_ms) IN (");
    for (position, (study, made)) in filled_up(keys.iter().copied().collect()).into_iter().enumerate() {
        sql.push(if position > 0 { ", " } else { "" }).bind_row([Value::from(study), Value::from(made)]);
    }
    sql.push(")");
    Some(sql.finish())
}

/// Up to which leaf of an audit log every study that it says was destroyed is gone from the catalogue; none where that was never said.
///
/// # Errors
/// As [`Database::query`].
pub async fn mark(
    database: &Database,
    institution: &InstitutionId,
    log: &str,
) -> Result<Option<u64>, CatalogError> {
    const SQL: &str = "SELECT leaf FROM removed_until WHERE institution = $1 AND log = $2";
    let rows = database.query(Statement::new(SQL, vec![institution.into(), log.into()])).await?;
    rows.first().map(|row| row.get_number(0)).transpose()
}

/// Says up to which leaf of an audit log every study that it says was destroyed is gone from the catalogue.
///
/// # Errors
/// As [`Database::execute`].
pub async fn set_mark(
    database: &Database,
    institution: &InstitutionId,
    log: &str,
    leaf: u64,
) -> Result<(), CatalogError> {
    const SQL: &str = "INSERT INTO removed_until (institution, log, leaf) VALUES ($1, $2, $3) \
         ON CONFLICT (institution, log) DO UPDATE SET leaf = excluded.leaf";
    let values = vec![institution.into(), log.into(), signed(leaf)?.into()];
    database.execute(vec![Statement::new(SQL, values)]).await.map(|_| ())
}

const NOTE: &str = "INSERT INTO study_removed (study_ref, made_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// The row of the study, if it is the one whose terms were read. An update, because SQLite counts no rows that are only read.
const AS_READ: &str =
    "UPDATE study SET received_ms = received_ms WHERE study_ref = $1 AND substr(sealed, 1, 16) = $2";

const BLANK: [&str; 3] = [
    "UPDATE study SET sealed = zeroblob(length(sealed)) WHERE study_ref = $1",
    "UPDATE series SET sealed = zeroblob(length(sealed)) WHERE study_ref = $1",
    "UPDATE performed_step SET sealed = zeroblob(length(sealed)) \
     WHERE step_ref IN (SELECT step_ref FROM performed_study WHERE study_ref = $1)",
];

/// Children before parents.
const OF_STUDY: [&str; 11] = [
    "DELETE FROM instance WHERE series_ref IN (SELECT series_ref FROM series WHERE study_ref = $1)",
    "DELETE FROM series WHERE study_ref = $1",
    "DELETE FROM study WHERE study_ref = $1",
    "DELETE FROM study_unit WHERE study_ref = $1",
    "DELETE FROM study_arrival WHERE study_ref = $1",
    "DELETE FROM study_arrival_beside WHERE study_ref = $1",
    // The newest event keeps its number, which is not given again, and nothing else.
    "DELETE FROM study_event WHERE study_ref = $1 AND sequence < (SELECT max(sequence) FROM study_event)",
    "UPDATE study_event SET study_ref = substr(study_ref, 1, 0) WHERE study_ref = $1",
    "DELETE FROM performed_step WHERE step_ref IN (SELECT step_ref FROM performed_study WHERE study_ref = $1)",
    "DELETE FROM performed_scheduled WHERE step_ref IN \
     (SELECT step_ref FROM performed_study WHERE study_ref = $1)",
    "DELETE FROM performed_study WHERE study_ref = $1",
];

/// The patient, where this is the last study of theirs.
const LAST_OF_PATIENT: &str = "DELETE FROM patient \
     WHERE patient_ref = (SELECT patient_ref FROM study WHERE study_ref = $1) AND NOT EXISTS \
     (SELECT 1 FROM study WHERE study.patient_ref = patient.patient_ref AND study.study_ref <> $2)";

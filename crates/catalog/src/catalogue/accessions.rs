//! Which studies carry the same accession number, by keyed token: an order is one accession number, so several studies
//! under one are the mark of an order that was split, or of a number that was given twice.
//!
//! A study has one row at most, derived like its own row; whether its number is that of another study as well is kept
//! with it, so that a list of them reads an index and not every study.

use super::Token;
use crate::{CatalogError, Database, Statement, StatementBuilder};
use yingdun_model::{InstitutionId, StudyRef};

/// The changes that follow from another accession number of a study.
pub(super) fn change(
    study: StudyRef,
    institution: &InstitutionId,
    was: Option<Token>,
    now: Option<Token>,
) -> Vec<Statement> {
    if was == now {
        return Vec::new();
    }
    let own = match now {
        Some(now) => Statement::new(
            "INSERT INTO study_accession (study_ref, institution, accession, shared) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (study_ref) DO UPDATE SET accession = excluded.accession",
            vec![study.into(), institution.into(), now.as_slice().into()],
        ),
        None => Statement::new("DELETE FROM study_accession WHERE study_ref = $1", vec![study.into()]),
    };
    let marks = [was, now].into_iter().flatten().flat_map(|accession| {
        let args = || vec![accession.as_slice().into(), accession.as_slice().into()];
        [Statement::new(MARK, args()), Statement::new(UNMARK, args())]
    });
    std::iter::once(own).chain(marks).collect()
}

/// Marks the studies of a number that more than one has. Only rows that change are looked at: where a hospital writes `0` into
/// every order, a hundred thousand have the mark already.
const MARK: &str = "UPDATE study_accession SET shared = 1 WHERE accession = $1 AND shared = 0 AND \
     (SELECT count(*) FROM (SELECT 1 FROM study_accession WHERE accession = $2 LIMIT 2) both_of_it) > 1";

/// Takes the mark from the last study of a number.
const UNMARK: &str = "UPDATE study_accession SET shared = 0 WHERE accession = $1 AND shared = 1 AND \
     (SELECT count(*) FROM (SELECT 1 FROM study_accession WHERE accession = $2 LIMIT 2) both_of_it) < 2";

/// Studies whose accession number is that of another study of the institution as well, those of one number together. At
/// most so many.
///
/// # Errors
/// As [`Database::query`].
pub async fn shared(
    database: &Database,
    institution: &InstitutionId,
    limit: u32,
) -> Result<Vec<(Token, StudyRef)>, CatalogError> {
    let mut sql = StatementBuilder::new();
    sql.push("SELECT accession, study_ref FROM study_accession WHERE shared = 1 AND institution = ");
    sql.bind(institution).push(" ORDER BY accession, study_ref LIMIT ").bind(limit);
    let rows = database.query(sql.finish()).await?;
    rows.iter().map(|row| Ok((row.get_array(0)?, row.get_reference(1)?))).collect()
}

//! The turn of a transaction where several nodes fill one catalogue, each from what it has read before.
//!
//! Who describes a study, counts its instances or compares accession numbers holds a lock on each until the transaction ends
//! (`pg_advisory_xact_lock`), and every statement behind it sees what the holder before has committed. Then the rows
//! must be those that were read: else somebody else was faster, and what was merged is merged anew.
//!
//! SQLite has no need of it: one program at a time has the file, and in it one writer.

use super::{Batch, RowMark, StudyChange, Token, filter};
use crate::sql::filled_up;
use crate::{Statement, StatementBuilder, Value};
use std::collections::BTreeSet;
use yingdun_model::StudyRef;

/// Takes the locks, in an order that is the same for everybody.
pub(super) fn take(
    studies: impl Iterator<Item = StudyRef>,
    accessions: impl Iterator<Item = Token>,
) -> Option<Statement> {
    let studies = studies.map(filter::lock_number);
    let accessions = accessions.map(|token| {
        let [a, b, c, d, e, f, g, h, ..] = token;
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    });
    let keys: BTreeSet<i64> = studies.chain(accessions).collect();
    if keys.is_empty() {
        return None;
    }
    let mut sql = StatementBuilder::new();
    sql.push("SELECT pg_advisory_xact_lock(one.key) FROM (VALUES ");
    for (position, key) in filled_up(keys.into_iter().collect()).into_iter().enumerate() {
        sql.push(if position > 0 { ", (CAST(" } else { "(CAST(" }).bind(key).push(" AS BIGINT))");
    }
    sql.push(") AS one (key)");
    Some(sql.finish())
}

/// Ends the transaction unless the rows of these studies are those that were read, or those that are about to be written.
pub(super) fn unchanged(batch: &Batch) -> Vec<Statement> {
    let there: Vec<StudyRef> =
        batch.studies.iter().filter(|(_, change)| change.over.is_some()).map(|(study, _)| *study).collect();
    if batch.studies.is_empty() {
        return Vec::new();
    }
    let mut statements = Vec::new();
    let mut others = StatementBuilder::new();
    others.push("SELECT 1 FROM study WHERE study_ref IN ").bind_list(batch.studies.keys().copied());
    others.push(" AND (study_ref, substr(sealed, 1, 16)) NOT IN (");
    let known = batch.studies.iter().flat_map(|(study, StudyChange { now, over, .. })| {
        [Some(RowMark::of(&now.sealed)), over.clone()].into_iter().flatten().map(|mark| (*study, mark))
    });
    for (position, (study, mark)) in filled_up(known.collect()).into_iter().enumerate() {
        others.push(if position > 0 { ", " } else { "" }).bind_row([Value::from(study), Value::from(mark)]);
    }
    others.push(")");
    statements.push(others.finish().expecting(0));
    if !there.is_empty() {
        let expected = there.len() as u64;
        let mut gone = StatementBuilder::new();
        gone.push("SELECT 1 FROM study WHERE study_ref IN ").bind_list(there);
        statements.push(gone.finish().expecting(expected));
    }
    statements
}

//! Takes records into the catalogue: many at once, in one transaction with the watermark, twice without harm.

use super::moment::{date_column, number_column, time_column};
use super::{InstanceRecord, SeriesFacts, StudyFacts, Watermark, filter, watermark};
use crate::{CatalogError, Database, Statement, StatementBuilder, Value};
use std::collections::{BTreeMap, BTreeSet};
use yingdun_model::{InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp};

/// How many records one call takes: a bound on how long searches on a small machine wait for the writer, far above
/// what arrives within one group commit.
pub const RECORDS_PER_APPLY_MAX: usize = 1000;

/// Rows per INSERT. Fewer round trips and fewer statements to prepare; the number of bound values stays far below
/// the 32,766 of SQLite.
const ROWS_PER_INSERT_MAX: usize = 64;

/// Adds records and moves the watermark, in one transaction. What the catalogue has already stays as it is, so
/// the same records may come again. The transaction is not forced to the disk: the packs hold the same
/// facts, and after a power cut the replay begins at the watermark that survived.
///
/// # Errors
/// [`CatalogError::Misuse`] over [`RECORDS_PER_APPLY_MAX`]; the rest as [`Database::execute`]. On any error
/// nothing was added and the watermark stands where it stood.
pub async fn apply(
    database: &Database,
    records: Vec<InstanceRecord>,
    watermark: Option<Watermark>,
) -> Result<(), CatalogError> {
    if records.len() > RECORDS_PER_APPLY_MAX {
        return Err(CatalogError::Misuse(format!(
            "at most {RECORDS_PER_APPLY_MAX} records are applied at once, {} came",
            records.len()
        )));
    }
    let statements = plan(&records, watermark.as_ref())?;
    database.execute_replayable(statements).await.map(drop)
}

/// Removes everything that comes from packs, so that it can be applied again from the first record. Care
/// relations stay.
///
/// # Errors
/// As [`Database::execute`].
pub async fn wipe(database: &Database) -> Result<(), CatalogError> {
    database.clear_tables(&["patient", "study", "series", "instance", "search_term", "pack_watermark"]).await
}

/// A size or position as a column.
pub(super) fn signed(number: u64) -> Result<i64, CatalogError> {
    i64::try_from(number).map_err(|_| CatalogError::Misuse(format!("{number} is 2^63 or more")))
}

// === the plan: records in, statements out ===

/// What a batch says about a study, over all its records.
struct StudyGroup<'r> {
    first: &'r InstanceRecord,
    terms: BTreeSet<Vec<u8>>,
}

/// What a batch says about a series, over all its records.
struct SeriesGroup<'r> {
    first: &'r InstanceRecord,
    /// The instances of which the batch has a first version.
    instances: BTreeSet<InstanceRef>,
}

/// The statements in an order that never lets two transactions wait for each other: the watermark first, then
/// parents before children, each table in the order of its key.
fn plan(records: &[InstanceRecord], to: Option<&Watermark>) -> Result<Vec<Statement>, CatalogError> {
    let mut patients: BTreeMap<PatientRef, (&InstitutionId, Timestamp)> = BTreeMap::new();
    let mut studies: BTreeMap<StudyRef, StudyGroup<'_>> = BTreeMap::new();
    let mut series: BTreeMap<SeriesRef, SeriesGroup<'_>> = BTreeMap::new();
    let mut instances: BTreeMap<(InstanceRef, u32), &InstanceRecord> = BTreeMap::new();
    for record in records {
        patients.entry(record.patient).or_insert((&record.institution, record.received));
        let study = studies
            .entry(record.study.reference)
            .or_insert_with(|| StudyGroup { first: record, terms: BTreeSet::new() });
        study.terms.extend(record.study.tokens.iter().map(|token| token.to_vec()));
        if !record.series.modality.is_empty() {
            study.terms.insert(filter::modality_term(&record.institution, &record.series.modality));
        }
        let group = series
            .entry(record.series.reference)
            .or_insert_with(|| SeriesGroup { first: record, instances: BTreeSet::new() });
        if record.instance.version == 1 {
            group.instances.insert(record.instance.reference);
        }
        instances.entry((record.instance.reference, record.instance.version)).or_insert(record);
    }

    let mut statements = Vec::new();
    statements.extend(to.map(watermark::advance).transpose()?);
    insert_all(
        &mut statements,
        INSERT_PATIENT,
        " ON CONFLICT (patient_ref) DO NOTHING",
        patients.iter().map(|(reference, (institution, received))| {
            vec![(*reference).into(), (*institution).into(), (*received).into()]
        }),
    );
    insert_all(
        &mut statements,
        INSERT_STUDY,
        " ON CONFLICT (study_ref) DO NOTHING",
        studies.values().map(|group| study_row(group.first, &group.first.study)),
    );
    insert_all(
        &mut statements,
        INSERT_SERIES,
        " ON CONFLICT (series_ref) DO NOTHING",
        series.values().map(|group| series_row(group.first, &group.first.series)),
    );
    insert_terms(&mut statements, &studies);
    // Counted before the instances are inserted: those that are there already do not count again.
    statements.extend(
        series
            .iter()
            .filter(|(_, group)| !group.instances.is_empty())
            .map(|(reference, group)| count_new_instances(*reference, &group.instances)),
    );
    let rows = instances.values().map(|record| instance_row(record)).collect::<Result<Vec<_>, _>>()?;
    insert_all(
        &mut statements,
        INSERT_INSTANCE,
        " ON CONFLICT (instance_ref, version) DO NOTHING",
        rows.into_iter(),
    );
    let references: BTreeSet<InstanceRef> = instances.keys().map(|(reference, _)| *reference).collect();
    if !references.is_empty() {
        statements.push(demote_older_versions(&references));
    }
    if !studies.is_empty() {
        statements.push(count_studies(studies.keys().copied()));
    }
    Ok(statements)
}

const INSERT_PATIENT: &str = "INSERT INTO patient (patient_ref, institution, received_ms) VALUES ";
const INSERT_STUDY: &str = "INSERT INTO study (study_ref, institution, patient_ref, study_uid, study_date, \
     study_time, grade, received_ms, series_count, instance_count, sealed) VALUES ";
const INSERT_SERIES: &str = "INSERT INTO series (series_ref, institution, study_ref, series_uid, modality, \
     series_number, performed_date, performed_time, received_ms, instance_count, sealed) VALUES ";
const INSERT_INSTANCE: &str = "INSERT INTO instance (instance_ref, version, latest, institution, study_ref, \
     series_ref, sop_instance_uid, sop_class_uid, transfer_syntax_uid, instance_number, image_rows, \
     image_columns, bits_allocated, frames, received_ms, object_bytes, location, sealed) VALUES ";
/// Appends INSERT statements for rows.
fn insert_all(
    statements: &mut Vec<Statement>,
    insert: &'static str,
    on_conflict: &'static str,
    rows: impl Iterator<Item = Vec<Value>>,
) {
    for rows in in_powers_of_two(rows.collect()) {
        let mut statement = StatementBuilder::new();
        statement.push(insert);
        for (position, row) in rows.into_iter().enumerate() {
            if position > 0 {
                statement.push(", ");
            }
            statement.bind_row(row);
        }
        statement.push(on_conflict);
        statements.push(statement.finish());
    }
}

/// Cuts rows into groups of 64, 32, 16, … 1: any number of rows gives few different texts to prepare.
fn in_powers_of_two<T>(mut rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let largest_power = 1 << rows.len().checked_ilog2()?;
        let rest = rows.split_off(largest_power.min(ROWS_PER_INSERT_MAX));
        Some(std::mem::replace(&mut rows, rest))
    })
}

fn study_row(record: &InstanceRecord, study: &StudyFacts) -> Vec<Value> {
    vec![
        study.reference.into(),
        (&record.institution).into(),
        record.patient.into(),
        (&study.uid).into(),
        date_column(study.date).into(),
        time_column(study.time).into(),
        study.grade.into(),
        record.received.into(),
        Value::Int(0),
        Value::Int(0),
        study.sealed.as_slice().into(),
    ]
}

fn series_row(record: &InstanceRecord, series: &SeriesFacts) -> Vec<Value> {
    vec![
        series.reference.into(),
        (&record.institution).into(),
        record.study.reference.into(),
        (&series.uid).into(),
        series.modality.as_str().into(),
        number_column(series.number).into(),
        date_column(series.performed_date).into(),
        time_column(series.performed_time).into(),
        record.received.into(),
        Value::Int(0),
        series.sealed.as_slice().into(),
    ]
}

fn instance_row(record: &InstanceRecord) -> Result<Vec<Value>, CatalogError> {
    let instance = &record.instance;
    Ok(vec![
        instance.reference.into(),
        instance.version.into(),
        true.into(),
        (&record.institution).into(),
        record.study.reference.into(),
        record.series.reference.into(),
        (&instance.sop_instance).into(),
        (&instance.sop_class).into(),
        (&instance.transfer_syntax).into(),
        number_column(instance.number).into(),
        instance.rows.into(),
        instance.columns.into(),
        instance.bits_allocated.into(),
        instance.frames.into(),
        record.received.into(),
        signed(instance.object_bytes)?.into(),
        instance.location.as_slice().into(),
        instance.sealed.as_deref().into(),
    ])
}

/// Appends the terms of studies with the dates that the studies' rows have, which earlier records may have decided.
fn insert_terms(statements: &mut Vec<Statement>, studies: &BTreeMap<StudyRef, StudyGroup<'_>>) {
    let terms = studies.iter().flat_map(|(study, group)| group.terms.iter().map(move |term| (*study, term)));
    for rows in in_powers_of_two(terms.collect()) {
        let mut statement = StatementBuilder::new();
        statement.push("INSERT INTO search_term (term, study_date, study_ref) VALUES ");
        for (position, (study, term)) in rows.into_iter().enumerate() {
            statement.push(if position > 0 { ", (" } else { "(" }).bind(term.as_slice());
            statement.push(", (SELECT study_date FROM study WHERE study_ref = ").bind(study);
            statement.push("), ").bind(study).push(")");
        }
        statement.push(" ON CONFLICT (term, study_date, study_ref) DO NOTHING");
        statements.push(statement.finish());
    }
}

/// Adds to a series as many instances as the batch has and the catalogue has not.
fn count_new_instances(series: SeriesRef, instances: &BTreeSet<InstanceRef>) -> Statement {
    let in_batch = i64::try_from(instances.len()).unwrap_or(i64::MAX);
    let mut statement = StatementBuilder::new();
    statement.push("UPDATE series SET instance_count = instance_count + ").bind(in_batch);
    statement.push(" - (SELECT count(*) FROM instance WHERE version = 1 AND instance_ref IN ");
    statement.bind_list(instances.iter().copied()).push(") WHERE series_ref = ").bind(series);
    statement.finish()
}

/// Leaves `latest` on the newest version of each instance, in whatever order versions arrive.
fn demote_older_versions(instances: &BTreeSet<InstanceRef>) -> Statement {
    let mut statement = StatementBuilder::new();
    statement.push("UPDATE instance SET latest = 0 WHERE instance_ref IN ");
    statement.bind_list(instances.iter().copied());
    statement.push(" AND latest = 1 AND EXISTS (SELECT 1 FROM instance newer WHERE ");
    statement.push("newer.instance_ref = instance.instance_ref AND newer.version > instance.version)");
    statement.finish()
}

/// Adds up what the series of each study have.
fn count_studies(studies: impl Iterator<Item = StudyRef>) -> Statement {
    let mut statement = StatementBuilder::new();
    statement.push("UPDATE study SET (series_count, instance_count) = ");
    statement.push("(SELECT count(*), CAST(COALESCE(sum(r.instance_count), 0) AS BIGINT) FROM series r ");
    statement.push("WHERE r.study_ref = study.study_ref) WHERE study_ref IN ").bind_list(studies);
    statement.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_are_cut_into_powers_of_two_without_loss(count in 0_usize..1000) {
            let groups: Vec<Vec<usize>> = in_powers_of_two((0..count).collect()).collect();
            prop_assert!(groups.iter().all(|group| group.len().is_power_of_two() && group.len() <= ROWS_PER_INSERT_MAX));
            prop_assert_eq!(groups.concat(), (0..count).collect::<Vec<_>>());
        }
    }
}

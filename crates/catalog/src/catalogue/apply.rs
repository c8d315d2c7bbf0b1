//! Takes a batch into the catalogue: in one transaction with the watermark, twice without harm.

use super::moment::{date_column, number_column, signed, size_column, time_column};
use super::{
    Batch, InstanceFacts, SeriesFacts, StudyChange, StudyFacts, StudyTerms, Watermark, accessions, events,
    filter, remove, turns, versions, watermark,
};
use crate::{CatalogError, Database, Statement, StatementBuilder, Value};
use std::collections::{BTreeMap, BTreeSet};
use yingdun_model::{InstanceRef, InstitutionId, PatientRef, SeriesRef, StoreNumber, StudyRef, Timestamp};

/// How many instances one call takes: a bound on how long searches on a small machine wait for the writer, far above
/// what arrives within one group commit.
pub const INSTANCES_PER_APPLY_MAX: usize = 1000;

/// Rows per INSERT. Fewer round trips and fewer statements to prepare; the number of bound values stays far below
/// the 32,766 of SQLite.
const ROWS_PER_INSERT_MAX: usize = 64;

/// Adds instances, describes studies and series anew and moves the watermark, in one transaction. What comes twice
/// changes nothing the second time. The transaction is not forced to the disk: the packs hold the same facts, and
/// after a power cut the replay begins at the watermark that survived.
///
/// # Errors
/// [`CatalogError::Misuse`] over [`INSTANCES_PER_APPLY_MAX`]; where several programs fill the catalogue,
/// [`CatalogError::UnexpectedRows`] when another one described the same studies, or removed one that was destroyed
/// ([`remove::removed`]), and when the catalogue is not so far as [`Batch::goes_on`] says ([`reaches`](super::reaches)); the rest as [`Database::execute`]. On any error
/// nothing was added and the watermark stands where it stood.
pub async fn apply(
    database: &Database,
    batch: &Batch,
    watermark: Option<Watermark>,
) -> Result<(), CatalogError> {
    if batch.instances.len() > INSTANCES_PER_APPLY_MAX {
        return Err(CatalogError::Misuse(format!(
            "at most {INSTANCES_PER_APPLY_MAX} instances are applied at once, {} came",
            batch.instances.len()
        )));
    }
    let mut statements = plan(batch, watermark.as_ref())?;
    if !database.is_sqlite() {
        let behind_watermark = usize::from(watermark.is_some());
        drop(statements.splice(behind_watermark..behind_watermark, turn(batch)));
        let instances = batch.instances.iter().map(|instance| instance.reference);
        statements.extend(watermark.map(|watermark| versions::settle(watermark.store, instances)));
    }
    database.execute_replayable(statements).await.map(drop)
}

/// Removes everything that comes from packs, so that it can be applied again from the first record. Care
/// relations and events stay.
///
/// # Errors
/// As [`Database::execute`].
pub async fn wipe(database: &Database) -> Result<(), CatalogError> {
    database
        .clear_tables(&[
            "patient",
            "study",
            "series",
            "instance",
            "image_format",
            "search_term",
            "study_accession",
            "pack_watermark",
        ])
        .await
}

/// Holds others off the studies of a batch, and makes sure that nobody has described them since they were read.
fn turn(batch: &Batch) -> Vec<Statement> {
    let studies = batch.studies.keys().copied().chain(batch.instances.iter().map(|instance| instance.study));
    let accessions = batch.studies.values().flat_map(|StudyChange { now, was, .. }| {
        [now.terms.accession, was.as_ref().and_then(|was| was.accession)].into_iter().flatten()
    });
    let locks = turns::take(studies, accessions).into_iter();
    locks.chain(remove::none_of(&batch.sealed_under)).chain(turns::unchanged(batch)).collect()
}

// === the plan: a batch in, statements out ===

/// The statements in an order that never lets two transactions wait for each other: the watermark first, then
/// parents before children, each table in the order of its key.
fn plan(batch: &Batch, to: Option<&Watermark>) -> Result<Vec<Statement>, CatalogError> {
    let mut patients: BTreeMap<PatientRef, (&InstitutionId, Timestamp)> = BTreeMap::new();
    for StudyChange { now, .. } in batch.studies.values() {
        let (_, received) = patients.entry(now.patient).or_insert((&now.institution, now.received));
        *received = now.received.min(*received);
    }
    let mut instances: BTreeMap<(InstanceRef, u32), &InstanceFacts> = BTreeMap::new();
    let mut counted: BTreeSet<StudyRef> = batch.studies.keys().copied().collect();
    for instance in &batch.instances {
        counted.insert(instance.study);
        let kept = instances.entry((instance.reference, instance.version)).or_insert(instance);
        if instance.location > kept.location {
            *kept = instance;
        }
    }

    let mut statements = Vec::new();
    let advance = |to| match &batch.goes_on {
        Some(known) => watermark::go_on(to, known),
        None => watermark::advance(to),
    };
    statements.extend(to.map(advance).transpose()?);
    insert_all(
        &mut statements,
        INSERT_PATIENT,
        ON_PATIENT,
        patients.iter().map(|(reference, (institution, received))| {
            vec![(*reference).into(), (*institution).into(), (*received).into()]
        }),
    );
    insert_all(
        &mut statements,
        INSERT_STUDY,
        ON_STUDY,
        batch.studies.iter().map(|(reference, change)| study_row(*reference, &change.now)),
    );
    insert_all(
        &mut statements,
        INSERT_SERIES,
        ON_SERIES,
        batch.series.iter().map(|(reference, series)| series_row(*reference, series)),
    );
    change_terms(&mut statements, &batch.studies);
    for (study, StudyChange { now, was, .. }) in &batch.studies {
        let was = was.as_ref().and_then(|was| was.accession);
        statements.extend(accessions::change(*study, &now.institution, was, now.terms.accession));
    }
    let references: BTreeSet<InstanceRef> = instances.keys().map(|(reference, _)| *reference).collect();
    // What is there already is counted anew.
    statements.extend(count_instances(" - ", &references));
    let formats: BTreeSet<Format<'_>> = instances.values().map(|instance| Format::of(instance)).collect();
    insert_all(&mut statements, INSERT_FORMAT, ON_FORMAT, formats.iter().map(Format::row));
    insert_instances(&mut statements, instances.values().copied().collect())?;
    if !references.is_empty() {
        statements.push(demote_older_versions(&references));
    }
    statements.extend(count_instances(" + ", &references));
    if !counted.is_empty() {
        statements.push(count_studies(counted.into_iter()));
    }
    let (first, beside): (Vec<_>, Vec<_>) =
        batch.arrivals.iter().partition(|(_, arrival)| arrival.store == StoreNumber::FIRST);
    insert_all(
        &mut statements,
        events::INSERT_ARRIVAL,
        events::ON_ARRIVAL,
        first.into_iter().map(|(study, arrival)| events::arrival_row(*study, arrival)),
    );
    insert_all(
        &mut statements,
        events::INSERT_BESIDE,
        events::ON_BESIDE,
        beside.into_iter().map(|(study, arrival)| events::beside_row(*study, arrival)),
    );
    Ok(statements)
}

const INSERT_PATIENT: &str = "INSERT INTO patient (patient_ref, institution, received_ms) VALUES ";
const ON_PATIENT: &str = " ON CONFLICT (patient_ref) DO UPDATE SET received_ms = excluded.received_ms \
     WHERE excluded.received_ms < patient.received_ms";
const INSERT_STUDY: &str = "INSERT INTO study (study_ref, institution, patient_ref, study_uid, study_date, \
     study_time, grade, received_ms, patient_conflict, series_count, instance_count, sealed, study_key) VALUES ";
const ON_STUDY: &str = " ON CONFLICT (study_ref) DO UPDATE SET institution = excluded.institution, \
     patient_ref = excluded.patient_ref, study_uid = excluded.study_uid, study_date = excluded.study_date, \
     study_time = excluded.study_time, grade = excluded.grade, received_ms = excluded.received_ms, \
     patient_conflict = excluded.patient_conflict, sealed = excluded.sealed, study_key = excluded.study_key";
const INSERT_SERIES: &str = "INSERT INTO series (series_ref, institution, study_ref, series_uid, modality, \
     series_number, performed_date, performed_time, received_ms, instance_count, sealed) VALUES ";
const ON_SERIES: &str = " ON CONFLICT (series_ref) DO UPDATE SET institution = excluded.institution, \
     study_ref = excluded.study_ref, series_uid = excluded.series_uid, modality = excluded.modality, \
     series_number = excluded.series_number, performed_date = excluded.performed_date, \
     performed_time = excluded.performed_time, received_ms = excluded.received_ms, sealed = excluded.sealed";
const INSERT_FORMAT: &str = "INSERT INTO image_format (sop_class_uid, transfer_syntax_uid, image_rows, \
     image_columns, bits_allocated) VALUES ";
const ON_FORMAT: &str = " ON CONFLICT (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, \
     bits_allocated) DO NOTHING";
const INSERT_INSTANCE: &str = "INSERT INTO instance (instance_ref, version, latest, series_ref, \
     sop_instance_uid, instance_number, frames, received_ms, object_bytes, location, sealed, format_id) VALUES ";
/// Of two records of one version, the one that lies later in the packs counts: the write of the other failed, and its
/// sender sent again. Locations begin with store, pack and offset, so their bytes are in that order.
const ON_INSTANCE: &str = " ON CONFLICT (instance_ref, version) DO UPDATE SET \
     series_ref = excluded.series_ref, instance_number = excluded.instance_number, \
     format_id = excluded.format_id, frames = excluded.frames, received_ms = excluded.received_ms, \
     object_bytes = excluded.object_bytes, location = excluded.location, sealed = excluded.sealed \
     WHERE excluded.location > instance.location";

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

fn study_row(reference: StudyRef, study: &StudyFacts) -> Vec<Value> {
    vec![
        reference.into(),
        (&study.institution).into(),
        study.patient.into(),
        (&study.uid).into(),
        date_column(study.terms.date).into(),
        time_column(study.terms.time).into(),
        study.grade.into(),
        study.received.into(),
        study.patient_conflict.into(),
        Value::Int(0),
        Value::Int(0),
        study.sealed.as_slice().into(),
        filter::study_key(reference, study.terms.time).into(),
    ]
}

fn series_row(reference: SeriesRef, series: &SeriesFacts) -> Vec<Value> {
    vec![
        reference.into(),
        (&series.institution).into(),
        series.study.into(),
        (&series.uid).into(),
        series.modality.as_str().into(),
        number_column(series.number).into(),
        date_column(series.performed_date).into(),
        time_column(series.performed_time).into(),
        series.received.into(),
        Value::Int(0),
        series.sealed.as_slice().into(),
    ]
}

/// What many instances have in common, in the order of its key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Format<'i> {
    sop_class: &'i str,
    transfer_syntax: &'i str,
    rows: i64,
    columns: i64,
    bits_allocated: i64,
}

impl<'i> Format<'i> {
    fn of(instance: &'i InstanceFacts) -> Self {
        Self {
            sop_class: instance.sop_class.as_str(),
            transfer_syntax: instance.transfer_syntax.as_str(),
            rows: size_column(instance.rows),
            columns: size_column(instance.columns),
            bits_allocated: size_column(instance.bits_allocated.map(u32::from)),
        }
    }

    fn row(&self) -> Vec<Value> {
        vec![
            self.sop_class.into(),
            self.transfer_syntax.into(),
            self.rows.into(),
            self.columns.into(),
            self.bits_allocated.into(),
        ]
    }
}

/// Appends INSERT statements for instances, each with the number of its format.
fn insert_instances(
    statements: &mut Vec<Statement>,
    instances: Vec<&InstanceFacts>,
) -> Result<(), CatalogError> {
    for instances in in_powers_of_two(instances) {
        let mut insert = StatementBuilder::new();
        insert.push(INSERT_INSTANCE);
        for (position, instance) in instances.into_iter().enumerate() {
            insert.push(if position > 0 { ", (" } else { "(" });
            insert.bind(instance.reference).push(", ").bind(instance.version).push(", 1, ");
            insert.bind(instance.series).push(", ").bind(&instance.sop_instance).push(", ");
            insert.bind(number_column(instance.number)).push(", ").bind(instance.frames).push(", ");
            insert.bind(instance.received).push(", ").bind(signed(instance.object_bytes)?).push(", ");
            insert.bind(instance.location.as_slice()).push(", ").bind(instance.sealed.as_deref());
            insert.push(", (SELECT f.format_id FROM image_format f WHERE (f.sop_class_uid, ");
            insert.push("f.transfer_syntax_uid, f.image_rows, f.image_columns, f.bits_allocated) = ");
            insert.bind_row(Format::of(instance).row()).push("))");
        }
        insert.push(ON_INSTANCE);
        statements.push(insert.finish());
    }
    Ok(())
}

/// Takes away the terms by which studies are no longer found, and adds those by which they are found now. A term
/// repeats the date and the key of its study: with another date or time all terms are others.
fn change_terms(statements: &mut Vec<Statement>, studies: &BTreeMap<StudyRef, StudyChange>) {
    let mut added = Vec::new();
    for (study, StudyChange { now, was, .. }) in studies {
        let terms = terms_of(*study, &now.institution, &now.terms);
        let old = was.as_ref().map(|was| terms_of(*study, &now.institution, was)).unwrap_or_default();
        let gone: Vec<i64> = old.difference(&terms).map(|[term, ..]| *term).collect();
        if let Some(was) = was
            && !gone.is_empty()
        {
            let mut statement = StatementBuilder::new();
            statement.push("DELETE FROM search_term WHERE study_key = ");
            statement.bind(filter::study_key(*study, was.time));
            statement.push(" AND study_date = ").bind(date_column(was.date));
            statement.push(" AND term IN ").bind_list(gone);
            statements.push(statement.finish());
        }
        added.extend(terms.difference(&old).copied());
    }
    // In the order of the key: terms that many studies of a batch have lie side by side.
    added.sort_unstable();
    insert_all(
        statements,
        "INSERT INTO search_term (term, study_date, study_key) VALUES ",
        " ON CONFLICT (term, study_date, study_key) DO NOTHING",
        added.into_iter().map(|row| row.map(Value::Int).to_vec()),
    );
}

/// Rows: term, date and key.
fn terms_of(study: StudyRef, institution: &InstitutionId, terms: &StudyTerms) -> BTreeSet<[i64; 3]> {
    let (date, key) = (date_column(terms.date), filter::study_key(study, terms.time));
    let modalities = terms.modalities.iter().filter(|modality| !modality.is_empty());
    let modalities = modalities.map(|modality| filter::modality_term(institution, modality));
    terms.tokens.iter().map(filter::term).chain(modalities).map(|term| [term, date, key]).collect()
}

/// Takes these instances from the number of the series in which their newest versions are, or adds them to it. So it does not matter
/// in which order versions arrive, nor whether one is missing.
fn count_instances(sign: &'static str, instances: &BTreeSet<InstanceRef>) -> Option<Statement> {
    if instances.is_empty() {
        return None;
    }
    let mut statement = StatementBuilder::new();
    statement
        .push("UPDATE series SET instance_count = series.instance_count")
        .push(sign)
        .push("counted.instances ");
    statement.push(
        "FROM (SELECT series_ref, count(*) AS instances FROM instance WHERE latest = 1 AND instance_ref IN ",
    );
    statement.bind_list(instances.iter().copied()).push(" GROUP BY series_ref) AS counted ");
    statement.push("WHERE series.series_ref = counted.series_ref");
    Some(statement.finish())
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

//! Fills a catalogue in the order of its keys, which takes minutes where arrivals would take hours. The rows are the same.

use super::generate::{
    Hospital, SERIES_PER_STUDY, date_of, day, instance_ref, patient_of, patient_ref, series_ref, study_ref,
    tokens,
};
use crate::failure::{Outcome, While};
use yingdun_catalog::catalogue::{InstanceFacts, SeriesFacts, modality_term};
use yingdun_catalog::{Database, Statement, StatementBuilder, Value};
use yingdun_model::StudyRef;

/// Rows of one statement, and statements of one transaction.
const ROWS: usize = 512;
const STATEMENTS: usize = 64;

/// Fills an empty catalogue.
pub(super) async fn load(database: &Database, hospital: &Hospital) -> Outcome<()> {
    let studies = hospital.size.studies;
    let mut order: Vec<(StudyRef, u32)> = (0..studies).map(|s| (study_ref(s), s)).collect();
    order.sort_unstable();
    let mut patients: Vec<_> = (0..=patient_of(studies - 1)).map(patient_ref).collect();
    patients.sort_unstable();
    let institution = &hospital.institution;
    insert(
        database,
        "INSERT INTO patient (patient_ref, institution, received_ms) VALUES ",
        patients.into_iter().map(|patient| vec![patient.into(), institution.into(), Value::Int(0)]),
    )
    .await?;
    insert(
        database,
        "INSERT INTO study (study_ref, institution, patient_ref, study_uid, study_date, study_time, grade, \
         received_ms, patient_conflict, series_count, instance_count, sealed) VALUES ",
        order.iter().map(|(reference, s)| study_row(hospital, *reference, *s)),
    )
    .await?;
    let mut series: Vec<_> =
        (0..studies).flat_map(|s| (0..SERIES_PER_STUDY).map(move |r| (series_ref(s, r), s, r))).collect();
    series.sort_unstable();
    insert(
        database,
        "INSERT INTO series (series_ref, institution, study_ref, series_uid, modality, series_number, \
         performed_date, performed_time, received_ms, instance_count, sealed) VALUES ",
        series.iter().map(|(_, s, r)| series_row(hospital, *s, *r)),
    )
    .await?;
    drop(series);
    // In the order of the index, which is wider than the key.
    let mut instances: Vec<_> = (0..studies)
        .flat_map(|s| (0..SERIES_PER_STUDY).map(move |r| (s, r)))
        .flat_map(|(s, r)| (0..hospital.size.instances_per_series).map(move |i| (s, r, i)))
        .collect();
    instances.sort_unstable_by_key(|(s, r, i)| instance_ref(*s, *r, *i));
    insert(
        database,
        "INSERT INTO instance (instance_ref, version, latest, institution, study_ref, series_ref, \
         sop_instance_uid, sop_class_uid, transfer_syntax_uid, instance_number, image_rows, image_columns, \
         bits_allocated, frames, received_ms, object_bytes, location, sealed) VALUES ",
        instances.iter().map(|(s, r, i)| instance_row(&hospital.instance(*s, *r, *i))),
    )
    .await?;
    drop(instances);
    load_terms(database, hospital).await
}

async fn load_terms(database: &Database, hospital: &Hospital) -> Outcome<()> {
    const INSERT: &str = "INSERT INTO search_term (term, study_date, study_ref) VALUES ";
    let studies = hospital.size.studies;
    let mut terms: Vec<([u8; 16], u32, u32)> = Vec::new();
    for s in 0..studies {
        terms.extend(tokens(s).into_iter().map(|token| (token, date_of(s), s)));
    }
    terms.sort_unstable();
    insert(
        database,
        INSERT,
        terms
            .iter()
            .map(|(term, date, s)| vec![term.as_slice().into(), date_value(*date), study_ref(*s).into()]),
    )
    .await?;
    drop(terms);
    let mut modalities: Vec<_> = (0..studies)
        .map(|s| {
            (modality_term(&hospital.institution, super::generate::modality_of(s)), date_of(s), study_ref(s))
        })
        .collect();
    modalities.sort_unstable();
    insert(
        database,
        INSERT,
        modalities
            .iter()
            .map(|(term, date, study)| vec![term.as_slice().into(), date_value(*date), (*study).into()]),
    )
    .await
}

async fn insert(
    database: &Database,
    into: &'static str,
    mut rows: impl Iterator<Item = Vec<Value>>,
) -> Outcome<()> {
    loop {
        let mut statements: Vec<Statement> = Vec::with_capacity(STATEMENTS);
        for _ in 0..STATEMENTS {
            let some: Vec<_> = rows.by_ref().take(ROWS).collect();
            if some.is_empty() {
                break;
            }
            let mut statement = StatementBuilder::new();
            statement.push(into);
            for (position, row) in some.into_iter().enumerate() {
                if position > 0 {
                    statement.push(", ");
                }
                statement.bind_row(row);
            }
            statements.push(statement.finish());
        }
        if statements.is_empty() {
            return Ok(());
        }
        database.execute_replayable(statements).await.or_fail("loading rows")?;
    }
}

fn date_value(n: u32) -> Value {
    Value::Int(day(n).map_or(0, |date| i64::from(date.number())))
}

fn study_row(hospital: &Hospital, reference: StudyRef, s: u32) -> Vec<Value> {
    let instances = i64::from(SERIES_PER_STUDY * hospital.size.instances_per_series);
    let study = hospital.study_without_terms(s);
    vec![
        reference.into(),
        (&study.institution).into(),
        study.patient.into(),
        (&study.uid).into(),
        date_value(date_of(s)),
        Value::Int(study.time.and_then(|time| i64::try_from(time.microseconds()).ok()).unwrap_or(-1)),
        study.grade.into(),
        study.received.into(),
        Value::Int(0),
        Value::Int(i64::from(SERIES_PER_STUDY)),
        Value::Int(instances),
        study.sealed.into(),
    ]
}

fn series_row(hospital: &Hospital, s: u32, r: u32) -> Vec<Value> {
    let series: SeriesFacts = hospital.series(s, r);
    vec![
        series_ref(s, r).into(),
        (&series.institution).into(),
        series.study.into(),
        (&series.uid).into(),
        series.modality.as_str().into(),
        Value::Int(i64::from(r)),
        date_value(date_of(s)),
        Value::Int(-1),
        series.received.into(),
        Value::Int(i64::from(hospital.size.instances_per_series)),
        series.sealed.into(),
    ]
}

fn instance_row(instance: &InstanceFacts) -> Vec<Value> {
    vec![
        instance.reference.into(),
        Value::Int(1),
        Value::Int(1),
        (&instance.institution).into(),
        instance.study.into(),
        instance.series.into(),
        (&instance.sop_instance).into(),
        (&instance.sop_class).into(),
        (&instance.transfer_syntax).into(),
        Value::Int(instance.number.map_or(0, i64::from)),
        instance.rows.into(),
        instance.columns.into(),
        instance.bits_allocated.into(),
        instance.frames.into(),
        instance.received.into(),
        Value::Int(525_000),
        instance.location.as_slice().into(),
        instance.sealed.as_deref().into(),
    ]
}

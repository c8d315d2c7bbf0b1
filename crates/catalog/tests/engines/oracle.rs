//! What a search must find, said a second time without any database: walk all records, keep those that fit, sort.

use yingdun_catalog::catalogue::{InstanceRecord, StudyFilter, Visibility, care::CareRelation};
use yingdun_model::StudyRef;

/// The studies that fit, in the order of answers.
pub(crate) fn search(
    records: &[InstanceRecord],
    care: &[CareRelation],
    filter: &StudyFilter,
) -> Vec<StudyRef> {
    let mut found: Vec<(u32, StudyRef)> = records
        .iter()
        .filter(|record| fits(records, care, filter, record))
        .map(|record| (record.study.date.map_or(0, |date| date.number()), record.study.reference))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.reverse();
    found.into_iter().map(|(_, reference)| reference).collect()
}

fn fits(
    records: &[InstanceRecord],
    care: &[CareRelation],
    filter: &StudyFilter,
    record: &InstanceRecord,
) -> bool {
    let study = &record.study;
    let modalities: Vec<&String> = records
        .iter()
        .filter(|other| other.study.reference == study.reference)
        .map(|other| &other.series.modality)
        .collect();
    record.institution == filter.institution
        && is_visible(care, filter, record)
        && (filter.studies.is_empty() || filter.studies.contains(&study.reference))
        && (filter.patients.is_empty() || filter.patients.contains(&record.patient))
        && filter.tokens.iter().all(|any| any.iter().any(|token| study.tokens.contains(token)))
        && (filter.modalities.is_empty() || filter.modalities.iter().any(|word| modalities.contains(&word)))
        && filter.date.as_ref().is_none_or(|range| study.date.is_some_and(|date| range.contains(&date)))
        && filter.time.as_ref().is_none_or(|range| study.time.is_some_and(|time| range.contains(&time)))
}

fn is_visible(care: &[CareRelation], filter: &StudyFilter, record: &InstanceRecord) -> bool {
    match &filter.visibility {
        Visibility::Nothing => false,
        Visibility::Institution => true,
        Visibility::ReceivedSince(since) => record.received >= *since,
        Visibility::CareRelation { actor, at } => care.iter().any(|relation| {
            relation.institution == record.institution
                && relation.actor == *actor
                && relation.patient == record.patient
                && relation.valid_from <= *at
                && *at < relation.valid_until
        }),
    }
}

//! What a search must find, said a second time without any database: walk all records, keep those that fit, sort.

use crate::records::Stored;
use yingdun_catalog::catalogue::{StudyFilter, Visibility, care::CareRelation};
use yingdun_model::StudyRef;

/// The studies that fit, in the order of answers.
pub(crate) fn search(records: &[Stored], care: &[CareRelation], filter: &StudyFilter) -> Vec<StudyRef> {
    let mut found: Vec<(u32, u64, StudyRef)> = records
        .iter()
        .filter(|record| fits(records, care, filter, record))
        .map(|record| {
            let terms = &record.study_facts.terms;
            let second = terms.time.map_or(0, |time| time.microseconds() / 1_000_000 + 1);
            (terms.date.map_or(0, |date| date.number()), second, record.study)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.reverse();
    found.into_iter().map(|(_, _, reference)| reference).collect()
}

fn fits(records: &[Stored], care: &[CareRelation], filter: &StudyFilter, record: &Stored) -> bool {
    let study = &record.study_facts;
    let modalities: Vec<&String> = records
        .iter()
        .filter(|other| other.study == record.study)
        .map(|other| &other.series_facts.modality)
        .collect();
    record.instance.institution == filter.institution
        && is_visible(care, &filter.visibility, record)
        && (filter.studies.is_empty() || filter.studies.contains(&record.study))
        && (filter.patients.is_empty() || filter.patients.contains(&record.study_facts.patient))
        && filter.tokens.iter().all(|any| any.iter().any(|token| study.terms.tokens.contains(token)))
        && filter.modalities.iter().all(|words| words.iter().any(|word| modalities.contains(&word)))
        && filter.either.iter().all(|either| {
            either.tokens.iter().any(|token| study.terms.tokens.contains(token))
                || either.modalities.iter().any(|word| modalities.contains(&word))
        })
        && filter.date.as_ref().is_none_or(|range| study.terms.date.is_some_and(|date| range.contains(&date)))
        && filter.time.as_ref().is_none_or(|range| study.terms.time.is_some_and(|time| range.contains(&time)))
        && filter.moments.as_ref().is_none_or(|range| {
            let (first, last) = (range.start(), range.end());
            let moment = study.terms.date.map(|date| (date, study.terms.time));
            moment.is_some_and(|it| it >= (first.0, Some(first.1)) && it <= (last.0, Some(last.1)))
        })
}

fn is_visible(care: &[CareRelation], visibility: &Visibility, record: &Stored) -> bool {
    match visibility {
        Visibility::Granted { beside, patients, studies } => {
            patients.contains(&record.study_facts.patient)
                || studies.contains(&record.study)
                || is_visible(care, beside, record)
        }
        Visibility::Nothing => false,
        Visibility::Institution => true,
        Visibility::OfUnits { units, since } => {
            units.iter().any(|unit| unit_of(record.study).as_ref() == Some(unit))
                && since.is_none_or(|since| record.study_facts.received >= since)
        }
        Visibility::ReceivedSince(since) => record.study_facts.received >= *since,
        Visibility::CareRelation { actor, at } => care.iter().any(|relation| {
            relation.institution == record.instance.institution
                && relation.actor == *actor
                && relation.patient == record.study_facts.patient
                && relation.valid_from <= *at
                && *at < relation.valid_until
        }),
    }
}

/// Of what a study of these tests is; one in four is of nothing.
pub(crate) fn unit_of(study: StudyRef) -> Option<String> {
    let number = study.as_bytes().iter().fold(0_u32, |sum, byte| sum + u32::from(*byte)) % 4;
    (number > 0).then(|| format!("performing:d{number}"))
}

//! Patients, seen through their studies: one is listed who has a study that fits and that the session may see, and only
//! such studies are counted.

use super::candidate::{AnyRow, Candidate, PatientCounts, facts, study_candidate};
use super::criteria::Criteria;
use super::{PAGE_ROWS_MAX, database_error, seen};
use crate::error::FindError;
use crate::pseudonym::InstitutionKeys;
use crate::shared::Core;
use std::collections::{HashMap, HashSet};
use yingdun_access::Session;
use yingdun_catalog::catalogue::patients::{self, CountedStudy};
use yingdun_catalog::catalogue::studies::{self, StudyCursor, StudyRow};
use yingdun_catalog::catalogue::{Page, StudyFilter};
use yingdun_model::{PatientRef, StudyRef};

/// A page of patients.
pub(super) struct Listed {
    /// Patients that the catalogue gave.
    pub(super) read: usize,
    /// Where the next page begins; none when nothing was read.
    pub(super) last: Option<StudyCursor>,
    /// Those of them who match.
    pub(super) matches: Vec<Candidate>,
}

/// One page of patients, each described by the newest of their studies that fits and may be seen.
pub(super) async fn page(
    core: &Core,
    session: &Session,
    keys: &InstitutionKeys,
    criteria: &Criteria,
    filter: &StudyFilter,
    page: Page<StudyCursor>,
) -> Result<Listed, FindError> {
    let database = core.catalogue.database();
    let rows = patients::search(database, filter, page).await.map_err(database_error)?;
    let (read, last) = (rows.len(), rows.last().map(StudyRow::cursor));
    let order: Vec<PatientRef> = rows.iter().map(|row| row.patient).collect();
    let newest: HashSet<StudyRef> = rows.iter().map(|row| row.reference).collect();
    let visible = Visible::of(core, session, keys, filter, &order, &newest).await?;

    let mut found: HashMap<PatientRef, Candidate> = HashMap::new();
    let mut others = Vec::new();
    for row in rows {
        let (patient, seen) = (row.patient, visible.newest.contains(&row.reference));
        match Some(study_candidate(keys, row)?).filter(|candidate| seen && criteria.matches(candidate)) {
            Some(candidate) => drop(found.insert(patient, candidate)),
            None if visible.counts.contains_key(&patient) => others.push(patient),
            None => {}
        }
    }
    if !others.is_empty() {
        older_studies(core, session, keys, criteria, filter, others, &mut found).await?;
    }
    let matches = order.iter().filter_map(|patient| {
        let mut candidate = found.remove(patient)?;
        candidate.row = AnyRow::Patient(*visible.counts.get(patient)?);
        Some(candidate)
    });
    Ok(Listed { read, last, matches: matches.collect() })
}

/// What patients have, as far as the session may see it.
struct Visible {
    counts: HashMap<PatientRef, PatientCounts>,
    /// Those of the asked studies that may be seen.
    newest: HashSet<StudyRef>,
}

impl Visible {
    async fn of(
        core: &Core,
        session: &Session,
        keys: &InstitutionKeys,
        filter: &StudyFilter,
        patients: &[PatientRef],
        newest: &HashSet<StudyRef>,
    ) -> Result<Self, FindError> {
        let mut visible = Self { counts: HashMap::new(), newest: HashSet::new() };
        if patients.is_empty() {
            return Ok(visible);
        }
        let mut all = StudyFilter::all(keys.institution.clone(), filter.visibility.clone());
        all.patients = patients.to_vec();
        let mut page = Page::first(PAGE_ROWS_MAX);
        loop {
            let rows =
                patients::count(core.catalogue.database(), &all, page).await.map_err(database_error)?;
            let (is_last, last) =
                (rows.len() < PAGE_ROWS_MAX as usize, rows.last().map(CountedStudy::cursor));
            let of = |row: &CountedStudy| facts(keys, row.reference, row.patient, row.grade, row.received);
            for row in seen(core, session, rows, of).await? {
                let counts = visible.counts.entry(row.patient).or_default();
                counts.studies += 1;
                counts.series += row.series_count;
                counts.instances += row.instance_count;
                if newest.contains(&row.reference) {
                    visible.newest.insert(row.reference);
                }
            }
            if is_last {
                return Ok(visible);
            }
            page.after = last;
        }
    }
}

/// Looks for patients whose newest fitting study may not be seen, or does not match at the second look, among their
/// other studies.
async fn older_studies(
    core: &Core,
    session: &Session,
    keys: &InstitutionKeys,
    criteria: &Criteria,
    filter: &StudyFilter,
    patients: Vec<PatientRef>,
    found: &mut HashMap<PatientRef, Candidate>,
) -> Result<(), FindError> {
    let filter = StudyFilter { patients, ..filter.clone() };
    let mut page = Page::first(PAGE_ROWS_MAX);
    loop {
        let rows = studies::search(core.catalogue.database(), &filter, page).await.map_err(database_error)?;
        let read = rows.len();
        page.after = rows.last().map(StudyRow::cursor);
        let mut fitting = Vec::new();
        for row in rows.into_iter().filter(|row| !found.contains_key(&row.patient)) {
            fitting.push(study_candidate(keys, row)?);
        }
        fitting.retain(|candidate| criteria.matches(candidate));
        for candidate in seen(core, session, fitting, |candidate| candidate.facts.clone()).await? {
            found.entry(candidate.facts.patient).or_insert(candidate);
        }
        if read < PAGE_ROWS_MAX as usize {
            return Ok(());
        }
    }
}

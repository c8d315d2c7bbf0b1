//! Searching: keys become conditions that an index serves, rows are decided one by one, one leaf says that it
//! happened.
//!
//! ```text
//!  keys ──► criteria ──► filter (tokens, dates, modalities) ──► rows ──► unseal ──► match again ──► decide ──► answer
//! ```
//!
//! What cannot be searched by token (a wildcard in front, a long prefix) is matched after unsealing, within a bound
//! on rows. A row that the policy does not let this session see is left out silently, and every row that leaves
//! can be opened by the same session (promise I5).

mod answer;
mod criteria;

use crate::catalogue::unavailable;
use crate::error::{FindError, Unavailable};
use crate::request::{FindRequest, Found, Level};
use crate::rows;
use crate::shared::{Core, InstitutionKeys};
use criteria::Criteria;
use std::sync::Arc;
use yingdun_access::{Reason, Refusal, Resource, Session, StudyFacts};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::catalogue::instances::{self, InstanceRow};
use yingdun_catalog::catalogue::series::{self, SeriesRow};
use yingdun_catalog::catalogue::studies::{self, StudyRow};
use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility};
use yingdun_catalog::{CatalogError, Database};
use yingdun_dicom::index::InstanceIndex;
use yingdun_model::{Action, StudyRef};

/// Rows that one search may read. Unsealing one takes some ten microseconds, so the bound is about a second.
const ROWS_READ_MAX: u32 = 50_000;

/// Rows of one catalogue page while searching.
const PAGE_ROWS_MAX: u32 = 1_000;

const ANSWERED: ReasonCode = ReasonCode::new("answered");

/// A row of any level, with what describes it and what decisions need of it.
struct Candidate {
    row: AnyRow,
    index: Option<InstanceIndex>,
    facts: StudyFacts,
}

enum AnyRow {
    Study(StudyRow),
    Series(SeriesRow),
    Instance(InstanceRow),
}

/// Searches and writes the leaf.
pub(crate) async fn find(
    core: &Arc<Core>,
    session: &Session,
    request: FindRequest,
) -> Result<Found, FindError> {
    let institution = session.institution();
    may_search(core, session).await?;
    let keys = core.institution_keys(institution).await.map_err(FindError::Unavailable)?;
    let criteria = Criteria::parse(&request)?;
    let visibility = core.access.visibility(session);
    let database = core.catalogue.caught_up().await.map_err(FindError::Unavailable)?;

    let filter = criteria.study_filter(&keys, visibility);
    let wanted = u64::from(request.limit) + 1;
    // Rows in front of the answer are counted and dropped, so that a large offset costs no memory.
    let mut to_skip = request.offset as usize;
    let mut matches: Vec<Candidate> = Vec::new();
    let mut pages = Pages::new(request.level, &criteria, filter);
    while (matches.len() as u64) < wanted {
        let missing = wanted - matches.len() as u64 + to_skip as u64;
        let page = pages.next(database, &keys, missing).await?;
        if page.is_empty() {
            break;
        }
        let fitting: Vec<Candidate> =
            page.into_iter().filter(|candidate| criteria.matches(candidate.index.as_ref())).collect();
        let visible = visible(core, session, fitting).await?;
        let skipped = to_skip.min(visible.len());
        to_skip -= skipped;
        matches.extend(visible.into_iter().skip(skipped));
    }

    let more = matches.len() as u64 >= wanted;
    let rows: Vec<_> = matches
        .iter()
        .take(request.limit as usize)
        .map(|candidate| answer::row(&candidate.row, candidate.index.as_ref(), &request.include))
        .collect();
    core.append_leaf(leaf(session, *core.access.policy_set(), rows.len()))
        .await
        .map_err(FindError::Unavailable)?;
    Ok(Found { rows, more })
}

/// Whether this role may search at all. A yes is said by the leaf of the answer; a no is a leaf of its own.
async fn may_search(core: &Core, session: &Session) -> Result<(), FindError> {
    let archive = Resource::Archive(session.institution().clone());
    if core.access.decide(session, Action::Search, &archive).await.map_err(refused)?.permitted {
        return Ok(());
    }
    core.access.authorise(session, Action::Search, archive).await.map(drop).map_err(refused)
}

/// Keeps the rows that the policy lets this session see.
async fn visible(core: &Core, session: &Session, rows: Vec<Candidate>) -> Result<Vec<Candidate>, FindError> {
    let resources: Vec<Resource> = rows.iter().map(|row| Resource::Study(row.facts.clone())).collect();
    let decisions = core.access.decide_many(session, Action::List, &resources).await.map_err(refused)?;
    Ok(rows
        .into_iter()
        .zip(decisions)
        .filter(|(_, decision)| decision.permitted)
        .map(|(row, _)| row)
        .collect())
}

/// Pages of the catalogue, each beginning behind the last.
struct Pages<'c> {
    criteria: &'c Criteria,
    filter: StudyFilter,
    position: Position,
    read: u32,
}

enum Position {
    Study(Option<studies::StudyCursor>),
    Series(Option<series::SeriesCursor>),
    Instance(Option<instances::InstanceCursor>),
    End,
}

impl<'c> Pages<'c> {
    fn new(level: Level, criteria: &'c Criteria, filter: StudyFilter) -> Self {
        let position = match level {
            Level::Study => Position::Study(None),
            Level::Series => Position::Series(None),
            Level::Instance => Position::Instance(None),
        };
        Self { criteria, filter, position, read: 0 }
    }

    /// The next rows, described. Empty at the end.
    async fn next(
        &mut self,
        database: &Database,
        keys: &InstitutionKeys,
        missing: u64,
    ) -> Result<Vec<Candidate>, FindError> {
        if self.read >= ROWS_READ_MAX {
            return Err(FindError::TooBroad);
        }
        // A residual condition drops rows, so whole pages are read; without one, as many as are missing.
        let limit = if self.criteria.has_residual() {
            PAGE_ROWS_MAX
        } else {
            u32::try_from(missing).unwrap_or(PAGE_ROWS_MAX).min(PAGE_ROWS_MAX)
        };
        let candidates = self.read_page(database, keys, limit).await?;
        self.read = self.read.saturating_add(u32::try_from(candidates.len()).unwrap_or(u32::MAX));
        if candidates.len() < limit as usize {
            self.position = Position::End;
        }
        Ok(candidates)
    }

    async fn read_page(
        &mut self,
        database: &Database,
        keys: &InstitutionKeys,
        limit: u32,
    ) -> Result<Vec<Candidate>, FindError> {
        match &mut self.position {
            Position::End => Ok(Vec::new()),
            Position::Study(after) => {
                let page = Page { offset: 0, limit, after: *after };
                let rows = studies::search(database, &self.filter, page).await.map_err(database_error)?;
                *after = rows.last().map(StudyRow::cursor).or(*after);
                rows.into_iter().map(|row| study_candidate(keys, row)).collect()
            }
            Position::Series(after) => {
                let page = Page { offset: 0, limit, after: *after };
                let filter = self.criteria.series_filter(self.filter.clone());
                let rows = series::search(database, &filter, page).await.map_err(database_error)?;
                *after = rows.last().map(SeriesRow::cursor).or(*after);
                rows.into_iter().map(|row| series_candidate(keys, row)).collect()
            }
            Position::Instance(after) => {
                let page = Page { offset: 0, limit, after: *after };
                let filter = self.criteria.instance_filter(keys, self.filter.clone());
                let rows = instances::search(database, &filter, page).await.map_err(database_error)?;
                *after = rows.last().map(InstanceRow::cursor).or(*after);
                self.instance_candidates(database, keys, rows).await
            }
        }
    }

    /// Instances are described by the index of their study, read once per study of the page.
    async fn instance_candidates(
        &self,
        database: &Database,
        keys: &InstitutionKeys,
        rows: Vec<InstanceRow>,
    ) -> Result<Vec<Candidate>, FindError> {
        let mut studies: Vec<StudyRef> = rows.iter().map(|row| row.study).collect();
        studies.sort_unstable();
        studies.dedup();
        let mut described = std::collections::HashMap::with_capacity(studies.len());
        if self.criteria.has_residual() {
            for some in studies.chunks(PAGE_ROWS_MAX as usize) {
                let mut filter = StudyFilter::all(keys.institution.clone(), Visibility::Institution);
                filter.studies = some.to_vec();
                let page = Page::first(PAGE_ROWS_MAX);
                for row in studies::search(database, &filter, page).await.map_err(database_error)? {
                    let study = rows::open_study_column(keys, row.reference, row.sealed).map_err(damaged)?;
                    described.insert(row.reference, study.into_index());
                }
            }
        }
        Ok(rows
            .into_iter()
            .map(|row| Candidate {
                facts: StudyFacts {
                    institution: keys.institution.clone(),
                    study: row.study,
                    patient: row.patient,
                    grade: row.grade,
                    received: row.study_received,
                },
                index: described.get(&row.study).cloned(),
                row: AnyRow::Instance(row),
            })
            .collect())
    }
}

fn study_candidate(keys: &InstitutionKeys, mut row: StudyRow) -> Result<Candidate, FindError> {
    let sealed = std::mem::take(&mut row.sealed);
    let index = rows::open_study_column(keys, row.reference, sealed).map_err(damaged)?.into_index();
    let facts = StudyFacts {
        institution: keys.institution.clone(),
        study: row.reference,
        patient: row.patient,
        grade: row.grade,
        received: row.received,
    };
    Ok(Candidate { row: AnyRow::Study(row), index: Some(index), facts })
}

fn series_candidate(keys: &InstitutionKeys, mut row: SeriesRow) -> Result<Candidate, FindError> {
    let sealed = std::mem::take(&mut row.sealed);
    let index = rows::open_series_column(keys, row.reference, sealed).map_err(damaged)?.into_index();
    let facts = StudyFacts {
        institution: keys.institution.clone(),
        study: row.study,
        patient: row.patient,
        grade: row.grade,
        received: row.study_received,
    };
    Ok(Candidate { row: AnyRow::Series(row), index: Some(index), facts })
}

fn leaf(session: &Session, policy_set: [u8; 32], rows: usize) -> Event {
    Event {
        kind: EventKind::Query,
        outcome: Outcome::Succeeded,
        institution: session.institution().clone(),
        actor: session.actor().clone(),
        actor_kind: session.actor_kind(),
        role: Some(session.role()),
        purpose: Some(session.purpose()),
        action: Some(Action::Search),
        patient: None,
        study: None,
        instance: None,
        policy_set: Some(policy_set),
        reason: ANSWERED,
        counts: Counts::new().with("rows", rows as u64),
        detail: None,
    }
}

fn refused(refusal: Refusal) -> FindError {
    match refusal.reason() {
        Some(reason) => FindError::Refused { reason: Reason::to_string(&reason) },
        None => FindError::Unavailable(Unavailable::new("access", refusal)),
    }
}

fn database_error(error: CatalogError) -> FindError {
    FindError::Unavailable(unavailable(error))
}

fn damaged(error: yingdun_crypto::OpenError) -> FindError {
    FindError::Unavailable(Unavailable::new("catalogue", error))
}

//! Pages of the catalogue, each beginning behind the last: rows that fit and that the session may see.

use super::answer::includes;
use super::attributes::{Source, attributes};
use super::candidate::{
    Candidate, instance_candidate, series_candidate, series_texts, study_candidate, study_texts,
};
use super::criteria::Criteria;
use super::{PAGE_ROWS_MAX, database_error, patients, seen};
use crate::error::FindError;
use crate::pseudonym::InstitutionKeys;
use crate::request::{Include, Level};
use crate::shared::Core;
use std::collections::BTreeSet;
use std::sync::Arc;
use yingdun_access::Session;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::instances::{self, InstanceRow};
use yingdun_catalog::catalogue::series::{self, SeriesRow};
use yingdun_catalog::catalogue::studies::{self, StudyCursor, StudyRow};
use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility};

/// Rows that may be read for one page of an answer. Unsealing one takes some ten microseconds, so the bound is about a
/// second; it is told to the asker, never passed over.
const ROWS_READ_MAX: u32 = 50_000;

/// The same where somebody is typing, who is answered within a tenth of a second and told that there may be more.
const ROWS_READ_WHILE_TYPING_MAX: u32 = 5_000;

/// Rows of one catalogue page then, where a second look drops some.
const PAGE_ROWS_WHILE_TYPING: u32 = 200;

/// A walk through the rows of one level.
pub(super) struct Pages {
    pub(super) criteria: Criteria,
    keys: Arc<InstitutionKeys>,
    filter: StudyFilter,
    position: Position,
    needs: Needs,
    /// Rows read for this page of the answer.
    read: u32,
    /// How many may be.
    read_max: u32,
    /// Rows of one catalogue page where a second look drops some.
    looked_at_twice: u32,
}

enum Position {
    Patient(Option<StudyCursor>),
    Study(Option<StudyCursor>),
    Series(Option<series::SeriesCursor>),
    Instance(Option<instances::InstanceCursor>),
    End,
}

/// Which texts are wanted beside the row itself.
#[derive(Clone, Copy)]
struct Needs {
    study: bool,
    series: bool,
}

impl Pages {
    pub(super) fn new(
        level: Level,
        criteria: Criteria,
        keys: Arc<InstitutionKeys>,
        visibility: Visibility,
        include: &Include,
    ) -> Self {
        let position = match level {
            Level::Patient => Position::Patient(None),
            Level::Study => Position::Study(None),
            Level::Series => Position::Series(None),
            Level::Instance => Position::Instance(None),
        };
        let needs = Needs::of(level, &criteria, include);
        let filter = criteria.study_filter(&keys, visibility);
        let (read_max, looked_at_twice) = (ROWS_READ_MAX, PAGE_ROWS_MAX);
        Self { criteria, keys, filter, position, needs, read: 0, read_max, looked_at_twice }
    }

    /// The same for studies behind a place, within the bounds of somebody who is typing.
    pub(super) fn while_typing(mut self, after: Option<StudyCursor>) -> Self {
        self.position = Position::Study(after);
        (self.read_max, self.looked_at_twice) = (ROWS_READ_WHILE_TYPING_MAX, PAGE_ROWS_WHILE_TYPING);
        self
    }

    pub(super) const fn is_at_end(&self) -> bool {
        matches!(self.position, Position::End)
    }

    /// Counts the rows that are read from here on against the bound: another page of the answer begins.
    pub(super) const fn begin_page(&mut self) {
        self.read = 0;
    }

    /// The matches among the next rows, perhaps none; nothing at the end.
    pub(super) async fn next(
        &mut self,
        core: &Core,
        session: &Session,
        wanted: u32,
    ) -> Result<Option<Vec<Candidate>>, FindError> {
        if self.is_at_end() {
            return Ok(None);
        }
        if self.read >= self.read_max {
            return Err(FindError::TooBroad);
        }
        // A second look drops rows, so whole pages are read; without one, as many as are missing.
        let limit = match self.criteria.has_residual() {
            true => self.looked_at_twice,
            false => wanted.clamp(1, PAGE_ROWS_MAX),
        };
        let (read, matches) = if let Position::Patient(after) = &mut self.position {
            let page = Page { offset: 0, limit, after: *after };
            let listed =
                patients::page(core, session, &self.keys, &self.criteria, &self.filter, page).await?;
            *after = listed.last.or(*after);
            (listed.read, listed.matches)
        } else {
            let candidates = self.read_page(core.catalogue.database(), limit).await?;
            let read = candidates.len();
            (read, self.seen(core, session, candidates).await?)
        };
        if read < limit as usize {
            self.position = Position::End;
        }
        self.read = self.read.saturating_add(u32::try_from(read).unwrap_or(u32::MAX));
        Ok(Some(matches))
    }

    /// Those that fit and may be seen.
    async fn seen(
        &self,
        core: &Core,
        session: &Session,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, FindError> {
        let fitting = candidates.into_iter().filter(|candidate| self.criteria.matches(candidate)).collect();
        seen(core, session, fitting, |candidate: &Candidate| candidate.facts.clone()).await
    }

    /// The next rows, described as far as that is needed.
    async fn read_page(&mut self, database: &Database, limit: u32) -> Result<Vec<Candidate>, FindError> {
        let (keys, needs) = (&self.keys, self.needs);
        match &mut self.position {
            Position::End | Position::Patient(_) => Ok(Vec::new()),
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
                let studies =
                    if needs.study { rows.iter().map(|row| row.study).collect() } else { BTreeSet::new() };
                let studies = study_texts(database, keys, studies).await?;
                rows.into_iter().map(|row| series_candidate(keys, row, &studies)).collect()
            }
            Position::Instance(after) => {
                let page = Page { offset: 0, limit, after: *after };
                let filter = self.criteria.instance_filter(keys, self.filter.clone());
                let rows = instances::search(database, &filter, page).await.map_err(database_error)?;
                *after = rows.last().map(InstanceRow::cursor).or(*after);
                let studies =
                    if needs.study { rows.iter().map(|row| row.study).collect() } else { BTreeSet::new() };
                let series =
                    if needs.series { rows.iter().map(|row| row.series).collect() } else { BTreeSet::new() };
                let studies = study_texts(database, keys, studies).await?;
                let series = series_texts(database, keys, series).await?;
                Ok(rows.into_iter().map(|row| instance_candidate(keys, row, &studies, &series)).collect())
            }
        }
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("criteria", &self.criteria).finish_non_exhaustive()
    }
}

impl Needs {
    /// Rows of studies and series carry their own texts; what stands above a row is read when it is compared or asked for.
    fn of(level: Level, criteria: &Criteria, include: &Include) -> Self {
        let asked = |levels: &[Level]| {
            attributes().any(|attribute| {
                levels.contains(&attribute.level)
                    && matches!(attribute.source, Source::Index(_))
                    && (criteria.compares(attribute) || includes(include, attribute.path.top()))
            })
        };
        Self {
            study: level > Level::Study && asked(&[Level::Patient, Level::Study]),
            series: level > Level::Series && asked(&[Level::Series]),
        }
    }
}

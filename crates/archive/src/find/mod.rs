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
//!
//! | file | what |
//! |---|---|
//! | `attributes` | which attributes searches know |
//! | `criteria` | what the keys ask |
//! | `when` | what of them is asked of a date and the time beside it |
//! | `pages` | rows that fit and may be seen, page by page |
//! | `patients` | the same for patients, who are seen through their studies |
//! | `answer` | a row in the words of DICOM |
//! | `words` | what somebody types into one box |
//! | `typed` | the newest studies that fit it, each with what may be done with it |

mod answer;
mod attributes;
mod candidate;
mod criteria;
mod pages;
mod patients;
mod typed;
mod when;
mod words;

pub use attributes::{is_searchable, search_attributes};
pub(crate) use criteria::refuse_masked;
pub(crate) use typed::find_typed;
pub(crate) use words::day_of;

use crate::error::{FindError, Unavailable};
use crate::masked::Mask;
use crate::request::{FindRequest, Found, FoundRow, Include};
use crate::shared::Core;
use candidate::Candidate;
use criteria::Criteria;
use pages::Pages;
use std::sync::Arc;
use yingdun_access::{MASKED, Reason, Refusal, Resource, Session, StudyFacts, session_leaf};
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_catalog::CatalogError;
use yingdun_dicom::{AttributePath, UtcOffset};
use yingdun_model::Action;

/// Rows that are looked at together when all matches are wanted: some milliseconds of work.
const STREAM_ROWS: u32 = 256;

/// Rows of one catalogue page while searching.
const PAGE_ROWS_MAX: u32 = 1_000;

/// The whole answer left with this leaf.
pub(crate) const ANSWERED: ReasonCode = ReasonCode::new("answered");
/// The first rows of a longer answer left with this leaf; another one says how many there were in the end.
const ANSWERING: ReasonCode = ReasonCode::new("answering");
/// Closes an answer that was begun.
const ANSWER_CLOSED: ReasonCode = ReasonCode::new("answer-closed");

/// Searches, and writes the leaf.
pub(crate) async fn find(
    core: &Arc<Core>,
    session: &Session,
    request: FindRequest,
) -> Result<Found, FindError> {
    let limit = request.limit;
    // One more than is shown tells whether there are more.
    let request = FindRequest { limit: limit.saturating_add(1), ..request };
    let mut search = Search::begin(core, session, request).await?;
    let mut matches = Vec::new();
    while let Some(some) = search.candidates(search.missing).await? {
        matches.extend(some);
    }
    let more = matches.len() > limit as usize;
    matches.truncate(limit as usize);
    let rows: Vec<FoundRow> = search.rows(&matches);
    search.write_leaf(ANSWERED, Counts::new().with("rows", rows.len() as u64)).await?;
    Ok(Found { rows, more, unmatched: search.pages.criteria.take_unmatched() })
}

/// A search whose matches are taken page by page. The leaf is durable before the first row leaves; a longer answer has a
/// second one, which says how many rows left, and is written when the search is dropped at the latest.
#[derive(Debug)]
pub struct Search {
    core: Arc<Core>,
    session: Session,
    include: Include,
    /// What the session is not to learn of a row.
    mask: Option<Mask>,
    pages: Pages,
    /// Matches to pass over.
    to_skip: u32,
    /// Matches that are still wanted.
    missing: u32,
    given: u64,
    /// The leaf with which the answer was begun, while it is not closed.
    begun: Option<u64>,
}

impl Search {
    pub(crate) async fn begin(
        core: &Arc<Core>,
        session: &Session,
        request: FindRequest,
    ) -> Result<Self, FindError> {
        may_search(core, session).await?;
        let keys = core.institution_keys(session.institution()).await.map_err(FindError::Unavailable)?;
        let home = UtcOffset::from_minutes(core.access.utc_offset_minutes()).unwrap_or_default();
        let mask = Mask::of(core, session, &keys);
        let criteria = Criteria::parse(&request, home, mask.as_ref())?;
        let visibility = core.access.visibility(session).await;
        let visibility =
            visibility.map_err(|refusal| FindError::Unavailable(Unavailable::new("access", refusal)))?;
        core.catalogue.caught_up().await.map_err(FindError::Unavailable)?;
        Ok(Self {
            core: Arc::clone(core),
            session: session.clone(),
            pages: Pages::new(request.level, criteria, keys, visibility, &request.include),
            include: request.include,
            mask,
            to_skip: request.offset,
            missing: request.limit,
            given: 0,
            begun: None,
        })
    }

    /// Keys that restrict nothing: see [`Found::unmatched`].
    #[must_use]
    pub fn unmatched(&self) -> &[AttributePath] {
        self.pages.criteria.unmatched()
    }

    /// The next matches; empty at the end. Whether the session may search is decided again for each page.
    ///
    /// # Errors
    /// [`FindError`]; nothing more can be had after one.
    pub async fn next_page(&mut self) -> Result<Vec<FoundRow>, FindError> {
        may_search(&self.core, &self.session).await?;
        self.pages.begin_page();
        let matches = loop {
            match self.candidates(STREAM_ROWS).await? {
                Some(some) if some.is_empty() => {}
                some => break some.unwrap_or_default(),
            }
        };
        let rows = self.rows(&matches);
        let is_first = self.given == 0;
        self.given += rows.len() as u64;
        let counts = Counts::new().with("rows", self.given);
        match self.begun {
            None if is_first && self.is_at_end() => self.write_leaf(ANSWERED, counts).await.map(drop)?,
            None if is_first => self.begun = Some(self.write_leaf(ANSWERING, counts).await?),
            Some(_) if self.is_at_end() => self.close().await?,
            None | Some(_) => {}
        }
        Ok(rows)
    }

    /// Matches as they leave.
    fn rows(&self, matches: &[Candidate]) -> Vec<FoundRow> {
        let mut rows: Vec<FoundRow> = matches.iter().map(|row| answer::row(row, &self.include)).collect();
        if let Some(mask) = &self.mask {
            rows.iter_mut().for_each(|row| mask.row(row));
        }
        rows
    }

    fn is_at_end(&self) -> bool {
        self.missing == 0 || self.pages.is_at_end()
    }

    /// Matches from the next rows of the catalogue, perhaps none of them; nothing at the end.
    async fn candidates(&mut self, rows: u32) -> Result<Option<Vec<Candidate>>, FindError> {
        if self.missing == 0 {
            return Ok(None);
        }
        let wanted = rows.min(self.missing).saturating_add(self.to_skip);
        let Some(mut matches) = self.pages.next(&self.core, &self.session, wanted).await? else {
            return Ok(None);
        };
        // Rows in front of the answer are counted and dropped, so that a large offset costs no memory.
        let skipped = matches.len().min(self.to_skip as usize);
        matches.drain(..skipped);
        matches.truncate(self.missing as usize);
        self.to_skip = self.to_skip.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX));
        self.missing = self.missing.saturating_sub(u32::try_from(matches.len()).unwrap_or(u32::MAX));
        Ok(Some(matches))
    }

    /// Says how many rows left.
    async fn close(&mut self) -> Result<(), FindError> {
        let Some(leaf) = self.begun.take() else { return Ok(()) };
        self.write_leaf(ANSWER_CLOSED, Counts::new().with("leaf", leaf).with("rows", self.given))
            .await
            .map(drop)
    }

    async fn write_leaf(&self, reason: ReasonCode, counts: Counts) -> Result<u64, FindError> {
        let counts = masked_counts(counts, self.mask.as_ref());
        let leaf = leaf(&self.session, self.core.access.policy_set(), reason, counts);
        self.core.append_leaf(leaf).await.map_err(FindError::Unavailable)
    }
}

impl Drop for Search {
    /// An asker who hangs up is counted as well.
    fn drop(&mut self) {
        let (Some(begun), Ok(runtime)) = (self.begun.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let counts = Counts::new().with("leaf", begun).with("rows", self.given);
        let leaf = leaf(&self.session, self.core.access.policy_set(), ANSWER_CLOSED, counts);
        let core = Arc::clone(&self.core);
        runtime.spawn(async move {
            if let Err(error) = core.append_leaf(leaf).await {
                tracing::error!(%error, "the closing count of a search was not written to the audit log");
            }
        });
    }
}

/// Whether this role may search at all. A yes is said by the leaf of the answer; a no is a leaf of its own.
pub(crate) async fn may_search(core: &Core, session: &Session) -> Result<(), FindError> {
    let archive = Resource::Archive(session.institution().clone());
    if core.access.decide(session, Action::Search, &archive).await.map_err(refused)?.permitted {
        return Ok(());
    }
    core.access.authorise(session, Action::Search, archive).await.map(drop).map_err(refused)
}

/// Those of these rows whose studies the policy lets this session see.
pub(crate) async fn seen<R>(
    core: &Core,
    session: &Session,
    rows: Vec<R>,
    study: impl Fn(&R) -> StudyFacts,
) -> Result<Vec<R>, FindError> {
    let studies: Vec<Resource> = rows.iter().map(|row| Resource::Study(study(row))).collect();
    let decisions = core.access.decide_many(session, Action::List, &studies).await.map_err(refused)?;
    let decided = rows.into_iter().zip(decisions);
    Ok(decided.filter(|(_, decision)| decision.permitted).map(|(row, _)| row).collect())
}

/// Says of an answer that it was masked.
pub(crate) fn masked_counts(counts: Counts, mask: Option<&Mask>) -> Counts {
    if mask.is_some() { counts.with(MASKED, 1) } else { counts }
}

/// The leaf of an answer.
pub(crate) fn leaf(session: &Session, policy_set: [u8; 32], reason: ReasonCode, counts: Counts) -> Event {
    Event {
        kind: EventKind::Query,
        outcome: Outcome::Succeeded,
        action: Some(Action::Search),
        policy_set: Some(policy_set),
        counts,
        ..session_leaf(session, reason)
    }
}

fn refused(refusal: Refusal) -> FindError {
    match refusal.reason() {
        Some(reason) => FindError::Refused { reason: Reason::to_string(&reason) },
        None => FindError::Unavailable(Unavailable::new("access", refusal)),
    }
}

pub(crate) fn database_error(error: CatalogError) -> FindError {
    FindError::Unavailable(crate::error::unavailable(error))
}

fn damaged(error: yingdun_crypto::OpenError) -> FindError {
    FindError::Unavailable(Unavailable::new("catalogue", error))
}

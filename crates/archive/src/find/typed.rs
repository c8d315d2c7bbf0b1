//! The search of a box into which somebody types: the newest studies that fit, a page at a time, each with what would be said to its being
//! opened. Rows come the way of every search: index, sieve, decision, leaf.

use super::answer;
use super::candidate::{AnyRow, Candidate};
use super::criteria::{Criteria, refuse_masked};
use super::pages::Pages;
use super::words::{Days, Typed, day_of};
use super::{ANSWERED, leaf, masked_counts, may_search, refused};
use crate::error::{FindError, Unavailable};
use crate::masked::Mask;
use crate::request::{FoundStudies, FoundStudy, Include, Level, TypedSearch};
use crate::shared::Core;
use std::sync::Arc;
use yingdun_access::{Foreseen, Resource, Session};
use yingdun_audit::Counts;
use yingdun_catalog::catalogue::{Date, StudyCursor, Visibility};
use yingdun_dicom::tags;
use yingdun_model::Action;

/// Searches, and writes the leaf.
pub(crate) async fn find_typed(
    core: &Arc<Core>,
    session: &Session,
    request: TypedSearch,
) -> Result<FoundStudies, FindError> {
    may_search(core, session).await?;
    let keys = core.institution_keys(session.institution()).await.map_err(FindError::Unavailable)?;
    let mask = Mask::of(core, session, &keys);
    let now = core.clock.now();
    let today = day_of(now.as_ms(), core.access.utc_offset_minutes());
    let typed = Typed::parse(&request.text, today, mask.as_ref())?;
    let read_as = typed.words.iter().map(super::words::Word::read_as).collect();
    let criteria = criteria(typed, &request, mask.as_ref())?;
    let visibility = core.access.visibility(session).await;
    let visibility =
        visibility.map_err(|refusal| FindError::Unavailable(Unavailable::new("access", refusal)))?;
    let visibility = match visibility {
        Visibility::Nothing => Visibility::Nothing,
        // The own patients are fewer than what may be seen; each row is decided in any case.
        _ if request.mine => Visibility::CareRelation { actor: session.actor().clone(), at: now },
        seen => seen,
    };
    core.catalogue.caught_up().await.map_err(FindError::Unavailable)?;

    // Age is returned when it is asked for.
    let include = Include::Tags(vec![tags::PATIENT_AGE]);
    let mut pages =
        Pages::new(Level::Study, criteria, keys, visibility, &include).while_typing(request.after);
    let (mut matches, is_whole) = matches(core, session, &mut pages, request.limit).await?;
    let more = matches.len() > request.limit as usize;
    matches.truncate(request.limit as usize);
    let next = matches.last().filter(|_| more).and_then(place);

    let resources: Vec<Resource> =
        matches.iter().map(|candidate| Resource::Study(candidate.facts.clone())).collect();
    let opens = core.access.foresee_many(session, Action::View, &resources).await.map_err(refused)?;
    let found = matches.iter().zip(opens);
    let studies: Vec<FoundStudy> =
        found.map(|(candidate, opens)| study(candidate, opens, &include, mask.as_ref())).collect();
    let counts = masked_counts(Counts::new().with("rows", studies.len() as u64), mask.as_ref());
    let leaf = leaf(session, core.access.policy_set(), ANSWERED, counts);
    core.append_leaf(leaf).await.map_err(FindError::Unavailable)?;
    Ok(FoundStudies { studies, next, is_whole, read_as })
}

// === helpers ===

/// The words and the filters beside them. What is masked is neither.
fn criteria(typed: Typed, request: &TypedSearch, mask: Option<&Mask>) -> Result<Criteria, FindError> {
    for modality in &request.modalities {
        refuse_masked(mask, tags::MODALITIES_IN_STUDY.into(), modality)?;
    }
    let mut days = typed.days;
    if let (from, until) = (request.from, request.until)
        && (from.is_some() || until.is_some())
    {
        refuse_masked(mask, tags::STUDY_DATE.into(), "a day")?;
        let chosen = Days { first: from.unwrap_or(Date::MIN), last: until.unwrap_or(Date::MAX) };
        days = Some(days.unwrap_or(Days::ALL).and(chosen));
    }
    Ok(Criteria::of_typed(typed.words, request.modalities.clone(), days))
}

/// One match more than is shown, as far as there is one; and whether all rows were looked at that could be among them.
async fn matches(
    core: &Core,
    session: &Session,
    pages: &mut Pages,
    limit: u32,
) -> Result<(Vec<Candidate>, bool), FindError> {
    let (wanted, mut matches) = (limit as usize + 1, Vec::new());
    while matches.len() < wanted {
        let missing = u32::try_from(wanted - matches.len()).unwrap_or(u32::MAX);
        match pages.next(core, session, missing).await {
            Ok(Some(some)) => matches.extend(some),
            Ok(None) => break,
            // Who types goes on typing: what was found is shown, and it is said that there may be more.
            Err(FindError::TooBroad) => return Ok((matches, false)),
            Err(error) => return Err(error),
        }
    }
    Ok((matches, true))
}

fn place(candidate: &Candidate) -> Option<StudyCursor> {
    match &candidate.row {
        AnyRow::Study(study) => Some(study.cursor()),
        AnyRow::Patient(_) | AnyRow::Series(_) | AnyRow::Instance(_) => None,
    }
}

fn study(candidate: &Candidate, opens: Foreseen, include: &Include, mask: Option<&Mask>) -> FoundStudy {
    let mut row = answer::row(candidate, include);
    if let Some(mask) = mask {
        mask.row(&mut row);
    }
    let patient_conflict = matches!(&candidate.row, AnyRow::Study(study) if study.patient_conflict);
    FoundStudy { row, grade: candidate.facts.grade, patient_conflict, opens }
}

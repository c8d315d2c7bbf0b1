//! Studies that somebody has to look at: those that hold images of more than one patient, and those that share an
//! accession number. Nothing was refused for it, because an image is never lost; people set it right.

use crate::error::FindError;
use crate::find::{self, ANSWERED, database_error, may_search, seen};
use crate::shared::Core;
use std::collections::BTreeMap;
use yingdun_access::{Session, StudyFacts};
use yingdun_audit::Counts;
use yingdun_catalog::catalogue::studies::{self, StudyRow};
use yingdun_catalog::catalogue::{Page, StudyFilter, Token, Visibility, accessions};
use yingdun_model::{StudyRef, Uid};

/// The most studies of each kind in one answer.
pub const CONFLICTS_MAX: u32 = 500;

/// A study that somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its pseudonym, by which audit leaves name it.
    pub study: StudyRef,
    /// Its Study Instance UID (0020,000D).
    pub uid: Uid,
}

/// What somebody has to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// Studies of which an instance names another patient than the study has.
    pub patients: Vec<Conflict>,
    /// Studies that share an accession number of one issuer, those of one number together.
    pub accessions: Vec<Vec<Conflict>>,
}

/// The conflicts of an institution, as far as the session may see their studies.
pub(crate) async fn conflicts(core: &Core, session: &Session, limit: u32) -> Result<Conflicts, FindError> {
    may_search(core, session).await?;
    let database = core.catalogue.caught_up().await.map_err(FindError::Unavailable)?;
    let (institution, limit) = (session.institution(), limit.min(CONFLICTS_MAX));
    let patients =
        studies::in_patient_conflict(database, institution, limit).await.map_err(database_error)?;
    let shared = accessions::shared(database, institution, limit).await.map_err(database_error)?;

    let both = patients.iter().copied().chain(shared.iter().map(|(_, study)| *study));
    let seen = visible(core, session, both.collect()).await?;
    let mut by_number: BTreeMap<Token, Vec<Conflict>> = BTreeMap::new();
    for (number, study) in shared {
        by_number.entry(number).or_default().extend(seen.get(&study).cloned());
    }
    let found = Conflicts {
        patients: patients.iter().filter_map(|study| seen.get(study).cloned()).collect(),
        // Of a number of which only one study may be seen, nothing is told of the others.
        accessions: by_number.into_values().filter(|studies| studies.len() > 1).collect(),
    };
    let rows = found.patients.len() + found.accessions.iter().map(Vec::len).sum::<usize>();
    let counts = Counts::new().with("rows", rows as u64);
    let leaf = find::leaf(session, core.access.policy_set(), ANSWERED, counts);
    core.append_leaf(leaf).await.map_err(FindError::Unavailable)?;
    Ok(found)
}

/// Those of these studies that the session may see.
async fn visible(
    core: &Core,
    session: &Session,
    mut wanted: Vec<StudyRef>,
) -> Result<BTreeMap<StudyRef, Conflict>, FindError> {
    wanted.sort_unstable();
    wanted.dedup();
    let Some(rows) = u32::try_from(wanted.len()).ok().filter(|rows| *rows > 0) else {
        return Ok(BTreeMap::new());
    };
    let mut filter = StudyFilter::all(session.institution().clone(), Visibility::Institution);
    filter.studies = wanted;
    let rows: Vec<StudyRow> = studies::search(core.catalogue.database(), &filter, Page::first(rows))
        .await
        .map_err(database_error)?;
    let facts = |row: &StudyRow| StudyFacts {
        institution: session.institution().clone(),
        study: row.reference,
        patient: row.patient,
        grade: row.grade,
        received: row.received,
    };
    let rows = seen(core, session, rows, facts).await?;
    Ok(rows.into_iter().map(|row| (row.reference, Conflict { study: row.reference, uid: row.uid })).collect())
}

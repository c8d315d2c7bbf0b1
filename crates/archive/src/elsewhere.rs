//! What another archive knows: rows that a device has found are decided one by one before anybody sees them, as if the
//! studies were ours.
//!
//! A study that we hold as well is judged by what we know of it. Of any other nothing is known but its row: it is ordinary
//! clinical data of the patient whom the row names, and was never received here. A row that names no patient belongs to one
//! with whom nobody has a care relation.

use crate::error::FindError;
use crate::find::{self, ANSWERED, database_error, leaf, masked_counts, may_search, refuse_masked};
use crate::masked::Mask;
use crate::pseudonym::InstitutionKeys;
use crate::request::FoundRow;
use crate::shared::{Core, GRADE_ON_ARRIVAL};
use std::collections::HashMap;
use std::sync::Arc;
use yingdun_access::{Session, StudyFacts};
use yingdun_audit::Counts;
use yingdun_catalog::catalogue::{Page, StudyFilter, Visibility, studies};
use yingdun_dicom::{AttributePath, Tag, tags};
use yingdun_model::{StudyRef, Timestamp, Uid};

/// Stands for an attribute that nobody knows: private, so masked where anything is.
const UNKNOWN: Tag = Tag(0x0009, 0x1000);

/// A search elsewhere that its asker may make.
#[derive(Debug)]
pub struct SearchElsewhere {
    core: Arc<Core>,
    session: Session,
    keys: Arc<InstitutionKeys>,
    /// What the asker is not to learn of a row.
    mask: Option<Mask>,
}

impl SearchElsewhere {
    pub(crate) async fn begin(core: &Arc<Core>, session: &Session) -> Result<Self, FindError> {
        may_search(core, session).await?;
        let keys = core.institution_keys(session.institution()).await.map_err(FindError::Unavailable)?;
        let mask = Mask::of(core, session, &keys);
        Ok(Self { core: Arc::clone(core), session: session.clone(), keys, mask })
    }

    /// Whether the asker may put a key to the other archive, with this text. A name that is no attribute of the standard could be
    /// any.
    ///
    /// # Errors
    /// [`FindError::BadKey`] for an attribute that is masked for the asker.
    pub fn may_ask(&self, path: Option<AttributePath>, text: &str) -> Result<(), FindError> {
        let unknown = AttributePath::from(UNKNOWN);
        refuse_masked(self.mask.as_ref(), path.unwrap_or(unknown), text)
    }

    /// Those of the rows that the asker may see. A row without a legal Study Instance UID is nobody's. The leaf that says
    /// how many leave is durable before they do.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn seen(self, rows: Vec<FoundRow>) -> Result<Vec<FoundRow>, FindError> {
        let Self { core, session, keys, mask } = self;
        let named: Vec<(FoundRow, Uid)> = rows
            .into_iter()
            .filter_map(|row| Some((Uid::new(text(&row, tags::STUDY_INSTANCE_UID)?).ok()?, row)))
            .map(|(study, row)| (row, study))
            .collect();
        let ours = held(&core, &session, &keys, &named).await?;
        let facts = |(row, study): &(FoundRow, Uid)| {
            let reference = keys.pseudonyms.study(study);
            ours.get(&reference).cloned().unwrap_or_else(|| unheld(&session, &keys, row, study))
        };
        let seen = find::seen(&core, &session, named, facts).await?;
        let mut seen: Vec<FoundRow> = seen.into_iter().map(|(row, _)| row).collect();
        if let Some(mask) = &mask {
            seen.iter_mut().for_each(|row| mask.row(row));
        }
        let counts = masked_counts(Counts::new().with("rows", seen.len() as u64), mask.as_ref());
        let leaf = leaf(&session, core.access.policy_set(), ANSWERED, counts);
        core.append_leaf(leaf).await.map_err(FindError::Unavailable)?;
        Ok(seen)
    }
}

/// The facts of those studies that we hold.
async fn held(
    core: &Core,
    session: &Session,
    keys: &InstitutionKeys,
    rows: &[(FoundRow, Uid)],
) -> Result<HashMap<StudyRef, StudyFacts>, FindError> {
    let mut wanted: Vec<StudyRef> = rows.iter().map(|(_, study)| keys.pseudonyms.study(study)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let Some(count) = u32::try_from(wanted.len()).ok().filter(|count| *count > 0) else {
        return Ok(HashMap::new());
    };
    let mut filter = StudyFilter::all(session.institution().clone(), Visibility::Institution);
    filter.studies = wanted;
    let database = core.catalogue.caught_up().await.map_err(FindError::Unavailable)?;
    let found = studies::search(database, &filter, Page::first(count)).await.map_err(database_error)?;
    let facts = found.into_iter().map(|row| StudyFacts {
        institution: session.institution().clone(),
        study: row.reference,
        patient: row.patient,
        grade: row.grade,
        received: row.received,
    });
    Ok(facts.map(|facts| (facts.study, facts)).collect())
}

/// What can be said of a study that only its row tells of.
fn unheld(session: &Session, keys: &InstitutionKeys, row: &FoundRow, study: &Uid) -> StudyFacts {
    let patient = text(row, tags::PATIENT_ID).unwrap_or_default();
    let issuer = text(row, tags::ISSUER_OF_PATIENT_ID).unwrap_or_default();
    StudyFacts {
        institution: session.institution().clone(),
        study: keys.pseudonyms.study(study),
        patient: keys.pseudonyms.patient(issuer, patient, study),
        grade: GRADE_ON_ARRIVAL,
        received: Timestamp::from_ms(0),
    }
}

/// The first value of an attribute of a row.
fn text(row: &FoundRow, tag: Tag) -> Option<&str> {
    row.get(&tag.to_hex())?.get("Value")?.get(0)?.as_str().map(str::trim)
}

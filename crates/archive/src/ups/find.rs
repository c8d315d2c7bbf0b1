//! What reads workitems: one by its UID, or those that match (PS3.18 §11.5, §11.9).

use super::attributes::SEARCH_DEFAULT;
use super::item::{self, Workitem};
use super::{ANSWERED, Keeper, WorkitemError, leaf_of_reading, not_read};
use crate::request::Include;
use crate::shared::Core;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use yingdun_access::Session;
use yingdun_catalog::catalogue::workitems::{self, WorkitemRow};
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::matching::Keys;
use yingdun_dicom::{Tag, Vr, dictionary, tags};
use yingdun_model::Uid;

/// Workitems that one search may read. Unsealing one takes some ten microseconds.
pub(super) const ROWS_READ_MAX: usize = 20_000;

/// Workitems of one answer to a device, which gets them all or none: more than any device shows.
const ANSWERS_MAX: usize = 2_000;

/// Rows of one page of the catalogue.
const PAGE_ROWS: u32 = 500;

/// What a search asks of one attribute.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkitemKey {
    /// The attribute, behind the sequences in whose items it stands.
    pub path: Vec<Tag>,
    /// The value to match, as PS3.4 §C.2.2.2 says; an empty one matches all and asks for the attribute.
    pub value: String,
}

/// A search for workitems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkitemSearch {
    /// All of them hold together.
    pub keys: Vec<WorkitemKey>,
    /// What of each match is answered.
    pub include: Include,
    /// Matches to leave out at the beginning.
    pub offset: u32,
    /// Matches at most.
    pub limit: u32,
}

/// What a search has found.
#[derive(Clone, PartialEq)]
pub struct WorkitemsFound {
    /// The matches in the DICOM JSON model, by their scheduled start.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// Reads a workitem.
pub(crate) async fn retrieve(
    core: &Core,
    session: &Session,
    uid: &Uid,
) -> Result<Map<String, Value>, WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let item = keeper.workitem(core, uid).await?;
    leaf_of_reading(core, session, ANSWERED, item.patient(&keeper.keys), 1).await?;
    Ok(item.attributes)
}

/// Searches workitems.
pub(crate) async fn search(
    core: &Core,
    session: &Session,
    search: &WorkitemSearch,
) -> Result<WorkitemsFound, WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let identifier = identifier(&search.keys)?;
    let wanted = search.offset as usize + search.limit as usize;
    let mut found = matching(core, &keeper, &identifier, wanted + 1).await?;
    let more = found.len() > wanted;
    found.truncate(wanted);
    let shown = shown(search);
    let rows: Vec<Map<String, Value>> = found
        .into_iter()
        .skip(search.offset as usize)
        .map(|item| match &shown {
            None => item.attributes,
            Some(shown) => item.attributes.into_iter().filter(|(tag, _)| shown.contains(tag)).collect(),
        })
        .collect();
    leaf_of_reading(core, session, ANSWERED, None, rows.len() as u64).await?;
    Ok(WorkitemsFound { rows, more })
}

/// Answers a question as a device asks it.
pub(crate) async fn answers(
    core: &Core,
    session: &Session,
    identifier: &DataSet,
) -> Result<Vec<DataSet>, WorkitemError> {
    let keeper = Keeper::who_may_read(core, session).await?;
    let asked = Keys::read(identifier).map_err(|error| WorkitemError::Invalid(error.to_string()))?;
    let found = matching(core, &keeper, identifier, ANSWERS_MAX + 1).await?;
    if found.len() > ANSWERS_MAX {
        return Err(WorkitemError::TooBroad);
    }
    leaf_of_reading(core, session, ANSWERED, None, found.len() as u64).await?;
    Ok(found.iter().map(|item| asked.answer(&item.data_set())).collect())
}

/// The workitems that match, in their order, at most so many.
pub(super) async fn matching(
    core: &Core,
    keeper: &Keeper<'_>,
    identifier: &DataSet,
    most: usize,
) -> Result<Vec<Workitem>, WorkitemError> {
    let asked = Keys::read(identifier).map_err(|error| WorkitemError::Invalid(error.to_string()))?;
    let filter = item::filter(&keeper.keys, &asked);
    let (mut read, mut after, mut found) = (0, None, Vec::new());
    loop {
        let page = workitems::search(core.catalogue.database(), &filter, after, PAGE_ROWS).await;
        let page = page.map_err(not_read)?;
        let last = page.len() < PAGE_ROWS as usize;
        read += page.len();
        after = page.last().map(WorkitemRow::cursor);
        for row in page {
            let item = Workitem::open(&keeper.keys, row).map_err(WorkitemError::Unavailable)?;
            if asked.matches(&item.data_set()) {
                found.push(item);
            }
            if found.len() >= most {
                return Ok(found);
            }
        }
        if last {
            return Ok(found);
        }
        if read >= ROWS_READ_MAX {
            return Err(WorkitemError::TooBroad);
        }
    }
}

/// Keys as the identifier of a query.
pub(super) fn identifier(keys: &[WorkitemKey]) -> Result<DataSet, WorkitemError> {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    for WorkitemKey { path, value } in keys {
        put(&mut set, path, value)?;
    }
    Ok(set)
}

// === helpers ===

fn put(set: &mut DataSet, path: &[Tag], value: &str) -> Result<(), WorkitemError> {
    let cannot = |tag: &Tag| WorkitemError::Invalid(format!("{} cannot be matched", tag.to_hex()));
    match path {
        [] => Ok(()),
        // The lock answers no question.
        [tag] if *tag == tags::TRANSACTION_UID => Err(cannot(tag)),
        [tag] => {
            match dictionary::vr_of(*tag) {
                Some(Vr::SQ) if value.is_empty() => set.put_items(*tag, Vec::new()),
                Some(vr) if vr.is_text() => set.put_text(*tag, vr, value),
                _ if value.is_empty() => {}
                _ => return Err(cannot(tag)),
            }
            Ok(())
        }
        [sequence, rest @ ..] if dictionary::vr_of(*sequence) == Some(Vr::SQ) => {
            let mut item = set.items(*sequence).first().cloned().unwrap_or_default();
            put(&mut item, rest, value)?;
            set.put_items(*sequence, vec![item]);
            Ok(())
        }
        [tag, ..] => Err(cannot(tag)),
    }
}

/// The attributes of an answer; all when nothing is said here.
fn shown(search: &WorkitemSearch) -> Option<BTreeSet<String>> {
    let further = match &search.include {
        Include::All => return None,
        Include::Default => &[][..],
        Include::Tags(tags) => tags,
    };
    let asked = search.keys.iter().filter_map(|key| key.path.first());
    Some(SEARCH_DEFAULT.iter().chain(further).chain(asked).map(|tag| tag.to_hex()).collect())
}

/// Never shows a value: it may name a patient.
impl std::fmt::Debug for WorkitemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkitemKey({:?}, …)", self.path)
    }
}

/// Never shows an attribute: it names a patient.
impl std::fmt::Debug for WorkitemsFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkitemsFound({} rows, more: {})", self.rows.len(), self.more)
    }
}

//! C-FIND on the catalogue: the words of the service class to those of the archive, page by page.

use super::ArchiveDoor;
use crate::query::{Level, Query};
use crate::scp::{Failure, FailureKind, Matches};
use futures_util::stream;
use std::vec;
use yingdun_access::Session;
use yingdun_archive::{self as archive, AttributePath, FindError, FindRequest, FoundRow, Include, Search};
use yingdun_dicom::from_json;

impl ArchiveDoor {
    /// Begins a search. Each page is read when the one before has been taken, so that memory does not grow with the
    /// number of matches and a cancelled query costs nothing more.
    pub(super) async fn search(&self, session: &Session, query: Query) -> Result<Matches, Failure> {
        let level = level(query.level);
        let known = query.wanted.iter().copied();
        let known = known.filter(|tag| archive::is_searchable(level, AttributePath::from(*tag))).collect();
        let path = |sequence, tag| match sequence {
            Some(sequence) => AttributePath::within(sequence, tag),
            None => AttributePath::from(tag),
        };
        let request = FindRequest {
            level,
            study: None,
            series: None,
            keys: query.keys.into_iter().map(|(sequence, tag, text)| (path(sequence, tag), text)).collect(),
            matching: query.matching,
            include: Include::Tags(query.wanted),
            offset: 0,
            limit: u32::MAX,
        };
        let search = self.archive.search(session, request).await.map_err(failure)?;
        let all_matched = search.unmatched().is_empty();
        let rows = stream::try_unfold((search, Vec::new().into_iter()), next);
        Ok(Matches { known, all_matched, rows: Box::pin(rows) })
    }
}

/// The next match and what follows it.
async fn next(
    (mut search, mut page): (Search, vec::IntoIter<FoundRow>),
) -> Result<Option<(yingdun_dicom::data_set::DataSet, (Search, vec::IntoIter<FoundRow>))>, Failure> {
    if page.as_slice().is_empty() {
        page = search.next_page().await.map_err(failure)?.into_iter();
    }
    Ok(page.next().map(|row| (from_json::data_set(&row), (search, page))))
}

// === tables ===

pub(super) const fn level(level: Level) -> archive::Level {
    match level {
        Level::Patient => archive::Level::Patient,
        Level::Study => archive::Level::Study,
        Level::Series => archive::Level::Series,
        Level::Image => archive::Level::Instance,
    }
}

/// The comment is cut at 64 characters on the wire, so what matters stands first.
pub(super) fn failure(error: FindError) -> Failure {
    match error {
        FindError::Refused { reason } => {
            Failure::new(FailureKind::NotAuthorised, format!("refused: {reason}"))
        }
        FindError::BadKey(reason) => Failure::new(FailureKind::CannotUnderstand, reason),
        FindError::TooBroad => {
            Failure::new(FailureKind::OutOfResources, "too broad: add a patient ID, a date, a name")
        }
        // The cause is for the operator's log: it may name paths and hosts.
        FindError::Unavailable(part) => {
            tracing::error!(cause = %part, "a query could not be answered");
            Failure::new(FailureKind::OutOfResources, format!("{} does not answer, try again", part.part()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_a_search_has_the_status_of_the_standard() {
        let status = |error| failure(error).status().0;
        assert_eq!(status(FindError::Refused { reason: "no".into() }), 0x0124);
        assert_eq!(status(FindError::BadKey("x".into())), 0xC000);
        assert_eq!(status(FindError::TooBroad), 0xA700);
    }
}

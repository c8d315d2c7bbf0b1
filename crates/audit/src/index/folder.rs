//! The folder of the index: which segments there are, which of them are merged, and what is missing. No list is kept: a file says in its name and
//! its footer which leaves it is about, so no crash leaves a list and files that disagree.

use super::IndexKey;
use super::lookup::Walk;
use super::segment::{Segment, Span, Writer};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::read::Reader;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many neighbours of one size become one segment: each entry is written again once for each level, four times for a hundred million leaves, and a
/// search asks 28 segments at most.
pub(super) const MERGED_AT_ONCE: u32 = 8;

/// The segments, by the number of their first chunk. No two of them have a chunk in common.
pub(super) type Segments = BTreeMap<u32, Arc<Segment>>;

/// The file of a segment.
pub(super) fn path_of(dir: &Path, first: u32, chunks: u32) -> PathBuf {
    dir.join(format!("{first:08x}-{chunks:08x}.segment"))
}

/// Reads the folder, which is made where it is missing. What is not a segment of this log as it is now is removed: it can be made again.
pub(super) fn load(
    dir: &Path,
    key: &IndexKey,
    chunk_leaves: u32,
    log: &Reader,
) -> Result<Segments, AuditError> {
    let fail = |error| AuditError::io("cannot read", dir, error);
    DirBuilder::new().mode(0o700).recursive(true).create(dir).map_err(fail)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        match Segment::open(&path, key) {
            Ok(segment) if fits(&segment, chunk_leaves, log) => found.push(segment),
            Ok(_) => remove(&path, "it is not of this log as it is now"),
            Err(error) => remove(&path, &error.to_string()),
        }
    }
    found.sort_by_key(|segment| std::cmp::Reverse(segment.span().chunks));
    let mut segments = Segments::new();
    for segment in found {
        let span = *segment.span();
        let before = segments.range(..span.end()).next_back();
        let overlaps = before.is_some_and(|(_, before)| before.span().end() > span.first);
        if overlaps {
            remove(segment.path(), "its entries are in a larger one");
        } else {
            segments.insert(span.first, Arc::new(segment));
        }
    }
    Ok(segments)
}

/// The first chunk before `end` that no segment has.
pub(super) fn first_missing(spans: impl Iterator<Item = (u32, u32)>, end: u32) -> Option<u32> {
    let mut next = 0;
    for (first, chunks) in spans {
        if first > next {
            break;
        }
        next = first.saturating_add(chunks);
    }
    (next < end).then_some(next)
}

/// Which segments are merged next: the smallest eight neighbours of one size that begin at a multiple of their size together. So what is
/// merged depends on nothing but what is there.
pub(super) fn merge_next(spans: &BTreeMap<u32, u32>) -> Option<(u32, u32)> {
    let mut sizes = spans.values().copied().collect::<Vec<_>>();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.into_iter().find_map(|size| {
        let together = size.checked_mul(MERGED_AT_ONCE)?;
        let all = |first: u32| {
            (0..MERGED_AT_ONCE)
                .all(|number| spans.get(&first.saturating_add(number.saturating_mul(size))) == Some(&size))
        };
        spans.keys().copied().find(|first| first % together == 0 && all(*first)).map(|first| (first, size))
    })
}

/// Makes one segment of neighbours.
pub(super) fn merge(
    parts: &[Arc<Segment>],
    dir: &Path,
    key: &IndexKey,
    disk: &dyn Disk,
) -> Result<Segment, AuditError> {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return Err(AuditError::Index { path: dir.to_owned(), why: "nothing to merge".to_owned() });
    };
    let chunks = parts.iter().map(|part| part.span().chunks).sum();
    let span = Span { first: first.span().first, chunks, ..*last.span() };
    let path = path_of(dir, span.first, chunks);
    let mut walks = parts.iter().map(|part| Walk::new(part)).collect::<Result<Vec<_>, _>>()?;
    let mut writer = Writer::begin(&path, key, span)?;
    loop {
        let next = walks.iter_mut().filter(|walk| walk.peek().is_some());
        let Some(next) = next.min_by_key(|walk| walk.peek().map(|(key, ..)| key)) else { break };
        if let Some((key, form, postings)) = next.peek() {
            writer.push(key, form, postings)?;
        }
        next.advance()?;
    }
    writer.finish(disk)?;
    Segment::open(&path, key)
}

/// Removes a file of the folder. One that stays is looked at again at the next start.
pub(super) fn remove(path: &Path, why: &str) {
    tracing::info!(path = %path.display(), why, "removing a file of the audit index");
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "cannot remove a file of the audit index");
    }
}

// === helpers ===

/// Whether a segment is about leaves that this log has.
fn fits(segment: &Segment, chunk_leaves: u32, log: &Reader) -> bool {
    let span = segment.span();
    let Some(last) = span.leaves().end.checked_sub(1) else { return false };
    span.chunk_leaves == chunk_leaves
        && span.chunks > 0
        && span.leaves().end <= log.checkpoint().size()
        && log.leaf(last).is_ok_and(|leaf| leaf.leaf_hash == span.last_leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_gap_is_found() {
        assert_eq!(first_missing([].into_iter(), 0), None);
        assert_eq!(first_missing([].into_iter(), 1), Some(0));
        assert_eq!(first_missing([(0, 8), (8, 1)].into_iter(), 9), None);
        assert_eq!(first_missing([(0, 8), (9, 1)].into_iter(), 10), Some(8));
        assert_eq!(first_missing([(1, 1)].into_iter(), 2), Some(0));
    }

    proptest! {
        #[test]
        fn merging_ends_with_few_segments_that_have_every_chunk_once(chunks in 0_u32..3000) {
            let mut spans = BTreeMap::new();
            for chunk in 0..chunks {
                spans.insert(chunk, 1);
                while let Some((first, size)) = merge_next(&spans) {
                    for number in 0..MERGED_AT_ONCE {
                        prop_assert_eq!(spans.remove(&(first + number * size)), Some(size));
                    }
                    spans.insert(first, size * MERGED_AT_ONCE);
                }
            }
            prop_assert_eq!(first_missing(spans.iter().map(|(first, size)| (*first, *size)), chunks), None);
            prop_assert_eq!(spans.values().sum::<u32>(), chunks);
            prop_assert!(spans.len() <= 7 * 5);
        }
    }
}

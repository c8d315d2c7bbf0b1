//! A search: from the newest leaf down, chunk by chunk where the index knows them and leaf by leaf where it does not.

use super::lookup::Lookup;
use super::postings::{Bits, Form, times};
use super::segment::Segment;
use super::tail::TailView;
use super::term::{TIMES, Term};
use crate::error::AuditError;
use crate::read::{LoggedLeaf, Reader, UnreadLeaf};
use crate::search::{Filter, contains_all};
use crate::tile::TILE_WIDTH;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use yingdun_crypto::digest::sha256;

/// Bundles that one search reads leaf by leaf, because no index knows them or because a time falls within them: a million leaves, about a
/// second. What is left comes with the next page.
const BUNDLES_READ_MAX: u32 = 4096;
/// Chunks that one search counts in: a quarter of a thousand million leaves. Beyond, it is "more than".
const CHUNKS_COUNTED_MAX: u32 = 4096;
/// Chunks that one search looks at for a page.
const CHUNKS_SOUGHT_MAX: u32 = 1 << 16;

/// The beginning of the digest of the name of a log, which tells a handful of logs apart.
const LOG_DIGEST_BYTES: usize = 8;

/// Where the next page begins, and in which log. Leaves that came later do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    before: u64,
    log: [u8; LOG_DIGEST_BYTES],
}

impl Cursor {
    /// The place before a leaf of the log of this name.
    #[must_use]
    pub fn new(log: &str, before: u64) -> Self {
        let mut digest = [0; LOG_DIGEST_BYTES];
        digest.iter_mut().zip(sha256(log.as_bytes())).for_each(|(byte, of)| *byte = of);
        Self { before, log: digest }
    }

    /// The number of the leaf before which the page begins, if it is one of the log of this name. Every log has numbers of its own.
    ///
    /// # Errors
    /// [`AuditError::OtherLog`].
    pub fn before_in(self, log: &str) -> Result<u64, AuditError> {
        match Self::new(log, self.before) == self {
            true => Ok(self.before),
            false => Err(AuditError::OtherLog { log: log.to_owned() }),
        }
    }
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is what an answer gave as the next one")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before-{}-in-{}", self.before, hex::encode(self.log))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parts = text.strip_prefix("before-").and_then(|rest| rest.split_once("-in-"));
        let (number, digest) = parts.ok_or(CursorError)?;
        let mut log = [0; LOG_DIGEST_BYTES];
        hex::decode_to_slice(digest, &mut log).map_err(|_| CursorError)?;
        Ok(Self { before: number.parse().map_err(|_| CursorError)?, log })
    }
}

/// How many leaves a filter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// So many were found, and not all leaves were looked at.
    AtLeast(u64),
}

/// What a search finds at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The leaves, the newest first, each as it is in the log.
    pub leaves: Vec<LoggedLeaf>,
    /// How many there are in all; only with the first page.
    pub count: Option<Count>,
    /// Where to go on; none at the end. There may be no leaf more. A page that is not full, and has a next one, ended at a bound.
    pub next: Option<Cursor>,
    /// How many leaves the log had.
    pub size: u64,
}

/// Where a search finds what the index knows.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) tails: Vec<TailView>,
    pub(super) chunk_leaves: u32,
}

/// Who is to blame.
#[derive(Debug)]
pub(super) enum FindError {
    Log(AuditError),
    Segment(Arc<Segment>, AuditError),
}

impl From<AuditError> for FindError {
    fn from(error: AuditError) -> Self {
        Self::Log(error)
    }
}

/// One search on its way.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    reader: &'a Reader,
    filter: &'a Filter,
    demands: &'a [Vec<Term>],
    needles: Vec<String>,
    limit: usize,
    counting: bool,
    /// Leaves before here are not wanted.
    start: u64,
    /// Leaves from here on are not wanted.
    end: u64,
    found: Vec<LoggedLeaf>,
    count: u64,
    bundles_read: u32,
    chunks: u32,
    /// Where it ended at a bound: everything from there on was looked at.
    stopped: Option<u64>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Next,
    Stop,
}

/// A stretch of the log, and who knows it.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Read(Range<u64>),
    Memory(&'a TailView),
    Segment(&'a Arc<Segment>),
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        reader: &'a Reader,
        filter: &'a Filter,
        demands: &'a [Vec<Term>],
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Self, AuditError> {
        let log = reader.checkpoint().origin();
        let before = cursor.map(|cursor| cursor.before_in(log)).transpose()?;
        let end = before.unwrap_or(u64::MAX).min(reader.size());
        Ok(Self {
            reader,
            filter,
            demands,
            needles: filter.needles(),
            limit,
            counting: cursor.is_none(),
            start: 0,
            end,
            found: Vec::new(),
            count: 0,
            bundles_read: 0,
            chunks: 0,
            stopped: None,
        })
    }

    /// The same for leaves of a range only.
    pub(super) fn within_range(mut self, range: Range<u64>) -> Self {
        (self.start, self.end) = (range.start, self.end.min(range.end));
        self
    }

    pub(super) fn run(mut self, sources: &Sources) -> Result<Page, FindError> {
        for part in parts(sources, self.end) {
            let turn = match part {
                Part::Read(range) => self.read(range)?,
                Part::Memory(view) => self.memory(view, sources.chunk_leaves)?,
                Part::Segment(segment) => {
                    let turn = self.segment(segment);
                    turn.map_err(|error| match error {
                        FindError::Log(error) if is_of(&error, segment) => {
                            FindError::Segment(Arc::clone(segment), error)
                        }
                        other => other,
                    })?
                }
            };
            if turn == Turn::Stop {
                break;
            }
        }
        Ok(self.page())
    }

    fn page(mut self) -> Page {
        let more = self.found.len() > self.limit;
        self.found.truncate(self.limit);
        let next = match self.found.last() {
            Some(last) if more => Some(last.index),
            _ if more => Some(self.end),
            _ => self.stopped,
        };
        let next = next.map(|before| Cursor::new(self.reader.checkpoint().origin(), before));
        let count = match self.stopped {
            Some(_) => Count::AtLeast(self.count),
            None => Count::Exactly(self.count),
        };
        let count = Some(count).filter(|_| self.counting);
        Page { leaves: self.found, count, next, size: self.reader.size() }
    }

    /// One more than asked for tells whether there is a next page.
    const fn is_full(&self) -> bool {
        self.found.len() > self.limit
    }

    /// Leaves that no index knows.
    fn read(&mut self, range: Range<u64>) -> Result<Turn, FindError> {
        let (mut end, range) = (range.end.min(self.end), range.start.max(self.start)..range.end);
        while end > range.start {
            let number = (end - 1) / TILE_WIDTH as u64;
            if self.bundles_read >= BUNDLES_READ_MAX {
                self.stopped = Some(end);
                return Ok(Turn::Stop);
            }
            self.bundles_read += 1;
            let start = range.start.max(number * TILE_WIDTH as u64);
            for leaf in self.reader.bundle(number)?.into_iter().rev() {
                if (start..end).contains(&leaf.index) && contains_all(&leaf.bytes, &self.needles) {
                    let logged = leaf.decode()?;
                    if self.filter.wants(&logged.leaf) && self.take(logged) == Turn::Stop {
                        return Ok(Turn::Stop);
                    }
                }
            }
            end = start;
        }
        Ok(Turn::Next)
    }

    fn memory(&mut self, view: &TailView, chunk_leaves: u32) -> Result<Turn, FindError> {
        let mut bits = Bits::none(chunk_leaves);
        bits.fill(true);
        for group in &view.groups {
            let mut any = Bits::none(chunk_leaves);
            group.iter().for_each(|(form, postings)| {
                any.add(*form, postings);
            });
            bits.and(&any);
        }
        bits.keep_first(u64::from(view.count));
        self.chunk(u64::from(view.chunk) * u64::from(chunk_leaves), bits, Some(&view.times))
    }

    fn segment(&mut self, segment: &Segment) -> Result<Turn, FindError> {
        let span = *segment.span();
        let lookups = |terms: &Vec<Term>| terms.iter().map(|term| Lookup::new(segment, *term)).collect();
        let mut groups: Vec<Vec<Lookup<'_>>> = self.demands.iter().map(lookups).collect();
        let mut of_times = Lookup::new(segment, TIMES);
        let timed = self.filter.from.is_some() || self.filter.until.is_some();
        let leaves = u64::from(span.chunk_leaves);
        let wanted = u32::try_from(self.end.div_ceil(leaves)).unwrap_or(u32::MAX).min(span.end());
        let (mut bits, mut any) = (Bits::none(span.chunk_leaves), Bits::none(span.chunk_leaves));
        let mut behind = wanted;
        let first = span.first.max(u32::try_from(self.start / leaves).unwrap_or(u32::MAX));
        while let Some(chunk) = behind.checked_sub(1).filter(|chunk| *chunk >= first) {
            let Some(chunk) = meet(&mut groups, chunk)?.filter(|chunk| *chunk >= first) else {
                return Ok(Turn::Next);
            };
            behind = chunk;
            let chunk_times = match timed {
                true => {
                    let found = of_times.at_or_before(chunk)?;
                    let found = found.filter(|(at, form, _)| *at == chunk && *form == Form::Times);
                    let found = found.map(|(_, _, bytes)| times(bytes));
                    Some(found.ok_or_else(|| segment.damaged("the times of a chunk are missing"))?)
                }
                false => None,
            };
            if chunk_times.as_ref().is_some_and(|times| times.iter().all(|times| !self.overlaps(*times))) {
                continue;
            }
            bits.fill(true);
            for group in &mut groups {
                any.fill(false);
                for lookup in group {
                    if let Some((at, form, postings)) = lookup.at_or_before(chunk)?
                        && at == chunk
                        && !any.add(form, postings)
                    {
                        return Err(segment.damaged("the leaves of a chunk have another form").into());
                    }
                }
                bits.and(&any);
            }
            let base = u64::from(chunk) * leaves;
            if self.chunk(base, bits.clone(), chunk_times.as_deref())? == Turn::Stop {
                return Ok(Turn::Stop);
            }
        }
        Ok(Turn::Next)
    }

    /// Takes what is set of a chunk that begins at `base`.
    fn chunk(&mut self, base: u64, mut bits: Bits, times: Option<&[(i64, i64)]>) -> Result<Turn, FindError> {
        bits.keep_first(self.end.saturating_sub(base));
        bits.drop_first(self.start.saturating_sub(base));
        let sought = if self.is_full() { CHUNKS_COUNTED_MAX } else { CHUNKS_SOUGHT_MAX };
        let enough = self.chunks >= sought;
        if enough || (!self.narrow(base, &mut bits, times.unwrap_or_default())?) {
            let whole = base + bits.len();
            self.stopped = Some(whole.min(self.end));
            return Ok(Turn::Stop);
        }
        self.chunks += 1;
        self.count += bits.count();
        let mut places = bits.descending().map(|place| base + u64::from(place)).peekable();
        while !self.is_full() {
            let Some(first) = places.peek().copied() else { break };
            let number = first / TILE_WIDTH as u64;
            let mut wanted = Vec::new();
            let left = self.limit + 1 - self.found.len();
            while let Some(index) =
                places.next_if(|index| wanted.len() < left && index / TILE_WIDTH as u64 == number)
            {
                wanted.push(index);
            }
            let mut leaves = self.reader.some_of_bundle(number, |index| wanted.contains(&index))?;
            leaves.reverse();
            if leaves.len() != wanted.len() {
                return Err(wrong(base).into());
            }
            for leaf in leaves.into_iter().map(UnreadLeaf::decode) {
                let logged = leaf?;
                if !self.filter.wants(&logged.leaf) {
                    return Err(wrong(base).into());
                }
                self.found.push(logged);
            }
        }
        Ok(if self.is_full() && !self.counting { Turn::Stop } else { Turn::Next })
    }

    /// Clears what is not within the time that is asked for; false where that would need more reading than is allowed.
    fn narrow(&mut self, base: u64, bits: &mut Bits, times: &[(i64, i64)]) -> Result<bool, FindError> {
        if self.filter.from.is_none() && self.filter.until.is_none() {
            return Ok(true);
        }
        let mut to_read = Vec::new();
        for (bundle, words) in bits.bundles() {
            match times.get(bundle) {
                Some(times) if self.within(*times) => {}
                Some(times) if !self.overlaps(*times) => words.fill(0),
                Some(_) | None => to_read.push(bundle),
            }
        }
        for bundle in to_read {
            if self.bundles_read >= BUNDLES_READ_MAX {
                return Ok(false);
            }
            self.bundles_read += 1;
            let first = bundle * TILE_WIDTH;
            for leaf in self.reader.bundle(base / TILE_WIDTH as u64 + bundle as u64)? {
                let logged = leaf.decode()?;
                let time = logged.leaf.time_ms.as_ms();
                let place = first + usize::try_from(logged.index % TILE_WIDTH as u64).unwrap_or(0);
                if !self.within((time, time)) {
                    bits.clear(u16::try_from(place).unwrap_or(u16::MAX));
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, logged: LoggedLeaf) -> Turn {
        self.count += 1;
        if !self.is_full() {
            self.found.push(logged);
        }
        if self.is_full() && !self.counting { Turn::Stop } else { Turn::Next }
    }

    /// Whether all times from the first to the last are asked for.
    fn within(&self, (first, last): (i64, i64)) -> bool {
        self.filter.from.is_none_or(|from| from.as_ms() <= first)
            && self.filter.until.is_none_or(|until| last < until.as_ms())
    }

    fn overlaps(&self, (first, last): (i64, i64)) -> bool {
        self.filter.from.is_none_or(|from| from.as_ms() <= last)
            && self.filter.until.is_none_or(|until| first < until.as_ms())
    }
}

// === helpers ===

/// The last chunk at or before one in which each group has a term.
fn meet(groups: &mut [Vec<Lookup<'_>>], chunk: u32) -> Result<Option<u32>, AuditError> {
    let mut chunk = chunk;
    loop {
        let mut lowest = chunk;
        for group in groups.iter_mut() {
            let mut found = None;
            for lookup in group {
                found = found.max(lookup.at_or_before(lowest)?.map(|(at, ..)| at));
            }
            let Some(found) = found else { return Ok(None) };
            lowest = found;
        }
        if lowest == chunk {
            return Ok(Some(chunk));
        }
        chunk = lowest;
    }
}

/// The log below `end`, from the newest leaves, in stretches.
pub(super) fn parts(sources: &Sources, end: u64) -> Vec<Part<'_>> {
    let leaves = u64::from(sources.chunk_leaves);
    let tails = sources.tails.iter().map(|view| {
        let first = u64::from(view.chunk) * leaves;
        (first..first + u64::from(view.count), Part::Memory(view))
    });
    let segments = sources.segments.iter().map(|segment| (segment.span().leaves(), Part::Segment(segment)));
    let mut known = tails.chain(segments).collect::<Vec<_>>();
    known.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut parts = Vec::new();
    let mut at = end;
    for (range, part) in known {
        if range.end < at {
            parts.push(Part::Read(range.end..at));
        }
        if range.start < at && !range.is_empty() {
            parts.push(part);
        }
        at = at.min(range.start);
    }
    if at > 0 {
        parts.push(Part::Read(0..at));
    }
    parts
}

/// Whether the segment is to blame: what it said of a leaf was not so, or it cannot be read.
fn is_of(error: &AuditError, segment: &Segment) -> bool {
    match error {
        AuditError::Index { .. } => true,
        AuditError::Io { path, .. } => path == segment.path(),
        _ => false,
    }
}

fn wrong(base: u64) -> AuditError {
    let why = format!("a leaf of the chunk at {base} is not what the index says");
    AuditError::Index { path: std::path::PathBuf::new(), why }
}

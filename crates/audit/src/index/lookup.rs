//! Looks terms up in a segment, chunk by chunk from the newest, and walks through all of it for a merge. Memory is a block for each level.

use super::postings::Form;
use super::segment::{Children, Entries, Key, Place, Segment};
use super::term::Term;
use crate::error::AuditError;

/// One term in one segment. Chunks are asked for downwards.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    segment: &'a Segment,
    term: Term,
    /// The blocks on the way to the entries that were read last, the root first.
    path: Vec<Children>,
    entries: Option<Entries>,
}

/// A chunk with a term, and which of its leaves have it.
pub(super) type Found<'a> = (u32, Form, &'a [u8]);

impl<'a> Lookup<'a> {
    pub(super) const fn new(segment: &'a Segment, term: Term) -> Self {
        Self { segment, term, path: Vec::new(), entries: None }
    }

    /// The last chunk at or before one in which a leaf has the term.
    pub(super) fn at_or_before(&mut self, chunk: u32) -> Result<Option<Found<'_>>, AuditError> {
        let key = (self.term, chunk);
        if self.entries.as_ref().and_then(Entries::first).is_none_or(|first| first > key) {
            self.entries = self.descend(key)?;
        }
        let found = self.entries.as_ref().and_then(|entries| entries.at_or_before(key));
        Ok(found
            .filter(|((term, _), ..)| *term == self.term)
            .map(|((_, chunk), form, postings)| (chunk, form, postings)))
    }

    fn descend(&mut self, key: Key) -> Result<Option<Entries>, AuditError> {
        let mut place = self.segment.root();
        let mut depth = 0;
        while place.level() > 0 {
            if self.path.get(depth).is_none_or(|children| children.place != place) {
                self.path.truncate(depth);
                self.path.push(self.segment.children(place)?);
            }
            let child = self.path.get(depth).and_then(|children| children.at_or_before(key));
            let Some(child) = child else { return Ok(None) };
            place = child;
            depth += 1;
        }
        self.segment.entries(place).map(Some)
    }
}

/// All entries of a segment, in their order.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    segment: &'a Segment,
    /// Blocks above, and the number of the child that comes next.
    path: Vec<(Children, usize)>,
    entries: Option<Entries>,
    number: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(segment: &'a Segment) -> Result<Self, AuditError> {
        let mut walk = Self { segment, path: Vec::new(), entries: None, number: 0 };
        walk.enter(segment.root())?;
        Ok(walk)
    }

    /// The entry that comes next; none at the end.
    pub(super) fn peek(&self) -> Option<(Key, Form, &[u8])> {
        self.entries.as_ref()?.get(self.number)
    }

    /// Goes on to the next entry.
    pub(super) fn advance(&mut self) -> Result<(), AuditError> {
        self.number += 1;
        if self.peek().is_some() {
            return Ok(());
        }
        self.entries = None;
        while let Some((children, next)) = self.path.last_mut() {
            if let Some(place) = children.nth(*next) {
                *next += 1;
                return self.enter(place);
            }
            self.path.pop();
        }
        Ok(())
    }

    fn enter(&mut self, mut place: Place) -> Result<(), AuditError> {
        while place.level() > 0 {
            let children = self.segment.children(place)?;
            place = children.nth(0).ok_or_else(|| self.segment.damaged("a block of its tree is empty"))?;
            self.path.push((children, 1));
        }
        self.entries = Some(self.segment.entries(place)?);
        self.number = 0;
        Ok(())
    }
}

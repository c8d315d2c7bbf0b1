//! The state machine of the scanner: which sequence and item are open, and what the next bytes are. What is
//! kept of values is in `values.rs`, encapsulated data in `fragments.rs`.

mod fragments;
mod values;

use super::header::{Coding, HEADER_BYTES_MAX, Header, Look, UNDEFINED, look, sniff};
use super::{PixelLayout, ScanError, ScanNote, Scanned};
use crate::data_set::{DataSet, Element, Value};
use crate::limits::Limits;
use crate::tag::{Tag, tags};
use crate::transfer_syntax::Encoding;
use crate::vr::Vr;
use fragments::OpenFragments;

/// Most notes kept: enough to see a pattern, too few to fill memory.
const NOTES_MAX: usize = 32;

pub(super) struct Machine {
    limits: Limits,
    /// Offset of the first byte that no element has consumed.
    position: u64,
    /// Length of the data set, if it is known.
    total: Option<u64>,
    coding: Coding,
    declared: Coding,
    /// Bytes of an incomplete header.
    pending: Vec<u8>,
    state: State,
    root: DataSet,
    open: Vec<Open>,
    fragments: Option<OpenFragments>,
    pixels: Option<PixelLayout>,
    elements: usize,
    kept_bytes: usize,
    notes: Vec<ScanNote>,
}

/// What the next bytes are.
enum State {
    Header,
    /// A value that is kept.
    Keep {
        element: Element,
        big_endian: bool,
        bytes: Vec<u8>,
        length: u64,
    },
    /// A value that is passed over; `tag` and `start` name it if the data set ends inside.
    Pass {
        tag: Tag,
        header_at: u64,
        length: u64,
        remain: u64,
    },
    /// The Basic Offset Table.
    OffsetTable {
        bytes: Vec<u8>,
        length: usize,
    },
    /// Zeros after the last element.
    Padding {
        count: u64,
    },
}

/// An open sequence or item.
enum Open {
    Sequence { tag: Tag, start: u64, end: Option<u64>, bounded: bool, items: Vec<DataSet>, coding: Coding },
    Item { end: Option<u64>, bounded: bool, elements: DataSet, coding: Coding, fresh: bool },
}

impl Machine {
    pub(super) fn new(encoding: Encoding, limits: Limits) -> Self {
        let coding = Coding::of(encoding);
        Self {
            limits,
            position: 0,
            total: None,
            coding,
            declared: coding,
            pending: Vec::with_capacity(HEADER_BYTES_MAX),
            state: State::Header,
            root: DataSet::new(),
            open: Vec::new(),
            fragments: None,
            pixels: None,
            elements: 0,
            kept_bytes: 0,
            notes: Vec::new(),
        }
    }

    pub(super) fn expect_length(&mut self, bytes: u64) {
        self.total = Some(bytes);
    }

    pub(super) fn data_set(&self) -> &DataSet {
        &self.root
    }

    pub(super) fn pixels(&self) -> Option<&PixelLayout> {
        self.pixels.as_ref()
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ScanError> {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Header => self.take_header(bytes)?,
                State::Keep { bytes: kept, length, .. } => {
                    let (now, later) = split(bytes, *length - kept.len() as u64);
                    kept.extend_from_slice(now);
                    self.position += now.len() as u64;
                    self.finish_kept();
                    later
                }
                State::Pass { remain, .. } => {
                    let (now, later) = split(bytes, *remain);
                    *remain -= now.len() as u64;
                    self.position += now.len() as u64;
                    if *remain == 0 {
                        self.state = State::Header;
                    }
                    later
                }
                State::OffsetTable { bytes: table, length } => {
                    let (now, later) = split(bytes, (*length - table.len()) as u64);
                    table.extend_from_slice(now);
                    self.position += now.len() as u64;
                    self.finish_offset_table();
                    later
                }
                State::Padding { count } => {
                    if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
                        let offset = self.position + at as u64;
                        return Err(ScanError::Unexpected {
                            expected: "zeros after the last element",
                            tag: Tag(0, 0),
                            offset,
                        });
                    }
                    *count += bytes.len() as u64;
                    self.position += bytes.len() as u64;
                    &[]
                }
            };
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Scanned, ScanError> {
        self.close_finished();
        let length = self.position;
        match &self.state {
            State::Header if self.pending_is_padding() => {
                let count = self.pending.len() as u64;
                self.note(ScanNote::TrailingZeros { count });
            }
            State::Header if !self.pending.is_empty() => {
                return Err(ScanError::EndsInHeader { offset: length, have: self.pending.len() });
            }
            State::Header => {}
            State::Padding { count } => {
                let count = *count;
                self.note(ScanNote::TrailingZeros { count });
            }
            State::Keep { element, bytes, length, .. } => {
                return Err(ScanError::Overrun {
                    tag: element.tag,
                    offset: element.offset,
                    claimed: *length,
                    remain: bytes.len() as u64,
                });
            }
            State::Pass { tag, header_at, length, remain } => {
                return Err(ScanError::Overrun {
                    tag: *tag,
                    offset: *header_at,
                    claimed: *length,
                    remain: length - remain,
                });
            }
            State::OffsetTable { bytes, length } => {
                return Err(ScanError::Overrun {
                    tag: tags::ITEM,
                    offset: self.position - bytes.len() as u64,
                    claimed: *length as u64,
                    remain: bytes.len() as u64,
                });
            }
        }
        if let Some(fragments) = &self.fragments {
            return Err(ScanError::Unclosed { tag: fragments.tag, offset: fragments.start, length });
        }
        let unclosed = self.open.iter().rev().find_map(|open| match open {
            Open::Sequence { tag, start, .. } => Some((*tag, *start)),
            Open::Item { .. } => None,
        });
        if let Some((tag, offset)) = unclosed {
            return Err(ScanError::Unclosed { tag, offset, length });
        }
        if self.root.elements().is_empty() {
            return Err(ScanError::Empty);
        }
        Ok(Scanned {
            data_set: self.root,
            pixels: self.pixels,
            length,
            encoding: self.coding.encoding(),
            notes: self.notes,
        })
    }

    /// Whether the bytes at the end are zeros and not the start of a tag: in big-endian order, one zero is
    /// how most tags begin.
    fn pending_is_padding(&self) -> bool {
        let fewest = if self.coding.big_endian { 2 } else { 1 };
        self.pending.len() >= fewest && self.pending.iter().all(|byte| *byte == 0)
    }

    // === headers ===

    /// Reads one header from what is pending and what came; returns what is left of the latter.
    fn take_header<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ScanError> {
        self.close_finished();
        if self.pending.is_empty() {
            return match self.look(bytes) {
                Look::Found(header) => {
                    self.enter(header)?;
                    Ok(bytes.get(header.bytes..).unwrap_or_default())
                }
                Look::Need(_) => {
                    self.pending.extend_from_slice(bytes);
                    Ok(&[])
                }
            };
        }
        let mut rest = bytes;
        while let Look::Need(needed) = self.look(&self.pending.clone()) {
            if rest.is_empty() {
                return Ok(rest);
            }
            let (now, later) = split(rest, (needed - self.pending.len()) as u64);
            self.pending.extend_from_slice(now);
            rest = later;
        }
        let held = std::mem::replace(&mut self.pending, Vec::with_capacity(HEADER_BYTES_MAX));
        if let Look::Found(header) = self.look(&held) {
            self.enter(header)?;
            // A look ahead may hold up to eight bytes beyond the header; they are ordinary input.
            self.feed(held.get(header.bytes..).unwrap_or_default())?;
        }
        Ok(rest)
    }

    fn look(&mut self, bytes: &[u8]) -> Look {
        if let Some(fragments) = &self.fragments {
            return look(bytes, Coding { explicit: false, big_endian: fragments.big_endian });
        }
        let Some(start) = bytes.first_chunk::<8>() else { return Look::Need(8) };
        match self.open.last_mut() {
            None => {
                let after_meta = self.root.elements().last().is_none_or(|e| e.tag.group() == 2);
                if after_meta {
                    let coding = sniff(start, self.declared);
                    if coding != self.coding {
                        self.coding = coding;
                        self.note(ScanNote::WrittenAs(coding.encoding()));
                    }
                }
                look(bytes, self.coding)
            }
            Some(Open::Sequence { coding, .. }) => look(bytes, *coding),
            Some(Open::Item { coding, fresh, .. }) => {
                if *fresh && !coding.big_endian {
                    let inner = sniff(start, *coding);
                    *coding = if inner.big_endian { *coding } else { inner };
                    *fresh = false;
                }
                look(bytes, *coding)
            }
        }
    }

    /// Acts on a header that was read at the present position.
    fn enter(&mut self, header: Header) -> Result<(), ScanError> {
        let offset = self.position;
        self.position += header.bytes as u64;
        self.elements += 1;
        if self.elements > self.limits.elements_max {
            return Err(ScanError::TooManyElements { max: self.limits.elements_max });
        }
        if self.fragments.is_some() {
            return self.enter_fragment(header, offset);
        }
        match self.open.last() {
            Some(Open::Sequence { .. }) => self.enter_item(header, offset),
            Some(Open::Item { .. }) | None => self.enter_element(header, offset),
        }
    }

    fn enter_item(&mut self, header: Header, offset: u64) -> Result<(), ScanError> {
        match header.tag {
            tags::ITEM => {
                let end = self.end_of(header, offset)?;
                let coding = match self.open.last() {
                    Some(Open::Sequence { coding, .. }) => *coding,
                    Some(Open::Item { .. }) | None => self.coding,
                };
                let bounded = header.length != UNDEFINED;
                self.open.push(Open::Item { end, bounded, elements: DataSet::new(), coding, fresh: true });
                Ok(())
            }
            tags::SEQUENCE_DELIMITATION => {
                self.close_top();
                Ok(())
            }
            tag => Err(ScanError::Unexpected { expected: "an item or the end of a sequence", tag, offset }),
        }
    }

    fn enter_element(&mut self, header: Header, offset: u64) -> Result<(), ScanError> {
        let tag = header.tag;
        if tag.group() == tags::ITEM.group() {
            return self.enter_delimiter(tag, offset);
        }
        if tag == Tag(0, 0) && header.length == 0 && self.open.is_empty() && offset > 0 {
            self.state = State::Padding { count: header.bytes as u64 };
            return Ok(());
        }
        if tag.group() == 2 && offset == 0 {
            self.note(ScanNote::FileMetaInside);
        }
        if let Some(letters) = header.unknown_vr {
            self.note(ScanNote::UnknownVr { tag, letters });
        }
        if header.implicit_element {
            self.note(ScanNote::ImplicitElement { tag });
        }
        let end = self.end_of(header, offset)?;
        if header.sequence {
            return self.open_sequence(header, end);
        }
        if header.length == UNDEFINED {
            return self.open_fragments(header, offset);
        }
        self.enter_value(header, offset);
        Ok(())
    }

    /// A delimiter among elements: the end of an item of undefined length, or one too many.
    fn enter_delimiter(&mut self, tag: Tag, offset: u64) -> Result<(), ScanError> {
        let open_item = match self.open.last() {
            Some(Open::Item { bounded, .. }) => Some(*bounded),
            Some(Open::Sequence { .. }) | None => None,
        };
        match (tag, open_item) {
            (tags::ITEM_DELIMITATION, Some(false)) => self.close_top(),
            // The item was not closed, but its sequence is.
            (tags::SEQUENCE_DELIMITATION, Some(false)) => {
                self.note(ScanNote::StrayDelimiter { offset });
                self.close_top();
                self.close_top();
            }
            (tags::ITEM_DELIMITATION | tags::SEQUENCE_DELIMITATION, _) => {
                self.note(ScanNote::StrayDelimiter { offset });
            }
            _ => return Err(ScanError::Unexpected { expected: "a data element", tag, offset }),
        }
        Ok(())
    }

    fn open_sequence(&mut self, header: Header, end: Option<u64>) -> Result<(), ScanError> {
        if self.open.len() / 2 >= self.limits.depth_max {
            return Err(ScanError::TooDeep { max: self.limits.depth_max, offset: self.position });
        }
        self.open.push(Open::Sequence {
            tag: header.tag,
            start: self.position,
            end,
            bounded: header.length != UNDEFINED,
            items: Vec::new(),
            coding: header.inside,
        });
        Ok(())
    }

    /// Where the value ends, checked against what holds it.
    fn end_of(&self, header: Header, offset: u64) -> Result<Option<u64>, ScanError> {
        let holder = match self.open.last() {
            Some(Open::Sequence { end, .. } | Open::Item { end, .. }) => *end,
            None => self.total,
        };
        let claimed = if header.length == UNDEFINED { 0 } else { u64::from(header.length) };
        let end = self.position + claimed;
        if let Some(limit) = holder.filter(|limit| end > *limit) {
            let remain = limit.saturating_sub(self.position);
            return Err(ScanError::Overrun { tag: header.tag, offset, claimed, remain });
        }
        Ok(if header.length == UNDEFINED { holder } else { Some(end) })
    }

    // === closing ===

    /// Closes every sequence and item whose length is used up.
    fn close_finished(&mut self) {
        if self.fragments.is_some() {
            return;
        }
        while let Some(Open::Sequence { end, bounded: true, .. } | Open::Item { end, bounded: true, .. }) =
            self.open.last()
            && *end == Some(self.position)
        {
            self.close_top();
        }
    }

    fn close_top(&mut self) {
        match self.open.pop() {
            Some(Open::Sequence { tag, start, items, .. }) => {
                self.add(Element { tag, vr: Vr::SQ, offset: start, value: Value::Items(items) });
            }
            Some(Open::Item { elements, .. }) => {
                if let Some(Open::Sequence { items, .. }) = self.open.last_mut() {
                    items.push(elements);
                }
            }
            None => {}
        }
    }

    fn note(&mut self, note: ScanNote) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        }
    }
}

// === helpers ===

/// The first `count` bytes, or as many as there are, and the rest.
fn split(bytes: &[u8], count: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(count).map_or(bytes.len(), |count| count.min(bytes.len()));
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

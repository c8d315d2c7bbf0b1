//! Values: which are kept, which are remembered by their place only, and how they are read.

use super::{Machine, Open, State};
use crate::data_set::{DataSet, Element, Value};
use crate::dictionary;
use crate::scan::header::Header;
use crate::scan::{PixelExtent, PixelLayout, ScanNote};
use crate::tag::{Tag, tags};
use crate::vr::Vr;

/// Longest top-level value that is kept even when the budget is spent, so that identifiers are never lost.
const ALWAYS_KEPT_BYTES: u64 = 128;

/// Values are first given this much memory, then as much as really arrives: a claim alone costs nothing.
const FIRST_CAPACITY_BYTES: u64 = 4 << 10;

impl Machine {
    /// Begins the value of an element of defined length that is no sequence.
    pub(super) fn enter_value(&mut self, header: Header, offset: u64) {
        let tag = header.tag;
        let length = u64::from(header.length);
        let vr = self.settle(tag, header.vr);
        let start = self.position;
        if self.open.is_empty() && dictionary::is_pixel_data(tag) && self.pixels.is_none() {
            self.pixels =
                Some(PixelLayout { tag, vr, offset: start, extent: PixelExtent::Native { length } });
            return self.pass(Element { tag, vr, offset: start, value: extent(length) }, offset, length);
        }
        let element = Element { tag, vr, offset: start, value: extent(length) };
        if !self.keeps(tag, length) {
            return self.pass(element, offset, length);
        }
        let capacity = usize::try_from(length.min(FIRST_CAPACITY_BYTES)).unwrap_or(0);
        let bytes = Vec::with_capacity(capacity);
        // The value of UN is little-endian in every encoding (PS3.5 §6.2.2 note 2).
        let big_endian = header.inside.big_endian && header.vr != Vr::UN;
        self.state = State::Keep { element, big_endian, bytes, length };
        self.finish_kept();
    }

    fn keeps(&mut self, tag: Tag, length: u64) -> bool {
        if length > self.limits.value_bytes_max as u64 {
            return false;
        }
        let spent = self.kept_bytes as u64 + length > self.limits.kept_bytes_max as u64;
        let kept = !spent || (self.open.is_empty() && length <= ALWAYS_KEPT_BYTES);
        if kept {
            self.kept_bytes += usize::try_from(length).unwrap_or(0);
        } else if !self.notes.iter().any(|note| matches!(note, ScanNote::KeptBytesExhausted { .. })) {
            self.note(ScanNote::KeptBytesExhausted { tag });
        }
        kept
    }

    /// Hands a value over once it is complete.
    pub(super) fn finish_kept(&mut self) {
        let complete =
            matches!(&self.state, State::Keep { bytes, length, .. } if bytes.len() as u64 == *length);
        if !complete {
            return;
        }
        if let State::Keep { mut element, big_endian, mut bytes, .. } =
            std::mem::replace(&mut self.state, State::Header)
        {
            if big_endian {
                swap_words(&mut bytes, element.vr.word_bytes());
            }
            element.value = Value::Bytes(bytes);
            self.add(element);
        }
    }

    /// Records an element by its place and passes over its value.
    fn pass(&mut self, element: Element, header_at: u64, length: u64) {
        let tag = element.tag;
        self.add(element);
        if length > 0 {
            self.state = State::Pass { tag, header_at, length, remain: length };
        }
    }

    pub(super) fn add(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(Open::Item { elements, .. }) => elements.push(element),
            Some(Open::Sequence { .. }) | None => self.root.push(element),
        }
    }

    /// UN by the dictionary, for attributes that passed through a system which did not know them; then US or
    /// SS by Pixel Representation, which stands before what depends on it (PS3.5 §6.2.2 and Annex A.1).
    fn settle(&self, tag: Tag, vr: Vr) -> Vr {
        let known = if vr == Vr::UN { dictionary::vr_of(tag) } else { None };
        let vr = known.filter(|known| *known != Vr::SQ).unwrap_or(vr);
        if vr != Vr::US || !dictionary::follows_pixel_representation(tag) {
            return vr;
        }
        let representation = |set: &DataSet| set.int(tags::PIXEL_REPRESENTATION);
        let nearest = self.open.iter().rev().find_map(|open| match open {
            Open::Item { elements, .. } => representation(elements),
            Open::Sequence { .. } => None,
        });
        if nearest.or_else(|| representation(&self.root)) == Some(1) { Vr::SS } else { vr }
    }
}

// === helpers ===

fn extent(length: u64) -> Value {
    Value::Extent { length, encapsulated: false }
}

/// Turns big-endian numbers into little-endian ones, in place.
fn swap_words(bytes: &mut [u8], word_bytes: usize) {
    if word_bytes > 1 {
        for word in bytes.chunks_exact_mut(word_bytes) {
            word.reverse();
        }
    }
}

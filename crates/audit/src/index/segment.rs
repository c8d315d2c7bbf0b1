//! A segment of the index: what leaves of a run of chunks are found by, in one file that never changes.
//!
//! A file is a tree of blocks, written from the left in one pass and with little memory. Each block ends with a code under the key of the log,
//! over the segment that it belongs to, its place, its level and what it says; so a block that was changed, moved, or taken from another
//! segment or log is not believed.
//!
//! ```text
//!  block of level 0   entries in the order of (term, chunk): flags, [term], chunk, [length], postings
//!  block of level n   for each block below: term and chunk of its first entry, offset, length
//!  footer             magic and version, leaves of a chunk, first chunk, chunks, hash of the last leaf, root block, code
//! ```

use super::IndexKey;
use super::postings::Form;
use super::term::{TERM_BYTES, Term};
use crate::disk::Disk;
use crate::error::AuditError;
use crate::journal::write::FILE_MODE;
use crate::tree::Hash;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::keyed_blake3;

/// A block is ended when it has so many bytes: what one look-up of a rare term reads.
const BLOCK_BYTES: usize = 4096;
/// The longest block: one entry of bits for the largest chunk, begun right before the end of a block.
pub(super) const BLOCK_BYTES_MAX: usize = 4 * BLOCK_BYTES;
/// More levels than this has no file that fits on a disk.
const LEVELS_MAX: u8 = 12;
const CODE_BYTES: usize = 16;
/// An index of another version is made anew from the log. Version 2 has tallies of days.
const MAGIC: [u8; 8] = *b"YDAIDX\0\x02";
const FOOTER_BYTES: usize = 8 + 4 + 8 + 8 + 32 + 8 + 4 + 1 + CODE_BYTES;
/// Term, chunk, offset, length.
const CHILD_BYTES: usize = TERM_BYTES + 4 + 8 + 4;
const FIRST_OF_TERM: u8 = 0x80;

/// By what entries are ordered: term, and the chunk's number in the log.
pub(super) type Key = (Term, u32);

/// Which leaves a segment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Leaves of a chunk.
    pub(super) chunk_leaves: u32,
    /// The number of the first chunk.
    pub(super) first: u32,
    /// How many chunks.
    pub(super) chunks: u32,
    /// The hash of the last leaf: a segment belongs to one past.
    pub(super) last_leaf: Hash,
}

impl Span {
    /// The number behind the last chunk.
    pub(super) const fn end(&self) -> u32 {
        self.first.saturating_add(self.chunks)
    }

    /// The leaves.
    pub(super) fn leaves(&self) -> Range<u64> {
        let leaves = u64::from(self.chunk_leaves);
        u64::from(self.first) * leaves..u64::from(self.end()) * leaves
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.chunk_leaves.to_le_bytes());
        bytes.extend(u64::from(self.first).to_le_bytes());
        bytes.extend(u64::from(self.chunks).to_le_bytes());
        bytes.extend(self.last_leaf);
        bytes
    }
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    length: u32,
    level: u8,
}

/// A segment that can be read.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    span: Span,
    seal: Seal,
    root: Place,
    bytes: u64,
}

impl Place {
    pub(super) const fn level(self) -> u8 {
        self.level
    }
}

impl Segment {
    /// Opens a segment: the footer has to be right. Blocks are looked at when they are read.
    pub(super) fn open(path: &Path, key: &IndexKey) -> Result<Self, AuditError> {
        let fail = |error| AuditError::io("cannot read", path, error);
        let damaged = |why: &str| AuditError::Index { path: path.to_owned(), why: why.to_owned() };
        let file = File::open(path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        let at = bytes.checked_sub(FOOTER_BYTES as u64).ok_or_else(|| damaged("it is too short"))?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, at).map_err(fail)?;
        let mut rest = Fields(&footer);
        let magic = rest.take::<8>();
        let chunk_leaves = u32::from_le_bytes(rest.take());
        let (first, chunks) = (u64::from_le_bytes(rest.take()), u64::from_le_bytes(rest.take()));
        let (Ok(first), Ok(chunks)) = (u32::try_from(first), u32::try_from(chunks)) else {
            return Err(damaged("its range is out of bounds"));
        };
        let span = Span { chunk_leaves, first, chunks, last_leaf: rest.take() };
        let offset = u64::from_le_bytes(rest.take());
        let length = u32::from_le_bytes(rest.take());
        let [level] = rest.take::<1>();
        let root = Place { offset, length, level };
        let seal = Seal::new(key, &span);
        if magic != MAGIC || seal.code(at, u8::MAX, &root_bytes(root)) != rest.take() {
            return Err(damaged("its footer was not written under the key of this log"));
        }
        Ok(Self { file, path: path.to_owned(), span, seal, root, bytes })
    }

    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn root(&self) -> Place {
        self.root
    }

    /// A block that says which blocks are below.
    pub(super) fn children(&self, place: Place) -> Result<Children, AuditError> {
        let bytes = self.read(place)?;
        if place.level == 0 || bytes.is_empty() || bytes.len() % CHILD_BYTES != 0 {
            return Err(self.damaged("a block of its tree has another form"));
        }
        Ok(Children { place, bytes })
    }

    /// A block of entries.
    pub(super) fn entries(&self, place: Place) -> Result<Entries, AuditError> {
        let bytes = self.read(place)?;
        let entries = (place.level == 0).then(|| parse(&bytes, self.span.first)).flatten();
        let entries = entries.filter(|entries| !entries.is_empty());
        let entries = entries.ok_or_else(|| self.damaged("a block of entries has another form"))?;
        Ok(Entries { bytes, entries })
    }

    pub(super) fn damaged(&self, why: &str) -> AuditError {
        AuditError::Index { path: self.path.clone(), why: why.to_owned() }
    }

    fn read(&self, place: Place) -> Result<Vec<u8>, AuditError> {
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        if !(CODE_BYTES..=BLOCK_BYTES_MAX).contains(&length) || place.level > LEVELS_MAX {
            return Err(self.damaged("a block is out of bounds"));
        }
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, place.offset);
        read.map_err(|error| AuditError::io("cannot read", &self.path, error))?;
        let code = bytes.split_off(length - CODE_BYTES);
        if self.seal.code(place.offset, place.level, &bytes).as_slice() != code {
            return Err(self.damaged("a block is not what was written"));
        }
        Ok(bytes)
    }
}

/// A block above entries.
#[derive(Debug)]
pub(super) struct Children {
    pub(super) place: Place,
    bytes: Vec<u8>,
}

impl Children {
    /// The last block that begins at or before a key.
    pub(super) fn at_or_before(&self, key: Key) -> Option<Place> {
        let (children, _) = self.bytes.as_chunks::<CHILD_BYTES>();
        let behind = children.partition_point(|child| key_of(child) <= key);
        self.nth(behind.checked_sub(1)?)
    }

    pub(super) fn nth(&self, number: usize) -> Option<Place> {
        let (children, _) = self.bytes.as_chunks::<CHILD_BYTES>();
        let mut rest = Fields(children.get(number)?);
        rest.take::<{ TERM_BYTES + 4 }>();
        let offset = u64::from_le_bytes(rest.take());
        let length = u32::from_le_bytes(rest.take());
        Some(Place { offset, length, level: self.place.level.checked_sub(1)? })
    }
}

/// A block of entries, looked through.
#[derive(Debug)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    form: Form,
    postings: Range<usize>,
}

impl Entries {
    pub(super) fn first(&self) -> Option<Key> {
        self.entries.first().map(|entry| entry.key)
    }

    pub(super) fn get(&self, number: usize) -> Option<(Key, Form, &[u8])> {
        let entry = self.entries.get(number)?;
        Some((entry.key, entry.form, self.bytes.get(entry.postings.clone()).unwrap_or_default()))
    }

    /// The last entry at or before a key.
    pub(super) fn at_or_before(&self, key: Key) -> Option<(Key, Form, &[u8])> {
        self.get(self.entries.partition_point(|entry| entry.key <= key).checked_sub(1)?)
    }
}

/// Writes a segment from entries that come in order. Its memory is a block for each level.
#[derive(Debug)]
pub(super) struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
    span: Span,
    seal: Seal,
    offset: u64,
    block: Vec<u8>,
    first_of_block: Option<Key>,
    last: Option<Key>,
    /// Of each level above the entries: the children that wait for their block, and the first of them.
    levels: Vec<(Vec<u8>, Option<Key>)>,
}

impl Writer {
    /// Begins a segment under another name than it will have.
    pub(super) fn begin(path: &Path, key: &IndexKey, span: Span) -> Result<Self, AuditError> {
        let new = path.with_extension("new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new);
        let file = file.map_err(|error| AuditError::io("cannot write", &new, error))?;
        Ok(Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
            span,
            seal: Seal::new(key, &span),
            offset: 0,
            block: Vec::with_capacity(BLOCK_BYTES_MAX),
            first_of_block: None,
            last: None,
            levels: Vec::new(),
        })
    }

    /// Adds an entry, which comes after all before it.
    pub(super) fn push(&mut self, key: Key, form: Form, postings: &[u8]) -> Result<(), AuditError> {
        debug_assert!(self.last.is_none_or(|last| last < key), "entries come in order");
        if self.block.len() + postings.len() > BLOCK_BYTES && !self.block.is_empty() {
            self.end_block()?;
        }
        let (term, chunk) = key;
        let first_of_term = self.first_of_block.is_none() || self.last.is_none_or(|(last, _)| last != term);
        self.block.push(form.code() | if first_of_term { FIRST_OF_TERM } else { 0 });
        if first_of_term {
            self.block.extend(term.0);
        }
        put_number(&mut self.block, chunk.saturating_sub(self.span.first));
        if form != Form::All {
            put_number(&mut self.block, u32::try_from(postings.len()).unwrap_or(u32::MAX));
            self.block.extend(postings);
        }
        self.first_of_block.get_or_insert(key);
        self.last = Some(key);
        Ok(())
    }

    /// Ends the segment: durable, and under its name.
    pub(super) fn finish(mut self, disk: &dyn Disk) -> Result<(), AuditError> {
        self.end_block()?;
        let mut level = 0;
        let root = loop {
            let (children, _) = self.levels.get(level).cloned().unwrap_or_default();
            if self.levels.len() <= level + 1 && children.len() == CHILD_BYTES {
                let mut rest = Fields(&children);
                rest.take::<{ TERM_BYTES + 4 }>();
                let offset = u64::from_le_bytes(rest.take());
                let length = u32::from_le_bytes(rest.take());
                break Place { offset, length, level: u8::try_from(level).unwrap_or(u8::MAX) };
            }
            if self.levels.len() <= level {
                let why = "a segment without entries is not written".to_owned();
                return Err(AuditError::Index { path: self.path, why });
            }
            self.end_level(level)?;
            level += 1;
        };
        let mut footer = self.span.bytes();
        footer.extend(root_bytes(root));
        footer.extend(self.seal.code(self.offset, u8::MAX, &root_bytes(root)));
        let (path, new) = (&self.path, self.path.with_extension("new"));
        let fail = |error| AuditError::io("cannot write", path, error);
        self.file.write_all(&footer).map_err(fail)?;
        let file = self.file.into_inner().map_err(|error| fail(error.into_error()))?;
        disk.sync_data(&file).map_err(fail)?;
        disk.rename(&new, path).map_err(fail)?;
        disk.sync_directory(path.parent().unwrap_or(path)).map_err(fail)
    }

    fn end_block(&mut self) -> Result<(), AuditError> {
        let Some(first) = self.first_of_block.take() else { return Ok(()) };
        let block = std::mem::take(&mut self.block);
        let place = self.write(0, &block)?;
        self.block = block;
        self.block.clear();
        self.add_child(0, first, place)
    }

    /// Notes a block of `level` in the level above.
    fn add_child(&mut self, level: usize, first: Key, place: Place) -> Result<(), AuditError> {
        if self.levels.len() <= level {
            self.levels.push((Vec::new(), None));
        }
        let Some((children, first_child)) = self.levels.get_mut(level) else { return Ok(()) };
        let (Term(term), chunk) = first;
        children.extend(term);
        children.extend(chunk.to_le_bytes());
        children.extend(place.offset.to_le_bytes());
        children.extend(place.length.to_le_bytes());
        first_child.get_or_insert(first);
        if children.len() + CHILD_BYTES > BLOCK_BYTES { self.end_level(level) } else { Ok(()) }
    }

    fn end_level(&mut self, level: usize) -> Result<(), AuditError> {
        let taken = self.levels.get_mut(level).map(std::mem::take);
        let Some((children, Some(first))) = taken else { return Ok(()) };
        let place = self.write(u8::try_from(level + 1).unwrap_or(u8::MAX), &children)?;
        self.add_child(level + 1, first, place)
    }

    fn write(&mut self, level: u8, block: &[u8]) -> Result<Place, AuditError> {
        let offset = self.offset;
        let code = self.seal.code(offset, level, block);
        let written = self.file.write_all(block).and_then(|()| self.file.write_all(&code));
        written.map_err(|error| AuditError::io("cannot write", &self.path, error))?;
        let length = block.len() + CODE_BYTES;
        self.offset += length as u64;
        Ok(Place { offset, length: u32::try_from(length).unwrap_or(u32::MAX), level })
    }
}

// === helpers ===

/// What makes the codes of one segment.
#[derive(Debug)]
struct Seal {
    key: IndexKey,
    span: [u8; 32],
}

impl Seal {
    fn new(key: &IndexKey, span: &Span) -> Self {
        Self { key: key.clone(), span: keyed_blake3(&key.blocks, &[b"segment", &span.bytes()]) }
    }

    fn code(&self, offset: u64, level: u8, block: &[u8]) -> [u8; CODE_BYTES] {
        let parts: [&[u8]; 5] = [b"block", &self.span, &offset.to_le_bytes(), &[level], block];
        let mut code = [0; CODE_BYTES];
        code.iter_mut().zip(keyed_blake3(&self.key.blocks, &parts)).for_each(|(to, from)| *to = from);
        code
    }
}

/// Fields of fixed length, one after the other; zeros behind the end, which no length that was checked reaches.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *field
    }
}

fn root_bytes(root: Place) -> Vec<u8> {
    let mut bytes = root.offset.to_le_bytes().to_vec();
    bytes.extend(root.length.to_le_bytes());
    bytes.push(root.level);
    bytes
}

fn key_of(child: &[u8]) -> Key {
    let mut rest = Fields(child);
    (Term(rest.take()), u32::from_le_bytes(rest.take()))
}

fn parse(bytes: &[u8], first_chunk: u32) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut term = None;
    let mut at = 0;
    while let Some(&flags) = bytes.get(at) {
        at += 1;
        if flags & FIRST_OF_TERM != 0 {
            term = Some(Term(bytes.get(at..at + TERM_BYTES)?.try_into().ok()?));
            at += TERM_BYTES;
        }
        let form = Form::of_code(flags & !FIRST_OF_TERM)?;
        let chunk = first_chunk.checked_add(take_number(bytes, &mut at)?)?;
        let length = match form {
            Form::All => 0,
            Form::Places | Form::Bits | Form::Times | Form::Tallies => take_number(bytes, &mut at)?,
        };
        let end = at.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= bytes.len())?;
        entries.push(Entry { key: (term?, chunk), form, postings: at..end });
        at = end;
    }
    Some(entries)
}

/// Seven bits in each byte, the lowest first, the highest bit where more follow.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

pub(super) fn take_number(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

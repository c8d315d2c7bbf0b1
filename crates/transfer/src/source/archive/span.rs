//! A part of a file that several readers share, each with a position of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// So many bytes of a file, from one place on.
#[derive(Clone)]
pub(in crate::source) struct Span {
    file: Arc<File>,
    start: u64,
    bytes: u64,
}

/// Reads a span.
#[derive(Clone)]
pub(in crate::source) struct Positioned {
    span: Span,
    at: u64,
}

impl Span {
    /// The first bytes of a file.
    pub(super) fn new(file: File, bytes: u64) -> Self {
        Self { file: Arc::new(file), start: 0, bytes }
    }

    pub(in crate::source) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A part of it; `None` where it ends before.
    pub(super) fn part(&self, start: u64, bytes: u64) -> Option<Self> {
        let end = start.checked_add(bytes).filter(|end| *end <= self.bytes)?;
        let start = self.start.checked_add(end - bytes)?;
        Some(Self { file: Arc::clone(&self.file), start, bytes })
    }

    /// Reads it from its beginning. Where the file was cut meanwhile, that is an error and not the end.
    pub(in crate::source) fn reader(&self) -> Positioned {
        Positioned { span: self.clone(), at: 0 }
    }
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.span.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let read = self.span.file.read_at(buffer, self.span.start + self.at)?;
        if read == 0 && room > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.span.bytes.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.at.checked_add_signed(distance),
        };
        self.at =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start of the file"))?;
        Ok(self.at)
    }
}

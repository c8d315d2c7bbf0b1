//! A tar archive (POSIX.1-2008, pax, "ustar Interchange Format" and "pax Extended Header"; long names of GNU tar too), read header
//! by header: nothing of it is held in memory.

use super::span::Span;
use std::io::Read;

/// Headers and contents are aligned to this.
const BLOCK_BYTES: u64 = 512;

/// Bytes of a header that names a file: a path has 4,096.
const EXTENDED_BYTES_MAX: u64 = 1 << 20;

/// A tar archive and how far it was read.
pub(in crate::source) struct Tarred {
    span: Span,
    at: u64,
    /// It is damaged: what follows cannot be found.
    ended: bool,
}

/// An entry that stands for something.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) what: Result<What, String>,
}

pub(super) enum What {
    File(Span),
    Link,
    Special,
}

/// What the next header is told by the ones before it.
#[derive(Default)]
struct Told {
    name: Option<String>,
    bytes: Option<u64>,
}

impl Tarred {
    pub(super) const fn new(span: Span) -> Self {
        Self { span, at: 0, ended: false }
    }

    /// The next entry that is no folder. A damaged archive ends with why.
    pub(super) fn next(&mut self) -> Option<Entry> {
        if self.ended {
            return None;
        }
        let began = self.at;
        self.read().unwrap_or_else(|reason| {
            self.ended = true;
            let what = Err(format!("the tar archive cannot be read from byte {began} on: {reason}"));
            Some(Entry { name: began.to_string(), what })
        })
    }

    fn read(&mut self) -> Result<Option<Entry>, String> {
        let mut told = Told::default();
        loop {
            // Two blocks of zeros end an archive; some writers leave them out.
            if self.at == self.span.bytes() {
                return Ok(None);
            }
            let header = self.content(BLOCK_BYTES)?;
            if header.iter().all(|byte| *byte == 0) {
                self.ended = true;
                return Ok(None);
            }
            let field = |from: usize, to: usize| header.get(from..to).unwrap_or_default();
            if number(field(148, 156)) != Some(sum_of(&header)) {
                return Err("a header with a wrong check sum".to_owned());
            }
            let size = told.bytes.or_else(|| number(field(124, 136))).ok_or("a size that is no number")?;
            let kind = field(156, 157).first().copied().unwrap_or_default();
            let mut name =
                told.name.take().unwrap_or_else(|| name_of(field(257, 262), field(345, 500), field(0, 100)));
            match kind {
                // Headers about the next one: pax, and GNU's long names.
                b'x' | b'L' if size > EXTENDED_BYTES_MAX => {
                    return Err("a header that is far too long".to_owned());
                }
                b'x' => told = extended(&self.content(size)?),
                b'L' => told.name = Some(text(&self.content(size)?)),
                b'0' | b'\0' | b'7' if !name.ends_with('/') => {
                    let content = self.span.part(self.at, size).ok_or("it ends inside of an entry")?;
                    self.skip(size);
                    return Ok(Some(Entry { name, what: Ok(What::File(content)) }));
                }
                b'1' | b'2' => return Ok(Some(Entry { name, what: Ok(What::Link) })),
                b'3' | b'4' | b'6' => return Ok(Some(Entry { name, what: Ok(What::Special) })),
                // Folders, and headers about the whole archive or about links.
                _ => {
                    self.skip(size);
                    name.clear();
                    told = Told::default();
                }
            }
        }
    }

    /// The next bytes, and over what fills their last block.
    fn content(&mut self, bytes: u64) -> Result<Vec<u8>, String> {
        let part = self.span.part(self.at, bytes).ok_or("it ends inside of a header")?;
        let mut content = Vec::new();
        part.reader().read_to_end(&mut content).map_err(|error| error.to_string())?;
        self.skip(bytes);
        Ok(content)
    }

    fn skip(&mut self, bytes: u64) {
        let blocks = bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES);
        // The last content may not be filled up.
        self.at = self.at.saturating_add(blocks).min(self.span.bytes());
    }
}

/// The sum of a header's bytes, its own field taken as blanks.
fn sum_of(header: &[u8]) -> u64 {
    let bytes = header.iter().zip(0_usize..);
    bytes.map(|(byte, at)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum()
}

/// An octal number, or one of GNU's in base 256.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => rest
            .iter()
            .try_fold(0_u64, |number, byte| number.checked_mul(256).map(|number| number | u64::from(*byte))),
        _ => {
            let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
            if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
        }
    }
}

fn name_of(magic: &[u8], prefix: &[u8], name: &[u8]) -> String {
    match (magic, text(prefix)) {
        (b"ustar", prefix) if !prefix.is_empty() => format!("{prefix}/{}", text(name)),
        _ => text(name),
    }
}

/// A text that ends at its first zero.
fn text(field: &[u8]) -> String {
    let end = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(end).into_owned()
}

/// The records of a pax header that matter here: `length key=value`, each with its line end.
fn extended(content: &[u8]) -> Told {
    let mut told = Told::default();
    for record in content.split(|byte| *byte == b'\n') {
        let record = String::from_utf8_lossy(record);
        let Some((_, pair)) = record.split_once(' ') else { continue };
        match pair.split_once('=') {
            Some(("path", path)) => told.name = Some(path.to_owned()),
            Some(("size", size)) => told.bytes = size.parse().ok(),
            _ => {}
        }
    }
    told
}

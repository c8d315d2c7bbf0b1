//! Writes a zip archive (APPNOTE 6.3.10) as a stream: entries are stored as they are, because images are packed already, and
//! nothing is written twice. Sizes beyond 4 GiB are written in the 64-bit form (APPNOTE §4.5.3).

use bytes::Bytes;

/// 1980-01-01, the first day of the format: the same study gives the same archive, and no clock is told.
const DOS_DATE: u16 = 0x0021;

/// Version needed to extract: folders and, for the 64-bit form, 4.5 (APPNOTE §4.4.3.2).
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;

/// General purpose bit 3: sizes and check sum follow the entry (APPNOTE §4.4.4).
const SIZES_FOLLOW: u16 = 1 << 3;

const SATURATED_32: u32 = u32::MAX;
const SATURATED_16: u16 = u16::MAX;

/// The table of an archive in the making: each entry costs its name and some tens of bytes.
#[derive(Debug, Default)]
pub(super) struct Zip {
    /// Bytes written so far.
    at: u64,
    entries: u64,
    /// The central directory.
    central: Vec<u8>,
    open: Option<Open>,
}

/// An entry whose sizes follow.
#[derive(Debug)]
struct Open {
    name: String,
    start: u64,
    bytes: u64,
    sum: crc32fast::Hasher,
    is_64: bool,
}

impl Zip {
    /// The header of an entry whose content is at hand. The content follows it.
    pub(super) fn whole(&mut self, name: &str, content: &[Bytes]) -> Bytes {
        let mut sum = crc32fast::Hasher::new();
        let mut bytes = 0_u64;
        for chunk in content {
            sum.update(chunk);
            bytes += chunk.len() as u64;
        }
        let (start, sum) = (self.at, sum.finalize());
        let head = local_header(name, 0, sum, bytes);
        self.at += head.len() as u64 + bytes;
        self.list(name, 0, sum, bytes, start);
        head.into()
    }

    /// The header of an entry whose content comes in pieces, about `bytes` of them.
    pub(super) fn begin(&mut self, name: &str, bytes: u64) -> Bytes {
        let is_64 = bytes >= u64::from(SATURATED_32);
        // Zero in the header, whatever will come; only the 64-bit form must be announced here.
        let head = if is_64 { local_header_64(name) } else { local_header(name, SIZES_FOLLOW, 0, 0) };
        let start = self.at;
        self.at += head.len() as u64;
        self.open =
            Some(Open { name: name.to_owned(), start, bytes: 0, sum: crc32fast::Hasher::new(), is_64 });
        head.into()
    }

    /// Counts a piece of the open entry.
    pub(super) fn count(&mut self, chunk: &[u8]) {
        self.at += chunk.len() as u64;
        if let Some(open) = &mut self.open {
            open.sum.update(chunk);
            open.bytes += chunk.len() as u64;
        }
    }

    /// What follows the open entry (APPNOTE §4.3.9).
    pub(super) fn end(&mut self) -> Bytes {
        let Some(Open { name, start, bytes, sum, is_64 }) = self.open.take() else { return Bytes::new() };
        let sum = sum.finalize();
        let mut tail = b"PK\x07\x08".to_vec();
        put32(&mut tail, sum);
        for _compressed_and_not in 0..2 {
            if is_64 {
                put64(&mut tail, bytes);
            } else {
                put32(&mut tail, saturated(bytes));
            }
        }
        self.at += tail.len() as u64;
        self.list(&name, SIZES_FOLLOW, sum, bytes, start);
        tail.into()
    }

    /// The central directory and the end of the archive.
    pub(super) fn finish(self) -> Bytes {
        let (start, length) = (self.at, self.central.len() as u64);
        let mut out = self.central;
        let is_64 = self.entries >= u64::from(SATURATED_16)
            || start >= u64::from(SATURATED_32)
            || length >= u64::from(SATURATED_32);
        if is_64 {
            let end = start + length;
            out.extend_from_slice(b"PK\x06\x06");
            put64(&mut out, 44);
            put16(&mut out, VERSION_64);
            put16(&mut out, VERSION_64);
            put32(&mut out, 0);
            put32(&mut out, 0);
            for number in [self.entries, self.entries, length, start] {
                put64(&mut out, number);
            }
            out.extend_from_slice(b"PK\x06\x07");
            put32(&mut out, 0);
            put64(&mut out, end);
            put32(&mut out, 1);
        }
        out.extend_from_slice(b"PK\x05\x06");
        put32(&mut out, 0);
        let entries = u16::try_from(self.entries).unwrap_or(SATURATED_16);
        put16(&mut out, entries);
        put16(&mut out, entries);
        put32(&mut out, saturated(length));
        put32(&mut out, saturated(start));
        put16(&mut out, 0);
        out.into()
    }

    /// Adds an entry to the central directory (APPNOTE §4.3.12).
    fn list(&mut self, name: &str, flags: u16, sum: u32, bytes: u64, start: u64) {
        self.entries += 1;
        let mut extra = Vec::new();
        let big = |number: u64| number >= u64::from(SATURATED_32);
        for number in [bytes, bytes, start].into_iter().filter(|number| big(*number)) {
            put64(&mut extra, number);
        }
        let version = if extra.is_empty() { VERSION } else { VERSION_64 };
        let out = &mut self.central;
        out.extend_from_slice(b"PK\x01\x02");
        put16(out, version);
        put16(out, version);
        put16(out, flags);
        put16(out, 0);
        put16(out, 0);
        put16(out, DOS_DATE);
        put32(out, sum);
        put32(out, saturated(bytes));
        put32(out, saturated(bytes));
        put16(out, short(name.len()));
        put16(out, if extra.is_empty() { 0 } else { short(extra.len() + 4) });
        for _comment_disk_and_attributes in 0..3 {
            put16(out, 0);
        }
        put32(out, 0);
        put32(out, saturated(start));
        out.extend_from_slice(name.as_bytes());
        if !extra.is_empty() {
            put16(out, 1);
            put16(out, short(extra.len()));
            out.extend_from_slice(&extra);
        }
    }
}

/// A local file header (APPNOTE §4.3.7) of an entry below 4 GiB.
fn local_header(name: &str, flags: u16, sum: u32, bytes: u64) -> Vec<u8> {
    header(name, VERSION, flags, sum, saturated(bytes), &[])
}

/// That of an entry whose sizes, of 64 bits, follow it.
fn local_header_64(name: &str) -> Vec<u8> {
    let mut extra = Vec::new();
    put16(&mut extra, 1);
    put16(&mut extra, 16);
    put64(&mut extra, 0);
    put64(&mut extra, 0);
    header(name, VERSION_64, SIZES_FOLLOW, 0, SATURATED_32, &extra)
}

fn header(name: &str, version: u16, flags: u16, sum: u32, bytes: u32, extra: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    put16(&mut out, version);
    put16(&mut out, flags);
    put16(&mut out, 0);
    put16(&mut out, 0);
    put16(&mut out, DOS_DATE);
    put32(&mut out, sum);
    put32(&mut out, bytes);
    put32(&mut out, bytes);
    put16(&mut out, short(name.len()));
    put16(&mut out, short(extra.len()));
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(extra);
    out
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// A number of 32 bits, or the sign that the 64-bit form holds it.
fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(SATURATED_32)
}

/// Names and extra fields are made here and have some tens of bytes.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(SATURATED_16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_four_gibibytes_and_sixty_five_thousand_entries_the_long_form_is_written() {
        let mut zip = Zip::default();
        zip.begin("BIG", 5 << 30);
        // As if five gibibytes had gone by.
        if let Some(open) = &mut zip.open {
            open.bytes = 5 << 30;
        }
        zip.at += 5 << 30;
        assert_eq!(zip.end().len(), 24);
        for number in 0..70_000 {
            zip.whole(&format!("F{number}"), &[Bytes::from_static(b"x")]);
        }
        let end = zip.finish();
        assert!(end.windows(4).any(|bytes| bytes == b"PK\x06\x06") && end.len() > 70_000 * 46);
        let mut zip = Zip::default();
        zip.whole("A", &[]);
        assert!(!zip.finish().windows(4).any(|bytes| bytes == b"PK\x06\x06"));
    }
}

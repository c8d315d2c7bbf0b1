//! Reads a multipart body part by part without holding a part in memory.
//!
//! Chunks of the network pass through as slices of the received buffer; only the few bytes that may be the
//! beginning of a delimiter wait for the next chunk. The reader never guesses: a body that ends before its
//! closing delimiter is [`MultipartError::Unfinished`], so a cut upload is not taken for a short one.

use crate::limits;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use memchr::memmem::Finder;

/// Why a multipart body cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError<E> {
    /// The boundary has other characters than RFC 2046 allows, or too many.
    #[error("a boundary has 1 to {} characters of RFC 2046 §5.1.1", limits::BOUNDARY_BYTES_MAX)]
    BadBoundary,
    /// The body ended before the closing delimiter.
    #[error("the multipart body ended before its closing delimiter")]
    Unfinished,
    /// No delimiter at the beginning.
    #[error("no delimiter within the first {} bytes of the multipart body", limits::PREAMBLE_BYTES_MAX)]
    NoDelimiter,
    /// Part headers too long.
    #[error(
        "the headers of a part have at most {} bytes and {} fields",
        limits::PART_HEADER_BYTES_MAX,
        limits::PART_HEADER_FIELDS_MAX
    )]
    HeadersTooLong,
    /// Part headers are not header fields.
    #[error("the headers of a part are lines of the form `name: value`")]
    MalformedHeaders,
    /// Too many parts.
    #[error("a multipart body has at most {0} parts")]
    TooManyParts(usize),
    /// The transport failed.
    #[error("the body could not be read on")]
    Body(#[source] E),
}

/// The headers of one part that a reader of DICOMweb needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// `Content-Type` of the part, as sent.
    pub content_type: Option<String>,
    /// `Content-Location` of the part, as sent.
    pub content_location: Option<String>,
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Preamble,
    Headers,
    Content,
    End,
}

/// A streaming reader of one multipart body.
#[derive(Debug)]
pub struct Reader<S> {
    source: S,
    buffer: Bytes,
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    place: Place,
    parts: usize,
    parts_max: usize,
    source_ended: bool,
}

impl<S, E> Reader<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// Prepares to read a body whose parts are parted by `boundary`, at most `parts_max` of them.
    ///
    /// # Errors
    /// [`MultipartError::BadBoundary`] when the boundary breaks RFC 2046 §5.1.1.
    pub fn new(source: S, boundary: &str, parts_max: usize) -> Result<Self, MultipartError<E>> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
        if boundary.is_empty()
            || boundary.len() > limits::BOUNDARY_BYTES_MAX
            || boundary.ends_with(' ')
            || !boundary.bytes().all(legal)
        {
            return Err(MultipartError::BadBoundary);
        }
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Ok(Self {
            source,
            // The first delimiter may stand at the very beginning, without its line break.
            buffer: Bytes::from_static(b"\r\n"),
            finder: Finder::new(&delimiter).into_owned(),
            delimiter,
            place: Place::Preamble,
            parts: 0,
            parts_max,
            source_ended: false,
        })
    }

    /// Goes to the next part, skipping what is left of the present one. `None` after the closing delimiter.
    ///
    /// # Errors
    /// [`MultipartError`] says which rule is broken; the body cannot be read on after it.
    pub async fn next_part(&mut self) -> Result<Option<Part>, MultipartError<E>> {
        if self.place == Place::Preamble {
            self.skip_preamble().await?;
        }
        while self.chunk().await?.is_some() {}
        match self.place {
            Place::End => Ok(None),
            Place::Preamble | Place::Headers | Place::Content => {
                self.parts += 1;
                if self.parts > self.parts_max {
                    return Err(MultipartError::TooManyParts(self.parts_max));
                }
                let part = self.headers().await?;
                self.place = Place::Content;
                Ok(Some(part))
            }
        }
    }

    /// The next bytes of the present part; `None` at its end.
    ///
    /// # Errors
    /// [`MultipartError::Unfinished`] when the body ends inside the part, or the transport's error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, MultipartError<E>> {
        while self.place == Place::Content {
            if let Some(at) = self.finder.find(&self.buffer) {
                let data = self.buffer.split_to(at);
                if data.is_empty() {
                    self.after_delimiter().await?;
                    continue;
                }
                return Ok(Some(data));
            }
            let ready = self.buffer.len() - self.possible_delimiter_bytes();
            if ready > 0 {
                return Ok(Some(self.buffer.split_to(ready)));
            }
            self.fill().await?;
        }
        Ok(None)
    }

    async fn skip_preamble(&mut self) -> Result<(), MultipartError<E>> {
        loop {
            if let Some(at) = self.finder.find(&self.buffer) {
                if at > limits::PREAMBLE_BYTES_MAX {
                    return Err(MultipartError::NoDelimiter);
                }
                let _preamble = self.buffer.split_to(at);
                return self.after_delimiter().await;
            }
            if self.buffer.len() > limits::PREAMBLE_BYTES_MAX + self.delimiter.len() {
                return Err(MultipartError::NoDelimiter);
            }
            self.fill().await?;
        }
    }

    /// The buffer begins with a delimiter: it ends the body (`--`) or opens the next part (line break).
    async fn after_delimiter(&mut self) -> Result<(), MultipartError<E>> {
        let after = self.delimiter.len();
        loop {
            let tail = self.buffer.get(after..).unwrap_or_default();
            if tail.starts_with(b"--") {
                self.buffer = Bytes::new();
                self.place = Place::End;
                return self.skip_epilogue().await;
            }
            // RFC 2046 §5.1.1 allows blanks between the delimiter and its line break.
            let blanks = tail.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            if blanks > limits::BOUNDARY_BYTES_MAX {
                return Err(MultipartError::MalformedHeaders);
            }
            let rest = tail.get(blanks..).unwrap_or_default();
            if rest.starts_with(b"\r\n") {
                // The line break stays: a part without headers begins with a second one at once.
                let _delimiter = self.buffer.split_to(after + blanks);
                self.place = Place::Headers;
                return Ok(());
            }
            if rest.len() >= 2 {
                return Err(MultipartError::MalformedHeaders);
            }
            self.fill().await?;
        }
    }

    async fn headers(&mut self) -> Result<Part, MultipartError<E>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                if end > limits::PART_HEADER_BYTES_MAX {
                    return Err(MultipartError::HeadersTooLong);
                }
                let head = self.buffer.split_to(end + 4);
                let part = parse_headers(head.get(..end).unwrap_or_default())?;
                // An empty part has its delimiter right here; the line break before it was taken as the end
                // of the headers, so it is put back.
                if self.starts_with_delimiter_tail().await? {
                    self.prepend_line_break();
                }
                return Ok(part);
            }
            if self.buffer.len() > limits::PART_HEADER_BYTES_MAX + 4 {
                return Err(MultipartError::HeadersTooLong);
            }
            self.fill().await?;
        }
    }

    /// Whether the content begins with `--boundary`, which can only be the delimiter of an empty part.
    async fn starts_with_delimiter_tail(&mut self) -> Result<bool, MultipartError<E>> {
        loop {
            let tail = self.delimiter.get(2..).unwrap_or_default();
            if self.buffer.starts_with(tail) {
                return Ok(true);
            }
            if self.buffer.len() >= tail.len() || !tail.starts_with(&self.buffer) {
                return Ok(false);
            }
            self.fill().await?;
        }
    }

    fn prepend_line_break(&mut self) {
        let mut joined = BytesMut::with_capacity(self.buffer.len() + 2);
        joined.extend_from_slice(b"\r\n");
        joined.extend_from_slice(&self.buffer);
        self.buffer = joined.freeze();
    }

    /// Reads the rest of the body, so that the connection can be used again; its content means nothing.
    async fn skip_epilogue(&mut self) -> Result<(), MultipartError<E>> {
        let mut skipped = 0;
        while !self.source_ended {
            match self.source.next().await {
                Some(Ok(bytes)) => skipped += bytes.len(),
                Some(Err(error)) => return Err(MultipartError::Body(error)),
                None => self.source_ended = true,
            }
            if skipped > limits::PREAMBLE_BYTES_MAX {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How many bytes at the end of the buffer could be the beginning of a delimiter.
    fn possible_delimiter_bytes(&self) -> usize {
        let longest = self.buffer.len().min(self.delimiter.len() - 1);
        (1..=longest)
            .rev()
            .find(|count| {
                let tail = self.buffer.get(self.buffer.len() - count..).unwrap_or_default();
                self.delimiter.starts_with(tail)
            })
            .unwrap_or(0)
    }

    /// Adds the next chunk of the network to the buffer.
    async fn fill(&mut self) -> Result<(), MultipartError<E>> {
        match self.source.next().await {
            Some(Ok(bytes)) if self.buffer.is_empty() => self.buffer = bytes,
            Some(Ok(bytes)) => {
                let mut joined = BytesMut::with_capacity(self.buffer.len() + bytes.len());
                joined.extend_from_slice(&self.buffer);
                joined.extend_from_slice(&bytes);
                self.buffer = joined.freeze();
            }
            Some(Err(error)) => return Err(MultipartError::Body(error)),
            None => return Err(MultipartError::Unfinished),
        }
        Ok(())
    }
}

fn parse_headers<E>(head: &[u8]) -> Result<Part, MultipartError<E>> {
    let text = std::str::from_utf8(head).map_err(|_| MultipartError::MalformedHeaders)?;
    let mut part = Part::default();
    for (count, line) in text.split("\r\n").filter(|line| !line.is_empty()).enumerate() {
        if count >= limits::PART_HEADER_FIELDS_MAX {
            return Err(MultipartError::HeadersTooLong);
        }
        let (name, value) = line.split_once(':').ok_or(MultipartError::MalformedHeaders)?;
        let value = value.trim();
        if name.is_empty() || name.contains([' ', '\t']) || line.chars().any(|c| c.is_control() && c != '\t')
        {
            return Err(MultipartError::MalformedHeaders);
        }
        if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-location") {
            part.content_location = Some(value.to_owned());
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use proptest::prelude::*;
    use std::convert::Infallible;

    type Outcome = Result<Vec<(Part, Vec<u8>)>, MultipartError<Infallible>>;

    /// Reads a body that arrives in pieces of `piece` bytes.
    fn read(body: &[u8], boundary: &str, piece: usize, parts_max: usize) -> Outcome {
        let pieces: Vec<Result<Bytes, Infallible>> =
            body.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut reader = Reader::new(stream::iter(pieces), boundary, parts_max)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut parts = Vec::new();
            while let Some(part) = reader.next_part().await? {
                let mut content = Vec::new();
                while let Some(chunk) = reader.chunk().await? {
                    assert!(!chunk.is_empty());
                    content.extend_from_slice(&chunk);
                }
                parts.push((part, content));
            }
            Ok(parts)
        })
    }

    fn body(parts: &[&[u8]], boundary: &str) -> Vec<u8> {
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        body
    }

    #[test]
    fn parts_come_back_however_the_network_cuts_them() {
        let parts: [&[u8]; 4] = [b"one", b"", b"\r\n--boundar\r\n--", b"--b\r\n\r\n"];
        let body = body(&parts, "boundary");
        for piece in 1..body.len() {
            let read = read(&body, "boundary", piece, 10).unwrap();
            let contents: Vec<&[u8]> = read.iter().map(|(_, content)| content.as_slice()).collect();
            assert_eq!(contents, parts, "pieces of {piece}");
            assert_eq!(read[0].0.content_type.as_deref(), Some("application/dicom"));
        }
    }

    #[test]
    fn preamble_epilogue_and_blanks_after_a_delimiter_are_ignored() {
        let body = b"ignored\r\n--b  \r\n\r\nx\r\n--b--  \r\nignored too";
        for piece in 1..body.len() {
            let read = read(body, "b", piece, 10).unwrap();
            assert_eq!(read, vec![(Part::default(), b"x".to_vec())]);
        }
    }

    #[test]
    fn a_body_that_is_cut_anywhere_before_its_closing_delimiter_is_unfinished() {
        let whole = body(&[b"one".as_slice(), b"two"], "b");
        let closing = whole.len() - 2;
        for cut in 0..closing {
            let result = read(&whole[..cut], "b", 7, 10);
            assert!(matches!(result, Err(MultipartError::Unfinished)), "cut at {cut}: {result:?}");
        }
        assert!(read(&whole[..closing], "b", 7, 10).is_ok());
    }

    #[test]
    fn the_bounds_of_parts_headers_and_preamble_hold() {
        let many = body(&[b"x".as_slice(); 11], "b");
        assert!(matches!(read(&many, "b", 64, 10), Err(MultipartError::TooManyParts(10))));
        let long = format!("--b\r\nA: {}\r\n\r\nx\r\n--b--", "y".repeat(limits::PART_HEADER_BYTES_MAX));
        assert!(matches!(read(long.as_bytes(), "b", 64, 10), Err(MultipartError::HeadersTooLong)));
        let fields = format!("--b\r\n{}\r\nx\r\n--b--", "A: b\r\n".repeat(17));
        assert!(matches!(read(fields.as_bytes(), "b", 64, 10), Err(MultipartError::HeadersTooLong)));
        let preamble = "x".repeat(limits::PREAMBLE_BYTES_MAX + 100);
        assert!(matches!(read(preamble.as_bytes(), "b", 64, 10), Err(MultipartError::NoDelimiter)));
    }

    #[test]
    fn malformed_part_headers_are_refused() {
        for head in ["no colon", ": empty name", "a b: c", "a: b\u{0}c", "a: b\nc: d"] {
            let body = format!("--b\r\n{head}\r\n\r\nx\r\n--b--");
            assert!(
                matches!(read(body.as_bytes(), "b", 64, 10), Err(MultipartError::MalformedHeaders)),
                "{head:?}"
            );
        }
        assert!(matches!(read(b"--bXY\r\n\r\n", "b", 64, 10), Err(MultipartError::MalformedHeaders)));
    }

    #[test]
    fn a_boundary_of_other_characters_or_beyond_the_bound_is_refused() {
        for boundary in ["", "a ", "a\r\nb", "é", &"x".repeat(129)] {
            assert!(matches!(read(b"", boundary, 1, 1), Err(MultipartError::BadBoundary)), "{boundary:?}");
        }
        let of_orthanc = "x".repeat(73);
        assert_eq!(read(&body(&[b"one".as_slice()], &of_orthanc), &of_orthanc, 7, 1).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn any_parts_in_any_pieces_come_back(
            parts in prop::collection::vec(prop::collection::vec(prop::num::u8::ANY, 0..200), 0..6),
            piece in 1_usize..300,
        ) {
            let boundary = "never-in-random-bytes-0123456789";
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let read = read(&body(&slices, boundary), boundary, piece, 10).unwrap();
            let contents: Vec<Vec<u8>> = read.into_iter().map(|(_, content)| content).collect();
            prop_assert_eq!(contents, parts);
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_crash(
            bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), Just(b':')], 0..120),
            piece in 1_usize..40,
        ) {
            let _ = read(&bytes, "b", piece, 3);
        }
    }
}

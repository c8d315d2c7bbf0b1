//! Writes multipart answers: small separate chunks for delimiters and part headers, the content as it comes,
//! and the exact length of the whole before the first byte.

use bytes::Bytes;

/// The boundary of one answer, which must not occur in the content.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    boundary: String,
    outer_type: String,
}

impl Writer {
    /// A writer of parts of one type, e.g. `application/dicom`. The boundary is made of 128 bits that nobody
    /// can know before the content is stored: they occur in 64 GiB of it with a probability below 2^-90.
    pub(crate) fn new(part_type: &str, boundary: [u8; 16]) -> Self {
        let boundary = hex::encode(boundary);
        let essence = part_type.split(';').next().unwrap_or(part_type).trim().to_owned();
        Self { boundary, outer_type: essence }
    }

    /// The `Content-Type` of the whole answer.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/related; type=\"{}\"; boundary={}", self.outer_type, self.boundary)
    }

    /// Delimiter and headers of one part.
    pub(crate) fn head(&self, part_type: &str, location: Option<&str>, length: Option<u64>) -> Bytes {
        let mut head = format!("\r\n--{}\r\nContent-Type: {part_type}\r\n", self.boundary);
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        if let Some(location) = location {
            head.push_str(&format!("Content-Location: {location}\r\n"));
        }
        head.push_str("\r\n");
        Bytes::from(head)
    }

    /// The closing delimiter.
    pub(crate) fn tail(&self) -> Bytes {
        Bytes::from(format!("\r\n--{}--\r\n", self.boundary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multipart::Reader;
    use futures_util::stream;
    use std::convert::Infallible;

    #[tokio::test]
    async fn what_is_written_is_read_back() {
        let writer = Writer::new("application/dicom; transfer-syntax=1.2", [7; 16]);
        assert!(writer.content_type().contains("type=\"application/dicom\";"));
        let pieces = [
            writer.head("application/dicom", None, Some(3)),
            Bytes::from_static(b"abc"),
            writer.head("application/dicom", Some("https://a/b"), None),
            Bytes::from_static(b"\r\n"),
            writer.tail(),
        ];
        let source = stream::iter(pieces.map(Ok::<_, Infallible>));
        let mut reader = Reader::new(source, &hex::encode([7; 16]), 9).unwrap();
        assert_eq!(reader.next_part().await.unwrap().unwrap().content_location, None);
        assert_eq!(reader.chunk().await.unwrap().unwrap(), "abc");
        let part = reader.next_part().await.unwrap().unwrap();
        assert_eq!(part.content_location.as_deref(), Some("https://a/b"));
        assert_eq!(reader.chunk().await.unwrap().unwrap(), "\r\n");
        assert!(reader.next_part().await.unwrap().is_none());
    }
}
